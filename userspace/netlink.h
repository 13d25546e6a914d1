/* SPDX-License-Identifier: GPL-2.0-only */
/* Talking to the kernel. */
#ifndef _SMTPFIXUP_NETLINK_H
#define _SMTPFIXUP_NETLINK_H

#include "messages.h"

/* The kernel fills at most 32 KB at a time */
#define NETLINK_RECEIVE_SIZE 65536

struct netlink {
	struct mnl_socket *socket;
	u32 portid;
	u32 seq;
	u16 family;
	u32 events;	/* number of the multicast group, or 0: there is none */
	u8 *buf;
};

/**
 * struct reply - what a dump's or a request's answers are turned into
 * @add: takes one message of the family; nonzero means it makes no sense
 * @clear: forgets what @add took, for another try; NULL: there is none
 * @data: what both work on
 */
struct reply {
	int (*add)(const struct nlmsghdr *nlh, void *data);
	void (*clear)(void *data);
	void *data;
};

/* Open a socket and find the family; netlink_close() it even on failure. */
int netlink_open(struct netlink *nl, struct reason *why);
void netlink_close(struct netlink *nl);

/* Send a message that asks for an ack, and wait for it. What comes before that
 * goes to @reply, which may be NULL.
 */
int netlink_request(struct netlink *nl, struct nlmsghdr *nlh,
		    const struct reply *reply, struct reason *why);

/* Open a socket, dump by a command, and close the socket. What changed during the dump
 * is read again.
 */
int netlink_read(u8 cmd, const struct reply *reply, struct reason *why);

/**
 * struct listener - who is told of events
 * @event: takes one
 * @lost: some were, since they were not read fast enough
 * @pause: nothing more has come yet; nonzero ends it
 * @data: what all work on
 */
struct listener {
	void (*event)(const struct nlmsghdr *nlh, void *data);
	void (*lost)(void *data);
	int (*pause)(void *data);
	void *data;
};

/**
 * netlink_listen() - be told of the namespace's events
 * @nl: an open socket; nothing else can be asked by it from now on
 * @listener: who is told
 * @out: it ends when nobody reads this any more; or -1
 * @why: filled on failure
 *
 * Return: 0 where SIGINT or SIGTERM, @out or @listener ended it, or -1.
 */
int netlink_listen(struct netlink *nl, const struct listener *listener, int out,
		   struct reason *why);

enum walk {
	WALK_FAILED = -1,
	WALK_MORE,	/* the answer is not complete yet */
	WALK_DONE,
};

/**
 * netlink_walk() - go through one buffer of answers
 * @buf: the buffer, aligned for a struct nlmsghdr
 * @len: its length
 * @request: what was asked: answers to anything else are skipped
 * @reply: where answers go
 * @interrupted: set when the dump is no consistent picture
 * @why: filled on failure
 *
 * A pure function, apart from what @reply does.
 *
 * Return: whether more buffers follow, or how it ended.
 */
enum walk netlink_walk(const void *buf, size_t len,
		       const struct nlmsghdr *request,
		       const struct reply *reply, bool *interrupted,
		       struct reason *why);

#endif /* _SMTPFIXUP_NETLINK_H */
