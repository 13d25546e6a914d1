/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Body: the search for the end of data, and what is remembered of a body so
 * that no repetition can bring an end that the first copy did not have.
 * RULES.md D3, D4, D9; DESIGN.md, "The stream contract", points 2 and 3.
 *
 * A body is not kept. What is remembered of it until it is ACKed are its dots,
 * and whether a line end stands beside them: a repetition must have the same.
 * Then whatever mixture of copies the server puts together, there is no end
 * of data in it that the first copy did not have.
 */
#ifndef _SMTP_CORE_BODY_H
#define _SMTP_CORE_BODY_H

#include "stream.h"

#define SMTP_END_OF_DATA_LEN	5

extern const u8 smtp_end_of_data[SMTP_END_OF_DATA_LEN];

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
 * smtp_body_ahead() - may a segment of a body pass ahead of a gap?
 * @flow: the flow
 * @seg: the segment, beyond stream->next
 *
 * It may when it can neither hold the end of data nor be what follows it.
 *
 * Return: %SMTP_PASS or %SMTP_DROP.
 */
enum smtp_verdict smtp_body_ahead(struct smtp_flow *flow,
				  struct smtp_segment *seg);

/**
 * smtp_body_close_gap() - take over what has passed ahead of stream->next
 * @flow: the flow
 * @piece: sequence number from which on up to stream->next nothing has left
 *
 * Return: %SMTP_PASS or %SMTP_RESET, as smtp_body_judge().
 */
enum smtp_verdict smtp_body_close_gap(struct smtp_flow *flow, u32 piece);

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
 * smtp_body_skip() - take a gap for text, as if it had been judged
 * @flow: the flow, which is only observed
 * @seq: sequence number behind the gap
 */
void smtp_body_skip(struct smtp_flow *flow, u32 seq);

/**
 * smtp_body_repeat() - is this a repetition that brings no end of data?
 * @st: the client's stream
 * @seg: the segment
 * @from: sequence number of the first octet that is repeated
 * @to: behind the last
 *
 * Return: whether it may pass.
 */
bool smtp_body_repeat(const struct smtp_stream *st, struct smtp_segment *seg,
		      u32 from, u32 to);

/**
 * smtp_body_ack() - forget the marks of what the far end has
 * @st: the stream; stream->acked is new
 */
void smtp_body_ack(struct smtp_stream *st);

/**
 * smtp_body_kept_from() - where the body ends as far as repetitions go
 * @st: the client's stream
 *
 * Return: sequence number behind the octets that smtp_body_repeat() answers
 * for: of a body that has ended, the end of data is known.
 */
u32 smtp_body_kept_from(const struct smtp_stream *st);

/**
 * smtp_body_forget() - forget all marks, and what passed ahead
 * @st: the stream
 */
void smtp_body_forget(struct smtp_stream *st);

/**
 * smtp_body_overwrite() - overwrite what was overwritten in the first copy
 * @st: the client's stream
 * @seg: the segment; its first seg->pass octets go on
 *
 * Return: 0, or what smtp_segment.write returned.
 */
int smtp_body_overwrite(const struct smtp_stream *st, struct smtp_segment *seg);

#endif /* _SMTP_CORE_BODY_H */
