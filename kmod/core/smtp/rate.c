// SPDX-License-Identifier: GPL-2.0-only
/* Rates. See rate.h. */
#include "../scan/octets.h"
#include "limits.h"
#include "rate.h"
#include "verb.h"

/* Verbs that begin a message: RFC 5321, 4.1.1.2; RFC 821, 3.4. */
#define SMTP_VERBS_BEGIN \
	(SMTP_VERB_BIT(MAIL) | SMTP_VERB_BIT(SAML) | SMTP_VERB_BIT(SEND) | \
	 SMTP_VERB_BIT(SOML))

/* In this order: a message above its source's rate must not take a turn of the policy's
 */
static const u8 smtp_rates[] = {
	SMTP_FIXUP_LIMIT_SOURCE_RATE, SMTP_FIXUP_LIMIT_RATE,
};

/* Bits of smtp_session.rates */
#define SMTP_RATE_ADMITTED(i)	(1 << (i))
#define SMTP_RATE_TOLD(i)	(16 << (i))

/* Is a verb that begins a message complete at @at, together with its octets so far? */
static bool smtp_rate_begins(const struct smtp_parser *ps, u32 at)
{
	const u8 *c = ps->in.buf;
	struct smtp_match m = ps->s->verb;

	if (ps->s->line == SMTP_LINE_START) {
		m.candidates = smtp_verbs_now(ps);
		m.len = 0;
		if (ps->s->cr)	/* V7: the octet after a bare CR becomes an LF */
			return false;
	}
	m.candidates &= SMTP_VERBS_BEGIN;
	for (; at < ps->in.len && !smtp_is_blank(c[at]) && !smtp_is_eol(c[at]); at++)
		if (!smtp_match_byte(&m, smtp_verbs, c[at]))
			return false;
	return at < ps->in.len && smtp_match_word(&m, smtp_verbs) >= 0;
}

bool smtp_rate_waits(struct smtp_parser *ps, u32 at)
{
	struct smtp_session *s = ps->s;
	u32 i;

	s->rate_waits = false;
	if (!smtp_rate_begins(ps, at))
		return false;
	for (i = 0; i < sizeof(smtp_rates); i++) {
		const struct smtp_limit *l = &ps->policy->limits[smtp_rates[i]];

		if (!l->action || s->rates & SMTP_RATE_ADMITTED(i))
			continue;
		if (!smtp_host_admits(ps->host, smtp_rates[i])) {
			if (!(s->rates & SMTP_RATE_TOLD(i)))
				smtp_limit_exceeded(ps, smtp_rates[i]);
			s->rates |= SMTP_RATE_TOLD(i);
			s->rate_waits = l->action == SMTP_FIXUP_ACTION_WAIT &&
					!ps->policy->observe;
			if (s->rate_waits)
				return true;
		}
		s->rates |= SMTP_RATE_ADMITTED(i);
	}
	return false;
}
