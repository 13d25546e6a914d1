/* SPDX-License-Identifier: GPL-2.0-only */
/* Events: counted, sent to whoever listens in their namespace, and traced. */
#ifndef _SMTP_CT_EVENTS_H
#define _SMTP_CT_EVENTS_H

#include <linux/netfilter.h>
#include "core/events.h"
#include "ports.h"

struct nf_conn;

void smtp_event_ct(const struct nf_conn *ct, const struct smtp_rule *rule,
		   enum smtp_fixup_event event);
void smtp_event_stray(const struct sk_buff *skb,
		      const struct nf_hook_state *state,
		      const struct smtp_rule *rule, enum smtp_fixup_event event,
		      bool reply);
void smtp_events_start(void);
void smtp_events_stop(void);

#endif /* _SMTP_CT_EVENTS_H */
