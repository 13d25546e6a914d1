// SPDX-License-Identifier: GPL-2.0-only
/* The host of the core in user space. See host.h. */
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

/* -- events --------------------------------------------------------------- */

void host_tell(const struct host_flow *flow, enum smtp_fixup_event id,
	       const char *words)
{
	const struct smtp_event_kind *kind = &smtp_events[id];
	const struct host *host = flow->host;
	struct event event = {
		.kind = kind,
		.time = host->now,
		.client = flow->client,
		.server = flow->server,
		.vendor = kind->vendor,
	};

	if (!host->event)
		return;
	snprintf(event.name, sizeof(event.name), "%s", kind->name);
	snprintf(event.rule, sizeof(event.rule), "%s", kind->rule);
	snprintf(event.words, sizeof(event.words), "%s", words);
	host->event(&event, host->data);
}

void host_event(const struct host_flow *flow, enum smtp_fixup_event event)
{
	flow->rule->counters[smtp_events[event].counter]++;
	host_tell(flow, event, "");
}

/* -- rules and counters -------------------------------------------------- */

/* The most specific range first: the kernel finds it so (kmod/netns/ports.c) */
static int narrower(const void *a, const void *b)
{
	const struct host_rule *x = a, *y = b;
	const int width_x = x->range.last - x->range.first;
	const int width_y = y->range.last - y->range.first;

	return width_x != width_y ? width_x - width_y :
	       x->range.first - y->range.first;
}

void host_init(struct host *host, const struct set_request *req)
{
	memset(host, 0, sizeof(*host));
	host->count = req->ports.count;
	host->rule = grow(NULL, host->count + 1, sizeof(*host->rule));
	memset(host->rule, 0, (host->count + 1) * sizeof(*host->rule));
	for (size_t i = 0; i < host->count; i++) {
		host->rule[i].range = req->ports.range[i];
		host->rule[i].policy = req->policy;
	}
	qsort(host->rule, host->count, sizeof(*host->rule), narrower);
}

void host_release(struct host *host)
{
	for (size_t i = 0; i < host->count; i++)
		free(host->rule[i].sources);
	free(host->rule);
	memset(host, 0, sizeof(*host));
}

struct host_rule *host_rule_find(struct host *host, u16 port)
{
	for (size_t i = 0; i < host->count; i++) {
		struct host_rule *rule = &host->rule[i];

		if (port >= rule->range.first && port <= rule->range.last)
			return rule;
	}
	return NULL;
}

void host_stats(const struct host *host, struct stats_list *list)
{
	memset(list, 0, sizeof(*list));
	list->item = grow(NULL, host->count + 1, sizeof(*list->item));
	list->alloc = host->count + 1;
	for (size_t i = 0; i < host->count; i++) {
		const struct host_rule *rule = &host->rule[i];
		struct stats_entry *entry = &list->item[list->count++];

		entry->range = rule->range;
		entry->mode = rule->policy.mode;
		entry->count = __SMTP_FIXUP_CNT_MAX;
		entry->counter = grow(NULL, entry->count, sizeof(*entry->counter));
		for (unsigned int n = 0; n < entry->count; n++) {
			entry->counter[n].id = n;
			entry->counter[n].value = rule->counters[n];
		}
	}
	stats_list_sort(list);
}

/* -- rates ----------------------------------------------------------------- */

/* An IPv4 address, or an IPv6 /64, has a rate of its own: kmod/path/share.c */
static struct host_rate *rate_of_source(struct host_rule *rule,
					const struct endpoint *client, u64 now)
{
	struct endpoint source = { .len = client->len };
	size_t kept = 0;

	memcpy(source.address, client->address,
	       client->len == 4 ? 4 : 8);
	for (size_t i = 0; i < rule->nr_sources; i++) {
		struct host_rate *rate = &rule->sources[i];

		if (rate->source.len == source.len &&
		    !memcmp(rate->source.address, source.address,
			    sizeof(source.address)))
			return rate;
	}
	/* Those that need not wait are as good as forgotten */
	for (size_t i = 0; i < rule->nr_sources; i++) {
		if (rule->sources[i].next > now)
			rule->sources[kept++] = rule->sources[i];
	}
	rule->nr_sources = kept;
	if (kept == rule->alloc_sources) {
		rule->alloc_sources = kept ? 2 * kept : 8;
		rule->sources = grow(rule->sources, rule->alloc_sources,
				     sizeof(*rule->sources));
	}
	rule->sources[kept] = (struct host_rate){ .source = source };
	return &rule->sources[rule->nr_sources++];
}

bool host_admits(struct host_flow *flow, enum smtp_fixup_limit limit)
{
	struct host_rule *rule = flow->rule;
	const struct smtp_limit *l = &rule->policy.limits[limit];
	const u64 now = flow->host->now, apart = 1000000000 / l->max;
	struct host_rate *rate = &rule->rate;

	if (flow->turn) {
		if (now < flow->turn)
			return false;
		flow->turn = 0;
		return true;
	}
	if (limit == SMTP_FIXUP_LIMIT_SOURCE_RATE)
		rate = rate_of_source(rule, &flow->client, now);
	if (rate->next <= now) {
		rate->next = now + apart;
		return true;
	}
	if (l->action == SMTP_FIXUP_ACTION_WAIT && !rule->policy.observe) {
		flow->turn = rate->next;
		rate->next += apart;
	}
	return false;
}

/* -- connections --------------------------------------------------------- */

void host_flow_init(struct host_flow *flow, u32 client_seq, u32 server_seq)
{
	memset(flow->way, 0, sizeof(flow->way));
	flow->turn = 0;
	smtp_flow_init(&flow->core, &flow->rule->policy, client_seq, server_seq);
}

void host_flow_release(struct host_flow *flow)
{
	struct host_call call = { .flow = flow };

	smtp_flow_release(&flow->core, &call.host);
}

static const u8 *segment_read(struct smtp_segment *seg, u32 off, u32 *avail)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);

	*avail = seg->len - off;
	return s->data + off;
}

static int segment_write(struct smtp_segment *seg, u32 off, const u8 *bytes,
			 u32 n)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);

	memcpy(s->data + off, bytes, n);
	return 0;
}

static int segment_cross(struct smtp_segment *seg, u32 off, u32 n)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);

	for (u32 i = off; i < off + n; i++)
		if (s->data[i] != '\r' && s->data[i] != '\n')
			s->data[i] = 'X';
	return 0;
}

static int segment_splice(struct smtp_segment *seg, u32 keep, const u8 *bytes,
			  u32 n)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);

	s->spliced = malloc(keep + n + 1);
	if (!s->spliced)
		return -1;
	memcpy(s->spliced, s->data, keep);
	memcpy(s->spliced + keep, bytes, n);
	s->out_len = keep + n;
	return 0;
}

/* nf_ct_seqadj_set() */
static void segment_adjust(struct smtp_segment *seg, u32 pos, s32 delta)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);
	struct host_way *way = &s->flow->way[s->dir];

	if (way->before == way->after || smtp_seq_before(way->pos, pos)) {
		way->pos = pos;
		way->before = way->after;
		way->after += delta;
	}
}

/* kmod/path/help.c: smtp_help_settle() */
static void segment_settle(struct smtp_segment *seg)
{
	struct host_segment *s = container_of(seg, struct host_segment, seg);

	s->flow->way[s->dir].before = s->flow->way[s->dir].after;
}

static const struct smtp_segment_ops segment_ops = {
	.read = segment_read,
	.write = segment_write,
	.cross = segment_cross,
	.splice = segment_splice,
	.adjust = segment_adjust,
	.settle = segment_settle,
};

enum smtp_verdict host_judge(struct host_segment *s)
{
	struct host_flow *flow = s->flow;
	struct host_call call = { .flow = flow };
	enum smtp_verdict verdict;

	s->spliced = NULL;
	s->out = s->data;
	s->out_len = 0;
	s->seg.ops = &segment_ops;

	if (flow->rule->policy.mode == SMTP_FIXUP_MODE_OFF) {
		s->seg.pass = s->seg.len;
		s->out_len = s->seg.len;
		return SMTP_PASS;
	}
	verdict = smtp_flow_segment(&flow->core, s->dir, &s->seg, &call.host);
	/* What was in order before the end passes: smtp_help_segment() */
	if (verdict == SMTP_DROP && smtp_flow_finished(&flow->core))
		verdict = smtp_flow_ended(&flow->core);
	if (s->spliced)
		s->out = s->spliced;
	else if (verdict == SMTP_PASS)
		s->out_len = s->seg.pass;
	return verdict;
}

void host_segment_end(struct host_segment *s)
{
	free(s->spliced);
	s->spliced = NULL;
}

u32 host_seq_out(const struct host_flow *flow, enum smtp_dir dir, u32 seq)
{
	const struct host_way *way = &flow->way[dir];

	return seq + (smtp_seq_before(way->pos, seq) ? way->after : way->before);
}
