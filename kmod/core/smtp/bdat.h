/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BDAT and XEXCH50: when one may pass, and what follows its line. chunk.h reads the
 * line itself. docs/rules.md D6, H7.
 */
#ifndef _SMTP_CORE_BDAT_H
#define _SMTP_CORE_BDAT_H

#include "parser.h"

/**
 * smtp_chunk_unsettled() - must BDAT or XEXCH50 wait for replies first?
 * @ps: the parser; smtp_session.chunk_waits is set
 * @c: the line, as far as it has come
 * @n: octets of it, and perhaps more
 *
 * Return: whether it must.
 */
bool smtp_chunk_unsettled(struct smtp_parser *ps, const u8 *c, u32 n);

/* Does the policy let BDAT or XEXCH50 through? */
static inline bool smtp_chunk_allowed(const struct smtp_policy *policy)
{
	return policy->verbs & (SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50));
}

/**
 * smtp_chunk_waits() - must a line wait for replies before it may pass?
 * @ps: the parser
 * @c: the line, as far as it has come
 * @n: octets of it, and perhaps more
 *
 * Return: whether it must.
 */
static inline bool smtp_chunk_waits(struct smtp_parser *ps, const u8 *c, u32 n)
{
	u8 letter = *c & ~0x20;

	return (letter == 'B' || letter == 'X') && unlikely(smtp_chunk_allowed(ps->policy)) &&
	       smtp_chunk_unsettled(ps, c, n);
}

/**
 * smtp_chunk_announced() - a line that announces a chunk has ended
 * @ps: the parser; smtp_output.skip is set
 *
 * Return: enum smtp_await: what the reply to the line decides.
 */
u8 smtp_chunk_announced(struct smtp_parser *ps);

#endif /* _SMTP_CORE_BDAT_H */
