// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core costs, alone: instructions an octet under callgrind, octets a
 * second without; and memchr() and memmem() over the same octets. See run.
 *
 * The same octets every time. callgrind counts only what is called in
 * smtp_flow_segment(), bench_memchr() and bench_memmem(); see run.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "../../kmod/core/stream.h"
#include "octets.h"

#define WIRE		1448u		/* Ethernet, with timestamps */
#define GSO		(45 * WIRE)	/* what fits into 64 KB */
#define TIMED_NS	100000000u

/* -- the surroundings of the core ---------------------------------------- */

void *smtp_host_alloc(struct smtp_flow *flow, enum smtp_memory what, u32 size)
{
	(void)flow;
	(void)what;
	return malloc(size);
}

void smtp_host_free(struct smtp_flow *flow, enum smtp_memory what, void *p,
		    u32 size)
{
	(void)flow;
	(void)what;
	(void)size;
	free(p);
}

static u64 counters[__SMTP_FIXUP_CNT_MAX];

void smtp_host_count(const struct smtp_flow *flow,
		     enum smtp_fixup_counter counter, u32 n)
{
	(void)flow;
	counters[counter] += n;
}

void smtp_host_event(const struct smtp_flow *flow, enum smtp_fixup_event event,
		     const char *words)
{
	(void)flow;
	(void)event;
	(void)words;
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

/* As many dots as there may be marks, in one packet */
static void fill_dotty(void)
{
	u32 at = 0;

	while (at < OCTETS)
		at = octets_put(at, OCTETS, "x.");
}

/* Ends of data to some servers: D4 */
static void fill_smuggling(void)
{
	u32 at = 0;

	while (at < OCTETS)
		at = octets_put(at, OCTETS, "\n.");
}

/* -- cases ---------------------------------------------------------------- */

/**
 * struct bench_case - something to measure
 * @name: what tests/bench/core.limits calls it
 * @mode: enum smtp_fixup_mode; esmtp looks for lines that are too long, too
 * @fill: makes the octets
 * @segment: octets a segment; 0: a line, and a reply to each
 * @octets: how many in all
 * @mail: octets a mail, of which all of the dialogue is counted, too; 0: one
 *	body, or the lines, counted alone
 * @again: only one packet, sent again as it was, is counted
 */
struct bench_case {
	const char *name;
	u8 mode;
	void (*fill)(void);
	u32 segment;
	u32 octets;
	u32 mail;
	bool again;
};

#define FIXUP	SMTP_FIXUP_MODE_FIXUP
#define ESMTP	SMTP_FIXUP_MODE_ESMTP

static const struct bench_case cases[] = {
	{ "mime-64k",		FIXUP,	octets_mime,	GSO,	OCTETS, 0, false },
	{ "mime-1448",		FIXUP,	octets_mime,	WIRE,	OCTETS, 0, false },
	{ "base64-64k",		FIXUP,	octets_base64,	GSO,	OCTETS, 0, false },
	{ "base64-1448",	FIXUP,	octets_base64,	WIRE,	OCTETS, 0, false },
	{ "text-64k",		FIXUP,	octets_text,	GSO,	OCTETS, 0, false },
	{ "dots-64k",		FIXUP,	octets_dots,	GSO,	OCTETS, 0, false },
	{ "stuffed-1448",	FIXUP,	octets_stuffed,	WIRE,	OCTETS, 0, false },
	/* The worst packets: issue 15 */
	{ "worst-dotty",	FIXUP,	fill_dotty,	1u << 15, 1u << 15, 0, false },
	{ "worst-dotty-again",	FIXUP,	fill_dotty,	1u << 15, 1u << 15, 0, true },
	{ "worst-stuffed",	FIXUP,	octets_stuffed,	GSO,	GSO, 0, false },
	{ "worst-stuffed-again", FIXUP,	octets_stuffed,	GSO,	GSO, 0, true },
	{ "worst-smuggling",	FIXUP,	fill_smuggling,	1024,	1024, 0, false },
	{ "mime-1",		FIXUP,	octets_mime,	1,	1u << 16, 0, false },
	{ "commands",		FIXUP,	fill_commands,	0,	1u << 16, 0, false },
	{ "mails",		FIXUP,	octets_mime,	WIRE,	1u << 20,	4096, false },
	{ "esmtp-mime-64k",	ESMTP,	octets_mime,	GSO,	OCTETS, 0, false },
	{ "esmtp-mime-1448",	ESMTP,	octets_mime,	WIRE,	OCTETS, 0, false },
	{ "esmtp-base64-64k",	ESMTP,	octets_base64,	GSO,	OCTETS, 0, false },
	{ "esmtp-text-64k",	ESMTP,	octets_text,	GSO,	OCTETS, 0, false },
	{ "esmtp-mime-1",	ESMTP,	octets_mime,	1,	1u << 16, 0, false },
	{ "esmtp-commands",	ESMTP,	fill_commands,	0,	1u << 16, 0, false },
	{ "esmtp-mails",	ESMTP,	octets_mime,	WIRE,	1u << 20,	4096, false },
};

static u32 sent[2];	/* sequence numbers, by direction */

struct bench_segment {
	struct smtp_segment seg;
	u8 *bytes;
};

static const u8 *bench_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	*avail = seg->len - off;
	return ((struct bench_segment *)seg)->bytes + off;
}

static int bench_write(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n)
{
	u8 *to = ((struct bench_segment *)seg)->bytes + off;

	if (memcmp(to, bytes, n))
		memcpy(to, bytes, n);
	return 0;
}

/* Returns how much of it passed */
static u32 bench_send(struct smtp_flow *flow, enum smtp_dir dir, u8 *bytes, u32 n)
{
	struct bench_segment b = {
		.seg = {
			.seq = sent[dir], .len = n, .mss = n > WIRE ? WIRE : 0,
			.ack = sent[!dir], .has_ack = true,
			.read = bench_read, .write = bench_write,
		},
		.bytes = bytes,
	};

	if (smtp_flow_segment(flow, dir, &b.seg) != SMTP_PASS ||
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
	for (at = 0; at < c->octets; at += mail) {
		bench_open(&flow, &policy);
		if (c->segment)
			bench_begin_body(&flow);
		/* What came before is not counted, but for the little of releasing */
		if (c->again)
			sent[SMTP_CLIENT] -= bench_send(&flow, SMTP_CLIENT,
							octets, mail);
		if (!c->mail)
			CALLGRIND_ZERO_STATS;
		if (c->segment)
			bench_body(&flow, c, mail);
		else
			bench_lines(&flow, c);
		if (c->mail)
			bench_end(&flow);
		smtp_flow_release(&flow);
	}
}

static u32 found;

/* Every dot, segment by segment */
static __attribute__((noinline)) void bench_memchr(const struct bench_case *c)
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
static __attribute__((noinline)) void bench_memmem(const struct bench_case *c)
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
