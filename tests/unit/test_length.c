// SPDX-License-Identifier: GPL-2.0-only
/* Edits that change the length: G7, V3 and V4's `reject`, E4, T1. */
#include <stdio.h>

#include "unit.h"

static void begin_text(struct fix *f, const char *text)
{
	fix_begin(f, SMTP_FIXUP_MODE_FIXUP);
	assert_null(smtp_policy_set_text(&f->policy, text, strlen(text)));
}

static void begin_reject(struct fix *f, u8 reject)
{
	fix_begin(f, SMTP_FIXUP_MODE_FIXUP);
	f->policy.reject = reject;
}

static void begin_ehlo(struct fix *f, u8 ehlo)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	f->policy.ehlo = ehlo;
	server(f, "220 a\r\n", "220 *\r\n");
	client(f, "EHLO me\r\n", "EHLO me\r\n");
}

/* Does this segment, sent at its place, leave as @text, from @at on? */
static void repeats(struct fix *f, enum smtp_dir dir, u32 off, const char *in,
		    const char *text, u32 at)
{
	int pass = fix_at(f, dir, off, in);

	if (pass != (int)strlen(in))
		print_error("\"%s\" at %u: %d passed\n", in, off, pass);
	assert_int_equal(pass, strlen(in));
	left(f, text);
	assert_int_equal(f->out_at, at);
}

/* -- G7 ----------------------------------------------------------------- */

static const struct {
	const char *in;
	const char *out;
	s32 by;
} greetings[] = {
	{ "220 mail.example Microsoft ESMTP Mail Service\r\n", "220 here\r\n", -37 },
	{ "220 a\r\n", "220 here\r\n", 3 },
	{ "220 mail\r\n", "220 here\r\n", 0 },
	{ "220 mai\n", "220 here\r\n", 2 },
	{ "220\r\n", "220 here\r\n", 5 },
	{ "220-mail ESMTP\r\n220-\r\n220 and so on\r\n", "220 here\r\n", -27 },
	{ "220-a\r\nnoise\r\n220 b\r\n", "220 here\r\n", -11 },
	/* G1: no other code, and no more than the greeting */
	{ "554 no service\r\n", "554 no service\r\n", 0 },
	{ "554-no\r\n220 a\r\n", "554-no\r\n220 a\r\n", 0 },
	{ "421 busy\r\n", "421 busy\r\n", 0 },
	{ "2200 a\r\n", "220 here\r\n", 2 },
};

TEST("G7", "whole", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(greetings) / sizeof(*greetings); i++) {
		bool edited = greetings[i].by != 0;

		begin_text(&f, "here");
		server(&f, greetings[i].in, greetings[i].out);
		assert_int_equal(f.adjusts[SMTP_SERVER], edited);
		assert_int_equal(f.spliced, edited);
		assert_int_equal(f.shift[SMTP_SERVER], greetings[i].by);
		if (edited)
			assert_int_equal(f.adjust_at, 0);
		assert_int_equal(COUNT(GREETINGS_MASKED),
				 !strncmp(greetings[i].out, "220 h", 5));
		client(&f, "HELO a\r\n", "HELO a\r\n");
		assert_int_equal(f.settles[SMTP_SERVER], 0);
		/* Only the first reply */
		server(&f, "220 b\r\n", "220 b\r\n");
		assert_int_equal(f.settles[SMTP_SERVER], edited);
		assert_int_equal(f.out_at, strlen(greetings[i].out));
		fix_end(&f);
	}
}

TEST("G7", "longest", NONE)
{
	char text[SMTP_FIXUP_TEXT_MAX + 1], out[SMTP_FIXUP_TEXT_MAX + 7];

	memset(text, 'x', SMTP_FIXUP_TEXT_MAX);
	text[SMTP_FIXUP_TEXT_MAX] = 0;
	sprintf(out, "220 %s\r\n", text);
	begin_text(&f, text);
	server(&f, "220 a\r\n", out);
	/* What is still in flight is repeated as it was edited */
	f.no_acks = true;
	repeats(&f, SMTP_SERVER, 0, "220 a\r\n", out, 0);
}

/* Where there is no room for it, or lengths must stay: masked in place */
TEST("G7", "no room", NONE)
{
	begin_text(&f, "longer than what may leave");
	f.room = 10;
	server(&f, "220 a 2\r\n", "220 **2\r\n");
	assert_int_equal(f.adjusts[SMTP_SERVER], 0);
	fix_end(&f);
	begin_text(&f, "here");
	f.loopback = true;
	server(&f, "220 a 2\r\n", "220 **2\r\n");
}

static const char split[] = "220-mail\r\n220 end\r\n";

/* A line in parts waits for its rest, and is replaced as a whole; a whole one does
 * not wait for others
 */
TEST("G7", "split", NONE)
{
	u32 k;

	for (k = 1; k < sizeof(split) - 1; k++) {
		begin_text(&f, "there");
		if (k < 10) {
			assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, k), -1);
			server(&f, split, "220 there\r\n");
			fix_end(&f);
			continue;
		}
		assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, k), 10);
		left(&f, "220-there\r\n");
		/* One edit in flight */
		f.no_acks = true;
		assert_int_equal(fix_at(&f, SMTP_SERVER, 10, split + 10), -1);
		fix_ack(&f, SMTP_SERVER, 11);
		server(&f, split + 10, "220 there\r\n");
		assert_int_equal(COUNT(GREETINGS_MASKED), 1);
		fix_end(&f);
	}
}

/* postscreen: its second line comes six seconds later */
TEST("G7", "line by line", NONE)
{
	begin_text(&f, "here");
	server(&f, "220-mx\r\n", "220-here\r\n");
	client(&f, "HELO a\r\n", "HELO a\r\n");
	server(&f, "220 mx ESMTP\r\n", "220 here\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	fix_end(&f);
	/* Several at once become one */
	begin_text(&f, "here");
	server(&f, "220-a\r\n220-b\r\n", "220-here\r\n");
	client(&f, "HELO a\r\n", "HELO a\r\n");
	server(&f, "220-c\r\n220 d\r\n", "220 here\r\n");
}

/* A line that does not come whole in one repetition is masked as it comes; those
 * behind it are replaced
 */
TEST("G7", "split in vain", NONE)
{
	begin_text(&f, "here");
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, 8), -1);
	server(&f, "220-mail", "220-****");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 8, "\r\n220 end\r\n"), 11);
	left(&f, "\r\n220 here\r\n");
	assert_int_equal(COUNT(GREETINGS_MASKED), 1);
	client(&f, "HELO a\r\n", "HELO a\r\n");
	server(&f, "250 b\r\n", "250 b\r\n");
	fix_end(&f);
	/* More than before begins the count again */
	begin_text(&f, "here");
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, 7), -1);
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, 8), -1);
	server(&f, split, "220 here\r\n");
}

/* Only that line has waited: the next one, of the same segment, has not */
TEST("G7", "each line waits once", NONE)
{
	begin_text(&f, "there");
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, 7), -1);
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, split, 14), 10);
	left(&f, "220-there\r\n");
	fix_ack(&f, SMTP_SERVER, 11);
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 10, split + 10, 4), -1);
	server(&f, split + 10, "220 there\r\n");
}

/* What follows the greeting in its segment: for an early talker */
TEST("G7", "with what follows", NONE)
{
	begin_text(&f, "here");
	client(&f, "HELO a\r\nNOOP\r\n", "HELO a\r\nNOOP\r\n");
	server(&f, "220 a\r\n250 b\r\n250 c\r\n", "220 here\r\n250 b\r\n250 c\r\n");
}

/* -- V3, V4 ------------------------------------------------------------- */

TEST("V3", "reject line", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_LINE);
	client(&f, "EXPN root x\r\nNOOP a\r\nX\r\n", "XXXXXXXXXXX\r\nNOOP a\r\nX\r\n");
	client(&f, "  VRFY \t a\n", "  XXXXXXXX\n");
	fix_end(&f);
	/* Over segments, and behind a prefix that had left */
	begin_reject(&f, SMTP_FIXUP_REJECT_LINE);
	client(&f, "EXPN ro", "XXXXXXX");
	client(&f, "ot\r\nRC", "XX\r\nRC");
	client(&f, "PN TO:<a>\r\nNOOP a\r\n", "XXXXXXXXX\r\nNOOP a\r\n");
}

TEST("V4", "in place", NONE)
{
	static const struct {
		const char *in, *out;
	} lines[] = {
		{ "EXPN\r\n", "NOOP\r\n" },
		{ "EXPN root\r\n", "NOOP     \r\n" },
		{ "goodmorning\r\n", "NOOP       \r\n" },
		{ "X yz\r\n", "NOOP\r\n" },
		{ "  VRFY a\r\n", "  NOOP  \r\n" },
		{ "NOOP\r\nEXPN a\r\nVRFY b\r\nRSET\r\n",
		  "NOOP\r\nNOOP  \r\nNOOP  \r\nRSET\r\n" },
		{ "EXPN a\r\r\n", "NOOP  \r\r\n" },
		{ "EXPN a\rNRSET\r\n", "NOOP  \r\nRSET\r\n" },
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
		client(&f, lines[i].in, lines[i].out);
		assert_int_equal(f.adjusts[SMTP_CLIENT], 0);
		fix_end(&f);
	}
	/* The rest of the line is blanks, too */
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	client(&f, "EXPN ro", "NOOP   ");
	client(&f, "ot x\r\nRSET\r\n", "    \r\nRSET\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

TEST("V4", "grows", NONE)
{
	static const struct {
		const char *in, *out;
		u32 at;
		s32 by;
	} lines[] = {
		{ "X\r\n", "NOOP\r\n", 0, 3 },
		{ "XY\r\n", "NOOP\r\n", 0, 2 },
		{ "XYZ\r\n", "NOOP\r\n", 0, 1 },
		{ "X y\r\n", "NOOP\r\n", 0, 1 },
		{ "Q\r\n", "NOOP\r\n", 0, 3 },
		{ "RSET\r\n  WIZ\r\nRSET\r\n", "RSET\r\n  NOOP\r\nRSET\r\n", 8, 1 },
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
		f.no_acks = true;
		client(&f, lines[i].in, lines[i].out);
		assert_int_equal(f.adjusts[SMTP_CLIENT], 1);
		assert_int_equal(f.adjust_at, lines[i].at);
		assert_int_equal(f.adjust_by, lines[i].by);
		assert_int_equal(f.spliced, 1);
		/* And again, all of it and behind it */
		repeats(&f, SMTP_CLIENT, 0, lines[i].in, lines[i].out, 0);
		client(&f, "RSET\r\n", "RSET\r\n");
		assert_int_equal(f.out_at, strlen(lines[i].out));
		assert_int_equal(f.settles[SMTP_CLIENT], 0);
		fix_end(&f);
	}
}

/* One at a time: the next waits for the ACK of this */
TEST("V4", "several in flight", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	server(&f, "220 a\r\n", "220 *\r\n");
	client_cut(&f, "X\r\nRSET\r\n YY\r\nZZZ\r\n", 10);
	left(&f, "NOOP\r\nRSET\r\n ");
	f.no_acks = true;
	client_cut(&f, "YY\r\nZZZ\r\n", -1);
	/* An ACK of what is before it, or of a part, is not enough */
	fix_ack(&f, SMTP_CLIENT, 0);
	client_cut(&f, "YY\r\nZZZ\r\n", -1);
	fix_ack(&f, SMTP_CLIENT, 3);
	client_cut(&f, "YY\r\nZZZ\r\n", -1);
	assert_int_equal(f.settles[SMTP_CLIENT], 0);
	fix_ack(&f, SMTP_CLIENT, 4);
	client_cut(&f, "YY\r\nZZZ\r\n", 4);
	assert_int_equal(f.settles[SMTP_CLIENT], 1);
	left(&f, "NOOP\r\n");
	assert_int_equal(f.out_at, 13);
	fix_ack(&f, SMTP_CLIENT, 19);
	assert_int_equal(f.ack_at, 14);
	client(&f, "ZZZ\r\n", "NOOP\r\n");
	assert_int_equal(f.out_at, 19);
	fix_ack(&f, SMTP_CLIENT, 25);
	assert_int_equal(f.ack_at, 19);
	assert_int_equal(f.adjusts[SMTP_CLIENT], 3);
	fix_empty(&f, SMTP_CLIENT);
	assert_int_equal(f.settles[SMTP_CLIENT], 3);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 3);
	assert_int_equal(host.bytes, 0);
}

/* Commands that need none pass meanwhile, and so do in-place ones */
TEST("V4", "in place meanwhile", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.no_acks = true;
	client(&f, "X\r\nEXPN a\r\nRSET\r\n", "NOOP\r\nNOOP  \r\nRSET\r\n");
	client(&f, "VRFY\r\n", "NOOP\r\n");
}

/* What has left in part can't become NOOP: X, as for `reject x` */
TEST("V4", "bytewise", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	client_steps(&f, 1, "EXPN a\r\nQ\r\nRSET\r\nDATE b\r\n",
		     "XXXX a\r\nQ\r\nRSET\r\nDATX b\r\n");
	assert_int_equal(f.adjusts[SMTP_CLIENT], 0);
	fix_end(&f);
	/* A short one whose end is not in sight */
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	client(&f, "XY", "XX");
	client(&f, "Z\r\nRSET\r\n", "X\r\nRSET\r\n");
	fix_end(&f);
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	client(&f, "D", "D");
	client(&f, "\r\nEXPN\r\n", "\r\nNOOP\r\n");
}

TEST("V4", "loopback", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.loopback = true;
	client(&f, "Y\r\nEXPN a\r\nWIZ\r\n", "X\r\nNOOP  \r\nXXX\r\n");
}

/* -- E4 ----------------------------------------------------------------- */

static const struct {
	const char *in, *out;
} replies[] = {
	{ "250-a\r\n250-STARTTLS\r\n250 SIZE 1\r\n", "250-a\r\n250 SIZE 1\r\n" },
	{ "250-a\r\n250-SIZE 1\r\n250 HELP\r\n", "250-a\r\n250 SIZE 1\r\n" },
	{ "250-a\r\n250-SIZE\r\n250-TURN\r\n250-HELP\r\n250-dsn\r\n250 OK\r\n",
	  "250-a\r\n250-SIZE\r\n250 dsn\r\n" },
	{ "250-a\r\n250-AUTH=LOGIN\r\n250 AUTH LOGIN\r\n", "250-a\r\n250 AUTH LOGIN\r\n" },
	/* All of it, and nothing */
	{ "250-a HELP\r\n250-TURN\r\n250 HELP\r\n", "250 a HELP\r\n" },
	{ "250-a\r\n250-SIZE\r\n250 DSN\r\n", "250-a\r\n250-SIZE\r\n250 DSN\r\n" },
	{ "250 a HELP\r\n", "250 a HELP\r\n" },
	{ "250-a\n250-TURN\n250 DSN\n", "250-a\n250 DSN\n" },
	/* No keyword: stays, as under E1 */
	{ "250-a\r\n250-TURN\r\n250 \r\n", "250-a\r\n250 \r\n" },
	/* Not a 250 */
	{ "550-a\r\n550 TURN\r\n", "550-a\r\n550 TURN\r\n" },
};

TEST("E4", "strip", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		s32 by = strlen(replies[i].out) - strlen(replies[i].in);

		begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
		server(&f, replies[i].in, replies[i].out);
		assert_int_equal(f.adjusts[SMTP_SERVER], by != 0);
		assert_int_equal(f.shift[SMTP_SERVER], by);
		/* The dialogue goes on in step */
		client(&f, "NOOP\r\n", "NOOP\r\n");
		server(&f, "250 TURN\r\n", "250 TURN\r\n");
		client(&f, "DATA\r\n", "DATA\r\n");
		server(&f, "354 go\r\n", "354 go\r\n");
		client(&f, "EXPN\r\n.\r\nEXPN\r\n", "EXPN\r\n.\r\nXXXX\r\n");
		fix_end(&f);
	}
}

/* The last line that is left may be one without text */
TEST("E4", "short LAST line", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n250-TURN\r\n250\r\n", "250-a\r\n250\r\n");
	fix_end(&f);
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\n250-TURN\n250\n", "250-a\n250\n");
}

/* What is no reply line offers nothing */
TEST("E4", "no code", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n35\r\n25x SIZE\r\n250 DSN\r\n", "250-a\r\n250 DSN\r\n");
}

/* D8: a line that is no SMTP reply counts also where it leaves with all others */
TEST("D8 G7 E4", "no SMTP reply", NONE)
{
	begin_text(&f, "here");
	server(&f, "220-a\r\nhello\r\n220 b\r\n", "220 here\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	fix_end(&f);

	begin_text(&f, "here");
	f.policy.strict = true;
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220-a\r\n42\r\n220 b\r\n"), -2);
	fix_end(&f);

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	fix_at(&f, SMTP_SERVER, 0, "220 a\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\nhello\r\n250-X\r\n250 SIZE\r\n", "250-a\r\n250 SIZE\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
}

/* What is odd among the lines makes the count uncertain: CHUNKING goes, too (D11) */
TEST("E4 D11", "no code, before CHUNKING", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	smtp_policy_set_verbs(&f.policy, f.policy.verbs | SMTP_VERB_BIT(BDAT));
	f.policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
	server(&f, "250-a\r\n", "250-a\r\n");
	server(&f, "250-TURN\r\nodd\r\n250 CHUNKING\r\n", "250 OK\r\n");
}

/* ... where it is as long as what stands for it */
TEST("E4", "nothing is left of eight octets", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n", "250-a\r\n");
	server(&f, "250 AB\r\n", "250 OK\r\n");
	assert_int_equal(f.shift[SMTP_SERVER], 0);
	client(&f, "NOOP\r\n", "NOOP\r\n");
}

TEST("E4", "counts", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, replies[2].in, replies[2].out);
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 3);
}

/* In parts: whole lines do not wait for others, the last one has no '-' */
TEST("E4", "split", NONE)
{
	u32 at;

	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n250-TURN\r\n250-SIZE\r\n", "250-a\r\n250-SIZE\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, "250-X\r\n250-DSN\r\n250 HELP\r\n", "250 DSN\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, "250 ok\r\n", "250 ok\r\n");
	fix_end(&f);

	/* None is left to be the last */
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n", "250-a\r\n");
	assert_int_equal(f.adjusts[SMTP_SERVER], 0);
	server(&f, "250-TURN\r\n250 X\r\n", "250 OK\r\n");
	fix_end(&f);
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n", "250-a\r\n");
	server(&f, "250 X\r\n", "250 OK\r\n");
	assert_int_equal(f.shift[SMTP_SERVER], 1);
	fix_end(&f);

	/* T3: the first line always stays, and so needs not be whole, nor may the reply to
	 * another command that may be the EHLO's wait for the ACK of a change (D11)
	 */
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "2", "2");
	server(&f, "50-mail", "50-mail");
	server(&f, ".example\r\n250-SIZE\r\n250 TURN\r\n", ".example\r\n250 SIZE\r\n");
	f.no_acks = true;
	client(&f, "\r\r\n", "\r\r\n");
	server(&f, "250 o", "250 o");
	server(&f, "k\r\n", "k\r\n");
	fix_end(&f);

	/* A line that does not come whole is masked like E1 */
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250-a\r\n250-TU"), 7);
	server(&f, "250-TU", "250-XX");
	server(&f, "RN\r\n", "XA\r\n");
	server(&f, "250-SIZE\r\n250 HELP\r\n", "250 SIZE\r\n");
}

/* Behind the rest of a line that was judged octet by octet */
TEST("E4", "behind a rest", NONE)
{
	u32 at;

	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250-a\r\n", "250-a\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250-SI"), -1);
	server(&f, "250-SI", "250-SI");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at,
				"ZE 3\r\n250-DELIVERBY\r\n250-ETRN\r\n25"), 31);
	left(&f, "ZE 3\r\n250-ETRN\r\n");
}

TEST("E4", "loopback", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	f.loopback = true;
	server(&f, replies[0].in, "250-a\r\n250-XXXXXXXA\r\n250 SIZE 1\r\n");
}

/* A reply of several wire segments must not leave as one that is larger than
 * what they were: no path would carry it
 */
TEST("E4", "larger than a segment", NONE)
{
	char in[2000];
	u32 n, i;

	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	n = sprintf(in, "250-a\r\n250-TURN\r\n");
	for (i = 0; i < 30; i++)
		n += sprintf(in + n, "250-AUTH GSSAPI NTLM PLAIN LOGIN %u\r\n", i);
	sprintf(in + n, "250 DSN\r\n");
	f.mss = 536;
	/* unit_splice() checks the room */
	fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], in);
}

/* GRO has put packets of the server together. What there is no room for waits for the ACK of
 * what passes now, and those octets, ACKed, take no room when the packet goes on.
 */
TEST("T1 T3 E4", "no room yet", NONE)
{
	static const char ehlo[] = "250-a\r\n250-TURN\r\n250 DSN\r\n", out[] = "250-a\r\n250 DSN\r\n";
	char in[1024];
	u32 n = 0, i;

	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	server(&f, "250 a\r\n", "250 a\r\n");
	for (i = 0; i < 88; i++) {
		client(&f, "NOOP\r\n", "NOOP\r\n");
		n += sprintf(in + n, "250 a\r\n");
	}
	client(&f, "EHLO me\r\n", "EHLO me\r\n");
	sprintf(in + n, "%s", ehlo);
	f.mss = 536;
	i = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, i, in), n);
	assert_int_equal(f.adjusts[SMTP_SERVER], 0);
	assert_int_equal(f.flow.stream[SMTP_SERVER].held, 0);
	fix_ack(&f, SMTP_SERVER, i + n);
	assert_int_equal(fix_at(&f, SMTP_SERVER, i, in), n + strlen(ehlo));
	left(&f, out);
	assert_int_equal(f.out_at, i + n);
}

/* Likewise what follows a change of length */
TEST("T1 T3 E4", "no room behind an edit yet", NONE)
{
	static const char ehlo[] = "250-a\r\n250-TURN\r\n250 DSN\r\n", out[] = "250-a\r\n250 DSN\r\n";
	char in[1024];
	u32 n, i;

	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	n = sprintf(in, "%s", ehlo);
	for (i = 0; i < 88; i++) {
		client(&f, "NOOP\r\n", "NOOP\r\n");
		n += sprintf(in + n, "250 a\r\n");
	}
	f.mss = 536;
	i = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, i, in), strlen(ehlo));
	left(&f, out);
	/* Or no copy of it would be kept */
	assert_int_equal(f.flow.stream[SMTP_SERVER].next - SERVER_ISN, i + strlen(ehlo));
	fix_ack(&f, SMTP_SERVER, i + strlen(out));
	assert_int_equal(fix_at(&f, SMTP_SERVER, i, in), n);
	assert_int_equal(f.out_at, i - (u32)(strlen(ehlo) - strlen(out)));
	assert_int_equal(f.flow.session.replies, f.flow.session.commands);
}

/* A greeting that goes on as an EHLO reply has no text of the operator's */
TEST("G7 E4", "greeting goes on as EHLO", ESMTP)
{
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	client(&f, "EHLO me\r\n", "EHLO me\r\n");
	server(&f, "220-a\r\n250-b 20\r\n220 c\r\n", "220-a\r\n250 OK\r\n");
}

TEST("E4", "keep", NONE)
{
	begin_ehlo(&f, SMTP_FIXUP_EHLO_KEEP);
	server(&f, replies[0].in, replies[0].in);
	assert_int_equal(COUNT(EHLO_LINES_MASKED), 0);
}

/* The greeting's edit is in flight: the EHLO reply's waits */
TEST("T1 G7", "then e4", ESMTP)
{
	u32 at;

	assert_null(smtp_policy_set_text(&f.policy, "here", 4));
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	f.no_acks = true;
	client(&f, "EHLO me\r\n", "EHLO me\r\n");
	server(&f, "220 mail.example\r\n", "220 here\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, replies[0].in), -1);
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mail.example\r\n"), 18);
	left(&f, "220 here\r\n");
	fix_ack(&f, SMTP_SERVER, 10);
	assert_int_equal(f.ack_at, 18);
	server(&f, replies[0].in, replies[0].out);
	assert_int_equal(f.out_at, 10);
	fix_ack(&f, SMTP_SERVER, 10 + strlen(replies[0].out));
	assert_int_equal(f.ack_at, 18 + strlen(replies[0].in));
	fix_empty(&f, SMTP_SERVER);
	assert_int_equal(f.settles[SMTP_SERVER], 2);
}

/* -- T1 ----------------------------------------------------------------- */

TEST("T1", "map", NONE)
{
	/* Positions near the wrap, both ways */
	static const struct {
		u32 old, len;
	} sizes[] = { { 1, 4 }, { 3, 4 }, { 50, 10 }, { 2, 1 }, { 7, 206 } };
	u32 i, k, pos;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (pos = -60; pos != 60; pos++) {
			struct smtp_edit e = {
				.pos = pos, .old = sizes[i].old,
				.len = sizes[i].len, .offset = -11,
			};
			u32 out = pos - 11, behind = pos + e.old;

			for (k = 0; k < 100; k++) {
				/* Before it, and its first octet */
				assert_int_equal(smtp_edit_out(&e, pos - k), out - k);
				assert_int_equal(smtp_edit_in(&e, out - k), pos - k);
				assert_false(smtp_edit_inside(&e, pos - k));
				/* Behind it */
				assert_int_equal(smtp_edit_out(&e, behind + k), out + e.len + k);
				assert_int_equal(smtp_edit_in(&e, out + e.len + k), behind + k);
				assert_false(smtp_edit_inside(&e, behind + k));
			}
			/* Inside: all of it leaves with its first octet, and
			 * an ACK of a part is an ACK of nothing
			 */
			for (k = 1; k < e.old; k++) {
				assert_int_equal(smtp_edit_out(&e, pos + k), out + e.len);
				assert_true(smtp_edit_inside(&e, pos + k));
			}
			for (k = 1; k < e.len; k++)
				assert_int_equal(smtp_edit_in(&e, out + k), pos);
			smtp_edit_settle(&e);
			assert_int_equal(e.old, 0);
			for (k = 0; k < 300; k++) {
				assert_int_equal(smtp_edit_out(&e, behind + k), out + e.len + k);
				assert_int_equal(smtp_edit_in(&e, out + e.len + k), behind + k);
				assert_false(smtp_edit_inside(&e, pos + k));
			}
		}
	}
}

/* T1, T2: an edited segment repeated with any boundaries */
static void each_repetition(const char *in, const char *out, u32 pos, u32 old,
			    u32 len)
{
	u32 n = strlen(in), a, k;
	struct fix f;

	for (a = 0; a < n; a++) {
		for (k = 1; a + k <= n; k++) {
			u32 from = a <= pos ? a : a + len - old;
			u32 end = a + k <= pos ? a + k :
				  a + k < pos + old ? pos + len : a + k + len - old;
			char part[100];

			begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
			f.no_acks = true;
			client(&f, in, out);
			memcpy(part, in + a, k);
			part[k] = 0;
			if (a > pos && a < pos + old) {
				/* Nobody ACKs up to there */
				assert_int_equal(fix_at(&f, SMTP_CLIENT, a, part), -1);
				fix_end(&f);
				continue;
			}
			assert_int_equal(fix_at(&f, SMTP_CLIENT, a, part), k);
			assert_int_equal(f.out_at, from);
			assert_int_equal(f.out_len, end - from);
			assert_memory_equal(f.out, out + from, end - from);
			memset(part, '?', k);
			assert_int_equal(fix_at(&f, SMTP_CLIENT, a, part), k);
			assert_int_equal(f.out_at, from);
			assert_int_equal(f.out_len, end - from);
			assert_memory_equal(f.out, out + from, end - from);
			fix_end(&f);
		}
	}
}

TEST("T1 T2", "any boundaries", NONE)
{
	each_repetition("RSET\r\nXYZ\r\nEXPN a\r\n", "RSET\r\nNOOP\r\nNOOP  \r\n", 6, 3, 4);
	each_repetition("W\r\nRSET\r\n", "NOOP\r\nRSET\r\n", 0, 1, 4);
}

/* ... and with more behind it, which is judged only now */
TEST("T1", "repeated with new octets", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.no_acks = true;
	client(&f, "RSET\r\nXY\r\n", "RSET\r\nNOOP\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 2, "ET\r\nXY\r\nEXPN b\r\nZ\r\n"), 16);
	left(&f, "ET\r\nNOOP\r\nNOOP  \r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 8, "\r\nEXPN b\r\nZ\r\n"), 10);
	left(&f, "\r\nNOOP  \r\n");
	assert_int_equal(f.out_at, 10);
}

/* ACKs before, in and behind the edit, with repetitions from there */
TEST("T1", "ACKs", NONE)
{
	static const char in[] = "RSET\r\nXY\r\nNOOP\r\n";
	static const char out[] = "RSET\r\nNOOP\r\nNOOP\r\n";
	u32 ack;

	for (ack = 0; ack < sizeof(out); ack++) {
		bool settled = ack >= 10, part = ack > 6 && ack < 10;
		u32 una = ack <= 6 ? ack : part ? 6 : ack - 2;

		begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
		f.no_acks = true;
		client(&f, in, out);
		fix_ack(&f, SMTP_CLIENT, ack);
		if (!part)
			assert_int_equal(f.ack_at, una);
		/* Nothing that comes from the far end settles */
		assert_int_equal(f.settles[SMTP_CLIENT], 0);
		fix_empty(&f, SMTP_CLIENT);
		assert_int_equal(f.settles[SMTP_CLIENT], settled);
		assert_int_equal(f.flow.stream[SMTP_CLIENT].acked, CLIENT_ISN + una);
		if (una < sizeof(in) - 1)
			repeats(&f, SMTP_CLIENT, una, in + una,
				out + (part ? 6 : ack), part ? 6 : ack);
		/* An older one changes nothing */
		fix_ack(&f, SMTP_CLIENT, 2);
		assert_int_equal(f.settles[SMTP_CLIENT], settled);
		client(&f, "RSET\r\n", "RSET\r\n");
		assert_int_equal(f.out_at, sizeof(out) - 1);
		fix_ack(&f, SMTP_CLIENT, sizeof(out) - 1 + 6);
		fix_empty(&f, SMTP_CLIENT);
		assert_int_equal(f.settles[SMTP_CLIENT], 1);
		assert_int_equal(host.bytes, 0);
		fix_end(&f);
	}
}

/* Too much for one packet: the edit or what is before it, then the rest */
TEST("T1", "room", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.no_acks = true;
	f.room = 13;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "RSET\r\nX\r\nRSET\r\n"), 7);
	left(&f, "RSET\r\nNOOP");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 7, "\r\nRSET\r\n"), 8);
	left(&f, "\r\nRSET\r\n");
	assert_int_equal(f.out_at, 10);
	f.room = 9;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "RSET\r\nX\r\n"), 6);
	left(&f, "RSET\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 6, "X\r\n"), 3);
	left(&f, "NOOP\r\n");
	assert_int_equal(f.out_at, 6);
}

/* What is behind the edit and not kept is repeated apart from it: a body that
 * a server asked for without an ACK, and TLS
 */
TEST("T1", "edit before body", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	server(&f, "220 a\r\n", "220 *\r\n");
	f.no_acks = true;
	client(&f, "XY\r\nDATA\r\n", "NOOP\r\nDATA\r\n");
	server(&f, "250 ok\r\n354 go\r\n", "250 ok\r\n354 go\r\n");
	client(&f, "text of a body\r\n", "text of a body\r\n");
	assert_int_equal(f.out_at, 12);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "XY\r\nDATA\r\ntext of a body\r\n"), 10);
	left(&f, "NOOP\r\nDATA\r\n");
	repeats(&f, SMTP_CLIENT, 10, "text of a body\r\n", "text of a body\r\n", 12);
}

TEST("T1", "edit before TLS", ESMTP)
{
	u32 at, n;

	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "EHLO me\r\nSTARTTLS\r\n", "EHLO me\r\nSTARTTLS\r\n");
	at = f.at[SMTP_SERVER];
	f.no_acks = true;
	server(&f, "250-a\r\n250 HELP\r\n220 go\r\n", "250 a\r\n220 go\r\n");
	server(&f, "opaque", "opaque");
	n = strlen("250-a\r\n250 HELP\r\n220 go\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250-a\r\n250 HELP\r\n220 go\r\nopaque"), (int)n);
	left(&f, "250 a\r\n220 go\r\n");
}

/* T2: a FIN ahead of a gap would be shifted into what an edit in the gap makes
 * longer
 */
TEST("T2", "FIN beyond a gap", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.fin = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 10, ""), -1);
	f.fin = false;
	client(&f, "X\r\nQUIT\r\n", "NOOP\r\nQUIT\r\n");
	f.fin = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 9, ""), 0);
	assert_int_equal(f.out_at, 12);
	f.fin = false;
}

/* Splicing fails: dropped, and edited the same when it comes again */
TEST("T1", "splice fails", NONE)
{
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	f.no_acks = true;
	f.fail_write = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "XY\r\n"), -1);
	f.fail_write = false;
	assert_int_equal(f.adjusts[SMTP_CLIENT], 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "XY\r\n"), 4);
	left(&f, "NOOP\r\n");
	assert_int_equal(f.adjusts[SMTP_CLIENT], 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

/* Contract 5: a flow that is opaque adjusts no more, so all is settled before */
TEST("T1", "settled before opaque", ESMTP)
{
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	fix_open(&f);
	client(&f, "X\r\nSTARTTLS\r\n", "NOOP\r\nSTARTTLS\r\n");
	server(&f, "250 a\r\n220 go\r\n", "250 a\r\n220 go\r\n");
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	assert_int_equal(f.settles[SMTP_CLIENT], 1);
	assert_true(smtp_flow_opaque(&f.flow));
	fix_end(&f);

	/* An edit and the beginning of TLS in one segment */
	begin_ehlo(&f, SMTP_FIXUP_EHLO_STRIP);
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	server(&f, "250-a\r\n250-XFOO\r\n250 SIZE\r\n220 go\r\n",
	       "250-a\r\n250 SIZE\r\n220 go\r\n");
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER] + f.shift[SMTP_SERVER]);
	assert_int_equal(f.settles[SMTP_SERVER], 0);
	assert_false(smtp_flow_opaque(&f.flow));
	fix_empty(&f, SMTP_SERVER);
	assert_int_equal(f.settles[SMTP_SERVER], 1);
	assert_true(smtp_flow_opaque(&f.flow));
}

/* Contract 5: a settled offset holds over any number of octets */
TEST("T1", "over 2 gib", NONE)
{
	static char block[65001];
	struct smtp_stream *st;
	u64 sent = 0;
	u32 start;

	memset(block, 'b', sizeof(block) - 1);
	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "XY\r\nDATA\r\n", "NOOP\r\nDATA\r\n");
	server(&f, "250 ok\r\n354 go\r\n", "250 ok\r\n354 go\r\n");
	assert_int_equal(f.settles[SMTP_CLIENT], 0);
	start = f.at[SMTP_CLIENT];
	st = &f.flow.stream[SMTP_CLIENT];
	while (sent < (9ull << 28)) {
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, start + (u32)sent,
					     block, sizeof(block) - 1),
				 (int)sizeof(block) - 1);
		sent += sizeof(block) - 1;
		f.at[SMTP_CLIENT] = start + (u32)sent;
		assert_int_equal(f.out_at, start + (u32)(sent - sizeof(block) + 1) + 2);
		fix_ack(&f, SMTP_CLIENT, start + (u32)sent + 2);
		assert_int_equal(f.ack_at, start + (u32)sent);
		assert_int_equal(st->acked, st->next);
	}
	assert_int_equal(f.settles[SMTP_CLIENT], 1);
	client(&f, "\r\n.\r\nXY\r\n", "\r\n.\r\nNOOP\r\n");
	assert_int_equal(f.adjusts[SMTP_CLIENT], 2);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
	assert_int_equal(f.ack_at, f.at[SMTP_CLIENT]);
	fix_empty(&f, SMTP_CLIENT);
	assert_int_equal(f.settles[SMTP_CLIENT], 2);
	assert_int_equal(host.bytes, 0);
}

/* Many edits, one after another: the offsets add up, over the wrap */
TEST("T1", "one after another", NONE)
{
	u32 i;

	begin_reject(&f, SMTP_FIXUP_REJECT_NOOP);
	server(&f, "220 a\r\n", "220 *\r\n");
	for (i = 0; i < 200; i++) {
		client(&f, "X\r\n", "NOOP\r\n");
		assert_int_equal(f.out_at, 6 * i);
		if (i & 1) {
			/* In time or not: the same again */
			repeats(&f, SMTP_CLIENT, 3 * i, "X\r\n", "NOOP\r\n", 6 * i);
		}
		server(&f, "250 ok\r\n", "250 ok\r\n");
		assert_int_equal(f.ack_at, 3 * i + 3);
		assert_int_equal(f.settles[SMTP_CLIENT], i);
	}
	assert_int_equal(f.shift[SMTP_CLIENT], 600);
}
