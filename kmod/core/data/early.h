/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Early segments: in a body, a segment beyond a gap is forwarded if it can neither hold
 * the end of data nor be after it. docs/design.md, "The stream contract", point 3.
 *
 * After the end of data come commands, which have to be judged. A client may send them
 * before it has the reply to the end of data (RFC 2920), so a segment passes only if it
 * shows that it holds none of them: T3.
 */
#ifndef _SMTP_CORE_EARLY_H
#define _SMTP_CORE_EARLY_H

#include "eod.h"

/**
 * smtp_early_judge() - may a segment of a body pass ahead of a gap?
 * @scan: the call
 * @seg: the segment, beyond body->next
 *
 * It may if it can neither hold the end of data nor be after it.
 *
 * Return: %SMTP_PASS or %SMTP_DROP.
 */
enum smtp_verdict smtp_early_judge(struct smtp_scan *scan,
				   struct smtp_segment *seg);

/* Is the first gap closed, so that what passed ahead of it follows body->next? */
static inline bool smtp_early_follows(const struct smtp_body *b)
{
	return b->nr_early && b->early[0].start == b->next;
}

/**
 * smtp_early_close_gap() - take over the range that follows body->next
 * @scan: the call; smtp_early_follows()
 * @piece: sequence number from which on up to body->next nothing has left
 *
 * Return: %SMTP_PASS, or %SMTP_DESYNC: octets have left that some server takes for
 * an end of data, or @scan->ends.
 */
enum smtp_verdict smtp_early_close_gap(struct smtp_scan *scan, u32 piece);

/**
 * smtp_early_skip() - treat a gap as text that has been judged
 * @b: the body of a connection that is only observed
 * @seq: sequence number after the gap
 * @host: whose memory it is
 */
void smtp_early_skip(struct smtp_body *b, u32 seq, struct smtp_host *host);

#endif /* _SMTP_CORE_EARLY_H */
