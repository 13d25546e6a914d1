// SPDX-License-Identifier: GPL-2.0-only
/* flows */
#include <string.h>

#include "cli.h"
#include "netlink.h"
#include "output.h"
#include "show.h"

const char *endpoint_text(const struct endpoint *end,
			  char buf[ENDPOINT_TEXT_SIZE])
{
	char address[INET6_ADDRSTRLEN] = "?";

	inet_ntop(end->len == 4 ? AF_INET : AF_INET6, end->address, address,
		  sizeof(address));
	snprintf(buf, ENDPOINT_TEXT_SIZE, end->len == 4 ? "%s:%hu" : "[%s]:%hu",
		 address, end->port);
	return buf;
}

void flows_text(FILE *out, const struct flow_list *list)
{
	char client[ENDPOINT_TEXT_SIZE], server[ENDPOINT_TEXT_SIZE];
	int client_width = 15, server_width = 15;

	for (size_t i = 0; i < list->count; i++) {
		int len;

		len = strlen(endpoint_text(&list->item[i].client, client));
		client_width = len > client_width ? len : client_width;
		len = strlen(endpoint_text(&list->item[i].server, server));
		server_width = len > server_width ? len : server_width;
	}
	fprintf(out, "%-*s  %-*s  %-6s  %-8s  %9s  %9s  %9s\n", client_width,
		"client", server_width, "server", "mode", "phase", "commands",
		"blocked", "messages");
	for (size_t i = 0; i < list->count; i++) {
		const struct flow_entry *flow = &list->item[i];

		fprintf(out, "%-*s  %-*s  %-6s  %-8s  %9u  %9u  %9u\n",
			client_width, endpoint_text(&flow->client, client),
			server_width, endpoint_text(&flow->server, server),
			WORD_TEXT(&mode_words, flow->mode),
			WORD_TEXT(&phase_words, flow->phase),
			flow->commands, flow->blocked, flow->messages);
	}
}

int flows_json(FILE *out, const struct flow_list *list, struct reason *why)
{
	char text[ENDPOINT_TEXT_SIZE];
	struct json_list json;

	json_list_begin(&json, out);
	for (size_t i = 0; i < list->count; i++) {
		const struct flow_entry *flow = &list->item[i];
		json_t *object = json_object();

		json_object_set_new(object, "client",
				    json_string(endpoint_text(&flow->client, text)));
		json_object_set_new(object, "server",
				    json_string(endpoint_text(&flow->server, text)));
		json_put_u64(object, "port", flow->server.port);
		json_put_word(object, "mode", &mode_words, flow->mode);
		json_put_word(object, "phase", &phase_words, flow->phase);
		json_put_u64(object, "commands", flow->commands);
		json_put_u64(object, "blocked", flow->blocked);
		json_put_u64(object, "messages", flow->messages);
		json_list_add(&json, object);
	}
	return json_list_end(&json, why);
}

static int flows_run(struct cli *cli)
{
	struct flow_list list = { 0 };
	const struct reply reply = { flow_list_add, flow_list_clear, &list };
	int rc;

	if (cli->argc)
		return reason_usage(cli->why, "flows takes no words, but got %s",
				    QUOTED(cli->argv[0]));
	rc = netlink_read(SMTP_FIXUP_CMD_FLOW_GET, &reply, cli->why);
	if (!rc && cli->json)
		rc = flows_json(cli->out, &list, cli->why);
	else if (!rc)
		flows_text(cli->out, &list);
	flow_list_clear(&list);
	return rc;
}

const struct verb verb_flows = {
	.name = "flows",
	.usage = "",
	.doc = "print the live connections under a policy",
	.detail =
		"Addresses are those that the client sees, before any NAT. The phase is\n"
		"greeting, command, wait (for the reply to DATA, AUTH or STARTTLS), auth,\n"
		"body, tls, or ended: by the policy, nothing of it passes, and its ends are told\n"
		"by a RST when they send anything after ten seconds. Commands are all that were seen, blocked ones included.\n",
	.example = "flows",
	.run = flows_run,
};
