/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SASL responses: base64, and nothing else. RULES.md D5; RFC 4954, 4.
 *
 * Servers split a long response (Exim at 16,384 octets, aiosmtpd at 1,002) and
 * take its rest for a command. A blank never passes in a response, so such a
 * command has no argument.
 */
#ifndef _SMTP_CORE_SASL_H
#define _SMTP_CORE_SASL_H

#include "host.h"

/* Octets of a response that pass: RFC 4954, 4 */
#define SMTP_RESPONSE_MAX	12288

/* Where in the argument of AUTH the next octet stands */
enum smtp_sasl {
	SMTP_SASL_NONE,		/* of another command */
	SMTP_SASL_BEFORE,	/* before the mechanism */
	SMTP_SASL_MECHANISM,
	SMTP_SASL_BEHIND,	/* behind it and a blank */
	SMTP_SASL_RESPONSE,	/* in the initial response, or in a line of its own */
};

/**
 * smtp_sasl_octet() - judge the next octet behind AUTH, or of a response
 * @flow: the flow
 * @c: the octet; no line end
 *
 * Return: what leaves in its place.
 */
u8 smtp_sasl_octet(struct smtp_flow *flow, u8 c);

#endif /* _SMTP_CORE_SASL_H */
