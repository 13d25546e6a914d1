#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# What only an instrumented kernel can judge: long runs of everything that
# comes and goes while mail flows, and allocations that fail. The faults that
# this is about are in the kernel's log, where scripts/vm looks, kmemleak's
# among them; that no mail is lost is checked here.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

LOADS=${LOADS:-200} FLIPS=${FLIPS:-100} NAMESPACES=${NAMESPACES:-25}
FAILSLAB=/sys/kernel/debug/failslab

[[ -d $FAILSLAB ]] || { fail "this is no kernel of scripts/debug-kernel"; exit; }

topology

# -- what comes and goes ----------------------------------------------------

load_module mode=off || exit
r smtpfixup set 25 esmtp
mail_begins
rounds=0
for ((n = 0; n < LOADS; n++)); do
	rmmod nf_smtp_fixup && load_module mode=off && r smtpfixup set 25 esmtp &&
		rounds=$((rounds + 1))
done
equal "rmmod unloaded and loaded $LOADS times while mail flows" "$rounds" "$LOADS"
mail_ends "rmmod"

modes=(fixup esmtp off "esmtp tls allow" "fixup banner keep" "fixup reject noop" "esmtp ehlo strip"
	"fixup banner text mx" "esmtp banner stars")
mail_begins
rounds=0
for ((n = 0; n < FLIPS; n++)); do
	# shellcheck disable=SC2086
	r smtpfixup set 25 ${modes[n % ${#modes[@]}]} && r smtpfixup set 20-30 esmtp &&
		r smtpfixup flows >/dev/null && rounds=$((rounds + 1))
done
equal "policies $FLIPS changes while mail flows" "$rounds" "$FLIPS"
mail_ends "policies changing"

mail_begins
rounds=0
for ((n = 0; n < NAMESPACES; n++)); do
	ip netns add gone && ip -n gone link set lo up &&
		ip netns exec gone smtpfixup set 25 fixup && rounds=$((rounds + 1))
	ip netns exec gone "$PYTHON" "$ROOT/tests/vm/sink.py" 25 /dev/null &
	inner=$!
	wait_for listening gone 25
	ip netns exec gone smtp-source -c -d -s 3 -m 100000 -l 5000 inet:127.0.0.1:25 \
		>/dev/null 2>&1 &
	outer=$!
	wait_for eval 'ip netns exec gone grep -q "messages [1-9]" /proc/net/smtp_fixup'
	ip netns delete gone
	kill -9 "$inner" "$outer"
	wait "$inner" "$outer" 2>/dev/null
done
equal "namespaces $NAMESPACES made, and deleted with connections in them" "$rounds" "$NAMESPACES"
mail_ends "namespaces deleted"

# -- allocations that fail --------------------------------------------------

# Those with the module's code on the stack, and no others: no other modules
# are loaded on this kernel, and modules have their place in memory.
echo 0xffffffffa0000000 >"$FAILSLAB/require-start"
echo 0xffffffffff000000 >"$FAILSLAB/require-end"
echo 32 >"$FAILSLAB/stacktrace-depth"
echo N >"$FAILSLAB/ignore-gfp-wait"
echo N >"$FAILSLAB/task-filter"
echo 0 >"$FAILSLAB/verbose"
echo -1 >"$FAILSLAB/times"

# fails_nth N COMMAND...: the Nth of its allocations in the module fails.
fails_nth() {
	"$PYTHON" -c '
import os, sys
with open("/proc/self/fail-nth", "w") as file:
    file.write(sys.argv[1])
os.execvp(sys.argv[2], sys.argv[2:])' "$@" 2>/dev/null
}

# each_fails NAME UNDO COMMAND...: with each allocation failing in turn, until
# there are none left. A fault may be made good (kvmalloc), so one success is not
# the last. UNDO follows every success.
each_fails() {
	local name=$1 undo=$2 n refused=0 row=0
	shift 2
	for ((n = 1; n <= 100 && row < 8; n++)); do
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
forget() { r smtpfixup set 25 fixup && r smtpfixup set 26,30-40 off; }
delete() { ip netns delete poor; }

unload
each_fails "insmod" unload insmod "$(module_file)" mode=fixup ports=25,587,2500-2600
equal "memory: insmod that failed leaves nothing" "$(grep -c smtp /proc/slabinfo /proc/modules |
	tr '\n' ' ')" "/proc/slabinfo:0 /proc/modules:0 "
load_module mode=off
each_fails "a namespace" delete ip netns add poor
r smtpfixup set 25 fixup
before=$(r smtpfixup show)
each_fails "set" forget ip netns exec router smtpfixup set 25,26,30-40 esmtp
equal "memory: a set that failed changed nothing" "$(r smtpfixup show)" "$before"

# Packets: a lost allocation is a lost packet, which TCP sends again.
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

check "rmmod after all that" unload
equal "rmmod leaves no slab cache" "$(grep -c smtp /proc/slabinfo)" 0
finish
