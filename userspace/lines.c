// SPDX-License-Identifier: GPL-2.0-only
/* Lines of a saved configuration. See lines.h. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "lines.h"
#include "messages.h"
#include "set.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes one word from *at, and moves it past the word; @to is never beyond *at. */
static char *split_word(char **at, char *to, struct reason *why)
{
	char quote = '\0';
	char *c = *at;

	for (; *c && (quote || !blank(*c)); c++) {
		if (*c == quote) {
			quote = '\0';
		} else if (!quote && (*c == '\'' || *c == '"')) {
			quote = *c;
		} else if (*c == '\\' && quote != '\'') {
			if (!c[1]) {
				reason_usage(why, "a backslash ends the line; a line can't go on in the next one");
				return NULL;
			}
			*to++ = *++c;
		} else {
			*to++ = *c;
		}
	}
	if (quote) {
		reason_usage(why, "a %c has no partner in this line; a text stands between two of them",
			     quote);
		return NULL;
	}
	*at = c;
	return to;
}

int line_split(char *line, char **words, struct reason *why)
{
	int count = 0;

	for (;;) {
		char *end;

		while (blank(*line))
			line++;
		if (!*line || *line == '#')
			return count;
		if (count == LINE_WORDS_MAX)
			return reason_usage(why, "there are more than %d words in this line",
					    LINE_WORDS_MAX);
		words[count] = line;
		end = split_word(&line, line, why);
		if (!end)
			return -1;
		/* The last word's NUL may fall on the line's own */
		if (*line)
			line++;
		*end = '\0';
		count++;
	}
}

static int unknown(const char *word, struct reason *why)
{
	char list[256] = "";

	for (size_t i = 0; verbs[i]; i++) {
		if (!verbs[i]->request)
			continue;
		strncat(list, *list ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, verbs[i]->name, sizeof(list) - strlen(list) - 1);
	}
	return reason_usage(why, "%s can't begin a line here; known are %s",
			    QUOTED(word), list);
}

/* The kernel's limit, SMTP_REPLACE_MAX: no more policies than ports, and no more ranges
 * in all of them. It bounds the memory for a file, too.
 */
static int count_ranges(struct line_list *list, const struct set_request *req,
			struct reason *why)
{
	list->ranges += req->ports.count;
	if (list->ranges > LINES_RANGES_MAX)
		return reason_usage(why, "there are more than %d ranges of ports in this file",
				    LINES_RANGES_MAX);
	return 0;
}

static int parse_line(struct set_request *req, int argc, char **argv,
		      struct reason *why)
{
	const struct verb *verb = verb_find_name(argv[0]);

	memset(req, 0, sizeof(*req));
	if (!verb || !verb->request)
		return unknown(argv[0], why);
	if (verb->request(req, argc - 1, argv + 1, why))
		return -1;
	if (req->ports.count > REPLACE_RANGES_MAX)
		return reason_usage(why, "there are more than %d ranges in this line; write several lines",
				    REPLACE_RANGES_MAX);
	return 0;
}

static struct set_request *list_new(struct line_list *list, unsigned int number)
{
	if (list->count == list->alloc) {
		list->alloc = list->alloc ? list->alloc * 2 : 16;
		list->item = grow(list->item, list->alloc, sizeof(*list->item));
		list->number = grow(list->number, list->alloc,
				    sizeof(*list->number));
	}
	list->number[list->count] = number;
	return &list->item[list->count++];
}

int lines_fault(const char *name, unsigned int number, struct reason *why)
{
	const struct reason inner = *why;

	reason_local(why, "%.200s:%u: %s", name, number, inner.text);
	why->status = inner.status;
	return -1;
}

int lines_parse(struct line_list *list, const char *name, char *text,
		size_t len, struct reason *why)
{
	char *words[LINE_WORDS_MAX], *end = text + len;
	unsigned int number = 0;
	struct set_request *req;

	memset(list, 0, sizeof(*list));
	for (char *next; text < end; text = next) {
		char *eol = memchr(text, '\n', end - text);
		int argc = 0;

		number++;
		if (!eol)
			eol = end;
		next = eol + 1;
		if (eol > text && eol[-1] == '\r')
			eol--;
		*eol = '\0';
		if (strlen(text) != (size_t)(eol - text)) {
			reason_usage(why, "there is a NUL in this line; it is no text");
			return lines_fault(name, number, why);
		}
		/* A PIX writes ": Saved", an ASA "!" */
		if (*text != ':' && *text != '!')
			argc = line_split(text, words, why);
		if (argc < 0)
			return lines_fault(name, number, why);
		if (!argc)
			continue;
		if (list->count == LINES_MAX) {
			reason_usage(why, "there are more than %d lines that set a policy in this file",
				     LINES_MAX);
			return lines_fault(name, number, why);
		}
		req = list_new(list, number);
		if (parse_line(req, argc, words, why) ||
		    count_ranges(list, req, why))
			return lines_fault(name, number, why);
	}
	return 0;
}

void lines_free(struct line_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		set_free(&list->item[i]);
	free(list->item);
	free(list->number);
	memset(list, 0, sizeof(*list));
}
