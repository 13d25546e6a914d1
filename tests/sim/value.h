/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What matches and SIZE= look at in a command, for the model: X1, X3, X5, X8. An argument
 * is everything behind its verb, with the blank and the line's end.
 */
#ifndef _TESTS_SIM_VALUE_H
#define _TESTS_SIM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* What a match looks at; the model has one match a policy */
enum model_what {
	VALUE_NONE, VALUE_VERB, VALUE_KEYWORD, VALUE_HELO, VALUE_SENDER,
	VALUE_RECIPIENT, VALUE_RELAY, VALUE_MECHANISM, VALUE_ENCODING, VALUE_HEADER,
};

/* Does the command [@verb, @n) have a value of @what? */
bool value_of(enum model_what what, const uint8_t *verb, uint32_t n);

/* The first octet of the argument that ends a value with @text in it, or @n */
uint32_t value_find(enum model_what what, const char *text, const uint8_t *arg, uint32_t n);

/* The first octet of MAIL's argument with which SIZE= is more than @max, or @n */
uint32_t value_declared(uint32_t max, const uint8_t *arg, uint32_t n);

#endif /* _TESTS_SIM_VALUE_H */
