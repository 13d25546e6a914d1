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

/* Four registers a round; where one has found it, a bit of each octet */
static __always_inline u64 smtp_vector_find_sse2(const u8 **p, const u8 *end, u64 all)
{
	u64 found, more, last;

	asm volatile("movq %[all], %%xmm0\n\t"
		     "punpcklqdq %%xmm0, %%xmm0\n"
		     "1:\n\t"
		     "movdqu (%[p]), %%xmm1\n\t"
		     "movdqu 16(%[p]), %%xmm2\n\t"
		     "movdqu 32(%[p]), %%xmm3\n\t"
		     "movdqu 48(%[p]), %%xmm4\n\t"
		     "pcmpeqb %%xmm0, %%xmm1\n\t"
		     "pcmpeqb %%xmm0, %%xmm2\n\t"
		     "pcmpeqb %%xmm0, %%xmm3\n\t"
		     "pcmpeqb %%xmm0, %%xmm4\n\t"
		     "movdqa %%xmm1, %%xmm5\n\t"
		     "por %%xmm2, %%xmm5\n\t"
		     "por %%xmm3, %%xmm5\n\t"
		     "por %%xmm4, %%xmm5\n\t"
		     "pmovmskb %%xmm5, %k[found]\n\t"
		     "test %k[found], %k[found]\n\t"
		     "jnz 2f\n\t"
		     "add $64, %[p]\n\t"
		     "cmp %[end], %[p]\n\t"
		     "jbe 1b\n\t"
		     "jmp 3f\n"
		     "2:\n\t"
		     "pmovmskb %%xmm1, %k[found]\n\t"
		     "pmovmskb %%xmm2, %k[more]\n\t"
		     "pmovmskb %%xmm3, %k[last]\n\t"
		     "shl $16, %[more]\n\t"
		     "shl $32, %[last]\n\t"
		     "or %[more], %[found]\n\t"
		     "pmovmskb %%xmm4, %k[more]\n\t"
		     "shl $48, %[more]\n\t"
		     "or %[last], %[found]\n\t"
		     "or %[more], %[found]\n"
		     "3:"
		     : [p] "+&r" (*p), [found] "=&r" (found),
		       [more] "=&r" (more), [last] "=&r" (last)
		     : [all] "r" (all), [end] "r" (end - SMTP_VECTOR_BLOCK)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return found;
}

/* Two blocks a round, four registers of 32 octets; what is left may be one block.
 * The upper halves are cleared before anything of SSE: Intel's optimization manual.
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
		     "vpcmpeqb (%[p]), %%ymm0, %%ymm1\n\t"
		     "vpcmpeqb 32(%[p]), %%ymm0, %%ymm2\n\t"
		     "vpcmpeqb 64(%[p]), %%ymm0, %%ymm3\n\t"
		     "vpcmpeqb 96(%[p]), %%ymm0, %%ymm4\n\t"
		     "vpor %%ymm1, %%ymm2, %%ymm5\n\t"
		     "vpor %%ymm3, %%ymm4, %%ymm6\n\t"
		     "vpor %%ymm5, %%ymm6, %%ymm6\n\t"
		     "vptest %%ymm6, %%ymm6\n\t"
		     "jnz 3f\n\t"
		     "sub $-128, %[p]\n\t"
		     "cmp %[more], %[p]\n\t"
		     "jbe 1b\n"
		     "2:\n\t"
		     "xor %k[found], %k[found]\n\t"
		     "cmp %[end], %[p]\n\t"
		     "ja 5f\n\t"
		     "vpcmpeqb (%[p]), %%ymm0, %%ymm1\n\t"
		     "vpcmpeqb 32(%[p]), %%ymm0, %%ymm2\n\t"
		     "vpor %%ymm1, %%ymm2, %%ymm5\n\t"
		     "vptest %%ymm5, %%ymm5\n\t"
		     "jnz 4f\n\t"
		     "add $64, %[p]\n\t"
		     "jmp 5f\n"
		     "3:\n\t"
		     "vptest %%ymm5, %%ymm5\n\t"
		     "jnz 4f\n\t"
		     "vmovdqa %%ymm3, %%ymm1\n\t"
		     "vmovdqa %%ymm4, %%ymm2\n\t"
		     "add $64, %[p]\n"
		     "4:\n\t"
		     "vpmovmskb %%ymm1, %k[found]\n\t"
		     "vpmovmskb %%ymm2, %k[more]\n\t"
		     "shl $32, %[more]\n\t"
		     "or %[more], %[found]\n"
		     "5:\n\t"
		     "vzeroupper"
		     : [p] "+&r" (*p), [found] "=&r" (found), [more] "=&r" (more)
		     : [all] "r" (all), [end] "r" (end - SMTP_VECTOR_BLOCK)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return found;
}
#endif /* __x86_64__ */

/**
 * smtp_vector_find() - the next block of octets that has one of a value
 * @kind: what smtp_vector_begin() returned, not %SMTP_VECTOR_NONE
 * @p: where to begin; at least %SMTP_VECTOR_BLOCK octets before @end. Is set to
 *	the block's first octet
 * @end: after the last octet
 * @all: the octet's value, eight times
 *
 * Return: a bit for each octet of the block, the lowest for the first; 0: there
 * is none, and fewer than %SMTP_VECTOR_BLOCK octets are left after *@p.
 */
static __always_inline u64 smtp_vector_find(enum smtp_vector kind, const u8 **p,
					    const u8 *end, u64 all)
{
#ifdef __x86_64__
	if (kind == SMTP_VECTOR_AVX2)
		return smtp_vector_find_avx2(p, end, all);
	return smtp_vector_find_sse2(p, end, all);
#else
	return 0;
#endif
}

/* Which octet of the block is the first that smtp_vector_find() has @found? */
static __always_inline u32 smtp_vector_first(u64 found)
{
#ifdef __x86_64__
	return __builtin_ctzll(found);
#else
	return 0;
#endif
}

/* How many octets of the block are up to the last that it has @found? */
static __always_inline u32 smtp_vector_last(u64 found)
{
#ifdef __x86_64__
	return 64 - __builtin_clzll(found);
#else
	return 0;
#endif
}

#endif /* _SMTP_CORE_VECTOR_H */
