// SPDX-License-Identifier: GPL-2.0-only
/* JSON output. See output.h. */
#include <stdint.h>

#include "output.h"

void json_list_begin(struct json_list *list, FILE *out)
{
	*list = (struct json_list){ .out = out };
	fputc('[', out);
}

void json_list_add(struct json_list *list, json_t *object)
{
	fputs(list->some ? ",\n " : "\n ", list->out);
	list->some = true;
	if (json_dumpf(object, list->out, JSON_PRESERVE_ORDER))
		list->failed = true;
	json_decref(object);
}

int json_list_end(struct json_list *list, struct reason *why)
{
	fputs(list->some ? "\n]\n" : "]\n", list->out);
	if (list->failed)
		return reason_local(why, "the JSON could not be written; is memory short, or the disk full?");
	return 0;
}

void json_put_range(json_t *object, struct port_range range)
{
	json_object_set_new(object, "ports", json_string(RANGE_TEXT(range)));
}

void json_put_word(json_t *object, const char *key, const struct words *words,
		   unsigned int value)
{
	json_object_set_new(object, key, json_string(WORD_TEXT(words, value)));
}

void json_put_u64(json_t *object, const char *key, u64 value)
{
	/* Jansson's integers are signed */
	json_int_t n = value > INT64_MAX ? INT64_MAX : (json_int_t)value;

	json_object_set_new(object, key, json_integer(n));
}

void json_put_mask(json_t *object, const char *key, u64 mask,
		   const struct smtp_word *table, unsigned int count)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 64; i++) {
		if (!(mask >> i & 1))
			continue;
		json_array_append_new(list, i < count ?
				      json_string(table[i].text) :
				      json_integer(i));
	}
	json_object_set_new(object, key, list);
}
