/* SPDX-License-Identifier: GPL-2.0-only */
/* Octets: line ends, blanks, and overwriting; for commands and replies alike. */
#ifndef _SMTP_CORE_OCTETS_H
#define _SMTP_CORE_OCTETS_H

#include "../base/host.h"

static inline bool smtp_is_eol(u8 c)
{
	return c == '\r' || c == '\n';
}

/* May an octet after a line's only dot make some server take it for the end of
 * data? A server that reads C strings does so at a NUL: D4.
 */
static inline bool smtp_ends_dot(u8 c)
{
	return smtp_is_eol(c) || !c;
}

static inline bool smtp_is_blank(u8 c)
{
	return c == ' ' || c == '\t';
}

/* Overwrites n bytes with c; returns how many of them changed */
static inline u32 smtp_fill(u8 *p, u32 n, u8 c)
{
	u32 changed = 0;

	for (; n; n--, p++) {
		changed += *p != c;
		*p = c;
	}
	return changed;
}

/* Bytes from @c to the end of its line, or of the buffer */
static inline u32 smtp_line_rest(const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < n && !smtp_is_eol(c[i]); i++)
		;
	return i;
}

#endif /* _SMTP_CORE_OCTETS_H */
