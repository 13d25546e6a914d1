/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Retransmissions of a body must have the dots of the first copy, with the same octets
 * beside them, or they are dropped. So whichever copies the server puts together, they
 * hold no end of data that the first copy did not have. docs/rules.md T2; docs/design.md,
 * "The stream contract", point 2.
 */
#ifndef _SMTP_CORE_RETRANSMIT_H
#define _SMTP_CORE_RETRANSMIT_H

#include "body.h"

/**
 * smtp_retransmit_judge() - may a retransmission pass?
 * @b: the body
 * @seg: the segment
 * @from: sequence number of the first retransmitted octet
 * @to: after the last
 * @crosses: the server has refused the body, which leaves crossed out (D10)
 *
 * Return: whether it may: it brings no new end of data.
 */
bool smtp_retransmit_judge(const struct smtp_body *b, struct smtp_segment *seg,
			   u32 from, u32 to, bool crosses);

/**
 * smtp_retransmit_kept_from() - where smtp_retransmit_judge() ends
 * @b: the body
 *
 * Return: sequence number after the octets that it judges. The end of data of a body that
 * has ended is not among them: that is known.
 */
u32 smtp_retransmit_kept_from(const struct smtp_body *b);

/* Octets that are overwritten in one packet at most, because each takes time. The packet
 * is cut after them, and the sender retransmits the rest.
 */
#define SMTP_SPACES_MAX		512

/**
 * smtp_retransmit_cross() - cross out a body that the server refused
 * @b: the body
 * @seg: the segment; its first seg->pass octets go on
 *
 * Crosses out every octet, of a first copy or a retransmission, but line ends and dots
 * after them, which may be of the end of data. D10.
 *
 * Return: 0, or what smtp_segment_ops.cross returned.
 */
int smtp_retransmit_cross(const struct smtp_body *b, struct smtp_segment *seg);

/**
 * smtp_retransmit_overwrite() - overwrite the octets that were overwritten before
 * @b: the body
 * @seg: the segment; its first seg->pass octets go on
 *
 * Return: 0, or what smtp_segment_write() returned.
 */
int smtp_retransmit_overwrite(const struct smtp_body *b, struct smtp_segment *seg);

#endif /* _SMTP_CORE_RETRANSMIT_H */
