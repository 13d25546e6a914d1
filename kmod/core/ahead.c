// SPDX-License-Identifier: GPL-2.0-only
/* Ahead: segments of a body beyond a gap. See ahead.h. */
#include "ahead.h"
#include "body.h"
#include "events.h"
#include "find.h"
#include "marks.h"
#include "octets.h"
#include "reading.h"
#include "repeat.h"

/* What the octets that a range begins with lead to behind @state */
static u8 smtp_ahead_step(u8 state, u8 begin)
{
	static const u8 last[] = {
		[SMTP_AHEAD_TEXT] = 'x', [SMTP_AHEAD_NUL] = '\0',
		[SMTP_AHEAD_LF] = '\n', [SMTP_AHEAD_CRLF] = '\n',
	};

	if (begin == SMTP_AHEAD_CRLF)
		state = smtp_body_step(state, '\r');
	if (state <= SMTP_BODY_DOT_CR)
		state = smtp_body_step(state, last[begin]);
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

/* Does the segment begin with NUL, or a line end, LF or CRLF? A gap's end of data,
 * or its like, can go on so, but then it is found when the gap closes. False: with
 * anything else that can be the rest of one.
 */
static bool smtp_ahead_begins(struct smtp_segment *seg, u8 *begin)
{
	u32 n = 0;
	u8 c;

	if (!smtp_segment_octet(seg, seg->seq)) {
		*begin = SMTP_AHEAD_NUL;
		return true;
	}
	if (seg->len > 2 && smtp_segment_octet(seg, seg->seq) == '\r')
		n = 1;
	if (seg->len > n + 1 && smtp_segment_octet(seg, seg->seq + n) == '\n')
		n++;
	else if (n)
		return false;
	*begin = n > 1 ? SMTP_AHEAD_CRLF : n ? SMTP_AHEAD_LF : SMTP_AHEAD_TEXT;
	c = smtp_segment_octet(seg, seg->seq + n);
	return !smtp_is_eol(c) && c != '.';
}

/* Octets of a segment that are read for what shows that it is of a body */
#define SMTP_AHEAD_READ		4096

/* No command line is longer: V10 */
#define SMTP_AHEAD_COMMAND	2048

/* No line of a body is longer, with CRLF: RFC 5321, 4.5.3.1.6 */
#define SMTP_AHEAD_LINE		1000

/* A verb that is not known has letters, digits and '-', and is no longer */
#define SMTP_AHEAD_VERB		12

/* No client sends so many of those */
#define SMTP_AHEAD_UNKNOWN	3

/**
 * struct smtp_ahead_line - a line that may be a command's
 * @verb: its first word
 * @len: octets of it that have been read
 * @unknown: lines so far whose first word may be a verb, and is not known
 * @begun: where it begins is known
 * @ended: a line has ended
 */
struct smtp_ahead_line {
	struct smtp_match verb;
	u32 len;
	u8 unknown;
	bool begun;
	bool ended;
};

static void smtp_ahead_line_begin(struct smtp_ahead_line *line)
{
	line->verb.candidates = (1ULL << __SMTP_FIXUP_VERB_MAX) - 1;
	line->verb.len = 0;
	line->len = 0;
	line->begun = true;
	line->ended = true;
}

/* May a verb have this octet? */
static bool smtp_ahead_verb_octet(u8 c, bool first)
{
	u8 letter = c | 0x20;

	return (letter >= 'a' && letter <= 'z') ||
	       (!first && ((c >= '0' && c <= '9') || c == '-'));
}

/* Reads octets up to the end of their line, or to where it is known whether that
 * is a command's. Returns how many; *@body: it is none.
 */
static u32 smtp_ahead_line_read(struct smtp_ahead_line *line, const u8 *p,
				u32 n, bool *body)
{
	u32 i;

	for (i = 0; i < n && line->begun && !*body; i++) {
		if (smtp_is_blank(p[i]) && !line->verb.len)
			continue;
		if (!smtp_is_eol(p[i]) && !smtp_is_blank(p[i])) {
			*body = line->verb.len == SMTP_AHEAD_VERB ||
				!smtp_ahead_verb_octet(p[i], !line->verb.len);
			smtp_match_byte(&line->verb, smtp_verbs, p[i]);
			continue;
		}
		/* An empty line tells nothing */
		if (line->verb.len &&
		    smtp_match_word(&line->verb, smtp_verbs) < 0)
			*body = ++line->unknown == SMTP_AHEAD_UNKNOWN;
		line->begun = false;
		break;
	}
	if (!line->begun) {
		i += smtp_find(p + i, n - i, '\n');
		if (i < n) {
			smtp_ahead_line_begin(line);
			return i + 1;
		}
	}
	line->len += i;
	*body |= line->len > SMTP_AHEAD_COMMAND;
	return i;
}

/* Does the segment show that it holds no commands, in case that the gap holds the
 * end of data? RFC 2920 lets a client send them right after it, cut anywhere. Each
 * of their lines begins with a verb, almost always one that is known. But a chunk
 * may hold anything: RFC 3030.
 *
 * *@long_line: no line ends in it, but so long a line is no body's either.
 */
static bool smtp_ahead_is_body(const struct smtp_flow *flow,
			       struct smtp_segment *seg, bool *long_line)
{
	struct smtp_ahead_line line = {};
	bool body = false;
	u32 off, i, n;

	if (flow->session.chunking)
		return false;
	for (off = 0; off < seg->len && off < SMTP_AHEAD_READ; off += n) {
		const u8 *p = seg->read(seg, off, &n);

		if (n > seg->len - off)
			n = seg->len - off;
		for (i = 0; i < n && !body; )
			i += smtp_ahead_line_read(&line, p + i, n - i, &body);
		if (body)
			return true;
	}
	*long_line = !line.ended && seg->len > SMTP_AHEAD_LINE;
	return false;
}

/* May the segment, behind all that has passed ahead of a gap, hold commands? Where
 * lines have turned out to be longer than the RFC has them, one more is let be.
 */
static bool smtp_ahead_doubtful(struct smtp_flow *flow, struct smtp_segment *seg)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	bool long_line = false;

	if (smtp_ahead_is_body(flow, seg, &long_line))
		return false;
	if (!long_line)
		return true;
	if (st->long_line && !smtp_seq_before(st->next, st->long_line_end))
		return false;
	st->long_line = true;
	st->long_line_end = seg->seq + seg->len;
	return true;
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
	u8 state = SMTP_BODY_TEXT, begin = SMTP_AHEAD_TEXT;
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
			    (!smtp_ahead_begins(seg, &begin) || begin != a->begin))
				return SMTP_DROP;
			return smtp_repeat_judge(st, seg, seg->seq, end) ?
			       SMTP_PASS : SMTP_DROP;
		}
	}

	/* ahead[i] is the first range after the segment. What comes before a
	 * range, or joins one, is of the body as that is.
	 */
	joins = i && st->ahead[i - 1].end == seg->seq;
	if (joins)
		state = st->ahead[i - 1].state;
	else if (!smtp_ahead_begins(seg, &begin))
		return SMTP_DROP;
	else if (i == st->nr_ahead && smtp_ahead_doubtful(flow, seg))
		return SMTP_DROP;
	else if (st->nr_ahead == st->max_ahead && !smtp_ahead_grow(flow))
		return SMTP_DROP;

	/* A quarter of the room is left for what closes the gap: it could not
	 * pass while all of it is taken by marks that wait for it.
	 */
	fits = smtp_ahead_run(flow, seg, &state) && state != SMTP_BODY_DOT_CR;
	smtp_marks_join(st);
	meets = i < st->nr_ahead && st->ahead[i].start == end;
	if (meets && smtp_ahead_step(state, st->ahead[i].begin) > SMTP_BODY_DOT_CR)
		fits = false;
	while (fits && 4 * st->nr_marks > 3 * st->max_marks)
		fits = smtp_marks_grow(flow);
	if (!fits) {
		smtp_marks_remove(st, seg->seq, end);
		return SMTP_DROP;
	}

	if (meets && st->ahead[i].begin != SMTP_AHEAD_TEXT)
		smtp_mark_end_behind(st, end);
	if (joins) {
		i--;
	} else {
		memmove(&st->ahead[i + 1], &st->ahead[i],
			(st->nr_ahead - i) * sizeof(*st->ahead));
		st->ahead[i].start = seg->seq;
		st->ahead[i].begin = begin;
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
		u8 event = smtp_ahead_step(st->state, st->ahead[0].begin);
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
		if (st->ahead[0].begin != SMTP_AHEAD_TEXT)
			smtp_mark_end_behind(st, st->next);
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
