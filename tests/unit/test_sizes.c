// SPDX-License-Identifier: GPL-2.0-only
/* Limits of messages, headers, recipients refused, replies and chunks: X1, X2. */
#include <stdio.h>

#include "unit.h"
#include "../../kmod/core/smtp/message.h"

static void set_limit(struct fix *f, enum smtp_fixup_limit which, u32 max, u8 action)
{
	f->policy.limits[which].max = max;
	f->policy.limits[which].action = action;
	assert_null(smtp_policy_check(&f->policy, &(u8){ 0 }));
}

#define limit(f, which, max, action) \
	set_limit(f, SMTP_FIXUP_LIMIT_##which, max, SMTP_FIXUP_ACTION_##action)

/* -- messages ----------------------------------------------------------- */

/* The dot that ends it is none of the message */
TEST("X1", "a message's octets", NONE)
{
	static const char text[] = "A: b\r\n\r\n12345678\r\n.\r\nNOOP\r\n";
	u32 max, step;

	for (max = 16; max <= 20; max++) {
		for (step = 1; step < 30; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			limit(&f, MESSAGE, max, LOG);
			fix_body(&f);
			client_steps(&f, step, text, text);
			assert_int_equal(COUNT(MESSAGES_LONG), max < 18);
			assert_int_equal(COUNT(CONNECTIONS_ENDED), 0);
			fix_end(&f);
		}
	}
}

TEST("X1", "each message by itself", FIXUP)
{
	limit(&f, MESSAGE, 4, RESET);
	fix_body(&f);
	client(&f, "a\r\n.\r\nDATA\r\n", "a\r\n.\r\nDATA\r\n");
	server(&f, "250 a\r\n354 a\r\n", "250 a\r\n354 a\r\n");
	client(&f, "b\r\n.\r\nDATA\r\n", "b\r\n.\r\nDATA\r\n");
	server(&f, "250 a\r\n354 a\r\n", "250 a\r\n354 a\r\n");
	client(&f, "abcde", "abcde");
	client_cut(&f, "fgh", -2);
	assert_int_equal(COUNT(MESSAGES_LONG), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* A body can't be masked: it ends the connection */
TEST("X1", "mask drops a body", FIXUP)
{
	limit(&f, MESSAGE, 4, MASK);
	assert_true(smtp_message_may_end(&f.policy));
	fix_body(&f);
	client_cut(&f, "abcdefgh", -1);
	assert_int_equal(COUNT(MESSAGES_LONG), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* What passes ahead of a gap counts, though it is not read */
TEST("X1", "a message with a gap", FIXUP)
{
	static const char full[] = "01\r\n:56789012345678901234567890123456789";
	u32 at;

	limit(&f, MESSAGE, 44, LOG);
	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3, full), 40);
	assert_int_equal(COUNT(MESSAGES_LONG), 0);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a\r\n"), 3);
	assert_int_equal(COUNT(BODIES_UNREAD), 1);
	assert_int_equal(COUNT(MESSAGES_LONG), 0);
	f.at[SMTP_CLIENT] = at + 43;
	client(&f, "\r\n.\r\n", "\r\n.\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
	assert_int_equal(COUNT(MESSAGES_LONG), 1);
}

/* -- SIZE= -------------------------------------------------------------- */

static const struct {
	const char *line;
	bool exceeds;
} declared[] = {
	{ "MAIL FROM:<a@b> SIZE=100\r\n", false },
	{ "MAIL FROM:<a@b> SIZE=101\r\n", true },
	{ "MAIL FROM:<a@b> size=101\r\n", true },
	{ "mail from: <a@b>\tBODY=8BITMIME Size=99999999999999999999 X=y\r\n", true },
	{ "MAIL FROM:a@b SIZE=101\r\n", true },
	{ "MAIL FROM:<> SIZE=0000101\r\n", true },
	{ "MAIL FROM:<> SIZE=0000100 BODY=7BIT\r\n", false },
	{ "SOML FROM:<a> SIZE=101\r\n", true },
	/* No SIZE */
	{ "MAIL FROM:<a@b> XSIZE=101\r\n", false },
	{ "MAIL FROM:<a@b> SIZE 101\r\n", false },
	{ "MAIL FROM:<a@b> SIZE=\r\n", false },
	{ "MAIL FROM:<a@b> SIZE=1x01\r\n", false },
	{ "MAIL FROM:<a@b> AUTH=SIZE=101\r\n", false },
	{ "MAIL FROM:<a@b> AUTH=< SIZE=101>\r\n", false },
	{ "MAIL FROM:<\" SIZE=101\"@b>\r\n", false },
	{ "MAIL\r\n", false },
	{ "RCPT TO:<a@b> SIZE=101\r\n", false },
	{ "NOOP :<a> SIZE=101\r\n", false },
};

TEST("X1", "SIZE= of MAIL", NONE)
{
	u32 i, step;

	for (i = 0; i < sizeof(declared) / sizeof(*declared); i++) {
		for (step = 1; step < 70; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
			limit(&f, MESSAGE, 100, LOG);
			fix_open(&f);
			client_steps(&f, step, declared[i].line, declared[i].line);
			if (COUNT(MESSAGES_LONG) != declared[i].exceeds)
				fail_msg("%s", declared[i].line);
			/* EHLO, and this */
			assert_int_equal(COUNT(COMMANDS_PASSED), 2);
			fix_end(&f);
		}
	}
}

TEST("X1", "SIZE= ends the connection", ESMTP)
{
	limit(&f, MESSAGE, 100, DROP);
	fix_open(&f);
	client(&f, "MAIL FROM:<a> SIZE=100\r\n", "MAIL FROM:<a> SIZE=100\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client_cut(&f, "MAIL FROM:<a> SIZE=101\r\n", -1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* X10: as a blocked command; what has left in part is one that no server accepts */
TEST("X1 X10", "SIZE= masked", ESMTP)
{
	limit(&f, MESSAGE, 100, MASK);
	fix_open(&f);
	client(&f, "MAIL FROM:<a> SIZE=101\r\n", "XXXX FROM:<a> SIZE=101\r\n");
	server(&f, "500 a\r\n", "500 a\r\n");
	client(&f, "MAIL FROM:<a> SI", "MAIL FROM:<a> SI");
	client(&f, "ZE=101 A=b\r\n", "ZE=10<<<<<\r\n");
	server(&f, "501 a\r\n", "501 a\r\n");
	client(&f, "MAIL FROM:<a> SIZE=99\r\n", "MAIL FROM:<a> SIZE=99\r\n");
	assert_int_equal(COUNT(MESSAGES_LONG), 2);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
	assert_int_equal(COUNT(COMMANDS_PASSED), 2);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 0);
}

/* -- headers ------------------------------------------------------------ */

TEST("X1", "a header's octets", NONE)
{
	static const char text[] = "A: b\r\n..C:\r\n d\r\n\r\nEFGHIJKLMNOPQR\r\n.\r\n";
	u32 max, step;

	/* Without the dot that was put before a line's */
	for (max = 14; max <= 18; max++) {
		for (step = 1; step < 40; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			limit(&f, HEADER_LENGTH, max, LOG);
			fix_body(&f);
			client_steps(&f, step, text, text);
			assert_int_equal(COUNT(HEADERS_LONG), max < 17);
			fix_end(&f);
		}
	}
}

TEST("X1", "a header ends the connection", FIXUP)
{
	limit(&f, HEADER_LENGTH, 10, RESET);
	fix_body(&f);
	client(&f, "A: b\r\n", "A: b\r\n");
	client_cut(&f, "C: d\r\n", -2);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

static const struct {
	const char *header;
	u32 count;
} tos[] = {
	{ "To: a@b\r\n", 1 },
	{ "to:a@b,c@d , e@f\r\n", 3 },
	{ "To : a@b\r\nTO: c@d\r\n", 2 },
	{ "To: a@b,\r\n c@d,\r\n\te@f\r\n", 3 },
	{ "To: \"b, c\" <a@b>, (d, (e, f)) <c@d>\r\n", 2 },
	{ "To: \"a\\\", b\" <a@b>\r\n", 1 },
	{ "To: <@a,@b:c@d>\r\n", 1 },
	{ "To: a: b@c, d@e; , f@g\r\n", 3 },
	{ "To:,,\r\n , ,\r\n", 0 },
	/* Other fields, and a folded one */
	{ "Tom: a, b\r\nT: a, b\r\nCc: a, b\r\nX-To: a, b\r\n", 0 },
	{ "Subject: x\r\n To: a, b\r\n", 0 },
	{ "To: a@b\r\nCc: c\r\n To: d, e\r\n", 1 },
	{ "X: y\r\n\r\nTo: a, b\r\n", 0 },
};

TEST("X1", "To fields", NONE)
{
	char text[200];
	u32 i, step;

	for (i = 0; i < sizeof(tos) / sizeof(*tos); i++) {
		for (step = 1; step < 60; step++) {
			u32 max = 1 + step % 3;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			limit(&f, TO_FIELDS, max, LOG);
			fix_body(&f);
			snprintf(text, sizeof(text), "%s\r\nTo: x, y\r\n.\r\n", tos[i].header);
			client_steps(&f, step, text, text);
			if (COUNT(TO_FIELDS_EXCESS) != (u64)(tos[i].count > max))
				fail_msg("%s: limit %u", tos[i].header, max);
			fix_end(&f);
		}
	}
}

/* -- recipients that the server refuses --------------------------------- */

#define REFUSED "550 5.1.1 a\r\n"

TEST("X2", "refused recipients", ESMTP)
{
	limit(&f, INVALID_RECIPIENTS, 2, LOG);
	fix_open(&f);
	client(&f, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n",
	       "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\n");
	/* 4yz is none, nor is one of MAIL or DATA */
	server(&f, "550 a\r\n" REFUSED "450 a\r\n" REFUSED "554 a\r\n",
	       "550 a\r\n" REFUSED "450 a\r\n" REFUSED "554 a\r\n");
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 0);
	/* Of the connection, not of the message */
	client(&f, "RSET\r\nRCPT TO:<b>\r\n", "RSET\r\nRCPT TO:<b>\r\n");
	server(&f, "500 a\r\n", "500 a\r\n");
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 0);
	server(&f, REFUSED, REFUSED);
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 1);
	client(&f, "RCPT TO:<b>\r\nRCPT TO:<c>\r\n", "RCPT TO:<b>\r\nRCPT TO:<c>\r\n");
	server(&f, REFUSED "250 a\r\n", REFUSED "250 a\r\n");
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 2);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 0);
}

/* However many are in flight */
TEST("X2", "a hundred at once", ESMTP)
{
	char commands[1400], replies[1400];
	u32 i, a = 0, b = 0;

	limit(&f, INVALID_RECIPIENTS, 99, LOG);
	fix_open(&f);
	for (i = 0; i < 100; i++) {
		a += sprintf(commands + a, "RCPT TO:<b>\r\n");
		b += sprintf(replies + b, REFUSED);
	}
	client(&f, commands, commands);
	server(&f, replies, replies);
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 1);
}

TEST("X2", "refused recipients end the connection", NONE)
{
	u32 reset;

	for (reset = 0; reset < 2; reset++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		set_limit(&f, SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS, 1,
			  reset ? SMTP_FIXUP_ACTION_RESET : SMTP_FIXUP_ACTION_DROP);
		fix_open(&f);
		client(&f, "RCPT TO:<b>\r\nRCPT TO:<c>\r\n", "RCPT TO:<b>\r\nRCPT TO:<c>\r\n");
		server(&f, REFUSED, REFUSED);
		fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
		assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], REFUSED),
				 reset ? -2 : -1);
		assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
		client_cut(&f, "NOOP\r\n", -1);
		fix_end(&f);
	}
}

/* V3: those that follow are blocked commands */
TEST("X2", "refused recipients masked", ESMTP)
{
	limit(&f, INVALID_RECIPIENTS, 1, MASK);
	fix_open(&f);
	client(&f, "RCPT TO:<b>\r\nRCPT TO:<c>\r\n", "RCPT TO:<b>\r\nRCPT TO:<c>\r\n");
	server(&f, REFUSED REFUSED, REFUSED REFUSED);
	client(&f, "RCPT TO:<d>\r\nRSET\r\nRCPT TO:<e>\r\n", "XXXX TO:<d>\r\nRSET\r\nXXXX TO:<e>\r\n");
	assert_int_equal(COUNT(RECIPIENTS_INVALID), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
	assert_int_equal(COUNT(RCPTS_EXCESS), 0);
}

/* The verb has begun when the reply comes */
TEST("X2", "refused recipients masked in a verb", ESMTP)
{
	limit(&f, INVALID_RECIPIENTS, 1, MASK);
	fix_open(&f);
	client(&f, "RCPT TO:<b>\r\nRCPT TO:<c>\r\nRC", "RCPT TO:<b>\r\nRCPT TO:<c>\r\nRC");
	server(&f, REFUSED REFUSED, REFUSED REFUSED);
	client(&f, "PT TO:<d>\r\n", "XX TO:<d>\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

/* -- replies ------------------------------------------------------------ */

static const struct {
	const char *reply;
	u32 count;	/* longer than 12 */
} replies[] = {
	{ "250 6789 1\r\n", 0 },
	{ "250 6789 12\r\n", 1 },
	{ "250-6789 1\r\n250-6789 12\r\n250 6789 12\r\n", 2 },
	{ "250 6789 1\n", 0 },
	{ "250 6789 1234567890123456789012345678901234567890\r\n", 1 },
};

TEST("X1", "reply lines", NONE)
{
	u32 i, step;

	for (i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		for (step = 1; step < 60; step++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			limit(&f, REPLY_LINE, 12, LOG);
			fix_open(&f);
			client(&f, "NOOP\r\n", "NOOP\r\n");
			server_steps(&f, step, replies[i].reply, replies[i].reply);
			assert_int_equal(COUNT(REPLY_LINES_LONG), replies[i].count);
			fix_end(&f);
		}
	}
}

/* Lines of which something is masked, or that are replaced, are as long as they came */
TEST("X1", "reply lines rewritten", NONE)
{
	u32 strip;

	for (strip = 0; strip < 2; strip++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		limit(&f, REPLY_LINE, 12, LOG);
		f.policy.ehlo = strip ? SMTP_FIXUP_EHLO_STRIP : SMTP_FIXUP_EHLO_MASK;
		server(&f, "220 6789 12\r\n", "220 ******2\r\n");
		assert_int_equal(COUNT(REPLY_LINES_LONG), 1);
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250-XYZZY123\r\n250 SIZE\r\n",
		       strip ? "250-a\r\n250 SIZE\r\n" :
			       "250-a\r\n250-XXXXXXXA\r\n250 SIZE\r\n");
		assert_int_equal(COUNT(REPLY_LINES_LONG), 2);
		fix_end(&f);
	}
}

TEST("X1", "a reply line ends the connection", FIXUP)
{
	limit(&f, REPLY_LINE, 512, RESET);
	fix_open(&f);
	client(&f, "NOOP\r\n", "NOOP\r\n");
	limit(&f, REPLY_LINE, 12, RESET);
	assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "250 6789 1234567890\r\n"), -2);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

TEST("X1 S2", "a reply line that ends the connection starts no TLS", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
	fix_open(&f);
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	limit(&f, REPLY_LINE, 12, RESET);
	assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "220 6789 1234567890\r\n"), -2);
	assert_int_not_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_TLS);
}

/* -- chunks ------------------------------------------------------------- */

#define OFFERS "250-a\r\n250-SIZE\r\n250 CHUNKING\r\n"

static void chunking_open(struct fix *f)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	f->policy.banner = SMTP_FIXUP_BANNER_KEEP;
	smtp_policy_set_verbs(&f->policy, f->policy.verbs |
			      SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50));
	f->policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
}

static void chunking_ready(struct fix *f)
{
	server(f, "220 a\r\n", "220 a\r\n");
	client(f, "EHLO a\r\n", "EHLO a\r\n");
	server(f, OFFERS, OFFERS);
	client(f, "MAIL a\r\nRCPT b\r\n", "MAIL a\r\nRCPT b\r\n");
	server(f, "250 a\r\n250 b\r\n", "250 a\r\n250 b\r\n");
}

TEST("X1", "BDAT chunks", NONE)
{
	static const struct {
		const char *in;
		u32 chunks;	/* of more than 12 */
		u32 messages;	/* of more than 20 */
	} bdats[] = {
		{ "BDAT 12\r\n012345678901BDAT 8 LAST\r\n01234567", 0, 0 },
		{ "BDAT 12\r\n012345678901BDAT 9 LAST\r\n012345678", 0, 1 },
		{ "BDAT 13\r\n0123456789012BDAT 0 LAST\r\n", 1, 0 },
		{ "BDAT 21 LAST\r\n012345678901234567890", 1, 1 },
		/* Once a message */
		{ "BDAT 12\r\n012345678901BDAT 12\r\n012345678901BDAT 12 LAST\r\n012345678901",
		  0, 1 },
		{ "BDAT 12\r\n012345678901RSET\r\n", 0, 0 },
	};
	u32 i, step;

	for (i = 0; i < sizeof(bdats) / sizeof(*bdats); i++) {
		for (step = 1; step < 30; step++) {
			chunking_open(&f);
			limit(&f, BDAT_CHUNK, 12, LOG);
			limit(&f, MESSAGE, 20, LOG);
			chunking_ready(&f);
			client_steps(&f, step, bdats[i].in, bdats[i].in);
			assert_int_equal(COUNT(BDAT_CHUNKS_LONG), bdats[i].chunks);
			assert_int_equal(COUNT(MESSAGES_LONG), bdats[i].messages);
			fix_end(&f);
		}
	}
}

/* Nothing of what announces it leaves */
TEST("X1", "BDAT ends the connection", NONE)
{
	chunking_open(&f);
	limit(&f, BDAT_CHUNK, 12, DROP);
	chunking_ready(&f);
	client_cut(&f, "BDAT 13 LAST\r\n0123456789012", -1);
	assert_int_equal(COUNT(BDAT_CHUNKS_LONG), 1);
	assert_int_equal(COUNT(CHUNKS), 0);
	fix_end(&f);

	chunking_open(&f);
	limit(&f, MESSAGE, 20, MASK);
	chunking_ready(&f);
	client(&f, "BDAT 12\r\n012345678901", "BDAT 12\r\n012345678901");
	client_cut(&f, "BDAT 9 LAST\r\n012345678", -1);
	assert_int_equal(COUNT(MESSAGES_LONG), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
}

/* XEXCH50 waits for its reply: RFC 5321 has nothing of it, [MS-OXSMTP] does */
TEST("X1", "XEXCH50 blocks", NONE)
{
	chunking_open(&f);
	limit(&f, XEXCH50_BLOCK, 12, MASK);
	chunking_ready(&f);
	client(&f, "XEXCH50 13 2\r\n", "XXXXXXX 13 2\r\n");
	server(&f, "500 a\r\n", "500 a\r\n");
	client(&f, "XEXCH50 12 2\r\n", "XEXCH50 12 2\r\n");
	server(&f, "354 a\r\n", "354 a\r\n");
	client(&f, "EXPN\r\nEXPN\r\n", "EXPN\r\nEXPN\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	assert_int_equal(COUNT(XEXCH50_BLOCKS_LONG), 1);
	/* Where the verb has left, no server takes the rest, and its reply is waited for: D6 */
	client(&f, "XEXCH50 ", "XEXCH50 ");
	client(&f, "13 2\r\n", "1<<<\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "354 a\r\n"), -2);
	assert_int_equal(COUNT(XEXCH50_BLOCKS_LONG), 2);
	fix_end(&f);

	chunking_open(&f);
	limit(&f, XEXCH50_BLOCK, 12, RESET);
	chunking_ready(&f);
	client_cut(&f, "XEXCH50 13 2\r\n", -2);
}

/* -- policy ------------------------------------------------------------- */

TEST("X1 X2", "limits that no vendor's map has are off", NONE)
{
	static const struct {
		enum smtp_fixup_limit limit;
		bool mask;
		bool large;
		bool ends_bodies;
	} limits[] = {
		{ SMTP_FIXUP_LIMIT_MESSAGE, true, true, true },
		{ SMTP_FIXUP_LIMIT_HEADER_LENGTH, false, true, true },
		{ SMTP_FIXUP_LIMIT_TO_FIELDS, false, false, true },
		{ SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS, true, false, false },
		{ SMTP_FIXUP_LIMIT_REPLY_LINE, false, false, false },
		{ SMTP_FIXUP_LIMIT_BDAT_CHUNK, false, true, false },
		{ SMTP_FIXUP_LIMIT_XEXCH50_BLOCK, true, true, false },
	};
	struct smtp_policy p;
	u32 i, mode;

	for (i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct smtp_limit *l = &p.limits[limits[i].limit];

		for (mode = SMTP_FIXUP_MODE_FIXUP; mode < __SMTP_FIXUP_MODE_MAX; mode++) {
			smtp_policy_init(&p, mode);
			assert_int_equal(l->action, SMTP_FIXUP_ACTION_OFF);
			smtp_policy_set_strict(&p);
			assert_int_equal(l->action, SMTP_FIXUP_ACTION_OFF);
		}
		smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
		l->action = SMTP_FIXUP_ACTION_RESET;
		assert_null(smtp_policy_check(&p, &(u8){ 0 }));
		assert_int_equal(smtp_message_may_end(&p), limits[i].ends_bodies);
		assert_int_equal(smtp_message_wanted(&p), limits[i].ends_bodies);
		l->action = SMTP_FIXUP_ACTION_MASK;
		assert_int_equal(!smtp_policy_check(&p, &(u8){ 0 }), limits[i].mask);
		l->action = SMTP_FIXUP_ACTION_LOG;
		assert_false(smtp_message_may_end(&p));
		l->max = 65536;
		assert_int_equal(!smtp_policy_check(&p, &(u8){ 0 }), limits[i].large);
		l->max = 0;
		assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));
	}
}

/* A body of @text over and over, in packets as large as there are. Returns how many it
 * took; at last all of it has left as it came.
 */
static u32 sent_in(struct fix *f, const char *text, u32 n)
{
	static u8 body[64000];
	u32 at = f->at[SMTP_CLIENT], len = strlen(text), i, packets = 0;

	n -= n % len;	/* whole lines */
	for (i = 0; i < n; i++)
		body[i] = text[i % len];
	for (i = 0; i < n; packets++) {
		int pass = fix_segment(f, SMTP_CLIENT, at + i, body + i, n - i);

		assert_true(pass > 0);
		assert_int_equal(f->out_len, pass);
		assert_memory_equal(f->out, body + i, pass);
		fix_ack(f, SMTP_CLIENT, at + i + pass);
		i += pass;
	}
	f->at[SMTP_CLIENT] = at + n;
	return packets;
}

/* No packet may cost more than others: the rest of one whose headers take long to read
 * comes in another
 */
TEST("L D9", "headers without end", NONE)
{
	static const char *const costly[] = {
		"c:\n", "Content-Type:\n", "..\n", "Content-Type:x",
		"Content-Disposition: a; filename==?q?q?=aa?=; b=c; d=e\r\n",
	};
	u32 i;

	for (i = 0; i < 5; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		fix_body(&f);
		assert_in_range(sent_in(&f, costly[i], 64000), 3, 10);
		client(&f, "\r\n.\r\nEXPN\r\n", "\r\n.\r\nXXXX\r\n");
		fix_end(&f);

		/* Without limits of them nothing is read */
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		assert_int_equal(sent_in(&f, costly[i], 64000), 1);
		fix_end(&f);

		/* What is only observed can not wait */
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		f.policy.observe = true;
		fix_body(&f);
		assert_int_equal(sent_in(&f, costly[i], 64000), 1);
		fix_end(&f);
	}
}

/* D4: the cut is not between a dot and what shows that it must go */
TEST("L D4", "headers without end, and dots", NONE)
{
	static char text[SMTP_MESSAGE_WORK + 64];
	int dot, pass;

	for (dot = SMTP_MESSAGE_WORK - 4; dot < SMTP_MESSAGE_WORK + 4; dot++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		fix_body(&f);
		memset(text, 'x', sizeof(text));
		memcpy(text, "Content-Type:", 13);
		memcpy(text + dot - 2, "\r\n.\n", 4);
		pass = fix_segment(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], text,
				   sizeof(text));
		assert_in_range(pass, SMTP_MESSAGE_WORK - 8, SMTP_MESSAGE_WORK + 4);
		if (pass > dot)
			assert_int_equal(f.out[dot], ' ');
		fix_end(&f);
	}
}

/* ... but none that anybody sends: 1,000 fields, 100 of them of MIME; 60 parts */
TEST("L T3", "headers of honest mail", NONE)
{
	static const char part[] =
		"--b\r\nContent-Type: image/png; name=\"image.png\"\r\n"
		"Content-Transfer-Encoding: base64\r\nContent-ID: <a@example.org>\r\n\r\n"
		"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6\r\n";
	static char text[64000];
	u32 i, n = 0;

	for (i = 0; i < 1000; i++)
		n += sprintf(text + n, i % 10 ? "Received: from mx.example.org by b\r\n" :
						"Content-Type: text/plain; charset=utf-8\r\n");
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	assert_int_equal(sent_in(&f, text, n), 1);
	fix_end(&f);

	n = sprintf(text, "Content-Type: multipart/related; boundary=b\r\n\r\n");
	for (i = 0; i < 60; i++)
		n += sprintf(text + n, "%s", part);
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	assert_int_equal(sent_in(&f, text, n), 1);
}
