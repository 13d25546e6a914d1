// SPDX-License-Identifier: GPL-2.0-only
/* A capture from its first packet to its last. See run.h. */
#ifdef HAVE_PCAP
#include <string.h>

#include "replay/fragments.h"
#include "replay/run.h"

/* A SYN to a port without a policy: name the port, if it was the wrong one */
static void other_port(struct replay *r, const struct packet *p)
{
	if ((p->flags & (PACKET_SYN | PACKET_ACK)) != PACKET_SYN)
		return;
	for (unsigned int i = 0; i < r->ports; i++) {
		if (r->port[i].port == p->to.port) {
			r->port[i].count++;
			return;
		}
	}
	if (r->ports < REPLAY_PORTS)
		r->port[r->ports++] = (struct replay_port){ p->to.port, 1 };
}

static void take(struct replay *r, struct track *track, struct fragments *fragments,
		 enum capture_link link, const struct frame *frame,
		 const struct track_ops *ops)
{
	struct packet p;
	struct frame whole;

	switch (packet_parse(&p, link, frame)) {
	case PACKET_FRAGMENT:
		if (fragments_add(fragments, &p, &whole) &&
		    packet_parse(&p, link, &whole) == PACKET_TCP &&
		    (track_packet(track, &p) || !ops->write))
			return;
		/* A packet that is not judged leaves in one piece, too */
		if (p.frame.data != frame->data && ops->write)
			ops->write(&p.frame, ops->data);
		return;
	case PACKET_TCP:
		if (track_packet(track, &p))
			return;
		other_port(r, &p);
		break;
	case PACKET_SHORT:
		r->shortened++;
		break;
	case PACKET_OTHER:
		break;
	}
	if (ops->write)
		ops->write(frame, ops->data);
}

int replay_run(struct replay *r, struct capture *capture,
	       enum capture_link link, struct host *host,
	       const struct track_ops *ops, struct reason *why)
{
	struct fragments *fragments = fragments_new();
	struct track *track = track_new(host, ops);
	struct frame frame;
	int rc;

	memset(r, 0, sizeof(*r));
	while ((rc = capture_next(capture, &frame, why)) > 0) {
		r->packets++;
		take(r, track, fragments, link, &frame, ops);
	}
	track_end(track);
	r->counts = *track_counts(track);
	track_free(track);
	r->incomplete = fragments_free(fragments);
	return rc;
}
#endif /* HAVE_PCAP */
