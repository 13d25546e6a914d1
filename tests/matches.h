/* SPDX-License-Identifier: GPL-2.0-only */
/* Matches without the tool and its library: each acts on what has a text in it. X9 */
#ifndef _TESTS_MATCHES_H
#define _TESTS_MATCHES_H

#include "../kmod/core/match/criteria.h"

/**
 * matches_make() - criteria whose matches all act alike
 * @set: bit mask of enum smtp_fixup_what: one match of each
 * @text: what they look for, in this case; 30 octets at most
 * @action: enum smtp_fixup_action
 *
 * Return: the criteria, to be freed with free().
 */
const struct smtp_criteria *matches_make(u32 set, const char *text, u8 action);

#endif /* _TESTS_MATCHES_H */
