// SPDX-License-Identifier: GPL-2.0-only
/* The options of "set". See options.h. */
#include <assert.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/fields.h"
#include "options.h"

static const char *banner_get_text(const struct smtp_policy *policy, u32 *len)
{
	const char *text = (const char *)policy->text;

	if (policy->banner != SMTP_FIXUP_BANNER_TEXT || !policy->text_len)
		return NULL;
	/* Without the code and CRLF */
	*len = policy->text_len - strlen("220 \r\n");
	return text + strlen("220 ");
}

u8 option_get(const struct set_option *option, const struct smtp_policy *policy)
{
	return ((const u8 *)policy)[option->field];
}

static void option_apply(const struct set_option *option,
			 struct smtp_policy *policy, u8 value)
{
	((u8 *)policy)[option->field] = value;
}

static int parse_word(const struct set_option *option, struct set_request *req,
		      char *const *args, struct reason *why)
{
	int value = word_find(option->words, args[0], why);
	const char *fault;

	if (value < 0)
		return -1;
	if (!word_arg(option->words, value)) {
		option_apply(option, &req->policy, value);
		return 0;
	}
	fault = option->apply_text(&req->policy, args[1], strlen(args[1]));
	if (fault)
		return reason_usage(why, "%s", fault);
	req->attrs |= 1ULL << option->text_attr;
	return 0;
}

static void print_word(const struct set_option *option, FILE *out,
		       const struct smtp_policy *policy,
		       const struct smtp_policy *base)
{
	const char *text;
	u32 len;

	if (option_get(option, policy) == option_get(option, base))
		return;
	fprintf(out, " %s %s", option->name,
		WORD_TEXT(option->words, option_get(option, policy)));
	text = option->get_text ? option->get_text(policy, &len) : NULL;
	if (text) {
		fputc(' ', out);
		text_print(out, text, len);
	}
}

static void complete_word(const struct set_option *option,
			  const struct completion *c)
{
	for (unsigned int i = 0; i < option->words->count; i++)
		propose(c, option->words->names[i]);
}

static int parse_list(const struct set_option *option, struct set_request *req,
		      char *const *args, struct reason *why)
{
	return list_parse(option->list, (u64 *)((u8 *)req + option->mask),
			  args[0], why);
}

static void print_list(const struct set_option *option, FILE *out, u64 mask)
{
	mask &= ~(1ULL << option->list->elsewhere);
	if (!mask)
		return;
	fprintf(out, " %s ", option->name);
	mask_print(out, mask, option->list->table, option->list->count);
}

/* What the mode and the tls option together let through */
static u64 implied_verbs(const struct smtp_policy *policy,
			 const struct smtp_policy *base)
{
	struct smtp_policy implied = *base;

	smtp_policy_set_tls(&implied, policy->tls);
	return implied.verbs;
}

/* The keywords that go with the verbs; of a base that is no mode, none */
static u64 implied_keywords(const struct smtp_policy *policy,
			    const struct smtp_policy *base)
{
	struct smtp_policy implied = *base;

	if (base->mode == policy->mode)
		smtp_policy_set_verbs(&implied, policy->verbs);
	return implied.keywords;
}

static void print_allow(const struct set_option *option, FILE *out,
			const struct smtp_policy *policy,
			const struct smtp_policy *base)
{
	print_list(option, out, policy->verbs & ~implied_verbs(policy, base));
}

static void print_deny(const struct set_option *option, FILE *out,
		       const struct smtp_policy *policy,
		       const struct smtp_policy *base)
{
	print_list(option, out, implied_verbs(policy, base) & ~policy->verbs);
}

static void print_ehlo_allow(const struct set_option *option, FILE *out,
			     const struct smtp_policy *policy,
			     const struct smtp_policy *base)
{
	print_list(option, out,
		   policy->keywords & ~implied_keywords(policy, base));
}

static void print_ehlo_deny(const struct set_option *option, FILE *out,
			    const struct smtp_policy *policy,
			    const struct smtp_policy *base)
{
	print_list(option, out,
		   implied_keywords(policy, base) & ~policy->keywords);
}

/* The last word of a list: propose what is not in the list yet. */
static void complete_list(const struct set_option *option,
			  const struct completion *c)
{
	const char *comma = strrchr(c->current, ',');
	const size_t head = comma ? (size_t)(comma + 1 - c->current) : 0;
	u64 used = 0;
	char list[512];
	struct reason ignored;

	if (head >= sizeof(list) - 32)
		return;
	if (head) {
		snprintf(list, sizeof(list), "%.*s", (int)head - 1, c->current);
		if (list_parse(option->list, &used, list, &ignored))
			return;
	}
	for (unsigned int i = 0; i < option->list->count; i++) {
		if (i == option->list->elsewhere || used >> i & 1)
			continue;
		snprintf(list, sizeof(list), "%.*s%s", (int)head, c->current,
			 option->list->table[i].text);
		propose(c, list);
	}
}

static bool is_rate(const char *word)
{
	return smtp_limit_is_rate(word_index(&limit_words, word));
}

/* NAME N of a rate, without an ACTION: what is above it waits */
static int rate_lacks(int argc, char *const *argv)
{
	return argc && is_rate(argv[0]) &&
	       (argc < 3 || word_index(&action_words, argv[2]) < 0);
}

/* NAME N ACTION */
static int parse_limit(const struct set_option *option, struct set_request *req,
		       char *const *args, struct reason *why)
{
	int name = word_find(&limit_words, args[0], why);
	struct smtp_limit *limit;
	unsigned long max;
	char *end;
	int action;

	(void)option;
	if (name < 0)
		return -1;
	if (req->limits >> name & 1)
		return reason_usage(why, "the limit '%s' is given twice; name it once",
				    smtp_limit_names[name]);
	max = strtoul(args[1], &end, 10);
	if (*args[1] < '0' || *args[1] > '9' || *end || !max || max > UINT32_MAX)
		return reason_usage(why, "%s is no limit; use a number from 1 to %u, and the action 'off' for none",
				    QUOTED(args[1]), UINT32_MAX);
	action = SMTP_FIXUP_ACTION_WAIT;
	if (args[2])
		action = word_find(&action_words, args[2], why);
	if (action < 0)
		return -1;
	limit = &req->policy.limits[name];
	limit->max = max;
	limit->action = action;
	req->limits |= 1U << name;
	return 0;
}

static void print_limits(const struct set_option *option, FILE *out,
			 const struct smtp_policy *policy,
			 const struct smtp_policy *base)
{
	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit *limit = &policy->limits[i];

		if (limit->max == base->limits[i].max &&
		    limit->action == base->limits[i].action)
			continue;
		fprintf(out, " %s %s %u", option->name, smtp_limit_names[i],
			limit->max);
		if (!smtp_limit_is_rate(i) || limit->action != SMTP_FIXUP_ACTION_WAIT)
			fprintf(out, " %s", WORD_TEXT(&action_words, limit->action));
	}
}

static void complete_limit(const struct set_option *option,
			   const struct completion *c)
{
	const struct words *words = NULL;

	if (!strcmp(c->argv[c->argc - 1], option->name))
		words = &limit_words;
	else if (!strcmp(c->argv[c->argc - 3], option->name))
		words = &action_words;
	for (unsigned int i = 0; words && i < words->count; i++) {
		bool rate = words == &action_words && is_rate(c->argv[c->argc - 2]);

		if (words == &limit_words ||
		    (rate ? i <= SMTP_FIXUP_ACTION_LOG || i == SMTP_FIXUP_ACTION_WAIT :
			    i != SMTP_FIXUP_ACTION_WAIT))
			propose(c, words->names[i]);
	}
}

/* What a match can look at: the other two have options of their own */
#define WHAT_WORDS_COUNT	SMTP_FIXUP_WHAT_RELAY

static const struct words what_words = {
	.what = "thing to look at",
	.names = smtp_what_names,
	.docs = (const char *const[]){
		[SMTP_FIXUP_WHAT_VERB] = "a command's verb",
		[SMTP_FIXUP_WHAT_KEYWORD] = "the keyword of a line of an EHLO reply",
		[SMTP_FIXUP_WHAT_HELO] = "the name after HELO or EHLO",
		[SMTP_FIXUP_WHAT_SENDER] = "the address of MAIL, without < and >",
		[SMTP_FIXUP_WHAT_RECIPIENT] = "the address of a RCPT, without < and >",
		[SMTP_FIXUP_WHAT_HEADER] =
			"a field of a message's header, as 'Subject: text'; header:NAME: the value of that field",
		[SMTP_FIXUP_WHAT_MIME_TYPE] = "the type of a message or a part, as text/plain",
		[SMTP_FIXUP_WHAT_MIME_ENCODING] = "its encoding, as base64",
		[SMTP_FIXUP_WHAT_MIME_FILENAME] = "the name of an attachment, decoded",
	},
	.count = WHAT_WORDS_COUNT,
};

static int add_match(struct set_request *req, u8 what, u8 action, bool negated,
		     const char *patterns, const char *field, struct reason *why)
{
	if (!criteria_add(&req->criteria, what, action, negated, patterns,
			  strlen(patterns), field))
		return reason_usage(why, "a policy has %d matches at most, with %d characters",
				    SMTP_FIXUP_MATCHES_MAX, SMTP_FIXUP_PATTERNS_MAX);
	return 0;
}

static int parse_action(const char *arg, struct reason *why)
{
	int action = word_find(&action_words, arg, why);

	if (action == SMTP_FIXUP_ACTION_OFF)
		return reason_usage(why, "a match has no action 'off'; leave it out");
	if (action == SMTP_FIXUP_ACTION_WAIT)
		return reason_usage(why, "a match has no action 'wait'; only what is above a rate can wait");
	return action;
}

/* What a match looks at. *@field: the name after "header:", or NULL */
static int parse_what(const char *arg, const char **field, struct reason *why)
{
	const char *header = smtp_what_names[SMTP_FIXUP_WHAT_HEADER];
	const size_t len = strlen(header);

	*field = NULL;
	if (strncmp(arg, header, len) || arg[len] != ':')
		return word_find(&what_words, arg, why);
	*field = arg + len + 1;
	return SMTP_FIXUP_WHAT_HEADER;
}

/* [not] WHAT PATTERN,... ACTION */
static int parse_match(const struct set_option *option, struct set_request *req,
		       char *const *args, struct reason *why)
{
	const bool negated = !strcmp(args[0], "not");
	const char *field;
	int what, action;

	(void)option;
	args += negated;
	what = parse_what(args[0], &field, why);
	if (what < 0)
		return -1;
	action = parse_action(args[2], why);
	if (action < 0)
		return -1;
	return add_match(req, what, action, negated, args[1], field, why);
}

/* DOMAIN,... ACTION */
static int parse_relay(const struct set_option *option, struct set_request *req,
		       char *const *args, struct reason *why)
{
	int action = parse_action(args[1], why);

	(void)option;
	if (action < 0)
		return -1;
	return add_match(req, SMTP_FIXUP_WHAT_RELAY, action, false, args[0], NULL, why);
}

/* MECHANISM,... */
static int parse_mechanisms(const struct set_option *option,
			    struct set_request *req, char *const *args,
			    struct reason *why)
{
	(void)option;
	return add_match(req, SMTP_FIXUP_WHAT_MECHANISM, SMTP_FIXUP_ACTION_MASK,
			 false, args[0], NULL, why);
}

/* A word, quoted where a shell or the reader of a line would see more in it */
static void print_quoted(FILE *out, const char *text)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";

	if (*text && !text[strspn(text, plain)])
		fputs(text, out);
	else
		text_print(out, text, strlen(text));
}

static void print_criterion(const struct set_option *option, FILE *out,
			    const struct smtp_criterion *m)
{
	fprintf(out, " %s ", option->name);
	if (m->what < WHAT_WORDS_COUNT)
		fprintf(out, "%s%s", m->negated ? "not " : "",
			smtp_what_names[m->what]);
	if (m->field)
		fprintf(out, ":%s", m->field);
	if (m->what < WHAT_WORDS_COUNT)
		fputc(' ', out);
	print_quoted(out, m->patterns);
	if (m->what != SMTP_FIXUP_WHAT_MECHANISM)
		fprintf(out, " %s", WORD_TEXT(&action_words, m->action));
}

/* The matches that this option is for */
static void print_matches(const struct set_option *option, FILE *out,
			  const struct smtp_policy *policy,
			  const struct smtp_policy *base)
{
	const struct smtp_criteria *c = policy->criteria;

	(void)base;
	for (u32 i = 0; c && i < c->nr; i++) {
		const u8 what = c->criterion[i].what;

		if (!strcmp(option->name, what < WHAT_WORDS_COUNT ?
			    "match" : smtp_what_names[what]))
			print_criterion(option, out, &c->criterion[i]);
	}
}

/* [not] WHAT PATTERN,... ACTION: what stands there depends on what does before */
static void complete_match(const struct set_option *option,
			   const struct completion *c)
{
	const struct words *words = NULL;
	int at = 1;

	while (at < c->argc && strcmp(c->argv[c->argc - at], option->name))
		at++;
	if (at > 1 && !strcmp(c->argv[c->argc - at + 1], "not"))
		at--;
	else if (at == 1)
		propose(c, "not");
	if (at == 1)
		words = &what_words;
	else if (at == 3)
		words = &action_words;
	for (unsigned int i = 0; words && i < words->count; i++) {
		if (words != &action_words ||
		    (i != SMTP_FIXUP_ACTION_OFF && i != SMTP_FIXUP_ACTION_WAIT))
			propose(c, words->names[i]);
	}
}

static void complete_relay(const struct set_option *option,
			   const struct completion *c)
{
	if (!strcmp(c->argv[c->argc - 1], option->name))
		return;
	for (unsigned int i = SMTP_FIXUP_ACTION_LOG; i <= SMTP_FIXUP_ACTION_RESET; i++)
		propose(c, action_words.names[i]);
}

static void complete_mechanisms(const struct set_option *option,
				const struct completion *c)
{
	static const char *const names[] = {
		"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "GSSAPI",
		"EXTERNAL", "XOAUTH2", "OAUTHBEARER",
	};

	(void)option;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		propose(c, names[i]);
}

static int parse_iif(const struct set_option *option, struct set_request *req,
		     char *const *args, struct reason *why)
{
	const char *fault = smtp_policy_set_iif(&req->policy, args[0],
						strlen(args[0]));

	(void)option;
	return fault ? reason_usage(why, "%s", fault) : 0;
}

static const char *iif_get_text(const struct smtp_policy *policy, u32 *len)
{
	*len = strnlen(policy->iif, sizeof(policy->iif));
	return *len ? policy->iif : NULL;
}

/* Plain, unless a line's reader would see more in it than a word */
static void print_iif(const struct set_option *option, FILE *out,
		      const struct smtp_policy *policy,
		      const struct smtp_policy *base)
{
	(void)base;
	if (!*policy->iif)
		return;
	fprintf(out, " %s ", option->name);
	if (*policy->iif == '#' || strpbrk(policy->iif, "'\"\\"))
		text_print(out, policy->iif, strlen(policy->iif));
	else
		fputs(policy->iif, out);
}

static void complete_iif(const struct set_option *option,
			 const struct completion *c)
{
	struct if_nameindex *list = if_nameindex();

	(void)option;
	if (!list)
		return;
	for (unsigned int i = 0; list[i].if_name; i++)
		propose(c, list[i].if_name);
	if_freenameindex(list);
}

static int parse_flag(const struct set_option *option, struct set_request *req,
		      char *const *args, struct reason *why)
{
	(void)args;
	(void)why;
	option_apply(option, &req->policy, true);
	return 0;
}

static void print_flag(const struct set_option *option, FILE *out,
		       const struct smtp_policy *policy,
		       const struct smtp_policy *base)
{
	if (option_get(option, policy) != option_get(option, base))
		fprintf(out, " %s", option->name);
}

/* The options that are more than a word or a flag: fields.h */
static const struct set_option option_allow = {
	.name = "allow",
	.arg = "VERB,...",
	.args = 1,
	.doc = "let these verbs through as well",
	.attr = SMTP_FIXUP_A_VERBS,
	.list = &verb_list,
	.mask = offsetof(struct set_request, allow),
	.parse = parse_list,
	.print = print_allow,
	.complete = complete_list,
};

static const struct set_option option_deny = {
	.name = "deny",
	.arg = "VERB,...",
	.args = 1,
	.doc = "block these verbs",
	.attr = SMTP_FIXUP_A_VERBS,
	.list = &verb_list,
	.mask = offsetof(struct set_request, deny),
	.parse = parse_list,
	.print = print_deny,
	.complete = complete_list,
};

static const struct set_option option_ehlo_allow = {
	.name = "ehlo-allow",
	.arg = "KEYWORD,...",
	.args = 1,
	.doc = "let EHLO replies have these keywords as well",
	.attr = SMTP_FIXUP_A_KEYWORDS,
	.list = &keyword_list,
	.mask = offsetof(struct set_request, ehlo_allow),
	.parse = parse_list,
	.print = print_ehlo_allow,
	.complete = complete_list,
};

static const struct set_option option_ehlo_deny = {
	.name = "ehlo-deny",
	.arg = "KEYWORD,...",
	.args = 1,
	.doc = "keep these keywords out of EHLO replies",
	.attr = SMTP_FIXUP_A_KEYWORDS,
	.list = &keyword_list,
	.mask = offsetof(struct set_request, ehlo_deny),
	.parse = parse_list,
	.print = print_ehlo_deny,
	.complete = complete_list,
};

static const struct set_option option_limit = {
	.name = "limit",
	.arg = "NAME N ACTION",
	.args = 3,
	.repeats = true,
	.doc = "the action above that; may repeat. A rate's ACTION may be left out",
	.lacks = rate_lacks,
	.attr = SMTP_FIXUP_A_LIMITS,
	.parse = parse_limit,
	.print = print_limits,
	.complete = complete_limit,
};

static const struct set_option option_match = {
	.name = "match",
	.arg = "[not] WHAT PATTERN,... ACTION",
	.args = 3,
	.repeats = true,
	.negates = true,
	.doc = "the action on values that a pattern matches, or that none does; the first match that acts counts; may repeat",
	.attr = SMTP_FIXUP_A_MATCHES,
	.parse = parse_match,
	.print = print_matches,
	.complete = complete_match,
};

static const struct set_option option_mail_relay = {
	.name = "mail-relay",
	.arg = "DOMAIN,... ACTION",
	.args = 2,
	.doc = "the action on recipients outside of these domains",
	.attr = SMTP_FIXUP_A_MATCHES,
	.parse = parse_relay,
	.print = print_matches,
	.complete = complete_relay,
};

static const struct set_option option_auth_allow = {
	.name = "auth-allow",
	.arg = "MECHANISM,...",
	.args = 1,
	.doc = "only these SASL mechanisms are offered, and accepted",
	.attr = SMTP_FIXUP_A_MATCHES,
	.parse = parse_mechanisms,
	.print = print_matches,
	.complete = complete_mechanisms,
};

static const struct set_option option_iif = {
	.name = "iif",
	.arg = "IFACE",
	.args = 1,
	.doc = "only connections that come in by this interface, which need not be there",
	.attr = SMTP_FIXUP_A_IIF,
	.text_attr = SMTP_FIXUP_A_IIF,
	.get_text = iif_get_text,
	.parse = parse_iif,
	.print = print_iif,
	.complete = complete_iif,
};

#define WORD_MEMBERS(A, member, name_, help)			\
	.name = name_,						\
	.doc = help,						\
	.attr = SMTP_FIXUP_A_##A,				\
	.words = &member##_words,				\
	.field = offsetof(struct smtp_policy, member),		\
	.parse = parse_word,					\
	.print = print_word,					\
	.complete = complete_word
#define WORD_OPTION(A, member, name_, help)			\
	&(const struct set_option) {				\
		WORD_MEMBERS(A, member, name_, help),		\
	},
#define TEXT_OPTION(A, member, name_, help)			\
	&(const struct set_option) {				\
		WORD_MEMBERS(A, member, name_, help),		\
		.text_attr = SMTP_FIXUP_A_##A##_TEXT,		\
		.apply_text = smtp_policy_set_text,		\
		.get_text = member##_get_text,			\
	},
#define FLAG_OPTION(A, member, name_, help)			\
	&(const struct set_option) {				\
		.name = name_,					\
		.arg = "",					\
		.doc = help,					\
		.attr = SMTP_FIXUP_A_##A,			\
		.field = offsetof(struct smtp_policy, member),	\
		.parse = parse_flag,				\
		.print = print_flag,				\
	},
#define OTHER_OPTION(member) &option_##member,

const struct set_option *const set_options[] = {
	SMTP_POLICY_FIELDS(WORD_OPTION, TEXT_OPTION, FLAG_OPTION, OTHER_OPTION)
};

const unsigned int set_options_count =
	sizeof(set_options) / sizeof(*set_options);

/* struct set_request has a bit for each */
static_assert(sizeof(set_options) / sizeof(*set_options) <= 32, "options");
static_assert(SMTP_FIXUP_A_MAX < 64, "attributes");

int option_find(const char *name)
{
	for (unsigned int i = 0; i < set_options_count; i++) {
		if (!strcmp(set_options[i]->name, name))
			return i;
	}
	return -1;
}

bool option_is_flag(const struct set_option *option)
{
	return option->field && !option->words;
}

int option_args(const struct set_option *option, int argc, char *const *argv)
{
	const char *arg = argc ? argv[0] : "";

	if (!option->words)
		return option->args + (option->negates && !strcmp(arg, "not")) -
		       (option->lacks ? option->lacks(argc, argv) : 0);
	for (unsigned int i = 0; i < option->words->count; i++) {
		if (word_arg(option->words, i) &&
		    !strcmp(option->words->names[i], arg))
			return 2;
	}
	return 1;
}

void option_print_arg(FILE *out, const struct set_option *option)
{
	if (option->arg)
		fputs(option->arg, out);
	else
		words_print(out, option->words, "|");
}

void policy_init(struct smtp_policy *policy, u8 mode)
{
	smtp_policy_init(policy, mode < __SMTP_FIXUP_MODE_MAX ?
			 mode : SMTP_FIXUP_MODE_OFF);
	policy->mode = mode;
}

void options_print(FILE *out, const struct smtp_policy *policy)
{
	struct smtp_policy base;

	if (policy->mode == SMTP_FIXUP_MODE_OFF)
		return;
	policy_init(&base, policy->mode);
	if (policy->strict) {
		smtp_policy_set_strict(&base);
		base.strict = false;	/* to be said */
	}
	for (unsigned int i = 0; i < set_options_count; i++)
		set_options[i]->print(set_options[i], out, policy, &base);
}

/* A base that agrees with no policy: no such value, nothing passes */
static void policy_unlike(struct smtp_policy *other)
{
	memset(other, 0xff, sizeof(*other));
	other->verbs = 0;
	other->keywords = 0;
	other->criteria = NULL;
	for (size_t i = 0; i < sizeof(smtp_fields) / sizeof(*smtp_fields); i++) {
		if (smtp_fields[i].flag)
			*smtp_field(other, &smtp_fields[i]) = false;
	}
}

void option_print_whole(FILE *out, const struct set_option *option,
			const struct smtp_policy *policy)
{
	struct smtp_policy other;

	policy_unlike(&other);
	option->print(option, out, policy, &other);
}

void options_print_all(FILE *out, const struct smtp_policy *policy)
{
	if (policy->mode == SMTP_FIXUP_MODE_OFF)
		return;
	for (unsigned int i = 0; i < set_options_count; i++)
		option_print_whole(out, set_options[i], policy);
}

void options_explain(FILE *out)
{
	for (unsigned int i = 0; i < set_options_count; i++) {
		const struct set_option *option = set_options[i];

		fprintf(out, "  %s%s", option->name,
			option_args(option, 0, NULL) ? " " : "");
		option_print_arg(out, option);
		fprintf(out, "\n      %s\n", option->doc);
		if (option->words)
			words_explain(out, option->words, 8);
	}
	fputs("  WHAT is one of\n", out);
	words_explain(out, &what_words, 6);
	fputs("  PATTERN is a glob (* ? [...]), which the whole value matches, in either case, or\n"
	      "  a regular expression /.../ in the ASA's syntax, with ^ and $, which is searched\n"
	      "  for; /.../i is for either case. \"...\" holds blanks and commas, \"\" is the empty value\n",
	      out);
	fputs("  NAME is one of\n", out);
	words_explain(out, &limit_words, 6);
	fputs("  ACTION is one of\n", out);
	words_explain(out, &action_words, 6);
	list_explain(out, &verb_list);
	list_explain(out, &keyword_list);
}

/* What strict means, where no other option says otherwise */
static void strict_finish(struct set_request *req)
{
	struct smtp_policy strict = req->policy;

	if (!strict.strict)
		return;
	smtp_policy_set_strict(&strict);
	if (!(req->attrs >> SMTP_FIXUP_A_LINE_ENDING & 1))
		req->policy.line_ending = strict.line_ending;
	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		if (!(req->limits >> i & 1))
			req->policy.limits[i] = strict.limits[i];
	}
}

/* Adds and takes away what the two lists say */
static int lists_apply(const struct list *list, u64 *mask, u64 allow, u64 deny,
		       struct reason *why)
{
	if (allow & deny)
		return reason_usage(why, "%s is both allowed and denied; name it once",
				    list->table[__builtin_ctzll(allow & deny)].text);
	*mask = (*mask | allow) & ~deny;
	return 0;
}

int options_finish(struct set_request *req, struct reason *why)
{
	struct smtp_policy *policy = &req->policy;
	const char *fault;
	u64 verbs;
	u8 attr;

	smtp_policy_set_tls(policy, policy->tls);
	verbs = policy->verbs;
	if (lists_apply(&verb_list, &verbs, req->allow, req->deny, why))
		return -1;
	smtp_policy_set_verbs(policy, verbs);
	if (lists_apply(&keyword_list, &policy->keywords, req->ehlo_allow,
			req->ehlo_deny, why))
		return -1;
	strict_finish(req);
	if (criteria_compile(req->criteria, why))
		return -1;
	fault = criteria_make(req->criteria, &policy->criteria);
	if (fault)
		return reason_usage(why, "%s", fault);

	fault = smtp_policy_check(policy, &attr);
	if (fault)
		return reason_usage(why, "%s", fault);
	return 0;
}
