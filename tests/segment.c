// SPDX-License-Identifier: GPL-2.0-only
/* A segment under test. See segment.h. */
#include <stdlib.h>
#include <string.h>

#include "segment.h"

static struct test_segment *test_segment(struct smtp_segment *seg)
{
	return container_of(seg, struct test_segment, seg);
}

static void __attribute__((noreturn)) wrong(struct test_segment *g, const char *what)
{
	g->hooks->wrong(g, what);
	abort();
}

static const u8 *test_segment_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	struct test_segment *g = test_segment(seg);

	if (off >= seg->len)
		wrong(g, "read beyond the segment");
	if (g->wrote)
		wrong(g, "read after a change");
	*avail = seg->len - off;
	if (g->frag && *avail > g->frag - off % g->frag)
		*avail = g->frag - off % g->frag;
	return g->data + off;
}

/* Checks a change of @n octets from @off on. Returns whether it fails. */
static inline bool test_segment_change(struct test_segment *g, u32 off, u32 n)
{
	if (off > g->seg.len || n > g->seg.len - off)
		wrong(g, "changed beyond the segment");
	if (g->spliced)
		wrong(g, "changed after a splice");
	g->wrote = true;
	if (!g->hooks->fails || !g->hooks->fails(g))
		return false;
	g->failed = true;
	return true;
}

/* kmod/path/packet.c: a change far back in a large packet cuts it instead */
static u32 test_segment_lowers(struct test_segment *g, u32 off, const u8 *bytes, u32 n)
{
	u32 first = 0, end = n;

	if (!g->seg.mss || off > g->seg.len || n > g->seg.len - off)
		return 0;
	while (first < end && g->data[off + first] == bytes[first])
		first++;
	while (first < end && g->data[off + end - 1] == bytes[end - 1])
		end--;
	if (first == end || off + first < g->seg.mss || off + end <= g->pull)
		return 0;
	return (off + first) / g->seg.mss * g->seg.mss;
}

static int test_segment_write(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n)
{
	struct test_segment *g = test_segment(seg);
	u32 pass = g->pull ? test_segment_lowers(g, off, bytes, n) : 0;

	if (pass) {
		g->wrote = true;
		g->lowered = true;
		return pass;
	}
	if (test_segment_change(g, off, n))
		return -1;
	if (memcmp(g->data + off, bytes, n)) {
		memcpy(g->data + off, bytes, n);
		g->changes++;
	}
	return 0;
}

static int test_segment_cross(struct smtp_segment *seg, u32 off, u32 n)
{
	struct test_segment *g = test_segment(seg);
	u32 i;

	if (test_segment_change(g, off, n))
		return -1;
	for (i = off; i < off + n; i++)
		if (g->data[i] != '\r' && g->data[i] != '\n')
			g->data[i] = 'X';
	return 0;
}

static int test_segment_splice(struct smtp_segment *seg, u32 keep, const u8 *bytes, u32 n)
{
	struct test_segment *g = test_segment(seg);

	if (seg->pass > seg->len || keep > seg->pass)
		wrong(g, "a splice keeps more than passes");
	if (keep + n > seg->room)
		wrong(g, "T1: spliced to more than there is room for");
	if (seg->skip && (keep || seg->skip > seg->pass))
		wrong(g, "a splice keeps what stays behind");
	if (test_segment_change(g, 0, keep))
		return -1;
	g->spliced = g->hooks->splice(g, keep + n);
	memmove(g->spliced, g->data, keep);
	memcpy(g->spliced + keep, bytes, n);
	g->spliced_len = keep + n;
	return 0;
}

/* kmod/path/help.c: smtp_help_adjust() */
static void test_segment_adjust(struct smtp_segment *seg, u32 pos, s32 delta)
{
	struct test_segment *g = test_segment(seg);

	if (!g->adj || !seg->room || !delta)
		wrong(g, "adjusted where lengths stay");
	if (g->adj->seq[g->dir].offset_before != g->adj->seq[g->dir].offset_after)
		wrong(g, "contract 5: adjusted twice without an ACK");
	g->adjusted = true;
	seqadj_set(g->adj, g->dir, pos, delta);
	if (g->hooks->adjust)
		g->hooks->adjust(g, pos, delta);
}

/* kmod/path/help.c: smtp_help_settle() */
static void test_segment_settle(struct smtp_segment *seg)
{
	struct test_segment *g = test_segment(seg);

	if (!g->adj)
		wrong(g, "settled where lengths stay");
	if (g->hooks->settle)
		g->hooks->settle(g);
	seqadj_settle(g->adj, g->dir);
}

const struct smtp_segment_ops test_segment_ops = {
	.read = test_segment_read,
	.write = test_segment_write,
	.cross = test_segment_cross,
	.splice = test_segment_splice,
	.adjust = test_segment_adjust,
	.settle = test_segment_settle,
};
