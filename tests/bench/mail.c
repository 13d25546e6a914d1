// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mail server that throws everything away, and clients that load it: the two
 * ends of a measurement, as cheap as they can be, for what lies between them
 * is to be measured.
 *
 *   mail server                      on port 25, until killed
 *   mail crowd                       on port 2525: greets and leaves it at that
 *   mail WAY HOST PROCESSES UNITS    a load; prints "UNITS CPU WALL"
 *   mail idle HOST UNITS             that many connections to a crowd; prints
 *                                    "open" and keeps them until killed
 *   mail flood HOST FIRST UNITS      that many SYNs to port 25 from addresses
 *                                    of nobody, numbered from FIRST
 *   mail flows HOST FIRST UNITS      that many connections, as the router sees
 *                                    them: of nobody to nobody, each as far as
 *                                    the greeting. Sends from this namespace and
 *                                    from the one whose file is on fd 3
 *
 * WAY: data, bdat, tls: UNITS octets by each process, in one connection.
 *      mails, connections: UNITS of these by each process.
 *
 * CPU is processor time in ns as the file in $BENCH_CLOCK tells: a line "t" is
 * written there and a line with a number read (scripts/uml). Without it, 0.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "octets.h"

#define WORKERS		8
#define CHUNK		(256u << 10)	/* octets a system call */
#define MAIL_OCTETS	4000		/* of a small mail */
#define END_OF_DATA	"\r\n.\r\n"
#define END_LEN		5

static int full_send(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return -1;
		p += sent;
		n -= sent;
	}
	return 0;
}

static int say(int fd, const char *text)
{
	return full_send(fd, text, strlen(text));
}

/* -- server --------------------------------------------------------------- */

/* Reads what a client sends, a line at a time or thrown away */
struct input {
	int fd;
	unsigned int at, end;
	char bytes[CHUNK];
};

static int input_more(struct input *in)
{
	ssize_t n = recv(in->fd, in->bytes, sizeof(in->bytes), 0);

	if (n <= 0)
		return -1;
	in->at = 0;
	in->end = n;
	return 0;
}

static int input_line(struct input *in, char *line, unsigned int size)
{
	unsigned int n = 0;

	do {
		if (in->at == in->end && input_more(in))
			return -1;
		line[n++] = in->bytes[in->at++];
	} while (line[n - 1] != '\n' && n < size - 1);
	line[n] = '\0';
	return 0;
}

/* The end of data is the last that a client sends: only there it is looked for */
static int input_body(struct input *in)
{
	char tail[END_LEN] = "";

	for (;;) {
		unsigned int n = in->end - in->at;

		if (n >= END_LEN) {
			memcpy(tail, in->bytes + in->end - END_LEN, END_LEN);
		} else {
			memmove(tail, tail + n, END_LEN - n);
			memcpy(tail + END_LEN - n, in->bytes + in->at, n);
		}
		in->at = in->end;
		if (!memcmp(tail, END_OF_DATA, END_LEN))
			return 0;
		if (input_more(in))
			return -1;
	}
}

static int input_skip(struct input *in, unsigned long long n)
{
	for (;;) {
		unsigned int have = in->end - in->at;

		if (have >= n) {
			in->at += n;
			return 0;
		}
		n -= have;
		if (input_more(in))
			return -1;
	}
}

static void serve(struct input *in)
{
	char line[1024];
	int status = say(in->fd, "220 bench.example ESMTP\r\n");

	while (!status && !input_line(in, line, sizeof(line))) {
		if (!strncmp(line, "EHLO", 4)) {
			status = say(in->fd, "250-bench.example\r\n250-STARTTLS\r\n"
				     "250-CHUNKING\r\n250 PIPELINING\r\n");
		} else if (!strncmp(line, "DATA", 4)) {
			if (say(in->fd, "354 go on\r\n") || input_body(in))
				return;
			status = say(in->fd, "250 done\r\n");
		} else if (!strncmp(line, "BDAT", 4)) {
			if (input_skip(in, strtoull(line + 4, NULL, 10)))
				return;
			status = say(in->fd, "250 done\r\n");
		} else if (!strncmp(line, "STARTTLS", 8)) {
			status = say(in->fd, "220 go on\r\n");
			while (!status && !input_more(in))
				;
			say(in->fd, "250 done\r\n");
			status = -1;
		} else if (!strncmp(line, "QUIT", 4)) {
			say(in->fd, "221 bye\r\n");
			status = -1;
		} else {
			status = say(in->fd, "250 ok\r\n");
		}
	}
}

static int listen_at(unsigned short port)
{
	struct sockaddr_in6 any = {
		.sin6_family = AF_INET6, .sin6_port = htons(port),
	};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 1024))
		err(1, "port %u", port);
	return fd;
}

static noreturn void crowd(void)
{
	int fd = listen_at(2525);

	for (;;) {
		int guest = accept(fd, NULL, NULL);

		if (guest < 0 || say(guest, "220 bench.example ESMTP\r\n"))
			err(1, "crowd");
	}
}

static noreturn void server(void)
{
	static struct input in;
	int fd = listen_at(25);
	int i, one = 1;

	for (i = 1; i < WORKERS; i++) {
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			break;
		}
	}
	for (;;) {
		in.fd = accept(fd, NULL, NULL);
		if (in.fd < 0)
			continue;
		setsockopt(in.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		in.at = 0;
		in.end = 0;
		serve(&in);
		close(in.fd);
	}
}

/* -- client --------------------------------------------------------------- */

static struct sockaddr_storage server_address;
static socklen_t server_address_len;

static int dial(void)
{
	int fd = socket(server_address.ss_family, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&server_address, server_address_len))
		err(1, "connect");
	return fd;
}

/* One reply must have this code */
static void expect(int fd, const char *code)
{
	char reply[1024];
	size_t n = 0;
	char *line;

	for (;;) {
		ssize_t got = recv(fd, reply + n, sizeof(reply) - 1 - n, 0);

		if (got <= 0)
			err(1, "waiting for %s", code);
		n += got;
		reply[n] = '\0';
		if (reply[n - 1] != '\n')
			continue;
		reply[n - 1] = '\0';
		line = strrchr(reply, '\n');
		line = line ? line + 1 : reply;
		reply[n - 1] = '\n';
		if (strlen(line) > 3 && line[3] == ' ')
			break;
	}
	if (strncmp(line, code, 3))
		errx(1, "got %.*s, wanted %s", (int)strcspn(line, "\r\n"), line, code);
}

static void ask(int fd, const char *command, const char *code)
{
	if (say(fd, command))
		err(1, "sending");
	expect(fd, code);
}

static void hello(int fd, bool esmtp)
{
	expect(fd, "220");
	ask(fd, esmtp ? "EHLO client.example\r\n" : "HELO client.example\r\n", "250");
}

static void envelope(int fd)
{
	ask(fd, "MAIL FROM:<sender@client.example>\r\n", "250");
	ask(fd, "RCPT TO:<recipient@bench.example>\r\n", "250");
}

static void stream(int fd, unsigned long long n)
{
	unsigned int at = 0;

	while (n) {
		unsigned int piece = n < CHUNK ? n : CHUNK;

		if (full_send(fd, octets + at, piece))
			err(1, "sending");
		at = (at + CHUNK) % OCTETS;
		n -= piece;
	}
}

static int data_begin(void)
{
	int fd = dial();

	hello(fd, false);
	envelope(fd);
	ask(fd, "DATA\r\n", "354");
	return fd;
}

static void data_go(int fd, unsigned long long n)
{
	stream(fd, n);
	ask(fd, END_OF_DATA, "250");
}

static int bdat_begin(void)
{
	int fd = dial();

	hello(fd, true);
	envelope(fd);
	return fd;
}

static void bdat_go(int fd, unsigned long long n)
{
	char command[64];

	snprintf(command, sizeof(command), "BDAT %llu LAST\r\n", n);
	if (say(fd, command))
		err(1, "sending");
	stream(fd, n);
	expect(fd, "250");
}

static int tls_begin(void)
{
	int fd = dial();

	hello(fd, true);
	ask(fd, "STARTTLS\r\n", "220");
	return fd;
}

static void tls_go(int fd, unsigned long long n)
{
	stream(fd, n);
	shutdown(fd, SHUT_WR);
	expect(fd, "250");
}

static void mails_go(int fd, unsigned long long n)
{
	(void)fd;
	while (n--) {
		int mail = dial();

		hello(mail, false);
		envelope(mail);
		ask(mail, "DATA\r\n", "354");
		stream(mail, MAIL_OCTETS);
		ask(mail, END_OF_DATA, "250");
		ask(mail, "QUIT\r\n", "221");
		close(mail);
	}
}

static void connections_go(int fd, unsigned long long n)
{
	(void)fd;
	while (n--) {
		int mail = dial();

		expect(mail, "220");
		ask(mail, "QUIT\r\n", "221");
		close(mail);
	}
}

static noreturn void idle(unsigned int units)
{
	while (units--)
		expect(dial(), "220");
	puts("open");
	fflush(stdout);
	for (;;)
		pause();
}

static unsigned int sum_words(const void *p, size_t n)
{
	const unsigned short *word = p;
	unsigned int sum = 0;

	for (; n; n -= 2)
		sum += *word++;
	return sum;
}

/* An end of a connection of nobody to nobody */
struct nobody {
	int fd;
	__be32 from, to;
	__be16 from_port, to_port;
};

#define GREETING	"220 hi\r\n"

/* said: what this end has said before, heard: what it acknowledges */
static void say_as(const struct nobody *end, unsigned char flags, unsigned int said,
		   unsigned int heard, const char *text)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
		char text[8];
	} packet = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP,
			.saddr = end->from, .daddr = end->to },
		.tcp = { .source = end->from_port, .dest = end->to_port, .doff = 5,
			 .seq = htonl(said), .ack_seq = htonl(heard), .window = 0xffff },
	};
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { end->to } };
	size_t len = strlen(text), all = sizeof(packet) - sizeof(packet.text) + len;
	unsigned int sum;

	packet.tcp.th_flags = flags;
	memcpy(packet.text, text, len);
	sum = sum_words(&packet.ip.saddr, 8) + htons(IPPROTO_TCP) +
	      htons(sizeof(packet.tcp) + len) +
	      sum_words(&packet.tcp, sizeof(packet.tcp) + sizeof(packet.text));
	sum = (sum & 0xffff) + (sum >> 16);
	packet.tcp.check = ~(sum + (sum >> 16));
	while (sendto(end->fd, &packet, all, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		if (errno != ENOBUFS)
			err(1, "sendto");
}

static int raw_socket(void)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

/* nobodies: connections numbered from first; with the server's end, greeted */
static void nobodies(int client_fd, int server_fd, unsigned int first, unsigned int units)
{
	const struct sockaddr_in *to = (struct sockaddr_in *)&server_address;

	for (; units; units--, first++) {
		struct nobody client = { client_fd,
			htonl(0x0a800000 + first / 60000),	/* 10.128.0.0 */
			to->sin_addr.s_addr, htons(1024 + first % 60000), htons(25) };
		struct nobody server = { server_fd, client.to, client.from,
					 client.to_port, client.from_port };

		say_as(&client, TH_SYN, 0, 0, "");
		if (server_fd < 0)
			continue;
		say_as(&server, TH_SYN | TH_ACK, 0, 1, "");
		say_as(&client, TH_ACK, 1, 1, "");
		say_as(&server, TH_ACK | TH_PUSH, 1, 1, GREETING);
		say_as(&client, TH_ACK, 1, 1 + strlen(GREETING), "");
	}
}

static void crowd_of_nobodies(bool greeted, unsigned int first, unsigned int units)
{
	int client_fd = raw_socket();

	if (greeted && setns(3, CLONE_NEWNET))
		err(1, "setns");
	nobodies(client_fd, greeted ? raw_socket() : -1, first, units);
}

static const struct way {
	const char *name;
	int (*begin)(void);
	void (*go)(int fd, unsigned long long units);
} ways[] = {
	{ "data", data_begin, data_go },
	{ "bdat", bdat_begin, bdat_go },
	{ "tls", tls_begin, tls_go },
	{ "mails", NULL, mails_go },
	{ "connections", NULL, connections_go },
};

static unsigned long long wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static unsigned long long cpu_ns(void)
{
	static int fd = -1;
	char line[64];
	size_t n = 0;

	if (!getenv("BENCH_CLOCK"))
		return 0;
	if (fd < 0)
		fd = open(getenv("BENCH_CLOCK"), O_RDWR | O_NOCTTY);
	if (fd < 0 || write(fd, "t\n", 2) != 2)
		err(1, "%s", getenv("BENCH_CLOCK"));
	do {
		if (n == sizeof(line) - 1 || read(fd, line + n, 1) != 1)
			err(1, "%s", getenv("BENCH_CLOCK"));
	} while (line[n++] != '\n');
	line[n] = '\0';
	return strtoull(line, NULL, 10);
}

/* Everybody gets ready, waits for the word, works, reports, and stays until
 * the clock has been read: what has ended is not in its sum. Two words, each by
 * its own pipe: whoever is done soon must not take the first one of another.
 */
static void client_process(const struct way *way, unsigned long long units,
			   int report, int word, int leave)
{
	int fd = way->begin ? way->begin() : -1;
	char c = 'r';

	if (write(report, &c, 1) != 1 || read(word, &c, 1) != 1)
		exit(1);
	way->go(fd, units);
	if (write(report, &c, 1) != 1 || read(leave, &c, 1) != 1)
		exit(1);
	exit(0);
}

static void await(int report, int processes)
{
	char c;

	while (processes--)
		if (read(report, &c, 1) != 1)
			errx(1, "a process has failed");
}

static int client(const struct way *way, int processes, unsigned long long units)
{
	unsigned long long cpu, wall;
	int report[2], word[2], leave[2];
	int i, status, bad = 0;
	char go[256];

	if (pipe(report) || pipe(word) || pipe(leave))
		err(1, "pipe");
	for (i = 0; i < processes; i++) {
		if (!fork()) {
			close(report[0]);
			close(word[1]);
			close(leave[1]);
			client_process(way, units, report[1], word[0], leave[0]);
		}
	}
	close(report[1]);
	close(word[0]);
	close(leave[0]);
	await(report[0], processes);
	cpu = cpu_ns();
	wall = wall_ns();
	memset(go, 'g', sizeof(go));
	if (write(word[1], go, processes) != processes)
		err(1, "pipe");
	await(report[0], processes);
	wall = wall_ns() - wall;
	cpu = cpu_ns() - cpu;
	if (write(leave[1], go, processes) != processes)
		err(1, "pipe");
	while (wait(&status) > 0)
		bad |= status;
	printf("%llu %llu %llu\n", processes * units, cpu, wall);
	return bad != 0;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct rlimit files = { 65536, 65536 };
	struct addrinfo *found;
	bool idles, nobody;
	unsigned int i;

	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 2 && !strcmp(argv[1], "server"))
		server();
	if (argc == 2 && !strcmp(argv[1], "crowd"))
		crowd();
	idles = argc == 4 && !strcmp(argv[1], "idle");
	nobody = argc == 5 && (!strcmp(argv[1], "flood") || !strcmp(argv[1], "flows"));
	if (!idles && !nobody && (argc != 5 || atoi(argv[3]) < 1 || atoi(argv[3]) > 256))
		errx(2,
		     "usage: mail server | crowd | idle HOST UNITS | {flood|flows} HOST FIRST UNITS | WAY HOST PROCESSES UNITS");
	if (getaddrinfo(argv[2], idles ? "2525" : "25", &hints, &found))
		errx(1, "%s: no such host", argv[2]);
	memcpy(&server_address, found->ai_addr, found->ai_addrlen);
	server_address_len = found->ai_addrlen;
	if (idles)
		idle(atoi(argv[3]));
	if (nobody) {
		crowd_of_nobodies(!strcmp(argv[1], "flows"), atoi(argv[3]), atoi(argv[4]));
		return 0;
	}
	octets_mime();
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(argv[1], ways[i].name))
			return client(&ways[i], atoi(argv[3]),
				      strtoull(argv[4], NULL, 10));
	errx(2, "%s: no such way", argv[1]);
}
