/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kept packets: copies of packets that must wait (D2, V7, D11, T1, X7), and of those that
 * follow them. A copy goes on as soon as it may. Without it the packet would wait for its
 * sender's retransmission, and TCP's backoff doubles that time with each wait.
 * docs/rules.md T4.
 */
#ifndef _SMTP_KEPT_H
#define _SMTP_KEPT_H

#include "conn.h"
#include "packet.h"

struct nf_conn;
bool smtp_kept_judged(struct smtp_ct_flow *flow, struct smtp_packet *p,
		      enum smtp_dir dir, enum smtp_verdict verdict);
void smtp_kept_resume(struct smtp_ct_flow *flow, struct nf_conn *ct);
void smtp_kept_forget(struct smtp_ct_flow *flow);

#endif /* _SMTP_KEPT_H */
