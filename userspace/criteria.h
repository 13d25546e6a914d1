/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Criteria: the matches of a set line, with their tables, and as the core has them.
 * docs/rules.md X.
 */
#ifndef _SMTPFIXUP_CRITERIA_H
#define _SMTPFIXUP_CRITERIA_H

#include "automaton.h"
#include "match/criteria.h"
#include "policy/policy.h"

/**
 * struct criteria - matches being collected
 * @spec: the matches; its texts and tables are owned
 * @packed: the tables, by enum smtp_fixup_what
 */
struct criteria {
	struct smtp_criteria_spec spec;
	struct automaton_packed packed[__SMTP_FIXUP_WHAT_MAX];
};

/**
 * criteria_add() - add a match
 * @criteria: the matches; *@criteria may be NULL
 * @what: enum smtp_fixup_what
 * @action: enum smtp_fixup_action
 * @negated: it acts on what no pattern matches
 * @patterns: as written
 * @len: octets
 * @field: name of the header field whose value it looks at, or NULL
 *
 * Return: false: there are too many.
 */
bool criteria_add(struct criteria **criteria, u8 what, u8 action, bool negated,
		  const char *patterns, size_t len, const char *field);

/**
 * criteria_compile() - make the tables
 * @criteria: the matches, or NULL
 * @why: filled on failure
 *
 * Return: 0 or -1.
 */
int criteria_compile(struct criteria *criteria, struct reason *why);

/**
 * criteria_make() - make the criteria of a policy
 * @criteria: the matches, with their tables or without, or NULL
 * @made: result: the criteria, to be freed; NULL if there are no matches
 *
 * Return: NULL, or what is wrong.
 */
const char *criteria_make(const struct criteria *criteria,
			  const struct smtp_criteria **made);

/* Octets of the matches and tables as netlink attributes, at most */
size_t criteria_size(const struct criteria *criteria);

void criteria_free(struct criteria *criteria);

#endif /* _SMTPFIXUP_CRITERIA_H */
