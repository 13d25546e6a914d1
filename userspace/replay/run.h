/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture from its first packet to its last. */
#ifndef _SMTPFIXUP_REPLAY_RUN_H
#define _SMTPFIXUP_REPLAY_RUN_H

#include "replay/track.h"

/* Other ports to which connections were opened, as many as are named */
#define REPLAY_PORTS	8

struct replay_port {
	u16 port;
	u64 count;
};

/**
 * struct replay - the result of a capture
 * @packets: in the file
 * @shortened: packets without all of their headers
 * @incomplete: fragmented datagrams that were never complete
 * @port: ports that are under no policy
 * @ports: how many
 * @counts: of the connections
 */
struct replay {
	u64 packets;
	u64 shortened;
	u64 incomplete;
	struct replay_port port[REPLAY_PORTS];
	unsigned int ports;
	struct track_counts counts;
};

/**
 * replay_run() - judge every packet of a capture
 * @replay: result; after a failure, of the packets before that
 * @capture: the capture
 * @link: its link type
 * @host: the rules
 * @ops: called for notes and for packets that leave
 * @why: filled on failure
 *
 * Return: 0 or -1.
 */
int replay_run(struct replay *replay, struct capture *capture,
	       enum capture_link link, struct host *host,
	       const struct track_ops *ops, struct reason *why);

#endif /* _SMTPFIXUP_REPLAY_RUN_H */
