/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Decoding of header fields, octet by octet: encoded words of RFC 2047, and %XX of RFC
 * 2231. The decoded octets are counted, and run through an automaton. docs/rules.md X3,
 * X9.
 *
 * Whether something is an encoded word is only known at its end. Until then both readings
 * are followed.
 */
#ifndef _SMTP_CORE_DECODE_H
#define _SMTP_CORE_DECODE_H

#include "../match/automaton.h"

/* Where in an encoded word the next octet stands */
enum smtp_word_at {
	SMTP_WORD_NONE,
	SMTP_WORD_EQUALS,	/* after = */
	SMTP_WORD_CHARSET,
	SMTP_WORD_ENCODING,
	SMTP_WORD_TEXT,
	SMTP_WORD_ENDS,		/* after the ? of its end, if it is that */
	SMTP_WORD_AFTER,	/* blanks between two words are not there: 6.2 */
};

/**
 * struct smtp_text - a text, as far as it has been read
 * @state: of the automaton
 * @len: octets; stops at 65,535
 */
struct smtp_text {
	u16 state;
	u16 len;
};

/**
 * struct smtp_decoder - a text being decoded
 * @text: the text if the octets since = are an encoded word
 * @plain: the text if they are not
 * @bits: bits of its base64 that do not make an octet yet
 * @nr_bits: how many
 * @at: enum smtp_word_at
 * @word_len: octets of its charset
 * @encoding: 'b' or 'q', or 0: not read yet
 * @escape: octets of an =XX or %XX that have come
 * @digit: the second of these
 */
struct smtp_decoder {
	struct smtp_text text;
	struct smtp_text plain;
	u16 bits;
	u8 nr_bits;
	u8 at;
	u8 word_len;
	u8 encoding;
	u8 escape;
	u8 digit;
};

/**
 * smtp_text_add() - add an octet that needs no decoding
 * @a: the automaton, or NULL
 * @t: the text
 * @c: the octet
 */
static inline void smtp_text_add(const struct smtp_automaton *a, struct smtp_text *t,
				 u8 c)
{
	if (a)
		t->state = smtp_automaton_step(a, t->state, c);
	if (t->len != 0xffff)
		t->len++;
}

/**
 * smtp_decode_words() - add an octet, which may be part of an encoded word: RFC 2047
 * @d: the text; zeroed before the first
 * @a: the automaton, or NULL
 * @c: the octet
 */
void smtp_decode_words(struct smtp_decoder *d, const struct smtp_automaton *a, u8 c);

/**
 * smtp_decode_percent() - add an octet, which may be part of a %XX: RFC 2231, 4
 * @d: the text; zeroed before the first
 * @a: the automaton, or NULL
 * @c: the octet
 */
void smtp_decode_percent(struct smtp_decoder *d, const struct smtp_automaton *a, u8 c);

/**
 * smtp_decode_end() - end the text, or a section of it
 * @d: the text
 * @a: the automaton, or NULL
 *
 * Return: the text so far. Another section may follow.
 */
struct smtp_text smtp_decode_end(struct smtp_decoder *d, const struct smtp_automaton *a);

#endif /* _SMTP_CORE_DECODE_H */
