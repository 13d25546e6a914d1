// SPDX-License-Identifier: GPL-2.0-only
/* Help, derived from the tables. */
#include <string.h>

#include "cli.h"

static void print_flags(FILE *out, const struct flag *flag)
{
	for (; flag && flag->name; flag++)
		fprintf(out, "  %-17s %s\n", flag->name, flag->doc);
}

void help_program(FILE *out)
{
	fputs("Usage: smtpfixup [-j] [-n NETNS] [VERB [ARG]...]\n\n"
	      "Masks and filters SMTP on its way through this router, as the mail guard of\n"
	      "Cisco PIX and ASA did. Acts on the network namespace it is started in, or on NETNS.\n"
	      "Without a verb it shows the policy in force.\n\n"
	      "Verbs:\n", out);
	for (size_t i = 0; verbs[i]; i++) {
		if (!verbs[i]->hidden)
			fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->doc);
	}
	fputs("\nOptions:\n", out);
	print_flags(out, common_flags);
	fputs("\n'smtpfixup VERB --help' tells all about a verb; so does smtpfixup(8).\n"
	      "Exit status: 0 done, 1 usage or local error, 2 refused by the kernel,\n"
	      "3 probe has found a device. check has its own: 0 ok, 1 warning, 2 critical.\n",
	      out);
}

void help_verb(FILE *out, const struct verb *verb)
{
	const char *form = verb->usage, *end;

	do {
		end = strchrnul(form, '\n');
		fprintf(out, "%s smtpfixup %s%s%.*s\n",
			form == verb->usage ? "Usage:" : "      ",
			verb->name, *form ? " " : "", (int)(end - form), form);
		form = end + 1;
	} while (*end);

	fprintf(out, "\n%c%s.\n", verb->doc[0] - 'a' + 'A', verb->doc + 1);
	if (verb->detail)
		fprintf(out, "%s", verb->detail);
	if (verb->explain)
		verb->explain(out);
	fputs("\nFlags:\n", out);
	print_flags(out, verb->flags);
	print_flags(out, common_flags);
	if (verb->example)
		fprintf(out, "\nExample:\n  smtpfixup %s\n", verb->example);
}

static int help_run(struct cli *cli)
{
	const struct verb *verb;

	if (!cli->argc) {
		help_program(cli->out);
		return 0;
	}
	verb = verb_find_name(cli->argv[0]);
	if (!verb)
		return reason_usage(cli->why, "there is no help on %s, for there is no such verb",
				    QUOTED(cli->argv[0]));
	help_verb(cli->out, verb);
	return 0;
}

static void help_complete(const struct completion *c)
{
	if (c->argc)
		return;
	for (size_t i = 0; verbs[i]; i++) {
		if (!verbs[i]->hidden)
			propose(c, verbs[i]->name);
	}
}

const struct verb verb_help = {
	.name = "help",
	.usage = "[VERB]",
	.doc = "explain the program, or one of its verbs",
	.example = "help set",
	.run = help_run,
	.complete = help_complete,
};
