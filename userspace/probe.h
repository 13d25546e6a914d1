/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is there a device that masks SMTP between here and a server? The dialogue needs a
 * server. Its judgement needs only the replies, and is separate.
 */
#ifndef _SMTPFIXUP_PROBE_H
#define _SMTPFIXUP_PROBE_H

#include <stdint.h>

#include "policy/policy.h"
#include "reason.h"

/* The steps, in order. The greeting answers the connection itself */
enum probe_step {
	PROBE_GREETING,
	PROBE_EHLO,
	PROBE_GOODMORNING,
	PROBE_STARTTLS,
	PROBE_STEPS
};

/* Longer replies are cut: longer than any EHLO reply of a real server */
#define PROBE_REPLY_SIZE 4096

/**
 * struct probe_reply - a reply
 * @code: of its first line; 0: nothing was asked, or the connection ended
 * @text: all its lines, each ended by LF without CR, as they came
 */
struct probe_reply {
	int code;
	char text[PROBE_REPLY_SIZE];
};

struct probe {
	struct probe_reply reply[PROBE_STEPS];
};

extern const char *const probe_step_names[PROBE_STEPS];

/* What can be found in replies: bit numbers */
enum probe_finding {
	PROBE_STARS_20,
	PROBE_STARS,
	PROBE_CMAP,
	PROBE_EHLO_REFUSED,
	PROBE_ESMTP_DENIED,
	PROBE_KEYWORDS,
	PROBE_NOOP,
	PROBE_XS,
	PROBE_TLS_OFFERED,
	PROBE_TLS_BLOCKED,
	PROBE_TLS_HIDDEN,
	PROBE_TLS_UNKNOWN,
	PROBE_UNCHANGED,
	__PROBE_FINDINGS
};

#define PROBE_BIT(name) (1U << PROBE_##name)

extern const char *const probe_finding_docs[__PROBE_FINDINGS];

/**
 * struct probe_verdict - a conclusion from findings
 * @all: bit mask of findings that must all be there
 * @name: a preset, "other", or "none"
 * @doc: one line
 */
struct probe_verdict {
	u32 all;
	const char *name;
	const char *doc;
};

#define PROBE_NONE "none"

/* Replies to a bit mask of findings. */
u32 probe_findings(const struct probe *probe);

const struct probe_verdict *probe_judge(u32 findings);

/**
 * probe_talk() - go through the dialogue
 * @probe: the replies
 * @fd: a connected socket
 * @seconds: how long to wait for each reply
 * @why: filled on failure: no greeting, no SMTP, no answer in time
 *
 * Return: 0 or -1.
 */
int probe_talk(struct probe *probe, int fd, int seconds, struct reason *why);

#define PROBE_HOST_SIZE 256

/* Take HOST, HOST:PORT, ADDRESS, [ADDRESS] or [ADDRESS]:PORT apart. */
int probe_target(const char *word, char host[PROBE_HOST_SIZE], u16 *port,
		 struct reason *why);

#endif /* _SMTPFIXUP_PROBE_H */
