// SPDX-License-Identifier: GPL-2.0-only
/* check [FILE]: is the configuration in force, and does it work? A monitoring plugin: the
 * first line and the exit status have the result, the other lines the reasons.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "idle.h"
#include "lines.h"
#include "module.h"
#include "netlink.h"
#include "output.h"
#include "restore.h"

/* Warn when conntrack has this percentage of its limit of connections */
#define CONNTRACK_WARN	90

enum check_status {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_CRITICAL,
};

static const char *const status_names[] = { "ok", "warning", "critical" };

/**
 * struct check - the findings so far
 * @worst: the worst one
 * @text: lines for people
 * @json: the same
 * @policies: how many are in force, off not counted
 * @connections: how many were judged
 */
struct check {
	enum check_status worst;
	FILE *text;
	json_t *json;
	size_t policies;
	u64 connections;
};

static void found(struct check *check, enum check_status status,
		  const char *what, const char *format, ...)
{
	char text[600];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	if (status > check->worst)
		check->worst = status;
	fprintf(check->text, "%-8s  %-9s  %s\n", status_names[status], what, text);
	json_array_append_new(check->json,
			      json_pack("{ssssss}", "check", what, "status",
					status_names[status], "text", text));
}

static void check_version(struct check *check)
{
	char version[64];

	if (!read_line(MODULE_SYSFS "version", version, sizeof(version)))
		found(check, CHECK_WARNING, "module",
		      "loaded, but its version can't be told");
	else if (strcmp(version, SMTPFIXUP_VERSION))
		found(check, CHECK_WARNING, "module",
		      "version %s is loaded, this tool is " SMTPFIXUP_VERSION,
		      version);
	else
		found(check, CHECK_OK, "module", "version %s is loaded", version);
}

/* The options of a policy as a line has them; to be freed */
static char *options_text(const struct smtp_policy *policy)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs(WORD_TEXT(&mode_words, policy->mode), f);
	options_print(f, policy);
	fclose(f);
	return text;
}

static bool policies_equal(const struct smtp_policy *a,
			   const struct smtp_policy *b)
{
	char *x = options_text(a), *y = options_text(b);
	bool equal = x && y && !strcmp(x, y);

	free(x);
	free(y);
	return equal;
}

/* The file's last line for exactly this range, or NULL */
static const struct smtp_policy *wanted(const struct line_list *lines,
					struct port_range range)
{
	for (size_t i = lines->count; i--;) {
		const struct set_request *req = &lines->item[i];

		for (size_t n = 0; n < req->ports.count; n++) {
			if (!range_compare(&req->ports.range[n], &range))
				return &req->policy;
		}
	}
	return NULL;
}

static const struct smtp_policy *in_force(const struct policy_list *list,
					  struct port_range range)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!range_compare(&list->item[i].range, &range))
			return &list->item[i].policy;
	}
	return NULL;
}

/* "off" stays in force only where it hides something: no policy is the same */
static bool is_off(const struct smtp_policy *policy)
{
	return !policy || policy->mode == SMTP_FIXUP_MODE_OFF;
}

static bool compare_range(struct check *check, struct port_range range,
			  const struct smtp_policy *is,
			  const struct smtp_policy *should, const char *name)
{
	if (is_off(is) && is_off(should))
		return true;
	if (is_off(is))
		found(check, CHECK_CRITICAL, "policies",
		      "port %s is not filtered, but %s has a policy for it",
		      RANGE_TEXT(range), name);
	else if (is_off(should))
		found(check, CHECK_WARNING, "policies",
		      "port %s has a policy that %s does not have; the next boot ends it",
		      RANGE_TEXT(range), name);
	else if (!policies_equal(is, should))
		found(check, CHECK_WARNING, "policies",
		      "the policy of port %s is not that of %s",
		      RANGE_TEXT(range), name);
	else
		return true;
	return false;
}

static void compare(struct check *check, const struct policy_list *list,
		    const struct line_list *lines, const char *name)
{
	bool same = true;

	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *entry = &list->item[i];

		same &= compare_range(check, entry->range, &entry->policy,
				      wanted(lines, entry->range), name);
	}
	for (size_t i = 0; i < lines->count; i++) {
		const struct ports *ports = &lines->item[i].ports;

		for (size_t n = 0; n < ports->count; n++) {
			const struct port_range range = ports->range[n];

			if (!in_force(list, range))
				same &= compare_range(check, range, NULL,
						      wanted(lines, range), name);
		}
	}
	if (same)
		found(check, CHECK_OK, "policies", "%zu in force, as in %s",
		      check->policies, name);
}

static void check_policies(struct check *check, const struct policy_list *list,
			   const char *file)
{
	const char *name = file ? file : DEFAULT_FILE;
	struct reason why = { 0 };
	struct line_list lines;
	size_t len;
	char *text;

	for (size_t i = 0; i < list->count; i++)
		check->policies += !is_off(&list->item[i].policy);
	if (!file && access(name, F_OK) && errno == ENOENT) {
		if (check->policies)
			found(check, CHECK_WARNING, "policies",
			      "%zu in force, none for the next boot; 'smtpfixup save --default' keeps them",
			      check->policies);
		else
			found(check, CHECK_WARNING, "policies",
			      "none is in force, and %s is not there", name);
		return;
	}
	text = restore_read(name, &name, &len, &why);
	if (!text) {
		found(check, CHECK_CRITICAL, "policies", "%s", why.text);
		return;
	}
	if (lines_parse(&lines, name, text, len, &why))
		found(check, CHECK_CRITICAL, "policies", "%s", why.text);
	else
		compare(check, list, &lines, name);
	lines_free(&lines);
	free(text);
}

static void check_selection(struct check *check, const struct policy_list *list)
{
	char buf[IDLE_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		const char *why = policy_idle(&list->item[i].policy, buf);

		if (why)
			found(check, CHECK_WARNING, "selection",
			      "the policy of port %s selects no connection: %s",
			      RANGE_TEXT(list->item[i].range), why);
	}
}

static bool read_number(const char *path, unsigned long *number)
{
	char line[32], *end;

	if (!read_line(path, line, sizeof(line)))
		return false;
	*number = strtoul(line, &end, 10);
	return end > line && !*end;
}

static void check_conntrack(struct check *check)
{
	unsigned long count, max;

	if (!check->policies)
		return;
	if (!read_number("/proc/sys/net/netfilter/nf_conntrack_count", &count) ||
	    !read_number("/proc/sys/net/netfilter/nf_conntrack_max", &max)) {
		found(check, CHECK_CRITICAL, "conntrack",
		      "connection tracking is off: nothing can be filtered");
		return;
	}
	found(check, count >= max ? CHECK_CRITICAL :
	      count >= max / 100 * CONNTRACK_WARN && max >= 100 ? CHECK_WARNING :
	      CHECK_OK, "conntrack", "%lu of %lu connections%s", count, max,
	      count >= max ? "; new ones are dropped" : "");
}

/* Counters that show that something is wrong */
static const struct {
	unsigned int id;
	const char *what;
	const char *text;
} suspects[] = {
	{ SMTP_FIXUP_CNT_MEMORY_REFUSED, "memory", "were refused memory" },
	{ SMTP_FIXUP_CNT_CONNECTIONS_OTHER_HELPER, "flows",
	  "connections have another conntrack helper, and are not judged" },
	{ SMTP_FIXUP_CNT_PACKETS_UNTRACKED, "flows",
	  "packets were hidden from connection tracking (notrack)" },
	{ SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED, "flows",
	  "connections were reset since they could not be judged any more" },
	{ SMTP_FIXUP_CNT_CONNECTIONS_PREEXISTING, "flows",
	  "connections are older than the policy, and are not judged" },
	{ SMTP_FIXUP_CNT_MIDSTREAM_PASSED, "flows",
	  "connections passed unjudged, by the option midstream" },
};

static u64 counter_of(const struct stats_entry *entry, unsigned int id)
{
	for (unsigned int n = 0; n < entry->count; n++) {
		if (entry->counter[n].id == id)
			return entry->counter[n].value;
	}
	return 0;
}

static void check_counters(struct check *check, const struct stats_list *list)
{
	const enum check_status worst = check->worst;
	bool suspect = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct stats_entry *entry = &list->item[i];

		check->connections += counter_of(entry, SMTP_FIXUP_CNT_CONNECTIONS);
		for (size_t n = 0; n < sizeof(suspects) / sizeof(*suspects); n++) {
			const u64 value = counter_of(entry, suspects[n].id);

			if (!value)
				continue;
			suspect = true;
			found(check, CHECK_WARNING, suspects[n].what,
			      "port %s: %llu %s", RANGE_TEXT(entry->range),
			      (unsigned long long)value, suspects[n].text);
		}
	}
	if (suspect && check->worst > worst)
		found(check, CHECK_OK, "flows",
		      "once that is understood, 'smtpfixup stats --reset' lets the counters begin again");
	if (check->policies)
		found(check, CHECK_OK, "flows", "%llu connections judged",
		      (unsigned long long)check->connections);
}

static void check_all(struct check *check, const char *file)
{
	struct policy_list policies = { 0 };
	struct stats_list stats = { 0 };
	const struct reply reply = { policy_list_add, policy_list_clear, &policies };
	const struct reply count = { stats_list_add, stats_list_clear, &stats };
	struct reason why = { 0 };

	if (netlink_read(SMTP_FIXUP_CMD_POLICY_GET, &reply, &why) ||
	    netlink_read(SMTP_FIXUP_CMD_STATS_GET, &count, &why)) {
		found(check, CHECK_CRITICAL, "module", "%s", why.text);
	} else {
		check_version(check);
		check_policies(check, &policies, file);
		check_selection(check, &policies);
		check_conntrack(check);
		check_counters(check, &stats);
	}
	policy_list_clear(&policies);
	stats_list_clear(&stats);
}

static int check_print(struct cli *cli, struct check *check, const char *text)
{
	static const char *const titles[] = { "OK", "WARNING", "CRITICAL" };
	struct json_list json;
	json_t *item;
	size_t i;

	if (!cli->json) {
		fprintf(cli->out, "SMTPFIXUP %s: %zu policies, %llu connections judged\n%s",
			titles[check->worst], check->policies,
			(unsigned long long)check->connections, text);
		return 0;
	}
	json_list_begin(&json, cli->out);
	json_array_foreach(check->json, i, item)
		json_list_add(&json, json_incref(item));
	return json_list_end(&json, cli->why);
}

static int check_run(struct cli *cli)
{
	struct check check = { 0 };
	char *text = NULL;
	size_t len;
	int rc;

	if (cli->argc > 1)
		return reason_usage(cli->why, "%s is one word too many; check takes one file",
				    QUOTED(cli->argv[1]));
	check.json = json_array();
	check.text = open_memstream(&text, &len);
	if (!check.text)
		return reason_local(cli->why, "memory is short");
	check_all(&check, cli->argc ? cli->argv[0] : NULL);
	fclose(check.text);
	rc = check_print(cli, &check, text);
	cli->status = check.worst;
	json_decref(check.json);
	free(text);
	return rc;
}

const struct verb verb_check = {
	.name = "check",
	.usage = "[FILE]",
	.doc = "say whether what is configured is what happens",
	.detail =
		"For monitoring: exit status 0 is ok, 1 a warning, 2 critical. It looks whether\n"
		"the module is loaded and of this version, the policies in force are those of\n"
		"FILE (" DEFAULT_FILE "), each can select connections, connection tracking has\n"
		"room, and counters tell of connections that are not judged.\n",
	.example = "check",
	.run = check_run,
};
