// SPDX-License-Identifier: GPL-2.0-only
/* The counters: their names, and what each one means (stats --explain). */
#include "policy.h"

const char *const smtp_counter_names[__SMTP_FIXUP_CNT_MAX] = {
	[SMTP_FIXUP_CNT_CONNECTIONS] = "connections",
	[SMTP_FIXUP_CNT_GREETINGS_MASKED] = "greetings_masked",
	[SMTP_FIXUP_CNT_COMMANDS_PASSED] = "commands_passed",
	[SMTP_FIXUP_CNT_COMMANDS_BLOCKED] = "commands_blocked",
	[SMTP_FIXUP_CNT_EHLO_LINES_MASKED] = "ehlo_lines_masked",
	[SMTP_FIXUP_CNT_BYTES_MASKED] = "bytes_masked",
	[SMTP_FIXUP_CNT_SEGMENTS_DROPPED] = "segments_dropped",
	[SMTP_FIXUP_CNT_SEGMENTS_REPLAYED] = "segments_replayed",
	[SMTP_FIXUP_CNT_TLS_STARTED] = "tls_started",
	[SMTP_FIXUP_CNT_MESSAGES] = "messages",
	[SMTP_FIXUP_CNT_SEGMENTS_CUT] = "segments_cut",
	[SMTP_FIXUP_CNT_SEGMENTS_AHEAD] = "segments_ahead",
	[SMTP_FIXUP_CNT_BARE_LINE_ENDS] = "bare_line_ends",
	[SMTP_FIXUP_CNT_SMUGGLING_DOTS] = "smuggling_dots",
	[SMTP_FIXUP_CNT_REPLIES_UNEXPECTED] = "replies_unexpected",
	[SMTP_FIXUP_CNT_BODY_REWRITES_REFUSED] = "body_rewrites_refused",
	[SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED] = "connections_desynchronised",
	[SMTP_FIXUP_CNT_PACKETS_INVALID] = "packets_invalid",
	[SMTP_FIXUP_CNT_PACKETS_UNTRACKED] = "packets_untracked",
	[SMTP_FIXUP_CNT_PACKETS_MIDSTREAM] = "packets_midstream",
	[SMTP_FIXUP_CNT_SYN_DATA_CUT] = "syn_data_cut",
	[SMTP_FIXUP_CNT_URGENT_CLEARED] = "urgent_cleared",
	[SMTP_FIXUP_CNT_CONNECTIONS_PREEXISTING] = "connections_preexisting",
	[SMTP_FIXUP_CNT_CONNECTIONS_OTHER_HELPER] = "connections_other_helper",
	[SMTP_FIXUP_CNT_MEMORY_REFUSED] = "memory_refused",
	[SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED] = "connections_flushed",
	[SMTP_FIXUP_CNT_SPECIAL_CHARACTERS] = "special_characters",
	[SMTP_FIXUP_CNT_ADDRESSES_BAD] = "addresses_bad",
	[SMTP_FIXUP_CNT_COMMAND_LINES_LONG] = "command_lines_long",
	[SMTP_FIXUP_CNT_RCPTS_EXCESS] = "rcpts_excess",
	[SMTP_FIXUP_CNT_SENDERS_LONG] = "senders_long",
	[SMTP_FIXUP_CNT_HEADER_LINES_LONG] = "header_lines_long",
	[SMTP_FIXUP_CNT_BODY_LINES_LONG] = "body_lines_long",
	[SMTP_FIXUP_CNT_MIME_FILENAMES_LONG] = "mime_filenames_long",
	[SMTP_FIXUP_CNT_BODIES_UNREAD] = "bodies_unread",
	[SMTP_FIXUP_CNT_CONNECTIONS_ENDED] = "connections_ended",
	[SMTP_FIXUP_CNT_CONNECTIONS_UNOBSERVED] = "connections_unobserved",
	[SMTP_FIXUP_CNT_SMUGGLING_SEEN] = "smuggling_seen",
	[SMTP_FIXUP_CNT_MIDSTREAM_PASSED] = "midstream_passed",
	[SMTP_FIXUP_CNT_CHUNKS] = "chunks",
	[SMTP_FIXUP_CNT_CONNECTIONS_OTHER_INTERFACE] = "connections_other_interface",
	[SMTP_FIXUP_CNT_CONNECTIONS_REOPENED] = "connections_reopened",
	[SMTP_FIXUP_CNT_COMMAND_LINES_CUT] = "command_lines_cut",
	[SMTP_FIXUP_CNT_SASL_RESPONSES_MASKED] = "sasl_responses_masked",
	[SMTP_FIXUP_CNT_SOURCES_REFUSED] = "sources_refused",
	[SMTP_FIXUP_CNT_CONNECTIONS_RECLAIMED] = "connections_reclaimed",
	[SMTP_FIXUP_CNT_BODIES_REFUSED] = "bodies_refused",
	[SMTP_FIXUP_CNT_SEGMENTS_RESUMED] = "segments_resumed",
	[SMTP_FIXUP_CNT_MPTCP_REMOVED] = "mptcp_removed",
	[SMTP_FIXUP_CNT_SYNACKS_STRANGE] = "synacks_strange",
	[SMTP_FIXUP_CNT_PACKETS_SPOOFED] = "packets_spoofed",
	[SMTP_FIXUP_CNT_MATCHES_LOGGED] = "matches_logged",
	[SMTP_FIXUP_CNT_MATCHES_ACTED] = "matches_acted",
	[SMTP_FIXUP_CNT_REPLIES_AWAITED] = "replies_awaited",
	[SMTP_FIXUP_CNT_MESSAGES_LONG] = "messages_long",
	[SMTP_FIXUP_CNT_HEADERS_LONG] = "headers_long",
	[SMTP_FIXUP_CNT_TO_FIELDS_EXCESS] = "to_fields_excess",
	[SMTP_FIXUP_CNT_RECIPIENTS_INVALID] = "recipients_invalid",
	[SMTP_FIXUP_CNT_REPLY_LINES_LONG] = "reply_lines_long",
	[SMTP_FIXUP_CNT_BDAT_CHUNKS_LONG] = "bdat_chunks_long",
	[SMTP_FIXUP_CNT_XEXCH50_BLOCKS_LONG] = "xexch50_blocks_long",
	[SMTP_FIXUP_CNT_PROXY_HEADERS] = "proxy_headers",
	[SMTP_FIXUP_CNT_MESSAGES_ABOVE_RATE] = "messages_above_rate",
	[SMTP_FIXUP_CNT_MESSAGES_ABOVE_SOURCE_RATE] = "messages_above_source_rate",
	[SMTP_FIXUP_CNT_SACKS_SENT] = "sacks_sent",
};

#ifndef __KERNEL__
const char *const smtp_counter_explanations[__SMTP_FIXUP_CNT_MAX] = {
	[SMTP_FIXUP_CNT_CONNECTIONS] =
		"connections opened to a port while this policy was in force",
	[SMTP_FIXUP_CNT_GREETINGS_MASKED] =
		"greetings (first reply, code 220) of which at least one byte was masked",
	[SMTP_FIXUP_CNT_COMMANDS_PASSED] =
		"command lines whose verb the policy allows",
	[SMTP_FIXUP_CNT_COMMANDS_BLOCKED] =
		"command lines whose verb the policy does not allow",
	[SMTP_FIXUP_CNT_EHLO_LINES_MASKED] =
		"lines of EHLO replies whose keyword the policy does not let through",
	[SMTP_FIXUP_CNT_BYTES_MASKED] =
		"bytes changed by any rule; retransmissions are not counted again",
	[SMTP_FIXUP_CNT_SEGMENTS_DROPPED] =
		"segments not forwarded because they could not be inspected yet (a gap before them, an awaited reply, no room); the sender retransmits them",
	[SMTP_FIXUP_CNT_SEGMENTS_REPLAYED] =
		"repeated segments that left with the bytes of their first copy",
	[SMTP_FIXUP_CNT_TLS_STARTED] =
		"connections that switched to TLS, opaque from then on",
	[SMTP_FIXUP_CNT_MESSAGES] =
		"message bodies that passed to their end",
	[SMTP_FIXUP_CNT_SEGMENTS_CUT] =
		"segments of which only the inspected beginning was forwarded; the sender retransmits the rest",
	[SMTP_FIXUP_CNT_SEGMENTS_AHEAD] =
		"segments of a body forwarded ahead of a gap",
	[SMTP_FIXUP_CNT_BARE_LINE_ENDS] =
		"bare CR or bare LF in command lines",
	[SMTP_FIXUP_CNT_SMUGGLING_DOTS] =
		"dots between line ends in a body that some servers take for the end of data, made harmless",
	[SMTP_FIXUP_CNT_REPLIES_UNEXPECTED] =
		"server lines that are no SMTP reply, or answer no command",
	[SMTP_FIXUP_CNT_BODY_REWRITES_REFUSED] =
		"retransmissions of body bytes dropped because they held an end of data that the first copy did not",
	[SMTP_FIXUP_CNT_CONNECTIONS_DESYNCHRONISED] =
		"connections reset because they could no longer be inspected",
	[SMTP_FIXUP_CNT_PACKETS_INVALID] =
		"packets dropped because connection tracking calls them INVALID",
	[SMTP_FIXUP_CNT_PACKETS_UNTRACKED] =
		"packets dropped because a NOTRACK rule hides them from connection tracking",
	[SMTP_FIXUP_CNT_PACKETS_MIDSTREAM] =
		"packets dropped because the beginning of their connection was not seen",
	[SMTP_FIXUP_CNT_SYN_DATA_CUT] =
		"SYN packets whose data (TCP Fast Open) was cut off; the client sends it again",
	[SMTP_FIXUP_CNT_URGENT_CLEARED] =
		"packets whose urgent pointer was cleared, so that both ends read the same bytes",
	[SMTP_FIXUP_CNT_CONNECTIONS_PREEXISTING] =
		"connections that were there before the policy and go on untouched",
	[SMTP_FIXUP_CNT_CONNECTIONS_OTHER_HELPER] =
		"connections left alone because an administrator gave them another conntrack helper",
	[SMTP_FIXUP_CNT_MEMORY_REFUSED] =
		"packets dropped because memory was short or memory_limit was reached",
	[SMTP_FIXUP_CNT_CONNECTIONS_FLUSHED] =
		"connections ended by flush",
	[SMTP_FIXUP_CNT_SPECIAL_CHARACTERS] =
		"the characters | and ` and NUL in the addresses of MAIL, RCPT, SAML, SEND and SOML",
	[SMTP_FIXUP_CNT_ADDRESSES_BAD] =
		"the characters < and > there that delimit no address",
	[SMTP_FIXUP_CNT_COMMAND_LINES_LONG] =
		"command lines longer than the limit command-line",
	[SMTP_FIXUP_CNT_RCPTS_EXCESS] =
		"RCPT commands of a message beyond the limit rcpt",
	[SMTP_FIXUP_CNT_SENDERS_LONG] =
		"sender addresses longer than the limit sender",
	[SMTP_FIXUP_CNT_HEADER_LINES_LONG] =
		"lines of message headers longer than the limit header-line",
	[SMTP_FIXUP_CNT_BODY_LINES_LONG] =
		"message body lines longer than the limit body-line",
	[SMTP_FIXUP_CNT_MIME_FILENAMES_LONG] =
		"file names of MIME parts longer than the limit mime-filename",
	[SMTP_FIXUP_CNT_BODIES_UNREAD] =
		"times that part of a message was not checked against its limits: bytes forwarded ahead of a gap, or parts nested too deeply",
	[SMTP_FIXUP_CNT_CONNECTIONS_ENDED] =
		"connections ended by the policy: reject drop or reset, special drop, smuggling drop, strict, a match or a limit",
	[SMTP_FIXUP_CNT_CONNECTIONS_UNOBSERVED] =
		"connections under observe that could not be followed to the end: too much data out of order, or sent before an awaited reply",
	[SMTP_FIXUP_CNT_SMUGGLING_SEEN] =
		"dots between line ends in a body that some servers take for the end of data, not made harmless",
	[SMTP_FIXUP_CNT_MIDSTREAM_PASSED] =
		"connections forwarded without inspection because their beginning is unknown",
	[SMTP_FIXUP_CNT_CHUNKS] =
		"chunks announced by BDAT or XEXCH50, which passed unread",
	[SMTP_FIXUP_CNT_CONNECTIONS_OTHER_INTERFACE] =
		"connections left alone because they do not come in by the interface of the option iif",
	[SMTP_FIXUP_CNT_CONNECTIONS_REOPENED] =
		"SYN/ACKs dropped because conntrack still had an older connection of the same ports; the client's next SYN opens a new one",
	[SMTP_FIXUP_CNT_COMMAND_LINES_CUT] =
		"command lines of which what is beyond 2,048 octets was overwritten",
	[SMTP_FIXUP_CNT_SASL_RESPONSES_MASKED] =
		"SASL responses with an octet that is not base64, or more than 12,288 octets, the octets in question masked",
	[SMTP_FIXUP_CNT_SOURCES_REFUSED] =
		"times that memory was refused because the client's address or network held as much as was left for all others",
	[SMTP_FIXUP_CNT_CONNECTIONS_RECLAIMED] =
		"times that a connection of such a source had to give memory back; of a body: repetitions of what was in flight are dropped, of commands: it is reset",
	[SMTP_FIXUP_CNT_BODIES_REFUSED] =
		"message bodies that the server refused before their end, of which the rest was masked",
	[SMTP_FIXUP_CNT_SEGMENTS_RESUMED] =
		"segments held for a reply and forwarded from a copy, before their sender retransmitted them",
	[SMTP_FIXUP_CNT_MPTCP_REMOVED] =
		"SYNs and SYN/ACKs whose MPTCP option was taken out, so that both ends speak plain TCP",
	[SMTP_FIXUP_CNT_SYNACKS_STRANGE] =
		"SYN/ACKs dropped because they acknowledge no SYN that was let through",
	[SMTP_FIXUP_CNT_PACKETS_SPOOFED] =
		"packets dropped because they come in by the interface of the connection's other end",
	[SMTP_FIXUP_CNT_MATCHES_LOGGED] =
		"values that a match was to log",
	[SMTP_FIXUP_CNT_MATCHES_ACTED] =
		"values for which a match masked something or ended the connection",
	[SMTP_FIXUP_CNT_REPLIES_AWAITED] =
		"lines that the server had not answered after 20 seconds, while the client had sent more",
	[SMTP_FIXUP_CNT_MESSAGES_LONG] =
		"messages longer than the limit message, by their MAIL's SIZE= or by what came of them",
	[SMTP_FIXUP_CNT_HEADERS_LONG] =
		"message headers longer than the limit header-length",
	[SMTP_FIXUP_CNT_TO_FIELDS_EXCESS] =
		"messages with more addresses in To fields than the limit to-fields",
	[SMTP_FIXUP_CNT_RECIPIENTS_INVALID] =
		"RCPT commands of a connection that the server refused by 5yz beyond the limit invalid-recipients",
	[SMTP_FIXUP_CNT_REPLY_LINES_LONG] =
		"lines of replies longer than the limit reply-line",
	[SMTP_FIXUP_CNT_BDAT_CHUNKS_LONG] =
		"chunks announced by BDAT longer than the limit bdat-chunk",
	[SMTP_FIXUP_CNT_XEXCH50_BLOCKS_LONG] =
		"blocks announced by XEXCH50 longer than the limit xexch50-block",
	[SMTP_FIXUP_CNT_PROXY_HEADERS] =
		"headers of the PROXY protocol, passed where proxy-protocol is allow, blocked otherwise",
	[SMTP_FIXUP_CNT_MESSAGES_ABOVE_RATE] =
		"messages above the limit rate, which had to wait for their turn (action wait) or were only counted (log)",
	[SMTP_FIXUP_CNT_MESSAGES_ABOVE_SOURCE_RATE] =
		"messages above the limit source-rate, which had to wait for their turn (action wait) or were only counted (log)",
	[SMTP_FIXUP_CNT_SACKS_SENT] =
		"ACKs that told a sender which of its segments are kept here behind a lost one, so that it repeats that one at once",
};
#endif
