// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow objects and the memory of all flows together; what the core needs of
 * its host (core/host.h).
 */
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "flow.h"

static unsigned int memory_limit = 256;
module_param(memory_limit, uint, 0644);
MODULE_PARM_DESC(memory_limit, "Memory of all connections together, MiB; namespaces of unprivileged users get none when half is taken (default 256)");

static struct kmem_cache *smtp_flow_cache __read_mostly;
static atomic_long_t smtp_memory;

/* All flows. A conntrack whose helper ctnetlink takes away forgets its flow
 * without a word, so the module must find them by itself when it goes. Spread
 * over several locks since every connection passes here twice.
 */
#define SMTP_FLOW_LIST_BITS	6

static struct smtp_flow_list {
	spinlock_t lock;	/* of flows */
	struct hlist_head flows;
} ____cacheline_aligned_in_smp smtp_flow_lists[1 << SMTP_FLOW_LIST_BITS];

static struct smtp_flow_list *smtp_flow_list(const struct smtp_ct_flow *flow)
{
	return &smtp_flow_lists[hash_ptr(flow, SMTP_FLOW_LIST_BITS)];
}

/* Whoever may make a namespace of his own must not starve the others */
static bool smtp_memory_take(const struct net *net, u32 size)
{
	long limit = min_t(u64, (u64)READ_ONCE(memory_limit) << 20, LONG_MAX);

	if (net->user_ns != &init_user_ns)
		limit /= 2;
	if (atomic_long_add_return(size, &smtp_memory) <= limit)
		return true;
	atomic_long_sub(size, &smtp_memory);
	return false;
}

static void smtp_memory_give(u32 size)
{
	atomic_long_sub(size, &smtp_memory);
}

void *smtp_host_alloc(struct smtp_flow *flow, enum smtp_memory what, u32 size)
{
	const struct smtp_ct_flow *ct_flow;
	void *p;

	ct_flow = container_of(flow, struct smtp_ct_flow, core);
	if (!smtp_memory_take(ct_flow->net, size))
		return NULL;
	p = kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
	if (!p)
		smtp_memory_give(size);
	return p;
}

void smtp_host_free(struct smtp_flow *flow, enum smtp_memory what, void *p,
		    u32 size)
{
	if (!p)
		return;
	kfree(p);
	smtp_memory_give(size);
}

void smtp_host_count(const struct smtp_flow *flow,
		     enum smtp_fixup_counter counter, u32 n)
{
	const struct smtp_ct_flow *ct_flow;

	ct_flow = container_of(flow, struct smtp_ct_flow, core);
	smtp_counters_add(ct_flow->rule->counters, counter, n);
}

/**
 * smtp_ct_flow_alloc() - a flow whose greeting has not come yet
 * @net: its namespace
 * @rule: what it is under; the flow takes a reference
 * @isn: sequence numbers of the first payload octets, by enum smtp_dir
 *
 * Called under RCU or with a reference to @rule, does not sleep.
 *
 * Return: the flow, or NULL: out of memory or over the limit.
 */
struct smtp_ct_flow *smtp_ct_flow_alloc(const struct net *net,
					struct smtp_rule *rule, const u32 isn[2])
{
	struct smtp_flow_list *list;
	struct smtp_ct_flow *flow;

	if (!smtp_memory_take(net, sizeof(*flow)))
		return NULL;
	flow = kmem_cache_alloc(smtp_flow_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!flow) {
		smtp_memory_give(sizeof(*flow));
		return NULL;
	}
	spin_lock_init(&flow->lock);
	flow->dead = false;
	flow->net = net;
	flow->rule = smtp_rule_get(rule);
	smtp_flow_init(&flow->core, &rule->policy, isn[SMTP_CLIENT],
		       isn[SMTP_SERVER]);

	list = smtp_flow_list(flow);
	spin_lock_bh(&list->lock);
	hlist_add_head(&flow->node, &list->flows);
	spin_unlock_bh(&list->lock);
	return flow;
}

static void smtp_ct_flow_rcu(struct rcu_head *rcu)
{
	struct smtp_ct_flow *flow = container_of(rcu, struct smtp_ct_flow, rcu);

	smtp_rule_put(flow->rule);
	kmem_cache_free(smtp_flow_cache, flow);
	smtp_memory_give(sizeof(*flow));
}

/**
 * smtp_ct_flow_free() - end a flow
 * @flow: the flow, already out of its conntrack's reach, or NULL
 *
 * Other CPUs may be working on it: they find it dead.
 */
void smtp_ct_flow_free(struct smtp_ct_flow *flow)
{
	struct smtp_flow_list *list;
	bool dead;

	if (!flow)
		return;
	spin_lock_bh(&flow->lock);
	dead = flow->dead;
	if (!dead)
		smtp_flow_release(&flow->core);
	flow->dead = true;
	spin_unlock_bh(&flow->lock);
	if (dead)
		return;

	list = smtp_flow_list(flow);
	spin_lock_bh(&list->lock);
	hlist_del_init(&flow->node);
	spin_unlock_bh(&list->lock);
	call_rcu(&flow->rcu, smtp_ct_flow_rcu);
}

/* As many as are taken at once: the list may be long, and others' mostly */
#define SMTP_FLOWS_TAKEN	32

/* Takes some of the namespace's flows from the list. Called under RCU: whoever
 * ends a flow meanwhile must not free it. Returns how many.
 */
static int smtp_flow_list_take(struct smtp_flow_list *list,
			       const struct net *net,
			       struct smtp_ct_flow *taken[SMTP_FLOWS_TAKEN])
{
	struct smtp_ct_flow *flow;
	struct hlist_node *tmp;
	int n = 0;

	spin_lock_bh(&list->lock);
	hlist_for_each_entry_safe(flow, tmp, &list->flows, node) {
		if (flow->net != net)
			continue;
		hlist_del_init(&flow->node);
		taken[n++] = flow;
		if (n == SMTP_FLOWS_TAKEN)
			break;
	}
	spin_unlock_bh(&list->lock);
	return n;
}

/**
 * smtp_flows_net_exit() - free the flows that a namespace leaves behind
 * @net: the namespace; none of its conntracks has a flow any more
 */
void smtp_flows_net_exit(const struct net *net)
{
	struct smtp_ct_flow *taken[SMTP_FLOWS_TAKEN];
	int i, j, n;

	for (i = 0; i < ARRAY_SIZE(smtp_flow_lists); i++) {
		do {
			rcu_read_lock();
			n = smtp_flow_list_take(&smtp_flow_lists[i], net, taken);
			for (j = 0; j < n; j++)
				smtp_ct_flow_free(taken[j]);
			rcu_read_unlock();
			cond_resched();
		} while (n == SMTP_FLOWS_TAKEN);
	}
}

/**
 * smtp_flows_init() - set up what flows need
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_flows_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(smtp_flow_lists); i++)
		spin_lock_init(&smtp_flow_lists[i].lock);
	smtp_flow_cache = KMEM_CACHE(smtp_ct_flow, 0);
	return smtp_flow_cache ? 0 : -ENOMEM;
}

/**
 * smtp_flows_exit() - free all flows there still are
 *
 * Called when no helper runs any more, nor its destroy.
 */
void smtp_flows_exit(void)
{
	struct smtp_ct_flow *flow;
	struct hlist_node *tmp;
	int i;

	for (i = 0; i < ARRAY_SIZE(smtp_flow_lists); i++) {
		hlist_for_each_entry_safe(flow, tmp, &smtp_flow_lists[i].flows,
					  node)
			smtp_ct_flow_free(flow);
		cond_resched();
	}
	rcu_barrier();
	kmem_cache_destroy(smtp_flow_cache);
}
