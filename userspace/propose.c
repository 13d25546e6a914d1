// SPDX-License-Identifier: GPL-2.0-only
/* The words that could stand where the user pressed tab. See propose.h. */
#include <string.h>
#include <strings.h>

#include "propose.h"
#include "words.h"

void propose(const struct completion *c, const char *word)
{
	if (!strncasecmp(word, c->current, strlen(c->current)))
		fprintf(c->out, "%s\n", word);
}

/* Those in force, which anybody may read; where there are none, the usual ones */
void propose_ports(const struct completion *c)
{
	FILE *f = fopen("/proc/self/net/smtp_fixup", "re");
	char line[256], range[32];
	bool some = false;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "port %31s mode", range) != 1)
			continue;
		propose(c, range);
		some = true;
	}
	if (f)
		fclose(f);
	if (some)
		return;
	propose(c, "25");
	propose(c, "587");
	propose(c, "25,587");
}

void propose_modes(const struct completion *c)
{
	for (unsigned int n = 0; n < mode_words.count; n++)
		propose(c, mode_words.names[n]);
}
