/* SPDX-License-Identifier: GPL-2.0-only */
/* Help: what the helper does with packets. It asks the core, and does what the core
 * returns.
 */
#ifndef _SMTP_HELP_H
#define _SMTP_HELP_H

#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>

int smtp_help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
	      enum ip_conntrack_info ctinfo);

#endif /* _SMTP_HELP_H */
