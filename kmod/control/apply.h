/* SPDX-License-Identifier: GPL-2.0-only */
/* Putting ports of a namespace under policies. */
#ifndef _SMTP_APPLY_H
#define _SMTP_APPLY_H

#include "../netns/ports.h"

struct net;

int smtp_apply(struct net *net, struct smtp_setting *settings, u32 n,
	       bool replace, const char **why);

#endif /* _SMTP_APPLY_H */
