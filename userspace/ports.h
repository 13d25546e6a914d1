/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of port ranges: 25 | 25-30 | 25,587,2525-2530 */
#ifndef _SMTPFIXUP_PORTS_H
#define _SMTPFIXUP_PORTS_H

#include "policy/policy.h"
#include "reason.h"

/* Both ends included */
struct port_range {
	u16 first;
	u16 last;
};

struct ports {
	struct port_range *range;
	size_t count;
};

#define RANGE_TEXT_SIZE sizeof("65535-65535")

/**
 * ports_parse() - read a list of ranges
 * @ports: the list, sorted, no range twice; ports_free() it even on failure
 * @text: what the user wrote
 * @why: filled on failure
 *
 * Ranges stay as they were written: a policy belongs to exactly its range.
 *
 * Return: 0 or -1.
 */
int ports_parse(struct ports *ports, const char *text, struct reason *why);
void ports_free(struct ports *ports);

/* Whether a range shares a port with the list; an empty list means all. */
bool ports_overlap(const struct ports *ports, struct port_range range);
bool range_overlap(struct port_range a, struct port_range b);

/* Order by port, a wider range before those inside it. For qsort(). */
int range_compare(const void *a, const void *b);

const char *range_text(struct port_range range, char buf[RANGE_TEXT_SIZE]);
#define RANGE_TEXT(range) range_text(range, (char[RANGE_TEXT_SIZE]) { 0 })

#endif /* _SMTPFIXUP_PORTS_H */
