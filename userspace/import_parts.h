/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the importer share. See import.h. */
#ifndef _SMTPFIXUP_IMPORT_PARTS_H
#define _SMTPFIXUP_IMPORT_PARTS_H

#include <stdio.h>

#include "import.h"

/**
 * struct import - a configuration being read
 * @config: its lines
 * @result: what they mean
 */
struct import {
	const struct config *config;
	struct import_result *result;
};

/* Something has no equivalent, or is ambiguous. */
void import_missing(struct import *im, const struct config_line *line,
		    const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* A remark that changes nothing. */
void import_remark(struct import *im, const struct config_line *line,
		   const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* A set line; the tool's own parser has the last word. */
void import_set(struct import *im, const struct config_line *line,
		const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* The same, which holds where no other line has these ports. */
void import_set_weak(struct import *im, const struct config_line *line,
		     const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/**
 * import_not_in_force() - a policy that no line puts in force
 * @im: the configuration
 * @line: where it begins
 * @word: the first word of lines that could do it
 *
 * With no such line at all, the configuration may be an excerpt: ambiguous.
 */
void import_not_in_force(struct import *im, const struct config_line *line,
			 const char *word);

/* A format's text, to be freed; ends the program without memory. */
char *import_text(const char *format, ...) ATTRIBUTE(format(printf, 1, 2));

/* open_memstream() that ends the program without memory. */
FILE *import_stream(char **text, size_t *len);

/* Adds to a list with commas; either may be NULL, @list and @more are freed. */
char *import_join(char *list, char *more);

/* Are the first @n octets of @word in a list with commas? */
bool import_list_has(const char *list, const char *word, size_t n);

/* Adds a word to a list that has not got it; either may be NULL. */
char *import_add(char *list, const char *word);

/**
 * import_map_asa() - policy-map type inspect esmtp
 * @im: the configuration
 * @use: the line that names it
 * @name: its name
 *
 * Return: mode and options of a set line, to be freed, or NULL.
 */
char *import_map_asa(struct import *im, const struct config_line *use,
		     const char *name);

/**
 * import_map_ios() - what a router inspects
 * @im: the configuration
 * @use: the line that names the map
 * @name: the policy-map type inspect smtp, or NULL: there is none
 * @extended: ESMTP
 *
 * Return: as import_map_asa().
 */
char *import_map_ios(struct import *im, const struct config_line *use,
		     const char *name, bool extended);

/* The condition of an ASA's map for a limit, or for a thing to match, or NULL. */
const char *import_condition(const char *ours, bool limit);

/**
 * import_words_back() - a list of words as an ASA has them
 * @ours: what is looked at: verb, keyword or mime-encoding
 * @list: words with commas
 * @negated: may be turned around
 * @words: gets them, each after a blank
 *
 * Return: the list that import will make of it, to be freed; NULL: an ASA has no
 * such words.
 */
char *import_words_back(const char *ours, const char *list, bool *negated, FILE *words);

/* The kinds of device, each in its own words. */
void import_pix(struct import *im);
void import_asa(struct import *im);
void import_ios(struct import *im);

#endif /* _SMTPFIXUP_IMPORT_PARTS_H */
