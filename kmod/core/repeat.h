/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repeat: a repetition of a body has the dots of the first copy, with the same
 * beside them, or does not pass. Then whatever mixture of copies the server
 * puts together, there is no end of data in it that the first copy did not
 * have. RULES.md T2; DESIGN.md, "The stream contract", point 2.
 */
#ifndef _SMTP_CORE_REPEAT_H
#define _SMTP_CORE_REPEAT_H

#include "stream.h"

/**
 * smtp_repeat_judge() - is this a repetition that brings no end of data?
 * @st: the client's stream
 * @seg: the segment
 * @from: sequence number of the first octet that is repeated
 * @to: behind the last
 *
 * Return: whether it may pass.
 */
bool smtp_repeat_judge(const struct smtp_stream *st, struct smtp_segment *seg,
		       u32 from, u32 to);

/**
 * smtp_repeat_kept_from() - where the body ends as far as repetitions go
 * @st: the client's stream
 *
 * Return: sequence number behind the octets that smtp_repeat_judge() answers
 * for: of a body that has ended, the end of data is known.
 */
u32 smtp_repeat_kept_from(const struct smtp_stream *st);

/* Octets that are overwritten in one packet at most: each takes some time, and
 * what follows is cut off for the sender to repeat
 */
#define SMTP_SPACES_MAX		512

/**
 * smtp_repeat_overwrite() - overwrite what was overwritten in the first copy
 * @st: the client's stream
 * @seg: the segment; its first seg->pass octets go on
 *
 * Return: 0, or what smtp_segment.write returned.
 */
int smtp_repeat_overwrite(const struct smtp_stream *st, struct smtp_segment *seg);

#endif /* _SMTP_CORE_REPEAT_H */
