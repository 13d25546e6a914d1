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

# -- another version of the module, as debian/smtpfixup-dkms.postinst has it --

version() { cat /sys/module/nf_smtp_fixup/version; }
o() { ip netns exec other "$@"; }
old=$(version)
ip netns add other
ip -n other link set lo up
o smtpfixup set 587 esmtp tls allow banner stars
theirs=$(o smtpfixup show)
o /usr/bin/python3 "$ROOT/tests/vm/sink.py" 587 /dev/null &
wait_for listening other 587
rm -f /tmp/go
o /usr/bin/python3 -c '
import os, smtplib, time
s = smtplib.SMTP("127.0.0.1", 587, timeout=30)
s.helo("a.example")
open("/tmp/open", "w").close()
while not os.path.exists("/tmp/go"):
    time.sleep(0.1)
print(s.noop()[0], s.quit()[0])' >/tmp/session 2>&1 &
session=$!
wait_for test -e /tmp/open
cp /srv/next/nf_smtp_fixup.ko "$(modinfo -n nf_smtp_fixup)"
check_status 0 "upgrade: while a ct helper object holds the module" "$ROOT/debian/reload-module"
contains "upgrade: says who holds it" "$output" "stays in force until the next boot.*ct helper"
equal "upgrade: the old one stays in force" "$(version) $(smtpfixup show)" "$old $saved"
nft flush ruleset
check_status 0 "upgrade: with nothing in its way" "$ROOT/debian/reload-module"
equal "upgrade: the new one is loaded" "$(version)" 9.9.9
equal "upgrade: policies are in force again" "$(smtpfixup show 2>/dev/null)" "$saved"
equal "upgrade: another namespace's, too" "$(o smtpfixup show)" "$theirs"
touch /tmp/go
wait $session
equal "upgrade: the session that was open goes on" "$(</tmp/session)" "250 221"

mkdir -p /var/lib/prometheus/node-exporter
check "the timer's unit" systemctl start smtpfixup-prometheus.service
contains "the timer's unit writes the counters" \
	"$(cat /var/lib/prometheus/node-exporter/smtpfixup.prom)" '^smtpfixup_policies 2$'
finish
