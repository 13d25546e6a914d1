/* SPDX-License-Identifier: GPL-2.0-only */
/* Parser: what the functions share that judge one run of bytes. */
#ifndef _SMTP_CORE_PARSER_H
#define _SMTP_CORE_PARSER_H

#include "../policy/events.h"
#include "session.h"

/**
 * struct smtp_parser - one call of smtp_client_judge() or smtp_server_judge()
 * @s: the session
 * @policy: what it is under
 * @host: told of counters and events
 * @in: the bytes. @in and @out are not used for a body
 * @out: the result
 */
struct smtp_parser {
	struct smtp_session *s;
	const struct smtp_policy *policy;
	struct smtp_host *host;
	struct smtp_input in;
	struct smtp_output out;
};

static inline void smtp_parser_end(const struct smtp_parser *ps, enum smtp_next how)
{
	smtp_session_end(ps->s, how, ps->host);
}

/* Has the connection ended? Under observe it goes on. */
static inline bool smtp_parser_over(const struct smtp_parser *ps)
{
	return unlikely(ps->s->ended) && !ps->policy->observe;
}

/**
 * smtp_parser_resize_waits() - must a change of length wait for ACKs? T1
 * @ps: the parser
 * @at: where in its buffer
 * @n: octets that are put there
 *
 * One is in flight, or the packet has no room beside the octets before this one.
 *
 * Return: whether it must.
 */
static inline bool smtp_parser_resize_waits(const struct smtp_parser *ps, u32 at, u32 n)
{
	return ps->in.resize == SMTP_RESIZE_BUSY ||
	       (ps->in.resize == SMTP_RESIZE_OK && n <= ps->in.room &&
		ps->in.ahead + at > ps->in.room - n);
}

/**
 * smtp_parser_finish() - make the result of a call
 * @ps: the parser
 * @used: bytes judged
 * @client: they are the client's
 * @ended: whether the connection had ended before
 *
 * Return: the result.
 */
static inline struct smtp_output smtp_parser_finish(struct smtp_parser *ps, u32 used,
						    bool client, u8 ended)
{
	ps->out.used = used;
	if (smtp_parser_over(ps)) {
		ps->out.next = ps->s->ended;
		if (!ended)	/* a change of length would be after the end */
			memset(&ps->out.edit, 0, sizeof(ps->out.edit));
	} else if (!ps->out.next) {
		ps->out.next = smtp_session_next(ps->s, client);
	}
	return ps->out;
}

#endif /* _SMTP_CORE_PARSER_H */
