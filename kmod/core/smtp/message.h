/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages are read for the limits of their length, their lines, their header and
 * their MIME file names, and for the matches that look at them. L, X1, X3, X4.
 *
 * A message is read in order, octets that pass ahead of a gap are not: the
 * rest of their line is not checked, and what was a header counts as body after
 * them. Where a limit or a match of messages ends the connection, nothing passes ahead.
 */
#ifndef _SMTP_CORE_MESSAGE_H
#define _SMTP_CORE_MESSAGE_H

#include "../match/criteria.h"
#include "header.h"
#include "mime.h"
#include "to.h"

struct smtp_session;

/* What of headers is read in one packet: octets one by one, where a line counts as some
 * more. A header of 1,000 short lines is less; to read this much takes some 100 us.
 */
#ifndef SMTP_MESSAGE_WORK	/* the simulator's bodies are small */
#define SMTP_MESSAGE_WORK	10240
#endif
#define SMTP_MESSAGE_LINE	3

/**
 * struct smtp_message - how far a message has been read
 * @mime: of its parts
 * @len: octets of the line so far, but for a dot that was put before it
 * @header_len: octets of the message's header, with the empty line after it
 * @to_count: addresses in its To fields
 * @to: of those
 * @fields: the header's fields
 * @reads_header: there is a limit of one of these, or a match
 * @header: the line is one of the message's header
 * @start: no octet of the line has come
 * @reported: the line has exceeded its limit, or was not read from its beginning
 * @cr: the only octet of the line so far is CR
 * @too_deep: it has been told that parts are nested too deeply
 *
 * Lives as long as a body, where the policy has such limits or matches.
 */
struct smtp_message {
	struct smtp_mime mime;
	u32 len;
	u32 header_len;
	u32 to_count;
	struct smtp_to to;
	struct smtp_header fields;
	bool reads_header;
	bool header;
	bool start;
	bool reported;
	bool cr;
	bool too_deep;
};

/**
 * smtp_message_wanted() - is something in bodies limited, or looked at?
 * @p: the policy
 */
static inline bool smtp_message_wanted(const struct smtp_policy *p)
{
	const struct smtp_limit *l = p->limits;

	return l[SMTP_FIXUP_LIMIT_HEADER_LINE].action |
	       l[SMTP_FIXUP_LIMIT_BODY_LINE].action |
	       l[SMTP_FIXUP_LIMIT_MIME_FILENAME].action |
	       l[SMTP_FIXUP_LIMIT_MESSAGE].action |
	       l[SMTP_FIXUP_LIMIT_HEADER_LENGTH].action |
	       l[SMTP_FIXUP_LIMIT_TO_FIELDS].action |
	       (p->criteria && p->criteria->messages);
}

/**
 * smtp_message_may_end() - does any of these end the connection?
 * @p: the policy
 */
static inline bool smtp_message_may_end(const struct smtp_policy *p)
{
	const struct smtp_limit *l = p->limits;

	/* Only of the message itself there is a mask, of MAIL */
	return l[SMTP_FIXUP_LIMIT_HEADER_LINE].action >= SMTP_FIXUP_ACTION_MASK ||
	       l[SMTP_FIXUP_LIMIT_BODY_LINE].action >= SMTP_FIXUP_ACTION_MASK ||
	       l[SMTP_FIXUP_LIMIT_MIME_FILENAME].action >= SMTP_FIXUP_ACTION_MASK ||
	       l[SMTP_FIXUP_LIMIT_MESSAGE].action >= SMTP_FIXUP_ACTION_MASK ||
	       l[SMTP_FIXUP_LIMIT_HEADER_LENGTH].action >= SMTP_FIXUP_ACTION_MASK ||
	       l[SMTP_FIXUP_LIMIT_TO_FIELDS].action >= SMTP_FIXUP_ACTION_MASK ||
	       (p->criteria && p->criteria->ends_messages);
}

/**
 * smtp_message_begin() - a body begins
 * @message: allocated, if the policy has such limits or matches
 * @policy: the policy
 * @host: whose memory it is
 *
 * Return: false: there is no memory to read it.
 */
bool smtp_message_begin(struct smtp_message **message,
			const struct smtp_policy *policy, struct smtp_host *host);

/**
 * smtp_message_octets() - read the next octets of a body
 * @r: the message, or NULL
 * @s: the session; the connection may have to end
 * @policy: what it is under
 * @host: told of events
 * @p: the octets, as they came
 * @n: how many
 */
void smtp_message_octets(struct smtp_message *r, struct smtp_session *s,
			 const struct smtp_policy *policy,
			 struct smtp_host *host, const u8 *p, u32 n);

/**
 * smtp_message_packet() - the next octets are of another packet
 * @r: the reading, or NULL
 */
static inline void smtp_message_packet(struct smtp_message *r)
{
	if (r)
		r->mime.work = 0;
}

/**
 * smtp_message_enough() - has so much been read that the rest has to wait?
 * @r: the reading, or NULL
 *
 * Headers of many tiny lines, or with values without end, cost more than any other
 * octets. What is after them comes again, in another packet.
 */
static inline bool smtp_message_enough(const struct smtp_message *r)
{
	return r && r->mime.work >= SMTP_MESSAGE_WORK;
}

/**
 * smtp_message_run() - how many octets may be read at once?
 * @r: the reading, or NULL
 * @n: how many there are
 *
 * Return: not more than might be enough, and one where that has been read. What is no
 * header may have one in it, of a part.
 */
static inline u32 smtp_message_run(const struct smtp_message *r, u32 n)
{
	u32 max = n;

	if (smtp_message_enough(r))
		max = 1;
	else if (r && (r->header || r->mime.header))
		max = SMTP_MESSAGE_WORK - r->mime.work;
	else if (r && r->mime.depth)	/* twice, as a part's text comes first */
		max = 2 * SMTP_MESSAGE_WORK - r->mime.work;
	return n < max ? n : max;
}

/**
 * smtp_message_gap() - octets of a body have passed unread
 * @r: the message, or NULL
 * @s: the session; where it is only observed, the connection may end
 * @policy: what it is under
 * @host: told of it
 * @n: how many
 */
void smtp_message_gap(struct smtp_message *r, struct smtp_session *s,
		      const struct smtp_policy *policy, struct smtp_host *host,
		      u32 n);

/**
 * smtp_message_end() - the body has ended, or the flow
 * @message: the message; NULL afterwards
 * @host: whose memory it is
 */
void smtp_message_end(struct smtp_message **message, struct smtp_host *host);

#endif /* _SMTP_CORE_MESSAGE_H */
