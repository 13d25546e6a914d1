/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Generic netlink interface of the SMTP fixup, and the numbers that the
 * module, its pure core and the tool share.
 *
 * Documentation/netlink-style specification: smtp_fixup.yaml beside this
 * file. Every command acts on the network namespace of the socket that
 * sends it. Commands that change something, and the list of connections,
 * need CAP_NET_ADMIN in that namespace's user namespace (GENL_UNS_ADMIN_PERM).
 *
 * SMTP_FIXUP_CMD_POLICY_SET  do      %SMTP_FIXUP_A_PORTS (one or more),
 *	%SMTP_FIXUP_A_MODE, and any policy attribute that is to differ from
 *	what the mode means. All ranges of one message take effect together
 *	or not at all. Mode off removes the policy of exactly that range; where
 *	a wider range would then apply, an "off" is remembered in its place.
 * SMTP_FIXUP_CMD_POLICY_GET  dump    one message a range: %SMTP_FIXUP_A_PORTS
 *	%SMTP_FIXUP_A_SERIAL and every policy attribute.
 * SMTP_FIXUP_CMD_STATS_GET   dump    one message a range: %SMTP_FIXUP_A_PORTS,
 *	%SMTP_FIXUP_A_MODE, %SMTP_FIXUP_A_COUNTERS.
 * SMTP_FIXUP_CMD_FLOW_GET    dump    one message a live connection:
 *	%SMTP_FIXUP_A_FLOW.
 * SMTP_FIXUP_CMD_EVENT       never a request: sent to the multicast group
 *	%SMTP_FIXUP_MCGRP_EVENTS, %SMTP_FIXUP_A_EVENT. To join it needs
 *	CAP_NET_ADMIN, too.
 * SMTP_FIXUP_CMD_POLICY_REPLACE do   %SMTP_FIXUP_A_POLICY (any number of them):
 *	each holds what a POLICY_SET would. The configuration is these and
 *	nothing else from then on, or what it was. Their order counts only
 *	for equal ranges and for ones of equal width that overlap: the last
 *	one is in force. Ranges that stay go on counting.
 * SMTP_FIXUP_CMD_FLUSH       do      any number of %SMTP_FIXUP_A_PORTS, none
 *	for all: the connections under a policy there end. Whatever either
 *	side of one still sends brings both a RST. With %SMTP_FIXUP_A_UNJUDGED
 *	those that are older than the policy, or were let through in their
 *	middle, end as well. Answered by %SMTP_FIXUP_A_FLUSHED.
 * SMTP_FIXUP_CMD_STATS_ZERO  dump    as STATS_GET, and every counter begins
 *	again at 0. Needs CAP_NET_ADMIN.
 */
#ifndef _UAPI_LINUX_SMTP_FIXUP_H
#define _UAPI_LINUX_SMTP_FIXUP_H

#define SMTP_FIXUP_GENL_NAME	"smtp_fixup"
#define SMTP_FIXUP_GENL_VERSION	1
#define SMTP_FIXUP_MCGRP_EVENTS	"events"

/* What an administrator calls the policy: docs/rules.md, "Presets" */
enum smtp_fixup_mode {
	SMTP_FIXUP_MODE_OFF,
	SMTP_FIXUP_MODE_FIXUP,
	SMTP_FIXUP_MODE_ESMTP,
	SMTP_FIXUP_MODE_MAILHOST,	/* PIX 4.0, 4.1 */
	SMTP_FIXUP_MODE_PIX_4_4,
	SMTP_FIXUP_MODE_PIX_5_1,	/* the same as fixup */
	SMTP_FIXUP_MODE_ASA,		/* its default map */
	__SMTP_FIXUP_MODE_MAX
};

/* How the greeting is masked: docs/rules.md G3, G4; keep leaves it alone */
enum smtp_fixup_banner {
	SMTP_FIXUP_BANNER_PIX,
	SMTP_FIXUP_BANNER_STARS,
	SMTP_FIXUP_BANNER_KEEP,
	SMTP_FIXUP_BANNER_TEXT,		/* %SMTP_FIXUP_A_BANNER_TEXT: G7 */
	SMTP_FIXUP_BANNER_CMAP,		/* 220 SMTP/cmap___read: G6 */
	__SMTP_FIXUP_BANNER_MAX
};

/* Characters of a banner text at most */
#define SMTP_FIXUP_TEXT_MAX	200

/* Characters of an interface's name at most */
#define SMTP_FIXUP_IIF_MAX	15

/* Action on a blocked command: docs/rules.md V3-V5 */
enum smtp_fixup_reject {
	SMTP_FIXUP_REJECT_X,		/* its verb is overwritten with X */
	SMTP_FIXUP_REJECT_LINE,		/* the whole line is overwritten with X */
	SMTP_FIXUP_REJECT_NOOP,		/* it becomes NOOP and blanks */
	SMTP_FIXUP_REJECT_DROP,		/* the connection ends: nothing passes */
	SMTP_FIXUP_REJECT_RESET,	/* the connection ends: RST */
	__SMTP_FIXUP_REJECT_MAX
};

/* Action on EHLO lines that are not allowed: docs/rules.md E1, E4 */
enum smtp_fixup_ehlo {
	SMTP_FIXUP_EHLO_MASK,
	SMTP_FIXUP_EHLO_STRIP,
	SMTP_FIXUP_EHLO_KEEP,
	__SMTP_FIXUP_EHLO_MAX
};

/* STARTTLS: docs/rules.md S1-S3 */
enum smtp_fixup_tls {
	SMTP_FIXUP_TLS_MASK,
	SMTP_FIXUP_TLS_ALLOW,
	SMTP_FIXUP_TLS_REQUIRE,		/* before TLS only the verbs of S3 pass */
	__SMTP_FIXUP_TLS_MAX
};

/* Action on special characters in addresses: docs/rules.md A1, A2 */
enum smtp_fixup_special {
	SMTP_FIXUP_SPECIAL_OFF,
	SMTP_FIXUP_SPECIAL_LOG,		/* counted */
	SMTP_FIXUP_SPECIAL_REPLACE,	/* each becomes a space */
	SMTP_FIXUP_SPECIAL_DROP,	/* the connection ends */
	__SMTP_FIXUP_SPECIAL_MAX
};

/* What some servers take for the end of a message: docs/rules.md D4 */
enum smtp_fixup_smuggling {
	SMTP_FIXUP_SMUGGLING_OFF,
	SMTP_FIXUP_SMUGGLING_LOG,	/* counted */
	SMTP_FIXUP_SMUGGLING_MASK,	/* its dot becomes a space */
	SMTP_FIXUP_SMUGGLING_DROP,	/* the connection ends */
	__SMTP_FIXUP_SMUGGLING_MAX
};

/* Does a bare LF end a command? docs/rules.md V7 */
enum smtp_fixup_line_ending {
	SMTP_FIXUP_LINE_ENDING_LENIENT,	/* it may */
	SMTP_FIXUP_LINE_ENDING_STRICT,	/* it becomes a space */
	__SMTP_FIXUP_LINE_ENDING_MAX
};

/* Connections whose beginning was not seen */
enum smtp_fixup_midstream {
	SMTP_FIXUP_MIDSTREAM_DROP,
	SMTP_FIXUP_MIDSTREAM_PASS,	/* unjudged, counted */
	SMTP_FIXUP_MIDSTREAM_RESET,	/* both ends are told */
	__SMTP_FIXUP_MIDSTREAM_MAX
};

/* Which connections to the ports are under the policy */
enum smtp_fixup_assign {
	SMTP_FIXUP_ASSIGN_AUTO,		/* all */
	SMTP_FIXUP_ASSIGN_EXPLICIT,	/* those that nft gives the helper "smtp" */
	__SMTP_FIXUP_ASSIGN_MAX
};

/* The PROXY protocol's header, before the first command: docs/rules.md V11 */
enum smtp_fixup_proxy_protocol {
	SMTP_FIXUP_PROXY_PROTOCOL_OFF,		/* a command that is not allowed */
	SMTP_FIXUP_PROXY_PROTOCOL_ALLOW,	/* it passes */
	__SMTP_FIXUP_PROXY_PROTOCOL_MAX
};

/* Limits; attributes of %SMTP_FIXUP_A_LIMITS are 1 + this.
 * docs/rules.md L
 */
enum smtp_fixup_limit {
	SMTP_FIXUP_LIMIT_COMMAND_LINE,	/* octets, with CRLF */
	SMTP_FIXUP_LIMIT_RCPT,		/* recipients of a message */
	SMTP_FIXUP_LIMIT_SENDER,	/* octets of its address */
	SMTP_FIXUP_LIMIT_HEADER_LINE,	/* octets, without CRLF */
	SMTP_FIXUP_LIMIT_BODY_LINE,	/* octets, without CRLF */
	SMTP_FIXUP_LIMIT_MIME_FILENAME,	/* octets, decoded */
	SMTP_FIXUP_LIMIT_MESSAGE,	/* octets, as they are sent, and by SIZE= */
	SMTP_FIXUP_LIMIT_HEADER_LENGTH,	/* octets of all of a message's header */
	SMTP_FIXUP_LIMIT_TO_FIELDS,	/* addresses in its To fields */
	SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS, /* RCPTs of a connection refused by 5yz */
	SMTP_FIXUP_LIMIT_REPLY_LINE,	/* octets of a server's line, with CRLF */
	SMTP_FIXUP_LIMIT_BDAT_CHUNK,	/* octets */
	SMTP_FIXUP_LIMIT_XEXCH50_BLOCK,	/* octets */
	SMTP_FIXUP_LIMIT_RATE,		/* messages a second, all together: X7 */
	SMTP_FIXUP_LIMIT_SOURCE_RATE,	/* messages a second of one source */
	__SMTP_FIXUP_LIMIT_MAX
};

/* Action when a limit is exceeded */
enum smtp_fixup_action {
	SMTP_FIXUP_ACTION_OFF,
	SMTP_FIXUP_ACTION_LOG,		/* counted */
	SMTP_FIXUP_ACTION_MASK,		/* the command is treated as a blocked one */
	SMTP_FIXUP_ACTION_DROP,		/* the connection ends: nothing passes */
	SMTP_FIXUP_ACTION_RESET,	/* the connection ends: RST */
	SMTP_FIXUP_ACTION_WAIT,		/* of rates: the message waits for its turn */
	__SMTP_FIXUP_ACTION_MAX
};

/* What a match looks at: docs/rules.md X */
enum smtp_fixup_what {
	SMTP_FIXUP_WHAT_VERB,
	SMTP_FIXUP_WHAT_KEYWORD,	/* of a line of an EHLO reply */
	SMTP_FIXUP_WHAT_HELO,		/* the name after HELO or EHLO */
	SMTP_FIXUP_WHAT_SENDER,
	SMTP_FIXUP_WHAT_RECIPIENT,
	SMTP_FIXUP_WHAT_HEADER,		/* a field of a message's header, or its value */
	SMTP_FIXUP_WHAT_MIME_TYPE,	/* of a message, or a part: RFC 2045, 5 */
	SMTP_FIXUP_WHAT_MIME_ENCODING,	/* of a message, or a part: RFC 2045, 6 */
	SMTP_FIXUP_WHAT_MIME_FILENAME,	/* of a part: RFC 2183, or name= of its type */
	SMTP_FIXUP_WHAT_RELAY,		/* the recipient; the patterns are domains */
	SMTP_FIXUP_WHAT_MECHANISM,	/* SASL: those that are not named are masked */
	__SMTP_FIXUP_WHAT_MAX
};

/* Matches of a policy at most */
#define SMTP_FIXUP_MATCHES_MAX	64

/* Characters of the patterns of all matches of a policy at most */
#define SMTP_FIXUP_PATTERNS_MAX	4096

/* Characters of the name of a header field at most */
#define SMTP_FIXUP_FIELD_MAX	64

/* Octets of a table of patterns at most */
#define SMTP_FIXUP_TABLE_MAX	49152

/* Bit numbers of %SMTP_FIXUP_A_VERBS */
enum smtp_fixup_verb {
	SMTP_FIXUP_VERB_HELO,
	SMTP_FIXUP_VERB_MAIL,
	SMTP_FIXUP_VERB_RCPT,
	SMTP_FIXUP_VERB_DATA,
	SMTP_FIXUP_VERB_RSET,
	SMTP_FIXUP_VERB_NOOP,
	SMTP_FIXUP_VERB_QUIT,
	SMTP_FIXUP_VERB_AUTH,
	SMTP_FIXUP_VERB_EHLO,
	SMTP_FIXUP_VERB_ETRN,
	SMTP_FIXUP_VERB_HELP,
	SMTP_FIXUP_VERB_SAML,
	SMTP_FIXUP_VERB_SEND,
	SMTP_FIXUP_VERB_SOML,
	SMTP_FIXUP_VERB_VRFY,
	SMTP_FIXUP_VERB_STARTTLS,	/* follows %SMTP_FIXUP_A_TLS */
	SMTP_FIXUP_VERB_EXPN,
	SMTP_FIXUP_VERB_ONEX,
	SMTP_FIXUP_VERB_VERB,
	SMTP_FIXUP_VERB_X_EXPS,
	SMTP_FIXUP_VERB_X_LINK2STATE,
	SMTP_FIXUP_VERB_XCLIENT,
	SMTP_FIXUP_VERB_XFORWARD,
	SMTP_FIXUP_VERB_BDAT,		/* goes with the keyword CHUNKING */
	SMTP_FIXUP_VERB_XEXCH50,
	__SMTP_FIXUP_VERB_MAX
};

/* Bit numbers of %SMTP_FIXUP_A_KEYWORDS: EHLO keywords, docs/rules.md E2, E3 */
enum smtp_fixup_keyword {
	SMTP_FIXUP_KEYWORD_SIZE,
	SMTP_FIXUP_KEYWORD_ETRN,
	SMTP_FIXUP_KEYWORD_PIPELINING,
	SMTP_FIXUP_KEYWORD_DSN,
	SMTP_FIXUP_KEYWORD_ENHANCEDSTATUSCODES,
	SMTP_FIXUP_KEYWORD_8BITMIME,
	SMTP_FIXUP_KEYWORD_BINARYMIME,
	SMTP_FIXUP_KEYWORD_AUTH,
	SMTP_FIXUP_KEYWORD_VRFY,
	SMTP_FIXUP_KEYWORD_STARTTLS,	/* follows %SMTP_FIXUP_A_TLS */
	SMTP_FIXUP_KEYWORD_SMTPUTF8,
	SMTP_FIXUP_KEYWORD_DELIVERBY,
	SMTP_FIXUP_KEYWORD_HELP,
	SMTP_FIXUP_KEYWORD_EXPN,
	SMTP_FIXUP_KEYWORD_ONEX,
	SMTP_FIXUP_KEYWORD_VERB,
	SMTP_FIXUP_KEYWORD_TURN,
	SMTP_FIXUP_KEYWORD_ATRN,
	SMTP_FIXUP_KEYWORD_X_EXPS,
	SMTP_FIXUP_KEYWORD_X_LINK2STATE,
	SMTP_FIXUP_KEYWORD_XCLIENT,
	SMTP_FIXUP_KEYWORD_XFORWARD,
	SMTP_FIXUP_KEYWORD_CHUNKING,
	SMTP_FIXUP_KEYWORD_XEXCH50,
	SMTP_FIXUP_KEYWORD_MT_PRIORITY,
	SMTP_FIXUP_KEYWORD_REQUIRETLS,
	SMTP_FIXUP_KEYWORD_FUTURERELEASE,
	SMTP_FIXUP_KEYWORD_LIMITS,
	__SMTP_FIXUP_KEYWORD_MAX
};

/* What a flow is doing, from the client's side */
enum smtp_fixup_phase {
	SMTP_FIXUP_PHASE_GREETING,	/* no payload seen yet */
	SMTP_FIXUP_PHASE_COMMAND,	/* command lines are judged */
	SMTP_FIXUP_PHASE_WAIT,		/* for a reply: D2; for its turn: X7 */
	SMTP_FIXUP_PHASE_AUTH,		/* the next line is a SASL response: D5 */
	SMTP_FIXUP_PHASE_BODY,		/* message data, to CRLF.CRLF: D3 */
	SMTP_FIXUP_PHASE_TLS,		/* opaque for good: S2 */
	SMTP_FIXUP_PHASE_ENDED,		/* by the policy: nothing passes: V5 */
	__SMTP_FIXUP_PHASE_MAX
};

/* Attributes of a counter set are 1 + this; values are __u64 events since
 * the policy's port range was first set. Order: /proc, stats, JSON.
 */
enum smtp_fixup_counter {
	SMTP_FIXUP_CNT_CONNECTIONS,
	SMTP_FIXUP_CNT_GREETINGS_MASKED,
	SMTP_FIXUP_CNT_COMMANDS_PASSED,
	SMTP_FIXUP_CNT_COMMANDS_BLOCKED,
	SMTP_FIXUP_CNT_EHLO_LINES_MASKED,
	SMTP_FIXUP_CNT_BYTES_MASKED,
	SMTP_FIXUP_CNT_SEGMENTS_DROPPED,
	SMTP_FIXUP_CNT_SEGMENTS_REPLAYED,
	SMTP_FIXUP_CNT_TLS_STARTED,
	SMTP_FIXUP_CNT_MESSAGES,
	SMTP_FIXUP_CNT_SEGMENTS_CUT,
	SMTP_FIXUP_CNT_SEGMENTS_AHEAD,
	SMTP_FIXUP_CNT_BARE_LINE_ENDS,
	SMTP_FIXUP_CNT_SMUGGLING_DOTS,
	SMTP_FIXUP_CNT_REPLIES_UNEXPECTED,
	SMTP_FIXUP_CNT_BODY_REWRITES_REFUSED,
	SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED,
	SMTP_FIXUP_CNT_PACKETS_INVALID,
	SMTP_FIXUP_CNT_PACKETS_UNTRACKED,
	SMTP_FIXUP_CNT_PACKETS_MIDSTREAM,
	SMTP_FIXUP_CNT_SYN_DATA_CUT,
	SMTP_FIXUP_CNT_URGENT_CLEARED,
	SMTP_FIXUP_CNT_CONNECTIONS_PREEXISTING,
	SMTP_FIXUP_CNT_CONNECTIONS_OTHER_HELPER,
	SMTP_FIXUP_CNT_MEMORY_REFUSED,
	SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED,
	SMTP_FIXUP_CNT_SPECIAL_CHARACTERS,
	SMTP_FIXUP_CNT_ADDRESSES_BAD,
	SMTP_FIXUP_CNT_COMMAND_LINES_LONG,
	SMTP_FIXUP_CNT_RCPTS_EXCESS,
	SMTP_FIXUP_CNT_SENDERS_LONG,
	SMTP_FIXUP_CNT_HEADER_LINES_LONG,
	SMTP_FIXUP_CNT_BODY_LINES_LONG,
	SMTP_FIXUP_CNT_MIME_FILENAMES_LONG,
	SMTP_FIXUP_CNT_BODIES_UNREAD,
	SMTP_FIXUP_CNT_CONNECTIONS_ENDED,
	SMTP_FIXUP_CNT_CONNECTIONS_UNOBSERVED,
	SMTP_FIXUP_CNT_SMUGGLING_SEEN,
	SMTP_FIXUP_CNT_MIDSTREAM_PASSED,
	SMTP_FIXUP_CNT_CHUNKS,
	SMTP_FIXUP_CNT_CONNECTIONS_OTHER_INTERFACE,
	SMTP_FIXUP_CNT_CONNECTIONS_REOPENED,
	SMTP_FIXUP_CNT_COMMAND_LINES_CUT,
	SMTP_FIXUP_CNT_SASL_RESPONSES_MASKED,
	SMTP_FIXUP_CNT_SOURCES_REFUSED,
	SMTP_FIXUP_CNT_CONNECTIONS_RECLAIMED,
	SMTP_FIXUP_CNT_BODIES_REFUSED,
	SMTP_FIXUP_CNT_SEGMENTS_RESUMED,
	SMTP_FIXUP_CNT_MPTCP_REMOVED,
	SMTP_FIXUP_CNT_SYNACKS_STRANGE,
	SMTP_FIXUP_CNT_PACKETS_SPOOFED,
	SMTP_FIXUP_CNT_MATCHES_LOGGED,
	SMTP_FIXUP_CNT_MATCHES_ACTED,
	SMTP_FIXUP_CNT_REPLIES_AWAITED,
	SMTP_FIXUP_CNT_MESSAGES_LONG,
	SMTP_FIXUP_CNT_HEADERS_LONG,
	SMTP_FIXUP_CNT_TO_FIELDS_EXCESS,
	SMTP_FIXUP_CNT_RECIPIENTS_INVALID,
	SMTP_FIXUP_CNT_REPLY_LINES_LONG,
	SMTP_FIXUP_CNT_BDAT_CHUNKS_LONG,
	SMTP_FIXUP_CNT_XEXCH50_BLOCKS_LONG,
	SMTP_FIXUP_CNT_PROXY_HEADERS,
	SMTP_FIXUP_CNT_MESSAGES_ABOVE_RATE,
	SMTP_FIXUP_CNT_MESSAGES_ABOVE_SOURCE_RATE,
	SMTP_FIXUP_CNT_SACKS_SENT,
	__SMTP_FIXUP_CNT_MAX
};

/* What is reported over the multicast group, and counted. docs/rules.md M */
enum smtp_fixup_event {
	SMTP_FIXUP_EVENT_GREETING_MASKED,
	SMTP_FIXUP_EVENT_GREETING_REPLACED,
	SMTP_FIXUP_EVENT_COMMAND_MASKED,
	SMTP_FIXUP_EVENT_COMMAND_NOOP,
	SMTP_FIXUP_EVENT_BARE_LINE_END,
	SMTP_FIXUP_EVENT_EHLO_LINE_MASKED,
	SMTP_FIXUP_EVENT_EHLO_LINE_STRIPPED,
	SMTP_FIXUP_EVENT_SMUGGLING_DOT,
	SMTP_FIXUP_EVENT_REPLY_UNEXPECTED,
	SMTP_FIXUP_EVENT_TLS_STARTED,
	SMTP_FIXUP_EVENT_BODY_REWRITE_REFUSED,
	SMTP_FIXUP_EVENT_DESYNCHRONISED,
	SMTP_FIXUP_EVENT_MEMORY_REFUSED,
	SMTP_FIXUP_EVENT_PACKET_INVALID,
	SMTP_FIXUP_EVENT_PACKET_UNTRACKED,
	SMTP_FIXUP_EVENT_PACKET_MIDSTREAM,
	SMTP_FIXUP_EVENT_SYN_DATA_CUT,
	SMTP_FIXUP_EVENT_URGENT_CLEARED,
	SMTP_FIXUP_EVENT_PREEXISTING,
	SMTP_FIXUP_EVENT_OTHER_HELPER,
	SMTP_FIXUP_EVENT_SPECIAL_CHARACTER,
	SMTP_FIXUP_EVENT_ADDRESS_BAD,
	SMTP_FIXUP_EVENT_COMMAND_LINE_LONG,
	SMTP_FIXUP_EVENT_RCPT_EXCESS,
	SMTP_FIXUP_EVENT_SENDER_LONG,
	SMTP_FIXUP_EVENT_HEADER_LINE_LONG,
	SMTP_FIXUP_EVENT_BODY_LINE_LONG,
	SMTP_FIXUP_EVENT_MIME_FILENAME_LONG,
	SMTP_FIXUP_EVENT_BODY_UNREAD,
	SMTP_FIXUP_EVENT_ENDED,
	SMTP_FIXUP_EVENT_UNOBSERVED,
	SMTP_FIXUP_EVENT_COMMAND_REFUSED,
	SMTP_FIXUP_EVENT_SMUGGLING_SEEN,
	SMTP_FIXUP_EVENT_MIDSTREAM_PASSED,
	SMTP_FIXUP_EVENT_CHUNK_DOUBTFUL,
	SMTP_FIXUP_EVENT_REOPENED,
	SMTP_FIXUP_EVENT_COMMAND_LINE_CUT,
	SMTP_FIXUP_EVENT_SASL_MASKED,
	SMTP_FIXUP_EVENT_SOURCE_REFUSED,
	SMTP_FIXUP_EVENT_RECLAIMED,
	SMTP_FIXUP_EVENT_BODY_REFUSED,
	SMTP_FIXUP_EVENT_MPTCP_REMOVED,
	SMTP_FIXUP_EVENT_SYNACK_STRANGE,
	SMTP_FIXUP_EVENT_PACKET_SPOOFED,
	SMTP_FIXUP_EVENT_MATCH_LOGGED,
	SMTP_FIXUP_EVENT_MATCH_MASKED,
	SMTP_FIXUP_EVENT_MATCH_ENDED,
	SMTP_FIXUP_EVENT_REPLY_AWAITED,
	SMTP_FIXUP_EVENT_MESSAGE_LONG,
	SMTP_FIXUP_EVENT_HEADER_LONG,
	SMTP_FIXUP_EVENT_TO_FIELDS_EXCESS,
	SMTP_FIXUP_EVENT_RECIPIENTS_INVALID,
	SMTP_FIXUP_EVENT_REPLY_LINE_LONG,
	SMTP_FIXUP_EVENT_BDAT_CHUNK_LONG,
	SMTP_FIXUP_EVENT_XEXCH50_BLOCK_LONG,
	SMTP_FIXUP_EVENT_PROXY_HEADER,
	SMTP_FIXUP_EVENT_MESSAGE_ABOVE_RATE,
	SMTP_FIXUP_EVENT_MESSAGE_ABOVE_SOURCE_RATE,
	__SMTP_FIXUP_EVENT_MAX
};

/* Octets of an event's words at most */
#define SMTP_FIXUP_WORDS_MAX	64

/* Top-level attributes */
enum smtp_fixup_attr {
	SMTP_FIXUP_A_UNSPEC,
	SMTP_FIXUP_A_PAD,
	SMTP_FIXUP_A_PORTS,	/* nested smtp_fixup_ports_attr, may repeat in set */
	SMTP_FIXUP_A_MODE,	/* u8 enum smtp_fixup_mode */
	SMTP_FIXUP_A_BANNER,	/* u8 enum smtp_fixup_banner */
	SMTP_FIXUP_A_TLS,	/* u8 enum smtp_fixup_tls; only modes that let EHLO through */
	SMTP_FIXUP_A_VERBS,	/* u64 bit mask of enum smtp_fixup_verb: what passes */
	SMTP_FIXUP_A_KEYWORDS,	/* u64 bit mask of enum smtp_fixup_keyword: what EHLO
				 * replies may offer; absent in set: what goes with
				 * the verbs
				 */
	SMTP_FIXUP_A_COUNTERS,	/* nested: u64 attributes, 1 + enum smtp_fixup_counter */
	SMTP_FIXUP_A_FLOW,	/* nested smtp_fixup_flow_attr */
	SMTP_FIXUP_A_BANNER_TEXT, /* string, 1..SMTP_FIXUP_TEXT_MAX printable ASCII
				   * characters; goes with SMTP_FIXUP_BANNER_TEXT
				   */
	SMTP_FIXUP_A_REJECT,	/* u8 enum smtp_fixup_reject */
	SMTP_FIXUP_A_EHLO,	/* u8 enum smtp_fixup_ehlo */
	SMTP_FIXUP_A_EVENT,	/* nested smtp_fixup_event_attr */
	SMTP_FIXUP_A_SERIAL,	/* u64, order of setting; dump only */
	SMTP_FIXUP_A_POLICY,	/* nested top-level attributes, those of a set */
	SMTP_FIXUP_A_FLUSHED,	/* u32, connections that were ended */
	SMTP_FIXUP_A_SPECIAL,	/* u8 enum smtp_fixup_special */
	SMTP_FIXUP_A_LIMITS,	/* nested: nested smtp_fixup_limit_attr, 1 +
				 * enum smtp_fixup_limit; in set, those that are
				 * to differ from the mode's
				 */
	SMTP_FIXUP_A_OBSERVE,	/* flag: judge and count, change nothing */
	SMTP_FIXUP_A_KEEP_ESMTP, /* flag: the mask of banner pix or stars leaves
				  * the word ESMTP
				  */
	SMTP_FIXUP_A_SMUGGLING,	/* u8 enum smtp_fixup_smuggling */
	SMTP_FIXUP_A_LINE_ENDING, /* u8 enum smtp_fixup_line_ending */
	SMTP_FIXUP_A_MIDSTREAM,	/* u8 enum smtp_fixup_midstream */
	SMTP_FIXUP_A_STRICT,	/* flag: line ending strict and the vendor's
				 * limits, where no attribute says otherwise; a
				 * server out of turn ends the connection
				 */
	SMTP_FIXUP_A_IIF,	/* string, 1..SMTP_FIXUP_IIF_MAX printable ASCII
				 * characters but blank, / and :; only connections
				 * whose first packet comes in there
				 */
	SMTP_FIXUP_A_ASSIGN,	/* u8 enum smtp_fixup_assign */
	SMTP_FIXUP_A_BY_MARK,	/* flag: where a connection's mark is the number
				 * of a port with a policy, it is under that one
				 */
	SMTP_FIXUP_A_UNJUDGED,	/* flag: flush also what is left alone */
	SMTP_FIXUP_A_MATCHES,	/* nested: SMTP_FIXUP_MATCHES_A_MATCH, in order: the
				 * first that acts on a value counts
				 */
	SMTP_FIXUP_A_TABLES,	/* nested: binary, 1 + enum smtp_fixup_what: the
				 * patterns of all matches that look at it, as one
				 * automaton; in set. Their format is in
				 * kmod/core/match/automaton.h; the verdict of a
				 * state is 1 + the index of the match that acts
				 */
	SMTP_FIXUP_A_PROXY_PROTOCOL, /* u8 enum smtp_fixup_proxy_protocol */
	__SMTP_FIXUP_A_MAX
};

#define SMTP_FIXUP_A_MAX (__SMTP_FIXUP_A_MAX - 1)

/* A port range, both ends included */
enum smtp_fixup_ports_attr {
	SMTP_FIXUP_PORTS_A_UNSPEC,
	SMTP_FIXUP_PORTS_A_FIRST,	/* u16, 1..65535, host order */
	SMTP_FIXUP_PORTS_A_LAST,	/* u16, >= first; absent: first alone */
	__SMTP_FIXUP_PORTS_A_MAX
};

#define SMTP_FIXUP_PORTS_A_MAX (__SMTP_FIXUP_PORTS_A_MAX - 1)

enum smtp_fixup_limit_attr {
	SMTP_FIXUP_LIMIT_A_UNSPEC,
	SMTP_FIXUP_LIMIT_A_MAX_VALUE,	/* u32, at least 1: what is still within it; of
					 * what is no message, header, chunk or block,
					 * 65535 at most
					 */
	SMTP_FIXUP_LIMIT_A_ACTION,	/* u8 enum smtp_fixup_action */
	__SMTP_FIXUP_LIMIT_A_MAX
};

#define SMTP_FIXUP_LIMIT_A_MAX (__SMTP_FIXUP_LIMIT_A_MAX - 1)

enum smtp_fixup_matches_attr {
	SMTP_FIXUP_MATCHES_A_UNSPEC,
	SMTP_FIXUP_MATCHES_A_MATCH,	/* nested smtp_fixup_match_attr, may repeat */
	__SMTP_FIXUP_MATCHES_A_MAX
};

#define SMTP_FIXUP_MATCHES_A_MAX (__SMTP_FIXUP_MATCHES_A_MAX - 1)

enum smtp_fixup_match_attr {
	SMTP_FIXUP_MATCH_A_UNSPEC,
	SMTP_FIXUP_MATCH_A_WHAT,	/* u8 enum smtp_fixup_what */
	SMTP_FIXUP_MATCH_A_ACTION,	/* u8 enum smtp_fixup_action, not off */
	SMTP_FIXUP_MATCH_A_NOT,		/* flag: it acts on what no pattern matches */
	SMTP_FIXUP_MATCH_A_PATTERNS,	/* string as written, printable ASCII: the
					 * table is what counts
					 */
	SMTP_FIXUP_MATCH_A_FIELD,	/* string, letters, digits, - _ and .: the name of
					 * the header field whose value is looked at;
					 * absent: all fields, with their names
					 */
	__SMTP_FIXUP_MATCH_A_MAX
};

#define SMTP_FIXUP_MATCH_A_MAX (__SMTP_FIXUP_MATCH_A_MAX - 1)

/* The counter set has a pad attribute after the last counter */
#define SMTP_FIXUP_COUNTERS_A_PAD	(__SMTP_FIXUP_CNT_MAX + 1)

/* A live connection; addresses as the client dialled them (before DNAT) */
enum smtp_fixup_flow_attr {
	SMTP_FIXUP_FLOW_A_UNSPEC,
	SMTP_FIXUP_FLOW_A_PAD,
	SMTP_FIXUP_FLOW_A_CLIENT,	/* binary, 4 or 16 bytes, network order */
	SMTP_FIXUP_FLOW_A_CLIENT_PORT,	/* u16, host order */
	SMTP_FIXUP_FLOW_A_SERVER,	/* binary, 4 or 16 bytes, network order */
	SMTP_FIXUP_FLOW_A_SERVER_PORT,	/* u16, host order */
	SMTP_FIXUP_FLOW_A_MODE,		/* u8 enum smtp_fixup_mode */
	SMTP_FIXUP_FLOW_A_PHASE,	/* u8 enum smtp_fixup_phase */
	SMTP_FIXUP_FLOW_A_COMMANDS,	/* u32 commands seen, blocked ones too */
	SMTP_FIXUP_FLOW_A_BLOCKED,	/* u32 commands blocked */
	SMTP_FIXUP_FLOW_A_MESSAGES,	/* u32 bodies ended */
	__SMTP_FIXUP_FLOW_A_MAX
};

#define SMTP_FIXUP_FLOW_A_MAX (__SMTP_FIXUP_FLOW_A_MAX - 1)

/* An edit or a verdict; addresses as the client dialled them (before DNAT).
 * Never contains octets of a message.
 */
enum smtp_fixup_event_attr {
	SMTP_FIXUP_EVENT_A_UNSPEC,
	SMTP_FIXUP_EVENT_A_PAD,
	SMTP_FIXUP_EVENT_A_EVENT,	/* u8 enum smtp_fixup_event */
	SMTP_FIXUP_EVENT_A_NAME,	/* string, what it is called */
	SMTP_FIXUP_EVENT_A_RULE,	/* string, docs/rules.md: "V3" */
	SMTP_FIXUP_EVENT_A_TIME,	/* u64 nanoseconds since 1970 */
	SMTP_FIXUP_EVENT_A_NETNS,	/* u32 inode number of the namespace */
	SMTP_FIXUP_EVENT_A_CLIENT,	/* binary, 4 or 16 bytes, network order */
	SMTP_FIXUP_EVENT_A_CLIENT_PORT,	/* u16, host order */
	SMTP_FIXUP_EVENT_A_SERVER,	/* binary, 4 or 16 bytes, network order */
	SMTP_FIXUP_EVENT_A_SERVER_PORT,	/* u16, host order */
	SMTP_FIXUP_EVENT_A_CLIENT_DEV,	/* string, interface; absent: not known */
	SMTP_FIXUP_EVENT_A_SERVER_DEV,	/* string, interface; absent: not known */
	SMTP_FIXUP_EVENT_A_VENDOR,	/* u32 number of the vendor's message, or absent */
	SMTP_FIXUP_EVENT_A_WORDS,	/* string, 1..SMTP_FIXUP_WORDS_MAX printable
					 * ASCII characters, or absent
					 */
	SMTP_FIXUP_EVENT_A_SUPPRESSED,	/* u64 events before this one that were
					 * not sent: too many, or no memory; or
					 * absent
					 */
	__SMTP_FIXUP_EVENT_A_MAX
};

#define SMTP_FIXUP_EVENT_A_MAX (__SMTP_FIXUP_EVENT_A_MAX - 1)

enum smtp_fixup_cmd {
	SMTP_FIXUP_CMD_UNSPEC,
	SMTP_FIXUP_CMD_POLICY_SET,
	SMTP_FIXUP_CMD_POLICY_GET,
	SMTP_FIXUP_CMD_STATS_GET,
	SMTP_FIXUP_CMD_FLOW_GET,
	SMTP_FIXUP_CMD_EVENT,
	SMTP_FIXUP_CMD_POLICY_REPLACE,
	SMTP_FIXUP_CMD_FLUSH,
	SMTP_FIXUP_CMD_STATS_ZERO,
	__SMTP_FIXUP_CMD_MAX
};

#define SMTP_FIXUP_CMD_MAX (__SMTP_FIXUP_CMD_MAX - 1)

#endif /* _UAPI_LINUX_SMTP_FIXUP_H */
