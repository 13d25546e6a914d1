/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Body: the search for the end of data. RULES.md D3, D4, D9.
 *
 * A body is not kept. What is remembered of it until it is ACKed are its dots
 * (marks.h): repetitions are held against them (repeat.h). What comes beyond a
 * gap is ahead.h's.
 */
#ifndef _SMTP_CORE_BODY_H
#define _SMTP_CORE_BODY_H

#include "stream.h"

#define SMTP_END_OF_DATA_LEN	5

extern const u8 smtp_end_of_data[SMTP_END_OF_DATA_LEN];

/* What else than an enum smtp_body_state an octet can lead to */
#define SMTP_BODY_END		(SMTP_BODY_DOT_CR + 1)	/* CRLF.CRLF: D3 */
#define SMTP_BODY_SMUGGLED	(SMTP_BODY_DOT_CR + 2)	/* its like: D4 */

/**
 * smtp_body_begin() - the 354 has come, a body begins at stream->next
 * @st: the client's stream
 */
void smtp_body_begin(struct smtp_stream *st);

/**
 * smtp_body_judge() - search the next octets in order for the end of data
 * @flow: the flow
 * @seg: the segment
 * @off: where in its payload stream->next is
 * @to: where in its payload to stop, > @off
 *
 * Advances stream->next, behind the end of data at most; on an end,
 * stream->in_body is cleared. Stops early, without an end, where the rest
 * must wait.
 *
 * Return: %SMTP_PASS, or %SMTP_RESET: octets have left that some server takes
 * for an end of data.
 */
enum smtp_verdict smtp_body_judge(struct smtp_flow *flow,
				  struct smtp_segment *seg, u32 off, u32 to);

/**
 * smtp_body_short() - is the segment one of those that end a body?
 * @st: the client's stream
 * @seg: the segment
 *
 * These are short, and so are the commands behind it.
 *
 * Return: whether it is shorter than others of this body.
 */
bool smtp_body_short(const struct smtp_stream *st,
		     const struct smtp_segment *seg);

/**
 * smtp_body_step() - what does an octet lead to?
 * @state: enum smtp_body_state
 * @c: the octet behind it
 *
 * Return: enum smtp_body_state, %SMTP_BODY_END or %SMTP_BODY_SMUGGLED.
 */
u8 smtp_body_step(u8 state, u8 c);

/**
 * smtp_body_run() - run over octets and mark their dots while nothing happens
 * @flow: the flow
 * @state: enum smtp_body_state before them, and then behind
 * @seq: sequence number of the first
 * @p: the octets
 * @n: how many
 * @event: result: what the next one leads to, or 0
 *
 * Return: how many; fewer than @n before an event, and where there is no room
 * for a mark.
 */
u32 smtp_body_run(struct smtp_flow *flow, u8 *state, u32 seq, const u8 *p,
		  u32 n, u8 *event);

/**
 * smtp_body_defuse() - overwrite what is like an end of data (D4)
 * @flow: the flow; the octet at stream->next would complete it
 * @from: sequence number from which on nothing has left
 * @to: up to there
 * @stuck: result: there is no room for a mark
 *
 * That is its dot, or where that has left, the octet behind it.
 *
 * Return: %SMTP_PASS, or %SMTP_RESET: too late.
 */
enum smtp_verdict smtp_body_defuse(struct smtp_flow *flow, u32 from, u32 to,
				   bool *stuck);

/**
 * smtp_body_see() - note what is like an end of data and is let be (D4)
 * @flow: the flow; the octet at stream->next completes it. It may end with this.
 */
void smtp_body_see(struct smtp_flow *flow);

/**
 * smtp_body_ack() - forget what the far end has
 * @flow: the flow
 * @st: the stream; stream->acked is new
 */
void smtp_body_ack(struct smtp_flow *flow, struct smtp_stream *st);

/**
 * smtp_body_forget() - forget all of a body
 * @flow: the flow
 * @st: the stream
 */
void smtp_body_forget(struct smtp_flow *flow, struct smtp_stream *st);

#endif /* _SMTP_CORE_BODY_H */
