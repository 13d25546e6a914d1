#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Edits that change the length, on plain routing and behind masquerade:
# tests/vm/length.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite length.py "$PYTHON" "$ROOT/tests/vm/length.py"

modprobe -a nft_masq nft_chain_nat
r nft -f - <<-'END'
	table inet nat {
		chain post {
			type nat hook postrouting priority srcnat
			oifname "veth-rs" masquerade
		}
	}
END
for feature in "on" "off"; do
	for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
		read -r ns device <<<"$where"
		ip netns exec "$ns" ethtool -K "$device" gro $feature tso $feature \
			gso $feature tx $feature rx $feature >/dev/null 2>&1
	done
	count_suite length.py "$PYTHON" "$ROOT/tests/vm/length.py"
done
finish
