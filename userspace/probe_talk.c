// SPDX-License-Identifier: GPL-2.0-only
/* The dialogue with a server that is not trusted. See probe.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <stdio.h>

#include "probe.h"

const char *const probe_step_names[PROBE_STEPS] = {
	[PROBE_GREETING] = "greeting",
	[PROBE_EHLO] = "EHLO",
	[PROBE_GOODMORNING] = "goodmorning",
	[PROBE_STARTTLS] = "STARTTLS",
};

/**
 * struct talk - a dialogue under way
 * @fd: the socket
 * @seconds: how long to wait for a reply
 * @len: octets of @buf that wait to be read
 * @buf: what came after the last line
 */
struct talk {
	int fd;
	int seconds;
	size_t len;
	char buf[1024];
};

enum { TALK_FAILED = -1, TALK_ENDED, TALK_LINE };

static long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* More of the server's octets. TALK_ENDED: there are none any more. */
static int receive(struct talk *t, long long deadline, enum probe_step step,
		   struct reason *why)
{
	struct pollfd pfd = { .fd = t->fd, .events = POLLIN };
	ssize_t got;

	for (;;) {
		const long long left = deadline - milliseconds();

		if (left <= 0 || !poll(&pfd, 1, left)) {
			reason_local(why, "the server gave no answer within %d s (%s)",
				     t->seconds, probe_step_names[step]);
			return TALK_FAILED;
		}
		got = recv(t->fd, t->buf + t->len, sizeof(t->buf) - t->len,
			   MSG_DONTWAIT);
		if (got > 0) {
			t->len += got;
			return TALK_LINE;
		}
		if (!got || errno == ECONNRESET || errno == EPIPE)
			return TALK_ENDED;
		if (errno != EAGAIN && errno != EINTR) {
			reason_local(why, "the server can't be read: %s",
				     strerror(errno));
			return TALK_FAILED;
		}
	}
}

/* One line into @line, without its end */
static int read_line(struct talk *t, long long deadline, enum probe_step step,
		     char line[sizeof(t->buf)], struct reason *why)
{
	char *lf;

	while (!(lf = memchr(t->buf, '\n', t->len))) {
		int rc;

		if (t->len == sizeof(t->buf)) {
			reason_local(why, "the server sends a line without end (%s); it does not speak SMTP",
				     probe_step_names[step]);
			return TALK_FAILED;
		}
		rc = receive(t, deadline, step, why);
		if (rc != TALK_LINE)
			return rc;
	}
	memcpy(line, t->buf, lf - t->buf);
	line[lf - t->buf] = '\0';
	if (lf > t->buf && lf[-1] == '\r')
		line[lf - t->buf - 1] = '\0';
	t->len -= lf + 1 - t->buf;
	memmove(t->buf, lf + 1, t->len);
	return TALK_LINE;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The code of a reply line, or -1 */
static int line_code(const char *line)
{
	if (line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2]) ||
	    (line[3] && line[3] != ' ' && line[3] != '-'))
		return -1;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + line[2] - '0';
}

/* RFC 5321, 4.2.1: lines up to one that has no hyphen after its code */
static int read_reply(struct talk *t, enum probe_step step,
		      struct probe_reply *reply, struct reason *why)
{
	const long long deadline = milliseconds() + t->seconds * 1000LL;
	char line[sizeof(t->buf)];
	size_t len = 0;

	for (;;) {
		int rc = read_line(t, deadline, step, line, why);
		int code;

		if (rc != TALK_LINE) {
			memset(reply, 0, sizeof(*reply));
			return rc;
		}
		code = line_code(line);
		if (code < 0)
			return reason_local(why, "what the server sends is no reply of SMTP (%s): %s",
					    probe_step_names[step], QUOTED(line));
		if (!reply->code)
			reply->code = code;
		if (len + strlen(line) + 2 > sizeof(reply->text))
			return reason_local(why, "the server's reply has no end (%s)",
					    probe_step_names[step]);
		len += sprintf(reply->text + len, "%s\n", line);
		if (line[3] != '-')
			return TALK_LINE;
	}
}

/* Who says EHLO: RFC 5321, 4.1.3 */
static void own_name(int fd, char *name, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = { 0 };
	socklen_t len = sizeof(address);
	char text[INET6_ADDRSTRLEN];

	snprintf(name, size, "probe.invalid");
	if (getsockname(fd, &address.any, &len))
		return;
	if (address.any.sa_family == AF_INET &&
	    inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof(text)))
		snprintf(name, size, "[%s]", text);
	if (address.any.sa_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof(text)))
		snprintf(name, size, "[IPv6:%s]", text);
}

static bool say(int fd, const char *line)
{
	return send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)strlen(line);
}

int probe_talk(struct probe *p, int fd, int seconds, struct reason *why)
{
	char name[INET6_ADDRSTRLEN + 16], ehlo[sizeof(name) + 16];
	const char *const lines[PROBE_STEPS] = {
		[PROBE_EHLO] = ehlo,
		[PROBE_GOODMORNING] = "goodmorning\r\n",
		[PROBE_STARTTLS] = "STARTTLS\r\n",
	};
	struct talk t = { .fd = fd, .seconds = seconds };

	memset(p, 0, sizeof(*p));
	own_name(fd, name, sizeof(name));
	snprintf(ehlo, sizeof(ehlo), "EHLO %s\r\n", name);
	for (int step = 0; step < PROBE_STEPS; step++) {
		int rc;

		/* Without EHLO there is no STARTTLS */
		if (step == PROBE_STARTTLS && p->reply[PROBE_EHLO].code != 250)
			break;
		if (lines[step] && !say(fd, lines[step]))
			break;
		rc = read_reply(&t, step, &p->reply[step], why);
		if (rc == TALK_FAILED)
			return -1;
		if (rc == TALK_ENDED && step == PROBE_GREETING)
			return reason_local(why, "the server ends the connection without a greeting");
		if (rc == TALK_ENDED)
			break;
		if (step == PROBE_GREETING && p->reply[step].code != 220)
			return reason_local(why, "the server won't talk: %s",
					    QUOTED(p->reply[step].text));
	}
	/* After a 220 to STARTTLS only TLS may follow */
	if (p->reply[PROBE_STARTTLS].code != 220)
		say(fd, "QUIT\r\n");
	return 0;
}
