/* SPDX-License-Identifier: GPL-2.0-only */
/* The words that could stand where the user pressed tab. */
#ifndef _SMTPFIXUP_PROPOSE_H
#define _SMTPFIXUP_PROPOSE_H

#include <stdio.h>

/**
 * struct completion - a line being typed
 * @out: where to propose, one word a line
 * @argc: how many words stand between the verb and the one being typed
 * @argv: they, without flags
 * @flags: bit mask of the indices of the verb's own flags among them
 * @current: the beginning of the word being typed
 */
struct completion {
	FILE *out;
	int argc;
	char **argv;
	unsigned int flags;
	const char *current;
};

/* Print a word, if what was typed so far is its beginning in either case. */
void propose(const struct completion *c, const char *word);

/* Ports that have to do with SMTP. */
void propose_ports(const struct completion *c);

/* Modes. */
void propose_modes(const struct completion *c);

#endif /* _SMTPFIXUP_PROPOSE_H */
