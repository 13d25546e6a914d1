/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies: searches the client's messages for their end as they pass, and has them read
 * for limits and matches. docs/rules.md D4, L, X.
 */
#ifndef _SMTP_CORE_BODIES_H
#define _SMTP_CORE_BODIES_H

#include "data/eod.h"
#include "flow.h"

/* Part of smtp_flow_in_body(): no body is under way */
bool smtp_flow_begins_body(struct smtp_flow *flow, struct smtp_host *host);

/**
 * smtp_flow_in_body() - is a body under way, or does one begin at the next octet?
 * @flow: the flow
 * @host: whose memory it takes
 *
 * The first segment of a body may be lost, so one beyond a gap asks, too.
 *
 * Return: whether one is. False also if memory is short, or the last body is in flight.
 */
static inline bool smtp_flow_in_body(struct smtp_flow *flow, struct smtp_host *host)
{
	return flow->body.active || smtp_flow_begins_body(flow, host);
}

/**
 * smtp_flow_scan() - the arguments for searching this body
 * @flow: the flow, in a body
 * @host: told of counters and events
 *
 * Return: the arguments.
 */
struct smtp_scan smtp_flow_scan(struct smtp_flow *flow, struct smtp_host *host);

/**
 * smtp_flow_body() - search a segment for the end of data
 * @flow: the flow, in a body
 * @seg: the client's segment
 * @off: offset of the next octet to search
 * @to: where to stop
 * @host: told of counters and events
 *
 * Advances body->next, at most to the end of data, where body->active is cleared. Stops
 * early where the rest must wait.
 *
 * Return: %SMTP_DESYNC: octets have left that some server takes for an end of data.
 */
enum smtp_verdict smtp_flow_body(struct smtp_flow *flow, struct smtp_segment *seg,
				 u32 off, u32 to, struct smtp_host *host);

#endif /* _SMTP_CORE_BODIES_H */
