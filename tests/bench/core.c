// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core costs, alone: instructions an octet under callgrind, octets a
 * second without; and memchr() and memmem() over the same octets. See run.
 *
 * The same octets every time. callgrind counts only what is called in
 * smtp_flow_segment(), bench_memchr() and bench_memmem(); see run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "../../kmod/core/observe.h"
#include "../segment.h"
#include "../../userspace/criteria.h"
#include "octets.h"

#define WIRE		1448u		/* Ethernet, with timestamps */
#define GSO		(45 * WIRE)	/* what fits into 64 KB */
#define TIMED_NS	100000000u

/* -- the surroundings of the core ---------------------------------------- */

void *smtp_host_alloc(struct smtp_host *host, enum smtp_memory what, u32 size)
{
	(void)host;
	(void)what;
	return malloc(size);
}

void smtp_host_free(struct smtp_host *host, enum smtp_memory what, void *p,
		    u32 size)
{
	(void)host;
	(void)what;
	(void)size;
	free(p);
}

static struct smtp_host bench_host;
static u64 counters[__SMTP_FIXUP_CNT_MAX];

void smtp_host_count(struct smtp_host *host,
		     enum smtp_fixup_counter counter, u32 n)
{
	(void)host;
	counters[counter] += n;
}

void smtp_host_event(struct smtp_host *host, enum smtp_fixup_event event,
		     const char *words)
{
	(void)host;
	(void)event;
	(void)words;
}

bool smtp_host_admits(struct smtp_host *host, enum smtp_fixup_limit limit)
{
	(void)host;
	(void)limit;
	return true;
}

static const char *const commands[] = {
	"MAIL FROM:<first.last@mail.example.org> SIZE=60000 BODY=8BITMIME\r\n",
	"RCPT TO:<somebody.else@example.com>\r\n",
	"RCPT TO:<a.third@department.example.com> NOTIFY=NEVER\r\n",
	"RSET\r\n",
};

static void fill_commands(void)
{
	u32 at = 0, i = 0;

	while (at < OCTETS)
		at = octets_put(at, OCTETS, commands[i++ % 4]);
}

static void fill_with(const char *text)
{
	u32 at = 0;

	while (at < OCTETS)
		at = octets_put(at, OCTETS, text);
}

/* As many dots in lines as fit, each in a mark of one octet */
static void fill_dotty(void)
{
	fill_with("x.");
}

/* As many marks as fit of two dots each, which take seven octets */
static void fill_pairs(void)
{
	fill_with("x..");
}

/* As many dots behind a CR alone, and before one, as fit */
static void fill_behind_cr(void)
{
	fill_with("\r.x");
}

static void fill_before_cr(void)
{
	fill_with("x.\r");
}

/* Ends of data to some servers: D4 */
static void fill_smuggling(void)
{
	fill_with("\n.");
}

/* Commands of one octet, none of which is known */
static void fill_lines(void)
{
	fill_with("x\r\n");
}

/* Whose lines show that they are no commands, so that they pass ahead of gaps */
static void fill_dotty_lines(void)
{
	fill_with("x.x.x.x\r\n");
}

static void fill_nuls(void)
{
	memset(octets, 0, OCTETS);
}

/* Lines of a body with nothing in them; header fields; boundaries; folded lines */
static void fill_empty(void)
{
	fill_with("\r\n");
}

static void fill_fields(void)
{
	fill_with("c:\n");
}

static void fill_dot_fields(void)
{
	fill_with("..\n");
}

static void fill_boundaries(void)
{
	fill_with("--b\r\n");
	octets_put(0, OCTETS, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
}

/* Lines that begin as boundaries do; and long ones, where many parts are open */
static void fill_dashes(void)
{
	fill_with("-\n");
	octets_put(0, OCTETS, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
}

static void fill_deep(void)
{
	char text[128];
	u32 at = 0, i;

	fill_with("--cccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\r\n");
	for (i = 1; i <= 8; i++) {
		snprintf(text, sizeof(text),
			 "Content-Type: multipart/mixed; boundary=%.*s\r\n\r\n--%.*s\r\n",
			 i, "bbbbbbbb", i, "bbbbbbbb");
		at = octets_put(at, OCTETS, text);
	}
}

/* A field that names a file without end */
static void fill_names(void)
{
	fill_with(";filename==?q?q?=aa?=");
	octets_put(0, OCTETS, "Content-Disposition: attachment");
}

/* Replies of one line, and the lines of one reply */
static void fill_replies(void)
{
	fill_with("250\r\n");
}

static void fill_reply_lines(void)
{
	fill_with("250-X\r\n");
}

/* -- cases ---------------------------------------------------------------- */

enum bench_how {
	IN_ORDER,
	AGAIN,		/* only one packet, sent again as it was, is counted */
	COMMANDS,	/* these are no body; only one packet is counted, and may be cut */
	BEFORE_MARKS,	/* as many marks as may be wait for it, behind a gap */
	BEFORE_GAPS,	/* as many gaps as may be do */
	PIECES,		/* a packet is in pieces, as GRO makes them */
	ONCE,		/* only one packet is counted, and may be cut */
	REPLIES,	/* these are the server's; only one packet is counted, and may be cut */
};

/* Matches that the policy has, beside its mode */
enum bench_matches {
	NO_MATCHES,
	OF_ADDRESSES,	/* twenty, of addresses and names: X3 */
	OF_MESSAGES,	/* of the header and of file names */
};

/**
 * struct bench_case - something to measure
 * @name: what tests/bench/core.limits calls it
 * @mode: enum smtp_fixup_mode; esmtp looks for lines that are too long, too
 * @fill: makes the octets
 * @segment: octets a segment; 0: a line, and a reply to each
 * @octets: how many in all
 * @mail: octets a mail, of which all of the dialogue is counted, too; 0: one
 *	body, or the lines, counted alone
 * @how: enum bench_how
 * @matches: enum bench_matches
 */
struct bench_case {
	const char *name;
	u8 mode;
	void (*fill)(void);
	u32 segment;
	u32 octets;
	u32 mail;
	enum bench_how how;
	enum bench_matches matches;
};

#define FIXUP	SMTP_FIXUP_MODE_FIXUP
#define ESMTP	SMTP_FIXUP_MODE_ESMTP

static const struct bench_case cases[] = {
	{ "mime-64k",		FIXUP,	octets_mime,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "mime-1448",		FIXUP,	octets_mime,	WIRE,	OCTETS, 0, IN_ORDER, 0 },
	{ "base64-64k",		FIXUP,	octets_base64,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "base64-1448",	FIXUP,	octets_base64,	WIRE,	OCTETS, 0, IN_ORDER, 0 },
	{ "text-64k",		FIXUP,	octets_text,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "dots-64k",		FIXUP,	octets_dots,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "stuffed-1448",	FIXUP,	octets_stuffed,	WIRE,	OCTETS, 0, IN_ORDER, 0 },
	{ "mime-64k-gro",	FIXUP,	octets_mime,	GSO,	OCTETS, 0, PIECES, 0 },
	{ "base64-64k-gro",	FIXUP,	octets_base64,	GSO,	OCTETS, 0, PIECES, 0 },
	{ "text-64k-gro",	FIXUP,	octets_text,	GSO,	OCTETS, 0, PIECES, 0 },
	/* The worst packets: issue 15 */
	{ "worst-dotty",	FIXUP,	fill_dotty,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-dotty-gro",	FIXUP,	fill_dotty,	GSO,	GSO, 0, PIECES, 0 },
	{ "worst-dotty-again",	FIXUP,	fill_dotty,	GSO,	GSO, 0, AGAIN, 0 },
	{ "worst-pairs",	FIXUP,	fill_pairs,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-pairs-again",	FIXUP,	fill_pairs,	GSO,	GSO, 0, AGAIN, 0 },
	{ "worst-behind-cr",	FIXUP,	fill_behind_cr,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-behind-cr-again", FIXUP, fill_behind_cr, GSO,	GSO, 0, AGAIN, 0 },
	{ "worst-before-cr",	FIXUP,	fill_before_cr,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-before-cr-again", FIXUP, fill_before_cr, GSO,	GSO, 0, AGAIN, 0 },
	{ "worst-stuffed",	FIXUP,	octets_stuffed,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-stuffed-gro",	FIXUP,	octets_stuffed,	GSO,	GSO, 0, PIECES, 0 },
	{ "worst-stuffed-again", FIXUP,	octets_stuffed,	GSO,	GSO, 0, AGAIN, 0 },
	{ "worst-smuggling",	FIXUP,	fill_smuggling,	1024,	1024, 0, IN_ORDER, 0 },
	{ "worst-lines",	FIXUP,	fill_lines,	1u << 14, 1u << 14, 0, COMMANDS, 0 },
	{ "worst-nuls",		FIXUP,	fill_nuls,	1u << 14, 1u << 14, 0, COMMANDS, 0 },
	{ "worst-nuls-body",	FIXUP,	fill_nuls,	GSO,	GSO, 0, IN_ORDER, 0 },
	{ "worst-marks",	FIXUP,	fill_dotty,	WIRE,	WIRE, 0, BEFORE_MARKS, 0 },
	{ "worst-gaps",		FIXUP,	fill_dotty_lines,	WIRE,	WIRE, 0, BEFORE_GAPS, 0 },
	{ "worst-replies",	FIXUP,	fill_replies,	GSO,	GSO, 0, REPLIES, 0 },
	{ "worst-reply-lines",	FIXUP,	fill_reply_lines, GSO,	GSO, 0, REPLIES, 0 },
	{ "mime-1",		FIXUP,	octets_mime,	1,	1u << 16, 0, IN_ORDER, 0 },
	{ "commands",		FIXUP,	fill_commands,	0,	1u << 16, 0, IN_ORDER, 0 },
	{ "mails",		FIXUP,	octets_mime,	WIRE,	1u << 20,	4096, IN_ORDER, 0 },
	{ "esmtp-mime-64k",	ESMTP,	octets_mime,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "esmtp-mime-1448",	ESMTP,	octets_mime,	WIRE,	OCTETS, 0, IN_ORDER, 0 },
	{ "esmtp-base64-64k",	ESMTP,	octets_base64,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "esmtp-text-64k",	ESMTP,	octets_text,	GSO,	OCTETS, 0, IN_ORDER, 0 },
	{ "esmtp-mime-64k-gro",	ESMTP,	octets_mime,	GSO,	OCTETS, 0, PIECES, 0 },
	{ "esmtp-worst-stuffed", ESMTP,	octets_stuffed,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-pairs",	ESMTP,	fill_pairs,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-empty",	ESMTP,	fill_empty,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-dot-fields", ESMTP, fill_dot_fields, GSO, GSO, 0, ONCE, 0 },
	{ "esmtp-worst-fields",	ESMTP,	fill_fields,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-boundaries", ESMTP, fill_boundaries, GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-dashes",	ESMTP,	fill_dashes,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-deep",	ESMTP,	fill_deep,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-names",	ESMTP,	fill_names,	GSO,	GSO, 0, ONCE, 0 },
	{ "esmtp-worst-lines",	ESMTP,	fill_lines,	1u << 14, 1u << 14, 0, COMMANDS, 0 },
	{ "esmtp-worst-keywords", ESMTP, fill_reply_lines, GSO,	GSO, 0, REPLIES, 0 },
	{ "esmtp-mime-1",	ESMTP,	octets_mime,	1,	1u << 16, 0, IN_ORDER, 0 },
	{ "esmtp-commands",	ESMTP,	fill_commands,	0,	1u << 16, 0, IN_ORDER, 0 },
	{ "esmtp-mails",	ESMTP,	octets_mime,	WIRE,	1u << 20,	4096, IN_ORDER, 0 },
	{ "match-commands",	ESMTP,	fill_commands,	0,	1u << 16, 0, IN_ORDER, OF_ADDRESSES },
	{ "match-mails",	ESMTP,	octets_mime,	WIRE,	1u << 20,	4096, IN_ORDER, OF_ADDRESSES },
	{ "match-body-64k",	ESMTP,	octets_mime,	GSO,	OCTETS, 0, IN_ORDER, OF_MESSAGES },
	{ "match-body-1448",	ESMTP,	octets_mime,	WIRE,	OCTETS, 0, IN_ORDER, OF_MESSAGES },
	{ "match-body-mails",	ESMTP,	octets_mime,	WIRE,	1u << 20,	4096, IN_ORDER, OF_MESSAGES },
	{ "match-worst-fields",	ESMTP,	fill_fields,	GSO,	GSO, 0, ONCE, OF_MESSAGES },
};

/* None of them acts here */
static void add_match(struct criteria **criteria, u8 what, const char *field,
		      const char *patterns)
{
	if (!criteria_add(criteria, what, SMTP_FIXUP_ACTION_RESET, false, patterns,
			  strlen(patterns), field))
		exit(1);
}

static void add_addresses(struct criteria **criteria)
{
	char patterns[64];
	int i;

	for (i = 0; i < 8; i++) {
		snprintf(patterns, sizeof(patterns), "*@domain%d.example,/^list%d-[0-9]+@/", i, i);
		add_match(criteria, SMTP_FIXUP_WHAT_SENDER, NULL, patterns);
		add_match(criteria, SMTP_FIXUP_WHAT_RECIPIENT, NULL, patterns);
	}
	for (i = 0; i < 4; i++) {
		snprintf(patterns, sizeof(patterns), "host%d,*.dyn%d.example", i, i);
		add_match(criteria, SMTP_FIXUP_WHAT_HELO, NULL, patterns);
	}
}

static void add_messages(struct criteria **criteria)
{
	add_match(criteria, SMTP_FIXUP_WHAT_HEADER, "Subject", "\"*cheap pills*\",/lottery/i");
	add_match(criteria, SMTP_FIXUP_WHAT_HEADER, "X-Mailer", "*bulk*");
	add_match(criteria, SMTP_FIXUP_WHAT_MIME_TYPE, NULL, "application/x-msdownload");
	add_match(criteria, SMTP_FIXUP_WHAT_MIME_FILENAME, NULL, "/\\.(exe|scr|bat|js)$/i");
}

/* What the tool makes of a set line with these matches */
static const struct smtp_criteria *bench_criteria(enum bench_matches matches)
{
	static const struct smtp_criteria *made[OF_MESSAGES + 1];
	struct criteria *criteria = NULL;
	struct reason why;

	if (!matches || made[matches])
		return made[matches];
	if (matches == OF_ADDRESSES)
		add_addresses(&criteria);
	else
		add_messages(&criteria);
	if (criteria_compile(criteria, &why) || criteria_make(criteria, &made[matches])) {
		fprintf(stderr, "core: no table\n");
		exit(1);
	}
	criteria_free(criteria);
	return made[matches];
}

static u32 sent[2];	/* sequence numbers, by direction */

static void bench_wrong(struct test_segment *g, const char *what)
{
	(void)g;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* Lengths stay: nothing is spliced */
static const struct test_segment_hooks bench_hooks = { .wrong = bench_wrong };

static u32 piece;		/* of what is sent, 0: all is one */

/* Returns how much of it passed */
static u32 bench_send(struct smtp_flow *flow, enum smtp_dir dir, u8 *bytes, u32 n)
{
	struct test_segment b = {
		.seg = {
			.seq = sent[dir], .len = n, .mss = n > WIRE ? WIRE : 0,
			.ack = sent[!dir], .has_ack = true,
			.ops = &test_segment_ops,
		},
		.hooks = &bench_hooks, .data = bytes, .frag = piece,
	};

	if (smtp_flow_segment(flow, dir, &b.seg, &bench_host) != SMTP_PASS ||
	    (n && !b.seg.pass)) {
		fprintf(stderr, "core: a segment did not pass\n");
		exit(1);
	}
	sent[dir] += b.seg.pass;
	return b.seg.pass;
}

static void bench_say(struct smtp_flow *flow, enum smtp_dir dir, const char *text)
{
	u8 line[256];
	u32 n = strlen(text);

	memcpy(line, text, n);
	if (bench_send(flow, dir, line, n) != n) {
		fprintf(stderr, "core: cut: %s", text);
		exit(1);
	}
}

static void bench_open(struct smtp_flow *flow, const struct smtp_policy *policy)
{
	smtp_flow_init(flow, policy, sent[SMTP_CLIENT], sent[SMTP_SERVER]);
	bench_say(flow, SMTP_SERVER, "220 mx.example.com ESMTP Postfix\r\n");
	bench_say(flow, SMTP_CLIENT, "HELO mail.example.org\r\n");
	bench_say(flow, SMTP_SERVER, "250 mx.example.com\r\n");
	bench_say(flow, SMTP_CLIENT, "MAIL FROM:<a@example.org>\r\n");
	bench_say(flow, SMTP_SERVER, "250 2.1.0 Ok\r\n");
	bench_say(flow, SMTP_CLIENT, "RCPT TO:<b@example.com>\r\n");
	bench_say(flow, SMTP_SERVER, "250 2.1.5 Ok\r\n");
}

static void bench_begin_body(struct smtp_flow *flow)
{
	bench_say(flow, SMTP_CLIENT, "DATA\r\n");
	bench_say(flow, SMTP_SERVER, "354 End data with <CR><LF>.<CR><LF>\r\n");
	if (flow->session.phase != SMTP_FIXUP_PHASE_BODY) {
		fprintf(stderr, "core: no body\n");
		exit(1);
	}
}

/* The first @end octets as a body, segment by segment, each ACKed */
static void bench_body(struct smtp_flow *flow, const struct bench_case *c, u32 end)
{
	u32 at = 0;

	while (at < end) {
		u32 n = end - at < c->segment ? end - at : c->segment;

		at += bench_send(flow, SMTP_CLIENT, octets + at, n);
		bench_send(flow, SMTP_SERVER, NULL, 0);
	}
}

/* Ranges ahead of a gap of one segment, and of one octet between each other */
static void bench_ahead(struct smtp_flow *flow, u32 ranges, u32 octets_each)
{
	u32 start = sent[SMTP_CLIENT];

	sent[SMTP_CLIENT] += WIRE;
	while (ranges--) {
		bench_send(flow, SMTP_CLIENT, octets, octets_each);
		sent[SMTP_CLIENT]++;
	}
	sent[SMTP_CLIENT] = start;
}

static void bench_end(struct smtp_flow *flow)
{
	bench_say(flow, SMTP_CLIENT, "\r\n.\r\n");
	bench_say(flow, SMTP_SERVER, "250 2.0.0 Ok: queued as 4F1C2D3E5A\r\n");
	bench_say(flow, SMTP_CLIENT, "QUIT\r\n");
	bench_say(flow, SMTP_SERVER, "221 2.0.0 Bye\r\n");
}

/* Lines, each answered */
static void bench_lines(struct smtp_flow *flow, const struct bench_case *c)
{
	u32 at = 0;

	while (at < c->octets) {
		const u8 *end = memchr(octets + at, '\n', OCTETS - at);

		at += bench_send(flow, SMTP_CLIENT, octets + at,
				 end + 1 - (octets + at));
		bench_say(flow, SMTP_SERVER, "250 2.1.0 Ok\r\n");
	}
}

static void bench_core(const struct bench_case *c)
{
	static struct smtp_policy policy;
	static struct smtp_flow flow;
	u32 mail = c->mail ? c->mail : c->octets;
	u32 at;

	smtp_policy_init(&policy, c->mode);
	policy.criteria = bench_criteria(c->matches);
	for (at = 0; at < c->octets; at += mail) {
		bench_open(&flow, &policy);
		if (c->how == REPLIES)
			bench_say(&flow, SMTP_CLIENT, "EHLO mail.example.org\r\n");
		else if (c->segment && c->how != COMMANDS)
			bench_begin_body(&flow);
		piece = c->how == PIECES ? WIRE : 0;
		/* What came before is not counted, but for the little of releasing */
		if (c->how == BEFORE_MARKS)
			bench_ahead(&flow, 32, 24576);
		if (c->how == BEFORE_GAPS)
			bench_ahead(&flow, SMTP_EARLY_MAX, WIRE / 8);
		if (c->how == AGAIN)
			sent[SMTP_CLIENT] -= bench_send(&flow, SMTP_CLIENT,
							octets, mail);
		if (!c->mail)
			CALLGRIND_ZERO_STATS;
		if (c->how == COMMANDS)
			bench_send(&flow, SMTP_CLIENT, octets, mail);
		else if (c->how == REPLIES)
			bench_send(&flow, SMTP_SERVER, octets, mail);
		else if (c->how == ONCE)
			bench_send(&flow, SMTP_CLIENT, octets, mail);
		else if (c->segment)
			bench_body(&flow, c, mail);
		else
			bench_lines(&flow, c);
		piece = 0;
		if (c->mail)
			bench_end(&flow);
		smtp_flow_release(&flow, &bench_host);
	}
}

static u32 found;

/* Every dot, segment by segment */
static noinline void bench_memchr(const struct bench_case *c)
{
	u32 step = c->segment ? c->segment : WIRE;
	u32 at;

	for (at = 0; at < c->octets; at += step) {
		const u8 *p = octets + at;
		const u8 *end = p + (c->octets - at < step ? c->octets - at : step);

		while (p && p < end) {
			p = memchr(p, '.', end - p);
			if (p) {
				found++;
				p++;
			}
		}
	}
}

/* The end of data, segment by segment */
static noinline void bench_memmem(const struct bench_case *c)
{
	u32 step = c->segment ? c->segment : WIRE;
	u32 at;

	for (at = 0; at < c->octets; at += step) {
		u32 n = c->octets - at < step ? c->octets - at : step;

		if (memmem(octets + at, n, "\r\n.\r\n", 5))
			found++;
	}
}

/* -- measuring ------------------------------------------------------------ */

static const struct {
	const char *name;
	void (*run)(const struct bench_case *c);
} ways[] = {
	{ "core", bench_core },
	{ "memchr", bench_memchr },
	{ "memmem", bench_memmem },
};

static u64 processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* The best of as many rounds as time allows, nanoseconds */
static u64 bench_time(void (*run)(const struct bench_case *c),
		      const struct bench_case *c)
{
	u64 begun = processor_ns(), best = ~0ull, now = begun;

	while (now - begun < TIMED_NS) {
		u64 start = processor_ns();

		run(c);
		now = processor_ns();
		if (now - start < best)
			best = now - start;
	}
	return best;
}

/* For each case a line: name, octets, and with "time" MB a second each way.
 * Under callgrind, a dump named "CASE WAY" for each.
 */
int main(int argc, char **argv)
{
	bool timed = argc > 1 && !strcmp(argv[1], "time");
	u32 i, k;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct bench_case *c = &cases[i];

		c->fill();
		printf("%s %u", c->name, c->octets);
		for (k = 0; k < sizeof(ways) / sizeof(*ways); k++) {
			char name[64];

			snprintf(name, sizeof(name), "%s %s", c->name, ways[k].name);
			if (timed) {
				printf(" %.0f", c->octets * 1e3 /
				       bench_time(ways[k].run, c));
				continue;
			}
			CALLGRIND_ZERO_STATS;
			ways[k].run(c);
			CALLGRIND_DUMP_STATS_AT(name);
		}
		printf("\n");
	}
	return !found;	/* so that the search is made */
}
