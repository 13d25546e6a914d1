// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps: policy-map type inspect esmtp, and type inspect smtp of a router, with their
 * parameters, conditions and actions. docs/rules.md X. See import.h.
 *
 * An ASA goes on after a match that only logs. Here the first match that acts on a value
 * counts, so matches that log are written after the others.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_parts.h"
#include "lines.h"
#include "set.h"

/**
 * struct map_action - the action lines after a condition
 * @action: enum smtp_fixup_action, or -1: none
 * @log: with "log"
 * @rate: the line with rate-limit, or NULL
 * @next: the index of the line after them
 */
struct map_action {
	int action;
	bool log;
	const struct config_line *rate;
	size_t next;
};

/**
 * struct map_match - a match of the map
 * @line: what it is made from
 * @what: the word after "match"; NULL: a mail-relay
 * @patterns: a list with commas
 * @negated: it acts on what no pattern matches
 * @action: enum smtp_fixup_action
 * @log: with "log"
 */
struct map_match {
	const struct config_line *line;
	const char *what;
	char *patterns;
	bool negated;
	int action;
	bool log;
};

struct map_condition;

/**
 * struct map - a map being read
 * @im: the configuration
 * @conditions: the conditions of this kind of device
 * @mode: the mode of the set line
 * @banner: the word for "banner"
 * @tls: the word for "tls", or NULL: not given
 * @special: the word for "special"
 * @others: EHLO keywords that the device has no name for are masked
 * @rate: messages a second, or NULL
 * @limit: the limits; those not given have max 0
 * @match: the matches, in order
 * @count: how many
 */
struct map {
	struct import *im;
	const struct map_condition *conditions;
	u8 mode;
	const char *banner;
	const char *tls;
	const char *special;
	bool others;
	const char *rate;
	struct smtp_limit limit[__SMTP_FIXUP_LIMIT_MAX];
	struct map_match *match;
	size_t count;
};

/* Does the tool's own parser accept these options? */
static bool options_good(const struct map *map, const char *options,
			 struct reason *why)
{
	char *words[LINE_WORDS_MAX];
	char *line = import_text("set 25 %s %s", smtp_mode_names[map->mode], options);
	struct set_request req = { 0 };
	int argc = line_split(line, words, why);
	bool good = argc > 0 && !set_parse(&req, argc - 1, words + 1, why);

	set_free(&req);
	free(line);
	return good;
}

/* -- actions ------------------------------------------------------------ */

static bool is_action(const struct config_line *line)
{
	static const char *const words[] = {
		"log", "mask", "reset", "drop", "drop-connection", "rate-limit",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (config_word(line, 0, words[i]))
			return true;
	}
	return false;
}

static int action_word(const struct config_line *line, int at)
{
	if (config_word(line, at, "drop-connection") || config_word(line, at, "drop"))
		return SMTP_FIXUP_ACTION_DROP;
	if (config_word(line, at, "reset"))
		return SMTP_FIXUP_ACTION_RESET;
	if (config_word(line, at, "mask"))
		return SMTP_FIXUP_ACTION_MASK;
	return config_word(line, at, "log") ? SMTP_FIXUP_ACTION_LOG : -1;
}

/* Reads the action lines from @at on: the strongest action counts */
static struct map_action actions(struct import *im, size_t at, size_t end)
{
	struct map_action a = { .action = -1 };

	for (; at < end && is_action(&im->config->line[at]); at++) {
		const struct config_line *line = &im->config->line[at];
		int said;

		if (config_word(line, 0, "rate-limit")) {
			a.rate = line;
			continue;
		}
		for (int i = 0; i < line->argc; i++) {
			said = action_word(line, i);
			a.log |= said == SMTP_FIXUP_ACTION_LOG;
			if (said > a.action)
				a.action = said;
			if (config_word(line, i, "send-protocol-error"))
				import_remark(im, line, "no error is sent to the client");
			else if (said < 0)
				import_missing(im, line, "%s is not known here",
					       QUOTED(line->argv[i]));
		}
	}
	a.next = at;
	return a;
}

/* -- conditions --------------------------------------------------------- */

static void match_add(struct map *map, const struct config_line *line,
		      const char *what, bool negated, char *list,
		      const struct map_action *a)
{
	struct map_match *m;
	struct reason why;
	char *text;

	if (!list)
		return;
	text = import_text("match %s%s '%s' %s", negated ? "not " : "", what, list,
			   smtp_action_names[a->action]);
	if (strchr(list, '\'') || !options_good(map, text, &why)) {
		if (strchr(list, '\''))
			import_missing(map->im, line,
				       "a pattern with a ' has no equivalent; write \\x27");
		else
			import_missing(map->im, line, "%s", why.text);
		free(list);
	} else {
		map->match = grow(map->match, map->count + 1, sizeof(*map->match));
		m = &map->match[map->count++];
		*m = (struct map_match) { line, what, list, negated, a->action, a->log };
	}
	free(text);
}

/* A word of the device, and its equivalent here; NULL: "others" */
struct map_name {
	const char *theirs;
	const char *ours;
};

static const struct map_name keyword_names[] = {
	{ "8bitmime", "8BITMIME" },
	{ "auth", "AUTH" },
	{ "binarymime", "BINARYMIME" },
	{ "checkpoint", "CHECKPOINT" },
	{ "dsn", "DSN" },
	{ "ecode", "ENHANCEDSTATUSCODES" },
	{ "etrn", "ETRN" },
	{ "pipelining", "PIPELINING" },
	{ "size", "SIZE" },
	{ "starttls", "STARTTLS" },	/* what allow-tls says */
	{ "vrfy", "VRFY" },
	/* Other spellings */
	{ "binaryname", "BINARYMIME" },
	{ "enhancedstatuscodes", "ENHANCEDSTATUSCODES" },
	{ "others", NULL },
	{ NULL, NULL }
};

static const struct map_name encoding_names[] = {
	{ "7bit", "7bit" },
	{ "8bit", "8bit" },
	{ "base64", "base64" },
	{ "binary", "binary" },
	{ "quoted-printable", "quoted-printable" },
	{ "others", NULL },
	{ NULL, NULL }
};

static const struct map_name router_encoding_names[] = {
	{ "7-bit", "7bit" },
	{ "8-bit", "8bit" },
	{ "base64", "base64" },
	{ "binary", "binary" },
	{ "quoted-printable", "quoted-printable" },
	{ "uuencode", "uuencode" },
	{ "x-uuencode", "x-uuencode" },
	{ "unknown", NULL },
	{ NULL, NULL }
};

static const struct map_name verb_names[] = {
	{ NULL, NULL }
};

/* A word that is in no table, in upper case, to be freed; NULL: not a word */
static char *free_word(const char *word)
{
	char *upper = import_text("%s", word);

	for (char *c = upper; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '-') {
			free(upper);
			return NULL;
		}
		*c = toupper((unsigned char)*c);
	}
	return upper;
}

/* The equivalents of the words from @at on. *@others: "others" is among the words. */
static char *word_list(struct import *im, const struct config_line *line, int at,
		       const struct map_name *names, bool *others)
{
	char *list = NULL;

	*others = false;
	if (at >= line->argc)
		import_missing(im, line, "a word is missing");
	for (; at < line->argc; at++) {
		const struct map_name *name = names;
		char *word;

		while (name->theirs && strcasecmp(name->theirs, line->argv[at]))
			name++;
		if (name->theirs) {
			*others |= !name->ours;
			if (name->ours)
				list = import_add(list, name->ours);
			continue;
		}
		word = free_word(line->argv[at]);
		if (word)
			list = import_add(list, word);
		else
			import_missing(im, line, "%s is not known", QUOTED(line->argv[at]));
		free(word);
	}
	return list;
}

/* The words of the table that are not in the list */
static char *complement(const struct map_name *names, const char *list)
{
	char *rest = NULL;

	for (; names->theirs; names++) {
		if (names->ours && !import_list_has(list, names->ours, strlen(names->ours)))
			rest = import_add(rest, names->ours);
	}
	return rest;
}

/* "cmd verb WORD...", "ehlo-reply-parameter WORD...", "mime encoding WORD..." */
static void condition_words(struct map *map, const struct config_line *line, int at,
			    const char *what, const struct map_name *names,
			    bool negated, const struct map_action *a)
{
	bool others;
	char *list = word_list(map->im, line, at, names, &others);

	if (others && names == keyword_names && !negated &&
	    a->action == SMTP_FIXUP_ACTION_MASK) {
		/* This is what the mode does. CHECKPOINT is one of the others. */
		map->others = true;
		others = false;
		if (!list)
			return;
	}
	if (others) {
		/* "others" means all words but those of the table */
		char *rest = complement(names, list);

		free(list);
		list = rest ? rest : import_text("*");
		negated = rest ? !negated : negated;
	}
	match_add(map, line, what, negated, list, a);
}

/* Reads "gt N" at word @at: a limit */
static void condition_limit(struct map *map, const struct config_line *line, int at,
			    const char *name, const struct map_action *a)
{
	struct reason why = { 0 };
	int limit = word_find(&limit_words, name, &why);
	unsigned long n = 0;
	char *end = NULL, *text;

	if (limit < 0) {
		import_missing(map->im, line, "there is no such limit");
		return;
	}
	if (config_word(line, at, "gt") && line->argc == at + 2)
		n = strtoul(line->argv[at + 1], &end, 10);
	text = import_text("limit %s %lu %s", name, n, smtp_action_names[a->action]);
	if (!n || *end)
		import_missing(map->im, line, "'gt' and a number are expected");
	else if (map->limit[limit].max)
		import_missing(map->im, line, "there is one limit of a kind; an earlier line has it");
	else if (!options_good(map, text, &why))
		import_missing(map->im, line, "%s", why.text);
	else
		map->limit[limit] = (struct smtp_limit) { n, a->action };
	free(text);
}

enum { LIMIT, PATTERN, WORDS, NOTHING };

/* A condition. @ours: a limit, the word after "match", or why there is no equivalent */
struct map_condition {
	const char *words;
	u8 kind;
	const char *ours;
	const struct map_name *names;
};

static const struct map_condition asa_conditions[] = {
	{ "cmd line length", LIMIT, "command-line", NULL },
	{ "cmd RCPT count", LIMIT, "rcpt", NULL },
	{ "cmd verb", WORDS, "verb", verb_names },
	{ "body line length", LIMIT, "body-line", NULL },
	{ "body length", LIMIT, "message", NULL },
	{ "header line length", LIMIT, "header-line", NULL },
	{ "header length", LIMIT, "header-length", NULL },
	{ "header to-fields count", LIMIT, "to-fields", NULL },
	{ "invalid-recipients count", LIMIT, "invalid-recipients", NULL },
	{ "sender-address length", LIMIT, "sender", NULL },
	{ "sender-address regex", PATTERN, "sender", NULL },
	{ "MIME filename length", LIMIT, "mime-filename", NULL },
	{ "mime filetype regex", PATTERN, "mime-type", NULL },
	{ "mime encoding", WORDS, "mime-encoding", encoding_names },
	{ "ehlo-reply-parameter", WORDS, "keyword", keyword_names },
	{ NULL, NOTHING, NULL, NULL }
};

static const struct map_condition router_conditions[] = {
	{ "cmd line length", LIMIT, "command-line", NULL },
	{ "cmd verb", WORDS, "verb", verb_names },
	{ "body regex", NOTHING, "nothing looks at the text of a body", NULL },
	{ "header regex", PATTERN, "header", NULL },
	{ "header length", LIMIT, "header-length", NULL },
	{ "data-length", LIMIT, "message", NULL },
	{ "mime content-type regex", PATTERN, "mime-type", NULL },
	{ "mime encoding", WORDS, "mime-encoding", router_encoding_names },
	{ "recipient address regex", PATTERN, "recipient", NULL },
	{ "recipient count", LIMIT, "rcpt", NULL },
	{ "recipient invalid count", LIMIT, "invalid-recipients", NULL },
	{ "reply ehlo", WORDS, "keyword", keyword_names },
	{ "sender address regex", PATTERN, "sender", NULL },
	{ NULL, NOTHING, NULL, NULL }
};

static bool words_at(const struct config_line *line, int at, const char *words,
		     int *behind)
{
	const struct config_line rest = {
		.argc = line->argc - at, .argv = line->argv + at,
	};

	*behind = at + 1;
	for (const char *c = words; *c; c++)
		*behind += *c == ' ';
	return config_begins(&rest, words);
}

/* MAIL begins a message, so that its rate is that of messages: X7 */
static void condition_rate(struct map *map, const struct config_line *line, int at,
			   bool negated, const struct map_action *a)
{
	struct reason why;
	char *text;

	if (!config_word(line, at, "cmd") || !config_word(line, at + 1, "verb") ||
	    !config_word(line, at + 2, "MAIL") || line->argc != at + 3 || negated ||
	    a->rate->argc != 2) {
		import_missing(map->im, a->rate, "the rate of what matches is not limited");
		return;
	}
	text = import_text("limit rate %s", a->rate->argv[1]);
	if (map->rate)
		import_missing(map->im, a->rate, "an earlier line has a rate");
	else if (!options_good(map, text, &why))
		import_missing(map->im, a->rate, "'%s' is not known here", text);
	else
		map->rate = a->rate->argv[1];
	free(text);
}

/* Reads a match line, which has the actions @a */
static void condition(struct map *map, const struct config_line *line,
		      const struct map_action *a)
{
	const bool negated = config_word(line, 1, "not");
	int at = 1 + negated, behind;

	if (a->rate)
		condition_rate(map, line, at, negated, a);
	if (a->action < 0) {
		if (!a->rate)
			import_missing(map->im, line, "no action follows");
		return;
	}
	for (const struct map_condition *c = map->conditions; c->words; c++) {
		if (!words_at(line, at, c->words, &behind))
			continue;
		if (c->kind == NOTHING)
			import_missing(map->im, line, "%s", c->ours);
		else if (c->kind == WORDS)
			condition_words(map, line, behind, c->ours, c->names, negated, a);
		else if (c->kind == PATTERN)
			match_add(map, line, c->ours, negated,
				  import_patterns(map->im, line, behind), a);
		else if (negated)
			import_missing(map->im, line, "'match not' of a limit has no equivalent");
		else
			condition_limit(map, line, behind, c->ours, a);
		return;
	}
	import_missing(map->im, line, "this criterion has no equivalent");
}

/* Reads "class C": each condition of that class-map gets the same action */
static void condition_class(struct map *map, const struct config_line *line,
			    const char *kind, const struct map_action *a)
{
	const struct config *config = map->im->config;
	const char *name = line->argv[line->argc - 1];
	const size_t head = config_find(config, kind, name);
	size_t matches = 0, end;

	if (head == config->count) {
		import_missing(map->im, line, "there is no %s %s", kind, QUOTED(name));
		return;
	}
	end = config_block_end(config, head);
	for (size_t i = head + 1; i < end; i++)
		matches += config_word(&config->line[i], 0, "match");
	if (matches > 1 && !config_word(&config->line[head], 4, "match-any")) {
		import_missing(map->im, &config->line[head], "a class that needs several matches at once has no equivalent");
		return;
	}
	for (size_t i = head + 1; i < end; i++) {
		const struct config_line *match = &config->line[i];

		if (config_word(match, 0, "match"))
			condition(map, match, a);
		else if (!config_word(match, 0, "description") &&
			 !config_word(match, 0, "exit"))
			import_missing(map->im, match, "this is not known in a class");
	}
}

/* -- parameters --------------------------------------------------------- */

/* The action of words as "action drop-connection log" at word @at, or -1 */
static int parameter_action(const struct config_line *line, int at)
{
	int action = -1;

	if (!config_word(line, at, "action"))
		return -1;
	while (++at < line->argc) {
		int said = action_word(line, at);

		if (said < 0)
			return -1;
		if (said > action)
			action = said;
	}
	return action;
}

static void parameter_relay(struct map *map, const struct config_line *line)
{
	const struct map_action a = { .action = parameter_action(line, 2), .log = true };
	struct reason why;
	char *text;

	if (a.action < 0 || line->argc < 2) {
		import_missing(map->im, line, "a domain and an action are expected");
		return;
	}
	text = import_text("mail-relay '%s' %s", line->argv[1], smtp_action_names[a.action]);
	if (!strchr(line->argv[1], '\'') && options_good(map, text, &why)) {
		map->match = grow(map->match, map->count + 1, sizeof(*map->match));
		map->match[map->count++] = (struct map_match) {
			line, NULL, import_text("%s", line->argv[1]), false, a.action, true,
		};
	} else {
		import_missing(map->im, line, "%s is no domain", QUOTED(line->argv[1]));
	}
	free(text);
}

static void parameter(struct map *map, const struct config_line *line)
{
	static const char *const structure[] = { "parameters", "description", "exit" };
	const bool no = config_word(line, 0, "no");
	int action;

	for (size_t i = 0; i < sizeof(structure) / sizeof(*structure); i++) {
		if (config_word(line, 0, structure[i]))
			return;
	}
	if (config_word(line, no, "mask-banner")) {
		map->banner = no ? "keep" : "stars";
	} else if (config_word(line, no, "allow-tls")) {
		map->tls = no ? "mask" : "allow";
	} else if (config_word(line, no, "special-character")) {
		action = no ? SMTP_FIXUP_ACTION_OFF : parameter_action(line, 1);
		if (action < 0)
			import_missing(map->im, line, "an action is expected");
		else if (action <= SMTP_FIXUP_ACTION_LOG)
			map->special = action ? "log" : "off";
		else
			map->special = "drop";
	} else if (config_word(line, no, "mail-relay")) {
		if (!no)
			parameter_relay(map, line);
	} else {
		import_missing(map->im, line, "this is not known in a map");
	}
}

/* -- the options -------------------------------------------------------- */

/* Does another match, which does more than log, apply to any of these words? Then the
 * order of matches counts, and this one must stay a match.
 */
static bool match_competes(const struct map *map, const struct map_match *m)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct map_match *other = &map->match[i];
		const char *word = m->patterns;

		if (other == m || !other->what || strcmp(other->what, m->what) ||
		    other->action == SMTP_FIXUP_ACTION_LOG ||
		    (other->action == SMTP_FIXUP_ACTION_MASK && !other->negated))
			continue;
		if (other->negated || !strcmp(other->patterns, "*"))
			return true;
		for (size_t n; *word; word += n + (word[n] == ',')) {
			n = strcspn(word, ",");
			if (import_list_has(other->patterns, word, n))
				return true;
		}
	}
	return false;
}

/* Can the match be written as "deny" or "ehlo-deny"? It masks words, and nothing more */
static bool match_denies(const struct map *map, const struct map_match *m)
{
	if (!m->what || m->negated || m->log || m->action != SMTP_FIXUP_ACTION_MASK)
		return false;
	return (!strcmp(m->what, "verb") ||
		(!strcmp(m->what, "keyword") && map->others)) &&
	       strcmp(m->patterns, "*") && !match_competes(map, m);
}

/* Words that are not known here do not pass anyway */
static void put_denied(FILE *out, const struct map *map, const char *what,
		       const char *option, const struct list *known)
{
	char *denied = NULL;

	for (size_t i = 0; i < map->count; i++) {
		const struct map_match *m = &map->match[i];

		if (!match_denies(map, m) || strcmp(m->what, what))
			continue;
		for (unsigned int n = 0; n < known->count; n++) {
			const struct smtp_word *word = &known->table[n];

			if (import_list_has(m->patterns, word->text, word->len))
				denied = import_add(denied, word->text);
		}
	}
	if (denied)
		fprintf(out, " %s %s", option, denied);
	free(denied);
}

static void put_limits(FILE *out, const struct map *map, const struct smtp_policy *base)
{
	for (int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit *said = &map->limit[i];

		if (said->max && (said->max != base->limits[i].max ||
				  said->action != base->limits[i].action))
			fprintf(out, " limit %s %u %s", smtp_limit_names[i], said->max,
				smtp_action_names[said->action]);
		else if (!said->max && base->limits[i].action)
			fprintf(out, " limit %s %u off", smtp_limit_names[i],
				base->limits[i].max);
	}
}

/* Writes the matches that log, or the others */
static void put_matches(FILE *out, const struct map *map, bool logs)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct map_match *m = &map->match[i];
		const bool plain = !m->patterns[strspn(m->patterns,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.,")];
		const bool log = m->action == SMTP_FIXUP_ACTION_LOG;

		if (match_denies(map, m) || log != logs)
			continue;
		if (m->what)
			fprintf(out, " match %s%s", m->negated ? "not " : "", m->what);
		else
			fputs(" mail-relay", out);
		fprintf(out, plain ? " %s %s" : " '%s' %s", m->patterns,
			smtp_action_names[m->action]);
	}
}

/* Makes the mode and options of a set line, to be freed */
static char *map_finish(struct map *map)
{
	struct smtp_policy base;
	char *text = NULL;
	size_t len;
	FILE *out = import_stream(&text, &len);

	smtp_policy_init(&base, map->mode);
	fputs(smtp_mode_names[map->mode], out);
	if (strcmp(map->banner, smtp_banner_names[base.banner]))
		fprintf(out, " banner %s", map->banner);
	if (!map->others)
		fputs(" ehlo keep", out);
	if (map->tls && strcmp(map->tls, smtp_tls_names[base.tls]))
		fprintf(out, " tls %s", map->tls);
	put_denied(out, map, "verb", "deny", &verb_list);
	put_denied(out, map, "keyword", "ehlo-deny", &keyword_list);
	if (strcmp(map->special, smtp_special_names[base.special]))
		fprintf(out, " special %s", map->special);
	put_limits(out, map, &base);
	if (map->rate)
		fprintf(out, " limit rate %s", map->rate);
	/* "ehlo keep" would let the line of STARTTLS pass, too */
	if (!map->others && map->tls && !strcmp(map->tls, "mask"))
		fputs(" match keyword STARTTLS mask", out);
	put_matches(out, map, false);
	put_matches(out, map, true);
	fclose(out);
	for (size_t i = 0; i < map->count; i++)
		free(map->match[i].patterns);
	free(map->match);
	return text;
}

/* Without allow-tls the version decides. */
static void default_tls(struct map *map, const struct config_line *head)
{
	const struct config *config = map->im->config;

	map->tls = "mask";
	if (config->device == DEVICE_UNKNOWN)
		import_missing(map->im, head, "without allow-tls or 'no allow-tls' it depends on the version whether TLS passes, and no line names it: 'tls mask' before 9.4, 'tls allow' since");
	else if (config->device == DEVICE_ASA && !config_before(config, 9, 4))
		map->tls = "allow";
}

/* The lines of a policy-map type inspect ... */
static void map_lines(struct map *map, size_t head, const char *class)
{
	const struct config *config = map->im->config;
	const size_t end = config_block_end(config, head);
	size_t i = head + 1;

	while (i < end) {
		const struct config_line *line = &config->line[i++];
		struct map_action a;

		if (!config_word(line, 0, "match") && !config_word(line, 0, "class")) {
			parameter(map, line);
			continue;
		}
		a = actions(map->im, i, end);
		i = a.next;
		if (config_word(line, 0, "match"))
			condition(map, line, &a);
		else
			condition_class(map, line, class, &a);
	}
}

char *import_map_asa(struct import *im, const struct config_line *use, const char *name)
{
	struct map map = {
		.im = im,
		.conditions = asa_conditions,
		.mode = SMTP_FIXUP_MODE_ASA,
		.banner = "stars",
		.special = "off",
	};
	const size_t head = config_find(im->config, "policy-map type inspect esmtp", name);

	if (head == im->config->count) {
		import_missing(im, use, "there is no policy-map type inspect esmtp %s",
			       QUOTED(name));
		return NULL;
	}
	map_lines(&map, head, "class-map type inspect esmtp");
	if (!map.tls)
		default_tls(&map, &im->config->line[head]);
	if (!map.others)
		import_remark(im, &im->config->line[head], "no 'match ehlo-reply-parameter others' masks unknown EHLO keywords, so they pass; the verbs that they promise, as BDAT, do not");
	return map_finish(&map);
}

char *import_map_ios(struct import *im, const struct config_line *use, const char *name,
		     bool extended)
{
	struct map map = {
		.im = im,
		.conditions = router_conditions,
		.mode = extended ? SMTP_FIXUP_MODE_ESMTP : SMTP_FIXUP_MODE_FIXUP,
		.banner = "keep",
		.special = "off",
		.tls = "mask",
		.others = true,
	};
	size_t head;
	char *text, *whole;

	if (name) {
		head = config_find(im->config, "policy-map type inspect smtp", name);
		if (head == im->config->count) {
			import_missing(im, use, "there is no policy-map type inspect smtp %s",
				       QUOTED(name));
			return NULL;
		}
		map_lines(&map, head, "class-map type inspect smtp");
	}
	text = map_finish(&map);
	if (extended)
		return text;
	/* A router lets these pass besides the seven commands */
	whole = import_text("%s allow HELP,SAML,SEND,SOML,VRFY", text);
	free(text);
	return whole;
}

/* -- for export: the device's words -------------------------------------- */

const char *import_condition(const char *ours, bool limit)
{
	for (const struct map_condition *c = asa_conditions; c->words; c++) {
		const bool is_limit = c->kind == LIMIT;

		if (is_limit == limit && !strcmp(c->ours, ours))
			return c->words;
	}
	return NULL;
}

/* The ASA's word, or NULL */
static const char *their_word(const struct map_name *names, const char *ours, size_t n)
{
	for (; names->theirs; names++) {
		if (names->ours && strlen(names->ours) == n &&
		    !strncasecmp(names->ours, ours, n))
			return names->theirs;
	}
	return NULL;
}

static const char *const asa_verbs[] = {
	"AUTH", "DATA", "EHLO", "ETRN", "HELO", "HELP", "MAIL", "NOOP", "QUIT", "RCPT",
	"RSET", "SAML", "SEND", "SOML", "VRFY",
};

static const char *their_verb(const char *ours, size_t n)
{
	for (size_t i = 0; i < sizeof(asa_verbs) / sizeof(*asa_verbs); i++) {
		if (strlen(asa_verbs[i]) == n && !strncasecmp(asa_verbs[i], ours, n))
			return asa_verbs[i];
	}
	return NULL;
}

/* An ASA has no word for STARTTLS, so a list with it is written as all words but the rest
 */
static char *without_starttls(const char *list, FILE *words)
{
	char *rest = NULL, *back;

	for (const struct map_name *name = keyword_names; name->theirs; name++) {
		if (!name->ours || !strcmp(name->ours, "STARTTLS") ||
		    import_list_has(list, name->ours, strlen(name->ours)) ||
		    import_list_has(rest, name->ours, strlen(name->ours)))
			continue;
		rest = import_add(rest, name->ours);
		fprintf(words, " %s", name->theirs);
	}
	fputs(" others", words);
	back = complement(keyword_names, rest);
	free(rest);
	return back;
}

char *import_words_back(const char *ours, const char *list, bool *negated, FILE *words)
{
	const struct map_name *names = NULL;
	char *back = NULL;

	for (const struct map_condition *c = asa_conditions; c->words; c++) {
		if (c->kind == WORDS && !strcmp(c->ours, ours))
			names = c->names;
	}
	if (names == keyword_names && import_list_has(list, "STARTTLS", 8)) {
		*negated = !*negated;
		return without_starttls(list, words);
	}
	for (size_t n; names && *list; list += n + (list[n] == ',')) {
		const char *word;
		char *one;

		n = strcspn(list, ",");
		word = names == verb_names ? their_verb(list, n) :
					     their_word(names, list, n);
		if (!word) {
			free(back);
			return NULL;
		}
		fprintf(words, " %s", word);
		one = import_text("%.*s", (int)n, list);
		for (char *c = one; *c && names != encoding_names; c++)
			*c = toupper((unsigned char)*c);
		back = import_add(back, one);
		free(one);
	}
	return back;
}
