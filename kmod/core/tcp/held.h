/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Held: the packets of one direction of which some had to wait, or that follow those.
 * Their surroundings keep them, to have each judged again when it may go on, as if its
 * sender had repeated it. Without that each would cost a retransmission. T4
 *
 * Ordered by sequence number. What is held is the last copy of it that came, for a
 * receiver drops older timestamps (RFC 7323, 5.3).
 */
#ifndef _SMTP_CORE_HELD_H
#define _SMTP_CORE_HELD_H

#include "../base/host.h"

/* Packets of a direction at most, and what they take at most: several times what is in
 * flight at first (RFC 6928), and of drivers that make 64 KB of a packet.
 */
#define SMTP_HELD_MAX		64
#define SMTP_HELD_SIZE_MAX	(256 * 1024)

/* Octets of packets that are made one at most: any path carries them (RFC 9293, 3.7.1) */
#define SMTP_HELD_LINE_MAX	500

/* What does a packet wait for? */
enum smtp_holds {
	SMTP_HOLDS_NOTHING,	/* all of it has passed, or nothing ever will */
	SMTP_HOLDS_REPLY,	/* D2, V7, D11 */
	SMTP_HOLDS_TURN,	/* X7 */
	SMTP_HOLDS_ACK,		/* T1, and room for what is in flight */
	SMTP_HOLDS_LINE,	/* the rest of its last line: G6-G8, E1, E4 */
	SMTP_HOLDS_BEHIND,	/* what precedes it */
};

/**
 * struct smtp_held - one packet; part of a larger object of its keeper's
 * @next: the one that follows
 * @seq: sequence number of its first payload octet
 * @end: of the octet behind its last
 * @size: octets of memory that it takes
 * @what: enum smtp_holds
 * @ends_line: there is an LF among its first octets
 */
struct smtp_held {
	struct smtp_held *next;
	u32 seq;
	u32 end;
	u32 size;
	u8 what;
	bool ends_line;
};

/**
 * smtp_held_add() - take a packet into the list
 * @list: of its direction
 * @held: the packet
 *
 * Return: a list of those that are held no more: whose octets are all in @held, or
 * for which there is no room. @held may be among them.
 */
struct smtp_held *smtp_held_add(struct smtp_held **list, struct smtp_held *held);

/* Takes the first packet off the list, which has one */
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
 * @next: sequence number of the next octet to judge
 *
 * Return: the packet, or NULL.
 */
struct smtp_held *smtp_held_passed(struct smtp_held **list, u32 next);

/**
 * smtp_held_line() - has the rest of the line come that the first packet waits for?
 * @list: of its direction
 * @next: sequence number of the next octet to judge, one of the packet's
 *
 * Then the surroundings make one packet of all octets from @next on to the end of
 * the last one, as the sender's repetition could be.
 *
 * Return: the packet that has the end of the line; or NULL: it has not come, it did not
 * come in packets that fit together, or they are more than %SMTP_HELD_LINE_MAX octets.
 */
const struct smtp_held *smtp_held_line(const struct smtp_held *list, u32 next);

#endif /* _SMTP_CORE_HELD_H */
