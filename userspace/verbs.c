// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs, in the order of help. */
#include <string.h>

#include "cli.h"

const struct verb *const verbs[] = {
	&verb_set,
	&verb_show,
	&verb_stats,
	&verb_flows,
	&verb_monitor,
	&verb_save,
	&verb_restore,
	&verb_import,
	&verb_export,
	&verb_flush,
	&verb_check,
	&verb_probe,
	&verb_replay,
	&verb_relay,
	&verb_fixup,
	&verb_no,
	&verb_inspect,
	&verb_mailhost,
	&verb_help,
	&verb_autocomplete,
	NULL
};

const struct flag common_flags[] = {
	{ "-j, --json", "print JSON" },
	{ "-n, --netns NETNS", "act on this network namespace, as ip -n does" },
	{ "-h, --help", "print help: of the program, or of the verb on the line" },
	{ "-V, --version", "print the version" },
	{ NULL, NULL }
};

const struct verb *verb_find_name(const char *name)
{
	for (size_t i = 0; verbs[i]; i++) {
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	}
	return NULL;
}

bool verb_takes(const struct verb *verb, int argc, char *const *argv)
{
	return verb && verb->literal && verb->literal(argc, argv);
}
