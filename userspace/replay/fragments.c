// SPDX-License-Identifier: GPL-2.0-only
/* Fragments put together. See fragments.h. */
#include <stdlib.h>
#include <string.h>

#include "replay/fragments.h"

#define DATAGRAM_MAX	65535
#define UNITS		8192	/* of 8 octets, as fragments are counted */

/* As Linux: net.ipv4.ipfrag_time */
#define LIFETIME	30000000000ULL

/**
 * struct datagram - a datagram that is not complete yet
 * @from: the sender
 * @to: the receiver
 * @id: what its fragments have in common
 * @since: when the first one came
 * @ip: offset of the network header
 * @head: octets of headers in front, 0: the first fragment has not come
 * @len: octets in all, 0: the last fragment has not come
 * @have: octets that have come
 * @next: offset in the headers of the octet with the first fragment's protocol
 * @proto: TCP's number, to be put at @next
 * @seen: a bit for each 8 octets
 * @bad: fragments overlap, or were not whole: it never is complete
 * @data: headers, and after %PACKET_HEADERS_MAX octets the datagram
 */
struct datagram {
	struct endpoint from;
	struct endpoint to;
	u32 id;
	u64 since;
	u32 ip;
	u32 head;
	u32 len;
	u32 have;
	u32 next;
	u8 proto;
	u8 seen[UNITS / 8];
	bool bad;
	u8 data[PACKET_HEADERS_MAX + DATAGRAM_MAX + 8];
};

struct fragments {
	struct datagram *datagram[FRAGMENTS_MAX];
	struct datagram *done;
	u64 given_up;
};

struct fragments *fragments_new(void)
{
	struct fragments *f = grow(NULL, 1, sizeof(*f));

	memset(f, 0, sizeof(*f));
	return f;
}

u64 fragments_free(struct fragments *f)
{
	u64 given_up = f->given_up;

	for (int i = 0; i < FRAGMENTS_MAX; i++) {
		given_up += !!f->datagram[i];
		free(f->datagram[i]);
	}
	free(f->done);
	free(f);
	return given_up;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return a->len == b->len && !memcmp(a->address, b->address, a->len);
}

/* The place of a datagram. A new one gets a free place, or the oldest one's */
static struct datagram **find(struct fragments *f, const struct packet *p)
{
	struct datagram **free_place = NULL, **oldest = NULL;

	for (int i = 0; i < FRAGMENTS_MAX; i++) {
		struct datagram **at = &f->datagram[i], *d = *at;

		if (d && p->frame.time > d->since + LIFETIME) {
			free(d);
			*at = d = NULL;
			f->given_up++;
		}
		if (!d) {
			free_place = at;
			continue;
		}
		if (d->id == p->id && same(&d->from, &p->from) &&
		    same(&d->to, &p->to))
			return at;
		if (!oldest || d->since < (*oldest)->since)
			oldest = at;
	}
	if (free_place)
		return free_place;
	free(*oldest);
	*oldest = NULL;
	f->given_up++;
	return oldest;
}

/* Takes over a fragment's octets. Overlaps are an attack: RFC 5722, and Linux
 * drops them with IPv4, too.
 */
static void take(struct datagram *d, const struct packet *p)
{
	const u32 first = p->fragment / 8, units = (p->len + 7) / 8;

	if (p->cap < p->len || p->fragment + p->len > DATAGRAM_MAX ||
	    (p->more && p->len % 8) || !p->len || first + units > UNITS ||
	    (!p->more && d->len)) {
		d->bad = true;
		return;
	}
	for (u32 i = first; i < first + units; i++) {
		if (d->seen[i / 8] >> i % 8 & 1)
			d->bad = true;
		d->seen[i / 8] |= 1 << i % 8;
	}
	if (d->bad)
		return;
	memcpy(d->data + PACKET_HEADERS_MAX + p->fragment,
	       p->frame.data + p->data, p->len);
	d->have += p->len;
	if (!p->more)
		d->len = p->fragment + p->len;
	if (p->fragment || p->data > PACKET_HEADERS_MAX)
		return;
	/* IPv6's fragment header is removed */
	d->head = p->from.len == 16 ? p->tcp - 8 : p->tcp;
	d->ip = p->ip;
	d->next = p->next;
	d->proto = p->frame.data[p->tcp - 8];
	memcpy(d->data, p->frame.data, d->head);
}

static void finish(struct datagram *d, struct frame *whole, u64 time)
{
	u8 *start = d->data + PACKET_HEADERS_MAX - d->head;
	u8 *ip = start + d->ip;
	const u32 total = d->head - d->ip + d->len;

	memmove(start, d->data, d->head);
	if (d->from.len == 16) {
		start[d->next] = d->proto;
		ip[4] = (total - 40) >> 8;
		ip[5] = total - 40;
	} else {
		u32 sum;

		ip[2] = total >> 8;
		ip[3] = total;
		ip[6] &= 0x40;
		ip[7] = 0;
		ip[10] = 0;
		ip[11] = 0;
		sum = packet_sum(ip, d->head - d->ip, 0);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~((sum & 0xffff) + (sum >> 16));
		ip[10] = sum >> 8;
		ip[11] = sum;
	}
	whole->time = time;
	whole->data = start;
	whole->cap = d->head + d->len;
	whole->len = whole->cap;
}

bool fragments_add(struct fragments *f, const struct packet *p,
		   struct frame *whole)
{
	struct datagram **at = find(f, p), *d = *at;

	if (!d) {
		d = grow(NULL, 1, sizeof(*d));
		memset(d, 0, sizeof(*d));
		d->from = p->from;
		d->to = p->to;
		d->id = p->id;
		d->since = p->frame.time;
		*at = d;
	}
	if (!d->bad)
		take(d, p);
	if (d->bad || !d->head || !d->len || d->have != d->len ||
	    d->head - d->ip + d->len > DATAGRAM_MAX)
		return false;
	finish(d, whole, p->frame.time);
	free(f->done);
	f->done = d;
	*at = NULL;
	return true;
}
