/* SPDX-License-Identifier: GPL-2.0-only */
/* Events: counted, sent to the listeners in their namespace, and traced. */
#ifndef _SMTP_CT_EVENTS_H
#define _SMTP_CT_EVENTS_H

#include <linux/netfilter.h>
#include "../core/policy/events.h"
#include "../netns/ports.h"

struct genl_family;
struct nf_conn;
struct nf_conntrack_tuple;
struct smtp_share;

void smtp_event_ct(const struct nf_conn *ct, const struct smtp_rule *rule,
		   enum smtp_fixup_event event);
void smtp_event_refused(struct net *net, const struct nf_conntrack_tuple *ends,
			const struct smtp_rule *rule, struct smtp_share *greedy,
			enum smtp_memory class);
void smtp_event_reclaimed(struct net *net, const struct nf_conntrack_tuple *ends,
			  const struct smtp_rule *rule, const char *words);
void smtp_event_packet(const struct sk_buff *skb, enum smtp_fixup_event event,
		       const char *words);
void smtp_event_stray(const struct sk_buff *skb,
		      const struct nf_hook_state *state,
		      const struct smtp_rule *rule, enum smtp_fixup_event event,
		      bool reply, const char *words);
void smtp_events_start(const struct genl_family *family);
void smtp_events_stop(void);

#endif /* _SMTP_CT_EVENTS_H */
