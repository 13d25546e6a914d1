// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a filter in user space costs at the very least: takes every packet of
 * NFQUEUE 0, payload and all, large ones whole, and lets it pass as it is.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <linux/netfilter.h>
#include <libnetfilter_queue/libnetfilter_queue.h>

#define PACKET_MAX	0xffff
#define QUEUE_LEN	4096

static int pass(struct nfq_q_handle *queue, struct nfgenmsg *message,
		struct nfq_data *packet, void *data)
{
	struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);

	(void)message;
	(void)data;
	return nfq_set_verdict(queue, ntohl(header->packet_id), NF_ACCEPT, 0, NULL);
}

int main(void)
{
	static char buffer[PACKET_MAX + 4096] __attribute__((aligned(8)));
	struct nfq_handle *h = nfq_open();
	struct nfq_q_handle *queue;
	int size = 8 << 20;

	if (!h)
		err(1, "nfq_open");
	queue = nfq_create_queue(h, 0, pass, NULL);
	if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, PACKET_MAX) < 0 ||
	    nfq_set_queue_maxlen(queue, QUEUE_LEN) < 0 ||
	    nfq_set_queue_flags(queue, NFQA_CFG_F_GSO, NFQA_CFG_F_GSO) < 0)
		err(1, "queue 0");
	setsockopt(nfq_fd(h), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (;;) {
		ssize_t n = recv(nfq_fd(h), buffer, sizeof(buffer), 0);

		if (n > 0)
			nfq_handle_packet(h, buffer, n);
	}
}
