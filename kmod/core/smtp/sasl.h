/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SASL responses: base64, and nothing else. docs/rules.md D5; RFC 4954, 4.
 *
 * Servers split a long response (Exim at 16,384 octets, aiosmtpd at 1,002) and
 * take its rest for a command. A blank never passes in a response, so such a
 * command has no argument.
 */
#ifndef _SMTP_CORE_SASL_H
#define _SMTP_CORE_SASL_H

#include "../base/host.h"

/* Octets of a response that pass: RFC 4954, 4 */
#define SMTP_RESPONSE_MAX	12288

struct smtp_parser;
struct smtp_session;

/**
 * smtp_sasl_octet() - judge the next octet after AUTH, or of a response
 * @ps: the parser
 * @at: the octet, which is not a line end
 * @n: octets in the buffer from there on
 *
 * Return: what leaves in its place.
 */
u8 smtp_sasl_octet(struct smtp_parser *ps, const u8 *at, u32 n);

/**
 * smtp_sasl_begin() - begin a response in a line of its own
 * @s: the session
 */
void smtp_sasl_begin(struct smtp_session *s);

/**
 * smtp_sasl_waits() - must the octet wait for the one after it?
 * @ps: the parser
 * @c: the octet
 * @n: octets in the buffer from there on
 *
 * If a response ends while it is a verb, its last octet must leave changed.
 *
 * Return: whether it must wait.
 */
bool smtp_sasl_waits(const struct smtp_parser *ps, u8 c, u32 n);

#endif /* _SMTP_CORE_SASL_H */
