// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/smtp_fixup: for each port range a line "port FIRST mode MODE" or
 * "port FIRST-LAST mode MODE", then a line "NAME VALUE" for each counter.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include "../netns/netns.h"
#include "../netns/ports.h"
#include "proc.h"

#define SMTP_PROC_NAME	"smtp_fixup"

static struct smtp_rule *smtp_proc_rule(struct seq_file *seq, loff_t pos)
{
	struct smtp_table *table;

	table = rcu_dereference(smtp_pernet(seq_file_net(seq))->table);
	return table && pos < table->nr ? table->rules[pos] : NULL;
}

static void *smtp_proc_start(struct seq_file *seq, loff_t *pos)
	__acquires(RCU)
{
	rcu_read_lock();
	return smtp_proc_rule(seq, *pos);
}

static void *smtp_proc_next(struct seq_file *seq, void *v, loff_t *pos)
{
	return smtp_proc_rule(seq, ++*pos);
}

static void smtp_proc_stop(struct seq_file *seq, void *v)
	__releases(RCU)
{
	rcu_read_unlock();
}

static int smtp_proc_show(struct seq_file *seq, void *v)
{
	const struct smtp_rule *rule = v;
	u64 sums[__SMTP_FIXUP_CNT_MAX];
	int i;

	smtp_counters_sum(rule->counters, sums);
	seq_printf(seq, "port %u", rule->first);
	if (rule->last != rule->first)
		seq_printf(seq, "-%u", rule->last);
	seq_printf(seq, " mode %s\n", smtp_mode_names[rule->policy.mode]);
	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
		seq_printf(seq, "%s %llu\n", smtp_counter_names[i], sums[i]);
	return 0;
}

static const struct seq_operations smtp_proc_ops = {
	.start = smtp_proc_start,
	.next = smtp_proc_next,
	.stop = smtp_proc_stop,
	.show = smtp_proc_show,
};

/**
 * smtp_proc_init() - make a namespace's file
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_proc_init(struct net *net)
{
	if (!proc_create_net(SMTP_PROC_NAME, 0444, net->proc_net,
			     &smtp_proc_ops, sizeof(struct seq_net_private)))
		return -ENOMEM;
	return 0;
}

/**
 * smtp_proc_exit() - remove a namespace's file
 * @net: the namespace
 *
 * Nobody is reading it any more when this returns.
 */
void smtp_proc_exit(struct net *net)
{
	remove_proc_entry(SMTP_PROC_NAME, net->proc_net);
}
