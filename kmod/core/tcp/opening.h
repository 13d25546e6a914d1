/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening: what the handshake says about which packets are a connection's own. H2: a
 * SYN/ACK counts only if it acknowledges a SYN that was let through. H3: the packets of a
 * side come in by its interface.
 */
#ifndef _SMTP_CORE_OPENING_H
#define _SMTP_CORE_OPENING_H

#include "segment.h"

/**
 * struct smtp_opening - the handshake, as far as it has been seen
 * @syn: sequence number after the client's last SYN
 * @isn: first payload octet by enum smtp_dir
 * @iif: interface by which each side's packets come in, by enum smtp_dir, or 0
 */
struct smtp_opening {
	u32 syn;
	u32 isn[2];
	u32 iif[2];
};

/* What a SYN/ACK means for the connection of the same ports */
enum smtp_answer {
	SMTP_ANSWER_OWN,	/* its own, perhaps a retransmission */
	SMTP_ANSWER_ANEW,	/* it answers a later SYN: a new connection begins */
	SMTP_ANSWER_STRANGE,	/* it answers nothing: H2 */
};

/**
 * smtp_opening_answer() - what does a SYN/ACK mean for the connection?
 * @o: the handshake; a SYN has been seen
 * @known: @o->isn is valid
 * @first: sequence number after the SYN/ACK
 * @ack: what it acknowledges
 * @shift: offsets that may have been added to a SYN's number: conntrack adjusts SYNs of
 *	the next connection as if they were this one's
 *
 * Return: enum smtp_answer.
 */
enum smtp_answer smtp_opening_answer(const struct smtp_opening *o, bool known,
				     u32 first, u32 ack, const s32 shift[2]);

/**
 * smtp_opening_suspect() - does a packet come in by the other side's interface?
 * @o: the handshake
 * @dir: whose packet it is, by its addresses
 * @iif: interface by which it came in; 0: it is the router's own
 *
 * Any third interface is accepted: paths change, and may differ by direction. If both
 * sides have the same interface, nothing can be told.
 *
 * Return: whether it does. Then only the route to its source can show that it is genuine.
 */
static inline bool smtp_opening_suspect(const struct smtp_opening *o,
					enum smtp_dir dir, u32 iif)
{
	return iif && iif == READ_ONCE(o->iif[!dir]) &&
	       iif != READ_ONCE(o->iif[dir]);
}

#endif /* _SMTP_CORE_OPENING_H */
