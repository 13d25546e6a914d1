// SPDX-License-Identifier: GPL-2.0-only
/* Rates. See rate.h. */
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "rate.h"

/**
 * struct smtp_rate - a rate, and the line of connections that wait for it
 * @refs: of a policy's rate: its rules, its sources and @work; of a source's: 1
 * @next: when the next message may begin, ns
 * @waiting: the line, struct smtp_rate_wait
 * @work: serves the line
 * @armed: @work will run
 * @of: of a source's rate: the policy's rate, a reference; NULL: this is a policy's
 * @source: whose
 * @node: in the table of sources, if @of
 */
struct smtp_rate {
	refcount_t refs;
	u64 next;
	struct list_head waiting;
	struct delayed_work work;
	bool armed;
	struct smtp_rate *of;
	struct smtp_rate_source source;
	struct hlist_node node;
};

/* One lock for all rates, lines and the table: it is taken once a message */
static DEFINE_SPINLOCK(smtp_rates_lock);

#define SMTP_RATE_BITS	8

static struct hlist_head smtp_rate_sources[1 << SMTP_RATE_BITS];
static u32 smtp_rate_seed __read_mostly;

static struct workqueue_struct *smtp_rate_queue __read_mostly;
static atomic_t smtp_rates_armed = ATOMIC_INIT(0);

/* Tells a connection that its turn has come: smtp_rates_init() */
static void (*smtp_rate_turn)(struct smtp_rate_wait *wait);

/* How far a line that was served late may catch up, ns */
#define SMTP_RATE_LATE	(NSEC_PER_SEC / 10)

static void smtp_rate_work(struct work_struct *work);

static struct smtp_rate *smtp_rate_new(gfp_t gfp)
{
	struct smtp_rate *rate = kzalloc(sizeof(*rate), gfp | __GFP_NOWARN);

	if (!rate)
		return NULL;
	refcount_set(&rate->refs, 1);
	INIT_LIST_HEAD(&rate->waiting);
	INIT_DELAYED_WORK(&rate->work, smtp_rate_work);
	return rate;
}

/**
 * smtp_rate_alloc() - a policy's rate
 *
 * May sleep. Charged to the caller's memory control group: any user may own a namespace.
 *
 * Return: the rate with one reference, or NULL.
 */
struct smtp_rate *smtp_rate_alloc(void)
{
	return smtp_rate_new(GFP_KERNEL_ACCOUNT);
}

/**
 * smtp_rate_get() - take a reference
 * @rate: a policy's rate, or NULL
 *
 * Return: @rate.
 */
struct smtp_rate *smtp_rate_get(struct smtp_rate *rate)
{
	if (rate)
		refcount_inc(&rate->refs);
	return rate;
}

/**
 * smtp_rate_put() - give back a reference
 * @rate: a policy's rate, or NULL
 *
 * After the last one nobody waits, and nobody can find the rate.
 */
void smtp_rate_put(struct smtp_rate *rate)
{
	if (rate && refcount_dec_and_test(&rate->refs))
		kfree(rate);
}

/* -- the table of sources -------------------------------------------------- */

static struct hlist_head *smtp_rate_bucket(const struct smtp_rate *of,
					   const struct smtp_rate_source *source)
{
	u32 hash = jhash2(source->address.all, ARRAY_SIZE(source->address.all),
			  smtp_rate_seed ^ hash32_ptr(of));

	return &smtp_rate_sources[hash >> (32 - SMTP_RATE_BITS)];
}

/* Finds the rate of a source, or makes it; NULL: no memory. Only its armed work keeps it,
 * so the caller has to arm it.
 */
static struct smtp_rate *smtp_rate_of_source(struct smtp_rate *of,
					     const struct smtp_rate_source *source)
{
	struct hlist_head *bucket = smtp_rate_bucket(of, source);
	struct smtp_rate *rate;

	hlist_for_each_entry(rate, bucket, node)
		if (rate->of == of && rate->source.family == source->family &&
		    nf_inet_addr_cmp(&rate->source.address, &source->address))
			return rate;
	rate = smtp_rate_new(GFP_ATOMIC);
	if (!rate)
		return NULL;
	rate->of = smtp_rate_get(of);
	rate->source = *source;
	hlist_add_head(&rate->node, bucket);
	return rate;
}

/* -- the line -------------------------------------------------------------- */

/* Schedules the work for the time when the next message may begin */
static void smtp_rate_arm(struct smtp_rate *rate, u64 now)
{
	u64 left = rate->next > now ? rate->next - now : 0;

	if (!rate->armed) {
		atomic_inc(&smtp_rates_armed);
		if (!rate->of)
			refcount_inc(&rate->refs);
		rate->armed = true;
	}
	queue_delayed_work(smtp_rate_queue, &rate->work, nsecs_to_jiffies(left) + 1);
}

/* Nobody waits, and the next message may begin at once. Returns whether the rate is to be
 * freed.
 */
static bool smtp_rate_disarm(struct smtp_rate *rate)
{
	rate->armed = false;
	if (!rate->of)
		return refcount_dec_and_test(&rate->refs);
	hlist_del(&rate->node);
	return true;
}

static void smtp_rate_began(struct smtp_rate *rate, u64 now, u32 per_second)
{
	/* A line that was served late catches up a little */
	u64 from = max(rate->next, now - SMTP_RATE_LATE);

	if (list_empty(&rate->waiting))
		from = max(from, now);
	rate->next = from + NSEC_PER_SEC / per_second;
}

/**
 * smtp_rate_admits() - may a message begin now?
 * @rate: the policy's rate
 * @source: the message's source, to ask for the source's rate; or NULL
 * @wait: the connection's place in line
 * @per_second: messages a second
 * @waits: if it may not, put the connection in line, unless it is in one
 *
 * Does not sleep. Without memory for a source's rate every message may begin.
 *
 * Return: whether it may. Then its turn is taken.
 */
bool smtp_rate_admits(struct smtp_rate *rate, const struct smtp_rate_source *source,
		      struct smtp_rate_wait *wait, u32 per_second, bool waits)
{
	u64 now = ktime_get_ns();
	bool admits = false;

	spin_lock_bh(&smtp_rates_lock);
	if (wait->admitted || wait->rate) {
		admits = wait->admitted;
		wait->admitted = false;
		goto out;
	}
	if (source)
		rate = smtp_rate_of_source(rate, source);
	if (!rate) {
		admits = true;
		goto out;
	}
	if (list_empty(&rate->waiting) && rate->next <= now) {
		smtp_rate_began(rate, now, per_second);
		admits = true;
	} else if (waits) {
		wait->rate = rate;
		wait->per_second = per_second;
		list_add_tail(&wait->node, &rate->waiting);
	}
	/* The rate of a source must be kept as long as the next message may come too
	 * early
	 */
	if (!rate->armed && (source || waits))
		smtp_rate_arm(rate, now);
out:
	spin_unlock_bh(&smtp_rates_lock);
	return admits;
}

/**
 * smtp_rate_leave() - take a connection that ends out of its line
 * @wait: its place in line
 */
void smtp_rate_leave(struct smtp_rate_wait *wait)
{
	/* Most connections have never waited */
	if (!READ_ONCE(wait->rate))
		return;
	spin_lock_bh(&smtp_rates_lock);
	if (wait->rate)
		list_del(&wait->node);
	wait->rate = NULL;
	spin_unlock_bh(&smtp_rates_lock);
}

/* The first in line, if its turn has come */
static struct smtp_rate_wait *smtp_rate_first(struct smtp_rate *rate, u64 now)
{
	struct smtp_rate_wait *first;

	first = list_first_entry_or_null(&rate->waiting, struct smtp_rate_wait, node);
	if (!first || rate->next > now)
		return NULL;
	smtp_rate_began(rate, now, first->per_second);
	list_del(&first->node);
	WRITE_ONCE(first->rate, NULL);
	first->admitted = true;
	return first;
}

/* Serves the line once. Returns whether there may be more to do now. */
static bool smtp_rate_serve(struct smtp_rate *rate)
{
	struct smtp_rate_wait *first;
	bool again = false, over = false;
	u64 now;

	rcu_read_lock();	/* a connection in line may end: it is freed by RCU */
	spin_lock_bh(&smtp_rates_lock);
	now = ktime_get_ns();
	first = smtp_rate_first(rate, now);
	if (!first) {
		again = !list_empty(&rate->waiting) || (rate->of && rate->next > now);
		if (again)
			smtp_rate_arm(rate, now);
		else
			over = smtp_rate_disarm(rate);
	}
	spin_unlock_bh(&smtp_rates_lock);
	if (first)
		smtp_rate_turn(first);
	rcu_read_unlock();
	if (over) {
		smtp_rate_put(rate->of);
		kfree(rate);
	}
	if (!first && !again)
		atomic_dec(&smtp_rates_armed);
	return first;
}

static void smtp_rate_work(struct work_struct *work)
{
	struct smtp_rate *rate = container_of(to_delayed_work(work), struct smtp_rate,
					      work);

	while (smtp_rate_serve(rate))
		cond_resched();
}

/**
 * smtp_rates_init() - set up what rates need
 * @turn: tells a connection that its turn has come: packets that it has kept are to be
 *	judged again. Called under RCU, from a work queue
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_rates_init(void (*turn)(struct smtp_rate_wait *wait))
{
	smtp_rate_turn = turn;
	smtp_rate_seed = get_random_u32();
	smtp_rate_queue = alloc_workqueue("smtp_fixup", WQ_UNBOUND | WQ_HIGHPRI, 0);
	return smtp_rate_queue ? 0 : -ENOMEM;
}

/**
 * smtp_rates_exit() - wait until no work runs any more
 *
 * No connection may wait any more. Work that is still armed ends within a second.
 */
void smtp_rates_exit(void)
{
	while (atomic_read(&smtp_rates_armed))
		msleep(20);
	destroy_workqueue(smtp_rate_queue);
}
