// SPDX-License-Identifier: GPL-2.0-only
/* export asa [PORTS] */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "import.h"
#include "lines.h"
#include "netlink.h"
#include "output.h"

#define NAME_SIZE sizeof("smtpfixup-65535-65535")

static void put_name(char name[NAME_SIZE], struct port_range range)
{
	snprintf(name, NAME_SIZE, "smtpfixup-%s", RANGE_TEXT(range));
}

static void put_class(FILE *out, const char *name, struct port_range range)
{
	fprintf(out, "class-map %s\n", name);
	if (range.first == range.last)
		fprintf(out, " match port tcp eq %u\n", range.first);
	else
		fprintf(out, " match port tcp range %u %u\n", range.first, range.last);
}

static void put_action(FILE *out, u8 action)
{
	switch (action) {
	case SMTP_FIXUP_ACTION_DROP:
		fputs("  drop-connection log\n", out);
		break;
	case SMTP_FIXUP_ACTION_RESET:
		fputs("  reset log\n", out);
		break;
	default:
		fputs("  log\n", out);
	}
}

static void put_limits(FILE *out, const struct smtp_policy *policy)
{
	static const char *const conditions[__SMTP_FIXUP_LIMIT_MAX] = {
		[SMTP_FIXUP_LIMIT_COMMAND_LINE] = "cmd line length",
		[SMTP_FIXUP_LIMIT_RCPT] = "cmd RCPT count",
		[SMTP_FIXUP_LIMIT_SENDER] = "sender-address length",
		[SMTP_FIXUP_LIMIT_HEADER_LINE] = "header line length",
		[SMTP_FIXUP_LIMIT_BODY_LINE] = "body line length",
		[SMTP_FIXUP_LIMIT_MIME_FILENAME] = "MIME filename length",
	};

	for (int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit *limit = &policy->limits[i];

		if (!limit->action || !conditions[i])
			continue;
		fprintf(out, " match %s gt %u\n", conditions[i], limit->max);
		put_action(out, limit->action);
	}
}

/* What an ASA lets through and this policy does not */
static void put_masked(FILE *out, const char *condition, u64 masked,
		       const struct smtp_word *table, unsigned int count)
{
	if (!masked)
		return;
	fprintf(out, " match %s", condition);
	for (unsigned int i = 0; i < count; i++) {
		if (masked >> i & 1)
			fprintf(out, " %s", table[i].text);
	}
	fputs("\n  mask\n", out);
}

static void put_map(FILE *out, const char *name, const struct smtp_policy *policy)
{
	struct smtp_policy asa;

	smtp_policy_init(&asa, SMTP_FIXUP_MODE_ASA);
	fprintf(out, "policy-map type inspect esmtp %s\n parameters\n", name);
	fprintf(out, "  %smask-banner\n",
		policy->banner == SMTP_FIXUP_BANNER_KEEP ? "no " : "");
	fprintf(out, "  %sallow-tls\n", policy->tls == SMTP_FIXUP_TLS_MASK ? "no " : "");
	if (policy->special == SMTP_FIXUP_SPECIAL_LOG)
		fputs("  special-character action log\n", out);
	else if (policy->special != SMTP_FIXUP_SPECIAL_OFF)
		fputs("  special-character action drop-connection log\n", out);
	put_limits(out, policy);
	smtp_policy_set_tls(&asa, policy->tls);
	put_masked(out, "cmd verb", asa.verbs & ~policy->verbs, smtp_verbs,
		   __SMTP_FIXUP_VERB_MAX);
	smtp_policy_set_verbs(&asa, policy->verbs);
	put_masked(out, "ehlo-reply-parameter", asa.keywords & ~policy->keywords,
		   smtp_keywords, __SMTP_FIXUP_KEYWORD_MAX);
}

/* One policy by itself, as it would stand in a running-config */
static void put_policy(FILE *out, const struct policy_entry *entry)
{
	const struct smtp_policy *policy = &entry->policy;
	char name[NAME_SIZE];

	put_name(name, entry->range);
	put_class(out, name, entry->range);
	put_map(out, name, policy);
	fprintf(out, "policy-map %s-policy\n class %s\n  inspect esmtp %s\n", name, name,
		name);
	if (*policy->iif)
		fprintf(out, "service-policy %s-policy interface %s\n", name, policy->iif);
}

/* An option as the tool prints it, with nothing left out; to be freed */
static char *option_text(const struct set_option *option,
			 const struct smtp_policy *policy)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	option_print_whole(out, option, policy);
	fclose(out);
	return text;
}

/* What the text means when it is read again; false: nothing */
static bool read_back(const char *text, struct smtp_policy *policy)
{
	char *copy = strdup(text), *words[LINE_WORDS_MAX];
	struct set_request req = { 0 };
	struct import_result result;
	struct reason ignored;
	struct config config;
	bool good = false;
	int argc;

	config_read(&config, copy, strlen(copy));
	import_policies(&config, &result);
	for (size_t i = 0; i < result.count && !good; i++) {
		if (!result.item[i].set)
			continue;
		argc = line_split(result.item[i].set, words, &ignored);
		good = argc > 0 && !set_parse(&req, argc - 1, words + 1, &ignored);
		*policy = req.policy;
		set_free(&req);
	}
	import_result_free(&result);
	config_free(&config);
	free(copy);
	return good;
}

/* Names the options that the text does not carry. Returns whether there is one. */
static bool put_lost(FILE *out, const struct policy_entry *entry, const char *text)
{
	struct smtp_policy back;
	bool lost = false;

	if (!read_back(text, &back)) {
		fprintf(out, "! port %s: no equivalent\n", RANGE_TEXT(entry->range));
		return true;
	}
	for (unsigned int i = 0; i < set_options_count; i++) {
		char *want = option_text(set_options[i], &entry->policy);
		char *got = option_text(set_options[i], &back);

		if (want && got && strcmp(want, got)) {
			fprintf(out, "! port %s: no equivalent:%s\n",
				RANGE_TEXT(entry->range),
				*want ? want : " what an ASA does beyond this policy");
			lost = true;
		}
		free(want);
		free(got);
	}
	return lost;
}

static bool export_policies(FILE *out, const struct policy_list *list)
{
	bool global = false, lost = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *entry = &list->item[i];
		char *text = NULL;
		char name[NAME_SIZE];
		size_t len;
		FILE *one;

		if (entry->policy.mode == SMTP_FIXUP_MODE_OFF)
			continue;
		one = open_memstream(&text, &len);
		if (!one)
			return true;
		put_policy(one, entry);
		fclose(one);
		fputs(text, out);
		put_name(name, entry->range);
		/* An ASA has one global policy, so it stands in that of this port */
		if (!*entry->policy.iif) {
			char *whole;

			if (asprintf(&whole, "%sservice-policy %s-policy global\n", text,
				     name) < 0)
				whole = NULL;
			free(text);
			text = whole;
			if (global)
				fprintf(out, "! an ASA has one global policy: put class %s into it\n",
					name);
			else
				fprintf(out, "service-policy %s-policy global\n", name);
			global = true;
		}
		lost |= !text || put_lost(out, entry, text);
		free(text);
	}
	return lost;
}

static int export_run(struct cli *cli)
{
	struct policy_list list = { 0 };
	const struct reply reply = { policy_list_add, policy_list_clear, &list };
	struct ports ports = { 0 };
	struct cli rest = *cli;		/* behind "asa" */
	int rc;

	if (!cli->argc || strcmp(cli->argv[0], "asa"))
		return reason_usage(cli->why, "export writes for one kind of device: export asa");
	if (cli->json)
		return reason_usage(cli->why, "export writes lines of an ASA, not JSON; show -j has that");
	rest.argc--;
	rest.argv++;
	rc = cli_ports(&rest, &ports);
	if (!rc)
		rc = netlink_read(SMTP_FIXUP_CMD_POLICY_GET, &reply, cli->why);
	if (!rc) {
		policy_list_select(&list, &ports);
		if (export_policies(cli->out, &list))
			cli->status = EXIT_DEVICE;
	}
	policy_list_clear(&list);
	ports_free(&ports);
	return rc;
}

static void export_complete(const struct completion *c)
{
	if (c->argc)
		propose_ports(c);
	else
		propose(c, "asa");
}

const struct verb verb_export = {
	.name = "export",
	.usage = "asa [PORTS]",
	.doc = "print the policy in force as an ASA would have it",
	.detail =
		"Each policy becomes a class-map, a policy-map type inspect esmtp, and a\n"
		"policy-map with its service-policy. An option that an ASA does not have stands\n"
		"as a comment, and the exit status is 3.\n",
	.example = "export asa 25",
	.run = export_run,
	.complete = export_complete,
};
