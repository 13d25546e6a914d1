// SPDX-License-Identifier: GPL-2.0-only
/* Marks: what is remembered of the dots of a body. See marks.h. */
#include "../policy/events.h"
#include "marks.h"

/* -- look-up ------------------------------------------------------------ */

/* As smtp_is_eol() and smtp_ends_dot() have it */
const u8 smtp_beside[256] = {
	['\0'] = SMTP_BESIDE_END,
	['\r'] = SMTP_BESIDE_END | SMTP_LOG_EOL_BEFORE,
	['\n'] = SMTP_BESIDE_END | SMTP_LOG_EOL_BEFORE,
	['.'] = SMTP_BESIDE_DOT,
};

/* The mark at @log is the first of its chunk now */
static void smtp_log_begins(u8 *log)
{
	if (!(log[0] & SMTP_LOG_WIDE)) {
		log[0] &= SMTP_LOG_END_BEHIND;
	} else if (!(log[0] & SMTP_LOG_LONG)) {
		log[0] &= SMTP_LOG_WIDE | SMTP_LOG_WIDE_END_BEHIND;
		log[1] = 0;
	} else {
		memset(log + SMTP_LOG_GAP_AT, 0, sizeof(u32));
	}
}

static u8 smtp_log_end_behind(const u8 *log)
{
	return log[0] & SMTP_LOG_WIDE ? SMTP_LOG_WIDE_END_BEHIND :
					SMTP_LOG_END_BEHIND;
}

/* Does a %SMTP_MARK_SPACE end where the chunk begins? */
static bool smtp_chunk_after_space(const struct smtp_marks *marks,
				   const struct smtp_mark_chunk *c)
{
	const u8 *log = c->prev->log + c->prev->last;

	return marks->spaces && c != marks->head && c->prev->end == c->first &&
	       smtp_log_is_long(log) && log[0] & SMTP_LOG_SPACE;
}

static void smtp_mark_chunk_begin(struct smtp_mark_place *at,
				  struct smtp_mark_chunk *c)
{
	at->chunk = c;
	at->off = 0;
	at->after_space = smtp_chunk_after_space(at->marks, c);
	smtp_log_read(c->log, c->first, &at->m);
}

bool smtp_mark_next_chunk(struct smtp_mark_place *at)
{
	if (at->chunk->next == at->marks->head) {
		at->chunk = NULL;
		return false;
	}
	smtp_mark_chunk_begin(at, at->chunk->next);
	return true;
}

/* The first chunk that ends after @seq, or NULL. It is most often one of the log's
 * ends, or near the one that was looked for last.
 */
static struct smtp_mark_chunk *smtp_chunk_behind(struct smtp_marks *marks, u32 seq)
{
	struct smtp_mark_chunk *c = marks->head;

	if (!c || !smtp_seq_before(seq, c->prev->end))
		return NULL;
	if (smtp_seq_before(seq, c->end))
		return c;
	c = c->prev;
	if (smtp_seq_before(seq, c->prev->end) && marks->near)
		c = marks->near;
	while (c != marks->head && smtp_seq_before(seq, c->prev->end))
		c = c->prev;
	while (!smtp_seq_before(seq, c->end))
		c = c->next;
	marks->near = c;
	return c;
}

bool smtp_mark_behind(const struct smtp_body *b, u32 seq,
		      struct smtp_mark_place *at)
{
	struct smtp_mark_chunk *c = NULL;

	at->marks = b->marks;
	at->chunk = NULL;
	if (b->marks)
		c = smtp_chunk_behind(b->marks, seq);
	if (!c)
		return false;
	smtp_mark_chunk_begin(at, c);
	while (!smtp_seq_before(seq, smtp_mark_end(&at->m)))
		smtp_mark_next(at);
	return true;
}

bool smtp_mark_before_space(const struct smtp_mark_place *at)
{
	struct smtp_mark_place next = *at;

	return at->marks->spaces && smtp_mark_next(&next) &&
	       next.m.kind == SMTP_MARK_SPACE &&
	       next.m.seq == smtp_mark_end(&at->m);
}

/* -- memory ------------------------------------------------------------- */

static u32 smtp_chunk_size(const struct smtp_mark_chunk *c)
{
	return offsetof(struct smtp_mark_chunk, log) + c->room;
}

/* A chunk of @size octets, not in the log. With @spare the last resort is that. */
static struct smtp_mark_chunk *smtp_chunk_alloc(struct smtp_marks *marks,
						struct smtp_host *host, u32 size,
						bool spare)
{
	struct smtp_mark_chunk *c = NULL;

	if (size < SMTP_CHUNK_MIN)
		size = SMTP_CHUNK_MIN;
	if (size > SMTP_CHUNK_MAX)
		size = SMTP_CHUNK_MAX;
	if (marks->size + size <= SMTP_MARKS_MAX)
		c = smtp_host_alloc(host, SMTP_MEMORY_BODY, size);
	if (c) {
		marks->size += size;
		c->room = size - offsetof(struct smtp_mark_chunk, log);
	} else if (spare && marks->spare) {
		c = marks->spare;
		marks->spare = NULL;
	} else {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return NULL;
	}
	c->used = 0;
	return c;
}

static void smtp_chunk_free(struct smtp_host *host, struct smtp_marks *marks,
			    struct smtp_mark_chunk *c)
{
	u32 size;

	if (!c || c == &marks->one)
		return;
	size = smtp_chunk_size(c);
	marks->size -= size;
	smtp_host_free(host, SMTP_MEMORY_BODY, c, size);
}

/* Puts a chunk before @next, or at the end: NULL */
static void smtp_chunk_link(struct smtp_marks *marks, struct smtp_mark_chunk *c,
			    struct smtp_mark_chunk *next)
{
	if (!marks->head) {
		c->next = c;
		c->prev = c;
		marks->head = c;
		return;
	}
	if (next == marks->head)
		marks->head = c;
	else if (!next)
		next = marks->head;
	c->next = next;
	c->prev = next->prev;
	c->prev->next = c;
	next->prev = c;
}

static void smtp_chunk_remove(struct smtp_host *host, struct smtp_marks *marks,
			      struct smtp_mark_chunk *c)
{
	if (marks->put == c)
		marks->put = NULL;
	if (marks->near == c)
		marks->near = NULL;
	if (c->next == c) {
		marks->head = NULL;
	} else {
		if (marks->head == c)
			marks->head = c->next;
		c->prev->next = c->next;
		c->next->prev = c->prev;
	}
	if (marks->spare || c == &marks->one)
		smtp_chunk_free(host, marks, c);
	else
		marks->spare = c;
}

static struct smtp_marks *smtp_marks_new(struct smtp_body *b, struct smtp_host *host)
{
	struct smtp_marks *marks;

	marks = smtp_host_alloc(host, SMTP_MEMORY_BODY, SMTP_MARKS_SIZE);
	if (!marks) {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return NULL;
	}
	memset(marks, 0, sizeof(*marks));
	marks->size = SMTP_MARKS_SIZE;
	marks->one.room = SMTP_CHUNK_FIRST;
	b->marks = marks;
	return marks;
}

bool smtp_marks_reserve(struct smtp_body *b, struct smtp_host *host)
{
	struct smtp_marks *marks = b->marks;

	if (!marks)
		return true;
	if (marks->size > SMTP_MARKS_MAX / 4 * 3)
		return false;
	if (!marks->spare)
		marks->spare = smtp_chunk_alloc(marks, host, SMTP_CHUNK_MAX, false);
	return marks->spare;
}

void smtp_marks_forget(struct smtp_body *b, struct smtp_host *host)
{
	struct smtp_marks *marks = b->marks;

	if (!marks)
		return;
	while (marks->head)
		smtp_chunk_remove(host, marks, marks->head);
	smtp_chunk_free(host, marks, marks->spare);
	smtp_host_free(host, SMTP_MEMORY_BODY, marks, SMTP_MARKS_SIZE);
	b->marks = NULL;
}

/* -- writing ------------------------------------------------------------ */

/* May a mark at @seq be appended to the chunk? */
static bool smtp_chunk_fits(const struct smtp_marks *marks,
			    const struct smtp_mark_chunk *c, u32 seq)
{
	return !smtp_seq_before(seq, c->end) &&
	       (c->next == marks->head || smtp_seq_before(seq, c->next->first));
}

struct smtp_mark_chunk *smtp_marks_put(struct smtp_body *b, u32 seq)
{
	struct smtp_marks *marks = b->marks;

	if (!marks || !marks->head)
		return NULL;
	if (!marks->put || !smtp_chunk_fits(marks, marks->put, seq))
		marks->put = smtp_chunk_fits(marks, marks->head->prev, seq) ?
			     marks->head->prev : NULL;
	return marks->put;
}

/* Do the dots @m continue those of the last mark, and is that a long one? Then it
 * grows.
 */
static bool smtp_chunk_extend(struct smtp_mark_chunk *c, const struct smtp_mark *m)
{
	u8 *log = c->log + c->last;
	u16 len;

	if (!c->used || m->seq != c->end || m->kind != SMTP_MARK_DOTS ||
	    !smtp_log_is_long(log) || log[0] & SMTP_LOG_SPACE)
		return false;
	memcpy(&len, log + SMTP_LOG_LEN_AT, sizeof(len));
	if (len + m->len > SMTP_MARK_LEN_MAX)
		return false;
	len += m->len;
	memcpy(log + SMTP_LOG_LEN_AT, &len, sizeof(len));
	if (m->end_behind)
		log[0] |= SMTP_LOG_WIDE_END_BEHIND;
	c->end += m->len;
	return true;
}

static bool smtp_chunk_append(struct smtp_mark_chunk *c, const struct smtp_mark *m)
{
	u8 *log = c->log + c->used;

	if (smtp_chunk_extend(c, m))
		return true;
	if (!c->used) {
		c->first = m->seq;
		c->end = m->seq;
	}
	if (c->room - c->used < SMTP_LOG_LONG_SIZE ||
	    m->seq - c->first > SMTP_CHUNK_SPAN)
		return false;
	c->last = c->used;
	log = smtp_log_write(log, m->seq - c->end, m->len, smtp_log_flags(m));
	c->used = log - c->log;
	c->end = smtp_mark_end(m);
	return true;
}

/* Splits the chunk at @seq, where it has marks on both sides. False: no memory, or
 * its last mark is there.
 */
static bool smtp_chunk_split(struct smtp_marks *marks, struct smtp_host *host,
			     struct smtp_mark_chunk *c, u32 seq)
{
	struct smtp_mark_place at = { .marks = marks };
	struct smtp_mark_chunk *behind;
	u16 last = 0;
	u32 end, n;

	smtp_mark_chunk_begin(&at, c);
	do {
		last = at.off;
		end = smtp_mark_end(&at.m);
		at.off += smtp_log_len(c->log + at.off);
		if (at.off == c->used)
			return false;
		smtp_log_read(c->log + at.off, end, &at.m);
	} while (smtp_seq_before(at.m.seq, seq));

	n = c->used - at.off;
	behind = smtp_chunk_alloc(marks, host, offsetof(struct smtp_mark_chunk, log) +
				  n + SMTP_LOG_LONG_SIZE, true);
	if (!behind)
		return false;
	if (behind->room < n) {		/* it was the spare one */
		marks->spare = behind;
		return false;
	}
	memcpy(behind->log, c->log + at.off, n);
	smtp_log_begins(behind->log);
	behind->first = at.m.seq;
	behind->end = c->end;
	behind->used = n;
	behind->last = c->last - at.off;
	c->used = at.off;
	c->last = last;
	c->end = end;
	smtp_chunk_link(marks, behind, c->next == marks->head ? NULL : c->next);
	return true;
}

/* The chunk that a mark at @seq is to be appended to. NULL: a new one is needed,
 * before *@next. False: there is no memory.
 */
static bool smtp_marks_seek(struct smtp_body *b, struct smtp_host *host, u32 seq,
			    struct smtp_mark_chunk **c, struct smtp_mark_chunk **next)
{
	*c = smtp_marks_put(b, seq);
	*next = NULL;
	if (*c) {
		if ((*c)->next != b->marks->head)
			*next = (*c)->next;
		return true;
	}
	*next = smtp_chunk_behind(b->marks, seq);
	if (!*next)
		return true;		/* the log is empty */
	if (smtp_seq_before((*next)->first, seq)) {
		*c = *next;
		if (!smtp_chunk_split(b->marks, host, *c, seq))
			return false;
		*next = (*c)->next;
	} else if (*next != b->marks->head) {
		*c = (*next)->prev;
	}
	b->marks->put = *c;
	return true;
}

bool smtp_mark_add(struct smtp_body *b, struct smtp_host *host,
		   const struct smtp_mark *m)
{
	struct smtp_mark_chunk *c, *next;

	if (!b->marks && !smtp_marks_new(b, host))
		return false;
	if (!smtp_marks_seek(b, host, m->seq, &c, &next))
		return false;
	b->marks->wrongs |= m->wrong;
	if (c && smtp_chunk_append(c, m))
		return true;
	if (b->marks->head) {
		c = smtp_chunk_alloc(b->marks, host, c && c != &b->marks->one ?
				     SMTP_CHUNK_MAX : SMTP_CHUNK_MIN, true);
		if (!c)
			return false;
	} else {
		c = &b->marks->one;
		c->used = 0;
	}
	smtp_chunk_append(c, m);
	smtp_chunk_link(b->marks, c, next);
	b->marks->put = c;
	return true;
}

/* Where the mark is written whose octets include @seq, or NULL */
static u8 *smtp_mark_log(const struct smtp_body *b, u32 seq)
{
	struct smtp_marks *marks = b->marks;
	struct smtp_mark_place at;

	if (!marks || !marks->head)
		return NULL;
	/* Most often it is the last one */
	if (marks->put && marks->put->end == seq + 1)
		return marks->put->log + marks->put->last;
	if (!smtp_mark_behind(b, seq, &at) || smtp_seq_before(seq, at.m.seq))
		return NULL;
	return at.chunk->log + at.off;
}

/* smtp_mark_log(), if that mark is of a dot after a line end, or of a space. Those are
 * always long marks.
 */
static u8 *smtp_mark_log_long(const struct smtp_body *b, u32 seq)
{
	u8 *log = smtp_mark_log(b, seq);

	return log && smtp_log_is_long(log) ? log : NULL;
}

void smtp_mark_end_behind(struct smtp_body *b, u32 seq)
{
	u8 *log = smtp_mark_log(b, seq - 1);

	if (log && !(smtp_log_is_long(log) && log[0] & SMTP_LOG_SPACE))
		log[0] |= smtp_log_end_behind(log);
}

bool smtp_mark_space(struct smtp_body *b, struct smtp_host *host, u32 seq)
{
	u8 *dot = smtp_mark_log_long(b, seq);
	const struct smtp_mark space = {
		.seq = seq, .len = 1, .kind = SMTP_MARK_SPACE,
	};

	if (dot) {
		*dot |= SMTP_LOG_SPACE;
	} else {
		if (!smtp_mark_add(b, host, &space))
			return false;
		dot = smtp_mark_log(b, seq - 1);
		if (dot)
			*dot &= ~smtp_log_end_behind(dot);
	}
	b->marks->spaces = true;
	return true;
}

void smtp_mark_wrong(struct smtp_body *b, u32 seq, u8 wrong)
{
	u8 *dot = smtp_mark_log_long(b, seq);

	if (!dot || *dot >> SMTP_LOG_WRONG_SHIFT)
		return;
	*dot |= wrong << SMTP_LOG_WRONG_SHIFT;
	b->marks->wrongs |= wrong;
}

/* -- forgetting --------------------------------------------------------- */

/* Forgets the chunk's marks between @from and @to, and what octet is at @from */
static void smtp_chunk_truncate(struct smtp_mark_chunk *c, u32 from, u32 to)
{
	u32 end = c->first;
	u16 off = 0, last = 0, len = 0;
	struct smtp_mark m;

	for (;;) {
		smtp_log_read(c->log + off, end, &m);
		if (!smtp_seq_before(m.seq, from))
			break;
		end = smtp_mark_end(&m);
		len = m.len;
		last = off;
		off += smtp_log_len(c->log + off);
		if (off == c->used)
			break;
	}
	if (smtp_seq_before(from, end)) {	/* it has grown since */
		len -= end - from;
		memcpy(c->log + last + SMTP_LOG_LEN_AT, &len, sizeof(len));
		end = from;
	}
	if (end == from)
		c->log[last] &= ~smtp_log_end_behind(c->log + last);
	if (off == c->used) {
		c->end = end;
		return;
	}
	if (!smtp_seq_before(m.seq, to))
		return;
	c->used = off;
	c->last = last;
	c->end = end;
}

/* No mark reaches over @to. If any was added between the two, a chunk begins after
 * it: smtp_chunk_split().
 */
void smtp_marks_remove(struct smtp_body *b, struct smtp_host *host, u32 from, u32 to)
{
	struct smtp_marks *marks = b->marks;
	struct smtp_mark_chunk *c = NULL;
	bool last = false;

	if (marks)
		c = smtp_chunk_behind(marks, from - 1);
	while (c && !last && smtp_seq_before(c->first, to)) {
		struct smtp_mark_chunk *next = c->next;

		last = next == marks->head;
		if (smtp_seq_before(c->first, from))
			smtp_chunk_truncate(c, from, to);
		else
			smtp_chunk_remove(host, marks, c);
		c = next;
	}
}

void smtp_marks_ack(struct smtp_body *b, struct smtp_host *host)
{
	struct smtp_marks *marks = b->marks;

	/* A retransmission may begin after a dot, or after one and a CR */
	while (marks && marks->head &&
	       !smtp_seq_before(b->acked - 2, marks->head->end))
		smtp_chunk_remove(host, marks, marks->head);
}
