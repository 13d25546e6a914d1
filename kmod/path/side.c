// SPDX-License-Identifier: GPL-2.0-only
/*
 * Side: which side of a connection a packet may speak for. See side.h and
 * docs/packets.md, "Who may speak for whom".
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/l3mdev.h>
#include "side.h"

static bool check_interfaces = true;
module_param(check_interfaces, bool, 0644);
MODULE_PARM_DESC(check_interfaces, "Drop packets that come in by the interface of the connection's other end, unless there is a route to their source by it (default Y)");

/* Is there a route to @addr by @dev, among those that are as good as the best? */
static bool smtp_side_route4(struct net *net, __be32 addr,
			     const struct net_device *dev)
{
	struct flowi4 fl4 = {
		.daddr = addr,
		.flowi4_iif = LOOPBACK_IFINDEX,
		.flowi4_oif = l3mdev_master_ifindex_rcu(dev),
		.flowi4_scope = RT_SCOPE_UNIVERSE,
	};
	struct fib_result res;

	if (fib_lookup(net, &fl4, &res, FIB_LOOKUP_IGNORE_LINKSTATE))
		return false;
	return res.type == RTN_UNICAST && fib_info_nh_uses_dev(res.fi, dev);
}

#if IS_ENABLED(CONFIG_IPV6)
/* The length of the prefix of the best route to @addr, by interface @oif if there
 * is one; -1: there is none.
 */
static int smtp_side_prefix6(struct net *net, const struct in6_addr *addr,
			     int oif)
{
	struct flowi fl = {
		.u.ip6.daddr = *addr,
		.u.ip6.flowi6_oif = oif,
	};
	const struct fib6_info *from;
	struct dst_entry *dst;
	struct rt6_info *rt;
	int len = -1;

	if (nf_route(net, &dst, &fl, oif, AF_INET6))
		return -1;
	rt = (struct rt6_info *)dst;
	from = rcu_dereference(rt->from);
	if (from && !(rt->rt6i_flags & RTF_LOCAL))
		len = from->fib6_dst.plen;
	dst_release(dst);
	return len;
}

static bool smtp_side_route6(struct net *net, const struct in6_addr *addr,
			     const struct net_device *dev)
{
	int len = smtp_side_prefix6(net, addr, dev->ifindex);

	return len >= 0 && len == smtp_side_prefix6(net, addr, 0);
}
#else
static bool smtp_side_route6(struct net *net, const struct in6_addr *addr,
			     const struct net_device *dev)
{
	return false;
}
#endif

/* Does the router's own route to the packet's source leave by that interface? */
static bool smtp_side_routed(const struct nf_conn *ct, enum smtp_dir dir,
			     int iif)
{
	const struct nf_conntrack_tuple *tuple;
	struct net *net = nf_ct_net(ct);
	const struct net_device *dev;

	tuple = nf_ct_tuple(ct, dir == SMTP_CLIENT ? IP_CT_DIR_ORIGINAL :
						     IP_CT_DIR_REPLY);
	dev = dev_get_by_index_rcu(net, iif);
	if (!dev)
		return false;
	/* A VRF device stands for many interfaces */
	if (netif_is_l3_master(dev))
		return true;
	if (nf_ct_l3num(ct) == NFPROTO_IPV4)
		return smtp_side_route4(net, tuple->src.u3.ip, dev);
	return smtp_side_route6(net, &tuple->src.u3.in6, dev);
}

/**
 * smtp_side_believed() - may a packet speak for the side whose addresses it has?
 * @skb: the packet, of a connection whose SYN was seen
 * @ct: the connection
 * @o: its handshake; records the side's interface
 * @dir: the side
 *
 * Called under RCU.
 *
 * Return: whether it may: H3.
 */
bool smtp_side_believed(const struct sk_buff *skb, const struct nf_conn *ct,
			struct smtp_opening *o, enum smtp_dir dir)
{
	int iif = skb->skb_iif;

	if (smtp_opening_suspect(o, dir, iif)) {
		if (READ_ONCE(check_interfaces) &&
		    !smtp_side_routed(ct, dir, iif))
			return false;
	} else if (READ_ONCE(o->iif[dir])) {
		return true;
	}
	WRITE_ONCE(o->iif[dir], iif);
	return true;
}

/**
 * smtp_side_opened() - record the interfaces of client and server
 * @skb: the client's SYN, about to leave
 * @o: the handshake
 *
 * If the SYN leaves by the interface that it came in by, that is the server's, too.
 * Otherwise the server's interface is not known yet.
 */
void smtp_side_opened(const struct sk_buff *skb, struct smtp_opening *o)
{
	const struct dst_entry *dst = skb_dst(skb);

	WRITE_ONCE(o->iif[SMTP_CLIENT], skb->skb_iif);
	WRITE_ONCE(o->iif[SMTP_SERVER],
		   dst && dst->dev && dst->dev->ifindex == skb->skb_iif ?
		   skb->skb_iif : 0);
}
