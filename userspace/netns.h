/* SPDX-License-Identifier: GPL-2.0-only */
/* Another network namespace, as "ip -n" has it. */
#ifndef _SMTPFIXUP_NETNS_H
#define _SMTPFIXUP_NETNS_H

#include "propose.h"
#include "reason.h"

/* Is this word the flag that a namespace's name follows? */
bool netns_flag(const char *word);

/* Enter a namespace by its name, or by a file such as /proc/1/ns/net. */
int netns_enter(const char *name, struct reason *why);

void propose_netns(const struct completion *c);

#endif /* _SMTPFIXUP_NETNS_H */
