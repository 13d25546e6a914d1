/* SPDX-License-Identifier: GPL-2.0-only */
/* Find: the octets of a value. */
#ifndef _SMTP_CORE_FIND_H
#define _SMTP_CORE_FIND_H

#include "../base/host.h"
#include "vector.h"

#define SMTP_ONES	0x0101010101010101ULL

/* One load. memcpy() would be a call in a kernel that does not map it to the
 * compiler's own, such as user-mode Linux.
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

/* Which octet of the word at @p that smtp_word_has() @has the value @c in is the
 * first? A borrow leaves wrong bits only in more significant octets.
 */
static __always_inline u32 smtp_word_first(const u8 *p, u64 has, u8 c)
{
	u32 i = 0;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return __ffs64(has) / 8;
	while (p[i] != c)
		i++;
	return i;
}

/* May the 64 octets at @p have one of @c? As smtp_word_maybe(). */
static __always_inline bool smtp_block_maybe(const u8 *p, u64 c)
{
	u64 maybe;

	maybe = smtp_word_maybe(p, c) | smtp_word_maybe(p + 8, c) |
		smtp_word_maybe(p + 16, c) | smtp_word_maybe(p + 24, c) |
		smtp_word_maybe(p + 32, c) | smtp_word_maybe(p + 40, c) |
		smtp_word_maybe(p + 48, c) | smtp_word_maybe(p + 56, c);
	return maybe & (0x80 * SMTP_ONES);
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
static __always_inline u32 smtp_find(const u8 *p, u32 n, u8 c)
{
	const u64 all = c * SMTP_ONES;
	const u8 *end = p + n;
	const u8 *q = p;

	while (end - q >= 64) {
		const u8 *block;

		if (!smtp_block_maybe(q, all)) {
			q += 64;
			continue;
		}
		for (block = q + 64; q < block; q += 8) {
			u64 has = smtp_word_has(q, all);

			if (has)
				return q - p + smtp_word_first(q, has, c);
		}
	}
	for (; end - q >= 8; q += 8) {
		u64 has = smtp_word_has(q, all);

		if (has)
			return q - p + smtp_word_first(q, has, c);
	}
	while (q < end && *q != c)
		q++;
	return q - p;
}

/**
 * smtp_find_run() - how many such octets does it begin with?
 * @p: octets
 * @n: how many
 * @c: the value
 *
 * Return: the number of octets.
 */
static inline u32 smtp_find_run(const u8 *p, u32 n, u8 c)
{
	u32 i = 0;

	while (n - i >= 8 && smtp_word_at(p + i) == c * SMTP_ONES)
		i += 8;
	while (i < n && p[i] == c)
		i++;
	return i;
}

/**
 * struct smtp_finder - all octets of a value, one after the other
 * @p: the octets
 * @n: how many
 * @next: those before this have been looked at
 * @block: place of the first octet that @found is about
 * @found: what smtp_vector_find() has found there and was not returned yet
 * @c: their value, ASCII
 * @vector: smtp_vector_begin() has returned this, until smtp_vector_end(); not for fewer
 *	than %SMTP_VECTOR_BLOCK octets
 */
struct smtp_finder {
	const u8 *p;
	u32 n;
	u32 next;
	u32 block;
	u64 found;
	u8 c;
	enum smtp_vector vector;
};

/**
 * smtp_finder_begin() - begin to look for all octets of a value
 * @f: to be filled in; until smtp_finder_end() as with smtp_vector_begin()
 * @p: octets
 * @n: how many
 * @c: the value, ASCII
 * @vector: ask for the vector registers, if there are so many octets
 */
static __always_inline void smtp_finder_begin(struct smtp_finder *f, const u8 *p,
					      u32 n, u8 c, bool vector)
{
	f->p = p;
	f->n = n;
	f->next = 0;
	f->block = 0;
	f->found = 0;
	f->c = c;
	f->vector = vector && n >= SMTP_VECTOR_MIN ? smtp_vector_begin() :
						    SMTP_VECTOR_NONE;
}

static __always_inline void smtp_finder_end(struct smtp_finder *f)
{
	if (f->vector)
		smtp_vector_end();
}

/* Where two are nearer than this, words look at a block, not for the next one */
#define SMTP_FIND_DENSE	4

/* A block of %SMTP_VECTOR_BLOCK octets at @at, and a bit for each that was looked for */
struct smtp_found {
	u64 octets;
	u64 at;
};

/* Part of smtp_finder_next(): the next such block that goes on after place @at */
struct smtp_found smtp_find_block(enum smtp_vector vector, const u8 *p, u64 at, u64 n,
				  u64 all);

/* Part of smtp_finder_next(): with words, a bit for each of a block of octets from place
 * @at on that is looked for, but for the first
 */
u64 smtp_find_rest(const u8 *p, u64 at, u64 n, u64 all);

/**
 * smtp_finder_next() - where is the next one?
 * @f: the search
 *
 * Return: its place, or how many octets there are: there is none.
 */
static __always_inline u32 smtp_finder_next(struct smtp_finder *f)
{
	u64 found = f->found;

	if (unlikely(!found)) {
		struct smtp_found block;
		u32 at;

		if (!f->vector) {
			at = f->next + smtp_find(f->p + f->next, f->n - f->next, f->c);
			if (at - f->next < SMTP_FIND_DENSE && at < f->n) {
				f->found = smtp_find_rest(f->p, at, f->n,
							  f->c * SMTP_ONES);
				f->block = at;
				f->next = at + SMTP_VECTOR_BLOCK < f->n ?
					  at + SMTP_VECTOR_BLOCK : f->n;
				return at;
			}
			f->next = at < f->n ? at + 1 : at;
			return at;
		}
		block = smtp_find_block(f->vector, f->p, f->next, f->n,
					f->c * SMTP_ONES);
		if (!block.octets) {
			f->next = f->n;
			return f->n;
		}
		found = block.octets;
		f->block = block.at;
		f->next = f->block + SMTP_VECTOR_BLOCK;
	}
	f->found = found & (found - 1);
	return f->block + smtp_vector_first(found);
}

/**
 * smtp_finder_skip() - go on from a place
 * @f: the search
 * @to: the place, after the one that smtp_finder_next() returned last
 */
static __always_inline void smtp_finder_skip(struct smtp_finder *f, u32 to)
{
	if (f->found && to - f->block < SMTP_VECTOR_BLOCK) {
		f->found &= ~0ULL << (to - f->block);
		return;
	}
	f->found = 0;
	if (to > f->next)
		f->next = to;
}

/**
 * smtp_finder_skip_run() - go on after a run
 * @f: the search
 * @at: what smtp_finder_next() returned last
 * @len: such octets from there on, at least 2
 */
static __always_inline void smtp_finder_skip_run(struct smtp_finder *f, u32 at,
						 u32 len)
{
	if (len == 2 && f->found)	/* it has the second */
		f->found &= f->found - 1;
	else
		smtp_finder_skip(f, at + len);
}

/**
 * smtp_find_last() - what follows the last such octet?
 * @p: octets
 * @n: how many
 * @c: its value
 * @vector: smtp_vector_begin() has returned this
 *
 * Return: the place after it, or 0: there is none.
 */
static inline u32 smtp_find_last(const u8 *p, u32 n, u8 c,
				 enum smtp_vector vector)
{
	for (; vector && n >= SMTP_VECTOR_BLOCK; n -= SMTP_VECTOR_BLOCK) {
		const u8 *block = p + n - SMTP_VECTOR_BLOCK;
		u64 found = smtp_vector_find(vector, &block, p + n, c * SMTP_ONES);

		if (found)
			return block - p + smtp_vector_last(found);
	}
	while (n >= 8 && !smtp_word_has(p + n - 8, c * SMTP_ONES))
		n -= 8;
	while (n && p[n - 1] != c)
		n--;
	return n;
}

#endif /* _SMTP_CORE_FIND_H */
