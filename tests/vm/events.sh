#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Events: the monitor, the tracepoints, who hears of what and how much.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
count_suite events.py "$PYTHON" "$ROOT/tests/vm/events.py" "$@"
check "M the module comes back after that" load_module mode=off
finish
