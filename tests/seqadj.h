/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conntrack's own adjustment of sequence numbers, without SACK: one position and two
 * offsets for each direction. As net/netfilter/nf_conntrack_seqadj.c of Linux 6.1,
 * unchanged since 3.12: the signs, comparisons and their order are the kernel's. What
 * kmod/path/help.c calls is at the end.
 */
#ifndef _TESTS_SEQADJ_H
#define _TESTS_SEQADJ_H

#include "../kmod/core/base/host.h"

struct seqadj_way {
	u32 correction_pos;
	s32 offset_before;
	s32 offset_after;
};

struct seqadj {
	struct seqadj_way seq[2];	/* by enum smtp_dir */
};

/* include/net/tcp.h: after() */
static inline bool seqadj_after(u32 a, u32 b)
{
	return (s32)(b - a) < 0;
}

/* nf_ct_seqadj_set() */
static inline void seqadj_set(struct seqadj *s, int dir, u32 seq, s32 off)
{
	struct seqadj_way *this_way = &s->seq[dir];

	if (off == 0)
		return;
	if (this_way->offset_before == this_way->offset_after ||
	    seqadj_after(seq, this_way->correction_pos)) {
		this_way->correction_pos = seq;
		this_way->offset_before = this_way->offset_after;
		this_way->offset_after += off;
	}
}

/* nf_ct_seq_adjust() for one packet of direction @dir */
static inline void seqadj_adjust(const struct seqadj *s, int dir, u32 *seq,
				 u32 *ack)
{
	const struct seqadj_way *this_way = &s->seq[dir];
	const struct seqadj_way *other_way = &s->seq[!dir];
	s32 seqoff, ackoff;

	if (seqadj_after(*seq, this_way->correction_pos))
		seqoff = this_way->offset_after;
	else
		seqoff = this_way->offset_before;
	*seq += seqoff;
	if (!ack)
		return;
	if (seqadj_after(*ack - other_way->offset_before,
			 other_way->correction_pos))
		ackoff = other_way->offset_after;
	else
		ackoff = other_way->offset_before;
	*ack -= ackoff;
}

/* smtp_help_settle() */
static inline void seqadj_settle(struct seqadj *s, int dir)
{
	s->seq[dir].offset_before = s->seq[dir].offset_after;
}

#endif /* _TESTS_SEQADJ_H */
