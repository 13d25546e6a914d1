/* SPDX-License-Identifier: GPL-2.0-only */
/* Side: which side of a connection a packet may speak for. H3 */
#ifndef _SMTP_SIDE_H
#define _SMTP_SIDE_H

#include <linux/skbuff.h>
#include <net/netfilter/nf_conntrack.h>
#include "../core/tcp/opening.h"

bool smtp_side_believed(const struct sk_buff *skb, const struct nf_conn *ct,
			struct smtp_opening *o, enum smtp_dir dir);
void smtp_side_opened(const struct sk_buff *skb, struct smtp_opening *o);

#endif /* _SMTP_SIDE_H */
