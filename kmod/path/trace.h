/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every event, unlimited. smtp_fixup:edit where bytes are changed,
 * smtp_fixup:verdict where something is dropped, reset or only reported.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM smtp_fixup

#if !defined(_SMTP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _SMTP_TRACE_H

#include <linux/in6.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack_tuple.h>
#include "../core/policy/events.h"

#ifndef _SMTP_TRACE_SOCKADDR
#define _SMTP_TRACE_SOCKADDR
/* As "%pIS" reads it */
static inline void smtp_trace_sockaddr(void *to, u8 family,
				       const union nf_inet_addr *addr,
				       __be16 port)
{
	struct sockaddr_in6 *v6 = to;
	struct sockaddr_in *v4 = to;

	memset(to, 0, sizeof(*v6));
	if (family == NFPROTO_IPV6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		v6->sin6_addr = addr->in6;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		v4->sin_addr = addr->in;
	}
}
#endif

DECLARE_EVENT_CLASS(smtp_fixup_event,
	TP_PROTO(const struct net *net, const struct smtp_event_kind *kind,
		 const struct nf_conntrack_tuple *ends, const char *words),
	TP_ARGS(net, kind, ends, words),
	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, vendor)
		__array(char, rule, 8)
		__array(char, event, 32)
		__array(u8, client, sizeof(struct sockaddr_in6))
		__array(u8, server, sizeof(struct sockaddr_in6))
		__array(char, words, SMTP_FIXUP_WORDS_MAX + 1)
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->vendor = kind->vendor;
		strscpy_pad(__entry->rule, kind->rule, sizeof(__entry->rule));
		strscpy_pad(__entry->event, kind->name, sizeof(__entry->event));
		smtp_trace_sockaddr(__entry->client, ends->src.l3num,
				    &ends->src.u3, ends->src.u.tcp.port);
		smtp_trace_sockaddr(__entry->server, ends->src.l3num,
				    &ends->dst.u3, ends->dst.u.tcp.port);
		strscpy_pad(__entry->words, words, sizeof(__entry->words));
	),
	TP_printk("netns=%u rule=%s event=%s client=%pISpc server=%pISpc words=\"%s\"",
		  __entry->netns, __entry->rule, __entry->event,
		  __entry->client, __entry->server, __entry->words)
);

DEFINE_EVENT(smtp_fixup_event, edit,
	TP_PROTO(const struct net *net, const struct smtp_event_kind *kind,
		 const struct nf_conntrack_tuple *ends, const char *words),
	TP_ARGS(net, kind, ends, words)
);

DEFINE_EVENT(smtp_fixup_event, verdict,
	TP_PROTO(const struct net *net, const struct smtp_event_kind *kind,
		 const struct nf_conntrack_tuple *ends, const char *words),
	TP_ARGS(net, kind, ends, words)
);

#endif /* _SMTP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
