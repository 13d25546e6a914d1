// SPDX-License-Identifier: GPL-2.0-only
/* SMTP fixup: init, exit and what the initial namespace starts with. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "flow.h"
#include "helper.h"
#include "hooks.h"
#include "netlink.h"
#include "netns.h"
#include "ports.h"

static char *ports = "25";
module_param(ports, charp, 0444);
MODULE_PARM_DESC(ports, "Ports of the initial namespace, e.g. 25,587,2525-2530 (default 25)");

static char *mode = "fixup";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "Their mode, as the tool's: off, fixup, esmtp, ... (default fixup)");

static int __init smtp_parse_range(char *word, struct smtp_range *range)
{
	char *last = strchr(word, '-');

	if (last)
		*last++ = '\0';
	if (kstrtou16(word, 10, &range->first) || !range->first)
		return -EINVAL;
	range->last = range->first;
	if (last && (kstrtou16(last, 10, &range->last) ||
		     range->last < range->first))
		return -EINVAL;
	return 0;
}

/* Puts the ports of the parameter under a policy */
static int __init smtp_set_ports(const struct smtp_policy *policy)
{
	struct smtp_setting *settings;
	char *list, *at, *word;
	const char *why = "out of memory";
	int err = -ENOMEM;
	u32 n = 0;

	list = kstrdup(ports, GFP_KERNEL);
	/* A range has at least a digit and a comma */
	settings = kvmalloc_array(strlen(ports) / 2 + 1, sizeof(*settings),
				  GFP_KERNEL);
	if (!list || !settings)
		goto out;
	at = list;
	while ((word = strsep(&at, ","))) {
		settings[n].policy = policy;
		err = smtp_parse_range(word, &settings[n++].range);
		if (err) {
			pr_err("ports=%s: want ports from 1 to 65535 like 25,587,2525-2530\n",
			       ports);
			goto out;
		}
	}
	err = smtp_ports_set(&init_net, settings, n, false, &why);
	if (err)
		pr_err("ports=%s mode=%s: %s (%d)\n", ports, mode, why, err);
out:
	kvfree(settings);
	kfree(list);
	return err;
}

static int __init smtp_start(void)
{
	struct smtp_policy policy;
	int which;

	which = match_string(smtp_mode_names, __SMTP_FIXUP_MODE_MAX, mode);
	if (which < 0) {
		pr_err("mode=%s: no such mode\n", mode);
		return -EINVAL;
	}
	smtp_policy_init(&policy, which);
	return smtp_set_ports(&policy);
}

static int __init smtp_init(void)
{
	int err;

	err = smtp_flows_init();
	if (err)
		return err;
	err = smtp_netns_init();
	if (err)
		goto err_flows;
	err = smtp_helper_init();
	if (err) {
		pr_err("can't register the conntrack helper \"smtp\" (%d)\n",
		       err);
		goto err_netns;
	}
	err = smtp_hooks_init();
	if (err)
		goto err_helper;
	err = smtp_start();
	if (err)
		goto err_hooks;
	err = smtp_netlink_init();
	if (err)
		goto err_hooks;
	return 0;

err_hooks:
	smtp_hooks_exit();
err_helper:
	smtp_helper_exit();
err_netns:
	smtp_netns_exit();
err_flows:
	smtp_flows_exit();
	return err;
}

static void __exit smtp_exit(void)
{
	smtp_netlink_exit();
	smtp_hooks_exit();
	smtp_helper_exit();
	smtp_netns_exit();
	smtp_flows_exit();
}

module_init(smtp_init);
module_exit(smtp_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("SMTP fixup: masks and filters SMTP on its way through a router");
/* No aliases: to look up the netlink family or the helper is open to users
 * without rights, and loading the module may begin to filter port 25.
 */
