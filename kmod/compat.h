/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel differences, by what they are called where they are used. Everything
 * else is written as if there were one kernel, a recent one. Kbuild looks for
 * the features themselves: stable kernels are given what later ones have, so
 * version numbers would be wrong.
 */
#ifndef _SMTP_COMPAT_H
#define _SMTP_COMPAT_H

#include <linux/skbuff.h>
#include <net/genetlink.h>
#include <net/netfilter/nf_conntrack.h>

/* Fragments may be device memory that the processor can't read: since 6.12 */
#ifndef HAVE_SKB_FRAGS_READABLE
static inline bool skb_frags_readable(const struct sk_buff *skb)
{
	return true;
}
#endif

/* Who may join a multicast group could not be restricted before 5.12 */
#ifdef GENL_MCAST_CAP_NET_ADMIN
#define SMTP_MCGRP_NET_ADMIN	.flags = GENL_MCAST_CAP_NET_ADMIN
#else
#define SMTP_MCGRP_NET_ADMIN
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

#endif /* _SMTP_COMPAT_H */
