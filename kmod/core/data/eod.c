// SPDX-License-Identifier: GPL-2.0-only
/* End of data. See eod.h. */
#include "../policy/events.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "eod.h"
#include "marks.h"

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

const u8 *smtp_body_end(const struct smtp_body *b, u32 *n)
{
	static const u8 crlf[SMTP_END_OF_DATA_LEN] = { '\r', '\n', '.', '\r', '\n' };
	static const u8 lf[] = { '\n', '.', '\n' };
	u32 len = b->bare ? sizeof(lf) : sizeof(crlf);

	/* The first of them may be of the DATA line: D3 */
	*n = smtp_seq_min(b->start + len, b->next) - b->start;
	return b->bare ? lf + len - *n : crlf + len - *n;
}

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

/* Why a dot that stays after @state does not begin an end of data: enum
 * smtp_mark_wrong (D4)
 */
static u8 smtp_body_wrong_before(u8 state)
{
	if (state == SMTP_BODY_CR)
		return SMTP_WRONG_CR_BEFORE;
	return state == SMTP_BODY_LF ? SMTP_WRONG_LF_BEFORE : SMTP_WRONG_NOWHERE;
}

/* The state after octets as smtp_body_text() has them, of which the last is no dot */
static u8 smtp_body_state_behind(const u8 *p, u32 n)
{
	if (!n || !smtp_is_eol(p[n - 1]))
		return SMTP_BODY_TEXT;
	if (p[n - 1] == '\r')
		return SMTP_BODY_CR;
	return n > 1 && p[n - 2] == '\r' ? SMTP_BODY_CRLF : SMTP_BODY_LF;
}

void smtp_body_forget(struct smtp_body *b, struct smtp_host *host)
{
	smtp_marks_forget(b, host);
	smtp_host_free(host, SMTP_MEMORY_BODY, b->early,
		       b->max_early * sizeof(*b->early));
	b->early = NULL;
	b->nr_early = 0;
	b->max_early = 0;
}

void smtp_body_ack(struct smtp_body *b, u32 acked, struct smtp_host *host)
{
	b->acked = acked;
	if (smtp_seq_before(b->forgotten, acked))
		b->forgotten = acked;
	/* Keep numbers that are compared with live sequence numbers near them */
	if (b->active) {
		if (b->acked - b->start > SMTP_END_OF_DATA_LEN)
			b->start = b->acked - SMTP_END_OF_DATA_LEN;
	} else if (!smtp_seq_before(b->acked, b->next)) {
		b->start = b->acked;
		b->next = b->acked;
		smtp_body_forget(b, host);
	}
	smtp_marks_ack(b, host);
}

/* The octet at @seq leaves as a space */
static bool smtp_body_space(struct smtp_scan *scan, u32 seq)
{
	if (!smtp_mark_space(scan->b, scan->host, seq))
		return false;
	smtp_event(scan->host, SMTP_FIXUP_EVENT_SMUGGLING_DOT, NULL, 0);
	smtp_host_count(scan->host, SMTP_FIXUP_CNT_BYTES_MASKED, 1);
	return true;
}

enum smtp_verdict smtp_body_defuse(struct smtp_scan *scan, u32 from, u32 to,
				   bool *stuck)
{
	struct smtp_body *b = scan->b;
	bool dot_cr = b->state == SMTP_BODY_DOT_CR;
	u32 dot = b->next - 1 - dot_cr;
	u32 space = dot;

	if (smtp_seq_before(space, from))
		space++;
	if (smtp_seq_before(space, from) || !smtp_seq_before(space, to))
		return SMTP_DESYNC;
	*stuck = !smtp_body_space(scan, space);
	if (*stuck) {
		if (dot_cr)	/* it must not leave before this octet is seen again */
			smtp_body_rewind(scan, b->next - 1, SMTP_BODY_DOT);
		return SMTP_PASS;
	}
	b->state = dot_cr && space == dot ? SMTP_BODY_CR : SMTP_BODY_TEXT;
	if (space == b->next)
		b->next++;
	return SMTP_PASS;
}

void smtp_body_report(struct smtp_scan *scan)
{
	struct smtp_body *b = scan->b;

	if (b->state == SMTP_BODY_DOT_CR)
		smtp_mark_wrong(b, b->next - 2, SMTP_WRONG_CR_BEHIND);
	else
		smtp_mark_wrong(b, b->next - 1, SMTP_WRONG_LF_BEHIND);
	if (scan->policy->smuggling == SMTP_FIXUP_SMUGGLING_OFF)
		return;
	smtp_event(scan->host, SMTP_FIXUP_EVENT_SMUGGLING_SEEN, NULL, 0);
	if (scan->policy->smuggling == SMTP_FIXUP_SMUGGLING_DROP)
		scan->ends = true;
}

bool smtp_body_accept(struct smtp_scan *scan, u8 c)
{
	struct smtp_body *b = scan->b;
	bool dot_cr = b->state == SMTP_BODY_DOT_CR;
	const struct smtp_mark dot = {
		.seq = b->next, .len = 1, .kind = SMTP_MARK_DOTS,
		.eol_before = dot_cr, .wrong = SMTP_WRONG_CR_BEFORE,
	};

	if (c == '.' && !smtp_mark_add(b, scan->host, &dot))
		return false;
	if (smtp_ends_dot(c))
		smtp_mark_end_behind(b, b->next);
	smtp_body_report(scan);
	b->state = smtp_body_step(dot_cr ? SMTP_BODY_CR : SMTP_BODY_TEXT, c);
	b->next++;
	return true;
}

/* -- judging ------------------------------------------------------------ */

/* Where one dot is, others are near. So many blocks are searched together then, and so many
 * octets without a dot end it
 */
#define SMTP_BODY_BLOCKS	32
#define SMTP_BODY_NEAR		(8 * SMTP_VECTOR_BLOCK)

/* What the octets beside a dot tell of it: that it is not alone in a line, or what
 * smtp_log_write_near() has to know. As smtp_is_eol() and smtp_ends_dot() have it. The
 * one before is no dot that was not marked with those before it.
 */
#define SMTP_NEAR_STOP		0x80
static const u8 smtp_near_before[256] = {
	['\r'] = SMTP_NEAR_STOP, ['\n'] = SMTP_NEAR_STOP,
};

static const u8 smtp_near_behind[256] = {
	['\0'] = SMTP_LOG_END_BEHIND, ['\r'] = SMTP_LOG_END_BEHIND,
	['\n'] = SMTP_LOG_END_BEHIND, ['.'] = SMTP_NEAR_STOP,
};

/* Marks the dots of @n blocks at place @i of @p, of which @bits has a bit for each. Returns
 * the place of the first that is not alone in a line, or finds no room, or where the
 * blocks end.
 */
static noinline u32 smtp_body_near_blocks(struct smtp_mark_writer *w, const u8 *p, u32 i,
					  const u64 *bits, u32 n)
{
	const u8 *at = p + i, *end = p + (s32)w->end, *full = w->full;
	const u64 *behind = bits + n;
	u8 *put = w->put;
	u64 wide = 0;

	for (; bits < behind; bits++, at += SMTP_VECTOR_BLOCK) {
		u64 found;

		for (found = *bits; found; found &= found - 1) {
			const u8 *dot = at + smtp_vector_first(found);
			u8 beside;

			if (unlikely(put > full)) {
				at = dot;
				goto out;
			}
			beside = smtp_near_before[dot[-1]] | smtp_near_behind[dot[1]];
			if (unlikely(beside & SMTP_NEAR_STOP)) {
				at = dot;
				goto out;
			}
			wide = smtp_log_write_near(put, dot - end, beside);
			put += wide + 1;
			end = dot + 1;
		}
	}
out:
	if (put != w->put)
		w->last = put - 1 - wide;
	w->put = put;
	w->end = end - p;
	return at - p;
}

/* Marks dots from place @i on, many blocks at a time, as long as they are alone in lines
 * and near to each other: where there are any, most are. Returns where the search for
 * others goes on.
 */
static noinline u32 smtp_body_near_dots(struct smtp_mark_writer *w, const u8 *p, u32 i,
					u32 stop, enum smtp_vector vector)
{
	u64 bits[SMTP_BODY_BLOCKS];
	u32 n = 8;

	while ((s32)(i - w->end) <= SMTP_BODY_NEAR) {
		u32 left = (stop - i) / SMTP_VECTOR_BLOCK;
		u32 behind;

		if (n > left)
			n = left & ~1U;
		if (!n)
			break;
		smtp_vector_bits(vector, p + i, bits, n, '.' * SMTP_ONES);
		behind = i + n * SMTP_VECTOR_BLOCK;
		i = smtp_body_near_blocks(w, p, i, bits, n);
		if (i != behind)
			break;
		if (n < SMTP_BODY_BLOCKS)
			n *= 2;
	}
	return i;
}

/* Marks dots from place @i on, which @dots has found, and does not begin with.
 * Returns the place of those that take a closer look, or @n: of all it has.
 */
static u32 smtp_body_dots(struct smtp_body *b, u32 seq, const u8 *p, u32 i, u32 n,
			  bool masks, struct smtp_finder *dots)
{
	u32 stop = n < 2 ? 0 : n - 2;	/* after a dot one looks at two octets */
	struct smtp_mark_writer w;

	if (!smtp_mark_writer_begin(&w, b, seq, n))
		return i;
	for (; i < stop; i = smtp_finder_next(dots)) {
		const u8 *dot = p + i;
		u8 flags = smtp_beside[dot[-1]];
		u8 behind = smtp_beside[dot[1]];
		u32 len = 1;

		if (!dots->vector && !(flags | behind) && smtp_mark_write_plain(&w, i))
			continue;
		flags &= SMTP_LOG_EOL_BEFORE;
		if (behind == SMTP_BESIDE_DOT) {
			len = 2;	/* of a stuffed line, mostly */
			behind = smtp_beside[dot[2]];
			if (behind == SMTP_BESIDE_DOT) {
				len = smtp_find_run(dot, n - i, '.');
				if (i + len == n || len > SMTP_MARK_LEN_MAX)
					break;
				behind = smtp_beside[dot[len]];
			}
			smtp_finder_skip_run(dots, i, len);
		} else if (flags) {
			if (behind)
				break;
		} else if (dots->vector && i - w.end <= SMTP_BODY_NEAR) {
			u32 next = smtp_body_near_dots(&w, p, i, stop, dots->vector);

			if (next != i) {
				smtp_finder_skip(dots, next);
				continue;
			}
		}
		if (flags && !masks) {
			u8 wrong = smtp_body_wrong_before(smtp_body_state_behind(p, i));

			b->marks->wrongs |= wrong;
			flags |= wrong << SMTP_LOG_WRONG_SHIFT;
		}
		flags |= behind & SMTP_LOG_WIDE_END_BEHIND;
		if (!smtp_mark_write(&w, i, len, flags))
			break;
	}
	smtp_mark_writer_end(&w);
	return i;
}

/* smtp_vector_plain(), apart: smtp_body_text() has no register to spare */
static noinline u32 smtp_body_plain(enum smtp_vector vector, const u8 *p, u32 n)
{
	return smtp_vector_plain(vector, p, p + n) - p;
}

/* Runs over octets that are plain text, the first of which is neither a dot nor the LF of
 * a CRLF that began before it, and marks their dots. Stops at dots that may be part of an
 * end of data, that are not all in this buffer, or that find no room. Returns how many
 * octets were passed. @again: such dots are right before them.
 */
static u32 smtp_body_text(struct smtp_scan *scan, u32 seq, const u8 *p, u32 n,
			  bool masks, bool again)
{
	struct smtp_finder dots;
	u32 i;

	/* A sender of dots must not have the vector registers asked for each */
	smtp_finder_begin(&dots, p, n, '.', !again ||
			  (n >= SMTP_VECTOR_MIN &&
			   smtp_find(p, SMTP_VECTOR_BLOCK, '.') == SMTP_VECTOR_BLOCK));
	if (!scan->dash) {
		i = dots.vector ? smtp_body_plain(dots.vector, p, n) : 0;
		smtp_finder_skip(&dots, i);
		scan->dash = i < n;
	}
	i = smtp_finder_next(&dots);
	if (i < n)
		i = smtp_body_dots(scan->b, seq, p, i, n, masks, &dots);
	smtp_finder_end(&dots);
	return i;
}

/* Does @c, after @state, end a dot for some server, and pass here? What is an event passes
 * by smtp_body_accept(), or not at all.
 */
static bool smtp_body_ends_dot(u8 state, u8 c)
{
	return smtp_ends_dot(c) && smtp_body_step(state, c) <= SMTP_BODY_DOT_CR;
}

u32 smtp_body_run(struct smtp_scan *scan, u8 *state, u32 seq,
		  const u8 *p, u32 n, u8 *event)
{
	bool masks = scan->policy->smuggling == SMTP_FIXUP_SMUGGLING_MASK;
	struct smtp_body *b = scan->b;
	bool again = false;
	u8 s = *state;
	u32 i = 0;

	*event = 0;
	if (smtp_marks_any(b) && smtp_body_ends_dot(s, p[0]))
		smtp_mark_end_behind(b, seq);
	while (i < n) {
		u32 end = i + 1;
		struct smtp_mark m;
		u8 step;

		/* What precedes it matters no more, but to a dot or the LF of CRLF */
		if (s <= SMTP_BODY_CRLF && p[i] != '.' &&
		    !(s == SMTP_BODY_CR && p[i] == '\n')) {
			u32 text = smtp_body_text(scan, seq + i, p + i, n - i,
						  masks, again);

			s = smtp_body_state_behind(p + i, text);
			i += text;
			if (i == n)
				break;
			again = smtp_marks_room(b, seq + i);
			end = i + 1;
		} else if (s > SMTP_BODY_CRLF) {
			scan->dash = true;	/* perhaps behind a dot */
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
			if (end - i > 1)
				step = SMTP_BODY_TEXT;
			m = (struct smtp_mark) {
				.seq = seq + i, .len = end - i,
				.kind = SMTP_MARK_DOTS,
				.eol_before = smtp_body_at_eol(s),
				.end_behind = end < n && smtp_body_ends_dot(step, p[end]),
				.wrong = masks ? 0 : smtp_body_wrong_before(s),
			};
			if (!smtp_mark_add(b, scan->host, &m))
				break;
		}
		s = step;
		i = end;
	}
	*state = s;
	return i;
}

void smtp_body_begin(struct smtp_body *b, u32 seq)
{
	b->active = true;
	b->bare = false;
	b->next = seq;
	b->state = SMTP_BODY_CRLF;	/* that of the DATA line: D3 */
	b->start = seq;
	b->mss = 0;
	b->long_line = false;
}

u32 smtp_body_before_cr(struct smtp_scan *scan, const u8 *p, u32 n)
{
	u32 cr = smtp_find(p, n, '\r');

	scan->lf_alone = cr;
	return cr ? cr : n;
}

void smtp_body_rewind(struct smtp_scan *scan, u32 seq, u8 state)
{
	struct smtp_body *b = scan->b;

	smtp_marks_remove(b, scan->host, seq, b->next);
	b->next = seq;
	b->state = state;
}
