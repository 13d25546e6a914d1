// SPDX-License-Identifier: GPL-2.0-only
/* Held packets. See held.h. */
#include "held.h"

/* Moves the packet at @at to the list @to */
static void smtp_held_move(struct smtp_held **at, struct smtp_held **to)
{
	struct smtp_held *held = *at;

	*at = held->next;
	held->next = *to;
	*to = held;
}

/* Has the new packet all octets of an older one that have not passed? A retransmission
 * begins where ACKs have come to, which may be after the first of those.
 */
static bool smtp_held_covers(const struct smtp_held *held, const struct smtp_held *old,
			     u32 next)
{
	u32 from = old->what == SMTP_HOLDS_REST ? old->left : smtp_seq_max(old->seq, next);

	return !smtp_seq_before(held->end, old->end) && !smtp_seq_before(from, held->seq);
}

struct smtp_held *smtp_held_add(struct smtp_held **list, struct smtp_held *held, u32 next)
{
	struct smtp_held **at = list, *gone = NULL;
	u32 n = 0, size = 0;

	while (*at && smtp_seq_before((*at)->seq, held->seq)) {
		if (smtp_held_covers(held, *at, next))
			smtp_held_move(at, &gone);
		else
			at = &(*at)->next;
	}
	held->next = *at;
	*at = held;
	at = &held->next;
	while (*at && smtp_held_covers(held, *at, next))
		smtp_held_move(at, &gone);

	/* Keep the first ones: the others wait for them */
	for (at = list; *at; ) {
		size += (*at)->size;
		if (++n > SMTP_HELD_MAX || size > SMTP_HELD_SIZE_MAX)
			smtp_held_move(at, &gone);
		else
			at = &(*at)->next;
	}
	return gone;
}

struct smtp_held *smtp_held_passed(struct smtp_held **list, u32 next, u32 acked)
{
	const struct smtp_held *held = *list;

	if (!held || smtp_seq_before(held->what == SMTP_HOLDS_REST ? acked : next, held->end))
		return NULL;
	return smtp_held_take(list);
}

u32 smtp_held_line(const struct smtp_held *list, u32 next)
{
	const struct smtp_held *last = list;

	if (list->what != SMTP_HOLDS_LINE)
		return 0;
	do {
		if (!last->next || last->next->seq != last->end)
			return 0;
		last = last->next;
	} while (!last->line);
	if (last->end - next <= SMTP_HELD_LINE_MAX)
		return last->end - next;
	next = last->seq + last->line - next;
	return next <= SMTP_HELD_LINE_MAX ? next : 0;
}

u32 smtp_held_runs(const struct smtp_held *list, u32 next,
		   struct smtp_held_run runs[SMTP_HELD_RUNS])
{
	u32 n = 0;

	if (!list || !smtp_seq_before(next, list->seq))
		return 0;
	for (; list; list = list->next) {
		if (n && !smtp_seq_before(runs[0].end, list->seq)) {
			runs[0].end = smtp_seq_max(runs[0].end, list->end);
			continue;
		}
		memmove(runs + 1, runs, (SMTP_HELD_RUNS - 1) * sizeof(*runs));
		runs[0].seq = list->seq;
		runs[0].end = list->end;
		if (n < SMTP_HELD_RUNS)
			n++;
	}
	return n;
}
