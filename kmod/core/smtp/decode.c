// SPDX-License-Identifier: GPL-2.0-only
/* Decoding of header fields. See decode.h. */
#include "decode.h"
#include "../scan/octets.h"

/* No word is longer, nor is its charset: RFC 2047, 2 */
#define SMTP_WORD_MAX	75

static int smtp_hex(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c &= ~0x20;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int smtp_base64(u8 c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What looked like an escape is ordinary text */
static void smtp_decode_no_escape(struct smtp_decoder *d, const struct smtp_automaton *a,
				  u8 mark)
{
	if (d->escape)
		smtp_text_add(a, &d->text, mark);
	if (d->escape == 2)
		smtp_text_add(a, &d->text, d->digit);
	d->escape = 0;
}

/* Adds an octet to a text in which @mark and two hexadecimal digits stand for one */
static void smtp_decode_escaped(struct smtp_decoder *d, const struct smtp_automaton *a,
				u8 mark, u8 c)
{
	if (d->escape && smtp_hex(c) < 0)
		smtp_decode_no_escape(d, a, mark);
	switch (d->escape) {
	case 0:
		if (c == mark)
			d->escape = 1;
		else
			smtp_text_add(a, &d->text, c);
		return;
	case 1:
		d->digit = c;
		d->escape = 2;
		return;
	}
	d->escape = 0;
	smtp_text_add(a, &d->text, smtp_hex(d->digit) << 4 | smtp_hex(c));
}

void smtp_decode_percent(struct smtp_decoder *d, const struct smtp_automaton *a, u8 c)
{
	smtp_decode_escaped(d, a, '%', c);
}

/* Adds an octet of an encoded word's text */
static void smtp_decode_word(struct smtp_decoder *d, const struct smtp_automaton *a, u8 c)
{
	int six;

	if (d->encoding == 'q') {
		smtp_decode_escaped(d, a, '=', c == '_' ? ' ' : c);
		return;
	}
	six = smtp_base64(c);
	if (six < 0)
		return;
	d->bits = (d->bits << 6 | six) & 0xfff;
	d->nr_bits += 6;
	if (d->nr_bits < 8)
		return;
	d->nr_bits -= 8;
	smtp_text_add(a, &d->text, d->bits >> d->nr_bits);
}

/* May the octet be part of an encoded word? Then advances @d->at */
static bool smtp_decode_goes_on(struct smtp_decoder *d, const struct smtp_automaton *a,
				u8 c)
{
	switch (d->at) {
	case SMTP_WORD_EQUALS:
		d->word_len = 0;
		if (c == '?')
			d->at = SMTP_WORD_CHARSET;
		return c == '?';
	case SMTP_WORD_CHARSET:
		d->encoding = 0;
		if (c == '?')
			d->at = SMTP_WORD_ENCODING;
		return !smtp_is_blank(c) && c != '=' && ++d->word_len < SMTP_WORD_MAX;
	case SMTP_WORD_ENCODING:
		if (c == '?' && d->encoding) {
			d->at = SMTP_WORD_TEXT;
			d->nr_bits = 0;
			d->escape = 0;
			return true;
		}
		c |= 0x20;
		if (d->encoding || (c != 'b' && c != 'q'))
			return false;
		d->encoding = c;
		return true;
	case SMTP_WORD_ENDS:
		if (c == '=') {
			d->at = SMTP_WORD_AFTER;
			d->escape = 0;
			return true;
		}
		d->at = SMTP_WORD_TEXT;
		smtp_decode_word(d, a, '?');
		fallthrough;
	case SMTP_WORD_TEXT:
		if (c == '?')
			d->at = SMTP_WORD_ENDS;
		else
			smtp_decode_word(d, a, c);
		return true;
	case SMTP_WORD_AFTER:
		if (c == '=')
			d->at = SMTP_WORD_EQUALS;
		return c == '=' || smtp_is_blank(c);
	}
	return false;
}

void smtp_decode_words(struct smtp_decoder *d, const struct smtp_automaton *a, u8 c)
{
	bool inside = d->at == SMTP_WORD_ENDS;

	if (d->at != SMTP_WORD_NONE && smtp_decode_goes_on(d, a, c)) {
		smtp_text_add(a, &d->plain, c);
		if (inside && d->at == SMTP_WORD_AFTER)
			d->plain = d->text;
		return;
	}
	if (d->at != SMTP_WORD_NONE)
		d->text = d->plain;
	d->at = SMTP_WORD_NONE;
	if (c == '=') {
		d->at = SMTP_WORD_EQUALS;
		d->plain = d->text;
		smtp_text_add(a, &d->plain, c);
	} else {
		smtp_text_add(a, &d->text, c);
	}
}

struct smtp_text smtp_decode_end(struct smtp_decoder *d, const struct smtp_automaton *a)
{
	if (d->at == SMTP_WORD_NONE)
		smtp_decode_no_escape(d, a, '%');
	else if (d->at != SMTP_WORD_AFTER)
		d->text = d->plain;
	d->at = SMTP_WORD_NONE;
	d->escape = 0;
	return d->text;
}
