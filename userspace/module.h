/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel module, as this machine has it. */
#ifndef _SMTPFIXUP_MODULE_H
#define _SMTPFIXUP_MODULE_H

#include <stddef.h>

#include "reason.h"

/* Say that it is not loaded, and why that may be. Returns -1. */
int module_missing(struct reason *why);

/* Read the first line of a file, without its end; false: there is none. */
bool read_line(const char *path, char *buf, size_t size);

/* The file that has the loaded module's NAME: version, refcnt, ... */
#define MODULE_SYSFS "/sys/module/nf_smtp_fixup/"

#endif /* _SMTPFIXUP_MODULE_H */
