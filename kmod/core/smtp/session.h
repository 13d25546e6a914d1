/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SMTP dialogue of one connection, both directions. The caller passes bytes in order.
 * They are judged and rewritten in place, and the caller is told what to do next by the
 * return value. Nothing here knows of segments. docs/rules.md G, V, E, D, S.
 */
#ifndef _SMTP_CORE_SESSION_H
#define _SMTP_CORE_SESSION_H

#include "chunk.h"
#include "../policy/policy.h"

/* Octets of a command line that pass, but for its end: V10. Exim splits a line at
 * 16,384 octets, and runs what follows as a command.
 */
#define SMTP_COMMAND_MAX	2048

/* Where in a command line the next byte of the client stands */
enum smtp_line {
	SMTP_LINE_START,	/* before the verb, blanks skipped */
	SMTP_LINE_VERB,		/* in a verb that may still be allowed */
	SMTP_LINE_BLOCKED,	/* in a verb that is blocked */
	SMTP_LINE_FILLED,	/* in a line that is overwritten to its end */
	SMTP_LINE_ARGUMENT,	/* after the verb */
};

/* Where in the argument of MAIL, RCPT and the like the next octet stands: A */
enum smtp_address {
	SMTP_ADDRESS_NONE,	/* of another command */
	SMTP_ADDRESS_BEFORE,	/* before the colon */
	SMTP_ADDRESS_BARE,	/* after it: an address without < and > */
	SMTP_ADDRESS_INSIDE,	/* between < and > */
	SMTP_ADDRESS_AFTER,	/* in the parameters: RFC 5321, 4.1.2 */
	SMTP_ADDRESS_PARAMETER,	/* between < and > there: RFC 4954, 5 */
};

/* Where in the argument of AUTH the next octet stands */
enum smtp_sasl {
	SMTP_SASL_NONE,		/* of another command */
	SMTP_SASL_BEFORE,	/* before the mechanism */
	SMTP_SASL_MECHANISM,
	SMTP_SASL_AFTER,	/* after it and a blank */
	SMTP_SASL_RESPONSE,	/* in the initial response, or in a line of its own */
};

/* What the reply to a command decides; the greeting is the first reply */
enum smtp_await {
	SMTP_AWAIT_NOTHING,
	SMTP_AWAIT_GREETING,
	SMTP_AWAIT_LINE_END,	/* whether a bare LF ended the line: V7 */
	SMTP_AWAIT_DATA_END,	/* whether LF.LF ended the message: V7 */
	SMTP_AWAIT_EHLO,
	SMTP_AWAIT_DATA,
	SMTP_AWAIT_AUTH,
	SMTP_AWAIT_STARTTLS,
	SMTP_AWAIT_CHUNK,	/* whether XEXCH50 may send its own */
	SMTP_AWAIT_DOUBT,	/* whether what announces no chunk did: D6 */
	SMTP_AWAIT_UNEXPECTED,	/* a reply that answers nothing: D8 */
	SMTP_AWAIT_BODY,	/* a reply before the end of a body: D10 */
};

/* A server that refuses a body before its end may read the rest as commands, and send
 * more replies than are counted: D10
 */
enum smtp_left {
	SMTP_LEFT_NOT,		/* it has not refused a body */
	SMTP_LEFT_JUST,		/* it has refused one, and sent nothing since */
	SMTP_LEFT_ONCE,		/* it has accepted a command since: at most one reply more */
	SMTP_LEFT,		/* any number of replies more */
	SMTP_LEFT_LOST,		/* and it is not known whether DATA was answered */
};

/* The PROXY header of a load balancer, before the first command: V11 */
enum smtp_proxy {
	SMTP_PROXY_EITHER,	/* nothing has come */
	SMTP_PROXY_V1,		/* part of a header, a line */
	SMTP_PROXY_V2,		/* part of a binary header */
	SMTP_PROXY_OVER,	/* it is over, or there is none */
};

/* How far an EHLO line's keyword has been read: E1 */
enum smtp_ehlo_line {
	SMTP_EHLO_READING,	/* may still become an allowed keyword */
	SMTP_EHLO_PASSED,
	SMTP_EHLO_MASKED,	/* X to the end of the line */
	SMTP_EHLO_LETTERED,	/* masked, its last octet is a letter: E1 */
};

/* Where in a value that a match looks at the next octet stands */
enum smtp_value_at {
	SMTP_VALUE_NOWHERE,	/* nothing is looked at */
	SMTP_VALUE_WORD,	/* in a verb */
	SMTP_VALUE_COLON,	/* before the colon of an address */
	SMTP_VALUE_START,	/* before a value */
	SMTP_VALUE_BARE,	/* in a value that ends with its word */
	SMTP_VALUE_AFTER,	/* after an address without < and >: it may have
				 * been a name
				 */
	SMTP_VALUE_INSIDE,	/* in an address between < and > */
	SMTP_VALUE_QUOTED,	/* between quotes there: RFC 5321, 4.1.2 */
	SMTP_VALUE_ESCAPED,	/* after a backslash there */
	SMTP_VALUE_SIZE,	/* no match looks on; SIZE= is looked for: X1 */
};

/**
 * struct smtp_value - a value being read from the client's line
 * @state: of the automaton of @what
 * @relay: of the automaton of %SMTP_FIXUP_WHAT_RELAY, if @what is a recipient
 * @what: enum smtp_fixup_what
 * @at: enum smtp_value_at
 */
struct smtp_value {
	u16 state;
	u16 relay;
	u8 what;
	u8 at;
};

/**
 * struct smtp_session - the state of a dialogue, derived from bytes alone
 * @verb: the verb being read
 * @keyword: the EHLO keyword being read
 * @commands: commands ended by the client, counting the greeting as the
 *	answer to the first; wraps
 * @replies: replies ended by the server; wraps. Reply n answers command n: D7
 * @ehlo: number of the EHLO that is not answered, where @ehlo_pending
 * @hello: number of the last HELO, EHLO or XCLIENT, each of which begins anew
 * @blocked: commands masked
 * @messages: bodies ended
 * @data_ends: ends of data, counted in @commands because they are answered
 * @announced: size of the chunk that XEXCH50 asks to send
 * @ended: enum smtp_next: the connection has ended, or %SMTP_GO_ON
 * @chunk: the announcement of one, being read
 * @phase: enum smtp_fixup_phase
 * @wait: enum smtp_await: what the reply to the last command settles, phase wait
 * @line: enum smtp_line
 * @await: enum smtp_await: what the reply to the line being read will settle
 * @cr: the client's last octet was CR
 * @bare: the line whose reply is awaited ended in LF alone
 * @has_cr: the client has sent a CR: not all of its lines end in LF alone
 * @takes_lf: the server has answered a line that ended in LF alone
 * @tail: octets at the end of the awaited line that its answer does not need: D11
 * @hasty: the client has sent on without the reply to its DATA: RFC 2920, 3.1
 * @chunk_waits: what the client sends next is BDAT or XEXCH50, and waits for replies: D6, H7
 * @cr_again: the client's last two octets were CR
 * @ehlo_pending: an EHLO is not answered yet
 * @uncertain: the number of replies may differ from that of the lines, or an EHLO was
 *	pipelined with other commands: D11
 * @surplus: the server has sent more replies than the client sent lines
 * @ehlo_sent: the client has sent an EHLO
 * @ehlos: EHLOs whose reply has not certainly come; stops at 255: D11
 * @chunking: the answer to @hello offered CHUNKING
 * @refused: the server has refused the body before its end: D10
 * @left: enum smtp_left
 * @rcpts: bit i: command @commands - i is a RCPT of this transaction: D6
 * @bdats: bit i: command @commands - i is a BDAT
 * @is_rcpt: the line being read is a RCPT
 * @asked: the transaction has a RCPT
 * @accepted: a RCPT was answered by 2yz. Cleared by BDAT LAST, and when a BDAT is refused
 * @crossed: the last chunk, or what is left of it, leaves crossed out
 * @rates: of what begins a message: bit i: it is admitted by the i-th rate, bit
 *	4 + i: it is told that it is above it. X7
 * @rate_waits: it waits for its turn
 * @reply: enum smtp_await: what the reply being read settles
 * @reply_code: code of the reply line being read, as far as it has come, or
 *	%SMTP_NO_CODE
 * @reply_column: where in the reply line, stops at 5
 * @reply_last: the server's last octet as it came: G3 looks one octet back
 * @reply_ehlo: it is read as an EHLO reply: E1, D11
 * @reply_in_body: it began before the server had the end of the last body: D10
 * @reply_offers: a keyword in it passes, so it may be an EHLO's
 * @reply_begun: the reply has a complete line
 * @reply_more: the line's code is followed by '-'
 * @mask_greeting: the greeting's code is 220
 * @ehlo_line: enum smtp_ehlo_line
 * @letter: the next letter of E1, from 0
 * @column: octets of the command line so far
 * @recipients: RCPT commands of this message, up to the limit
 * @address_len: octets of its address so far
 * @address: enum smtp_address
 * @sender: the address is that of MAIL
 * @sasl: enum smtp_sasl
 * @response: octets of the SASL response so far, up to the limit
 * @overwritten: octets of the line are overwritten, and the event was sent: V10, D5
 * @confidential: a blocked line may be credentials, or mail: M
 * @broken: the rest of the line must make the server refuse it: X10
 * @value: what a match looks at
 * @message: octets of the message so far: X1
 * @declared: value of SIZE=, as far as it has come
 * @asked_first: number of the first RCPT that may not be answered
 * @asked_last: number of the last such RCPT: X2
 * @invalid: RCPTs refused by 5yz, up to one more than the limit
 * @reply_len: octets of the reply's line so far, stops at 65,535
 * @size_at: how far SIZE= has been read; 0: it is not looked for
 * @proxy: enum smtp_proxy. While a header is being read, @column counts its octets
 * @proxy_end: the header's length, if @proxy is %SMTP_PROXY_V2
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
	struct smtp_chunk chunk;
	u8 ended;
	u8 phase;
	u8 wait;
	u8 line;
	u8 await;
	bool cr;
	bool bare;
	bool has_cr;
	bool takes_lf : 1;
	bool hasty : 1;
	u8 tail : 2;
	bool chunk_waits : 1;
	bool cr_again;
	bool ehlo_pending;
	bool uncertain;
	bool surplus;
	bool ehlo_sent;
	u8 ehlos;
	bool chunking;
	bool refused;
	u8 left;
	bool is_rcpt;
	bool asked;
	bool accepted;
	bool crossed;
	u8 rates;
	bool rate_waits;
	u32 rcpts;
	u32 bdats;
	u16 reply_code;
	u8 reply;
	u8 reply_column;
	u8 reply_last;
	bool reply_ehlo;
	bool reply_in_body;
	bool reply_offers;
	bool reply_begun;
	bool reply_more;
	bool mask_greeting;
	u8 ehlo_line;
	u32 column;
	u16 recipients;
	u16 address_len;
	u8 address;
	bool sender;
	u8 sasl;
	u16 response;
	bool overwritten;
	bool confidential;
	bool broken;
	u8 letter;
	struct smtp_value value;
	u32 message;
	u32 declared;
	u32 asked_first;
	u32 asked_last;
	u16 invalid;
	u16 reply_len;
	u8 size_at;
	u8 proxy;
	u16 proxy_end;
};

/* D6: has the client been offered CHUNKING, as far as is known? Where `ehlo keep` shows a
 * keyword that is not counted on, it may have been.
 */
static inline bool smtp_session_chunks(const struct smtp_session *s,
				       const struct smtp_policy *policy)
{
	return s->chunking ||
	       (s->ehlo_sent && policy->ehlo == SMTP_FIXUP_EHLO_KEEP);
}

/* V10: how many more octets of the line pass? */
static inline u32 smtp_line_room(const struct smtp_session *s)
{
	return s->column < SMTP_COMMAND_MAX ? SMTP_COMMAND_MAX - s->column : 0;
}

#define SMTP_NO_CODE	0xffff	/* the line is no reply line */

/* Why judging stops, and what is needed to go on */
enum smtp_next {
	SMTP_GO_ON,	/* nothing: all was judged, or the next octets are of another kind */
	SMTP_NEED_LINE,	/* the rest of the line; or smtp_input.final */
	SMTP_NEED_ACK,	/* of the last change of length */
	SMTP_SYNC,	/* the reply to what was judged: D2 */
	SMTP_BODY,	/* a body follows */
	SMTP_TLS,	/* TLS follows */
	SMTP_END_DROP,	/* the policy ends the connection: packets are dropped */
	SMTP_END_RESET,	/* the policy ends the connection by a RST */
	SMTP_LOST,	/* commands, replies and bodies can no longer be told apart */
};

/* May the length of what is judged be changed? */
enum smtp_resize {
	SMTP_RESIZE_NEVER,	/* on loopback: mask instead */
	SMTP_RESIZE_BUSY,	/* an earlier change is in flight */
	SMTP_RESIZE_OK,
};

/**
 * struct smtp_input - bytes in order, to be judged in place
 * @buf: the bytes; there is room for smtp_policy_spare() more
 * @len: how many
 * @room: octets of the packet, at most, if the length of any part of them changes
 * @ahead: octets of the packet before @buf
 * @resize: enum smtp_resize
 * @final: an incomplete line does not wait for its rest: waiting has not helped
 * @early: the server sent these before it had the line that they seem to answer
 * @in_body: the server sent these before it had the end of the last body
 * @answers: the connection has ended; only replies to commands before that are judged
 */
struct smtp_input {
	u8 *buf;
	u32 len;
	u32 room;
	u32 ahead;
	u8 resize;
	bool final;
	bool early;
	bool in_body;
	bool answers;
};

/**
 * struct smtp_output - what was done to the bytes
 * @used: bytes judged
 * @skip: octets of the client that follow unread: a chunk
 * @masked: bytes changed
 * @next: enum smtp_next
 * @refused: the server has refused a chunk: all that are in flight are crossed out
 * @edit: a change of length, the last bytes that were judged
 */
struct smtp_output {
	u32 used;
	u32 skip;
	u32 masked;
	u8 next;
	bool refused;
	/**
	 * @at: where bytes are replaced
	 * @old: how many are, 0: none
	 * @len: how many octets stand in their place
	 * @with: those, or NULL: they are at @buf + @at
	 */
	struct {
		u32 at;
		u32 old;
		u32 len;
		const u8 *with;
	} edit;
};

/**
 * smtp_session_next() - what do the next octets of a direction belong to?
 * @s: the session
 * @client: whether it is the client's direction
 *
 * Return: %SMTP_GO_ON: lines, %SMTP_SYNC, %SMTP_BODY or %SMTP_TLS.
 */
static inline enum smtp_next smtp_session_next(const struct smtp_session *s,
					       bool client)
{
	if (s->phase == SMTP_FIXUP_PHASE_TLS)
		return SMTP_TLS;
	if (client && s->phase == SMTP_FIXUP_PHASE_WAIT)
		return SMTP_SYNC;
	if (client && s->phase == SMTP_FIXUP_PHASE_BODY)
		return SMTP_BODY;
	return SMTP_GO_ON;
}

/**
 * smtp_session_awaited() - the line whose reply is awaited
 * @s: the session, in phase wait
 *
 * Return: its verb, or why its reply is awaited.
 */
const char *smtp_session_awaited(const struct smtp_session *s);

/**
 * smtp_session_init() - a connection whose greeting has not come yet
 * @s: the session
 */
void smtp_session_init(struct smtp_session *s);

/**
 * smtp_line_begin() - the next byte of the client begins a command line
 * @s: the session
 */
void smtp_line_begin(struct smtp_session *s);

/**
 * smtp_session_end() - end the connection; under observe it goes on
 * @s: the session
 * @how: %SMTP_END_DROP, %SMTP_END_RESET or %SMTP_LOST
 * @host: told of it, once
 */
void smtp_session_end(struct smtp_session *s, enum smtp_next how,
		      struct smtp_host *host);

/**
 * smtp_client_judge() - judge command lines, and SASL responses
 * @s: the session
 * @policy: what it is under
 * @in: the next bytes of the client, in order
 * @host: told of counters and events
 *
 * Bytes of one segment come in one call where they can: a verb that is whole
 * in one buffer is masked whole (V6).
 *
 * Return: what has been judged. Less than @in where the rest must wait (D2), is no
 * command, or is after a change of length, a chunk's announcement or the line that
 * ended the connection.
 */
struct smtp_output smtp_client_judge(struct smtp_session *s,
				     const struct smtp_policy *policy,
				     const struct smtp_input *in,
				     struct smtp_host *host);

/**
 * smtp_server_judge() - read and rewrite replies
 * @s: the session
 * @policy: what it is under
 * @in: the next bytes of the server, in order
 * @host: told of counters and events
 *
 * Return: what has been judged. Less than @in where TLS follows, where an incomplete line
 * waits, after a change of length, and before the line that ended the connection, or the
 * whole reply if that was unexpected.
 */
struct smtp_output smtp_server_judge(struct smtp_session *s,
				     const struct smtp_policy *policy,
				     const struct smtp_input *in,
				     struct smtp_host *host);

/**
 * smtp_session_data_ended() - the end of data has passed: commands again
 * @s: the session
 * @bare: it was LF.LF, which some servers do not accept: the reply tells (V7)
 * @host: told of it
 */
void smtp_session_data_ended(struct smtp_session *s, bool bare,
			     struct smtp_host *host);

#endif /* _SMTP_CORE_SESSION_H */
