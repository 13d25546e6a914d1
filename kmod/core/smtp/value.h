/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Value: what the matches of a policy look at in a dialogue, octet by octet: verbs,
 * names of hosts, addresses, mechanisms of SASL, keywords of EHLO replies.
 * docs/rules.md X3, X5, X6, X8, X10. header.h and mime.h read messages.
 */
#ifndef _SMTP_CORE_MATCH_VALUE_H
#define _SMTP_CORE_MATCH_VALUE_H

#include "../base/host.h"

struct smtp_parser;

/**
 * smtp_match_message() - apply the matches to a value of a message
 * @ps: the parser; may end the connection
 * @what: enum smtp_fixup_what
 * @state: the state that it has led to in its table; ignored if no match looks at it
 */
void smtp_match_message(struct smtp_parser *ps, u8 what, u16 state);

/**
 * smtp_value_verb() - begin a verb
 * @ps: the parser
 */
void smtp_value_verb(struct smtp_parser *ps);

/**
 * smtp_value_argument() - begin the argument of a command that passes
 * @ps: the parser
 * @verb: enum smtp_fixup_verb
 */
void smtp_value_argument(struct smtp_parser *ps, int verb);

/**
 * smtp_value_octet() - look at the next octet of a line, before it is judged
 * @ps: the parser; may end the connection
 * @c: the octet, the line's end too; smtp_value.at is not %SMTP_VALUE_NOWHERE
 *
 * Return: whether a match masks the command.
 */
bool smtp_value_octet(struct smtp_parser *ps, u8 c);

/**
 * smtp_value_verb_rest() - look at the rest of a blocked verb in this buffer
 * @ps: the parser; may end the connection
 * @c: the octets after those that were read
 * @n: how many
 */
void smtp_value_verb_rest(struct smtp_parser *ps, const u8 *c, u32 n);

/**
 * smtp_value_keyword() - look at a line of an EHLO reply
 * @ps: the parser; may end the connection
 * @text: what is after its code
 * @n: octets from there on
 *
 * Return: whether a match masks the line.
 */
bool smtp_value_keyword(struct smtp_parser *ps, const u8 *text, u32 n);

/**
 * smtp_value_keyword_masked() - is a line of an EHLO reply masked by a match?
 * @ps: the parser
 * @text: what is after its code
 * @n: octets from there on
 *
 * Return: whether one masks it.
 */
bool smtp_value_keyword_masked(const struct smtp_parser *ps, const u8 *text,
			       u32 n);

/**
 * smtp_value_cut() - does a line of an EHLO reply end too early for the matches?
 * @ps: the parser
 * @text: what is after its code
 * @n: octets from there on; the line may not be whole, if it has waited in vain (E1)
 *
 * What passed unmatched could not be called back, so such a line is masked.
 *
 * Return: whether it does.
 */
bool smtp_value_cut(const struct smtp_parser *ps, const u8 *text, u32 n);

/**
 * smtp_value_mechanisms() - mask mechanisms in an AUTH line of an EHLO reply
 * @ps: the parser
 * @text: what is after its code
 * @n: octets from there on
 *
 * Return: how many octets were changed.
 */
u32 smtp_value_mechanisms(struct smtp_parser *ps, u8 *text, u32 n);

#endif /* _SMTP_CORE_MATCH_VALUE_H */
