// SPDX-License-Identifier: GPL-2.0-only
/* Command lines: how long one may be, and what ends it. See line.h. */
#include "../scan/octets.h"
#include "bdat.h"
#include "limits.h"
#include "line.h"

/* V10 */
void smtp_line_cut(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (!s->overwritten)
		smtp_event(ps->host, SMTP_FIXUP_EVENT_COMMAND_LINE_CUT, NULL, 0);
	s->overwritten = true;
	s->uncertain = true;	/* D11: it may get more than one reply */
}

void smtp_line_skip(struct smtp_parser *ps, u32 n)
{
	smtp_limit_octets(ps, n);
	if (ps->s->column > SMTP_COMMAND_MAX)
		smtp_line_cut(ps);
}

/* V10 */
u32 smtp_line_blank(struct smtp_parser *ps, u8 *c, u32 n)
{
	struct smtp_session *s = ps->s;

	if (!s->overwritten || s->cr || s->chunk.line || s->line != SMTP_LINE_ARGUMENT)
		return 0;
	n = smtp_line_rest(c, n);
	smtp_limit_octets(ps, n);
	ps->out.masked += smtp_fill(c, n, ' ');
	return n;
}

/* D11: counts the line that has ended. If other commands are in flight with an EHLO, one
 * reply too many or too few makes another command's reply look like the EHLO's.
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

/* V7: not every server ends a line at a bare LF, so the reply is awaited. One reply
 * settles that for the whole connection.
 */
void smtp_line_end(struct smtp_parser *ps, bool bare)
{
	struct smtp_session *s = ps->s;
	/* D11: not every server answers an empty line, and several CRs may be
	 * several lines
	 */
	bool doubtful = s->line == SMTP_LINE_START || s->cr_again;
	/* Some servers answer at a CR, also at the first of several */
	u8 tail = bare ? 0 : s->cr_again ? 2 : 1;
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
		s->tail = tail;
		s->phase = SMTP_FIXUP_PHASE_WAIT;
	}
}

/* V7: some servers end a line at a bare CR. An LF in place of the octet after it makes
 * all of them do so. Several CRs before an LF stay: some servers end a line at each, so
 * the reply is awaited. In a SASL exchange that will not do: some servers would read two
 * responses, and the reply to the first decides nothing (D5). Strict: neither a bare LF
 * nor a bare CR is an end. Each becomes a blank, except a CR that has left already.
 */
bool smtp_line_end_octet(struct smtp_parser *ps, u32 i)
{
	struct smtp_session *s = ps->s;
	u8 *c = &ps->in.buf[i];
	bool bare = *c == '\n' && !s->cr;
	bool strict = ps->policy->line_ending == SMTP_FIXUP_LINE_ENDING_STRICT;
	/* D5: no blank in a response */
	u8 blank = s->sasl == SMTP_SASL_RESPONSE ? 'X' : ' ';

	smtp_event(ps->host, SMTP_FIXUP_EVENT_BARE_LINE_END, NULL, 0);
	if (strict && !s->cr) {
		ps->out.masked += smtp_fill(c, 1, blank);
		return false;
	}
	if (*c == '\r' && !strict && !s->sasl) {
		s->cr_again = true;
		return false;
	}
	ps->out.masked += smtp_fill(c, 1, '\n');
	return bare;
}
