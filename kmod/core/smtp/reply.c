// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replies: which command each answers, and what it settles. See session.h. greeting.c and
 * ehlo.c rewrite them.
 */
#include "../scan/octets.h"
#include "ehlo.h"
#include "greeting.h"
#include "limits.h"
#include "reply_line.h"
#include "sasl.h"

/* D7: which command does the reply that begins here answer? D11: a server that answers
 * an awaited line has received it. A packet with @early set ACKs less than that line,
 * so this is an extra reply to an earlier command. D10: a message may be refused before
 * its end has come.
 */
static enum smtp_await smtp_reply_answers(const struct smtp_session *s, bool early)
{
	u32 n = s->replies + 1;

	if (s->replies == s->commands)
		return s->phase == SMTP_FIXUP_PHASE_BODY && !s->refused ?
		       SMTP_AWAIT_BODY : SMTP_AWAIT_UNEXPECTED;
	if (!s->replies)
		return SMTP_AWAIT_GREETING;
	if (s->ehlo_pending && n == s->ehlo)
		return SMTP_AWAIT_EHLO;
	if (s->phase == SMTP_FIXUP_PHASE_WAIT && n == s->commands)
		return early && s->wait != SMTP_AWAIT_DATA_END ?
		       SMTP_AWAIT_UNEXPECTED : s->wait;
	return SMTP_AWAIT_NOTHING;
}

/* Is the reply that begins here masked if it is a 250 of several lines? E1. D11: so is a
 * reply that may be an EHLO's, whichever command it answers by count.
 */
static bool smtp_reply_masked(const struct smtp_session *s)
{
	return s->reply == SMTP_AWAIT_EHLO || s->ehlos ||
	       s->await == SMTP_AWAIT_EHLO ||	/* its line end may be a CR */
	       (s->reply >= SMTP_AWAIT_UNEXPECTED && s->ehlo_sent);
}

/* What the awaited reply settles: D1, D5, S2. Where it ends the connection (X1), nothing. */
static u8 smtp_reply_settles(const struct smtp_parser *ps)
{
	const struct smtp_session *s = ps->s;

	if (smtp_parser_over(ps))
		return SMTP_FIXUP_PHASE_COMMAND;
	if (s->wait == SMTP_AWAIT_DATA && s->reply_code == 354)
		return SMTP_FIXUP_PHASE_BODY;
	if (s->wait == SMTP_AWAIT_AUTH && s->reply_code == 334)
		return SMTP_FIXUP_PHASE_AUTH;
	if (s->wait == SMTP_AWAIT_STARTTLS && s->reply_code == 220)
		return SMTP_FIXUP_PHASE_TLS;
	return SMTP_FIXUP_PHASE_COMMAND;
}

/* D8: the server speaks out of turn, or not SMTP. It may send a 421 whenever it has to
 * close: RFC 5321, 3.8
 */
static void smtp_reply_unexpected(struct smtp_parser *ps)
{
	smtp_event(ps->host, SMTP_FIXUP_EVENT_REPLY_UNEXPECTED, NULL, 0);
	if (ps->s->reply_code != 421) {
		ps->s->uncertain = true;
		ps->s->surplus = true;
		/* D10: it answers a line of the body, and perhaps each is answered */
		if (ps->s->left == SMTP_LEFT_JUST)
			ps->s->left = SMTP_LEFT;
	}
	if (ps->policy->strict && ps->s->reply_code != 421)
		smtp_parser_end(ps, SMTP_END_RESET);
}

static bool smtp_reply_is_refusal(const struct smtp_session *s)
{
	return s->reply_code >= 400 && s->reply_code < 600;
}

/* D10: a refusal by a server that had not the end of the body. It may have stopped reading
 * the body, or may read to its end and answer that, too.
 */
static void smtp_reply_drifts(struct smtp_session *s)
{
	/* D11: it may have run an EHLO that passed as body before this */
	s->uncertain = true;
	s->ehlo_sent = true;
	s->ehlos = 255;
	s->left = s->left ? SMTP_LEFT : SMTP_LEFT_JUST;
}

/* D10: a refusal during a body, with no other command unanswered */
static void smtp_reply_refused(struct smtp_parser *ps)
{
	ps->s->refused = true;
	smtp_reply_drifts(ps->s);
	smtp_event(ps->host, SMTP_FIXUP_EVENT_BODY_REFUSED, NULL, 0);
}

/* D10: what a reply shows of a server that may have stopped reading a body. Such a server
 * refuses the rest of the body as commands. Its first other reply shows that all of that
 * is answered, except perhaps the end of data. A refusal before that may answer the body
 * or a command, so the count may be wrong.
 */
static void smtp_reply_left(struct smtp_session *s, bool awaited)
{
	bool refusal = smtp_reply_is_refusal(s);

	if (s->left == SMTP_LEFT_JUST)
		s->left = refusal ? SMTP_LEFT : SMTP_LEFT_ONCE;
	if (s->left == SMTP_LEFT && refusal && awaited &&
	    (s->wait == SMTP_AWAIT_DATA || s->wait == SMTP_AWAIT_AUTH ||
	     s->wait == SMTP_AWAIT_STARTTLS))
		s->left = SMTP_LEFT_LOST;
}

/* H7: has a recipient been accepted for a chunk, and was a chunk refused? */
static void smtp_reply_chunks(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;
	u32 i = s->commands - s->replies - 1;

	if (i >= 32 || s->uncertain)
		return;
	if (s->rcpts >> i & 1 && s->reply_code >= 200 && s->reply_code < 300)
		s->accepted = true;
	if (s->bdats >> i & 1 && smtp_reply_is_refusal(s)) {
		s->accepted = false;
		s->crossed = true;
		ps->out.refused = true;
	}
}

/* Ends a reply. @event: what was done to a greeting that is masked or replaced */
static void smtp_reply_end(struct smtp_parser *ps, enum smtp_fixup_event event)
{
	struct smtp_session *s = ps->s;
	bool awaited = s->phase == SMTP_FIXUP_PHASE_WAIT &&
		       s->replies + 1 == s->commands;

	s->reply_begun = false;
	s->chunk_waits = false;		/* it is judged again */
	if (s->reply == SMTP_AWAIT_BODY &&
	    (!smtp_reply_is_refusal(s) || s->reply_code == 421))
		s->reply = SMTP_AWAIT_UNEXPECTED;
	if (s->reply == SMTP_AWAIT_BODY && s->phase == SMTP_FIXUP_PHASE_BODY) {
		smtp_reply_refused(ps);
		return;
	}
	/* D10: no server answers DATA like this, so this answers another command */
	if (s->reply == SMTP_AWAIT_UNEXPECTED ||
	    (s->left && awaited && s->wait == SMTP_AWAIT_DATA &&
	     s->reply_code >= 200 && s->reply_code < 300)) {
		smtp_reply_unexpected(ps);
		return;
	}
	if (unlikely(s->left))
		smtp_reply_left(s, awaited);
	if (unlikely(s->rcpts | s->bdats))
		smtp_reply_chunks(ps);
	s->replies++;
	if (unlikely(s->reply_in_body) && smtp_reply_is_refusal(s) && s->reply_code != 421)
		smtp_reply_drifts(s);
	if (unlikely(s->asked_last))
		smtp_limit_answered(ps);
	/* D11: this is the EHLO's reply for certain. A refusal would not be: it may be
	 * the second reply to an earlier command.
	 */
	if (s->reply == SMTP_AWAIT_EHLO && s->reply_offers && s->ehlos &&
	    s->ehlos < 255 && !s->uncertain)
		s->ehlos--;
	if (s->ehlo_pending && s->replies == s->ehlo)
		s->ehlo_pending = false;

	if (s->reply == SMTP_AWAIT_GREETING) {
		if (s->mask_greeting)
			smtp_event(ps->host, event, NULL, 0);
		if (s->phase == SMTP_FIXUP_PHASE_GREETING)
			s->phase = SMTP_FIXUP_PHASE_COMMAND;
	}
	if (!awaited)
		return;

	/* A refusal may be of the LF, or a farewell: V7 */
	if (s->bare && s->reply_code >= 200 && s->reply_code < 400)
		s->takes_lf = true;
	s->phase = smtp_reply_settles(ps);
	if (s->wait == SMTP_AWAIT_CHUNK && s->reply_code == 354) {
		ps->out.skip = s->announced;
		s->crossed = false;
		s->commands++;	/* its end is answered as well */
		s->rcpts <<= 1;
		s->bdats <<= 1;
		s->data_ends++;
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_CHUNKS, 1);
	}
	/* The server waits for a chunk, and of what size only it knows */
	if (s->wait == SMTP_AWAIT_DOUBT && s->reply_code == 354)
		smtp_parser_end(ps, SMTP_LOST);
	if (s->wait == SMTP_AWAIT_DATA && s->phase != SMTP_FIXUP_PHASE_BODY)
		s->confidential = true;
	s->wait = SMTP_AWAIT_NOTHING;
	if (s->phase == SMTP_FIXUP_PHASE_AUTH) {
		smtp_sasl_begin(s);
		s->await = SMTP_AWAIT_AUTH;
	} else if (s->phase == SMTP_FIXUP_PHASE_TLS) {
		smtp_event(ps->host, SMTP_FIXUP_EVENT_TLS_STARTED, NULL, 0);
	}
}

/* Reads the code and the octet after it. The text is ignored: D7 */
static void smtp_reply_column(struct smtp_session *s, u8 c)
{
	if (s->reply_column < 3) {
		if (c < '0' || c > '9')
			s->reply_code = SMTP_NO_CODE;
		else if (s->reply_code != SMTP_NO_CODE)
			s->reply_code = s->reply_code * 10 + (c - '0');
	} else if (s->reply_column == 3) {
		s->reply_more = c == '-';
	}
	if (s->reply_column <= 4)
		s->reply_column++;
}

static void smtp_reply_line_begin(struct smtp_session *s)
{
	s->reply_column = 0;
	s->reply_code = 0;
	s->reply_more = false;
	s->ehlo_line = SMTP_EHLO_READING;
	s->keyword.len = 0;
}

/* X1 */
static bool smtp_reply_limited(const struct smtp_parser *ps)
{
	return ps->policy->limits[SMTP_FIXUP_LIMIT_REPLY_LINE].action;
}

static void smtp_reply_line_end(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (s->reply_column < 3 || s->reply_code == SMTP_NO_CODE) {
		/* Not a reply line, so the reply goes on: D8 */
		smtp_reply_unexpected(ps);
	} else if (s->reply_more) {
		s->reply_begun = true;
	} else {
		smtp_reply_end(ps, SMTP_FIXUP_EVENT_GREETING_MASKED);
	}
}

/* Octets of the reply's lines at @c that are whole in this buffer. @ends: the reply's
 * last line is among them.
 */
static u32 smtp_reply_lines(const u8 *c, u32 n, bool *ends)
{
	u32 line = 0, i;

	*ends = false;
	for (i = 0; i < n && !*ends; i++) {
		if (c[i] != '\n')
			continue;
		/* A line without a code does not end a reply, nor does '-' */
		*ends = smtp_is_reply_line(c + line, i + 1 - line) &&
			c[line + 3] != '-';
		line = i + 1;
	}
	return line;
}

/* Should the line that begins at @c be rewritten as a whole? G7, E4 */
static bool smtp_reply_rewritten(const struct smtp_parser *ps, const u8 *c, u32 n)
{
	const struct smtp_session *s = ps->s;
	const struct smtp_policy *policy = ps->policy;
	bool text = s->reply == SMTP_AWAIT_GREETING &&
		    policy->banner == SMTP_FIXUP_BANNER_TEXT;
	/* The first line of an EHLO reply always stays */
	bool strip = s->reply_ehlo && policy->ehlo == SMTP_FIXUP_EHLO_STRIP &&
		     (s->reply_begun || memchr(c, '\n', n));

	if (text && s->reply_begun && s->mask_greeting)
		return true;
	if (n > 3)
		n = 3;
	return (text && !s->reply_begun && !memcmp(c, "220", n)) ||
	       (strip && !memcmp(c, "250", n));
}

/* Checks whole lines of a reply: their length (X1), and if they are @rewritten, whether
 * they are reply lines (D8)
 */
static void smtp_reply_lines_read(struct smtp_parser *ps, const u8 *reply, u32 n,
				  bool rewritten)
{
	while (n) {
		u32 len = smtp_line_octets(reply, n);

		smtp_limit_reply(ps, len);
		ps->s->reply_len = 0;
		if (rewritten && !smtp_is_reply_line(reply, len)) {
			ps->s->reply_code = SMTP_NO_CODE;
			smtp_reply_unexpected(ps);
		}
		reply += len;
		n -= len;
	}
}

/* Rewrites the lines at @at as a whole. The rest of a reply may be seconds away
 * (postscreen), so the lines that are there do not wait for it. Only a line that is not
 * whole waits, once. Returns how many octets are done; 0: judge them octet by octet, or
 * wait, if out.next tells for what.
 */
static noinline u32 smtp_reply_rewrite(struct smtp_parser *ps, u32 at)
{
	struct smtp_session *s = ps->s;
	bool greeting = s->reply == SMTP_AWAIT_GREETING &&
			ps->policy->banner == SMTP_FIXUP_BANNER_TEXT &&
			(s->reply_begun ? s->mask_greeting : ps->in.buf[at + 1] == '2');
	bool offers = s->reply_offers, chunking = s->chunking;
	bool ends, changes = true;
	u32 n = smtp_reply_lines(ps->in.buf + at, ps->in.len - at, &ends);
	u32 left;

	if (ps->in.resize == SMTP_RESIZE_NEVER)
		return 0;
	if (!n) {
		if (ps->in.resize == SMTP_RESIZE_BUSY)
			ps->out.next = SMTP_NEED_ACK;
		else if (!ps->in.final)
			ps->out.next = SMTP_NEED_LINE;
		return 0;
	}
	left = greeting ? ps->policy->text_len :
			  smtp_ehlo_left(ps, ps->in.buf + at, n, ends, &changes);
	if (changes) {
		if (smtp_parser_resize_waits(ps, at, left))
			ps->out.next = SMTP_NEED_ACK;
		if (ps->out.next || left > ps->in.room) {
			/* They do not pass yet, and perhaps never */
			s->reply_offers = offers;
			s->chunking = chunking;
			return 0;
		}
	}
	smtp_reply_lines_read(ps, ps->in.buf + at, n, changes);
	if (!greeting)
		ps->out.masked += smtp_ehlo_match(ps, ps->in.buf + at, n);
	if (greeting)
		smtp_greeting_replace(ps, at, n, ends);
	else if (changes)
		smtp_ehlo_rewrite(ps, at, n, ends);
	s->mask_greeting = greeting;
	s->reply_begun = true;
	if (ends) {
		s->reply_code = greeting ? 220 : 250;
		smtp_reply_end(ps, SMTP_FIXUP_EVENT_GREETING_REPLACED);
	}
	s->reply_column = 0;
	s->reply_last = '\n';
	return n;
}

static bool smtp_greeting_masked(const struct smtp_session *s)
{
	return s->reply == SMTP_AWAIT_GREETING && s->mask_greeting;
}

/* Is this octet after the code of a line that E1 and D6 are about? */
static bool smtp_ehlo_text(const struct smtp_parser *ps)
{
	const struct smtp_session *s = ps->s;

	return s->reply_ehlo && s->reply_begun &&
	       !smtp_greeting_masked(s) && s->reply_code == 250 && s->reply_column >= 4;
}

/* Can the rest of the line be skipped? D7 */
static bool smtp_reply_unread(const struct smtp_parser *ps)
{
	const struct smtp_session *s = ps->s;

	return s->reply_column >= 4 && !smtp_ehlo_text(ps) && !smtp_greeting_masked(s);
}

/* Has the connection ended, so that no more replies are judged? */
static bool smtp_server_over(const struct smtp_parser *ps)
{
	return smtp_parser_over(ps) &&
	       (!ps->in.answers || ps->s->replies == ps->s->commands);
}

/* D7, E1: a reply begins. Which command does it answer, and how is it read? */
static void smtp_reply_begin(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	s->reply = smtp_reply_answers(s, ps->in.early);
	s->reply_in_body = ps->in.in_body || s->reply == SMTP_AWAIT_BODY;
	s->reply_ehlo = smtp_reply_masked(s);
	s->reply_offers = false;
	s->letter = 0;
}

/* G1: does the code of its first line, which has been read, have the greeting masked? */
static void smtp_greeting_code(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (s->reply == SMTP_AWAIT_GREETING && !s->reply_begun && s->reply_column == 3)
		s->mask_greeting = s->reply_code == 220 &&
				   ps->policy->banner != SMTP_FIXUP_BANNER_KEEP;
}

/* Reads the code of a line, or a part of it. Returns how many octets. */
static u32 smtp_reply_code(struct smtp_session *s, const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < n && s->reply_column < 3 && c[i] != '\n'; i++)
		smtp_reply_column(s, c[i]);
	return i;
}

/* Masks the text of a greeting up to the end of its line: G2, G6, G8. Returns how many
 * octets are done; 0: judge the first one by itself, or if *@wait, wait for more.
 */
static u32 smtp_greeting_run(struct smtp_parser *ps, u8 *c, u32 n, bool *wait)
{
	bool whole = smtp_greeting_by_line(ps->policy);
	u32 len = smtp_line_rest(c, n);

	*wait = false;
	if (whole && ps->s->reply_column > 4)
		return 0;
	if (whole && len == n) {
		*wait = !ps->in.final;
		return 0;
	}
	if (len) {
		smtp_greeting_text(ps, c, len);
		ps->s->reply_column = 5;
	}
	return len;
}

/* Judges octets of a line at once, where they are all of one kind. Returns how many; 0:
 * judge the first one by itself, or if *@wait, wait for more.
 */
static u32 smtp_reply_run(struct smtp_parser *ps, u8 *c, u32 n, bool *wait)
{
	struct smtp_session *s = ps->s;
	const u8 *end;

	*wait = false;
	if (*c == '\n')
		return 0;
	if (s->reply_column < 3 && s->reply != SMTP_AWAIT_GREETING)
		return smtp_reply_code(s, c, n);
	if (smtp_reply_unread(ps)) {
		end = memchr(c, '\n', n);
		return end ? end - c : n;
	}
	if (smtp_greeting_masked(s) && s->reply_column >= 4)
		return smtp_greeting_run(ps, c, n, wait);
	return 0;
}

/* Judges replies, line by line. Returns where it stops. */
static u32 smtp_server_lines(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;
	u8 *const buf = ps->in.buf;
	const u32 len = ps->in.len;
	u32 text = 0;	/* the fifth octet of the line, or else the buffer */
	u32 from = 0;	/* the end of what passes if the connection ends here */
	u32 line = 0;	/* where the line begins, or else the buffer */
	u8 ended = ps->s->ended;
	u32 i = 0;

	while (i < len && s->phase != SMTP_FIXUP_PHASE_TLS && !smtp_server_over(ps)) {
		u8 *at = &buf[i];
		u8 c = *at;
		bool wait;
		u32 run;

		if (i && !s->reply_column && smtp_host_busy(ps->host))
			break;
		if (!s->reply_column) {
			if (s->reply < SMTP_AWAIT_UNEXPECTED)
				from = i;
			smtp_reply_line_begin(s);
		}
		if (!s->reply_column && !s->reply_begun) {
			smtp_reply_begin(ps);
			from = i;
		}
		if (!s->reply_column && smtp_reply_rewritten(ps, at, len - i)) {
			run = smtp_reply_rewrite(ps, i);
			if (ps->out.next || s->ended != ended)
				break;
			if (ps->out.edit.old)
				return i + run;
			if (run) {
				i += run;	/* nothing to change */
				line = i;
				continue;
			}
		}
		if (s->reply_column == 3) {
			s->keyword.candidates = smtp_ehlo_keywords(ps);
			text = i + 1;
		}
		run = smtp_reply_run(ps, at, len - i, &wait);
		if (wait)
			break;
		if (run) {
			i += run;
			continue;
		}
		if (smtp_greeting_masked(s))
			*at = smtp_greeting_byte(ps, c);
		ps->out.masked += *at != c;
		if (smtp_ehlo_text(ps)) {
			if (!ps->in.final && smtp_ehlo_line_open(ps, at, len - i))
				break;
			ps->out.masked += smtp_ehlo_byte(ps, &buf[text],
						    len - text, at);
		}

		i++;
		if (c == '\n') {
			if (unlikely(smtp_reply_limited(ps))) {
				smtp_limit_reply(ps, i - line);
				s->reply_len = 0;
				line = i;
			}
			smtp_reply_line_end(ps);
			s->reply_column = 0;
		} else {
			smtp_reply_column(s, c);
		}
		smtp_greeting_code(ps);
		s->reply_last = c;
	}
	if (unlikely(smtp_reply_limited(ps)) && i > line && !smtp_server_over(ps))
		smtp_limit_reply(ps, i - line);
	return s->ended != ended && smtp_parser_over(ps) ? from : i;
}

struct smtp_output smtp_server_judge(struct smtp_session *s,
				     const struct smtp_policy *policy,
				     const struct smtp_input *in,
				     struct smtp_host *host)
{
	struct smtp_parser ps = {
		.s = s, .policy = policy, .host = host, .in = *in,
	};
	u8 ended = s->ended;

	return smtp_parser_finish(&ps, smtp_server_lines(&ps), false, ended);
}
