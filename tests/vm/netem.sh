#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Many mails over bad networks: tests/vm/netem.py. scripts/check --long sends
# hundreds over each.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
neighbours
modprobe -a sch_netem nft_masq nft_nat nft_chain_nat || exit
load_module mode=off || exit
count_suite netem.py "$PYTHON" "$ROOT/tests/vm/netem.py" "$@"
finish
