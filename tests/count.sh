# shellcheck shell=dash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# How tests in shell count, for sh and bash. Each test says "ok    NAME" or "FAIL  NAME",
# with what went wrong in lines that begin with "      | ". The last command of a script
# is finish, which says "N passed, N failed".

passed=0 failed=0 finished=0

# pass NAME
pass() {
	printf 'ok    %s\n' "$1"
	passed=$((passed + 1))
}

# fail NAME [DETAIL]
fail() {
	printf 'FAIL  %s\n' "$1"
	[ -z "${2-}" ] || printf '%s\n' "$2" | head -n 60 | sed 's/^/      | /'
	failed=$((failed + 1))
}

# result STATUS NAME [DETAIL]
result() {
	if [ "$1" -eq 0 ]; then
		pass "$2"
	else
		fail "$2" "${3-}"
	fi
}

# check NAME COMMAND [ARG]...: it must succeed; what it says is shown if not. Runs in
# this shell, so that a function may leave variables behind.
check() {
	local name="$1" said status=0
	shift
	said=$(mktemp)
	"$@" >"$said" 2>&1 || status=$?
	result "$status" "$name" "$* (status $status): $(cat "$said")"
	rm -f "$said"
}

# count_line LINE STATUS: of "N passed, N failed" and the status of what said so, the
# numbers in $good and $bad. False: it has broken off.
count_line() {
	good=0 bad=1
	printf '%s\n' "$1" | grep -qxE '[0-9]+ passed, [0-9]+ failed' || return 1
	good=${1%% *} bad=${1#*, }
	bad=${bad%% *}
	[ "$2" -eq 0 ] || [ "$bad" -ne 0 ] || { bad=1 && return 1; }
}

# count_suite NAME COMMAND [ARG]...: add what its last line says. The rest is shown, and
# kept in the file $SUITE_LOG if that is set.
count_suite() {
	local name="$1" log status
	shift
	log=${SUITE_LOG:-$(mktemp)}
	{
		status=0
		"$@" 2>&1 || status=$?
		echo "$status" >"$log.status"
	} | tee "$log" | sed -u '$ { /^[0-9]* passed, [0-9]* failed$/d }'
	status=$(cat "$log.status")
	if count_line "$(tail -n 1 "$log")" "$status"; then
		failed=$((failed + bad))
	else
		fail "$name broke off with status $status" "$(tail -n 1 "$log")"
	fi
	passed=$((passed + good))
	rm -f "$log.status"
	[ -n "${SUITE_LOG-}" ] || rm -f "$log"
}

# count_cmocka NAME PROGRAM [ARG]...: each of its tests counts
count_cmocka() {
	local name="$1" log status=0
	shift
	log=$(mktemp)
	CMOCKA_MESSAGE_OUTPUT=TAP "$@" >"$log" 2>&1 || status=$?
	good=$(grep -c '^ok ' "$log" || true)
	bad=$(grep -c '^not ok ' "$log" || true)
	passed=$((passed + good))
	failed=$((failed + bad))
	[ "$bad" -eq 0 ] || grep -A 12 -B 12 '^not ok ' "$log" | sed 's/^not ok /FAIL  /'
	# A crash ends the run without a verdict of its own
	if [ $((good + bad)) -eq 0 ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		fail "$name broke off with status $status" "$(tail -n 60 "$log")"
	fi
	rm -f "$log"
}

# fuzzer_said LOG: why libFuzzer ended, and the input in base64.
fuzzer_said() {
	grep -m 1 -A 25 -E 'ERROR: |runtime error:' "$1" || tail -n 20 "$1"
	grep -aE '^(Base64|artifact_prefix)' "$1" | fold -w 150
}

# finish: say the sum. The status is the script's.
finish() {
	finished=1
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# give_up NAME [LOG]: without that nothing can be tested
give_up() {
	fail "$1" "${2:+$(tail -n 60 "$2")}"
	finish
	exit 1
}
