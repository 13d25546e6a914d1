// SPDX-License-Identifier: GPL-2.0-only
/* Talking to the kernel. See netlink.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "module.h"
#include "netlink.h"

/* How often a dump is repeated when policies change meanwhile, which is rare */
#define DUMP_ATTEMPTS	10

/* Before Linux 6.x headers had them all */
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif
#define EXT_ACK_MSG		1
#define EXT_ACK_OFFS		2
#define EXT_ACK_MISS_TYPE	5
#define EXT_ACK_MAX		EXT_ACK_MISS_TYPE

/**
 * struct ext_ack - what the kernel adds to an error
 * @text: its sentence, printable, or empty
 * @fault: what the attribute at fault is called, or empty
 * @offset: where that attribute is in the request, or 0
 * @missing: what the attribute that is missing is called, or NULL
 */
struct ext_ack {
	u32 offset;
	char text[512];
	char fault[64];
	const char *missing;
};

static void ext_ack_read(struct ext_ack *ack, const void *data, size_t len,
			 const struct nlmsghdr *request)
{
	const struct nlattr *tb[EXT_ACK_MAX + 1];
	u32 n;

	if (attrs_collect(data, len, tb, EXT_ACK_MAX))
		return;
	if (tb[EXT_ACK_MSG]) {
		size_t room = tb[EXT_ACK_MSG]->nla_len - NLA_HDRLEN;

		snprintf(ack->text, sizeof(ack->text), "%.*s", (int)room,
			 (const char *)tb[EXT_ACK_MSG] + NLA_HDRLEN);
		make_printable(ack->text);
	}
	if (tb[EXT_ACK_OFFS] &&
	    tb[EXT_ACK_OFFS]->nla_len == NLA_HDRLEN + sizeof(n)) {
		memcpy(&n, (const u8 *)tb[EXT_ACK_OFFS] + NLA_HDRLEN, sizeof(n));
		message_fault(request, n, ack->fault, sizeof(ack->fault));
		ack->offset = n;
	}
	if (tb[EXT_ACK_MISS_TYPE] &&
	    tb[EXT_ACK_MISS_TYPE]->nla_len == NLA_HDRLEN + sizeof(n)) {
		memcpy(&n, (const u8 *)tb[EXT_ACK_MISS_TYPE] + NLA_HDRLEN,
		       sizeof(n));
		ack->missing = attr_name(n);
	}
}

static int explain(int error, const struct ext_ack *ack,
		   const struct nlmsghdr *request, struct reason *why)
{
	const char *what;

	if (error == EPERM && !(request->nlmsg_flags & NLM_F_DUMP))
		return reason_refused(why, "changing a policy needs CAP_NET_ADMIN in this network namespace; run it as root (sudo)");
	if (error == EPERM)
		return reason_refused(why, "reading this needs CAP_NET_ADMIN in this network namespace; run it as root (sudo)");
	if (error == EOPNOTSUPP && !*ack->text)
		return reason_refused(why, "the kernel module does not know this request, for it is older than this tool; load the one of the same version");

	what = *ack->text ? ack->text : strerror(error);
	if (*ack->fault)
		return reason_refused(why, "the kernel refused '%s': %s",
				      ack->fault, what);
	if (ack->missing)
		return reason_refused(why, "the kernel refused it: %s ('%s' is missing)",
				      what, ack->missing);
	return reason_refused(why, "the kernel refused it: %s", what);
}

/* NLMSG_ERROR and NLMSG_DONE both begin with an errno; text may follow. */
static enum walk walk_end(const struct nlmsghdr *nlh,
			  const struct nlmsghdr *request, struct reason *why)
{
	const u8 *payload = (const u8 *)nlh + NLMSG_HDRLEN;
	const size_t len = nlh->nlmsg_len - NLMSG_HDRLEN;
	struct ext_ack ack = { 0 };
	size_t head = sizeof(int);
	int error = 0;

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		struct nlmsgerr err;

		if (len < sizeof(err))
			goto malformed;
		memcpy(&err, payload, sizeof(err));
		head = sizeof(err);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED)) {
			if (err.msg.nlmsg_len < NLMSG_HDRLEN ||
			    err.msg.nlmsg_len > len)
				head = len;
			else
				head += NLMSG_ALIGN(err.msg.nlmsg_len) -
					NLMSG_HDRLEN;
		}
		error = err.error;
	} else if (len >= sizeof(error)) {
		memcpy(&error, payload, sizeof(error));
	}
	if (!error)
		return WALK_DONE;
	if (error > 0 || error < -4095)
		goto malformed;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && head < len)
		ext_ack_read(&ack, payload + head, len - head, request);
	explain(-error, &ack, request, why);
	why->offset = ack.offset;
	return WALK_FAILED;

malformed:
	reason_local(why, "the kernel's answer makes no sense; are module and tool of the same version?");
	return WALK_FAILED;
}

enum walk netlink_walk(const void *buf, size_t len,
		       const struct nlmsghdr *request,
		       const struct reply *reply, bool *interrupted,
		       struct reason *why)
{
	const u8 *at = buf;

	while (len >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)at;
		size_t step;

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > len)
			break;
		if (nlh->nlmsg_seq != request->nlmsg_seq ||
		    nlh->nlmsg_pid != request->nlmsg_pid)
			goto next;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;

		if (nlh->nlmsg_type == NLMSG_DONE ||
		    nlh->nlmsg_type == NLMSG_ERROR)
			return walk_end(nlh, request, why);
		if (nlh->nlmsg_type == request->nlmsg_type && reply &&
		    reply->add(nlh, reply->data)) {
			reason_local(why, "the kernel's answer makes no sense; are module and tool of the same version?");
			return WALK_FAILED;
		}
next:
		step = NLMSG_ALIGN(nlh->nlmsg_len);
		if (step >= len)
			break;
		at += step;
		len -= step;
	}
	return WALK_MORE;
}

/* The default buffer takes about 10,000 ranges. Only root of the machine may
 * go beyond the system's limit; failing that, sending says so.
 */
static void make_room(struct netlink *nl, size_t len)
{
	int fd = mnl_socket_get_fd(nl->socket);
	int size = len + 4096;

	if (len < 65536)
		return;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int send_message(struct netlink *nl, struct nlmsghdr *nlh,
			struct reason *why)
{
	ssize_t sent;

	nlh->nlmsg_seq = ++nl->seq;
	nlh->nlmsg_pid = nl->portid;
	make_room(nl, nlh->nlmsg_len);
	do {
		sent = mnl_socket_sendto(nl->socket, nlh, nlh->nlmsg_len);
	} while (sent < 0 && errno == EINTR);

	if (sent >= 0)
		return 0;
	if (errno == EMSGSIZE || errno == ENOBUFS)
		return reason_local(why, "so many port ranges don't fit into one message here, and nothing was changed; name fewer at a time, or join them as 25-30");
	return reason_local(why, "the kernel can't be reached by netlink: %s",
			    strerror(errno));
}

static int receive(struct netlink *nl, const struct nlmsghdr *request,
		   const struct reply *reply, bool *interrupted,
		   struct reason *why)
{
	enum walk walk;

	do {
		ssize_t len = mnl_socket_recvfrom(nl->socket, nl->buf,
						  NETLINK_RECEIVE_SIZE);

		if (len < 0 && errno == EINTR) {
			walk = WALK_MORE;
			continue;
		}
		if (len < 0)
			return reason_local(why, "the kernel's answer could not be read: %s",
					    strerror(errno));
		if (!len)
			return reason_local(why, "the kernel gave no answer");
		walk = netlink_walk(nl->buf, len, request, reply, interrupted,
				    why);
	} while (walk == WALK_MORE);
	return walk == WALK_DONE ? 0 : -1;
}

int netlink_request(struct netlink *nl, struct nlmsghdr *nlh,
		    const struct reply *reply, struct reason *why)
{
	bool interrupted;

	if (send_message(nl, nlh, why))
		return -1;
	return receive(nl, nlh, reply, &interrupted, why);
}

static int dump(struct netlink *nl, u8 cmd, const struct reply *reply,
		struct reason *why)
{
	u32 buf[(NLMSG_HDRLEN + GENL_HDRLEN) / sizeof(u32)] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	nlh->nlmsg_type = nl->family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	genl->cmd = cmd;
	genl->version = SMTP_FIXUP_GENL_VERSION;

	for (int i = 0; i < DUMP_ATTEMPTS; i++) {
		bool interrupted = false;

		if (send_message(nl, nlh, why) ||
		    receive(nl, nlh, reply, &interrupted, why))
			return -1;
		if (!interrupted || !reply->clear)
			return 0;
		reply->clear(reply->data);
	}
	return reason_local(why, "somebody keeps changing what was to be read; try again");
}

/* The family has one group, so the list is one attribute of a number */
static int group_get(const struct nlattr *list, u32 *number)
{
	const struct nlattr *group[2], *tb[CTRL_ATTR_MCAST_GRP_ID + 1];
	const struct nlattr *id;

	if (attrs_collect(mnl_attr_get_payload(list), list->nla_len - NLA_HDRLEN, group, 1))
		return -1;
	if (!group[1])
		return 0;
	if (attrs_collect(mnl_attr_get_payload(group[1]), group[1]->nla_len - NLA_HDRLEN, tb,
			  CTRL_ATTR_MCAST_GRP_ID))
		return -1;
	id = tb[CTRL_ATTR_MCAST_GRP_ID];
	if (!id || id->nla_len != NLA_HDRLEN + sizeof(*number) ||
	    !attr_is(tb[CTRL_ATTR_MCAST_GRP_NAME], SMTP_FIXUP_MCGRP_EVENTS))
		return -1;
	memcpy(number, mnl_attr_get_payload(id), sizeof(*number));
	return 0;
}

static int family_add(const struct nlmsghdr *nlh, void *data)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlattr *tb[CTRL_ATTR_MCAST_GROUPS + 1];
	const struct nlattr *id;
	struct netlink *nl = data;

	if (nlh->nlmsg_len < head ||
	    attrs_collect((const u8 *)nlh + head, nlh->nlmsg_len - head, tb,
			  CTRL_ATTR_MCAST_GROUPS))
		return -1;
	id = tb[CTRL_ATTR_FAMILY_ID];
	if (!id || id->nla_len != NLA_HDRLEN + sizeof(nl->family))
		return -1;
	memcpy(&nl->family, mnl_attr_get_payload(id), sizeof(nl->family));
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		return group_get(tb[CTRL_ATTR_MCAST_GROUPS], &nl->events);
	return 0;
}

static int find_family(struct netlink *nl, struct reason *why)
{
	const struct reply reply = { .add = family_add, .data = nl };
	u32 buf[(NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + GENL_NAMSIZ) /
		sizeof(u32)] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	bool interrupted;

	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SMTP_FIXUP_GENL_NAME);

	if (!send_message(nl, nlh, why) &&
	    !receive(nl, nlh, &reply, &interrupted, why) && nl->family)
		return 0;
	/* The controller refuses for no other reason */
	if (why->status == EXIT_REFUSED || !*why->text)
		module_missing(why);
	return -1;
}

int netlink_open(struct netlink *nl, struct reason *why)
{
	static const int options[] = {
		NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK,
	};
	int on = 1;

	memset(nl, 0, sizeof(*nl));
	nl->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID))
		return reason_local(why, "a netlink socket could not be opened: %s",
				    strerror(errno));
	/* Older kernels lack some of these. Then answers are less precise. */
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		mnl_socket_setsockopt(nl->socket, options[i], &on, sizeof(on));

	nl->portid = mnl_socket_get_portid(nl->socket);
	nl->seq = time(NULL);
	nl->buf = grow(NULL, 1, NETLINK_RECEIVE_SIZE);
	return find_family(nl, why);
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl->buf);
}

int netlink_read(u8 cmd, const struct reply *reply, struct reason *why)
{
	struct netlink nl;
	int rc;

	rc = netlink_open(&nl, why);
	if (!rc)
		rc = dump(&nl, cmd, reply, why);
	netlink_close(&nl);
	return rc;
}
