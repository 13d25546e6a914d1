/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * End of data: the search for it in a body, and for what some servers take for one.
 * docs/rules.md D3, D4, D9. The parts of D4: the automaton and the treatment of a dot are
 * here; marks.h remembers why a dot that was left alone is not an end of data, and
 * retransmit.h drops retransmissions that would make it one.
 */
#ifndef _SMTP_CORE_EOD_H
#define _SMTP_CORE_EOD_H

#include "../policy/policy.h"
#include "body.h"

/**
 * struct smtp_scan - the search through one packet of a body
 * @b: the body
 * @policy: what it is under
 * @host: whose memory it takes; told of counters and events
 * @chunks: the client may have been offered CHUNKING; for smtp_early_judge()
 * @lf_alone: the client has sent no CR: LF.LF ends the body (V7)
 * @dash: a dash may be among what smtp_body_run() passes. False before it asks for that;
 *	true costs nothing
 * @ends: result: the policy ends the connection (D4)
 */
struct smtp_scan {
	struct smtp_body *b;
	const struct smtp_policy *policy;
	struct smtp_host *host;
	bool chunks;
	bool lf_alone;
	bool dash;
	bool ends;
};

/* Results of an octet besides enum smtp_body_state */
#define SMTP_BODY_END		(SMTP_BODY_DOT_CR + 1)	/* CRLF.CRLF: D3 */
#define SMTP_BODY_SMUGGLED	(SMTP_BODY_DOT_CR + 2)	/* a look-alike: D4 */

/**
 * smtp_body_begin() - begin a body, after the 354
 * @b: the body
 * @seq: sequence number of its first octet
 */
void smtp_body_begin(struct smtp_body *b, u32 seq);

/* Octets of the largest wire segment that it leaves in */
static inline u32 smtp_wire_len(const struct smtp_segment *seg)
{
	return seg->mss && seg->mss < seg->len ? seg->mss : seg->len;
}

/**
 * smtp_body_measure() - note how long the body's segments are
 * @b: the body
 * @seg: one of them
 */
static inline void smtp_body_measure(struct smtp_body *b, const struct smtp_segment *seg)
{
	u32 wire = smtp_wire_len(seg);

	if (wire > b->mss)
		b->mss = wire < 0xffff ? wire : 0xffff;
}

/**
 * smtp_body_short() - may the segment be the last of a body?
 * @b: the body
 * @seg: the segment
 *
 * The last segment of a body is short, and so are the commands after it.
 *
 * Return: whether it is shorter than others of this body.
 */
static inline bool smtp_body_short(const struct smtp_body *b,
				   const struct smtp_segment *seg)
{
	return !b->mss || smtp_wire_len(seg) < b->mss;
}

/**
 * smtp_body_step() - the state after one more octet
 * @state: enum smtp_body_state
 * @c: the octet after it
 *
 * Return: enum smtp_body_state, %SMTP_BODY_END or %SMTP_BODY_SMUGGLED.
 */
u8 smtp_body_step(u8 state, u8 c);

/**
 * smtp_body_run() - read octets and mark their dots, up to the next event
 * @scan: the call
 * @state: enum smtp_body_state before them; result: after them
 * @seq: sequence number of the first
 * @p: the octets
 * @n: how many
 * @event: result: %SMTP_BODY_END or %SMTP_BODY_SMUGGLED at the next octet, or 0
 *
 * Return: how many; fewer than @n before an event, and where there is no room
 * for a mark.
 */
u32 smtp_body_run(struct smtp_scan *scan, u8 *state, u32 seq, const u8 *p,
		  u32 n, u8 *event);

/**
 * smtp_body_defuse() - overwrite a look-alike end of data (D4)
 * @scan: the call; the octet at body->next would complete it
 * @from: sequence number from which on nothing has left
 * @to: up to there
 * @stuck: result: there is no room for a mark; body->next may be one less
 *
 * Overwrites its dot, or if that has left, the octet after it.
 *
 * Return: %SMTP_PASS, or %SMTP_DESYNC: too late.
 */
enum smtp_verdict smtp_body_defuse(struct smtp_scan *scan, u32 from, u32 to,
				   bool *stuck);

/**
 * smtp_body_report() - report a look-alike end of data that stays as it is (D4)
 * @scan: the call; the byte at body->next completes it
 *
 * Where the policy says drop, @scan->ends is set.
 */
void smtp_body_report(struct smtp_scan *scan);

/**
 * smtp_body_accept() - report a look-alike end of data and go on after it (D4)
 * @scan: the call
 * @c: the byte at body->next, which completes it: text like any other
 *
 * Return: false: there is no room for a mark.
 */
bool smtp_body_accept(struct smtp_scan *scan, u8 c);

/**
 * smtp_body_before_cr() - how many octets may be judged at once? V7
 * @scan: the scan, with lf_alone set; that ends with the client's first CR
 * @p: octets of the body
 * @n: how many, at least 1
 *
 * Return: those before that CR, or all.
 */
u32 smtp_body_before_cr(struct smtp_scan *scan, const u8 *p, u32 n);

/**
 * smtp_body_rewind() - go back to a place: no byte after it passes
 * @scan: the call
 * @seq: sequence number of the place
 * @state: enum smtp_body_state before it
 */
void smtp_body_rewind(struct smtp_scan *scan, u32 seq, u8 state);

/**
 * smtp_body_ack() - forget octets that the far end has
 * @b: the body
 * @acked: it has everything before this
 * @host: whose memory it is
 */
void smtp_body_ack(struct smtp_body *b, u32 acked, struct smtp_host *host);

/**
 * smtp_body_forget() - forget all of a body, and give the memory back
 * @b: the body
 * @host: whose memory it is
 */
void smtp_body_forget(struct smtp_body *b, struct smtp_host *host);

#endif /* _SMTP_CORE_EOD_H */
