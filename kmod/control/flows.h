/* SPDX-License-Identifier: GPL-2.0-only */
/* Live connections over netlink. */
#ifndef _SMTP_FLOWS_H
#define _SMTP_FLOWS_H

struct genl_family;
struct netlink_callback;
struct sk_buff;

int smtp_flows_dump(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct genl_family *family);

#endif /* _SMTP_FLOWS_H */
