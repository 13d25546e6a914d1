// SPDX-License-Identifier: GPL-2.0-only
/* Network namespaces: set-up and teardown. See pernet.h. */
#include "../path/helper.h"
#include "../path/hooks.h"
#include "../netns/netns.h"
#include "../path/past.h"
#include "pernet.h"
#include "../netns/ports.h"
#include "proc.h"

unsigned int smtp_net_id __read_mostly;

static int __net_init smtp_net_init(struct net *net)
{
	mutex_init(&smtp_pernet(net)->lock);
	spin_lock_init(&smtp_pernet(net)->events.lock);
	return smtp_proc_init(net);
}

static void __net_exit smtp_net_exit(struct net *net)
{
	struct smtp_net *sn = smtp_pernet(net);

	if (sn->hooked && !check_net(net))
		smtp_helper_net_exit(net);
	smtp_hooks_put_conntrack(net);
	smtp_proc_exit(net);
	/* Nobody looks anything up in it any more */
	smtp_table_free(rcu_dereference_protected(sn->table, true));
	RCU_INIT_POINTER(sn->table, NULL);
	smtp_past_free(sn->past);
	sn->past = NULL;
}

static struct pernet_operations smtp_net_ops = {
	.init = smtp_net_init,
	.exit = smtp_net_exit,
	.id = &smtp_net_id,
	.size = sizeof(struct smtp_net),
};

/**
 * smtp_netns_init() - give every namespace its state, present and future ones
 *
 * Return: 0 or a negative error.
 */
int smtp_netns_init(void)
{
	return register_pernet_subsys(&smtp_net_ops);
}

/**
 * smtp_netns_exit() - take the state away from every namespace
 *
 * Neither hooks nor the helper may run any more.
 */
void smtp_netns_exit(void)
{
	unregister_pernet_subsys(&smtp_net_ops);
}
