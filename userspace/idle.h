/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies that select no connection, as things are. */
#ifndef _SMTPFIXUP_IDLE_H
#define _SMTPFIXUP_IDLE_H

#include <stdio.h>

#include "ports.h"
#include "policy/policy.h"

#define IDLE_SIZE 256

/* Why a policy selects nothing, or NULL where nothing speaks against it. */
const char *policy_idle(const struct smtp_policy *policy, char buf[IDLE_SIZE]);

/* Write a line about it, if it is so. */
void idle_note(FILE *err, const char *ports, const struct smtp_policy *policy);

#endif /* _SMTPFIXUP_IDLE_H */
