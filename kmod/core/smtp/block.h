/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocking: what leaves in place of a command that may not pass. Part of the command
 * may have left before that is known. docs/rules.md V3-V6, D6, X10.
 */
#ifndef _SMTP_CORE_BLOCK_H
#define _SMTP_CORE_BLOCK_H

#include "parser.h"

/**
 * smtp_verb_block() - block a command whose verb is not allowed
 * @ps: the parser; may end the connection
 * @verb: where in the buffer the verb stands, or the part of it that has not left
 * @i: the octet that shows it
 * @begins: the verb begins in this buffer
 *
 * Return: where to read on. %SMTP_NEED_ACK may be set.
 */
u32 smtp_verb_block(struct smtp_parser *ps, u32 verb, u32 i, bool begins);

/**
 * smtp_chunk_block() - block a BDAT or XEXCH50 for its size
 * @ps: the parser; may end the connection
 * @verb: where in the buffer the verb stands, or the part of it that has not left
 * @end: where that part ends
 * @i: the octet that shows it
 *
 * Return: where to read on.
 */
u32 smtp_chunk_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i);

/**
 * smtp_match_block() - block a command that a match masks
 * @ps: the parser; may end the connection
 * @verb: where in the buffer the verb stands, or the part of it that has not left
 * @end: where that part ends
 * @i: the octet that made the match
 *
 * Return: where to read on.
 */
u32 smtp_match_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i);

/**
 * smtp_line_filler() - the octet that fills a blocked line
 * @ps: the parser; smtp_session.line is %SMTP_LINE_FILLED
 *
 * Return: the octet.
 */
u8 smtp_line_filler(const struct smtp_parser *ps);

#endif /* _SMTP_CORE_BLOCK_H */
