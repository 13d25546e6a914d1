/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: messages a second of a policy, and of one source. What is above waits where
 * it begins, and is delivered. docs/rules.md X7.
 */
#ifndef _SMTP_CORE_RATE_H
#define _SMTP_CORE_RATE_H

#include "parser.h"

/**
 * smtp_rate_waits() - does a command begin a message here that must wait?
 * @ps: the parser: a line begins, or the octets go on with a verb
 * @at: place of the next octet in smtp_parser.in
 *
 * All that is in sight of the command waits, once its verb is whole in sight. Changes
 * nothing that depends on octets.
 */
bool smtp_rate_waits(struct smtp_parser *ps, u32 at);

#endif /* _SMTP_CORE_RATE_H */
