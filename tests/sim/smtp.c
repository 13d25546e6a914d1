// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two applications: a small real SMTP server that reacts to the bytes it
 * receives, and a client that plays the plan's items.
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "sim.h"

/* What this server would execute, if it came: far more than V2 */
static const char *const server_verbs[] = {
	"HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "AUTH",
	"EHLO", "ETRN", "HELP", "SAML", "SEND", "SOML", "VRFY", "STARTTLS",
	"EXPN", "ONEX", "VERB", "X-EXPS", "X-LINK2STATE", "XCLIENT",
	"XFORWARD", "ATRN", "TURN", "BDAT", "XEXCH50", "KILL", "WIZ", "DEBUG",
	"XADR", "XSTA", "XCIR", "XGEN", "TICK", "SHOWQ", "XUSR", "LHLO",
	"BURL", "XAUTH", "CHUNKING",
};

#define NR_SERVER_VERBS	(sizeof(server_verbs) / sizeof(*server_verbs))

static void say_once(struct sim *s, const char *text, u32 n)
{
	struct server_app *a = &s->server;
	u32 at = 0, k;

	while (at < n) {
		k = n - at;
		if (rng_permille(&a->rng, s->plan.split))
			k = 1 + rng_below(&a->rng, k);
		tcp_write(s, 1, (const u8 *)text + at, k);
		at += k;
	}
}

static void say(struct sim *s, const char *text, u32 n)
{
	struct server_app *a = &s->server;

	/* D11: of answers to lines. A greeting is none, and comes once. */
	if (rng_permille(&a->rng, s->plan.twice)) {
		if (rng_below(&a->rng, 2))
			return;
		if (s->end[1].tx_len) {
			say_once(s, text, n);
			a->doubles = true;
		}
	}
	say_once(s, text, n);
}

/* One reply, perhaps of several lines, its text perhaps misleading */
static void reply(struct sim *s, u32 code, const u8 *echo, u32 echo_len)
{
	static const char *const texts[] = {
		"OK", "2.1.0 Ok", "250 ok", "354 go ahead", "354-more", "",
		"220 ready", "queued as 4F2A", "334 ", "mail2.example 20 02",
		"* not * masked 200", "STARTTLS", "XXXX", "2", "0 0",
	};
	struct server_app *a = &s->server;
	u32 lines = rng_below(&a->rng, 4) ? 1 : 1 + rng_below(&a->rng, 4);
	char buf[4096];
	u32 n = 0, i;

	while (lines--) {
		n += sprintf(buf + n, "%03u", code);
		if (lines)
			buf[n++] = '-';
		else if (rng_below(&a->rng, 8))
			buf[n++] = ' ';
		else
			goto eol;
		/* What comes twice does not look like an EHLO reply: D11 */
		if (echo && !s->plan.twice && rng_below(&a->rng, 2)) {
			for (i = 0; i < echo_len && i < 80; i++)
				buf[n++] = echo[i] >= ' ' && echo[i] < 127 ?
					   echo[i] : '?';
		} else {
			n += sprintf(buf + n, "%s",
				     texts[rng_below(&a->rng, sizeof(texts) /
						     sizeof(*texts))]);
		}
eol:
		if (rng_below(&a->rng, 16))
			buf[n++] = '\r';
		buf[n++] = '\n';
	}
	say(s, buf, n);
}

static void reply_ehlo(struct sim *s)
{
	static const char *const keywords[] = {
		"SIZE 10240000", "SIZE", "ETRN", "PIPELINING", "DSN",
		"ENHANCEDSTATUSCODES", "8BITMIME", "8bitmime", "BINARYMIME",
		"AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN", "VRFY", "STARTTLS",
		"CHUNKING", "TURN", "ATRN", "HELP", "DELIVERBY", "SMTPUTF8",
		"X-EXPS GSSAPI NTLM LOGIN", "X-EXPS=LOGIN", "X-LINK2STATE",
		"XEXCH50", "OK", "XCLIENT NAME ADDR", "A", "S", "SIZ", "SIZES",
		"", " ", "\tSIZE", " DSN", "dsn\tfoo", "AUTH\t", "X", "Pipelining",
		"SIZE=3", "8BITMIM", "STARTTL", "250 DSN", "XSECRET 1", "XSECRET",
	};
	struct server_app *a = &s->server;
	u32 lines = rng_below(&a->rng, 12), i, n;
	char buf[4096];

	if (!rng_below(&a->rng, 40))
		lines += 30;	/* E1: after Z comes A */
	a->chunking = false;
	n = sprintf(buf, "250%cmail.example Hello STARTTLS%s", lines ? '-' : ' ',
		    rng_below(&a->rng, 9) ? "\r\n" : "\n");
	for (i = 1; i <= lines; i++) {
		u32 k = rng_below(&a->rng, sizeof(keywords) / sizeof(*keywords));

		a->chunking |= !strcmp(keywords[k], "CHUNKING");
		n += sprintf(buf + n, "250%c%s%s", i < lines ? '-' : ' ',
			     keywords[k], rng_below(&a->rng, 9) ? "\r\n" : "\n");
	}
	/* One that comes twice may be anybody's answer: not so bad a server */
	say_once(s, buf, n);
}

static void babble(struct sim *s)
{
	static const char *const noise[] = {
		"421 closing\r\n", "354 send it\r\n", "220 again\r\n", "\r\n",
		"hello\r\n", "25", "250-", "250 \r", "35\r\n", "334 \r\n", "2\n",
		"354-\r\n", "250-FOO\r\r\n", "2500 x\r\n", "\n\n", "250\r\n",
		"250 a\rb\r\n", "220-x\r\n221 y\r\n", "354", "\0", "x-250 a\r\n",
	};
	struct server_app *a = &s->server;
	const char *t = noise[rng_below(&a->rng, sizeof(noise) / sizeof(*noise))];

	say(s, t, *t ? strlen(t) : 1);
}

static bool rejects(struct sim *s)
{
	return rng_permille(&s->server.rng, s->plan.reject);
}

/* Octets of the chunk that BDAT or XEXCH50 announces, -1: what is that? */
static int chunk_size(const struct sim *s, const u8 *arg, u32 len, bool xexch50)
{
	char text[64], rest[64];
	u32 size, more;
	int end, words;

	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)arg);
	if (s->plan.loose_chunks)
		return sscanf(text, "%u", &size) == 1 ? (int)(size & 0xfffffff) : -1;
	if (xexch50)
		return sscanf(text, " %u %u%n", &size, &more, &end) == 2 &&
		       !text[end] ? (int)(size & 0xfffffff) : -1;
	words = sscanf(text, " %u%n %60[^\n]%n", &size, &end, rest, &end);
	if (words < 1 || (words == 2 && strcasecmp(rest, "LAST")))
		return -1;
	return text[0] == ' ' && text[end] == '\0' ? (int)(size & 0xfffffff) : -1;
}

/* BDAT, XEXCH50: the chunk is taken whatever becomes of it (RFC 3030, 2) */
static void chunk_command(struct sim *s, const u8 *arg, u32 len, bool xexch50)
{
	struct server_app *a = &s->server;
	int size = chunk_size(s, arg, len, xexch50);

	/* go-smtp: nobody to take it, so none */
	if (!xexch50 && s->plan.reads_chunks && !a->recipient) {
		reply(s, 502, NULL, 0);
		return;
	}
	if (!xexch50 && len > 4 && !strncasecmp((const char *)arg + len - 4, "LAST", 4))
		a->recipient = false;
	if (size < 0 || (xexch50 && (!size || rejects(s)))) {
		reply(s, 501, NULL, 0);
		return;
	}
	a->chunk_code = rejects(s) ? 552 : 250;
	a->chunk_left = size;
	if (xexch50)
		reply(s, 354, NULL, 0);
	/* Dovecot: does not wait for the chunk */
	if (!xexch50 && size && a->chunk_code == 552 && s->plan.refuses_early) {
		reply(s, a->chunk_code, NULL, 0);
		a->chunk_code = 0;
	}
	if (size)
		a->state = SRV_CHUNK;
	else
		reply(s, a->chunk_code, NULL, 0);
}

/* X10: has the command a value that a match masks, and nothing that keeps a server from
 * accepting it?
 */
static bool masked(const struct sim *s, const u8 *line, u32 verb, u32 len)
{
	const struct model_match *m = &s->plan.model.match;
	u8 arg[2050];

	while (len > verb && line[len - 1] == '\r')
		len--;		/* of several CRs an LF ends the last: V7 */
	if (m->action != MODEL_BLOCK || !value_of(m->what, line, verb) || len == verb ||
	    len - verb >= sizeof(arg) || line[len - 1] == '<' ||
	    memchr(line + verb, '*', len - verb))	/* H4: that octet was ACKed before */
		return false;
	memcpy(arg, line + verb, len - verb);
	arg[len - verb] = '\n';
	return value_find(m->what, m->text, arg, len - verb + 1) <= len - verb;
}

static void command(struct sim *s, const u8 *line, u32 len)
{
	struct server_app *a = &s->server;
	const u8 *all = line;
	u32 all_len = len, n, i;
	const char *verb = NULL;
	bool rest = a->rest, joined = a->joined, body = false, raced = false;

	a->rest = false;
	a->joined = false;
	a->commands++;
	if (s->plan.hostile_server && !rng_below(&a->rng, 4))
		babble(s);
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (!len && s->plan.mute)
		return;		/* Net::Server::Mail: D11 */
	for (n = 0; n < len; n++)
		if (line[n] == ' ' || line[n] == '\t' || line[n] == '\r' ||
		    line[n] == '\n')
			break;
	for (i = 0; i < NR_SERVER_VERBS; i++)
		if (strlen(server_verbs[i]) == n &&
		    !strncasecmp(server_verbs[i], (const char *)line, n))
			verb = server_verbs[i];
	if (!verb) {
		reply(s, 500, all, all_len);
		return;
	}
	if (strcmp(verb, "RCPT") && strcmp(verb, "NOOP") && strcmp(verb, "HELP") &&
	    strcmp(verb, "VRFY") && strcmp(verb, "BDAT") && strcmp(verb, "XEXCH50"))
		a->recipient = false;
	/* D10: what passed as body before the filter knew; and the reply to it may be taken
	 * for another's
	 */
	if (a->left_at && sim_left_before(s, a->line_at + (line - all), n,
					  a->left_at - 1, &raced))
		body = true;
	/* D6: the second answer to another command, that comes after it, is taken for its own,
	 * and its 354 perhaps for DATA's
	 */
	a->raced |= a->doubles && !strcmp(verb, "XEXCH50");
	a->raced |= raced || (body && (!strcmp(verb, "EHLO") || !strcmp(verb, "DATA") ||
				       !strcmp(verb, "AUTH") || !strcmp(verb, "STARTTLS")));
	/* A server that speaks out of turn harms itself */
	if (!body && !joined && !a->raced && !s->plan.hostile_server && !s->plan.policy.observe &&
	    s->filtering != UNFILTERED) {
		if (!(s->plan.model.reject == MODEL_NOOP && !strcmp(verb, "NOOP")) &&
		    /* D5: a word of base64 may be one, but has no argument */
		    !(rest && n == len) && !model_verb_allowed(&s->plan.model, line, n))
			sim_fail(s, "V3: the server executes the blocked verb %s", verb);
		if (masked(s, line, n, len))
			sim_fail(s, "X10: the server executes a %s that is masked", verb);
	}
	if (!strcmp(verb, "HELO") || !strcmp(verb, "XCLIENT"))
		a->chunking = false;
	if (!strcmp(verb, "BDAT") && !a->chunking) {
		reply(s, 500, all, all_len);
	} else if (!strcmp(verb, "BDAT") || !strcmp(verb, "XEXCH50")) {
		chunk_command(s, line + n, len - n, *verb == 'X');
	} else if (!strcmp(verb, "QUIT")) {
		reply(s, 221, NULL, 0);
		a->state = SRV_QUIT;
		tcp_close(s, 1);
	} else if (!strcmp(verb, "EHLO")) {
		if (rejects(s))
			reply(s, 502, NULL, 0);
		else
			reply_ehlo(s);
	} else if (rejects(s)) {
		reply(s, rng_below(&a->rng, 2) ? 550 : 450, all, all_len);
	} else if (!strcmp(verb, "RCPT")) {
		a->recipient = true;
		reply(s, 250, all, all_len);
	} else if (!strcmp(verb, "DATA")) {
		/* Now and then a reply that only looks like a 354 */
		if (!rng_below(&a->rng, 12)) {
			say(s, "354-wait\r\n554 no\r\n", 18);
		} else {
			reply(s, 354, NULL, 0);
			a->state = SRV_BODY;
			a->last[0] = '\n';
			a->last[1] = '\r';
			a->last[2] = 1;
			a->dot_nul = false;
			a->refused = false;
		}
	} else if (!strcmp(verb, "AUTH") || !strcmp(verb, "X-EXPS")) {
		a->auth_left = rng_below(&a->rng, 3);
		if (a->auth_left) {
			reply(s, 334, NULL, 0);
			a->state = SRV_AUTH;
		} else {
			reply(s, 235, NULL, 0);
		}
	} else if (!strcmp(verb, "STARTTLS")) {
		reply(s, 220, NULL, 0);
		a->state = SRV_TLS;
		a->tls_from = a->at + 1;
	} else {
		reply(s, 250, all, all_len);
	}
}

static void line_end(struct sim *s)
{
	struct server_app *a = &s->server;

	if (a->state == SRV_AUTH) {
		if (--a->auth_left && !(a->line_len == 1 && *a->line == '*')) {
			reply(s, 334, NULL, 0);
		} else {
			a->state = SRV_COMMAND;
			reply(s, a->line_len & 1 ? 235 : 535, NULL, 0);
		}
	} else {
		command(s, a->line, a->line_len);
	}
	a->line_len = 0;
}

/* V10, D5: does the server take what follows for a line of its own? Exim does at
 * 16,384 octets. Nobody splits an initial response within its limit.
 */
static bool splits(const struct sim *s)
{
	const struct server_app *a = &s->server;
	u32 i = 0;

	if (!s->plan.split_at || a->line_len < s->plan.split_at)
		return false;
	while (i < a->line_len && (a->line[i] == ' ' || a->line[i] == '\t'))
		i++;
	return a->state == SRV_AUTH ||
	       (strncasecmp((const char *)a->line + i, "AUTH", 4) &&
		strncasecmp((const char *)a->line + i, "X-EXPS", 6));
}

static void line_add(struct sim *s, u8 c)
{
	struct server_app *a = &s->server;

	if (splits(s)) {
		/* Nor is an AUTH known whose beginning was overwritten: H4 */
		bool rest = a->state == SRV_AUTH || a->rest || *a->line == '*';
		/* H4: a line end that was overwritten was none, so the line is a long one */
		bool joined = s->plan.forged_acks && memchr(a->line, '*', a->line_len);

		line_end(s);
		a->line_at = a->at;
		a->rest = rest && a->state == SRV_COMMAND;
		a->joined = joined && a->state == SRV_COMMAND;
	}
	if (a->line_len < sizeof(a->line))
		a->line[a->line_len++] = c;
}

static void command_octet(struct sim *s, u8 c)
{
	struct server_app *a = &s->server;
	bool cr = a->cr;

	a->cr = c == '\r';
	switch (s->plan.eol) {
	case EOL_CRLF:
		if (c == '\n' && cr) {
			a->line_len--;
			line_end(s);
			return;
		}
		break;
	case EOL_LF:
		if (c == '\n') {
			if (cr)
				a->line_len--;
			line_end(s);
			return;
		}
		break;
	case EOL_ANY:
		if (c == '\n' && cr)
			return;
		if (c == '\n' || c == '\r') {
			line_end(s);
			return;
		}
		break;
	}
	line_add(s, c);
}

static bool eol(u8 c)
{
	return c == '\r' || c == '\n';
}

/* D10: a line of a body has ended. Is it too much? */
static void body_line(struct sim *s)
{
	static const u32 codes[] = { 500, 552, 452, 554 };
	struct server_app *a = &s->server;

	if (a->refused || !rng_permille(&a->rng, s->plan.refuses))
		return;
	reply(s, codes[rng_below(&a->rng, 4)], NULL, 0);
	a->refused = true;
	if (s->plan.refuses_how != REFUSES_LEAVES)
		return;
	a->state = SRV_COMMAND;
	a->line_len = 0;
	a->cr = false;
	a->left_at = a->at + 1;
}

static void body_octet(struct sim *s, u8 c)
{
	struct server_app *a = &s->server;
	bool end, again = false;

	if (s->plan.lenient_end) {
		/* Any line end around a dot; CR may have its LF yet to come */
		end = c == '\n' && a->last[0] == '.' && eol(a->last[1]);
		if (s->plan.c_strings && eol(c)) {
			end |= a->dot_nul;
			a->dot_nul = false;
		} else if (s->plan.c_strings && !c && a->last[0] == '.' &&
			   eol(a->last[1])) {
			a->dot_nul = true;
		}
		if (a->last[0] == '\r' && a->last[1] == '.' && eol(a->last[2])) {
			end = true;
			again = c != '\n';
		}
	} else {
		end = c == '\n' && a->last[0] == '\r' && a->last[1] == '.' &&
		      a->last[2] == '\n' && a->last[3] == '\r';
	}
	a->last[3] = a->last[2];
	a->last[2] = a->last[1];
	a->last[1] = a->last[0];
	a->last[0] = c;
	if (!end) {
		if (c == '\n')
			body_line(s);
		return;
	}
	a->state = SRV_COMMAND;
	a->line_len = 0;
	a->cr = false;
	if (a->refused && s->plan.refuses_how == REFUSES_SWALLOWS)
		return;
	a->doubles |= a->refused;
	if (rejects(s))
		reply(s, 554, NULL, 0);
	else
		reply(s, 250, NULL, 0);
	if (again)
		command_octet(s, c);
}

void server_bytes(struct sim *s, const u8 *bytes, u32 n)
{
	struct server_app *a = &s->server;
	u32 i;

	for (i = 0; i < n; i++, a->at++) {
		if (!a->line_len)
			a->line_at = a->at;
		switch (a->state) {
		case SRV_PROXY:
			if (bytes[i] != s->plan.text[a->at])
				sim_fail(s, "V11: the header came changed");
			if (a->at + 1 == s->plan.model.proxy)
				server_start(s);
			break;
		case SRV_COMMAND:
		case SRV_AUTH:
			command_octet(s, bytes[i]);
			break;
		case SRV_BODY:
			/* Not the LF of the DATA line that ended at CR */
			if (a->cr && bytes[i] == '\n') {
				a->cr = false;
				break;
			}
			a->cr = false;
			body_octet(s, bytes[i]);
			break;
		case SRV_CHUNK:
			if (a->cr && bytes[i] == '\n') {
				a->cr = false;
				break;
			}
			a->cr = false;
			if (--a->chunk_left)
				break;
			a->state = SRV_COMMAND;
			a->line_len = 0;
			if (a->chunk_code)
				reply(s, a->chunk_code, NULL, 0);
			break;
		case SRV_TLS:
			if (!rng_below(&a->rng, 30)) {
				u8 noise[64];
				u32 k = rng_below(&a->rng, sizeof(noise)), j;

				for (j = 0; j < k; j++)
					noise[j] = rng_below(&a->rng, 3) ?
						   rng_below(&a->rng, 256) :
						   (u8)"\r\n.25043"[rng_below(&a->rng, 8)];
				tcp_write(s, 1, noise, k);
			}
			break;
		case SRV_QUIT:
			return;
		}
	}
}

void server_fin(struct sim *s)
{
	tcp_close(s, 1);
}

/* A line takes it some time, plan.think */
void server_reads(struct sim *s)
{
	const struct tcp_end *e = &s->end[1];
	struct server_app *a = &s->server;
	bool line;

	do {
		if (a->at == e->rcv_nxt || a->state == SRV_QUIT)
			break;
		line = a->state == SRV_COMMAND || a->state == SRV_AUTH;
		server_bytes(s, e->rx + a->at, 1);
	} while (!line || e->rx[a->at - 1] != '\n');
	if (a->at < e->rcv_nxt && a->state != SRV_QUIT)
		s->end[1].app_at = s->now + s->plan.think;
	else if (e->fin_got)
		server_fin(s);
	tcp_output(s, 1);
}

void server_start(struct sim *s)
{
	static const char *const greetings[] = {
		"220 mail2.nwtraders.msft Microsoft ESMTP Mail Service\r\n",
		"220 mail.example ESMTP Postfix\r\n",
		"220 02 2 0 0  20 \t x\r\n",
		"220-mail.example ESMTP\r\n220-We do not authorize 220-\r\n220 and so on\r\n",
		"220-a\r\n220-\r\n220-200 0 \r\n220 b\r\n",
		"220\r\n", "220 \r\n", "220 mail\n",
		"220-mixed 20\n220 0 end\r\n",
		"554 no service 220\r\n", "421 busy\r\n",
		"554-no 220\r\n554 at all\r\n",
	};
	static const char *const odd[] = {
		"hello\r\n220 x 20\r\n", "220-a\r\n250-b 20\r\nfoo 2\r\n220 c\r\n",
		"2", "220x-20 a\r\n", "220-a\r\n221 b\r\n", "\r\n220 a\r\n",
		"220 a\r b 2\r\n", "",
	};
	struct server_app *a = &s->server;
	const char *t = greetings[rng_below(&a->rng, sizeof(greetings) /
					    sizeof(*greetings))];

	if (s->plan.model.proxy && a->state == SRV_PROXY && !a->at)
		return;		/* V11 */
	a->state = SRV_COMMAND;
	if (s->plan.hostile_server && rng_below(&a->rng, 2))
		t = odd[rng_below(&a->rng, sizeof(odd) / sizeof(*odd))];
	say(s, t, strlen(t));
	tcp_output(s, 1);
}

/* Is the client's next item of that kind, or that one? */
static bool next_is(const struct sim *s, enum item_kind kind, enum item_kind other)
{
	const struct plan *p = &s->plan;
	u32 i = s->client.item;

	while (i < p->nr_items && s->diet->item_off[i])
		i++;
	return i < p->nr_items && (p->items[i].kind == kind || p->items[i].kind == other);
}

/* EHLO, or HELO? What was offered before is void */
static bool greets(const u8 *text, u32 n)
{
	while (n && (*text == ' ' || *text == '\t')) {
		text++;
		n--;
	}
	return n >= 4 && (!strncasecmp((const char *)text, "EHLO", 4) ||
			  !strncasecmp((const char *)text, "HELO", 4));
}

void client_pump(struct sim *s)
{
	struct client_app *a = &s->client;
	struct plan *p = &s->plan;
	bool polite = p->client == CLIENT_POLITE;

	while (!a->done) {
		const struct item *it = &p->items[a->item];

		/* Shrinking or a reply out of turn has taken the body away, or the
		 * response, and a server would take what follows for one
		 */
		if (polite && !a->tls && a->got == a->expected &&
		    ((a->code == 354 && !next_is(s, ITEM_BODY, ITEM_BLOB)) ||
		     (a->code == 334 && !next_is(s, ITEM_SASL, ITEM_SASL)))) {
			u8 ends[] = { a->code == 354 ? '.' : '*', '\r', '\n' };

			if (p->lf_only)
				ends[1] = '\n';
			tcp_write(s, 0, ends, p->lf_only ? 2 : 3);
			a->expected++;
			a->code = 0;
			break;
		}
		if (a->item == p->nr_items) {
			if (polite && !a->tls && a->got < a->expected)
				break;
			a->done = true;
			tcp_close(s, 0);
			break;
		}
		if (s->diet->item_off[a->item]) {
			a->item++;
			continue;
		}
		if (polite && (it->wait || it->kind == ITEM_TLS) && !a->tls &&
		    a->got < a->expected)
			break;
		if (polite &&
		    (((it->kind == ITEM_BODY || it->kind == ITEM_BLOB) &&
		      a->code != 354) ||
		     (it->kind == ITEM_BDAT && !a->chunking) ||
		     (it->kind == ITEM_SASL && a->code != 334) ||
		     (it->kind == ITEM_TLS && !a->tls && a->code != 220) ||
		     (it->kind != ITEM_TLS && a->tls))) {
			a->item++;
			continue;
		}
		if (it->kind == ITEM_TLS)
			a->tls = true;
		if (it->kind == ITEM_BODY || it->kind == ITEM_SASL ||
		    it->kind == ITEM_BLOB)
			a->code = 0;
		if (greets(p->text + it->off, it->len))
			a->chunking = false;
		tcp_write(s, 0, p->text + it->off, it->len);
		if (it->kind != ITEM_PROXY)
			a->expected++;
		a->item++;
		if (!polite && rng_below(&a->rng, 3)) {
			s->end[0].app_at = s->now + rng_below(&a->rng, 400);
			break;
		}
	}
	tcp_output(s, 0);
}

void client_start(struct sim *s)
{
	s->client.expected = 1;
	if (s->plan.client != CLIENT_POLITE || s->plan.model.proxy)
		client_pump(s);
}

void client_bytes(struct sim *s, const u8 *bytes, u32 n)
{
	struct client_app *a = &s->client;
	u32 i;

	for (i = 0; i < n && !a->tls; i++) {
		u8 c = bytes[i];

		if (c == '\n') {
			if (!strncasecmp((const char *)a->line, "CHUNKING", 8))
				a->chunking = true;
			if (!strncmp((const char *)a->line, "XSECRET", 7) &&
			    s->filtering != UNFILTERED &&
			    !s->plan.hostile_server && !s->plan.policy.observe &&
			    !s->server.raced && s->plan.model.ehlo != MODEL_EHLO_KEEP)
				sim_fail(s, "D11: of an EHLO reply more was told than may be");
			memset(a->line, 0, sizeof(a->line));
			if (a->column >= 3 && a->digits[3] != '-') {
				a->code = (a->digits[0] - '0') * 100 +
					  (a->digits[1] - '0') * 10 +
					  a->digits[2] - '0';
				a->got++;
			}
			a->column = 0;
			a->digits[3] = 0;
		} else if (a->column < 4) {
			a->digits[a->column++] = c;
		} else if (strlen((char *)a->line) < sizeof(a->line) - 1) {
			a->line[strlen((char *)a->line)] = c;
		}
	}
	if (s->plan.client == CLIENT_POLITE)
		client_pump(s);
}

void client_fin(struct sim *s)
{
	s->client.done = true;
	tcp_close(s, 0);
}
