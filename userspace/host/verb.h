/* SPDX-License-Identifier: GPL-2.0-only */
/* What the verbs that judge in user space have in common. */
#ifndef _SMTPFIXUP_HOST_VERB_H
#define _SMTPFIXUP_HOST_VERB_H

#include "cli.h"
#include "host/host.h"

/**
 * host_request() - read a set line for a verb that judges in user space
 * @req: the request; set_free() it even on failure
 * @ports: its ports
 * @argc: how many words follow them
 * @argv: MODE [OPTION ARG]...
 * @verb: the verb, named in the reason
 * @why: filled on failure, also if an option needs the module
 *
 * Return: 0 or -1.
 */
int host_request(struct set_request *req, const char *ports, int argc,
		 char **argv, const char *verb, struct reason *why);

/* The counters, as "stats" prints them. */
int host_print_stats(struct cli *cli, const struct host *host);

#endif /* _SMTPFIXUP_HOST_VERB_H */
