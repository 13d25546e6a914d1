/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages as the kernel would send them, and a kernel that sends them: the
 * tests are linked with -Wl,--wrap for libmnl's socket functions.
 */
#ifndef _TESTS_TOOL_FAKE_H
#define _TESTS_TOOL_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "messages.h"

#define FAKE_FAMILY	0x21
#define FAKE_PORTID	4242
#define FAKE_EVENTS	0x37
#define FAKE_ANSWERS	32

/* One answer: what one recvfrom() yields */
struct answer {
	_Alignas(8) u8 buf[8192];
	size_t len;
	bool stale;	/* of an earlier request: not to be believed */
};

struct fake {
	bool absent;		/* no such family */
	int open_errno;		/* what each of these fails with */
	int send_errno;
	int recv_errno;
	int join_errno;
	bool no_events;		/* the family has no multicast group */
	u32 joined[2];		/* multicast groups; then answers are events */
	unsigned int joins;
	size_t count;		/* answers prepared, and given */
	size_t given;
	struct answer answer[FAKE_ANSWERS];
	unsigned int requests;	/* of the family, seen */
	u8 *request;		/* the last one */
	size_t request_len;
};

extern struct fake fake;

void fake_reset(void);
struct answer *fake_answer(void);

/* Append a message to an answer */
struct nlmsghdr *put_message(struct answer *a, u16 type, u16 flags);
void end_message(struct answer *a, struct nlmsghdr *nlh);
void put_done(struct answer *a, int error, const char *text);
void put_ack(struct answer *a, int error, const char *text, int offset);
void put_range(struct nlmsghdr *nlh, u16 first, u16 last);
void put_policy(struct answer *a, u16 first, u16 last,
		const struct smtp_policy *policy, u16 flags);
void put_stats(struct answer *a, u16 first, u16 last, u8 mode, u64 base,
	       unsigned int count);
void put_flow(struct answer *a, const char *client, u16 client_port,
	      const char *server, u16 server_port, u8 mode, u8 phase,
	      u32 commands, u32 blocked, u32 messages);

/* The attributes that every event has, and then the caller's own */
struct nlattr *begin_event(struct nlmsghdr *nlh, u8 event, const char *name,
			   const char *rule, const char *client, const char *server);

/* Run a command line; its words end at NULL. */
struct outcome {
	int status;
	char *out;
	char *err;
};

void tool(struct outcome *o, const char *word, ...);
void outcome_free(struct outcome *o);

/* Of the test that runs: its last command line. Each begins with a kernel that
 * knows nothing.
 */
extern struct outcome o;
int setup(void **state);
int teardown(void **state);

#define assert_says(what, text) do {					\
	if (!strstr(what, text))					\
		fail_msg("'%s' lacks '%s'", what, text);		\
} while (0)

#endif /* _TESTS_TOOL_FAKE_H */
