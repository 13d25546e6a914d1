/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A running-config of a PIX, ASA, FWSM or IOS router: the part that is about
 * SMTP. import_config.c reads it, import_policy.c says what it means here, with a
 * part for each kind of device.
 */
#ifndef _SMTPFIXUP_IMPORT_H
#define _SMTPFIXUP_IMPORT_H

#include "ports.h"
#include "reason.h"

#define CONFIG_WORDS_MAX	64

/**
 * struct config_line - one line of the configuration
 * @number: from 1
 * @indent: blanks before it
 * @text: without blanks at its ends
 * @argc: how many words
 * @argv: they; quotes are taken away
 */
struct config_line {
	unsigned int number;
	unsigned int indent;
	char *text;
	int argc;
	char **argv;
};

enum device {
	DEVICE_UNKNOWN,
	DEVICE_PIX,
	DEVICE_ASA,
	DEVICE_FWSM,
	DEVICE_IOS,
};

/**
 * struct config - all lines, and what the device is
 * @line: the lines that are not empty and not comments
 * @count: how many
 * @device: by the line that names its version
 * @major: of the version
 * @minor: of the version
 */
struct config {
	struct config_line *line;
	size_t count;
	enum device device;
	unsigned int major;
	unsigned int minor;
};

/* Take a text apart; @text is changed and must outlive the config. */
void config_read(struct config *config, char *text, size_t len);
void config_free(struct config *config);

/* Is word @at of the line this one? Case does not matter. */
bool config_word(const struct config_line *line, int at, const char *word);

/* Does the version lie before this one? */
bool config_before(const struct config *config, unsigned int major,
		   unsigned int minor);

/**
 * config_block_end() - where a block ends
 * @config: the configuration
 * @head: the index of the line that begins it
 *
 * Return: the index of the line after its last one.
 */
size_t config_block_end(const struct config *config, size_t head);

/* Does the line begin with these words, which have one blank between them? */
bool config_begins(const struct config_line *line, const char *words);

/* The line that begins with these words and ends with @name, or @count. */
size_t config_find(const struct config *config, const char *words, const char *name);

/* The same of a class-map or policy-map that has no type. */
size_t config_find_plain(const struct config *config, const char *word,
			 const char *name);

/**
 * struct import_item - a line of the result, or why there is none
 * @line: what it is made from, or NULL
 * @set: a set line
 * @ports: those of it
 * @reason: why there is none, or a remark beside @set
 * @missing: something has no equivalent
 * @weak: @set holds where no other line has these ports
 */
struct import_item {
	const struct config_line *line;
	char *set;
	struct ports ports;
	char *reason;
	bool missing;
	bool weak;
};

struct import_result {
	struct import_item *item;
	size_t count;
	bool missing;
};

/* What the configuration means, in the order of its lines. */
void import_policies(const struct config *config, struct import_result *result);
void import_result_free(struct import_result *result);

#endif /* _SMTPFIXUP_IMPORT_H */
