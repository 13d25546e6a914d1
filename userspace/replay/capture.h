/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files. The only part that knows libpcap and zlib. */
#ifndef _SMTPFIXUP_CAPTURE_H
#define _SMTPFIXUP_CAPTURE_H

#include <stdio.h>

#include "policy/policy.h"
#include "reason.h"

/* Longer frames are refused: libpcap's own limit for most link types */
#define CAPTURE_FRAME_MAX	262144

/* How the link's header is to be read */
enum capture_link {
	CAPTURE_ETHERNET,
	CAPTURE_SLL,
	CAPTURE_SLL2,
	CAPTURE_RAW,
	CAPTURE_NULL,	/* four octets, as BSD's loopback has them */
};

/**
 * struct frame - a packet as it stands in the file
 * @time: nanoseconds since 1970
 * @data: its octets, as many as were kept
 * @cap: how many were kept
 * @len: how many there were
 */
struct frame {
	u64 time;
	const u8 *data;
	u32 cap;
	u32 len;
};

struct capture;
struct capture_out;

/**
 * capture_open() - open a capture, which may be compressed by gzip
 * @name: the file; "-" is standard input
 * @link: result
 * @why: filled on failure
 *
 * Return: the capture, or NULL.
 */
struct capture *capture_open(const char *name, enum capture_link *link,
			     struct reason *why);

/* The same from a stream, which is closed with the capture. */
struct capture *capture_fopen(FILE *file, const char *name,
			      enum capture_link *link, struct reason *why);

/* The next frame: 1, or 0 at the end, or -1 with the reason. */
int capture_next(struct capture *capture, struct frame *frame,
		 struct reason *why);
void capture_close(struct capture *capture);

/* A file of the same link type, to be written. */
struct capture_out *capture_out_open(const struct capture *like,
				     const char *name, struct reason *why);
void capture_out_write(struct capture_out *out, const struct frame *frame);

/* Returns -1 with the reason where not all could be written. */
int capture_out_close(struct capture_out *out, struct reason *why);

#endif /* _SMTPFIXUP_CAPTURE_H */
