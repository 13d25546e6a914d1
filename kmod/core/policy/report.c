// SPDX-License-Identifier: GPL-2.0-only
/* Counting and reporting events. See events.h. */
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
void smtp_event(struct smtp_host *host, enum smtp_fixup_event event,
		const u8 *words, u32 n)
{
	char clean[SMTP_FIXUP_WORDS_MAX + 1];

	smtp_words_clean(clean, words, n);
	host->events++;
	smtp_host_count(host, smtp_events[event].counter, 1);
	smtp_host_event(host, event, clean);
}
