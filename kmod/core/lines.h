/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines: has commands and replies judged in order, and keeps the result until it is
 * ACKed. docs/rules.md T1, T2, D6, H7.
 */
#ifndef _SMTP_CORE_LINES_H
#define _SMTP_CORE_LINES_H

#include "flow.h"

/**
 * smtp_flow_lines() - judge command lines or replies of a segment
 * @flow: the flow
 * @dir: where the segment comes from
 * @seg: the segment
 * @off: where in it the next octet stands that was not judged
 * @to: where to stop
 * @host: whose memory it takes; told of counters and events
 *
 * Advances stream->next. Stops where something else follows, or where room ends.
 *
 * Return: false: memory is short, or room in the packet, so the rest must not be judged as
 * if it had come by itself.
 */
bool smtp_flow_lines(struct smtp_flow *flow, enum smtp_dir dir,
		     struct smtp_segment *seg, u32 off, u32 to,
		     struct smtp_host *host);

#endif /* _SMTP_CORE_LINES_H */
