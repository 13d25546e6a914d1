/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host: the functions that the core needs. The module, the tool and the tests each
 * provide them. Everything else of the core is plain C on integers and byte arrays.
 */
#ifndef _SMTP_CORE_HOST_H
#define _SMTP_CORE_HOST_H

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/bitops.h>
#include <linux/types.h>
#include <linux/string.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <linux/types.h>
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((__noinline__))
#define __packed __attribute__((__packed__))
#define __maybe_unused __attribute__((__unused__))
#ifdef __x86_64__
/* As the kernel's: the compiler would add two instructions to its own */
static inline unsigned long __ffs64(u64 x)
{
	asm("rep; bsf %1, %0" : "=r" (x) : "rm" (x));
	return x;
}
#else
#define __ffs64(x) __builtin_ctzll(x)
#endif
#define fls64(x) (64 - __builtin_clzll(x))
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define fallthrough __attribute__((__fallthrough__))
#endif

#include "../../uapi/linux/smtp_fixup.h"

/**
 * struct smtp_host - the context of one call of the core
 * @events: events so far of the packet that is judged
 *
 * Embedded in an object of the host, which has the connection and the packet.
 */
struct smtp_host {
	u32 events;
};

/* Each event takes time. After so many in one packet, the packet is cut at the end of a
 * line, and the sender retransmits the rest.
 */
#define SMTP_EVENTS_MAX		512

/* Has judging this packet taken long enough? */
static inline bool smtp_host_busy(const struct smtp_host *host)
{
	return unlikely(host->events >= SMTP_EVENTS_MAX);
}

/* RFC 9293, 3.4: sequence numbers are compared modulo 2^32 */
static inline bool smtp_seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline u32 smtp_seq_min(u32 a, u32 b)
{
	return smtp_seq_before(a, b) ? a : b;
}

static inline u32 smtp_seq_max(u32 a, u32 b)
{
	return smtp_seq_before(a, b) ? b : a;
}

/* Octets of an allocation: SMTP_UNACKED_MAX, or the streams of observe */
#define SMTP_HOST_ALLOC_MAX	32768

/* Classes of memory. H5 */
enum smtp_memory {
	SMTP_MEMORY_FLOW,	/* flow objects; not by smtp_host_alloc() */
	SMTP_MEMORY_COMMANDS,	/* commands and replies in flight */
	SMTP_MEMORY_BODY,	/* bodies: marks, gaps, messages' limits */
	SMTP_MEMORY_CLASSES
};

/**
 * smtp_host_alloc() - allocate memory for bytes in flight
 * @host: the connection it is for
 * @what: its class
 * @size: octets, at most %SMTP_HOST_ALLOC_MAX
 *
 * Called with the flow's lock held, from the packet path: must not sleep.
 *
 * Return: the memory, not cleared, or NULL: out of memory or over the limit.
 */
void *smtp_host_alloc(struct smtp_host *host, enum smtp_memory what, u32 size);

/**
 * smtp_host_free() - free memory of smtp_host_alloc()
 * @host: as it was asked for
 * @what: as it was asked for
 * @p: the memory, or NULL
 * @size: as it was asked for
 */
void smtp_host_free(struct smtp_host *host, enum smtp_memory what, void *p,
		    u32 size);

/**
 * smtp_host_count() - add to a counter of the policy that a connection is under
 * @host: the connection
 * @counter: which
 * @n: how many
 */
void smtp_host_count(struct smtp_host *host,
		     enum smtp_fixup_counter counter, u32 n);

/**
 * smtp_host_admits() - may a message begin now? X7
 * @host: the connection that it comes by
 * @limit: %SMTP_FIXUP_LIMIT_RATE or %SMTP_FIXUP_LIMIT_SOURCE_RATE, which is the one to
 *	observe here
 *
 * The core asks once for each message and limit. After a false the message waits, and
 * the core asks again when the host has it judged again: the host has to do that when
 * the turn has come. A true takes the turn. Called with the flow's lock held, from the
 * packet path: must not sleep.
 *
 * Return: whether it may.
 */
bool smtp_host_admits(struct smtp_host *host, enum smtp_fixup_limit limit);

/**
 * smtp_host_event() - report an event; only smtp_event() calls it
 * @host: the connection
 * @event: what was done to it
 * @words: what it is about, printable ASCII, may be empty
 *
 * Called with the flow's lock held, from the packet path: must not sleep.
 */
void smtp_host_event(struct smtp_host *host, enum smtp_fixup_event event,
		     const char *words);

#endif /* _SMTP_CORE_HOST_H */
