#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Segments that no ordinary TCP sends: tests/vm/raw.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# veth vouches for the checksums of what it carries, and leaves open those of what
# the router sends, unless told not to
r ethtool -K veth-rc rx off tx off >/dev/null
r ethtool -K veth-rs rx off tx off >/dev/null
modprobe -a nft_ct nft_reject_ipv4 nft_reject_ipv6 nft_dup_ipv4 nft_dup_ipv6 2>/dev/null
load_module mode=off || exit
count_suite raw.py "$PYTHON" "$ROOT/tests/vm/raw.py" "$@"
finish
