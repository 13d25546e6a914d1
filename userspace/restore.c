// SPDX-License-Identifier: GPL-2.0-only
/* restore [FILE] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "lines.h"
#include "netlink.h"
#include "restore.h"

/* More than 65535 ranges with texts need */
#define FILE_SIZE_MAX (32U << 20)

/* All of it, with a NUL after; NULL on failure */
static char *read_all(FILE *f, const char *name, size_t *len, struct reason *why)
{
	size_t alloc = 16384, got;
	char *text = grow(NULL, alloc, 1);

	*len = 0;
	while ((got = fread(text + *len, 1, alloc - *len - 1, f))) {
		*len += got;
		if (*len > FILE_SIZE_MAX) {
			reason_local(why, "%.200s is longer than %u MiB; is it a configuration?",
				     name, FILE_SIZE_MAX >> 20);
			goto failed;
		}
		if (alloc - *len < 2) {
			alloc *= 2;
			text = grow(text, alloc, 1);
		}
	}
	if (ferror(f)) {
		reason_local(why, "%.200s could not be read: %s", name,
			     strerror(errno));
		goto failed;
	}
	text[*len] = '\0';
	return text;

failed:
	free(text);
	return NULL;
}

static int restore_send(const struct line_list *list, const char *name,
			struct reason *why)
{
	struct nlmsghdr *nlh;
	struct netlink nl;
	int rc, index;

	rc = netlink_open(&nl, why);
	if (!rc) {
		nlh = message_replace(list->item, list->count, nl.family);
		rc = netlink_request(&nl, nlh, NULL, why);
		index = rc ? message_replace_index(nlh, why->offset) : -1;
		if (index >= 0)
			lines_fault(name, list->number[index], why);
		free(nlh);
	}
	netlink_close(&nl);
	return rc;
}

char *restore_read(const char *file, const char **name, size_t *len,
		   struct reason *why)
{
	FILE *f = stdin;
	char *text;

	*name = "stdin";
	if (file && strcmp(file, "-")) {
		*name = file;
		f = fopen(file, "re");
		if (!f) {
			reason_local(why, "%.200s could not be opened: %s", file,
				     strerror(errno));
			return NULL;
		}
	}
	text = read_all(f, *name, len, why);
	if (f != stdin)
		fclose(f);
	return text;
}

int restore_text(char *text, size_t len, const char *name, struct reason *why)
{
	struct line_list list = { 0 };
	int rc = lines_parse(&list, name, text, len, why);

	if (!rc)
		rc = restore_send(&list, name, why);
	lines_free(&list);
	return rc;
}

static int restore_run(struct cli *cli)
{
	const char *name;
	char *text;
	size_t len;
	int rc;

	if (cli->argc > 1)
		return reason_usage(cli->why, "%s is one word too many; restore takes one file",
				    QUOTED(cli->argv[1]));
	if (cli->flags && cli->argc)
		return reason_usage(cli->why, "--default is " DEFAULT_FILE "; leave out %s",
				    QUOTED(cli->argv[0]));
	text = restore_read(cli->flags ? DEFAULT_FILE : cli->argv[0], &name,
			    &len, cli->why);
	if (!text)
		return -1;
	rc = restore_text(text, len, name, cli->why);
	free(text);
	return rc;
}

static const struct flag restore_flags[] = {
	{ "--default", "the file is " DEFAULT_FILE ", as at boot" },
	{ NULL, NULL }
};

const struct verb verb_restore = {
	.name = "restore",
	.usage = "[FILE]\n--default",
	.doc = "replace the whole configuration by a saved one, or nothing of it",
	.detail =
		"Reads set lines, the lines of a PIX (fixup, inspect, mailhost, no ...),\n"
		"comments after # and empty lines; without FILE, or with -, from standard\n"
		"input. Words may stand in quotes as a shell has them. All lines are checked\n"
		"before anything changes; what is wrong is told as FILE:LINE. The lines take\n"
		"effect together: their order counts only for equal ranges and for ranges of\n"
		"equal width that overlap, where the last one is in force. Ports that no line\n"
		"names are off from then on. Counters of ranges that stay go on counting.\n",
	.example = "restore /etc/smtpfixup.conf",
	.flags = restore_flags,
	.run = restore_run,
};
