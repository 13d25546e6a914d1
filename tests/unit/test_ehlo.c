// SPDX-License-Identifier: GPL-2.0-only
/* The EHLO reply: E1, E2, S1. */
#include <stdio.h>

#include "unit.h"

static void begin(struct fix *f, bool tls)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	if (tls)
		smtp_policy_set_tls(&f->policy, SMTP_FIXUP_TLS_ALLOW);
	server(f, "220 a\r\n", "220 *\r\n");
	client(f, "EHLO me\r\n", "EHLO me\r\n");
}

TEST("E1", "letters", NONE)
{
	begin(&f, false);
	server(&f, "250-mail STARTTLS\r\n250-STARTTLS\r\n250 HELP\r\n",
	       "250-mail STARTTLS\r\n250-XXXXXXXA\r\n250 XXXB\r\n");
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 2);
	/* A second EHLO starts at A again */
	client(&f, "EHLO me\r\n", "EHLO me\r\n");
	server(&f, "250-mail\r\n250 TURN\r\n", "250-mail\r\n250 XXXA\r\n");
}

/* What Exchange 2000 offers, and what a PIX left of it: from a capture */
TEST("E1 E2", "captured", NONE)
{
	begin(&f, false);
	server(&f,
	       "250-mail.domainname.com Hello [10.53.7.203]\r\n"
	       "250-TURN\r\n250-ATRN\r\n250-SIZE\r\n250-ETRN\r\n"
	       "250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
	       "250-8bitmime\r\n250-BINARYMIME\r\n250-CHUNKING\r\n250-VRFY\r\n"
	       "250-X-EXPS GSSAPI NTLM LOGIN\r\n250-X-EXPS=LOGIN\r\n"
	       "250-AUTH GSSAPI NTLM LOGIN\r\n250-AUTH=LOGIN\r\n"
	       "250-X-LINK2STATE\r\n250-XEXCH50\r\n250 OK\r\n",
	       "250-mail.domainname.com Hello [10.53.7.203]\r\n"
	       "250-XXXA\r\n250-XXXB\r\n250-SIZE\r\n250-ETRN\r\n"
	       "250-PIPELINING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n"
	       /* RFC 3030, 3: no BINARYMIME without CHUNKING */
	       "250-8bitmime\r\n250-XXXXXXXXXC\r\n250-XXXXXXXD\r\n250-VRFY\r\n"
	       "250-XXXXXXXXXXXXXXXXXXXXXXXE\r\n250-XXXXXXXXXXXF\r\n"
	       "250-AUTH GSSAPI NTLM LOGIN\r\n250-XXXXXXXXXG\r\n"
	       "250-XXXXXXXXXXXH\r\n250-XXXXXXI\r\n250 XJ\r\n");
}

/* E3: the list is the operator's */
TEST("E3", "list", ESMTP)
{
	f.policy.keywords |= SMTP_KEYWORD_BIT(SMTPUTF8);
	f.policy.keywords &= ~SMTP_KEYWORD_BIT(DSN);
	fix_at(&f, SMTP_SERVER, 0, "220 a\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250-smtputf8\r\n250-DSN\r\n250 SIZE\r\n",
	       "250-a\r\n250-smtputf8\r\n250-XXA\r\n250 SIZE\r\n");
}

TEST("E1", "after z", NONE)
{
	char in[1024], out[1024];
	u32 i, n = 0, m = 0;

	begin(&f, false);
	n += sprintf(in, "250-a\r\n");
	m += sprintf(out, "250-a\r\n");
	for (i = 0; i < 30; i++) {
		n += sprintf(in + n, "250%cHELP x\r\n", i < 29 ? '-' : ' ');
		m += sprintf(out + m, "250%cXXXXX%c\r\n", i < 29 ? '-' : ' ',
			     'A' + i % 26);
	}
	server(&f, in, out);
}

static const struct {
	const char *in;
	const char *out;
} lines[] = {
	{ "250-a\r\n250-\r\n250 \r\n", "250-a\r\n250-\r\n250 \r\n" },
	{ "250-a\r\n250-\r\n250 X\r\n", "250-a\r\n250-\r\n250 A\r\n" },
	{ "250-a\r\n250 size 1\r\n", "250-a\r\n250 size 1\r\n" },
	{ "250-a\r\n250 SIZE\t1\r\n", "250-a\r\n250 SIZE\t1\r\n" },
	{ "250-a\r\n250 SIZES\r\n", "250-a\r\n250 XXXXA\r\n" },
	{ "250-a\r\n250 SIZ\r\n", "250-a\r\n250 XXA\r\n" },
	{ "250-a\r\n250  SIZE\r\n", "250-a\r\n250 XXXXA\r\n" },
	{ "250-a\r\n250 AUTH=LOGIN\r\n", "250-a\r\n250 XXXXXXXXXA\r\n" },
	{ "250-a\r\n250 HELP\n", "250-a\r\n250 XXXA\n" },
	{ "250-a\n250-DSN\n250 TURN\n", "250-a\n250-DSN\n250 XXXA\n" },
	{ "250-a\r\n250-HELP\r\n250\r\n", "250-a\r\n250-XXXA\r\n250\r\n" },
	{ "250 only HELP\r\n", "250 only HELP\r\n" },
	{ "500-not\r\n500 HELP\r\n", "500-not\r\n500 HELP\r\n" },
};

TEST("E1", "lines", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		begin(&f, false);
		server(&f, lines[i].in, lines[i].out);
		fix_end(&f);
	}
}

/* Where the line is cut, the letter may be missing, the keyword not */
TEST("E2", "in pieces", NONE)
{
	static const char in[] = "250-a\r\n250-SIZE 1\r\n250-STARTTLS\r\n250-AUTH=X\r\n250 DSN\r\n";
	u32 step;

	for (step = 1; step < sizeof(in); step++) {
		u32 at, tries = 0;
		char all[sizeof(in)];
		u32 len = 0, start;
		int pass;

		begin(&f, false);
		start = f.at[SMTP_SERVER];
		for (at = 0; at < sizeof(in) - 1; ) {
			u32 k = sizeof(in) - 1 - at < step ?
				sizeof(in) - 1 - at : step;

			pass = fix_segment(&f, SMTP_SERVER, start + at, in + at, k);
			if (pass < 0 && tries++ < 2)
				continue;
			assert_true(pass > 0);
			tries = 0;
			memcpy(all + len, f.out, pass);
			len += pass;
			at += pass;
		}
		all[len] = 0;
		assert_int_equal(len, sizeof(in) - 1);
		assert_null(strstr(all, "STARTTLS"));
		assert_null(strstr(all, "AUTH=X"));
		assert_non_null(strstr(all, "250-SIZE 1\r\n"));
		assert_non_null(strstr(all, "250 DSN\r\n"));
		fix_end(&f);
	}
}

/* E1: a line that is not whole waits once, so that its letter is right */
TEST("E1", "held once", NONE)
{
	u32 at;

	begin(&f, false);
	server(&f, "250-a\r\n", "250-a\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250 HE"), 4);
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250 HELP\r\n"), 10);
	left(&f, "250 XXXA\r\n");
}

TEST("E1", "only the EHLO", NONE)
{
	begin(&f, false);
	server(&f, "250-a\r\n250-SIZE\r\n250 HELP\r\n", "250-a\r\n250-SIZE\r\n250 XXXA\r\n");
	client(&f, "HELP\r\nHELO x\r\n", "HELP\r\nHELO x\r\n");
	server(&f, "250-a\r\n250 HELP\r\n", "250-a\r\n250 HELP\r\n");
	server(&f, "250-a\r\n250 TURN\r\n", "250-a\r\n250 TURN\r\n");
}

/* An EHLO that was blocked is not answered by an EHLO reply */
TEST("E1", "blocked EHLO", FIXUP)
{
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "EHLO me\r\n", "XXXX me\r\n");
	server(&f, "250-a\r\n250 HELP\r\n", "250-a\r\n250 HELP\r\n");
}

/* A second EHLO before the first is answered waits */
TEST("E1", "second EHLO waits", NONE)
{
	begin(&f, false);
	client_cut(&f, "EHLO b\r\nNOOP\r\n", 8);
	server(&f, "250-a\r\n250 TURN\r\n", "250-a\r\n250 XXXA\r\n");
	client_cut(&f, "NOOP\r\n", -1);
	server(&f, "250-b\r\n250 ATRN\r\n", "250-b\r\n250 XXXA\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
}

TEST("S2", "keyword passes", NONE)
{
	begin(&f, true);
	server(&f, "250-a\r\n250-STARTTLS\r\n250 CHUNKING\r\n",
	       "250-a\r\n250-STARTTLS\r\n250 XXXXXXXA\r\n");
}

TEST("S1", "keyword masked verb blocked", NONE)
{
	begin(&f, false);
	server(&f, "250-a\r\n250 STARTTLS\r\n", "250-a\r\n250 XXXXXXXA\r\n");
	client(&f, "STARTTLS\r\nNOOP\r\n", "XXXXXXXX\r\nNOOP\r\n");
	server(&f, "220 go\r\n", "220 go\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}
