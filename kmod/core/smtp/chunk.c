// SPDX-License-Identifier: GPL-2.0-only
/* Chunks: the lines that announce them. See chunk.h. */
#include "chunk.h"
#include "../policy/policy.h"

static const char smtp_last[] = "LAST";

#define SMTP_LAST_LEN	(sizeof(smtp_last) - 1)

static bool smtp_is_digit(u8 c)
{
	return c >= '0' && c <= '9';
}

/* Is it a digit of the size? Leading zeros are refused: some servers read octal. */
static bool smtp_chunk_digit(struct smtp_chunk *k, u8 c)
{
	if (!smtp_is_digit(c) || k->digits == SMTP_CHUNK_DIGITS ||
	    (k->digits && !k->size))
		return false;
	k->size = k->size * 10 + (c - '0');
	k->digits++;
	return true;
}

/* An octet of the word after the size? */
static bool smtp_chunk_word(struct smtp_chunk *k, u8 c)
{
	if (k->verb == SMTP_FIXUP_VERB_XEXCH50) {
		if (!smtp_is_digit(c) || k->word == SMTP_CHUNK_DIGITS)
			return false;
	} else if (k->word == SMTP_LAST_LEN ||
		   (c & ~0x20) != smtp_last[k->word]) {
		return false;
	}
	k->word++;
	return true;
}

/* May the line end here? */
static bool smtp_chunk_whole(const struct smtp_chunk *k)
{
	if (k->verb == SMTP_FIXUP_VERB_XEXCH50)
		return k->line == SMTP_CHUNK_WORD && k->size;
	return (k->line == SMTP_CHUNK_SIZE && k->digits) ||
	       (k->line == SMTP_CHUNK_WORD && k->word == SMTP_LAST_LEN);
}

/* Reads an octet of a verb that is blocked */
static u8 smtp_chunk_name(struct smtp_chunk *k, u8 c)
{
	if ((c & ~0x20) != smtp_verbs[k->verb].text[k->word])
		return SMTP_CHUNK_BAD;
	if (++k->word < smtp_verbs[k->verb].len)
		return SMTP_CHUNK_NAME;
	k->word = 0;
	return SMTP_CHUNK_VERB;
}

static u8 smtp_chunk_step(struct smtp_chunk *k, u8 c)
{
	if (c == '\r')
		return smtp_chunk_whole(k) ? SMTP_CHUNK_CR : SMTP_CHUNK_BAD;

	switch (k->line) {
	case SMTP_CHUNK_NAME:
		return smtp_chunk_name(k, c);
	case SMTP_CHUNK_VERB:
		return c == ' ' && !k->indented ? SMTP_CHUNK_SIZE :
						  SMTP_CHUNK_BAD;
	case SMTP_CHUNK_SIZE:
		if (c == ' ' && k->digits)
			return SMTP_CHUNK_SPACE;
		return smtp_chunk_digit(k, c) ? SMTP_CHUNK_SIZE :
						SMTP_CHUNK_BAD;
	case SMTP_CHUNK_SPACE:
	case SMTP_CHUNK_WORD:
		return smtp_chunk_word(k, c) ? SMTP_CHUNK_WORD :
					       SMTP_CHUNK_BAD;
	case SMTP_CHUNK_CR:
		return c == '\n' ? SMTP_CHUNK_CR : SMTP_CHUNK_BAD;
	}
	return SMTP_CHUNK_BAD;
}

bool smtp_chunk_octet(struct smtp_chunk *k, u8 c)
{
	if (k->line == SMTP_CHUNK_NONE || k->line == SMTP_CHUNK_BAD)
		return true;
	k->line = smtp_chunk_step(k, c);
	return k->line != SMTP_CHUNK_BAD;
}

bool smtp_chunk_last(const struct smtp_chunk *k)
{
	return k->word == SMTP_LAST_LEN;
}
