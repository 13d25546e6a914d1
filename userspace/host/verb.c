// SPDX-License-Identifier: GPL-2.0-only
/* What the verbs that judge in user space have in common. See verb.h. */
#include <stdlib.h>
#include <string.h>

#include "host/verb.h"
#include "set.h"
#include "show.h"

/* Options that select connections by what only a router knows */
static const u8 module_options[] = {
	SMTP_FIXUP_A_IIF, SMTP_FIXUP_A_ASSIGN, SMTP_FIXUP_A_BY_MARK,
};

int host_request(struct set_request *req, const char *ports, int argc,
		 char **argv, const char *verb, struct reason *why)
{
	char **words = grow(NULL, argc + 1, sizeof(*words));
	char *range = strdup(ports);
	int rc;

	words[0] = range;
	memcpy(words + 1, argv, argc * sizeof(*words));
	rc = set_parse(req, argc + 1, words, why);
	free(words);
	free(range);
	for (size_t i = 0; !rc && i < sizeof(module_options); i++) {
		if (!(req->attrs >> module_options[i] & 1))
			continue;
		for (unsigned int n = 0; n < set_options_count; n++) {
			if (set_options[n]->attr == module_options[i])
				return reason_usage(why, "the option '%s' needs the kernel module; %s has none, leave it out",
						    set_options[n]->name, verb);
		}
	}
	return rc;
}

int host_print_stats(struct cli *cli, const struct host *host)
{
	struct stats_list list;
	int rc = 0;

	host_stats(host, &list);
	if (cli->json)
		rc = stats_json(cli->out, &list, false, cli->why);
	else
		stats_text(cli->out, &list, false);
	stats_list_clear(&list);
	return rc;
}
