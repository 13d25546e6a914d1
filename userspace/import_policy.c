// SPDX-License-Identifier: GPL-2.0-only
/* What the SMTP part of a running-config means as set lines. See import.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import.h"
#include "lines.h"

/* -- the result --------------------------------------------------------- */

static struct import_item *result_add(struct import_result *result,
				      const struct config_line *line)
{
	struct import_item *item;

	if (!(result->count & (result->count + 1)))
		result->item = grow(result->item, 2 * result->count + 1,
				    sizeof(*result->item));
	item = &result->item[result->count++];
	memset(item, 0, sizeof(*item));
	item->line = line;
	return item;
}

static char *text_format(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		text = grow(NULL, 0, 1);	/* ends the program */
	return text;
}

/* Something has no equivalent. */
ATTRIBUTE(format(printf, 3, 4))
static void missing(struct import_result *result, const struct config_line *line,
		    const char *format, ...)
{
	struct import_item *item = result_add(result, line);
	va_list args;

	va_start(args, format);
	item->reason = text_format(format, args);
	va_end(args);
	item->missing = true;
	result->missing = true;
}

/* A remark that changes nothing. */
ATTRIBUTE(format(printf, 3, 4))
static void remark(struct import_result *result, const struct config_line *line,
		   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	result_add(result, line)->reason = text_format(format, args);
	va_end(args);
}

/* A set line; @text is freed. The tool's own parser has the last word. */
static void set_line(struct import_result *result, const struct config_line *line,
		     char *text)
{
	struct reason why = { 0 };
	char *words[LINE_WORDS_MAX], *copy;
	struct set_request req = { 0 };
	int argc;

	copy = grow(NULL, strlen(text) + 1, 1);
	strcpy(copy, text);
	argc = line_split(copy, words, &why);
	if (argc < 0 || set_parse(&req, argc - 1, words + 1, &why)) {
		missing(result, line, "would be '%s': %s", text, why.text);
		free(text);
	} else {
		result_add(result, line)->set = text;
	}
	set_free(&req);
	free(copy);
}

void import_result_free(struct import_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		free(result->item[i].set);
		free(result->item[i].reason);
	}
	free(result->item);
	memset(result, 0, sizeof(*result));
}

/* -- blocks of lines ---------------------------------------------------- */

/* Words that begin a line of a block, where the indentation is lost */
static bool in_block(const struct config_line *line)
{
	static const char *const words[] = {
		"match", "class", "inspect", "parameters", "description", "mask-banner",
		"mail-relay", "special-character", "allow-tls", "log", "reset", "mask",
		"drop-connection", "drop", "rate-limit", "exit", "pattern",
	};
	const int at = config_word(line, 0, "no");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (config_word(line, at, words[i]))
			return true;
	}
	return false;
}

/* Behind the last line of the block that line @head begins */
static size_t block_end(const struct config *config, size_t head)
{
	size_t i = head + 1;

	while (i < config->count &&
	       (config->line[i].indent > config->line[head].indent ||
		(!config->line[head].indent && in_block(&config->line[i]))))
		i++;
	return i;
}

/* The line that begins with these words and then @name, or config->count */
static size_t find_block(const struct config *config, const char *const *words,
			 const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];
		int at = 0;

		while (words[at] && config_word(line, at, words[at]))
			at++;
		if (!words[at] && line->argc > at &&
		    !strcmp(line->argv[line->argc - 1], name))
			return i;
	}
	return config->count;
}

/* -- ports -------------------------------------------------------------- */

static int port_number(const char *word)
{
	unsigned long port;
	char *end;

	if (!strcasecmp(word, "smtp"))
		return 25;
	port = strtoul(word, &end, 10);
	return *word >= '0' && *word <= '9' && !*end && port && port < 65536 ?
	       (int)port : -1;
}

/* "eq P" or "range P P" at word @at, as the tool writes ports; NULL: neither */
static char *ports_text(const struct config_line *line, int at)
{
	char *text = NULL;
	int first, last;

	if (at + 1 >= line->argc)
		return NULL;
	first = port_number(line->argv[at + 1]);
	last = first;
	if (config_word(line, at, "range")) {
		char *dash = strchr(line->argv[at + 1], '-');

		if (at + 2 < line->argc) {
			last = port_number(line->argv[at + 2]);
		} else if (dash) {
			*dash = '\0';
			first = port_number(line->argv[at + 1]);
			last = port_number(dash + 1);
			*dash = '-';
		}
	} else if (!config_word(line, at, "eq")) {
		return NULL;
	}
	if (first < 0 || last < first)
		return NULL;
	if (asprintf(&text, first == last ? "%d" : "%d-%d", first, last) < 0)
		return NULL;
	return text;
}

/* Adds to a list with commas; @more is freed. */
static char *ports_join(char *list, char *more)
{
	char *both;

	if (!list || !more)
		return list ? list : more;
	if (asprintf(&both, "%s,%s", list, more) < 0)
		both = NULL;
	free(list);
	free(more);
	return both;
}

/* The ports of an access list's permit lines. What else they say is lost. */
static char *access_list_ports(const struct config *config, const char *name,
			       struct import_result *result)
{
	char *list = NULL;

	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];
		char *ports = NULL;
		int any = 0;

		if (!config_word(line, 0, "access-list") || line->argc < 3 ||
		    strcmp(line->argv[1], name) || config_word(line, 2, "remark"))
			continue;
		for (int at = 2; at < line->argc && !ports; at++) {
			any += config_word(line, at, "any");
			/* The last port is the destination's */
			if (at >= line->argc - 3)
				ports = ports_text(line, at);
		}
		for (int at = 2; at < line->argc; at++) {
			if (config_word(line, at, "deny"))
				any = -1;
		}
		if (!ports || any < 0)
			missing(result, line, "only 'permit tcp ... eq PORT' and 'range' have an equivalent");
		else if (any < 2)
			missing(result, line, "the addresses have no equivalent; choose these connections with 'assign explicit' and nft");
		if (any < 0) {
			free(ports);
			ports = NULL;
		}
		list = ports_join(list, ports);
	}
	return list;
}

/* The ports of a class; NULL: there are none, which is reported */
static char *class_ports(const struct config *config,
			 const struct config_line *use, const char *name,
			 struct import_result *result)
{
	static const char *const words[] = { "class-map", NULL };
	const size_t head = find_block(config, words, name);
	const size_t before = result->count;
	char *list = NULL;

	if (head == config->count) {
		missing(result, use, "there is no class-map %s", QUOTED(name));
		return NULL;
	}
	for (size_t i = head + 1; i < block_end(config, head); i++) {
		const struct config_line *line = &config->line[i];

		if (!config_word(line, 0, "match"))
			continue;
		if (config_word(line, 1, "default-inspection-traffic") ||
		    config_word(line, 1, "default_inspection_traffic"))
			list = ports_join(list, strdup("25"));
		else if (config_word(line, 1, "port") && config_word(line, 2, "tcp") &&
			 (config_word(line, 3, "eq") || config_word(line, 3, "range")))
			list = ports_join(list, ports_text(line, 3));
		else if (config_word(line, 1, "access-list") && line->argc == 3)
			list = ports_join(list, access_list_ports(config, line->argv[2],
								  result));
		else
			missing(result, line, "a class that is not chosen by its ports has no equivalent");
	}
	if (!list && result->count == before)
		missing(result, use, "class-map %s names no ports", QUOTED(name));
	return list;
}

/* -- policy-map type inspect esmtp -------------------------------------- */

/* What the map says, to be written behind "set PORTS asa" */
struct map {
	struct smtp_limit limit[__SMTP_FIXUP_LIMIT_MAX];	/* max 0: not said */
	const char *banner;
	const char *tls;
	const char *special;
	char deny[256];
	char ehlo_deny[256];
};

static void list_add(char *list, size_t size, const char *word)
{
	const size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? "," : "", word);
}

/* The strongest of the actions in the lines behind a match; -1: none */
static int map_action(const struct config *config, size_t at, size_t end,
		      struct import_result *result)
{
	int action = -1;

	for (at++; at < end; at++) {
		const struct config_line *line = &config->line[at];
		int said = -1;

		if (config_word(line, 0, "drop-connection") || config_word(line, 0, "drop"))
			said = SMTP_FIXUP_ACTION_DROP;
		else if (config_word(line, 0, "reset"))
			said = SMTP_FIXUP_ACTION_RESET;
		else if (config_word(line, 0, "mask"))
			said = SMTP_FIXUP_ACTION_MASK;
		else if (config_word(line, 0, "log"))
			said = SMTP_FIXUP_ACTION_LOG;
		else if (config_word(line, 0, "rate-limit"))
			missing(result, line, "there is no rate limit");
		else
			break;
		if (config_word(line, 1, "send-protocol-error"))
			remark(result, line, "no error is sent to the client");
		if (said > action)
			action = said;
	}
	return action;
}

/* "... gt N" at word @at: the number, or 0 */
static unsigned int map_number(const struct config_line *line, int at)
{
	unsigned long n;
	char *end;

	if (!config_word(line, at, "gt") || line->argc != at + 2)
		return 0;
	n = strtoul(line->argv[at + 1], &end, 10);
	return *end || n > 65535 ? 0 : n;
}

/* Conditions that are a limit here */
static const struct map_limit {
	const char *words[4];
	u8 limit;
} map_limits[] = {
	{ { "cmd", "line", "length" }, SMTP_FIXUP_LIMIT_COMMAND_LINE },
	{ { "cmd", "RCPT", "count" }, SMTP_FIXUP_LIMIT_RCPT },
	{ { "body", "line", "length" }, SMTP_FIXUP_LIMIT_BODY_LINE },
	{ { "header", "line", "length" }, SMTP_FIXUP_LIMIT_HEADER_LINE },
	{ { "sender-address", "length" }, SMTP_FIXUP_LIMIT_SENDER },
	{ { "mime", "filename", "length" }, SMTP_FIXUP_LIMIT_MIME_FILENAME },
};

static bool map_is_limit(const struct config_line *line, int at,
			 struct map *map, int action,
			 struct import_result *result)
{
	for (size_t i = 0; i < sizeof(map_limits) / sizeof(*map_limits); i++) {
		const struct map_limit *m = &map_limits[i];
		unsigned int n;
		int k = 0;

		while (m->words[k] && config_word(line, at + k, m->words[k]))
			k++;
		if (m->words[k])
			continue;
		n = map_number(line, at + k);
		if (!n)
			missing(result, line, "the limit is to be a number from 1 to 65535");
		else if (map->limit[m->limit].max)
			missing(result, line, "there is one limit of a kind; an earlier line has it");
		else
			map->limit[m->limit] = (struct smtp_limit) { n, action };
		return true;
	}
	return false;
}

static bool known_word(const struct list *list, const char *word, char *upper)
{
	u64 mask = 0;
	struct reason ignored;
	size_t i = 0;

	for (; word[i] && i < 31; i++)
		upper[i] = word[i] >= 'a' && word[i] <= 'z' ? word[i] - 32 : word[i];
	upper[i] = '\0';
	return !list_parse(list, &mask, upper, &ignored);
}

/* "cmd verb VERB..." and "ehlo-reply-parameter KEYWORD..." that are masked */
static bool map_is_word(const struct config_line *line, int at, struct map *map,
			int action, struct import_result *result)
{
	const bool verb = config_word(line, at, "cmd") &&
			  config_word(line, at + 1, "verb");

	if (!verb && !config_word(line, at, "ehlo-reply-parameter"))
		return false;
	if (action != SMTP_FIXUP_ACTION_MASK) {
		missing(result, line, "only 'mask' has an equivalent for this");
		return true;
	}
	for (at += 1 + verb; at < line->argc; at++) {
		const char *word = line->argv[at];
		char upper[32];

		/* What has no name there is masked anyway */
		if (!verb && (config_word(line, at, "others") ||
			      config_word(line, at, "checkpoint")))
			continue;
		if (!verb && config_word(line, at, "ecode"))
			word = "ENHANCEDSTATUSCODES";
		if (!verb && config_word(line, at, "binaryname"))
			word = "BINARYMIME";
		/* A verb without a name here is masked anyway */
		if (!known_word(verb ? &verb_list : &keyword_list, word, upper)) {
			if (!verb)
				missing(result, line, "%s is not known", QUOTED(word));
		} else if (verb) {
			list_add(map->deny, sizeof(map->deny), upper);
		} else {
			list_add(map->ehlo_deny, sizeof(map->ehlo_deny), upper);
		}
	}
	return true;
}

static void map_match(const struct config *config, size_t i, size_t end,
		      struct map *map, struct import_result *result)
{
	const struct config_line *line = &config->line[i];
	const int action = map_action(config, i, end, result);
	const bool inverse = config_word(line, 1, "not");

	if (action < 0)
		missing(result, line, "no action that has an equivalent follows");
	else if (inverse)
		missing(result, line, "'match not' has no equivalent");
	else if (!map_is_limit(line, 1, map, action, result) &&
		 !map_is_word(line, 1, map, action, result))
		missing(result, line, "this criterion has no equivalent");
}

static void map_parameter(const struct config_line *line, struct map *map,
			  struct import_result *result)
{
	const bool no = config_word(line, 0, "no");

	if (config_word(line, no, "mask-banner")) {
		map->banner = no ? "keep" : "stars";
	} else if (config_word(line, no, "allow-tls")) {
		map->tls = no ? "mask" : "allow";
	} else if (config_word(line, no, "special-character")) {
		map->special = no ? "off" : config_word(line, 2, "log") ? "log" : "drop";
	} else if (config_word(line, no, "mail-relay")) {
		if (!no)
			missing(result, line, "mail-relay has no equivalent");
	} else if (!config_word(line, 0, "parameters") &&
		   !config_word(line, 0, "description") && !config_word(line, 0, "exit")) {
		missing(result, line, "this is not known in an esmtp map");
	}
}

/* The options of the map, behind "set PORTS asa" */
static char *map_options(const struct map *map)
{
	struct smtp_policy base;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return grow(NULL, 0, 1);
	smtp_policy_init(&base, SMTP_FIXUP_MODE_ASA);
	if (strcmp(map->banner, "stars"))
		fprintf(out, " banner %s", map->banner);
	if (strcmp(map->tls, "allow"))
		fprintf(out, " tls %s", map->tls);
	if (strcmp(map->special, "off"))
		fprintf(out, " special %s", map->special);
	if (*map->deny)
		fprintf(out, " deny %s", map->deny);
	if (*map->ehlo_deny)
		fprintf(out, " ehlo-deny %s", map->ehlo_deny);
	for (int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit *said = &map->limit[i];

		if (!said->max)
			fprintf(out, " limit %s %u off", smtp_limit_names[i],
				base.limits[i].max);
		else if (said->max != base.limits[i].max ||
			 said->action != base.limits[i].action)
			fprintf(out, " limit %s %u %s", smtp_limit_names[i], said->max,
				smtp_action_names[said->action]);
	}
	fclose(out);
	return text;
}

static char *map_read(const struct config *config, const struct config_line *use,
		      const char *name, struct import_result *result)
{
	static const char *const words[] = {
		"policy-map", "type", "inspect", "esmtp", NULL
	};
	struct map map = { .banner = "stars", .tls = "mask", .special = "off" };
	const size_t head = find_block(config, words, name);
	const size_t end = head < config->count ? block_end(config, head) : head;

	if (head == config->count) {
		missing(result, use, "there is no policy-map type inspect esmtp %s",
			QUOTED(name));
		return NULL;
	}
	for (size_t i = head + 1; i < end; i++) {
		const struct config_line *line = &config->line[i];

		if (config_word(line, 0, "match")) {
			map_match(config, i, end, &map, result);
			while (i + 1 < end &&
			       (config_word(&config->line[i + 1], 0, "log") ||
				config_word(&config->line[i + 1], 0, "mask") ||
				config_word(&config->line[i + 1], 0, "reset") ||
				config_word(&config->line[i + 1], 0, "drop") ||
				config_word(&config->line[i + 1], 0, "drop-connection") ||
				config_word(&config->line[i + 1], 0, "rate-limit")))
				i++;
		} else if (config_word(line, 0, "class")) {
			missing(result, line, "a class in an esmtp map has no equivalent");
		} else {
			map_parameter(line, &map, result);
		}
	}
	return map_options(&map);
}

/* -- PIX: fixup protocol smtp, mailhost --------------------------------- */

static const char *pix_mode(const struct config *config)
{
	return config->device == DEVICE_PIX && config_before(config, 5, 0) ?
	       "pix-4.4" : "fixup";
}

/* Is there a later line about the same ports? */
static bool fixup_again(const struct config *config, size_t i, const char *ports)
{
	for (i++; i < config->count; i++) {
		const struct config_line *line = &config->line[i];
		const int at = config_word(line, 0, "no");

		if (config_word(line, at, "fixup") && config_word(line, at + 1, "protocol") &&
		    config_word(line, at + 2, "smtp") &&
		    (line->argc <= at + 3 || !strcmp(line->argv[at + 3], ports)))
			return true;
	}
	return false;
}

static void import_fixup(const struct config *config, size_t i, int at,
			 struct import_result *result)
{
	const struct config_line *line = &config->line[i];
	const char *ports = line->argc > at + 3 ? line->argv[at + 3] : "25";
	const char *mode = at && line->argc > at + 3 ? "off" : pix_mode(config);
	char *text;

	/* 'no fixup protocol smtp' alone goes back to the default: port 25 */
	if (fixup_again(config, i, ports))
		return;
	if (asprintf(&text, "set %s %s", ports, mode) >= 0)
		set_line(result, line, text);
}

static void import_pix(const struct config *config, struct import_result *result)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];
		const int at = config_word(line, 0, "no");

		if (config_word(line, at, "fixup") && config_word(line, at + 1, "protocol") &&
		    config_word(line, at + 2, "smtp")) {
			import_fixup(config, i, at, result);
		} else if (config_word(line, at, "mailhost")) {
			set_line(result, line, strdup(at ? "set 25 off" : "set 25 mailhost"));
			if (!at && line->argc > 1)
				missing(result, line, "the addresses have no equivalent; choose these connections with 'assign explicit' and nft");
		}
	}
}

/* -- ASA, FWSM: inspect esmtp ------------------------------------------- */

/* What a bare "inspect esmtp" means: the default map */
static char *default_options(const struct config *config,
			     const struct config_line *line,
			     struct import_result *result)
{
	if (config->device == DEVICE_PIX || config->device == DEVICE_ASA) {
		if (config_before(config, 7, 2))
			return strdup("esmtp");
		if (config_before(config, 9, 4))
			return strdup("asa tls mask");
		remark(result, line, "TLS passes by default since 9.4; a device upgraded to it may still mask it ('no allow-tls' in 'show running-config all policy-map')");
		return strdup("asa");
	}
	if (config->device == DEVICE_FWSM)
		return strdup("esmtp");
	missing(result, line, "the default map depends on the version, and no line names it: 'asa tls mask' before 9.4, 'asa' since");
	return NULL;
}

static void import_inspect(const struct config *config,
			   const struct config_line *service,
			   const struct config_line *class,
			   const struct config_line *line,
			   struct import_result *result)
{
	const bool global = config_word(service, 2, "global");
	char *ports, *options, *text = NULL;

	ports = class_ports(config, class, class->argv[1], result);
	if (!ports)
		return;
	if (config_word(line, 0, "no"))
		options = strdup("off");
	else if (config_word(line, 1, "smtp"))
		options = strdup("fixup");
	else if (line->argc < 3)
		options = default_options(config, line, result);
	else
		options = map_read(config, line, line->argv[2], result);
	if (options && line->argc > 2 && !config_word(line, 0, "no")) {
		if (asprintf(&text, "asa%s", options) < 0)
			text = NULL;
		free(options);
		options = text;
	}
	if (options &&
	    asprintf(&text, "set %s %s%s%s", ports, options,
		     global || !strcmp(options, "off") ? "" : " iif ",
		     global || !strcmp(options, "off") ? "" : service->argv[3]) >= 0) {
		set_line(result, line, text);
		if (!global && strcmp(options, "off"))
			remark(result, service, "'%s' is the device's name; put your interface behind iif",
			       service->argv[3]);
	}
	free(options);
	free(ports);
}

/* One policy-map that is in force. */
static void import_service(const struct config *config,
			   const struct config_line *service,
			   struct import_result *result)
{
	static const char *const words[] = { "policy-map", NULL };
	const size_t head = find_block(config, words, service->argv[1]);
	const struct config_line *class = NULL, *inspect = NULL;
	size_t end;

	if (head == config->count || config_word(&config->line[head], 1, "type")) {
		missing(result, service, "there is no policy-map %s", QUOTED(service->argv[1]));
		return;
	}
	end = block_end(config, head);
	for (size_t i = head + 1; i <= end; i++) {
		const struct config_line *line = i < end ? &config->line[i] : NULL;
		int at;

		if (!line || config_word(line, 0, "class")) {
			/* The last line of a class about it counts; without one a
			 * class of the defaults has inspection switched off.
			 */
			if (class && inspect)
				import_inspect(config, service, class, inspect, result);
			else if (class && config_word(class, 1, "inspection_default"))
				set_line(result, class, strdup("set 25 off"));
			class = line && line->argc == 2 ? line : NULL;
			inspect = NULL;
			continue;
		}
		at = config_word(line, 0, "no");
		if (config_word(line, at, "inspect") &&
		    (config_word(line, at + 1, "esmtp") ||
		     config_word(line, at + 1, "smtp")))
			inspect = line;
	}
}

static void import_asa(const struct config *config, struct import_result *result)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_word(line, 0, "service-policy") &&
		    (config_word(line, 2, "global") ||
		     (config_word(line, 2, "interface") && line->argc > 3)))
			import_service(config, line, result);
	}
}

/* -- IOS ---------------------------------------------------------------- */

static void import_ios(const struct config *config, struct import_result *result)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_word(line, 0, "ip") && config_word(line, 1, "inspect") &&
		    config_word(line, 2, "name") &&
		    (config_word(line, 4, "smtp") || config_word(line, 4, "esmtp")))
			missing(result, line, "IOS inspection has no documented equivalent; 'set 25 %s banner keep' is the nearest",
				config_word(line, 4, "smtp") ? "fixup" : "esmtp");
		else if (config_word(line, 1, "type") && config_word(line, 2, "inspect") &&
			 config_word(line, 3, "smtp"))
			missing(result, line, "IOS application inspection of SMTP has no equivalent");
	}
}

/* -- all of it ---------------------------------------------------------- */

/* The words of a line that say which ports and, behind iif, where */
static bool same_ports(const char *a, const char *b)
{
	const size_t n = strcspn(a + 4, " ");

	return !strncmp(a + 4, b + 4, n) && b[4 + n] == ' ';
}

/* A range has one policy: of lines for the same ports the first counts, which
 * is the interface's, as on an ASA, or the only one.
 */
static void settle(struct import_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		struct import_item *later = &result->item[i];

		for (size_t k = 0; k < i && later->set; k++) {
			struct import_item *first = &result->item[k];

			if (!first->set || !same_ports(first->set, later->set))
				continue;
			if (strcmp(first->set, later->set)) {
				if (asprintf(&later->reason, "'%s' is lost: an earlier line has these ports, and a range has one policy",
					     later->set) < 0)
					later->reason = NULL;
				later->missing = true;
				result->missing = true;
			}
			free(later->set);
			later->set = NULL;
		}
	}
}

void import_policies(const struct config *config, struct import_result *result)
{
	memset(result, 0, sizeof(*result));
	import_pix(config, result);
	import_asa(config, result);
	import_ios(config, result);
	settle(result);
}
