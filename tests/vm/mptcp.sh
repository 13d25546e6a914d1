#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# MPTCP clients and servers on both sides of the router: tests/vm/mptcp.py.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# The client's second address: a second subflow
ip -n client address add 10.0.1.3/24 dev veth-c
# Deprecated: nobody's source address who does not ask for it
ip -n client address add fd00:1::3/64 dev veth-c nodad preferred_lft 0
for ns in client server; do
	ip netns exec "$ns" sysctl -qw net.mptcp.enabled=1
	ip -n "$ns" mptcp limits set subflow 4 add_addr_accepted 4
done
ip -n client mptcp endpoint add 10.0.1.3 dev veth-c subflow
ip -n client mptcp endpoint add fd00:1::3 dev veth-c subflow
# What raw.py sees must have checksums
s ethtool -K veth-s tx off >/dev/null
r ethtool -K veth-rc rx off tx off >/dev/null
r ethtool -K veth-rs rx off tx off >/dev/null
load_module mode=off || exit
count_suite mptcp.py "$PYTHON" "$ROOT/tests/vm/mptcp.py"
finish
