// SPDX-License-Identifier: GPL-2.0-only
/* Receiving events. See netlink.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

static int no_socket(struct reason *why)
{
	return reason_local(why, "the kernel's events can't be read: %s",
			    strerror(errno));
}

/* Joins the events' group, and the controller's own, which tells when the
 * family goes: its number is always that of the controller.
 */
static int join(struct netlink *nl, struct reason *why)
{
	u32 groups[] = { nl->events, GENL_ID_CTRL };
	int size = 4 << 20, fd = mnl_socket_get_fd(nl->socket);

	if (!nl->events)
		return reason_refused(why, "the kernel module has no events, for it is older than this tool; load the one of the same version");
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (!mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP,
					   &groups[i], sizeof(groups[i])))
			continue;
		if (errno != EPERM)
			return no_socket(why);
		return reason_refused(why, "reading events needs CAP_NET_ADMIN in this network namespace; run it as root (sudo)");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return 0;
}

/* Does the controller say that the family was unregistered? */
static bool is_farewell(const struct nlmsghdr *nlh)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct nlattr *tb[CTRL_ATTR_FAMILY_NAME + 1];
	const struct genlmsghdr *genl = (const void *)((const u8 *)nlh + NLMSG_HDRLEN);

	return nlh->nlmsg_type == GENL_ID_CTRL && nlh->nlmsg_len >= head &&
	       genl->cmd == CTRL_CMD_DELFAMILY &&
	       !attrs_collect((const u8 *)nlh + head, nlh->nlmsg_len - head, tb,
			      CTRL_ATTR_FAMILY_NAME) &&
	       attr_is(tb[CTRL_ATTR_FAMILY_NAME], SMTP_FIXUP_GENL_NAME);
}

static bool is_event(const struct netlink *nl, const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = (const void *)((const u8 *)nlh + NLMSG_HDRLEN);

	return nlh->nlmsg_type == nl->family && !nlh->nlmsg_pid &&
	       nlh->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN &&
	       genl->cmd == SMTP_FIXUP_CMD_EVENT;
}

/* One buffer of events. Returns -1 when they are the last. */
static int listen_walk(struct netlink *nl, size_t len,
		       const struct listener *listener, struct reason *why)
{
	const u8 *at = nl->buf;

	while (len >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)at;
		size_t step;

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > len)
			break;
		if (is_farewell(nlh))
			return reason_local(why, "the kernel module was unloaded");
		if (is_event(nl, nlh))
			listener->event(nlh, listener->data);
		step = NLMSG_ALIGN(nlh->nlmsg_len);
		if (step >= len)
			break;
		at += step;
		len -= step;
	}
	return 0;
}

static int listen_loop(struct netlink *nl, const struct listener *listener,
		       int out, int signals, struct reason *why)
{
	struct pollfd fd[] = {
		{ .fd = mnl_socket_get_fd(nl->socket), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = out },
	};
	int rc;

	do {
		ssize_t len;

		if (poll(fd, sizeof(fd) / sizeof(*fd), -1) < 0 && errno != EINTR)
			return no_socket(why);
		if (fd[1].revents || fd[2].revents)
			return 0;
		len = mnl_socket_recvfrom(nl->socket, nl->buf, NETLINK_RECEIVE_SIZE);
		rc = 0;
		if (len >= 0)
			rc = listen_walk(nl, len, listener, why);
		else if (errno == ENOBUFS)
			listener->lost(listener->data);
		else if (errno != EINTR)
			return no_socket(why);
	} while (!listener->pause(listener->data) && !rc);
	return rc;
}

int netlink_listen(struct netlink *nl, const struct listener *listener, int out,
		   struct reason *why)
{
	sigset_t mask;
	int signals, rc;

	if (join(nl, why))
		return -1;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGPIPE);
	/* Never restored: a signal that has come would end the program at once */
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (signals < 0) {
		rc = no_socket(why);
	} else {
		rc = listen_loop(nl, listener, out, signals, why);
		close(signals);
	}
	return rc;
}
