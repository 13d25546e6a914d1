#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Thousands of mails from Postfix to Postfix over a bad network: tests/vm/mails.py.
# It takes long: scripts/check --long vm-mails.
#   --mails N    by each policy (default 1000)
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

topology
neighbours
modprobe sch_netem || exit
load_module mode=off || exit
postfix_prepare
postfix_server
client_service="127.0.0.1:2525 inet n - n - 10 smtpd"
postfix_client
for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
	# A device that vouches for what it receives lets damaged packets through.
	ip netns exec "${where% *}" ethtool -K "${where#* }" rx off >/dev/null
	tc -n "${where% *}" qdisc add dev "${where#* }" root netem limit 10000 \
		delay 1ms 1ms loss 1% duplicate 1% reorder 90% 25% corrupt 0.5%
done
count_suite mails.py "$PYTHON" "$ROOT/tests/vm/mails.py" "$@"
finish
