// SPDX-License-Identifier: GPL-2.0-only
/* Enforcing: judges segments, one by one. See enforce.h. */
#include "bodies.h"
#include "data/early.h"
#include "data/marks.h"
#include "data/retransmit.h"
#include "enforce.h"
#include "lines.h"
#include "policy/events.h"
#include "rewrite.h"
#include "smtp/message.h"

/* T1: once a change of length is ACKed, its offset holds for all later octets. Only a
 * packet of the same direction may settle that. An ACK comes in the other direction,
 * perhaps on another processor, and could overtake a packet that is judged but not
 * adjusted yet.
 */
static void smtp_stream_settle(struct smtp_stream *st, struct smtp_segment *seg)
{
	struct smtp_edit *e = &st->edit;

	if (!e->old || smtp_seq_before(st->acked, e->pos + e->old))
		return;
	smtp_edit_settle(e);
	seg->ops->settle(seg);
}

/* Takes over what smtp_flow_body() has judged of a segment that ends at @end. Returns
 * whether more of it may be judged.
 */
static bool smtp_flow_body_judged(struct smtp_flow *flow, u32 end,
				  struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	struct smtp_body *b = &flow->body;

	st->next = b->next;
	if (smtp_flow_over(flow))
		return false;
	if (b->active)		/* stopped early? The sender retransmits the rest */
		return !smtp_seq_before(st->next, end);
	smtp_session_data_ended(&flow->session, b->bare, host);
	smtp_message_end(&flow->message, host);
	return true;
}

/* Judges the octets from @off to @to, in order, as far as possible, and advances
 * stream->next. Returns %SMTP_DESYNC if they can't be judged. Then nothing passes.
 */
static enum smtp_verdict smtp_flow_judge(struct smtp_flow *flow,
					 enum smtp_dir dir,
					 struct smtp_segment *seg,
					 u32 off, u32 to,
					 struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	u32 start = st->next - off;

	while (off < to) {
		enum smtp_next next = smtp_session_next(&flow->session,
							dir == SMTP_CLIENT);
		bool more = true;

		if (next == SMTP_SYNC)
			break;
		/* Chunks may be announced without end; no window is larger */
		if (st->next - st->acked > SMTP_WINDOW_MAX)
			break;
		if (next == SMTP_BODY && !smtp_flow_in_body(flow, host))
			break;
		if (next == SMTP_TLS) {
			st->next += to - off;
		} else if (next == SMTP_BODY) {
			if (smtp_flow_body(flow, seg, off, to, host) == SMTP_DESYNC)
				return SMTP_DESYNC;
			more = smtp_flow_body_judged(flow, start + to, host);
		} else {
			more = smtp_flow_lines(flow, dir, seg, off, to, host);
		}
		if (smtp_flow_closed(flow, dir))
			break;		/* the octets before the end leave */
		if (!more || st->next - start == off || smtp_host_busy(host))
			break;		/* no room, no memory, no time */
		off = st->next - start;
	}
	return SMTP_PASS;
}

/* May the part of the segment that was judged before leave again? T2 */
static bool smtp_flow_repeat(struct smtp_flow *flow, enum smtp_dir dir,
			     struct smtp_segment *seg, struct smtp_host *host)
{
	const struct smtp_stream *st = &flow->stream[dir];
	struct smtp_body *b = &flow->body;
	u32 from = smtp_seq_max(seg->seq, st->acked);
	u32 to = smtp_seq_min(seg->seq + seg->len, st->next);

	/* Chunks are not kept, and these octets may be their first copy */
	if (!smtp_seq_before(from, st->skip_start))
		from = smtp_seq_max(from, st->skip_end);
	if (!smtp_seq_before(from, to))
		return true;
	smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_REPLAYED, 1);
	if (dir == SMTP_SERVER ||
	    (!b->active && !smtp_seq_before(b->acked, b->next)))
		return true;		/* all of it is kept */
	from = smtp_seq_max(from, b->start);
	to = smtp_seq_min(to, smtp_retransmit_kept_from(b));
	if (!smtp_seq_before(from, to) ||
	    smtp_retransmit_judge(b, seg, from, to, flow->session.refused))
		return true;
	if (smtp_seq_before(from, b->forgotten)) {
		b->stalls++;
		return false;
	}
	smtp_event(host, SMTP_FIXUP_EVENT_BODY_REWRITE_REFUSED, NULL, 0);
	return false;
}

/* Is all of the segment inside the last chunk? */
static bool smtp_stream_unread(const struct smtp_stream *st,
			       const struct smtp_segment *seg)
{
	return st->skip_start != st->skip_end &&
	       !smtp_seq_before(seg->seq, st->skip_start) &&
	       !smtp_seq_before(st->skip_end, seg->seq + seg->len);
}

/* The connection is over. Does the segment begin with octets that were judged before?
 * They pass until all of them have arrived: a sender that lost an ACK retransmits them.
 */
static bool smtp_stream_owes(const struct smtp_flow *flow,
			     const struct smtp_stream *st,
			     const struct smtp_segment *seg)
{
	return !smtp_flow_finished(flow) && smtp_seq_before(seg->seq, st->next);
}

/* A segment beyond a gap. Of a body it may pass first, or one loss would stall a whole
 * window: contract 3. A FIN may not: a change of length in the gap would move it between
 * octets that precede it. Nor may octets of a client that does not wait for the reply to
 * DATA: they may be the next body's, and the end of this one be in the gap.
 */
static enum smtp_verdict smtp_flow_beyond_gap(struct smtp_flow *flow, enum smtp_dir dir,
					      struct smtp_segment *seg,
					      struct smtp_host *host)
{
	enum smtp_verdict verdict = SMTP_DROP;

	if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return SMTP_PASS;
	if (dir == SMTP_CLIENT && seg->len && !seg->fin &&
	    !smtp_stream_far(&flow->stream[dir], seg) &&
	    smtp_flow_in_body(flow, host) && !flow->session.refused &&
	    !flow->session.hasty &&
	    !smtp_message_may_end(flow->policy)) {
		struct smtp_scan scan = smtp_flow_scan(flow, host);

		scan.chunks = smtp_session_chunks(&flow->session, flow->policy);
		verdict = smtp_early_judge(&scan, seg);
	}
	if (verdict == SMTP_PASS)
		smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_AHEAD, 1);
	return verdict;
}

/* The connection can't be judged any more: both sides are reset, and nothing leaves */
static enum smtp_verdict smtp_flow_lost(struct smtp_flow *flow, struct smtp_host *host)
{
	smtp_session_end(&flow->session, SMTP_LOST, host);
	flow->sealed = true;
	return SMTP_DESYNC;
}

/* The segment has ended the connection. Returns %SMTP_PASS if some of it was judged
 * before the end, and leaves.
 */
static enum smtp_verdict smtp_flow_ended_by(struct smtp_flow *flow, enum smtp_dir dir,
					    const struct smtp_segment *seg)
{
	enum smtp_verdict verdict = smtp_flow_ended(flow);

	/* A message that will not be whole need not arrive */
	flow->answers |= dir == SMTP_CLIENT && !flow->body.active;
	flow->sealed |= dir == SMTP_CLIENT && flow->body.active;
	if (smtp_stream_owes(flow, &flow->stream[dir], seg))
		return SMTP_PASS;
	return smtp_verdict_resets(verdict) && smtp_flow_finished(flow) ? verdict : SMTP_DROP;
}

/* What leaves of a segment that was judged up to @limit. @over: nothing of it was judged */
static enum smtp_verdict smtp_flow_leaves(struct smtp_flow *flow, enum smtp_dir dir,
					  struct smtp_segment *seg, u32 limit, bool over,
					  struct smtp_host *host)
{
	const struct smtp_stream *st = &flow->stream[dir];
	u32 judged;

	if (unlikely(flow->session.ended) && !over && smtp_flow_closed(flow, dir)) {
		enum smtp_verdict verdict = smtp_flow_ended_by(flow, dir, seg);

		if (verdict != SMTP_PASS)
			return verdict;
	}

	judged = smtp_seq_min(st->next, limit) - seg->seq;
	seg->pass = judged;
	if (!judged)
		return SMTP_DROP;
	if (!flow->policy->observe && smtp_flow_overwrite(flow, dir, seg)) {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return SMTP_DROP;
	}
	seg->owes = seg->pass < judged;
	if (seg->pass < seg->len)	/* overwriting may have cut it, too */
		smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_CUT, 1);
	return SMTP_PASS;
}

/* A segment that begins with the next octet, or with octets that were judged before.
 * @over: nothing new is judged in this direction.
 */
static enum smtp_verdict smtp_flow_in_order(struct smtp_flow *flow, enum smtp_dir dir,
					    struct smtp_segment *seg, bool over,
					    struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_body *b = &flow->body;
	u32 limit = seg->seq + seg->len;
	u32 off;

	/* The sender sees no ACK inside an edit, so it will retransmit from before it */
	if (smtp_edit_inside(&st->edit, seg->seq))
		return SMTP_DROP;
	if (!smtp_flow_repeat(flow, dir, seg, host))
		return over || b->stalls < SMTP_STALLS_MAX ? SMTP_DROP :
							     smtp_flow_lost(flow, host);

	/* What has passed ahead of a gap is not judged again */
	if (dir == SMTP_CLIENT && b->nr_early) {
		if (smtp_stream_far(st, seg))
			return SMTP_DROP;
		limit = smtp_seq_min(limit, b->early[0].start);
	}
	off = smtp_seq_min(st->next, limit) - seg->seq;
	if (!over &&
	    smtp_flow_judge(flow, dir, seg, off, limit - seg->seq, host) == SMTP_DESYNC)
		return smtp_flow_lost(flow, host);
	return smtp_flow_leaves(flow, dir, seg, limit, over, host);
}

/* smtp_flow_enforce() of any segment */
static noinline enum smtp_verdict smtp_flow_enforce_any(struct smtp_flow *flow,
							enum smtp_dir dir,
							struct smtp_segment *seg,
							struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	enum smtp_verdict verdict = SMTP_PASS;
	bool over = false, finished = false;

	if (unlikely(flow->session.ended)) {
		over = smtp_flow_closed(flow, dir);
		finished = smtp_flow_finished(flow);
	}
	if (seg->has_ack)
		smtp_flow_acked(flow, !dir, seg->ack, host);
	smtp_stream_settle(st, seg);
	seg->pass = seg->len;
	if (!seg->len && !seg->fin)
		return finished ? SMTP_DROP : SMTP_PASS;

	if (over && !smtp_stream_owes(flow, st, seg))
		verdict = SMTP_DROP;
	else if (smtp_seq_before(st->next, seg->seq))
		verdict = smtp_flow_beyond_gap(flow, dir, seg, host);
	else if (seg->len && (!smtp_stream_unread(st, seg) || flow->session.crossed))
		verdict = smtp_flow_in_order(flow, dir, seg, over, host);

	if (verdict == SMTP_DROP)
		smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
	else if (verdict == SMTP_PASS && seg->pass == seg->len)
		flow->server_fin |= seg->fin && dir == SMTP_SERVER;
	return verdict;
}

/* Are these the next octets of a body, with nothing to see to before they are judged?
 * Most segments are such. None of them was judged before, so there is nothing to compare
 * them with (smtp_flow_repeat()), and nothing that was kept to write over them: what was
 * judged leaves as it is, unless there are spaces (smtp_flow_overwrite()).
 */
static bool smtp_flow_straight(const struct smtp_flow *flow, enum smtp_dir dir,
			       const struct smtp_segment *seg)
{
	const struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	const struct smtp_session *s = &flow->session;

	return dir == SMTP_CLIENT && flow->body.active && seg->seq == st->next &&
	       seg->len && s->phase == SMTP_FIXUP_PHASE_BODY &&
	       !(s->ended | s->refused | flow->body.nr_early) && !st->edit.old &&
	       st->next - st->acked <= SMTP_WINDOW_MAX;
}

/* smtp_flow_enforce() of a segment that is smtp_flow_straight() */
static noinline enum smtp_verdict smtp_flow_body_next(struct smtp_flow *flow,
						      struct smtp_segment *seg,
						      struct smtp_host *host)
{
	const struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	const struct smtp_body *b = &flow->body;
	u32 end = seg->seq + seg->len;
	enum smtp_verdict verdict;

	if (seg->has_ack)
		smtp_flow_acked(flow, SMTP_SERVER, seg->ack, host);
	seg->pass = seg->len;
	if (smtp_flow_body(flow, seg, 0, seg->len, host) == SMTP_DESYNC)
		return smtp_flow_lost(flow, host);
	if (smtp_flow_body_judged(flow, end, host)) {
		if (b->active && !(b->marks && b->marks->spaces))
			return SMTP_PASS;
		if (st->next != end && !smtp_host_busy(host) &&
		    smtp_flow_judge(flow, SMTP_CLIENT, seg, st->next - seg->seq,
				    seg->len, host) == SMTP_DESYNC)
			return smtp_flow_lost(flow, host);
	}
	verdict = smtp_flow_leaves(flow, SMTP_CLIENT, seg, end, false, host);
	if (verdict == SMTP_DROP)
		smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
	return verdict;
}

enum smtp_verdict smtp_flow_enforce(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg,
				    struct smtp_host *host)
{
	host->events = 0;
	if (smtp_flow_straight(flow, dir, seg))
		return smtp_flow_body_next(flow, seg, host);
	if (seg->len || seg->fin || !seg->has_ack || flow->session.ended ||
	    flow->stream[dir].edit.old)
		return smtp_flow_enforce_any(flow, dir, seg, host);
	/* An ACK alone */
	seg->pass = 0;
	smtp_flow_acked(flow, !dir, seg->ack, host);
	return SMTP_PASS;
}
