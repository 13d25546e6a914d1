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

# sendmail: on port 28, without TLS. It wants a name of its own, and to look up others.
sendmail() {
	local cf=$MTA/root/usr/share/sendmail/cf
	mkdir -p /tmp/sendmail/queue
	cp "$MTA/root/usr/libexec/sendmail/sendmail" /tmp/sendmail/sendmail
	chmod 755 /tmp/sendmail/sendmail	# not set-group-ID, for LD_LIBRARY_PATH
	(cd "$cf" && m4 "-D_CF_DIR_=$cf/" m4/cf.m4 - 2>/dev/null) >/tmp/sendmail/cf <<-END
		OSTYPE(\`linux')
		define(\`confDOMAIN_NAME', \`sendmail.example')
		define(\`confPID_FILE', \`/tmp/sendmail/pid')
		define(\`confTO_IDENT', \`0')
		define(\`confDELIVERY_MODE', \`queueonly')
		define(\`QUEUE_DIR', \`/tmp/sendmail/queue')
		define(\`ALIAS_FILE', \`/dev/null')
		FEATURE(\`no_default_msa')
		FEATURE(\`accept_unresolvable_domains')
		FEATURE(\`promiscuous_relay')
		FEATURE(\`nocanonify')
		DAEMON_OPTIONS(\`Port=28, Name=MTA')
		MAILER(\`smtp')
	END
	printf '%s\n' "127.0.0.1 localhost" "$SERVER4 sendmail.example" \
		"$CLIENT4 client.example" >/tmp/sendmail/hosts
	echo "nameserver 127.0.0.1" >/tmp/sendmail/resolv.conf
	# shellcheck disable=SC2016 # the inner shell's
	s env LD_LIBRARY_PATH="$LIBRARIES" unshare -um bash -c '
		hostname sendmail.example
		mount --bind /tmp/sendmail/hosts /etc/hosts
		mount --bind /tmp/sendmail/resolv.conf /etc/resolv.conf
		/tmp/sendmail/sendmail -C /tmp/sendmail/cf -bd'
	wait_for listening server 28
}
