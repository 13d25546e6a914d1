/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EHLO replies: which keywords pass. Other lines are masked octet by octet, or whole
 * lines are rewritten. docs/rules.md E1-E4, X6, X8.
 */
#ifndef _SMTP_CORE_EHLO_H
#define _SMTP_CORE_EHLO_H

#include "../match/criteria.h"
#include "parser.h"

/* The keywords that an EHLO reply may offer: E2. D6, D11: if a reply answers another
 * command by count, its CHUNKING is not believed, so the client must not see it either.
 */
static inline u64 smtp_ehlo_keywords(const struct smtp_parser *ps)
{
	u64 keywords = ps->policy->keywords;

	if (ps->policy->criteria)
		keywords &= ~ps->policy->criteria->keywords;
	return ps->s->reply == SMTP_AWAIT_EHLO &&
	       !ps->s->uncertain ? keywords :
	       keywords & ~SMTP_KEYWORD_BIT(CHUNKING);
}

/**
 * smtp_ehlo_byte() - judge a byte after the fourth of an EHLO line: E1, E2
 * @ps: the parser
 * @text: the first byte of the line's text that is in this buffer
 * @n: octets in the buffer from there on
 * @c: the byte; may be overwritten
 *
 * Return: how many bytes changed.
 */
u32 smtp_ehlo_byte(struct smtp_parser *ps, u8 *text, u32 n, u8 *c);

/* Must the line at @c be whole? The letter of E1 replaces its last octet */
static inline bool smtp_ehlo_line_open(const struct smtp_parser *ps, const u8 *c,
				       u32 n)
{
	const struct smtp_session *s = ps->s;

	return s->ehlo_line == SMTP_EHLO_READING && !s->keyword.len &&
	       (ps->policy->ehlo != SMTP_FIXUP_EHLO_KEEP ||
		ps->policy->criteria) && !memchr(c, '\n', n);
}

/**
 * smtp_ehlo_left() - how many octets are left when lines are removed: E4
 * @ps: the parser
 * @reply: the lines
 * @n: octets of them
 * @ends: the reply ends with them
 * @changes: result: whether a line is removed
 *
 * Return: the number of octets.
 */
u32 smtp_ehlo_left(struct smtp_parser *ps, const u8 *reply, u32 n, bool ends,
		   bool *changes);

/**
 * smtp_ehlo_match() - apply the matches to lines, without removing any: X6, X8
 * @ps: the parser
 * @reply: the lines
 * @n: octets of them
 *
 * Return: how many octets changed.
 */
u32 smtp_ehlo_match(struct smtp_parser *ps, u8 *reply, u32 n);

/**
 * smtp_ehlo_rewrite() - remove the lines that may not pass: E4
 * @ps: the parser; its output gets the edit
 * @at: where the lines are
 * @n: octets of them
 * @ends: the reply ends with them
 */
void smtp_ehlo_rewrite(struct smtp_parser *ps, u32 at, u32 n, bool ends);

#endif /* _SMTP_CORE_EHLO_H */
