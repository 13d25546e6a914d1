/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the importer share. See import.h. */
#ifndef _SMTPFIXUP_IMPORT_PARTS_H
#define _SMTPFIXUP_IMPORT_PARTS_H

#include <stdio.h>

#include "import.h"

/**
 * struct import - a configuration being read
 * @config: its lines
 * @result: the set lines made of them
 */
struct import {
	const struct config *config;
	struct import_result *result;
};

/* Report a line that has no equivalent, or is ambiguous. */
void import_missing(struct import *im, const struct config_line *line,
		    const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* Add a remark, which changes nothing. */
void import_remark(struct import *im, const struct config_line *line,
		   const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* Add a set line, if the tool's own parser accepts it. */
void import_set(struct import *im, const struct config_line *line,
		const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/* The same, but the line counts only if no other line has these ports. */
void import_set_weak(struct import *im, const struct config_line *line,
		     const char *format, ...) ATTRIBUTE(format(printf, 3, 4));

/**
 * import_not_in_force() - report a policy that no line puts in force
 * @im: the configuration
 * @line: where it begins
 * @word: the first word of lines that could put it in force
 *
 * If there is no such line at all, the configuration may be an excerpt, which is
 * ambiguous.
 */
void import_not_in_force(struct import *im, const struct config_line *line,
			 const char *word);

/* asprintf(), to be freed. Ends the program if memory is short. */
char *import_text(const char *format, ...) ATTRIBUTE(format(printf, 1, 2));

/* open_memstream(). Ends the program if memory is short. */
FILE *import_stream(char **text, size_t *len);

/* Append to a list with commas. Either may be NULL; both are freed. */
char *import_join(char *list, char *more);

/* Is the word of @n octets in a list with commas? */
bool import_list_has(const char *list, const char *word, size_t n);

/* Append a word to a list with commas if the list does not have it. Either may be NULL.
 */
char *import_add(char *list, const char *word);

/**
 * import_map_asa() - read a policy-map type inspect esmtp
 * @im: the configuration
 * @use: the line that names the map
 * @name: the map's name
 *
 * Return: mode and options of a set line, to be freed, or NULL.
 */
char *import_map_asa(struct import *im, const struct config_line *use,
		     const char *name);

/**
 * import_map_ios() - read the map of a router
 * @im: the configuration
 * @use: the line that names the map
 * @name: the policy-map type inspect smtp; NULL: none
 * @extended: the router inspects ESMTP
 *
 * Return: as import_map_asa().
 */
char *import_map_ios(struct import *im, const struct config_line *use,
		     const char *name, bool extended);

/**
 * import_patterns() - the patterns that a line names
 * @im: the configuration
 * @line: the line
 * @at: its word "R" or "class C" of an ASA, or the name of a router's parameter-map
 *
 * Return: a list with commas, to be freed; NULL: none, which is reported.
 */
char *import_patterns(struct import *im, const struct config_line *line, int at);

/* The condition of an ASA for a limit, or for the word after "match"; or NULL. */
const char *import_condition(const char *ours, bool limit);

/**
 * import_words_back() - write a list of words as an ASA has them
 * @ours: verb, keyword or mime-encoding
 * @list: words with commas
 * @negated: in and out: the match is negated
 * @words: gets the words, each after a blank
 *
 * Return: the list that import will read from that, to be freed; NULL: an ASA has no such
 * words.
 */
char *import_words_back(const char *ours, const char *list, bool *negated, FILE *words);

/* One function for each kind of device. */
void import_pix(struct import *im);
void import_asa(struct import *im);
void import_ios(struct import *im);

#endif /* _SMTPFIXUP_IMPORT_PARTS_H */
