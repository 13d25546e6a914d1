/* SPDX-License-Identifier: GPL-2.0-only */
/* What several kinds of netlink messages have in common. */
#ifndef _SMTP_MESSAGE_H
#define _SMTP_MESSAGE_H

#include <linux/netfilter.h>
#include <net/netlink.h>

/* Where a dump goes on: a rule, or a conntrack of a bucket */
struct smtp_dump {
	u32 index;
	u32 skip;
};

/**
 * smtp_nl_put_end() - one end of a connection
 * @skb: the message
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 * @address: number of the attribute for @addr
 * @addr: its address
 * @port: number of the attribute for @number
 * @number: its port
 *
 * Return: 0 or a negative error: no room.
 */
static inline int smtp_nl_put_end(struct sk_buff *skb, int family, int address,
				  const union nf_inet_addr *addr, int port,
				  __be16 number)
{
	size_t len = family == NFPROTO_IPV4 ? sizeof(addr->ip) :
					      sizeof(addr->ip6);

	return nla_put(skb, address, len, addr) ||
	       nla_put_u16(skb, port, ntohs(number));
}

#endif /* _SMTP_MESSAGE_H */
