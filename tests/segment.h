/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A segment under test: its payload lies in memory. The unit tests, the simulator,
 * the fuzzer and the benchmark hand these to the core, as kmod/path/packet.c hands
 * its packets. What smtp_segment_ops promises is checked here.
 */
#ifndef _TESTS_SEGMENT_H
#define _TESTS_SEGMENT_H

#include "../kmod/core/tcp/segment.h"
#include "seqadj.h"

struct test_segment;

/**
 * struct test_segment_hooks - what a driver adds
 * @wrong: the core has broken the contract; does not return
 * @fails: does this change fail, for want of memory? NULL: none does
 * @splice: memory for what leaves instead of the payload; it may be the payload's
 * @adjust: after conntrack was told of an edit, or NULL
 * @settle: before conntrack forgets the offset before an edit, or NULL
 */
struct test_segment_hooks {
	void (*wrong)(struct test_segment *g, const char *what);
	bool (*fails)(struct test_segment *g);
	u8 *(*splice)(struct test_segment *g, u32 n);
	void (*adjust)(struct test_segment *g, u32 pos, s32 delta);
	void (*settle)(struct test_segment *g);
};

/**
 * struct test_segment - a segment and what the core does to it
 * @seg: the segment; @seg.ops is %test_segment_ops
 * @hooks: the driver's
 * @adj: conntrack's offsets of the connection, NULL: lengths stay
 * @data: the payload, changed in place
 * @dir: which way it goes
 * @frag: octets of one piece of the payload, 0: all of it is one
 * @pull: a large packet that would have to change beyond so many octets is cut
 *	instead, as kmod/path/packet.c does; 0: none is
 * @wrote: result: a change was asked for; nothing is read any more
 * @changes: result: how many changed an octet
 * @failed: result: one failed
 * @lowered: result: one was refused, for @pull
 * @adjusted: result: the length changed
 * @spliced: result: what leaves instead of @data, or NULL
 * @spliced_len: octets of it
 */
struct test_segment {
	struct smtp_segment seg;
	const struct test_segment_hooks *hooks;
	struct seqadj *adj;
	u8 *data;
	enum smtp_dir dir;
	u32 frag;
	u32 pull;

	bool wrote;
	u32 changes;
	bool failed;
	bool lowered;
	bool adjusted;
	u8 *spliced;
	u32 spliced_len;
};

extern const struct smtp_segment_ops test_segment_ops;

#endif /* _TESTS_SEGMENT_H */
