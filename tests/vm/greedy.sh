#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory is shared fairly (H5): tests/vm/greedy.py in the topology, for
# scripts/vm --virtual-time. Every day 300 greedy connections and 100 mails; with
# --long 3,000 and 1,000, and as much more memory.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

read_programs "$ROOT/userspace/smtpfixup" conntrack "$PYTHON"
PYTHONPATH=$ROOT/tests/vm "$PYTHON" -c "import sink, greedy"	# theirs
topology
# The greedy are on both sides: nobody but greedy.py has their addresses
r ip route add 10.9.0.0/16 via "$CLIENT4"
r ip route add 10.8.0.0/16 via "$SERVER4"
r ip route add fd00:9::/32 via "$CLIENT6"
r ip route add fd00:8::/32 via "$SERVER6"
load_module mode=off || exit
r sysctl -qw net.netfilter.nf_conntrack_checksum=0	# greedy.py makes none
s "$PYTHON" "$ROOT/tests/vm/sink.py" 25 /tmp/report &
wait_for listening server 25
count_suite greedy.py "$PYTHON" "$ROOT/tests/vm/greedy.py" "$@"
finish
