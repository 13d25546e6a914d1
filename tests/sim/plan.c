// SPDX-License-Identifier: GPL-2.0-only
/* What a seed means: the policy, the two ends, the network, the dialogue. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "../matches.h"
#include "sim.h"

struct choices choices;

#define PICK(r, list)	((list)[rng_below(r, sizeof(list) / sizeof(*(list)))])

static void put(struct plan *p, const void *bytes, u32 n)
{
	if (p->text_len + n > SIM_CAP / 2)
		return;
	memcpy(p->text + p->text_len, bytes, n);
	p->text_len += n;
}

static void puts_(struct plan *p, const char *t)
{
	put(p, t, strlen(t));
}

static struct item *item(struct plan *p, enum item_kind kind, bool wait)
{
	struct item *it;

	if (p->nr_items == MAX_ITEMS)
		p->nr_items--;	/* the last one is replaced */
	it = &p->items[p->nr_items++];
	it->kind = kind;
	it->wait = wait;
	it->off = p->text_len;
	it->len = 0;
	return it;
}

static void item_end(struct plan *p)
{
	struct item *it = &p->items[p->nr_items - 1];

	it->len = p->text_len - it->off;
}

static void put_cased(struct plan *p, struct rng *r, const char *t)
{
	u32 how = rng_below(r, 6), at = p->text_len, i;

	puts_(p, t);
	for (i = at; i < p->text_len; i++) {
		u8 *c = &p->text[i];

		if (*c >= 'A' && *c <= 'Z' &&
		    (how == 0 || (how == 1 && rng_below(r, 2))))
			*c += 'a' - 'A';
	}
}

static void put_eol(struct plan *p, struct rng *r, bool bare)
{
	if (p->lf_only || (bare && rng_below(r, 4)))
		puts_(p, "\n");
	else
		puts_(p, "\r\n");
}

/* Of a message */
static void put_body_eol(struct plan *p)
{
	puts_(p, p->lf_only ? "\n" : "\r\n");
}

/* A message as an honest client sends it: lines in CRLF, dots stuffed */
static void body(struct plan *p, struct rng *r, bool odd, u32 size)
{
	static const char *const lines[] = {
		"", "", "text", "..", "..x", "...", ".. ", "EXPN root",
		"DATA", "MAIL FROM:<a@b>", "QUIT", "250 ok", "354 go", "220-x",
		"STARTTLS", "AUTH PLAIN", "XCLIENT", "a.", "a..", "Subject: x",
		"From: <a@b.example>", " folded", "\t.", " .", "x.\tx", "RSET",
		"EHLO a", "-- ", "=2E", "a\x80\xff\x01z",
	};
	static const char *const odd_lines[] = {
		"a\rb", "a\nb", "a\n.b", "a\r.b", "\ra", "\na", "a\r\r", "\n\n",
		"\r.x", "a\n..",
	};
	u32 from = p->text_len, i, n;

	odd &= !p->lf_only;	/* these have CRs */
	if (p->model.match.what == VALUE_ENCODING && rng_below(r, 2)) {
		static const char *const values[] = {
			"7bit", "8bit", "base64", "ba", "\tquoted-printable",
		};

		puts_(p, rng_below(r, 4) ? "Content-Transfer-Encoding:" : "content-transfer-encoding: ");
		puts_(p, PICK(r, values));
		if (!rng_below(r, 4)) {
			put_body_eol(p);
			puts_(p, " se64");
		}
		put_body_eol(p);
	}
	/* Several large ones must leave room for what follows them */
	if (size > (SIM_CAP / 2 - from) / 2)
		size = (SIM_CAP / 2 - from) / 2;
	if (size) {
		while (p->text_len - from < size) {
			n = rng_below(r, 200);
			for (i = 0; i < n; i++) {
				u8 c = 'a' + i % 26;

				put(p, &c, 1);
			}
			put_body_eol(p);
			if (!rng_below(r, 20)) {
				puts_(p, "..");
				put_body_eol(p);
			}
		}
	} else {
		n = rng_below(r, 12);
		while (n--) {
			if (odd && !rng_below(r, 3))
				puts_(p, PICK(r, odd_lines));
			else
				puts_(p, PICK(r, lines));
			put_body_eol(p);
			if (odd && !rng_below(r, 30))
				put(p, "\0\r\n", 3);
			if (odd && !rng_below(r, 30))
				put(p, "..\0\0.\r\n", 7);
		}
	}
	puts_(p, ".");
	put_body_eol(p);
}

/* What an attacker would send for one */
static void evil_body(struct plan *p, struct rng *r)
{
	static const char *const parts[] = {
		"\r", "\n", ".", ".", "\r\n", "\r\n.", "\n.", "\r.", ".\r", ".\n",
		"\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "a", " ", "x",
		"EXPN root\r\n", "MAIL FROM:<a>\r\n", "DATA\r\n", "\r\n.\r\n",
		"VRFY x\r\n", "XCLIENT y\n", "..",
	};
	u32 n = rng_below(r, 14);

	while (n--) {
		const char *part = PICK(r, parts);

		/* V7: mostly without CR, but with the first one at times */
		if (p->lf_only && strchr(part, '\r') && rng_below(r, 20))
			part = ".\n";
		puts_(p, part);
		if (!rng_below(r, 6))
			put(p, "\0a\n", 1 + rng_below(r, 3));
	}
	if (rng_below(r, 3))
		puts_(p, p->lf_only ? "\n.\n" : "\r\n.\r\n");
}

static void soup(struct plan *p, struct rng *r)
{
	static const char *const parts[] = {
		"\r", "\n", "\r\n", ".", " ", "\t", "EXPN", "DATA", "EHLO", "AUTH",
		"STARTTLS", "DAT", "A", "X", "RCPT", "\r\r\n", "\n\r", "VRFY x",
		"XCLIENT", "HELO a\r\n", "NOOP\n", "DATA\n", "DATA\r", "*", "QUI",
		"DATA\r\n", "DATA \r\n", "EHLO x\r\n", "AUTH PLAIN\r\n",
		"\r\n.\r\n", "STARTTLS\r\n", "MAIL\r", "BDAT 10 LAST\r\n", "\x80",
		"BDAT 3\r\n", "BDAT 12x\r\n", "BDAT", " 7", "BDAT 05 LAST\r\n",
		"BDAT 9\n", " BDAT 8\r\n", "BDAT  4\r\n", "XEXCH50 6 2\r\n",
		"XEXCH50 5\r\n", "BDAT 0 LAST\r\n", "BDAT 2 last\r\n",
		"BDAT 6 LASTX\r\n", "BDAT 1\rE", "BDAT 30\r\n",
		"EHLO\n", "\rEXPN a\r\n", "\nEXPN b\r\n", "  EXPN\r\n", "E", "H",
	};
	u32 n = 1 + rng_below(r, 16);

	while (n--) {
		u8 zero = 0;

		if (rng_below(r, 20))
			puts_(p, PICK(r, parts));
		else
			put(p, &zero, 1);
	}
}

static void blob(struct plan *p, struct rng *r, u32 n)
{
	while (n--) {
		u8 c = rng_below(r, 4) ? rng_below(r, 256) :
		       (u8)"\r\n.EXPN"[rng_below(r, 7)];

		put(p, &c, 1);
	}
}

static const char *const passing[] = {
	"HELO a.example", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>",
	"RSET", "NOOP", "NOOP  EXPN root", "HELO", "RCPT TO:<EXPN@x> A=B",
	"EHLO a.example", "EHLO", "ETRN x", "HELP", "HELP EXPN", "SAML x",
	"SEND FROM:<a|`>", "SOML x|",
	"MAIL FROM:<a|b@`> X=|", "RCPT TO:<|>>", "RCPT TO:<a>", "RCPT TO:|`a", "VRFY root", "MAIL FROM:<a@b> SIZE=1 ",
};

static const char *const failing[] = {
	"EXPN root", "VERB", "ONEX", "TURN", "ATRN x", "BDAT 20 LAST x",
	"XEXCH50 1 x", "X-EXPS GSSAPI", "X-LINK2STATE LAST CHUNK={00}",
	"XCLIENT NAME=x", "XFORWARD x", "KILL", "WIZ", "DEBUG", "FOO", "X",
	"E", "EH", "HEL", "HELOX", "DAT", "DATAA", "RCP x", "QUITE", "STARTTL",
	"GOODMORNING", "AUTHX", "\x80\x90\xff x", "HELO.", "NOOP: x", "MAIL: x",
	"X-", "A", "EHLOO x", "DA", "S", "RC TO:<a>",
};

/* Shorter than NOOP */
static const char *const failing_short[] = {
	"X", "XY", "XYZ", "Q", "D", "DA", "QUI", "a b", "WIZ", "\x80", "RCP",
};

/* Chunks of a message, perhaps all sent at once: RFC 3030, 4.2 */
static void chunks(struct plan *p, struct rng *r, bool wait)
{
	u32 n = 1 + rng_below(r, 4), size;
	char text[32];

	while (n--) {
		size = rng_below(r, 4) ? rng_below(r, 300) : rng_below(r, 4000);
		item(p, ITEM_BDAT, wait);
		sprintf(text, "BDAT %u%s\r\n", size, n ? "" : " LAST");
		put_cased(p, r, text);
		blob(p, r, size);
		item_end(p);
	}
}

static void line_item(struct plan *p, struct rng *r, const char *text,
		      bool bare, bool wait)
{
	static const char *const blanks[] = { " ", "\t", "  \t ", "   " };

	item(p, ITEM_LINE, wait);
	if (!rng_below(r, 12))
		puts_(p, PICK(r, blanks));
	put_cased(p, r, text);
	if (!rng_below(r, 14))
		puts_(p, PICK(r, blanks));
	/* RFC 2920, 3.1: not without waiting, from a client that keeps to it */
	if (!rng_below(r, 40) && (wait || p->client != CLIENT_POLITE))
		put(p, "a\0b", 3);
	put_eol(p, r, bare);
	item_end(p);
}

/* RFC 2920: what a client sends right after the final dot, with no regard to its
 * reply. DATA is the last of it, and another body comes after its 354.
 */
static void behind_dot(struct plan *p, struct rng *r, bool bare, u32 big)
{
	static const char *const recipients[] = {
		"RCPT TO:<c@d>", "RCPT TO:<user.with.a.long.name@department.example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;user@example.com",
		"rcpt to:<x@y>", "RCPT TO:<Data@example.org>",
	};
	u32 n = rng_below(r, 3) ? 1 + rng_below(r, 3) : 4 + rng_below(r, 12);

	switch (rng_below(r, 6)) {
	case 0:
		line_item(p, r, "QUIT", bare, false);
		return;
	case 1:
		line_item(p, r, PICK(r, passing), bare, false);
		return;
	case 2 ... 3:
		line_item(p, r, "RSET", bare, false);
		break;
	}
	line_item(p, r, "MAIL FROM:<a@b.example>", bare, false);
	while (n-- && p->nr_items + 8 <= MAX_ITEMS)
		line_item(p, r, PICK(r, recipients), bare, false);
	if (p->chunks && rng_below(r, 2)) {
		chunks(p, r, false);
		return;
	}
	line_item(p, r, "DATA", bare, false);
	item(p, ITEM_BODY, true);
	body(p, r, false, rng_below(r, 4) ? 0 : big);
	item_end(p);
	line_item(p, r, PICK(r, passing), bare, rng_below(r, 2));
}

static void dialogue(struct plan *p, struct rng *r, u32 big)
{
	bool pipelines = rng_below(r, 2);
	bool bare = p->eol != EOL_CRLF && !rng_below(r, 8);
	bool sloppy = p->client == CLIENT_SLOPPY;
	bool after_dot = false;
	u32 n = 1 + rng_below(r, 14), i, k;

	line_item(p, r, p->model.esmtp && rng_below(r, 4) ? "EHLO me" :
		  "HELO me", bare, true);
	/* No item may push out another: a DATA without its body has a server
	 * wait for ever. A mail with another one behind its dot takes the most, and
	 * QUIT is one.
	 */
	for (i = 0; i < n && p->nr_items + 10 <= MAX_ITEMS; i++) {
		bool wait = !pipelines || !rng_below(r, 4);
		u32 kind = rng_below(r, 16);

		/* RFC 2920, 3.1: what may be sent without waiting are verbs that
		 * all know
		 */
		if (after_dot && kind >= 5 && kind <= 8)
			wait = true;
		after_dot &= !wait;
		switch (kind) {
		case 0 ... 4:
			line_item(p, r, PICK(r, passing), bare, wait);
			break;
		case 5 ... 7:
			if (p->model.reject == MODEL_NOOP && rng_below(r, 2))
				line_item(p, r, PICK(r, failing_short), bare, wait);
			else
				line_item(p, r, PICK(r, failing), bare, wait);
			break;
		case 8:
			item(p, ITEM_LINE, wait);
			if (rng_below(r, 2))
				puts_(p, " \t");
			put_eol(p, r, bare);
			item_end(p);
			break;
		case 9:
			line_item(p, r, "AUTH PLAIN", bare, wait);
			for (k = rng_below(r, 3); k; k--) {
				static const char *const sasl[] = {
					"dGVzdA==", "*", "", "EXPN x", "DATA",
					"STARTTLS", "QUIT",
				};

				item(p, ITEM_SASL, true);
				puts_(p, PICK(r, sasl));
				put_eol(p, r, bare);
				item_end(p);
			}
			break;
		case 10:
			if (rng_below(r, 3))
				break;
			line_item(p, r, "STARTTLS", bare, wait);
			/* What a sloppy client sends behind a refused
			 * STARTTLS is no dialogue any more
			 */
			if (sloppy)
				p->fair = false;
			for (k = 1 + rng_below(r, 4); k; k--) {
				item(p, ITEM_TLS, false);
				blob(p, r, 1 + rng_below(r, 200));
				item_end(p);
			}
			break;
		default:
			if (rng_below(r, 2)) {
				line_item(p, r, "MAIL FROM:<a@b>", bare, wait);
				line_item(p, r, "RCPT TO:<c@d>", bare,
					  !pipelines);
			}
			line_item(p, r, "DATA", bare, !pipelines);
			item(p, ITEM_BODY, true);
			body(p, r, !sloppy && rng_below(r, 2),
			     rng_below(r, n) ? 0 : big);
			item_end(p);
			after_dot = p->pipelines_behind_dot;
			if (after_dot)
				behind_dot(p, r, bare, big);
			else
				line_item(p, r, PICK(r, passing), bare, true);
			break;
		}
	}
	if (p->chunks && p->nr_items + 12 <= MAX_ITEMS) {
		line_item(p, r, "EHLO again", bare, true);
		if (rng_below(r, 8)) {
			line_item(p, r, "MAIL FROM:<a@b>", bare, true);
			line_item(p, r, "RCPT TO:<c@d>", bare, rng_below(r, 2));
		}
		chunks(p, r, rng_below(r, 2));
		if (rng_below(r, 2)) {
			u32 size = 1 + rng_below(r, 500);
			char text[32];

			sprintf(text, "XEXCH50 %u 2", size);
			item(p, ITEM_LINE, true);
			puts_(p, text);
			puts_(p, "\r\n");
			item_end(p);
			item(p, ITEM_BLOB, true);
			blob(p, r, size);
			item_end(p);
		}
		line_item(p, r, PICK(r, passing), bare, rng_below(r, 2));
	}
	if (rng_below(r, 8))
		line_item(p, r, "QUIT", bare, true);
	else if (!rng_below(r, 3)) {
		/* A command that is never ended ends with the flow: V6 */
		item(p, ITEM_LINE, true);
		puts_(p, PICK(r, failing));
		item_end(p);
		p->fair &= p->client != CLIENT_POLITE;
	}
}

static void hostile_dialogue(struct plan *p, struct rng *r)
{
	u32 n = 1 + rng_below(r, 14), i;

	if (rng_below(r, 2))
		line_item(p, r, "EHLO x", false, false);
	for (i = 0; i < n; i++) {
		switch (rng_below(r, 8)) {
		case 0 ... 1:
			item(p, ITEM_RAW, false);
			soup(p, r);
			item_end(p);
			break;
		case 2:
			line_item(p, r, PICK(r, passing), rng_below(r, 2), false);
			break;
		case 3:
			line_item(p, r, PICK(r, failing), rng_below(r, 2), false);
			break;
		default:
			item(p, ITEM_RAW, false);
			puts_(p, rng_below(r, 6) && !p->lf_only ? "DATA\r\n" : "DATA\n");
			item_end(p);
			item(p, ITEM_RAW, false);
			if (rng_below(r, 3))
				evil_body(p, r);
			else
				body(p, r, rng_below(r, 2), 0);
			item_end(p);
			break;
		}
	}
}

/* Lines that are two to some servers: V10, D5 */
static void long_line(struct plan *p, struct rng *r)
{
	u32 n = p->split_at ? p->split_at : 2100, i, head = p->text_len;
	bool sasl = rng_below(r, 3) == 0;

	if (sasl) {
		line_item(p, r, rng_below(r, 2) ? "AUTH LOGIN" : "AUTH PLAIN =",
			  false, true);
		item(p, ITEM_SASL, true);
		head = p->text_len;
		n = rng_below(r, 3) ? n : 12200 + rng_below(r, 200);
	} else {
		static const char *const heads[] = {
			"NOOP ", "HELP ", "EXPN ", "MAIL FROM:<", " ", "XXXX",
			"AUTH PLAIN ", "AUTH PLAIN\t \t",
		};

		item(p, ITEM_LINE, true);
		puts_(p, PICK(r, heads));
	}
	n -= rng_below(r, 4) ? 0 : rng_below(r, 9);
	for (i = p->text_len - head; i < n; i++)
		puts_(p, sasl || rng_below(r, 300) ? "Q" : " ");
	puts_(p, PICK(r, failing));
	if (!rng_below(r, 3)) {
		for (i = rng_below(r, 3000); i; i--)
			puts_(p, "Q");
		puts_(p, PICK(r, failing));
	}
	puts_(p, "\r\n");
	item_end(p);
}

/* Servers that do not answer each line once: V10, D5, D11 */
static void make_worlds(struct plan *p, struct rng *r)
{
	p->split_at = rng_below(r, 3) ? 0 : 2049 + rng_below(r, 200);
	p->mute = !rng_below(r, 8);
	p->twice = rng_below(r, 8) ? 0 : rng_below(r, 300);
	if (!rng_below(r, 5)) {
		p->refuses = 1 + rng_below(r, rng_below(r, 2) ? 1000 : 100);
		p->refuses_how = rng_below(r, 3);
	}
	p->reads_chunks = !p->twice && !p->loose_chunks && rng_below(r, 2);
	if (p->split_at || p->mute || p->twice || (p->reads_chunks && p->chunks) ||
	    (p->refuses && p->refuses_how != REFUSES_SWALLOWS))
		p->fair = false;
}

static u32 pick_mss(struct rng *r)
{
	switch (rng_below(r, 8)) {
	case 0:
		return 1;
	case 1:
		return 2 + rng_below(r, 4);
	case 2:
		return 6 + rng_below(r, 30);
	case 3 ... 4:
		return 40 + rng_below(r, 200);
	default:
		return 536 + rng_below(r, 925);
	}
}

static void make_policy(struct plan *p, struct rng *r)
{
	static const struct {
		const char *name;
		u64 bit;
	} more[] = {
		{ "expn", SMTP_VERB_BIT(EXPN) }, { "onex", SMTP_VERB_BIT(ONEX) },
		{ "verb", SMTP_VERB_BIT(VERB) },
		{ "xclient", SMTP_VERB_BIT(XCLIENT) },
		{ "x-exps", SMTP_VERB_BIT(X_EXPS) },
		{ "x-link2state", SMTP_VERB_BIT(X_LINK2STATE) },
		{ "ehlo", SMTP_VERB_BIT(EHLO) }, { "auth", SMTP_VERB_BIT(AUTH) },
		{ "vrfy", SMTP_VERB_BIT(VRFY) },
	};
	static const struct {
		const char *name;
		u64 bit;
	} less[] = {
		{ "vrfy", SMTP_VERB_BIT(VRFY) }, { "etrn", SMTP_VERB_BIT(ETRN) },
		{ "data", SMTP_VERB_BIT(DATA) }, { "auth", SMTP_VERB_BIT(AUTH) },
		{ "help", SMTP_VERB_BIT(HELP) }, { "noop", SMTP_VERB_BIT(NOOP) },
	};
	static const u8 banners[] = {
		SMTP_FIXUP_BANNER_PIX, SMTP_FIXUP_BANNER_STARS,
		SMTP_FIXUP_BANNER_KEEP,
	};
	u32 b = rng_below(r, 3), k;

	p->model.esmtp = rng_below(r, 3);
	smtp_policy_init(&p->policy, p->model.esmtp ? SMTP_FIXUP_MODE_ESMTP :
			 SMTP_FIXUP_MODE_FIXUP);
	p->model.banner = b;
	p->policy.banner = banners[b];
	if (p->model.esmtp && rng_below(r, 2)) {
		p->model.tls = true;
		smtp_policy_set_tls(&p->policy, SMTP_FIXUP_TLS_ALLOW);
	}
	if (p->model.tls && !rng_below(r, 3)) {
		p->model.tls_required = true;
		smtp_policy_set_tls(&p->policy, SMTP_FIXUP_TLS_REQUIRE);
	}
	if (!rng_below(r, 4)) {
		k = rng_below(r, sizeof(more) / sizeof(*more));
		p->model.allow[0] = more[k].name;
		smtp_policy_set_verbs(&p->policy, p->policy.verbs | more[k].bit);
	}
	if (!rng_below(r, 6)) {
		k = rng_below(r, sizeof(less) / sizeof(*less));
		if (!p->model.allow[0] ||
		    strcmp(p->model.allow[0], less[k].name)) {
			p->model.deny[0] = less[k].name;
			smtp_policy_set_verbs(&p->policy,
					      p->policy.verbs & ~less[k].bit);
		}
	}
}

/* Options that change the length, drawn apart from everything else */
static void make_edits(struct plan *p, struct rng *r)
{
	static const char *const texts[] = {
		"x", "mail.example ESMTP", "220-x", " ", "here", "a b c 220 20",
	};
	struct rng r2;
	u32 i, n;

	switch (rng_below(r, 5)) {
	case 0:
		p->model.reject = MODEL_LINE;
		p->policy.reject = SMTP_FIXUP_REJECT_LINE;
		break;
	case 1 ... 2:
		p->model.reject = MODEL_NOOP;
		p->policy.reject = SMTP_FIXUP_REJECT_NOOP;
		break;
	case 3:
		/* Rarely: little is left of the dialogue */
		if (rng_below(r, 4))
			break;
		p->model.reject = MODEL_REJECT_DROP + rng_below(r, 2);
		p->policy.reject = p->model.reject == MODEL_REJECT_DROP ?
				   SMTP_FIXUP_REJECT_DROP : SMTP_FIXUP_REJECT_RESET;
		break;
	}
	switch (rng_below(r, 6)) {
	case 0:
		p->model.ehlo = MODEL_EHLO_KEEP;
		p->policy.ehlo = SMTP_FIXUP_EHLO_KEEP;
		break;
	case 1 ... 3:
		p->model.ehlo = MODEL_STRIP;
		p->policy.ehlo = SMTP_FIXUP_EHLO_STRIP;
		break;
	}
	if (!rng_below(r, 3)) {
		char text[SMTP_FIXUP_TEXT_MAX + 1];

		strcpy(text, PICK(r, texts));
		if (!rng_below(r, 3)) {
			n = 1 + rng_below(r, SMTP_FIXUP_TEXT_MAX);
			for (i = 0; i < n; i++)
				text[i] = ' ' + rng_below(r, 95);
			text[n] = 0;
		}
		sprintf(p->banner, "220 %s\r\n", text);
		p->model.banner = MODEL_TEXT;
		p->model.text = p->banner;
		if (smtp_policy_set_text(&p->policy, text, strlen(text)))
			abort();
	}
	/* G6, G8 */
	r2 = rng_make(p->seed, 9);
	switch (rng_below(&r2, 6)) {
	case 0:
		p->model.banner = MODEL_CMAP;
		p->policy.banner = SMTP_FIXUP_BANNER_CMAP;
		break;
	case 1 ... 2:
		p->model.keep_esmtp = p->model.banner < MODEL_KEEP;
		p->policy.keep_esmtp = p->model.keep_esmtp;
		break;
	}
	/* D4: let be only where the server does not take such an end for one */
	if (!p->lenient_end && !rng_below(&r2, 3)) {
		p->model.smuggling = MODEL_SMUGGLING_OFF + rng_below(&r2, 2);
		p->policy.smuggling = p->model.smuggling == MODEL_SMUGGLING_OFF ?
				      SMTP_FIXUP_SMUGGLING_OFF :
				      SMTP_FIXUP_SMUGGLING_LOG;
	} else if (!rng_below(&r2, 6)) {
		p->model.smuggling = MODEL_SMUGGLING_DROP;
		p->policy.smuggling = SMTP_FIXUP_SMUGGLING_DROP;
	}
	if (p->model.reject == MODEL_X && !rng_below(&r2, 4)) {
		p->model.strict_ends = true;
		p->policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	}
	/* D8 */
	p->model.strict_replies = !rng_below(&r2, 5);
	p->policy.strict = p->model.strict_replies;
	p->loopback = !rng_below(r, 10);
	p->pull = rng_below(r, 3) ? 0 : rng_below(r, 3000);
}

static const u8 actions[] = {
	[MODEL_OFF] = SMTP_FIXUP_ACTION_OFF,
	[MODEL_LOG] = SMTP_FIXUP_ACTION_LOG,
	[MODEL_BLOCK] = SMTP_FIXUP_ACTION_MASK,
	[MODEL_DROP] = SMTP_FIXUP_ACTION_DROP,
	[MODEL_RESET] = SMTP_FIXUP_ACTION_RESET,
};

static void limit(struct plan *p, enum model_limited what, u32 max,
		  enum model_action action)
{
	static const u8 limits[MODEL_LIMITS] = {
		[MODEL_COMMAND_LINE] = SMTP_FIXUP_LIMIT_COMMAND_LINE,
		[MODEL_RCPT] = SMTP_FIXUP_LIMIT_RCPT,
		[MODEL_SENDER] = SMTP_FIXUP_LIMIT_SENDER,
		[MODEL_HEADER_LINE] = SMTP_FIXUP_LIMIT_HEADER_LINE,
		[MODEL_BODY_LINE] = SMTP_FIXUP_LIMIT_BODY_LINE,
		[MODEL_MESSAGE] = SMTP_FIXUP_LIMIT_MESSAGE,
		[MODEL_HEADER_LENGTH] = SMTP_FIXUP_LIMIT_HEADER_LENGTH,
		[MODEL_REFUSED_RCPTS] = SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS,
		[MODEL_REPLY_LINE] = SMTP_FIXUP_LIMIT_REPLY_LINE,
		[MODEL_CHUNK] = SMTP_FIXUP_LIMIT_BDAT_CHUNK,
		[MODEL_BLOCK_SIZE] = SMTP_FIXUP_LIMIT_XEXCH50_BLOCK,
	};

	p->model.limits[what] = (struct model_limit){ max, action };
	p->policy.limits[limits[what]] = (struct smtp_limit){ max, actions[action] };
}

/* Addresses, limits and observe */
static void make_limits(struct plan *p, struct rng *r)
{
	static const struct {
		enum model_special model;
		u8 core;
	} specials[] = {
		{ MODEL_SPECIAL_OFF, SMTP_FIXUP_SPECIAL_OFF },
		{ MODEL_SPECIAL_LOG, SMTP_FIXUP_SPECIAL_LOG },
		{ MODEL_SPECIAL_LOG, SMTP_FIXUP_SPECIAL_LOG },
		{ MODEL_REPLACE, SMTP_FIXUP_SPECIAL_REPLACE },
		{ MODEL_REPLACE, SMTP_FIXUP_SPECIAL_REPLACE },
		{ MODEL_REPLACE, SMTP_FIXUP_SPECIAL_REPLACE },
		{ MODEL_SPECIAL_DROP, SMTP_FIXUP_SPECIAL_DROP },
	};
	u32 i = rng_below(r, sizeof(specials) / sizeof(*specials)), max;
	enum model_action action;

	p->model.special = specials[i].model;
	p->policy.special = specials[i].core;
	p->policy.limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].max = 1 + rng_below(r, 20);
	p->policy.limits[SMTP_FIXUP_LIMIT_MIME_FILENAME].action =
		rng_below(r, 2) ? SMTP_FIXUP_ACTION_LOG : SMTP_FIXUP_ACTION_OFF;
	for (i = 0; i <= MODEL_BODY_LINE; i++)
		limit(p, i, 1 + rng_below(r, rng_below(r, 2) ? 20 : 300),
		      rng_below(r, 2) ? MODEL_LOG : MODEL_OFF);
	if (!rng_below(r, 3))
		limit(p, MODEL_RCPT, 1 + rng_below(r, 3), MODEL_BLOCK);
	if (!rng_below(r, 5)) {
		i = rng_below(r, MODEL_BODY_LINE + 1);
		max = i == MODEL_RCPT ? 1 + rng_below(r, 3) : 5 + rng_below(r, 50);
		action = MODEL_DROP + rng_below(r, 2);
		/* Of two reasons in one segment another may come first */
		if (i >= MODEL_HEADER_LINE && p->model.smuggling == MODEL_SMUGGLING_DROP)
			action = MODEL_RESET;
		limit(p, i, max, action);
	}
	p->policy.observe = !rng_below(r, 8);
}

/* X7 */
static void make_rates(struct plan *p, struct rng *r)
{
	static const u8 actions[] = {
		SMTP_FIXUP_ACTION_OFF, SMTP_FIXUP_ACTION_LOG, SMTP_FIXUP_ACTION_WAIT,
		SMTP_FIXUP_ACTION_WAIT,
	};

	if (rng_below(r, 4))
		return;
	p->rated = 200 + rng_below(r, 700);
	p->policy.limits[SMTP_FIXUP_LIMIT_RATE].action = actions[rng_below(r, 4)];
	p->policy.limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action = actions[rng_below(r, 4)];
}

/* E3 */
static void make_keywords(struct plan *p, struct rng *r)
{
	if (!rng_below(r, 4)) {
		p->model.ehlo_allow[0] = "smtputf8";
		p->policy.keywords |= SMTP_KEYWORD_BIT(SMTPUTF8);
	}
	if (!rng_below(r, 4)) {
		p->model.ehlo_deny[0] = "dsn";
		p->policy.keywords &= ~SMTP_KEYWORD_BIT(DSN);
	}
	if (!rng_below(r, 4)) {
		p->model.ehlo_deny[p->model.ehlo_deny[0] ? 1 : 0] = "auth";
		p->policy.keywords &= ~SMTP_KEYWORD_BIT(AUTH);
	}
}

/* D6 */
static void make_chunks(struct plan *p, struct rng *r)
{
	const char **allow = p->model.allow;
	u32 keywords = 0;

	p->loose_chunks = rng_below(r, 2);
	if (!p->model.esmtp || rng_below(r, 2))
		return;
	while (*allow)
		allow++;
	*allow++ = "bdat";
	*allow = "xexch50";
	while (p->model.ehlo_allow[keywords])
		keywords++;
	p->model.ehlo_allow[keywords] = "chunking";
	p->chunks = rng_below(r, 2) && !p->model.tls_required;
	/* The keywords are drawn already: keep what they are */
	p->policy.verbs |= SMTP_VERB_BIT(BDAT) | SMTP_VERB_BIT(XEXCH50);
	p->policy.keywords |= SMTP_KEYWORD_BIT(CHUNKING) |
			      SMTP_KEYWORD_BIT(BINARYMIME);
}

/* docs/rules.md, "Presets", each by itself */
static void make_preset(struct plan *p, struct rng *r)
{
	static const struct model_policy models[] = {
		{ .banner = MODEL_CMAP, .reject = MODEL_NOOP },
		{ .banner = MODEL_STARS },
		{ .special = MODEL_REPLACE },
		{ .banner = MODEL_STARS, .esmtp = true, .tls = true },
	};
	static const u8 modes[] = {
		SMTP_FIXUP_MODE_MAILHOST, SMTP_FIXUP_MODE_PIX_4_4,
		SMTP_FIXUP_MODE_PIX_5_1, SMTP_FIXUP_MODE_ASA,
	};
	static const struct model_limit vendor[MODEL_LIMITS] = {
		[MODEL_COMMAND_LINE] = { 512, MODEL_DROP },
		[MODEL_RCPT] = { 100, MODEL_DROP },
		[MODEL_SENDER] = { 320, MODEL_DROP },
		[MODEL_HEADER_LINE] = { 998, MODEL_DROP },
		[MODEL_BODY_LINE] = { 998, MODEL_LOG },
	};
	u32 i = rng_below(r, sizeof(modes));
	bool observe = p->policy.observe;

	if (rng_below(r, 10))
		return;
	p->preset = modes[i];
	p->model = models[i];
	memcpy(p->model.limits, vendor, sizeof(vendor));
	if (modes[i] != SMTP_FIXUP_MODE_ASA)
		memset(p->model.limits, 0, sizeof(p->model.limits));
	smtp_policy_init(&p->policy, modes[i]);
	p->policy.observe = observe;
	p->chunks = false;
}

/* How else than by @limit does the policy end a connection? Of two reasons in one segment
 * another may come first to the model, so that they end it alike: a bit for each action.
 */
static u32 other_ends(const struct plan *p)
{
	u32 ways = 0, i;

	for (i = 0; i < MODEL_LIMITS; i++)
		if (p->model.limits[i].action >= MODEL_DROP)
			ways |= 1 << p->model.limits[i].action;
	/* Where it is too late to mask */
	if (p->model.limits[MODEL_MESSAGE].action == MODEL_BLOCK)
		ways |= 1 << MODEL_DROP;
	if (p->model.match.action >= MODEL_DROP)
		ways |= 1 << p->model.match.action;
	if (p->model.smuggling == MODEL_SMUGGLING_DROP || p->model.strict_replies ||
	    p->model.special == MODEL_SPECIAL_DROP || p->model.reject == MODEL_REJECT_RESET)
		ways |= 1 << MODEL_RESET;
	if (p->model.reject == MODEL_REJECT_DROP)
		ways |= 1 << MODEL_DROP;
	return ways;
}

/* One that may be added to those */
static enum model_action some_action(const struct plan *p, struct rng *r, bool masks)
{
	static const enum model_action some[] = {
		MODEL_LOG, MODEL_BLOCK, MODEL_BLOCK, MODEL_DROP, MODEL_RESET,
	};
	enum model_action action = PICK(r, some);
	u32 ways = other_ends(p);

	if (action == MODEL_BLOCK && (!masks || ways & 1 << MODEL_RESET))
		action = MODEL_LOG;
	if (action == MODEL_DROP && ways & 1 << MODEL_RESET)
		action = MODEL_RESET;
	if (action == MODEL_RESET && ways & 1 << MODEL_DROP)
		action = ways & 1 << MODEL_RESET ? MODEL_LOG : MODEL_DROP;
	return action;
}

/* X: one match */
static void match(struct plan *p, enum model_what what, const char *text,
		  enum model_action action)
{
	static const u8 kinds[] = {
		[VALUE_VERB] = SMTP_FIXUP_WHAT_VERB,
		[VALUE_KEYWORD] = SMTP_FIXUP_WHAT_KEYWORD,
		[VALUE_HELO] = SMTP_FIXUP_WHAT_HELO,
		[VALUE_SENDER] = SMTP_FIXUP_WHAT_SENDER,
		[VALUE_RECIPIENT] = SMTP_FIXUP_WHAT_RECIPIENT,
		[VALUE_RELAY] = SMTP_FIXUP_WHAT_RELAY,
		[VALUE_MECHANISM] = SMTP_FIXUP_WHAT_MECHANISM,
		[VALUE_ENCODING] = SMTP_FIXUP_WHAT_MIME_ENCODING,
		[VALUE_HEADER] = SMTP_FIXUP_WHAT_HEADER,
	};
	/* A few, for all schedules */
	static struct made {
		enum model_what what;
		enum model_action action;
		const char *text;
		const struct smtp_criteria *criteria;
	} made[256];
	u32 i;

	for (i = 0; made[i].text; i++)
		if (made[i].what == what && made[i].action == action &&
		    !strcmp(made[i].text, text))
			break;
	if (!made[i].text)
		made[i] = (struct made) {
			what, action, text,
			matches_make(1U << kinds[what], text, actions[action]),
		};
	p->policy.criteria = made[i].criteria;
	p->model.match = (struct model_match) { what, action, text };
}

/* X3: a match of header fields ends the connection, or only logs */
static void make_matches(struct plan *p, struct rng *r)
{
	static const enum model_action some[] = { MODEL_LOG, MODEL_DROP, MODEL_RESET };
	enum model_action action = PICK(r, some);
	int i;

	if (rng_below(r, 4))
		return;
	if (p->model.smuggling == MODEL_SMUGGLING_DROP && action == MODEL_DROP)
		action = MODEL_RESET;
	for (i = MODEL_HEADER_LINE; i <= MODEL_BODY_LINE; i++)
		if (p->model.limits[i].action >= MODEL_DROP && action != MODEL_LOG)
			action = p->model.limits[i].action;
	match(p, VALUE_HEADER, "t: x", action);
}

/* X1, X2 */
static void make_sizes(struct plan *p, struct rng *r)
{
	static const struct {
		enum model_limited what;
		u32 min, most;
		bool masks;
	} sizes[] = {
		{ MODEL_MESSAGE, 1, 3000, true },
		{ MODEL_MESSAGE, 1, 20, true },
		{ MODEL_HEADER_LENGTH, 1, 200, false },
		{ MODEL_REFUSED_RCPTS, 1, 3, true },
		{ MODEL_REPLY_LINE, 5, 60, false },
		{ MODEL_CHUNK, 1, 1000, false },
		{ MODEL_BLOCK_SIZE, 1, 500, true },
	};
	u32 i = rng_below(r, sizeof(sizes) / sizeof(*sizes));

	limit(p, sizes[i].what, sizes[i].min + rng_below(r, sizes[i].most),
	      some_action(p, r, sizes[i].masks));
	if (sizes[i].what == MODEL_REFUSED_RCPTS && rng_below(r, 2))
		p->reject = 700;
}

/* X3 to X6, X8 to X10 */
static void make_values(struct plan *p, struct rng *r)
{
	static const struct {
		enum model_what what;
		const char *text;
	} values[] = {
		{ VALUE_VERB, "VRFY" }, { VALUE_VERB, "HELP" }, { VALUE_VERB, "X" },
		{ VALUE_VERB, "ETRN" }, { VALUE_KEYWORD, "SIZE" },
		{ VALUE_KEYWORD, "DSN" }, { VALUE_KEYWORD, "X-" },
		{ VALUE_KEYWORD, "8BIT" }, { VALUE_HELO, "me" }, { VALUE_HELO, "a.ex" },
		{ VALUE_HELO, "in" }, { VALUE_SENDER, "@b" }, { VALUE_SENDER, "b.ex" },
		{ VALUE_SENDER, "|" }, { VALUE_RECIPIENT, "c@d" },
		{ VALUE_RECIPIENT, "a" }, { VALUE_RECIPIENT, "EXPN" },
		{ VALUE_RELAY, "@d" }, { VALUE_RELAY, "d.ex" },
		{ VALUE_MECHANISM, "PLAIN" }, { VALUE_MECHANISM, "LOGIN" },
		{ VALUE_ENCODING, "base64" }, { VALUE_ENCODING, "bit" },
	};
	u32 i = rng_below(r, sizeof(values) / sizeof(*values));
	enum model_what what = values[i].what;
	enum model_action action;

	p->model.match = (struct model_match) { 0 };
	action = some_action(p, r, what != VALUE_ENCODING);
	if (what == VALUE_MECHANISM)
		action = MODEL_BLOCK;
	/* docs/rules.md X6: it takes the keywords with it */
	if (what == VALUE_VERB && action == MODEL_BLOCK) {
		const char **deny = p->model.deny, **allow = p->model.allow;

		while (*deny)
			deny++;
		while (*allow && strcasecmp(*allow, values[i].text))
			allow++;
		if (*allow || *values[i].text == 'X')
			action = MODEL_LOG;
		else
			*deny = values[i].text;
	}
	match(p, what, values[i].text, action);
	/* A part of the line has left: X10 */
	if (rng_below(r, 2))
		p->net[0].cut = 500;
}

static void make_net(struct net_plan *n, struct rng *r)
{
	static const u32 rates[] = { 0, 0, 0, 10, 50, 150, 300 };

	n->delay = 1 + rng_below(r, 60);
	n->jitter = rng_below(r, 3) ? 0 : rng_below(r, 40);
	if (!rng_below(r, 4))
		return;
	n->loss = PICK(r, rates);
	n->dup = PICK(r, rates);
	n->reorder = PICK(r, rates);
	n->cut = PICK(r, rates);
	n->merge = rng_below(r, 2) ? 0 : rng_below(r, 900);
}

/* H5: memory is short. Whoever has to give it back may be reset */
static void make_short(struct plan *p, struct rng *r)
{
	if (p->policy.observe)
		return;
	if (!rng_below(r, 12))
		p->forget = 2 + rng_below(r, 100);
	if (!rng_below(r, 40))
		p->give_up = 1 + rng_below(r, 100);
	if (p->forget || p->give_up)
		p->fair = false;
}

/* V7. Where the server takes no LF.LF, its mail does not end */
static void make_lf_only(struct plan *p, struct rng *r)
{
	p->lf_only = (p->eol != EOL_CRLF || p->client == CLIENT_HOSTILE) &&
		     !p->chunks && !p->text_len && !rng_below(r, 6);
	if (!p->lf_only)
		return;
	if (!p->model.smuggling)
		p->lenient_end = rng_below(r, 8);
	p->c_strings &= p->lenient_end;
	p->fair &= p->lenient_end;
}

/* V11: to a server that waits for it, in any case */
static void make_proxy(struct plan *p)
{
	static const u8 v2[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0";
	struct rng r = rng_make(p->seed, 17);
	u8 n = 12 + rng_below(&r, 50);

	if (p->client == CLIENT_HOSTILE || rng_below(&r, 12))
		return;
	p->policy.proxy_protocol = SMTP_FIXUP_PROXY_PROTOCOL_ALLOW;
	item(p, ITEM_PROXY, false);
	if (rng_below(&r, 2)) {
		puts_(p, rng_below(&r, 2) ? "PROXY TCP4 192.0.2.1 10.0.0.1 40000 25\r\n" :
					    "PROXY UNKNOWN\r\n");
	} else {
		put(p, v2, sizeof(v2) - 1);
		put(p, &n, 1);
		while (n--) {
			u8 c = rng_below(&r, 3) ? rng_next(&r) : (u8)"\r\n. "[rng_below(&r, 4)];

			put(p, &c, 1);
		}
	}
	item_end(p);
	p->model.proxy = p->text_len;
}

/* Is an EHLO sent without waiting, or is its reply not waited for? RFC 2920, 3.1 */
static bool pipelines_ehlo(const struct plan *p)
{
	u32 i, at;

	for (i = 0; i < p->nr_items; i++) {
		const struct item *it = &p->items[i];

		for (at = it->off; p->text[at] == ' ' || p->text[at] == '\t'; at++)
			;
		if (it->kind == ITEM_LINE &&
		    !strncasecmp((char *)p->text + at, "EHLO", 4) &&
		    (!it->wait || (i + 1 < p->nr_items && !it[1].wait)))
			return true;
	}
	return false;
}

void plan_make(struct plan *p, u64 seed)
{
	struct rng r = rng_make(seed, 1);
	u8 *text = p->text;
	u32 kind, big = 0, i;

	memset(p, 0, sizeof(*p));
	p->text = text ? text : malloc(SIM_CAP);
	if (!p->text)
		abort();
	p->seed = seed;
	make_policy(p, &r);
	kind = rng_below(&r, 10);
	p->client = kind < 5 ? CLIENT_POLITE : kind < 7 ? CLIENT_SLOPPY :
		    CLIENT_HOSTILE;
	p->fair = p->client != CLIENT_HOSTILE;
	for (i = 0; i < 2; i++) {
		make_net(&p->net[i], &r);
		p->isn[i] = rng_below(&r, 3) ? (u32)rng_next(&r) :
			    -rng_below(&r, 2000);
		p->mss[i] = pick_mss(&r);
		p->window[i] = p->mss[i] * (1 + rng_below(&r, 40));
		if (p->window[i] > 65535)
			p->window[i] = 65535;
		p->coalesce[i] = rng_below(&r, 2);
		p->fin_with_data[i] = rng_below(&r, 2);
		p->go_back[i] = rng_below(&r, 2);
		p->recut[i] = rng_below(&r, 3);
		p->keepalive[i] = rng_below(&r, 3) ? 0 : 500;
		p->close_window[i] = rng_below(&r, 5) ? 0 : rng_below(&r, 60);
	}
	p->frag = rng_below(&r, 3) ? 0 : 1 + rng_below(&r, 12);
	p->eol = rng_below(&r, 3);
	if (p->client != CLIENT_HOSTILE && rng_below(&r, 2))
		p->eol = rng_below(&r, 2);
	p->lenient_end = rng_below(&r, 2);
	p->reject = rng_below(&r, 3) ? 100 : rng_below(&r, 700);
	p->split = rng_below(&r, 2) ? 0 : rng_below(&r, 900);
	p->pipelines_behind_dot = !rng_below(&r, 3);
	if (!rng_below(&r, 10))
		p->alloc_fail = 30 + rng_below(&r, 200);
	if (!rng_below(&r, 20))
		p->write_fail = 30 + rng_below(&r, 300);
	if (!rng_below(&r, 12)) {
		p->hostile_server = true;
		p->fair = false;
	}
	if (p->client == CLIENT_HOSTILE) {
		p->rewrites = rng_below(&r, 3);
		if (rng_below(&r, 2))
			p->low_ttl = 100 + rng_below(&r, 500);
	}
	p->c_strings = p->lenient_end && seed & 1;
	/* Large bodies only in large segments: runs stay short */
	if (p->mss[0] > 500 && !rng_below(&r, 40))
		big = 1000 + rng_below(&r, rng_below(&r, 4) ? 20000 : 150000);
	/* ... nor has one been refused, and each of its lines is answered */
	if (p->client == CLIENT_SLOPPY && p->mss[1] <= 500)
		big = 0;
	r = rng_make(seed, 8);
	make_edits(p, &r);
	r = rng_make(seed, 9);
	make_limits(p, &r);
	r = rng_make(seed, 10);
	make_keywords(p, &r);
	r = rng_make(seed, 11);
	make_chunks(p, &r);
	r = rng_make(seed, 12);
	make_preset(p, &r);
	r = rng_make(seed, 17);
	make_matches(p, &r);
	r = rng_make(seed, 21);
	if (!rng_below(&r, 6))
		make_sizes(p, &r);
	if (!rng_below(&r, 6))
		make_values(p, &r);
	r = rng_make(seed, 13);
	make_worlds(p, &r);
	make_proxy(p);
	if (p->mss[0] > 40 && !rng_below(&r, 6))
		long_line(p, &r);
	if (p->client == CLIENT_HOSTILE && !p->policy.observe && !rng_below(&r, 3))
		p->forged_acks = 50 + rng_below(&r, 400);
	r = rng_make(seed, 16);
	make_lf_only(p, &r);
	r = rng_make(seed, 2);
	if (p->client == CLIENT_HOSTILE && rng_below(&r, 8))
		hostile_dialogue(p, &r);
	else
		dialogue(p, &r, big);
	/* A server that answers at the CR, before the LF has come, answers
	 * what is no command yet
	 */
	if (p->eol == EOL_ANY)
		p->fair = false;
	/* A client that does not wait sends a chunk before it is offered to */
	if (p->chunks && p->client != CLIENT_POLITE)
		p->fair = false;
	/* ... or one that nobody takes, whose octets are lines then */
	if (p->chunks && (p->model.limits[MODEL_RCPT].action >= MODEL_BLOCK ||
			  p->model.strict_ends || p->eol != EOL_CRLF))
		p->fair = false;
	/* ... or pipelines an EHLO: its chunks do not pass then (D11) */
	if (p->chunks && pipelines_ehlo(p))
		p->fair = false;
	/* A server that takes anything for a size waits for what never comes */
	if (p->loose_chunks &&
	    (p->policy.observe || p->policy.verbs & SMTP_VERB_BIT(BDAT)))
		p->fair = false;
	/* ... and a command that ends in a bare LF alone is none: V7 */
	if (p->model.strict_ends && p->eol != EOL_CRLF)
		p->fair = false;
	r = rng_make(seed, 15);
	make_short(p, &r);
	r = rng_make(seed, 16);
	p->refuses_early = rng_below(&r, 2);
	r = rng_make(seed, 18);
	p->think = rng_below(&r, 3) ? 0 : 1 + rng_below(&r, rng_below(&r, 4) ? 400 : 4000);
	/* Who counts replies takes those beyond one a line for others' if they come late */
	if (p->fair && (p->twice || p->mute || p->refuses || p->chunks))
		p->think = 0;
	r = rng_make(seed, 19);
	make_rates(p, &r);
}

/* T3, T4: what takes time, or answers more or less, for reasons that are not the
 * filter's is left out. TCP goes on as RFC 5681 says.
 */
void plan_measure(struct plan *p)
{
	static const struct diet calm = {
		.no_loss = true, .no_dup = true, .no_reorder = true, .no_cut = true,
		.no_rewrite = true, .no_ttl = true, .no_forge = true, .no_fail = true,
		.no_keepalive = true, .no_window = true,
	};
	u32 i;

	plan_diet(p, &calm);
	for (i = 0; i < 2; i++) {
		p->go_back[i] = true;
		p->recut[i] = false;
		if (p->mss[i] < 536)
			p->mss[i] = 536;	/* RFC 9293, 3.7.1 */
		if (p->window[i] < 4 * p->mss[i])
			p->window[i] = 4 * p->mss[i];
	}
	p->reject = 0;
	p->refuses = 0;
	p->twice = 0;
	p->policy.limits[SMTP_FIXUP_LIMIT_RATE].action = SMTP_FIXUP_ACTION_OFF;
	p->policy.limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action = SMTP_FIXUP_ACTION_OFF;
}

void plan_diet(struct plan *p, const struct diet *d)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (d->no_loss)
			p->net[i].loss = 0;
		if (d->no_dup)
			p->net[i].dup = 0;
		if (d->no_reorder) {
			p->net[i].reorder = 0;
			p->net[i].jitter = 0;
		}
		if (d->no_cut)
			p->net[i].cut = 0;
		if (d->no_merge)
			p->net[i].merge = 0;
		if (d->no_keepalive)
			p->keepalive[i] = 0;
		if (d->no_window)
			p->close_window[i] = 0;
		if (d->isn_zero)
			p->isn[i] = 0;
		if (d->plain_tcp[i]) {
			p->mss[i] = 1460;
			p->window[i] = 14600;
			p->recut[i] = false;
			p->coalesce[i] = false;
		}
	}
	if (d->no_rewrite)
		p->rewrites = false;
	if (d->no_ttl)
		p->low_ttl = 0;
	if (d->no_forge)
		p->forged_acks = 0;
	if (d->no_fail) {
		p->alloc_fail = 0;
		p->write_fail = 0;
		p->forget = 0;
		p->give_up = 0;
	}
	if (d->no_frag)
		p->frag = 0;
	if (d->no_pull)
		p->pull = 0;
}

void plan_print(const struct plan *p, const struct diet *diet)
{
	static const char *const kinds[] = { "line", "body", "sasl", "tls", "bdat", "blob", "proxy", "raw" };
	static const char *const clients[] = { "polite", "sloppy", "hostile" };
	static const char *const eols[] = { "crlf", "lf", "any" };
	static const char *const banners[] = { "pix", "stars", "keep", "text", "cmap" };
	static const char *const rejects[] = { "x", "line", "noop", "drop", "reset" };
	static const char *const ehlos[] = { "mask", "strip", "keep" };
	u32 i;

	printf("policy: %s banner %s%s%s%s%s%s%s\n",
	       p->preset ? smtp_mode_names[p->preset] :
	       p->model.esmtp ? "esmtp" : "fixup", banners[p->model.banner],
	       p->model.keep_esmtp ? " keep-esmtp" : "",
	       p->model.tls_required ? " tls require" :
	       p->model.tls ? " tls allow" : "",
	       p->model.allow[0] ? " allow " : "",
	       p->model.allow[0] ? p->model.allow[0] : "",
	       p->model.deny[0] ? " deny " : "",
	       p->model.deny[0] ? p->model.deny[0] : "");
	printf("reject %s, ehlo %s%s, pull %u\n", rejects[p->model.reject],
	       ehlos[p->model.ehlo], p->loopback ? ", loopback" : "", p->pull);
	printf("special %s%s\n", smtp_special_names[p->policy.special],
	       p->policy.observe ? ", observe" : "");
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++)
		if (p->policy.limits[i].action >= SMTP_FIXUP_ACTION_MASK)
			printf("limit %s %u %s\n", smtp_limit_names[i],
			       p->policy.limits[i].max,
			       smtp_action_names[p->policy.limits[i].action]);
	if (p->policy.criteria)
		printf("match %s %s\n", p->policy.criteria->criterion->text,
		       smtp_action_names[p->policy.criteria->criterion->action]);
	printf("smuggling %s, line-ending %s%s\n",
	       smtp_smuggling_names[p->policy.smuggling],
	       p->model.strict_ends ? "strict" : "lenient",
	       p->policy.strict ? ", strict" : "");
	printf("%sehlo-allow %s, ehlo-deny %s\n",
	       p->policy.verbs & SMTP_VERB_BIT(BDAT) ? "bdat, " : "",
	       p->model.ehlo_allow[0] ? p->model.ehlo_allow[0] : "none",
	       p->model.ehlo_deny[0] ? p->model.ehlo_deny[0] : "none");
	if (p->model.text)
		printf("banner %s", p->model.text);
	printf("client: %s%s%s, low ttl %u; server: eol %s%s%s; frag %u; fails %u %u\n",
	       clients[p->client], p->lf_only ? ", LF alone" : "",
	       p->rewrites ? ", rewrites" : "", p->low_ttl,
	       eols[p->eol], p->lenient_end ? ", lenient end" : "",
	       p->hostile_server ? ", hostile" : "", p->frag, p->alloc_fail,
	       p->write_fail);
	printf("memory is taken back: of a body %u, all before packet %u\n",
	       p->forget, p->give_up);
	printf("server: splits at %u%s, twice %u; refuses bodies %u and %s\n", p->split_at,
	       p->mute ? ", mute" : "", p->twice, p->refuses,
	       p->refuses_how == REFUSES_LEAVES ? "leaves them" :
	       p->refuses_how == REFUSES_SWALLOWS ? "says no more" : "again at their end");
	printf("forged ACKs %u; messages wait %u\n", p->forged_acks, p->rated);
	for (i = 0; i < 2; i++)
		printf("%s: isn %u mss %u window %u%s%s%s; net loss %u dup %u reorder %u cut %u merge %u\n",
		       i ? "server" : "client", p->isn[i], p->mss[i],
		       p->window[i], p->coalesce[i] ? " coalesce" : "",
		       p->go_back[i] ? " go-back" : "",
		       p->recut[i] ? " recut" : "", p->net[i].loss,
		       p->net[i].dup, p->net[i].reorder, p->net[i].cut,
		       p->net[i].merge);
	for (i = 0; i < p->nr_items; i++) {
		if (diet->item_off[i])
			continue;
		printf("  item %2u %s%s \"", i, kinds[p->items[i].kind],
		       p->items[i].wait ? " (waits)" : "");
		sim_print(p->text + p->items[i].off, p->items[i].len);
		printf("\"\n");
	}
}
