#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What scripts/demo shows: the same SMTP session with a real Postfix, once for
# each mode, as the client sees it; then what arrived, and what was counted.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

BOLD='' PLAIN='' DIM=''
[[ -z ${SMTPFIXUP_COLOUR-} ]] || BOLD=$'\e[1m' PLAIN=$'\e[0m' DIM=$'\e[2m'

heading() { printf '\n%s== %s%s\n\n' "$BOLD" "$*" "$PLAIN"; }
note() { printf '%s   %s%s\n' "$DIM" "$*" "$PLAIN"; }

heading "Three namespaces"
cat <<-END
	   client 10.0.1.2 ───── router: smtpfixup ───── server 10.0.2.2: Postfix
END
topology
postfix_prepare
postfix_server
note "kernel $(uname -r), Postfix $(postconf -c /tmp/server -h mail_version)"

rows=''

# session TITLE COMMAND...: COMMAND in the router, then the session.
session() {
	local title=$1 sent got=nothing
	shift
	heading "$title"
	(($# == 0)) || note "router# $*"
	(($# == 0)) || r "$@" || { fail "$*"; return; }
	echo
	if ! c "$PYTHON" "$ROOT/tests/vm/demo.py" "$SERVER4" "$title" /tmp/sent; then
		fail "the session: $title"
		return
	fi
	sent=$(body_hash /tmp/sent)
	if WAIT=20 wait_for arrived "$(sed -n 's/^X-Test: //p' /tmp/sent)"; then
		got=$(body_hash "$(arrived "$(sed -n 's/^X-Test: //p' /tmp/sent)")")
	fi
	rows+=$(printf '   %-22s %s  %s  %s' "$title" "${sent:0:16}..." "${got:0:16}..." \
		"$([[ $sent == "$got" ]] && echo unchanged || echo CHANGED)")$'\n'
	if [[ $sent == "$got" ]]; then
		passed=$((passed + 1))
	else
		fail "mail changed: $title"
	fi
}

session "module not loaded"
load_module mode=off || exit
session "fixup" smtpfixup set 25 fixup
session "esmtp" smtpfixup set 25 esmtp
session "esmtp, tls allow" smtpfixup set 25 esmtp tls allow
counters=$(r cat /proc/net/smtp_fixup)
session "off again" smtpfixup set 25 off

heading "The mails: SHA-256 of the body, sent and arrived"
printf '   %-22s %-19s  %s\n' mode "sent" "arrived"
printf '%s' "$rows"

heading "The counters, before it was set to off: /proc/net/smtp_fixup"
while read -r line; do
	echo "   $line"
done <<<"$counters"
echo
finished=1
((failed == 0))
exit
