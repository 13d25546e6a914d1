// SPDX-License-Identifier: GPL-2.0-only
/* monitor: events as they happen */
#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "monitor.h"
#include "netlink.h"
#include "output.h"
#include "show.h"

#define NSEC_PER_SEC 1000000000ULL

/* The bare address, as the vendor has it */
static const char *address_text(const struct endpoint *end,
				char buf[INET6_ADDRSTRLEN])
{
	if (!inet_ntop(end->len == 4 ? AF_INET : AF_INET6, end->address, buf,
		       INET6_ADDRSTRLEN))
		strcpy(buf, "?");
	return buf;
}

static void put_time(FILE *out, const struct event *event, const char *format,
		     struct tm *(*split)(const time_t *, struct tm *))
{
	const time_t seconds = event->time / NSEC_PER_SEC;
	char text[64] = "?";
	struct tm tm;

	if (split(&seconds, &tm))
		strftime(text, sizeof(text), format, &tm);
	fputs(text, out);
}

/* Words in quotes: one that holds a quote must not look as if it ended there */
static void put_quoted(FILE *out, const char *words)
{
	fputs(" \"", out);
	for (; *words; words++) {
		if (*words == '"' || *words == '\\')
			fputc('\\', out);
		fputc(*words, out);
	}
	fputc('"', out);
}

void event_text(FILE *out, const struct event *event)
{
	const unsigned int usec = event->time % NSEC_PER_SEC / 1000;
	char client[ENDPOINT_TEXT_SIZE], server[ENDPOINT_TEXT_SIZE];

	put_time(out, event, "%F %T", localtime_r);
	fprintf(out, ".%06u %-4s %s > %s %s", usec, event->rule,
		endpoint_text(&event->client, client),
		endpoint_text(&event->server, server),
		event->kind ? event->kind->text : event->name);
	if (*event->words)
		put_quoted(out, event->words);
	if (event->suppressed)
		fprintf(out, " (%llu before it were suppressed)",
			(unsigned long long)event->suppressed);
	fputc('\n', out);
}

static void put_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(object, key, json_string(text));
}

static void put_json_time(json_t *object, const struct event *event)
{
	const unsigned int usec = event->time % NSEC_PER_SEC / 1000;
	char time[96] = "";
	FILE *f = fmemopen(time, sizeof(time), "w");

	if (f) {
		put_time(f, event, "%FT%T", gmtime_r);
		fprintf(f, ".%06uZ", usec);
		fclose(f);
	}
	json_object_set_new(object, "time", json_string(time));
}

int event_json(FILE *out, const struct event *event)
{
	char end[ENDPOINT_TEXT_SIZE];
	json_t *object = json_object();
	int rc;

	put_json_time(object, event);
	if (event->netns)
		json_put_u64(object, "netns", event->netns);
	put_text(object, "event", event->name);
	put_text(object, "rule", event->rule);
	json_object_set_new(object, "client",
			    json_string(endpoint_text(&event->client, end)));
	json_object_set_new(object, "server",
			    json_string(endpoint_text(&event->server, end)));
	json_put_u64(object, "port", event->server.port);
	put_text(object, "client_dev", event->client_dev);
	put_text(object, "server_dev", event->server_dev);
	if (event->vendor)
		json_put_u64(object, "vendor", event->vendor);
	put_text(object, "words", event->words);
	if (event->suppressed)
		json_put_u64(object, "suppressed", event->suppressed);
	rc = json_dumpf(object, out, JSON_PRESERVE_ORDER);
	json_decref(object);
	fputc('\n', out);
	return rc;
}

void event_note(FILE *out, const struct event *event, const char *text,
		bool json)
{
	const unsigned int usec = event->time % NSEC_PER_SEC / 1000;
	char client[ENDPOINT_TEXT_SIZE], server[ENDPOINT_TEXT_SIZE];
	json_t *object;

	endpoint_text(&event->client, client);
	endpoint_text(&event->server, server);
	if (!json) {
		put_time(out, event, "%F %T", localtime_r);
		fprintf(out, ".%06u %-4s %s > %s %s\n", usec, event->rule,
			client, server, text);
		return;
	}
	object = json_object();
	put_json_time(object, event);
	json_object_set_new(object, "note", json_string(event->name));
	json_object_set_new(object, "client", json_string(client));
	json_object_set_new(object, "server", json_string(server));
	json_object_set_new(object, "text", json_string(text));
	json_dumpf(object, out, JSON_PRESERVE_ORDER);
	json_decref(object);
	fputc('\n', out);
}

/* -- the vendor's way --------------------------------------------------- */

/* interface:address/port; where the interface is not known, whose side it is */
static void put_side(FILE *out, const struct event *event, bool server)
{
	const struct endpoint *end = server ? &event->server : &event->client;
	const char *dev = server ? event->server_dev : event->client_dev;
	char buf[INET6_ADDRSTRLEN];

	if (!*dev)
		dev = server ? "server" : "client";
	fprintf(out, "%s:%s/%hu", dev, address_text(end, buf), end->port);
}

static void put_way(FILE *out, const struct event *event)
{
	const bool response = event->kind &&
			      event->kind->side == SMTP_SIDE_RESPONSE;

	fputs(" from ", out);
	put_side(out, event, response);
	fputs(" to ", out);
	put_side(out, event, !response);
}

static void put_replaced(FILE *out, const struct event *event)
{
	char client[INET6_ADDRSTRLEN], server[INET6_ADDRSTRLEN];

	fprintf(out, "SMTP replaced character: out %s in %s data: %s",
		address_text(&event->client, client),
		address_text(&event->server, server), event->words);
}

static void put_malicious(FILE *out, const struct event *event)
{
	fputs("Terminating ESMTP connection; malicious pattern detected in the mail address",
	      out);
	put_way(out, event);
	fprintf(out, ". Mail Address:%s", event->words);
}

/* 108004 and, where nothing was done, 108005 */
static void put_classified(FILE *out, const struct event *event)
{
	static const char *const actions[] = {
		[SMTP_ACTION_NONE] = "Received",
		[SMTP_ACTION_EDIT] = "Masked header flags for",
		[SMTP_ACTION_DROP] = "Dropped",
		[SMTP_ACTION_RESET] = "Reset connection for",
	};
	const struct smtp_event_kind *kind = event->kind;
	const bool parameter = kind && kind->criterion &&
			       strchr(kind->criterion, ':');

	fprintf(out, "ESMTP %s: %s ESMTP %s",
		parameter ? "Parameter" : "Classification",
		actions[kind ? kind->action : SMTP_ACTION_NONE],
		kind && kind->side == SMTP_SIDE_RESPONSE ? "Response" : "Request");
	put_way(out, event);
	if (parameter) {
		fprintf(out, "; %s", kind->criterion);
		return;
	}
	fprintf(out, "; matched Class %s: %s%s%s", event->rule,
		kind && kind->criterion ? kind->criterion : event->name,
		*event->words ? " " : "", event->words);
}

static void put_tls(FILE *out, const struct event *event)
{
	fputs("TLS started on ESMTP session between client ", out);
	put_side(out, event, false);
	fputs(" and server ", out);
	put_side(out, event, true);
}

static const struct vendor_message {
	u32 number;
	u8 severity;
	void (*put)(FILE *out, const struct event *event);
} vendor_messages[] = {
	{ 108002, 2, put_replaced },
	{ 108003, 2, put_malicious },
	{ 108004, 4, put_classified },
	{ 108005, 6, put_classified },
	{ 108007, 6, put_tls },
};

/* As an ASA does. Nothing where it has no number for the event. */
static void event_syslog(FILE *out, const struct event *event)
{
	for (size_t i = 0; i < sizeof(vendor_messages) / sizeof(*vendor_messages); i++) {
		const struct vendor_message *message = &vendor_messages[i];

		if (message->number != event->vendor)
			continue;
		put_time(out, event, "%b %d %Y %T: ", localtime_r);
		fprintf(out, "%%ASA-%u-%u: ", message->severity, message->number);
		message->put(out, event);
		fputc('\n', out);
	}
}

/* -- the verb ----------------------------------------------------------- */

enum { MONITOR_SYSLOG };

static const struct flag monitor_flags[] = {
	[MONITOR_SYSLOG] = {
		"--syslog", "print events as ASA does, with its message numbers"
	},
	{ NULL, NULL }
};

static bool wants_syslog(const struct cli *cli)
{
	return cli->flags & 1U << MONITOR_SYSLOG;
}

static void monitor_event(const struct nlmsghdr *nlh, void *data)
{
	struct cli *cli = data;
	struct event event;

	/* Another version's message, perhaps; the next one may be understood */
	if (event_get(nlh, &event))
		return;
	if (cli->json)
		event_json(cli->out, &event);
	else if (wants_syslog(cli))
		event_syslog(cli->out, &event);
	else
		event_text(cli->out, &event);
}

static void monitor_lost(void *data)
{
	struct cli *cli = data;

	if (cli->json)
		fputs("{\"event\": \"events_lost\"}\n", cli->out);
	else if (wants_syslog(cli))
		fputs("smtpfixup: events were lost: they came faster than they were read\n",
		      stderr);
	else
		fputs("events were lost here: they came faster than they were read\n",
		      cli->out);
}

static int monitor_pause(void *data)
{
	struct cli *cli = data;

	if (!fflush(cli->out))
		return 0;
	/* The reader of our output has gone: not a failure */
	if (errno == EPIPE) {
		__fpurge(cli->out);
		clearerr(cli->out);
	}
	return -1;
}

static int monitor_run(struct cli *cli)
{
	const struct listener listener = {
		monitor_event, monitor_lost, monitor_pause, cli,
	};
	struct netlink nl;
	int rc;

	if (cli->argc)
		return reason_usage(cli->why, "monitor takes no words, but got %s",
				    QUOTED(cli->argv[0]));
	if (cli->json && wants_syslog(cli))
		return reason_usage(cli->why, "--json and --syslog exclude each other");
	rc = netlink_open(&nl, cli->why);
	if (!rc)
		rc = netlink_listen(&nl, &listener, fileno(cli->out), cli->why);
	netlink_close(&nl);
	return rc;
}

const struct verb verb_monitor = {
	.name = "monitor",
	.usage = "[--syslog]",
	.doc = "print events as they happen, one a line, until it is interrupted",
	.detail =
		"An event is an edit or a verdict: when, by which rule, client > server, what,\n"
		"and the words concerned, which are never a message's. More than the module's\n"
		"event_limit a second are only counted. With -j each line is an object. With\n"
		"--syslog only events that have a number there are printed (108002 to 108007).\n",
	.example = "monitor",
	.flags = monitor_flags,
	.run = monitor_run,
};
