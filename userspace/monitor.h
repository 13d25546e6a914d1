/* SPDX-License-Identifier: GPL-2.0-only */
/* Printing events, a line each: pure functions of an event and a stream. */
#ifndef _SMTPFIXUP_MONITOR_H
#define _SMTPFIXUP_MONITOR_H

#include "messages.h"

void event_text(FILE *out, const struct event *event);

/* Return 0, or -1 when it could not be written. */
int event_json(FILE *out, const struct event *event);

/* Print a note between events; @event has no kind. */
void event_note(FILE *out, const struct event *event, const char *text,
		bool json);

#endif /* _SMTPFIXUP_MONITOR_H */
