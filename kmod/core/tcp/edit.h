/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Edit: the map between sequence numbers as sent and as they leave, in one direction.
 * docs/rules.md T1; docs/design.md, "The stream contract", point 5.
 *
 * conntrack's nf_ct_seqadj remembers one position, so at most one edit is in flight. The
 * next one waits until this one is ACKed; after that only its offset remains. The
 * replacement leaves with the first of the replaced octets, and the far end never ACKs a
 * part of it.
 */
#ifndef _SMTP_CORE_EDIT_H
#define _SMTP_CORE_EDIT_H

#include "../base/host.h"

/**
 * struct smtp_edit - a change of length, one direction
 * @pos: sequence number of the first octet replaced, as it was sent
 * @old: octets replaced; 0: none in flight
 * @len: octets that replace them
 * @offset: octets that have left minus octets sent, before @pos
 */
struct smtp_edit {
	u32 pos;
	u32 old;
	u32 len;
	s32 offset;
};

/**
 * smtp_edit_out() - from a number as sent to the number it leaves with
 * @e: the edit
 * @seq: as sent
 *
 * Return: the number; inside what was replaced, the number after that.
 */
static inline u32 smtp_edit_out(const struct smtp_edit *e, u32 seq)
{
	u32 off = seq - e->pos;

	if (!e->old || (s32)off <= 0)
		return seq + e->offset;
	if (off < e->old)
		off = e->old;
	return e->pos + e->offset + e->len + (off - e->old);
}

/**
 * smtp_edit_in() - from an ACK of the far end to the number as sent
 * @e: the edit
 * @ack: as the far end sends it
 *
 * Return: the number as sent; inside the replacement, the number before it.
 */
static inline u32 smtp_edit_in(const struct smtp_edit *e, u32 ack)
{
	u32 off = ack - e->offset - e->pos;

	if (!e->old || (s32)off <= 0)
		return ack - e->offset;
	if (off < e->len)
		return e->pos;
	return e->pos + e->old + (off - e->len);
}

/**
 * smtp_edit_inside() - does a segment begin inside what was replaced?
 * @e: the edit
 * @seq: as sent
 *
 * Return: whether it does.
 */
static inline bool smtp_edit_inside(const struct smtp_edit *e, u32 seq)
{
	return seq - e->pos - 1 < e->old - 1 && e->old;
}

/**
 * smtp_edit_settle() - the far end has ACKed the edit: keep only its offset
 * @e: the edit
 */
static inline void smtp_edit_settle(struct smtp_edit *e)
{
	e->offset += e->len - e->old;
	e->old = 0;
}

#endif /* _SMTP_CORE_EDIT_H */
