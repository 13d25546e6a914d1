/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON output: an array, written object by object. */
#ifndef _SMTPFIXUP_OUTPUT_H
#define _SMTPFIXUP_OUTPUT_H

#include <jansson.h>
#include <stdio.h>

#include "ports.h"
#include "words.h"

struct json_list {
	FILE *out;
	bool some;
	bool failed;
};

void json_list_begin(struct json_list *list, FILE *out);

/* Write an object, a line of its own, and drop the reference to it. */
void json_list_add(struct json_list *list, json_t *object);

int json_list_end(struct json_list *list, struct reason *why);

/* Members of an object */
void json_put_range(json_t *object, struct port_range range);
void json_put_word(json_t *object, const char *key, const struct words *words,
		   unsigned int value);
void json_put_u64(json_t *object, const char *key, u64 value);
void json_put_mask(json_t *object, const char *key, u64 mask,
		   const struct smtp_word *table, unsigned int count);

#endif /* _SMTPFIXUP_OUTPUT_H */
