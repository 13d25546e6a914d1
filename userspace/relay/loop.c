// SPDX-License-Identifier: GPL-2.0-only
/* The relay's loop. See relay.h. */
#include <errno.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "relay/relay.h"

#define EVENTS_AT_ONCE	64

static int system_error(struct reason *why, const char *what)
{
	return reason_local(why, "%s failed: %s", what, strerror(errno));
}

/* Two a session */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Waits for those that end the program or ask for counters */
static int open_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGPIPE);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int watch(int epoll, int op, int fd, u32 events, void *data)
{
	struct epoll_event ev = { .events = events, .data.ptr = data };

	return epoll_ctl(epoll, op, fd, &ev);
}

static void pause_listeners(struct relay *relay, bool pause)
{
	if (relay->paused == pause)
		return;
	relay->paused = pause;
	for (unsigned int i = 0; i < relay->listeners; i++)
		watch(relay->epoll, EPOLL_CTL_MOD, relay->listener[i],
		      pause ? 0 : EPOLLIN, &relay->listener[i]);
}

static void accept_all(struct relay *relay, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			relay_session_open(relay, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_listeners(relay, true);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void set_time(struct host *host)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	host->now = (u64)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Handles sessions that are due, and frees those that are over. Returns how long epoll
 * may wait, ms.
 */
static int sweep(struct relay *relay)
{
	struct relay_session *s = relay->sessions, *next;
	const u64 now = relay_clock();
	u64 first = 0;

	for (; s; s = next) {
		u64 due = relay_session_due(s, now);

		next = s->next;
		if (s->state == RELAY_OVER) {
			relay_session_free(s);
			pause_listeners(relay, false);
		} else if (due && (!first || due < first)) {
			first = due;
		}
	}
	if (!first)
		return -1;
	return first <= now ? 0 : first - now;
}

/* Returns -1 if the program is to end */
static int take_signals(int signals, void (*stats)(void *data), void *data)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			stats(data);
		else
			return -1;
	}
	return 0;
}

/* Returns -1 when the reader of the output has gone, which is not a failure */
static int flush(FILE *out)
{
	if (!fflush(out))
		return 0;
	if (errno == EPIPE) {
		__fpurge(out);
		clearerr(out);
	}
	return -1;
}

static bool is_listener(const struct relay *relay, const void *data)
{
	return data >= (const void *)relay->listener &&
	       data < (const void *)(relay->listener + RELAY_LISTENERS);
}

int relay_loop(struct relay *relay, FILE *out, void (*stats)(void *data),
	       void *data, struct reason *why)
{
	struct epoll_event ev[EVENTS_AT_ONCE];

	for (;;) {
		int n = epoll_wait(relay->epoll, ev, EVENTS_AT_ONCE, sweep(relay));

		if (n < 0 && errno != EINTR)
			return system_error(why, "waiting");
		set_time(&relay->host);
		for (int i = 0; i < n; i++) {
			void *what = ev[i].data.ptr;

			if (what == &relay->epoll) {
				if (take_signals(relay->signals, stats, data))
					return 0;
			} else if (is_listener(relay, what)) {
				accept_all(relay, *(int *)what);
			} else {
				relay_session_event(what, ev[i].events);
			}
		}
		if (flush(out))
			return 0;
	}
}

int relay_open(struct relay *relay, struct reason *why)
{
	raise_limit();
	set_time(&relay->host);
	relay->signals = open_signals();
	relay->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (relay->signals < 0 || relay->epoll < 0 ||
	    watch(relay->epoll, EPOLL_CTL_ADD, relay->signals, EPOLLIN, &relay->epoll))
		return system_error(why, "getting ready to wait");
	for (unsigned int i = 0; i < relay->listeners; i++) {
		if (watch(relay->epoll, EPOLL_CTL_ADD, relay->listener[i],
			  EPOLLIN, &relay->listener[i]))
			return system_error(why, "getting ready to wait");
	}
	return 0;
}

void relay_close(struct relay *relay)
{
	while (relay->sessions)
		relay_session_free(relay->sessions);
	if (relay->epoll >= 0)
		close(relay->epoll);
	if (relay->signals >= 0)
		close(relay->signals);
	for (unsigned int i = 0; i < relay->listeners; i++)
		close(relay->listener[i]);
	if (relay->server)
		freeaddrinfo(relay->server);
}
