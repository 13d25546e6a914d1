#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# save, restore and flush against a real kernel: tests/vm/tool.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite tool.py "$PYTHON" "$ROOT/tests/vm/tool.py" "$@"
finish
