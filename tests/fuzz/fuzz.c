// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzz target: whole dialogues with segment boundaries. The input is a list of
 * operations, each a few octets of control and the octets that it sends; both
 * directions, gaps, repetitions, ACKs. libFuzzer drives it; with FUZZ_MAIN it
 * is a plain program that runs the files named on its command line.
 *
 * What must hold, whatever the input:
 *  - nothing is read or written outside of a segment, no undefined behaviour
 *  - memory is bounded, and all of it is given back
 *  - octets are never judged before they came; what was judged in command state
 *    leaves the same every time until it is ACKed
 *  - only octets that were judged change; the length only where there is room,
 *    and then what leaves is at the place where it left first, with conntrack's
 *    own adjustment of sequence numbers
 *  - no line of the client's command state leaves with a whole blocked verb
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../host.h"
#include "../matches.h"
#include "../../kmod/core/data/marks.h"
#include "../segment.h"
#include "main.h"

#define SPAN		65536		/* octets of one direction that are followed */
#define MEMORY_MAX	(2 * SMTP_UNACKED_MAX + 16 * SMTP_UNACKED_HOLES + \
			 SMTP_MARKS_MAX + 12 * SMTP_EARLY_MAX)

#define CHECK(x) do {							\
	if (!(x)) {							\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x);	\
		abort();						\
	}								\
} while (0)

struct fuzz_segment {
	struct test_segment t;
	u8 data[4096];
	u8 spliced[8192];
	bool fails;
};

struct side {
	u32 isn;
	u32 sent;	/* end of what was sent in order */
	s32 shift;	/* octets that left, less those sent */
	u32 acked;	/* as it left */
	u32 edit, edit_end;	/* the last edit in flight, as it left */
	u8 out[SPAN];	/* as it left first, in command state */
	bool known[SPAN];
};

static struct side sides[2];
static struct seqadj adj;
static bool no_memory;

static void fuzz_wrong(struct test_segment *g, const char *what)
{
	(void)g;
	fprintf(stderr, "%s\n", what);
	abort();
}

static bool fuzz_fails(struct test_segment *g)
{
	return container_of(g, struct fuzz_segment, t)->fails;
}

static u8 *fuzz_splice(struct test_segment *g, u32 n)
{
	struct fuzz_segment *of = container_of(g, struct fuzz_segment, t);

	CHECK(n <= sizeof(of->spliced));
	return of->spliced;
}

static void fuzz_adjust(struct test_segment *g, u32 pos, s32 delta)
{
	struct side *me = &sides[g->dir];

	me->edit = pos - me->isn + me->shift;
	me->shift += delta;
}

static void fuzz_settle(struct test_segment *g)
{
	struct side *me = &sides[g->dir];

	CHECK(me->acked >= me->edit_end);
	me->edit = 0;
	me->edit_end = 0;
}

static const struct test_segment_hooks fuzz_hooks = {
	.wrong = fuzz_wrong,
	.fails = fuzz_fails,
	.splice = fuzz_splice,
	.adjust = fuzz_adjust,
	.settle = fuzz_settle,
};

static bool fuzz_no_memory(void *arg)
{
	(void)arg;
	return no_memory;
}

/* Of a crossed chunk only that is kept: a repetition may have other line ends, and
 * nothing else (H7)
 */
static bool crossed_alike(const struct smtp_flow *flow, u8 a, u8 b)
{
	return flow->session.crossed && (a == 'X' || a == '\r' || a == '\n') &&
	       (b == 'X' || b == '\r' || b == '\n');
}

/* A blocked verb that left whole, in one piece: V3, V6. Fixup mode's list is
 * short enough to be repeated here.
 */
static void check_lines(const u8 *b, u32 n)
{
	static const char *const blocked[] = {
		"EHLO", "EXPN", "VRFY", "XCLIENT", "STARTTLS", "AUTH", "BDAT",
		"TURN", "DEBUG",
	};
	u32 i, k, v;

	/* Only lines that begin in this piece: what stands before its first
	 * line end belongs to an earlier one
	 */
	for (i = 0; i < n; i++) {
		if (b[i] != '\n')
			continue;
		for (v = i + 1; v < n && (b[v] == ' ' || b[v] == '\t'); v++)
			;
		for (k = 0; k < sizeof(blocked) / sizeof(*blocked); k++) {
			u32 len = strlen(blocked[k]);

			if (v + len < n && !strncasecmp((const char *)b + v, blocked[k], len))
				CHECK(b[v + len] != ' ' && b[v + len] != '\t' &&
				      b[v + len] != '\r' && b[v + len] != '\n');
		}
	}
}

static bool run_segment(struct smtp_flow *flow, enum smtp_dir dir, u32 off,
			struct fuzz_segment *g)
{
	struct smtp_stream *st = &flow->stream[dir];
	struct side *me = &sides[dir];
	u8 orig[sizeof(g->data)];
	u32 before = st->next - me->isn, after, i;
	bool body = dir == SMTP_CLIENT && flow->body.active;
	bool lines = dir == SMTP_CLIENT && !body &&
		     flow->session.phase <= SMTP_FIXUP_PHASE_COMMAND;
	bool tls = flow->session.phase == SMTP_FIXUP_PHASE_TLS;
	u32 messages = flow->session.messages;
	u64 chunks = host.counters[SMTP_FIXUP_CNT_CHUNKS];
	enum smtp_verdict v;
	u32 seq, out_at, out_len, far;
	const u8 *out;

	memcpy(orig, g->data, g->t.seg.len);
	g->t.dir = dir;
	far = before + me->shift;
	g->t.seg.seq = me->isn + off;
	g->t.seg.pass = ~0u;
	v = smtp_flow_segment(flow, dir, &g->t.seg, HOST_OF(flow));
	after = st->next - me->isn;
	if (st->edit.old)
		me->edit_end = me->edit + st->edit.len;
	CHECK(!host.error);
	CHECK(host.bytes <= MEMORY_MAX);
	CHECK((s32)(after - before) >= 0);
	if (smtp_verdict_resets(v))
		return false;
	if (v == SMTP_DROP) {
		/* Judged and not sent: writing failed, or it ends here (V5) */
		CHECK(after == before || g->fails || smtp_flow_ended(flow));
		return true;
	}
	CHECK(v == SMTP_PASS);
	CHECK(g->t.seg.pass <= g->t.seg.len);
	CHECK(g->t.seg.len || !g->t.seg.pass);
	if (tls || flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return true;
	/* Nothing unjudged in command state */
	if (!body && !(dir == SMTP_CLIENT && flow->body.active) && g->t.seg.pass)
		CHECK((s32)(off + g->t.seg.pass - after) <= 0);
	seq = g->t.seg.seq + g->t.seg.skip;
	seqadj_adjust(&adj, dir, &seq, NULL);
	out_at = seq - me->isn;
	out = g->t.spliced ? g->t.spliced : g->data;
	out_len = g->t.spliced ? g->t.spliced_len : g->t.seg.pass;
	for (i = 0; i < out_len; i++) {
		u32 at = out_at + i;

		if (at >= SPAN || (s32)(at - me->acked) < 0)
			continue;
		/* Of a chunk nothing is kept: D6 */
		if (at - me->shift - (st->skip_start - me->isn) <
		    st->skip_end - st->skip_start)
			continue;
		if ((s32)(at - (after + me->shift)) >= 0) {
			CHECK(out[i] == orig[at - me->shift - off]);
		} else if (me->known[at]) {
			CHECK(out[i] == me->out[at] ||
			      crossed_alike(flow, out[i], me->out[at]));
		} else if (!body && !(dir == SMTP_CLIENT && flow->body.active) && messages == flow->session.messages &&
			   chunks == host.counters[SMTP_FIXUP_CNT_CHUNKS] &&
			   (s32)(at - far) >= 0) {
			me->known[at] = true;
			me->out[at] = out[i];
		}
	}
	if (lines && off == before && messages == flow->session.messages &&
	    flow->policy->mode == SMTP_FIXUP_MODE_FIXUP)
		check_lines(out, out_len);
	if (off <= me->sent && off + g->t.seg.pass > me->sent)
		me->sent = off + g->t.seg.pass;
	return true;
}

/* A match of everything that can be looked at: X3-X6, X8 */
static const struct smtp_criteria *fuzz_criteria(bool ends)
{
	static const struct smtp_criteria *made[2];

	if (!made[ends])
		made[ends] = matches_make((1U << __SMTP_FIXUP_WHAT_MAX) - 1, "evil",
					  ends ? SMTP_FIXUP_ACTION_RESET :
						 SMTP_FIXUP_ACTION_LOG);
	return made[ends];
}

/* X7: is it a message's turn while this segment comes? */
static bool turn;

static bool fuzz_admits(void *arg, enum smtp_fixup_limit limit)
{
	(void)arg;
	(void)limit;
	return turn;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fuzz_segment g;
	struct smtp_policy policy;
	struct smtp_flow flow;
	bool loopback;
	int i;

	if (size < 2)
		return 0;
	CHECK(host_reset());
	host.fail = fuzz_no_memory;
	host.admits = fuzz_admits;
	smtp_policy_init(&policy, data[0] & 1 ? SMTP_FIXUP_MODE_ESMTP :
			 SMTP_FIXUP_MODE_FIXUP);
	policy.banner = (data[0] >> 1) % __SMTP_FIXUP_BANNER_MAX;
	if (policy.banner == SMTP_FIXUP_BANNER_TEXT)
		smtp_policy_set_text(&policy, "mail.example ESMTP", 1 + data[1] / 4 % 18);
	policy.reject = (data[0] >> 4) % 4 % __SMTP_FIXUP_REJECT_MAX;
	policy.ehlo = (data[0] >> 6) % __SMTP_FIXUP_EHLO_MAX;
	memset(&adj, 0, sizeof(adj));
	if ((data[0] & 1) && (data[0] & 8))
		smtp_policy_set_tls(&policy, SMTP_FIXUP_TLS_ALLOW);
	if ((data[0] & 1) && (data[1] & 64)) {
		smtp_policy_set_verbs(&policy, policy.verbs | SMTP_VERB_BIT(BDAT) |
				      SMTP_VERB_BIT(XEXCH50));
		policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING);
	}
	if ((data[1] & 12) == 12) {
		policy.limits[SMTP_FIXUP_LIMIT_RATE].action = SMTP_FIXUP_ACTION_WAIT;
		policy.limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action =
			data[1] & 32 ? SMTP_FIXUP_ACTION_WAIT : SMTP_FIXUP_ACTION_LOG;
	}
	if (data[1] & 16)
		policy.criteria = fuzz_criteria(data[1] & 32);
	for (i = 0; i < 2; i++) {
		memset(sides[i].known, 0, sizeof(sides[i].known));
		sides[i].isn = data[1] & (1 << i) ? 0xffffff00u : 1000;
		sides[i].sent = 0;
		sides[i].acked = 0;
		sides[i].shift = 0;
		sides[i].edit = 0;
		sides[i].edit_end = 0;
	}
	smtp_flow_init(&flow, &policy, sides[0].isn, sides[1].isn);
	loopback = data[1] & 128;
	data += 2;
	size -= 2;

	/* op: direction 1, has ACK 1, kind 2, failures 1; jitter; length */
	while (size >= 3) {
		u8 op = data[0], jitter = data[1];
		enum smtp_dir dir = op & 1;
		struct side *me = &sides[dir], *far = &sides[!dir];
		u32 n = data[2], off = me->sent;

		data += 3;
		size -= 3;
		turn = jitter & 1;
		if (n > size)
			n = size;
		/* As many times as fits, for what needs many octets */
		if (op & 0x80)
			n = n * 16 > size ? n : n * 16;
		g.t = (struct test_segment) {
			.seg = { .len = n, .ops = &test_segment_ops },
			.hooks = &fuzz_hooks, .adj = &adj, .data = g.data,
		};
		memcpy(g.data, data, n);
		data += n;
		size -= n;
		switch (op >> 2 & 3) {
		case 1:		/* beyond a gap */
			off += 1 + jitter;
			break;
		case 2:		/* a repetition, perhaps with more behind it */
			off -= jitter < off ? jitter : off;
			break;
		case 3:		/* a GSO packet */
			g.t.seg.mss = 1 + jitter;
			break;
		}
		g.t.frag = op & 0x10 ? 1 + jitter % 9 : 0;
		g.fails = (op & 0x60) == 0x60;
		no_memory = (op & 0x60) == 0x40;
		g.t.seg.fin = (op & 0x60) == 0x20;
		if (op & 2) {
			/* Never more than the other side has sent */
			u32 left = far->sent + far->shift;

			if (left > far->acked)
				far->acked += (left - far->acked) *
					      (u32)(jitter | 15) / 255;
			/* ... and all of an edit or nothing */
			if (far->acked > far->edit && far->acked < far->edit_end)
				far->acked = far->edit;
			g.t.seg.has_ack = true;
			g.t.seg.ack = far->isn + far->acked;
		}
		g.t.seg.room = g.t.seg.mss && g.t.seg.mss < n ? g.t.seg.mss : n;
		if (g.t.seg.room < 536)
			g.t.seg.room = 536;
		if (loopback)
			g.t.seg.room = 0;
		if (!run_segment(&flow, dir, off, &g))
			break;
	}
	smtp_flow_release(&flow, HOST_OF(&flow));
	CHECK(!host.bytes && !host.blocks && !host.error);
	return 0;
}
