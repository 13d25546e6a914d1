/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The SMTP part of the running-config of a PIX, ASA, FWSM or IOS router. import_config.c
 * reads the lines, import_policy.c makes set lines of them, with a file for each kind of
 * device.
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
 * @argv: the words, without quotes
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
 * struct config - all lines, and the device's kind and version
 * @line: the lines, without empty ones and comments
 * @count: how many
 * @device: its kind, from the line that has its version
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

/* Is the version older than this one? */
bool config_before(const struct config *config, unsigned int major,
		   unsigned int minor);

/**
 * config_block_end() - find the end of a block
 * @config: the configuration
 * @head: the index of the line that begins it
 *
 * Return: the index of the line after its last one.
 */
size_t config_block_end(const struct config *config, size_t head);

/* Does the line begin with these words, which have one blank between them? */
bool config_begins(const struct config_line *line, const char *words);

/* The index of the line that begins with these words and ends with @name, or
 * config->count.
 */
size_t config_find(const struct config *config, const char *words, const char *name);

/* The same for a class-map or policy-map without a type. */
size_t config_find_plain(const struct config *config, const char *word,
			 const char *name);

/**
 * struct import_item - a line of the result, or the reason why there is none
 * @line: the line it is made from, or NULL
 * @set: a set line
 * @ports: the ports of @set
 * @reason: why there is none, or a remark beside @set
 * @missing: something has no equivalent
 * @weak: @set counts only if no other line has these ports
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

/* Make set lines of the configuration, in the order of its lines. */
void import_policies(const struct config *config, struct import_result *result);
void import_result_free(struct import_result *result);

#endif /* _SMTPFIXUP_IMPORT_H */
