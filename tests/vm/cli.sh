#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tool against a real kernel: what it says when something is missing or
# refused, and that nothing has changed then. And modprobe, after depmod.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

# one_line NAME: $output is one clear line.
one_line() {
	equal "$1: one line" "$(grep -c . <<<"$output")" 1
}

# refused NAME ARG...: exit 1, one line, and the policies are as they were.
refused() {
	local name=$1 before
	shift
	before=$(r smtpfixup show)
	check_status 1 "$name" r smtpfixup "$@"
	one_line "$name"
	equal "$name: nothing changed" "$(r smtpfixup show)" "$before"
}

# Before there is any traffic: nothing of what the module needs is loaded yet.
# A tree of its own, since depmod reads every module there is.
tree=/tmp/tree/lib/modules/$(uname -r)
mkdir -p "$tree"
modprobe -S "$(uname -r)" --show-depends -a nf_conntrack nf_defrag_ipv4 \
	nf_defrag_ipv6 nf_reject_ipv4 nf_reject_ipv6 |
	awk '/^insmod/ { print $2 }' | xargs cp -t "$tree"
cp "$(module_file)" "/lib/modules/$(uname -r)/modules.builtin" \
	"/lib/modules/$(uname -r)/modules.order" "$tree"
depmod -b /tmp/tree
modprobe_ours() { modprobe -d /tmp/tree nf_smtp_fixup "$@"; }
check "modprobe loads the module and what it needs" modprobe_ours mode=off
equal "mode=off starts with nothing in force" "$(smtpfixup show | grep -vc ' off$')" 0
check "rmmod unloads it" rmmod nf_smtp_fixup
check "modprobe once more" modprobe_ours
equal "without parameters: fixup on port 25 in the first namespace" \
	"$(awk '$1 == "port"' /proc/net/smtp_fixup)" "port 25 mode fixup"
check "rmmod once more" rmmod nf_smtp_fixup

topology

check_status 1 "a missing module is named" r smtpfixup set 25 fixup
contains "a missing module: what to do" "$output" 'modprobe nf_smtp_fixup'
one_line "a missing module"
check_status 1 "a missing module, show" r smtpfixup show
check_status 1 "a missing module, stats" r smtpfixup stats
modprobe_ours mode=off

check "set" r smtpfixup set 25 esmtp tls allow
contains "show gives set lines" "$(r smtpfixup show)" 'set 25 esmtp .*tls allow'
for words in "set" "set 25" "set 0 fixup" "set 65536 fixup" "set 30-25 fixup" "set 25 sideways" \
	"set 25, fixup" "set 25 fixup banner pink" "set 25 fixup banner" \
	"set 25 fixup allow FROBNICATE" "set x fixup" "set 25-30-35 fixup" "set -1 fixup" \
	"fixup protocol smtp 0" "fixup protocol ftp 21" "nonsense" "set 25 fixup tls"; do
	# shellcheck disable=SC2086
	refused "smtpfixup $words" $words
done
# Every port list is taken as a whole or not at all.
refused "smtpfixup set 26,0 fixup" set 26,0 fixup

before=$(r smtpfixup show)
check_status 2 "no CAP_NET_ADMIN: refused by the kernel" \
	r setpriv --bounding-set -net_admin --inh-caps -net_admin smtpfixup set 25 off
contains "no CAP_NET_ADMIN: what to do" "$output" 'CAP_NET_ADMIN|root'
one_line "no CAP_NET_ADMIN"
check_status 2 "nobody may not set" \
	r setpriv --reuid nobody --regid nogroup --clear-groups smtpfixup set 25 off
one_line "nobody may not set"
check "nobody may show" \
	r setpriv --reuid nobody --regid nogroup --clear-groups smtpfixup show
equal "nothing has changed by that" "$(r smtpfixup show)" "$before"

check "the PIX's own line sets a policy" r smtpfixup fixup protocol smtp 2525-2530
contains "the PIX's own line is in force" "$(r smtpfixup show)" 'set 2525-2530 fixup'
check "the PIX's own line ends it" r smtpfixup no fixup protocol smtp 2525-2530
equal "the PIX's own line has ended it" "$(r smtpfixup show | grep -c 2525)" 0
check "inspect esmtp" r smtpfixup inspect esmtp
contains "inspect esmtp is in force" "$(r smtpfixup show 25)" 'set 25 esmtp'
check "no inspect esmtp" r smtpfixup no inspect esmtp

check "another namespace may be set on its own" c smtpfixup set 25 fixup
equal "another namespace is not this one" "$(r smtpfixup show 25 | grep -c fixup)" 0

r smtpfixup set 25 esmtp
# shellcheck disable=SC2016
for words in "show" "stats" "flows"; do
	check "-j $words is JSON: an array" bash -c \
		'ip netns exec router smtpfixup -j "$0" | /usr/bin/python3 -c \
		"import json, sys; assert isinstance(json.load(sys.stdin), list)"' "$words"
done
check "stats --explain" r smtpfixup stats --explain
equal "/proc/net/smtp_fixup is read-only" "$(r stat -c %A /proc/net/smtp_fixup)" -r--r--r--

# Many policies at once.
many=$(seq -s , -f '%.0f' 10000 10 11990 | sed -E 's/[0-9]+/&-&/g; s/0(,|$)/5\1/g')
check "200 ranges are set at once" r smtpfixup set "$many" fixup
equal "200 ranges are in force" "$(r smtpfixup show | grep -cE 'set 1[0-9]{4}-1[0-9]{4} fixup')" 200
finish
