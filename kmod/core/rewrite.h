/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rewriting: octets that were judged leave as they were judged, in every copy, however it
 * is segmented. docs/rules.md T1, T2, D10, H4, H7.
 */
#ifndef _SMTP_CORE_REWRITE_H
#define _SMTP_CORE_REWRITE_H

#include "data/retransmit.h"
#include "flow.h"

/* Parts of smtp_flow_overwrite() */
int smtp_flow_cross_chunks(const struct smtp_flow *flow, struct smtp_segment *seg);
int smtp_flow_overwrite_end(const struct smtp_flow *flow, struct smtp_segment *seg);
int smtp_stream_blank(const struct smtp_flow *flow, enum smtp_dir dir,
		      struct smtp_segment *seg);
int smtp_stream_overwrite(const struct smtp_stream *st, struct smtp_segment *seg);

/* T2: a body leaves with its spaces and its end as they were judged. D10: a refused
 * body leaves crossed out.
 */
static inline int smtp_flow_overwrite_body(const struct smtp_flow *flow,
					   struct smtp_segment *seg)
{
	const struct smtp_body *b = &flow->body;
	bool in_flight = smtp_seq_before(b->acked, b->next);
	int err = 0;

	if (unlikely(flow->session.refused) && (b->active || in_flight))
		err = smtp_retransmit_cross(b, seg);
	if (!err && b->marks)
		err = smtp_retransmit_overwrite(b, seg);
	if (err || b->active || !in_flight)
		return err;
	return smtp_flow_overwrite_end(flow, seg);
}

/**
 * smtp_flow_overwrite() - rewrite the part of a segment that passes
 * @flow: the flow
 * @dir: where the segment comes from
 * @seg: the segment; @seg->pass may become less
 *
 * Return: 0, or negative: no memory, so drop the segment.
 */
static inline int smtp_flow_overwrite(const struct smtp_flow *flow, enum smtp_dir dir,
				      struct smtp_segment *seg)
{
	const struct smtp_stream *st = &flow->stream[dir];
	int err = 0;

	if (dir == SMTP_CLIENT && unlikely(st->crossed != st->acked))
		err = smtp_flow_cross_chunks(flow, seg);
	if (!err && dir == SMTP_CLIENT)
		err = smtp_flow_overwrite_body(flow, seg);
	if (!err && smtp_seq_before(seg->seq, st->acked))
		err = smtp_stream_blank(flow, dir, seg);
	if (!err && st->unacked.len)
		err = smtp_stream_overwrite(st, seg);
	return err;
}

#endif /* _SMTP_CORE_REWRITE_H */
