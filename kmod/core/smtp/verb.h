/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Verbs: which commands may pass now, read octet by octet, and what a whole verb
 * changes in the dialogue. docs/rules.md V1-V3, V6, D6, D10, H7.
 */
#ifndef _SMTP_CORE_VERB_H
#define _SMTP_CORE_VERB_H

#include "parser.h"

/**
 * smtp_verbs_now() - the verbs that may pass at this place of the dialogue
 * @ps: the parser
 *
 * Return: bit mask of enum smtp_fixup_verb.
 */
u64 smtp_verbs_now(const struct smtp_parser *ps);

/**
 * smtp_verb_begins() - begin a verb
 * @ps: the parser
 * @c: the octet
 */
void smtp_verb_begins(struct smtp_parser *ps, u8 c);

/**
 * smtp_verb_run() - read octets of the only verb that is left
 * @ps: the parser; may end the connection
 * @c: the octets; not the first of the verb
 * @n: how many
 *
 * Return: how many are of that verb; 0: judge the first by itself.
 */
u32 smtp_verb_run(struct smtp_parser *ps, const u8 *c, u32 n);

/**
 * smtp_verb_octet() - is the verb still allowed with its next octet?
 * @ps: the parser; may end the connection
 * @c: the octet, or the blank or line end after the verb
 * @alone: all of the verb before @c has left already
 *
 * Return: false: the command is to be blocked.
 */
bool smtp_verb_octet(struct smtp_parser *ps, u8 c, bool alone);

/**
 * smtp_transaction_begin() - begin a mail transaction, or undo one
 * @s: the session
 */
void smtp_transaction_begin(struct smtp_session *s);

#endif /* _SMTP_CORE_VERB_H */
