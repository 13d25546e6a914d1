// SPDX-License-Identifier: GPL-2.0-only
/* Command bytes in flight. See unacked.h. */
#include "unacked.h"

#define SMTP_UNACKED_MIN	256	/* most command lines and replies */

#define SMTP_HOLES_SIZE	(SMTP_UNACKED_HOLES * sizeof(struct smtp_hole))

/* Where the next kept byte would leave if there were no new hole before it */
static u32 smtp_unacked_end(const struct smtp_unacked *r)
{
	u32 end = r->seq + r->len;
	u32 i;

	for (i = 0; i < r->nr_holes; i++)
		end += r->holes[i].n;
	return end;
}

/* @n octets leave that are not kept */
static bool smtp_unacked_hole(struct smtp_host *host, struct smtp_unacked *r,
			      u32 n)
{
	struct smtp_hole *hole;

	if (r->nr_holes && r->holes[r->nr_holes - 1].at == r->len) {
		r->holes[r->nr_holes - 1].n += n;
		return true;
	}
	if (r->nr_holes == SMTP_UNACKED_HOLES)
		return false;
	if (!r->holes)
		r->holes = smtp_host_alloc(host, SMTP_MEMORY_COMMANDS,
					   SMTP_HOLES_SIZE);
	if (!r->holes)
		return false;
	hole = &r->holes[r->nr_holes++];
	hole->at = r->len;
	hole->n = n;
	return true;
}

u32 smtp_unacked_room(struct smtp_host *host, struct smtp_unacked *r, u32 seq,
		      u32 n, bool *refused)
{
	u32 want, size;
	u8 *buf;

	if (!r->len) {
		r->seq = seq;
	} else if (smtp_unacked_end(r) != seq &&
		   !smtp_unacked_hole(host, r, seq - smtp_unacked_end(r))) {
		*refused = !r->holes;
		return 0;
	}

	want = r->len + n;
	if (want > SMTP_UNACKED_MAX)
		want = SMTP_UNACKED_MAX;
	if (want > r->size) {
		for (size = SMTP_UNACKED_MIN; size < want; size *= 2)
			;
		buf = smtp_host_alloc(host, SMTP_MEMORY_COMMANDS, size);
		if (buf) {
			if (r->buf)
				memcpy(buf, r->buf, r->len);
			smtp_host_free(host, SMTP_MEMORY_COMMANDS, r->buf,
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
static void smtp_unacked_forget(struct smtp_unacked *r, u32 octets, u32 holes)
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

void smtp_unacked_take_ack(struct smtp_host *host, struct smtp_unacked *r, u32 seq)
{
	struct smtp_kept run;

	if (r->len && !smtp_seq_before(r->seq, seq))
		return;
	for (smtp_unacked_begin(r, &run); run.n; smtp_unacked_next(r, &run)) {
		u32 gone = run.bytes - r->buf;

		if (!smtp_seq_before(seq, run.seq + run.n))
			continue;
		r->seq = smtp_seq_max(seq, run.seq);
		smtp_unacked_forget(r, gone + (r->seq - run.seq), run.hole);
		return;
	}
	smtp_host_free(host, SMTP_MEMORY_COMMANDS, r->buf, r->size);
	smtp_host_free(host, SMTP_MEMORY_COMMANDS, r->holes, SMTP_HOLES_SIZE);
	memset(r, 0, sizeof(*r));
}

/* How many bytes from @at on have no hole in them */
static u32 smtp_unacked_run(const struct smtp_unacked *r, u32 hole, u32 at)
{
	return (hole < r->nr_holes ? r->holes[hole].at : r->len) - at;
}

void smtp_unacked_begin(const struct smtp_unacked *r, struct smtp_kept *run)
{
	run->bytes = r->buf;
	run->seq = r->seq;
	run->hole = 0;
	run->n = smtp_unacked_run(r, 0, 0);
}

void smtp_unacked_next(const struct smtp_unacked *r, struct smtp_kept *run)
{
	run->bytes += run->n;
	run->seq += run->n;
	run->n = 0;
	if (run->hole == r->nr_holes)
		return;
	run->seq += r->holes[run->hole].n;
	run->hole++;
	run->n = smtp_unacked_run(r, run->hole, run->bytes - r->buf);
}
