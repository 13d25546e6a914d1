// SPDX-License-Identifier: GPL-2.0-only
/* Reporting an event: counted, and told. See events.h. */
#include "events.h"

void smtp_words_clean(char *to, const u8 *words, u32 n)
{
	u32 i;

	if (n > SMTP_FIXUP_WORDS_MAX)
		n = SMTP_FIXUP_WORDS_MAX;
	for (i = 0; i < n; i++)
		to[i] = words[i] >= ' ' && words[i] <= '~' ? words[i] : '?';
	to[n] = '\0';
}

/* M */
void smtp_event(const struct smtp_flow *flow, enum smtp_fixup_event event,
		const u8 *words, u32 n)
{
	char clean[SMTP_FIXUP_WORDS_MAX + 1];

	smtp_words_clean(clean, words, n);
	smtp_host_count(flow, smtp_events[event].counter, 1);
	smtp_host_event(flow, event, clean);
}
