/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kept packets: a copy of what the client sent and must wait (D2, V7, D11, T1), to
 * go on as soon as it may. Without it the wait would end with the sender's next
 * repetition, and TCP's backoff doubles that time with each wait. docs/rules.md T4.
 */
#ifndef _SMTP_KEPT_H
#define _SMTP_KEPT_H

#include "conn.h"
#include "packet.h"

struct nf_conn;
struct sk_buff *smtp_kept_judged(struct smtp_ct_flow *flow,
				 const struct smtp_packet *p, enum smtp_dir dir);
void smtp_kept_send(struct sk_buff *skb, struct nf_conn *ct);

#endif /* _SMTP_KEPT_H */
