// SPDX-License-Identifier: GPL-2.0-only
/* The connections of a capture. See track.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/mptcp.h"
#include "replay/held.h"
#include "replay/track.h"

/* The fuzzer builds with few: it makes a table for each input */
#ifndef TRACK_BUCKETS
#define TRACK_BUCKETS	16384
#endif

/* A sender retransmits octets that are not ACKed after 200 ms, and waits twice as long
 * each time (Linux, TCP_RTO_MIN). After the capture's end, at most so often.
 */
#define REPEAT_FIRST	200000000ULL
#define REPEAT_LAST	120000000000ULL
#define REPEATS_AT_END	8

/* Held octets are judged in pieces of this size, as in a GSO packet */
#define SEGMENT_MAX	32768

/* Octets that were ACKed may be missing for so many packets: a capture need not have
 * packets in the order in which they were sent
 */
#define GAP_PACKETS	64
#define GAP_TIME	1000000000ULL

/* No sender makes more pieces */
#define PIECES_MAX	4096

/* RFC 9293, 3.7.1: without the option; and the smallest packet any path takes */
#define MSS_DEFAULT	536
#define PACKET_MIN	576

enum track_state {
	TRACK_NEW,	/* no SYN of the client yet */
	TRACK_OPENING,	/* no SYN/ACK of the server yet */
	TRACK_OPEN,	/* no payload yet */
	TRACK_JUDGED,
	TRACK_RESET,	/* ended with RST, by the policy */
	TRACK_DROPPED,	/* ended in silence, by the policy */
	TRACK_UNJUDGED,	/* named, and left out from here on */
	TRACK_ALONE,	/* passes as it is: midstream pass */
};

/**
 * struct track_side - one end of a connection
 * @isn: sequence number of its first payload octet
 * @mss: the MSS of its SYN
 * @ack: the latest that it ACKed, where @has_ack
 * @has_ack: it has ACKed something
 * @held: octets held back
 * @fin: after the last octet, where @has_fin
 * @has_fin: its FIN is held back, or has passed
 * @fin_left: it has passed
 * @told: RST was sent to the other end in its name
 * @head: a packet of it, the model for retransmissions; its frame is a copy
 * @seen: under observe: all before that has been seen
 * @wait: nanoseconds until @held is judged again
 * @due: when that is, or 0
 * @gap_packets: packets since the other end ACKed octets that are missing, or 0
 * @gap_since: when that was
 */
struct track_side {
	u32 isn;
	u16 mss;
	u32 ack;
	bool has_ack;
	struct held held;
	u32 fin;
	bool has_fin;
	bool fin_left;
	bool told;
	struct packet *head;
	u32 seen;
	u64 wait;
	u64 due;
	u32 gap_packets;
	u64 gap_since;
};

/**
 * struct connection - a connection of the capture
 * @flow: the core's part of it
 * @chain: the next one of the same bucket
 * @newer: the connection that had a packet next after this one
 * @older: the connection that had a packet last before this one
 * @state: enum track_state
 * @begun: the core's part is there
 * @midstream: its packets are counted as such
 * @has_again: there was another SYN
 * @again: first payload octet after that
 * @side: by enum smtp_dir
 */
struct connection {
	struct host_flow flow;
	struct connection *chain;
	struct connection *newer;
	struct connection *older;
	u8 state;
	bool begun;
	bool midstream;
	bool has_again;
	u32 again;
	struct track_side side[2];
};

struct track {
	struct host *host;
	struct track_ops ops;
	struct track_counts counts;
	struct connection *bucket[TRACK_BUCKETS];
	struct connection *newest;
	struct connection *oldest;
	u32 count;
	u64 held;
};

/* One packet's octets: repeated, as they are judged, and as they leave */
static u8 buffer[SEGMENT_MAX];
static u8 payload[CAPTURE_FRAME_MAX];
static u8 built[PACKET_BUILT_MAX];

const char *const track_note_names[TRACK_NOTES] = {
	[TRACK_MIDSTREAM] = "midstream",
	[TRACK_ONE_WAY] = "one_way",
	[TRACK_GAP] = "gap",
	[TRACK_SNAPPED] = "snapped",
	[TRACK_TOO_MUCH] = "too_much",
	[TRACK_FORGOTTEN] = "forgotten",
	[TRACK_WAITING] = "waiting",
};

/* -- the table ------------------------------------------------------------ */

static bool same_end(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->len == b->len &&
	       !memcmp(a->address, b->address, a->len);
}

/* FNV-1a */
static u32 hash_end(u32 hash, const struct endpoint *end)
{
	for (u32 i = 0; i < end->len; i++)
		hash = (hash ^ end->address[i]) * 16777619;
	hash = (hash ^ (end->port >> 8)) * 16777619;
	return (hash ^ (end->port & 255)) * 16777619;
}

static struct connection **bucket_of(struct track *t, const struct endpoint *client,
				     const struct endpoint *server)
{
	const u32 hash = hash_end(hash_end(2166136261, client), server);

	return &t->bucket[(hash ^ hash >> 16) % TRACK_BUCKETS];
}

static struct connection *find(struct track *t, const struct endpoint *client,
			       const struct endpoint *server)
{
	struct connection *c = *bucket_of(t, client, server);

	while (c && !(same_end(&c->flow.client, client) &&
		      same_end(&c->flow.server, server)))
		c = c->chain;
	return c;
}

static void unlink_age(struct track *t, struct connection *c)
{
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
}

static void link_newest(struct track *t, struct connection *c)
{
	c->newer = NULL;
	c->older = t->newest;
	*(c->older ? &c->older->newer : &t->oldest) = c;
	t->newest = c;
}

static void drop_held(struct track *t, struct track_side *side)
{
	t->held -= side->held.size;
	while (side->held.first)
		held_drop(&side->held, side->held.first->seq +
				       side->held.first->len);
	side->due = 0;
}

/* Everything but its place in the table */
static void connection_clear(struct track *t, struct connection *c)
{
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct track_side *side = &c->side[dir];

		drop_held(t, side);
		if (side->head) {
			free((void *)side->head->frame.data);
			free(side->head);
		}
		memset(side, 0, sizeof(*side));
	}
	if (c->begun)
		host_flow_release(&c->flow);
	c->begun = false;
	c->midstream = false;
	c->has_again = false;
	c->state = TRACK_NEW;
}

static void connection_free(struct track *t, struct connection *c)
{
	struct connection **at = bucket_of(t, &c->flow.client, &c->flow.server);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	unlink_age(t, c);
	connection_clear(t, c);
	t->count--;
	free(c);
}

static void note(struct track *t, struct connection *c, enum track_note note,
		 const char *text)
{
	t->counts.notes[note]++;
	t->ops.note(note, &c->flow, t->host->now, text, t->ops.data);
}

static struct connection *connection_new(struct track *t, struct host_rule *rule,
					 const struct endpoint *client,
					 const struct endpoint *server)
{
	struct connection **at, *c;

	if (t->count == TRACK_CONNECTIONS_MAX) {
		if (t->oldest->begun && !smtp_flow_over(&t->oldest->flow.core))
			note(t, t->oldest, TRACK_FORGOTTEN,
			     "forgotten: there are too many connections at once");
		connection_free(t, t->oldest);
	}
	c = grow(NULL, 1, sizeof(*c));
	memset(c, 0, sizeof(*c));
	c->flow.host = t->host;
	c->flow.rule = rule;
	c->flow.client = *client;
	c->flow.server = *server;
	at = bucket_of(t, client, server);
	c->chain = *at;
	*at = c;
	link_newest(t, c);
	t->count++;
	return c;
}

/* Stops judging a connection: its octets from here on can't be told apart */
static void give_up(struct track *t, struct connection *c, enum track_note why,
		    const char *text)
{
	note(t, c, why, text);
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++)
		drop_held(t, &c->side[dir]);
	if (c->begun)
		host_flow_release(&c->flow);
	c->begun = false;
	c->state = TRACK_UNJUDGED;
}

/* -- what leaves ---------------------------------------------------------- */

struct sack_map {
	const struct host_flow *flow;
	enum smtp_dir dir;
};

static u32 sack_out(u32 seq, const void *data)
{
	const struct sack_map *map = data;

	return host_seq_out(map->flow, map->dir, seq);
}

/* The ACK of an end, at most for the octets that have left */
static u32 ack_out(const struct connection *c, enum smtp_dir dir, u32 ack)
{
	const struct track_side *to = &c->side[!dir];
	u32 left = host_flow_next(&c->flow, !dir);

	if (to->fin_left)
		left++;
	return host_seq_out(&c->flow, !dir, smtp_seq_min(ack, left));
}

static void leave(struct track *t, const struct connection *c, enum smtp_dir dir,
		  const struct packet *p, u32 seq, u8 flags, const u8 *octets,
		  u32 len)
{
	const struct sack_map map = { &c->flow, !dir };
	const struct packet_changes changes = {
		.seq = host_seq_out(&c->flow, dir, seq),
		.ack = ack_out(c, dir, p->ack),
		.flags = flags,
		.payload = octets,
		.len = len,
		.sack = sack_out,
		.data = &map,
	};
	struct frame frame;

	if (!t->ops.write)
		return;
	if (packet_build(p, built, &changes, &frame)) {
		t->counts.left_out++;
		return;
	}
	frame.time = t->host->now;
	t->ops.write(&frame, t->ops.data);
}

/* Before there is anything to judge: with a right checksum all the same */
static void leave_unjudged(struct track *t, const struct packet *p, u8 flags,
			   u32 len)
{
	const struct packet_changes changes = {
		.seq = p->seq,
		.ack = p->ack,
		.flags = flags,
		.payload = p->frame.data + p->data,
		.len = len,
	};
	struct frame frame;

	if (!t->ops.write)
		return;
	if (packet_build(p, built, &changes, &frame))
		t->ops.write(&p->frame, t->ops.data);
	else
		t->ops.write(&frame, t->ops.data);
}

static void leave_as_is(struct track *t, const struct packet *p)
{
	if (t->ops.write)
		t->ops.write(&p->frame, t->ops.data);
}

/* A bare RST for the far end: kmod/path/help.c, smtp_help_end() */
static void leave_reset(struct track *t, struct connection *c, enum smtp_dir dir,
			const struct packet *p)
{
	if (c->side[dir].told) {
		t->counts.left_out++;
		return;
	}
	c->side[dir].told = true;
	leave(t, c, dir, p, p->seq, PACKET_RST | PACKET_ACK, NULL, 0);
}

/* -- judging -------------------------------------------------------------- */

static u32 wire_mss(const struct connection *c, enum smtp_dir dir)
{
	const u16 mss = c->side[!dir].mss;

	return mss < MSS_DEFAULT ? MSS_DEFAULT : mss;
}

/* Judges octets, which may be changed in place, and writes those that leave. Returns how
 * many are done, or -1: the connection is over.
 */
static int judge(struct track *t, struct connection *c, enum smtp_dir dir,
		 const struct packet *p, u32 seq, u8 *data, u32 len, bool fin)
{
	const u32 mss = wire_mss(c, dir), headers = p->data - p->ip;
	struct host_segment s = {
		.seg = {
			.seq = seq,
			.len = len,
			.mss = len > mss ? mss : 0,
			.ack = ack_out(c, dir, p->ack),
			.has_ack = p->flags & PACKET_ACK,
			.fin = fin,
			.room = len > mss ? mss : len,
		},
		.flow = &c->flow,
		.dir = dir,
		.data = data,
	};
	u8 flags = p->flags & ~(PACKET_FIN | PACKET_URG);
	int done = 0;

	if (headers < PACKET_MIN && s.seg.room < PACKET_MIN - headers)
		s.seg.room = PACKET_MIN - headers;
	switch (host_judge(&s)) {
	case SMTP_PASS:
		done = s.seg.pass;
		if (s.seg.pass < len)
			flags &= ~PACKET_PSH;
		else if (fin)
			flags |= PACKET_FIN;
		if (fin && s.seg.pass == len)
			c->side[dir].fin_left = true;
		if (c->flow.rule->policy.observe)
			leave_as_is(t, p);
		else if (s.out_len || s.seg.pass == len)
			leave(t, c, dir, p, seq + s.seg.skip, flags, s.out, s.out_len);
		break;
	case SMTP_DROP:
		if (smtp_flow_finished(&c->flow.core)) {
			c->state = TRACK_DROPPED;
			done = -1;
		}
		break;
	case SMTP_RESET:
	case SMTP_DESYNC:
		c->state = TRACK_RESET;
		leave_reset(t, c, dir, p);
		done = -1;
		break;
	}
	host_segment_end(&s);
	if (done < 0) {
		for (int i = SMTP_CLIENT; i <= SMTP_SERVER; i++)
			drop_held(t, &c->side[i]);
	}
	return done;
}

/* Keeps the headers for retransmissions */
static void keep_head(struct track_side *side, const struct packet *p)
{
	u8 *data;

	if (side->head)
		free((void *)side->head->frame.data);
	else
		side->head = grow(NULL, 1, sizeof(*side->head));
	data = grow(NULL, p->data, 1);
	memcpy(data, p->frame.data, p->data);
	*side->head = *p;
	side->head->frame.data = data;
	side->head->flags &= ~(PACKET_FIN | PACKET_SYN | PACKET_RST);
}

/* Returns false when it is too much */
static bool hold(struct track *t, struct connection *c, enum smtp_dir dir,
		 const struct packet *p, u32 seq, const u8 *data, u32 len)
{
	struct track_side *side = &c->side[dir];
	const u32 next = host_flow_next(&c->flow, dir);
	const u32 before = side->held.size;

	if (smtp_seq_before(seq, next)) {
		const u32 over = next - seq;

		if (over >= len)
			return true;
		seq += over;
		data += over;
		len -= over;
	}
	keep_head(side, p);
	held_add(&side->held, seq, data, len);
	t->held += side->held.size - before;
	if (side->held.size <= TRACK_HELD_MAX && t->held <= TRACK_HELD_ALL_MAX &&
	    side->held.pieces <= PIECES_MAX)
		return true;
	give_up(t, c, TRACK_TOO_MUCH,
		"not judged from here on: too much would have to be held back");
	return false;
}

/* Judges held octets again, as if their sender had retransmitted them. Returns whether
 * some have passed.
 */
static bool repeat(struct track *t, struct connection *c, enum smtp_dir dir)
{
	struct track_side *side = &c->side[dir];
	bool passed = false;

	while (c->state == TRACK_JUDGED && side->held.first) {
		const u32 seq = host_flow_next(&c->flow, dir);
		u32 before = side->held.size, n;
		int done;

		held_drop(&side->held, seq);
		t->held -= before - side->held.size;
		n = held_copy(&side->held, seq, buffer, SEGMENT_MAX);
		if (!n)
			break;
		side->head->ack = side->ack;
		done = judge(t, c, dir, side->head, seq, buffer, n,
			     side->has_fin && !side->fin_left &&
			     seq + n == side->fin);
		if (done <= 0)
			break;
		t->counts.repeated++;
		passed = true;
	}
	if (c->state != TRACK_JUDGED)
		return passed;
	held_drop(&side->held, host_flow_next(&c->flow, dir));
	if (!side->held.first) {
		side->due = 0;
		/* A FIN that came by itself, before the octets that precede it */
		if (side->has_fin && !side->fin_left && side->head &&
		    host_flow_next(&c->flow, dir) == side->fin) {
			side->head->ack = side->ack;
			judge(t, c, dir, side->head, side->fin, NULL, 0, true);
		}
	} else if (passed || !side->due) {
		side->wait = REPEAT_FIRST;
		side->due = t->host->now + side->wait;
	}
	return passed;
}

static bool due(struct track *t, struct track_side *side)
{
	/* Under observe this is never set */
	if (!side->held.first || !side->due || t->host->now < side->due)
		return false;
	side->wait = side->wait * 2 < REPEAT_LAST ? side->wait * 2 : REPEAT_LAST;
	side->due = t->host->now + side->wait;
	return true;
}

/* A packet of @dir has passed: does the other direction wait for it? */
static void settle(struct track *t, struct connection *c, enum smtp_dir dir,
		   bool passed)
{
	bool now;

	/* The ACK in it may be awaited, too: T1 */
	if (dir == SMTP_SERVER)
		now = passed || !host_flow_waits(&c->flow);
	else
		now = host_flow_edited(&c->flow, SMTP_SERVER);
	if (c->flow.rule->policy.observe)
		return;
	if (c->state == TRACK_JUDGED && now && c->side[!dir].held.first &&
	    repeat(t, c, !dir))
		return;
	for (int i = SMTP_CLIENT; i <= SMTP_SERVER; i++) {
		if (c->state == TRACK_JUDGED && due(t, &c->side[i]))
			repeat(t, c, i);
	}
}

/* -- gaps ----------------------------------------------------------------- */

/* Has the other end ACKed octets of @dir that are not in the capture? */
static bool missing(const struct connection *c, enum smtp_dir dir, u32 *from)
{
	const struct track_side *side = &c->side[dir];

	/* Under observe nothing is held back here, but in the core */
	*from = c->flow.rule->policy.observe ? side->seen :
		held_end(&side->held, host_flow_next(&c->flow, dir));
	/* A FIN has a sequence number, too, and need not have been captured */
	return c->side[!dir].has_ack &&
	       smtp_seq_before(*from + 1, c->side[!dir].ack);
}

static void tell_gap(struct track *t, struct connection *c, enum smtp_dir dir,
		     u32 from)
{
	const u32 end = held_gap(&c->side[dir].held, from, c->side[!dir].ack);
	char text[160];

	snprintf(text, sizeof(text),
		 "gap in the capture: %u octets of the %s from offset %u on arrived and are not in it; not judged from here on",
		 end - from, dir ? "server" : "client",
		 from - c->side[dir].isn);
	give_up(t, c, TRACK_GAP, text);
}

static void look_for_gaps(struct track *t, struct connection *c)
{
	u32 from;

	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct track_side *side = &c->side[dir];

		if (c->state != TRACK_JUDGED || host_flow_tls(&c->flow))
			return;
		if (!missing(c, dir, &from)) {
			side->gap_packets = 0;
			continue;
		}
		if (!side->gap_packets)
			side->gap_since = t->host->now;
		if (++side->gap_packets > GAP_PACKETS ||
		    t->host->now - side->gap_since > GAP_TIME)
			tell_gap(t, c, dir, from);
	}
}

/* -- packets -------------------------------------------------------------- */

static void opening(struct track *t, struct connection *c, u32 isn)
{
	connection_clear(t, c);
	c->side[SMTP_CLIENT].isn = isn;
	c->state = TRACK_OPENING;
	c->flow.rule->counters[SMTP_FIXUP_CNT_CONNECTIONS]++;
	t->counts.connections++;
}

/* H1; packet_build() takes it out */
static bool offers_mptcp(const struct packet *p)
{
	const u32 n = p->data - p->tcp - PACKET_TCP_HEADER;
	u8 options[SMTP_OPTIONS_MAX];

	memcpy(options, p->frame.data + p->tcp + PACKET_TCP_HEADER, n);
	return smtp_options_blank_mptcp(options, n);
}

static void take_syn(struct track *t, struct connection *c, enum smtp_dir dir,
		     const struct packet *p)
{
	const u32 first = p->seq + 1;

	if (dir == SMTP_CLIENT) {
		if (c->state == TRACK_NEW ||
		    (c->state == TRACK_OPENING && c->side[dir].isn != first)) {
			opening(t, c, first);
		} else if (c->side[dir].isn != first) {
			/* It begins the next connection of the same ports, if it is
			 * answered
			 */
			c->has_again = true;
			c->again = first;
		}
		if (c->state == TRACK_OPENING)
			c->side[dir].mss = p->mss;
	} else {
		if (c->has_again && p->ack == c->again)
			opening(t, c, c->again);
		if (c->state == TRACK_OPENING &&
		    p->ack == c->side[SMTP_CLIENT].isn) {
			c->side[dir].isn = first;
			c->side[dir].mss = p->mss;
			c->state = TRACK_OPEN;
		}
	}
	if (offers_mptcp(p))
		host_event(&c->flow, SMTP_FIXUP_EVENT_MPTCP_REMOVED);
	/* TCP Fast Open: kmod/path/help.c, smtp_help_syn() */
	if (p->len)
		host_event(&c->flow, SMTP_FIXUP_EVENT_SYN_DATA_CUT);
	if (c->flow.rule->policy.observe)
		leave_as_is(t, p);
	else
		leave_unjudged(t, p, p->len ? p->flags & ~PACKET_PSH : p->flags, 0);
}

/* kmod/path/select.c, smtp_select_midstream(): as the policy has it, and named once */
static void take_midstream(struct track *t, struct connection *c)
{
	const bool pass = c->flow.rule->policy.midstream == SMTP_FIXUP_MIDSTREAM_PASS ||
			  c->flow.rule->policy.observe;

	host_event(&c->flow, c->flow.rule->policy.midstream == SMTP_FIXUP_MIDSTREAM_PASS ?
		   SMTP_FIXUP_EVENT_MIDSTREAM_PASSED :
		   SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
	note(t, c, TRACK_MIDSTREAM,
	     "not judged: its beginning is not in the capture");
	c->state = pass ? TRACK_ALONE : TRACK_UNJUDGED;
	c->midstream = true;
}

static void take_unjudged(struct track *t, struct connection *c, bool first)
{
	t->counts.left_out++;
	if (c->midstream && !first)
		c->flow.rule->counters[SMTP_FIXUP_CNT_PACKETS_MIDSTREAM]++;
}

/* Passes a packet unchanged but for its numbers: a RST, or one after TLS has started */
static void take_opaque(struct track *t, struct connection *c, enum smtp_dir dir,
			const struct packet *p)
{
	if (p->cap < p->len)
		leave_as_is(t, p);	/* its checksum can't be known */
	else
		leave(t, c, dir, p, p->seq, p->flags, p->frame.data + p->data,
		      p->len);
}

/* Under observe: notes what has been seen without a gap. Octets beyond a gap are held
 * only to know where they are.
 */
static void see(struct track *t, struct track_side *side, const struct packet *p)
{
	const u32 before = side->held.size, end = p->seq + p->len;

	if (smtp_seq_before(side->seen, p->seq)) {
		if (side->held.size < TRACK_HELD_MAX &&
		    side->held.pieces < PIECES_MAX)
			held_add(&side->held, p->seq, p->frame.data + p->data,
				 p->len);
	} else {
		side->seen = smtp_seq_max(side->seen, end);
		side->seen = held_end(&side->held, side->seen);
		held_drop(&side->held, side->seen);
	}
	t->held += side->held.size - before;
}

static void take_segment(struct track *t, struct connection *c, enum smtp_dir dir,
			 const struct packet *p)
{
	struct track_side *side = &c->side[dir];
	const bool observe = c->flow.rule->policy.observe;
	const u32 next = host_flow_next(&c->flow, dir), end = p->seq + p->len;
	const bool fin = p->flags & PACKET_FIN;
	bool passed = false;
	int done;

	if (p->cap < p->len && smtp_seq_before(next, end)) {
		give_up(t, c, TRACK_SNAPPED,
			"not judged from here on: the capture has only part of a packet (snap length)");
		t->counts.left_out++;
		return;
	}
	if (p->cap < p->len) {
		t->counts.left_out++;	/* a repetition, and not all of it */
		return;
	}
	if (fin) {
		side->has_fin = true;
		side->fin = end;
	}
	if (observe)
		see(t, side, p);
	if (p->len)
		memcpy(payload, p->frame.data + p->data, p->len);

	/* Held octets go first, together with this packet */
	if (!observe && side->held.first && p->len && smtp_seq_before(next, end)) {
		if (!hold(t, c, dir, p, p->seq, payload, p->len))
			return;
		/* Until the server has spoken this changes nothing */
		if (dir == SMTP_SERVER || !host_flow_waits(&c->flow))
			passed = repeat(t, c, dir);
		settle(t, c, dir, passed);
		return;
	}
	/* A FIN after what is held back comes with that */
	if (!observe && fin && !p->len && side->held.first) {
		keep_head(side, p);
		return;
	}
	done = judge(t, c, dir, p, p->seq, payload, p->len, fin);
	if (done < 0)
		return;
	passed = done > 0 && smtp_seq_before(next, host_flow_next(&c->flow, dir));
	if (!observe && done < (int)p->len) {
		if (!done)
			t->counts.left_out++;
		/* The core may have changed what it did not let pass */
		if (!hold(t, c, dir, p, p->seq + done,
			  p->frame.data + p->data + done, p->len - done))
			return;
		if (side->held.first && !side->due) {
			side->wait = REPEAT_FIRST;
			side->due = t->host->now + side->wait;
		}
		/* The rest may pass at once: a change of length comes alone */
		if (done && (dir == SMTP_SERVER || !host_flow_waits(&c->flow)))
			repeat(t, c, dir);
	} else if (!observe && (side->held.first ||
				(side->has_fin && !side->fin_left && !fin))) {
		if (passed)
			repeat(t, c, dir);
	} else if (fin && !side->fin_left) {
		keep_head(side, p);
	}
	settle(t, c, dir, passed);
}

/* How many replies end in these octets? */
static u32 replies_in(const u8 *at, u32 n)
{
	const u8 *end = at + n, *lf;
	u32 replies = 0;

	for (; at < end && (lf = memchr(at, '\n', end - at)); at = lf + 1)
		replies += lf - at < 4 || at[3] != '-';
	return replies;
}

/* One packet may have replies to commands that passed, and to commands that waited for
 * the first reply. On the wire the server would have sent the latter replies later.
 */
static void take_by_lines(struct track *t, struct connection *c, enum smtp_dir dir,
			  const struct packet *p)
{
	static u8 frame[PACKET_BUILT_MAX];
	struct packet line = *p;
	const u8 *end;
	u32 at = 0;

	memcpy(frame, p->frame.data, p->data + p->cap);
	line.frame.data = frame;
	while (dir == SMTP_SERVER && c->side[SMTP_CLIENT].held.first &&
	       p->cap == p->len &&
	       replies_in(p->frame.data + p->data + at, p->len - at) >
	       host_flow_unanswered(&c->flow)) {
		end = memchr(p->frame.data + p->data + at, '\n', p->len - at);
		if (!end || end + 1 == p->frame.data + p->data + p->len)
			break;
		line.seq = p->seq + at;
		line.len = end + 1 - (p->frame.data + p->data + at);
		line.cap = line.len;
		line.frame.cap = p->data + line.len;
		line.flags = p->flags & ~(PACKET_FIN | PACKET_PSH);
		memcpy(frame + p->data, p->frame.data + p->data + at, line.len);
		at += line.len;
		take_segment(t, c, dir, &line);
		if (c->state != TRACK_JUDGED)
			return;
	}
	line.seq = p->seq + at;
	line.len = p->len - at;
	line.cap = p->cap - at;
	line.frame.cap = p->data + line.cap;
	line.flags = p->flags;
	memcpy(frame + p->data, p->frame.data + p->data + at, line.cap);
	take_segment(t, c, dir, &line);
}

static void begin(struct track *t, struct connection *c)
{
	(void)t;
	host_flow_init(&c->flow, c->side[SMTP_CLIENT].isn, c->side[SMTP_SERVER].isn);
	c->side[SMTP_CLIENT].seen = c->side[SMTP_CLIENT].isn;
	c->side[SMTP_SERVER].seen = c->side[SMTP_SERVER].isn;
	c->begun = true;
	c->state = TRACK_JUDGED;
}

static void take_judged(struct track *t, struct connection *c, enum smtp_dir dir,
			struct packet *p)
{
	if (p->flags & PACKET_ACK) {
		if (!c->side[dir].has_ack ||
		    smtp_seq_before(c->side[dir].ack, p->ack))
			c->side[dir].ack = p->ack;
		c->side[dir].has_ack = true;
		look_for_gaps(t, c);
		if (c->state != TRACK_JUDGED) {
			t->counts.left_out++;
			return;
		}
	}
	if (p->flags & PACKET_RST || smtp_flow_opaque(&c->flow.core)) {
		take_opaque(t, c, dir, p);
		return;
	}
	if (p->flags & PACKET_URG)
		host_event(&c->flow, SMTP_FIXUP_EVENT_URGENT_CLEARED);
	take_by_lines(t, c, dir, p);
}

static void take(struct track *t, struct connection *c, enum smtp_dir dir,
		 struct packet *p)
{
	const bool syn = p->flags & PACKET_SYN, ack = p->flags & PACKET_ACK;
	bool first = false;

	if (syn && !(p->flags & PACKET_RST) && ack == !!dir &&
	    (dir == SMTP_CLIENT || c->state != TRACK_NEW)) {
		take_syn(t, c, dir, p);
		return;
	}
	if (c->state == TRACK_NEW && p->flags & PACKET_RST) {
		leave_as_is(t, p);
		return;
	}
	if (c->state == TRACK_NEW) {
		take_midstream(t, c);
		first = true;
	}
	if (c->state == TRACK_OPENING && p->len) {
		host_event(&c->flow, SMTP_FIXUP_EVENT_PACKET_MIDSTREAM);
		give_up(t, c, TRACK_ONE_WAY,
			"not judged: the answer to its SYN is not in the capture");
	}
	if (c->state == TRACK_OPEN && p->len)
		begin(t, c);
	switch (c->state) {
	case TRACK_JUDGED:
		take_judged(t, c, dir, p);
		break;
	case TRACK_OPENING:
	case TRACK_OPEN:
		if (p->len == p->cap && !c->flow.rule->policy.observe) {
			leave_unjudged(t, p, p->flags, p->len);
			break;
		}
		fallthrough;
	case TRACK_NEW:
	case TRACK_ALONE:
		leave_as_is(t, p);
		break;
	case TRACK_RESET:
		leave_reset(t, c, dir, p);
		break;
	case TRACK_DROPPED:
		t->counts.left_out++;
		break;
	case TRACK_UNJUDGED:
		take_unjudged(t, c, first);
		break;
	}
}

bool track_packet(struct track *t, const struct packet *packet)
{
	struct packet p = *packet;
	struct host_rule *rule = host_rule_find(t->host, p.to.port);
	struct host_rule *back = host_rule_find(t->host, p.from.port);
	struct connection *c = NULL;
	enum smtp_dir dir = SMTP_CLIENT;

	t->host->now = p.frame.time;
	if (!rule && !back)
		return false;
	if (rule)
		c = find(t, &p.from, &p.to);
	if (!c && back) {
		c = find(t, &p.to, &p.from);
		/* If both ports are under the rule, the SYN tells client and server apart
		 */
		if (c || !rule ||
		    (p.flags & (PACKET_SYN | PACKET_ACK)) == (PACKET_SYN | PACKET_ACK))
			dir = SMTP_SERVER;
	}
	if (c) {
		unlink_age(t, c);
		link_newest(t, c);
	} else {
		const bool server = dir == SMTP_SERVER;

		c = connection_new(t, server ? back : rule, server ? &p.to : &p.from,
				   server ? &p.from : &p.to);
	}
	if (c->flow.rule->policy.mode == SMTP_FIXUP_MODE_OFF)
		leave_as_is(t, &p);
	else
		take(t, c, dir, &p);
	return true;
}

/* -- beginning and end ----------------------------------------------------- */

struct track *track_new(struct host *host, const struct track_ops *ops)
{
	struct track *t = grow(NULL, 1, sizeof(*t));

	memset(t, 0, sizeof(*t));
	t->host = host;
	t->ops = *ops;
	return t;
}

/* Senders would go on to retransmit held octets */
static void finish(struct track *t, struct connection *c)
{
	u32 from;

	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		if (c->state == TRACK_JUDGED && !host_flow_tls(&c->flow) &&
		    missing(c, dir, &from))
			tell_gap(t, c, dir, from);
	}
	if (c->flow.rule->policy.observe)
		return;
	for (int i = 0; i < REPEATS_AT_END && c->state == TRACK_JUDGED; i++) {
		if (c->side[SMTP_SERVER].held.first)
			repeat(t, c, SMTP_SERVER);
		if (c->state == TRACK_JUDGED && c->side[SMTP_CLIENT].held.first)
			repeat(t, c, SMTP_CLIENT);
	}
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct track_side *side = &c->side[dir];
		char text[120];

		if (c->state != TRACK_JUDGED || !side->held.first)
			continue;
		snprintf(text, sizeof(text),
			 "%u octets of the %s still wait at the end of the capture",
			 side->held.size, dir ? "server" : "client");
		note(t, c, TRACK_WAITING, text);
	}
}

void track_end(struct track *t)
{
	for (struct connection *c = t->oldest; c; c = c->newer)
		finish(t, c);
}

const struct track_counts *track_counts(const struct track *t)
{
	return &t->counts;
}

void track_free(struct track *t)
{
	while (t->oldest)
		connection_free(t, t->oldest);
	free(t);
}
