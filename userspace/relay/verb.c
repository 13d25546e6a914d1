// SPDX-License-Identifier: GPL-2.0-only
/* relay [ADDRESS:]PORT SERVER:PORT MODE [OPTION ARG]... */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "host/verb.h"
#include "monitor.h"
#include "output.h"
#include "probe.h"
#include "relay/relay.h"
#include "set.h"
#include "show.h"

enum { RELAY_EVENTS };

static const struct flag relay_flags[] = {
	[RELAY_EVENTS] = { "--events", "print what is done, as monitor does" },
	{ NULL, NULL }
};

#define BACKLOG	1024

/* Take [ADDRESS:]PORT apart: an address in brackets, a name, or *. */
static int parse_listen(const char *word, char host[PROBE_HOST_SIZE],
			char port[8], struct reason *why)
{
	const char *colon = strrchr(word, ':'), *from = word, *end = colon;
	const char *digits = colon ? colon + 1 : word;

	if (colon && *word == '[') {
		from = word + 1;
		end = colon > from && colon[-1] == ']' ? colon - 1 : NULL;
	}
	if (colon && (!end || end == from || end - from >= PROBE_HOST_SIZE))
		return reason_usage(why, "%s is no address and port; write 2525, 192.0.2.1:2525 or [2001:db8::1]:2525",
				    QUOTED(word));
	if (!*digits || strspn(digits, "0123456789") != strlen(digits) ||
	    strlen(digits) > 5 || atoi(digits) > 65535)
		return reason_usage(why, "%s does not end in a port; write 2525 or ADDRESS:2525, or 0 for any port that is free",
				    QUOTED(word));
	snprintf(host, PROBE_HOST_SIZE, "%.*s", colon ? (int)(end - from) : 0,
		 from);
	snprintf(port, 8, "%s", digits);
	return 0;
}

static u16 socket_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char port[8] = "0";

	if (!getsockname(fd, (struct sockaddr *)&address, &len))
		getnameinfo((struct sockaddr *)&address, len, NULL, 0, port,
			    sizeof(port), NI_NUMERICSERV);
	return atoi(port);
}

/* Returns a socket, or -1 with errno */
static int listen_on(const struct addrinfo *at)
{
	const int one = 1;
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);
	int error;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (!bind(fd, at->ai_addr, at->ai_addrlen) && !listen(fd, BACKLOG))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void set_port(const struct addrinfo *at, u16 port)
{
	if (at->ai_family == AF_INET)
		((struct sockaddr_in *)at->ai_addr)->sin_port = htons(port);
	else if (at->ai_family == AF_INET6)
		((struct sockaddr_in6 *)at->ai_addr)->sin6_port = htons(port);
}

/* Listens on every address of the name, and without a name on loopback only:
 * the server sees this host as the client, and must not relay mail for strangers.
 */
static int open_listeners(struct relay *relay, const char *host, u16 port,
			  struct reason *why)
{
	const bool any = !strcmp(host, "*");
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = any ? AI_PASSIVE : 0,
	};
	struct addrinfo *all, *one;
	int error, reason = EADDRNOTAVAIL;

	error = getaddrinfo(*host && !any ? host : NULL, "0", &hints, &all);
	if (error)
		return reason_local(why, "there is no address of %s to listen on: %s",
				    QUOTED(host), gai_strerror(error));
	for (one = all; one && relay->listeners < RELAY_LISTENERS; one = one->ai_next) {
		int fd;

		set_port(one, port);
		fd = listen_on(one);
		if (fd >= 0) {
			relay->listener[relay->listeners++] = fd;
			/* Any port, but the same for all addresses */
			if (!port)
				port = socket_port(fd);
		} else if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) {
			reason = errno;
			break;
		}	/* else: this machine has no IPv6 */
	}
	freeaddrinfo(all);
	if (reason == EADDRNOTAVAIL && relay->listeners)
		return 0;
	return reason_local(why, "port %u of %s can't be listened on: %s", port,
			    *host ? QUOTED(host) : "this host", strerror(reason));
}

static int find_server(struct relay *relay, const char *word, struct reason *why)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	char host[PROBE_HOST_SIZE], port[8];
	u16 number;
	int error;

	if (probe_target(word, host, &number, why))
		return -1;
	snprintf(port, sizeof(port), "%u", number);
	error = getaddrinfo(host, port, &hints, &relay->server);
	if (error)
		return reason_local(why, "there is no address of %s: %s",
				    QUOTED(host), gai_strerror(error));
	return 0;
}

/* Tells scripts that the relay is ready */
static void print_listeners(struct cli *cli, const struct relay *relay,
			    const char *server)
{
	json_t *object = json_object(), *list = json_array();

	if (!cli->json)
		fputs("listening on", cli->out);
	for (unsigned int i = 0; i < relay->listeners; i++) {
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		char host[INET6_ADDRSTRLEN] = "?", port[8] = "?", text[80];

		if (!getsockname(relay->listener[i], (struct sockaddr *)&address, &len))
			getnameinfo((struct sockaddr *)&address, len, host,
				    sizeof(host), port, sizeof(port),
				    NI_NUMERICHOST | NI_NUMERICSERV);
		snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%s" : "%s:%s",
			 host, port);
		if (cli->json)
			json_array_append_new(list, json_string(text));
		else
			fprintf(cli->out, "%s %s", i ? "," : "", text);
	}
	if (cli->json) {
		json_object_set_new(object, "listening", list);
		list = NULL;
		json_object_set_new(object, "server", json_string(server));
		json_dumpf(object, cli->out, JSON_PRESERVE_ORDER);
	} else {
		fprintf(cli->out, ", for %s", server);
	}
	fputc('\n', cli->out);
	fflush(cli->out);
	json_decref(object);
	json_decref(list);
}

struct relay_output {
	struct cli *cli;
	struct relay *relay;
};

static void relay_event(const struct event *event, void *data)
{
	struct relay_output *output = data;

	if (output->cli->json)
		event_json(output->cli->out, event);
	else
		event_text(output->cli->out, event);
}

static void relay_stats(void *data)
{
	struct relay_output *output = data;

	host_print_stats(output->cli, &output->relay->host);
}

static int relay_run(struct cli *cli)
{
	char host[PROBE_HOST_SIZE], port[8], server[QUOTE_SIZE * 2];
	struct relay relay = { .epoll = -1, .signals = -1 };
	struct relay_output output = { cli, &relay };
	struct set_request req = { 0 };
	u16 bound;
	int rc;

	if (cli->argc < 3)
		return reason_usage(cli->why, "relay needs a port, a server and a mode; for example relay 2525 localhost:25 asa");
	rc = parse_listen(cli->argv[0], host, port, cli->why);
	if (!rc)
		rc = host_request(&req, "25", cli->argc - 2, cli->argv + 2,
				  "relay", cli->why);
	if (!rc)
		rc = find_server(&relay, cli->argv[1], cli->why);
	if (!rc)
		rc = open_listeners(&relay, host, atoi(port), cli->why);
	if (!rc)
		rc = relay_open(&relay, cli->why);
	if (!rc) {
		host_init(&relay.host, &req);
		bound = socket_port(relay.listener[0]);
		relay.host.rule->range.first = bound;
		relay.host.rule->range.last = bound;
		if (cli->flags & 1U << RELAY_EVENTS) {
			relay.host.event = relay_event;
			relay.host.data = &output;
		}
		snprintf(server, sizeof(server), "%s", cli->argv[1]);
		make_printable(server);
		print_listeners(cli, &relay, server);
		rc = relay_loop(&relay, cli->out, relay_stats, &output, cli->why);
		if (!rc)
			rc = host_print_stats(cli, &relay.host);
	}
	relay_close(&relay);
	host_release(&relay.host);
	set_free(&req);
	return rc;
}

static bool relay_literal(int argc, char *const *argv)
{
	return argc > 2 && verb_set.literal(argc - 1, argv + 1);
}

static void relay_complete(const struct completion *c)
{
	if (!c->argc) {
		propose(c, "2525");
	} else if (c->argc == 1) {
		propose(c, "localhost:25");
	} else {
		struct completion set = *c;

		/* The server stands where a set line has its ports */
		set.argc--;
		set.argv++;
		verb_set.complete(&set);
	}
}

const struct verb verb_relay = {
	.name = "relay",
	.usage = "[ADDRESS:]PORT SERVER:PORT MODE [OPTION ARG]...",
	.doc = "stand in for the router: no kernel module, no rights",
	.detail =
		"Accepts connections, opens one to the server for each, and filters what passes\n"
		"as the module would. Ends with SIGINT or SIGTERM and prints the counters, as\n"
		"it does at SIGUSR1. Listens on loopback alone unless ADDRESS is given: *, a\n"
		"name, 192.0.2.1 or [2001:db8::1]. Port 0 is any that is free. Modes and options\n"
		"are those of set; iif, assign and by-mark need the module.\n",
	.example = "relay 2525 localhost:25 asa --events",
	.flags = relay_flags,
	.literal = relay_literal,
	.run = relay_run,
	.complete = relay_complete,
};
