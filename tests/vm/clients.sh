#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every client by every policy over a bad network: tests/vm/clients.py.
#   --long       all of them; without it, those that start quickly
#   --mails N    by each
# shellcheck disable=SC2016 # $ is of another shell, or of sendmail's
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/vm/postfix.sh
. "$(dirname "$0")/postfix.sh"

ports=(2500 2501 2502 2503 2504 2505 2506 2507 2508)

# daemon NAME COMMAND...: among the clients
in_clients() {
	nsenter --net=/run/netns/client --mount=/run/clients.mnt env \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin MTA="$MTA" ROOT="$ROOT" "$@"
}

# postfix_daemon: keeps its connections for the next mail
postfix_daemon() {
	local port
	postfix_prepare
	{
		postfix_common client
		cat <<-END
		inet_interfaces = loopback-only
		smtp_bind_address =
		smtpd_client_connection_rate_limit = 0
		smtp_connection_cache_destinations = [$SERVER4]
		minimal_backoff_time = 5s
		maximal_backoff_time = 10s
		queue_run_delay = 5s
		smtp_fallback_relay =
		transport_maps = inline:{
		END
		for port in "${ports[@]}"; do
			echo "    { p$port.example.org = smtp:[$SERVER4]:$port }"
		done
		echo "    }"
	} >/tmp/client/main.cf
	master_cf "127.0.0.1:2525 inet n - n - 10 smtpd" >/tmp/client/master.cf
	postfix_start client
}

opensmtpd_daemon() {
	local port
	{
		echo "listen on 127.0.0.1 port 2526 hostname client.example"
		for port in "${ports[@]}"; do
			echo "action \"p$port\" relay host smtp://$SERVER4:$port"
		done
		for port in "${ports[@]}"; do
			echo "match from any for domain \"p$port.example.org\" action \"p$port\""
		done
	} >/tmp/smtpd.conf
	in_clients bash -c '
		for user in opensmtpd opensmtpq; do useradd --system --no-create-home $user; done
		mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd
		chmod 711 /var/spool/smtpd
		exec /usr/sbin/smtpd -d -f /tmp/smtpd.conf' >/tmp/opensmtpd.log 2>&1 &
}

sendmail_daemon() {
	local port
	{
		cat <<-END
		OSTYPE(\`linux')
		define(\`confDOMAIN_NAME', \`client.example')
		define(\`confPID_FILE', \`/tmp/sm/pid')
		define(\`confTO_IDENT', \`0')
		define(\`confPRIVACY_FLAGS', \`')
		define(\`QUEUE_DIR', \`/tmp/sm/queue')
		define(\`ALIAS_FILE', \`/dev/null')
		FEATURE(\`no_default_msa')
		FEATURE(\`accept_unresolvable_domains')
		FEATURE(\`promiscuous_relay')
		FEATURE(\`nocanonify')
		DAEMON_OPTIONS(\`Port=2527, Name=MTA, Addr=127.0.0.1')
		MAILER(\`smtp')
		LOCAL_RULE_0
		END
		for port in "${ports[@]}"; do
			printf 'R$* < @ p%d.example.org . > $*\t$#p%d $@ [%s] $: $1 < @ p%d.example.org . > $2\n' \
				"$port" "$port" "$SERVER4" "$port"
			printf 'R$* < @ p%d.example.org > $*\t$#p%d $@ [%s] $: $1 < @ p%d.example.org > $2\n' \
				"$port" "$port" "$SERVER4" "$port"
		done
		echo "MAILER_DEFINITIONS"
		for port in "${ports[@]}"; do
			printf 'Mp%d, P=[IPC], F=mDFMuX, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP, E=\\r\\n, L=990, T=DNS/RFC822/SMTP, A=TCP $h %d\n' \
				"$port" "$port"
		done
	} >/tmp/sendmail.mc
	printf '%s\n' "127.0.0.1 localhost client.example" >/tmp/hosts
	in_clients unshare -u bash -c '
		hostname client.example
		cp /tmp/hosts /etc/hosts
		cf=/usr/share/sendmail/cf
		mkdir -p /tmp/sm/queue
		cp /usr/libexec/sendmail/sendmail /tmp/sm/sendmail
		chmod 755 /tmp/sm/sendmail
		(cd $cf && m4 "-D_CF_DIR_=$cf/" m4/cf.m4 - </tmp/sendmail.mc 2>/dev/null) >/tmp/sm/cf
		exec /tmp/sm/sendmail -C /tmp/sm/cf -bD -q2s' >/tmp/sendmail.log 2>&1 &
}

topology
neighbours
modprobe -a sch_netem || exit
load_module mode=off || exit
r nft -f - <<-END
	table inet count {
		chain output {
			type filter hook output priority 0;
			tcp flags & rst == rst counter
		}
	}
END
mount --make-rprivate /
touch /run/clients.mnt
unshare --mount=/run/clients.mnt true
in_clients bash -c '. "$ROOT/tests/vm/packages.sh"; overlay_packages' || exit
if [[ " $* " == *" --long "* ]]; then
	postfix_daemon
	opensmtpd_daemon
	sendmail_daemon
	for port in 2525 2526 2527; do
		WAIT=90 wait_for listening client $port
	done
fi
for where in "client veth-c" "router veth-rc" "router veth-rs" "server veth-s"; do
	tc -n "${where% *}" qdisc add dev "${where#* }" root netem limit 10000 \
		delay 1ms 1ms loss 0.5% duplicate 1% reorder 90% 25%
done
count_suite clients.py "$PYTHON" "$ROOT/tests/vm/clients.py" "$@"
finish
