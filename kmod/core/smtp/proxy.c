// SPDX-License-Identifier: GPL-2.0-only
/* The PROXY protocol. See proxy.h. */
#include "proxy.h"

static const u8 smtp_proxy_v1[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
static const u8 smtp_proxy_v2[] = {
	'\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n',
};

/* The signature, then version and command, family and protocol, and two octets of length
 */
#define SMTP_PROXY_V2_HEAD	(sizeof(smtp_proxy_v2) + 4)

/* May @c be part of a version 1 header, a line of printable ASCII? @at octets come before
 * it
 */
static bool smtp_proxy_octet_v1(struct smtp_session *s, u32 at, u8 c)
{
	bool cr = s->cr;

	if (at < sizeof(smtp_proxy_v1))
		return c == smtp_proxy_v1[at];
	s->cr = c == '\r';
	if (cr && c == '\n')
		s->proxy = SMTP_PROXY_OVER;
	else if (cr || at + 1 >= SMTP_PROXY_V1_MAX)
		return false;
	return cr || s->cr || (c >= ' ' && c <= '~');
}

static bool smtp_proxy_octet_v2(struct smtp_session *s, u32 at, u8 c)
{
	if (at < sizeof(smtp_proxy_v2))
		return c == smtp_proxy_v2[at];
	switch (at - sizeof(smtp_proxy_v2)) {
	case 0:
		return c == 0x20 || c == 0x21;	/* version 2: LOCAL, PROXY */
	case 1:
		return c >> 4 <= 3 && (c & 15) <= 2;
	case 2:
		s->proxy_end = c << 8;
		return true;
	case 3:
		s->proxy_end |= c;
		if (s->proxy_end > SMTP_PROXY_V2_MAX - SMTP_PROXY_V2_HEAD)
			return false;
		s->proxy_end += SMTP_PROXY_V2_HEAD;
		break;
	}
	if (at + 1 == s->proxy_end)
		s->proxy = SMTP_PROXY_OVER;
	return true;
}

/* Can the octets so far and @c be the beginning of a header? */
static bool smtp_proxy_octet(struct smtp_session *s, u8 c)
{
	u32 at = s->column++;

	if (!at)
		s->proxy = c == smtp_proxy_v1[0] ? SMTP_PROXY_V1 : SMTP_PROXY_V2;
	return s->proxy == SMTP_PROXY_V1 ? smtp_proxy_octet_v1(s, at, c) :
					   smtp_proxy_octet_v2(s, at, c);
}

/* Has the server said anything? Then it does not wait for a header */
static bool smtp_proxy_server_spoke(const struct smtp_session *s)
{
	return s->replies || s->reply != SMTP_AWAIT_NOTHING;
}

/* V11, off: reports a header, which is judged as a command */
static void smtp_proxy_blocked(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;
	const u8 *buf = ps->in.buf;
	u32 n = sizeof(smtp_proxy_v1) - s->column;

	s->proxy = SMTP_PROXY_OVER;
	if (s->commands > 1 || s->column >= sizeof(smtp_proxy_v1))
		return;
	if (!s->column && ps->in.len >= sizeof(smtp_proxy_v2) &&
	    !memcmp(buf, smtp_proxy_v2, sizeof(smtp_proxy_v2))) {
		smtp_event(ps->host, SMTP_FIXUP_EVENT_PROXY_HEADER, NULL, 0);
		return;
	}
	if (ps->in.len < n) {
		if (!memcmp(buf, smtp_proxy_v1 + s->column, ps->in.len))
			s->proxy = SMTP_PROXY_V1;
	} else if (!memcmp(buf, smtp_proxy_v1 + s->column, n)) {
		smtp_event(ps->host, SMTP_FIXUP_EVENT_PROXY_HEADER, NULL, 0);
	}
}

u32 smtp_proxy_judge(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;
	u32 before = s->column, i;

	if (ps->policy->proxy_protocol != SMTP_FIXUP_PROXY_PROTOCOL_ALLOW) {
		smtp_proxy_blocked(ps);
		return 0;
	}
	for (i = 0; i < ps->in.len && s->proxy != SMTP_PROXY_OVER; i++) {
		if (!smtp_proxy_server_spoke(s) && smtp_proxy_octet(s, ps->in.buf[i]))
			continue;
		/* If it began in an earlier segment, octets of it have left that were not
		 * judged as a command
		 */
		if (before)
			smtp_parser_end(ps, SMTP_LOST);
		s->proxy = SMTP_PROXY_OVER;
		s->column = 0;
		s->cr = false;
		return 0;
	}
	if (s->proxy != SMTP_PROXY_OVER)
		return i;
	smtp_host_count(ps->host, SMTP_FIXUP_CNT_PROXY_HEADERS, 1);
	s->column = 0;
	s->cr = false;
	/* A server that answers a header sends one reply too many */
	s->phase = SMTP_FIXUP_PHASE_WAIT;
	s->wait = SMTP_AWAIT_GREETING;
	return i;
}
