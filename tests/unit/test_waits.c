// SPDX-License-Identifier: GPL-2.0-only
/* T4: what had to wait goes on when it may. Both ends of that are the core's to
 * tell; the copy is its surroundings' (kmod/path/kept.c).
 */
#include "unit.h"

/* Does a segment with @n octets from the next one on count as held? */
static bool holds(const struct fix *f, s32 before, u32 n)
{
	struct smtp_segment seg = {
		.seq = f->flow.stream[SMTP_CLIENT].next - before,
		.len = before + n,
	};

	return smtp_flow_holds(&f->flow, &seg);
}

static bool goes_on(const struct fix *f)
{
	return smtp_flow_goes_on(&f->flow, true);
}

TEST("T4 D2", "what waits for a reply", NONE)
{
	static const char *const lines[] = {
		"DATA\r\n", "AUTH LOGIN\r\n", "STARTTLS\r\n", "\r\n", "NOOP\n",
	};
	static const char *const awaited[] = {
		"DATA", "AUTH", "STARTTLS", "an empty line",
		"a line that ended in LF",
	};
	u32 i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_ALLOW);
		fix_open(&f);
		client(&f, lines[i], lines[i]);
		assert_true(smtp_flow_waits(&f.flow));
		assert_string_equal(smtp_session_awaited(&f.flow.session), awaited[i]);
		assert_false(goes_on(&f));
		assert_true(holds(&f, strlen(lines[i]), 7));
		assert_true(holds(&f, 0, 1));
		assert_false(holds(&f, 5, 0));	/* all of it has passed */
		assert_false(holds(&f, -1, 8));	/* there is a gap before it */
		server(&f, "250 a\r\n", "250 a\r\n");
		assert_true(goes_on(&f));
		assert_false(smtp_flow_waits(&f.flow));
		fix_end(&f);
	}
}

/* A second change of length, or a full buffer, waits for ACKs */
TEST("T4 V4", "what waits for ACKs", MAILHOST)
{
	fix_open(&f);
	client_cut(&f, "FOO\r\nBAR\r\n", 5);
	assert_true(holds(&f, 5, 5));
	assert_false(smtp_flow_goes_on(&f.flow, false));
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT] + f.shift[SMTP_CLIENT]);
	assert_true(smtp_flow_goes_on(&f.flow, false));
	client(&f, "BAR\r\n", "NOOP\r\n");
}

TEST("T4", "nothing is held under observe", FIXUP)
{
	f.policy.observe = true;
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	assert_false(holds(&f, 0, 5));
}

/* D11: a server that has not got the line does not answer it */
TEST("D11", "answered before it came", ESMTP)
{
	u32 at;

	fix_open(&f);
	at = f.at[SMTP_CLIENT];
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	client(&f, "dXNlcg==\r\n", "dXNlcg==\r\n");
	/* The same once more, from before the response came */
	f.at[SMTP_CLIENT] = at + 12;
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	f.at[SMTP_CLIENT] = at + 12 + 10;
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	assert_true(smtp_flow_waits(&f.flow));
	server(&f, "535 no\r\n", "535 no\r\n");
	assert_false(smtp_flow_waits(&f.flow));
	client(&f, "EXPN\r\n", "XXXX\r\n");
	/* Its next reply may be one too many again: the sender takes its time */
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "503 no\r\n", "503 no\r\n");
	server(&f, "503 no\r\n", "503 no\r\n");
	assert_false(goes_on(&f));
}

/* D5: two line ends in a SASL exchange would be two responses to some servers */
TEST("D5", "line ends in a SASL exchange", ESMTP)
{
	fix_open(&f);
	client_cut(&f, "AUTH PLAIN\r\r\n", 12);
	left(&f, "AUTH PLAIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client_cut(&f, "\nEXPN\r\n", 1);
	server(&f, "535 a\r\n", "535 a\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}
