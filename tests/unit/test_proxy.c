// SPDX-License-Identifier: GPL-2.0-only
/* The PROXY protocol: V11. */
#include "unit.h"

struct header {
	const char *bytes;
	u32 n;
};

#define HEADER(text)	((struct header){ .bytes = (text), .n = sizeof(text) - 1 })
#define SIGNATURE	"\r\n\r\n\0\r\nQUIT\n"
#define TEN(x)		x x x x x x x x x x
#define V6		"2001:0db8:1111:2222:3333:4444:5555:6666 "

static const struct header headers[] = {
	HEADER("PROXY TCP4 192.0.2.1 198.51.100.1 40000 25\r\n"),
	HEADER("PROXY UNKNOWN\r\n"),
	HEADER("PROXY UNKNOWN " V6 V6 "65535 25 ab\r\n"),	/* 107 octets */
	HEADER(SIGNATURE "\x21\x11\0\x0c" "\n\r\n.\xc6\x33\x64\x01\x9c\x40\0\x19"),
	HEADER(SIGNATURE "\x20\0\0\0"),		/* a health check */
	HEADER(SIGNATURE "\x21\x21\0\x2a" "\r\nEXPN a\r\nEXPN b\r\n" TEN("\n") TEN("\r") "\4\0\1x"),
	/* 536 octets */
	HEADER(SIGNATURE "\x20\x11\x02\x08" TEN(TEN("12345")) "12345678" "1234567890" "12"),
};

static const struct header bad[] = {
	HEADER("PROXY  \r\r"),
	HEADER("PROXY TCP4 \x01"),
	HEADER("PROXY TCP4\n"),
	HEADER("PROXY UNKNOWN " V6 V6 "65535 25 abc\r"),	/* 108 octets */
	HEADER("PROXZ"),
	HEADER("PE"),
	HEADER("\r\n\r\n\0\r\nQUIT\r"),
	HEADER("\r\nE"),
	HEADER(SIGNATURE "\x11"),
	HEADER(SIGNATURE "\x22"),
	HEADER(SIGNATURE "\x21\x40"),
	HEADER(SIGNATURE "\x21\x13"),
	HEADER(SIGNATURE "\x21\x11\x02\x09"),	/* 537 octets */
};

static void proxied(struct fix *f)
{
	fix_begin(f, SMTP_FIXUP_MODE_ESMTP);
	f->policy.proxy_protocol = SMTP_FIXUP_PROXY_PROTOCOL_ALLOW;
}

/* Octets that pass unchanged. Returns what became of the last segment. */
static int passes(struct fix *f, const char *bytes, u32 n)
{
	int pass = fix_segment(f, SMTP_CLIENT, f->at[SMTP_CLIENT], bytes, n);

	if (pass == (int)n)
		assert_memory_equal(f->out, bytes, n);
	return pass;
}

/* As always from then on, as the first of the connection */
static void goes_on(struct fix *f)
{
	assert_int_equal(COUNT(PROXY_HEADERS), 1);
	assert_int_equal(host_events("V11"), 0);
	assert_int_equal(passes(f, "EHLO a\r\n", 8), -1);
	assert_string_equal(smtp_session_awaited(&f->flow.session), "a PROXY header");
	server(f, "220 mail ESMTP\r\n", "220 **********\r\n");
	client(f, "EHLO a\r\n", "EHLO a\r\n");
	server(f, "250-a\r\n250 XYZ\r\n", "250-a\r\n250 XXA\r\n");
	client(f, "PROXY TCP4\r\nEXPN b\r\n", "XXXXX TCP4\r\nXXXX b\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 0);
	assert_int_equal(COUNT(PROXY_HEADERS), 1);
}

TEST("V11", "a header passes, in two segments cut anywhere", NONE)
{
	u32 i, k;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		for (k = 0; k < headers[i].n; k++) {
			proxied(&f);
			if (k)
				assert_int_equal(passes(&f, headers[i].bytes, k), k);
			assert_int_equal(passes(&f, headers[i].bytes + k, headers[i].n - k),
					 headers[i].n - k);
			goes_on(&f);
			fix_end(&f);
		}
}

TEST("V11", "an octet at a time", NONE)
{
	u32 i, k;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		proxied(&f);
		for (k = 0; k < headers[i].n; k++)
			assert_int_equal(passes(&f, headers[i].bytes + k, 1), 1);
		goes_on(&f);
		fix_end(&f);
	}
}

/* The client's first command waits, in whatever segment it comes */
TEST("V11", "what follows waits for the greeting", NONE)
{
	char both[600];
	u32 i, n;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		n = headers[i].n;
		memcpy(both, headers[i].bytes, n);
		memcpy(both + n, "EXPN a\r\n", 8);
		proxied(&f);
		assert_int_equal(passes(&f, both, n + 8), n);
		server(&f, "220 a\r\n", "220 *\r\n");
		client(&f, "EXPN a\r\n", "XXXX a\r\n");
		fix_end(&f);
	}
}

/* A server that takes no header answers it. No reply to a command is that one */
TEST("V11 D11", "a server that takes no header", NONE)
{
	proxied(&f);
	client(&f, "PROXY UNKNOWN\r\n", "PROXY UNKNOWN\r\n");
	server(&f, "220 a\r\n500 what\r\n", "220 *\r\n500 what\r\n");
	assert_int_equal(COUNT(REPLIES_UNEXPECTED), 1);
	client(&f, "DATA\r\n", "DATA\r\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "EXPN a\r\n.\r\nEXPN b\r\n", "EXPN a\r\n.\r\nXXXX b\r\n");
}

TEST("V11", "none once the server has spoken, and none later", NONE)
{
	u32 i;

	proxied(&f);
	server(&f, "2", "2");
	client(&f, "PROXY UNKNOWN\r\n", "XXXXX UNKNOWN\r\n");
	fix_end(&f);

	proxied(&f);
	client(&f, "NOOP\r\nPROXY UNKNOWN\r\n", "NOOP\r\nXXXXX UNKNOWN\r\n");
	fix_end(&f);

	/* It begins, the server speaks */
	for (i = 1; i < headers[0].n; i++) {
		proxied(&f);
		assert_int_equal(passes(&f, headers[0].bytes, i), i);
		server(&f, "220 a\r\n", "220 *\r\n");
		assert_true(passes(&f, headers[0].bytes + i, headers[0].n - i) < 0);
		assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
		fix_end(&f);
	}
}

TEST("V11", "what only begins like a header", NONE)
{
	u32 i, k;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		/* Whole in sight it is judged as commands are */
		proxied(&f);
		assert_true(fix_segment(&f, SMTP_CLIENT, 0, bad[i].bytes, bad[i].n) > 0);
		assert_int_equal(COUNT(PROXY_HEADERS), 0);
		if (*bad[i].bytes == 'P')
			assert_memory_equal(f.out, "XX", 2);
		else
			assert_int_equal(f.out_len, 2);
		fix_end(&f);
		/* Else the connection ends */
		proxied(&f);
		for (k = 0; k + 1 < bad[i].n; k++)
			assert_int_equal(passes(&f, bad[i].bytes + k, 1), 1);
		assert_true(passes(&f, bad[i].bytes + k, 1) < 0);
		assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
		fix_end(&f);
	}
}

TEST("V11", "off: blocked, and told once", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		assert_true(fix_segment(&f, SMTP_CLIENT, 0, headers[i].bytes, headers[i].n) > 0);
		if (*headers[i].bytes == 'P')
			assert_memory_equal(f.out, "XXXXX ", 6);
		assert_int_equal(host_events("V11"), 1);
		assert_int_equal(COUNT(PROXY_HEADERS), 1);
		fix_end(&f);
	}
	for (i = 1; i < headers[0].n; i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		client_steps(&f, i, headers[0].bytes,
			     "XXXXX TCP4 192.0.2.1 198.51.100.1 40000 25\r\n");
		assert_int_equal(host_events("V11"), 1);
		fix_end(&f);
	}
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	client(&f, "PROX Y\r\n", "XXXX Y\r\n");
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "PROXY UNKNOWN\r\n", "XXXXX UNKNOWN\r\n");
	assert_int_equal(host_events("V11"), 0);
}

/* The CRs of a header say nothing of its client's line ends: V7 */
TEST("V11 V7", "a client that ends its lines in LF", NONE)
{
	proxied(&f);
	client(&f, "PROXY UNKNOWN\r\n", "PROXY UNKNOWN\r\n");
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "DATA\n", "DATA\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "a\n.\n", "a\n.\n");
}

/* L: it is no command line, of whatever length */
TEST("V11 L", "no limit of commands", ASA)
{
	f.policy.proxy_protocol = SMTP_FIXUP_PROXY_PROTOCOL_ALLOW;
	assert_int_equal(passes(&f, headers[6].bytes, headers[6].n), headers[6].n);
	assert_int_equal(COUNT(COMMAND_LINES_LONG), 0);
}
