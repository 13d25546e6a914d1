// SPDX-License-Identifier: GPL-2.0-only
/* Flow: segments to bytes in order, and back. See flow.h. */
#include "flow.h"
#include "data/early.h"
#include "data/eod.h"
#include "data/marks.h"
#include "data/retransmit.h"
#include "policy/events.h"
#include "smtp/message.h"

static void smtp_stream_init(struct smtp_stream *st, u32 seq)
{
	st->next = seq;
	st->acked = seq;
	st->skip_start = seq;
	st->skip_end = seq;
	st->crossed = seq;
}

void smtp_flow_init(struct smtp_flow *flow, const struct smtp_policy *policy,
		    u32 client_seq, u32 server_seq)
{
	memset(flow, 0, sizeof(*flow));
	flow->policy = policy;
	smtp_session_init(&flow->session);
	smtp_stream_init(&flow->stream[SMTP_CLIENT], client_seq);
	smtp_stream_init(&flow->stream[SMTP_SERVER], server_seq);
	flow->uncrossed = client_seq;
	flow->body.next = client_seq;
	flow->body.acked = client_seq;
	flow->body.start = client_seq;
	flow->body.forgotten = client_seq;
}

static void smtp_flow_acked_body(struct smtp_flow *flow, u32 ack, struct smtp_host *host)
{
	const struct smtp_body *b = &flow->body;

	smtp_body_ack(&flow->body, ack, host);
	if (unlikely(flow->session.refused) && !b->active && b->acked == b->next &&
	    flow->session.phase != SMTP_FIXUP_PHASE_BODY)
		flow->session.refused = false;
}

/* The far end of @dir has everything before @ack, a number of its own */
static void smtp_flow_acked(struct smtp_flow *flow, enum smtp_dir dir, u32 ack,
			    struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	const struct smtp_edit *e = &st->edit;

	ack = smtp_seq_min(smtp_edit_in(e, ack), st->next);	/* FIN counts, too */
	if (!smtp_seq_before(st->acked, ack))
		return;
	st->acked = ack;
	smtp_unacked_ack(host, &st->unacked, smtp_edit_out(e, ack));
	if (dir == SMTP_CLIENT) {
		smtp_flow_acked_body(flow, ack, host);
		flow->uncrossed = smtp_seq_max(flow->uncrossed, ack);
	}
	/* Keep what is compared with live sequence numbers near them */
	if (smtp_seq_before(st->skip_end, ack)) {
		st->skip_start = ack;
		st->skip_end = ack;
	}
	st->crossed = smtp_seq_max(st->crossed, ack);
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
	seg->ops->settle(seg);
}

static void smtp_flow_release_observed(struct smtp_flow *flow,
				       struct smtp_host *host)
{
	int dir;

	if (!flow->observed)
		return;
	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_unacked *kept = &flow->observed->kept[dir];

		smtp_unacked_ack(host, kept, kept->seq + kept->len);
	}
	smtp_host_free(host, SMTP_MEMORY_COMMANDS, flow->observed,
		       sizeof(*flow->observed));
	flow->observed = NULL;
}

void smtp_flow_release(struct smtp_flow *flow, struct smtp_host *host)
{
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_stream *st = &flow->stream[dir];

		smtp_unacked_ack(host, &st->unacked,
				 smtp_edit_out(&st->edit, st->next));
	}
	smtp_body_forget(&flow->body, host);
	smtp_message_end(&flow->message, host);
	smtp_flow_release_observed(flow, host);
}

/* H5. Nor may a repetition begin with one of the two octets behind those: a dot
 * before it would be forgotten, or that and a CR.
 */
bool smtp_flow_forget(struct smtp_flow *flow, struct smtp_host *host)
{
	struct smtp_body *b = &flow->body;

	if (!b->marks)
		return false;
	b->forgotten = 2 + (b->nr_early ? b->early[b->nr_early - 1].end : b->next);
	b->stalls = 0;
	smtp_marks_forget(b, host);
	return true;
}

bool smtp_flow_give_up(struct smtp_flow *flow, struct smtp_host *host)
{
	/* Without what is kept of its beginning, TLS would look opaque */
	if (flow->sealed || flow->unobserved ||
	    flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return false;
	if (flow->policy->observe) {
		flow->unobserved = true;
	} else {
		if (!flow->session.ended)
			flow->session.ended = SMTP_LOST;
		flow->sealed = true;
		flow->answers = false;
	}
	smtp_flow_release(flow, host);
	return true;
}

void smtp_segment_copy(struct smtp_segment *seg, u32 off, u8 *to, u32 n)
{
	while (n) {
		u32 avail;
		const u8 *p = smtp_segment_read(seg, off, &avail);

		if (avail > n)
			avail = n;
		memcpy(to, p, avail);
		off += avail;
		to += avail;
		n -= avail;
	}
}

/* A chunk begins: none of it is read, in whatever order it comes, and what
 * follows is known to be a command. D6
 */
static void smtp_flow_skip(struct smtp_flow *flow, u32 n)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	st->skip_start = st->next;
	st->next += n;
	st->skip_end = st->next;
}

/* H7: a refusal is of all chunks in flight. What precedes it is answered, so the server
 * has that. One that nobody takes is crossed out, but not what was taken before it.
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

/* T1: takes over a change of length, the last octets that were judged: the buffer
 * has room for it.
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

/* Decides whether to wait for the rest of a line. Where a retransmission brings
 * nothing new, the sender may never put more of it into one segment.
 */
static void smtp_stream_held(struct smtp_stream *st, const struct smtp_input *in,
			     const struct smtp_output *out)
{
	if (out->used)
		st->held = in->final ? SMTP_HOLD_EXHAUSTED : 0;
	else if (in->resize != SMTP_RESIZE_BUSY && in->len > st->held)
		st->held = in->len;
}

/* Had the server not got all of what its client has been let send, when it sent
 * this? Some answer at the first of several CRs (V7).
 */
static bool smtp_stream_early(const struct smtp_flow *flow, enum smtp_dir dir,
			      const struct smtp_segment *seg)
{
	const struct smtp_stream *client = &flow->stream[SMTP_CLIENT];

	return dir == SMTP_SERVER && seg->has_ack &&
	       smtp_seq_before(smtp_edit_in(&client->edit, seg->ack) + 2,
			       client->next);
}

/* Judges command lines or replies from @off to @to, keeping what is to leave;
 * stops where something else follows or room ends. False: for want of memory, and
 * the rest is not to be judged as if it had come by itself.
 */
static bool smtp_flow_lines(struct smtp_flow *flow, enum smtp_dir dir,
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

	room = smtp_unacked_room(host, r, seq, to - off + spare, &refused);
	if (refused)
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
	if (room <= spare)
		return false;
	in.buf = r->buf + r->len;
	in.len = room - spare;
	in.room = seg->room;
	in.resize = smtp_stream_resize(st, seg);
	in.final = in.len <= st->held;
	in.early = smtp_stream_early(flow, dir, seg);
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

/* Is a body under way, or does one begin at the next octet? The first segment of
 * it may be lost, too.
 */
static bool smtp_flow_in_body(struct smtp_flow *flow, struct smtp_host *host)
{
	struct smtp_body *b = &flow->body;

	if (b->active)
		return true;
	if (flow->session.phase != SMTP_FIXUP_PHASE_BODY ||
	    smtp_seq_before(b->acked, b->next) ||	/* one in flight */
	    !smtp_message_begin(&flow->message, flow->policy, host))
		return false;
	smtp_body_begin(b, flow->stream[SMTP_CLIENT].next);
	return true;
}

static struct smtp_scan smtp_flow_scan(struct smtp_flow *flow, struct smtp_host *host)
{
	return (struct smtp_scan) {
		.b = &flow->body, .policy = flow->policy, .host = host,
		.lf_alone = !flow->session.has_cr,
	};
}

/* Reads octets of the message for its limits, which may end the connection: L */
static void smtp_flow_read(struct smtp_flow *flow, struct smtp_host *host,
			   const u8 *p, u32 n)
{
	if (flow->message)
		smtp_message_octets(flow->message, &flow->session, flow->policy,
				    host, p, n);
}

/* D4: smuggling drop */
static void smtp_flow_scanned(struct smtp_flow *flow, const struct smtp_scan *scan)
{
	if (unlikely(scan->ends))
		smtp_session_end(&flow->session, SMTP_END_RESET, scan->host);
}

static enum smtp_verdict smtp_flow_body_octets(struct smtp_flow *flow,
					       struct smtp_scan *scan,
					       struct smtp_segment *seg,
					       u32 off, u32 to)
{
	struct smtp_body *b = scan->b;
	u32 start = b->next - off;
	u32 piece = b->next;
	u32 oddities = 0;

	smtp_message_packet(flow->message);
	while (off < to) {
		const u8 *p;
		u32 n, done, read = 0;
		bool stuck;
		u8 event;

		p = smtp_segment_read(seg, off, &n);
		if (n > to - off)
			n = to - off;
		if (!flow->policy->observe)
			n = smtp_message_run(flow->message, n);
		if (unlikely(scan->lf_alone)) {
			n = smtp_body_before_cr(scan, p, n);
			flow->session.has_cr = !scan->lf_alone;
		}
		done = smtp_body_run(scan, &b->state, b->next, p, n, &event);
		stuck = done < n && !event;
		b->next += done;
		if (event == SMTP_BODY_SMUGGLED && scan->lf_alone && p[done] == '\n') {
			event = SMTP_BODY_END;
			b->bare = true;
		}
		if (event) {
			/* A limit may end the connection before this does */
			smtp_flow_read(flow, scan->host, p, done);
			if (smtp_flow_over(flow))
				return SMTP_PASS;
			read = done;
		}
		if (event == SMTP_BODY_END) {
			b->next++;
		} else if (event &&
			   flow->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK) {
			stuck = !smtp_body_accept(scan, p[done]);
			smtp_flow_scanned(flow, scan);
		} else if (event &&
			   smtp_body_defuse(scan, piece, start + to,
					    &stuck) == SMTP_DESYNC) {
			return SMTP_DESYNC;
		}
		smtp_flow_read(flow, scan->host, p + read, b->next - start - off - read);
		if (event == SMTP_BODY_END && !smtp_flow_over(flow)) {
			b->active = false;
			return b->nr_early ? SMTP_DESYNC : SMTP_PASS;
		}
		if (event && ++oddities == SMTP_SPACES_MAX)
			stuck = true;	/* no more in one packet */
		/* Nor of what is read, but not behind a dot that may have to go: D4 */
		if (smtp_message_enough(flow->message) && b->state < SMTP_BODY_DOT &&
		    !flow->policy->observe)
			stuck = true;
		if (stuck || smtp_flow_over(flow))
			return SMTP_PASS;
		off = b->next - start;
	}
	return SMTP_PASS;
}

/* The next @n octets of the body are not read for its limits */
static noinline void smtp_flow_unread(struct smtp_flow *flow, struct smtp_host *host,
				      u32 n)
{
	smtp_message_gap(flow->message, &flow->session, flow->policy, host, n);
}

/* Takes over what has passed ahead and follows body->next now. From @piece on up to
 * there nothing has left.
 */
static enum smtp_verdict smtp_flow_close_gaps(struct smtp_flow *flow,
					      struct smtp_scan *scan, u32 piece)
{
	struct smtp_body *b = scan->b;

	while (smtp_early_follows(b)) {
		u32 from = b->next;
		enum smtp_verdict verdict = smtp_early_close_gap(scan, piece);

		smtp_flow_scanned(flow, scan);
		if (verdict == SMTP_DESYNC)
			return SMTP_DESYNC;
		piece = b->next;
		smtp_flow_unread(flow, scan->host, piece - from);
	}
	return SMTP_PASS;
}

/* Searches the octets from @off to @to for the end of data. Advances body->next,
 * behind the end at most, where body->active is cleared; stops early where the rest
 * must wait. Returns %SMTP_DESYNC where octets have left that some server takes for
 * an end of data.
 */
static enum smtp_verdict smtp_flow_body(struct smtp_flow *flow,
					struct smtp_segment *seg, u32 off, u32 to,
					struct smtp_host *host)
{
	struct smtp_scan scan = smtp_flow_scan(flow, host);
	struct smtp_body *b = &flow->body;
	enum smtp_verdict verdict;
	u32 piece = b->next;
	u8 state = b->state;

	smtp_body_measure(b, seg);
	verdict = smtp_flow_body_octets(flow, &scan, seg, off, to);
	if (smtp_flow_over(flow))	/* the message will not be whole (D4, L) */
		smtp_body_rewind(&scan, piece, state);
	if (verdict == SMTP_DESYNC || smtp_flow_over(flow))
		return verdict;
	return smtp_flow_close_gaps(flow, &scan, piece);
}

/* Judges the octets from @off to @to, in order. Returns %SMTP_DESYNC where it
 * can't, and nothing passes; or how far it came, stream->next tells.
 */
static enum smtp_verdict smtp_flow_judge(struct smtp_flow *flow,
					 enum smtp_dir dir,
					 struct smtp_segment *seg,
					 u32 off, u32 to,
					 struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_body *b = &flow->body;
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
			st->next = b->next;
			if (smtp_flow_over(flow))
				break;
			if (!b->active) {
				smtp_session_data_ended(&flow->session, b->bare, host);
				smtp_message_end(&flow->message, host);
			} else {
				/* Stopped early: the rest comes again */
				more = !smtp_seq_before(st->next, start + to);
			}
		} else {
			more = smtp_flow_lines(flow, dir, seg, off, to, host);
		}
		if (smtp_flow_closed(flow, dir))
			break;		/* what was in order leaves */
		if (!more || st->next - start == off || smtp_host_busy(host))
			break;		/* no room, no memory, no time */
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
	return smtp_segment_write(seg, from - first, bytes + (from - seq), to - from);
}

/* The segment holds what was replaced by octets of another number. They, and
 * what follows, come from what is kept, but for what has been ACKed.
 */
static int smtp_stream_splice(const struct smtp_stream *st,
			      struct smtp_segment *seg)
{
	const struct smtp_unacked *r = &st->unacked;
	const struct smtp_edit *e = &st->edit;
	u32 first = smtp_edit_out(e, seg->seq);
	u32 from = smtp_seq_max(first, r->seq);
	u32 end = smtp_edit_out(e, seg->seq + seg->pass);
	u32 kept = smtp_unacked_first(r);

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
	return seg->ops->splice(seg, from - first, r->buf + (from - r->seq), end - from);
}

/* H4: what is repeated of what was ACKed, and is not kept any more. The far end has
 * it, unless that ACK was forged, or what it acknowledges reached the router alone (a
 * low TTL, an old timestamp): then this is the first copy that is read.
 */
static int smtp_stream_blank(const struct smtp_flow *flow, enum smtp_dir dir,
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

/* T2: what is kept of commands and replies */
static int smtp_stream_overwrite(const struct smtp_stream *st,
				 struct smtp_segment *seg)
{
	const struct smtp_unacked *r = &st->unacked;
	const struct smtp_edit *e = &st->edit;
	u32 first = smtp_edit_out(e, seg->seq);
	struct smtp_kept run;
	int err = 0;

	if (!r->len)
		return 0;
	if (e->old && !smtp_seq_before(e->pos, seg->seq) &&
	    smtp_seq_before(e->pos, seg->seq + seg->pass))
		return smtp_stream_splice(st, seg);
	if (!r->nr_holes)
		return smtp_segment_overwrite(seg, first, r->seq, r->buf, r->len);
	for (smtp_unacked_begin(r, &run); !err && run.n; smtp_unacked_next(r, &run))
		err = smtp_segment_overwrite(seg, first, run.seq, run.bytes, run.n);
	return err;
}

/* T2: what is known of a body: the spaces in it, and its end. D10: that it is refused */
static int smtp_flow_overwrite_body(const struct smtp_flow *flow,
				    struct smtp_segment *seg)
{
	const struct smtp_edit *e = &flow->stream[SMTP_CLIENT].edit;
	const struct smtp_body *b = &flow->body;
	bool in_flight = smtp_seq_before(b->acked, b->next);
	const u8 *end;
	int err = 0;
	u32 n;

	if (unlikely(flow->session.refused) && (b->active || in_flight))
		err = smtp_retransmit_cross(b, seg);
	if (!err && b->marks)
		err = smtp_retransmit_overwrite(b, seg);
	if (err || b->active || !in_flight)
		return err;
	end = smtp_body_end(b, &n);
	return smtp_segment_overwrite(seg, smtp_edit_out(e, seg->seq),
				      smtp_edit_out(e, b->next - n), end, n);
}

/* Octet @at of the segment, if it has that, is the last one of a crossed chunk */
static int smtp_segment_end_chunk(struct smtp_segment *seg, u32 at, u32 from, u32 to)
{
	if (at < from || at >= to)
		return 0;
	return smtp_segment_write(seg, at, (const u8 *)"\n", 1);
}

/* H7: chunks that nobody takes. What follows one is another line, also to a server
 * that reads it as commands. The commands between them are kept, and overwrite this.
 */
static int smtp_flow_cross_chunks(const struct smtp_flow *flow,
				  struct smtp_segment *seg)
{
	const struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	const struct smtp_body *b = &flow->body;
	u32 from = smtp_seq_max(seg->seq, flow->uncrossed);
	u32 to = smtp_seq_min(seg->seq + seg->pass, st->crossed);
	u32 first = smtp_edit_out(&st->edit, seg->seq);
	struct smtp_kept run;
	int err;

	/* Chunks of a client that does not wait, behind a body in flight */
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

/* T2: first copy wins, everything that is judged leaves as it was judged */
static int smtp_flow_overwrite(const struct smtp_flow *flow, enum smtp_dir dir,
			       struct smtp_segment *seg)
{
	int err = 0;

	if (dir == SMTP_CLIENT &&
	    unlikely(flow->stream[dir].crossed != flow->stream[dir].acked))
		err = smtp_flow_cross_chunks(flow, seg);
	if (err)
		return err;
	if (dir == SMTP_CLIENT)
		err = smtp_flow_overwrite_body(flow, seg);
	if (!err)
		err = smtp_stream_blank(flow, dir, seg);
	return err ? err : smtp_stream_overwrite(&flow->stream[dir], seg);
}

/* Is the part of the segment that was judged before fit to leave again? */
static bool smtp_flow_repeat(struct smtp_flow *flow, enum smtp_dir dir,
			     struct smtp_segment *seg, struct smtp_host *host)
{
	const struct smtp_stream *st = &flow->stream[dir];
	struct smtp_body *b = &flow->body;
	u32 from = smtp_seq_max(seg->seq, st->acked);
	u32 to = smtp_seq_min(seg->seq + seg->len, st->next);

	/* Of a chunk nothing is known, and it may have come for the first time */
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
	if (!smtp_seq_before(from, to) || smtp_retransmit_judge(b, seg, from, to))
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
				    struct smtp_segment *seg,
				    struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_body *b = &flow->body;
	enum smtp_verdict verdict = SMTP_DROP;
	u32 limit = seg->seq + seg->len;
	bool over = false, finished = false;
	u32 off;

	host->events = 0;
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
		goto drop;

	if (smtp_seq_before(st->next, seg->seq)) {
		/* Beyond a gap. A FIN must not be there first: an edit in the
		 * gap would shift it into the midst of what precedes it.
		 */
		if (flow->session.phase == SMTP_FIXUP_PHASE_TLS)
			return SMTP_PASS;
		if (dir == SMTP_CLIENT && seg->len && !seg->fin &&
		    !smtp_stream_far(st, seg) && smtp_flow_in_body(flow, host) &&
		    !flow->session.refused &&
		    !smtp_message_may_end(flow->policy)) {
			struct smtp_scan scan = smtp_flow_scan(flow, host);

			scan.chunks = flow->session.chunking;
			verdict = smtp_early_judge(&scan, seg);
		}
		if (verdict == SMTP_PASS)
			smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_AHEAD, 1);
		else
			smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
		return verdict;
	}
	if (!seg->len || (smtp_stream_unread(st, seg) && !flow->session.crossed)) {
		flow->server_fin |= seg->fin && dir == SMTP_SERVER;
		return SMTP_PASS;
	}

	/* A sender that repeats from there begins with octets that were ACKed */
	if (smtp_edit_inside(&st->edit, seg->seq))
		goto drop;
	if (!smtp_flow_repeat(flow, dir, seg, host)) {
		if (over || b->stalls < SMTP_STALLS_MAX)
			goto drop;
		smtp_session_end(&flow->session, SMTP_LOST, host);
		flow->sealed = true;
		return SMTP_DESYNC;
	}

	/* What has passed ahead is not judged again */
	if (dir == SMTP_CLIENT && b->nr_early) {
		if (smtp_stream_far(st, seg))
			goto drop;
		limit = smtp_seq_min(limit, b->early[0].start);
	}
	off = smtp_seq_min(st->next, limit) - seg->seq;
	if (!over &&
	    smtp_flow_judge(flow, dir, seg, off, limit - seg->seq,
			    host) == SMTP_DESYNC) {
		smtp_session_end(&flow->session, SMTP_LOST, host);
		flow->sealed = true;
		return SMTP_DESYNC;
	}
	if (unlikely(flow->session.ended) && !over && smtp_flow_closed(flow, dir)) {
		/* A message that will not be whole need not arrive */
		flow->answers |= dir == SMTP_CLIENT && !b->active;
		flow->sealed |= dir == SMTP_CLIENT && b->active;
		if (!smtp_stream_owes(flow, st, seg)) {
			verdict = smtp_flow_ended(flow);
			if (smtp_verdict_resets(verdict) && smtp_flow_finished(flow))
				return verdict;
			goto drop;
		}
	}

	seg->pass = smtp_seq_min(st->next, limit) - seg->seq;
	if (!seg->pass)
		goto drop;
	if (!flow->policy->observe && smtp_flow_overwrite(flow, dir, seg)) {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		goto drop;
	}
	if (seg->pass < seg->len)	/* overwriting may have cut it, too */
		smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_CUT, 1);
	else
		flow->server_fin |= seg->fin && dir == SMTP_SERVER;
	return SMTP_PASS;
drop:
	smtp_host_count(host, SMTP_FIXUP_CNT_SEGMENTS_DROPPED, 1);
	return SMTP_DROP;
}
