#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Requests of generic netlink that nobody would send, for SECONDS (30), after some that are always made, and whether
# the module is as good as new after them.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite "netlink.py" env "SEED=${SEED-}" "$PYTHON" "$ROOT/tests/vm/netlink.py" "${1:-30}"
check "restore" r smtpfixup restore /dev/null
check "a request is accepted" r smtpfixup set 25 fixup
equal "it is in force" "$(r smtpfixup show 25)" "set 25 fixup"
equal "netlink: nobody keeps a dump open" "$(awk '$2 == 16 && $7' /proc/net/netlink)" ""
check "rmmod" rmmod nf_smtp_fixup
equal "nothing is left" "$(grep -c smtp /proc/slabinfo /proc/modules | tr '\n' ' ')" \
	"/proc/slabinfo:0 /proc/modules:0 "
finish
