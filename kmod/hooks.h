/* SPDX-License-Identifier: GPL-2.0-only */
/* The netfilter hooks of a namespace that has, or had, a policy. */
#ifndef _SMTP_HOOKS_H
#define _SMTP_HOOKS_H

struct net;
struct nf_conn;
struct smtp_rule;

int smtp_hooks_init(void);
void smtp_hooks_exit(void);
unsigned int smtp_midstream(const struct nf_conn *ct,
			    const struct smtp_rule *rule);
int smtp_hooks_register(struct net *net);
void smtp_hooks_put_conntrack(struct net *net);

#endif /* _SMTP_HOOKS_H */
