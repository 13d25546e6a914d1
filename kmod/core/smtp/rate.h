/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates: messages a second of a policy, and of each source. A message above a rate waits
 * before its first command, and is not lost. docs/rules.md X7.
 */
#ifndef _SMTP_CORE_RATE_H
#define _SMTP_CORE_RATE_H

#include "parser.h"

/**
 * smtp_rate_waits() - must the command that begins here wait for its turn?
 * @ps: the parser: a line begins, or the octets go on with a verb
 * @at: place of the next octet in smtp_parser.in
 *
 * If so, all of the command in this buffer waits. That is decided when the end of its
 * verb is in the buffer. Changes no state that depends on octets.
 *
 * Return: whether it must.
 */
bool smtp_rate_waits(struct smtp_parser *ps, u32 at);

#endif /* _SMTP_CORE_RATE_H */
