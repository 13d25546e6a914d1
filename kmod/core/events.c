// SPDX-License-Identifier: GPL-2.0-only
/* The table of events. See events.h. */
#include "events.h"

#ifdef __KERNEL__
#define TEXT(text_, criterion_)
#else
#define TEXT(text_, criterion_)	.text = (text_), .criterion = (criterion_)
#endif

#define EVENT(event_, name_, rule_, counter_, action_, side_, vendor_, ...) \
	[SMTP_FIXUP_EVENT_##event_] = {					\
		.name = (name_), .rule = (rule_),			\
		.counter = SMTP_FIXUP_CNT_##counter_,			\
		.action = SMTP_ACTION_##action_,			\
		.side = SMTP_SIDE_##side_, .vendor = (vendor_),		\
		__VA_ARGS__						\
	}

const struct smtp_event_kind smtp_events[__SMTP_FIXUP_EVENT_MAX] = {
	EVENT(GREETING_MASKED, "greeting_masked", "G1",
	      GREETINGS_MASKED, EDIT, RESPONSE, 108004,
	      TEXT("greeting masked", "mask-banner: banner masked")),
	EVENT(GREETING_REPLACED, "greeting_replaced", "G7",
	      GREETINGS_MASKED, EDIT, RESPONSE, 108004,
	      TEXT("greeting replaced", "mask-banner: banner replaced")),
	EVENT(COMMAND_MASKED, "command_masked", "V3",
	      COMMANDS_BLOCKED, EDIT, REQUEST, 108004,
	      TEXT("command masked", "cmd verb")),
	EVENT(COMMAND_NOOP, "command_noop", "V4",
	      COMMANDS_BLOCKED, EDIT, REQUEST, 108004,
	      TEXT("command became NOOP", "cmd verb")),
	EVENT(BARE_LINE_END, "bare_line_end", "V7",
	      BARE_LINE_ENDS, EDIT, REQUEST, 108004,
	      TEXT("bare CR or LF in a command", "cmd line end")),
	EVENT(EHLO_LINE_MASKED, "ehlo_line_masked", "E1",
	      EHLO_LINES_MASKED, EDIT, RESPONSE, 108004,
	      TEXT("EHLO line masked", "ehlo-reply-parameter")),
	EVENT(EHLO_LINE_STRIPPED, "ehlo_line_stripped", "E4",
	      EHLO_LINES_MASKED, EDIT, RESPONSE, 108004,
	      TEXT("EHLO line taken out", "ehlo-reply-parameter")),
	EVENT(SMUGGLING_DOT, "smuggling_dot", "D4",
	      SMUGGLING_DOTS, EDIT, REQUEST, 108004,
	      TEXT("end of data by wrong line ends made harmless", "body end of data")),
	EVENT(REPLY_UNEXPECTED, "reply_unexpected", "D8",
	      REPLIES_UNEXPECTED, NONE, RESPONSE, 108005,
	      TEXT("server out of turn, or no SMTP reply", "reply unexpected")),
	EVENT(TLS_STARTED, "tls_started", "S2",
	      TLS_STARTED, NONE, RESPONSE, 108007,
	      TEXT("TLS started, opaque from here", NULL)),
	EVENT(BODY_REWRITE_REFUSED, "body_rewrite_refused", "T2",
	      BODY_REWRITES_REFUSED, DROP, REQUEST, 108004,
	      TEXT("repeated body bytes with another end of data dropped", "body rewritten")),
	EVENT(DESYNCHRONISED, "desynchronised", "T2",
	      CONNECTIONS_DESYNCHRONISED, RESET, REQUEST, 108004,
	      TEXT("reset: it could not be judged any more", "body desynchronised")),
	EVENT(MEMORY_REFUSED, "memory_refused", "T2",
	      MEMORY_REFUSED, DROP, BOTH, 0,
	      TEXT("packet dropped: memory is short", NULL)),
	EVENT(PACKET_INVALID, "packet_invalid", "T2",
	      PACKETS_INVALID, DROP, BOTH, 0,
	      TEXT("packet dropped: INVALID to connection tracking", NULL)),
	EVENT(PACKET_UNTRACKED, "packet_untracked", "T2",
	      PACKETS_UNTRACKED, DROP, BOTH, 0,
	      TEXT("packet dropped: hidden by NOTRACK", NULL)),
	EVENT(PACKET_MIDSTREAM, "packet_midstream", "T2",
	      PACKETS_MIDSTREAM, DROP, BOTH, 0,
	      TEXT("packet dropped: the connection's beginning is unknown", NULL)),
	EVENT(SYN_DATA_CUT, "syn_data_cut", "T2",
	      SYN_DATA_CUT, EDIT, BOTH, 0,
	      TEXT("data of a SYN cut off", NULL)),
	EVENT(URGENT_CLEARED, "urgent_cleared", "T2",
	      URGENT_CLEARED, EDIT, BOTH, 0,
	      TEXT("urgent pointer cleared", NULL)),
	EVENT(PREEXISTING, "connection_preexisting", "T2",
	      CONNECTIONS_PREEXISTING, NONE, BOTH, 0,
	      TEXT("older than the policy: goes on untouched", NULL)),
	EVENT(OTHER_HELPER, "connection_other_helper", "T2",
	      CONNECTIONS_OTHER_HELPER, NONE, BOTH, 0,
	      TEXT("left alone: it has another conntrack helper", NULL)),
};
