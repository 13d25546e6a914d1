/* SPDX-License-Identifier: GPL-2.0-only */
/* Policies that select no connection now. */
#ifndef _SMTPFIXUP_IDLE_H
#define _SMTPFIXUP_IDLE_H

#include <stdio.h>

#include "ports.h"
#include "policy/policy.h"

#define IDLE_SIZE 256

/* Why a policy can't select a connection, or NULL if it can, as far as is known. */
const char *policy_idle(const struct smtp_policy *policy, char buf[IDLE_SIZE]);

/* Write a line with that reason, if there is one. */
void idle_note(FILE *err, const char *ports, const struct smtp_policy *policy);

#endif /* _SMTPFIXUP_IDLE_H */
