/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Criteria: the matches of a policy. They have no state: smtp/value.h, smtp/header.h and
 * smtp/mime.h read the values that they look at. docs/rules.md X.
 */
#ifndef _SMTP_CORE_MATCH_CRITERIA_H
#define _SMTP_CORE_MATCH_CRITERIA_H

#include "automaton.h"

/* Octets of all criteria of a policy at most */
#define SMTP_CRITERIA_SIZE_MAX	(512 * 1024)

/**
 * struct smtp_criterion - a match
 * @what: enum smtp_fixup_what
 * @action: enum smtp_fixup_action, not off
 * @negated: it acts on what no pattern matches
 * @text: its name in events: "not sender a,b"
 * @len: octets of it
 * @patterns: the end of @text: "a,b", as written
 * @field: name of the header field whose value it looks at, or NULL
 */
struct smtp_criterion {
	u8 what;
	u8 action;
	bool negated;
	u16 len;
	const char *text;
	const char *patterns;
	const char *field;
};

/**
 * struct smtp_criteria - the matches of a policy, immutable once made
 * @size: octets of all, what it points to included
 * @nr: how many
 * @verbs: bit mask of enum smtp_fixup_verb: verbs that the matches mask
 * @keywords: bit mask of enum smtp_fixup_keyword: keywords that the matches mask
 * @messages: one of them looks at messages
 * @ends_messages: one of them looks at messages, and ends the connection
 * @mime: one of them looks at MIME fields
 * @table: by enum smtp_fixup_what; without rows where no match looks at it
 * @criterion: in order
 */
struct smtp_criteria {
	u32 size;
	u32 nr;
	u64 verbs;
	u64 keywords;
	bool messages;
	bool ends_messages;
	bool mime;
	struct smtp_automaton table[__SMTP_FIXUP_WHAT_MAX];
	struct smtp_criterion criterion[];
};

/**
 * struct smtp_match_spec - the parts that a match is made from
 * @what: enum smtp_fixup_what
 * @action: enum smtp_fixup_action
 * @negated: it acts on what no pattern matches
 * @len: octets of @patterns, without the NUL after them
 * @patterns: as written
 * @field: name of a header field, or NULL
 */
struct smtp_match_spec {
	u8 what;
	u8 action;
	bool negated;
	u16 len;
	const char *patterns;
	const char *field;
};

/**
 * struct smtp_criteria_spec - the parts that criteria are made from
 * @nr: how many of @match
 * @match: the matches
 * @table: by enum smtp_fixup_what: the packed tables
 */
struct smtp_criteria_spec {
	u32 nr;
	struct smtp_match_spec *match;
	struct {
		const u8 *octets;
		u32 n;
	} table[__SMTP_FIXUP_WHAT_MAX];
};

extern const char *const smtp_what_names[__SMTP_FIXUP_WHAT_MAX];

/**
 * smtp_criteria_measure() - check the parts of criteria
 * @spec: the parts, not trusted
 * @tables: a table is required for each @what that a match looks at
 * @size: result: octets that they need
 *
 * Return: NULL, or what is wrong.
 */
const char *smtp_criteria_measure(const struct smtp_criteria_spec *spec,
				  bool tables, u32 *size);

/**
 * smtp_criteria_make() - make criteria
 * @c: memory of @size octets
 * @spec: has been measured
 * @size: the result of that
 *
 * Return: NULL, or what is wrong with a table.
 */
const char *smtp_criteria_make(struct smtp_criteria *c,
			       const struct smtp_criteria_spec *spec, u32 size);

/**
 * smtp_criteria_find() - which match acts on a value?
 * @c: the criteria, or NULL
 * @what: enum smtp_fixup_what
 * @value: the value
 * @n: its octets
 *
 * Return: the match, or NULL.
 */
const struct smtp_criterion *smtp_criteria_find(const struct smtp_criteria *c,
						u8 what, const u8 *value, u32 n);

/* Does any match look at @what? */
static inline bool smtp_criteria_has(const struct smtp_criteria *c, u8 what)
{
	return c && c->table[what].next;
}

/* The table of the matches that look at @what, or NULL */
static inline const struct smtp_automaton *
smtp_criteria_table(const struct smtp_criteria *c, u8 what)
{
	return smtp_criteria_has(c, what) ? &c->table[what] : NULL;
}

/* Is @what part of a message? Then no octet of it is changed: D9, X10 */
static inline bool smtp_what_of_message(u8 what)
{
	return what >= SMTP_FIXUP_WHAT_HEADER && what <= SMTP_FIXUP_WHAT_MIME_FILENAME;
}

/* The match that acts on a value which ends in @state of its table, or NULL */
static inline const struct smtp_criterion *
smtp_criteria_verdict(const struct smtp_criteria *c, u8 what, u16 state)
{
	u8 verdict = c->table[what].verdict[state];

	return verdict ? &c->criterion[verdict - 1] : NULL;
}

#endif /* _SMTP_CORE_MATCH_CRITERIA_H */
