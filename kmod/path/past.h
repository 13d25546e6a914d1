/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Past: connections that the module knew when conntrack forgot them. A connection that
 * begins in its middle soon after the first policy counts as older than the policy.
 * These do not, whether conntrack -D, a flush or a time-out made conntrack forget them.
 */
#ifndef _SMTP_PAST_H
#define _SMTP_PAST_H

#include <net/netfilter/nf_conntrack.h>

/* What is remembered of a connection */
enum smtp_past {
	SMTP_PAST_UNKNOWN,
	SMTP_PAST_JUDGED,
	SMTP_PAST_ENDED,	/* it was ended, or its numbers are shifted */
	SMTP_PAST_CROWDED,	/* not this one, but some were lost for want of room */
};

struct smtp_past_table;

struct smtp_past_table *smtp_past_alloc(void);
void smtp_past_free(struct smtp_past_table *table);
void smtp_past_remember(const struct nf_conn *ct, enum smtp_past what);
enum smtp_past smtp_past_find(const struct nf_conn *ct);

#endif /* _SMTP_PAST_H */
