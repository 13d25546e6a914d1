// SPDX-License-Identifier: GPL-2.0-only
/* probe HOST[:PORT] */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "output.h"
#include "probe.h"

/* Some servers greet strangers late. RFC 5321, 4.5.3.2, has minutes, which nobody would
 * wait for here.
 */
#define CONNECT_SECONDS	20
#define REPLY_SECONDS	30

int probe_target(const char *word, char host[PROBE_HOST_SIZE], u16 *port,
		 struct reason *why)
{
	const char *end = strchr(word, ':'), *colon = end;
	struct ports ports;

	*port = 25;
	if (*word == '[') {
		end = strchr(++word, ']');
		if (!end || (end[1] && end[1] != ':'))
			return reason_usage(why, "%s is no address in brackets; write [2001:db8::1] or [2001:db8::1]:25",
					    QUOTED(word - 1));
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		/* An IPv6 address on its own */
		colon = NULL;
		end = NULL;
	}
	if (!end)
		end = word + strlen(word);
	if (end == word || end - word >= PROBE_HOST_SIZE)
		return reason_usage(why, "the name of the host is missing or too long; write HOST or HOST:PORT");
	snprintf(host, PROBE_HOST_SIZE, "%.*s", (int)(end - word), word);
	if (!colon)
		return 0;
	if (ports_parse(&ports, colon + 1, why)) {
		ports_free(&ports);
		return -1;
	}
	*port = ports.range[0].first;
	if (ports.count > 1 || ports.range[0].last != *port) {
		ports_free(&ports);
		return reason_usage(why, "only one port can follow the host; write HOST:25");
	}
	ports_free(&ports);
	return 0;
}

/* Returns 0, or a negative errno */
static int connect_within(int fd, const struct addrinfo *to, int seconds)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0, ready;

	if (!connect(fd, to->ai_addr, to->ai_addrlen))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	do {
		ready = poll(&pfd, 1, seconds * 1000);
	} while (ready < 0 && errno == EINTR);
	if (!ready)
		return -ETIMEDOUT;
	if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		return -errno;
	return -error;
}

/* The first of the host's addresses that answers; @address is that */
static int open_target(const char *host, u16 port, char *address, size_t size,
		       struct reason *why)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV,
	};
	struct addrinfo *all, *one;
	char service[8], numeric[64];
	int error, fd = -1;

	snprintf(service, sizeof(service), "%u", port);
	error = getaddrinfo(host, service, &hints, &all);
	if (error)
		return reason_local(why, "there is no address of %s: %s",
				    QUOTED(host), gai_strerror(error));
	for (one = all; one; one = one->ai_next) {
		fd = socket(one->ai_family,
			    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		error = fd < 0 ? -errno : connect_within(fd, one, CONNECT_SECONDS);
		if (!error)
			break;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	if (one && !getnameinfo(one->ai_addr, one->ai_addrlen, numeric,
				sizeof(numeric), NULL, 0, NI_NUMERICHOST))
		snprintf(address, size,
			 one->ai_family == AF_INET6 ? "[%s]:%u" : "%s:%u",
			 numeric, port);
	freeaddrinfo(all);
	if (fd < 0)
		return reason_local(why, "%s does not answer on port %u: %s",
				    QUOTED(host), port, strerror(-error));
	return fd;
}

/* Prints a reply, safe for a terminal, with a prefix before each line */
static void print_reply(FILE *out, const char *name, const char *text)
{
	char line[PROBE_REPLY_SIZE];

	for (; *text; name = "") {
		const size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		make_printable(line);
		fprintf(out, "  %-12s %s\n", name, line);
		text += len + (text[len] == '\n');
	}
}

static void probe_text(FILE *out, const char *address, const struct probe *p,
		       u32 findings)
{
	const struct probe_verdict *verdict = probe_judge(findings);

	fprintf(out, "%s\n", address);
	for (int i = 0; i < PROBE_STEPS; i++)
		print_reply(out, probe_step_names[i], p->reply[i].text);
	for (int i = 0; i < __PROBE_FINDINGS; i++) {
		if (findings >> i & 1)
			fprintf(out, "- %s\n", probe_finding_docs[i]);
	}
	fprintf(out, "%s: %s\n", verdict->name, verdict->doc);
}

static int probe_json(FILE *out, const char *address, const struct probe *p,
		      u32 findings, struct reason *why)
{
	const struct probe_verdict *verdict = probe_judge(findings);
	json_t *object = json_object(), *replies = json_object();
	json_t *list = json_array();
	struct json_list json;

	for (int i = 0; i < PROBE_STEPS; i++) {
		char text[PROBE_REPLY_SIZE];

		memcpy(text, p->reply[i].text, sizeof(text));
		make_printable(text);
		if (p->reply[i].code)
			json_object_set_new(replies, probe_step_names[i],
					    json_string(text));
	}
	for (int i = 0; i < __PROBE_FINDINGS; i++) {
		if (findings >> i & 1)
			json_array_append_new(list, json_string(probe_finding_docs[i]));
	}
	json_object_set_new(object, "address", json_string(address));
	json_object_set_new(object, "device", json_string(verdict->name));
	json_object_set_new(object, "meaning", json_string(verdict->doc));
	json_object_set_new(object, "findings", list);
	json_object_set_new(object, "replies", replies);
	json_list_begin(&json, out);
	json_list_add(&json, object);
	return json_list_end(&json, why);
}

static int probe_run(struct cli *cli)
{
	char host[PROBE_HOST_SIZE], address[80] = "";
	struct probe probe;
	u32 findings;
	u16 port;
	int fd, rc;

	if (cli->argc != 1)
		return reason_usage(cli->why, "probe takes one host; write HOST, HOST:PORT or [ADDRESS]:PORT");
	if (probe_target(cli->argv[0], host, &port, cli->why))
		return -1;
	fd = open_target(host, port, address, sizeof(address), cli->why);
	if (fd < 0)
		return -1;
	rc = probe_talk(&probe, fd, REPLY_SECONDS, cli->why);
	close(fd);
	if (rc)
		return -1;

	findings = probe_findings(&probe);
	/* Findings count in any case. But without a reply "none" would be a guess */
	if (!strcmp(probe_judge(findings)->name, PROBE_NONE) &&
	    (!probe.reply[PROBE_EHLO].code ||
	     !probe.reply[PROBE_GOODMORNING].code))
		return reason_local(cli->why, "it could not be told: the connection ended before the reply to %s",
				    probe_step_names[probe.reply[PROBE_EHLO].code ?
						     PROBE_GOODMORNING : PROBE_EHLO]);
	if (strcmp(probe_judge(findings)->name, PROBE_NONE))
		cli->status = EXIT_DEVICE;
	if (cli->json)
		return probe_json(cli->out, address, &probe, findings, cli->why);
	probe_text(cli->out, address, &probe, findings);
	return 0;
}

const struct verb verb_probe = {
	.name = "probe",
	.usage = "HOST[:PORT]",
	.doc = "tell whether a PIX, an ASA or the like stands before a mail server",
	.detail =
		"Talks to the server and prints its replies, what is odd in them, and a verdict:\n"
		"none, mailhost, fixup, esmtp or asa as the modes of set that do the same,\n"
		"or other. It sends EHLO, the word goodmorning, STARTTLS and QUIT, and no mail.\n"
		"Needs neither the kernel module nor rights. Exit status: 0 no device was seen,\n"
		"3 there is one, 1 it could not be told.\n",
	.example = "probe '[2001:db8::25]:25'",
	.run = probe_run,
};
