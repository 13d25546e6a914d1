#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# T1 as an outsider sees it: wireshark's TCP analysis of what leaves the router
# finds nothing that it does not find without the module. tests/vm/tshark.py.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# Segments as they are on a wire, with their checksums.
for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
	read -r ns device <<<"$where"
	ip netns exec "$ns" ethtool -K "$device" gro off tso off gso off tx off rx off >/dev/null
done
load_module mode=off || exit
count_suite tshark.py "$PYTHON" "$ROOT/tests/vm/tshark.py"
finish
