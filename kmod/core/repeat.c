// SPDX-License-Identifier: GPL-2.0-only
/* Repeat: repetitions of a body. See repeat.h. */
#include "body.h"
#include "find.h"
#include "marks.h"
#include "octets.h"
#include "repeat.h"

/**
 * struct smtp_cursor - octets of a segment, one by one
 * @seg: the segment
 * @p: what was read last
 * @seq: sequence number of its first octet
 * @n: how many octets that is
 */
struct smtp_cursor {
	struct smtp_segment *seg;
	const u8 *p;
	u32 seq;
	u32 n;
};

static u8 smtp_cursor_octet(struct smtp_cursor *c, u32 seq)
{
	if (seq - c->seq >= c->n) {
		c->p = c->seg->read(c->seg, seq - c->seg->seq, &c->n);
		c->seq = seq;
	}
	return c->p[seq - c->seq];
}

/* What the octet at @seq of the segment will leave as */
static u8 smtp_leaves_as(const struct smtp_stream *st, struct smtp_cursor *c,
			 u32 seq)
{
	const struct smtp_mark *m = smtp_mark_at(st, seq);

	if (m && m->kind == SMTP_MARK_SPACE)
		return ' ';
	return smtp_cursor_octet(c, seq);
}

u32 smtp_repeat_kept_from(const struct smtp_stream *st)
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
static bool smtp_repeat_repairs(const struct smtp_stream *st,
				struct smtp_cursor *c, u32 from, u32 to)
{
	u32 i;

	if (!st->wrongs)
		return false;
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
		    smtp_cursor_octet(c, at) == right)
			return true;
	}
	return false;
}

/* What follows was or will be judged after the first copy of the octets before
 * @end, after which the state is @state. Are those of [from, to) among them the
 * same line ends? A dot after CR or LF alone may be let be: those stay alone.
 */
static bool smtp_repeat_ends_alike(const struct smtp_stream *st,
				   struct smtp_cursor *c, u32 from, u32 to,
				   u32 end, u8 state)
{
	u8 last;

	if (smtp_seq_before(to, end - 1))
		return true;
	if (state == SMTP_BODY_LF && smtp_seq_before(from, end - 1) &&
	    smtp_leaves_as(st, c, end - 2) == '\r')
		return false;
	if (to != end)
		return true;
	last = smtp_leaves_as(st, c, end - 1);
	switch (state) {
	case SMTP_BODY_CR:
	case SMTP_BODY_DOT_CR:
		return last == '\r';
	case SMTP_BODY_LF:
	case SMTP_BODY_CRLF:
		return last == '\n';
	}
	return !smtp_is_eol(last);
}

/**
 * struct smtp_walk - over a repetition and the marks, side by side
 * @st: the client's stream
 * @mark: index of the first mark that does not end before @seq
 * @seq: sequence number of the next octet
 * @begun: @before is one of the repetition
 * @before: the octet before @seq
 */
struct smtp_walk {
	const struct smtp_stream *st;
	u32 mark;
	u32 seq;
	bool begun;
	u8 before;
};

/* Does the mark at index @i say that the octet at @seq leaves as a space? */
static bool smtp_mark_is_space(const struct smtp_stream *st, u32 i, u32 seq)
{
	return i < st->nr_marks && st->marks[i].kind == SMTP_MARK_SPACE &&
	       st->marks[i].seq == seq;
}

/* Are the octets beside the dots of mark @i what they were? Those are at [@start,
 * @end) of the @n octets at @p.
 */
static bool smtp_walk_beside(const struct smtp_walk *w, u32 i, const u8 *p,
			     s32 start, s32 end, u32 n)
{
	const struct smtp_mark *m = &w->st->marks[i];

	if (start > 0 || (!start && w->begun)) {
		bool eol = smtp_is_eol(start ? p[start - 1] : w->before) &&
			   !(i && smtp_mark_is_space(w->st, i - 1, m->seq - 1));

		if (eol != m->eol_before)
			return false;
	}
	if ((u32)end < n) {
		bool ends = smtp_ends_dot(p[end]) &&
			    !smtp_mark_is_space(w->st, i + 1, smtp_mark_end(m));

		if (ends != m->end_behind)
			return false;
	}
	return true;
}

/* Walks over the next @n octets. False: they are not those of the first copy, as
 * far as dots and what is beside them go.
 */
static bool smtp_walk_octets(struct smtp_walk *w, const u8 *p, u32 n)
{
	const struct smtp_stream *st = w->st;
	struct smtp_finder dots;
	bool alike = false;
	u32 i, dot;

	smtp_finder_begin(&dots, p, n, '.', true);
	dot = smtp_finder_next(&dots);
	for (i = w->mark; i < st->nr_marks; i++) {
		const struct smtp_mark *m = &st->marks[i];
		s32 start = m->seq - w->seq;
		s32 end = start + m->len;
		u32 from = start < 0 ? 0 : start;	/* n: only beside it */
		u32 to = end < (s32)n ? (u32)end : n;

		if (start > (s32)n)
			break;
		if (dot < from)
			goto out;
		if (from < to && dot == from) {
			if (to - from > 1 && m->kind == SMTP_MARK_DOTS) {
				if (smtp_find_run(p + from, to - from, '.') <
				    to - from)
					goto out;
				smtp_finder_skip(&dots, to);
			}
			dot = smtp_finder_next(&dots);
		} else if (from < to && m->kind == SMTP_MARK_DOTS) {
			goto out;
		}
		if (m->kind == SMTP_MARK_DOTS &&
		    !smtp_walk_beside(w, i, p, start, end, n))
			goto out;
		if (end >= (s32)n)
			break;		/* the next octet is beside it, or one of it */
	}
	alike = dot == n;
	w->mark = i;
	w->seq += n;
	w->before = p[n - 1];
	w->begun = true;
out:
	smtp_finder_end(&dots);
	return alike;
}

bool smtp_repeat_judge(const struct smtp_stream *st, struct smtp_segment *seg,
		       u32 from, u32 to)
{
	struct smtp_cursor c = { .seg = seg };
	struct smtp_walk walk = {
		/* The mark that ends right before @from has something beside it */
		.st = st, .mark = smtp_mark_behind(st, from - 1), .seq = from,
	};
	u32 i;

	if (smtp_repeat_repairs(st, &c, from, to))
		return false;
	while (smtp_seq_before(walk.seq, to)) {
		u32 n;
		const u8 *p = seg->read(seg, walk.seq - seg->seq, &n);

		if (n > to - walk.seq)
			n = to - walk.seq;
		if (!smtp_walk_octets(&walk, p, n))
			return false;
	}
	c.n = 0;	/* what was read before is gone */
	if (st->in_body &&
	    !smtp_repeat_ends_alike(st, &c, from, to, st->next, st->state))
		return false;
	for (i = 0; i < st->nr_ahead; i++)
		if (!smtp_repeat_ends_alike(st, &c, from, to, st->ahead[i].end,
					    st->ahead[i].state))
			return false;
	return true;
}

int smtp_repeat_overwrite(const struct smtp_stream *st, struct smtp_segment *seg)
{
	u32 left = SMTP_SPACES_MAX;
	u32 i;

	for (i = smtp_mark_behind(st, seg->seq); i < st->nr_marks; i++) {
		u32 off = st->marks[i].seq - seg->seq;
		int err;

		if (st->marks[i].kind != SMTP_MARK_SPACE)
			continue;
		if (off >= seg->pass)
			break;
		if (!left--) {
			seg->pass = off;
			break;
		}
		err = seg->write(seg, off, (const u8 *)" ", 1);
		if (err)
			return err;
	}
	return 0;
}
