// SPDX-License-Identifier: GPL-2.0-only
/* A session of the relay. See relay.h. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "relay/relay.h"

/* Sequence numbers of our own: the core only compares them */
#define CLIENT_SEQ	1
#define SERVER_SEQ	1

/* A segment as large as this is judged at once; GSO has 64 KB packets, too */
#define SEGMENT_MAX	32768

/* A TCP sender retransmits octets that are not ACKed after 200 ms, and waits twice as
 * long each time: Linux, TCP_RTO_MIN and TCP_RTO_MAX.
 */
#define REPEAT_FIRST	200
#define REPEAT_LAST	120000

/* ms the server has to answer commands before the end: SMTP_ANSWER_TIME */
#define ANSWER_TIME	5000

/* ms a dropped connection stays silent */
#define DROP_SILENCE	10000

/* ms until a RST follows, if the octets sent are not ACKed before */
#define RESET_WITHIN	2000
#define RESET_LOOK	5

u64 relay_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct relay_side *other(struct relay_side *side)
{
	return &side->session->side[!side->dir];
}

/* -- buffers ------------------------------------------------------------- */

/* Room for so many octets in all? They are moved to the front if need be. */
static u32 buffer_room(struct relay_buffer *b, u32 size)
{
	if (!b->data)
		b->data = grow(NULL, size, 1);
	if (b->from) {
		memmove(b->data, b->data + b->from, b->len);
		b->from = 0;
	}
	return size - b->len;
}

static void buffer_take(struct relay_buffer *b, u32 n)
{
	b->from += n;
	b->len -= n;
	if (b->len)
		return;
	/* An idle connection holds nothing */
	free(b->data);
	b->data = NULL;
	b->from = 0;
}

static void buffer_free(struct relay_buffer *b)
{
	b->len = 0;
	buffer_take(b, 0);
}

/* -- sockets ------------------------------------------------------------- */

static void side_watch(struct relay_side *side, u32 events)
{
	struct epoll_event ev = { .events = events, .data.ptr = side };

	if (side->fd < 0 || side->events == events)
		return;
	epoll_ctl(side->session->relay->epoll, EPOLL_CTL_MOD, side->fd, &ev);
	side->events = events;
}

static void side_close(struct relay_side *side, bool reset)
{
	const struct linger none = { .l_onoff = 1 };

	buffer_free(&side->in);
	buffer_free(&side->out);
	if (side->fd < 0)
		return;
	if (reset)
		setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(side->fd);
	side->fd = -1;
}

static void session_over(struct relay_session *s, bool reset)
{
	if (s->state == RELAY_OVER)
		return;
	s->state = RELAY_OVER;
	side_close(&s->side[SMTP_CLIENT], reset);
	side_close(&s->side[SMTP_SERVER], reset);
}

/* V5 and the limits: octets that passed before arrive, and then a RST, as through the
 * module. A RST at once would overtake them.
 */
static void session_reset(struct relay_session *s)
{
	if (s->state >= RELAY_RESETTING)
		return;
	s->state = RELAY_RESETTING;
	s->deadline = relay_clock() + RESET_WITHIN;
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++)
		buffer_free(&s->side[dir].in);
}

/* V5: silence. An end that retransmits octets hears of the end after a while, as from the
 * module: SMTP_DROP_SILENCE.
 */
static void session_silence(struct relay_session *s)
{
	if (s->state >= RELAY_SILENT)
		return;
	s->state = RELAY_SILENT;
	s->deadline = relay_clock() + DROP_SILENCE;
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++)
		buffer_free(&s->side[dir].in);
}

/* Has the policy ended the connection? Octets before the end, and the replies to them,
 * arrive first, if the server answers.
 */
static void session_end(struct relay_session *s)
{
	const struct smtp_flow *core = &s->flow.core;

	if (s->state != RELAY_OPEN || !smtp_flow_over(core))
		return;
	if (!s->deadline)
		s->deadline = relay_clock() + ANSWER_TIME;
	if (!smtp_flow_finished(core) && relay_clock() < s->deadline)
		return;
	if (smtp_verdict_resets(smtp_flow_ended(core)))
		session_reset(s);
	else
		session_silence(s);
}

/* -- judging ------------------------------------------------------------- */

/* Tells the core that the octets that left have arrived, as the far end's ACK does. It
 * then keeps less, and the next change of length may come.
 */
static void side_acked(struct relay_side *side)
{
	struct host_segment s = {
		.seg = {
			.seq = other(side)->next,
			.ack = side->left,
			.has_ack = true,
		},
		.flow = &side->session->flow,
		.dir = !side->dir,
	};

	host_judge(&s);
	host_segment_end(&s);
}

/* Judges some of the octets received. Returns how many are done. *@line: what is left is
 * the beginning of a line that waits for its rest (E1). To judge that again before more
 * of it comes, or time has passed, is to give up waiting.
 */
static u32 side_judge(struct relay_side *side, bool *line)
{
	struct relay_session *session = side->session;
	struct relay_side *to = other(side);
	const u32 n = side->in.len < SEGMENT_MAX ? side->in.len : SEGMENT_MAX;
	struct host_segment s = {
		.seg = {
			.seq = side->next,
			.len = n,
			.ack = to->left,
			.has_ack = true,
			.fin = !n,
			.room = n + RELAY_ROOM,
		},
		.flow = &session->flow,
		.dir = side->dir,
		.data = n ? side->in.data + side->in.from : NULL,
	};
	u32 done = 0;

	*line = false;
	switch (host_judge(&s)) {
	case SMTP_PASS:
		done = s.seg.pass;
		*line = done < n && smtp_flow_holds(&session->flow.core, side->dir,
						    &s.seg) == SMTP_HOLDS_LINE;
		side->fin = !n;
		if (s.out_len) {
			buffer_room(&to->out, RELAY_OUT);
			memcpy(to->out.data + to->out.len, s.out, s.out_len);
			to->out.len += s.out_len;
			side->left += s.out_len;
		}
		break;
	case SMTP_DROP:
		break;		/* held back, or the connection has ended */
	case SMTP_RESET:
	case SMTP_DESYNC:
		session_reset(session);
		break;
	}
	host_segment_end(&s);
	if (session->state != RELAY_OPEN)
		return 0;
	side->next += done;
	buffer_take(&side->in, done);
	if (done)
		side_acked(side);
	session_end(session);
	return done;
}

/* Judges the octets received, as far as possible. Returns whether some of them, or the
 * end, have passed.
 */
static bool side_run(struct relay_side *side)
{
	struct relay_session *s = side->session;
	struct relay_side *to = other(side);
	bool passed = false, full = false, line;

	while (s->state == RELAY_OPEN && side->in.len) {
		full = RELAY_OUT - to->out.len < SEGMENT_MAX + RELAY_ROOM;
		if (full || !side_judge(side, &line))
			break;
		passed = true;
		if (line)
			break;
	}
	if (s->state != RELAY_OPEN)
		return false;
	if (side->in.len && !full) {
		/* Held back: judged again later, if nothing comes before */
		if (passed || !side->due)
			side->wait = REPEAT_FIRST;
		side->due = relay_clock() + side->wait;
		/* X7: a message's turn is known */
		if (side->dir == SMTP_CLIENT && s->flow.turn > s->flow.host->now)
			side->due = relay_clock() + 1 +
				    (s->flow.turn - s->flow.host->now) / 1000000;
	} else {
		side->due = 0;
	}
	if (!side->in.len && side->ended && !side->fin) {
		side_judge(side, &line);
		passed |= side->fin;
	}
	return passed;
}

/* A reply may let octets of the client go on, and so on. Octets of the server only wait
 * for more of them (E1).
 */
static void session_run(struct relay_side *side)
{
	if (!side_run(side) || side->dir == SMTP_CLIENT)
		return;
	side_run(other(side));
}

/* -- moving octets ------------------------------------------------------- */

static void side_send(struct relay_side *side)
{
	while (side->out.len) {
		ssize_t n = send(side->fd, side->out.data + side->out.from,
				 side->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			side->gone = true;
			side->ended = true;
			buffer_free(&side->out);
			session_reset(side->session);
			return;
		}
		if (n < 0)
			return;
		buffer_take(&side->out, n);
	}
	if (other(side)->fin && !side->shut) {
		side->shut = true;
		shutdown(side->fd, SHUT_WR);
	}
}

static void side_receive(struct relay_side *side)
{
	const u32 room = buffer_room(&side->in, RELAY_IN);
	ssize_t n;

	if (!room)
		return;
	do {
		n = recv(side->fd, side->in.data + side->in.len, room,
			 MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		side->in.len += n;
		return;
	}
	buffer_take(&side->in, 0);
	if (!n) {
		side->ended = true;
	} else if (errno != EAGAIN) {
		/* Its RST passes as any does */
		side->gone = true;
		side->ended = true;
		session_reset(side->session);
	}
}

/* The server will send no more replies, so octets of the client that wait for one never
 * pass. The client may still hang up.
 */
static void session_give_up(struct relay_session *s)
{
	struct relay_side *client = &s->side[SMTP_CLIENT];

	if (!s->side[SMTP_SERVER].fin || !client->in.len || !client->due)
		return;
	side_run(client);
	if (s->state != RELAY_OPEN || !client->in.len || !client->due)
		return;
	buffer_free(&client->in);
	client->due = 0;
	if (client->ended)
		session_over(s, false);
}

static void session_watch(struct relay_session *s)
{
	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct relay_side *side = &s->side[dir];
		u32 events = 0;

		switch (s->state) {
		case RELAY_CONNECTING:
			events = dir == SMTP_SERVER ? EPOLLOUT : 0;
			break;
		case RELAY_OPEN:
			if (!side->ended && side->in.len < RELAY_IN)
				events |= EPOLLIN;
			if (side->out.len)
				events |= EPOLLOUT;
			break;
		case RELAY_SILENT:
			events = side->gone ? 0 : EPOLLRDHUP;
			if (side->out.len)
				events |= EPOLLOUT;
			break;
		case RELAY_RESETTING:
			events = side->out.len ? EPOLLOUT : 0;
			break;
		}
		side_watch(side, events);
	}
}

/* Everything that can be done now */
static void session_progress(struct relay_session *s)
{
	struct relay_side *client = &s->side[SMTP_CLIENT];
	struct relay_side *server = &s->side[SMTP_SERVER];

	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		if (s->state != RELAY_CONNECTING && s->side[dir].fd >= 0)
			side_send(&s->side[dir]);
	}
	if (s->state == RELAY_OPEN)
		session_give_up(s);
	if (s->state == RELAY_OPEN && client->shut && server->shut)
		session_over(s, false);
	/* Both its ways have ended: epoll would tell so again and again */
	for (int dir = SMTP_CLIENT; s->state == RELAY_OPEN && dir <= SMTP_SERVER; dir++) {
		struct relay_side *side = &s->side[dir];

		if (side->fd >= 0 && side->ended && side->shut) {
			close(side->fd);
			side->fd = -1;
		}
	}
	session_watch(s);
}

/* -- opening ------------------------------------------------------------- */

static bool server_add(struct relay_session *s, int fd)
{
	struct relay_side *side = &s->side[SMTP_SERVER];
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = side };
	const int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	side->fd = fd;
	side->events = ev.events;
	return !epoll_ctl(s->relay->epoll, EPOLL_CTL_ADD, fd, &ev);
}

/* Tries the server's addresses from s->to on. If none answers, the client gets a RST, as
 * from a closed port.
 */
static void server_connect(struct relay_session *s)
{
	struct relay_side *side = &s->side[SMTP_SERVER];

	for (; s->to; s->to = s->to->ai_next) {
		int fd = socket(s->to->ai_family,
				SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			continue;
		if ((!connect(fd, s->to->ai_addr, s->to->ai_addrlen) ||
		     errno == EINPROGRESS) && server_add(s, fd))
			return;
		side->fd = -1;
		close(fd);
	}
	session_over(s, true);
}

static void server_connected(struct relay_session *s)
{
	struct relay_side *side = &s->side[SMTP_SERVER];
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(side->fd, SOL_SOCKET, SO_ERROR, &error, &len) || error) {
		close(side->fd);
		side->fd = -1;
		s->to = s->to->ai_next;
		server_connect(s);
		return;
	}
	s->state = RELAY_OPEN;
}

static void endpoint_from(struct endpoint *end, const struct sockaddr_storage *a)
{
	const struct sockaddr_in6 *six = (const void *)a;
	const struct sockaddr_in *four = (const void *)a;

	if (a->ss_family == AF_INET) {
		end->len = 4;
		memcpy(end->address, &four->sin_addr, 4);
		end->port = ntohs(four->sin_port);
		return;
	}
	end->port = ntohs(six->sin6_port);
	end->len = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 4 : 16;
	memcpy(end->address, six->sin6_addr.s6_addr + 16 - end->len, end->len);
}

void relay_session_open(struct relay *relay, int fd)
{
	struct relay_session *s = grow(NULL, 1, sizeof(*s));
	struct epoll_event ev = { .events = 0 };
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	const int one = 1;

	memset(s, 0, sizeof(*s));
	s->relay = relay;
	s->next = relay->sessions;
	s->before = &relay->sessions;
	if (s->next)
		s->next->before = &s->next;
	relay->sessions = s;
	relay->count++;

	for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		s->side[dir].session = s;
		s->side[dir].dir = dir;
		s->side[dir].fd = -1;
	}
	s->side[SMTP_CLIENT].fd = fd;
	s->side[SMTP_CLIENT].next = CLIENT_SEQ;
	s->side[SMTP_CLIENT].left = CLIENT_SEQ;
	s->side[SMTP_SERVER].next = SERVER_SEQ;
	s->side[SMTP_SERVER].left = SERVER_SEQ;

	s->flow.host = &relay->host;
	s->flow.rule = relay->host.rule;
	memset(&address, 0, sizeof(address));
	if (!getpeername(fd, (struct sockaddr *)&address, &len))
		endpoint_from(&s->flow.client, &address);
	len = sizeof(address);
	if (!getsockname(fd, (struct sockaddr *)&address, &len))
		endpoint_from(&s->flow.server, &address);
	host_flow_init(&s->flow, CLIENT_SEQ, SERVER_SEQ);
	s->flow.rule->counters[SMTP_FIXUP_CNT_CONNECTIONS]++;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	ev.data.ptr = &s->side[SMTP_CLIENT];
	if (epoll_ctl(relay->epoll, EPOLL_CTL_ADD, fd, &ev)) {
		session_over(s, true);
		return;
	}
	s->to = relay->server;
	server_connect(s);
}

void relay_session_free(struct relay_session *s)
{
	session_over(s, false);
	host_flow_release(&s->flow);
	*s->before = s->next;
	if (s->next)
		s->next->before = s->before;
	s->relay->count--;
	free(s);
}

/* -- what the loop calls ------------------------------------------------- */

void relay_session_event(struct relay_side *side, u32 events)
{
	struct relay_session *s = side->session;

	if (s->state == RELAY_OVER)
		return;
	if (s->state == RELAY_CONNECTING) {
		if (side->dir == SMTP_SERVER)
			server_connected(s);
		else if (events & (EPOLLERR | EPOLLHUP))
			session_over(s, true);
		session_progress(s);
		return;
	}
	if (s->state == RELAY_SILENT) {
		if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			side->gone = true;
		if (events & (EPOLLHUP | EPOLLERR))
			side_close(side, true);
		if (s->side[SMTP_CLIENT].gone && s->side[SMTP_SERVER].gone)
			session_over(s, true);
		session_progress(s);
		return;
	}
	if (s->state == RELAY_OPEN && !side->ended &&
	    events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		side_receive(side);
		if (s->state == RELAY_OPEN)
			session_run(side);
	} else if (events & EPOLLERR) {
		side->gone = true;
		session_reset(s);
	}
	if (events & EPOLLOUT && side->out.len) {
		side_send(side);
		/* There is room for more octets of the other end */
		if (s->state == RELAY_OPEN && other(side)->in.len &&
		    !other(side)->due)
			session_run(other(side));
	}
	session_progress(s);
}

/* Has all that was sent been ACKed? */
static bool side_flushed(const struct relay_side *side)
{
	int waiting = 0;

	if (side->fd < 0 || side->gone)
		return true;
	if (side->out.len)
		return false;
	return ioctl(side->fd, SIOCOUTQ, &waiting) || !waiting;
}

static u64 sooner(u64 a, u64 b)
{
	return !a || (b && b < a) ? b : a;
}

/* Is there more to be read, to be judged together with waiting octets? */
static bool side_readable(const struct relay_side *side)
{
	int n = 0;

	return side->events & EPOLLIN && !ioctl(side->fd, FIONREAD, &n) && n;
}

u64 relay_session_due(struct relay_session *s, u64 now)
{
	u64 due = 0;

	if (s->state == RELAY_RESETTING) {
		if (now >= s->deadline || (side_flushed(&s->side[SMTP_CLIENT]) &&
					   side_flushed(&s->side[SMTP_SERVER])))
			session_over(s, true);
		else
			due = now + RESET_LOOK;
	} else if (s->state == RELAY_SILENT) {
		if (now >= s->deadline)
			session_over(s, true);
		else
			due = s->deadline;
	} else if (s->state == RELAY_OPEN) {
		for (int dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
			struct relay_side *side = &s->side[dir];

			if (!side->due || now < side->due || side_readable(side))
				continue;
			side->wait *= 2;
			if (side->wait > REPEAT_LAST)
				side->wait = REPEAT_LAST;
			session_run(side);
			session_progress(s);
			if (s->state != RELAY_OPEN)
				return now + 1;
		}
		session_end(s);
		if (s->state != RELAY_OPEN)
			return now + 1;
		due = sooner(s->side[SMTP_CLIENT].due, s->side[SMTP_SERVER].due);
		due = sooner(due, s->deadline);
	}
	return due;
}
