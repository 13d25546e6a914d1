/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SACK: a sender is told at once which of its packets are kept behind a lost one (RFC
 * 2018). The far end cannot tell: they have not passed. Without that the lost packet would
 * wait for its sender's retransmission timeout. docs/rules.md T4.
 *
 * The ACK is the last one that the far end has sent, with blocks of what is kept. It is
 * in the sender's own numbers and addresses, and nothing changes it on its way.
 */
#ifndef _SMTP_SACK_H
#define _SMTP_SACK_H

#include "conn.h"
#include "packet.h"

/**
 * struct smtp_sack - what a sender is to be told
 * @seq: the next octet that the far end sends, as the sender counts it
 * @ack: the far end has everything before this
 * @last: the far end's last header
 * @runs: what is kept
 * @nr_runs: how many; 0: there is nothing to tell
 * @mark: of the sender's packets
 * @iif: where they come in
 */
struct smtp_sack {
	u32 seq;
	u32 ack;
	struct smtp_last_header last;
	struct smtp_held_run runs[SMTP_HELD_RUNS];
	u32 nr_runs;
	u32 mark;
	int iif;
};

void smtp_sack_note(struct smtp_ct_flow *flow, const struct smtp_packet *p,
		    enum smtp_dir dir);
bool smtp_sack_news(const struct smtp_ct_flow *flow, const struct smtp_packet *p,
		    enum smtp_dir dir);
void smtp_sack_fill(const struct smtp_ct_flow *flow, enum smtp_dir dir,
		    struct smtp_sack *sack);
bool smtp_sack_send(const struct smtp_sack *sack, const struct nf_conn *ct,
		    enum smtp_dir dir);

#endif /* _SMTP_SACK_H */
