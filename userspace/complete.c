// SPDX-License-Identifier: GPL-2.0-only
/* The hidden verb that the shell's completion calls, so that it is never out of date:
 * smtpfixup autocomplete WORD... The last word is being typed.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "netns.h"
#include "propose.h"

/* The bit of a flag that was given, or 0 */
static unsigned int flag_bit(const struct verb *verb, const char *word)
{
	const struct flag *flag = verb ? verb->flags : NULL;

	for (unsigned int i = 0; flag && flag[i].name; i++) {
		if (!strcmp(flag[i].name, word))
			return 1U << i;
	}
	return 0;
}

static void propose_flags(const struct completion *c, const struct flag *flag)
{
	char word[64];

	for (; flag && flag->name; flag++) {
		/* "-j, --json" */
		const char *at = flag->name;

		while (*at) {
			size_t len = strcspn(at, ", ");

			snprintf(word, sizeof(word), "%.*s", (int)len, at);
			/* "-n, --netns NETNS": the last is none */
			if (*word == '-')
				propose(c, word);
			at += len + strspn(at + len, ", ");
		}
	}
}

static int autocomplete_run(struct cli *cli)
{
	struct completion c = { .out = cli->out, .current = "" };
	const struct verb *verb = NULL;
	bool known = true, netns = false, value = false;
	struct reason why;

	c.argv = grow(NULL, cli->argc + 1, sizeof(*c.argv));
	for (int i = 0; i < cli->argc; i++) {
		char *word = cli->argv[i];

		if (i == cli->argc - 1) {
			c.current = word;
		} else if (value) {
			value = false;
		} else if (netns) {
			/* Only ports can be completed from what is in force */
			(void)netns_enter(word, &why);
			netns = false;
		} else if (netns_flag(word) && !verb_takes(verb, c.argc, c.argv)) {
			netns = true;
		} else if (*word == '-' && !verb_takes(verb, c.argc, c.argv)) {
			const unsigned int bit = flag_bit(verb, word);

			c.flags |= bit;
			value = verb && verb->valued & bit;
		} else if (!verb && known) {
			verb = verb_find_name(word);
			known = verb;
		} else {
			c.argv[c.argc++] = word;
		}
	}

	if (value) {
		/* A file: the shell completes those */
	} else if (netns) {
		propose_netns(&c);
	} else if (*c.current == '-' && !verb_takes(verb, c.argc, c.argv)) {
		if (verb)
			propose_flags(&c, verb->flags);
		propose_flags(&c, common_flags);
	} else if (verb && verb->complete) {
		verb->complete(&c);
	} else if (!verb && known) {
		for (size_t i = 0; verbs[i]; i++) {
			if (!verbs[i]->hidden)
				propose(&c, verbs[i]->name);
		}
	}
	free(c.argv);
	return 0;
}

const struct verb verb_autocomplete = {
	.name = "autocomplete",
	.usage = "[WORD]...",
	.doc = "propose words that could stand where the last one is being typed",
	.hidden = true,
	.raw = true,
	.run = autocomplete_run,
};
