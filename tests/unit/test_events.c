// SPDX-License-Identifier: GPL-2.0-only
/* Events, one for every edit and verdict: M, by the rule of each. */
#include <ctype.h>
#include <string.h>

#include "unit.h"

/* The events since @f began were @n, and all of them of this rule */
static void only(const char *rule, u64 n, const char *file, int line)
{
	u64 all = 0;
	int i;

	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++)
		all += host.events[i];
	if (all == n && host_events(rule) == n)
		return;
	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++)
		if (host.events[i])
			print_error("%s %s: %d\n", smtp_events[i].rule,
				    smtp_events[i].name, (int)host.events[i]);
	_fail(file, line);
}

#define only(rule, n)	only(rule, n, __FILE__, __LINE__)

static const char *words(enum smtp_fixup_event event)
{
	return host.words[event];
}

/* A connection in command state whose events are not counted yet */
static void begin(struct fix *f, u8 mode)
{
	fix_begin(f, mode);
	fix_open(f);
	memset(host.events, 0, sizeof(host.events));
}

TEST("M", "the table is whole", NONE)
{
	u32 i, k;

	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++) {
		const struct smtp_event_kind *e = &smtp_events[i];

		assert_non_null(e->name);
		assert_true(isupper(e->rule[0]) && (!e->rule[1] || isdigit(e->rule[1])));
		assert_true(strlen(e->text) > 10);
		assert_int_not_equal(e->text[strlen(e->text) - 1], '.');
		assert_true(!e->vendor || (e->vendor >= 108002 && e->vendor <= 108007));
		/* Its text names what matched */
		assert_int_equal(e->vendor == 108004 || e->vendor == 108005,
				 !!e->criterion);
		assert_true(!e->vendor || e->side != SMTP_SIDE_BOTH);
		for (k = 0; k < i; k++)
			assert_string_not_equal(e->name, smtp_events[k].name);
	}
}

TEST("G1", "masked", FIXUP)
{
	server(&f, "220-a\r\n220 b\r\n", "220-*\r\n220 *\r\n");
	only("G1", 1);
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, "220 c\r\n", "220 c\r\n");
	only("G1", 1);
}

TEST("G1", "not masked", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "554 no\r\n", "554 no\r\n");
	only("G1", 0);
	fix_end(&f);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	server(&f, "220 a\r\n", "220 a\r\n");
	only("G1", 0);
}

TEST("G7", "replaced", FIXUP)
{
	f.policy.banner = SMTP_FIXUP_BANNER_TEXT;
	assert_null(smtp_policy_set_text(&f.policy, "x ESMTP", 7));
	server(&f, "220 mail.example\r\n", "220 x ESMTP\r\n");
	only("G7", 1);
}

TEST("V3", "blocked", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "expn root\r\n", "XXXX root\r\n");
	only("V3", 1);
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_MASKED), "expn");
	client(&f, "NOOP\r\nMAIL FROM:<a@b>\r\n", "NOOP\r\nMAIL FROM:<a@b>\r\n");
	only("V3", 1);
}

/* A verb in pieces is one event, and so is one that is repeated */
TEST("V3", "once", NONE)
{
	u32 at;

	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client_steps(&f, 1, "HELP me\r\n", "HELX me\r\n");
	only("V3", 1);
	at = f.at[SMTP_CLIENT];
	client(&f, "WIZ\r\n", "XXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "WIZ\r\n"), 5);
	only("V3", 2);
}

TEST("V3", "words are clean", NONE)
{
	char line[300], want[300];

	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "\033[2J\177\200\a x\r\n", "XXXXXXX x\r\n");
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_MASKED), "?[2J???");
	memset(line, 'y', 200);
	strcpy(line + 200, "\r\n");
	memset(want, 'X', 200);
	strcpy(want + 200, "\r\n");
	client(&f, line, want);
	assert_int_equal(strlen(words(SMTP_FIXUP_EVENT_COMMAND_MASKED)),
			 SMTP_FIXUP_WORDS_MAX);
	only("V3", 2);
}

/* Neither credentials nor mail get into an event, whatever the client does
 * with the reply
 */
TEST("V3", "no credentials", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "AUTH LOGIN\r\ndXNlcg\r\n", "XXXX LOGIN\r\nXXXXXX\r\n");
	only("V3", 2);
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_MASKED), "");
	client(&f, "NOOP\r\nDEBUG\r\n", "NOOP\r\nXXXXX\r\n");
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_MASKED), "DEBUG");
}

TEST("V3", "no mail", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "554 no\r\n", "554 no\r\n");
	client(&f, "Secret\r\n", "XXXXXX\r\n");
	only("V3", 1);
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_MASKED), "");
}

TEST("V4", "NOOP", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client(&f, "goodmorning\r\n", "NOOP       \r\n");
	only("V4", 1);
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_NOOP), "goodmorning");
	client(&f, "WIZ\r\n", "NOOP\r\n");
	only("V4", 2);
	assert_string_equal(words(SMTP_FIXUP_EVENT_COMMAND_NOOP), "WIZ");
	/* Another must wait until that is ACKed: it is told once all the same */
	client_cut(&f, "ABC\r\n", -1);
	only("V4", 2);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + 1);
	client(&f, "ABC\r\n", "NOOP\r\n");
	only("V4", 3);
}

TEST("V7", "line ends", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "NOOP\n", "NOOP\n");
	only("V7", 1);
}

TEST("E1", "masked", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-x\r\n250-SIZE 1\r\n250-X-EXPS a\tb\r\n250 HELP\r\n",
	       "250-x\r\n250-SIZE 1\r\n250-XXXXXXXXXA\r\n250 XXXB\r\n");
	only("E1", 2);
	assert_string_equal(words(SMTP_FIXUP_EVENT_EHLO_LINE_MASKED), "HELP");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-x\r\n250 X-EXPS a\tb\r\n", "250-x\r\n250 XXXXXXXXXA\r\n");
	assert_string_equal(words(SMTP_FIXUP_EVENT_EHLO_LINE_MASKED), "X-EXPS a?b");
}

TEST("E4", "stripped", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-x\r\n250-STARTTLS\r\nno code\r\n250 SIZE\r\n",
	       "250-x\r\n250 SIZE\r\n");
	assert_int_equal(host_events("E4"), 2);
	assert_int_equal(host_events("D8"), 1);
	assert_string_equal(words(SMTP_FIXUP_EVENT_EHLO_LINE_STRIPPED), "no code");
}

TEST("D4", "smuggling", FIXUP)
{
	fix_body(&f);
	memset(host.events, 0, sizeof(host.events));
	client(&f, "secret\n.\r\n", "secret\n \r\n");
	only("D4", 1);
	assert_string_equal(words(SMTP_FIXUP_EVENT_SMUGGLING_DOT), "");
	client(&f, "x\r\n.\r\n", "x\r\n.\r\n");
	only("D4", 1);
}

TEST("D8", "unexpected", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "250 hello\r\n", "250 hello\r\n");
	only("D8", 1);
}

TEST("S2", "TLS", ESMTP)
{
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	fix_open(&f);
	memset(host.events, 0, sizeof(host.events));
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	only("S2", 0);
	server(&f, "220 go\r\n", "220 go\r\n");
	only("S2", 1);
	client(&f, "EXPN\r\n", "EXPN\r\n");
	only("S2", 1);
}

TEST("T2", "rewrite refused", FIXUP)
{
	u32 at;

	fix_body(&f);
	memset(host.events, 0, sizeof(host.events));
	at = f.at[SMTP_CLIENT];
	client(&f, "aaaaaaaaaa", "aaaaaaaaaa");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "aaa\r\n.\r\naa"), -1);
	only("T2", 1);
	assert_int_equal(host.events[SMTP_FIXUP_EVENT_BODY_REWRITE_REFUSED], 1);
}

static bool no_memory(void *arg)
{
	(void)arg;
	return true;
}

TEST("T2", "memory refused", FIXUP)
{
	host.fail = no_memory;
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 a\r\n"), -1);
	only("T2", 1);
	assert_int_equal(host.events[SMTP_FIXUP_EVENT_MEMORY_REFUSED], 1);
}

/* What is counted by an event's counter is told, too, and the other way round */
TEST("M", "told as often as counted", ESMTP)
{
	u64 told[__SMTP_FIXUP_CNT_MAX] = { 0 };
	u32 i;

	fix_open(&f);
	client(&f, "EHLO a\r\nEXPN\r\nNOOP\n", "EHLO a\r\nXXXX\r\nNOOP\n");
	server(&f, "250-a\r\n250 STARTTLS\r\n500 no\r\n250 ok\r\n250 what\r\n",
	       "250-a\r\n250 XXXXXXXA\r\n500 no\r\n250 ok\r\n250 what\r\n");
	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++)
		told[smtp_events[i].counter] += host.events[i];
	for (i = 0; i < __SMTP_FIXUP_EVENT_MAX; i++) {
		u8 counter = smtp_events[i].counter;

		assert_int_equal(told[counter], host.counters[counter]);
	}
	assert_int_equal(told[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 1);
}
