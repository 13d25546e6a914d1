/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ahead: in a body, a segment beyond a gap passes when it can neither hold the
 * end of data nor be what follows it. DESIGN.md, "The stream contract", point 3.
 *
 * What follows the end of data are commands, which have to be judged. A client may
 * send them before it has the reply to that end (RFC 2920), so a segment passes
 * only if it shows that it is none of them: T3.
 */
#ifndef _SMTP_CORE_AHEAD_H
#define _SMTP_CORE_AHEAD_H

#include "stream.h"

/**
 * smtp_ahead_judge() - may a segment of a body pass ahead of a gap?
 * @flow: the flow
 * @seg: the segment, beyond stream->next
 *
 * It may when it can neither hold the end of data nor be what follows it.
 *
 * Return: %SMTP_PASS or %SMTP_DROP.
 */
enum smtp_verdict smtp_ahead_judge(struct smtp_flow *flow,
				   struct smtp_segment *seg);

/**
 * smtp_ahead_close_gap() - take over what has passed ahead of stream->next
 * @flow: the flow
 * @piece: sequence number from which on up to stream->next nothing has left
 *
 * Return: %SMTP_PASS or %SMTP_RESET, as smtp_body_judge().
 */
enum smtp_verdict smtp_ahead_close_gap(struct smtp_flow *flow, u32 piece);

/**
 * smtp_ahead_skip() - take a gap for text, as if it had been judged
 * @flow: the flow, which is only observed
 * @seq: sequence number behind the gap
 */
void smtp_ahead_skip(struct smtp_flow *flow, u32 seq);

/**
 * smtp_ahead_forget() - forget what passed ahead, and give the memory back
 * @flow: the flow
 * @st: the client's stream
 */
void smtp_ahead_forget(struct smtp_flow *flow, struct smtp_stream *st);

#endif /* _SMTP_CORE_AHEAD_H */
