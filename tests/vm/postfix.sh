# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Two Postfix instances of their own, in namespaces server and client: the
# server delivers everything to one maildir, the client sends by the router.
# Source it behind lib.sh. scripts/demo uses it, too.

MAIL=/tmp/mail
INBOX=$MAIL/inbox/new

# master_cf [LINE]: the services that both have; LINE is one of its own.
master_cf() {
	cat <<-END
	$1
	pickup     unix  n - n 1     1 pickup
	cleanup    unix  n - n -     0 cleanup
	qmgr       unix  n - n 300   1 qmgr
	tlsmgr     unix  - - n 1000? 1 tlsmgr
	rewrite    unix  - - n -     - trivial-rewrite
	bounce     unix  - - n -     0 bounce
	defer      unix  - - n -     0 bounce
	trace      unix  - - n -     0 bounce
	verify     unix  - - n -     1 verify
	flush      unix  n - n 1000? 0 flush
	proxymap   unix  - - n -     - proxymap
	smtp       unix  - - n -     - smtp
	error      unix  - - n -     - error
	retry      unix  - - n -     - error
	virtual    unix  - n n -     - virtual
	anvil      unix  - - n -     1 anvil
	scache     unix  - - n -     1 scache
	postlog    unix-dgram n - n - 1 postlogd
	END
}

# postfix_common NAME: what both main.cf begin with.
postfix_common() {
	cat <<-END
	compatibility_level = 3.6
	queue_directory = /tmp/$1/queue
	data_directory = /tmp/$1/data
	maillog_file = /tmp/$1/log
	maillog_file_prefixes = /tmp
	myhostname = $1.example
	mydestination =
	alias_maps =
	inet_protocols = all
	disable_dns_lookups = yes
	smtputf8_enable = no
	smtpd_peername_lookup = no
	END
}

postfix_prepare() {
	local name
	for name in server client; do
		mkdir -p "/tmp/$name/queue/pid" "/tmp/$name/data"
		(
			cd "/tmp/$name/queue" || exit
			mkdir -m 700 active bounce corrupt defer deferred flush hold \
				incoming private saved trace
			mkdir -m 730 maildrop
			mkdir -m 710 public
			chown postfix active bounce corrupt defer deferred flush hold \
				incoming private saved trace ../data
			chown postfix:postdrop maildrop public
		)
	done
	# The programs with group rights want a main.cf in the usual place that
	# knows the others.
	cat >/etc/postfix/main.cf <<-END
		alternate_config_directories = /tmp/server, /tmp/client
		compatibility_level = 3.6
	END
}

# postfix_start NAMESPACE: "postfix start" without its checks, which take a
# minute in an emulated guest.
postfix_start() {
	ip netns exec "$1" env MAIL_CONFIG="/tmp/$1" MAIL_LOGTAG=postfix \
		/usr/lib/postfix/sbin/master -w -c "/tmp/$1"
}

# postfix_server: on port 25, with STARTTLS and a certificate made on the spot.
postfix_server() {
	mkdir -p "$MAIL"
	chown nobody "$MAIL"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=server.example -keyout /tmp/server/key.pem -out /tmp/server/cert.pem \
		2>/dev/null
	{
		postfix_common server
		cat <<-END
		smtpd_banner = server.example ESMTP Postfix
		virtual_mailbox_domains = example.org
		virtual_mailbox_base = $MAIL
		virtual_mailbox_maps = static:inbox/
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
		virtual_minimum_uid = 100
		virtual_transport = virtual
		smtpd_recipient_restrictions = permit_auth_destination, reject
		smtpd_relay_restrictions = permit_auth_destination, reject
		smtpd_tls_security_level = may
		smtpd_tls_cert_file = /tmp/server/cert.pem
		smtpd_tls_key_file = /tmp/server/key.pem
		smtpd_tls_loglevel = 1
		smtpd_client_connection_rate_limit = 0
		END
	} >/tmp/server/main.cf
	master_cf "smtp inet n - n - 100 smtpd" >/tmp/server/master.cf
	postfix_start server
	wait_for listening server 25
}

# postfix_client: mail to 4.example.org goes by IPv4, 6.example.org by IPv6,
# nat.example.org to the router's own address. $client_service: one more line of
# its master.cf.
postfix_client() {
	{
		postfix_common client
		cat <<-END
		inet_interfaces = loopback-only
		smtp_bind_address =
		smtp_bind_address6 =
		transport_maps = inline:{ { 4.example.org = smtp:[$SERVER4]:25 },
		    { 6.example.org = smtp:[$SERVER6]:25 },
		    { nat.example.org = smtp:[$ROUTER4]:25 } }
		smtp_generic_maps = static:b@example.org
		sender_canonical_maps =
		smtp_pix_workaround_threshold_time = 0
		smtp_pix_workaround_delay_time = 1s
		smtp_tls_security_level = may
		smtp_tls_loglevel = 1
		minimal_backoff_time = 5s
		maximal_backoff_time = 10s
		queue_run_delay = 5s
		END
	} >/tmp/client/main.cf
	master_cf "${client_service-}" >/tmp/client/master.cf
	postfix_start client
	wait_for test -S /tmp/client/queue/public/pickup
}

# body_hash FILE: the SHA-256 of what is behind its header, but for empty lines
# at the end, of which swaks adds one.
body_hash() {
	local body
	body=$(sed '1,/^$/d' "$1")
	sha256sum <<<"$body" | cut -d ' ' -f 1
}

# arrived ID: the file of the mail with that X-Test line.
arrived() {
	grep -lr -m 1 "^X-Test: $1\$" "$INBOX" 2>/dev/null | grep .
}
