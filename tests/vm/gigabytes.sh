#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Gigabytes behind edits of the length: tests/vm/gigabytes.py. Half an hour, so
# only where it is asked for: scripts/check --long.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
modprobe -a nft_masq nft_nat nft_chain_nat || exit
r nft -f - <<-END || exit
	table inet nat {
		chain pre {
			type nat hook prerouting priority dstnat
			ip daddr $ROUTER4 tcp dport 25 dnat ip to $SERVER4
			ip6 daddr $ROUTER6 tcp dport 25 dnat ip6 to $SERVER6
		}
		chain post {
			type nat hook postrouting priority srcnat
			ct status dnat oifname veth-rs masquerade
		}
	}
END
load_module mode=off || exit
count_suite gigabytes.py "$PYTHON" "$ROOT/tests/vm/gigabytes.py" "$@"
finish
