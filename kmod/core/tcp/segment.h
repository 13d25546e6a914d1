/* SPDX-License-Identifier: GPL-2.0-only */
/* Segment: one packet's TCP payload, wherever its octets lie. */
#ifndef _SMTP_CORE_SEGMENT_H
#define _SMTP_CORE_SEGMENT_H

#include "../base/host.h"

enum smtp_dir {
	SMTP_CLIENT,	/* from the client to the server */
	SMTP_SERVER,	/* from the server to the client */
};

enum smtp_verdict {
	SMTP_PASS,	/* the first smtp_segment.pass octets go on */
	SMTP_DROP,	/* the sender retransmits it */
	SMTP_RESET,	/* the policy ends the connection */
	SMTP_DESYNC,	/* the connection can't be inspected any more: end it */
};

/* Does the verdict end the connection by a RST? */
static inline bool smtp_verdict_resets(enum smtp_verdict verdict)
{
	return verdict == SMTP_RESET || verdict == SMTP_DESYNC;
}

struct smtp_segment;

/**
 * struct smtp_segment_ops - operations on a segment, implemented by the caller
 * @read: payload from @off: returns a pointer and sets *@avail, >= 1 octets
 * @write: make the payload from @off read as @bytes. Called when reading is over;
 *	must compare before it copies. Returns 0; a positive number: that can't be
 *	done, only so many octets of the payload may leave; or negative: drop it
 * @cross: make the @n octets from @off on, but CR and LF, read as 'X'; 0, or
 *	negative: drop it
 * @splice: make the payload its first @keep octets and then @bytes, and begin at
 *	@seq + @skip; 0, or negative: drop it
 * @adjust: from sequence number @pos on, this direction is shifted by @delta
 * @settle: this direction's shift holds for all its sequence numbers
 */
struct smtp_segment_ops {
	const u8 *(*read)(struct smtp_segment *seg, u32 off, u32 *avail);
	int (*write)(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n);
	int (*cross)(struct smtp_segment *seg, u32 off, u32 n);
	int (*splice)(struct smtp_segment *seg, u32 keep, const u8 *bytes, u32 n);
	void (*adjust)(struct smtp_segment *seg, u32 pos, s32 delta);
	void (*settle)(struct smtp_segment *seg);
};

/**
 * struct smtp_segment - one packet's TCP payload
 * @ops: the operations
 * @seq: sequence number of the first payload octet
 * @len: payload octets
 * @mss: payload of each wire segment that it will leave in (gso_size); 0: it is one
 * @ack: cumulative ACK of the other direction
 * @has_ack: @ack is valid
 * @fin: carries FIN
 * @room: payload octets that may leave in it at most; 0: its length must stay
 * @pass: result: leading octets that go on; less than @len is a cut
 * @owes: result: octets after those were judged, too, and are to pass later
 * @skip: result: so many of these stay behind, since they were ACKed; set before a splice,
 *	which keeps nothing then
 */
struct smtp_segment {
	const struct smtp_segment_ops *ops;
	u32 seq;
	u32 len;
	u32 mss;
	u32 ack;
	bool has_ack;
	bool fin;
	u32 room;
	u32 pass;
	bool owes;
	u32 skip;
};

static inline const u8 *smtp_segment_read(struct smtp_segment *seg, u32 off,
					  u32 *avail)
{
	return seg->ops->read(seg, off, avail);
}

/**
 * smtp_segment_write() - write octets over the part that passes
 * @seg: the segment; @seg->pass is lowered if they can't be written
 * @off: from there on
 * @bytes: the octets
 * @n: how many
 *
 * Return: 0, or negative: drop it.
 */
static inline int smtp_segment_write(struct smtp_segment *seg, u32 off,
				     const u8 *bytes, u32 n)
{
	int ret = seg->ops->write(seg, off, bytes, n);

	if (ret > 0 && (u32)ret < seg->pass)
		seg->pass = ret;
	return ret < 0 ? ret : 0;
}

/* The octet at @seq, one of the segment's */
static inline u8 smtp_segment_octet(struct smtp_segment *seg, u32 seq)
{
	u32 n;

	return *smtp_segment_read(seg, seq - seg->seq, &n);
}

/* Octets up to the first LF among those of the segment that one read returns; 0: there is
 * none.
 */
static inline u32 smtp_segment_line(struct smtp_segment *seg)
{
	const u8 *p, *end;
	u32 n;

	if (!seg->len)
		return 0;
	p = smtp_segment_read(seg, 0, &n);
	end = memchr(p, '\n', n < seg->len ? n : seg->len);
	return end ? end + 1 - p : 0;
}

/**
 * smtp_segment_copy() - copy octets of a segment
 * @seg: the segment
 * @off: from there on
 * @to: where to
 * @n: how many; they are all there
 */
static inline void smtp_segment_copy(struct smtp_segment *seg, u32 off, u8 *to,
				     u32 n)
{
	while (n) {
		u32 avail;
		const u8 *p = smtp_segment_read(seg, off, &avail);

		if (avail > n)
			avail = n;
		memcpy(to, p, avail);
		off += avail;
		to += avail;
		n -= avail;
	}
}

#endif /* _SMTP_CORE_SEGMENT_H */
