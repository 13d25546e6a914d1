// SPDX-License-Identifier: GPL-2.0-only
/* Verbs: which commands may pass, and what a whole verb changes. See verb.h. */
#include "../match/criteria.h"
#include "../scan/octets.h"
#include "address.h"
#include "limits.h"
#include "value.h"
#include "verb.h"

/* What the reply to a verb decides (D1, D2, E1, S2). X-EXPS is Exchange's AUTH. */
static enum smtp_await smtp_verb_awaits(int verb)
{
	switch (verb) {
	case SMTP_FIXUP_VERB_EHLO:
		return SMTP_AWAIT_EHLO;
	case SMTP_FIXUP_VERB_DATA:
		return SMTP_AWAIT_DATA;
	case SMTP_FIXUP_VERB_AUTH:
	case SMTP_FIXUP_VERB_X_EXPS:
		return SMTP_AWAIT_AUTH;
	case SMTP_FIXUP_VERB_STARTTLS:
		return SMTP_AWAIT_STARTTLS;
	}
	return SMTP_AWAIT_NOTHING;
}

/* Verbs whose reply decides what the bytes after them are */
#define SMTP_VERBS_AWAITED	(SMTP_VERB_BIT(DATA) | SMTP_VERB_BIT(AUTH) | \
				 SMTP_VERB_BIT(X_EXPS) | SMTP_VERB_BIT(STARTTLS))

#define SMTP_VERBS_CHUNKS	(SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50))

/* What the policy lets pass before TLS: S3 */
static u64 smtp_verbs_of_policy(const struct smtp_parser *ps)
{
	u64 verbs = smtp_policy_plain_verbs(ps->policy);

	if (ps->policy->criteria)
		verbs &= ~ps->policy->criteria->verbs;
	return verbs;
}

/* Some verbs do not always pass. D6: a server that has not offered
 * CHUNKING would take the chunk for commands. D10: where it is not known which command
 * a reply answers, no reply may decide what follows.
 */
u64 smtp_verbs_now(const struct smtp_parser *ps)
{
	u64 verbs = smtp_verbs_of_policy(ps);

	/* H7: a chunk needs a recipient, and a count of replies that is certain */
	if (!ps->s->chunking || !ps->s->asked)
		verbs &= ~SMTP_VERB_BIT(BDAT);
	if (ps->s->uncertain)
		verbs &= ~SMTP_VERBS_CHUNKS;
	if (ps->s->left == SMTP_LEFT_LOST)
		verbs &= ~SMTP_VERBS_AWAITED;
	return verbs;
}

void smtp_transaction_begin(struct smtp_session *s)
{
	s->rcpts = 0;
	s->asked = false;
	s->accepted = false;
}

/* Ends an allowed verb */
static void smtp_verb_whole(struct smtp_session *s, int verb)
{
	if (verb != SMTP_FIXUP_VERB_RCPT && verb != SMTP_FIXUP_VERB_NOOP &&
	    verb != SMTP_FIXUP_VERB_HELP && verb != SMTP_FIXUP_VERB_VRFY &&
	    verb != SMTP_FIXUP_VERB_BDAT && verb != SMTP_FIXUP_VERB_XEXCH50)
		smtp_transaction_begin(s);
	s->await = smtp_verb_awaits(verb);
	/* D11: its reply may come before its line end does */
	s->ehlo_sent |= verb == SMTP_FIXUP_VERB_EHLO;
	switch (verb) {
	case SMTP_FIXUP_VERB_HELO:
	case SMTP_FIXUP_VERB_EHLO:
	case SMTP_FIXUP_VERB_XCLIENT:
		s->hello = s->commands + 1;
		s->chunking = false;
		break;
	case SMTP_FIXUP_VERB_BDAT:
	case SMTP_FIXUP_VERB_XEXCH50:
		s->chunk.line = SMTP_CHUNK_VERB;
		s->chunk.verb = verb;
		break;
	}
}

/* H7: a client may send the chunk of a BDAT that does not pass now. The chunk is not
 * commands, and no server may take it for commands.
 */
void smtp_verb_begins(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;

	s->verb.candidates = smtp_verbs_now(ps);
	s->verb.len = 0;
	if ((c & ~0x20) == 'B' && s->ehlo_sent &&
	    smtp_verbs_of_policy(ps) & ~s->verb.candidates & SMTP_VERB_BIT(BDAT))
		smtp_chunk_blocked(&s->chunk);
}

u32 smtp_verb_run(struct smtp_parser *ps, const u8 *c, u32 n)
{
	struct smtp_session *s = ps->s;

	if (n > smtp_line_room(s))
		n = smtp_line_room(s);
	/* A RCPT may be one too many at any of its octets: L, X2 */
	if (s->verb.candidates == SMTP_VERB_BIT(RCPT))
		return 0;
	n = smtp_match_run(&s->verb, smtp_verbs, c, n);
	smtp_limit_octets(ps, n);
	return n;
}

/* V1-V3, V6 */
bool smtp_verb_octet(struct smtp_parser *ps, u8 c, bool alone)
{
	struct smtp_session *s = ps->s;
	const struct smtp_match before = s->verb;
	int word;

	if (smtp_is_blank(c) || smtp_is_eol(c)) {
		word = smtp_match_word(&before, smtp_verbs);
		if (word < 0)
			return false;
		s->line = SMTP_LINE_ARGUMENT;
		smtp_verb_whole(s, word);
		s->confidential = false;
		/* If the line ends here, there is no argument */
		if (unlikely(ps->policy->criteria) && c != '\n')
			smtp_value_argument(ps, word);
		smtp_address_begin(ps, word, c == '\n');
		if (!s->chunk.line && !s->value.at)
			smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
		s->is_rcpt = word == SMTP_FIXUP_VERB_RCPT;
		if (s->await == SMTP_AWAIT_AUTH)
			s->sasl = SMTP_SASL_BEFORE;
		smtp_limit_verb(ps, word);
		return true;
	}
	if (smtp_match_byte(&s->verb, smtp_verbs, c)) {
		if (s->verb.candidates != SMTP_VERB_BIT(RCPT) ||
		    !smtp_limit_ends_rcpts(ps))
			return true;
	}
	/* All of an allowed verb has left before this octet. Some server may act on it,
	 * so its reply decides as usual.
	 */
	word = alone ? smtp_match_word(&before, smtp_verbs) : -1;
	if (word >= 0) {
		smtp_verb_whole(s, word);
		if (s->chunk.line) {
			s->chunk.line = SMTP_CHUNK_BAD;
			s->await = SMTP_AWAIT_DOUBT;
		}
	}
	return false;
}
