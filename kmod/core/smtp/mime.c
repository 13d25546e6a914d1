// SPDX-License-Identifier: GPL-2.0-only
/* MIME. See mime.h. */
#include "../match/criteria.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "limits.h"
#include "mime.h"
#include "parser.h"
#include "value.h"

#define WORD(s)	{ s, sizeof(s) - 1 }

static const struct smtp_word smtp_mime_fields[] = {
	[SMTP_MIME_TYPE]	= WORD("CONTENT-TYPE"),
	[SMTP_MIME_ENCODING]	= WORD("CONTENT-TRANSFER-ENCODING"),
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
static u32 smtp_mime_hash(u32 hash, u8 c)
{
	return (hash ^ c) * 16777619U;
}

static void smtp_mime_hash_begin(struct smtp_mime *m)
{
	m->hash = 2166136261U;
	m->hash_len = 0;
}

/* Of fewer than 255 octets */
static void smtp_mime_hash_next(struct smtp_mime *m, u8 c)
{
	m->hash = smtp_mime_hash(m->hash, c);
	m->hash_len++;
}

static void smtp_mime_hash_octet(struct smtp_mime *m, u8 c)
{
	if (m->hash_len < 255)
		smtp_mime_hash_next(m, c);
}

/* -- file names --------------------------------------------------------- */

static const struct smtp_automaton *smtp_mime_name_table(const struct smtp_parser *ps)
{
	return smtp_criteria_table(ps->policy->criteria, SMTP_FIXUP_WHAT_MIME_FILENAME);
}

/* One more octet of a name as it is written */
static void smtp_mime_name_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	struct smtp_decoder *name = &m->name[m->parameter];

	if (m->quotes) {
		m->quotes -= c == '\'';
		return;
	}
	if (m->percent)
		smtp_decode_percent(name, smtp_mime_name_table(ps), c);
	else
		smtp_decode_words(name, smtp_mime_name_table(ps), c);
	if (m->told || smtp_parser_over(ps) ||
	    name->text.len <= ps->policy->limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].max)
		return;
	m->told = true;
	smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_MIME_FILENAME);
}

/* A name is whole, if there is one */
static void smtp_mime_name_end(struct smtp_mime *m, struct smtp_parser *ps, u8 parameter)
{
	struct smtp_text name;

	if (!(m->names & 1 << parameter))
		return;
	name = smtp_decode_end(&m->name[parameter], smtp_mime_name_table(ps));
	smtp_match_message(ps, SMTP_FIXUP_WHAT_MIME_FILENAME, name.state);
	m->names &= ~(1 << parameter);
	memset(&m->name[parameter], 0, sizeof(m->name[parameter]));
}

/* What begins is a section of a name, or another one */
static void smtp_mime_name_begin(struct smtp_mime *m, struct smtp_parser *ps)
{
	if (m->section)
		smtp_decode_end(&m->name[m->parameter], smtp_mime_name_table(ps));
	else
		smtp_mime_name_end(m, ps, m->parameter);
	m->names |= 1 << m->parameter;
}

/* -- header fields ------------------------------------------------------ */

static void smtp_mime_field_begin(struct smtp_mime *m)
{
	m->token = SMTP_MIME_VALUE;
	m->comments = 0;
	m->told = false;
	memset(&m->value, 0, sizeof(m->value));
	if (m->field != SMTP_MIME_TYPE)
		return;
	m->multipart = false;
	m->message = false;
	m->hash_len = 0;
	smtp_mime_match_begin(m, 1 << SMTP_MIME_MULTIPART | 1 << SMTP_MIME_MESSAGE);
}

static u64 smtp_mime_len_bit(u8 len)
{
	return 1ULL << (len % 64);
}

/* What looks at the field's value; without a table where nothing does */
static u8 smtp_mime_what(const struct smtp_mime *m)
{
	return m->field == SMTP_MIME_TYPE ? SMTP_FIXUP_WHAT_MIME_TYPE :
					    SMTP_FIXUP_WHAT_MIME_ENCODING;
}

/* The value before the parameters is whole */
static void smtp_mime_value_end(struct smtp_mime *m, struct smtp_parser *ps)
{
	if (m->field != SMTP_MIME_DISPOSITION)
		smtp_match_message(ps, smtp_mime_what(m), m->value.state);
	m->token = SMTP_MIME_NEXT;
}

/* A field of interest is whole */
static noinline void smtp_mime_field_end(struct smtp_mime *m, struct smtp_parser *ps)
{
	bool opens = m->field == SMTP_MIME_TYPE && m->multipart && m->hash_len;

	if (m->token == SMTP_MIME_VALUE)
		smtp_mime_value_end(m, ps);
	if (m->names) {
		smtp_mime_name_end(m, ps, SMTP_MIME_FILENAME);
		smtp_mime_name_end(m, ps, SMTP_MIME_PART_NAME);
	}
	m->field = SMTP_MIME_NO_FIELD;
	if (!opens)
		return;
	if (m->depth == SMTP_MIME_DEPTH) {
		m->too_deep = true;
		return;
	}
	m->open[m->depth].hash = m->hash;
	m->open[m->depth].len = m->hash_len;
	m->lens |= smtp_mime_len_bit(m->hash_len);
	m->depth++;
}

/* The parameter's name has been read */
static void smtp_mime_parameter_name(struct smtp_mime *m)
{
	int word = smtp_match_word(&m->match, smtp_mime_parameters);

	m->parameter = word < 0 ? SMTP_MIME_NO_PARAMETER : word;
}

/* The parameter's equals sign has come */
static void smtp_mime_parameter_begin(struct smtp_mime *m, struct smtp_parser *ps)
{
	m->token = SMTP_MIME_BEGIN;
	m->quotes = m->percent && !m->later ? 2 : 0;
	if (m->parameter == SMTP_MIME_BOUNDARY && !m->later) {
		smtp_mime_hash_begin(m);
		smtp_mime_hash_octet(m, '-');
		smtp_mime_hash_octet(m, '-');
	} else if (m->parameter < SMTP_MIME_BOUNDARY) {
		smtp_mime_name_begin(m, ps);
	}
}

static void smtp_mime_value_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	if (m->parameter == SMTP_MIME_BOUNDARY)
		smtp_mime_hash_octet(m, c);
	else if (m->parameter < SMTP_MIME_BOUNDARY)
		smtp_mime_name_octet(m, ps, c);
}

/* An octet of a type, an encoding or a disposition */
static void smtp_mime_type_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	int word;

	if (smtp_is_blank(c) || m->field == SMTP_MIME_DISPOSITION)
		return;
	if (unlikely(ps->policy->criteria))
		smtp_text_add(smtp_criteria_table(ps->policy->criteria, smtp_mime_what(m)),
			      &m->value, c);
	if (m->field != SMTP_MIME_TYPE || !m->match.candidates ||
	    !smtp_match_byte(&m->match, smtp_mime_types, c))
		return;
	word = smtp_match_word(&m->match, smtp_mime_types);
	m->multipart |= word == SMTP_MIME_MULTIPART;
	m->message |= word == SMTP_MIME_MESSAGE;
}

/* An octet of a field's body, with which a value begins no more than goes on */
static void smtp_mime_attribute_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	if (c == ';') {
		m->token = SMTP_MIME_NEXT;
	} else if (c == '=') {
		smtp_mime_parameter_name(m);
		smtp_mime_parameter_begin(m, ps);
	} else if (c == '*') {
		smtp_mime_parameter_name(m);
		m->token = SMTP_MIME_SECTION;
	} else if (!smtp_is_blank(c) && m->match.candidates) {
		smtp_match_byte(&m->match, smtp_mime_parameters, c);
	}
}

static void smtp_mime_section_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
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
		smtp_mime_parameter_begin(m, ps);
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

/* One more octet of a field's body */
static __always_inline void smtp_mime_field_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	if (c == '\r' || smtp_mime_comment(m, c))
		return;

	switch (m->token) {
	case SMTP_MIME_VALUE:
		if (c == ';')
			smtp_mime_value_end(m, ps);
		else
			smtp_mime_type_octet(m, ps, c);
		return;
	case SMTP_MIME_NEXT:
		/* An encoding has no parameters */
		if (c == ';' || smtp_is_blank(c) || m->field == SMTP_MIME_ENCODING)
			return;
		m->token = SMTP_MIME_ATTRIBUTE;
		m->section = false;
		m->later = false;
		m->percent = false;
		smtp_mime_match_begin(m, (1 << SMTP_MIME_NO_PARAMETER) - 1);
		fallthrough;
	case SMTP_MIME_ATTRIBUTE:
		smtp_mime_attribute_octet(m, ps, c);
		return;
	case SMTP_MIME_SECTION:
		smtp_mime_section_octet(m, ps, c);
		return;
	case SMTP_MIME_BEGIN:
		if (smtp_is_blank(c))
			return;
		m->token = c == '"' ? SMTP_MIME_QUOTED : SMTP_MIME_ATOM;
		if (c == '"')
			return;
		fallthrough;
	case SMTP_MIME_ATOM:
		if (c == ';')
			m->token = SMTP_MIME_NEXT;
		else if (!smtp_is_blank(c))
			smtp_mime_value_octet(m, ps, c);
		return;
	case SMTP_MIME_QUOTED:
		if (c == '"' || c == '\\') {
			m->token = c == '"' ? SMTP_MIME_NEXT : SMTP_MIME_ESCAPED;
			return;
		}
		smtp_mime_value_octet(m, ps, c);
		return;
	case SMTP_MIME_ESCAPED:
		m->token = SMTP_MIME_QUOTED;
		smtp_mime_value_octet(m, ps, c);
		return;
	}
}

/* Octets that smtp_mime_field_octet() takes for more than one of a word */
static const bool smtp_mime_special[256] = {
	['\t'] = true, ['\n'] = true, ['\r'] = true, [' '] = true, ['"'] = true,
	['('] = true, [')'] = true, ['*'] = true, [';'] = true, ['='] = true,
	['\\'] = true,
};

/* Octets of a field's body that are of no interest, or no more than hashed. Returns how
 * many; smtp_mime_field_octet() for each would do the same.
 */
static u32 smtp_mime_field_skip(struct smtp_mime *m, const struct smtp_parser *ps,
				const u8 *p, u32 n)
{
	bool hashes = false;
	u32 i;

	switch (m->token) {
	case SMTP_MIME_VALUE:
		if (ps->policy->criteria || (m->field == SMTP_MIME_TYPE && m->match.candidates))
			return 0;
		break;
	case SMTP_MIME_ATTRIBUTE:
		if (m->match.candidates)
			return 0;
		break;
	case SMTP_MIME_ATOM:
	case SMTP_MIME_QUOTED:
		if (m->parameter < SMTP_MIME_BOUNDARY)
			return 0;
		hashes = m->parameter == SMTP_MIME_BOUNDARY;
		break;
	default:
		return 0;
	}
	for (i = 0; i < n && !smtp_mime_special[p[i]]; i++)
		if (hashes)
			smtp_mime_hash_octet(m, p[i]);
	return i;
}

/* Octets of a field's body, up to the end of the line. Returns how many. */
static u32 smtp_mime_field_run(struct smtp_mime *m, struct smtp_parser *ps,
			       const u8 *p, u32 n)
{
	u32 i = 0;

	while (i < n && p[i] != '\n') {
		u32 skip = smtp_mime_field_skip(m, ps, p + i, n - i);

		if (!skip)
			smtp_mime_field_octet(m, ps, p[i++]);
		i += skip;
	}
	return i;
}

/* -- lines -------------------------------------------------------------- */

/* Encodings are of interest only to matches */
static u64 smtp_mime_names(const struct smtp_parser *ps)
{
	if (smtp_criteria_has(ps->policy->criteria, SMTP_FIXUP_WHAT_MIME_ENCODING))
		return (1 << SMTP_MIME_NO_FIELD) - 1;
	return 1 << SMTP_MIME_TYPE | 1 << SMTP_MIME_DISPOSITION;
}

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

/* All names that matter begin alike, so one stands for all of them until there */
#define SMTP_MIME_PREFIX	"CONTENT-"
#define SMTP_MIME_PREFIX_LEN	(sizeof(SMTP_MIME_PREFIX) - 1)

/* Octets of a field's name. Returns how many. */
static u32 smtp_mime_name_run(struct smtp_mime *m, const struct smtp_parser *ps,
			      const u8 *p, u32 n)
{
	u32 i = 0;

	while (i < n && p[i] != '\n' && m->line == SMTP_MIME_NAME) {
		u32 most = n - i;

		if (m->match.len == SMTP_MIME_PREFIX_LEN)
			m->match.candidates = smtp_mime_names(ps);
		else if (m->match.len < SMTP_MIME_PREFIX_LEN &&
			 most > SMTP_MIME_PREFIX_LEN - m->match.len)
			most = SMTP_MIME_PREFIX_LEN - m->match.len;
		most = smtp_match_run(&m->match, smtp_mime_fields, p + i, most);
		if (!most)
			smtp_mime_name(m, p[i++]);
		i += most;
	}
	return i;
}

/* Of delimiters that begin alike the longest counts */
static void smtp_mime_delimiter(struct smtp_mime *m, u8 c)
{
	u32 i;

	smtp_mime_hash_next(m, c);
	for (i = 0; m->lens & smtp_mime_len_bit(m->hash_len) && i < m->depth; i++) {
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

static void smtp_mime_delimiter_begin(struct smtp_mime *m)
{
	m->line = SMTP_MIME_DELIMITER;
	smtp_mime_hash_begin(m);
}

/* May this be the beginning of a delimiter? That has two dashes first */
static bool smtp_mime_dashes(const u8 *p, u32 n)
{
	return p[0] == '-' && (n == 1 || p[1] == '-');
}

/* A line begins with these octets, in a part that is no header */
static void smtp_mime_part_line(struct smtp_mime *m, const u8 *p, u32 n)
{
	m->dashes = 0;
	m->line = SMTP_MIME_OTHER;
	if (smtp_mime_dashes(p, n))
		smtp_mime_delimiter_begin(m);
}

/* How many more octets may what is read have, and be shorter than all delimiters that are
 * longer than it? There is a multipart open.
 */
static u32 smtp_mime_shorter(const struct smtp_mime *m)
{
	u32 next = (m->hash_len + 1) % 64;
	u64 lens = m->lens >> next | m->lens << (-next % 64);
	u32 most = SMTP_MIME_DELIMITER_MAX - 1 - m->hash_len;
	u32 n = __builtin_ctzll(lens);

	return n < most ? n : most;
}

/* Octets of what may be a delimiter, as far as it can't be one. Returns how many. */
static u32 smtp_mime_hash_run(struct smtp_mime *m, const u8 *p, u32 n)
{
	u32 most = smtp_mime_shorter(m);
	u32 hash = m->hash, i;

	if (n > most)
		n = most;
	for (i = 0; i < n && p[i] != '\n'; i++)
		hash = smtp_mime_hash(hash, p[i]);
	m->hash = hash;
	m->hash_len += i;
	return i;
}

/* Octets of what may be a delimiter. Returns how many. */
static u32 smtp_mime_delimiters(struct smtp_mime *m, const u8 *p, u32 n)
{
	u32 i = 0;

	while (i < n && p[i] != '\n' && m->line == SMTP_MIME_DELIMITER) {
		u32 run = m->found ? 0 : smtp_mime_hash_run(m, p + i, n - i);

		if (!run)
			smtp_mime_delimiter(m, p[i++]);
		i += run;
	}
	return i;
}

/* The first octet of a line; header fields go on in lines with a blank first */
static void smtp_mime_first(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	if (m->header && smtp_is_blank(c)) {
		m->line = SMTP_MIME_OTHER;
		if (m->field == SMTP_MIME_NO_FIELD)
			return;
		m->line = SMTP_MIME_BODY;
		smtp_mime_field_run(m, ps, &c, 1);
		return;
	}
	if (m->header && m->field != SMTP_MIME_NO_FIELD)
		smtp_mime_field_end(m, ps);
	m->found = 0;
	m->dashes = 0;
	if (c == '-' && m->depth) {
		smtp_mime_delimiter_begin(m);
		smtp_mime_delimiter(m, c);
	} else if (!m->header) {
		m->line = SMTP_MIME_OTHER;
	} else if (c == '\r') {
		m->line = SMTP_MIME_EMPTY;
	} else if ((c & ~0x20) != SMTP_MIME_PREFIX[0]) {
		m->line = SMTP_MIME_OTHER;
	} else {
		m->line = SMTP_MIME_NAME;
		smtp_mime_match_begin(m, 1 << SMTP_MIME_TYPE);
		m->match.len = 1;
	}
}

/* Parts end */
static void smtp_mime_close(struct smtp_mime *m, u8 depth)
{
	u32 i;

	if (depth == m->depth)
		return;
	m->depth = depth;
	m->lens = 0;
	for (i = 0; i < depth; i++)
		m->lens |= smtp_mime_len_bit(m->open[i].len);
}

static void smtp_mime_line_end(struct smtp_mime *m, struct smtp_parser *ps)
{
	bool empty = m->line <= SMTP_MIME_EMPTY;

	m->line = SMTP_MIME_START;
	if (m->found) {
		/* The last delimiter has two dashes after it */
		m->header = m->dashes < 2;
		smtp_mime_close(m, m->header ? m->found : m->found - 1);
		m->found = 0;
	} else if (m->header && empty) {
		if (m->field != SMTP_MIME_NO_FIELD)
			smtp_mime_field_end(m, ps);
		m->header = m->message;
	} else {
		return;
	}
	m->field = SMTP_MIME_NO_FIELD;
	m->multipart = false;
	m->message = false;
}

static void smtp_mime_octet(struct smtp_mime *m, struct smtp_parser *ps, u8 c)
{
	if (c == '\n') {
		smtp_mime_line_end(m, ps);
		return;
	}
	switch (m->line) {
	case SMTP_MIME_START:
		if (c == '.') {
			m->line = SMTP_MIME_UNSTUFFED;
			return;
		}
		fallthrough;
	case SMTP_MIME_UNSTUFFED:
		smtp_mime_first(m, ps, c);
		return;
	case SMTP_MIME_EMPTY:
		m->line = SMTP_MIME_OTHER;
		return;
	}
}

/* The place @i after the first of the octets at @p has been reached: does a line begin
 * there?
 */
static void smtp_mime_skipped(struct smtp_mime *m, const u8 *p, u32 i)
{
	if (i && p[i - 1] == '\n')
		m->line = SMTP_MIME_START;
	else if (i > 1 && p[i - 1] == '.' && p[i - 2] == '\n')
		m->line = SMTP_MIME_UNSTUFFED;
}

/* Skips octets of a text up to a dash that may begin a delimiter, or all. The
 * first of them is not the first of a line. Returns how many.
 */
static noinline u32 smtp_mime_skip(struct smtp_mime *m, const u8 *p, u32 n)
{
	struct smtp_finder dashes;
	u32 i;

	smtp_finder_begin(&dashes, p, n, '-', true);
	do {
		i = smtp_finder_next(&dashes);
		if (i < n && !smtp_mime_dashes(p + i, n - i))
			continue;
		smtp_mime_skipped(m, p, i);
	} while (i < n && m->line == SMTP_MIME_OTHER);
	smtp_finder_end(&dashes);
	return i;
}

/* Octets of a line of a header, up to its end or to what is of another kind. Returns
 * how many.
 */
static u32 smtp_mime_header_run(struct smtp_mime *m, struct smtp_parser *ps,
				const u8 *p, u32 n)
{
	u32 run = 0;

	if (m->line == SMTP_MIME_NAME)
		run = smtp_mime_name_run(m, ps, p, n);
	if (m->line == SMTP_MIME_BODY)
		run += smtp_mime_field_run(m, ps, p + run, n - run);
	m->work += run;
	return run;
}

/* smtp_mime_read() of what is more than a text without dashes */
static noinline void smtp_mime_read_lines(struct smtp_mime *m, struct smtp_parser *ps,
					  const u8 *p, u32 n)
{
	u32 i = 0;

	while (i < n) {
		if (!m->header && !m->found) {
			if (!m->depth)
				break;		/* a text to its end */
			if (m->line == SMTP_MIME_START && p[i] != '.')
				smtp_mime_part_line(m, p + i, n - i);
			if (m->line == SMTP_MIME_OTHER) {
				i += smtp_mime_skip(m, p + i, n - i);
				continue;
			}
		} else if (m->line == SMTP_MIME_NAME || m->line == SMTP_MIME_BODY) {
			i += smtp_mime_header_run(m, ps, p + i, n - i);
		}
		if (m->line == SMTP_MIME_OTHER) {
			i += smtp_find(p + i, n - i, '\n');
		} else if (m->line == SMTP_MIME_DELIMITER) {
			i += smtp_mime_delimiters(m, p + i, n - i);
			if (i < n && !m->found && m->line == SMTP_MIME_DELIMITER) {
				m->line = SMTP_MIME_START;
				i++;
				continue;
			}
		}
		if (i == n)
			break;
		m->work += m->header;
		smtp_mime_octet(m, ps, p[i++]);
	}
}

void smtp_mime_read(struct smtp_mime *m, struct smtp_parser *ps, const u8 *p, u32 n)
{
	if (m->header || m->found || (m->depth && (m->dash || m->line != SMTP_MIME_OTHER)))
		smtp_mime_read_lines(m, ps, p, n);
	else if (m->depth)
		smtp_mime_skipped(m, p, n);
}

void smtp_mime_gap(struct smtp_mime *m)
{
	m->line = SMTP_MIME_OTHER;
	m->field = SMTP_MIME_NO_FIELD;
	m->header = false;
	m->multipart = false;
	m->message = false;
	m->found = 0;
	m->names = 0;
	memset(m->name, 0, sizeof(m->name));
}
