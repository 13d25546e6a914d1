#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What clients that do not wait for replies lose by it: tests/vm/waits.py.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
neighbours
modprobe -a sch_netem nft_masq nft_nat nft_chain_nat || exit
load_module mode=off || exit
for where in "client veth-c" "server veth-s"; do
	tc -n "${where% *}" qdisc add dev "${where#* }" root netem limit 10000 delay 1ms
done
count_suite waits.py "$PYTHON" "$ROOT/tests/vm/waits.py" "$@"
finish
