// SPDX-License-Identifier: GPL-2.0-only
/* The option observe: everything is judged and counted, nothing changed. */
#include <stdlib.h>

#include "unit.h"

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

TEST("", "observe counts what would be masked", NONE)
{
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
}

TEST("", "observe changes no length", NONE)
{
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
}

/* D2: forwarded, and judged when the reply has come */
TEST("", "observe d2 what is sent with data", NONE)
{
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
}

TEST("", "observe gap in command state", NONE)
{
	u32 at;

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
}

TEST("", "observe gap in replies", NONE)
{
	u32 at;

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
}

/* E1: a line that comes in parts is judged whole, as where it is held back */
TEST("", "observe e1 line in parts", NONE)
{
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
}

TEST("", "observe repetitions pass as they are", NONE)
{
	u32 at;

	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	at = says(&f, SMTP_CLIENT, "EXPN a\r\n");
	passes(&f, SMTP_CLIENT, at, "XXXX b\r\n");
	assert_int_equal(COUNT(SEGMENTS_REPLAYED), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

TEST("", "observe d4 dots stay", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	says(&f, SMTP_CLIENT, "a\n.\nb\r\n");
	assert_int_equal(COUNT(SMUGGLING_DOTS), 1);
	says(&f, SMTP_CLIENT, ".\r\nEXPN a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

/* A gap of a body behind which nothing may pass ahead is taken for text */
TEST("", "observe gap in a body", NONE)
{
	u32 at;

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
}

/* What is judged behind such a gap may have passed ahead already, in part */
TEST("", "observe gap before what passed ahead", NONE)
{
	static const u32 starts[] = { 1200, 1295 };	/* the latter amid dots */
	char text[601];
	u32 at, i, k;

	for (i = 0; i < 600; i++)
		text[i] = i % 7 == 3 || i > 590 ? '.' : 'a';
	for (i = 48; i < 600; i += 50)
		memcpy(text + i, i < 590 ? "\r\n" : "..", 2);
	text[600] = '\0';
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	for (k = 0; k < 2; k++) {
		fix_body(&f);
		says(&f, SMTP_CLIENT, text);
		at = f.at[0];
		passes(&f, SMTP_CLIENT, at + 700, text);
		passes(&f, SMTP_CLIENT, at + starts[k], text);
		f.at[0] = at + starts[k] + 600;
		says(&f, SMTP_CLIENT, text);
		says(&f, SMTP_CLIENT, "\r\n.\r\nEXPN a\r\n");
		assert_int_equal(COUNT(MESSAGES), k + 1);
		assert_int_equal(COUNT(COMMANDS_BLOCKED), k + 1);
		says(&f, SMTP_SERVER, "250 ok\r\n500 what\r\n");
	}
	assert_int_equal(COUNT(CONNECTIONS_UNOBSERVED), 0);
}

/* The end of a body comes before what precedes it */
TEST("", "observe gap before the end of data", NONE)
{
	u32 at;

	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	says(&f, SMTP_CLIENT, "0123456789012345\r\n");
	at = f.at[0];
	passes(&f, SMTP_CLIENT, at + 3, ".\r\nEXPN a\r\n");
	assert_int_equal(COUNT(MESSAGES), 0);
	passes(&f, SMTP_CLIENT, at, "a\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

TEST("", "observe gives up", NONE)
{
	u32 at;

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
}

TEST("", "observe TLS", NONE)
{
	begin(&f, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	fix_open(&f);
	says(&f, SMTP_CLIENT, "STARTTLS\r\nplain\r\n");
	says(&f, SMTP_SERVER, "220 go\r\n");
	assert_int_equal(COUNT(TLS_STARTED), 1);
	says(&f, SMTP_CLIENT, "EXPN\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
}
