// SPDX-License-Identifier: GPL-2.0-only
/* stats [PORTS] [--explain] */
#include <string.h>

#include "cli.h"
#include "netlink.h"
#include "output.h"
#include "show.h"

/* In the order of stats_flags[] */
#define STATS_EXPLAIN		1
#define STATS_PROMETHEUS	2
#define STATS_RESET		4

#define COUNTER_TEXT_SIZE sizeof("counter_65535")

/* A newer kernel's counter has no name here. */
static const char *counter_text(unsigned int id, char buf[COUNTER_TEXT_SIZE])
{
	if (id < __SMTP_FIXUP_CNT_MAX)
		return smtp_counter_names[id];
	snprintf(buf, COUNTER_TEXT_SIZE, "counter_%hu", (u16)id);
	return buf;
}

#define COUNTER_TEXT(id) counter_text(id, (char[COUNTER_TEXT_SIZE]) { 0 })

static const char *counter_explanation(unsigned int id)
{
	return id < __SMTP_FIXUP_CNT_MAX ?
	       smtp_counter_explanations[id] :
	       "this tool is older than the counter";
}

static int name_width(void)
{
	size_t width = 0;

	for (unsigned int i = 0; i < __SMTP_FIXUP_CNT_MAX; i++) {
		if (strlen(smtp_counter_names[i]) > width)
			width = strlen(smtp_counter_names[i]);
	}
	return width;
}

void stats_text(FILE *out, const struct stats_list *list, bool explain)
{
	const int width = name_width();

	for (size_t i = 0; i < list->count; i++) {
		const struct stats_entry *entry = &list->item[i];

		fprintf(out, "port %s mode %s\n", RANGE_TEXT(entry->range),
			WORD_TEXT(&mode_words, entry->mode));
		for (unsigned int n = 0; n < entry->count; n++) {
			const struct counter_value *counter = &entry->counter[n];

			fprintf(out, "  %-*s %*llu", width,
				COUNTER_TEXT(counter->id), explain ? 12 : 0,
				(unsigned long long)counter->value);
			if (explain)
				fprintf(out, "  %s",
					counter_explanation(counter->id));
			fputc('\n', out);
		}
	}
}

int stats_json(FILE *out, const struct stats_list *list, bool explain,
	       struct reason *why)
{
	struct json_list json;

	json_list_begin(&json, out);
	for (size_t i = 0; i < list->count; i++) {
		const struct stats_entry *entry = &list->item[i];
		json_t *object = json_object();
		json_t *texts = explain ? json_object() : NULL;

		json_put_range(object, entry->range);
		json_put_word(object, "mode", &mode_words, entry->mode);
		for (unsigned int n = 0; n < entry->count; n++) {
			const struct counter_value *counter = &entry->counter[n];
			char buf[COUNTER_TEXT_SIZE];
			const char *name = counter_text(counter->id, buf);

			json_put_u64(object, name, counter->value);
			if (explain)
				json_object_set_new(texts, name,
						    json_string(counter_explanation(counter->id)));
		}
		if (explain)
			json_object_set_new(object, "explanations", texts);
		json_list_add(&json, object);
	}
	return json_list_end(&json, why);
}

/* A counter after the other, as the format wants it, each with all policies */
void stats_prometheus(FILE *out, const struct stats_list *list)
{
	unsigned int count = 0;

	fputs("# HELP smtpfixup_policies Ranges of ports that are under a policy.\n"
	      "# TYPE smtpfixup_policies gauge\n", out);
	fprintf(out, "smtpfixup_policies %zu\n", list->count);
	fputs("# HELP smtpfixup_policy_info The policy's mode, by its ports.\n"
	      "# TYPE smtpfixup_policy_info gauge\n", out);
	for (size_t i = 0; i < list->count; i++) {
		fprintf(out, "smtpfixup_policy_info{ports=\"%s\",mode=\"%s\"} 1\n",
			RANGE_TEXT(list->item[i].range),
			WORD_TEXT(&mode_words, list->item[i].mode));
		if (list->item[i].count > count)
			count = list->item[i].count;
	}
	for (unsigned int n = 0; n < count; n++) {
		const unsigned int id = list->item[0].counter[n].id;

		fprintf(out, "# HELP smtpfixup_%s_total ", COUNTER_TEXT(id));
		for (const char *c = counter_explanation(id); *c; c++)
			fprintf(out, *c == '\\' ? "\\\\" : "%c", *c);
		fprintf(out, "\n# TYPE smtpfixup_%s_total counter\n",
			COUNTER_TEXT(id));
		for (size_t i = 0; i < list->count; i++) {
			const struct stats_entry *entry = &list->item[i];

			if (n < entry->count)
				fprintf(out, "smtpfixup_%s_total{ports=\"%s\"} %llu\n",
					COUNTER_TEXT(id), RANGE_TEXT(entry->range),
					(unsigned long long)entry->counter[n].value);
		}
	}
}

/* What the counters mean needs no kernel. */
static int explain_all(struct cli *cli)
{
	struct json_list json;

	if (!cli->json) {
		for (unsigned int i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
			fprintf(cli->out, "%-*s  %s\n", name_width(),
				smtp_counter_names[i],
				smtp_counter_explanations[i]);
		return 0;
	}
	json_list_begin(&json, cli->out);
	for (unsigned int i = 0; i < __SMTP_FIXUP_CNT_MAX; i++)
		json_list_add(&json, json_pack("{ssss}", "name",
					       smtp_counter_names[i],
					       "explanation",
					       smtp_counter_explanations[i]));
	return json_list_end(&json, cli->why);
}

static int stats_run(struct cli *cli)
{
	struct stats_list list = { 0 };
	struct reply reply = { stats_list_add, stats_list_clear, &list };
	const bool explain = cli->flags & STATS_EXPLAIN;
	u8 cmd = SMTP_FIXUP_CMD_STATS_GET;
	struct ports ports;
	int rc;

	if (cli->flags & STATS_PROMETHEUS && (cli->json || explain))
		return reason_usage(cli->why, "--prometheus is a format of its own; leave out %s",
				    explain ? "--explain" : "-j");
	if (cli->flags & STATS_RESET) {
		if (cli->argc)
			return reason_usage(cli->why, "--reset is for the counters of all policies; leave out %s",
					    QUOTED(cli->argv[0]));
		if (explain)
			return reason_usage(cli->why, "--explain with --reset makes no sense; leave out one of them");
		/* The counters that were reported are reset, so do not try again */
		cmd = SMTP_FIXUP_CMD_STATS_ZERO;
		reply.clear = NULL;
	}
	if (explain && !cli->argc)
		return explain_all(cli);

	rc = cli_ports(cli, &ports);
	if (!rc)
		rc = netlink_read(cmd, &reply, cli->why);
	if (!rc) {
		stats_list_select(&list, &ports);
		if (cli->flags & STATS_PROMETHEUS)
			stats_prometheus(cli->out, &list);
		else if (cli->json)
			rc = stats_json(cli->out, &list, explain, cli->why);
		else
			stats_text(cli->out, &list, explain);
	}
	stats_list_clear(&list);
	ports_free(&ports);
	return rc;
}

static void stats_complete(const struct completion *c)
{
	if (!c->argc)
		propose_ports(c);
}

static const struct flag stats_flags[] = {
	{ "--explain", "say what each counter means" },
	{ "--prometheus", "print in the text format of Prometheus" },
	{ "--reset", "let every counter begin again at 0, with what it prints" },
	{ NULL, NULL }
};

const struct verb verb_stats = {
	.name = "stats",
	.usage = "[--prometheus] [PORTS]\n--explain [PORTS]\n--reset",
	.doc = "print the counters of every policy",
	.detail =
		"They count from when the ports were first set, or from the last --reset, which\n"
		"loses nothing and counts nothing twice, and needs CAP_NET_ADMIN. With PORTS, only what covers\n"
		"one of them. --explain alone explains every counter, without numbers, and\n"
		"needs no kernel module; with PORTS it puts the explanations after the numbers.\n",
	.example = "stats 25",
	.flags = stats_flags,
	.run = stats_run,
	.complete = stats_complete,
};
