// SPDX-License-Identifier: GPL-2.0-only
/* Why something failed. See reason.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason.h"

static int fill(struct reason *why, int status, bool usage, const char *format,
		va_list args)
{
	why->status = status;
	why->usage = usage;
	why->offset = 0;
	vsnprintf(why->text, sizeof(why->text), format, args);
	make_printable(why->text);
	return -1;
}

int reason_usage(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(why, EXIT_LOCAL, true, format, args);
	va_end(args);
	return -1;
}

int reason_local(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(why, EXIT_LOCAL, false, format, args);
	va_end(args);
	return -1;
}

int reason_refused(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(why, EXIT_REFUSED, false, format, args);
	va_end(args);
	return -1;
}

void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = *text == '\n' || *text == '\t' ? ' ' : '?';
	}
}

const char *quote(const char *word, char buf[QUOTE_SIZE])
{
	const size_t room = QUOTE_SIZE - sizeof("''");
	const size_t len = strlen(word);

	if (len <= room)
		snprintf(buf, QUOTE_SIZE, "'%s'", word);
	else
		snprintf(buf, QUOTE_SIZE, "'%.*s...'", (int)room - 3, word);
	/* A line end in a word is no blank: show that something is there */
	for (char *c = buf; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	return buf;
}

void *grow(void *array, size_t count, size_t size)
{
	void *bigger = reallocarray(array, count, size);

	if (!bigger) {
		fputs("smtpfixup: out of memory\n", stderr);
		exit(EXIT_LOCAL);
	}
	return bigger;
}
