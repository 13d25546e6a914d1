#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Mails by a network that loses, doubles, reorders and damages packets on both
# sides of the router, with every MTU, with offloads on and off, behind NAT, and
# from Postfix to Postfix: each arrives once, as it was sent. MAILS is how many
# there are in all.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

MAILS=${MAILS:-240}
NETEM="delay 2ms 1ms loss 1% duplicate 1% corrupt 1% reorder 5%"
devices=("client veth-c" "router veth-rc" "router veth-rs" "server veth-s")
work=$(mktemp -d)

# each COMMAND [ARG]...: with namespace and device of each veth behind it.
each() {
	local where
	for where in "${devices[@]}"; do
		# shellcheck disable=SC2086
		"$@" $where
	done
}

# A damaged packet shows by its checksum alone, so every receiver has to look.
start_netem() {
	# shellcheck disable=SC2086
	tc -n "$1" qdisc replace dev "$2" root netem $NETEM
	ip netns exec "$1" ethtool -K "$2" rx off >/dev/null
}

offload() {
	ip netns exec "$2" ethtool -K "$3" tx "$1" tso "$1" gso "$1" gro "$1" >/dev/null
}

# Nothing protects ARP from damage, and a wrong address would stay for long.
# neighbour NAMESPACE DEVICE NAMESPACE DEVICE ADDRESS: the latter device's.
neighbour() {
	local hardware
	hardware=$(ip -n "$3" -json link show "$4" | sed 's/.*"address":"\([^"]*\)".*/\1/')
	ip -n "$1" neighbour replace "$5" lladdr "$hardware" dev "$2" nud permanent
}

# Nothing but a timeout repeats a lost line of a dialogue, and 200 ms are long.
# mtu CLIENT SERVER ROUTE: of the client's link, of the server's, and of the
# router's route to the server. Below 1280 a device loses its IPv6 addresses.
mtu() {
	local route6=$3
	((route6 >= 1280)) || route6=1280
	ip -n client link set veth-c mtu "$1"
	ip -n router link set veth-rc mtu "$1"
	ip -n router link set veth-rs mtu "$2"
	ip -n server link set veth-s mtu "$2"
	ip -n router route replace 10.0.2.0/24 dev veth-rs src 10.0.2.1 mtu "$3"
	ip -n client route replace default via 10.0.1.1 rto_min 50ms
	ip -n server route replace default via 10.0.2.1 rto_min 50ms
	neighbour client veth-c router veth-rc 10.0.1.1
	neighbour router veth-rc client veth-c 10.0.1.2
	neighbour router veth-rs server veth-s 10.0.2.2
	neighbour server veth-s router veth-rs 10.0.2.1
	if (($1 >= 1280)); then
		ip -n client address replace fd00:1::2/64 dev veth-c nodad
		ip -n router address replace fd00:1::1/64 dev veth-rc nodad
		ip -n client route replace default via fd00:1::1 rto_min 50ms
		neighbour client veth-c router veth-rc fd00:1::1
		neighbour router veth-rc client veth-c fd00:1::2
	fi
	if (($2 >= 1280)); then
		ip -n router address replace fd00:2::1/64 dev veth-rs nodad
		ip -n server address replace fd00:2::2/64 dev veth-s nodad
		ip -n server route replace default via fd00:2::1 rto_min 50ms
		ip -n router route replace fd00:2::/64 dev veth-rs metric 10 mtu "$route6"
		neighbour router veth-rs server veth-s fd00:2::2
		neighbour server veth-s router veth-rs fd00:2::1
	fi
}

# set_policy NAME
set_policy() {
	case $1 in
	edits) r smtpfixup set 25 esmtp banner text "mx ESMTP" ehlo strip reject noop ;;
	*) r smtpfixup set 25 "$1" ;;
	esac
}

# arrived_once: what sink.py reports is what mails.py wanted.
arrived_once() {
	"$PYTHON" - "$work/want" "$work/report" <<-'END'
	import json, sys
	want, got = (json.load(open(name)) for name in sys.argv[1:])
	for digest in want["mails"].keys() | got["mails"].keys():
	    ours, theirs = want["mails"].get(digest, 0), got["mails"].get(digest, 0)
	    if ours != theirs:
	        print("%s was sent %d times and came %d times" % (digest, ours, theirs))
	if sorted(want["refused"]) != sorted(got["refused"]):
	    print("refused: %r, wanted %r" % (sorted(got["refused"]), sorted(want["refused"])))
	sys.exit(want["mails"] != got["mails"] or sorted(want["refused"]) != sorted(got["refused"]))
	END
}

seed=0
# mails NAME POLICY COUNT ADDRESS...
mails() {
	local name=$1 policy=$2 count=$3 before began=$SECONDS
	shift 3
	seed=$((seed + 1))
	rm -f "$work/want" "$work/report"
	check "set $policy, $name" set_policy "$policy"
	before=$(counter 25 messages)
	ip netns exec server "$PYTHON" "$ROOT/tests/vm/sink.py" 25 "$work/report" &
	sink=$!
	WAIT=120 wait_for listening server 25
	check "T2 $name, $policy: $count mails, every reply is the right one" \
		c "$PYTHON" "$ROOT/tests/vm/mails.py" "$policy" "$count" "$seed" "$work/want" "$@"
	kill "$sink"
	wait "$sink"
	check "T2 D9 $name, $policy: each mail arrived once and unchanged" arrived_once
	equal "T2 $name, $policy: counters messages" \
		$(($(counter 25 messages) - ${before:-0})) "$count"
	echo "      | $((SECONDS - began)) s"
}

# total NAMESPACE NAME: a counter of the kernel's.
total() {
	ip netns exec "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

# dropped_by NAMESPACE DEVICE
dropped_by() {
	tc -n "$1" -s qdisc show dev "$2" | sed -n 's/.*dropped \([0-9]*\).*/\1/p'
}

check_dropped() {
	check "netem $2 has dropped packets" test "$(dropped_by "$1" "$2")" -gt 0
}

topology
load_module mode=off || exit
modprobe -a sch_netem nft_masq nft_chain_nat || exit
each offload on
mtu 1500 1500 1500
each start_netem

some=$((MAILS / 12))
both=("$SERVER4" "$SERVER6")

for policy in fixup esmtp edits; do
	mails "MTU 1500, offloads on" "$policy" "$some" "${both[@]}"
done
each offload off
for policy in esmtp edits; do
	mails "MTU 1500, offloads off" "$policy" "$some" "${both[@]}"
done
mtu 576 576 576
mails "MTU 576, offloads off" fixup "$some" "$SERVER4"
mtu 9000 1280 1280
mails "MTU 9000 and 1280, offloads off" esmtp "$some" "${both[@]}"

each offload on
mtu 9000 576 576
mails "MTU 9000 and 576" edits "$some" "$SERVER4"
mtu 576 9000 9000
mails "MTU 576 and 9000" edits "$some" "$SERVER4"
# The ends do not know of it before the router tells them by ICMP.
mtu 9000 9000 576
mails "path MTU 576 and 1280 between 9000" edits "$some" "${both[@]}"
contains "T2 the client learnt of the path MTU 576" "$(c ip route get "$SERVER4")" 'mtu 576'
contains "T2 the client learnt of the path MTU 1280" "$(c ip route get "$SERVER6")" 'mtu 1280'
mtu 9000 9000 9000

r nft -f - <<-END
	table ip nat {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			ip daddr $ROUTER4 tcp dport 25 dnat to $SERVER4:25
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname veth-rs masquerade
		}
	}
	table ip6 nat {
		chain prerouting {
			type nat hook prerouting priority dstnat;
			ip6 daddr $ROUTER6 tcp dport 25 dnat to [$SERVER6]:25
		}
		chain postrouting {
			type nat hook postrouting priority srcnat;
			oifname veth-rs masquerade
		}
	}
	END
equal "nft rules are loaded" "$(r nft list ruleset | grep -cE 'dnat to|masquerade')" 4
mails "MTU 9000, DNAT and masquerade" edits "$some" "$ROUTER4" "$ROUTER6"
mtu 1500 1500 1500

# -- Postfix to Postfix -----------------------------------------------------

# make_postfix_mails COUNT: one file each, 300 bytes to 300 KB.
make_postfix_mails() {
	local n size
	for ((n = 1; n <= $1; n++)); do
		size=$((300 + 300000 * (n - 1) * (n - 1) / $1 / $1))
		{
			printf 'From: a@example.org\nTo: b@example.org\nX-Test: %d\n\n' "$n"
			printf '.\n..\n.dot\nQUIT\nEXPN root\n'
			head -c $((size * 3 / 4)) /dev/urandom | base64
			printf '.\n'
		} >"$work/mail.$n"
	done
}

inbox_has() {
	(($(find "$INBOX" -type f | wc -l) >= $1))
}

# postfix_once COUNT: there are that many, and of each number one with its body.
postfix_once() {
	"$PYTHON" - "$work" "$INBOX" "$1" <<-'END'
	import os, re, sys
	def mail(path):
	    with open(path, "rb") as file:
	        head, _, body = file.read().partition(b"\n\n")
	    return int(re.search(rb"^X-Test: (\d+)$", head, re.M)[1]), body
	work, inbox, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
	want = [mail(os.path.join(work, "mail.%d" % n)) for n in range(1, count + 1)]
	got = [mail(os.path.join(inbox, name)) for name in os.listdir(inbox)]
	print("came:", sorted(number for number, _ in got))
	print("changed:", [one[0] for one in got if one not in want])
	sys.exit(sorted(got) != sorted(want))
	END
}

began=$SECONDS
check "set esmtp, Postfix" set_policy esmtp
postfix_prepare
postfix_server
postfix_client
make_postfix_mails "$some"
before=$(counter 25 messages)
for ((n = 1; n <= some; n++)); do
	# Both families, in turn; nat.example.org is the router's own address.
	domain=$((n % 2 ? 6 : 4)).example.org
	((n % 4)) || domain=nat.example.org
	c sendmail -i -C /tmp/client -f a@example.org "b@$domain" <"$work/mail.$n" ||
		fail "sendmail refused mail $n"
done
WAIT=300 wait_for inbox_has "$some" || tail -n 20 /tmp/client/log
check "T2 D9 Postfix to Postfix, esmtp: each of $some mails arrived once and unchanged" \
	postfix_once "$some"
equal "T2 Postfix to Postfix, esmtp: counters messages" \
	$(($(counter 25 messages) - before)) "$some"
echo "      | $((SECONDS - began)) s"

# -- it was as bad as it should be ------------------------------------------

each check_dropped
for ns in client server; do
	for name in TcpInCsumErrors TcpRetransSegs TcpExtTCPDSACKRecv; do
		check "netem the $ns's kernel counted $name" test "$(total "$ns" "$name")" -gt 0
	done
done
for name in packets_invalid segments_replayed segments_ahead segments_cut; do
	check "netem the filter counted $name" test "$(counter 25 "$name")" -gt 0
done
for name in connections_desynchronised body_rewrites_refused memory_refused; do
	equal "T2 the filter counted no $name" "$(counter 25 "$name")" 0
done
finish
