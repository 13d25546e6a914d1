/* SPDX-License-Identifier: GPL-2.0-only */
/* /proc/net/smtp_fixup */
#ifndef _SMTP_PROC_H
#define _SMTP_PROC_H

struct net;

int smtp_proc_init(struct net *net);
void smtp_proc_exit(struct net *net);

#endif /* _SMTP_PROC_H */
