/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stand-in for the router. For each connection that is accepted, one to the server is
 * opened, and the core judges the octets from the one to the other.
 */
#ifndef _SMTPFIXUP_RELAY_H
#define _SMTPFIXUP_RELAY_H

#include <netdb.h>

#include "host/host.h"

/* Octets received and not judged, at most: more than the core needs at once
 * (%SMTP_UNACKED_MAX)
 */
#define RELAY_IN	65536

/* Octets judged and not sent, at most; an edit may lengthen them */
#define RELAY_OUT	(2 * RELAY_IN)

/* How much one segment may grow by: more than any edit adds */
#define RELAY_ROOM	4096

/* At most so many addresses to listen on */
#define RELAY_LISTENERS	16

enum relay_session_state {
	RELAY_CONNECTING,
	RELAY_OPEN,
	RELAY_SILENT,	/* the policy dropped it: neither end hears any more */
	RELAY_RESETTING,	/* a RST follows what was sent before */
	RELAY_OVER,	/* to be freed */
};

/**
 * struct relay_buffer - octets in order
 * @data: the memory, or NULL
 * @from: where the first one is
 * @len: how many
 */
struct relay_buffer {
	u8 *data;
	u32 from;
	u32 len;
};

struct relay_session;

/**
 * struct relay_side - one end of a session
 * @session: the session
 * @dir: the direction of octets from this end
 * @fd: the socket, or -1
 * @events: what epoll waits for
 * @in: octets from this end, not judged
 * @out: octets for this end, judged
 * @next: sequence number of the first octet of @in
 * @left: sequence number after the octets that left for the other end
 * @wait: ms until held octets are judged once more
 * @due: when that is, by relay_clock(); 0: nothing is held back
 * @ended: this end will send no more
 * @fin: its end was judged, and is to be passed on when the other's @out is empty
 * @shut: the end of the other side was passed on to this one
 * @gone: this end hung up
 */
struct relay_side {
	struct relay_session *session;
	enum smtp_dir dir;
	int fd;
	u32 events;
	struct relay_buffer in;
	struct relay_buffer out;
	u32 next;
	u32 left;
	u32 wait;
	u64 due;
	bool ended;
	bool fin;
	bool shut;
	bool gone;
};

/**
 * struct relay_session - a client's connection and its server's
 * @flow: the core's part of it
 * @relay: the relay it belongs to
 * @state: enum relay_session_state
 * @side: by enum smtp_dir: the client's, the server's
 * @to: the server's address that is tried
 * @deadline: as relay_side.due: when a silent or resetting session ends, or one
 *	that the policy has ended does so without the server's answers
 * @next: the next one in the list of sessions
 * @before: the one before it in that list
 */
struct relay_session {
	struct host_flow flow;
	struct relay *relay;
	u8 state;
	struct relay_side side[2];
	const struct addrinfo *to;
	u64 deadline;
	struct relay_session *next;
	struct relay_session **before;
};

/**
 * struct relay - a running relay
 * @host: the rule and its counters
 * @epoll: the epoll's file descriptor, or -1
 * @signals: where signals are read, or -1
 * @listener: sockets that are listened on
 * @listeners: how many
 * @paused: no connection is accepted: there are no file descriptors left
 * @server: the server's addresses
 * @sessions: the sessions
 * @count: how many
 */
struct relay {
	struct host host;
	int epoll;
	int signals;
	int listener[RELAY_LISTENERS];
	unsigned int listeners;
	bool paused;
	struct addrinfo *server;
	struct relay_session *sessions;
	size_t count;
};

/* Milliseconds of a clock that is never set back. */
u64 relay_clock(void);

/* Take over a client's socket. Never fails: it may be over at once. */
void relay_session_open(struct relay *relay, int fd);

/* Handle epoll's events of one end. */
void relay_session_event(struct relay_side *side, u32 events);

/* Do what is due. Return when to come again, or 0: not before an event. */
u64 relay_session_due(struct relay_session *s, u64 now);

/* Free a session, whatever state it is in. */
void relay_session_free(struct relay_session *s);

/* Get ready to wait: from here on no signal is lost. relay_close() it anyway. */
int relay_open(struct relay *relay, struct reason *why);

/**
 * relay_loop() - serve until SIGINT or SIGTERM
 * @relay: opened
 * @out: flushed after every turn
 * @stats: prints the counters, at SIGUSR1
 * @data: for @stats
 * @why: filled on failure
 *
 * Return: 0 or -1.
 */
int relay_loop(struct relay *relay, FILE *out, void (*stats)(void *data),
	       void *data, struct reason *why);

/* End all sessions, and close everything. */
void relay_close(struct relay *relay);

#endif /* _SMTPFIXUP_RELAY_H */
