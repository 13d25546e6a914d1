// SPDX-License-Identifier: GPL-2.0-only
/* Set lines of the SMTP part of a running-config. See import.h. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_parts.h"
#include "lines.h"
#include "set.h"

static struct import_item *result_add(struct import_result *result,
				      const struct config_line *line)
{
	struct import_item *item;

	if (!(result->count & (result->count + 1)))
		result->item = grow(result->item, 2 * result->count + 1,
				    sizeof(*result->item));
	item = &result->item[result->count++];
	memset(item, 0, sizeof(*item));
	item->line = line;
	return item;
}

static char *text_format(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		text = grow(NULL, SIZE_MAX, 1);	/* ends the program */
	return text;
}

char *import_text(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = text_format(format, args);
	va_end(args);
	return text;
}

FILE *import_stream(char **text, size_t *len)
{
	FILE *out = open_memstream(text, len);

	return out ? out : grow(NULL, SIZE_MAX, 1);
}

char *import_join(char *list, char *more)
{
	char *both;

	if (!list || !more)
		return list ? list : more;
	both = import_text("%s,%s", list, more);
	free(list);
	free(more);
	return both;
}

bool import_list_has(const char *list, const char *word, size_t n)
{
	while (list && *list) {
		const size_t len = strcspn(list, ",");

		if (len == n && !strncmp(list, word, n))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

char *import_add(char *list, const char *word)
{
	if (!word || import_list_has(list, word, strlen(word)))
		return list;
	return import_join(list, import_text("%s", word));
}

void import_missing(struct import *im, const struct config_line *line,
		    const char *format, ...)
{
	struct import_item *item = result_add(im->result, line);
	va_list args;

	va_start(args, format);
	item->reason = text_format(format, args);
	va_end(args);
	make_printable(item->reason);
	item->missing = true;
	im->result->missing = true;
}

void import_remark(struct import *im, const struct config_line *line,
		   const char *format, ...)
{
	struct import_item *item = result_add(im->result, line);
	va_list args;

	va_start(args, format);
	item->reason = text_format(format, args);
	va_end(args);
	make_printable(item->reason);
}

/* Adds a set line, if it is valid. @text is freed */
static void set_line(struct import *im, const struct config_line *line,
		     char *text, bool weak)
{
	char *words[LINE_WORDS_MAX], *copy = import_text("%s", text);
	struct set_request req = { 0 };
	struct reason why = { 0 };
	int argc = line_split(copy, words, &why);

	if (argc < 0 || set_parse(&req, argc - 1, words + 1, &why)) {
		import_missing(im, line, "would be '%s': %s", text, why.text);
		free(text);
	} else {
		struct import_item *item = result_add(im->result, line);

		item->set = text;
		item->weak = weak;
		item->ports = req.ports;
		memset(&req.ports, 0, sizeof(req.ports));
	}
	set_free(&req);
	free(copy);
}

void import_set(struct import *im, const struct config_line *line,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_line(im, line, text_format(format, args), false);
	va_end(args);
}

void import_set_weak(struct import *im, const struct config_line *line,
		     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_line(im, line, text_format(format, args), true);
	va_end(args);
}

void import_not_in_force(struct import *im, const struct config_line *line,
			 const char *word)
{
	for (size_t i = 0; i < im->config->count; i++) {
		if (config_word(&im->config->line[i], 0, word)) {
			import_remark(im, line, "no %s line puts this in force", word);
			return;
		}
	}
	import_missing(im, line, "there is no %s line at all: is this the whole configuration?",
		       word);
}

void import_result_free(struct import_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		free(result->item[i].set);
		free(result->item[i].reason);
		ports_free(&result->item[i].ports);
	}
	free(result->item);
	memset(result, 0, sizeof(*result));
}

/* -- lines that have the same ports ------------------------------------- */

static bool same_range(const struct ports *a, const struct ports *b)
{
	for (size_t i = 0; i < a->count; i++) {
		for (size_t k = 0; k < b->count; k++) {
			if (a->range[i].first == b->range[k].first &&
			    a->range[i].last == b->range[k].last)
				return true;
		}
	}
	return false;
}

/* The " iif NAME" at the end of a set line, or NULL */
static const char *where(const char *set)
{
	const char *name = strrchr(set, ' ');

	return name - set > 4 && !strncmp(name - 4, " iif", 4) ? name - 4 : NULL;
}

/* Are the set lines equal but for the interface? */
static bool same_policy(const char *a, const char *b)
{
	const size_t n = where(a) ? (size_t)(where(a) - a) : strlen(a);

	return n == (where(b) ? (size_t)(where(b) - b) : strlen(b)) &&
	       !strncmp(a, b, n);
}

static void item_drop(struct import_item *item)
{
	free(item->set);
	item->set = NULL;
}

/* Drops one of two lines with the same ports */
static void settle_two(struct import_result *result, struct import_item *first,
		       struct import_item *later)
{
	if (later->weak || !strcmp(first->set, later->set)) {
		item_drop(later);
	} else if (first->weak) {
		item_drop(first);
	} else if (same_policy(first->set, later->set) &&
		   (!where(first->set) || !where(later->set))) {
		/* The line without an interface applies at every interface, too */
		item_drop(where(first->set) ? first : later);
	} else {
		later->reason = import_text("'%s' is lost: an earlier line has these ports, and a range has one policy",
					    later->set);
		later->missing = true;
		result->missing = true;
		item_drop(later);
	}
}

static void settle(struct import_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		for (size_t k = 0; k < i && result->item[i].set; k++) {
			if (result->item[k].set &&
			    same_range(&result->item[k].ports, &result->item[i].ports))
				settle_two(result, &result->item[k], &result->item[i]);
		}
	}
}

void import_policies(const struct config *config, struct import_result *result)
{
	struct import im = { config, result };

	memset(result, 0, sizeof(*result));
	import_pix(&im);
	import_asa(&im);
	import_ios(&im);
	settle(result);
}
