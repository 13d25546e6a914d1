// SPDX-License-Identifier: GPL-2.0-only
/* Past: connections that conntrack forgot. See past.h. */
#include <linux/mm.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_zones.h>
#include "../netns/netns.h"
#include "past.h"

/* 64 KiB a namespace: room for 4,096 connections, two keys each */
#define SMTP_PAST_SETS	1024
#define SMTP_PAST_WAYS	8

/**
 * struct smtp_past_table - what is remembered in a namespace
 * @lock: of everything here
 * @key: for the hash
 * @next: the way of each set to be overwritten next
 * @crowded: a connection was overwritten
 * @keys: hashes of tuples, their lowest bit set for %SMTP_PAST_ENDED; 0: free
 */
struct smtp_past_table {
	spinlock_t lock;	/* of everything here */
	siphash_key_t key;
	bool crowded;
	u8 next[SMTP_PAST_SETS];
	u64 keys[SMTP_PAST_SETS][SMTP_PAST_WAYS];
};

/**
 * smtp_past_alloc() - a table that remembers nothing yet
 *
 * May sleep.
 *
 * Return: the table, or NULL.
 */
struct smtp_past_table *smtp_past_alloc(void)
{
	struct smtp_past_table *table;

	table = kvzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	spin_lock_init(&table->lock);
	get_random_bytes(&table->key, sizeof(table->key));
	return table;
}

/**
 * smtp_past_free() - free a table
 * @table: the table, or NULL
 */
void smtp_past_free(struct smtp_past_table *table)
{
	kvfree(table);
}

/* The key of a direction of the connection, its lowest bit clear; never 0 */
static u64 smtp_past_key(const struct smtp_past_table *table,
			 const struct nf_conn *ct, enum ip_conntrack_dir dir)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, dir);
	struct {
		union nf_inet_addr from, to;
		__be16 from_port, to_port;
		u16 family;
		u16 zone;
	} words = {
		.from = tuple->src.u3,
		.to = tuple->dst.u3,
		.from_port = tuple->src.u.tcp.port,
		.to_port = tuple->dst.u.tcp.port,
		.family = tuple->src.l3num,
		.zone = nf_ct_zone(ct)->id,
	};

	return (siphash(&words, sizeof(words), &table->key) & ~1ULL) ?: 2;
}

static u64 *smtp_past_set(struct smtp_past_table *table, u64 key, u32 *set)
{
	*set = (key >> 1) % SMTP_PAST_SETS;
	return table->keys[*set];
}

static void smtp_past_put(struct smtp_past_table *table, u64 key, bool ended)
{
	u32 set, i, at;
	u64 *keys = smtp_past_set(table, key, &set);

	at = table->next[set];
	for (i = 0; i < SMTP_PAST_WAYS; i++) {
		if (keys[i] && (keys[i] & ~1ULL) != key)
			continue;
		at = i;
		break;
	}
	if (i == SMTP_PAST_WAYS) {
		table->crowded = true;
		table->next[set] = (at + 1) % SMTP_PAST_WAYS;
	}
	keys[at] = key | ended;
}

/**
 * smtp_past_remember() - conntrack is about to forget a connection
 * @ct: the connection
 * @what: how it is to be treated when it begins again in its middle
 *
 * Its packets may begin another one, the server's as well as the client's.
 */
void smtp_past_remember(const struct nf_conn *ct, enum smtp_past what)
{
	struct smtp_past_table *table = smtp_pernet(nf_ct_net(ct))->past;
	bool ended = what == SMTP_PAST_ENDED;

	if (!table)
		return;
	spin_lock_bh(&table->lock);
	smtp_past_put(table, smtp_past_key(table, ct, IP_CT_DIR_ORIGINAL), ended);
	smtp_past_put(table, smtp_past_key(table, ct, IP_CT_DIR_REPLY), ended);
	spin_unlock_bh(&table->lock);
}

/**
 * smtp_past_find() - was a connection that begins in its middle known?
 * @ct: the connection, not confirmed
 *
 * Return: enum smtp_past.
 */
enum smtp_past smtp_past_find(const struct nf_conn *ct)
{
	struct smtp_past_table *table = smtp_pernet(nf_ct_net(ct))->past;
	enum smtp_past found = SMTP_PAST_UNKNOWN;
	u64 key, *keys;
	u32 set, i;

	if (!table)
		return found;
	spin_lock_bh(&table->lock);
	key = smtp_past_key(table, ct, IP_CT_DIR_ORIGINAL);
	keys = smtp_past_set(table, key, &set);
	if (table->crowded)
		found = SMTP_PAST_CROWDED;
	for (i = 0; i < SMTP_PAST_WAYS; i++)
		if ((keys[i] & ~1ULL) == key)
			found = keys[i] & 1 ? SMTP_PAST_ENDED : SMTP_PAST_JUDGED;
	spin_unlock_bh(&table->lock);
	return found;
}
