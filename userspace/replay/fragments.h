/* SPDX-License-Identifier: GPL-2.0-only */
/* Fragments of IPv4 and IPv6 put together: few at once, bounded memory. */
#ifndef _SMTPFIXUP_FRAGMENTS_H
#define _SMTPFIXUP_FRAGMENTS_H

#include "replay/packet.h"

/* Datagrams that are incomplete at once; the oldest is given up for more */
#define FRAGMENTS_MAX	64

struct fragments;

struct fragments *fragments_new(void);

/* Returns how many datagrams were never complete, those that are left included. */
u64 fragments_free(struct fragments *f);

/**
 * fragments_add() - add a fragment
 * @f: the fragments so far
 * @p: the fragment
 * @whole: result: the datagram as one frame, valid until the next call
 *
 * Return: whether @whole is there.
 */
bool fragments_add(struct fragments *f, const struct packet *p,
		   struct frame *whole);

#endif /* _SMTPFIXUP_FRAGMENTS_H */
