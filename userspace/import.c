// SPDX-License-Identifier: GPL-2.0-only
/* import FILE [--apply] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "import.h"
#include "output.h"
#include "restore.h"

#define IMPORT_APPLY 1U	/* the index in import_flags, as a bit */

static int print_text(FILE *out, const char *name, const struct import_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct import_item *item = &result->item[i];

		if (item->set)
			fprintf(out, "%s\n", item->set);
		else if (item->reason)
			fprintf(out, "# %.200s:%u: %s: %s%s\n", name, item->line->number,
				QUOTED(item->line->text),
				item->missing ? "no equivalent: " : "", item->reason);
	}
	return 0;
}

static int print_json(FILE *out, const struct import_result *result, struct reason *why)
{
	struct json_list json;

	json_list_begin(&json, out);
	for (size_t i = 0; i < result->count; i++) {
		const struct import_item *item = &result->item[i];
		json_t *object;

		if (!item->set && !item->reason)
			continue;
		object = json_object();
		json_object_set_new(object, "line", json_integer(item->line->number));
		if (item->set)
			json_object_set_new(object, "set", json_string(item->set));
		if (item->reason)
			json_object_set_new(object, "reason", json_string(item->reason));
		json_object_set_new(object, "missing", json_boolean(item->missing));
		json_list_add(&json, object);
	}
	return json_list_end(&json, why);
}

/* Tells of lines that the operator must complete, for example with the interfaces */
static void note_remarks(FILE *err, const char *name, const struct import_result *result)
{
	const struct import_item *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < result->count; i++) {
		const struct import_item *item = &result->item[i];

		if (item->set || !item->reason)
			continue;
		if (!count++)
			first = item;
	}
	if (!count)
		return;
	fprintf(err, "smtpfixup: note: %.200s:%u: %s", name, first->line->number,
		first->reason);
	if (count > 1)
		fprintf(err, "; and %zu more, see 'smtpfixup import %.200s'", count - 1,
			name);
	fputc('\n', err);
}

/* All or nothing: if something has no equivalent, nothing is changed */
static int import_apply(const char *name, const struct import_result *result,
			struct reason *why)
{
	char *text = NULL;
	size_t len, lines = 0;
	FILE *all;
	int rc;

	if (result->missing)
		return reason_local(why, "nothing was changed, for something has no equivalent here (see 'smtpfixup import %.200s')",
				    name);
	all = open_memstream(&text, &len);
	if (!all)
		return reason_local(why, "out of memory");
	for (size_t i = 0; i < result->count; i++) {
		if (result->item[i].set)
			lines += fprintf(all, "%s\n", result->item[i].set) > 0;
	}
	fclose(all);
	rc = lines ? restore_text(text, len, name, why) :
		     reason_local(why, "nothing was changed, for %.200s says nothing of SMTP",
				  name);
	free(text);
	return rc;
}

static int import_run(struct cli *cli)
{
	struct import_result result;
	struct config config;
	const char *name;
	size_t len;
	char *text;
	int rc;

	if (cli->argc != 1)
		return reason_usage(cli->why, "import takes one file, or - for standard input");
	text = restore_read(cli->argv[0], &name, &len, cli->why);
	if (!text)
		return -1;
	config_read(&config, text, len);
	import_policies(&config, &result);
	if (result.missing)
		cli->status = EXIT_DEVICE;
	if (cli->flags & IMPORT_APPLY)
		rc = import_apply(name, &result, cli->why);
	else if (cli->json)
		rc = print_json(cli->out, &result, cli->why);
	else
		rc = print_text(cli->out, name, &result);
	if (!rc && cli->flags & IMPORT_APPLY)
		note_remarks(cli->err, name, &result);
	if (rc && result.missing)
		cli->why->status = EXIT_DEVICE;
	import_result_free(&result);
	config_free(&config);
	free(text);
	return rc;
}

static const struct flag import_flags[] = {
	{ "--apply", "put the lines in force, as restore does: all or nothing" },
	{ NULL, NULL }
};

const struct verb verb_import = {
	.name = "import",
	.usage = "FILE",
	.doc = "read the running-config of a PIX, ASA, FWSM or IOS router as set lines",
	.detail =
		"Prints the set lines that mean the same as the part about SMTP of a\n"
		"configuration as 'show running-config' prints it; other lines are ignored.\n"
		"What has no equivalent, or depends on a version that no line names, stands as a\n"
		"comment with file, line and reason, and the exit status is 3. With --apply, the\n"
		"lines replace the whole configuration, as with restore; if anything has no\n"
		"equivalent, nothing changes.\n",
	.example = "import pix.conf",
	.flags = import_flags,
	.run = import_run,
};
