// SPDX-License-Identifier: GPL-2.0-only
/* The family's messages. See messages.h. */
#include <stdlib.h>
#include <string.h>

#include "policy/fields.h"
#include "messages.h"

/* Make room for one more item of a list, and yield a pointer to it. */
#define LIST_NEW(list) ({						\
	typeof(list) _l = (list);					\
	if (_l->count == _l->alloc) {					\
		_l->alloc = _l->alloc ? _l->alloc * 2 : 16;		\
		_l->item = grow(_l->item, _l->alloc, sizeof(*_l->item));\
	}								\
	memset(&_l->item[_l->count], 0, sizeof(*_l->item));		\
	&_l->item[_l->count++];						\
})

/* Only a fuzzer has unaligned attribute headers. Copy them all the same, in this one
 * place.
 */
static bool attr_header(const u8 *data, size_t len, struct nlattr *header)
{
	if (len < sizeof(*header))
		return false;
	memcpy(header, data, sizeof(*header));
	return header->nla_len >= sizeof(*header) && header->nla_len <= len;
}

int attrs_collect(const void *data, size_t len, const struct nlattr **tb,
		  unsigned int max)
{
	const u8 *at = data;
	struct nlattr header;

	memset(tb, 0, sizeof(*tb) * (max + 1));
	while (len) {
		size_t step;
		unsigned int type;

		if (!attr_header(at, len, &header))
			return -1;
		type = header.nla_type & NLA_TYPE_MASK;
		if (type <= max)
			tb[type] = (const struct nlattr *)at;
		step = NLA_ALIGN(header.nla_len);
		if (step >= len)
			break;
		at += step;
		len -= step;
	}
	return 0;
}

static const void *attr_data(const struct nlattr *attr)
{
	return (const u8 *)attr + NLA_HDRLEN;
}

static size_t attr_len(const struct nlattr *attr)
{
	return attr->nla_len - NLA_HDRLEN;
}

/* A value of exactly this size; without the attribute it stays as it is. */
static bool attr_get(const struct nlattr *attr, void *value, size_t size)
{
	if (!attr)
		return true;
	if (attr_len(attr) != size)
		return false;
	memcpy(value, attr_data(attr), size);
	return true;
}

bool attr_is(const struct nlattr *attr, const char *text)
{
	size_t len = strlen(text) + 1;

	return attr && attr_len(attr) == len && !memcmp(attr_data(attr), text, len);
}

static int nested_collect(const struct nlattr *attr, const struct nlattr **tb,
			  unsigned int max)
{
	return attrs_collect(attr_data(attr), attr_len(attr), tb, max);
}

static int message_collect(const struct nlmsghdr *nlh, const struct nlattr **tb)
{
	const size_t head = NLMSG_HDRLEN + GENL_HDRLEN;

	if (nlh->nlmsg_len < head)
		return -1;
	return attrs_collect((const u8 *)nlh + head, nlh->nlmsg_len - head, tb,
			     SMTP_FIXUP_A_MAX);
}

static int range_get(const struct nlattr *attr, struct port_range *range)
{
	const struct nlattr *tb[SMTP_FIXUP_PORTS_A_MAX + 1];

	if (!attr || nested_collect(attr, tb, SMTP_FIXUP_PORTS_A_MAX) ||
	    !tb[SMTP_FIXUP_PORTS_A_FIRST] ||
	    !attr_get(tb[SMTP_FIXUP_PORTS_A_FIRST], &range->first, 2))
		return -1;
	range->last = range->first;
	if (!attr_get(tb[SMTP_FIXUP_PORTS_A_LAST], &range->last, 2) ||
	    !range->first || range->first > range->last)
		return -1;
	return 0;
}

/* Passes a whole string to @set, which checks it */
static bool text_get(const struct nlattr *attr, struct smtp_policy *policy,
		     const char *(*set)(struct smtp_policy *policy,
					const char *text, u32 n))
{
	const char *text;
	size_t len;

	if (!attr)
		return true;
	text = attr_data(attr);
	len = strnlen(text, attr_len(attr));
	return len + 1 == attr_len(attr) && !set(policy, text, len);
}

static bool limits_get(const struct nlattr *attr, struct smtp_policy *policy)
{
	const struct nlattr *limits[__SMTP_FIXUP_LIMIT_MAX + 1];

	if (!attr)
		return true;
	if (nested_collect(attr, limits, __SMTP_FIXUP_LIMIT_MAX))
		return false;
	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		const struct nlattr *tb[SMTP_FIXUP_LIMIT_A_MAX + 1];

		if (!limits[1 + i])
			continue;
		if (nested_collect(limits[1 + i], tb, SMTP_FIXUP_LIMIT_A_MAX) ||
		    !attr_get(tb[SMTP_FIXUP_LIMIT_A_MAX_VALUE],
			      &policy->limits[i].max, 4) ||
		    !attr_get(tb[SMTP_FIXUP_LIMIT_A_ACTION],
			      &policy->limits[i].action, 1))
			return false;
	}
	return true;
}

/* The attribute's string, or NULL: it is not one */
static const char *string_of(const struct nlattr *attr, size_t *len)
{
	const char *text = attr ? attr_data(attr) : NULL;

	if (!text)
		return NULL;
	*len = strnlen(text, attr_len(attr));
	return *len + 1 == attr_len(attr) ? text : NULL;
}

static bool match_get(const struct nlattr *attr, struct criteria **criteria)
{
	const struct nlattr *tb[SMTP_FIXUP_MATCH_A_MAX + 1];
	const char *patterns, *field;
	u8 what, action;
	size_t len, field_len;

	if (nested_collect(attr, tb, SMTP_FIXUP_MATCH_A_MAX))
		return false;
	field = string_of(tb[SMTP_FIXUP_MATCH_A_FIELD], &field_len);
	if (tb[SMTP_FIXUP_MATCH_A_FIELD] && !field)
		return false;
	patterns = string_of(tb[SMTP_FIXUP_MATCH_A_PATTERNS], &len);
	return patterns && tb[SMTP_FIXUP_MATCH_A_WHAT] &&
	       attr_get(tb[SMTP_FIXUP_MATCH_A_WHAT], &what, 1) &&
	       tb[SMTP_FIXUP_MATCH_A_ACTION] &&
	       attr_get(tb[SMTP_FIXUP_MATCH_A_ACTION], &action, 1) &&
	       criteria_add(criteria, what, action,
			    tb[SMTP_FIXUP_MATCH_A_NOT], patterns, len, field);
}

/* Without their tables, which the kernel does not send back */
static bool matches_get(const struct nlattr *attr, struct smtp_policy *policy)
{
	struct criteria *criteria = NULL;
	const u8 *at, *end;
	bool good = true;

	if (!attr)
		return true;
	at = attr_data(attr);
	end = at + attr_len(attr);
	while (good && at < end) {
		struct nlattr header;

		good = attr_header(at, end - at, &header) &&
		       match_get((const struct nlattr *)at, &criteria);
		if (good)
			at += NLA_ALIGN(header.nla_len);
	}
	good = good && !criteria_make(criteria, &policy->criteria);
	criteria_free(criteria);
	return good;
}

/* As smtp_nl_parse_fields(): strict first, which others may change again */
static bool fields_get(const struct nlattr **tb, struct smtp_policy *policy)
{
	if (tb[SMTP_FIXUP_A_STRICT])
		smtp_policy_set_strict(policy);
	for (size_t i = 0; i < sizeof(smtp_fields) / sizeof(*smtp_fields); i++) {
		const struct smtp_field *f = &smtp_fields[i];

		if (f->flag)
			*smtp_field(policy, f) = !!tb[f->attr];
		else if (!attr_get(tb[f->attr], smtp_field(policy, f), 1))
			return false;
	}
	smtp_policy_set_tls(policy, policy->tls);
	return true;
}

int policy_list_add(const struct nlmsghdr *nlh, void *list)
{
	const struct nlattr *tb[SMTP_FIXUP_A_MAX + 1];
	struct policy_entry entry;
	struct smtp_policy *p = &entry.policy;
	u8 mode;

	if (message_collect(nlh, tb) ||
	    range_get(tb[SMTP_FIXUP_A_PORTS], &entry.range) ||
	    !tb[SMTP_FIXUP_A_MODE] ||
	    !attr_get(tb[SMTP_FIXUP_A_MODE], &mode, 1))
		return -1;
	entry.serial = 0;
	policy_init(p, mode);
	if (!text_get(tb[SMTP_FIXUP_A_BANNER_TEXT], p, smtp_policy_set_text) ||
	    !fields_get(tb, p) ||
	    !limits_get(tb[SMTP_FIXUP_A_LIMITS], p) ||
	    !text_get(tb[SMTP_FIXUP_A_IIF], p, smtp_policy_set_iif) ||
	    !attr_get(tb[SMTP_FIXUP_A_VERBS], &p->verbs, 8) ||
	    !attr_get(tb[SMTP_FIXUP_A_KEYWORDS], &p->keywords, 8) ||
	    !attr_get(tb[SMTP_FIXUP_A_SERIAL], &entry.serial, 8) ||
	    !matches_get(tb[SMTP_FIXUP_A_MATCHES], p))
		return -1;
	*LIST_NEW((struct policy_list *)list) = entry;
	return 0;
}

static int counters_get(const struct nlattr *attr, struct stats_entry *entry)
{
	const u8 *at = attr_data(attr);
	size_t len = attr_len(attr), room = 0;
	struct nlattr header;

	while (len) {
		size_t step;
		unsigned int type;

		if (!attr_header(at, len, &header))
			return -1;
		type = header.nla_type & NLA_TYPE_MASK;
		/* Padding has no payload, whatever its number is elsewhere */
		if (header.nla_len > NLA_HDRLEN && type) {
			struct counter_value *counter;

			if (header.nla_len != NLA_HDRLEN + sizeof(u64))
				return -1;
			if (entry->count == room) {
				room = room ? room * 2 : __SMTP_FIXUP_CNT_MAX;
				entry->counter = grow(entry->counter, room,
						      sizeof(*entry->counter));
			}
			counter = &entry->counter[entry->count++];
			counter->id = type - 1;
			memcpy(&counter->value, at + NLA_HDRLEN, sizeof(u64));
		}
		step = NLA_ALIGN(header.nla_len);
		if (step >= len)
			break;
		at += step;
		len -= step;
	}
	return 0;
}

int stats_list_add(const struct nlmsghdr *nlh, void *list)
{
	const struct nlattr *tb[SMTP_FIXUP_A_MAX + 1];
	struct stats_entry entry = { 0 };

	if (message_collect(nlh, tb) ||
	    range_get(tb[SMTP_FIXUP_A_PORTS], &entry.range) ||
	    !tb[SMTP_FIXUP_A_MODE] ||
	    !attr_get(tb[SMTP_FIXUP_A_MODE], &entry.mode, 1))
		return -1;
	if (tb[SMTP_FIXUP_A_COUNTERS] &&
	    counters_get(tb[SMTP_FIXUP_A_COUNTERS], &entry)) {
		free(entry.counter);
		return -1;
	}
	*LIST_NEW((struct stats_list *)list) = entry;
	return 0;
}

static int endpoint_get(const struct nlattr *address, const struct nlattr *port,
			struct endpoint *end)
{
	if (!address || !port || !attr_get(port, &end->port, 2))
		return -1;
	end->len = attr_len(address) == 4 ? 4 : 16;
	return attr_get(address, end->address, end->len) ? 0 : -1;
}

int flow_list_add(const struct nlmsghdr *nlh, void *list)
{
	const struct nlattr *tb[SMTP_FIXUP_A_MAX + 1];
	const struct nlattr *flow[SMTP_FIXUP_FLOW_A_MAX + 1];
	struct flow_entry entry = { 0 };

	if (message_collect(nlh, tb) || !tb[SMTP_FIXUP_A_FLOW] ||
	    nested_collect(tb[SMTP_FIXUP_A_FLOW], flow, SMTP_FIXUP_FLOW_A_MAX))
		return -1;
	if (endpoint_get(flow[SMTP_FIXUP_FLOW_A_CLIENT],
			 flow[SMTP_FIXUP_FLOW_A_CLIENT_PORT], &entry.client) ||
	    endpoint_get(flow[SMTP_FIXUP_FLOW_A_SERVER],
			 flow[SMTP_FIXUP_FLOW_A_SERVER_PORT], &entry.server) ||
	    !flow[SMTP_FIXUP_FLOW_A_MODE] ||
	    !attr_get(flow[SMTP_FIXUP_FLOW_A_MODE], &entry.mode, 1) ||
	    !attr_get(flow[SMTP_FIXUP_FLOW_A_PHASE], &entry.phase, 1) ||
	    !attr_get(flow[SMTP_FIXUP_FLOW_A_COMMANDS], &entry.commands, 4) ||
	    !attr_get(flow[SMTP_FIXUP_FLOW_A_BLOCKED], &entry.blocked, 4) ||
	    !attr_get(flow[SMTP_FIXUP_FLOW_A_MESSAGES], &entry.messages, 4))
		return -1;
	*LIST_NEW((struct flow_list *)list) = entry;
	return 0;
}

/* Copies a string, cut if it is too long for @text */
static void string_get(const struct nlattr *attr, char *text, size_t size)
{
	*text = '\0';
	if (!attr)
		return;
	snprintf(text, size, "%.*s", (int)attr_len(attr),
		 (const char *)attr_data(attr));
	make_printable(text);
}

int event_get(const struct nlmsghdr *nlh, struct event *event)
{
	const struct nlattr *tb[SMTP_FIXUP_A_MAX + 1];
	const struct nlattr *a[SMTP_FIXUP_EVENT_A_MAX + 1];
	u8 number;

	memset(event, 0, sizeof(*event));
	if (message_collect(nlh, tb) || !tb[SMTP_FIXUP_A_EVENT] ||
	    nested_collect(tb[SMTP_FIXUP_A_EVENT], a, SMTP_FIXUP_EVENT_A_MAX) ||
	    !a[SMTP_FIXUP_EVENT_A_EVENT] ||
	    !attr_get(a[SMTP_FIXUP_EVENT_A_EVENT], &number, 1) ||
	    !attr_get(a[SMTP_FIXUP_EVENT_A_TIME], &event->time, 8) ||
	    !attr_get(a[SMTP_FIXUP_EVENT_A_NETNS], &event->netns, 4) ||
	    endpoint_get(a[SMTP_FIXUP_EVENT_A_CLIENT],
			 a[SMTP_FIXUP_EVENT_A_CLIENT_PORT], &event->client) ||
	    endpoint_get(a[SMTP_FIXUP_EVENT_A_SERVER],
			 a[SMTP_FIXUP_EVENT_A_SERVER_PORT], &event->server) ||
	    !attr_get(a[SMTP_FIXUP_EVENT_A_VENDOR], &event->vendor, 4) ||
	    !attr_get(a[SMTP_FIXUP_EVENT_A_SUPPRESSED], &event->suppressed, 8))
		return -1;
	if (number < __SMTP_FIXUP_EVENT_MAX)
		event->kind = &smtp_events[number];
	string_get(a[SMTP_FIXUP_EVENT_A_NAME], event->name, sizeof(event->name));
	string_get(a[SMTP_FIXUP_EVENT_A_RULE], event->rule, sizeof(event->rule));
	string_get(a[SMTP_FIXUP_EVENT_A_CLIENT_DEV], event->client_dev,
		   sizeof(event->client_dev));
	string_get(a[SMTP_FIXUP_EVENT_A_SERVER_DEV], event->server_dev,
		   sizeof(event->server_dev));
	string_get(a[SMTP_FIXUP_EVENT_A_WORDS], event->words, sizeof(event->words));
	return 0;
}

void policy_list_clear(void *data)
{
	struct policy_list *list = data;

	for (size_t i = 0; i < list->count; i++)
		free((void *)list->item[i].policy.criteria);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

void stats_list_clear(void *data)
{
	struct stats_list *list = data;

	for (size_t i = 0; i < list->count; i++)
		free(list->item[i].counter);
	free(list->item);
	memset(list, 0, sizeof(*list));
}

void flow_list_clear(void *data)
{
	struct flow_list *list = data;

	free(list->item);
	memset(list, 0, sizeof(*list));
}

static int stats_compare(const void *a, const void *b)
{
	const struct stats_entry *x = a, *y = b;

	return range_compare(&x->range, &y->range);
}

void stats_list_sort(struct stats_list *list)
{
	if (list->count)
		qsort(list->item, list->count, sizeof(*list->item), stats_compare);
}

void policy_list_select(struct policy_list *list, const struct ports *ports)
{
	const size_t count = list->count;
	size_t kept = 0;

	/* Append entries for missing ranges, then drop entries that were not asked for */
	for (size_t i = 0; i < ports->count; i++) {
		size_t j = 0;

		while (j < count &&
		       !range_overlap(ports->range[i], list->item[j].range))
			j++;
		if (j == count) {
			struct policy_entry *off = LIST_NEW(list);

			off->range = ports->range[i];
			policy_init(&off->policy, SMTP_FIXUP_MODE_OFF);
		}
	}
	for (size_t i = 0; i < list->count; i++) {
		if (ports_overlap(ports, list->item[i].range))
			list->item[kept++] = list->item[i];
		else
			free((void *)list->item[i].policy.criteria);
	}
	list->count = kept;
	policy_list_sort(list);
}

void stats_list_select(struct stats_list *list, const struct ports *ports)
{
	const size_t count = list->count;
	size_t kept = 0;

	for (size_t i = 0; i < ports->count; i++) {
		size_t j = 0;

		while (j < count &&
		       !range_overlap(ports->range[i], list->item[j].range))
			j++;
		if (j == count)
			LIST_NEW(list)->range = ports->range[i];
	}
	for (size_t i = 0; i < list->count; i++) {
		if (ports_overlap(ports, list->item[i].range))
			list->item[kept++] = list->item[i];
		else
			free(list->item[i].counter);
	}
	list->count = kept;
	stats_list_sort(list);
}

static void put_text(struct nlmsghdr *nlh, u8 attr, const char *text, u32 len)
{
	char copy[SMTP_FIXUP_TEXT_MAX + 1];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	mnl_attr_put_strz(nlh, attr, copy);
}

static void put_limits(struct nlmsghdr *nlh, const struct set_request *req)
{
	struct nlattr *limits = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_LIMITS);

	for (unsigned int i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		struct nlattr *limit;

		if (!(req->limits >> i & 1))
			continue;
		limit = mnl_attr_nest_start(nlh, 1 + i);
		mnl_attr_put_u32(nlh, SMTP_FIXUP_LIMIT_A_MAX_VALUE,
				 req->policy.limits[i].max);
		mnl_attr_put_u8(nlh, SMTP_FIXUP_LIMIT_A_ACTION,
				req->policy.limits[i].action);
		mnl_attr_nest_end(nlh, limit);
	}
	mnl_attr_nest_end(nlh, limits);
}

static void put_matches(struct nlmsghdr *nlh, const struct smtp_criteria_spec *spec)
{
	struct nlattr *matches = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_MATCHES);
	struct nlattr *tables;

	for (u32 i = 0; i < spec->nr; i++) {
		struct nlattr *match = mnl_attr_nest_start(nlh,
							   SMTP_FIXUP_MATCHES_A_MATCH);

		mnl_attr_put_u8(nlh, SMTP_FIXUP_MATCH_A_WHAT, spec->match[i].what);
		mnl_attr_put_u8(nlh, SMTP_FIXUP_MATCH_A_ACTION,
				spec->match[i].action);
		if (spec->match[i].negated)
			mnl_attr_put(nlh, SMTP_FIXUP_MATCH_A_NOT, 0, NULL);
		mnl_attr_put_strz(nlh, SMTP_FIXUP_MATCH_A_PATTERNS,
				  spec->match[i].patterns);
		if (spec->match[i].field)
			mnl_attr_put_strz(nlh, SMTP_FIXUP_MATCH_A_FIELD,
					  spec->match[i].field);
		mnl_attr_nest_end(nlh, match);
	}
	mnl_attr_nest_end(nlh, matches);
	tables = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_TABLES);
	for (u8 what = 0; what < __SMTP_FIXUP_WHAT_MAX; what++) {
		if (spec->table[what].octets)
			mnl_attr_put(nlh, 1 + what, spec->table[what].n,
				     spec->table[what].octets);
	}
	mnl_attr_nest_end(nlh, tables);
}

static void put_option(struct nlmsghdr *nlh, const struct set_request *req,
		       u8 attr)
{
	for (unsigned int i = 0; i < set_options_count; i++) {
		const struct set_option *option = set_options[i];
		const char *text;
		u32 len;

		if (option->attr == attr && option_is_flag(option))
			mnl_attr_put(nlh, attr, 0, NULL);
		else if (option->attr == attr && option->field)
			mnl_attr_put_u8(nlh, attr, option_get(option, &req->policy));
		if (option->text_attr != attr)
			continue;
		text = option->get_text(&req->policy, &len);
		if (text)
			put_text(nlh, attr, text, len);
	}
}

/* A message with room for @size octets of attributes */
static struct nlmsghdr *message_begin(u8 cmd, u16 family, size_t size)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	size += NLMSG_HDRLEN + GENL_HDRLEN;
	nlh = grow(NULL, 1, size);
	memset(nlh, 0, size);
	mnl_nlmsg_put_header(nlh);
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = SMTP_FIXUP_GENL_VERSION;
	return nlh;
}

static size_t ports_size(const struct ports *ports)
{
	/* Three attributes each */
	return ports->count * (NLA_HDRLEN + 2 * 8);
}

static void put_ports(struct nlmsghdr *nlh, const struct ports *ports)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct port_range *range = &ports->range[i];
		struct nlattr *nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_PORTS);

		mnl_attr_put_u16(nlh, SMTP_FIXUP_PORTS_A_FIRST, range->first);
		if (range->last != range->first)
			mnl_attr_put_u16(nlh, SMTP_FIXUP_PORTS_A_LAST, range->last);
		mnl_attr_nest_end(nlh, nest);
	}
}

static size_t request_size(const struct set_request *req)
{
	/* Each limit: three attributes; all else: at most a u64 and a pad, but
	 * for the text and the name
	 */
	return ports_size(&req->ports) + criteria_size(req->criteria) +
	       __SMTP_FIXUP_LIMIT_MAX * (NLA_HDRLEN + 2 * 8) +
	       (SMTP_FIXUP_A_MAX + 1) * (2 * NLA_HDRLEN + 8) +
	       NLA_ALIGN(SMTP_FIXUP_TEXT_MAX + 1) +
	       NLA_ALIGN(SMTP_FIXUP_IIF_MAX + 1);
}

static void put_request(struct nlmsghdr *nlh, const struct set_request *req)
{
	put_ports(nlh, &req->ports);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, req->policy.mode);
	for (u8 attr = 0; attr <= SMTP_FIXUP_A_MAX; attr++) {
		if (!(req->attrs >> attr & 1))
			continue;
		if (attr == SMTP_FIXUP_A_VERBS)
			mnl_attr_put_u64(nlh, attr, req->policy.verbs);
		else if (attr == SMTP_FIXUP_A_KEYWORDS)
			mnl_attr_put_u64(nlh, attr, req->policy.keywords);
		else if (attr == SMTP_FIXUP_A_LIMITS)
			put_limits(nlh, req);
		else if (attr == SMTP_FIXUP_A_MATCHES)
			put_matches(nlh, &req->criteria->spec);
		else
			put_option(nlh, req, attr);
	}
}

struct nlmsghdr *message_set(const struct set_request *req, u16 family)
{
	struct nlmsghdr *nlh = message_begin(SMTP_FIXUP_CMD_POLICY_SET, family,
					     request_size(req));

	put_request(nlh, req);
	return nlh;
}

struct nlmsghdr *message_replace(const struct set_request *req, size_t count,
				 u16 family)
{
	struct nlmsghdr *nlh;
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += NLA_HDRLEN + request_size(&req[i]);
	nlh = message_begin(SMTP_FIXUP_CMD_POLICY_REPLACE, family, size);
	for (size_t i = 0; i < count; i++) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, SMTP_FIXUP_A_POLICY);

		put_request(nlh, &req[i]);
		mnl_attr_nest_end(nlh, nest);
	}
	return nlh;
}

struct nlmsghdr *message_flush(const struct ports *ports, bool unjudged,
			       u16 family)
{
	struct nlmsghdr *nlh = message_begin(SMTP_FIXUP_CMD_FLUSH, family,
					     ports_size(ports) + MNL_ATTR_HDRLEN);

	put_ports(nlh, ports);
	if (unjudged)
		mnl_attr_put(nlh, SMTP_FIXUP_A_UNJUDGED, 0, NULL);
	return nlh;
}

int flushed_get(const struct nlmsghdr *nlh, void *flushed)
{
	const struct nlattr *tb[SMTP_FIXUP_A_MAX + 1];

	if (message_collect(nlh, tb) || !tb[SMTP_FIXUP_A_FLUSHED] ||
	    !attr_get(tb[SMTP_FIXUP_A_FLUSHED], flushed, sizeof(u32)))
		return -1;
	return 0;
}

const char *attr_name(unsigned int type)
{
	static const char *const names[SMTP_FIXUP_A_MAX + 1] = {
		[SMTP_FIXUP_A_PORTS] = "ports",
		[SMTP_FIXUP_A_MODE] = "mode",
		[SMTP_FIXUP_A_VERBS] = "allow/deny",
		[SMTP_FIXUP_A_BANNER_TEXT] = "banner text",
		[SMTP_FIXUP_A_KEYWORDS] = "ehlo-allow/ehlo-deny",
		[SMTP_FIXUP_A_TABLES] = "match",
	};

	if (type > SMTP_FIXUP_A_MAX || names[type])
		return type > SMTP_FIXUP_A_MAX ? NULL : names[type];
	for (unsigned int i = 0; i < set_options_count; i++) {
		if (set_options[i]->attr == type)
			return set_options[i]->name;
	}
	return NULL;
}

/* The attribute between @at and @end that the octet at @where belongs to, or
 * NULL; @index: which one it is, counted from 0.
 */
static const struct nlattr *attr_around(const u8 *at, const u8 *end,
					const u8 *where, int *index)
{
	struct nlattr header;

	for (*index = 0; at < end; at += NLA_ALIGN(header.nla_len), ++*index) {
		if (!attr_header(at, end - at, &header))
			return NULL;
		if (where >= at && where < at + header.nla_len)
			return (const struct nlattr *)at;
	}
	return NULL;
}

static const struct nlattr *message_attr(const struct nlmsghdr *nlh, u32 offset,
					 int *index)
{
	const u8 *begin = (const u8 *)nlh;

	if (offset >= nlh->nlmsg_len)
		return NULL;
	return attr_around(begin + NLMSG_HDRLEN + GENL_HDRLEN,
			   begin + nlh->nlmsg_len, begin + offset, index);
}

int message_replace_index(const struct nlmsghdr *nlh, u32 offset)
{
	int index;

	return message_attr(nlh, offset, &index) ? index : -1;
}

static unsigned int attr_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

const char *message_fault(const struct nlmsghdr *nlh, u32 offset, char *buf,
			  size_t size)
{
	const u8 *where = (const u8 *)nlh + offset;
	struct port_range range;
	const struct nlattr *attr;
	int index;

	attr = message_attr(nlh, offset, &index);
	if (attr && attr_type(attr) == SMTP_FIXUP_A_POLICY)
		attr = attr_around(attr_data(attr),
				   (const u8 *)attr_data(attr) + attr_len(attr),
				   where, &index);
	if (!attr || !attr_name(attr_type(attr)))
		return NULL;
	if (attr_type(attr) == SMTP_FIXUP_A_PORTS && !range_get(attr, &range))
		snprintf(buf, size, "ports %s", RANGE_TEXT(range));
	else
		snprintf(buf, size, "%s", attr_name(attr_type(attr)));
	return buf;
}
