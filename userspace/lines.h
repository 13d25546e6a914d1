/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines of a saved configuration. */
#ifndef _SMTPFIXUP_LINES_H
#define _SMTPFIXUP_LINES_H

#include "set.h"

/**
 * struct line_list - the requests of a file's lines
 * @item: the requests
 * @number: the number of each one's line, from 1
 * @count: how many
 * @alloc: how many there is room for
 * @ranges: ranges of ports of all of them together
 */
struct line_list {
	struct set_request *item;
	unsigned int *number;
	size_t count;
	size_t alloc;
	size_t ranges;
};

/* Lines that set a policy, and ranges of ports in all of them, at most */
#define LINES_MAX		65536
#define LINES_RANGES_MAX	65536

/* More words than all options of one policy have */
#define LINE_WORDS_MAX 512

/**
 * line_split() - split a line into words, as a shell does
 * @line: the line, which is changed: the words are in it
 * @words: for at most %LINE_WORDS_MAX of them
 * @why: filled on failure
 *
 * Quotes of both kinds and backslashes keep blanks together; a # that begins
 * a word begins a comment.
 *
 * Return: how many words, or -1.
 */
int line_split(char *line, char **words, struct reason *why);

/**
 * lines_parse() - read set lines, lines of a PIX, comments
 * @list: the requests; lines_free() it even on failure
 * @name: the text's name in errors
 * @text: the text; is changed
 * @len: its length; a NUL stands after it
 * @why: filled on failure, with name and number of the line
 *
 * Return: 0 or -1.
 */
int lines_parse(struct line_list *list, const char *name, char *text,
		size_t len, struct reason *why);
void lines_free(struct line_list *list);

/* Put the name and number of the faulty line before the reason. Returns -1. */
int lines_fault(const char *name, unsigned int number, struct reason *why);

#endif /* _SMTPFIXUP_LINES_H */
