// SPDX-License-Identifier: GPL-2.0-only
/* Observe. See observe.h. */
#include "data/early.h"
#include "enforce.h"
#include "observe.h"
#include "policy/events.h"
#include "smtp/message.h"

/**
 * struct smtp_shadow - what enforcing sees instead of a packet
 * @seg: nothing that is done to it reaches the packet
 * @real: the segment that has its octets, or NULL: they are at @bytes
 * @bytes: its octets, where there is no @real
 */
struct smtp_shadow {
	struct smtp_segment seg;
	struct smtp_segment *real;
	const u8 *bytes;
};

static const u8 *smtp_shadow_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	struct smtp_shadow *shadow = container_of(seg, struct smtp_shadow, seg);

	if (shadow->real)
		return smtp_segment_read(shadow->real, off, avail);
	*avail = seg->len - off;
	return shadow->bytes + off;
}

/* Under observe nothing is written */
static const struct smtp_segment_ops smtp_shadow_ops = {
	.read = smtp_shadow_read,
};

/* The connection can no longer be followed */
static void smtp_observe_give_up(struct smtp_flow *flow,
				 struct smtp_host *host)
{
	flow->unobserved = true;
	smtp_flow_release(flow, host);
	smtp_event(host, SMTP_FIXUP_EVENT_UNOBSERVED, NULL, 0);
}

/* Returns how many octets enforcing would let pass */
static u32 smtp_observe_judge(struct smtp_flow *flow, enum smtp_dir dir,
			      struct smtp_shadow *shadow, struct smtp_host *host)
{
	shadow->seg.ops = &smtp_shadow_ops;
	shadow->seg.room = 0;	/* what would change the length is masked */
	switch (smtp_flow_enforce(flow, dir, &shadow->seg, host)) {
	case SMTP_PASS:
		return shadow->seg.pass;
	case SMTP_DESYNC:
		smtp_observe_give_up(flow, host);
		break;
	case SMTP_DROP:
	case SMTP_RESET:	/* does not happen: no policy ends what is only observed */
		break;
	}
	return 0;
}

/* Keeps the segment from @off on. *@more: it continues the bytes kept before. Returns
 * false if it can't be kept.
 */
static bool smtp_observe_keep(struct smtp_flow *flow, enum smtp_dir dir,
			      struct smtp_segment *seg, u32 off, bool *more,
			      struct smtp_host *host)
{
	u32 from = smtp_seq_max(seg->seq + off, flow->stream[dir].next);
	u32 to = seg->seq + seg->len;
	struct smtp_unacked *kept;
	bool refused;

	if (!smtp_seq_before(from, to))
		return true;		/* a retransmission that is refused */
	if (!flow->observed) {
		flow->observed = smtp_host_alloc(host, SMTP_MEMORY_COMMANDS,
						 sizeof(*flow->observed));
		if (!flow->observed)
			return false;
		memset(flow->observed, 0, sizeof(*flow->observed));
	}
	kept = &flow->observed->kept[dir];
	if (kept->len) {
		if (smtp_seq_before(from, kept->seq))
			return false;	/* another gap */
		from = smtp_seq_max(from, kept->seq + kept->len);
		if (!smtp_seq_before(from, to))
			return true;
		if (from != kept->seq + kept->len)
			return false;	/* another gap */
		*more = true;
	}
	if (smtp_unacked_room(host, kept, from, to - from, &refused) < to - from)
		return false;
	smtp_segment_copy(seg, from - seg->seq, kept->buf + kept->len, to - from);
	kept->len += to - from;
	return true;
}

/* Judges the kept bytes of a direction, as far as possible */
static void smtp_observe_kept(struct smtp_flow *flow, enum smtp_dir dir,
			      struct smtp_host *host)
{
	struct smtp_unacked *kept = &flow->observed->kept[dir];
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_shadow shadow = {};

	smtp_unacked_ack(host, kept, st->next);
	if (!kept->len || smtp_seq_before(st->next, kept->seq) ||
	    (dir == SMTP_CLIENT && flow->session.phase == SMTP_FIXUP_PHASE_WAIT))
		return;
	shadow.bytes = kept->buf;
	shadow.seg.seq = kept->seq;
	shadow.seg.len = kept->len;
	shadow.seg.mss = 1;	/* not known: must not change smtp_body.mss */
	smtp_observe_judge(flow, dir, &shadow, host);
	if (flow->observed)
		smtp_unacked_ack(host, kept, st->next);
}

static noinline void smtp_observe_segment(struct smtp_flow *flow, enum smtp_dir dir,
					  struct smtp_segment *seg,
					  struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct smtp_shadow shadow = { .seg = *seg, .real = seg };
	u32 server = flow->stream[SMTP_SERVER].next;
	bool kept[2], more = false;
	u32 done;

	if (flow->unobserved || smtp_stream_far(st, seg))
		return;
	kept[SMTP_CLIENT] = flow->observed && flow->observed->kept[SMTP_CLIENT].len;
	kept[SMTP_SERVER] = flow->observed && flow->observed->kept[SMTP_SERVER].len;
	shadow.seg.fin = false;
	done = smtp_observe_judge(flow, dir, &shadow, host);
	/* A segment beyond a gap of a body that could not pass ahead: judge it
	 * all the same, unless it is as short as those that end a body.
	 */
	if (!done && dir == SMTP_CLIENT && flow->body.active &&
	    smtp_seq_before(st->next, seg->seq) &&
	    !smtp_body_short(&flow->body, seg)) {
		smtp_early_skip(&flow->body, seg->seq, host);
		flow->session.has_cr = true;	/* there may have been one: V7 */
		smtp_message_gap(flow->message, &flow->session, flow->policy, host,
				 seg->seq - st->next);
		st->next = seg->seq;
		done = smtp_observe_judge(flow, dir, &shadow, host);
	}
	if (!flow->unobserved && done < seg->len &&
	    !smtp_observe_keep(flow, dir, seg, done, &more, host))
		smtp_observe_give_up(flow, host);

	/* Judge the kept bytes once more, as if they were retransmitted. For the server
	 * do so only with more of them: a retransmission without more means that no more
	 * will come (E1).
	 */
	if (flow->observed && kept[SMTP_SERVER] &&
	    ((more && dir == SMTP_SERVER) ||
	     flow->stream[SMTP_SERVER].next != server))
		smtp_observe_kept(flow, SMTP_SERVER, host);
	if (flow->observed && kept[SMTP_CLIENT])
		smtp_observe_kept(flow, SMTP_CLIENT, host);
}

enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg,
				    struct smtp_host *host)
{
	if (!flow->policy->observe)
		return smtp_flow_enforce(flow, dir, seg, host);
	smtp_observe_segment(flow, dir, seg, host);
	seg->pass = seg->len;
	return SMTP_PASS;
}
