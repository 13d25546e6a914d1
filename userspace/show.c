// SPDX-License-Identifier: GPL-2.0-only
/* show [PORTS] */
#include "cli.h"
#include "idle.h"
#include "netlink.h"
#include "output.h"
#include "show.h"

#define SHOW_PRESET 1U	/* the index in show_flags, as a bit */

void show_text(FILE *out, const struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *entry = &list->item[i];

		fprintf(out, "set %s %s", RANGE_TEXT(entry->range),
			WORD_TEXT(&mode_words, entry->policy.mode));
		options_print(out, &entry->policy);
		fputc('\n', out);
	}
}

static void put_option(json_t *object, const struct set_option *option,
		       const struct smtp_policy *policy)
{
	const char *text;
	char key[32];
	u32 len;

	if (option->words)
		json_put_word(object, option->name, option->words,
			      option_get(option, policy));
	else if (option->field)
		json_object_set_new(object, option->name,
				    json_boolean(option_get(option, policy)));
	text = option->get_text ? option->get_text(policy, &len) : NULL;
	if (text) {
		snprintf(key, sizeof(key), "%s%s", option->name,
			 option->words ? "-text" : "");
		json_object_set_new(object, key, json_stringn(text, len));
	}
}

static void put_limits(json_t *object, const struct smtp_policy *policy)
{
	json_t *limits = json_object();

	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		json_t *limit = json_object();

		json_object_set_new(limit, "max",
				    json_integer(policy->limits[i].max));
		json_put_word(limit, "action", &action_words,
			      policy->limits[i].action);
		json_object_set_new(limits, smtp_limit_names[i], limit);
	}
	json_object_set_new(object, "limits", limits);
}

/* Every match; those that have options of their own under their names */
static void put_matches(json_t *object, const struct smtp_policy *policy)
{
	const struct smtp_criteria *c = policy->criteria;
	json_t *matches;

	if (!c)
		return;
	matches = json_array();
	for (u32 i = 0; i < c->nr; i++) {
		const struct smtp_criterion *m = &c->criterion[i];
		json_t *match = json_object();

		json_object_set_new(match, "what", json_string(smtp_what_names[m->what]));
		if (m->field)
			json_object_set_new(match, "field", json_string(m->field));
		json_object_set_new(match, "not", json_boolean(m->negated));
		json_object_set_new(match, "patterns", json_string(m->patterns));
		json_put_word(match, "action", &action_words, m->action);
		json_array_append_new(matches, match);
	}
	json_object_set_new(object, "matches", matches);
}

int show_json(FILE *out, const struct policy_list *list, struct reason *why)
{
	struct json_list json;
	char buf[IDLE_SIZE];
	const char *idle;

	json_list_begin(&json, out);
	for (size_t i = 0; i < list->count; i++) {
		const struct smtp_policy *policy = &list->item[i].policy;
		json_t *object = json_object();

		json_put_range(object, list->item[i].range);
		json_put_word(object, "mode", &mode_words, policy->mode);
		if (policy->mode != SMTP_FIXUP_MODE_OFF) {
			for (unsigned int n = 0; n < set_options_count; n++)
				put_option(object, set_options[n], policy);
			put_limits(object, policy);
			put_matches(object, policy);
			json_put_mask(object, "verbs", policy->verbs,
				      smtp_verbs, __SMTP_FIXUP_VERB_MAX);
			json_put_mask(object, "keywords", policy->keywords,
				      smtp_keywords, __SMTP_FIXUP_KEYWORD_MAX);
			idle = policy_idle(policy, buf);
			if (idle)
				json_object_set_new(object, "selects-nothing",
						    json_string(idle));
		}
		json_list_add(&json, object);
	}
	return json_list_end(&json, why);
}

/* What a mode means, with nothing left out; without a name, what each does */
static int show_preset(struct cli *cli)
{
	struct policy_list list = { 0 };
	struct policy_entry entry[__SMTP_FIXUP_MODE_MAX] = { 0 };
	int mode = -1;

	if (cli->argc > 1)
		return reason_usage(cli->why, "%s is one word too many; show --preset takes one name",
				    QUOTED(cli->argv[1]));
	if (cli->argc) {
		mode = word_find(&mode_words, cli->argv[0], cli->why);
		if (mode < 0)
			return -1;
	}
	list.item = entry;
	for (int i = 0; i < __SMTP_FIXUP_MODE_MAX; i++) {
		if (mode >= 0 && i != mode)
			continue;
		entry[list.count].range = (struct port_range){ 25, 25 };
		policy_init(&entry[list.count++].policy, i);
	}
	if (cli->json)
		return show_json(cli->out, &list, cli->why);
	for (size_t i = 0; i < list.count; i++) {
		fprintf(cli->out, "set %s %s", RANGE_TEXT(entry[i].range),
			WORD_TEXT(&mode_words, entry[i].policy.mode));
		options_print_all(cli->out, &entry[i].policy);
		fputc('\n', cli->out);
	}
	return 0;
}

static int show_run(struct cli *cli)
{
	struct policy_list list = { 0 };
	const struct reply reply = { policy_list_add, policy_list_clear, &list };
	struct ports ports;
	int rc;

	if (cli->flags & SHOW_PRESET)
		return show_preset(cli);
	rc = cli_ports(cli, &ports);
	if (!rc)
		rc = netlink_read(SMTP_FIXUP_CMD_POLICY_GET, &reply, cli->why);
	if (!rc) {
		policy_list_select(&list, &ports);
		if (cli->json)
			rc = show_json(cli->out, &list, cli->why);
		else
			show_text(cli->out, &list);
		for (size_t i = 0; i < list.count; i++)
			idle_note(cli->err, RANGE_TEXT(list.item[i].range),
				  &list.item[i].policy);
	}
	policy_list_clear(&list);
	ports_free(&ports);
	return rc;
}

static void show_complete(const struct completion *c)
{
	if (c->argc)
		return;
	if (c->flags & SHOW_PRESET)
		propose_modes(c);
	else
		propose_ports(c);
}

static const struct flag show_flags[] = {
	{ "--preset", "say what a mode means, with every option written out" },
	{ NULL, NULL }
};

const struct verb verb_show = {
	.name = "show",
	.usage = "[PORTS]\n--preset [MODE]",
	.doc = "print the policy in force, as set lines",
	.detail =
		"Options stand only where they differ from what the mode means. With PORTS,\n"
		"only what covers one of them; a port without a policy is off. The lines are in\n"
		"an order in which they can be fed back. Policies that select no connection as\n"
		"things are are named on standard error. --preset prints the line of a mode, or\n"
		"of each, with nothing left out, and needs no kernel module.\n",
	.example = "show 25",
	.flags = show_flags,
	.run = show_run,
	.complete = show_complete,
};
