#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# tshark finds nothing in a capture with the module that it does not find in one
# of the same octets without it: tests/vm/tshark.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# Where nothing is lost only patience runs out, on a busy machine: have more.
patience=$((3 * ${SLOWER:-1}))s
for ns in client server; do
	ip netns exec "$ns" sysctl -qw net.ipv4.tcp_early_retrans=0
done
c ip route change default via "$ROUTER4" rto_min "$patience"
c ip -6 route change default via "$ROUTER6" rto_min "$patience"
s ip route change default via 10.0.2.1 rto_min "$patience"
s ip -6 route change default via fd00:2::1 rto_min "$patience"

depends=$(modinfo -F depends "$(module_file)" | tr ',' ' ')
# shellcheck disable=SC2086
modprobe -a $depends nf_conntrack
count_suite tshark.py "$PYTHON" "$ROOT/tests/vm/tshark.py"
finish
