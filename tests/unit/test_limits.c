// SPDX-License-Identifier: GPL-2.0-only
/* Addresses and limits: A1, A2, L. */
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"
#include "../../kmod/core/smtp/message.h"

static void set_limit(struct fix *f, enum smtp_fixup_limit which, u16 max, u8 action)
{
	f->policy.limits[which].max = max;
	f->policy.limits[which].action = action;
}

#define limit(f, which, max, action) \
	set_limit(f, SMTP_FIXUP_LIMIT_##which, max, SMTP_FIXUP_ACTION_##action)

/* -- addresses ---------------------------------------------------------- */

static const struct {
	const char *in;
	const char *out;
	u32 special;
	u32 bad;
} addresses[] = {
	{ "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n", 0, 0 },
	{ "MAIL FROM:<a|b@c>\r\n", "MAIL FROM:<a b@c>\r\n", 1, 0 },
	{ "rcpt to:<a`b|@c> X=|\r\n", "rcpt to:<a b @c> X= \r\n", 3, 0 },
	{ "RCPT TO:|cat\r\n", "RCPT TO: cat\r\n", 1, 0 },
	/* 108003 */
	{ "RCPT TO:a>\r\n", "RCPT TO:a>\r\n", 0, 1 },
	{ "RCPT TO:<a<b>\r\n", "RCPT TO:<a<b>\r\n", 0, 1 },
	{ "RCPT >TO:<a>\r\n", "RCPT >TO:<a>\r\n", 0, 1 },
	{ "RCPT TO:<a>>\r\n", "RCPT TO:<a>>\r\n", 0, 1 },
	{ "MAIL FROM:<> AUTH=<> X=<b>\r\n", "MAIL FROM:<> AUTH=<> X=<b>\r\n", 0, 0 },
	/* Only where there are addresses */
	{ "NOOP <|`\r\n", "NOOP <|`\r\n", 0, 0 },
	{ "HELO a>|\r\n", "HELO a>|\r\n", 0, 0 },
	{ "RCPT TO:<a>\r\nNOOP |>\r\n", "RCPT TO:<a>\r\nNOOP |>\r\n", 0, 0 },
};

TEST("A1", "special characters", NONE)
{
	u32 i, step;

	for (i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		for (step = 1; step <= 64; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			assert_int_equal(f.policy.special, SMTP_FIXUP_SPECIAL_REPLACE);
			fix_open(&f);
			client_steps(&f, step, addresses[i].in, addresses[i].out);
			assert_int_equal(COUNT(SPECIAL_CHARACTERS), addresses[i].special);
			assert_int_equal(COUNT(ADDRESSES_BAD), addresses[i].bad);
			fix_end(&f);
		}
	}
}

TEST("A1", "of SAML SEND SOML", ESMTP)
{
	f.policy.special = SMTP_FIXUP_SPECIAL_REPLACE;
	fix_open(&f);
	client(&f, "SAML FROM:<a|>\r\nSEND FROM:<b|>\r\nSOML FROM:<c|>\r\nVRFY <d|>\r\n",
	       "SAML FROM:<a >\r\nSEND FROM:<b >\r\nSOML FROM:<c >\r\nVRFY <d|>\r\n");
	assert_int_equal(COUNT(SPECIAL_CHARACTERS), 3);
	assert_int_equal(COUNT(BYTES_MASKED), 3 + 1);	/* and the greeting's */
}

TEST("A2", "NUL", FIXUP)
{
	fix_open(&f);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0], "RCPT TO:<a\0b>\r\n", 15), 15);
	left(&f, "RCPT TO:<a b>\r\n");
}

TEST("A2", "log is the default of ESMTP", ESMTP)
{
	fix_open(&f);
	client(&f, "MAIL FROM:<a|b>>\r\n", "MAIL FROM:<a|b>>\r\n");
	assert_int_equal(COUNT(SPECIAL_CHARACTERS), 1);
	assert_int_equal(COUNT(ADDRESSES_BAD), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 0);
}

TEST("A2", "off", ESMTP)
{
	f.policy.special = SMTP_FIXUP_SPECIAL_OFF;
	fix_open(&f);
	client(&f, "MAIL FROM:<a|b>>\r\n", "MAIL FROM:<a|b>>\r\n");
	assert_int_equal(COUNT(SPECIAL_CHARACTERS) + COUNT(ADDRESSES_BAD), 0);
}

TEST("A2", "drop ends the connection", NONE)
{
	static const char *const bad[] = { "RCPT TO:<a|b>\r\n", "RCPT TO:a>\r\n" };
	u32 i;

	for (i = 0; i < 2; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.special = SMTP_FIXUP_SPECIAL_DROP;
		fix_open(&f);
		client(&f, "RCPT TO:<a>\r\n", "RCPT TO:<a>\r\n");
		server(&f, "250 a\r\n", "250 a\r\n");
		client_cut(&f, bad[i], -2);
		assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
		/* Nothing passes any more, either way */
		client_cut(&f, "NOOP\r\n", -1);
		assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[1], "250 a\r\n"), -1);
		assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
		fix_end(&f);
	}
}

/* A repetition leaves as the first copy did */
TEST("T2", "special is replayed", FIXUP)
{
	u32 at;

	fix_open(&f);
	at = f.at[0];
	client(&f, "RCPT TO:<a|b>\r\n", "RCPT TO:<a b>\r\n");
	fix_at(&f, SMTP_CLIENT, at, "RCPT TO:<a|b>\r\n");
	left(&f, "RCPT TO:<a b>\r\n");
	assert_int_equal(COUNT(SPECIAL_CHARACTERS), 1);
}

/* -- commands ----------------------------------------------------------- */

TEST("L", "policy", NONE)
{
	static const u16 defaults[] = { 512, 100, 320, 998, 998, 255 };
	struct smtp_policy p;
	u32 i;

	/* test_sizes.c has those that the vendor's map does not */
	for (i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
		assert_int_equal(p.limits[i].max, defaults[i]);
		assert_int_equal(p.limits[i].action, SMTP_FIXUP_ACTION_OFF);
		assert_false(smtp_message_wanted(&p));
		smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
		assert_int_equal(p.limits[i].max, defaults[i]);
		assert_int_equal(p.limits[i].action, SMTP_FIXUP_ACTION_LOG);
		assert_true(smtp_message_wanted(&p));
		assert_null(smtp_policy_check(&p, &(u8){ 0 }));
		p.limits[i].action = SMTP_FIXUP_ACTION_RESET;
		assert_null(smtp_policy_check(&p, &(u8){ 0 }));
		assert_int_equal(smtp_message_may_end(&p),
				 i >= SMTP_FIXUP_LIMIT_HEADER_LINE);
		p.limits[i].action = SMTP_FIXUP_ACTION_MASK;
		assert_int_equal(!smtp_policy_check(&p, &(u8){ 0 }), i == SMTP_FIXUP_LIMIT_RCPT);
		p.limits[i].action = SMTP_FIXUP_ACTION_OFF;
		p.limits[i].max = 0;
		assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));
	}
}

TEST("L", "command line", NONE)
{
	u32 step, n;

	for (step = 1; step <= 32; step++) {
		for (n = 19; n <= 22; n++) {
			char line[64];

			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			limit(&f, COMMAND_LINE, 20, LOG);
			fix_open(&f);
			/* Each line alone; n octets with CRLF */
			snprintf(line, sizeof(line), "NOOP %.*s\r\nNOOP\r\n",
				 n - 7, "0123456789abcdef");
			client_steps(&f, step, line, line);
			assert_int_equal(COUNT(COMMAND_LINES_LONG), n > 20);
			fix_end(&f);
		}
	}
}

/* Blocked ones, too, and those that become NOOP */
TEST("L", "command line blocked", NONE)
{
	u32 n;

	for (n = 19; n <= 40; n++) {
		char line[64];

		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, COMMAND_LINE, 20, LOG);
		f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
		fix_open(&f);
		snprintf(line, sizeof(line), "EXPN %.*s\r\n", n - 7,
			 "0123456789abcdef0123456789abcdef0123456789abcdef");
		assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], line), n);
		assert_int_equal(COUNT(COMMAND_LINES_LONG), n > 20);
		fix_end(&f);
	}
}

/* V4: it is not looked for room for a NOOP where the connection ends */
TEST("L V4", "blanks before a verb that ends the connection", NONE)
{
	u32 next;

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	limit(&f, RCPT, 1, RESET);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	fix_open(&f);
	client(&f, "A\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n",
	       "NOOP\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\n");
	next = f.flow.stream[SMTP_CLIENT].next;
	client_cut(&f, "  RCP\r\n", -1);
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, next);
	fix_end(&f);
}

/* Blanks before a verb that had to wait to become NOOP count as well: V4 */
TEST("L", "command line later", NONE)
{
	u32 max;

	for (max = 10; max <= 11; max++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, COMMAND_LINE, max, LOG);
		f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
		fix_open(&f);
		client_cut(&f, "A\r\n        B\r\n", 11);
		fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
		client(&f, "B\r\n", "NOOP\r\n");
		assert_int_equal(COUNT(COMMAND_LINES_LONG), max == 10);
		fix_end(&f);
	}
}

/* RFC 4954, 4: SASL responses have other limits */
TEST("L", "command line but not SASL", ESMTP)
{
	limit(&f, COMMAND_LINE, 20, RESET);
	fix_open(&f);
	client(&f, "AUTH PLAIN\r\n", "AUTH PLAIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client(&f, "0123456789012345678901234567890\r\n",
	       "0123456789012345678901234567890\r\n");
	server(&f, "235 a\r\n", "235 a\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client_cut(&f, "NOOP 0123456789012345678901234567890", -2);
}

TEST("L", "drop is silent", ESMTP)
{
	limit(&f, COMMAND_LINE, 10, DROP);
	fix_open(&f);
	client_cut(&f, "NOOP 012345\r\n", -1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
	client_cut(&f, "NOOP\r\n", -1);
}

TEST("L", "RCPT log", ESMTP)
{
	int i;

	limit(&f, RCPT, 3, LOG);
	fix_open(&f);
	for (i = 0; i < 5; i++)
		client(&f, "RCPT TO:<a>\r\n", "RCPT TO:<a>\r\n");
	assert_int_equal(COUNT(RCPTS_EXCESS), 2);
}

/* V3, V6: as a blocked verb, in any segmentation */
TEST("L", "RCPT mask", NONE)
{
	u32 step;

	for (step = 1; step < 20; step++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, RCPT, 2, MASK);
		fix_open(&f);
		client(&f, "RCPT TO:<a>\r\nrcpt to:<b>\r\n", "RCPT TO:<a>\r\nrcpt to:<b>\r\n");
		assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], "RCPT TO:<c>\r\n"), 13);
		left(&f, "XXXX TO:<c>\r\n");
		assert_int_equal(COUNT(RCPTS_EXCESS), 1);
		/* An octet at a time, R may still become RSET */
		client_steps(&f, step, "RCPT TO:<c>\r\n", step == 1 ? "RXXX TO:<c>\r\n" :
							  "XXXX TO:<c>\r\n");
		assert_int_equal(COUNT(RCPTS_EXCESS), 2);
		assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
		/* A transaction that ends counts anew; MAIL is none */
		client(&f, "MAIL FROM:<a>\r\nRCPT TO:<a>\r\n", "MAIL FROM:<a>\r\nXXXX TO:<a>\r\n");
		client_steps(&f, step, "RSET\r\nRCPT TO:<a>\r\n", "RSET\r\nRCPT TO:<a>\r\n");
		fix_end(&f);
	}
}

TEST("L", "RCPT of each message", ESMTP)
{
	limit(&f, RCPT, 1, RESET);
	fix_open(&f);
	client(&f, "RCPT TO:<a>\r\nDATA\r\n", "RCPT TO:<a>\r\nDATA\r\n");
	server(&f, "250 a\r\n354 a\r\n", "250 a\r\n354 a\r\n");
	client(&f, ".\r\nRCPT TO:<b>\r\n", ".\r\nRCPT TO:<b>\r\n");
	client(&f, "EHLO a\r\nRCPT TO:<c>\r\n", "EHLO a\r\nRCPT TO:<c>\r\n");
	server(&f, "250 a\r\n250 b\r\n250 c\r\n250 d\r\n",
	       "250 a\r\n250 b\r\n250 c\r\n250 d\r\n");
	client_cut(&f, "RCPT TO:<d>\r\n", -2);
}

TEST("L", "sender", NONE)
{
	static const struct {
		const char *line;
		bool exceeds;
	} lines[] = {
		{ "MAIL FROM:<1234567@9>\r\n", false },
		{ "MAIL FROM:<1234567@90>\r\n", true },
		{ "MAIL FROM: <1234567@90>\r\n", true },
		{ "MAIL FROM:1234567@9\r\n", false },
		{ "MAIL FROM:1234567@90\r\n", true },
		{ "MAIL FROM: 1234567@9 SIZE=10000\r\n", false },
		{ "MAIL FROM:<a> AUTH=<12345678901234567>\r\n", false },
		{ "MAIL FROM:<\"1 3 5 7\"@9>\r\n", true },
		{ "SOML FROM:<12345678@90>\r\n", true },
		{ "RCPT TO:<123456789012345>\r\n", false },
		{ "NOOP :<123456789012345>\r\n", false },
	};
	u32 i, step;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		for (step = 1; step < 48; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			limit(&f, SENDER, 9, LOG);
			fix_open(&f);
			client_steps(&f, step, lines[i].line, lines[i].line);
			if (COUNT(SENDERS_LONG) != lines[i].exceeds)
				fail_msg("%s", lines[i].line);
			fix_end(&f);
		}
	}
}

/* -- messages ----------------------------------------------------------- */

static const struct {
	const char *text;
	u32 header;	/* lines longer than 10 */
	u32 body;	/* lines longer than 12 */
} messages[] = {
	{ "A: 4567890\r\n\r\n123456789012\r\n.\r\n", 0, 0 },
	{ "A: 45678901\r\n\r\n1234567890123\r\n.\r\n", 1, 1 },
	{ "A: 45678901\r\nB: 45678901\r\nC:\r\n\r\n.\r\n", 2, 0 },
	/* Each line by itself, a folded field is no longer than its lines */
	{ "A: 4567890\r\n 234567890\r\n\t234567890\r\n\r\n.\r\n", 0, 0 },
	{ "A:\r\n 2345678901\r\n\r\n.\r\n", 1, 0 },
	/* RFC 5321, 4.5.2: the dot that is put before a dot */
	{ "A:\r\n\r\n..23456789012\r\n.\r\n", 0, 0 },
	{ "A:\r\n\r\n..234567890123\r\n.\r\n", 0, 1 },
	/* The empty line ends the header, once */
	{ "\r\n12345678901\r\n\r\n12345678901\r\n.\r\n", 0, 0 },
	{ "A:\r\n\r\n1\r\n12345678901234567890123456789012345\r\n2\r\n3\r\n.\r\n", 0, 1 },
	{ "\r\n1234567890123\r\n1234567890123\r\n1\r\n1234567890123\r\n.\r\n", 0, 3 },
	{ "\nabcdefghijklmnop\n\r\n.\r\n", 0, 1 },
	{ "A:\r\n\r\n1\r\n1\r\n1\r\n1\r\n1\r\n1\r\n1\r\n1\r\n1\r\n1\r\n.\r\n", 0, 0 },
	{ ".\r\n", 0, 0 },
};

TEST("L", "lines", NONE)
{
	u32 i, step, frag;

	for (i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
		for (step = 1; step < 80; step++) {
			for (frag = 0; frag < 3; frag++) {
				fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
				limit(&f, HEADER_LINE, 10, LOG);
				limit(&f, BODY_LINE, 12, LOG);
				fix_body(&f);
				f.frag = frag;
				client_steps(&f, step, messages[i].text, messages[i].text);
				if (COUNT(HEADER_LINES_LONG) != messages[i].header ||
				    COUNT(BODY_LINES_LONG) != messages[i].body)
					fail_msg("%s: %d %d, step %u", messages[i].text,
						 (int)COUNT(HEADER_LINES_LONG),
						 (int)COUNT(BODY_LINES_LONG), step);
				assert_int_equal(COUNT(MESSAGES), 1);
				assert_null(f.flow.message);
				fix_end(&f);
			}
		}
	}
}

/* Of many lines in one segment not every one is looked at */
TEST("L", "lines about as long as they may be", NONE)
{
	static const char stuffed[] = "..";
	char text[6001];
	u32 round, n, longer;

	srand(1);
	for (round = 0; round < 300; round++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, BODY_LINE, 300, LOG);
		fix_body(&f);
		client(&f, "\r\n", "\r\n");
		for (n = 0, longer = 0; n < 5000; ) {
			u32 dots = rand() % 3, len = rand() % 2 ? 290 + rand() % 12 : 2 + rand() % 298;

			longer += len > 300;
			if (len > 300 && round % 2)
				len -= 2;	/* then none is */
			memcpy(text + n, stuffed, dots);
			memset(text + n + dots, 'a', len);
			/* The first dot is not of the line: RFC 5321, 4.5.2 */
			n += len + (dots ? 1 : 0);
			memcpy(text + n, "\r\n", 2);
			n += 2;
		}
		text[n] = '\0';
		client(&f, text, text);
		assert_int_equal(COUNT(BODY_LINES_LONG), round % 2 ? 0 : longer);
		fix_end(&f);
	}
}

TEST("L", "only what is asked for", NONE)
{
	static const char text[] =
		"A: 4567890123\r\n\r\n1234567890123\r\n.\r\n";

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	limit(&f, HEADER_LINE, 10, OFF);
	limit(&f, BODY_LINE, 12, LOG);
	fix_body(&f);
	client(&f, text, text);
	assert_int_equal(COUNT(HEADER_LINES_LONG), 0);
	assert_int_equal(COUNT(BODY_LINES_LONG), 1);
	fix_end(&f);

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	limit(&f, HEADER_LINE, 10, LOG);
	limit(&f, BODY_LINE, 12, OFF);
	fix_body(&f);
	client(&f, text, text);
	assert_int_equal(COUNT(HEADER_LINES_LONG), 1);
	assert_int_equal(COUNT(BODY_LINES_LONG), 0);
	fix_end(&f);

	/* Nothing is kept where nothing is limited */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "A:\r\n", "A:\r\n");
	assert_null(f.flow.message);
}

TEST("L", "body line ends the connection", ESMTP)
{
	limit(&f, BODY_LINE, 12, RESET);
	fix_body(&f);
	client(&f, "A:\r\n\r\n12345\r\n", "A:\r\n\r\n12345\r\n");
	client(&f, "1234567", "1234567");
	client_cut(&f, "12345678\r\n", -2);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
	assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 0);
	client_cut(&f, "1\r\n", -1);
}

/* What passes ahead of a gap is not read, and the line goes on behind it */
TEST("L", "gap", NONE)
{
	static const char full[] = "01\r\n:56789012345678901234567890123456789";
	u32 at;

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	limit(&f, BODY_LINE, 12, LOG);
	fix_body(&f);
	client(&f, "A:\r\n\r\n..........................\r\n", "A:\r\n\r\n..........................\r\n");
	assert_int_equal(COUNT(BODY_LINES_LONG), 1);
	at = f.at[0];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3, full), 40);
	assert_int_equal(COUNT(SEGMENTS_AHEAD), 0 + 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a\r\n"), 3);
	assert_int_equal(COUNT(BODIES_UNREAD), 1);
	f.at[0] = at + 43;
	client(&f, "01234567890123456789\r\n12\r\n", "01234567890123456789\r\n12\r\n");
	assert_int_equal(COUNT(BODY_LINES_LONG), 1);
	client(&f, "01234567890123456789\r\n", "01234567890123456789\r\n");
	assert_int_equal(COUNT(BODY_LINES_LONG), 2);
	fix_end(&f);

	/* Where the connection may have to end, nothing passes ahead */
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	limit(&f, MIME_FILENAME, 12, DROP);
	fix_body(&f);
	client(&f, "A:\r\n\r\n..........................\r\n", "A:\r\n\r\n..........................\r\n");
	at = f.at[0];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3, full), -1);
	assert_int_equal(COUNT(SEGMENTS_AHEAD), 0);
}

static bool refuse(void *arg)
{
	(void)arg;
	return true;
}

TEST("L", "without memory the body waits", ESMTP)
{
	fix_body(&f);
	host.fail = refuse;
	client_cut(&f, "a\r\n", -1);
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
	host.fail = NULL;
	client(&f, "a\r\n", "a\r\n");
}

/* -- file names --------------------------------------------------------- */

#define HEAD(t)	"Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\npre\r\n--b1\r\n" \
		t "\r\n\r\ntext\r\n--b1--\r\n"

static const struct {
	const char *text;
	u32 names;	/* longer than 10 */
} names[] = {
	/* RFC 2183 */
	{ "Content-Disposition: attachment; filename=1234567890\r\n\r\n", 0 },
	{ "Content-Disposition: attachment; filename=12345678901\r\n\r\n", 1 },
	{ "content-disposition:attachment;FileName=\"12345678901\"\r\n\r\n", 1 },
	{ "Content-Disposition: attachment; filename=\"1234567890\"\r\n\r\n", 0 },
	{ "Content-Disposition: attachment;\r\n\tfilename=\"12345678901\"; size=3\r\n\r\n", 1 },
	{ "Content-Disposition: attachment; filename=\"\\1\\2\\3\\4567890\"\r\n\r\n", 0 },
	{ "Content-Disposition: attachment; filename=\"12345;\\\"67890\"\r\n\r\n", 1 },
	{ "Content-Type: text/plain; name=12345678901\r\n\r\n", 1 },
	{ "Content-Type: text/plain; name=12345678901\r\n"
	  "Content-Disposition: inline; filename=12345678901\r\n\r\n", 2 },
	{ "Content-Type: text/plain; name=(a comment) 12345\r\n\r\n", 0 },
	{ "Content-Type: text/plain; xname=12345678901; names=12345678901\r\n\r\n", 0 },
	{ "Content-Type: text/plain; name=1(34567890).x\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename = \"12345678901\"\r\n\r\n", 1 },
	{ "Content-Disposition : a; filename=12345678901\r\n\r\n", 1 },
	/* Names of fields at column 0 only */
	{ "Subject: a\r\n Content-Disposition: a; filename=12345678901\r\n\r\n", 0 },
	{ "Content-Disposition: a;\r\n filename=\r\n \"12345678901\"\r\n\r\n", 1 },
	{ "XContent-Disposition: a; filename=12345678901\r\n\r\n", 0 },
	{ "\r\nContent-Disposition: a; filename=12345678901\r\n\r\n", 0 },
	/* RFC 2231 */
	{ "Content-Disposition: a; filename*0=123456; filename*1=7890\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename*0=123456; filename*1=78901\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename*1=123456;\r\n filename*0=78901\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename*0*=utf-8'en'%41%42%43%44%45; filename*1*=%41%42%43%44%45\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename*0*=utf-8'en'%41%42%43%44%45; filename*1*=%41%42%43%44%45x\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename*=utf-8''1234567890\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename*=utf-8''1234567890%e2\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename=short; filename*=''short%20name\r\n\r\n", 0 },
	{ "Content-Type: a/b; name*0=123456; x=y; name*1=\"78901\"\r\n\r\n", 1 },
	/* RFC 2047 */
	{ "Content-Disposition: a; filename=\"=?utf-8?B?MTIzNDU2Nzg5MA==?=\"\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename=\"=?utf-8?b?MTIzNDU2Nzg5MDE=?=\"\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename=\"=?utf-8?Q?=41=42=43=44=45=46=47=48=49=4A?=\"\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename=\"=?utf-8?q?=41=42=43=44=45=46=47=48=49=4A_?=\"\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename=\"=?a?q?12345?=\r\n =?a?q?67890?=\"\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename=\"=?a?q?12345?=\r\n =?a?q?678901?=\"\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename=\"a=b=c=d=e\"\r\n\r\n", 0 },
	{ "Content-Disposition: a; filename=\"a=b=c=d=e=fg\"\r\n\r\n", 1 },
	{ "Content-Disposition: a; filename=\"=?no such word\"\r\n\r\n", 1 },
	/* RFC 2046 */
	{ HEAD("Content-Disposition: a; filename=12345678901"), 1 },
	{ HEAD("Content-Disposition: a; filename=1234567890"), 0 },
	{ HEAD("\r\nContent-Disposition: a; filename=12345678901"), 0 },
	{ HEAD("Content-Type: multipart/alternative;\r\n boundary=b1x\r\n\r\n--b1x  \r\n"
	       "Content-Type: a/b; name=12345678901\r\n\r\n--b1x--\r\n"
	       "Content-Type: a/b; name=12345678901\r\n\r\n--b1\r\n"
	       "Content-Type: a/b; name=12345678901"), 2 },
	{ HEAD("Content-Type: message/rfc822\r\n\r\nContent-Disposition: a; filename=12345678901\r\n\r\n"
	       "Content-Disposition: a; filename=12345678901"), 1 },
	{ HEAD("a:\r\n\r\n--b1--\r\nContent-Type: a/b; name=12345678901\r\n\r\n"), 0 },
	{ HEAD("a:\r\n\r\n.--b1\r\nContent-Type: a/b; name=12345678901\r\n\r\n"), 1 },
	{ "Content-Type: multipart/mixed; boundary*0=\"b\"; boundary*1=1\r\n\r\n--b1\r\n"
	  "Content-Type: a/b; name=12345678901\r\n\r\n", 1 },
	{ "Content-Type: text/plain; boundary=b1\r\n\r\n--b1\r\n"
	  "Content-Type: a/b; name=12345678901\r\n\r\n", 0 },
	{ "Content-Type: multipart/mixed; boundary=b1\r\n\r\n --b1\r\n"
	  "Content-Type: a/b; name=12345678901\r\n\r\n-- b1\r\n"
	  "Content-Type: a/b; name=12345678901\r\n\r\n", 0 },
};

TEST("L", "MIME filename", NONE)
{
	static char text[4096];
	u32 i, step;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), "%s.\r\n", names[i].text);
		for (step = 1; step < 300; step += step < 20 ? 1 : 37) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			limit(&f, MIME_FILENAME, 10, LOG);
			fix_body(&f);
			f.frag = step % 3 * 5;
			client_steps(&f, step, text, text);
			if (COUNT(MIME_FILENAMES_LONG) != names[i].names)
				fail_msg("%s: %d, step %u", text,
					 (int)COUNT(MIME_FILENAMES_LONG), step);
			assert_int_equal(COUNT(MESSAGES), 1);
			assert_int_equal(COUNT(BODIES_UNREAD), 0);
			fix_end(&f);
		}
	}
}

/* A part, with much text before it: what can hold no delimiter is not looked at. Returns
 * where it ends.
 */
static u32 put_part(char *text, u32 n)
{
	static const char *const words[] = { "a", "bcdef", "b.", "-", "--", "--b", "\r\n.a", "\r\n-" };
	const char *end = rand() % 4 ? "\r\n" : rand() % 2 ? "\n" : "-";
	u32 kinds = 1 + rand() % 8, line = n, len = rand() % 1200;

	while (len--) {
		n += sprintf(text + n, "%s", words[rand() % kinds]);
		if (n - line > 70)
			line = n += sprintf(text + n, "\r\n");
	}
	return n + sprintf(text + n, "%s%s--b1\r\nContent-Type: a/b; name=%s\r\n\r\n", end,
			   rand() % 4 ? "" : ".", rand() % 4 ? "12345678901" : "1");
}

TEST("L", "parts with much text are found in segments of any size", NONE)
{
	static char text[32768];
	u32 round, many = 0;

	srand(7);
	for (round = 0; round < 400; round++) {
		u32 n, step, found[2], i;

		n = sprintf(text, "Content-Type: multipart/mixed; boundary=b1\r\n\r\n");
		for (i = 0; i < 4; i++)
			n = put_part(text, n);
		sprintf(text + n, "\r\n.\r\n");
		for (i = 0; i < 2; i++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			limit(&f, MIME_FILENAME, 10, LOG);
			fix_body(&f);
			step = i ? 1 + rand() % 100 : 100 + rand() % 4000;
			client_steps(&f, step, text, text);
			found[i] = COUNT(MIME_FILENAMES_LONG);
			fix_end(&f);
		}
		assert_int_equal(found[0], found[1]);
		many += found[0] > 1;
	}
	assert_true(many > 100);
}

TEST("L", "MIME depth", NONE)
{
	u32 depth;

	for (depth = 1; depth <= SMTP_MIME_DEPTH + 3; depth++) {
		char line[200];
		u32 i;

		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, MIME_FILENAME, 10, LOG);
		fix_body(&f);
		for (i = 0; i < depth; i++) {
			snprintf(line, sizeof(line), "Content-Type: multipart/mixed; boundary=b%02u\r\n\r\n--b%02u\r\n",
				 i, i);
			client(&f, line, line);
		}
		client(&f, "Content-Disposition: a; filename=12345678901\r\n",
		       "Content-Disposition: a; filename=12345678901\r\n");
		assert_int_equal(COUNT(MIME_FILENAMES_LONG), depth <= SMTP_MIME_DEPTH);
		assert_int_equal(COUNT(BODIES_UNREAD), depth > SMTP_MIME_DEPTH);
		fix_end(&f);
	}
}

TEST("L", "MIME ends the connection", ESMTP)
{
	limit(&f, MIME_FILENAME, 10, RESET);
	fix_body(&f);
	client_cut(&f, "Content-Type: a/b; name=12345678901\r\n\r\n", -2);
	assert_int_equal(COUNT(MIME_FILENAMES_LONG), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* The flow's object has a budget; what reads a body is apart from it */
TEST("", "budget", NONE)
{
	assert_true(sizeof(struct smtp_flow) <= 400);
	assert_true(sizeof(struct smtp_message) <= 192);
}
