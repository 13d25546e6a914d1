// SPDX-License-Identifier: GPL-2.0-only
/* The oracle. See model.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model.h"

/* V1, V2 */
static const char *const fixup_verbs[] = {
	"helo", "mail", "rcpt", "data", "rset", "noop", "quit", NULL
};

static const char *const esmtp_verbs[] = {
	"helo", "mail", "rcpt", "data", "rset", "noop", "quit", "auth",
	"ehlo", "etrn", "help", "saml", "send", "soml", "vrfy", NULL
};

/* E2 */
static const char *const ehlo_keywords[] = {
	"size", "etrn", "pipelining", "dsn", "enhancedstatuscodes",
	"8bitmime", "binarymime", "auth", "vrfy", NULL
};

static bool is_eol(uint8_t c)
{
	return c == '\r' || c == '\n';
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Is @word the list's @w, or where not @whole: does @w begin with it? */
static bool word_is(const char *w, const uint8_t *word, size_t n, bool whole)
{
	size_t len = strlen(w);

	if (whole ? n != len : n > len)
		return false;
	return !n || !strncasecmp(w, (const char *)word, n);
}

static bool in_list(const char *const *list, const uint8_t *word, size_t n,
		    bool whole)
{
	for (; *list; list++)
		if (word_is(*list, word, n, whole))
			return true;
	return false;
}

static bool verb_ok(const struct model_policy *p, const uint8_t *word,
		    size_t n, bool whole)
{
	const char *const *list = p->esmtp ? esmtp_verbs : fixup_verbs;
	int i;

	for (; *list; list++) {
		bool denied = false;

		for (i = 0; i < 4 && p->deny[i]; i++)
			denied |= !strcasecmp(p->deny[i], *list);
		if (!denied && word_is(*list, word, n, whole))
			return true;
	}
	for (i = 0; i < 4 && p->allow[i]; i++)
		if (word_is(p->allow[i], word, n, whole))
			return true;
	return p->tls && word_is("starttls", word, n, whole);
}

bool model_verb_allowed(const struct model_policy *p, const uint8_t *word,
			size_t n)
{
	return verb_ok(p, word, n, true);
}

static bool keyword_ok(const struct model_policy *p, const uint8_t *word,
		       size_t n, bool whole)
{
	if (in_list(ehlo_keywords, word, n, whole))
		return true;
	return p->tls && word_is("starttls", word, n, whole);
}

void model_init(struct model *m, const struct model_policy *policy)
{
	struct model_dir d[2] = { m->d[0], m->d[1] };
	int i;

	memset(m, 0, sizeof(*m));
	m->policy = *policy;
	for (i = 0; i < 2; i++) {
		m->d[i] = d[i];
		m->d[i].len = 0;
		if (!d[i].in) {
			m->d[i].in = malloc(MODEL_CAP + 8);
			m->d[i].out = malloc(MODEL_CAP + 8);
			m->d[i].piece = malloc((MODEL_CAP + 8) *
					       sizeof(uint32_t));
			if (!m->d[i].in || !m->d[i].out || !m->d[i].piece)
				abort();
		}
		m->tls_at[i] = UINT32_MAX;
	}
	m->kinds[0] = K_GREETING;
	m->commands = 1;
}

void model_free(struct model *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(m->d[i].in);
		free(m->d[i].out);
		free(m->d[i].piece);
		memset(&m->d[i], 0, sizeof(m->d[i]));
	}
}

bool model_open(const struct model *m, int dir)
{
	return !m->reset && (dir || m->state != M_WAIT);
}

/* The verb of the line that begins at m->line, as far as [.., to) shows it */
static void find_verb(const struct model *m, uint32_t to, uint32_t *start,
		      uint32_t *end, bool *ended)
{
	const uint8_t *in = m->d[0].in;
	uint32_t v = m->line, e;

	while (v < to && is_blank(in[v]))
		v++;
	for (e = v; e < to; e++)
		if (is_blank(in[e]) || is_eol(in[e]))
			break;
	*start = v;
	*end = e;
	*ended = e < to;
}

static enum model_kind kind_of(const struct model_policy *p,
			       const uint8_t *word, size_t n)
{
	if (!verb_ok(p, word, n, true))
		return K_OTHER;
	if (word_is("data", word, n, true))
		return K_DATA;
	if (word_is("auth", word, n, true))
		return K_AUTH;
	if (word_is("ehlo", word, n, true))
		return K_EHLO;
	if (word_is("starttls", word, n, true))
		return K_STARTTLS;
	return K_OTHER;
}

/* A command line ends with the byte at @p */
static void line_ended(struct model *m, uint32_t p, bool bare)
{
	const struct model_dir *d = &m->d[0];
	enum model_kind kind = K_OTHER;
	bool sync = bare;
	uint32_t v, e, i;
	bool ended;

	if (m->state == M_AUTH) {
		kind = K_AUTH;
	} else {
		find_verb(m, p + 1, &v, &e, &ended);
		kind = kind_of(&m->policy, d->in + v, e - v);
		if (e > v && !verb_ok(&m->policy, d->in + v, e - v, true)) {
			m->blocked++;
			/* Passed whole in pieces before it went on? */
			for (i = v + 1; i < e; i++)
				if (d->piece[i] != d->piece[i - 1] &&
				    kind == K_OTHER)
					kind = kind_of(&m->policy, d->in + v,
						       i - v);
		} else {
			m->passed++;
		}
	}
	if (kind == K_DATA || kind == K_AUTH || kind == K_STARTTLS)
		sync = true;
	if (kind == K_EHLO)
		for (i = m->replies; i < m->commands; i++)
			if (m->kinds[i] == K_EHLO)
				sync = true;
	if (m->commands == MODEL_COMMANDS) {
		m->error = "model: too many commands";
		return;
	}
	m->kinds[m->commands++] = kind;
	m->line = p + 1;
	m->state = M_COMMAND;
	if (sync) {
		m->state = M_WAIT;
		m->waiting = m->commands - 1;
	}
}

static void command_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[0];
	uint8_t c = d->in[p];
	uint32_t v, e, run;
	bool ended, bad;

	d->out[p] = c;
	if (p > m->line && d->in[p - 1] == '\r') {
		if (c == '\r' && d->piece[p - 1] == d->piece[p]) {
			d->out[p - 1] = ' ';
			return;
		}
		d->out[p] = '\n';	/* V7 */
		line_ended(m, p, false);
		return;
	}
	if (c == '\n') {
		line_ended(m, p, true);
		return;
	}
	if (c == '\r' || m->state == M_AUTH)
		return;
	/* What is in sight of the verb: up to the piece's end */
	for (run = p; run < to && d->piece[run] == d->piece[p]; run++)
		if (is_eol(d->in[run]))
			break;
	if (run < to && d->piece[run] == d->piece[p])
		run++;
	find_verb(m, run, &v, &e, &ended);
	if (p < v || p >= e)
		return;
	bad = !verb_ok(&m->policy, d->in + v, e - v, ended);
	if (bad)
		d->out[p] = 'X';
}

/* The body's byte at @i as the server sees it; CRLF is before its first */
static uint8_t body_out(const struct model *m, int64_t i)
{
	if (i >= (int64_t)m->body)
		return m->d[0].out[i];
	return i == (int64_t)m->body - 1 ? '\n' :
	       i == (int64_t)m->body - 2 ? '\r' : 0;
}

/*
 * D4, `smuggling mask`: what leaves for the body's byte at @p. Whatever some
 * server could take for an end of data loses its dot, or where the dot has
 * left in an earlier piece, the line end behind it. A function of its own
 * because it is a decision of ours that may change.
 */
static uint8_t body_masked(struct model *m, uint32_t p, uint32_t to)
{
	const struct model_dir *d = &m->d[0];
	int64_t q = p;
	uint8_t c = d->in[p];
	bool next1 = p + 1 < to && d->piece[p + 1] == d->piece[p];
	bool next2 = next1 && p + 2 < to && d->piece[p + 2] == d->piece[p];
	bool crlf;

	/* CRLF . CR has left and this is no LF: too late to mask */
	if (c != '\n' && p >= m->body + 2 && body_out(m, q - 1) == '\r' &&
	    body_out(m, q - 2) == '.' && body_out(m, q - 3) == '\n' &&
	    body_out(m, q - 4) == '\r') {
		m->reset = true;
		return c;
	}
	if (c == '.') {
		if (!is_eol(body_out(m, q - 1)) || !next1 ||
		    !is_eol(d->in[p + 1]))
			return c;
		crlf = body_out(m, q - 1) == '\n' && body_out(m, q - 2) == '\r';
		if (!crlf || d->in[p + 1] == '\n')
			return ' ';
		if (next2 && d->in[p + 2] != '\n')
			return ' ';
		return c;
	}
	if (is_eol(c) && p > m->body && body_out(m, q - 1) == '.' &&
	    is_eol(body_out(m, q - 2)) && d->piece[p] != d->piece[p - 1]) {
		crlf = body_out(m, q - 2) == '\n' && body_out(m, q - 3) == '\r';
		if (!crlf || c == '\n')
			return ' ';
		if (next1 && d->in[p + 1] != '\n')
			return ' ';
		return c;
	}
	return c;
}

static void body_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[0];
	int64_t q = p;

	d->out[p] = body_masked(m, p, to);
	if (m->reset || d->out[p] != '\n' || p < m->body + 2)
		return;
	if (body_out(m, q - 1) != '\r' || body_out(m, q - 2) != '.' ||
	    body_out(m, q - 3) != '\n' || body_out(m, q - 4) != '\r')
		return;
	/* The end of data is answered like a command */
	if (m->commands < MODEL_COMMANDS)
		m->kinds[m->commands++] = K_OTHER;
	if (m->bodies < 64) {
		m->body_begin[m->bodies] = m->body;
		m->body_end[m->bodies] = p + 1;
	}
	m->bodies++;
	m->state = M_COMMAND;
	m->line = p + 1;
}

/* A complete reply has come that answers command m->replies */
static void reply_ended(struct model *m, uint32_t p, uint32_t code)
{
	uint32_t n = m->replies++;

	if (m->state != M_WAIT || n != m->waiting)
		return;
	m->state = M_COMMAND;
	switch (m->kinds[n]) {
	case K_DATA:
		if (code == 354) {
			m->state = M_BODY;
			m->body = m->d[0].len;
		}
		break;
	case K_AUTH:
		if (code == 334)
			m->state = M_AUTH;
		break;
	case K_STARTTLS:
		if (code == 220) {
			m->state = M_TLS;
			m->tls_at[0] = m->d[0].len;
			m->tls_at[1] = p + 1;
		}
		break;
	default:
		break;
	}
}

/* The three digits of the line that begins at @s, -1: none */
static int line_code(const struct model *m, uint32_t s, uint32_t to)
{
	const uint8_t *in = m->d[1].in + s;

	if (to - s < 3 || !is_digit(in[0]) || !is_digit(in[1]) ||
	    !is_digit(in[2]))
		return -1;
	return (in[0] - '0') * 100 + (in[1] - '0') * 10 + in[2] - '0';
}

/* G3, G4, G5 */
static uint8_t greeting_byte(const struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[1].in;
	uint32_t column = p - m->reply_line;
	uint8_t c = in[p];

	if (is_eol(c))
		return c;
	if (m->policy.banner == MODEL_STARS)
		return column < 4 ? c : '*';
	if (c == '2' || c == '0')
		return c;
	if (c == ' ' && p && in[p - 1] == '0')
		return c;
	if (column == 3 && (c == '-' || c == ' ') &&
	    line_code(m, m->reply_line, p) == 220)
		return c;
	return '*';
}

/* Is the EHLO line known to be masked, from what [.., to) shows of it? */
static bool ehlo_line_masked(const struct model *m, uint32_t to)
{
	const uint8_t *in = m->d[1].in;
	uint32_t k = m->reply_line + 4, e;

	for (e = k; e < to; e++)
		if (is_blank(in[e]) || is_eol(in[e]))
			break;
	return !keyword_ok(&m->policy, in + k, e - k, e < to);
}

static void server_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[1];
	uint32_t s = m->reply_line, run, i;
	uint8_t c = d->in[p];
	bool ehlo, more;
	int code;

	if (p == s && !m->reply_begun) {
		m->reply_expected = m->replies < m->commands;
		m->greeting_masked = false;
		m->letters = 0;
	}
	d->out[p] = c;
	code = line_code(m, s, p + 1);
	if (code == 220 && p - s == 2 && !m->reply_begun &&
	    m->reply_expected && !m->replies &&
	    m->policy.banner != MODEL_KEEP)
		m->greeting_masked = true;
	if (m->greeting_masked && !(p - s < 3 && !m->reply_begun))
		d->out[p] = greeting_byte(m, p);

	/* E1 */
	ehlo = m->reply_expected && m->kinds[m->replies] == K_EHLO &&
	       m->reply_begun && code == 250;
	if (ehlo && p - s >= 4 && !is_eol(c)) {
		for (run = p; run < to && d->piece[run] == d->piece[p]; run++)
			if (d->in[run] == '\n')
				break;
		if (run < to && d->piece[run] == d->piece[p])
			run++;
		if (ehlo_line_masked(m, run)) {
			d->out[p] = 'X';
			/* The line's last byte; a bare CR ends its text, too */
			for (i = s + 4; i < p && !is_eol(d->in[i]); i++)
				;
			if (i == p && p + 1 < run && is_eol(d->in[p + 1]))
				d->out[p] = 'A' + m->letters % 26;
		}
	}
	if (c != '\n')
		return;
	if (ehlo && ehlo_line_masked(m, p + 1)) {
		for (i = s + 4; i < p && is_eol(d->in[i]); i++)
			;
		if (i < p)
			m->letters++;
	}
	m->reply_line = p + 1;
	if (code < 0)
		return;
	more = d->in[s + 3] == '-';
	m->reply_begun = more;
	if (!more && m->reply_expected)
		reply_ended(m, p, code);
}

void model_judge(struct model *m, int dir, uint32_t to)
{
	struct model_dir *d = &m->d[dir];
	uint32_t p;

	while (d->len < to && !m->reset && !m->error) {
		p = d->len;
		if (m->state == M_TLS) {
			memcpy(d->out + p, d->in + p, to - p);
			d->len = to;
			return;
		}
		if (dir) {
			/* The new state holds for the client's next byte */
			server_byte(m, p, to);
		} else if (m->state == M_WAIT) {
			m->error = "bytes behind a synchronisation point passed";
			return;
		} else if (m->state == M_BODY) {
			body_byte(m, p, to);
		} else {
			command_byte(m, p, to);
		}
		d->len++;
	}
}
