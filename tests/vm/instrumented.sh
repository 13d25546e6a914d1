#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# What only an instrumented kernel can judge: long runs of everything that
# comes and goes while mail flows, and allocations that fail. The faults that
# this is about are in the kernel's log, where scripts/vm looks, kmemleak's
# among them; that no mail is lost is checked here.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

PARTS=${PARTS:-loads flips namespaces requests packets}
LOADS=${LOADS:-200} FLIPS=${FLIPS:-100} NAMESPACES=${NAMESPACES:-25}
FAILSLAB=/sys/kernel/debug/failslab

[[ -d $FAILSLAB ]] || { fail "this is no kernel of scripts/debug-kernel"; exit; }

# -- what comes and goes ----------------------------------------------------

loads() {
	r smtpfixup set 25 esmtp
	mail_begins
	reload_module "$LOADS"
	equal "rmmod unloaded and loaded $LOADS times while mail flows" "$rounds" "$LOADS"
	mail_ends "rmmod"
}

modes=(fixup esmtp off "esmtp tls allow" "fixup banner keep" "fixup reject noop" "esmtp ehlo strip"
	"fixup banner text mx" "esmtp banner stars")
flips() {
	local n rounds=0
	mail_begins
	for ((n = 0; n < FLIPS; n++)); do
		# shellcheck disable=SC2086
		r smtpfixup set 25 ${modes[n % ${#modes[@]}]} && r smtpfixup set 20-30 esmtp &&
			r smtpfixup flows >/dev/null && rounds=$((rounds + 1))
	done
	equal "policies $FLIPS changes while mail flows" "$rounds" "$FLIPS"
	mail_ends "policies changing"
}

namespaces() {
	r smtpfixup set 25 esmtp
	mail_begins
	doomed_namespaces "$NAMESPACES"
	equal "namespaces $NAMESPACES made, and deleted with connections in them" "$rounds" "$NAMESPACES"
	mail_ends "namespaces deleted"
}

# -- allocations that fail --------------------------------------------------

# module_only: those with the module's code on the stack, and no others: no other
# modules are loaded on this kernel, and modules have their place in memory.
# (Memory for each processor, where the counters are, is not failslab's.)
module_only() {
	echo 0xffffffffa0000000 >"$FAILSLAB/require-start"
	echo 0xffffffffff000000 >"$FAILSLAB/require-end"
	echo -1 >"$FAILSLAB/times"
	echo 0 >"$FAILSLAB/verbose"	# a trace of each would look like a splat
	echo 32 >"$FAILSLAB/stacktrace-depth"
}

# fails_nth N COMMAND...: the Nth of its allocations in the module fails.
fails_nth() {
	(
		echo "$1" >/proc/self/fail-nth
		exec "${@:2}" 2>/dev/null
	)
}

# each_fails NAME UNDO COMMAND...: with each allocation failing in turn, until
# there are none left. A fault may be made good (kvmalloc), so one success is not
# the last. UNDO follows every success.
each_fails() {
	local name=$1 undo=$2 n refused=0 row=0
	shift 2
	for ((n = 1; n <= 500 && row < 8; n++)); do
		if fails_nth "$n" "$@"; then
			row=$((row + 1))
			$undo
		else
			row=0
			refused=$((refused + 1))
		fi
	done
	echo "      | $refused of $((n - 1)) refused"
	equal "memory: $name, each allocation failing in turn" "$((refused > 0 && row == 8))" 1
}

unload() { rmmod nf_smtp_fixup; }
reload() { unload && load_module mode=off; }
forget() { r smtpfixup set 25 fixup && r smtpfixup set 26,30-40 off; }
delete() { ip netns delete poor; }
reset() { r smtpfixup restore "$kept"; }

# but_slab_names: nor those for a slab cache's place in sysfs: sysfs_slab_add(), of
# the kernel, gives up without kobject_put() and so leaks the cache's name.
but_slab_names() {
	local range
	range=$(awk '$3 == "sysfs_slab_add" { on = 1; print "0x" $1; next } on { print "0x" $1; exit }' \
		/proc/kallsyms)
	[[ $range ]] || { fail "no sysfs_slab_add in /proc/kallsyms"; return; }
	echo "${range%$'\n'*}" >"$FAILSLAB/reject-start"
	echo "${range#*$'\n'}" >"$FAILSLAB/reject-end"
}

requests() {
	local before
	module_only
	but_slab_names
	echo N >"$FAILSLAB/ignore-gfp-wait"
	unload
	each_fails "insmod" unload insmod "$(module_file)" mode=fixup ports=25,587,2500-2600
	equal "memory: insmod that failed leaves nothing" "$(grep -c smtp /proc/slabinfo /proc/modules |
		tr '\n' ' ')" "/proc/slabinfo:0 /proc/modules:0 "
	load_module mode=off
	each_fails "a namespace" delete ip netns add poor
	each_fails "a namespace's first set" reload ip netns exec router smtpfixup set 25 fixup
	r smtpfixup set 25 fixup
	before=$(r smtpfixup show)
	each_fails "set" forget ip netns exec router smtpfixup set 25,26,30-40 esmtp
	equal "memory: a set that failed changed nothing" "$(r smtpfixup show)" "$before"
	kept=$(mktemp)
	printf 'set 25 esmtp\nset 26,30-40 fixup\n' >"$kept.new"
	r smtpfixup save "$kept"
	each_fails "restore" reset ip netns exec router smtpfixup restore "$kept.new"
	equal "memory: a restore that failed changed nothing" "$(r smtpfixup show)" "$before"
	each_fails "flush" true ip netns exec router smtpfixup flush
}

# A lost allocation is a lost packet, which TCP sends again. The tool's requests,
# which may wait, do not fail here.
packets() {
	local refused mode
	echo Y >"$FAILSLAB/ignore-gfp-wait"
	count_suite "failslab.py" "$PYTHON" "$ROOT/tests/vm/failslab.py"
	module_only
	for mode in "esmtp" "esmtp banner text mx reject noop ehlo strip"; do
		# shellcheck disable=SC2086
		r smtpfixup set 25 $mode
		refused=$(counter 25 memory_refused)
		echo 5 >"$FAILSLAB/probability"
		mail_begins
		sleep $((6 * SLOWER))
		mail_ends "memory: one allocation of twenty failing, mode $mode"
		echo 0 >"$FAILSLAB/probability"
		refused=$(($(counter 25 memory_refused) - refused))
		equal "memory: counted in memory_refused, mode $mode" "$((refused > 0))" 1
	done
	echo 5 >"$FAILSLAB/probability"
	count_suite "length.py, one allocation of twenty failing" "$PYTHON" "$ROOT/tests/vm/length.py"
	echo 0 >"$FAILSLAB/probability"
}

# ---------------------------------------------------------------------------

topology
load_module mode=off || exit
for part in $PARTS; do
	"$part"
done
check "rmmod after all that" unload
equal "rmmod leaves no slab cache" "$(grep -c smtp /proc/slabinfo)" 0
finish
