/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stream: one direction of a connection, TCP segments to bytes in order and back.
 *
 * Commands and replies are kept as they left, until the far end has ACKed them
 * (unacked.h). Every later copy is overwritten with the kept bytes: the first copy wins.
 * docs/design.md, "The stream contract", points 1, 2 and 5.
 */
#ifndef _SMTP_CORE_STREAM_H
#define _SMTP_CORE_STREAM_H

#include "edit.h"
#include "unacked.h"
#include "segment.h"

/* Octets in flight at most: RFC 7323, 2.3 */
#define SMTP_WINDOW_MAX	0x40000000U

#define SMTP_HOLD_EXHAUSTED	0xffff	/* waiting did not help: hold nothing back */

/**
 * struct smtp_stream - one direction
 * @next: sequence number of the next octet to judge
 * @acked: the far end has everything before this
 * @skip_start: first octet of the last run that is not read: a chunk, D6
 * @skip_end: after its last octet; @next has been there since it began
 * @crossed: chunks before it leave crossed out, but for smtp_flow.uncrossed: H7
 * @held: bytes at @next withheld so that the sender retransmits them with more
 *	data (E1), or %SMTP_HOLD_EXHAUSTED
 * @edit: the map from @next and @acked, as sent, to what leaves
 * @unacked: command bytes in flight, numbered as they leave
 */
struct smtp_stream {
	u32 next;
	u32 acked;
	u32 skip_start;
	u32 skip_end;
	u32 crossed;
	u16 held;
	struct smtp_edit edit;
	struct smtp_unacked unacked;
};

/**
 * smtp_stream_far() - is a segment further away than any window reaches?
 * @st: its direction
 * @seg: the segment
 *
 * Such sequence numbers can't be ordered. conntrack drops these segments, unless
 * nf_conntrack_tcp_be_liberal is set.
 *
 * Return: whether it is.
 */
static inline bool smtp_stream_far(const struct smtp_stream *st,
				   const struct smtp_segment *seg)
{
	return seg->seq - st->acked + SMTP_WINDOW_MAX > 2 * SMTP_WINDOW_MAX;
}

/**
 * smtp_stream_begin() - from where on does a segment leave if its length changes?
 * @st: its direction
 * @seg: the segment, none of whose octets are beyond a gap
 *
 * ACKed octets at its front stay behind, if all that follow are kept: they would take the
 * room of others.
 *
 * Return: sequence number, as it was sent.
 */
static inline u32 smtp_stream_begin(const struct smtp_stream *st,
				    const struct smtp_segment *seg)
{
	const struct smtp_unacked *r = &st->unacked;
	u32 kept = r->len ? r->seq : smtp_edit_out(&st->edit, st->next);

	return kept == smtp_edit_out(&st->edit, st->acked) ?
	       smtp_seq_max(seg->seq, st->acked) : seg->seq;
}

/**
 * smtp_stream_left() - up to where have all octets left?
 * @st: the direction
 *
 * Of a chunk in flight, which counts as judged once it is announced, some may be to come.
 * The rest of a packet that was cut is not considered: %SMTP_HOLDS_REST.
 *
 * Return: sequence number, as sent.
 */
static inline u32 smtp_stream_left(const struct smtp_stream *st)
{
	if (st->skip_start == st->skip_end || !smtp_seq_before(st->acked, st->skip_end))
		return st->next;
	return smtp_seq_max(st->skip_start, st->acked);
}

/* Is nothing kept, and no edit in flight? */
static inline bool smtp_stream_idle(const struct smtp_stream *st)
{
	return !READ_ONCE(st->unacked.buf) && !READ_ONCE(st->edit.old);
}

#endif /* _SMTP_CORE_STREAM_H */
