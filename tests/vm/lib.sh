# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# What the VM suites share. Source it first; it runs in the guest only.
#
#    namespace client              namespace router               namespace server
#  ┌───────────────────┐     ┌──────────────────────────┐     ┌───────────────────┐
#  │            veth-c ├─────┤ veth-rc          veth-rs ├─────┤ veth-s            │
#  │     10.0.1.2/24   │     │ 10.0.1.1/24  10.0.2.1/24 │     │   10.0.2.2/24     │
#  │    fd00:1::2/64   │     │ fd00:1::1/64 fd00:2::1/64│     │  fd00:2::2/64     │
#  └───────────────────┘     └──────────────────────────┘     └───────────────────┘
#                             here smtpfixup is at work
#
# A test is named with the rule that it holds: "V3 a blocked verb is X-ed".
# A suite ends with finish, which prints "N passed, N failed".
set -uo pipefail

[[ ${SMTPFIXUP_VM-} ]] || { echo "run it as scripts/vm $0" >&2; exit 2; }

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$ROOT/userspace:$PATH
PYTHON=/usr/bin/python3
CLIENT4=10.0.1.2 CLIENT6=fd00:1::2
SERVER4=10.0.2.2 SERVER6=fd00:2::2
ROUTER4=10.0.1.1 ROUTER6=fd00:1::1
export PYTHONDONTWRITEBYTECODE=1
# The guest is that many times slower than on a stock kernel.
SLOWER=${SLOWER:-1}

# -- counting ---------------------------------------------------------------

# shellcheck source=tests/count.sh
. "$ROOT/tests/count.sh"

# check_status STATUS NAME COMMAND [ARG]...: its exit status; $output is kept.
check_status() {
	local want=$1 name=$2 got=0
	shift 2
	output=$("$@" 2>&1) || got=$?
	if ((got == want)); then
		pass "$name"
	else
		fail "$name" "$* gave $got, wanted $want: $output"
	fi
}

# equal NAME GOT WANTED
equal() {
	if [[ $2 == "$3" ]]; then
		pass "$1"
	else
		fail "$1" "got    $2"$'\n'"wanted $3"
	fi
}

# contains NAME TEXT PATTERN (extended regular expression)
contains() {
	if grep -qE -e "$3" <<<"$2"; then
		pass "$1"
	else
		fail "$1" "no /$3/ in: $2"
	fi
}

at_exit() {
	local status=$?
	if ((!finished)); then
		fail "${0##*/} broke off with status $status"
		printf '%d passed, %d failed\n' "$passed" "$failed"
	fi
	# The guest ends here; killing all that runs in it is scripts/vm-init's.
	((failed == 0 && finished))
	exit
}
trap at_exit EXIT

# read_programs PROGRAM...: read them and their libraries, all of them. In virtual time
# (scripts/vm --virtual-time) clocks run on while a processor waits for this machine's
# files: minutes may go by before a program has begun.
read_programs() {
	local program
	for program; do
		program=$(command -v "$program") || continue
		# shellcheck disable=SC2046 # paths without blanks
		cat "$program" $(ldd "$program" | sed -n 's,.* \(/[^ ]*\) (.*,\1,p') >/dev/null
	done
}

# wait_for COMMAND [ARG]...: until it succeeds, for at most 30 s (times SLOWER).
wait_for() {
	local end=$((SECONDS + ${WAIT:-30} * SLOWER))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= end)); then
			fail "waited in vain for: $*"
			return 1
		fi
		sleep 0.1
	done
}

# -- the topology -----------------------------------------------------------

c() { ip netns exec client "$@"; }
r() { ip netns exec router "$@"; }
s() { ip netns exec server "$@"; }

# join NS DEVICE ADDRESS4 ADDRESS6 -- NS DEVICE ADDRESS4 ADDRESS6
join() {
	ip link add "$2" netns "$1" type veth peer name "$7" netns "$6"
	ip -n "$1" address add "$3" dev "$2"
	ip -n "$1" address add "$4" dev "$2" nodad
	ip -n "$6" address add "$8" dev "$7"
	ip -n "$6" address add "$9" dev "$7" nodad
	ip -n "$1" link set "$2" up
	ip -n "$6" link set "$7" up
}

topology() {
	local ns
	modprobe -a veth nf_conntrack nf_defrag_ipv4 nf_defrag_ipv6
	for ns in client router server; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	join client veth-c 10.0.1.2/24 fd00:1::2/64 -- router veth-rc 10.0.1.1/24 fd00:1::1/64
	join server veth-s 10.0.2.2/24 fd00:2::2/64 -- router veth-rs 10.0.2.1/24 fd00:2::1/64
	r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	c ip route add default via 10.0.1.1
	c ip route add default via fd00:1::1
	s ip route add default via 10.0.2.1
	s ip route add default via fd00:2::1
	wait_for c ping -c 1 -W 1 "$SERVER4"
	wait_for c ping -c 1 -W 1 "$SERVER6"
}

# neighbours: nobody has to ask for a hardware address, and nothing protects the
# answer where netem damages packets.
neighbours() {
	local ns device peer_ns peer address
	while read -r ns device peer_ns peer address; do
		ip -n "$ns" neighbour replace "$address" dev "$device" nud permanent \
			lladdr "$(ip netns exec "$peer_ns" cat "/sys/class/net/$peer/address")"
	done <<-END
		client veth-c router veth-rc $ROUTER4
		client veth-c router veth-rc $ROUTER6
		router veth-rc client veth-c $CLIENT4
		router veth-rc client veth-c $CLIENT6
		router veth-rs server veth-s $SERVER4
		router veth-rs server veth-s $SERVER6
		server veth-s router veth-rs 10.0.2.1
		server veth-s router veth-rs fd00:2::1
	END
}

# listening NS PORT: does anything listen there?
listening() {
	ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q .
}

# -- the module -------------------------------------------------------------

module_file() {
	[[ -z ${NF_SMTP_FIXUP_KO-} ]] || { echo "$NF_SMTP_FIXUP_KO"; return; }
	find "$ROOT" -maxdepth 2 -name nf_smtp_fixup.ko | head -n 1
}

# load_module [PARAMETER=VALUE]...: insmod resolves no dependency, so those first.
load_module() {
	local file depends
	file=$(module_file)
	[[ -n $file ]] || { fail "nf_smtp_fixup.ko is not built"; exit 1; }
	depends=$(modinfo -F depends "$file" | tr ',' ' ')
	# shellcheck disable=SC2086
	modprobe -a $depends nf_conntrack nf_defrag_ipv4 nf_defrag_ipv6 || return
	insmod "$file" "$@"
}

# counter PORT NAME: its value in the router's /proc/net/smtp_fixup.
# shellcheck disable=SC2016
counter() {
	r awk -v port="$1" -v name="$2" '
		$1 == "port" { on = ($2 == port) }
		on && $1 == name { print $2 }' /proc/net/smtp_fixup
}

# reload_module N [SECONDS]: out and in N times, with a pause; how often that went
# well, in $rounds.
reload_module() {
	local n file
	file=$(module_file)
	rounds=0
	for ((n = 0; n < $1; n++)); do
		rmmod nf_smtp_fixup && insmod "$file" mode=off && r smtpfixup set 25 esmtp &&
			rounds=$((rounds + 1))
		sleep "${2:-0}"
	done
}

# doomed_namespaces N: made, and deleted in the midst of mail; how many had a
# policy, in $rounds.
doomed_namespaces() {
	local n inner outer
	rounds=0
	for ((n = 0; n < $1; n++)); do
		ip netns add gone
		ip -n gone link set lo up
		ip netns exec gone smtpfixup set 25 fixup && rounds=$((rounds + 1))
		ip netns exec gone "$PYTHON" "$ROOT/tests/vm/sink.py" 25 /dev/null &
		inner=$!
		wait_for listening gone 25
		ip netns exec gone nice -n 10 smtp-source -c -d -s 5 -m 100000 -l 5000 \
			inet:127.0.0.1:25 >/dev/null 2>&1 &
		outer=$!
		wait_for eval 'ip netns exec gone grep -q "messages [1-9]" /proc/net/smtp_fixup'
		ip netns delete gone
		kill -9 "$inner" "$outer"
		wait "$inner" "$outer" 2>/dev/null
	done
}

# -- mail that flows --------------------------------------------------------

sink_report=/tmp/report sink=
senders=()

# mail_begins: senders that go on until mail_ends, one for each family, short and
# long mails in turn; every one must succeed, and none may hang. Not more than
# that, and nice: the guest has other things to do.
mail_begins() {
	rm -f /tmp/stop /tmp/trouble "$sink_report"
	ip netns exec server nice -n 10 "$PYTHON" "$ROOT/tests/vm/sink.py" 25 "$sink_report" &
	sink=$!
	wait_for listening server 25
	for address in "$SERVER4" "[$SERVER6]"; do
		while [[ ! -e /tmp/stop ]]; do
			for length in 300 60000; do
				c timeout $((90 * SLOWER)) nice -n 10 smtp-source -d -s 4 -m 12 \
					-l "$length" -f a@example.org -t b@example.org \
					"inet:$address:25" 2>>/tmp/trouble ||
					echo "smtp-source to $address failed" >>/tmp/trouble
				echo 12 >>/tmp/sent
			done
		done &
		senders+=($!)
	done
	wait_for test -s /tmp/sent
}

# mail_ends: how many were sent, in $sent; all of them arrived.
mail_ends() {
	: >/tmp/stop
	wait "${senders[@]}"
	senders=()
	kill "$sink"
	wait "$sink"
	sent=$(awk '{ n += $1 } END { print n }' /tmp/sent)
	rm -f /tmp/sent
	took=$("$PYTHON" -c 'import json; print(sum(json.load(open("'$sink_report'"))["mails"].values()))')
	equal "$1: no sender had trouble" "$(cat /tmp/trouble 2>/dev/null)" ""
	equal "$1: all $sent mails arrived" "$took" "$sent"
}
