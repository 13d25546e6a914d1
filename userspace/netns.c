// SPDX-License-Identifier: GPL-2.0-only
/* Another network namespace. See netns.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"

/* Where "ip netns add" puts them */
#define NETNS_DIR "/run/netns"

bool netns_flag(const char *word)
{
	return !strcmp(word, "-n") || !strcmp(word, "--netns");
}

int netns_enter(const char *name, struct reason *why)
{
	char path[300];
	int fd, error;

	snprintf(path, sizeof(path), "%s%s",
		 strchr(name, '/') ? "" : NETNS_DIR "/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return reason_local(why, "there is no network namespace %s; 'ip netns list' lists them",
				    QUOTED(name));
	if (fd < 0)
		return reason_local(why, "the network namespace %s could not be opened: %s",
				    QUOTED(name), strerror(errno));
	if (!setns(fd, CLONE_NEWNET)) {
		close(fd);
		return 0;
	}
	error = errno;
	close(fd);
	if (error == EPERM)
		return reason_local(why, "entering the network namespace %s needs CAP_SYS_ADMIN; run it as root (sudo)",
				    QUOTED(name));
	return reason_local(why, "the network namespace %s could not be entered: %s",
			    QUOTED(name), strerror(error));
}

void propose_netns(const struct completion *c)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.')
			propose(c, entry->d_name);
	closedir(dir);
}
