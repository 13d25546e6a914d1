#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own ynl against the module: tests/vm/ynl.py. scripts/spec keeps the
# sources of that kernel; without them, or on another kernel, there is nothing to run.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

tree=${XDG_CACHE_HOME:-$HOME/.cache}/smtpfixup/ynl/$(uname -r | grep -oE '^[0-9]+\.[0-9]+')
[[ -e $tree/MAINTAINERS ]] || give_up "there is no $tree: run scripts/spec"
topology
load_module mode=off || exit
cp "$ROOT/kmod/smtp_fixup.yaml" "$tree/Documentation/netlink/specs/"
count_suite ynl.py "$PYTHON" "$ROOT/tests/vm/ynl.py" "$tree"
finish
