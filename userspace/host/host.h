/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host of the core in user space: what kmod/core/base/host.h asks for, and a
 * connection with its packets as plain buffers. "relay" and "replay" use
 * it. Nothing here knows sockets or files.
 */
#ifndef _SMTPFIXUP_HOST_H
#define _SMTPFIXUP_HOST_H

#include "messages.h"
#include "observe.h"

/* As the module's memory_limit, MiB */
#define HOST_MEMORY_MIB	256

/**
 * struct host_rate - when the next message of a policy, or of a source, may begin
 * @next: as struct host.now
 * @source: its address, as far as it counts; len 0: of all together
 */
struct host_rate {
	u64 next;
	struct endpoint source;
};

/**
 * struct host_rule - a range of ports and its policy
 * @range: the ports
 * @policy: the policy
 * @rate: of all together
 * @sources: of each source that may have to wait
 * @nr_sources: how many
 * @alloc_sources: room for so many
 * @counters: by enum smtp_fixup_counter
 */
struct host_rule {
	struct port_range range;
	struct smtp_policy policy;
	struct host_rate rate;
	struct host_rate *sources;
	size_t nr_sources;
	size_t alloc_sources;
	u64 counters[__SMTP_FIXUP_CNT_MAX];
};

/**
 * struct host - shared by all connections
 * @rule: the rules, narrowest range first
 * @count: how many
 * @now: nanoseconds since 1970, set by the caller
 * @event: told of every event, or NULL
 * @data: for @event
 */
struct host {
	struct host_rule *rule;
	size_t count;
	u64 now;
	void (*event)(const struct event *event, void *data);
	void *data;
};

/**
 * struct host_way - the offset of one direction's sequence numbers
 * @pos: numbers after this one are shifted by @after, others by @before
 * @before: octets
 * @after: octets
 *
 * conntrack's struct nf_ct_seqadj, without its marks.
 */
struct host_way {
	u32 pos;
	s32 before;
	s32 after;
};

/**
 * struct host_flow - a connection
 * @core: the core's part
 * @host: the host it belongs to
 * @rule: the rule it is under
 * @client: the end that opened it
 * @server: the other, as the client dialled it
 * @way: by enum smtp_dir
 * @turn: as struct host.now: when the message that waits may begin, or 0: X7
 */
struct host_flow {
	struct smtp_flow core;
	struct host *host;
	struct host_rule *rule;
	struct endpoint client;
	struct endpoint server;
	struct host_way way[2];
	u64 turn;
};

/**
 * struct host_call - the context of one call of the core
 * @host: the core's part of it
 * @flow: the connection
 */
struct host_call {
	struct smtp_host host;
	struct host_flow *flow;
};

/**
 * struct host_segment - a packet's payload in one buffer
 * @seg: seq, len, mss, ack, has_ack, fin and room are the caller's to set
 * @flow: the connection
 * @dir: where it comes from
 * @data: the payload; edits are made in it
 * @spliced: the payload that leaves instead of @data, if its length has changed
 * @out: result: the payload that leaves: @data or @spliced
 * @out_len: result: its length
 *
 * Call host_segment_end() after use.
 */
struct host_segment {
	struct smtp_segment seg;
	struct host_flow *flow;
	enum smtp_dir dir;
	u8 *data;
	u8 *spliced;
	const u8 *out;
	u32 out_len;
};

/* Take over a request's ports, each range with the same policy. */
void host_init(struct host *host, const struct set_request *req);
void host_release(struct host *host);

/* The rule of a port, or NULL. */
struct host_rule *host_rule_find(struct host *host, u16 port);

/* X7: smtp_host_admits() for this connection. Its turn is kept for it. */
bool host_admits(struct host_flow *flow, enum smtp_fixup_limit limit);

/* The counters, as "stats" prints them. Clear the list after use. */
void host_stats(const struct host *host, struct stats_list *list);

/* Report an event that is counted already. */
void host_tell(const struct host_flow *flow, enum smtp_fixup_event id,
	       const char *words);

/* Report an event that the core can't know of. */
void host_event(const struct host_flow *flow, enum smtp_fixup_event event);

/**
 * host_flow_init() - a connection whose handshake was seen
 * @flow: with @host, @rule and both ends filled in
 * @client_seq: sequence number of the client's first payload octet
 * @server_seq: sequence number of the server's first payload octet
 */
void host_flow_init(struct host_flow *flow, u32 client_seq, u32 server_seq);
void host_flow_release(struct host_flow *flow);

/* The next number of a direction that has not been judged. */
static inline u32 host_flow_next(const struct host_flow *flow, enum smtp_dir dir)
{
	return flow->core.stream[dir].next;
}

/* Has TLS started? Then gaps do not matter any more. */
static inline bool host_flow_tls(const struct host_flow *flow)
{
	return flow->core.session.phase == SMTP_FIXUP_PHASE_TLS;
}

/* Is a change of length in flight? The next one waits for its ACK (T1). */
static inline bool host_flow_edited(const struct host_flow *flow,
				    enum smtp_dir dir)
{
	return flow->core.stream[dir].edit.old;
}

/* Does the client wait for a reply? */
static inline bool host_flow_waits(const struct host_flow *flow)
{
	return flow->core.session.phase == SMTP_FIXUP_PHASE_WAIT;
}

/* How many commands that have passed are not answered yet? */
static inline u32 host_flow_unanswered(const struct host_flow *flow)
{
	return flow->core.session.commands - flow->core.session.replies;
}

/**
 * host_judge() - judge a segment
 * @segment: the segment
 *
 * Return: enum smtp_verdict. With %SMTP_PASS, @out and @out_len are set, and seg.pass
 * octets of the payload are done.
 */
enum smtp_verdict host_judge(struct host_segment *segment);
void host_segment_end(struct host_segment *segment);

/* What a sequence number of a direction leaves as: nf_ct_seq_adjust() */
u32 host_seq_out(const struct host_flow *flow, enum smtp_dir dir, u32 seq);

#endif /* _SMTPFIXUP_HOST_H */
