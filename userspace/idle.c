// SPDX-License-Identifier: GPL-2.0-only
/* Policies that select no connection. See idle.h. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "idle.h"
#include "module.h"

/**
 * struct device - an interface
 * @found: 1: it is there; 0: it is not; -1: not known
 * @up: it is switched on
 * @port_of: the kind of device that it is a port of, or empty
 */
struct device {
	int found;
	bool up;
	char port_of[16];
};

static int device_attr(const struct nlattr *attr, void *data)
{
	struct device *device = data;
	const struct nlattr *info;

	if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
		return MNL_CB_OK;
	mnl_attr_for_each_nested(info, attr) {
		if (mnl_attr_get_type(info) == IFLA_INFO_SLAVE_KIND)
			snprintf(device->port_of, sizeof(device->port_of), "%.*s",
				 (int)mnl_attr_get_payload_len(info),
				 mnl_attr_get_str(info));
	}
	return MNL_CB_OK;
}

/* Asks by rtnetlink: after setns() /sys still shows another namespace's devices */
static struct device device_find(const char *name)
{
	u32 buf[4096] = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct device device = { .found = -1 };
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	const struct nlmsgerr *err;
	ssize_t len;
	int fd;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return device;
	len = send(fd, nlh, nlh->nlmsg_len, 0);
	if (len > 0)
		len = recv(fd, buf, sizeof(buf), 0);
	close(fd);
	if (len < (ssize_t)NLMSG_HDRLEN || !mnl_nlmsg_ok(nlh, len))
		return device;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		err = mnl_nlmsg_get_payload(nlh);
		if (err->error == -ENODEV)
			device.found = 0;
	} else if (nlh->nlmsg_type == RTM_NEWLINK) {
		device.found = 1;
		link = mnl_nlmsg_get_payload(nlh);
		device.up = link->ifi_flags & IFF_UP;
		mnl_attr_parse(nlh, sizeof(*link), device_attr, &device);
	}
	return device;
}

/* Hooks see the packets of a VRF's port first with that port */
static bool port_hides(const struct device *device)
{
	return *device->port_of && strcmp(device->port_of, "vrf");
}

/* A rule that names the helper holds the module, whatever namespace it is in */
static bool helper_unnamed(void)
{
	char line[32];

	return read_line(MODULE_SYSFS "refcnt", line, sizeof(line)) &&
	       !strcmp(line, "0");
}

const char *policy_idle(const struct smtp_policy *policy, char buf[IDLE_SIZE])
{
	struct device device;

	if (policy->mode == SMTP_FIXUP_MODE_OFF)
		return NULL;
	if (policy->assign == SMTP_FIXUP_ASSIGN_EXPLICIT && helper_unnamed()) {
		snprintf(buf, IDLE_SIZE, "no rule of nft (ct helper) or iptables assigns the helper smtp, which 'assign explicit' waits for");
		return buf;
	}
	if (!*policy->iif)
		return NULL;
	device = device_find(policy->iif);
	if (!device.found)
		snprintf(buf, IDLE_SIZE, "there is no interface %s here", policy->iif);
	else if (device.found > 0 && port_hides(&device))
		snprintf(buf, IDLE_SIZE, "%s is a port of a %s, and connections come in by that; name it instead",
			 policy->iif, device.port_of);
	else if (device.found > 0 && !device.up)
		snprintf(buf, IDLE_SIZE, "the interface %s is down", policy->iif);
	else if (!strcmp(policy->iif, "lo"))
		snprintf(buf, IDLE_SIZE, "the router's own connections come in by no interface");
	else
		return NULL;
	return buf;
}

void idle_note(FILE *err, const char *ports, const struct smtp_policy *policy)
{
	char buf[IDLE_SIZE];
	const char *why = policy_idle(policy, buf);

	if (why)
		fprintf(err, "smtpfixup: note: the policy of port %s selects no connection: %s\n",
			ports, why);
}
