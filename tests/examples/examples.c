// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the worked examples of docs/rules.md against the core: whole, one octet
 * at a time, and at every split of each group into two segments.
 *
 * An example is a fenced block with the info string "smtp":
 *
 *   set 25 fixup        the policy, as the tool takes it
 *   C: EHLO a           the client sends this line and CRLF
 *   -> XXXX a           what leaves; without an arrow it leaves unchanged
 *   1> X...             what leaves if each octet is a segment, where that differs
 *   => waits            the rest does not pass before the other side has spoken
 *   => in its turn      it does not pass before a second has gone by, and does then
 *   => dropped, reset   the connection ends here; what leaves before is a part of
 *                       the arrow's text
 *   S: 500 what         the server likewise
 *   ! V3                an event of this rule is reported
 *
 * Lines of one side that follow each other, arrows aside, are one group: they
 * are sent in one segment. Escapes: \r \n \t \\ \0 \xHH, \{N TEXT} for N times
 * TEXT, and a backslash at the end of a line for no CRLF.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "../unit/unit.h"
#include "lines.h"

#define TEXT_MAX	131072
#define GROUPS_MAX	64
#define RULES_MAX	8
#define TRIES		8	/* a sender's repetitions before "waits" */
#define SPLITS_ALL	4096	/* longer groups are not split everywhere */

enum ending { PASSES, WAITS, TURN, DROPPED, RESET };

struct text {
	u8 *bytes;
	u32 len;
};

struct group {
	enum smtp_dir dir;
	struct text in, whole, single;
	bool has_whole, has_single;
	enum ending ending;
	int line;
};

struct example {
	struct set_request req;
	struct group groups[GROUPS_MAX];
	u32 nr_groups;
	char events[RULES_MAX][8];
	u32 nr_events;
	int line;
};

/* How a group is cut into segments */
struct cut {
	u32 group;	/* which group is split, all others are whole */
	u32 at;		/* where, 0: nowhere */
	bool single;	/* each octet by itself, in all groups */
};

static const char *page;
static int failures;

static void complain(int line, const char *what)
{
	printf("FAIL  %s:%d: %s\n", page, line, what);
	failures++;
}

static void text_add(struct text *t, const void *bytes, u32 n)
{
	if (!n)
		return;
	if (t->len + n > TEXT_MAX) {
		fprintf(stderr, "%s: a text is too long\n", page);
		exit(1);
	}
	if (!t->bytes)
		t->bytes = grow(NULL, TEXT_MAX, 1);
	memcpy(t->bytes + t->len, bytes, n);
	t->len += n;
}

static void text_repeat(struct text *t, const char *spec, const char *end)
{
	char *what;
	u32 n = strtoul(spec, &what, 10);

	while (n-- && *what == ' ')
		text_add(t, what + 1, end - what - 1);
}

/* Adds a line with its escapes, and CRLF */
static void text_line(struct text *t, const char *s)
{
	for (; *s; s++) {
		const char *end;
		u8 c = *s;

		if (c != '\\') {
			text_add(t, &c, 1);
			continue;
		}
		switch (*++s) {
		case '\0':
			return;
		case 'r':
			c = '\r';
			break;
		case 'n':
			c = '\n';
			break;
		case 't':
			c = '\t';
			break;
		case '0':
			c = '\0';
			break;
		case 'x':
			c = strtoul((char[]) { s[1], s[2], 0 }, NULL, 16);
			s += 2;
			break;
		case '{':
			end = strchr(s, '}');
			if (!end) {
				fprintf(stderr, "%s: \\{ without }\n", page);
				exit(1);
			}
			text_repeat(t, s + 1, end);
			s = end;
			continue;
		default:
			c = *s;
		}
		text_add(t, &c, 1);
	}
	text_add(t, "\r\n", 2);
}

/* X7, with a clock of milliseconds that stands still, but for "in its turn" */
static u32 now;
static u32 next_message[__SMTP_FIXUP_LIMIT_MAX];

static bool admits(void *arg, enum smtp_fixup_limit limit)
{
	const struct fix *f = arg;

	if (now < next_message[limit])
		return false;
	next_message[limit] = now + 1000 / f->policy.limits[limit].max;
	return true;
}

/* Sends the group's octets before @limit that have not passed yet. What leaves
 * is added to @out. Returns how many have passed.
 */
static u32 send_until(struct fix *f, const struct group *g, u32 start, u32 passed,
		      u32 limit, u32 tries, struct text *out)
{
	while (passed < limit) {
		int n = fix_segment(f, g->dir, start + passed,
				    g->in.bytes + passed, limit - passed);

		if (n <= 0) {
			if (!--tries || smtp_flow_ended(&f->flow))
				break;
			continue;
		}
		text_add(out, f->out, f->out_len);
		passed += n;
		/* A sender repeats what was cut together with what follows */
		if (tries == 1)
			break;
	}
	return passed;
}

static bool fits(const struct text *got, const struct group *g,
		 const struct cut *cut)
{
	const struct text *whole = g->has_whole ? &g->whole : &g->in;
	const struct text *single = g->has_single ? &g->single : whole;
	u32 i;

	/* Where the connection ends, segments before the last may have passed */
	if (g->ending == DROPPED || g->ending == RESET)
		return !got->len ||
		       (got->len <= single->len &&
			!memcmp(got->bytes, single->bytes, got->len));
	if (cut->single)
		whole = single;
	else if (!cut->at)
		single = whole;
	if (whole->len != single->len || got->len != whole->len)
		return (got->len == whole->len &&
			!memcmp(got->bytes, whole->bytes, got->len)) ||
		       (got->len == single->len &&
			!memcmp(got->bytes, single->bytes, got->len));
	for (i = 0; i < got->len; i++)
		if (got->bytes[i] != whole->bytes[i] &&
		    got->bytes[i] != single->bytes[i])
			return false;
	return true;
}

static void show(const char *what, const struct text *t)
{
	u32 i;

	printf("      %s \"", what);
	for (i = 0; i < t->len && i < 400; i++) {
		if (isprint(t->bytes[i]) && t->bytes[i] != '\\')
			putchar(t->bytes[i]);
		else
			printf("\\x%02x", t->bytes[i]);
	}
	printf("%s\"\n", i < t->len ? "..." : "");
}

/* Returns false after a complaint */
static bool run_group(struct fix *f, const struct group *g, u32 nr,
		      const struct cut *cut)
{
	static const char *const endings[] = {
		"passes", "waits", "passes in its turn", "dropped", "reset",
	};
	u32 start = f->at[g->dir], passed = 0, i;
	struct text out = { 0 };
	enum ending ending;
	bool good;

	if (cut->single)
		for (i = 1; i < g->in.len; i++)
			passed = send_until(f, g, start, passed, i, 1, &out);
	else if (cut->at && cut->group == nr)
		passed = send_until(f, g, start, passed, cut->at, 1, &out);
	passed = send_until(f, g, start, passed, g->in.len, TRIES, &out);

	if (smtp_flow_ended(&f->flow))
		ending = smtp_verdict_resets(smtp_flow_ended(&f->flow)) ? RESET : DROPPED;
	else
		ending = passed < g->in.len ? WAITS : PASSES;
	if (ending == WAITS && g->ending == TURN) {
		now += 1000;
		passed = send_until(f, g, start, passed, g->in.len, TRIES, &out);
		ending = passed < g->in.len ? WAITS : TURN;
	}
	good = ending == g->ending && fits(&out, g, cut);
	if (!good) {
		printf("FAIL  %s:%d: ", page, g->line);
		if (cut->single)
			printf("one octet at a time");
		else if (cut->at && cut->group == nr)
			printf("split at %u", cut->at);
		else
			printf("whole");
		printf(": %s, and is to be: %s\n", endings[ending], endings[g->ending]);
		show("left", &out);
		show("want", g->has_single && cut->single ? &g->single :
			     g->has_whole ? &g->whole : &g->in);
		failures++;
	}
	free(out.bytes);
	return good;
}

static bool run_example(const struct example *e, const struct cut *cut)
{
	static struct fix f;
	bool good = true;
	u32 i;

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy = e->req.policy;
	smtp_flow_release(&f.flow, HOST_OF(&f.flow));
	smtp_flow_init(&f.flow, &f.policy, CLIENT_ISN, SERVER_ISN);
	now = 1;
	memset(next_message, 0, sizeof(next_message));
	host.admits = admits;
	host.admits_arg = &f;
	for (i = 0; i < e->nr_groups && good; i++)
		good = run_group(&f, &e->groups[i], i, cut);
	for (i = 0; i < e->nr_events && good; i++)
		if (!host_events(e->events[i])) {
			printf("FAIL  %s:%d: no event of rule %s\n", page, e->line,
			       e->events[i]);
			failures++;
			good = false;
		}
	fix_end(&f);
	return good;
}

/* Every way to cut it. Returns how many were tried. */
static u32 run_cuts(const struct example *e)
{
	struct cut cut = { .at = 0 };
	u32 i, k, n = 2;

	if (!run_example(e, &cut))
		return 1;
	cut.single = true;
	if (!run_example(e, &cut))
		return 2;
	cut.single = false;
	for (i = 0; i < e->nr_groups; i++) {
		u32 len = e->groups[i].in.len;

		cut.group = i;
		for (k = 1; k < len; k++) {
			if (len > SPLITS_ALL && k > 64 && k < len - 64 && k % 61)
				continue;
			cut.at = k;
			n++;
			if (!run_example(e, &cut))
				return n;
		}
	}
	return n;
}

static void example_policy(struct example *e, char *text, int line)
{
	struct reason why = { 0 };
	char *words[LINE_WORDS_MAX];
	int n = line_split(text, words, &why);

	if (n < 0) {
		complain(line, why.text);
		return;
	}
	if (set_parse(&e->req, n, words, &why))
		complain(line, why.text);
}

static bool example_line(struct example *e, char *s, int line)
{
	struct group *g = e->nr_groups ? &e->groups[e->nr_groups - 1] : NULL;
	enum smtp_dir dir;

	if (!strncmp(s, "set ", 4)) {
		example_policy(e, s + 4, line);
		return true;
	}
	if (s[0] == '!' && s[1] == ' ' && e->nr_events < RULES_MAX) {
		snprintf(e->events[e->nr_events++], sizeof(*e->events), "%.7s", s + 2);
		return true;
	}
	if (strlen(s) < 3 || s[2] != ' ')
		return false;
	if (!strncmp(s, "C:", 2) || !strncmp(s, "S:", 2)) {
		dir = *s == 'C' ? SMTP_CLIENT : SMTP_SERVER;
		if (!g || g->dir != dir || g->ending || g->has_whole || g->has_single) {
			if (e->nr_groups == GROUPS_MAX)
				return false;
			g = &e->groups[e->nr_groups++];
			g->dir = dir;
			g->line = line;
		}
		text_line(&g->in, s + 3);
		return true;
	}
	if (!g)
		return false;
	if (!strncmp(s, "->", 2)) {
		g->has_whole = true;
		text_line(&g->whole, s + 3);
	} else if (!strncmp(s, "1>", 2)) {
		g->has_single = true;
		text_line(&g->single, s + 3);
	} else if (!strcmp(s, "=> waits")) {
		g->ending = WAITS;
		g->has_whole = true;
	} else if (!strcmp(s, "=> in its turn")) {
		g->ending = TURN;
	} else if (!strcmp(s, "=> dropped")) {
		g->ending = DROPPED;
		g->has_whole = true;
	} else if (!strcmp(s, "=> reset")) {
		g->ending = RESET;
		g->has_whole = true;
	} else {
		return false;
	}
	return true;
}

static void example_free(struct example *e)
{
	u32 i;

	for (i = 0; i < e->nr_groups; i++) {
		free(e->groups[i].in.bytes);
		free(e->groups[i].whole.bytes);
		free(e->groups[i].single.bytes);
	}
	set_free(&e->req);
	memset(e, 0, sizeof(*e));
}

int main(int argc, char **argv)
{
	static struct example e;
	char rule[16] = "", s[4096];
	u32 examples = 0, variants = 0, passed = 0;
	bool inside = false, exempt = true;
	int line = 0, before = 0;
	FILE *file;

	page = argc > 1 ? argv[1] : "docs/rules.md";
	file = fopen(page, "r");
	if (!file) {
		perror(page);
		return 1;
	}
	while (fgets(s, sizeof(s), file)) {
		line++;
		s[strcspn(s, "\n")] = '\0';
		if (!strncmp(s, "### ", 4)) {
			if (!exempt && !examples)
				complain(line, "the rule before has no example");
			if (sscanf(s, "### %15s", rule) != 1)
				*rule = '\0';
			examples = 0;
			exempt = false;
		} else if (!strcmp(s, "```smtp")) {
			inside = true;
			e.line = line;
			before = failures;
		} else if (inside && !strncmp(s, "```", 3)) {
			u32 n = 0;

			inside = false;
			examples++;
			if (failures == before)
				n = run_cuts(&e);
			variants += n;
			if (failures == before) {
				passed++;
				printf("ok    %s, line %d: %u segmentations\n", rule,
				       e.line, n);
			}
			example_free(&e);
		} else if (inside && *s && !example_line(&e, s, line)) {
			complain(line, "not a line of an example");
		} else if (!strncmp(s, "No example: ", 12)) {
			exempt = true;
		} else if (!strncmp(s, "## ", 3)) {
			if (!exempt && !examples)
				complain(line, "the rule before has no example");
			exempt = true;
		}
	}
	fclose(file);
	if (inside)
		complain(line, "an example does not end");
	printf("%u segmentations of %u examples\n", variants, passed);
	printf("%u passed, %d failed\n", passed, failures);
	return failures || !passed;
}
