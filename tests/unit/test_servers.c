// SPDX-License-Identifier: GPL-2.0-only
/* What servers read otherwise than the filter: V10, D5, D11. */
#include <stdio.h>

#include "tests.h"

#define COMMAND_MAX	2048
#define RESPONSE_MAX	12288

/* Octets a segment: one, some, all */
static const u32 steps[] = { 1, 2, 7, 100, 1448, 2047, 2048, 2049, 16000, 60000 };

#define NR_STEPS (sizeof(steps) / sizeof(*steps))

/* Texts of a test: nobody frees them */
static char pool[1 << 20];
static u32 pool_len;

static char *text_room(u32 n)
{
	if (pool_len + n > sizeof(pool))
		pool_len = 0;	/* those of another test */
	pool_len += n;
	return pool + pool_len - n;
}

/* @head, @n times @fill, @tail */
static char *text(const char *head, char fill, u32 n, const char *tail)
{
	char *t = text_room(strlen(head) + n + strlen(tail) + 1);

	strcpy(t, head);
	memset(t + strlen(head), fill, n);
	strcpy(t + strlen(head) + n, tail);
	return t;
}

/* In segments of @step octets, each ACKed; what left */
static char *sent(struct fix *f, const char *in, u32 step)
{
	u32 n = strlen(in), at = 0, len = 0, tries = 0;
	char *out = text_room(n + 64);

	while (at < n) {
		u32 k = n - at < step ? n - at : step;
		int pass = fix_segment(f, SMTP_CLIENT, f->at[SMTP_CLIENT], in + at, k);

		if (pass <= 0 && tries++ < 3)
			continue;
		if (pass <= 0)
			break;
		tries = 0;
		memcpy(out + len, f->out, f->out_len);
		len += f->out_len;
		at += pass;
		fix_ack(f, SMTP_CLIENT, f->at[SMTP_CLIENT] + f->shift[SMTP_CLIENT]);
	}
	out[len] = 0;
	return out;
}

/* @in leaves as @out, in any segmentation */
static void leaves(u8 mode, void (*set)(struct smtp_policy *p), const char *in,
		   const char *out)
{
	struct fix f;
	char *got;
	u32 i;

	for (i = 0; i < NR_STEPS; i++) {
		fix_begin(&f, mode);
		if (set)
			set(&f.policy);
		fix_open(&f);
		got = sent(&f, in, steps[i]);
		if (strcmp(got, out))
			print_error("%u octets a segment\n", steps[i]);
		assert_string_equal(got, out);
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMAND_LINES_CUT], 1);
		assert_int_equal(host_events("V10"), 1);
		fix_end(&f);
	}
}

/* V10: Exim 4.96 reads 16,384 octets, and what follows as a command */
static void test_v10_what_exim_splits(void **state)
{
	static const u8 modes[] = {
		SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_MODE_ESMTP,
		SMTP_FIXUP_MODE_MAILHOST, SMTP_FIXUP_MODE_ASA,
	};
	static const char *const verbs[] = {
		"EXPN root\r\n", "EHLO x\r\n", "MAIL FROM:<a>\r\n", "BDAT 6 LAST\r\n",
	};
	u32 m, v;

	(void)state;
	for (m = 0; m < sizeof(modes); m++) {
		for (v = 0; v < sizeof(verbs) / sizeof(*verbs); v++) {
			if (modes[m] == SMTP_FIXUP_MODE_ASA)
				continue;	/* its limit ends the connection before */
			leaves(modes[m], NULL,
			       text("NOOP ", 'a', 16380, verbs[v]),
			       text("NOOP ", 'a', COMMAND_MAX - 5,
				    text("", ' ', 16380 + 5 - COMMAND_MAX + strlen(verbs[v]) - 2,
					 "\r\n")));
		}
	}
}

static void reject_line(struct smtp_policy *p)
{
	p->reject = SMTP_FIXUP_REJECT_LINE;
}

static void reject_reset(struct smtp_policy *p)
{
	p->reject = SMTP_FIXUP_REJECT_RESET;
}

static void ends_strict(struct smtp_policy *p)
{
	p->line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
}

static void special_drop(struct smtp_policy *p)
{
	p->special = SMTP_FIXUP_SPECIAL_DROP;
}

/* V10: wherever in the line its limit is reached */
static void test_v10_every_state(void **state)
{
	(void)state;
	/* Blanks before a verb count, and a verb that begins behind them is none */
	leaves(SMTP_FIXUP_MODE_FIXUP, NULL, text("", ' ', 2048, "EXPN root\r\n"),
	       text("", ' ', 2057, "\r\n"));
	leaves(SMTP_FIXUP_MODE_FIXUP, reject_reset, text("", '\t', 2048, "EXPN root\r\n"),
	       text("", '\t', 2048, "         \r\n"));
	leaves(SMTP_FIXUP_MODE_FIXUP, NULL, text("", ' ', 2044, "NOOPEXPN root\r\n"),
	       text("", ' ', 2044, "NOOP         \r\n"));
	/* A blocked verb, and an overwritten line */
	leaves(SMTP_FIXUP_MODE_FIXUP, NULL, text("EXPN ", 'a', 3000, "\r\n"),
	       text("XXXX ", 'a', 2043, text("", ' ', 957, "\r\n")));
	leaves(SMTP_FIXUP_MODE_FIXUP, reject_line, text("zz", 'z', 3000, "\r\n"),
	       text("", 'X', 2048, text("", ' ', 954, "\r\n")));
	/* An address: what is beyond is none of it any more */
	leaves(SMTP_FIXUP_MODE_FIXUP, special_drop, text("MAIL FROM:<", 'a', 2037, "|`>>EXPN\r\n"),
	       text("MAIL FROM:<", 'a', 2037, "        \r\n"));
	/* The line's end is none of what counts */
	leaves(SMTP_FIXUP_MODE_FIXUP, NULL, text("NOOP ", 'a', 2044, "\r\n"),
	       text("NOOP ", 'a', 2043, " \r\n"));
	/* No octet passes behind what is no line end */
	leaves(SMTP_FIXUP_MODE_FIXUP, ends_strict, text("NOOP ", 'a', 2043, "a\nE\nXPN\r\n"),
	       text("NOOP ", 'a', 2043, "       \r\n"));
}

/* V10: as long as it may be */
static void test_v10_within(void **state)
{
	char *line = text("NOOP ", 'a', COMMAND_MAX - 5, "\r\n");
	struct fix f;
	char *got;
	u32 i;

	(void)state;
	for (i = 0; i < NR_STEPS; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		got = sent(&f, line, steps[i]);
		assert_string_equal(got, line);
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMAND_LINES_CUT], 0);
		fix_end(&f);
	}
}

/* V10: a limit may act earlier, and ends the connection first */
static void test_v10_l_acts_earlier(void **state)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_ASA);
	fix_open(&f);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], line), -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMAND_LINES_CUT], 0);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_CONNECTIONS_ENDED], 1);
	fix_end(&f);
}

/* V10: a repetition of it, too: T2 */
static void test_v10_t2_repeated(void **state)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_open(&f);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), 3007);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 2040, line + 2040), 967);
	assert_memory_equal(f.out, "aaaaaaaa   ", 11);
	assert_memory_equal(f.out + 960, "     \r\n", 7);
	fix_end(&f);
}

/* V10: observe counts, and changes nothing */
static void test_v10_observe(void **state)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.observe = true;
	fix_open(&f);
	client(&f, line, line);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMAND_LINES_CUT], 1);
	fix_end(&f);
}

/* -- SASL responses ------------------------------------------------------- */

/* A response @in leaves as @out, and masks so many lines */
static void responds(const char *in, const char *out, u32 masked)
{
	struct fix f;
	char *got;
	u32 i;

	for (i = 0; i < NR_STEPS; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		f.policy.verbs |= SMTP_VERB_BIT(X_EXPS);
		fix_open(&f);
		client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
		server(&f, "334 \r\n", "334 \r\n");
		got = sent(&f, in, steps[i]);
		assert_string_equal(got, out);
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_SASL_RESPONSES_MASKED], masked);
		assert_string_equal(host.words[SMTP_FIXUP_EVENT_SASL_MASKED], "");
		client_cut(&f, "EXPN\r\n", -1);
		server(&f, "535 no\r\n", "535 no\r\n");
		client(&f, "EXPN\r\n", "XXXX\r\n");
		fix_end(&f);
	}
}

static void test_d5_only_base64(void **state)
{
	(void)state;
	responds("dGVzdA==\r\n", "dGVzdA==\r\n", 0);
	responds("+/09azAZ\r\n", "+/09azAZ\r\n", 0);
	responds("\r\n", "\r\n", 0);
	responds("=\r\n", "=\r\n", 0);
	responds("*\r\n", "*\r\n", 0);
	responds("EXPN root\r\n", "EXPNXroot\r\n", 1);
	responds("a*\tb-c_d.\r\n", "aXXbXcXdX\r\n", 1);
	responds(" *\r\n", "XX\r\n", 1);
	responds("\x80\xff{}|\r\n", "XXXXX\r\n", 1);
	/* V7: a CR that ends the line for some ends it for all */
	responds("ab\rEXPN\r\n", "ab\r\n", 0);
}

/* D5: a token of OAuth, of 6,000 octets and as long as RFC 4954 has it */
static void test_d5_long_tokens(void **state)
{
	static const u32 lens[] = { 6000, RESPONSE_MAX };
	char head[16] = "AUTH XOAUTH2 ";
	struct fix f;
	char *got, *line;
	u32 i, k;

	(void)state;
	for (k = 0; k < 2; k++) {
		responds(text("", 'Q', lens[k], "\r\n"), text("", 'Q', lens[k], "\r\n"), 0);
		/* As AUTH's initial response */
		line = text(head, 'Q', lens[k], "\r\n");
		for (i = 0; i < NR_STEPS; i++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			fix_open(&f);
			got = sent(&f, line, steps[i]);
			assert_string_equal(got, line);
			assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMAND_LINES_CUT], 0);
			assert_int_equal(host.counters[SMTP_FIXUP_CNT_SASL_RESPONSES_MASKED], 0);
			server(&f, "235 ok\r\n", "235 ok\r\n");
			fix_end(&f);
		}
	}
	responds(text("", 'Q', RESPONSE_MAX + 3, "\r\n"),
		 text("", 'Q', RESPONSE_MAX, "XXX\r\n"), 1);
	responds(text("", 'Q', 16380, "EXPN root\r\n"),
		 text("", 'Q', RESPONSE_MAX, text("", 'X', 16389 - RESPONSE_MAX, "\r\n")), 1);
}

static void test_d5_initial_response(void **state)
{
	static const char *const lines[][2] = {
		{ "AUTH PLAIN dGVzdA==\r\n", "AUTH PLAIN dGVzdA==\r\n" },
		{ "AUTH EXTERNAL =\r\n", "AUTH EXTERNAL =\r\n" },
		{ "auth \t PLAIN \t \r\n", "auth \t PLAIN \t \r\n" },
		{ "AUTH PLAIN *\r\n", "AUTH PLAIN X\r\n" },
		{ "AUTH PLAIN a b\r\n", "AUTH PLAIN aXb\r\n" },
		{ "X-EXPS LOGIN a b\r\n", "X-EXPS LOGIN aXb\r\n" },
		{ "AUTH PLAIN  EXPN root\r\n", "AUTH PLAIN  EXPNXroot\r\n" },
		{ "AUTH\r\n", "AUTH\r\n" },
	};
	char *in, *out;
	struct fix f;
	u32 i, step;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		for (step = 1; step < 24; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			f.policy.verbs |= SMTP_VERB_BIT(X_EXPS);
			fix_open(&f);
			client_steps(&f, step, lines[i][0], lines[i][1]);
			client_cut(&f, "EXPN\r\n", -1);
			server(&f, "334 a\r\n", "334 a\r\n");
			/* Counts anew */
			client(&f, "*\r\n", "*\r\n");
			server(&f, "501 a\r\n", "501 a\r\n");
			client(&f, "EXPN\r\n", "XXXX\r\n");
			fix_end(&f);
		}
	}
	/* V10: a response that has not begun by then does not begin */
	leaves(SMTP_FIXUP_MODE_ESMTP, NULL, text("AUTH PLAIN", ' ', 2038, "EXPN root\r\n"),
	       text("AUTH PLAIN", ' ', 2047, "\r\n"));
	leaves(SMTP_FIXUP_MODE_ESMTP, NULL, text("AUTH ", 'a', 2043, "a QUIT\r\n"),
	       text("AUTH ", 'a', 2043, "      \r\n"));
	/* One that has may go on: all in all 14,336 octets */
	in = text("AUTH PLAIN", ' ', 2037, text("", 'Q', RESPONSE_MAX + 2000, "EXPN root\r\n"));
	out = text("AUTH PLAIN", ' ', 2037,
		   text("", 'Q', RESPONSE_MAX, text("", 'X', 2009, "\r\n")));
	for (i = 0; i < NR_STEPS; i++) {
		char *got;

		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		fix_open(&f);
		got = sent(&f, in, steps[i]);
		assert_string_equal(got, out);
		fix_end(&f);
	}
}

/* D5, V7: strict makes no blank in a response either */
static void test_d5_v7_strict(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	fix_open(&f);
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client(&f, "EXPN\nroot\rEXPN\r\r\n", "EXPNXrootXEXPNX\r\n");
	server(&f, "535 a\r\n", "535 a\r\n");
	client(&f, "EXPN\nroot\r\n", "XXXX root\r\n");
	fix_end(&f);
}

/* -- replies that drift --------------------------------------------------- */

static void esmtp_begin(struct fix *f)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	f->policy.banner = SMTP_FIXUP_BANNER_KEEP;
	server(f, "220 a\r\n", "220 a\r\n");
}

#define OFFER	"250-a\r\n250-SIZE\r\n250-CHUNKING\r\n250 STARTTLS\r\n"
#define MASKED	"250-a\r\n250-SIZE\r\n250-XXXXXXXA\r\n250 XXXXXXXB\r\n"

/* D11: Net::Server::Mail says nothing to an empty line */
static void test_d11_empty_line_unanswered(void **state)
{
	static const char *const empty[] = { "\r\n", " \r\n", "\n", "\r\r\n" };
	struct fix f;
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		char in[32];

		esmtp_begin(&f);
		sprintf(in, "%sEHLO x\r\n", empty[i]);
		client_cut(&f, in, strlen(empty[i]));
		client_cut(&f, "EHLO x\r\n", -1);
		server(&f, "500 a\r\n", "500 a\r\n");
		client(&f, "EHLO x\r\n", "EHLO x\r\n");
		server(&f, OFFER, MASKED);
		fix_end(&f);
	}
}

/* D11: a server that leaves some line unanswered answers the EHLO too early */
static void test_d11_ehlo_too_early(void **state)
{
	struct fix f;

	(void)state;
	esmtp_begin(&f);
	client(&f, "NOOP\r\nEHLO x\r\n", "NOOP\r\nEHLO x\r\n");
	server(&f, OFFER, MASKED);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	server(&f, OFFER, MASKED);
	server(&f, OFFER, MASKED);
	fix_end(&f);
}

/* D11: one that answers a line twice answers it too late: in order, by another
 * command's reply, or by one that answers nothing
 */
static void test_d11_ehlo_too_late(void **state)
{
	struct fix f;
	u32 i;

	(void)state;
	for (i = 0; i < 4; i++) {
		esmtp_begin(&f);
		client(&f, "NOOP\r\n", "NOOP\r\n");
		server(&f, "250 a\r\n", "250 a\r\n");
		client(&f, i & 1 ? "EHLO x\r\nNOOP\r\n" : "EHLO x\r\n",
		       i & 1 ? "EHLO x\r\nNOOP\r\n" : "EHLO x\r\n");
		server(&f, "500 again\r\n", "500 again\r\n");
		if (i & 2)
			client(&f, "EXPN\r\n", "XXXX\r\n");
		server(&f, OFFER, MASKED);
		/* Nor does it offer what BDAT needs */
		assert_false(f.flow.session.chunking);
		fix_end(&f);
	}
}

/* D11: what is pipelined with an EHLO is answered with what may be its reply */
static void test_d11_pipelined(void **state)
{
	struct fix f;

	(void)state;
	esmtp_begin(&f);
	client(&f, "VRFY a\r\nEHLO x\r\nNOOP\r\n", "VRFY a\r\nEHLO x\r\nNOOP\r\n");
	/* VRFY was answered twice, by the second of them in several lines */
	server(&f, "500 a\r\n", "500 a\r\n");
	server(&f, OFFER, MASKED);
	server(&f, OFFER, MASKED);
	fix_end(&f);
}

/* D11: a line that was cut may be two to a server */
static void test_d11_behind_v10(void **state)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");
	struct fix f;

	(void)state;
	esmtp_begin(&f);
	fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], line);
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "VRFY a\r\n", "VRFY a\r\n");
	server(&f, "500 again\r\n", "500 again\r\n");
	client(&f, "EHLO x\r\n", "EHLO x\r\n");
	server(&f, "250-a\r\n250 b\r\n", "250-a\r\n250 A\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, OFFER, MASKED);
	fix_end(&f);
}

/* D11: where the count is certain other replies of several lines pass */
static void test_d11_certain(void **state)
{
	struct fix f;

	(void)state;
	esmtp_begin(&f);
	client(&f, "HELO x\r\nNOOP\r\n", "HELO x\r\nNOOP\r\n");
	server(&f, OFFER OFFER, OFFER OFFER);
	client(&f, "EHLO x\r\n", "EHLO x\r\n");
	server(&f, OFFER, MASKED);
	client(&f, "NOOP\r\nVRFY a\r\n", "NOOP\r\nVRFY a\r\n");
	server(&f, OFFER OFFER, OFFER OFFER);
	/* ... but one that answers nothing */
	server(&f, OFFER, MASKED);
	fix_end(&f);
}

int run_servers(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v10_what_exim_splits),
		cmocka_unit_test(test_v10_every_state),
		cmocka_unit_test(test_v10_within),
		cmocka_unit_test(test_v10_l_acts_earlier),
		cmocka_unit_test(test_v10_t2_repeated),
		cmocka_unit_test(test_v10_observe),
		cmocka_unit_test(test_d5_only_base64),
		cmocka_unit_test(test_d5_long_tokens),
		cmocka_unit_test(test_d5_initial_response),
		cmocka_unit_test(test_d5_v7_strict),
		cmocka_unit_test(test_d11_empty_line_unanswered),
		cmocka_unit_test(test_d11_ehlo_too_early),
		cmocka_unit_test(test_d11_ehlo_too_late),
		cmocka_unit_test(test_d11_pipelined),
		cmocka_unit_test(test_d11_behind_v10),
		cmocka_unit_test(test_d11_certain),
	};

	return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
