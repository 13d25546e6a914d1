/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The options of "set". One table, from which parsing, validation, --help,
 * completion, the lines of "show" and its JSON are derived.
 */
#ifndef _SMTPFIXUP_OPTIONS_H
#define _SMTPFIXUP_OPTIONS_H

#include "criteria.h"
#include "ports.h"
#include "propose.h"
#include "words.h"

/**
 * struct set_request - what a set line asks for
 * @ports: where
 * @policy: what, complete
 * @allow: verbs that pass in addition to the mode's, merged into @policy
 * @deny: verbs that do not pass, merged into @policy
 * @ehlo_allow: keywords that EHLO replies may have as well, merged into @policy
 * @ehlo_deny: keywords that they may not, merged into @policy
 * @criteria: the matches, from which options_finish() makes those of @policy, or
 *	NULL; both are owned
 * @limits: bit mask of enum smtp_fixup_limit: those that were given
 * @options: bit mask of the indices of the options that were given
 * @attrs: bit mask of enum smtp_fixup_attr: what differs from the mode by
 *	the user's word, and so must be sent
 */
struct set_request {
	struct ports ports;
	struct smtp_policy policy;
	u64 allow;
	u64 deny;
	u64 ehlo_allow;
	u64 ehlo_deny;
	struct criteria *criteria;
	u32 limits;
	u32 options;
	u64 attrs;
};

/* Arguments of an option at most */
#define OPTION_ARGS_MAX	4

/**
 * struct set_option - an option
 * @name: its keyword
 * @arg: what its argument is called in usage lines, or NULL: the @words
 * @args: how many it takes, where there are no @words
 * @repeats: may be given more than once
 * @negates: may have the word "not" before its arguments
 * @lacks: how many of its arguments are left out in these words, or NULL: none
 * @doc: one line
 * @attr: the attribute that carries it
 * @text_attr: the attribute for the text of the one value that takes one, or for
 *	the option's own, or 0
 * @words: its values, where that is a closed list
 * @field: offset in struct smtp_policy of the octet that has the value of
 *	@words, or where there are no arguments, true; 0: it has no such octet
 * @list: what it takes a list of, or NULL
 * @mask: offset in struct set_request of the mask of its @list
 * @apply_text: put a text and the value that takes it into a policy, or say
 *	what is wrong with it; NULL if no value takes one
 * @get_text: get the text back, not ended by a NUL; NULL where there is none
 * @parse: read the arguments, as many as option_args() says; NULL follows them
 * @print: write the argument, nothing where @base says the same already
 * @complete: propose arguments, the first one if there are @words
 */
struct set_option {
	const char *name;
	const char *arg;
	u8 args;
	bool repeats;
	bool negates;
	int (*lacks)(int argc, char *const *argv);
	const char *doc;
	u8 attr;
	u8 text_attr;
	const struct words *words;
	u8 field;
	const struct list *list;
	u16 mask;
	const char *(*apply_text)(struct smtp_policy *policy, const char *text,
				  u32 len);
	const char *(*get_text)(const struct smtp_policy *policy, u32 *len);
	int (*parse)(const struct set_option *option, struct set_request *req,
		     char *const *args, struct reason *why);
	void (*print)(const struct set_option *option, FILE *out,
		      const struct smtp_policy *policy,
		      const struct smtp_policy *base);
	void (*complete)(const struct set_option *option,
			 const struct completion *c);
};

extern const struct set_option *const set_options[];
extern const unsigned int set_options_count;

/* The index of an option, or -1. */
int option_find(const char *name);

/* Its value in a policy, where it has a @field. */
u8 option_get(const struct set_option *option, const struct smtp_policy *policy);

/* Is it given or not, without an argument? */
bool option_is_flag(const struct set_option *option);

/* How many arguments it takes, where these words follow its name. */
int option_args(const struct set_option *option, int argc, char *const *argv);

/* Its arguments, as in usage lines. */
void option_print_arg(FILE *out, const struct set_option *option);

/* Every option that tells @policy from what its mode means, each as
 * " NAME ARG".
 */
void options_print(FILE *out, const struct smtp_policy *policy);

/* One option of it, whatever the mode means. */
void option_print_whole(FILE *out, const struct set_option *option,
			const struct smtp_policy *policy);

/* The same with what the mode means written out, too. */
void options_print_all(FILE *out, const struct smtp_policy *policy);

/* Every option with its values, for --help. */
void options_explain(FILE *out);

/* Settle what depends on all options together, and check the result. */
int options_finish(struct set_request *req, struct reason *why);

/* smtp_policy_init() that bears the mode of a newer kernel. */
void policy_init(struct smtp_policy *policy, u8 mode);

#endif /* _SMTPFIXUP_OPTIONS_H */
