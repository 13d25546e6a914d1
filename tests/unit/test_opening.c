// SPDX-License-Identifier: GPL-2.0-only
/* SYNs, SYN/ACKs and who may speak for whom: H1, H2, H3; forged ACKs: H4. */
#include "unit.h"
#include "../../kmod/core/tcp/opening.h"
#include "../../kmod/core/tcp/mptcp.h"

static u32 blanked(const char *before, const char *after, u32 n)
{
	u8 options[SMTP_OPTIONS_MAX];
	u32 found;

	memcpy(options, before, n);
	found = smtp_options_blank_mptcp(options, n);
	assert_memory_equal(options, after, n);
	return found;
}

#define BLANKED(before, after) blanked(before, after, sizeof(before) - 1)

TEST("H1", "MPTCP becomes no-ops", NONE)
{
	assert_int_equal(BLANKED("", ""), 0);
	assert_int_equal(BLANKED("\2\4\5\xb4\1\3\3\7", "\2\4\5\xb4\1\3\3\7"), 0);
	assert_int_equal(BLANKED("\2\4\5\xb4\36\4\1\1\1\3\3\7",
				 "\2\4\5\xb4\1\1\1\1\1\3\3\7"), 1);
	/* MP_JOIN, and twice */
	assert_int_equal(BLANKED("\36\14\20\0\1\2\3\4\5\6\7\10\36\4\1\1",
				 "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"), 2);
	/* 30 as another option's length, or in it, is none */
	assert_int_equal(BLANKED("\10\12\36\4\36\4\36\4\36\4\1\1",
				 "\10\12\36\4\36\4\36\4\36\4\1\1"), 0);
}

/* What no receiver reads stays */
TEST("H1", "options that end early", NONE)
{
	assert_int_equal(BLANKED("\0\36\4\1\1\1\1\1", "\0\36\4\1\1\1\1\1"), 0);
	assert_int_equal(BLANKED("\1\1\1\36", "\1\1\1\36"), 0);
	assert_int_equal(BLANKED("\36\1\36\4", "\36\1\36\4"), 0);
	assert_int_equal(BLANKED("\36\0\36\4", "\36\0\36\4"), 0);
	assert_int_equal(BLANKED("\1\36\4\1", "\1\36\4\1"), 0);
	assert_int_equal(BLANKED("\36\377\1\1", "\36\377\1\1"), 0);
}

TEST("H2", "what a SYN/ACK answers", NONE)
{
	static const s32 none[2], shifted[2] = { 3, 7 };
	struct smtp_opening o = { .syn = 1001 };

	/* Which SYN/ACK opens the connection? */
	assert_int_equal(smtp_opening_answer(&o, false, 5001, 1001, none), SMTP_ANSWER_OWN);
	assert_int_equal(smtp_opening_answer(&o, false, 5001, 1002, none), SMTP_ANSWER_STRANGE);
	o.isn[SMTP_CLIENT] = 1001;
	o.isn[SMTP_SERVER] = 5001;
	/* It comes again; and one that nobody asked for */
	assert_int_equal(smtp_opening_answer(&o, true, 5001, 1001, none), SMTP_ANSWER_OWN);
	assert_int_equal(smtp_opening_answer(&o, true, 5001, 1000, none), SMTP_ANSWER_STRANGE);
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 9001, none), SMTP_ANSWER_STRANGE);
	/* The server has lost the connection, and answers the SYN once more */
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 1001, none), SMTP_ANSWER_ANEW);
	/* The next connection of these ports: its SYN may have been shifted */
	o.syn = 2001;
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 2001, none), SMTP_ANSWER_ANEW);
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 2004, none), SMTP_ANSWER_STRANGE);
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 2004, shifted), SMTP_ANSWER_ANEW);
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 2008, shifted), SMTP_ANSWER_ANEW);
	assert_int_equal(smtp_opening_answer(&o, true, 7001, 2001, shifted), SMTP_ANSWER_ANEW);
}

TEST("H3", "where the other side lives", NONE)
{
	struct smtp_opening o = { .iif = { 2, 3 } };

	assert_false(smtp_opening_suspect(&o, SMTP_CLIENT, 2));
	assert_false(smtp_opening_suspect(&o, SMTP_SERVER, 3));
	assert_true(smtp_opening_suspect(&o, SMTP_SERVER, 2));
	assert_true(smtp_opening_suspect(&o, SMTP_CLIENT, 3));
	/* By a third one: paths change */
	assert_false(smtp_opening_suspect(&o, SMTP_SERVER, 4));
	/* From the router itself */
	assert_false(smtp_opening_suspect(&o, SMTP_SERVER, 0));
	/* Both behind one interface */
	o.iif[SMTP_SERVER] = 2;
	assert_false(smtp_opening_suspect(&o, SMTP_SERVER, 2));
	assert_false(smtp_opening_suspect(&o, SMTP_CLIENT, 2));
	/* Before the server has said anything */
	o.iif[SMTP_SERVER] = 0;
	assert_true(smtp_opening_suspect(&o, SMTP_SERVER, 2));
}

/* An ACK was forged, or what it acknowledges was refused by the server */
TEST("H4", "what was ACKed means nothing", FIXUP)
{
	server(&f, "220 2\r\n", "220 2\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	fix_ack(&f, SMTP_CLIENT, 6);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "EXPN\r\n"), 6);
	assert_memory_equal(f.out, "******", 6);
	/* With what follows */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 2, "PN\r\nEXPN\r\n"), 10);
	assert_memory_equal(f.out, "****XXXX\r\n", 10);
	/* A keepalive's octet */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 5, "\n"), 1);
	assert_memory_equal(f.out, "*", 1);
}

TEST("H4", "a body that was ACKed", FIXUP)
{
	server(&f, "220 2\r\n", "220 2\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "0123456789", "0123456789");
	fix_ack(&f, SMTP_CLIENT, 12);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 6, "\r\n.\r\nEXPN?"), 10);
	assert_memory_equal(f.out, "******XPN?", 10);
	/* Nothing of it is touched that was not */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 12, "6789"), 4);
	assert_memory_equal(f.out, "6789", 4);
}

TEST("H4", "observe touches nothing", FIXUP)
{
	f.policy.observe = true;
	server(&f, "220 2\r\n", "220 2\r\n");
	client(&f, "NOOP\r\n", "NOOP\r\n");
	fix_ack(&f, SMTP_CLIENT, 6);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 0, "NOOP\r\n"), 6);
	assert_memory_equal(f.out, "NOOP\r\n", 6);
}
