// SPDX-License-Identifier: GPL-2.0-only
/* One run: the network, the filter in the middle, and every check. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"
#include "../../kmod/core/data/marks.h"
#include "../../kmod/core/smtp/message.h"

#define ARENA		(96u << 20)
#define MAX_EVENTS	400000
/* The last two: under observe */
#define MEMORY_MAX	(2 * SMTP_UNACKED_MAX + SMTP_MARKS_MAX + \
			 12 * SMTP_EARLY_MAX + sizeof(struct smtp_message) + \
			 2 * SMTP_UNACKED_HOLES * sizeof(struct smtp_hole) + \
			 2 * SMTP_UNACKED_MAX + sizeof(struct smtp_observed))

static jmp_buf sim_failed;

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
	s->kind = fmt;
	longjmp(sim_failed, 1);
}

void sim_print(const u8 *b, u32 n)
{
	u32 i;

	for (i = 0; i < n && i < 160; i++) {
		if (b[i] == '\r')
			printf("\\r");
		else if (b[i] == '\n')
			printf("\\n");
		else if (b[i] < ' ' || b[i] > 126 || b[i] == '\\')
			printf("\\x%02x", b[i]);
		else
			putchar(b[i]);
	}
	if (i < n)
		printf("...(%u)", n);
}

void sim_trace(struct sim *s, const char *what, const struct packet *pkt)
{
	const struct plan *p = &s->plan;

	if (!s->trace)
		return;
	printf("%8llu %s %-8s %d..%d ack %d%s%s%s%s", (unsigned long long)s->now,
	       pkt->dir ? "S>C" : "C>S", what, (int)(pkt->seq - p->isn[pkt->dir]),
	       (int)(pkt->seq - p->isn[pkt->dir] + pkt->len),
	       (int)(pkt->ack - p->isn[!pkt->dir]), pkt->fin ? " FIN" : "",
	       pkt->rst ? " RST" : "", pkt->window_zero ? " win 0" : "",
	       pkt->low_ttl ? " low ttl" : "");
	if (pkt->mss)
		printf(" mss %u", pkt->mss);
	if (pkt->len) {
		printf(" \"");
		sim_print(pkt->data, pkt->len);
		printf("\"");
	}
	printf("\n");
}

/* --- the network --- */

static bool earlier(const struct packet *a, const struct packet *b)
{
	if (a->when != b->when)
		return a->when < b->when;
	return a->order < b->order;
}

static void heap_swap(struct sim *s, u32 a, u32 b)
{
	struct packet *t = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = t;
}

static void heap_up(struct sim *s, u32 i)
{
	while (i && earlier(s->heap[i], s->heap[(i - 1) / 2])) {
		heap_swap(s, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void heap_down(struct sim *s, u32 i)
{
	u32 k;

	while ((k = 2 * i + 1) < s->heap_len) {
		if (k + 1 < s->heap_len && earlier(s->heap[k + 1], s->heap[k]))
			k++;
		if (!earlier(s->heap[k], s->heap[i]))
			break;
		heap_swap(s, i, k);
		i = k;
	}
}

static void heap_add(struct sim *s, struct packet *pkt)
{
	if (s->heap_len == s->heap_cap) {
		s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 1024;
		s->heap = realloc(s->heap, s->heap_cap * sizeof(*s->heap));
		if (!s->heap)
			abort();
	}
	pkt->order = s->order++;
	s->heap[s->heap_len++] = pkt;
	heap_up(s, s->heap_len - 1);
}

static struct packet *heap_take(struct sim *s, u32 i)
{
	struct packet *pkt = s->heap[i];

	s->heap[i] = s->heap[--s->heap_len];
	if (i < s->heap_len) {
		heap_up(s, i);
		heap_down(s, i);
	}
	return pkt;
}

static void *arena(struct sim *s, size_t n)
{
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (s->arena_len + n > ARENA)
		return NULL;
	p = s->arena + s->arena_len;
	s->arena_len += n;
	return p;
}

struct packet *sim_packet(struct sim *s, u32 len)
{
	struct packet *pkt = arena(s, sizeof(*pkt) + len);

	if (!pkt) {
		/* Too long a run to go on with: no failure */
		s->over = true;
		longjmp(sim_failed, 2);
	}
	memset(pkt, 0, sizeof(*pkt));
	pkt->len = len;
	pkt->data = (u8 *)(pkt + 1);
	return pkt;
}

static struct packet *copy_part(struct sim *s, const struct packet *pkt,
				u32 off, u32 len)
{
	struct packet *c = sim_packet(s, len);
	u8 *data = c->data;

	*c = *pkt;
	c->data = data;
	c->seq = pkt->seq + off;
	c->len = len;
	c->mss = 0;
	c->fin = pkt->fin && off + len == pkt->len;
	memcpy(data, pkt->data + off, len);
	return c;
}

static void wire(struct sim *s, struct packet *pkt, struct rng *r, bool rough)
{
	const struct net_plan *n = &s->plan.net[pkt->stage ^ (pkt->dir ? 1 : 0)];

	pkt->when = s->now + n->delay;
	if (n->jitter)
		pkt->when += rng_below(r, n->jitter);
	if (rough && rng_permille(r, n->reorder))
		pkt->when += rng_below(r, 300);
	heap_add(s, pkt);
}

void sim_send(struct sim *s, struct packet *pkt)
{
	const struct net_plan *n = &s->plan.net[pkt->stage ^ (pkt->dir ? 1 : 0)];
	u32 id = s->decisions++;
	struct rng r = rng_make(s->plan.seed, 0x10000 + (u64)id);
	bool rough = s->packets < FAIR_PACKETS;

	s->packets++;
	if (id < MAX_DECISIONS && s->diet->decision_off[id])
		rough = false;
	if (pkt->stage && pkt->low_ttl && rough) {
		sim_trace(s, "ttl", pkt);
		return;
	}
	if (rough && rng_permille(&r, n->loss)) {
		sim_trace(s, pkt->stage ? "lost far" : "lost near", pkt);
		return;
	}
	if (rough && rng_permille(&r, n->dup))
		wire(s, copy_part(s, pkt, 0, pkt->len), &r, true);
	if (rough && pkt->len > 1 && rng_permille(&r, n->cut)) {
		u32 at = 1 + rng_below(&r, pkt->len - 1);

		/* No receiver ACKs a part of what was replaced: no IP network
		 * cuts a segment
		 */
		if (at > pkt->solid && at < pkt->solid_end)
			at = pkt->solid ? pkt->solid : pkt->solid_end;
		if (at >= pkt->len) {
			wire(s, pkt, &r, rough);
			return;
		}
		wire(s, copy_part(s, pkt, 0, at), &r, true);
		wire(s, copy_part(s, pkt, at, pkt->len - at), &r, true);
		return;
	}
	wire(s, pkt, &r, rough);
}

/* GRO: what follows in sequence and is on its way joins, up to 64 KB */
static struct packet *merge(struct sim *s, struct packet *pkt)
{
	u32 permille = s->plan.net[pkt->dir].merge, i, mss = pkt->len, last = mss;
	struct packet *more, *big;

	if (!permille || !pkt->len || pkt->fin || pkt->low_ttl ||
	    s->packets >= FAIR_PACKETS)
		return pkt;
	while (last == mss && rng_permille(&s->rng_net, permille)) {
		more = NULL;
		for (i = 0; i < s->heap_len && !more; i++)
			if (!s->heap[i]->stage && s->heap[i]->dir == pkt->dir &&
			    s->heap[i]->seq == pkt->seq + pkt->len &&
			    s->heap[i]->len && s->heap[i]->len <= mss &&
			    !s->heap[i]->low_ttl)
				more = heap_take(s, i);
		if (!more)
			break;
		if (pkt->len + more->len > 65000) {
			heap_add(s, more);
			break;
		}
		last = more->len;
		big = sim_packet(s, pkt->len + more->len);
		memcpy(big->data, pkt->data, pkt->len);
		memcpy(big->data + pkt->len, more->data, more->len);
		big->dir = pkt->dir;
		big->seq = pkt->seq;
		big->mss = mss;
		big->ack = (s32)(more->ack - pkt->ack) > 0 ? more->ack : pkt->ack;
		big->window_zero = pkt->window_zero;
		big->fin = more->fin;
		pkt = big;
		if (pkt->fin)
			break;
	}
	return pkt;
}

/* --- the filter --- */

struct segment {
	struct test_segment t;
	struct sim *s;
};

static struct sim *seg_sim(struct test_segment *g)
{
	return container_of(g, struct segment, t)->s;
}

static void seg_wrong(struct test_segment *g, const char *what)
{
	sim_fail(seg_sim(g), "%s", what);
}

static bool seg_fails(struct test_segment *g)
{
	struct sim *s = seg_sim(g);

	return s->packets < FAIR_PACKETS && rng_permille(&s->rng_fail, s->plan.write_fail);
}

static u8 *seg_splice(struct test_segment *g, u32 n)
{
	u8 *to = arena(seg_sim(g), n);

	if (!to) {
		seg_sim(g)->over = true;
		longjmp(sim_failed, 2);
	}
	return to;
}

static void seg_settle(struct test_segment *g)
{
	if (model_in_flight(&seg_sim(g)->model, g->dir))
		sim_fail(seg_sim(g), "contract 5: settled before the ACK");
}

static const struct test_segment_hooks seg_hooks = {
	.wrong = seg_wrong,
	.fails = seg_fails,
	.splice = seg_splice,
	.settle = seg_settle,
};

/* All of a packet's allocations fail, or none: what the core has in sight at
 * once must not be less than what it judges of one packet
 */
static bool alloc_fails(void *arg)
{
	struct sim *s = arg;

	if (s->failing_piece != s->piece) {
		s->failing_piece = s->piece;
		s->failing = s->packets < FAIR_PACKETS &&
			     rng_permille(&s->rng_fail, s->plan.alloc_fail);
	}
	return s->failing;
}

/* X7: asked of each message, and again as long as it waits */
static bool admits(void *arg, enum smtp_fixup_limit limit)
{
	struct sim *s = arg;
	struct turn *t = &s->turn[limit == SMTP_FIXUP_LIMIT_RATE];

	if (!t->at && rng_permille(&s->rng_turn, s->plan.rated)) {
		t->at = s->now + 1 + rng_below(&s->rng_turn, 4 * RTO);
		t->come = false;
		if (s->plan.policy.limits[limit].action == SMTP_FIXUP_ACTION_WAIT &&
		    !s->plan.policy.observe)
			return false;
		t->at = 0;	/* only counted */
		t->admitted++;
		return false;
	}
	if (s->now < t->at)
		return false;
	t->at = 0;
	t->admitted++;
	return true;
}

/* Must a message wait for its turn? */
static bool rated(const struct sim *s)
{
	return s->now < s->turn[0].at || s->now < s->turn[1].at;
}

/* No message begins before its turn; @all: nor is there a turn that none has taken */
static void check_turns(struct sim *s, bool all)
{
	static const u8 limits[] = {
		SMTP_FIXUP_LIMIT_SOURCE_RATE, SMTP_FIXUP_LIMIT_RATE,
	};
	u32 i;

	for (i = 0; i < 2; i++) {
		u32 admitted = s->turn[i].admitted, begun = s->model.begun;

		if (s->plan.policy.limits[limits[i]].action &&
		    (begun > admitted || (all && begun < admitted)))
			sim_fail(s, "X7: %u messages began, %u were admitted",
				 begun, admitted);
	}
}

static bool is_eol(int c)
{
	return c == '\r' || c == '\n';
}

/* The body of which @pos is an octet, or -1 */
static int body_of(const struct sim *s, u32 pos, u32 *begin, u32 *end)
{
	const struct model *m = &s->model;
	u32 i;

	for (i = 0; i < m->bodies && i < 64; i++) {
		if (pos >= m->body_begin[i] && pos < m->body_end[i]) {
			*begin = m->body_begin[i];
			*end = m->body_end[i];
			return i;
		}
	}
	if (m->state == M_BODY && pos >= m->body) {
		*begin = m->body;
		*end = UINT32_MAX;
		return i;
	}
	return -1;
}

/* V7: has the body of which @pos is an octet ended in LF.LF? */
static bool body_bare(const struct sim *s, u32 pos)
{
	u32 begin, end;
	int i = body_of(s, pos, &begin, &end);

	return i >= 0 && end != UINT32_MAX && s->model.body_bare[i];
}

bool sim_left_before(const struct sim *s, u32 at, u32 n, u32 left, bool *raced)
{
	const struct model *m = &s->model;
	u32 begin, end, pos, i;
	int its;

	/* To this server it began at the first of several CRs of DATA: V7 */
	while (left < m->d[0].flat_len && is_eol(m->d[0].flat[left]) &&
	       body_of(s, model_from(&m->d[0], left), &begin, &end) < 0)
		left++;
	its = body_of(s, model_from(&m->d[0], left), &begin, &end);
	*raced = end != UINT32_MAX && !model_refused(m, begin);
	for (i = 0; i < n; i++) {
		pos = model_from(&m->d[0], at + i);
		if (body_of(s, pos, &begin, &end) != its)
			return false;
		/* What passed ahead of a gap gets its X behind the refusal */
		if (model_refused(m, begin) && m->d[0].piece[pos] > m->refused_piece &&
		    m->d[0].flat[at + i] != 'X')
			return false;
	}
	return true;
}

static const char *quote(const u8 *b, s64 n)
{
	static char text[200];
	u32 at = 0;
	s64 i;

	for (i = 0; i < n && at < 180; i++) {
		if (b[i] == '\r')
			at += sprintf(text + at, "\\r");
		else if (b[i] == '\n')
			at += sprintf(text + at, "\\n");
		else if (b[i] < ' ' || b[i] > 126)
			at += sprintf(text + at, "\\x%02x", b[i]);
		else
			text[at++] = b[i];
	}
	text[at] = 0;
	return text;
}

static void first_copy(struct sim *s, int dir, u32 pos, u8 c)
{
	struct model_dir *d = &s->model.d[dir];

	if (s->seen[dir][pos])
		return;
	s->seen[dir][pos] = 1;
	d->in[pos] = c;
	d->piece[pos] = s->piece;
	/* D6: of a chunk that was passed over */
	if (!dir && pos < d->len && model_unread(&s->model, pos)) {
		model_crossed(&s->model, pos, &c);
		d->out[pos] = c;
		d->flat[d->at[pos]] = c;
	}
	if (pos + 1 > s->seen_high[dir])
		s->seen_high[dir] = pos + 1;
}

/* Is each command of the plan's a verb, as RFC 5321, 2.4 and 4.1.1, has them: letters, and in
 * extensions digits and hyphens?
 */
static bool only_verbs(const struct plan *p)
{
	u32 i, k;

	for (i = 0; i < p->nr_items; i++) {
		const struct item *it = &p->items[i];
		const u8 *text = p->text + it->off;

		if (it->kind != ITEM_LINE)
			continue;
		for (k = 0; k < it->len && (text[k] == ' ' || text[k] == '\t'); k++)
			;
		for (; k < it->len && text[k] != ' ' && text[k] != '\t' && !is_eol(text[k]); k++)
			if (!isalnum(text[k]) && text[k] != '-')
				return false;
	}
	return true;
}

/* Has an allocation failed for this packet? */
static bool memory_short(const struct sim *s)
{
	return s->failing && s->failing_piece == s->piece;
}

/* Has the core all of the packet in sight at once, for sure? */
static bool all_in_sight(const struct sim *s, const struct packet *pkt)
{
	const struct model_dir *d = &s->model.d[pkt->dir];

	return !memory_short(s) &&
	       model_at(d, d->len) - s->acked_far[pkt->dir] + pkt->len < SMTP_UNACKED_MAX / 2;
}

/* The core ends the connection; may it? */
static void check_ended(struct sim *s, struct packet *pkt, const u8 *orig,
			enum smtp_verdict v)
{
	struct model *m = &s->model;
	struct model_dir *d = &m->d[pkt->dir];
	s64 off = (s32)(pkt->seq - s->plan.isn[pkt->dir]);
	u32 i, to, high = s->seen_high[0];
	bool ahead = high > m->d[0].len, ended;
	bool body = !pkt->dir && m->state == M_BODY;

	for (i = 0; i < pkt->len; i++)
		if (off + i >= 0 && off + i < SIM_CAP)
			first_copy(s, pkt->dir, off + i, orig[i]);
	for (to = d->len; to < s->seen_high[pkt->dir] && s->seen[pkt->dir][to]; to++)
		;
	m->sight = to;
	m->sight_sure = all_in_sight(s, pkt);
	i = m->bodies;
	model_judge(m, pkt->dir, to);
	s->cause = ENDED_RECLAIMED;
	if (!pkt->dir && s->flow.body.stalls == SMTP_STALLS_MAX)
		return;		/* nothing was known of what it repeats: H5 */
	s->cause = ENDED_POLICY;
	if (m->ended == (smtp_verdict_resets(v) ? MODEL_RESET : MODEL_DROP)) {
		if (!ahead && s->flow.sealed != (body && m->state == M_BODY))
			sim_fail(s, "what was in order before the end is let go");
		return;		/* by the policy */
	}
	if (v == SMTP_DROP)
		sim_fail(s, m->ended ? "dropped, not reset" : "ended without a reason");
	if (!body)
		sim_fail(s, "reset outside of a body");
	/* T3: whatever the network did, and however it cuts and pipelines */
	if (s->plan.fair && s->plan.client == CLIENT_POLITE && only_verbs(&s->plan))
		sim_fail(s, "T3: a client that keeps to the RFCs was reset");
	ended = m->bodies > i;
	s->cause = ENDED_TOO_LATE;
	if (m->reset)
		return;		/* CRLF . CR had left: D4 */
	s->cause = ENDED_AHEAD;
	if (ended && ahead && m->body_end[i] < high)
		return;		/* what passed ahead was no body */
	if (m->ended)
		sim_fail(s, "reset, not dropped");
	s->cause = ENDED_REWRITTEN;
	if (s->plan.rewrites)
		return;		/* anything else: it is an attack */
	sim_fail(s, "reset without a reason");
}

/* The octet at @pos of the client as far as it has passed, or -1 */
static int passed(const struct sim *s, s64 pos)
{
	return pos >= 0 && s->seen[0][pos] ? s->model.d[0].in[pos] : -1;
}

/* The octets [off, off + n) passed beyond a gap, perhaps behind others that
 * did: they must not hold an end of data, nor anything like it. CRLF.CR at
 * the end is undecided.
 */
static void check_ahead(struct sim *s, s64 off, u32 n)
{
	const u8 *b = s->model.d[0].in + off;
	int c1, c2, c3;
	u32 eols;
	s64 pos;

	if (s->model.state == M_TLS)
		return;
	if (s->model.state != M_BODY)
		sim_fail(s, "contract 3: octets beyond a gap passed in command state");
	if (s->model.refused)
		sim_fail(s, "D10: octets beyond a gap passed of a refused body");
	/* A line end is judged when the gap closes, more than that is not */
	eols = n > 1 && b[0] == '\r' && b[1] == '\n' ? 2 : b[0] == '\n';
	if (s->model.d[0].piece[off] == s->piece && passed(s, off - 1) < 0 &&
	    (n == eols || is_eol(b[eols]) || b[eols] == '.'))
		sim_fail(s, "contract 3: a segment beyond a gap begins with %s",
			 quote(b, n < 3 ? n : 3));
	for (pos = off; pos < off + n; pos++) {
		c1 = passed(s, pos - 1);
		c2 = c1 < 0 ? -1 : passed(s, pos - 2);
		c3 = c2 < 0 ? -1 : passed(s, pos - 3);
		if (c1 == '\r' && c2 == '.' && is_eol(c3))
			sim_fail(s, "contract 3: an end of data passed ahead of a gap");
		if ((!is_eol(b[pos - off]) && b[pos - off]) || c1 != '.' ||
		    !is_eol(c2))
			continue;
		if (b[pos - off] != '\r' || c2 != '\n' || c3 != '\r')
			sim_fail(s, "contract 3: what may be an end of data passed ahead of a gap");
	}
}

/* D10: may the octet at @q of a body that was refused be @c as well? It may have
 * left before; and line ends between X are of no account.
 */
static bool crossed(const struct sim *s, u32 q, u8 c)
{
	const struct model_dir *d = &s->model.d[0];
	u8 was = d->flat[q];

	if (!model_refused(&s->model, d->from[q]))
		return false;
	if (s->plan.rewrites && is_eol(c))
		return is_eol(was) || (was != '.' && was != ' ');
	return c == 'X' && (s->plan.rewrites || !is_eol(was)) &&
	       !(was == '.' && q && is_eol(d->flat[q - 1]));
}

/* What leaves, @out at sequence number @seq, is at its place what the model
 * says: T1, T2
 */
static void check_output(struct sim *s, struct packet *pkt, const u8 *orig,
			 const u8 *out, u32 out_len, u32 seq, u32 pass)
{
	int dir = pkt->dir;
	struct model_dir *d = &s->model.d[dir];
	s64 off = (s32)(pkt->seq - s->plan.isn[dir]);
	s64 to = (s32)(seq - s->plan.isn[dir]);
	u32 begin, end, i;

	if (off >= s->acked[dir] && to != model_at(d, off))
		sim_fail(s, "T1: octet %lld left at %lld, not at %u",
			 (long long)off, (long long)to, model_at(d, off));
	if (off + pass > s->acked[dir] && to + out_len != model_at(d, off + pass))
		sim_fail(s, "T1: octets up to %lld left up to %lld, not to %u",
			 (long long)off + pass, (long long)to + out_len,
			 model_at(d, off + pass));
	for (i = 0; i < out_len; i++) {
		s64 q = to + i, pos;
		bool loose = s->plan.rewrites && !dir;

		if (q < 0 || q < s->acked_far[dir]) {
			if (s->model.state != M_TLS && out[i] != '*' &&
			    (dir || q < 0 ||
			     !model_unread(&s->model, model_from(d, q))))
				sim_fail(s, "contract 2: octet %lld is ACKed and left again", (long long)q);
			continue;
		}
		pos = model_from(d, q);
		if (q >= d->flat_len) {
			if (pos - off >= pkt->len || out[i] != orig[pos - off])
				sim_fail(s, "octet %lld changed that is not judged yet", (long long)pos);
			continue;
		}
		if (!dir && q < d->flat_len) {
			u8 c = d->flat[q];

			if (model_crossed(&s->model, pos, &c)) {
				if (out[i] != c && !(s->plan.rewrites && (is_eol(out[i]) || out[i] == 'X')))
					sim_fail(s, "H7: octet %lld of a chunk that nobody takes left as 0x%02x", (long long)q, out[i]);
				continue;
			}
		}
		if (!dir && model_refused(&s->model, pos) &&
		    s->piece > s->model.refused_piece) {
			if (!is_eol(out[i]) && !memchr("X. ", out[i], 3))
				sim_fail(s, "D10: octet %lld of a refused body left as 0x%02x", (long long)q, out[i]);
			if (crossed(s, q, out[i]))
				continue;
		}
		if (out[i] == d->flat[q])
			continue;
		if (loose && pos >= s->model.tls_at[0])
			continue;
		if (loose && model_unread(&s->model, pos))
			continue;
		if (loose && body_of(s, pos, &begin, &end) >= 0 &&
		    pos + (body_bare(s, pos) ? 3 : 5) < end && d->out[pos] == d->in[pos])
			continue;
		sim_fail(s, "octet %lld left as 0x%02x, the model says 0x%02x: \"%s\"",
			 (long long)q, out[i], d->flat[q],
			 quote(d->flat + (q > 30 ? q - 30 : 0),
			       q > 30 ? 31 : q + 1));
	}
}

/* G7, E4: a line that is not whole is held back, until it has come again */
static bool reply_held(struct sim *s, struct packet *pkt, s64 off)
{
	u32 at = s->model.d[1].len, rest = pkt->len - (at - off);
	bool whole;

	if (off > at || off + pkt->len <= at || !s->model.elastic ||
	    !model_rewrites(&s->model, &whole) || whole)
		return false;
	if (model_in_flight(&s->model, 1))
		return true;
	if (s->hold.at == at && rest <= s->hold.rest) {
		s->hold.times++;
	} else {
		s->hold.times = 0;
		s->hold.rest = rest;
	}
	s->hold.at = at;
	return s->hold.times < 1;
}

/* The model has seen a reply being let through before it was whole: G7, E4 */
static void check_patience(struct sim *s)
{
	u32 at = s->model.not_whole;

	s->model.not_whole = UINT32_MAX;
	if (at == UINT32_MAX || s->plan.client == CLIENT_HOSTILE ||
	    s->plan.alloc_fail || s->plan.write_fail ||
	    s->plan.eol == EOL_ANY || s->vain)
		return;
	if (s->hold.at != at)
		sim_fail(s, "G7, E4: a line at %u was not given the time to come whole", at);
}

/* E1: the text of an EHLO line that is not whole waits, until it comes again */
static bool ehlo_held(struct sim *s, const struct packet *pkt, const u8 *orig,
		      s64 off, u32 at)
{
	const struct model *m = &s->model;
	u32 rest = pkt->len - (at - off), before = s->held;

	if (!m->reply_masked || !m->reply_begun || at != m->reply_line + 4 ||
	    memchr(orig + (at - off), '\n', rest))
		return false;
	/* Repetitions count when no edit is in flight */
	if (model_in_flight(m, 1))
		return true;
	s->held = rest;
	return rest > before;
}

/* G6, G8: likewise the text of a greeting's line */
static bool greeting_held(struct sim *s, const struct packet *pkt,
			  const u8 *orig, s64 off, u32 at)
{
	const struct model *m = &s->model;
	u32 rest = pkt->len - (at - off), before = s->held, i;

	if (m->replies || !m->greeting_masked || at != m->reply_line + 4 ||
	    (m->policy.banner != MODEL_CMAP && !m->policy.keep_esmtp))
		return false;
	for (i = 0; i < rest; i++)
		if (is_eol(orig[at - off + i]))
			return false;
	s->held = rest;
	return rest > before;
}

/* Nothing may be held back that could go on */
static void check_prompt(struct sim *s, struct packet *pkt, const u8 *orig,
			 u32 pass, enum smtp_verdict v, u32 old, bool reply)
{
	int dir = pkt->dir;
	s64 off = (s32)(pkt->seq - s->plan.isn[dir]);
	u32 len = s->model.d[dir].len;
	s64 kept = len - s->acked[dir];
	struct model_dir *d = &s->model.d[dir];
	u32 begin, end;
	s64 from;

	if (s->plan.client == CLIENT_HOSTILE || s->plan.alloc_fail ||
	    s->plan.write_fail || s->plan.eol == EOL_ANY)
		return;
	if (v == SMTP_PASS && pass == pkt->len)
		return;
	/* Cut for the sake of an edit, for want of room, or of what is not kept
	 * behind it; or not to begin inside it
	 */
	if (model_in_flight(&s->model, dir)) {
		const struct model_edit *e = &d->edits[d->nr_edits - 1];

		if (off > e->pos && off < e->pos + e->old)
			return;
		if (off <= e->pos && off + pkt->len > e->pos && pass &&
		    off + pass >= e->pos)
			return;
	}
	/* Cut before octets that had passed ahead of a gap: they are there */
	if (!dir && v == SMTP_PASS && off + pass < len &&
	    d->piece[off + pass] != s->piece && off + pass >= old)
		return;
	/* A repetition of a body that begins where no segment began, with what
	 * may be the end of an end of data, can't be judged
	 */
	from = off > s->acked[dir] ? off : s->acked[dir];
	if (!dir && from < old && body_of(s, from, &begin, &end) >= 0 &&
	    (is_eol(orig[from - off]) || orig[from - off] == '.'))
		return;
	/* A FIN alone repeats nothing, and the policy has ended the connection */
	if (!pkt->len && s->model.ended)
		return;
	/* Nothing is known of what it repeats: H5 */
	if (!dir && s->plan.forget && from < old &&
	    from < (s32)(s->flow.body.forgotten - s->plan.isn[0]))
		return;
	if (off + pkt->len <= len)
		sim_fail(s, "a repetition was %s", v == SMTP_PASS ? "cut" : "dropped");
	if (off > old)
		return;		/* beyond a gap */
	if (!model_open(&s->model, dir) || (!dir && model_chunk_waits(&s->model)))
		return;		/* D2, H7 */
	if (!dir && rated(s) && model_begins(&s->model)) {
		RULE(&s->model, X7);
		return;
	}
	if (model_must_wait(&s->model, dir) || reply)
		return;
	if (!dir && model_response_waits(&s->model, orig[len - off]))
		return;		/* D5 */
	if (dir && (ehlo_held(s, pkt, orig, off, len) ||
		    greeting_held(s, pkt, orig, off, len)))
		return;
	if (kept + pkt->len >= SMTP_UNACKED_MAX / 2)
		return;		/* may be full */
	if (s->model.state == M_BODY && !dir &&
	    s->flow.body.marks &&
	    s->flow.body.marks->size >= SMTP_MARKS_MAX / 2)
		return;
	/* Headers that take too long to read: some of them pass, always */
	if (s->model.state == M_BODY && !dir && v == SMTP_PASS &&
	    smtp_message_enough(s->flow.message))
		return;
	sim_fail(s, "octets from %u on were held back for no reason (%s %u)",
		 len, v == SMTP_PASS ? "cut" : "drop", pass);
}

/* In the packets that it came in */
static void forward(struct sim *s, struct packet *pkt)
{
	u32 at;

	pkt->stage = 1;
	if (!pkt->mss || pkt->len <= pkt->mss) {
		pkt->mss = 0;
		sim_send(s, pkt);
		return;
	}
	for (at = 0; at < pkt->len; at += pkt->mss)
		sim_send(s, copy_part(s, pkt, at, pkt->len - at < pkt->mss ?
				      pkt->len - at : pkt->mss));
}

static bool observe_fails(struct test_segment *g)
{
	sim_fail(seg_sim(g), "changed though only observed");
}

static const struct test_segment_hooks observe_hooks = {
	.wrong = seg_wrong,
	.fails = observe_fails,
};

/* All of it passes, as it is */
static void observe(struct sim *s, struct packet *pkt)
{
	struct segment g = {
		.t.seg = {
			.seq = pkt->seq, .len = pkt->len, .mss = pkt->mss,
			.ack = pkt->ack, .has_ack = true, .fin = pkt->fin,
			.room = s->plan.loopback ? 0 : 1500,
			.pass = 0xdeadbeef, .ops = &test_segment_ops,
		},
		.t.hooks = &observe_hooks,
		.t.dir = pkt->dir, .t.data = pkt->data, .t.frag = s->plan.frag,
		.s = s,
	};

	sim_trace(s, "observe", pkt);
	s->piece++;
	if (smtp_flow_segment(&s->flow, pkt->dir, &g.t.seg, HOST_OF(&s->flow)) != SMTP_PASS ||
	    g.t.seg.pass != pkt->len)
		sim_fail(s, "observe: did not pass");
	if (host.error)
		sim_fail(s, "%s", host.error);
	if (host.bytes > MEMORY_MAX)
		sim_fail(s, "contract 6: the flow holds %llu octets",
			 (unsigned long long)host.bytes);
	forward(s, pkt);
}

/* H5: memory is short, and this connection is one of the greediest */
static void reclaim(struct sim *s)
{
	if (rng_permille(&s->rng_forget, s->plan.forget) &&
	    smtp_flow_forget(&s->flow, HOST_OF(&s->flow))) {
		RULE(&s->model, H5);
		if (s->flow.body.marks)
			sim_fail(s, "H5: marks are left");
	}
	if (s->piece == s->plan.give_up && smtp_flow_give_up(&s->flow, HOST_OF(&s->flow))) {
		if (s->trace)
			printf("         GIVEN UP\n");
		s->cause = ENDED_RECLAIMED;
		s->ended += !s->ended;
		if (host.bytes)
			sim_fail(s, "H5: given up, and it holds %llu octets",
				 (unsigned long long)host.bytes);
	}
}

/* kmod/path/kept.c */
static void keep(struct sim *s, struct packet *pkt, struct segment *g,
		 enum smtp_verdict v)
{
	const struct smtp_held *gone, *last;
	enum smtp_holds what;
	struct packet *copy;
	const u8 *line;

	if (!pkt->len || (v == SMTP_PASS && g->t.seg.pass == pkt->len))
		return;
	what = smtp_flow_holds(&s->flow, pkt->dir, &g->t.seg);
	if (what == SMTP_HOLDS_NOTHING)
		return;
	s->due |= (what == SMTP_HOLDS_LINE || what == SMTP_HOLDS_ORDER) << pkt->dir;
	copy = copy_part(s, pkt, 0, pkt->len);
	copy->mss = pkt->mss;
	line = memchr(pkt->data, '\n', pkt->len);
	copy->held = (struct smtp_held) {
		.seq = pkt->seq, .end = pkt->seq + pkt->len,
		.left = pkt->seq + g->t.seg.pass,
		.size = SMTP_HELD_SIZE_MAX / 20, .what = what,
		.line = line ? line + 1 - pkt->data : 0,
	};
	gone = smtp_held_add(&s->kept[pkt->dir], &copy->held,
			     smtp_stream_left(&s->flow.stream[pkt->dir]));
	for (last = s->kept[pkt->dir]; last->next; last = last->next)
		;
	for (; gone; gone = gone->next)
		s->given_up |= smtp_seq_before(last->end, gone->end);
}

/* One packet of @n octets from the next one on */
static struct packet *joined(struct sim *s, int dir, u32 n)
{
	u32 at = s->flow.stream[dir].next, end = at + n;
	struct packet *pkt = sim_packet(s, n);

	pkt->dir = dir;
	pkt->seq = at;
	while (at != end) {
		const struct smtp_held *held = s->kept[dir];
		const struct packet *part = container_of(held, struct packet, held);
		u32 from = at;

		at = smtp_seq_min(held->end, end);
		memcpy(pkt->data + (from - pkt->seq), part->data + (from - held->seq),
		       at - from);
		if (at != held->end)
			break;
		smtp_held_take(&s->kept[dir]);
		pkt->ack = part->ack;
		pkt->window_zero = part->window_zero;
		pkt->fin = part->fin;
	}
	return pkt;
}

/* Has a line come whole that is not joined, since it has too many octets? */
static bool line_too_long(const struct smtp_held *held)
{
	if (held->what != SMTP_HOLDS_LINE)
		return false;
	for (; held->next && held->next->seq == held->end; held = held->next)
		if (held->next->line)
			return true;
	return false;
}

/* Takes off what goes on now, or returns NULL */
static struct packet *resumed(struct sim *s, int dir)
{
	const struct smtp_stream *st = &s->flow.stream[dir];
	struct smtp_held **list = &s->kept[dir], *held;
	u32 line;

	if (smtp_flow_over(&s->flow))
		*list = NULL;
	while (smtp_held_passed(list, smtp_stream_left(st), st->acked))
		;
	held = *list;
	if (!held)
		return NULL;
	line = smtp_held_line(held, st->next);
	if (line)
		return joined(s, dir, line);
	s->given_up |= line_too_long(held);
	if (!smtp_flow_goes_on(&s->flow, dir, held))
		return NULL;
	return container_of(smtp_held_take(list), struct packet, held);
}

/* D11: does the ACK say that the server lacks more than the end of the awaited line? Where
 * a change of length has been ACKed only the sum of them is known, and an older ACK is
 * taken for less than it was.
 */
static bool acks_early(const struct sim *s, u32 ack)
{
	const struct model_dir *d = &s->model.d[0];
	const struct seqadj_way *way = &s->adj.seq[0];
	u32 tail = s->model.tail;

	if (d->len <= tail)
		return false;
	if (way->offset_before == way->offset_after && (s32)(ack - s->acked_far[0]) < 0)
		return (s32)(ack - way->offset_after + tail - d->len) < 0;
	return (s32)(ack - model_at(d, d->len - tail)) < 0;
}

/* How many packets do the headers take that are read? What is above SMTP_MESSAGE_WORK in one
 * packet waits for an ACK.
 */
static u32 header_packets(const struct plan *p)
{
	u32 packets = 0, i, at;

	if (!smtp_message_wanted(&p->policy))
		return 0;
	for (i = 0; i < p->nr_items; i++) {
		const char *text = (const char *)p->text + p->items[i].off;

		if (p->items[i].kind != ITEM_BODY)
			continue;
		/* Up to the empty line */
		for (at = 2; at < p->items[i].len; at++)
			if (text[at] == '\n' && text[at - 1 - (text[at - 1] == '\r')] == '\n')
				break;
		packets += at / SMTP_MESSAGE_WORK;
	}
	return packets;
}

/* T3: has the network lost nothing, and yet a client that keeps to the RFCs, or its server,
 * had to repeat what passes now? Of a header only so much is read at a time, and no copy is
 * kept of what follows the end of the connection, or is more than there is room for.
 */
static bool stalled(const struct sim *s, const struct packet *pkt)
{
	return s->filtering == MEASURED && s->plan.client == CLIENT_POLITE && pkt->again &&
	       !s->resuming && !s->ended && !s->given_up && !header_packets(&s->plan);
}

static void filter_packet(struct sim *s, struct packet *pkt)
{
	int dir = pkt->dir;
	struct model_dir *d = &s->model.d[dir];
	u32 isn = s->plan.isn[dir], old = d->len, next, to, i, at, n;
	s64 off = (s32)(pkt->seq - isn);
	enum smtp_verdict v;
	u8 *orig = NULL, *out;
	u32 seq, ack, out_len, room, cut;
	struct segment g = {
		.t.seg = {
			.seq = pkt->seq, .len = pkt->len, .mss = pkt->mss,
			.ack = pkt->ack, .has_ack = true, .fin = pkt->fin,
			.pass = 0xdeadbeef, .ops = &test_segment_ops,
		},
		.t.hooks = &seg_hooks, .t.adj = &s->adj, .t.pull = s->resuming ? 0 : s->plan.pull,
		.t.dir = dir, .t.data = pkt->data, .t.frag = s->plan.frag,
		.s = s,
	};
	struct model *m = &s->model;
	bool tls, reply, opaque, held, short_of, unmasked;

	if (s->plan.policy.observe) {
		observe(s, pkt);
		return;
	}
	if (pkt->forged) {
		/* conntrack lets no ACK pass of what was not sent */
		pkt->ack = s->plan.isn[0] + s->model.d[0].flat_len;
		g.t.seg.ack = pkt->ack;
		RULE(m, H4);
	} else {
		opening_packet(s, dir);
	}
	sim_trace(s, "filter", pkt);
	s->piece++;
	if (pkt->len) {
		orig = arena(s, pkt->len);
		if (!orig) {
			s->over = true;
			longjmp(sim_failed, 2);
		}
		memcpy(orig, pkt->data, pkt->len);
	}
	at = pkt->ack - s->plan.isn[!dir];
	if ((s32)(at - s->acked_far[!dir]) > 0) {
		s->acked_far[!dir] = at;
		s->acked[!dir] = model_from(&m->d[!dir], at);
		m->acked[!dir] = s->acked[!dir];
	}
	room = pkt->mss && pkt->mss < pkt->len ? pkt->mss : pkt->len;
	if (room < 536)
		room = 536;
	g.t.seg.room = s->plan.loopback ? 0 : room;
	m->elastic = !s->plan.loopback;
	m->room = room;
	tls = m->state == M_TLS;
	m->early = dir && acks_early(s, pkt->ack - s->plan.isn[0]);
	/* kmod/path/help.c: not asked any more */
	opaque = smtp_flow_opaque(&s->flow);
	if (opaque) {
		v = SMTP_PASS;
		g.t.seg.pass = pkt->len;
		if (!tls)
			sim_fail(s, "opaque before TLS");
		for (i = 0; i < 2; i++)
			if (s->adj.seq[i].offset_before != s->adj.seq[i].offset_after)
				sim_fail(s, "contract 5: opaque and never settled");
	} else {
		reclaim(s);
		v = smtp_flow_segment(&s->flow, dir, &g.t.seg, HOST_OF(&s->flow));
		if (!pkt->forged)
			keep(s, pkt, &g, v);
	}
	m->begin = smtp_stream_begin(&s->flow.stream[dir], &g.t.seg) - isn;
	if (host.error)
		sim_fail(s, "%s", host.error);
	if (host.bytes > MEMORY_MAX)
		sim_fail(s, "contract 6: the flow holds %llu octets",
			 (unsigned long long)host.bytes);
	if (smtp_flow_ended(&s->flow) && !s->ended) {
		if (s->trace)
			printf("         %s\n", smtp_verdict_resets(smtp_flow_ended(&s->flow)) ?
			       "RESET" : "END");
		check_ended(s, pkt, orig, smtp_flow_ended(&s->flow));
		s->ended = 1;
	}
	if (smtp_verdict_resets(v)) {
		if (!smtp_flow_finished(&s->flow))
			sim_fail(s, "reset before what was in order has arrived");
		v = SMTP_DROP;
	}
	if (s->ended && smtp_flow_finished(&s->flow)) {
		s->reset = ++s->ended > 10;
		if (s->flow.sealed && pkt->len + pkt->fin && v != SMTP_DROP)
			sim_fail(s, "a packet passed behind the connection's end");
		if (v == SMTP_DROP)
			return;
	}
	if (v != SMTP_PASS && v != SMTP_DROP)
		sim_fail(s, "no such verdict: %d", v);
	if (v == SMTP_PASS && g.t.seg.pass > pkt->len)
		sim_fail(s, "passes more than there is");
	if (v == SMTP_PASS && g.t.failed)
		sim_fail(s, "passed although writing failed");
	n = v == SMTP_PASS ? g.t.seg.pass : 0;
	/* Both offsets must be the same in what follows the ACK: contract 5 */
	if (!model_in_flight(m, dir) && !g.t.adjusted &&
	    s->adj.seq[dir].offset_before != s->adj.seq[dir].offset_after)
		sim_fail(s, "contract 5: not settled behind the ACK");
	if (!tls) {
		s64 k;

		/* The model may look at what the core has looked at */
		for (k = off < old ? old : off; k < off + pkt->len && k < SIM_CAP; k++)
			if (!s->seen[dir][k])
				d->in[k] = orig[k - off];
		next = s->flow.stream[dir].next - isn;
		if ((s32)(next - old) < 0 || next > SIM_CAP)
			sim_fail(s, "next went back, from %u to %u", old, next);
		if (next > old && stalled(s, pkt))
			sim_fail(s, "T3: octets from %u on passed when they were repeated", old);
		for (i = 0; i < pkt->len; i++)
			if (off + i >= old && off + i < next)
				first_copy(s, dir, off + i, orig[i]);
		/* What has not come is a chunk's, says the model below */
		for (to = old; to < next && s->seen[dir][to]; to++)
			;
		if (next > old && v == SMTP_DROP && !g.t.failed)
			sim_fail(s, "judged up to %u and dropped", next);
		if (dir && next > old) {
			u32 rest = off + pkt->len - old;

			held = s->held || s->hold.at == old;
			if (held && (rest <= s->held ||
				     (s->hold.at == old && rest <= s->hold.rest)))
				s->vain = true;
			s->held = 0;
		}
		short_of = memory_short(s);
		m->sight_sure = all_in_sight(s, pkt);
		m->sight = to;
		/* Lines that are rewritten end where judging did, if room did */
		if (off <= old && off + pkt->len > next &&
		    (m->sight_sure || (g.t.adjusted && !(dir && short_of)) ||
		     (!dir && smtp_flow_rated(&s->flow))))
			m->sight = off + pkt->len;
		/* Cut there; where writing failed nothing of it leaves. Where memory is
		 * short, it may not be masked what made the core cut it.
		 */
		cut = g.t.failed ? g.t.seg.pass : n;
		i = n < 2 ? 0 : n - 2;
		unmasked = short_of && n && !memcmp(pkt->data + i, orig + i, n - i);
		m->body_sight = !dir && !unmasked && off + cut == to ? off + pkt->len : to;
		model_judge(&s->model, dir, to);
		if (s->model.error)
			sim_fail(s, "%s", s->model.error);
		if (s->model.ended && !s->ended)
			sim_fail(s, "the policy ends the connection, and it goes on");
		if (s->model.reset)
			sim_fail(s, "D4: an end of data has left in parts, no reset");
		if (d->len != next)
			sim_fail(s, "contract 3: judged up to %u, the model says %u",
				 next, d->len);
	}
	/* What the rules say of what follows is told by what was in sight */
	m->sight = off <= d->len && off + pkt->len > d->len ? off + pkt->len : d->len;
	reply = dir && !tls && reply_held(s, pkt, off);
	seq = pkt->seq + g.t.seg.skip;
	ack = pkt->ack;
	seqadj_adjust(&s->adj, dir, &seq, &ack);
	out = g.t.spliced ? g.t.spliced : pkt->data;
	out_len = g.t.spliced ? g.t.spliced_len : n;
	if (v == SMTP_PASS && n) {
		if (off < old)
			RULE(m, T2);
		if (off + n > s->left_high[dir]) {
			if (s->left_high[dir] < old && stalled(s, pkt))
				sim_fail(s, "T3: octets from %u on were judged and left when they were repeated",
					 s->left_high[dir]);
			s->left_high[dir] = off + n;
		}
		for (i = 0; i < n; i++)
			if (off + i >= 0 && off + i < SIM_CAP)
				first_copy(s, dir, off + i, orig[i]);
		if (off > d->len)
			check_ahead(s, off, n);
		else if (off + n > d->len && s->model.state != M_TLS)
			sim_fail(s, "octet %u passed and was not judged", d->len);
		if (s->model.state == M_TLS) {
			for (i = d->len; i < s->seen_high[dir] &&
			     s->seen[dir][i]; i++)
				;
			model_judge(&s->model, dir, i);
		}
		check_output(s, pkt, orig, out, out_len, seq, n);
	}
	check_patience(s);
	check_turns(s, false);
	if (!g.t.lowered)
		check_prompt(s, pkt, orig, n, v, old, reply);
	if (s->trace && (v == SMTP_DROP || n < pkt->len))
		printf("         %s %u\n", v == SMTP_DROP ? "DROP" : "CUT", n);
	if (v == SMTP_DROP || pkt->forged)
		return;
	if (n < pkt->len)
		pkt->fin = false;
	if (n < pkt->len && !n)
		return;
	if (g.t.spliced) {
		const struct model_edit *e = &d->edits[d->nr_edits - 1];
		s64 first = (s64)model_at(d, e->pos) - (s32)(seq - isn);

		pkt->mss = 0;
		pkt->solid = first > 0 ? first : 0;
		pkt->solid_end = first + e->len > 0 ? first + e->len : 0;
	}
	n = out_len;
	pkt->data = out;
	pkt->seq = seq;
	pkt->ack = ack;
	pkt->len = n;
	pkt->stage = 1;
	if (!pkt->mss || n <= pkt->mss) {
		pkt->mss = 0;
		sim_send(s, pkt);
		return;
	}
	for (at = 0; at < n; at += pkt->mss)
		sim_send(s, copy_part(s, pkt, at, n - at < pkt->mss ? n - at :
				      pkt->mss));
}

/* kmod/path/kept.c: smtp_kept_resume() */
static void resume(struct sim *s)
{
	struct packet *pkt;

	s->resuming = true;
	while (s->due) {
		int dir = s->due >> 1;

		pkt = resumed(s, dir);
		if (!pkt) {
			s->due &= ~(1 << dir);
			continue;
		}
		RULE(&s->model, T4);
		s->took.waits += !dir && pkt->held.what == SMTP_HOLDS_REPLY;
		sim_trace(s, "resume", pkt);
		s->due |= 1 << !dir;
		filter_packet(s, pkt);
	}
	s->resuming = false;
}

/* A packet comes by, and perhaps those that are kept go on */
static void filter(struct sim *s, struct packet *pkt)
{
	if (s->filtering == UNFILTERED) {
		forward(s, pkt);
		return;
	}
	s->due |= 1 << !pkt->dir;
	filter_packet(s, pkt);
	resume(s);
}

/* When the next turn comes that somebody waits for */
static u64 next_turn(const struct sim *s)
{
	u64 next = UINT64_MAX;
	u32 i;

	for (i = 0; i < 2; i++)
		if (s->turn[i].at && !s->turn[i].come && s->turn[i].at < next)
			next = s->turn[i].at;
	return next;
}

/* X7, kmod/path/turn.c: smtp_turn_resume(). Without a copy the sender has to repeat. */
static void turn_comes(struct sim *s)
{
	u32 i;

	for (i = 0; i < 2; i++)
		s->turn[i].come |= s->turn[i].at <= s->now;
	if (!smtp_flow_rated(&s->flow) || s->filtering == UNFILTERED)
		return;
	smtp_flow_turn(&s->flow);
	if (rng_permille(&s->rng_turn, 200))
		s->kept[0] = NULL;
	s->due |= 1;
	resume(s);
}

/* D4: does what only some servers take for an end of data pass? */
static bool lets_be(const struct plan *p)
{
	return p->model.smuggling == MODEL_SMUGGLING_OFF ||
	       p->model.smuggling == MODEL_SMUGGLING_LOG;
}

/* Does the octet at @i of a body that begins at @begin end its data? */
static bool ends_data(const u8 *body, u32 begin, u32 i)
{
	if (i < begin + 2 || memcmp(body + i - 2, ".\r\n", 3))
		return false;
	return i == begin + 2 ||
	       (i >= begin + 4 && !memcmp(body + i - 4, "\r\n", 2));
}

/* Is the octet at @at, as it left, none of a command or message to the server any more? Its
 * STARTTLS may have ended at CR.
 */
static bool server_opaque(const struct sim *s, u32 at)
{
	return s->server.state == SRV_TLS && at >= s->server.tls_from;
}

/* The far end has received [from, to) in order: T2 */
void sim_delivered(struct sim *s, int dir, u32 from, u32 to)
{
	const u8 *rx = s->end[!dir].rx;
	const struct model_dir *d = &s->model.d[dir];
	bool loose = s->plan.rewrites && !dir;
	u32 i, begin, end, k, by;

	if (s->filtering == UNFILTERED)
		return;
	if (s->plan.policy.observe) {
		if (!loose && memcmp(rx + from, s->end[dir].tx + from, to - from))
			sim_fail(s, "observe: octets from %u on arrived changed", from);
		return;
	}
	if (to > d->flat_len)
		sim_fail(s, "octet %u was delivered and never judged", d->flat_len);
	for (i = from; i < to; i++) {
		/* H4; and nothing of it is kept any more when TLS has begun */
		if (s->plan.forged_acks && !dir &&
		    (rx[i] == '*' || smtp_flow_opaque(&s->flow)))
			continue;
		if (loose && (d->from[i] >= s->model.tls_at[0] || server_opaque(s, i)))
			break;
		if (loose && model_unread(&s->model, d->from[i]))
			continue;
		if (loose && body_of(s, d->from[i], &begin, &end) >= 0) {
			u8 c1, c2;

			/* There are no edits in a body */
			by = i - d->from[i];
			begin += by;
			if (end != UINT32_MAX)
				end += by;
			c1 = i >= begin + 1 ? rx[i - 1] : '\n';
			c2 = i >= begin + 2 ? rx[i - 2] : '\n';

			if (ends_data(rx, begin, i) && !ends_data(d->flat, begin, i))
				sim_fail(s, "D3: a repetition brought an end of data at %u", i);
			if (i == begin || (!is_eol(rx[i]) && rx[i]) ||
			    c1 != '.' || !is_eol(c2)) {
				if (i + 5 >= end && i + 1 == end &&
				    rx[i] != d->flat[i])
					sim_fail(s, "D3: the end of data at %u was rewritten", i);
				continue;
			}
			/* One that is let be may be another one of them */
			for (k = i >= begin + 2 ? i - 2 : begin; k <= i; k++)
				if (rx[k] != d->flat[k] &&
				    !(is_eol(rx[k]) && is_eol(d->flat[k]) &&
				      (k < i - 1 || lets_be(&s->plan))) &&
				    !(k == i && lets_be(&s->plan) &&
				      (is_eol(rx[k]) || !rx[k]) &&
				      (is_eol(d->flat[k]) || !d->flat[k] ||
				       crossed(s, k, rx[k]))))
					sim_fail(s, "D4: a repetition smuggled an end of data in at %u", i);
			continue;
		}
		if (!dir) {
			u8 c = d->flat[i];

			if (model_crossed(&s->model, d->from[i], &c) && rx[i] == c)
				continue;
		}
		if (rx[i] != d->flat[i] && (dir || !crossed(s, i, rx[i])))
			sim_fail(s, "T2: octet %u arrived as 0x%02x, the model says 0x%02x", i, rx[i], d->flat[i]);
	}
}

/* --- the run --- */

static void setup(struct sim *s, u64 seed, const struct diet *diet, bool trace)
{
	struct plan plan = s->plan;
	struct tcp_end end[2] = { s->end[0], s->end[1] };
	u32 i;

	if (!s->arena) {
		s->arena = malloc(ARENA);
		if (!s->arena)
			abort();
		for (i = 0; i < 2; i++) {
			s->seen[i] = calloc(1, SIM_CAP);
			end[i].tx = calloc(1, SIM_CAP);
			end[i].edge = calloc(1, SIM_CAP);
			end[i].begun = calloc(1, SIM_CAP + 1);
			end[i].rx = calloc(1, SIM_CAP);
			end[i].have = calloc(1, SIM_CAP);
			if (!s->seen[i] || !end[i].tx || !end[i].edge ||
			    !end[i].begun || !end[i].rx || !end[i].have)
				abort();
		}
	}
	for (i = 0; i < 2; i++) {
		memset(s->seen[i], 0, s->seen_high[i]);
		memset(end[i].edge, 0, end[i].tx_len + 1);
		memset(end[i].begun, 0, end[i].tx_len + 1);
		memset(end[i].have, 0, end[i].rx_high);
		memset(&s->end[i], 0, sizeof(s->end[i]));
		s->end[i].tx = end[i].tx;
		s->end[i].edge = end[i].edge;
		s->end[i].begun = end[i].begun;
		s->end[i].rx = end[i].rx;
		s->end[i].have = end[i].have;
		s->seen_high[i] = 0;
		s->left_high[i] = 0;
		s->acked[i] = 0;
		s->acked_far[i] = 0;
	}
	s->plan = plan;
	plan_make(&s->plan, seed);
	plan_diet(&s->plan, diet);
	if (s->filtering != FILTERED)
		plan_measure(&s->plan);
	s->diet = diet;
	s->trace = trace;
	model_init(&s->model, &s->plan.model);
	if (s->plan.preset)
		s->model.rules |= RULE_BIT(s->plan.preset - SMTP_FIXUP_MODE_MAILHOST +
					   RULE_MAILHOST);
	smtp_flow_init(&s->flow, &s->plan.policy, s->plan.isn[0], s->plan.isn[1]);
	memset(&s->server, 0, sizeof(s->server));
	memset(&s->client, 0, sizeof(s->client));
	s->server.rng = rng_make(seed, 3);
	s->client.rng = rng_make(seed, 4);
	s->rng_tcp = rng_make(seed, 5);
	s->rng_net = rng_make(seed, 6);
	s->rng_fail = rng_make(seed, 7);
	s->rng_forget = rng_make(seed, 14);
	s->rng_turn = rng_make(seed, 20);
	memset(s->turn, 0, sizeof(s->turn));
	s->heap_len = 0;
	s->arena_len = 0;
	s->now = 0;
	s->order = 0;
	s->packets = 0;
	s->decisions = 0;
	s->piece = 0;
	s->reset = false;
	s->ended = 0;
	s->cause = ENDED_NOT;
	s->over = false;
	s->events = 0;
	s->error[0] = 0;
	s->kind = NULL;
	s->held = 0;
	memset(&s->adj, 0, sizeof(s->adj));
	memset(&s->hold, 0, sizeof(s->hold));
	s->given_up = false;
	s->hold.at = UINT32_MAX;
	s->vain = false;
	s->failing_piece = 0;
	s->kept[0] = NULL;
	s->kept[1] = NULL;
	s->due = 0;
	s->resuming = false;
	tcp_init(s, 0);
	tcp_init(s, 1);
	host.fail = s->plan.alloc_fail ? alloc_fails : NULL;
	host.fail_arg = s;
	host.admits = admits;
	host.admits_arg = s;
}

static bool done(const struct sim *s)
{
	return s->reset || (s->end[0].fin_acked && s->end[1].fin_acked &&
			    s->end[0].fin_got && s->end[1].fin_got);
}

/* Nothing more will ever arrive */
static bool stuck(const struct sim *s)
{
	return s->end[0].timeouts > 25 || s->end[1].timeouts > 25;
}

static void loop(struct sim *s)
{
	bool again = s->plan.fair;	/* with a network that has become perfect */

	while (!done(s)) {
		u64 t0 = tcp_next_timer(&s->end[0]);
		u64 t1 = tcp_next_timer(&s->end[1]);
		u64 t = t0 < t1 ? t0 : t1;
		u64 turn = next_turn(s);
		struct packet *pkt;

		if (++s->events > MAX_EVENTS) {
			s->over = true;
			return;
		}
		if (turn <= t && turn != UINT64_MAX &&
		    (!s->heap_len || turn <= s->heap[0]->when)) {
			s->now = turn;
			turn_comes(s);
			continue;
		}
		if (s->heap_len && s->heap[0]->when <= t) {
			s->now = s->heap[0]->when;
			pkt = heap_take(s, 0);
			if (pkt->stage) {
				sim_trace(s, "arrive", pkt);
				tcp_input(s, pkt);
			} else {
				filter(s, merge(s, pkt));
			}
			continue;
		}
		if (t == UINT64_MAX)
			return;
		s->now = t;
		tcp_timers(s, t0 <= t1 ? 0 : 1);
		if (stuck(s)) {
			if (!again)
				return;
			again = false;
			if (s->packets < FAIR_PACKETS)
				s->packets = FAIR_PACKETS;
			s->end[0].timeouts = 0;
			s->end[1].timeouts = 0;
		}
	}
}

/* Has the far end got all octets that this side sent, as the model says? */
static bool octets_arrived(const struct sim *s, int dir)
{
	const struct model_dir *d = &s->model.d[dir];

	if (s->plan.policy.observe)
		return s->end[!dir].rcv_nxt == s->end[dir].tx_len;
	return d->len == s->end[dir].tx_len && s->end[!dir].rcv_nxt == d->flat_len;
}

/* ... and its FIN? */
static bool arrived(const struct sim *s, int dir)
{
	return octets_arrived(s, dir) && s->end[!dir].fin_got;
}

static void check_end(struct sim *s)
{
	if (s->over && s->plan.fair)
		sim_fail(s, "no end after %u events", MAX_EVENTS);
	if (s->ended && !smtp_flow_finished(&s->flow) && !s->over &&
	    s->plan.fair && s->plan.client == CLIENT_POLITE)
		sim_fail(s, "what was in order before the end has not arrived");
	if (s->ended || s->over || !s->plan.fair)
		return;
	if (!s->plan.policy.observe && s->model.policy.banner != MODEL_TEXT) {
		u64 masked = !!(s->model.rules & RULE_BIT(RULE_G1));

		if (host_events("G1") != masked)
			sim_fail(s, "M: %llu events of G1",
				 (unsigned long long)host_events("G1"));
		if (masked)
			RULE(&s->model, M);
	}
	/* H7: the lines of a chunk whose BDAT is blocked are answered, too, and the client may
	 * wait for another reply than the server owes
	 */
	if (s->model.chunk_blocked && octets_arrived(s, 0) && octets_arrived(s, 1))
		return;
	if (!arrived(s, 1))
		sim_fail(s, "the client never got all of the server's octets: %u sent, %u judged, left as %u, arrived %u",
			 s->end[1].tx_len, s->model.d[1].len,
			 s->model.d[1].flat_len, s->end[0].rcv_nxt);
	if (s->server.state == SRV_QUIT)
		return;
	if (!s->plan.policy.observe && s->plan.client != CLIENT_HOSTILE)
		check_turns(s, true);
	if (!arrived(s, 0))
		sim_fail(s, "the server never got all of the client's octets: %u sent, %u judged, left as %u, arrived %u",
			 s->end[0].tx_len, s->model.d[0].len,
			 s->model.d[0].flat_len, s->end[1].rcv_nxt);
}

static void run(struct sim *s, u64 seed, const struct diet *diet, bool trace)
{
	host_reset();
	setup(s, seed, diet, trace);
	if (setjmp(sim_failed))
		goto release;
	opening_begin(s);
	server_start(s);
	client_start(s);
	loop(s);
	if (s->filtering != UNFILTERED)
		check_end(s);
release:
	smtp_flow_release(&s->flow, HOST_OF(&s->flow));
	if (!*s->error && (host.bytes || host.blocks))
		snprintf(s->error, sizeof(s->error),
			 "contract 6: %llu octets leaked",
			 (unsigned long long)host.bytes);
	if (!*s->error && host.error)
		snprintf(s->error, sizeof(s->error), "%s", host.error);
}

/* T3, T4: how long it takes where nothing is lost, with the filter and without. Where
 * that lets something pass which the filter does not, another dialogue follows: only
 * as many replies can be compared.
 */
static void measure(struct sim *s, u64 seed, const struct diet *diet, bool trace)
{
	static const char wrong[] = "T4: %llu with the filter, %llu without";
	u32 replies, commands;
	u64 more;

	s->filtering = MEASURED;
	s->took.waits = 0;
	run(s, seed, diet, trace);
	if (*s->error || s->ended || s->over || s->given_up || !done(s))
		return;
	/* RFC 5321, 3.3: of a body that was refused, and is sent all the same, the lines are
	 * commands, and each may be blocked
	 */
	if (s->server.commands > 2 * s->plan.nr_items + 2)
		return;
	replies = s->client.got;
	commands = s->server.commands;
	s->took.with = s->now;
	s->filtering = UNFILTERED;
	run(s, seed, diet, false);
	s->took.without = s->now;
	s->took.done = !*s->error && !s->over && done(s) && s->client.got == replies &&
		       s->server.commands == commands;
	if (s->took.done && s->plan.client == CLIENT_POLITE)
		RULE(&s->model, T3);
	/* Each wait for the server takes the time that a packet needs there and back */
	more = SECOND + 2 * (header_packets(&s->plan) + s->took.waits) *
	       (s->plan.net[1].delay + s->plan.net[1].jitter);
	if (!s->took.done || s->took.with <= s->took.without + more ||
	    2 * s->took.with <= 3 * s->took.without)
		return;
	snprintf(s->error, sizeof(s->error), wrong, (unsigned long long)s->took.with,
		 (unsigned long long)s->took.without);
	s->kind = wrong;
}

bool sim_run(struct sim *s, u64 seed, const struct diet *diet, bool trace)
{
	s->filtering = FILTERED;
	s->took.done = false;
	run(s, seed, diet, trace);
	return !*s->error;
}

/* Of a run of that seed that has passed */
bool sim_measure(struct sim *s, u64 seed, const struct diet *diet, bool trace)
{
	s->took.done = false;
	if (s->plan.fair)
		measure(s, seed, diet, trace);
	return !*s->error;
}

void sim_free(struct sim *s)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(s->seen[i]);
		free(s->end[i].tx);
		free(s->end[i].edge);
		free(s->end[i].begun);
		free(s->end[i].rx);
		free(s->end[i].have);
	}
	free(s->arena);
	free(s->heap);
	free(s->plan.text);
	model_free(&s->model);
}
