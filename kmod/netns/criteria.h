/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Criteria as netlink attributes, and in memory. All rules that a request makes of one
 * policy share its criteria.
 */
#ifndef _SMTP_CRITERIA_H
#define _SMTP_CRITERIA_H

#include <net/netlink.h>
#include "../core/match/criteria.h"

struct sk_buff;

/* Most octets of the criteria of all policies, in all namespaces together */
#define SMTP_CRITERIA_ALL_MAX	(64 * 1024 * 1024)

extern const struct nla_policy
smtp_matches_policy[SMTP_FIXUP_MATCHES_A_MAX + 1];
extern const struct nla_policy smtp_tables_policy[__SMTP_FIXUP_WHAT_MAX + 1];

int smtp_criteria_parse(const struct nlattr *matches,
			const struct nlattr *tables,
			const struct smtp_criteria **criteria,
			struct netlink_ext_ack *extack);
int smtp_criteria_put_matches(struct sk_buff *skb,
			      const struct smtp_criteria *criteria);
void smtp_criteria_get(const struct smtp_criteria *criteria);
void smtp_criteria_put(const struct smtp_criteria *criteria);

#endif /* _SMTP_CRITERIA_H */
