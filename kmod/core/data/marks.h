/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: the dots of a body that are not ACKed yet, with the octets beside them.
 * Retransmissions are compared with them (retransmit.h). docs/design.md, "The stream
 * contract", points 2 and 6.
 *
 * The marks are a log in order of sequence. Nearly all are of a single dot within
 * a line, which takes one octet or two: its distance from the mark before it, and
 * what follows it. Every other mark takes eight. The log lies in chunks of at most
 * 4 KiB, so that no mark is moved when it grows: where a gap is filled, the chunk is
 * split there.
 */
#ifndef _SMTP_CORE_MARKS_H
#define _SMTP_CORE_MARKS_H

#include "body.h"

enum smtp_mark_kind {
	SMTP_MARK_DOTS,		/* dots, and whether a CR or LF is beside them */
	SMTP_MARK_SPACE,	/* an octet that left as a space: D4 */
};

/* Why a dot that was left alone between line ends is not an end of data (D4). One
 * disqualifying byte is enough, so only one is recorded.
 */
enum smtp_mark_wrong {
	SMTP_WRONG_NOWHERE,
	SMTP_WRONG_CR_BEFORE,	/* the octet before it is no LF */
	SMTP_WRONG_LF_BEFORE,	/* that before this LF is no CR */
	SMTP_WRONG_LF_BEHIND,	/* the octet after it is no CR */
	SMTP_WRONG_CR_BEHIND,	/* that after this CR is no LF */
};

/**
 * struct smtp_mark - what is remembered of the first copy of a body
 * @seq: sequence number of the first octet
 * @len: octets; more than one only of dots
 * @kind: enum smtp_mark_kind
 * @eol_before: the octet before them is CR or LF, or the body begins here
 * @end_behind: the octet after them is CR, LF or NUL: smtp_ends_dot()
 * @wrong: enum smtp_mark_wrong; only of a single dot with @eol_before
 */
struct smtp_mark {
	u32 seq;
	u16 len;
	u8 kind;
	bool eol_before;
	bool end_behind;
	u8 wrong;
};

#define SMTP_MARK_LEN_MAX	0xffff

/* How a mark is written. A dot in a line is the distance from the end of the mark
 * before it and a bit for what follows: in one octet with the lowest bit clear, or in
 * two with the lowest bits 01. Any other mark has flags, the lowest bits of which are
 * 11, then a length of 16 bits and a distance of 32.
 */
#define SMTP_LOG_WIDE		0x01	/* not in one octet */
#define SMTP_LOG_LONG		0x02	/* nor in two; with %SMTP_LOG_WIDE */
#define SMTP_LOG_SPACE		0x08	/* this and the following in long marks alone */
#define SMTP_LOG_EOL_BEFORE	0x10
#define SMTP_LOG_WRONG_SHIFT	5
#define SMTP_LOG_LEN_AT		1
#define SMTP_LOG_GAP_AT		3
#define SMTP_LOG_LONG_SIZE	7

#define SMTP_LOG_END_BEHIND	0x02	/* in one octet */
#define SMTP_LOG_GAP_SHIFT	2
#define SMTP_LOG_GAP_MAX	0x3f

#define SMTP_LOG_WIDE_END_BEHIND 0x04	/* in two octets, and in long marks */
#define SMTP_LOG_WIDE_GAP_SHIFT	3
#define SMTP_LOG_WIDE_GAP_MAX	0x1fff

/* Octets of memory that the marks of a body take at most, and a chunk. Prose of short
 * sentences has a dot in 15 octets: 8 MiB are for more than 100 MiB of it in flight.
 */
#ifndef SMTP_FEW_MARKS
#define SMTP_MARKS_MAX		(8U << 20)
#define SMTP_CHUNK_MIN		2048	/* not small to kmod/path/share.h */
#define SMTP_CHUNK_MAX		4096
#define SMTP_CHUNK_FIRST	120	/* octets of its log; most mails need no more */
#else				/* the simulator's windows are small */
#define SMTP_MARKS_MAX		1024
#define SMTP_CHUNK_MIN		64
#define SMTP_CHUNK_MAX		96
#define SMTP_CHUNK_FIRST	40
#endif

/* Octets of a body that the long marks of a chunk may span: its sequence numbers
 * are compared with live ones
 */
#define SMTP_CHUNK_SPAN		0x1000000U

/**
 * struct smtp_mark_chunk - a part of the log
 * @next: the following part; the last part has the first one
 * @prev: the preceding part; the first part has the last one
 * @first: sequence number of the first mark
 * @end: after the last mark
 * @room: octets there is room for
 * @used: octets in use, not 0
 * @last: where in @log the last mark begins
 * @log: the marks
 */
struct smtp_mark_chunk {
	struct smtp_mark_chunk *next;
	struct smtp_mark_chunk *prev;
	u32 first;
	u32 end;
	u16 room;
	u16 used;
	u16 last;
	u8 log[];
};

/**
 * struct smtp_marks - the log of one body
 * @head: its first chunk, or NULL: there is no mark
 * @put: the chunk that the next mark most likely goes to, or NULL
 * @near: the chunk that was looked for last, or NULL
 * @spare: memory for what closes a gap, or NULL
 * @size: octets that all this takes
 * @spaces: there are %SMTP_MARK_SPACE
 * @wrongs: there are marks with a smtp_mark.wrong
 * @one: the only chunk of most; used again whenever the log is empty
 */
struct smtp_marks {
	struct smtp_mark_chunk *head;
	struct smtp_mark_chunk *put;
	struct smtp_mark_chunk *near;
	struct smtp_mark_chunk *spare;
	u32 size;
	bool spaces;
	bool wrongs;
	struct smtp_mark_chunk one;	/* ends in an array */
};

/* Octets of struct smtp_marks and its first chunk */
#define SMTP_MARKS_SIZE		(offsetof(struct smtp_marks, one.log) + \
				 SMTP_CHUNK_FIRST)

/**
 * struct smtp_mark_place - a place in the log
 * @marks: the log
 * @chunk: the chunk, or NULL: after the last mark
 * @off: where in its log
 * @after_space: a %SMTP_MARK_SPACE ends where this mark begins
 * @m: the mark
 */
struct smtp_mark_place {
	const struct smtp_marks *marks;
	struct smtp_mark_chunk *chunk;
	u16 off;
	bool after_space;
	struct smtp_mark m;
};

/* Sequence number after the mark */
static inline u32 smtp_mark_end(const struct smtp_mark *m)
{
	return m->seq + m->len;
}

/* Is there a mark at all? */
static inline bool smtp_marks_any(const struct smtp_body *b)
{
	return b->marks && b->marks->head;
}

/**
 * smtp_mark_behind() - the first mark that ends after a place
 * @b: the body
 * @seq: sequence number of the place
 * @at: result
 *
 * Return: false: there is none, and @at->chunk is NULL.
 */
bool smtp_mark_behind(const struct smtp_body *b, u32 seq,
		      struct smtp_mark_place *at);

static inline bool smtp_log_is_long(const u8 *log)
{
	return (log[0] & (SMTP_LOG_WIDE | SMTP_LOG_LONG)) ==
	       (SMTP_LOG_WIDE | SMTP_LOG_LONG);
}

static inline u32 smtp_log_len(const u8 *log)
{
	if (!(log[0] & SMTP_LOG_WIDE))
		return 1;
	return log[0] & SMTP_LOG_LONG ? SMTP_LOG_LONG_SIZE : 2;
}

/* Parses the mark at @log. *@seq: in, where the one before it ends; out, where it
 * begins. *@flags: as in a long mark. Returns octets in the log.
 */
static __always_inline u32 smtp_log_parse(const u8 *log, u32 *seq, u16 *len,
					  u8 *flags)
{
	u32 gap;

	*len = 1;
	if (!(log[0] & SMTP_LOG_WIDE)) {
		*seq += log[0] >> SMTP_LOG_GAP_SHIFT;
		*flags = log[0] & SMTP_LOG_END_BEHIND ? SMTP_LOG_WIDE_END_BEHIND : 0;
		return 1;
	}
	if (!(log[0] & SMTP_LOG_LONG)) {
		*seq += (log[0] | log[1] << 8) >> SMTP_LOG_WIDE_GAP_SHIFT;
		*flags = log[0] & SMTP_LOG_WIDE_END_BEHIND;
		return 2;
	}
	__builtin_memcpy(len, log + SMTP_LOG_LEN_AT, sizeof(*len));
	__builtin_memcpy(&gap, log + SMTP_LOG_GAP_AT, sizeof(gap));
	*seq += gap;
	*flags = log[0] & ~(SMTP_LOG_WIDE | SMTP_LOG_LONG);
	return SMTP_LOG_LONG_SIZE;
}

/* Reads the mark at @log, which follows one that ends at @end */
static inline void smtp_log_read(const u8 *log, u32 end, struct smtp_mark *m)
{
	u8 flags;

	m->seq = end;
	smtp_log_parse(log, &m->seq, &m->len, &flags);
	m->kind = flags & SMTP_LOG_SPACE ? SMTP_MARK_SPACE : SMTP_MARK_DOTS;
	m->eol_before = !!(flags & SMTP_LOG_EOL_BEFORE);
	m->end_behind = !!(flags & SMTP_LOG_WIDE_END_BEHIND);
	m->wrong = flags >> SMTP_LOG_WRONG_SHIFT;
}

/* What is written of a mark, as flags of a long one */
static inline u8 smtp_log_flags(const struct smtp_mark *m)
{
	return (m->end_behind ? SMTP_LOG_WIDE_END_BEHIND : 0) |
	       (m->kind == SMTP_MARK_SPACE ? SMTP_LOG_SPACE : 0) |
	       (m->eol_before ? SMTP_LOG_EOL_BEFORE : 0) |
	       m->wrong << SMTP_LOG_WRONG_SHIFT;
}

/* What an octet beside dots tells of them, as flags, of long marks and of short ones; a
 * dot itself has another
 */
#define SMTP_BESIDE_DOT		SMTP_LOG_WIDE
#define SMTP_BESIDE_END		(SMTP_LOG_WIDE_END_BEHIND | SMTP_LOG_END_BEHIND)
#define SMTP_LOG_BESIDE		(SMTP_LOG_EOL_BEFORE | SMTP_LOG_WIDE_END_BEHIND)

extern const u8 smtp_beside[256];

/* Are these the octets beside dots whose mark has these flags? */
static inline bool smtp_log_beside(u8 flags, u8 before, u8 behind)
{
	return !(((flags ^ smtp_beside[before]) & SMTP_LOG_EOL_BEFORE) |
		 ((flags ^ smtp_beside[behind]) & SMTP_LOG_WIDE_END_BEHIND));
}

/* Writes a mark that begins @gap octets after the one before it. @flags as in a long
 * mark. Returns where the next one goes; there is room for %SMTP_LOG_LONG_SIZE octets.
 */
static __always_inline u8 *smtp_log_write(u8 *log, u32 gap, u16 len, u8 flags)
{
	bool plain = len == 1 && !(flags & ~SMTP_LOG_WIDE_END_BEHIND);

	if (plain && gap <= SMTP_LOG_GAP_MAX) {
		*log = gap << SMTP_LOG_GAP_SHIFT |
		       (flags ? SMTP_LOG_END_BEHIND : 0);
		return log + 1;
	}
	if (plain && gap <= SMTP_LOG_WIDE_GAP_MAX) {
		gap = gap << SMTP_LOG_WIDE_GAP_SHIFT | SMTP_LOG_WIDE | flags;
		log[0] = gap;
		log[1] = gap >> 8;
		return log + 2;
	}
	log[0] = SMTP_LOG_WIDE | SMTP_LOG_LONG | flags;
	__builtin_memcpy(log + SMTP_LOG_LEN_AT, &len, sizeof(len));
	__builtin_memcpy(log + SMTP_LOG_GAP_AT, &gap, sizeof(gap));
	return log + SMTP_LOG_LONG_SIZE;
}

/* Writes the mark of one dot in a line, @gap octets after the one before it. As
 * smtp_log_write(), but without a branch: it is as good as random whether it takes one
 * octet or two, and there is room for two. @behind: SMTP_LOG_END_BEHIND or 0. Returns
 * whether it takes two.
 */
static __always_inline u32 smtp_log_write_near(u8 *log, u32 gap, u32 behind)
{
	u32 wide = (gap + (0x7fffffff - SMTP_LOG_GAP_MAX)) >> 31;
	u32 octets = (gap << SMTP_LOG_GAP_SHIFT) + behind;

	octets = (octets << wide) + wide * SMTP_LOG_WIDE;
	log[0] = octets;
	log[1] = octets >> 8;
	return wide;
}

/* Is the mark that begins with @log of one dot in a line, and nearby? It is the distance
 * then.
 */
static inline bool smtp_log_plain(u8 log)
{
	return !(log & (SMTP_LOG_WIDE | SMTP_LOG_END_BEHIND));
}

bool smtp_mark_next_chunk(struct smtp_mark_place *at);

/**
 * smtp_mark_next() - go to the next mark
 * @at: the place of a mark
 *
 * Return: false: there is none, and @at->chunk is NULL.
 */
static inline bool smtp_mark_next(struct smtp_mark_place *at)
{
	const struct smtp_mark_chunk *c = at->chunk;
	u32 end = smtp_mark_end(&at->m);
	bool space = at->m.kind == SMTP_MARK_SPACE;

	at->off += smtp_log_len(c->log + at->off);
	if (at->off == c->used)
		return smtp_mark_next_chunk(at);
	smtp_log_read(c->log + at->off, end, &at->m);
	at->after_space = space && at->m.seq == end;
	return true;
}

/**
 * smtp_mark_before_space() - does a %SMTP_MARK_SPACE follow the mark at once?
 * @at: the place of a mark
 *
 * Return: whether one does.
 */
bool smtp_mark_before_space(const struct smtp_mark_place *at);

/**
 * smtp_mark_add() - add a mark
 * @b: the body
 * @host: whose memory it takes
 * @m: the mark; its octets have none yet
 *
 * Return: false: there is no memory.
 */
bool smtp_mark_add(struct smtp_body *b, struct smtp_host *host,
		   const struct smtp_mark *m);

/**
 * smtp_marks_put() - where marks from a place on can be appended quickly
 * @b: the body
 * @seq: sequence number of the place
 *
 * Return: the chunk, or NULL: smtp_mark_add() finds it. It holds until the next call
 * of another function of this file.
 */
struct smtp_mark_chunk *smtp_marks_put(struct smtp_body *b, u32 seq);

/* Is there room for any mark where smtp_marks_put() would put it? */
static inline bool smtp_marks_room(struct smtp_body *b, u32 seq)
{
	const struct smtp_mark_chunk *c = smtp_marks_put(b, seq);

	return c && c->room - c->used >= SMTP_LOG_LONG_SIZE;
}

/**
 * struct smtp_mark_writer - appends the dots of one piece of a body
 * @c: the chunk
 * @seq: sequence number of the piece
 * @put: where in its log the next mark goes
 * @last: where the last one began
 * @full: no mark begins after this
 * @end: place in the piece after the last dots, perhaps negative
 */
struct smtp_mark_writer {
	struct smtp_mark_chunk *c;
	u32 seq;
	u8 *put;
	u8 *last;
	u8 *full;
	u32 end;
};

/**
 * smtp_mark_writer_begin() - append the dots of a piece
 * @w: to be filled in, until smtp_mark_writer_end()
 * @b: the body
 * @seq: sequence number of the piece
 * @n: its octets; none of them has marks
 *
 * Return: false: smtp_mark_add() finds or makes room.
 */
static inline bool smtp_mark_writer_begin(struct smtp_mark_writer *w,
					  struct smtp_body *b, u32 seq, u32 n)
{
	struct smtp_mark_chunk *c = smtp_marks_put(b, seq);

	if (!c || c->room < SMTP_LOG_LONG_SIZE || seq + n - c->first > SMTP_CHUNK_SPAN)
		return false;
	w->c = c;
	w->seq = seq;
	w->put = c->log + c->used;
	w->last = c->log + c->last;
	w->full = c->log + c->room - SMTP_LOG_LONG_SIZE;
	w->end = c->end - seq;
	return true;
}

static inline void smtp_mark_writer_end(struct smtp_mark_writer *w)
{
	w->c->used = w->put - w->c->log;
	w->c->last = w->last - w->c->log;
	w->c->end = w->seq + w->end;
}

/**
 * smtp_mark_write() - append dots
 * @w: the writer
 * @at: their place in the piece, not its first, and not beside other dots
 * @len: how many
 * @flags: SMTP_LOG_EOL_BEFORE and the like, as in a long mark
 *
 * Return: false: there is no room.
 */
static __always_inline bool smtp_mark_write(struct smtp_mark_writer *w, u32 at,
					    u16 len, u8 flags)
{
	u8 *put = w->put;

	if (put > w->full)
		return false;
	w->last = put;
	w->put = smtp_log_write(put, at - w->end, len, flags);
	w->end = at + len;
	return true;
}

/* smtp_mark_write() of one dot in a line; false also where it takes more than an octet */
static __always_inline bool smtp_mark_write_plain(struct smtp_mark_writer *w, u32 at)
{
	u32 gap = at - w->end;

	if (gap > SMTP_LOG_GAP_MAX || w->put > w->full)
		return false;
	w->last = w->put;
	*w->put++ = gap << SMTP_LOG_GAP_SHIFT;
	w->end = at + 1;
	return true;
}

/**
 * smtp_mark_end_behind() - smtp_ends_dot() holds for the octet at @seq: was a dot
 * before it?
 * @b: the body
 * @seq: its sequence number
 */
void smtp_mark_end_behind(struct smtp_body *b, u32 seq);

/**
 * smtp_mark_space() - the octet at @seq leaves as a space
 * @b: the body
 * @host: whose memory it takes
 * @seq: sequence number of a dot after a line end, or of the octet after it
 *
 * Return: false: there is no memory.
 */
bool smtp_mark_space(struct smtp_body *b, struct smtp_host *host, u32 seq);

/**
 * smtp_mark_wrong() - note why a dot after a line end is not an end of data
 * @b: the body
 * @seq: the dot's sequence number
 * @wrong: enum smtp_mark_wrong; a reason noted before stays
 */
void smtp_mark_wrong(struct smtp_body *b, u32 seq, u8 wrong);

/**
 * smtp_marks_reserve() - keep memory for the octets that close a gap
 * @b: the body
 * @host: whose memory it takes
 *
 * Otherwise the marks of octets that passed ahead of the gap could take all memory. The
 * gap could not be closed, and nothing more would be ACKed.
 *
 * Return: false: no memory, or the octets ahead of the gap have taken their share.
 */
bool smtp_marks_reserve(struct smtp_body *b, struct smtp_host *host);

/**
 * smtp_marks_remove() - forget octets that were looked at and not let through
 * @b: the body
 * @host: whose memory it takes
 * @from: sequence number of the first; the beginning of what was looked at
 * @to: after the last
 */
void smtp_marks_remove(struct smtp_body *b, struct smtp_host *host, u32 from, u32 to);

/**
 * smtp_marks_ack() - forget dots that the far end has
 * @b: the body; body->acked is new
 * @host: whose memory it is
 */
void smtp_marks_ack(struct smtp_body *b, struct smtp_host *host);

/**
 * smtp_marks_forget() - forget all, and give the memory back
 * @b: the body
 * @host: whose memory it is
 */
void smtp_marks_forget(struct smtp_body *b, struct smtp_host *host);

#endif /* _SMTP_CORE_MARKS_H */
