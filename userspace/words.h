/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words for numbers: the names come from the core's tables, the explanations
 * for --help from here.
 */
#ifndef _SMTPFIXUP_WORDS_H
#define _SMTPFIXUP_WORDS_H

#include <stdio.h>

#include "policy/policy.h"
#include "reason.h"

/**
 * struct words - names of the values of an enum
 * @what: what they are, in the singular
 * @names: by value
 * @docs: by value, one line each, or NULL
 * @args: by value, what must follow the name, or NULL; NULL if none needs it
 * @count: how many
 */
struct words {
	const char *what;
	const char *const *names;
	const char *const *docs;
	const char *const *args;
	unsigned int count;
};

extern const struct words mode_words;
extern const struct words banner_words;
extern const struct words reject_words;
extern const struct words ehlo_words;
extern const struct words tls_words;
extern const struct words special_words;
extern const struct words limit_words;
extern const struct words action_words;
extern const struct words smuggling_words;
extern const struct words line_ending_words;
extern const struct words midstream_words;
extern const struct words assign_words;
extern const struct words proxy_protocol_words;
extern const struct words phase_words;

#define WORD_TEXT_SIZE 12

/* The name of a value, or its number if this tool does not know it. */
const char *word_text(const struct words *words, unsigned int value,
		      char buf[WORD_TEXT_SIZE]);
#define WORD_TEXT(words, value) \
	word_text(words, value, (char[WORD_TEXT_SIZE]) { 0 })

/* The value of a name, or -1. */
int word_index(const struct words *words, const char *name);

/* The value of a name, or -1 with @why naming the word and the known ones. */
int word_find(const struct words *words, const char *name, struct reason *why);

/* What must follow the name of a value, as in usage lines, or NULL. */
const char *word_arg(const struct words *words, unsigned int value);

/* The names with something between them: a|b|c "..." */
void words_print(FILE *out, const struct words *words, const char *between);

/* Name and explanation, one a line. */
void words_explain(FILE *out, const struct words *words, int indent);

/**
 * struct list - words of which a list can be made
 * @what: what they are, in the singular
 * @arg: one of them in usage lines
 * @table: by bit number
 * @count: how many
 * @elsewhere: bit number of STARTTLS, which another option is for
 */
struct list {
	const char *what;
	const char *arg;
	const struct smtp_word *table;
	unsigned int count;
	unsigned int elsewhere;
};

extern const struct list verb_list;
extern const struct list keyword_list;

/* A list WORD,... into a mask. */
int list_parse(const struct list *list, u64 *mask, const char *words,
	       struct reason *why);

/* What can stand in the list, for --help. */
void list_explain(FILE *out, const struct list *list);

/* A mask as a list; bits without a word are printed as numbers. */
void mask_print(FILE *out, u64 mask, const struct smtp_word *table,
		unsigned int count);

/* Print a text as one word of a shell, in single quotes. */
void text_print(FILE *out, const char *text, size_t len);

#endif /* _SMTPFIXUP_WORDS_H */
