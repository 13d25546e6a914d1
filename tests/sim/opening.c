// SPDX-License-Identifier: GPL-2.0-only
/*
 * The handshake, and where each side lives: worlds for kmod/core/tcp/opening.c and
 * options.c. What kmod/path/help.c, synack.c, hooks.c and side.c do with them is done here.
 */
#include "sim.h"
#include "../../kmod/core/tcp/opening.h"
#include "../../kmod/core/tcp/mptcp.h"

/* Kinds of worlds: by which interfaces packets come in, and routes go out */
enum arms {
	ARMS_APART,	/* each side behind its own */
	ARMS_ONE,	/* both behind the same */
	ARMS_ASYMMETRIC, /* the server's packets come in by a third */
	ARMS_SHARED,	/* both by both, as routes of equal cost go */
	NR_ARMS
};

/* Bits of interfaces, by enum smtp_dir */
static const struct {
	u8 come[2], routes[2];
} worlds[NR_ARMS] = {
	[ARMS_APART] = { { 2, 4 }, { 2, 4 } },
	[ARMS_ONE] = { { 2, 2 }, { 2, 2 } },
	[ARMS_ASYMMETRIC] = { { 2, 8 }, { 2, 4 } },
	[ARMS_SHARED] = { { 6, 6 }, { 6, 6 } },
};

static u32 pick_arm(struct rng *r, u8 bits)
{
	u32 arm;

	do
		arm = 1 + rng_below(r, 3);
	while (!(bits >> arm & 1));
	return arm;
}

/* kmod/path/side.c: smtp_side_believed() */
static bool believed(struct sim *s, int dir, u32 iif)
{
	struct smtp_opening *o = &s->opening;

	if (smtp_opening_suspect(o, dir, iif)) {
		if (!(worlds[s->arms].routes[dir] >> iif & 1))
			return false;
	} else if (o->iif[dir]) {
		return true;
	}
	o->iif[dir] = iif;
	return true;
}

/* H1: whatever options a SYN has, MPTCP's are gone and no other is touched */
static void check_options(struct sim *s, struct rng *r)
{
	u8 options[SMTP_OPTIONS_MAX] = {}, was[SMTP_OPTIONS_MAX];
	u32 n = 4 * rng_below(r, 11), at = 0, len, i;

	for (i = 0; i < n; i++)
		options[i] = rng_below(r, 3) ? rng_below(r, 6) : rng_below(r, 256);
	for (i = 0; i + 1 < n; i += 1 + rng_below(r, 8))
		if (!rng_below(r, 3))
			options[i] = 30;
	memcpy(was, options, sizeof(was));
	smtp_options_blank_mptcp(options, n);
	RULE(&s->model, H1);
	while (at < n && was[at]) {
		len = was[at] == 1 ? 1 : at + 1 < n ? was[at + 1] : 0;
		if (!len || (len < 2 && was[at] != 1) || at + len > n)
			break;
		for (i = at; i < at + len; i++)
			if (options[i] != (was[at] == 30 ? 1 : was[i]))
				sim_fail(s, "H1: octet %u of a SYN's options is %u", i, options[i]);
		at += len;
	}
	if (at < n && memcmp(options + at, was + at, n - at))
		sim_fail(s, "H1: octets that are no option were changed");
}

/* H2: SYN/ACKs out of nowhere, and of the next connection */
static void check_answers(struct sim *s, struct rng *r)
{
	static const s32 no_shift[2];
	struct smtp_opening *o = &s->opening;
	u32 first = s->plan.isn[1], ack = s->plan.isn[0], strange;
	s32 shift[2] = { rng_below(r, 40), (s32)rng_below(r, 400) - 200 };

	RULE(&s->model, H2);
	o->syn = ack;
	strange = ack + 1 + rng_below(r, UINT32_MAX);
	if (smtp_opening_answer(o, false, first, strange, no_shift) != SMTP_ANSWER_STRANGE ||
	    smtp_opening_answer(o, false, first, ack, no_shift) != SMTP_ANSWER_OWN)
		sim_fail(s, "H2: not the answer to the SYN");
	o->isn[0] = ack;
	o->isn[1] = first;
	if (smtp_opening_answer(o, true, first, strange, no_shift) != SMTP_ANSWER_STRANGE ||
	    smtp_opening_answer(o, true, first, ack, no_shift) != SMTP_ANSWER_OWN)
		sim_fail(s, "H2: a SYN/ACK of the connection's own, or out of nowhere");
	if (smtp_opening_answer(o, true, first + 1, ack, no_shift) != SMTP_ANSWER_ANEW)
		sim_fail(s, "H2: the server has begun anew");
	o->syn = strange;
	if (smtp_opening_answer(o, true, first, strange + shift[rng_below(r, 2)], shift) !=
	    SMTP_ANSWER_ANEW)
		sim_fail(s, "H2: the next connection's SYN was answered");
}

void opening_begin(struct sim *s)
{
	struct rng r = rng_make(s->plan.seed, 14);
	u32 client;

	memset(&s->opening, 0, sizeof(s->opening));
	s->rng_arms = rng_make(s->plan.seed, 15);
	s->arms = rng_below(&r, NR_ARMS);
	check_options(s, &r);
	check_answers(s, &r);
	/* kmod/path/side.c: smtp_side_opened() */
	client = pick_arm(&r, worlds[s->arms].come[0]);
	s->opening.iif[0] = client;
	s->opening.iif[1] = pick_arm(&r, worlds[s->arms].routes[1]) == client ? client : 0;
	/* Before the server has said anything */
	if (s->arms == ARMS_APART && believed(s, 1, client))
		sim_fail(s, "H3: the client opened the connection for the server");
}

void opening_packet(struct sim *s, int dir)
{
	struct rng *r = &s->rng_arms;

	RULE(&s->model, H3);
	if (!believed(s, dir, pick_arm(r, worlds[s->arms].come[dir])))
		sim_fail(s, "H3: a packet was not believed where its sender lives");
	/* A spoofer at the far side */
	if (s->arms == ARMS_APART && s->opening.iif[!dir] && !rng_below(r, 4) &&
	    believed(s, dir, s->opening.iif[!dir]))
		sim_fail(s, "H3: a packet was believed where the other side lives");
}
