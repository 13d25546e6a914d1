// SPDX-License-Identifier: GPL-2.0-only
/* A small TCP: enough of it to repeat, re-cut, probe and reassemble. */
#include <stdio.h>

#include "sim.h"

#define NEVER	UINT64_MAX

void tcp_init(struct sim *s, int side)
{
	struct tcp_end *e = &s->end[side];

	e->side = side;
	e->rto_at = NEVER;
	e->ack_at = NEVER;
	e->reopen_at = NEVER;
	e->app_at = NEVER;
	e->fin_at = UINT32_MAX;
}

u64 tcp_next_timer(const struct tcp_end *e)
{
	u64 t = e->rto_at;

	if (e->ack_at < t)
		t = e->ack_at;
	if (e->reopen_at < t)
		t = e->reopen_at;
	if (e->app_at < t)
		t = e->app_at;
	return t;
}

/* Everything that this end will ever send up to now, the FIN included */
static u32 tcp_end_of_data(const struct tcp_end *e)
{
	return e->tx_len + (e->fin_queued ? 1 : 0);
}

static void rewrite(struct sim *s, u8 *data, u32 len)
{
	static const char *const evil[] = {
		"\r\n.\r\n", "\n.\n", "\r.\r", ".\r\n", ".\r", ".\n", "\r\n.",
		"\n", "\r", ".", "\r\n", "EXPN x\r\n", "VRFY\r\n",
		"\r\n.\r\nXCLIENT a\r\n", "DATA\r\n", "a", "ab", " ",
	};
	struct rng *r = &s->rng_tcp;
	u32 times = 1 + rng_below(r, 3);

	while (times--) {
		const char *t = evil[rng_below(r, sizeof(evil) / sizeof(*evil))];
		u32 n = strlen(t), at = 0;

		if (n > len)
			n = len;
		switch (rng_below(r, 3)) {
		case 0:
			at = rng_below(r, len - n + 1);
			break;
		case 1:
			at = len - n;
			break;
		}
		memcpy(data + at, t, n);
		if (!rng_below(r, 8))
			data[at + rng_below(r, n)] = '\0';
	}
}

static void tcp_segment(struct sim *s, struct tcp_end *e, u32 off, u32 len,
			bool fin)
{
	struct packet *pkt = sim_packet(s, len);
	bool again = off < e->max_nxt;

	pkt->dir = e->side;
	pkt->seq = s->plan.isn[e->side] + off;
	pkt->ack = s->plan.isn[!e->side] + e->rcv_nxt + (e->fin_got ? 1 : 0);
	pkt->fin = fin;
	pkt->window_zero = e->reopen_at != NEVER;
	memcpy(pkt->data, e->tx + off, len);
	if (s->plan.rewrites && !e->side && len && again &&
	    rng_permille(&s->rng_tcp, 500))
		rewrite(s, pkt->data, len);
	if (s->plan.low_ttl && !e->side && len && !again)
		pkt->low_ttl = rng_permille(&s->rng_tcp, s->plan.low_ttl);
	e->ack_at = NEVER;
	e->unacked = 0;
	e->begun[off] = 1;
	if (off + len + fin > e->max_nxt)
		e->max_nxt = off + len + fin;
	pkt->again = again && len;
	sim_trace(s, pkt->again ? "resend" : "send", pkt);
	sim_send(s, pkt);
	if (s->plan.forged_acks && !e->side && len &&
	    rng_permille(&s->rng_tcp, s->plan.forged_acks)) {
		pkt = sim_packet(s, 0);
		pkt->dir = 1;
		pkt->forged = true;
		pkt->seq = s->plan.isn[1] + e->rcv_nxt;
		sim_send(s, pkt);
	}
}

static void tcp_ack(struct sim *s, struct tcp_end *e)
{
	u32 at = e->nxt > e->tx_len ? e->tx_len + 1 : e->nxt;
	struct packet *pkt = sim_packet(s, 0);

	pkt->dir = e->side;
	pkt->seq = s->plan.isn[e->side] + at;
	pkt->ack = s->plan.isn[!e->side] + e->rcv_nxt + (e->fin_got ? 1 : 0);
	pkt->window_zero = e->reopen_at != NEVER;
	e->ack_at = NEVER;
	e->unacked = 0;
	sim_trace(s, "ack", pkt);
	sim_send(s, pkt);
}

static void tcp_arm(struct sim *s, struct tcp_end *e)
{
	u32 shift = e->backoff > 3 ? 3 : e->backoff;

	e->rto_at = e->una < tcp_end_of_data(e) ?
		    s->now + ((u64)RTO << shift) : NEVER;
}

static u32 segment_len(struct sim *s, struct tcp_end *e, u32 off, bool again)
{
	struct plan *p = &s->plan;
	u32 len = e->tx_len - off, i, mss = p->mss[e->side];

	if (again && p->recut[e->side]) {
		/* Other boundaries: shorter, or collapsed with what follows */
		mss = 1 + rng_below(&s->rng_tcp, mss * (1 + rng_below(&s->rng_tcp, 4)));
		if (mss > 60000)
			mss = 60000;
		return len < mss ? len : mss;
	}
	if (len > mss)
		len = mss;
	if (!p->coalesce[e->side])
		for (i = 1; i < len; i++)
			if (e->edge[off + i])
				return i;
	return len;
}

static void tcp_transmit(struct sim *s, struct tcp_end *e, u32 off)
{
	u32 len = 0;
	bool fin;

	if (off < e->tx_len)
		len = segment_len(s, e, off, off < e->max_nxt);
	fin = e->fin_queued && off + len == e->tx_len &&
	      (!len || s->plan.fin_with_data[e->side]);
	tcp_segment(s, e, off, len, fin);
	if (off + len + fin > e->nxt)
		e->nxt = off + len + fin;
}

void tcp_output(struct sim *s, int side)
{
	struct tcp_end *e = &s->end[side];
	u32 window = s->plan.window[side];

	if (e->peer_closed) {
		tcp_arm(s, e);
		return;
	}
	while (e->nxt < tcp_end_of_data(e) && e->nxt - e->una < window)
		tcp_transmit(s, e, e->nxt);
	if (e->rto_at == NEVER)
		tcp_arm(s, e);
}

void tcp_write(struct sim *s, int side, const u8 *bytes, u32 n)
{
	struct tcp_end *e = &s->end[side];

	if (e->fin_queued || e->tx_len + n > SIM_CAP)
		return;
	e->edge[e->tx_len] = 1;
	memcpy(e->tx + e->tx_len, bytes, n);
	e->tx_len += n;
}

void tcp_close(struct sim *s, int side)
{
	s->end[side].fin_queued = true;
}

static void tcp_keepalive(struct sim *s, struct tcp_end *e)
{
	u8 rubbish;

	/* With an octet of rubbish or without: RFC 9293, 3.8.4 */
	if (e->una == 0 || e->una > e->tx_len)
		return;
	if (rng_below(&s->rng_tcp, 2)) {
		tcp_segment(s, e, e->una - 1, 0, false);
		return;
	}
	rubbish = e->tx[e->una - 1];
	e->tx[e->una - 1] = rng_below(&s->rng_tcp, 256);
	tcp_segment(s, e, e->una - 1, 1, false);
	e->tx[e->una - 1] = rubbish;
}

void tcp_timers(struct sim *s, int side)
{
	struct tcp_end *e = &s->end[side];

	if (e->reopen_at <= s->now) {
		e->reopen_at = NEVER;
		tcp_ack(s, e);
	}
	if (e->ack_at <= s->now)
		tcp_ack(s, e);
	if (e->app_at <= s->now) {
		e->app_at = NEVER;
		if (side)
			server_reads(s);
		else
			client_pump(s);
	}
	if (e->rto_at > s->now)
		return;
	e->timeouts++;
	e->backoff++;
	if (rng_permille(&s->rng_tcp, s->plan.keepalive[side]))
		tcp_keepalive(s, e);
	if (e->peer_closed) {
		/* Zero-window probe: one octet, or none (Linux) */
		if (e->una < e->tx_len && rng_below(&s->rng_tcp, 2)) {
			tcp_segment(s, e, e->una, 1, false);
			if (e->nxt < e->una + 1)
				e->nxt = e->una + 1;
		} else if (e->una && e->una <= e->tx_len) {
			tcp_segment(s, e, e->una - 1, 0, false);
		} else {
			tcp_transmit(s, e, e->una);
		}
	} else if (e->una < tcp_end_of_data(e)) {
		if (s->plan.go_back[side]) {
			e->nxt = e->una;
			tcp_output(s, side);
		} else {
			tcp_transmit(s, e, e->una);
		}
	}
	tcp_arm(s, e);
}

static void tcp_acked(struct sim *s, struct tcp_end *e, struct packet *pkt)
{
	u32 ack = pkt->ack - s->plan.isn[e->side];

	e->peer_closed = pkt->window_zero;
	if (ack > e->una && ack <= e->max_nxt) {
		e->una = ack;
		if (e->nxt < ack)
			e->nxt = ack;
		e->dupacks = 0;
		/* Linux's is not reset by an ACK of a part of a segment */
		if (s->filtering == FILTERED || ack >= e->tx_len || e->begun[ack])
			e->backoff = 0;
		s->end[0].timeouts = 0;
		s->end[1].timeouts = 0;
		if (e->fin_queued && ack == e->tx_len + 1)
			e->fin_acked = true;
		tcp_arm(s, e);
	} else if (ack == e->una && !pkt->len && e->una < e->max_nxt) {
		if (++e->dupacks == 3 && !e->peer_closed) {
			tcp_transmit(s, e, e->una);
			tcp_arm(s, e);
		}
	}
}

static void server_thinks(struct sim *s, struct tcp_end *e)
{
	if (e->app_at == NEVER)
		e->app_at = s->now + s->plan.think;
}

void tcp_input(struct sim *s, struct packet *pkt)
{
	struct tcp_end *e = &s->end[!pkt->dir];
	u32 off = pkt->seq - s->plan.isn[pkt->dir];
	u32 old = e->rcv_nxt, i;
	bool owe = pkt->len || pkt->fin;

	tcp_acked(s, e, pkt);
	if ((s32)off < (s32)e->rcv_nxt && !owe)
		owe = true;	/* a probe is answered */
	/* A buffer that has been read is full again when something has come */
	if (e->reopen_at == NEVER && e->rcv_nxt != e->closed_at &&
	    rng_permille(&s->rng_tcp, s->plan.close_window[!pkt->dir])) {
		e->reopen_at = s->now + RTO + rng_below(&s->rng_tcp, 3 * RTO);
		e->closed_at = e->rcv_nxt;
	} else if (e->reopen_at == NEVER) {
		for (i = 0; i < pkt->len; i++) {
			u32 at = off + i;

			if ((s32)at < (s32)e->rcv_nxt || at >= SIM_CAP ||
			    e->have[at])
				continue;	/* the first copy is kept */
			e->have[at] = 1;
			e->rx[at] = pkt->data[i];
			if (at + 1 > e->rx_high)
				e->rx_high = at + 1;
		}
		while (e->rcv_nxt < e->rx_high && e->have[e->rcv_nxt])
			e->rcv_nxt++;
		if (pkt->fin)
			e->fin_at = off + pkt->len;
	}
	if (e->rcv_nxt > old) {
		sim_delivered(s, pkt->dir, old, e->rcv_nxt);
		if (e->side && s->plan.think)
			server_thinks(s, e);
		else if (e->side)
			server_bytes(s, e->rx + old, e->rcv_nxt - old);
		else
			client_bytes(s, e->rx + old, e->rcv_nxt - old);
	}
	if (!e->fin_got && e->rcv_nxt == e->fin_at) {
		e->fin_got = true;
		if (e->side && s->plan.think)
			server_thinks(s, e);
		else if (e->side)
			server_fin(s);
		else
			client_fin(s);
	}
	if (owe) {
		e->unacked++;
		if (e->rcv_nxt == old || e->unacked >= 2 || pkt->fin ||
		    rng_below(&s->rng_tcp, 2)) {
			/* What came in vain is always acknowledged: RFC 9293, 3.10.7.4 */
			if (e->rcv_nxt == old || e->nxt >= tcp_end_of_data(e) ||
			    e->peer_closed)
				tcp_ack(s, e);
		} else if (e->ack_at == NEVER) {
			e->ack_at = s->now + RTO / 4;
		}
	}
	tcp_output(s, e->side);
	if (owe && e->unacked && e->ack_at == NEVER)
		tcp_ack(s, e);
}
