// SPDX-License-Identifier: GPL-2.0-only
/* A kernel of cardboard. See fake.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "fake.h"

struct fake fake;

void fake_reset(void)
{
	free(fake.request);
	memset(&fake, 0, sizeof(fake));
}

struct answer *fake_answer(void)
{
	assert_true(fake.count < FAKE_ANSWERS);
	return &fake.answer[fake.count++];
}

struct nlmsghdr *put_message(struct answer *a, u16 type, u16 flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(a->buf + a->len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	if (type >= NLMSG_MIN_TYPE)
		mnl_nlmsg_put_extra_header(nlh, GENL_HDRLEN);
	return nlh;
}

void end_message(struct answer *a, struct nlmsghdr *nlh)
{
	a->len += NLMSG_ALIGN(nlh->nlmsg_len);
	assert_true(a->len <= sizeof(a->buf));
}

void put_done(struct answer *a, int error, const char *text)
{
	struct nlmsghdr *nlh = put_message(a, NLMSG_DONE, NLM_F_MULTI);

	*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = error;
	if (text) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, 1, text);
	}
	end_message(a, nlh);
}

void put_ack(struct answer *a, int error, const char *text, int offset)
{
	struct nlmsghdr *nlh = put_message(a, NLMSG_ERROR, NLM_F_CAPPED);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	err->error = error;
	err->msg.nlmsg_len = 100000;
	if (text) {
		nlh->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(nlh, 1, text);
		if (offset >= 0)
			mnl_attr_put_u32(nlh, 2, offset);
	}
	end_message(a, nlh);
}

void put_range(struct nlmsghdr *nlh, u16 first, u16 last)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_PORTS);

	mnl_attr_put_u16(nlh, SMTP_FIXUP_PORTS_A_FIRST, first);
	if (last)
		mnl_attr_put_u16(nlh, SMTP_FIXUP_PORTS_A_LAST, last);
	mnl_attr_nest_end(nlh, nest);
}

static void put_limits(struct nlmsghdr *nlh, const struct smtp_policy *p)
{
	struct nlattr *limits = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_LIMITS);

	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		struct nlattr *limit = mnl_attr_nest_start(nlh, 1 + i);

		mnl_attr_put_u32(nlh, SMTP_FIXUP_LIMIT_A_MAX_VALUE, p->limits[i].max);
		mnl_attr_put_u8(nlh, SMTP_FIXUP_LIMIT_A_ACTION, p->limits[i].action);
		mnl_attr_nest_end(nlh, limit);
	}
	mnl_attr_nest_end(nlh, limits);
}

static void put_matches(struct nlmsghdr *nlh, const struct smtp_criteria *c)
{
	struct nlattr *matches = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_MATCHES);

	for (u32 i = 0; i < c->nr; i++) {
		const struct smtp_criterion *m = &c->criterion[i];
		struct nlattr *match = mnl_attr_nest_start(nlh, SMTP_FIXUP_MATCHES_A_MATCH);

		mnl_attr_put_u8(nlh, SMTP_FIXUP_MATCH_A_WHAT, m->what);
		mnl_attr_put_u8(nlh, SMTP_FIXUP_MATCH_A_ACTION, m->action);
		if (m->negated)
			mnl_attr_put(nlh, SMTP_FIXUP_MATCH_A_NOT, 0, NULL);
		mnl_attr_put_strz(nlh, SMTP_FIXUP_MATCH_A_PATTERNS, m->patterns);
		if (m->field)
			mnl_attr_put_strz(nlh, SMTP_FIXUP_MATCH_A_FIELD, m->field);
		mnl_attr_nest_end(nlh, match);
	}
	mnl_attr_nest_end(nlh, matches);
}

void put_policy(struct answer *a, u16 first, u16 last,
		const struct smtp_policy *p, u16 flags)
{
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI | flags);

	put_range(nlh, first, last);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, p->mode);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_BANNER, p->banner);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_TLS, p->tls);
	mnl_attr_put(nlh, SMTP_FIXUP_A_PAD, 0, NULL);
	mnl_attr_put_u64(nlh, SMTP_FIXUP_A_VERBS, p->verbs);
	mnl_attr_put_u64(nlh, SMTP_FIXUP_A_KEYWORDS, p->keywords);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_REJECT, p->reject);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_EHLO, p->ehlo);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_SPECIAL, p->special);
	put_limits(nlh, p);
	if (p->criteria)
		put_matches(nlh, p->criteria);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_SMUGGLING, p->smuggling);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_LINE_ENDING, p->line_ending);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MIDSTREAM, p->midstream);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_ASSIGN, p->assign);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_PROXY_PROTOCOL, p->proxy_protocol);
	if (p->by_mark)
		mnl_attr_put(nlh, SMTP_FIXUP_A_BY_MARK, 0, NULL);
	if (*p->iif)
		mnl_attr_put_strz(nlh, SMTP_FIXUP_A_IIF, p->iif);
	if (p->strict)
		mnl_attr_put(nlh, SMTP_FIXUP_A_STRICT, 0, NULL);
	if (p->keep_esmtp)
		mnl_attr_put(nlh, SMTP_FIXUP_A_KEEP_ESMTP, 0, NULL);
	if (p->observe)
		mnl_attr_put(nlh, SMTP_FIXUP_A_OBSERVE, 0, NULL);
	if (p->text_len) {
		char text[SMTP_FIXUP_TEXT_MAX + 1] = "";

		memcpy(text, p->text + 4, p->text_len - 6);
		mnl_attr_put_strz(nlh, SMTP_FIXUP_A_BANNER_TEXT, text);
	}
	end_message(a, nlh);
}

/* Counter n is base + n */
void put_stats(struct answer *a, u16 first, u16 last, u8 mode, u64 base,
	       unsigned int count)
{
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);
	struct nlattr *nest;

	put_range(nlh, first, last);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, mode);
	nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_COUNTERS);
	for (unsigned int i = 0; i < count; i++) {
		mnl_attr_put(nlh, count + 1, 0, NULL);
		mnl_attr_put_u64(nlh, 1 + i, base + i);
	}
	mnl_attr_nest_end(nlh, nest);
	end_message(a, nlh);
}

static void put_address(struct nlmsghdr *nlh, u16 type, const char *text)
{
	u8 address[16];
	bool v6 = strchr(text, ':');

	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, text, address), 1);
	mnl_attr_put(nlh, type, v6 ? 16 : 4, address);
}

void put_flow(struct answer *a, const char *client, u16 client_port,
	      const char *server, u16 server_port, u8 mode, u8 phase,
	      u32 commands, u32 blocked, u32 messages)
{
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);
	struct nlattr *nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_FLOW);

	put_address(nlh, SMTP_FIXUP_FLOW_A_CLIENT, client);
	mnl_attr_put_u16(nlh, SMTP_FIXUP_FLOW_A_CLIENT_PORT, client_port);
	put_address(nlh, SMTP_FIXUP_FLOW_A_SERVER, server);
	mnl_attr_put_u16(nlh, SMTP_FIXUP_FLOW_A_SERVER_PORT, server_port);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_FLOW_A_MODE, mode);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_FLOW_A_PHASE, phase);
	mnl_attr_put_u32(nlh, SMTP_FIXUP_FLOW_A_COMMANDS, commands);
	mnl_attr_put_u32(nlh, SMTP_FIXUP_FLOW_A_BLOCKED, blocked);
	mnl_attr_put_u32(nlh, SMTP_FIXUP_FLOW_A_MESSAGES, messages);
	mnl_attr_nest_end(nlh, nest);
	end_message(a, nlh);
}

struct nlattr *begin_event(struct nlmsghdr *nlh, u8 event, const char *name,
			   const char *rule, const char *client, const char *server)
{
	struct genlmsghdr *genl = (void *)((u8 *)nlh + NLMSG_HDRLEN);
	struct nlattr *nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_EVENT);

	genl->cmd = SMTP_FIXUP_CMD_EVENT;
	mnl_attr_put_u8(nlh, SMTP_FIXUP_EVENT_A_EVENT, event);
	mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_NAME, name);
	mnl_attr_put_strz(nlh, SMTP_FIXUP_EVENT_A_RULE, rule);
	/* 2026-11-22 20:30:01.234567 UTC */
	mnl_attr_put_u64(nlh, SMTP_FIXUP_EVENT_A_TIME, 1795379401234567890ULL);
	mnl_attr_put_u32(nlh, SMTP_FIXUP_EVENT_A_NETNS, 4026531840u);
	put_address(nlh, SMTP_FIXUP_EVENT_A_CLIENT, client);
	mnl_attr_put_u16(nlh, SMTP_FIXUP_EVENT_A_CLIENT_PORT, 40001);
	put_address(nlh, SMTP_FIXUP_EVENT_A_SERVER, server);
	mnl_attr_put_u16(nlh, SMTP_FIXUP_EVENT_A_SERVER_PORT, 25);
	return nest;
}

/* The controller's part of the conversation */
static struct answer controller[2];
static unsigned int controller_left;
static u32 seq;

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags);
struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	(void)flags;
	assert_int_equal(bus, NETLINK_GENERIC);
	errno = fake.open_errno;
	return fake.open_errno ? NULL : (struct mnl_socket *)&fake;
}

int __wrap_mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid);
int __wrap_mnl_socket_bind(struct mnl_socket *s, unsigned int groups, pid_t pid)
{
	(void)s;
	(void)groups;
	(void)pid;
	return 0;
}

int __wrap_mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *buf,
				 socklen_t len);
int __wrap_mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *buf,
				 socklen_t len)
{
	(void)s;
	if (type != NETLINK_ADD_MEMBERSHIP)
		return -1;	/* as a kernel that knows none of them */
	assert_int_equal(len, sizeof(u32));
	assert_true(fake.joins < 2);
	errno = fake.join_errno;
	if (fake.join_errno)
		return -1;
	memcpy(&fake.joined[fake.joins++], buf, len);
	return 0;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *s);
unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *s)
{
	(void)s;
	return FAKE_PORTID;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *s);
int __wrap_mnl_socket_get_fd(const struct mnl_socket *s)
{
	static int readable = -1;

	(void)s;
	if (readable < 0)
		readable = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return readable;
}

int __wrap_mnl_socket_close(struct mnl_socket *s);
int __wrap_mnl_socket_close(struct mnl_socket *s)
{
	(void)s;
	return 0;
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *buf,
				 size_t len);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *s, const void *buf,
				 size_t len)
{
	const struct nlmsghdr *nlh = buf;
	struct nlmsghdr *answer;

	(void)s;
	assert_int_equal(nlh->nlmsg_len, len);
	assert_true(nlh->nlmsg_flags & NLM_F_REQUEST);
	seq = nlh->nlmsg_seq;

	if (nlh->nlmsg_type != GENL_ID_CTRL) {
		errno = fake.send_errno;
		if (fake.send_errno)
			return -1;
		fake.requests++;
		free(fake.request);
		fake.request = malloc(len);
		fake.request_len = len;
		memcpy(fake.request, buf, len);
		return len;
	}

	memset(controller, 0, sizeof(controller));
	controller_left = fake.absent ? 1 : 2;
	put_ack(&controller[0], fake.absent ? -ENOENT : 0, NULL, -1);
	answer = put_message(&controller[1], GENL_ID_CTRL, 0);
	mnl_attr_put_strz(answer, CTRL_ATTR_FAMILY_NAME, SMTP_FIXUP_GENL_NAME);
	mnl_attr_put_u16(answer, CTRL_ATTR_FAMILY_ID, FAKE_FAMILY);
	if (!fake.no_events) {
		struct nlattr *groups = mnl_attr_nest_start(answer, CTRL_ATTR_MCAST_GROUPS);
		struct nlattr *group = mnl_attr_nest_start(answer, 1);

		mnl_attr_put_u32(answer, CTRL_ATTR_MCAST_GRP_ID, FAKE_EVENTS);
		mnl_attr_put_strz(answer, CTRL_ATTR_MCAST_GRP_NAME,
				  SMTP_FIXUP_MCGRP_EVENTS);
		mnl_attr_nest_end(answer, group);
		mnl_attr_nest_end(answer, groups);
	}
	end_message(&controller[1], answer);
	return len;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *buf,
				   size_t size);
ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *s, void *buf,
				   size_t size)
{
	struct answer *a;

	(void)s;
	if (controller_left) {
		a = &controller[--controller_left];
	} else {
		errno = fake.recv_errno;
		if (fake.joins)
			fake.recv_errno = 0;
		if (errno)
			return -1;
		if (fake.given == fake.count && fake.joins) {
			raise(SIGTERM);	/* that is how a monitor ends */
			errno = EINTR;
			return -1;
		}
		if (fake.given == fake.count)
			return 0;
		a = &fake.answer[fake.given++];
	}
	assert_true(a->len <= size);
	for (size_t at = 0; at + NLMSG_HDRLEN <= a->len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)(a->buf + at);

		nlh->nlmsg_seq = a->stale ? seq - 1 : seq;
		nlh->nlmsg_pid = fake.joins && !a->stale ? 0 : FAKE_PORTID;
		if (nlh->nlmsg_len < NLMSG_HDRLEN)
			break;
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	memcpy(buf, a->buf, a->len);
	return a->len;
}

void tool(struct outcome *o, const char *word, ...)
{
	size_t out_len, err_len;
	char *argv[32] = { (char *)"smtpfixup" };
	int argc = 1;
	FILE *out, *err;
	struct timespec now = { 0 };
	va_list words;
	sigset_t term;

	va_start(words, word);
	for (; word; word = va_arg(words, const char *)) {
		assert_true(argc < 31);
		argv[argc++] = strdup(word);
	}
	va_end(words);

	out = open_memstream(&o->out, &out_len);
	err = open_memstream(&o->err, &err_len);
	o->status = cli_main(argc, argv, out, err);
	/* What ended a monitor is not for the next one */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigtimedwait(&term, NULL, &now);
	fclose(out);
	fclose(err);
	while (--argc)
		free(argv[argc]);

	/* Whatever fails: one line, and nothing beside it but notes */
	if (o->status && (o->status != EXIT_DEVICE || *o->err)) {
		assert_int_equal(strncmp(o->err, "smtpfixup: ", 11), 0);
		assert_ptr_equal(strchr(o->err, '\n'), o->err + err_len - 1);
	} else if (*o->err) {
		assert_int_equal(strncmp(o->err, "smtpfixup: note: ", 17), 0);
		assert_ptr_equal(strchr(o->err, '\n'), o->err + err_len - 1);
	}
}

void outcome_free(struct outcome *o)
{
	free(o->out);
	free(o->err);
}

struct outcome o;

int setup(void **state)
{
	(void)state;
	fake_reset();
	memset(&o, 0, sizeof(o));
	return 0;
}

int teardown(void **state)
{
	(void)state;
	outcome_free(&o);
	fake_reset();
	return 0;
}
