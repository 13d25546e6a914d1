// SPDX-License-Identifier: GPL-2.0-only
/* SACK for what is kept behind a lost packet. See sack.h. */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/tcp.h>
#include <net/xfrm.h>
#include <net/netfilter/nf_conntrack.h>
#include "sack.h"

/**
 * smtp_sack_note() - remember what a side's newest header says
 * @flow: the flow, locked
 * @p: the side's packet, which passes
 * @dir: the side
 */
void smtp_sack_note(struct smtp_ct_flow *flow, const struct smtp_packet *p,
		    enum smtp_dir dir)
{
	struct smtp_last_header *last = &flow->last[dir];
	struct smtp_stamps stamps;

	if (p->seg.has_ack && !smtp_seq_before(p->seg.ack, last->ack)) {
		last->ack = p->seg.ack;
		last->window = p->th.window;
	}
	if (smtp_seq_before(flow->core.stream[dir].next, p->seg.seq))
		return;
	stamps = smtp_packet_stamps(p);
	if (smtp_stamps_before(&last->stamps, &stamps))
		last->stamps = stamps;
}

/**
 * smtp_sack_news() - does a packet acknowledge what none before it did?
 * @flow: the flow, locked
 * @p: the packet
 * @dir: where it comes from
 *
 * Return: whether it does.
 */
bool smtp_sack_news(const struct smtp_ct_flow *flow, const struct smtp_packet *p,
		    enum smtp_dir dir)
{
	return p->seg.has_ack && smtp_seq_before(flow->last[dir].ack, p->seg.ack);
}

/**
 * smtp_sack_fill() - what is there to tell a sender?
 * @flow: the flow, locked
 * @dir: the sender
 * @sack: to be filled in
 *
 * A process of the router itself is told nothing: no packet of it is lost on the way here.
 * Nor is anybody while the far end's window is closed, or not known since its ACKs so far
 * preceded the first payload.
 */
void smtp_sack_fill(const struct smtp_ct_flow *flow, enum smtp_dir dir,
		    struct smtp_sack *sack)
{
	const struct smtp_stream *st = flow->core.stream;
	const struct smtp_kept_packet *kept;

	sack->nr_runs = smtp_held_runs(flow->kept[dir], st[dir].next, sack->runs);
	if (!sack->nr_runs)
		return;
	kept = container_of(flow->kept[dir], struct smtp_kept_packet, held);
	sack->seq = smtp_edit_out(&st[!dir].edit, st[!dir].next);
	sack->ack = st[dir].acked;
	sack->last = flow->last[!dir];
	sack->mark = kept->skb->mark;
	sack->iif = kept->skb->skb_iif;
	if (!sack->iif || !sack->last.window)
		sack->nr_runs = 0;
}

/* The mark of a packet that answers one with that mark: sysctl fwmark_reflect */
static u32 smtp_sack_mark(struct net *net, u8 family, u32 mark)
{
#if IS_ENABLED(CONFIG_IPV6)
	if (family == NFPROTO_IPV6)
		return IP6_REPLY_MARK(net, mark);
#endif
	return IP4_REPLY_MARK(net, mark);
}

/* The route to the sender, which IPsec may be a part of */
static struct dst_entry *smtp_sack_route(const struct smtp_sack *sack, struct net *net,
					 const struct nf_conntrack_tuple *tuple,
					 u32 mark)
{
	struct dst_entry *dst;
	struct flowi fl = {
		.flowi_oif = l3mdev_master_ifindex_by_index(net, sack->iif),
		.flowi_mark = mark,
		.flowi_proto = IPPROTO_TCP,
		.flowi_flags = FLOWI_FLAG_ANYSRC,
	};

	if (tuple->src.l3num == NFPROTO_IPV4) {
		fl.u.ip4.saddr = tuple->dst.u3.ip;
		fl.u.ip4.daddr = tuple->src.u3.ip;
		fl.u.ip4.fl4_sport = tuple->dst.u.tcp.port;
		fl.u.ip4.fl4_dport = tuple->src.u.tcp.port;
	} else {
		fl.u.ip6.saddr = tuple->dst.u3.in6;
		fl.u.ip6.daddr = tuple->src.u3.in6;
		fl.u.ip6.fl6_sport = tuple->dst.u.tcp.port;
		fl.u.ip6.fl6_dport = tuple->src.u.tcp.port;
	}
	if (nf_route(net, &dst, &fl, false, tuple->src.l3num))
		return NULL;
	dst = xfrm_lookup(net, dst, &fl, NULL, 0);
	return IS_ERR(dst) ? NULL : dst;
}

static u32 smtp_sack_options(const struct smtp_sack *sack)
{
	return (smtp_has_stamps(&sack->last.stamps) ? TCPOLEN_TSTAMP_ALIGNED : 0) +
	       TCPOLEN_SACK_BASE_ALIGNED + sack->nr_runs * TCPOLEN_SACK_PERBLOCK;
}

/* Appends the IP header, of a packet with a TCP header of @len octets */
static void smtp_sack_put_ip(struct sk_buff *skb, u32 len,
			     const struct nf_conntrack_tuple *tuple)
{
	const struct dst_entry *dst = skb_dst(skb);
	struct ipv6hdr *ip6h;
	struct iphdr *iph;

	skb_reset_network_header(skb);
	if (tuple->src.l3num == NFPROTO_IPV4) {
		iph = skb_put_zero(skb, sizeof(*iph));
		iph->version = 4;
		iph->ihl = sizeof(*iph) / 4;
		iph->tot_len = htons(sizeof(*iph) + len);
		iph->frag_off = htons(IP_DF);
		iph->ttl = ip4_dst_hoplimit(dst);
		iph->protocol = IPPROTO_TCP;
		iph->saddr = tuple->dst.u3.ip;
		iph->daddr = tuple->src.u3.ip;
		ip_send_check(iph);
		skb->protocol = htons(ETH_P_IP);
	} else {
		ip6h = skb_put_zero(skb, sizeof(*ip6h));
		ip6h->version = 6;
		ip6h->payload_len = htons(len);
		ip6h->nexthdr = IPPROTO_TCP;
		ip6h->hop_limit = IPV6_DEFAULT_HOPLIMIT;
		ip6h->saddr = tuple->dst.u3.in6;
		ip6h->daddr = tuple->src.u3.in6;
		skb->protocol = htons(ETH_P_IPV6);
	}
}

/* Appends the TCP header, of @len octets */
static void smtp_sack_put_tcp(struct sk_buff *skb, u32 len, const struct smtp_sack *sack,
			      const struct nf_conntrack_tuple *tuple)
{
	struct tcphdr *th = skb_put_zero(skb, len);
	__be32 *to = (__be32 *)(th + 1);
	__wsum csum;
	u32 i;

	skb_set_transport_header(skb, (u8 *)th - skb->data);
	th->source = tuple->dst.u.tcp.port;
	th->dest = tuple->src.u.tcp.port;
	th->seq = htonl(sack->seq);
	th->ack_seq = htonl(sack->ack);
	th->doff = len / 4;
	th->ack = 1;
	th->window = sack->last.window;
	if (smtp_has_stamps(&sack->last.stamps)) {
		*to++ = SMTP_STAMPS_OPTION;
		*to++ = sack->last.stamps.value;
		*to++ = sack->last.stamps.echo;
	}
	*to++ = htonl(TCPOPT_NOP << 24 | TCPOPT_NOP << 16 | TCPOPT_SACK << 8 |
		      (TCPOLEN_SACK_BASE + sack->nr_runs * TCPOLEN_SACK_PERBLOCK));
	for (i = 0; i < sack->nr_runs; i++) {
		*to++ = htonl(sack->runs[i].seq);
		*to++ = htonl(sack->runs[i].end);
	}
	csum = csum_partial(th, len, 0);
	if (tuple->src.l3num == NFPROTO_IPV4)
		th->check = tcp_v4_check(len, tuple->dst.u3.ip, tuple->src.u3.ip, csum);
	else
		th->check = tcp_v6_check(len, &tuple->dst.u3.in6, &tuple->src.u3.in6,
					 csum);
}

/**
 * smtp_sack_send() - tell a sender which of its packets are kept
 * @sack: what there is to tell
 * @ct: the connection
 * @dir: the sender
 *
 * Called under RCU, softirqs off, without the flow's lock. The packet is untracked:
 * neither NAT nor sequence adjustment has anything to change in it.
 *
 * Return: whether a packet was sent. If not, the sender waits for its timeout.
 */
bool smtp_sack_send(const struct smtp_sack *sack, const struct nf_conn *ct,
		    enum smtp_dir dir)
{
	const struct ip_ct_tcp_state *seen = ct->proto.tcp.seen;
	const struct nf_conntrack_tuple *tuple;
	struct net *net = nf_ct_net(ct);
	struct dst_entry *dst = NULL;
	struct sk_buff *skb;
	u32 len, mark;

	if (!sack->nr_runs ||
	    !(seen[0].flags & seen[1].flags & IP_CT_TCP_FLAG_SACK_PERM))
		return false;
	tuple = nf_ct_tuple(ct, dir == SMTP_CLIENT ? IP_CT_DIR_ORIGINAL :
						     IP_CT_DIR_REPLY);
	len = sizeof(struct tcphdr) + smtp_sack_options(sack);
	skb = alloc_skb(LL_MAX_HEADER + sizeof(struct ipv6hdr) + len,
			GFP_ATOMIC | __GFP_NOWARN);
	mark = smtp_sack_mark(net, tuple->src.l3num, sack->mark);
	if (skb)
		dst = smtp_sack_route(sack, net, tuple, mark);
	if (!dst) {
		kfree_skb(skb);
		return false;
	}
	skb_reserve(skb, LL_MAX_HEADER);
	skb_dst_set(skb, dst);
	smtp_sack_put_ip(skb, len, tuple);
	smtp_sack_put_tcp(skb, len, sack, tuple);
	skb->mark = mark;
	nf_ct_set(skb, NULL, IP_CT_UNTRACKED);
	dst_output(net, NULL, skb);
	return true;
}
