// SPDX-License-Identifier: GPL-2.0-only
/* What the replies show of a device. See probe.h. G3, G4, G6 and others are rules of
 * docs/rules.md.
 */
#include <string.h>
#include <strings.h>

#include "probe.h"

#define GOODMORNING_XS	"XXXXXXXXXXX"
#define EHLO_XS		"XXXX"
#define STARTTLS_XS	"XXXXXXXX"

const char *const probe_finding_docs[__PROBE_FINDINGS] = {
	[PROBE_STARS_20] =
		"the greeting has nothing left but 2, 0, a space after a 0, and stars",
	[PROBE_STARS] =
		"the greeting has nothing left but stars after its code",
	[PROBE_CMAP] =
		"the greeting is 'SMTP/cmap', underscores and 'read'",
	[PROBE_EHLO_REFUSED] =
		"EHLO is refused",
	[PROBE_ESMTP_DENIED] =
		"EHLO is refused, although the greeting says ESMTP",
	[PROBE_KEYWORDS] =
		"the EHLO reply has keywords overwritten with X, with A, B, ... at the end",
	[PROBE_NOOP] =
		"'goodmorning', which is no command, is accepted",
	[PROBE_XS] =
		"the server was sent X where the command stood, and says so",
	[PROBE_TLS_OFFERED] =
		"STARTTLS is offered",
	[PROBE_TLS_BLOCKED] =
		"STARTTLS is offered, but the command is not known",
	[PROBE_TLS_HIDDEN] =
		"STARTTLS is not offered, but the command works",
	[PROBE_TLS_UNKNOWN] =
		"STARTTLS is not offered: the server has none, or it was taken out",
	[PROBE_UNCHANGED] =
		"the server was sent 'goodmorning' as it is, and says so",
};

/* The first entry that fits counts. docs/rules.md, "Presets", has what the original
 * devices do.
 */
static const struct probe_verdict verdicts[] = {
	{ PROBE_BIT(KEYWORDS) | PROBE_BIT(TLS_OFFERED), "asa",
	  "PIX/ASA 7.2(3) or later: inspect esmtp that lets STARTTLS through" },
	{ PROBE_BIT(KEYWORDS), "esmtp",
	  "PIX/ASA 7.x or later: inspect esmtp" },
	{ PROBE_BIT(CMAP), "mailhost",
	  "PIX 4.0 or 4.1: mailhost" },
	{ PROBE_BIT(NOOP), "mailhost",
	  "PIX 4.0 or 4.1: mailhost" },
	{ PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(STARS_20), "fixup",
	  "PIX 5.1 to 6.3: fixup protocol smtp" },
	{ PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(STARS), "fixup",
	  "PIX 4.4 to 6.3: fixup protocol smtp; a greeting without 2 and 0 does not tell more" },
	{ PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(XS), "fixup",
	  "PIX 4.4 to 6.3: fixup protocol smtp, but for the greeting" },
	{ PROBE_BIT(STARS_20) | PROBE_BIT(TLS_OFFERED), "asa",
	  "PIX/ASA 7.2(3) or later: inspect esmtp that lets STARTTLS through" },
	{ PROBE_BIT(STARS) | PROBE_BIT(TLS_OFFERED), "asa",
	  "PIX/ASA 7.2(3) or later: inspect esmtp that lets STARTTLS through" },
	{ PROBE_BIT(STARS_20), "esmtp",
	  "PIX/ASA 7.x or later: inspect esmtp" },
	{ PROBE_BIT(STARS), "esmtp",
	  "PIX/ASA 7.x or later: inspect esmtp" },
	{ PROBE_BIT(XS), "other",
	  "commands are overwritten, but like in no generation that is known" },
	{ PROBE_BIT(ESMTP_DENIED), "other",
	  "EHLO is kept from the server, but like in no generation that is known" },
	{ PROBE_BIT(TLS_BLOCKED), "other",
	  "STARTTLS is kept from the server, but like in no generation that is known" },
	{ PROBE_BIT(TLS_HIDDEN), "other",
	  "STARTTLS is taken from the EHLO reply, but like in no generation that is known" },
	{ 0, PROBE_NONE,
	  "no device was seen" },
};

/* One line of a reply: what is after its code and the byte that follows */
static const char *line_text(const char *line, size_t *len)
{
	*len = strcspn(line, "\n");
	if (*len <= 4) {
		*len = 0;
		return line;
	}
	*len -= 4;
	return line + 4;
}

static const char *next_line(const char *line)
{
	line = strchrnul(line, '\n');
	return *line ? line + 1 : line;
}

/* G3 and G4: what all lines of a greeting are made of */
static u32 greeting_mask(const char *line)
{
	unsigned int stars = 0, kept = 0;

	for (; *line; line = next_line(line)) {
		size_t len;
		const char *text = line_text(line, &len);

		for (size_t i = 0; i < len; i++) {
			if (text[i] == '*')
				stars++;
			else if (text[i] == '2' || text[i] == '0' ||
				 (text[i] == ' ' && i && text[i - 1] == '0'))
				kept++;
			else
				return 0;
		}
	}
	if (stars < 3)
		return 0;
	return kept ? PROBE_BIT(STARS_20) : PROBE_BIT(STARS);
}

/* G6 */
static bool greeting_cmap(const char *line)
{
	static const char head[] = "SMTP/cmap", tail[] = "read";
	size_t len, fill = strlen(head);
	const char *text = line_text(line, &len);

	if (len < fill + strlen(tail) || strncmp(text, head, fill))
		return false;
	fill += strspn(text + fill, "_");
	return fill + strlen(tail) == len && !strncmp(text + fill, tail, strlen(tail));
}

/* Does a word stand in the text, in either case, with no letter beside it? */
static bool has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);
	const char *at = text;

	while ((at = strcasestr(at, word))) {
		const bool begins = at == text || !strchr("Xx", at[-1]);

		if (begins && !strchr("Xx", at[len] ? at[len] : ' '))
			return true;
		at++;
	}
	return false;
}

/* E1: XXXXXXXA, in the next masked line XXXB and so on */
static bool keyword_masked(const char *text, size_t len, unsigned int nth)
{
	return len > 1 && text[len - 1] == (char)('A' + nth % 26) &&
	       strspn(text, "X") >= len - 1;
}

static u32 ehlo_findings(const struct probe *p)
{
	const struct probe_reply *ehlo = &p->reply[PROBE_EHLO];
	unsigned int masked = 0;
	bool starttls = false;

	if (ehlo->code >= 500)
		return PROBE_BIT(EHLO_REFUSED) |
		       (strcasestr(p->reply[PROBE_GREETING].text, "ESMTP") ?
			PROBE_BIT(ESMTP_DENIED) : 0) |
		       (has_word(ehlo->text, EHLO_XS) ? PROBE_BIT(XS) : 0);
	if (ehlo->code != 250)
		return 0;
	for (const char *line = next_line(ehlo->text); *line; line = next_line(line)) {
		size_t len;
		const char *text = line_text(line, &len);

		masked += keyword_masked(text, len, masked);
		starttls |= len == 8 && !strncasecmp(text, "STARTTLS", 8);
	}
	return (masked ? PROBE_BIT(KEYWORDS) : 0) |
	       (starttls ? PROBE_BIT(TLS_OFFERED) : PROBE_BIT(TLS_UNKNOWN));
}

static u32 starttls_findings(const struct probe_reply *reply, bool offered)
{
	const bool unknown = reply->code == 500 || reply->code == 502;

	if (has_word(reply->text, STARTTLS_XS) && reply->code >= 500)
		return PROBE_BIT(XS);
	if (offered && unknown)
		return PROBE_BIT(TLS_BLOCKED);
	if (!offered && reply->code == 220)
		return PROBE_BIT(TLS_HIDDEN);
	return 0;
}

u32 probe_findings(const struct probe *p)
{
	const struct probe_reply *greeting = &p->reply[PROBE_GREETING];
	const struct probe_reply *good = &p->reply[PROBE_GOODMORNING];
	u32 found = greeting_mask(greeting->text);

	if (greeting_cmap(greeting->text))
		found |= PROBE_BIT(CMAP);
	found |= ehlo_findings(p);
	if (good->code == 250)
		found |= PROBE_BIT(NOOP);
	if (good->code >= 500 && has_word(good->text, GOODMORNING_XS))
		found |= PROBE_BIT(XS);
	if (good->code >= 500 && strcasestr(good->text, "goodmorning"))
		found |= PROBE_BIT(UNCHANGED);
	found |= starttls_findings(&p->reply[PROBE_STARTTLS],
				   found & PROBE_BIT(TLS_OFFERED));
	/* An EHLO that became NOOP has no keywords to be found */
	if (found & (PROBE_BIT(NOOP) | PROBE_BIT(TLS_HIDDEN)))
		found &= ~PROBE_BIT(TLS_UNKNOWN);
	return found;
}

const struct probe_verdict *probe_judge(u32 findings)
{
	const struct probe_verdict *verdict = verdicts;

	/* The last one fits everything */
	while ((findings & verdict->all) != verdict->all)
		verdict++;
	return verdict;
}
