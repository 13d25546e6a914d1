/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame taken apart, and put together again: pure functions of octets. */
#ifndef _SMTPFIXUP_PACKET_H
#define _SMTPFIXUP_PACKET_H

#include "host/host.h"
#include "replay/capture.h"

#define PACKET_FIN	0x01
#define PACKET_SYN	0x02
#define PACKET_RST	0x04
#define PACKET_PSH	0x08
#define PACKET_ACK	0x10
#define PACKET_URG	0x20

#define PACKET_TCP_HEADER	20	/* octets before the options */

enum packet_kind {
	PACKET_OTHER,		/* not TCP */
	PACKET_TCP,
	PACKET_FRAGMENT,	/* of TCP */
	PACKET_SHORT,		/* the capture has less than its headers */
};

/**
 * struct packet - where things are in a frame
 * @frame: the frame
 * @ip: offset of the network header
 * @tcp: offset of the TCP header, or of a fragment's octets
 * @data: offset of the payload
 * @len: octets of payload, or of a fragment
 * @cap: how many of these the frame has
 * @from: the sender
 * @to: the receiver
 * @seq: sequence number
 * @ack: acknowledgment number
 * @urg: urgent pointer
 * @mss: option of a SYN, or 0
 * @flags: TCP's
 * @fragment: a fragment's offset
 * @more: more fragments follow it
 * @id: what the fragments of a datagram have in common
 * @next: offset of the octet that names what follows the fragment header
 */
struct packet {
	struct frame frame;
	u32 ip;
	u32 tcp;
	u32 data;
	u32 len;
	u32 cap;
	struct endpoint from;
	struct endpoint to;
	u32 seq;
	u32 ack;
	u16 urg;
	u16 mss;
	u8 flags;
	u32 fragment;
	bool more;
	u32 id;
	u32 next;
};

enum packet_kind packet_parse(struct packet *p, enum capture_link link,
			      const struct frame *frame);

/* Headers and the largest payload that is built */
#define PACKET_HEADERS_MAX	512
#define PACKET_BUILT_MAX	(PACKET_HEADERS_MAX + CAPTURE_FRAME_MAX)

/**
 * struct packet_changes - the changes of a packet
 * @seq: sequence number
 * @ack: acknowledgment number
 * @flags: TCP's
 * @payload: the payload
 * @len: octets of that
 * @sack: maps a number of a SACK block, or NULL
 * @data: for @sack
 */
struct packet_changes {
	u32 seq;
	u32 ack;
	u8 flags;
	const u8 *payload;
	u32 len;
	u32 (*sack)(u32 seq, const void *data);
	const void *data;
};

/**
 * packet_build() - make a packet with another payload, and right lengths and checksums
 * @p: the packet whose headers it gets
 * @to: at least %PACKET_BUILT_MAX octets
 * @c: the changes
 * @frame: result, in @to
 *
 * Return: 0, or -1: its headers are too long.
 */
int packet_build(const struct packet *p, u8 *to, const struct packet_changes *c,
		 struct frame *frame);

/* RFC 1071. @sum: the sum of the octets before these, an even number. */
u32 packet_sum(const u8 *data, u32 len, u32 sum);

#endif /* _SMTPFIXUP_PACKET_H */
