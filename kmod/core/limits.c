// SPDX-License-Identifier: GPL-2.0-only
/* Limits. See limits.h. */
#include "stream.h"
#include "limits.h"

/* L */
void smtp_limit_exceeded(struct smtp_flow *flow, enum smtp_fixup_limit limit)
{
	u8 action = flow->policy->limits[limit].action;

	if (action == SMTP_FIXUP_ACTION_OFF)
		return;
	/* Both are in the order of the limits */
	smtp_event(flow, SMTP_FIXUP_EVENT_COMMAND_LINE_LONG + limit, NULL, 0);
	if (action == SMTP_FIXUP_ACTION_DROP)
		smtp_flow_end(flow, SMTP_DROP);
	else if (action == SMTP_FIXUP_ACTION_RESET)
		smtp_flow_end(flow, SMTP_RESET);
}

void smtp_limit_octets(struct smtp_flow *flow, u32 n)
{
	u32 max = flow->policy->limits[SMTP_FIXUP_LIMIT_COMMAND_LINE].max;
	struct smtp_session *s = &flow->session;
	u32 column = s->column;

	/* SASL responses have no such limit: RFC 4954, 4 */
	if (s->phase == SMTP_FIXUP_PHASE_AUTH)
		return;
	s->column += n;
	if (column <= max && s->column > max)
		smtp_limit_exceeded(flow, SMTP_FIXUP_LIMIT_COMMAND_LINE);
}

void smtp_limit_verb(struct smtp_flow *flow, int verb)
{
	struct smtp_session *s = &flow->session;

	switch (verb) {
	case SMTP_FIXUP_VERB_HELO:
	case SMTP_FIXUP_VERB_EHLO:
	case SMTP_FIXUP_VERB_RSET:
		s->recipients = 0;
		break;
	case SMTP_FIXUP_VERB_RCPT:
		if (s->recipients < flow->policy->limits[SMTP_FIXUP_LIMIT_RCPT].max)
			s->recipients++;
		else
			smtp_limit_exceeded(flow, SMTP_FIXUP_LIMIT_RCPT);
		break;
	}
}

u64 smtp_limit_verbs(const struct smtp_flow *flow)
{
	const struct smtp_limit *l = &flow->policy->limits[SMTP_FIXUP_LIMIT_RCPT];

	if (l->action < SMTP_FIXUP_ACTION_MASK ||
	    flow->session.recipients < l->max)
		return 0;
	return SMTP_VERB_BIT(RCPT);
}
