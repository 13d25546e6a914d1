// SPDX-License-Identifier: GPL-2.0-only
/* Criteria. See criteria.h. */
#include <stdlib.h>
#include <string.h>

#include "criteria.h"
#include "patterns.h"

static char *copy_of(const char *text, size_t len)
{
	char *copy = grow(NULL, len + 1, 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

bool criteria_add(struct criteria **criteria, u8 what, u8 action, bool negated,
		  const char *patterns, size_t len, const char *field)
{
	struct smtp_criteria_spec *spec;
	u32 i;

	if (!*criteria) {
		*criteria = grow(NULL, 1, sizeof(**criteria));
		memset(*criteria, 0, sizeof(**criteria));
	}
	spec = &(*criteria)->spec;
	i = spec->nr;
	if (i == SMTP_FIXUP_MATCHES_MAX || len > SMTP_FIXUP_PATTERNS_MAX)
		return false;
	spec->match = grow(spec->match, i + 1, sizeof(*spec->match));
	spec->match[i].what = what;
	spec->match[i].action = action;
	spec->match[i].negated = negated;
	spec->match[i].patterns = copy_of(patterns, len);
	spec->match[i].field = field ? copy_of(field, strlen(field)) : NULL;
	spec->match[i].len = len;
	spec->nr++;
	return true;
}

static int compile(struct criteria *criteria, u8 what, struct reason *why)
{
	struct automaton_packed *packed = &criteria->packed[what];
	struct automaton_rule rule[SMTP_FIXUP_MATCHES_MAX];
	unsigned int count = 0;

	for (u32 i = 0; i < criteria->spec.nr; i++) {
		/* Both say what is left alone */
		const bool relay = what == SMTP_FIXUP_WHAT_RELAY;
		const bool others = relay || what == SMTP_FIXUP_WHAT_MECHANISM;

		if (criteria->spec.match[i].what != what)
			continue;
		rule[count++] = (struct automaton_rule){
			.patterns = criteria->spec.match[i].patterns,
			.verdict = i + 1,
			.negated = criteria->spec.match[i].negated || others,
			.field = criteria->spec.match[i].field,
			.next = relay ? pattern_relay : pattern_next,
		};
	}
	if (!count)
		return 0;
	if (automaton_compile(packed, rule, count, why))
		return -1;
	criteria->spec.table[what].octets = packed->octets;
	criteria->spec.table[what].n = packed->size;
	return 0;
}

int criteria_compile(struct criteria *criteria, struct reason *why)
{
	size_t size = 0;

	for (u8 what = 0; criteria && what < __SMTP_FIXUP_WHAT_MAX; what++) {
		if (compile(criteria, what, why))
			return -1;
		size += criteria->packed[what].size;
	}
	if (size > SMTP_FIXUP_TABLE_MAX)
		return reason_usage(why, "the tables of all patterns have %zu octets, and %d is the most; put matches with one action into one, or use fewer",
				    size, SMTP_FIXUP_TABLE_MAX);
	return 0;
}

const char *criteria_make(const struct criteria *criteria,
			  const struct smtp_criteria **made)
{
	struct smtp_criteria *c;
	const char *fault;
	u32 size;

	*made = NULL;
	if (!criteria)
		return NULL;
	fault = smtp_criteria_measure(&criteria->spec, false, &size);
	if (fault)
		return fault;
	c = grow(NULL, 1, size);
	fault = smtp_criteria_make(c, &criteria->spec, size);
	if (fault)
		free(c);
	else
		*made = c;
	return fault;
}

size_t criteria_size(const struct criteria *criteria)
{
	/* A match has six attributes; the texts and their NULs are two of them */
	size_t size = 0;

	if (!criteria)
		return 0;
	for (u32 i = 0; i < criteria->spec.nr; i++)
		size += 64 + criteria->spec.match[i].len + SMTP_FIXUP_FIELD_MAX;
	for (u8 what = 0; what < __SMTP_FIXUP_WHAT_MAX; what++)
		size += 8 + criteria->packed[what].size;
	return size + 16;
}

void criteria_free(struct criteria *criteria)
{
	if (!criteria)
		return;
	for (u32 i = 0; i < criteria->spec.nr; i++) {
		free((char *)criteria->spec.match[i].patterns);
		free((char *)criteria->spec.match[i].field);
	}
	free(criteria->spec.match);
	for (u8 what = 0; what < __SMTP_FIXUP_WHAT_MAX; what++)
		free(criteria->packed[what].octets);
	free(criteria);
}
