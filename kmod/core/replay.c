// SPDX-License-Identifier: GPL-2.0-only
/* Replay: command bytes in flight. See replay.h. */
#include "replay.h"

#define SMTP_REPLAY_MIN	256	/* most command lines and replies */

u32 smtp_replay_room(struct smtp_replay *r, u32 seq, u32 n)
{
	u32 want, size;
	u8 *buf;

	if (!r->len)
		r->seq = seq;
	else if (r->seq + r->len != seq)
		return 0;

	want = r->len + n;
	if (want > SMTP_REPLAY_MAX)
		want = SMTP_REPLAY_MAX;
	if (want > r->size) {
		for (size = SMTP_REPLAY_MIN; size < want; size *= 2)
			;
		buf = smtp_host_alloc(size);
		if (buf) {
			if (r->buf)
				memcpy(buf, r->buf, r->len);
			smtp_host_free(r->buf, r->size);
			r->buf = buf;
			r->size = size;
		}
	}
	if (want > r->size)
		want = r->size;
	return want - r->len;
}

void smtp_replay_ack(struct smtp_replay *r, u32 seq)
{
	u32 gone = seq - r->seq;

	if (!r->buf || (r->len && !smtp_seq_before(r->seq, seq)))
		return;
	if (gone < r->len) {
		r->len -= gone;
		r->seq = seq;
		memmove(r->buf, r->buf + gone, r->len);
		return;
	}
	smtp_host_free(r->buf, r->size);
	memset(r, 0, sizeof(*r));
}
