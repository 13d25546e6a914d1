// SPDX-License-Identifier: GPL-2.0-only
/* A running-config, line by line. See import.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Words stand between blanks; quotes keep blanks together and stay away. */
static int split(char *text, char **words)
{
	int count = 0;

	for (;;) {
		while (blank(*text))
			text++;
		if (!*text || count == CONFIG_WORDS_MAX)
			return count;
		if (*text == '"') {
			words[count++] = ++text;
			text += strcspn(text, "\"");
		} else {
			words[count++] = text;
			while (*text && !blank(*text))
				text++;
		}
		if (*text)
			*text++ = '\0';
	}
}

bool config_word(const struct config_line *line, int at, const char *word)
{
	return at < line->argc && !strcasecmp(line->argv[at], word);
}

bool config_before(const struct config *config, unsigned int major,
		   unsigned int minor)
{
	return config->major < major ||
	       (config->major == major && config->minor < minor);
}

/* "PIX Version 6.3(5)", "ASA Version 9.8(2)", IOS has "version 12.4" */
static void find_version(struct config *config, const struct config_line *line)
{
	static const struct {
		const char *name;
		enum device device;
	} makes[] = {
		{ "PIX", DEVICE_PIX }, { "ASA", DEVICE_ASA }, { "FWSM", DEVICE_FWSM },
	};
	const char *number = NULL;
	char *end;

	if (config->device)
		return;
	for (size_t i = 0; i < sizeof(makes) / sizeof(*makes); i++) {
		if (config_word(line, 0, makes[i].name) && line->argc > 2 &&
		    config_word(line, 1, "Version")) {
			config->device = makes[i].device;
			number = line->argv[2];
		}
	}
	if (line->argc == 2 && config_word(line, 0, "version")) {
		config->device = DEVICE_IOS;
		number = line->argv[1];
	}
	if (!number)
		return;
	config->major = strtoul(number, &end, 10);
	if (*end == '.')
		config->minor = strtoul(end + 1, NULL, 10);
}

static void config_add(struct config *config, unsigned int number, char *text)
{
	char *words[CONFIG_WORDS_MAX], *copy;
	struct config_line *line;
	unsigned int indent = 0;
	size_t len;

	while (blank(text[indent]))
		indent++;
	text += indent;
	len = strlen(text);
	while (len && blank(text[len - 1]))
		text[--len] = '\0';
	/* ": Saved" and "!" are comments */
	if (!len || *text == '!' || *text == ':')
		return;
	if (!(config->count & (config->count + 1)))
		config->line = grow(config->line, 2 * config->count + 1,
				    sizeof(*config->line));
	line = &config->line[config->count++];
	line->number = number;
	line->indent = indent;
	line->text = text;
	copy = grow(NULL, len + 1, 1);
	memcpy(copy, text, len + 1);
	line->argc = split(copy, words);
	line->argv = grow(NULL, line->argc + 1, sizeof(*line->argv));
	memcpy(line->argv, words, line->argc * sizeof(*words));
	line->argv[line->argc] = copy;	/* to be freed */
	find_version(config, line);
}

void config_read(struct config *config, char *text, size_t len)
{
	char *end = text + len;
	unsigned int number = 0;

	memset(config, 0, sizeof(*config));
	for (char *next; text < end; text = next) {
		char *eol = memchr(text, '\n', end - text);

		if (!eol)
			eol = end;
		next = eol + 1;
		*eol = '\0';
		config_add(config, ++number, text);
	}
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		free(config->line[i].argv[config->line[i].argc]);
		free(config->line[i].argv);
	}
	free(config->line);
	memset(config, 0, sizeof(*config));
}
