#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# After a boot with systemd: what was saved is in force, and the unit does what an
# administrator expects of one. Run by tests/vm/boot.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

PATH=/usr/sbin:/usr/bin:/sbin:/bin
conf=/etc/smtpfixup.conf
saved=$(<$conf)

# state UNIT PROPERTY
state() { systemctl show -P "$2" "$1"; }

equal "boot: the module's options" "$(cat /sys/module/nf_smtp_fixup/parameters/mode)" off
equal "boot: modules are loaded" "$(state systemd-modules-load.service Result)" success
equal "boot: smtpfixup.service" "$(state smtpfixup.service ActiveState) $(state smtpfixup.service Result)" \
	"active success"
equal "boot: the policies are in force" "$(smtpfixup show 2>/dev/null)" "$saved"
equal "boot: nftables.service" "$(state nftables.service ActiveState) $(state nftables.service Result)" \
	"active success"
contains "boot: the table is there" "$(nft list ruleset)" 'ct helper set "smtp"'
check "boot: policies before the firewall" test \
	"$(state smtpfixup.service ActiveEnterTimestampMonotonic)" -le \
	"$(state nftables.service ExecMainStartTimestampMonotonic)"
contains "boot: before the network" "$(state smtpfixup.service Before)" 'network-pre.target'
check_status 0 "boot: check" smtpfixup check
contains "boot: check says how many policies" "$output" "^SMTPFIXUP OK: 2 policies"
equal "boot: the units are well formed" "$(systemd-analyze verify smtpfixup.service \
	smtpfixup-prometheus.service smtpfixup-prometheus.timer 2>&1 | grep smtpfixup)" ""

smtpfixup set 25 off
check "reload" systemctl reload smtpfixup
equal "reload restores" "$(smtpfixup show)" "$saved"

printf 'set 25 esmtp\nset 26 sideways\n' >$conf
check "reload of a broken file fails" bash -c '! systemctl reload smtpfixup'
equal "reload of a broken file leaves what was in force" "$(smtpfixup show)" "$saved"
check "start with a broken file fails" bash -c '! systemctl restart smtpfixup'
equal "a broken file fails the unit" "$(state smtpfixup.service ActiveState)" failed
contains "file, line and reason are in the journal" "$(journalctl -u smtpfixup --no-pager -o cat)" \
	"$conf:2: .*sideways"
equal "a broken file leaves what was in force" "$(smtpfixup show)" "$saved"
check_status 2 "check sees the broken file" smtpfixup check

echo "$saved" >$conf
check "start once it is mended" systemctl restart smtpfixup
equal "it is in force again" "$(smtpfixup show)" "$saved"
check "stop" systemctl stop smtpfixup
equal "stop changes nothing" "$(smtpfixup show)" "$saved"
rm $conf
check "without a file there is nothing to do" systemctl start smtpfixup
equal "without a file nothing changes" "$(smtpfixup show)" "$saved"
check "save --default" smtpfixup save --default
equal "save --default keeps them" "$(grep -v '^#' $conf)" "$saved"

mkdir -p /var/lib/prometheus/node-exporter
check "the timer's unit" systemctl start smtpfixup-prometheus.service
contains "the timer's unit writes the counters" \
	"$(cat /var/lib/prometheus/node-exporter/smtpfixup.prom)" '^smtpfixup_policies 2$'
finish
