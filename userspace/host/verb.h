/* SPDX-License-Identifier: GPL-2.0-only */
/* What the verbs that judge in user space have in common. */
#ifndef _SMTPFIXUP_HOST_VERB_H
#define _SMTPFIXUP_HOST_VERB_H

#include "cli.h"
#include "host/host.h"

/**
 * host_request() - a set line without the module
 * @req: the request; set_free() it even on failure
 * @ports: its ports
 * @argc: how many words follow them
 * @argv: MODE [OPTION ARG]...
 * @verb: for whom, for the reason
 * @why: filled on failure: also where an option needs the module
 */
int host_request(struct set_request *req, const char *ports, int argc,
		 char **argv, const char *verb, struct reason *why);

/* The counters, as "stats" prints them. */
int host_print_stats(struct cli *cli, const struct host *host);

#endif /* _SMTPFIXUP_HOST_VERB_H */
