#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Gigabytes behind edits of the length: tests/vm/gigabytes.py. Some 10 minutes,
# so only where it is asked for: scripts/check --long.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite gigabytes.py "$PYTHON" "$ROOT/tests/vm/gigabytes.py"
finish
