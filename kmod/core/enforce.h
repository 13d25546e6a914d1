/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Enforcing: judges the segments of a connection in order, and rewrites them. A segment
 * may be cut: its judged head passes, and the sender retransmits the rest.
 * docs/design.md, "The stream contract"; docs/rules.md T1, T2.
 */
#ifndef _SMTP_CORE_ENFORCE_H
#define _SMTP_CORE_ENFORCE_H

#include "flow.h"

/**
 * smtp_flow_enforce() - judge one segment, and act
 * @flow: the flow, locked
 * @dir: where it comes from
 * @seg: the segment; @seg->pass is set
 * @host: whose memory it takes; told of counters and events
 *
 * Payload-less segments (len 0) must come here too: their ACKs free memory.
 *
 * Return: enum smtp_verdict.
 */
enum smtp_verdict smtp_flow_enforce(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg,
				    struct smtp_host *host);

#endif /* _SMTP_CORE_ENFORCE_H */
