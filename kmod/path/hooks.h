/* SPDX-License-Identifier: GPL-2.0-only */
/* The netfilter hooks of a namespace that has, or had, a policy. */
#ifndef _SMTP_HOOKS_H
#define _SMTP_HOOKS_H

struct net;

int smtp_hooks_init(void);
void smtp_hooks_exit(void);
int smtp_hooks_register(struct net *net);
void smtp_hooks_put_conntrack(struct net *net);

#endif /* _SMTP_HOOKS_H */
