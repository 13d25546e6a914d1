/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Greetings: masked octet by octet or a line at a time, or replaced. docs/rules.md G1-G8.
 */
#ifndef _SMTP_CORE_GREETING_H
#define _SMTP_CORE_GREETING_H

#include "parser.h"

/**
 * smtp_greeting_byte() - what replaces a byte of a masked greeting
 * @ps: the parser; its session has read what is before the byte
 * @c: the byte
 *
 * Return: what leaves in its place.
 */
u8 smtp_greeting_byte(const struct smtp_parser *ps, u8 c);

/* Is the greeting masked by whole lines? G6, G8 */
static inline bool smtp_greeting_by_line(const struct smtp_policy *policy)
{
	return policy->keep_esmtp || policy->banner == SMTP_FIXUP_BANNER_CMAP;
}

/**
 * smtp_greeting_text() - mask the text of a greeting's line, at once
 * @ps: the parser
 * @text: what is after the code
 * @n: octets of it, without the line's end
 */
void smtp_greeting_text(struct smtp_parser *ps, u8 *text, u32 n);

/**
 * smtp_greeting_replace() - the operator's line in place of the server's: G7
 * @ps: the parser; its output gets the edit
 * @at: where the lines are that are replaced
 * @n: octets of them
 * @ends: the greeting ends with them; otherwise the operator's line has a '-'
 */
void smtp_greeting_replace(struct smtp_parser *ps, u32 at, u32 n, bool ends);

#endif /* _SMTP_CORE_GREETING_H */
