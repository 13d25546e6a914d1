// SPDX-License-Identifier: GPL-2.0-only
/* Capture files. See capture.h. */
#ifdef HAVE_PCAP
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "replay/capture.h"

#define NSEC_PER_SEC	1000000000ULL

struct capture {
	pcap_t *pcap;
	const char *name;
};

struct capture_out {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	const char *name;
};

/* LINKTYPE_ numbers and their reading; libpcap maps them to its own */
static const struct {
	int dlt;
	enum capture_link link;
} links[] = {
	{ DLT_EN10MB, CAPTURE_ETHERNET },
	{ DLT_LINUX_SLL, CAPTURE_SLL },
	{ DLT_LINUX_SLL2, CAPTURE_SLL2 },
	{ DLT_RAW, CAPTURE_RAW },
	{ DLT_IPV4, CAPTURE_RAW },
	{ DLT_IPV6, CAPTURE_RAW },
	{ DLT_NULL, CAPTURE_NULL },
	{ DLT_LOOP, CAPTURE_NULL },
};

#ifdef HAVE_ZLIB
static ssize_t zip_read(void *cookie, char *buf, size_t size)
{
	return gzread(cookie, buf, size);
}

static int zip_close(void *cookie)
{
	return gzclose(cookie) == Z_OK ? 0 : -1;
}

/* gzread() gives back what is not compressed as it is */
static FILE *open_file(int fd)
{
	static const cookie_io_functions_t functions = {
		.read = zip_read, .close = zip_close,
	};
	gzFile zip = gzdopen(fd, "rb");
	FILE *file;

	if (!zip)
		return NULL;
	gzbuffer(zip, 131072);
	file = fopencookie(zip, "r", functions);
	if (!file)
		gzclose(zip);
	return file;
}
#else
static FILE *open_file(int fd)
{
	return fdopen(fd, "rb");
}
#endif

struct capture *capture_fopen(FILE *file, const char *name,
			      enum capture_link *link, struct reason *why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct capture *capture;
	const char *type;
	pcap_t *pcap;

	pcap = pcap_fopen_offline_with_tstamp_precision(file,
							PCAP_TSTAMP_PRECISION_NANO,
							error);
	if (!pcap) {
		fclose(file);
		reason_local(why, "%s is no capture that can be read: %s",
			     QUOTED(name), error);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		if (links[i].dlt != pcap_datalink(pcap))
			continue;
		*link = links[i].link;
		capture = grow(NULL, 1, sizeof(*capture));
		capture->pcap = pcap;
		capture->name = name;
		return capture;
	}
	type = pcap_datalink_val_to_name(pcap_datalink(pcap));
	reason_local(why, "%s has packets of the link type %s (%d); known are Ethernet, Linux cooked, raw IP and BSD loopback",
		     QUOTED(name), type ? type : "unknown", pcap_datalink(pcap));
	pcap_close(pcap);
	return NULL;
}

struct capture *capture_open(const char *name, enum capture_link *link,
			     struct reason *why)
{
	int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC) :
				     dup(STDIN_FILENO);
	FILE *file = fd < 0 ? NULL : open_file(fd);

	if (!file) {
		reason_local(why, "%s can't be opened: %s", QUOTED(name),
			     strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	return capture_fopen(file, name, link, why);
}

int capture_next(struct capture *capture, struct frame *frame,
		 struct reason *why)
{
	struct pcap_pkthdr *header;
	const u_char *data;

	switch (pcap_next_ex(capture->pcap, &header, &data)) {
	case 1:
		/* The precision asked for: tv_usec has nanoseconds */
		frame->time = (u64)header->ts.tv_sec * NSEC_PER_SEC +
			      (u64)header->ts.tv_usec;
		frame->data = data;
		frame->cap = header->caplen;
		frame->len = header->len < header->caplen ? header->caplen :
							    header->len;
		if (frame->cap <= CAPTURE_FRAME_MAX)
			return 1;
		return reason_local(why, "%s has a packet of %u octets, more than any link carries",
				    QUOTED(capture->name), frame->cap);
	case PCAP_ERROR_BREAK:
		return 0;
	}
	return reason_local(why, "%s can't be read to its end: %s",
			    QUOTED(capture->name), pcap_geterr(capture->pcap));
}

void capture_close(struct capture *capture)
{
	pcap_close(capture->pcap);
	free(capture);
}

struct capture_out *capture_out_open(const struct capture *like,
				     const char *name, struct reason *why)
{
	struct capture_out *out = grow(NULL, 1, sizeof(*out));

	out->name = name;
	out->pcap = pcap_open_dead_with_tstamp_precision(pcap_datalink(like->pcap),
							 CAPTURE_FRAME_MAX,
							 PCAP_TSTAMP_PRECISION_NANO);
	out->dumper = out->pcap ? pcap_dump_open(out->pcap, name) : NULL;
	if (out->dumper)
		return out;
	reason_local(why, "%s can't be written: %s", QUOTED(name),
		     out->pcap ? pcap_geterr(out->pcap) : strerror(errno));
	if (out->pcap)
		pcap_close(out->pcap);
	free(out);
	return NULL;
}

void capture_out_write(struct capture_out *out, const struct frame *frame)
{
	const struct pcap_pkthdr header = {
		.ts = {
			.tv_sec = frame->time / NSEC_PER_SEC,
			.tv_usec = frame->time % NSEC_PER_SEC,
		},
		.caplen = frame->cap,
		.len = frame->len,
	};

	pcap_dump((u_char *)out->dumper, &header, frame->data);
}

int capture_out_close(struct capture_out *out, struct reason *why)
{
	int rc = 0;

	if (pcap_dump_flush(out->dumper) || ferror(pcap_dump_file(out->dumper)))
		rc = reason_local(why, "%s could not be written: %s",
				  QUOTED(out->name), strerror(errno));
	pcap_dump_close(out->dumper);
	pcap_close(out->pcap);
	free(out);
	return rc;
}
#endif /* HAVE_PCAP */
