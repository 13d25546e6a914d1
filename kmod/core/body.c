// SPDX-License-Identifier: GPL-2.0-only
/* Body: the end of data. See body.h. */
#include "body.h"
#include "find.h"
#include "limits.h"
#include "octets.h"

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

/* Does the state follow a CR or LF? */
static bool smtp_body_at_eol(u8 state)
{
	return state == SMTP_BODY_CR || state == SMTP_BODY_LF ||
	       state == SMTP_BODY_CRLF || state == SMTP_BODY_DOT_CR;
}

/* The state behind octets that follow plain text and hold no dot but in text */
static u8 smtp_body_state_behind(const u8 *p, u32 n)
{
	if (!n || !smtp_is_eol(p[n - 1]))
		return SMTP_BODY_TEXT;
	if (p[n - 1] == '\r')
		return SMTP_BODY_CR;
	return n > 1 && p[n - 2] == '\r' ? SMTP_BODY_CRLF : SMTP_BODY_LF;
}

/* -- marks -------------------------------------------------------------- */

static u32 smtp_mark_end(const struct smtp_mark *m)
{
	return m->seq + m->len;
}

/* Index of the first mark that ends behind @seq */
static u32 smtp_mark_behind(const struct smtp_stream *st, u32 seq)
{
	u32 low = 0, high = st->nr_marks;

	/* Most often the last one, or behind it */
	if (!high || !smtp_seq_before(seq, smtp_mark_end(&st->marks[high - 1])))
		return high;
	if (!smtp_seq_before(seq, st->marks[high - 1].seq))
		return high - 1;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (smtp_seq_before(seq, smtp_mark_end(&st->marks[mid])))
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The mark that @seq belongs to */
static struct smtp_mark *smtp_mark_at(const struct smtp_stream *st, u32 seq)
{
	u32 i = smtp_mark_behind(st, seq);

	if (i == st->nr_marks || smtp_seq_before(seq, st->marks[i].seq))
		return NULL;
	return &st->marks[i];
}

/* Moves an array of @size octets to one of @room; NULL: no memory */
static void *smtp_array_grow(struct smtp_flow *flow, void *array, u32 size,
			     u32 room)
{
	void *larger = smtp_host_alloc(room);

	if (!larger) {
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return NULL;
	}
	if (array)
		memcpy(larger, array, size);
	smtp_host_free(array, size);
	return larger;
}

/* How many marks are of what the far end has? Not the dot right before it, nor
 * that before a CR: a repetition may begin behind those.
 */
static u32 smtp_marks_acked(const struct smtp_stream *st)
{
	return smtp_mark_behind(st, st->acked - 2);
}

static void smtp_marks_drop(struct smtp_stream *st, u32 gone)
{
	st->nr_marks -= gone;
	memmove(st->marks, st->marks + gone, st->nr_marks * sizeof(*st->marks));
}

/* Makes room for a mark at least */
static bool smtp_marks_grow(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 max = st->max_marks ? 2 * st->max_marks : SMTP_MARKS_MIN;
	u32 gone = smtp_marks_acked(st);
	struct smtp_mark *marks;

	if (gone) {
		smtp_marks_drop(st, gone);
		return true;
	}
	if (max > SMTP_MARKS_MAX) {
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return false;
	}
	marks = smtp_array_grow(flow, st->marks,
				st->max_marks * sizeof(*marks),
				max * sizeof(*marks));
	if (!marks)
		return false;
	st->marks = marks;
	st->max_marks = max;
	return true;
}

/* Adds a mark of one octet; false: no room */
static bool smtp_mark_add(struct smtp_flow *flow, u32 seq, u8 kind,
			  bool eol_before)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 i = smtp_mark_behind(st, seq);
	struct smtp_mark *m;

	if (kind == SMTP_MARK_DOTS && i) {
		m = &st->marks[i - 1];
		if (smtp_mark_end(m) == seq && m->kind == kind &&
		    m->len < 0xffff) {
			m->len++;
			return true;
		}
	}
	if (st->nr_marks == st->max_marks) {
		if (!smtp_marks_grow(flow))
			return false;
		i = smtp_mark_behind(st, seq);
	}
	m = &st->marks[i];
	if (i < st->nr_marks)
		memmove(m + 1, m, (st->nr_marks - i) * sizeof(*m));
	st->nr_marks++;
	*m = (struct smtp_mark) {
		.seq = seq, .len = 1, .kind = kind, .eol_before = eol_before,
	};
	return true;
}

/* Adds a mark of a dot with no line end before it and no dot beside it, behind
 * all others, where there is room: almost all dots are such. False: none was
 * added.
 */
static inline bool smtp_mark_append(struct smtp_stream *st, u32 seq,
				    bool eol_behind)
{
	if (st->nr_marks == st->max_marks ||
	    (st->nr_marks &&
	     !smtp_seq_before(smtp_mark_end(&st->marks[st->nr_marks - 1]), seq)))
		return false;
	st->marks[st->nr_marks++] = (struct smtp_mark) {
		.seq = seq, .len = 1, .kind = SMTP_MARK_DOTS,
		.eol_behind = eol_behind,
	};
	return true;
}

/* The octet at @seq is a CR or LF: was there a dot before it? */
static void smtp_mark_eol_behind(struct smtp_stream *st, u32 seq)
{
	struct smtp_mark *m = smtp_mark_at(st, seq - 1);

	if (m && m->kind == SMTP_MARK_DOTS)
		m->eol_behind = true;
}

/* The dot at @seq follows @state and may be let be: why is it no end of data? */
static void smtp_mark_wrong_before(struct smtp_stream *st, u32 seq, u8 state)
{
	struct smtp_mark *m = smtp_mark_at(st, seq);

	if (!m || m->seq != seq)
		return;
	if (state == SMTP_BODY_CR)
		m->wrong = SMTP_WRONG_CR_BEFORE;
	else if (state == SMTP_BODY_LF)
		m->wrong = SMTP_WRONG_LF_BEFORE;
}

/* ... and the dot at @seq, behind CRLF: for what is behind it */
static void smtp_mark_wrong_behind(struct smtp_stream *st, u32 seq, u8 wrong)
{
	struct smtp_mark *m = smtp_mark_at(st, seq);

	if (m && !m->wrong)
		m->wrong = wrong;
}

/* Takes back the marks of octets that were looked at and not let through */
static void smtp_marks_remove(struct smtp_stream *st, u32 from, u32 to)
{
	u32 i = smtp_mark_behind(st, from - 1);
	u32 kept = i;

	for (; i < st->nr_marks; i++) {
		struct smtp_mark m = st->marks[i];

		if (smtp_seq_before(m.seq, from)) {
			if (!smtp_seq_before(smtp_mark_end(&m), from)) {
				m.len = from - m.seq;
				m.eol_behind = false;
			}
		} else if (smtp_seq_before(m.seq, to)) {
			continue;
		}
		st->marks[kept++] = m;
	}
	st->nr_marks = kept;
}

void smtp_body_forget(struct smtp_stream *st)
{
	smtp_host_free(st->marks, st->max_marks * sizeof(*st->marks));
	st->marks = NULL;
	st->nr_marks = 0;
	st->max_marks = 0;
	smtp_host_free(st->ahead, st->max_ahead * sizeof(*st->ahead));
	st->ahead = NULL;
	st->nr_ahead = 0;
	st->max_ahead = 0;
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
		smtp_body_forget(st);
	}

	/* Not few of many: that would move many for each ACK */
	gone = smtp_marks_acked(st);
	if (2 * gone > st->nr_marks)
		smtp_marks_drop(st, gone);
}

/* The octet at @seq leaves as a space */
static bool smtp_body_space(struct smtp_flow *flow, u32 seq)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	struct smtp_mark *dot = smtp_mark_at(st, seq);

	if (dot) {
		dot->kind = SMTP_MARK_SPACE;
	} else {
		if (!smtp_mark_add(flow, seq, SMTP_MARK_SPACE, false))
			return false;
		dot = smtp_mark_at(st, seq - 1);
		if (dot)
			dot->eol_behind = false;
	}
	smtp_event(flow, SMTP_FIXUP_EVENT_SMUGGLING_DOT, NULL, 0);
	smtp_host_count(flow, SMTP_FIXUP_CNT_BYTES_MASKED, 1);
	return true;
}

/* D4: the octet at stream->next would complete what some servers take for an
 * end of data. Overwrite the dot, or where that has left, the octet behind it:
 * what has not is [@from, @to). *@stuck: no room for a mark.
 */
static enum smtp_verdict smtp_body_defuse(struct smtp_flow *flow, u32 from,
					  u32 to, bool *stuck)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	bool dot_cr = st->state == SMTP_BODY_DOT_CR;
	u32 dot = st->next - 1 - dot_cr;
	u32 space = dot;

	if (smtp_seq_before(space, from))
		space++;
	if (smtp_seq_before(space, from) || !smtp_seq_before(space, to))
		return SMTP_RESET;
	*stuck = !smtp_body_space(flow, space);
	if (*stuck)
		return SMTP_PASS;
	st->state = dot_cr && space == dot ? SMTP_BODY_CR : SMTP_BODY_TEXT;
	if (space == st->next)
		st->next++;
	return SMTP_PASS;
}

/* D4 is not to be masked, and the octet at stream->next is such a case */
static void smtp_body_see(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	if (st->state == SMTP_BODY_DOT_CR)
		smtp_mark_wrong_behind(st, st->next - 2, SMTP_WRONG_CR_BEHIND);
	else
		smtp_mark_wrong_behind(st, st->next - 1, SMTP_WRONG_LF_BEHIND);
	if (flow->policy->smuggling == SMTP_FIXUP_SMUGGLING_OFF)
		return;
	smtp_event(flow, SMTP_FIXUP_EVENT_SMUGGLING_SEEN, NULL, 0);
	if (flow->policy->smuggling == SMTP_FIXUP_SMUGGLING_DROP)
		smtp_flow_end(flow, SMTP_RESET);
}

/* ... and its octet, @c, is text like any other. False: no room for a mark. */
static bool smtp_body_let_be(struct smtp_flow *flow, u8 c)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	bool dot_cr = st->state == SMTP_BODY_DOT_CR;

	if (c == '.' && !smtp_mark_add(flow, st->next, SMTP_MARK_DOTS, dot_cr))
		return false;
	if (c == '.')
		smtp_mark_wrong_before(st, st->next, SMTP_BODY_CR);
	if (smtp_is_eol(c))
		smtp_mark_eol_behind(st, st->next);
	smtp_body_see(flow);
	st->state = smtp_body_step(dot_cr ? SMTP_BODY_CR : SMTP_BODY_TEXT, c);
	st->next++;
	return true;
}

/* -- judging ------------------------------------------------------------ */

/* Runs over octets that follow plain text, the first of them no dot, and marks
 * the dots that smtp_mark_append() is for. Returns how many, up to another dot.
 */
static u32 smtp_body_text(struct smtp_stream *st, u32 seq, const u8 *p, u32 n)
{
	bool vector = n >= SMTP_VECTOR_MIN && smtp_vector_begin();
	u32 i = 0;

	for (;; i++) {
		u8 behind;

		i += smtp_find(p + i, n - i, '.', vector);
		if (n - i < 2 || smtp_octets[p[i - 1]])
			break;
		behind = smtp_octets[p[i + 1]];
		if (behind == OCTET_DOT || !smtp_mark_append(st, seq + i, behind))
			break;
	}
	if (vector)
		smtp_vector_end();
	return i;
}

/* Runs over octets and marks their dots, as long as nothing happens. @seq is
 * that of p[0]. Returns how many; fewer than n where the next one leads to
 * *event, or without an event, where there is no room for a mark.
 */
static u32 smtp_body_run(struct smtp_flow *flow, u8 *state, u32 seq,
			 const u8 *p, u32 n, u8 *event)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u8 s = *state;
	u32 i = 0;

	*event = 0;
	if (st->nr_marks && smtp_is_eol(p[0]))
		smtp_mark_eol_behind(st, seq);
	while (i < n) {
		u8 step;

		if (s == SMTP_BODY_TEXT && p[i] != '.') {
			u32 text = smtp_body_text(st, seq + i, p + i, n - i);

			s = smtp_body_state_behind(p + i, text);
			i += text;
			if (i == n)
				break;
		}
		step = smtp_body_step(s, p[i]);
		if (unlikely(step > SMTP_BODY_DOT_CR)) {
			*event = step;
			break;
		}
		if (p[i] == '.') {
			if (!smtp_mark_add(flow, seq + i, SMTP_MARK_DOTS,
					   smtp_body_at_eol(s)))
				break;
			if (flow->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK)
				smtp_mark_wrong_before(st, seq + i, s);
			if (i + 1 < n && smtp_is_eol(p[i + 1]))
				smtp_mark_eol_behind(st, seq + i + 1);
		}
		s = step;
		i++;
	}
	*state = s;
	return i;
}

static u32 smtp_wire_len(const struct smtp_segment *seg)
{
	return seg->mss && seg->mss < seg->len ? seg->mss : seg->len;
}

bool smtp_body_short(const struct smtp_stream *st,
		     const struct smtp_segment *seg)
{
	return !st->mss || smtp_wire_len(seg) < st->mss;
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
	u32 start = st->next - off;
	u32 piece = st->next;

	if (wire > st->mss)
		st->mss = wire < 0xffff ? wire : 0xffff;

	while (off < to) {
		const u8 *p;
		u32 n, done;
		bool stuck;
		u8 event;

		p = seg->read(seg, off, &n);
		if (n > to - off)
			n = to - off;
		done = smtp_body_run(flow, &st->state, st->next, p, n, &event);
		stuck = done < n && !event;
		st->next += done;
		if (event == SMTP_BODY_END)
			st->next++;
		else if (event &&
			 flow->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK)
			stuck = !smtp_body_let_be(flow, p[done]);
		else if (event &&
			 smtp_body_defuse(flow, piece, start + to,
					  &stuck) == SMTP_RESET)
			return SMTP_RESET;
		smtp_reading_octets(flow, p, st->next - start - off);
		if (event == SMTP_BODY_END) {
			st->in_body = false;
			st->body_end = st->next;
			return st->nr_ahead ? SMTP_RESET : SMTP_PASS;
		}
		if (stuck || smtp_flow_over(flow))
			return SMTP_PASS;
		off = st->next - start;
	}
	return SMTP_PASS;
}

/* What the octets that a range begins with lead to behind @state */
static u8 smtp_ahead_step(u8 state, u8 eols)
{
	if (eols > 1)
		state = smtp_body_step(state, '\r');
	if (state <= SMTP_BODY_DOT_CR)
		state = smtp_body_step(state, eols ? '\n' : 'x');
	return state;
}

enum smtp_verdict smtp_body_close_gap(struct smtp_flow *flow, u32 piece)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];

	while (st->nr_ahead && st->ahead[0].start == st->next) {
		u8 event = smtp_ahead_step(st->state, st->ahead[0].eols);
		bool stuck = false;

		/* The end, and what is behind it has passed */
		if (event == SMTP_BODY_END)
			return SMTP_RESET;
		if (event == SMTP_BODY_SMUGGLED &&
		    flow->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK) {
			smtp_body_see(flow);
			if (smtp_flow_over(flow))
				return flow->ended;
		} else if (event == SMTP_BODY_SMUGGLED &&
			   (smtp_body_defuse(flow, piece, st->next,
					     &stuck) == SMTP_RESET || stuck)) {
			return SMTP_RESET;
		}
		if (st->ahead[0].eols)
			smtp_mark_eol_behind(st, st->next);
		st->next = st->ahead[0].end;
		st->state = st->ahead[0].state;
		piece = st->next;
		smtp_reading_gap(flow);
		st->nr_ahead--;
		memmove(st->ahead, st->ahead + 1,
			st->nr_ahead * sizeof(*st->ahead));
	}
	return SMTP_PASS;
}

void smtp_body_skip(struct smtp_flow *flow, u32 seq)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 i;

	for (i = 0; i < st->nr_ahead; i++)
		if (!smtp_seq_before(st->ahead[i].start, seq))
			break;
	if (i) {
		st->nr_ahead -= i;
		memmove(st->ahead, st->ahead + i,
			st->nr_ahead * sizeof(*st->ahead));
	}
	st->next = seq;
	st->body_start = seq;	/* what comes late is not compared */
	st->state = SMTP_BODY_TEXT;
	smtp_reading_gap(flow);
}

/* -- repetitions -------------------------------------------------------- */

static u8 smtp_segment_octet(struct smtp_segment *seg, u32 seq)
{
	u32 n;

	return *seg->read(seg, seq - seg->seq, &n);
}

/* Are the octets [from, to) of the segment all dots, or none of them? */
static bool smtp_segment_dots(struct smtp_segment *seg, u32 from, u32 to,
			      bool dots)
{
	while (smtp_seq_before(from, to)) {
		u32 i, n;
		const u8 *p = seg->read(seg, from - seg->seq, &n);

		if (n > to - from)
			n = to - from;
		if (!dots && smtp_find(p, n, '.', false) < n)
			return false;
		for (i = 0; dots && i < n; i++)
			if (p[i] != '.')
				return false;
		from += n;
	}
	return true;
}

/* What the octet at @seq of the segment will leave as */
static u8 smtp_leaves_as(const struct smtp_stream *st, struct smtp_segment *seg,
			 u32 seq)
{
	const struct smtp_mark *m = smtp_mark_at(st, seq);

	if (m && m->kind == SMTP_MARK_SPACE)
		return ' ';
	return smtp_segment_octet(seg, seq);
}

static bool smtp_leaves_as_eol(const struct smtp_stream *st,
			       struct smtp_segment *seg, u32 seq)
{
	return smtp_is_eol(smtp_leaves_as(st, seg, seq));
}

u32 smtp_body_kept_from(const struct smtp_stream *st)
{
	if (st->in_body)
		return st->next;
	if (st->body_end - st->body_start < SMTP_END_OF_DATA_LEN)
		return st->body_start;
	return st->body_end - SMTP_END_OF_DATA_LEN;
}

/* Would the octets [from, to) of the segment make an end of data of a dot that
 * was let be? D4
 */
static bool smtp_body_repairs(const struct smtp_stream *st,
			      struct smtp_segment *seg, u32 from, u32 to)
{
	u32 i;

	for (i = smtp_mark_behind(st, from - 2); i < st->nr_marks; i++) {
		const struct smtp_mark *m = &st->marks[i];
		u32 at = m->seq;
		u8 right = '\n';

		if (smtp_seq_before(to + 2, m->seq))
			break;
		switch (m->wrong) {
		case SMTP_WRONG_CR_BEFORE:
			at = m->seq - 1;
			break;
		case SMTP_WRONG_LF_BEFORE:
			at = m->seq - 2;
			right = '\r';
			break;
		case SMTP_WRONG_LF_BEHIND:
			at = smtp_mark_end(m);
			right = '\r';
			break;
		case SMTP_WRONG_CR_BEHIND:
			at = smtp_mark_end(m) + 1;
			break;
		default:
			continue;
		}
		if (!smtp_seq_before(at, from) && smtp_seq_before(at, to) &&
		    smtp_segment_octet(seg, at) == right)
			return true;
	}
	return false;
}

/* What follows was or will be judged behind the first copy of the octets before
 * @end, behind which the state is @state. Are those of [from, to) among them the
 * same line ends? A dot behind CR or LF alone may be let be: those stay alone.
 */
static bool smtp_body_ends_alike(const struct smtp_stream *st,
				 struct smtp_segment *seg, u32 from, u32 to,
				 u32 end, u8 state)
{
	if (state == SMTP_BODY_LF && smtp_seq_before(from, end - 1) &&
	    !smtp_seq_before(to, end - 1) &&
	    smtp_leaves_as(st, seg, end - 2) == '\r')
		return false;
	if (to != end)
		return true;
	switch (state) {
	case SMTP_BODY_CR:
	case SMTP_BODY_DOT_CR:
		return smtp_leaves_as(st, seg, end - 1) == '\r';
	case SMTP_BODY_LF:
	case SMTP_BODY_CRLF:
		return smtp_leaves_as(st, seg, end - 1) == '\n';
	}
	return !smtp_leaves_as_eol(st, seg, end - 1);
}

bool smtp_body_repeat(const struct smtp_stream *st, struct smtp_segment *seg,
		      u32 from, u32 to)
{
	u32 checked = from;
	u32 i;

	if (smtp_body_repairs(st, seg, from, to))
		return false;

	/* From the mark that ends right before @from to the one right behind */
	for (i = smtp_mark_behind(st, from - 1); i < st->nr_marks; i++) {
		const struct smtp_mark *m = &st->marks[i];
		u32 start = smtp_seq_max(m->seq, from);
		u32 end = smtp_seq_min(smtp_mark_end(m), to);

		if (smtp_seq_before(to, m->seq))
			break;
		if (!smtp_segment_dots(seg, checked, start, false))
			return false;
		checked = smtp_seq_max(checked, end);
		if (m->kind == SMTP_MARK_SPACE)
			continue;
		if (!smtp_segment_dots(seg, start, end, true))
			return false;
		if (smtp_seq_before(from, m->seq) &&
		    smtp_leaves_as_eol(st, seg, m->seq - 1) != m->eol_before)
			return false;
		end = smtp_mark_end(m);
		if (smtp_seq_before(end, to) &&
		    smtp_leaves_as_eol(st, seg, end) != m->eol_behind)
			return false;
	}
	if (!smtp_segment_dots(seg, checked, to, false))
		return false;

	if (st->in_body &&
	    !smtp_body_ends_alike(st, seg, from, to, st->next, st->state))
		return false;
	for (i = 0; i < st->nr_ahead; i++)
		if (!smtp_body_ends_alike(st, seg, from, to, st->ahead[i].end,
					  st->ahead[i].state))
			return false;
	return true;
}

/* -- ahead of a gap ----------------------------------------------------- */

static bool smtp_ahead_grow(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 max = st->max_ahead ? 2 * st->max_ahead : SMTP_AHEAD_MIN;
	struct smtp_ahead *ahead;

	if (max > SMTP_AHEAD_MAX)
		return false;
	ahead = smtp_array_grow(flow, st->ahead,
				st->max_ahead * sizeof(*ahead),
				max * sizeof(*ahead));
	if (!ahead)
		return false;
	st->ahead = ahead;
	st->max_ahead = max;
	return true;
}

/* How many octets of a line end, LF or CRLF, does the segment begin with? A
 * gap's end of data can go on so, but then it is found when the gap closes.
 * False: with anything else that can be the rest of one.
 */
static bool smtp_ahead_begins(struct smtp_segment *seg, u8 *eols)
{
	u32 n = 0;

	if (seg->len > 2 && smtp_segment_octet(seg, seg->seq) == '\r')
		n = 1;
	if (seg->len > n + 1 && smtp_segment_octet(seg, seg->seq + n) == '\n')
		n++;
	else if (n)
		return false;
	*eols = n;
	return !smtp_octets[smtp_segment_octet(seg, seg->seq + n)];
}

/* Runs over the whole segment; false where something happens */
static bool smtp_ahead_run(struct smtp_flow *flow, struct smtp_segment *seg,
			   u8 *state)
{
	u32 off = 0;

	while (off < seg->len) {
		u32 n;
		u8 event;
		const u8 *p = seg->read(seg, off, &n);

		if (smtp_body_run(flow, state, seg->seq + off, p, n, &event) < n)
			return false;
		off += n;
	}
	return true;
}

enum smtp_verdict smtp_body_ahead(struct smtp_flow *flow,
				  struct smtp_segment *seg)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 end = seg->seq + seg->len;
	u8 state = SMTP_BODY_TEXT, eols = 0;
	bool joins, meets, fits;
	u32 i;

	for (i = 0; i < st->nr_ahead; i++) {
		struct smtp_ahead *a = &st->ahead[i];

		if (!smtp_seq_before(a->start, end))
			break;
		if (smtp_seq_before(seg->seq, a->end)) {
			if (smtp_seq_before(seg->seq, a->start) ||
			    smtp_seq_before(a->end, end))
				return SMTP_DROP;
			/* The end of the gap will be judged with these in mind */
			if (seg->seq == a->start &&
			    (!smtp_ahead_begins(seg, &eols) || eols != a->eols))
				return SMTP_DROP;
			return smtp_body_repeat(st, seg, seg->seq, end) ?
			       SMTP_PASS : SMTP_DROP;
		}
	}

	/* If the gap turned out to hold the end of data, they would have passed
	 * unjudged.
	 */
	if (smtp_body_short(st, seg))
		return SMTP_DROP;

	/* ahead[i] is the first range behind the segment */
	joins = i && st->ahead[i - 1].end == seg->seq;
	if (joins)
		state = st->ahead[i - 1].state;
	else if (!smtp_ahead_begins(seg, &eols))
		return SMTP_DROP;
	else if (st->nr_ahead == st->max_ahead && !smtp_ahead_grow(flow))
		return SMTP_DROP;

	/* A quarter of the room is left for what closes the gap: it could not
	 * pass while all of it is taken by marks that wait for it.
	 */
	fits = smtp_ahead_run(flow, seg, &state) && state != SMTP_BODY_DOT_CR;
	meets = i < st->nr_ahead && st->ahead[i].start == end;
	if (meets && smtp_ahead_step(state, st->ahead[i].eols) > SMTP_BODY_DOT_CR)
		fits = false;
	while (fits && 4 * st->nr_marks > 3 * st->max_marks)
		fits = smtp_marks_grow(flow);
	if (!fits) {
		smtp_marks_remove(st, seg->seq, end);
		return SMTP_DROP;
	}

	if (meets && st->ahead[i].eols)
		smtp_mark_eol_behind(st, end);
	if (joins) {
		i--;
	} else {
		memmove(&st->ahead[i + 1], &st->ahead[i],
			(st->nr_ahead - i) * sizeof(*st->ahead));
		st->ahead[i].start = seg->seq;
		st->ahead[i].eols = eols;
		st->nr_ahead++;
	}
	st->ahead[i].end = end;
	st->ahead[i].state = state;
	return SMTP_PASS;
}

int smtp_body_overwrite(const struct smtp_stream *st, struct smtp_segment *seg)
{
	u32 i;

	for (i = smtp_mark_behind(st, seg->seq); i < st->nr_marks; i++) {
		u32 off = st->marks[i].seq - seg->seq;
		int err;

		if (st->marks[i].kind != SMTP_MARK_SPACE)
			continue;
		if (off >= seg->pass)
			break;
		err = seg->write(seg, off, (const u8 *)" ", 1);
		if (err)
			return err;
	}
	return 0;
}
