// SPDX-License-Identifier: GPL-2.0-only
/* Ahead: segments of a body beyond a gap. See ahead.h. */
#include "ahead.h"
#include "body.h"
#include "events.h"
#include "marks.h"
#include "octets.h"
#include "reading.h"
#include "repeat.h"

/* What the octets that a range begins with lead to behind @state */
static u8 smtp_ahead_step(u8 state, u8 eols)
{
	if (eols > 1)
		state = smtp_body_step(state, '\r');
	if (state <= SMTP_BODY_DOT_CR)
		state = smtp_body_step(state, eols ? '\n' : 'x');
	return state;
}

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
	u8 c;

	if (seg->len > 2 && smtp_segment_octet(seg, seg->seq) == '\r')
		n = 1;
	if (seg->len > n + 1 && smtp_segment_octet(seg, seg->seq + n) == '\n')
		n++;
	else if (n)
		return false;
	*eols = n;
	c = smtp_segment_octet(seg, seg->seq + n);
	return !smtp_is_eol(c) && c != '.';
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

enum smtp_verdict smtp_ahead_judge(struct smtp_flow *flow,
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
			return smtp_repeat_judge(st, seg, seg->seq, end) ?
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
	smtp_marks_join(st);
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

enum smtp_verdict smtp_ahead_close_gap(struct smtp_flow *flow, u32 piece)
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
		} else if (event == SMTP_BODY_SMUGGLED) {
			enum smtp_verdict verdict;

			verdict = smtp_body_defuse(flow, piece, st->next,
						   &stuck);
			smtp_marks_join(st);
			if (verdict == SMTP_RESET || stuck)
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

void smtp_ahead_skip(struct smtp_flow *flow, u32 seq)
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

void smtp_ahead_forget(struct smtp_flow *flow, struct smtp_stream *st)
{
	smtp_host_free(flow, SMTP_MEMORY_BODY, st->ahead,
		       st->max_ahead * sizeof(*st->ahead));
	st->ahead = NULL;
	st->nr_ahead = 0;
	st->max_ahead = 0;
}
