/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Retransmissions of a body: they have the dots of the first copy, with the same
 * octets beside them, or are dropped. So whatever mixture of copies the server puts
 * together, it holds no end of data that the first copy did not have. T2;
 * docs/design.md, "The stream contract", point 2.
 */
#ifndef _SMTP_CORE_RETRANSMIT_H
#define _SMTP_CORE_RETRANSMIT_H

#include "body.h"

/**
 * smtp_retransmit_judge() - is this a repetition that brings no end of data?
 * @b: the body
 * @seg: the segment
 * @from: sequence number of the first octet that is repeated
 * @to: after the last
 * @crosses: the server has refused the body, which leaves crossed out (D10)
 *
 * Return: whether it may pass.
 */
bool smtp_retransmit_judge(const struct smtp_body *b, struct smtp_segment *seg,
			   u32 from, u32 to, bool crosses);

/**
 * smtp_retransmit_kept_from() - where the body ends as far as repetitions go
 * @b: the body
 *
 * Return: sequence number after the octets that smtp_retransmit_judge() answers
 * for: of a body that has ended, the end of data is known.
 */
u32 smtp_retransmit_kept_from(const struct smtp_body *b);

/* Octets that are overwritten in one packet at most: each takes some time, and
 * what follows is cut off for the sender to repeat
 */
#define SMTP_SPACES_MAX		512

/**
 * smtp_retransmit_cross() - cross out what leaves of a body that the server refused
 * @b: the body
 * @seg: the segment; its first seg->pass octets go on
 *
 * All of it, for the first time or again, but line ends and the dots after them:
 * one of those may be of the end of data. D10.
 *
 * Return: 0, or what smtp_segment_ops.cross returned.
 */
int smtp_retransmit_cross(const struct smtp_body *b, struct smtp_segment *seg);

/**
 * smtp_retransmit_overwrite() - overwrite what was overwritten in the first copy
 * @b: the body
 * @seg: the segment; its first seg->pass octets go on
 *
 * Return: 0, or what smtp_segment_write() returned.
 */
int smtp_retransmit_overwrite(const struct smtp_body *b, struct smtp_segment *seg);

#endif /* _SMTP_CORE_RETRANSMIT_H */
