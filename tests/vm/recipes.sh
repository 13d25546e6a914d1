#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# docs/recipes.md: each block is run as it stands, on a router of its own, and mail
# goes through it. With NAMES: only those.
# shellcheck disable=SC2317 # what check and try_... call
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

page=$ROOT/docs/recipes.md
report=/tmp/report
modprobe -a veth bridge vrf nf_conntrack nft_ct nft_flow_offload nf_flow_table_inet \
	ip_vs ip_vs_rr nf_conntrack_bridge br_netfilter nf_conntrack_netlink 2>/dev/null
load_module mode=off || exit
for tool in ufw firewalld ipvsadm conntrackd keepalived; do
	command -v $tool >/dev/null || give_up "$tool is not installed"
done

# network [bridge]: client - router - server as the page says; with "bridge" the
# router is one, and both are in one network.
network() {
	local ns kind=${1-}
	for ns in client router server; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	# Nothing bridged goes to the IP hooks by itself
	r sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0
	ip link add eth0 netns client type veth peer name eth0 netns router
	ip link add eth0 netns server type veth peer name eth1 netns router
	for ns in client router server; do
		ip -n "$ns" link set eth0 up
	done
	ip -n router link set eth1 up
	if [[ $kind == bridge ]]; then
		r ip link add br0 type bridge
		r ip link set eth0 master br0
		r ip link set eth1 master br0
		r ip link set br0 up
		c ip address add 10.0.0.99/24 dev eth0
		s ip address add 10.0.0.25/24 dev eth0
	else
		r sysctl -qw net.ipv4.ip_forward=1
		c ip address add 192.0.2.99/24 dev eth0
		r ip address add 192.0.2.1/24 dev eth0
		r ip address add 10.0.0.1/24 dev eth1
		s ip address add 10.0.0.25/24 dev eth0
		c ip route add default via 192.0.2.1
		s ip route add default via 10.0.0.1
	fi
	ip netns exec server "$PYTHON" "$ROOT/tests/vm/sink.py" 25 "$report" &
	sink=$!
	wait_for c ping -c 1 -W 1 10.0.0.25
	WAIT=120 wait_for listening server 25
}

# gone: all of it.
gone() {
	local ns
	kill "$sink" 2>/dev/null
	wait "$sink" 2>/dev/null
	r smtpfixup restore /dev/null
	for ns in client router server; do
		ip netns delete "$ns"
	done
	rm -f "$report"
}

# recipe HEADING [COMMAND]...: its block, run as it stands by the router's shell, or
# by the COMMAND's.
recipe() {
	local text shell=("${@:2}")
	((${#shell[@]})) || shell=(r)
	text=$(awk -v heading="## $1" '
		/^## / { on = ($0 == heading) }
		on && /^```$/ { inside = !inside; if (!inside) exit; next }
		on && inside' "$page")
	check "$1: docs/recipes.md has it" test -n "$text"
	check "$1: every command succeeds" "${shell[@]}" bash -euo pipefail -c "$text"
	ran+=("$1")
}
ran=()

# talk NAMESPACE ADDRESS PORT: a session with a command that no mode knows, and a
# mail; prints the greeting, what EHLO drew, what FROB drew, and what the mail drew.
talk() {
	# shellcheck disable=SC2016
	ip netns exec "$1" "$PYTHON" -c '
import smtplib, sys
s = smtplib.SMTP(timeout=20)
_, greeting = s.connect(sys.argv[1], int(sys.argv[2]))
ehlo = s.docmd("EHLO a.example")
s.docmd("HELO a.example")
frob = s.docmd("FROB secret")[0]
s.sendmail("a@example.org", ["b@example.org"], "Subject: x\r\n\r\n" + 400 * "a line\r\n.\r\n")
s.quit()
print(greeting.decode(), ehlo[0], b"STARTTLS" in ehlo[1], frob, "sent")' "$2" "$3" 2>&1 | tail -n 1
}
FIXUP='[*]{8,} 500 False 500 sent'
ESMTP='[*]{8,} 250 True 500 sent'
PLAIN='sink.example ESMTP 250 True 500 sent'

# filtered NAME NAMESPACE ADDRESS [PORT]: its connections are under fixup.
filtered() {
	local before
	before=$(counter "${4-25}" connections)
	contains "$1" "$(talk "$2" "$3" "${4-25}")" "^$FIXUP$"
	equal "$1: counted" "$(counter "${4-25}" connections)" $((before + 1))
	check "$1: no packet was lost" quiet "${4-25}"
}

quiet() {
	local name
	for name in packets_invalid packets_untracked packets_midstream connections_desynchronised; do
		[[ $(counter "$1" "$name") == 0 ]] || { echo "$name: $(counter "$1" "$name")"; return 1; }
	done
}

# arrived NAME: the last server had nothing but masked verbs from the client.
arrived() {
	kill "$sink"
	wait "$sink"
	contains "$1: the server saw no FROB" "$(<"$report")" '"refused": \[("XXXX [^"]*"(, )?)+\]'
}


try_dnat() {
	network
	check "before: mail flows" test -n "$(talk client 10.0.0.25 25)"
	contains "before: nothing is filtered" "$(talk client 10.0.0.25 25)" "^$PLAIN$"
	recipe DNAT
	filtered "DNAT: port 25 of the router" client 192.0.2.1
	contains "DNAT: port 2525 of the router" "$(talk client 192.0.2.1 2525)" "^$ESMTP$"
	equal "DNAT: the dialled port counts" "$(counter 2525 connections)" 1
	gone
}

try_hairpin() {
	# The inside is a bridge of that name, for there are two in it
	network
	r ip address del 10.0.0.1/24 dev eth1
	r ip link set eth1 down
	r ip link set eth1 name port0
	r ip link add eth1 type bridge
	r ip link set port0 master eth1 up
	r ip address add 10.0.0.1/24 dev eth1
	r ip link set eth1 up
	ip netns add inside
	ip -n inside link set lo up
	ip link add eth0 netns inside type veth peer name port2 netns router
	r ip link set port2 master eth1 up
	ip -n inside address add 10.0.0.7/24 dev eth0
	ip -n inside link set eth0 up
	ip -n inside route add default via 10.0.0.1
	wait_for ip netns exec inside ping -c 1 -W 1 10.0.0.25
	recipe Hairpin
	filtered "Hairpin: from within" inside 192.0.2.1
	filtered "Hairpin: from outside" client 192.0.2.1
	r smtpfixup set 25 fixup iif eth0
	contains "Hairpin: not with iif eth0" "$(talk inside 192.0.2.1 25)" "^$PLAIN$"
	equal "Hairpin: not with iif eth0, counted" "$(counter 25 connections_other_interface)" 1
	ip netns delete inside
	gone
}

# held PORT: what conntrack says of a connection that goes on
held() {
	local talker
	# shellcheck disable=SC2016 # the inner shell's
	ip netns exec client timeout 60 bash -c 'exec 3<>"/dev/tcp/10.0.0.25/$0"
		read -r _ <&3
		while printf "NOOP\r\n" >&3; do read -r -t 1 _ <&3; done' "$1" &
	talker=$!
	wait_for eval "r conntrack -L -p tcp --dport $1 2>/dev/null | grep -qE 'ESTABLISHED|OFFLOAD'"
	sleep 3
	r conntrack -L -p tcp --dport "$1" 2>/dev/null | grep -E 'ESTABLISHED|OFFLOAD'
	kill "$talker"
	wait "$talker" 2>/dev/null
}

try_flowtable() {
	network
	recipe Flowtable
	filtered "Flowtable: a connection under the policy" client 10.0.0.25
	ip netns exec server "$PYTHON" "$ROOT/tests/vm/sink.py" 2600 /dev/null &
	other=$!
	WAIT=120 wait_for listening server 2600
	contains "Flowtable: it is not offloaded" "$(held 25)" 'ESTABLISHED.*helper=smtp'
	contains "Flowtable: another is" "$(held 2600)" 'OFFLOAD'
	kill "$other"
	arrived Flowtable
	gone
}

try_vrf() {
	network
	recipe VRF
	check "VRF: routes have moved" wait_for c ping -c 1 -W 1 10.0.0.25
	filtered "VRF: through it" client 10.0.0.25
	arrived VRF
	gone
}

try_br_netfilter() {
	network bridge
	recipe "Bridge with br_netfilter"
	filtered "br_netfilter" client 10.0.0.25
	arrived br_netfilter
	gone
}

try_bridge() {
	network bridge
	recipe "Bridge with nf_conntrack_bridge"
	filtered "nf_conntrack_bridge" client 10.0.0.25
	arrived nf_conntrack_bridge
	r nft delete table bridge mail
	gone
}

try_ufw() {
	network
	recipe ufw
	filtered "ufw" client 10.0.0.25
	check "ufw: what it forbids stays forbidden" bash -c '! ip netns exec client timeout 3 bash -c "exec 3<>/dev/tcp/10.0.0.25/26"'
	arrived ufw
	r ufw --force disable
	gone
}

try_firewalld() {
	network
	mkdir -p /run/dbus
	dbus-daemon --system --nopidfile
	r firewalld --nofork >/tmp/firewalld.log 2>&1 &
	firewalld=$!
	WAIT=90 wait_for r firewall-cmd --state
	# D-Bus waits 25 s for an answer; an emulated guest takes longer to reload
	mkdir -p /tmp/patient
	cat >/tmp/patient/firewall-cmd <<-'END'
		#!/bin/bash
		/usr/bin/firewall-cmd "$@" && exit
		[[ $1 == --reload ]] || exit
		for n in 1 2 3 4 5 6; do
			/usr/bin/firewall-cmd --state && exit
			sleep 2
		done
		exit 1
	END
	chmod 755 /tmp/patient/firewall-cmd
	recipe firewalld env "PATH=/tmp/patient:$PATH" ip netns exec router
	filtered "firewalld" client 10.0.0.25
	check "firewalld: what it forbids stays forbidden" bash -c '! ip netns exec client timeout 3 bash -c "exec 3<>/dev/tcp/10.0.0.25/26"'
	arrived firewalld
	kill "$firewalld"
	wait "$firewalld"
	gone
}

# blocked NAME ADDRESS COUNTER CAUSE: its connections pass nothing, and the event says why.
blocked() {
	local monitor
	(r timeout 8 smtpfixup monitor >/tmp/blocked) &
	monitor=$!
	sleep 2
	c timeout 3 bash -c "exec 3<>/dev/tcp/$2/25; read -r -t 2 _ <&3"
	check "$1: nothing passes, as the page says" test "$(counter 25 "$3")" -gt 0
	wait "$monitor"
	contains "$1: the event names the cause" "$(</tmp/blocked)" "$4"
}

try_ipvs() {
	network
	recipe IPVS
	filtered "IPVS" client 192.0.2.1
	check "IPVS: a change of length" r smtpfixup set 25 fixup reject noop banner text 'mail.example ESMTP'
	contains "IPVS: a change of length: mail" "$(talk client 192.0.2.1 25)" '^mail.example ESMTP .* sent$'
	gone

	network
	r sysctl -qw net.ipv4.vs.conntrack=0
	r ipvsadm -A -t 192.0.2.1:25 -s rr
	r ipvsadm -a -t 192.0.2.1:25 -r 10.0.0.25:25 -m
	r smtpfixup set 25 fixup
	blocked "IPVS: without vs.conntrack" 192.0.2.1 packets_untracked \
		'IPVS: net.ipv4.vs.conntrack is 0'
	gone

	# Direct routing: the server has the service's address, and answers past the router
	network
	ip link add eth1 netns server type veth peer name eth1 netns client
	s ip link set eth1 up
	c ip link set eth1 up
	s ip address add 198.51.100.25/24 dev eth1
	c ip address add 198.51.100.99/24 dev eth1
	r ip address add 10.0.0.200/32 dev lo
	s ip address add 10.0.0.200/32 dev lo
	s ip route add 192.0.2.99/32 via 198.51.100.99
	c sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0
	r sysctl -qw net.ipv4.vs.conntrack=1
	r ipvsadm -A -t 10.0.0.200:25 -s rr
	r ipvsadm -a -t 10.0.0.200:25 -r 10.0.0.25:25 -g
	contains "IPVS, direct routing: mail without a policy" "$(talk client 10.0.0.200 25)" sent
	r smtpfixup set 25 fixup
	blocked "IPVS, direct routing" 10.0.0.200 packets_invalid \
		"one-way route: the server's SYN/ACK did not come by"
	gone
}

# on NAMESPACE COMMAND...: where that router has files of its own
declare -A keeper=()
on() {
	local ns=$1
	shift
	nsenter -t "${keeper[$ns]}" -m -n "$@"
}

# pair: two routers as the page says, between two switches
pair() {
	local ns side n=0
	for ns in client one two server switch; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	for side in outside inside; do
		ip -n switch link add "$side" type bridge
		ip -n switch link set "$side" up
	done
	plug client eth0 outside 192.0.2.99/24 2001:db8:1::99/64
	plug server eth0 inside 10.0.0.25/24 2001:db8:2::25/64
	for ns in one two; do
		n=$((n + 1))
		plug "$ns" eth0 outside "192.0.2.10$n/24" "2001:db8:1::10$n/64"
		plug "$ns" eth1 inside "10.0.0.10$n/24" "2001:db8:2::10$n/64"
		# They are cut off by their interfaces' going down
		ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
			net.ipv6.conf.all.keep_addr_on_down=1
		# shellcheck disable=SC2016 # the inner shell's
		ip netns exec "$ns" bash -c 'for dir in /etc/conntrackd /etc/keepalived /run; do
			mount -t tmpfs router $dir || exit; done
			mkdir /run/lock && touch /run/ready && exec sleep infinity' &
		keeper[$ns]=$!
		wait_for on "$ns" test -e /run/ready
	done
	ip link add eth2 netns one type veth peer name eth2 netns two
	ip -n one address add 198.51.100.1/24 dev eth2
	ip -n two address add 198.51.100.2/24 dev eth2
	ip -n one link set eth2 up
	ip -n two link set eth2 up
	c ip route add default via 192.0.2.1
	s ip route add default via 10.0.0.1
	c ip route add default via 2001:db8:1::1
	s ip route add default via 2001:db8:2::1
}

# plug NAMESPACE DEVICE SWITCH ADDRESS4 ADDRESS6
plug() {
	ip link add "$2" netns "$1" type veth peer name "$1-$2" netns switch
	ip -n switch link set "$1-$2" master "$3" up
	ip -n "$1" address add "$4" dev "$2"
	ip -n "$1" address add "$5" dev "$2" nodad
	ip -n "$1" link set "$2" up
}

# master: the router that has the virtual addresses, in $forwarding
master() {
	local ns
	for ns in one two; do
		if [[ $(ip -n "$ns" address | grep -cE \
			'inet6? (192\.0\.2\.1|10\.0\.0\.1|2001:db8:[12]::1)/') == 4 ]]; then
			forwarding=$ns
			return 0
		fi
	done
	return 1
}

# reachable: the server, by both families
reachable() {
	c ping -c 1 -W 1 10.0.0.25 && c ping -c 1 -W 1 2001:db8:2::25
}

try_conntrackd() {
	local ns
	pair
	for ns in one two; do
		recipe conntrackd on "$ns"
		on "$ns" smtpfixup set 2601 fixup midstream drop
		on "$ns" smtpfixup set 2602 fixup midstream pass banner text 'mail.example ESMTP'
		on "$ns" smtpfixup set 2603 fixup banner text 'mail.example ESMTP'
		on "$ns" smtpfixup set 2604 esmtp tls allow
	done
	WAIT=60 wait_for master
	sleep 3		# both may have been for a moment
	wait_for master
	wait_for reachable
	for round in there back; do
		other=one
		[[ $forwarding != one ]] || other=two
		echo "# $round: from $forwarding to $other"
		count_suite failover.py "$PYTHON" "$ROOT/tests/vm/failover.py" "$forwarding" "$other"
		for device in eth0 eth1 eth2; do
			ip -n "$forwarding" link set "$device" up
		done
		sleep 10	# it may take the addresses back, or not
		check "conntrackd: one router forwards" master
		WAIT=60 wait_for reachable
	done
	for ns in one two; do
		on "$ns" pkill keepalived
		on "$ns" conntrackd -k
		kill "${keeper[$ns]}"
		wait "${keeper[$ns]}" 2>/dev/null
	done
	for ns in client one two server switch; do
		ip netns delete "$ns"
	done
}

RECIPES=(dnat hairpin flowtable vrf br_netfilter bridge ufw firewalld ipvs conntrackd)
for name in "${@:-${RECIPES[@]}}"; do
	"try_$name"
done
(($#)) || equal "every recipe was run" "$(printf '%s\n' "${ran[@]}" | sort -u)" \
	"$(sed -n 's/^## //p' "$page" | sort)"
finish
