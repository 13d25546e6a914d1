// SPDX-License-Identifier: GPL-2.0-only
/* Body: the end of data. See body.h. */
#include "ahead.h"
#include "body.h"
#include "events.h"
#include "find.h"
#include "marks.h"
#include "octets.h"
#include "reading.h"
#include "repeat.h"

/* Those from OCTET_CR on tell something of a dot after them, but for the last
 * those from OCTET_NUL on of a dot before them.
 */
enum smtp_octet { OCTET_OTHER, OCTET_NUL, OCTET_CR, OCTET_LF, OCTET_DOT };

static const u8 smtp_octets[256] = {
	['\0'] = OCTET_NUL, ['\r'] = OCTET_CR, ['\n'] = OCTET_LF, ['.'] = OCTET_DOT,
};

#define TEXT	SMTP_BODY_TEXT
#define SMUGGLED SMTP_BODY_SMUGGLED
static const u8 smtp_body_steps[SMTP_BODY_DOT_CR + 1][5] = {
	/*			  other     NUL       CR		LF		dot */
	[SMTP_BODY_TEXT]	= { TEXT, TEXT, SMTP_BODY_CR, SMTP_BODY_LF, TEXT },
	[SMTP_BODY_CR]		= { TEXT, TEXT, SMTP_BODY_CR, SMTP_BODY_CRLF, SMTP_BODY_BAD_DOT },
	[SMTP_BODY_LF]		= { TEXT, TEXT, SMTP_BODY_CR, SMTP_BODY_LF, SMTP_BODY_BAD_DOT },
	[SMTP_BODY_CRLF]	= { TEXT, TEXT, SMTP_BODY_CR, SMTP_BODY_LF, SMTP_BODY_DOT },
	[SMTP_BODY_DOT]		= { TEXT, SMUGGLED, SMTP_BODY_DOT_CR, SMUGGLED, TEXT },
	[SMTP_BODY_BAD_DOT]	= { TEXT, SMUGGLED, SMUGGLED, SMUGGLED, TEXT },
	[SMTP_BODY_DOT_CR]	= { SMUGGLED, SMUGGLED, SMUGGLED, SMTP_BODY_END, SMUGGLED },
};

#undef TEXT
#undef SMUGGLED

const u8 smtp_end_of_data[SMTP_END_OF_DATA_LEN] = {
	'\r', '\n', '.', '\r', '\n'
};

u8 smtp_body_step(u8 state, u8 c)
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

void smtp_body_forget(struct smtp_flow *flow, struct smtp_stream *st)
{
	smtp_marks_forget(flow, st);
	smtp_ahead_forget(flow, st);
}

void smtp_body_ack(struct smtp_flow *flow, struct smtp_stream *st)
{
	/* Keep what is compared with live sequence numbers near them */
	if (st->in_body) {
		if (st->acked - st->body_start > SMTP_END_OF_DATA_LEN)
			st->body_start = st->acked - SMTP_END_OF_DATA_LEN;
	} else if (!smtp_seq_before(st->acked, st->body_end)) {
		st->body_start = st->acked;
		st->body_end = st->acked;
		smtp_body_forget(flow, st);
	}
	smtp_marks_ack(st);
}

/* The octet at @seq leaves as a space */
static bool smtp_body_space(struct smtp_flow *flow, u32 seq)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	struct smtp_mark *dot = smtp_mark_at(st, seq);

	if (dot) {
		dot->kind = SMTP_MARK_SPACE;
	} else {
		if (!smtp_mark_add(flow, seq, 1, SMTP_MARK_SPACE, false))
			return false;
		dot = smtp_mark_at(st, seq - 1);
		if (dot)
			dot->end_behind = false;
	}
	st->spaces = true;
	smtp_event(flow, SMTP_FIXUP_EVENT_SMUGGLING_DOT, NULL, 0);
	smtp_host_count(flow, SMTP_FIXUP_CNT_BYTES_MASKED, 1);
	return true;
}

enum smtp_verdict smtp_body_defuse(struct smtp_flow *flow, u32 from,
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

void smtp_body_see(struct smtp_flow *flow)
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

	if (c == '.' && !smtp_mark_add(flow, st->next, 1, SMTP_MARK_DOTS, dot_cr))
		return false;
	if (c == '.')
		smtp_mark_wrong_before(st, st->next, SMTP_BODY_CR);
	if (smtp_ends_dot(c))
		smtp_mark_end_behind(st, st->next);
	smtp_body_see(flow);
	st->state = smtp_body_step(dot_cr ? SMTP_BODY_CR : SMTP_BODY_TEXT, c);
	st->next++;
	return true;
}

/* -- judging ------------------------------------------------------------ */

/* Marks dots, the first of them at @p[@i], that have another or a line end beside
 * them. Returns how many; 0: they take a closer look.
 */
static u32 smtp_body_odd_dots(struct smtp_stream *st, u32 seq, const u8 *p, u32 i,
			      u32 n, bool masks)
{
	u32 len = smtp_find_run(p + i, n - i, '.');
	struct smtp_mark m = {
		.seq = seq + i, .len = len, .kind = SMTP_MARK_DOTS,
		.eol_before = smtp_is_eol(p[i - 1]),
	};

	if (i + len == n || len > SMTP_MARK_LEN_MAX)
		return 0;
	m.end_behind = smtp_ends_dot(p[i + len]);
	if (m.eol_before) {
		if (m.end_behind && len == 1)
			return 0;
		if (!masks && p[i - 1] == '\r')
			m.wrong = SMTP_WRONG_CR_BEFORE;
		else if (!masks && (i < 2 || p[i - 2] != '\r'))
			m.wrong = SMTP_WRONG_LF_BEFORE;
		st->wrongs |= m.wrong;
	}
	if (!smtp_mark_fits(st, m.seq))
		return 0;
	st->marks[st->nr_marks++] = m;
	return len;
}

/* Runs over octets that follow plain text, the first of them no dot, and marks
 * their dots. Returns how many, up to dots that take a closer look: those that
 * may be part of an end of data, that have not all come, or find no room.
 * @again: such dots are right before them
 */
static u32 smtp_body_text(struct smtp_stream *st, u32 seq, const u8 *p, u32 n,
			  bool masks, bool again)
{
	struct smtp_finder dots;
	u32 i, len;
	u8 behind;

	/* A sender of dots must not have the vector registers asked for each */
	smtp_finder_begin(&dots, p, n, '.', !again ||
			  (n >= SMTP_VECTOR_MIN &&
			   smtp_find(p, SMTP_VECTOR_BLOCK, '.') == SMTP_VECTOR_BLOCK));
	do {
		do {
			i = smtp_finder_next(&dots);
			if (n - i < 2 || smtp_octets[p[i - 1]] >= OCTET_CR)
				break;
			behind = smtp_octets[p[i + 1]];
		} while (behind != OCTET_DOT && smtp_mark_append(st, seq + i, behind));
		len = n - i < 2 ? 0 : smtp_body_odd_dots(st, seq, p, i, n, masks);
		smtp_finder_skip(&dots, i + len);
	} while (len);
	smtp_finder_end(&dots);
	return i;
}

u32 smtp_body_run(struct smtp_flow *flow, u8 *state, u32 seq,
		  const u8 *p, u32 n, u8 *event)
{
	bool masks = flow->policy->smuggling == SMTP_FIXUP_SMUGGLING_MASK;
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	bool again = false;
	u8 s = *state;
	u32 i = 0;

	*event = 0;
	if (st->nr_marks && smtp_ends_dot(p[0]))
		smtp_mark_end_behind(st, seq);
	while (i < n) {
		u32 end = i + 1;
		u8 step;

		if (s == SMTP_BODY_TEXT && p[i] != '.') {
			u32 text = smtp_body_text(st, seq + i, p + i, n - i,
						  masks, again);

			s = smtp_body_state_behind(p + i, text);
			i += text;
			if (i == n)
				break;
			again = smtp_mark_fits(st, seq + i);
			end = i + 1;
		}
		step = smtp_body_step(s, p[i]);
		if (unlikely(step > SMTP_BODY_DOT_CR)) {
			*event = step;
			break;
		}
		if (p[i] == '.') {
			end = i + smtp_find_run(p + i, n - i, '.');
			if (end - i > SMTP_MARK_LEN_MAX)
				end = i + SMTP_MARK_LEN_MAX;
			if (!smtp_mark_add(flow, seq + i, end - i, SMTP_MARK_DOTS,
					   smtp_body_at_eol(s)))
				break;
			if (!masks)
				smtp_mark_wrong_before(st, seq + i, s);
			if (end < n && smtp_ends_dot(p[end]))
				smtp_mark_end_behind(st, seq + end);
			if (end - i > 1)
				step = SMTP_BODY_TEXT;
		}
		s = step;
		i = end;
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
	st->long_line = false;
}

/* The octets from @piece on end the connection (D4, L): none of them passes. They
 * are of a message that will not be whole. @state: that before them.
 */
static void smtp_body_back(struct smtp_stream *st, u32 piece, u8 state)
{
	smtp_marks_remove(st, piece, st->next);
	st->next = piece;
	st->state = state;
}

static enum smtp_verdict smtp_body_octets(struct smtp_flow *flow,
					  struct smtp_segment *seg,
					  u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 start = st->next - off;
	u32 piece = st->next;
	u32 oddities = 0;

	while (off < to) {
		const u8 *p;
		u32 n, done, read = 0;
		bool stuck;
		u8 event;

		p = seg->read(seg, off, &n);
		if (n > to - off)
			n = to - off;
		done = smtp_body_run(flow, &st->state, st->next, p, n, &event);
		stuck = done < n && !event;
		st->next += done;
		if (event) {
			/* A limit may end the connection before this does */
			smtp_reading_octets(flow, p, done);
			if (smtp_flow_over(flow))
				return SMTP_PASS;
			read = done;
		}
		if (event == SMTP_BODY_END)
			st->next++;
		else if (event &&
			 flow->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK)
			stuck = !smtp_body_let_be(flow, p[done]);
		else if (event &&
			 smtp_body_defuse(flow, piece, start + to,
					  &stuck) == SMTP_RESET)
			return SMTP_RESET;
		smtp_reading_octets(flow, p + read, st->next - start - off - read);
		if (event == SMTP_BODY_END && !smtp_flow_over(flow)) {
			st->in_body = false;
			st->body_end = st->next;
			return st->nr_ahead ? SMTP_RESET : SMTP_PASS;
		}
		if (event && ++oddities == SMTP_SPACES_MAX)
			stuck = true;	/* no more in one packet */
		if (stuck || smtp_flow_over(flow))
			return SMTP_PASS;
		off = st->next - start;
	}
	return SMTP_PASS;
}

enum smtp_verdict smtp_body_judge(struct smtp_flow *flow,
				  struct smtp_segment *seg, u32 off, u32 to)
{
	struct smtp_stream *st = &flow->stream[SMTP_CLIENT];
	u32 wire = smtp_wire_len(seg);
	u32 piece = st->next;
	u8 state = st->state;
	enum smtp_verdict verdict;

	if (wire > st->mss)
		st->mss = wire < 0xffff ? wire : 0xffff;
	verdict = smtp_body_octets(flow, seg, off, to);
	smtp_marks_join(st);
	if (smtp_flow_over(flow))
		smtp_body_back(st, piece, state);
	return verdict;
}
