// SPDX-License-Identifier: GPL-2.0-only
/* Matches: X3, X5, X6, X8-X10. Tables of patterns, as anybody may send them: X9. */
#include <stdio.h>
#include <stdlib.h>

#include "../../kmod/core/match/automaton.h"
#include "../../userspace/criteria.h"
#include "../../kmod/core/smtp/message.h"
#include "unit.h"

/* "ab", and all that has it within: three states, a b and the rest are classes */
struct packed {
	u8 octets[SMTP_AUTOMATON_HEAD + 64];
	u32 n;
};

static void put_row(struct packed *p, u8 verdict, u16 base, u16 changes)
{
	const u8 row[5] = { verdict, base, base >> 8, changes, changes >> 8 };

	memcpy(p->octets + p->n, row, sizeof(row));
	p->n += sizeof(row);
}

static void put_change(struct packed *p, u8 class, u16 target)
{
	const u8 change[3] = { class, target, target >> 8 };

	memcpy(p->octets + p->n, change, sizeof(change));
	p->n += sizeof(change);
}

static struct packed table_ab(void)
{
	struct packed p = { .octets = { 3, 0, 3, 0 }, .n = SMTP_AUTOMATON_HEAD };

	p.octets[4 + 'a'] = 1;
	p.octets[4 + 'b'] = 2;
	put_row(&p, 0, 0, 1);
	put_change(&p, 1, 1);
	put_row(&p, 0, 0, 1);
	put_change(&p, 2, 2);
	put_row(&p, 7, 2, 3);
	put_change(&p, 0, 2);
	put_change(&p, 1, 2);
	put_change(&p, 2, 2);
	return p;
}

/* Checks a table as the module does, in memory of exactly its size */
static const char *load(struct smtp_automaton *a, const struct packed *p, u32 n,
			u8 **memory)
{
	u8 *copy = malloc(n ? n : 1);
	const char *why;

	memcpy(copy, p->octets, n);
	*memory = NULL;
	why = smtp_automaton_measure(a, copy, n);
	if (!why) {
		*memory = malloc(smtp_automaton_size(a));
		why = smtp_automaton_unpack(a, copy, n, *memory, 7);
	}
	free(copy);
	return why;
}

static u8 verdict(const struct smtp_automaton *a, const char *value)
{
	return a->verdict[smtp_automaton_run(a, 0, (const u8 *)value,
					     strlen(value))];
}

TEST("X9", "table runs", NONE)
{
	struct packed p = table_ab();
	struct smtp_automaton a;
	u16 at = 0;
	u8 *memory;

	assert_null(load(&a, &p, p.n, &memory));
	assert_int_equal(verdict(&a, ""), 0);
	assert_int_equal(verdict(&a, "ab"), 7);
	assert_int_equal(verdict(&a, "xxaabz"), 7);
	assert_int_equal(verdict(&a, "a b"), 0);
	/* In two pieces */
	at = smtp_automaton_run(&a, at, (const u8 *)"xa", 2);
	at = smtp_automaton_run(&a, at, (const u8 *)"b", 1);
	assert_int_equal(a.verdict[at], 7);
	free(memory);
}

TEST("X9", "hostile tables refused", NONE)
{
	const u32 rows = SMTP_AUTOMATON_HEAD;
	static const struct {
		u32 at;
		u8 value;
	} faults[] = {
		{ 0, 0 },	/* no state */
		{ 0, 2 },	/* one less than rows */
		{ 0, 4 },	/* one more */
		{ 1, 0x80 },	/* too many */
		{ 2, 0 },	/* no class */
		{ 3, 1 },	/* too many */
		{ 4 + 'x', 3 },	/* a class that is none */
	};
	static const struct {
		u32 at;
		u8 value;
	} row_faults[] = {
		{ 0, 8 },	/* a verdict that is none */
		{ 1, 1 },	/* a base that is not there yet */
		{ 3, 2 },	/* a change too many */
		{ 4, 1 },	/* far too many */
		{ 5, 3 },	/* of a class that is none */
		{ 6, 3 },	/* to a state that is none */
		{ 7, 1 },
	};
	struct smtp_automaton a;
	u8 *memory;
	u32 i;

	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct packed p = table_ab();

		p.octets[faults[i].at] = faults[i].value;
		assert_non_null(load(&a, &p, p.n, &memory));
		free(memory);
	}
	for (i = 0; i < sizeof(row_faults) / sizeof(*row_faults); i++) {
		struct packed p = table_ab();

		p.octets[rows + row_faults[i].at] = row_faults[i].value;
		assert_non_null(load(&a, &p, p.n, &memory));
		free(memory);
	}
	/* Cut anywhere, and with an octet more */
	for (i = 0; i <= table_ab().n + 1; i++) {
		struct packed p = table_ab();

		if (i != p.n)
			assert_non_null(load(&a, &p, i, &memory));
		else
			assert_null(load(&a, &p, i, &memory));
		free(memory);
	}
}

/* One more match for a policy that begins, or begun: what its set line would say */
struct matches {
	struct criteria *criteria;
	const struct smtp_criteria *made;
};

static void match(struct matches *m, u8 what, bool negated, const char *patterns,
		  u8 action)
{
	assert_true(criteria_add(&m->criteria, what, action, negated, patterns,
				 strlen(patterns), NULL));
}

#define MATCH(m, what, patterns, action) \
	match(m, SMTP_FIXUP_WHAT_##what, false, patterns, \
	      SMTP_FIXUP_ACTION_##action)
#define MATCH_NOT(m, what, patterns, action) \
	match(m, SMTP_FIXUP_WHAT_##what, true, patterns, \
	      SMTP_FIXUP_ACTION_##action)

/* The policy has them. Returns what it is refused for, or NULL. */
static const char *matches_apply(struct fix *f, struct matches *m)
{
	struct reason why = { 0 };
	u8 attr;

	if (criteria_compile(m->criteria, &why))
		fail_msg("%s", why.text);
	assert_null(criteria_make(m->criteria, &m->made));
	f->policy.criteria = m->made;
	return smtp_policy_check(&f->policy, &attr);
}

static void matches_open(struct fix *f, struct matches *m, u8 mode)
{
	fix_begin(f, mode);
	f->policy.banner = SMTP_FIXUP_BANNER_KEEP;
	assert_null(matches_apply(f, m));
	server(f, "220 a\r\n", "220 a\r\n");
}

static void matches_end(struct fix *f, struct matches *m)
{
	fix_end(f);
	criteria_free(m->criteria);
	free((void *)m->made);
	memset(m, 0, sizeof(*m));
}

#define LOGGED	host.counters[SMTP_FIXUP_CNT_MATCHES_LOGGED]
#define ACTED	host.counters[SMTP_FIXUP_CNT_MATCHES_ACTED]

TEST("X3", "sender", NONE)
{
	static const struct {
		const char *line;
		bool acts;
	} lines[] = {
		{ "MAIL FROM:<a@bad.example>\r\n", true },
		{ "mail from: <A@BAD.EXAMPLE> SIZE=5\r\n", true },
		{ "MAIL FROM:a@bad.example\r\n", true },
		{ "MAIL FROM:a@bad.example SIZE=5\r\n", true },
		{ "MAIL FROM:A. Name <a@bad.example>\r\n", true },
		{ "MAIL FROM:<@x.example:a@bad.example>\r\n", true },
		{ "MAIL FROM:< a@bad.example >\r\n", true },
		{ "MAIL FROM:<\"a>b\"@bad.example>\r\n", true },
		{ "MAIL FROM:<\"a\\\">b\"@bad.example>\r\n", true },
		{ "SOML FROM:<a@bad.example>\r\n", true },
		{ "MAIL <a@bad.example>\r\n", true },
		{ "MAIL FROM:<a@good.example>\r\n", false },
		{ "MAIL FROM:<> AUTH=<a@bad.example>\r\n", false },
		{ "MAIL FROM:<a@bad.example.net>\r\n", false },
		{ "RCPT TO:<a@bad.example>\r\n", false },
		{ "NOOP a@bad.example\r\n", false },
		{ "MAIL\r\n", false },
	};
	struct matches m = { 0 };
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		u64 passed;

		MATCH(&m, SENDER, "*@bad.example", LOG);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		passed = host.counters[SMTP_FIXUP_CNT_COMMANDS_PASSED];
		client(&f, lines[i].line, lines[i].line);
		if (lines[i].acts != LOGGED)
			fail_msg("%s: not %d", lines[i].line, lines[i].acts);
		assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_PASSED],
				 passed + 1);
		client_steps(&f, 1, lines[i].line, lines[i].line);
		assert_int_equal(LOGGED, 2 * lines[i].acts);
		matches_end(&f, &m);
	}
}

/* V7: strict makes a blank of a bare CR, and no value ends at it */
TEST("X3 X1 V7", "no value hides behind a bare CR that strict makes a blank", NONE)
{
	static const struct {
		const char *line, *masked;
	} lines[] = {
		{ "MAIL\rFROM:<a@bad.example>\r\n", "XXXX FROM:<a@bad.example>\r\n" },
		{ "MAIL \rFROM:<a@bad.example>\r\n", "XXXX  FROM:<a@bad.example>\r\n" },
		{ "MAIL FROM:\ra@bad.example\r\n", "XXXX FROM: a@bad.example\r\n" },
		{ "MAIL FROM:\r\r<a@bad.example>\r\n", "XXXX FROM:  <a@bad.example>\r\n" },
		{ "MAIL FROM:A.\rName <a@bad.example>\r\n",
		  "XXXX FROM:A. Name <a@bad.example>\r\n" },
		{ "MAIL FROM:a@bad.example\rSIZE=5\r\n", "XXXX FROM:a@bad.example SIZE=5\r\n" },
		{ "MAIL FROM:<a@good.example>\rSIZE=\r999\r\n", NULL },
		{ "MAIL FROM:<a@good.example>\rSIZE=999\r\n",
		  "XXXX FROM:<a@good.example> SIZE=999\r\n" },
		{ "MAIL FROM:a@good.example\rSIZE=999\r\n",
		  "XXXX FROM:a@good.example SIZE=999\r\n" },
		{ "EHLO \rbad.example\r\n", "XXXX  bad.example\r\n" },
		{ "AUTH \rPLAIN =\r\n", "XXXX  PLAIN =\r\n" },
	};
	struct matches m = { 0 };
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		MATCH(&m, SENDER, "*@bad.example", MASK);
		MATCH(&m, HELO, "bad.example", MASK);
		MATCH(&m, MECHANISM, "LOGIN", MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		f.policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
		f.policy.limits[SMTP_FIXUP_LIMIT_MESSAGE] =
			(struct smtp_limit){ 100, SMTP_FIXUP_ACTION_MASK };
		client(&f, lines[i].line,
		       lines[i].masked ?: "MAIL FROM:<a@good.example> SIZE= 999\r\n");
		matches_end(&f, &m);
	}
}

/* A1: a match reads what leaves */
TEST("X3 X1 A1", "no value hides behind a character that is replaced", NONE)
{
	static const struct {
		const char *line, *masked;
	} lines[] = {
		{ "MAIL FROM:<a@bad.example|>\r\n", "XXXX FROM:<a@bad.example >\r\n" },
		{ "MAIL FROM:<`a@bad.example>\r\n", "XXXX FROM:< a@bad.example>\r\n" },
		{ "MAIL FROM:|a@bad.example\r\n", "XXXX FROM: a@bad.example\r\n" },
		{ "MAIL FROM:a@bad.example`\r\n", "XXXX FROM:a@bad.example`\r\n" },
		{ "RCPT TO:a@bad.example| NOTIFY=NEVER\r\n",
		  "XXXX TO:a@bad.example| NOTIFY=NEVER\r\n" },
		{ "MAIL FROM:a@good.example|SIZE=999\r\n",
		  "XXXX FROM:a@good.example SIZE=999\r\n" },
		{ "MAIL FROM:<a@good.example>`SIZE=999\r\n",
		  "XXXX FROM:<a@good.example> SIZE=999\r\n" },
	};
	struct matches m = { 0 };
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		MATCH(&m, SENDER, "*@bad.example", MASK);
		MATCH(&m, RECIPIENT, "*@bad.example", MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_FIXUP);
		f.policy.limits[SMTP_FIXUP_LIMIT_MESSAGE] =
			(struct smtp_limit){ 100, SMTP_FIXUP_ACTION_MASK };
		client(&f, lines[i].line, lines[i].masked);
		matches_end(&f, &m);
	}
}

TEST("X3", "first match acts", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, SENDER, "boss@bad.example", LOG);
	MATCH_NOT(&m, SENDER, "*@good.example,\"\"", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "MAIL FROM:<boss@bad.example>\r\n", "MAIL FROM:<boss@bad.example>\r\n");
	assert_int_equal(LOGGED, 1);
	client(&f, "MAIL FROM:<a@good.example>\r\n", "MAIL FROM:<a@good.example>\r\n");
	client(&f, "MAIL FROM:<>\r\n", "MAIL FROM:<>\r\n");
	assert_int_equal(ACTED, 0);
	client(&f, "MAIL FROM:<a@bad.example>\r\n", "XXXX FROM:<a@bad.example>\r\n");
	assert_int_equal(ACTED, 1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_BLOCKED], 1);
	assert_int_equal(host.counters[SMTP_FIXUP_CNT_COMMANDS_PASSED], 3);
	matches_end(&f, &m);
}

TEST("X3", "helo", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, HELO, "/^\\[?[0-9.]+\\]?$/,localhost", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "EHLO  [192.0.2.1] \r\nHELO mx.example.com\r\nHELO Localhost\r\n",
	       "XXXX  [192.0.2.1] \r\nHELO mx.example.com\r\nXXXX Localhost\r\n");
	assert_int_equal(ACTED, 2);
	/* What was masked is no EHLO: its reply passes */
	server(&f, "250-a\r\n250 SIZE\r\n250 b\r\n500 c\r\n",
	       "250-a\r\n250 SIZE\r\n250 b\r\n500 c\r\n");
	matches_end(&f, &m);
}

/* X10: what has left is gone. What remains keeps the line from being accepted. */
TEST("X10", "part has left", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, RECIPIENT, "*@bad.example", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "RCPT TO:<a@bad", "RCPT TO:<a@bad");
	client(&f, ".example> NOTIFY=NEVER\r\nNOOP\r\n",
	       ".example<<<<<<<<<<<<<<\r\nNOOP\r\n");
	client(&f, "RC", "RC");
	client(&f, "PT TO:<a@bad.example>\r\n", "XX TO:<a@bad.example>\r\n");
	assert_int_equal(ACTED, 2);
	assert_int_equal(COUNT(COMMANDS_BLOCKED), 2);
	/* Nothing remains */
	client(&f, "RCPT TO:a@bad.example", "RCPT TO:a@bad.example");
	client_cut(&f, "\r\n", -1);
	matches_end(&f, &m);
}

/* Servers accept any name of a host: "EHLO a<<" as well, and its reply would not be masked */
TEST("X10 E1", "no EHLO with part of a name", NONE)
{
	static const char *const rests[] = { " x\r\n", "\r\n", "\n" };
	struct matches m = { 0 };
	u32 i;

	for (i = 0; i < sizeof(rests) / sizeof(*rests); i++) {
		MATCH(&m, HELO, "localhost", MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		client(&f, "EHLO local", "EHLO local");
		client(&f, "host", "host");
		client_cut(&f, rests[i], -1);
		assert_int_equal(ACTED, 1);
		matches_end(&f, &m);
	}
	MATCH(&m, HELO, "localhost", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "EH", "EH");
	client(&f, "LO localhost x\r\n", "XX localhost x\r\n");
	matches_end(&f, &m);
}

/* NOOP stands where all of the verb does */
TEST("X10 V4", "X-EXPS in pieces is no X-NOOP", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, MECHANISM, "PLAIN", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	f.policy.reject = SMTP_FIXUP_REJECT_NOOP;
	smtp_policy_set_verbs(&f.policy, f.policy.verbs | SMTP_VERB_BIT(X_EXPS));
	client(&f, "X-", "X-");
	client(&f, "EXPS LOGIN\r\n", "XXXX LOGIN\r\n");
	server(&f, "500 a\r\n", "500 a\r\n");
	client(&f, "X-EXPS LOGIN\r\n", "NOOP        \r\n");
	matches_end(&f, &m);
}

/* V10: what is beyond the longest line is a blank, where NOOP stands for all of it, too */
TEST("X6 V10", "no verb is longer than a line", NONE)
{
	static const u8 rejects[] = {
		SMTP_FIXUP_REJECT_X, SMTP_FIXUP_REJECT_LINE, SMTP_FIXUP_REJECT_NOOP,
	};
	struct matches m = { 0 };
	char line[2100];
	u32 i, at;

	for (i = 0; i < sizeof(rejects); i++) {
		for (at = 2047; at <= 2048; at++) {
			memset(line, 'Q', sizeof(line));
			line[at] = 'Z';
			memcpy(line + sizeof(line) - 3, "\r\n", 3);
			MATCH(&m, VERB, "*z*", LOG);
			matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
			f.policy.reject = rejects[i];
			fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], line);
			if (LOGGED + at != 2048)
				fail_msg("reject %u, place %u: %u", rejects[i], at, (u32)LOGGED);
			matches_end(&f, &m);
		}
	}
}

/* A match reads each octet of a blocked verb once, however that comes */
TEST("X6", "a blocked verb in pieces", NONE)
{
	static const u8 rejects[] = {
		SMTP_FIXUP_REJECT_X, SMTP_FIXUP_REJECT_LINE, SMTP_FIXUP_REJECT_NOOP,
	};
	static const char line[] = "DEBUG a\r\n";
	struct matches m = { 0 };
	char part[sizeof(line)];
	u32 i, cut;

	for (i = 0; i < sizeof(rejects); i++) {
		for (cut = 1; cut < sizeof(line) - 1; cut++) {
			MATCH(&m, VERB, "DEBUG", LOG);
			matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
			f.policy.reject = rejects[i];
			snprintf(part, sizeof(part), "%.*s", (int)cut, line);
			fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], part);
			fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], line + cut);
			if (LOGGED != 1)
				fail_msg("reject %u, cut at %u", rejects[i], cut);
			matches_end(&f, &m);
		}
	}
}

TEST("X10", "ends", NONE)
{
	static const u8 actions[] = { SMTP_FIXUP_ACTION_DROP,
				      SMTP_FIXUP_ACTION_RESET };
	u32 i;

	for (i = 0; i < 2; i++) {
		const char *line = "RCPT TO:<a@bad.example>\r\n";
		struct matches m = { 0 };

		match(&m, SMTP_FIXUP_WHAT_RECIPIENT, false, "*@bad.example",
		      actions[i]);
		matches_open(&f, &m, SMTP_FIXUP_MODE_FIXUP);
		client(&f, "RCPT TO:<a@good.example>\r\n",
		       "RCPT TO:<a@good.example>\r\n");
		server(&f, "250 a\r\n", "250 a\r\n");
		client_cut(&f, line, i ? -2 : -1);
		assert_int_equal(ACTED, 1);
		matches_end(&f, &m);
	}
}

/* X10: as blocked commands are, whatever that means */
TEST("X10", "as reject says", NONE)
{
	static const struct {
		u8 reject;
		const char *leaves;
	} rejects[] = {
		{ SMTP_FIXUP_REJECT_X, "XXXX TO:<a@b.example>\r\nNOOP\r\n" },
		{ SMTP_FIXUP_REJECT_LINE, "XXXXXXXXXXXXXXXXXXXXX\r\nNOOP\r\n" },
		{ SMTP_FIXUP_REJECT_NOOP, "NOOP                 \r\nNOOP\r\n" },
	};
	u32 i;

	for (i = 0; i < sizeof(rejects) / sizeof(*rejects); i++) {
		struct matches m = { 0 };

		MATCH(&m, RECIPIENT, "*", MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_FIXUP);
		f.policy.reject = rejects[i].reject;
		client(&f, "RCPT TO:<a@b.example>\r\nNOOP\r\n", rejects[i].leaves);
		matches_end(&f, &m);
	}
}

TEST("X5", "mail relay", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, RELAY, "example.com", MASK);
	MATCH(&m, RECIPIENT, "postmaster@*", LOG);
	matches_open(&f, &m, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "RCPT TO:<a@example.com>\r\nRCPT TO:<postmaster>\r\n",
	       "RCPT TO:<a@example.com>\r\nRCPT TO:<postmaster>\r\n");
	assert_int_equal(ACTED + LOGGED, 0);
	/* A match of recipients makes no hole */
	client(&f, "RCPT TO:<postmaster@example.net>\r\n",
	       "XXXX TO:<postmaster@example.net>\r\n");
	client(&f, "RCPT TO:<a%example.net@example.com>\r\n",
	       "XXXX TO:<a%example.net@example.com>\r\n");
	client(&f, "RCPT TO:<postmaster@example.com>\r\n",
	       "RCPT TO:<postmaster@example.com>\r\n");
	assert_int_equal(ACTED, 2);
	assert_int_equal(LOGGED, 2);
	matches_end(&f, &m);
}

TEST("X6", "verb", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, VERB, "VRFY,ETRN", MASK);
	MATCH(&m, VERB, "HELP", LOG);
	MATCH(&m, VERB, "/^X/i", LOG);
	MATCH(&m, VERB, "WIZ", RESET);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "vrfy a\r\nHELP\r\nNOOP\r\nXCLIENT b\r\nX\r\n",
	       "XXXX a\r\nHELP\r\nNOOP\r\nXXXXXXX b\r\nX\r\n");
	assert_int_equal(ACTED, 1);
	assert_int_equal(LOGGED, 3);
	/* V6: typed */
	client_steps(&f, 1, "VRFY a\r\nHELP\r\nXFORWARD\r\n",
		     "XXXX a\r\nHELP\r\nXXXXXXXX\r\n");
	assert_int_equal(ACTED, 2);
	assert_int_equal(LOGGED, 5);
	/* E3: what it promises goes with it */
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "502 1\r\n214 2\r\n250 3\r\n500 4\r\n500 5\r\n500 6\r\n214 7\r\n500 8\r\n",
	       "502 1\r\n214 2\r\n250 3\r\n500 4\r\n500 5\r\n500 6\r\n214 7\r\n500 8\r\n");
	server(&f, "250-a\r\n250-ETRN\r\n250-VRFY\r\n250 SIZE\r\n",
	       "250-a\r\n250-XXXA\r\n250-XXXB\r\n250 SIZE\r\n");
	client_cut(&f, "WIZ\r\n", -2);
	matches_end(&f, &m);
}

TEST("X6", "keyword", NONE)
{
	static const u8 modes[] = { SMTP_FIXUP_EHLO_MASK, SMTP_FIXUP_EHLO_KEEP,
				    SMTP_FIXUP_EHLO_STRIP };
	static const char *const leaves[] = {
		"250-a\r\n250-XXXA\r\n250-XXXXB\r\n250-PIPELINING\r\n250 DSN\r\n",
		"250-a\r\n250-XXXA\r\n250-X-FOO\r\n250-PIPELINING\r\n250 DSN\r\n",
		"250-a\r\n250-PIPELINING\r\n250 DSN\r\n",
	};
	u32 i;

	for (i = 0; i < 3; i++) {
		struct matches m = { 0 };

		MATCH(&m, KEYWORD, "SIZE", MASK);
		MATCH(&m, KEYWORD, "DSN,X-*", LOG);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		f.policy.ehlo = modes[i];
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250-SIZE\r\n250-X-FOO\r\n250-PIPELINING\r\n250 DSN\r\n",
		       leaves[i]);
		assert_int_equal(ACTED, 1);
		assert_int_equal(LOGGED, 2);
		matches_end(&f, &m);
	}
}

/* A line that waits for its rest in vain can not be matched: it is masked (E1) */
TEST("X6 X8", "keyword in pieces", NONE)
{
	static const struct {
		u8 what;
		const char *pattern;
		const char *line;
		u32 cut;
		const char *leaves;
	} lines[] = {
		{ SMTP_FIXUP_WHAT_KEYWORD, "DSN", "SIZE\r\n", 2, "XXXA\r\n" },
		{ SMTP_FIXUP_WHAT_KEYWORD, "DSN", "SIZE 1\r\n", 5, "SIZE 1\r\n" },
		{ SMTP_FIXUP_WHAT_KEYWORD, "SIZE", "SIZE 1\r\n", 5, "XXXXXA\r\n" },
		{ SMTP_FIXUP_WHAT_MECHANISM, "LOGIN", "AUTH LOGIN PLAIN\r\n", 13,
		  "XXXXXXXXXXXXXXXA\r\n" },
		{ SMTP_FIXUP_WHAT_MECHANISM, "LOGIN", "AUTH LOGIN\r\n", 3, "XXXXXXXXXA\r\n" },
		{ SMTP_FIXUP_WHAT_MECHANISM, "LOGIN", "SIZE 10\r\n", 6, "SIZE 10\r\n" },
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		u32 cut = lines[i].cut, len = strlen(lines[i].line), at;
		struct matches m = { 0 };

		match(&m, lines[i].what, false, lines[i].pattern, SMTP_FIXUP_ACTION_MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250 ", "250-a\r\n250 ");
		at = f.at[SMTP_SERVER];
		assert_int_equal(fix_segment(&f, SMTP_SERVER, at, lines[i].line, cut), -1);
		assert_int_equal(fix_segment(&f, SMTP_SERVER, at, lines[i].line, cut), cut);
		assert_memory_equal(f.out, lines[i].leaves, cut);
		assert_int_equal(fix_segment(&f, SMTP_SERVER, at + cut, lines[i].line + cut,
					     len - cut), len - cut);
		assert_memory_equal(f.out, lines[i].leaves + cut, len - cut);
		matches_end(&f, &m);
	}
}

TEST("X6", "keyword ends", NONE)
{
	struct matches m = { 0 };

	MATCH_NOT(&m, KEYWORD, "SIZE,PIPELINING", RESET);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250-SIZE\r\n", "250-a\r\n250-SIZE\r\n");
	fix_cut(&f, SMTP_SERVER, "250 DSN\r\n", -1, __FILE__, __LINE__);
	assert_int_equal(f.flow.session.ended, SMTP_END_RESET);
	matches_end(&f, &m);
}

TEST("X8", "mechanisms", NONE)
{
	static const u8 modes[] = { SMTP_FIXUP_EHLO_MASK, SMTP_FIXUP_EHLO_STRIP };
	u32 i;

	for (i = 0; i < 2; i++) {
		struct matches m = { 0 };

		MATCH(&m, MECHANISM, "SCRAM-SHA-256,GSSAPI", MASK);
		matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
		f.policy.ehlo = modes[i];
		client(&f, "EHLO a\r\n", "EHLO a\r\n");
		server(&f, "250-a\r\n250 AUTH PLAIN SCRAM-SHA-256 scram-sha-256-plus gssapi\r\n",
		       "250-a\r\n250 AUTH XXXXX SCRAM-SHA-256 XXXXXXXXXXXXXXXXXX gssapi\r\n");
		assert_int_equal(ACTED, 1);
		client(&f, "AUTH PLAIN AGEAYg==\r\n", "XXXX PLAIN AGEAYg==\r\n");
		server(&f, "500 a\r\n", "500 a\r\n");
		client(&f, "auth gssapi\r\n", "auth gssapi\r\n");
		server(&f, "334 \r\n", "334 \r\n");
		client(&f, "YQ==\r\n", "YQ==\r\n");
		server(&f, "535 \r\n", "535 \r\n");
		assert_int_equal(ACTED, 2);
		/* Typed */
		client_steps(&f, 1, "AUTH PLAIN AGE=\r\n", "AUTH PLAIN<<<<<\r\n");
		matches_end(&f, &m);
	}
}

TEST("X10", "contradictions refused", NONE)
{
	static const struct {
		u8 mode;
		u8 what;
		const char *patterns;
	} refused[] = {
		{ SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_WHAT_KEYWORD, "SIZE" },
		{ SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_WHAT_MECHANISM, "PLAIN" },
		{ SMTP_FIXUP_MODE_ESMTP, SMTP_FIXUP_WHAT_VERB, "/^Q/" },
	};
	u32 i;

	for (i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct matches m = { 0 };

		fix_begin(&f, refused[i].mode);
		match(&m, refused[i].what, false, refused[i].patterns,
		      SMTP_FIXUP_ACTION_MASK);
		assert_non_null(matches_apply(&f, &m));
		matches_end(&f, &m);
	}
}

TEST("X10", "observe changes nothing", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, RECIPIENT, "a@*", MASK);
	MATCH(&m, RECIPIENT, "b@*", RESET);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.observe = true;
	assert_null(matches_apply(&f, &m));
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "RCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:a@b\r\n",
	       "RCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:a@b\r\n");
	assert_int_equal(ACTED, 3);
	matches_end(&f, &m);
}

/* A chunk is for somebody: a recipient that is masked is nobody */
static void nobody(u8 reject, const char *masked, const char *reply)
{
	struct matches m = { 0 };

	MATCH(&m, RELAY, "example.com", MASK);
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	smtp_policy_set_verbs(&f.policy, f.policy.verbs | SMTP_VERB_BIT(BDAT));
	f.policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
	f.policy.reject = reject;
	assert_null(matches_apply(&f, &m));
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250 CHUNKING\r\n", "250-a\r\n250 CHUNKING\r\n");
	client(&f, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "RCPT TO:<a@example.net>\r\n", masked);
	server(&f, reply, reply);
	/* Whoever pipelines gets the server's own answer, and may go on */
	client(&f, "BDAT 4 LAST\r\nEXPN", "BDAT 4 LAST\r\nXXX\n");
	server(&f, "503 c\r\n", "503 c\r\n");
	client(&f, "RCPT TO:<a@example.com>\r\n", "RCPT TO:<a@example.com>\r\n");
	server(&f, "250 d\r\n", "250 d\r\n");
	client(&f, "BDAT 4 LAST\r\nEXPN", "BDAT 4 LAST\r\nEXPN");
	matches_end(&f, &m);
}

/* ... though the server accepts what stands in its place */
TEST("H7 X10", "no chunk for a recipient that is masked", NONE)
{
	nobody(SMTP_FIXUP_REJECT_X, "XXXX TO:<a@example.net>\r\n", "500 b\r\n");
	nobody(SMTP_FIXUP_REJECT_NOOP, "NOOP                   \r\n", "250 b\r\n");
}

/* A value ends with its line, however that ends */
TEST("X3 V7", "a bare LF ends a value", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, HELO, "noop", LOG);
	MATCH(&m, SENDER, "a", MASK);
	matches_open(&f, &m, SMTP_FIXUP_MODE_ESMTP);
	client(&f, "HELO\n", "HELO\n");
	server(&f, "501 a\r\n", "501 a\r\n");
	client(&f, "NOOP\r\nMAIL FROM:a\n", "NOOP\r\nXXXX FROM:a\n");
	assert_int_equal(LOGGED, 0);
	server(&f, "250 b\r\n500 c\r\n", "250 b\r\n500 c\r\n");
	client(&f, "MAIL FROM:<a", "MAIL FROM:<a");
	client(&f, "> b\r\nXYZ\r\n", "<<<\r\nXXX\r\n");
	matches_end(&f, &m);
}

/* X3, X4: what of a message a match looks at, and how often it acts */
struct looked_at {
	u8 what;
	const char *field;	/* or NULL */
	const char *patterns;	/* one with a ! before it is negated */
	u32 times;
	const char *text;
};

#define OF_HEADER(field, patterns, times, text) \
	{ SMTP_FIXUP_WHAT_HEADER, field, patterns, times, text "\r\n\r\ntext\r\n.\r\n" }
#define OF_MIME(what, patterns, times, text) \
	{ SMTP_FIXUP_WHAT_MIME_##what, NULL, patterns, times, text "\r\n\r\n.\r\n" }

static void look(const struct looked_at *l, u32 step, u32 split)
{
	bool negated = *l->patterns == '!';
	const char *patterns = l->patterns + negated;
	struct matches m = { 0 };
	char head[4096];

	assert_true(criteria_add(&m.criteria, l->what, SMTP_FIXUP_ACTION_LOG, negated,
				 patterns, strlen(patterns), l->field));
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	assert_null(matches_apply(&f, &m));
	fix_body(&f);
	if (split) {
		snprintf(head, sizeof(head), "%.*s", (int)split, l->text);
		client(&f, head, head);
		client(&f, l->text + split, l->text + split);
	} else {
		client_steps(&f, step, l->text, l->text);
	}
	if (l->times != LOGGED)
		fail_msg("%s of \"%s\": %u, and is to be %u; steps of %u, split at %u",
			 l->patterns, l->text, (u32)LOGGED, l->times, step, split);
	assert_null(f.flow.message);
	matches_end(&f, &m);
}

/* Whole, octet by octet, and at every place in two */
static void look_all(const struct looked_at *l, u32 n)
{
	for (; n; n--, l++) {
		u32 len = strlen(l->text), at;

		look(l, len, 0);
		look(l, 1, 0);
		for (at = 1; at < len; at++)
			look(l, 0, at);
	}
}

TEST("X3 X9", "header fields", NONE)
{
	static const struct looked_at fields[] = {
		OF_HEADER("Subject", "a*", 1, "From: b\r\nsubject: Abc"),
		OF_HEADER("Subject", "a*", 0, "Subject2: abc\r\nX-Subject: abc\r\nSubjec: abc"),
		OF_HEADER("Subject", "\"a b\"", 1, "Subject :\t a \t b \r\nTo: c"),
		OF_HEADER("Subject", "\"a b\"", 1, "Subject:\r\n a\r\n\tb"),
		OF_HEADER("Subject", "abc", 0, "To: x\r\n Subject: abc\r\nSubject abc"),
		OF_HEADER("Subject", "abc", 2, "Subject: abc\r\nSubject: abc\r\nA: b"),
		OF_HEADER("Subject", "abc", 0, "A: b\r\n\r\nSubject: abc"),
		OF_HEADER("Subject", "!abc", 1, "Subject: abc\r\nSubject: ab\r\nSub: c"),
		OF_HEADER("Subject", "\"\"", 2, "Subject:\r\nSubject:  \r\nTo: a"),
		OF_HEADER("Subject", "/^a|b$/", 3, "Subject: ab\r\nSubject: cb\r\nSubject: ac\r\nSubject: ca"),
		OF_HEADER("X-A.b_1", "a", 1, "X-A.b_1: a\r\nX-A-b_1: a"),
		/* The whole field */
		OF_HEADER(NULL, "/^(To|Cc): .*@bad\\.example/i", 2,
			  "To: a@good.example,\r\n b@bad.example\r\nCC: <c@bad.example>\r\nFrom: d@bad.example"),
		OF_HEADER(NULL, "!/^(Subject|From): /", 1, "Subject: a\r\nno field\r\nFrom: b\r\nX:"),
		/* RFC 5321, 4.5.2: a dot before the line */
		OF_HEADER("Subject", "abc", 1, ".Subject: abc"),
		/* RFC 2047 */
		OF_HEADER("Subject", "\"cheap pills\"", 1, "Subject: =?utf-8?Q?che=61p_pills?="),
		OF_HEADER("Subject", "\"cheap pills\"", 1, "Subject: =?us-ascii?b?Y2hlYXAgcGlsbHM=?="),
		OF_HEADER("Subject", "cheap", 1, "Subject: =?a?q?ch?=\r\n =?a?B?ZQ==?= \t=?a?q?ap?="),
		OF_HEADER("Subject", "\"ch eap\"", 1, "Subject: =?a?q?ch?= eap"),
		OF_HEADER("Subject", "\"ch e=?a\"", 1, "Subject: =?a?q?ch?= e=?a"),
		OF_HEADER("Subject", "\"ch =?a?\"", 1, "Subject: =?a?q?ch?= =?a?"),
		OF_HEADER("Subject", "\"ch=b\"", 1, "Subject: ch=b"),
		OF_HEADER("Subject", "\"==?a?x?b?=\"", 1, "Subject: ==?a?x?b?="),
		OF_HEADER("Subject", "\"=?a b?q?c?=\"", 1, "Subject: =?a b?q?c?="),
		OF_HEADER("Subject", "\"=?=?a\"", 1, "Subject: =?=?a"),
		OF_HEADER("Subject", "\"=?b\"", 1, "Subject: =?=?a?q?b?="),
		OF_HEADER("Subject", "\"a?b=zz=\"", 1, "Subject: =?a?q?a?b=zz=3D?="),
	};

	look_all(fields, sizeof(fields) / sizeof(*fields));
}

TEST("X3 X4 X9", "MIME fields", NONE)
{
	static const struct looked_at fields[] = {
		OF_MIME(TYPE, "application/*", 1, "Content-Type: Application / PDF; name=a"),
		OF_MIME(TYPE, "text/plain", 1, "CONTENT-TYPE: text/(a comment)plain\r\n ;charset=b"),
		OF_MIME(TYPE, "text/plain", 1, "Content-Type: text/plain"),
		OF_MIME(TYPE, "text/plain", 0, "A: text/plain\r\nContent-Typ: text/plain"),
		OF_MIME(TYPE, "!text/*,multipart/*", 1,
			"Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b\r\nContent-Type: text/a\r\n\r\n"
			"Content-Type: x/y\r\n--b b\r\nContent-Type: x/y\r\n\r\na\r\n--b b--\r\nContent-Type: x/y"),
		OF_MIME(TYPE, "x/y", 1,
			"Content-Type: message/rfc822\r\n\r\nContent-Type: x/y\r\n\r\nContent-Type: x/y"),
		OF_MIME(ENCODING, "base64", 1, "Content-Transfer-Encoding: BASE64 (a)"),
		OF_MIME(ENCODING, "!7bit,8bit", 1,
			"Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding:\r\n binary; filename=a"),
		OF_MIME(ENCODING, "!7bit,8bit", 0, "Content-Type: text/plain\r\nA: b"),
		OF_MIME(FILENAME, "*.exe", 1, "Content-Disposition: attachment; filename=\"a b.EXE\""),
		OF_MIME(FILENAME, "*.exe", 1, "Content-Type: a/b; name=a.exe; x=y"),
		OF_MIME(FILENAME, "*.exe", 2,
			"Content-Type: a/b; name=\"a\\.exe\"\r\nContent-Disposition: x; filename=b.exe"),
		OF_MIME(FILENAME, "*.exe", 1,
			"Content-Disposition: x; filename=a.txt;\r\n filename*=utf-8'en'a%2Eexe"),
		OF_MIME(FILENAME, "*.exe", 1,
			"Content-Disposition: x; filename*=utf-8''a.exe; filename=a.txt"),
		OF_MIME(FILENAME, "abc.exe", 1,
			"Content-Disposition: x; filename*0=a; filename*1*=%62c;\r\n filename*2=\".exe\""),
		OF_MIME(FILENAME, "a%zz%2", 1, "Content-Disposition: x; filename*=''a%zz%2"),
		OF_MIME(FILENAME, "\"a b.exe\"", 1,
			"Content-Disposition: x; filename=\"=?a?q?a_?=\r\n =?a?b?Yi5leGU?=\""),
		OF_MIME(FILENAME, "!*.txt", 1, "Content-Disposition: x; filename=\"\"\r\nContent-Type: y"),
		OF_MIME(FILENAME, "!*.txt", 0, "Content-Disposition: inline; size=5\r\nContent-Type: a/b"),
		OF_MIME(FILENAME, "a", 0, "Content-Transfer-Encoding: base64; name=a; filename=a"),
		OF_MIME(FILENAME, "a", 0, "Content-Type: a/b; names=a; fname=a\r\nX: a; filename=a"),
	};

	look_all(fields, sizeof(fields) / sizeof(*fields));
}

/* It ends as soon as the field is whole; what had been judged before has arrived */
TEST("X3 X10", "a message ends the connection", NONE)
{
	static const struct {
		u8 what;
		u8 action;
		const char *head, *rest;
	} ends[] = {
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_RESET, "Subject: evil\r\n", "To: a\r\n" },
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_DROP, "Subject: evil\r\n", "\r\n" },
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_RESET, "Subject: evil\r\n", ".\r\n" },
		{ SMTP_FIXUP_WHAT_MIME_TYPE, SMTP_FIXUP_ACTION_DROP, "Content-Type: a/evil", ";" },
		{ SMTP_FIXUP_WHAT_MIME_FILENAME, SMTP_FIXUP_ACTION_RESET,
		  "Content-Type: a/b; name=evil\r\n", ".\r\n" },
		{ SMTP_FIXUP_WHAT_MIME_ENCODING, SMTP_FIXUP_ACTION_RESET,
		  "Content-Transfer-Encoding: evil\r\n", "X" },
	};
	u32 i;

	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		bool reset = ends[i].action == SMTP_FIXUP_ACTION_RESET;
		struct matches m = { 0 };

		match(&m, ends[i].what, false, "*evil", ends[i].action);
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		assert_null(matches_apply(&f, &m));
		assert_true(smtp_message_may_end(&f.policy));
		fix_body(&f);
		client(&f, ends[i].head, ends[i].head);
		assert_int_equal(ACTED, 0);
		client_cut(&f, ends[i].rest, reset ? -2 : -1);
		assert_int_equal(ACTED, 1);
		assert_int_equal(f.flow.session.ended,
				 reset ? SMTP_END_RESET : SMTP_END_DROP);
		matches_end(&f, &m);
	}
}

/* What passes ahead of a gap is not looked at, nor is what was cut off by it */
TEST("X3 T3", "a gap", NONE)
{
	static const char ahead[] = "01\r\n:56789012345678901234567890123456789";
	struct matches m = { 0 };

	match(&m, SMTP_FIXUP_WHAT_HEADER, false, "*", SMTP_FIXUP_ACTION_LOG);
	match(&m, SMTP_FIXUP_WHAT_MIME_FILENAME, false, "*", SMTP_FIXUP_ACTION_LOG);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	assert_null(matches_apply(&f, &m));
	assert_false(smtp_message_may_end(&f.policy));
	fix_body(&f);
	client(&f, "A: 6789012345678901234567890\r\nContent-Type: a/b; name=",
	       "A: 6789012345678901234567890\r\nContent-Type: a/b; name=");
	assert_int_equal(LOGGED, 1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + 3, ahead), 40);
	client(&f, "a\r\n", "a\r\n");
	assert_int_equal(COUNT(BODIES_UNREAD), 1);
	f.at[SMTP_CLIENT] += 40;
	client(&f, "\r\nSubject: b\r\n\r\n.\r\n", "\r\nSubject: b\r\n\r\n.\r\n");
	assert_int_equal(LOGGED, 1);
	assert_null(f.flow.message);
	matches_end(&f, &m);
}

/* Nothing is read where nothing is looked at */
TEST("X3", "only bodies that are looked at are read", NONE)
{
	struct matches m = { 0 };

	MATCH(&m, SENDER, "a", RESET);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	assert_null(matches_apply(&f, &m));
	assert_false(smtp_message_wanted(&f.policy));
	assert_false(smtp_message_may_end(&f.policy));
	fix_body(&f);
	client(&f, "Subject: a\r\n", "Subject: a\r\n");
	assert_null(f.flow.message);
	matches_end(&f, &m);
}

TEST("X9 X10", "what is no match of a message", NONE)
{
	static const struct {
		u8 what;
		u8 action;
		const char *field;
		bool measured;
	} faults[] = {
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_MASK, "A", true },
		{ SMTP_FIXUP_WHAT_MIME_FILENAME, SMTP_FIXUP_ACTION_MASK, NULL, true },
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_LOG, "", false },
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_LOG, "A:", false },
		{ SMTP_FIXUP_WHAT_HEADER, SMTP_FIXUP_ACTION_LOG, "A\x80", false },
		{ SMTP_FIXUP_WHAT_SENDER, SMTP_FIXUP_ACTION_LOG, "A", false },
	};
	u32 i, size;

	for (i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct matches m = { 0 };

		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		assert_true(criteria_add(&m.criteria, faults[i].what, faults[i].action,
					 false, "a", 1, faults[i].field));
		if (faults[i].measured)
			assert_non_null(matches_apply(&f, &m));
		else
			assert_non_null(smtp_criteria_measure(&m.criteria->spec, false,
							      &size));
		matches_end(&f, &m);
	}
}
