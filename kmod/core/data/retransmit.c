// SPDX-License-Identifier: GPL-2.0-only
/* Retransmissions of a body. See retransmit.h. */
#include "../scan/find.h"
#include "../scan/octets.h"
#include "marks.h"
#include "retransmit.h"

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
		c->p = smtp_segment_read(c->seg, seq - c->seg->seq, &c->n);
		c->seq = seq;
	}
	return c->p[seq - c->seq];
}

/* What the octet at @seq of the segment will leave as */
static u8 smtp_leaves_as(const struct smtp_body *b, struct smtp_cursor *c,
			 u32 seq)
{
	struct smtp_mark_place at;

	if (b->marks && b->marks->spaces && smtp_mark_behind(b, seq, &at) &&
	    at.m.kind == SMTP_MARK_SPACE && at.m.seq == seq)
		return ' ';
	return smtp_cursor_octet(c, seq);
}

u32 smtp_retransmit_kept_from(const struct smtp_body *b)
{
	u32 n = 0;

	if (!b->active)
		smtp_body_end(b, &n);
	return b->next - n;
}

/* Would the bytes [from, to) of the segment turn a dot that was left alone into an
 * end of data? D4
 */
static bool smtp_retransmit_repairs(const struct smtp_body *b,
				    struct smtp_cursor *c, u32 from, u32 to)
{
	struct smtp_mark_place place;
	bool more;

	if (!b->marks || !b->marks->wrongs)
		return false;
	more = smtp_mark_behind(b, from - 2, &place);
	for (; more; more = smtp_mark_next(&place)) {
		const struct smtp_mark *m = &place.m;
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

/* What follows is judged by the first copy of the octets before @end, after which the
 * state is @state. Do the octets of [from, to) have the same line ends as that copy? A
 * dot after a bare CR or LF may have been left alone: that line end must stay bare.
 */
static bool smtp_retransmit_ends_alike(const struct smtp_body *b,
				       struct smtp_cursor *c, u32 from, u32 to,
				   u32 end, u8 state)
{
	u8 last;

	if (smtp_seq_before(to, end - 1))
		return true;
	if (state == SMTP_BODY_LF && smtp_seq_before(from, end - 1) &&
	    smtp_leaves_as(b, c, end - 2) == '\r')
		return false;
	if (to != end)
		return true;
	last = smtp_leaves_as(b, c, end - 1);
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
 * struct smtp_walk - a walk over a retransmission and the marks, side by side
 * @at: the first mark that does not end before @seq
 * @seq: sequence number of the next octet
 * @crosses: the body leaves crossed out: D10
 * @begun: @before is an octet of the retransmission
 * @before: the octet before @seq
 */
struct smtp_walk {
	struct smtp_mark_place at;
	u32 seq;
	bool crosses;
	bool begun;
	u8 before;
};

/* D10: may a mark's dots come again crossed out, as they left? A packet that waited
 * does (T4). Dots after a line end leave as they are.
 */
static bool smtp_walk_crosses(const struct smtp_walk *w)
{
	return w->at.m.kind == SMTP_MARK_SPACE ||
	       (w->crosses && !w->at.m.eol_before);
}

/* May the @n octets at @p come in place of the mark's dots? A line end would leave as one:
 * to a server that reads on, it makes the dot behind it an end of data (D4).
 */
static bool smtp_walk_replaces(const struct smtp_walk *w, const u8 *p, u32 n)
{
	return smtp_walk_crosses(w) &&
	       (w->at.m.kind == SMTP_MARK_SPACE || smtp_line_rest(p, n) == n);
}

/* Are the octets beside the dots of the mark the same as before? The dots are at
 * [@start, @end) of the @n octets at @p.
 */
static bool smtp_walk_beside(const struct smtp_walk *w, const u8 *p,
			     s32 start, s32 end, u32 n)
{
	const struct smtp_mark *m = &w->at.m;

	if (start > 0 || (!start && w->begun)) {
		bool eol = smtp_is_eol(start ? p[start - 1] : w->before) &&
			   !w->at.after_space;

		if (eol != m->eol_before)
			return false;
	}
	/* What is crossed out may have been NUL */
	if ((u32)end < n && !smtp_walk_crosses(w)) {
		bool ends = smtp_ends_dot(p[end]) &&
			    !smtp_mark_before_space(&w->at);

		if (ends != m->end_behind)
			return false;
	}
	return true;
}

/* Are these two, beside a dot, no line ends? */
static inline bool smtp_in_line(u8 before, u8 behind)
{
	return !((smtp_beside[before] | smtp_beside[behind]) & SMTP_LOG_BESIDE);
}

/* Goes over marks and the dots from *@dot on, as long as these are inside of
 * the @n octets at @p and alike: most are. Stops at a mark that takes a closer look,
 * or after the last. There is no %SMTP_MARK_SPACE.
 */
static void smtp_walk_dots(struct smtp_walk *w, const u8 *p, u32 n,
			   struct smtp_finder *dots, u32 *dot)
{
	const struct smtp_mark_chunk *c = w->at.chunk;
	const u8 *log = c->log + w->at.off, *stop = c->log + c->used;
	u32 start = w->at.m.seq - w->seq, size = smtp_log_len(log);
	u8 flags = smtp_log_flags(&w->at.m);
	u16 len = w->at.m.len;
	u32 at = *dot, last = n - 1;

	if (!at)
		return;		/* the octet before it is gone */
	while (start == at && at + len < n &&
	       smtp_log_beside(flags, p[at - 1], p[at + len])) {
		if (len > 1) {
			if (p[at + 1] != '.' ||
			    (len > 2 && smtp_find_run(p + at, len, '.') < len))
				break;
			smtp_finder_skip_run(dots, at, len);
		}
		at = smtp_finder_next(dots);
		start += len;
		log += size;
		if (log == stop) {
			if (!smtp_mark_next_chunk(&w->at))
				break;
			c = w->at.chunk;
			log = c->log;
			stop = log + c->used;
			start = c->first - w->seq;
		}
		size = smtp_log_parse(log, &start, &len, &flags);
		if (!smtp_log_plain(*log))
			continue;
		/* Dots in a line, one after the other */
		while (start == at && at < last && smtp_in_line(p[at - 1], p[at + 1]) &&
		       log + 1 < stop) {
			u32 next = log[1];

			if (!smtp_log_plain(next))
				break;
			log++;
			start += 1 + (next >> SMTP_LOG_GAP_SHIFT);
			at = smtp_finder_next(dots);
		}
	}
	*dot = at;
	if (!w->at.chunk)
		return;
	w->at.off = log - c->log;
	w->at.after_space = false;
	smtp_log_read(log, 0, &w->at.m);
	w->at.m.seq = w->seq + start;
}

/* Walks over the next @n octets. False: their dots, or the octets beside dots, differ
 * from the first copy.
 */
static bool smtp_walk_octets(struct smtp_walk *w, const u8 *p, u32 n)
{
	struct smtp_finder dots;
	bool alike = false;
	u32 dot;

	smtp_finder_begin(&dots, p, n, '.', true);
	dot = smtp_finder_next(&dots);
	for (; w->at.chunk; smtp_mark_next(&w->at)) {
		const struct smtp_mark *m = &w->at.m;
		s32 start, end;
		u32 from, to;

		if (!w->at.marks->spaces) {
			smtp_walk_dots(w, p, n, &dots, &dot);
			if (!w->at.chunk)
				break;
		}
		start = m->seq - w->seq;
		end = start + m->len;
		from = start < 0 ? 0 : start;	/* n: only beside it */
		to = end < (s32)n ? (u32)end : n;
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
		} else if (from < to && !smtp_walk_replaces(w, p + from, to - from)) {
			goto out;
		}
		if (m->kind == SMTP_MARK_DOTS && !smtp_walk_beside(w, p, start, end, n))
			goto out;
		if (end >= (s32)n)
			break;		/* the next octet is beside it, or one of it */
	}
	alike = dot == n;
	w->seq += n;
	w->before = p[n - 1];
	w->begun = true;
out:
	smtp_finder_end(&dots);
	return alike;
}

bool smtp_retransmit_judge(const struct smtp_body *b, struct smtp_segment *seg,
			   u32 from, u32 to, bool crosses)
{
	struct smtp_cursor c = { .seg = seg };
	struct smtp_walk walk = { .seq = from, .crosses = crosses };
	u32 i;

	if (smtp_seq_before(from, b->forgotten) ||
	    smtp_retransmit_repairs(b, &c, from, to))
		return false;
	/* The mark that ends right before @from has something beside it */
	smtp_mark_behind(b, from - 1, &walk.at);
	while (smtp_seq_before(walk.seq, to)) {
		u32 n;
		const u8 *p = smtp_segment_read(seg, walk.seq - seg->seq, &n);

		if (n > to - walk.seq)
			n = to - walk.seq;
		if (!smtp_walk_octets(&walk, p, n))
			return false;
	}
	c.n = 0;	/* what was read before is gone */
	if (b->active &&
	    !smtp_retransmit_ends_alike(b, &c, from, to, b->next, b->state))
		return false;
	for (i = 0; i < b->nr_early; i++)
		if (!smtp_retransmit_ends_alike(b, &c, from, to, b->early[i].end,
						b->early[i].state))
			return false;
	return true;
}

/* Goes from @at on to the first mark of dots after a line end */
static void smtp_mark_to_eol(struct smtp_mark_place *at)
{
	while (at->chunk && (at->m.kind != SMTP_MARK_DOTS || !at->m.eol_before))
		smtp_mark_next(at);
}

int smtp_retransmit_cross(const struct smtp_body *b, struct smtp_segment *seg)
{
	u32 seq = smtp_seq_max(seg->seq, b->start);
	u32 end = smtp_seq_min(seg->seq + seg->pass, smtp_retransmit_kept_from(b));
	u32 left = SMTP_SPACES_MAX;
	struct smtp_mark_place at;

	smtp_mark_behind(b, seq, &at);
	while (smtp_seq_before(seq, end)) {
		u32 dots = end, next = end;
		int err = 0;

		smtp_mark_to_eol(&at);
		if (at.chunk) {
			dots = smtp_seq_min(at.m.seq, end);
			next = smtp_mark_end(&at.m);
			smtp_mark_next(&at);
		}
		if (smtp_seq_before(seq, dots))
			err = seg->ops->cross(seg, seq - seg->seq, dots - seq);
		if (err)
			return err;
		if (!left--) {
			seg->pass = dots - seg->seq;
			break;
		}
		seq = next;
	}
	return 0;
}

int smtp_retransmit_overwrite(const struct smtp_body *b, struct smtp_segment *seg)
{
	bool more = b->marks && b->marks->spaces;
	u32 left = SMTP_SPACES_MAX;
	struct smtp_mark_place at;

	more = more && smtp_mark_behind(b, seg->seq, &at);
	for (; more; more = smtp_mark_next(&at)) {
		u32 off = at.m.seq - seg->seq;
		int err;

		if (!smtp_seq_before(at.m.seq, seg->seq + seg->pass))
			break;
		if (at.m.kind != SMTP_MARK_SPACE)
			continue;
		if (!left--) {
			seg->pass = off;
			break;
		}
		err = smtp_segment_write(seg, off, (const u8 *)" ", 1);
		if (err)
			return err;
	}
	return 0;
}
