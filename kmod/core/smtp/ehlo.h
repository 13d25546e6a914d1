/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EHLO replies: which keywords pass, and what becomes of the other lines. They are
 * masked octet by octet, or a reply's whole lines are rewritten. E1-E4, X6, X8.
 */
#ifndef _SMTP_CORE_EHLO_H
#define _SMTP_CORE_EHLO_H

#include "../match/criteria.h"
#include "parser.h"

/* What an EHLO reply may offer: E2. D6, D11: a reply that by count is not an EHLO's is
 * not believed about BDAT, so it must not promise it to the client either.
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
 * @ps: the call
 * @text: the first byte of the line's text that is in this buffer
 * @n: octets in the buffer from there on
 * @c: the byte; may be overwritten
 *
 * Return: how many bytes changed.
 */
u32 smtp_ehlo_byte(struct smtp_parser *ps, u8 *text, u32 n, u8 *c);

/* Does the line at @c have to be whole? Its last octet becomes another (E1) */
static inline bool smtp_ehlo_line_open(const struct smtp_parser *ps, const u8 *c,
				       u32 n)
{
	const struct smtp_session *s = ps->s;

	return s->ehlo_line == SMTP_EHLO_READING && !s->keyword.len &&
	       (ps->policy->ehlo != SMTP_FIXUP_EHLO_KEEP ||
		ps->policy->criteria) && !memchr(c, '\n', n);
}

/**
 * smtp_ehlo_left() - octets that are left of lines when some are taken out: E4
 * @ps: the call
 * @reply: the lines
 * @n: octets of them
 * @ends: the reply ends with them
 * @changes: result: is any taken out?
 */
u32 smtp_ehlo_left(struct smtp_parser *ps, const u8 *reply, u32 n, bool ends,
		   bool *changes);

/**
 * smtp_ehlo_match() - what matches do to lines, but for their removal: X6, X8
 * @ps: the call
 * @reply: the lines
 * @n: octets of them
 *
 * Return: how many octets changed.
 */
u32 smtp_ehlo_match(struct smtp_parser *ps, u8 *reply, u32 n);

/**
 * smtp_ehlo_rewrite() - take out the lines that are not let through: E4
 * @ps: the call; has the edit then
 * @at: where the lines are
 * @n: octets of them
 * @ends: the reply ends with them
 */
void smtp_ehlo_rewrite(struct smtp_parser *ps, u32 at, u32 n, bool ends);

#endif /* _SMTP_CORE_EHLO_H */
