/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stream: TCP segments to bytes in order, and back. First copy wins: what was
 * judged once leaves the same however it is repeated. DESIGN.md, "The stream
 * contract"; RULES.md T1, T2.
 *
 * In command state the bytes as they left are kept until the far end has
 * ACKed them, and every copy of them is overwritten with what was kept. A
 * body is not kept: only where its dots are (marks), for without a dot there
 * is no end of data.
 *
 * A segment may be cut: its judged head passes, the sender repeats the rest.
 */
#ifndef _SMTP_CORE_STREAM_H
#define _SMTP_CORE_STREAM_H

#include "edit.h"
#include "replay.h"
#include "session.h"

enum smtp_dir {
	SMTP_CLIENT,	/* from the client to the server */
	SMTP_SERVER,	/* from the server to the client */
};

enum smtp_verdict {
	SMTP_PASS,	/* the first smtp_segment.pass octets go on */
	SMTP_DROP,	/* the sender repeats it */
	SMTP_RESET,	/* the connection can't be judged any more: end it */
};

/**
 * struct smtp_segment - one packet's TCP payload, as the surroundings hold it
 * @seq: sequence number of the first payload octet
 * @len: payload octets
 * @mss: wire segments it will leave in carry this much (gso_size), or 0: one
 * @ack: cumulative ACK of the other direction
 * @has_ack: @ack is valid
 * @fin: carries FIN
 * @room: payload octets that may leave in it at most; 0: its length must stay
 * @pass: result: leading octets that go on; less than @len is a cut
 * @read: payload from @off: returns a pointer and sets *@avail, >= 1 octets
 * @write: make the payload from @off read as @bytes; 0, or negative: drop it.
 *	Called when reading is over; must compare before it copies
 * @splice: make the payload its first @keep octets and then @bytes; as @write
 * @adjust: from sequence number @pos on, this direction is shifted by @delta
 * @settle: this direction's shift holds for all its sequence numbers
 */
struct smtp_segment {
	u32 seq;
	u32 len;
	u32 mss;
	u32 ack;
	bool has_ack;
	bool fin;
	u32 room;
	u32 pass;
	const u8 *(*read)(struct smtp_segment *seg, u32 off, u32 *avail);
	int (*write)(struct smtp_segment *seg, u32 off, const u8 *bytes, u32 n);
	int (*splice)(struct smtp_segment *seg, u32 keep, const u8 *bytes, u32 n);
	void (*adjust)(struct smtp_segment *seg, u32 pos, s32 delta);
	void (*settle)(struct smtp_segment *seg);
};

/* What the last octets of a body are, as the server will see them: D3, D4 */
enum smtp_body_state {
	SMTP_BODY_TEXT,
	SMTP_BODY_CR,
	SMTP_BODY_LF,		/* without a CR before it */
	SMTP_BODY_CRLF,		/* a body begins as if behind one */
	SMTP_BODY_DOT,		/* CRLF and a dot */
	SMTP_BODY_BAD_DOT,	/* CR or LF alone, and a dot */
	SMTP_BODY_DOT_CR,	/* CRLF, a dot and CR */
};

/* What the octets that passed ahead of a gap begin with. It decides about a dot
 * before it, so it is looked at when the gap closes.
 */
enum smtp_ahead_begin {
	SMTP_AHEAD_TEXT,	/* none of these */
	SMTP_AHEAD_NUL,
	SMTP_AHEAD_LF,
	SMTP_AHEAD_CRLF,
};

/**
 * struct smtp_ahead - body octets that passed ahead of a gap
 * @start: sequence number of the first
 * @end: behind the last
 * @state: enum smtp_body_state behind the last
 * @begin: enum smtp_ahead_begin
 */
struct smtp_ahead {
	u32 start;
	u32 end;
	u8 state;
	u8 begin;
};

enum smtp_mark_kind {
	SMTP_MARK_DOTS,		/* dots, and whether a CR or LF is beside them */
	SMTP_MARK_SPACE,	/* an octet that left as a space: D4 */
};

/* Where a dot that is let be between line ends is no end of data: D4. One octet
 * that keeps it from being one is enough.
 */
enum smtp_mark_wrong {
	SMTP_WRONG_NOWHERE,
	SMTP_WRONG_CR_BEFORE,	/* the octet before it is no LF */
	SMTP_WRONG_LF_BEFORE,	/* that before this LF is no CR */
	SMTP_WRONG_LF_BEHIND,	/* the octet behind it is no CR */
	SMTP_WRONG_CR_BEHIND,	/* that behind this CR is no LF */
};

/**
 * struct smtp_mark - what is remembered of the first copy of a body
 * @seq: sequence number of the first octet
 * @len: octets; more than one only of dots
 * @kind: enum smtp_mark_kind
 * @eol_before: the octet before them is CR or LF, or the body begins here
 * @end_behind: the octet behind them is CR, LF or NUL: smtp_ends_dot()
 * @wrong: enum smtp_mark_wrong
 */
struct smtp_mark {
	u32 seq;
	u16 len;
	u8 kind : 1;
	u8 eol_before : 1;
	u8 end_behind : 1;
	u8 wrong : 3;
};

#define SMTP_MARK_LEN_MAX	0xffff

/* Dots, or runs of them, in flight: room for the first, and for all, 128 KiB */
#define SMTP_MARKS_MIN	16
#ifndef SMTP_MARKS_MAX		/* the simulator has little */
#define SMTP_MARKS_MAX	16384
#endif

/* Gaps in flight: a path of 1,000 segments that loses one of 20 has 50 */
#define SMTP_AHEAD_MIN	4
#ifndef SMTP_AHEAD_MAX		/* the simulator's windows are small */
#define SMTP_AHEAD_MAX	64
#endif

/* Octets in flight at most: RFC 7323, 2.3 */
#define SMTP_WINDOW_MAX	0x40000000U

#define SMTP_HELD_IN_VAIN	0xffff	/* more than any number of octets kept */

/**
 * struct smtp_stream - one direction
 * @next: sequence number of the next octet to judge
 * @acked: the far end has everything before this
 * @body_start: first octet of the last body
 * @body_end: behind its last octet, once it has ended
 * @chunk_start: first octet of the last chunk: D6
 * @chunk_end: behind its last octet; @next has been there since it began
 * @state: enum smtp_body_state before @next
 * @in_body: a body is under way
 * @nr_ahead: ranges in use of @ahead
 * @max_ahead: room in @ahead
 * @mss: largest wire segment of this body, octets
 * @nr_marks: marks in use
 * @max_marks: room in @marks, without that of those aside
 * @held: octets at @next that were left to be repeated together with more
 *	(E1), or %SMTP_HELD_IN_VAIN
 * @repeats: these have come again as they were
 * @spaces: of @marks some are %SMTP_MARK_SPACE
 * @wrongs: of @marks some have a smtp_mark.wrong
 * @long_line: a segment of this body, beyond a gap, had no line end
 * @long_line_end: behind its last octet
 * @marks_aside: marks at the end of @marks, while others are put before them
 * @marks: in order of sequence, or NULL
 * @ahead: ranges beyond @next, in order, not touching, or NULL
 * @edit: the map from @next and @acked, as sent, to what leaves
 * @replay: command bytes in flight, numbered as they leave
 *
 * What a body needs comes first: one cache line.
 */
struct smtp_stream {
	u32 next;
	u32 acked;
	u32 body_start;
	u32 body_end;
	u32 chunk_start;
	u32 chunk_end;
	u8 state;
	bool in_body;
	u8 nr_ahead;
	u8 max_ahead;
	u16 mss;
	u16 nr_marks;
	u16 max_marks;
	u16 held;
	bool repeats;
	bool spaces;
	bool wrongs;
	bool long_line;
	u16 marks_aside;
	u32 long_line_end;
	struct smtp_mark *marks;
	struct smtp_ahead *ahead;
	struct smtp_edit edit;
	struct smtp_replay replay;
};

/**
 * struct smtp_flow - one connection
 * @policy: what it is under, for its whole life
 * @session: the dialogue
 * @stream: by enum smtp_dir
 * @reading: of a body, for its limits, or NULL
 * @observed: what has passed unjudged, under observe, or NULL
 * @unobserved: too much has: nothing is judged any more
 * @ended: enum smtp_verdict: nothing more is judged; or %SMTP_PASS
 * @sealed: it ended, and what was judged does not leave again either
 * @answers: the client's octets ended it: the server answers what precedes them
 * @server_fin: the server's FIN has passed: it answers no more
 *
 * The surroundings keep it under a lock of their own for every call.
 */
struct smtp_flow {
	const struct smtp_policy *policy;
	struct smtp_session session;
	struct smtp_stream stream[2];
	struct smtp_reading *reading;
	struct smtp_observed *observed;
	bool unobserved;
	u8 ended;
	bool sealed;
	bool answers;
	bool server_fin;
};

/* Is the connection at its end? With observe it goes on all the same */
static inline bool smtp_flow_over(const struct smtp_flow *flow)
{
	return flow->ended && !flow->policy->observe;
}

/**
 * smtp_flow_closed() - is nothing of this direction judged any more?
 * @flow: the flow
 * @dir: the direction
 *
 * Where the client ended the connection, commands that passed before are still
 * answered: without its 250 it would send an accepted mail again.
 */
static inline bool smtp_flow_closed(const struct smtp_flow *flow,
				    enum smtp_dir dir)
{
	return smtp_flow_over(flow) &&
	       (dir == SMTP_CLIENT || !flow->answers || flow->server_fin ||
		flow->session.replies == flow->session.commands);
}

/**
 * smtp_flow_finished() - is the connection over, and all before that delivered?
 * @flow: the flow
 *
 * What was judged before the end leaves, and is repeated, until it is ACKed.
 */
static inline bool smtp_flow_finished(const struct smtp_flow *flow)
{
	const struct smtp_stream *st = flow->stream;

	return smtp_flow_over(flow) &&
	       (flow->sealed ||
		(smtp_flow_closed(flow, SMTP_SERVER) &&
		 st[SMTP_SERVER].acked == st[SMTP_SERVER].next &&
		 (!flow->answers ||
		  st[SMTP_CLIENT].acked == st[SMTP_CLIENT].next)));
}

/**
 * smtp_flow_end() - end the connection, by the policy
 * @flow: the flow
 * @how: %SMTP_DROP or %SMTP_RESET, for all octets from these on
 */
void smtp_flow_end(struct smtp_flow *flow, enum smtp_verdict how);

/**
 * smtp_flow_desynchronised() - end the connection: it can't be judged any more
 * @flow: the flow
 */
void smtp_flow_desynchronised(struct smtp_flow *flow);

/**
 * smtp_flow_init() - a connection whose handshake has been seen
 * @flow: the flow, not zeroed
 * @policy: must outlive it
 * @client_seq: sequence number of the client's first payload octet
 * @server_seq: likewise of the server's
 */
void smtp_flow_init(struct smtp_flow *flow, const struct smtp_policy *policy,
		    u32 client_seq, u32 server_seq);

/**
 * smtp_flow_release() - give back what the flow holds
 * @flow: the flow
 */
void smtp_flow_release(struct smtp_flow *flow);

/**
 * smtp_flow_segment() - judge one segment
 * @flow: the flow, locked
 * @dir: where it comes from
 * @seg: the segment; @seg->pass is set
 *
 * Payload-less segments (len 0) must come here too: their ACKs free memory.
 *
 * Return: enum smtp_verdict.
 */
enum smtp_verdict smtp_flow_segment(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg);

/**
 * smtp_flow_enforce() - smtp_flow_segment() but for the option observe
 * @flow: the flow, locked
 * @dir: where it comes from
 * @seg: the segment; @seg->pass is set
 *
 * Return: enum smtp_verdict.
 */
enum smtp_verdict smtp_flow_enforce(struct smtp_flow *flow, enum smtp_dir dir,
				    struct smtp_segment *seg);

/* The octet at @seq, one of the segment's */
static inline u8 smtp_segment_octet(struct smtp_segment *seg, u32 seq)
{
	u32 n;

	return *seg->read(seg, seq - seg->seq, &n);
}

/**
 * smtp_segment_copy() - copy octets of a segment
 * @seg: the segment
 * @off: from there on
 * @to: where to
 * @n: how many; they are all there
 */
void smtp_segment_copy(struct smtp_segment *seg, u32 off, u8 *to, u32 n);

/* Does the stream hold nothing, and has conntrack been told all? */
static inline bool smtp_stream_idle(const struct smtp_stream *st)
{
	return !READ_ONCE(st->replay.buf) && !READ_ONCE(st->marks) &&
	       !READ_ONCE(st->edit.old);
}

/**
 * smtp_flow_opaque() - nothing of this flow is judged or kept any more
 * @flow: the flow; may be read without its lock
 *
 * Return: true for good once TLS has started and all before it is ACKed.
 */
static inline bool smtp_flow_opaque(const struct smtp_flow *flow)
{
	return READ_ONCE(flow->session.phase) == SMTP_FIXUP_PHASE_TLS &&
	       smtp_stream_idle(&flow->stream[SMTP_CLIENT]) &&
	       smtp_stream_idle(&flow->stream[SMTP_SERVER]);
}

#endif /* _SMTP_CORE_STREAM_H */
