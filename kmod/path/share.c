// SPDX-License-Identifier: GPL-2.0-only
/* Shares of the memory. See share.h. */
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "share.h"

static unsigned int memory_limit = 256;
module_param(memory_limit, uint, 0644);
MODULE_PARM_DESC(memory_limit, "Memory of all connections together, MiB; namespaces of unprivileged users get none when half is taken (default 256)");

/* Octets taken, by enum smtp_memory, and their sum */
static atomic_long_t smtp_taken[SMTP_MEMORY_CLASSES];
static atomic_long_t smtp_taken_all;

/* Every connection passes here when it begins and when it ends */
#define SMTP_SHARE_BITS		10

static struct smtp_share_bucket {
	spinlock_t lock;	/* of shares, but for readers under RCU */
	struct hlist_head shares;
} smtp_share_buckets[1 << SMTP_SHARE_BITS];

static u32 smtp_share_seed __read_mostly;

/* Prefix lengths of a source and of a network. With IPv6 an end user has a /64 at least,
 * and a site a /48 (RFC 6177).
 */
static const u8 smtp_share_prefixes[2][2] = {
	/* source, network */
	{ 32, 24 },	/* IPv4 */
	{ 64, 48 },	/* IPv6 */
};

/* -- the table of shares --------------------------------------------------- */

static struct smtp_share_bucket *smtp_share_bucket(const struct smtp_share *share)
{
	u32 hash = jhash2(share->address.all, ARRAY_SIZE(share->address.all),
			  smtp_share_seed ^ share->prefix);

	return &smtp_share_buckets[hash >> (32 - SMTP_SHARE_BITS)];
}

static bool smtp_share_same(const struct smtp_share *a,
			    const struct smtp_share *b)
{
	return a->net == b->net && a->family == b->family &&
	       a->prefix == b->prefix &&
	       nf_inet_addr_cmp(&a->address, &b->address);
}

/* Finds the share with the key's fields, or makes it. Returns a reference, or NULL */
static struct smtp_share *smtp_share_find(const struct smtp_share *key)
{
	struct smtp_share_bucket *bucket = smtp_share_bucket(key);
	struct smtp_share *share;

	spin_lock_bh(&bucket->lock);
	hlist_for_each_entry(share, &bucket->shares, node) {
		if (smtp_share_same(share, key)) {
			refcount_inc(&share->refs);
			goto out;
		}
	}
	share = kmemdup(key, sizeof(*key), GFP_ATOMIC | __GFP_NOWARN);
	if (!share)
		goto out;
	refcount_set(&share->refs, 1);
	spin_lock_init(&share->lock);
	INIT_LIST_HEAD(&share->flows);
	share->told = jiffies - HZ;
	if (share->network)
		refcount_inc(&share->network->refs);
	atomic_long_add(sizeof(*share), &smtp_taken_all);
	hlist_add_head_rcu(&share->node, &bucket->shares);
out:
	spin_unlock_bh(&bucket->lock);
	return share;
}

/**
 * smtp_share_put() - give back a reference
 * @share: the share, or NULL
 */
void smtp_share_put(struct smtp_share *share)
{
	/* A source holds a reference to its network */
	while (share) {
		struct smtp_share_bucket *bucket = smtp_share_bucket(share);
		struct smtp_share *network = share->network;
		bool last;

		spin_lock_bh(&bucket->lock);
		last = refcount_dec_and_test(&share->refs);
		if (last)
			hlist_del_rcu(&share->node);
		spin_unlock_bh(&bucket->lock);
		if (!last)
			return;
		atomic_long_sub(sizeof(*share), &smtp_taken_all);
		kfree_rcu(share, rcu);
		share = network;
	}
}

static void smtp_share_key(struct smtp_share *key, const struct nf_conn *ct,
			   bool network)
{
	const struct nf_conntrack_tuple *ends;
	u32 bits, i;

	ends = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	memset(key, 0, sizeof(*key));
	key->net = nf_ct_net(ct);
	key->address = ends->src.u3;
	key->family = ends->src.l3num;
	key->prefix = smtp_share_prefixes[key->family == NFPROTO_IPV6][network];
	bits = key->prefix;
	for (i = 0; i < ARRAY_SIZE(key->address.ip6); i++) {
		u32 n = min_t(u32, bits, 32);

		key->address.ip6[i] &= n ? htonl(~0U << (32 - n)) : 0;
		bits -= n;
	}
}

/**
 * smtp_share_get() - the share of a connection's client
 * @ct: the connection
 *
 * Does not sleep.
 *
 * Return: a reference to the share, or NULL: no memory.
 */
struct smtp_share *smtp_share_get(const struct nf_conn *ct)
{
	struct smtp_share key, *network, *source;

	smtp_share_key(&key, ct, true);
	network = smtp_share_find(&key);
	if (!network)
		return NULL;
	smtp_share_key(&key, ct, false);
	key.network = network;
	source = smtp_share_find(&key);
	smtp_share_put(network);	/* the source has its own */
	return source;
}

/**
 * smtp_share_join() - add a flow to its source
 * @source: the share
 * @flow: the flow's node in smtp_share.flows
 */
void smtp_share_join(struct smtp_share *source, struct list_head *flow)
{
	spin_lock_bh(&source->lock);
	list_add_tail(flow, &source->flows);
	source->nr_flows++;
	spin_unlock_bh(&source->lock);
}

/**
 * smtp_share_leave() - take a flow from its source
 * @source: as it joined
 * @flow: as it joined
 */
void smtp_share_leave(struct smtp_share *source, struct list_head *flow)
{
	spin_lock_bh(&source->lock);
	list_del(flow);
	source->nr_flows--;
	spin_unlock_bh(&source->lock);
}

/* -- taking memory --------------------------------------------------------- */

static long smtp_limit(void)
{
	return min_t(u64, (u64)READ_ONCE(memory_limit) << 20, LONG_MAX);
}

/* Octets of @limit that are free for a class. Bodies may take three quarters of it */
static long smtp_left(enum smtp_memory class, long limit)
{
	long left = limit - atomic_long_read(&smtp_taken_all);

	if (class == SMTP_MEMORY_BODY)
		left = min(left, limit / 4 * 3 -
				 atomic_long_read(&smtp_taken[class]));
	return left;
}

/* Octets that a share holds in a class */
static long smtp_held(const struct smtp_share *share, enum smtp_memory class)
{
	if (class == SMTP_MEMORY_BODY)
		return atomic_long_read(&share->held[class]);
	return atomic_long_read(&share->held[SMTP_MEMORY_FLOW]) +
	       atomic_long_read(&share->held[SMTP_MEMORY_COMMANDS]);
}

static void smtp_share_add(struct smtp_share *source, enum smtp_memory class,
			   long size)
{
	atomic_long_add(size, &smtp_taken_all);
	atomic_long_add(size, &smtp_taken[class]);
	atomic_long_add(size, &source->held[class]);
	atomic_long_add(size, &source->network->held[class]);
}

static void smtp_shares_short(void);

/**
 * smtp_share_take() - charge memory to a source
 * @source: the source
 * @class: the class, by smtp_share_class()
 * @size: octets
 * @greedy: result on failure: the share that is used up, the source's or its network's;
 *	or NULL: all memory is taken
 *
 * Return: 0, or -ENOMEM.
 */
int smtp_share_take(struct smtp_share *source, enum smtp_memory class, u32 size,
		    struct smtp_share **greedy)
{
	long limit = smtp_limit();
	long left;

	*greedy = NULL;
	/* Any user may own a namespace, and must not starve the others by it */
	if (source->net->user_ns != &init_user_ns)
		limit /= 2;
	smtp_share_add(source, class, size);
	left = smtp_left(class, limit);
	if (left < limit / 4)
		smtp_shares_short();
	if (left >= 0 && smtp_held(source, class) > left)
		*greedy = source;
	else if (left >= 0 && smtp_held(source->network, class) > 2 * left)
		*greedy = source->network;
	else if (left >= 0)
		return 0;
	smtp_share_add(source, class, -(long)size);
	return -ENOMEM;
}

/**
 * smtp_share_give() - undo smtp_share_take()
 * @source: as it was asked for
 * @class: as it was asked for
 * @size: as it was asked for
 */
void smtp_share_give(struct smtp_share *source, enum smtp_memory class, u32 size)
{
	smtp_share_add(source, class, -(long)size);
}

/**
 * smtp_share_tell() - describe a share that was refused memory
 * @share: the share
 * @class: the class of that memory
 * @words: result
 *
 * Return: whether to report it: once a second for each share.
 */
bool smtp_share_tell(struct smtp_share *share, enum smtp_memory class,
		     char words[SMTP_FIXUP_WORDS_MAX + 1])
{
	static const char *const formats[2] = {
		"%pI4/%u holds %ld KiB", "%pI6c/%u holds %ld KiB",
	};
	unsigned long told = READ_ONCE(share->told);

	if (time_before(jiffies, told + HZ) ||
	    cmpxchg(&share->told, told, jiffies) != told)
		return false;
	snprintf(words, SMTP_FIXUP_WORDS_MAX + 1,
		 formats[share->family == NFPROTO_IPV6], &share->address,
		 share->prefix, smtp_held(share, class) >> 10);
	return true;
}

/* -- reclaiming memory ----------------------------------------------------- */

/* Of the sources that hold more than is free, returns a reference to the one that holds
 * most, or NULL
 */
static struct smtp_share *smtp_shares_greediest(enum smtp_memory class, long left)
{
	struct smtp_share *share, *greediest = NULL;
	long most = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(smtp_share_buckets); i++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(share, &smtp_share_buckets[i].shares,
					 node) {
			long held = atomic_long_read(&share->held[class]);

			if (!share->network || held <= most ||
			    (smtp_held(share, class) <= left &&
			     smtp_held(share->network, class) <= 2 * left) ||
			    !refcount_inc_not_zero(&share->refs))
				continue;
			smtp_share_put(greediest);
			greediest = share;
			most = held;
		}
		rcu_read_unlock();
		cond_resched();
	}
	return greediest;
}

/* Makes a flow give memory back: smtp_shares_init() */
static bool (*smtp_share_ask)(struct list_head *flow, enum smtp_memory class,
			      long least);

/* Makes those flows of a source give memory back that hold at least the average of its
 * flows. Returns whether any did.
 */
static bool smtp_share_reclaim(struct smtp_share *source, enum smtp_memory class)
{
	u32 n = READ_ONCE(source->nr_flows);
	long average = atomic_long_read(&source->held[class]) / (n ?: 1);
	bool any = false;

	while (n--) {
		struct list_head *flow = NULL;

		rcu_read_lock();
		spin_lock_bh(&source->lock);
		if (!list_empty(&source->flows)) {
			flow = source->flows.next;
			list_move_tail(flow, &source->flows);
		}
		spin_unlock_bh(&source->lock);
		if (flow && smtp_share_ask(flow, class, average))
			any = true;
		rcu_read_unlock();
		cond_resched();
	}
	return any;
}

/* Pause between two attempts: flows that have nothing more to give are not asked with
 * every packet
 */
#define SMTP_RECLAIM_PAUSE	(HZ / 10)

static unsigned long smtp_reclaim_next;

/* H5: until a quarter is free again, or no source holds more than is free */
static void smtp_shares_reclaim(struct work_struct *work)
{
	static const enum smtp_memory classes[] = {
		SMTP_MEMORY_BODY, SMTP_MEMORY_COMMANDS,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		bool any = true;

		while (any) {
			struct smtp_share *source;
			long left = smtp_left(classes[i], smtp_limit());

			if (left >= smtp_limit() / 4)
				break;
			source = smtp_shares_greediest(classes[i], max(left, 0L));
			any = source && smtp_share_reclaim(source, classes[i]);
			smtp_share_put(source);
		}
	}
	WRITE_ONCE(smtp_reclaim_next, jiffies + SMTP_RECLAIM_PAUSE);
}

static DECLARE_WORK(smtp_reclaim_work, smtp_shares_reclaim);

static void smtp_shares_short(void)
{
	if (time_after_eq(jiffies, READ_ONCE(smtp_reclaim_next)))
		queue_work(system_unbound_wq, &smtp_reclaim_work);
}

/**
 * smtp_shares_init() - set up the table of shares
 * @ask: makes a flow give memory back if it holds at least so many bytes of a class.
 *	Takes the flow's node in smtp_share.flows, the class and the bytes. Returns
 *	whether it did. Called under RCU
 */
void smtp_shares_init(bool (*ask)(struct list_head *flow, enum smtp_memory class,
				  long least))
{
	int i;

	smtp_share_ask = ask;
	smtp_share_seed = get_random_u32();
	smtp_reclaim_next = jiffies;
	for (i = 0; i < ARRAY_SIZE(smtp_share_buckets); i++)
		spin_lock_init(&smtp_share_buckets[i].lock);
}

/**
 * smtp_shares_exit() - stop reclaiming
 *
 * Packets are not judged any more, so that it does not begin again.
 */
void smtp_shares_exit(void)
{
	cancel_work_sync(&smtp_reclaim_work);
}
