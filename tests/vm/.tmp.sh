. /work/main/tests/vm/lib.sh
. /work/main/tests/vm/postfix.sh
id=0 logged=0 output=''

# make_mail SIZE: a mail with a body of its own, in /tmp/out.
make_mail() {
	id=$((id + 1))
	{
		printf 'From: a@example.org\nTo: b@example.org\nSubject: mail %d\nX-Test: %d\n\n' \
			"$id" "$id"
		printf 'EXPN root\n.\n..\n.dot\n250 STARTTLS\nQUIT\n'
		head -c "$1" /dev/urandom | base64
		printf 'last line\n'
	} >/tmp/out
}

# postfix_sends DOMAIN SIZE: by the Postfix client; the mail must arrive as it was.
postfix_sends() {
	make_mail "$2"
	logged=$(stat -c %s /tmp/client/log)
	c sendmail -C /tmp/client -f a@example.org "b@$1" </tmp/out || return
	WAIT=60 wait_for arrived "$id" || { tail -n 5 /tmp/client/log; return 1; }
	[[ $(body_hash "$(arrived "$id")") == "$(body_hash /tmp/out)" ]] || return
	# The log line about the delivery is the last of it.
	wait_for delivered
}

delivered() {
	client_log | grep -q "status=sent"
}

# client_log: what the Postfix client has logged since the last mail.
client_log() {
	tail -c +$((logged + 1)) /tmp/client/log
}

# swaks_sends SERVER [OPTION]...: by swaks; $output is the dialogue.
swaks_sends() {
	local server=$1
	shift
	make_mail 3000
	output=$(c swaks --server "$server" --from a@example.org --to b@example.org \
		--timeout 30 --data @/tmp/out "$@" 2>&1) || { echo "$output"; return 1; }
	WAIT=60 wait_for arrived "$id" || return
	[[ $(body_hash "$(arrived "$id")") == "$(body_hash /tmp/out)" ]]
}

topology
postfix_prepare
time postfix_server
time postfix_client
time check "4" postfix_sends 4.example.org 20000
client_log
check "6" postfix_sends 6.example.org 200
client_log | tail -4
time check "swaks" swaks_sends "$SERVER4" --tls
printf '%s\n' "$output" | head -30
tail -5 /tmp/server/log
finish
