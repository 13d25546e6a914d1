// SPDX-License-Identifier: GPL-2.0-only
/* A PIX up to 6.3: fixup protocol smtp, mailhost. See import.h. */
#include <stdio.h>
#include <string.h>

#include "import_parts.h"

static const char *pix_mode(const struct config *config)
{
	return config->device == DEVICE_PIX && config_before(config, 5, 0) ?
	       "pix-4.4" : "fixup";
}

/* Is it "fixup protocol smtp"? *@no: 1 if "no" is before it */
static bool is_fixup(const struct config_line *line, int *no)
{
	*no = config_word(line, 0, "no");
	return config_word(line, *no, "fixup") &&
	       config_word(line, *no + 1, "protocol") &&
	       config_word(line, *no + 2, "smtp");
}

/* Is there a later line about the same ports? */
static bool fixup_again(const struct config *config, size_t i, const char *ports)
{
	int no;

	for (i++; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (is_fixup(line, &no) &&
		    (line->argc <= no + 3 || !strcmp(line->argv[no + 3], ports)))
			return true;
	}
	return false;
}

static void import_fixup(struct import *im, size_t i, int no)
{
	const struct config_line *line = &im->config->line[i];
	const bool named = line->argc > no + 3;
	const char *ports = named ? line->argv[no + 3] : "25";

	if (line->argc > no + 4) {
		import_missing(im, line, "this is not known after the ports");
		return;
	}
	if (fixup_again(im->config, i, ports))
		return;
	/* 'no fixup protocol smtp' without ports restores the default: port 25 */
	import_set(im, line, "set %s %s", ports,
		   no && named ? "off" : pix_mode(im->config));
}

void import_pix(struct import *im)
{
	int no;

	for (size_t i = 0; i < im->config->count; i++) {
		const struct config_line *line = &im->config->line[i];

		if (is_fixup(line, &no)) {
			import_fixup(im, i, no);
		} else if (config_word(line, no, "mailhost")) {
			import_set(im, line, no ? "set 25 off" : "set 25 mailhost");
			if (!no && line->argc > 1)
				import_missing(im, line, "the addresses have no equivalent; choose these connections with 'assign explicit' and nft");
		}
	}
}
