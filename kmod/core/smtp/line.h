/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command lines: how many octets of a line pass, and what ends it. docs/rules.md V7, V10,
 * D11.
 */
#ifndef _SMTP_CORE_LINE_H
#define _SMTP_CORE_LINE_H

#include "parser.h"

/* V10: is the line so long that its next octet does not pass? The initial response of
 * AUTH has a limit of its own: D5.
 */
static inline bool smtp_line_beyond(const struct smtp_session *s)
{
	return s->column >= SMTP_COMMAND_MAX && s->sasl != SMTP_SASL_RESPONSE;
}

/**
 * smtp_line_cut() - report a line that is too long for some servers: V10
 * @ps: the parser
 */
void smtp_line_cut(struct smtp_parser *ps);

/**
 * smtp_line_skip() - count octets of a line that were judged at once
 * @ps: the parser; may end the connection
 * @n: how many; no line end among them
 */
void smtp_line_skip(struct smtp_parser *ps, u32 n);

/**
 * smtp_line_blank() - overwrite the rest of a line that was cut with spaces
 * @ps: the parser; smtp_line_beyond(); may end the connection
 * @c: the next octets
 * @n: how many are in the buffer
 *
 * Return: how many octets are done; 0: judge the first one by itself.
 */
u32 smtp_line_blank(struct smtp_parser *ps, u8 *c, u32 n);

/* V7: is the octet at @i a bare LF, or what follows a bare CR, or a bare CR that strict makes a
 * blank? One that is the last of the buffer may still be part of a CRLF, and leaves.
 */
static inline bool smtp_line_end_is_bare(const struct smtp_parser *ps, u32 i)
{
	const u8 *c = &ps->in.buf[i];

	if ((*c == '\n') != ps->s->cr)
		return true;
	return *c == '\r' && i + 1 < ps->in.len && c[1] != '\n' &&
	       ps->policy->line_ending == SMTP_FIXUP_LINE_ENDING_STRICT;
}

/**
 * smtp_line_end_octet() - deal with a bare LF or a bare CR
 * @ps: the parser
 * @i: the place of the octet, which smtp_line_end_is_bare()
 *
 * Return: whether it ends the line now, in LF alone.
 */
bool smtp_line_end_octet(struct smtp_parser *ps, u32 i);

/**
 * smtp_line_end() - end a line
 * @ps: the parser
 * @bare: in LF alone
 */
void smtp_line_end(struct smtp_parser *ps, bool bare);

#endif /* _SMTP_CORE_LINE_H */
