// SPDX-License-Identifier: GPL-2.0-only
/* A connection for a test to speak through. See unit.h. */
#include <stdio.h>

#include "unit.h"

struct fix f;

static u32 unit_isn(enum smtp_dir dir)
{
	return dir ? SERVER_ISN : CLIENT_ISN;
}

static void unit_wrong(struct test_segment *g, const char *what)
{
	fail_msg("%s, at %u", what, g->seg.seq - unit_isn(g->dir));
}

static bool unit_fails(struct test_segment *g)
{
	(void)g;
	return f.fail_write;
}

static u8 *unit_splice(struct test_segment *g, u32 n)
{
	assert_true(n <= sizeof(f.out));
	return g->data;
}

static void unit_adjust(struct test_segment *g, u32 pos, s32 delta)
{
	f.adjusts[g->dir]++;
	f.adjust_at = pos - unit_isn(g->dir);
	f.adjust_by = delta;
	f.shift[g->dir] += delta;
}

static void unit_settle(struct test_segment *g)
{
	f.settles[g->dir]++;
}

static const struct test_segment_hooks unit_hooks = {
	.wrong = unit_wrong,
	.fails = unit_fails,
	.splice = unit_splice,
	.adjust = unit_adjust,
	.settle = unit_settle,
};

static u32 unit_room(const struct fix *f, u32 len)
{
	if (f->loopback)
		return 0;
	if (f->room)
		return f->room;
	if (f->mss && f->mss < len)
		len = f->mss;
	return len > 536 ? len : 536;
}

void fix_begin(struct fix *f, u8 mode)
{
	host_reset();
	memset(f, 0, sizeof(*f));
	f->begun = true;
	smtp_policy_init(&f->policy, mode);
	/* Not zeroed before: flow.h */
	memset(&f->flow, 0x5a, sizeof(f->flow));
	smtp_flow_init(&f->flow, &f->policy, CLIENT_ISN, SERVER_ISN);
}

void fix_end(struct fix *f)
{
	f->begun = false;
	smtp_flow_release(&f->flow, HOST_OF(&f->flow));
	if (host.error)
		fail_msg("%s", host.error);
	assert_int_equal(host.bytes, 0);
	assert_int_equal(host.blocks, 0);
}

/* @ack: as the far end of the other direction counts */
static enum smtp_verdict fix_judge(struct fix *f, enum smtp_dir dir, u32 off,
				   u32 n, u32 ack, u32 *pass)
{
	struct test_segment g = {
		.seg = {
			.seq = unit_isn(dir) + off,
			.len = n, .mss = f->mss, .pass = ~0u,
			.ack = unit_isn(!dir) + ack,
			.has_ack = !f->no_acks, .fin = f->fin,
			.room = unit_room(f, n),
			.ops = &test_segment_ops,
		},
		.hooks = &unit_hooks, .adj = &f->adj,
		.dir = dir, .data = f->out, .frag = f->frag, .pull = f->pull,
	};
	u32 seq = g.seg.seq, far_ack = g.seg.ack;

	f->out_len = 0;
	f->verdict = smtp_flow_segment(&f->flow, dir, &g.seg,
				       HOST_OF(&f->flow));
	if (host.error)
		fail_msg("%s", host.error);
	seq += g.seg.skip;
	seqadj_adjust(&f->adj, dir, &seq, &far_ack);
	f->out_at = seq - unit_isn(dir);
	f->ack_at = far_ack - unit_isn(!dir);
	*pass = g.seg.pass;
	f->owes = g.seg.owes;
	f->writes += g.changes;
	f->spliced += !!g.spliced;
	if (g.spliced)
		f->out_len = g.spliced_len;
	else if (f->verdict == SMTP_PASS)
		f->out_len = g.seg.pass;
	return f->verdict;
}

int fix_segment(struct fix *f, enum smtp_dir dir, u32 off, const void *bytes,
		u32 n)
{
	u32 pass;

	assert_true(n <= sizeof(f->out));
	memcpy(f->out, bytes, n);
	fix_judge(f, dir, off, n, f->at[!dir] + f->shift[!dir], &pass);
	if (smtp_verdict_resets(f->verdict))
		return -2;
	if (f->verdict == SMTP_DROP)
		return -1;
	assert_int_equal(f->verdict, SMTP_PASS);
	assert_true(pass <= n);
	if (off + pass > f->at[dir] && off <= f->at[dir])
		f->at[dir] = off + pass;
	return pass;
}

int fix_at(struct fix *f, enum smtp_dir dir, u32 off, const char *text)
{
	return fix_segment(f, dir, off, text, strlen(text));
}

static void same(const void *got, u32 got_len, const char *want,
		 const char *file, int line)
{
	if (got_len == strlen(want) && !memcmp(got, want, got_len))
		return;
	print_error("left \"%.*s\"\nwant \"%s\"\n", (int)got_len,
		    (const char *)got, want);
	_fail(file, line);
}

void fix_left(struct fix *f, const char *text, const char *file, int line)
{
	same(f->out, f->out_len, text, file, line);
}

void fix_io(struct fix *f, enum smtp_dir dir, const char *in, const char *out,
	    const char *file, int line)
{
	int pass = fix_at(f, dir, f->at[dir], in);

	if (pass != (int)strlen(in)) {
		print_error("\"%s\": %d passed\n", in, pass);
		_fail(file, line);
	}
	same(f->out, f->out_len, out, file, line);
}

void fix_io_steps(struct fix *f, enum smtp_dir dir, u32 step, const char *in,
		  const char *out, const char *file, int line)
{
	static char all[1 << 16];
	u32 n = strlen(in), at, len = 0, tries = 0;
	u32 start = f->at[dir];
	int pass;

	for (at = 0; at < n; ) {
		u32 k = n - at < step ? n - at : step;

		pass = fix_segment(f, dir, start + at, in + at, k);
		/* What is held back once comes again: E1 */
		if (pass < 0 && tries++ < 2)
			continue;
		if (pass <= 0) {
			print_error("\"%s\": stuck at %u\n", in, at);
			_fail(file, line);
		}
		tries = 0;
		memcpy(all + len, f->out, pass);
		len += pass;
		at += pass;
	}
	same(all, len, out, file, line);
}

void fix_cut(struct fix *f, enum smtp_dir dir, const char *in, int pass,
	     const char *file, int line)
{
	int r = fix_at(f, dir, f->at[dir], in);

	if (r == pass)
		return;
	print_error("\"%s\": %d passed, not %d\n", in, r, pass);
	_fail(file, line);
}

void fix_ack(struct fix *f, enum smtp_dir dir, u32 off)
{
	bool no_acks = f->no_acks;
	u32 pass;

	f->no_acks = false;
	assert_int_equal(fix_judge(f, !dir, f->at[!dir], 0, off, &pass), SMTP_PASS);
	f->no_acks = no_acks;
	assert_int_equal(pass, 0);
}

void fix_empty(struct fix *f, enum smtp_dir dir)
{
	fix_ack(f, !dir, 0);
}

void fix_open(struct fix *f)
{
	bool ehlo = f->policy.verbs & SMTP_VERB_BIT(EHLO);

	fix_at(f, SMTP_SERVER, 0, "220 a\r\n");
	client(f, ehlo ? "EHLO a\r\n" : "HELO a\r\n",
	       ehlo ? "EHLO a\r\n" : "HELO a\r\n");
	server(f, "250 a\r\n", "250 a\r\n");
}

void fix_body(struct fix *f)
{
	fix_open(f);
	client(f, "DATA\r\n", "DATA\r\n");
	server(f, "354 go\r\n", "354 go\r\n");
	fix_ack(f, SMTP_CLIENT, f->at[SMTP_CLIENT]);
}
