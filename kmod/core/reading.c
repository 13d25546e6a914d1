// SPDX-License-Identifier: GPL-2.0-only
/* Reading of messages for their limits. See reading.h. */
#include "stream.h"
#include "find.h"
#include "limits.h"
#include "reading.h"

bool smtp_reading_begin(struct smtp_flow *flow)
{
	struct smtp_reading *r;

	if (!smtp_policy_reads_bodies(flow->policy) || flow->reading)
		return true;
	r = smtp_host_alloc(flow, SMTP_MEMORY_BODY, sizeof(*r));
	if (!r) {
		smtp_event(flow, SMTP_FIXUP_EVENT_MEMORY_REFUSED, NULL, 0);
		return false;
	}
	memset(r, 0, sizeof(*r));
	r->header = true;
	r->start = true;
	r->mime.header = true;
	flow->reading = r;
	return true;
}

void smtp_reading_end(struct smtp_flow *flow)
{
	smtp_host_free(flow, SMTP_MEMORY_BODY, flow->reading,
		       sizeof(*flow->reading));
	flow->reading = NULL;
}

/* Octets that a line may have with CRLF; 0: it has no limit */
static u32 smtp_reading_max(const struct smtp_flow *flow)
{
	const struct smtp_limit *l =
		&flow->policy->limits[flow->reading->header ?
				      SMTP_FIXUP_LIMIT_HEADER_LINE :
				      SMTP_FIXUP_LIMIT_BODY_LINE];

	return l->action ? l->max + 2 : 0;
}

/* Does the header end with the line whose last octets are @n at @p? */
static bool smtp_reading_header_ends(const struct smtp_reading *r, const u8 *p,
				     u32 n)
{
	if (r->len + n == 1)
		return n ? *p == '\r' : r->cr;
	return !(r->len + n);
}

/* Reads to the end of a line, or of the octets. Returns how many. */
static u32 smtp_reading_line(struct smtp_flow *flow, const u8 *p, u32 n, u32 max)
{
	struct smtp_reading *r = flow->reading;
	u32 len = smtp_find(p, n, '\n');
	bool ends = len < n;

	if (max && !r->let_be && r->len + len + ends > max) {
		r->let_be = true;
		smtp_limit_exceeded(flow, r->header ? SMTP_FIXUP_LIMIT_HEADER_LINE :
						      SMTP_FIXUP_LIMIT_BODY_LINE);
	}
	if (!ends) {
		r->cr = !r->len && p[0] == '\r';
		r->len = r->len + len < 0xffff ? r->len + len : 0xffff;
		return n;
	}
	if (r->header && smtp_reading_header_ends(r, p, len))
		r->header = false;
	r->start = true;
	return len + 1;
}

/* A line begins at @p. Returns 1 where that is a dot that the server takes away:
 * RFC 5321, 4.5.2
 */
static u32 smtp_reading_start(struct smtp_reading *r, const u8 *p)
{
	r->start = false;
	r->let_be = false;
	r->len = 0;
	return *p == '.';
}

/* Reads as far as all lines are within the limit: the last line end that a line
 * may have will do, those before it need not be looked at. Returns how many
 * octets; fewer than @n: the line goes on, and is as long as it may be.
 */
static u32 smtp_reading_skip(struct smtp_reading *r, const u8 *p, u32 n, u32 max)
{
	bool vector = n >= SMTP_VECTOR_MIN && smtp_vector_begin();
	u32 i = 0;

	while (i < n && r->len < max) {
		u32 most = max - r->len;
		u32 len;

		if (most > n - i)
			most = n - i;
		len = smtp_find_last(p + i, most, '\n', vector);
		r->start = len;
		if (!len) {
			r->len += most;
			len = most;
		}
		i += len;
		if (r->start && i < n)
			i += smtp_reading_start(r, p + i);
	}
	if (vector)
		smtp_vector_end();
	return i;
}

static void smtp_reading_lines(struct smtp_flow *flow, const u8 *p, u32 n)
{
	struct smtp_reading *r = flow->reading;

	while (n && !smtp_flow_over(flow)) {
		u32 max = smtp_reading_max(flow);
		u32 len;

		if (!max && !r->header)
			return;
		if (r->start)
			len = smtp_reading_start(r, p);
		else if (!r->header && !r->let_be && r->len < max)
			len = smtp_reading_skip(r, p, n, max);
		else
			len = smtp_reading_line(flow, p, n, max);
		p += len;
		n -= len;
	}
}

void smtp_reading_octets(struct smtp_flow *flow, const u8 *p, u32 n)
{
	const struct smtp_limit *limits = flow->policy->limits;
	struct smtp_reading *r = flow->reading;
	u32 names;

	if (!r || !n)
		return;
	if (limits[SMTP_FIXUP_LIMIT_HEADER_LINE].action ||
	    limits[SMTP_FIXUP_LIMIT_BODY_LINE].action)
		smtp_reading_lines(flow, p, n);
	if (!limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].action)
		return;
	names = smtp_mime_read(&r->mime, p, n,
			       limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].max);
	while (names-- && !smtp_flow_over(flow))
		smtp_limit_exceeded(flow, SMTP_FIXUP_LIMIT_MIME_FILENAME);
	if (r->mime.too_deep && !r->too_deep) {
		r->too_deep = true;
		smtp_event(flow, SMTP_FIXUP_EVENT_BODY_UNREAD, NULL, 0);
	}
}

void smtp_reading_gap(struct smtp_flow *flow)
{
	struct smtp_reading *r = flow->reading;

	if (!r)
		return;
	r->header = false;
	r->start = false;
	r->let_be = true;
	smtp_mime_gap(&r->mime);
	smtp_event(flow, SMTP_FIXUP_EVENT_BODY_UNREAD, NULL, 0);
}
