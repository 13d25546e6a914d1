# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# overlay_packages: in a mount namespace of its own, /usr, /etc and /var become
# overlays of the packages that tests/vm/servers unpacked to $MTA and of what is
# there; that itself stays as it is. /srv and /run are empty, and in memory.
overlay_packages() {
	local dir
	mount --make-rprivate / && mount -t tmpfs -o mode=755,size=70% packages /srv || return
	mkdir -p /srv/etc /srv/var /srv/work/etc /srv/work/var
	for dir in etc var; do
		mount -t overlay packages /$dir -o \
			"lowerdir=$MTA/root/$dir:/$dir,upperdir=/srv/$dir,workdir=/srv/work/$dir" || return
	done
	mount -t overlay packages /usr -o "lowerdir=$MTA/root/usr:/usr" || return
	mount -t tmpfs -o mode=755 packages /run && mkdir /run/lock /run/courier /run/dovecot
}
