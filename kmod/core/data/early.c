// SPDX-License-Identifier: GPL-2.0-only
/* Early segments of a body. See early.h. */
#include "../policy/events.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "early.h"
#include "marks.h"
#include "retransmit.h"

/* The state that follows @state and the octets that a range begins with */
static u8 smtp_early_step(u8 state, u8 begin)
{
	static const u8 last[] = {
		[SMTP_EARLY_TEXT] = 'x', [SMTP_EARLY_NUL] = '\0',
		[SMTP_EARLY_LF] = '\n', [SMTP_EARLY_CRLF] = '\n',
	};

	if (begin == SMTP_EARLY_CRLF)
		state = smtp_body_step(state, '\r');
	if (state <= SMTP_BODY_DOT_CR)
		state = smtp_body_step(state, last[begin]);
	return state;
}

static bool smtp_early_grow(struct smtp_body *b, struct smtp_host *host)
{
	u32 max = b->max_early ? 2 * b->max_early : SMTP_EARLY_MIN;
	struct smtp_early *ranges;

	if (max > SMTP_EARLY_MAX)
		return false;
	ranges = smtp_host_alloc(host, SMTP_MEMORY_BODY, max * sizeof(*ranges));
	if (!ranges) {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return false;
	}
	if (b->early)
		memcpy(ranges, b->early, b->nr_early * sizeof(*ranges));
	smtp_host_free(host, SMTP_MEMORY_BODY, b->early,
		       b->max_early * sizeof(*ranges));
	b->early = ranges;
	b->max_early = max;
	return true;
}

/* Does the segment begin with NUL, LF or CRLF? Such bytes may complete an end of data
 * in the gap, or a look-alike of one, which is then found when the gap closes. False:
 * it begins with something else that may do so.
 */
static bool smtp_early_begins(struct smtp_segment *seg, u8 *begin)
{
	u32 n = 0;
	u8 c;

	if (!smtp_segment_octet(seg, seg->seq)) {
		*begin = SMTP_EARLY_NUL;
		return true;
	}
	if (seg->len > 2 && smtp_segment_octet(seg, seg->seq) == '\r')
		n = 1;
	if (seg->len > n + 1 && smtp_segment_octet(seg, seg->seq + n) == '\n')
		n++;
	else if (n)
		return false;
	*begin = n > 1 ? SMTP_EARLY_CRLF : n ? SMTP_EARLY_LF : SMTP_EARLY_TEXT;
	c = smtp_segment_octet(seg, seg->seq + n);
	return !smtp_is_eol(c) && c != '.';
}

/* How many octets of a segment are read to see that it is of a body */
#define SMTP_EARLY_READ		4096

/* No command line is longer: V10 */
#define SMTP_EARLY_COMMAND	2048

/* No line of a body is longer, with CRLF: RFC 5321, 4.5.3.1.6 */
#define SMTP_EARLY_LINE		1000

/* A verb that is not known has letters, digits and '-', and is no longer */
#define SMTP_EARLY_VERB		12

/* No client sends so many of these at once */
#define SMTP_EARLY_UNKNOWN	3

/**
 * struct smtp_early_line - a line that may be a command's
 * @verb: its first word
 * @len: octets of it that have been read
 * @unknown: lines so far whose first word may be a verb, and is not known
 * @begun: where it begins is known
 * @ended: a line has ended
 */
struct smtp_early_line {
	struct smtp_match verb;
	u32 len;
	u8 unknown;
	bool begun;
	bool ended;
};

static void smtp_early_line_begin(struct smtp_early_line *line)
{
	line->verb.candidates = (1ULL << __SMTP_FIXUP_VERB_MAX) - 1;
	line->verb.len = 0;
	line->len = 0;
	line->begun = true;
	line->ended = true;
}

/* May a verb have this octet? */
static bool smtp_early_verb_octet(u8 c, bool first)
{
	u8 letter = c | 0x20;

	return (letter >= 'a' && letter <= 'z') ||
	       (!first && ((c >= '0' && c <= '9') || c == '-'));
}

/* Reads octets to the end of their line, or until it is known whether the line is a
 * command. Returns how many. *@body: the line is not a command.
 */
static u32 smtp_early_line_read(struct smtp_early_line *line, const u8 *p,
				u32 n, bool *body)
{
	u32 i;

	for (i = 0; i < n && line->begun && !*body; i++) {
		if (smtp_is_blank(p[i]) && !line->verb.len)
			continue;
		if (!smtp_is_eol(p[i]) && !smtp_is_blank(p[i])) {
			*body = line->verb.len == SMTP_EARLY_VERB ||
				!smtp_early_verb_octet(p[i], !line->verb.len);
			smtp_match_byte(&line->verb, smtp_verbs, p[i]);
			continue;
		}
		/* An empty line tells nothing */
		if (line->verb.len &&
		    smtp_match_word(&line->verb, smtp_verbs) < 0)
			*body = ++line->unknown == SMTP_EARLY_UNKNOWN;
		line->begun = false;
		break;
	}
	if (!line->begun) {
		i += smtp_find(p + i, n - i, '\n');
		if (i < n) {
			smtp_early_line_begin(line);
			return i + 1;
		}
	}
	line->len += i;
	*body |= line->len > SMTP_EARLY_COMMAND;
	return i;
}

/* Does the segment show that it holds no commands, in case that the gap holds the
 * end of data? RFC 2920 lets a client send them right after it, cut anywhere. Each
 * of their lines begins with a verb, almost always one that is known. But a chunk
 * may hold anything: RFC 3030.
 *
 * *@long_line: no line ends in it, but so long a line is no body's either.
 */
static bool smtp_early_is_body(const struct smtp_scan *scan,
			       struct smtp_segment *seg, bool *long_line)
{
	struct smtp_early_line line = {};
	bool body = false;
	u32 off, i, n;

	if (scan->chunks)
		return false;
	for (off = 0; off < seg->len && off < SMTP_EARLY_READ; off += n) {
		const u8 *p = smtp_segment_read(seg, off, &n);

		if (n > seg->len - off)
			n = seg->len - off;
		for (i = 0; i < n && !body; )
			i += smtp_early_line_read(&line, p + i, n - i, &body);
		if (body)
			return true;
	}
	*long_line = !line.ended && seg->len > SMTP_EARLY_LINE;
	return false;
}

/* May the segment hold commands, which follow all that has passed ahead of a gap? If
 * lines of this body are longer than RFC 5321 allows, one more such segment passes.
 */
static bool smtp_early_doubtful(struct smtp_scan *scan, struct smtp_segment *seg)
{
	struct smtp_body *b = scan->b;
	bool long_line = false;

	if (smtp_early_is_body(scan, seg, &long_line))
		return false;
	if (!long_line)
		return true;
	if (b->long_line && !smtp_seq_before(b->next, b->long_line_end))
		return false;
	b->long_line = true;
	b->long_line_end = seg->seq + seg->len;
	return true;
}

/* Runs over the whole segment; false where something happens: also the client's
 * first CR, for what the gap holds is judged as if that had not come yet (V7)
 */
static bool smtp_early_run(struct smtp_scan *scan, struct smtp_segment *seg,
			   u8 *state)
{
	u32 off = 0;

	while (off < seg->len) {
		u32 n;
		u8 event;
		const u8 *p = smtp_segment_read(seg, off, &n);

		if (scan->lf_alone && smtp_find(p, n, '\r') < n)
			return false;
		if (smtp_body_run(scan, state, seg->seq + off, p, n, &event) < n)
			return false;
		off += n;
	}
	return true;
}

enum smtp_verdict smtp_early_judge(struct smtp_scan *scan,
				   struct smtp_segment *seg)
{
	struct smtp_body *b = scan->b;
	u32 end = seg->seq + seg->len;
	u8 state = SMTP_BODY_TEXT, begin = SMTP_EARLY_TEXT;
	bool joins, meets, fits;
	u32 i;

	for (i = 0; i < b->nr_early; i++) {
		struct smtp_early *a = &b->early[i];

		if (!smtp_seq_before(a->start, end))
			break;
		if (smtp_seq_before(seg->seq, a->end)) {
			if (smtp_seq_before(seg->seq, a->start) ||
			    smtp_seq_before(a->end, end))
				return SMTP_DROP;
			/* The end of the gap will be judged by what these begin with */
			if (seg->seq == a->start &&
			    (!smtp_early_begins(seg, &begin) || begin != a->begin))
				return SMTP_DROP;
			return smtp_retransmit_judge(b, seg, seg->seq, end, false) ?
			       SMTP_PASS : SMTP_DROP;
		}
	}

	/* early[i] is the first range after the segment. A segment before a range, or
	 * right after one, is of the body because that range is.
	 */
	joins = i && b->early[i - 1].end == seg->seq;
	if (joins)
		state = b->early[i - 1].state;
	else if (!smtp_early_begins(seg, &begin))
		return SMTP_DROP;
	else if (i == b->nr_early && smtp_early_doubtful(scan, seg))
		return SMTP_DROP;
	else if (b->nr_early == b->max_early && !smtp_early_grow(b, scan->host))
		return SMTP_DROP;

	fits = smtp_early_run(scan, seg, &state) && state != SMTP_BODY_DOT_CR;
	meets = i < b->nr_early && b->early[i].start == end;
	if (meets && smtp_early_step(state, b->early[i].begin) > SMTP_BODY_DOT_CR)
		fits = false;
	if (!fits || !smtp_marks_reserve(b, scan->host)) {
		smtp_marks_remove(b, scan->host, seg->seq, end);
		return SMTP_DROP;
	}

	if (meets && b->early[i].begin != SMTP_EARLY_TEXT)
		smtp_mark_end_behind(b, end);
	if (joins) {
		i--;
	} else {
		memmove(&b->early[i + 1], &b->early[i],
			(b->nr_early - i) * sizeof(*b->early));
		b->early[i].start = seg->seq;
		b->early[i].begin = begin;
		b->nr_early++;
	}
	b->early[i].end = end;
	b->early[i].state = state;
	return SMTP_PASS;
}

enum smtp_verdict smtp_early_close_gap(struct smtp_scan *scan, u32 piece)
{
	struct smtp_body *b = scan->b;
	u8 event = smtp_early_step(b->state, b->early[0].begin);
	bool stuck = false;

	/* The end, and what is after it has passed. V7: LF.LF may be one */
	if (event == SMTP_BODY_END ||
	    (event == SMTP_BODY_SMUGGLED && scan->lf_alone &&
	     b->early[0].begin == SMTP_EARLY_LF))
		return SMTP_DESYNC;
	if (event == SMTP_BODY_SMUGGLED &&
	    scan->policy->smuggling != SMTP_FIXUP_SMUGGLING_MASK) {
		smtp_body_report(scan);
		if (scan->ends && !scan->policy->observe)
			return SMTP_DESYNC;
	} else if (event == SMTP_BODY_SMUGGLED) {
		if (smtp_body_defuse(scan, piece, b->next, &stuck) == SMTP_DESYNC ||
		    stuck)
			return SMTP_DESYNC;
	}
	if (b->early[0].begin != SMTP_EARLY_TEXT)
		smtp_mark_end_behind(b, b->next);
	b->next = b->early[0].end;
	b->state = b->early[0].state;
	b->nr_early--;
	memmove(b->early, b->early + 1, b->nr_early * sizeof(*b->early));
	return SMTP_PASS;
}

void smtp_early_skip(struct smtp_body *b, u32 seq, struct smtp_host *host)
{
	u32 i;

	for (i = 0; i < b->nr_early; i++)
		if (!smtp_seq_before(b->early[i].start, seq))
			break;
	if (i && smtp_seq_before(seq, b->early[i - 1].end)) {
		/* Octets from @seq on have marks: they will be judged again */
		smtp_body_forget(b, host);
	} else if (i) {
		b->nr_early -= i;
		memmove(b->early, b->early + i,
			b->nr_early * sizeof(*b->early));
	}
	b->next = seq;
	b->start = seq;	/* what comes late is not compared */
	b->state = SMTP_BODY_TEXT;
}
