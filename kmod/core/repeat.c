// SPDX-License-Identifier: GPL-2.0-only
/* Repeat: repetitions of a body. See repeat.h. */
#include "body.h"
#include "find.h"
#include "marks.h"
#include "octets.h"
#include "repeat.h"

/* Are the octets [from, to) of the segment all dots, or none of them? */
static bool smtp_segment_dots(struct smtp_segment *seg, u32 from, u32 to,
			      bool dots)
{
	while (smtp_seq_before(from, to)) {
		u32 i, n;
		const u8 *p = seg->read(seg, from - seg->seq, &n);

		if (n > to - from)
			n = to - from;
		if (!dots && smtp_find(p, n, '.') < n)
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
static bool smtp_repeat_ends_alike(const struct smtp_stream *st,
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

bool smtp_repeat_judge(const struct smtp_stream *st, struct smtp_segment *seg,
		       u32 from, u32 to)
{
	u32 checked = from;
	u32 i;

	if (smtp_repeat_repairs(st, seg, from, to))
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
	    !smtp_repeat_ends_alike(st, seg, from, to, st->next, st->state))
		return false;
	for (i = 0; i < st->nr_ahead; i++)
		if (!smtp_repeat_ends_alike(st, seg, from, to, st->ahead[i].end,
					    st->ahead[i].state))
			return false;
	return true;
}

int smtp_repeat_overwrite(const struct smtp_stream *st, struct smtp_segment *seg)
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
