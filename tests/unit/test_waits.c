// SPDX-License-Identifier: GPL-2.0-only
/* T4: what had to wait goes on when it may. Both ends of that are the core's to
 * tell; the copies are its surroundings' (kmod/path/kept.c).
 */
#include "../../kmod/core/tcp/held.h"
#include "unit.h"

/* What does a segment with @n octets from the next one on wait for? */
static enum smtp_holds holds_of(const struct fix *f, enum smtp_dir dir, s32 before, u32 n)
{
	struct smtp_segment seg = {
		.seq = f->flow.stream[dir].next - before,
		.len = before + n,
	};

	return smtp_flow_holds(&f->flow, dir, &seg);
}

static enum smtp_holds holds(const struct fix *f, s32 before, u32 n)
{
	return holds_of(f, SMTP_CLIENT, before, n);
}

/* May what waits for that, and begins at the next octet, go on? */
static bool goes_on(const struct fix *f, enum smtp_dir dir, enum smtp_holds what)
{
	struct smtp_held held = {
		.seq = f->flow.stream[dir].next,
		.end = f->flow.stream[dir].next + 1, .what = what,
	};

	return smtp_flow_goes_on(&f->flow, dir, &held);
}

TEST("T4 D2", "what waits for a reply", NONE)
{
	static const char *const lines[] = {
		"DATA\r\n", "AUTH LOGIN\r\n", "STARTTLS\r\n", "\r\n", "NOOP\n",
	};
	static const char *const awaited[] = {
		"DATA", "AUTH", "STARTTLS", "an empty line",
		"a line that ended in LF",
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
		fix_open(&f);
		client(&f, lines[i], lines[i]);
		assert_true(smtp_flow_waits(&f.flow));
		assert_string_equal(smtp_session_awaited(&f.flow.session), awaited[i]);
		assert_false(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_REPLY));
		assert_false(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_ORDER));
		assert_int_equal(holds(&f, strlen(lines[i]), 7), SMTP_HOLDS_REPLY);
		assert_int_equal(holds(&f, 0, 1), SMTP_HOLDS_REPLY);
		assert_int_equal(holds(&f, 5, 0), SMTP_HOLDS_NOTHING);	/* it has passed */
		assert_int_equal(holds(&f, -1, 8), SMTP_HOLDS_ORDER);
		server(&f, "250 a\r\n", "250 a\r\n");
		assert_true(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_REPLY));
		assert_true(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_ORDER));
		assert_false(smtp_flow_waits(&f.flow));
		fix_end(&f);
	}
}

/* A second change of length, or a full buffer, waits for ACKs */
TEST("T4 V4", "what waits for ACKs", MAILHOST)
{
	fix_open(&f);
	client_cut(&f, "FOO\r\nBAR\r\n", 5);
	assert_int_equal(holds(&f, 5, 5), SMTP_HOLDS_ACK);
	assert_false(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_ACK));
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
	assert_true(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_ACK));
	client(&f, "BAR\r\n", "NOOP\r\n");
}

/* A line of the server's waits for the ACK of the one before it, which was replaced.
 * What waits for its own rest is its sender's to repeat.
 */
TEST("T4 G7", "what of the server waits for ACKs", FIXUP)
{
	static const char greeting[] = "220-a\r\n220 b\r\n";

	assert_null(smtp_policy_set_text(&f.policy, "ours", 4));
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, greeting, 3), -1);
	assert_int_equal(holds_of(&f, SMTP_SERVER, 0, 3), SMTP_HOLDS_LINE);
	assert_false(goes_on(&f, SMTP_SERVER, SMTP_HOLDS_LINE));
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, greeting, 7), 7);
	f.no_acks = true;
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 7, greeting + 7, 7), -1);
	assert_int_equal(holds_of(&f, SMTP_SERVER, 0, 7), SMTP_HOLDS_ACK);
	assert_false(goes_on(&f, SMTP_SERVER, SMTP_HOLDS_ACK));
	fix_ack(&f, SMTP_SERVER, strlen("220-ours\r\n"));
	assert_true(goes_on(&f, SMTP_SERVER, SMTP_HOLDS_ACK));
}

/* The ACK of what precedes a line does not bring its rest */
TEST("T3 G7", "a line waits for its rest", FIXUP)
{
	assert_null(smtp_policy_set_text(&f.policy, "mx", 2));
	f.no_acks = true;
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 0, "220-ab\r\n220 ", 12), 8);
	assert_int_equal(holds_of(&f, SMTP_SERVER, 8, 4), SMTP_HOLDS_LINE);
	fix_ack(&f, SMTP_SERVER, 8);
	assert_false(goes_on(&f, SMTP_SERVER, SMTP_HOLDS_LINE));
	assert_int_equal(fix_segment(&f, SMTP_SERVER, 8, "220 ab\r\n", 8), 8);
	left(&f, "220 mx\r\n");
}

TEST("T4", "what follows a gap goes on behind that", FIXUP)
{
	struct smtp_held held = { .seq = 100, .end = 200, .what = SMTP_HOLDS_ORDER };

	fix_open(&f);
	held.seq = f.flow.stream[SMTP_SERVER].next + 1;
	assert_false(smtp_flow_goes_on(&f.flow, SMTP_SERVER, &held));
	assert_int_equal(holds_of(&f, SMTP_SERVER, -4, 8), SMTP_HOLDS_ORDER);
	assert_int_equal(holds_of(&f, SMTP_CLIENT, -4, 8), SMTP_HOLDS_ORDER);
	assert_true(goes_on(&f, SMTP_SERVER, SMTP_HOLDS_ORDER));
}

static struct smtp_held *add_at(struct smtp_held **list, struct smtp_held *held, u32 seq,
				u32 len, u32 size, u32 next)
{
	held->seq = seq;
	held->end = seq + len;
	held->size = size;
	return smtp_held_add(list, held, next);
}

/* Nothing has passed */
static struct smtp_held *add(struct smtp_held **list, struct smtp_held *held, u32 seq, u32 len,
			     u32 size)
{
	return add_at(list, held, seq, len, size, (u32)-100);
}

static u32 count(const struct smtp_held *list)
{
	u32 n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

/* RFC 7323, 5.3: a receiver drops what has an older timestamp than the last that came in
 * order. A retransmission begins after what was ACKed, and is the newer copy of what is
 * left of the packet.
 */
TEST("T4", "a retransmission of what is left replaces the packet", NONE)
{
	struct smtp_held h[4], *list = NULL;

	assert_null(add_at(&list, &h[0], 10, 20, 1, 15));
	/* [15, 18) has passed, and was not ACKed */
	assert_ptr_equal(add_at(&list, &h[1], 15, 15, 1, 18), &h[0]);
	assert_int_equal(count(list), 1);
	assert_ptr_equal(add_at(&list, &h[0], 18, 12, 1, 18), &h[1]);
	/* Not all of what is left, at its end or at its beginning */
	assert_null(add_at(&list, &h[1], 20, 9, 1, 20));
	assert_null(add_at(&list, &h[2], 22, 8, 1, 20));
	assert_int_equal(count(list), 3);
	assert_int_equal(count(add_at(&list, &h[3], 20, 20, 1, 20)), 3);
	assert_ptr_equal(list, &h[3]);
	assert_int_equal(count(list), 1);
}

/* In order, across the end of the numbers; of a packet the last copy */
TEST("T4", "the packets of a direction", NONE)
{
	struct smtp_held h[4], *list = NULL;

	assert_null(add(&list, &h[0], 10, 10, 1));
	assert_null(add(&list, &h[1], (u32)-10, 10, 1));
	assert_null(add(&list, &h[2], 20, 10, 1));
	assert_ptr_equal(list, &h[1]);
	assert_ptr_equal(list->next, &h[0]);
	assert_ptr_equal(list->next->next, &h[2]);
	assert_int_equal(count(list), 3);
	/* It has the octets of two of them */
	assert_int_equal(count(add(&list, &h[3], 10, 20, 1)), 2);
	assert_int_equal(count(list), 2);
	assert_null(smtp_held_passed(&list, (u32)-1, 0));
	assert_ptr_equal(smtp_held_passed(&list, 0, 0), &h[1]);
	assert_null(smtp_held_passed(&list, 29, 0));
	assert_ptr_equal(smtp_held_passed(&list, 30, 0), &h[3]);
	assert_null(smtp_held_passed(&list, 40, 0));
}

/* What was judged and did not pass with the rest: a large packet is cut before an octet that
 * changes far back in it (kmod/path/packet.c), and what is kept of it goes on when the far end
 * has what has left.
 */
TEST("T3 T4", "what waits for no more than the ACK of the rest", NONE)
{
	struct smtp_held h[2] = {
		{ .what = SMTP_HOLDS_REST, .left = 50 }, { .what = SMTP_HOLDS_REPLY },
	};
	struct smtp_held *list = NULL;
	struct smtp_segment seg = { .owes = true };

	add(&list, &h[0], 0, 100, 1);
	assert_null(smtp_held_passed(&list, 100, 99));
	/* The octets behind it have those of it that have left, and no others */
	add_at(&list, &h[1], 100, 50, 1, 100);
	assert_int_equal(count(list), 2);
	assert_ptr_equal(smtp_held_passed(&list, 100, 100), &h[0]);

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	client(&f, "RSET\r\nDATA\r\n", "RSET\r\nDATA\r\n");
	seg.seq = f.flow.stream[SMTP_CLIENT].next - 12;
	seg.len = 12;
	assert_int_equal(smtp_flow_holds(&f.flow, SMTP_CLIENT, &seg), SMTP_HOLDS_REST);
	h[0].left = seg.seq + 6;
	assert_false(smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &h[0]));
	/* Though what follows it waits */
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] - 6);
	assert_true(smtp_flow_waits(&f.flow));
	assert_true(smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &h[0]));
}

TEST("T3 T4", "a large packet that is cut owes the rest", ESMTP)
{
	char text[701] = "", out[701];
	u32 i, at;

	fix_open(&f);
	for (i = 0; i < 115; i++)
		strcat(text, "RSET\r\n");
	strcpy(out, text);
	strcat(text, "EXPN a\r\n");
	strcat(out, "XXXX a\r\n");
	f.mss = 536;
	f.pull = 600;
	at = f.at[SMTP_CLIENT];
	client_cut(&f, text, 536);
	assert_true(f.owes);
	/* When it goes on it is not cut again */
	f.pull = 0;
	fix_ack(&f, SMTP_CLIENT, at + 536);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, text), strlen(text));
	assert_memory_equal(f.out + 536, out + 536, strlen(out) - 536);
	assert_false(f.owes);
}

/* RFC 2018: what is told a sender whose packet was lost */
TEST("T4", "what is held behind a gap, in runs", NONE)
{
	struct smtp_held_run runs[SMTP_HELD_RUNS];
	struct smtp_held h[7], *list = NULL;

	assert_int_equal(smtp_held_runs(list, 0, runs), 0);
	add(&list, &h[0], (u32)-10, 10, 1);
	assert_int_equal(smtp_held_runs(list, (u32)-10, runs), 0);
	assert_int_equal(smtp_held_runs(list, (u32)-5, runs), 0);
	assert_int_equal(smtp_held_runs(list, (u32)-11, runs), 1);
	assert_int_equal(runs[0].seq, (u32)-10);
	assert_int_equal(runs[0].end, 0);
	/* One that touches it, one within, one that overlaps */
	add(&list, &h[1], 0, 10, 1);
	add(&list, &h[2], 1, 5, 1);
	add(&list, &h[3], 8, 12, 1);
	assert_int_equal(smtp_held_runs(list, (u32)-11, runs), 1);
	assert_int_equal(runs[0].end, 20);
	add(&list, &h[4], 21, 1, 1);
	add(&list, &h[5], 30, 1, 1);
	assert_int_equal(smtp_held_runs(list, (u32)-11, runs), 3);
	assert_int_equal(runs[0].seq, 30);
	assert_int_equal(runs[1].seq, 21);
	assert_int_equal(runs[1].end, 22);
	assert_int_equal(runs[2].seq, (u32)-10);
	assert_int_equal(runs[2].end, 20);
	/* There is room for three */
	add(&list, &h[6], 40, 1, 1);
	assert_int_equal(smtp_held_runs(list, (u32)-11, runs), SMTP_HELD_RUNS);
	assert_int_equal(runs[0].seq, 40);
	assert_int_equal(runs[2].seq, 21);
}

/* As its sender's repetition could be: a line that came in several packets */
TEST("T3", "a line in packets that fit together", NONE)
{
	struct smtp_held h[4], *list = NULL;

	memset(h, 0, sizeof(h));
	h[0].what = SMTP_HOLDS_LINE;
	add(&list, &h[0], 100, 20, 1);
	assert_int_equal(smtp_held_line(list, 110), 0);
	add(&list, &h[1], 120, 10, 1);
	assert_int_equal(smtp_held_line(list, 110), 0);
	h[2].line = 5;
	add(&list, &h[2], 131, 9, 1);	/* an octet is missing */
	assert_int_equal(smtp_held_line(list, 110), 0);
	list = NULL;
	add(&list, &h[0], 100, 20, 1);
	add(&list, &h[1], 120, 11, 1);
	add(&list, &h[2], 131, 9, 1);
	add(&list, &h[3], 140, 9, 1);
	assert_int_equal(smtp_held_line(list, 110), 30);
	h[0].what = SMTP_HOLDS_ACK;
	assert_int_equal(smtp_held_line(list, 110), 0);
	/* No longer than any path carries */
	h[0].what = SMTP_HOLDS_LINE;
	h[2].end = 110 + SMTP_HELD_LINE_MAX;
	assert_int_equal(smtp_held_line(list, 110), SMTP_HELD_LINE_MAX);
	/* Then up to the end of the line */
	assert_int_equal(smtp_held_line(list, 109), 131 + 5 - 109);
	h[2].line = 110 + SMTP_HELD_LINE_MAX - 131;
	assert_int_equal(smtp_held_line(list, 110), SMTP_HELD_LINE_MAX);
	assert_int_equal(smtp_held_line(list, 109), 0);
}

TEST("T4 H5", "as many packets as that", NONE)
{
	struct smtp_held h[SMTP_HELD_MAX + 2], *list = NULL;
	u32 i;

	/* Those that the others wait for stay */
	for (i = 0; i < SMTP_HELD_MAX; i++)
		assert_null(add(&list, &h[i], 100 * i, 100, 1));
	assert_ptr_equal(add(&list, &h[i], 100 * i, 100, 1), &h[i]);
	assert_ptr_equal(add(&list, &h[i], 50, 20, 1), &h[i - 1]);
	assert_int_equal(count(list), SMTP_HELD_MAX);
	list = NULL;
	assert_null(add(&list, &h[0], 200, 100, SMTP_HELD_SIZE_MAX / 2));
	assert_null(add(&list, &h[1], 300, 100, SMTP_HELD_SIZE_MAX / 2));
	assert_ptr_equal(add(&list, &h[2], 100, 100, 1), &h[1]);
	assert_int_equal(count(add(&list, &h[3], 50, 50, SMTP_HELD_SIZE_MAX)), 2);
}

TEST("T4", "nothing is held under observe", FIXUP)
{
	f.policy.observe = true;
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	assert_int_equal(holds(&f, 0, 5), SMTP_HOLDS_NOTHING);
}

/* D11: a server that has not got the line does not answer it */
TEST("D11", "answered before it came", ESMTP)
{
	u32 at;

	fix_open(&f);
	at = f.at[SMTP_CLIENT];
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	client(&f, "dXNlcg==\r\n", "dXNlcg==\r\n");
	/* The same once more, from before the response came */
	f.at[SMTP_CLIENT] = at + 12;
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	f.at[SMTP_CLIENT] = at + 12 + 10;
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	assert_true(smtp_flow_waits(&f.flow));
	server(&f, "535 no\r\n", "535 no\r\n");
	assert_false(smtp_flow_waits(&f.flow));
	client(&f, "EXPN\r\n", "XXXX\r\n");
	/* Its next reply may be one too many again: the sender takes its time */
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "503 no\r\n", "503 no\r\n");
	server(&f, "503 no\r\n", "503 no\r\n");
	assert_false(goes_on(&f, SMTP_CLIENT, SMTP_HOLDS_REPLY));
}

/* D5: two line ends in a SASL exchange would be two responses to some servers */
TEST("D5", "line ends in a SASL exchange", ESMTP)
{
	fix_open(&f);
	client_cut(&f, "AUTH PLAIN\r\r\n", 12);
	left(&f, "AUTH PLAIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client_cut(&f, "\nEXPN\r\n", 1);
	server(&f, "535 a\r\n", "535 a\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}
