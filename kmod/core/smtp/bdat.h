/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BDAT and XEXCH50: when one may pass, and what follows its line. chunk.h reads the
 * line itself. docs/rules.md D6, H7.
 */
#ifndef _SMTP_CORE_BDAT_H
#define _SMTP_CORE_BDAT_H

#include "parser.h"

/**
 * smtp_chunk_unsettled() - would a BDAT have to wait for replies before it may pass?
 * @ps: the parser
 *
 * Return: whether it would.
 */
bool smtp_chunk_unsettled(const struct smtp_parser *ps);

/**
 * smtp_chunk_waits() - must a BDAT wait for replies before it may pass?
 * @ps: the parser
 * @c: the first octet of a line
 *
 * Return: whether it must.
 */
static inline bool smtp_chunk_waits(const struct smtp_parser *ps, u8 c)
{
	return (c & ~0x20) == 'B' && smtp_chunk_unsettled(ps);
}

/**
 * smtp_chunk_announced() - a line that announces a chunk has ended
 * @ps: the parser; smtp_output.skip is set
 *
 * Return: enum smtp_await: what the reply to the line decides.
 */
u8 smtp_chunk_announced(struct smtp_parser *ps);

#endif /* _SMTP_CORE_BDAT_H */
