/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family "smtp_fixup". */
#ifndef _SMTP_NETLINK_H
#define _SMTP_NETLINK_H

#include <linux/netfilter.h>

struct genl_family;
struct netlink_callback;
struct sk_buff;

extern struct genl_family smtp_genl_family;

/* Where a dump goes on: a rule, or a conntrack of a bucket */
struct smtp_dump {
	u32 index;
	u32 skip;
};

int smtp_netlink_init(void);
void smtp_netlink_exit(void);
int smtp_nl_flow_dump(struct sk_buff *skb, struct netlink_callback *cb);
int smtp_nl_put_end(struct sk_buff *skb, int family, int address,
		    const union nf_inet_addr *addr, int port, __be16 number);

#endif /* _SMTP_NETLINK_H */
