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
#ifdef __SSE2__	/* the kernel's compiler has nothing to save there */
#define SMTP_VECTOR_CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
#else
#define SMTP_VECTOR_CLOBBERS
#endif

/* Compares the block in xmm1 to xmm4 with xmm0 */
#define SMTP_COMPARE_SSE2 \
	"pcmpeqb %%xmm0, %%xmm1\n\t" \
	"pcmpeqb %%xmm0, %%xmm2\n\t" \
	"pcmpeqb %%xmm0, %%xmm3\n\t" \
	"pcmpeqb %%xmm0, %%xmm4\n\t"

/* Compares the block at @p with xmm0 */
#define SMTP_COMPARE_NEXT_SSE2 \
	"movdqu (%[p]), %%xmm1\n\t" \
	"movdqu 16(%[p]), %%xmm2\n\t" \
	"movdqu 32(%[p]), %%xmm3\n\t" \
	"movdqu 48(%[p]), %%xmm4\n\t" \
	SMTP_COMPARE_SSE2

/* A bit for each octet of xmm1 to xmm4 */
#define SMTP_BITS_SSE2 \
	"pmovmskb %%xmm1, %k[found]\n\t" \
	"pmovmskb %%xmm2, %k[more]\n\t" \
	"pmovmskb %%xmm3, %k[last]\n\t" \
	"shl $16, %[more]\n\t" \
	"shl $32, %[last]\n\t" \
	"or %[more], %[found]\n\t" \
	"pmovmskb %%xmm4, %k[more]\n\t" \
	"shl $48, %[more]\n\t" \
	"or %[last], %[found]\n\t" \
	"or %[more], %[found]\n\t"

/* Compares the two blocks at @p with ymm0, into ymm1 to ymm4 */
#define SMTP_COMPARE_NEXT_AVX2 \
	"vpcmpeqb (%[p]), %%ymm0, %%ymm1\n\t" \
	"vpcmpeqb 32(%[p]), %%ymm0, %%ymm2\n\t" \
	"vpcmpeqb 64(%[p]), %%ymm0, %%ymm3\n\t" \
	"vpcmpeqb 96(%[p]), %%ymm0, %%ymm4\n\t"

/* The last block, at @end, begins before @p, which has that distance: clears the bits of the
 * octets between
 */
#define SMTP_BITS_LEFT \
	"xor %k[more], %k[more]\n\t" \
	"bts %[p], %[more]\n\t" \
	"neg %[more]\n\t" \
	"and %[more], %[found]\n\t" \
	"mov %[end], %[p]\n\t"

/* Four registers a round; where one has found it, a bit of each octet. What is left at
 * the end is looked at with octets before it, whose bits are cleared.
 */
static __always_inline u64 smtp_vector_find_sse2(const u8 **p, const u8 *end, u64 all)
{
	u64 found, more, last;

	asm volatile("movq %[all], %%xmm0\n\t"
		     "punpcklqdq %%xmm0, %%xmm0\n\t"
		     "cmp %[end], %[p]\n\t"
		     "ja 2f\n"
		     "1:\n\t"
		     SMTP_COMPARE_NEXT_SSE2
		     "movdqa %%xmm1, %%xmm5\n\t"
		     "por %%xmm2, %%xmm5\n\t"
		     "por %%xmm3, %%xmm5\n\t"
		     "por %%xmm4, %%xmm5\n\t"
		     "pmovmskb %%xmm5, %k[found]\n\t"
		     "test %k[found], %k[found]\n\t"
		     "jnz 3f\n\t"
		     "add $64, %[p]\n\t"
		     "cmp %[end], %[p]\n\t"
		     "jbe 1b\n"
		     "2:\n\t"
		     "xor %k[found], %k[found]\n\t"
		     "sub %[end], %[p]\n\t"
		     "cmp $64, %[p]\n\t"
		     "jae 4f\n\t"
		     "movdqu (%[end]), %%xmm1\n\t"
		     "movdqu 16(%[end]), %%xmm2\n\t"
		     "movdqu 32(%[end]), %%xmm3\n\t"
		     "movdqu 48(%[end]), %%xmm4\n\t"
		     SMTP_COMPARE_SSE2
		     SMTP_BITS_SSE2
		     SMTP_BITS_LEFT
		     "jmp 4f\n"
		     "3:\n\t"
		     SMTP_BITS_SSE2
		     "4:"
		     : [p] "+&r" (*p), [found] "=&r" (found),
		       [more] "=&r" (more), [last] "=&r" (last)
		     : [all] "r" (all), [end] "r" (end - SMTP_VECTOR_BLOCK)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return found;
}

/* Two blocks a round, four registers of 32 octets; then one, and what is left, as
 * above. The upper halves are cleared before anything of SSE: Intel's optimization
 * manual.
 */
static __always_inline u64 smtp_vector_find_avx2(const u8 **p, const u8 *end, u64 all)
{
	u64 found, more;

	asm volatile("vmovq %[all], %%xmm0\n\t"
		     "vpbroadcastq %%xmm0, %%ymm0\n\t"
		     "lea -64(%[end]), %[more]\n\t"
		     "cmp %[more], %[p]\n\t"
		     "ja 2f\n"
		     "1:\n\t"
		     SMTP_COMPARE_NEXT_AVX2
		     "vpor %%ymm1, %%ymm2, %%ymm5\n\t"
		     "vpor %%ymm3, %%ymm4, %%ymm6\n\t"
		     "vpor %%ymm5, %%ymm6, %%ymm6\n\t"
		     "vptest %%ymm6, %%ymm6\n\t"
		     "jnz 4f\n\t"
		     "sub $-128, %[p]\n\t"
		     "cmp %[more], %[p]\n\t"
		     "jbe 1b\n"
		     "2:\n\t"
		     "cmp %[end], %[p]\n\t"
		     "jbe 3f\n\t"
		     "xor %k[found], %k[found]\n\t"
		     "sub %[end], %[p]\n\t"
		     "cmp $64, %[p]\n\t"
		     "jae 6f\n\t"
		     "vpcmpeqb (%[end]), %%ymm0, %%ymm1\n\t"
		     "vpcmpeqb 32(%[end]), %%ymm0, %%ymm2\n\t"
		     "vpmovmskb %%ymm1, %k[found]\n\t"
		     "vpmovmskb %%ymm2, %k[more]\n\t"
		     "shl $32, %[more]\n\t"
		     "or %[more], %[found]\n\t"
		     SMTP_BITS_LEFT
		     "jmp 6f\n"
		     "3:\n\t"
		     "vpcmpeqb (%[p]), %%ymm0, %%ymm1\n\t"
		     "vpcmpeqb 32(%[p]), %%ymm0, %%ymm2\n\t"
		     "jmp 5f\n"
		     "4:\n\t"
		     "vptest %%ymm5, %%ymm5\n\t"
		     "jnz 5f\n\t"
		     "vmovdqa %%ymm3, %%ymm1\n\t"
		     "vmovdqa %%ymm4, %%ymm2\n\t"
		     "add $64, %[p]\n"
		     "5:\n\t"
		     "vpmovmskb %%ymm1, %k[found]\n\t"
		     "vpmovmskb %%ymm2, %k[more]\n\t"
		     "shl $32, %[more]\n\t"
		     "or %[more], %[found]\n\t"
		     "jnz 6f\n\t"
		     "add $64, %[p]\n\t"
		     "jmp 2b\n"
		     "6:\n\t"
		     "vzeroupper"
		     : [p] "+&r" (*p), [found] "=&r" (found), [more] "=&r" (more)
		     : [all] "r" (all), [end] "r" (end - SMTP_VECTOR_BLOCK)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return found;
}

/* @n blocks, an even number: which octets of each have the value, stored as what
 * smtp_vector_find_sse2() returns
 */
static __always_inline void smtp_vector_bits_sse2(const u8 *p, u64 *bits, u32 n, u64 all)
{
	u64 *end = bits + n;

	asm volatile("movq %[all], %%xmm0\n\t"
		     "punpcklqdq %%xmm0, %%xmm0\n"
		     "1:\n\t"
		     SMTP_COMPARE_NEXT_SSE2
		     "pmovmskb %%xmm1, %k[all]\n\t"
		     "mov %w[all], (%[bits])\n\t"
		     "pmovmskb %%xmm2, %k[all]\n\t"
		     "mov %w[all], 2(%[bits])\n\t"
		     "pmovmskb %%xmm3, %k[all]\n\t"
		     "mov %w[all], 4(%[bits])\n\t"
		     "pmovmskb %%xmm4, %k[all]\n\t"
		     "mov %w[all], 6(%[bits])\n\t"
		     "add $64, %[p]\n\t"
		     "add $8, %[bits]\n\t"
		     "cmp %[end], %[bits]\n\t"
		     "jb 1b"
		     : [p] "+&r" (p), [bits] "+&r" (bits), [all] "+&r" (all)
		     : [end] "r" (end)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
}

static __always_inline void smtp_vector_bits_avx2(const u8 *p, u64 *bits, u32 n, u64 all)
{
	u64 *end = bits + n;

	asm volatile("vmovq %[all], %%xmm0\n\t"
		     "vpbroadcastq %%xmm0, %%ymm0\n"
		     "1:\n\t"
		     SMTP_COMPARE_NEXT_AVX2
		     "vpmovmskb %%ymm1, %k[all]\n\t"
		     "mov %k[all], (%[bits])\n\t"
		     "vpmovmskb %%ymm2, %k[all]\n\t"
		     "mov %k[all], 4(%[bits])\n\t"
		     "vpmovmskb %%ymm3, %k[all]\n\t"
		     "mov %k[all], 8(%[bits])\n\t"
		     "vpmovmskb %%ymm4, %k[all]\n\t"
		     "mov %k[all], 12(%[bits])\n\t"
		     "sub $-128, %[p]\n\t"
		     "add $16, %[bits]\n\t"
		     "cmp %[end], %[bits]\n\t"
		     "jb 1b\n\t"
		     "vzeroupper"
		     : [p] "+&r" (p), [bits] "+&r" (bits), [all] "+&r" (all)
		     : [end] "r" (end)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
}
#else
/* There is nothing to call them with */
static inline u64 smtp_vector_find_sse2(const u8 **p __maybe_unused,
					const u8 *end __maybe_unused,
					u64 all __maybe_unused)
{
	return 0;
}

static inline void smtp_vector_bits_sse2(const u8 *p __maybe_unused,
					 u64 *bits __maybe_unused, u32 n __maybe_unused,
					 u64 all __maybe_unused)
{
}

#define smtp_vector_find_avx2 smtp_vector_find_sse2
#define smtp_vector_bits_avx2 smtp_vector_bits_sse2
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

/* Which octet of the block is the first that smtp_vector_find() has @found? */
static __always_inline u32 smtp_vector_first(u64 found)
{
	return __ffs64(found);
}

/* How many octets of the block are up to the last that it has @found? */
static __always_inline u32 smtp_vector_last(u64 found)
{
	return fls64(found);
}

#endif /* _SMTP_CORE_VECTOR_H */
