// SPDX-License-Identifier: GPL-2.0-only
/* Lines: commands and replies of a connection, in order. See lines.h. */
#include "lines.h"
#include "policy/events.h"

/* D6: a chunk begins. None of it is read, in whatever order it arrives, and a command
 * follows it.
 */
static void smtp_flow_skip(struct smtp_flow *flow, u32 n)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	st->skip_start = st->next;
	st->next += n;
	st->skip_end = st->next;
}

/* H7: the server's refusal applies to all chunks in flight. The server has everything
 * before them, because it has answered it. A chunk without a recipient is crossed out,
 * but not a chunk before it that was accepted.
 */
static void smtp_flow_cross(struct smtp_flow *flow, const struct smtp_output *out)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	if (out->refused)
		flow->uncrossed = st->acked;
	else if (!out->skip || !flow->session.crossed)
		return;
	else if (st->crossed == st->acked)
		flow->uncrossed = st->skip_start;
	st->crossed = st->skip_end;
}

/* T1: applies a change of length. It concerns the last octets that were judged, and the
 * buffer has room for it.
 */
static void smtp_stream_edit(struct smtp_stream *st, struct smtp_segment *seg,
			     u8 *buf, const struct smtp_output *out)
{
	struct smtp_edit *e = &st->edit;

	if (out->edit.with)
		memcpy(buf + out->edit.at, out->edit.with, out->edit.len);
	if (out->edit.len == out->edit.old)
		return;
	e->pos = st->next + out->edit.at;
	e->old = out->edit.old;
	e->len = out->edit.len;
	seg->ops->adjust(seg, e->pos, e->len - e->old);
}

static enum smtp_resize smtp_stream_resize(const struct smtp_stream *st,
					   const struct smtp_segment *seg)
{
	if (!seg->room)
		return SMTP_RESIZE_NEVER;
	if (st->edit.old || st->unacked.nr_holes)
		return SMTP_RESIZE_BUSY;
	return SMTP_RESIZE_OK;
}

/* T1: does the segment have octets behind the change of length, for which it has no room?
 * They wait until that is ACKed.
 */
static noinline bool smtp_stream_full(const struct smtp_stream *st,
				      const struct smtp_segment *seg)
{
	const struct smtp_edit *e = &st->edit;

	return !smtp_seq_before(e->pos, seg->seq) &&
	       smtp_edit_out(e, seg->seq + seg->len) -
	       smtp_edit_out(e, smtp_stream_begin(st, seg)) > seg->room;
}

/* Octets of the segment before the next one to judge, if its length changes */
static noinline u32 smtp_stream_ahead(const struct smtp_stream *st,
				      const struct smtp_segment *seg)
{
	return smtp_edit_out(&st->edit, st->next) -
	       smtp_edit_out(&st->edit, smtp_stream_begin(st, seg));
}

/* Has a line with these @n octets of it waited before, and there are no more now? */
static bool smtp_stream_final(const struct smtp_stream *st, u32 n)
{
	return st->held == SMTP_HOLD_EXHAUSTED || n <= st->held;
}

/* Decides whether to wait for the rest of a line. If a retransmission brings no more of
 * it, the sender may never put the whole line into one segment.
 */
static void smtp_stream_held(struct smtp_stream *st, const struct smtp_input *in,
			     const struct smtp_output *out)
{
	if (out->used)
		st->held = in->len <= st->held ? SMTP_HOLD_EXHAUSTED : 0;
	else if (in->resize != SMTP_RESIZE_BUSY && out->next != SMTP_NEED_ACK &&
		 in->len > st->held)
		st->held = in->len;
}

/* D11: did the server send this before it had the line whose reply is awaited? */
static bool smtp_stream_early(const struct smtp_flow *flow, enum smtp_dir dir,
			      const struct smtp_segment *seg)
{
	const struct smtp_stream *client = &flow->stream[SMTP_CLIENT];

	return dir == SMTP_SERVER && seg->has_ack &&
	       smtp_seq_before(smtp_edit_in(&client->edit, seg->ack) +
			       flow->session.tail,
			       client->next);
}

/* D10: did the server send this before it had the end of the last body? */
static bool smtp_body_open(const struct smtp_body *b)
{
	return b->active || smtp_seq_before(b->acked, b->next);
}

bool smtp_flow_lines(struct smtp_flow *flow, enum smtp_dir dir,
		     struct smtp_segment *seg, u32 off, u32 to,
		     struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_unacked *r = &st->unacked;
	u32 seq = smtp_edit_out(&st->edit, st->next);
	u32 spare = smtp_policy_spare(flow->policy);
	struct smtp_output out;
	struct smtp_input in;
	bool refused;
	u32 room;

	if (st->edit.old && smtp_stream_full(st, seg))
		return false;
	room = smtp_unacked_room(host, r, seq, to - off + spare, &refused);
	if (refused)
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
	if (room <= spare)
		return false;
	in.buf = r->buf + r->len;
	in.len = room - spare;
	in.room = seg->room;
	in.ahead = st->next == seg->seq ? 0 : smtp_stream_ahead(st, seg);
	in.resize = smtp_stream_resize(st, seg);
	in.final = smtp_stream_final(st, in.len);
	in.early = smtp_stream_early(flow, dir, seg);
	in.in_body = smtp_body_open(&flow->body);
	in.answers = flow->answers && !flow->server_fin;
	smtp_segment_copy(seg, off, in.buf, in.len);

	if (dir == SMTP_CLIENT)
		out = smtp_client_judge(&flow->session, flow->policy, &in, host);
	else
		out = smtp_server_judge(&flow->session, flow->policy, &in, host);
	if (out.masked)
		smtp_host_count(host, SMTP_FIXUP_CNT_BYTES_MASKED, out.masked);
	smtp_stream_held(st, &in, &out);
	if (out.edit.old)
		smtp_stream_edit(st, seg, in.buf, &out);
	r->len += out.used + out.edit.len - out.edit.old;
	st->next += out.used;
	if (!r->len)
		smtp_unacked_ack(host, r, seq);
	if (out.skip && !smtp_flow_closed(flow, dir))
		smtp_flow_skip(flow, out.skip);
	if (unlikely(flow->session.crossed))
		smtp_flow_cross(flow, &out);
	return !refused;
}
