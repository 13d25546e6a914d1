/* SPDX-License-Identifier: GPL-2.0-only */
/* Octets held back: ranges of a direction's sequence numbers, first copy kept. */
#ifndef _SMTPFIXUP_HELD_H
#define _SMTPFIXUP_HELD_H

#include "host/host.h"

struct held_piece {
	struct held_piece *next;
	u32 seq;
	u32 len;
	u8 data[];
};

/**
 * struct held - the octets that are held back of one direction
 * @first: pieces in order, none overlapping
 * @size: octets in all
 * @pieces: how many
 */
struct held {
	struct held_piece *first;
	u32 size;
	u32 pieces;
};

/* Add the octets that are not there yet. */
void held_add(struct held *held, u32 seq, const u8 *data, u32 len);

/* Forget the octets before a number. */
void held_drop(struct held *held, u32 seq);

/* The end of the octets that follow @seq without a gap. */
u32 held_end(const struct held *held, u32 seq);

/* The end of the gap that begins at @seq, at most @end. */
u32 held_gap(const struct held *held, u32 seq, u32 end);

/* Copy octets that follow @seq without a gap, at most @max. Return how many. */
u32 held_copy(const struct held *held, u32 seq, u8 *to, u32 max);

#endif /* _SMTPFIXUP_HELD_H */
