// SPDX-License-Identifier: GPL-2.0-only
/* Policy: the tables of docs/rules.md V1, V2, E2, E3 and "Presets". See policy.h. */
#include "policy.h"

#define WORD(s)	{ s, sizeof(s) - 1 }

/* No word may be the beginning of another one: a prefix of an allowed verb
 * passes before it is whole, and must not be a verb itself (V6).
 */
const struct smtp_word smtp_verbs[__SMTP_FIXUP_VERB_MAX] = {
	[SMTP_FIXUP_VERB_HELO]		= WORD("HELO"),
	[SMTP_FIXUP_VERB_MAIL]		= WORD("MAIL"),
	[SMTP_FIXUP_VERB_RCPT]		= WORD("RCPT"),
	[SMTP_FIXUP_VERB_DATA]		= WORD("DATA"),
	[SMTP_FIXUP_VERB_RSET]		= WORD("RSET"),
	[SMTP_FIXUP_VERB_NOOP]		= WORD("NOOP"),
	[SMTP_FIXUP_VERB_QUIT]		= WORD("QUIT"),
	[SMTP_FIXUP_VERB_AUTH]		= WORD("AUTH"),
	[SMTP_FIXUP_VERB_EHLO]		= WORD("EHLO"),
	[SMTP_FIXUP_VERB_ETRN]		= WORD("ETRN"),
	[SMTP_FIXUP_VERB_HELP]		= WORD("HELP"),
	[SMTP_FIXUP_VERB_SAML]		= WORD("SAML"),
	[SMTP_FIXUP_VERB_SEND]		= WORD("SEND"),
	[SMTP_FIXUP_VERB_SOML]		= WORD("SOML"),
	[SMTP_FIXUP_VERB_VRFY]		= WORD("VRFY"),
	[SMTP_FIXUP_VERB_STARTTLS]	= WORD("STARTTLS"),
	[SMTP_FIXUP_VERB_EXPN]		= WORD("EXPN"),
	[SMTP_FIXUP_VERB_ONEX]		= WORD("ONEX"),
	[SMTP_FIXUP_VERB_VERB]		= WORD("VERB"),
	[SMTP_FIXUP_VERB_X_EXPS]	= WORD("X-EXPS"),
	[SMTP_FIXUP_VERB_X_LINK2STATE]	= WORD("X-LINK2STATE"),
	[SMTP_FIXUP_VERB_XCLIENT]	= WORD("XCLIENT"),
	[SMTP_FIXUP_VERB_XFORWARD]	= WORD("XFORWARD"),
	[SMTP_FIXUP_VERB_BDAT]		= WORD("BDAT"),
	[SMTP_FIXUP_VERB_XEXCH50]	= WORD("XEXCH50"),
};

const struct smtp_word smtp_keywords[__SMTP_FIXUP_KEYWORD_MAX] = {
	[SMTP_FIXUP_KEYWORD_SIZE]		= WORD("SIZE"),
	[SMTP_FIXUP_KEYWORD_ETRN]		= WORD("ETRN"),
	[SMTP_FIXUP_KEYWORD_PIPELINING]		= WORD("PIPELINING"),
	[SMTP_FIXUP_KEYWORD_DSN]		= WORD("DSN"),
	[SMTP_FIXUP_KEYWORD_ENHANCEDSTATUSCODES] = WORD("ENHANCEDSTATUSCODES"),
	[SMTP_FIXUP_KEYWORD_8BITMIME]		= WORD("8BITMIME"),
	[SMTP_FIXUP_KEYWORD_BINARYMIME]		= WORD("BINARYMIME"),
	[SMTP_FIXUP_KEYWORD_AUTH]		= WORD("AUTH"),
	[SMTP_FIXUP_KEYWORD_VRFY]		= WORD("VRFY"),
	[SMTP_FIXUP_KEYWORD_STARTTLS]		= WORD("STARTTLS"),
	[SMTP_FIXUP_KEYWORD_SMTPUTF8]		= WORD("SMTPUTF8"),
	[SMTP_FIXUP_KEYWORD_DELIVERBY]		= WORD("DELIVERBY"),
	[SMTP_FIXUP_KEYWORD_HELP]		= WORD("HELP"),
	[SMTP_FIXUP_KEYWORD_EXPN]		= WORD("EXPN"),
	[SMTP_FIXUP_KEYWORD_ONEX]		= WORD("ONEX"),
	[SMTP_FIXUP_KEYWORD_VERB]		= WORD("VERB"),
	[SMTP_FIXUP_KEYWORD_TURN]		= WORD("TURN"),
	[SMTP_FIXUP_KEYWORD_ATRN]		= WORD("ATRN"),
	[SMTP_FIXUP_KEYWORD_X_EXPS]		= WORD("X-EXPS"),
	[SMTP_FIXUP_KEYWORD_X_LINK2STATE]	= WORD("X-LINK2STATE"),
	[SMTP_FIXUP_KEYWORD_XCLIENT]		= WORD("XCLIENT"),
	[SMTP_FIXUP_KEYWORD_XFORWARD]		= WORD("XFORWARD"),
	[SMTP_FIXUP_KEYWORD_CHUNKING]		= WORD("CHUNKING"),
	[SMTP_FIXUP_KEYWORD_XEXCH50]		= WORD("XEXCH50"),
	[SMTP_FIXUP_KEYWORD_MT_PRIORITY]	= WORD("MT-PRIORITY"),
	[SMTP_FIXUP_KEYWORD_REQUIRETLS]		= WORD("REQUIRETLS"),
	[SMTP_FIXUP_KEYWORD_FUTURERELEASE]	= WORD("FUTURERELEASE"),
	[SMTP_FIXUP_KEYWORD_LIMITS]		= WORD("LIMITS"),
};

const char *const smtp_mode_names[__SMTP_FIXUP_MODE_MAX] = {
	[SMTP_FIXUP_MODE_OFF]	= "off",
	[SMTP_FIXUP_MODE_FIXUP]	= "fixup",
	[SMTP_FIXUP_MODE_ESMTP]	= "esmtp",
	[SMTP_FIXUP_MODE_MAILHOST] = "mailhost",
	[SMTP_FIXUP_MODE_PIX_4_4] = "pix-4.4",
	[SMTP_FIXUP_MODE_PIX_5_1] = "pix-5.1",
	[SMTP_FIXUP_MODE_ASA]	= "asa",
};

const char *const smtp_banner_names[__SMTP_FIXUP_BANNER_MAX] = {
	[SMTP_FIXUP_BANNER_PIX]		= "pix",
	[SMTP_FIXUP_BANNER_STARS]	= "stars",
	[SMTP_FIXUP_BANNER_KEEP]	= "keep",
	[SMTP_FIXUP_BANNER_TEXT]	= "text",
	[SMTP_FIXUP_BANNER_CMAP]	= "cmap",
};

const char *const smtp_reject_names[__SMTP_FIXUP_REJECT_MAX] = {
	[SMTP_FIXUP_REJECT_X]		= "x",
	[SMTP_FIXUP_REJECT_LINE]	= "line",
	[SMTP_FIXUP_REJECT_NOOP]	= "noop",
	[SMTP_FIXUP_REJECT_DROP]	= "drop",
	[SMTP_FIXUP_REJECT_RESET]	= "reset",
};

const char *const smtp_ehlo_names[__SMTP_FIXUP_EHLO_MAX] = {
	[SMTP_FIXUP_EHLO_MASK]		= "mask",
	[SMTP_FIXUP_EHLO_STRIP]		= "strip",
	[SMTP_FIXUP_EHLO_KEEP]		= "keep",
};

const char *const smtp_tls_names[__SMTP_FIXUP_TLS_MAX] = {
	[SMTP_FIXUP_TLS_MASK]	= "mask",
	[SMTP_FIXUP_TLS_ALLOW]	= "allow",
	[SMTP_FIXUP_TLS_REQUIRE] = "require",
};

const char *const smtp_special_names[__SMTP_FIXUP_SPECIAL_MAX] = {
	[SMTP_FIXUP_SPECIAL_OFF]	= "off",
	[SMTP_FIXUP_SPECIAL_LOG]	= "log",
	[SMTP_FIXUP_SPECIAL_REPLACE]	= "replace",
	[SMTP_FIXUP_SPECIAL_DROP]	= "drop",
};

const char *const smtp_smuggling_names[__SMTP_FIXUP_SMUGGLING_MAX] = {
	[SMTP_FIXUP_SMUGGLING_OFF]	= "off",
	[SMTP_FIXUP_SMUGGLING_LOG]	= "log",
	[SMTP_FIXUP_SMUGGLING_MASK]	= "mask",
	[SMTP_FIXUP_SMUGGLING_DROP]	= "drop",
};

const char *const smtp_line_ending_names[__SMTP_FIXUP_LINE_ENDING_MAX] = {
	[SMTP_FIXUP_LINE_ENDING_LENIENT] = "lenient",
	[SMTP_FIXUP_LINE_ENDING_STRICT]	= "strict",
};

const char *const smtp_midstream_names[__SMTP_FIXUP_MIDSTREAM_MAX] = {
	[SMTP_FIXUP_MIDSTREAM_DROP]	= "drop",
	[SMTP_FIXUP_MIDSTREAM_PASS]	= "pass",
	[SMTP_FIXUP_MIDSTREAM_RESET]	= "reset",
};

const char *const smtp_assign_names[__SMTP_FIXUP_ASSIGN_MAX] = {
	[SMTP_FIXUP_ASSIGN_AUTO]	= "auto",
	[SMTP_FIXUP_ASSIGN_EXPLICIT]	= "explicit",
};

const char *const smtp_proxy_protocol_names[__SMTP_FIXUP_PROXY_PROTOCOL_MAX] = {
	[SMTP_FIXUP_PROXY_PROTOCOL_OFF]		= "off",
	[SMTP_FIXUP_PROXY_PROTOCOL_ALLOW]	= "allow",
};

const char *const smtp_limit_names[__SMTP_FIXUP_LIMIT_MAX] = {
	[SMTP_FIXUP_LIMIT_COMMAND_LINE]		= "command-line",
	[SMTP_FIXUP_LIMIT_RCPT]			= "rcpt",
	[SMTP_FIXUP_LIMIT_SENDER]		= "sender",
	[SMTP_FIXUP_LIMIT_HEADER_LINE]		= "header-line",
	[SMTP_FIXUP_LIMIT_BODY_LINE]		= "body-line",
	[SMTP_FIXUP_LIMIT_MIME_FILENAME]	= "mime-filename",
	[SMTP_FIXUP_LIMIT_MESSAGE]		= "message",
	[SMTP_FIXUP_LIMIT_HEADER_LENGTH]	= "header-length",
	[SMTP_FIXUP_LIMIT_TO_FIELDS]		= "to-fields",
	[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS]	= "invalid-recipients",
	[SMTP_FIXUP_LIMIT_REPLY_LINE]		= "reply-line",
	[SMTP_FIXUP_LIMIT_BDAT_CHUNK]		= "bdat-chunk",
	[SMTP_FIXUP_LIMIT_XEXCH50_BLOCK]	= "xexch50-block",
	[SMTP_FIXUP_LIMIT_RATE]			= "rate",
	[SMTP_FIXUP_LIMIT_SOURCE_RATE]		= "source-rate",
};

const char *const smtp_action_names[__SMTP_FIXUP_ACTION_MAX] = {
	[SMTP_FIXUP_ACTION_OFF]		= "off",
	[SMTP_FIXUP_ACTION_LOG]		= "log",
	[SMTP_FIXUP_ACTION_MASK]	= "mask",
	[SMTP_FIXUP_ACTION_DROP]	= "drop",
	[SMTP_FIXUP_ACTION_RESET]	= "reset",
	[SMTP_FIXUP_ACTION_WAIT]	= "wait",
};

/* The vendor's default map: docs/rules.md L. The limits of X1, X2 and X7 are off in it */
static const struct smtp_limit smtp_limits_vendor[__SMTP_FIXUP_LIMIT_MAX] = {
	[SMTP_FIXUP_LIMIT_COMMAND_LINE]		= { 512, SMTP_FIXUP_ACTION_DROP },
	[SMTP_FIXUP_LIMIT_RCPT]			= { 100, SMTP_FIXUP_ACTION_DROP },
	[SMTP_FIXUP_LIMIT_SENDER]		= { 320, SMTP_FIXUP_ACTION_DROP },
	[SMTP_FIXUP_LIMIT_HEADER_LINE]		= { 998, SMTP_FIXUP_ACTION_DROP },
	[SMTP_FIXUP_LIMIT_BODY_LINE]		= { 998, SMTP_FIXUP_ACTION_LOG },
	[SMTP_FIXUP_LIMIT_MIME_FILENAME]	= { 255, SMTP_FIXUP_ACTION_DROP },
	[SMTP_FIXUP_LIMIT_MESSAGE]		= { 20000000, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_HEADER_LENGTH]	= { 65536, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_TO_FIELDS]		= { 100, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS]	= { 10, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_REPLY_LINE]		= { 512, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_BDAT_CHUNK]		= { 10000000, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_XEXCH50_BLOCK]	= { 1000000, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_RATE]			= { 100, SMTP_FIXUP_ACTION_OFF },
	[SMTP_FIXUP_LIMIT_SOURCE_RATE]		= { 10, SMTP_FIXUP_ACTION_OFF },
};

const char *const smtp_phase_names[__SMTP_FIXUP_PHASE_MAX] = {
	[SMTP_FIXUP_PHASE_GREETING]	= "greeting",
	[SMTP_FIXUP_PHASE_COMMAND]	= "command",
	[SMTP_FIXUP_PHASE_WAIT]		= "wait",
	[SMTP_FIXUP_PHASE_AUTH]		= "auth",
	[SMTP_FIXUP_PHASE_BODY]		= "body",
	[SMTP_FIXUP_PHASE_TLS]		= "tls",
	[SMTP_FIXUP_PHASE_ENDED]	= "ended",
};

#define SMTP_VERBS_V1 \
	(SMTP_VERB_BIT(HELO) | SMTP_VERB_BIT(MAIL) | SMTP_VERB_BIT(RCPT) | \
	 SMTP_VERB_BIT(DATA) | SMTP_VERB_BIT(RSET) | SMTP_VERB_BIT(NOOP) | \
	 SMTP_VERB_BIT(QUIT))

#define SMTP_VERBS_V2 \
	(SMTP_VERBS_V1 | SMTP_VERB_BIT(AUTH) | SMTP_VERB_BIT(EHLO) | \
	 SMTP_VERB_BIT(ETRN) | SMTP_VERB_BIT(HELP) | SMTP_VERB_BIT(SAML) | \
	 SMTP_VERB_BIT(SEND) | SMTP_VERB_BIT(SOML) | SMTP_VERB_BIT(VRFY))

/* What each mode means: docs/rules.md, "Presets" */
static const struct smtp_preset {
	u64 verbs;
	u8 banner;
	u8 reject;
	u8 tls;
	u8 special;
	u8 limits;	/* action of those of the vendor's map */
	bool vendor;	/* its limits and their actions */
} smtp_presets[__SMTP_FIXUP_MODE_MAX] = {
	[SMTP_FIXUP_MODE_FIXUP] = {
		.verbs = SMTP_VERBS_V1,
		.special = SMTP_FIXUP_SPECIAL_REPLACE,
	},
	[SMTP_FIXUP_MODE_ESMTP] = {
		.verbs = SMTP_VERBS_V2,
		.special = SMTP_FIXUP_SPECIAL_LOG,
		.limits = SMTP_FIXUP_ACTION_LOG,
	},
	[SMTP_FIXUP_MODE_MAILHOST] = {
		.verbs = SMTP_VERBS_V1,
		.banner = SMTP_FIXUP_BANNER_CMAP,
		.reject = SMTP_FIXUP_REJECT_NOOP,
	},
	[SMTP_FIXUP_MODE_PIX_4_4] = {
		.verbs = SMTP_VERBS_V1,
		.banner = SMTP_FIXUP_BANNER_STARS,
	},
	[SMTP_FIXUP_MODE_PIX_5_1] = {
		.verbs = SMTP_VERBS_V1,
		.special = SMTP_FIXUP_SPECIAL_REPLACE,
	},
	[SMTP_FIXUP_MODE_ASA] = {
		.verbs = SMTP_VERBS_V2,
		.banner = SMTP_FIXUP_BANNER_STARS,
		.tls = SMTP_FIXUP_TLS_ALLOW,
		.vendor = true,
	},
};

/* E2. Those that promise verbs pass only with these */
#define SMTP_KEYWORDS_DEFAULT \
	(SMTP_KEYWORD_BIT(SIZE) | SMTP_KEYWORD_BIT(ETRN) | \
	 SMTP_KEYWORD_BIT(PIPELINING) | SMTP_KEYWORD_BIT(DSN) | \
	 SMTP_KEYWORD_BIT(ENHANCEDSTATUSCODES) | SMTP_KEYWORD_BIT(8BITMIME) | \
	 SMTP_KEYWORD_BIT(BINARYMIME) | SMTP_KEYWORD_BIT(AUTH) | \
	 SMTP_KEYWORD_BIT(VRFY) | SMTP_KEYWORD_BIT(STARTTLS))

#define PROMISE(keyword_, verb_, keyword_text_, verb_text_) { \
	.keyword = SMTP_KEYWORD_BIT(keyword_), \
	.verb = SMTP_VERB_BIT(verb_), \
	.why = "the EHLO keyword " keyword_text_ " promises the verb " \
	       verb_text_ ": let both through or neither", \
}

/* E3: a keyword is let through only together with its verb */
static const struct smtp_promise {
	u64 keyword;
	u64 verb;
	const char *why;
} smtp_promises[] = {
	PROMISE(ETRN, ETRN, "ETRN", "ETRN"),
	PROMISE(AUTH, AUTH, "AUTH", "AUTH"),
	PROMISE(VRFY, VRFY, "VRFY", "VRFY"),
	PROMISE(STARTTLS, STARTTLS, "STARTTLS", "STARTTLS"),
	PROMISE(CHUNKING, BDAT, "CHUNKING", "BDAT"),
	PROMISE(BINARYMIME, BDAT, "BINARYMIME", "BDAT"),	/* RFC 3030, 3 */
	PROMISE(HELP, HELP, "HELP", "HELP"),
	PROMISE(EXPN, EXPN, "EXPN", "EXPN"),
	PROMISE(ONEX, ONEX, "ONEX", "ONEX"),
	PROMISE(VERB, VERB, "VERB", "VERB"),
	PROMISE(XCLIENT, XCLIENT, "XCLIENT", "XCLIENT"),
	PROMISE(XFORWARD, XFORWARD, "XFORWARD", "XFORWARD"),
	PROMISE(XEXCH50, XEXCH50, "XEXCH50", "XEXCH50"),
	PROMISE(X_EXPS, X_EXPS, "X-EXPS", "X-EXPS"),
	PROMISE(X_LINK2STATE, X_LINK2STATE, "X-LINK2STATE", "X-LINK2STATE"),
	{
		.keyword = SMTP_KEYWORD_BIT(TURN) | SMTP_KEYWORD_BIT(ATRN),
		.why = "TURN and ATRN make the client the server: they are never let through",
	},
};

#define SMTP_NR_PROMISES	(sizeof(smtp_promises) / sizeof(*smtp_promises))

static u8 smtp_upper(u8 c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

bool smtp_match_byte(struct smtp_match *m, const struct smtp_word *table, u8 c)
{
	u64 left = m->candidates;
	u64 stay = 0;

	/* Those left have had all octets so far: @len is one of theirs, or the NUL after
	 * them, which nothing may match
	 */
	c = c ? smtp_upper(c) : 0xff;
	for (; left; left &= left - 1) {
		u32 i = __builtin_ctzll(left);

		if ((u8)table[i].text[m->len] == c)
			stay |= left & -left;
	}
	m->candidates = stay;
	if (m->len < 255)
		m->len++;
	return stay;
}

u32 smtp_match_run(struct smtp_match *m, const struct smtp_word *table, const u8 *p, u32 n)
{
	const struct smtp_word *word;
	u32 left, i = 0;

	if (!m->candidates || (m->candidates & (m->candidates - 1)))
		return 0;
	word = &table[__builtin_ctzll(m->candidates)];
	left = m->len < word->len ? word->len - m->len : 0;
	if (n > left)
		n = left;
	while (i < n && smtp_upper(p[i]) == (u8)word->text[m->len + i])
		i++;
	m->len += i;
	return i;
}

int smtp_match_word(const struct smtp_match *m, const struct smtp_word *table)
{
	u64 left = m->candidates;

	while (left) {
		int i = __builtin_ctzll(left);

		left &= left - 1;
		if (table[i].len == m->len)
			return i;
	}
	return -1;
}

void smtp_policy_init(struct smtp_policy *p, u8 mode)
{
	const struct smtp_preset *preset = &smtp_presets[mode];
	int i;

	memset(p, 0, sizeof(*p));
	p->mode = mode;
	p->verbs = preset->verbs;
	p->banner = preset->banner;
	p->reject = preset->reject;
	p->special = preset->special;
	p->smuggling = SMTP_FIXUP_SMUGGLING_MASK;
	p->midstream = SMTP_FIXUP_MIDSTREAM_RESET;
	memcpy(p->limits, smtp_limits_vendor, sizeof(p->limits));
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX && !preset->vendor; i++)
		if (p->limits[i].action)
			p->limits[i].action = preset->limits;
	smtp_policy_set_tls(p, preset->tls);
}

void smtp_policy_set_strict(struct smtp_policy *p)
{
	p->strict = true;
	p->line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	memcpy(p->limits, smtp_limits_vendor, sizeof(p->limits));
}

u64 smtp_policy_plain_verbs(const struct smtp_policy *p)
{
	if (p->tls != SMTP_FIXUP_TLS_REQUIRE)
		return p->verbs;
	return p->verbs & (SMTP_VERB_BIT(EHLO) | SMTP_VERB_BIT(HELO) |
			   SMTP_VERB_BIT(STARTTLS) | SMTP_VERB_BIT(NOOP) |
			   SMTP_VERB_BIT(RSET) | SMTP_VERB_BIT(QUIT));
}

u64 smtp_policy_promised(u64 verbs)
{
	u64 keywords = 0;
	u32 i;

	for (i = 0; i < SMTP_NR_PROMISES; i++)
		if (verbs & smtp_promises[i].verb)
			keywords |= smtp_promises[i].keyword;
	return keywords;
}

void smtp_policy_set_verbs(struct smtp_policy *p, u64 verbs)
{
	p->verbs = verbs;
	p->keywords = SMTP_KEYWORDS_DEFAULT & ~smtp_policy_promised(~verbs);
}

/* S1, S2 */
void smtp_policy_set_tls(struct smtp_policy *p, u8 tls)
{
	u64 verbs = p->verbs | SMTP_VERB_BIT(STARTTLS);

	if (tls != SMTP_FIXUP_TLS_ALLOW && tls != SMTP_FIXUP_TLS_REQUIRE)
		verbs &= ~SMTP_VERB_BIT(STARTTLS);
	p->tls = tls;
	smtp_policy_set_verbs(p, verbs);
}

const char *smtp_policy_set_text(struct smtp_policy *p, const char *text, u32 n)
{
	u32 i;

	if (!n || n > SMTP_FIXUP_TEXT_MAX)
		return "the banner's text must have 1 to 200 characters";
	for (i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			return "the banner's text must be printable ASCII";
	p->banner = SMTP_FIXUP_BANNER_TEXT;
	memcpy(p->text, "220 ", 4);
	memcpy(p->text + 4, text, n);
	memcpy(p->text + 4 + n, "\r\n", 2);
	p->text_len = n + 6;
	return NULL;
}

const char *smtp_policy_set_iif(struct smtp_policy *p, const char *name, u32 n)
{
	u32 i;

	if (!n || n > SMTP_FIXUP_IIF_MAX)
		return "an interface's name must have 1 to 15 characters";
	for (i = 0; i < n; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '/' ||
		    name[i] == ':')
			return "an interface's name must be printable ASCII without blank, / and :";
	memset(p->iif, 0, sizeof(p->iif));
	memcpy(p->iif, name, n);
	return NULL;
}

#define IN_A_LINE	"the line has left in part when its length is known: use log, drop or reset"
#define IN_A_MESSAGE	"what is in a message is never masked: use log, drop or reset"

/**
 * struct smtp_limit_kind - an entry of the table of limits
 * @no_mask: why the action mask is refused, or NULL
 * @large: it may be above 65,535
 */
struct smtp_limit_kind {
	const char *no_mask;
	bool large;
};

static const struct smtp_limit_kind smtp_limit_kinds[__SMTP_FIXUP_LIMIT_MAX] = {
	[SMTP_FIXUP_LIMIT_COMMAND_LINE]		= { .no_mask = IN_A_LINE },
	[SMTP_FIXUP_LIMIT_SENDER]		= { .no_mask = IN_A_LINE },
	[SMTP_FIXUP_LIMIT_HEADER_LINE]		= { .no_mask = IN_A_MESSAGE },
	[SMTP_FIXUP_LIMIT_BODY_LINE]		= { .no_mask = IN_A_MESSAGE },
	[SMTP_FIXUP_LIMIT_MIME_FILENAME]	= { .no_mask = IN_A_MESSAGE },
	[SMTP_FIXUP_LIMIT_MESSAGE]		= { .large = true },
	[SMTP_FIXUP_LIMIT_HEADER_LENGTH]	= { .no_mask = IN_A_MESSAGE, .large = true },
	[SMTP_FIXUP_LIMIT_TO_FIELDS]		= { .no_mask = IN_A_MESSAGE },
	[SMTP_FIXUP_LIMIT_REPLY_LINE]		= { .no_mask = IN_A_LINE },
	[SMTP_FIXUP_LIMIT_BDAT_CHUNK]		= {
		.no_mask = "a chunk follows BDAT without a reply: use log, drop or reset",
		.large = true,
	},
	[SMTP_FIXUP_LIMIT_XEXCH50_BLOCK]	= { .large = true },
};

const char *smtp_limits_check(const struct smtp_policy *p)
{
	int i;

	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct smtp_limit_kind *kind = &smtp_limit_kinds[i];
		const struct smtp_limit *limit = &p->limits[i];

		if (!limit->max)
			return "a limit must be at least 1; its action 'off' lifts it";
		if (limit->max > 0xffff && !kind->large)
			return "only limits of whole messages and chunks may be more than 65535";
		if (limit->action == SMTP_FIXUP_ACTION_WAIT && !smtp_limit_is_rate(i))
			return "only what is above a rate can wait";
		if (smtp_limit_is_rate(i) && limit->action >= SMTP_FIXUP_ACTION_MASK &&
		    limit->action != SMTP_FIXUP_ACTION_WAIT)
			return "nothing is lost for a rate: use wait, log or off";
		if (limit->action == SMTP_FIXUP_ACTION_MASK && kind->no_mask)
			return kind->no_mask;
	}
	return NULL;
}

/* E3 */
static const char *smtp_promises_check(const struct smtp_policy *p)
{
	u32 i;

	for (i = 0; i < SMTP_NR_PROMISES; i++)
		if (p->keywords & smtp_promises[i].keyword &&
		    !(p->verbs & smtp_promises[i].verb))
			return smtp_promises[i].why;
	if (p->verbs & SMTP_VERB_BIT(BDAT) &&
	    !(p->keywords & SMTP_KEYWORD_BIT(CHUNKING)))
		return "the verb BDAT needs the EHLO keyword CHUNKING";
	if (p->verbs & SMTP_VERB_BIT(STARTTLS) &&
	    !(p->keywords & SMTP_KEYWORD_BIT(STARTTLS)))
		return "the keyword STARTTLS follows 'tls', not the list of keywords";
	return NULL;
}

const char *smtp_policy_check(const struct smtp_policy *p, u8 *attr)
{
	const char *why;
	bool starttls = p->verbs & SMTP_VERB_BIT(STARTTLS);
	bool tls_allowed = p->tls != SMTP_FIXUP_TLS_MASK;

	*attr = SMTP_FIXUP_A_MODE;
	if (p->mode == SMTP_FIXUP_MODE_OFF)
		return NULL;
	*attr = SMTP_FIXUP_A_VERBS;
	if (!(p->verbs & SMTP_VERB_BIT(QUIT)))
		return "QUIT can't be denied: connections would only end by time-out";
	if (starttls != tls_allowed)
		return "STARTTLS is let through by 'tls allow', not by the list of verbs";
	*attr = SMTP_FIXUP_A_TLS;
	if (starttls && !(p->verbs & SMTP_VERB_BIT(EHLO)))
		return "'tls allow' and 'tls require' need EHLO, which this policy blocks";
	*attr = SMTP_FIXUP_A_BANNER;
	if (p->banner == SMTP_FIXUP_BANNER_TEXT && !p->text_len)
		return "'banner text' needs the text";
	if (p->banner == SMTP_FIXUP_BANNER_TEXT &&
	    p->mode == SMTP_FIXUP_MODE_MAILHOST)
		return "'mailhost' has a greeting of its own: use 'fixup reject noop' for a text";
	*attr = SMTP_FIXUP_A_KEEP_ESMTP;
	if (p->keep_esmtp && p->banner != SMTP_FIXUP_BANNER_PIX &&
	    p->banner != SMTP_FIXUP_BANNER_STARS)
		return "'keep-esmtp' goes with 'banner pix' or 'banner stars'";
	*attr = SMTP_FIXUP_A_KEYWORDS;
	why = smtp_promises_check(p);
	if (why)
		return why;
	*attr = SMTP_FIXUP_A_IIF;
	if (*p->iif && p->assign == SMTP_FIXUP_ASSIGN_EXPLICIT)
		return "'iif' goes with 'assign auto': else the rule that assigns says where";
	*attr = SMTP_FIXUP_A_MATCHES;
	why = smtp_criteria_check(p);
	if (why)
		return why;
	*attr = SMTP_FIXUP_A_LIMITS;
	return smtp_limits_check(p);
}
