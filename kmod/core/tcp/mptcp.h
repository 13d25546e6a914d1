/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of a TCP header that the filter could not follow. docs/rules.md H1 */
#ifndef _SMTP_CORE_MPTCP_H
#define _SMTP_CORE_MPTCP_H

#include "../base/host.h"

/* Octets of options in a TCP header at most: RFC 9293, 3.1 */
#define SMTP_OPTIONS_MAX	40

/**
 * smtp_options_blank_mptcp() - take MPTCP's options out of a SYN's
 * @options: the options, as they follow the fixed part of the header
 * @n: how many octets they are, at most %SMTP_OPTIONS_MAX
 *
 * MPTCP (RFC 8684) puts the pieces of one stream on several connections. Ends that see
 * none of its options in a SYN or SYN/ACK speak plain TCP. No-operation options (RFC
 * 9293, 3.2) take their place, so nothing moves.
 *
 * Return: the number of these options.
 */
u32 smtp_options_blank_mptcp(u8 *options, u32 n);

#endif /* _SMTP_CORE_MPTCP_H */
