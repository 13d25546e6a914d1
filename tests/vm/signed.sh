#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that takes signed modules only, as with Secure Boot: the tool names that.
# Run it with --append module.sig_enforce=1.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

modprobe -a nf_conntrack nf_defrag_ipv4 nf_defrag_ipv6
check_status 1 "the kernel refuses the module" insmod "$(module_file)"
contains "the kernel refuses the module for its key" "$output" "[Kk]ey"
check_status 1 "show" smtpfixup show
contains "the tool names Secure Boot" "$output" "Secure Boot.*enrol"
equal "the tool names Secure Boot: one line" "$(grep -c . <<<"$output")" 1
check_status 2 "check" smtpfixup check
contains "check names Secure Boot" "$output" "critical.*Secure Boot"
finish
