// SPDX-License-Identifier: GPL-2.0-only
/* Values. See value.h. */
#define _GNU_SOURCE		/* memmem() */
#include <string.h>
#include <strings.h>

#include "value.h"

static bool is_eol(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool verb_in(const char *const *list, const uint8_t *verb, uint32_t n)
{
	for (; *list; list++)
		if (strlen(*list) == n && !strncasecmp(*list, (const char *)verb, n))
			return true;
	return false;
}

bool value_of(enum model_what what, const uint8_t *verb, uint32_t n)
{
	static const char *const helo[] = { "helo", "ehlo", NULL };
	static const char *const sender[] = { "mail", "saml", "send", "soml", NULL };
	static const char *const recipient[] = { "rcpt", NULL };
	static const char *const auth[] = { "auth", "x-exps", NULL };
	static const char *const *const verbs[] = {
		[VALUE_HELO] = helo, [VALUE_SENDER] = sender,
		[VALUE_RECIPIENT] = recipient, [VALUE_RELAY] = recipient,
		[VALUE_MECHANISM] = auth, [VALUE_HEADER] = NULL,
	};

	return verbs[what] && verb_in(verbs[what], verb, n);
}

/* The value's text, but for what no value has in it */
struct text {
	uint8_t octets[20000];
	uint32_t n;
};

static void add(struct text *t, uint8_t c)
{
	if (t->n < sizeof(t->octets))
		t->octets[t->n++] = c;
}

static bool has(const struct text *t, const char *text)
{
	return memmem(t->octets, t->n, text, strlen(text));
}

/* The word that begins at @i, blanks before it or not, up to its end */
static uint32_t word(struct text *t, const uint8_t *arg, uint32_t n, uint32_t i)
{
	t->n = 0;
	while (i < n && is_blank(arg[i]))
		i++;
	for (; i < n && !is_blank(arg[i]) && !is_eol(arg[i]); i++)
		add(t, arg[i]);
	return i;
}

/* An address from behind its < up to the octet that ends it. Blanks are none of it, and a
 * > in quotes is.
 */
static uint32_t angle(struct text *t, const uint8_t *arg, uint32_t n, uint32_t i)
{
	bool quoted = false;

	t->n = 0;
	for (; i < n && !is_eol(arg[i]); i++) {
		if (!quoted && arg[i] == '>')
			break;
		if (!quoted && is_blank(arg[i]))
			continue;
		add(t, arg[i]);
		if (arg[i] == '"')
			quoted = !quoted;
		if (quoted && arg[i] == '\\' && i + 1 < n && !is_eol(arg[i + 1]))
			add(t, arg[++i]);
	}
	return i;
}

/* What stands between < and >, or from the colon to a blank. The latter may have been a
 * name: then < comes before any parameter.
 */
static uint32_t address(const char *text, const uint8_t *arg, uint32_t n)
{
	struct text t;
	uint32_t i, w;

	for (i = 0; i < n && arg[i] != ':' && arg[i] != '<' && !is_eol(arg[i]); i++)
		;
	if (i < n && arg[i] == ':') {
		for (w = i + 1; w < n && is_blank(arg[w]); w++)
			;
		t.n = 0;
		for (i = w; i < n && arg[i] != '<' && !is_blank(arg[i]) && !is_eol(arg[i]); i++)
			add(&t, arg[i]);
		if (i < n && arg[i] != '<') {
			if (has(&t, text) || is_eol(arg[i]))
				return has(&t, text) ? i : n;
			while (i < n && arg[i] != '<' && arg[i] != '=' && !is_eol(arg[i]))
				i++;
		}
	}
	if (i == n || arg[i] != '<')
		return n;
	i = angle(&t, arg, n, i + 1);
	return i < n && has(&t, text) ? i : n;
}

uint32_t value_find(enum model_what what, const char *text, const uint8_t *arg, uint32_t n)
{
	struct text t;
	uint32_t i;

	if (what == VALUE_SENDER || what == VALUE_RECIPIENT || what == VALUE_RELAY)
		return address(text, arg, n);
	i = word(&t, arg, n, n && !is_eol(*arg));
	return i < n && has(&t, text) ? i : n;
}

/* Where the parameters begin: behind the > of an address, or at the blank behind one
 * without
 */
static uint32_t parameters(const uint8_t *arg, uint32_t n)
{
	bool some = false;
	uint32_t i = 0;

	while (i < n && arg[i] != ':' && arg[i] != '<')
		i++;
	if (i < n && arg[i] == ':') {
		for (i++; i < n && arg[i] != '<'; i++) {
			if (is_blank(arg[i]) && some)
				return i;
			some |= !is_blank(arg[i]) && arg[i] != '>';
		}
	}
	while (i < n && arg[i] != '>')
		i++;
	return i < n ? i + 1 : n;
}

uint32_t value_declared(uint32_t max, const uint8_t *arg, uint32_t n)
{
	uint32_t whole = n, i, w;
	uint64_t size;
	bool inside;

	for (n = 0; n < whole && !is_eol(arg[n]); n++)
		;
	i = parameters(arg, n);
	while (i < n) {
		if (is_blank(arg[i])) {
			i++;
			continue;
		}
		size = 0;
		w = i;
		if (n - i > 5 && !strncasecmp((const char *)arg + i, "size=", 5))
			for (w = i + 5; w < n && arg[w] >= '0' && arg[w] <= '9'; w++) {
				size = size * 10 + (arg[w] - '0');
				if (size > max)
					return w;
			}
		/* Blanks between < and > are of the word */
		for (inside = false, i = w; i < n && (inside || !is_blank(arg[i])); i++)
			inside = arg[i] == '<' || (inside && arg[i] != '>');
	}
	return whole;
}
