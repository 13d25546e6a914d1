/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The family's messages to and from structures: pure functions over buffers. Messages are
 * checked as if anybody could have sent them.
 */
#ifndef _SMTPFIXUP_MESSAGES_H
#define _SMTPFIXUP_MESSAGES_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "policy/events.h"
#include "options.h"

/* An answer to POLICY_GET: a range */
struct policy_entry {
	struct port_range range;
	u64 serial;	/* order of setting */
	struct smtp_policy policy;
};

struct policy_list {
	struct policy_entry *item;
	size_t count;
	size_t alloc;
};

/* A counter: enum smtp_fixup_counter, or a newer kernel's */
struct counter_value {
	u16 id;
	u64 value;
};

/* An answer to STATS_GET: a range */
struct stats_entry {
	struct port_range range;
	u8 mode;
	u16 count;
	struct counter_value *counter;
};

struct stats_list {
	struct stats_entry *item;
	size_t count;
	size_t alloc;
};

/* One end of a connection */
struct endpoint {
	u8 address[16];
	u8 len;
	u16 port;
};

/* An answer to FLOW_GET: a connection */
struct flow_entry {
	struct endpoint client;
	struct endpoint server;
	u8 mode;
	u8 phase;
	u32 commands;
	u32 blocked;
	u32 messages;
};

struct flow_list {
	struct flow_entry *item;
	size_t count;
	size_t alloc;
};

/* Room for any of the kernel's names */
#define EVENT_WORD_SIZE 32

/**
 * struct event - an edit or a verdict
 * @kind: its entry in the table of events, or NULL: a newer kernel's
 * @name: its name
 * @rule: the rule's id
 * @time: nanoseconds since 1970
 * @netns: inode number of the namespace
 * @client: the end that opened the connection
 * @server: the other
 * @client_dev: interface towards the client, or empty
 * @server_dev: interface towards the server, or empty
 * @vendor: number of the vendor's message, or 0
 * @words: the words concerned, or empty
 * @suppressed: events before it that were not sent
 *
 * The strings are printable, whatever was received.
 */
struct event {
	const struct smtp_event_kind *kind;
	char name[EVENT_WORD_SIZE];
	char rule[EVENT_WORD_SIZE];
	u64 time;
	u32 netns;
	struct endpoint client;
	struct endpoint server;
	char client_dev[EVENT_WORD_SIZE];
	char server_dev[EVENT_WORD_SIZE];
	u32 vendor;
	char words[SMTP_FIXUP_WORDS_MAX + 1];
	u64 suppressed;
};

/* Read an event's message. Return 0, or -1 when it makes no sense. */
int event_get(const struct nlmsghdr *nlh, struct event *event);

/* Read one message and append it to the list (a struct of above, as
 * netlink_read() wants it). Return 0, or -1 when it makes no sense.
 */
int policy_list_add(const struct nlmsghdr *nlh, void *list);
int stats_list_add(const struct nlmsghdr *nlh, void *list);
int flow_list_add(const struct nlmsghdr *nlh, void *list);

/* Forget the items. */
void policy_list_clear(void *list);
void stats_list_clear(void *list);
void flow_list_clear(void *list);

/* Sort so that set lines in this order restore the policies: of ranges that overlap, the
 * wider one first, and of equally wide ones the one that was set first. Otherwise by
 * port.
 */
void policy_list_sort(struct policy_list *list);

/* Sort by port. */
void stats_list_sort(struct stats_list *list);

/* Keep what overlaps with @ports, and add an entry of mode off for every
 * range of @ports that nothing overlaps with. No ports: keep all.
 */
void policy_list_select(struct policy_list *list, const struct ports *ports);
void stats_list_select(struct stats_list *list, const struct ports *ports);

/**
 * message_set() - the POLICY_SET message of a request
 * @req: the request
 * @family: the family's number
 *
 * Return: the message, header and all but its sequence number; to be freed.
 */
struct nlmsghdr *message_set(const struct set_request *req, u16 family);

/* Ranges of one request that fit into a message_replace(). */
#define REPLACE_RANGES_MAX 2000

/**
 * message_replace() - the POLICY_REPLACE message of requests
 * @req: the requests, of at most %REPLACE_RANGES_MAX ranges each
 * @count: how many
 * @family: the family's number
 *
 * Return: the message as message_set() has it.
 */
struct nlmsghdr *message_replace(const struct set_request *req, size_t count,
				 u16 family);

/* Which request of such a message an offset lies in, or -1. */
int message_replace_index(const struct nlmsghdr *nlh, u32 offset);

/* The FLUSH message, as message_set(). No ports: all of them. */
struct nlmsghdr *message_flush(const struct ports *ports, bool unjudged,
			       u16 family);

/* Read its answer into a u32: how many connections ended. Return 0, or -1. */
int flushed_get(const struct nlmsghdr *nlh, void *flushed);

/**
 * message_fault() - what a message's reader calls the attribute at an offset
 * @nlh: a message that this side made
 * @offset: from the message's first octet
 * @buf: for the answer
 * @size: its size
 *
 * Return: @buf with words such as "ports 25-30" or "tls", or NULL for an offset that
 * tells nothing.
 */
const char *message_fault(const struct nlmsghdr *nlh, u32 offset, char *buf,
			  size_t size);

/* What a top-level attribute is called, or NULL. */
const char *attr_name(unsigned int type);

/* Collect attributes by type; those above @max are left out. Return 0, or -1
 * when lengths do not fit.
 */
int attrs_collect(const void *data, size_t len, const struct nlattr **tb,
		  unsigned int max);

/* Is this attribute there, and this string? */
bool attr_is(const struct nlattr *attr, const char *text);

#endif /* _SMTPFIXUP_MESSAGES_H */
