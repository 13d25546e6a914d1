// SPDX-License-Identifier: GPL-2.0-only
/* BDAT and XEXCH50: D6, and with them T2. */
#include <stdio.h>

#include "../../kmod/core/tcp/held.h"
#include "unit.h"

/* A mail that has a recipient */
static void transaction(struct fix *f)
{
	client(f, "MAIL a\r\nRCPT b\r\n", "MAIL a\r\nRCPT b\r\n");
	server(f, "250 a\r\n250 b\r\n", "250 a\r\n250 b\r\n");
}

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
	transaction(f);
	fix_ack(f, SMTP_CLIENT, f->at[SMTP_CLIENT]);
}

#define OFFERS "250-a\r\n250-SIZE\r\n250 CHUNKING\r\n"

TEST("D6", "chunk is opaque", NONE)
{
	chunking_begin(&f, OFFERS);
	/* Pipelined: RFC 3030, 4.2; what follows the last octet is a command */
	client(&f, "BDAT 12\r\nEXPN a\r\n.\r\n\nbdat 4 last\r\nKILLEXPN b\r\nNOOP\r\n",
	       "BDAT 12\r\nEXPN a\r\n.\r\n\nbdat 4 last\r\nKILLXXXX b\r\nNOOP\r\n");
	assert_int_equal(COUNT(CHUNKS), 2);
	assert_int_equal(COUNT(MESSAGES), 1);
	/* Four commands, four replies: D7 */
	server(&f, "250 1\r\n552 2\r\n500 3\r\n", "250 1\r\n552 2\r\n500 3\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "250 4\r\n354 go\r\n", "250 4\r\n354 go\r\n");
	client(&f, "EXPN\r\n.\r\nEXPN\r\n", "EXPN\r\n.\r\nXXXX\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
}

static bool no_memory(void *arg)
{
	(void)arg;
	return true;
}

/* Without memory for the chunk's place among the commands, what follows it waits */
TEST("D6 contract 6", "no memory", NONE)
{
	static const char in[] = "BDAT 4 LAST\r\nEXPNEXPN\r\n";
	u32 at;

	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	client(&f, "NOOP\r\n", "NOOP\r\n");
	at += 6;
	host.fail = no_memory;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, in), 17);
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
	host.fail = NULL;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, in), 23);
	left(&f, "BDAT 4 LAST\r\nEXPNXXXX\r\n");
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
}

TEST("D6", "byte by byte", NONE)
{
	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client_steps(&f, 1, "BDAT 8 LAST\r\nEXPN a\r\nNOOP\r\nEXPN\r\n",
		     "BDAT 8 LAST\r\nEXPN a\r\nNOOP\r\nEXXX\r\n");
}

/* D6: inside a chunk any order will do, and nothing is read or kept */
TEST("D6", "ahead and again", NONE)
{
	u32 start;

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
	assert_int_equal(COUNT(SEGMENTS_DROPPED), 0);
}

/* D6, T3: `ehlo keep` shows the client a CHUNKING that lets no BDAT through, and a chunk
 * may look like a body. So nothing behind a gap that may hold the end of data is one.
 */
TEST("D6 T3", "a chunk ahead of an end of data", NONE)
{
	char text[701];
	u32 at, i;

	memset(text, 'a', 700);
	memcpy(text + 70, "\r\n", 2);
	strcpy(text + 698, "\r\n");
	for (i = 0; i < 3; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		f.policy.ehlo = i ? SMTP_FIXUP_EHLO_KEEP : SMTP_FIXUP_EHLO_MASK;
		if (i == 2) {
			smtp_policy_set_verbs(&f.policy, f.policy.verbs | SMTP_VERB_BIT(BDAT));
			f.policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
		}
		fix_open(&f);
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250 CHUNKING\r\n",
		       i ? "250-a\r\n250 CHUNKING\r\n" : "250-a\r\n250 XXXXXXXA\r\n");
		client(&f, "DATA\r\n", "DATA\r\n");
		server(&f, "354 go\r\n", "354 go\r\n");
		client(&f, text, text);
		at = f.at[SMTP_CLIENT];
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 3, text, 700),
				 i ? -1 : 700);
		fix_end(&f);
	}
}

/* D6: a server that has not offered it would take the chunk for commands */
TEST("D6", "not offered", NONE)
{
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* HELO undoes it, whatever the EHLO before it is answered */
	chunking_begin(&f, OFFERS);
	client(&f, "EHLO a\r\nHELO a\r\n", "EHLO a\r\nHELO a\r\n");
	/* D11: and who pipelines with an EHLO is offered none */
	server(&f, OFFERS "250 a\r\n", "250-a\r\n250-SIZE\r\n250 XXXXXXXA\r\n250 a\r\n");
	transaction(&f);
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* ... or begins with, and its line ends after the reply */
	chunking_begin(&f, OFFERS);
	client(&f, "EHLO a\r\nHELO ", "EHLO a\r\nHELO ");
	server(&f, OFFERS, OFFERS);
	client(&f, "a\r\n", "a\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	transaction(&f);
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* ehlo keep and ehlo strip see it as well */
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	f.policy.ehlo = SMTP_FIXUP_EHLO_KEEP;
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250-TURN\r\n250 chunking\r\n", "250-a\r\n250-TURN\r\n250 chunking\r\n");
	transaction(&f);
	client(&f, "BDAT 2\r\n\n.NOOP\r\n", "BDAT 2\r\n\n.NOOP\r\n");
	f.policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
	server(&f, "250 a\r\n250 b\r\n", "250 a\r\n250 b\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "250-a\r\n250-CHUNKING\r\n250 TURN\r\n");
	left(&f, "250-a\r\n250 CHUNKING\r\n");
	transaction(&f);
	client(&f, "BDAT 2\r\n\n.NOOP\r\n", "BDAT 2\r\n\n.NOOP\r\n");
	fix_end(&f);

	/* Only where it stands for a keyword */
	chunking_begin(&f, "250-CHUNKING\r\n250 SIZE CHUNKING\r\n");
	client(&f, "BDAT 6 LAST\r\n", "XXXX 6 LAST\r\n");
}

/* D6: what some servers do not take for a size as others do is blocked */
TEST("D6", "bad size", NONE)
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
	u32 i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		chunking_begin(&f, OFFERS);
		client(&f, bad[i][0], bad[i][1]);
		client(&f, "EXPN\r\n", "XXXX\r\n");
		assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
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
}

/* D6: where the verb has left, only the reply tells what became of it */
TEST("D6", "bad size too late", NONE)
{
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
}

/* A server that reads a size in it, and waits for so many octets */
TEST("D6", "bad size believed", NONE)
{
	static const char *const late[][2] = {
		{ "XEXCH50 6 2", "ab\r\n" },
		{ "XEXCH50 6", "\n" },
		{ "XEXCH50", "Q 6 2\r\n" },
	};
	u32 i;

	for (i = 0; i < sizeof(late) / sizeof(*late); i++) {
		chunking_begin(&f, OFFERS);
		client(&f, late[i][0], late[i][0]);
		fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], late[i][1]);
		assert_int_equal(f.verdict, SMTP_PASS);
		client_cut(&f, "EEHLO\nEXPN b\r\n", -1);
		assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], "354 go\r\n"), -2);
		client_cut(&f, "EEHLO\nEXPN b\r\n", -1);
		assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
		fix_end(&f);
	}
}

TEST("D6", "XEXCH50", NONE)
{
	chunking_begin(&f, OFFERS);
	client_cut(&f, "XEXCH50 6 2\r\nEXPN\r\n", 13);
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\nEXPN\r\n", "EXPN\r\nXXXX\r\n");
	server(&f, "250 a\r\n500 b\r\n", "250 a\r\n500 b\r\n");
	client_cut(&f, "XEXCH50 6 2\r\nEXPN\r\n", 13);
	server(&f, "504 no\r\n", "504 no\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
}

/* D6, D11: one reply too many to what is before it would be taken for its own. So it
 * passes when all of that is answered, and such a reply was sent before it had come.
 */
TEST("D6 D11", "XEXCH50 waits until all before it is answered", NONE)
{
	u32 before;

	chunking_begin(&f, OFFERS);
	client_cut(&f, "EXPN\r\nXEXCH50 6 2\r\n", 6);
	left(&f, "XXXX\r\n");
	client_cut(&f, "XEXCH50 6 2\r\n", -1);
	client_cut(&f, "xexch50 6 2\r\n", -1);
	before = f.at[SMTP_CLIENT];
	server(&f, "500 a\r\n", "500 a\r\n");
	client(&f, "XEXCH50 6 2\r\n", "XEXCH50 6 2\r\n");
	f.at[SMTP_CLIENT] = before;
	server(&f, "500 again\r\n", "500 again\r\n");
	assert_true(smtp_flow_waits(&f.flow));
	f.at[SMTP_CLIENT] += strlen("XEXCH50 6 2\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\nEXPN\r\n", "EXPN\r\nXXXX\r\n");
	fix_end(&f);

	/* Others that begin alike don't wait where it is not allowed */
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	client(&f, "NOOP\r\nXEXCH50 6 2\r\n", "NOOP\r\nXXXXXXX 6 2\r\n");
}

/* T3: a chunk counts as judged once it is announced. A copy of its packets that came before
 * that is kept until it may go on.
 */
TEST("T3 D6", "the packets of a chunk that came before it was announced", NONE)
{
	struct smtp_held held = { .what = SMTP_HOLDS_ORDER }, *list = &held;
	const struct smtp_stream *st = &f.flow.stream[SMTP_CLIENT];
	u32 at;

	chunking_begin(&f, OFFERS);
	client(&f, "RSET\r\n", "RSET\r\n");
	server(&f, "250 ok\r\n", "250 ok\r\n");
	client(&f, "MAIL a\r\nRCPT b\r\n", "MAIL a\r\nRCPT b\r\n");
	server(&f, "250 a\r\n250 b\r\n", "250 a\r\n250 b\r\n");
	client(&f, "BDAT 8 LAST\r\nEXPN", "BDAT 8 LAST\r\nEXPN");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(st->next - CLIENT_ISN, at + 4);
	assert_int_equal(smtp_stream_left(st) - CLIENT_ISN, at - 4);
	held.seq = CLIENT_ISN + at;
	held.end = held.seq + 4;
	assert_null(smtp_held_passed(&list, smtp_stream_left(st), st->acked));
	assert_true(smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &held));
	client(&f, "EXPN", "EXPN");
	fix_ack(&f, SMTP_CLIENT, at + 4);
	assert_ptr_equal(smtp_held_passed(&list, smtp_stream_left(st), st->acked), &held);
}

/* T3: a client may send BDAT in one write with what is before it. A copy of it is kept until
 * the replies come, not until the server ACKs, and somebody hears for what it waits.
 */
TEST("T3 D6 H7", "kept until the reply", NONE)
{
	static const struct {
		const char *before, *line, *replies[3];
	} writes[] = {
		{ "MAIL a\r\nRCPT b\r\n", "BDAT 4 LAST\r\nEXPN",
		  { "250 a\r\n", "250 b\r\n", NULL } },
		{ "NOOP\r\n", "XEXCH50 4 2\r\n", { "250 a\r\n", NULL } },
	};
	u32 i, k;

	for (i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		u32 n = strlen(writes[i].before), rest = strlen(writes[i].line);
		struct smtp_segment seg = { .len = n + rest };
		struct smtp_held held = { .what = SMTP_HOLDS_REPLY };
		char text[64];

		chunking_begin(&f, OFFERS);
		client(&f, "RSET\r\n", "RSET\r\n");
		server(&f, "250 ok\r\n", "250 ok\r\n");
		seg.seq = CLIENT_ISN + f.at[SMTP_CLIENT];
		held.seq = seg.seq;
		sprintf(text, "%s%s", writes[i].before, writes[i].line);
		client_cut(&f, text, n);
		fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
		for (k = 0; writes[i].replies[k]; k++) {
			assert_int_equal(smtp_flow_holds(&f.flow, SMTP_CLIENT, &seg),
					 SMTP_HOLDS_REPLY);
			assert_false(smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &held));
			assert_string_equal(smtp_session_awaited(&f.flow.session),
					    "a command before BDAT or XEXCH50");
			server(&f, writes[i].replies[k], writes[i].replies[k]);
			assert_true(smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &held));
			if (writes[i].replies[k + 1])
				client_cut(&f, writes[i].line, -1);
		}
		client(&f, writes[i].line, writes[i].line);
		fix_end(&f);
	}
}

/* T2: commands between many chunks in flight are all kept */
TEST("D6", "many in flight", NONE)
{
	u32 start, i;

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
}

/* D6, T2: nobody has a window for more; sequence numbers must not wrap around */
TEST("D6 T2", "announced without end", NONE)
{
	static const char line[] = "BDAT 999999999\r\n";
	u32 at;

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
}

/* D6, L: RCPT of the next message counts anew */
TEST("D6 L", "recipients", NONE)
{
	chunking_begin(&f, OFFERS);
	f.policy.limits[SMTP_FIXUP_LIMIT_RCPT].max = 1;
	f.policy.limits[SMTP_FIXUP_LIMIT_RCPT].action = SMTP_FIXUP_ACTION_MASK;
	client(&f, "BDAT 2\r\nabRCPT b\r\nBDAT 2 LAST\r\nabRCPT c\r\n",
	       "BDAT 2\r\nabXXXX b\r\nBDAT 2 LAST\r\nabRCPT c\r\n");
}

/* D6, M: of a chunk whose BDAT is blocked no words are told, nor of what follows */
TEST("D6 M", "blocked", NONE)
{
	chunking_begin(&f, "250-a\r\n250 SIZE\r\n");
	client(&f, "BDAT 8 LAST\r\nKILL me\n", "XXXX 8 LAST\r\nXXXXXXX\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "BDAT");
	client(&f, "secret\r\n", "XXXXXX\r\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "");
	client(&f, "NOOP\r\nEXPN\r\n", "NOOP\r\nXXXX\r\n");
	assert_string_equal(host.words[SMTP_FIXUP_EVENT_COMMAND_MASKED], "EXPN");
}

/* V5: a bad size ends it, as a blocked verb does */
TEST("D6 V5", "ends", NONE)
{
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_DROP;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], "BDAT 06\r\n"), -1);
	assert_int_equal(smtp_flow_ended(&f.flow), SMTP_DROP);
}

/* V4, T1: one edit, and nothing before it that is not kept */
TEST("D6 V4", "waits", NONE)
{
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client_cut(&f, "BDAT 3\r\nabcX\r\nRSET\r\n", 11);
	client_cut(&f, "X\r\nRSET\r\n", -1);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	client(&f, "X\r\nRSET\r\n", "NOOP\r\nRSET\r\n");
}

/* A blank before a line that had to wait: comes that again as BDAT, it still
 * stands behind a blank, and not every server would take its chunk for one
 */
TEST("D6 V4", "indented later", NONE)
{
	chunking_begin(&f, OFFERS);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	client_cut(&f, "A\r\n X\r\n", 4);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
	client(&f, "BDAT 6\r\nEXPN\r\n", "NOOP  \r\nNOOP\r\n");
	assert_int_equal(COUNT(CHUNKS), 0);
}

/* H7: a chunk needs a RCPT that the server has accepted: go-smtp and Dovecot take it
 * for commands otherwise
 */
TEST("H7", "no recipient", NONE)
{
	chunking_begin(&f, OFFERS);
	client(&f, "RSET\r\nBDAT 6 LAST\r\nEXPN\r\n", "RSET\r\nXXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* Nor after the last one of a mail */
	chunking_begin(&f, OFFERS);
	client(&f, "BDAT 1 LAST\r\na", "BDAT 1 LAST\r\na");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
	fix_end(&f);

	/* Nor where replies may have drifted: D11 */
	chunking_begin(&f, OFFERS);
	server(&f, "250 again\r\n", "250 again\r\n");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
}

/* H7, D11: a server that does not know of the chunk answers its lines, too, so that no
 * reply behind it tells for certain that a RCPT is accepted
 */
TEST("H7 D11", "a blocked chunk is answered", NONE)
{
	chunking_begin(&f, OFFERS);
	client(&f, "RSET\r\nBDAT 3\r\nabc", "RSET\r\nXXXX 3\r\nXX\n");
	client(&f, "MAIL a\r\nRCPT b\r\n", "MAIL a\r\nRCPT b\r\n");
	server(&f, "250 RSET\r\n500 XXXX\r\n500 XX\r\n250 MAIL\r\n",
	       "250 RSET\r\n500 XXXX\r\n500 XX\r\n250 MAIL\r\n");
	client(&f, "BDAT 6 LAST\r\nEXPN\r\n", "XXXX 6 LAST\r\nXXXX\r\n");
}

/* H7, V7: a client whose BDAT does not pass now sends the chunk all the same. None of
 * it is a command, and a bare LF in it does not wait for a reply.
 */
TEST("H7 V7", "blocked", NONE)
{
	static const u8 rejects[] = {
		SMTP_FIXUP_REJECT_X, SMTP_FIXUP_REJECT_LINE, SMTP_FIXUP_REJECT_NOOP,
	};
	static const char *const lines[] = {
		"XXXX 12 LAST\r\n", "XXXXXXXXXXXX\r\n", "NOOP        \r\n",
	};
	u32 i;

	for (i = 0; i < 3; i++) {
		chunking_begin(&f, OFFERS);
		f.policy.reject = rejects[i];
		client(&f, "RSET\r\n", "RSET\r\n");
		f.no_acks = true;
		client(&f, "BDAT 12 LAST\r\n", lines[i]);
		client(&f, "a\nRCPT b\r", "X\nXXXXXX\r");
		client(&f, "\nxxMAIL c\r\n", "\nX\nMAIL c\r\n");
		fix_end(&f);

		chunking_begin(&f, OFFERS);
		f.policy.reject = rejects[i];
		client(&f, "RSET\r\n", "RSET\r\n");
		client_steps(&f, 1, "bdat 3\r\nb\naHELP\r\n", i == 1 ?
			     "XXXXXX\r\nX\n\nHELP\r\n" : "XXXX 3\r\nX\n\nHELP\r\n");
		fix_end(&f);
	}
	/* What announces none is a line like any other */
	chunking_begin(&f, OFFERS);
	client(&f, "RSET\r\nBDAT 3x\r\nBDAT\r\nBDATA 4\r\nBDA 4\r\nHELP\r\n",
	       "RSET\r\nXXXX 3x\r\nXXXX\r\nXXXXX 4\r\nXXX 4\r\nHELP\r\n");
	/* Nor does a policy that has no BDAT */
	smtp_policy_set_verbs(&f.policy, f.policy.verbs & ~SMTP_VERB_BIT(BDAT));
	client(&f, "BDAT 6\r\nHELP\r\n", "XXXX 6\r\nHELP\r\n");
}

/* H7: refused recipients: Postfix swallows the chunk, go-smtp reads it as commands.
 * It leaves crossed out, and what follows it is another line to both.
 */
TEST("H7", "recipients refused", NONE)
{
	static const char *const replies[] = {
		"250 a\r\n550 b\r\n250 c\r\n", "250 a\r\n550 b\r\n250 c\r\n251 d\r\n",
	};
	u32 i, at;

	for (i = 0; i < 2; i++) {
		chunking_begin(&f, OFFERS);
		/* RFC 2920: one write; the chunk waits for the reply to RCPT */
		client_cut(&f, i ? "MAIL a\r\nRCPT b\r\nNOOP\r\nRCPT d\r\nBDAT 9 LAST\r\nEXPN a.\r\n" :
				   "MAIL a\r\nRCPT b\r\nNOOP\r\nBDAT 9 LAST\r\nEXPN a.\r\n", i ? 30 : 22);
		client_cut(&f, "BDAT 9 LAST\r\nEXPN a.\r\nEXPN\r\n", -1);
		server(&f, replies[i], replies[i]);
		f.no_acks = true;
		at = f.at[SMTP_CLIENT];
		client(&f, "BDAT 9 LAST\r\nEXPN a.\r\nEXPN\r\n",
		       i ? "BDAT 9 LAST\r\nEXPN a.\r\nXXXX\r\n" : "BDAT 9 LAST\r\nXXXXXXX\r\nXXXX\r\n");
		fix_at(&f, SMTP_CLIENT, at + 13, "VRFY b x");
		left(&f, i ? "VRFY b x" : "XXXXXXXX");
		fix_end(&f);
	}
	chunking_begin(&f, OFFERS);
	client(&f, "RSET\r\nMAIL a\r\nRCPT b\r\n", "RSET\r\nMAIL a\r\nRCPT b\r\n");
	server(&f, "250 a\r\n250 b\r\n450 c\r\n", "250 a\r\n250 b\r\n450 c\r\n");
	client(&f, "BDAT 6\r\nabcdefRSET\r\n", "BDAT 6\r\nXXXXX\nRSET\r\n");
}

/* H7: a chunk that is refused while it is under way: Dovecot does not like its size */
TEST("H7", "refused under way", NONE)
{
	u32 at;

	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client(&f, "BDAT 40 LAST\r\n", "BDAT 40 LAST\r\n");
	at = f.at[SMTP_CLIENT];
	client(&f, "abcde\r\n", "abcde\r\n");
	server(&f, "552 too much\r\n", "552 too much\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 17, "EXPN root\r\n"), 11);
	left(&f, "XXXXXXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\n\n\nEXPN root\r\n"), 18);
	left(&f, "XXXX\n\n\nXXXXXXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 28, "EXPN root\r\nxNOOP\r\nEXPN\r\n"), 24);
	left(&f, "XXXXXXXXX\r\n\nNOOP\r\nXXXX\r\n");
}

/* H7: the next chunk is announced before all of a crossed one has come: what comes of
 * that is crossed out all the same
 */
TEST("H7", "two at a time", NONE)
{
	u32 at;

	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client(&f, "RSET\r\nMAIL a\r\nRCPT b\r\n", "RSET\r\nMAIL a\r\nRCPT b\r\n");
	server(&f, "250 a\r\n250 b\r\n550 c\r\n", "250 a\r\n250 b\r\n550 c\r\n");
	client(&f, "BDAT 12\r\n", "BDAT 12\r\n");
	at = f.at[SMTP_CLIENT];
	server(&f, "502 no\r\n", "502 no\r\n");
	fix_at(&f, SMTP_CLIENT, at + 12, "BDAT 3\r\nabc");
	fix_at(&f, SMTP_CLIENT, at, "EXPN root\r\nxQUIT 3\r\nEXP");
	left(&f, "XXXXXXXXX\r\n\nBDAT 3\r\nXX\n");
	fix_end(&f);

	/* A refusal is of all that is on the way */
	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client(&f, "BDAT 40\r\n", "BDAT 40\r\n");
	at = f.at[SMTP_CLIENT];
	fix_at(&f, SMTP_CLIENT, at + 40, "BDAT 3\r\nabc");
	left(&f, "BDAT 3\r\nabc");
	f.at[SMTP_CLIENT] = at + 51;
	server(&f, "552 too much\r\n", "552 too much\r\n");
	fix_at(&f, SMTP_CLIENT, at + 29, "EXPN root\r\nQUIT 3\r\nEXP");
	left(&f, "XXXXXXXXX\r\nBDAT 3\r\nXX\n");
	client(&f, "RSET\r\nMAIL a\r\nRCPT b\r\n", "RSET\r\nMAIL a\r\nRCPT b\r\n");
	server(&f, "503 no\r\n250 a\r\n250 b\r\n250 c\r\n", "503 no\r\n250 a\r\n250 b\r\n250 c\r\n");
	client(&f, "BDAT 4 LAST\r\nabcd", "BDAT 4 LAST\r\nabcd");
	fix_at(&f, SMTP_CLIENT, at + 29, "EXPN root\r\n");
	left(&f, "XXXXXXXXX\r\n");
}

/* H7: a chunk for nobody is crossed out, not what somebody takes and is on the way */
TEST("H7", "behind a chunk that is taken", NONE)
{
	u32 at;

	chunking_begin(&f, OFFERS);
	client(&f, "XEXCH50 9 2\r\n", "XEXCH50 9 2\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	at = f.at[SMTP_CLIENT];
	f.no_acks = true;
	client(&f, "EXPN\nabc\nRSET\r\nBDAT 0 LAST\r\n",
	       "EXPN\nabc\nRSET\r\nXXXX 0 LAST\r\n");
	server(&f, "250 block\r\n", "250 block\r\n");
	fix_at(&f, SMTP_CLIENT, at, "EXPN\nabc\nR");
	left(&f, "EXPN\nabc\nR");
	client(&f, "BDAT 3\r\nabcHELP\r\n", "XXXX 3\r\nXX\nHELP\r\n");
	fix_at(&f, SMTP_CLIENT, at, "EXPN\nabc\nR");
	left(&f, "EXPN\nabc\nR");
	fix_at(&f, SMTP_CLIENT, at + 36, "abcE");
	left(&f, "XX\nH");
	fix_end(&f);

	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client(&f, "BDAT 4 LAST\r\n", "BDAT 4 LAST\r\n");
	at = f.at[SMTP_CLIENT];
	client(&f, "abcdBDAT 3\r\nEXPHELP\r\n", "abcdXXXX 3\r\nXX\nHELP\r\n");
	fix_at(&f, SMTP_CLIENT, at, "abcdBDAT 3\r\nEXPHELP\r\n");
	left(&f, "abcdXXXX 3\r\nXX\nHELP\r\n");
	fix_end(&f);

	/* Nor what is taken while it comes in pieces */
	chunking_begin(&f, OFFERS);
	f.no_acks = true;
	client(&f, "BDAT 4 LAST\r\n", "BDAT 4 LAST\r\n");
	at = f.at[SMTP_CLIENT];
	fix_at(&f, SMTP_CLIENT, at + 4, "BDAT 3\r\nEXPHELP\r\n");
	left(&f, "XXXX 3\r\nXX\nHELP\r\n");
	fix_at(&f, SMTP_CLIENT, at, "abcdBDAT 3\r\n");
	left(&f, "abcdXXXX 3\r\n");
}

/* H7: an honest client whose chunk was refused goes on: RFC 3030, 2. All of its lines
 * arrive as they are, from a server that swallowed the chunk and from one that read it.
 */
TEST("H7", "goes on after a refused chunk", NONE)
{
	static const char *const replies[] = {
		"503 nobody\r\n", "502 nobody\r\n500 what\r\n",
	};
	u32 i;

	for (i = 0; i < 2; i++) {
		chunking_begin(&f, OFFERS);
		client(&f, "RSET\r\nMAIL a\r\nRCPT b\r\n", "RSET\r\nMAIL a\r\nRCPT b\r\n");
		server(&f, "250 a\r\n250 b\r\n550 c\r\n", "250 a\r\n250 b\r\n550 c\r\n");
		client(&f, "BDAT 48 LAST\r\n0123456789012345678901234567890123456789012345\r\n",
		       "BDAT 48 LAST\r\nXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX\r\n");
		server(&f, replies[i], replies[i]);
		client(&f, "RSET\r\n", "RSET\r\n");
		server(&f, "250 a\r\n", "250 a\r\n");
		transaction(&f);
		client(&f, "DATA\r\n", "DATA\r\n");
		server(&f, "354 go\r\n", "354 go\r\n");
		client(&f, "EXPN\r\n.\r\n", "EXPN\r\n.\r\n");
		fix_end(&f);
	}
	/* Where the count stayed certain the next chunk passes, too, pipelined: 4.2 */
	chunking_begin(&f, OFFERS);
	client(&f, "BDAT 4 LAST\r\nabcd", "BDAT 4 LAST\r\nabcd");
	server(&f, "552 no\r\n", "552 no\r\n");
	client_cut(&f, "RSET\r\nMAIL a\r\nRCPT b\r\nBDAT 5\r\nEXPN\nBDAT 3 LAST\r\nabc", 22);
	server(&f, "250 a\r\n250 b\r\n250 c\r\n", "250 a\r\n250 b\r\n250 c\r\n");
	client(&f, "BDAT 5\r\nEXPN\nBDAT 3 LAST\r\nabcQUIT\r\n",
	       "BDAT 5\r\nEXPN\nBDAT 3 LAST\r\nabcQUIT\r\n");
}

/* The 354 to XEXCH50 could otherwise be taken for another's, and its block for lines */
TEST("D6 D11", "no XEXCH50 where the count of replies is uncertain", NONE)
{
	chunking_begin(&f, OFFERS);
	client(&f, "XEXCH50 4 1\r\n", "XEXCH50 4 1\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPNNOOP\r\n", "EXPNNOOP\r\n");
	server(&f, "250 a\r\n250 b\r\n250 one too many\r\n",
	       "250 a\r\n250 b\r\n250 one too many\r\n");
	client(&f, "XEXCH50 4 1\r\nEXPN\r\n", "XXXXXXX 4 1\r\nXXXX\r\n");
}
