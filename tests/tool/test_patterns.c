// SPDX-License-Identifier: GPL-2.0-only
/* Patterns, and the automata that the tool makes of them: docs/rules.md X9. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "automaton.h"
#include "patterns.h"

/* A compiled list and what the kernel makes of it */
struct compiled {
	struct automaton_packed packed;
	struct smtp_automaton table;
	void *memory;
};

static int compile(struct compiled *c, const struct automaton_rule *rule,
		   unsigned int count, struct reason *why)
{
	memset(c, 0, sizeof(*c));
	memset(why, 0, sizeof(*why));
	if (automaton_compile(&c->packed, rule, count, why))
		return -1;
	assert_null(smtp_automaton_measure(&c->table, c->packed.octets,
					   c->packed.size));
	c->memory = malloc(smtp_automaton_size(&c->table));
	assert_null(smtp_automaton_unpack(&c->table, c->packed.octets,
					  c->packed.size, c->memory, 255));
	return 0;
}

static void compiled_free(struct compiled *c)
{
	free(c->packed.octets);
	free(c->memory);
}

static u8 verdict(const struct compiled *c, const char *value, size_t n)
{
	return c->table.verdict[smtp_automaton_run(&c->table, 0,
						   (const u8 *)value, n)];
}

/* Is a value one of the list? */
static bool matches(const char *list, const char *value, size_t n)
{
	const struct automaton_rule rule = {
		.patterns = list, .verdict = 1, .next = pattern_next,
	};
	struct compiled c;
	struct reason why;
	bool yes;

	if (compile(&c, &rule, 1, &why))
		fail_msg("%s: %s", list, why.text);
	yes = verdict(&c, value, n);
	compiled_free(&c);
	return yes;
}

static const struct {
	const char *list;
	const char *value;
	bool yes;
} values[] = {
	/* Globs: the whole value, in either case */
	{ "a@b.example", "a@b.example", true },
	{ "a@b.example", "A@B.EXAMPLE", true },
	{ "a@b.example", "a@b-example", false },
	{ "a@b.example", "xa@b.example", false },
	{ "*@b.example", "anybody@b.example", true },
	{ "*@b.example", "anybody@b.example.net", false },
	{ "*@b.example,*@c.example", "x@c.example", true },
	{ "?x", "ax", true },
	{ "?x", "\nx", true },
	{ "?x", "x", false },
	{ "*.exe", "\xff\xfe.EXE", true },
	{ "[a-c]x", "Bx", true },
	{ "[a-c]x", "dx", false },
	{ "[^a-c]x", "dx", true },
	{ "[^a-c]x", "cx", false },
	{ "[]]", "]", true },
	{ "[x\\]]", "]", true },
	{ "a\\*b", "a*b", true },
	{ "a\\*b", "axb", false },
	{ "a\\,b", "a,b", true },
	{ "\"\"", "", true },
	{ "\"\"", "x", false },
	{ "\"a, b\",c", "a, b", true },
	{ "\"a, b\",c", "c", true },
	{ "*", "", true },
	/* Regular expressions: a search, and case counts */
	{ "/b/", "abc", true },
	{ "/b/", "aBc", false },
	{ "/b/i", "aBc", true },
	{ "/^b/", "abc", false },
	{ "/^b/", "bc", true },
	{ "/c$/", "abc", true },
	{ "/c$/", "abcd", false },
	{ "/^a|d$/", "xd", true },
	{ "/^a|d$/", "xdx", false },
	{ "/^$/", "", true },
	{ "/^$/", "x", false },
	{ "/a.c/", "xa\ncx", true },
	{ "/^(ab|cd)+$/", "abcdab", true },
	{ "/^(ab|cd)+$/", "abc", false },
	{ "/^ab?c$/", "ac", true },
	{ "/^a{3}$/", "aa", false },
	{ "/^a{3}$/", "aaa", true },
	{ "/^a{3}$/", "aaaa", true },		/* the ASA's "at least" */
	{ "/^a{3,}$/", "aaaa", true },
	{ "/^\\x41\\102$/", "AB", true },
	{ "/^\\r\\n\\t\\f$/", "\r\n\t\f", true },
	{ "/^[\\x80-\\xff]$/", "\x80", true },
	{ "/^[\\x80-\\xff]$/", "\x7f", false },
	{ "/^[\\x01-\\xff]+$/", "a\x7f\x80\xff[]^-\\", true },
	{ "/^[^\\x01-\\xff]+$/", "a", false },
	{ "/^[.*]$/", "*", true },
	{ "/^[.*]$/", "a", false },
	{ "/^[^]-]$/", "]", false },
	{ "/^[^]-]$/", "-", false },
	{ "/^[^]-]$/", "[", true },
	{ "/^[\\^\\[\\]\\\\-]+$/", "^[]\\-", true },
	{ "/a\\/b/", "xa/bx", true },
	{ "/application\\/x\\x2d(msdownload|bat)/", "application/x-bat", true },
	{ "/a,b/,c", "a,b", true },
	{ "/a,b/,c", "c", true },
	{ "/a|/", "", true },
	{ "/()/", "x", true },
};

static void x9_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		if (matches(values[i].list, values[i].value,
			    strlen(values[i].value)) != values[i].yes)
			fail_msg("%s on '%s': not %d", values[i].list,
				 values[i].value, values[i].yes);
	}
	assert_true(matches("/^\\x00$/", "", 1));
	assert_true(matches("a?b", "a\0b", 3));
}

static const struct {
	const char *list;
	const char *says;
} refused[] = {
	{ ",", "is missing" },
	{ "a,", "missing after the last comma" },
	{ "a,,b", "is missing" },
	{ "a b", "stands in" },
	{ "a\"b", "stands in" },
	{ "\"a", "no second \"" },
	{ "/a", "no second /" },
	{ "\"a\"b", "no comma follows" },
	{ "/a/x", "no comma follows" },
	{ "//", "write *" },
	{ "a\\", "a backslash ends" },
	{ "/\\d/", "\\d is unknown" },
	{ "/\\x4/", "\\x is unknown" },
	{ "/\\400/", "unknown" },
	{ "/[a/", "has no ]" },
	{ "/[z-a]/", "wrong way round" },
	{ "/[^\\x00-\\xff]/", "hold no octet" },
	{ "/(a/", "has no )" },
	{ "/a)/", "has no (" },
	{ "/*a/", "nothing to repeat" },
	{ "/a**/", "nothing to repeat" },
	{ "/(|*)/", "nothing to repeat" },
	{ "/a{x}/", "needs a number" },
	{ "/a{2,3}/", "at least N" },
	{ "/a{2/", "at least N" },
	{ "/a{101}/", "more than 100 times" },
	{ "/(a{20}){20}/", "more than 100 times" },
	{ "/a^b/", "^ stands at the beginning" },
	{ "/(^b)/", "^ stands at the beginning" },
	{ "/a$b/", "$ stands at the end" },
	{ "/^(a|b)*a(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)$/",
	  "more than 4096 states" },
};

static void x9_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		const struct automaton_rule rule = {
			.patterns = refused[i].list, .verdict = 1,
			.next = pattern_next,
		};
		struct compiled c;
		struct reason why;

		if (!compile(&c, &rule, 1, &why) && *refused[i].says)
			fail_msg("%s: not refused", refused[i].list);
		if (!strstr(why.text, refused[i].says))
			fail_msg("%s: %s", refused[i].list, why.text);
		compiled_free(&c);
	}
}

/* The first rule that acts says */
static void x9_order(void **state)
{
	const struct automaton_rule rules[] = {
		{ "boss@*", 1, false, NULL, pattern_next },
		{ "*@good.example,\"\"", 2, true, NULL, pattern_next },
		{ "/spam/", 3, false, NULL, pattern_next },
		{ "*", 4, false, NULL, pattern_next },
	};
	struct compiled c;
	struct reason why;

	(void)state;
	assert_int_equal(compile(&c, rules, 4, &why), 0);
	assert_int_equal(verdict(&c, "boss@bad.example", 16), 1);
	assert_int_equal(verdict(&c, "you@bad.example", 15), 2);
	assert_int_equal(verdict(&c, "spam@good.example", 17), 3);
	assert_int_equal(verdict(&c, "you@good.example", 16), 4);
	assert_int_equal(verdict(&c, "", 0), 4);
	compiled_free(&c);
}

/* A rule of one header field is about no other field, negated or not */
static void x9_fields(void **state)
{
	const struct automaton_rule rules[] = {
		{ "spam,/a|^b/", 1, false, "Subject", pattern_next },
		{ "*", 2, true, "Sub", pattern_next },
		{ "a,b", 3, true, "X-1", pattern_next },
		{ "/^To: .*@a/", 4, false, NULL, pattern_next },
	};
	static const struct {
		const char *field;
		u8 verdict;
	} fields[] = {
		{ "Subject: Spam", 1 },
		{ "SUBJECT: xxa", 1 },
		{ "subject: b", 1 },
		{ "Subject: c", 0 },
		{ "Subject: xb", 0 },
		{ "Subj: a", 0 },
		{ "XSubject: a", 0 },
		{ "Sub: spam", 0 },
		{ "x-1: a", 0 },
		{ "X-1: ab", 3 },
		{ "X-1: ", 3 },
		{ "X-12: ab", 0 },
		{ "X-: ab", 0 },
		{ "To: b@a", 4 },
		{ "to: b@a", 0 },
	};
	struct compiled c;
	struct reason why;

	(void)state;
	assert_int_equal(compile(&c, rules, 4, &why), 0);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char *field = fields[i].field;

		if (verdict(&c, field, strlen(field)) != fields[i].verdict)
			fail_msg("%s: not %d", field, fields[i].verdict);
	}
	compiled_free(&c);
}

/* X5: what is relayed is no address of the domains */
static void x5_relay(void **state)
{
	static const struct {
		const char *address;
		u8 relayed;
	} addresses[] = {
		{ "a@example.com", 0 },
		{ "A@EXAMPLE.COM", 0 },
		{ "a@mail.example.net", 0 },
		{ "postmaster", 0 },
		{ "", 0 },
		{ "a@example.org", 1 },
		{ "a@xexample.com", 1 },
		{ "a@example.com.evil.example", 1 },
		{ "a%evil.example@example.com", 1 },
		{ "evil.example!a@example.com", 1 },
		{ "a@evil.example@example.com", 1 },
		{ "@example.com:a@evil.example", 1 },
		{ "a%evil.example", 1 },
		{ "a@", 1 },
	};
	const struct automaton_rule rule = {
		"example.com,*.example.net", 1, true, NULL, pattern_relay,
	};
	struct compiled c;
	struct reason why;

	(void)state;
	assert_int_equal(compile(&c, &rule, 1, &why), 0);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		const char *a = addresses[i].address;

		if (verdict(&c, a, strlen(a)) != addresses[i].relayed)
			fail_msg("%s: not %d", a, addresses[i].relayed);
	}
	compiled_free(&c);
}

/* The same expression in the ASA's syntax and in POSIX', over a few letters */
struct expression {
	char asa[512];
	char posix[1024];
};

static u64 seed;

static unsigned int draw(unsigned int n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % n;
}

static void say(struct expression *e, const char *asa, const char *posix)
{
	strncat(e->asa, asa, sizeof(e->asa) - strlen(e->asa) - 1);
	strncat(e->posix, posix, sizeof(e->posix) - strlen(e->posix) - 1);
}

static void draw_expression(struct expression *e, int depth)
{
	static const char *const same[] = {
		"a", "b", "c", ".", "[ab]", "[^ab]", "[b-c]", "\\.", "-",
	};
	static const char *const times[] = { "", "", "", "?", "*", "+" };
	unsigned int parts = 1 + draw(3);

	while (parts--) {
		const char *what = same[draw(sizeof(same) / sizeof(*same))];
		const char *often = times[draw(6)];

		if (depth && !draw(3)) {
			say(e, "(", "(");
			draw_expression(e, depth - 1);
			say(e, ")", ")");
		} else if (!draw(8)) {
			say(e, "\\x61", "a");
		} else {
			say(e, what, what);
		}
		if (!draw(8))
			say(e, "{2}", "{2,}");
		else
			say(e, often, often);
		if (parts && !draw(4))
			say(e, "|", "|");
	}
}

/* Against the C library's regular expressions: half a second of them */
static void x9_differential(void **state)
{
	const clock_t end = clock() + CLOCKS_PER_SEC / 2;
	unsigned int tried = 0;

	(void)state;
	seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 0) :
				(u64)time(NULL);
	printf("# SEED=%llu\n", (unsigned long long)seed);
	while (clock() < end) {
		struct expression e = { "/", "" };
		struct automaton_rule rule = {
			.patterns = e.asa, .verdict = 1, .next = pattern_next,
		};
		bool begins = !draw(3), ends = !draw(3);
		struct compiled c;
		struct reason why;
		regex_t posix;

		/* An anchor is one alternative's alone, so there is one */
		if (begins)
			say(&e, "^(", "^(");
		draw_expression(&e, 2);
		if (begins)
			say(&e, ")", ")");
		if (ends && begins)
			say(&e, "$", "$");
		say(&e, "/", "");
		if (regcomp(&posix, e.posix, REG_EXTENDED | REG_NOSUB))
			fail_msg("regcomp: %s", e.posix);
		if (compile(&c, &rule, 1, &why)) {
			assert_non_null(strstr(why.text, "more than"));
			regfree(&posix);
			continue;
		}
		for (int i = 0; i < 20; i++) {
			char value[16] = "";
			size_t n = draw(12);

			for (size_t k = 0; k < n; k++)
				value[k] = "abc.-x\n"[draw(7)];
			if ((regexec(&posix, value, 0, NULL, 0) == 0) !=
			    verdict(&c, value, n))
				fail_msg("%s on '%s'", e.asa, value);
		}
		regfree(&posix);
		compiled_free(&c);
		tried++;
	}
	printf("# %u expressions\n", tried);
	assert_true(tried > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(x9_patterns),
		cmocka_unit_test(x9_refused),
		cmocka_unit_test(x9_order),
		cmocka_unit_test(x9_fields),
		cmocka_unit_test(x5_relay),
		cmocka_unit_test(x9_differential),
	};

	return cmocka_run_group_tests_name("patterns", tests, NULL, NULL);
}
