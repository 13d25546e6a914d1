#!/bin/bash
# shellcheck disable=SC2016
# SPDX-License-Identifier: GPL-2.0-only
# What an administrator does beside setting policies: check, notes on policies that
# select nothing, -n, Prometheus, counters that begin again, the module's parameters.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology

# -- the module's parameters ------------------------------------------------

started_with() {
	smtpfixup show
	rmmod nf_smtp_fixup
}
load_module ports=25,587 'mode="esmtp tls allow banner stars limit rcpt 5 mask iif lo observe"'
equal "mode= takes options of set" "$(started_with 2>/dev/null)" \
	"set 25 esmtp banner stars tls allow limit rcpt 5 mask iif lo observe
set 587 esmtp banner stars tls allow limit rcpt 5 mask iif lo observe"
load_module 'mode="esmtp tls mask strict smuggling drop"'
equal "mode= in any order: strict does not undo tls" "$(started_with)" \
	"set 25 esmtp smuggling drop strict"
for mode in "sideways" "esmtp sideways" "esmtp tls" "esmtp tls pink" "off tls allow" \
	"esmtp banner text" "esmtp limit rcpt" "esmtp limit rcpt 0 mask" "fixup iif a/b" \
	"esmtp limit body-line 5 mask"; do
	check "mode=\"$mode\" is refused" bash -c '! insmod "$0" mode="\"$1\""' "$(module_file)" "$mode"
done

load_module mode=off || exit
r modprobe -a dummy bridge 2>/dev/null

# -- policies that select nothing -------------------------------------------

# note NAME PATTERN PORTS ...: set and show say so, with exit status 0.
note() {
	local name=$1 pattern=$2
	shift 2
	check_status 0 "$name: set succeeds" r smtpfixup set "$@"
	contains "$name: set says so" "$output" "note: .*port $1 selects no connection: $pattern"
	check_status 0 "$name: show succeeds" r smtpfixup show "$1"
	contains "$name: show says so" "$output" "selects no connection: $pattern"
	equal "$name: show's lines can be fed back" "$(r smtpfixup show "$1" 2>/dev/null | grep -vc '^set ')" 0
	contains "$name: JSON" "$(r smtpfixup -j show "$1")" "\"selects-nothing\": \"$pattern"
	r smtpfixup set "$1" off
}

r ip link add br0 type bridge
r ip link add dummy0 type dummy
r ip link set dummy0 master br0 up
r ip link add dummy1 type dummy
note "no interface" "there is no interface eth9 here" 25 fixup iif eth9
note "a bridge's port" "dummy0 is a port of a bridge" 25 fixup iif dummy0
note "an interface that is down" "the interface dummy1 is down" 25 fixup iif dummy1
note "lo" "the router's own connections" 25 fixup iif lo
note "no helper is assigned" "no rule of nft .ct helper. or iptables" 25 fixup assign explicit
check_status 0 "an interface that is there" r smtpfixup set 25 fixup iif veth-rc
equal "an interface that is there: nothing to say" "$output" ""
check "a rule that assigns the helper" r nft -f - <<-'END'
	table inet own {
		ct helper mail { type "smtp" protocol tcp; }
		chain prerouting {
			type filter hook prerouting priority filter
			tcp dport 25 ct helper set "mail"
		}
	}
END
check_status 0 "the helper is assigned" r smtpfixup set 25 fixup assign explicit
equal "the helper is assigned: nothing to say" "$output" ""
r nft delete table inet own
r smtpfixup set 25 off

# -- check ------------------------------------------------------------------

conf=/etc/smtpfixup.conf
rm -f $conf
check_status 1 "check: nothing in force, nothing saved" r smtpfixup check
contains "check: nothing in force" "$output" "^SMTPFIXUP WARNING: 0 policies"
r smtpfixup set 25 esmtp tls allow
check_status 1 "check: not saved" r smtpfixup check
contains "check: not saved, what to do" "$output" "save --default"
check "save --default" r smtpfixup save --default
equal "save --default writes the file that is restored at boot" "$(grep -v '^#' $conf)" \
	"set 25 esmtp tls allow"
check_status 0 "check: as it should be" r smtpfixup check
contains "check: says ok" "$output" "^SMTPFIXUP OK: 1 policies"
r smtpfixup set 25 off
check_status 2 "check: what is saved is not in force" r smtpfixup check
contains "check: names the port" "$output" "critical.*port 25 is not filtered"
r smtpfixup set 25 fixup
check_status 1 "check: another policy is in force" r smtpfixup check
check "restore --default" r smtpfixup restore --default
check_status 0 "check: restored" r smtpfixup check
r smtpfixup set 2525 fixup iif eth9 2>/dev/null
r smtpfixup save --default
check_status 1 "check: a policy that selects nothing" r smtpfixup check
contains "check: says which" "$output" "warning.*port 2525 selects no connection"
r smtpfixup set 2525 off
{ seq -f '# a comment that takes room %f' 40000; r smtpfixup show; } >$conf
check_status 0 "check: a file longer than 1 MiB, as restore takes it" r smtpfixup check
echo "set 25 sideways" >$conf
check_status 2 "check: a broken file" r smtpfixup check
contains "check: names file and line" "$output" "critical.*$conf:1: "
r smtpfixup save --default
before=$(sysctl -n net.netfilter.nf_conntrack_max)
sysctl -qw net.netfilter.nf_conntrack_max=1
c bash -c "exec 3<>/dev/tcp/$SERVER4/9" 2>/dev/null
sysctl -qw net.netfilter.nf_conntrack_max="$before"
check_status 0 "check: nobody may" r setpriv --reuid nobody --regid nogroup --clear-groups smtpfixup check
check "check: JSON" bash -c 'ip netns exec router smtpfixup -j check | python3 -c "
import json, sys
assert {f[\"status\"] for f in json.load(sys.stdin)} == {\"ok\"}"'

# -- save where others have a hand ------------------------------------------

nobody=(setpriv --reuid nobody --regid nogroup --clear-groups)
sysctl -qw fs.protected_symlinks=1
mkdir -m 1777 /tmp/sticky
(umask 077 && echo precious >/tmp/precious)
"${nobody[@]}" ln -s /tmp/precious /tmp/sticky/there
"${nobody[@]}" ln -s /tmp/sticky-nowhere /tmp/sticky/nowhere
for link in there nowhere; do
	check_status 1 "save: a stranger's link ($link) in a sticky folder" r smtpfixup save /tmp/sticky/$link
	contains "save: a stranger's link ($link), the kernel's reason" "$output" "Permission denied"
	check "save: a stranger's link ($link) is still one" test -L /tmp/sticky/$link
done
equal "save: what it leads to is as it was" "$(stat -c %a /tmp/precious) $(</tmp/precious)" "600 precious"
check "save: and nothing is made" test ! -e /tmp/sticky-nowhere
check "save: a file of one's own there" r smtpfixup save /tmp/sticky/mine
equal "save: no other name is left" "$(find /tmp/sticky -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" "mine nowhere there "

# A file that is mounted there can't be renamed over.
r smtpfixup save >/tmp/saved
echo old >/tmp/below
: >/tmp/mounted
mount --bind /tmp/below /tmp/mounted
check "save: a file that is mounted there" r smtpfixup save /tmp/mounted
equal "save: it is what has been written" "$(</tmp/below)" "$(</tmp/saved)"
umount /tmp/mounted

# Ended at any time, it leaves the old file or the new one, and nothing else.
mkdir /tmp/ended
seq -f "set %.0f esmtp banner text 'a text that takes room'" 2 2 2000 | c smtpfixup restore
c smtpfixup save /tmp/new
whole=0 ended=0
for n in {1..30}; do
	echo old >/tmp/ended/conf
	c timeout -s TERM "$(printf '0.%03d' $((n * 12)))" smtpfixup save /tmp/ended/conf || ended=$((ended + 1))
	[[ $(</tmp/ended/conf) == old ]] || cmp -s /tmp/new /tmp/ended/conf && whole=$((whole + 1))
done
c smtpfixup restore /dev/null
echo "# $ended of 30 were ended"
equal "save: a signal leaves the old file or the new one" "$whole" 30
equal "save: a signal leaves no other file" "$(find /tmp/ended -mindepth 1 -printf "%f ")" "conf "

# -- -n ---------------------------------------------------------------------

equal "-n shows another namespace" "$(smtpfixup -n router show)" "set 25 esmtp tls allow"
check "-n sets in another namespace" smtpfixup set -n client 26 fixup
equal "-n has set there, and nowhere else" \
	"$(c smtpfixup show) $(r smtpfixup show 26) $(smtpfixup show)" "set 26 fixup set 26 off "
equal "-n takes a file" "$(smtpfixup -n /run/netns/client show)" "set 26 fixup"
check_status 1 "-n nowhere" smtpfixup -n nowhere show
equal "completion: ports in force" "$(r smtpfixup autocomplete stats '')" "25"
equal "completion: -n's ports in force" "$(smtpfixup autocomplete -n client show '')" "26"
equal "completion: namespaces" "$(smtpfixup autocomplete -n cl)" "client"

# -- counters ---------------------------------------------------------------

s "$PYTHON" "$ROOT/tests/vm/sink.py" 25 /dev/null &
WAIT=120 wait_for listening server 25
c smtp-source -s 1 -m 3 "inet:$SERVER4:25"
equal "three connections are counted" "$(counter 25 connections)" 3
contains "--prometheus" "$(r smtpfixup stats --prometheus)" '^smtpfixup_connections_total\{ports="25"\} 3$'
check_status 2 "--reset needs rights" \
	r setpriv --bounding-set -net_admin --inh-caps -net_admin smtpfixup stats --reset
contains "--reset needs rights, and says so" "$output" CAP_NET_ADMIN
contains "--reset prints what it takes" "$(r smtpfixup stats --reset)" '^  connections +3$'
equal "--reset: begun again" "$(counter 25 connections)" 0
equal "--reset: every counter" "$(r awk '$1 != "port" && $2 != 0' /proc/net/smtp_fixup)" ""
c smtp-source -s 1 -m 2 "inet:$SERVER4:25"
equal "--reset: counts on" "$(counter 25 connections)" 2
# Nothing is lost, and nothing counted twice, while mail flows.
c smtp-source -s 2 -m 60 -l 300 "inet:$SERVER4:25" &
sender=$!
total=0
take() { r smtpfixup stats --reset | awk '$1 == "connections" { print $2 }'; }
while kill -0 $sender 2>/dev/null; do
	total=$((total + $(take)))
done
wait $sender
total=$((total + $(take)))
equal "--reset while mail flows: nothing lost, nothing twice" "$total" 62
if command -v promtool >/dev/null; then
	check "promtool accepts --prometheus" bash -c \
		'ip netns exec router smtpfixup stats --prometheus | promtool check metrics'
	check "promtool accepts the alerts" promtool check rules "$ROOT/userspace/examples/alerts.yml"
else
	fail "promtool is not installed (package prometheus)"
fi
check_status 2 "flows needs rights" r setpriv --reuid nobody --regid nogroup --clear-groups smtpfixup flows
contains "flows needs rights, and says which" "$output" CAP_NET_ADMIN

# -- who keeps the module: docs/packets.md ----------------------------------

# An ordinary user, in a namespace of his own, begins a dump and does not read on.
seq -f "set %.0f fixup" 1000 >/tmp/many
"${nobody[@]}" unshare -rn bash -c '"$1" restore /tmp/many && exec "$2" -c "
import socket, struct, time
sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
sock.send(struct.pack(\"=IHHIIBBHHH\", 36, 16, 1, 1, 0, 3, 1, 0, 15, 2) + b\"smtp_fixup\\0\\0\")
family = struct.unpack_from(\"=H\", sock.recv(4096), 40)[0]
sock.send(struct.pack(\"=IHHIIBBH\", 20, family, 0x301, 2, 0, 2, 1, 0))
open(\"/tmp/unread\", \"w\").close()
time.sleep(600)"' bash "$ROOT/userspace/smtpfixup" "$PYTHON" &
reader=$!
wait_for test -e /tmp/unread
check "rmmod is refused while somebody does not read a dump" bash -c '! rmmod nf_smtp_fixup'
find_reader=$(sed -n "/^## .rmmod. says/,/^## Known/s/^    \(awk .*\)/\1/p" "$ROOT/docs/packets.md")
contains "docs/packets.md finds him" "$(eval "$find_reader")" "pid $reader$"
kill $reader
wait $reader 2>/dev/null
check "rmmod once he has gone" rmmod nf_smtp_fixup
finish
