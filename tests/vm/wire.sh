#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What leaves the router, byte by byte: tests/vm/wire.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite wire.py "$PYTHON" "$ROOT/tests/vm/wire.py" "$@"
finish
