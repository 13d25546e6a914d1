// SPDX-License-Identifier: GPL-2.0-only
/* BDAT and XEXCH50: D6, and with them T2. */
#include "tests.h"

/* A policy that lets BDAT through, to a server that offers it */
static void chunking_begin(struct fix *f, const char *reply)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	f->policy.banner = SMTP_FIXUP_BANNER_KEEP;
	smtp_policy_set_verbs(&f->policy, f->policy.verbs |
			      SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50));
	f->policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
	assert_null(smtp_policy_check(&f->policy, &(u8){ 0 }));
	server(f, "220 a\r\n", "220 a\r\n");
	client(f, "EHLO a\r\n", "EHLO a\r\n");
	server(f, reply, reply);
	fix_ack(f, SMTP_CLIENT, f->at[SMTP_CLIENT]);
}

#define OFFERS "250-a\r\n250-SIZE\r\n250 CHUNKING\r\n"

static void test_d6_chunk_is_opaque(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	/* Pipelined: RFC 3030, 4.2; what follows the last octet is a command */
	client(&f, "BDAT 12\r\nEXPN a\r\n.\r\n\nbdat 4 last\r\nKILLEXPN b\r\nNOOP\r\n",
	       "BDAT 12\r\nEXPN a\r\n.\r\n\nbdat 4 last\r\nKILLXXXX b\r\nNOOP\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_CHUNKS], 2);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MESSAGES], 1);
	/* Four commands, four replies: D7 */
	server(&f, "250 1\r\n552 2\r\n500 3\r\n", "250 1\r\n552 2\r\n500 3\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "250 4\r\n354 go\r\n", "250 4\r\n354 go\r\n");
	client(&f, "EXPN\r\n.\r\nEXPN\r\n", "EXPN\r\n.\r\nXXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_REPLIES_UNEXPECTED], 0);
	fix_end(&f);
}

static bool no_memory(void *arg)
{
	(void)arg;
	return true;
}

/* Without memory for the chunk's place among the commands, what follows it waits */
static void test_d6_contract6_no_memory(void **state)
{
	static const char in[] = "BDAT 4 LAST\r\nEXPNEXPN\r\n";
	struct fix f;
	u32 at;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	client(&f, "NOOP\r\n", "NOOP\r\n");
	at += 6;
	host.fail = no_memory;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, in), 17);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	host.fail = NULL;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, in), 23);
	left(&f, "BDAT 4 LAST\r\nEXPNXXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	fix_end(&f);
}

static void test_d6_byte_by_byte(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client_steps(&f, 1, "BDAT 8 LAST\r\nEXPN a\r\nNOOP\r\nEXPN\r\n",
		     "BDAT 8 LAST\r\nEXPN a\r\nNOOP\r\nEXXX\r\n");
	fix_end(&f);
}

/* D6: inside a chunk any order will do, and nothing is read or kept */
static void test_d6_ahead_and_again(void **state)
{
	struct fix f;
	u32 start;

	(void)state;
	chunking_begin(&f, OFFERS);
	client(&f, "BDAT 3000 LAST\r\n", "BDAT 3000 LAST\r\n");
	start = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 2990, "0123456789EXPN\r\n"), 16);
	left(&f, "0123456789XXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 1000, "EXPN\r\n.\r\n"), 9);
	left(&f, "EXPN\r\n.\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "EXPN"), 4);
	left(&f, "EXPN");
	/* The command before it and the one behind it leave as before */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start - 16, "BDAT 9 LAST\r\nEXPNx"), 18);
	left(&f, "BDAT 3000 LAST\r\nNx");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 2996, "6789VRFY\r\n"), 10);
	left(&f, "6789XXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_SEGMENTS_DROPPED], 0);
	fix_end(&f);
}

/* D6: a server that has not offered it would take the chunk for commands */
static void test_d6_not_offered(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* HELO undoes it, whatever the EHLO before it is answered */
	chunking_begin(&f, OFFERS);
	client(&f, "EHLO a\r\nHELO a\r\n", "EHLO a\r\nHELO a\r\n");
	server(&f, OFFERS "250 a\r\n", OFFERS "250 a\r\n");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* ehlo keep and ehlo strip see it as well */
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	f.policy.ehlo = SMTP_FIXUP_EHLO_KEEP;
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250-TURN\r\n250 chunking\r\n", "250-a\r\n250-TURN\r\n250 chunking\r\n");
	client(&f, "BDAT 2\r\n\n.NOOP\r\n", "BDAT 2\r\n\n.NOOP\r\n");
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	server(&f, "250 a\r\n250 b\r\n", "250 a\r\n250 b\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "250-a\r\n250-CHUNKING\r\n250 TURN\r\n");
	left(&f, "250-a\r\n250 CHUNKING\r\n");
	client(&f, "BDAT 2\r\n\n.NOOP\r\n", "BDAT 2\r\n\n.NOOP\r\n");
	fix_end(&f);

	/* Only where it stands for a keyword */
	chunking_begin(&f, "250-CHUNKING\r\n250 SIZE CHUNKING\r\n");
	client(&f, "BDAT 6 LAST\r\n", "XXXX 6 LAST\r\n");
	fix_end(&f);
}

/* D6: what some servers do not take for a size as others do is blocked */
static void test_d6_bad_size(void **state)
{
	static const char *const bad[][2] = {
		{ "BDAT\r\n", "XXXX\r\n" },
		{ "BDAT \r\n", "XXXX \r\n" },
		{ "BDAT x\r\n", "XXXX x\r\n" },
		{ "BDAT  6\r\n", "XXXX  6\r\n" },
		{ "BDAT\t6\r\n", "XXXX\t6\r\n" },
		{ " BDAT 6\r\n", " XXXX 6\r\n" },
		{ "BDAT 06\r\n", "XXXX 06\r\n" },
		{ "BDAT +6\r\n", "XXXX +6\r\n" },
		{ "BDAT 6x\r\n", "XXXX 6x\r\n" },
		{ "BDAT 6 \r\n", "XXXX 6 \r\n" },
		{ "BDAT 6 LASTX\r\n", "XXXX 6 LASTX\r\n" },
		{ "BDAT 6 LAS\r\n", "XXXX 6 LAS\r\n" },
		{ "BDAT 4294967302\r\n", "XXXX 4294967302\r\n" },
		{ "XEXCH50 6\r\n", "XXXXXXX 6\r\n" },
		{ "XEXCH50 0 2\r\n", "XXXXXXX 0 2\r\n" },
	};
	struct fix f;
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		chunking_begin(&f, OFFERS);
		client(&f, bad[i][0], bad[i][1]);
		client(&f, "EXPN\r\n", "XXXX\r\n");
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 2);
		fix_end(&f);
	}
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_LINE;
	client(&f, "BDAT 6 x y\r\n", "XXXXXXXXXX\r\n");
	/* V7: what ends the line at a CR for some ends it for all */
	client_cut(&f, "BDAT 6\rxEXPN\r\n", 14);
	left(&f, "XXXXXX\r\nXXXX\r\n");
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client(&f, "BDAT 6 x y\r\n", "NOOP      \r\n");
	fix_end(&f);
}

/* D6: where the verb has left, only the reply tells what became of it */
static void test_d6_bad_size_too_late(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	client(&f, "BDAT 6", "BDAT 6");
	client_cut(&f, "x\r\nEXPN\r\n", 3);
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "501 what\r\n", "501 what\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	server(&f, "500 what\r\n", "500 what\r\n");

	client(&f, "BDAT", "BDAT");
	client_cut(&f, "Q  3\r\nEXPN\r\n", 6);
	left(&f, "X  3\r\n");
	server(&f, "501 what\r\n", "501 what\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	fix_end(&f);
}

/* A server that reads a size in it, and waits for so many octets */
static void test_d6_bad_size_believed(void **state)
{
	static const char *const late[][2] = {
		{ "XEXCH50 6 2", "ab\r\n" },
		{ "XEXCH50 6", "\n" },
		{ "XEXCH50", "Q 6 2\r\n" },
	};
	struct fix f;
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(late) / sizeof(*late); i++) {
		chunking_begin(&f, OFFERS);
		client(&f, late[i][0], late[i][0]);
		fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], late[i][1]);
		assert_int_equal(f.verdict, SMTP_PASS);
		client_cut(&f, "EEHLO\nEXPN b\r\n", -1);
		assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "354 go\r\n"), -2);
		client_cut(&f, "EEHLO\nEXPN b\r\n", -1);
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED], 1);
		fix_end(&f);
	}
}

static void test_d6_xexch50(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	client_cut(&f, "XEXCH50 6 2\r\nEXPN\r\n", 13);
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\nEXPN\r\n", "EXPN\r\nXXXX\r\n");
	server(&f, "250 a\r\n500 b\r\n", "250 a\r\n500 b\r\n");
	client_cut(&f, "XEXCH50 6 2\r\nEXPN\r\n", 13);
	server(&f, "504 no\r\n", "504 no\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_REPLIES_UNEXPECTED], 0);
	fix_end(&f);
}

/* T2: commands between many chunks in flight are all kept */
static void test_d6_many_in_flight(void **state)
{
	struct fix f;
	u32 start, i;

	(void)state;
	chunking_begin(&f, OFFERS);
	start = f.at[SMTP_CLIENT];
	f.no_acks = true;
	for (i = 0; i < 40; i++)
		client(&f, "BDAT 5\r\nEXPN\nEXPN\r\n", "BDAT 5\r\nEXPN\nXXXX\r\n");
	for (i = 0; i < 40; i++) {
		fix_at(&f, SMTP_CLIENT, start + i * 19, "NOOP 5\r\nEXPN\nEXPN\r\n");
		left(&f, "BDAT 5\r\nEXPN\nXXXX\r\n");
	}
	/* ACKs inside a chunk and inside a command */
	fix_ack(&f, SMTP_CLIENT, start + 19 * 20 + 10);
	fix_at(&f, SMTP_CLIENT, start + 19 * 21, "NOOP 5\r\nEXPN\nEXPN\r\n");
	left(&f, "BDAT 5\r\nEXPN\nXXXX\r\n");
	fix_ack(&f, SMTP_CLIENT, start + 19 * 30 + 15);
	fix_at(&f, SMTP_CLIENT, start + 19 * 30 + 8, "EXPN\nEXPN\r\n");
	assert_memory_equal(f.out + 7, "XX\r\n", 4);
	fix_end(&f);
}

/* D6, T2: nobody has a window for more; sequence numbers must not wrap around */
static void test_d6_t2_announced_without_end(void **state)
{
	static const char line[] = "BDAT 999999999\r\n";
	struct fix f;
	u32 at;

	(void)state;
	chunking_begin(&f, OFFERS);
	at = f.at[SMTP_CLIENT];
	f.no_acks = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), 16);
	at += 16 + 999999999;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), 16);
	at += 16 + 999999999;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\r\n"), -1);
	fix_ack(&f, SMTP_CLIENT, at - 1000000);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\r\n"), 6);
	left(&f, "XXXX\r\n");
	fix_end(&f);
}

/* D6, L: RCPT of the next message counts anew */
static void test_d6_l_recipients(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.policy.limits[SMTP_FIXUP_LIMIT_RCPT].max = 1;
	f.policy.limits[SMTP_FIXUP_LIMIT_RCPT].action = SMTP_FIXUP_ACTION_MASK;
	client(&f, "RCPT a\r\nBDAT 2\r\nabRCPT b\r\nBDAT 2 LAST\r\nabRCPT c\r\n",
	       "RCPT a\r\nBDAT 2\r\nabXXXX b\r\nBDAT 2 LAST\r\nabRCPT c\r\n");
	fix_end(&f);
}

/* D6, M: of a chunk whose BDAT is blocked no words are told */
static void test_d6_m_blocked(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	client(&f, "BDAT 8 LAST\r\n", "XXXX 8 LAST\r\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "BDAT");
	client(&f, "secret\r\n", "XXXXXX\r\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "");
	client(&f, "NOOP\r\nEXPN\r\n", "NOOP\r\nXXXX\r\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "EXPN");
	fix_end(&f);
}

/* V5: a bad size ends it, as a blocked verb does */
static void test_d6_v5_ends(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_DROP;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], "BDAT 06\r\n"), -1);
	assert_int_equal(f.flow.ended, SMTP_DROP);
	fix_end(&f);
}

/* V4, T1: one edit, and nothing before it that is not kept */
static void test_d6_v4_waits(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client_cut(&f, "BDAT 3\r\nabcX\r\nRSET\r\n", 11);
	client_cut(&f, "X\r\nRSET\r\n", -1);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	client(&f, "X\r\nRSET\r\n", "NOOP\r\nRSET\r\n");
	fix_end(&f);
}

/* A blank before a line that had to wait: comes that again as BDAT, it still
 * stands behind a blank, and not every server would take its chunk for one
 */
static void test_d6_v4_indented_later(void **state)
{
	struct fix f;

	(void)state;
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client_cut(&f, "A\r\n X\r\n", 4);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
	client(&f, "BDAT 6\r\nEXPN\r\n", "NOOP  \r\nNOOP\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_CHUNKS], 0);
	fix_end(&f);
}

int run_chunk(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_d6_chunk_is_opaque),
		cmocka_unit_test(test_d6_contract6_no_memory),
		cmocka_unit_test(test_d6_byte_by_byte),
		cmocka_unit_test(test_d6_ahead_and_again),
		cmocka_unit_test(test_d6_not_offered),
		cmocka_unit_test(test_d6_bad_size),
		cmocka_unit_test(test_d6_bad_size_too_late),
		cmocka_unit_test(test_d6_bad_size_believed),
		cmocka_unit_test(test_d6_xexch50),
		cmocka_unit_test(test_d6_many_in_flight),
		cmocka_unit_test(test_d6_t2_announced_without_end),
		cmocka_unit_test(test_d6_l_recipients),
		cmocka_unit_test(test_d6_m_blocked),
		cmocka_unit_test(test_d6_v5_ends),
		cmocka_unit_test(test_d6_v4_waits),
		cmocka_unit_test(test_d6_v4_indented_later),
	};

	return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
