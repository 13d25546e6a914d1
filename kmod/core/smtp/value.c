// SPDX-License-Identifier: GPL-2.0-only
/* Values. See value.h. */
#include "../scan/octets.h"
#include "parser.h"
#include "../match/criteria.h"
#include "value.h"

/* X: takes the action of a match. Returns whether that masks. */
static bool smtp_match_act(struct smtp_parser *ps, const struct smtp_criterion *m)
{
	enum smtp_fixup_event event = SMTP_FIXUP_EVENT_MATCH_ENDED;

	if (!m)
		return false;
	if (m->action == SMTP_FIXUP_ACTION_LOG)
		event = SMTP_FIXUP_EVENT_MATCH_LOGGED;
	else if (m->action == SMTP_FIXUP_ACTION_MASK)
		event = SMTP_FIXUP_EVENT_MATCH_MASKED;
	smtp_event(ps->host, event, (const u8 *)m->text, m->len);
	if (m->action == SMTP_FIXUP_ACTION_DROP)
		smtp_parser_end(ps, SMTP_END_DROP);
	else if (m->action == SMTP_FIXUP_ACTION_RESET)
		smtp_parser_end(ps, SMTP_END_RESET);
	return m->action == SMTP_FIXUP_ACTION_MASK;
}

void smtp_match_message(struct smtp_parser *ps, u8 what, u16 state)
{
	const struct smtp_criteria *c = ps->policy->criteria;

	if (smtp_criteria_has(c, what) && !smtp_parser_over(ps))
		smtp_match_act(ps, smtp_criteria_verdict(c, what, state));
}

static void smtp_value_begin(struct smtp_parser *ps, u8 what, u8 at)
{
	struct smtp_value *v = &ps->s->value;
	const struct smtp_criteria *c = ps->policy->criteria;

	if (!smtp_criteria_has(c, what) &&
	    !(what == SMTP_FIXUP_WHAT_RECIPIENT &&
	      smtp_criteria_has(c, SMTP_FIXUP_WHAT_RELAY)))
		return;
	v->what = what;
	v->at = at;
	v->state = 0;
	v->relay = 0;
}

void smtp_value_verb(struct smtp_parser *ps)
{
	smtp_value_begin(ps, SMTP_FIXUP_WHAT_VERB, SMTP_VALUE_WORD);
}

void smtp_value_argument(struct smtp_parser *ps, int verb)
{
	switch (verb) {
	case SMTP_FIXUP_VERB_HELO:
	case SMTP_FIXUP_VERB_EHLO:
		smtp_value_begin(ps, SMTP_FIXUP_WHAT_HELO, SMTP_VALUE_START);
		break;
	case SMTP_FIXUP_VERB_MAIL:
	case SMTP_FIXUP_VERB_SAML:
	case SMTP_FIXUP_VERB_SEND:
	case SMTP_FIXUP_VERB_SOML:
		smtp_value_begin(ps, SMTP_FIXUP_WHAT_SENDER, SMTP_VALUE_COLON);
		break;
	case SMTP_FIXUP_VERB_RCPT:
		smtp_value_begin(ps, SMTP_FIXUP_WHAT_RECIPIENT,
				 SMTP_VALUE_COLON);
		break;
	case SMTP_FIXUP_VERB_AUTH:
	case SMTP_FIXUP_VERB_X_EXPS:
		smtp_value_begin(ps, SMTP_FIXUP_WHAT_MECHANISM,
				 SMTP_VALUE_START);
		break;
	}
}

/* Ends a value. Returns whether a match masks the command. */
static bool smtp_value_end(struct smtp_parser *ps)
{
	const struct smtp_criteria *c = ps->policy->criteria;
	struct smtp_value *v = &ps->s->value;
	bool masks = false;

	v->at = SMTP_VALUE_NOWHERE;
	if (v->what == SMTP_FIXUP_WHAT_RECIPIENT &&
	    smtp_criteria_has(c, SMTP_FIXUP_WHAT_RELAY))
		masks = smtp_match_act(ps,
				       smtp_criteria_verdict(c, SMTP_FIXUP_WHAT_RELAY,
							     v->relay));
	if (!smtp_parser_over(ps) && smtp_criteria_has(c, v->what))
		masks |= smtp_match_act(ps, smtp_criteria_verdict(c, v->what,
								    v->state));
	return masks;
}

static void smtp_value_grows(struct smtp_parser *ps, u8 c)
{
	const struct smtp_criteria *criteria = ps->policy->criteria;
	struct smtp_value *v = &ps->s->value;

	if (smtp_criteria_has(criteria, v->what))
		v->state = smtp_automaton_step(&criteria->table[v->what],
					       v->state, c);
	if (v->what == SMTP_FIXUP_WHAT_RECIPIENT &&
	    smtp_criteria_has(criteria, SMTP_FIXUP_WHAT_RELAY))
		v->relay = smtp_automaton_step(&criteria->table[SMTP_FIXUP_WHAT_RELAY],
					       v->relay, c);
}

static bool smtp_value_is_address(const struct smtp_value *v)
{
	return v->what == SMTP_FIXUP_WHAT_SENDER ||
	       v->what == SMTP_FIXUP_WHAT_RECIPIENT;
}

bool smtp_value_octet(struct smtp_parser *ps, u8 c)
{
	struct smtp_value *v = &ps->s->value;

	if (v->at == SMTP_VALUE_SIZE)
		return false;
	if (smtp_is_eol(c)) {
		/* Not an address, or not a mechanism: the server refuses it */
		if (v->at == SMTP_VALUE_COLON || v->at == SMTP_VALUE_AFTER ||
		    (v->at == SMTP_VALUE_START &&
		     v->what == SMTP_FIXUP_WHAT_MECHANISM)) {
			v->at = SMTP_VALUE_NOWHERE;
			return false;
		}
		return smtp_value_end(ps);
	}
	if (c == '<' && smtp_value_is_address(v) && v->at <= SMTP_VALUE_AFTER) {
		v->at = SMTP_VALUE_INSIDE;
		v->state = 0;
		v->relay = 0;
		return false;
	}
	switch (v->at) {
	case SMTP_VALUE_COLON:
		if (c == ':')
			v->at = SMTP_VALUE_START;
		return false;
	case SMTP_VALUE_START:
		if (smtp_is_blank(c))
			return false;
		v->at = SMTP_VALUE_BARE;
		break;
	case SMTP_VALUE_WORD:
	case SMTP_VALUE_BARE:
		if (!smtp_is_blank(c))
			break;
		if (smtp_value_end(ps))
			return true;
		if (smtp_value_is_address(v) && !smtp_parser_over(ps))
			v->at = SMTP_VALUE_AFTER;
		return false;
	case SMTP_VALUE_AFTER:
		if (c == '=')
			v->at = SMTP_VALUE_NOWHERE;	/* a parameter's */
		return false;
	case SMTP_VALUE_INSIDE:
		/* Servers skip blanks here */
		if (smtp_is_blank(c))
			return false;
		if (c == '>')
			return smtp_value_end(ps);
		if (c == '"')
			v->at = SMTP_VALUE_QUOTED;
		break;
	case SMTP_VALUE_QUOTED:
		if (c == '\\')
			v->at = SMTP_VALUE_ESCAPED;
		else if (c == '"')
			v->at = SMTP_VALUE_INSIDE;
		break;
	case SMTP_VALUE_ESCAPED:
		v->at = SMTP_VALUE_QUOTED;
		break;
	}
	smtp_value_grows(ps, c);
	return false;
}

void smtp_value_verb_rest(struct smtp_parser *ps, const u8 *c, u32 n)
{
	u32 room = smtp_line_room(ps->s), i;

	/* The verb is blocked whatever the matches say. V10: what is beyond is a blank. */
	for (i = 0; i < n && ps->s->value.at == SMTP_VALUE_WORD; i++)
		(void)smtp_value_octet(ps, i < room ? c[i] : ' ');
}

static u32 smtp_value_word(const u8 *text, u32 n)
{
	u32 i;

	for (i = 0; i < n && !smtp_is_blank(text[i]) && !smtp_is_eol(text[i]); i++)
		;
	return i;
}

static const struct smtp_criterion *
smtp_value_keyword_find(const struct smtp_parser *ps, const u8 *text, u32 n)
{
	return smtp_criteria_find(ps->policy->criteria,
				  SMTP_FIXUP_WHAT_KEYWORD, text,
				  smtp_value_word(text, n));
}

bool smtp_value_keyword(struct smtp_parser *ps, const u8 *text, u32 n)
{
	return smtp_match_act(ps, smtp_value_keyword_find(ps, text, n));
}

bool smtp_value_keyword_masked(const struct smtp_parser *ps, const u8 *text,
			       u32 n)
{
	const struct smtp_criterion *m = smtp_value_keyword_find(ps, text, n);

	return m && m->action == SMTP_FIXUP_ACTION_MASK;
}

/* Is the line one of AUTH, or of AUTH= as old servers have it? */
static bool smtp_value_is_auth(const u8 *text, u32 n)
{
	static const char word[] = "AUTH";
	u32 i;

	if (n < 5 || !(smtp_is_blank(text[4]) || text[4] == '='))
		return false;
	for (i = 0; i < 4 && (text[i] & ~0x20) == word[i]; i++)
		;
	return i == 4;
}

bool smtp_value_cut(const struct smtp_parser *ps, const u8 *text, u32 n)
{
	const struct smtp_criteria *c = ps->policy->criteria;
	u32 word = smtp_value_word(text, n);

	if (smtp_criteria_has(c, SMTP_FIXUP_WHAT_MECHANISM) &&
	    smtp_line_rest(text, n) == n)
		return word == n || smtp_value_is_auth(text, n);
	return word == n && smtp_criteria_has(c, SMTP_FIXUP_WHAT_KEYWORD);
}

u32 smtp_value_mechanisms(struct smtp_parser *ps, u8 *text, u32 n)
{
	const struct smtp_criterion *m = NULL;
	u32 masked = 0, i, len;

	if (!smtp_criteria_has(ps->policy->criteria, SMTP_FIXUP_WHAT_MECHANISM) ||
	    !smtp_value_is_auth(text, n))
		return 0;
	for (i = 5; i < n && !smtp_is_eol(text[i]); i += len) {
		const struct smtp_criterion *acts;

		len = smtp_value_word(text + i, n - i);
		if (!len) {
			len = 1;	/* a blank */
			continue;
		}
		acts = smtp_criteria_find(ps->policy->criteria,
					  SMTP_FIXUP_WHAT_MECHANISM, text + i, len);
		if (!acts)
			continue;
		m = acts;
		memset(text + i, 'X', len);
		masked += len;
	}
	smtp_match_act(ps, m);
	return masked;
}
