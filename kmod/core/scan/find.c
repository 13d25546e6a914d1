// SPDX-License-Identifier: GPL-2.0-only
/* Find. See find.h. */
#include "find.h"

/* A bit for each octet of the word at @p that is one of @all, the lowest for the first. Each
 * product of two bits lands in a place of its own, so that nothing is carried.
 */
static __always_inline u64 smtp_word_bits(const u8 *p, u64 all)
{
	u64 w = smtp_word_at(p) ^ all;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		w = __builtin_bswap64(w);
	w = ~(((w & 0x7f * SMTP_ONES) + 0x7f * SMTP_ONES) | w) & (0x80 * SMTP_ONES);
	return (w >> 7) * 0x0102040810204080ULL >> 56;
}

u64 smtp_find_rest(const u8 *p, u64 at, u64 n, u64 all)
{
	u64 found = 0;
	u32 i;

	if (n - at > SMTP_VECTOR_BLOCK)
		n = at + SMTP_VECTOR_BLOCK;
	p += at;
	n -= at;
	for (i = 0; n - i >= 8; i += 8)
		found |= smtp_word_bits(p + i, all) << i;
	for (; i < n; i++)
		found |= (u64)(p[i] == (u8)all) << i;
	return found & ~1ULL;
}

struct smtp_found smtp_find_block(enum smtp_vector vector, const u8 *p, u64 at, u64 n,
				  u64 all)
{
	const u8 *block = p + at;
	u64 octets = smtp_vector_find(vector, &block, p + n, all);

	return (struct smtp_found) { .octets = octets, .at = block - p };
}
