// SPDX-License-Identifier: GPL-2.0-only
/* Matches. See matches.h. */
#include <stdio.h>
#include <stdlib.h>

#include "matches.h"

#define TEXT_MAX	30

struct table {
	u8 octets[SMTP_AUTOMATON_HEAD + (TEXT_MAX + 1) * (5 + 3 * (TEXT_MAX + 1))];
	u32 n;
};

static void put_u8(struct table *t, u8 value)
{
	t->octets[t->n++] = value;
}

static void put_u16(struct table *t, u32 value)
{
	put_u8(t, value);
	put_u8(t, value >> 8);
}

/* How much of the text has come, when @c comes behind its first @have octets */
static u32 goes_on(const char *text, u32 have, u8 c)
{
	u32 n = have + 1;

	for (; n; n--)
		if ((u8)text[n - 1] == c &&
		    !memcmp(text, text + have - (n - 1), n - 1))
			break;
	return n;
}

/* State n: n octets of the text have come; the last one is for good (Knuth, Morris
 * and Pratt)
 */
static void put_table(struct table *t, const char *text, u8 verdict)
{
	u32 len = strlen(text), classes = 1, state, c;
	u8 class[256] = { 0 }, octet[256];

	for (c = 0; c < len; c++) {
		u8 *k = &class[(u8)text[c]];

		if (!*k) {
			octet[classes] = text[c];
			*k = classes++;
		}
	}
	t->n = 0;
	put_u16(t, len + 1);
	put_u16(t, classes);
	memcpy(t->octets + t->n, class, sizeof(class));
	t->n += sizeof(class);
	for (state = 0; state <= len; state++) {
		put_u8(t, state == len ? verdict : 0);
		put_u16(t, state);
		put_u16(t, classes);
		for (c = 0; c < classes; c++) {
			u32 to = c ? goes_on(text, state, octet[c]) : 0;

			put_u8(t, c);
			put_u16(t, state == len ? len : to);
		}
	}
}

const struct smtp_criteria *matches_make(u32 set, const char *text, u8 action)
{
	static struct table tables[__SMTP_FIXUP_WHAT_MAX];
	struct smtp_match_spec match[__SMTP_FIXUP_WHAT_MAX] = { 0 };
	struct smtp_criteria_spec spec = { .match = match };
	struct smtp_criteria *made;
	const char *why;
	u32 what, size;

	for (what = 0; what < __SMTP_FIXUP_WHAT_MAX; what++) {
		if (!(set >> what & 1))
			continue;
		spec.match[spec.nr].what = what;
		spec.match[spec.nr].action = action;
		spec.match[spec.nr].patterns = text;
		spec.match[spec.nr].len = strlen(text);
		put_table(&tables[what], text, ++spec.nr);
		spec.table[what].octets = tables[what].octets;
		spec.table[what].n = tables[what].n;
	}
	why = smtp_criteria_measure(&spec, true, &size);
	if (!why) {
		made = malloc(size);
		why = smtp_criteria_make(made, &spec, size);
	}
	if (why) {
		fprintf(stderr, "matches: %s\n", why);
		exit(1);
	}
	return made;
}
