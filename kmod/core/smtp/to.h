/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * To: how many addresses a message's To fields have, octet by octet. RFC 5322, 3.4;
 * docs/rules.md X1.
 */
#ifndef _SMTP_CORE_TO_H
#define _SMTP_CORE_TO_H

#include "../base/host.h"

/* Where in a line of a header the next octet stands */
enum smtp_to_at {
	SMTP_TO_START,		/* the first one */
	SMTP_TO_NAME,		/* in the name of a field that may be To */
	SMTP_TO_COLON,		/* after that name */
	SMTP_TO_OTHER,		/* in a field of no interest */
	SMTP_TO_LIST,		/* in the field's list of addresses */
	SMTP_TO_QUOTED,		/* in a quoted string there */
	SMTP_TO_QUOTED_PAIR,	/* after a backslash in that */
	SMTP_TO_ANGLE,		/* between < and > there */
};

/**
 * struct smtp_to - the state of reading To fields
 * @at: enum smtp_to_at
 * @field: enum smtp_to_at of the field, which a folded line goes on with
 * @comments: parentheses that are open
 * @address: octets of an address have come since the last comma
 */
struct smtp_to {
	u8 at;
	u8 field;
	u8 comments;
	bool address;
};

/**
 * smtp_to_read() - read the next octets of a message's header
 * @to: zeroed before the first
 * @p: the octets, without stuffed dots
 * @n: how many
 *
 * Return: how many addresses have begun.
 */
u32 smtp_to_read(struct smtp_to *to, const u8 *p, u32 n);

#endif /* _SMTP_CORE_TO_H */
