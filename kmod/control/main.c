// SPDX-License-Identifier: GPL-2.0-only
/* SMTP fixup: init, exit and what the initial namespace starts with. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "apply.h"
#include "../core/policy/fields.h"
#include "../core/smtp/limits.h"
#include "../path/conn.h"
#include "../path/help.h"
#include "../path/helper.h"
#include "../path/hooks.h"
#include "../path/turn.h"
#include "netlink.h"
#include "pernet.h"
#include "../netns/ports.h"

static char *ports = "25";
module_param(ports, charp, 0444);
MODULE_PARM_DESC(ports, "Ports of the initial namespace, e.g. 25,587,2525-2530 (default 25)");

static char *mode = "fixup";
module_param(mode, charp, 0444);
MODULE_PARM_DESC(mode, "Their mode and its options, as the tool's: off, fixup, \"esmtp tls allow\" ... (default fixup)");

static int __init smtp_parse_range(char *word, struct smtp_range *range)
{
	char *last = strchr(word, '-');

	if (last)
		*last++ = '\0';
	/* As in the tool: no sign, no leading zero */
	if (*word < '1' || *word > '9' || (last && (*last < '1' || *last > '9')))
		return -EINVAL;
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
	err = smtp_apply(&init_net, settings, n, false, &why);
	if (err)
		pr_err("ports=%s mode=%s: %s (%d)\n", ports, mode, why, err);
out:
	kvfree(settings);
	kfree(list);
	return err;
}

/* Names of the options and of their values, in the order of smtp_fields[] */
struct smtp_param {
	const char *name;
	const char *const *words;
};

#define SMTP_PARAM_WORD(A, member, name, help)				\
	{ name, smtp_##member##_names },
#define SMTP_PARAM_FLAG(A, member, name, help)	{ name, NULL },

static const struct smtp_param smtp_params[] __initconst = {
	SMTP_POLICY_FIELDS(SMTP_PARAM_WORD, SMTP_PARAM_WORD, SMTP_PARAM_FLAG,
			   SMTP_FIELD_OTHER)
};

/* NAME NUMBER ACTION; a rate's action may be left out: X7 */
static const char *__init smtp_set_limit(struct smtp_policy *policy, char **at,
					 bool first)
{
	const char *limit = strsep(at, " ") ?: "";
	const char *max = strsep(at, " ") ?: "";
	char *behind = *at;
	const char *action = strsep(at, " ") ?: "";
	int i, which;
	u16 value;

	i = match_string(smtp_limit_names, __SMTP_FIXUP_LIMIT_MAX, limit);
	which = match_string(smtp_action_names, __SMTP_FIXUP_ACTION_MAX, action);
	if (which < 0 && i >= 0 && smtp_limit_is_rate(i)) {
		/* It is the next option's name, if anything */
		if (*at)
			(*at)[-1] = ' ';
		*at = behind;
		which = SMTP_FIXUP_ACTION_WAIT;
	}
	if (i < 0 || which < 0 || kstrtou16(max, 10, &value) || !value)
		return "want limit NAME NUMBER ACTION";
	if (!first) {
		policy->limits[i].max = value;
		policy->limits[i].action = which;
	}
	return NULL;
}

/* Sets one option from the words after its name. The first pass sets strict and tls,
 * whose consequences other options may change.
 */
static const char *__init smtp_set_option(struct smtp_policy *policy,
					  const char *name, char **at,
					  bool first)
{
	const char *word;
	int i, which;

	if (!strcmp(name, "iif")) {
		word = strsep(at, " ") ?: "";
		return first ? NULL :
		       smtp_policy_set_iif(policy, word, strlen(word));
	}
	if (!strcmp(name, "limit"))
		return smtp_set_limit(policy, at, first);
	for (i = 0; i < ARRAY_SIZE(smtp_params); i++)
		if (!strcmp(name, smtp_params[i].name))
			break;
	if (i == ARRAY_SIZE(smtp_params))
		return "an option that this parameter does not take";
	if (smtp_fields[i].flag) {
		if (first && smtp_fields[i].attr == SMTP_FIXUP_A_STRICT)
			smtp_policy_set_strict(policy);
		*smtp_field(policy, &smtp_fields[i]) = true;
		return NULL;
	}
	word = strsep(at, " ") ?: "";
	which = match_string(smtp_params[i].words, smtp_fields[i].nr, word);
	if (which < 0)
		return "an option with a value that it does not have";
	if (smtp_fields[i].attr == SMTP_FIXUP_A_BANNER &&
	    which == SMTP_FIXUP_BANNER_TEXT)
		return "banner text is the tool's alone";
	if (smtp_fields[i].attr == SMTP_FIXUP_A_TLS) {
		if (first)
			smtp_policy_set_tls(policy, which);
	} else if (!first) {
		*smtp_field(policy, &smtp_fields[i]) = which;
	}
	return NULL;
}

static const char *__init smtp_set_options(struct smtp_policy *policy,
					   const char *options, bool first)
{
	const char *why = NULL;
	char *copy, *at, *word;

	copy = kstrdup(options, GFP_KERNEL);
	if (!copy)
		return "out of memory";
	at = copy;
	while (!why && (word = strsep(&at, " ")))
		if (*word)
			why = smtp_set_option(policy, word, &at, first);
	kfree(copy);
	return why;
}

static const char *__init smtp_parse_mode(struct smtp_policy *policy)
{
	char *copy = kstrdup(mode, GFP_KERNEL), *options = copy;
	const char *why;
	u8 fault;
	int which;

	if (!copy)
		return "out of memory";
	which = match_string(smtp_mode_names, __SMTP_FIXUP_MODE_MAX,
			     strsep(&options, " "));
	if (which < 0) {
		why = "no such mode";
	} else {
		smtp_policy_init(policy, which);
		options = options ?: "";
		why = *options && which == SMTP_FIXUP_MODE_OFF ?
		      "mode off takes no options" : NULL;
		why = why ?: smtp_set_options(policy, options, true);
		why = why ?: smtp_set_options(policy, options, false);
		why = why ?: smtp_limits_check(policy);
		why = why ?: smtp_policy_check(policy, &fault);
	}
	kfree(copy);
	return why;
}

static int __init smtp_start(void)
{
	struct smtp_policy policy;
	const char *why;

	why = smtp_parse_mode(&policy);
	if (why) {
		pr_err("mode=%s: %s\n", mode, why);
		return -EINVAL;
	}
	return smtp_set_ports(&policy);
}

static int __init smtp_init(void)
{
	int err;

	err = smtp_rates_init(smtp_turn_resume);
	if (err)
		return err;
	err = smtp_flows_init();
	if (err)
		goto err_rates;
	err = smtp_netns_init();
	if (err)
		goto err_flows;
	err = smtp_helper_init(smtp_help);
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
err_rates:
	smtp_rates_exit();
	return err;
}

static void __exit smtp_exit(void)
{
	smtp_netlink_exit();
	smtp_hooks_exit();
	smtp_helper_exit();
	smtp_netns_exit();
	smtp_flows_exit();
	smtp_rates_exit();
}

module_init(smtp_init);
module_exit(smtp_exit);

MODULE_LICENSE("GPL");
MODULE_VERSION(SMTP_FIXUP_VERSION);
MODULE_AUTHOR("The smtpfixup maintainers");
MODULE_DESCRIPTION("SMTP fixup: masks and filters SMTP on its way through a router");
/* No module aliases: looking up the netlink family or the helper is open to users
 * without rights, and loading the module may begin to filter port 25.
 */
