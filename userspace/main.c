// SPDX-License-Identifier: GPL-2.0-only
/* smtpfixup: configures the kernel's SMTP fixup, and shows its results. */
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"

/* A closed standard stream must not become the netlink socket. Open /dev/null for the
 * wrong direction, so that using the stream still fails.
 */
static void occupy_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd ? O_RDONLY : O_WRONLY);
	}
}

int main(int argc, char **argv)
{
	occupy_standard_streams();
	return cli_main(argc, argv, stdout, stderr);
}
