#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# farm.sh ADDRESS COMMAND...: every mail server that Debian and npm have, each on
# a port of its own at ADDRESS, while COMMAND runs. Needs mount and network
# namespaces of its own; $MTA and $NPM are what tests/vm/servers unpacked.
#
# Limits that count errors are raised, so that one connection can ask much; what
# a server reads as a command, a line or an end of data stays as it comes.
# What the servers do is of interest, not what they deliver: mail is queued in
# memory, or thrown away.
# shellcheck disable=SC2317 # functions that a loop calls
set -uo pipefail
# shellcheck source=tests/vm/packages.sh
. "$(dirname "$0")/packages.sh"
FARM=/srv/farm
overlay_packages || exit
mkdir $FARM

A=$1
shift
export PATH=/usr/sbin:/usr/bin:/sbin:/bin PYTHONDONTWRITEBYTECODE=1
cd "$FARM" || exit
for user in Debian-exim opensmtpd opensmtpq courier dovecot dovenull qpsmtpd; do
	getent passwd $user >/dev/null || useradd --system --no-create-home $user
done
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
	-subj /CN=server.example -keyout key.pem -out cert.pem 2>/dev/null
chmod 600 key.pem
printf '%s\n' "127.0.0.1 localhost" "$A server.example sendmail.example" >/etc/hosts
rm -f /etc/resolv.conf
echo "nameserver 127.0.0.1" >/etc/resolv.conf

# in_background NAME COMMAND...
in_background() {
	local name=$1
	shift
	"$@" >"$name.log" 2>&1 </dev/null &
}

# Nobody has a name: qpsmtpd would wait for one
name_server() {
	cat >dns.py <<-'END'
	import socket
	sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	sock.bind(("127.0.0.1", 53))
	while True:
	    query, peer = sock.recvfrom(2000)
	    end = query.find(b"\0", 12) + 5
	    sock.sendto(query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + query[12:end], peer)
	END
	in_background dns /usr/bin/python3 dns.py
}

# Postfix on 25 and, by postscreen, on 42
postfix() {
	mkdir -p pf/queue/pid pf/data /srv/mail
	(
		cd pf/queue || exit
		mkdir -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
		mkdir -m 730 maildrop
		mkdir -m 710 public
		chown postfix active bounce corrupt defer deferred flush hold incoming private saved \
			trace ../data
		chown postfix:postdrop maildrop public
	)
	cat >pf/main.cf <<-END
	compatibility_level = 3.6
	queue_directory = $FARM/pf/queue
	data_directory = $FARM/pf/data
	maillog_file = $FARM/pf/log
	maillog_file_prefixes = $FARM
	myhostname = server.example
	mydestination =
	alias_maps =
	inet_protocols = ipv4
	disable_dns_lookups = yes
	smtpd_peername_lookup = no
	virtual_mailbox_domains = example.org
	virtual_mailbox_maps = static:inbox/
	virtual_transport = discard
	smtpd_recipient_restrictions = permit_auth_destination, reject
	smtpd_tls_security_level = may
	smtpd_tls_cert_file = $FARM/cert.pem
	smtpd_tls_key_file = $FARM/key.pem
	smtpd_error_sleep_time = 0
	smtpd_soft_error_limit = 100000
	smtpd_hard_error_limit = 100000
	smtpd_junk_command_limit = 100000
	smtpd_client_connection_count_limit = 0
	smtpd_client_connection_rate_limit = 0
	smtpd_authorized_verp_clients =
	postscreen_access_list = static:permit
	postscreen_cache_map = internal:cache
	smtpd_sasl_auth_enable = yes
	smtpd_sasl_type = dovecot
	smtpd_sasl_path = $FARM/dove/auth
	smtpd_sasl_security_options = noanonymous
	END
	cat >pf/master.cf <<-END
	$A:25 inet n - n - 100 smtpd
	$A:42 inet n - n - 1 postscreen
	smtpd pass - - n - - smtpd
	dnsblog unix - - n - 0 dnsblog
	pickup unix n - n 1 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	tlsproxy unix - - n - 0 tlsproxy
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	verify unix - - n - 1 verify
	flush unix n - n 1000? 0 flush
	proxymap unix - - n - - proxymap
	error unix - - n - - error
	retry unix - - n - - error
	discard unix - - n - - discard
	anvil unix - - n - 1 anvil
	scache unix - - n - 1 scache
	postlog unix-dgram n - n - 1 postlogd
	END
	MAIL_CONFIG=$FARM/pf MAIL_LOGTAG=postfix /usr/lib/postfix/sbin/master -w -c "$FARM/pf"
}

# The authentication server for Postfix and, in front of it, submission on 31
dovecot_() {
	mkdir -p dove /srv/vm /run/dovecot
	chmod 777 /srv/vm
	cat >dovecot.conf <<-END
	protocols = submission
	base_dir = $FARM/dove/run
	log_path = $FARM/dove.log
	ssl = no
	disable_plaintext_auth = no
	auth_mechanisms = plain login
	auth_failure_delay = 0
	listen = $A
	mail_location = maildir:/srv/vm/%u
	mail_uid = 65534
	mail_gid = 65534
	first_valid_uid = 1
	first_valid_gid = 1
	hostname = dove.example
	submission_relay_host = $A
	submission_relay_port = 25
	submission_relay_trusted = yes
	service submission-login {
	  chroot =
	  inet_listener submission {
	    port = 31
	  }
	}
	service anvil {
	  chroot =
	}
	service auth {
	  unix_listener $FARM/dove/auth {
	    mode = 0666
	  }
	}
	passdb {
	  driver = static
	  args = password=p
	}
	userdb {
	  driver = static
	  args = uid=65534 gid=65534 home=/srv/vm/%u
	}
	END
	dovecot -c "$FARM/dovecot.conf"
}

exim() {
	mkdir -p exim/spool exim/log /etc/exim4
	chown -R Debian-exim exim
	cat >/etc/exim4/exim4.conf <<-END
	primary_hostname = exim.example
	daemon_smtp_ports = 26
	local_interfaces = $A
	spool_directory = $FARM/exim/spool
	log_file_path = $FARM/exim/log/%slog
	host_lookup =
	rfc1413_query_timeout = 0s
	tls_advertise_hosts = *
	tls_certificate = $FARM/cert.pem
	tls_privatekey = $FARM/key.pem
	acl_smtp_rcpt = accept
	acl_smtp_expn = accept
	acl_smtp_vrfy = accept
	acl_smtp_etrn = accept
	queue_only = true
	never_users =
	smtp_enforce_sync = false
	smtp_accept_max = 0
	smtp_accept_max_nonmail = 100000
	smtp_accept_max_per_connection = 0
	smtp_max_unknown_commands = 100000
	smtp_max_synprot_errors = 100000
	begin acl
	accept:
	accept
	begin routers
	all:
	  driver = redirect
	  data = root@example.org
	begin authenticators
	plain:
	  driver = plaintext
	  public_name = PLAIN
	  server_prompts = :
	  server_condition = \${if eq{\$auth2}{u}}
	login:
	  driver = plaintext
	  public_name = LOGIN
	  server_prompts = <| Username: | Password:
	  server_condition = \${if eq{\$auth1}{u}}
	END
	/usr/sbin/exim4 -bd -oP "$FARM/exim/pid"
}

opensmtpd() {
	mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
	chmod 711 /var/spool/smtpd
	cat >smtpd.conf <<-END
	pki smtpd.example cert "$FARM/cert.pem"
	pki smtpd.example key "$FARM/key.pem"
	smtp limit max-mails 10000
	listen on $A port 27 tls pki smtpd.example hostname smtpd.example
	action "queue" relay host smtp://127.0.0.1:9
	match from any for any action "queue"
	END
	in_background opensmtpd /usr/sbin/smtpd -d -f smtpd.conf
}

sendmail() {
	local cf=/usr/share/sendmail/cf
	mkdir -p sm/queue
	# Not set-group-ID
	cp /usr/libexec/sendmail/sendmail sm/sendmail
	chmod 755 sm/sendmail
	(cd "$cf" && m4 "-D_CF_DIR_=$cf/" m4/cf.m4 - 2>/dev/null) >sm/cf <<-END
	OSTYPE(\`linux')
	define(\`confDOMAIN_NAME', \`sendmail.example')
	define(\`confPID_FILE', \`$FARM/sm/pid')
	define(\`confTO_IDENT', \`0')
	define(\`confDELIVERY_MODE', \`queueonly')
	define(\`confPRIVACY_FLAGS', \`')
	define(\`confBAD_RCPT_THROTTLE', \`0')
	define(\`confREFUSE_LA', \`10000')
	define(\`confQUEUE_LA', \`10000')
	define(\`QUEUE_DIR', \`$FARM/sm/queue')
	define(\`ALIAS_FILE', \`/dev/null')
	FEATURE(\`no_default_msa')
	FEATURE(\`accept_unresolvable_domains')
	FEATURE(\`promiscuous_relay')
	FEATURE(\`nocanonify')
	DAEMON_OPTIONS(\`Port=28, Name=MTA, Addr=$A')
	MAILER(\`smtp')
	MAILER(\`local')
	END
	in_background sendmail unshare -u bash -c "hostname sendmail.example; exec $FARM/sm/sendmail -C $FARM/sm/cf -bD"
}

courier_() {
	mkdir -p /var/lib/courier/{msgs,msgq,tmp,filters,allfilters,track,aliases} /run/courier
	chown -R courier:courier /var/lib/courier /etc/courier
	echo server.example >/etc/courier/me
	echo localhost >/etc/courier/locals
	echo example.org >/etc/courier/esmtpacceptmailfor
	courier start
	in_background courier tcpserver -H -R -l 0 "$A" 29 env BOFHCHECKDNS=0 ESMTP_TLS= COURIERTLS= \
		TCPLOCALIP="$A" ESMTPAUTH= RELAYCLIENT= AUTHMODULES= \
		courieresmtpd /usr/lib/courier/courier/modules
}

aiosmtpd() {
	cat >aio.py <<-'END'
	import asyncio, sys
	from aiosmtpd.smtp import SMTP, AuthResult
	class Handler:
	    async def handle_DATA(self, server, session, envelope):
	        return "250 queued"
	def auth(server, session, envelope, mechanism, data):
	    return AuthResult(success=False)
	loop = asyncio.new_event_loop()
	asyncio.set_event_loop(loop)
	loop.run_until_complete(loop.create_server(lambda: SMTP(
	    Handler(), hostname="aio.example", enable_SMTPUTF8=True, authenticator=auth,
	    auth_require_tls=False, loop=loop, command_call_limit=100000), sys.argv[1], 32, backlog=100))
	loop.run_forever()
	END
	in_background aiosmtpd /usr/bin/python3 aio.py "$A"
}

python_smtpd() {
	cat >py.py <<-'END'
	import asyncore, smtpd, sys
	class Server(smtpd.SMTPServer):
	    def process_message(self, *_, **__):
	        pass
	Server((sys.argv[1], 41), None)
	asyncore.loop()
	END
	in_background python /usr/bin/python3 -W ignore py.py "$A"
}

twisted() {
	cat >tw.py <<-'END'
	import sys
	from zope.interface import implementer
	from twisted.internet import defer, reactor
	from twisted.mail import smtp
	@implementer(smtp.IMessage)
	class Message:
	    def lineReceived(self, line):
	        pass
	    def eomReceived(self):
	        return defer.succeed(None)
	    def connectionLost(self):
	        pass
	@implementer(smtp.IMessageDelivery)
	class Delivery:
	    def receivedHeader(self, *_):
	        return b"Received: x"
	    def validateTo(self, user):
	        return Message
	    def validateFrom(self, helo, origin):
	        return origin
	class Factory(smtp.SMTPFactory):
	    protocol = smtp.ESMTP
	    def buildProtocol(self, address):
	        made = smtp.SMTPFactory.buildProtocol(self, address)
	        made.delivery = Delivery()
	        return made
	reactor.listenTCP(37, Factory(), interface=sys.argv[1])
	reactor.run()
	END
	in_background twisted /usr/bin/python3 tw.py "$A"
}

smtp_server() {
	cat >ss.js <<-END
	const {SMTPServer} = require("$NPM/node_modules/smtp-server");
	new SMTPServer({name: "node.example", authOptional: true, hideSTARTTLS: true,
	  disableReverseLookup: true, allowInsecureAuth: true,
	  onAuth(auth, session, done) { done(new Error("no")); },
	  onData(stream, session, done) { stream.resume(); stream.on("end", () => done(null, "queued")); },
	}).listen(34, "$A");
	END
	in_background smtp-server node ss.js
}

haraka() {
	mkdir -p haraka/config haraka/plugins haraka/queue
	printf '%s\n' "listen=$A:33" "nodes=0" >haraka/config/smtp.ini
	printf '%s\n' auth/flat_file rcpt_to.in_host_list queue/discard >haraka/config/plugins
	printf '%s\n' '[core]' 'methods=PLAIN,LOGIN' '[users]' 'u=p' >haraka/config/auth_flat_file.ini
	cp "$NPM/node_modules/Haraka/config/connection.ini" haraka/config/
	echo example.org >haraka/config/host_list
	echo haraka.example >haraka/config/me
	echo 100000 >haraka/config/max_unrecognized_commands
	printf '%s\n' 'level=error' >haraka/config/log.ini
	export YES_REALLY_DO_DISCARD=1
	in_background haraka node "$NPM/node_modules/Haraka/bin/haraka" -c "$FARM/haraka"
}

qpsmtpd() {
	mkdir -p qp/spool
	chmod 700 qp/spool
	cp -r /etc/qpsmtpd qp/config
	echo "$FARM/qp/spool" >qp/config/spool_dir
	printf '%s\n' rcpt_ok "queue/maildir $FARM/qp/mail" >qp/config/plugins
	echo example.org >qp/config/rcpthosts
	echo server.example >qp/config/me
	echo 0 >qp/config/loglevel
	rm -f qp/config/logging
	: >qp/config/dnsbl_zones
	chown -R qpsmtpd qp
	QPSMTPD_CONFIG=$FARM/qp/config in_background qpsmtpd qpsmtpd-forkserver -l "$A" -p 35 \
		-u qpsmtpd -c 1000 -m 1000
}

perl_servers() {
	cat >mail.pl <<-'END'
	use IO::Socket::INET;
	use Net::Server::Mail::ESMTP;
	$SIG{CHLD} = 'IGNORE';
	my $listen = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => 36, Listen => 64,
	    ReuseAddr => 1, Proto => 'tcp') or die $!;
	while (1) {
	    my $sock = $listen->accept or next;
	    if (fork) { close $sock; next }
	    my $server = Net::Server::Mail::ESMTP->new(socket => $sock);
	    $server->register("Net::Server::Mail::ESMTP::$_") for qw(8BITMIME XFORWARD PIPELINING);
	    $server->set_callback(RCPT => sub { 1 });
	    $server->set_callback(DATA => sub { (1, 250, 'queued') });
	    $server->set_callback(VRFY => sub { 1 });
	    $server->process();
	    exit;
	}
	END
	cat >server.pl <<-'END'
	use Net::SMTP::Server;
	use Net::SMTP::Server::Client;
	$SIG{CHLD} = 'IGNORE';
	my $server = Net::SMTP::Server->new($ARGV[0], 39) or die $!;
	while (my $sock = $server->accept()) {
	    if (fork) { close $sock; next }
	    my $client = Net::SMTP::Server::Client->new($sock) or exit;
	    1 while $client->process;
	    exit;
	}
	END
	in_background net-server-mail perl mail.pl "$A"
	in_background net-smtp-server perl server.pl "$A"
}

chasquid_() {
	mkdir -p ch/certs/server.example ch/domains/example.org ch/data
	cp cert.pem ch/certs/server.example/fullchain.pem
	cp key.pem ch/certs/server.example/privkey.pem
	# Delivered at once: it takes no mail while 200 wait
	echo "b: | /bin/true" >ch/domains/example.org/aliases
	printf '%s\n' 'hostname: "server.example"' "smtp_address: \"$A:38\"" \
		"data_dir: \"$FARM/ch/data\"" "mail_log_path: \"$FARM/ch/mail.log\"" >ch/chasquid.conf
	in_background chasquid chasquid -config_dir "$FARM/ch"
}

go_smtp() {
	in_background go-smtp "$MTA/bin/gosmtpd" "$A:43"
}

msmtpd_() {
	printf '#!/bin/sh\nexec cat >/dev/null\n' >discard
	chmod 755 discard
	in_background msmtpd msmtpd --interface="$A" --port=40 --command="$FARM/discard %F --"
}

for server in name_server dovecot_ postfix exim opensmtpd sendmail courier_ aiosmtpd python_smtpd twisted \
	smtp_server haraka qpsmtpd perl_servers chasquid_ go_smtp msmtpd_; do
	$server >"start-$server.log" 2>&1 </dev/null &
done

"$@"
status=$?
if ((status)) && [[ $* == */learn.py* ]]; then
	tail -qn 5 ./*.log pf/log exim/log/*log 2>/dev/null
fi
exit $status
