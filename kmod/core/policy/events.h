/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: one for every edit and verdict. A table has the name of each, its rule, its
 * counter and how the vendor reports it. docs/rules.md M.
 */
#ifndef _SMTP_CORE_EVENTS_H
#define _SMTP_CORE_EVENTS_H

#include "../base/host.h"

/* What was done */
enum smtp_action {
	SMTP_ACTION_NONE,	/* it is only reported */
	SMTP_ACTION_EDIT,
	SMTP_ACTION_DROP,
	SMTP_ACTION_RESET,
};

/* What it was done to; the event concerns that direction */
enum smtp_side {
	SMTP_SIDE_BOTH,
	SMTP_SIDE_REQUEST,	/* from the client */
	SMTP_SIDE_RESPONSE,	/* from the server */
};

/**
 * struct smtp_event_kind - an entry of the table of events
 * @name: the event
 * @rule: id of the rule in docs/rules.md
 * @counter: enum smtp_fixup_counter
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
 * smtp_words_clean() - make octets of a stranger safe for a terminal
 * @to: at least %SMTP_FIXUP_WORDS_MAX + 1 characters
 * @words: the octets, or NULL
 * @n: how many; those after %SMTP_FIXUP_WORDS_MAX are left out
 *
 * What is not printable ASCII becomes '?'.
 */
void smtp_words_clean(char *to, const u8 *words, u32 n);

/**
 * smtp_event() - count and report an edit or a verdict
 * @host: told of it
 * @event: which
 * @words: the octets concerned, as they came, never of a message; or NULL
 * @n: octets of them
 */
void smtp_event(struct smtp_host *host, enum smtp_fixup_event event,
		const u8 *words, u32 n);

#endif /* _SMTP_CORE_EVENTS_H */
