// SPDX-License-Identifier: GPL-2.0-only
/* Whole command lines against a kernel of cardboard. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "import.h"
#include "lines.h"
#include "netlink.h"
#include "set.h"

static struct smtp_policy policy(u8 mode, u8 banner, u8 tls)
{
	struct smtp_policy p;

	policy_init(&p, mode);
	p.banner = banner;
	smtp_policy_set_tls(&p, tls);
	return p;
}

/* Out of order, over two buffers, one range within another */
static void prepare_policies(u16 flags)
{
	struct answer *a = fake_answer();
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_ESMTP, 0, 1);

	put_policy(a, 587, 0, &p, flags);
	p = policy(SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_BANNER_KEEP, 0);
	p.verbs |= SMTP_VERB_BIT(EXPN);
	put_policy(a, 25, 25, &p, flags);
	a = fake_answer();
	p = policy(SMTP_FIXUP_MODE_OFF, 0, 0);
	put_policy(a, 26, 26, &p, flags);
	p = policy(SMTP_FIXUP_MODE_FIXUP, 0, 0);
	put_policy(a, 25, 30, &p, flags);
	put_done(a, 0, NULL);
}

static void show_all(void **state)
{
	(void)state;
	prepare_policies(0);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "set 25-30 fixup\n"
			    "set 25 fixup banner keep allow EXPN\n"
			    "set 26 off\n"
			    "set 587 esmtp tls allow\n");
}

static void show_is_the_default(void **state)
{
	(void)state;
	prepare_policies(0);
	tool(&o, NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "set 587 esmtp tls allow\n");
}

static void show_some(void **state)
{
	(void)state;
	prepare_policies(0);
	tool(&o, "show", "26,465,587,2525-2530", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "set 25-30 fixup\n"
			    "set 26 off\n"
			    "set 465 off\n"
			    "set 587 esmtp tls allow\n"
			    "set 2525-2530 off\n");
}

static void show_nothing(void **state)
{
	(void)state;
	put_done(fake_answer(), 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "");
	outcome_free(&o);
	put_done(fake_answer(), 0, NULL);
	tool(&o, "-j", NULL);
	assert_string_equal(o.out, "[]\n");
	outcome_free(&o);
	put_done(fake_answer(), 0, NULL);
	tool(&o, "show", "25", "-j", NULL);
	assert_string_equal(o.out, "[\n {\"ports\": \"25\", \"mode\": \"off\"}\n]\n");
}

static void show_json_members(void **state)
{
	json_t *all, *one;

	(void)state;
	prepare_policies(0);
	tool(&o, "show", "587", "--json", NULL);
	assert_int_equal(o.status, 0);
	all = json_loads(o.out, 0, NULL);
	assert_int_equal(json_array_size(all), 1);
	one = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(one, "ports")), "587");
	assert_string_equal(json_string_value(json_object_get(one, "mode")), "esmtp");
	assert_string_equal(json_string_value(json_object_get(one, "banner")), "pix");
	assert_string_equal(json_string_value(json_object_get(one, "tls")), "allow");
	assert_int_equal(json_array_size(json_object_get(one, "verbs")), 16);
	assert_int_equal(json_array_size(json_object_get(one, "keywords")), 9);
	json_decref(all);
}

#define LIMIT(name, max, action) \
	"\"" name "\": {\"max\": " #max ", \"action\": \"" action "\"}"
#define LIMITS(rcpt, action) "\"limits\": {" \
	LIMIT("command-line", 512, "off") ", " LIMIT("rcpt", rcpt, action) ", " \
	LIMIT("sender", 320, "off") ", " LIMIT("header-line", 998, "off") ", " \
	LIMIT("body-line", 998, "off") ", " LIMIT("mime-filename", 255, "off") ", " \
	LIMIT("message", 20000000, "off") ", " LIMIT("header-length", 65536, "off") ", " \
	LIMIT("to-fields", 100, "off") ", " LIMIT("invalid-recipients", 10, "off") ", " \
	LIMIT("reply-line", 512, "off") ", " LIMIT("bdat-chunk", 10000000, "off") ", " \
	LIMIT("xexch50-block", 1000000, "off") ", " LIMIT("rate", 100, "off") ", " \
	LIMIT("source-rate", 10, "off") "}, "

/* A newer kernel: numbers for what this tool has no words for */
static void show_newer_kernel(void **state)
{
	struct smtp_policy p = policy(77, 9, 8);
	struct answer *a = fake_answer();

	(void)state;
	p.reject = 7;
	p.ehlo = 6;
	p.special = 8;
	p.observe = true;
	p.smuggling = 9;
	p.assign = 3;
	p.by_mark = true;
	p.limits[SMTP_FIXUP_LIMIT_RCPT].max = 1;
	p.limits[SMTP_FIXUP_LIMIT_RCPT].action = 9;
	p.verbs = 1ULL << 63 | 1;
	p.keywords = 1ULL << 62;
	put_policy(a, 25, 0, &p, 0);
	put_done(a, 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "set 25 77 banner 9 reject 7 ehlo 6 tls 8 allow HELO,63 ehlo-allow 62 ehlo-deny SIZE,PIPELINING,DSN,ENHANCEDSTATUSCODES,8BITMIME special 8 limit rcpt 1 9 smuggling 9 assign 3 by-mark observe\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", "show", NULL);
	assert_string_equal(o.out, "[\n {\"ports\": \"25\", \"mode\": \"77\", \"banner\": \"9\", \"keep-esmtp\": false, \"reject\": \"7\", \"ehlo\": \"6\", \"tls\": \"8\", \"special\": \"8\", \"smuggling\": \"9\", \"line-ending\": \"lenient\", \"midstream\": \"reset\", \"assign\": \"3\", \"by-mark\": true, \"proxy-protocol\": \"off\", \"strict\": false, \"observe\": true, " LIMITS(1, "9") "\"verbs\": [\"HELO\", 63], \"keywords\": [62]}\n]\n");
}

/* A kernel that has not heard of texts, reject and ehlo */
static void show_older_kernel(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);

	(void)state;
	put_range(nlh, 25, 0);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, SMTP_FIXUP_MODE_ESMTP);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_BANNER, SMTP_FIXUP_BANNER_STARS);
	end_message(a, nlh);
	put_done(a, 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "set 25 esmtp banner stars\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", NULL);
	assert_says(o.out, "\"banner\": \"stars\", \"keep-esmtp\": false, \"reject\": \"x\", \"ehlo\": \"mask\", \"tls\": \"mask\",");
}

static void prepare_text(const char *text)
{
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_ESMTP, 0, 1);
	struct answer *a = fake_answer();

	assert_null(smtp_policy_set_text(&p, text, strlen(text)));
	p.reject = SMTP_FIXUP_REJECT_NOOP;
	p.ehlo = SMTP_FIXUP_EHLO_STRIP;
	put_policy(a, 25, 0, &p, 0);
	put_done(a, 0, NULL);
}

static void show_text_banner(void **state)
{
	static const char text[] = "it's \"\\mx\" ESMTP";
	json_t *all, *one;

	(void)state;
	prepare_text(text);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "set 25 esmtp banner text 'it'\\''s \"\\mx\" ESMTP' reject noop ehlo strip tls allow\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", NULL);
	assert_int_equal(o.status, 0);
	all = json_loads(o.out, 0, NULL);
	one = json_array_get(all, 0);
	assert_string_equal(json_string_value(json_object_get(one, "banner")), "text");
	assert_string_equal(json_string_value(json_object_get(one, "banner-text")), text);
	assert_string_equal(json_string_value(json_object_get(one, "reject")), "noop");
	assert_string_equal(json_string_value(json_object_get(one, "ehlo")), "strip");
	json_decref(all);
}

/* A text that is none, or does not belong there */
static void show_text_odd(void **state)
{
	static const struct {
		u16 len;
		char text[8];
		int status;
	} odd[] = {
		{ 4, "abc", 0 },
		{ 3, "abc", 1 },		/* no NUL */
		{ 4, "a\0c", 1 },		/* NUL within */
		{ 1, "", 1 },
		{ 0, "", 1 },
		{ 4, "a\nb", 1 },
		{ 5, "\x1b[2J", 1 },
		{ 3, "\xc3\xa9", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (u8 banner = 0; banner <= SMTP_FIXUP_BANNER_TEXT; banner += 3) {
			struct nlmsghdr *nlh;
			struct answer *a;

			fake_reset();
			a = fake_answer();
			nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);
			put_range(nlh, 25, 0);
			mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, 1);
			mnl_attr_put_u8(nlh, SMTP_FIXUP_A_BANNER, banner);
			mnl_attr_put(nlh, SMTP_FIXUP_A_BANNER_TEXT, odd[i].len,
				     odd[i].text);
			end_message(a, nlh);
			put_done(a, 0, NULL);
			tool(&o, "show", NULL);
			assert_int_equal(o.status, odd[i].status);
			if (!o.status)
				assert_string_equal(o.out, banner ?
						    "set 25 fixup banner text 'abc'\n" :
						    "set 25 fixup\n");
			outcome_free(&o);
		}
	}
	memset(&o, 0, sizeof(o));
}

static void show_iif(void **state)
{
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_FIXUP, 0, 0);
	struct answer *a = fake_answer();

	(void)state;
	assert_null(smtp_policy_set_iif(&p, "0123456789abcde", 15));
	put_policy(a, 25, 0, &p, 0);
	put_done(a, 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "set 25 fixup iif 0123456789abcde\n");
	/* Whoever feeds the lines back does not see the note */
	assert_says(o.err, "port 25 selects no connection: there is no interface 0123456789abcde");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", NULL);
	assert_says(o.out, "\"midstream\": \"reset\", \"iif\": \"0123456789abcde\", \"assign\": \"auto\", \"by-mark\": false, \"proxy-protocol\": \"off\", \"strict\"");
}

static void export_asa(void **state)
{
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_ASA, SMTP_FIXUP_BANNER_STARS,
				      SMTP_FIXUP_TLS_MASK);
	struct answer *a = fake_answer();

	(void)state;
	smtp_policy_set_verbs(&p, p.verbs & ~SMTP_VERB_BIT(VRFY));
	p.limits[SMTP_FIXUP_LIMIT_RCPT].action = SMTP_FIXUP_ACTION_OFF;
	p.limits[SMTP_FIXUP_LIMIT_SENDER].action = SMTP_FIXUP_ACTION_RESET;
	put_policy(a, 25, 0, &p, 0);
	put_done(a, 0, NULL);
	tool(&o, "export", "asa", NULL);
	assert_string_equal(o.err, "");
	assert_string_equal(o.out,
			    "class-map smtpfixup-25\n"
			    " match port tcp eq 25\n"
			    "policy-map type inspect esmtp smtpfixup-25\n"
			    " parameters\n"
			    "  mask-banner\n"
			    "  no allow-tls\n"
			    " match cmd line length gt 512\n"
			    "  drop-connection log\n"
			    " match sender-address length gt 320\n"
			    "  reset log\n"
			    " match header line length gt 998\n"
			    "  drop-connection log\n"
			    " match body line length gt 998\n"
			    "  log\n"
			    " match MIME filename length gt 255\n"
			    "  drop-connection log\n"
			    " match cmd verb VRFY\n"
			    "  mask\n"
			    " match ehlo-reply-parameter others\n"
			    "  mask\n"
			    "policy-map smtpfixup-25-policy\n"
			    " class smtpfixup-25\n"
			    "  inspect esmtp smtpfixup-25\n"
			    "service-policy smtpfixup-25-policy global\n");
	assert_int_equal(o.status, 0);
}

/* What an ASA does not have is named, one by one */
static void export_lost(void **state)
{
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_ASA, SMTP_FIXUP_BANNER_STARS,
				      SMTP_FIXUP_TLS_ALLOW);
	struct answer *a = fake_answer();

	(void)state;
	p.observe = true;
	p.reject = SMTP_FIXUP_REJECT_NOOP;
	p.limits[SMTP_FIXUP_LIMIT_RATE].action = SMTP_FIXUP_ACTION_LOG;
	p.limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action = SMTP_FIXUP_ACTION_WAIT;
	assert_null(smtp_policy_set_iif(&p, "eth0", 4));
	put_policy(a, 2525, 2530, &p, 0);
	p = policy(SMTP_FIXUP_MODE_FIXUP, SMTP_FIXUP_BANNER_PIX, 0);
	put_policy(a, 25, 0, &p, 0);
	put_done(a, 0, NULL);
	tool(&o, "export", "asa", NULL);
	assert_int_equal(o.status, 3);
	assert_says(o.out, " match port tcp range 2525 2530\n");
	assert_says(o.out, "! port 2525-2530: no equivalent: reject noop\n"
		    "! port 2525-2530: no equivalent: limit command-line 512 drop ");
	assert_says(o.out, " limit rate 100 log limit source-rate 10\n"
		    "! port 2525-2530: no equivalent: observe\n");
	assert_says(o.out, "service-policy smtpfixup-2525-2530-policy interface eth0\n");
	assert_says(o.out, "! port 25: no equivalent: banner pix\n");
}

/* A policy as the kernel has it after this set line; returns the line's ports */
static void put_set_line(struct answer *a, const char *line)
{
	char *words[LINE_WORDS_MAX], *copy = strdup(line);
	struct set_request req = { 0 };
	struct reason why = { 0 };
	int n = line_split(copy, words, &why);

	if (set_parse(&req, n - 1, words + 1, &why))
		fail_msg("%s: %s", line, why.text);
	put_policy(a, req.ports.range[0].first, req.ports.range[0].last ==
		   req.ports.range[0].first ? 0 : req.ports.range[0].last, &req.policy, 0);
	set_free(&req);
	free(copy);
}

/* What import makes of the text is these lines, and nothing is missing */
static void assert_imports(char *text, const char *want)
{
	struct import_result result;
	struct config config;
	char got[4096] = "";

	config_read(&config, text, strlen(text));
	import_policies(&config, &result);
	assert_false(result.missing);
	for (size_t i = 0; i < result.count; i++) {
		if (result.item[i].set) {
			strcat(got, result.item[i].set);
			strcat(got, "\n");
		}
	}
	assert_string_equal(got, want);
	import_result_free(&result);
	config_free(&config);
}

/* What an ASA can have comes back as it was */
static void export_comes_back(void **state)
{
	static const char *const lines[] = {
		"set 25 asa",
		"set 25 asa tls mask",
		"set 25 asa banner keep special drop",
		"set 2525-2530 asa special log iif outside",
		"set 25 asa deny SAML,VRFY ehlo-deny ETRN,AUTH",
		"set 25 asa limit command-line 1000 reset limit rcpt 100 off limit sender 64 log limit mime-filename 255 off",
		"set 25 asa limit body-line 998 off limit rate 20",
		"set 25 asa match verb VRFY,HELP mask",
		"set 25 asa deny VRFY match verb ETRN reset match not verb MAIL,RCPT log",
		"set 25 asa match keyword SIZE drop match not keyword SIZE,ENHANCEDSTATUSCODES log",
		"set 25 asa ehlo keep",
		"set 25 asa ehlo keep tls mask match keyword STARTTLS mask match keyword ETRN,VRFY mask",
		"set 25 asa ehlo keep match not keyword 8BITMIME,AUTH,BINARYMIME,CHECKPOINT,DSN,ENHANCEDSTATUSCODES,ETRN,PIPELINING,SIZE,STARTTLS,VRFY drop",
		"set 25 asa mail-relay example.org drop",
		"set 25 asa match sender '/^[Rr]obot[0-9]+@/' reset match not sender '/a\\/b/,/x{3}y/,/two words/' drop match sender '/@example\\.org/' log",
		"set 25 asa match mime-type '/^application\\/x-/' drop match not mime-encoding 7bit,base64 reset match mime-encoding binary log",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct answer *a;
		char *want;

		fake_reset();
		a = fake_answer();
		put_set_line(a, lines[i]);
		put_done(a, 0, NULL);
		tool(&o, "export", "asa", NULL);
		assert_string_equal(o.err, "");
		if (o.status)
			fail_msg("%s:\n%s", lines[i], o.out);
		assert_true(asprintf(&want, "%s\n", lines[i]) > 0);
		assert_imports(o.out, want);
		free(want);
		outcome_free(&o);
	}
	fake_reset();
	memset(&o, 0, sizeof(o));
}

/* Several policies are classes of one policy-map, the narrowest range first */
static void export_several(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_set_line(a, "set 20-30 asa");
	put_set_line(a, "set 25 asa tls mask");
	put_set_line(a, "set 587 asa iif dmz");
	put_done(a, 0, NULL);
	tool(&o, "export", "asa", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "policy-map smtpfixup-25-policy\n"
		    " class smtpfixup-25\n  inspect esmtp smtpfixup-25\n"
		    " class smtpfixup-20-30\n  inspect esmtp smtpfixup-20-30\n"
		    "service-policy smtpfixup-25-policy global\n"
		    "policy-map smtpfixup-587-policy\n"
		    " class smtpfixup-587\n  inspect esmtp smtpfixup-587\n"
		    "service-policy smtpfixup-587-policy interface dmz\n");
	assert_imports(o.out, "set 25 asa tls mask\nset 20-30 asa\nset 587 asa iif dmz\n");
}

/* What an ASA can't match is named, one by one, and does not stand there */
static void export_matches_lost(void **state)
{
	static const struct {
		const char *line, *lost;
	} cases[] = {
		{ "set 25 asa match recipient a@example.org drop",
		  "! port 25: no equivalent: match recipient a@example.org: drop\n" },
		{ "set 25 asa match sender *@example.org drop",	/* there is no $ */
		  "! port 25: no equivalent: match sender *@example.org: drop\n" },
		{ "set 25 asa match sender '/a$/' log",
		  "! port 25: no equivalent: match sender /a$/: log\n" },
		{ "set 25 asa match sender '/[a]/i' log",
		  "! port 25: no equivalent: match sender /[a]/i: log\n" },
		{ "set 25 asa match sender a* mask",
		  "! port 25: no equivalent: match sender a*: mask\n" },
		{ "set 25 asa match verb EXPN mask",
		  "! port 25: no equivalent: match verb EXPN: mask\n" },
		{ "set 25 asa match verb V* mask",
		  "! port 25: no equivalent: match verb V*: mask\n" },
		{ "set 25 asa match header:Subject a drop",
		  "! port 25: no equivalent: match header:Subject a: drop\n" },
		{ "set 25 asa match not mime-filename a log",
		  "! port 25: no equivalent: match not mime-filename a: log\n" },
		{ "set 25 asa match helo a log",
		  "! port 25: no equivalent: match helo a: log\n" },
		{ "set 25 asa mail-relay a.example,b.example drop",
		  "! port 25: no equivalent: mail-relay a.example,b.example: drop\n" },
		{ "set 25 asa mail-relay a.example reset",
		  "! port 25: no equivalent: mail-relay a.example: reset\n" },
		{ "set 25 asa auth-allow PLAIN",
		  "! port 25: no equivalent: auth-allow PLAIN: mask\n" },
		/* The first that acts counts here */
		{ "set 25 asa match sender '/a/' log match sender '/b/' drop",
		  "! port 25: no equivalent: the order of the matches; an ASA goes on after one that logs\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct answer *a;

		fake_reset();
		a = fake_answer();
		put_set_line(a, cases[i].line);
		put_done(a, 0, NULL);
		tool(&o, "export", "asa", NULL);
		if (o.status != 3 || !strstr(o.out, cases[i].lost))
			fail_msg("%s:\n%s", cases[i].line, o.out);
		outcome_free(&o);
	}
	fake_reset();
	memset(&o, 0, sizeof(o));
}

/* A glob that begins or ends anywhere, and letters of either case */
static void export_globs(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_set_line(a, "set 25 asa match sender 'ab?c*,*x.y*,/n\\/o/i' drop");
	put_set_line(a, "set 24 off");
	put_done(a, 0, NULL);
	tool(&o, "export", "asa", NULL);
	if (o.status)
		fail_msg("%s", o.out);
	assert_says(o.out, "regex smtpfixup-25-1 \"^[aA][bB].[cC]\"\n"
		    "regex smtpfixup-25-2 \"[xX]\\.[yY]\"\n"
		    "regex smtpfixup-25-3 \"[nN]/[oO]\"\n"
		    "class-map type regex match-any smtpfixup-25-1-any\n"
		    " match regex smtpfixup-25-1\n"
		    " match regex smtpfixup-25-2\n"
		    " match regex smtpfixup-25-3\n");
	assert_says(o.out, " match sender-address regex class smtpfixup-25-1-any\n"
		    "  drop-connection log\n");
}

/* Within a class of an ASA no port is let be */
static void export_off_within(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_set_line(a, "set 20-30 asa");
	put_set_line(a, "set 25 off");
	put_done(a, 0, NULL);
	tool(&o, "export", "asa", NULL);
	assert_int_equal(o.status, 3);
	assert_says(o.out, "! port 25: no equivalent: off, within 20-30\n");
}

static void export_of_what(void **state)
{
	(void)state;
	tool(&o, "export", NULL);
	assert_int_equal(o.status, 1);
	outcome_free(&o);
	tool(&o, "-j", "export", "asa", NULL);
	assert_int_equal(o.status, 1);
}

/* A name that is none */
static void show_iif_odd(void **state)
{
	static const struct {
		u16 len;
		const char *name;
	} odd[] = {
		{ 4, "eth0" },			/* no NUL */
		{ 4, "a\0b" },			/* NUL within */
		{ 1, "" }, { 0, "" }, { 4, "a/b" }, { 17, "0123456789abcdef" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct nlmsghdr *nlh;
		struct answer *a;

		fake_reset();
		a = fake_answer();
		nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);
		put_range(nlh, 25, 0);
		mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, 1);
		mnl_attr_put(nlh, SMTP_FIXUP_A_IIF, odd[i].len, odd[i].name);
		end_message(a, nlh);
		put_done(a, 0, NULL);
		tool(&o, "show", NULL);
		assert_int_equal(o.status, 1);
		outcome_free(&o);
	}
	memset(&o, 0, sizeof(o));
}

/* The longest name there is */
static void set_iif(void **state)
{
	const struct nlattr *attr;
	int seen = 0;

	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	tool(&o, "set", "25", "fixup", "iif", "0123456789abcde", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.err, "port 25 selects no connection: there is no interface 0123456789abcde");
	mnl_attr_for_each(attr, (struct nlmsghdr *)fake.request, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) != SMTP_FIXUP_A_IIF)
			continue;
		seen++;
		assert_int_equal(mnl_attr_get_payload_len(attr), 16);
		assert_string_equal(mnl_attr_get_str(attr), "0123456789abcde");
	}
	assert_int_equal(seen, 1);
}

/* A text is nobody's flag, wherever flags stand */
static void set_text(void **state)
{
	static const char *const texts[] = { "-j", "--help", "--", "-V", "x y" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct nlattr *attr;
		int seen = 0;

		fake_reset();
		put_ack(fake_answer(), 0, NULL, -1);
		tool(&o, "set", "-j", "25", "esmtp", "banner", "text", texts[i],
		     "reject", "line", NULL);
		assert_int_equal(o.status, 0);
		assert_string_equal(o.out, "");
		mnl_attr_for_each(attr, (struct nlmsghdr *)fake.request, GENL_HDRLEN) {
			if (mnl_attr_get_type(attr) != SMTP_FIXUP_A_BANNER_TEXT)
				continue;
			assert_string_equal(mnl_attr_get_str(attr), texts[i]);
			seen++;
		}
		assert_int_equal(seen, 1);
		outcome_free(&o);
	}
	/* What stands behind it may be one again */
	tool(&o, "set", "25", "esmtp", "banner", "text", "x", "--help", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "Usage: smtpfixup set");
}

static void dump_interrupted_once(void **state)
{
	(void)state;
	prepare_policies(NLM_F_DUMP_INTR);
	prepare_policies(0);
	tool(&o, "show", "587", NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(fake.requests, 2);
	assert_string_equal(o.out, "set 587 esmtp tls allow\n");
}

static void dump_interrupted_for_ever(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++)
		prepare_policies(NLM_F_DUMP_INTR);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 1);
	assert_int_equal(fake.requests, 10);
	assert_string_equal(o.out, "");
	assert_says(o.err, "try again");
}

static void dump_refused(void **state)
{
	(void)state;
	put_done(fake_answer(), -EINVAL, "no such dump\x1b[2J\n");
	tool(&o, "stats", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: the kernel refused it: no such dump?[2J \n");
}

static void stale_answers_are_skipped(void **state)
{
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_FIXUP, 0, 0);
	struct answer *a = fake_answer();

	(void)state;
	a->stale = true;
	put_policy(a, 1, 0, &p, 0);
	put_done(a, -EPERM, NULL);
	prepare_policies(0);
	tool(&o, "show", "1,587", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "set 1 off\nset 587 esmtp tls allow\n");
}

static void answers_that_make_no_sense(void **state)
{
	static const u8 what[][16] = {
		{ 0 },						/* no ports */
		{ 4, 0, SMTP_FIXUP_A_PORTS, 0x80 },		/* empty */
		{ 3, 0, SMTP_FIXUP_A_PORTS, 0 },		/* shorter than itself */
		{ 255, 0, SMTP_FIXUP_A_PORTS, 0x80 },		/* beyond the end */
		{ 12, 0, SMTP_FIXUP_A_PORTS, 0x80, 6, 0, 1, 0, 0, 0 },	/* port 0 */
		{ 12, 0, SMTP_FIXUP_A_PORTS, 0x80, 5, 0, 1, 0, 1, 0 },	/* one octet */
		{ 12, 0, SMTP_FIXUP_A_PORTS, 0x80, 6, 0, 1, 0, 1, 0 },	/* no mode */
	};

	static const char *const lines[] = { "show", "stats", "flows" };

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		for (size_t i = 0; i < sizeof(what) / sizeof(*what); i++) {
			struct nlmsghdr *nlh;
			struct answer *a;

			fake_reset();
			a = fake_answer();
			nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);
			memcpy((u8 *)nlh + nlh->nlmsg_len, what[i], what[i][0] & 31);
			nlh->nlmsg_len += what[i][0] & 31;
			end_message(a, nlh);
			put_done(a, 0, NULL);
			tool(&o, lines[n], NULL);
			assert_int_equal(o.status, 1);
			assert_string_equal(o.out, "");
			assert_says(o.err, "makes no sense");
			outcome_free(&o);
		}
	}
	memset(&o, 0, sizeof(o));
}

/* Any octet of a good answer damaged: no crash, no two lines, no hang */
static void answers_damaged(void **state)
{
	static const char *const lines[] = { "show", "stats", "flows" };
	static struct answer whole;

	(void)state;
	memset(&whole, 0, sizeof(whole));
	prepare_text("mx'");
	whole = fake.answer[0];
	prepare_policies(0);
	whole.len -= NLMSG_ALIGN(NLMSG_HDRLEN + sizeof(int));	/* the end */
	memcpy(whole.buf + whole.len, fake.answer[2].buf, fake.answer[2].len);
	whole.len += fake.answer[2].len;
	put_stats(&whole, 25, 30, 1, 7, __SMTP_FIXUP_CNT_MAX);
	put_flow(&whole, "192.0.2.1", 40000, "2001:db8::1", 25, 1, 1, 1, 2, 3);
	for (size_t n = 0; n < 3; n++) {
		for (size_t i = 0; i < whole.len; i++) {
			static const u8 values[] = { 0, 1, 3, 4, 127, 255 };

			for (size_t v = 0; v < sizeof(values); v++) {
				fake_reset();
				*fake_answer() = whole;
				fake.answer[0].buf[i] = values[v];
				tool(&o, lines[n], NULL);
				assert_in_range(o.status, 0, 2);
				outcome_free(&o);
			}
		}
	}
	memset(&o, 0, sizeof(o));
}

/* Cut anywhere, in memory that ends there, by the buffer or by a message:
 * the sanitizer sees any look beyond.
 */
static void answers_cut(void **state)
{
	struct policy_list policies = { 0 };
	struct stats_list stats = { 0 };
	struct flow_list flows = { 0 };
	const struct reply replies[] = {
		{ policy_list_add, policy_list_clear, &policies },
		{ stats_list_add, stats_list_clear, &stats },
		{ flow_list_add, flow_list_clear, &flows },
	};
	const struct nlmsghdr request = { .nlmsg_type = FAKE_FAMILY };
	struct smtp_policy p = policy(SMTP_FIXUP_MODE_ESMTP, 1, 1);
	struct answer *a;

	(void)state;
	assert_null(smtp_policy_set_text(&p, "mx", 2));
	for (size_t n = 0; n < 4; n++) {
		const struct reply *reply = &replies[n % 3];

		fake_reset();
		a = fake_answer();
		if (n == 0)
			put_policy(a, 25, 30, &p, 0);
		else if (n == 1)
			put_stats(a, 25, 30, 1, 7, 3);
		else if (n == 2)
			put_flow(a, "192.0.2.1", 4, "2001:db8::1", 25, 1, 1, 1, 2, 3);
		else
			put_ack(a, -EINVAL, "text", 20);
		for (size_t len = 0; len <= a->len; len++) {
			for (int message = 0; message < 2; message++) {
				bool interrupted = false;
				struct reason why = { 0 };
				u8 *copy = malloc(len ? len : 1);

				memcpy(copy, a->buf, len);
				if (message && len >= NLMSG_HDRLEN)
					((struct nlmsghdr *)copy)->nlmsg_len = len;
				netlink_walk(copy, len, &request, reply,
					     &interrupted, &why);
				reply->clear(reply->data);
				free(copy);
			}
		}
	}
}

/* A value wider than it should be is no value */
static void answers_too_wide(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);

	(void)state;
	put_range(nlh, 25, 0);
	mnl_attr_put_u32(nlh, SMTP_FIXUP_A_MODE, 1);
	end_message(a, nlh);
	put_done(a, 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "makes no sense");
}

static void stats_prometheus_format(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_stats(a, 587, 0, 2, 1000, __SMTP_FIXUP_CNT_MAX);
	put_stats(a, 25, 30, 1, 0, __SMTP_FIXUP_CNT_MAX);
	put_done(a, 0, NULL);
	tool(&o, "stats", "--prometheus", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "smtpfixup_policies 2\n");
	assert_says(o.out, "smtpfixup_policy_info{ports=\"587\",mode=\"esmtp\"} 1\n");
	assert_says(o.out, "# TYPE smtpfixup_connections_total counter\n"
		    "smtpfixup_connections_total{ports=\"25-30\"} 0\n"
		    "smtpfixup_connections_total{ports=\"587\"} 1000\n# HELP ");
}

/* What is reset is read once: what was told is gone from the kernel */
static void stats_reset(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_stats(a, 25, 0, 1, 7, __SMTP_FIXUP_CNT_MAX);
	put_done(a, 0, NULL);
	tool(&o, "stats", "--reset", NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(((struct genlmsghdr *)mnl_nlmsg_get_payload((void *)fake.request))->cmd,
			 SMTP_FIXUP_CMD_STATS_ZERO);
	assert_says(o.out, "port 25 mode fixup\n  connections ");
}

/* Who may not see the flows is told what it takes */
static void flows_no_rights(void **state)
{
	(void)state;
	put_ack(fake_answer(), -EPERM, NULL, -1);
	tool(&o, "flows", NULL);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "CAP_NET_ADMIN");
}

static void stats_all(void **state)
{
	struct answer *a = fake_answer();
	char *line;

	(void)state;
	put_stats(a, 587, 0, 2, 1000, __SMTP_FIXUP_CNT_MAX);
	put_stats(a, 25, 30, 1, 0, __SMTP_FIXUP_CNT_MAX);
	put_done(a, 0, NULL);
	tool(&o, "stats", NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(strncmp(o.out, "port 25-30 mode fixup\n  connections ", 36), 0);
	line = strstr(o.out, "port 587 mode esmtp\n");
	assert_non_null(line);
	for (unsigned int i = 0; i < __SMTP_FIXUP_CNT_MAX; i++) {
		unsigned long long value;
		char name[64];

		line = strchr(line, '\n') + 1;
		assert_int_equal(sscanf(line, "  %63s %llu\n", name, &value), 2);
		assert_string_equal(name, smtp_counter_names[i]);
		assert_int_equal(value, 1000 + i);
	}
	assert_string_equal(strchr(line, '\n'), "\n");
}

static void stats_some(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_stats(a, 25, 0, 2, 0, 1);
	put_stats(a, 587, 0, 2, 5, 1);
	put_done(a, 0, NULL);
	tool(&o, "stats", "26,587", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "port 26 mode off\nport 587 mode esmtp\n  connections ");
	assert_null(strstr(o.out, "port 25 "));
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "stats", "--explain", "587", NULL);
	assert_says(o.out, " 5  connections opened");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", "stats", "587", NULL);
	assert_string_equal(o.out, "[\n {\"ports\": \"587\", \"mode\": \"esmtp\", \"connections\": 5}\n]\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "-j", "stats", "587", "--explain", NULL);
	assert_says(o.out, "\"connections\": 5, \"explanations\": {\"connections\": \"connections opened");
}

static void stats_newer_kernel(void **state)
{
	struct answer *a = fake_answer();
	char name[64];

	(void)state;
	put_stats(a, 25, 0, 2, UINT64_MAX - __SMTP_FIXUP_CNT_MAX,
		  __SMTP_FIXUP_CNT_MAX + 1);
	put_done(a, 0, NULL);
	tool(&o, "stats", NULL);
	assert_int_equal(o.status, 0);
	snprintf(name, sizeof(name), "counter_%d ", __SMTP_FIXUP_CNT_MAX);
	assert_says(o.out, name);
	assert_says(o.out, " 18446744073709551615\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "stats", "-j", NULL);
	snprintf(name, sizeof(name), "\"counter_%d\": 9223372036854775807}",
		 __SMTP_FIXUP_CNT_MAX);
	assert_says(o.out, name);
}

static void flows_all(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_flow(a, "192.0.2.1", 40000, "198.51.100.200", 25,
		 SMTP_FIXUP_MODE_ESMTP, SMTP_FIXUP_PHASE_BODY, 5, 1, 2);
	put_flow(a, "2001:db8::1", 65535, "2001:db8:1:2:3:4:5:6", 587,
		 SMTP_FIXUP_MODE_FIXUP, 99, UINT32_MAX, 0, 0);
	put_done(a, 0, NULL);
	tool(&o, "flows", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "client               server                      mode    phase      commands    blocked   messages\n"
			    "192.0.2.1:40000      198.51.100.200:25           esmtp   body              5          1          2\n"
			    "[2001:db8::1]:65535  [2001:db8:1:2:3:4:5:6]:587  fixup   99        4294967295          0          0\n");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "flows", "-j", NULL);
	assert_string_equal(o.out,
			    "[\n {\"client\": \"192.0.2.1:40000\", \"server\": \"198.51.100.200:25\", \"port\": 25, \"mode\": \"esmtp\", \"phase\": \"body\", \"commands\": 5, \"blocked\": 1, \"messages\": 2},"
			    "\n {\"client\": \"[2001:db8::1]:65535\", \"server\": \"[2001:db8:1:2:3:4:5:6]:587\", \"port\": 587, \"mode\": \"fixup\", \"phase\": \"99\", \"commands\": 4294967295, \"blocked\": 0, \"messages\": 0}\n]\n");
}

static void set_done(void **state)
{
	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	tool(&o, "set", "25", "esmtp", "tls", "allow", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "");
	assert_int_equal(fake.requests, 1);
}

/* Lines that mean the same are the same message */
static void pix_lines(void **state)
{
	static const char *const pairs[][2][6] = {
		{ { "fixup", "protocol", "smtp", "25" }, { "set", "25", "fixup" } },
		{ { "fixup", "protocol", "smtp" }, { "set", "25", "fixup" } },
		{ { "fixup", "protocol", "smtp", "25-30" }, { "set", "25-30", "fixup" } },
		{ { "no", "fixup", "protocol", "smtp", "25" }, { "set", "25", "off" } },
		{ { "no", "fixup", "protocol", "smtp" }, { "set", "25", "off" } },
		{ { "no", "fixup", "protocol", "smtp", "25-30" }, { "set", "25-30", "off" } },
		{ { "inspect", "esmtp" }, { "set", "25", "esmtp" } },
		{ { "no", "inspect", "esmtp" }, { "set", "25", "off" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		u8 message[2][256];
		size_t len[2];

		for (int n = 0; n < 2; n++) {
			const char *const *w = pairs[i][n];

			fake_reset();
			put_ack(fake_answer(), 0, NULL, -1);
			tool(&o, w[0], w[1], w[2], w[3], w[4], NULL);
			assert_int_equal(o.status, 0);
			assert_string_equal(o.out, "");
			outcome_free(&o);
			len[n] = fake.request_len;
			assert_true(len[n] <= sizeof(message[n]));
			memcpy(message[n], fake.request, len[n]);
		}
		assert_int_equal(len[0], len[1]);
		/* But for sequence number */
		assert_memory_equal(message[0] + NLMSG_HDRLEN,
				    message[1] + NLMSG_HDRLEN,
				    len[0] - NLMSG_HDRLEN);
	}
	memset(&o, 0, sizeof(o));
}

static void pix_lines_bad(void **state)
{
	static const char *const lines[][7] = {
		{ "fixup" },
		{ "fixup", "protocol" },
		{ "fixup", "protocol", "http", "80" },
		{ "fixup", "protocol", "smtp", "x" },
		{ "fixup", "protocol", "smtp", "25", "26" },
		{ "fixup", "protocol", "smtp", "25,26" },
		{ "fixup", "protocol", "smtp", "30-25" },
		{ "no" },
		{ "no", "set" },
		{ "no", "fixup" },
		{ "no", "fixup", "protocol", "smtp", "0" },
		{ "no", "inspect" },
		{ "inspect" },
		{ "inspect", "smtp" },
		{ "inspect", "esmtp", "25" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *const *w = lines[i];

		tool(&o, w[0], w[1], w[2], w[3], w[4], w[5], NULL);
		assert_int_equal(o.status, 1);
		assert_int_equal(fake.requests, 0);
		outcome_free(&o);
	}
	memset(&o, 0, sizeof(o));
}

static void no_module(void **state)
{
	(void)state;
	fake.absent = true;
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 1);
	assert_string_equal(o.err, "smtpfixup: the kernel module nf_smtp_fixup is not loaded here; load it with 'modprobe nf_smtp_fixup'\n");
	outcome_free(&o);
	tool(&o, NULL);
	assert_int_equal(o.status, 1);
	outcome_free(&o);
	tool(&o, "stats", "--explain", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, smtp_counter_explanations[0]);
}

static void no_rights(void **state)
{
	(void)state;
	put_ack(fake_answer(), -EPERM, NULL, -1);
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: changing a policy needs CAP_NET_ADMIN in this network namespace; run it as root (sudo)\n");
}

static void set_refused(void **state)
{
	const int head = NLMSG_HDRLEN + GENL_HDRLEN;

	(void)state;
	put_ack(fake_answer(), -EINVAL, "too many policies", head + 12);
	tool(&o, "set", "25,100-200", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: the kernel refused 'ports 100-200': too many policies\n");
	outcome_free(&o);

	put_ack(fake_answer(), -EINVAL, "too many policies", -1);
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: the kernel refused it: too many policies\n");
	outcome_free(&o);

	put_ack(fake_answer(), -ENOMEM, NULL, -1);
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: the kernel refused it: Cannot allocate memory\n");
	outcome_free(&o);

	put_ack(fake_answer(), -EOPNOTSUPP, NULL, -1);
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "older than this tool");
}

/* Without NETLINK_CAP_ACK the request stands between errno and text */
static void refused_with_request(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, NLMSG_ERROR, NLM_F_ACK_TLVS);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	(void)state;
	err->error = -EINVAL;
	err->msg.nlmsg_len = NLMSG_HDRLEN + 40;
	mnl_nlmsg_put_extra_header(nlh, 40);
	mnl_attr_put_strz(nlh, 1, "not like this");
	end_message(a, nlh);
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 2);
	assert_string_equal(o.err, "smtpfixup: the kernel refused it: not like this\n");
}

static void socket_troubles(void **state)
{
	(void)state;
	fake.open_errno = EPROTONOSUPPORT;
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "could not be opened");
	outcome_free(&o);

	fake.open_errno = 0;
	fake.send_errno = EMSGSIZE;
	tool(&o, "set", "25", "esmtp", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "fewer at a time");
	outcome_free(&o);

	fake.send_errno = 0;
	fake.recv_errno = ENOBUFS;
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 1);
	outcome_free(&o);

	fake.recv_errno = 0;
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "no answer");
}

/* -- events: M ---------------------------------------------------------- */

static void prepare_event(u8 event, u32 vendor, const char *words, u64 suppressed)
{
	const struct smtp_event_kind *kind = &smtp_events[event];
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, 0);
	struct nlattr *nest = begin_event(nlh, event, kind->name, kind->rule,
					  "192.0.2.1", "2001:db8::25");

	if (vendor)
		mnl_attr_put_u32(nlh, SMTP_FIXUP_EVENT_A_VENDOR, vendor);
	if (words)
		mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_WORDS, words);
	if (suppressed) {
		mnl_attr_put(nlh, SMTP_FIXUP_EVENT_A_PAD, 0, NULL);
		mnl_attr_put_u64(nlh, SMTP_FIXUP_EVENT_A_SUPPRESSED, suppressed);
		mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_CLIENT_DEV, "eth0");
	}
	mnl_attr_nest_end(nlh, nest);
	end_message(a, nlh);
}

static void m_monitor_text(void **state)
{
	(void)state;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004, "EXPN", 0);
	prepare_event(SMTP_FIXUP_EVENT_SMUGGLING_DOT, 108004, NULL, 37);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "2026-11-22 20:30:01.234567 V3   192.0.2.1:40001 > [2001:db8::25]:25 command masked \"EXPN\"\n"
			    "2026-11-22 20:30:01.234567 D4   192.0.2.1:40001 > [2001:db8::25]:25 SMTP smuggling: look-alike end of data neutralised (37 before it were suppressed)\n");
	assert_int_equal(fake.joined[0], FAKE_EVENTS);
	assert_int_equal(fake.joined[1], GENL_ID_CTRL);
	assert_int_equal(fake.requests, 0);
}

/* Whatever a kernel sends: nothing reaches the terminal but printable ASCII */
static void m_monitor_is_clean(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, 0);
	struct nlattr *nest = begin_event(nlh, 250, "\033[2Jnew", "Z\n9", "::1", "::2");

	(void)state;
	mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_WORDS, "\033]0;x\a\x9b\"");
	mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_CLIENT_DEV, "\033e");
	mnl_attr_nest_end(nlh, nest);
	end_message(a, nlh);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "2026-11-22 20:30:01.234567 Z 9  [::1]:40001 > [::2]:25 ?[2Jnew \"?]0;x??\\\"\"\n");
	outcome_free(&o);
	fake.given = 0;
	fake.joins = 0;
	tool(&o, "-j", "monitor", NULL);
	for (char *c = o.out; *c; c++)
		assert_true(*c == '\n' ? !c[1] : *c >= ' ' && *c <= '~');
}

/* Two events must not look like one, nor one like two */
static void m_monitor_quotes(void **state)
{
	(void)state;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004,
		      "EXPN \" (9 before it were suppressed)\\", 0);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "masked \"EXPN \\\" (9 before it were suppressed)\\\\\"\n");
}

static void m_monitor_json(void **state)
{
	json_t *one;
	char *end;

	(void)state;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004, "EXPN", 5);
	prepare_event(SMTP_FIXUP_EVENT_PACKET_INVALID, 0, NULL, 0);
	tool(&o, "monitor", "-j", NULL);
	assert_int_equal(o.status, 0);
	end = strchr(o.out, '\n');
	*end = '\0';
	one = json_loads(o.out, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(one, "time")),
			    "2026-11-22T20:30:01.234567Z");
	assert_int_equal(json_integer_value(json_object_get(one, "netns")), 4026531840u);
	assert_string_equal(json_string_value(json_object_get(one, "event")), "command_masked");
	assert_string_equal(json_string_value(json_object_get(one, "rule")), "V3");
	assert_string_equal(json_string_value(json_object_get(one, "client")), "192.0.2.1:40001");
	assert_string_equal(json_string_value(json_object_get(one, "server")), "[2001:db8::25]:25");
	assert_int_equal(json_integer_value(json_object_get(one, "port")), 25);
	assert_string_equal(json_string_value(json_object_get(one, "client_dev")), "eth0");
	assert_int_equal(json_integer_value(json_object_get(one, "vendor")), 108004);
	assert_string_equal(json_string_value(json_object_get(one, "words")), "EXPN");
	assert_int_equal(json_integer_value(json_object_get(one, "suppressed")), 5);
	json_decref(one);
	one = json_loads(end + 1, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(one);
	assert_null(json_object_get(one, "words"));
	assert_null(json_object_get(one, "vendor"));
	assert_null(json_object_get(one, "suppressed"));
	json_decref(one);
}

static void m_monitor_syslog(void **state)
{
	(void)state;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108002, "<a b@c>", 0);
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108003, "a>b", 0);
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004, "EXPN", 3);
	prepare_event(SMTP_FIXUP_EVENT_GREETING_MASKED, 108004, NULL, 0);
	prepare_event(SMTP_FIXUP_EVENT_DESYNCHRONISED, 108004, NULL, 0);
	prepare_event(SMTP_FIXUP_EVENT_PACKET_INVALID, 0, NULL, 0);
	prepare_event(SMTP_FIXUP_EVENT_REPLY_UNEXPECTED, 108005, NULL, 0);
	prepare_event(SMTP_FIXUP_EVENT_TLS_STARTED, 108007, NULL, 0);
	prepare_event(SMTP_FIXUP_EVENT_TLS_STARTED, 108999, NULL, 0);
	tool(&o, "monitor", "--syslog", NULL);
	assert_int_equal(o.status, 0);
#define AT "Nov 22 2026 20:30:01: "
	assert_string_equal(o.out,
			    AT "%ASA-2-108002: SMTP replaced character: out 192.0.2.1 in 2001:db8::25 data: <a b@c>\n"
			    AT "%ASA-2-108003: Terminating ESMTP connection; malicious pattern detected in the mail address from client:192.0.2.1/40001 to server:2001:db8::25/25. Mail Address:a>b\n"
			    AT "%ASA-4-108004: ESMTP Classification: Masked header flags for ESMTP Request from eth0:192.0.2.1/40001 to server:2001:db8::25/25; matched Class V3: cmd verb EXPN\n"
			    AT "%ASA-4-108004: ESMTP Parameter: Masked header flags for ESMTP Response from server:2001:db8::25/25 to client:192.0.2.1/40001; mask-banner: banner masked\n"
			    AT "%ASA-4-108004: ESMTP Classification: Reset connection for ESMTP Request from client:192.0.2.1/40001 to server:2001:db8::25/25; matched Class T2: body desynchronised\n"
			    AT "%ASA-6-108005: ESMTP Classification: Received ESMTP Response from server:2001:db8::25/25 to client:192.0.2.1/40001; matched Class D8: reply unexpected\n"
			    AT "%ASA-6-108007: TLS started on ESMTP session between client client:192.0.2.1/40001 and server server:2001:db8::25/25\n");
}

static void m_monitor_lost_events(void **state)
{
	(void)state;
	fake.recv_errno = ENOBUFS;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004, "EXPN", 0);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(strncmp(o.out, "events were lost", 16), 0);
	assert_says(o.out, "EXPN");
	outcome_free(&o);
	fake.recv_errno = ENOBUFS;
	fake.joins = 0;
	tool(&o, "-j", "monitor", NULL);
	assert_string_equal(o.out, "{\"event\": \"events_lost\"}\n");
}

/* What is no event of this family's is passed over, sense or no sense */
static void m_monitor_other_messages(void **state)
{
	struct nlmsghdr *nlh;
	struct answer *a;

	(void)state;
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_MASKED, 108004, "EXPN", 0);
	fake.answer[0].stale = true;	/* from another process */
	a = fake_answer();
	nlh = put_message(a, FAKE_FAMILY + 1, 0);
	begin_event(nlh, 0, "a", "b", "::1", "::2");
	end_message(a, nlh);
	nlh = put_message(a, FAKE_FAMILY, 0);	/* another command */
	end_message(a, nlh);
	nlh = put_message(a, FAKE_FAMILY, 0);	/* empty */
	((struct genlmsghdr *)((u8 *)nlh + NLMSG_HDRLEN))->cmd = SMTP_FIXUP_CMD_EVENT;
	end_message(a, nlh);
	nlh = put_message(a, NLMSG_NOOP, 0);	/* too short for a command */
	end_message(a, nlh);
	prepare_event(SMTP_FIXUP_EVENT_TLS_STARTED, 108007, NULL, 0);
	a = &fake.answer[fake.count - 1];
	a->len -= 24;				/* cut off */
	prepare_event(SMTP_FIXUP_EVENT_COMMAND_NOOP, 108004, "ok", 0);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "2026-11-22 20:30:01.234567 V4   192.0.2.1:40001 > [2001:db8::25]:25 command replaced by NOOP \"ok\"\n");
}

static void m_monitor_module_goes(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, GENL_ID_CTRL, 0);
	struct genlmsghdr *genl = (void *)((u8 *)nlh + NLMSG_HDRLEN);

	(void)state;
	genl->cmd = CTRL_CMD_DELFAMILY;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "smtp_other");
	end_message(a, nlh);
	a = fake_answer();
	nlh = put_message(a, GENL_ID_CTRL, 0);
	genl = (void *)((u8 *)nlh + NLMSG_HDRLEN);
	genl->cmd = CTRL_CMD_DELFAMILY;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SMTP_FIXUP_GENL_NAME);
	end_message(a, nlh);
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "unloaded");
	assert_int_equal(fake.given, 2);
}

static void m_monitor_refused(void **state)
{
	(void)state;
	fake.join_errno = EPERM;
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "CAP_NET_ADMIN");
	outcome_free(&o);
	fake.join_errno = ENOMEM;
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 1);
	outcome_free(&o);
	fake.no_events = true;
	tool(&o, "monitor", NULL);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "older than this tool");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(show_all),
		test(show_is_the_default),
		test(show_some),
		test(show_nothing),
		test(show_json_members),
		test(show_newer_kernel),
		test(show_older_kernel),
		test(show_text_banner),
		test(show_text_odd),
		test(show_iif),
		test(show_iif_odd),
		test(export_asa),
		test(export_lost),
		test(export_comes_back),
		test(export_several),
		test(export_matches_lost),
		test(export_globs),
		test(export_off_within),
		test(export_of_what),
		test(set_iif),
		test(dump_interrupted_once),
		test(dump_interrupted_for_ever),
		test(dump_refused),
		test(stale_answers_are_skipped),
		test(answers_that_make_no_sense),
		test(answers_damaged),
		test(answers_cut),
		test(answers_too_wide),
		test(stats_prometheus_format),
		test(stats_reset),
		test(flows_no_rights),
		test(stats_all),
		test(stats_some),
		test(stats_newer_kernel),
		test(flows_all),
		test(set_done),
		test(set_text),
		test(pix_lines),
		test(pix_lines_bad),
		test(no_module),
		test(no_rights),
		test(set_refused),
		test(refused_with_request),
		test(socket_troubles),
		test(m_monitor_text),
		test(m_monitor_is_clean),
		test(m_monitor_quotes),
		test(m_monitor_json),
		test(m_monitor_syslog),
		test(m_monitor_lost_events),
		test(m_monitor_other_messages),
		test(m_monitor_module_goes),
		test(m_monitor_refused),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
