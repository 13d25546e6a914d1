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

static bool is_blank(const char *text)
{
	while (blank(*text))
		text++;
	return !*text;
}

/* Skips what may precede a line: a pager's text ("<--- More --->", and CR or backspaces
 * over it), a byte order mark, the prompt of a terminal session.
 */
static char *line_begin(char *text)
{
	char *prompt;

	for (char *c = text; *c; c++) {
		if ((*c == '\r' || *c == '\b') && !is_blank(c + 1))
			text = c + 1;
	}
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	prompt = strstr(text, "(config");
	if (prompt && strcspn(text, " \t\"") > (size_t)(prompt - text)) {
		prompt += strcspn(prompt, "# \t");
		/* A typed line is not indented */
		if (*prompt == '#')
			text = prompt + 1 + strspn(prompt + 1, " \t");
	}
	return text;
}

/* Replaces typographic quotes, as word processors write them */
static void plain_quotes(char *text)
{
	char *to = text;

	while (*text) {
		if (!strncmp(text, "\xe2\x80\x9c", 3) ||
		    !strncmp(text, "\xe2\x80\x9d", 3)) {
			*to++ = '"';
			text += 3;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Splits a line at blanks. Blanks in quotes do not split, and the quotes are removed. */
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
			while (*text && *text != '"')
				text += 1 + (*text == '\\' && text[1]);
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

/* Looks for "PIX Version 6.3(5)", "ASA Version 9.8(2)" or, of IOS, "version 12.4" */
static void find_version(struct config *config, const struct config_line *line)
{
	static const struct {
		const char *name;
		enum device device;
	} makes[] = {
		{ "PIX", DEVICE_PIX }, { "ASA", DEVICE_ASA }, { "FWSM", DEVICE_FWSM },
		/* Firepower, which has an ASA later than 9.4 inside */
		{ "NGFW", DEVICE_ASA },
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
	if (config_word(line, 0, "NGFW")) {
		config->major = 9;
		config->minor = 4;
	}
}

static void config_add(struct config *config, unsigned int number, char *text)
{
	char *words[CONFIG_WORDS_MAX], *copy;
	struct config_line *line;
	unsigned int indent = 0;
	size_t len;

	text = line_begin(text);
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
	plain_quotes(copy);
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

/* Is it a line of a block? Its first word tells, if the indentation is lost */
static bool in_block(const struct config_line *line)
{
	static const char *const words[] = {
		"match", "class", "inspect", "parameters", "description", "mask-banner",
		"mail-relay", "special-character", "allow-tls", "log", "reset", "mask",
		"drop-connection", "drop", "rate-limit", "exit", "pattern", "pass",
		"allow",
	};
	const int at = config_word(line, 0, "no");

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (config_word(line, at, words[i]))
			return true;
	}
	return false;
}

size_t config_block_end(const struct config *config, size_t head)
{
	size_t i = head + 1;

	while (i < config->count &&
	       (config->line[i].indent > config->line[head].indent ||
		(!config->line[head].indent && in_block(&config->line[i]))))
		i++;
	return i;
}

bool config_begins(const struct config_line *line, const char *words)
{
	int at = 0;

	while (*words) {
		const size_t n = strcspn(words, " ");

		if (at >= line->argc || strlen(line->argv[at]) != n ||
		    strncasecmp(line->argv[at++], words, n))
			return false;
		words += n + (words[n] == ' ');
	}
	return true;
}

size_t config_find(const struct config *config, const char *words, const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_begins(line, words) &&
		    !strcmp(line->argv[line->argc - 1], name))
			return i;
	}
	return config->count;
}

size_t config_find_plain(const struct config *config, const char *word,
			 const char *name)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_line *line = &config->line[i];

		if (config_word(line, 0, word) && !config_word(line, 1, "type") &&
		    line->argc > 1 && !strcmp(line->argv[line->argc - 1], name))
			return i;
	}
	return config->count;
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
