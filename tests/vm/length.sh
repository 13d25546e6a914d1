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
# The last has the router merge what comes segment by segment, all headers kept
for setting in "gro on tso on gso on tx on rx on" \
	"gro off tso off gso off tx off rx off" \
	"gro on tso off gso off tx off rx off rx-gro-list on"; do
	for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
		read -r ns device <<<"$where"
		# shellcheck disable=SC2086
		ip netns exec "$ns" ethtool -K "$device" $setting >/dev/null 2>&1
	done
	count_suite length.py "$PYTHON" "$ROOT/tests/vm/length.py"
done
finish
