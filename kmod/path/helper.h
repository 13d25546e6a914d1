/* SPDX-License-Identifier: GPL-2.0-only */
/* The conntrack helper "smtp". Connections that have it are inspected. */
#ifndef _SMTP_HELPER_H
#define _SMTP_HELPER_H

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include "../compat.h"
#include "../core/tcp/opening.h"
#include "../netns/ports.h"

struct smtp_ct_flow;

/* The state of a connection with the helper */
enum smtp_ct_flags {
	SMTP_CT_SYN = 1 << 0,		/* the client's SYN came by */
	SMTP_CT_ISN = 1 << 1,		/* both initial numbers are known */
	SMTP_CT_LEFT_ALONE = 1 << 2,	/* not judged, for its whole life */
	SMTP_CT_ENDED = 1 << 3,		/* no payload passes any more */
	SMTP_CT_RST = 1 << 4,		/* << enum smtp_dir: the last packet left as a RST */
};

/**
 * struct smtp_ct - private data of a conntrack
 * @flow: made at the first payload octet. RCU; set under nf_conn.lock
 * @open: the handshake; @open.syn is valid with %SMTP_CT_SYN, @open.isn with
 *	%SMTP_CT_ISN
 * @flags: enum smtp_ct_flags
 */
struct smtp_ct {
	struct smtp_ct_flow __rcu *flow;
	struct smtp_opening open;
	u8 flags;
};

/**
 * smtp_ct_port() - the port that the client dialled, before any DNAT
 * @ct: the connection
 *
 * Return: the port.
 */
static inline u16 smtp_ct_port(const struct nf_conn *ct)
{
	return ntohs(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->dst.u.tcp.port);
}

int smtp_helper_init(smtp_ct_help_fn help);
void smtp_helper_exit(void);
void smtp_helper_net_exit(struct net *net);
bool smtp_helper_adjusts(struct net *net);
bool smtp_helper_attach(struct nf_conn *ct, const struct smtp_rule *rule,
			u8 flags);
bool smtp_helper_tls(const struct nf_conn *ct);
void smtp_helper_opaque(struct nf_conn *ct);
struct smtp_ct *smtp_helper_data(const struct nf_conn *ct);
struct smtp_rule *smtp_ct_rule(const struct nf_conn *ct);
struct smtp_rule *smtp_helper_rule(const struct nf_conn *ct);
struct smtp_ct_flow *smtp_ct_take_flow(struct smtp_ct *data);
void smtp_helper_count_preexisting(struct net *net,
				   const struct smtp_table *before,
				   const struct smtp_table *now);

#endif /* _SMTP_HELPER_H */
