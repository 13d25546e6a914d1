/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The PROXY protocol's header, by which a load balancer tells the server whose
 * connection this is. It comes before anything else, and the server does not speak
 * before it has it. HAProxy's proxy-protocol.txt; docs/rules.md V11.
 */
#ifndef _SMTP_CORE_PROXY_H
#define _SMTP_CORE_PROXY_H

#include "parser.h"

/* Octets of a header at most, all included. Postfix and Exim take no longer ones. */
#define SMTP_PROXY_V1_MAX	107
#define SMTP_PROXY_V2_MAX	536

/**
 * smtp_proxy_judge() - look for a header at the beginning of the connection
 * @ps: the parser; smtp_session.proxy is not %SMTP_PROXY_OVER
 *
 * Return: octets of a header at the beginning of the buffer; they pass.
 */
u32 smtp_proxy_judge(struct smtp_parser *ps);

#endif /* _SMTP_CORE_PROXY_H */
