// SPDX-License-Identifier: GPL-2.0-only
/* Replay: command bytes in flight. See replay.h. */
#include "replay.h"

#define SMTP_REPLAY_MIN	256	/* most command lines and replies */

#define SMTP_HOLES_SIZE	(SMTP_REPLAY_HOLES * sizeof(struct smtp_hole))

/* Where the next kept byte would leave if there were no new hole before it */
static u32 smtp_replay_end(const struct smtp_replay *r)
{
	u32 end = r->seq + r->len;
	u32 i;

	for (i = 0; i < r->nr_holes; i++)
		end += r->holes[i].n;
	return end;
}

/* @n octets leave that are not kept */
static bool smtp_replay_hole(struct smtp_flow *flow, struct smtp_replay *r,
			     u32 n)
{
	struct smtp_hole *hole;

	if (r->nr_holes && r->holes[r->nr_holes - 1].at == r->len) {
		r->holes[r->nr_holes - 1].n += n;
		return true;
	}
	if (r->nr_holes == SMTP_REPLAY_HOLES)
		return false;
	if (!r->holes)
		r->holes = smtp_host_alloc(flow, SMTP_MEMORY_COMMANDS,
					   SMTP_HOLES_SIZE);
	if (!r->holes)
		return false;
	hole = &r->holes[r->nr_holes++];
	hole->at = r->len;
	hole->n = n;
	return true;
}

u32 smtp_replay_room(struct smtp_flow *flow, struct smtp_replay *r, u32 seq,
		     u32 n, bool *refused)
{
	u32 want, size;
	u8 *buf;

	if (!r->len) {
		r->seq = seq;
	} else if (smtp_replay_end(r) != seq &&
		   !smtp_replay_hole(flow, r, seq - smtp_replay_end(r))) {
		*refused = !r->holes;
		return 0;
	}

	want = r->len + n;
	if (want > SMTP_REPLAY_MAX)
		want = SMTP_REPLAY_MAX;
	if (want > r->size) {
		for (size = SMTP_REPLAY_MIN; size < want; size *= 2)
			;
		buf = smtp_host_alloc(flow, SMTP_MEMORY_COMMANDS, size);
		if (buf) {
			if (r->buf)
				memcpy(buf, r->buf, r->len);
			smtp_host_free(flow, SMTP_MEMORY_COMMANDS, r->buf,
				       r->size);
			r->buf = buf;
			r->size = size;
		}
	}
	*refused = want > r->size;
	if (*refused)
		want = r->size;
	return want - r->len;
}

/* Forgets the first @octets kept bytes, and the first @holes holes */
static void smtp_replay_forget(struct smtp_replay *r, u32 octets, u32 holes)
{
	u32 i;

	r->len -= octets;
	memmove(r->buf, r->buf + octets, r->len);
	r->nr_holes -= holes;
	for (i = 0; i < r->nr_holes; i++) {
		r->holes[i] = r->holes[i + holes];
		r->holes[i].at -= octets;
	}
}

void smtp_replay_ack(struct smtp_flow *flow, struct smtp_replay *r, u32 seq)
{
	struct smtp_kept run;

	if (!r->buf || (r->len && !smtp_seq_before(r->seq, seq)))
		return;
	for (smtp_replay_begin(r, &run); run.n; smtp_replay_next(r, &run)) {
		u32 gone = run.bytes - r->buf;

		if (!smtp_seq_before(seq, run.seq + run.n))
			continue;
		r->seq = smtp_seq_max(seq, run.seq);
		smtp_replay_forget(r, gone + (r->seq - run.seq), run.hole);
		return;
	}
	smtp_host_free(flow, SMTP_MEMORY_COMMANDS, r->buf, r->size);
	smtp_host_free(flow, SMTP_MEMORY_COMMANDS, r->holes, SMTP_HOLES_SIZE);
	memset(r, 0, sizeof(*r));
}

/* How many bytes from @at on have no hole in them */
static u32 smtp_replay_run(const struct smtp_replay *r, u32 hole, u32 at)
{
	return (hole < r->nr_holes ? r->holes[hole].at : r->len) - at;
}

void smtp_replay_begin(const struct smtp_replay *r, struct smtp_kept *run)
{
	run->bytes = r->buf;
	run->seq = r->seq;
	run->hole = 0;
	run->n = smtp_replay_run(r, 0, 0);
}

void smtp_replay_next(const struct smtp_replay *r, struct smtp_kept *run)
{
	run->bytes += run->n;
	run->seq += run->n;
	run->n = 0;
	if (run->hole == r->nr_holes)
		return;
	run->seq += r->holes[run->hole].n;
	run->hole++;
	run->n = smtp_replay_run(r, run->hole, run->bytes - r->buf);
}
