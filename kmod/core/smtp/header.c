// SPDX-License-Identifier: GPL-2.0-only
/* Fields of a header. See header.h. */
#include "../match/criteria.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "header.h"
#include "parser.h"
#include "value.h"

/* The field has ended */
static void smtp_header_end(struct smtp_header *h, struct smtp_parser *ps,
			    const struct smtp_automaton *a)
{
	if (h->open >= SMTP_HEADER_BEFORE)
		smtp_match_message(ps, SMTP_FIXUP_WHAT_HEADER,
				   smtp_decode_end(&h->field, a).state);
	h->open = SMTP_HEADER_OTHER;
}

static void smtp_header_colon(struct smtp_header *h, const struct smtp_automaton *a)
{
	smtp_text_add(a, &h->field.text, ':');
	smtp_text_add(a, &h->field.text, ' ');
	h->blank = false;
	h->at = SMTP_HEADER_BEFORE;
	if (smtp_automaton_idle(a, h->field.text.state))
		h->at = SMTP_HEADER_OTHER;
}

/* The first octet of a line, or one of its name */
static void smtp_header_name(struct smtp_header *h, const struct smtp_automaton *a, u8 c)
{
	if (c == ':')
		smtp_header_colon(h, a);
	else if (smtp_is_blank(c))
		h->at = SMTP_HEADER_COLON;
	else if (h->at == SMTP_HEADER_COLON)
		h->at = SMTP_HEADER_OTHER;	/* it is no field */
	else
		smtp_text_add(a, &h->field.text, c);
}

static void smtp_header_value(struct smtp_header *h, const struct smtp_automaton *a, u8 c)
{
	if (smtp_is_blank(c)) {
		h->blank = h->at == SMTP_HEADER_VALUE;
		return;
	}
	if (h->blank)
		smtp_decode_words(&h->field, a, ' ');
	h->blank = false;
	h->at = SMTP_HEADER_VALUE;
	smtp_decode_words(&h->field, a, c);
}

static void smtp_header_octet(struct smtp_header *h, struct smtp_parser *ps,
			      const struct smtp_automaton *a, u8 c)
{
	if (c == '\n') {
		if (h->at == SMTP_HEADER_START)
			smtp_header_end(h, ps, a);
		else
			h->open = h->at;
		h->at = SMTP_HEADER_START;
		return;
	}
	if (c == '\r')
		return;
	if (h->at == SMTP_HEADER_START) {
		if (smtp_is_blank(c) && h->open >= SMTP_HEADER_OTHER) {
			h->at = h->open;
		} else {
			smtp_header_end(h, ps, a);
			memset(&h->field, 0, sizeof(h->field));
			h->at = SMTP_HEADER_NAME;
		}
	}
	if (h->at <= SMTP_HEADER_COLON)
		smtp_header_name(h, a, c);
	else if (h->at >= SMTP_HEADER_BEFORE)
		smtp_header_value(h, a, c);
}

void smtp_header_read(struct smtp_header *h, struct smtp_parser *ps, const u8 *p, u32 n)
{
	const struct smtp_automaton *a =
		smtp_criteria_table(ps->policy->criteria, SMTP_FIXUP_WHAT_HEADER);
	u32 i = 0;

	while (i < n && !smtp_parser_over(ps)) {
		if (h->at == SMTP_HEADER_OTHER) {
			i += smtp_find(p + i, n - i, '\n');
			if (i == n)
				break;
		}
		smtp_header_octet(h, ps, a, p[i++]);
	}
}
