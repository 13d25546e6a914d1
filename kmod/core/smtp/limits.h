/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits: of command lines, recipients, sender addresses, chunks and replies;
 * message.h has those of messages. docs/rules.md L, X1, X2.
 */
#ifndef _SMTP_CORE_LIMITS_H
#define _SMTP_CORE_LIMITS_H

#include "../policy/policy.h"

struct smtp_parser;
struct smtp_session;

/**
 * smtp_limit_exceeded() - something is more than its limit
 * @ps: the parser; the connection may have to end
 * @limit: which
 */
void smtp_limit_exceeded(struct smtp_parser *ps, enum smtp_fixup_limit limit);

/**
 * smtp_limit_octets() - more octets of a command line
 * @ps: the parser; the connection may have to end
 * @n: how many
 */
void smtp_limit_octets(struct smtp_parser *ps, u32 n);

/**
 * smtp_limit_verb() - a command passes
 * @ps: the parser; the connection may have to end
 * @verb: enum smtp_fixup_verb
 */
void smtp_limit_verb(struct smtp_parser *ps, int verb);

/**
 * smtp_limit_declared_begin() - the argument of a MAIL begins
 * @s: the session
 */
void smtp_limit_declared_begin(struct smtp_session *s);

/**
 * smtp_limit_declared() - look for SIZE= in the argument of a MAIL: RFC 1870
 * @ps: the parser; smtp_session.size_at is not 0; the connection may have to end
 * @c: the next octet
 *
 * Return: whether the command is masked.
 */
bool smtp_limit_declared(struct smtp_parser *ps, u8 c);

/**
 * smtp_limit_message() - more octets of a message, its last line included
 * @ps: the parser; the connection may have to end
 * @n: how many
 */
void smtp_limit_message(struct smtp_parser *ps, u32 n);

/**
 * smtp_limit_header() - more octets of a message's header
 * @ps: the parser; the connection may have to end
 * @len: octets so far
 * @n: how many
 */
void smtp_limit_header(struct smtp_parser *ps, u32 *len, u32 n);

/**
 * smtp_limit_to() - more addresses in To fields
 * @ps: the parser; the connection may have to end
 * @count: addresses so far
 * @n: how many
 */
void smtp_limit_to(struct smtp_parser *ps, u32 *count, u32 n);

/**
 * smtp_limit_chunk() - smtp_chunk_octet(), and the size that is announced
 * @ps: the parser; the connection may have to end
 * @c: the octet
 *
 * Return: whether the command is blocked: D6, X1.
 */
bool smtp_limit_chunk(struct smtp_parser *ps, u8 c);

/**
 * smtp_limit_chunk_announced() - a chunk follows that is part of a message
 * @s: the session; its line has ended
 */
void smtp_limit_chunk_announced(struct smtp_session *s);

/**
 * smtp_limit_reply() - more octets of a reply's line
 * @ps: the parser; the connection may have to end
 * @n: how many
 */
void smtp_limit_reply(struct smtp_parser *ps, u32 n);

/* Is there a limit of refused recipients? X2 */
#define smtp_limit_of_refusals(ps) \
	((ps)->policy->limits[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS].action)

/**
 * smtp_limit_asked() - a RCPT has passed, and smtp_limit_of_refusals()
 * @ps: the parser
 *
 * What is in flight from the first to the last of those that have no answer is one
 * range: 5yz to something else there counts, too. No honest client puts anything
 * else there.
 */
void smtp_limit_asked(struct smtp_parser *ps);

/**
 * smtp_limit_answered() - a reply has ended: was a RCPT refused? X2
 * @ps: the parser; the connection may have to end
 */
void smtp_limit_answered(struct smtp_parser *ps);

/**
 * smtp_limit_ends_rcpts() - does no RCPT pass any more, for a limit is reached?
 * @ps: the parser; the connection may have to end
 */
bool smtp_limit_ends_rcpts(struct smtp_parser *ps);

#endif /* _SMTP_CORE_LIMITS_H */
