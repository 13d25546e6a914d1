// SPDX-License-Identifier: GPL-2.0-only
/* The PIX's own lines:
 *	fixup protocol smtp [25[-30]]		set 25 fixup
 *	no fixup protocol smtp [25[-30]]	set 25 off
 *	inspect esmtp				set 25 esmtp
 *	no inspect esmtp			set 25 off
 *	mailhost				set 25 mailhost
 *	no mailhost				set 25 off
 */
#include <string.h>

#include "cli.h"
#include "set.h"

#define PIX_PORT "25"

static bool expect(int argc, char **argv, int at, const char *word,
		   const char *line, struct reason *why)
{
	if (at < argc && !strcmp(argv[at], word))
		return true;
	if (at < argc)
		reason_usage(why, "%s is not known here; the line is %s",
			     QUOTED(argv[at]), line);
	else
		reason_usage(why, "'%s' is missing; the line is %s", word, line);
	return false;
}

/* What follows "fixup" */
static int fixup_parse(struct set_request *req, int argc, char **argv,
		       enum smtp_fixup_mode mode, struct reason *why)
{
	const char *line = mode ? "'fixup protocol smtp 25', or a range as 25-30" :
				  "'no fixup protocol smtp 25', or a range as 25-30";

	memset(req, 0, sizeof(*req));
	if (!expect(argc, argv, 0, "protocol", line, why) ||
	    !expect(argc, argv, 1, "smtp", line, why))
		return -1;
	if (argc > 3)
		return reason_usage(why, "%s is one word too many; the line is %s",
				    QUOTED(argv[3]), line);
	if (set_mode(req, argc == 3 ? argv[2] : PIX_PORT, mode, why))
		return -1;
	if (strchr(argc == 3 ? argv[2] : "", ','))
		return reason_usage(why, "a line of the PIX takes one port or one range; for a list use 'smtpfixup set %.40s %s'",
				    argv[2], smtp_mode_names[mode]);
	return 0;
}

/* What follows "inspect" */
static int inspect_parse(struct set_request *req, int argc, char **argv,
			 enum smtp_fixup_mode mode, struct reason *why)
{
	const char *line = mode ? "'inspect esmtp'" : "'no inspect esmtp'";

	memset(req, 0, sizeof(*req));
	if (!expect(argc, argv, 0, "esmtp", line, why))
		return -1;
	if (argc > 1)
		return reason_usage(why, "%s is one word too many; the line is %s, for other ports use set",
				    QUOTED(argv[1]), line);
	return set_mode(req, PIX_PORT, mode, why);
}

/* What follows "mailhost". The mode is known by its name alone, so that this
 * does not depend on whether there is one.
 */
static int mailhost_parse(struct set_request *req, int argc, char **argv,
			  const char *name, struct reason *why)
{
	int mode;

	memset(req, 0, sizeof(*req));
	if (argc)
		return reason_usage(why, "%s is one word too many; the line is 'mailhost', for other ports use set",
				    QUOTED(argv[0]));
	mode = word_find(&mode_words, name, why);
	if (mode < 0)
		return -1;
	return set_mode(req, PIX_PORT, mode, why);
}

static int finish(struct set_request *req, int rc, struct reason *why)
{
	if (!rc)
		rc = set_send(req, why);
	set_free(req);
	return rc;
}

static int fixup_request(struct set_request *req, int argc, char **argv,
			 struct reason *why)
{
	return fixup_parse(req, argc, argv, SMTP_FIXUP_MODE_FIXUP, why);
}

static int inspect_request(struct set_request *req, int argc, char **argv,
			   struct reason *why)
{
	return inspect_parse(req, argc, argv, SMTP_FIXUP_MODE_ESMTP, why);
}

static int mailhost_request(struct set_request *req, int argc, char **argv,
			    struct reason *why)
{
	return mailhost_parse(req, argc, argv, "mailhost", why);
}

static int no_request(struct set_request *req, int argc, char **argv,
		      struct reason *why)
{
	memset(req, 0, sizeof(*req));
	if (argc && !strcmp(argv[0], "fixup"))
		return fixup_parse(req, argc - 1, argv + 1, SMTP_FIXUP_MODE_OFF,
				   why);
	if (argc && !strcmp(argv[0], "inspect"))
		return inspect_parse(req, argc - 1, argv + 1,
				     SMTP_FIXUP_MODE_OFF, why);
	if (argc && !strcmp(argv[0], "mailhost"))
		return mailhost_parse(req, argc - 1, argv + 1,
				      smtp_mode_names[SMTP_FIXUP_MODE_OFF], why);
	if (argc)
		return reason_usage(why, "%s is not known here; the lines are 'no fixup protocol smtp 25', 'no inspect esmtp' and 'no mailhost'",
				    QUOTED(argv[0]));
	return reason_usage(why, "no needs the line to be undone: 'no fixup protocol smtp 25', 'no inspect esmtp' or 'no mailhost'");
}

static int fixup_run(struct cli *cli)
{
	struct set_request req;
	int rc = fixup_request(&req, cli->argc, cli->argv, cli->why);

	return finish(&req, rc, cli->why);
}

static int inspect_run(struct cli *cli)
{
	struct set_request req;
	int rc = inspect_request(&req, cli->argc, cli->argv, cli->why);

	return finish(&req, rc, cli->why);
}

static int mailhost_run(struct cli *cli)
{
	struct set_request req;
	int rc = mailhost_request(&req, cli->argc, cli->argv, cli->why);

	return finish(&req, rc, cli->why);
}

static int no_run(struct cli *cli)
{
	struct set_request req;
	int rc = no_request(&req, cli->argc, cli->argv, cli->why);

	return finish(&req, rc, cli->why);
}

static void fixup_complete(const struct completion *c)
{
	static const char *const words[] = { "protocol", "smtp", "25" };

	if (c->argc < 3)
		propose(c, words[c->argc]);
}

static void inspect_complete(const struct completion *c)
{
	if (!c->argc)
		propose(c, "esmtp");
}

static void no_complete(const struct completion *c)
{
	struct completion rest = *c;

	if (!c->argc) {
		propose(c, "fixup");
		propose(c, "inspect");
		propose(c, "mailhost");
		return;
	}
	rest.argc--;
	rest.argv++;
	if (!strcmp(c->argv[0], "fixup"))
		fixup_complete(&rest);
	else if (!strcmp(c->argv[0], "inspect"))
		inspect_complete(&rest);
}

const struct verb verb_fixup = {
	.name = "fixup",
	.usage = "protocol smtp [PORT[-PORT]]",
	.doc = "as a PIX has it: set 25 fixup",
	.detail = "Without a port it means 25.\n",
	.example = "fixup protocol smtp 25-30",
	.request = fixup_request,
	.run = fixup_run,
	.complete = fixup_complete,
};

const struct verb verb_no = {
	.name = "no",
	.usage = "fixup protocol smtp [PORT[-PORT]]\ninspect esmtp\nmailhost",
	.doc = "as a PIX has it: set 25 off",
	.example = "no fixup protocol smtp 25",
	.request = no_request,
	.run = no_run,
	.complete = no_complete,
};

const struct verb verb_inspect = {
	.name = "inspect",
	.usage = "esmtp",
	.doc = "as an ASA has it: set 25 esmtp",
	.example = "inspect esmtp",
	.request = inspect_request,
	.run = inspect_run,
	.complete = inspect_complete,
};

const struct verb verb_mailhost = {
	.name = "mailhost",
	.usage = "",
	.doc = "as a PIX 4.0 or 4.1 has it: set 25 mailhost",
	.example = "mailhost",
	.request = mailhost_request,
	.run = mailhost_run,
};
