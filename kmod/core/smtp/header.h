/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header: reads the fields of a message's header, octet by octet, for matches. These see
 * "Name: value", decoded, with folded lines joined and each run of blanks as one. RFC
 * 5322, 2.2; docs/rules.md X3, X9.
 */
#ifndef _SMTP_CORE_HEADER_H
#define _SMTP_CORE_HEADER_H

#include "decode.h"

struct smtp_parser;

/* Where in a line of a header the next octet stands */
enum smtp_header_at {
	SMTP_HEADER_START,	/* the first one */
	SMTP_HEADER_NAME,
	SMTP_HEADER_COLON,	/* after a name and a blank */
	SMTP_HEADER_OTHER,	/* in what no match acts on */
	SMTP_HEADER_BEFORE,	/* before a field's value */
	SMTP_HEADER_VALUE,
};

/**
 * struct smtp_header - how far a header has been read
 * @field: the field
 * @at: enum smtp_header_at
 * @open: enum smtp_header_at of the field, which a folded line goes on with
 * @blank: blanks have come since the last other octet
 */
struct smtp_header {
	struct smtp_decoder field;
	u8 at;
	u8 open;
	bool blank;
};

/**
 * smtp_header_read() - read the next octets of a message's header
 * @h: zeroed before the first
 * @ps: the parser; may end the connection
 * @p: the octets, without stuffed dots
 * @n: how many
 */
void smtp_header_read(struct smtp_header *h, struct smtp_parser *ps, const u8 *p, u32 n);

#endif /* _SMTP_CORE_HEADER_H */
