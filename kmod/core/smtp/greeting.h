/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Greetings: masked octet by octet or a line at a time, or replaced. G1-G8.
 */
#ifndef _SMTP_CORE_GREETING_H
#define _SMTP_CORE_GREETING_H

#include "parser.h"

/**
 * smtp_greeting_byte() - what a byte of a greeting that is to be masked becomes
 * @ps: the call; its session has read what is before the byte
 * @c: the byte
 */
u8 smtp_greeting_byte(const struct smtp_parser *ps, u8 c);

/* Is the greeting masked a whole line of text at a time? G6, G8 */
static inline bool smtp_greeting_by_line(const struct smtp_policy *policy)
{
	return policy->keep_esmtp || policy->banner == SMTP_FIXUP_BANNER_CMAP;
}

/**
 * smtp_greeting_text() - mask the text of a greeting's line, at once
 * @ps: the call
 * @text: what is after the code
 * @n: octets of it, without the line's end
 */
void smtp_greeting_text(struct smtp_parser *ps, u8 *text, u32 n);

/**
 * smtp_greeting_replace() - the operator's line in place of the server's: G7
 * @ps: the call; has the edit then
 * @at: where the lines are that are replaced
 * @n: octets of them
 * @ends: the greeting ends with them; otherwise the operator's line goes on, too
 */
void smtp_greeting_replace(struct smtp_parser *ps, u32 at, u32 n, bool ends);

#endif /* _SMTP_CORE_GREETING_H */
