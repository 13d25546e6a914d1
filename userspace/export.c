// SPDX-License-Identifier: GPL-2.0-only
/* export asa [PORTS] */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "import_parts.h"
#include "lines.h"
#include "netlink.h"
#include "output.h"
#include "patterns.h"
#include "set.h"

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
	for (int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit *limit = &policy->limits[i];
		const char *condition = import_condition(smtp_limit_names[i], true);

		/* MAIL begins a message: condition_rate() */
		if (i == SMTP_FIXUP_LIMIT_RATE && limit->action == SMTP_FIXUP_ACTION_WAIT)
			fprintf(out, " match cmd verb MAIL\n  rate-limit %u\n", limit->max);
		if (!limit->action || !condition)
			continue;
		fprintf(out, " match %s gt %u\n", condition, limit->max);
		put_action(out, limit->action);
	}
}

/* Words that an ASA lets pass and this policy masks; @ours: verb or keyword */
static void put_masked(FILE *out, const char *ours, u64 masked,
		       const struct smtp_word *table, unsigned int count)
{
	char *words = NULL;
	size_t len;
	FILE *f = import_stream(&words, &len);

	for (unsigned int i = 0; i < count; i++) {
		bool negated = false;

		if (masked >> i & 1)
			free(import_words_back(ours, table[i].text, &negated, f));
	}
	fclose(f);
	if (*words)
		fprintf(out, " match %s%s\n  mask\n", import_condition(ours, false), words);
	free(words);
}

/* -- matches ------------------------------------------------------------ */

/* Octets that an ASA's regular expression has at most */
#define REGEX_MAX 100

/**
 * struct exported - the matches of a policy, being written
 * @name: the policy's name
 * @before: gets the lines before the map
 * @map: gets the map's lines
 * @parameters: gets the lines of its parameters
 * @regex: how many regex lines have been written
 * @back: the options that import will read from them, or NULL
 */
struct exported {
	const char *name;
	FILE *before;
	FILE *map;
	FILE *parameters;
	unsigned int regex;
	struct criteria *back;
};

static void put_either_case(FILE *out, char c)
{
	if (isalpha((unsigned char)c))
		fprintf(out, "[%c%c]", tolower((unsigned char)c), toupper((unsigned char)c));
	else
		fputc(c, out);
}

/* Writes a regular expression for an ASA, which has no $ and no way to ignore case. */
static bool regexp_back(FILE *out, const char *at, const char *end, bool nocase)
{
	bool bracket = false;

	for (; at < end; at++) {
		if (*at == '\\' && at + 1 < end) {
			if (at[1] != '/')
				fputc(*at, out);
			fputc(*++at, out);
			continue;
		}
		if ((*at == '$' && !bracket) || (*at == '[' && nocase))
			return false;
		if (*at == '[' || *at == ']')
			bracket = *at == '[';
		if (nocase)
			put_either_case(out, *at);
		else
			fputc(*at, out);
	}
	return true;
}

/* A glob must match all of a value. An ASA has no $, so the glob must end with *. */
static bool glob_back(FILE *out, const char *at, const char *end)
{
	if (at == end || end[-1] != '*' || (end - at > 1 && end[-2] == '\\'))
		return false;
	end--;
	if (at < end && *at == '*')
		at++;
	else
		fputc('^', out);
	for (; at < end; at++) {
		if (*at == '[')
			return false;
		if (*at == '*' || *at == '?')
			fputs(*at == '*' ? ".*" : ".", out);
		else if (*at == '\\' && at + 1 < end)
			fprintf(out, "\\%c", *++at);
		else if (strchr(".()|+{}^$]", *at))
			fprintf(out, "\\%c", *at);
		else
			put_either_case(out, *at);
	}
	return true;
}

/* One pattern, from @at to @end, as a regular expression of an ASA; NULL: there is none
 */
static char *pattern_back(const char *at, const char *end)
{
	char *text = NULL;
	size_t len;
	FILE *out = import_stream(&text, &len);
	const bool nocase = *at == '/' && end[-1] == 'i';
	bool good;

	if (*at == '/')
		good = regexp_back(out, at + 1, end - 1 - nocase, nocase);
	else if (*at == '"')
		good = glob_back(out, at + 1, end - 1);
	else
		good = glob_back(out, at, end);
	fclose(out);
	if (good && *text && len <= REGEX_MAX && !strchr(text, '"'))
		return text;
	free(text);
	return NULL;
}

/* An ASA's regular expression as import writes it */
static char *between_slashes(const char *expr)
{
	char *text = NULL;
	size_t len;
	FILE *out = import_stream(&text, &len);

	fputc('/', out);
	for (; *expr; expr++) {
		if (*expr == '\\' && expr[1])
			fputc(*expr++, out);
		else if (*expr == '/')
			fputc('\\', out);
		fputc(*expr, out);
	}
	fputc('/', out);
	fclose(out);
	return text;
}

/* Writes the patterns of a match as "regex" lines. Returns the words after "regex" in the
 * match, and in *@back the patterns that import will read; NULL: an ASA can't have them.
 */
static char *patterns_back(struct exported *e, const char *list, char **back)
{
	const unsigned int first = e->regex;
	char *lines = NULL, *ignored = NULL, *use;
	size_t len, ignored_len;
	FILE *out = import_stream(&lines, &len);
	FILE *nothing = import_stream(&ignored, &ignored_len);
	struct reason why;
	bool good = true;

	*back = NULL;
	while (good && *list) {
		const char *at = list;
		char *expr;

		good = pattern_next(&list, nothing, &why) > 0;
		expr = good ? pattern_back(at, list - (*list != '\0')) : NULL;
		good = expr;
		if (expr) {
			fprintf(out, "regex %s-%u \"%s\"\n", e->name, ++e->regex, expr);
			*back = import_join(*back, between_slashes(expr));
		}
		free(expr);
	}
	if (good && e->regex > first + 1) {
		fprintf(out, "class-map type regex match-any %s-%u-any\n", e->name, first + 1);
		for (unsigned int i = first + 1; i <= e->regex; i++)
			fprintf(out, " match regex %s-%u\n", e->name, i);
		use = import_text("class %s-%u-any", e->name, first + 1);
	} else {
		use = import_text("%s-%u", e->name, first + 1);
	}
	fclose(out);
	fclose(nothing);
	if (good)
		fputs(lines, e->before);
	free(lines);
	free(ignored);
	if (good)
		return use;
	free(use);
	free(*back);
	*back = NULL;
	e->regex = first;
	return NULL;
}

/* The domain of a relay match. An ASA takes one */
static char *relay_back(struct exported *e, const struct smtp_criterion *m)
{
	static const char domain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (m->patterns[strspn(m->patterns, domain)] ||
	    (m->action != SMTP_FIXUP_ACTION_DROP && m->action != SMTP_FIXUP_ACTION_LOG) ||
	    ftell(e->parameters) > 0)
		return NULL;
	fprintf(e->parameters, "  mail-relay %s action %s\n", m->patterns,
		m->action == SMTP_FIXUP_ACTION_LOG ? "log" : "drop-connection log");
	return import_text("%s", m->patterns);
}

/* Writes a match. Returns whether an ASA can have it. */
static bool put_match(struct exported *e, const struct smtp_criterion *m)
{
	const char *ours = smtp_what_names[m->what];
	const char *condition = import_condition(ours, false);
	char *back = NULL, *use = NULL, *words = NULL;
	bool negated = m->negated;
	size_t len;
	FILE *f;

	if (m->what == SMTP_FIXUP_WHAT_RELAY) {
		back = relay_back(e, m);
	} else if (condition && strstr(condition, "regex")) {
		if (m->action != SMTP_FIXUP_ACTION_MASK)
			use = patterns_back(e, m->patterns, &back);
	} else if (condition) {
		f = import_stream(&words, &len);
		back = import_words_back(ours, m->patterns, &negated, f);
		fclose(f);
	}
	if (back && m->what != SMTP_FIXUP_WHAT_RELAY) {
		fprintf(e->map, " match %s%s%s%s\n", negated ? "not " : "", condition,
			use ? " " : "", use ? use : words);
		if (m->action == SMTP_FIXUP_ACTION_MASK)
			fputs("  mask log\n", e->map);
		else
			put_action(e->map, m->action);
	}
	if (back)
		criteria_add(&e->back, m->what, m->action, m->negated, back, strlen(back),
			     NULL);
	free(words);
	free(use);
	free(back);
	return back;
}

/* "match keyword STARTTLS mask", beside "ehlo keep", is what 'no allow-tls' means */
static bool is_no_tls(const struct smtp_policy *policy, const struct smtp_criterion *m)
{
	return m->what == SMTP_FIXUP_WHAT_KEYWORD && !m->negated &&
	       m->action == SMTP_FIXUP_ACTION_MASK && !strcmp(m->patterns, "STARTTLS") &&
	       policy->ehlo == SMTP_FIXUP_EHLO_KEEP &&
	       policy->tls == SMTP_FIXUP_TLS_MASK;
}

/* The matches that an ASA can have. The others are named in @lost. */
static void put_matches(struct exported *e, const struct policy_entry *entry, FILE *lost)
{
	const struct smtp_criteria *c = entry->policy.criteria;

	for (u32 i = 0; c && i < c->nr; i++) {
		const struct smtp_criterion *m = &c->criterion[i];

		if (is_no_tls(&entry->policy, m))
			criteria_add(&e->back, m->what, m->action, m->negated,
				     m->patterns, m->len - (m->patterns - m->text), NULL);
		else if (!put_match(e, m))
			fprintf(lost, "! port %s: no equivalent: %s%s: %s\n",
				RANGE_TEXT(entry->range),
				m->what == SMTP_FIXUP_WHAT_RELAY ||
				m->what == SMTP_FIXUP_WHAT_MECHANISM ? "" : "match ",
				m->text, WORD_TEXT(&action_words, m->action));
	}
}

static void put_map(struct exported *e, const struct smtp_policy *policy)
{
	FILE *out = e->map;
	struct smtp_policy asa;

	smtp_policy_init(&asa, SMTP_FIXUP_MODE_ASA);
	put_limits(out, policy);
	smtp_policy_set_tls(&asa, policy->tls);
	put_masked(out, "verb", asa.verbs & ~policy->verbs, smtp_verbs,
		   __SMTP_FIXUP_VERB_MAX);
	smtp_policy_set_verbs(&asa, policy->verbs);
	if (policy->ehlo != SMTP_FIXUP_EHLO_KEEP) {
		put_masked(out, "keyword", asa.keywords & ~policy->keywords,
			   smtp_keywords, __SMTP_FIXUP_KEYWORD_MAX);
		fputs(" match ehlo-reply-parameter others\n  mask\n", out);
	}
}

static void put_parameters(FILE *out, const struct smtp_policy *policy)
{
	fprintf(out, "  %smask-banner\n",
		policy->banner == SMTP_FIXUP_BANNER_KEEP ? "no " : "");
	fprintf(out, "  %sallow-tls\n", policy->tls == SMTP_FIXUP_TLS_MASK ? "no " : "");
	if (policy->special == SMTP_FIXUP_SPECIAL_LOG)
		fputs("  special-character action log\n", out);
	else if (policy->special != SMTP_FIXUP_SPECIAL_OFF)
		fputs("  special-character action drop-connection log\n", out);
}

/* Writes the class-map and the map of a policy, and to @lost the matches that an ASA
 * can't have. *@back: the options that import will read from the others.
 */
static void put_policy(FILE *out, const struct policy_entry *entry, FILE *lost,
		       struct criteria **back)
{
	char name[NAME_SIZE], *map = NULL, *parameters = NULL;
	size_t map_len, parameters_len;
	struct exported e = {
		.name = name,
		.before = out,
		.map = import_stream(&map, &map_len),
		.parameters = import_stream(&parameters, &parameters_len),
	};

	put_name(name, entry->range);
	put_class(out, name, entry->range);
	put_map(&e, &entry->policy);
	put_matches(&e, entry, lost);
	fclose(e.map);
	fclose(e.parameters);
	fprintf(out, "policy-map type inspect esmtp %s\n parameters\n", name);
	put_parameters(out, &entry->policy);
	fprintf(out, "%s%s", parameters, map);
	free(parameters);
	free(map);
	*back = e.back;
}

/* -- what is lost ------------------------------------------------------- */

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

/* Imports the text into @req, to be freed; false: it has no set line */
static bool read_back(const char *text, struct set_request *req)
{
	char *copy = strdup(text), *words[LINE_WORDS_MAX];
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
		set_free(req);
		good = argc > 0 && !set_parse(req, argc - 1, words + 1, &ignored);
	}
	import_result_free(&result);
	config_free(&config);
	free(copy);
	return good;
}

/* Are the matches that look at the same kind of value equal, and in the same order?
 * import puts matches that log after the others.
 */
static bool same_matches(const struct criteria *want, const struct criteria *got)
{
	const u32 wanted = want ? want->spec.nr : 0;
	u32 found = 0;

	if (wanted != (got ? got->spec.nr : 0))
		return false;
	for (u8 what = 0; what < __SMTP_FIXUP_WHAT_MAX; what++) {
		u32 k = 0;

		for (u32 i = 0; i < wanted; i++) {
			if (want->spec.match[i].what != what)
				continue;
			while (k < wanted && got->spec.match[k].what != what)
				k++;
			if (k == wanted ||
			    want->spec.match[i].action != got->spec.match[k].action ||
			    want->spec.match[i].negated != got->spec.match[k].negated ||
			    strcmp(want->spec.match[i].patterns, got->spec.match[k].patterns))
				return false;
			found++;
			k++;
		}
	}
	return found == wanted;
}

/* Names the options that the text has lost. Returns whether there are any. */
static bool put_lost(FILE *out, const struct policy_entry *entry, const char *text,
		     const struct criteria *matches)
{
	struct set_request back = { 0 };
	bool lost = false;

	if (!read_back(text, &back)) {
		set_free(&back);
		fprintf(out, "! port %s: no equivalent\n", RANGE_TEXT(entry->range));
		return true;
	}
	for (unsigned int i = 0; i < set_options_count; i++) {
		char *want, *got;

		if (set_options[i]->attr == SMTP_FIXUP_A_MATCHES)
			continue;
		want = option_text(set_options[i], &entry->policy);
		got = option_text(set_options[i], &back.policy);
		if (want && got && strcmp(want, got)) {
			fprintf(out, "! port %s: no equivalent:%s\n",
				RANGE_TEXT(entry->range),
				*want ? want : " what an ASA does beyond this policy");
			lost = true;
		}
		free(want);
		free(got);
	}
	if (!same_matches(matches, back.criteria)) {
		fprintf(out, "! port %s: no equivalent: the order of the matches; an ASA goes on after one that logs\n",
			RANGE_TEXT(entry->range));
		lost = true;
	}
	set_free(&back);
	return lost;
}

/* The narrowest range first: here it has precedence, and an ASA uses the first class that
 * fits
 */
static int narrow_first(const void *a, const void *b)
{
	const struct port_range *one = &((const struct policy_entry *)a)->range;
	const struct port_range *other = &((const struct policy_entry *)b)->range;
	const int wider = (one->last - one->first) - (other->last - other->first);

	return wider ? wider : one->first - other->first;
}

/* Exports one policy, and imports it again, with a policy-map and service-policy of its
 * own
 */
static bool export_policy(FILE *out, const struct policy_entry *entry)
{
	char *text = NULL, *lost_text = NULL, *whole, name[NAME_SIZE];
	struct criteria *back = NULL;
	size_t len, lost_len;
	FILE *one = import_stream(&text, &len), *lost = import_stream(&lost_text, &lost_len);
	bool is_lost;

	put_name(name, entry->range);
	put_policy(one, entry, lost, &back);
	fclose(one);
	fclose(lost);
	whole = import_text("%spolicy-map P\n class %s\n  inspect esmtp %s\nservice-policy P %s%s\n",
			    text, name, name, *entry->policy.iif ? "interface " : "global",
			    entry->policy.iif);
	fprintf(out, "%s%s", text, lost_text);
	is_lost = put_lost(out, entry, whole, back) || *lost_text;
	criteria_free(back);
	free(whole);
	free(lost_text);
	free(text);
	return is_lost;
}

/* An ASA has one global policy-map, and one for each interface. The first policy there
 * gives it its name, and the others are classes of it.
 */
static void export_services(FILE *out, const struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *first = &list->item[i];
		bool begun = false;
		char name[NAME_SIZE];

		for (size_t k = 0; k < i && !begun; k++)
			begun = list->item[k].policy.mode != SMTP_FIXUP_MODE_OFF &&
				!strcmp(list->item[k].policy.iif, first->policy.iif);
		if (begun || first->policy.mode == SMTP_FIXUP_MODE_OFF)
			continue;
		put_name(name, first->range);
		fprintf(out, "policy-map %s-policy\n", name);
		for (size_t k = i; k < list->count; k++) {
			const struct policy_entry *entry = &list->item[k];
			char class[NAME_SIZE];

			if (entry->policy.mode == SMTP_FIXUP_MODE_OFF ||
			    strcmp(entry->policy.iif, first->policy.iif))
				continue;
			put_name(class, entry->range);
			fprintf(out, " class %s\n  inspect esmtp %s\n", class, class);
		}
		fprintf(out, "service-policy %s-policy %s%s\n", name,
			*first->policy.iif ? "interface " : "global", first->policy.iif);
	}
}

/* An ASA's class without "inspect" does not keep a port out of a later one */
static bool export_off(FILE *out, const struct policy_list *list,
		       const struct policy_entry *off)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *entry = &list->item[i];

		if (entry->policy.mode == SMTP_FIXUP_MODE_OFF ||
		    !range_overlap(entry->range, off->range))
			continue;
		fprintf(out, "! port %s: no equivalent: off, within %s\n",
			RANGE_TEXT(off->range), RANGE_TEXT(entry->range));
		return true;
	}
	return false;
}

static bool export_policies(FILE *out, struct policy_list *list)
{
	bool lost = false;

	if (list->count)
		qsort(list->item, list->count, sizeof(*list->item), narrow_first);
	for (size_t i = 0; i < list->count; i++) {
		const struct policy_entry *entry = &list->item[i];

		if (entry->policy.mode == SMTP_FIXUP_MODE_OFF)
			lost |= export_off(out, list, entry);
		else
			lost |= export_policy(out, entry);
	}
	export_services(out, list);
	return lost;
}

static int export_run(struct cli *cli)
{
	struct policy_list list = { 0 };
	const struct reply reply = { policy_list_add, policy_list_clear, &list };
	struct ports ports = { 0 };
	struct cli rest = *cli;		/* after "asa" */
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
		"Each policy becomes a class-map and a policy-map type inspect esmtp. The policies\n"
		"of an interface, or of all, are classes of one policy-map with its\n"
		"service-policy. What an ASA does not have stands as a comment, and the exit\n"
		"status is 3.\n",
	.example = "export asa 25",
	.run = export_run,
	.complete = export_complete,
};
