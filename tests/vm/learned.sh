#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/vm/learn.py learned of every server, through every policy:
# tests/vm/servers learned.sh [--long]
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
s unshare -m "$ROOT/tests/vm/farm.sh" "$SERVER4" sleep infinity &
for port in 25 26 27 28 29 31 32 33 34 35 36 37 38 39 40 41 42 43; do
	WAIT=240 wait_for listening server $port
done
count_suite learned.py "$PYTHON" "$ROOT/tests/vm/learned.py" "$MTA/learned${1-}.json" "$@"
finish
