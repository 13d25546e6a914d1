// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regular expressions of a configuration, which maps name: regex, class-map type regex and
 * parameter-map type regex. docs/rules.md X9. See import.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_parts.h"

/* A device's regular expression between slashes, to be freed; NULL: it has no equivalent,
 * which is reported
 */
static char *regexp(struct import *im, const struct config_line *line, const char *expr)
{
	char *text = NULL;
	bool bracket = false;
	size_t len;
	FILE *out = import_stream(&text, &len);

	fputc('/', out);
	for (const char *c = expr; *c; c++) {
		if (*c == '\\' && c[1]) {
			fputc(*c++, out);
		} else if (*c == '/') {
			fputc('\\', out);
		} else if (*c == '[') {
			bracket = true;
		} else if (*c == ']') {
			bracket = false;
		} else if (*c == '$' && !bracket) {
			import_missing(im, line, "the device's guides do not say what $ in %s means; write \\$ for the octet",
				       QUOTED(expr));
			fclose(out);
			free(text);
			return NULL;
		}
		fputc(*c, out);
	}
	fputc('/', out);
	fclose(out);
	return text;
}

/* The expression of the ASA's line "regex NAME EXPR" */
static char *asa_regex(struct import *im, const struct config_line *use, const char *name)
{
	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *line = &im->config->line[i];

		if (config_word(line, 0, "regex") && line->argc == 3 &&
		    !strcmp(line->argv[1], name))
			return regexp(im, line, line->argv[2]);
	}
	import_missing(im, use, "there is no regex %s", QUOTED(name));
	return NULL;
}

/* The patterns of a block that begins with @words and ends with @name: each line
 * that begins with @word has one
 */
static char *block_regex(struct import *im, const struct config_line *use,
			 const char *words, const char *name, const char *word)
{
	const size_t head = config_find(im->config, words, name);
	const bool pattern = !strcmp(word, "pattern");
	char *list = NULL;

	if (head == im->config->count) {
		import_missing(im, use, "there is no %s %s", words, QUOTED(name));
		return NULL;
	}
	for (size_t i = head + 1; i < config_block_end(im->config, head); i++) {
		const struct config_line *line = &im->config->line[i];

		if (pattern && config_word(line, 0, "pattern") && line->argc == 2)
			list = import_join(list, regexp(im, line, line->argv[1]));
		else if (!pattern && config_begins(line, "match regex") && line->argc == 3)
			list = import_join(list, asa_regex(im, line, line->argv[2]));
		else if (!config_word(line, 0, "description") && !config_word(line, 0, "exit"))
			import_missing(im, line, "this is not known here");
	}
	if (!list)
		import_missing(im, use, "%s has no pattern", QUOTED(name));
	return list;
}

char *import_patterns(struct import *im, const struct config_line *line, int at)
{
	if (config_word(line, at, "class") && line->argc == at + 2)
		return block_regex(im, line, "class-map type regex", line->argv[at + 1],
				   "match");
	if (line->argc != at + 1) {
		import_missing(im, line, "the name of a regular expression is missing");
		return NULL;
	}
	if (config_find(im->config, "parameter-map type regex", line->argv[at]) <
	    im->config->count)
		return block_regex(im, line, "parameter-map type regex",
				   line->argv[at], "pattern");
	return asa_regex(im, line, line->argv[at]);
}
