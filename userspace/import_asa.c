// SPDX-License-Identifier: GPL-2.0-only
/*
 * ASA, FWSM and PIX since 7.0: class-map, policy-map, service-policy: what is inspected
 * where. See import.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_parts.h"

/* -- ports -------------------------------------------------------------- */

static int port_number(const char *word, size_t len)
{
	unsigned long port;
	char *end;

	if (len == 4 && !strncasecmp(word, "smtp", len))
		return 25;
	port = strtoul(word, &end, 10);
	return *word >= '0' && *word <= '9' && end == word + len && port &&
	       port < 65536 ? (int)port : -1;
}

/* The ports of "eq P" or "range P P" at word *@at, as the tool writes them; moves *@at
 * after them. NULL: neither is there.
 */
static char *ports_text(const struct config_line *line, int *at)
{
	const char *word = *at + 1 < line->argc ? line->argv[*at + 1] : "";
	const size_t n = strcspn(word, "-");
	const bool range = config_word(line, *at, "range");
	int first = port_number(word, n), last = first, words = 2;

	if (!range && !config_word(line, *at, "eq"))
		return NULL;
	if (word[n]) {		/* a manual prints "2025-2030" */
		last = range ? port_number(word + n + 1, strlen(word + n + 1)) : -1;
	} else if (range) {
		word = *at + 2 < line->argc ? line->argv[*at + 2] : "";
		last = port_number(word, strlen(word));
		words = 3;
	}
	if (first < 0 || last < first)
		return NULL;
	*at += words;
	return first == last ? import_text("%d", first) :
			       import_text("%d-%d", first, last);
}

/* Moves *@at after an address. Returns 1: "any", 0: certain addresses, -1: not an
 * address.
 */
static int address(const struct config_line *line, int *at)
{
	static const char *const some[] = { "host", "object", "object-group", "interface" };

	if (*at >= line->argc)
		return -1;
	if (config_word(line, *at, "any")) {
		*at += 1;
		return 1;
	}
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		if (config_word(line, *at, some[i])) {
			*at += 2;
			return 0;
		}
	}
	if (config_word(line, *at, "any4") || config_word(line, *at, "any6") ||
	    strchr(line->argv[*at], '/')) {
		*at += 1;
		return 0;
	}
	if (!strchr(line->argv[*at], '.'))
		return -1;
	*at += 2;		/* and its mask */
	return 0;
}

static const char acl_unknown[] = "only 'permit tcp ... eq PORT' and 'range' have an equivalent";

/* The ports of a line of an access list, or NULL. Everything else in it is reported. */
static char *access_line_ports(struct import *im, const struct config_line *line)
{
	char *source, *ports;
	int at = 2, from, to;

	at += config_word(line, at, "line") ? 2 : 0;
	at += config_word(line, at, "extended");
	if (config_word(line, line->argc - 1, "inactive"))
		return NULL;
	if (config_word(line, at, "deny")) {
		import_missing(im, line, "a deny line has no equivalent; choose the other connections with 'assign explicit' and nft");
		return NULL;
	}
	if (!config_word(line, at, "permit") || !config_word(line, at + 1, "tcp")) {
		import_missing(im, line, acl_unknown);
		return NULL;
	}
	at += 2;
	from = address(line, &at);
	source = ports_text(line, &at);
	to = from < 0 ? -1 : address(line, &at);
	ports = to < 0 ? NULL : ports_text(line, &at);
	if (!ports)
		import_missing(im, line, acl_unknown);
	else if (source)
		import_missing(im, line, "the client's port has no equivalent");
	else if (!from || !to)
		import_missing(im, line, "the addresses have no equivalent; choose these connections with 'assign explicit' and nft");
	if (config_word(line, line->argc - 2, "time-range"))
		import_missing(im, line, "a time-range has no equivalent");
	free(source);
	return ports;
}

static char *access_list_ports(struct import *im, const struct config_line *use,
			       const char *name)
{
	char *list = NULL, *ports;
	bool found = false;

	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *line = &im->config->line[i];

		if (!config_word(line, 0, "access-list") || line->argc < 3 ||
		    strcmp(line->argv[1], name) || config_word(line, 2, "remark"))
			continue;
		found = true;
		ports = access_line_ports(im, line);
		list = import_add(list, ports);
		free(ports);
	}
	if (!found)
		import_missing(im, use, "there is no access-list %s", QUOTED(name));
	return list;
}

static bool is_default_traffic(const struct config_line *line)
{
	return config_begins(line, "match default-inspection-traffic") ||
	       config_begins(line, "match default_inspection_traffic");	/* FWSM */
}

/* Is it the name of the default class, and does the configuration leave its class-map
 * out?
 */
static bool is_stock_class(struct import *im, const char *name)
{
	return !strcmp(name, "inspection_default") &&
	       config_find_plain(im->config, "class-map", name) == im->config->count;
}

static bool class_is_default(struct import *im, const char *name)
{
	const size_t head = config_find_plain(im->config, "class-map", name);

	if (head == im->config->count)
		return is_stock_class(im, name);
	for (size_t i = head + 1; i < config_block_end(im->config, head); i++) {
		if (is_default_traffic(&im->config->line[i]))
			return true;
	}
	return false;
}

/* The ports of a class; NULL: it has none, which is reported */
static char *class_ports(struct import *im, const struct config_line *use,
			 const char *name)
{
	const size_t head = config_find_plain(im->config, "class-map", name);
	const size_t before = im->result->count;
	bool narrowed = false;	/* an access-list narrows the default ports */
	char *list = NULL;

	if (is_stock_class(im, name))
		return import_text("25");
	if (head == im->config->count) {
		import_missing(im, use, "there is no class-map %s", QUOTED(name));
		return NULL;
	}
	for (size_t i = head + 1; i < config_block_end(im->config, head); i++) {
		const struct config_line *line = &im->config->line[i];
		char *ports = NULL;
		int at = 3;

		if (!config_word(line, 0, "match"))
			continue;
		if (is_default_traffic(line)) {
			free(list);
			list = import_text("25");
			narrowed = true;
		} else if (config_begins(line, "match access-list") && line->argc == 3) {
			ports = access_list_ports(im, line, line->argv[2]);
		} else {
			if (config_begins(line, "match port tcp"))
				ports = ports_text(line, &at);
			if (!ports)
				import_missing(im, line, "a class that is not chosen by its ports has no equivalent");
		}
		if (narrowed)
			free(ports);
		else
			list = import_join(list, ports);
	}
	if (!list && im->result->count == before)
		import_missing(im, use, "class-map %s names no ports", QUOTED(name));
	return list;
}

/* -- what is inspected -------------------------------------------------- */

static const char default_map[] = "_default_esmtp_map";

/* The options for "inspect esmtp" without a map, or with the default map */
static char *default_options(struct import *im, const struct config_line *line)
{
	const struct config *config = im->config;

	if (config_find(config, "policy-map type inspect esmtp", default_map) <
	    config->count)
		return import_map_asa(im, line, default_map);
	if (config->device == DEVICE_FWSM)
		return import_text("esmtp");
	if (config->device != DEVICE_PIX && config->device != DEVICE_ASA) {
		import_missing(im, line, "the default map depends on the version, and no line names it: 'asa tls mask' before 9.4, 'asa' since");
		return NULL;
	}
	if (config_before(config, 7, 2))
		return import_text("esmtp");
	if (config_before(config, 9, 4))
		return import_text("asa tls mask");
	import_remark(im, line, "TLS passes by default since 9.4; a device upgraded to it may still mask it ('no allow-tls' in 'show running-config all policy-map')");
	return import_text("asa");
}

static char *inspect_options(struct import *im, const struct config_line *line)
{
	if (config_word(line, 1, "smtp"))
		return import_text("fixup");
	if (line->argc < 3 || !strcmp(line->argv[2], default_map))
		return default_options(im, line);
	return import_map_asa(im, line, line->argv[2]);
}

/**
 * struct service - a service-policy line
 * @line: the line
 * @iif: the device's interface, or NULL: global
 */
struct service {
	const struct config_line *line;
	const char *iif;
};

static bool is_service(const struct config_line *line, struct service *service)
{
	if (!config_word(line, 0, "service-policy"))
		return false;
	service->line = line;
	service->iif = config_word(line, 2, "interface") && line->argc > 3 ?
		       line->argv[3] : NULL;
	return service->iif || config_word(line, 2, "global");
}

static bool is_inspect(const struct config_line *line)
{
	const int at = config_word(line, 0, "no");

	return config_word(line, at, "inspect") && (config_word(line, at + 1, "esmtp") ||
						    config_word(line, at + 1, "smtp"));
}

/* Does the policy-map that begins at line @head inspect SMTP at all? */
static bool policy_inspects(const struct config *config, size_t head)
{
	bool inspects = false;

	if (head == config->count)
		return false;
	for (size_t i = head + 1; i < config_block_end(config, head); i++)
		inspects |= is_inspect(&config->line[i]);
	return inspects;
}

/* SMTP is not inspected. At an interface with a policy of its own the global policy does
 * not count
 */
static void import_off(struct import *im, const struct service *service,
		       const struct config_line *line, const char *ports)
{
	const struct config *config = im->config;
	struct service other;

	import_set_weak(im, line, "set %s off", ports);
	for (size_t i = 0; service->iif && i < config->count; i++) {
		if (is_service(&config->line[i], &other) && !other.iif &&
		    policy_inspects(config, config_find_plain(config, "policy-map",
							      other.line->argv[1]))) {
			import_missing(im, service->line, "SMTP is not inspected at '%s', whatever the global policy says; iif can't name all interfaces but one",
				       service->iif);
			return;
		}
	}
}

static void import_inspect(struct import *im, const struct service *service,
			   const struct config_line *class,
			   const struct config_line *line)
{
	char *ports = class_ports(im, class, class->argv[1]);
	char *options = NULL;

	if (!ports)
		return;
	if (config_word(line, 0, "no"))
		import_off(im, service, line, ports);
	else
		options = inspect_options(im, line);
	if (options && service->iif) {
		import_set(im, line, "set %s %s iif %s", ports, options, service->iif);
		import_remark(im, service->line, "'%s' is the device's name; put your interface after iif. Connections that leave by it are inspected there, too",
			      service->iif);
	} else if (options) {
		import_set(im, line, "set %s %s", ports, options);
	}
	free(options);
	free(ports);
}

/* The last inspect line of a class counts. Without one, the class for the default ports
 * has inspection switched off.
 */
static void import_class(struct import *im, const struct service *service,
			 const struct config_line *class,
			 const struct config_line *inspect)
{
	if (inspect)
		import_inspect(im, service, class, inspect);
	else if (class_is_default(im, class->argv[1]))
		import_off(im, service, class, "25");
}

/* A policy-map that is in force */
static void import_service(struct import *im, const struct service *service)
{
	const char *name = service->line->argv[1];
	const size_t head = config_find_plain(im->config, "policy-map", name);
	const struct config_line *class = NULL, *inspect = NULL;

	if (head == im->config->count) {
		import_missing(im, service->line, "there is no policy-map %s", QUOTED(name));
		return;
	}
	for (size_t i = head + 1; i < config_block_end(im->config, head); i++) {
		const struct config_line *line = &im->config->line[i];

		if (config_word(line, 0, "class") && line->argc > 1) {
			if (class)
				import_class(im, service, class, inspect);
			class = line;
			inspect = NULL;
		} else if (is_inspect(line)) {
			inspect = line;
		}
	}
	if (class)
		import_class(im, service, class, inspect);
}

/* Says which policy-maps that inspect SMTP no service-policy names */
static void import_idle(struct import *im)
{
	const struct config *config = im->config;

	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *head = &config->line[i];
		struct service service;
		bool used = false;

		if (!config_word(head, 0, "policy-map") || config_word(head, 1, "type") ||
		    head->argc < 2 || !policy_inspects(config, i))
			continue;
		for (size_t k = 0; k < config->count && !used; k++)
			used = is_service(&config->line[k], &service) &&
			       !strcmp(service.line->argv[1], head->argv[1]);
		if (!used)
			import_not_in_force(im, head, "service-policy");
	}
}

void import_asa(struct import *im)
{
	struct service service;

	for (size_t i = 0; i < im->config->count; i++) {
		if (is_service(&im->config->line[i], &service))
			import_service(im, &service);
	}
	import_idle(im);
}
