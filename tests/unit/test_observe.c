// SPDX-License-Identifier: GPL-2.0-only
/* The option observe: everything is judged and counted, nothing changed. */
#include <stdlib.h>

#include "tests.h"

#define COUNT(c)	host.counters[SMTP_FIXUP_CNT_##c]

static void begin(struct fix *f, u8 mode)
{
	fix_begin(f, mode);
	f->policy.observe = true;
}

/* At an offset, as it is: whatever it is */
static void passes(struct fix *f, enum smtp_dir dir, u32 off, const char *text)
{
	assert_int_equal(fix_at(f, dir, off, text), strlen(text));
	left(f, text);
	assert_int_equal(f->writes, 0);
}

static u32 says(struct fix *f, enum smtp_dir dir, const char *text)
{
	u32 at = f->at[dir];

	passes(f, dir, at, text);
	return at;
}

static void test_observe_counts_what_would_be_masked(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.special = SMTP_FIXUP_SPECIAL_DROP;
	says(&f, SMTP_SERVER, "220 server\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 1);
	assert_int_equal(COUNT(BYTES_MASKED), 6);
	says(&f, SMTP_CLIENT, "EHLO a\r\nEXPN a\r\n");
	says(&f, SMTP_SERVER, "250-a\r\n250-STARTTLS\r\n250 HELP\r\n250 ok\r\n");
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 2);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	assert_int_equal(COUNT(COMMANDS_PASSED), 1);
	/* What would have ended it does not */
	says(&f, SMTP_CLIENT, "MAIL FROM:<a|b>\r\n");
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
	says(&f, SMTP_CLIENT, "RCPT TO:<a|b>\r\n");
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
	assert_int_equal(COUNT(SPECIAL_CHARACTERS), 2);
	fix_end(&f);
}

static void test_observe_changes_no_length(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	assert_null(smtp_policy_set_text(&f.policy, "text", 4));
	says(&f, SMTP_SERVER, "220 server\r\n");
	says(&f, SMTP_CLIENT, "X\r\nEHLO a\r\n");
	says(&f, SMTP_SERVER, "500 a\r\n250-a\r\n250 STARTTLS\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 1);
	assert_int_equal(f.adjusts[0] + f.adjusts[1] + f.spliced, 0);
	fix_end(&f);
}

/* D2: forwarded, and judged when the reply has come */
static void test_observe_d2_what_is_sent_with_data(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	says(&f, SMTP_CLIENT, "DATA\r\nEXPN a\r\n");
	assert_int_equal(COUNT(SEGMENTS_CUT), 1);
	says(&f, SMTP_CLIENT, "EXPN b\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	says(&f, SMTP_SERVER, "500 a\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
	assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_COMMAND);
	says(&f, SMTP_SERVER, "500 a\r\n500 a\r\n");

	/* The other way round: it is a body */
	says(&f, SMTP_CLIENT, "DATA\r\nEXPN a\r\n");
	says(&f, SMTP_CLIENT, ".\r\nNOOP\r\nEXPN b\r\n");
	says(&f, SMTP_SERVER, "354 a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 3);
	says(&f, SMTP_SERVER, "250 a\r\n250 a\r\n500 a\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
	assert_int_equal(COUNT(CONNECTIONS_UNOBSERVED), 0);
	fix_end(&f);
}

static void test_observe_gap_in_command_state(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	at = f.at[0];
	passes(&f, SMTP_CLIENT, at + 8, "EXPN a\r\n");
	passes(&f, SMTP_CLIENT, at + 16, "EXPN b\r\n");
	assert_int_equal(COUNT(SEGMENTS_DROPPED), 2);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	passes(&f, SMTP_CLIENT, at, "NOOP a\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
	f.at[0] = at + 24;
	says(&f, SMTP_CLIENT, "EXPN c\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 3);
	fix_end(&f);
}

static void test_observe_gap_in_replies(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	says(&f, SMTP_SERVER, "220 a\r\n");
	says(&f, SMTP_CLIENT, "EHLO a\r\nDATA\r\nEXPN\r\n");
	at = f.at[1];
	passes(&f, SMTP_SERVER, at + 7, "250 HELP\r\n");
	passes(&f, SMTP_SERVER, at + 17, "354 a\r\n");
	assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_WAIT);
	passes(&f, SMTP_SERVER, at, "250-a\r\n");
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 1);
	assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_BODY);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	fix_end(&f);
}

/* E1: a line that comes in parts is judged whole, as where it is held back */
static void test_observe_e1_line_in_parts(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	says(&f, SMTP_SERVER, "220 a\r\n");
	says(&f, SMTP_CLIENT, "EHLO a\r\n");
	says(&f, SMTP_SERVER, "250-a\r\n250 START");
	says(&f, SMTP_CLIENT, "NOOP\r\n");
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 0);
	says(&f, SMTP_SERVER, "TLS\r\n");
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 1);
	says(&f, SMTP_SERVER, "250 ok\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
	fix_end(&f);
}

static void test_observe_repetitions_pass_as_they_are(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	at = says(&f, SMTP_CLIENT, "EXPN a\r\n");
	passes(&f, SMTP_CLIENT, at, "XXXX b\r\n");
	assert_int_equal(COUNT(SEGMENTS_REPLAYED), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	fix_end(&f);
}

static void test_observe_d4_dots_stay(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	says(&f, SMTP_CLIENT, "a\n.\nb\r\n");
	assert_int_equal(COUNT(SMUGGLING_DOTS), 1);
	says(&f, SMTP_CLIENT, ".\r\nEXPN a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	fix_end(&f);
}

/* A gap of a body behind which nothing may pass ahead is taken for text */
static void test_observe_gap_in_a_body(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	says(&f, SMTP_CLIENT, "0123456789012345\r\n");
	at = f.at[0];
	passes(&f, SMTP_CLIENT, at + 4, ".123456789012345\r\n");
	assert_int_equal(COUNT(BODIES_UNREAD), 1);
	/* Late */
	passes(&f, SMTP_CLIENT, at, "a\n.\n");
	assert_int_equal(COUNT(BODY_REWRITES_REFUSED), 0);
	f.at[0] = at + 4 + 18;
	says(&f, SMTP_CLIENT, ".\r\nEXPN a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	assert_int_equal(COUNT(CONNECTIONS_UNOBSERVED), 0);
	fix_end(&f);
}

/* The end of a body comes before what precedes it */
static void test_observe_gap_before_the_end_of_data(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	says(&f, SMTP_CLIENT, "0123456789012345\r\n");
	at = f.at[0];
	passes(&f, SMTP_CLIENT, at + 3, ".\r\nEXPN a\r\n");
	assert_int_equal(COUNT(MESSAGES), 0);
	passes(&f, SMTP_CLIENT, at, "a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	fix_end(&f);
}

static void test_observe_gives_up(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	/* Two gaps */
	at = f.at[0];
	passes(&f, SMTP_CLIENT, at + 8, "EXPN a\r\n");
	passes(&f, SMTP_CLIENT, at + 24, "EXPN a\r\n");
	assert_int_equal(COUNT(CONNECTIONS_UNOBSERVED), 1);
	passes(&f, SMTP_CLIENT, at, "EXPN a\r\n");
	says(&f, SMTP_SERVER, "500 a\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	assert_int_equal(COUNT(CONNECTIONS_UNOBSERVED), 1);
	assert_int_equal(host.bytes, 0);
	fix_end(&f);
}

static void test_observe_tls(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	fix_open(&f);
	says(&f, SMTP_CLIENT, "STARTTLS\r\nplain\r\n");
	says(&f, SMTP_SERVER, "220 go\r\n");
	assert_int_equal(COUNT(TLS_STARTED), 1);
	says(&f, SMTP_CLIENT, "EXPN\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	fix_end(&f);
}

int run_observe(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_observe_counts_what_would_be_masked),
		cmocka_unit_test(test_observe_changes_no_length),
		cmocka_unit_test(test_observe_d2_what_is_sent_with_data),
		cmocka_unit_test(test_observe_gap_in_command_state),
		cmocka_unit_test(test_observe_gap_in_replies),
		cmocka_unit_test(test_observe_e1_line_in_parts),
		cmocka_unit_test(test_observe_repetitions_pass_as_they_are),
		cmocka_unit_test(test_observe_d4_dots_stay),
		cmocka_unit_test(test_observe_gap_in_a_body),
		cmocka_unit_test(test_observe_gap_before_the_end_of_data),
		cmocka_unit_test(test_observe_gives_up),
		cmocka_unit_test(test_observe_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
