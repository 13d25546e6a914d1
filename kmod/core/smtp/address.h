/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address: the arguments of MAIL RCPT SAML SEND SOML, octet by octet.
 * docs/rules.md A1, A2, L.
 */
#ifndef _SMTP_CORE_ADDRESS_H
#define _SMTP_CORE_ADDRESS_H

#include "parser.h"

/**
 * smtp_address_begin() - the argument of a command begins
 * @ps: the parser
 * @verb: enum smtp_fixup_verb
 * @ends: it ends here
 */
void smtp_address_begin(struct smtp_parser *ps, int verb, bool ends);

/**
 * smtp_address_run() - pass octets of an argument that have no meaning there
 * @ps: the parser
 * @c: octets of the argument of any command, or of a SASL response
 * @n: how many are in the buffer
 *
 * Return: how many have passed. Judge the next one by smtp_address_octet().
 */
u32 smtp_address_run(struct smtp_parser *ps, const u8 *c, u32 n);

/* A1 */
static inline bool smtp_address_special(u8 c)
{
	return c == '|' || c == '`' || !c;
}

/* What leaves in place of the next octet, @c */
static inline u8 smtp_address_shown(const struct smtp_parser *ps, u8 c)
{
	if (unlikely(smtp_address_special(c)) && ps->s->address &&
	    ps->policy->special == SMTP_FIXUP_SPECIAL_REPLACE)
		return ' ';
	return c;
}

/**
 * smtp_address_octet() - judge the next octet of an argument
 * @ps: the parser; may end the connection
 * @c: the octet
 *
 * Return: what leaves in its place.
 */
u8 smtp_address_octet(struct smtp_parser *ps, u8 c);

#endif /* _SMTP_CORE_ADDRESS_H */
