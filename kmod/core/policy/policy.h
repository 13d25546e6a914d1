/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy: which verbs and keywords pass, and how others are masked. Tables and
 * validation, no state. docs/rules.md V1, V2, E2, E3, S and "Presets".
 */
#ifndef _SMTP_CORE_POLICY_H
#define _SMTP_CORE_POLICY_H

#include "../base/host.h"

struct smtp_criteria;

#define SMTP_VERB_BIT(name)	(1ULL << SMTP_FIXUP_VERB_##name)
#define SMTP_KEYWORD_BIT(name)	(1ULL << SMTP_FIXUP_KEYWORD_##name)

/**
 * struct smtp_limit - a limit, and what to do when it is exceeded
 * @max: the highest value within the limit, at least 1
 * @action: enum smtp_fixup_action, above that
 */
struct smtp_limit {
	u32 max;
	u8 action;
};

/**
 * struct smtp_policy - the policy of a port range; immutable once published
 * @verbs: bit mask of enum smtp_fixup_verb, what passes
 * @keywords: bit mask of enum smtp_fixup_keyword, what an EHLO reply may offer
 * @mode: enum smtp_fixup_mode, the name it was set by
 * @banner: enum smtp_fixup_banner
 * @tls: enum smtp_fixup_tls
 * @reject: enum smtp_fixup_reject
 * @ehlo: enum smtp_fixup_ehlo
 * @special: enum smtp_fixup_special
 * @smuggling: enum smtp_fixup_smuggling
 * @line_ending: enum smtp_fixup_line_ending
 * @midstream: enum smtp_fixup_midstream
 * @assign: enum smtp_fixup_assign
 * @proxy_protocol: enum smtp_fixup_proxy_protocol
 * @by_mark: a connection's mark may name the port whose policy it is under
 * @observe: judge and count, but change nothing
 * @strict: a server that speaks out of turn ends the connection: D8
 * @keep_esmtp: the greeting's mask leaves the word ESMTP: G8
 * @criteria: its matches, or NULL; they live as long as the policy
 * @limits: by enum smtp_fixup_limit
 * @iif: the interface where connections must come in, or empty: any
 * @text_len: octets of @text
 * @text: banner text: the whole line with its code and CRLF
 */
struct smtp_policy {
	u64 verbs;
	u64 keywords;
	u8 mode;
	u8 banner;
	u8 tls;
	u8 reject;
	u8 ehlo;
	u8 special;
	u8 smuggling;
	u8 line_ending;
	u8 midstream;
	u8 assign;
	u8 proxy_protocol;
	bool by_mark;
	bool observe;
	bool strict;
	bool keep_esmtp;
	const struct smtp_criteria *criteria;
	struct smtp_limit limits[__SMTP_FIXUP_LIMIT_MAX];
	char iif[SMTP_FIXUP_IIF_MAX + 1];
	u16 text_len;
	u8 text[SMTP_FIXUP_TEXT_MAX + 6];
};

/**
 * struct smtp_word - an entry of a table of words, upper case
 * @text: the word
 * @len: its length, octets
 */
struct smtp_word {
	const char *text;
	u8 len;
};

extern const struct smtp_word smtp_verbs[__SMTP_FIXUP_VERB_MAX];
extern const struct smtp_word smtp_keywords[__SMTP_FIXUP_KEYWORD_MAX];
extern const char *const smtp_mode_names[__SMTP_FIXUP_MODE_MAX];
extern const char *const smtp_banner_names[__SMTP_FIXUP_BANNER_MAX];
extern const char *const smtp_tls_names[__SMTP_FIXUP_TLS_MAX];
extern const char *const smtp_reject_names[__SMTP_FIXUP_REJECT_MAX];
extern const char *const smtp_ehlo_names[__SMTP_FIXUP_EHLO_MAX];
extern const char *const smtp_special_names[__SMTP_FIXUP_SPECIAL_MAX];
extern const char *const smtp_smuggling_names[__SMTP_FIXUP_SMUGGLING_MAX];
extern const char *const smtp_line_ending_names[__SMTP_FIXUP_LINE_ENDING_MAX];
extern const char *const smtp_midstream_names[__SMTP_FIXUP_MIDSTREAM_MAX];
extern const char *const smtp_assign_names[__SMTP_FIXUP_ASSIGN_MAX];
extern const char *const smtp_proxy_protocol_names[__SMTP_FIXUP_PROXY_PROTOCOL_MAX];
extern const char *const smtp_limit_names[__SMTP_FIXUP_LIMIT_MAX];
extern const char *const smtp_action_names[__SMTP_FIXUP_ACTION_MAX];
extern const char *const smtp_phase_names[__SMTP_FIXUP_PHASE_MAX];
extern const char *const smtp_counter_names[__SMTP_FIXUP_CNT_MAX];
extern const char *const smtp_counter_explanations[__SMTP_FIXUP_CNT_MAX];

/**
 * struct smtp_match - a word being read byte by byte, compared with a table
 * @candidates: bit mask of the table's words that it may still become
 * @len: bytes read so far, stops at 255
 */
struct smtp_match {
	u64 candidates : 56;
	u64 len : 8;
};

/**
 * smtp_match_byte() - read one more byte of a word
 * @m: the match; start with @candidates the allowed words and @len 0
 * @table: the words
 * @c: the byte; letters match in either case
 *
 * Return: whether the word can still become one of the candidates.
 */
bool smtp_match_byte(struct smtp_match *m, const struct smtp_word *table, u8 c);

/**
 * smtp_match_run() - read bytes of a word of which one candidate is left
 * @m: the match
 * @table: the words
 * @p: the bytes
 * @n: how many
 *
 * Return: how many bytes match it; 0 if several are left.
 */
u32 smtp_match_run(struct smtp_match *m, const struct smtp_word *table, const u8 *p, u32 n);

/**
 * smtp_match_word() - which word has been read, if it ends here
 * @m: the match
 * @table: the words
 *
 * Return: the index in @table, or -1 when it is none of the candidates.
 */
int smtp_match_word(const struct smtp_match *m, const struct smtp_word *table);

/**
 * smtp_policy_init() - set up a policy as its mode has it
 * @p: the policy
 * @mode: enum smtp_fixup_mode
 */
void smtp_policy_init(struct smtp_policy *p, u8 mode);

/**
 * smtp_policy_set_strict() - set the strict option and what follows from it
 * @p: the policy, as its mode has it. Set other options after this one
 */
void smtp_policy_set_strict(struct smtp_policy *p);

/**
 * smtp_policy_plain_verbs() - the verbs that pass before TLS has started: S3
 * @p: the policy
 *
 * Return: bit mask of enum smtp_fixup_verb.
 */
u64 smtp_policy_plain_verbs(const struct smtp_policy *p);

/**
 * smtp_policy_set_verbs() - change the verbs, and the keywords that go with them
 * @p: the policy
 * @verbs: bit mask of enum smtp_fixup_verb
 */
void smtp_policy_set_verbs(struct smtp_policy *p, u64 verbs);

/**
 * smtp_policy_promised() - the EHLO keywords that promise verbs: E3
 * @verbs: bit mask of enum smtp_fixup_verb
 *
 * Return: bit mask of enum smtp_fixup_keyword.
 */
u64 smtp_policy_promised(u64 verbs);

/**
 * smtp_policy_set_tls() - change the tls option and what follows from it
 * @p: the policy
 * @tls: enum smtp_fixup_tls
 */
void smtp_policy_set_tls(struct smtp_policy *p, u8 tls);

/**
 * smtp_policy_set_text() - set the banner option to a line of the operator's
 * @p: the policy
 * @text: the text after "220 "
 * @n: octets
 *
 * Return: NULL, or what is wrong with the text, as smtp_policy_check().
 */
const char *smtp_policy_set_text(struct smtp_policy *p, const char *text,
				 u32 n);

/**
 * smtp_policy_set_iif() - set the interface where connections must come in
 * @p: the policy
 * @name: its name; it need not be there
 * @n: octets
 *
 * Return: NULL, or what is wrong with the name, as smtp_policy_check().
 */
const char *smtp_policy_set_iif(struct smtp_policy *p, const char *name, u32 n);

/**
 * smtp_policy_spare() - octets by which an edit may lengthen a line or reply
 * @p: the policy
 *
 * Return: the number of octets.
 */
static inline u32 smtp_policy_spare(const struct smtp_policy *p)
{
	if (p->banner == SMTP_FIXUP_BANNER_TEXT)
		return sizeof(p->text);
	if (p->ehlo == SMTP_FIXUP_EHLO_STRIP)
		return 8;
	return p->reject == SMTP_FIXUP_REJECT_NOOP ? 4 : 0;
}

/* X7: is it a limit of messages a second? */
static inline bool smtp_limit_is_rate(u32 limit)
{
	return limit == SMTP_FIXUP_LIMIT_RATE || limit == SMTP_FIXUP_LIMIT_SOURCE_RATE;
}

/* X7: has the policy any? */
static inline bool smtp_policy_rated(const struct smtp_policy *p)
{
	return p->limits[SMTP_FIXUP_LIMIT_RATE].action ||
	       p->limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action;
}

/**
 * smtp_limits_check() - refuse limits that can't be enforced; smtp_policy_check() calls
 * it
 * @p: the policy
 *
 * Return: NULL, or the reason, as smtp_policy_check().
 */
const char *smtp_limits_check(const struct smtp_policy *p);

/**
 * smtp_criteria_check() - refuse matches that contradict their policy;
 *	smtp_policy_check() calls it
 * @p: the policy
 *
 * Return: NULL, or the reason, as smtp_policy_check().
 */
const char *smtp_criteria_check(const struct smtp_policy *p);

/**
 * smtp_policy_check() - refuse a policy that contradicts itself
 * @p: the policy
 * @attr: result, with a reason: enum smtp_fixup_attr, the option at fault
 *
 * Return: NULL when it is sound, or the reason: a sentence without a full stop, for the
 * administrator.
 */
const char *smtp_policy_check(const struct smtp_policy *p, u8 *attr);

#endif /* _SMTP_CORE_POLICY_H */
