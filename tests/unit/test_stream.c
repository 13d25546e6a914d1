// SPDX-License-Identifier: GPL-2.0-only
/* The stream: T1, T2, docs/design.md "The stream contract" points 1-3 and 6. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../kmod/core/data/marks.h"
#include "unit.h"

/* T1: the length never changes, and what does not change is not written */
TEST("T1", "writes only what changes", FIXUP)
{
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(f.out_len, 6);
}

/* T2, contract 2: whatever the boundaries, and whatever the content */
TEST("T2", "a retransmission with any boundaries", NONE)
{
	static const char in[] = "NOOP\r\nEXPN a\r\nRSET\r\nVRFY\r\n";
	static const char out[] = "NOOP\r\nXXXX a\r\nRSET\r\nXXXX\r\n";
	char evil[sizeof(in)];
	u32 a, n;

	memset(evil, '?', sizeof(evil));
	for (a = 0; a < sizeof(in) - 1; a++) {
		for (n = 1; a + n < sizeof(in); n++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			client(&f, in, out);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, a, in + a, n), n);
			assert_memory_equal(f.out, out + a, n);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, a, evil, n), n);
			assert_memory_equal(f.out, out + a, n);
			assert_int_equal(COUNT(SEGMENTS_REPLAYED), 2);
			fix_end(&f);
		}
	}
}

TEST("T2", "a retransmission with new octets", FIXUP)
{
	client(&f, "EX", "XX");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN a\r\nRC"), 10);
	left(&f, "XXXX a\r\nRC");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 4, " b\r\nHELP\r\n"), 10);
	/* "RC" had left, and "LP" behind it is no verb */
	left(&f, " a\r\nRCXX\r\n");
}

TEST("T2", "a server's retransmission", FIXUP)
{
	server(&f, "220 mail ESMTP\r\n", "220 **********\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 4, "mail ESMTP\r\n"), 12);
	left(&f, "**********\r\n");
}

/* Contract 2: the far end need not have seen the ACK that the router saw */
TEST("T2", "server repeats ACKed", FIXUP)
{
	server(&f, "220 mail.example here\r\n", "220 *****************\r\n");
	client(&f, "HELO a\r\n", "HELO a\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mail.example here\r\n"), 23);
	left(&f, "***********************");
	server(&f, "250 a\r\n", "250 a\r\n");
	f.no_acks = true;
	/* H4 */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "HELO a\r\n"), 8);
	left(&f, "********");
	/* With what is not ACKed, and with what is new */
	assert_int_equal(fix_at(&f, SMTP_SERVER, 20, "e\r\n250 b\r\n251 "), 14);
	left(&f, "***250 a\r\n251 ");
	f.fail_write = true;
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mail"), -1);
}

/* A server that says 354 before it has the DATA line: the body begins while that
 * is in flight, and what follows the body is kept all the same.
 */
TEST("D1 T2", "early 354", FIXUP)
{
	u32 data;

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
}

TEST("contract 2", "bounded", FIXUP)
{
	u32 kept = 0, i;
	int pass = 0;

	for (i = 0; i < 2000; i++) {
		pass = fix_at(&f, SMTP_CLIENT, kept, "NOOP some text\r\n");
		if (pass < 0)
			break;
		kept += pass;
		if (pass < 16)
			break;
	}
	assert_true(kept <= SMTP_UNACKED_MAX);
	assert_true(kept >= SMTP_UNACKED_MAX / 2);
	assert_true(host.peak <= 2 * SMTP_UNACKED_MAX);
	/* What is full goes on with the next ACK */
	fix_ack(&f, SMTP_CLIENT, kept);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, kept, "NOOP some text\r\n"), 16);
	fix_ack(&f, SMTP_CLIENT, kept + 16);
	assert_int_equal(host.bytes, 0);
}

/* One segment larger than what is kept is cut, not dropped */
TEST("contract 1", "large segment is cut", NONE)
{
	static char big[40001];
	u32 i;
	int pass;

	for (i = 0; i + 8 < sizeof(big); i += 8)
		memcpy(big + i, "EXPN x\r\n", 8);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	pass = fix_segment(&f, SMTP_CLIENT, 0, big, 40000);
	assert_true(pass > 0 && pass <= SMTP_UNACKED_MAX);
	for (i = 0; i + 8 <= (u32)pass; i += 8)
		assert_memory_equal(f.out + i, "XXXX x\r\n", 8);
}

TEST("contract 3", "gap in command state", FIXUP)
{
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 6, "NOOP\r\n"), -1);
	assert_int_equal(COUNT(SEGMENTS_DROPPED), 1);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, 1, "20 x\r\n"), -1);
	server(&f, "220 x\r\n", "220 *\r\n");
}

TEST("contract 3", "body ahead", FIXUP)
{
	u32 at;

	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	/* What shows that it is no command passes */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 30, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(COUNT(SEGMENTS_AHEAD), 2);
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
}

/* A line end passes ahead: what the gap ends with tells what it means (D3, D4) */
TEST("contract 3", "line end ahead", NONE)
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
	u32 at, i;

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
TEST("contract 3", "line end between ranges", NONE)
{
	u32 at;

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
}

/* The end of data in a gap behind which something has passed already */
TEST("contract 3", "end in a gap", FIXUP)
{
	u32 at;

	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "V\r\n: root\r\n"), 11);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "abcde\r\n.\r\n"), -2);
	assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
	/* And nothing more */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 21, "x"), -1);
}

/* Many losses in one window: what follows each of them passes, up to a bound */
TEST("contract 3", "many gaps", FIXUP)
{
	u32 at, i;

	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	for (i = 0; i < SMTP_EARLY_MAX; i++)
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i + 10, "abcd\r\n:h\r\n"), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i + 10, "abcd\r\n:h\r\n"), -1);
	assert_int_equal(COUNT(SEGMENTS_AHEAD), SMTP_EARLY_MAX);
	/* All gaps close, and the state behind the last is right */
	for (i = 0; i < SMTP_EARLY_MAX; i++)
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 20 * i, "ABCDEFGH\r\n"), 10);
	f.at[SMTP_CLIENT] = at + 20 * i;
	client(&f, ".\r\nEXPN\r\n", ".\r\nXXXX\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	assert_null(f.flow.body.early);
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
TEST("V4 T2", "memory comes back", NONE)
{
	static const char line[] = "XQ some words that nobody knows\r\n";
	u32 n, at;
	int pass;

	/* The buffer of 256 octets has room for the first, and NOOP, at least */
	for (n = 256 - strlen(line); n <= 256 - 4; n++) {
		char first[256] = "NOOP ";

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
		assert_int_equal(COUNT(MEMORY_REFUSED), 1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, line), strlen(line));
		fix_end(&f);
	}
}

/* Without memory, what is beyond a gap is dropped, and the gap closes all the same */
TEST("contract 3", "gap without memory", FIXUP)
{
	u32 at;

	fix_body(&f);
	client(&f, "0123456789", "0123456789");
	at = f.at[SMTP_CLIENT];
	host.fail = fail_always;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abc\r\n:ghij"), -1);
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "ABCDEFGHIJ"), 10);
	host.fail = NULL;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 10, "abc\r\n:ghij"), 10);
}

/* What passes ahead of a gap leaves room for the marks of what closes it, or
 * nothing would be ACKed any more
 */
TEST("contract 3", "room for the gap", FIXUP)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	u32 at, ahead;

	fix_body(&f);
	client(&f, "0123456789ABCDEF", "0123456789ABCDEF");
	at = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, at);
	for (ahead = at + 16; fix_at(&f, SMTP_CLIENT, ahead, dots) == 16; ahead += 16)
		assert_true(ahead - at < 2 * SMTP_MARKS_MAX);
	assert_true(ahead - at > SMTP_MARKS_MAX / 2);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, dots), 16);
	assert_int_equal(f.flow.stream[SMTP_CLIENT].next, CLIENT_ISN + ahead);
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
	ahead = COUNT(SEGMENTS_AHEAD);
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
TEST("T3", "pipelining after the dot", NONE)
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
	u32 i, k, size, lost, n, at;

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
TEST("T3", "recipients after a bulk body", NONE)
{
	static const u32 sizes[] = { 536, 1000, 1220, 1448, 1460 };
	static char text[40000];
	u32 i, size, lost, n = 0, body;

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
		u32 seen = COUNT(SEGMENTS_AHEAD), k;

		assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, big, 1448), 1448);
		for (k = 2; k < n + 2; k++)
			fix_segment(&f, SMTP_CLIENT, at + 1448 * k, big + 1448 * k, 1448);
		seen = COUNT(SEGMENTS_AHEAD) - seen;
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
TEST("T3", "bulk bodies pass ahead", NONE)
{
	static char long_line[3000];

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
TEST("T3", "chunks after the dot", ESMTP)
{
	u32 at;

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
}

/* A gap with more dots than there is room for closes as its octets are ACKed */
TEST("contract 3", "wide gap", FIXUP)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	const u32 gap = 2 * SMTP_MARKS_MAX;
	u32 start, at, ahead;

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
}

/* The same where no more memory is given */
TEST("contract 3", "room without memory", FIXUP)
{
	static const char dots[] = "a.b.c.d.e.f.g\n:.";
	u32 at, ahead;

	fix_body(&f);
	client(&f, "0.1.2.3.4.5.6.7.", "0.1.2.3.4.5.6.7.");
	at = f.at[SMTP_CLIENT];
	fix_ack(&f, SMTP_CLIENT, at);
	host.fail = fail_always;
	for (ahead = at + 16; fix_at(&f, SMTP_CLIENT, ahead, dots) == 16; ahead += 16)
		assert_true(ahead - at < 2 * SMTP_MARKS_MAX);
	assert_true(fix_at(&f, SMTP_CLIENT, at, dots) > 0);
	host.fail = NULL;
}

/* A dot that the far end has, and the octets behind it that it may not have: what
 * comes again must not end the data there (D4). Nor behind a dot and CR.
 */
TEST("T2 D4", "dot right before what is ACKed", NONE)
{
	static const char *const starts[] = { "a\r\n.", "a\r\n.\r" };
	u32 i;

	for (i = 0; i < 2; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.smuggling = SMTP_FIXUP_SMUGGLING_LOG;
		fix_body(&f);
		client(&f, starts[i], starts[i]);
		fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
		client(&f, "xyz", "xyz");
		assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] - 3,
					i ? "\nqr" : "\r\nq"), -1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] - 3, "xyz"), 3);
		fix_end(&f);
	}
}

/* Marks of what the far end has make room for those of what is in flight */
TEST("T2 contract 6", "marks in flight", FIXUP)
{
	static const char dots[] = "a.b.c.d.e.f.g.h.";
	const u32 window = SMTP_MARKS_MAX / 4 * 3;
	u32 start, at;

	fix_body(&f);
	start = f.at[SMTP_CLIENT];
	for (at = start; at - start < 4 * SMTP_MARKS_MAX; at += 16) {
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, dots), 16);
		if (at - start >= window)
			fix_ack(&f, SMTP_CLIENT, at - window);
	}
	assert_int_equal(COUNT(MEMORY_REFUSED), 0);
	/* and those that are in flight are all there */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at - window, dots), 16);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at - window, "a.b.c.dee.f.g.h."), -1);
}

/* H5: memory that a greedy connection had to give back. What is in order goes on,
 * and what was in flight does not pass again.
 */
TEST("H5", "forgotten", FIXUP)
{
	static const char dots[] = "a.b.c.d.e.f.g.h.";
	u32 start, end, i;

	fix_body(&f);
	assert_false(smtp_flow_forget(&f.flow, HOST_OF(&f.flow)));
	start = f.at[SMTP_CLIENT];
	for (i = 0; i < 100; i++)
		client(&f, dots, dots);
	end = f.at[SMTP_CLIENT];
	assert_int_not_equal(host.held[SMTP_MEMORY_BODY], 0);
	assert_true(smtp_flow_forget(&f.flow, HOST_OF(&f.flow)));
	assert_int_equal(host.held[SMTP_MEMORY_BODY], 0);
	client(&f, dots, dots);
	/* Nothing is known of the first, and the last may complete the second */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end - 16, dots), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end, dots), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end + 1, dots + 1), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end + 2, dots + 2), 14);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end + 2, "c.d.e.f\r\n.\r\n"), -1);
	assert_int_equal(COUNT(BODY_REWRITES_REFUSED), 1);
	/* What is ACKed is of no more use, and need not be known */
	fix_ack(&f, SMTP_CLIENT, end - 16);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, start, dots), 16);
	fix_ack(&f, SMTP_CLIENT, end + 2);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, end, dots), 16);
	client(&f, "\r\n.\r\nEXPN\r\n", "\r\n.\r\nXXXX\r\n");
	server(&f, "250 ok\r\n", "250 ok\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
}

/* H5: a dot that is forgotten, and all that could complete an end of data with it */
TEST("H5", "no end behind what is forgotten", NONE)
{
	static const struct {
		const char *first, *next, *again;
		u32 from;
	} cases[] = {
		{ "x\r\n.", "aaaa", "\r\naa", 0 },
		{ "x\r\n.", "\raaa", "\naa", 1 },
		{ "x\r\n.\r", "aaaa", "\naaa", 0 },
		{ "x\r\n", "aaaa", ".\r\na", 0 },
		{ "x\r\n", ".aaa", "\r\na", 1 },
		{ "x\n.", "aaaa", "\naaa", 0 },
	};
	static const u8 smuggling[] = {
		SMTP_FIXUP_SMUGGLING_OFF, SMTP_FIXUP_SMUGGLING_MASK,
	};
	u32 i, k, at;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (k = 0; k < sizeof(smuggling); k++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			f.policy.smuggling = smuggling[k];
			fix_body(&f);
			client(&f, "a.b", "a.b");
			at = f.at[SMTP_CLIENT];
			fix_at(&f, SMTP_CLIENT, at, cases[i].first);
			assert_true(smtp_flow_forget(&f.flow, HOST_OF(&f.flow)));
			at += strlen(cases[i].first);
			fix_at(&f, SMTP_CLIENT, at, cases[i].next);
			assert_int_equal(fix_at(&f, SMTP_CLIENT, at + cases[i].from,
						cases[i].again), -1);
			fix_end(&f);
		}
	}
}

/* H5: a sender that needs the repetition is told so, and need not wait for long */
TEST("H5", "repeated in vain", FIXUP)
{
	u32 at;
	int i;

	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	client(&f, "a.b.c", "a.b.c");
	smtp_flow_forget(&f.flow, HOST_OF(&f.flow));
	for (i = 1; i < SMTP_STALLS_MAX; i++)
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a.b.c"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a.b.c"), -2);
	assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
	assert_int_equal(COUNT(BODY_REWRITES_REFUSED), 0);
}

/* H5: without its commands in flight a connection ends, and holds nothing */
TEST("H5", "given up", FIXUP)
{
	client(&f, "NOOP\r\nEXPN\r\n", "NOOP\r\nXXXX\r\n");
	assert_int_not_equal(host.held[SMTP_MEMORY_COMMANDS], 0);
	assert_true(smtp_flow_give_up(&f.flow, HOST_OF(&f.flow)));
	assert_int_equal(host.bytes, 0);
	assert_false(smtp_flow_give_up(&f.flow, HOST_OF(&f.flow)));
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 12, "EXPN\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_SERVER, 0, "220 mx\r\n"), -1);
	assert_true(smtp_flow_finished(&f.flow));
	assert_int_equal(smtp_flow_ended(&f.flow), SMTP_DESYNC);
}

/* Contract 6: a packet of commands that are each told of takes little time, and
 * what is left of it comes again
 */
TEST("T2", "contract 6: events of one packet", FIXUP)
{
	enum { LINES = 2000 };
	static char in[3 * LINES + 1], out[3 * LINES + 1];
	u32 at = 0, packets = 0;
	int i;

	for (i = 0; i < LINES; i++) {
		memcpy(in + 3 * i, "x\r\n", 3);
		memcpy(out + 3 * i, "X\r\n", 3);
	}
	while (at < 3 * LINES) {
		int n = fix_segment(&f, SMTP_CLIENT, at, in + at, 3 * LINES - at);

		assert_in_range(n, 1, 3 * SMTP_EVENTS_MAX);
		assert_memory_equal(f.out, out + at, n);
		at += n;
		packets++;
	}
	assert_int_equal(packets, LINES / SMTP_EVENTS_MAX + 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), LINES);
	assert_int_equal(COUNT(SEGMENTS_CUT), packets - 1);
}

/* Likewise replies */
TEST("T2", "contract 6: events of one packet of replies", FIXUP)
{
	enum { LINES = 2000 };
	static char in[3 * LINES + 1];
	int i, n;

	for (i = 0; i < LINES; i++)
		memcpy(in + 3 * i, "x\r\n", 3);
	server(&f, "220 mx\r\n", "220 **\r\n");
	n = fix_segment(&f, SMTP_SERVER, 8, in, 3 * LINES);
	assert_in_range(n, 3, 3 * SMTP_EVENTS_MAX);
}

/* H5: what had passed ahead of a gap is forgotten, too; the gap still closes */
TEST("H5", "gap closes", NONE)
{
	char full[1000];
	u32 at;

	memset(full, 'b', sizeof(full));
	memcpy(full + 500, ".\r\n=2E", 6);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	f.no_acks = true;
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, full, 1000), 1000);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 2000, full, 1000), 1000);
	assert_true(smtp_flow_forget(&f.flow, HOST_OF(&f.flow)));
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 2000, full, 1000), -1);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 1000, full, 1000), 1000);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 1000, full, 1000), -1);
	/* It may have had a dot behind this octet, and had */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 2499, "\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3000, "\r\n.\r\nEXPN\r\n"), 11);
	left(&f, "\r\n.\r\nXXXX\r\n");
}

/* Least time, ns, for a segment of dots at a place; it is forgotten each time */
static u64 time_of_dots(struct fix *f, u32 at, const char *dots, u32 n)
{
	u64 least = ~0ull;
	int i;

	for (i = 0; i < 20; i++) {
		struct smtp_body *body = &f->flow.body;
		const struct smtp_early before = body->early[0];
		struct timespec a, b;
		u64 ns;

		clock_gettime(CLOCK_MONOTONIC, &a);
		assert_int_equal(fix_segment(f, SMTP_CLIENT, at, dots, n), n);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000ll + b.tv_nsec - a.tv_nsec;
		if (ns < least)
			least = ns;
		smtp_marks_remove(body, HOST_OF(&f->flow), CLIENT_ISN + at,
				  CLIENT_ISN + at + n);
		body->nr_early = 1;
		body->early[0] = before;
	}
	return least;
}

/* Dots before many others that wait for a gap to close are not each moved there:
 * that took a thousand times as long
 */
TEST("contract 6", "dots before many", NONE)
{
	char dots[1448];
	u32 at, ahead;
	u64 few, many;

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
	for (ahead += 4; ahead - at - 10000 < SMTP_MARKS_MAX / 2; ahead += 1024)
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, ahead, dots, 1024), 1024);
	many = time_of_dots(&f, at + 5000, dots, sizeof(dots));
	if (many > 20 * few)
		fail_msg("%llu ns, not %llu", (unsigned long long)many,
			 (unsigned long long)few);
}

/* ... nor forgotten, where a mark before them is what closes the gap needs (D4) */
TEST("contract 3", "space before dots", FIXUP)
{
	u32 at;

	fix_body(&f);
	client(&f, "0123456\r\n.", "0123456\r\n.");
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:.H.I."), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "\r"), 1);
	assert_int_equal(f.out[0], ' ');
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:.H.I."), 10);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "E.F\n:xH.I."), -1);
}

/* An ACK may fall into the middle of a segment, also before a line end */
TEST("contract 2", "ACK inside a body segment", NONE)
{
	static const char text[] = "ab\r\n..c\r\n\r\n.d\n.e\r\nfg\r\n";
	u32 at, k;

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

TEST("contract 1", "probes", FIXUP)
{
	u32 at;

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
}

/* No memory: dropped, judged when it comes again */
TEST("contract 6", "no memory", FIXUP)
{
	host.fail = fail_always;
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 0);
	host.fail = NULL;
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
}

/* Likewise where there is a buffer, but it is full */
TEST("contract 6", "no memory for more", FIXUP)
{
	static const char noops[] = "NOOP 7890123456789012345678901\r\n";
	u32 i;

	f.no_acks = true;
	for (i = 0; i < 8; i++)
		client(&f, noops, noops);
	host.fail = fail_always;
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
	assert_int_equal(host.events[SMTP_FIXUP_EVENT_MEMORY_REFUSED], 1);
	host.fail = NULL;
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_int_equal(COUNT(MEMORY_REFUSED), 1);
}

/* A window that is full is none of memory's business */
TEST("contract 6", "window is no memory", FIXUP)
{
	static const char noops[] = "NOOP 7890123456789012345678901\r\n";
	u32 i;

	f.no_acks = true;
	for (i = 0; i < SMTP_UNACKED_MAX / (sizeof(noops) - 1); i++)
		client(&f, noops, noops);
	client_cut(&f, "EXPN\r\n", -1);
	assert_int_equal(COUNT(MEMORY_REFUSED), 0);
}

TEST("contract 6", "write fails", FIXUP)
{
	f.fail_write = true;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), -1);
	f.fail_write = false;
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), 6);
	left(&f, "XXXX\r\n");
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 1);
	assert_int_equal(COUNT(BYTES_MASKED), 3);
}

/* Nothing is held for a flow that has said nothing, or is up to date */
TEST("contract 6", "idle holds nothing", ESMTP)
{
	assert_int_equal(host.allocs, 0);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, ""), 0);
	assert_int_equal(host.allocs, 0);
	fix_open(&f);
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	assert_int_equal(host.bytes, 0);
	assert_true(sizeof(struct smtp_flow) <= 512);
}

/* The FIN has a sequence number of its own */
TEST("contract 1", "ACK of FIN", FIXUP)
{
	client(&f, "QUIT\r\n", "QUIT\r\n");
	fix_ack(&f, SMTP_CLIENT, 7);
	assert_int_equal(host.bytes, 0);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 7, ""), 0);
}

/* T2: no window is larger than 2^30 (RFC 7323, 2.3). Further away, before and
 * behind can't be told.
 */
TEST("T2", "beyond any window", NONE)
{
	static const char text[] = "of a body\r\n- and this is no verb\r\n";
	const u32 far[] = {
		SMTP_WINDOW_MAX, 0x7fffffff, 0x80000000, 0x80000001, 0x80000101, -SMTP_WINDOW_MAX,
	};
	u32 i, n;

	for (i = 0; i < 2 * sizeof(far) / sizeof(*far); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.observe = i % 2;
		fix_body(&f);
		f.no_acks = true;
		n = f.at[SMTP_CLIENT] + far[i / 2];
		/* What is behind is a repetition, and harmless */
		if (f.policy.observe || far[i / 2] > 0x80000000)
			fix_at(&f, SMTP_CLIENT, n, text);
		else
			assert_int_equal(fix_at(&f, SMTP_CLIENT, n, text) > 0,
					 far[i / 2] <= SMTP_WINDOW_MAX);
		fix_at(&f, SMTP_CLIENT, n + sizeof(text) - 1, text);
		/* With one that has passed ahead of a gap */
		fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + 100, text);
		fix_at(&f, SMTP_CLIENT, n, text);
		client(&f, "a\r\n", "a\r\n");
		assert_int_equal(f.flow.stream[SMTP_CLIENT].next - CLIENT_ISN,
				 f.at[SMTP_CLIENT]);
		fix_end(&f);
	}
}
