/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of replies that are whole: RFC 5321, 4.2. */
#ifndef _SMTP_CORE_REPLY_LINE_H
#define _SMTP_CORE_REPLY_LINE_H

#include "../base/host.h"

/* Does the line at @c, @n octets with its LF, begin with a code? */
static inline bool smtp_is_reply_line(const u8 *c, u32 n)
{
	u32 i;

	for (i = 0; i < 3 && i < n && c[i] >= '0' && c[i] <= '9'; i++)
		;
	return i == 3;
}

/* Octets of the line at @c, its LF included */
static inline u32 smtp_line_octets(const u8 *c, u32 n)
{
	return (const u8 *)memchr(c, '\n', n) + 1 - c;
}

#endif /* _SMTP_CORE_REPLY_LINE_H */
