/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets: an skb as the core's struct smtp_segment. Never linearizes: reads
 * where the bytes lie, pulls no further than the last byte that changes.
 */
#ifndef _SMTP_PACKET_H
#define _SMTP_PACKET_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/tcp.h>
#include "../core/tcp/segment.h"

/**
 * struct smtp_packet - one TCP packet
 * @seg: what the core sees of it
 * @skb: the packet; skb->data is at the network header
 * @th: a copy of the TCP header as it came
 * @tcp: offset of the TCP header from skb->data
 * @data: offset of the payload from skb->data
 * @state: of reading beyond the linear part, valid where @reading
 * @block: what was read last, mapped as long as @reading
 * @block_off: its offset in the payload
 * @block_len: its length, octets
 * @reading: @state may hold a mapping
 * @spliced: the payload has its final length
 * @whole: a copy from before that, where some of it was cut off, or NULL
 * @broken: a byte that must be there could not be read
 * @resumed: a kept packet that goes on; nobody would retransmit what is cut off
 */
struct smtp_packet {
	struct smtp_segment seg;
	struct sk_buff *skb;
	struct tcphdr th;
	u32 tcp;
	u32 data;
	struct skb_seq_state state;
	const u8 *block;
	u32 block_off;
	u32 block_len;
	bool reading;
	bool broken;
	bool spliced;
	bool resumed;
	struct sk_buff *whole;
};

/**
 * struct smtp_stamps - the timestamps of a packet: RFC 7323, 3.2
 * @value: TSval
 * @echo: TSecr; both 0: the packet has none, or elsewhere than most have them
 */
struct smtp_stamps {
	__be32 value;
	__be32 echo;
};

static inline bool smtp_has_stamps(const struct smtp_stamps *stamps)
{
	return stamps->value | stamps->echo;
}

/* Are there newer timestamps than these? None are older than any. */
static inline bool smtp_stamps_before(const struct smtp_stamps *these,
				      const struct smtp_stamps *others)
{
	return smtp_has_stamps(others) &&
	       (!smtp_has_stamps(these) ||
		smtp_seq_before(ntohl(these->value), ntohl(others->value)));
}

/* The words of the option, as Linux and others begin those of each packet: RFC 7323,
 * appendix A
 */
#define SMTP_STAMPS_WORDS	3
#define SMTP_STAMPS_OPTION	htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | \
				      TCPOPT_TIMESTAMP << 8 | TCPOLEN_TIMESTAMP)

int smtp_packet_tcp_offset(const struct sk_buff *skb, u8 family);
bool smtp_packet_init(struct smtp_packet *p, struct sk_buff *skb, u32 tcp);
int smtp_packet_unlist(struct smtp_packet *p);
bool smtp_packet_readable(struct smtp_packet *p);
const u8 *smtp_packet_read(struct smtp_segment *seg, u32 off, u32 *avail);
int smtp_packet_write(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n);
int smtp_packet_cross(struct smtp_segment *seg, u32 off, u32 n);
int smtp_packet_splice(struct smtp_segment *seg, u32 keep, const u8 *bytes,
		       u32 n);
void smtp_packet_read_end(struct smtp_packet *p);
int smtp_packet_own(struct smtp_packet *p);
int smtp_packet_clear_urgent(struct smtp_packet *p);
struct smtp_stamps smtp_packet_stamps(const struct smtp_packet *p);
int smtp_packet_renew_stamps(struct smtp_packet *p, const struct smtp_stamps *stamps);
int smtp_packet_blank_mptcp(struct smtp_packet *p, bool keep);
int smtp_packet_cut(struct smtp_packet *p, u32 pass);
int smtp_packet_replace(struct smtp_packet *p, u32 seq, const u8 *bytes, u32 n);
int smtp_packet_reset(struct smtp_packet *p);
int smtp_packet_probe(struct smtp_packet *p);
void smtp_packet_answer_reset(struct sk_buff *skb,
			      const struct nf_hook_state *state);

#endif /* _SMTP_PACKET_H */
