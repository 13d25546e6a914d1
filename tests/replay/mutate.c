// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the fuzzer makes one capture of another. Octets changed at random seldom
 * make another dialogue, so seven of eight mutations are of packets: one is left
 * out, sent twice, moved, cut, or has other octets, numbers or flags. The eighth
 * knows nothing of captures.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libfuzzer.h"
#include "replay/packet.h"

#define POLICY_SIZE	1	/* fuzz.c: the octet in front of the capture */
#define FILE_HEADER	24
#define RECORD_HEADER	16
#define RECORDS_MAX	256
#define FRAME_MAX	4096

/* Where a record is, its header included */
struct record {
	u32 off;
	u32 size;
};

struct file {
	enum capture_link link;
	u32 count;
	struct record record[RECORDS_MAX + 1];
};

static const char *const said[] = {
	"220 mail ESMTP\r\n", "220-mail\r\n220 ESMTP\r\n", "220 go ahead\r\n",
	"221 bye\r\n", "235 ok\r\n", "250 ok\r\n",
	"250-mail\r\n250-STARTTLS\r\n250-CHUNKING\r\n250 AUTH PLAIN\r\n", "334 \r\n",
	"354 go on\r\n", "421 no\r\n", "500 what?\r\n", "552 too much\r\n", "250-", "\r\n",
	"\n", "\r", ".\r\n", "\r\n.\r\n", "\n.\n", "EHLO a\r\n", "HELO a\r\n",
	"MAIL FROM:<a|b>\r\n", "RCPT TO:<c>\r\n", "DATA\r\n", "BDAT 5\r\n",
	"BDAT 3 LAST\r\nabc", "BDAT 4294967295\r\n", "RSET\r\n", "NOOP\r\n", "QUIT\r\n",
	"EXPN x\r\n", "VRFY x\n", "STARTTLS\r\n", "AUTH PLAIN\r\n",
	"AUTH LOGIN AGEAYg==\r\n", "*\r\n", "AGEAYg==\r\n", "Subject: x\r\n\r\n",
	"Content-Type: text/plain; name=\"x\"\r\n", "EH", "LO", "DA", "TA", " ", "\0",
};

static u32 state;

/* xorshift32 */
static u32 random_below(u32 n)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return n ? state % n : 0;
}

static u32 get32(const u8 *p)
{
	u32 value;

	memcpy(&value, p, 4);
	return value;
}

static void put32(u8 *p, u32 value)
{
	memcpy(p, &value, 4);
}

/* Only what this machine's libpcap would have written: others mutate as octets */
static bool read_file(struct file *f, const u8 *data, size_t size)
{
	static const struct {
		u32 type;
		enum capture_link link;
	} links[] = {
		{ 1, CAPTURE_ETHERNET }, { 113, CAPTURE_SLL }, { 276, CAPTURE_SLL2 },
		{ 101, CAPTURE_RAW }, { 0, CAPTURE_NULL },
	};
	size_t at = POLICY_SIZE + FILE_HEADER;
	bool known = false;

	f->count = 0;
	if (size < at || get32(data + POLICY_SIZE) != 0xa1b2c3d4)
		return false;
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (links[i].type == get32(data + POLICY_SIZE + 20)) {
			f->link = links[i].link;
			known = true;
		}
	}
	while (f->count < RECORDS_MAX && size - at >= RECORD_HEADER) {
		const u32 cap = get32(data + at + 8);

		if (cap > FRAME_MAX || cap > size - at - RECORD_HEADER)
			break;
		f->record[f->count++] = (struct record){ at, RECORD_HEADER + cap };
		at += RECORD_HEADER + cap;
	}
	return known && f->count;
}

/* Puts @n octets where a record's last @less octets were, counted from @off;
 * lengths follow. Returns the new size, or 0: there is no room.
 */
static size_t replace(u8 *data, size_t size, size_t max, const struct record *r,
		      u32 off, u32 less, const u8 *with, u32 n)
{
	const size_t tail = r->off + RECORD_HEADER + off + less;

	if (size - less + n > max || r->size - less + n > FRAME_MAX)
		return 0;
	memmove(data + tail - less + n, data + tail, size - tail);
	if (n)
		memcpy(data + tail - less, with, n);
	put32(data + r->off + 8, r->size - RECORD_HEADER - less + n);
	put32(data + r->off + 12, r->size - RECORD_HEADER - less + n);
	return size - less + n;
}

static void add16(u8 *p, int n)
{
	const int value = (p[0] << 8 | p[1]) + n;

	p[0] = value >> 8;
	p[1] = value;
}

static void add32(u8 *p, u32 n)
{
	const u32 value = ((u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]) + n;

	p[0] = value >> 24;
	p[1] = value >> 16;
	p[2] = value >> 8;
	p[3] = value;
}

/* A number nearby, or one far away */
static u32 distance(void)
{
	static const u32 far[] = { 1U << 31, 1U << 20, 65535, -65535U, 1U << 16 };

	return random_below(8) ? random_below(41) - 20 : far[random_below(5)];
}

static bool parse(struct packet *p, const struct file *f, const u8 *data, u32 n)
{
	const struct record *r = &f->record[n];
	const struct frame frame = {
		.data = data + r->off + RECORD_HEADER,
		.cap = r->size - RECORD_HEADER,
		.len = r->size - RECORD_HEADER,
	};

	return packet_parse(p, f->link, &frame) == PACKET_TCP && p->cap == p->len;
}

/* Other octets in a packet: a line that was said, or some mutated */
static size_t say(u8 *data, size_t size, size_t max, const struct file *f, u32 n)
{
	const struct record *r = &f->record[n];
	u8 payload[FRAME_MAX];
	struct packet p;
	const char *line;
	u32 len, less, at = 0;
	size_t grown;

	if (!parse(&p, f, data, n))
		return 0;
	less = p.len;
	if (random_below(2)) {
		memcpy(payload, p.frame.data + p.data, p.len);
		len = LLVMFuzzerMutate(payload, p.len, p.len + 64 < FRAME_MAX ?
				       p.len + 64 : FRAME_MAX);
	} else {
		line = said[random_below(sizeof(said) / sizeof(*said))];
		len = *line ? strlen(line) : 1;
		memcpy(payload, line, len);
		/* In front, behind, in the midst, or instead */
		at = random_below(p.len + 1);
		if (random_below(2))
			at = random_below(2) ? p.len : 0;
		if (random_below(4))
			less = 0;
		else
			at = 0;
	}
	grown = replace(data, size, max, r, p.data + at, less, payload, len);
	if (grown)
		add16(data + r->off + RECORD_HEADER + p.ip +
		      (p.from.len == 4 ? 2 : 4), (int)len - (int)less);
	return grown;
}

/* Later packets of this end follow what it said */
static void renumber(u8 *data, const struct file *f, u32 n, u32 shift)
{
	struct packet first, p;

	if (!parse(&first, f, data, n))
		return;
	for (u32 i = n + 1; i < f->count; i++) {
		u8 *tcp = data + f->record[i].off + RECORD_HEADER;

		if (!parse(&p, f, data, i))
			continue;
		if (p.from.port == first.from.port)
			add32(tcp + p.tcp + 4, shift);
		else
			add32(tcp + p.tcp + 8, shift);
	}
}

static size_t say_in_order(u8 *data, size_t size, size_t max, struct file *f,
			   u32 n)
{
	const size_t grown = say(data, size, max, f, n);

	if (grown && read_file(f, data, grown) && random_below(8))
		renumber(data, f, n, (u32)grown - (u32)size);
	return grown;
}

/* One packet as two */
static size_t cut(u8 *data, size_t size, size_t max, const struct file *f, u32 n)
{
	const struct record r = f->record[n];
	u8 copy[RECORD_HEADER + FRAME_MAX];
	struct packet p;
	u32 first;

	if (!parse(&p, f, data, n) || p.len < 2 || size + r.size > max)
		return 0;
	first = 1 + random_below(p.len - 1);
	memcpy(copy, data + r.off, r.size);
	size = replace(data, size, max, &r, p.data + first, p.len - first, NULL, 0);
	add16(data + r.off + RECORD_HEADER + p.ip + (p.from.len == 4 ? 2 : 4),
	      (int)first - (int)p.len);

	/* The second has the octets that the first has lost */
	memmove(copy + RECORD_HEADER + p.data, copy + RECORD_HEADER + p.data + first,
		p.len - first);
	add16(copy + RECORD_HEADER + p.ip + (p.from.len == 4 ? 2 : 4), -(int)first);
	add32(copy + RECORD_HEADER + p.tcp + 4, first);
	put32(copy + 8, r.size - RECORD_HEADER - first);
	put32(copy + 12, r.size - RECORD_HEADER - first);
	n = r.off + r.size - (p.len - first);
	memmove(data + n + r.size - first, data + n, size - n);
	memcpy(data + n, copy, r.size - first);
	return size + r.size - first;
}

/* A record taken out of its place, or copied, to another */
static size_t move(u8 *data, size_t size, size_t max, const struct file *f,
		   u32 n, bool keep)
{
	const struct record r = f->record[n];
	u8 copy[RECORD_HEADER + FRAME_MAX];
	u32 to = random_below(4) ? n + 2 : random_below(f->count + 1);
	size_t at;

	if (size + r.size > max)
		return 0;
	to = to < f->count ? to : f->count;
	at = to < f->count ? f->record[to].off :
	     f->record[f->count - 1].off + f->record[f->count - 1].size;
	memcpy(copy, data + r.off, r.size);
	memmove(data + at + r.size, data + at, size - at);
	memcpy(data + at, copy, r.size);
	size += r.size;
	if (keep)
		return size;
	at = at <= r.off ? r.off + r.size : r.off;
	memmove(data + at, data + at + r.size, size - at - r.size);
	return size - r.size;
}

static size_t remove_record(u8 *data, size_t size, const struct record *r)
{
	memmove(data + r->off, data + r->off + r->size, size - r->off - r->size);
	return size - r->size;
}

/* Numbers, flags, the time, what was kept of it */
static size_t renew(u8 *data, size_t size, const struct file *f, u32 n)
{
	const struct record *r = &f->record[n];
	u8 *frame = data + r->off + RECORD_HEADER;
	struct packet p;

	switch (random_below(6)) {
	case 0:
		/* Seconds: what waits is repeated in time */
		put32(data + r->off, get32(data + r->off) + random_below(300));
		return size;
	case 1:
		/* Snap length: octets that were not kept */
		put32(data + r->off + 12, r->size - RECORD_HEADER + random_below(64));
		return size;
	}
	if (!parse(&p, f, data, n))
		return 0;
	switch (random_below(5)) {
	case 0:
		add32(frame + p.tcp + 4, distance());
		break;
	case 1:
		add32(frame + p.tcp + 8, distance());
		break;
	case 2:
		frame[p.tcp + 13] ^= 1 << random_below(8);
		break;
	case 3:
		/* Another connection, or another port */
		add16(frame + p.tcp + 2 * random_below(2), random_below(3) - 1);
		break;
	case 4:
		frame[random_below(p.data)] ^= 1 << random_below(8);
		break;
	}
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
			       unsigned int seed)
{
	struct file f;
	size_t done = 0;
	u32 n;

	state = seed | 1;
	if (random_below(8) == 0 || size > max || !read_file(&f, data, size))
		return LLVMFuzzerMutate(data, size, max);
	n = random_below(f.count);
	switch (random_below(12)) {
	case 0:
		data[0] = random_below(256);
		return size;
	case 1:
		done = remove_record(data, size, &f.record[n]);
		break;
	case 2:
		done = move(data, size, max, &f, n, true);
		break;
	case 3:
		done = move(data, size, max, &f, n, false);
		break;
	case 4:
		done = cut(data, size, max, &f, n);
		break;
	case 5:
	case 6:
	case 7:
		done = renew(data, size, &f, n);
		break;
	default:
		done = say_in_order(data, size, max, &f, n);
		break;
	}
	return done ? done : LLVMFuzzerMutate(data, size, max);
}

/* The first packets of one, and the last ones of another */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size,
				 const uint8_t *two, size_t two_size,
				 uint8_t *out, size_t max, unsigned int seed)
{
	struct file a, b;
	size_t head, tail;

	state = seed | 1;
	if (!read_file(&a, one, one_size) || !read_file(&b, two, two_size) ||
	    a.link != b.link)
		return 0;
	head = a.record[random_below(a.count)].off;
	tail = b.record[random_below(b.count)].off;
	if (head + two_size - tail > max)
		return 0;
	memcpy(out, one, head);
	memcpy(out + head, two + tail, two_size - tail);
	return head + two_size - tail;
}
