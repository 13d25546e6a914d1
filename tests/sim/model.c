// SPDX-License-Identifier: GPL-2.0-only
/* The oracle. See model.h. */
#define _GNU_SOURCE		/* memmem() */
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

/* A1 */
static const char *const address_verbs[] = {
	"mail", "rcpt", "saml", "send", "soml", NULL
};

/* S3, but for STARTTLS */
static const char *const begin_verbs[] = {
	"mail", "saml", "send", "soml", NULL
};

static const char *const plain_verbs[] = {
	"ehlo", "helo", "noop", "rset", "quit", NULL
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

/* D4: after the only dot of a line, some server takes it for the end of data */
static bool after_dot(uint8_t c)
{
	return is_eol(c) || !c;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* A1 */
static bool is_special(uint8_t c)
{
	return c == '|' || c == '`' || !c;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_refusal(int code)
{
	return code >= 400 && code < 600;
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

	/* What comes behind TLS is not asked about */
	if (p->tls_required)
		list = plain_verbs;

	for (; *list; list++) {
		bool denied = false;

		denied |= (p->rcpt_over || p->refused_over) && !strcmp(*list, "rcpt");
		denied |= p->lost && (!strcmp(*list, "data") ||
				      !strcmp(*list, "auth"));
		for (i = 0; i < 4 && p->deny[i]; i++)
			denied |= !strcasecmp(p->deny[i], *list);
		if (!denied && word_is(*list, word, n, whole))
			return true;
	}
	for (i = 0; i < 4 && p->allow[i] && !p->tls_required; i++)
		if (word_is(p->allow[i], word, n, whole) &&
		    !(p->no_bdat && !strcmp(p->allow[i], "bdat")) &&
		    !(p->no_chunks && (!strcmp(p->allow[i], "bdat") ||
				       !strcmp(p->allow[i], "xexch50"))) &&
		    !(p->lost && (!strcmp(p->allow[i], "auth") ||
				  !strcmp(p->allow[i], "x-exps"))))
			return true;
	return p->tls && !p->lost && word_is("starttls", word, n, whole);
}

bool model_verb_allowed(const struct model_policy *p, const uint8_t *word,
			size_t n)
{
	return verb_ok(p, word, n, true);
}

static bool listed(const char *const *list, const char *word)
{
	int i;

	for (i = 0; i < 4 && list[i]; i++)
		if (!strcasecmp(list[i], word))
			return true;
	return false;
}

/* E3: a keyword that is a verb's name is let through only with it */
static bool promise_kept(const struct model_policy *p, const char *keyword)
{
	const char *const *list = p->esmtp ? esmtp_verbs : fixup_verbs;

	/* RFC 3030, 3 */
	if (!strcmp(keyword, "binarymime"))
		return listed(p->allow, "bdat");
	if (strcmp(keyword, "etrn") && strcmp(keyword, "auth") &&
	    strcmp(keyword, "vrfy"))
		return true;
	if (listed(p->allow, keyword))
		return true;
	for (; *list; list++)
		if (!strcmp(*list, keyword))
			return !listed(p->deny, keyword);
	return false;
}

/* X6: does a match mask this keyword? The match's text has no small letters */
static bool keyword_matched(const struct model_policy *p, const char *keyword)
{
	return p->match.what == VALUE_KEYWORD && p->match.action == MODEL_BLOCK &&
	       strcasestr(keyword, p->match.text);
}

static bool keyword_ok(const struct model_policy *p, const uint8_t *word,
		       size_t n, bool whole)
{
	int i;

	for (i = 0; ehlo_keywords[i]; i++)
		if (word_is(ehlo_keywords[i], word, n, whole) &&
		    promise_kept(p, ehlo_keywords[i]) &&
		    !keyword_matched(p, ehlo_keywords[i]) &&
		    !listed(p->ehlo_deny, ehlo_keywords[i]))
			return true;
	for (i = 0; i < 4 && p->ehlo_allow[i]; i++)
		if (word_is(p->ehlo_allow[i], word, n, whole) &&
		    !keyword_matched(p, p->ehlo_allow[i]))
			return true;
	return p->tls && word_is("starttls", word, n, whole);
}

static bool is_chunk_verb(const uint8_t *word, size_t n)
{
	return word_is("bdat", word, n, true) || word_is("xexch50", word, n, true);
}

/* D6: of the line of BDAT or XEXCH50 @w, @n octets in sight, the first octet
 * that makes it something else; @n: none so far. X1: so does a size beyond @max.
 */
static uint32_t chunk_bad(const uint8_t *w, uint32_t n, bool xexch50,
			  bool indented, uint32_t max, uint32_t *size)
{
	uint32_t i = xexch50 ? 7 : 4, start;

	*size = 0;
	if (i >= n)
		return n;
	if (indented || w[i] != ' ')
		return i;
	start = ++i;
	while (i < n && is_digit(w[i]) && i - start < 9 &&
	       !(i > start && w[start] == '0')) {
		*size = *size * 10 + (w[i++] - '0');
		if (*size > max)
			return i - 1;
	}
	if (i == n)
		return n;
	if (i == start)
		return i;
	if (w[i] == ' ') {
		start = ++i;
		if (xexch50) {
			while (i < n && is_digit(w[i]) && i - start < 9)
				i++;
		} else {
			while (i < n && i - start < 4 &&
			       !strncasecmp((const char *)w + i, &"LAST"[i - start], 1))
				i++;
		}
		if (i == n)
			return n;
		if (xexch50 ? i == start || !*size : i - start < 4)
			return i;
	} else if (xexch50) {
		return i;
	}
	if (w[i] != '\r')
		return i;
	i++;
	return i < n && w[i] != '\n' ? i : n;
}

bool model_unread(const struct model *m, uint32_t p)
{
	uint32_t i;

	for (i = 0; i < m->chunks; i++)
		if (p >= m->chunk_begin[i] && p < m->chunk_end[i])
			return true;
	return false;
}

bool model_crossed(const struct model *m, uint32_t p, uint8_t *c)
{
	uint32_t i;

	for (i = 0; i < m->chunks; i++) {
		if (!m->chunk_crossed[i] || p < m->chunk_begin[i] ||
		    p >= m->chunk_end[i])
			continue;
		if (p + 1 == m->chunk_end[i])
			*c = '\n';
		else if (!is_eol(*c))
			*c = 'X';
		return true;
	}
	return false;
}

bool model_refused(const struct model *m, uint32_t p)
{
	uint32_t i;

	for (i = 0; i < m->bodies && i < 64; i++)
		if (p >= m->body_begin[i] && p < m->body_end[i])
			return m->body_refused[i];
	return m->state == M_BODY && p >= m->body && m->refused;
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
		m->d[i].nr_edits = 0;
		m->d[i].pool_len = 0;
		m->d[i].flat_len = 0;
		m->d[i].flat_in = 0;
		m->d[i].flat_edits = 0;
		if (!d[i].in) {
			m->d[i].edits = malloc(MODEL_EDITS * sizeof(*m->d[i].edits));
			m->d[i].pool = malloc(MODEL_CAP);
			m->d[i].flat = malloc(2 * MODEL_CAP);
			m->d[i].from = malloc(2 * MODEL_CAP * sizeof(uint32_t));
			m->d[i].at = malloc((MODEL_CAP + 8) * sizeof(uint32_t));
			if (!m->d[i].edits || !m->d[i].pool || !m->d[i].flat ||
			    !m->d[i].from || !m->d[i].at)
				abort();
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
	m->not_whole = UINT32_MAX;
	m->hello = UINT32_MAX;
	m->policy.no_bdat = true;
}

void model_free(struct model *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		free(m->d[i].in);
		free(m->d[i].out);
		free(m->d[i].piece);
		free(m->d[i].edits);
		free(m->d[i].pool);
		free(m->d[i].flat);
		free(m->d[i].from);
		free(m->d[i].at);
		memset(&m->d[i], 0, sizeof(m->d[i]));
	}
}

bool model_open(const struct model *m, int dir)
{
	if (m->reset || (m->ended && !(dir && m->answers &&
				       m->replies < m->commands)))
		return false;
	return dir || m->state != M_WAIT;
}

/* --- changes of length --- */

static void edit(struct model *m, int dir, uint32_t old, const void *bytes,
		 uint32_t n)
{
	struct model_dir *d = &m->d[dir];
	struct model_edit *e = &d->edits[d->nr_edits];

	if (old == n) {
		memcpy(d->out + d->len, bytes, n);
		d->len += n;
		return;
	}
	RULE(m, T1);
	if (d->nr_edits == MODEL_EDITS || d->pool_len + n > MODEL_CAP) {
		m->error = "model: too many edits";
		return;
	}
	d->nr_edits++;
	e->pos = d->len;
	e->old = old;
	e->len = n;
	e->bytes = d->pool_len;
	memcpy(d->pool + d->pool_len, bytes, n);
	d->pool_len += n;
	d->len += old;
}

static void flatten(struct model_dir *d)
{
	uint32_t i;

	while (d->flat_in < d->len) {
		const struct model_edit *e = &d->edits[d->flat_edits];

		if (d->flat_edits < d->nr_edits && e->pos == d->flat_in) {
			d->at[e->pos] = d->flat_len;
			for (i = 0; i < e->len; i++) {
				d->from[d->flat_len] = e->pos;
				d->flat[d->flat_len++] = d->pool[e->bytes + i];
			}
			for (i = 1; i < e->old; i++)
				d->at[e->pos + i] = d->flat_len;
			d->flat_in += e->old;
			d->flat_edits++;
			continue;
		}
		d->at[d->flat_in] = d->flat_len;
		d->from[d->flat_len] = d->flat_in;
		d->flat[d->flat_len++] = d->out[d->flat_in++];
	}
}

uint32_t model_at(const struct model_dir *d, uint32_t p)
{
	return p < d->len ? d->at[p] : d->flat_len + (p - d->len);
}

uint32_t model_from(const struct model_dir *d, uint32_t q)
{
	return q < d->flat_len ? d->from[q] : d->len + (q - d->flat_len);
}

bool model_in_flight(const struct model *m, int dir)
{
	const struct model_dir *d = &m->d[dir];
	const struct model_edit *e = &d->edits[d->nr_edits - 1];

	return d->nr_edits && m->acked[dir] < e->pos + e->old;
}

/* V8; V7, strict: a line end that is none is a blank */
static bool before_verb(const struct model *m, uint8_t c)
{
	return is_blank(c) || (m->policy.strict_ends && is_eol(c));
}

/* Was the octet before the one at @i of the line a CR that has left? */
static bool behind_cr(const struct model *m, uint32_t i)
{
	return i > m->line && m->d[0].in[i - 1] == '\r' && m->d[0].out[i - 1] == '\r';
}

/* V7, strict: is the octet at @i of the line an LF that is a blank, since no CR is before it, or
 * a CR that is one, since the octet in sight behind it is no LF?
 */
static bool lone(const struct model *m, uint32_t i)
{
	const struct model_dir *d = &m->d[0];

	if (!m->policy.strict_ends || !is_eol(d->in[i]))
		return false;
	if (i < d->len)
		return d->out[i] != d->in[i];
	if (behind_cr(m, i))
		return false;
	return d->in[i] == '\n' || (i + 1 < m->sight && d->in[i + 1] != '\n');
}

/* V10: the octet at @i of the line, as far as a line goes */
static uint8_t line_octet(const struct model *m, uint32_t i)
{
	uint8_t c = m->d[0].in[i];

	return i - m->line >= 2048 && !is_eol(c) ? ' ' : c;
}

static void see_verb(const struct model *m, struct model_verb *verb, uint32_t to)
{
	const uint8_t *in = m->d[0].in;

	for (; verb->seen < to && verb->end == UINT32_MAX; verb->seen++) {
		uint8_t c = line_octet(m, verb->seen);

		if (verb->start == UINT32_MAX && !before_verb(m, c))
			verb->start = verb->seen;
		if (verb->start != UINT32_MAX && (is_blank(c) || is_eol(in[verb->seen])))
			verb->end = verb->seen;
	}
}

/* The verb of the line that begins at m->line, as far as [.., to) shows it. It is asked for
 * with each octet of the line, so what those that have passed show is kept.
 */
static void find_verb(struct model *m, uint32_t to, uint32_t *start,
		      uint32_t *end, bool *ended)
{
	struct model_verb verb;

	if (m->verb.line != m->line || m->verb.seen <= m->line) {
		m->verb.line = m->line;
		m->verb.seen = m->line;
		m->verb.start = UINT32_MAX;
		m->verb.end = UINT32_MAX;
	}
	see_verb(m, &m->verb, to < m->d[0].len ? to : m->d[0].len);
	verb = m->verb;
	see_verb(m, &verb, to);
	*start = verb.start < to ? verb.start : to;
	*end = verb.end < to ? verb.end : to;
	*ended = verb.end < to;
}

static enum model_kind kind_of(const struct model_policy *p,
			       const uint8_t *word, size_t n)
{
	if (!verb_ok(p, word, n, true))
		return K_OTHER;
	if (word_is("data", word, n, true))
		return K_DATA;
	if (word_is("auth", word, n, true) || word_is("x-exps", word, n, true))
		return K_AUTH;
	if (word_is("ehlo", word, n, true))
		return K_EHLO;
	if (word_is("starttls", word, n, true))
		return K_STARTTLS;
	return K_OTHER;
}

/* X2: blocked are RCPTs, as long as more of the verb is to come behind its first octet.
 * RSET begins alike.
 */
static void check_refused(struct model *m, uint32_t p)
{
	const struct model_limit *l = &m->policy.limits[MODEL_REFUSED_RCPTS];
	uint32_t v, e;
	bool ended;

	if (m->state != M_COMMAND)
		return;
	find_verb(m, p + 1, &v, &e, &ended);
	if (p == v || (e == p + 1 && e - v <= 4 && word_is("rcpt", m->d[0].in + v, e - v, false)))
		m->policy.refused_over = l->action == MODEL_BLOCK && m->refused_rcpts > l->max;
}

/* L, X1: RCPT commands of this message, that and how it ends */
static void count_recipients(struct model *m, const uint8_t *word, size_t n)
{
	if (word_is("rcpt", word, n, true))
		m->recipients++;
	else if (!word || word_is("rset", word, n, true) ||
		 word_is("helo", word, n, true) || word_is("ehlo", word, n, true)) {
		m->recipients = 0;
		m->message = 0;
	}
	m->policy.rcpt_over = m->policy.limits[MODEL_RCPT].action >= MODEL_BLOCK &&
			      m->recipients >= m->policy.limits[MODEL_RCPT].max;
}

/* --- ends --- */

/* The connection ends here; only the first reason counts */
static void ends(struct model *m, enum model_action how)
{
	if (!m->ended && how >= MODEL_DROP)
		m->ended = how;
}

static void exceeds(struct model *m, enum model_limited what)
{
	if (m->policy.limits[what].action >= MODEL_DROP)
		RULE(m, L);
	ends(m, m->policy.limits[what].action);
}

/* V5 */
static void rejects(struct model *m)
{
	if (m->policy.reject >= MODEL_REJECT_DROP)
		RULE(m, V5);
	if (m->policy.reject == MODEL_REJECT_DROP)
		ends(m, MODEL_DROP);
	if (m->policy.reject == MODEL_REJECT_RESET)
		ends(m, MODEL_RESET);
}

/* V5, and L: does the byte at @p show that the verb may not pass? */
static void verb_ends(struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	struct model_policy any = m->policy;
	uint32_t v, e;
	bool ended;

	find_verb(m, p + 1, &v, &e, &ended);
	if (e == v || p > e || verb_ok(&m->policy, in + v, e - v, ended))
		return;
	if (p > v && !verb_ok(&m->policy, in + v, p - v, false))
		return;		/* another one did */
	any.rcpt_over = false;
	any.refused_over = false;
	if (m->policy.rcpt_over && verb_ok(&any, in + v, e - v, ended))
		exceeds(m, MODEL_RCPT);
	rejects(m);
}

/* The argument [e, to) of the line whose verb begins at @v, as a match sees it: V10, V7, A1 */
static const uint8_t *argument(const struct model *m, uint32_t v, uint32_t e, uint32_t to)
{
	bool replaces = m->policy.special == MODEL_REPLACE &&
			in_list(address_verbs, m->d[0].in + v, e - v, true);
	static uint8_t arg[MODEL_CAP];
	uint32_t i;

	for (i = e; i < to; i++) {
		arg[i - e] = line_octet(m, i);
		if (lone(m, i) || (replaces && is_special(arg[i - e])))
			arg[i - e] = ' ';
	}
	return arg;
}

static void match_rules(struct model *m)
{
	RULE(m, X9);
	switch (m->policy.match.what) {
	case VALUE_RELAY:
		RULE(m, X5);
		break;
	case VALUE_VERB:
	case VALUE_KEYWORD:
		RULE(m, X6);
		break;
	case VALUE_MECHANISM:
		RULE(m, X8);
		break;
	case VALUE_ENCODING:
		RULE(m, X4);
		break;
	default:
		RULE(m, X3);
		break;
	}
}

/* The octet of the command [v, to) whose verb ends at @e with which a match acts by
 * @action, or UINT32_MAX
 */
static uint32_t match_at(const struct model *m, uint32_t v, uint32_t e, uint32_t to,
			 enum model_action action)
{
	const struct model_match *match = &m->policy.match;
	const uint8_t *in = m->d[0].in;
	uint32_t at;

	if (match->action != action || e == v || e >= to ||
	    !value_of(match->what, in + v, e - v) ||
	    !verb_ok(&m->policy, in + v, e - v, true))
		return UINT32_MAX;
	at = e + value_find(match->what, match->text, argument(m, v, e, to), to - e);
	return at < to ? at : UINT32_MAX;
}

/* X1: the same for SIZE= */
static uint32_t declared_at(const struct model *m, uint32_t v, uint32_t e, uint32_t to,
			    enum model_action action)
{
	const struct model_limit *l = &m->policy.limits[MODEL_MESSAGE];
	const uint8_t *in = m->d[0].in;
	uint32_t at;

	if (l->action != action || e == v || e >= to ||
	    !in_list(begin_verbs, in + v, e - v, true) ||
	    !verb_ok(&m->policy, in + v, e - v, true))
		return UINT32_MAX;
	at = e + value_declared(l->max, argument(m, v, e, to), to - e);
	return at < to ? at : UINT32_MAX;
}

/* X10: the octet with which the line is masked, as far as [.., to) shows it, or UINT32_MAX */
static uint32_t masked_at(struct model *m, uint32_t to)
{
	uint32_t v, e, match, size;
	bool ended;

	if (m->state != M_COMMAND)
		return UINT32_MAX;
	find_verb(m, to, &v, &e, &ended);
	match = match_at(m, v, e, to, MODEL_BLOCK);
	size = declared_at(m, v, e, to, MODEL_BLOCK);
	return match < size ? match : size;
}

/* X10: has all of the verb left before the line is masked with the octet at @q? */
static bool verb_left(struct model *m, uint32_t q)
{
	uint32_t v, e;
	bool ended;

	find_verb(m, q + 1, &v, &e, &ended);
	return m->d[0].piece[e - 1] != m->d[0].piece[q];
}

/* X: what of matches and SIZE= ends the connection with the octet at @p */
static void values_end(struct model *m, uint32_t v, uint32_t e, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t text = e > v ? e - v : 0, how;
	bool matched;

	if (p > m->line + 2049 && !is_eol(in[p]))
		return;		/* a blank more */
	for (how = MODEL_DROP; how <= MODEL_RESET; how++) {
		if (match_at(m, v, e, p + 1, how) == p) {
			match_rules(m);
			ends(m, how);
		}
		if (m->policy.match.what == VALUE_VERB && m->policy.match.action == how &&
		    p == e && memmem(in + v, text, m->policy.match.text,
				     strlen(m->policy.match.text))) {
			match_rules(m);
			ends(m, how);
		}
		if (declared_at(m, v, e, p + 1, how) == p) {
			RULE(m, X1);
			ends(m, how);
		}
	}
	if (masked_at(m, p + 1) != p)
		return;
	matched = match_at(m, v, e, p + 1, MODEL_BLOCK) == p;
	if (matched)
		match_rules(m);
	else
		RULE(m, X1);
	RULE(m, X10);
	if (!verb_left(m, p)) {
		rejects(m);
	} else if ((is_eol(in[p]) && !lone(m, p)) ||
		   (matched && m->policy.match.what == VALUE_HELO)) {
		ends(m, MODEL_DROP);
	}
}

/* L: how many octets has the sender's address in the argument @in up to the one at @p?
 * 0: that one is none of them
 */
static uint32_t sender_octets(const uint8_t *in, uint32_t p)
{
	uint32_t i, n;

	for (i = 0; i <= p && in[i] != ':' && in[i] != '<'; i++)
		;
	if (i > p)
		return 0;
	/* Without < it goes from the colon to a blank */
	if (in[i] == ':') {
		for (i++; i <= p && (is_blank(in[i]) || is_eol(in[i]) || in[i] == '>'); i++)
			;
		for (n = 0; i <= p && in[i] != '<'; i++) {
			if (is_blank(in[i]) || in[i] == '\n')
				return 0;
			n += in[i] != '>' && in[i] != '\r';
			if (i == p)
				return in[i] == '>' ? 0 : n;
		}
		if (i > p)
			return 0;
	}
	for (n = 0, i++; i <= p && in[i] != '>'; i++) {
		n += in[i] != '<' && in[i] != '\r';
		if (i == p)
			return in[i] == '<' ? 0 : n;
	}
	return 0;
}

/* A1, A2, L: the byte at @p of the argument that begins at @a, of the address
 * verb [v, a)
 */
static void address_byte(struct model *m, uint32_t v, uint32_t a, uint32_t p)
{
	struct model_dir *d = &m->d[0];
	bool special = is_special(d->in[p]), bad;
	uint8_t c = d->in[p], last = '>';
	uint32_t i;

	for (i = a; i < p; i++)
		if (d->in[i] == '<' || d->in[i] == '>')
			last = d->in[i];
	bad = (c == '<' || c == '>') && c == last;
	if (!word_is("rcpt", d->in + v, a - v, true) &&
	    sender_octets(argument(m, v, a, p + 1), p - a) > m->policy.limits[MODEL_SENDER].max)
		exceeds(m, MODEL_SENDER);
	if (special && m->policy.special == MODEL_REPLACE)
		d->out[p] = ' ';
	if (bad || c == '|')
		RULE(m, A1);
	else if (special)
		RULE(m, A2);
	if ((special || bad) && m->policy.special == MODEL_SPECIAL_DROP)
		ends(m, MODEL_RESET);
}

/* X1: the largest size that may be announced, if what is more is treated by @action */
static uint32_t chunk_limit(const struct model *m, bool xexch50, enum model_action action)
{
	const struct model_limit *l =
		&m->policy.limits[xexch50 ? MODEL_BLOCK_SIZE : MODEL_CHUNK];

	return l->action == action ? l->max : UINT32_MAX;
}

/* D6: where in the line, as far as [.., to) shows it, it is seen that an allowed
 * BDAT or XEXCH50 announces nothing; or @to
 */
static uint32_t chunk_line_bad(const struct model *m, uint32_t v, uint32_t e,
			       uint32_t to, uint32_t *size)
{
	const uint8_t *in = m->d[0].in;

	*size = 0;
	if (e >= to || !is_chunk_verb(in + v, e - v) ||
	    !verb_ok(&m->policy, in + v, e - v, true))
		return to;
	return v + chunk_bad(in + v, to - v, e - v == 7, v > m->line,
			     chunk_limit(m, e - v == 7, MODEL_BLOCK), size);
}

/* X1: the octet at @p announces more than may be. What ends the connection? */
static void chunk_exceeds(struct model *m, uint32_t v, uint32_t e, uint32_t p)
{
	const struct model_limit *message = &m->policy.limits[MODEL_MESSAGE];
	const uint8_t *in = m->d[0].in;
	uint64_t left = message->max > m->message ? message->max - m->message : 0;
	bool xexch50 = e - v == 7, indented = v > m->line;
	uint32_t n = p + 1 - v, i, size;

	if (!is_chunk_verb(in + v, e - v) || !verb_ok(&m->policy, in + v, e - v, true))
		return;
	/* What makes the line something else announces nothing */
	if (chunk_bad(in + v, n, xexch50, indented, UINT32_MAX, &size) < n)
		return;
	for (i = MODEL_DROP; i <= MODEL_RESET; i++)
		if (chunk_bad(in + v, n, xexch50, indented, chunk_limit(m, xexch50, i),
			      &size) == n - 1) {
			RULE(m, X1);
			ends(m, i);
		}
	if (xexch50 || message->action < MODEL_BLOCK || m->message > message->max ||
	    chunk_bad(in + v, n, xexch50, indented, left, &size) != n - 1)
		return;
	RULE(m, X1);
	ends(m, message->action == MODEL_RESET ? MODEL_RESET : MODEL_DROP);
}

/* X7: is the verb [v, e) one that begins a message, and passes? */
static bool begins_message(const struct model *m, uint32_t v, uint32_t e)
{
	const uint8_t *in = m->d[0].in;

	return in_list(begin_verbs, in + v, e - v, true) &&
	       verb_ok(&m->policy, in + v, e - v, true);
}

/* What of the command's byte at @p ends the connection, but for addresses */
static void command_ends(struct model *m, uint32_t p)
{
	const struct model_dir *d = &m->d[0];
	uint32_t v, e, size;
	bool ended;

	if (m->state != M_COMMAND)
		return;
	if (p - m->line + 1 > m->policy.limits[MODEL_COMMAND_LINE].max)
		exceeds(m, MODEL_COMMAND_LINE);
	find_verb(m, p + 1, &v, &e, &ended);
	values_end(m, v, e, p);
	verb_ends(m, p);
	if (ended && p == e && begins_message(m, v, e))
		m->begun++;
	if (ended && chunk_line_bad(m, v, e, p + 1, &size) == p &&
	    d->piece[e - 1] == d->piece[p])
		rejects(m);
	if (ended)
		chunk_exceeds(m, v, e, p);
}

/* HELO, EHLO and XCLIENT have the server begin anew */
static bool begins_anew(const uint8_t *word, size_t n)
{
	return word_is("helo", word, n, true) || word_is("ehlo", word, n, true) ||
	       word_is("xclient", word, n, true);
}

/* H7: do these leave the transaction what it is? */
static bool goes_on(const uint8_t *word, size_t n)
{
	static const char *const words[] = {
		"rcpt", "noop", "help", "vrfy", "bdat", "xexch50", NULL
	};

	return in_list(words, word, n, true);
}

static void transaction_ends(struct model *m)
{
	m->transaction++;
	m->asked = false;
	m->accepted = false;
}

/* A line that is BDAT or XEXCH50 ends with the byte at @p. Must its reply be
 * waited for?
 */
static bool chunk_line_ended(struct model *m, uint32_t v, uint32_t e, uint32_t p,
			     enum model_kind *kind)
{
	const struct model_dir *d = &m->d[0];
	uint32_t size, bad = chunk_line_bad(m, v, e, p + 1, &size);

	if (!is_chunk_verb(d->in + v, e - v) ||
	    !verb_ok(&m->policy, d->in + v, e - v, true))
		return false;
	if (bad <= p) {
		if (d->piece[e - 1] == d->piece[bad])
			return false;
		*kind = K_DOUBT;
		return true;
	}
	if (e - v == 4) {
		m->bdats[m->commands] = true;
		m->cross = !m->accepted;
		m->message += size;
		if (!strncasecmp((const char *)d->in + p - 5, "LAST", 4)) {
			count_recipients(m, NULL, 0);
			transaction_ends(m);
		}
		m->jump = size;
		return false;
	}
	*kind = K_XEXCH50;
	m->announced = size;
	return true;
}

/* H7: does the line that ends with the byte at @p announce a chunk, though its verb
 * does not pass now? Nobody takes that.
 */
static void blocked_chunk(struct model *m, uint32_t v, uint32_t e, uint32_t p)
{
	const struct model_dir *d = &m->d[0];
	uint32_t size;

	if (!m->may_chunk || m->policy.tls_required ||
	    !listed(m->policy.allow, "bdat") ||
	    !word_is("bdat", d->in + v, e - v, true) ||
	    verb_ok(&m->policy, d->in + v, e - v, true) ||
	    chunk_bad(d->in + v, p + 1 - v, false, v > m->line, UINT32_MAX,
		      &size) <= p - v)
		return;
	m->jump = size;
	m->cross = true;
	m->chunk_blocked = true;
	m->uncertain = true;
	RULE(m, H7);
}

/* Which rules were about the line whose verb is [v, e)? */
static void line_rules(struct model *m, uint32_t v, uint32_t e)
{
	const struct model_dir *d = &m->d[0];

	if (v > m->line || e == v)
		RULE(m, V8);
	if (m->line && d->piece[m->line] == d->piece[m->line - 1])
		RULE(m, V9);
	if (e == v)
		return;
	if (d->piece[v] != d->piece[e - 1])
		RULE(m, V6);
	if (verb_ok(&m->policy, d->in + v, e - v, true))
		return;
	if (m->policy.esmtp)
		RULE(m, V2);
	else
		RULE(m, V1);
	if (!m->policy.tls && word_is("starttls", d->in + v, e - v, true))
		RULE(m, S1);
	if (m->policy.tls_required)
		RULE(m, S3);
	if (m->policy.rcpt_over && word_is("rcpt", d->in + v, e - v, true))
		RULE(m, L);
	if (m->policy.refused_over && word_is("rcpt", d->in + v, e - v, true))
		RULE(m, X2);
}

/* D11: nothing but blanks has left of the line that ends with the byte at @p */
static bool line_empty(const struct model *m, uint32_t p)
{
	uint32_t i;

	for (i = m->line; i <= p; i++)
		if (!is_blank(m->d[0].out[i]) && !is_eol(m->d[0].out[i]))
			return false;
	return !m->filled;
}

/* A command line ends with the byte at @p */
static void line_ended(struct model *m, uint32_t p, bool bare)
{
	const struct model_dir *d = &m->d[0];
	enum model_kind kind = K_OTHER;
	const uint8_t *in = m->d[0].in;
	bool sync, anew = false, rcpt, masked = masked_at(m, p + 1) <= p;
	uint32_t v, e, i;
	bool ended;

	sync = bare && !m->takes_lf;
	m->tail = !bare;
	/* Two line ends to some servers */
	if (!m->policy.strict_ends && p >= m->line + 2 && in[p - 1] == '\r' &&
	    in[p - 2] == '\r') {
		m->uncertain = true;
		sync = true;
		m->tail = 2;
	}
	if (m->state == M_AUTH) {
		kind = K_AUTH;
	} else {
		find_verb(m, p + 1, &v, &e, &ended);
		if (!masked)
			kind = kind_of(&m->policy, d->in + v, e - v);
		if (line_empty(m, p)) {
			sync = true;
			RULE(m, D11);
		}
		sync |= chunk_line_ended(m, v, e, p, &kind);
		blocked_chunk(m, v, e, p);
		line_rules(m, v, e);
		if (e > v && !verb_ok(&m->policy, d->in + v, e - v, true)) {
			m->blocked++;
			/* Passed whole in pieces before it went on? */
			for (i = v + 1; i < e; i++) {
				if (d->piece[i] == d->piece[i - 1] ||
				    !verb_ok(&m->policy, d->in + v, i - v, true))
					continue;
				if (kind == K_OTHER)
					kind = kind_of(&m->policy, d->in + v,
						       i - v);
				anew |= begins_anew(d->in + v, i - v);
				if (!goes_on(d->in + v, i - v))
					transaction_ends(m);
				if (is_chunk_verb(d->in + v, i - v)) {
					kind = K_DOUBT;
					sync = true;
				}
			}
		} else {
			m->passed++;
			anew = begins_anew(d->in + v, e - v);
			if (e > v)
				count_recipients(m, d->in + v, e - v);
			if (e > v && !goes_on(d->in + v, e - v))
				transaction_ends(m);
			rcpt = word_is("rcpt", d->in + v, e - v, true);
			m->asked |= rcpt;
			if (rcpt && !masked) {
				m->rcpts[m->commands] = m->transaction + 1;
				if (!m->asked_last || m->replies > m->asked_last)
					m->asked_first = m->commands;
				m->asked_last = m->commands;
			}
		}
	}
	if (kind == K_DATA || kind == K_AUTH || kind == K_STARTTLS ||
	    kind == K_XEXCH50)
		sync = true;
	for (i = m->replies; i < m->commands; i++) {
		sync |= kind == K_EHLO && m->kinds[i] == K_EHLO;
		/* Something else is pipelined with an EHLO */
		m->uncertain |= (kind == K_EHLO) != (m->kinds[i] == K_EHLO) ||
				kind == K_EHLO;
	}
	if (kind == K_EHLO && m->ehlos < 255)
		m->ehlos++;
	if (m->commands == MODEL_COMMANDS) {
		m->error = "model: too many commands";
		return;
	}
	if (anew) {
		m->hello = m->commands;
		m->chunking = false;
	}
	m->kinds[m->commands++] = kind;
	m->ehlo_line = false;
	m->line = p + 1;
	m->filled = false;
	m->state = M_COMMAND;
	if (bare)
		RULE(m, V7);
	if (sync) {
		RULE(m, D2);
		m->state = M_WAIT;
		m->waiting = m->commands - 1;
		m->waiting_lf = bare && !m->takes_lf;
	}
}

/* Where what is in sight of the line that @p belongs to ends: behind its LF */
static uint32_t line_sight(const struct model *m, uint32_t p, uint32_t to)
{
	for (; p < to; p++)
		if (m->d[0].in[p] == '\n')
			return p + 1;
	return to;
}

/* V4: does a line begin at m->d[0].len, behind its blanks, that is to become
 * NOOP? @n: its octets in sight, @whole: and its end
 */
static bool line_to_noop(struct model *m, uint32_t *n, bool *whole)
{
	const struct model_dir *d = &m->d[0];
	uint32_t p = d->len, v, e, i;
	bool ended;

	if (m->policy.reject != MODEL_NOOP || m->state != M_COMMAND ||
	    behind_cr(m, p))
		return false;
	find_verb(m, m->sight, &v, &e, &ended);
	if (v != p || e == v)
		return false;
	if (verb_ok(&m->policy, d->in + v, e - v, ended) &&
	    chunk_line_bad(m, v, e, line_sight(m, v, m->sight), &i) ==
	    line_sight(m, v, m->sight) &&
	    masked_at(m, line_sight(m, v, m->sight)) == UINT32_MAX)
		return false;
	for (i = v; i < m->sight && !is_eol(d->in[i]); i++)
		;
	*n = i - v;
	*whole = i < m->sight;
	return true;
}

/* V4, X10: what of the octet at @p of a line that becomes NOOP ends the connection */
static void filled_ends(struct model *m, uint32_t p)
{
	uint32_t v, e, masked = masked_at(m, p + 1);
	bool ended;

	command_ends(m, p);
	find_verb(m, p + 1, &v, &e, &ended);
	if (!m->ended && masked == UINT32_MAX && p >= e && m->state == M_COMMAND &&
	    in_list(address_verbs, m->d[0].in + v, e - v, true) &&
	    verb_ok(&m->policy, m->d[0].in + v, e - v, true))
		address_byte(m, v, e, p);
}

/* V4, X6: what of its verb, if that ends with the octet at @p behind it */
static void filled_verb_ends(struct model *m, uint32_t p)
{
	uint32_t v, e;
	bool ended;

	find_verb(m, p + 1, &v, &e, &ended);
	if (ended && e == p && m->policy.match.what == VALUE_VERB)
		values_end(m, v, e, p);
}

/* T1: is there no room for @n octets here, beside those of the packet before them? With no
 * change in flight these leave as many as they came.
 */
static bool no_room_yet(const struct model *m, int dir, uint32_t n)
{
	return n <= m->room && m->d[dir].len - m->begin > m->room - n;
}

/* V4: true where the octets at @p have been replaced */
static bool command_edit(struct model *m, uint32_t to)
{
	uint32_t n, v, e, i;
	bool whole, ended;

	if (!line_to_noop(m, &n, &whole))
		return false;
	if (n < 4) {
		if (!whole || !m->elastic)
			return false;
		if (model_in_flight(m, 0) || m->hole > m->acked[0] ||
		    no_room_yet(m, 0, 4)) {
			for (i = 1; i <= n; i++)
				command_ends(m, m->d[0].len + i);
			if (m->sight_sure && !m->ended)
				m->error = "V4: a second change of length did not wait";
			return false;
		}
		/* Its verb has left, whatever another copy of the rest says */
		m->verb = (struct model_verb) {
			.line = m->line, .seen = m->d[0].len + n,
			.start = m->d[0].len, .end = m->d[0].len + n,
		};
		edit(m, 0, n, "NOOP", 4);
		RULE(m, V4);
		m->filled = true;
		return true;
	}
	if (n > to - m->d[0].len)
		n = to - m->d[0].len;	/* not all was in sight: no memory */
	memcpy(m->d[0].out + m->d[0].len, "NOOP", 4);
	if (n > 4)
		memset(m->d[0].out + m->d[0].len + 4, ' ', n - 4);
	m->d[0].len += n;
	m->uncertain |= m->d[0].len - m->line > 2048;
	RULE(m, V4);
	m->filled = true;
	/* Its verb was one that passes */
	find_verb(m, m->d[0].len, &v, &e, &ended);
	m->ehlo_sent |= kind_of(&m->policy, m->d[0].in + v, e - v) == K_EHLO;
	return true;
}

/* D6: is the byte at @p of a line that turns out to announce no chunk masked? */
static bool chunk_masked(struct model *m, uint32_t v, uint32_t e, uint32_t p,
			 uint32_t to)
{
	const struct model_dir *d = &m->d[0];
	uint32_t run, bad, size;

	for (run = p; run < to && d->piece[run] == d->piece[p]; run++)
		if (d->in[run] == '\n') {
			run++;
			break;
		}
	bad = chunk_line_bad(m, v, e, run, &size);
	if (bad == run || d->piece[e - 1] != d->piece[bad])
		return false;
	if (m->policy.reject == MODEL_LINE)
		return p >= bad || d->piece[p] == d->piece[bad];
	return p < e && d->piece[p] == d->piece[bad];
}

/* X1: is the octet at @p of an XEXCH50 whose size is above the limit, and whose verb has
 * left?
 */
static bool block_broken(struct model *m, uint32_t v, uint32_t e, uint32_t p)
{
	const struct model_dir *d = &m->d[0];
	uint32_t bad, size, any;

	if (m->policy.limits[MODEL_BLOCK_SIZE].action != MODEL_BLOCK || e - v != 7)
		return false;
	bad = chunk_line_bad(m, v, e, p + 1, &size);
	any = v + chunk_bad(d->in + v, p + 1 - v, true, v > m->line, UINT32_MAX, &size);
	return bad <= p && any > bad && d->piece[e - 1] != d->piece[bad];
}

/* D5: where AUTH's initial response begins, as far as the octet at @p, or
 * UINT32_MAX
 */
static uint32_t initial_response(struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t v, e, i, words = 0;
	bool ended, word = false;

	find_verb(m, p + 1, &v, &e, &ended);
	if (!ended || kind_of(&m->policy, in + v, e - v) != K_AUTH ||
	    masked_at(m, p + 1) <= p)
		return UINT32_MAX;
	for (i = e; i <= p; i++) {
		uint8_t c = line_octet(m, i);

		if (c == '\r' && !lone(m, i))
			continue;
		if (is_blank(c) || is_eol(c)) {
			word = false;
			continue;
		}
		words += !word;
		word = true;
		if (words == 2)
			return i;
	}
	return UINT32_MAX;
}

/* D5: would the response [from, p] be a verb to a server that takes it for a
 * command?
 */
static bool response_is_verb(const struct model *m, uint32_t from, uint32_t p,
			     uint8_t last)
{
	static const char *const verbs[] = {
		"helo", "ehlo", "lhlo", "mail", "rcpt", "data", "bdat", "burl",
		"rset", "noop", "quit", "auth", "etrn", "atrn", "turn", "help",
		"saml", "send", "soml", "vrfy", "expn", "onex", "verb", "starttls",
		"xclient", "xforward", "xexch50", "xauth", "xadr", "xcir", "xgen",
		"xsta", "xusr", "tick", "showq", "kill", "wiz", "debug", NULL
	};
	uint8_t word[16];
	uint32_t i, n = 0;

	for (i = from; i < p && n < sizeof(word) - 1; i++)
		if (m->d[0].out[i] != '\r')
			word[n++] = is_eol(m->d[0].in[i]) ? 'X' : m->d[0].in[i];
	word[n++] = last;
	return i == p && m->state == M_AUTH && in_list(verbs, word, n, true);
}

bool model_response_waits(const struct model *m, uint8_t c)
{
	uint32_t p = m->d[0].len;

	return p + 1 == m->sight && response_is_verb(m, m->line, p, c);
}

/* D5: what leaves for the octet @c at @p, no line end, of the response that begins at
 * @from; @next: the one behind it is in sight
 */
static uint8_t response_octet(struct model *m, uint32_t from, uint32_t p, uint8_t c,
			      bool next)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	const uint8_t *in = m->d[0].in;
	uint32_t i, n = 0;

	for (i = from; i < p; i++)
		n += m->d[0].out[i] != '\r';
	RULE(m, D5);
	if (response_is_verb(m, from, p, c) && (!next || is_eol(in[p + 1]))) {
		m->uncertain = true;
		return c == 'X' || c == 'x' ? 'Y' : 'X';
	}
	if (n < 12288 && c && (strchr(base64, c) || (c == '*' && !n && m->state == M_AUTH)))
		return c;
	m->uncertain = true;
	return 'X';
}

/* D11: has an EHLO passed whole with the octet before the one at @p? */
static void note_ehlo(struct model *m, uint32_t p)
{
	const struct model_dir *d = &m->d[0];
	uint32_t v, e;
	bool ended;

	if (m->state != M_COMMAND || m->filled)
		return;
	find_verb(m, p + 1, &v, &e, &ended);
	if (masked_at(m, p + 1) <= p)
		m->ehlo_line = false;
	if (p <= v || kind_of(&m->policy, d->in + v, p - v) != K_EHLO ||
	    p > e || (p < e && d->piece[p] == d->piece[p - 1]))
		return;
	m->ehlo_sent = true;
	m->ehlo_line = true;
}

/* D5: is the octet at @p of an AUTH line, or of a response? */
static bool in_sasl(struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t v, e;
	bool ended;

	if (m->state == M_AUTH)
		return true;
	find_verb(m, p, &v, &e, &ended);
	return e > v && ended && verb_ok(&m->policy, in + v, e - v, true) &&
	       masked_at(m, p) >= p && kind_of(&m->policy, in + v, e - v) == K_AUTH;
}

/* X10: what leaves for the octet at @p of a line that is masked with the one at @q. False:
 * what would without that.
 */
static bool value_masked(struct model *m, uint32_t e, uint32_t p, uint32_t q)
{
	struct model_dir *d = &m->d[0];

	if (verb_left(m, q)) {
		if (p >= q)
			d->out[p] = '<';
		return p >= q;
	}
	if (p < e ? d->piece[p] == d->piece[q] :
	    m->policy.reject == MODEL_LINE && (d->piece[p] == d->piece[q] || p > q))
		d->out[p] = 'X';
	return p < e || p >= q || d->out[p] == 'X';
}

static void command_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[0];
	uint8_t c = d->in[p];
	uint32_t v, e, run, response, masked;
	bool ended, bad;

	note_ehlo(m, p);
	d->out[p] = c;
	response = m->state == M_AUTH ? m->line : initial_response(m, p);
	/* V7, strict: no line ends here, this is a blank */
	if (lone(m, p)) {
		c = response <= p ? 'X' : ' ';
		d->out[p] = c;
	} else if (behind_cr(m, p)) {
		if (c == '\r' && !m->policy.strict_ends && !in_sasl(m, p))
			return;
		d->out[p] = '\n';
		RULE(m, V7);
		line_ended(m, p, false);
		return;
	}
	if (c == '\n') {
		line_ended(m, p, true);
		return;
	}
	if (c == '\r')
		return;
	if (response <= p) {
		d->out[p] = response_octet(m, response, p, c, p + 1 < to &&
					   d->piece[p + 1] == d->piece[p]);
		return;
	}
	if (p - m->line >= 2048) {
		RULE(m, V10);
		m->uncertain = true;
		d->out[p] = ' ';
		return;
	}
	if (m->filled) {
		d->out[p] = ' ';	/* V4 */
		return;
	}
	/* What is in sight of the verb: up to the piece's end */
	for (run = p; run < to && d->piece[run] == d->piece[p]; run++)
		if (is_eol(d->in[run]) && !lone(m, run))
			break;
	if (run < to && d->piece[run] == d->piece[p])
		run++;
	find_verb(m, run, &v, &e, &ended);
	if (p < v)
		return;
	masked = masked_at(m, run);
	bad = !verb_ok(&m->policy, d->in + v, e - v, ended);
	if (masked < run && value_masked(m, e, p, masked)) {
		c = d->out[p];
		/* What is before that octet may end the connection */
		if (p < masked && !bad && p >= e && in_list(address_verbs, d->in + v, e - v, true))
			address_byte(m, v, e, p);
		d->out[p] = c;
		return;
	}
	if (bad && (p < e || m->policy.reject == MODEL_LINE)) {
		d->out[p] = 'X';
		RULE(m, V3);
	}
	if (!bad && chunk_masked(m, v, e, p, to))
		d->out[p] = 'X';
	if (!bad && block_broken(m, v, e, p)) {
		RULE(m, X1);
		d->out[p] = '<';
	}
	if (!bad && p >= e && in_list(address_verbs, d->in + v, e - v, true))
		address_byte(m, v, e, p);
}

/* The body's byte at @i as the server sees it; CRLF is before its first */
static uint8_t body_out(const struct model *m, int64_t i)
{
	if (i >= (int64_t)m->body)
		return m->d[0].out[i];
	return i == (int64_t)m->body - 1 ? '\n' :
	       i == (int64_t)m->body - 2 ? '\r' : 0;
}

/* V7: of a client that has sent no CR. Do a dot at @p and LF end the data? */
static bool ends_bare(const struct model *m, int64_t p)
{
	return !m->has_cr && p >= m->body && m->d[0].in[p] == '.' &&
	       m->d[0].in[p + 1] == '\n' && body_out(m, p - 1) == '\n';
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
	/* In sight behind it: of the same piece, or passed ahead of a gap, or cut off */
	bool next1 = p + 1 < to ? d->piece[p + 1] <= d->piece[p] :
				  p + 1 < m->body_sight;
	bool next2 = next1 && (p + 2 < to ? d->piece[p + 2] <= d->piece[p] :
					    p + 2 < m->body_sight);
	bool crlf;

	if (m->policy.smuggling)
		return c;
	/* CRLF . CR has left and this is no LF: too late to mask */
	if (c != '\n' && p >= m->body + 2 && body_out(m, q - 1) == '\r' &&
	    body_out(m, q - 2) == '.' && body_out(m, q - 3) == '\n' &&
	    body_out(m, q - 4) == '\r') {
		m->reset = true;
		return c;
	}
	if (c == '.') {
		if (!is_eol(body_out(m, q - 1)) || !next1 ||
		    !after_dot(d->in[p + 1]) || ends_bare(m, p))
			return c;
		crlf = body_out(m, q - 1) == '\n' && body_out(m, q - 2) == '\r';
		if (!crlf || d->in[p + 1] != '\r')
			return ' ';
		if (next2 && d->in[p + 2] != '\n')
			return ' ';
		return c;
	}
	if (after_dot(c) && p > m->body && body_out(m, q - 1) == '.' &&
	    is_eol(body_out(m, q - 2)) && d->piece[p] != d->piece[p - 1] &&
	    !ends_bare(m, q - 1)) {
		crlf = body_out(m, q - 2) == '\n' && body_out(m, q - 3) == '\r';
		if (!crlf || c != '\r')
			return ' ';
		if (next1 && d->in[p + 1] != '\n')
			return ' ';
		return c;
	}
	return c;
}

/* L: how long the body's line is with the byte at @p, but for a dot before it and
 * for CRLF, and whether it is one of the header
 */
static void body_line_ends(struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t s = p, n;
	enum model_limited of;

	while (s > m->body && in[s - 1] != '\n')
		s--;
	n = p + 1 - s - (in[s] == '.');
	of = m->header ? MODEL_HEADER_LINE : MODEL_BODY_LINE;
	if (n > m->policy.limits[of].max + 2)
		exceeds(m, of);
	if (in[p] == '\n' && (n == 1 || (n == 2 && in[p - 1] == '\r')))
		m->header = false;
}

/* X3: the lines from @s to @e as a field: "Name: value", folded lines joined, runs of
 * blanks one blank. Returns its length; 0: it is none.
 */
static uint32_t unfolded(const uint8_t *in, uint32_t s, uint32_t e, char *text, uint32_t size)
{
	bool line = true, blank = false;
	uint32_t n = 0, colon = 0;

	for (; s < e && n + 3 < size; s++) {
		uint8_t c = in[s];

		if (line && c == '.') {
			line = false;
			continue;
		}
		line = c == '\n';
		if (c == '\r')
			continue;
		if (line && !colon)
			return 0;
		if (line)
			continue;
		if (c == ' ' || c == '\t') {
			blank = true;
		} else if (!colon && c == ':') {
			text[n++] = ':';
			text[n++] = ' ';
			colon = n;
			blank = false;
		} else {
			if (!colon && blank)
				return 0;
			if (blank && n > colon)
				text[n++] = ' ';
			blank = false;
			text[n++] = c;
		}
	}
	return colon ? n : 0;
}

/* X4: only the value of an encoding is left of the field, without blanks */
static uint32_t encoding(char *text, uint32_t n)
{
	static const char name[] = "content-transfer-encoding: ";
	uint32_t i, left = 0;

	if (n < strlen(name) || strncasecmp(text, name, strlen(name)))
		return 0;
	for (i = strlen(name); i < n && text[i] != ';'; i++)
		if (text[i] != ' ')
			text[left++] = text[i];
	return left;
}

/* X3: the header's field before the line that begins with the byte at @p is whole */
static void field_ends(struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t s = p, i, n;
	char text[2048];

	if (!m->header || m->policy.match.action < MODEL_LOG ||
	    (m->policy.match.what != VALUE_ENCODING &&
	     (m->policy.match.what != VALUE_HEADER || in[p] == '\r')))
		return;
	while (s > m->body && in[s - 1] != '\n')
		s--;
	if (in[s] == '.' && p == s)
		return;
	for (i = s + (in[s] == '.'); i < p; i++)
		if (in[i] != '\r')
			return;
	if (in[p] == ' ' || in[p] == '\t')
		return;
	n = unfolded(in, m->field, s, text, sizeof(text));
	m->field = s;
	if (n && m->policy.match.what == VALUE_ENCODING)
		n = encoding(text, n);
	if (!n || !memmem(text, n, m->policy.match.text, strlen(m->policy.match.text)))
		return;
	match_rules(m);
	ends(m, m->policy.match.action);
}

/* X1: is the message, or its header, too long with the byte at @p? */
static void message_ends(struct model *m, uint32_t p)
{
	const struct model_limit *l = m->policy.limits;
	const uint8_t *in = m->d[0].in;

	/* The line of the final dot is none of it */
	if (++m->message > l[MODEL_MESSAGE].max + 3ULL && l[MODEL_MESSAGE].action >= MODEL_BLOCK) {
		RULE(m, X1);
		ends(m, l[MODEL_MESSAGE].action == MODEL_RESET ? MODEL_RESET : MODEL_DROP);
	}
	if (!m->header || (in[p] == '.' && (p == m->body || in[p - 1] == '\n')))
		return;
	if (++m->header_len > l[MODEL_HEADER_LENGTH].max) {
		if (l[MODEL_HEADER_LENGTH].action >= MODEL_DROP)
			RULE(m, X1);
		ends(m, l[MODEL_HEADER_LENGTH].action);
	}
}

/* D4: does the byte at @p complete what is no end of data, but to some servers? */
static bool smuggled(const struct model *m, uint32_t p)
{
	int64_t q = p;
	uint8_t c = m->d[0].in[p];

	if (ends_bare(m, q - 1))
		return false;
	if (after_dot(c) && body_out(m, q - 1) == '.' && p > m->body) {
		if (body_out(m, q - 2) == '\n' && body_out(m, q - 3) == '\r')
			return c != '\r';
		return is_eol(body_out(m, q - 2));
	}
	return c != '\n' && p > m->body + 1 && body_out(m, q - 1) == '\r' &&
	       body_out(m, q - 2) == '.' && body_out(m, q - 3) == '\n' &&
	       body_out(m, q - 4) == '\r';
}

/* D10: does the octet at @p of a refused body leave as it is? Line ends, and dots
 * behind them
 */
static bool refused_stays(const struct model *m, uint32_t p)
{
	const struct model_dir *d = &m->d[0];

	if (is_eol(d->out[p]) || d->out[p] != d->in[p])
		return true;
	if (d->in[p] != '.')
		return false;
	while (p > m->body && d->in[p - 1] == '.' && d->out[p - 1] != ' ')
		p--;
	return is_eol(body_out(m, (int64_t)p - 1));
}

static void body_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[0];
	int64_t q = p;
	bool bare;

	m->has_cr |= d->in[p] == '\r';
	d->out[p] = body_masked(m, p, to);
	if (m->reset || d->out[p] != d->in[p] || smuggled(m, p))
		RULE(m, D4);
	/* What had passed ahead of a gap before it was refused has left */
	if (m->refused && d->piece[p] > m->refused_piece && !refused_stays(m, p)) {
		d->out[p] = 'X';
		RULE(m, D10);
	}
	if (m->policy.smuggling == MODEL_SMUGGLING_DROP && smuggled(m, p))
		ends(m, MODEL_RESET);
	message_ends(m, p);
	field_ends(m, p);
	if (m->ended)
		return;		/* the server gets no end of data */
	body_line_ends(m, p);
	if (m->reset || d->out[p] != '\n')
		return;
	bare = ends_bare(m, q - 1);
	if (!bare && (p < m->body + 2 || body_out(m, q - 1) != '\r' ||
		      body_out(m, q - 2) != '.' || body_out(m, q - 3) != '\n' ||
		      body_out(m, q - 4) != '\r'))
		return;
	RULE(m, D3);
	RULE(m, D9);
	/* The end of data is answered like a command */
	if (m->commands < MODEL_COMMANDS)
		m->kinds[m->commands++] = bare ? K_DATA_END : K_OTHER;
	m->replies += m->refused;
	if (m->bodies < 64) {
		m->body_refused[m->bodies] = m->refused;
		m->body_begin[m->bodies] = m->body;
		m->body_end[m->bodies] = p + 1;
		m->body_bare[m->bodies] = bare;
	}
	m->bodies++;
	m->body_to = p + 1;
	count_recipients(m, NULL, 0);
	m->state = M_COMMAND;
	if (bare && !m->refused) {
		RULE(m, V7);
		m->state = M_WAIT;
		m->waiting = m->commands - 1;
		m->waiting_lf = false;
	}
	m->line = p + 1;
}

/* H7: one is refused, and so is all that is on the way of chunks. What precedes them is
 * answered.
 */
static void cross_chunks(struct model *m)
{
	uint32_t i;

	for (i = m->chunks; i && m->chunk_end[i - 1] > m->acked[0]; i--)
		m->chunk_crossed[i - 1] = true;
}

/* A chunk begins: whatever it is, it passes */
static void jump(struct model *m)
{
	struct model_dir *d = &m->d[0];

	if (!m->jump)
		return;
	if (m->chunks == MODEL_CHUNKS || d->len + m->jump > MODEL_CAP) {
		m->error = "model: too many chunks";
		return;
	}
	RULE(m, D6);
	m->hole = d->len;
	m->chunk_begin[m->chunks] = d->len;
	m->chunk_end[m->chunks++] = d->len + m->jump;
	m->chunk_crossed[m->chunks - 1] = m->cross;
	for (; m->jump; m->jump--, d->len++) {
		d->out[d->len] = d->in[d->len];
		model_crossed(m, d->len, &d->out[d->len]);
	}
	m->line = d->len;
	m->jump = 0;
}

/* D8 */
static void out_of_turn(struct model *m, int code)
{
	RULE(m, D8);
	m->uncertain |= code != 421;
	if (m->refusals && !m->answered && code != 421) {
		m->answered = true;
		m->drifts = true;
	}
	if (m->policy.strict_replies && code != 421)
		ends(m, MODEL_RESET);
}

/* D10: the server refuses a body whose end it has not got */
static void refused_early(struct model *m)
{
	RULE(m, D10);
	m->drifts |= m->refusals++ > 0;
	m->uncertain = true;
	m->ehlo_sent = true;
	m->ehlos = 255;
}

/* D10: a reply that answers nothing, while a body is under way */
static void refused(struct model *m, uint32_t p)
{
	refused_early(m);
	m->refused = true;
	m->refused_piece = m->d[1].piece[p];
}

/* X2: the reply to command @n refuses a RCPT, or what stands between two */
static void recipient_refused(struct model *m, uint32_t n)
{
	const struct model_limit *l = &m->policy.limits[MODEL_REFUSED_RCPTS];

	if (!m->asked_last || n < m->asked_first || n > m->asked_last)
		return;
	if (++m->refused_rcpts <= l->max)
		return;
	if (l->action >= MODEL_DROP)
		RULE(m, X2);
	ends(m, l->action);
}

/* A complete reply has come that answers command m->replies */
static void reply_ended(struct model *m, uint32_t p, uint32_t code)
{
	uint32_t n = m->replies;
	bool awaited = m->state == M_WAIT && n == m->waiting;

	/* D10: the answer to DATA is never that */
	if (m->refusals && awaited && m->kinds[n] == K_DATA && code / 100 == 2) {
		out_of_turn(m, code);
		return;
	}
	m->replies++;
	if (code / 100 == 5)
		recipient_refused(m, n);
	/* H7 */
	if (m->commands - n <= 32 && !m->uncertain) {
		if (m->rcpts[n] == m->transaction + 1 && code / 100 == 2)
			m->accepted = true;
		if (m->bdats[n] && is_refusal(code)) {
			m->accepted = false;
			cross_chunks(m);
			RULE(m, H7);
		}
	}
	if (m->refusals && !m->answered) {
		m->answered = true;
		m->drifts |= is_refusal(code);
	}
	if (m->drifts && awaited && is_refusal(code) &&
	    (m->kinds[n] == K_DATA || m->kinds[n] == K_AUTH ||
	     m->kinds[n] == K_STARTTLS))
		m->lost = true;
	if (m->reply_early && is_refusal(code) && code != 421)
		refused_early(m);
	if (m->commands > n + 1)
		RULE(m, D7);
	if (m->kinds[n] == K_EHLO && m->reply_offers && m->ehlos &&
	    m->ehlos < 255 && !m->uncertain)
		m->ehlos--;
	if (m->state != M_WAIT || n != m->waiting)
		return;
	m->state = M_COMMAND;
	m->takes_lf |= m->waiting_lf && code >= 200 && code < 400;
	switch (m->kinds[n]) {
	case K_DATA:
		if (code == 354) {
			m->state = M_BODY;
			m->body = m->d[0].len;
			m->hole = m->body;
			m->header = true;
			m->field = m->body;
			m->header_len = 0;
			m->refused = false;
		} else {
			RULE(m, D1);
		}
		break;
	case K_AUTH:
		if (code == 334) {
			m->state = M_AUTH;
			RULE(m, D5);
		}
		break;
	case K_XEXCH50:
		if (code == 354) {
			m->kinds[m->commands++] = K_OTHER;
			m->jump = m->announced;
			m->cross = false;
			jump(m);
		}
		break;
	case K_DOUBT:
		if (code == 354)
			ends(m, MODEL_RESET);
		break;
	case K_STARTTLS:
		if (code == 220) {
			m->state = M_TLS;
			RULE(m, S2);
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

/* G8: is the octet at @p of the line's text [t, end) kept for an ESMTP? */
static bool in_esmtp(const uint8_t *in, uint32_t t, uint32_t end, uint32_t p)
{
	uint32_t w;

	for (w = t; w + 5 <= end; w++) {
		if (strncasecmp((const char *)in + w, "esmtp", 5) ||
		    (w > t && !is_blank(in[w - 1])) ||
		    (w + 5 < end && !is_blank(in[w + 5])))
			continue;
		if (p + 1 >= w && p <= w + 5)
			return true;
	}
	return false;
}

/* G6, G8: of a line whose text was judged at once. -1: another rule's */
static int greeting_line_byte(const struct model *m, uint32_t p)
{
	const struct model_dir *d = &m->d[1];
	uint32_t t = m->reply_line + 4, end, n;

	if (p < t || (!m->policy.keep_esmtp && m->policy.banner != MODEL_CMAP))
		return -1;
	for (end = t; end < d->judged && d->piece[end] == d->piece[t]; end++)
		if (is_eol(d->in[end]))
			break;
	n = end - t;
	/* Not all of it in sight */
	if (p >= end || end == d->judged || d->piece[end] != d->piece[t])
		return -1;
	if (m->policy.keep_esmtp)
		return in_esmtp(d->in, t, end, p) ? d->in[p] : -1;
	if (n < 13)
		return -1;
	if (p - t < 9)
		return "SMTP/cmap"[p - t];
	return end - p > 4 ? '_' : "read"[4 - (end - p)];
}

/* G3, G4, G5 */
static uint8_t greeting_byte(struct model *m, uint32_t p)
{
	int c6 = greeting_line_byte(m, p);
	const uint8_t *in = m->d[1].in;
	uint32_t column = p - m->reply_line;
	uint8_t c = in[p];

	if (c6 >= 0) {
		if (m->policy.keep_esmtp)
			RULE(m, G8);
		else
			RULE(m, G6);
		return c6;
	}
	if (is_eol(c)) {
		RULE(m, G2);
		return c;
	}
	if (column == 3)
		RULE(m, G5);
	if (m->policy.banner == MODEL_STARS || m->policy.banner == MODEL_CMAP) {
		RULE(m, G4);
		return column < 4 ? c : '*';
	}
	RULE(m, G3);
	if (c == '2' || c == '0')
		return c;
	if (c == ' ' && p && in[p - 1] == '0')
		return c;
	if (column == 3 && (c == '-' || c == ' ') &&
	    line_code(m, m->reply_line, p) == 220)
		return c;
	return '*';
}

/* Does the reply that is being read answer an EHLO, by count? */
static bool answers_ehlo(const struct model *m)
{
	return m->reply_expected && m->kinds[m->replies] == K_EHLO;
}

/* Does a reply that begins here answer a command? D11: not one that it cannot
 * have got yet
 */
static bool expects_reply(const struct model *m)
{
	if (m->early && m->state == M_WAIT && m->replies == m->waiting &&
	    m->kinds[m->waiting] != K_DATA_END &&
	    m->kinds[m->waiting] != K_GREETING)
		return false;
	return m->replies < m->commands;
}

/* Would a 250 of several lines that begins now be masked as an EHLO's? D11 */
static bool masks(const struct model *m)
{
	if (!expects_reply(m))
		return m->ehlo_sent;
	return m->kinds[m->replies] == K_EHLO || m->ehlos || m->ehlo_line;
}

/* E2; D11: what is no answer to EHLO by count offers no CHUNKING */
static bool keyword_passes(const struct model *m, const uint8_t *word, size_t n,
			   bool whole)
{
	struct model_policy p = m->policy;
	int i;

	for (i = 0; i < 4 && (!answers_ehlo(m) || m->reply_uncertain); i++)
		if (p.ehlo_allow[i] && !strcmp(p.ehlo_allow[i], "chunking"))
			p.ehlo_allow[i] = "\n";
	return keyword_ok(&p, word, n, whole);
}

/* Has the word that begins with the octet at @i of the text the match's in it? */
static bool word_matched(const struct model *m, const uint8_t *text, uint32_t n, uint32_t i)
{
	const char *has = m->policy.match.text;
	uint32_t e;

	for (e = i; e < n && !is_blank(text[e]) && !is_eol(text[e]); e++)
		;
	return memmem(text + i, e - i, has, strlen(has));
}

/* X6: does a match act on the EHLO line with this text? */
static bool keyword_acts(const struct model *m, const uint8_t *text, uint32_t n)
{
	return m->policy.match.what == VALUE_KEYWORD && word_matched(m, text, n, 0);
}

/* X8: is the octet at @i of the EHLO line's text one of a mechanism that is not told? */
static bool mechanism_masked(const struct model *m, const uint8_t *text, uint32_t n,
			     uint32_t i)
{
	if (m->policy.match.what != VALUE_MECHANISM || n < 5 || i < 5 || is_blank(text[i]) ||
	    is_eol(text[i]) || !(is_blank(text[4]) || text[4] == '=') ||
	    strncasecmp((const char *)text, "AUTH", 4))
		return false;
	while (i > 5 && !is_blank(text[i - 1]))
		i--;
	return word_matched(m, text, n, i);
}

/* Is the EHLO line known to be masked, from what [.., to) shows of it? */
static bool ehlo_line_masked(const struct model *m, uint32_t to)
{
	const uint8_t *in = m->d[1].in;
	uint32_t k = m->reply_line + 4, e;

	for (e = k; e < to; e++)
		if (is_blank(in[e]) || is_eol(in[e]))
			break;
	/* Nothing behind the fourth byte; a bare CR ends its text, too */
	if (e == k && e < to && is_eol(in[e]))
		return false;
	return m->reply_matched || !keyword_passes(m, in + k, e - k, e < to);
}

/* D6: the reply has the keyword [k, e), if it is the line's first word */
static void offered(struct model *m, uint32_t k, uint32_t e)
{
	const uint8_t *in = m->d[1].in;
	uint32_t i;

	for (i = k; i < e; i++)
		if (is_blank(in[i]) || is_eol(in[i]))
			return;
	m->reply_offers |= keyword_passes(m, in + k, e - k, true);
	if (answers_ehlo(m) && !m->reply_uncertain && m->replies == m->hello && word_is("chunking", in + k, e - k, true) &&
	    keyword_ok(&m->policy, in + k, e - k, true))
		m->chunking = true;
}

/* Where the piece of @p ends, or the line */
static uint32_t line_piece(const struct model *m, uint32_t p, uint32_t to)
{
	const struct model_dir *d = &m->d[1];
	uint32_t e;

	for (e = p; e < to && d->piece[e] == d->piece[p] && !is_eol(d->in[e]); e++)
		;
	return e;
}

/* X6, X8: is the piece [k, e) of an EHLO line's text too short for the match? */
static bool ehlo_line_cut(const struct model *m, uint32_t k, uint32_t e, uint32_t to)
{
	const struct model_dir *d = &m->d[1];
	const char *text = (const char *)d->in + k;
	uint32_t i;

	if (e < to && d->piece[e] == d->piece[k])
		return false;		/* it is whole */
	for (i = k; i < e && !is_blank(d->in[i]); i++)
		;
	if (m->policy.match.what == VALUE_MECHANISM && i < e)
		return e - k >= 5 && (is_blank(text[4]) || text[4] == '=') &&
		       !strncasecmp(text, "AUTH", 4);
	return i == e && (m->policy.match.what == VALUE_MECHANISM ||
			  m->policy.match.what == VALUE_KEYWORD);
}

/* X6, X8: the octet at @p of an EHLO line's text */
static void ehlo_byte_matched(struct model *m, uint32_t p, uint32_t to)
{
	uint32_t k = m->reply_line + 4, e = line_piece(m, k, to);
	const uint8_t *text = m->d[1].in + k;

	if (ehlo_line_cut(m, k, e, to)) {
		m->reply_matched = true;
		return;
	}
	if (p == k && keyword_acts(m, text, e - k)) {
		match_rules(m);
		m->reply_matched = m->policy.match.action == MODEL_BLOCK;
		ends(m, m->policy.match.action);
	}
	if (p < e && mechanism_masked(m, text, e - k, p - k)) {
		match_rules(m);
		m->d[1].out[p] = 'X';
	}
}

static void server_byte(struct model *m, uint32_t p, uint32_t to)
{
	struct model_dir *d = &m->d[1];
	uint32_t s = m->reply_line, run, i;
	uint8_t c = d->in[p];
	bool ehlo, more;
	int code;

	if (p == s && (!m->reply_begun || m->reply_expected))
		m->reply_from = s;
	if (p == s)
		m->reply_matched = false;
	if (p - s + 1 > m->policy.limits[MODEL_REPLY_LINE].max) {
		if (m->policy.limits[MODEL_REPLY_LINE].action >= MODEL_DROP)
			RULE(m, X1);
		ends(m, m->policy.limits[MODEL_REPLY_LINE].action);
	}
	if (p == s && !m->reply_begun) {
		m->reply_expected = expects_reply(m);
		m->reply_in_body = !m->reply_expected && m->state == M_BODY &&
				   !m->refused;
		m->reply_early = m->reply_in_body || m->body_to > m->acked[0];
		m->reply_masked = masks(m);
		m->reply_offers = false;
		m->greeting_masked = false;
		m->letters = 0;
	}
	if (p - s == 3)
		m->reply_uncertain = m->uncertain;
	d->out[p] = c;
	code = line_code(m, s, p + 1);
	if (code == 220 && p - s == 2 && !m->reply_begun &&
	    m->reply_expected && !m->replies &&
	    m->policy.banner != MODEL_KEEP) {
		m->greeting_masked = true;
		RULE(m, G1);
	}
	if (m->greeting_masked && !(p - s < 3 && !m->reply_begun))
		d->out[p] = greeting_byte(m, p);

	/* E1 */
	ehlo = m->reply_masked && m->reply_begun && code == 250 &&
	       !m->greeting_masked;
	if (ehlo && p - s >= 4 && (is_eol(c) || is_blank(c)) && !m->reply_matched)
		offered(m, s + 4, p);
	if (ehlo && (m->policy.ehlo_allow[0] || m->policy.ehlo_deny[0]))
		RULE(m, E3);
	if (ehlo && !answers_ehlo(m))
		RULE(m, D11);
	if (ehlo && p - s >= 4 && !is_eol(c))
		ehlo_byte_matched(m, p, to);
	ehlo &= m->policy.ehlo != MODEL_EHLO_KEEP || m->reply_matched;
	if (ehlo && p - s >= 4 && !is_eol(c)) {
		for (run = p; run < to && d->piece[run] == d->piece[p]; run++)
			if (d->in[run] == '\n')
				break;
		if (run < to && d->piece[run] == d->piece[p])
			run++;
		if (ehlo_line_masked(m, run)) {
			d->out[p] = 'X';
			RULE(m, E1);
			RULE(m, E2);
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
	if (code < 0) {
		out_of_turn(m, code);
		return;
	}
	more = d->in[s + 3] == '-';
	m->reply_begun = more;
	if (!more && m->reply_in_body && is_refusal(code) && code != 421) {
		/* Its end may have come meanwhile */
		if (m->state == M_BODY)
			refused(m, p);
		else
			reply_ended(m, p, code);
		return;
	}
	if (!more && m->reply_expected)
		reply_ended(m, p, code);
	else if (!more)
		out_of_turn(m, code);
}

/* Where the whole lines in sight from @s on end, or the reply; @ends: that does */
static uint32_t lines_end(const struct model *m, uint32_t s, bool *ends)
{
	const uint8_t *in = m->d[1].in;
	uint32_t p;

	*ends = false;
	for (p = s; p < m->sight; p++) {
		if (in[p] != '\n')
			continue;
		*ends = line_code(m, s, p) >= 0 && in[s + 3] != '-';
		s = p + 1;
		if (*ends)
			break;
	}
	return s;
}

bool model_rewrites(const struct model *m, bool *whole)
{
	const struct model_dir *d = &m->d[1];
	uint32_t s = d->len, n = m->sight - s;
	const uint8_t *in = d->in + s;
	bool text = !m->replies && m->policy.banner == MODEL_TEXT, ends;

	if (s != m->reply_line || m->state == M_TLS || m->sight <= s)
		return false;
	*whole = lines_end(m, s, &ends) > s;
	if (n > 3)
		n = 3;
	if (text && m->reply_begun && m->greeting_masked)
		return true;
	if (text && !m->reply_begun && !memcmp(in, "220", n))
		return true;
	/* Its first line always stays */
	return (m->reply_begun ? m->reply_masked : masks(m) && *whole) &&
	       m->policy.ehlo == MODEL_STRIP && !memcmp(in, "250", n);
}

bool model_must_wait(struct model *m, int dir)
{
	bool busy = model_in_flight(m, dir) || (!dir && m->hole > m->acked[0]);
	uint32_t n, rest = m->sight - m->d[dir].len;
	bool whole;

	if (!m->elastic)
		return false;
	if (dir)
		return (busy || no_room_yet(m, 1, rest < m->room ? rest : m->room)) &&
		       model_rewrites(m, &whole);
	return (busy || no_room_yet(m, 0, 4)) &&
	       line_to_noop(m, &n, &whole) && n < 4 && whole;
}

static void offered_line(struct model *m, uint32_t s, uint32_t to, bool first)
{
	uint32_t e;

	if (first || line_code(m, s, to) < 0)
		return;
	for (e = s + 4; e < to && !is_blank(m->d[1].in[e]) && !is_eol(m->d[1].in[e]); e++)
		;
	if (e < to)
		offered(m, s + 4, e);
}

/* E4: what is left of the reply's lines in [s, to); returns its octets. @ends: the
 * last of the reply is among them.
 */
static uint32_t strip(struct model *m, uint32_t s, uint32_t to, bool ends,
		      uint8_t *buf)
{
	const uint8_t *in = m->d[1].in;
	uint32_t n = 0, last = 0, first = m->reply_begun ? UINT32_MAX : s, p, e;

	while (s < to) {
		for (p = s; in[p] != '\n'; p++)
			;
		p++;
		for (e = s + 4; e < p && !is_blank(in[e]) && !is_eol(in[e]); e++)
			;
		offered_line(m, s, p, s == first);
		/* The first line, lines without text, and allowed ones */
		if (s == first || (line_code(m, s, p) >= 0 &&
				   (e <= s + 4 ||
				    keyword_passes(m, in + s + 4, e - s - 4, true)))) {
			last = n;
			memcpy(buf + n, in + s, p - s);
			n += p - s;
		}
		s = p;
	}
	if (!n) {
		memcpy(buf, ends ? "250 OK\r\n" : "250-OK\r\n", 8);
		n = 8;
	}
	if (ends && buf[last + 3] == '-')
		buf[last + 3] = ' ';
	return n;
}

/* E4, X6, X8: what matches do to the lines [s, to), @buf of @n octets leaving */
static void lines_matched(struct model *m, uint32_t s, uint32_t to, uint8_t *buf, uint32_t n)
{
	static uint8_t was[MODEL_CAP];
	const uint8_t *in = m->d[1].in;
	uint32_t first = m->reply_begun ? UINT32_MAX : s, p, i;

	for (p = s; p < to; p++) {
		if (in[p] != '\n')
			continue;
		if (s != first && p - s >= 4 && line_code(m, s, p) >= 0 &&
		    keyword_acts(m, in + s + 4, p - s - 4)) {
			match_rules(m);
			ends(m, m->policy.match.action);
		}
		s = p + 1;
	}
	memcpy(was, buf, n);
	for (p = 0, s = 0; p < n; p++) {
		if (buf[p] != '\n')
			continue;
		for (i = s + 4; i < p && (s || first == UINT32_MAX); i++)
			if (mechanism_masked(m, was + s + 4, p - s - 4, i - s - 4)) {
				match_rules(m);
				buf[i] = 'X';
			}
		s = p + 1;
	}
}

/* X1: lines that are rewritten as a whole */
static void lines_limited(struct model *m, uint32_t s, uint32_t to)
{
	uint32_t p;

	for (p = s; p < to; p++) {
		if (p - s + 1 > m->policy.limits[MODEL_REPLY_LINE].max) {
			if (m->policy.limits[MODEL_REPLY_LINE].action >= MODEL_DROP)
				RULE(m, X1);
			ends(m, m->policy.limits[MODEL_REPLY_LINE].action);
		}
		if (m->d[1].in[p] == '\n')
			s = p + 1;
	}
}

/* D8: is a line of [s, to) no reply line? */
static bool odd_lines(const struct model *m, uint32_t s, uint32_t to)
{
	uint32_t p;

	for (p = s; p < to; p++) {
		if (m->d[1].in[p] != '\n')
			continue;
		if (line_code(m, s, p) < 0)
			return true;
		s = p + 1;
	}
	return false;
}

/* G7, E4: true where the lines that begin here have been judged as a whole */
static bool server_rewrite(struct model *m, uint32_t to)
{
	static uint8_t buf[MODEL_CAP];
	struct model_dir *d = &m->d[1];
	bool greeting, whole, ends, changes, open;
	uint32_t s = d->len, n, end;

	if (!m->elastic || !model_rewrites(m, &whole))
		return false;
	m->reply_uncertain = m->uncertain;
	if (!whole) {
		m->not_whole = s;
		return false;
	}
	end = lines_end(m, s, &ends);
	greeting = !m->replies && m->policy.banner == MODEL_TEXT &&
		   (m->reply_begun ? m->greeting_masked : d->in[s + 1] == '2');
	if (!m->reply_begun) {
		m->reply_expected = expects_reply(m);
		m->reply_in_body = !m->reply_expected && m->state == M_BODY &&
				   !m->refused;
		m->reply_early = m->reply_in_body || m->body_to > m->acked[0];
		m->reply_masked = masks(m);
		m->reply_offers = false;
	}
	if (greeting) {
		n = strlen(m->policy.text);
		memcpy(buf, m->policy.text, n);
		if (!ends)
			buf[3] = '-';
		RULE(m, G7);
	} else {
		RULE(m, E4);
		n = strip(m, s, end, ends, buf);
	}
	changes = greeting || n != end - s || memcmp(buf, d->in + s, n);
	if (changes && (model_in_flight(m, 1) || no_room_yet(m, 1, n))) {
		if (m->sight_sure)
			m->error = "G7, E4: a second change of length did not wait";
		return false;
	}
	if (changes && n > m->room)
		return false;
	if (end > to) {
		m->error = "G7, E4: a line that is rewritten was judged in part";
		return false;
	}
	if (!m->reply_begun)
		m->letters = 0;
	if (!m->reply_begun || m->reply_expected)
		m->reply_from = s;
	open = !m->ended;
	lines_limited(m, s, end);
	if (changes && odd_lines(m, s, end))
		out_of_turn(m, -1);
	if (!greeting)
		lines_matched(m, s, end, buf, n);
	if (open && m->ended)
		return true;
	edit(m, 1, end - s, buf, n);
	m->greeting_masked = greeting;
	m->reply_begun = !ends;
	m->reply_line = end;
	if (ends && m->reply_expected)
		reply_ended(m, end - 1, greeting ? 220 : 250);
	else if (ends)
		out_of_turn(m, 250);
	return true;
}

static bool first_of_verb(const struct model *m, uint32_t p)
{
	const uint8_t *in = m->d[0].in;
	uint32_t i;

	for (i = m->line; i < p; i++)
		if (!before_verb(m, in[i]))
			return false;
	return true;
}

/* The octet at @p has ended the connection. What was in order passes: up to the
 * line, or the reply that answers nothing, as far as it is of the same piece.
 */
static void back(struct model *m, int dir, uint32_t p, uint32_t nr_edits,
		 uint32_t pool_len)
{
	struct model_dir *d = &m->d[dir];
	uint32_t from = dir ? m->reply_from : m->line, piece = p;

	m->ehlo_line &= dir;	/* it never ends */
	d->nr_edits = nr_edits;
	d->pool_len = pool_len;
	if (nr_edits && from < d->edits[nr_edits - 1].pos + d->edits[nr_edits - 1].old)
		from = d->edits[nr_edits - 1].pos + d->edits[nr_edits - 1].old;
	while (piece > from && d->piece[piece - 1] == d->piece[p])
		piece--;
	d->len = piece;
	m->answers = !dir;
}

/* H7: begins a BDAT that may pass at @p? */
static bool may_be_bdat(const struct model *m, uint32_t p)
{
	return (m->d[0].in[p] | 0x20) == 'b' && m->chunking && m->asked &&
	       !m->uncertain && !m->refusals && !m->accepted &&
	       !m->policy.tls_required && listed(m->policy.allow, "bdat") &&
	       !behind_cr(m, p);
}

/* ... and is a RCPT of its transaction not answered, or a BDAT? */
static bool recipients_open(const struct model *m)
{
	uint32_t i;

	for (i = m->replies; i < m->commands; i++)
		if (m->commands - i <= 32 &&
		    (m->rcpts[i] == m->transaction + 1 || m->bdats[i]))
			return true;
	return false;
}

/* D6: begins an XEXCH50 at @p that may pass, and is a command before it not answered? */
static bool xexch50_open(const struct model *m, uint32_t p)
{
	uint32_t n = m->sight - p;

	return word_is("xexch50", m->d[0].in + p, n < 7 ? n : 7, false) && m->replies < m->commands &&
	       !m->uncertain && !m->refusals && !m->policy.tls_required &&
	       listed(m->policy.allow, "xexch50") &&
	       !behind_cr(m, p);
}

bool model_chunk_waits(const struct model *m)
{
	uint32_t p = m->d[0].len;

	return m->state == M_COMMAND && p < m->sight && first_of_verb(m, p) &&
	       ((may_be_bdat(m, p) && recipients_open(m)) || xexch50_open(m, p));
}

bool model_begins(struct model *m)
{
	uint32_t p = m->d[0].len, v, e;
	bool ended;

	if (m->state != M_COMMAND || p >= m->sight)
		return false;
	find_verb(m, m->sight, &v, &e, &ended);
	return ended && p >= v && p <= e && begins_message(m, v, e);
}

/* V11: it passes, and what follows it waits for the greeting */
static void proxy_byte(struct model *m, uint32_t p)
{
	m->d[0].out[p] = m->d[0].in[p];
	if (p + 1 < m->policy.proxy)
		return;
	m->line = p + 1;
	m->state = M_WAIT;
	m->waiting = 0;
	RULE(m, V11);
}

static void judge(struct model *m, int dir, uint32_t to)
{
	struct model_dir *d = &m->d[dir];
	uint32_t p;

	d->judged = to;
	while (d->len < to && !m->error &&
	       (model_open(m, dir) || (!m->ended && !m->reset))) {
		uint32_t nr_edits = d->nr_edits, pool_len = d->pool_len;
		uint32_t from = d->len;
		bool open = !m->ended;

		p = from;
		if (m->state == M_TLS) {
			memcpy(d->out + p, d->in + p, to - p);
			d->len = to;
			return;
		}
		if (dir) {
			/* The new state holds for the client's next byte */
			bool rewritten = server_rewrite(m, to);

			if (!rewritten)
				server_byte(m, p, to);
			if (open && m->ended) {
				back(m, dir, p, nr_edits, pool_len);
				return;
			}
			if (rewritten)
				continue;
		} else if (p < m->policy.proxy) {
			proxy_byte(m, p);
		} else if (m->state == M_WAIT) {
			m->error = "bytes behind a synchronisation point passed";
			return;
		} else if (m->state == M_BODY) {
			body_byte(m, p, to);
		} else {
			bool edited;
			uint32_t i;

			if (m->state == M_COMMAND && first_of_verb(m, p)) {
				m->policy.no_bdat = !m->chunking || !m->asked ||
						    m->uncertain;
				if (may_be_bdat(m, p) && recipients_open(m))
					m->error = "H7: BDAT did not wait for the reply to RCPT";
				if (xexch50_open(m, p))
					m->error = "D6: XEXCH50 did not wait for replies";
				m->policy.no_chunks = m->refusals || m->uncertain;
				m->may_chunk = m->ehlo_sent;
				m->policy.lost = m->lost;
			}
			check_refused(m, p);
			command_ends(m, p);
			edited = !m->ended && command_edit(m, to);
			while (edited && !m->ended && ++p < d->len)
				filled_ends(m, p);
			if (edited && !m->ended && p < m->sight)
				filled_verb_ends(m, p);
			if (!edited && !m->ended)
				command_byte(m, p, to);
			for (i = from; i < d->len + !edited; i++)
				m->has_cr |= d->in[i] == '\r';
			if (m->ended) {
				back(m, dir, p, nr_edits, pool_len);
				return;
			}
			if (edited)
				continue;
		}
		d->len++;
		if (!dir)
			jump(m);
	}
}

void model_judge(struct model *m, int dir, uint32_t to)
{
	judge(m, dir, to);
	flatten(&m->d[0]);
	flatten(&m->d[1]);
}
