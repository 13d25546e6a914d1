/* SPDX-License-Identifier: GPL-2.0-only */
/* What each network namespace has of its own. Set up by pernet.c. */
#ifndef _SMTP_NETNS_H
#define _SMTP_NETNS_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct smtp_past_table;
struct smtp_table;

/**
 * struct smtp_event_limit - the limit of events a second
 * @lock: of everything here
 * @since: when the second began, jiffies
 * @sent: events sent in it
 * @suppressed: events since the last one sent that were not
 */
struct smtp_event_limit {
	spinlock_t lock;	/* of everything here */
	u64 since;
	u32 sent;
	u64 suppressed;
};

/**
 * struct smtp_net - one network namespace
 * @lock: held to change anything here
 * @table: the policies, or NULL: none was ever set. RCU
 * @serial: of the last rule that was set; grows
 * @seq: of the last table; grows
 * @hooked: the hooks are registered
 * @hooked_at: since when, jiffies; valid where @hooked
 * @events: the limit of events that are sent
 * @past: connections that conntrack forgot; set where @hooked is
 */
struct smtp_net {
	struct mutex lock;	/* of everything here, but for readers */
	struct smtp_table __rcu *table;
	u64 serial;
	u32 seq;
	bool hooked;
	u64 hooked_at;
	struct smtp_event_limit events;
	struct smtp_past_table *past;
};

extern unsigned int smtp_net_id;

/**
 * smtp_pernet() - a namespace's state
 * @net: the namespace
 *
 * Return: the state; valid as long as the namespace and the module.
 */
static inline struct smtp_net *smtp_pernet(const struct net *net)
{
	return net_generic(net, smtp_net_id);
}

#endif /* _SMTP_NETNS_H */
