#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Which connections are inspected: tests/vm/assign.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off midstream_grace=0 || exit
count_suite assign.py "$PYTHON" "$ROOT/tests/vm/assign.py" "$@"
finish
