#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Presets and options on the wire: tests/vm/rules.py in the topology.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite rules.py "$PYTHON" "$ROOT/tests/vm/rules.py" "$@"
finish
