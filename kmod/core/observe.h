/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Observe: the way into the core. A segment is judged and acted upon, or, where the
 * policy says observe, counted as if it had been. Enforcing would make the sender
 * retransmit what follows a gap or has to wait for a reply. Under observe that passes
 * at once, and nobody retransmits it. So a copy is judged when its time has come.
 *
 * In each direction one run of bytes is kept, %SMTP_UNACKED_MAX at most. Where that is
 * not enough, the rest of the connection is not judged; in a body, the bytes of the
 * gap are not.
 */
#ifndef _SMTP_CORE_OBSERVE_H
#define _SMTP_CORE_OBSERVE_H

#include "flow.h"

/**
 * smtp_flow_segment() - judge one segment
 * @flow: the flow, locked
 * @dir: where it comes from
 * @seg: the segment; @seg->pass is set
 * @host: whose memory it takes; told of counters and events
 *
 * Enforces, or where the policy says observe only counts: then all passes, unchanged.
 * Payload-less segments (len 0) must come here too: their ACKs free memory.
 *
 * Return: enum smtp_verdict.
 */
enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg,
				    struct smtp_host *host);

#endif /* _SMTP_CORE_OBSERVE_H */
