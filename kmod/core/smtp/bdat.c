// SPDX-License-Identifier: GPL-2.0-only
/* BDAT and XEXCH50: when one may pass, and what its line announces. See bdat.h. */
#include "bdat.h"
#include "limits.h"
#include "verb.h"

/* H7: only a recipient that was accepted takes the chunk. Until there is one, a BDAT
 * waits for the replies to all RCPTs and BDATs before it.
 */
bool smtp_chunk_unsettled(const struct smtp_parser *ps)
{
	const struct smtp_session *s = ps->s;
	u32 open, unanswered;

	if (s->cr || s->accepted ||
	    !(smtp_verbs_now(ps) & SMTP_VERB_BIT(BDAT)))
		return false;
	open = s->commands - s->replies;
	unanswered = open < 32 ? (1U << open) - 1 : ~0U;
	return (s->rcpts | s->bdats) & unanswered;
}

/* D6: what the reply decides, and how many octets follow */
u8 smtp_chunk_announced(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (s->chunk.blocked) {
		ps->out.skip = s->chunk.size;
		s->crossed = true;
		s->uncertain = true;	/* D11: each of its lines may be answered */
		return s->await;
	}
	smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
	if (s->chunk.verb == SMTP_FIXUP_VERB_XEXCH50) {
		s->announced = s->chunk.size;
		return SMTP_AWAIT_CHUNK;
	}
	ps->out.skip = s->chunk.size;
	smtp_limit_chunk_announced(s);
	s->bdats |= 1;
	/* H7: without a recipient, some servers take the chunk for commands. */
	s->crossed = !s->accepted;
	smtp_host_count(ps->host, SMTP_FIXUP_CNT_CHUNKS, 1);
	if (smtp_chunk_last(&s->chunk)) {
		smtp_transaction_begin(s);
		s->messages++;
		s->recipients = 0;
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_MESSAGES, 1);
	}
	return SMTP_AWAIT_NOTHING;
}
