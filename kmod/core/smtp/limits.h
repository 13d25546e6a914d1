/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits of command lines, recipients, sender addresses, chunks and replies. message.h
 * has those of messages. docs/rules.md L, X1, X2.
 */
#ifndef _SMTP_CORE_LIMITS_H
#define _SMTP_CORE_LIMITS_H

#include "../policy/policy.h"

struct smtp_parser;
struct smtp_session;

/**
 * smtp_limit_exceeded() - take the action of a limit that is exceeded
 * @ps: the parser; may end the connection
 * @limit: which
 */
void smtp_limit_exceeded(struct smtp_parser *ps, enum smtp_fixup_limit limit);

/**
 * smtp_limit_octets() - count octets of a command line
 * @ps: the parser; may end the connection
 * @n: how many
 */
void smtp_limit_octets(struct smtp_parser *ps, u32 n);

/**
 * smtp_limit_verb() - count a command that passes
 * @ps: the parser; may end the connection
 * @verb: enum smtp_fixup_verb
 */
void smtp_limit_verb(struct smtp_parser *ps, int verb);

/**
 * smtp_limit_declared_begin() - begin the argument of a MAIL
 * @s: the session
 */
void smtp_limit_declared_begin(struct smtp_session *s);

/**
 * smtp_limit_declared() - read an octet of a MAIL's argument, for SIZE=: RFC 1870
 * @ps: the parser; smtp_session.size_at is not 0; may end the connection
 * @c: the next octet
 *
 * Return: whether the command is masked.
 */
bool smtp_limit_declared(struct smtp_parser *ps, u8 c);

/**
 * smtp_limit_message() - count octets of a message, its last line included
 * @ps: the parser; may end the connection
 * @n: how many
 */
void smtp_limit_message(struct smtp_parser *ps, u32 n);

/**
 * smtp_limit_header() - count octets of a message's header
 * @ps: the parser; may end the connection
 * @len: octets so far
 * @n: how many
 */
void smtp_limit_header(struct smtp_parser *ps, u32 *len, u32 n);

/**
 * smtp_limit_to() - count addresses in To fields
 * @ps: the parser; may end the connection
 * @count: addresses so far
 * @n: how many
 */
void smtp_limit_to(struct smtp_parser *ps, u32 *count, u32 n);

/**
 * smtp_limit_chunk() - read an octet of a chunk's line, and check the size
 * @ps: the parser; may end the connection
 * @c: the octet
 *
 * Return: whether the command is blocked: D6, X1.
 */
bool smtp_limit_chunk(struct smtp_parser *ps, u8 c);

/**
 * smtp_limit_chunk_announced() - count a chunk that is part of a message
 * @s: the session; its line has ended
 */
void smtp_limit_chunk_announced(struct smtp_session *s);

/**
 * smtp_limit_reply() - count octets of a reply's line
 * @ps: the parser; may end the connection
 * @n: how many
 */
void smtp_limit_reply(struct smtp_parser *ps, u32 n);

/* Does the policy limit refused recipients? X2 */
#define smtp_limit_of_refusals(ps) \
	((ps)->policy->limits[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS].action)

/**
 * smtp_limit_asked() - note a RCPT that has passed: X2
 * @ps: the parser
 *
 * Only if smtp_limit_of_refusals(). The range from the first to the last unanswered RCPT
 * is kept. A 5yz to another command within it counts, too, but no honest client sends one
 * there.
 */
void smtp_limit_asked(struct smtp_parser *ps);

/**
 * smtp_limit_answered() - count the reply that has ended, if it refused a RCPT: X2
 * @ps: the parser; may end the connection
 */
void smtp_limit_answered(struct smtp_parser *ps);

/**
 * smtp_limit_ends_rcpts() - does a limit block every further RCPT?
 * @ps: the parser; may end the connection
 *
 * Return: whether one does.
 */
bool smtp_limit_ends_rcpts(struct smtp_parser *ps);

#endif /* _SMTP_CORE_LIMITS_H */
