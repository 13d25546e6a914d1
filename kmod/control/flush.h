/* SPDX-License-Identifier: GPL-2.0-only */
/* Flush: ending connections that are under a policy. */
#ifndef _SMTP_FLUSH_H
#define _SMTP_FLUSH_H

#include <linux/types.h>

struct net;

u32 smtp_flush(struct net *net, const unsigned long *ports, bool unjudged);

#endif /* _SMTP_FLUSH_H */
