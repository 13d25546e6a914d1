#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Hundreds of mails of mixed sizes over 20 parallel sessions through each mode,
# sent by smtp-source, and every one compared with what was sent: four senders of
# five sessions each at a time, each sender with a text of its own.
#   --mails N    by each mode (default 400)
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

MAILS=400 ROUNDS=10 SENDERS=4 SESSIONS=5
[[ ${1-} != --mails ]] || MAILS=$2
each=$((MAILS / ROUNDS / SENDERS))
work=$(mktemp -d)

# The texts: 200 bytes to 200 KB, with dots and SMTP's own words in them. The
# list says what of each goes over the wire: CRLF, a dot before a dot, and the
# empty line that smtp-source puts at the end.
make_texts() {
	"$PYTHON" - "$work" $((ROUNDS * SENDERS)) <<-'END'
	import base64, hashlib, os, random, sys
	folder, count = sys.argv[1], int(sys.argv[2])
	with open(os.path.join(folder, "list"), "w") as hashes:
	    for number in range(count):
	        source = random.Random(number)
	        size = int(200 * 1000 ** (number / (count - 1)))
	        lines = ["Subject: text %d" % number, ""]
	        while size > 0:
	            lines.append(source.choice(("", ".", "..", ".dot", "EXPN root", "QUIT", "DATA",
	                                        "250 STARTTLS", "STARTTLS")))
	            lines.append(base64.b64encode(source.randbytes(source.randrange(600))).decode())
	            size -= len(lines[-1]) + len(lines[-2])
	        with open(os.path.join(folder, "text.%d" % number), "w") as file:
	            file.writelines(line + "\n" for line in lines)
	        wire = "".join(("." if line.startswith(".") else "") + line + "\r\n" for line in [*lines, ""])
	        print(hashlib.sha256(wire.encode()).hexdigest(), file=hashes)
	END
}

# send_all ADDRESS: all mails of one mode; fails if one sender does.
send_all() {
	local round sender text pids pid status=0
	for ((round = 0; round < ROUNDS; round++)); do
		pids=()
		for ((sender = 0; sender < SENDERS; sender++)); do
			text=$work/text.$((round * SENDERS + sender))
			c smtp-source -d -s "$SESSIONS" -m "$each" -M client.example \
				-f a@example.org -t b@example.org -F "$text" "inet:$1:25" &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid" || status=1
		done
	done
	return "$status"
}

# Each text came as often as it was sent, and nothing else did.
compare_all() {
	"$PYTHON" - "$work" "$each" <<-'END'
	import json, os, sys
	folder, each = sys.argv[1], int(sys.argv[2])
	with open(os.path.join(folder, "list")) as file:
	    want = {digest: each for digest in file.read().split()}
	with open(os.path.join(folder, "report")) as file:
	    got = json.load(file)
	for number, digest in enumerate(want):
	    if got["mails"].get(digest) != each:
	        print("text %d came %d times" % (number, got["mails"].get(digest, 0)))
	print("%d mails of other texts; refused: %r" % (
	    sum(got["mails"].values()) - sum(got["mails"].get(d, 0) for d in want), got["refused"][:3]))
	sys.exit(got["mails"] != want or got["refused"] != [])
	END
}

topology
load_module mode=off || exit
make_texts

n=0
for mode in fixup esmtp "esmtp tls allow" off; do
	# Every other mode by IPv6.
	address=$SERVER4
	((n++ % 2)) && address="[$SERVER6]"
	# shellcheck disable=SC2086
	check "set 25 $mode" r smtpfixup set 25 $mode
	ip netns exec server "$PYTHON" "$ROOT/tests/vm/sink.py" 25 "$work/report" &
	sink=$!
	wait_for listening server 25
	before=$(counter 25 messages)
	began=$SECONDS
	check "D9 smtp-source sends $MAILS mails in mode $mode to $address" send_all "$address"
	echo "      | $((SECONDS - began)) s"
	kill "$sink"
	wait "$sink"
	check "D9 each of the $MAILS mails in mode $mode arrived unchanged" compare_all
	if [[ $mode != off ]]; then
		equal "counters messages in mode $mode" \
			$(($(counter 25 messages) - ${before:-0})) "$MAILS"
	fi
done
finish
