/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Session: the SMTP dialogue of one connection, both directions. Bytes in
 * order go in, are judged and rewritten where they lie; nothing here knows
 * of segments. RULES.md G, V, E, D, S.
 */
#ifndef _SMTP_CORE_SESSION_H
#define _SMTP_CORE_SESSION_H

#include "address.h"
#include "chunk.h"
#include "events.h"
#include "policy.h"
#include "sasl.h"

/* Octets of a command line that pass, but for its end: V10. Exim splits a line at
 * 16,384 octets, and runs what follows as a command.
 */
#define SMTP_COMMAND_MAX	2048

/* Where in a command line the next byte of the client stands */
enum smtp_line {
	SMTP_LINE_START,	/* before the verb, blanks skipped */
	SMTP_LINE_VERB,		/* in a verb that may still be allowed */
	SMTP_LINE_BLOCKED,	/* in a verb that is not */
	SMTP_LINE_FILLED,	/* in a line that is overwritten to its end */
	SMTP_LINE_ARGUMENT,	/* behind the verb */
};

/* What the reply to a command settles; the greeting is the first reply */
enum smtp_await {
	SMTP_AWAIT_NOTHING,
	SMTP_AWAIT_GREETING,
	SMTP_AWAIT_LINE_END,	/* whether a bare LF ended the line: V7 */
	SMTP_AWAIT_EHLO,
	SMTP_AWAIT_DATA,
	SMTP_AWAIT_AUTH,
	SMTP_AWAIT_STARTTLS,
	SMTP_AWAIT_CHUNK,	/* whether XEXCH50 may send its own */
	SMTP_AWAIT_DOUBT,	/* whether what announces no chunk did: D6 */
	SMTP_AWAIT_UNEXPECTED,	/* a reply that answers nothing: D8 */
};

/* How far an EHLO line's keyword has been read: E1 */
enum smtp_ehlo_line {
	SMTP_EHLO_READING,	/* may still become an allowed keyword */
	SMTP_EHLO_PASSED,
	SMTP_EHLO_MASKED,	/* X to the end of the line */
	SMTP_EHLO_LETTERED,	/* ... and its last octet is done */
};

/**
 * struct smtp_session - the dialogue's state; derived from bytes alone
 * @verb: the verb being read
 * @keyword: the EHLO keyword being read
 * @commands: commands ended by the client, counting the greeting as the
 *	answer to the first; wraps
 * @replies: replies ended by the server; wraps. Reply n answers command n: D7
 * @ehlo: number of the EHLO that is not answered, where @ehlo_pending
 * @hello: number of the last HELO, EHLO or XCLIENT: they undo what was offered
 * @blocked: commands masked
 * @messages: bodies ended
 * @data_ends: ends of data, counted in @commands because they are answered
 * @announced: octets of the chunk that XEXCH50 asks leave for
 * @skip: octets that follow unread: a chunk
 * @chunk: the announcement of one, being read
 * @phase: enum smtp_fixup_phase
 * @wait: enum smtp_await: what the reply to the last command settles, phase wait
 * @line: enum smtp_line
 * @await: enum smtp_await: what the reply to the line being read will settle
 * @cr: the client's last octet was CR
 * @bare: the line that the wait is for ended in LF alone
 * @takes_lf: the server has answered such a line: LF ends lines for it
 * @cr_again: ... and so was the one before it
 * @ehlo_pending: an EHLO is not answered yet
 * @uncertain: the server may have answered more or less than a reply a line, or
 *	an EHLO was pipelined with other commands: D11
 * @ehlo_sent: the client has sent one
 * @ehlos: EHLOs whose reply has not come for certain; stops at 255: D11
 * @chunking: the answer to @hello offered CHUNKING
 * @reply: enum smtp_await: what the reply being read settles
 * @reply_code: code of the reply line being read, as far as it has come, or
 *	%SMTP_NO_CODE
 * @reply_column: where in the reply line, stops at 5
 * @reply_last: the server's last octet as it came: G3 looks one octet back
 * @reply_ehlo: it is read as one to EHLO: E1, D11
 * @reply_offers: ... and has a keyword that passes: it may well be one
 * @reply_begun: the reply has a complete line
 * @reply_more: the line's code is followed by '-'
 * @mask_greeting: the greeting's code is 220
 * @ehlo_line: enum smtp_ehlo_line
 * @letter: the next letter of E1, from 0
 * @column: octets of the command line so far
 * @recipients: RCPT commands of this message, up to the limit
 * @address_len: octets of its address so far
 * @address: enum smtp_address
 * @sender: ... is the sender's
 * @sasl: enum smtp_sasl
 * @response: octets of the SASL response so far, up to the limit
 * @overwritten: it has been told that octets of the line are: V10, D5
 * @confidential: what is blocked now may be credentials, or mail: M
 */
struct smtp_session {
	struct smtp_match verb;
	struct smtp_match keyword;
	u32 commands;
	u32 replies;
	u32 ehlo;
	u32 hello;
	u32 blocked;
	u32 messages;
	u32 data_ends;
	u32 announced;
	u32 skip;
	struct smtp_chunk chunk;
	u8 phase;
	u8 wait;
	u8 line;
	u8 await;
	bool cr;
	bool bare;
	bool takes_lf;
	bool cr_again;
	bool ehlo_pending;
	bool uncertain;
	bool ehlo_sent;
	u8 ehlos;
	bool chunking;
	u16 reply_code;
	u8 reply;
	u8 reply_column;
	u8 reply_last;
	bool reply_ehlo;
	bool reply_offers;
	bool reply_begun;
	bool reply_more;
	bool mask_greeting;
	u8 ehlo_line;
	u8 letter;
	u32 column;
	u16 recipients;
	u16 address_len;
	u8 address;
	bool sender;
	u8 sasl;
	u16 response;
	bool overwritten;
	bool confidential;
};

#define SMTP_NO_CODE	0xffff	/* the line is no reply line */

/* May the length of what is judged be changed? */
enum smtp_elastic {
	SMTP_ELASTIC_NEVER,	/* on loopback: mask instead */
	SMTP_ELASTIC_LATER,	/* an earlier edit is in flight */
	SMTP_ELASTIC_NOW,
};

/**
 * struct smtp_piece - bytes in order, to be judged where they lie
 * @buf: the bytes
 * @n: how many
 * @repeats: the same has been left to come together with more, and has not: a
 *	line that is not whole waits once. Beyond one retransmission the server's
 *	TCP puts no more together (E1, E4, G6-G8)
 * @elastic: enum smtp_elastic
 * @room: octets that may stand in place of any part of it; @buf has room for
 *	smtp_policy_spare() more than @n
 * @masked: result: octets changed
 * @later: result: stopped for %SMTP_ELASTIC_LATER
 * @at: result: where octets are replaced, the last ones that are judged
 * @old: result: how many are, 0: none
 * @bytes: result: what stands in their place, or NULL: is at @buf + @at
 * @len: result: how many octets that is
 */
struct smtp_piece {
	u8 *buf;
	u32 n;
	bool repeats;
	u8 elastic;
	u32 room;
	u32 masked;
	bool later;
	u32 at;
	u32 old;
	const u8 *bytes;
	u32 len;
};

/**
 * smtp_session_init() - a connection whose greeting has not come yet
 * @s: the session
 */
void smtp_session_init(struct smtp_session *s);

/**
 * smtp_session_client() - judge command lines, and SASL responses
 * @flow: whose session it is
 * @p: the next bytes in order
 *
 * Bytes of one segment come in one call where they can: a verb that is whole
 * in sight is masked whole (V6).
 *
 * Return: bytes judged. Fewer than there are when the phase has changed: the
 * rest must wait (D2) or is no command; behind a change of length; before a
 * chunk; or before the line that ended the connection.
 */
u32 smtp_session_client(struct smtp_flow *flow, struct smtp_piece *p);

/**
 * smtp_session_server() - read and rewrite replies
 * @flow: whose session it is
 * @p: the next bytes in order
 *
 * Return: bytes judged. Fewer than there are when TLS starts behind them, for
 * smtp_piece.repeats, behind a change of length, or before the line that ended
 * the connection, and where it answers nothing, the reply.
 */
u32 smtp_session_server(struct smtp_flow *flow, struct smtp_piece *p);

/**
 * smtp_session_body_end() - the terminator has passed: commands again
 * @flow: whose session it is
 */
void smtp_session_body_end(struct smtp_flow *flow);

#endif /* _SMTP_CORE_SESSION_H */
