// SPDX-License-Identifier: GPL-2.0-only
/* SASL responses. See sasl.h. */
#include "../scan/octets.h"
#include "parser.h"
#include "sasl.h"

/* RFC 4648, 4, with the padding. "=" alone is an empty initial response */
static bool smtp_is_base64(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* D5: may the octet pass? "*" cancels the exchange, but is not an initial response. */
static bool smtp_response_octet(const struct smtp_session *s, u8 c)
{
	if (s->response >= SMTP_RESPONSE_MAX)
		return false;
	return smtp_is_base64(c) || (c == '*' && !s->response &&
				     s->phase == SMTP_FIXUP_PHASE_AUTH);
}

#define WORD(text)	{ text, sizeof(text) - 1 }

/* Verbs of any server that are valid base64 */
static const struct smtp_word smtp_sasl_verbs[] = {
	WORD("HELO"), WORD("EHLO"), WORD("LHLO"), WORD("MAIL"), WORD("RCPT"),
	WORD("DATA"), WORD("BDAT"), WORD("BURL"), WORD("RSET"), WORD("NOOP"),
	WORD("QUIT"), WORD("AUTH"), WORD("ETRN"), WORD("ATRN"), WORD("TURN"),
	WORD("HELP"), WORD("SAML"), WORD("SEND"), WORD("SOML"), WORD("VRFY"),
	WORD("EXPN"), WORD("ONEX"), WORD("VERB"), WORD("STARTTLS"),
	WORD("XCLIENT"), WORD("XFORWARD"), WORD("XEXCH50"), WORD("XAUTH"),
	WORD("XADR"), WORD("XCIR"), WORD("XGEN"), WORD("XSTA"), WORD("XUSR"),
	WORD("TICK"), WORD("SHOWQ"), WORD("KILL"), WORD("WIZ"), WORD("DEBUG"),
};

#define SMTP_NR_SASL_VERBS	(sizeof(smtp_sasl_verbs) / sizeof(*smtp_sasl_verbs))

void smtp_sasl_begin(struct smtp_session *s)
{
	s->line = SMTP_LINE_ARGUMENT;	/* a SASL response has no verb */
	s->sasl = SMTP_SASL_RESPONSE;
	s->verb.candidates = (1ULL << SMTP_NR_SASL_VERBS) - 1;
	s->verb.len = 0;
}

/* Is the response a verb, if @c is its next octet? */
static bool smtp_sasl_is_verb(const struct smtp_session *s, u8 c)
{
	struct smtp_match m = s->verb;

	return s->phase == SMTP_FIXUP_PHASE_AUTH && m.candidates &&
	       smtp_match_byte(&m, smtp_sasl_verbs, c) &&
	       smtp_match_word(&m, smtp_sasl_verbs) >= 0;
}

bool smtp_sasl_waits(const struct smtp_parser *ps, u8 c, u32 n)
{
	return n == 1 && !ps->in.final && smtp_sasl_is_verb(ps->s, c);
}

/* D5: may the octet at @at pass? A server that answers twice may take the response for
 * a command, so it must not be a verb.
 */
static bool smtp_sasl_passes(struct smtp_session *s, const u8 *at, u32 n)
{
	if (!smtp_response_octet(s, *at) ||
	    (smtp_sasl_is_verb(s, *at) && (n == 1 || smtp_is_eol(at[1])))) {
		s->verb.candidates = 0;
		return false;
	}
	if (s->phase == SMTP_FIXUP_PHASE_AUTH && s->verb.candidates)
		smtp_match_byte(&s->verb, smtp_sasl_verbs, *at);
	return true;
}

u8 smtp_sasl_octet(struct smtp_parser *ps, const u8 *at, u32 n)
{
	struct smtp_session *s = ps->s;
	u8 c = *at;

	switch (s->sasl) {
	case SMTP_SASL_BEFORE:
		if (!smtp_is_blank(c))
			s->sasl = SMTP_SASL_MECHANISM;
		return c;
	case SMTP_SASL_MECHANISM:
		if (smtp_is_blank(c))
			s->sasl = SMTP_SASL_AFTER;
		return c;
	case SMTP_SASL_AFTER:
		if (smtp_is_blank(c))
			return c;
		s->sasl = SMTP_SASL_RESPONSE;
		break;
	}
	if (smtp_sasl_passes(s, at, n)) {
		s->response++;
		return c;
	}
	/* One event for each line, without words: it may be a password */
	if (!s->overwritten)
		smtp_event(ps->host, SMTP_FIXUP_EVENT_SASL_MASKED, NULL, 0);
	s->overwritten = true;
	s->uncertain = true;	/* D11: it may get more than one reply */
	if (s->response >= SMTP_RESPONSE_MAX)
		return 'X';
	s->response++;
	/* Of base64 only verbs come here, and ONEX ends in an X */
	return (c & ~0x20) == 'X' ? 'Y' : 'X';
}
