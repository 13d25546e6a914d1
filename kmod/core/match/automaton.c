// SPDX-License-Identifier: GPL-2.0-only
/* Automata. See automaton.h. */
#include "automaton.h"

static u16 smtp_packed_u16(const u8 *p)
{
	return p[0] | p[1] << 8;
}

const char *smtp_automaton_measure(struct smtp_automaton *a, const u8 *packed,
				   u32 n)
{
	u32 i;

	memset(a, 0, sizeof(*a));
	if (n < SMTP_AUTOMATON_HEAD)
		return "a table of patterns is too short";
	a->nr_states = smtp_packed_u16(packed);
	a->nr_classes = smtp_packed_u16(packed + 2);
	if (!a->nr_states || a->nr_states > SMTP_AUTOMATON_STATES_MAX ||
	    !a->nr_classes || a->nr_classes > 256 ||
	    a->nr_states * a->nr_classes > SMTP_AUTOMATON_CELLS_MAX)
		return "a table of patterns has too many states, or none";
	memcpy(a->class, packed + 4, sizeof(a->class));
	for (i = 0; i < sizeof(a->class); i++)
		if (a->class[i] >= a->nr_classes)
			return "a table of patterns has an octet of no class";
	return NULL;
}

/* Fills in the row of @state from the octets at *@at. False: they are not a valid row. */
static bool smtp_automaton_row(struct smtp_automaton *a, u32 state, const u8 **at,
			       const u8 *end, u32 verdicts)
{
	u16 *row = a->next + state * a->nr_classes;
	const u8 *p = *at;
	u16 base, changes;

	if (end - p < 5)
		return false;
	a->verdict[state] = p[0];
	base = smtp_packed_u16(p + 1);
	changes = smtp_packed_u16(p + 3);
	p += 5;
	if (a->verdict[state] > verdicts || base > state || (end - p) / 3 < changes)
		return false;
	if (base == state)
		memset(row, 0, a->nr_classes * sizeof(*row));
	else
		memcpy(row, a->next + base * a->nr_classes,
		       a->nr_classes * sizeof(*row));
	for (; changes; changes--, p += 3) {
		u16 target = smtp_packed_u16(p + 1);

		if (p[0] >= a->nr_classes || target >= a->nr_states)
			return false;
		row[p[0]] = target;
	}
	*at = p;
	return true;
}

const char *smtp_automaton_unpack(struct smtp_automaton *a, const u8 *packed,
				  u32 n, void *memory, u32 verdicts)
{
	const u8 *at = packed + SMTP_AUTOMATON_HEAD;
	u32 state;

	a->next = memory;
	a->verdict = (u8 *)(a->next + a->nr_states * a->nr_classes);
	for (state = 0; state < a->nr_states; state++)
		if (!smtp_automaton_row(a, state, &at, packed + n, verdicts))
			return "a table of patterns leads out of itself";
	return at == packed + n ? NULL : "a table of patterns is too long";
}

bool smtp_automaton_idle(const struct smtp_automaton *a, u16 state)
{
	const u16 *row = a->next + (u32)state * a->nr_classes;
	u32 i;

	for (i = 0; i < a->nr_classes && row[i] == state; i++)
		;
	return i == a->nr_classes && !a->verdict[state];
}

u16 smtp_automaton_run(const struct smtp_automaton *a, u16 state, const u8 *p,
		       u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		state = smtp_automaton_step(a, state, p[i]);
	return state;
}
