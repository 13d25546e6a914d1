// SPDX-License-Identifier: GPL-2.0-only
/* Words for numbers. See words.h. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "words.h"

static const char *const mode_docs[] = {
	[SMTP_FIXUP_MODE_OFF] =
		"nothing is inspected: the policy of exactly these ports ends",
	[SMTP_FIXUP_MODE_FIXUP] =
		"as PIX 'fixup protocol smtp': HELO MAIL RCPT DATA RSET NOOP QUIT pass",
	[SMTP_FIXUP_MODE_ESMTP] =
		"as PIX/ASA 'inspect esmtp': also AUTH EHLO ETRN HELP SAML SEND SOML VRFY",
	[SMTP_FIXUP_MODE_MAILHOST] =
		"as PIX 4.0 'mailhost': fixup with banner cmap, reject noop, special off",
	[SMTP_FIXUP_MODE_PIX_4_4] =
		"as PIX 4.4: fixup with banner stars, special off",
	[SMTP_FIXUP_MODE_PIX_5_1] =
		"as PIX 5.1 to 6.3: the same as fixup",
	[SMTP_FIXUP_MODE_ASA] =
		"as an ASA's default map: esmtp with banner stars, tls allow, special off, its limits",
};

static const char *const banner_docs[] = {
	[SMTP_FIXUP_BANNER_PIX] =
		"every byte but 2, 0 and a space after 0 becomes * (PIX 5.1 to 6.3)",
	[SMTP_FIXUP_BANNER_STARS] =
		"all after '220 ' becomes * (PIX 4.4, PIX/ASA from 7.x)",
	[SMTP_FIXUP_BANNER_KEEP] =
		"the greeting passes as it is",
	[SMTP_FIXUP_BANNER_TEXT] =
		"one line, '220 ' and this text: 1 to 200 printable ASCII characters",
	[SMTP_FIXUP_BANNER_CMAP] =
		"'220 SMTP/cmap___read' at its length (PIX 4.0, 4.1); stars where it is too short",
};

static const char *const banner_args[__SMTP_FIXUP_BANNER_MAX] = {
	[SMTP_FIXUP_BANNER_TEXT] = "\"...\"",
};

static const char *const reject_docs[] = {
	[SMTP_FIXUP_REJECT_X] =
		"its verb is overwritten with X (PIX/ASA), so the server refuses it",
	[SMTP_FIXUP_REJECT_LINE] =
		"the whole line is overwritten with X",
	[SMTP_FIXUP_REJECT_NOOP] =
		"it becomes NOOP and blanks (PIX 4.0, 4.1); the server says OK",
	[SMTP_FIXUP_REJECT_DROP] =
		"nothing of the connection passes any more; it hangs for 10 seconds or more, then RST",
	[SMTP_FIXUP_REJECT_RESET] =
		"the connection ends: both sides are reset",
};

static const char *const ehlo_docs[] = {
	[SMTP_FIXUP_EHLO_MASK] =
		"they are overwritten with X, at their length (PIX/ASA)",
	[SMTP_FIXUP_EHLO_STRIP] =
		"they are taken out of the reply",
	[SMTP_FIXUP_EHLO_KEEP] =
		"the reply passes as it is; what is blocked stays blocked",
};

static const char *const tls_docs[] = {
	[SMTP_FIXUP_TLS_MASK] =
		"STARTTLS is masked in the EHLO reply and blocked as a command",
	[SMTP_FIXUP_TLS_ALLOW] =
		"STARTTLS passes; once TLS has started the connection is left alone",
	[SMTP_FIXUP_TLS_REQUIRE] =
		"as allow, and before TLS only EHLO HELO STARTTLS NOOP RSET QUIT pass",
};

static const char *const special_docs[] = {
	[SMTP_FIXUP_SPECIAL_OFF] =
		"nothing",
	[SMTP_FIXUP_SPECIAL_LOG] =
		"they are counted and reported",
	[SMTP_FIXUP_SPECIAL_REPLACE] =
		"each | ` and NUL becomes a space (PIX); < and > are counted",
	[SMTP_FIXUP_SPECIAL_DROP] =
		"the connection is reset at both ends",
};

static const char *const smuggling_docs[] = {
	[SMTP_FIXUP_SMUGGLING_OFF] =
		"nothing",
	[SMTP_FIXUP_SMUGGLING_LOG] =
		"they are counted and reported",
	[SMTP_FIXUP_SMUGGLING_MASK] =
		"each becomes a space, so that no server sees an end there",
	[SMTP_FIXUP_SMUGGLING_DROP] =
		"the connection is reset at both ends",
};

static const char *const line_ending_docs[] = {
	[SMTP_FIXUP_LINE_ENDING_LENIENT] =
		"it does, and what follows waits where servers disagree",
	[SMTP_FIXUP_LINE_ENDING_STRICT] =
		"it does not: it becomes a space",
};

static const char *const midstream_docs[] = {
	[SMTP_FIXUP_MIDSTREAM_DROP] =
		"their packets are dropped",
	[SMTP_FIXUP_MIDSTREAM_PASS] =
		"they pass unjudged",
	[SMTP_FIXUP_MIDSTREAM_RESET] =
		"both ends get a RST",
};

static const char *const assign_docs[] = {
	[SMTP_FIXUP_ASSIGN_AUTO] =
		"all, but those that have another conntrack helper",
	[SMTP_FIXUP_ASSIGN_EXPLICIT] =
		"those that a rule of nft or iptables gives the conntrack helper smtp",
};

static const char *const proxy_protocol_docs[] = {
	[SMTP_FIXUP_PROXY_PROTOCOL_OFF] =
		"it is a command that is not allowed",
	[SMTP_FIXUP_PROXY_PROTOCOL_ALLOW] =
		"it passes; only where all clients are load balancers, and the server takes it",
};

static const char *const limit_docs[] = {
	[SMTP_FIXUP_LIMIT_COMMAND_LINE] =
		"octets of a command with its CRLF (default: 512)",
	[SMTP_FIXUP_LIMIT_RCPT] =
		"RCPT commands of a message (default: 100)",
	[SMTP_FIXUP_LIMIT_SENDER] =
		"octets of the sender's address (default: 320)",
	[SMTP_FIXUP_LIMIT_HEADER_LINE] =
		"octets of a line of the message's header (default: 998)",
	[SMTP_FIXUP_LIMIT_BODY_LINE] =
		"octets of a line after that (default: 998)",
	[SMTP_FIXUP_LIMIT_MIME_FILENAME] =
		"octets of an attachment's name, decoded (default: 255)",
	[SMTP_FIXUP_LIMIT_MESSAGE] =
		"octets of a message as it is sent, and as MAIL's SIZE= has them (default: 20000000)",
	[SMTP_FIXUP_LIMIT_HEADER_LENGTH] =
		"octets of a message's header (default: 65536)",
	[SMTP_FIXUP_LIMIT_TO_FIELDS] =
		"addresses in a message's To fields (default: 100)",
	[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS] =
		"RCPT commands of a connection that the server refuses by 5yz (default: 10)",
	[SMTP_FIXUP_LIMIT_REPLY_LINE] =
		"octets of a line of the server's with its CRLF (default: 512)",
	[SMTP_FIXUP_LIMIT_BDAT_CHUNK] =
		"octets of a chunk of BDAT (default: 10000000)",
	[SMTP_FIXUP_LIMIT_XEXCH50_BLOCK] =
		"octets of a block of XEXCH50 (default: 1000000)",
	[SMTP_FIXUP_LIMIT_RATE] =
		"messages a second of all together (default: off)",
	[SMTP_FIXUP_LIMIT_SOURCE_RATE] =
		"messages a second of one IPv4 address or IPv6 /64 (default: off)",
};

static const char *const action_docs[] = {
	[SMTP_FIXUP_ACTION_OFF] =
		"there is no limit",
	[SMTP_FIXUP_ACTION_LOG] =
		"it is counted and reported",
	[SMTP_FIXUP_ACTION_MASK] =
		"the command is treated as a blocked one: rcpt, invalid-recipients (all that follow), xexch50-block, message (by SIZE=; a body that is longer is dropped)",
	[SMTP_FIXUP_ACTION_DROP] =
		"nothing of the connection passes any more; it hangs for 10 seconds or more, then RST",
	[SMTP_FIXUP_ACTION_RESET] =
		"the connection is reset",
	[SMTP_FIXUP_ACTION_WAIT] =
		"of rates, and what they have without an ACTION: the message waits for its turn",
};

static_assert(sizeof(special_docs) / sizeof(*special_docs) ==
	      __SMTP_FIXUP_SPECIAL_MAX, "a special value lacks its explanation");
static_assert(sizeof(limit_docs) / sizeof(*limit_docs) ==
	      __SMTP_FIXUP_LIMIT_MAX, "a limit lacks its explanation");
static_assert(sizeof(action_docs) / sizeof(*action_docs) ==
	      __SMTP_FIXUP_ACTION_MAX, "an action lacks its explanation");
static_assert(sizeof(mode_docs) / sizeof(*mode_docs) == __SMTP_FIXUP_MODE_MAX,
	      "a mode lacks its explanation");
static_assert(sizeof(banner_docs) / sizeof(*banner_docs) ==
	      __SMTP_FIXUP_BANNER_MAX, "a banner lacks its explanation");
static_assert(sizeof(reject_docs) / sizeof(*reject_docs) ==
	      __SMTP_FIXUP_REJECT_MAX, "a reject value lacks its explanation");
static_assert(sizeof(ehlo_docs) / sizeof(*ehlo_docs) == __SMTP_FIXUP_EHLO_MAX,
	      "an ehlo value lacks its explanation");
static_assert(sizeof(tls_docs) / sizeof(*tls_docs) == __SMTP_FIXUP_TLS_MAX,
	      "a tls value lacks its explanation");

static_assert(sizeof(smuggling_docs) / sizeof(*smuggling_docs) ==
	      __SMTP_FIXUP_SMUGGLING_MAX, "a smuggling value lacks its explanation");

static_assert(sizeof(line_ending_docs) / sizeof(*line_ending_docs) ==
	      __SMTP_FIXUP_LINE_ENDING_MAX, "a line-ending value lacks its explanation");

static_assert(sizeof(midstream_docs) / sizeof(*midstream_docs) ==
	      __SMTP_FIXUP_MIDSTREAM_MAX, "a midstream value lacks its explanation");

static_assert(sizeof(assign_docs) / sizeof(*assign_docs) ==
	      __SMTP_FIXUP_ASSIGN_MAX, "an assign value lacks its explanation");

static_assert(sizeof(proxy_protocol_docs) / sizeof(*proxy_protocol_docs) ==
	      __SMTP_FIXUP_PROXY_PROTOCOL_MAX,
	      "a proxy-protocol value lacks its explanation");

const struct words mode_words = {
	"mode", smtp_mode_names, mode_docs, NULL, __SMTP_FIXUP_MODE_MAX,
};

const struct words banner_words = {
	"banner", smtp_banner_names, banner_docs, banner_args,
	__SMTP_FIXUP_BANNER_MAX,
};

const struct words reject_words = {
	"reject value", smtp_reject_names, reject_docs, NULL,
	__SMTP_FIXUP_REJECT_MAX,
};

const struct words ehlo_words = {
	"ehlo value", smtp_ehlo_names, ehlo_docs, NULL, __SMTP_FIXUP_EHLO_MAX,
};

const struct words tls_words = {
	"tls value", smtp_tls_names, tls_docs, NULL, __SMTP_FIXUP_TLS_MAX,
};

const struct words special_words = {
	"special value", smtp_special_names, special_docs, NULL,
	__SMTP_FIXUP_SPECIAL_MAX,
};

const struct words limit_words = {
	"limit", smtp_limit_names, limit_docs, NULL, __SMTP_FIXUP_LIMIT_MAX,
};

const struct words action_words = {
	"action", smtp_action_names, action_docs, NULL, __SMTP_FIXUP_ACTION_MAX,
};

const struct words smuggling_words = {
	"smuggling value", smtp_smuggling_names, smuggling_docs, NULL,
	__SMTP_FIXUP_SMUGGLING_MAX,
};

const struct words line_ending_words = {
	"line-ending value", smtp_line_ending_names, line_ending_docs, NULL,
	__SMTP_FIXUP_LINE_ENDING_MAX,
};

const struct words midstream_words = {
	"midstream value", smtp_midstream_names, midstream_docs, NULL,
	__SMTP_FIXUP_MIDSTREAM_MAX,
};

const struct words assign_words = {
	"assign value", smtp_assign_names, assign_docs, NULL,
	__SMTP_FIXUP_ASSIGN_MAX,
};

const struct words proxy_protocol_words = {
	"proxy-protocol value", smtp_proxy_protocol_names, proxy_protocol_docs, NULL,
	__SMTP_FIXUP_PROXY_PROTOCOL_MAX,
};

const struct words phase_words = {
	"phase", smtp_phase_names, NULL, NULL, __SMTP_FIXUP_PHASE_MAX,
};

const char *word_text(const struct words *words, unsigned int value,
		      char buf[WORD_TEXT_SIZE])
{
	if (value < words->count && words->names[value])
		return words->names[value];
	snprintf(buf, WORD_TEXT_SIZE, "%u", value);
	return buf;
}

int word_index(const struct words *words, const char *name)
{
	for (unsigned int i = 0; i < words->count; i++) {
		if (!strcmp(words->names[i], name))
			return i;
	}
	return -1;
}

int word_find(const struct words *words, const char *name, struct reason *why)
{
	int value = word_index(words, name);
	char list[256] = "";
	FILE *f;

	if (value >= 0)
		return value;
	f = fmemopen(list, sizeof(list), "w");
	if (f) {
		words_print(f, words, ", ");
		fclose(f);
	}
	return reason_usage(why, "unknown %s %s; use one of %s", words->what,
			    QUOTED(name), list);
}

const char *word_arg(const struct words *words, unsigned int value)
{
	return words->args && value < words->count ? words->args[value] : NULL;
}

void words_print(FILE *out, const struct words *words, const char *between)
{
	for (unsigned int i = 0; i < words->count; i++) {
		const char *arg = word_arg(words, i);

		fprintf(out, "%s%s%s%s", i ? between : "", words->names[i],
			arg ? " " : "", arg ? arg : "");
	}
}

void words_explain(FILE *out, const struct words *words, int indent)
{
	size_t width = 6;

	for (unsigned int i = 0; i < words->count; i++) {
		if (width < strlen(words->names[i]))
			width = strlen(words->names[i]);
	}
	for (unsigned int i = 0; i < words->count; i++)
		fprintf(out, "%*s%-*s  %s\n", indent, "", (int)width,
			words->names[i], words->docs[i]);
}

const struct list verb_list = {
	"verb", "VERB", smtp_verbs, __SMTP_FIXUP_VERB_MAX,
	SMTP_FIXUP_VERB_STARTTLS,
};

const struct list keyword_list = {
	"keyword", "KEYWORD", smtp_keywords, __SMTP_FIXUP_KEYWORD_MAX,
	SMTP_FIXUP_KEYWORD_STARTTLS,
};

static int list_find(const struct list *list, const char *word, size_t len)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (list->table[i].len == len &&
		    !strncasecmp(list->table[i].text, word, len))
			return i;
	}
	return -1;
}

static int list_unknown(const struct list *list, const char *word, size_t len,
			struct reason *why)
{
	char copy[QUOTE_SIZE * 2], known[512] = "";
	FILE *f = fmemopen(known, sizeof(known), "w");

	snprintf(copy, sizeof(copy), "%.*s", (int)(len < 100 ? len : 100), word);
	if (f) {
		mask_print(f, ((1ULL << list->count) - 1) &
			   ~(1ULL << list->elsewhere), list->table, list->count);
		fclose(f);
	}
	return reason_usage(why, "unknown %s %s; known are %s", list->what,
			    QUOTED(copy), known);
}

int list_parse(const struct list *list, u64 *mask, const char *words,
	       struct reason *why)
{
	*mask = 0;
	for (;;) {
		size_t len = strcspn(words, ",");
		int word = list_find(list, words, len);

		if (!len)
			return reason_usage(why, "a %s is missing in the list; write %s or %s,%s without blanks",
					    list->what, list->arg, list->arg,
					    list->arg);
		if (word < 0)
			return list_unknown(list, words, len, why);
		if (word == (int)list->elsewhere)
			return reason_usage(why, "STARTTLS can't stand in a list of %ss; use 'tls allow' or 'tls mask'",
					    list->what);
		*mask |= 1ULL << word;
		if (!words[len])
			return 0;
		words += len + 1;
	}
}

void list_explain(FILE *out, const struct list *list)
{
	int column = 6;

	fprintf(out, "  %s is one of\n      ", list->arg);
	for (unsigned int i = 0; i < list->count; i++) {
		if (i == list->elsewhere)
			continue;
		if (column + list->table[i].len + 1 > 76) {
			fputs("\n      ", out);
			column = 6;
		}
		column += fprintf(out, "%s%s", column > 6 ? " " : "",
				  list->table[i].text);
	}
	fputc('\n', out);
}

void mask_print(FILE *out, u64 mask, const struct smtp_word *table,
		unsigned int count)
{
	const char *comma = "";

	for (unsigned int i = 0; i < 64; i++) {
		if (!(mask >> i & 1))
			continue;
		if (i < count)
			fprintf(out, "%s%s", comma, table[i].text);
		else
			fprintf(out, "%s%u", comma, i);
		comma = ",";
	}
}

void text_print(FILE *out, const char *text, size_t len)
{
	fputc('\'', out);
	for (; len; len--, text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
	}
	fputc('\'', out);
}
