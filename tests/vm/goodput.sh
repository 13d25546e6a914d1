#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Goodput under loss and reordering: tests/vm/goodput.py. It takes long, and wants
# scripts/vm --virtual-time: scripts/check --long vm-goodput.
#   --size N     of a mail, MiB (default 64)
#   --rounds N   mails with a policy, and as many without (default 3)
#   --json       for scripts/bench --counted
#   --long-path  instead of loss: 16 and 64 MiB in flight. No need of --virtual-time.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
modprobe sch_netem || exit
# Nor does a mail know what the one before it learnt about the path.
c sysctl -qw net.ipv4.tcp_no_metrics_save=1
if [[ " $* " == *" --long-path "* ]]; then
	for where in c s; do
		"$where" sysctl -qw net.ipv4.tcp_rmem="4096 131072 268435456" \
			net.ipv4.tcp_wmem="4096 131072 268435456"
	done
else
	# A loss is one packet of the wire, not 64 KB. Without GSO, TCP still makes
	# large packets, which are cut behind netem: sk_setup_caps()
	for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
		ip netns exec "${where% *}" ethtool -K "${where#* }" tso off gso off gro off >/dev/null
		ip -n "${where% *}" link set "${where#* }" gso_max_segs 1
	done
	s sysctl -qw net.ipv4.tcp_rmem="4096 131072 1048576"
fi
load_module mode=off || exit
count_suite goodput.py "$PYTHON" "$ROOT/tests/vm/goodput.py" "$@"
finish
