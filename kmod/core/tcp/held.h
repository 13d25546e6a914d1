/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Held: packets of one direction that have to wait, and those that follow them. The
 * caller keeps copies, and has each judged again when it may go on, as if its sender had
 * retransmitted it. docs/rules.md T4
 *
 * The list is in order of sequence numbers. It has the last copy that came of each
 * packet, because a receiver drops older timestamps (RFC 7323, 5.3).
 */
#ifndef _SMTP_CORE_HELD_H
#define _SMTP_CORE_HELD_H

#include "../base/host.h"

/* Limits of a direction: packets, and octets of memory. Several times the initial window
 * (RFC 6928), also with drivers that make 64 KB of a packet.
 */
#define SMTP_HELD_MAX		64
#define SMTP_HELD_SIZE_MAX	(256 * 1024)

/* Payload of packets that are joined, at most: any path carries it (RFC 9293, 3.7.1) */
#define SMTP_HELD_LINE_MAX	500

/* What does a packet wait for? */
enum smtp_holds {
	SMTP_HOLDS_NOTHING,	/* all of it has passed, or none of it ever will */
	SMTP_HOLDS_REPLY,	/* D2, V7, D11 */
	SMTP_HOLDS_TURN,	/* X7 */
	SMTP_HOLDS_ACK,		/* T1, and room for bytes in flight */
	SMTP_HOLDS_LINE,	/* the rest of its last line: G6-G8, E1, E4 */
	SMTP_HOLDS_ORDER,	/* the packets before it: contract 3 */
	SMTP_HOLDS_REST,	/* the ACK of what has left of it: the rest was judged, too */
};

/**
 * struct smtp_held - one packet; embedded in the caller's object
 * @next: the next packet, or NULL
 * @seq: sequence number of its first payload octet
 * @end: sequence number after its last payload octet
 * @left: sequence number after its last octet that has left
 * @size: octets of memory of the caller's object
 * @what: enum smtp_holds
 * @line: octets up to its first LF, if that is among its first octets; 0: it is not
 */
struct smtp_held {
	struct smtp_held *next;
	u32 seq;
	u32 end;
	u32 left;
	u32 size;
	u32 line;
	u8 what;
};

/* Runs of octets that are reported at most: as many as the option has room for beside
 * timestamps (RFC 2018, 3)
 */
#define SMTP_HELD_RUNS		3

/**
 * struct smtp_held_run - octets that are held without a gap between them
 * @seq: sequence number of the first one
 * @end: sequence number after the last one
 */
struct smtp_held_run {
	u32 seq;
	u32 end;
};

/**
 * smtp_held_add() - add a packet to the list
 * @list: of its direction
 * @held: the packet
 * @next: smtp_stream_left()
 *
 * Return: a list of packets that are no longer held, because @held has all their octets
 * that have not passed or because there is no room. @held may be among them.
 */
struct smtp_held *smtp_held_add(struct smtp_held **list, struct smtp_held *held, u32 next);

/* Takes the first packet off a list that is not empty */
static inline struct smtp_held *smtp_held_take(struct smtp_held **list)
{
	struct smtp_held *held = *list;

	*list = held->next;
	held->next = NULL;
	return held;
}

/**
 * smtp_held_passed() - take the first packet off the list, if all of it has passed
 * @list: of its direction
 * @next: smtp_stream_left()
 * @acked: the far end has everything before this
 *
 * Return: the packet, or NULL.
 */
struct smtp_held *smtp_held_passed(struct smtp_held **list, u32 next, u32 acked);

/**
 * smtp_held_line() - has the line come that the first packet waits for?
 * @list: of its direction
 * @next: sequence number of the next octet to judge, one of the packet's
 *
 * Then the caller joins the octets from @next on, as a retransmission by the sender could
 * do: up to the end of the packet where the line ends, or if that is more than
 * %SMTP_HELD_LINE_MAX, up to the end of the line.
 *
 * Return: how many octets; 0: the line has not come, a packet before its end is missing or
 * overlaps, or it is longer than that.
 */
u32 smtp_held_line(const struct smtp_held *list, u32 next);

/**
 * smtp_held_runs() - which octets are held behind a gap?
 * @list: of its direction
 * @next: sequence number of the next octet to judge
 * @runs: set; the last run first, which the newest packet is mostly of
 *
 * Return: how many; 0: the list is empty, or begins with the octet at @next.
 */
u32 smtp_held_runs(const struct smtp_held *list, u32 next,
		   struct smtp_held_run runs[SMTP_HELD_RUNS]);

#endif /* _SMTP_CORE_HELD_H */
