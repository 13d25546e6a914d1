// SPDX-License-Identifier: GPL-2.0-only
/* Criteria. See criteria.h. */
#include "../policy/policy.h"
#include "criteria.h"

const char *const smtp_what_names[__SMTP_FIXUP_WHAT_MAX] = {
	[SMTP_FIXUP_WHAT_VERB]		= "verb",
	[SMTP_FIXUP_WHAT_KEYWORD]	= "keyword",
	[SMTP_FIXUP_WHAT_HELO]		= "helo",
	[SMTP_FIXUP_WHAT_SENDER]	= "sender",
	[SMTP_FIXUP_WHAT_RECIPIENT]	= "recipient",
	[SMTP_FIXUP_WHAT_HEADER]	= "header",
	[SMTP_FIXUP_WHAT_MIME_TYPE]	= "mime-type",
	[SMTP_FIXUP_WHAT_MIME_ENCODING]	= "mime-encoding",
	[SMTP_FIXUP_WHAT_MIME_FILENAME]	= "mime-filename",
	[SMTP_FIXUP_WHAT_RELAY]		= "mail-relay",
	[SMTP_FIXUP_WHAT_MECHANISM]	= "auth-allow",
};

static const char smtp_not[] = "not ";

/* Octets of a match's text and of its field's name, with their NULs */
static u32 smtp_criterion_size(const struct smtp_criteria_spec *spec, u32 i)
{
	const char *field = spec->match[i].field;

	return strlen(smtp_not) + strlen(smtp_what_names[spec->match[i].what]) + 1 +
	       spec->match[i].len + 1 + (field ? 2 * (strlen(field) + 1) : 0);
}

/* RFC 5322, 3.6.8, allows more octets, but nobody uses those */
static bool smtp_is_name_octet(u8 c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static const char *smtp_field_check(const struct smtp_criteria_spec *spec, u32 i)
{
	const char *c = spec->match[i].field;

	if (!c)
		return NULL;
	if (spec->match[i].what != SMTP_FIXUP_WHAT_HEADER)
		return "a match that looks at no header has the name of a field";
	if (!*c || strlen(c) > SMTP_FIXUP_FIELD_MAX)
		return "the name of a header field has 1 to 64 characters";
	for (; *c; c++)
		if (!smtp_is_name_octet(*c))
			return "the name of a header field is letters, digits, - _ and .";
	return NULL;
}

static const char *smtp_criterion_check(const struct smtp_criteria_spec *spec,
					u32 i)
{
	const char *text = spec->match[i].patterns;
	u32 n;

	if (spec->match[i].what >= __SMTP_FIXUP_WHAT_MAX ||
	    spec->match[i].action <= SMTP_FIXUP_ACTION_OFF ||
	    spec->match[i].action > SMTP_FIXUP_ACTION_RESET)
		return "a match looks at what is not known, or does what is not known";
	for (n = 0; n < spec->match[i].len; n++)
		if (text[n] < ' ' || text[n] > '~')
			return "a match's patterns must be printable ASCII; write \\xHH";
	return n ? smtp_field_check(spec, i) : "a match has no pattern";
}

const char *smtp_criteria_measure(const struct smtp_criteria_spec *spec,
				  bool tables, u32 *size)
{
	u32 octets = sizeof(struct smtp_criteria) +
		     spec->nr * sizeof(struct smtp_criterion);
	u32 looked_at = 0, patterns = 0, i;
	struct smtp_automaton a;
	const char *why;

	if (spec->nr > SMTP_FIXUP_MATCHES_MAX)
		return "a policy has 64 matches at most";
	for (i = 0; i < spec->nr; i++) {
		why = smtp_criterion_check(spec, i);
		if (why)
			return why;
		looked_at |= 1U << spec->match[i].what;
		patterns += spec->match[i].len;
		octets += smtp_criterion_size(spec, i);
	}
	if (patterns > SMTP_FIXUP_PATTERNS_MAX)
		return "the patterns of all matches have more than 4096 characters";
	for (i = 0; i < __SMTP_FIXUP_WHAT_MAX; i++) {
		bool wanted = looked_at >> i & 1;

		if (!spec->table[i].octets) {
			if (wanted && tables)
				return "a match comes without its table";
			continue;
		}
		if (!wanted)
			return "a table of patterns belongs to no match";
		why = smtp_automaton_measure(&a, spec->table[i].octets,
					     spec->table[i].n);
		if (why)
			return why;
		/* Rows of u16 begin at an even place */
		octets += 1 + smtp_automaton_size(&a);
		if (octets > SMTP_CRITERIA_SIZE_MAX)
			return "the tables of the patterns need more than 512 KiB";
	}
	*size = octets;
	return NULL;
}

static char *smtp_text_append(char *to, const char *text, u32 n)
{
	memcpy(to, text, n);
	return to + n;
}

/* Writes the text of a match at @at. Returns the place after it. */
static char *smtp_criterion_make(struct smtp_criterion *m,
				 const struct smtp_criteria_spec *spec, u32 i,
				 char *at)
{
	const char *name = smtp_what_names[spec->match[i].what];
	const char *field = spec->match[i].field;

	m->what = spec->match[i].what;
	m->action = spec->match[i].action;
	m->negated = spec->match[i].negated;
	m->text = at;
	if (m->negated)
		at = smtp_text_append(at, smtp_not, strlen(smtp_not));
	at = smtp_text_append(at, name, strlen(name));
	if (field) {
		*at++ = ':';
		at = smtp_text_append(at, field, strlen(field));
	}
	*at++ = ' ';
	m->patterns = at;
	at = smtp_text_append(at, spec->match[i].patterns, spec->match[i].len);
	m->len = at - m->text;
	*at++ = '\0';
	if (field) {
		m->field = at;
		at = smtp_text_append(at, field, strlen(field) + 1);
	}
	return at;
}

/* The words of a table that the matches mask, as a bit mask */
static u64 smtp_criteria_masks(const struct smtp_criteria *c, u8 what,
			       const struct smtp_word *words, u32 nr)
{
	u64 masked = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		const struct smtp_criterion *m;

		m = smtp_criteria_find(c, what, (const u8 *)words[i].text,
				       words[i].len);
		if (m && m->action == SMTP_FIXUP_ACTION_MASK)
			masked |= 1ULL << i;
	}
	return masked;
}

const char *smtp_criteria_make(struct smtp_criteria *c,
			       const struct smtp_criteria_spec *spec, u32 size)
{
	char *at = (char *)&c->criterion[spec->nr];
	const char *why;
	u32 i;

	memset(c, 0, offsetof(struct smtp_criteria, criterion) +
		     spec->nr * sizeof(*c->criterion));
	c->size = size;
	c->nr = spec->nr;
	for (i = 0; i < spec->nr; i++) {
		struct smtp_criterion *m = &c->criterion[i];

		at = smtp_criterion_make(m, spec, i, at);
		c->messages |= smtp_what_of_message(m->what);
		c->mime |= smtp_what_of_message(m->what) &&
			   m->what != SMTP_FIXUP_WHAT_HEADER;
		c->ends_messages |= smtp_what_of_message(m->what) &&
				    m->action >= SMTP_FIXUP_ACTION_MASK;
	}
	for (i = 0; i < __SMTP_FIXUP_WHAT_MAX; i++) {
		struct smtp_automaton *a = &c->table[i];

		if (!spec->table[i].octets)
			continue;
		at += (unsigned long)at & 1;
		why = smtp_automaton_measure(a, spec->table[i].octets,
					     spec->table[i].n) ?:
		      smtp_automaton_unpack(a, spec->table[i].octets,
					    spec->table[i].n, at, spec->nr);
		if (why)
			return why;
		at += smtp_automaton_size(a);
	}
	c->verbs = smtp_criteria_masks(c, SMTP_FIXUP_WHAT_VERB, smtp_verbs,
				       __SMTP_FIXUP_VERB_MAX);
	c->keywords = smtp_criteria_masks(c, SMTP_FIXUP_WHAT_KEYWORD,
					  smtp_keywords,
					  __SMTP_FIXUP_KEYWORD_MAX);
	/* E3 */
	c->keywords |= smtp_policy_promised(c->verbs);
	return NULL;
}

const struct smtp_criterion *smtp_criteria_find(const struct smtp_criteria *c,
						u8 what, const u8 *value, u32 n)
{
	if (!smtp_criteria_has(c, what))
		return NULL;
	return smtp_criteria_verdict(c, what,
				     smtp_automaton_run(&c->table[what], 0,
							value, n));
}

/* Does a match mask something of a message? */
static bool smtp_criteria_mask_messages(const struct smtp_criteria *c)
{
	u32 i;

	for (i = 0; i < c->nr; i++)
		if (smtp_what_of_message(c->criterion[i].what) &&
		    c->criterion[i].action == SMTP_FIXUP_ACTION_MASK)
			return true;
	return false;
}

static bool smtp_criteria_names(const struct smtp_criteria *c, u8 what)
{
	u32 i;

	for (i = 0; i < c->nr && c->criterion[i].what != what; i++)
		;
	return i < c->nr;
}

const char *smtp_criteria_check(const struct smtp_policy *p)
{
	const struct smtp_criteria *c = p->criteria;

	if (!c)
		return NULL;
	if (smtp_criteria_names(c, SMTP_FIXUP_WHAT_KEYWORD) &&
	    !(p->verbs & SMTP_VERB_BIT(EHLO)))
		return "'match keyword' needs EHLO, which this policy blocks";
	if (smtp_criteria_names(c, SMTP_FIXUP_WHAT_MECHANISM) &&
	    !(p->verbs & SMTP_VERB_BIT(AUTH)))
		return "'auth-allow' needs AUTH, which this policy blocks";
	if (smtp_criteria_mask_messages(c))
		return "nothing of a message is masked: matches of it log, drop or reset";
	if (c->verbs & SMTP_VERB_BIT(QUIT))
		return "QUIT can't be masked: connections would only end by time-out";
	return NULL;
}
