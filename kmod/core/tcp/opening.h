/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening: what the handshake says about which packets are a connection's own.
 * H2: a SYN/ACK counts only if it acknowledges a SYN that was let through. H3: a
 * side speaks from where it lives.
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

/* What a SYN/ACK is to the connection of the same ports */
enum smtp_answer {
	SMTP_ANSWER_OWN,	/* its own, perhaps repeated */
	SMTP_ANSWER_ANEW,	/* a new connection begins: it answers a later SYN */
	SMTP_ANSWER_STRANGE,	/* it answers nothing: H2 */
};

/**
 * smtp_opening_answer() - what is a SYN/ACK to the connection?
 * @o: the handshake; a SYN has been seen
 * @known: @o->isn is valid
 * @first: sequence number after the SYN/ACK
 * @ack: what it acknowledges
 * @shift: octets by which SYNs may have left higher than they came: conntrack
 *	adjusts those of the next connection as if they were this one's
 *
 * Return: enum smtp_answer.
 */
enum smtp_answer smtp_opening_answer(const struct smtp_opening *o, bool known,
				     u32 first, u32 ack, const s32 shift[2]);

/**
 * smtp_opening_suspect() - does a packet come in where the other side lives?
 * @o: the handshake
 * @dir: whose packet it is, by its addresses
 * @iif: interface by which it came in; 0: it is the router's own
 *
 * Any other interface will do: paths change, and may differ by direction. Where
 * both sides live behind the same one nothing can be told.
 *
 * Return: whether it does, so that only the route to its source can clear it.
 */
static inline bool smtp_opening_suspect(const struct smtp_opening *o,
					enum smtp_dir dir, u32 iif)
{
	return iif && iif == READ_ONCE(o->iif[!dir]) &&
	       iif != READ_ONCE(o->iif[dir]);
}

#endif /* _SMTP_CORE_OPENING_H */
