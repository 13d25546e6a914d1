// SPDX-License-Identifier: GPL-2.0-only
/*
 * Automata. See automaton.h.
 *
 * libfa makes an automaton of each pattern, which is not deterministic yet. The subset
 * construction runs over all of them at once, with a bound. Its result is minimised (E.
 * F. Moore's partition refinement) and packed.
 */
#include <stdlib.h>
#include <string.h>

#include "automaton.h"
#include "patterns.h"

#ifdef HAVE_FA

#include <fa.h>

/* Bound while compiling; the kernel bounds the result */
#define SUBSETS_MAX	16384
#define MEMBERS_MAX	(4 * 1024 * 1024)
#define NODES_MAX	60000

struct edge {
	u32 to;
	u8 min;
	u8 max;
};

/* A state of a pattern's automaton */
struct node {
	u32 edge;	/* index of the first */
	u32 edges;
	u8 rule;	/* index */
	bool accepts;
	bool certain;	/* whatever follows is accepted */
};

/* The automata of all patterns */
struct nodes {
	struct node *item;
	size_t count, alloc;
	struct edge *edge;
	size_t edges, edges_alloc;
	u32 *initial;
	size_t initials, initials_alloc;
};

/* A state of the deterministic automaton: the nodes that the patterns may be in */
struct subset {
	u32 member;	/* index of the first */
	u32 members;
	u8 verdict;
};

/**
 * struct build - a deterministic automaton being made
 * @nodes: the automata that it is made of
 * @rule: the rules
 * @rules: how many
 * @class: class of each octet
 * @octet: an octet of each class
 * @classes: how many
 * @subset: the states, in the order in which they were found
 * @count: how many
 * @alloc: room for so many
 * @member: nodes of the subsets
 * @members: how many
 * @members_alloc: room for so many
 * @bucket: 1 + index of a state, by hash
 * @next: by state and class
 * @next_alloc: room for so many
 */
struct build {
	struct nodes nodes;
	const struct automaton_rule *rule;
	unsigned int rules;
	u8 class[256];
	u8 octet[256];
	unsigned int classes;
	struct subset *subset;
	size_t count, alloc;
	u32 *member;
	size_t members, members_alloc;
	u32 bucket[4 * SUBSETS_MAX];
	u32 *next;
	size_t next_alloc;
};

#define MAKE_ROOM(array, count, alloc, more) do {			\
	if ((count) + (more) > (alloc)) {				\
		(alloc) = 2 * (alloc) + (more) + 64;			\
		(array) = grow((array), (alloc), sizeof(*(array)));	\
	}								\
} while (0)

static int too_big(struct reason *why)
{
	return reason_usage(why, "these patterns together need a table of more than %d states; use fewer, or without * or {N} in their middle",
			    SMTP_AUTOMATON_STATES_MAX);
}

static int pointer_compare(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return x < y ? -1 : x > y;
}

/* Copies an automaton of libfa */
static int nodes_add(struct nodes *nodes, struct fa *fa, u8 rule,
		     struct reason *why)
{
	struct state **state = NULL;
	size_t count = 0, alloc = 0, base = nodes->count;

	for (struct state *s = fa_state_initial(fa); s; s = fa_state_next(s)) {
		MAKE_ROOM(state, count, alloc, 1);
		state[count++] = s;
	}
	qsort(state, count, sizeof(*state), pointer_compare);
	if (base + count > NODES_MAX) {
		free(state);
		return too_big(why);
	}
	MAKE_ROOM(nodes->item, base, nodes->alloc, count);
	for (size_t i = 0; i < count; i++) {
		struct node *node = &nodes->item[base + i];
		size_t edges = fa_state_num_trans(state[i]);

		MAKE_ROOM(nodes->edge, nodes->edges, nodes->edges_alloc, edges);
		memset(node, 0, sizeof(*node));
		node->rule = rule;
		node->accepts = fa_state_is_accepting(state[i]);
		node->edge = nodes->edges;
		node->edges = edges;
		for (size_t n = 0; n < edges; n++) {
			struct edge *edge = &nodes->edge[nodes->edges++];
			struct state *to, **at;

			fa_state_trans(state[i], n, &to, &edge->min, &edge->max);
			at = bsearch(&to, state, count, sizeof(*state),
				     pointer_compare);
			edge->to = base + (at - state);
		}
		if (state[i] == fa_state_initial(fa)) {
			MAKE_ROOM(nodes->initial, nodes->initials,
				  nodes->initials_alloc, 1);
			nodes->initial[nodes->initials++] = base + i;
		}
	}
	nodes->count += count;
	free(state);
	return 0;
}

/* Writes a pattern of a rule. Returns what pattern_next() does. */
static int put_pattern(const struct automaton_rule *rule, const char **list, FILE *out,
		       struct reason *why)
{
	int rc;

	if (!list) {
		pattern_other_fields(out, rule->field);
		return 1;
	}
	if (rule->field)
		pattern_field(out, rule->field);
	rc = rule->next(list, out, why);
	if (rule->field)
		fputc(')', out);
	return rc;
}

/* Adds a pattern of a rule; without a list, values of other fields. Returns what
 * pattern_next() does.
 */
static int add_pattern(struct build *b, unsigned int rule, const char **list,
		       struct reason *why)
{
	struct fa *fa = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int rc;

	if (!out)
		return reason_local(why, "no memory");
	rc = put_pattern(&b->rule[rule], list, out, why);
	if (fclose(out))
		rc = reason_local(why, "no memory");
	if (rc > 0 && fa_compile(text, size, &fa))
		rc = reason_usage(why, "a pattern in %s is not understood",
				  QUOTED(b->rule[rule].patterns));
	if (rc > 0 && nodes_add(&b->nodes, fa, rule, why))
		rc = -1;
	fa_free(fa);
	free(text);
	return rc;
}

/* May node @n take octet @c to a node that is certain? */
static bool stays_certain(const struct nodes *nodes, const struct node *n,
			  unsigned int c)
{
	for (u32 i = 0; i < n->edges; i++) {
		const struct edge *edge = &nodes->edge[n->edge + i];

		if (c >= edge->min && c <= edge->max &&
		    nodes->item[edge->to].certain)
			return true;
	}
	return false;
}

/* Finds the nodes after which a pattern's answer is yes, whatever comes */
static void find_certain(struct build *b)
{
	struct nodes *nodes = &b->nodes;
	bool changed = true;

	for (size_t i = 0; i < nodes->count; i++)
		nodes->item[i].certain = nodes->item[i].accepts;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < nodes->count; i++) {
			struct node *n = &nodes->item[i];
			unsigned int c = 0;

			while (n->certain && c < b->classes &&
			       stays_certain(nodes, n, b->octet[c]))
				c++;
			if (n->certain && c < b->classes) {
				n->certain = false;
				changed = true;
			}
		}
	}
}

/* Octets that the same edges accept are one class */
static void find_classes(struct build *b)
{
	bool begins[257] = { true };

	for (size_t i = 0; i < b->nodes.edges; i++) {
		begins[b->nodes.edge[i].min] = true;
		begins[b->nodes.edge[i].max + 1] = true;
	}
	for (unsigned int c = 0; c < 256; c++) {
		if (begins[c])
			b->octet[b->classes++] = c;
		b->class[c] = b->classes - 1;
	}
}

static int u32_compare(const void *a, const void *b)
{
	const u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

/* Leaves out nodes that can't change what the subset says: those of a pattern that
 * is certain, and those of rules after one that certainly acts.
 */
static u32 subset_prune(const struct build *b, u32 *member, u32 count)
{
	bool certain[256] = { false };
	unsigned int acts = b->rules;
	u32 kept = 0;

	for (u32 i = 0; i < count; i++) {
		const struct node *n = &b->nodes.item[member[i]];

		if (!n->certain)
			continue;
		certain[n->rule] = true;
		if (!b->rule[n->rule].negated && n->rule < acts)
			acts = n->rule;
	}
	for (u32 i = 0; i < count; i++) {
		const struct node *n = &b->nodes.item[member[i]];

		if (n->rule > acts || (certain[n->rule] && !n->certain))
			continue;
		/* One of them is enough */
		if (n->certain && kept &&
		    b->nodes.item[member[kept - 1]].rule == n->rule &&
		    b->nodes.item[member[kept - 1]].certain)
			continue;
		member[kept++] = member[i];
	}
	return kept;
}

/* The verdict on a value that ends there: the first rule that acts decides */
static u8 subset_verdict(const struct build *b, const u32 *member, u32 count)
{
	bool matches[256] = { false };

	for (u32 i = 0; i < count; i++) {
		const struct node *n = &b->nodes.item[member[i]];

		matches[n->rule] |= n->accepts;
	}
	for (unsigned int i = 0; i < b->rules; i++) {
		if (matches[i] != b->rule[i].negated)
			return b->rule[i].verdict;
	}
	return 0;
}

/* Returns the index of a state, added if it is new, or -1. Its nodes are at b->member +
 * b->members.
 */
static int subset_find(struct build *b, u32 count, struct reason *why)
{
	u32 *member = b->member + b->members;
	const u32 mask = 4 * SUBSETS_MAX - 1;
	struct subset *s;
	u32 hash = 2166136261U;

	qsort(member, count, sizeof(*member), u32_compare);
	count = subset_prune(b, member, count);
	for (u32 i = 0; i < count; i++)
		hash = (hash ^ member[i]) * 16777619U;
	for (hash ^= hash >> 15; b->bucket[hash & mask]; hash++) {
		s = &b->subset[b->bucket[hash & mask] - 1];
		if (s->members == count &&
		    !memcmp(b->member + s->member, member, count * sizeof(*member)))
			return s - b->subset;
	}
	if (b->count == SUBSETS_MAX || b->members + count > MEMBERS_MAX)
		return too_big(why);
	MAKE_ROOM(b->subset, b->count, b->alloc, 1);
	s = &b->subset[b->count];
	s->member = b->members;
	s->members = count;
	s->verdict = subset_verdict(b, member, count);
	b->members += count;
	b->bucket[hash & mask] = ++b->count;
	return b->count - 1;
}

/* Puts the nodes that @octet leads to after the others. Returns how many. */
static u32 subset_step(struct build *b, const struct subset *s, u8 octet, u32 *seen,
		       u32 stamp)
{
	u32 count = 0;

	for (u32 i = 0; i < s->members; i++) {
		const struct node *n = &b->nodes.item[b->member[s->member + i]];

		for (u32 e = n->edge; e < n->edge + n->edges; e++) {
			const struct edge *edge = &b->nodes.edge[e];

			if (octet < edge->min || octet > edge->max ||
			    seen[edge->to] == stamp)
				continue;
			seen[edge->to] = stamp;
			MAKE_ROOM(b->member, b->members + count, b->members_alloc, 1);
			b->member[b->members + count++] = edge->to;
		}
	}
	return count;
}

static int find_subsets(struct build *b, struct reason *why)
{
	u32 *seen = grow(NULL, b->nodes.count + 1, sizeof(*seen));
	u32 stamp = 0;
	int to;

	memset(seen, 0, b->nodes.count * sizeof(*seen));
	MAKE_ROOM(b->member, 0, b->members_alloc, b->nodes.initials);
	for (size_t i = 0; i < b->nodes.initials; i++)
		b->member[i] = b->nodes.initial[i];
	to = subset_find(b, b->nodes.initials, why);
	for (size_t i = 0; i < b->count && to >= 0; i++) {
		MAKE_ROOM(b->next, i * b->classes, b->next_alloc, b->classes);
		for (unsigned int c = 0; c < b->classes && to >= 0; c++) {
			const struct subset s = b->subset[i];
			u32 count = subset_step(b, &s, b->octet[c], seen, ++stamp);

			to = subset_find(b, count, why);
			b->next[i * b->classes + c] = to;
		}
	}
	free(seen);
	return to < 0 ? -1 : 0;
}

/**
 * struct table - the minimal automaton
 * @part: by subset, the state that stands for it
 * @first: by state, the first subset of it
 * @states: how many
 */
struct table {
	u32 *part;
	u32 *first;
	u32 states;
};

/* Are two subsets in the same part, and do they lead to the same parts? */
static bool same_signature(const struct build *b, const u32 *part, u32 x, u32 y)
{
	if (part[x] != part[y])
		return false;
	for (unsigned int c = 0; c < b->classes; c++) {
		if (part[b->next[x * b->classes + c]] !=
		    part[b->next[y * b->classes + c]])
			return false;
	}
	return true;
}

/* Divides the parts once more. The parts are numbered by their first subset, so that the
 * initial state is number 0.
 */
static void refine(const struct build *b, struct table *t, u32 *fresh, u32 *bucket,
		   u32 mask)
{
	memset(bucket, 0, (mask + 1) * sizeof(*bucket));
	t->states = 0;
	for (u32 i = 0; i < b->count; i++) {
		u32 hash = (2166136261U ^ t->part[i]) * 16777619U;

		for (unsigned int c = 0; c < b->classes; c++)
			hash = (hash ^ t->part[b->next[i * b->classes + c]]) *
			       16777619U;
		for (hash ^= hash >> 15; bucket[hash & mask]; hash++) {
			if (same_signature(b, t->part,
					   t->first[bucket[hash & mask] - 1], i))
				break;
		}
		if (!bucket[hash & mask]) {
			t->first[t->states] = i;
			bucket[hash & mask] = ++t->states;
		}
		fresh[i] = bucket[hash & mask] - 1;
	}
	memcpy(t->part, fresh, b->count * sizeof(*fresh));
}

static void minimise(const struct build *b, struct table *t)
{
	const u32 mask = 4 * SUBSETS_MAX - 1;
	u32 *bucket = grow(NULL, mask + 1, sizeof(*bucket));
	u32 *fresh = grow(NULL, b->count, sizeof(*fresh));
	u32 before = 0;

	t->part = grow(NULL, b->count, sizeof(*t->part));
	t->first = grow(NULL, b->count, sizeof(*t->first));
	for (u32 i = 0; i < b->count; i++)
		t->part[i] = b->subset[i].verdict;
	t->states = 0;
	do {
		before = t->states;
		refine(b, t, fresh, bucket, mask);
	} while (t->states != before);
	free(fresh);
	free(bucket);
}

/* Where a state of the table leads */
static u32 table_next(const struct build *b, const struct table *t, u32 state,
		      unsigned int class)
{
	return t->part[b->next[t->first[state] * b->classes + class]];
}

/* Joins classes that all states treat alike */
static void join_classes(struct build *b, const struct table *t)
{
	unsigned int to[256], kept = 0;

	for (unsigned int c = 0; c < b->classes; c++) {
		unsigned int other = 0;
		u32 s = 0;

		for (; other < kept; other++) {
			for (s = 0; s < t->states; s++) {
				if (table_next(b, t, s, other) != table_next(b, t, s, c))
					break;
			}
			if (s == t->states)
				break;
		}
		to[c] = other;
		if (other < kept)
			continue;
		for (s = 0; s < b->count; s++)
			b->next[s * b->classes + kept] = b->next[s * b->classes + c];
		kept++;
	}
	for (unsigned int c = 0; c < 256; c++)
		b->class[c] = to[b->class[c]];
	/* The rows become shorter */
	for (u32 s = 0; s < b->count; s++)
		memmove(b->next + s * kept, b->next + s * b->classes,
			kept * sizeof(*b->next));
	b->classes = kept;
}

/* States before a state that are tried as its base, besides state 0 */
#define BASES_MAX	128

static unsigned int count_changes(const struct build *b, const struct table *t,
				  u32 state, u32 base)
{
	unsigned int changes = 0;

	for (unsigned int c = 0; c < b->classes; c++) {
		u32 was = base == state ? 0 : table_next(b, t, base, c);

		changes += table_next(b, t, state, c) != was;
	}
	return changes;
}

static void put_u16(FILE *out, unsigned int value)
{
	fputc(value & 0xff, out);
	fputc(value >> 8, out);
}

static void put_row(FILE *out, const struct build *b, const struct table *t,
		    u32 state)
{
	u32 base = state, first = state > BASES_MAX ? state - BASES_MAX : 0;
	unsigned int least = count_changes(b, t, state, state);

	for (u32 other = 0; other < state; other = other ? other + 1 : first + !first) {
		unsigned int changes = count_changes(b, t, state, other);

		if (changes < least) {
			least = changes;
			base = other;
		}
	}
	fputc(b->subset[t->first[state]].verdict, out);
	put_u16(out, base);
	put_u16(out, least);
	for (unsigned int c = 0; c < b->classes; c++) {
		u32 to = table_next(b, t, state, c);

		if (to == (base == state ? 0 : table_next(b, t, base, c)))
			continue;
		fputc(c, out);
		put_u16(out, to);
	}
}

static int pack(struct automaton_packed *packed, struct build *b,
		const struct table *t, struct reason *why)
{
	char *octets = NULL;
	FILE *out;

	if (t->states > SMTP_AUTOMATON_STATES_MAX)
		return too_big(why);
	join_classes(b, t);
	if (t->states * b->classes > SMTP_AUTOMATON_CELLS_MAX)
		return too_big(why);
	out = open_memstream(&octets, &packed->size);
	if (!out)
		return reason_local(why, "no memory");
	put_u16(out, t->states);
	put_u16(out, b->classes);
	fwrite(b->class, 1, sizeof(b->class), out);
	for (u32 state = 0; state < t->states; state++)
		put_row(out, b, t, state);
	if (fclose(out)) {
		free(octets);
		return reason_local(why, "no memory");
	}
	packed->octets = (u8 *)octets;
	return 0;
}

int automaton_compile(struct automaton_packed *packed,
		      const struct automaton_rule *rule, unsigned int count,
		      struct reason *why)
{
	struct build *b = grow(NULL, 1, sizeof(*b));
	struct table table = { 0 };
	int rc = 0;

	memset(packed, 0, sizeof(*packed));
	memset(b, 0, sizeof(*b));
	b->rule = rule;
	b->rules = count;
	for (unsigned int i = 0; i < count && !rc; i++) {
		const char *list = rule[i].patterns;

		do
			rc = add_pattern(b, i, &list, why);
		while (rc > 0);
		if (!rc && rule[i].negated && rule[i].field &&
		    add_pattern(b, i, NULL, why) < 0)
			rc = -1;
	}
	if (!rc) {
		find_classes(b);
		find_certain(b);
		rc = find_subsets(b, why);
	}
	if (!rc) {
		minimise(b, &table);
		rc = pack(packed, b, &table, why);
	}
	free(table.part);
	free(table.first);
	free(b->next);
	free(b->member);
	free(b->subset);
	free(b->nodes.initial);
	free(b->nodes.edge);
	free(b->nodes.item);
	free(b);
	return rc;
}

#else

int automaton_compile(struct automaton_packed *packed,
		      const struct automaton_rule *rule, unsigned int count,
		      struct reason *why)
{
	(void)rule;
	(void)count;
	memset(packed, 0, sizeof(*packed));
	return reason_local(why, "this smtpfixup was built without patterns; build it again with Augeas' libfa (libaugeas-dev)");
}

#endif /* HAVE_FA */
