// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOS routers: ip inspect (CBAC), and the zone-based firewall. They let the greeting
 * pass, and overwrite commands that they do not know. See import.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_parts.h"

/* "Gi0-1" for "GigabitEthernet0/1": Linux has no slash in an interface's name, and the
 * operator has to put in another name anyway
 */
static char *short_name(const char *name)
{
	const size_t kind = strcspn(name, "0123456789");
	char *text = import_text("%.*s%s", kind < 2 ? (int)kind : 2, name, name + kind);

	for (char *c = text; *c; c++) {
		if (*c == '/' || *c == ':')
			*c = '-';
	}
	return text;
}

/* Port 25, and those that "ip port-map smtp port tcp P" adds; to be freed */
static char *smtp_ports(struct import *im)
{
	char *list = import_text("25");

	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *line = &im->config->line[i];
		int at = 3;

		if (!config_begins(line, "ip port-map smtp"))
			continue;
		at += config_word(line, at, "port");
		at += config_word(line, at, "tcp");
		if (line->argc > at + 3 && config_word(line, at, "from") &&
		    config_word(line, at + 2, "to")) {
			list = import_join(list, import_text("%s-%s", line->argv[at + 1],
							     line->argv[at + 3]));
			at += 4;
		} else if (line->argc > at) {
			list = import_join(list, import_text("%s", line->argv[at++]));
		}
		if (config_word(line, at, "list"))
			import_missing(im, line, "the addresses have no equivalent; choose these connections with 'assign explicit' and nft");
	}
	return list;
}

/* Makes a set line. @iif: the router's interface, or NULL: any */
static void import_router(struct import *im, const struct config_line *line,
			  const char *map, bool extended, const char *iif)
{
	char *options = import_map_ios(im, line, map, extended);
	char *ports = smtp_ports(im);
	char *name = short_name(iif ? iif : "");

	if (options && iif) {
		import_set(im, line, "set %s %s iif %s", ports, options, name);
		import_remark(im, line, "'%s' is the router's name; put your interface after iif",
			      iif);
	} else if (options) {
		import_set(im, line, "set %s %s", ports, options);
	}
	free(name);
	free(ports);
	free(options);
}

/* -- ip inspect name ---------------------------------------------------- */

static void inspect_words(struct import *im, const struct config_line *line)
{
	for (int at = 5; at < line->argc; at++) {
		if (config_word(line, at, "max-data"))
			import_missing(im, line, "max-data counts the octets of a whole session");
		else if (config_word(line, at, "timeout"))
			import_remark(im, line, "conntrack keeps the time (net.netfilter.nf_conntrack_tcp_timeout_established)");
	}
}

/* "ip inspect name N ..." applies to interfaces with "ip inspect N in" */
static void import_cbac(struct import *im, const struct config_line *line)
{
	const bool extended = config_word(line, 4, "esmtp");
	const char *iif = NULL;
	bool used = false;

	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *use = &im->config->line[i];

		if (config_word(use, 0, "interface") && use->argc > 1)
			iif = use->argv[use->argc - 1];
		if (!config_begins(use, "ip inspect") || use->argc != 4 ||
		    strcmp(use->argv[2], line->argv[3]))
			continue;
		if (!used)
			inspect_words(im, line);
		used = true;
		if (config_word(use, 3, "in"))
			import_router(im, line, NULL, extended, iif);
		else
			import_missing(im, use, "connections that leave by an interface are chosen with 'assign explicit' and nft; then 'set 25 %s banner keep' is near to it",
				       extended ? "esmtp" : "fixup");
	}
	if (!used)
		import_not_in_force(im, line, "interface");
}

/* -- zones -------------------------------------------------------------- */

/* The interface of a zone; NULL: it has none or several, which is reported */
static const char *zone_interface(struct import *im, const struct config_line *use,
				  const char *zone)
{
	const char *iif = NULL, *found = NULL;

	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *line = &im->config->line[i];

		if (config_word(line, 0, "interface") && line->argc > 1)
			iif = line->argv[line->argc - 1];
		if (!config_begins(line, "zone-member security") || line->argc != 3 ||
		    strcmp(line->argv[2], zone) || !iif)
			continue;
		if (found) {
			import_missing(im, use, "zone %s has several interfaces, and a policy has one iif",
				       QUOTED(zone));
			return NULL;
		}
		found = iif;
	}
	if (!found)
		import_missing(im, use, "no interface is in zone %s", QUOTED(zone));
	return found;
}

enum { NO_SMTP, SMTP, ESMTP };

static bool names_smtp(const struct config *config, const char *class)
{
	const size_t head = config_find(config, "class-map type inspect", class);
	bool smtp = false;

	if (head == config->count)
		return false;
	for (size_t i = head + 1; i < config_block_end(config, head); i++)
		smtp |= config_begins(&config->line[i], "match protocol smtp");
	return smtp;
}

/* Does a class-map type inspect have SMTP or ESMTP? */
static int class_protocol(struct import *im, const char *name)
{
	const struct config *config = im->config;
	size_t head = config_find(config, "class-map type inspect", name);
	bool all, narrow = false;
	int protocol = NO_SMTP;

	if (head == config->count)
		return NO_SMTP;
	all = !config_word(&config->line[head], 3, "match-any");
	for (size_t i = head + 1; i < config_block_end(config, head); i++) {
		const struct config_line *line = &config->line[i];

		if (config_begins(line, "match protocol smtp"))
			protocol = config_word(line, 3, "extended") ? ESMTP : SMTP;
		else if (config_begins(line, "match class-map") && line->argc == 3 &&
			 names_smtp(config, line->argv[2]))
			import_missing(im, line, "a class within a class has no equivalent");
		else if (config_word(line, 0, "match"))
			narrow = true;
	}
	if (protocol && all && narrow)
		import_missing(im, &config->line[head], "what else the class needs has no equivalent; choose these connections with 'assign explicit' and nft");
	return protocol;
}

/* Reads a policy-map type inspect for connections from a zone */
static void import_zone_policy(struct import *im, const struct config_line *use,
			       size_t head, const char *zone)
{
	const struct config *config = im->config;
	const size_t end = config_block_end(config, head);
	size_t i = head + 1;

	while (i < end) {
		const struct config_line *class = &config->line[i++];
		const char *map = NULL, *iif;
		bool inspects = false;
		int protocol;

		if (!config_word(class, 0, "class") || class->argc < 2)
			continue;
		for (; i < end && !config_word(&config->line[i], 0, "class"); i++) {
			const struct config_line *line = &config->line[i];

			inspects |= config_word(line, 0, "inspect");
			if (config_begins(line, "service-policy smtp") && line->argc == 3)
				map = line->argv[2];
		}
		protocol = inspects ? class_protocol(im, class->argv[class->argc - 1]) :
				      NO_SMTP;
		if (!protocol)
			continue;
		iif = zone_interface(im, use, zone);
		if (iif)
			import_router(im, class, map, protocol == ESMTP, iif);
	}
}

/* Reads "zone-pair security N source A destination B", and its service-policy */
static void import_zone_pair(struct import *im, size_t at)
{
	const struct config *config = im->config;
	const struct config_line *pair = &config->line[at];
	const size_t end = config_block_end(config, at);
	size_t head;

	if (!config_word(pair, 3, "source") || pair->argc < 5)
		return;
	for (size_t i = at + 1; i < config->count; i++) {
		const struct config_line *line = &config->line[i];
		const bool named = config_begins(line, "service-policy type inspect");

		/* If the indentation is lost, the service-policy is the next line */
		if (i >= end && !named)
			break;
		if (!named || line->argc != 4)
			continue;
		head = config_find(config, "policy-map type inspect", line->argv[3]);
		if (head < config->count)
			import_zone_policy(im, pair, head, pair->argv[4]);
		else
			import_missing(im, line, "there is no policy-map type inspect %s",
				       QUOTED(line->argv[3]));
	}
}

/* Does a service-policy line name the policy-map of line @head? */
static bool policy_used(const struct config *config, size_t head)
{
	const struct config_line *map = &config->line[head];

	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_word(line, 0, "service-policy") &&
		    !strcmp(line->argv[line->argc - 1], map->argv[map->argc - 1]))
			return true;
	}
	return false;
}

void import_ios(struct import *im)
{
	const struct config *config = im->config;

	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_begins(line, "ip inspect name") &&
		    (config_word(line, 4, "smtp") || config_word(line, 4, "esmtp")))
			import_cbac(im, line);
		else if (config_begins(line, "zone-pair security"))
			import_zone_pair(im, i);
		else if (config_begins(line, "ip audit smtp spam"))
			import_missing(im, line, "this is a signature of the router's IDS; 'limit rcpt N log' is near to it");
		else if (config_begins(line, "policy-map type inspect smtp") &&
			 !policy_used(config, i))
			import_not_in_force(im, line, "zone-pair");
	}
}
