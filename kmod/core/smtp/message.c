// SPDX-License-Identifier: GPL-2.0-only
/* Reading messages. See message.h. */
#include "../scan/find.h"
#include "limits.h"
#include "parser.h"
#include "message.h"

bool smtp_message_begin(struct smtp_message **message,
			const struct smtp_policy *policy, struct smtp_host *host)
{
	struct smtp_message *r;

	if (!smtp_message_wanted(policy) || *message)
		return true;
	r = smtp_host_alloc(host, SMTP_MEMORY_BODY, sizeof(*r));
	if (!r) {
		smtp_event(host, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return false;
	}
	memset(r, 0, sizeof(*r));
	r->header = true;
	r->reads_header = policy->limits[SMTP_FIXUP_LIMIT_HEADER_LENGTH].action |
			  policy->limits[SMTP_FIXUP_LIMIT_TO_FIELDS].action |
			  smtp_criteria_has(policy->criteria, SMTP_FIXUP_WHAT_HEADER);
	r->start = true;
	r->mime.header = policy->limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].action ||
			 (policy->criteria && policy->criteria->mime);
	r->mime.field = SMTP_MIME_NO_FIELD;
	*message = r;
	return true;
}

void smtp_message_end(struct smtp_message **message, struct smtp_host *host)
{
	smtp_host_free(host, SMTP_MEMORY_BODY, *message, sizeof(**message));
	*message = NULL;
}

/* The limit of the line's length with CRLF; 0: it has none */
static u32 smtp_message_max(const struct smtp_message *r,
			    const struct smtp_policy *policy)
{
	const struct smtp_limit *l =
		&policy->limits[r->header ? SMTP_FIXUP_LIMIT_HEADER_LINE :
				      SMTP_FIXUP_LIMIT_BODY_LINE];

	return l->action ? l->max + 2 : 0;
}

/* Does the header end with the line whose last octets are @n at @p? */
static bool smtp_message_header_ends(const struct smtp_message *r, const u8 *p,
				     u32 n)
{
	if (r->len + n == 1)
		return n ? *p == '\r' : r->cr;
	return !(r->len + n);
}

/* Counts octets of the header */
static void smtp_message_header(struct smtp_message *r, struct smtp_parser *ps,
				const u8 *p, u32 n)
{
	smtp_limit_header(ps, &r->header_len, n);
	if (ps->policy->limits[SMTP_FIXUP_LIMIT_TO_FIELDS].action)
		smtp_limit_to(ps, &r->to_count, smtp_to_read(&r->to, p, n));
	if (smtp_criteria_has(ps->policy->criteria, SMTP_FIXUP_WHAT_HEADER))
		smtp_header_read(&r->fields, ps, p, n);
}

/* Reads to the end of a line, or of the octets. Returns how many. */
static u32 smtp_message_line(struct smtp_message *r, struct smtp_parser *ps,
			     const u8 *p, u32 n, u32 max)
{
	u32 len = smtp_find(p, n, '\n');
	bool ends = len < n;

	if (max && !r->reported && r->len + len + ends > max) {
		r->reported = true;
		smtp_limit_exceeded(ps, r->header ? SMTP_FIXUP_LIMIT_HEADER_LINE :
						      SMTP_FIXUP_LIMIT_BODY_LINE);
	}
	if (r->header) {
		if (unlikely(r->reads_header))
			smtp_message_header(r, ps, p, len + ends);
		if (ends)
			r->mime.work += SMTP_MESSAGE_LINE;
		if (ends && smtp_message_header_ends(r, p, len))
			r->header = false;
	}
	if (!ends) {
		r->cr = !r->len && p[0] == '\r';
		r->len = r->len + len < 0xffff ? r->len + len : 0xffff;
		return n;
	}
	r->start = true;
	return len + 1;
}

/* A line begins at @p. Returns 1 where that is a dot that the server takes away:
 * RFC 5321, 4.5.2
 */
static u32 smtp_message_start(struct smtp_message *r, const u8 *p)
{
	r->start = false;
	r->reported = false;
	r->len = 0;
	return *p == '.';
}

/* Long lines are rare, so look for line ends in steps of so many octets */
#define SMTP_LINE_PROBE	(2 * SMTP_VECTOR_BLOCK)

/* Where each probe has a line end, and the last octet of one probe is at most @max
 * octets after the first octet of the probe before it, no line between them is longer
 * than that. The probes do not depend on each other. @most: where the first one ends at
 * the latest. Returns the place after the last line end that they show, or 0.
 */
static noinline u32 smtp_message_probe(const u8 *p, u32 n, u32 most, u32 max,
				       enum smtp_vector vector)
{
	u32 step = max - SMTP_LINE_PROBE;
	const u8 *first, *behind;

	if (most < SMTP_LINE_PROBE || max < 2 * SMTP_LINE_PROBE || most > n)
		return 0;
	first = p + most - SMTP_LINE_PROBE;
	behind = smtp_vector_each(vector, first, p + n - SMTP_LINE_PROBE, step,
				  '\n' * SMTP_ONES);
	if (behind == first)
		return 0;
	return smtp_find_last(p, behind - step + SMTP_LINE_PROBE - p, '\n', vector);
}

/* Reads as far as all lines are within the limit. It is enough to find the last line
 * end within the limit; those before it need not be looked at. Returns how many octets.
 * Fewer than @n: the line goes on, and is as long as it may be.
 */
static __always_inline u32 smtp_message_within(struct smtp_message *r, const u8 *p,
					       u32 n, u32 max, enum smtp_vector vector)
{
	u32 i = 0;

	while (i < n && r->len < max) {
		u32 most = max - r->len;
		bool all = most >= n - i;
		u32 len = 0;

		if (all)
			most = n - i;
		else if (vector && n - i >= 2 * max)
			len = smtp_message_probe(p + i, n - i, most, max, vector);
		if (!len)
			len = smtp_find_last(p + i, most, '\n', vector);
		r->start = len;
		i += len;
		if (r->start) {
			if (i < n)
				i += smtp_message_start(r, p + i);
			if (!all)
				continue;
			most = n - i;	/* without a line end */
		}
		r->len += most;
		i += most;
	}
	return i;
}

static noinline u32 smtp_message_skip_many(struct smtp_message *r, const u8 *p,
					   u32 n, u32 max)
{
	enum smtp_vector vector = smtp_vector_begin();
	u32 i = smtp_message_within(r, p, n, max, vector);

	if (vector)
		smtp_vector_end();
	return i;
}

static u32 smtp_message_skip(struct smtp_message *r, const u8 *p, u32 n, u32 max)
{
	if (n >= SMTP_VECTOR_MIN)
		return smtp_message_skip_many(r, p, n, max);
	return smtp_message_within(r, p, n, max, SMTP_VECTOR_NONE);
}

static void smtp_message_lines(struct smtp_message *r, struct smtp_parser *ps,
			       const u8 *p, u32 n)
{
	while (n && !smtp_parser_over(ps)) {
		u32 max = smtp_message_max(r, ps->policy);
		u32 len;

		if (!max && !r->header)
			return;
		if (r->start)
			len = smtp_message_start(r, p);
		else if (!r->header && !r->reported && r->len < max)
			len = smtp_message_skip(r, p, n, max);
		else
			len = smtp_message_line(r, ps, p, n, max);
		p += len;
		n -= len;
	}
}

void smtp_message_octets(struct smtp_message *r, struct smtp_session *s,
			 const struct smtp_policy *policy,
			 struct smtp_host *host, const u8 *p, u32 n)
{
	struct smtp_parser ps = { .s = s, .policy = policy, .host = host };
	const struct smtp_limit *limits = policy->limits;

	if (!n)
		return;
	if (unlikely(limits[SMTP_FIXUP_LIMIT_MESSAGE].action))
		smtp_limit_message(&ps, n);
	if (limits[SMTP_FIXUP_LIMIT_BODY_LINE].action ||
	    (r->header && (limits[SMTP_FIXUP_LIMIT_HEADER_LINE].action ||
			   r->reads_header)))
		smtp_message_lines(r, &ps, p, n);
	if (!limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].action &&
	    !(policy->criteria && policy->criteria->mime))
		return;
	smtp_mime_read(&r->mime, &ps, p, n);
	if (r->mime.too_deep && !r->too_deep) {
		r->too_deep = true;
		smtp_event(host, SMTP_FIXUP_EVENT_BODY_UNREAD, NULL, 0);
	}
}

void smtp_message_gap(struct smtp_message *r, struct smtp_session *s,
		      const struct smtp_policy *policy, struct smtp_host *host,
		      u32 n)
{
	struct smtp_parser ps = { .s = s, .policy = policy, .host = host };

	if (!r)
		return;
	if (policy->limits[SMTP_FIXUP_LIMIT_MESSAGE].action)
		smtp_limit_message(&ps, n);
	r->header = false;
	r->start = false;
	r->reported = true;
	smtp_mime_gap(&r->mime);
	smtp_event(host, SMTP_FIXUP_EVENT_BODY_UNREAD, NULL, 0);
}
