/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MIME: types, encodings and file names of a message's parts, octet by octet.
 * Headers and the delimiters between parts are followed, RFC 2045, 2046 and 2183; of
 * texts, only the beginnings of their lines are looked at. docs/rules.md L, X3, X4.
 *
 * A name is as it is when decoded: RFC 2231's sections, in the order in which they
 * come, are one, its %XX and RFC 2047's encoded words the octets that they stand for.
 */
#ifndef _SMTP_CORE_MIME_H
#define _SMTP_CORE_MIME_H

#include "decode.h"
#include "../policy/policy.h"

struct smtp_parser;

#define SMTP_MIME_DEPTH		8	/* multiparts within each other, at most */
#define SMTP_MIME_DELIMITER_MAX	74	/* "--", a boundary of 70, "--": RFC 2046, 5.1.1 */

/* What the next octet of a line is */
enum smtp_mime_line {
	SMTP_MIME_START,	/* the first one */
	SMTP_MIME_UNSTUFFED,	/* the first one after a stuffed dot: RFC 5321, 4.5.2 */
	SMTP_MIME_EMPTY,	/* after a CR that was the first */
	SMTP_MIME_NAME,		/* of a field's name */
	SMTP_MIME_BODY,		/* of a field's body that matters */
	SMTP_MIME_DELIMITER,	/* of what may be a delimiter between parts */
	SMTP_MIME_OTHER,	/* of no interest */
};

/* Which field matters; also numbers of smtp_mime_fields[] */
enum smtp_mime_field {
	SMTP_MIME_TYPE,
	SMTP_MIME_ENCODING,
	SMTP_MIME_DISPOSITION,
	SMTP_MIME_NO_FIELD,
};

/* What the next octet of such a field's body is */
enum smtp_mime_token {
	SMTP_MIME_VALUE,	/* of the value before the parameters */
	SMTP_MIME_NEXT,		/* on the way to the next parameter */
	SMTP_MIME_ATTRIBUTE,	/* of a parameter's name */
	SMTP_MIME_SECTION,	/* after its asterisk: RFC 2231 */
	SMTP_MIME_BEGIN,	/* after its equals sign */
	SMTP_MIME_ATOM,		/* of its value */
	SMTP_MIME_QUOTED,	/* of its value in quotes */
	SMTP_MIME_ESCAPED,	/* after a backslash there */
};

/* Parameters that matter; also numbers of smtp_mime_parameters[] */
enum smtp_mime_parameter {
	SMTP_MIME_FILENAME,
	SMTP_MIME_PART_NAME,
	SMTP_MIME_BOUNDARY,
	SMTP_MIME_NO_PARAMETER,
};

/**
 * struct smtp_mime_delimiter - a multipart that is open
 * @hash: of its boundary
 * @len: of its boundary, octets; both with the "--" before it
 *
 * A sender who finds another boundary with the same hash and length deceives nobody
 * but this reader, and may as well end the part.
 */
struct smtp_mime_delimiter {
	u32 hash;
	u8 len;
} __packed;

/**
 * struct smtp_mime - where in a message the next octet stands
 * @match: the word being read
 * @open: multiparts that are open, the outermost first
 * @lens: bit i: the boundary of one of @open has i octets, modulo 64
 * @hash: of the boundary, or the delimiter, being read
 * @work: octets of headers that were looked at one by one, since the caller cleared it
 * @value: type or encoding
 * @name: the names, by enum smtp_mime_parameter
 * @hash_len: octets in @hash
 * @depth: how many of @open
 * @line: enum smtp_mime_line
 * @field: enum smtp_mime_field, of the header
 * @token: enum smtp_mime_token
 * @parameter: enum smtp_mime_parameter
 * @quotes: apostrophes to come before the name: RFC 2231, 4
 * @names: bit mask of enum smtp_mime_parameter: those that the field has
 * @comments: parentheses that are open
 * @found: the delimiter that the line has been found to be, from 1
 * @dashes: after that
 * @header: the line is one of a header
 * @multipart: by its type, parts follow this header
 * @message: by its type, another header does
 * @percent: the value is in RFC 2231's encoding
 * @section: the parameter has a section number: RFC 2231, 3
 * @later: the section number is not 0
 * @told: the names of this field have been found too long
 * @too_deep: there was no room in @open
 * @dash: a dash may be among the octets to come, as far as the caller can tell
 */
struct smtp_mime {
	struct smtp_match match;
	struct smtp_mime_delimiter open[SMTP_MIME_DEPTH];
	u64 lens;
	u32 hash;
	u32 work;
	struct smtp_text value;
	struct smtp_decoder name[2];
	u8 hash_len;
	u8 depth;
	u8 line;
	u8 field;
	u8 token;
	u8 parameter;
	u8 quotes;
	u8 names;
	u8 comments;
	u8 found;
	u8 dashes;
	bool header;
	bool multipart;
	bool message;
	bool percent;
	bool section;
	bool later;
	bool told;
	bool too_deep;
	bool dash;
};

/**
 * smtp_mime_read() - read the next octets of a message
 * @m: zeroed before the first, but for @header, and @field, which is none
 * @ps: the parser; may end the connection
 * @p: the octets
 * @n: how many
 */
void smtp_mime_read(struct smtp_mime *m, struct smtp_parser *ps, const u8 *p, u32 n);

/**
 * smtp_mime_gap() - the octets to come follow others that were not read
 * @m: the message
 */
void smtp_mime_gap(struct smtp_mime *m);

#endif /* _SMTP_CORE_MIME_H */
