// SPDX-License-Identifier: GPL-2.0-only
/* Limits. See limits.h. */
#include "../scan/octets.h"
#include "limits.h"
#include "parser.h"

static const u8 smtp_limit_events[__SMTP_FIXUP_LIMIT_MAX] = {
	[SMTP_FIXUP_LIMIT_COMMAND_LINE]	= SMTP_FIXUP_EVENT_COMMAND_LINE_LONG,
	[SMTP_FIXUP_LIMIT_RCPT]		= SMTP_FIXUP_EVENT_RCPT_EXCESS,
	[SMTP_FIXUP_LIMIT_SENDER]	= SMTP_FIXUP_EVENT_SENDER_LONG,
	[SMTP_FIXUP_LIMIT_HEADER_LINE]	= SMTP_FIXUP_EVENT_HEADER_LINE_LONG,
	[SMTP_FIXUP_LIMIT_BODY_LINE]	= SMTP_FIXUP_EVENT_BODY_LINE_LONG,
	[SMTP_FIXUP_LIMIT_MIME_FILENAME] = SMTP_FIXUP_EVENT_MIME_FILENAME_LONG,
	[SMTP_FIXUP_LIMIT_MESSAGE]	= SMTP_FIXUP_EVENT_MESSAGE_LONG,
	[SMTP_FIXUP_LIMIT_HEADER_LENGTH] = SMTP_FIXUP_EVENT_HEADER_LONG,
	[SMTP_FIXUP_LIMIT_TO_FIELDS]	= SMTP_FIXUP_EVENT_TO_FIELDS_EXCESS,
	[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS] = SMTP_FIXUP_EVENT_RECIPIENTS_INVALID,
	[SMTP_FIXUP_LIMIT_REPLY_LINE]	= SMTP_FIXUP_EVENT_REPLY_LINE_LONG,
	[SMTP_FIXUP_LIMIT_BDAT_CHUNK]	= SMTP_FIXUP_EVENT_BDAT_CHUNK_LONG,
	[SMTP_FIXUP_LIMIT_XEXCH50_BLOCK] = SMTP_FIXUP_EVENT_XEXCH50_BLOCK_LONG,
	[SMTP_FIXUP_LIMIT_RATE]		= SMTP_FIXUP_EVENT_MESSAGE_ABOVE_RATE,
	[SMTP_FIXUP_LIMIT_SOURCE_RATE]	= SMTP_FIXUP_EVENT_MESSAGE_ABOVE_SOURCE_RATE,
};

/* L, X1, X2, X7 */
void smtp_limit_exceeded(struct smtp_parser *ps, enum smtp_fixup_limit limit)
{
	u8 action = ps->policy->limits[limit].action;

	if (action == SMTP_FIXUP_ACTION_OFF)
		return;
	smtp_event(ps->host, smtp_limit_events[limit], NULL, 0);
	if (action == SMTP_FIXUP_ACTION_DROP)
		smtp_parser_end(ps, SMTP_END_DROP);
	else if (action == SMTP_FIXUP_ACTION_RESET)
		smtp_parser_end(ps, SMTP_END_RESET);
}

void smtp_limit_octets(struct smtp_parser *ps, u32 n)
{
	u32 max = ps->policy->limits[SMTP_FIXUP_LIMIT_COMMAND_LINE].max;
	struct smtp_session *s = ps->s;
	u32 column = s->column;

	/* SASL responses have no such limit: RFC 4954, 4 */
	if (s->phase == SMTP_FIXUP_PHASE_AUTH)
		return;
	s->column += n;
	if (column <= max && s->column > max)
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_COMMAND_LINE);
}

/* Adds @n to the sum, which stops at its highest value. Returns whether it has exceeded
 * the limit by that.
 */
static bool smtp_limit_passed(const struct smtp_limit *l, u32 *sum, u32 n)
{
	u32 before = *sum;

	*sum = n < ~before ? before + n : ~0U;
	return l->action && before <= l->max && *sum > l->max;
}

/* A message is too long, by its announced size or its octets. It can't be masked any
 * more.
 */
static void smtp_limit_message_long(struct smtp_parser *ps)
{
	smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_MESSAGE);
	if (ps->policy->limits[SMTP_FIXUP_LIMIT_MESSAGE].action ==
	    SMTP_FIXUP_ACTION_MASK)
		smtp_parser_end(ps, SMTP_END_DROP);
}

void smtp_limit_message(struct smtp_parser *ps, u32 n)
{
	struct smtp_limit l = ps->policy->limits[SMTP_FIXUP_LIMIT_MESSAGE];

	/* The line of the final dot is not part of the message */
	if (l.max <= ~0U - 3)
		l.max += 3;
	if (smtp_limit_passed(&l, &ps->s->message, n))
		smtp_limit_message_long(ps);
}

void smtp_limit_header(struct smtp_parser *ps, u32 *len, u32 n)
{
	if (smtp_limit_passed(&ps->policy->limits[SMTP_FIXUP_LIMIT_HEADER_LENGTH],
			      len, n))
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_HEADER_LENGTH);
}

void smtp_limit_to(struct smtp_parser *ps, u32 *count, u32 n)
{
	if (smtp_limit_passed(&ps->policy->limits[SMTP_FIXUP_LIMIT_TO_FIELDS],
			      count, n))
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_TO_FIELDS);
}

/* A digit was added to the announced size, which was @before. Returns whether the command
 * is masked.
 */
static bool smtp_limit_chunk_size(struct smtp_parser *ps, u32 before)
{
	struct smtp_session *s = ps->s;
	bool block = s->chunk.verb == SMTP_FIXUP_VERB_XEXCH50;
	enum smtp_fixup_limit limit = block ? SMTP_FIXUP_LIMIT_XEXCH50_BLOCK :
					      SMTP_FIXUP_LIMIT_BDAT_CHUNK;
	const struct smtp_limit *l = &ps->policy->limits[limit];
	u32 more = s->chunk.size - before, sum = before;
	bool passed = smtp_limit_passed(l, &sum, more);

	if (passed)
		smtp_limit_exceeded(ps, limit);
	if (block || smtp_parser_over(ps))
		return passed && l->action == SMTP_FIXUP_ACTION_MASK;
	/* X1: the chunks of a message count together */
	sum = s->message < ~before ? s->message + before : ~0U;
	if (smtp_limit_passed(&ps->policy->limits[SMTP_FIXUP_LIMIT_MESSAGE], &sum,
			      more))
		smtp_limit_message_long(ps);
	return false;
}

bool smtp_limit_chunk(struct smtp_parser *ps, u8 c)
{
	struct smtp_session *s = ps->s;
	u32 before = s->chunk.size;

	if (!smtp_chunk_octet(&s->chunk, c))
		return true;
	return !s->chunk.blocked && s->chunk.size != before &&
	       smtp_limit_chunk_size(ps, before);
}

void smtp_limit_chunk_announced(struct smtp_session *s)
{
	s->message = smtp_chunk_last(&s->chunk) ? 0 :
		     s->chunk.size < ~s->message ? s->message + s->chunk.size : ~0U;
}

void smtp_limit_reply(struct smtp_parser *ps, u32 n)
{
	struct smtp_session *s = ps->s;
	u32 len = s->reply_len;

	if (smtp_limit_passed(&ps->policy->limits[SMTP_FIXUP_LIMIT_REPLY_LINE], &len, n))
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_REPLY_LINE);
	s->reply_len = len < 0xffff ? len : 0xffff;
}

/* RFC 1870: where in a MAIL's parameters the next octet stands */
#define SMTP_SIZE_NONE		0	/* of another command */
#define SMTP_SIZE_OTHER		1	/* in another parameter, or an address */
#define SMTP_SIZE_WORD		2	/* + n: in a word, after n octets of "SIZE=" */
#define SMTP_SIZE_VALUE		(SMTP_SIZE_WORD + 5)

void smtp_limit_declared_begin(struct smtp_session *s)
{
	s->size_at = SMTP_SIZE_OTHER;
	if (s->value.at == SMTP_VALUE_NOWHERE) {
		s->value.what = SMTP_FIXUP_WHAT_SENDER;
		s->value.at = SMTP_VALUE_SIZE;
	}
}

bool smtp_limit_declared(struct smtp_parser *ps, u8 c)
{
	static const char word[] = "SIZE=";
	const struct smtp_limit *l = &ps->policy->limits[SMTP_FIXUP_LIMIT_MESSAGE];
	struct smtp_session *s = ps->s;
	u32 before = s->declared;

	if (smtp_is_eol(c)) {
		s->size_at = SMTP_SIZE_NONE;
		s->value.at = SMTP_VALUE_NOWHERE;
		return false;
	}
	if (s->value.at == SMTP_VALUE_NOWHERE)
		s->value.at = SMTP_VALUE_SIZE;
	if (s->address != SMTP_ADDRESS_AFTER) {
		s->size_at = s->address < SMTP_ADDRESS_AFTER ? SMTP_SIZE_WORD :
								 SMTP_SIZE_OTHER;
		return false;
	}
	if (smtp_is_blank(c)) {
		s->size_at = SMTP_SIZE_WORD;
		return false;
	}
	if (s->size_at < SMTP_SIZE_VALUE) {
		if (s->size_at >= SMTP_SIZE_WORD &&
		    (c & (c == '=' ? 0xff : 0xdf)) == word[s->size_at - SMTP_SIZE_WORD])
			s->size_at++;
		else
			s->size_at = SMTP_SIZE_OTHER;
		s->declared = 0;
		return false;
	}
	if (c < '0' || c > '9') {
		s->size_at = SMTP_SIZE_OTHER;
		return false;
	}
	s->declared = before < ~0U / 10 ? before * 10 + (c - '0') : ~0U;
	if (before > l->max || s->declared <= l->max)
		return false;
	smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_MESSAGE);
	return l->action == SMTP_FIXUP_ACTION_MASK;
}

void smtp_limit_asked(struct smtp_parser *ps)
{
	struct smtp_session *s = ps->s;

	if (!smtp_seq_before(s->replies, s->asked_last))
		s->asked_first = s->commands;
	s->asked_last = s->commands;
}

void smtp_limit_answered(struct smtp_parser *ps)
{
	const struct smtp_limit *l =
		&ps->policy->limits[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS];
	struct smtp_session *s = ps->s;

	if (s->reply_code / 100 != 5 ||
	    smtp_seq_before(s->replies, s->asked_first) ||
	    smtp_seq_before(s->asked_last, s->replies))
		return;
	if (s->invalid <= l->max && s->invalid < 0xffff)
		s->invalid++;
	if (s->invalid > l->max)
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS);
}

void smtp_limit_verb(struct smtp_parser *ps, int verb)
{
	struct smtp_session *s = ps->s;

	switch (verb) {
	case SMTP_FIXUP_VERB_HELO:
	case SMTP_FIXUP_VERB_EHLO:
	case SMTP_FIXUP_VERB_RSET:
		s->recipients = 0;
		s->message = 0;
		break;
	case SMTP_FIXUP_VERB_RCPT:
		if (s->recipients < ps->policy->limits[SMTP_FIXUP_LIMIT_RCPT].max)
			s->recipients++;
		else
			smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_RCPT);
		break;
	}
}

bool smtp_limit_ends_rcpts(struct smtp_parser *ps)
{
	const struct smtp_limit *rcpt = &ps->policy->limits[SMTP_FIXUP_LIMIT_RCPT];
	const struct smtp_limit *invalid =
		&ps->policy->limits[SMTP_FIXUP_LIMIT_INVALID_RECIPIENTS];

	if (rcpt->action >= SMTP_FIXUP_ACTION_MASK &&
	    ps->s->recipients >= rcpt->max) {
		smtp_limit_exceeded(ps, SMTP_FIXUP_LIMIT_RCPT);
		return true;
	}
	/* That limit was reported when the reply exceeded it */
	return invalid->action == SMTP_FIXUP_ACTION_MASK &&
	       ps->s->invalid > invalid->max;
}
