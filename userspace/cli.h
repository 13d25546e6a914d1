/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line: verbs, flags, help. */
#ifndef _SMTPFIXUP_CLI_H
#define _SMTPFIXUP_CLI_H

#include <stdio.h>

#include "options.h"
#include "ports.h"
#include "propose.h"
#include "reason.h"

/* The most flags that a verb has of its own */
#define VERB_FLAGS_MAX	4

/**
 * struct cli - a command line taken apart
 * @out: where output goes
 * @err: where notes go that are not output
 * @json: -j was given
 * @flags: bit mask of the indices of the verb's own flags that were given
 * @value: the values of those that take one, by index
 * @argc: how many words follow the verb, flags not counted
 * @argv: these words
 * @status: exit status if nothing fails
 * @why: to be filled by what fails
 */
struct cli {
	FILE *out;
	FILE *err;
	bool json;
	unsigned int flags;
	const char *value[VERB_FLAGS_MAX];
	int argc;
	char **argv;
	int status;
	struct reason *why;
};

/* A flag, "--explain", with one line on what it does; NULL ends a table. */
struct flag {
	const char *name;
	const char *doc;
};

/**
 * struct verb - what the tool can do
 * @name: its word
 * @usage: the line's rest; with more than one form, each begins a line of
 *	its own
 * @doc: one line
 * @detail: more of it, whole lines, or NULL
 * @example: a command line without the program's name
 * @flags: its own flags, or NULL
 * @valued: bit mask of the indices of those that a value follows
 * @hidden: left out of help and completion
 * @raw: reads its words without flags being taken out
 * @literal: whether the word after these words is taken as it is, even if it
 *	looks like a flag; or NULL
 * @explain: write the rest of --help, or NULL
 * @request: what its words ask for; of verbs that "restore" reads, else NULL
 * @run: do it; return 0, or -1 with the reason
 * @complete: propose words, or NULL
 */
struct verb {
	const char *name;
	const char *usage;
	const char *doc;
	const char *detail;
	const char *example;
	const struct flag *flags;
	unsigned int valued;
	bool hidden;
	bool raw;
	bool (*literal)(int argc, char *const *argv);
	void (*explain)(FILE *out);
	int (*request)(struct set_request *req, int argc, char **argv,
		       struct reason *why);
	int (*run)(struct cli *cli);
	void (*complete)(const struct completion *c);
};

extern const struct verb *const verbs[];	/* NULL ends it */
extern const struct flag common_flags[];

extern const struct verb verb_set;
extern const struct verb verb_show;
extern const struct verb verb_stats;
extern const struct verb verb_flows;
extern const struct verb verb_monitor;
extern const struct verb verb_save;
extern const struct verb verb_restore;
extern const struct verb verb_import;
extern const struct verb verb_export;
extern const struct verb verb_flush;
extern const struct verb verb_check;
extern const struct verb verb_probe;
extern const struct verb verb_replay;
extern const struct verb verb_relay;
extern const struct verb verb_fixup;
extern const struct verb verb_no;
extern const struct verb verb_inspect;
extern const struct verb verb_mailhost;
extern const struct verb verb_help;
extern const struct verb verb_autocomplete;

#ifndef SMTPFIXUP_VERSION
#define SMTPFIXUP_VERSION "unknown"
#endif

/* What smtpfixup.service restores at boot */
#define DEFAULT_FILE "/etc/smtpfixup.conf"

const struct verb *verb_find_name(const char *name);

/* Whether the word after these words of the verb can't be a flag. */
bool verb_takes(const struct verb *verb, int argc, char *const *argv);

/* The whole of "help", and of "VERB --help". */
void help_program(FILE *out);
void help_verb(FILE *out, const struct verb *verb);

/* The optional PORTS of verbs that read: none means all. */
int cli_ports(struct cli *cli, struct ports *ports);

/**
 * cli_main() - run one command line
 * @argc: as main() has it
 * @argv: as main() has it, NULL at its end
 * @out: standard output
 * @err: standard error
 *
 * Return: the exit status.
 */
int cli_main(int argc, char **argv, FILE *out, FILE *err);

#endif /* _SMTPFIXUP_CLI_H */
