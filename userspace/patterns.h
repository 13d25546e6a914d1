/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Patterns: globs, and regular expressions in the ASA's syntax, read one by one
 * from a list and written in the syntax of libfa. docs/rules.md X9.
 */
#ifndef _SMTPFIXUP_PATTERNS_H
#define _SMTPFIXUP_PATTERNS_H

#include <stdio.h>

#include "reason.h"

/* Octets of one pattern, as written, at most; the ASA takes 100 */
#define PATTERN_MAX	256

/* Times that {N} of one pattern may repeat its parts, all together */
#define PATTERN_REPEAT_MAX	100

/**
 * pattern_next() - read a pattern from a list
 * @list: the list; is moved after the pattern and its comma
 * @out: the pattern as a regular expression of libfa that a whole value matches
 * @why: filled on failure
 *
 * Return: 1, 0 at the end of the list, or -1.
 */
int pattern_next(const char **list, FILE *out, struct reason *why);

/**
 * pattern_field() - begin a pattern of a header field's value: RFC 5322, 2.2
 * @out: gets the name, ": ", and a parenthesis that the pattern is to close
 * @name: the field's name
 */
void pattern_field(FILE *out, const char *name);

/**
 * pattern_other_fields() - a pattern of all fields with other names
 * @out: as for pattern_next()
 * @name: the field's name
 */
void pattern_other_fields(FILE *out, const char *name);

/**
 * pattern_relay() - the same of a list of domains: addresses within one
 * @list: as for pattern_next()
 * @out: as for pattern_next()
 * @why: filled on failure
 *
 * An address with no @ is within each, one with %, ! or another @ in its local
 * part in none: it names a further hop.
 *
 * Return: as pattern_next().
 */
int pattern_relay(const char **list, FILE *out, struct reason *why);

#endif /* _SMTPFIXUP_PATTERNS_H */
