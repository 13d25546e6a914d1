// SPDX-License-Identifier: GPL-2.0-only
/* Session: what the client says. See session.h; reply.c has the server's side. */
#include "octets.h"
#include "stream.h"
#include "limits.h"
#include "reading.h"

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

/* What passes now: S3. D6: a server that has not offered CHUNKING would take the
 * chunk for commands.
 */
static u64 smtp_verbs_now(const struct smtp_flow *flow)
{
	u64 verbs = smtp_policy_plain_verbs(flow->policy);

	return flow->session.chunking ? verbs : verbs & ~SMTP_VERB_BIT(BDAT);
}

/* An allowed verb is whole */
static void smtp_verb_whole(struct smtp_session *s, int verb)
{
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
static void smtp_line_cut(struct smtp_flow *flow)
{
	struct smtp_session *s = &flow->session;

	if (!s->overwritten)
		smtp_event(flow, SMTP_FIXUP_EVENT_COMMAND_LINE_CUT, NULL, 0);
	s->overwritten = true;
	s->uncertain = true;	/* D11: it may get more than one reply */
}

/* @n more octets of the line, none of its end, have been judged at once */
static void smtp_line_skip(struct smtp_flow *flow, u32 n)
{
	smtp_limit_octets(flow, n);
	if (flow->session.column > SMTP_COMMAND_MAX)
		smtp_line_cut(flow);
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
static u32 smtp_line_blank(struct smtp_flow *flow, struct smtp_piece *p, u8 *c,
			   u32 n)
{
	struct smtp_session *s = &flow->session;

	if (!smtp_line_beyond(s) || !s->overwritten || s->cr || s->chunk.line ||
	    s->line != SMTP_LINE_ARGUMENT)
		return 0;
	n = smtp_line_rest(c, n);
	smtp_limit_octets(flow, n);
	p->masked += smtp_fill(c, n, ' ');
	return n;
}

/* A line that is overwritten to its end: with this */
static u8 smtp_line_filler(const struct smtp_flow *flow)
{
	return flow->policy->reject == SMTP_FIXUP_REJECT_NOOP ? ' ' : 'X';
}

/* Octets from @c to the end of its word, as far as in sight */
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
static void smtp_verb_event(struct smtp_flow *flow, const struct smtp_piece *p,
			    u32 verb, enum smtp_fixup_event event)
{
	struct smtp_match secret = {
		.candidates = SMTP_VERB_BIT(AUTH) | SMTP_VERB_BIT(X_EXPS) |
			      SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50),
	};
	struct smtp_session *s = &flow->session;
	const u8 *word = p->buf + verb;
	u32 n = smtp_word_rest(word, p->n - verb);
	u32 i;

	s->blocked++;
	smtp_event(flow, event, word, s->confidential ? 0 : n);
	for (i = 0; i < n; i++)
		smtp_match_byte(&secret, smtp_verbs, word[i]);
	if (smtp_match_word(&secret, smtp_verbs) >= 0)
		s->confidential = true;
}

/* V4: NOOP in place of the blocked line at @verb. Returns how many octets of
 * it are done, or 0: it can't be, or smtp_piece.later.
 */
static u32 smtp_line_noop(struct smtp_flow *flow, struct smtp_piece *p, u32 verb)
{
	u8 *line = p->buf + verb;
	u32 n = smtp_line_rest(line, p->n - verb);
	bool whole = verb + n < p->n;

	if (n < 4 && (!whole || p->elastic != SMTP_ELASTIC_NOW)) {
		p->later = whole && p->elastic == SMTP_ELASTIC_LATER;
		return 0;
	}
	smtp_verb_event(flow, p, verb, SMTP_FIXUP_EVENT_COMMAND_NOOP);
	if (n < 4) {
		p->at = verb;
		p->old = n;
		p->bytes = (const u8 *)"NOOP";
		p->len = 4;
	} else {
		memcpy(line, "NOOP", 4);
		p->masked += smtp_fill(line + 4, n - 4, ' ');
	}
	p->masked += 4;
	flow->session.line = SMTP_LINE_FILLED;
	return n;
}

/* The octet at @i shows that the verb which begins at @verb is not allowed:
 * mask what is in sight of it (V3, V4, V6), or end the connection (V5).
 * @begins: all of it is. Returns where to read on.
 */
static u32 smtp_verb_block(struct smtp_flow *flow, struct smtp_piece *p,
			   u32 verb, u32 i, bool begins)
{
	struct smtp_session *s = &flow->session;
	u32 done = 0;

	if (flow->policy->reject >= SMTP_FIXUP_REJECT_DROP) {
		smtp_verb_event(flow, p, verb, SMTP_FIXUP_EVENT_COMMAND_REFUSED);
		smtp_flow_end(flow, flow->policy->reject == SMTP_FIXUP_REJECT_DROP ?
				    SMTP_DROP : SMTP_RESET);
		s->line = SMTP_LINE_BLOCKED;	/* where it is only observed */
		return i;
	}
	if (flow->policy->reject == SMTP_FIXUP_REJECT_NOOP && begins)
		done = smtp_line_noop(flow, p, verb);
	if (p->later) {
		/* What stood before the verb has been judged */
		s->line = SMTP_LINE_START;
		s->column -= i + 1 - verb;
		return verb;
	}
	if (!done) {
		s->line = flow->policy->reject == SMTP_FIXUP_REJECT_LINE ?
			  SMTP_LINE_FILLED : SMTP_LINE_BLOCKED;
		smtp_verb_event(flow, p, verb, SMTP_FIXUP_EVENT_COMMAND_MASKED);
		p->masked += smtp_fill(p->buf + verb, i - verb, 'X');
	} else {
		i = verb + done;
	}
	return i;
}

/* Is what has been read of the verb, with the octet at @i, still allowed?
 * V1-V3, V6
 */
static bool smtp_verb_octet(struct smtp_flow *flow, u8 c, bool alone)
{
	struct smtp_session *s = &flow->session;
	int word = smtp_match_word(&s->verb, smtp_verbs);

	if (smtp_is_blank(c) || smtp_is_eol(c)) {
		if (word < 0)
			return false;
		s->line = SMTP_LINE_ARGUMENT;
		smtp_verb_whole(s, word);
		s->confidential = false;
		if (!s->chunk.line)
			smtp_host_count(flow, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
		smtp_address_begin(flow, word);
		if (s->await == SMTP_AWAIT_AUTH)
			s->sasl = SMTP_SASL_BEFORE;
		smtp_limit_verb(flow, word);
		return true;
	}
	if (smtp_match_byte(&s->verb, smtp_verbs, c)) {
		if (s->verb.candidates & ~smtp_limit_verbs(flow))
			return true;
		smtp_limit_exceeded(flow, SMTP_FIXUP_LIMIT_RCPT);
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

/* The octet at @i shows that BDAT or XEXCH50 announces nothing that all servers
 * understand alike (D6): it is blocked, if any of the verb from @verb to @end is
 * in sight. Where it has left there may be servers that wait for a chunk: nothing
 * goes on until the reply. Returns where to read on.
 */
static u32 smtp_chunk_block(struct smtp_flow *flow, struct smtp_piece *p,
			    u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = &flow->session;
	u32 next;

	if (verb == end) {
		s->await = SMTP_AWAIT_DOUBT;
		smtp_event(flow, SMTP_FIXUP_EVENT_CHUNK_DOUBTFUL, NULL, 0);
		return i;
	}
	s->await = SMTP_AWAIT_NOTHING;
	if (flow->policy->reject == SMTP_FIXUP_REJECT_LINE)
		end = i - s->cr;	/* a bare CR gets its LF here: V7 */
	next = smtp_verb_block(flow, p, verb, end,
			       end - verb >= smtp_verbs[s->chunk.verb].len);
	if (s->line == SMTP_LINE_BLOCKED)
		s->line = SMTP_LINE_ARGUMENT;
	return next > i ? next : i;
}

/* The line announces a chunk: D6. Returns what the reply to it settles. */
static u8 smtp_chunk_announced(struct smtp_flow *flow)
{
	struct smtp_session *s = &flow->session;

	smtp_host_count(flow, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
	if (s->chunk.verb == SMTP_FIXUP_VERB_XEXCH50) {
		s->announced = s->chunk.size;
		return SMTP_AWAIT_CHUNK;
	}
	s->skip = s->chunk.size;
	smtp_host_count(flow, SMTP_FIXUP_CNT_CHUNKS, 1);
	if (smtp_chunk_last(&s->chunk)) {
		s->messages++;
		s->recipients = 0;
		smtp_host_count(flow, SMTP_FIXUP_CNT_MESSAGES, 1);
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
static void smtp_line_end(struct smtp_flow *flow, bool bare)
{
	struct smtp_session *s = &flow->session;
	/* D11: not every server answers an empty line, and several CRs may be
	 * several lines
	 */
	bool doubtful = s->line == SMTP_LINE_START || s->cr_again;
	u8 await = s->await;

	bare = bare && !s->takes_lf;
	doubtful |= bare;
	s->commands++;
	if (s->chunk.line == SMTP_CHUNK_CR)
		await = smtp_chunk_announced(flow);
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
 * them takes them now, and the reply is waited for. Strict: neither is an end, each
 * becomes a blank, but for a CR that has left already.
 */
static bool smtp_line_end_octet(struct smtp_flow *flow, struct smtp_piece *p,
				u32 i)
{
	struct smtp_session *s = &flow->session;
	u8 *c = &p->buf[i];
	bool bare = *c == '\n' && !s->cr;
	bool strict = flow->policy->line_ending == SMTP_FIXUP_LINE_ENDING_STRICT;
	/* D5: no blank in a response */
	u8 blank = s->sasl == SMTP_SASL_RESPONSE ? 'X' : ' ';

	if (!bare && (*c == '\n' || !s->cr))
		return false;
	smtp_event(flow, SMTP_FIXUP_EVENT_BARE_LINE_END, NULL, 0);
	if (strict && (bare || i)) {
		p->masked += smtp_fill(c - !bare, 1, blank);
		return false;
	}
	if (*c == '\r' && !strict) {
		s->cr_again = true;
		return false;
	}
	p->masked += smtp_fill(c, 1, '\n');
	return bare;
}

/* Every line, and all of it: V8, V9 */
u32 smtp_session_client(struct smtp_flow *flow, struct smtp_piece *p)
{
	struct smtp_session *s = &flow->session;
	u32 verb = 0;		/* where the verb begins, as far as in sight */
	u32 end = 0;		/* behind it */
	u32 line = 0;		/* where the line begins, likewise */
	u32 i = 0;

	while (i < p->n && !p->old && s->phase != SMTP_FIXUP_PHASE_WAIT &&
	       !smtp_flow_over(flow)) {
		u8 *c = &p->buf[i];
		u8 came = *c;
		bool bare;
		u32 run;

		run = smtp_line_blank(flow, p, c, p->n - i);
		if (!run && s->line == SMTP_LINE_ARGUMENT && !s->chunk.line &&
		    !s->sasl && !s->cr)
			run = smtp_address_run(flow, c, p->n - i);
		if (run) {
			i += run;
			continue;
		}
		bare = smtp_line_end_octet(flow, p, i);
		if (unlikely(smtp_line_beyond(s)) && !smtp_is_eol(*c)) {
			smtp_line_cut(flow);
			p->masked += smtp_fill(c, 1, ' ');
		}
		smtp_limit_octets(flow, 1);
		if (s->line == SMTP_LINE_START && *c != '\n') {
			if (smtp_is_blank(*c) || *c == '\r') {
				s->chunk.indented = true;
			} else {
				s->line = SMTP_LINE_VERB;
				s->verb.candidates = smtp_verbs_now(flow);
				s->verb.len = 0;
				verb = i;
			}
		}
		if (s->line == SMTP_LINE_VERB) {
			bool begins = s->verb.len == i - verb;

			end = i;
			if (!smtp_verb_octet(flow, *c, i == verb)) {
				u32 next = smtp_verb_block(flow, p, verb, i,
							   begins);

				if (p->later)
					return next;
				if (next != i || p->old) {
					smtp_line_skip(flow, next - i - 1);
					i = next;
					continue;
				}
			}
		}
		/* D6: a line end that is no CRLF is no end here */
		if (unlikely(s->chunk.line) && s->line == SMTP_LINE_ARGUMENT &&
		    !smtp_chunk_octet(&s->chunk, (came == '\n') == s->cr ? *c : 0)) {
			u32 next = smtp_chunk_block(flow, p, verb, end, i);

			if (next != i) {
				smtp_line_skip(flow, next - i - 1);
				i = next;
				continue;
			}
		}
		if (smtp_is_eol(*c) || (s->line == SMTP_LINE_BLOCKED &&
					smtp_is_blank(*c))) {
			if (s->line == SMTP_LINE_BLOCKED)
				s->line = SMTP_LINE_ARGUMENT;
		} else if (s->line == SMTP_LINE_BLOCKED) {
			p->masked += smtp_fill(c, 1, 'X');
		} else if (s->line == SMTP_LINE_FILLED) {
			p->masked += smtp_fill(c, 1, s->overwritten ? ' ' :
						     smtp_line_filler(flow));
		} else if (s->sasl) {
			p->masked += smtp_fill(c, 1, smtp_sasl_octet(flow, *c));
		} else if (s->address) {
			p->masked += smtp_fill(c, 1, smtp_address_octet(flow, *c));
		}
		if (smtp_flow_over(flow))
			break;
		s->cr = *c == '\r';
		if (*c == '\n') {
			smtp_line_end(flow, bare);
			line = i + 1;
			verb = line;
			end = line;
		}
		i++;
		if (unlikely(s->skip))
			break;
	}
	return smtp_flow_over(flow) ? line : i;
}

void smtp_session_body_end(struct smtp_flow *flow)
{
	struct smtp_session *s = &flow->session;

	s->commands++;		/* the end of data is answered as well */
	s->data_ends++;
	s->messages++;
	s->phase = SMTP_FIXUP_PHASE_COMMAND;
	s->cr = false;
	s->recipients = 0;
	smtp_line_begin(s);
	smtp_reading_end(flow);
	smtp_host_count(flow, SMTP_FIXUP_CNT_MESSAGES, 1);
}
