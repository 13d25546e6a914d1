// SPDX-License-Identifier: GPL-2.0-only
/* save [FILE] */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "netlink.h"
#include "show.h"

/* No date: the same configuration gives the same file */
static void save_text(FILE *out, const struct policy_list *list)
{
	fputs("# The whole configuration of one network namespace, by smtpfixup save.\n"
	      "# 'smtpfixup restore' puts it in force again.\n", out);
	show_text(out, list);
}

static int failed(const char *name, struct reason *why)
{
	return reason_local(why, "%.200s could not be written: %s", name,
			    strerror(errno));
}

static int write_to(int fd, const struct policy_list *list, bool sync)
{
	FILE *f = fdopen(fd, "w");
	bool bad;
	int error;

	if (!f) {
		close(fd);
		return -1;
	}
	save_text(f, list);
	bad = fflush(f) || ferror(f) || (sync && fsync(fd));
	error = errno;
	bad |= fclose(f) != 0;
	if (bad && error)
		errno = error;
	return bad ? -1 : 0;
}

/* Under another name beside it, and then renamed: whoever reads the file, even
 * after a power failure, finds the old configuration or the new one. It is as
 * readable as the umask has it, for everybody may "show" the same.
 */
static int replace_file(const char *name, const struct policy_list *list,
			struct reason *why)
{
	const mode_t mask = umask(0);
	char *temporary;
	int fd, rc = -1;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", name) < 0)
		return failed(name, why);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		failed(name, why);
		free(temporary);
		return -1;
	}
	if (fchmod(fd, 0666 & ~mask)) {
		failed(name, why);
		close(fd);
	} else if (write_to(fd, list, true) || rename(temporary, name)) {
		failed(name, why);
	} else {
		rc = 0;
	}
	if (rc)
		unlink(temporary);
	free(temporary);
	return rc;
}

static int save_file(const char *name, const struct policy_list *list,
		     struct reason *why)
{
	struct stat st;
	char *real;
	int fd, rc;

	/* A pipe or a device is written to, it can't be replaced */
	if (!stat(name, &st) && !S_ISREG(st.st_mode)) {
		fd = open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC);
		if (fd < 0 || write_to(fd, list, false))
			return failed(name, why);
		return 0;
	}
	/* Where a symbolic link leads to is replaced, not the link */
	real = realpath(name, NULL);
	rc = replace_file(real ? real : name, list, why);
	free(real);
	return rc;
}

static int save_run(struct cli *cli)
{
	const char *name = cli->flags ? DEFAULT_FILE :
			   cli->argc && strcmp(cli->argv[0], "-") ?
			   cli->argv[0] : NULL;
	struct policy_list list = { 0 };
	const struct reply reply = { policy_list_add, policy_list_clear, &list };
	int rc;

	if (cli->argc > 1)
		return reason_usage(cli->why, "%s is one word too many; save takes one file",
				    QUOTED(cli->argv[1]));
	if (cli->flags && cli->argc)
		return reason_usage(cli->why, "--default is " DEFAULT_FILE "; leave out %s",
				    QUOTED(cli->argv[0]));
	if (cli->json && name)
		return reason_usage(cli->why, "restore does not read JSON, so none is written to a file; leave out -j or %s",
				    QUOTED(name));
	rc = netlink_read(SMTP_FIXUP_CMD_POLICY_GET, &reply, cli->why);
	if (!rc) {
		policy_list_sort(&list);
		if (cli->json)
			rc = show_json(cli->out, &list, cli->why);
		else if (name)
			rc = save_file(name, &list, cli->why);
		else
			save_text(cli->out, &list);
	}
	policy_list_clear(&list);
	return rc;
}

static const struct flag save_flags[] = {
	{ "--default", "the file is " DEFAULT_FILE ", which is restored at boot" },
	{ NULL, NULL }
};

const struct verb verb_save = {
	.name = "save",
	.usage = "[FILE]\n--default",
	.doc = "write the whole configuration, for restore",
	.detail =
		"What show prints, behind a comment; without FILE, or with -, to standard\n"
		"output. A file is replaced as a whole or not at all.\n",
	.example = "save --default",
	.flags = save_flags,
	.run = save_run,
};
