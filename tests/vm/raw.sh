#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Segments that no ordinary TCP sends: tests/vm/raw.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# veth vouches for the checksums of what it carries, unless told not to
r ethtool -K veth-rc rx off
r ethtool -K veth-rs rx off
modprobe -a nft_ct 2>/dev/null
load_module mode=off || exit
count_suite raw.py "$PYTHON" "$ROOT/tests/vm/raw.py"
finish
