/* SPDX-License-Identifier: GPL-2.0-only */
/* Vector: what vector.h has, with the registers of SSE2 and of AVX2. */
#ifndef _SMTP_CORE_VECTOR_X86_H
#define _SMTP_CORE_VECTOR_X86_H

#include "../base/host.h"

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

/* All that were found in xmm1 to xmm4 */
#define SMTP_ANY_SSE2 \
	"movdqa %%xmm1, %%xmm5\n\t" \
	"por %%xmm2, %%xmm5\n\t" \
	"por %%xmm3, %%xmm5\n\t" \
	"por %%xmm4, %%xmm5\n\t"

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

/* Was any found in ymm1 to ymm4? ymm5: in the first block */
#define SMTP_ANY_AVX2 \
	"vpor %%ymm1, %%ymm2, %%ymm5\n\t" \
	"vpor %%ymm3, %%ymm4, %%ymm6\n\t" \
	"vpor %%ymm5, %%ymm6, %%ymm6\n\t" \
	"vptest %%ymm6, %%ymm6\n\t"

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
		     SMTP_ANY_SSE2
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
		     SMTP_ANY_AVX2
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

/* At @p, and every @step octets from there up to @last: two blocks that have the value.
 * Returns the first place where they have not, or one after @last.
 */
static __always_inline const u8 *smtp_vector_each_sse2(const u8 *p, const u8 *last,
						       u64 step, u64 all)
{
	asm volatile("movq %[all], %%xmm0\n\t"
		     "punpcklqdq %%xmm0, %%xmm0\n"
		     "1:\n\t"
		     "cmp %[last], %[p]\n\t"
		     "ja 2f\n\t"
		     SMTP_COMPARE_NEXT_SSE2
		     SMTP_ANY_SSE2
		     "movdqa %%xmm5, %%xmm6\n\t"
		     "add $64, %[p]\n\t"
		     SMTP_COMPARE_NEXT_SSE2
		     SMTP_ANY_SSE2
		     "sub $64, %[p]\n\t"
		     "por %%xmm6, %%xmm5\n\t"
		     "pmovmskb %%xmm5, %k[all]\n\t"
		     "test %k[all], %k[all]\n\t"
		     "jz 2f\n\t"
		     "add %[step], %[p]\n\t"
		     "jmp 1b\n"
		     "2:"
		     : [p] "+&r" (p), [all] "+&r" (all)
		     : [last] "r" (last), [step] "r" (step)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return p;
}

static __always_inline const u8 *smtp_vector_each_avx2(const u8 *p, const u8 *last,
						       u64 step, u64 all)
{
	asm volatile("vmovq %[all], %%xmm0\n\t"
		     "vpbroadcastq %%xmm0, %%ymm0\n"
		     "1:\n\t"
		     "cmp %[last], %[p]\n\t"
		     "ja 2f\n\t"
		     SMTP_COMPARE_NEXT_AVX2
		     SMTP_ANY_AVX2
		     "jz 2f\n\t"
		     "add %[step], %[p]\n\t"
		     "jmp 1b\n"
		     "2:\n\t"
		     "vzeroupper"
		     : [p] "+&r" (p)
		     : [last] "r" (last), [step] "r" (step), [all] "r" (all)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return p;
}

/* What an octet of dots and dashes is, by its lower half; elsewhere nothing that has it */
#define SMTP_DOT_DASH_LOW	(0x80 * 0x0101010101010101ULL)
#define SMTP_DOT_DASH_HIGH	0x802e2d8080808080ULL

/* Compares the two blocks at @p with what ymm0 has for each octet, into ymm1 to ymm4 */
#define SMTP_LOOK_UP_NEXT_AVX2 \
	"vpshufb (%[p]), %%ymm0, %%ymm1\n\t" \
	"vpshufb 32(%[p]), %%ymm0, %%ymm2\n\t" \
	"vpshufb 64(%[p]), %%ymm0, %%ymm3\n\t" \
	"vpshufb 96(%[p]), %%ymm0, %%ymm4\n\t" \
	"vpcmpeqb (%[p]), %%ymm1, %%ymm1\n\t" \
	"vpcmpeqb 32(%[p]), %%ymm2, %%ymm2\n\t" \
	"vpcmpeqb 64(%[p]), %%ymm3, %%ymm3\n\t" \
	"vpcmpeqb 96(%[p]), %%ymm4, %%ymm4\n\t"

/* Two blocks a round; what is left at the end with octets before it */
static __always_inline const u8 *smtp_vector_plain_avx2(const u8 *p, const u8 *end)
{
	u64 low = SMTP_DOT_DASH_LOW, high = SMTP_DOT_DASH_HIGH;
	const u8 *at;

	asm volatile("vmovq %[low], %%xmm0\n\t"
		     "vmovq %[high], %%xmm1\n\t"
		     "vpunpcklqdq %%xmm1, %%xmm0, %%xmm0\n\t"
		     "vinserti128 $1, %%xmm0, %%ymm0, %%ymm0\n"
		     "1:\n\t"
		     SMTP_LOOK_UP_NEXT_AVX2
		     SMTP_ANY_AVX2
		     "jnz 2f\n\t"
		     "sub $-128, %[p]\n\t"
		     "cmp %[last], %[p]\n\t"
		     "jbe 1b\n\t"
		     "mov %[p], %[at]\n\t"
		     "mov %[last], %[p]\n\t"
		     SMTP_LOOK_UP_NEXT_AVX2
		     SMTP_ANY_AVX2
		     "mov %[at], %[p]\n\t"
		     "jnz 2f\n\t"
		     "lea 128(%[last]), %[p]\n"
		     "2:\n\t"
		     "vzeroupper"
		     : [p] "+&r" (p), [at] "=&r" (at)
		     : [last] "r" (end - 2 * SMTP_VECTOR_BLOCK), [low] "r" (low),
		       [high] "r" (high)
		     : "cc", SMTP_VECTOR_CLOBBERS "memory");
	return p;
}

#endif /* _SMTP_CORE_VECTOR_X86_H */
