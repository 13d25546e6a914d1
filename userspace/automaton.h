/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automata: the patterns of all criteria that look at one thing become one
 * deterministic table, as kmod/core/match/automaton.h wants it. docs/rules.md X9.
 */
#ifndef _SMTPFIXUP_AUTOMATON_H
#define _SMTPFIXUP_AUTOMATON_H

#include <stdio.h>

#include "match/automaton.h"
#include "reason.h"

/**
 * struct automaton_rule - the patterns of one criterion
 * @patterns: as written, one after the other with commas between them
 * @verdict: what a state says where this is the first that acts
 * @negated: it acts on values that none of them matches
 * @field: the values begin with this name, ": " after it, and the patterns are of
 *	what follows; nor does it act on others. NULL: all values
 * @next: reads one of them: pattern_next() or its like
 */
struct automaton_rule {
	const char *patterns;
	u8 verdict;
	bool negated;
	const char *field;
	int (*next)(const char **list, FILE *out, struct reason *why);
};

/* A packed table; @octets are to be freed */
struct automaton_packed {
	u8 *octets;
	size_t size;
};

/**
 * automaton_compile() - make a table of rules, the first of which acts
 * @packed: result
 * @rule: the rules, in order
 * @count: how many
 * @why: filled on failure
 *
 * Return: 0, or -1: a pattern is none, or the table would be too big.
 */
int automaton_compile(struct automaton_packed *packed,
		      const struct automaton_rule *rule, unsigned int count,
		      struct reason *why);

#endif /* _SMTPFIXUP_AUTOMATON_H */
