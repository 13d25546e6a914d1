/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address: the arguments of MAIL RCPT SAML SEND SOML, octet by octet.
 * RULES.md A1, A2, L.
 */
#ifndef _SMTP_CORE_ADDRESS_H
#define _SMTP_CORE_ADDRESS_H

#include "host.h"

/* Where in such an argument the next octet stands */
enum smtp_address {
	SMTP_ADDRESS_NONE,	/* of another command */
	SMTP_ADDRESS_BEFORE,	/* before the colon */
	SMTP_ADDRESS_BARE,	/* behind it: an address without < and > */
	SMTP_ADDRESS_INSIDE,	/* between < and > */
	SMTP_ADDRESS_BEHIND,	/* in the parameters: RFC 5321, 4.1.2 */
	SMTP_ADDRESS_PARAMETER,	/* between < and > there: RFC 4954, 5 */
};

/**
 * smtp_address_begin() - the argument of a command begins
 * @flow: the flow
 * @verb: enum smtp_fixup_verb
 */
void smtp_address_begin(struct smtp_flow *flow, int verb);

/**
 * smtp_address_run() - pass octets of an argument that mean nothing
 * @flow: the flow
 * @c: octets of the argument of any command, or of a SASL response
 * @n: how many are in sight
 *
 * Return: how many have passed; the next one is to be looked at.
 */
u32 smtp_address_run(struct smtp_flow *flow, const u8 *c, u32 n);

/**
 * smtp_address_octet() - judge the next octet of an argument
 * @flow: the flow; the connection may have to end
 * @c: the octet
 *
 * Return: what leaves in its place.
 */
u8 smtp_address_octet(struct smtp_flow *flow, u8 c);

#endif /* _SMTP_CORE_ADDRESS_H */
