#!/bin/bash
# shellcheck disable=SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Loading, unloading, policies and namespaces that come and go while mail flows.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

topology
load_module mode=off || exit
count_suite life.py "$PYTHON" "$ROOT/tests/vm/life.py" "$@"

# -- an administrator's own rules -------------------------------------------

check "helper nft's ct helper object can name smtp" r nft -f - <<-'END'
	table inet own {
		ct helper mail {
			type "smtp" protocol tcp;
		}
		chain prerouting {
			type filter hook prerouting priority filter;
			tcp dport 2500 ct helper set "mail"
		}
	}
END
r nft delete table inet own

# -- while mail flows -------------------------------------------------------

r smtpfixup set 25 fixup
mail_begins
rounds=0
for mode in esmtp fixup "esmtp tls allow" "fixup banner keep" off "esmtp banner stars" \
	"fixup" off "esmtp" "fixup"; do
	# shellcheck disable=SC2086
	r smtpfixup set 25 $mode && r smtpfixup set 20-30 $mode && rounds=$((rounds + 1))
	r smtpfixup show >/dev/null && r smtpfixup flows >/dev/null && r smtpfixup stats >/dev/null
	sleep 0.5
done
equal "policies ten changes while mail flows" "$rounds" 10
mail_ends "policies changing"

mail_begins
reload_module 10 0.7
equal "rmmod ten times unloaded and loaded while mail flows" "$rounds" 10
mail_ends "rmmod and insmod"

# A namespace of its own with a policy, deleted with connections in it.
mail_begins
doomed_namespaces 5
equal "namespaces five made, and deleted with connections in them" "$rounds" 5
mail_ends "namespaces deleted"

# And the other way round: the module first, with namespaces that use it.
for ((n = 0; n < 3; n++)); do
	ip netns add "gone$n"
	ip netns exec "gone$n" smtpfixup set 25,587 esmtp
done
check "rmmod with policies in several namespaces" rmmod nf_smtp_fixup
for ((n = 0; n < 3; n++)); do
	ip netns delete "gone$n"
done
equal "rmmod leaves no slab cache" "$(grep -c smtp /proc/slabinfo)" 0
equal "rmmod leaves no /proc file" "$(r ls /proc/net | grep -c smtp)" 0
check "insmod after all that" load_module mode=fixup ports=25,587,2500-2600
equal "parameters ports=25,587,2500-2600 mode=fixup hold in the first namespace" \
	"$(awk '$1 == "port" { print $2, $4 }' /proc/net/smtp_fixup | sort | tr '\n' ';')" \
	"25 fixup;2500-2600 fixup;587 fixup;"
equal "parameters other namespaces start with nothing" "$(r grep -c . /proc/net/smtp_fixup)" 0
rmmod nf_smtp_fixup
for parameters in "mode=sideways" "ports=0" "ports=70000" "ports=30-20" "ports=x" \
	"ports=+25" "ports=25,+26" "ports=25-+30" "ports=025" "ports=-25" "ports=25-" "ports=25,"; do
	if load_module "$parameters" 2>/dev/null; then
		fail "parameters $parameters is refused"
		rmmod nf_smtp_fixup
	else
		pass "parameters $parameters is refused"
	fi
done
finish
