/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages are read for the limits of their length, lines, header and MIME file names,
 * and for matches. docs/rules.md L, X1, X3, X4.
 *
 * A message is read in order. Octets that pass ahead of a gap are not read: the rest of
 * their line is not checked, and after them a header counts as body. If a limit or a
 * match of messages ends the connection, nothing passes ahead.
 */
#ifndef _SMTP_CORE_MESSAGE_H
#define _SMTP_CORE_MESSAGE_H

#include "../match/criteria.h"
#include "header.h"
#include "mime.h"
#include "to.h"

struct smtp_session;

/* Work on headers in one packet at most, in octets; each line adds some. A header of
 * 1,000 short lines is below that. So much work takes about 100 us.
 */
#ifndef SMTP_MESSAGE_WORK	/* the simulator's bodies are small */
#define SMTP_MESSAGE_WORK	10240
#endif
#define SMTP_MESSAGE_LINE	3

/**
 * struct smtp_message - the state of reading a message
 * @mime: the state of its parts
 * @len: octets of the line so far, without a stuffed dot
 * @header_len: octets of the message's header, with the empty line after it
 * @to_count: addresses in its To fields
 * @to: the state of reading those
 * @fields: the header's fields
 * @reads_header: a limit or a match needs the header
 * @header: the line is one of the message's header
 * @start: the next octet is the first of a line
 * @reported: the line has exceeded its limit, or was not read from its beginning
 * @cr: the only octet of the line so far is CR
 * @too_deep: too deep nesting of parts was reported
 *
 * Allocated for each body, if the policy has such limits or matches.
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
 * smtp_message_wanted() - does a limit or a match need bodies to be read?
 * @p: the policy
 *
 * Return: whether one does.
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
 * smtp_message_may_end() - may reading a body end the connection?
 * @p: the policy
 *
 * Return: whether it may.
 */
static inline bool smtp_message_may_end(const struct smtp_policy *p)
{
	const struct smtp_limit *l = p->limits;

	/* Of these only the message's limit can mask, and that is a MAIL with SIZE= */
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
 * Return: false: no memory.
 */
bool smtp_message_begin(struct smtp_message **message,
			const struct smtp_policy *policy, struct smtp_host *host);

/**
 * smtp_message_octets() - read the next octets of a body
 * @r: the message; its @mime.dash tells of them
 * @s: the session; may end the connection
 * @policy: what it is under
 * @host: told of events
 * @p: the octets, as they came
 * @n: how many
 */
void smtp_message_octets(struct smtp_message *r, struct smtp_session *s,
			 const struct smtp_policy *policy,
			 struct smtp_host *host, const u8 *p, u32 n);

/**
 * smtp_message_seeks_dash() - are there parts, whose delimiters begin with dashes?
 * @r: the message
 *
 * Return: whether there are.
 */
static inline bool smtp_message_seeks_dash(const struct smtp_message *r)
{
	return r->mime.depth;
}

/**
 * smtp_message_packet() - begin another packet
 * @r: the message, or NULL
 */
static inline void smtp_message_packet(struct smtp_message *r)
{
	if (r)
		r->mime.work = 0;
}

/**
 * smtp_message_enough() - has this packet taken enough work?
 * @r: the message, or NULL
 *
 * Headers of many tiny lines, or of endless values, cost more than other octets. The
 * packet is cut there, and the sender retransmits the rest.
 *
 * Return: whether it has.
 */
static inline bool smtp_message_enough(const struct smtp_message *r)
{
	return r && r->mime.work >= SMTP_MESSAGE_WORK;
}

/**
 * smtp_message_run() - how many octets may be read at once?
 * @r: the message
 * @n: how many there are
 *
 * Return: so many that smtp_message_enough() is asked in time; at least 1. Text may lead
 * to the header of a part.
 */
static inline u32 smtp_message_run(const struct smtp_message *r, u32 n)
{
	u32 max = n;

	if (smtp_message_enough(r))
		max = 1;
	else if (r->header || r->mime.header)	/* lines add some */
		max = (SMTP_MESSAGE_WORK - r->mime.work) * 2 / 3 + 1;
	else if (r->mime.depth)	/* twice, as some of it is text */
		max = 2 * SMTP_MESSAGE_WORK - r->mime.work;
	return n < max ? n : max;
}

/**
 * smtp_message_gap() - note octets of a body that have passed unread
 * @r: the message, or NULL
 * @s: the session; under observe the connection may end
 * @policy: what it is under
 * @host: told of it
 * @n: how many
 */
void smtp_message_gap(struct smtp_message *r, struct smtp_session *s,
		      const struct smtp_policy *policy, struct smtp_host *host,
		      u32 n);

/**
 * smtp_message_end() - end reading a body
 * @message: the message; NULL afterwards
 * @host: whose memory it is
 */
void smtp_message_end(struct smtp_message **message, struct smtp_host *host);

#endif /* _SMTP_CORE_MESSAGE_H */
