// SPDX-License-Identifier: GPL-2.0-only
/*
 * libFuzzer on the file that "smtpfixup replay" reads. The first octet chooses
 * a policy, the rest is the capture. mutate.c makes new ones.
 */
#include <stdio.h>
#include <stdlib.h>

#include "libfuzzer.h"
#include "replay/run.h"

static const struct {
	u8 mode;
	u8 reject;
	u8 ehlo;
	u8 tls;
	bool strict;
	bool observe;
	bool chunking;
	bool midstream;
} policies[] = {
	{ .mode = SMTP_FIXUP_MODE_FIXUP },
	{ .mode = SMTP_FIXUP_MODE_ESMTP, .tls = SMTP_FIXUP_TLS_ALLOW },
	{ .mode = SMTP_FIXUP_MODE_FIXUP, .reject = SMTP_FIXUP_REJECT_NOOP },
	{ .mode = SMTP_FIXUP_MODE_ESMTP, .ehlo = SMTP_FIXUP_EHLO_STRIP },
	{ .mode = SMTP_FIXUP_MODE_ESMTP, .strict = true },
	{ .mode = SMTP_FIXUP_MODE_ESMTP, .observe = true },
	{ .mode = SMTP_FIXUP_MODE_FIXUP, .reject = SMTP_FIXUP_REJECT_RESET },
	{ .mode = SMTP_FIXUP_MODE_ESMTP, .chunking = true, .midstream = true },
};

/* What is told must be fit to be printed, and what leaves whole */
static void check_event(const struct event *event, void *data)
{
	(void)data;
	for (const char *c = event->words; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

static void check_note(enum track_note note, const struct host_flow *flow,
		       u64 time, const char *text, void *data)
{
	(void)flow;
	(void)time;
	(void)data;
	if (note >= TRACK_NOTES || !*text)
		abort();
}

static void check_frame(const struct frame *frame, void *data)
{
	u32 *sum = data;

	if (frame->cap > frame->len)
		abort();
	*sum = packet_sum(frame->data, frame->cap, *sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_range ranges[] = { { 25, 25 }, { 587, 600 } };
	struct set_request req = { .ports = { ranges, 2 } };
	u32 sum = 0;
	const struct track_ops ops = { check_note, check_frame, &sum };
	struct capture *capture;
	enum capture_link link;
	struct replay result;
	struct reason why;
	struct host host;
	unsigned int n;
	FILE *file;

	if (size < 2)
		return 0;
	n = data[0] % (sizeof(policies) / sizeof(*policies));
	smtp_policy_init(&req.policy, policies[n].mode);
	req.policy.reject = policies[n].reject;
	req.policy.ehlo = policies[n].ehlo;
	req.policy.observe = policies[n].observe;
	if (policies[n].midstream)
		req.policy.midstream = SMTP_FIXUP_MIDSTREAM_PASS;
	if (policies[n].tls)
		smtp_policy_set_tls(&req.policy, policies[n].tls);
	if (policies[n].strict)
		smtp_policy_set_strict(&req.policy);
	if (policies[n].chunking)
		smtp_policy_set_verbs(&req.policy,
				      req.policy.verbs | SMTP_VERB_BIT(BDAT));
	file = fmemopen((void *)(data + 1), size - 1, "rb");
	if (!file)
		return 0;
	capture = capture_fopen(file, "input", &link, &why);
	if (!capture)
		return 0;
	host_init(&host, &req);
	host.event = check_event;
	replay_run(&result, capture, link, &host, &ops, &why);
	host_release(&host);
	capture_close(capture);
	return 0;
}
