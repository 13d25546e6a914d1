/* SPDX-License-Identifier: GPL-2.0-only */
/* Setting a policy, from any kind of line. */
#ifndef _SMTPFIXUP_SET_H
#define _SMTPFIXUP_SET_H

#include "options.h"

/* Read PORTS MODE [OPTION ARG]...; set_free() the request even on failure. */
int set_parse(struct set_request *req, int argc, char **argv, struct reason *why);

/* The same for PORTS and a mode without options. */
int set_mode(struct set_request *req, const char *ports,
	     enum smtp_fixup_mode mode, struct reason *why);

/* Send the request to the kernel. */
int set_send(const struct set_request *req, struct reason *why);

void set_free(struct set_request *req);

#endif /* _SMTPFIXUP_SET_H */
