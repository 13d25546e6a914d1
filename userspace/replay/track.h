/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connections of a capture, and their packets as the filter lets them leave.
 *
 * Senders in a capture do not know the filter. Octets that it cuts off or drops are
 * retransmitted on a real network, and never in the capture. So they are held back here,
 * and judged again when the far end has answered, as if TCP had retransmitted them.
 */
#ifndef _SMTPFIXUP_TRACK_H
#define _SMTPFIXUP_TRACK_H

#include "host/host.h"
#include "replay/packet.h"

/* Connections remembered at once; the one idle for longest is forgotten */
#define TRACK_CONNECTIONS_MAX	65536

/* Octets held back at most: of one direction, and of all connections */
#define TRACK_HELD_MAX		(4U << 20)
#define TRACK_HELD_ALL_MAX	(64U << 20)

/* Why something is not judged. The first ones are reported for each connection */
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
 * struct track_ops - called for results
 * @note: a connection is not judged any further, or not to its end
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
 * struct track_counts - counts of a capture
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

/* Takes a TCP packet of any port. Returns whether it is judged. */
bool track_packet(struct track *track, const struct packet *p);

/* The capture is over. */
void track_end(struct track *track);
const struct track_counts *track_counts(const struct track *track);
void track_free(struct track *track);

#endif /* _SMTPFIXUP_TRACK_H */
