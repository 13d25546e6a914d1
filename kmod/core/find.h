/* SPDX-License-Identifier: GPL-2.0-only */
/* Find: the next octet of a value. */
#ifndef _SMTP_CORE_FIND_H
#define _SMTP_CORE_FIND_H

#include "host.h"

#define SMTP_ONES	0x0101010101010101ULL

/* One load: memcpy() by that name is a call in a kernel built without its like
 * of string.h for the compiler, user-mode Linux for one.
 */
static __always_inline u64 smtp_word_at(const u8 *p)
{
	u64 w;

	__builtin_memcpy(&w, p, sizeof(w));
	return w;
}

/* Has the top bit of an octet set where the word at @p has the first of @c, and
 * no bit where it has none.
 */
static __always_inline u64 smtp_word_has(const u8 *p, u64 c)
{
	u64 w = smtp_word_at(p) ^ c;

	return (w - SMTP_ONES) & ~w & (0x80 * SMTP_ONES);
}

/* Has the top bit of an octet set where the word at @p has one of @c, all of
 * its octets alike, and wherever it has one that is not ASCII.
 */
static __always_inline u64 smtp_word_maybe(const u8 *p, u64 c)
{
	return (smtp_word_at(p) ^ c) - SMTP_ONES;
}

/**
 * smtp_find() - where is the next such octet?
 * @p: octets
 * @n: how many
 * @c: its value, ASCII
 *
 * Eight words at a time, and first as if all were ASCII: bodies are almost all
 * bytes of mail, and dots are rare in them. Not memchr(): the kernel's goes
 * octet by octet.
 *
 * Return: its place, or @n.
 */
static inline u32 smtp_find(const u8 *p, u32 n, u8 c)
{
	const u64 all = c * SMTP_ONES;
	u32 i = 0;

	for (; n - i >= 64; i += 64) {
		const u8 *q = p + i;
		u64 maybe;

		maybe = smtp_word_maybe(q, all) | smtp_word_maybe(q + 8, all) |
			smtp_word_maybe(q + 16, all) |
			smtp_word_maybe(q + 24, all) |
			smtp_word_maybe(q + 32, all) |
			smtp_word_maybe(q + 40, all) |
			smtp_word_maybe(q + 48, all) |
			smtp_word_maybe(q + 56, all);
		if (!(maybe & (0x80 * SMTP_ONES)))
			continue;
		while (q < p + i + 64 && !smtp_word_has(q, all))
			q += 8;
		if (q < p + i + 64) {
			i = q - p;
			break;
		}
	}
	while (n - i >= 8 && !smtp_word_has(p + i, all))
		i += 8;
	while (i < n && p[i] != c)
		i++;
	return i;
}

/**
 * smtp_find_last() - what follows the last such octet?
 * @p: octets
 * @n: how many
 * @c: its value
 *
 * Return: the place behind it, or 0: there is none.
 */
static inline u32 smtp_find_last(const u8 *p, u32 n, u8 c)
{
	while (n >= 8 && !smtp_word_has(p + n - 8, c * SMTP_ONES))
		n -= 8;
	while (n && p[n - 1] != c)
		n--;
	return n;
}

#endif /* _SMTP_CORE_FIND_H */
