// SPDX-License-Identifier: GPL-2.0-only
/* The tool's command line, files of "restore" and of "import", for libFuzzer. The
 * first octet says which: the rest is words, one a line, or such a file. The kernel
 * is fake.c's, which has no such family.
 *
 * What a line says, said again as "show" prints it, means the same. What "import"
 * prints can be restored.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fake.h"
#include "import.h"
#include "lines.h"
#include "options.h"
#include "output.h"

#define WORDS_MAX 40

static void broken(const char *what, const char *a, const char *b)
{
	fprintf(stderr, "%s:\n%s\n--\n%s\n", what, a, b);
	abort();
}

/* The lines as "show" has them; to be freed */
static char *printed(const struct line_list *list)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < list->count; i++) {
		const struct set_request *req = &list->item[i];

		fputs("set ", f);
		for (size_t n = 0; n < req->ports.count; n++)
			fprintf(f, "%s%s", n ? "," : "", RANGE_TEXT(req->ports.range[n]));
		fprintf(f, " %s", WORD_TEXT(&mode_words, req->policy.mode));
		options_print(f, &req->policy);
		fputc('\n', f);
	}
	fclose(f);
	return text;
}

static char *parsed(const char *data, size_t len, struct reason *why)
{
	struct line_list list = { 0 };
	char *text = malloc(len + 1), *said = NULL;

	memcpy(text, data, len);
	text[len] = '\0';
	if (!lines_parse(&list, "file", text, len, why))
		said = printed(&list);
	lines_free(&list);
	free(text);
	return said;
}

static void fuzz_restore(const char *data, size_t len)
{
	struct reason why = { 0 };
	char *first = parsed(data, len, &why), *second;

	if (!first) {
		if (strncmp(why.text, "file:", 5) || strpbrk(why.text, "\n\r\033"))
			broken("no file and line, or no line", why.text, "");
		return;
	}
	second = parsed(first, strlen(first), &why);
	if (!second)
		broken("what it prints is refused", first, why.text);
	if (strcmp(first, second))
		broken("what it prints means something else", first, second);
	free(first);
	free(second);
}

static void fuzz_import(const char *data, size_t len)
{
	char *text = malloc(len + 1), *said;
	struct import_result result;
	struct config config;
	struct reason why;
	bool missing = false;

	memcpy(text, data, len);
	text[len] = '\0';
	config_read(&config, text, len);
	import_policies(&config, &result);
	for (size_t i = 0; i < result.count; i++) {
		const struct import_item *item = &result.item[i];

		missing |= item->missing;
		if (item->missing && !item->reason)
			broken("something is missing, and it is not said what", "", "");
		for (const char *c = item->reason; c && *c; c++) {
			if (*c < ' ' || *c > '~')
				broken("a reason is no line", item->reason, "");
		}
		if (!item->set)
			continue;
		said = parsed(item->set, strlen(item->set), &why);
		if (!said)
			broken("what it prints is refused", item->set, why.text);
		free(said);
	}
	if (missing != result.missing)
		broken("the exit status is another", "", "");
	import_result_free(&result);
	config_free(&config);
	free(text);
}

/* What would wait, or go to the network or to files, is not for here */
static bool harmless(char **words, int count)
{
	for (int i = 1; i < count; i++) {
		if (!strcmp(words[i], "relay") || !strcmp(words[i], "probe") ||
		    !strcmp(words[i], "-n") || !strcmp(words[i], "--default") ||
		    !strncmp(words[i], "--netns", 7) || strchr(words[i], '/'))
			return false;
	}
	return true;
}

static void fuzz_words(const char *data, size_t len)
{
	char *text = malloc(len + 1), *words[WORDS_MAX + 2] = { (char *)"smtpfixup" };
	char *rest = text, *word, *out = NULL, *err = NULL;
	size_t out_len, err_len;
	int count = 1, status;
	FILE *o, *e;

	memcpy(text, data, len);
	text[len] = '\0';
	while (count <= WORDS_MAX && (word = strsep(&rest, "\n")))
		words[count++] = word;
	if (harmless(words, count)) {
		fake_reset();
		fake.absent = true;
		o = open_memstream(&out, &out_len);
		e = open_memstream(&err, &err_len);
		status = cli_main(count, words, o, e);
		fclose(o);
		fclose(e);
		if (status < 0 || status > 3)
			broken("an exit status of its own", text, "");
		if (status == 1 && (strncmp(err, "smtpfixup: ", 11) ||
				    strchr(err, '\n') != err + err_len - 1))
			broken("a failure is not told in one line", err, out);
		free(out);
		free(err);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	if (*data == 'w')
		fuzz_words((const char *)data + 1, len - 1);
	else if (*data == 'i')
		fuzz_import((const char *)data + 1, len - 1);
	else
		fuzz_restore((const char *)data + 1, len - 1);
	return 0;
}
