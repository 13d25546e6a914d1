// SPDX-License-Identifier: GPL-2.0-only
/* flush [PORTS] [unjudged] */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "netlink.h"
#include "output.h"

static const char flush_unjudged[] = "unjudged";

static int flush_send(const struct ports *ports, bool unjudged, u32 *flushed,
		      struct reason *why)
{
	const struct reply reply = { .add = flushed_get, .data = flushed };
	struct nlmsghdr *nlh;
	struct netlink nl;
	int rc;

	rc = netlink_open(&nl, why);
	if (!rc) {
		nlh = message_flush(ports, unjudged, nl.family);
		rc = netlink_request(&nl, nlh, &reply, why);
		free(nlh);
	}
	netlink_close(&nl);
	return rc;
}

static int flush_json(FILE *out, u32 flushed, struct reason *why)
{
	json_t *object = json_object();
	struct json_list json;

	json_put_u64(object, "connections_flushed", flushed);
	json_list_begin(&json, out);
	json_list_add(&json, object);
	return json_list_end(&json, why);
}

static int flush_run(struct cli *cli)
{
	struct ports ports;
	bool unjudged;
	u32 flushed = 0;
	int rc;

	unjudged = cli->argc && !strcmp(cli->argv[cli->argc - 1], flush_unjudged);
	cli->argc -= unjudged;
	rc = cli_ports(cli, &ports);
	if (!rc)
		rc = flush_send(&ports, unjudged, &flushed, cli->why);
	if (!rc && cli->json)
		rc = flush_json(cli->out, flushed, cli->why);
	else if (!rc)
		fprintf(cli->out, "%u connection%s ended\n", flushed,
			flushed == 1 ? "" : "s");
	ports_free(&ports);
	return rc;
}

static void flush_complete(const struct completion *c)
{
	if (!c->argc)
		propose_ports(c);
	if (!c->argc || (c->argc == 1 && strcmp(c->argv[0], flush_unjudged)))
		propose(c, flush_unjudged);
}

const struct verb verb_flush = {
	.name = "flush",
	.usage = "[PORTS] [unjudged]",
	.doc = "end the connections under a policy",
	.detail =
		"For connections that were opened under an earlier policy; without PORTS, those\n"
		"to all ports. Nothing that either side sends gets through any more, and its next\n"
		"packets bring both a reset. Ends what flows lists; with unjudged also connections\n"
		"that were there before the first policy, or passed in their middle.\n",
	.example = "flush 25",
	.run = flush_run,
	.complete = flush_complete,
};
