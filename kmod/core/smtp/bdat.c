// SPDX-License-Identifier: GPL-2.0-only
/* BDAT and XEXCH50: when one may pass, and what its line announces. See bdat.h. */
#include "bdat.h"
#include "limits.h"
#include "verb.h"

/* H7: only a recipient that was accepted takes the chunk. Until there is one, a BDAT
 * waits for the replies to all RCPTs and BDATs before it.
 */
static bool smtp_bdat_waits(const struct smtp_parser *ps)
{
	const struct smtp_session *s = ps->s;
	u32 open, unanswered;

	if (s->accepted || !(smtp_verbs_now(ps) & SMTP_VERB_BIT(BDAT)))
		return false;
	open = s->commands - s->replies;
	unanswered = open < 32 ? (1U << open) - 1 : ~0U;
	return (s->rcpts | s->bdats) & unanswered;
}

/* D6, D11: one reply too many to an earlier command would be taken for XEXCH50's. If that
 * passes when all are answered, smtp_input.early tells.
 */
static bool smtp_xexch50_waits(const struct smtp_parser *ps)
{
	return ps->s->commands != ps->s->replies &&
	       (smtp_verbs_now(ps) & SMTP_VERB_BIT(XEXCH50));
}

bool smtp_chunk_unsettled(struct smtp_parser *ps, const u8 *c, u32 n)
{
	struct smtp_match verb = { .candidates = SMTP_VERB_BIT(XEXCH50) };

	if (ps->s->cr)
		return false;
	if ((*c & ~0x20) == 'B')
		ps->s->chunk_waits = smtp_bdat_waits(ps);
	else
		ps->s->chunk_waits = smtp_xexch50_waits(ps) &&
				     (smtp_match_run(&verb, smtp_verbs, c, n) == n ||
				      smtp_match_word(&verb, smtp_verbs) >= 0);
	return ps->s->chunk_waits;
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
