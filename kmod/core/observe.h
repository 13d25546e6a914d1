/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Observe: the entry to the core. A segment is judged and rewritten, or, if the policy
 * says observe, only judged and counted. Enforcing would make the sender retransmit
 * octets that follow a gap, or have to wait for a reply. Under observe such octets pass
 * at once, and are not retransmitted. So a copy of them is kept, and judged when its time
 * has come.
 *
 * In each direction one run of bytes is kept, at most %SMTP_UNACKED_MAX. If that is not
 * enough, the rest of the connection is not judged; in a body, only the bytes of the gap
 * are not.
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
 * Enforces, or under observe only counts, and everything passes unchanged. Payload-less
 * segments (len 0) must come here too: their ACKs free memory.
 *
 * Return: enum smtp_verdict.
 */
enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg,
				    struct smtp_host *host);

#endif /* _SMTP_CORE_OBSERVE_H */
