// SPDX-License-Identifier: GPL-2.0-only
/* Bodies: messages of a connection, as they pass. See bodies.h. */
#include "bodies.h"
#include "data/early.h"
#include "data/marks.h"
#include "data/retransmit.h"
#include "smtp/message.h"

bool smtp_flow_begins_body(struct smtp_flow *flow, struct smtp_host *host)
{
	struct smtp_body *b = &flow->body;

	if (flow->session.phase != SMTP_FIXUP_PHASE_BODY ||
	    smtp_seq_before(b->acked, b->next) ||	/* one in flight */
	    !smtp_message_begin(&flow->message, flow->policy, host))
		return false;
	smtp_body_begin(b, flow->stream[SMTP_CLIENT].next);
	return true;
}

struct smtp_scan smtp_flow_scan(struct smtp_flow *flow, struct smtp_host *host)
{
	return (struct smtp_scan) {
		.b = &flow->body, .policy = flow->policy, .host = host,
		.lf_alone = !flow->session.has_cr, .dash = true,
	};
}

/* Reads octets of the message for its limits, which may end the connection: L */
static void smtp_flow_read(struct smtp_flow *flow, const struct smtp_scan *scan,
			   const u8 *p, u32 n)
{
	if (!flow->message)
		return;
	flow->message->mime.dash = scan->dash;
	smtp_message_octets(flow->message, &flow->session, flow->policy, scan->host, p, n);
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
		if (flow->message) {
			scan->dash = !smtp_message_seeks_dash(flow->message);
			if (!flow->policy->observe)
				n = smtp_message_run(flow->message, n);
		}
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
			/* A limit may end the connection before this octet does */
			smtp_flow_read(flow, scan, p, done);
			if (smtp_flow_over(flow))
				return SMTP_PASS;
			read = done;
			scan->dash = true;
		}
		if (event == SMTP_BODY_END) {
			smtp_mark_end_behind(b, b->next);
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
		if (event && stuck)	/* and a CR may be read once more: smtp_body_defuse() */
			return SMTP_PASS;
		smtp_flow_read(flow, scan, p + read, b->next - start - off - read);
		if (event == SMTP_BODY_END && !smtp_flow_over(flow)) {
			b->active = false;
			return b->nr_early ? SMTP_DESYNC : SMTP_PASS;
		}
		if (event && ++oddities == SMTP_SPACES_MAX)
			stuck = true;	/* no more in one packet */
		/* The work on one packet is limited. But do not cut right after a dot
		 * that may have to be overwritten: D4
		 */
		if (smtp_message_enough(flow->message) && b->state < SMTP_BODY_DOT &&
		    !flow->policy->observe)
			stuck = true;
		if (stuck || smtp_flow_over(flow))
			return SMTP_PASS;
		off = b->next - start;
	}
	return SMTP_PASS;
}

/* Notes that the next @n octets of the body are not read for its limits */
static noinline void smtp_flow_unread(struct smtp_flow *flow, struct smtp_host *host,
				      u32 n)
{
	smtp_message_gap(flow->message, &flow->session, flow->policy, host, n);
}

/* The gap before body->next is closed: judges ranges that passed ahead of it. No octet
 * from @piece to body->next has left.
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

enum smtp_verdict smtp_flow_body(struct smtp_flow *flow, struct smtp_segment *seg,
				 u32 off, u32 to, struct smtp_host *host)
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
