#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Real peers: Postfix on both sides, swaks; STARTTLS; SNAT and DNAT.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

id=0 logged=0 output=''

# make_mail SIZE: a mail with a body of its own, in /tmp/out.
make_mail() {
	id=$((id + 1))
	{
		printf 'From: a@example.org\nTo: b@example.org\nSubject: mail %d\nX-Test: %d\n\n' \
			"$id" "$id"
		printf 'EXPN root\n.\n..\n.dot\n250 STARTTLS\nQUIT\n'
		head -c "$1" /dev/urandom | base64
		printf 'last line\n'
	} >/tmp/out
}

# postfix_sends DOMAIN SIZE: by the Postfix client; the mail must arrive as it was.
postfix_sends() {
	make_mail "$2"
	logged=$(stat -c %s /tmp/client/log)
	c sendmail -i -C /tmp/client -f a@example.org "b@$1" </tmp/out || return
	WAIT=60 wait_for arrived "$id" || {
		tail -n 5 /tmp/client/log
		tail -n 15 /tmp/server/log
		return 1
	}
	[[ $(body_hash "$(arrived "$id")") == "$(body_hash /tmp/out)" ]] || return
	# The log line about the delivery is the last of it.
	wait_for delivered
}

delivered() {
	client_log | grep -q "status=sent"
}

# client_log: what the Postfix client has logged since the last mail.
client_log() {
	tail -c +$((logged + 1)) /tmp/client/log
}

# swaks_sends SERVER [OPTION]...: by swaks; $output is the dialogue.
swaks_sends() {
	local server=$1
	shift
	make_mail 3000
	output=$(c swaks --server "$server" --from a@example.org --to b@example.org \
		--timeout 30 --data @/tmp/out "$@" 2>&1) || { echo "$output"; return 1; }
	WAIT=60 wait_for arrived "$id" || return
	[[ $(body_hash "$(arrived "$id")") == "$(body_hash /tmp/out)" ]]
}

topology
load_module mode=off || exit
postfix_prepare
postfix_server
postfix_client

for domain in 4.example.org 6.example.org; do
	for mode in off fixup esmtp "esmtp tls allow"; do
		# shellcheck disable=SC2086
		r smtpfixup set 25 $mode
		for size in 10 200000; do
			check "D9 Postfix to Postfix, $domain, mode $mode, body of $size bytes and more" \
				postfix_sends "$domain" "$size"
		done
		if [[ $mode == off ]]; then
			contains "off Postfix speaks TLS, $domain" "$(client_log)" "TLS connection established"
		else
			contains "G8 Postfix takes mode $mode for a PIX, $domain" "$(client_log)" \
				"enabling PIX workarounds: disable_esmtp delay_dotcrlf"
		fi
	done

	for mode in "fixup banner keep" "esmtp banner keep" "esmtp banner keep tls allow"; do
		# shellcheck disable=SC2086
		r smtpfixup set 25 $mode
		check "D9 Postfix to Postfix, $domain, mode $mode" postfix_sends "$domain" 20000
		equal "G8 Postfix takes mode $mode for no PIX, $domain" \
			"$(client_log | grep -c 'PIX workarounds')" 0
		tls=$(client_log | grep -c "TLS connection established")
		case $mode in
		*allow) equal "S2 Postfix speaks TLS, mode $mode, $domain" "$tls" 1 ;;
		*) equal "S1 Postfix speaks no TLS, mode $mode, $domain" "$tls" 0 ;;
		esac
	done
done

for server in "$SERVER4" "[$SERVER6]"; do
	r smtpfixup set 25 fixup
	check "V1 swaks delivers by HELO in fixup, to $server" swaks_sends "$server" --protocol SMTP
	contains "G3 swaks sees the mask" "$output" '<-  220 \*+'
	check "V3 swaks falls back from EHLO to HELO in fixup, to $server" swaks_sends "$server"
	contains "V3 the server's own error comes back" "$output" '<\*\* 50[02] '

	r smtpfixup set 25 esmtp
	check "E1 swaks delivers by EHLO in esmtp, to $server" swaks_sends "$server" --pipeline
	contains "E1 swaks is offered X for STARTTLS" "$output" '<-  250-X{7}[A-Z]'
	contains "E2 swaks is offered PIPELINING" "$output" '<-  250-PIPELINING'
	check_status 29 "S1 swaks gets no TLS by tls mask" c swaks --server "$server" --tls \
		--from a@example.org --to b@example.org --timeout 30 --quit-after TLS

	r smtpfixup set 25 esmtp tls allow
	before=$(counter 25 tls_started)
	check "S2 swaks delivers by STARTTLS, to $server" swaks_sends "$server" --tls
	contains "S2 the session is encrypted" "$output" 'TLS started with cipher'
	equal "S2 tls_started is counted" $(($(counter 25 tls_started) - before)) 1
done

# Postfix as the server, with many mails of smtp-source at once.
for mode in fixup esmtp; do
	r smtpfixup set 25 "$mode"
	before=$(find "$INBOX" -type f | wc -l)
	check "D9 smtp-source to Postfix in $mode, 60 mails over 10 sessions" \
		c smtp-source -s 10 -m 60 -l 20000 -f a@example.org -t b@example.org "inet:$SERVER4:25"
	wait_for eval "(( \$(find $INBOX -type f | wc -l) == before + 60 ))" &&
		pass "D9 all 60 are there in $mode"
done

# -- address translation ----------------------------------------------------

r nft -f - <<-END
	table ip nat {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			ip daddr $ROUTER4 tcp dport { 25, 2525, 2526 } dnat to $SERVER4:25
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname veth-rs masquerade
		}
	}
	table ip6 nat {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			ip6 daddr $ROUTER6 tcp dport { 25, 2525, 2526 } dnat to [$SERVER6]:25
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname veth-rs masquerade
		}
	}
END
equal "nft rules are loaded" "$(r nft list ruleset | grep -cE 'dnat to|masquerade')" 4

for mode in fixup "esmtp tls allow" "esmtp banner keep tls allow"; do
	# shellcheck disable=SC2086
	r smtpfixup set 25 $mode
	check "T1 Postfix by masquerade, mode $mode" postfix_sends 4.example.org 50000
	check "T1 Postfix by masquerade, IPv6, mode $mode" postfix_sends 6.example.org 50000
	check "T1 Postfix by DNAT and masquerade, mode $mode" postfix_sends nat.example.org 50000
done
contains "T1 the server saw the router's address" "$(tail -n 50 /tmp/server/log)" \
	'connect from unknown\[10\.0\.2\.1\]'

# The port that the client dialled decides, not where DNAT leads.
r smtpfixup set 25 off
r smtpfixup set 2525 esmtp
for server in "$ROUTER4" "[$ROUTER6]"; do
	check "ports dialled 2525 with a policy, sent to 25 without, $server" \
		swaks_sends "$server" --port 2525
	contains "ports ... is filtered" "$output" '250-X{7}[A-Z]'
	check "ports dialled 2526 without a policy, $server" swaks_sends "$server" --port 2526
	contains "ports ... is not filtered" "$output" '250-STARTTLS'
	r smtpfixup set 25 fixup
	check "ports dialled 2526 without a policy, sent to 25 with one, $server" \
		swaks_sends "$server" --port 2526
	contains "ports ... is not filtered, either" "$output" '250-STARTTLS'
	r smtpfixup set 25 off
done
r smtpfixup set 2525 off

# -- a load balancer -----------------------------------------------------------

# In the client's namespace, before two servers by the router: smtpd and postscreen
cat >>/tmp/server/master.cf <<-END
	2600 inet n - n - 100 smtpd
	  -o smtpd_upstream_proxy_protocol=haproxy
	2601 inet n - n - 1 postscreen
	  -o postscreen_upstream_proxy_protocol=haproxy
	smtpd pass - - n - - smtpd
	dnsblog unix - - n - 0 dnsblog
	tlsproxy unix - - n - 0 tlsproxy
END
s env MAIL_CONFIG=/tmp/server postfix reload >/dev/null 2>&1
wait_for listening server 2600
wait_for listening server 2601
{
	cat <<-END
	defaults
	  mode tcp
	  timeout connect 20s
	  timeout client 60s
	  timeout server 60s
	END
	for port in 2600 2601; do
		for version in send-proxy send-proxy-v2; do
			bind=$((port + 10))
			[[ $version == send-proxy ]] || bind=$((port + 20))
			printf 'listen %s-%s\n  bind 127.0.0.1:%s\n  server s %s:%s %s\n' \
				$version $port $bind "$SERVER4" $port $version
		done
	done
} >/tmp/haproxy.cfg
c haproxy -f /tmp/haproxy.cfg -D -p /tmp/haproxy.pid
for port in 2600 2601; do
	for bind in $((port + 10)) $((port + 20)); do
		wait_for listening client $bind
		r smtpfixup set $port off
		check "V11 HAProxy to Postfix $port by $bind, without a policy" \
			swaks_sends 127.0.0.1 --port $bind
		r smtpfixup set $port esmtp proxy-protocol allow
		check "V11 HAProxy to Postfix $port by $bind, proxy-protocol allow" \
			swaks_sends 127.0.0.1 --port $bind
		contains "V11 ... and it is filtered" "$output" '250-X{7}[A-Z]'
		contains "V11 ... and the server knows the client" \
			"$(tail -n 20 /tmp/server/log)" 'from unknown\[127\.0\.0\.1\]'
		equal "V11 ... and it is counted" "$(counter $port proxy_headers)" 1
	done
done
r smtpfixup set 2600 esmtp
(r timeout 30 smtpfixup monitor >/tmp/proxied) &
monitor=$!
sleep 1
c timeout 8 swaks --server 127.0.0.1 --port 2610 --quit-after banner >/dev/null 2>&1
contains "V11 without it an event names the cause, once" \
	"$(kill $monitor; grep -c 'V11 .*PROXY header' /tmp/proxied)" '^1$'
kill "$(cat /tmp/haproxy.pid)"

finish
