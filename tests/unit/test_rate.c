// SPDX-License-Identifier: GPL-2.0-only
/* Rates (docs/rules.md X7): what is above one waits where it begins, and nothing is lost. */
#include "../../kmod/core/tcp/held.h"
#include "unit.h"

/* What the host admits: so many messages by each rate */
struct turns {
	u32 source;
	u32 all;
	u32 asked;
};

static struct turns turns;

static bool admits(void *arg, enum smtp_fixup_limit limit)
{
	struct turns *t = arg;
	u32 *left = limit == SMTP_FIXUP_LIMIT_RATE ? &t->all : &t->source;

	t->asked++;
	if (!*left)
		return false;
	--*left;
	return true;
}

/* The connection of f, with a rate of all and of its source, and so many turns */
static void rated(u8 source, u8 all, struct turns t)
{
	f.policy.limits[SMTP_FIXUP_LIMIT_SOURCE_RATE].action = source;
	f.policy.limits[SMTP_FIXUP_LIMIT_RATE].action = all;
	turns = t;
	host.admits = admits;
	host.admits_arg = &turns;
}

#define WAIT	SMTP_FIXUP_ACTION_WAIT
#define LOG	SMTP_FIXUP_ACTION_LOG
#define OFF	SMTP_FIXUP_ACTION_OFF

static bool holds(u32 n)
{
	const struct smtp_segment seg = {
		.seq = f.flow.stream[SMTP_CLIENT].next, .len = n,
	};

	return smtp_flow_holds(&f.flow, SMTP_CLIENT, &seg) == SMTP_HOLDS_TURN;
}

static bool goes_on(enum smtp_holds what)
{
	const struct smtp_held held = {
		.seq = f.flow.stream[SMTP_CLIENT].next,
		.end = f.flow.stream[SMTP_CLIENT].next + 1, .what = what,
	};

	return smtp_flow_goes_on(&f.flow, SMTP_CLIENT, &held);
}

TEST("X7", "what is above the rate waits, all of it, and passes in its turn", FIXUP)
{
	u32 i;

	fix_open(&f);
	rated(OFF, WAIT, (struct turns){ 0 });
	client_cut(&f, "NOOP\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", 6);
	server(&f, "250 a\r\n", "250 a\r\n");
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 1);
	/* The sender repeats, the server speaks: nothing goes on, nothing is told again */
	for (i = 0; i < 5; i++) {
		client_cut(&f, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", -1);
		assert_true(holds(32));
		assert_false(goes_on(SMTP_HOLDS_TURN));
		assert_false(goes_on(SMTP_HOLDS_ACK));
		assert_false(goes_on(SMTP_HOLDS_ORDER));
		assert_false(smtp_flow_waits(&f.flow));
		assert_true(smtp_flow_rated(&f.flow));
	}
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 1);
	assert_int_equal(COUNT(COMMANDS_PASSED), 2);
	turns.all = 1;
	smtp_flow_turn(&f.flow);
	assert_true(goes_on(SMTP_HOLDS_TURN));
	client(&f, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
	assert_false(smtp_flow_rated(&f.flow));
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 1);
	assert_int_equal(host_events("X7"), 1);
}

TEST("X7", "a message takes one turn, however it is cut", NONE)
{
	static const char text[] = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRSET\r\nmail from:<a@b>\r\n";
	u32 step;

	for (step = 1; step < sizeof(text); step++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		rated(WAIT, WAIT, (struct turns){ .source = 2, .all = 2 });
		client_steps(&f, step, text, text);
		assert_int_equal(turns.source + turns.all, 0);
		assert_int_equal(turns.asked, 4);
		assert_int_equal(host_events("X7"), 0);
		fix_end(&f);
	}
}

TEST("X7 V6", "a verb that comes in pieces waits before the octet behind it", NONE)
{
	static const char *const behind[] = { " FROM:<a@b>\r\n", "\r\n", "\n", "\tx\r\n" };
	u32 i;

	for (i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		rated(OFF, WAIT, (struct turns){ 0 });
		client(&f, "MA", "MA");
		client(&f, "IL", "IL");
		client_cut(&f, behind[i], -1);
		client_cut(&f, behind[i], -1);
		assert_int_equal(COUNT(BARE_LINE_ENDS), 0);	/* not judged yet */
		assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 1);
		turns.all = 1;
		client(&f, behind[i], behind[i]);
		assert_int_equal(COUNT(COMMANDS_PASSED), 2);
		fix_end(&f);
	}
}

TEST("X7", "the source's rate comes first, and takes nothing of all the others'", FIXUP)
{
	fix_open(&f);
	rated(WAIT, WAIT, (struct turns){ .all = 1 });
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	assert_int_equal(turns.all, 1);
	assert_int_equal(COUNT(MESSAGES_ABOVE_SOURCE_RATE), 1);
	turns.all = 0;
	turns.source = 1;
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	assert_int_equal(turns.source, 0);
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 1);
	assert_int_equal(COUNT(MESSAGES_ABOVE_SOURCE_RATE), 1);
	turns.all = 1;
	client(&f, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
	assert_int_equal(turns.asked, 6);
}

TEST("X7", "the other verbs that begin a message", ESMTP)
{
	static const char *const lines[] = {
		"SAML FROM:<a@b>\r\n", "SEND FROM:<a@b>\r\n", "SOML FROM:<a@b>\r\n", " MAIL FROM:<a@b>\r\n",
	};
	u32 i;

	fix_open(&f);
	rated(OFF, WAIT, (struct turns){ 0 });
	client(&f, "RCPT TO:<mail >\r\nNOOP MAIL x\r\n", "RCPT TO:<mail >\r\nNOOP MAIL x\r\n");
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		u32 blank = *lines[i] == ' ';

		client_cut(&f, lines[i], blank ? 1 : -1);
		turns.all = 1;
		client(&f, lines[i] + blank, lines[i] + blank);
	}
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 4);
}

TEST("X7", "what is blocked needs no turn", FIXUP)
{
	fix_open(&f);
	rated(WAIT, WAIT, (struct turns){ 0 });
	client(&f, "SEND FROM:<a@b>\r\nMAILX\r\n", "XXXX FROM:<a@b>\r\nXXXXX\r\n");
	client(&f, "SEND", "XXXX");
	client(&f, " FROM:<a@b>\r\n", " FROM:<a@b>\r\n");
	assert_int_equal(turns.asked, 0);
}

TEST("X7 D3", "a message's octets are no commands", FIXUP)
{
	rated(WAIT, WAIT, (struct turns){ .source = 1, .all = 1 });
	fix_body(&f);
	client(&f, "MAIL FROM:<a@b>\r\nMAIL\r\n.\r\n", "MAIL FROM:<a@b>\r\nMAIL\r\n.\r\n");
	client(&f, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
	assert_int_equal(host_events("X7"), 0);
	server(&f, "250 a\r\n250 a\r\n", "250 a\r\n250 a\r\n");
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
}

TEST("X7", "log and observe count, and nothing waits", NONE)
{
	u32 i;

	for (i = 0; i < 3; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		rated(i ? WAIT : LOG, i == 1 ? WAIT : LOG, (struct turns){ 0 });
		f.policy.observe = i;
		client(&f, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
		client_steps(&f, 1, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
		assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 2);
		assert_int_equal(COUNT(MESSAGES_ABOVE_SOURCE_RATE), 2);
		assert_int_equal(turns.asked, 4);
		assert_false(smtp_flow_rated(&f.flow));
		fix_end(&f);
	}
}

TEST("X7 D2", "what waits for a reply waits for that first", FIXUP)
{
	fix_open(&f);
	rated(OFF, WAIT, (struct turns){ 0 });
	client_cut(&f, "DATA\r\nMAIL FROM:<a@b>\r\n", 6);
	assert_int_equal(turns.asked, 0);
	server(&f, "503 a\r\n", "503 a\r\n");
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	turns.all = 1;
	client_cut(&f, "MAIL FROM:<a@b>\r\nDATA\r\nx", 23);
}

TEST("X7", "a repetition with other octets begins anew", FIXUP)
{
	fix_open(&f);
	rated(OFF, WAIT, (struct turns){ 0 });
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	client(&f, "NOOP\r\n", "NOOP\r\n");
	assert_false(smtp_flow_rated(&f.flow));
	client_cut(&f, "MAIL FROM:<a@b>\r\n", -1);
	assert_int_equal(COUNT(MESSAGES_ABOVE_RATE), 2);
	client(&f, "QUIT\r\n", "QUIT\r\n");
}

TEST("X7", "rates wait, are counted or off, and are off in every mode", NONE)
{
	static const u8 rates[] = { SMTP_FIXUP_LIMIT_RATE, SMTP_FIXUP_LIMIT_SOURCE_RATE };
	struct smtp_policy p;
	u32 i, mode, action;

	for (mode = SMTP_FIXUP_MODE_FIXUP; mode < __SMTP_FIXUP_MODE_MAX; mode++) {
		smtp_policy_init(&p, mode);
		assert_false(smtp_policy_rated(&p));
		smtp_policy_set_strict(&p);
		assert_false(smtp_policy_rated(&p));
	}
	for (i = 0; i < __SMTP_FIXUP_LIMIT_MAX; i++) {
		smtp_policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
		p.limits[i].action = WAIT;
		assert_int_equal(!smtp_policy_check(&p, &(u8){ 0 }), smtp_limit_is_rate(i));
	}
	for (i = 0; i < 2; i++) {
		smtp_policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
		for (action = 0; action < __SMTP_FIXUP_ACTION_MAX; action++) {
			p.limits[rates[i]].action = action;
			assert_int_equal(!smtp_policy_check(&p, &(u8){ 0 }),
					 action <= LOG || action == WAIT);
		}
		p.limits[rates[i]] = (struct smtp_limit){ 65536, WAIT };
		assert_non_null(smtp_policy_check(&p, &(u8){ 0 }));
	}
}

/* V7: a bare CR that strict makes a blank leaves as one */
TEST("X7 V7", "strict's bare CRs before a verb that waits", FIXUP)
{
	fix_open(&f);
	f.policy.line_ending = SMTP_FIXUP_LINE_ENDING_STRICT;
	rated(OFF, WAIT, (struct turns){ 0 });
	client_cut(&f, "NOOP\r\n\rMAIL FROM:<a@b>\r\n", 7);
	left(&f, "NOOP\r\n ");
	assert_true(smtp_flow_rated(&f.flow));
	turns.all = 1;
	smtp_flow_turn(&f.flow);
	client(&f, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
	turns.all = 0;
	client_cut(&f, "NOOP\r\n\r\rMAIL FROM:<a@b>\r\n", 8);
	left(&f, "NOOP\r\n  ");
	turns.all = 1;
	smtp_flow_turn(&f.flow);
	client(&f, "MAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\n");
	/* One that has left makes an LF of what follows it: no message begins */
	turns.asked = 0;
	client(&f, "\r", "\r");
	client_cut(&f, "MAIL FROM:<a@b>\r\n", 1);
	left(&f, "\n");
	assert_int_equal(turns.asked, 0);
}
