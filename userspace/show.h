/* SPDX-License-Identifier: GPL-2.0-only */
/* Printing what was read: pure functions of lists and streams. */
#ifndef _SMTPFIXUP_SHOW_H
#define _SMTPFIXUP_SHOW_H

#include <arpa/inet.h>

#include "messages.h"

void show_text(FILE *out, const struct policy_list *list);
int show_json(FILE *out, const struct policy_list *list, struct reason *why);

void stats_prometheus(FILE *out, const struct stats_list *list);
void stats_text(FILE *out, const struct stats_list *list, bool explain);
int stats_json(FILE *out, const struct stats_list *list, bool explain,
	       struct reason *why);

#define ENDPOINT_TEXT_SIZE (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* 192.0.2.1:25 or [2001:db8::1]:25 */
const char *endpoint_text(const struct endpoint *end,
			  char buf[ENDPOINT_TEXT_SIZE]);

void flows_text(FILE *out, const struct flow_list *list);
int flows_json(FILE *out, const struct flow_list *list, struct reason *why);

#endif /* _SMTPFIXUP_SHOW_H */
