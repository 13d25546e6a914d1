// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow objects, and what the core needs of its host (core/base/host.h).
 */
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "conn.h"
#include "events.h"
#include "share.h"

static struct kmem_cache *smtp_flow_cache __read_mostly;

/* All flows. When ctnetlink removes a connection's helper, destroy() is not called, so
 * the module must find the flow by itself when it is unloaded. Several lists, each with a
 * lock, because every connection passes here twice.
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

/**
 * smtp_flow_charge() - charge memory of kept packets to a flow
 * @flow: the flow, locked
 * @size: octets, which the caller frees
 *
 * Return: false: the source may hold no more. After true, call smtp_flow_uncharge().
 */
bool smtp_flow_charge(struct smtp_ct_flow *flow, u32 size)
{
	struct smtp_share *greedy;

	if (smtp_share_take(flow->share, SMTP_MEMORY_BODY, size, &greedy))
		return false;
	flow->held[SMTP_MEMORY_BODY] += size;
	return true;
}

/**
 * smtp_flow_uncharge() - undo smtp_flow_charge()
 * @flow: the flow, locked
 * @size: as it was charged
 */
void smtp_flow_uncharge(struct smtp_ct_flow *flow, u32 size)
{
	flow->held[SMTP_MEMORY_BODY] -= size;
	smtp_share_give(flow->share, SMTP_MEMORY_BODY, size);
}

/**
 * smtp_flow_free_kept() - free packets that were kept
 * @flow: the flow, locked
 * @list: the packets, taken off the flow's lists; or NULL
 */
void smtp_flow_free_kept(struct smtp_ct_flow *flow, struct smtp_held *list)
{
	while (list) {
		struct smtp_kept_packet *kept;

		kept = container_of(list, struct smtp_kept_packet, held);
		list = list->next;
		smtp_flow_uncharge(flow, kept->held.size);
		kfree_skb(kept->skb);
		kfree(kept);
	}
}

/**
 * smtp_flow_drop_kept() - free all packets that are kept
 * @flow: the flow, locked
 *
 * Return: whether there were any.
 */
bool smtp_flow_drop_kept(struct smtp_ct_flow *flow)
{
	bool any = false;
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		if (flow->kept[dir])
			any = true;
		smtp_flow_free_kept(flow, flow->kept[dir]);
		flow->kept[dir] = NULL;
	}
	return any;
}

/* H5. Memory that is kept for a flow outside the core is charged by smtp_flow_charge()
 */
void *smtp_host_alloc(struct smtp_host *host, enum smtp_memory what, u32 size)
{
	enum smtp_memory class = smtp_share_class(what, size);
	struct smtp_ct_flow *flow = smtp_ct_host(host)->flow;
	struct smtp_share *greedy;
	void *p;

	if (smtp_share_take(flow->share, class, size, &greedy)) {
		if (greedy)
			smtp_event_refused(smtp_flow_net(flow), &flow->ends, flow->rule,
					   greedy, class);
		return NULL;
	}
	p = kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
	if (!p) {
		smtp_share_give(flow->share, class, size);
		return NULL;
	}
	flow->held[class] += size;
	return p;
}

void smtp_host_free(struct smtp_host *host, enum smtp_memory what, void *p,
		    u32 size)
{
	enum smtp_memory class = smtp_share_class(what, size);
	struct smtp_ct_flow *flow = smtp_ct_host(host)->flow;

	if (!p)
		return;
	kfree(p);
	flow->held[class] -= size;
	smtp_share_give(flow->share, class, size);
}

void smtp_host_count(struct smtp_host *host, enum smtp_fixup_counter counter,
		     u32 n)
{
	smtp_counters_add(smtp_ct_host(host)->flow->rule->counters, counter, n);
}

void smtp_host_event(struct smtp_host *host, enum smtp_fixup_event event,
		     const char *words)
{
	smtp_event_packet(smtp_ct_host(host)->skb, event, words);
}

/* X7. Unless the action is wait, a message above the rate is only counted */
bool smtp_host_admits(struct smtp_host *host, enum smtp_fixup_limit limit)
{
	struct smtp_ct_flow *flow = smtp_ct_host(host)->flow;
	const struct smtp_rule *rule = flow->rule;
	const struct smtp_limit *l = &rule->policy.limits[limit];
	struct smtp_rate_source source = {
		.address = flow->share->address, .family = flow->share->family,
	};

	return smtp_rate_admits(rule->rate,
				limit == SMTP_FIXUP_LIMIT_SOURCE_RATE ? &source : NULL,
				&flow->turn, l->max,
				l->action == SMTP_FIXUP_ACTION_WAIT &&
				!rule->policy.observe);
}

/* Memory for a flow object. Reports it where the source has used up its share. */
static struct smtp_ct_flow *smtp_flow_memory(const struct nf_conn *ct,
					     const struct smtp_rule *rule,
					     struct smtp_share *source)
{
	struct smtp_share *greedy;
	struct smtp_ct_flow *flow;

	if (smtp_share_take(source, SMTP_MEMORY_FLOW, sizeof(*flow), &greedy)) {
		if (greedy)
			smtp_event_refused(nf_ct_net(ct),
					   nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL),
					   rule, greedy, SMTP_MEMORY_FLOW);
		return NULL;
	}
	flow = kmem_cache_alloc(smtp_flow_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!flow)
		smtp_share_give(source, SMTP_MEMORY_FLOW, sizeof(*flow));
	return flow;
}

/**
 * smtp_ct_flow_alloc() - a flow whose greeting has not come yet
 * @ct: its connection
 * @rule: what it is under; the flow takes a reference
 * @isn: sequence numbers of the first payload octets, by enum smtp_dir
 *
 * Called under RCU or with a reference to @rule, does not sleep.
 *
 * Return: the flow, or NULL: no memory, or its source has used up its share.
 */
struct smtp_ct_flow *smtp_ct_flow_alloc(const struct nf_conn *ct,
					struct smtp_rule *rule, const u32 isn[2])
{
	struct smtp_share *source = smtp_share_get(ct);
	struct smtp_flow_list *list;
	struct smtp_ct_flow *flow;

	if (!source)
		return NULL;
	flow = smtp_flow_memory(ct, rule, source);
	if (!flow) {
		smtp_share_put(source);
		return NULL;
	}
	spin_lock_init(&flow->lock);
	flow->dead = false;
	flow->resuming = false;
	flow->due = 0;
	flow->tell = 0;
	memset(flow->kept, 0, sizeof(flow->kept));
	memset(flow->last, 0, sizeof(flow->last));
	flow->last[SMTP_CLIENT].ack = isn[SMTP_SERVER];
	flow->last[SMTP_SERVER].ack = isn[SMTP_CLIENT];
	memset(&flow->turn, 0, sizeof(flow->turn));
	flow->zone = *nf_ct_zone(ct);
	flow->ends = *nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	flow->rule = smtp_rule_get(rule);
	flow->share = source;
	memset(flow->held, 0, sizeof(flow->held));
	smtp_flow_init(&flow->core, &rule->policy, isn[SMTP_CLIENT],
		       isn[SMTP_SERVER]);

	smtp_share_join(source, &flow->of_source);
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
	smtp_share_give(flow->share, SMTP_MEMORY_FLOW, sizeof(*flow));
	smtp_share_put(flow->share);
	kmem_cache_free(smtp_flow_cache, flow);
}

/**
 * smtp_ct_flow_free() - end a flow
 * @flow: the flow, taken from its conntrack entry, or NULL
 *
 * Other CPUs may be working on it: they find it dead.
 */
void smtp_ct_flow_free(struct smtp_ct_flow *flow)
{
	struct smtp_ct_host host = { .flow = flow };
	struct smtp_flow_list *list;
	bool dead;

	if (!flow)
		return;
	spin_lock_bh(&flow->lock);
	dead = flow->dead;
	if (!dead) {
		smtp_flow_release(&flow->core, &host.host);
		smtp_flow_drop_kept(flow);
		smtp_rate_leave(&flow->turn);
	}
	flow->dead = true;
	spin_unlock_bh(&flow->lock);
	if (dead)
		return;

	smtp_share_leave(flow->share, &flow->of_source);
	list = smtp_flow_list(flow);
	spin_lock_bh(&list->lock);
	hlist_del_init(&flow->node);
	spin_unlock_bh(&list->lock);
	call_rcu(&flow->rcu, smtp_ct_flow_rcu);
}

/* H5: makes a flow give memory back, as smtp_shares_init() says. The marks of a body in
 * flight can be forgotten; then retransmissions of it are dropped. Without the commands
 * in flight the connection has to end.
 */
static bool smtp_ct_flow_reclaim(struct list_head *of_source, enum smtp_memory class,
				 long least)
{
	struct smtp_ct_flow *flow = list_entry(of_source, struct smtp_ct_flow, of_source);
	struct smtp_ct_host host = { .flow = flow };
	char words[SMTP_FIXUP_WORDS_MAX + 1];
	bool done = false;
	u32 held;

	spin_lock_bh(&flow->lock);
	held = flow->held[class];
	if (!flow->dead && held && held >= least) {
		bool kept = smtp_flow_drop_kept(flow);

		done = class == SMTP_MEMORY_BODY ?
		       smtp_flow_forget(&flow->core, &host.host) || kept :
		       smtp_flow_give_up(&flow->core, &host.host);
	}
	if (done) {
		snprintf(words, sizeof(words), "held %u KiB of %s", held >> 10,
			 class == SMTP_MEMORY_BODY ? "a body" : "commands");
		smtp_event_reclaimed(smtp_flow_net(flow), &flow->ends, flow->rule, words);
	}
	spin_unlock_bh(&flow->lock);
	return done;
}

/* How many are taken at once. The list may be long, and most of it belong to other
 * namespaces
 */
#define SMTP_FLOWS_TAKEN	32

/* Takes some of the namespace's flows from the list. Called under RCU, so that flows that
 * end meanwhile are not freed. Returns how many.
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
		if (smtp_flow_net(flow) != net)
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
	smtp_shares_init(smtp_ct_flow_reclaim);
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

	smtp_shares_exit();
	for (i = 0; i < ARRAY_SIZE(smtp_flow_lists); i++) {
		hlist_for_each_entry_safe(flow, tmp, &smtp_flow_lists[i].flows,
					  node)
			smtp_ct_flow_free(flow);
		cond_resched();
	}
	rcu_barrier();
	kmem_cache_destroy(smtp_flow_cache);
}
