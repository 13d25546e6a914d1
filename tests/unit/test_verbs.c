// SPDX-License-Identifier: GPL-2.0-only
/* Verbs: V1-V3, V5-V9. */
#include <stdio.h>

#include "unit.h"

TEST("V1 V2 V3", "every verb", NONE)
{
	static const struct {
		const char *verb;
		bool fixup, esmtp;
	} verbs[] = {
		{ "HELO", 1, 1 }, { "MAIL", 1, 1 }, { "RCPT", 1, 1 },
		{ "RSET", 1, 1 }, { "NOOP", 1, 1 }, { "QUIT", 1, 1 },
		{ "DATA", 1, 1 }, { "EHLO", 0, 1 }, { "AUTH", 0, 1 },
		{ "ETRN", 0, 1 }, { "HELP", 0, 1 }, { "SAML", 0, 1 },
		{ "SEND", 0, 1 }, { "SOML", 0, 1 }, { "VRFY", 0, 1 },
		{ "ATRN", 0, 0 }, { "ONEX", 0, 0 }, { "VERB", 0, 0 },
		{ "TURN", 0, 0 }, { "EXPN", 0, 0 }, { "BDAT", 0, 0 },
		{ "XEXCH50", 0, 0 }, { "X-EXPS", 0, 0 },
		{ "X-LINK2STATE", 0, 0 }, { "XCLIENT", 0, 0 },
		{ "XFORWARD", 0, 0 }, { "KILL", 0, 0 }, { "WIZ", 0, 0 },
		{ "DEBUG", 0, 0 }, { "STARTTLS", 0, 0 }, { "GOODMORNING", 0, 0 },
		{ "X", 0, 0 }, { "HEL", 0, 0 }, { "HELOO", 0, 0 },
		{ "MAIL:", 0, 0 },
	};
	char in[64], out[64];
	u32 i, mode, lower, k;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		for (mode = 0; mode < 4; mode++) {
			bool passes = mode & 1 ? verbs[i].esmtp : verbs[i].fixup;

			lower = mode & 2;
			sprintf(in, "%s an arg EXPN\r\n", verbs[i].verb);
			for (k = 0; lower && k < strlen(verbs[i].verb); k++)
				if (in[k] >= 'A' && in[k] <= 'Z')
					in[k] += 'a' - 'A';
			strcpy(out, in);
			/* D5: an initial response has no blank */
			if (passes && !strcmp(verbs[i].verb, "AUTH"))
				out[strlen("AUTH an arg")] = 'X';
			if (!passes)
				memset(out, 'X', strlen(verbs[i].verb));
			fix_begin(&f, mode & 1 ? SMTP_FIXUP_MODE_ESMTP :
				  SMTP_FIXUP_MODE_FIXUP);
			client(&f, in, out);
			assert_int_equal(COUNT(COMMANDS_BLOCKED), !passes);
			assert_int_equal(COUNT(COMMANDS_PASSED), passes);
			fix_end(&f);
		}
	}
}

/* From a capture of a PIX: V3 */
TEST("V3", "captured", FIXUP)
{
	fix_at(&f, SMTP_SERVER, 0, "220 a\r\n");
	client(&f, "ehlo remote-domain.com\r\n", "XXXX remote-domain.com\r\n");
	server(&f, "500 5.5.1 Command unrecognized: \"XXXX remote-domain.com\"\r\n",
	       "500 5.5.1 Command unrecognized: \"XXXX remote-domain.com\"\r\n");
	client(&f, "helo remote-domain.com\r\n", "helo remote-domain.com\r\n");
	server(&f, "250 mail.domainname.com Hello [10.53.7.203]\r\n",
	       "250 mail.domainname.com Hello [10.53.7.203]\r\n");
}

TEST("V1", "allow and deny", FIXUP)
{
	f.policy.verbs |= SMTP_VERB_BIT(XCLIENT);
	f.policy.verbs &= ~SMTP_VERB_BIT(NOOP);
	client(&f, "XCLIENT A=B\r\nNOOP\r\nXCLIEN\r\nXFORWARD\r\n",
	       "XCLIENT A=B\r\nXXXX\r\nXXXXXX\r\nXXXXXXXX\r\n");
}

TEST("V5", "drop and reset", NONE)
{
	static const struct {
		u8 reject;
		int verdict;
	} ends[] = {
		{ SMTP_FIXUP_REJECT_DROP, -1 }, { SMTP_FIXUP_REJECT_RESET, -2 },
	};
	u32 i;

	for (i = 0; i < 2; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.reject = ends[i].reject;
		fix_open(&f);
		client(&f, "NOOP EXPN\r\nRS", "NOOP EXPN\r\nRS");
		client(&f, "ET\r\n", "ET\r\n");
		server(&f, "250 1\r\n250 2\r\n", "250 1\r\n250 2\r\n");
		/* Not even what is allowed, behind it or later */
		client_cut(&f, "expn a\r\nNOOP\r\n", ends[i].verdict);
		assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
		assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
		client_cut(&f, "NOOP\r\n", -1);
		assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER],
					"250 ok\r\n"), -1);
		assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
		fix_end(&f);
	}
}

/* T4: a server that has answered a line that LF ended takes LF for an end */
TEST("V7 T4", "LF waits once", NONE)
{
	static const char *const refusals[] = {
		"500 bare LF\r\n", "421 timeout\r\n", "100 a\r\n", "450 later\r\n",
	};
	u32 i;

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "220 a\r\n", "220 *\r\n");
	client_cut(&f, "HELO a\nMAIL FROM:<a>\nEXPN\nDATA\nx\n", 7);
	client_cut(&f, "MAIL FROM:<a>\n", -1);
	server(&f, "250 a\r\n", "250 a\r\n");
	client_cut(&f, "MAIL FROM:<a>\nEXPN\nDATA\nx\n", 24);
	left(&f, "MAIL FROM:<a>\nXXXX\nDATA\n");
	/* What is sent behind DATA is no body before the 354: D2 */
	server(&f, "250 a\r\n500 b\r\n", "250 a\r\n500 b\r\n");
	client_cut(&f, "x\n", -1);
	server(&f, "354 a\r\n", "354 a\r\n");
	client(&f, "x\n", "x\n");
	fix_end(&f);

	/* A refusal may be of the LF itself */
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		server(&f, "220 a\r\n", "220 *\r\n");
		client_cut(&f, "HELO a\nRSET\n", 7);
		server(&f, refusals[i], refusals[i]);
		client_cut(&f, "RSET\nRSET\n", 5);
		fix_end(&f);
	}
}

/* V6: what has left of it is no verb */
TEST("V5", "typed", FIXUP)
{
	f.policy.reject = SMTP_FIXUP_REJECT_DROP;
	fix_open(&f);
	client(&f, "DAT", "DAT");
	client_cut(&f, "E", -1);
	client_cut(&f, "A\r\n", -1);
}

static const struct {
	const char *in[6];
	const char *out[6];
	const char *why;
} pieces[] = {
	{ { "N", "O", "O", "P", "\r", "\n" }, { "N", "O", "O", "P", "\r", "\n" },
	  "a legal verb typed one byte at a time works" },
	{ { "D", "A", "T", "E", "\r", "\n" }, { "D", "A", "T", "X", "\r", "\n" },
	  "an illegal one never arrives whole" },
	{ { "EXPN", "\r\n" }, { "XXXX", "\r\n" }, "bytes in sight are all X" },
	{ { "EX", "PN a\r\n" }, { "XX", "XX a\r\n" }, "" },
	{ { "HE", "LP\r\n" }, { "HE", "XX\r\n" }, "" },
	{ { "HELO", "X a\r\n" }, { "HELO", "X a\r\n" }, "" },
	{ { "HELO", "Y a\r\n" }, { "HELO", "X a\r\n" }, "" },
	{ { "HEL", "\r\n" }, { "HEL", "\r\n" }, "a mere prefix, gone before" },
	{ { "HE", "L\r\n" }, { "HE", "X\r\n" }, "what is left of one" },
	{ { "HEL\r\n" }, { "XXX\r\n" }, "a mere prefix in sight" },
	{ { " ", "\tEX", "PN\r\n" }, { " ", "\tXX", "XX\r\n" }, "" },
	{ { "NOOP\r", "\nEXPN\r\n" }, { "NOOP\r", "\nXXXX\r\n" }, "" },
	{ { "NOOP x\r\nEX", "PN\r\nNO", "OP\r\n" },
	  { "NOOP x\r\nXX", "XX\r\nNO", "OP\r\n" }, "" },
	{ { "NOOP x\r\nRC", "PN\r\nRC", "PT\r\n" },
	  { "NOOP x\r\nRC", "XX\r\nRC", "PT\r\n" }, "" },
};

TEST("V6", "pieces", NONE)
{
	u32 i, k;

	for (i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		for (k = 0; k < 6 && pieces[i].in[k]; k++)
			client(&f, pieces[i].in[k], pieces[i].out[k]);
		fix_end(&f);
	}
}

/* A verb that is not contiguous in memory is still in sight */
TEST("V6", "fragments", NONE)
{
	for (u32 frag = 1; frag < 8; frag++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.frag = frag;
		client(&f, "NOOP\r\nRCPN a\r\nRSET\r\n", "NOOP\r\nXXXX a\r\nRSET\r\n");
		fix_end(&f);
	}
}

TEST("V7", "line ends", NONE)
{
	/* A bare CR: the byte behind it becomes LF */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "NOOP\rEXPN a\r\n", "NOOP\r\nXXX a\r\n");
	fix_end(&f);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "NOOP\r", "NOOP\r");
	client(&f, "EXPN a\r\n", "\nXXX a\r\n");
	fix_end(&f);
	/* A NUL ends nothing */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, 0, "NO\0OP\r\n", 7), 7);
	assert_memory_equal(f.out, "XXXXX\r\n", 7);
}

/* CR CR LF stays as it is, in any segmentation: what took it takes it still. Some
 * servers see two line ends, so the reply is waited for.
 */
TEST("V7", "many crs", NONE)
{
	static const char *const lines[] = {
		"DATA\r\r\n", "NOOP\r\r\r\r\n", "MAIL FROM:<a>\r\r\n", " \r\r\n",
	};
	u32 i, step;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		for (step = 1; step < 9; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			fix_open(&f);
			client_steps(&f, step, lines[i], lines[i]);
			assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_WAIT);
			client_cut(&f, "EHLO b\r\n", -1);
			/* Two replies, one too many, and it comes late */
			server(&f, "500 a\r\n", "500 a\r\n");
			client(&f, "EHLO b\r\n", "EHLO b\r\n");
			server(&f, "500 b\r\n", "500 b\r\n");
			client(&f, "NOOP\r\n", "NOOP\r\n");
			fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "250-a\r\n250 HELP\r\n");
			left(&f, "250-a\r\n250 XXXA\r\n");
			fix_end(&f);
		}
	}
	/* What follows several CRs and is no LF becomes one */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_open(&f);
	client_cut(&f, "NOOP\r\rEXPN\r\n", 7);
	left(&f, "NOOP\r\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "XPN\r\n", "XXX\r\n");
}

TEST("V7", "strict", FIXUP)
{
	f.policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	fix_open(&f);
	/* No end: an argument, for every server */
	client(&f, "NOOP\nEXPN a\r\n", "NOOP EXPN a\r\n");
	client(&f, "NOOP\rEXPN a\r\n", "NOOP EXPN a\r\n");
	client(&f, "DATA\n", "DATA ");
	client(&f, "\r\n", "\r\n");
	assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_WAIT);
	server(&f, "250 a\r\n250 b\r\n503 no\r\n", "250 a\r\n250 b\r\n503 no\r\n");
	/* Neither joins nor hides verbs */
	client(&f, "\nEXPN\r\n\rEXPN\r\nNO\nOP\r\nEX\rPN\r\n",
	       " XXXX\r\n XXXX\r\nXX OP\r\nXX PN\r\n");
	/* A CR that has left may be an end to some server: make it one */
	client(&f, "NOOP\r", "NOOP\r");
	client(&f, "EXPN a\r\n", "\nXXX a\r\n");
	client(&f, "NOOP\r\r\nEXPN\r\n", "NOOP \r\nXXXX\r\n");
	assert_int_equal(COUNT(BARE_LINE_ENDS), 9);
}

/* A bare LF: what follows waits for the reply */
TEST("V7", "bare LF waits", FIXUP)
{
	server(&f, "220 a\r\n", "220 *\r\n");
	client_cut(&f, "NOOP\nRSET\nQUIT\r\n", 5);
	client_cut(&f, "RSET\nQUIT\r\n", -1);
	server(&f, "500 what\r\n", "500 what\r\n");
	client_cut(&f, "RSET\nQUIT\r\n", 5);
	server(&f, "500 what\r\n", "500 what\r\n");
	client(&f, "QUIT\r\n", "QUIT\r\n");
	assert_int_equal(COUNT(BARE_LINE_ENDS), 2);
}

TEST("V8", "never skipped", FIXUP)
{
	fix_open(&f);
	/* D11: not every server answers these */
	for (u32 i = 0; i < 4; i++) {
		static const char *const empty[] = { "\r\n", " \r\n", "\t\r\n", " \t  \r\n" };

		client(&f, empty[i], empty[i]);
		client_cut(&f, "EXPN\r\n", -1);
		server(&f, "500 a\r\n", "500 a\r\n");
	}
	client(&f, "  EXPN x\r\n\tNOOP\r\n \t Vrfy\r\n",
	       "  XXXX x\r\n\tNOOP\r\n \t XXXX\r\n");
	client(&f, "\x80\xff\xe4 x\r\n", "XXX x\r\n");
	client(&f, "NOOP\x80\r\n", "XXXXX\r\n");
}

TEST("V8", "any length", NONE)
{
	static char in[3001], out[3001];
	u32 n;

	for (n = 1; n < 3000; n = n < 300 ? n + 1 : n + 777) {
		memset(in, 'q', n);
		memset(out, ' ', n);	/* V10 */
		memset(out, 'X', n < 2048 ? n : 2048);
		in[n] = 0;
		out[n] = 0;
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		if (n == 1)
			client(&f, in, "q");	/* as QUIT begins */
		else
			client(&f, in, out);
		client(&f, "\r\nNOOP\r\n", "\r\nNOOP\r\n");
		fix_end(&f);
	}
}

TEST("V9", "pipelining", FIXUP)
{
	client(&f, "MAIL FROM:<a>\r\nEXPN b\r\nRCPT TO:<c>\r\nVRFY\r\n \trset\r\nDEBUG x",
	       "MAIL FROM:<a>\r\nXXXX b\r\nRCPT TO:<c>\r\nXXXX\r\n \trset\r\nXXXXX x");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 3);
	assert_int_equal(COUNT(BYTES_MASKED), 12);
}
