// SPDX-License-Identifier: GPL-2.0-only
/* What servers read otherwise than the filter: V10, D5, D11. */
#include <stdio.h>

#include "unit.h"

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
		assert_int_equal(COUNT(COMMAND_LINES_CUT), 1);
		assert_int_equal(host_events("V10"), 1);
		fix_end(&f);
	}
}

/* V10: Exim 4.96 reads 16,384 octets, and what follows as a command */
TEST("V10", "what exim splits", NONE)
{
	static const u8 modes[] = {
		SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_MODE_ESMTP,
		SMTP_FIXUP_MODE_MAILHOST, SMTP_FIXUP_MODE_ASA,
	};
	static const char *const verbs[] = {
		"EXPN root\r\n", "EHLO x\r\n", "MAIL FROM:<a>\r\n", "BDAT 6 LAST\r\n",
	};
	u32 m, v;

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
TEST("V10", "every state", NONE)
{
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

/* V10, V3: a verb of which no more than a part is within the limit is none. That part
 * is masked if it has not left.
 */
TEST("V10 V3", "in a verb", FIXUP)
{
	fix_open(&f);
	client(&f, text("", ' ', 2046, "DATA\r\n"), text("", ' ', 2046, "XX  \r\n"));
	client(&f, text("", ' ', 2046, "DA"), text("", ' ', 2046, "DA"));
	client(&f, "TA\r\nNOOP\r\n", "  \r\nNOOP\r\n");
}

/* V10: as long as it may be */
TEST("V10", "within", NONE)
{
	char *line = text("NOOP ", 'a', COMMAND_MAX - 5, "\r\n");
	char *got;
	u32 i;

	for (i = 0; i < NR_STEPS; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		got = sent(&f, line, steps[i]);
		assert_string_equal(got, line);
		assert_int_equal(COUNT(COMMAND_LINES_CUT), 0);
		fix_end(&f);
	}
}

/* V10: a limit may act earlier, and ends the connection first */
TEST("V10 L", "acts earlier", ASA)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");

	fix_open(&f);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], line), -1);
	assert_int_equal(COUNT(COMMAND_LINES_CUT), 0);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* V10: a repetition of it, too: T2 */
TEST("V10 T2", "repeated", FIXUP)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");
	u32 at;

	fix_open(&f);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), 3007);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 2040, line + 2040), 967);
	assert_memory_equal(f.out, "aaaaaaaa   ", 11);
	assert_memory_equal(f.out + 960, "     \r\n", 7);
}

/* V10: observe counts, and changes nothing */
TEST("V10", "observe", FIXUP)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");

	f.policy.observe = true;
	fix_open(&f);
	client(&f, line, line);
	assert_int_equal(COUNT(COMMAND_LINES_CUT), 1);
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
		assert_int_equal(COUNT(SASL_RESPONSES_MASKED), masked);
		assert_string_equal(host.words[SMTP_FIXUP_EVENT_SASL_MASKED], "");
		client_cut(&f, "EXPN\r\n", -1);
		server(&f, "535 no\r\n", "535 no\r\n");
		client(&f, "EXPN\r\n", "XXXX\r\n");
		fix_end(&f);
	}
}

TEST("D5", "only base64", NONE)
{
	responds("dGVzdA==\r\n", "dGVzdA==\r\n", 0);
	responds("+/09azAZ\r\n", "+/09azAZ\r\n", 0);
	responds("\r\n", "\r\n", 0);
	responds("=\r\n", "=\r\n", 0);
	responds("*\r\n", "*\r\n", 0);
	responds("EXPs root\r\n", "EXPsXroot\r\n", 1);
	responds("EXPN\r\n", "EXPX\r\n", 1);
	responds("a*\tb-c_d.\r\n", "aXXbXcXdX\r\n", 1);
	responds(" *\r\n", "XX\r\n", 1);
	responds("\x80\xff{}|\r\n", "XXXXX\r\n", 1);
	/* V7: a CR that ends the line for some ends it for all */
	responds("ab\rEXPN\r\n", "ab\r\n", 0);
}

/* D5, D11: the server's second answer to AUTH comes late, and the next line passes
 * for a response that it does not expect: it must not be a verb
 */
TEST("D5 D11", "no verb for a response", ESMTP)
{
	fix_open(&f);
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "STARTTLS\r\n", "STARTTLX\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "expn\r\n", "expX\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "TURN\n", "TURX\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "ONEX\r\n", "ONEY\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "onex\r\n", "oneY\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	/* Of a word that only begins like one nothing changes, however it is cut */
	client_steps(&f, 5, "VERBs/AB\r\n", "VERBs/AB\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client_steps(&f, 3, "ETRNVRFY\r\n", "ETRNVRFY\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	/* Typed slowly: its last octet waits for more, but not for ever */
	client(&f, "EHL", "EHL");
	client_cut(&f, "O", -1);
	client(&f, "OAAA\r\n", "OAAA\r\n");
	server(&f, "334 a\r\n", "334 a\r\n");
	client_steps(&f, 1, "WIZ\r\n", "WIX\r\n");
	/* An initial response has its AUTH before it */
	server(&f, "535 a\r\n", "535 a\r\n");
	client(&f, "AUTH PLAIN TURN\r\n", "AUTH PLAIN TURN\r\n");
}

/* D5: a token of OAuth, of 6,000 octets and as long as RFC 4954 has it */
TEST("D5", "long tokens", NONE)
{
	static const u32 lens[] = { 6000, RESPONSE_MAX };
	char head[16] = "AUTH XOAUTH2 ";
	char *got, *line;
	u32 i, k;

	for (k = 0; k < 2; k++) {
		responds(text("", 'Q', lens[k], "\r\n"), text("", 'Q', lens[k], "\r\n"), 0);
		/* As AUTH's initial response */
		line = text(head, 'Q', lens[k], "\r\n");
		for (i = 0; i < NR_STEPS; i++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			fix_open(&f);
			got = sent(&f, line, steps[i]);
			assert_string_equal(got, line);
			assert_int_equal(COUNT(COMMAND_LINES_CUT), 0);
			assert_int_equal(COUNT(SASL_RESPONSES_MASKED), 0);
			server(&f, "235 ok\r\n", "235 ok\r\n");
			fix_end(&f);
		}
	}
	responds(text("", 'Q', RESPONSE_MAX + 3, "\r\n"),
		 text("", 'Q', RESPONSE_MAX, "XXX\r\n"), 1);
	responds(text("", 'Q', 16380, "EXPN root\r\n"),
		 text("", 'Q', RESPONSE_MAX, text("", 'X', 16389 - RESPONSE_MAX, "\r\n")), 1);
}

TEST("D5", "initial response", NONE)
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
	u32 i, step;

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
TEST("D5 V7", "strict", ESMTP)
{
	f.policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	fix_open(&f);
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client(&f, "EXPN\nroot\rEXPN\r\r\n", "EXPXXrootXEXPNX\r\n");
	server(&f, "535 a\r\n", "535 a\r\n");
	client(&f, "EXPN\nroot\r\n", "XXXX root\r\n");
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
TEST("D11", "empty line unanswered", NONE)
{
	static const char *const empty[] = { "\r\n", " \r\n", "\n", "\r\r\n" };
	u32 i;

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

/* D11: a reply that was sent before any of the awaited line had come is no answer to it */
TEST("D11", "answered before it has come", NONE)
{
	static const struct {
		const char *in, *out;
		u32 lacks, settles;	/* octets of its end that the server lacks */
	} lines[] = {
		{ "\r\n", "\r\n", 2, 1 }, { "\n", "\n", 1, 0 },
		{ "x\n", "X\n", 2, 0 }, { " \n", " \n", 1, 0 },
		{ "\r\r\n", "\r\r\n", 3, 2 }, { "x\r\r\n", "X\r\r\n", 3, 2 },
		{ "DATA\r\n", "DATA\r\n", 2, 1 },
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		esmtp_begin(&f);
		client(&f, lines[i].in, lines[i].out);
		assert_true(smtp_flow_waits(&f.flow));
		f.at[SMTP_CLIENT] -= lines[i].lacks;
		server(&f, "500 again\r\n", "500 again\r\n");
		assert_true(smtp_flow_waits(&f.flow));
		f.at[SMTP_CLIENT] += lines[i].lacks - lines[i].settles;
		server(&f, "500 what\r\n", "500 what\r\n");
		assert_false(smtp_flow_waits(&f.flow));
		fix_end(&f);
	}
}

/* D11: a server that leaves some line unanswered answers the EHLO too early */
TEST("D11", "EHLO too early", NONE)
{
	esmtp_begin(&f);
	client(&f, "NOOP\r\nEHLO x\r\n", "NOOP\r\nEHLO x\r\n");
	server(&f, OFFER, MASKED);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	server(&f, OFFER, MASKED);
	server(&f, OFFER, MASKED);
}

/* D11: ... and perhaps at its CR, before the line has ended for others */
TEST("D11", "EHLO at CR", NONE)
{
	esmtp_begin(&f);
	client(&f, "NOOP\r\nEHLO x\r", "NOOP\r\nEHLO x\r");
	server(&f, OFFER, MASKED);
}

/* D11: one that answers a line twice answers it too late: in order, by another
 * command's reply, or by one that answers nothing
 */
TEST("D11", "EHLO too late", NONE)
{
	u32 i;

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

/* D11: a server that takes CR for a line end answers the EHLO before its LF passes,
 * and is one reply ahead
 */
TEST("D11", "CR ends lines", NONE)
{
	esmtp_begin(&f);
	client(&f, "NOOP\r", "NOOP\r");
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "\nEHLO\r", "\nEHLO\r");
	server(&f, OFFER, MASKED);
}

/* D11: what is pipelined with an EHLO is answered with what may be its reply */
TEST("D11", "pipelined", NONE)
{
	esmtp_begin(&f);
	client(&f, "VRFY a\r\nEHLO x\r\nNOOP\r\n", "VRFY a\r\nEHLO x\r\nNOOP\r\n");
	/* VRFY was answered twice, by the second of them in several lines */
	server(&f, "500 a\r\n", "500 a\r\n");
	server(&f, OFFER, MASKED);
	server(&f, OFFER, MASKED);
}

/* D11: a line that was cut may be two to a server */
TEST("D11", "behind v10", NONE)
{
	char *line = text("NOOP ", 'a', 3000, "\r\n");

	esmtp_begin(&f);
	fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], line);
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "VRFY a\r\n", "VRFY a\r\n");
	server(&f, "500 again\r\n", "500 again\r\n");
	client(&f, "EHLO x\r\n", "EHLO x\r\n");
	server(&f, "250-a\r\n250 b\r\n", "250-a\r\n250 A\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, OFFER, MASKED);
}

/* D11: where the count is certain other replies of several lines pass */
TEST("D11", "certain", NONE)
{
	esmtp_begin(&f);
	client(&f, "HELO x\r\nNOOP\r\n", "HELO x\r\nNOOP\r\n");
	server(&f, OFFER OFFER, OFFER OFFER);
	client(&f, "EHLO x\r\n", "EHLO x\r\n");
	server(&f, OFFER, MASKED);
	client(&f, "NOOP\r\nVRFY a\r\n", "NOOP\r\nVRFY a\r\n");
	server(&f, OFFER OFFER, OFFER OFFER);
	/* ... but one that answers nothing */
	server(&f, OFFER, MASKED);
}

/* -- servers that leave a body --------------------------------------------- */

/* D10: Twisted 22.4 leaves a body at a line of 16,385 octets. What follows is no
 * command and no second message to it; to a server that reads on, it is a body.
 */
TEST("D10", "the rest is crossed out", NONE)
{
	static const char in[] = "abc\r\nEXPN root\r\n.x\r\n..\r\nMAIL FROM:<a>\r\nDATA\r\n\r\na.b\nc\rd\r\n.\r\n";
	static const char out[] = "XXX\r\nXXXXXXXXX\r\n.X\r\n..\r\nXXXXXXXXXXXXX\r\nXXXX\r\n\r\nXXX\nX\rX\r\n.\r\n";
	u32 i;

	for (i = 0; i < NR_STEPS; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		client(&f, "text\r\n", "text\r\n");
		server(&f, "500 Line too long\r\n", "500 Line too long\r\n");
		client_steps(&f, steps[i], in, out);
		client(&f, "EXPN\r\nNOOP\r\n", "XXXX\r\nNOOP\r\n");
		assert_int_equal(host_events("D10"), 1);
		assert_int_equal(COUNT(BODIES_REFUSED), 1);
		assert_int_equal(COUNT(MESSAGES), 1);
		assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
		fix_end(&f);
	}
}

/* D10: refused before its first octet; under strict, too, the reply arrives */
TEST("D10", "at once", FIXUP)
{
	f.policy.strict = true;
	fix_body(&f);
	server(&f, "452-no\r\n452 room\r\n", "452-no\r\n452 room\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	client(&f, "EXPN\r\n.\r\nNOOP\r\n", "XXXX\r\n.\r\nNOOP\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
}

/* D10: ... and whatever is ACKed after that */
TEST("D10", "before the line before it is ACKed", FIXUP)
{
	u32 at;

	fix_open(&f);
	f.no_acks = true;
	client(&f, "DATA\r\n", "DATA\r\n");
	at = f.at[SMTP_CLIENT];
	server(&f, "354 go\r\n452 no\r\n", "354 go\r\n452 no\r\n");
	fix_ack(&f, SMTP_CLIENT, at);
	client(&f, "EXPN\r\n.\r\n", "XXXX\r\n.\r\n");
}

/* D10, D8: no refusal, a farewell, or one while something is to be answered */
TEST("D10", "no refusal", NONE)
{
	static const char *const replies[] = {
		"421 closing\r\n", "250 a\r\n", "354 go\r\n", "500-a\r\n", "foo\r\n",
	};
	u32 i;

	for (i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		server(&f, replies[i], replies[i]);
		client(&f, "EXPN\r\n.\r\n", "EXPN\r\n.\r\n");
		assert_int_equal(host_events("D10"), 0);
		fix_end(&f);
	}
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "a\r\n.\r\n", "a\r\n.\r\n");
	server(&f, "554 no\r\n", "554 no\r\n");
	assert_int_equal(host_events("D10"), 0);
}

/* D10, T2: what passed before, or ahead of a gap, does not come again as it was:
 * the first copy may be lost, and the server have left the body
 */
TEST("D10 T2", "repeated", FIXUP)
{
	u32 start;

	fix_body(&f);
	f.no_acks = true;
	start = f.at[SMTP_CLIENT];
	client(&f, "one.\r\n", "one.\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 12, "_x y.z\r\n=w\r\n"), 12);
	left(&f, "_x y.z\r\n=w\r\n");
	server(&f, "500 left\r\n", "500 left\r\n");
	/* Nothing more passes ahead of the gap */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 24, "=more\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 12, "_x y.z\r\n=w\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "EXP.\r\n"), 6);
	left(&f, "XXXX\r\n");
	/* The gap is closed: what is judged goes up to behind what passed ahead */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "EXP.\r\nEXPN\r\n"), 12);
	left(&f, "XXXX\r\nXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 12, "EXPN.z\r\n=w\r\n"), 12);
	left(&f, "XXXXXX\r\nXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 24, "EXPN\r\n.\r\nRSET\r\n"), 15);
	left(&f, "XXXX\r\n.\r\nRSET\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 12, "EXPN.z\r\n=w\r\nEXPN\r\n.\r\nEXPN\r\n"), 27);
	left(&f, "XXXXXX\r\nXX\r\nXXXX\r\n.\r\nRSET\r\n");
	/* Nor does an ACK of the client change that */
	f.no_acks = false;
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	f.no_acks = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 24, "EXPN\r\n"), 6);
	left(&f, "XXXX\r\n");
	/* A dot more is none */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 12, "EXPN.z\r\n.w\r\n"), -1);
}

/* D10, D4: a server that reads on takes a line end and a dot for an end of data, though
 * it was a blank when the dot passed
 */
TEST("D10 D4", "a line end before a dot", FIXUP)
{
	u32 start;

	fix_body(&f);
	f.no_acks = true;
	start = f.at[SMTP_CLIENT];
	client(&f, "a\t.\r\nEXPN\r\n", "a\t.\r\nEXPN\r\n");
	server(&f, "552 too much\r\n", "552 too much\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 1, "\r"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "a\n.\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "EX.\r\n"), 5);
	left(&f, "XXX\r\n");
	/* Dots that come crossed out have what was beside them */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "XXX\r\n"), 5);
	left(&f, "XXX\r\n");
	fix_end(&f);

	/* ... or is the first of two dots, which comes crossed out, but not as a line end */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	f.no_acks = true;
	start = f.at[SMTP_CLIENT];
	client(&f, "a..\r\nEXPN\r\n", "a..\r\nEXPN\r\n");
	server(&f, "552 too much\r\n", "552 too much\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 1, "X"), 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 1, "\r"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start + 1, "\n"), -1);
}

/* D10, T4: what waits behind a refused body goes on with that as it left: crossed out.
 * A dot that comes again is in its place.
 */
TEST("D10 T4", "comes again as it left", FIXUP)
{
	u32 start;

	fix_body(&f);
	f.no_acks = true;
	server(&f, "500 left\r\n", "500 left\r\n");
	start = f.at[SMTP_CLIENT];
	client(&f, "a.b\r\n..\r\n.c.\r\n.\r\n", "XXX\r\n..\r\n.XX\r\n.\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start,
				"XXX\r\n..\r\n.XX\r\n.\r\nNOOP\r\n"), 23);
	left(&f, "XXX\r\n..\r\n.XX\r\n.\r\nNOOP\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "XXX\r\n..\r\nX"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "XXX\r\nXX\r\n."), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, "XXX\r\n..\r\n.XX\r\n."), 15);
	assert_int_equal(host_events("T2"), 2);
}

/* D10: the next body is one again */
TEST("D10", "next message", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	server(&f, "552 too much\r\n", "552 too much\r\n");
	client(&f, "a\r\n.\r\n", "X\r\n.\r\n");
	/* It was answered: RFC 2920 lets the client go on */
	client(&f, "RSET\r\nMAIL a\r\nRCPT b\r\n", "RSET\r\nMAIL a\r\nRCPT b\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "250 a\r\n250 b\r\n250 c\r\n354 go\r\n",
	       "250 a\r\n250 b\r\n250 c\r\n354 go\r\n");
	client(&f, "EXPN\r\n.\r\nEXPN\r\n", "EXPN\r\n.\r\nXXXX\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
	fix_end(&f);

	/* A server that answers the end of data, too: the reply to RCPT is none to DATA */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	server(&f, "552 too much\r\n", "552 too much\r\n");
	client(&f, "a\r\n.\r\n", "X\r\n.\r\n");
	client(&f, "MAIL a\r\nRCPT b\r\nDATA\r\n", "MAIL a\r\nRCPT b\r\nDATA\r\n");
	server(&f, "552 again\r\n250 a\r\n250 b\r\n", "552 again\r\n250 a\r\n250 b\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\n.\r\n", "EXPN\r\n.\r\n");
}

/* D10: the end of data passes while the refusal arrives, which answers it */
TEST("D10", "crossing", FIXUP)
{
	fix_body(&f);
	server(&f, "552-too\r\n55", "552-too\r\n55");
	client(&f, "a\r\n.\r\nNOOP\r\n", "a\r\n.\r\nNOOP\r\n");
	server(&f, "2 much\r\n", "2 much\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "250 a\r\n354 go\r\n", "250 a\r\n354 go\r\n");
	client(&f, "EXPN\r\n.\r\n", "EXPN\r\n.\r\n");
	assert_int_equal(host_events("D10") + host_events("D8"), 0);
}

/* D10, D11: the end of data has passed and not come when the server refuses the body. It
 * may leave the body, or read on and answer the end, too.
 */
TEST("D10 D11", "refused before the end has come", NONE)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		esmtp_begin(&f);
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250 SIZE\r\n", "250-a\r\n250 SIZE\r\n");
		client(&f, "DATA\r\n", "DATA\r\n");
		server(&f, "354 go\r\n", "354 go\r\n");
		f.no_acks = true;
		client(&f, "a\r\n.\r\n", "a\r\n.\r\n");
		if (i == 2)
			fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
		server(&f, i == 1 ? "421 no\r\n" : "554 no\r\n", i == 1 ? "421 no\r\n" : "554 no\r\n");
		f.no_acks = false;
		client(&f, "EHLO x\r\n", "EHLO x\r\n");
		server(&f, "250-a\r\n250 SIZE\r\n", "250-a\r\n250 SIZE\r\n");
		client(&f, "NOOP\r\n", "NOOP\r\n");
		server(&f, OFFER, i ? OFFER : MASKED);
		fix_end(&f);
	}
}

/* D10, D7: ... and what it then answers is none to a DATA */
TEST("D10 D7", "refused before the end has come", ESMTP)
{
	fix_body(&f);
	f.no_acks = true;
	client(&f, "a\r\nb\r\n.\r\n", "a\r\nb\r\n.\r\n");
	server(&f, "500 left\r\n", "500 left\r\n");
	f.no_acks = false;
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "500 b\r\n", "500 b\r\n");
	client(&f, "NOOP\r\nDATA\r\n", "NOOP\r\nXXXX\r\n");
}

/* D10, D7: replies to lines of the body that it left are none to a DATA, and so no
 * 354 is taken for another DATA's
 */
TEST("D10 D7", "replies drift", ESMTP)
{
	fix_body(&f);
	server(&f, "500 left\r\n", "500 left\r\n");
	client(&f, "a\r\nb\r\nc\r\n.\r\nDATA\r\n", "X\r\nX\r\nX\r\n.\r\nDATA\r\n");
	server(&f, "500 X\r\n", "500 X\r\n");
	client(&f, "NOOP\r\nDATA\r\nAUTH PLAIN\r\n", "NOOP\r\nXXXX\r\nXXXX PLAIN\r\n");
	server(&f, "500 X\r\n500 X\r\n354 go\r\n", "500 X\r\n500 X\r\n354 go\r\n");
	client(&f, ".\r\nEXPN\r\n", "X\r\nXXXX\r\n");
}

/* D10: a reply to nothing is one to a line of the body, which may have been a command that
 * is no error: the first one that seems to answer a later command may be another of them
 */
TEST("D10 D7", "replies drift before a command is sent", ESMTP)
{
	fix_body(&f);
	server(&f, "452 left\r\n", "452 left\r\n");
	server(&f, "334 to AUTH PLAIN\r\n", "334 to AUTH PLAIN\r\n");
	client(&f, "a\r\n.\r\nRSET\r\n", "X\r\n.\r\nRSET\r\n");
	server(&f, "250 to RSET\r\n", "250 to RSET\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "500 X\r\n", "500 X\r\n");
	client(&f, "NOOP\r\nDATA\r\n", "NOOP\r\nXXXX\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

/* D10, D11: nor do they disclose the reply to an EHLO */
TEST("D10 D11", "replies drift", NONE)
{
	u32 i;

	for (i = 0; i < 5; i++) {
		esmtp_begin(&f);
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250 SIZE\r\n", "250-a\r\n250 SIZE\r\n");
		client(&f, "DATA\r\n", "DATA\r\n");
		server(&f, "354 go\r\n", "354 go\r\n");
		server(&f, "500 left\r\n", "500 left\r\n");
		client(&f, "a\r\nb\r\n.\r\n", "X\r\nX\r\n.\r\n");
		if (i & 1)
			client(&f, "NOOP\r\n", "NOOP\r\n");
		client(&f, "EHLO x\r\n", "EHLO x\r\n");
		if (i & 2)
			client(&f, "NOOP\r\nNOOP\r\nNOOP\r\n", "NOOP\r\nNOOP\r\nNOOP\r\n");
		if (i < 4)
			server(&f, "500 a\r\n500 b\r\n500 .\r\n", "500 a\r\n500 b\r\n500 .\r\n");
		server(&f, OFFER, MASKED);
		server(&f, OFFER, MASKED);
		assert_false(f.flow.session.chunking && i < 4);
		fix_end(&f);
	}
}
