// SPDX-License-Identifier: GPL-2.0-only
/* Octets held back. See held.h. */
#include <stdlib.h>
#include <string.h>

#include "replay/held.h"

static u32 piece_end(const struct held_piece *p)
{
	return p->seq + p->len;
}

void held_add(struct held *held, u32 seq, const u8 *data, u32 len)
{
	struct held_piece **at = &held->first;
	const u32 end = seq + len;

	while (smtp_seq_before(seq, end)) {
		struct held_piece *p = *at, *piece;
		u32 n = end - seq;

		if (p && !smtp_seq_before(seq, piece_end(p))) {
			at = &p->next;
			continue;
		}
		if (p && !smtp_seq_before(seq, p->seq)) {
			/* These octets are there already */
			data += piece_end(p) - seq;
			seq = piece_end(p);
			continue;
		}
		if (p && smtp_seq_before(p->seq, end))
			n = p->seq - seq;
		piece = grow(NULL, 1, sizeof(*piece) + n);
		piece->next = p;
		piece->seq = seq;
		piece->len = n;
		memcpy(piece->data, data, n);
		*at = piece;
		held->size += n;
		held->pieces++;
		seq += n;
		data += n;
	}
}

void held_drop(struct held *held, u32 seq)
{
	struct held_piece *p;

	while ((p = held->first) && smtp_seq_before(p->seq, seq)) {
		u32 n = seq - p->seq;

		if (n < p->len) {
			memmove(p->data, p->data + n, p->len - n);
			p->seq += n;
			p->len -= n;
			held->size -= n;
			return;
		}
		held->size -= p->len;
		held->first = p->next;
		held->pieces--;
		free(p);
	}
}

u32 held_end(const struct held *held, u32 seq)
{
	for (const struct held_piece *p = held->first; p; p = p->next) {
		if (smtp_seq_before(seq, p->seq))
			break;
		seq = smtp_seq_max(seq, piece_end(p));
	}
	return seq;
}

u32 held_gap(const struct held *held, u32 seq, u32 end)
{
	for (const struct held_piece *p = held->first; p; p = p->next) {
		if (smtp_seq_before(seq, p->seq))
			return smtp_seq_min(p->seq, end);
	}
	return end;
}

u32 held_copy(const struct held *held, u32 seq, u8 *to, u32 max)
{
	u32 n = 0;

	for (const struct held_piece *p = held->first; p && n < max; p = p->next) {
		u32 off, len;

		if (smtp_seq_before(seq + n, p->seq))
			break;
		if (!smtp_seq_before(seq + n, piece_end(p)))
			continue;
		off = seq + n - p->seq;
		len = p->len - off < max - n ? p->len - off : max - n;
		memcpy(to + n, p->data + off, len);
		n += len;
	}
	return n;
}
