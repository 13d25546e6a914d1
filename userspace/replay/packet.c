// SPDX-License-Identifier: GPL-2.0-only
/* Frames taken apart and put together. See packet.h. */
#include <string.h>

#include "tcp/mptcp.h"
#include "replay/packet.h"

#define ETHERTYPE_IP4	0x0800
#define ETHERTYPE_IP6	0x86dd

#define PROTO_HOP	0
#define PROTO_TCP	6
#define PROTO_ROUTING	43
#define PROTO_FRAGMENT	44
#define PROTO_AH	51
#define PROTO_OPTIONS	60

/* No honest packet has more; IPv6 itself sets no limit */
#define TAGS_MAX	8
#define HEADERS_MAX	16

#define OPTION_END	0
#define OPTION_NOP	1
#define OPTION_MSS	2
#define OPTION_SACK	5

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

static void put16(u8 *p, u16 value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(u8 *p, u32 value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

/* -- reading ------------------------------------------------------------- */

/* The offset of the network header, or 0: not IP, or not in the capture */
static u32 link_header(enum capture_link link, const struct frame *f)
{
	static const u32 sizes[] = { 14, 16, 20, 0, 4 };
	static const u32 types[] = { 12, 14, 0 };
	u32 off = sizes[link];
	u16 type;

	if (f->cap < off + 20)
		return UINT32_MAX;
	if (link >= CAPTURE_RAW)
		return off;
	type = get16(f->data + types[link]);
	for (int n = 0; n < TAGS_MAX; n++) {
		/* 802.1Q, 802.1ad, and a type that was used before 802.1ad */
		if (type != 0x8100 && type != 0x88a8 && type != 0x9100 &&
		    type != 0x9200)
			break;
		if (f->cap < off + 4 + 20)
			return UINT32_MAX;
		type = get16(f->data + off + 2);
		off += 4;
	}
	return type == ETHERTYPE_IP4 || type == ETHERTYPE_IP6 ? off : UINT32_MAX;
}

/* The offset of the option with a length at @at of the @n octets of options, or after it;
 * @n: there is none, or its length is invalid
 */
static u32 option_at(const u8 *options, u32 at, u32 n)
{
	while (at < n && options[at] == OPTION_NOP)
		at++;
	if (n - at < 2 || options[at] == OPTION_END || options[at + 1] < 2 ||
	    options[at + 1] > n - at)
		return n;
	return at;
}

static void take_mss(struct packet *p)
{
	const u8 *options = p->frame.data + p->tcp + PACKET_TCP_HEADER;
	const u32 n = p->data - p->tcp - PACKET_TCP_HEADER;

	for (u32 at = option_at(options, 0, n); at < n;
	     at = option_at(options, at + options[at + 1], n)) {
		if (options[at] == OPTION_MSS && options[at + 1] == 4)
			p->mss = get16(options + at + 2);
	}
}

/* @end: where the IP packet ends, by its own header */
static enum packet_kind parse_tcp(struct packet *p, u32 end)
{
	const u8 *tcp = p->frame.data + p->tcp;
	u32 header;

	if (end < p->tcp + 20)
		return PACKET_OTHER;
	if (p->frame.cap < p->tcp + 20)
		return PACKET_SHORT;
	header = (tcp[12] >> 4) * 4;
	if (header < 20 || p->tcp + header > end)
		return PACKET_OTHER;
	p->data = p->tcp + header;
	if (p->frame.cap < p->data)
		return PACKET_SHORT;
	p->len = end - p->data;
	p->cap = (p->frame.cap < end ? p->frame.cap : end) - p->data;
	p->from.port = get16(tcp);
	p->to.port = get16(tcp + 2);
	p->seq = get32(tcp + 4);
	p->ack = get32(tcp + 8);
	p->flags = tcp[13];
	p->urg = get16(tcp + 18);
	if (p->flags & PACKET_SYN)
		take_mss(p);
	return PACKET_TCP;
}

static enum packet_kind parse_fragment(struct packet *p, u32 end, u16 off)
{
	p->fragment = (off & 0x1fff) * 8;
	p->data = p->tcp;
	if (end < p->data || p->frame.cap < p->data)
		return PACKET_SHORT;
	p->len = end - p->data;
	p->cap = (p->frame.cap < end ? p->frame.cap : end) - p->data;
	return PACKET_FRAGMENT;
}

static enum packet_kind parse_ip4(struct packet *p)
{
	const u8 *ip = p->frame.data + p->ip;
	const u32 header = (ip[0] & 15) * 4;
	/* Segmentation offload leaves 0 there when it is more than 65535 */
	const u32 total = get16(ip + 2) ? get16(ip + 2) : p->frame.len - p->ip;
	const u16 off = get16(ip + 6);

	if (header < 20 || total < header || ip[9] != PROTO_TCP)
		return PACKET_OTHER;
	if (p->frame.cap < p->ip + header)
		return PACKET_SHORT;
	p->from.len = 4;
	p->to.len = 4;
	memcpy(p->from.address, ip + 12, 4);
	memcpy(p->to.address, ip + 16, 4);
	p->tcp = p->ip + header;
	if (!(off & 0x3fff))
		return parse_tcp(p, p->ip + total);
	p->more = off & 0x2000;
	p->id = get16(ip + 4);
	return parse_fragment(p, p->ip + total, off);
}

static enum packet_kind parse_ip6(struct packet *p)
{
	const u8 *ip = p->frame.data + p->ip;
	u32 at = p->ip + 40, end = at + get16(ip + 4), next = p->ip + 6;
	u8 proto = ip[6];

	if (p->frame.cap < at)
		return PACKET_SHORT;
	/* A jumbogram (RFC 2675), or segmentation offload */
	if (end == at)
		end = p->frame.len;
	p->from.len = 16;
	p->to.len = 16;
	memcpy(p->from.address, ip + 8, 16);
	memcpy(p->to.address, ip + 24, 16);
	for (int n = 0; n < HEADERS_MAX && proto != PROTO_TCP; n++) {
		const u8 *header = p->frame.data + at;
		u32 len;

		if (proto != PROTO_HOP && proto != PROTO_ROUTING &&
		    proto != PROTO_FRAGMENT && proto != PROTO_AH &&
		    proto != PROTO_OPTIONS)
			return PACKET_OTHER;
		if (end < at + 8)
			return PACKET_OTHER;
		if (p->frame.cap < at + 8)
			return PACKET_SHORT;
		len = (header[1] + 1) * 8;
		if (proto == PROTO_AH)
			len = (header[1] + 2) * 4;
		if (proto == PROTO_FRAGMENT) {
			const u16 off = get16(header + 2);

			len = 8;
			if (off & ~6) {
				if (header[0] != PROTO_TCP &&
				    header[0] != PROTO_OPTIONS)
					return PACKET_OTHER;
				p->tcp = at + 8;
				p->next = next;
				p->more = off & 1;
				p->id = get32(header + 4);
				return parse_fragment(p, end, off >> 3);
			}
		}
		next = at;
		proto = header[0];
		at += len;
	}
	if (proto != PROTO_TCP)
		return PACKET_OTHER;
	p->tcp = at;
	return parse_tcp(p, end);
}

enum packet_kind packet_parse(struct packet *p, enum capture_link link,
			      const struct frame *frame)
{
	memset(p, 0, sizeof(*p));
	p->frame = *frame;
	p->ip = link_header(link, frame);
	if (p->ip == UINT32_MAX)
		return PACKET_OTHER;
	switch (frame->data[p->ip] >> 4) {
	case 4:
		return parse_ip4(p);
	case 6:
		return parse_ip6(p);
	}
	return PACKET_OTHER;
}

/* -- writing ------------------------------------------------------------- */

u32 packet_sum(const u8 *data, u32 len, u32 sum)
{
	u64 all = sum;

	for (; len >= 4; len -= 4, data += 4)
		all += get32(data);
	if (len >= 2) {
		all += (u32)get16(data) << 16;
		data += 2;
		len -= 2;
	}
	if (len)
		all += (u32)*data << 24;
	while (all >> 32)
		all = (all & UINT32_MAX) + (all >> 32);
	return all;
}

static u16 sum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void map_sack(u8 *options, u32 n, const struct packet_changes *c)
{
	for (u32 at = option_at(options, 0, n); at < n;
	     at = option_at(options, at + options[at + 1], n)) {
		if (options[at] != OPTION_SACK)
			continue;
		for (u32 i = 2; i + 4 <= options[at + 1]; i += 4)
			put32(options + at + i, c->sack(get32(options + at + i), c->data));
	}
}

static void set_lengths(u8 *ip, u32 len)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, len - 40 > 65535 ? 0 : len - 40);
		return;
	}
	put16(ip + 2, len > 65535 ? 0 : len);
	put16(ip + 10, 0);
	put16(ip + 10, sum_fold(packet_sum(ip, (ip[0] & 15) * 4, 0)));
}

int packet_build(const struct packet *p, u8 *to, const struct packet_changes *c,
		 struct frame *frame)
{
	u8 *ip = to + p->ip, *tcp = to + p->tcp;
	const u32 header = p->data - p->tcp;
	u8 pseudo[8] = { 0 };
	u32 sum;

	if (p->data > PACKET_HEADERS_MAX || c->len > CAPTURE_FRAME_MAX - PACKET_HEADERS_MAX)
		return -1;
	memcpy(to, p->frame.data, p->data);
	if (c->len)
		memcpy(to + p->data, c->payload, c->len);
	put32(tcp + 4, c->seq);
	put32(tcp + 8, c->ack);
	tcp[13] = c->flags;
	if (!(c->flags & PACKET_URG))
		put16(tcp + 18, 0);
	if (c->flags & PACKET_SYN)	/* H1 */
		smtp_options_blank_mptcp(tcp + PACKET_TCP_HEADER, header - PACKET_TCP_HEADER);
	if (c->sack)
		map_sack(tcp + PACKET_TCP_HEADER, header - PACKET_TCP_HEADER, c);
	set_lengths(ip, p->data - p->ip + c->len);

	put16(tcp + 16, 0);
	put32(pseudo, header + c->len);
	pseudo[7] = PROTO_TCP;
	sum = packet_sum(p->from.address, p->from.len, 0);
	sum = packet_sum(p->to.address, p->to.len, sum);
	sum = packet_sum(pseudo, sizeof(pseudo), sum);
	sum = packet_sum(tcp, header + c->len, sum);
	put16(tcp + 16, sum_fold(sum));

	frame->time = p->frame.time;
	frame->data = to;
	frame->cap = p->data + c->len;
	frame->len = frame->cap;
	return 0;
}
