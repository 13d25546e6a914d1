// SPDX-License-Identifier: GPL-2.0-only
/* Marks: what is remembered of the dots of a body. See marks.h. */
#include "events.h"
#include "marks.h"

u32 smtp_mark_behind(const struct smtp_stream *st, u32 seq)
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

struct smtp_mark *smtp_mark_at(const struct smtp_stream *st, u32 seq)
{
	u32 i = smtp_mark_behind(st, seq);

	if (i == st->nr_marks || smtp_seq_before(seq, st->marks[i].seq))
		return NULL;
	return &st->marks[i];
}

void *smtp_array_grow(struct smtp_flow *flow, void *array, u32 size, u32 room)
{
	void *larger = smtp_host_alloc(flow, SMTP_MEMORY_BODY, room);

	if (!larger) {
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return NULL;
	}
	if (array)
		memcpy(larger, array, size);
	smtp_host_free(flow, SMTP_MEMORY_BODY, array, size);
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

bool smtp_marks_grow(struct smtp_flow *flow)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 room = st->max_marks + st->marks_aside;
	u32 max = room ? 2 * room : SMTP_MARKS_MIN;
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
	marks = smtp_array_grow(flow, st->marks, room * sizeof(*marks),
				max * sizeof(*marks));
	if (!marks)
		return false;
	st->marks = marks;
	st->max_marks = max - st->marks_aside;
	memcpy(marks + st->max_marks, marks + room - st->marks_aside,
	       st->marks_aside * sizeof(*marks));
	return true;
}

void __smtp_marks_join(struct smtp_stream *st)
{
	memmove(st->marks + st->nr_marks, st->marks + st->max_marks,
		st->marks_aside * sizeof(*st->marks));
	st->max_marks += st->marks_aside;
	st->nr_marks += st->marks_aside;
	st->marks_aside = 0;
}

/* Those from index @i on */
static void smtp_marks_set_aside(struct smtp_stream *st, u32 i)
{
	smtp_marks_join(st);
	st->marks_aside = st->nr_marks - i;
	st->nr_marks = i;
	st->max_marks -= st->marks_aside;
	memmove(st->marks + st->max_marks, st->marks + i,
		st->marks_aside * sizeof(*st->marks));
}

bool smtp_mark_add(struct smtp_flow *flow, u32 seq, u32 len, u8 kind,
		   bool eol_before)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 i = smtp_mark_behind(st, seq);
	struct smtp_mark *m;

	if (kind == SMTP_MARK_DOTS && i) {
		m = &st->marks[i - 1];
		if (smtp_mark_end(m) == seq && m->kind == kind &&
		    m->len + len <= SMTP_MARK_LEN_MAX) {
			m->len += len;
			return true;
		}
	}
	if (i < st->nr_marks)
		smtp_marks_set_aside(st, i);
	if (st->nr_marks == st->max_marks && !smtp_marks_grow(flow))
		return false;
	st->marks[st->nr_marks++] = (struct smtp_mark) {
		.seq = seq, .len = len, .kind = kind, .eol_before = eol_before,
	};
	return true;
}

void smtp_mark_end_behind(struct smtp_stream *st, u32 seq)
{
	struct smtp_mark *m = smtp_mark_at(st, seq - 1);

	if (m && m->kind == SMTP_MARK_DOTS)
		m->end_behind = true;
}

void smtp_mark_wrong_before(struct smtp_stream *st, u32 seq, u8 state)
{
	struct smtp_mark *m = smtp_mark_at(st, seq);

	if (!m || m->seq != seq)
		return;
	if (state == SMTP_BODY_CR)
		m->wrong = SMTP_WRONG_CR_BEFORE;
	else if (state == SMTP_BODY_LF)
		m->wrong = SMTP_WRONG_LF_BEFORE;
	st->wrongs |= m->wrong;
}

void smtp_mark_wrong_behind(struct smtp_stream *st, u32 seq, u8 wrong)
{
	struct smtp_mark *m = smtp_mark_at(st, seq);

	if (m && !m->wrong)
		m->wrong = wrong;
	st->wrongs = true;
}

void smtp_marks_remove(struct smtp_stream *st, u32 from, u32 to)
{
	u32 i = smtp_mark_behind(st, from - 1);
	u32 kept = i;

	for (; i < st->nr_marks; i++) {
		struct smtp_mark m = st->marks[i];

		if (smtp_seq_before(m.seq, from)) {
			if (!smtp_seq_before(smtp_mark_end(&m), from)) {
				m.len = from - m.seq;
				m.end_behind = false;
			}
		} else if (smtp_seq_before(m.seq, to)) {
			continue;
		}
		st->marks[kept++] = m;
	}
	st->nr_marks = kept;
}

void smtp_marks_ack(struct smtp_stream *st)
{
	u32 gone = smtp_marks_acked(st);

	/* Not few of many: that would move many for each ACK */
	if (2 * gone > st->nr_marks)
		smtp_marks_drop(st, gone);
}

void smtp_marks_forget(struct smtp_flow *flow, struct smtp_stream *st)
{
	smtp_host_free(flow, SMTP_MEMORY_BODY, st->marks,
		       st->max_marks * sizeof(*st->marks));
	st->marks = NULL;
	st->nr_marks = 0;
	st->max_marks = 0;
	st->spaces = false;
	st->wrongs = false;
}
