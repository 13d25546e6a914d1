# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Mail servers beside Postfix, in namespace server. tests/vm/servers has unpacked
# them to $MTA/root. Source it behind lib.sh and postfix.sh.

LIBRARIES=$MTA/root/usr/lib/x86_64-linux-gnu:$MTA/root/lib/x86_64-linux-gnu

# exim: on port 26, without TLS.
exim() {
	useradd --system --no-create-home Debian-exim
	mkdir -p /etc/exim4 /tmp/exim/spool /tmp/exim/log
	chown -R Debian-exim /tmp/exim
	cat >/etc/exim4/exim4.conf <<-END
		primary_hostname = exim20.example
		daemon_smtp_ports = 26
		spool_directory = /tmp/exim/spool
		log_file_path = /tmp/exim/log/%slog
		host_lookup =
		rfc1413_query_timeout = 0s
		tls_advertise_hosts =
		acl_smtp_rcpt = accept
		queue_only = true
		smtp_enforce_sync = false
		never_users =
		begin acl
		accept:
		accept
	END
	s env LD_LIBRARY_PATH="$LIBRARIES" "$MTA/root/usr/sbin/exim4" -bd -oP /tmp/exim/pid
	wait_for listening server 26
}

# opensmtpd: on port 27, with STARTTLS.
opensmtpd() {
	useradd --system --no-create-home opensmtpd
	useradd --system --no-create-home opensmtpq
	mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
	chmod 711 /var/spool/smtpd
	cp "$MTA/root/usr/sbin/smtpd" /usr/sbin/smtpd
	chmod 600 /tmp/server/key.pem
	cat >/tmp/smtpd.conf <<-END
		pki smtpd.example cert "/tmp/server/cert.pem"
		pki smtpd.example key "/tmp/server/key.pem"
		listen on veth-s port 27 tls pki smtpd.example hostname smtpd.example
		action "queue" relay host smtp://127.0.0.1:9
		match from any for any action "queue"
	END
	s env LD_LIBRARY_PATH="$LIBRARIES" /usr/sbin/smtpd -f /tmp/smtpd.conf
	wait_for listening server 27
}
