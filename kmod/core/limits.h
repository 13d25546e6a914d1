/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Limits: of command lines, recipients and sender addresses; reading.h has those
 * of messages. RULES.md L.
 */
#ifndef _SMTP_CORE_LIMITS_H
#define _SMTP_CORE_LIMITS_H

#include "policy.h"

struct smtp_flow;

/**
 * smtp_limit_exceeded() - something is more than its limit
 * @flow: the flow; the connection may have to end
 * @limit: which
 */
void smtp_limit_exceeded(struct smtp_flow *flow, enum smtp_fixup_limit limit);

/**
 * smtp_limit_octets() - more octets of a command line
 * @flow: the flow; the connection may have to end
 * @n: how many
 */
void smtp_limit_octets(struct smtp_flow *flow, u32 n);

/**
 * smtp_limit_verb() - a command passes
 * @flow: the flow; the connection may have to end
 * @verb: enum smtp_fixup_verb
 */
void smtp_limit_verb(struct smtp_flow *flow, int verb);

/**
 * smtp_limit_verbs() - verbs that pass no more, for a limit is reached
 * @flow: the flow
 *
 * Return: bit mask of enum smtp_fixup_verb.
 */
u64 smtp_limit_verbs(const struct smtp_flow *flow);

#endif /* _SMTP_CORE_LIMITS_H */
