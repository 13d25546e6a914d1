/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: octets that are data because the command before them has announced how many
 * there are. BDAT of RFC 3030, XEXCH50 of [MS-OXSMTP]. docs/rules.md D6.
 *
 * Servers differ in what they accept as a size. Only a size that all of them read alike
 * passes. With anything else the command is blocked.
 */
#ifndef _SMTP_CORE_CHUNK_H
#define _SMTP_CORE_CHUNK_H

#include "../base/host.h"

/* Digits of a size at most, so that any size is less than 2^30 */
#define SMTP_CHUNK_DIGITS	9

/* Where in the line of such a command the next octet stands */
enum smtp_chunk_line {
	SMTP_CHUNK_NONE,	/* another command's line */
	SMTP_CHUNK_NAME,	/* in BDAT, which is blocked */
	SMTP_CHUNK_VERB,	/* after the verb: a space */
	SMTP_CHUNK_SIZE,	/* before or in the size */
	SMTP_CHUNK_SPACE,	/* after it and a space */
	SMTP_CHUNK_WORD,	/* in LAST, or the recipients of XEXCH50 */
	SMTP_CHUNK_CR,		/* LF ends the line */
	SMTP_CHUNK_BAD,		/* not a line that announces a chunk */
};

/**
 * struct smtp_chunk - the line of a command that announces a chunk
 * @size: octets announced
 * @line: enum smtp_chunk_line
 * @verb: enum smtp_fixup_verb, where @line is not %SMTP_CHUNK_NONE
 * @digits: digits of the size so far
 * @word: octets of the word after it so far
 * @indented: blanks stood before the verb
 * @blocked: the verb does not pass: H7
 */
struct smtp_chunk {
	u32 size;
	u8 line;
	u8 verb;
	u8 digits;
	u8 word;
	bool indented;
	bool blocked;
};

/**
 * smtp_chunk_blocked() - begin a line that may be a BDAT which does not pass
 * @k: the line; its verb is read, too
 */
static inline void smtp_chunk_blocked(struct smtp_chunk *k)
{
	k->line = SMTP_CHUNK_NAME;
	k->verb = SMTP_FIXUP_VERB_BDAT;
	k->word = 0;
	k->blocked = true;
}

/**
 * smtp_chunk_octet() - read one more octet after the verb
 * @k: the line
 * @c: the octet
 *
 * Return: false, once, when the line can't announce a chunk any more.
 */
bool smtp_chunk_octet(struct smtp_chunk *k, u8 c);

/**
 * smtp_chunk_last() - is this BDAT the message's last?
 * @k: the line, at its end
 *
 * Return: whether it is.
 */
bool smtp_chunk_last(const struct smtp_chunk *k);

#endif /* _SMTP_CORE_CHUNK_H */
