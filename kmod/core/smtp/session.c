// SPDX-License-Identifier: GPL-2.0-only
/* Session: how a dialogue, a command line and a message begin or end. See session.h. */
#include "../policy/events.h"
#include "session.h"

void smtp_session_init(struct smtp_session *s)
{
	memset(s, 0, sizeof(*s));
	s->commands = 1;	/* the greeting is a reply, too */
}

void smtp_line_begin(struct smtp_session *s)
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
	s->rates = 0;
	memset(&s->chunk, 0, sizeof(s->chunk));
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

	if (s->chunk_waits)
		return "a command before BDAT or XEXCH50";
	if (s->wait == SMTP_AWAIT_LINE_END && s->bare)
		return "a line that ended in LF";
	return lines[s->wait];
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
