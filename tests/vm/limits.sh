#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Addresses, limits and observe: tests/vm/limits.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite limits.py "$PYTHON" "$ROOT/tests/vm/limits.py"
finish
