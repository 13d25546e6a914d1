#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mail goes on for SECONDS (300) while policies, namespaces, the module, processors,
# interfaces and memory come and go.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
# IPv6 addresses outlive their interface's going down
for ns in client router server; do
	ip netns exec $ns sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1
done
load_module mode=off || exit
# Connections that lost all their packets end in time
c sysctl -qw net.ipv4.tcp_retries2=6 net.ipv4.tcp_syn_retries=3
s sysctl -qw net.ipv4.tcp_retries2=6
report=/tmp/report
ip netns exec server "$PYTHON" "$ROOT/tests/vm/sink.py" 25 $report &
echo $! >$report.pid
WAIT=120 wait_for listening server 25
count_suite "storm.py" env "SEED=${SEED-}" "$PYTHON" "$ROOT/tests/vm/storm.py" "${1:-300}" $report
check "rmmod" rmmod nf_smtp_fixup
equal "nothing is left" "$(grep -c smtp /proc/slabinfo /proc/modules | tr '\n' ' ')" \
	"/proc/slabinfo:0 /proc/modules:0 "
finish
