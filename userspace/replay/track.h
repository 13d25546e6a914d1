/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of a capture, and what the filter makes of their packets.
 *
 * Senders in a capture know nothing of the filter: what it cuts or drops comes
 * again on a real network, and never in the capture. So it is held back here
 * and judged again when the far end has answered, as TCP would repeat it.
 */
#ifndef _SMTPFIXUP_TRACK_H
#define _SMTPFIXUP_TRACK_H

#include "host/host.h"
#include "replay/packet.h"

/* Connections remembered at once; the one idle for longest is forgotten */
#define TRACK_CONNECTIONS_MAX	65536

/* Octets held back: of one direction, and of all connections */
#define TRACK_HELD_MAX		(4U << 20)
#define TRACK_HELD_ALL_MAX	(64U << 20)

/* Why something is not judged; the first ones are told of each connection */
enum track_note {
	TRACK_MIDSTREAM,	/* its beginning is not in the capture */
	TRACK_ONE_WAY,		/* the server's SYN is not in the capture */
	TRACK_GAP,		/* octets that arrived are not in the capture */
	TRACK_SNAPPED,		/* the capture has only part of a packet */
	TRACK_TOO_MUCH,		/* too much would have to be held back */
	TRACK_FORGOTTEN,	/* too many connections at once */
	TRACK_WAITING,		/* still held back at the end */
	TRACK_NOTES
};

extern const char *const track_note_names[TRACK_NOTES];

/**
 * struct track_ops - whom to tell
 * @note: a connection is judged no further, or not to its end
 * @write: a packet leaves
 * @data: for both
 */
struct track_ops {
	void (*note)(enum track_note note, const struct host_flow *flow,
		     u64 time, const char *text, void *data);
	void (*write)(const struct frame *frame, void *data);
	void *data;
};

/**
 * struct track_counts - what came of the capture
 * @notes: by enum track_note: connections
 * @connections: that were seen from their beginning
 * @left_out: packets that did not leave
 * @repeated: packets that the sender would have sent again
 */
struct track_counts {
	u64 notes[TRACK_NOTES];
	u64 connections;
	u64 left_out;
	u64 repeated;
};

struct track;

struct track *track_new(struct host *host, const struct track_ops *ops);

/* One TCP packet, of whatever port. Returns whether it is one to be judged. */
bool track_packet(struct track *track, const struct packet *p);

/* The capture is over. */
void track_end(struct track *track);
const struct track_counts *track_counts(const struct track *track);
void track_free(struct track *track);

#endif /* _SMTPFIXUP_TRACK_H */
