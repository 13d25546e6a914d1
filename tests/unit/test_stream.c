// SPDX-License-Identifier: GPL-2.0-only
/* The stream: T1, T2, DESIGN.md "The stream contract" points 1-3 and 6. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../kmod/core/marks.h"
#include "tests.h"

/* T1: the length never changes, and what does not change is not written */
static void test_t1_writes_only_what_changes(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(f.out_len, 6);
	fix_end(&f);
}

/* T2, contract 2: whatever the boundaries, and whatever the content */
static void test_t2_replay_any_boundaries(void **state)
{
	static const char in[] = "NOOP\r\nEXPN a\r\nRSET\r\nVRFY\r\n";
	static const char out[] = "NOOP\r\nXXXX a\r\nRSET\r\nXXXX\r\n";
	char evil[sizeof(in)];
	struct fix f;
	u32 a, n;

	(void)state;
	memset(evil, '?', sizeof(evil));
	for (a = 0; a < sizeof(in) - 1; a++) {
		for (n = 1; a + n < sizeof(in); n++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			client(&f, in, out);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, a, in + a, n), n);
			assert_memory_equal(f.out, out + a, n);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, a, evil, n), n);
			assert_memory_equal(f.out, out + a, n);
			assert_int_equal(host.counters[SMTP_FIXUP_CNT_SEGMENTS_REPLAYED], 2);
			fix_end(&f);
		}
	}
}

static void test_t2_replay_with_new_octets(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "EX", "XX");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN a\r\nRC"), 10);
	left(&f, "XXXX a\r\nRC");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 4, " b\r\nHELP\r\n"), 10);
	/* "RC" had left, and "LP" behind it is no verb */
	left(&f, " a\r\nRCXX\r\n");
	fix_end(&f);
}

static void test_t2_server_replay(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "220 mail ESMTP\r\n", "220 **********\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 4, "mail ESMTP\r\n"), 12);
	left(&f, "**********\r\n");
	fix_end(&f);
}

/* Contract 2: the far end need not have seen the ACK that the router saw */
static void test_t2_server_repeats_acked(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "220 mail.example here\r\n", "220 *****************\r\n");
	client(&f, "HELO a\r\n", "HELO a\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mail.example here\r\n"), 23);
	left(&f, "***********************");
	server(&f, "250 a\r\n", "250 a\r\n");
	f.no_acks = true;
	/* Of what is spoken to the server nothing is hidden */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "HELO a\r\n"), 8);
	left(&f, "HELO a\r\n");
	/* With what is not ACKed, and with what is new */
	assert_int_equal(fix_at(&f, SMTP_SERVER, 20, "e\r\n250 b\r\n251 "), 14);
	left(&f, "***250 a\r\n251 ");
	f.fail_write = true;
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mail"), -1);
	fix_end(&f);
}

/* A server that says 354 before it has the DATA line: the body begins while that
 * is in flight, and what follows the body is kept all the same.
 */
static void test_d1_t2_early_354(void **state)
{
	struct fix f;
	u32 data;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_open(&f);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	f.no_acks = true;
	data = f.at[SMTP_CLIENT];
	client(&f, "EXPN\r\nDATA\r\n", "XXXX\r\nDATA\r\n");
	server(&f, "500 a\r\n354 go\r\n", "500 a\r\n354 go\r\n");
	client(&f, "a\r\n.\r\n", "a\r\n.\r\n");
	client(&f, "Q", "Q");
	client(&f, "UIT\r\nEXPN\r\n", "UIT\r\nXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, data,
				"EXPN\r\nDATA\r\na\r\n.\r\nWIZ!\r\nEXPN\r\n"), 30);
	left(&f, "XXXX\r\nDATA\r\na\r\n.\r\nQUIT\r\nXXXX\r\n");
	fix_end(&f);
}

static void test_contract2_bounded(void **state)
{
	struct fix f;
	u32 kept = 0, i;
	int pass = 0;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	for (i = 0; i < 2000; i++) {
		pass = fix_at(&f, SMTP_CLIENT, kept, "NOOP some text\r\n");
		if (pass < 0)
			break;
		kept += pass;
		if (pass < 16)
			break;
	}
	assert_true(kept <= SMTP_REPLAY_MAX);
	assert_true(kept >= SMTP_REPLAY_MAX / 2);
	assert_true(host.peak <= 2 * SMTP_REPLAY_MAX);
	/* What is full goes on with the next ACK */
	fix_ack(&f, SMTP_CLIENT, kept);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, kept, "NOOP some text\r\n"), 16);
	fix_ack(&f, SMTP_CLIENT, kept + 16);
	assert_int_equal(host.bytes, 0);
	fix_end(&f);
}

/* One segment larger than the replay is cut, not dropped */
static void test_contract1_large_segment_is_cut(void **state)
{
	static char big[40001];
	struct fix f;
	u32 i;
	int pass;

	(void)state;
	for (i = 0; i + 8 < sizeof(big); i += 8)
		memcpy(big + i, "EXPN x\r\n", 8);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	pass = fix_segment(&f, SMTP_CLIENT, 0, big, 40000);
	assert_true(pass > 0 && pass <= SMTP_REPLAY_MAX);
	for (i = 0; i + 8 <= (u32)pass; i += 8)
		assert_memory_equal(f.out + i, "XXXX x\r\n", 8);
	fix_end(&f);
}

static void test_contract3_gap_in_command_state(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 6, "NOOP\r\n"), -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_SEGMENTS_DROPPED], 1);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 1, "20 x\r\n"), -1);
	server(&f, "220 x\r\n", "220 *\r\n");
	fix_end(&f);
}

static void test_contract3_body_ahead(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	/* What shows that it is no command passes */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 30, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_SEGMENTS_AHEAD], 2);
	/* What does not, ends of data and what may be half of one do not: T3 */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "short"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "abc\r\n.\r\nEXPN"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "abcde\n.\nfgh"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "\rbcdefghij"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, ".bcdefghij"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, ".\r\ndefghij"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "\n.cdefghij"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "\r\n.defghij"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 60, "\r\n\r\nfghij"), -1);
	/* The gap closes, and with the next the other one */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "ABCDEFGH\r\n"), 10);
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, CLIENT_ISN + at + 20);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20, "ABCDEFGH\r\n"), 10);
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, CLIENT_ISN + at + 40);
	/* ... and the state behind it is right: this is the end */
	f.at[SMTP_CLIENT] = at + 40;
	client(&f, ".\r\nEXPN\r\n", ".\r\nXXXX\r\n");
	fix_end(&f);
}

/* A line end passes ahead: what the gap ends with tells what it means (D3, D4) */
static void test_contract3_line_end_ahead(void **state)
{
#define MASK	SMTP_FIXUP_SMUGGLING_MASK
#define LOG	SMTP_FIXUP_SMUGGLING_LOG
#define DROP	SMTP_FIXUP_SMUGGLING_DROP
	static const struct {
		const char *gap, *out, *ahead;
		u8 smuggling;
	} gaps[] = {
		{ "ABCDEFGHIJ", "ABCDEFGHIJ", "\n:cdefghij", MASK },
		{ "ABCDEFGHIJ", "ABCDEFGHIJ", "\r\n:defghij", MASK },
		{ "ABCDEFGHI\r", "ABCDEFGHI\r", "\n:cdefghij", MASK },
		{ "ABCDEFGH\r\n", "ABCDEFGH\r\n", "\r\n:defghij", MASK },
		{ "ABCDEFGHI.", "ABCDEFGHI.", "\r\n:defghij", MASK },
		/* The end of data, and what is behind it has passed */
		{ "ABCDEF\r\n.\r", NULL, "\n:XPN xy\r\n", MASK },
		{ "ABCDEFG\r\n.", NULL, "\r\n:XPN x\r\n", MASK },
		/* Its likes: the dot has not left */
		{ "ABCDEFG\r\n.", "ABCDEFG\r\n ", "\n:XPN xy\r\n", MASK },
		{ "ABCDEFGH\n.", "ABCDEFGH\n ", "\n:XPN xy\r\n", MASK },
		{ "ABCDEFGH\n.", "ABCDEFGH\n ", "\r\n:XPN x\r\n", MASK },
		{ "ABCDEF\r\n.\r", "ABCDEF\r\n \r", "E\r\n:N xy\r\n", MASK },
		{ "ABCDEF\r\n.\r", "ABCDEF\r\n \r", "\r\n:XPN x\r\n", MASK },
		{ "ABCDEFG\r\n.", "ABCDEFG\r\n.", "\n:XPN xy\r\n", LOG },
		{ "ABCDEF\r\n.\r", "ABCDEF\r\n.\r", "\r\n:XPN x\r\n", LOG },
		{ "ABCDEFG\r\n.", NULL, "\r\n:XPN x\r\n", LOG },
		{ "ABCDEFG\r\n.", NULL, "\n:XPN xy\r\n", DROP },
	};

#undef MASK
#undef LOG
#undef DROP
	char out[11] = "";
	struct fix f;
	u32 at, i;

	(void)state;
	for (i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		u32 ahead = strlen(gaps[i].ahead);

		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.smuggling = gaps[i].smuggling;
		fix_body(&f);
		client(&f, "0123456789", "0123456789");
		at = f.at[SMTP_CLIENT];
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, gaps[i].ahead), ahead);
		/* Again as it was, or not at all: the gap is not closed yet */
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, gaps[i].ahead), ahead);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "x"),
				 gaps[i].ahead[0] == 'E' ? 1 : -1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "\n12345"),
				 gaps[i].ahead[0] == '\n' ? 6 : -1);
		if (!gaps[i].out) {
			assert_int_equal(fix_at(&f, SMTP_CLIENT, at, gaps[i].gap), -2);
			fix_end(&f);
			continue;
		}
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, gaps[i].gap), 10);
		memcpy(out, f.out, 10);
		assert_string_equal(out, gaps[i].out);
		assert_int_equal(f.flow.stream[SMTP_CLIENT].next,
				 CLIENT_ISN + at + 10 + ahead);
		/* ... and all of it again, in one piece */
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, gaps[i].gap), 10);
		memcpy(out, f.out, 10);
		assert_string_equal(out, gaps[i].out);
		/* No other copy of either part makes an end of data */
		if (gaps[i].out[9] == '.')
			assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "x"), -1);
		fix_end(&f);
	}
}

/* Two ranges meet at a line end, before the gap in front of both closes */
static void test_contract3_line_end_between_ranges(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20, "\r\n:defghij"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefghi."), 10);
	/* The dot has a line end behind it: so has a repetition */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefghi."), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "ABCDEFGHIJ"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefghi.\r\n:defghij"), 20);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefghi.xycdefghij"), -1);
	fix_end(&f);

	/* No end of data over both; what is like one loses its dot (D4) */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20, "\r\n:XPN x\r\n"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefg\r\n."), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefgh\n."), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "ABCDEFGHIJ"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcdefgh\n."), 10);
	assert_memory_equal(f.out, "abcdefgh\n ", 10);
	fix_end(&f);
}

/* The end of data in a gap behind which something has passed already */
static void test_contract3_end_in_a_gap(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "V\r\n: root\r\n"), 11);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "abcde\r\n.\r\n"), -2);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED], 1);
	/* And nothing more */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 21, "x"), -1);
	fix_end(&f);
}

/* Many losses in one window: what follows each of them passes, up to a bound */
static void test_contract3_many_gaps(void **state)
{
	struct fix f;
	u32 at, i;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	for (i = 0; i < SMTP_AHEAD_MAX; i++)
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i + 10, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i + 10, "abcd\r\n:h\r\n"), -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_SEGMENTS_AHEAD], SMTP_AHEAD_MAX);
	/* All gaps close, and the state behind the last is right */
	for (i = 0; i < SMTP_AHEAD_MAX; i++)
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i, "ABCDEFGH\r\n"), 10);
	f.at[SMTP_CLIENT] = at + 20 * i;
	client(&f, ".\r\nEXPN\r\n", ".\r\nXXXX\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	assert_null(f.flow.stream[SMTP_CLIENT].ahead);
	fix_end(&f);
}

static bool fail_always(void *arg)
{
	(void)arg;
	return true;
}

static bool fail_once(void *arg)
{
	(void)arg;
	host.fail = NULL;
	return true;
}

/* Where memory is short in the midst of a segment, the rest waits to come again,
 * though there were some at the next try: a line in two pieces is another line.
 */
static void test_v4_t2_memory_comes_back(void **state)
{
	static const char line[] = "XQ some words that nobody knows\r\n";
	u32 n, at;
	int pass;

	(void)state;
	/* The buffer of 256 octets has room for the first, and NOOP, at least */
	for (n = 256 - strlen(line); n <= 256 - 4; n++) {
		char first[256] = "NOOP ";
		struct fix f;

		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
		fix_open(&f);
		memset(first + 5, 'x', n - 7);
		memcpy(first + n - 2, "\r\n", 3);
		client(&f, first, first);
		at = f.at[SMTP_CLIENT];
		host.fail = fail_once;
		pass = fix_at(&f, SMTP_CLIENT, at, line);
		assert_int_not_equal(pass, strlen(line));
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), strlen(line));
		fix_end(&f);
	}
}

/* Without memory, what is beyond a gap is dropped, and the gap closes all the same */
static void test_contract3_gap_without_memory(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	host.fail = fail_always;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abc\r\n:ghij"), -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "ABCDEFGHIJ"), 10);
	host.fail = NULL;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abc\r\n:ghij"), 10);
	fix_end(&f);
}

/* What passes ahead of a gap leaves room for the marks of what closes it, or
 * nothing would be ACKed any more
 */
static void test_contract3_room_for_the_gap(void **state)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	struct fix f;
	u32 at, ahead;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789ABCDEF", "0123456789ABCDEF");
	at = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, at);
	for (ahead = at + 16; fix_at(&f, SMTP_CLIENT, ahead, dots) == 16; ahead += 16)
		assert_true(ahead - at < 2 * SMTP_MARKS_MAX);
	assert_true(ahead - at > SMTP_MARKS_MAX);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, dots), 16);
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, CLIENT_ISN + ahead);
	fix_end(&f);
}

/* One packet of a client that keeps to the RFCs is lost, whatever its size: T3.
 * Returns how many of those after it passed ahead.
 */
static u32 one_packet_is_lost(const char *text, u32 n, u32 size, u32 lost)
{
	struct fix f;
	u32 begin, at, k, ahead;

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_body(&f);
	begin = f.at[SMTP_CLIENT];
	for (at = 0; at < n; at += size) {
		k = n - at < size ? n - at : size;
		if (at / size == lost)
			continue;
		assert_int_not_equal(fix_segment(&f, SMTP_CLIENT, begin + at,
						 text + at, k), -2);
	}
	ahead = host.counters[SMTP_FIXUP_CNT_SEGMENTS_AHEAD];
	fix_ack(&f, SMTP_CLIENT, begin + size * lost);
	for (at = size * lost; at < n; at += size) {
		k = n - at < size ? n - at : size;
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, begin + at,
					     text + at, k), k);
		assert_memory_equal(f.out, text + at, k);
		fix_ack(&f, SMTP_CLIENT, begin + at + k);
	}
	fix_end(&f);
	return ahead;
}

/* RFC 2920: the next transaction is sent right after the final dot */
static void test_t3_pipelining_after_the_dot(void **state)
{
	static const char *const behind[] = {
		"QUIT\r\n", "RSET\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
		"rset\r\nmail from:<a@b>\r\nrcpt to:<x@y>\r\nNoop\r\n", "XXXXXXXXX\r\nXX z\r\n",
		"VRFY postmaster\r\n", "  RSET\r\n",
	};
	static const char *const bodies[] = {
		".\r\n", "x\r\n.\r\n", "Subject: a\r\n\r\nline by line\r\nMAIL\r\n..\r\n.\r\n",
	};
	char text[300];
	struct fix f;
	u32 i, k, size, lost, n, at;

	(void)state;
	for (i = 0; i < 7; i++) {
		for (k = 0; k < 3; k++) {
			n = sprintf(text, "%s%s", bodies[k], behind[i]);
			for (size = 1; size <= n; size++)
				for (lost = 0; lost * size < n; lost++)
					one_packet_is_lost(text, n, size, lost);
		}
	}
	/* Only the packet with the dot is lost, and what follows comes in one */
	for (i = 0; i < 7; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		fix_body(&f);
		client(&f, "x\r\n", "x\r\n");
		at = f.at[SMTP_CLIENT];
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3, behind[i]), -1);
		client(&f, ".\r\n", ".\r\n");
		client(&f, behind[i], behind[i]);
		fix_end(&f);
	}
}

/* ... with 80 recipients, after a body in full segments */
static void test_t3_recipients_after_a_bulk_body(void **state)
{
	static const u32 sizes[] = { 536, 1000, 1220, 1448, 1460 };
	static char text[40000];
	u32 i, size, lost, n = 0, body;

	(void)state;
	while (n < 29000)
		n += sprintf(text + n, "bGluZSAlMDV1IG9mIGEgZmlsZSBpbiBiYXNlNjQsIGFzIG1haWwgaGFzIGl0%07u\r\n", n);
	n += sprintf(text + n, ".\r\n");
	body = n;
	n += sprintf(text + n, "MAIL FROM:<sender@example.org> SIZE=29000\r\n");
	for (i = 0; i < 80; i++)
		n += sprintf(text + n, "RCPT TO:<user%u.with.a.name@department.example.com>\r\n", i);
	n += sprintf(text + n, "DATA\r\n");
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		size = sizes[i];
		for (lost = 0; lost * size < n; lost++) {
			u32 ahead = one_packet_is_lost(text, n, size, lost);

			/* What is of the body for certain did not have to wait */
			if ((lost + 2) * size < body)
				assert_int_equal(ahead, body / size - 1 - lost);
		}
	}
}

/* How many of @n segments pass ahead of a gap, made of @line again and again? */
static u32 bulk_ahead(const char *line, u32 n)
{
	static char big[1448 * 102];
	u32 len = strlen(line), i, at;
	struct fix f;

	for (i = 0; i < sizeof(big); i++)
		big[i] = line[i % len];
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	/* Two losses: from the first it is learned how long lines are */
	for (i = 0; i < 2; i++) {
		u32 seen = host.counters[SMTP_FIXUP_CNT_SEGMENTS_AHEAD], k;

		assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, big, 1448), 1448);
		for (k = 2; k < n + 2; k++)
			fix_segment(&f, SMTP_CLIENT, at + 1448 * k, big + 1448 * k, 1448);
		seen = host.counters[SMTP_FIXUP_CNT_SEGMENTS_AHEAD] - seen;
		for (k = 1; k < n + 2; k++)
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 1448 * k,
						     big + 1448 * k, 1448), 1448);
		at += 1448 * k;
		fix_ack(&f, SMTP_CLIENT, at);
		if (i) {
			fix_end(&f);
			return seen;
		}
	}
	return 0;
}

/* A loss does not stall bulk bodies, whatever their lines are */
static void test_t3_bulk_bodies_pass_ahead(void **state)
{
	static char long_line[3000];

	(void)state;
	memset(long_line, 'x', sizeof(long_line) - 1);
	assert_int_equal(bulk_ahead("bGluZSBvZiBiYXNlNjQgYXMgbWFpbCBoYXMgaXQgaW4gYW4gYXR0YWNobWVudCBv\r\n", 100), 100);
	assert_int_equal(bulk_ahead("It is prose that goes on and on for quite some time\r\nand has words first\r\n", 100), 100);
	assert_int_equal(bulk_ahead("Mail is what we write, and\r\nData, as ever, are few. We\r\nhelp\r\n", 100), 100);
	assert_int_equal(bulk_ahead("lines in LF\nalone\n", 100), 100);
	assert_int_equal(bulk_ahead(long_line, 100), 100);
	/* Every line may be a command */
	assert_int_equal(bulk_ahead("RCPT TO:<a@b>\r\nDATA\r\n", 100), 0);
}

/* A chunk may hold anything, and may follow the final dot, too: RFC 3030 */
static void test_t3_chunks_after_the_dot(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_verbs(&f.policy, f.policy.verbs | SMTP_VERB_BIT(BDAT));
	f.policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250 CHUNKING\r\n", "250-a\r\n250 CHUNKING\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "x\r\n", "x\r\n");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 50, "a\r\n:-) b\r\n"), -1);
	fix_end(&f);
}

/* A gap with more dots than there is room for closes as its octets are ACKed */
static void test_contract3_wide_gap(void **state)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	const u32 gap = 2 * SMTP_MARKS_MAX;
	struct fix f;
	u32 start, at, ahead;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456789ABCDEF", "0123456789ABCDEF");
	start = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, start);
	for (ahead = start + gap; fix_at(&f, SMTP_CLIENT, ahead, dots) == 16; ahead += 16)
		;
	/* Nothing is ACKed before nothing more passes */
	for (at = start; at - start < gap; ) {
		int pass = fix_at(&f, SMTP_CLIENT, at, dots + (at - start) % 16);

		if (pass > 0) {
			at += pass;
			continue;
		}
		assert_int_not_equal(pass, -2);
		assert_int_not_equal(f.flow.stream[SMTP_CLIENT].acked, CLIENT_ISN + at);
		fix_ack(&f, SMTP_CLIENT, at);
	}
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, CLIENT_ISN + ahead);
	fix_end(&f);
}

/* The same where no more memory is given */
static void test_contract3_room_without_memory(void **state)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	struct fix f;
	u32 at, ahead;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0.1.2.3.4.5.6.7.", "0.1.2.3.4.5.6.7.");
	at = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, at);
	host.fail = fail_always;
	for (ahead = at + 16; fix_at(&f, SMTP_CLIENT, ahead, dots) == 16; ahead += 16)
		assert_true(ahead - at < 2 * SMTP_MARKS_MAX);
	assert_true(fix_at(&f, SMTP_CLIENT, at, dots) > 0);
	host.fail = NULL;
	fix_end(&f);
}

/* Marks of what the far end has make room for those of what is in flight */
static void test_t2_contract6_marks_in_flight(void **state)
{
	static const char dots[] = "a.b.c.d.e.f.g.h.";
	const u32 window = 2 * (SMTP_MARKS_MAX - SMTP_MARKS_MAX / 4);
	struct fix f;
	u32 start, at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	start = f.at[SMTP_CLIENT];
	for (at = start; at - start < 8 * SMTP_MARKS_MAX; at += 16) {
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, dots), 16);
		if (at - start >= window)
			fix_ack(&f, SMTP_CLIENT, at - window);
	}
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 0);
	/* and those that are in flight are all there */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at - window, dots), 16);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at - window, "a.b.c.dee.f.g.h."), -1);
	fix_end(&f);
}

/* Least time, ns, for a segment of dots at a place; it is forgotten each time */
static u64 time_of_dots(struct fix *f, u32 at, const char *dots, u32 n)
{
	u64 least = ~0ull;
	int i;

	for (i = 0; i < 20; i++) {
		struct smtp_stream *st = &f->flow.stream[SMTP_CLIENT];
		const struct smtp_ahead before = st->ahead[0];
		struct timespec a, b;
		u64 ns;

		clock_gettime(CLOCK_MONOTONIC, &a);
		assert_int_equal(fix_segment(f, SMTP_CLIENT, at, dots, n), n);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
		if (ns < least)
			least = ns;
		smtp_marks_remove(st, CLIENT_ISN + at, CLIENT_ISN + at + n);
		st->nr_ahead = 1;
		st->ahead[0] = before;
	}
	return least;
}

/* Dots before many others that wait for a gap to close are not each moved there:
 * that took a thousand times as long
 */
static void test_contract6_dots_before_many(void **state)
{
	char dots[1448];
	struct fix f;
	u32 at, ahead;
	u64 few, many;

	(void)state;
	memset(dots, 'a', sizeof(dots));
	for (at = 1; at < sizeof(dots); at += 2)
		dots[at] = '.';
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "a", "a");
	at = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, at);
	ahead = at + 10000;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, ahead, "a\n:."), 4);
	few = time_of_dots(&f, at + 5000, dots, sizeof(dots));
	for (ahead += 4; ahead - at - 10000 < SMTP_MARKS_MAX; ahead += 1024)
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, ahead, dots, 1024), 1024);
	many = time_of_dots(&f, at + 5000, dots, sizeof(dots));
	if (many > 20 * few)
		fail_msg("%llu ns, not %llu", (unsigned long long)many,
			 (unsigned long long)few);
	fix_end(&f);
}

/* ... nor forgotten, where a mark before them is what closes the gap needs (D4) */
static void test_contract3_space_before_dots(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	client(&f, "0123456\r\n.", "0123456\r\n.");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:.H.I."), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "\r"), 1);
	assert_int_equal(f.out[0], ' ');
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:.H.I."), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:xH.I."), -1);
	fix_end(&f);
}

/* An ACK may fall into the middle of a segment, also before a line end */
static void test_contract2_ack_inside_a_body_segment(void **state)
{
	static const char text[] = "ab\r\n..c\r\n\r\n.d\n.e\r\nfg\r\n";
	struct fix f;
	u32 at, k;

	(void)state;
	for (k = 0; k < sizeof(text) - 1; k++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		at = f.at[SMTP_CLIENT];
		client(&f, text, text);
		fix_ack(&f, SMTP_CLIENT, at + k);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + k, text + k),
				 (int)strlen(text + k));
		left(&f, text + k);
		fix_end(&f);
	}
}

static void test_contract1_probes(void **state)
{
	struct fix f;
	u32 at;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	fix_ack(&f, SMTP_CLIENT, 6);
	assert_int_equal(host.bytes, 0);
	/* Keepalives, with rubbish and without */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 5, "?"), 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 5, ""), 0);
	/* A zero-window probe: one new octet, repeated with more */
	at = 6;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "N"), 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "N"), 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "NOOP\r\n"), 6);
	left(&f, "NOOP\r\n");
	fix_end(&f);
}

/* No memory: dropped, judged when it comes again */
static void test_contract6_no_memory(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	host.fail = fail_always;
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 0);
	host.fail = NULL;
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 1);
	fix_end(&f);
}

/* Likewise where there is a buffer, but it is full */
static void test_contract6_no_memory_for_more(void **state)
{
	static const char noops[] = "NOOP 7890123456789012345678901\r\n";
	struct fix f;
	u32 i;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.no_acks = true;
	for (i = 0; i < 8; i++)
		client(&f, noops, noops);
	host.fail = fail_always;
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	assert_int_equal(host.events[SMTP_FIXUP_EVENT_MEMORY_REFUSED], 1);
	host.fail = NULL;
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 1);
	fix_end(&f);
}

/* A window that is full is none of memory's business */
static void test_contract6_window_is_no_memory(void **state)
{
	static const char noops[] = "NOOP 7890123456789012345678901\r\n";
	struct fix f;
	u32 i;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.no_acks = true;
	for (i = 0; i < SMTP_REPLAY_MAX / (sizeof(noops) - 1); i++)
		client(&f, noops, noops);
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_MEMORY_REFUSED], 0);
	fix_end(&f);
}

static void test_contract6_write_fails(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.fail_write = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), -1);
	f.fail_write = false;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), 6);
	left(&f, "XXXX\r\n");
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_BYTES_MASKED], 3);
	fix_end(&f);
}

/* Nothing is held for a flow that has said nothing, or is up to date */
static void test_contract6_idle_holds_nothing(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	assert_int_equal(host.allocs, 0);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, ""), 0);
	assert_int_equal(host.allocs, 0);
	fix_open(&f);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	assert_int_equal(host.bytes, 0);
	assert_true(sizeof(struct smtp_flow) <= 512);
	fix_end(&f);
}

/* The FIN has a sequence number of its own */
static void test_contract1_ack_of_fin(void **state)
{
	struct fix f;

	(void)state;
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "QUIT\r\n", "QUIT\r\n");
	fix_ack(&f, SMTP_CLIENT, 7);
	assert_int_equal(host.bytes, 0);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 7, ""), 0);
	fix_end(&f);
}

int run_stream(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_t1_writes_only_what_changes),
		cmocka_unit_test(test_t2_replay_any_boundaries),
		cmocka_unit_test(test_t2_replay_with_new_octets),
		cmocka_unit_test(test_t2_server_replay),
		cmocka_unit_test(test_t2_server_repeats_acked),
		cmocka_unit_test(test_d1_t2_early_354),
		cmocka_unit_test(test_contract2_bounded),
		cmocka_unit_test(test_contract1_large_segment_is_cut),
		cmocka_unit_test(test_contract3_gap_in_command_state),
		cmocka_unit_test(test_contract3_body_ahead),
		cmocka_unit_test(test_contract3_line_end_ahead),
		cmocka_unit_test(test_contract3_line_end_between_ranges),
		cmocka_unit_test(test_contract3_many_gaps),
		cmocka_unit_test(test_v4_t2_memory_comes_back),
		cmocka_unit_test(test_contract3_gap_without_memory),
		cmocka_unit_test(test_t3_pipelining_after_the_dot),
		cmocka_unit_test(test_t3_recipients_after_a_bulk_body),
		cmocka_unit_test(test_t3_bulk_bodies_pass_ahead),
		cmocka_unit_test(test_t3_chunks_after_the_dot),
		cmocka_unit_test(test_contract3_end_in_a_gap),
		cmocka_unit_test(test_contract3_room_for_the_gap),
		cmocka_unit_test(test_contract3_wide_gap),
		cmocka_unit_test(test_contract3_room_without_memory),
		cmocka_unit_test(test_t2_contract6_marks_in_flight),
		cmocka_unit_test(test_contract6_dots_before_many),
		cmocka_unit_test(test_contract3_space_before_dots),
		cmocka_unit_test(test_contract2_ack_inside_a_body_segment),
		cmocka_unit_test(test_contract1_probes),
		cmocka_unit_test(test_contract6_no_memory),
		cmocka_unit_test(test_contract6_no_memory_for_more),
		cmocka_unit_test(test_contract6_window_is_no_memory),
		cmocka_unit_test(test_contract6_write_fails),
		cmocka_unit_test(test_contract6_idle_holds_nothing),
		cmocka_unit_test(test_contract1_ack_of_fin),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
