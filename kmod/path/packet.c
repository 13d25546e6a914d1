// SPDX-License-Identifier: GPL-2.0-only
/* Packets: reading and changing an skb. See packet.h. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include "../compat.h"
#include "../core/tcp/mptcp.h"
#include "packet.h"

/* At most so many octets of a packet become linear for an edit. A large packet is cut
 * before an edit further back.
 */
#define SMTP_PULL_MAX	4096

/**
 * smtp_packet_tcp_offset() - where is the TCP header?
 * @skb: a packet whose network header is at skb->data
 * @family: NFPROTO_IPV4 or NFPROTO_IPV6
 *
 * Return: its offset, or -1: not TCP, or not the first fragment.
 */
int smtp_packet_tcp_offset(const struct sk_buff *skb, u8 family)
{
	int offset = skb_network_offset(skb);
	__be16 frag_off = 0;
	u8 proto;

	if (family == NFPROTO_IPV4) {
		if (ip_hdr(skb)->protocol != IPPROTO_TCP ||
		    ip_hdr(skb)->frag_off & htons(IP_OFFSET))
			return -1;
		return offset + ip_hdrlen(skb);
	}
	proto = ipv6_hdr(skb)->nexthdr;
	offset = ipv6_skip_exthdr(skb, offset + sizeof(struct ipv6hdr), &proto,
				  &frag_off);
	if (proto != IPPROTO_TCP || frag_off & htons(IP6_OFFSET))
		return -1;
	return offset;
}

/**
 * smtp_packet_read_end() - reading is over
 * @p: the packet
 *
 * What smtp_packet_read() returned last is no longer valid.
 */
void smtp_packet_read_end(struct smtp_packet *p)
{
	if (p->reading)
		skb_abort_seq_read(&p->state);
	p->reading = false;
	p->block_len = 0;
}

/* smtp_segment_ops.read */
const u8 *smtp_packet_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	struct smtp_packet *p = container_of(seg, struct smtp_packet, seg);
	u32 pos = p->data + off;

	if (pos < skb_headlen(p->skb)) {
		*avail = skb_headlen(p->skb) - pos;
		return p->skb->data + pos;
	}
	if (off - p->block_off >= p->block_len) {
		/* skb_seq_read() goes forward only */
		if (!p->reading || off < p->block_off) {
			smtp_packet_read_end(p);
			skb_prepare_seq_read(p->skb, p->data, p->skb->len,
					     &p->state);
			p->reading = true;
		}
		p->block_off = off;
		p->block_len = skb_seq_read(off, &p->block, &p->state);
		if (!p->block_len) {
			p->reading = false;
			p->broken = true;
			*avail = 1;
			return (const u8 *)"";
		}
	}
	*avail = p->block_len - (off - p->block_off);
	return p->block + (off - p->block_off);
}

static struct tcphdr *smtp_packet_th(const struct smtp_packet *p)
{
	return (struct tcphdr *)(p->skb->data + p->tcp);
}

/* Does each wire segment of the packet have a header of its own? True of packets that
 * rx-gro-list made, of TCP since 6.10.
 */
static bool smtp_packet_listed(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & SKB_GSO_FRAGLIST;
}

/* A GSO packet with a frag_list is segmented at the fragments' ends. Pulling moves these,
 * so tell GSO not to trust the layout. Where the fragments have headers and checksums of
 * their own, the packet gets one header and one checksum for all of them.
 */
static void smtp_packet_resegment(struct smtp_packet *p)
{
	struct sk_buff *skb = p->skb;
	struct tcphdr *th = smtp_packet_th(p);
	u32 len = skb->len - p->tcp;
	bool listed = smtp_packet_listed(skb);

	skb_shinfo(skb)->gso_type &= ~SKB_GSO_FRAGLIST;
	skb_shinfo(skb)->gso_type |= SKB_GSO_DODGY;
	if (!listed || skb->ip_summed == CHECKSUM_PARTIAL)
		return;
	if (ip_hdr(skb)->version == 4)
		th->check = ~tcp_v4_check(len, ip_hdr(skb)->saddr,
					  ip_hdr(skb)->daddr, 0);
	else
		th->check = ~tcp_v6_check(len, &ipv6_hdr(skb)->saddr,
					  &ipv6_hdr(skb)->daddr, 0);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = (unsigned char *)th - skb->head;
	skb->csum_offset = offsetof(struct tcphdr, check);
}

/* Makes the packet's first @len octets linear and ours to write. All pointers
 * into it are stale then.
 */
static int smtp_packet_writable(struct smtp_packet *p, u32 len)
{
	struct sk_buff *skb = p->skb;

	smtp_packet_read_end(p);
	if (skb_ensure_writable(skb, len))
		return -ENOMEM;
	if (skb_is_gso(skb) && skb_has_frag_list(skb)) {
		if (skb_unclone(skb, GFP_ATOMIC))
			return -ENOMEM;
		smtp_packet_resegment(p);
	}
	return 0;
}

/**
 * smtp_packet_unlist() - make header edits apply to every segment of a FRAGLIST packet
 * @p: the packet
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_packet_unlist(struct smtp_packet *p)
{
	return smtp_packet_listed(p->skb) ? smtp_packet_writable(p, p->data) : 0;
}

/* The checksum @csum of octets, as it counts at offset @pos of the packet: TCP sums
 * 16-bit words from its header on.
 */
static __wsum smtp_packet_csum_at(const struct smtp_packet *p, __wsum csum,
				  u32 pos)
{
	return csum_block_add(0, csum, pos - p->tcp);
}

/* Overwrites octets of the payload with @bytes, which differ from them. With
 * CHECKSUM_PARTIAL the payload is summed later. CHECKSUM_COMPLETE stays valid: the change
 * of TCP's checksum field cancels that of the payload.
 */
static int smtp_packet_store(struct smtp_packet *p, u32 off, const u8 *bytes,
			     u32 n)
{
	u32 pos = p->data + off;
	struct tcphdr *th;
	__wsum diff;
	u8 *to;

	if (smtp_packet_writable(p, pos + n))
		return -ENOMEM;
	to = p->skb->data + pos;
	th = smtp_packet_th(p);
	if (p->skb->ip_summed != CHECKSUM_PARTIAL) {
		diff = csum_sub(csum_partial(bytes, n, 0),
				csum_partial(to, n, 0));
		csum_replace_by_diff(&th->check,
				     smtp_packet_csum_at(p, diff, pos));
	}
	memcpy(to, bytes, n);
	return 0;
}

/* smtp_segment_ops.write */
int smtp_packet_write(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n)
{
	struct smtp_packet *p = container_of(seg, struct smtp_packet, seg);
	u32 first = n, end = 0;
	u32 at = 0;

	/* From the first octet that differs to the last */
	while (at < n) {
		u32 avail, i;
		const u8 *have = smtp_packet_read(seg, off + at, &avail);

		avail = min(avail, n - at);
		if (memcmp(have, bytes + at, avail)) {
			for (i = 0; i < avail; i++) {
				if (have[i] == bytes[at + i])
					continue;
				first = min(first, at + i);
				end = at + i + 1;
			}
		}
		at += avail;
	}
	if (first >= end)
		return 0;

	/* Do not make much of a large packet linear. Cut it: the sender retransmits from
	 * the wire segment to be edited on. Of a kept packet that could be less than what
	 * was ACKed: make it linear at once.
	 */
	if (seg->mss && off + first >= seg->mss &&
	    p->data + off + end > max_t(u32, SMTP_PULL_MAX,
					skb_headlen(p->skb))) {
		if (!p->resumed)
			return rounddown(off + first, seg->mss);
		if (smtp_packet_writable(p, p->skb->len))
			return -ENOMEM;
	}
	return smtp_packet_store(p, off + first, bytes + first, end - first);
}

/* smtp_segment_ops.cross. Makes the whole packet linear, because a packet that is cut
 * before each wire segment would cost a retransmission for each. Without memory for that
 * the packet is dropped.
 */
int smtp_packet_cross(struct smtp_segment *seg, u32 off, u32 n)
{
	struct smtp_packet *p = container_of(seg, struct smtp_packet, seg);
	u8 bytes[128];

	if (smtp_packet_writable(p, p->data + off + n))
		return -ENOMEM;
	while (n) {
		u32 len = min_t(u32, n, sizeof(bytes));
		const u8 *have = p->skb->data + p->data + off;
		u32 i;

		for (i = 0; i < len; i++)
			bytes[i] = have[i] == '\r' || have[i] == '\n' ? have[i] : 'X';
		if (smtp_packet_store(p, off, bytes, len))
			return -ENOMEM;
		off += len;
		n -= len;
	}
	return 0;
}

/**
 * smtp_packet_readable() - can all of the payload be read?
 * @p: the packet
 *
 * skb_seq_read() can't read a frag_list of packets that have one themselves. Nothing is
 * known to make such a packet.
 *
 * Return: whether it can.
 */
bool smtp_packet_readable(struct smtp_packet *p)
{
	const struct sk_buff *frag;

	if (!skb_frags_readable(p->skb))
		return false;
	skb_walk_frags(p->skb, frag)
		if (skb_has_frag_list(frag))
			return false;
	return true;
}

/**
 * smtp_packet_own() - copy payload that its sender could still change: H6
 * @p: the packet
 *
 * sendfile(), splice() and MSG_ZEROCOPY pass pages that the sending process still owns.
 * The far end would read what it writes there after the packet was judged. All pages of a
 * local socket are copied: a retransmission may hold pages of a marked packet and not be
 * marked itself (skb_shift()). Pages of a network card have no other owner, and are not
 * copied.
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_packet_own(struct smtp_packet *p)
{
	struct sk_buff *skb = p->skb;

	if (!skb_is_nonlinear(skb) || (skb->skb_iif && !skb_has_shared_frag(skb)))
		return 0;
	if (skb_has_frag_list(skb))
		return skb_linearize(skb);
	return skb_copy_ubufs(skb, GFP_ATOMIC) ? -ENOMEM : 0;
}

static void smtp_packet_set_flags(struct smtp_packet *p, __be32 clear,
				  __be32 set)
{
	struct tcphdr *th = smtp_packet_th(p);
	__be32 old = tcp_flag_word(th);

	tcp_flag_word(th) = (old & ~clear) | set;
	inet_proto_csum_replace4(&th->check, p->skb, old, tcp_flag_word(th),
				 false);
}

/**
 * smtp_packet_clear_urgent() - make urgent data ordinary data
 * @p: the packet
 *
 * A receiver takes the urgent octet out of its stream. The filter has judged it as part
 * of that.
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_packet_clear_urgent(struct smtp_packet *p)
{
	struct tcphdr *th;

	if (smtp_packet_writable(p, p->data))
		return -ENOMEM;
	smtp_packet_set_flags(p, TCP_FLAG_URG, 0);
	th = smtp_packet_th(p);
	inet_proto_csum_replace2(&th->check, p->skb, th->urg_ptr, 0, false);
	th->urg_ptr = 0;
	return 0;
}

/**
 * smtp_packet_stamps() - a packet's timestamps
 * @p: the packet
 *
 * Return: them, if they are where most packets have them.
 */
struct smtp_stamps smtp_packet_stamps(const struct smtp_packet *p)
{
	u32 at = p->tcp + sizeof(struct tcphdr);
	struct smtp_stamps stamps = {};
	__be32 buf[SMTP_STAMPS_WORDS];
	const __be32 *words;

	if (p->data - at < sizeof(buf))
		return stamps;
	words = skb_header_pointer(p->skb, at, sizeof(buf), buf);
	if (words && words[0] == SMTP_STAMPS_OPTION) {
		stamps.value = words[1];
		stamps.echo = words[2];
	}
	return stamps;
}

/**
 * smtp_packet_renew_stamps() - give a packet newer timestamps
 * @p: the packet
 * @stamps: these; nothing is done where the packet has none, or newer ones
 *
 * Return: 0 or -ENOMEM.
 */
int smtp_packet_renew_stamps(struct smtp_packet *p, const struct smtp_stamps *stamps)
{
	struct smtp_stamps old = smtp_packet_stamps(p);
	struct tcphdr *th;
	__be32 *words;

	if (!smtp_has_stamps(&old) || !smtp_stamps_before(&old, stamps))
		return 0;
	if (smtp_packet_writable(p, p->data))
		return -ENOMEM;
	th = smtp_packet_th(p);
	inet_proto_csum_replace4(&th->check, p->skb, old.value, stamps->value, false);
	inet_proto_csum_replace4(&th->check, p->skb, old.echo, stamps->echo, false);
	words = (__be32 *)(th + 1);
	words[1] = stamps->value;
	words[2] = stamps->echo;
	return 0;
}

/**
 * smtp_packet_blank_mptcp() - take MPTCP's options out of a SYN or SYN/ACK
 * @p: the packet
 * @keep: only look
 *
 * Return: whether there were any, or -ENOMEM.
 */
int smtp_packet_blank_mptcp(struct smtp_packet *p, bool keep)
{
	u32 at = p->tcp + sizeof(struct tcphdr), n = p->data - at;
	u8 options[SMTP_OPTIONS_MAX];
	struct tcphdr *th;
	u8 *to;

	if (!n || skb_copy_bits(p->skb, at, options, n) ||
	    !smtp_options_blank_mptcp(options, n))
		return false;
	if (keep)
		return true;
	if (smtp_packet_writable(p, p->data))
		return -ENOMEM;
	to = p->skb->data + at;
	th = smtp_packet_th(p);
	if (p->skb->ip_summed != CHECKSUM_PARTIAL)
		csum_replace_by_diff(&th->check,
				     csum_sub(csum_partial(options, n, 0),
					      csum_partial(to, n, 0)));
	memcpy(to, options, n);
	return true;
}

/* The length in the network header; false where it is not there: BIG TCP */
static bool smtp_packet_set_length(struct sk_buff *skb, u32 len)
{
	struct iphdr *iph = ip_hdr(skb);

	if (iph->version == 4) {
		__be16 total = htons(len - skb_network_offset(skb));

		if (!iph->tot_len)
			return false;
		csum_replace2(&iph->check, iph->tot_len, total);
		iph->tot_len = total;
	} else {
		if (!ipv6_hdr(skb)->payload_len)
			return false;
		ipv6_hdr(skb)->payload_len =
			htons(len - skb_network_offset(skb) -
			      sizeof(struct ipv6hdr));
	}
	return true;
}

/* Trims the payload to @keep octets, and updates the headers and the checksum */
static int smtp_packet_trim(struct smtp_packet *p, u32 keep)
{
	struct sk_buff *skb = p->skb;
	u32 old = skb->len, len = p->data + keep;
	struct tcphdr *th;
	__wsum gone = 0;

	if (smtp_packet_writable(p, p->data) || skb_unclone(skb, GFP_ATOMIC))
		return -ENOMEM;
	if (skb->ip_summed != CHECKSUM_PARTIAL) {
		gone = skb_checksum(skb, len, old - len, 0);
		gone = smtp_packet_csum_at(p, gone, len);
	}
	/* It is not updated: a receiver that needs it verifies th->check */
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->ip_summed = CHECKSUM_NONE;
	if (pskb_trim(skb, len))
		return -ENOMEM;
	if (!smtp_packet_set_length(skb, len))
		return -EMSGSIZE;

	th = smtp_packet_th(p);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		csum_replace_by_diff(&th->check, csum_sub(0, gone));
	inet_proto_csum_replace4(&th->check, skb, htonl(old - p->tcp),
				 htonl(len - p->tcp), true);

	if (skb_is_gso(skb)) {
		u32 mss = skb_shinfo(skb)->gso_size;

		/* GSO throws away a packet that is one segment */
		if (keep <= mss)
			skb_gso_reset(skb);
		else
			skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(keep, mss);
	}
	return 0;
}

/**
 * smtp_packet_cut() - let only the head of the payload go on
 * @p: the packet
 * @pass: octets of payload that stay
 *
 * FIN and PSH belong to the end that is cut off.
 *
 * Return: 0 or a negative error: it must be dropped.
 */
int smtp_packet_cut(struct smtp_packet *p, u32 pass)
{
	int err = smtp_packet_trim(p, pass);

	if (!err)
		smtp_packet_set_flags(p, TCP_FLAG_FIN | TCP_FLAG_PSH, 0);
	return err;
}

static void smtp_packet_set_seq(struct smtp_packet *p, u32 seq)
{
	struct tcphdr *th = smtp_packet_th(p);
	__be32 wire = htonl(seq);

	inet_proto_csum_replace4(&th->check, p->skb, th->seq, wire, false);
	th->seq = wire;
}

/* smtp_segment_ops.splice. The octets that stay become linear: they are less than one
 * wire segment (smtp_segment.room).
 */
int smtp_packet_splice(struct smtp_segment *seg, u32 keep, const u8 *bytes,
		       u32 n)
{
	struct smtp_packet *p = container_of(seg, struct smtp_packet, seg);
	struct sk_buff *skb = p->skb;
	u32 len = p->data + keep;
	struct tcphdr *th;
	int err;

	smtp_packet_read_end(p);
	if (seg->pass < seg->len)
		p->whole = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
	err = smtp_packet_trim(p, keep);
	if (err)
		return err;
	if (skb_linearize(skb) ||
	    (skb_tailroom(skb) < n &&
	     pskb_expand_head(skb, 0, n - skb_tailroom(skb), GFP_ATOMIC)))
		return -ENOMEM;
	skb_put_data(skb, bytes, n);
	if (!smtp_packet_set_length(skb, len + n))
		return -EMSGSIZE;

	th = smtp_packet_th(p);
	if (skb->ip_summed != CHECKSUM_PARTIAL)
		csum_replace_by_diff(&th->check,
				     smtp_packet_csum_at(p, csum_partial(bytes, n, 0),
							 len));
	inet_proto_csum_replace4(&th->check, skb, htonl(len - p->tcp),
				 htonl(len + n - p->tcp), true);
	if (seg->pass < seg->len)
		smtp_packet_set_flags(p, TCP_FLAG_FIN | TCP_FLAG_PSH, 0);
	if (seg->skip)
		smtp_packet_set_seq(p, seg->seq + seg->skip);
	p->spliced = true;
	return 0;
}

/**
 * smtp_packet_replace() - replace a packet's payload
 * @p: the packet
 * @seq: their sequence number
 * @bytes: the octets
 * @n: how many
 *
 * Return: 0 or a negative error: it must be dropped.
 */
int smtp_packet_replace(struct smtp_packet *p, u32 seq, const u8 *bytes, u32 n)
{
	p->seg.pass = p->seg.len;
	p->seg.skip = seq - p->seg.seq;
	return smtp_packet_splice(&p->seg, 0, bytes, n);
}

/* Any path carries a packet as long as this, its headers and all their options
 * included: RFC 9293, 3.7.1; RFC 6691
 */
#define SMTP_PACKET_MIN	576

/* How long may the payload become? A packet that does not grow passes wherever it passed
 * before. On loopback the length must stay: conntrack adjusts no sequence numbers there.
 */
static u32 smtp_packet_room(const struct smtp_packet *p)
{
	u32 len = p->seg.mss ? min(p->seg.mss, p->seg.len) : p->seg.len;

	if (p->skb->dev && p->skb->dev->flags & IFF_LOOPBACK)
		return 0;
	return max_t(int, len, SMTP_PACKET_MIN - (int)p->data);
}

/**
 * smtp_packet_init() - look at a packet
 * @p: to be filled in
 * @skb: the packet
 * @tcp: offset of its TCP header from skb->data
 *
 * Return: false: it is not a TCP packet.
 */
bool smtp_packet_init(struct smtp_packet *p, struct sk_buff *skb, u32 tcp)
{
	const struct tcphdr *th;

	th = skb_header_pointer(skb, tcp, sizeof(p->th), &p->th);
	if (!th || th->doff * 4 < sizeof(*th) || tcp + th->doff * 4 > skb->len)
		return false;
	if (th != &p->th)
		p->th = *th;
	p->skb = skb;
	p->tcp = tcp;
	p->data = tcp + th->doff * 4;
	p->block_len = 0;
	p->reading = false;
	p->broken = false;
	p->spliced = false;
	p->resumed = false;
	p->whole = NULL;
	p->seg.owes = false;
	p->seg.skip = 0;
	p->seg.seq = ntohl(th->seq);
	p->seg.len = skb->len - p->data;
	p->seg.mss = skb_shinfo(skb)->gso_size;
	p->seg.ack = ntohl(th->ack_seq);
	p->seg.has_ack = th->ack;
	p->seg.fin = th->fin;
	p->seg.room = smtp_packet_room(p);
	return true;
}

/**
 * smtp_packet_reset() - turn the packet into a bare RST
 * @p: the packet
 *
 * Return: 0 or a negative error: it must be dropped.
 */
int smtp_packet_reset(struct smtp_packet *p)
{
	int err = smtp_packet_cut(p, 0);

	if (!err)
		smtp_packet_set_flags(p, TCP_FLAG_SYN | TCP_FLAG_URG,
				      TCP_FLAG_RST);
	return err;
}

/**
 * smtp_packet_probe() - turn the packet into a keepalive (RFC 9293, 3.8.4)
 * @p: the packet
 *
 * Its receiver answers at once, whatever it waits for.
 *
 * Return: 0 or a negative error: it must be dropped.
 */
int smtp_packet_probe(struct smtp_packet *p)
{
	int err = smtp_packet_cut(p, 0);

	if (!err)
		smtp_packet_set_seq(p, p->seg.seq - 1);
	return err;
}

/**
 * smtp_packet_answer_reset() - tell the packet's sender that its connection is over
 * @skb: the packet
 * @state: the hook that it is in
 *
 * The RST has the number that the sender itself acknowledges. So the sender believes it,
 * however its numbers were shifted: RFC 5961, 3.2.
 */
void smtp_packet_answer_reset(struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	if (IS_ENABLED(CONFIG_NF_REJECT_IPV4) && state->pf == NFPROTO_IPV4)
		smtp_send_reset4(state->net, state->sk, skb, state->hook);
	if (IS_ENABLED(CONFIG_NF_REJECT_IPV6) && state->pf == NFPROTO_IPV6)
		smtp_send_reset6(state->net, state->sk, skb, state->hook);
}
