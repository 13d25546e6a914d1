/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels. The rest of the module is written for a recent kernel, and
 * uses the names that are defined here. Kbuild tests for the features themselves: stable
 * kernels get changes of later ones, so version numbers would be wrong.
 */
#ifndef _SMTP_COMPAT_H
#define _SMTP_COMPAT_H

#include <linux/netfilter.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <net/genetlink.h>
#include <net/netfilter/ipv4/nf_reject.h>
#include <net/netfilter/ipv6/nf_reject.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>

/* Fragments may be device memory that the processor can't read: since 6.12 */
#ifndef HAVE_SKB_FRAGS_READABLE
static inline bool skb_frags_readable(const struct sk_buff *skb)
{
	return true;
}
#endif

/* Since 5.12 a family can restrict who joins a multicast group */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define SMTP_MCGRP_NET_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define SMTP_MCGRP_NET_ADMIN
#endif

/* Since late updates of 5.10 nf_send_reset() takes the socket that sends the RST */
#ifdef HAVE_NF_SEND_RESET_SK
#define smtp_send_reset4(net, sk, skb, hook)	nf_send_reset(net, sk, skb, hook)
#define smtp_send_reset6(net, sk, skb, hook)	nf_send_reset6(net, sk, skb, hook)
#else
#define smtp_send_reset4(net, sk, skb, hook)	nf_send_reset(net, skb, hook)
#define smtp_send_reset6(net, sk, skb, hook)	nf_send_reset6(net, skb, hook)
#endif

/* Since 6.0 extack names a missing attribute */
#ifndef NL_REQ_ATTR_CHECK
#define NL_REQ_ATTR_CHECK(extack, nest, tb, type) (!(tb)[type])
#endif
#ifndef GENL_REQ_ATTR_CHECK
#define GENL_REQ_ATTR_CHECK(info, type)	(!(info)->attrs[type])
#endif

/* Visit every conntrack of a namespace: a struct of arguments since 5.19 */
static inline void smtp_ct_iterate_net(struct net *net,
				       int (*visit)(struct nf_conn *ct,
						    void *data),
				       void *data)
{
#ifdef HAVE_NF_CT_ITER_DATA
	struct nf_ct_iter_data iter = { .net = net, .data = data };

	nf_ct_iterate_cleanup_net(visit, &iter);
#else
	nf_ct_iterate_cleanup_net(net, visit, data, 0, 0);
#endif
}

/* Is this processor sending a copy of a packet, for TEE or nft's dup? Since 6.15 the flag
 * is the task's, which softirqs use, too.
 */
static inline bool smtp_duplicating(void)
{
#ifdef HAVE_IN_NF_DUPLICATE
	return current->in_nf_duplicate;
#else
	return this_cpu_read(nf_skb_duplicated);
#endif
}

/* A connection's mark. Kernels may be built without marks */
static inline u32 smtp_ct_mark(const struct nf_conn *ct)
{
#ifdef CONFIG_NF_CONNTRACK_MARK
	return READ_ONCE(ct->mark);
#else
	return 0;
#endif
}

typedef int smtp_ct_help_fn(struct sk_buff *skb, unsigned int protoff,
			    struct nf_conn *ct, enum ip_conntrack_info ctinfo);

/* Up to 7.2 a helper has a port as well as a name */
static inline void
smtp_ct_helper_init(struct nf_conntrack_helper *helper, u8 family,
		    const char *name, u16 port,
		    const struct nf_conntrack_expect_policy *policy,
		    smtp_ct_help_fn *help)
{
#ifdef HAVE_NF_CT_HELPER_PORT
	nf_ct_helper_init(helper, family, IPPROTO_TCP, name, port, port, 0,
			  policy, 0, help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(helper, family, IPPROTO_TCP, name, policy, 0, help,
			  NULL, THIS_MODULE);
#endif
}

/* Since 7.2 helpers are registered as copies, and each connection holds a reference to
 * one.
 */
#ifdef HAVE_NF_CT_HELPER_REFCOUNT
static inline int smtp_ct_helpers_register(struct nf_conntrack_helper *made,
					   unsigned int n,
					   struct nf_conntrack_helper **helpers)
{
	return nf_conntrack_helpers_register(made, n, helpers);
}

/* The copies outlive the module where connections still hold them:
 * nf_conntrack_helper_unregister() takes help() from them and waits for RCU,
 * but leaves destroy.
 */
static inline void smtp_ct_helpers_unregister(struct nf_conntrack_helper **helpers,
					      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		WRITE_ONCE(helpers[i]->destroy, NULL);
	nf_conntrack_helpers_unregister(helpers, n);
}

static inline void smtp_ct_helper_put(struct nf_conntrack_helper *helper)
{
	if (refcount_dec_and_test(&helper->ct_refcnt))
		kfree_rcu(helper, rcu);
}

static inline bool smtp_ct_helper_get(struct nf_conntrack_helper *helper)
{
	return refcount_inc_not_zero(&helper->ct_refcnt);
}
#else
static inline int smtp_ct_helpers_register(struct nf_conntrack_helper *made,
					   unsigned int n,
					   struct nf_conntrack_helper **helpers)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		helpers[i] = &made[i];
	return nf_conntrack_helpers_register(made, n);
}

static inline void smtp_ct_helpers_unregister(struct nf_conntrack_helper **helpers,
					      unsigned int n)
{
	nf_conntrack_helpers_unregister(helpers[0], n);
}

static inline void smtp_ct_helper_put(struct nf_conntrack_helper *helper)
{
}

static inline bool smtp_ct_helper_get(struct nf_conntrack_helper *helper)
{
	return true;
}
#endif

static inline void smtp_ct_helper_assign(struct nf_conn_help *help,
					 struct nf_conntrack_helper *helper)
{
	if (smtp_ct_helper_get(helper))
		rcu_assign_pointer(help->helper, helper);
}

/* Does nothing if @from has been removed meanwhile */
static inline bool smtp_ct_helper_replace(struct nf_conn_help *help,
					  struct nf_conntrack_helper *from,
					  struct nf_conntrack_helper *to)
{
	bool done;

	if (!smtp_ct_helper_get(to))
		return false;
	done = unrcu_pointer(cmpxchg(&help->helper, RCU_INITIALIZER(from),
				     RCU_INITIALIZER(to))) == from;
	smtp_ct_helper_put(done ? from : to);
	return done;
}

#endif /* _SMTP_COMPAT_H */
