/* SPDX-License-Identifier: GPL-2.0-only */
/* Find: the next octet of a value. */
#ifndef _SMTP_CORE_FIND_H
#define _SMTP_CORE_FIND_H

#include "host.h"

/**
 * smtp_find() - where is the next such octet?
 * @p: octets
 * @n: how many
 * @c: its value
 *
 * A word at a time: bodies are almost all bytes of mail, and dots are rare in
 * them. Not memchr(): the kernel's goes octet by octet.
 *
 * Return: its place, or @n.
 */
static inline u32 smtp_find(const u8 *p, u32 n, u8 c)
{
	const u64 ones = 0x0101010101010101ULL;
	u32 i = 0;

	while (i + 32 <= n) {
		u64 w[4], hit = 0;
		int k;

		memcpy(w, p + i, sizeof(w));
		for (k = 0; k < 4; k++) {
			w[k] ^= c * ones;
			hit |= (w[k] - ones) & ~w[k];
		}
		if (hit & (0x80 * ones))
			break;
		i += 32;
	}
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
	const u64 ones = 0x0101010101010101ULL;

	while (n >= 8) {
		u64 w;

		memcpy(&w, p + n - 8, sizeof(w));
		w ^= c * ones;
		if ((w - ones) & ~w & (0x80 * ones))
			break;
		n -= 8;
	}
	while (n && p[n - 1] != c)
		n--;
	return n;
}

#endif /* _SMTP_CORE_FIND_H */
