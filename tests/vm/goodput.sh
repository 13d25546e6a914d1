#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Goodput of a long mail under loss and reordering, with and without the
# module's work: tests/vm/goodput.py. For scripts/check --long.
#   MEGABYTES=64 ROUNDS=3   the mail's size, and how often each is measured
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
modprobe sch_netem
# Each loss hits one segment, and the next run knows nothing of it.
for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
	read -r ns device <<<"$where"
	ip netns exec "$ns" ethtool -K "$device" gro off tso off gso off >/dev/null
done
c sysctl -qw net.ipv4.tcp_no_metrics_save=1
load_module mode=off || exit
count_suite goodput.py "$PYTHON" "$ROOT/tests/vm/goodput.py"
finish
