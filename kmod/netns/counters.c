// SPDX-License-Identifier: GPL-2.0-only
/* Counters of a port range. See counters.h. */
#include <linux/netdevice.h>
#include <linux/slab.h>
#include "counters.h"

/**
 * smtp_counters_alloc() - counters that are all 0
 *
 * May sleep. Charged to the caller's memory control group: any user may own a namespace,
 * and ask for many.
 *
 * Return: the counters with one reference, or NULL.
 */
struct smtp_counters *smtp_counters_alloc(void)
{
	struct smtp_counters *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);

	if (!c)
		return NULL;
	c->counts = __netdev_alloc_pcpu_stats(struct smtp_counts,
					      GFP_KERNEL_ACCOUNT);
	if (!c->counts) {
		kfree(c);
		return NULL;
	}
	spin_lock_init(&c->lock);
	refcount_set(&c->refs, 1);
	return c;
}

/**
 * smtp_counters_put() - give back a reference
 * @c: the counters
 *
 * Any context but hard interrupts.
 */
void smtp_counters_put(struct smtp_counters *c)
{
	if (!refcount_dec_and_test(&c->refs))
		return;
	free_percpu(c->counts);
	kfree(c);
}

/**
 * smtp_counters_add() - add to a counter
 * @c: the counters
 * @counter: which
 * @n: how many
 *
 * Hooks run in softirq and in process context, so softirqs are off while a counter of
 * this CPU changes.
 */
void smtp_counters_add(struct smtp_counters *c,
		       enum smtp_fixup_counter counter, u32 n)
{
	struct smtp_counts *counts;

	local_bh_disable();
	counts = this_cpu_ptr(c->counts);
	u64_stats_update_begin(&counts->syncp);
	u64_stats_add(&counts->value[counter], n);
	u64_stats_update_end(&counts->syncp);
	local_bh_enable();
}

/* Sums over all CPUs since the beginning, without regard to @zero */
static void smtp_counters_total(const struct smtp_counters *c,
				u64 sums[__SMTP_FIXUP_CNT_MAX])
{
	int cpu, i;

	memset(sums, 0, __SMTP_FIXUP_CNT_MAX * sizeof(*sums));
	for_each_possible_cpu(cpu) {
		const struct smtp_counts *counts = per_cpu_ptr(c->counts, cpu);
		u64 value[__SMTP_FIXUP_CNT_MAX];
		unsigned int start;

		local_bh_disable();
		do {
			start = u64_stats_fetch_begin(&counts->syncp);
			for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
				value[i] = u64_stats_read(&counts->value[i]);
		} while (u64_stats_fetch_retry(&counts->syncp, start));
		local_bh_enable();

		for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
			sums[i] += value[i];
	}
}

/**
 * smtp_counters_sum() - read all counters
 * @c: the counters
 * @sums: the values over all CPUs, by enum smtp_fixup_counter
 */
void smtp_counters_sum(struct smtp_counters *c,
		       u64 sums[__SMTP_FIXUP_CNT_MAX])
{
	int i;

	spin_lock_bh(&c->lock);
	smtp_counters_total(c, sums);
	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
		sums[i] -= c->zero[i];
	spin_unlock_bh(&c->lock);
}

/**
 * smtp_counters_take() - read all counters and begin again at 0
 * @c: the counters
 * @sums: the values as smtp_counters_sum() has them
 *
 * Nothing is lost or counted twice: an event meanwhile is in @sums or in the sums that
 * are read next.
 */
void smtp_counters_take(struct smtp_counters *c,
			u64 sums[__SMTP_FIXUP_CNT_MAX])
{
	int i;

	spin_lock_bh(&c->lock);
	smtp_counters_total(c, sums);
	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++) {
		u64 total = sums[i];

		sums[i] -= c->zero[i];
		c->zero[i] = total;
	}
	spin_unlock_bh(&c->lock);
}
