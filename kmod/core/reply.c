// SPDX-License-Identifier: GPL-2.0-only
/* Replies: what the server says, and what it settles. See session.h. */
#include "octets.h"
#include "stream.h"

/* What an EHLO reply may offer: E2. D6, D11: where it is none by count, what it says
 * of BDAT is not believed, so it must not promise it to the client either.
 */
static u64 smtp_keywords_now(const struct smtp_flow *flow)
{
	u64 keywords = flow->policy->keywords;

	return flow->session.reply == SMTP_AWAIT_EHLO ? keywords :
	       keywords & ~SMTP_KEYWORD_BIT(CHUNKING);
}

/* Which command does the reply that begins here answer? D7 */
static enum smtp_await smtp_reply_answers(const struct smtp_session *s)
{
	u32 n = s->replies + 1;

	if (s->replies == s->commands)
		return SMTP_AWAIT_UNEXPECTED;
	if (!s->replies)
		return SMTP_AWAIT_GREETING;
	if (s->ehlo_pending && n == s->ehlo)
		return SMTP_AWAIT_EHLO;
	if (s->phase == SMTP_FIXUP_PHASE_WAIT && n == s->commands)
		return s->wait;
	return SMTP_AWAIT_NOTHING;
}

/* Is the reply that begins here masked where it is a 250 of several lines? E1.
 * D11: so is one that may be an EHLO's, whichever command it answers by count.
 */
static bool smtp_reply_masked(const struct smtp_session *s)
{
	return s->reply == SMTP_AWAIT_EHLO || s->ehlos ||
	       (s->reply == SMTP_AWAIT_UNEXPECTED && s->ehlo_sent);
}

/* What the awaited reply settles: D1, D5, S2 */
static u8 smtp_reply_settles(const struct smtp_session *s)
{
	if (s->wait == SMTP_AWAIT_DATA && s->reply_code == 354)
		return SMTP_FIXUP_PHASE_BODY;
	if (s->wait == SMTP_AWAIT_AUTH && s->reply_code == 334)
		return SMTP_FIXUP_PHASE_AUTH;
	if (s->wait == SMTP_AWAIT_STARTTLS && s->reply_code == 220)
		return SMTP_FIXUP_PHASE_TLS;
	return SMTP_FIXUP_PHASE_COMMAND;
}

/* D8: the server speaks out of turn, or not SMTP. A 421 it may say whenever it
 * has to close: RFC 5321, 3.8
 */
static void smtp_reply_unexpected(struct smtp_flow *flow)
{
	smtp_event(flow, SMTP_FIXUP_EVENT_REPLY_UNEXPECTED, NULL, 0);
	if (flow->session.reply_code != 421)
		flow->session.uncertain = true;
	if (flow->policy->strict && flow->session.reply_code != 421)
		smtp_flow_end(flow, SMTP_RESET);
}

/* @event: what has become of it, if it is a greeting that is not let through */
static void smtp_reply_end(struct smtp_flow *flow, enum smtp_fixup_event event)
{
	struct smtp_session *s = &flow->session;
	bool awaited = s->phase == SMTP_FIXUP_PHASE_WAIT &&
		       s->replies + 1 == s->commands;

	s->reply_begun = false;
	if (s->reply == SMTP_AWAIT_UNEXPECTED) {
		smtp_reply_unexpected(flow);
		return;
	}
	s->replies++;
	/* D11: the EHLO's reply has come for certain. A refusal is not believed:
	 * it may be the second answer to what came before.
	 */
	if (s->reply == SMTP_AWAIT_EHLO && s->reply_offers && s->ehlos &&
	    s->ehlos < 255 && !s->uncertain)
		s->ehlos--;
	if (s->ehlo_pending && s->replies == s->ehlo)
		s->ehlo_pending = false;

	if (s->reply == SMTP_AWAIT_GREETING) {
		if (s->mask_greeting)
			smtp_event(flow, event, NULL, 0);
		if (s->phase == SMTP_FIXUP_PHASE_GREETING)
			s->phase = SMTP_FIXUP_PHASE_COMMAND;
	}
	if (!awaited)
		return;

	/* A refusal may be of the LF, or a farewell: V7 */
	if (s->bare && s->reply_code >= 200 && s->reply_code < 400)
		s->takes_lf = true;
	s->phase = smtp_reply_settles(s);
	if (s->wait == SMTP_AWAIT_CHUNK && s->reply_code == 354) {
		s->skip = s->announced;
		s->commands++;	/* its end is answered as well */
		s->data_ends++;
		smtp_host_count(flow, SMTP_FIXUP_CNT_CHUNKS, 1);
	}
	/* The server waits for a chunk, and of what size only it knows */
	if (s->wait == SMTP_AWAIT_DOUBT && s->reply_code == 354)
		smtp_flow_desynchronised(flow);
	if (s->wait == SMTP_AWAIT_DATA && s->phase != SMTP_FIXUP_PHASE_BODY)
		s->confidential = true;
	s->wait = SMTP_AWAIT_NOTHING;
	if (s->phase == SMTP_FIXUP_PHASE_AUTH) {
		s->line = SMTP_LINE_ARGUMENT;	/* a SASL response has no verb */
		s->sasl = SMTP_SASL_RESPONSE;
		s->await = SMTP_AWAIT_AUTH;
	} else if (s->phase == SMTP_FIXUP_PHASE_TLS) {
		smtp_event(flow, SMTP_FIXUP_EVENT_TLS_STARTED, NULL, 0);
	}
}

/* G2-G5: what a byte of a greeting that is to be masked becomes */
static u8 smtp_greeting_byte(const struct smtp_flow *flow, u8 c)
{
	const struct smtp_session *s = &flow->session;
	bool separator = s->reply_column == 3 && s->reply_code == 220 &&
			 (c == '-' || c == ' ');

	if (smtp_is_eol(c) || separator)
		return c;
	switch (flow->policy->banner) {
	case SMTP_FIXUP_BANNER_TEXT:	/* where it could not be replaced */
	case SMTP_FIXUP_BANNER_PIX:
		if (c == '2' || c == '0' || (c == ' ' && s->reply_last == '0'))
			return c;
		return '*';
	case SMTP_FIXUP_BANNER_CMAP:	/* where there is no room for it */
	case SMTP_FIXUP_BANNER_STARS:
		return s->reply_column < 4 ? c : '*';
	}
	return c;
}

/* Is the greeting masked a whole line of text at a time? G6, G8 */
static bool smtp_greeting_by_line(const struct smtp_policy *policy)
{
	return policy->keep_esmtp || policy->banner == SMTP_FIXUP_BANNER_CMAP;
}

/* G6: "SMTP/cmap", fill and "read" in place of a line's @n octets of text */
static bool smtp_greeting_cmap(u8 *text, u32 n)
{
	static const char head[] = "SMTP/cmap", tail[] = "read";
	const u32 head_len = sizeof(head) - 1, tail_len = sizeof(tail) - 1;

	if (n < head_len + tail_len)
		return false;
	memcpy(text, head, head_len);
	memset(text + head_len, '_', n - head_len - tail_len);
	memcpy(text + n - tail_len, tail, tail_len);
	return true;
}

/* G8: octets at @at of a line's text that are the word ESMTP, with the blanks
 * that make it a word; 0: they are not. What is before @at is masked already.
 */
static u32 smtp_greeting_esmtp(const u8 *text, u32 n, u32 at)
{
	static const char word[] = "ESMTP";
	const u32 len = sizeof(word) - 1;
	u32 from = at, i;

	if (smtp_is_blank(text[at]))
		at++;
	else if (at && !smtp_is_blank(text[at - 1]))
		return 0;
	if (n - at < len || (n - at > len && !smtp_is_blank(text[at + len])))
		return 0;
	for (i = 0; i < len; i++)
		if ((text[at + i] & ~0x20) != word[i])
			return 0;
	return at - from + len + (n - at > len);
}

/* Masks the @n octets of text of a greeting's line, at once */
static void smtp_greeting_text(struct smtp_flow *flow, struct smtp_piece *p,
			       u8 *text, u32 n)
{
	struct smtp_session *s = &flow->session;
	u32 i = 0;

	if (flow->policy->banner == SMTP_FIXUP_BANNER_CMAP &&
	    smtp_greeting_cmap(text, n)) {
		p->masked += n;
		return;
	}
	while (i < n) {
		u8 c = text[i];
		u32 word = flow->policy->keep_esmtp ?
			   smtp_greeting_esmtp(text, n, i) : 0;

		if (!word) {
			text[i] = smtp_greeting_byte(flow, c);
			p->masked += text[i] != c;
			word = 1;
		}
		i += word;
		s->reply_last = c;
	}
}

/* The EHLO reply being read passes with this keyword, or none: D6, D11 */
static void smtp_ehlo_offers(struct smtp_session *s, int keyword)
{
	s->reply_offers |= keyword >= 0;
	if (keyword == SMTP_FIXUP_KEYWORD_CHUNKING && s->hello == s->replies + 1)
		s->chunking = true;
}

/* E1, E2: the byte *@c behind the fourth of an EHLO line; @text: the first
 * such byte that is in sight, @n: from there. Returns how many bytes changed.
 */
static u32 smtp_ehlo_byte(struct smtp_flow *flow, u8 *text, u32 n, u8 *c)
{
	struct smtp_session *s = &flow->session;
	u32 masked = 0;
	bool ends = smtp_is_eol(*c);

	if (s->ehlo_line == SMTP_EHLO_READING) {
		bool allowed;
		int word;

		if (ends && !s->keyword.len) {
			s->ehlo_line = SMTP_EHLO_PASSED;	/* nothing to mask */
			return 0;
		}
		if (ends || smtp_is_blank(*c)) {
			word = smtp_match_word(&s->keyword, smtp_keywords);
			allowed = word >= 0;
			smtp_ehlo_offers(s, word);
			if (allowed)
				s->ehlo_line = SMTP_EHLO_PASSED;
		} else {
			allowed = smtp_match_byte(&s->keyword, smtp_keywords, *c);
		}
		if (!allowed && flow->policy->ehlo == SMTP_FIXUP_EHLO_KEEP)
			s->ehlo_line = SMTP_EHLO_PASSED;
		if (allowed || s->ehlo_line == SMTP_EHLO_PASSED)
			return 0;
		s->ehlo_line = SMTP_EHLO_MASKED;
		smtp_event(flow, SMTP_FIXUP_EVENT_EHLO_LINE_MASKED, text,
			   smtp_line_rest(text, n));
		masked += smtp_fill(text, c - text, 'X');
	}
	if (s->ehlo_line == SMTP_EHLO_MASKED && ends) {
		if (c > text)
			c[-1] = 'A' + s->letter;
		s->letter = (s->letter + 1) % 26;
		s->ehlo_line = SMTP_EHLO_LETTERED;
	} else if (s->ehlo_line >= SMTP_EHLO_MASKED && !ends) {
		masked += smtp_fill(c, 1, 'X');
	}
	return masked;
}

/* Reads the code and what follows it; the text behind is of no interest: D7 */
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

static void smtp_reply_line_end(struct smtp_flow *flow)
{
	struct smtp_session *s = &flow->session;

	if (s->reply_column < 3 || s->reply_code == SMTP_NO_CODE) {
		/* Not a reply line; the reply goes on: D8 */
		smtp_reply_unexpected(flow);
	} else if (s->reply_more) {
		s->reply_begun = true;
	} else {
		smtp_reply_end(flow, SMTP_FIXUP_EVENT_GREETING_MASKED);
	}
}

/* Does the line at @c, @n octets with its LF, begin with a code? */
static bool smtp_is_reply_line(const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < 3 && i < n && c[i] >= '0' && c[i] <= '9'; i++)
		;
	return i == 3;
}

/* Octets of the reply's lines at @c that are whole in sight; @ends: its last is
 * among them
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

/* Octets of the line at @c, its LF included */
static u32 smtp_line_octets(const u8 *c, u32 n)
{
	return (const u8 *)memchr(c, '\n', n) + 1 - c;
}

/* D8: what is no reply line within a reply that is rewritten as a whole */
static void smtp_reply_odd_lines(struct smtp_flow *flow, const u8 *reply, u32 n)
{
	flow->session.reply_code = SMTP_NO_CODE;
	while (n) {
		u32 len = smtp_line_octets(reply, n);

		if (!smtp_is_reply_line(reply, len))
			smtp_reply_unexpected(flow);
		reply += len;
		n -= len;
	}
}

/* G7: lines of the greeting become the operator's, one that goes on where the
 * greeting does
 */
static void smtp_greeting_replace(struct smtp_flow *flow, struct smtp_piece *p,
				  u32 at, u32 n, bool ends)
{
	smtp_reply_odd_lines(flow, p->buf + at, n);
	p->at = at;
	p->old = n;
	p->bytes = NULL;
	p->len = flow->policy->text_len;
	memcpy(p->buf + at, flow->policy->text, p->len);
	if (!ends)
		p->buf[at + 3] = '-';
	p->masked += n;
}

/* Is the keyword of this EHLO line let through? E2. What is no reply line is not. */
static bool smtp_ehlo_allowed(struct smtp_flow *flow, const u8 *line, u32 n)
{
	struct smtp_match m = { .candidates = smtp_keywords_now(flow) };
	int word;
	u32 i;

	if (!smtp_is_reply_line(line, n))
		return false;
	for (i = 4; i < n && !smtp_is_blank(line[i]) && !smtp_is_eol(line[i]); i++)
		smtp_match_byte(&m, smtp_keywords, line[i]);
	word = smtp_match_word(&m, smtp_keywords);
	smtp_ehlo_offers(&flow->session, word);
	return i == 4 || word >= 0;
}

static void smtp_strip_event(const struct smtp_flow *flow, const u8 *line, u32 n)
{
	u32 text = smtp_is_reply_line(line, n) ? 4 : 0;

	smtp_event(flow, SMTP_FIXUP_EVENT_EHLO_LINE_STRIPPED, line + text,
		   smtp_line_rest(line + text, n - text));
}

/* E4: takes out of the EHLO reply's lines at @reply those that are not let through;
 * the reply's first one stays. Only counts where @to is NULL. Returns what is left.
 */
static u32 smtp_ehlo_strip(struct smtp_flow *flow, const u8 *reply, u32 n,
			   bool ends, u8 *to)
{
	bool first = !flow->session.reply_begun;
	u8 *last = NULL;
	u32 from, left = 0;

	for (from = 0; from < n; ) {
		const u8 *line = reply + from;
		u32 len = smtp_line_octets(line, n - from);

		from += len;
		if (!(first && line == reply) &&
		    !smtp_ehlo_allowed(flow, line, len)) {
			if (to)
				smtp_strip_event(flow, line, len);
			continue;
		}
		if (to) {
			memmove(to + left, line, len);
			if (len >= 4)
				last = to + left;
		}
		left += len;
	}
	/* The last that is left has no '-' */
	if (ends && last && last[3] == '-')
		last[3] = ' ';
	return left;
}

/* Where no line is left there is one that says nothing, as Exchange ends its
 * replies: what is replaced by no octets is never ACKed.
 */
static const u8 smtp_ehlo_nothing[] = { '2', '5', '0', ' ', 'O', 'K', '\r', '\n' };

/* E4 for the reply's lines at @at */
static void smtp_ehlo_rewrite(struct smtp_flow *flow, struct smtp_piece *p,
			      u32 at, u32 n, bool ends, u32 left)
{
	u8 *reply = p->buf + at;

	smtp_reply_odd_lines(flow, reply, n);
	if (!smtp_ehlo_strip(flow, reply, n, ends, reply)) {
		memcpy(reply, smtp_ehlo_nothing, left);
		if (!ends)
			reply[3] = '-';
	}
	p->masked += n > left ? n - left : 0;
	p->at = at;
	p->old = n;
	p->bytes = NULL;
	p->len = left;
}

/* Should the line that begins at @c be rewritten as a whole? G7, E4 */
static bool smtp_reply_rewritten(const struct smtp_flow *flow, const u8 *c, u32 n)
{
	const struct smtp_session *s = &flow->session;
	const struct smtp_policy *policy = flow->policy;
	bool text = s->reply == SMTP_AWAIT_GREETING &&
		    policy->banner == SMTP_FIXUP_BANNER_TEXT;
	bool strip = s->reply_ehlo && policy->ehlo == SMTP_FIXUP_EHLO_STRIP;

	if (text && s->reply_begun && s->mask_greeting)
		return true;
	if (n > 3)
		n = 3;
	return (text && !s->reply_begun && !memcmp(c, "220", n)) ||
	       (strip && !memcmp(c, "250", n));
}

/* The lines at @at, which are to be rewritten as a whole. The rest of a reply may
 * be seconds away (postscreen), so that it is done with those that are there; only
 * a line that is not whole waits, once. Returns the octets of those that are done,
 * or 0: judge them octet by octet, or *@wait for more.
 */
static u32 smtp_reply_rewrite(struct smtp_flow *flow, struct smtp_piece *p,
			      u32 at, bool *wait)
{
	struct smtp_session *s = &flow->session;
	bool greeting = s->reply == SMTP_AWAIT_GREETING &&
			flow->policy->banner == SMTP_FIXUP_BANNER_TEXT &&
			(s->reply_begun ? s->mask_greeting : p->buf[at + 1] == '2');
	bool ends, changes;
	u32 n = smtp_reply_lines(p->buf + at, p->n - at, &ends);
	u32 left;

	*wait = false;
	if (p->elastic == SMTP_ELASTIC_NEVER)
		return 0;
	if (!n) {
		*wait = p->elastic == SMTP_ELASTIC_LATER || !p->repeats;
		return 0;
	}
	left = greeting ? flow->policy->text_len :
			  smtp_ehlo_strip(flow, p->buf + at, n, ends, NULL);
	changes = greeting || left != n;
	if (!left)
		left = sizeof(smtp_ehlo_nothing);
	if (changes) {
		*wait = p->elastic == SMTP_ELASTIC_LATER;
		if (*wait || left > p->room)
			return 0;
	}
	if (greeting)
		smtp_greeting_replace(flow, p, at, n, ends);
	else if (changes)
		smtp_ehlo_rewrite(flow, p, at, n, ends, left);
	s->mask_greeting = greeting;
	s->reply_begun = true;
	if (ends) {
		s->reply_code = greeting ? 220 : 250;
		smtp_reply_end(flow, SMTP_FIXUP_EVENT_GREETING_REPLACED);
	}
	s->reply_column = 0;
	s->reply_last = '\n';
	return n;
}

/* Only a whole EHLO line tells which octet is its last (E1) */
static bool smtp_ehlo_line_open(const struct smtp_flow *flow, const u8 *c,
				u32 n)
{
	const struct smtp_session *s = &flow->session;

	return s->ehlo_line == SMTP_EHLO_READING && !s->keyword.len &&
	       flow->policy->ehlo != SMTP_FIXUP_EHLO_KEEP && !memchr(c, '\n', n);
}

/* Is this octet behind the code of a line that E1 and D6 are about? */
static bool smtp_ehlo_text(const struct smtp_flow *flow)
{
	const struct smtp_session *s = &flow->session;

	return s->reply_ehlo && s->reply_begun &&
	       !(s->reply == SMTP_AWAIT_GREETING && s->mask_greeting) &&
	       s->reply_code == 250 && s->reply_column >= 4;
}

/* Is the rest of the line text that nothing is to be known of? D7 */
static bool smtp_reply_unread(const struct smtp_flow *flow)
{
	const struct smtp_session *s = &flow->session;

	return s->reply_column > 4 && !smtp_ehlo_text(flow) &&
	       (s->reply != SMTP_AWAIT_GREETING || !s->mask_greeting);
}

/* Is this the first octet behind the code of a line that is masked at once? */
static bool smtp_greeting_text_begins(const struct smtp_flow *flow)
{
	const struct smtp_session *s = &flow->session;

	return s->reply == SMTP_AWAIT_GREETING && s->mask_greeting &&
	       s->reply_column == 4 && smtp_greeting_by_line(flow->policy);
}

u32 smtp_session_server(struct smtp_flow *flow, struct smtp_piece *p)
{
	struct smtp_session *s = &flow->session;
	u32 text = 0;	/* the fifth octet of the line, as far as in sight */
	u32 from = 0;	/* what is in order goes so far, if it ends here */
	u8 ended = flow->ended;
	u32 i;

	for (i = 0; i < p->n && s->phase != SMTP_FIXUP_PHASE_TLS &&
	     !smtp_flow_closed(flow, SMTP_SERVER); i++) {
		u8 *at = &p->buf[i];
		u8 c = *at;

		if (!s->reply_column) {
			if (s->reply != SMTP_AWAIT_UNEXPECTED)
				from = i;
			smtp_reply_line_begin(s);
		}
		if (!s->reply_column && !s->reply_begun) {
			s->reply = smtp_reply_answers(s);
			s->reply_ehlo = smtp_reply_masked(s);
			s->reply_offers = false;
			s->letter = 0;
			from = i;
		}
		if (!s->reply_column && smtp_reply_rewritten(flow, at, p->n - i)) {
			bool wait;
			u32 n = smtp_reply_rewrite(flow, p, i, &wait);

			if (wait || flow->ended != ended)
				break;
			if (p->old)
				return i + n;
			if (n) {
				i += n - 1;	/* nothing to change */
				continue;
			}
		}
		if (s->reply_column == 3) {
			s->keyword.candidates = smtp_keywords_now(flow);
			text = i + 1;
		}

		if (smtp_reply_unread(flow) && c != '\n') {
			at = memchr(at, '\n', p->n - i);
			i = (at ? at - p->buf : p->n) - 1;
			continue;
		}
		if (smtp_greeting_text_begins(flow)) {
			u32 n = smtp_line_rest(at, p->n - i);
			bool whole = i + n < p->n;

			if (!whole && !p->repeats)
				break;
			if (whole && n) {
				smtp_greeting_text(flow, p, at, n);
				s->reply_column++;
				i += n - 1;
				continue;
			}
		}
		if (s->reply == SMTP_AWAIT_GREETING && s->mask_greeting)
			*at = smtp_greeting_byte(flow, c);
		p->masked += *at != c;
		if (smtp_ehlo_text(flow)) {
			if (!p->repeats && smtp_ehlo_line_open(flow, at, p->n - i))
				break;
			p->masked += smtp_ehlo_byte(flow, &p->buf[text],
						    p->n - text, at);
		}

		if (c == '\n') {
			smtp_reply_line_end(flow);
			s->reply_column = 0;
		} else {
			smtp_reply_column(s, c);
		}
		/* G1: the code of its first line decides */
		if (s->reply == SMTP_AWAIT_GREETING && !s->reply_begun &&
		    s->reply_column == 3)
			s->mask_greeting = s->reply_code == 220 &&
				flow->policy->banner != SMTP_FIXUP_BANNER_KEEP;
		s->reply_last = c;
	}
	return flow->ended != ended && smtp_flow_over(flow) ? from : i;
}
