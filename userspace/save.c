// SPDX-License-Identifier: GPL-2.0-only
/* save [FILE] */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
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

/* The file that the name leads to. The kernel follows symbolic links, and not this tool:
 * it may refuse root to follow a stranger's (fs.protected_symlinks).
 */
struct place {
	char *name;		/* without links */
	bool replaces;		/* there is a file already */
	bool made;		/* it was made here, where a link led nowhere */
	struct stat st;
};

static char *name_of_fd(int fd)
{
	char link[40], *name = malloc(PATH_MAX);
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = name ? readlink(link, name, PATH_MAX - 1) : -1;
	if (len < 0) {
		free(name);
		return NULL;
	}
	name[len] = '\0';
	return name;
}

static int find_place(struct place *place, const char *name)
{
	int fd = open(name, O_PATH | O_CLOEXEC), rc;

	*place = (struct place){ .replaces = true };
	if (fd < 0 && errno != ENOENT)
		return -1;
	if (fd < 0 && (lstat(name, &place->st) || !S_ISLNK(place->st.st_mode))) {
		/* Not there yet */
		place->replaces = false;
		place->name = strdup(name);
		return place->name ? 0 : -1;
	}
	if (fd < 0) {
		fd = open(name, O_WRONLY | O_CREAT | O_NOCTTY | O_NONBLOCK |
			  O_CLOEXEC, 0666);
		if (fd < 0)
			return -1;
		place->made = true;
	}
	rc = fstat(fd, &place->st);
	if (!rc && S_ISREG(place->st.st_mode)) {
		place->name = name_of_fd(fd);
		if (!place->name)
			rc = -1;
	}
	close(fd);
	return rc;
}

/* The mode: as before, or by the umask, for everybody may "show" the same. A stranger's
 * file does not become readable for more users.
 */
static mode_t mode_of(const struct place *place, int fd)
{
	const mode_t mask = umask(0);

	umask(mask);
	if (!place->replaces || place->made)
		return 0666 & ~mask;
	if (place->st.st_uid != geteuid())
		return place->st.st_mode & 0666 & ~mask;
	/* Its group may read it; another may not */
	if (fchown(fd, -1, place->st.st_gid))
		return place->st.st_mode & 0707;
	return place->st.st_mode & 0777;
}

/* A name for the new file in the same directory. It does not contain the old name, which
 * may have the longest length of names
 */
static char *name_beside(const char *name)
{
	const char *slash = strrchr(name, '/');
	char *beside;

	if (asprintf(&beside, "%.*s.smtpfixup.XXXXXX",
		     slash ? (int)(slash + 1 - name) : 0, name) < 0)
		return NULL;
	return beside;
}

/* A mount point can't be replaced by rename(), so the file is written in place */
static int write_in_place(const char *name, const struct policy_list *list)
{
	int fd = open(name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NOCTTY |
		      O_CLOEXEC);

	return fd < 0 ? -1 : write_to(fd, list, true);
}

/* Writes a file beside it, and renames that: a reader, even after a power failure, finds
 * the old configuration or the new one.
 */
static int replace_file(const struct place *place,
			const struct policy_list *list)
{
	char *temporary = name_beside(place->name);
	int fd, rc = -1, error;

	if (!temporary)
		return -1;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		free(temporary);
		return -1;
	}
	if (fchmod(fd, mode_of(place, fd)))
		close(fd);
	else
		rc = write_to(fd, list, true);
	if (!rc)
		rc = rename(temporary, place->name);
	error = errno;
	if (rc)
		unlink(temporary);
	free(temporary);
	if (rc && error == EBUSY)
		return write_in_place(place->name, list);
	errno = error;
	return rc;
}

/* A signal waits until the temporary file is gone */
static int replace_whole(const struct place *place,
			 const struct policy_list *list)
{
	sigset_t all, before;
	int rc, error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	rc = replace_file(place, list);
	error = errno;
	if (rc && place->made)
		unlink(place->name);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return rc;
}

/* A pipe or a device is written to, it can't be replaced. Where nobody reads a
 * pipe, nobody will.
 */
static int write_through(const char *name, const struct policy_list *list)
{
	int fd = open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETFL, O_WRONLY)) {
		close(fd);
		return -1;
	}
	return write_to(fd, list, false);
}

static int save_file(const char *name, const struct policy_list *list,
		     struct reason *why)
{
	struct place place;
	int rc;

	if (find_place(&place, name))
		return failed(name, why);
	if (place.name) {
		rc = replace_whole(&place, list);
		free(place.name);
		return rc ? failed(name, why) : 0;
	}
	rc = write_through(name, list);
	if (rc && errno == ENXIO)
		return reason_local(why, "%.200s could not be written: it is a pipe that nobody reads",
				    name);
	return rc ? failed(name, why) : 0;
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
		"What show prints, after a comment; without FILE, or with -, to standard\n"
		"output. A file is replaced as a whole or not at all.\n",
	.example = "save --default",
	.flags = save_flags,
	.run = save_run,
};
