#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Suites that need the topology and the module, and no more: tests/vm/NAME.py.
# Several run one after the other in one guest, each with the module anew.
# Usage: suite.sh NAME[,PARAMETER=VALUE]... [-- ARGUMENT...]
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

suites=()
while (($#)) && [[ $1 != -- ]]; do
	suites+=("$1")
	shift
done
shift
topology
for suite in "${suites[@]}"; do
	IFS=, read -ra parameters <<<"$suite"
	name=${parameters[0]}
	load_module mode=off "${parameters[@]:1}" || exit
	count_suite "$name.py" "$PYTHON" "$ROOT/tests/vm/$name.py" "$@"
	[[ $suite == "${suites[-1]}" ]] || rmmod nf_smtp_fixup || exit
done
finish
