/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a port range, per CPU; they outlive a change of its policy. */
#ifndef _SMTP_COUNTERS_H
#define _SMTP_COUNTERS_H

#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/u64_stats_sync.h>
#include "../core/policy/policy.h"

struct smtp_counts {
	u64_stats_t value[__SMTP_FIXUP_CNT_MAX];
	struct u64_stats_sync syncp;
};

/**
 * struct smtp_counters - one port range's counters
 * @refs: one for each rule that counts here
 * @counts: the values, which only grow
 * @lock: for @zero
 * @zero: the sums at the last reset, subtracted when the counters are read
 */
struct smtp_counters {
	refcount_t refs;
	struct smtp_counts __percpu *counts;
	/* Protects @zero */
	spinlock_t lock;
	u64 zero[__SMTP_FIXUP_CNT_MAX];
};

struct smtp_counters *smtp_counters_alloc(void);
void smtp_counters_put(struct smtp_counters *c);
void smtp_counters_add(struct smtp_counters *c,
		       enum smtp_fixup_counter counter, u32 n);
void smtp_counters_sum(struct smtp_counters *c,
		       u64 sums[__SMTP_FIXUP_CNT_MAX]);
void smtp_counters_take(struct smtp_counters *c,
			u64 sums[__SMTP_FIXUP_CNT_MAX]);

static inline struct smtp_counters *smtp_counters_get(struct smtp_counters *c)
{
	refcount_inc(&c->refs);
	return c;
}

#endif /* _SMTP_COUNTERS_H */
