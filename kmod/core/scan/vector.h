/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vector: a search with the vector registers of x86-64, which the kernel has
 * to be asked for. Elsewhere there are none to be had: words do (find.h).
 */
#ifndef _SMTP_CORE_VECTOR_H
#define _SMTP_CORE_VECTOR_H

#include "../base/host.h"

#if defined(__KERNEL__) && defined(CONFIG_X86_64)
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#endif

#define SMTP_VECTOR_BLOCK	64

/* For fewer octets, asking for the registers costs more than it saves */
#ifndef SMTP_VECTOR_MIN
#define SMTP_VECTOR_MIN		512
#endif

enum smtp_vector {
	SMTP_VECTOR_NONE,
	SMTP_VECTOR_SSE2,	/* every x86-64 has it */
	SMTP_VECTOR_AVX2,
};

/* Tests and tests/bench build the core for less than the machine has */
#ifndef SMTP_VECTOR_MOST
#define SMTP_VECTOR_MOST	SMTP_VECTOR_AVX2
#endif

/* As lib/raid6/avx2.c asks; the kernel clears both where it can't save them */
static inline bool smtp_vector_avx2(void)
{
#if defined(__KERNEL__) && defined(CONFIG_X86_64)
	return boot_cpu_has(X86_FEATURE_AVX2) && boot_cpu_has(X86_FEATURE_AVX);
#elif !defined(__KERNEL__) && defined(__x86_64__)
	return __builtin_cpu_supports("avx2");
#else
	return false;
#endif
}

/**
 * smtp_vector_begin() - ask for the vector registers
 *
 * Until smtp_vector_end() nothing may sleep, nor memory be allocated.
 *
 * Return: which may be used; if none, there is nothing to end.
 */
static inline enum smtp_vector smtp_vector_begin(void)
{
	const enum smtp_vector most = SMTP_VECTOR_MOST;

	if (!most)
		return SMTP_VECTOR_NONE;
#if defined(__KERNEL__) && defined(CONFIG_X86_64)
	if (!irq_fpu_usable())
		return SMTP_VECTOR_NONE;
	kernel_fpu_begin();
#elif defined(__KERNEL__) || !defined(__x86_64__)
	return SMTP_VECTOR_NONE;
#endif
	if (most < SMTP_VECTOR_AVX2 || !smtp_vector_avx2())
		return SMTP_VECTOR_SSE2;
	return SMTP_VECTOR_AVX2;
}

static inline void smtp_vector_end(void)
{
#if defined(__KERNEL__) && defined(CONFIG_X86_64)
	kernel_fpu_end();
#endif
}

#ifdef __x86_64__
#include "vector_x86.h"
#else
/* There is nothing to call them with */
static inline u64 smtp_vector_find_sse2(const u8 **p __maybe_unused,
					const u8 *end __maybe_unused,
					u64 all __maybe_unused)
{
	return 0;
}

static inline void smtp_vector_bits_sse2(const u8 *p __maybe_unused, u64 *bits, u32 n,
					 u64 all __maybe_unused)
{
	memset(bits, 0, n * sizeof(*bits));
}

static inline const u8 *smtp_vector_each_sse2(const u8 *p, const u8 *last __maybe_unused,
					      u64 step __maybe_unused,
					      u64 all __maybe_unused)
{
	return p;
}

static inline const u8 *smtp_vector_plain_avx2(const u8 *p, const u8 *end __maybe_unused)
{
	return p;
}

#define smtp_vector_find_avx2 smtp_vector_find_sse2
#define smtp_vector_bits_avx2 smtp_vector_bits_sse2
#define smtp_vector_each_avx2 smtp_vector_each_sse2
#endif /* __x86_64__ */

/**
 * smtp_vector_find() - the next block of octets that has one of a value
 * @kind: what smtp_vector_begin() returned, not %SMTP_VECTOR_NONE
 * @p: where to begin, not after @end. Is set to the first octet of the block that was
 *	found, which may be before that
 * @end: after the last octet; there are %SMTP_VECTOR_BLOCK before it
 * @all: the octet's value, eight times
 *
 * Return: a bit for each octet of the block from where to begin, the lowest for the
 * first of the block; 0: there is none up to @end.
 */
static __always_inline u64 smtp_vector_find(enum smtp_vector kind, const u8 **p,
					    const u8 *end, u64 all)
{
	if (kind == SMTP_VECTOR_AVX2)
		return smtp_vector_find_avx2(p, end, all);
	return smtp_vector_find_sse2(p, end, all);
}

/**
 * smtp_vector_bits() - which octets of some blocks have a value?
 * @kind: what smtp_vector_begin() returned, not %SMTP_VECTOR_NONE
 * @p: the blocks, one after the other
 * @bits: result: for each of them what smtp_vector_find() returns
 * @n: how many, even
 * @all: the octet's value, eight times
 */
static __always_inline void smtp_vector_bits(enum smtp_vector kind, const u8 *p,
					     u64 *bits, u32 n, u64 all)
{
	if (kind == SMTP_VECTOR_AVX2)
		smtp_vector_bits_avx2(p, bits, n, all);
	else
		smtp_vector_bits_sse2(p, bits, n, all);
}

/**
 * smtp_vector_each() - has each of these places an octet of a value nearby?
 * @kind: what smtp_vector_begin() returned, not %SMTP_VECTOR_NONE
 * @p: the first place
 * @last: the last, or before
 * @step: from a place to the next one
 * @all: the octet's value, eight times
 *
 * Return: the first place without one in the two blocks that begin there, or one after
 * @last.
 */
static __always_inline const u8 *smtp_vector_each(enum smtp_vector kind, const u8 *p,
						  const u8 *last, u64 step, u64 all)
{
	if (kind == SMTP_VECTOR_AVX2)
		return smtp_vector_each_avx2(p, last, step, all);
	return smtp_vector_each_sse2(p, last, step, all);
}

/**
 * smtp_vector_plain() - pass octets that are neither dots nor dashes
 * @kind: what smtp_vector_begin() returned
 * @p: where to begin
 * @end: after the last octet
 *
 * One look for both costs a third more than for one. By %SMTP_VECTOR_AVX2 alone, which looks
 * up in a table.
 *
 * Return: @end, or a place before it: there is none up to there.
 */
static __always_inline const u8 *smtp_vector_plain(enum smtp_vector kind, const u8 *p,
						   const u8 *end)
{
	if (kind == SMTP_VECTOR_AVX2 && end - p >= 2 * SMTP_VECTOR_BLOCK)
		return smtp_vector_plain_avx2(p, end);
	return p;
}

/* Which octet of the block is the first that smtp_vector_find() has @found? */
static __always_inline u64 smtp_vector_first(u64 found)
{
	return __ffs64(found);
}

/* How many octets of the block are up to the last that it has @found? */
static __always_inline u32 smtp_vector_last(u64 found)
{
	return fls64(found);
}

#endif /* _SMTP_CORE_VECTOR_H */
