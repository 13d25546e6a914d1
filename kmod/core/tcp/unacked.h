/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Judged bytes as they left, kept until the far end has ACKed them. Retransmissions are
 * overwritten with them.
 *
 * The buffer is allocated separately from the flow: a pipelining client needs kilobytes
 * for one round trip, but a million idle flows must not.
 */
#ifndef _SMTP_CORE_UNACKED_H
#define _SMTP_CORE_UNACKED_H

#include "../base/host.h"

/* Un-ACKed command bytes kept in one direction at most, octets */
#define SMTP_UNACKED_MAX	16384

/**
 * struct smtp_hole - octets that left and are not kept: chunks, bodies
 * @at: how many of the kept bytes left before them
 * @n: how many they are
 */
struct smtp_hole {
	u32 at;
	u32 n;
};

/* Chunks whose commands are in flight at most */
#define SMTP_UNACKED_HOLES	64

/**
 * struct smtp_unacked - command bytes in flight, one direction
 * @buf: the bytes as they left, or NULL
 * @size: of @buf, octets
 * @len: octets in use
 * @seq: sequence number of @buf[0]
 * @nr_holes: holes in use
 * @holes: in order, %SMTP_UNACKED_HOLES of them, or NULL
 */
struct smtp_unacked {
	u8 *buf;
	u32 size;
	u32 len;
	u32 seq;
	u32 nr_holes;
	struct smtp_hole *holes;
};

/**
 * struct smtp_kept - kept bytes without a hole in them
 * @bytes: the bytes
 * @n: how many, 0: there are none
 * @seq: sequence number of the first
 * @hole: the hole after them
 */
struct smtp_kept {
	const u8 *bytes;
	u32 n;
	u32 seq;
	u32 hole;
};

/**
 * smtp_unacked_room() - make room after the kept bytes
 * @host: whose they are
 * @r: the kept bytes
 * @seq: sequence number of the byte to be kept next
 * @n: octets wanted
 * @refused: result: whether it is less because memory is short
 *
 * Where @seq does not continue what is kept there is a hole.
 *
 * Return: octets of room at @r->buf + @r->len, at most @n. Fewer if %SMTP_UNACKED_MAX
 * would be exceeded or memory is short.
 */
u32 smtp_unacked_room(struct smtp_host *host, struct smtp_unacked *r, u32 seq,
		      u32 n, bool *refused);

/* Part of smtp_unacked_ack(): something is kept */
void smtp_unacked_take_ack(struct smtp_host *host, struct smtp_unacked *r, u32 seq);

/**
 * smtp_unacked_ack() - forget bytes that the far end has
 * @host: whose memory it is
 * @r: the kept bytes
 * @seq: it has everything before this
 */
static inline void smtp_unacked_ack(struct smtp_host *host, struct smtp_unacked *r,
				    u32 seq)
{
	if (r->buf)
		smtp_unacked_take_ack(host, r, seq);
}

/**
 * smtp_unacked_begin() - the first kept bytes
 * @r: the kept bytes
 * @run: result
 */
void smtp_unacked_begin(const struct smtp_unacked *r, struct smtp_kept *run);

/**
 * smtp_unacked_next() - the kept bytes after the next hole
 * @r: the kept bytes
 * @run: where it is, and the result
 */
void smtp_unacked_next(const struct smtp_unacked *r, struct smtp_kept *run);

/**
 * smtp_unacked_first() - how many bytes are kept before the first hole
 * @r: the kept bytes
 *
 * Return: the number of bytes.
 */
static inline u32 smtp_unacked_first(const struct smtp_unacked *r)
{
	return r->nr_holes ? r->holes[0].at : r->len;
}

#endif /* _SMTP_CORE_UNACKED_H */
