/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator: two small TCP ends, a network on each side of the filter and
 * the real core in between, driven by one seed. sim.c holds the run and the
 * checks, tcp.c the ends, smtp.c the two applications, plan.c what a seed
 * means, main.c the command line and the shrinking of a failure.
 *
 *	client app - client TCP - network - FILTER - network - server TCP - app
 */
#ifndef _TESTS_SIM_SIM_H
#define _TESTS_SIM_SIM_H

#include "../host.h"
#include "model.h"
#include "../segment.h"
#include "../../kmod/core/tcp/opening.h"

#define SIM_CAP		MODEL_CAP	/* octets in one direction at most, sent or left */
#define MAX_ITEMS	48
#define MAX_DECISIONS	4096		/* network decisions that can be shrunk */
#define RTO		1000		/* virtual microseconds, say */
#define SECOND		(5 * RTO)	/* Linux repeats after 200 ms */
#define FAIR_PACKETS	2500		/* from here on the network is perfect */

typedef int64_t s64;

struct rng {
	u64 s;
};

/**
 * struct choices - what somebody else chooses, before chance does
 * @next: the next choice: the highest octet of a random number
 * @end: behind the last
 */
struct choices {
	const u8 *next;
	const u8 *end;
};

/* There are none, but for tests/fuzz/worlds.c */
extern struct choices choices;

static inline u64 rng_next(struct rng *r)
{
	u64 z = (r->s += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	z ^= z >> 31;
	if (choices.next != choices.end)
		z = z >> 8 | (u64)*choices.next++ << 56;
	return z;
}

/* 0 .. n-1 */
static inline u32 rng_below(struct rng *r, u32 n)
{
	return n ? (u32)(((rng_next(r) >> 32) * n) >> 32) : 0;
}

/* True in @permille of 1000 cases */
static inline bool rng_permille(struct rng *r, u32 permille)
{
	return permille && rng_below(r, 1000) < permille;
}

static inline struct rng rng_make(u64 seed, u64 what)
{
	struct rng r = { seed * 0xd6e8feb86659fd93ULL ^ what << 32 };

	rng_next(&r);
	return r;
}

enum item_kind {
	ITEM_LINE,	/* a command line */
	ITEM_BODY,	/* a message with its end; after a 354 */
	ITEM_SASL,	/* a line of an AUTH exchange; after a 334 */
	ITEM_TLS,	/* opaque octets; after a 220 to STARTTLS */
	ITEM_BDAT,	/* a chunk with its command, where the server offers it */
	ITEM_BLOB,	/* what XEXCH50 has announced; after a 354 */
	ITEM_PROXY,	/* a load balancer's header: V11 */
	ITEM_RAW,	/* hostile octets; nothing is known of them */
};

struct item {
	enum item_kind kind;
	bool wait;	/* for every reply before it is sent */
	u32 off;	/* in plan.text */
	u32 len;
};

enum client_kind { CLIENT_POLITE, CLIENT_SLOPPY, CLIENT_HOSTILE };
enum server_eol { EOL_CRLF, EOL_LF, EOL_ANY };

struct net_plan {
	u32 loss, dup, reorder, cut, merge;	/* per mille */
	u32 delay, jitter;
};

/* What one seed means */
struct plan {
	u64 seed;
	struct model_policy model;
	struct smtp_policy policy;
	u8 preset;		/* enum smtp_fixup_mode: as it is; or 0 */
	char banner[SMTP_FIXUP_TEXT_MAX + 7];	/* of model.text */
	bool loopback;	/* lengths must stay */
	u32 pull;	/* an edit after these octets of a GSO packet cuts it, 0: none */
	enum client_kind client;
	bool fair;	/* everything must arrive in the end */
	bool rewrites;	/* repetitions carry other bytes */
	bool pipelines_behind_dot;
	bool lf_only;	/* the client ends all lines in LF: V7 */
	u32 low_ttl;	/* per mille: judged, then lost before the server */
	u32 forged_acks;	/* per mille: the client ACKs for the server: H4 */
	u32 alloc_fail;	/* per mille */
	u32 write_fail;	/* per mille */
	u32 forget;	/* per mille: memory of a body is taken back: H5 */
	u32 give_up;	/* all of it is, before this packet; 0: never */
	u32 rated;	/* per mille: a message has to wait for its turn: X7 */
	struct net_plan net[2];	/* client's side, server's side */
	u32 isn[2];
	u32 mss[2];
	u32 window[2];
	bool coalesce[2];
	bool fin_with_data[2];
	bool go_back[2];
	bool recut[2];
	u32 keepalive[2];	/* per mille, at each time-out or pause */
	u32 close_window[2];	/* per mille, at each packet */
	u32 frag;	/* octets that one read shows at most, 0: all */
	u32 think;	/* the server's time for a line: T4 */
	enum server_eol eol;
	bool chunks;		/* the client sends BDAT and XEXCH50 */
	bool loose_chunks;	/* the server takes anything for a size */
	bool lenient_end;	/* the server takes any line end around the dot */
	bool c_strings;		/* the server reads a line up to a NUL */
	bool hostile_server;
	u32 split_at;	/* octets of a line, the server takes the rest for another; 0: all */
	bool mute;	/* the server does not answer an empty line */
	bool reads_chunks;	/* without a recipient, as commands: H7 */
	bool refuses_early;	/* a chunk, before it has come: H7 */
	u32 twice;	/* per mille: a reply comes twice, or not at all: D11 */
	u32 refuses;	/* per mille: a body is refused at the end of a line: D10 */
	enum refuses_how { REFUSES_LEAVES, REFUSES_SWALLOWS, REFUSES_TWICE } refuses_how;
	u32 reject;	/* per mille */
	u32 split;	/* per mille: a reply leaves in several writes */
	u32 nr_items;
	struct item items[MAX_ITEMS];
	u8 *text;
	u32 text_len;
};

/* What shrinking takes away */
struct diet {
	bool item_off[MAX_ITEMS];
	u8 decision_off[MAX_DECISIONS];
	bool no_loss, no_dup, no_reorder, no_cut, no_merge, no_rewrite, no_ttl, no_forge;
	bool no_fail, no_keepalive, no_window, no_frag, no_pull, plain_tcp[2], isn_zero;
};

struct packet {
	u64 when;
	u32 order;
	u8 dir;		/* enum smtp_dir */
	u8 stage;	/* 0: on the way to the filter, 1: after it */
	bool fin, rst, low_ttl, window_zero, forged, again;
	u32 seq, len, mss, ack;
	u32 solid, solid_end;	/* payload that must not be cut */
	struct smtp_held held;
	u8 *data;
};

struct tcp_end {
	int side;
	u8 *tx, *edge;
	u8 *begun;	/* a segment began there */
	u32 tx_len;
	bool fin_queued, fin_acked;
	u32 una, nxt, max_nxt;
	u32 backoff, dupacks, timeouts;
	u64 rto_at, ack_at, reopen_at, app_at;
	bool peer_closed;	/* the peer's window is 0 */
	u8 *rx, *have;
	u32 rcv_nxt, rx_high, fin_at;
	u32 closed_at;		/* where its window was closed last */
	bool fin_got;
	u32 unacked;	/* segments received and not answered */
};

/* Why did the core end the connection? */
enum ended_cause {
	ENDED_NOT,
	ENDED_POLICY,
	ENDED_TOO_LATE,		/* CRLF.CR had left, and no LF came: D4 */
	ENDED_AHEAD,		/* an end of data before what passed ahead of it */
	ENDED_REWRITTEN,	/* a repetition with other octets */
	ENDED_RECLAIMED,	/* memory was short: H5 */
	NR_CAUSES
};

enum server_state { SRV_PROXY, SRV_COMMAND, SRV_AUTH, SRV_BODY, SRV_CHUNK, SRV_TLS, SRV_QUIT };

struct server_app {
	struct rng rng;
	enum server_state state;
	u8 line[4096];
	u32 line_len;
	bool rest;	/* of a SASL response that was split */
	bool joined;	/* of a line whose end left as an asterisk: H4 */
	bool cr;
	u32 auth_left;
	u32 chunk_left;
	u32 chunk_code;	/* the reply to the chunk, 0: it was given */
	bool chunking;	/* was offered */
	u8 last[4];	/* of a body; last[0] is the latest */
	bool dot_nul;	/* the line is a dot, to a server that reads C strings */
	bool recipient;	/* the transaction has one */
	bool refused;	/* the body that is under way: D10 */
	u32 at;		/* octets received, and read */
	u32 line_at;	/* where the line begins */
	u32 tls_from;	/* where what follows STARTTLS begins */
	u32 left_at;	/* where a body was left, and 1 */
	bool doubles;	/* it has answered a line twice */
	bool raced;	/* it was before the filter knew: what follows is the server's */
	u32 commands;
};

struct client_app {
	struct rng rng;
	u32 item;
	u32 expected;	/* replies */
	u32 got;
	u32 code;	/* of the last reply */
	u8 digits[4];
	u32 column;
	u8 line[16];	/* after the digits */
	bool chunking;
	bool tls;
	bool done;
};

/* X7: what a host knows of a rate */
struct turn {
	u64 at;		/* when the message that waits may begin, 0: none does */
	bool come;	/* ... and has been told so */
	u32 admitted;	/* messages */
};

struct sim {
	struct plan plan;
	const struct diet *diet;
	struct model model;
	struct smtp_flow flow;
	struct tcp_end end[2];
	struct server_app server;
	struct client_app client;
	struct packet **heap;
	u32 heap_len, heap_cap;
	u8 *arena;
	size_t arena_len;
	u64 now;
	u32 order, packets, decisions;
	u8 *seen[2];	/* which octets have passed the filter or were judged */
	u32 seen_high[2];
	u32 left_high[2];	/* the end of what has left */
	u32 acked[2];	/* as the filter has seen it, as sent */
	u32 acked_far[2];	/* the same, as it left */
	struct seqadj adj;
	struct {	/* a reply held back until it is whole: G7, E4 */
		u32 at, rest, times;
	} hold;
	bool vain;	/* server octets passed that had been held back */
	u32 piece;
	struct smtp_opening opening;
	u32 arms;	/* opening.c */
	struct rng rng_arms;
	struct rng rng_net, rng_tcp, rng_fail, rng_forget;
	struct smtp_held *kept[2];	/* kmod/path/kept.c */
	bool resuming;	/* kept packets go on */
	u32 due;
	struct rng rng_turn;
	struct turn turn[2];
	bool failing;	/* this packet's allocations */
	u32 failing_piece;
	u32 ended;	/* packets since the core ended the connection, and 1 */
	bool reset;	/* enough packets since then */
	enum ended_cause cause;
	bool trace;
	bool over;
	enum filtering { FILTERED, MEASURED, UNFILTERED } filtering;
	char error[512];
	const char *kind;	/* of the error: its format */
	bool given_up;		/* the copy of a packet that waited: T4 */
	u32 held;		/* of an EHLO line, held back once: E1 */
	u64 events;
	struct {	/* by a network that loses nothing: T3, T4 */
		bool done;
		u64 with, without;
		u32 waits;	/* of a client that did not wait for a reply: T4 */
	} took;
};

/* plan.c */
void plan_make(struct plan *p, u64 seed);
void plan_diet(struct plan *p, const struct diet *diet);
void plan_measure(struct plan *p);
void plan_print(const struct plan *p, const struct diet *diet);

/* tcp.c */
void tcp_init(struct sim *s, int side);
void tcp_write(struct sim *s, int side, const u8 *bytes, u32 n);
void tcp_close(struct sim *s, int side);
void tcp_output(struct sim *s, int side);
void tcp_input(struct sim *s, struct packet *pkt);
void tcp_timers(struct sim *s, int side);
u64 tcp_next_timer(const struct tcp_end *e);

/* smtp.c */
void server_start(struct sim *s);
void server_bytes(struct sim *s, const u8 *bytes, u32 n);
void server_fin(struct sim *s);
void server_reads(struct sim *s);
void client_start(struct sim *s);
void client_bytes(struct sim *s, const u8 *bytes, u32 n);
void client_pump(struct sim *s);
void client_fin(struct sim *s);

/* opening.c */
void opening_begin(struct sim *s);
void opening_packet(struct sim *s, int dir);

/* sim.c */
struct packet *sim_packet(struct sim *s, u32 len);
void sim_send(struct sim *s, struct packet *pkt);
void sim_delivered(struct sim *s, int dir, u32 from, u32 to);
/* D10: the @n octets at @at of what the server has received, which left a body at @left:
 * were they a body to the filter before that knew? *@raced: it knew too late.
 */
bool sim_left_before(const struct sim *s, u32 at, u32 n, u32 left, bool *raced);
/* Octets for people to read */
void sim_print(const u8 *b, u32 n);
void sim_trace(struct sim *s, const char *what, const struct packet *pkt);
void __attribute__((format(printf, 2, 3), noreturn))
sim_fail(struct sim *s, const char *fmt, ...);
bool sim_run(struct sim *s, u64 seed, const struct diet *diet, bool trace);
bool sim_measure(struct sim *s, u64 seed, const struct diet *diet, bool trace);
void sim_free(struct sim *s);

#endif /* _TESTS_SIM_SIM_H */
