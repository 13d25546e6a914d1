/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: one for every edit and verdict. A table says what each one is
 * called, which rule it follows, which counter counts it and how the vendor
 * reports it. docs/rules.md M.
 */
#ifndef _SMTP_CORE_EVENTS_H
#define _SMTP_CORE_EVENTS_H

#include "../base/host.h"

/* What was done */
enum smtp_action {
	SMTP_ACTION_NONE,	/* it is only told */
	SMTP_ACTION_EDIT,
	SMTP_ACTION_DROP,
	SMTP_ACTION_RESET,
};

/* To what: where it stands, the event concerns that direction */
enum smtp_side {
	SMTP_SIDE_BOTH,
	SMTP_SIDE_REQUEST,	/* from the client */
	SMTP_SIDE_RESPONSE,	/* from the server */
};

/**
 * struct smtp_event_kind - what there is to know of an event beforehand
 * @name: the event
 * @rule: id of the rule in docs/rules.md
 * @counter: enum smtp_fixup_counter, what counts it
 * @action: enum smtp_action
 * @side: enum smtp_side
 * @vendor: number of the vendor's message, or 0
 * @text: what happened, for a person
 * @criterion: what matched, as the vendor's configuration calls it, or NULL
 */
struct smtp_event_kind {
	const char *name;
	const char *rule;
	u8 counter;
	u8 action;
	u8 side;
	u32 vendor;
#ifndef __KERNEL__
	const char *text;
	const char *criterion;
#endif
};

extern const struct smtp_event_kind smtp_events[__SMTP_FIXUP_EVENT_MAX];

/**
 * smtp_words_clean() - make somebody's octets fit for a terminal
 * @to: at least %SMTP_FIXUP_WORDS_MAX + 1 characters
 * @words: the octets, or NULL
 * @n: how many; those after %SMTP_FIXUP_WORDS_MAX are left out
 *
 * What is not printable ASCII becomes '?'.
 */
void smtp_words_clean(char *to, const u8 *words, u32 n);

/**
 * smtp_event() - an edit or a verdict: count it, and tell whoever listens
 * @host: told of it
 * @event: which
 * @words: the words concerned, as they came: never of a message; or NULL
 * @n: octets of them
 */
void smtp_event(struct smtp_host *host, enum smtp_fixup_event event,
		const u8 *words, u32 n);

#endif /* _SMTP_CORE_EVENTS_H */
