// SPDX-License-Identifier: GPL-2.0-only
/* A connection for a test to speak through. See unit.h. */
#include <stdio.h>

#include "unit.h"

struct unit_segment {
	struct smtp_segment seg;
	struct fix *f;
	enum smtp_dir dir;
	bool spliced;
};

static u32 unit_isn(enum smtp_dir dir)
{
	return dir ? SERVER_ISN : CLIENT_ISN;
}

static const u8 *unit_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	struct fix *f = ((struct unit_segment *)seg)->f;

	assert_true(off < seg->len);
	*avail = seg->len - off;
	if (f->frag && *avail > f->frag - off % f->frag)
		*avail = f->frag - off % f->frag;
	return f->out + off;
}

static int unit_write(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n)
{
	struct fix *f = ((struct unit_segment *)seg)->f;

	assert_true(off + n <= seg->len);
	f->writes += memcmp(f->out + off, bytes, n) != 0;
	if (f->fail_write)
		return -1;
	memcpy(f->out + off, bytes, n);
	return 0;
}

/* As the kernel side: what is kept, and then the bytes */
static int unit_splice(struct smtp_segment *seg, u32 keep, const u8 *bytes, u32 n)
{
	struct unit_segment *u = (struct unit_segment *)seg;
	struct fix *f = u->f;

	assert_false(u->spliced);
	assert_true(keep <= seg->pass);
	assert_true(keep + n <= seg->room);
	u->spliced = true;
	f->spliced++;
	if (f->fail_write)
		return -1;
	memcpy(f->out + keep, bytes, n);
	f->out_len = keep + n;
	return 0;
}

static void unit_adjust(struct smtp_segment *seg, u32 pos, s32 delta)
{
	struct unit_segment *u = (struct unit_segment *)seg;
	struct fix *f = u->f;

	assert_false(f->loopback);
	assert_int_not_equal(delta, 0);
	f->adjusts[u->dir]++;
	f->adjust_at = pos - unit_isn(u->dir);
	f->adjust_by = delta;
	f->shift[u->dir] += delta;
	seqadj_set(&f->adj, u->dir, pos, delta);
}

static void unit_settle(struct smtp_segment *seg)
{
	struct unit_segment *u = (struct unit_segment *)seg;

	u->f->settles[u->dir]++;
	seqadj_settle(&u->f->adj, u->dir);
}

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
	smtp_policy_init(&f->policy, mode);
	/* Not zeroed before: stream.h */
	memset(&f->flow, 0x5a, sizeof(f->flow));
	smtp_flow_init(&f->flow, &f->policy, CLIENT_ISN, SERVER_ISN);
}

void fix_end(struct fix *f)
{
	smtp_flow_release(&f->flow);
	if (host.error)
		fail_msg("%s", host.error);
	assert_int_equal(host.bytes, 0);
	assert_int_equal(host.blocks, 0);
}

/* @ack: as the far end of the other direction counts */
static enum smtp_verdict fix_judge(struct fix *f, enum smtp_dir dir, u32 off,
				   u32 n, u32 ack, u32 *pass)
{
	struct unit_segment u = {
		.seg = {
			.seq = unit_isn(dir) + off,
			.len = n, .mss = f->mss, .pass = ~0u,
			.ack = unit_isn(!dir) + ack,
			.has_ack = !f->no_acks, .fin = f->fin,
			.room = unit_room(f, n),
			.read = unit_read, .write = unit_write,
			.splice = unit_splice, .adjust = unit_adjust,
			.settle = unit_settle,
		},
		.f = f, .dir = dir,
	};
	u32 seq = u.seg.seq, far_ack = u.seg.ack;

	f->out_len = 0;
	f->verdict = smtp_flow_segment(&f->flow, dir, &u.seg);
	if (host.error)
		fail_msg("%s", host.error);
	seqadj_adjust(&f->adj, dir, &seq, &far_ack);
	f->out_at = seq - unit_isn(dir);
	f->ack_at = far_ack - unit_isn(!dir);
	*pass = u.seg.pass;
	if (f->verdict == SMTP_PASS && !u.spliced)
		f->out_len = u.seg.pass;
	return f->verdict;
}

int fix_segment(struct fix *f, enum smtp_dir dir, u32 off, const void *bytes,
		u32 n)
{
	u32 pass;

	assert_true(n <= sizeof(f->out));
	memcpy(f->out, bytes, n);
	fix_judge(f, dir, off, n, f->at[!dir] + f->shift[!dir], &pass);
	if (f->verdict == SMTP_RESET)
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
