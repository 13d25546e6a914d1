// SPDX-License-Identifier: GPL-2.0-only
/* EHLO replies. See ehlo.h. */
#include "../match/criteria.h"
#include "../scan/octets.h"
#include "ehlo.h"
#include "reply_line.h"
#include "value.h"

/* Notes a keyword that passes in an EHLO reply: D6, D11 */
static void smtp_ehlo_offers(struct smtp_session *s, int keyword)
{
	s->reply_offers |= keyword >= 0;
	if (keyword == SMTP_FIXUP_KEYWORD_CHUNKING && s->hello == s->replies + 1)
		s->chunking = true;
}

/* E1, E2 */
u32 smtp_ehlo_byte(struct smtp_parser *ps, u8 *text, u32 n, u8 *c)
{
	struct smtp_session *s = ps->s;
	u32 masked = 0;
	bool ends = smtp_is_eol(*c);

	if (s->ehlo_line == SMTP_EHLO_READING) {
		bool allowed, matched = false;
		int word;

		if (ends && !s->keyword.len) {
			s->ehlo_line = SMTP_EHLO_PASSED;	/* nothing to mask */
			return 0;
		}
		if (ps->policy->criteria && !s->keyword.len) {
			matched = smtp_value_cut(ps, c, n);
			if (!matched) {
				matched = smtp_value_keyword(ps, c, n);
				masked += smtp_value_mechanisms(ps, c, n);
			}
		}
		if (matched) {
			allowed = false;
		} else if (ends || smtp_is_blank(*c)) {
			word = smtp_match_word(&s->keyword, smtp_keywords);
			allowed = word >= 0;
			smtp_ehlo_offers(s, word);
			if (allowed)
				s->ehlo_line = SMTP_EHLO_PASSED;
		} else {
			allowed = smtp_match_byte(&s->keyword, smtp_keywords, *c);
		}
		if (!allowed && !matched &&
		    ps->policy->ehlo == SMTP_FIXUP_EHLO_KEEP)
			s->ehlo_line = SMTP_EHLO_PASSED;
		if (allowed || s->ehlo_line == SMTP_EHLO_PASSED)
			return masked;
		s->ehlo_line = SMTP_EHLO_MASKED;
		smtp_event(ps->host, SMTP_FIXUP_EVENT_EHLO_LINE_MASKED, text,
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

/* Does this line of an EHLO reply pass? E2. A line without a code does not. */
static bool smtp_ehlo_allowed(struct smtp_parser *ps, const u8 *line, u32 n)
{
	struct smtp_match m = { .candidates = smtp_ehlo_keywords(ps) };
	int word;
	u32 i;

	if (!smtp_is_reply_line(line, n) ||
	    (n > 4 && smtp_value_keyword_masked(ps, line + 4, n - 4)))
		return false;
	for (i = 4; i < n && !smtp_is_blank(line[i]) && !smtp_is_eol(line[i]); i++)
		smtp_match_byte(&m, smtp_keywords, line[i]);
	word = smtp_match_word(&m, smtp_keywords);
	smtp_ehlo_offers(ps->s, word);
	return i == 4 || word >= 0;
}

static void smtp_strip_event(const struct smtp_parser *ps, const u8 *line, u32 n)
{
	u32 text = smtp_is_reply_line(line, n) ? 4 : 0;

	smtp_event(ps->host, SMTP_FIXUP_EVENT_EHLO_LINE_STRIPPED, line + text,
		   smtp_line_rest(line + text, n - text));
}

/* E4: removes the lines of the EHLO reply at @reply that may not pass; its first line
 * stays. Writes the others to @to, or only counts if that is NULL. Returns how many
 * octets are left.
 */
static u32 smtp_ehlo_strip(struct smtp_parser *ps, const u8 *reply, u32 n,
			   bool ends, u8 *to)
{
	bool first = !ps->s->reply_begun;
	u8 *last = NULL;
	u32 from, left = 0;

	for (from = 0; from < n; ) {
		const u8 *line = reply + from;
		u32 len = smtp_line_octets(line, n - from);

		from += len;
		if (!(first && line == reply) &&
		    !smtp_ehlo_allowed(ps, line, len)) {
			if (to)
				smtp_strip_event(ps, line, len);
			continue;
		}
		if (to) {
			memmove(to + left, line, len);
			if (len >= 4)
				last = to + left;
		}
		left += len;
	}
	/* The last line that is left has no '-' */
	if (ends && last && last[3] == '-')
		last[3] = ' ';
	return left;
}

/* Where no line would be left, leave one that says nothing, as Exchange ends its
 * replies. The far end never ACKs a replacement of no octets.
 */
static const u8 smtp_ehlo_nothing[] = { '2', '5', '0', ' ', 'O', 'K', '\r', '\n' };

u32 smtp_ehlo_left(struct smtp_parser *ps, const u8 *reply, u32 n, bool ends,
		   bool *changes)
{
	u32 left = smtp_ehlo_strip(ps, reply, n, ends, NULL);

	*changes = left != n;
	return left ? left : sizeof(smtp_ehlo_nothing);
}

/* X6, X8: what matches do to the lines at @reply, but for their removal */
u32 smtp_ehlo_match(struct smtp_parser *ps, u8 *reply, u32 n)
{
	bool first = !ps->s->reply_begun;
	u32 masked = 0;

	while (n && ps->policy->criteria) {
		u32 len = smtp_line_octets(reply, n);

		if (!first && len > 4 && smtp_is_reply_line(reply, len)) {
			smtp_value_keyword(ps, reply + 4, len - 4);
			masked += smtp_value_mechanisms(ps, reply + 4, len - 4);
		}
		first = false;
		reply += len;
		n -= len;
	}
	return masked;
}

/* E4 for the lines at @at. Lines that are not reply lines make the count of replies
 * uncertain. Then fewer lines may pass than smtp_ehlo_left() has counted (D11).
 */
void smtp_ehlo_rewrite(struct smtp_parser *ps,
		       u32 at, u32 n, bool ends)
{
	u8 *reply = ps->in.buf + at;
	u32 left;

	left = smtp_ehlo_strip(ps, reply, n, ends, reply);
	if (!left) {
		left = sizeof(smtp_ehlo_nothing);
		memcpy(reply, smtp_ehlo_nothing, left);
		if (!ends)
			reply[3] = '-';
	}
	ps->out.masked += n > left ? n - left : 0;
	ps->out.edit.at = at;
	ps->out.edit.old = n;
	ps->out.edit.with = NULL;
	ps->out.edit.len = left;
}
