// SPDX-License-Identifier: GPL-2.0-only
/* The dialogue: D1, D2, D5, D7, D8, S2, S3. */
#include <stdio.h>

#include "unit.h"

#define PHASE(f)	((f)->flow.session.phase)

/* CVE-2000-1022: the client's DATA does not open the body */
TEST("D1", "only a 354", NONE)
{
	static const char *const no[] = {
		"503 no\r\n", "554-354\r\n554 354\r\n", "250 354\r\n",
		"354-wait\r\n554 no\r\n", "500 354 go\r\n", "355 x\r\n",
	};
	u32 i;

	for (i = 0; i < sizeof(no) / sizeof(*no); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		client_cut(&f, "DATA\r\nEXPN\r\n", 6);
		server(&f, no[i], no[i]);
		client(&f, "EXPN\r\n", "XXXX\r\n");
		fix_end(&f);
	}
}

TEST("D1", "354 of several lines", FIXUP)
{
	fix_open(&f);
	client(&f, "data\r\n", "data\r\n");
	server(&f, "354-a\r\n", "354-a\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "354 b", "354 b");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "\r\n", "\r\n");
	client(&f, "EXPN\r\n", "EXPN\r\n");
}

/* D1: a 354 that nobody asked for, or that answers another command */
TEST("D1", "354 out of turn", FIXUP)
{
	fix_open(&f);
	server(&f, "354 go\r\n", "354 go\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	client(&f, "EXPN\r\n", "XXXX\r\n");
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 for EXPN\r\n", "354 for EXPN\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "500 for DATA\r\n", "500 for DATA\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

/* D1: a blocked DATA is no DATA */
TEST("D1", "blocked", FIXUP)
{
	f.policy.verbs &= ~SMTP_VERB_BIT(DATA);
	fix_open(&f);
	client(&f, "DATA\r\n", "XXXX\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

/* What passed as DATA before it went on may be one to some server */
TEST("D1", "data that went on", FIXUP)
{
	fix_open(&f);
	client(&f, "DATA", "DATA");
	client_cut(&f, "Q\r\nEXPN\r\n", 3);
	left(&f, "X\r\n");
	server(&f, "500 what\r\n", "500 what\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	client(&f, "DATAQ\r\nNOOP\r\n", "XXXXX\r\nNOOP\r\n");
}

TEST("D2", "waits", FIXUP)
{
	fix_open(&f);
	/* The segment is cut at the synchronisation point */
	client_cut(&f, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\nhello\r\n", 34);
	left(&f, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n");
	assert_int_equal(COUNT(SEGMENTS_CUT), 1);
	client_cut(&f, "hello\r\n", -1);
	assert_int_equal(COUNT(SEGMENTS_DROPPED), 1);
	server(&f, "250 a\r\n", "250 a\r\n");
	client_cut(&f, "hello\r\n", -1);
	server(&f, "250 b\r\n354 go\r\n", "250 b\r\n354 go\r\n");
	client(&f, "hello\r\n.\r\nEXPN\r\n", "hello\r\n.\r\nXXXX\r\n");
	assert_int_equal(COUNT(MESSAGES), 1);
}

/* The cut segment may come again whole */
TEST("D2", "repeated whole", FIXUP)
{
	u32 at;

	fix_open(&f);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	client_cut(&f, "EXPN\r\nDATA\r\nEXPN\r\n", 12);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\r\nDATA\r\nEXPN\r\n"), 12);
	left(&f, "XXXX\r\nDATA\r\n");
	server(&f, "500 a\r\n354 go\r\n", "500 a\r\n354 go\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\r\nDATA\r\nEXPN\r\n"), 18);
	left(&f, "XXXX\r\nDATA\r\nEXPN\r\n");
}

TEST("D5", "AUTH", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	client_cut(&f, "AUTH LOGIN\r\nEXPN\r\n", 12);
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	/* No command; nor may it be one to a server that answers twice */
	client_cut(&f, "EXPN\r\nEXPN\r\n", 6);
	left(&f, "EXPX\r\n");
	server(&f, "334 UGFzc3dvcmQ6\r\n", "334 UGFzc3dvcmQ6\r\n");
	client(&f, "*\r\n", "*\r\n");
	server(&f, "501 cancelled\r\n", "501 cancelled\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	fix_end(&f);

	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	fix_open(&f);
	client(&f, "AUTH PLAIN AGEAYg==\r\n", "AUTH PLAIN AGEAYg==\r\n");
	server(&f, "235 ok\r\n", "235 ok\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

/* Several steps, a cancellation, and X-EXPS, which is Exchange's AUTH */
TEST("D5", "steps", ESMTP)
{
	f.policy.verbs |= SMTP_VERB_BIT(X_EXPS);
	fix_open(&f);
	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 VXNlcm5hbWU6\r\n", "334 VXNlcm5hbWU6\r\n");
	client_cut(&f, "EXPN\r\nEXPN\r\n", 6);
	server(&f, "334 UGFzc3dvcmQ6\r\n", "334 UGFzc3dvcmQ6\r\n");
	client_cut(&f, "*\r\nEXPN\r\n", 3);
	left(&f, "*\r\n");
	server(&f, "501 cancelled\r\n", "501 cancelled\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	server(&f, "500 x\r\n", "500 x\r\n");
	client_cut(&f, "X-EXPS LOGIN\r\nEXPN\r\n", 14);
	server(&f, "334 a\r\n", "334 a\r\n");
	client(&f, "EXPN\r\n", "EXPX\r\n");
	server(&f, "235 ok\r\n", "235 ok\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

TEST("D7", "many pipelined", FIXUP)
{
	u32 i;

	fix_open(&f);
	for (i = 0; i < 3000; i++) {
		client(&f, "RCPT TO:<a@b>\r\n", "RCPT TO:<a@b>\r\n");
		fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	}
	client(&f, "DATA\r\n", "DATA\r\n");
	for (i = 0; i < 3000; i++) {
		server(&f, "250-354 go\r\n250 ok\r\n", "250-354 go\r\n250 ok\r\n");
		fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	}
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "354 now\r\n", "354 now\r\n");
	client(&f, "EXPN\r\n", "EXPN\r\n");
}

TEST("D7", "text that looks like a reply", FIXUP)
{
	fix_open(&f);
	client(&f, "NOOP\r\nDATA\r\n", "NOOP\r\nDATA\r\n");
	server(&f, "250-a\r\n250-354 go\r\n250 354 go\r\n",
	       "250-a\r\n250-354 go\r\n250 354 go\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "550 354 go\r\n", "550 354 go\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

/* D7: the end of data is answered before the next DATA is */
TEST("D7", "end of data is answered", FIXUP)
{
	fix_open(&f);
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\n.\r\nDATA\r\n", "EXPN\r\n.\r\nDATA\r\n");
	server(&f, "354 for the message\r\n", "354 for the message\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN\r\n", "EXPN\r\n");
}

TEST("D8", "no SMTP reply", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_open(&f);
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354\xff go\nhello\r\n\r\n35\r\n3x4 go\r\n",
	       "354\xff go\nhello\r\n\r\n35\r\n3x4 go\r\n");
	fix_end(&f);

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_open(&f);
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "hello\r\n\r\n35\r\n3x4 go\r\n", "hello\r\n\r\n35\r\n3x4 go\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "500 no\r\n", "500 no\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

TEST("D8", "strict ends", NONE)
{
	static const char *const odd[] = {
		"hello\r\n", "\r\n", "250 nobody asked\r\n", "354 go\r\n", "35\r\n",
	};
	u32 i, strict;

	for (i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		for (strict = 0; strict < 2; strict++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			if (strict)
				smtp_policy_set_strict(&f.policy);
			fix_open(&f);
			/* Its last reply has arrived, nothing is to be saved */
			fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
			assert_int_equal(fix_at(&f, SMTP_SERVER, f.at[SMTP_SERVER], odd[i]),
					 strict ? -2 : (int)strlen(odd[i]));
			assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
			assert_int_equal(COUNT(CONNECTIONS_ENDED), strict);
			if (strict)
				client_cut(&f, "NOOP\r\n", -1);
			fix_end(&f);
		}
	}
}

/* What was in order passes, however it ends: a client that loses the 250 of a
 * mail sends that again
 */
TEST("D8", "what was in order passes", NONE)
{
	u32 at;

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	smtp_policy_set_strict(&f.policy);
	fix_body(&f);
	client(&f, "a\r\n.\r\n", "a\r\n.\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250\r\n250 Ok id\r\n"), 5);
	left(&f, "250\r\n");
	/* ... however often it is lost on its way to the client */
	f.no_acks = true;
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250\r\n250 Ok id\r\n"), 5);
	left(&f, "250\r\n");
	assert_int_equal(fix_at(&f, SMTP_SERVER, at + 5, "250 Ok id\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[SMTP_CLIENT], "QUIT\r\n"), -1);
	assert_false(smtp_flow_finished(&f.flow));
	/* Then it is over */
	fix_ack(&f, SMTP_SERVER, at + 5);
	assert_true(smtp_flow_finished(&f.flow));
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250\r\n250 Ok id\r\n"), -1);
	assert_int_equal(smtp_flow_ended(&f.flow), SMTP_RESET);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
	fix_end(&f);

	/* Of several lines: the reply that answers nothing is cut off whole */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	smtp_policy_set_strict(&f.policy);
	fix_open(&f);
	client(&f, "NOOP\r\n", "NOOP\r\n");
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at,
				"250 a\r\n250-b\r\n250 c\r\n"), 7);
	left(&f, "250 a\r\n");
}

/* The same of what the client says; and its commands are answered */
TEST("V5", "what was in order passes", NONE)
{
	static const u8 rejects[] = { SMTP_FIXUP_REJECT_DROP, SMTP_FIXUP_REJECT_RESET };
	u32 i, at;

	for (i = 0; i < 2; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.reject = rejects[i];
		fix_body(&f);
		at = f.at[SMTP_CLIENT];
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at,
					"a\r\n.\r\nNOOP\r\nEXPN\nNOOP\r\n"), 12);
		left(&f, "a\r\n.\r\nNOOP\r\n");
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 12, "EXPN\nNOOP\r\n"), -1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a\r\n.\r\nNOOP\r\nEX"), 12);
		left(&f, "a\r\n.\r\nNOOP\r\n");
		assert_false(smtp_flow_finished(&f.flow));
		/* Both replies, and nothing behind them */
		server(&f, "250 queued\r\n", "250 queued\r\n");
		at = f.at[SMTP_SERVER];
		assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250 a\r\n421 b\r\n"), 7);
		left(&f, "250 a\r\n");
		fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
		assert_false(smtp_flow_finished(&f.flow));
		fix_ack(&f, SMTP_SERVER, at + 7);
		assert_true(smtp_flow_finished(&f.flow));
		assert_int_equal(fix_at(&f, SMTP_SERVER, at + 7, "421 b\r\n"), -1);
		fix_end(&f);
	}
}

/* The line that ends the connection is never answered: not even if the server has got
 * all of an EHLO (D11)
 */
TEST("V5 D11", "the last reply is no EHLO's", NONE)
{
	fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
	f.policy.banner = SMTP_FIXUP_BANNER_KEEP;
	f.policy.reject = SMTP_FIXUP_REJECT_RESET;
	server(&f, "220 a\r\n", "220 a\r\n");
	client(&f, "NOOP\r\nEHLO", "NOOP\r\nEHLO");
	client_cut(&f, "EHLO\r\n", -1);
	server(&f, "250-a\r\n250 nobody\r\n", "250-a\r\n250 nobody\r\n");
}

/* H5: where memory is taken back meanwhile, nothing more passes */
TEST("H5 V5", "given up while replies are due", FIXUP)
{
	u32 at;

	f.policy.reject = SMTP_FIXUP_REJECT_DROP;
	fix_open(&f);
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "NOOP\r\nEXPN\r\n"), 6);
	assert_true(smtp_flow_give_up(&f.flow, HOST_OF(&f.flow)));
	at = f.at[SMTP_SERVER];
	assert_int_equal(fix_at(&f, SMTP_SERVER, at, "250-a\r\n"), -1);
}

/* RFC 5321, 3.8: a server that has to close may say so at any time */
TEST("D8", "strict lets 421 be", FIXUP)
{
	smtp_policy_set_strict(&f.policy);
	fix_open(&f);
	server(&f, "421 shutting down\r\n", "421 shutting down\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	assert_int_equal(COUNT(CONNECTIONS_ENDED), 0);
}

/* D5: any number of steps; "*" is a response like any other, what the server
 * says to it decides
 */
TEST("D5", "steps and cancel", ESMTP)
{
	u32 i;

	fix_open(&f);
	client(&f, "AUTH GSSAPI\r\n", "AUTH GSSAPI\r\n");
	for (i = 0; i < 20; i++) {
		server(&f, "334-a\r\n334 b\r\n", "334-a\r\n334 b\r\n");
		assert_int_equal(PHASE(&f), SMTP_FIXUP_PHASE_AUTH);
		client_cut(&f, "STARTTLS\r\nEXPN\r\n", 10);
	}
	server(&f, "235 ok\r\n", "235 ok\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	server(&f, "500 no\r\n", "500 no\r\n");

	client(&f, "AUTH LOGIN\r\n", "AUTH LOGIN\r\n");
	server(&f, "334 \r\n", "334 \r\n");
	client_cut(&f, "*\r\nEXPN\r\n", 3);
	/* It goes on all the same */
	server(&f, "334 \r\n", "334 \r\n");
	client(&f, "*\r\n", "*\r\n");
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "501 cancelled\r\n", "501 cancelled\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
}

static void tls_begin(struct fix *f)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_tls(&f->policy, SMTP_FIXUP_TLS_ALLOW);
	fix_open(f);
}

TEST("S2", "opaque after 220", NONE)
{
	tls_begin(&f);
	/* What lies behind STARTTLS waits: no plaintext injection */
	client_cut(&f, "STARTTLS\r\nEXPN\r\n", 10);
	client_cut(&f, "EXPN\r\n", -1);
	server(&f, "220 go\r\n250-x\r\n", "220 go\r\n250-x\r\n");
	client(&f, "EXPN\r\n", "EXPN\r\n");
	server(&f, "250-a\r\n250 HELP\r\n", "250-a\r\n250 HELP\r\n");
	assert_int_equal(COUNT(TLS_STARTED), 1);
	/* For good, in any order */
	assert_int_equal(fix_at(&f, SMTP_CLIENT, 9000, "EXPN\r\n"), 6);
	left(&f, "EXPN\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	fix_ack(&f, SMTP_SERVER, f.at[SMTP_SERVER]);
	assert_true(smtp_flow_opaque(&f.flow));
	assert_int_equal(host.bytes, 0);
}

TEST("S2", "refused", NONE)
{
	tls_begin(&f);
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	server(&f, "454 no\r\n", "454 no\r\n");
	client(&f, "EXPN\r\n", "XXXX\r\n");
	assert_false(smtp_flow_opaque(&f.flow));
}

TEST("S3", "nothing before TLS", ESMTP)
{
	static const char *const plain[] = {
		"EHLO a\r\n", "HELO a\r\n", "NOOP\r\n", "RSET\r\n", "QUIT\r\n",
	};
	static const char *const later[] = {
		"MAIL", "RCPT", "DATA", "AUTH", "ETRN", "HELP", "SAML", "SEND",
		"SOML", "VRFY",
	};
	char in[16], out[16];
	u32 i;

	smtp_policy_set_tls(&f.policy, SMTP_FIXUP_TLS_REQUIRE);
	assert_null(smtp_policy_check(&f.policy, &(u8){ 0 }));
	fix_open(&f);
	for (i = 0; i < sizeof(later) / sizeof(*later); i++) {
		sprintf(in, "%s\r\n", later[i]);
		sprintf(out, "%.*s\r\n", (int)strlen(later[i]), "XXXXXXXX");
		client(&f, in, out);
		server(&f, "500 no\r\n", "500 no\r\n");
	}
	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		client(&f, plain[i], plain[i]);
		server(&f, "250 ok\r\n", "250 ok\r\n");
	}
	client(&f, "EHLO a\r\n", "EHLO a\r\n");
	server(&f, "250-a\r\n250 STARTTLS\r\n", "250-a\r\n250 STARTTLS\r\n");
	/* A refused STARTTLS changes nothing */
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	server(&f, "454 no\r\n", "454 no\r\n");
	client(&f, "MAIL FROM:<a>\r\n", "XXXX FROM:<a>\r\n");
	server(&f, "500 no\r\n", "500 no\r\n");
	client(&f, "STARTTLS\r\n", "STARTTLS\r\n");
	server(&f, "220 go\r\n", "220 go\r\n");
	client(&f, "MAIL FROM:<a>\r\n", "MAIL FROM:<a>\r\n");
}

/* D9: nothing changes after TLS has started, but what came before stays as
 * it was judged
 */
TEST("D9", "TLS replays plaintext", NONE)
{
	u32 at;

	tls_begin(&f);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	client(&f, "EXPN\r\nSTARTTLS\r\n", "XXXX\r\nSTARTTLS\r\n");
	server(&f, "500 a\r\n220 go\r\n", "500 a\r\n220 go\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "EXPN\r\nSTARTTLS\r\nEXPN"), 20);
	left(&f, "XXXX\r\nSTARTTLS\r\nEXPN");
}
