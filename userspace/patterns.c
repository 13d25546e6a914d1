// SPDX-License-Identifier: GPL-2.0-only
/* Patterns. See patterns.h. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "patterns.h"

#define ANY_OCTET	"(.|\n)"	/* libfa's . is all but a line end */

/* What is written instead of octets that mean something to libfa */
static void put_octet(FILE *out, unsigned char c)
{
	if (c && strchr("\\.[](){}|?*+^$/-", c))
		fputc('\\', out);
	fputc(c, out);
}

static void put_letter(FILE *out, unsigned char c, bool nocase)
{
	if (nocase && isalpha(c))
		fprintf(out, "[%c%c]", tolower(c), toupper(c));
	else
		put_octet(out, c);
}

struct octets {
	bool has[256];
};

static void octets_add(struct octets *set, unsigned int first, unsigned int last,
		       bool nocase)
{
	for (unsigned int c = first; c <= last; c++) {
		set->has[c] = true;
		if (nocase && c < 128) {
			set->has[tolower(c)] = true;
			set->has[toupper(c)] = true;
		}
	}
}

/* May libfa's range from @c go on after @last? Not beyond 127, where its signed
 * characters turn around, nor over what means something between brackets.
 */
static bool range_goes_on(unsigned int c, unsigned int last)
{
	return last != 127 && last != 255 && !(c && strchr("[]^-\\", c)) &&
	       !strchr("[]^-\\", last + 1);
}

/* Alternatives of octets and ranges, none of which means anything in brackets */
static int put_octets(FILE *out, const struct octets *set, struct reason *why)
{
	unsigned int count = 0;

	for (unsigned int c = 0; c < 256; c++)
		count += set->has[c];
	if (!count)
		return reason_usage(why, "the brackets of a pattern hold no octet");
	if (count == 256) {
		fputs(ANY_OCTET, out);
		return 0;
	}
	count = 0;
	fputc('(', out);
	for (unsigned int c = 0; c < 256; c++) {
		unsigned int last = c;

		if (!set->has[c])
			continue;
		if (count++)
			fputc('|', out);
		while (range_goes_on(c, last) && set->has[last + 1])
			last++;
		if (last > c)
			fprintf(out, "[%c-%c]", c, last);
		else
			put_octet(out, c);
		c = last;
	}
	fputc(')', out);
	return 0;
}

static int digits(const char *at, const char *end, int count, int base)
{
	char text[4] = "", *behind;

	if (end - at < count)
		return -1;
	memcpy(text, at, count);
	for (int i = 0; i < count; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return -1;
	}
	count = strtoul(text, &behind, base);
	return *behind || count > 255 ? -1 : count;
}

/* What is after a backslash, one octet; moves *at after it */
static int parse_escape(const char **at, const char *end, struct reason *why)
{
	static const char letters[] = "rntf", octets[] = "\r\n\t\f";
	const char *p = *at;
	int c;

	if (p == end)
		return reason_usage(why, "a backslash ends a pattern; write two for one");
	*at = p + 1;
	if (strchr(letters, *p))
		return octets[strchr(letters, *p) - letters];
	if (*p == 'x') {
		*at = p + 3;
		c = digits(p + 1, end, 2, 16);
	} else if (isdigit((unsigned char)*p)) {
		*at = p + 3;
		c = digits(p, end, 3, 8);
	} else if (isalpha((unsigned char)*p)) {
		c = -1;
	} else {
		return (unsigned char)*p;
	}
	if (c < 0)
		return reason_usage(why, "\\%c is unknown in a pattern; known are \\r \\n \\t \\f \\xHH \\OOO, and \\ before what is no letter or digit",
				    *p);
	return c;
}

/* One octet, as it is or escaped */
static int parse_octet(const char **at, const char *end, struct reason *why)
{
	int c = (unsigned char)*(*at)++;

	return c == '\\' ? parse_escape(at, end, why) : c;
}

/* [...], without its first bracket */
static int parse_octets(const char **at, const char *end, FILE *out, bool nocase,
			struct reason *why)
{
	struct octets set = { 0 };
	bool negated = *at < end && **at == '^';
	const char *first = *at += negated;

	while (*at < end && (**at != ']' || *at == first)) {
		int c = parse_octet(at, end, why), last = c;

		if (c < 0)
			return -1;
		if (end - *at > 1 && **at == '-' && (*at)[1] != ']') {
			++*at;
			last = parse_octet(at, end, why);
			if (last < 0)
				return -1;
			if (last < c)
				return reason_usage(why, "a range in the brackets of a pattern is the wrong way round");
		}
		octets_add(&set, c, last, nocase);
	}
	if (*at >= end)
		return reason_usage(why, "a [ in a pattern has no ]; write \\[ for the octet");
	++*at;
	for (unsigned int c = 0; negated && c < 256; c++)
		set.has[c] = !set.has[c];
	return put_octets(out, &set, why);
}

static int parse_glob(const char *at, const char *end, FILE *out,
		      struct reason *why)
{
	while (at < end) {
		int c = (unsigned char)*at;

		if (c == '*' || c == '?' || c == '[') {
			at++;
			fputs(c == '[' ? "" : c == '?' ? ANY_OCTET : ANY_OCTET "*",
			      out);
			if (c == '[' && parse_octets(&at, end, out, true, why))
				return -1;
			continue;
		}
		c = parse_octet(&at, end, why);
		if (c < 0)
			return -1;
		put_letter(out, c, true);
	}
	return 0;
}

/**
 * struct regexp - a regular expression being read
 * @at: what is to be read
 * @end: after it
 * @out: what it becomes
 * @nocase: letters match in either case
 * @depth: parentheses that are open
 * @repeated: {N} multiplied so far
 * @atom: there is something before @at that can be repeated
 * @open: the alternative of the outermost level has been begun
 */
struct regexp {
	const char *at;
	const char *end;
	FILE *out;
	bool nocase;
	unsigned int depth;
	unsigned long repeated;
	bool atom;
	bool open;
};

/* {N} and {N,}: at least N; @at is after the brace */
static int parse_repeat(struct regexp *r, struct reason *why)
{
	char *behind;
	unsigned long n = strtoul(r->at, &behind, 10);

	if (!isdigit((unsigned char)*r->at))
		return reason_usage(why, "a { in a regular expression needs a number; write \\{ for the octet");
	if (*behind == ',')
		behind++;
	if (*behind != '}' || behind >= r->end)
		return reason_usage(why, "a regular expression has {N} or {N,}, which both mean at least N");
	if (n <= PATTERN_REPEAT_MAX && n)
		r->repeated *= n;
	if (n > PATTERN_REPEAT_MAX || r->repeated > PATTERN_REPEAT_MAX)
		return reason_usage(why, "a regular expression repeats its parts more than %d times",
				    PATTERN_REPEAT_MAX);
	r->at = behind + 1;
	fprintf(r->out, "{%lu,}", n);
	return 0;
}

/* An alternative of the outermost level begins: it is searched for */
static void alternative_begin(struct regexp *r)
{
	bool anchored = r->at < r->end && *r->at == '^';

	r->at += anchored;
	r->open = true;
	fputs(anchored ? "(" : ANY_OCTET "*(", r->out);
}

static void alternative_end(struct regexp *r, bool anchored)
{
	r->open = false;
	fputs(anchored ? ")" : ")" ANY_OCTET "*", r->out);
}

/* Is this $ the end of an alternative? */
static bool is_end_anchor(const struct regexp *r)
{
	return !r->depth && *r->at == '$' &&
	       (r->at + 1 == r->end || r->at[1] == '|');
}

static int parse_regexp_one(struct regexp *r, struct reason *why)
{
	int c = (unsigned char)*r->at;
	bool atom = r->atom;

	r->atom = true;
	switch (c) {
	case '(':
		r->depth++;
		r->atom = false;
		break;
	case ')':
		if (!r->depth)
			return reason_usage(why, "a ) in a regular expression has no (; write \\) for the octet");
		r->depth--;
		break;
	case '|':
		r->atom = false;
		if (!r->depth)
			alternative_end(r, false);
		break;
	case '.':
		r->at++;
		fputs(ANY_OCTET, r->out);
		return 0;
	case '[':
		r->at++;
		return parse_octets(&r->at, r->end, r->out, r->nocase, why);
	case '^':
	case '$':
		return reason_usage(why, "%c stands at the %s of a regular expression or of its alternatives; write \\%c for the octet",
				    c, c == '^' ? "beginning" : "end", c);
	case '?':
	case '*':
	case '+':
	case '{':
		if (!atom)
			return reason_usage(why, "a %c in a regular expression has nothing to repeat; write \\%c for the octet",
					    c, c);
		r->atom = false;	/* nor is there a repetition of one */
		if (c != '{')
			break;
		r->at++;
		return parse_repeat(r, why);
	default:
		c = parse_octet(&r->at, r->end, why);
		if (c < 0)
			return -1;
		put_letter(r->out, c, r->nocase);
		return 0;
	}
	r->at++;
	fputc(c, r->out);
	return 0;
}

static int parse_regexp(struct regexp *r, struct reason *why)
{
	while (r->at < r->end || !r->open) {
		if (!r->open)
			alternative_begin(r);
		if (r->at == r->end)
			break;
		if (is_end_anchor(r)) {
			alternative_end(r, true);
			r->atom = false;
			if (++r->at == r->end)
				return 0;
			fputc(*r->at++, r->out);
			continue;
		}
		if (parse_regexp_one(r, why))
			return -1;
	}
	if (r->depth)
		return reason_usage(why, "a ( in a regular expression has no ); write \\( for the octet");
	alternative_end(r, false);
	return 0;
}

/**
 * struct pattern - a pattern as it stands in a list
 * @at: its first octet, without what surrounds it
 * @end: after its last one
 * @regexp: it stood between slashes
 * @nocase: i followed the second slash: letters match in either case
 */
struct pattern {
	const char *at;
	const char *end;
	bool regexp;
	bool nocase;
};

/* Takes the first pattern off a list that is not empty */
static int pattern_split(const char **list, struct pattern *p, struct reason *why)
{
	const char *at = *list;
	char closes = *at == '/' || *at == '"' ? *at : '\0';

	p->regexp = closes == '/';
	p->nocase = false;
	at += !!closes;
	p->at = at;
	for (; *at && (closes ? *at != closes : *at != ','); at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (!closes && (*at == ' ' || *at == '\t' || *at == '"'))
			return reason_usage(why, "a pattern with a blank or \" in it stands in \"...\" or /.../: %s",
					    QUOTED(*list));
	}
	p->end = at;
	if (closes && *at++ != closes)
		return reason_usage(why, "the pattern %s has no second %c", QUOTED(*list),
				    closes);
	if (p->regexp && *at == 'i') {
		p->nocase = true;
		at++;
	}
	if (*at && *at != ',')
		return reason_usage(why, "no comma follows the pattern %s",
				    QUOTED(*list));
	if (!closes && p->at == p->end)
		return reason_usage(why, "a pattern is missing; write \"\" for the empty value");
	if (p->regexp && p->at == p->end)
		return reason_usage(why, "// is no pattern; write * for anything");
	if (p->end - p->at > PATTERN_MAX)
		return reason_usage(why, "a pattern has more than %d octets", PATTERN_MAX);
	if (*at && !at[1])
		return reason_usage(why, "a pattern is missing after the last comma");
	*list = at + !!*at;
	return 1;
}

int pattern_next(const char **list, FILE *out, struct reason *why)
{
	struct pattern p;

	if (!**list)
		return 0;
	if (pattern_split(list, &p, why) < 0)
		return -1;
	if (p.regexp) {
		struct regexp r = {
			.at = p.at, .end = p.end, .out = out,
			.nocase = p.nocase, .repeated = 1,
		};

		return parse_regexp(&r, why) ? -1 : 1;
	}
	return parse_glob(p.at, p.end, out, why) ? -1 : 1;
}

void pattern_field(FILE *out, const char *name)
{
	for (; *name; name++)
		put_letter(out, *name, true);
	fputs(": (", out);
}

/* What differs from the name in its first octet, or in its second, ... */
void pattern_other_fields(FILE *out, const char *name)
{
	const size_t len = strlen(name);
	struct reason none;

	for (size_t i = 0; i <= len; i++) {
		struct octets set;

		memset(&set, true, sizeof(set));
		set.has[i < len ? tolower(name[i]) : ':'] = false;
		set.has[i < len ? toupper(name[i]) : ':'] = false;
		fputc('(', out);
		put_octets(out, &set, &none);
		fputs(ANY_OCTET "*", out);
		if (i == len)
			break;
		fputc('|', out);
		put_letter(out, name[i], true);
	}
	for (size_t i = 0; i <= len; i++)
		fputs(")?", out);
}

int pattern_relay(const char **list, FILE *out, struct reason *why)
{
	struct pattern p;

	if (!**list)
		return 0;
	if (pattern_split(list, &p, why) < 0)
		return -1;
	if (p.regexp)
		return reason_usage(why, "a domain is a name or a glob, no regular expression: %s",
				    QUOTED(p.at));
	fputs("[^@%!]*(@", out);
	if (parse_glob(p.at, p.end, out, why))
		return -1;
	fputs(")?", out);
	return 1;
}
