// SPDX-License-Identifier: GPL-2.0-only
/* Lists of port ranges. See ports.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports.h"

/* Digits only, no sign, no leading zero; 0 is the answer to all else. */
static u16 port_number(const char *text, size_t len)
{
	unsigned int n = 0;

	if (!len || len > strlen("65535") || *text == '0')
		return 0;
	for (; len; len--, text++) {
		if (*text < '0' || *text > '9')
			return 0;
		n = n * 10 + *text - '0';
	}
	return n <= 65535 ? n : 0;
}

static int range_parse(struct port_range *range, const char *word, size_t len,
		       struct reason *why)
{
	const char *dash = memchr(word, '-', len);
	const size_t first_len = dash ? (size_t)(dash - word) : len;
	char copy[QUOTE_SIZE * 2];

	/* Long enough for quote() to see that it must be cut */
	snprintf(copy, sizeof(copy), "%.*s", (int)(len < 100 ? len : 100), word);

	if (!len)
		return reason_usage(why, "a port is missing before or after a comma; write 25, 25-30 or 25,587");
	range->first = port_number(word, first_len);
	range->last = dash ? port_number(dash + 1, len - first_len - 1) :
			     range->first;
	if (!range->first || !range->last)
		return reason_usage(why, "%s is no port or range of ports; ports are 1 to 65535, write 25, 25-30 or 25,587",
				    QUOTED(copy));
	if (range->first > range->last)
		return reason_usage(why, "the range %s is the wrong way round; write %u-%u",
				    QUOTED(copy), range->last, range->first);
	return 0;
}

int ports_parse(struct ports *ports, const char *text, struct reason *why)
{
	size_t alloc = 1, kept = 0;
	const char *c;

	memset(ports, 0, sizeof(*ports));
	if (!*text)
		return reason_usage(why, "the list of ports is empty; write 25, 25-30 or 25,587");
	for (c = text; *c; c++)
		alloc += *c == ',';
	ports->range = grow(NULL, alloc, sizeof(*ports->range));

	for (;;) {
		size_t len = strcspn(text, ",");

		if (range_parse(&ports->range[ports->count], text, len, why))
			return -1;
		ports->count++;
		if (!text[len])
			break;
		text += len + 1;
	}

	qsort(ports->range, ports->count, sizeof(*ports->range), range_compare);
	for (size_t i = 0; i < ports->count; i++) {
		if (!i || range_compare(&ports->range[i], &ports->range[kept - 1]))
			ports->range[kept++] = ports->range[i];
	}
	ports->count = kept;
	return 0;
}

void ports_free(struct ports *ports)
{
	free(ports->range);
	memset(ports, 0, sizeof(*ports));
}

bool range_overlap(struct port_range a, struct port_range b)
{
	return a.first <= b.last && b.first <= a.last;
}

bool ports_overlap(const struct ports *ports, struct port_range range)
{
	if (!ports->count)
		return true;
	for (size_t i = 0; i < ports->count; i++) {
		if (range_overlap(ports->range[i], range))
			return true;
	}
	return false;
}

int range_compare(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last > y->last ? -1 : 1;
	return 0;
}

const char *range_text(struct port_range range, char buf[RANGE_TEXT_SIZE])
{
	if (range.first == range.last)
		snprintf(buf, RANGE_TEXT_SIZE, "%hu", range.first);
	else
		snprintf(buf, RANGE_TEXT_SIZE, "%hu-%hu", range.first, range.last);
	return buf;
}
