// SPDX-License-Identifier: GPL-2.0-only
/* The greeting: G1-G6, G8. */
#include "unit.h"

/* A greeting, and what a PIX made of it, from a capture byte for byte */
#define NWTRADERS "220 mail2.nwtraders.msft Microsoft ESMTP Mail Service\r\n"
#define NWTRADERS_PIX "220 ****2********************************************\r\n"

static const struct {
	u8 banner;
	const char *in;
	const char *out;
} greetings[] = {
	{ SMTP_FIXUP_BANNER_PIX, NWTRADERS, NWTRADERS_PIX },
	{ SMTP_FIXUP_BANNER_PIX,
	  "220 mail.domainname.com Microsoft ESMTP MAIL Service, Version: 5.0.2195.2966 ready at Sat, 29 Sep 2001 13:09:18 -0400\r\n",
	  "220 *************************************************************0*2****2******************2******200*****0******0*00\r\n" },
	/* G3: only the space directly after a 0 stays */
	{ SMTP_FIXUP_BANNER_PIX, "220 0 2 00 20 \r\n", "220 0 2*00 20 \r\n" },
	{ SMTP_FIXUP_BANNER_PIX, "220\r\n", "220\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, "220 a\n", "220 *\n" },
	{ SMTP_FIXUP_BANNER_PIX, "220 \t\x80\r\n", "220 **\r\n" },
	/* G4 */
	{ SMTP_FIXUP_BANNER_STARS, "220 mail 2020 x\r\n", "220 ***********\r\n" },
	{ SMTP_FIXUP_BANNER_STARS, "220-a 0 \r\n220 b\r\n", "220-****\r\n220 *\r\n" },
	{ SMTP_FIXUP_BANNER_KEEP, NWTRADERS, NWTRADERS },
	/* G5: or a client would take the first line for the last */
	{ SMTP_FIXUP_BANNER_PIX, "220-mail 2\r\n220-0 x\r\n220 end\r\n",
	  "220-*****2\r\n220-0 *\r\n220 ***\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, "220-a-b\r\n220 220-\r\n",
	  "220-***\r\n220 220*\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, "220-a\r\n220\r\n", "220-*\r\n220\r\n" },
	/* G1: only a 220 is masked */
	{ SMTP_FIXUP_BANNER_PIX, "421 busy 20\r\n", "421 busy 20\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, "554-no\r\n554 at all\r\n",
	  "554-no\r\n554 at all\r\n" },
	{ SMTP_FIXUP_BANNER_STARS, "554 no SMTP\r\n", "554 no SMTP\r\n" },
};

#define NR_GREETINGS (sizeof(greetings) / sizeof(*greetings))

static void each_greeting(u32 step)
{
	struct fix f;
	u32 i;

	for (i = 0; i < NR_GREETINGS; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.banner = greetings[i].banner;
		server_steps(&f, step ? step : strlen(greetings[i].in),
			     greetings[i].in, greetings[i].out);
		fix_end(&f);
	}
}

TEST("G1 G2 G3 G4 G5", "whole", NONE)
{
	each_greeting(0);
}

TEST("G1 G2 G3 G4 G5", "in pieces", NONE)
{
	u32 step;

	for (step = 1; step < 12; step++)
		each_greeting(step);
}

/* G6, G8: a line of text at a time. @pieces: one octet a segment, never a line
 * in sight
 */
static const struct {
	u8 banner;
	bool keep_esmtp;
	const char *in;
	const char *out;
	const char *pieces;
} by_line[] = {
	{ SMTP_FIXUP_BANNER_CMAP, 0, NWTRADERS,
	  "220 SMTP/cmap____________________________________read\r\n",
	  "220 *************************************************\r\n" },
	{ SMTP_FIXUP_BANNER_CMAP, 0, "220 1234567890123\r\n",
	  "220 SMTP/cmapread\r\n", "220 *************\r\n" },
	{ SMTP_FIXUP_BANNER_CMAP, 0, "220 123456789012\r\n",
	  "220 ************\r\n", "220 ************\r\n" },
	{ SMTP_FIXUP_BANNER_CMAP, 0, "220-a\r\n220-1234567890123456\n220\r\n",
	  "220-*\r\n220-SMTP/cmap___read\n220\r\n",
	  "220-*\r\n220-****************\n220\r\n" },
	{ SMTP_FIXUP_BANNER_CMAP, 0, "554 no 1234567890123\r\n",
	  "554 no 1234567890123\r\n", "554 no 1234567890123\r\n" },
	{ SMTP_FIXUP_BANNER_STARS, 1, "220 a.b ESMTP Postfix\r\n",
	  "220 *** ESMTP *******\r\n", "220 *****************\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, 1, "220 a20 Esmtp\r\n",
	  "220 *20 Esmtp\r\n", "220 *20 *****\r\n" },
	{ SMTP_FIXUP_BANNER_PIX, 1, "220 ESMTP\tESMTP 2 0\r\n",
	  "220 ESMTP\tESMTP 2*0\r\n", "220 ************2*0\r\n" },
	{ SMTP_FIXUP_BANNER_STARS, 1, "220 ESMTPX XESMTP ESMT\r\n",
	  "220 ******************\r\n", "220 ******************\r\n" },
	{ SMTP_FIXUP_BANNER_STARS, 1, "220-x\r\n220 ESMTP\r\n",
	  "220-*\r\n220 ESMTP\r\n", "220-*\r\n220 *****\r\n" },
};

TEST("G6 G8", "whole", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(by_line) / sizeof(*by_line); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.banner = by_line[i].banner;
		f.policy.keep_esmtp = by_line[i].keep_esmtp;
		server(&f, by_line[i].in, by_line[i].out);
		fix_end(&f);
		/* The code has left before */
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.banner = by_line[i].banner;
		f.policy.keep_esmtp = by_line[i].keep_esmtp;
		assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, by_line[i].in, 4), 4);
		assert_memory_equal(f.out, by_line[i].out, 4);
		server(&f, by_line[i].in + 4, by_line[i].out + 4);
		fix_end(&f);
	}
}

TEST("G6 G8", "in pieces", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(by_line) / sizeof(*by_line); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.banner = by_line[i].banner;
		f.policy.keep_esmtp = by_line[i].keep_esmtp;
		server_steps(&f, 1, by_line[i].in, by_line[i].pieces);
		fix_end(&f);
	}
}

/* What has come of a line waits for its rest */
TEST("G6 G8", "in two pieces", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(by_line) / sizeof(*by_line); i++) {
		u32 len = strlen(by_line[i].in);
		const char *end = memchr(by_line[i].in, '\n', len);

		if (end + 1 != by_line[i].in + len || *by_line[i].in != '2')
			continue;
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.banner = by_line[i].banner;
		f.policy.keep_esmtp = by_line[i].keep_esmtp;
		assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, by_line[i].in, 10), 4);
		server(&f, by_line[i].in + 4, by_line[i].out + 4);
		fix_end(&f);
	}
}

TEST("G1", "only the first reply", FIXUP)
{
	server(&f, "220 x\r\n", "220 *\r\n");
	client(&f, "HELO me\r\n", "HELO me\r\n");
	server(&f, "250 mail.example Hello\r\n", "250 mail.example Hello\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 go on\r\n", "354 go on\r\n");
	client(&f, ".\r\nQUIT\r\n", ".\r\nQUIT\r\n");
	server(&f, "250 ok\r\n221 mail.example bye\r\n220 again\r\n",
	       "250 ok\r\n221 mail.example bye\r\n220 again\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 1);
}

TEST("G1", "not counted unless masked", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "554 x\r\n", "554 x\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 0);
	fix_end(&f);

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	server(&f, "220 x\r\n", "220 x\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 0);
	assert_int_equal(f.writes, 0);
}

/* G2: an early talker does not change the greeting's mask */
TEST("G1", "client speaks first", FIXUP)
{
	client(&f, "HELO me\r\n", "HELO me\r\n");
	server(&f, NWTRADERS, NWTRADERS_PIX);
	server(&f, "250 hello\r\n", "250 hello\r\n");
}
