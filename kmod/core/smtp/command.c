// SPDX-License-Identifier: GPL-2.0-only
/* Commands: what the client says. See session.h; reply.c has the server's side. */
#include "../match/criteria.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "address.h"
#include "limits.h"
#include "parser.h"
#include "proxy.h"
#include "sasl.h"
#include "value.h"

void smtp_session_init(struct smtp_session *s)
{
	memset(s, 0, sizeof(*s));
	s->commands = 1;	/* the greeting is a reply, too */
}

/* What the reply to a verb settles (D1, D2, E1, S2); X-EXPS is Exchange's AUTH */
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

const char *smtp_session_awaited(const struct smtp_session *s)
{
	static const char *const lines[] = {
		[SMTP_AWAIT_GREETING] = "a PROXY header",
		[SMTP_AWAIT_LINE_END] = "an empty line",
		[SMTP_AWAIT_DATA_END] = "LF.LF",
		[SMTP_AWAIT_EHLO] = "EHLO",
		[SMTP_AWAIT_DATA] = "DATA",
		[SMTP_AWAIT_AUTH] = "AUTH",
		[SMTP_AWAIT_STARTTLS] = "STARTTLS",
		[SMTP_AWAIT_CHUNK] = "XEXCH50",
		[SMTP_AWAIT_DOUBT] = "BDAT or XEXCH50",
	};

	if (s->wait == SMTP_AWAIT_LINE_END && s->bare)
		return "a line that ended in LF";
	return lines[s->wait];
}

/* Those whose reply decides what the octets behind them are */
#define SMTP_VERBS_AWAITED	(SMTP_VERB_BIT(DATA) | SMTP_VERB_BIT(AUTH) | \
				 SMTP_VERB_BIT(X_EXPS) | SMTP_VERB_BIT(STARTTLS))

#define SMTP_VERBS_CHUNKS	(SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50))

/* What the policy lets pass, before TLS: S3 */
static u64 smtp_verbs_of_policy(const struct smtp_parser *ps)
{
	u64 verbs = smtp_policy_plain_verbs(ps->policy);

	if (ps->policy->criteria)
		verbs &= ~ps->policy->criteria->verbs;
	return verbs;
}

/* What passes now. D6: a server that has not offered CHUNKING would take the
 * chunk for commands. D10: nor may the reply to another command decide.
 */
static u64 smtp_verbs_now(const struct smtp_parser *ps)
{
	u64 verbs = smtp_verbs_of_policy(ps);

	/* H7: a chunk is announced for somebody, and by a count that is certain */
	if (!ps->s->chunking || !ps->s->asked)
		verbs &= ~SMTP_VERB_BIT(BDAT);
	if (ps->s->uncertain)
		verbs &= ~SMTP_VERBS_CHUNKS;
	if (ps->s->left == SMTP_LEFT_LOST)
		verbs &= ~SMTP_VERBS_AWAITED;
	return verbs;
}

/* No transaction, or another one */
static void smtp_transaction_begin(struct smtp_session *s)
{
	s->rcpts = 0;
	s->asked = false;
	s->accepted = false;
}

/* An allowed verb is whole */
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

static void smtp_line_begin(struct smtp_session *s)
{
	s->line = SMTP_LINE_START;
	s->is_rcpt = false;
	s->await = SMTP_AWAIT_NOTHING;
	s->address = SMTP_ADDRESS_NONE;
	s->sasl = SMTP_SASL_NONE;
	s->response = 0;
	s->overwritten = false;
	s->cr_again = false;
	s->column = 0;
	memset(&s->chunk, 0, sizeof(s->chunk));
}

/* V10: octets of the line are beyond what one line is to every server */
static void smtp_line_cut(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (!s->overwritten)
		smtp_event(ps->host, SMTP_FIXUP_EVENT_COMMAND_LINE_CUT, NULL, 0);
	s->overwritten = true;
	s->uncertain = true;	/* D11: it may get more than one reply */
}

/* @n more octets of the line, none of its end, have been judged at once */
static void smtp_line_skip(struct smtp_parser *ps, u32 n)
{
	smtp_limit_octets(ps, n);
	if (ps->s->column > SMTP_COMMAND_MAX)
		smtp_line_cut(ps);
}

/* V10: is the next octet of the line beyond what passes? AUTH's initial response
 * has a limit of its own: D5.
 */
static bool smtp_line_beyond(const struct smtp_session *s)
{
	return s->column >= SMTP_COMMAND_MAX && s->sasl != SMTP_SASL_RESPONSE;
}

/* V10: what follows at @c of a line that is cut leaves as spaces. Returns how many
 * octets are done, 0: the first of them is to be judged by itself.
 */
static u32 smtp_line_blank(struct smtp_parser *ps, u8 *c,
			   u32 n)
{
	struct smtp_session *s = ps->s;

	if (!smtp_line_beyond(s) || !s->overwritten || s->cr || s->chunk.line ||
	    s->line != SMTP_LINE_ARGUMENT)
		return 0;
	n = smtp_line_rest(c, n);
	smtp_limit_octets(ps, n);
	ps->out.masked += smtp_fill(c, n, ' ');
	return n;
}

/* A line that is overwritten to its end: with this */
static u8 smtp_line_filler(const struct smtp_parser *ps)
{
	if (ps->s->overwritten)
		return ' ';
	if (ps->s->broken)
		return '<';
	return ps->policy->reject == SMTP_FIXUP_REJECT_NOOP ? ' ' : 'X';
}

/* Bytes from @c to the end of its word, or of the buffer */
static u32 smtp_word_rest(const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < n && !smtp_is_eol(c[i]) && !smtp_is_blank(c[i]); i++)
		;
	return i;
}

/* Reports the blocked command at @verb. A client that does not heed the reply
 * goes on with its credentials, or with its mail: no words of those.
 */
static void smtp_verb_event(struct smtp_parser *ps,
			    u32 verb, enum smtp_fixup_event event)
{
	struct smtp_match secret = {
		.candidates = SMTP_VERB_BIT(AUTH) | SMTP_VERB_BIT(X_EXPS) |
			      SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50),
	};
	struct smtp_session *s = ps->s;
	const u8 *word = ps->in.buf + verb;
	u32 n = smtp_word_rest(word, ps->in.len - verb);
	u32 i;

	s->blocked++;
	smtp_event(ps->host, event, word, s->confidential ? 0 : n);
	for (i = 0; i < n; i++)
		smtp_match_byte(&secret, smtp_verbs, word[i]);
	if (smtp_match_word(&secret, smtp_verbs) >= 0)
		s->confidential = true;
}

/* V4: NOOP in place of the blocked line at @verb. Returns how many octets of
 * it are done, or 0: it can't be, or %SMTP_NEED_ACK.
 */
static u32 smtp_line_noop(struct smtp_parser *ps, u32 verb)
{
	u8 *line = ps->in.buf + verb;
	u32 n = smtp_line_rest(line, ps->in.len - verb);
	bool whole = verb + n < ps->in.len;
	u32 i;

	if (n < 4 && (!whole || ps->in.resize != SMTP_RESIZE_OK)) {
		if (whole && ps->in.resize == SMTP_RESIZE_BUSY)
			ps->out.next = SMTP_NEED_ACK;
		return 0;
	}
	smtp_verb_event(ps, verb, SMTP_FIXUP_EVENT_COMMAND_NOOP);
	for (i = 0; i < n && ps->s->chunk.blocked; i++)
		smtp_chunk_octet(&ps->s->chunk, line[i]);
	if (n < 4) {
		ps->out.edit.at = verb;
		ps->out.edit.old = n;
		ps->out.edit.with = (const u8 *)"NOOP";
		ps->out.edit.len = 4;
	} else {
		memcpy(line, "NOOP", 4);
		ps->out.masked += smtp_fill(line + 4, n - 4, ' ');
	}
	ps->out.masked += 4;
	ps->s->line = SMTP_LINE_FILLED;
	return n;
}

/* The byte at @i shows that the verb at @verb is not allowed. Masks the part of it in
 * this buffer (V3, V4, V6), or ends the connection (V5). @begins: the verb begins in
 * this buffer. Returns where to read on.
 */
static u32 smtp_verb_block(struct smtp_parser *ps,
			   u32 verb, u32 i, bool begins)
{
	struct smtp_session *s = ps->s;
	u32 done = 0;

	s->broken = false;
	if (ps->policy->reject >= SMTP_FIXUP_REJECT_DROP) {
		smtp_value_verb_rest(ps, ps->in.buf + i + 1, ps->in.len - i - 1);
		smtp_verb_event(ps, verb, SMTP_FIXUP_EVENT_COMMAND_REFUSED);
		smtp_parser_end(ps, ps->policy->reject == SMTP_FIXUP_REJECT_DROP ?
				    SMTP_END_DROP : SMTP_END_RESET);
		s->line = SMTP_LINE_BLOCKED;	/* where it is only observed */
		if (smtp_parser_over(ps))
			s->await = SMTP_AWAIT_NOTHING;	/* this line has no end */
		return i;
	}
	smtp_value_verb_rest(ps, ps->in.buf + i + 1, ps->in.len - i - 1);
	if (ps->policy->reject == SMTP_FIXUP_REJECT_NOOP && begins)
		done = smtp_line_noop(ps, verb);
	if (ps->out.next == SMTP_NEED_ACK) {
		/* What stood before the verb has been judged */
		s->line = SMTP_LINE_START;
		s->column -= i + 1 - verb;
		return verb;
	}
	if (!done) {
		s->line = ps->policy->reject == SMTP_FIXUP_REJECT_LINE ?
			  SMTP_LINE_FILLED : SMTP_LINE_BLOCKED;
		smtp_verb_event(ps, verb, SMTP_FIXUP_EVENT_COMMAND_MASKED);
		ps->out.masked += smtp_fill(ps->in.buf + verb, i - verb, 'X');
	} else {
		i = verb + done;
	}
	return i;
}

/* Is what has been read of the verb, with the octet at @i, still allowed?
 * V1-V3, V6
 */
static bool smtp_verb_octet(struct smtp_parser *ps, u8 c, bool alone)
{
	struct smtp_session *s = ps->s;
	int word = smtp_match_word(&s->verb, smtp_verbs);

	if (smtp_is_blank(c) || smtp_is_eol(c)) {
		if (word < 0)
			return false;
		s->line = SMTP_LINE_ARGUMENT;
		smtp_verb_whole(s, word);
		s->confidential = false;
		/* Where the line ends here there is none */
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
	/* Where all of an allowed verb has left already, there may be servers
	 * that act on it: believe the reply.
	 */
	if (word >= 0 && alone) {
		smtp_verb_whole(s, word);
		if (s->chunk.line) {
			s->chunk.line = SMTP_CHUNK_BAD;
			s->await = SMTP_AWAIT_DOUBT;
		}
	}
	return false;
}

/* Blocks a command whose argument is under way: what is in sight of its verb, of @len
 * octets, stands from @verb to @end, and the octet at @i is the next to be read.
 * Returns where to read on.
 */
static u32 smtp_command_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i,
			      u32 len)
{
	struct smtp_session *s = ps->s;
	u32 next = smtp_verb_block(ps, verb, end, end - verb >= len);

	if (s->line == SMTP_LINE_BLOCKED)
		s->line = SMTP_LINE_ARGUMENT;
	return next > i ? next : i;
}

/* The octet at @i shows that BDAT or XEXCH50 announces nothing that all servers
 * understand alike (D6): it is blocked, if any of the verb from @verb to @end is
 * in sight. Where it has left there may be servers that wait for a chunk: nothing
 * goes on until the reply. Returns where to read on.
 */
static noinline u32 smtp_chunk_block(struct smtp_parser *ps,
				     u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = ps->s;

	if (verb == end) {
		s->await = SMTP_AWAIT_DOUBT;
		smtp_event(ps->host, SMTP_FIXUP_EVENT_CHUNK_DOUBTFUL, NULL, 0);
		return i;
	}
	s->await = SMTP_AWAIT_NOTHING;
	if (ps->policy->reject == SMTP_FIXUP_REJECT_LINE)
		end = i - s->cr;	/* a bare CR gets its LF here: V7 */
	return smtp_command_block(ps, verb, end, i, smtp_verbs[s->chunk.verb].len);
}

/* Looks at the octet @c for the matches. Returns whether the command is masked. */
static noinline bool smtp_line_matched(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;
	bool masks;

	masks = smtp_value_octet(ps, c);
	/* A verb that is masked is not among those that pass */
	if (s->line != SMTP_LINE_ARGUMENT)
		return false;
	if (unlikely(s->size_at) && !masks && !smtp_parser_over(ps))
		masks = smtp_limit_declared(ps, c);
	if (!masks && !s->value.at && !smtp_parser_over(ps))
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
	return masks;
}

/* X10: with the octet at @i a match masks the command whose verb is in sight from
 * @verb to @end. Where it has left, what remains of the line makes it one that no
 * server accepts; where nothing remains, the connection ends. Returns where to read
 * on.
 */
static noinline u32 smtp_match_block(struct smtp_parser *ps,
				     u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = ps->s;

	s->await = SMTP_AWAIT_NOTHING;
	s->address = SMTP_ADDRESS_NONE;
	s->sasl = SMTP_SASL_NONE;
	s->value.at = SMTP_VALUE_NOWHERE;
	s->size_at = 0;
	s->asked |= s->is_rcpt;
	s->is_rcpt = false;	/* H7: the server hears of none */
	if (verb == end) {
		if (smtp_is_eol(ps->in.buf[i]))
			smtp_parser_end(ps, SMTP_END_DROP);
		s->blocked++;
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_BLOCKED, 1);
		s->broken = true;
		s->line = SMTP_LINE_FILLED;
		return i;
	}
	if (ps->policy->reject == SMTP_FIXUP_REJECT_LINE)
		end = i;
	return smtp_command_block(ps, verb, end, i, 4);
}

/* H7: of a BDAT that does not pass now the client may send the chunk all the same.
 * It is no command, and no server may take it for one.
 */
static void smtp_verb_begins(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;

	s->verb.candidates = smtp_verbs_now(ps);
	s->verb.len = 0;
	if ((c & ~0x20) == 'B' && s->ehlo_sent &&
	    smtp_verbs_of_policy(ps) & ~s->verb.candidates & SMTP_VERB_BIT(BDAT))
		smtp_chunk_blocked(&s->chunk);
}

/* The line announces a chunk: D6. Returns what the reply to it settles. */
static u8 smtp_chunk_announced(struct smtp_parser *ps)
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
	/* H7: nobody takes it. Some servers take it for commands. */
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

/* D11: the line that has ended is @s->commands. Where an EHLO has others before or
 * behind it, a reply more or less moves its own to one of those.
 */
static void smtp_line_counts(struct smtp_session *s, u8 await)
{
	if (s->cr_again)	/* two lines to some servers */
		s->uncertain = true;
	if (await != SMTP_AWAIT_EHLO) {
		s->uncertain |= s->ehlo_pending;
		return;
	}
	s->uncertain |= s->commands - s->replies > 1;
	if (s->ehlos < 255)
		s->ehlos++;
}

/* A line has ended; @bare: by LF alone, which not every server takes for an
 * end, so that only the reply can tell (V7). It tells once for the connection.
 */
static void smtp_line_end(struct smtp_parser *ps, bool bare)
{
	struct smtp_session *s = ps->s;
	/* D11: not every server answers an empty line, and several CRs may be
	 * several lines
	 */
	bool doubtful = s->line == SMTP_LINE_START || s->cr_again;
	u8 await = s->await;

	bare = bare && !s->takes_lf;
	doubtful |= bare;
	s->commands++;
	if (s->is_rcpt && unlikely(smtp_limit_of_refusals(ps)))
		smtp_limit_asked(ps);
	s->rcpts = s->rcpts << 1 | s->is_rcpt;
	s->bdats <<= 1;
	s->asked |= s->is_rcpt;
	if (s->chunk.line == SMTP_CHUNK_CR)
		await = smtp_chunk_announced(ps);
	smtp_line_counts(s, await);
	smtp_line_begin(s);
	if (await == SMTP_AWAIT_EHLO && !s->ehlo_pending && !doubtful) {
		s->ehlo_pending = true;
		s->ehlo = s->commands;
		return;
	}
	if (await == SMTP_AWAIT_NOTHING && doubtful)
		await = SMTP_AWAIT_LINE_END;
	if (await != SMTP_AWAIT_NOTHING) {
		s->wait = await;
		s->bare = bare;
		s->phase = SMTP_FIXUP_PHASE_WAIT;
	}
}

/* V7: does the octet at @i end a line by what is no end to every server: a bare
 * LF? Some servers end the line at a bare CR: make sure that all of them do, by an
 * LF behind it. Several CRs before the LF stay as they are: every server that took
 * them takes them now, and the reply is waited for. Not so in a SASL exchange: it
 * would be two responses to some, and the reply to the first settles nothing (D5).
 * Strict: neither is an end, each becomes a blank, but for a CR that has left already.
 */
static bool smtp_line_end_octet(struct smtp_parser *ps,
				u32 i)
{
	struct smtp_session *s = ps->s;
	u8 *c = &ps->in.buf[i];
	bool bare = *c == '\n' && !s->cr;
	bool strict = ps->policy->line_ending == SMTP_FIXUP_LINE_ENDING_STRICT;
	/* D5: no blank in a response */
	u8 blank = s->sasl == SMTP_SASL_RESPONSE ? 'X' : ' ';

	if (!bare && (*c == '\n' || !s->cr))
		return false;
	smtp_event(ps->host, SMTP_FIXUP_EVENT_BARE_LINE_END, NULL, 0);
	if (strict && (bare || i)) {
		ps->out.masked += smtp_fill(c - !bare, 1, blank);
		return false;
	}
	if (*c == '\r' && !strict && !s->sasl) {
		s->cr_again = true;
		return false;
	}
	ps->out.masked += smtp_fill(c, 1, '\n');
	return bare;
}

/* H7: does a BDAT have to wait here, for the reply to a RCPT to tell whether there is
 * anybody to take its chunk? Where there is not, one chunk at a time.
 */
static bool smtp_chunk_waits(const struct smtp_parser *ps, u8 c)
{
	const struct smtp_session *s = ps->s;
	u32 open, unanswered;

	if ((c & ~0x20) != 'B' || s->cr || s->accepted ||
	    !(smtp_verbs_now(ps) & SMTP_VERB_BIT(BDAT)))
		return false;
	open = s->commands - s->replies;
	unanswered = open < 32 ? (1U << open) - 1 : ~0U;
	return (s->rcpts | s->bdats) & unanswered;
}

/* Every line from @i on, and all of it: V8, V9 */
static u32 smtp_client_lines(struct smtp_parser *ps, u32 i)
{
	struct smtp_session *s = ps->s;
	u8 *const buf = ps->in.buf;
	const u32 len = ps->in.len;
	u32 verb = i;		/* where the verb begins, or the buffer */
	u32 end = i;		/* behind it */
	u32 line = i;		/* where the line begins, likewise */

	while (i < len && !ps->out.edit.old && s->phase != SMTP_FIXUP_PHASE_WAIT &&
	       !smtp_parser_over(ps)) {
		u8 *c = &buf[i];
		u8 came = *c;
		bool bare;
		u32 run;

		if (s->line == SMTP_LINE_START && smtp_chunk_waits(ps, *c))
			break;
		if (s->sasl && smtp_sasl_waits(ps, *c, len - i))
			break;
		run = smtp_line_blank(ps, c, len - i);
		if (!run && s->line == SMTP_LINE_ARGUMENT && !s->chunk.line &&
		    !s->sasl && !s->cr && !s->value.at)
			run = smtp_address_run(ps, c, len - i);
		if (run) {
			i += run;
			continue;
		}
		bare = smtp_line_end_octet(ps, i);
		if (unlikely(smtp_line_beyond(s)) && !smtp_is_eol(*c)) {
			smtp_line_cut(ps);
			ps->out.masked += smtp_fill(c, 1, ' ');
		}
		smtp_limit_octets(ps, 1);
		if (s->line == SMTP_LINE_START && *c != '\n') {
			if (smtp_is_blank(*c) || *c == '\r') {
				s->chunk.indented = true;
			} else {
				s->line = SMTP_LINE_VERB;
				smtp_verb_begins(ps, *c);
				verb = i;
				if (unlikely(ps->policy->criteria))
					smtp_value_verb(ps);
			}
		}
		if (unlikely(s->value.at)) {
			u32 next = i;

			if (smtp_line_matched(ps, *c))
				next = smtp_match_block(ps, verb, end, i);
			if (next != i) {
				smtp_line_skip(ps, next - i - 1);
				i = next;
				continue;
			}
			if (smtp_parser_over(ps))
				break;
		}
		if (s->line == SMTP_LINE_VERB) {
			bool begins = s->verb.len == i - verb;

			end = i;
			if (!smtp_verb_octet(ps, *c, i == verb)) {
				u32 next = smtp_verb_block(ps, verb, i,
							   begins);

				if (ps->out.next == SMTP_NEED_ACK)
					return next;
				if (next != i || ps->out.edit.old) {
					smtp_line_skip(ps, next - i - 1);
					i = next;
					continue;
				}
			}
		}
		/* D6: a line end that is no CRLF is no end here */
		if (unlikely(s->chunk.line) &&
		    (s->line == SMTP_LINE_ARGUMENT || s->chunk.blocked) &&
		    smtp_limit_chunk(ps, (came == '\n') == s->cr ? *c : 0) &&
		    !s->chunk.blocked) {
			u32 next = smtp_chunk_block(ps, verb, end, i);

			if (next != i) {
				smtp_line_skip(ps, next - i - 1);
				i = next;
				continue;
			}
		}
		if (smtp_is_eol(*c) || (s->line == SMTP_LINE_BLOCKED &&
					smtp_is_blank(*c))) {
			if (s->line == SMTP_LINE_BLOCKED)
				s->line = SMTP_LINE_ARGUMENT;
		} else if (s->line == SMTP_LINE_BLOCKED) {
			ps->out.masked += smtp_fill(c, 1, 'X');
		} else if (s->line == SMTP_LINE_FILLED) {
			ps->out.masked += smtp_fill(c, 1, smtp_line_filler(ps));
		} else if (s->sasl) {
			ps->out.masked += smtp_fill(c, 1, smtp_sasl_octet(ps, c, len - i));
		} else if (s->address) {
			ps->out.masked += smtp_fill(c, 1, smtp_address_octet(ps, *c));
		}
		if (smtp_parser_over(ps))
			break;
		s->cr = *c == '\r';
		if (*c == '\n') {
			smtp_line_end(ps, bare);
			line = i + 1;
			verb = line;
			end = line;
		}
		i++;
		if (unlikely(ps->out.skip) || (i == line && smtp_host_busy(ps->host)))
			break;
	}
	return smtp_parser_over(ps) ? line : i;
}

struct smtp_output smtp_client_judge(struct smtp_session *s,
				     const struct smtp_policy *policy,
				     const struct smtp_input *in,
				     struct smtp_host *host)
{
	struct smtp_parser ps = {
		.s = s, .policy = policy, .host = host, .in = *in,
	};
	u8 ended = s->ended;
	u32 header = 0, cr, used;

	if (unlikely(s->proxy != SMTP_PROXY_OVER))
		header = smtp_proxy_judge(&ps);
	cr = header;
	if (!s->has_cr)
		cr += smtp_find(in->buf + header, in->len - header, '\r');
	used = smtp_client_lines(&ps, header);
	s->has_cr |= cr < used;
	return smtp_parser_finish(&ps, used, true, ended);
}

void smtp_session_end(struct smtp_session *s, enum smtp_next how,
		      struct smtp_host *host)
{
	if (s->ended)
		return;
	s->ended = how;
	smtp_event(host, how == SMTP_LOST ? SMTP_FIXUP_EVENT_DESYNCHRONISED :
					    SMTP_FIXUP_EVENT_ENDED, NULL, 0);
}

void smtp_session_data_ended(struct smtp_session *s, bool bare,
			     struct smtp_host *host)
{
	s->commands++;		/* the end of data is answered as well */
	s->data_ends++;
	s->bdats <<= 1;
	if (s->refused)
		s->replies++;	/* D10: it was */
	s->messages++;
	s->phase = SMTP_FIXUP_PHASE_COMMAND;
	if (bare && !s->refused) {
		s->phase = SMTP_FIXUP_PHASE_WAIT;
		s->wait = SMTP_AWAIT_DATA_END;
		s->bare = false;	/* it tells nothing of command lines */
	}
	s->cr = false;
	s->recipients = 0;
	s->message = 0;
	smtp_line_begin(s);
	smtp_host_count(host, SMTP_FIXUP_CNT_MESSAGES, 1);
}
