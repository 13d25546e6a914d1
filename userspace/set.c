// SPDX-License-Identifier: GPL-2.0-only
/* set PORTS MODE [OPTION ARG]... */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "idle.h"
#include "netlink.h"
#include "set.h"

/* Read the option that begins the words. Return how many of them it takes. */
static int parse_option(struct set_request *req, int argc, char *const *argv,
			struct reason *why)
{
	const struct set_option *option;
	const char *name = argv[0];
	int i = option_find(name);
	char *given[OPTION_ARGS_MAX + 1] = { NULL };
	int args;

	if (i < 0) {
		char list[256] = "";

		for (unsigned int n = 0; n < set_options_count; n++) {
			strncat(list, n ? ", " : "", sizeof(list) - strlen(list) - 1);
			strncat(list, set_options[n]->name,
				sizeof(list) - strlen(list) - 1);
		}
		return reason_usage(why, "unknown option %s; known are %s",
				    QUOTED(name), list);
	}
	option = set_options[i];
	if (req->policy.mode == SMTP_FIXUP_MODE_OFF)
		return reason_usage(why, "mode off takes no options; leave out %s",
				    QUOTED(name));
	if (req->options >> i & 1 && !option->repeats)
		return reason_usage(why, "the option '%s' is given twice; name it once",
				    option->name);
	args = option_args(option, argc - 1, argv + 1);
	if (argc <= args) {
		char value[128] = "";
		FILE *f = fmemopen(value, sizeof(value), "w");

		if (f) {
			option_print_arg(f, option);
			fclose(f);
		}
		return reason_usage(why, "the option '%s%s%s' lacks its %s; write %s %s",
				    option->name, argc > 1 ? " " : "",
				    argc > 1 ? argv[1] : "",
				    argc > 1 && option->words ? "text" : "value",
				    option->name, value);
	}
	req->options |= 1U << i;
	req->attrs |= 1ULL << option->attr;
	memcpy(given, argv + 1, args * sizeof(*given));
	return option->parse(option, req, given, why) ? -1 : 1 + args;
}

int set_parse(struct set_request *req, int argc, char **argv, struct reason *why)
{
	int mode, words;

	memset(req, 0, sizeof(*req));
	if (!argc)
		return reason_usage(why, "set needs ports and a mode; for example set 25 esmtp");
	if (ports_parse(&req->ports, argv[0], why))
		return -1;
	if (argc < 2)
		return reason_usage(why, "set needs a mode after the ports; for example set %s esmtp",
				    QUOTED(argv[0]));
	mode = word_find(&mode_words, argv[1], why);
	if (mode < 0)
		return -1;
	policy_init(&req->policy, mode);
	for (int i = 2; i < argc; i += words) {
		words = parse_option(req, argc - i, argv + i, why);
		if (words < 0)
			return -1;
	}
	return options_finish(req, why);
}

int set_mode(struct set_request *req, const char *ports,
	     enum smtp_fixup_mode mode, struct reason *why)
{
	memset(req, 0, sizeof(*req));
	policy_init(&req->policy, mode);
	return ports_parse(&req->ports, ports, why);
}

int set_send(const struct set_request *req, struct reason *why)
{
	struct nlmsghdr *nlh;
	struct netlink nl;
	int rc;

	rc = netlink_open(&nl, why);
	if (!rc) {
		nlh = message_set(req, nl.family);
		rc = netlink_request(&nl, nlh, NULL, why);
		free(nlh);
	}
	netlink_close(&nl);
	return rc;
}

void set_free(struct set_request *req)
{
	ports_free(&req->ports);
	criteria_free(req->criteria);
	free((void *)req->policy.criteria);
	req->criteria = NULL;
	req->policy.criteria = NULL;
}

static int set_run(struct cli *cli)
{
	struct set_request req;
	int rc;

	rc = set_parse(&req, cli->argc, cli->argv, cli->why);
	if (!rc)
		rc = set_send(&req, cli->why);
	if (!rc)
		idle_note(cli->err, cli->argv[0], &req.policy);
	set_free(&req);
	return rc;
}

static void set_explain(FILE *out)
{
	fputs("\nModes:\n", out);
	words_explain(out, &mode_words, 2);
	fputs("\nOptions:\n", out);
	options_explain(out);
}

/**
 * struct place - what the word after some words of a set line is
 * @option: the option it belongs to; NULL where it is the name of an option,
 *	or belongs to an unknown one
 * @nth: its number among the option's words: 0 is the name
 * @used: bit mask of the indices of the options that are complete
 * @last: the last of those
 * @lacks: how many of its arguments were left out
 */
struct place {
	const struct set_option *option;
	int nth;
	u32 used;
	const struct set_option *last;
	int lacks;
};

static struct place set_place(int argc, char *const *argv)
{
	struct place place = { 0 };
	int i = 2;

	while (i < argc) {
		const int n = option_find(argv[i]);
		int args = 1;

		place.option = n < 0 ? NULL : set_options[n];
		if (place.option)
			args = option_args(place.option, argc - i - 1, argv + i + 1);
		if (i + args >= argc) {
			place.nth = argc - i;
			return place;
		}
		if (place.option)
			place.used |= 1U << n;
		place.last = place.option;
		place.lacks = place.last && place.last->lacks ?
			      place.last->lacks(argc - i - 1, argv + i + 1) : 0;
		i += 1 + args;
	}
	place.option = NULL;
	return place;
}

/* A text is free to look like a flag */
static bool set_literal(int argc, char *const *argv)
{
	const struct place place = set_place(argc, argv);

	return place.nth > 1 && (place.option->words || place.option->negates);
}

static void set_complete(const struct completion *c)
{
	struct place place;

	if (!c->argc) {
		propose_ports(c);
		return;
	}
	if (c->argc == 1) {
		propose_modes(c);
		return;
	}
	if (!strcmp(c->argv[1], smtp_mode_names[SMTP_FIXUP_MODE_OFF]))
		return;
	place = set_place(c->argc, c->argv);
	if (place.nth) {
		if (place.option && (place.nth == 1 || !place.option->words))
			place.option->complete(place.option, c);
		return;
	}
	/* The last argument of what is complete may have been left out */
	if (place.lacks)
		place.last->complete(place.last, c);
	for (unsigned int n = 0; n < set_options_count; n++) {
		if (!(place.used >> n & 1) || set_options[n]->repeats)
			propose(c, set_options[n]->name);
	}
}

const struct verb verb_set = {
	.name = "set",
	.usage = "PORTS MODE [OPTION ARG]...",
	.doc = "put ports under a policy",
	.detail =
		"It holds for connections opened from now on. All the ports change or none.\n"
		"Options that are not named are as the mode has them. Where the policy selects no\n"
		"connection as things are, a note says why.\n\n"
		"Ports:\n"
		"  one, a range, or a list: 25, 25-30, 25,587,2525-2530; the client's side of\n"
		"  any DNAT. Where ranges overlap, a port is under the narrowest of them.\n",
	.example = "set 25 esmtp tls allow",
	.explain = set_explain,
	.request = set_parse,
	.literal = set_literal,
	.run = set_run,
	.complete = set_complete,
};
