// SPDX-License-Identifier: GPL-2.0-only
/* To fields. See to.h. */
#include "../scan/find.h"
#include "../scan/octets.h"
#include "to.h"

/* Reads an octet of the list itself. Returns whether an address begins with it. */
static u32 smtp_to_list(struct smtp_to *to, u8 c)
{
	bool begins = !to->address;

	switch (c) {
	case '\r':
	case ' ':
	case '\t':
		return 0;
	case ',':
	case ';':	/* the end of a group */
		to->address = false;
		return 0;
	case '"':
		to->at = SMTP_TO_QUOTED;
		break;
	case '<':
		to->at = SMTP_TO_ANGLE;
		break;
	case ':':
		/* What came before was the name of a group. It has been counted as an
		 * address, and stands for the group's first one. An empty group counts
		 * one too many.
		 */
		return 0;
	}
	to->address = true;
	return begins;
}

/* Reads an octet of the field's body. Returns whether an address begins with it. */
static u32 smtp_to_body(struct smtp_to *to, u8 c)
{
	switch (to->at) {
	case SMTP_TO_QUOTED:
		if (c == '"')
			to->at = SMTP_TO_LIST;
		else if (c == '\\')
			to->at = SMTP_TO_QUOTED_PAIR;
		return 0;
	case SMTP_TO_QUOTED_PAIR:
		to->at = SMTP_TO_QUOTED;
		return 0;
	case SMTP_TO_ANGLE:
		if (c == '>')
			to->at = SMTP_TO_LIST;
		return 0;
	}
	if (c == '(' && to->comments < 255)
		to->comments++;
	else if (c == ')' && to->comments)
		to->comments--;
	else if (!to->comments)
		return smtp_to_list(to, c);
	return 0;
}

/* The first octet of a line, or of its name */
static void smtp_to_name(struct smtp_to *to, u8 c)
{
	static const u8 word[] = { 'T', 'O' };
	u32 i = to->at - SMTP_TO_START;

	if (i < sizeof(word) && (c & ~0x20) == word[i])
		to->at++;
	else if (to->at == SMTP_TO_COLON && smtp_is_blank(c))
		return;
	else if (to->at == SMTP_TO_COLON && c == ':')
		*to = (struct smtp_to){ .at = SMTP_TO_LIST };
	else
		to->at = SMTP_TO_OTHER;
}

u32 smtp_to_read(struct smtp_to *to, const u8 *p, u32 n)
{
	u32 count = 0, i = 0;

	while (i < n) {
		if (to->at == SMTP_TO_OTHER) {
			i += smtp_find(p + i, n - i, '\n');
			if (i == n)
				break;
		}
		if (p[i] == '\n') {
			to->field = to->at;
			to->at = SMTP_TO_START;
		} else if (to->at == SMTP_TO_START && smtp_is_blank(p[i])) {
			to->at = to->field < SMTP_TO_OTHER ? SMTP_TO_OTHER : to->field;
		} else if (to->at <= SMTP_TO_COLON) {
			smtp_to_name(to, p[i]);
		} else {
			count += smtp_to_body(to, p[i]);
		}
		i++;
	}
	return count;
}
