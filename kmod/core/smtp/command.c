// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands: judges what the client says, line by line and octet by octet. See
 * session.h; reply.c has the server's side.
 */
#include "../match/criteria.h"
#include "../scan/find.h"
#include "../scan/octets.h"
#include "address.h"
#include "bdat.h"
#include "block.h"
#include "limits.h"
#include "line.h"
#include "proxy.h"
#include "rate.h"
#include "sasl.h"
#include "value.h"
#include "verb.h"

/* Passes the octet @c to the matches. Returns whether the command is masked. */
static noinline bool smtp_line_matched(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;
	bool masks;

	masks = smtp_value_octet(ps, c);
	/* A masked verb is not counted as one that passes */
	if (s->line != SMTP_LINE_ARGUMENT)
		return false;
	if (unlikely(s->size_at) && !masks && !smtp_parser_over(ps))
		masks = smtp_limit_declared(ps, c);
	if (!masks && !s->value.at && !smtp_parser_over(ps))
		smtp_host_count(ps->host, SMTP_FIXUP_CNT_COMMANDS_PASSED, 1);
	return masks;
}

/* Overwrites the octet at @c if it may not pass. The buffer has @n octets from there on */
static __always_inline void smtp_line_overwrite(struct smtp_parser *ps, u8 *c, u32 n)
{
	struct smtp_session *s = ps->s;

	if (smtp_is_eol(*c) || (s->line == SMTP_LINE_BLOCKED && smtp_is_blank(*c))) {
		if (s->line == SMTP_LINE_BLOCKED)
			s->line = SMTP_LINE_ARGUMENT;
	} else if (s->line == SMTP_LINE_BLOCKED) {
		ps->out.masked += smtp_fill(c, 1, 'X');
	} else if (s->line == SMTP_LINE_FILLED) {
		ps->out.masked += smtp_fill(c, 1, smtp_line_filler(ps));
	} else if (s->sasl) {
		ps->out.masked += smtp_fill(c, 1, smtp_sasl_octet(ps, c, n));
	} else if (s->address) {
		ps->out.masked += smtp_fill(c, 1, smtp_address_octet(ps, *c));
	}
}

/* D6: reads the octet at @i of a line that announces a chunk, or of a BDAT that does not
 * pass. @odd: smtp_line_end_is_bare(); only CRLF ends such a line. Returns where to read on
 * if the command is blocked, or @i.
 */
static noinline u32 smtp_line_chunk(struct smtp_parser *ps, u32 verb, u32 end, u32 i,
				    bool odd)
{
	struct smtp_session *s = ps->s;

	if ((s->line != SMTP_LINE_ARGUMENT && !s->chunk.blocked) ||
	    !smtp_limit_chunk(ps, odd ? 0 : ps->in.buf[i]) ||
	    s->chunk.blocked)
		return i;
	return smtp_chunk_block(ps, verb, end, i);
}

/* Judges the lines from @i on: V8, V9 */
static u32 smtp_client_lines(struct smtp_parser *ps, u32 i)
{
	struct smtp_session *s = ps->s;
	u8 *const buf = ps->in.buf;
	const u32 len = ps->in.len;
	const bool rated = smtp_policy_rated(ps->policy);
	u32 verb = i;		/* where the verb begins, or else the buffer */
	u32 end = i;		/* where the verb ends */
	u32 line = i;		/* where the line begins, or else the buffer */

	/* X7: the rest of a verb */
	if (unlikely(rated) && s->line == SMTP_LINE_VERB && smtp_rate_waits(ps, i))
		return i;
	while (i < len && !ps->out.edit.old && s->phase != SMTP_FIXUP_PHASE_WAIT &&
	       !smtp_parser_over(ps)) {
		u8 *c = &buf[i];
		u32 run, next = i;
		bool odd, bare;

		if (s->line == SMTP_LINE_START &&
		    (smtp_chunk_waits(ps, c, len - i) ||
		     (unlikely(rated) && smtp_rate_waits(ps, i))))
			break;
		if (s->sasl && smtp_sasl_waits(ps, *c, len - i))
			break;
		run = smtp_line_beyond(s) ? smtp_line_blank(ps, c, len - i) : 0;
		if (!run && !s->chunk.line && !s->cr && !s->value.at) {
			if (s->line == SMTP_LINE_VERB)
				run = smtp_verb_run(ps, c, len - i);
			else if (s->line == SMTP_LINE_ARGUMENT && !s->sasl)
				run = smtp_address_run(ps, c, len - i);
		}
		if (run) {
			i += run;
			continue;
		}
		odd = smtp_line_end_is_bare(ps, i);
		bare = odd && smtp_line_end_octet(ps, i);
		if (unlikely(smtp_line_beyond(s)) && !smtp_is_eol(*c)) {
			smtp_line_cut(ps);
			ps->out.masked += smtp_fill(c, 1, ' ');
		}
		smtp_limit_octets(ps, 1);
		if (s->line == SMTP_LINE_START && *c != '\n') {
			if (smtp_is_blank(*c) || *c == '\r') {
				s->chunk.indented = true;
			} else {
				s->line = SMTP_LINE_VERB;
				smtp_verb_begins(ps, *c);
				verb = i;
				if (unlikely(ps->policy->criteria))
					smtp_value_verb(ps);
			}
		}
		if (unlikely(s->value.at)) {
			if (smtp_line_matched(ps, smtp_address_shown(ps, *c)))
				next = smtp_match_block(ps, verb, end, i);
			if (next != i)
				goto skip;
			if (smtp_parser_over(ps))
				break;
		}
		if (s->line == SMTP_LINE_VERB) {
			bool begins = s->verb.len == i - verb;

			end = i;
			if (!smtp_verb_octet(ps, *c, i == verb)) {
				next = smtp_verb_block(ps, verb, i, begins);
				if (ps->out.next == SMTP_NEED_ACK)
					return next;
				if (next != i || ps->out.edit.old)
					goto skip;
			}
		}
		if (unlikely(s->chunk.line)) {
			next = smtp_line_chunk(ps, verb, end, i, odd);
			if (next != i)
				goto skip;
		}
		smtp_line_overwrite(ps, c, len - i);
		if (smtp_parser_over(ps))
			break;
		s->cr = *c == '\r';
		i++;
		if (*c == '\n') {
			smtp_line_end(ps, bare);
			line = i;
			verb = i;
			end = i;
			if (smtp_host_busy(ps->host))
				break;
		}
		if (unlikely(ps->out.skip))
			break;
		continue;
skip:
		smtp_line_skip(ps, next - i - 1);
		i = next;
	}
	if (!smtp_parser_over(ps))
		return i;
	s->await = SMTP_AWAIT_NOTHING;	/* the line has no end */
	return line;
}

struct smtp_output smtp_client_judge(struct smtp_session *s,
				     const struct smtp_policy *policy,
				     const struct smtp_input *in,
				     struct smtp_host *host)
{
	struct smtp_parser ps = {
		.s = s, .policy = policy, .host = host, .in = *in,
	};
	u8 ended = s->ended;
	u32 header = 0, cr, used;

	s->chunk_waits = false;
	if (unlikely(s->proxy != SMTP_PROXY_OVER))
		header = smtp_proxy_judge(&ps);
	cr = header;
	if (!s->has_cr)
		cr += smtp_find(in->buf + header, in->len - header, '\r');
	used = smtp_client_lines(&ps, header);
	s->has_cr |= cr < used;
	s->hasty |= s->phase == SMTP_FIXUP_PHASE_WAIT && s->wait == SMTP_AWAIT_DATA &&
		    used < in->len;
	return smtp_parser_finish(&ps, used, true, ended);
}
