/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay: judged bytes as they left, kept until the far end has ACKed them.
 *
 * The buffer is a separate allocation, not part of the flow's object: a
 * pipelining client needs kilobytes for one round trip, a million idle flows
 * must not pay for them.
 */
#ifndef _SMTP_CORE_REPLAY_H
#define _SMTP_CORE_REPLAY_H

#include "host.h"

/* Un-ACKed command bytes kept in one direction at most, octets */
#define SMTP_REPLAY_MAX	16384

/**
 * struct smtp_replay - command bytes in flight, one direction
 * @buf: the bytes as they left, or NULL
 * @size: of @buf, octets
 * @len: octets in use
 * @seq: sequence number of @buf[0]
 */
struct smtp_replay {
	u8 *buf;
	u32 size;
	u32 len;
	u32 seq;
};

/**
 * smtp_replay_room() - make room behind the kept bytes
 * @r: the replay
 * @seq: sequence number of the byte to be kept next
 * @n: octets wanted
 *
 * Return: octets there is room for at @r->buf + @r->len, at most @n. Less
 * when %SMTP_REPLAY_MAX would be passed or memory is short; 0 also when @seq
 * does not continue what is kept.
 */
u32 smtp_replay_room(struct smtp_replay *r, u32 seq, u32 n);

/**
 * smtp_replay_ack() - forget what the far end has
 * @r: the replay
 * @seq: it has everything before this
 */
void smtp_replay_ack(struct smtp_replay *r, u32 seq);

#endif /* _SMTP_CORE_REPLAY_H */
