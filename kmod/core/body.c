// SPDX-License-Identifier: GPL-2.0-only
/* Body: the end of data. See body.h. */
#include "body.h"

/* smtp_body_steps[][]: what else an octet can lead to */
#define SMTP_BODY_END		(SMTP_BODY_DOT_CR + 1)	/* CRLF.CRLF: D3 */
#define SMTP_BODY_SMUGGLED	(SMTP_BODY_DOT_CR + 2)	/* its like: D4 */

enum smtp_octet { OCTET_OTHER, OCTET_CR, OCTET_LF, OCTET_DOT };

static const u8 smtp_octets[256] = {
	['\r'] = OCTET_CR, ['\n'] = OCTET_LF, ['.'] = OCTET_DOT,
};

#define TEXT	SMTP_BODY_TEXT
#define SMUGGLED SMTP_BODY_SMUGGLED
static const u8 smtp_body_steps[SMTP_BODY_DOT_CR + 1][4] = {
	/*			  other	    CR	    LF	     dot */
	[SMTP_BODY_TEXT]	= { TEXT, SMTP_BODY_CR, SMTP_BODY_LF, TEXT },
	[SMTP_BODY_CR]		= { TEXT, SMTP_BODY_CR, SMTP_BODY_CRLF, SMTP_BODY_BAD_DOT },
	[SMTP_BODY_LF]		= { TEXT, SMTP_BODY_CR, SMTP_BODY_LF, SMTP_BODY_BAD_DOT },
	[SMTP_BODY_CRLF]	= { TEXT, SMTP_BODY_CR, SMTP_BODY_LF, SMTP_BODY_DOT },
	[SMTP_BODY_DOT]		= { TEXT, SMTP_BODY_DOT_CR, SMUGGLED, TEXT },
	[SMTP_BODY_BAD_DOT]	= { TEXT, SMUGGLED, SMUGGLED, TEXT },
	[SMTP_BODY_DOT_CR]	= { SMUGGLED, SMUGGLED, SMTP_BODY_END, SMUGGLED },
};

#undef TEXT
#undef SMUGGLED

const u8 smtp_end_of_data[SMTP_END_OF_DATA_LEN] = {
	'\r', '\n', '.', '\r', '\n'
};

static u8 smtp_body_step(u8 state, u8 c)
{
	return smtp_body_steps[state][smtp_octets[c]];
}

static bool smtp_is_eol(u8 c)
{
	return c == '\r' || c == '\n';
}

/* Where is the first dot behind a CR or LF? Dots are rare, and rarer than
 * line ends: look for them, a word at a time. Not p[0]. n when there is none.
 */
static u32 smtp_find_line_dot(const u8 *p, u32 n)
{
	const u64 ones = 0x0101010101010101ULL;
	u32 i = 1;
	u32 end;

	while (i < n) {
		for (; i + 32 <= n; i += 32) {
			u64 w[4], hit = 0;
			int k;

			memcpy(w, p + i, sizeof(w));
			for (k = 0; k < 4; k++) {
				w[k] ^= '.' * ones;
				hit |= (w[k] - ones) & ~w[k];
			}
			if (hit & (0x80 * ones))
				break;
		}
		end = i + 32 <= n ? i + 32 : n;
		for (; i < end; i++)
			if (p[i] == '.' && smtp_is_eol(p[i - 1]))
				return i;
	}
	return n;
}

/* Runs over octets as long as nothing happens. Returns how many; fewer than
 * n where the next one leads to *event.
 */
static u32 smtp_body_run(u8 *state, const u8 *p, u32 n, u8 *event)
{
	u8 s = *state;
	u32 i = 0;

	*event = 0;
	while (i < n) {
		u32 until = i + 1;

		if (s == SMTP_BODY_TEXT) {
			/* The state at the end of the octets that hold no
			 * such dot depends on the last four alone, the state
			 * at a dot on the two before it.
			 */
			u32 dot = i + smtp_find_line_dot(p + i, n - i);

			if (dot < n) {
				until = dot + 1;
				if (i + 2 < dot)
					i = dot - 2;
			} else {
				until = n;
				if (i + 4 < n)
					i = n - 4;
			}
		}
		for (; i < until; i++) {
			u8 step = smtp_body_step(s, p[i]);

			if (unlikely(step > SMTP_BODY_DOT_CR)) {
				*event = step;
				goto out;
			}
			s = step;
		}
	}
out:
	*state = s;
	return i;
}

/* -- marks -------------------------------------------------------------- */

static struct smtp_mark *smtp_mark_find(const struct smtp_stream *st, u32 seq,
					u8 kind)
{
	u32 i;

	for (i = 0; i < st->nr_marks; i++)
		if (st->marks[i].seq == seq && st->marks[i].kind == kind)
			return &st->marks[i];
	return NULL;
}

static bool smtp_mark_add(struct smtp_flow *flow, u32 seq, u8 kind, u8 state)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	struct smtp_mark *mark = smtp_mark_find(st, seq, kind);
	u32 i;

	if (mark) {
		mark->state = state;
		return true;
	}
	if (st->nr_marks == st->max_marks) {
		u32 max = st->max_marks ? 2 * st->max_marks : 16;
		struct smtp_mark *marks = NULL;

		if (max <= SMTP_MARKS_MAX)
			marks = smtp_host_alloc(max * sizeof(*marks));
		if (!marks) {
			smtp_host_count(flow, SMTP_FIXUP_CNT_MEMORY_REFUSED, 1);
			return false;
		}
		if (st->marks)
			memcpy(marks, st->marks, st->nr_marks * sizeof(*marks));
		smtp_host_free(st->marks, st->max_marks * sizeof(*marks));
		st->marks = marks;
		st->max_marks = max;
	}
	for (i = st->nr_marks; i && smtp_seq_before(seq, st->marks[i - 1].seq); i--)
		st->marks[i] = st->marks[i - 1];
	st->marks[i].seq = seq;
	st->marks[i].kind = kind;
	st->marks[i].state = state;
	st->nr_marks++;
	return true;
}

void smtp_body_forget(struct smtp_stream *st)
{
	smtp_host_free(st->marks, st->max_marks * sizeof(*st->marks));
	st->marks = NULL;
	st->nr_marks = 0;
	st->max_marks = 0;
}

void smtp_body_ack(struct smtp_stream *st)
{
	u32 gone;

	/* Keep what is compared with live sequence numbers near them */
	if (st->in_body) {
		if (st->acked - st->body_start > SMTP_END_OF_DATA_LEN)
			st->body_start = st->acked - SMTP_END_OF_DATA_LEN;
	} else if (!smtp_seq_before(st->acked, st->body_end)) {
		st->body_start = st->acked;
		st->body_end = st->acked;
	}

	for (gone = 0; gone < st->nr_marks; gone++)
		if (!smtp_seq_before(st->marks[gone].seq, st->acked))
			break;
	if (!gone)
		return;
	st->nr_marks -= gone;
	memmove(st->marks, st->marks + gone, st->nr_marks * sizeof(*st->marks));
	if (!st->nr_marks)
		smtp_body_forget(st);
}

/* The octet at @seq leaves as a space */
static bool smtp_body_space(struct smtp_flow *flow, u32 seq)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 i;

	if (!smtp_mark_add(flow, seq, SMTP_MARK_SPACE, SMTP_BODY_TEXT))
		return false;
	for (i = 0; i < st->nr_marks; i++) {
		if (st->marks[i].seq == seq + 1)
			st->marks[i].state = SMTP_BODY_TEXT;
		else if (st->marks[i].seq == seq + 2)
			st->marks[i].state = SMTP_BODY_CR;
	}
	smtp_host_count(flow, SMTP_FIXUP_CNT_SMUGGLING_DOTS, 1);
	smtp_host_count(flow, SMTP_FIXUP_CNT_BYTES_MASKED, 1);
	return true;
}

/* D4: the octet @c at stream->next completes what some servers take for an
 * end of data. Overwrite the dot, or where it has left before @piece, the
 * octet behind it.
 */
static enum smtp_verdict smtp_body_defuse(struct smtp_flow *flow, u32 piece,
					  u8 c, bool *taken)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u8 between = st->state == SMTP_BODY_DOT_CR;	/* octets behind the dot */
	u32 dot = st->next - 1 - between;
	u8 after = between ? SMTP_BODY_CR : SMTP_BODY_TEXT;

	*taken = true;
	if (!smtp_seq_before(dot, piece)) {
		*taken = smtp_body_space(flow, dot);
	} else if (!between) {
		*taken = smtp_body_space(flow, st->next);
		c = ' ';
	} else if (!smtp_seq_before(dot + 1, piece)) {
		*taken = smtp_body_space(flow, dot + 1);
		after = SMTP_BODY_TEXT;
	} else {
		return SMTP_RESET;
	}
	if (*taken)
		st->state = smtp_body_step(after, c);
	return SMTP_PASS;
}

/* -- judging ------------------------------------------------------------ */

static u32 smtp_wire_len(const struct smtp_segment *seg)
{
	return seg->mss && seg->mss < seg->len ? seg->mss : seg->len;
}

void smtp_body_begin(struct smtp_stream *st)
{
	st->in_body = true;
	st->state = SMTP_BODY_CRLF;	/* that of the DATA line: D3 */
	st->body_start = st->next;
	st->mss = 0;
}

enum smtp_verdict smtp_body_judge(struct smtp_flow *flow,
				  struct smtp_segment *seg, u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 wire = smtp_wire_len(seg);
	u32 edge = off ? (off - 1) / wire * wire + wire : 0;
	u32 piece = st->next;

	if (wire > st->mss)
		st->mss = wire < 0xffff ? wire : 0xffff;

	while (off < to) {
		const u8 *p;
		u32 n, done;
		bool taken;
		u8 event;

		p = seg->read(seg, off, &n);
		if (n > to - off)
			n = to - off;
		for (; edge < off + n; edge += wire)
			if (smtp_octets[p[edge - off]])
				break;
		if (edge == off) {
			if (!smtp_mark_add(flow, st->next, SMTP_MARK_EDGE,
					   st->state))
				return SMTP_PASS;
			edge += wire;
			continue;
		}
		if (edge < off + n)
			n = edge - off;

		done = smtp_body_run(&st->state, p, n, &event);
		off += done;
		st->next += done;
		if (!event)
			continue;

		if (event == SMTP_BODY_END) {
			st->next++;
			st->in_body = false;
			st->body_end = st->next;
			return st->nr_ahead ? SMTP_RESET : SMTP_PASS;
		}
		if (smtp_body_defuse(flow, piece, p[done], &taken) == SMTP_RESET)
			return SMTP_RESET;
		if (!taken)
			return SMTP_PASS;
		off++;
		st->next++;
	}
	return SMTP_PASS;
}

enum smtp_verdict smtp_body_close_gap(struct smtp_stream *st)
{
	while (st->nr_ahead && st->ahead[0].start == st->next) {
		/* What passed ahead does not begin with LF: CRLF.CR */
		if (st->state == SMTP_BODY_DOT_CR)
			return SMTP_RESET;
		st->next = st->ahead[0].end;
		st->state = st->ahead[0].state;
		st->nr_ahead--;
		memmove(st->ahead, st->ahead + 1,
			st->nr_ahead * sizeof(*st->ahead));
	}
	return SMTP_PASS;
}

/* Runs over [from, to) of the segment, with what leaves as a space, from a
 * known state. False where something happens.
 */
static bool smtp_body_quiet(const struct smtp_stream *st,
			    struct smtp_segment *seg, u32 from, u32 to,
			    u8 *state)
{
	u32 mark = 0;

	while (from != to) {
		u32 n;
		u8 event;
		const u8 *p = seg->read(seg, from - seg->seq, &n);

		while (mark < st->nr_marks &&
		       (smtp_seq_before(st->marks[mark].seq, from) ||
			st->marks[mark].kind != SMTP_MARK_SPACE))
			mark++;
		if (mark < st->nr_marks && st->marks[mark].seq == from) {
			p = (const u8 *)" ";
			n = 1;
		} else if (mark < st->nr_marks &&
			   n > st->marks[mark].seq - from) {
			n = st->marks[mark].seq - from;
		}
		if (n > to - from)
			n = to - from;
		if (smtp_body_run(state, p, n, &event) < n)
			return false;
		from += n;
	}
	return true;
}

/* Could [from, to) of the segment begin with the rest of an end of data? */
static bool smtp_body_head_open(struct smtp_segment *seg, u32 from, u32 to)
{
	u32 n;
	const u8 *p = seg->read(seg, from - seg->seq, &n);

	if (*p != '.')
		return smtp_is_eol(*p);
	if (from + 1 == to)
		return true;
	p = seg->read(seg, from + 1 - seg->seq, &n);
	return smtp_is_eol(*p);
}

u32 smtp_body_kept_from(const struct smtp_stream *st)
{
	if (st->in_body)
		return st->next;
	if (st->body_end - st->body_start < SMTP_END_OF_DATA_LEN)
		return st->body_start;
	return st->body_end - SMTP_END_OF_DATA_LEN;
}

bool smtp_body_repeat(const struct smtp_stream *st, struct smtp_segment *seg,
		      u32 from, u32 to)
{
	const struct smtp_mark *mark = smtp_mark_find(st, from, SMTP_MARK_EDGE);
	u8 state = SMTP_BODY_TEXT;
	u32 i;

	if (mark)
		state = mark->state;
	else if (from == st->body_start)
		state = SMTP_BODY_CRLF;
	else if (smtp_body_head_open(seg, from, to))
		return false;

	if (!smtp_body_quiet(st, seg, from, to, &state))
		return false;

	/* What follows was judged behind the first copy of this */
	if (state == SMTP_BODY_TEXT)
		return true;
	if (to == st->next && st->in_body)
		return state == st->state;
	if (to == smtp_body_kept_from(st))
		return state < SMTP_BODY_DOT;
	for (i = 0; i < st->nr_ahead; i++)
		if (to == st->ahead[i].end)
			return state == st->ahead[i].state;
	mark = smtp_mark_find(st, to, SMTP_MARK_EDGE);
	return !mark || mark->state == state;
}

/* Marks the wire segments' edges of what passes ahead of a gap */
static bool smtp_ahead_edges(struct smtp_flow *flow, struct smtp_segment *seg,
			     u8 state)
{
	u32 wire = smtp_wire_len(seg);
	u32 from = seg->seq;
	u32 edge, n;

	for (edge = 0; edge < seg->len; edge += wire) {
		if (!smtp_octets[*seg->read(seg, edge, &n)])
			continue;
		smtp_body_quiet(&flow->stream[SMTP_CLIENT], seg, from,
				seg->seq + edge, &state);
		from = seg->seq + edge;
		if (!smtp_mark_add(flow, from, SMTP_MARK_EDGE, state))
			return false;
	}
	return true;
}

static void smtp_marks_remove(struct smtp_stream *st, u32 from, u32 to)
{
	u32 i, kept = 0;

	for (i = 0; i < st->nr_marks; i++)
		if (smtp_seq_before(st->marks[i].seq, from) ||
		    !smtp_seq_before(st->marks[i].seq, to))
			st->marks[kept++] = st->marks[i];
	st->nr_marks = kept;
}

enum smtp_verdict smtp_body_ahead(struct smtp_flow *flow,
				  struct smtp_segment *seg)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 end = seg->seq + seg->len;
	u8 state = SMTP_BODY_TEXT;
	u8 before;
	u32 i;

	for (i = 0; i < st->nr_ahead; i++) {
		struct smtp_ahead *a = &st->ahead[i];

		if (!smtp_seq_before(a->start, end))
			break;
		if (smtp_seq_before(seg->seq, a->end)) {
			if (smtp_seq_before(seg->seq, a->start) ||
			    smtp_seq_before(a->end, end))
				return SMTP_DROP;
			return smtp_body_repeat(st, seg, seg->seq, end) ?
			       SMTP_PASS : SMTP_DROP;
		}
	}

	/* Short segments are what ends a body, and the commands behind it: if
	 * the gap turned out to hold the end of data, they would have passed
	 * unjudged.
	 */
	if (!st->mss || smtp_wire_len(seg) < st->mss)
		return SMTP_DROP;

	/* ahead[i] is the first range behind the segment */
	if (i && st->ahead[i - 1].end == seg->seq)
		state = st->ahead[i - 1].state;
	else if (st->nr_ahead == SMTP_NR_AHEAD ||
		 smtp_body_head_open(seg, seg->seq, end))
		return SMTP_DROP;

	before = state;
	if (!smtp_body_quiet(st, seg, seg->seq, end, &state))
		return SMTP_DROP;
	if (!smtp_ahead_edges(flow, seg, before)) {
		smtp_marks_remove(st, seg->seq, end);
		return SMTP_DROP;
	}

	if (i && st->ahead[i - 1].end == seg->seq) {
		i--;
	} else {
		memmove(&st->ahead[i + 1], &st->ahead[i],
			(st->nr_ahead - i) * sizeof(*st->ahead));
		st->ahead[i].start = seg->seq;
		st->nr_ahead++;
	}
	st->ahead[i].end = end;
	st->ahead[i].state = state;
	return SMTP_PASS;
}

int smtp_body_overwrite(const struct smtp_stream *st, struct smtp_segment *seg)
{
	u32 i;

	for (i = 0; i < st->nr_marks; i++) {
		u32 off = st->marks[i].seq - seg->seq;
		int err;

		if (st->marks[i].kind != SMTP_MARK_SPACE || off >= seg->pass)
			continue;
		err = seg->write(seg, off, (const u8 *)" ", 1);
		if (err)
			return err;
	}
	return 0;
}
