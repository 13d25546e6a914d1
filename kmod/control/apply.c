// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting ports of a namespace under policies: publishes a new table, registers the hooks
 * if there are none, and counts the connections that are too old for it.
 */
#include <linux/err.h>
#include "apply.h"
#include "../path/helper.h"
#include "../path/hooks.h"
#include "../netns/netns.h"

/**
 * smtp_apply() - put ranges under policies, all together or none
 * @net: the namespace
 * @settings: the ranges and policies, in the order of setting; are sorted
 * @n: how many
 * @replace: forget all ranges that are not among them
 * @why: result of some failures: the reason, in words
 *
 * May sleep. A change applies to connections that are opened after it.
 *
 * Return: 0 or a negative error, with nothing changed.
 */
int smtp_apply(struct net *net, struct smtp_setting *settings, u32 n,
	       bool replace, const char **why)
{
	struct smtp_net *sn = smtp_pernet(net);
	struct smtp_table *old, *table;
	int err = 0;

	mutex_lock(&sn->lock);
	old = rcu_dereference_protected(sn->table, lockdep_is_held(&sn->lock));
	table = smtp_table_build(old, sn->serial, settings, n, replace, why);
	if (IS_ERR(table)) {
		err = PTR_ERR(table);
		goto out;
	}
	if (table->nr && !sn->hooked) {
		err = smtp_hooks_register(net);
		if (err) {
			*why = "connection tracking can't be switched on";
			smtp_table_free(table);
			goto out;
		}
	}

	if (!++sn->seq)
		sn->seq = 1;
	table->seq = sn->seq;
	sn->serial += n;
	rcu_assign_pointer(sn->table, table);
	synchronize_rcu();
	smtp_helper_count_preexisting(net, old, table);
	smtp_table_free(old);
out:
	mutex_unlock(&sn->lock);
	return err;
}
