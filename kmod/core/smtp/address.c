// SPDX-License-Identifier: GPL-2.0-only
/* Address: special characters and length. See address.h. */
#include "address.h"
#include "limits.h"
#include "../scan/octets.h"
#include "parser.h"

void smtp_address_begin(struct smtp_parser *ps, int verb, bool ends)
{
	struct smtp_session *s = ps->s;

	s->sender = false;
	s->address_len = 0;
	switch (verb) {
	case SMTP_FIXUP_VERB_MAIL:
	case SMTP_FIXUP_VERB_SAML:
	case SMTP_FIXUP_VERB_SEND:
	case SMTP_FIXUP_VERB_SOML:
		s->sender = true;
		if (ps->policy->limits[SMTP_FIXUP_LIMIT_MESSAGE].action && !ends)
			smtp_limit_declared_begin(s);
		fallthrough;
	case SMTP_FIXUP_VERB_RCPT:
		s->address = SMTP_ADDRESS_BEFORE;
		break;
	}
}

/* Octets that have a meaning in an argument: bits of enum smtp_address say in which part
 * of it. All others are only counted.
 */
#define ANYWHERE	0xff
#define IN_ADDRESSES	(ANYWHERE & ~(1 << SMTP_ADDRESS_NONE))

static const u8 smtp_address_meaning[256] = {
	['\r'] = ANYWHERE,
	['\n'] = ANYWHERE,
	['\0'] = IN_ADDRESSES,
	['<'] = IN_ADDRESSES,
	['>'] = IN_ADDRESSES,
	['`'] = IN_ADDRESSES,
	['|'] = IN_ADDRESSES,
	[':'] = 1 << SMTP_ADDRESS_BEFORE,
	[' '] = 1 << SMTP_ADDRESS_BARE,
	['\t'] = 1 << SMTP_ADDRESS_BARE,
};

/* A1, A2 */
static void smtp_special_found(struct smtp_parser *ps,
			       enum smtp_fixup_event event, u8 c)
{
	smtp_event(ps->host, event, &c, 1);
	if (ps->policy->special == SMTP_FIXUP_SPECIAL_DROP)
		smtp_parser_end(ps, SMTP_END_RESET);
}

/* Tracks < and >. Returns false for one that delimits no address (A2) */
static bool smtp_address_delimiter(struct smtp_session *s, u8 c)
{
	bool opens = c == '<';

	switch (s->address) {
	case SMTP_ADDRESS_BEFORE:
	case SMTP_ADDRESS_BARE:
		if (opens) {
			s->address = SMTP_ADDRESS_INSIDE;
			s->address_len = 0;
		}
		return opens;
	case SMTP_ADDRESS_AFTER:
		if (opens)
			s->address = SMTP_ADDRESS_PARAMETER;
		return opens;
	}
	if (!opens)
		s->address = SMTP_ADDRESS_AFTER;
	return !opens;
}

/* L: counts an octet of the address itself */
static void smtp_address_grows(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (!s->sender || s->address_len == 0xffff)
		return;
	if (s->address_len++ == ps->policy->limits[SMTP_FIXUP_LIMIT_SENDER].max)
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_SENDER);
}

u32 smtp_address_run(struct smtp_parser *ps, const u8 *c, u32 n)
{
	u32 max = ps->policy->limits[SMTP_FIXUP_LIMIT_SENDER].max;
	struct smtp_session *s = ps->s;
	u8 here = 1 << s->address;
	bool grows = s->sender && here & (1 << SMTP_ADDRESS_BARE |
					  1 << SMTP_ADDRESS_INSIDE);
	const u8 *p, *end;
	u32 i;

	if (n > smtp_line_room(s))
		n = smtp_line_room(s);
	if (grows) {
		if (max > 0xffff || s->address_len > max)
			max = 0xffff;
		if (n > max - s->address_len)
			n = max - s->address_len;
	}
	for (end = c + n, p = c; p < end && !(smtp_address_meaning[*p] & here); p++)
		;
	i = p - c;
	smtp_limit_octets(ps, i);
	if (grows)
		s->address_len += i;
	return i;
}

u8 smtp_address_octet(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;
	u8 special = ps->policy->special;

	if (smtp_is_eol(c))
		return c;
	if (special && smtp_address_special(c)) {
		smtp_special_found(ps, SMTP_FIXUP_EVENT_SPECIAL_CHARACTER, c);
		c = smtp_address_shown(ps, c);
	}
	if (c == '<' || c == '>') {
		if (!smtp_address_delimiter(s, c) && special)
			smtp_special_found(ps, SMTP_FIXUP_EVENT_ADDRESS_BAD, c);
		return c;
	}
	if (s->address == SMTP_ADDRESS_BEFORE) {
		if (c == ':')
			s->address = SMTP_ADDRESS_BARE;
	} else if (s->address == SMTP_ADDRESS_BARE && smtp_is_blank(c)) {
		if (s->address_len)
			s->address = SMTP_ADDRESS_AFTER;
	} else if (s->address <= SMTP_ADDRESS_INSIDE) {
		smtp_address_grows(ps);
	}
	return c;
}
