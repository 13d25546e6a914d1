#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# probe against real servers, alone and behind every mode: tests/vm/servers probe.sh
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"
# shellcheck source=tests/vm/mta.sh
. "$(dirname "$0")/mta.sh"

# probe WANTED NAME PORT [WORD]...: the verdict behind a policy, by both families.
probe() {
	local wanted=$1 name=$2 port=$3 status=3 server
	shift 3
	[[ $wanted == none ]] && status=0
	r smtpfixup set "$port" "$@"
	for server in "$SERVER4" "[$SERVER6]"; do
		check_status "$status" "probe $name, $*, $server" c smtpfixup probe "$server:$port"
		contains "probe $name, $*, $server: $wanted" "$(tail -n 1 <<<"$output")" "^$wanted: "
	done
	r smtpfixup set "$port" off
}

topology
load_module mode=off || exit
postfix_prepare
postfix_server
exim
opensmtpd

# With a greeting that has 2 and 0, and one that has not.
for server in "Postfix 25" "Exim 26" "OpenSMTPD 27"; do
	port=${server#* }
	probe none "$server" "$port" off
	probe fixup "$server" "$port" fixup
	probe fixup "$server" "$port" fixup banner stars
	probe fixup "$server" "$port" fixup reject line
	# OpenSMTPD takes no blanks behind NOOP, so what tells is lost
	case $server in
	OpenSMTPD*) probe fixup "$server" "$port" fixup reject noop ;;
	*) probe mailhost "$server" "$port" fixup reject noop ;;
	esac
	# A server whose EHLO is refused although its greeting says ESMTP
	probe other "$server" "$port" fixup banner keep
	probe esmtp "$server" "$port" esmtp
	probe esmtp "$server" "$port" esmtp banner stars
	for mode in $(smtpfixup autocomplete set 25 ""); do
		case $mode in
		mailhost) probe mailhost "$server" "$port" mailhost ;;
		# Only STARTTLS tells an ASA's default from a PIX 7's, and this
		# Exim has none to offer
		asa) probe "$([[ $server == Exim* ]] && echo esmtp || echo asa)" "$server" "$port" asa ;;
		pix-*) probe fixup "$server" "$port" "$mode" ;;
		esac
	done
done
for server in "Postfix 25" "OpenSMTPD 27"; do
	port=${server#* }
	probe asa "$server" "$port" esmtp tls allow
	probe asa "$server" "$port" esmtp banner stars tls allow
	probe other "$server" "$port" esmtp banner keep ehlo keep
done
probe esmtp "Postfix 25" 25 esmtp banner keep

# Lines that are gone leave no trace in a server that echoes nothing
probe none "Postfix 25" 25 esmtp banner keep ehlo strip
contains "probe says what it can't know" "$output" "the server has none, or it was taken out"

# shellcheck disable=SC2016
check "probe as JSON" bash -c 'ip netns exec client smtpfixup -j probe "$0" | /usr/bin/python3 -c \
	"import json, sys; assert json.load(sys.stdin)[0][\"device\"] == \"none\""' "$SERVER4"
check_status 1 "probe where nobody listens" c smtpfixup probe "$SERVER4:2"
finish
