// SPDX-License-Identifier: GPL-2.0-only
/* Blocking: what leaves in place of a command that may not pass. See block.h. */
#include "../scan/octets.h"
#include "block.h"
#include "value.h"

/* Bytes from @c to the end of its word, or of the buffer */
static u32 smtp_word_rest(const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < n && !smtp_is_eol(c[i]) && !smtp_is_blank(c[i]); i++)
		;
	return i;
}

/* M: reports the blocked command at @verb. A client may ignore the reply, and send
 * credentials or its mail. Events show nothing of those.
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

/* V4: writes NOOP in place of the blocked line at @verb. The octet at @i is the last that
 * the matches have read. Returns how many octets of the line are done; 0: NOOP does not
 * fit, or must wait (%SMTP_NEED_ACK).
 */
static u32 smtp_line_noop(struct smtp_parser *ps, u32 verb, u32 i)
{
	u8 *line = ps->in.buf + verb;
	u32 n = smtp_line_rest(line, ps->in.len - verb);
	bool whole = verb + n < ps->in.len;

	if (n < 4 && whole && smtp_parser_resize_waits(ps, verb, 4))
		ps->out.next = SMTP_NEED_ACK;
	if (n < 4 && (!whole || ps->in.resize != SMTP_RESIZE_OK || ps->out.next))
		return 0;
	smtp_verb_event(ps, verb, SMTP_FIXUP_EVENT_COMMAND_NOOP);
	smtp_value_verb_rest(ps, ps->in.buf + i + 1, ps->in.len - i - 1);
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

/* V3-V6 */
u32 smtp_verb_block(struct smtp_parser *ps, u32 verb, u32 i, bool begins)
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
		return i;
	}
	if (ps->policy->reject == SMTP_FIXUP_REJECT_NOOP && begins && !smtp_parser_over(ps))
		done = smtp_line_noop(ps, verb, i);
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

/* Blocks a command whose argument is being read. The part of its verb that is in this
 * buffer stands from @verb to @end. The octet at @i is the next to be read. Returns where
 * to read on.
 */
static u32 smtp_command_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = ps->s;
	u32 next = smtp_verb_block(ps, verb, end, end - verb >= s->verb.len);

	if (s->line == SMTP_LINE_BLOCKED)
		s->line = SMTP_LINE_ARGUMENT;
	return next > i ? next : i;
}

/* D6: if all of the verb has left, some server may wait for a chunk. So nothing passes
 * until the reply. X1: every server takes a size that is above a limit, so the rest of its
 * line is overwritten.
 */
u32 smtp_chunk_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = ps->s;
	bool above = s->chunk.line != SMTP_CHUNK_BAD;

	s->chunk.line = SMTP_CHUNK_BAD;
	if (verb == end) {
		s->await = SMTP_AWAIT_DOUBT;
		s->broken = above;
		if (above)
			s->line = SMTP_LINE_FILLED;
		smtp_event(ps->host, SMTP_FIXUP_EVENT_CHUNK_DOUBTFUL, NULL, 0);
		return i;
	}
	s->await = SMTP_AWAIT_NOTHING;
	if (ps->policy->reject == SMTP_FIXUP_REJECT_LINE)
		end = i - s->cr;	/* a bare CR gets its LF here: V7 */
	return smtp_command_block(ps, verb, end, i);
}

/* X10: if all of the verb has left, the rest of the line is overwritten with octets that
 * no server accepts there. If no octet of the line is left for that, the connection ends.
 * So it does for the name of a host: servers accept any.
 */
u32 smtp_match_block(struct smtp_parser *ps, u32 verb, u32 end, u32 i)
{
	struct smtp_session *s = ps->s;

	s->await = SMTP_AWAIT_NOTHING;
	s->address = SMTP_ADDRESS_NONE;
	s->sasl = SMTP_SASL_NONE;
	s->value.at = SMTP_VALUE_NOWHERE;
	s->size_at = 0;
	s->asked |= s->is_rcpt;
	s->is_rcpt = false;	/* H7: the server does not see this one */
	if (verb == end) {
		if (smtp_is_eol(ps->in.buf[i]) || s->value.what == SMTP_FIXUP_WHAT_HELO)
			smtp_parser_end(ps, SMTP_END_DROP);
		s->blocked++;
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_BLOCKED, 1);
		s->broken = true;
		s->line = SMTP_LINE_FILLED;
		return i;
	}
	if (ps->policy->reject == SMTP_FIXUP_REJECT_LINE)
		end = i;
	return smtp_command_block(ps, verb, end, i);
}

/* The octet that fills a line in %SMTP_LINE_FILLED */
u8 smtp_line_filler(const struct smtp_parser *ps)
{
	if (ps->s->overwritten)
		return ' ';
	if (ps->s->broken)
		return '<';
	return ps->policy->reject == SMTP_FIXUP_REJECT_NOOP ? ' ' : 'X';
}
