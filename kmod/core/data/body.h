/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Body: the state of a message body in flight. The body itself is not kept. Its dots are
 * remembered until they are ACKed (marks.h), and retransmissions are compared with those
 * (retransmit.h). early.h is about segments beyond a gap, eod.h about the end of data.
 */
#ifndef _SMTP_CORE_BODY_H
#define _SMTP_CORE_BODY_H

#include "../tcp/segment.h"

/* The last octets of a body, as the server will see them: D3, D4 */
enum smtp_body_state {
	SMTP_BODY_TEXT,
	SMTP_BODY_CR,
	SMTP_BODY_LF,		/* without a CR before it */
	SMTP_BODY_CRLF,		/* a body begins as if after one */
	SMTP_BODY_DOT,		/* CRLF and a dot */
	SMTP_BODY_BAD_DOT,	/* CR or LF alone, and a dot */
	SMTP_BODY_DOT_CR,	/* CRLF, a dot and CR */
};

/* The first octets that passed ahead of a gap. They decide whether a dot before them ends
 * the data, so they are looked at when the gap closes.
 */
enum smtp_early_begin {
	SMTP_EARLY_TEXT,	/* none of these */
	SMTP_EARLY_NUL,
	SMTP_EARLY_LF,
	SMTP_EARLY_CRLF,
};

/**
 * struct smtp_early - body octets that passed ahead of a gap
 * @start: sequence number of the first
 * @end: after the last
 * @state: enum smtp_body_state after the last
 * @begin: enum smtp_early_begin
 */
struct smtp_early {
	u32 start;
	u32 end;
	u8 state;
	u8 begin;
};

/* Gaps in flight: a path of 1,000 segments that loses one of 20 has 50 */
#define SMTP_EARLY_MIN	4
#ifndef SMTP_EARLY_MAX		/* the simulator's windows are small */
#define SMTP_EARLY_MAX	64
#endif

/* Retransmissions dropped for want of marks (H5) before the connection ends. The
 * first ones may be of bytes that have arrived and whose ACK is on its way.
 */
#define SMTP_STALLS_MAX		4

/**
 * struct smtp_body - the client's last body, as far as it is in flight
 * @next: sequence number of the next octet to judge; once it has ended, of the
 *	octet after it
 * @acked: the server has everything before this
 * @start: first octet
 * @state: enum smtp_body_state before @next
 * @active: its end has not come
 * @bare: it has ended in LF.LF: V7
 * @nr_early: ranges in use of @early
 * @max_early: room in @early
 * @mss: its largest wire segment, octets
 * @stalls: retransmissions dropped because they reach before @forgotten
 * @forgotten: retransmissions of octets before this are dropped: H5
 * @long_line: a segment of this body, beyond a gap, had no line end
 * @long_line_end: after its last octet
 * @marks: of its dots in flight, or NULL
 * @early: ranges beyond @next, in order, which do not touch, or NULL
 */
struct smtp_body {
	u32 next;
	u32 acked;
	u32 start;
	u8 state;
	bool active;
	bool bare;
	u8 nr_early;
	u8 max_early;
	u8 stalls;
	u16 mss;
	bool long_line;
	u32 forgotten;
	u32 long_line_end;
	struct smtp_marks *marks;
	struct smtp_early *early;
};

#define SMTP_END_OF_DATA_LEN	5

/**
 * smtp_body_end() - the octets that ended a body
 * @b: the body; it is not active
 * @n: result: how many, the body's last octets
 *
 * Return: those octets.
 */
const u8 *smtp_body_end(const struct smtp_body *b, u32 *n);

#endif /* _SMTP_CORE_BODY_H */
