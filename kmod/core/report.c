// SPDX-License-Identifier: GPL-2.0-only
/* Counting and telling what was done; the tool has the table alone. See events.h. */
#include "events.h"

void smtp_event(const struct smtp_flow *flow, enum smtp_fixup_event event,
		const u8 *words, u32 n)
{
	char clean[SMTP_FIXUP_WORDS_MAX + 1];

	smtp_words_clean(clean, words, n);
	smtp_host_count(flow, smtp_events[event].counter, 1);
	smtp_host_event(flow, event, clean);
}
