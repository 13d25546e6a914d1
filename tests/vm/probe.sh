#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# probe against real servers, alone and behind every mode. $MTA/root has Exim
# and OpenSMTPD unpacked: tests/vm/probe runs this.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

LIBRARIES=$MTA/root/usr/lib/x86_64-linux-gnu:$MTA/root/lib/x86_64-linux-gnu

# exim: on port 26, without TLS.
exim() {
	useradd --system --no-create-home Debian-exim
	mkdir -p /etc/exim4 /tmp/exim/spool /tmp/exim/log
	chown -R Debian-exim /tmp/exim
	cat >/etc/exim4/exim4.conf <<-END
		primary_hostname = exim20.example
		daemon_smtp_ports = 26
		spool_directory = /tmp/exim/spool
		log_file_path = /tmp/exim/log/%slog
		host_lookup =
		rfc1413_query_timeout = 0s
		tls_advertise_hosts =
		acl_smtp_rcpt = accept
		never_users =
		begin acl
		accept:
		accept
	END
	s env LD_LIBRARY_PATH="$LIBRARIES" "$MTA/root/usr/sbin/exim4" -bd -oP /tmp/exim/pid
	wait_for listening server 26
}

# opensmtpd: on port 27, with STARTTLS.
opensmtpd() {
	useradd --system --no-create-home opensmtpd
	useradd --system --no-create-home opensmtpq
	mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
	chmod 711 /var/spool/smtpd
	cp "$MTA/root/usr/sbin/smtpd" /usr/sbin/smtpd
	chmod 600 /tmp/server/key.pem
	cat >/tmp/smtpd.conf <<-END
		pki smtpd.example cert "/tmp/server/cert.pem"
		pki smtpd.example key "/tmp/server/key.pem"
		listen on veth-s port 27 tls pki smtpd.example hostname smtpd.example
		action "drop" maildir "/tmp/smtpd"
		match from any for any action "drop"
	END
	s env LD_LIBRARY_PATH="$LIBRARIES" /usr/sbin/smtpd -f /tmp/smtpd.conf
	wait_for listening server 27
}

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
