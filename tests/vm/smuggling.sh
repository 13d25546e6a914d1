#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Ends of data by wrong line ends against Postfix, Exim, OpenSMTPD
# and Sendmail: tests/vm/servers smuggling.sh
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"
# shellcheck source=tests/vm/mta.sh
. "$(dirname "$0")/mta.sh"

topology
load_module mode=off || exit
postfix_prepare
postfix_server
exim
opensmtpd
sendmail
count_suite smuggling.py "$PYTHON" "$ROOT/tests/vm/smuggling.py"
finish
