/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests of the core, and a connection for them to speak through: strings
 * in, strings out, one segment a call.
 */
#ifndef _TESTS_UNIT_UNIT_H
#define _TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../host.h"
#include "../segment.h"

#define CLIENT_ISN	0xfffffff0u	/* sequence numbers wrap early */
#define SERVER_ISN	5000u

struct fix {
	bool begun;
	struct smtp_policy policy;
	struct smtp_flow flow;
	struct seqadj adj;	/* conntrack's part */
	u32 at[2];		/* octets sent in order, by direction */
	s32 shift[2];		/* octets that have left more than were sent */
	u32 adjusts[2], settles[2];	/* calls, by direction */
	u32 adjust_at;		/* the last one's position, from the start */
	s32 adjust_by;
	u32 spliced;		/* segments that were */
	u32 room;		/* of the next segments, 0: as the kernel side has it */
	bool loopback;		/* lengths must stay */
	bool fin;		/* on the next segments */
	u32 frag;		/* what one read shows, 0: all */
	u32 mss;		/* of the next segments, 0: none */
	u32 pull;		/* of the next segments: test_segment.pull */
	bool owes;		/* the last segment: smtp_segment.owes */
	bool no_acks;		/* segments acknowledge nothing */
	bool fail_write;
	u32 writes;		/* that changed something */
	u8 out[1 << 17];	/* the last segment as it left */
	u32 out_len;
	u32 out_at;		/* where it left, from the start: conntrack's word */
	u32 ack_at;		/* what it ACKs of the other direction, from the start */
	enum smtp_verdict verdict;
};

/* The connection of the test that runs; its end notices leaks */
extern struct fix f;

void fix_begin(struct fix *f, u8 mode);
void fix_end(struct fix *f);

/**
 * struct unit_test - a test
 * @rules: the rules that it holds, as "V6 V9"
 * @title: what it shows
 * @name: both
 * @mode: enum smtp_fixup_mode that the connection begins with
 * @run: the test
 * @next: the one after it
 */
struct unit_test {
	const char *rules;
	const char *title;
	const char *name;
	u8 mode;
	void (*run)(void);
	struct unit_test *next;
};

void unit_register(struct unit_test *test);

/* With the mode NONE a test begins its connection, or several, itself */
#define SMTP_FIXUP_MODE_NONE	0xff

/* TEST("V6", "a verb may come in any number of segments", FIXUP) { ... }
 * f has begun with that mode; it ends after the test, if that has not ended it.
 */
#define TEST(rules, title, mode) \
	UNIT_TEST(rules, title, SMTP_FIXUP_MODE_##mode, __COUNTER__)
#define UNIT_TEST(rules, title, mode, n) UNIT_TEST_N(rules, title, mode, n)
#define UNIT_TEST_N(rules_, title_, mode_, n) \
	static void unit_run_##n(void); \
	__attribute__((constructor)) static void unit_add_##n(void) \
	{ \
		static struct unit_test test = { \
			.rules = rules_, .title = title_, .mode = mode_, \
			.name = rules_ " " title_, \
			.run = unit_run_##n, \
		}; \
		unit_register(&test); \
	} \
	static void unit_run_##n(void)

/* A counter's value */
#define COUNT(counter)	host.counters[SMTP_FIXUP_CNT_##counter]

/* One segment at an offset from the start of its direction's stream. Returns
 * how much of it passed, -1: dropped, -2: reset
 */
int fix_segment(struct fix *f, enum smtp_dir dir, u32 off, const void *bytes,
		u32 n);
int fix_at(struct fix *f, enum smtp_dir dir, u32 off, const char *text);

/* The next octets in order, in one segment; all must pass, as @out */
void fix_io(struct fix *f, enum smtp_dir dir, const char *in, const char *out,
	    const char *file, int line);
#define client(f, in, out)	fix_io(f, SMTP_CLIENT, in, out, __FILE__, __LINE__)
#define server(f, in, out)	fix_io(f, SMTP_SERVER, in, out, __FILE__, __LINE__)

/* In order, @step octets a segment; what left altogether must be @out */
void fix_io_steps(struct fix *f, enum smtp_dir dir, u32 step, const char *in,
		  const char *out, const char *file, int line);
#define client_steps(f, step, in, out) \
	fix_io_steps(f, SMTP_CLIENT, step, in, out, __FILE__, __LINE__)
#define server_steps(f, step, in, out) \
	fix_io_steps(f, SMTP_SERVER, step, in, out, __FILE__, __LINE__)

/* The next octets in order: only @pass of them go on */
void fix_cut(struct fix *f, enum smtp_dir dir, const char *in, int pass,
	     const char *file, int line);
#define client_cut(f, in, pass)	fix_cut(f, SMTP_CLIENT, in, pass, __FILE__, __LINE__)

/* The far end has everything up to @off of this direction, as it counts */
void fix_ack(struct fix *f, enum smtp_dir dir, u32 off);

/* A segment of that direction without payload, which ACKs nothing new */
void fix_empty(struct fix *f, enum smtp_dir dir);

/* The last segment left as this */
void fix_left(struct fix *f, const char *text, const char *file, int line);
#define left(f, text)		fix_left(f, text, __FILE__, __LINE__)

/* Greeting, EHLO or HELO, DATA, 354 */
void fix_open(struct fix *f);
void fix_body(struct fix *f);

#endif /* _TESTS_UNIT_UNIT_H */
