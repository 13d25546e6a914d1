// SPDX-License-Identifier: GPL-2.0-only
/* The tables and presets: V1, V2, E2, S1, S2; names and explanations. */
#include <stdio.h>

#include "unit.h"

static void names_sane(const char *const *names, u32 n)
{
	u32 i, k;

	for (i = 0; i < n; i++) {
		assert_non_null(names[i]);
		assert_true(*names[i]);
		for (k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
		for (k = 0; names[i][k]; k++)
			assert_true((names[i][k] >= 'a' && names[i][k] <= 'z') ||
				    (k && strchr("_-.0123456789", names[i][k])));
	}
}

TEST("", "names", NONE)
{
	names_sane(smtp_mode_names, __SMTP_FIXUP_MODE_MAX);
	names_sane(smtp_banner_names, __SMTP_FIXUP_BANNER_MAX);
	names_sane(smtp_tls_names, __SMTP_FIXUP_TLS_MAX);
	names_sane(smtp_phase_names, __SMTP_FIXUP_PHASE_MAX);
	names_sane(smtp_counter_names, __SMTP_FIXUP_CNT_MAX);
}

TEST("", "counters explained", NONE)
{
	static const char *const contract[] = {
		"connections", "greetings_masked", "commands_passed",
		"commands_blocked", "ehlo_lines_masked", "bytes_masked",
		"segments_dropped", "segments_replayed", "tls_started",
	};
	u32 i;

	for (i = 0; i < __SMTP_FIXUP_CNT_MAX; i++) {
		const char *text = smtp_counter_explanations[i];

		assert_non_null(text);
		assert_true(strlen(text) > 10);
		assert_int_not_equal(text[strlen(text) - 1], '.');
	}
	for (i = 0; i < sizeof(contract) / sizeof(*contract); i++)
		assert_string_equal(smtp_counter_names[i], contract[i]);
}

static void words_sane(const struct smtp_word *words, u32 n)
{
	u32 i, k, c;

	assert_true(n <= 64);
	for (i = 0; i < n; i++) {
		assert_non_null(words[i].text);
		assert_int_equal(words[i].len, strlen(words[i].text));
		assert_true(words[i].len);
		for (c = 0; c < words[i].len; c++)
			assert_true((words[i].text[c] >= 'A' &&
				     words[i].text[c] <= 'Z') ||
				    (words[i].text[c] >= '0' &&
				     words[i].text[c] <= '9') ||
				    words[i].text[c] == '-');
		for (k = 0; k < n; k++)
			if (i != k)
				assert_true(words[k].len < words[i].len ||
					    memcmp(words[i].text, words[k].text,
						   words[i].len));
	}
}

/* V6: a prefix of an allowed verb passes, and must be no verb itself */
TEST("", "no word begins another", NONE)
{
	static const char *const others[] = {
		"ATRN", "TURN", "KILL", "WIZ", "DEBUG",
		"LHLO", "BURL", "XADR", "XSTA", "XCIR", "XGEN", "XAUTH", "TICK",
	};
	u32 i, k;

	words_sane(smtp_verbs, __SMTP_FIXUP_VERB_MAX);
	words_sane(smtp_keywords, __SMTP_FIXUP_KEYWORD_MAX);
	for (i = 0; i < sizeof(others) / sizeof(*others); i++)
		for (k = 0; k < __SMTP_FIXUP_VERB_MAX; k++)
			assert_true(strlen(others[i]) > smtp_verbs[k].len ||
				    memcmp(others[i], smtp_verbs[k].text,
					   strlen(others[i])));
}

static u64 bits_of(const struct smtp_word *words, u32 n, const char *list)
{
	u64 bits = 0;
	u32 i, found = 0, wanted = 0;

	for (i = 0; i < n; i++) {
		const char *at = strstr(list, words[i].text);

		if (at && (at == list || at[-1] == ' ') &&
		    (at[words[i].len] == ' ' || !at[words[i].len])) {
			bits |= 1ULL << i;
			found++;
		}
	}
	for (i = 0; list[i]; i++)
		wanted += list[i] != ' ' && (!list[i + 1] || list[i + 1] == ' ');
	assert_int_equal(found, wanted);
	return bits;
}

#define E2_KEYWORDS "SIZE ETRN PIPELINING DSN ENHANCEDSTATUSCODES 8BITMIME " \
	"AUTH VRFY"

TEST("", "presets", NONE)
{
	static const char v1[] = "HELO MAIL RCPT DATA RSET NOOP QUIT";
	static const char v2[] = "HELO MAIL RCPT DATA RSET NOOP QUIT AUTH EHLO ETRN HELP SAML SEND SOML VRFY";
	struct smtp_policy p;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(p.verbs, bits_of(smtp_verbs, __SMTP_FIXUP_VERB_MAX, v1));
	assert_int_equal(p.mode, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(p.banner, SMTP_FIXUP_BANNER_PIX);
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	assert_int_equal(p.verbs, bits_of(smtp_verbs, __SMTP_FIXUP_VERB_MAX, v2));
	assert_int_equal(p.keywords, bits_of(smtp_keywords,
					     __SMTP_FIXUP_KEYWORD_MAX,
					     E2_KEYWORDS));
	assert_int_equal(p.tls, SMTP_FIXUP_TLS_MASK);
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));

	smtp_policy_init(&p, SMTP_FIXUP_MODE_OFF);
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
}

/* The table of docs/rules.md, "Presets" */
TEST("", "presets by version", NONE)
{
	static const struct {
		u8 mode, verbs_of, banner, reject, tls;
	} presets[] = {
		{ SMTP_FIXUP_MODE_MAILHOST, SMTP_FIXUP_MODE_FIXUP,
		  SMTP_FIXUP_BANNER_CMAP, SMTP_FIXUP_REJECT_NOOP, 0 },
		{ SMTP_FIXUP_MODE_PIX_4_4, SMTP_FIXUP_MODE_FIXUP,
		  SMTP_FIXUP_BANNER_STARS, SMTP_FIXUP_REJECT_X, 0 },
		{ SMTP_FIXUP_MODE_PIX_5_1, SMTP_FIXUP_MODE_FIXUP,
		  SMTP_FIXUP_BANNER_PIX, SMTP_FIXUP_REJECT_X, 0 },
		{ SMTP_FIXUP_MODE_ASA, SMTP_FIXUP_MODE_ESMTP,
		  SMTP_FIXUP_BANNER_STARS, SMTP_FIXUP_REJECT_X,
		  SMTP_FIXUP_TLS_ALLOW },
	};
	struct smtp_policy p, other;
	u32 i;

	for (i = 0; i < sizeof(presets) / sizeof(*presets); i++) {
		smtp_policy_init(&p, presets[i].mode);
		smtp_policy_init(&other, presets[i].verbs_of);
		smtp_policy_set_tls(&other, presets[i].tls);
		assert_int_equal(p.mode, presets[i].mode);
		assert_int_equal(p.verbs, other.verbs);
		assert_int_equal(p.keywords, other.keywords);
		assert_int_equal(p.banner, presets[i].banner);
		assert_int_equal(p.reject, presets[i].reject);
		assert_int_equal(p.ehlo, SMTP_FIXUP_EHLO_MASK);
		assert_int_equal(p.tls, presets[i].tls);
		assert_null(smtp_policy_check(&p, &(u8){ 0 }));
	}
	/* pix-5.1 is fixup by another name */
	smtp_policy_init(&p, SMTP_FIXUP_MODE_PIX_5_1);
	smtp_policy_init(&other, SMTP_FIXUP_MODE_FIXUP);
	p.mode = other.mode;
	assert_memory_equal(&p, &other, sizeof(p));
}

/* L, V7: what strict means to the other options */
TEST("", "strict option", NONE)
{
	struct smtp_policy p, asa;

	smtp_policy_init(&asa, SMTP_FIXUP_MODE_ASA);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(p.line_ending, SMTP_FIXUP_LINE_ENDING_LENIENT);
	assert_int_equal(p.smuggling, SMTP_FIXUP_SMUGGLING_MASK);
	assert_int_equal(p.midstream, SMTP_FIXUP_MIDSTREAM_RESET);
	smtp_policy_set_strict(&p);
	assert_true(p.strict);
	assert_int_equal(p.line_ending, SMTP_FIXUP_LINE_ENDING_STRICT);
	assert_memory_equal(p.limits, asa.limits, sizeof(p.limits));
	assert_int_equal(p.limits[SMTP_FIXUP_LIMIT_BODY_LINE].action, SMTP_FIXUP_ACTION_LOG);
	assert_int_equal(p.limits[SMTP_FIXUP_LIMIT_RCPT].action, SMTP_FIXUP_ACTION_DROP);
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
}

/* Names that the kernel takes for an interface, and show can print */
TEST("", "iif option", NONE)
{
	static const char *const bad[] = {
		"", "0123456789abcdef", "eth 0", "eth/0", "eth:0", "eth\n", "e\x7f",
		"\xc3\xa9",
	};
	struct smtp_policy p, before;
	size_t i;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	assert_string_equal(p.iif, "");
	assert_null(smtp_policy_set_iif(&p, "0123456789abcde", 15));
	assert_string_equal(p.iif, "0123456789abcde");
	assert_null(smtp_policy_set_iif(&p, "eth0.7@x", 8));
	assert_string_equal(p.iif, "eth0.7@x");
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
	before = p;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(smtp_policy_set_iif(&p, bad[i], strlen(bad[i])));
	assert_non_null(smtp_policy_set_iif(&p, "e\0f", 3));
	assert_memory_equal(&p, &before, sizeof(p));
}

TEST("", "assign option", NONE)
{
	struct smtp_policy p;
	u8 attr;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	assert_int_equal(p.assign, SMTP_FIXUP_ASSIGN_AUTO);
	assert_false(p.by_mark);
	p.assign = SMTP_FIXUP_ASSIGN_EXPLICIT;
	p.by_mark = true;
	assert_null(smtp_policy_check(&p, &attr));
	assert_null(smtp_policy_set_iif(&p, "eth0", 4));
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_IIF);
}

TEST("", "TLS option", NONE)
{
	struct smtp_policy p;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_tls(&p, SMTP_FIXUP_TLS_ALLOW);
	assert_true(p.verbs & SMTP_VERB_BIT(STARTTLS));
	assert_true(p.keywords & SMTP_KEYWORD_BIT(STARTTLS));
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
	smtp_policy_set_tls(&p, SMTP_FIXUP_TLS_MASK);
	assert_false(p.verbs & SMTP_VERB_BIT(STARTTLS));
	assert_false(p.keywords & SMTP_KEYWORD_BIT(STARTTLS));
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
}

TEST("", "check refuses", NONE)
{
	struct smtp_policy p;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	p.verbs |= SMTP_VERB_BIT(STARTTLS);
	assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));

	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	smtp_policy_set_tls(&p, SMTP_FIXUP_TLS_ALLOW);
	assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	p.verbs &= ~SMTP_VERB_BIT(QUIT);
	assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));

	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	p.keep_esmtp = true;
	assert_null(smtp_policy_check(&p, &(u8){ 0 }));
	p.banner = SMTP_FIXUP_BANNER_KEEP;
	assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));
}

/* Each reason names the option at fault */
TEST("", "check blames", NONE)
{
	struct smtp_policy p;
	u8 attr;

	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	p.verbs |= SMTP_VERB_BIT(STARTTLS);
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_VERBS);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	smtp_policy_set_tls(&p, SMTP_FIXUP_TLS_REQUIRE);
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_TLS);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	p.banner = SMTP_FIXUP_BANNER_TEXT;
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_BANNER);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_MAILHOST);
	assert_null(smtp_policy_set_text(&p, "x", 1));
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_BANNER);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_MAILHOST);
	p.keep_esmtp = true;
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_KEEP_ESMTP);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	p.limits[SMTP_FIXUP_LIMIT_RCPT].max = 0;
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_LIMITS);
}

/* E3: a keyword and the verb that it promises pass only together */
TEST("E3", "promises", NONE)
{
	static const struct {
		u64 keyword, verb;
	} promises[] = {
		{ SMTP_KEYWORD_BIT(ETRN), SMTP_VERB_BIT(ETRN) },
		{ SMTP_KEYWORD_BIT(AUTH), SMTP_VERB_BIT(AUTH) },
		{ SMTP_KEYWORD_BIT(VRFY), SMTP_VERB_BIT(VRFY) },
		{ SMTP_KEYWORD_BIT(HELP), SMTP_VERB_BIT(HELP) },
		{ SMTP_KEYWORD_BIT(EXPN), SMTP_VERB_BIT(EXPN) },
		{ SMTP_KEYWORD_BIT(ONEX), SMTP_VERB_BIT(ONEX) },
		{ SMTP_KEYWORD_BIT(VERB), SMTP_VERB_BIT(VERB) },
		{ SMTP_KEYWORD_BIT(XCLIENT), SMTP_VERB_BIT(XCLIENT) },
		{ SMTP_KEYWORD_BIT(XFORWARD), SMTP_VERB_BIT(XFORWARD) },
		{ SMTP_KEYWORD_BIT(X_EXPS), SMTP_VERB_BIT(X_EXPS) },
		{ SMTP_KEYWORD_BIT(X_LINK2STATE), SMTP_VERB_BIT(X_LINK2STATE) },
		{ SMTP_KEYWORD_BIT(XEXCH50), SMTP_VERB_BIT(XEXCH50) },
		{ SMTP_KEYWORD_BIT(CHUNKING), SMTP_VERB_BIT(BDAT) },
	};
	struct smtp_policy p;
	u64 free_ones = SMTP_KEYWORD_BIT(SMTPUTF8) | SMTP_KEYWORD_BIT(DELIVERBY) |
			SMTP_KEYWORD_BIT(MT_PRIORITY) | SMTP_KEYWORD_BIT(LIMITS);
	u32 i;
	u8 attr;

	for (i = 0; i < sizeof(promises) / sizeof(*promises); i++) {
		u64 verbs;

		smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
		verbs = p.verbs;
		smtp_policy_set_verbs(&p, verbs & ~promises[i].verb);
		assert_false(p.keywords & promises[i].keyword);
		assert_null(smtp_policy_check(&p, &attr));
		p.keywords |= promises[i].keyword;
		assert_non_null(smtp_policy_check(&p, &attr));
		assert_int_equal(attr, SMTP_FIXUP_A_KEYWORDS);
		smtp_policy_set_verbs(&p, verbs | promises[i].verb);
		p.keywords |= promises[i].keyword;
		assert_null(smtp_policy_check(&p, &attr));
	}
	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	p.keywords |= free_ones;
	assert_null(smtp_policy_check(&p, &attr));
	p.keywords = 0;
	assert_null(smtp_policy_check(&p, &attr));
	smtp_policy_set_verbs(&p, p.verbs | SMTP_VERB_BIT(BDAT));
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_KEYWORDS);
	smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	p.keywords = SMTP_KEYWORD_BIT(TURN);
	assert_non_null(smtp_policy_check(&p, &attr));
	p.keywords = SMTP_KEYWORD_BIT(ATRN);
	assert_non_null(smtp_policy_check(&p, &attr));
	smtp_policy_set_tls(&p, SMTP_FIXUP_TLS_ALLOW);
	p.keywords &= ~SMTP_KEYWORD_BIT(STARTTLS);
	assert_non_null(smtp_policy_check(&p, &attr));
	assert_int_equal(attr, SMTP_FIXUP_A_KEYWORDS);
}

static int match(u64 candidates, const char *word)
{
	struct smtp_match m = { .candidates = candidates };

	for (; *word; word++)
		smtp_match_byte(&m, smtp_verbs, *word);
	return smtp_match_word(&m, smtp_verbs);
}

TEST("", "match", NONE)
{
	u64 all = (1ULL << __SMTP_FIXUP_VERB_MAX) - 1;
	char longest[600];

	assert_int_equal(match(all, "HELO"), SMTP_FIXUP_VERB_HELO);
	assert_int_equal(match(all, "hElO"), SMTP_FIXUP_VERB_HELO);
	assert_int_equal(match(all, "x-link2state"),
			 SMTP_FIXUP_VERB_X_LINK2STATE);
	assert_int_equal(match(all & ~SMTP_VERB_BIT(HELO), "HELO"), -1);
	assert_int_equal(match(all, "HEL"), -1);
	assert_int_equal(match(all, "HELOO"), -1);
	assert_int_equal(match(all, ""), -1);
	/* The length must not wrap */
	memset(longest, 'A', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	memcpy(longest + 256, "HELO", 5);
	assert_int_equal(match(all, longest), -1);
}
