/* SPDX-License-Identifier: GPL-2.0-only */
/* Why something failed: one line for a person, and the exit status. */
#ifndef _SMTPFIXUP_REASON_H
#define _SMTPFIXUP_REASON_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EXIT_DONE,
	EXIT_LOCAL,	/* usage, or an error on this side of the netlink socket */
	EXIT_REFUSED,	/* the kernel said no */
	EXIT_DEVICE,	/* probe: there is one; import: something has no equivalent */
};

/**
 * struct reason - filled by whatever fails, printed in one place
 * @status: exit status
 * @usage: the command line is at fault, so point to --help
 * @offset: of what the kernel refused, in the request, or 0: it did not say
 * @text: what is wrong and what to do; printable ASCII, no line end
 */
struct reason {
	int status;
	bool usage;
	unsigned int offset;
	char text[1024];
};

#define ATTRIBUTE(what) __attribute__((what))

/* Each fills @why and returns -1, so that callers can return it. */
int reason_usage(struct reason *why, const char *format, ...)
	ATTRIBUTE(format(printf, 2, 3));
int reason_local(struct reason *why, const char *format, ...)
	ATTRIBUTE(format(printf, 2, 3));
int reason_refused(struct reason *why, const char *format, ...)
	ATTRIBUTE(format(printf, 2, 3));

#define QUOTE_SIZE 64

/**
 * quote() - make a stranger's word safe for a terminal
 * @word: the word
 * @buf: where to put it
 *
 * Return: @buf: the word in quotes, long ones cut, control and non-ASCII
 * octets replaced by question marks.
 */
const char *quote(const char *word, char buf[QUOTE_SIZE]);
#define QUOTED(word) quote(word, (char[QUOTE_SIZE]) { 0 })

/* Replace all octets that are not printable ASCII. */
void make_printable(char *text);

/* reallocarray(). Ends the program with a line on stderr if memory is short. */
void *grow(void *array, size_t count, size_t size);

#endif /* _SMTPFIXUP_REASON_H */
