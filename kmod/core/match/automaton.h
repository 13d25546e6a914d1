/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Automata: patterns compiled into one deterministic table. docs/rules.md X9.
 *
 * The tool compiles them. Here a table is checked once and then run, with one look-up for
 * each octet, over any segmentation. A run keeps only the number of its state.
 *
 * A table comes packed, all numbers little-endian:
 *	u16 states, u16 classes, u8 class of each of the 256 octets,
 *	and for each state
 *	u8 verdict, u16 base, u16 changes, and that many of: u8 class, u16 target
 *
 * A state's row is that of its base, an earlier state, with changes; where the
 * base is the state itself, it begins as a row of zeros. A run begins in state 0.
 */
#ifndef _SMTP_CORE_MATCH_AUTOMATON_H
#define _SMTP_CORE_MATCH_AUTOMATON_H

#include "../base/host.h"

#define SMTP_AUTOMATON_STATES_MAX	4096
#define SMTP_AUTOMATON_CELLS_MAX	65536	/* states by classes: 128 KiB */
#define SMTP_AUTOMATON_HEAD		(2 + 2 + 256)

/**
 * struct smtp_automaton - a table that has been checked
 * @nr_states: how many
 * @nr_classes: classes of octets that no pattern tells apart
 * @class: by octet
 * @next: by state and class
 * @verdict: by state: the verdict on a value that ends there, 0: none
 */
struct smtp_automaton {
	u16 nr_states;
	u16 nr_classes;
	u8 class[256];
	u16 *next;
	u8 *verdict;
};

/**
 * smtp_automaton_measure() - read the size of a packed table
 * @a: result, without @next and @verdict
 * @packed: the table, not trusted
 * @n: its octets
 *
 * Return: NULL, or what is wrong with it.
 */
const char *smtp_automaton_measure(struct smtp_automaton *a, const u8 *packed,
				   u32 n);

/* Octets of smtp_automaton.next, and after them of smtp_automaton.verdict */
static inline u32 smtp_automaton_size(const struct smtp_automaton *a)
{
	return a->nr_states * a->nr_classes * sizeof(*a->next) + a->nr_states;
}

/**
 * smtp_automaton_unpack() - check a packed table and fill in its rows
 * @a: as measured
 * @packed: the table
 * @n: its octets
 * @memory: for the rows, smtp_automaton_size() octets; lives as long as @a
 * @verdicts: the highest verdict that there may be
 *
 * Return: NULL, or what is wrong with it.
 */
const char *smtp_automaton_unpack(struct smtp_automaton *a, const u8 *packed,
				  u32 n, void *memory, u32 verdicts);

/**
 * smtp_automaton_step() - read one more octet of a value
 * @a: the table
 * @state: where the octets before it led, at first 0
 * @c: the octet
 *
 * Return: where it leads.
 */
static inline u16 smtp_automaton_step(const struct smtp_automaton *a, u16 state,
				      u8 c)
{
	return a->next[(u32)state * a->nr_classes + a->class[c]];
}

/**
 * smtp_automaton_idle() - is it certain that no verdict can follow?
 * @a: the table
 * @state: where the octets so far led
 *
 * Return: whether it is.
 */
bool smtp_automaton_idle(const struct smtp_automaton *a, u16 state);

/**
 * smtp_automaton_run() - read several octets of a value
 * @a: the table
 * @state: as for smtp_automaton_step()
 * @p: the octets
 * @n: how many
 *
 * Return: where the last one leads.
 */
u16 smtp_automaton_run(const struct smtp_automaton *a, u16 state, const u8 *p,
		       u32 n);

#endif /* _SMTP_CORE_MATCH_AUTOMATON_H */
