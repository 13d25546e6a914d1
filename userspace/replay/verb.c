// SPDX-License-Identifier: GPL-2.0-only
/* replay FILE [PORTS] MODE [OPTION ARG]... */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "host/verb.h"
#include "monitor.h"
#include "output.h"
#include "replay/run.h"
#include "set.h"
#include "show.h"

enum { REPLAY_WRITE, REPLAY_OBSERVE };

static const struct flag replay_flags[] = {
	[REPLAY_WRITE] = {
		"-w", "FILE: write what would have left there"
	},
	[REPLAY_OBSERVE] = {
		"--observe", "change nothing, say what would have been done"
	},
	{ NULL, NULL }
};

/* The ports, if none are given */
#define DEFAULT_PORTS "25"

#ifdef HAVE_PCAP
struct replay_output {
	struct cli *cli;
	struct capture_out *capture;
};

static void replay_event(const struct event *event, void *data)
{
	struct replay_output *output = data;

	if (output->cli->json)
		event_json(output->cli->out, event);
	else
		event_text(output->cli->out, event);
}

static void replay_note(enum track_note note, const struct host_flow *flow,
			u64 time, const char *text, void *data)
{
	struct replay_output *output = data;
	struct event event = {
		.time = time,
		.client = flow->client,
		.server = flow->server,
	};

	snprintf(event.rule, sizeof(event.rule), "note");
	snprintf(event.name, sizeof(event.name), "%s", track_note_names[note]);
	event_note(output->cli->out, &event, text, output->cli->json);
}

static void replay_write(const struct frame *frame, void *data)
{
	struct replay_output *output = data;

	capture_out_write(output->capture, frame);
}

/* After a number of connections */
static const char *const note_docs[TRACK_NOTES] = {
	[TRACK_MIDSTREAM] = "from before the capture: not judged",
	[TRACK_ONE_WAY] = "without their server's packets: not judged",
	[TRACK_GAP] = "with octets missing in the capture: judged up to there",
	[TRACK_SNAPPED] = "whose packets were cut by the snap length: judged up to there",
	[TRACK_TOO_MUCH] = "that would have waited for too long: judged up to there",
	[TRACK_FORGOTTEN] = "forgotten, for there were too many at once",
	[TRACK_WAITING] = "with octets that still waited at the end",
};

static const char *plural(u64 n)
{
	return n == 1 ? "" : "s";
}

static void print_summary(FILE *out, const struct replay *r, bool wrote)
{
	fprintf(out, "capture: %llu packet%s, %llu connection%s\n",
		(unsigned long long)r->packets, plural(r->packets),
		(unsigned long long)r->counts.connections,
		plural(r->counts.connections));
	for (int i = 0; i < TRACK_NOTES; i++) {
		if (r->counts.notes[i])
			fprintf(out, "  %llu connection%s %s\n",
				(unsigned long long)r->counts.notes[i],
				plural(r->counts.notes[i]), note_docs[i]);
	}
	if (r->shortened)
		fprintf(out, "  %llu packets too short to tell what they are: left as they were\n",
			(unsigned long long)r->shortened);
	if (r->incomplete)
		fprintf(out, "  %llu fragmented packets that never were complete\n",
			(unsigned long long)r->incomplete);
	if (wrote && (r->counts.left_out || r->counts.repeated))
		fprintf(out, "  %llu packets left out or waited, %llu that their sender would have repeated\n",
			(unsigned long long)r->counts.left_out,
			(unsigned long long)r->counts.repeated);
	if (r->counts.connections || !r->ports)
		return;
	fputs("  no connection to these ports; there are some to", out);
	for (unsigned int i = 0; i < r->ports; i++)
		fprintf(out, "%s %u (%llu)", i ? "," : "", r->port[i].port,
			(unsigned long long)r->port[i].count);
	fputc('\n', out);
}

static void json_summary(FILE *out, const struct replay *r)
{
	json_t *object = json_object(), *notes = json_object();
	json_t *ports = json_object(), *line = json_object();
	char port[8];

	for (int i = 0; i < TRACK_NOTES; i++)
		json_put_u64(notes, track_note_names[i], r->counts.notes[i]);
	for (unsigned int i = 0; i < r->ports; i++) {
		snprintf(port, sizeof(port), "%u", r->port[i].port);
		json_put_u64(ports, port, r->port[i].count);
	}
	json_put_u64(object, "packets", r->packets);
	json_put_u64(object, "connections", r->counts.connections);
	json_put_u64(object, "left_out", r->counts.left_out);
	json_put_u64(object, "repeated", r->counts.repeated);
	json_put_u64(object, "too_short", r->shortened);
	json_put_u64(object, "fragments_incomplete", r->incomplete);
	json_object_set_new(object, "notes", notes);
	json_object_set_new(object, "other_ports", ports);
	json_object_set_new(line, "capture", object);
	json_dumpf(line, out, JSON_PRESERVE_ORDER);
	fputc('\n', out);
	json_decref(line);
}

/* Writing over what is being read would lose it. */
static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino && S_ISREG(x.st_mode);
}

static int replay_file(struct cli *cli, struct host *host)
{
	const char *name = cli->argv[0], *to = cli->value[REPLAY_WRITE];
	struct replay_output output = { .cli = cli };
	struct track_ops ops = { .note = replay_note, .data = &output };
	struct capture *capture;
	enum capture_link link;
	struct replay result;
	int rc;

	if (to && !strcmp(to, "-"))
		return reason_usage(cli->why, "the packets need a file of their own, for the events go to standard output");
	if (to && same_file(name, to))
		return reason_usage(cli->why, "%s would be written over while it is read; name another file",
				    QUOTED(to));
	capture = capture_open(name, &link, cli->why);
	if (!capture)
		return -1;
	if (to) {
		output.capture = capture_out_open(capture, to, cli->why);
		if (!output.capture) {
			capture_close(capture);
			return -1;
		}
		ops.write = replay_write;
	}
	host->event = replay_event;
	host->data = &output;
	rc = replay_run(&result, capture, link, host, &ops, cli->why);
	capture_close(capture);
	if (cli->json)
		json_summary(cli->out, &result);
	else
		print_summary(cli->out, &result, to);
	if (output.capture && capture_out_close(output.capture, cli->why))
		rc = -1;
	return rc;
}
#else
static int replay_file(struct cli *cli, struct host *host)
{
	(void)host;
	return reason_local(cli->why, "this smtpfixup was built without libpcap, so it has no replay; install libpcap-dev and build it again");
}
#endif

/* X7: the messages of a capture have passed already, so those that would have to wait are
 * only counted
 */
static void rates_counted(struct host *host)
{
	for (size_t i = 0; i < host->count; i++) {
		struct smtp_limit *limits = host->rule[i].policy.limits;

		for (int n = 0; n < __SMTP_FIXUP_LIMIT_MAX; n++) {
			if (limits[n].action == SMTP_FIXUP_ACTION_WAIT)
				limits[n].action = SMTP_FIXUP_ACTION_LOG;
		}
	}
}

static int replay_run_verb(struct cli *cli)
{
	struct set_request req = { 0 };
	const char *ports = DEFAULT_PORTS;
	struct host host = { 0 };
	int words = 1, rc;

	if (cli->argc > 1 && *cli->argv[1] >= '0' && *cli->argv[1] <= '9') {
		ports = cli->argv[1];
		words = 2;
	}
	if (cli->argc <= words)
		return reason_usage(cli->why, "replay needs a capture and a mode; for example replay mail.pcap 25 asa");
	rc = host_request(&req, ports, cli->argc - words, cli->argv + words,
			  "replay", cli->why);
	if (!rc) {
		if (cli->flags & 1U << REPLAY_OBSERVE)
			req.policy.observe = true;
		host_init(&host, &req);
		rates_counted(&host);
		rc = replay_file(cli, &host);
		/* Also for a capture that ends in the middle of a packet */
		if (host.event && host_print_stats(cli, &host))
			rc = -1;
		host_release(&host);
	}
	set_free(&req);
	return rc;
}

/* How many words stand before the mode, ports included where there are some */
static int replay_head(int argc, char *const *argv)
{
	return argc > 1 && *argv[1] >= '0' && *argv[1] <= '9' ? 1 : 0;
}

static bool replay_literal(int argc, char *const *argv)
{
	const int head = replay_head(argc, argv);

	return argc > head + 1 && verb_set.literal(argc - head, argv + head);
}

static void replay_complete(const struct completion *c)
{
	const int head = replay_head(c->argc, c->argv);
	struct completion set = *c;

	if (!c->argc)
		return;		/* the shell knows files */
	if (c->argc == 1)
		propose_ports(c);
	set.argc -= head;
	set.argv += head;
	verb_set.complete(&set);
}

const struct verb verb_replay = {
	.name = "replay",
	.usage = "FILE [PORTS] MODE [OPTION ARG]... [-w FILE] [--observe]",
	.doc = "have a capture filtered: no kernel module, no rights",
	.detail =
		"Prints what monitor and stats would have for the connections to PORTS (25) in\n"
		"the capture FILE: pcap or pcapng, compressed or not, - for standard input. Lines\n"
		"with the word note name what cannot be judged: connections that began before\n"
		"the capture, gaps in it, packets cut by its snap length.\n"
		"With -w what would have left is written, for Wireshark. What the filter holds\n"
		"back stands there where its sender would have repeated it. Modes and options\n"
		"are those of set; iif, assign and by-mark need the module.\n",
	.example = "replay mail.pcap 25,587 asa -w after.pcap",
	.flags = replay_flags,
	.valued = 1U << REPLAY_WRITE,
	.literal = replay_literal,
	.run = replay_run_verb,
	.complete = replay_complete,
};
