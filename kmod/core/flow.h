/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flow: the state of one connection. Only this file and the files beside it know the TCP
 * streams, the client's body and the SMTP dialogue together: enforce.h judges segments,
 * with lines.h, bodies.h and rewrite.h. docs/design.md, "The stream contract".
 */
#ifndef _SMTP_CORE_FLOW_H
#define _SMTP_CORE_FLOW_H

#include "data/body.h"
#include "tcp/segment.h"
#include "smtp/session.h"
#include "tcp/held.h"
#include "tcp/stream.h"

/**
 * struct smtp_observed - octets that have passed and are not judged yet
 * @kept: by enum smtp_dir
 */
struct smtp_observed {
	struct smtp_unacked kept[2];
};

/**
 * struct smtp_flow - one connection
 * @policy: the policy it is under, for its whole life
 * @session: the dialogue
 * @stream: by enum smtp_dir
 * @body: the client's last body
 * @message: how far it has been read for limits and matches, or NULL
 * @observed: under observe: octets that have passed unjudged; or NULL
 * @unobserved: under observe: nothing is judged any more
 * @sealed: the session has ended, and no retransmission leaves either
 * @answers: the client ended the session, so the server still answers commands before
 *	that
 * @server_fin: the server's FIN has passed, so it answers no more
 * @uncrossed: chunks before this sequence number leave as they are: H7
 *
 * The caller holds a lock of its own during every call.
 */
struct smtp_flow {
	const struct smtp_policy *policy;
	struct smtp_session session;
	struct smtp_stream stream[2];
	struct smtp_body body;
	struct smtp_message *message;
	struct smtp_observed *observed;
	bool unobserved;
	bool sealed;
	bool answers;
	bool server_fin;
	u32 uncrossed;
};

/* Has the session ended? Under observe the connection goes on */
static inline bool smtp_flow_over(const struct smtp_flow *flow)
{
	return flow->session.ended && !flow->policy->observe;
}

/**
 * smtp_flow_ended() - the verdict on what follows the end of the connection
 * @flow: the flow
 *
 * Return: %SMTP_DROP, %SMTP_RESET or %SMTP_DESYNC; %SMTP_PASS if it has not ended.
 */
static inline enum smtp_verdict smtp_flow_ended(const struct smtp_flow *flow)
{
	switch (flow->session.ended) {
	case SMTP_GO_ON:
		return SMTP_PASS;
	case SMTP_END_DROP:
		return SMTP_DROP;
	case SMTP_LOST:
		return SMTP_DESYNC;
	}
	return SMTP_RESET;
}

/**
 * smtp_flow_closed() - is nothing of this direction judged any more?
 * @flow: the flow
 * @dir: the direction
 *
 * If the client's octets ended the session, replies to commands before that still pass:
 * without the 250 the client would send an accepted mail again.
 *
 * Return: whether nothing is judged.
 */
static inline bool smtp_flow_closed(const struct smtp_flow *flow,
				    enum smtp_dir dir)
{
	return smtp_flow_over(flow) &&
	       (dir == SMTP_CLIENT || !flow->answers || flow->server_fin ||
		flow->session.replies == flow->session.commands);
}

/**
 * smtp_flow_finished() - is the connection over, and all before that delivered?
 * @flow: the flow
 *
 * Octets that were judged before the end leave, and are retransmitted, until they are
 * ACKed.
 *
 * Return: whether it is.
 */
static inline bool smtp_flow_finished(const struct smtp_flow *flow)
{
	const struct smtp_stream *st = flow->stream;

	return smtp_flow_over(flow) &&
	       (flow->sealed ||
		(smtp_flow_closed(flow, SMTP_SERVER) &&
		 st[SMTP_SERVER].acked == st[SMTP_SERVER].next &&
		 (!flow->answers ||
		  st[SMTP_CLIENT].acked == st[SMTP_CLIENT].next)));
}

/**
 * smtp_flow_init() - a connection whose handshake has been seen
 * @flow: the flow, not zeroed
 * @policy: must outlive it
 * @client_seq: sequence number of the client's first payload octet
 * @server_seq: sequence number of the server's first payload octet
 */
void smtp_flow_init(struct smtp_flow *flow, const struct smtp_policy *policy,
		    u32 client_seq, u32 server_seq);

/* Part of smtp_flow_acked(): @ack is new, and a number of the near end */
void smtp_flow_take_ack(struct smtp_flow *flow, enum smtp_dir dir, u32 ack,
			struct smtp_host *host);

/**
 * smtp_flow_acked() - the far end acknowledges octets
 * @flow: the flow, locked
 * @dir: which way these octets go
 * @ack: the number of the next octet that the far end expects, as it counts
 * @host: whose memory it is
 */
static inline void smtp_flow_acked(struct smtp_flow *flow, enum smtp_dir dir,
				   u32 ack, struct smtp_host *host)
{
	const struct smtp_stream *st = &flow->stream[dir];

	/* A FIN counts as well */
	ack = smtp_seq_min(smtp_edit_in(&st->edit, ack), st->next);
	if (smtp_seq_before(st->acked, ack))
		smtp_flow_take_ack(flow, dir, ack, host);
}

/**
 * smtp_flow_release() - give back what the flow holds
 * @flow: the flow
 * @host: whose memory it is
 */
void smtp_flow_release(struct smtp_flow *flow, struct smtp_host *host);

/**
 * smtp_flow_forget() - forget the marks of a body in flight: H5
 * @flow: the flow, locked
 * @host: whose memory it is
 *
 * For when memory is short. Until those octets are ACKed, retransmissions of them are
 * dropped. If one is needed, the connection ends.
 *
 * Return: whether there was anything.
 */
bool smtp_flow_forget(struct smtp_flow *flow, struct smtp_host *host);

/**
 * smtp_flow_give_up() - end the connection and give all its memory back: H5
 * @flow: the flow, locked
 * @host: whose memory it is
 *
 * For when memory is short. Nothing passes any more. Under observe everything passes, and
 * nothing is judged.
 *
 * Return: false: it was given up before, or TLS has started.
 */
bool smtp_flow_give_up(struct smtp_flow *flow, struct smtp_host *host);

/* T4: must the client's next octets wait for a reply? */
static inline bool smtp_flow_waits(const struct smtp_flow *flow)
{
	return flow->session.phase == SMTP_FIXUP_PHASE_WAIT || flow->session.chunk_waits;
}

/* X7: must the message that the client begins next wait for its turn? */
static inline bool smtp_flow_rated(const struct smtp_flow *flow)
{
	return flow->session.rate_waits;
}

/* X7: its turn has come, and it is to be judged again */
static inline void smtp_flow_turn(struct smtp_flow *flow)
{
	flow->session.rate_waits = false;
}

/**
 * smtp_flow_holds() - may a segment that did not pass as a whole pass later?
 * @flow: the flow
 * @dir: where it comes from
 * @seg: the segment, judged by smtp_flow_segment(), which has not let all of it pass
 *
 * The caller keeps a copy of it (tcp/held.h), and has that judged again when
 * smtp_flow_goes_on(), before its sender retransmits it. T4
 *
 * Return: what it waits for, enum smtp_holds.
 */
static inline enum smtp_holds smtp_flow_holds(const struct smtp_flow *flow,
					      enum smtp_dir dir,
					      const struct smtp_segment *seg)
{
	const struct smtp_stream *st = &flow->stream[dir];

	if (flow->policy->observe || flow->session.ended)
		return SMTP_HOLDS_NOTHING;
	if (seg->owes)
		return SMTP_HOLDS_REST;
	if (!smtp_seq_before(st->next, seg->seq + seg->len))
		return SMTP_HOLDS_NOTHING;
	if (smtp_seq_before(st->next, seg->seq))
		return smtp_stream_far(st, seg) ? SMTP_HOLDS_NOTHING : SMTP_HOLDS_ORDER;
	if (dir == SMTP_CLIENT && smtp_flow_waits(flow))
		return SMTP_HOLDS_REPLY;
	if (dir == SMTP_CLIENT && smtp_flow_rated(flow))
		return SMTP_HOLDS_TURN;
	if (dir == SMTP_SERVER && st->held && st->held != SMTP_HOLD_EXHAUSTED)
		return SMTP_HOLDS_LINE;
	return st->acked != st->next ? SMTP_HOLDS_ACK : SMTP_HOLDS_NOTHING;
}

/**
 * smtp_flow_goes_on() - may what was held pass now?
 * @flow: the flow
 * @dir: where it came from
 * @held: the packet
 *
 * Does not answer for a packet that waits for the rest of its line: see smtp_held_line().
 *
 * If a server sends more than one reply to a line, the reply that came may be another
 * line's. The right one may still follow, until the packet is retransmitted (D11). A
 * packet that waits for its turn goes on after smtp_flow_turn() (X7).
 *
 * Return: whether it may.
 */
static inline bool smtp_flow_goes_on(const struct smtp_flow *flow, enum smtp_dir dir,
				     const struct smtp_held *held)
{
	const struct smtp_stream *st = &flow->stream[dir];

	if (held->what == SMTP_HOLDS_REST)
		return !smtp_seq_before(st->acked, held->left);
	if (smtp_seq_before(st->next, held->seq) ||
	    (dir == SMTP_CLIENT && (smtp_flow_waits(flow) || smtp_flow_rated(flow))))
		return false;
	switch (held->what) {
	case SMTP_HOLDS_REPLY:
		return !flow->session.surplus;
	case SMTP_HOLDS_ACK:
		return st->acked == st->next;
	case SMTP_HOLDS_LINE:
		return false;
	}
	return true;
}

/**
 * smtp_flow_opaque() - nothing of this flow is judged or kept any more
 * @flow: the flow; may be read without its lock
 *
 * Return: true for good once TLS has started and all before it is ACKed.
 */
static inline bool smtp_flow_opaque(const struct smtp_flow *flow)
{
	return READ_ONCE(flow->session.phase) == SMTP_FIXUP_PHASE_TLS &&
	       !READ_ONCE(flow->body.marks) &&
	       smtp_stream_idle(&flow->stream[SMTP_CLIENT]) &&
	       smtp_stream_idle(&flow->stream[SMTP_SERVER]);
}

#endif /* _SMTP_CORE_FLOW_H */
