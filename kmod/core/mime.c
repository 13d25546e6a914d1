// SPDX-License-Identifier: GPL-2.0-only
/* MIME: file names. See mime.h. */
#include "find.h"
#include "mime.h"
#include "octets.h"

#define WORD(s)	{ s, sizeof(s) - 1 }

static const struct smtp_word smtp_mime_fields[] = {
	[SMTP_MIME_TYPE]	= WORD("CONTENT-TYPE"),
	[SMTP_MIME_DISPOSITION]	= WORD("CONTENT-DISPOSITION"),
};

static const struct smtp_word smtp_mime_parameters[] = {
	[SMTP_MIME_FILENAME]	= WORD("FILENAME"),
	[SMTP_MIME_PART_NAME]	= WORD("NAME"),
	[SMTP_MIME_BOUNDARY]	= WORD("BOUNDARY"),
};

enum { SMTP_MIME_MULTIPART, SMTP_MIME_MESSAGE };

static const struct smtp_word smtp_mime_types[] = {
	[SMTP_MIME_MULTIPART]	= WORD("MULTIPART/"),
	[SMTP_MIME_MESSAGE]	= WORD("MESSAGE/"),
};

static void smtp_mime_match_begin(struct smtp_mime *m, u64 candidates)
{
	m->match.candidates = candidates;
	m->match.len = 0;
}

/* FNV-1a */
static void smtp_mime_hash_begin(struct smtp_mime *m)
{
	m->hash = 2166136261U;
	m->hash_len = 0;
}

static void smtp_mime_hash_octet(struct smtp_mime *m, u8 c)
{
	if (m->hash_len == 255)
		return;
	m->hash = (m->hash ^ c) * 16777619U;
	m->hash_len++;
}

/* -- file names --------------------------------------------------------- */

/* What an encoded word of RFC 2047 adds to the name with the octet @c */
static u32 smtp_mime_word_octet(struct smtp_mime *m, u8 c)
{
	switch (m->word) {
	case SMTP_MIME_WORD_EQUALS:
		if (c == '?') {
			m->word = SMTP_MIME_WORD_CHARSET;
			m->word_len = 0;
			return 0;
		}
		if (c == '=')
			return 1;
		m->word = SMTP_MIME_NO_WORD;
		return 2;
	case SMTP_MIME_WORD_CHARSET:
	case SMTP_MIME_WORD_ENCODING:
		/* No such word is so long: RFC 2047, 2 */
		if (++m->word_len > 75 || smtp_is_blank(c)) {
			m->word = SMTP_MIME_NO_WORD;
			return 2 + m->word_len;
		}
		if (c == '?' && m->word++ == SMTP_MIME_WORD_ENCODING)
			m->word_len = 0;
		m->base64 = c == 'b' || c == 'B' || (c == '?' && m->base64);
		return 0;
	case SMTP_MIME_WORD_TEXT:
		if (c == '?') {
			m->word = SMTP_MIME_WORD_BEHIND;
			m->escape = 1;	/* its = */
			return 0;
		}
		if (m->base64) {
			if (c == '=')
				return 0;
			m->word_len = (m->word_len + 1) % 4;
			return m->word_len != 1;
		}
		m->escape = c == '=' ? 2 : 0;
		return 1;
	case SMTP_MIME_WORD_BEHIND:
		if (smtp_is_blank(c))
			return 0;
	}
	m->word = c == '=' ? SMTP_MIME_WORD_EQUALS : SMTP_MIME_NO_WORD;
	return c != '=';
}

/* One more octet of a name as it is written. Returns whether the name has
 * become too long by it.
 */
static bool smtp_mime_name_octet(struct smtp_mime *m, u8 c, u32 max)
{
	u32 len = m->name_len[m->parameter];

	if (m->quotes) {
		m->quotes -= c == '\'';
		return false;
	}
	if (m->escape) {
		m->escape--;
		return false;
	}
	if (!m->percent) {
		len += smtp_mime_word_octet(m, c);
	} else {
		m->escape = c == '%' ? 2 : 0;
		len++;
	}
	m->name_len[m->parameter] = len < 0xffff ? len : 0xffff;
	if (len <= max || m->told)
		return false;
	m->told = true;
	return true;
}

/* -- header fields ------------------------------------------------------ */

static void smtp_mime_field_begin(struct smtp_mime *m)
{
	m->token = SMTP_MIME_VALUE;
	m->comments = 0;
	m->told = false;
	m->name_len[SMTP_MIME_FILENAME] = 0;
	m->name_len[SMTP_MIME_PART_NAME] = 0;
	if (m->field != SMTP_MIME_TYPE)
		return;
	m->multipart = false;
	m->message = false;
	m->hash_len = 0;
	smtp_mime_match_begin(m, 1 << SMTP_MIME_MULTIPART | 1 << SMTP_MIME_MESSAGE);
}

static void smtp_mime_field_end(struct smtp_mime *m)
{
	bool opens = m->field == SMTP_MIME_TYPE && m->multipart && m->hash_len;

	m->field = SMTP_MIME_NO_FIELD;
	if (!opens)
		return;
	if (m->depth == SMTP_MIME_DEPTH) {
		m->too_deep = true;
		return;
	}
	m->open[m->depth].hash = m->hash;
	m->open[m->depth].len = m->hash_len;
	m->depth++;
}

/* The parameter's name has been read */
static void smtp_mime_parameter_name(struct smtp_mime *m)
{
	int word = smtp_match_word(&m->match, smtp_mime_parameters);

	m->parameter = word < 0 ? SMTP_MIME_NO_PARAMETER : word;
}

/* The parameter's equals sign has come */
static void smtp_mime_parameter_begin(struct smtp_mime *m)
{
	m->token = SMTP_MIME_BEGIN;
	m->word = SMTP_MIME_NO_WORD;
	m->escape = 0;
	m->quotes = m->percent && !m->later ? 2 : 0;
	if (m->parameter == SMTP_MIME_BOUNDARY && !m->later) {
		smtp_mime_hash_begin(m);
		smtp_mime_hash_octet(m, '-');
		smtp_mime_hash_octet(m, '-');
	} else if (m->parameter < SMTP_MIME_BOUNDARY && !m->section) {
		m->name_len[m->parameter] = 0;
	}
}

static bool smtp_mime_value_octet(struct smtp_mime *m, u8 c, u32 max)
{
	if (m->parameter == SMTP_MIME_BOUNDARY)
		smtp_mime_hash_octet(m, c);
	else if (m->parameter < SMTP_MIME_BOUNDARY)
		return smtp_mime_name_octet(m, c, max);
	return false;
}

static void smtp_mime_type_octet(struct smtp_mime *m, u8 c)
{
	int word;

	if (m->field != SMTP_MIME_TYPE || smtp_is_blank(c) ||
	    !smtp_match_byte(&m->match, smtp_mime_types, c))
		return;
	word = smtp_match_word(&m->match, smtp_mime_types);
	m->multipart |= word == SMTP_MIME_MULTIPART;
	m->message |= word == SMTP_MIME_MESSAGE;
}

/* An octet of a field's body, with which a value begins no more than goes on */
static void smtp_mime_attribute_octet(struct smtp_mime *m, u8 c)
{
	if (c == ';') {
		m->token = SMTP_MIME_NEXT;
	} else if (c == '=') {
		smtp_mime_parameter_name(m);
		smtp_mime_parameter_begin(m);
	} else if (c == '*') {
		smtp_mime_parameter_name(m);
		m->token = SMTP_MIME_SECTION;
	} else if (!smtp_is_blank(c)) {
		smtp_match_byte(&m->match, smtp_mime_parameters, c);
	}
}

static void smtp_mime_section_octet(struct smtp_mime *m, u8 c)
{
	if (c >= '0' && c <= '9') {
		m->section = true;
		m->later |= c != '0';
	} else if (c == '*') {
		m->percent = true;
	} else if (c == ';') {
		m->token = SMTP_MIME_NEXT;
	} else if (c == '=') {
		m->percent |= !m->section;
		smtp_mime_parameter_begin(m);
	}
}

/* Is the octet one of a comment? RFC 5322, 3.2.2. Many a name has parentheses
 * and no quotes.
 */
static bool smtp_mime_comment(struct smtp_mime *m, u8 c)
{
	if (m->token >= SMTP_MIME_ATOM)
		return false;
	if (c == '(' && m->comments < 255)
		m->comments++;
	else if (c == ')' && m->comments)
		m->comments--;
	else
		return m->comments;
	return true;
}

/* One more octet of a field's body. Returns whether a name became too long. */
static bool smtp_mime_field_octet(struct smtp_mime *m, u8 c, u32 max)
{
	if (c == '\r' || smtp_mime_comment(m, c))
		return false;

	switch (m->token) {
	case SMTP_MIME_VALUE:
		if (c == ';')
			m->token = SMTP_MIME_NEXT;
		else
			smtp_mime_type_octet(m, c);
		return false;
	case SMTP_MIME_NEXT:
		if (c == ';' || smtp_is_blank(c))
			return false;
		m->token = SMTP_MIME_ATTRIBUTE;
		m->section = false;
		m->later = false;
		m->percent = false;
		smtp_mime_match_begin(m, (1 << SMTP_MIME_NO_PARAMETER) - 1);
		fallthrough;
	case SMTP_MIME_ATTRIBUTE:
		smtp_mime_attribute_octet(m, c);
		return false;
	case SMTP_MIME_SECTION:
		smtp_mime_section_octet(m, c);
		return false;
	case SMTP_MIME_BEGIN:
		if (smtp_is_blank(c))
			return false;
		m->token = c == '"' ? SMTP_MIME_QUOTED : SMTP_MIME_ATOM;
		if (c == '"')
			return false;
		fallthrough;
	case SMTP_MIME_ATOM:
		if (c == ';')
			m->token = SMTP_MIME_NEXT;
		else if (!smtp_is_blank(c))
			return smtp_mime_value_octet(m, c, max);
		return false;
	case SMTP_MIME_QUOTED:
		if (c == '"' || c == '\\') {
			m->token = c == '"' ? SMTP_MIME_NEXT : SMTP_MIME_ESCAPED;
			return false;
		}
		return smtp_mime_value_octet(m, c, max);
	case SMTP_MIME_ESCAPED:
		m->token = SMTP_MIME_QUOTED;
		return smtp_mime_value_octet(m, c, max);
	}
	return false;
}

/* -- lines -------------------------------------------------------------- */

static void smtp_mime_name(struct smtp_mime *m, u8 c)
{
	int word;

	if (c == ':') {
		word = smtp_match_word(&m->match, smtp_mime_fields);
		m->field = word < 0 ? SMTP_MIME_NO_FIELD : word;
		m->line = word < 0 ? SMTP_MIME_OTHER : SMTP_MIME_BODY;
		if (word >= 0)
			smtp_mime_field_begin(m);
	} else if (!smtp_is_blank(c) && c != '\r' &&
		   !smtp_match_byte(&m->match, smtp_mime_fields, c)) {
		m->line = SMTP_MIME_OTHER;
	}
}

/* Of delimiters that begin like one another the longest counts */
static void smtp_mime_delimiter(struct smtp_mime *m, u8 c)
{
	u32 i;

	smtp_mime_hash_octet(m, c);
	for (i = 0; i < m->depth; i++) {
		if (m->open[i].len != m->hash_len || m->open[i].hash != m->hash)
			continue;
		m->found = i + 1;
		m->dashes = 0;
		return;
	}
	if (m->found && c == '-' &&
	    m->hash_len == m->open[m->found - 1].len + m->dashes + 1)
		m->dashes++;
	if (m->hash_len == SMTP_MIME_DELIMITER_MAX)
		m->line = SMTP_MIME_OTHER;
}

/* The first octet of a line; header fields go on in lines with a blank first */
static bool smtp_mime_first(struct smtp_mime *m, u8 c, u32 max)
{
	if (m->header && smtp_is_blank(c)) {
		m->line = SMTP_MIME_OTHER;
		if (m->field == SMTP_MIME_NO_FIELD)
			return false;
		m->line = SMTP_MIME_BODY;
		return smtp_mime_field_octet(m, c, max);
	}
	if (m->header)
		smtp_mime_field_end(m);
	m->found = 0;
	m->dashes = 0;
	if (c == '-' && m->depth) {
		m->line = SMTP_MIME_DELIMITER;
		smtp_mime_hash_begin(m);
		smtp_mime_delimiter(m, c);
	} else if (!m->header) {
		m->line = SMTP_MIME_OTHER;
	} else if (c == '\r') {
		m->line = SMTP_MIME_EMPTY;
	} else {
		m->line = SMTP_MIME_NAME;
		smtp_mime_match_begin(m, (1 << SMTP_MIME_NO_FIELD) - 1);
		smtp_mime_name(m, c);
	}
	return false;
}

static void smtp_mime_line_end(struct smtp_mime *m)
{
	bool empty = m->line <= SMTP_MIME_EMPTY;

	m->line = SMTP_MIME_START;
	if (m->found) {
		/* The last delimiter has two dashes behind it */
		m->header = m->dashes < 2;
		m->depth = m->header ? m->found : m->found - 1;
		m->found = 0;
	} else if (m->header && empty) {
		smtp_mime_field_end(m);
		m->header = m->message;
	} else {
		return;
	}
	m->field = SMTP_MIME_NO_FIELD;
	m->multipart = false;
	m->message = false;
}

static bool smtp_mime_octet(struct smtp_mime *m, u8 c, u32 max)
{
	if (c == '\n') {
		smtp_mime_line_end(m);
		return false;
	}
	switch (m->line) {
	case SMTP_MIME_START:
		if (c == '.') {
			m->line = SMTP_MIME_UNSTUFFED;
			return false;
		}
		fallthrough;
	case SMTP_MIME_UNSTUFFED:
		return smtp_mime_first(m, c, max);
	case SMTP_MIME_EMPTY:
		m->line = SMTP_MIME_OTHER;
		return false;
	case SMTP_MIME_NAME:
		smtp_mime_name(m, c);
		return false;
	case SMTP_MIME_BODY:
		return smtp_mime_field_octet(m, c, max);
	case SMTP_MIME_DELIMITER:
		smtp_mime_delimiter(m, c);
		return false;
	}
	return false;
}

/* Skips octets of a text up to a dash that may begin a delimiter, or all. The
 * first of them is not the first of a line. Returns how many.
 */
static u32 smtp_mime_skip(struct smtp_mime *m, const u8 *p, u32 n)
{
	struct smtp_finder dashes;
	u32 i;

	smtp_finder_begin(&dashes, p, n, '-', true);
	do {
		i = smtp_finder_next(&dashes);
		if (i && p[i - 1] == '\n')
			m->line = SMTP_MIME_START;
		else if (i > 1 && p[i - 1] == '.' && p[i - 2] == '\n')
			m->line = SMTP_MIME_UNSTUFFED;
	} while (i < n && m->line == SMTP_MIME_OTHER);
	smtp_finder_end(&dashes);
	return i;
}

u32 smtp_mime_read(struct smtp_mime *m, const u8 *p, u32 n, u32 max)
{
	u32 names = 0;
	u32 i = 0;

	while (i < n) {
		if (m->line == SMTP_MIME_OTHER && !m->header && !m->found) {
			if (!m->depth)
				break;		/* a text to its end */
			i += smtp_mime_skip(m, p + i, n - i);
			continue;
		}
		if (m->line == SMTP_MIME_OTHER) {
			i += smtp_find(p + i, n - i, '\n');
			if (i == n)
				break;
		}
		names += smtp_mime_octet(m, p[i++], max);
	}
	return names;
}

void smtp_mime_gap(struct smtp_mime *m)
{
	m->line = SMTP_MIME_OTHER;
	m->field = SMTP_MIME_NO_FIELD;
	m->header = false;
	m->multipart = false;
	m->message = false;
	m->found = 0;
}
