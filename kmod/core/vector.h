/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Vector: a search with the vector registers of x86-64, which the kernel has
 * to be asked for. Elsewhere there are none to be had.
 */
#ifndef _SMTP_CORE_VECTOR_H
#define _SMTP_CORE_VECTOR_H

#include "host.h"

#if defined(__KERNEL__) && defined(CONFIG_X86_64)
#include <asm/fpu/api.h>
#endif

#define SMTP_VECTOR_BLOCK	64

/* Among fewer octets, asking takes as long as it saves */
#define SMTP_VECTOR_MIN		512

/**
 * smtp_vector_begin() - ask for the vector registers
 *
 * Until smtp_vector_end() nothing may sleep, nor memory be allocated.
 *
 * Return: whether they may be used; if not, there is nothing to end.
 */
static inline bool smtp_vector_begin(void)
{
#if defined(__KERNEL__) && defined(CONFIG_X86_64)
	if (!irq_fpu_usable())
		return false;
	kernel_fpu_begin();
	return true;
#elif !defined(__KERNEL__) && defined(__x86_64__)
	return true;
#else
	return false;
#endif
}

static inline void smtp_vector_end(void)
{
#if defined(__KERNEL__) && defined(CONFIG_X86_64)
	kernel_fpu_end();
#endif
}

/**
 * smtp_vector_find() - the next block of octets that has one of a value
 * @p: where to begin; at least %SMTP_VECTOR_BLOCK octets before @end. Is set to
 *	the block's first octet
 * @end: behind the last octet
 * @all: the octet's value, eight times
 *
 * Return: a bit for each octet of the block, the lowest for the first; 0: there
 * is none, and fewer than %SMTP_VECTOR_BLOCK octets are left behind *@p.
 */
static __always_inline u64 smtp_vector_find(const u8 **p, const u8 *end, u64 all)
{
	u64 found = 0;
#ifdef __x86_64__
	u64 more, last;

	/* Four registers a round; where one has found it, a bit of each octet */
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
		     : "cc",
#ifdef __SSE2__	/* the kernel's compiler has nothing to save there */
		       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
#endif
		       "memory");
#endif
	return found;
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
