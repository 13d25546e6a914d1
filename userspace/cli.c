// SPDX-License-Identifier: GPL-2.0-only
/* The command line. See cli.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "netns.h"

/**
 * struct parse - a command line while it is taken apart
 * @verb: the verb, once it was met
 * @help: -h was given
 * @version: -V was given
 * @literal: -- was given: no more flags
 * @netns: the network namespace that -n names, or NULL
 */
struct parse {
	const struct verb *verb;
	bool help;
	bool version;
	bool literal;
	const char *netns;
};

/* Reads a flag. @next: the word after it, or NULL. Returns how many words it takes, or
 * -1.
 */
static int parse_flag(struct parse *parse, struct cli *cli, const char *word,
		      const char *next)
{
	const struct flag *flag = parse->verb ? parse->verb->flags : NULL;
	bool valued;

	if (!strcmp(word, "--")) {
		parse->literal = true;
		return 1;
	}
	if (!strcmp(word, "-j") || !strcmp(word, "--json")) {
		cli->json = true;
		return 1;
	}
	if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
		parse->help = true;
		return 1;
	}
	if (!strcmp(word, "-V") || !strcmp(word, "--version")) {
		parse->version = true;
		return 1;
	}
	for (unsigned int i = 0; flag && flag[i].name; i++) {
		if (strcmp(word, flag[i].name))
			continue;
		valued = parse->verb->valued >> i & 1;
		if (cli->flags >> i & 1 && valued)
			return reason_usage(cli->why, "%s is given twice; name it once",
					    word);
		cli->flags |= 1U << i;
		if (!valued)
			return 1;
		if (!next || !*next)
			return reason_usage(cli->why, "%s lacks its value; write %s FILE",
					    word, word);
		cli->value[i] = next;
		return 2;
	}
	return reason_usage(cli->why, "unknown option %s", QUOTED(word));
}

static int parse_verb(struct parse *parse, struct cli *cli, const char *word)
{
	char list[256] = "";

	parse->verb = verb_find_name(word);
	if (parse->verb)
		return 0;
	for (size_t i = 0; verbs[i]; i++) {
		if (verbs[i]->hidden)
			continue;
		if (i)
			strncat(list, ", ", sizeof(list) - strlen(list) - 1);
		strncat(list, verbs[i]->name, sizeof(list) - strlen(list) - 1);
	}
	return reason_usage(cli->why, "unknown verb %s; known are %s",
			    QUOTED(word), list);
}

/* Flags may stand anywhere; the rest is moved together in cli->argv. */
static int parse_line(struct parse *parse, struct cli *cli, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];
		const bool flag = word[0] == '-' && word[1] &&
				  !(word[1] >= '0' && word[1] <= '9');

		if ((parse->verb && parse->verb->raw) ||
		    verb_takes(parse->verb, cli->argc, cli->argv)) {
			cli->argv[cli->argc++] = word;
		} else if (flag && !parse->literal && netns_flag(word)) {
			if (i + 1 >= argc)
				return reason_usage(cli->why, "%s lacks the name of a network namespace; 'ip netns list' lists them",
						    QUOTED(word));
			parse->netns = argv[++i];
		} else if (flag && !parse->literal) {
			const int words = parse_flag(parse, cli, word,
						     i + 1 < argc ? argv[i + 1] : NULL);

			if (words < 0)
				return -1;
			i += words - 1;
		} else if (!parse->verb) {
			if (parse_verb(parse, cli, word))
				return -1;
		} else {
			cli->argv[cli->argc++] = word;
		}
	}
	return 0;
}

static int run(struct parse *parse, struct cli *cli, int argc, char **argv)
{
	if (parse_line(parse, cli, argc, argv))
		return -1;

	if (parse->version) {
		fputs("smtpfixup " SMTPFIXUP_VERSION "\n", cli->out);
		return 0;
	}
	if (parse->help) {
		if (parse->verb)
			help_verb(cli->out, parse->verb);
		else
			help_program(cli->out);
		return 0;
	}
	if (parse->netns && netns_enter(parse->netns, cli->why))
		return -1;
	/* Like wg and ip: no verb means show */
	return (parse->verb ? parse->verb : &verb_show)->run(cli);
}

int cli_ports(struct cli *cli, struct ports *ports)
{
	memset(ports, 0, sizeof(*ports));
	if (!cli->argc)
		return 0;
	if (cli->argc > 1)
		return reason_usage(cli->why, "%s is one word too many; write a list of ports without blanks, as 25,587",
				    QUOTED(cli->argv[1]));
	return ports_parse(ports, cli->argv[0], cli->why);
}

int cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct reason why = { .status = EXIT_LOCAL };
	struct cli cli = { .out = out, .err = err, .why = &why };
	struct parse parse = { 0 };
	int rc;

	cli.argv = grow(NULL, argc > 0 ? argc + 1 : 1, sizeof(*cli.argv));
	cli.argv[0] = NULL;	/* what a verb without words reads */
	rc = run(&parse, &cli, argc, argv);
	free(cli.argv);

	if (!rc && (fflush(out) || ferror(out)))
		rc = reason_local(&why, "the output could not be written: %s",
				  strerror(errno));
	if (!rc)
		return cli.status;

	fprintf(err, "smtpfixup: %s", why.text);
	if (why.usage)
		fprintf(err, "; see 'smtpfixup %s%s--help'",
			parse.verb ? parse.verb->name : "",
			parse.verb ? " " : "");
	fputc('\n', err);
	return why.status;
}
