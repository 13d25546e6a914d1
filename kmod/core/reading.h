/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading of messages for the limits of their lines and of MIME file names.
 * RULES.md L.
 *
 * A message is read in order, octets that pass ahead of a gap are not: the
 * rest of their line is let be, and what was a header counts as body behind
 * them. Where a limit of messages ends the connection, nothing passes ahead.
 */
#ifndef _SMTP_CORE_READING_H
#define _SMTP_CORE_READING_H

#include "mime.h"

struct smtp_flow;

/**
 * struct smtp_reading - how far a message has been read for its limits
 * @mime: of its parts
 * @len: octets of the line so far, but for a dot that was put before it
 * @header: the line is one of the message's header
 * @start: no octet of the line has come
 * @let_be: the rest of the line is not judged
 * @cr: the only octet of the line so far is CR
 * @too_deep: it has been told that parts are nested too deeply
 *
 * Lives as long as a body, where the policy has such limits.
 */
struct smtp_reading {
	struct smtp_mime mime;
	u32 len;
	bool header;
	bool start;
	bool let_be;
	bool cr;
	bool too_deep;
};

/**
 * smtp_reading_begin() - a body begins
 * @flow: the flow
 *
 * Return: false: there is no memory to read it.
 */
bool smtp_reading_begin(struct smtp_flow *flow);

/**
 * smtp_reading_octets() - read the next octets of a body
 * @flow: the flow; the connection may have to end
 * @p: the octets, as they came
 * @n: how many
 */
void smtp_reading_octets(struct smtp_flow *flow, const u8 *p, u32 n);

/**
 * smtp_reading_gap() - octets of a body have passed unread
 * @flow: the flow
 */
void smtp_reading_gap(struct smtp_flow *flow);

/**
 * smtp_reading_end() - the body has ended, or the flow
 * @flow: the flow
 */
void smtp_reading_end(struct smtp_flow *flow);

#endif /* _SMTP_CORE_READING_H */
