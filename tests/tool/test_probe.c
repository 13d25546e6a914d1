// SPDX-License-Identifier: GPL-2.0-only
/* probe: what replies tell, and a server that means no good. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake.h"
#include "probe.h"

#define CLEAN_EHLO "250-mx.example.net\n250-PIPELINING\n250-SIZE 10240000\n250-STARTTLS\n250 8BITMIME\n"
#define PLAIN_EHLO "250-mx.example.net\n250-PIPELINING\n250 8BITMIME\n"
#define MASKED_EHLO "250-mx.example.net\n250-PIPELINING\n250-XXXXXXXA\n250 XXXXXXXB\n"
#define UNKNOWN "500 5.5.2 Error: command not recognized\n"

/* Greeting, EHLO, goodmorning, STARTTLS */
static const struct {
	const char *name;
	const char *reply[PROBE_STEPS];
	const char *verdict;
	u32 findings;
} table[] = {
	/* Servers as they are */
	{ "Postfix", { "220 mx.example.net ESMTP Postfix (Debian/GNU)\n", CLEAN_EHLO,
	  UNKNOWN, "220 2.0.0 Ready to start TLS\n" }, "none", PROBE_BIT(TLS_OFFERED) },
	{ "Postfix without TLS", { "220 mx.example.net ESMTP Postfix\n", PLAIN_EHLO,
	  UNKNOWN, "502 5.5.1 Error: command not implemented\n" }, "none",
	  PROBE_BIT(TLS_UNKNOWN) },
	{ "Sendmail", { "220 mx ESMTP Sendmail 8.17.1/8.17.1; Mon, 2 Jan 2023\n", CLEAN_EHLO,
	  "500 5.5.1 Command unrecognized: \"goodmorning\"\n", "220 2.0.0 Ready\n" },
	  "none", PROBE_BIT(TLS_OFFERED) | PROBE_BIT(UNCHANGED) },
	{ "Exim", { "220 mx.example.net ESMTP Exim 4.96\n", PLAIN_EHLO,
	  "500 unrecognized command\n", "503 STARTTLS command used when not advertised\n" },
	  "none", PROBE_BIT(TLS_UNKNOWN) },
	{ "OpenSMTPD", { "220 mx ESMTP OpenSMTPD\n", PLAIN_EHLO,
	  "500 5.5.1 Invalid command: Command unrecognized\n",
	  "503 5.5.1 Invalid command: Command not supported\n" }, "none",
	  PROBE_BIT(TLS_UNKNOWN) },
	{ "a greeting of several lines", { "220-mx ESMTP\n220-no spam\n220 please\n",
	  CLEAN_EHLO, UNKNOWN, "220 go\n" }, "none", PROBE_BIT(TLS_OFFERED) },
	{ "a server older than ESMTP", { "220 mx SMTP ready\n", UNKNOWN, UNKNOWN, "" },
	  "none", PROBE_BIT(EHLO_REFUSED) },
	{ "some stars in a greeting", { "220 ** mx.example.net ESMTP **\n", CLEAN_EHLO,
	  UNKNOWN, "220 go\n" }, "none", PROBE_BIT(TLS_OFFERED) },
	{ "a keyword that begins with X", { "220 mx ESMTP\n",
	  "250-mx\n250-XCLIENT NAME\n250-X-EXPS\n250-XXX\n250 STARTTLS\n", UNKNOWN, "220 go\n" },
	  "none", PROBE_BIT(TLS_OFFERED) },
	{ "nothing behind the greeting", { "220\n", "", "", "" }, "none", 0 },
	{ "it ends behind EHLO", { "220 mx ESMTP\n", CLEAN_EHLO, "", "" }, "none",
	  PROBE_BIT(TLS_OFFERED) },
	{ "TLS out of order", { "220 mx ESMTP\n", CLEAN_EHLO, UNKNOWN,
	  "454 4.7.0 TLS not available due to local problem\n" }, "none",
	  PROBE_BIT(TLS_OFFERED) },

	/* G6, V4 */
	{ "PIX 4.0", { "220 SMTP/cmap____________________________read\n", "250 OK\n",
	  "250 2.0.0 Ok\n", "250 OK\n" }, "mailhost", PROBE_BIT(CMAP) | PROBE_BIT(NOOP) },
	{ "PIX 4.0, an older server", { "220 SMTP/cmapread\n", UNKNOWN, UNKNOWN, "" },
	  "mailhost", PROBE_BIT(CMAP) | PROBE_BIT(EHLO_REFUSED) },
	{ "PIX 4.1, greeting too short", { "220 ********\n", "250 OK\n", "250 OK\n", "250 OK\n" },
	  "mailhost", PROBE_BIT(STARS) | PROBE_BIT(NOOP) },
	{ "no cmap", { "220 SMTP/cmap___x___read\n", CLEAN_EHLO, UNKNOWN, "220 go\n" }, "none",
	  PROBE_BIT(TLS_OFFERED) },

	/* G3 */
	{ "PIX 6.3 before Exchange", {
	  "220 ****2********************************************\n",
	  "500 5.3.3 Unrecognized command\n", "500 5.3.3 Unrecognized command\n", "" },
	  "fixup", PROBE_BIT(STARS_20) | PROBE_BIT(EHLO_REFUSED) },
	{ "PIX 6.3 before Sendmail", {
	  "220 ************0 *****2002*0\n",
	  "500 5.5.1 Command unrecognized: \"XXXX [192.0.2.1]\"\n",
	  "500 5.5.1 Command unrecognized: \"XXXXXXXXXXX\"\n", "" }, "fixup",
	  PROBE_BIT(STARS_20) | PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(XS) },
	{ "a space that no mask leaves", { "220 *** ****2**\n", CLEAN_EHLO, UNKNOWN, "220 go\n" },
	  "none", PROBE_BIT(TLS_OFFERED) },
	{ "several lines, masked", { "220-****2\n220 **\n", "502 no\n", UNKNOWN, "" }, "fixup",
	  PROBE_BIT(STARS_20) | PROBE_BIT(EHLO_REFUSED) },
	/* G4 */
	{ "PIX 4.4, or a greeting without 2 and 0", { "220 ***************\n", UNKNOWN, UNKNOWN, "" },
	  "fixup", PROBE_BIT(STARS) | PROBE_BIT(EHLO_REFUSED) },
	{ "fixup with the greeting left alone", { "220 mx ESMTP\n",
	  "500 unknown command XXXX\n", "500 unknown command XXXXXXXXXXX\n", "" }, "fixup",
	  PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(XS) | PROBE_BIT(ESMTP_DENIED) },

	/* E1 */
	{ "ASA, TLS masked", { "220 ************\n", MASKED_EHLO, UNKNOWN, UNKNOWN }, "esmtp",
	  PROBE_BIT(STARS) | PROBE_BIT(KEYWORDS) | PROBE_BIT(TLS_UNKNOWN) },
	{ "PIX 7.x", { "220 ***2***0 ***\n", MASKED_EHLO, UNKNOWN,
	  "500 unknown: XXXXXXXX\n" }, "esmtp",
	  PROBE_BIT(STARS_20) | PROBE_BIT(KEYWORDS) | PROBE_BIT(TLS_UNKNOWN) | PROBE_BIT(XS) },
	{ "ASA, TLS allowed", { "220 ************\n",
	  "250-mx\n250-XXXXXXXA\n250 STARTTLS\n", UNKNOWN, "220 go\n" }, "asa",
	  PROBE_BIT(STARS) | PROBE_BIT(KEYWORDS) | PROBE_BIT(TLS_OFFERED) },
	{ "ASA, nothing to mask", { "220 ************\n", CLEAN_EHLO, UNKNOWN, "220 go\n" },
	  "asa", PROBE_BIT(STARS) | PROBE_BIT(TLS_OFFERED) },
	{ "ASA, nothing to mask and no TLS", { "220 ************\n", PLAIN_EHLO, UNKNOWN, UNKNOWN },
	  "esmtp", PROBE_BIT(STARS) | PROBE_BIT(TLS_UNKNOWN) },
	{ "letters out of order are no mask", { "220 mx ESMTP\n",
	  "250-mx\n250-XXXXXXXB\n250 XXXXXXXC\n", UNKNOWN, UNKNOWN }, "none",
	  PROBE_BIT(TLS_UNKNOWN) },

	/* Things in between */
	{ "only X", { "220 mx\n", CLEAN_EHLO, "500 bad command 'XXXXXXXXXXX'\n", "220 go\n" },
	  "other", PROBE_BIT(XS) | PROBE_BIT(TLS_OFFERED) },
	{ "more X than were sent", { "220 mx\n", CLEAN_EHLO, "500 XXXXXXXXXXXXXXXXXXXX\n",
	  "220 go\n" }, "none", PROBE_BIT(TLS_OFFERED) },
	{ "EHLO denied", { "220 mx ESMTP\n", UNKNOWN, UNKNOWN, "" }, "other",
	  PROBE_BIT(EHLO_REFUSED) | PROBE_BIT(ESMTP_DENIED) },
	{ "STARTTLS blocked", { "220 mx\n", CLEAN_EHLO, UNKNOWN, UNKNOWN }, "other",
	  PROBE_BIT(TLS_OFFERED) | PROBE_BIT(TLS_BLOCKED) },
	{ "STARTTLS hidden", { "220 mx\n", PLAIN_EHLO, UNKNOWN, "220 go\n" }, "other",
	  PROBE_BIT(TLS_HIDDEN) },
};

static void replies_and_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct probe p = { 0 };
		u32 found;

		for (int step = 0; step < PROBE_STEPS; step++) {
			strcpy(p.reply[step].text, table[i].reply[step]);
			p.reply[step].code = atoi(table[i].reply[step]);
		}
		found = probe_findings(&p);
		if (found != table[i].findings)
			fail_msg("%s: findings %#x, not %#x", table[i].name, found,
				 table[i].findings);
		if (strcmp(probe_judge(found)->name, table[i].verdict))
			fail_msg("%s: %s, not %s", table[i].name,
				 probe_judge(found)->name, table[i].verdict);
	}
}

static void targets(void **state)
{
	static const struct {
		const char *word;
		const char *host;
		u16 port;
	} good[] = {
		{ "mx.example.net", "mx.example.net", 25 },
		{ "mx.example.net:587", "mx.example.net", 587 },
		{ "192.0.2.1:2525", "192.0.2.1", 2525 },
		{ "2001:db8::1", "2001:db8::1", 25 },
		{ "::1", "::1", 25 },
		{ "[::1]", "::1", 25 },
		{ "[2001:db8::1]:26", "2001:db8::1", 26 },
		{ "[mx.example.net]:26", "mx.example.net", 26 },
	};
	static const char *const bad[] = {
		"", ":25", "[]", "[]:25", "[::1", "[::1]25", "[::1]:", "mx:", "mx:0",
		"mx:65536", "mx:25-26", "mx:25,26", "mx:smtp",
	};
	char host[PROBE_HOST_SIZE], longest[PROBE_HOST_SIZE + 1];
	struct reason why;
	u16 port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(probe_target(good[i].word, host, &port, &why), 0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!probe_target(bad[i], host, &port, &why))
			fail_msg("takes '%s'", bad[i]);
	}
	memset(longest, 'x', sizeof(longest));
	longest[PROBE_HOST_SIZE] = '\0';
	assert_int_equal(probe_target(longest, host, &port, &why), -1);
	longest[PROBE_HOST_SIZE - 1] = '\0';
	assert_int_equal(probe_target(longest, host, &port, &why), 0);
}

/* --- a server's end that sends something and then waits or closes */

struct server {
	int fd;
	const char *says;
	bool for_ever;
	bool stays;
};

static void *serve(void *data)
{
	const struct server *s = data;
	char sink[256];

	do {
		if (send(s->fd, s->says, strlen(s->says), MSG_NOSIGNAL) < 0)
			break;
	} while (s->for_ever);
	if (!s->stays)
		shutdown(s->fd, SHUT_WR);
	while (recv(s->fd, sink, sizeof(sink), 0) > 0)
		;
	return NULL;
}

/* Ends within a second and a bit, whatever the server does */
static int talk(struct server s, struct probe *p, struct reason *why)
{
	pthread_t thread;
	int fd[2], rc;

	memset(why, 0, sizeof(*why));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	s.fd = fd[1];
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	rc = probe_talk(p, fd[0], 1, why);
	close(fd[0]);
	pthread_join(thread, NULL);
	close(fd[1]);
	return rc;
}

static void talk_bounded(void **state)
{
	static const struct {
		struct server server;
		const char *says;
	} bad[] = {
		{ { .says = "", .stays = true }, "no answer within 1 s (greeting)" },
		{ { .says = "220-x\r\n", .stays = true }, "no answer within 1 s (greeting)" },
		{ { .says = "220 x\r\n", .stays = true }, "no answer within 1 s (EHLO)" },
		{ { .says = "" }, "without a greeting" },
		{ { .says = "220-x\r\n" }, "without a greeting" },
		{ { .says = "x", .for_ever = true }, "a line without end" },
		{ { .says = "220-x\r\n", .for_ever = true }, "has no end" },
		{ { .says = "220-\n", .for_ever = true }, "has no end" },
		{ { .says = "SSH-2.0-OpenSSH_9.2\r\n" }, "no reply of SMTP (greeting): 'SSH-2.0" },
		{ { .says = "\e[2J\r\n" }, "'?[2J'" },
		{ { .says = "120 x\r\n" }, "no reply of SMTP" },
		{ { .says = "2201x\r\n" }, "no reply of SMTP" },
		{ { .says = "22\r\n" }, "no reply of SMTP" },
		{ { .says = "\r\n" }, "no reply of SMTP" },
		{ { .says = "554 no\r\n" }, "won't talk: '554 no" },
		{ { .says = "421-no\r\n421 no\r\n" }, "won't talk: '421-no?421 no" },
	};
	struct probe p;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(talk(bad[i].server, &p, &why), -1);
		assert_int_equal(why.status, EXIT_LOCAL);
		if (!strstr(why.text, bad[i].says))
			fail_msg("'%s' lacks '%s'", why.text, bad[i].says);
	}
}

static void talk_whole(void **state)
{
	struct probe p;
	struct reason why;

	(void)state;
	assert_int_equal(talk((struct server){ .says =
			      "220 mx\r\n250-mx\n250 \r\n500-no\r\n500 really\r\n220\r\n" },
			      &p, &why), 0);
	assert_string_equal(p.reply[PROBE_GREETING].text, "220 mx\n");
	assert_string_equal(p.reply[PROBE_EHLO].text, "250-mx\n250 \n");
	assert_int_equal(p.reply[PROBE_EHLO].code, 250);
	assert_string_equal(p.reply[PROBE_GOODMORNING].text, "500-no\n500 really\n");
	assert_string_equal(p.reply[PROBE_STARTTLS].text, "220\n");

	/* The connection ends on the way: what there is counts */
	assert_int_equal(talk((struct server){ .says = "220 mx\r\n250 mx\r\n500-" }, &p, &why), 0);
	assert_int_equal(p.reply[PROBE_EHLO].code, 250);
	assert_int_equal(p.reply[PROBE_GOODMORNING].code, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_and_verdicts),
		cmocka_unit_test(targets),
		cmocka_unit_test(talk_bounded),
		cmocka_unit_test(talk_whole),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
