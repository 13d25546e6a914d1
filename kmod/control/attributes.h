/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy as netlink attributes; what they mean is in uapi/linux/smtp_fixup.h.
 */
#ifndef _SMTP_ATTRIBUTES_H
#define _SMTP_ATTRIBUTES_H

#include <linux/netlink.h>
#include "../core/policy/policy.h"

struct nla_policy;
struct nlattr;
struct sk_buff;

/* Attributes of a SMTP_FIXUP_CMD_POLICY_SET */
#define SMTP_SET_NR_ATTRS	(SMTP_FIXUP_A_MAX + 1)

extern const struct nla_policy smtp_set_policy[SMTP_SET_NR_ATTRS];
extern const struct nla_policy smtp_ports_policy[SMTP_FIXUP_PORTS_A_MAX + 1];

/* Puts the reason into the answer. */
static inline void smtp_nl_set_reason(struct netlink_ext_ack *extack,
				      const char *why)
{
	if (extack)
		extack->_msg = why;
}

/**
 * smtp_nl_parse_policy() - the policy that attributes describe
 * @attrs: the attributes, with %SMTP_FIXUP_A_MODE
 * @policy: result; its criteria are a reference
 * @extack: says what is wrong, and with which attribute
 *
 * Return: 0, or -EINVAL: it contradicts itself.
 */
int smtp_nl_parse_policy(struct nlattr **attrs, struct smtp_policy *policy,
			 struct netlink_ext_ack *extack);

/**
 * smtp_nl_put_options() - all options of a policy
 * @skb: the message
 * @policy: the policy
 *
 * Return: 0 or -EMSGSIZE.
 */
int smtp_nl_put_options(struct sk_buff *skb, const struct smtp_policy *policy);

#endif /* _SMTP_ATTRIBUTES_H */
