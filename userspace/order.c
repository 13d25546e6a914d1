// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of "show": one in which set lines give the same policies again.
 *
 * A range is hidden by narrower ones and by equally wide ones that were set
 * later, and an "off" stays only where it hides something. So of ranges that
 * overlap the hidden one must go first. All else is free, and in port order.
 */
#include <stdlib.h>

#include "messages.h"

/**
 * struct place - where an entry of the list goes
 * @entry: the entry
 * @chain: the same for ranges that overlap, directly or by way of others
 * @link: within a chain, the same for ranges of equal width that do
 */
struct place {
	struct policy_entry entry;
	size_t chain;
	size_t link;
};

static unsigned int width(const struct place *place)
{
	return place->entry.range.last - place->entry.range.first;
}

static int by_port(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return range_compare(&x->entry.range, &y->entry.range);
}

static int by_width(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->chain != y->chain)
		return x->chain < y->chain ? -1 : 1;
	if (width(x) != width(y))
		return width(x) > width(y) ? -1 : 1;
	return by_port(a, b);
}

static int by_serial(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->link != y->link)
		return x->link < y->link ? -1 : 1;
	if (x->entry.serial != y->entry.serial)
		return x->entry.serial < y->entry.serial ? -1 : 1;
	return by_port(a, b);
}

static void number_chains(struct place *place, size_t count)
{
	unsigned int last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct port_range range = place[i].entry.range;

		if (i)
			place[i].chain = place[i - 1].chain + (range.first > last);
		if (range.last > last)
			last = range.last;
	}
}

static void number_links(struct place *place, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct place *before = &place[i - 1];

		place[i].link = before->link +
				(before->chain != place[i].chain ||
				 width(before) != width(&place[i]) ||
				 !range_overlap(before->entry.range,
						place[i].entry.range));
	}
}

void policy_list_sort(struct policy_list *list)
{
	const size_t count = list->count;
	struct place *place;

	if (!count)
		return;
	place = grow(NULL, count, sizeof(*place));
	for (size_t i = 0; i < count; i++)
		place[i] = (struct place){ .entry = list->item[i] };

	qsort(place, count, sizeof(*place), by_port);
	number_chains(place, count);
	qsort(place, count, sizeof(*place), by_width);
	number_links(place, count);
	qsort(place, count, sizeof(*place), by_serial);

	for (size_t i = 0; i < count; i++)
		list->item[i] = place[i].entry;
	free(place);
}
