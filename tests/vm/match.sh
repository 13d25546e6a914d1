#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Matches: tests/vm/match.py in the topology; what Postfix makes of what they mask.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

# typed LINE...: says HELO and MAIL, then the line in these pieces; prints the
# server's answer to it.
typed() {
	c "$PYTHON" -c '
import socket, sys, time
sock = socket.create_connection((sys.argv[1], 25), 30)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
file = sock.makefile("rb")
file.readline()
for line in b"HELO a.example\r\n", b"MAIL FROM:<a@example.org>\r\n":
    sock.sendall(line)
    file.readline()
for piece in sys.argv[2:]:
    time.sleep(0.3)
    sock.sendall(piece.encode())
sock.sendall(b"\r\n")
print(file.readline().decode().strip())' "$SERVER4" "$@"
}

# said LINE...: says HELO, MAIL and these lines, each when the one before is answered;
# prints the codes of the answers to the lines, or "closed".
said() {
	c "$PYTHON" -c '
import socket, sys
sock = socket.create_connection((sys.argv[1], 25), 30)
file = sock.makefile("rb")
file.readline()
codes = []
for line in "HELO a.example", "MAIL FROM:<a@example.org>", *sys.argv[2:]:
    try:
        sock.sendall(line.encode().decode("unicode_escape").encode() + b"\r\n")
        codes.append(file.readline()[:3].decode() or "closed")
    except ConnectionError:
        codes.append("closed")
    if codes[-1] == "closed":
        break
print(*codes[2:])' "$SERVER4" "$@"
}

# mailed HEADER: sends a mail with it
mailed() {
	said "RCPT TO:<b@example.org>" "DATA" "From: a\\r\\n$1\\r\\n\\r\\ntext\\r\\n."
}

topology
load_module mode=off || exit
count_suite match.py "$PYTHON" "$ROOT/tests/vm/match.py"

postfix_prepare
postfix_server
r smtpfixup set 25 fixup banner keep mail-relay example.org mask
contains "X5 Postfix takes a recipient within" "$(typed "RCPT TO:<b@example.org>")" '^250 '
contains "X5 Postfix knows no XXXX" "$(typed "RCPT TO:<b@6.example.org>")" '^50[02] '
contains "X10 Postfix refuses what is broken off" \
	"$(typed "RCPT TO:<b@6.exa" "mple.org>")" '^501 '
contains "X10 ... with parameters" \
	"$(typed "RCPT TO:<b@6.exa" "mple.org> NOTIFY=NEVER")" '^501 '
r smtpfixup set 25 fixup banner keep match recipient "b@6.*" drop
contains "X3 Postfix takes others" "$(typed "RCPT TO:<b@example.org>")" '^250 '
equal "X10 nothing comes of one that ends the connection" \
	"$(typed "RCPT TO:<b@6.example.org>" 2>/dev/null)" ""

# X2: Postfix refuses recipients of other domains
r smtpfixup set 25 fixup banner keep limit invalid-recipients 2 mask
equal "X2 after three that Postfix refused all are masked" \
	"$(said "RCPT TO:<"{1,2,3}"@example.net>" "RCPT TO:<b@example.org>")" "554 554 554 500"
equal "X2 ... and two are within the limit" \
	"$(said "RCPT TO:<"{1,2}"@example.net>" "RCPT TO:<b@example.org>")" "554 554 250"
r smtpfixup set 25 fixup banner keep limit invalid-recipients 2 reset
equal "X2 the third ends the connection" \
	"$(said "RCPT TO:<"{1,2,3}"@example.net>" "RCPT TO:<b@example.org>")" "554 554 closed"

r smtpfixup set 25 fixup banner keep match header:Subject "*evil*" reset \
	match mime-filename "*.exe" reset
equal "X3 a mail with another subject goes to Postfix" \
	"$(mailed "X-Test: good\\r\\nSubject: =?utf-8?q?w=65ll?=")" "250 354 250"
equal "X3 one whose subject a match ends does not" \
	"$(mailed "X-Test: bad\\r\\nSubject: =?utf-8?q?e=76?=\\r\\n =?utf-8?b?aWw=?=")" \
	"250 354 closed"
equal "X3 nor does one with such an attachment" \
	"$(mailed "X-Test: bad\\r\\nContent-Disposition: x; filename*=utf-8''a%2Eexe")" \
	"250 354 closed"
check "X3 the first has arrived" wait_for arrived good
equal "X3 the others have not" "$(arrived bad)" ""

# What an ASA's lines mean, put in force
cat >/tmp/asa.conf <<-'END'
	ASA Version 9.8(4)
	regex exe "application/x-msdownload"
	policy-map type inspect esmtp MAIL
	 parameters
	  no mask-banner
	 match mime filetype regex exe
	  reset log
	 match ehlo-reply-parameter others
	  mask
	policy-map global_policy
	 class inspection_default
	  inspect esmtp MAIL
	service-policy global_policy global
END
check "X4 import --apply puts an ASA's map in force" r smtpfixup import --apply /tmp/asa.conf
equal "X4 ... which is what import prints" "$(r smtpfixup show)" \
	"$(r smtpfixup import /tmp/asa.conf)"
equal "X4 a mail with another type goes to Postfix" \
	"$(mailed "Content-Type: application/pdf")" "250 354 250"
equal "X4 so does one whose type has another case" \
	"$(mailed "Content-Type: application/X-msdownload;\\r\\n name=a")" "250 354 250"
equal "X4 ... in the case that the ASA has" \
	"$(mailed "Content-Type: application/x-msdownload;\\r\\n name=a")" "250 354 closed"
before=$(r smtpfixup show)
sed -i 's/^ match mime/ match not header length gt 5\n  log\n&/' /tmp/asa.conf
check_status 3 "X4 import --apply of what has no equivalent" \
	r smtpfixup import --apply /tmp/asa.conf
equal "X4 ... changes nothing" "$(r smtpfixup show)" "$before"
finish
