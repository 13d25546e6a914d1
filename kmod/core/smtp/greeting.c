// SPDX-License-Identifier: GPL-2.0-only
/* Greetings. See greeting.h. */
#include "../scan/octets.h"
#include "greeting.h"

/* G2-G5: what replaces an octet of text, which follows @last */
static u8 smtp_greeting_mask(const struct smtp_policy *policy, u8 last, u8 c)
{
	bool pix = policy->banner == SMTP_FIXUP_BANNER_PIX ||
		   policy->banner == SMTP_FIXUP_BANNER_TEXT; /* it could not be replaced */

	if (pix && (c == '2' || c == '0' || (c == ' ' && last == '0')))
		return c;
	return '*';
}

/* G2-G5: what replaces a byte of a masked greeting */
u8 smtp_greeting_byte(const struct smtp_parser *ps, u8 c)
{
	const struct smtp_session *s = ps->s;
	bool separator = s->reply_column == 3 && s->reply_code == 220 &&
			 (c == '-' || c == ' ');

	if (smtp_is_eol(c) || separator)
		return c;
	switch (ps->policy->banner) {
	case SMTP_FIXUP_BANNER_CMAP:	/* where there is no room for it */
	case SMTP_FIXUP_BANNER_STARS:
		if (s->reply_column < 4)
			return c;
	}
	return smtp_greeting_mask(ps->policy, s->reply_last, c);
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

/* G8: is the word ESMTP, with blanks around it, at @at of a line's text? Returns its
 * length with the blanks, or 0. The text before @at is masked already.
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
void smtp_greeting_text(struct smtp_parser *ps,
			u8 *text, u32 n)
{
	struct smtp_session *s = ps->s;
	u32 i = 0;

	if (ps->policy->banner == SMTP_FIXUP_BANNER_CMAP &&
	    smtp_greeting_cmap(text, n)) {
		ps->out.masked += n;
		return;
	}
	while (i < n) {
		u8 c = text[i];
		u32 word = ps->policy->keep_esmtp ?
			   smtp_greeting_esmtp(text, n, i) : 0;

		if (!word) {
			text[i] = smtp_greeting_mask(ps->policy, s->reply_last, c);
			ps->out.masked += text[i] != c;
			word = 1;
		}
		i += word;
		s->reply_last = c;
	}
}

/* G7: replaces lines of the greeting by the operator's line. If the greeting goes on
 * after them, so does that line ("220-").
 */
void smtp_greeting_replace(struct smtp_parser *ps,
			   u32 at, u32 n, bool ends)
{
	ps->out.edit.at = at;
	ps->out.edit.old = n;
	ps->out.edit.with = NULL;
	ps->out.edit.len = ps->policy->text_len;
	memcpy(ps->in.buf + at, ps->policy->text, ps->out.edit.len);
	if (!ends)
		ps->in.buf[at + 3] = '-';
	ps->out.masked += n;
}
