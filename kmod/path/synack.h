/* SPDX-License-Identifier: GPL-2.0-only */
/* SYN/ACKs to connections that conntrack knows already. docs/rules.md H2. */
#ifndef _SMTP_SYNACK_H
#define _SMTP_SYNACK_H

#include <linux/tcp.h>
#include <net/netfilter/nf_conntrack.h>
#include "../core/tcp/opening.h"

enum smtp_answer smtp_synack_answer(struct nf_conn *ct, const struct tcphdr *th);

#endif /* _SMTP_SYNACK_H */
