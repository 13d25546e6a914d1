/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automata: the patterns of all criteria that look at the same kind of value become one
 * deterministic table, in the format of kmod/core/match/automaton.h. docs/rules.md X9.
 */
#ifndef _SMTPFIXUP_AUTOMATON_H
#define _SMTPFIXUP_AUTOMATON_H

#include <stdio.h>

#include "match/automaton.h"
#include "reason.h"

/**
 * struct automaton_rule - the patterns of one criterion
 * @patterns: as written, one after the other with commas between them
 * @verdict: the verdict of a state where this is the first that acts
 * @negated: it acts on values that none of them matches
 * @field: the rule acts only on values that begin with this name and ": ", and the
 *	patterns are matched with the rest. NULL: on all values
 * @next: reads one pattern: pattern_next() or a similar function
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
 * Return: 0, or -1: a pattern is invalid, or the table would be too big.
 */
int automaton_compile(struct automaton_packed *packed,
		      const struct automaton_rule *rule, unsigned int count,
		      struct reason *why);

#endif /* _SMTPFIXUP_AUTOMATON_H */
