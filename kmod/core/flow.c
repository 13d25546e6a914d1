// SPDX-License-Identifier: GPL-2.0-only
/* Flow: the life of one connection. See flow.h. */
#include "data/eod.h"
#include "data/marks.h"
#include "flow.h"
#include "smtp/message.h"

static void smtp_stream_init(struct smtp_stream *st, u32 seq)
{
	st->next = seq;
	st->acked = seq;
	st->skip_start = seq;
	st->skip_end = seq;
	st->crossed = seq;
}

void smtp_flow_init(struct smtp_flow *flow, const struct smtp_policy *policy,
		    u32 client_seq, u32 server_seq)
{
	memset(flow, 0, sizeof(*flow));
	flow->policy = policy;
	smtp_session_init(&flow->session);
	smtp_stream_init(&flow->stream[SMTP_CLIENT], client_seq);
	smtp_stream_init(&flow->stream[SMTP_SERVER], server_seq);
	flow->uncrossed = client_seq;
	flow->body.next = client_seq;
	flow->body.acked = client_seq;
	flow->body.start = client_seq;
	flow->body.forgotten = client_seq;
}

static void smtp_flow_acked_body(struct smtp_flow *flow, u32 ack, struct smtp_host *host)
{
	const struct smtp_body *b = &flow->body;

	smtp_body_ack(&flow->body, ack, host);
	if (unlikely(flow->session.refused) && !b->active && b->acked == b->next &&
	    flow->session.phase != SMTP_FIXUP_PHASE_BODY)
		flow->session.refused = false;
}

void smtp_flow_take_ack(struct smtp_flow *flow, enum smtp_dir dir, u32 ack,
			struct smtp_host *host)
{
	struct smtp_stream *st = &flow->stream[dir];
	const struct smtp_edit *e = &st->edit;

	st->acked = ack;
	smtp_unacked_ack(host, &st->unacked, smtp_edit_out(e, ack));
	if (dir == SMTP_CLIENT) {
		smtp_flow_acked_body(flow, ack, host);
		flow->uncrossed = smtp_seq_max(flow->uncrossed, ack);
	}
	/* Keep what is compared with live sequence numbers near them */
	if (smtp_seq_before(st->skip_end, ack)) {
		st->skip_start = ack;
		st->skip_end = ack;
	}
	st->crossed = smtp_seq_max(st->crossed, ack);
}

static void smtp_flow_release_observed(struct smtp_flow *flow,
				       struct smtp_host *host)
{
	int dir;

	if (!flow->observed)
		return;
	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_unacked *kept = &flow->observed->kept[dir];

		smtp_unacked_ack(host, kept, kept->seq + kept->len);
	}
	smtp_host_free(host, SMTP_MEMORY_COMMANDS, flow->observed,
		       sizeof(*flow->observed));
	flow->observed = NULL;
}

void smtp_flow_release(struct smtp_flow *flow, struct smtp_host *host)
{
	int dir;

	for (dir = SMTP_CLIENT; dir <= SMTP_SERVER; dir++) {
		struct smtp_stream *st = &flow->stream[dir];

		smtp_unacked_ack(host, &st->unacked,
				 smtp_edit_out(&st->edit, st->next));
	}
	smtp_body_forget(&flow->body, host);
	smtp_message_end(&flow->message, host);
	smtp_flow_release_observed(flow, host);
}

/* H5. The two octets after the forgotten ones count as forgotten, too: a dot right before
 * them, or a dot and a CR, would not be known.
 */
bool smtp_flow_forget(struct smtp_flow *flow, struct smtp_host *host)
{
	struct smtp_body *b = &flow->body;

	if (!b->marks)
		return false;
	b->forgotten = 2 + (b->nr_early ? b->early[b->nr_early - 1].end : b->next);
	b->stalls = 0;
	smtp_marks_forget(b, host);
	return true;
}

bool smtp_flow_give_up(struct smtp_flow *flow, struct smtp_host *host)
{
	/* Without the bytes kept from before TLS the flow would look opaque */
	if (flow->sealed || flow->unobserved ||
	    flow->session.phase == SMTP_FIXUP_PHASE_TLS)
		return false;
	if (flow->policy->observe) {
		flow->unobserved = true;
	} else {
		if (!flow->session.ended)
			flow->session.ended = SMTP_LOST;
		flow->sealed = true;
		flow->answers = false;
	}
	smtp_flow_release(flow, host);
	return true;
}
