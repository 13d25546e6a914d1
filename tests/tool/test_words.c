// SPDX-License-Identifier: GPL-2.0-only
/* What the user wrote: ports, options, and the message made of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "set.h"

static const struct {
	const char *text;
	const char *ranges;
} good_ports[] = {
	{ "25", "25" },
	{ "1", "1" },
	{ "65535", "65535" },
	{ "25-30", "25-30" },
	{ "25-25", "25" },
	{ "1-65535", "1-65535" },
	{ "25,587", "25,587" },
	{ "587,25", "25,587" },
	{ "25,587,2525-2530", "25,587,2525-2530" },
	{ "25,25", "25" },
	{ "25,26", "25,26" },		/* two policies, not one */
	{ "25,20-30", "20-30,25" },
	{ "20-25,20-30", "20-30,20-25" },
};

static const struct {
	const char *text;
	const char *says;
} bad_ports[] = {
	{ "", "empty" },
	{ "0", "'0'" },
	{ "00", "'00'" },
	{ "025", "'025'" },
	{ "65536", "'65536'" },
	{ "99999", "'99999'" },
	{ "4294967321", "'4294967321'" },	/* 2^32 + 25 */
	{ "18446744073709551641", "'18446744073709551641'" },
	{ "30-25", "write 25-30" },
	{ "0-25", "'0-25'" },
	{ "25-65536", "'25-65536'" },
	{ "25-", "'25-'" },
	{ "-25", "'-25'" },
	{ "-", "'-'" },
	{ "25--30", "'25--30'" },
	{ "25-30-35", "'25-30-35'" },
	{ "25,", "missing" },
	{ ",25", "missing" },
	{ "25,,26", "missing" },
	{ ",", "missing" },
	{ "+25", "'+25'" },
	{ " 25", "' 25'" },
	{ "25 ", "'25 '" },
	{ "25, 26", "' 26'" },
	{ "25\n", "'25?'" },
	{ "smtp", "'smtp'" },
	{ "25x", "'25x'" },
	{ "0x19", "'0x19'" },
	{ "2\xd9\xa5", "'2?" },	/* an Arabic digit */
	{ "25,587,x,26", "'x'" },
};

static void ports_good(void **state)
{
	struct reason why = { 0 };
	struct ports ports;

	(void)state;
	for (size_t i = 0; i < sizeof(good_ports) / sizeof(*good_ports); i++) {
		char text[256] = "";

		assert_int_equal(ports_parse(&ports, good_ports[i].text, &why), 0);
		for (size_t n = 0; n < ports.count; n++) {
			strcat(text, n ? "," : "");
			strcat(text, RANGE_TEXT(ports.range[n]));
		}
		assert_string_equal(text, good_ports[i].ranges);
		ports_free(&ports);
	}
}

static void ports_bad(void **state)
{
	struct ports ports;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_ports) / sizeof(*bad_ports); i++) {
		struct reason why = { 0 };

		assert_int_equal(ports_parse(&ports, bad_ports[i].text, &why), -1);
		if (!strstr(why.text, bad_ports[i].says))
			fail_msg("%s: %s", bad_ports[i].text, why.text);
		assert_int_equal(why.status, EXIT_LOCAL);
		assert_null(strchr(why.text, '\n'));
		ports_free(&ports);
	}
}

static void ports_very_long(void **state)
{
	const size_t size = 1 << 20;
	char *text = malloc(size + 1);
	struct reason why = { 0 };
	struct ports ports;

	(void)state;
	memset(text, '9', size);
	text[size] = 0;
	assert_int_equal(ports_parse(&ports, text, &why), -1);
	assert_non_null(strstr(why.text, "...'"));
	assert_true(strlen(why.text) < 200);
	ports_free(&ports);
	memset(text, ',', size);
	assert_int_equal(ports_parse(&ports, text, &why), -1);
	ports_free(&ports);
	free(text);
}

/* A set line of up to 32 words */
static int parse(struct set_request *req, const char *line, struct reason *why)
{
	char copy[256], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	memset(why, 0, sizeof(*why));
	return set_parse(req, argc, argv, why);
}

#define FIXUP_VERBS 0x7fULL
#define ESMTP_VERBS 0x7fffULL
#define BIT_OF(attr) (1ULL << SMTP_FIXUP_A_##attr)

static const struct {
	const char *line;
	u8 mode, banner, tls;
	u64 verbs;
	u64 attrs;
	const char *shown;
} good_sets[] = {
	{ "25 off", 0, 0, 0, 0, 0, "" },
	{ "25 fixup", 1, 0, 0, FIXUP_VERBS, 0, "" },
	{ "25 esmtp", 2, 0, 0, ESMTP_VERBS, 0, "" },
	{ "25 fixup banner stars", 1, 1, 0, FIXUP_VERBS, BIT_OF(BANNER),
	  " banner stars" },
	{ "25 fixup banner pix", 1, 0, 0, FIXUP_VERBS, BIT_OF(BANNER), "" },
	{ "25 esmtp banner keep tls allow", 2, 2, 1,
	  ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS), BIT_OF(BANNER) | BIT_OF(TLS),
	  " banner keep tls allow" },
	{ "25 esmtp tls mask", 2, 0, 0, ESMTP_VERBS, BIT_OF(TLS), "" },
	{ "25 esmtp deny VRFY,etrn", 2, 0, 0,
	  ESMTP_VERBS & ~(SMTP_VERB_BIT(VRFY) | SMTP_VERB_BIT(ETRN)),
	  BIT_OF(VERBS), " deny ETRN,VRFY" },
	{ "25 esmtp allow x-exps deny HELP tls allow", 2, 0, 1,
	  (ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS) | SMTP_VERB_BIT(X_EXPS)) &
	  ~SMTP_VERB_BIT(HELP), BIT_OF(VERBS) | BIT_OF(TLS),
	  " tls allow allow X-EXPS deny HELP" },
	{ "25 fixup tls allow allow EHLO", 1, 0, 1,
	  FIXUP_VERBS | SMTP_VERB_BIT(EHLO) | SMTP_VERB_BIT(STARTTLS),
	  BIT_OF(VERBS) | BIT_OF(TLS), " tls allow allow EHLO" },
	{ "25 fixup allow HELO", 1, 0, 0, FIXUP_VERBS, BIT_OF(VERBS), "" },
	{ "25 fixup reject x ehlo mask", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(REJECT) | BIT_OF(EHLO), "" },
	{ "25 fixup reject line", 1, 0, 0, FIXUP_VERBS, BIT_OF(REJECT),
	  " reject line" },
	{ "25 fixup reject noop", 1, 0, 0, FIXUP_VERBS, BIT_OF(REJECT),
	  " reject noop" },
	{ "25 esmtp ehlo keep", 2, 0, 0, ESMTP_VERBS, BIT_OF(EHLO), " ehlo keep" },
	{ "25 esmtp ehlo strip tls allow reject noop banner text ESMTP", 2, 3, 1,
	  ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS),
	  BIT_OF(BANNER) | BIT_OF(BANNER_TEXT) | BIT_OF(TLS) | BIT_OF(EHLO) |
	  BIT_OF(REJECT),
	  " banner text 'ESMTP' reject noop ehlo strip tls allow" },
	{ "25 esmtp banner text text tls mask", 2, 3, 0, ESMTP_VERBS,
	  BIT_OF(BANNER) | BIT_OF(BANNER_TEXT) | BIT_OF(TLS),
	  " banner text 'text'" },
	{ "25 fixup special replace", 1, 0, 0, FIXUP_VERBS, BIT_OF(SPECIAL), "" },
	{ "25 esmtp special drop observe", 2, 0, 0, ESMTP_VERBS,
	  BIT_OF(SPECIAL) | BIT_OF(OBSERVE), " special drop observe" },
	{ "25 esmtp limit sender 7 reset limit rcpt 100 log limit command-line 512 off",
	  2, 0, 0, ESMTP_VERBS, BIT_OF(LIMITS),
	  " limit command-line 512 off limit sender 7 reset" },
	{ "25 fixup limit rcpt 65535 mask tls mask", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(LIMITS) | BIT_OF(TLS), " limit rcpt 65535 mask" },
	{ "25 esmtp tls require reject reset", 2, 0, 2,
	  ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS), BIT_OF(TLS) | BIT_OF(REJECT),
	  " reject reset tls require" },
	{ "25 esmtp reject drop", 2, 0, 0, ESMTP_VERBS, BIT_OF(REJECT),
	  " reject drop" },
	{ "25 esmtp smuggling log midstream pass line-ending strict", 2, 0, 0,
	  ESMTP_VERBS,
	  BIT_OF(SMUGGLING) | BIT_OF(MIDSTREAM) | BIT_OF(LINE_ENDING),
	  " smuggling log line-ending strict midstream pass" },
	{ "25 esmtp smuggling mask midstream reset line-ending lenient", 2, 0, 0,
	  ESMTP_VERBS,
	  BIT_OF(SMUGGLING) | BIT_OF(MIDSTREAM) | BIT_OF(LINE_ENDING), "" },
	{ "25 esmtp strict", 2, 0, 0, ESMTP_VERBS, BIT_OF(STRICT), " strict" },
	/* In whatever order */
	{ "25 esmtp limit rcpt 7 log line-ending lenient strict", 2, 0, 0,
	  ESMTP_VERBS, BIT_OF(STRICT) | BIT_OF(LINE_ENDING) | BIT_OF(LIMITS),
	  " limit rcpt 7 log line-ending lenient strict" },
	{ "25 fixup strict limit rcpt 100 drop", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(STRICT) | BIT_OF(LIMITS), " strict" },
	{ "25 esmtp ehlo-allow smtputf8 ehlo-deny DSN", 2, 0, 0, ESMTP_VERBS,
	  BIT_OF(KEYWORDS), " ehlo-allow SMTPUTF8 ehlo-deny DSN" },
	{ "25 esmtp allow bdat,XEXCH50 ehlo-allow chunking", 2, 0, 0,
	  ESMTP_VERBS | SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50),
	  BIT_OF(VERBS) | BIT_OF(KEYWORDS),
	  " allow BDAT,XEXCH50 ehlo-allow CHUNKING" },
	{ "25 esmtp ehlo-deny AUTH", 2, 0, 0, ESMTP_VERBS, BIT_OF(KEYWORDS),
	  " ehlo-deny AUTH" },
	{ "25 esmtp ehlo-allow XCLIENT tls allow allow XCLIENT", 2, 0, 1,
	  ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS) | SMTP_VERB_BIT(XCLIENT),
	  BIT_OF(KEYWORDS) | BIT_OF(VERBS) | BIT_OF(TLS),
	  " tls allow allow XCLIENT ehlo-allow XCLIENT" },
	/* What a denied verb takes along need not be said */
	{ "25 esmtp deny AUTH ehlo-deny AUTH", 2, 0, 0,
	  ESMTP_VERBS & ~SMTP_VERB_BIT(AUTH), BIT_OF(KEYWORDS) | BIT_OF(VERBS),
	  " deny AUTH" },
	{ "25 asa deny VRFY ehlo-allow LIMITS,MT-PRIORITY", 6, 1, 1,
	  (ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS)) & ~SMTP_VERB_BIT(VRFY),
	  BIT_OF(KEYWORDS) | BIT_OF(VERBS),
	  " deny VRFY ehlo-allow MT-PRIORITY,LIMITS" },
	{ "25 fixup iif eth0.7", 1, 0, 0, FIXUP_VERBS, BIT_OF(IIF), " iif eth0.7" },
	{ "25 fixup observe iif iif", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(IIF) | BIT_OF(OBSERVE), " iif iif observe" },
	{ "25 fixup by-mark assign explicit", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(ASSIGN) | BIT_OF(BY_MARK), " assign explicit by-mark" },
	{ "25 fixup assign auto iif eth0", 1, 0, 0, FIXUP_VERBS,
	  BIT_OF(ASSIGN) | BIT_OF(IIF), " iif eth0" },
	{ "25 fixup iif #1", 1, 0, 0, FIXUP_VERBS, BIT_OF(IIF), " iif '#1'" },
	{ "25 fixup iif a'b", 1, 0, 0, FIXUP_VERBS, BIT_OF(IIF), " iif 'a'\\''b'" },
	{ "25 mailhost", 3, 4, 0, FIXUP_VERBS, 0, "" },
	{ "25 mailhost banner pix reject x", 3, 0, 0, FIXUP_VERBS,
	  BIT_OF(BANNER) | BIT_OF(REJECT), " banner pix reject x" },
	{ "25 pix-4.4", 4, 1, 0, FIXUP_VERBS, 0, "" },
	{ "25 pix-5.1", 5, 0, 0, FIXUP_VERBS, 0, "" },
	{ "25 asa", 6, 1, 1, ESMTP_VERBS | SMTP_VERB_BIT(STARTTLS), 0, "" },
	{ "25 asa tls mask", 6, 1, 0, ESMTP_VERBS, BIT_OF(TLS), " tls mask" },
	{ "25 fixup banner stars keep-esmtp", 1, 1, 0, FIXUP_VERBS,
	  BIT_OF(BANNER) | BIT_OF(KEEP_ESMTP), " banner stars keep-esmtp" },
	{ "25 esmtp banner text banner", 2, 3, 0, ESMTP_VERBS,
	  BIT_OF(BANNER) | BIT_OF(BANNER_TEXT), " banner text 'banner'" },
};

static void sets_good(void **state)
{
	struct set_request req;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof(good_sets) / sizeof(*good_sets); i++) {
		char shown[256] = "";
		FILE *f;

		assert_int_equal(parse(&req, good_sets[i].line, &why), 0);
		assert_int_equal(req.policy.mode, good_sets[i].mode);
		assert_int_equal(req.policy.banner, good_sets[i].banner);
		assert_int_equal(req.policy.tls, good_sets[i].tls);
		assert_int_equal(req.policy.verbs, good_sets[i].verbs);
		assert_int_equal(req.attrs, good_sets[i].attrs);

		/* What is shown means the same when it is set again */
		f = fmemopen(shown, sizeof(shown), "w");
		options_print(f, &req.policy);
		fclose(f);
		assert_string_equal(shown, good_sets[i].shown);
		set_free(&req);
	}
}

static const struct {
	const char *line;
	const char *says;
} bad_sets[] = {
	{ "", "needs ports and a mode" },
	{ "25", "needs a mode" },
	{ "25 on", "unknown mode 'on'; use one of off, fixup, esmtp, mailhost, pix-4.4, pix-5.1, asa" },
	{ "25 ESMTP", "unknown mode 'ESMTP'" },
	{ "25 esmtp banner", "'banner' lacks its value; write banner pix|stars|keep|text \"...\"|cmap" },
	{ "25 esmtp allow", "write allow VERB,..." },
	{ "25 esmtp banner none", "unknown banner 'none'; use one of pix, stars, keep, text \"...\", cmap" },
	{ "25 esmtp tls maybe", "unknown tls value 'maybe'; use one of mask, allow, require" },
	{ "25 esmtp bannr pix", "unknown option 'bannr'; known are banner, keep-esmtp, reject, ehlo, tls, allow, deny, ehlo-allow, ehlo-deny, special, limit, match, mail-relay, auth-allow, smuggling, line-ending, midstream, iif, assign, by-mark, proxy-protocol, strict, observe" },
	{ "25 esmtp banner text", "'banner text' lacks its text; write banner pix|stars|keep|text \"...\"|cmap" },
	{ "25 esmtp tls allow banner text", "'banner text' lacks its text" },
	{ "25 esmtp banner text mail gateway", "unknown option 'gateway'" },
	{ "25 esmtp banner text a banner keep", "'banner' is given twice" },
	{ "25 esmtp banner keep text", "unknown option 'text'" },
	{ "25 esmtp banner text caf\xc3\xa9", "printable ASCII" },
	{ "25 esmtp banner text a\tb", "printable ASCII" },
	{ "25 esmtp banner text a\r\n250", "printable ASCII" },
	{ "25 esmtp banner text \x7f", "printable ASCII" },
	{ "25 esmtp reject", "'reject' lacks its value; write reject x|line|noop|drop|reset" },
	{ "25 esmtp reject X", "unknown reject value 'X'; use one of x, line, noop, drop, reset" },
	{ "25 esmtp ehlo", "'ehlo' lacks its value; write ehlo mask|strip|keep" },
	{ "25 esmtp ehlo hide", "unknown ehlo value 'hide'; use one of mask, strip, keep" },
	{ "25 esmtp reject x reject x", "'reject' is given twice" },
	{ "25 off banner text x", "mode off takes no options; leave out 'banner'" },
	{ "25 esmtp iif", "'iif' lacks its value; write iif IFACE" },
	{ "25 esmtp iif 0123456789abcdef", "1 to 15 characters" },
	{ "25 esmtp iif a/b", "without blank, / and :" },
	{ "25 esmtp iif a iif b", "'iif' is given twice" },
	{ "25 esmtp iif a assign explicit", "'iif' goes with 'assign auto'" },
	{ "25 esmtp assign nft", "unknown assign value 'nft'; use one of auto, explicit" },
	{ "25 off iif a", "mode off takes no options; leave out 'iif'" },
	{ "25 off reject x", "mode off takes no options; leave out 'reject'" },
	{ "25 off ehlo keep", "mode off takes no options; leave out 'ehlo'" },
	{ "25 esmtp tls allow tls mask", "'tls' is given twice" },
	{ "25 esmtp allow EXPN allow ONEX", "'allow' is given twice" },
	{ "25 esmtp allow EXPN deny ONEX,expn", "EXPN is both allowed and denied" },
	{ "25 esmtp allow STARTTLS", "use 'tls allow' or 'tls mask'" },
	{ "25 esmtp deny HELP,starttls", "use 'tls allow' or 'tls mask'" },
	{ "25 esmtp allow FOO", "unknown verb 'FOO'; known are HELO,MAIL" },
	{ "25 esmtp allow EXP", "unknown verb 'EXP'" },
	{ "25 esmtp allow EXPN,", "a verb is missing" },
	{ "25 esmtp allow ,EXPN", "a verb is missing" },
	{ "25 esmtp ehlo-allow", "write ehlo-allow KEYWORD,..." },
	{ "25 esmtp ehlo-allow XCLIENT", "keyword XCLIENT promises the verb XCLIENT" },
	{ "25 esmtp deny AUTH ehlo-allow AUTH", "keyword AUTH promises the verb AUTH" },
	{ "25 esmtp allow BDAT", "the verb BDAT needs the EHLO keyword CHUNKING" },
	{ "25 esmtp ehlo-allow CHUNKING", "keyword CHUNKING promises the verb BDAT" },
	{ "25 esmtp ehlo-allow TURN", "TURN and ATRN make the client the server" },
	{ "25 esmtp tls allow ehlo-deny STARTTLS", "use 'tls allow' or 'tls mask'" },
	{ "25 esmtp ehlo-allow FOO", "unknown keyword 'FOO'; known are SIZE,ETRN" },
	{ "25 esmtp ehlo-deny DSN,", "a keyword is missing in the list; write KEYWORD or KEYWORD,KEYWORD" },
	{ "25 esmtp ehlo-deny DSN ehlo-allow DSN", "DSN is both allowed and denied" },
	{ "25 off ehlo-deny DSN", "mode off takes no options" },
	{ "25 off banner pix", "mode off takes no options; leave out 'banner'" },
	{ "25 off tls", "mode off takes no options" },
	{ "25 fixup banner keep keep-esmtp", "'keep-esmtp' goes with" },
	{ "25 mailhost keep-esmtp", "'keep-esmtp' goes with" },
	{ "25 mailhost banner text x", "'mailhost' has a greeting of its own" },
	{ "25 esmtp limit rcpt 0 log", "0' is no limit" },
	{ "25 fixup keep-esmtp keep-esmtp", "'keep-esmtp' is given twice" },
	{ "25 fixup tls allow", "need EHLO" },
	{ "25 fixup tls require", "need EHLO" },
	{ "25 esmtp tls allow deny EHLO", "need EHLO" },
	{ "25 esmtp deny QUIT", "QUIT" },
};

static void sets_bad(void **state)
{
	struct set_request req;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_sets) / sizeof(*bad_sets); i++) {
		if (parse(&req, bad_sets[i].line, &why) != -1)
			fail_msg("accepted: %s", bad_sets[i].line);
		if (!strstr(why.text, bad_sets[i].says))
			fail_msg("%s: %s", bad_sets[i].line, why.text);
		assert_true(why.usage);
		assert_int_equal(why.status, EXIT_LOCAL);
		set_free(&req);
	}
}

/* Options as they stand in a line, at least one for each value */
static const char *const fragments[] = {
	"banner pix", "banner stars", "banner keep", "banner cmap",
	"banner text 'ESMTP'", "keep-esmtp", "reject x", "reject line",
	"reject noop", "reject drop", "reject reset", "ehlo mask", "ehlo strip",
	"ehlo keep", "tls mask", "tls allow", "tls require", "allow EHLO",
	"allow BDAT,XEXCH50", "allow AUTH,EXPN", "deny AUTH,VRFY", "deny QUIT",
	"deny EHLO", "ehlo-allow CHUNKING", "ehlo-allow SMTPUTF8,EXPN",
	"ehlo-deny DSN,AUTH", "ehlo-deny CHUNKING", "special off", "special log",
	"special replace", "special drop", "limit rcpt 100 mask",
	"limit sender 320 drop limit body-line 998 log",
	"limit header-line 5 mask", "smuggling off", "smuggling log",
	"smuggling mask", "smuggling drop", "line-ending lenient",
	"line-ending strict", "midstream drop", "midstream pass", "midstream reset", "strict",
	"observe", "iif eth0", "assign auto", "assign explicit",
};

#define NR_FRAGMENTS (sizeof(fragments) / sizeof(*fragments))

/* A set line as a shell hands it over: the quotes are gone */
static int parse_quoted(struct set_request *req, const char *line)
{
	struct reason why;
	char copy[512];
	size_t n = 0;

	for (; *line; line++)
		if (*line != '\'')
			copy[n++] = *line;
	copy[n] = '\0';
	if (!parse(req, copy, &why))
		return 0;
	/* Refused with a sentence that names something */
	assert_true(strlen(why.text) > 10);
	assert_int_equal(why.status, EXIT_LOCAL);
	return -1;
}

/* What is accepted is shown as a line that means the very same */
static bool shown_is_set(const char *line)
{
	struct set_request req, again;
	char shown[512];
	FILE *f;
	int n;

	if (parse_quoted(&req, line)) {
		set_free(&req);
		return false;
	}
	n = snprintf(shown, sizeof(shown), "25 %s", smtp_mode_names[req.policy.mode]);
	f = fmemopen(shown + n, sizeof(shown) - n, "w");
	options_print(f, &req.policy);
	fclose(f);
	if (parse_quoted(&again, shown))
		fail_msg("%s: refused as it is shown: %s", line, shown);
	if (memcmp(&req.policy, &again.policy, sizeof(req.policy)))
		fail_msg("%s: means something else as it is shown: %s", line, shown);
	set_free(&req);
	set_free(&again);
	return true;
}

/* All pairs and triples of options, in every mode */
static void sets_compose(void **state)
{
	unsigned int accepted = 0, refused = 0;
	char line[256];

	(void)state;
	for (unsigned int mode = SMTP_FIXUP_MODE_FIXUP; mode < __SMTP_FIXUP_MODE_MAX; mode++)
		for (size_t i = 0; i < NR_FRAGMENTS; i++)
			for (size_t j = i; j < NR_FRAGMENTS; j++)
				for (size_t k = j; k < NR_FRAGMENTS; k++) {
					snprintf(line, sizeof(line), "25 %s %s %s %s",
						 smtp_mode_names[mode], fragments[i],
						 j > i ? fragments[j] : "",
						 k > j ? fragments[k] : "");
					if (shown_is_set(line))
						accepted++;
					else
						refused++;
				}
	assert_true(accepted > 10000);
	assert_true(refused > 10000);
}

/* Every verb but STARTTLS can be named in both lists and comes back. */
static void sets_every_verb(void **state)
{
	struct set_request req;
	struct reason why;
	char line[64];

	(void)state;
	for (unsigned int i = 0; i < __SMTP_FIXUP_VERB_MAX; i++) {
		if (i == SMTP_FIXUP_VERB_STARTTLS)
			continue;
		snprintf(line, sizeof(line), "25 esmtp allow %s%s", smtp_verbs[i].text,
			 i == SMTP_FIXUP_VERB_BDAT ? " ehlo-allow CHUNKING" : "");
		assert_int_equal(parse(&req, line, &why), 0);
		assert_true(req.policy.verbs >> i & 1);
		set_free(&req);
		if (i == SMTP_FIXUP_VERB_QUIT)
			continue;
		snprintf(line, sizeof(line), "25 esmtp deny %s", smtp_verbs[i].text);
		assert_int_equal(parse(&req, line, &why), 0);
		assert_false(req.policy.verbs >> i & 1);
		set_free(&req);
	}
}

/* set 25 esmtp banner text TEXT */
static int parse_text(struct set_request *req, const char *text,
		      struct reason *why)
{
	char *argv[] = {
		(char *)"25", (char *)"esmtp", (char *)"banner", (char *)"text",
		(char *)text,
	};

	memset(why, 0, sizeof(*why));
	return set_parse(req, 5, argv, why);
}

static void text_lengths(void **state)
{
	char text[SMTP_FIXUP_TEXT_MAX + 2];
	struct set_request req;
	struct reason why;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[SMTP_FIXUP_TEXT_MAX + 1] = 0;
	assert_int_equal(parse_text(&req, text, &why), -1);
	assert_non_null(strstr(why.text, "1 to 200 characters"));
	set_free(&req);
	assert_int_equal(parse_text(&req, "", &why), -1);
	assert_non_null(strstr(why.text, "1 to 200 characters"));
	set_free(&req);
	text[SMTP_FIXUP_TEXT_MAX] = 0;
	assert_int_equal(parse_text(&req, text, &why), 0);
	assert_int_equal(req.policy.text_len, SMTP_FIXUP_TEXT_MAX + 6);
	set_free(&req);
	assert_int_equal(parse_text(&req, " ", &why), 0);
	assert_int_equal(req.policy.text_len, 7);
	assert_memory_equal(req.policy.text, "220  \r\n", 7);
	set_free(&req);
}

/* Read what a shell makes of a line, a word a line */
static void shell_words(const char *line, char *words, size_t size)
{
	char command[2048];
	size_t len;
	FILE *f;

	snprintf(command, sizeof(command), "printf '%%s\\n' %s", line);
	f = popen(command, "r");
	assert_non_null(f);
	len = fread(words, 1, size - 1, f);
	words[len] = 0;
	assert_int_equal(pclose(f), 0);
}

/* Any text survives being shown and fed back through a shell. */
static void text_shown(void **state)
{
	static const char *const texts[] = {
		"x", " x ", "  ", "'", "''", "'x'", "x'", "'x", "\"", "\\", "\\'",
		"\\\\", "mx.example.net ESMTP", "it's \"so\"", "$HOME `id` $(id)",
		"*", "-j", "--help", "--", "a;b|c&d>e<f#g", "!!", "~", "%s%n",
	};
	char every['~' - ' ' + 2] = "";

	(void)state;
	for (int c = ' '; c <= '~'; c++)
		every[c - ' '] = c;
	for (size_t i = 0; i <= sizeof(texts) / sizeof(*texts); i++) {
		const char *text = i ? texts[i - 1] : every;
		char shown[1024] = "", words[1024], expected[1024];
		struct set_request req;
		struct reason why;
		FILE *f;

		assert_int_equal(parse_text(&req, text, &why), 0);
		f = fmemopen(shown, sizeof(shown), "w");
		options_print(f, &req.policy);
		fclose(f);
		shell_words(shown, words, sizeof(words));
		snprintf(expected, sizeof(expected), "banner\ntext\n%s\n", text);
		assert_string_equal(words, expected);
		set_free(&req);
	}
}

static void message_text(void **state)
{
	static const u8 expected[] = {
		12, 0, SMTP_FIXUP_A_PORTS, 0x80, 6, 0, 1, 0, 25, 0, 0, 0,
		5, 0, SMTP_FIXUP_A_MODE, 0, 2, 0, 0, 0,
		5, 0, SMTP_FIXUP_A_BANNER, 0, 3, 0, 0, 0,
		/* With the NUL at its end */
		8, 0, SMTP_FIXUP_A_BANNER_TEXT, 0, 'a', 'b', 'c', 0,
		5, 0, SMTP_FIXUP_A_REJECT, 0, 2, 0, 0, 0,
		5, 0, SMTP_FIXUP_A_EHLO, 0, 1, 0, 0, 0,
	};
	const u32 head = NLMSG_HDRLEN + GENL_HDRLEN;
	char text[SMTP_FIXUP_TEXT_MAX + 1] = "", buf[64];
	const struct nlattr *attr;
	struct set_request req;
	struct nlmsghdr *nlh;
	struct reason why;

	(void)state;
	memset(text, '%', SMTP_FIXUP_TEXT_MAX);
	assert_int_equal(parse_text(&req, text, &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == SMTP_FIXUP_A_BANNER_TEXT)
			assert_string_equal(mnl_attr_get_str(attr), text);
	}
	free(nlh);
	set_free(&req);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	skip();
#endif
	assert_int_equal(parse(&req, "25 esmtp ehlo strip banner text abc reject noop", &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	assert_int_equal(nlh->nlmsg_len, head + sizeof(expected));
	assert_memory_equal((u8 *)nlh + head, expected, sizeof(expected));
	assert_string_equal(message_fault(nlh, head + 28, buf, sizeof(buf)), "banner text");
	assert_string_equal(message_fault(nlh, head + 36, buf, sizeof(buf)), "reject");
	assert_string_equal(message_fault(nlh, head + 44, buf, sizeof(buf)), "ehlo");
	free(nlh);
	set_free(&req);

	/* Another banner: no text */
	assert_int_equal(parse(&req, "25 esmtp banner keep", &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	assert_int_equal(nlh->nlmsg_len, head + 28);
	free(nlh);
	set_free(&req);
}

static void message_plain(void **state)
{
	static const u8 expected[] = {
		/* ports: 25 */
		12, 0, SMTP_FIXUP_A_PORTS, 0x80, 6, 0, 1, 0, 25, 0, 0, 0,
		/* ports: 100-200 */
		20, 0, SMTP_FIXUP_A_PORTS, 0x80, 6, 0, 1, 0, 100, 0, 0, 0,
		6, 0, 2, 0, 200, 0, 0, 0,
		/* mode: fixup */
		5, 0, SMTP_FIXUP_A_MODE, 0, 1, 0, 0, 0,
	};
	struct set_request req;
	struct nlmsghdr *nlh;
	struct reason why;

	(void)state;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	skip();
#endif
	assert_int_equal(parse(&req, "25,100-200 fixup", &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	assert_int_equal(nlh->nlmsg_type, FAKE_FAMILY);
	assert_int_equal(nlh->nlmsg_len, NLMSG_HDRLEN + GENL_HDRLEN + sizeof(expected));
	assert_memory_equal((u8 *)nlh + NLMSG_HDRLEN + GENL_HDRLEN, expected,
			    sizeof(expected));
	free(nlh);
	set_free(&req);
}

/* As many ranges as a list can have, one message, in full */
static void message_huge(void **state)
{
	const unsigned int count = 32767;
	char *text = malloc(count * 12 + 1), *at = text;
	char *argv[] = { text, (char *)"esmtp", (char *)"tls", (char *)"allow" };
	struct set_request req;
	struct nlmsghdr *nlh;
	const struct nlattr *attr;
	struct reason why;
	unsigned int ports = 0, tls = 0;

	(void)state;
	for (unsigned int i = 0; i < count; i++)
		at += sprintf(at, "%s%u-%u", i ? "," : "", i + 1, i + 2);
	assert_int_equal(set_parse(&req, 4, argv, &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		ports += mnl_attr_get_type(attr) == SMTP_FIXUP_A_PORTS;
		tls += mnl_attr_get_type(attr) == SMTP_FIXUP_A_TLS;
	}
	assert_int_equal(ports, count);
	assert_int_equal(tls, 1);
	free(nlh);
	set_free(&req);
	free(text);
}

static void message_faults(void **state)
{
	const u32 head = NLMSG_HDRLEN + GENL_HDRLEN;
	struct set_request req;
	struct nlmsghdr *nlh;
	struct reason why;
	char buf[64];

	(void)state;
	assert_int_equal(parse(&req, "25,100-200 esmtp tls allow deny VRFY banner keep", &why), 0);
	nlh = message_set(&req, FAKE_FAMILY);
	assert_string_equal(message_fault(nlh, head, buf, sizeof(buf)), "ports 25");
	assert_string_equal(message_fault(nlh, head + 4, buf, sizeof(buf)), "ports 25");
	assert_string_equal(message_fault(nlh, head + 12, buf, sizeof(buf)), "ports 100-200");
	assert_string_equal(message_fault(nlh, head + 24, buf, sizeof(buf)), "ports 100-200");
	assert_string_equal(message_fault(nlh, head + 32, buf, sizeof(buf)), "mode");
	assert_string_equal(message_fault(nlh, head + 40, buf, sizeof(buf)), "banner");
	assert_string_equal(message_fault(nlh, head + 48, buf, sizeof(buf)), "tls");
	assert_string_equal(message_fault(nlh, head + 56, buf, sizeof(buf)), "allow/deny");
	assert_null(message_fault(nlh, 0, buf, sizeof(buf)));
	assert_null(message_fault(nlh, head + 68, buf, sizeof(buf)));
	assert_null(message_fault(nlh, UINT32_MAX, buf, sizeof(buf)));
	free(nlh);
	set_free(&req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_good),
		cmocka_unit_test(ports_bad),
		cmocka_unit_test(ports_very_long),
		cmocka_unit_test(sets_good),
		cmocka_unit_test(sets_bad),
		cmocka_unit_test(sets_compose),
		cmocka_unit_test(sets_every_verb),
		cmocka_unit_test(text_lengths),
		cmocka_unit_test(text_shown),
		cmocka_unit_test(message_text),
		cmocka_unit_test(message_plain),
		cmocka_unit_test(message_huge),
		cmocka_unit_test(message_faults),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
