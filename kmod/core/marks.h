/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Marks: the dots of a body that are not ACKed yet, and what is beside them.
 * What a repetition is held against (repeat.h). DESIGN.md, "The stream
 * contract", points 2 and 6.
 */
#ifndef _SMTP_CORE_MARKS_H
#define _SMTP_CORE_MARKS_H

#include "stream.h"

/* Sequence number behind the mark */
static inline u32 smtp_mark_end(const struct smtp_mark *m)
{
	return m->seq + m->len;
}

/**
 * smtp_array_grow() - move an array to where there is more room
 * @flow: the flow that it belongs to
 * @array: the array, or NULL
 * @size: its room, octets
 * @room: what it is to be
 *
 * Return: the array, or NULL: there is no memory, the old one stays.
 */
void *smtp_array_grow(struct smtp_flow *flow, void *array, u32 size, u32 room);

/**
 * smtp_mark_behind() - index of the first mark that ends behind a place
 * @st: the client's stream
 * @seq: sequence number of the place
 *
 * Return: that, or stream->nr_marks.
 */
u32 smtp_mark_behind(const struct smtp_stream *st, u32 seq);

/**
 * smtp_mark_at() - the mark that an octet belongs to
 * @st: the client's stream
 * @seq: the octet's sequence number
 *
 * Return: that, or NULL.
 */
struct smtp_mark *smtp_mark_at(const struct smtp_stream *st, u32 seq);

/**
 * smtp_mark_add() - mark octets
 * @flow: the flow
 * @seq: sequence number of the first
 * @len: how many; more than one only of dots
 * @kind: enum smtp_mark_kind
 * @eol_before: is the octet before them CR or LF?
 *
 * Marks behind them are set aside, where nothing finds them, until
 * smtp_marks_join(): more may follow, and to move them for each is what a sender
 * of dots could keep a processor busy with.
 *
 * Return: false: there is no room.
 */
bool smtp_mark_add(struct smtp_flow *flow, u32 seq, u32 len, u8 kind,
		   bool eol_before);

void __smtp_marks_join(struct smtp_stream *st);

/**
 * smtp_marks_join() - put what was set aside behind the others
 * @st: the client's stream
 */
static inline void smtp_marks_join(struct smtp_stream *st)
{
	if (st->marks_aside)
		__smtp_marks_join(st);
}

/* Is there room for a mark of dots at @seq, after all others and not beside one? */
static inline bool smtp_mark_fits(const struct smtp_stream *st, u32 seq)
{
	return st->nr_marks != st->max_marks &&
	       (!st->nr_marks ||
		smtp_seq_before(smtp_mark_end(&st->marks[st->nr_marks - 1]), seq));
}

/**
 * smtp_mark_append() - mark a dot after all others, in little time
 * @st: the client's stream
 * @seq: the dot's sequence number; no line end before it, no dot beside it
 * @end_behind: smtp_ends_dot() of the octet behind it
 *
 * Almost all dots are such.
 *
 * Return: false: there is no room, or a mark in the way: smtp_mark_add().
 */
static inline bool smtp_mark_append(struct smtp_stream *st, u32 seq,
				    bool end_behind)
{
	if (!smtp_mark_fits(st, seq))
		return false;
	st->marks[st->nr_marks++] = (struct smtp_mark) {
		.seq = seq, .len = 1, .kind = SMTP_MARK_DOTS,
		.end_behind = end_behind,
	};
	return true;
}

/**
 * smtp_mark_end_behind() - smtp_ends_dot() holds for the octet at @seq: was a dot
 * before it?
 * @st: the client's stream
 * @seq: its sequence number
 */
void smtp_mark_end_behind(struct smtp_stream *st, u32 seq);

/**
 * smtp_mark_wrong_before() - a dot may be let be: why is it no end of data?
 * @st: the client's stream
 * @seq: the dot's sequence number
 * @state: enum smtp_body_state before it
 */
void smtp_mark_wrong_before(struct smtp_stream *st, u32 seq, u8 state);

/**
 * smtp_mark_wrong_behind() - likewise, of a dot behind CRLF
 * @st: the client's stream
 * @seq: the dot's sequence number
 * @wrong: enum smtp_mark_wrong: what is behind it
 */
void smtp_mark_wrong_behind(struct smtp_stream *st, u32 seq, u8 wrong);

/**
 * smtp_marks_grow() - make room for a mark at least
 * @flow: the flow
 *
 * Return: false: there is no memory, or the limit is reached.
 */
bool smtp_marks_grow(struct smtp_flow *flow);

/**
 * smtp_marks_remove() - forget octets that were looked at and not let through
 * @st: the client's stream
 * @from: sequence number of the first
 * @to: behind the last
 */
void smtp_marks_remove(struct smtp_stream *st, u32 from, u32 to);

/**
 * smtp_marks_ack() - forget what the far end has
 * @st: the client's stream; stream->acked is new
 */
void smtp_marks_ack(struct smtp_stream *st);

/**
 * smtp_marks_forget() - forget all, and give the memory back
 * @flow: the flow
 * @st: the client's stream
 */
void smtp_marks_forget(struct smtp_flow *flow, struct smtp_stream *st);

#endif /* _SMTP_CORE_MARKS_H */
