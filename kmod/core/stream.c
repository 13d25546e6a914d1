// SPDX-License-Identifier: GPL-2.0-only
/* Stream: segments to bytes in order. See stream.h. */
#include "stream.h"
#include "body.h"

void smtp_flow_init(struct smtp_flow *flow, const struct smtp_policy *policy,
		    u32 client_seq, u32 server_seq)
{
	memset(flow, 0, sizeof(*flow));
	flow->policy = policy;
	smtp_session_init(&flow->session);
	flow->stream[SMTP_CLIENT].next = client_seq;
	flow->stream[SMTP_CLIENT].acked = client_seq;
	flow->stream[SMTP_CLIENT].body_start = client_seq;
	flow->stream[SMTP_CLIENT].body_end = client_seq;
	flow->stream[SMTP_SERVER].next = server_seq;
	flow->stream[SMTP_SERVER].acked = server_seq;
	flow->stream[SMTP_SERVER].body_start = server_seq;
	flow->stream[SMTP_SERVER].body_end = server_seq;
}

/* The far end has everything before @ack */
static void smtp_stream_acked(struct smtp_stream *st, u32 ack)
{
	ack = smtp_seq_min(ack, st->next);	/* FIN counts as an octet */
	if (!smtp_seq_before(st->acked, ack))
		return;
	st->acked = ack;
	smtp_replay_ack(&st->replay, ack);
	smtp_body_ack(st);
}

void smtp_flow_release(struct smtp_flow *flow)
{
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_stream *st = &flow->stream[dir];

		smtp_replay_ack(&st->replay, st->next);
		smtp_body_forget(st);
	}
}

/* Copies the segment's octets at @off; they are all there */
static void smtp_segment_copy(struct smtp_segment *seg, u32 off, u8 *to, u32 n)
{
	while (n) {
		u32 avail;
		const u8 *p = seg->read(seg, off, &avail);

		if (avail > n)
			avail = n;
		memcpy(to, p, avail);
		off += avail;
		to += avail;
		n -= avail;
	}
}

/* Judges command lines or replies from @off to @to, keeping what is to leave;
 * stops where the phase changes or room ends.
 */
static void smtp_stream_lines(struct smtp_flow *flow, enum smtp_dir dir,
			      struct smtp_segment *seg, u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_replay *r = &st->replay;
	u32 room = smtp_replay_room(r, st->next, to - off);
	/* What comes again no longer than before is all that this sender ever
	 * will put together.
	 */
	bool hold = room > st->held;
	u32 n;
	u8 *buf;

	if (!room) {
		if (!r->buf)
			smtp_host_count(flow, SMTP_FIXUP_CNT_MEMORY_REFUSED, 1);
		return;
	}
	buf = r->buf + r->len;
	smtp_segment_copy(seg, off, buf, room);
	if (dir == SMTP_CLIENT)
		n = smtp_session_client(flow, buf, room);
	else
		n = smtp_session_server(flow, buf, room, hold);
	if (!n)
		st->held = room;
	else if (hold)
		st->held = 0;
	else
		st->held = SMTP_HELD_IN_VAIN;
	r->len += n;
	st->next += n;
	if (!r->len)
		smtp_replay_ack(r, st->next);
}

/* Judges the octets from @off to @to, in order. Returns the verdict; how far
 * it came, stream->next tells.
 */
static enum smtp_verdict smtp_stream_judge(struct smtp_flow *flow,
					   enum smtp_dir dir,
					   struct smtp_segment *seg,
					   u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[dir];
	u32 start = st->next - off;

	while (off < to) {
		u8 phase = flow->session.phase;

		if (dir == SMTP_CLIENT && phase == SMTP_FIXUP_PHASE_WAIT)
			break;
		if (dir == SMTP_CLIENT && phase == SMTP_FIXUP_PHASE_BODY &&
		    !st->in_body) {
			if (smtp_seq_before(st->acked, st->body_end))
				break;	/* one body in flight */
			smtp_body_begin(st);
		}
		if (phase == SMTP_FIXUP_PHASE_TLS) {
			st->next += to - off;
		} else if (st->in_body) {
			if (smtp_body_judge(flow, seg, off, to) == SMTP_RESET ||
			    smtp_body_close_gap(st) == SMTP_RESET)
				return SMTP_RESET;
			if (!st->in_body)
				smtp_session_body_end(flow);
		} else {
			smtp_stream_lines(flow, dir, seg, off, to);
		}
		if (st->next - start == off)
			break;		/* no room, no memory */
		off = st->next - start;
	}
	return SMTP_PASS;
}

/* Makes what passes of the segment read as @bytes, which begin at @seq */
static int smtp_segment_overwrite(struct smtp_segment *seg, u32 seq,
				  const u8 *bytes, u32 n)
{
	u32 from = smtp_seq_max(seq, seg->seq);
	u32 to = smtp_seq_min(seq + n, seg->seq + seg->pass);

	if (!smtp_seq_before(from, to))
		return 0;
	return seg->write(seg, from - seg->seq, bytes + (from - seq), to - from);
}

/* First copy wins: everything that is judged leaves as it was judged */
static int smtp_stream_overwrite(const struct smtp_stream *st,
				 struct smtp_segment *seg)
{
	u32 end = smtp_body_kept_from(st);
	u32 n = st->body_end - end;
	int err = 0;

	if (st->nr_marks)
		err = smtp_body_overwrite(st, seg);
	if (!err && !st->in_body && smtp_seq_before(st->acked, st->body_end))
		err = smtp_segment_overwrite(seg, end, smtp_end_of_data +
					     SMTP_END_OF_DATA_LEN - n, n);
	if (!err && st->replay.len)
		err = smtp_segment_overwrite(seg, st->replay.seq,
					     st->replay.buf, st->replay.len);
	return err;
}

/* Is the part of the segment that was judged before fit to leave again? */
static bool smtp_stream_repeat(struct smtp_flow *flow, struct smtp_stream *st,
			       struct smtp_segment *seg)
{
	u32 from = smtp_seq_max(seg->seq, st->acked);
	u32 to = smtp_seq_min(seg->seq + seg->len, st->next);

	if (!smtp_seq_before(from, to))
		return true;
	smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_REPLAYED, 1);
	if (!st->in_body && !smtp_seq_before(st->acked, st->body_end))
		return true;		/* all of it is in the replay */
	from = smtp_seq_max(from, st->body_start);
	to = smtp_seq_min(to, smtp_body_kept_from(st));
	if (!smtp_seq_before(from, to) || smtp_body_repeat(st, seg, from, to))
		return true;
	smtp_host_count(flow, SMTP_FIXUP_CNT_BODY_REWRITES_REFUSED, 1);
	return false;
}

enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg)
{
	struct smtp_stream *st = &flow->stream[dir];
	enum smtp_verdict verdict = SMTP_DROP;
	u32 limit = seg->seq + seg->len;
	u32 off;

	if (seg->has_ack)
		smtp_stream_acked(&flow->stream[!dir], seg->ack);
	seg->pass = seg->len;
	if (!seg->len)
		return SMTP_PASS;
	if (flow->ended)
		goto drop;

	if (smtp_seq_before(st->next, seg->seq)) {
		/* Beyond a gap */
		if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
			return SMTP_PASS;
		if (st->in_body)
			verdict = smtp_body_ahead(flow, seg);
		if (verdict == SMTP_PASS)
			smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_AHEAD, 1);
		else
			smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
		return verdict;
	}

	if (!smtp_stream_repeat(flow, st, seg))
		goto drop;

	/* What has passed ahead is not judged again */
	if (st->nr_ahead)
		limit = smtp_seq_min(limit, st->ahead[0].start);
	off = smtp_seq_min(st->next, limit) - seg->seq;
	verdict = smtp_stream_judge(flow, dir, seg, off, limit - seg->seq);
	if (verdict == SMTP_RESET) {
		flow->ended = true;
		smtp_host_count(flow, SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED, 1);
		return verdict;
	}

	seg->pass = smtp_seq_min(st->next, limit) - seg->seq;
	if (!seg->pass)
		goto drop;
	if (seg->pass < seg->len)
		smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_CUT, 1);
	if (smtp_stream_overwrite(st, seg)) {
		smtp_host_count(flow, SMTP_FIXUP_CNT_MEMORY_REFUSED, 1);
		goto drop;
	}
	return SMTP_PASS;
drop:
	smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
	return SMTP_DROP;
}
