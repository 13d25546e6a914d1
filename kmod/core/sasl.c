// SPDX-License-Identifier: GPL-2.0-only
/* SASL responses. See sasl.h. */
#include "octets.h"
#include "stream.h"
#include "sasl.h"

/* RFC 4648, 4, with its padding, which alone is an empty initial response */
static bool smtp_is_base64(u8 c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/* D5: may the octet pass? "*" cancels, but is no initial response. */
static bool smtp_response_octet(const struct smtp_session *s, u8 c)
{
	if (s->response >= SMTP_RESPONSE_MAX)
		return false;
	return smtp_is_base64(c) || (c == '*' && !s->response &&
				     s->phase == SMTP_FIXUP_PHASE_AUTH);
}

u8 smtp_sasl_octet(struct smtp_flow *flow, u8 c)
{
	struct smtp_session *s = &flow->session;

	switch (s->sasl) {
	case SMTP_SASL_BEFORE:
		if (!smtp_is_blank(c))
			s->sasl = SMTP_SASL_MECHANISM;
		return c;
	case SMTP_SASL_MECHANISM:
		if (smtp_is_blank(c))
			s->sasl = SMTP_SASL_BEHIND;
		return c;
	case SMTP_SASL_BEHIND:
		if (smtp_is_blank(c))
			return c;
		s->sasl = SMTP_SASL_RESPONSE;
		break;
	}
	if (smtp_response_octet(s, c)) {
		s->response++;
		return c;
	}
	/* An event a line, and no words: it may be a password */
	if (!s->overwritten)
		smtp_event(flow, SMTP_FIXUP_EVENT_SASL_MASKED, NULL, 0);
	s->overwritten = true;
	s->uncertain = true;	/* D11: it may get more than one reply */
	s->response = s->response < SMTP_RESPONSE_MAX ? s->response + 1 : s->response;
	return 'X';
}
