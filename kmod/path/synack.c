// SPDX-License-Identifier: GPL-2.0-only
/* SYN/ACKs: which connection are they of? H2. See synack.h. */
#include <net/netfilter/nf_conntrack_seqadj.h>
#include "helper.h"
#include "synack.h"

/* By how much may conntrack have shifted a SYN of the client's? See
 * nf_ct_seq_adjust()
 */
static void smtp_synack_shift(const struct nf_conn *ct, s32 shift[2])
{
	const struct nf_conn_seqadj *seqadj = nfct_seqadj(ct);

	shift[0] = seqadj ? seqadj->seq[IP_CT_DIR_ORIGINAL].offset_before : 0;
	shift[1] = seqadj ? seqadj->seq[IP_CT_DIR_ORIGINAL].offset_after : 0;
}

/**
 * smtp_synack_answer() - what is a SYN/ACK to a connection?
 * @ct: the connection, confirmed; its state is SYN_RECV, or the helper is attached
 * @th: the SYN/ACK
 *
 * Where both ends agree to a new connection of the same ports, conntrack goes on with the
 * entry that it has: nf_conntrack_tcp_packet(), TCP_CONNTRACK_IGNORE. But it lets a
 * SYN/ACK pass, and keeps its state, also if another SYN came later, if the SYN's number
 * was shifted, or if there was no SYN at all. Called under RCU.
 *
 * Return: %SMTP_ANSWER_ANEW: what is attached to @ct, if anything, is of another
 * connection. %SMTP_ANSWER_STRANGE: nobody has asked for it.
 */
enum smtp_answer smtp_synack_answer(struct nf_conn *ct, const struct tcphdr *th)
{
	const struct nf_conn_help *help = nfct_help(ct);
	const struct smtp_ct *data = smtp_helper_data(ct);
	enum smtp_answer answer = SMTP_ANSWER_OWN;
	s32 shift[2];

	if (!data)
		return !help || !rcu_access_pointer(help->helper) ?
		       SMTP_ANSWER_ANEW : SMTP_ANSWER_OWN;
	spin_lock_bh(&ct->lock);
	smtp_synack_shift(ct, shift);
	if (data->flags & SMTP_CT_SYN)
		answer = smtp_opening_answer(&data->open,
					     data->flags & SMTP_CT_ISN,
					     ntohl(th->seq) + 1,
					     ntohl(th->ack_seq), shift);
	if (data->flags & SMTP_CT_LEFT_ALONE) {
		/* The connection's own SYN is not known, but conntrack knows the last one
		 */
		if (ct->proto.tcp.state == TCP_CONNTRACK_SYN_RECV)
			answer = SMTP_ANSWER_ANEW;
		else if (answer == SMTP_ANSWER_STRANGE)
			answer = SMTP_ANSWER_OWN;
	}
	spin_unlock_bh(&ct->lock);
	return answer;
}
