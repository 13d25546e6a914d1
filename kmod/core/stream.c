// SPDX-License-Identifier: GPL-2.0-only
/* Stream: segments to bytes in order. See stream.h. */
#include "stream.h"
#include "ahead.h"
#include "body.h"
#include "observe.h"
#include "reading.h"
#include "repeat.h"

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
	flow->stream[SMTP_CLIENT].chunk_start = client_seq;
	flow->stream[SMTP_CLIENT].chunk_end = client_seq;
	flow->stream[SMTP_SERVER].next = server_seq;
	flow->stream[SMTP_SERVER].acked = server_seq;
	flow->stream[SMTP_SERVER].body_start = server_seq;
	flow->stream[SMTP_SERVER].body_end = server_seq;
	flow->stream[SMTP_SERVER].chunk_start = server_seq;
	flow->stream[SMTP_SERVER].chunk_end = server_seq;
}

/* The far end of @dir has everything before @ack, a number of its own */
static void smtp_stream_acked(struct smtp_flow *flow, struct smtp_stream *st,
			      u32 ack)
{
	const struct smtp_edit *e = &st->edit;

	ack = smtp_seq_min(smtp_edit_in(e, ack), st->next);	/* FIN counts, too */
	if (!smtp_seq_before(st->acked, ack))
		return;
	st->acked = ack;
	smtp_replay_ack(flow, &st->replay, smtp_edit_out(e, ack));
	smtp_body_ack(flow, st);
	/* Keep what is compared with live sequence numbers near them */
	if (smtp_seq_before(st->chunk_end, ack)) {
		st->chunk_start = ack;
		st->chunk_end = ack;
	}
}

/* T1: what has been ACKed holds for all that follows. Only a packet of the
 * direction itself may say so: those of the other come by another processor,
 * and could overtake one that is judged and whose numbers conntrack has yet to
 * adjust.
 */
static void smtp_stream_settle(struct smtp_stream *st, struct smtp_segment *seg)
{
	struct smtp_edit *e = &st->edit;

	if (!e->old || smtp_seq_before(st->acked, e->pos + e->old))
		return;
	smtp_edit_settle(e);
	seg->settle(seg);
}

void smtp_flow_release(struct smtp_flow *flow)
{
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_stream *st = &flow->stream[dir];

		smtp_replay_ack(flow, &st->replay,
				smtp_edit_out(&st->edit, st->next));
		smtp_body_forget(flow, st);
	}
	smtp_reading_end(flow);
	smtp_observe_release(flow);
}

void smtp_flow_end(struct smtp_flow *flow, enum smtp_verdict how)
{
	if (flow->ended)
		return;
	flow->ended = how;
	smtp_event(flow, SMTP_FIXUP_EVENT_ENDED, NULL, 0);
}

void smtp_flow_desynchronised(struct smtp_flow *flow)
{
	if (flow->ended)
		return;
	flow->ended = SMTP_RESET;
	smtp_event(flow, SMTP_FIXUP_EVENT_DESYNCHRONISED, NULL, 0);
}

void smtp_segment_copy(struct smtp_segment *seg, u32 off, u8 *to, u32 n)
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

/* T1: takes over a change of length, the last octets that were judged: the piece's
 * buffer has room for it.
 */
static void smtp_stream_edit(struct smtp_stream *st, struct smtp_segment *seg,
			     const struct smtp_piece *piece)
{
	struct smtp_edit *e = &st->edit;

	if (piece->bytes)
		memcpy(piece->buf + piece->at, piece->bytes, piece->len);
	if (piece->len == piece->old)
		return;
	e->pos = st->next + piece->at;
	e->old = piece->old;
	e->len = piece->len;
	seg->adjust(seg, e->pos, e->len - e->old);
}

static enum smtp_elastic smtp_stream_elastic(const struct smtp_stream *st,
					     const struct smtp_segment *seg)
{
	if (!seg->room)
		return SMTP_ELASTIC_NEVER;
	if (st->edit.old || st->replay.nr_holes)
		return SMTP_ELASTIC_LATER;
	return SMTP_ELASTIC_NOW;
}

/* Judges command lines or replies from @off to @to, keeping what is to leave;
 * stops where the phase changes or room ends. False: for want of memory, and the
 * rest is not to be judged as if it had come by itself.
 */
static bool smtp_stream_lines(struct smtp_flow *flow, enum smtp_dir dir,
			      struct smtp_segment *seg, u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_replay *r = &st->replay;
	u32 seq = smtp_edit_out(&st->edit, st->next);
	u32 spare = smtp_policy_spare(flow->policy);
	struct smtp_piece piece = {};
	u8 ended = flow->ended;
	bool refused;
	u32 room, n;

	room = smtp_replay_room(flow, r, seq, to - off + spare, &refused);
	if (refused)
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
	if (room <= spare)
		return false;
	piece.buf = r->buf + r->len;
	piece.n = room - spare;
	/* What comes again no longer than before may be all that this sender
	 * ever will put together.
	 */
	st->repeats = piece.n <= st->held;
	piece.repeats = st->repeats;
	piece.elastic = smtp_stream_elastic(st, seg);
	piece.room = seg->room;
	smtp_segment_copy(seg, off, piece.buf, piece.n);

	if (dir == SMTP_CLIENT)
		n = smtp_session_client(flow, &piece);
	else
		n = smtp_session_server(flow, &piece);
	if (flow->ended != ended && smtp_flow_over(flow)) {
		/* A change of length is behind the end */
		piece.old = 0;
		piece.len = 0;
	}
	if (piece.masked)
		smtp_host_count(flow, SMTP_FIXUP_CNT_BYTES_MASKED, piece.masked);
	if (n)
		st->held = piece.repeats ? SMTP_HELD_IN_VAIN : 0;
	else if (piece.elastic != SMTP_ELASTIC_LATER && piece.n > st->held)
		st->held = piece.n;
	if (piece.old)
		smtp_stream_edit(st, seg, &piece);
	r->len += n + piece.len - piece.old;
	st->next += n;
	if (!r->len)
		smtp_replay_ack(flow, r, seq);
	return !refused;
}

/* A chunk begins: none of it is read, in whatever order it comes, and what
 * follows is known to be a command. D6
 */
static void smtp_stream_skip(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	st->chunk_start = st->next;
	st->next += flow->session.skip;
	st->chunk_end = st->next;
	flow->session.skip = 0;
}

/* Is a body under way, or does one begin at the next octet? The first segment of
 * it may be lost, too.
 */
static bool smtp_stream_in_body(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	if (st->in_body)
		return true;
	if (flow->session.phase != SMTP_FIXUP_PHASE_BODY ||
	    smtp_seq_before(st->acked, st->body_end) ||	/* one in flight */
	    !smtp_reading_begin(flow))
		return false;
	smtp_body_begin(st);
	return true;
}

/* Judges the octets from @off to @to, in order. Returns %SMTP_RESET where it
 * can't, and nothing passes; or how far it came, stream->next tells.
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
		bool more = true;

		if (dir == SMTP_CLIENT && phase == SMTP_FIXUP_PHASE_WAIT)
			break;
		/* Chunks may be announced without end; no window is larger */
		if (st->next - st->acked > SMTP_WINDOW_MAX)
			break;
		if (dir == SMTP_CLIENT && phase == SMTP_FIXUP_PHASE_BODY &&
		    !smtp_stream_in_body(flow))
			break;
		if (phase == SMTP_FIXUP_PHASE_TLS) {
			st->next += to - off;
		} else if (st->in_body) {
			if (smtp_body_judge(flow, seg, off, to) == SMTP_RESET)
				return SMTP_RESET;
			if (smtp_flow_over(flow))
				break;
			if (smtp_ahead_close_gap(flow, start + off) == SMTP_RESET)
				return SMTP_RESET;
			if (!st->in_body)
				smtp_session_body_end(flow);
		} else {
			more = smtp_stream_lines(flow, dir, seg, off, to);
		}
		if (smtp_flow_closed(flow, dir))
			break;		/* what was in order leaves */
		if (flow->session.skip)
			smtp_stream_skip(flow);
		if (!more || st->next - start == off)
			break;		/* no room, no memory */
		off = st->next - start;
	}
	return SMTP_PASS;
}

/* Makes what passes of the segment read as @bytes, which leave from @seq on */
static int smtp_segment_overwrite(struct smtp_segment *seg, u32 first, u32 seq,
				  const u8 *bytes, u32 n)
{
	u32 from = smtp_seq_max(seq, first);
	u32 to = smtp_seq_min(seq + n, first + seg->pass);

	if (!smtp_seq_before(from, to))
		return 0;
	return seg->write(seg, from - first, bytes + (from - seq), to - from);
}

/* The segment holds what was replaced by octets of another number. They, and
 * what follows, come from the replay, but for what has been ACKed.
 */
static int smtp_stream_splice(const struct smtp_stream *st,
			      struct smtp_segment *seg)
{
	const struct smtp_replay *r = &st->replay;
	const struct smtp_edit *e = &st->edit;
	u32 first = smtp_edit_out(e, seg->seq);
	u32 from = smtp_seq_max(first, r->seq);
	u32 end = smtp_edit_out(e, seg->seq + seg->pass);
	u32 kept = smtp_replay_first(r);

	/* A body, a chunk and TLS are not kept: the sender repeats what reaches
	 * there
	 */
	if (smtp_seq_before(r->seq + kept, end)) {
		seg->pass -= end - (r->seq + kept);
		end = r->seq + kept;
	}
	/* Too much for one packet? The sender repeats what follows the edit,
	 * and then what follows the octets before it.
	 */
	if (end - first > seg->room) {
		seg->pass = smtp_seq_min(e->pos + e->old, seg->seq + seg->pass) -
			    seg->seq;
		end = smtp_edit_out(e, seg->seq + seg->pass);
	}
	if (end - first > seg->room && e->pos != seg->seq) {
		seg->pass = e->pos - seg->seq;
		return smtp_segment_overwrite(seg, first, r->seq, r->buf, kept);
	}
	return seg->splice(seg, from - first, r->buf + (from - r->seq), end - from);
}

/* What the server repeats of what was ACKed, and is not kept any more. Its client
 * has it, unless that ACK was made for the router alone (a low TTL, an old
 * timestamp): then this is the first copy that the client reads.
 */
static int smtp_stream_blank(const struct smtp_flow *flow,
			     struct smtp_segment *seg)
{
	static const u8 blank[] = "****************";
	u32 end = smtp_seq_min(flow->stream[SMTP_SERVER].acked,
			       seg->seq + seg->pass);
	u32 n, seq;
	int err;

	if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return 0;
	for (seq = seg->seq; smtp_seq_before(seq, end); seq += n) {
		n = end - seq;
		if (n > sizeof(blank) - 1)
			n = sizeof(blank) - 1;
		err = seg->write(seg, seq - seg->seq, blank, n);
		if (err)
			return err;
	}
	return 0;
}

/* T2: first copy wins, everything that is judged leaves as it was judged */
static int smtp_stream_overwrite(const struct smtp_stream *st,
				 struct smtp_segment *seg)
{
	const struct smtp_replay *r = &st->replay;
	const struct smtp_edit *e = &st->edit;
	u32 first = smtp_edit_out(e, seg->seq);
	u32 end = smtp_repeat_kept_from(st);
	u32 n = st->body_end - end;
	struct smtp_kept run;
	int err = 0;

	if (st->spaces)
		err = smtp_repeat_overwrite(st, seg);
	if (!err && !st->in_body && smtp_seq_before(st->acked, st->body_end))
		err = smtp_segment_overwrite(seg, first, smtp_edit_out(e, end),
					     smtp_end_of_data +
					     SMTP_END_OF_DATA_LEN - n, n);
	if (err || !r->len)
		return err;
	if (e->old && !smtp_seq_before(e->pos, seg->seq) &&
	    smtp_seq_before(e->pos, seg->seq + seg->pass))
		return smtp_stream_splice(st, seg);
	if (!r->nr_holes)
		return smtp_segment_overwrite(seg, first, r->seq, r->buf, r->len);
	for (smtp_replay_begin(r, &run); !err && run.n; smtp_replay_next(r, &run))
		err = smtp_segment_overwrite(seg, first, run.seq, run.bytes, run.n);
	return err;
}

/* Is the part of the segment that was judged before fit to leave again? */
static bool smtp_stream_repeat(struct smtp_flow *flow, struct smtp_stream *st,
			       struct smtp_segment *seg)
{
	u32 from = smtp_seq_max(seg->seq, st->acked);
	u32 to = smtp_seq_min(seg->seq + seg->len, st->next);

	/* Of a chunk nothing is known, and it may have come for the first time */
	if (!smtp_seq_before(from, st->chunk_start))
		from = smtp_seq_max(from, st->chunk_end);
	if (!smtp_seq_before(from, to))
		return true;
	smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_REPLAYED, 1);
	if (!st->in_body && !smtp_seq_before(st->acked, st->body_end))
		return true;		/* all of it is in the replay */
	from = smtp_seq_max(from, st->body_start);
	to = smtp_seq_min(to, smtp_repeat_kept_from(st));
	if (!smtp_seq_before(from, to) || smtp_repeat_judge(st, seg, from, to))
		return true;
	smtp_event(flow, SMTP_FIXUP_EVENT_BODY_REWRITE_REFUSED, NULL, 0);
	return false;
}

/* Is all of the segment inside the last chunk? */
static bool smtp_stream_unread(const struct smtp_stream *st,
			       const struct smtp_segment *seg)
{
	return st->chunk_start != st->chunk_end &&
	       !smtp_seq_before(seg->seq, st->chunk_start) &&
	       !smtp_seq_before(st->chunk_end, seg->seq + seg->len);
}

/* The connection is over. Does the segment begin with octets that were judged
 * before? They pass until all has arrived, for whose ACK was lost repeats them.
 */
static bool smtp_stream_owes(const struct smtp_flow *flow,
			     const struct smtp_stream *st,
			     const struct smtp_segment *seg)
{
	return !smtp_flow_finished(flow) && smtp_seq_before(seg->seq, st->next);
}

enum smtp_verdict smtp_flow_enforce(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg)
{
	struct smtp_stream *st = &flow->stream[dir];
	enum smtp_verdict verdict = SMTP_DROP;
	u32 limit = seg->seq + seg->len;
	bool over = false, finished = false;
	u32 off;

	if (unlikely(flow->ended)) {
		over = smtp_flow_closed(flow, dir);
		finished = smtp_flow_finished(flow);
	}
	if (seg->has_ack)
		smtp_stream_acked(flow, &flow->stream[!dir], seg->ack);
	smtp_stream_settle(st, seg);
	seg->pass = seg->len;
	if (!seg->len && !seg->fin)
		return finished ? SMTP_DROP : SMTP_PASS;
	if (over && !smtp_stream_owes(flow, st, seg))
		goto drop;

	if (smtp_seq_before(st->next, seg->seq)) {
		/* Beyond a gap. A FIN must not be there first: an edit in the
		 * gap would shift it into the midst of what precedes it.
		 */
		if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
			return SMTP_PASS;
		if (dir == SMTP_CLIENT && seg->len && !seg->fin &&
		    smtp_stream_in_body(flow) &&
		    !smtp_policy_ends_bodies(flow->policy))
			verdict = smtp_ahead_judge(flow, seg);
		if (verdict == SMTP_PASS)
			smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_AHEAD, 1);
		else
			smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
		return verdict;
	}
	if (!seg->len || smtp_stream_unread(st, seg)) {
		flow->server_fin |= seg->fin && dir == SMTP_SERVER;
		return SMTP_PASS;
	}

	/* A sender that repeats from there begins with octets that were ACKed */
	if (smtp_edit_inside(&st->edit, seg->seq) ||
	    !smtp_stream_repeat(flow, st, seg))
		goto drop;

	/* What has passed ahead is not judged again */
	if (st->nr_ahead)
		limit = smtp_seq_min(limit, st->ahead[0].start);
	off = smtp_seq_min(st->next, limit) - seg->seq;
	if (!over &&
	    smtp_stream_judge(flow, dir, seg, off, limit - seg->seq) == SMTP_RESET) {
		smtp_flow_desynchronised(flow);
		flow->sealed = true;
		return SMTP_RESET;
	}
	if (unlikely(flow->ended) && !over && smtp_flow_closed(flow, dir)) {
		/* A message that will not be whole need not arrive */
		flow->answers |= dir == SMTP_CLIENT && !st->in_body;
		flow->sealed |= st->in_body;
		if (!smtp_stream_owes(flow, st, seg)) {
			if (flow->ended == SMTP_RESET && smtp_flow_finished(flow))
				return SMTP_RESET;
			goto drop;
		}
	}

	seg->pass = smtp_seq_min(st->next, limit) - seg->seq;
	if (!seg->pass)
		goto drop;
	if (!flow->policy->observe &&
	    ((dir == SMTP_SERVER && smtp_stream_blank(flow, seg)) ||
	     smtp_stream_overwrite(st, seg))) {
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		goto drop;
	}
	if (seg->pass < seg->len)	/* overwriting may have cut it, too */
		smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_CUT, 1);
	else
		flow->server_fin |= seg->fin && dir == SMTP_SERVER;
	return SMTP_PASS;
drop:
	smtp_host_count(flow, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
	return SMTP_DROP;
}

enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg)
{
	if (!flow->policy->observe)
		return smtp_flow_enforce(flow, dir, seg);
	smtp_observe_segment(flow, dir, seg);
	seg->pass = seg->len;
	return SMTP_PASS;
}
