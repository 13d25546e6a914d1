// SPDX-License-Identifier: GPL-2.0-only
/* Rewriting. See rewrite.h. */
#include "data/eod.h"
#include "rewrite.h"

/* Writes @bytes, which leave from @seq on, over the part of the segment that passes */
static int smtp_segment_overwrite(struct smtp_segment *seg, u32 first, u32 seq,
				  const u8 *bytes, u32 n)
{
	u32 from = smtp_seq_max(seq, first);
	u32 to = smtp_seq_min(seq + n, first + seg->pass);

	if (!smtp_seq_before(from, to))
		return 0;
	return smtp_segment_write(seg, from - first, bytes + (from - seq), to - from);
}

/* T1: octets of the segment were replaced by more or fewer. The replacement, and the
 * octets after it, come from the kept bytes, but for those that were ACKed.
 */
static int smtp_stream_splice(const struct smtp_stream *st,
			      struct smtp_segment *seg)
{
	const struct smtp_unacked *r = &st->unacked;
	const struct smtp_edit *e = &st->edit;
	u32 begin = smtp_stream_begin(st, seg);
	u32 first = smtp_edit_out(e, begin);
	u32 from = smtp_seq_max(first, r->seq);
	u32 end = smtp_edit_out(e, seg->seq + seg->pass);
	u32 kept = smtp_unacked_first(r);

	/* A body, a chunk and TLS are not kept: the sender retransmits those octets */
	if (smtp_seq_before(r->seq + kept, end)) {
		seg->pass -= end - (r->seq + kept);
		end = r->seq + kept;
	}
	/* Too much for one packet? Its sender has put together what passed before in
	 * several (smtp_stream_full()). Then pass no octet after the edit, and if that is
	 * still too much, only the octets before it. The sender retransmits the rest.
	 */
	if (end - first > seg->room) {
		seg->pass = smtp_seq_min(e->pos + e->old, seg->seq + seg->pass) -
			    seg->seq;
		end = smtp_edit_out(e, seg->seq + seg->pass);
	}
	if (end - first > seg->room && e->pos != begin) {
		seg->pass = e->pos - seg->seq;
		return smtp_segment_overwrite(seg, smtp_edit_out(e, seg->seq), r->seq,
					      r->buf, kept);
	}
	seg->skip = begin - seg->seq;
	return seg->ops->splice(seg, from - first, r->buf + (from - r->seq), end - from);
}

/* H4: octets that were ACKed are not kept any more, so a retransmission of them leaves
 * blank. The far end has them, unless the ACK was forged or the octets reached only the
 * router (a low TTL, an old timestamp). Then this copy would be the first that it reads.
 */
int smtp_stream_blank(const struct smtp_flow *flow, enum smtp_dir dir,
		      struct smtp_segment *seg)
{
	static const u8 blank[] = {
		[0 ... 255] = '*',
	};
	u32 end = smtp_seq_min(flow->stream[dir].acked, seg->seq + seg->pass);
	u32 n, seq;
	int err;

	if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return 0;
	for (seq = seg->seq; smtp_seq_before(seq, end); seq += n) {
		n = end - seq;
		if (n > sizeof(blank))
			n = sizeof(blank);
		err = smtp_segment_write(seg, seq - seg->seq, blank, n);
		if (err)
			return err;
	}
	return 0;
}

/* T2: overwrites commands and replies with the kept bytes */
int smtp_stream_overwrite(const struct smtp_stream *st, struct smtp_segment *seg)
{
	const struct smtp_unacked *r = &st->unacked;
	const struct smtp_edit *e = &st->edit;
	u32 first = smtp_edit_out(e, seg->seq);
	struct smtp_kept run;
	int err = 0;

	if (e->old && !smtp_seq_before(e->pos, seg->seq) &&
	    smtp_seq_before(e->pos, seg->seq + seg->pass))
		return smtp_stream_splice(st, seg);
	if (!r->nr_holes)
		return smtp_segment_overwrite(seg, first, r->seq, r->buf, r->len);
	for (smtp_unacked_begin(r, &run); !err && run.n; smtp_unacked_next(r, &run))
		err = smtp_segment_overwrite(seg, first, run.seq, run.bytes, run.n);
	return err;
}

int smtp_flow_overwrite_end(const struct smtp_flow *flow, struct smtp_segment *seg)
{
	const struct smtp_edit *e = &flow->stream[SMTP_CLIENT].edit;
	u32 n;
	const u8 *end = smtp_body_end(&flow->body, &n);

	return smtp_segment_overwrite(seg, smtp_edit_out(e, seg->seq),
				      smtp_edit_out(e, flow->body.next - n), end, n);
}

/* Ends a crossed chunk with LF, at octet @at, where that is between @from and @to */
static int smtp_segment_end_chunk(struct smtp_segment *seg, u32 at, u32 from, u32 to)
{
	if (at < from || at >= to)
		return 0;
	return smtp_segment_write(seg, at, (const u8 *)"\n", 1);
}

/* H7: crosses out chunks without a recipient. What follows such a chunk is another line
 * even to a server that reads it as commands. The commands between chunks are kept, and
 * are written over this.
 */
int smtp_flow_cross_chunks(const struct smtp_flow *flow, struct smtp_segment *seg)
{
	const struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	const struct smtp_body *b = &flow->body;
	u32 from = smtp_seq_max(seg->seq, flow->uncrossed);
	u32 to = smtp_seq_min(seg->seq + seg->pass, st->crossed);
	u32 first = smtp_edit_out(&st->edit, seg->seq);
	struct smtp_kept run;
	int err;

	/* The chunks may follow a body that is still in flight */
	if (smtp_seq_before(b->acked, b->next) && smtp_seq_before(b->start, to))
		from = smtp_seq_max(from, b->next);
	if (!smtp_seq_before(from, to))
		return 0;
	from -= seg->seq;
	to -= seg->seq;
	err = seg->ops->cross(seg, from, to - from);
	if (!err)
		err = smtp_segment_end_chunk(seg, st->skip_end - 1 - seg->seq, from, to);
	if (!st->unacked.len)
		return err;
	for (smtp_unacked_begin(&st->unacked, &run); !err && run.n;
	     smtp_unacked_next(&st->unacked, &run))
		err = smtp_segment_end_chunk(seg, run.seq - 1 - first, from, to);
	return err;
}
