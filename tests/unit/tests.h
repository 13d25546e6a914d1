/* SPDX-License-Identifier: GPL-2.0-only */
/* The groups of unit tests; each returns how many failed. */
#ifndef _TESTS_UNIT_TESTS_H
#define _TESTS_UNIT_TESTS_H

#include "unit.h"

int run_policy(void);
int run_greeting(void);
int run_verbs(void);
int run_ehlo(void);
int run_dialogue(void);
int run_servers(void);
int run_body(void);
int run_chunk(void);
int run_stream(void);
int run_length(void);
int run_limits(void);
int run_observe(void);
int run_events(void);

#endif /* _TESTS_UNIT_TESTS_H */
