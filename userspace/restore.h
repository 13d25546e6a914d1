/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading a configuration from a file, and putting it in force. */
#ifndef _SMTPFIXUP_RESTORE_H
#define _SMTPFIXUP_RESTORE_H

#include <stddef.h>

#include "reason.h"

/**
 * restore_read() - all of a file
 * @file: its name; "-" or NULL: standard input
 * @name: result: what it is called in errors
 * @len: result: its length; a NUL stands after it
 * @why: filled on failure
 *
 * Return: the text, to be freed, or NULL.
 */
char *restore_read(const char *file, const char **name, size_t *len,
		   struct reason *why);

/**
 * restore_text() - replace the whole configuration, or nothing of it
 * @text: set lines; is changed
 * @len: its length; a NUL stands after it
 * @name: what it is called in errors
 * @why: filled on failure
 *
 * Return: 0 or -1.
 */
int restore_text(char *text, size_t len, const char *name, struct reason *why);

#endif /* _SMTPFIXUP_RESTORE_H */
