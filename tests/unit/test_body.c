// SPDX-License-Identifier: GPL-2.0-only
/* The body: D3, D4, D9. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../kmod/core/data/eod.h"
#include "../../kmod/core/data/marks.h"
#include "../../kmod/core/scan/find.h"
#include "unit.h"

#define PHASE(f)	((f)->flow.session.phase)

static const struct {
	const char *in;
	const char *out;	/* NULL: as @in */
	bool ends;
} bodies[] = {
	/* D3 */
	{ ".\r\n", NULL, true },
	{ "\r\n.\r\n", NULL, true },
	{ "a\r\n.\r\n", NULL, true },
	{ "a\r\n..\r\n", NULL, false },
	{ "a\r\n.b\r\n", NULL, false },
	{ "a.\r\n", NULL, false },
	{ "a\r\n. \r\n", NULL, false },
	{ "..\r\n.\r\n", NULL, true },
	{ "\r\n\r\n.\r\n", NULL, true },
	/* D9: nothing in a body is masked */
	{ "EXPN root\r\nVRFY\r\n250-STARTTLS\r\n", NULL, false },
	{ "a\rb\nc\r\r\n\nd\r\n", NULL, false },
	{ "\n.a\r.b\r\n.c", NULL, false },
	{ "\x80\xff\r\n", NULL, false },
	/* D4 */
	{ "a\n.\n", "a\n \n", false },
	{ "a\n.\r\n", "a\n \r\n", false },
	{ "a\r\n.\n", "a\r\n \n", false },
	{ "a\r.\r", "a\r \r", false },
	{ "a\r\n.\rb", "a\r\n \rb", false },
	{ "a\r.\r\n", "a\r \r\n", false },
	{ "a\r.\n", "a\r \n", false },
	{ "a\n.\r", "a\n \r", false },
	{ ".\n", " \n", false },
	{ ".\rx", " \rx", false },
	{ "a\n.\n.\r\n.\r\n", "a\n \n \r\n.\r\n", true },
	{ "a\r\n.\r\r\n", "a\r\n \r\r\n", false },
};

#define NR_BODIES (sizeof(bodies) / sizeof(*bodies))

TEST("D3 D4 D9", "whole", NONE)
{
	u32 i, frag;

	for (i = 0; i < NR_BODIES; i++) {
		for (frag = 0; frag < 4; frag++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			f.frag = frag;
			fix_body(&f);
			client(&f, bodies[i].in,
			       bodies[i].out ? bodies[i].out : bodies[i].in);
			assert_int_equal(PHASE(&f), bodies[i].ends ?
					 SMTP_FIXUP_PHASE_COMMAND :
					 SMTP_FIXUP_PHASE_BODY);
			assert_int_equal(COUNT(SMUGGLING_DOTS),
					 bodies[i].out ? strstr(bodies[i].in, ".\n.\r") ? 2 : 1 : 0);
			fix_end(&f);
		}
	}
}

static bool eol(char c)
{
	return c == '\r' || c == '\n';
}

/* In pieces another octet may be the one that is overwritten, but what no
 * RFC forbids leaves as it came, and nothing that looks like an end does.
 */
TEST("D3 D4 D9", "in pieces", NONE)
{
	u32 i, step, at, k;

	for (i = 0; i < NR_BODIES; i++) {
		for (step = 1; step < 6; step++) {
			char all[200] = "";
			u32 len = 0, n = strlen(bodies[i].in);
			int pass = 0;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			fix_body(&f);
			for (at = 0; at < n && pass != -2; at += step) {
				k = n - at < step ? n - at : step;
				pass = fix_segment(&f, SMTP_CLIENT,
						   f.at[SMTP_CLIENT],
						   bodies[i].in + at, k);
				if (pass == -2)
					break;
				assert_int_equal(pass, k);
				memcpy(all + len, f.out, pass);
				len += pass;
			}
			if (!bodies[i].out) {
				assert_int_equal(len, n);
				assert_memory_equal(all, bodies[i].in, n);
			}
			/* CRLF.CR may have left before what shows it is not */
			if (pass == -2)
				assert_non_null(strstr(bodies[i].in, ".\r"));
			for (k = 0; k + 2 < len && !bodies[i].ends; k++)
				if (eol(all[k]) && all[k + 1] == '.' &&
				    eol(all[k + 2]))
					assert_true(pass == -2 || k + 3 == len);
			fix_end(&f);
		}
	}
}

/* D3: the terminator split at every place, commands behind it */
TEST("D3", "split", NONE)
{
	static const char text[] = "x\r\n..\r\n.\r\nEXPN a\r\nNOOP\r\n";
	u32 a, b;

	for (a = 1; a < 11; a++) {
		for (b = a + 1; b < 12; b++) {
			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			fix_body(&f);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0],
						     text, a), a);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0],
						     text + a, b - a), b - a);
			assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0],
						text + b),
					 (int)strlen(text + b));
			f.out[f.out_len] = 0;
			assert_null(strstr((char *)f.out, "EXPN"));
			assert_non_null(strstr((char *)f.out, "N a\r\nNOOP\r\n") ?
					(void *)1 : strstr((char *)f.out, "X a\r\nNOOP\r\n"));
			assert_int_equal(PHASE(&f), SMTP_FIXUP_PHASE_COMMAND);
			assert_int_equal(COUNT(MESSAGES), 1);
			fix_end(&f);
		}
	}
}

TEST("D3", "several messages in one segment", FIXUP)
{
	fix_body(&f);
	client_cut(&f, "a\r\n.\r\nMAIL FROM:<>\r\nDATA\r\nb\r\n.\r\n", 26);
	server(&f, "250 a\r\n250 b\r\n354 go\r\n", "250 a\r\n250 b\r\n354 go\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
	client(&f, "b\r\n.\r\nQUIT\r\n", "b\r\n.\r\nQUIT\r\n");
	assert_int_equal(COUNT(MESSAGES), 2);
}

/* 64 KB, every octet, and no write at all: D9 */
TEST("D9", "large", NONE)
{
	static char big[65001], copy[65001];
	u32 i, frag;

	for (i = 0; i < sizeof(big) - 1; i++)
		big[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' :
			 i % 78 == 0 && i % 3 ? ':' : (char)(i * 7 % 251 + 1);
	for (i = 0; i + 1 < sizeof(big) - 1; i++)
		if (eol(big[i]) && big[i + 1] == '.')
			big[i + 1] = ',';
	memcpy(copy, big, sizeof(big));
	for (frag = 0; frag < 3; frag++) {
		fix_begin(&f, SMTP_FIXUP_MODE_ESMTP);
		f.frag = frag * 1447;
		f.mss = 1448;
		fix_body(&f);
		f.writes = 0;
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0], big,
					     sizeof(big) - 1),
				 sizeof(big) - 1);
		assert_memory_equal(f.out, copy, sizeof(big) - 1);
		assert_int_equal(f.writes, 0);
		fix_end(&f);
	}
}

/* Contract 2: a repetition can't bring an end where there was none */
TEST("D4", "rewritten repetition", NONE)
{
	static const char *const evil[] = {
		"aa\r\n.\r\naa", "\r\n.\r\naaaa", "aaaa\r\n.\r\n", "aa\n.\naaaa",
		"aa\r.\raaaa", ".\r\naaaaaa", "aaaaa\n.\n", ".\naaaaaaa",
	};
	u32 i, at;

	for (i = 0; i < sizeof(evil) / sizeof(*evil); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		client(&f, "text\r\n", "text\r\n");
		at = f.at[SMTP_CLIENT];
		client(&f, "bbbbbbbbb", "bbbbbbbbb");
		client(&f, "more", "more");
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, evil[i]), -1);
		assert_int_equal(COUNT(BODY_REWRITES_REFUSED), 1);
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "bbbbbbbbb"), 9);
		fix_end(&f);
	}
}

/* The end of data itself leaves again as it was */
TEST("D3", "end repeated", FIXUP)
{
	u32 at;

	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	client(&f, "a\r\n.\r\nEXPN\r\n", "a\r\n.\r\nXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a\r\n.\r\nEXPN\r\n"), 12);
	left(&f, "a\r\n.\r\nXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 1, "\r\n.\r\nNOOP\r\n"), 11);
	left(&f, "\r\n.\r\nXXXX\r\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4, "\r\nEX"), 4);
	left(&f, "\r\nXX");
}

TEST("D4", "mask repeated", FIXUP)
{
	u32 at;

	fix_body(&f);
	at = f.at[SMTP_CLIENT];
	client(&f, "a\n.\nb\n.\nc", "a\n \nb\n \nc");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "a\n.\nb\n.\nc"), 9);
	left(&f, "a\n \nb\n \nc");
	assert_int_equal(COUNT(SMUGGLING_DOTS), 2);
}

/* A run of dots over two segments, and a mask behind it: the first mark
 * begins before the segment
 */
TEST("D4", "mask behind dots", FIXUP)
{
	fix_body(&f);
	client(&f, "\r\n.", "\r\n.");
	client(&f, ".\n\n.\r\n", ".\n\n \r\n");
}

/* CRLF.CR, undecided, and its repetition as something else */
TEST("D4", "undecided CR rewritten", FIXUP)
{
	u32 at;

	fix_body(&f);
	client(&f, ".", ".");
	at = f.at[SMTP_CLIENT];
	client(&f, "\r", "\r");
	if (fix_at(&f, SMTP_CLIENT, at, "\n") == 1)
		left(&f, "\r");
	client(&f, "\n", "\n");
	assert_int_equal(PHASE(&f), SMTP_FIXUP_PHASE_COMMAND);
}

TEST("D4", "reset when too late", FIXUP)
{
	fix_body(&f);
	client(&f, "a\r\n.\r", "a\r\n.\r");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, f.at[0], "b"), -2);
	assert_int_equal(COUNT(CONNECTIONS_DESYNCHRONISED), 1);
}

/* D4: a server that reads C strings (OpenSMTPD 6.8) takes a dot and NUL, with
 * anything up to the LF, for the end of data. In @in and @out '0' is NUL.
 */
static const struct {
	const char *in;
	const char *out;	/* NULL: as @in */
} nul_bodies[] = {
	{ "a\r\n.0\r\n", "a\r\n 0\r\n" },
	{ "a\r\n.0any\r\n", "a\r\n 0any\r\n" },
	{ "a\r\n.0\n", "a\r\n 0\n" },
	{ "a\r\n.0.0.\r\n", "a\r\n 0.0.\r\n" },
	{ "a\n.0\n", "a\n 0\n" },
	{ "a\n.0any\n", "a\n 0any\n" },
	{ "a\r.0\r", "a\r 0\r" },
	{ ".0\r\n", " 0\r\n" },
	{ "a\r\n.\r0\n", "a\r\n \r0\n" },
	{ "a\n.0\n.0\n", "a\n 0\n 0\n" },
	/* None of them */
	{ "a\r\n..0\r\n", NULL },
	{ "a\r\n0.\r\n", NULL },
	{ "a\r\n0.0\r\n", NULL },
	{ "a.0\r\n0.0.0", NULL },
	{ "0000\r\n.a0\r\n", NULL },
};

#define NR_NUL_BODIES (sizeof(nul_bodies) / sizeof(*nul_bodies))

static u32 nul_body(char *to, const char *from)
{
	u32 i;

	for (i = 0; from[i]; i++)
		to[i] = from[i] == '0' ? '\0' : from[i];
	return i;
}

/* Does a server that reads C strings find its end of data? */
static bool nul_ends(const char *body, u32 n)
{
	u32 i, line = 0;

	for (i = 0; i < n; i++) {
		if (body[i] != '\n' && body[i] != '\r')
			continue;
		if (i > line + 1 && body[line] == '.' && !body[line + 1])
			return true;
		line = i + 1;
	}
	return false;
}

TEST("D4", "NUL", NONE)
{
	char in[40], out[40], all[40];
	u32 i, step;

	for (i = 0; i < NR_NUL_BODIES; i++) {
		const char *want = nul_bodies[i].out ? nul_bodies[i].out :
				   nul_bodies[i].in;
		u32 n = nul_body(in, nul_bodies[i].in);

		nul_body(out, want);
		for (step = 1; step <= n; step++) {
			u32 at, k, len = 0;
			int pass = 0;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			fix_body(&f);
			for (at = 0; at < n; at += k) {
				k = n - at < step ? n - at : step;
				pass = fix_segment(&f, SMTP_CLIENT, f.at[0],
						   in + at, k);
				if (pass == -2)
					break;
				assert_int_equal(pass, k);
				memcpy(all + len, f.out, k);
				len += k;
			}
			/* CRLF.CR may have left before what shows it is not */
			if (pass == -2)
				assert_non_null(strstr(nul_bodies[i].in, ".\r0"));
			assert_false(nul_ends(all, len));
			assert_int_equal(PHASE(&f), SMTP_FIXUP_PHASE_BODY);
			if (step == n || !nul_bodies[i].out)
				assert_memory_equal(all, out, len);
			if (step == n)
				assert_int_equal(COUNT(SMUGGLING_DOTS),
						 !nul_bodies[i].out ? 0 :
						 strstr(nul_bodies[i].out, "\n 0\n ") ? 2 : 1);
			fix_end(&f);
		}
	}
}

/* ... in a repetition, with other cuts, whatever the first copy was */
TEST("D4", "NUL repeated", NONE)
{
	static const struct {
		const char *first;
		const char *again;
		u32 from;
	} cases[] = {
		{ "a\r\n.x\r\n", ".0\r\n", 3 },
		{ "a\r\n.x\r\n", "0", 4 },
		{ "a\r\n.x\r\n", "0\r\n", 4 },
		{ "a\n.x\n", "\n.0\n", 1 },
		{ "a\n.x\n", "0", 3 },
		{ "a\r.x\r", ".0\r", 2 },
		{ "xx.0\r\n", "\r\n.0\r\n", 0 },
		{ "xx.0\r\n", "\n", 1 },
		{ "xxxx\r\n", "\n.0y", 0 },
	};
	char first[40], again[40];
	u32 i, step, at;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		u32 n = nul_body(first, cases[i].first);
		u32 k = nul_body(again, cases[i].again);

		for (step = 1; step <= n; step++) {
			u32 off;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			fix_body(&f);
			f.no_acks = true;
			client(&f, "text", "text");
			at = f.at[SMTP_CLIENT];
			for (off = 0; off < n; off += step)
				fix_segment(&f, SMTP_CLIENT, f.at[0], first + off,
					    n - off < step ? n - off : step);
			assert_int_equal(f.at[SMTP_CLIENT], at + n);
			client(&f, "more", "more");
			assert_int_equal(fix_segment(&f, SMTP_CLIENT,
						     at + cases[i].from, again, k), -1);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, first, n), n);
			assert_memory_equal(f.out, first, n);
			fix_end(&f);
		}
	}
	/* What was overwritten stays so */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	f.no_acks = true;
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, "a\r\n.\0b\r\n", 8), 8);
	assert_memory_equal(f.out, "a\r\n \0b\r\n", 8);
	for (i = 0; i < 4; i++) {
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + i,
					     "a\r\n.\0b\r\n" + i, 8 - i), 8 - i);
		assert_memory_equal(f.out, "a\r\n \0b\r\n" + i, 8 - i);
	}
}

/* ... where one of the two passes ahead of a gap */
TEST("D4", "NUL ahead", NONE)
{
	static const char line[] = "0123456789012345678901234567890123456789\r\n";
	char ahead[200], gap[8] = "abc\r\n.", big[600];
	u32 at, i;

	for (i = 0; i + sizeof(line) - 1 <= sizeof(big); i += sizeof(line) - 1)
		memcpy(big + i, line, sizeof(line) - 1);
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	f.no_acks = true;
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0], big, i), i);
	at = f.at[SMTP_CLIENT];
	/* A dot at the gap's end, NUL behind it */
	memcpy(ahead, "\0xyz\r\n", 6);
	memcpy(ahead + 6, big, 100);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 6, ahead, 106), 106);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 6, ahead, 106), 106);
	ahead[0] = 'w';
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 6, ahead, 106), -1);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, gap, 6), 6);
	assert_memory_equal(f.out, "abc\r\n ", 6);
	ahead[0] = '\0';
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 6, ahead, 106), 106);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, gap, 6), 6);
	assert_memory_equal(f.out, "abc\r\n ", 6);
	/* Both beyond the gap: it waits */
	at = f.at[SMTP_CLIENT] + 106;
	memcpy(ahead, big, 60);
	memcpy(ahead + 40, "\r\n.\0x", 5);
	assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + 10, ahead, 60), -1);
}

/* Where they are let be, or end the connection */
TEST("D4", "NUL policies", NONE)
{
	u32 i, step;

	for (i = SMTP_FIXUP_SMUGGLING_OFF; i < __SMTP_FIXUP_SMUGGLING_MAX; i++) {
		if (i == SMTP_FIXUP_SMUGGLING_MASK)
			continue;
		for (step = 1; step < 9; step++) {
			const char *t = "a\r\n.\0b\r\n";
			u32 at, k;
			int pass = 0;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			f.policy.smuggling = i;
			fix_body(&f);
			for (at = 0; at < 8 && pass >= 0; at += k) {
				k = 8 - at < step ? 8 - at : step;
				pass = fix_segment(&f, SMTP_CLIENT, f.at[0], t + at, k);
				if (pass >= 0)
					assert_memory_equal(f.out, t + at, k);
			}
			assert_int_equal(pass == -2, i == SMTP_FIXUP_SMUGGLING_DROP);
			assert_int_equal(COUNT(SMUGGLING_SEEN),
					 i != SMTP_FIXUP_SMUGGLING_OFF);
			assert_int_equal(COUNT(SMUGGLING_DOTS), 0);
			fix_end(&f);
		}
	}
}

/* Contract 6, D9: 64 KB of nothing else pass at once, and as they are */
TEST("D9", "nuls and dots", NONE)
{
	static const char *const parts[] = { "0", "0.", "..0", ".", "0\r\n", "..\r\n" };
	static char big[1 << 16], copy[1 << 16];
	char part[8];
	u32 i, k;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		u32 n = nul_body(part, parts[i]);

		big[0] = 'a';
		for (k = 1; k < sizeof(big); k++)
			big[k] = part[(k - 1) % n];
		memcpy(copy, big, sizeof(big));
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_body(&f);
		f.no_acks = true;
		/* As many dots as there may be marks: contract 6 */
		k = i == 1 || i == 2 ? sizeof(big) / 4 : sizeof(big);
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, f.at[0], big, k), k);
		assert_memory_equal(f.out, copy, k);
		k = f.at[SMTP_CLIENT] - k;
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, k, big, sizeof(big) / 4),
				 sizeof(big) / 4);
		assert_memory_equal(f.out, copy, sizeof(big) / 4);
		fix_end(&f);
	}
}

/* D4: what is not to be masked passes as it is, and ends nothing here */
static const char *const smuggled[] = {
	"a\n.\nEXPN\r\n", "a\n.\r\nEXPN\r\n", "a\r\n.\nEXPN\r\n", "a\r.\rEXPN\r\n",
	"a\r\n.\rEXPN\r\n", "a\r\n.\r\r\nEXPN\r\n", "a\r\n.\r.\r\nEXPN\r\n",
	"a\r.\r\nEXPN\r\n", ".\nEXPN\r\n", ".\rx\r\n",
};

TEST("D4", "off and log", NONE)
{
	u32 i, step, log;

	for (i = 0; i < sizeof(smuggled) / sizeof(*smuggled); i++) {
		for (step = 1; step < 20; step++) {
			for (log = 0; log < 2; log++) {
				fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
				f.policy.smuggling = log ? SMTP_FIXUP_SMUGGLING_LOG :
						     SMTP_FIXUP_SMUGGLING_OFF;
				fix_body(&f);
				client_steps(&f, step, smuggled[i], smuggled[i]);
				assert_int_equal(f.flow.session.phase,
						 SMTP_FIXUP_PHASE_BODY);
				assert_int_equal(!!COUNT(SMUGGLING_SEEN), log);
				assert_int_equal(COUNT(SMUGGLING_DOTS), 0);
				client(&f, "\r\n.\r\n", "\r\n.\r\n");
				client(&f, "EXPN\r\n", "XXXX\r\n");
				fix_end(&f);
			}
		}
	}
}

/* T2: no repetition, of however little, makes an end of data of it */
TEST("D4", "log repeated", NONE)
{
	static const char first[][6] = {
		"a\n.\r\n", "\r\r.\r\n", "\r\n.\n\n", "\r\n.\rx", "\r\n.\r.",
		"a\n.\nb", "a\r.\rb",
	};
	static const char end[] = "\r\n.\r\n";
	u32 i, from, at, step;

	for (i = 0; i < sizeof(first) / sizeof(*first); i++) {
		for (step = 1; step <= 5; step++) {
			bool refused[5] = {};
			bool differs = false;

			fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
			f.policy.smuggling = SMTP_FIXUP_SMUGGLING_LOG;
			fix_body(&f);
			f.no_acks = true;
			client(&f, "xyz", "xyz");
			at = f.at[SMTP_CLIENT];
			client_steps(&f, step, first[i], first[i]);
			client(&f, "xyz", "xyz");
			assert_int_equal(fix_at(&f, SMTP_CLIENT, at, first[i]), 5);
			/* Each octet alone: those that pass don't make one */
			for (from = 0; from < 5; from++) {
				if (fix_segment(&f, SMTP_CLIENT, at + from,
						end + from, 1) < 0)
					refused[from] = true;
				differs |= refused[from] && first[i][from] != end[from];
			}
			assert_true(differs);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, end, 5), -1);
			fix_end(&f);
		}
	}
}

static bool no_memory(void *arg)
{
	(void)arg;
	return true;
}

/* A body of that many dots, and a line of which only a dot has come. From then on there is no
 * memory. Returns where it goes on.
 */
static u32 begin_dots(u32 dots)
{
	char text[1024];
	u32 i;

	memset(text, 'a', sizeof(text));
	for (i = 0; i < dots; i++)
		text[2 * i + 1] = '.';
	strcpy(text + 2 * dots, "a\r\n");
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	fix_body(&f);
	f.no_acks = true;
	client(&f, text, text);
	client(&f, ".", ".");
	host.fail = no_memory;
	return f.at[SMTP_CLIENT];
}

/* A NUL that found no memory to leave as a blank has not passed: its repetition is none */
TEST("D4 T2 H5", "an octet behind a dot that did not pass", NONE)
{
	u32 dots, dropped = 0, at;

	for (dots = 0; dots < 300; dots++) {
		at = begin_dots(dots);
		if (fix_segment(&f, SMTP_CLIENT, at, "", 1) < 1) {
			host.fail = NULL;
			dropped++;
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, "\x80", 1), 1);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, "", 1), -1);
			assert_int_equal(fix_segment(&f, SMTP_CLIENT, at, "\x80", 1), 1);
		}
		host.fail = NULL;
		fix_end(&f);
	}
	assert_int_not_equal(dropped, 0);
}

/* Nor has a CR that found none: the octet behind it would come too late to overwrite it */
TEST("D4 H5", "CR behind a dot that did not pass", NONE)
{
	u32 dots, dropped = 0, at;

	for (dots = 0; dots < 300; dots++) {
		at = begin_dots(dots);
		if (fix_at(&f, SMTP_CLIENT, at, "\rx") < 1)
			dropped++;
		host.fail = NULL;
		assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "\rx"), 2);
		left(&f, " x");
		fix_end(&f);
	}
	assert_int_not_equal(dropped, 0);
}

/* All that the server may have of an octet: that of any copy that has left */
struct copies {
	bool right[6];		/* ... is that of an end of data */
	const char *end;
	u32 at;
};

static void copies_left(struct copies *c, const struct fix *f, u32 from, int n)
{
	int i;

	for (i = 0; i < n; i++)
		c->right[from + i] |= f->out[i] == (u8)c->end[from + i];
}

/* T2: while a text comes octet by octet, any of it is repeated as an end of data
 * at its end. However the server mixes the copies, there is none.
 */
static void no_mixture_ends(const char *first, u8 smuggling)
{
	struct copies c = { .end = "x\r\n.\r\n" };
	struct fix f;
	u32 n, from, len;
	int pass = 0;
	char both[6];

	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.smuggling = smuggling;
	fix_body(&f);
	f.no_acks = true;
	client(&f, "xyz", "xyz");
	c.at = f.at[SMTP_CLIENT];
	for (n = 0; n < 6 && pass >= 0; n++) {
		/* The next octet behind a repetition, or alone */
		memcpy(both, c.end, n);
		both[n] = first[n];
		for (from = n ? n - 1 : 0; from <= n; from++) {
			pass = fix_segment(&f, SMTP_CLIENT, c.at + from,
					   both + from, n + 1 - from);
			if (pass == -2)
				break;
			copies_left(&c, &f, from, pass);
		}
		for (from = 0; from <= n && pass >= 0; from++)
			for (len = 1; from + len <= n + 1; len++)
				copies_left(&c, &f, from,
					    fix_segment(&f, SMTP_CLIENT, c.at + from,
							c.end + from, len));
	}
	if (pass >= 0) {
		assert_int_equal(PHASE(&f), SMTP_FIXUP_PHASE_BODY);
		assert_false(c.right[1] && c.right[2] && c.right[3] &&
			     c.right[4] && c.right[5]);
	}
	fix_end(&f);
}

TEST("D3 D4 T2", "no mixture ends", NONE)
{
	static const char octets[] = "x\r\n.";
	char first[7] = {};
	u32 i, k;

	for (i = 0; i < 1 << 12; i++) {
		for (k = 0; k < 6; k++)
			first[k] = octets[i >> 2 * k & 3];
		if (strstr(first, "\r\n.\r\n"))
			continue;
		no_mixture_ends(first, SMTP_FIXUP_SMUGGLING_LOG);
		no_mixture_ends(first, SMTP_FIXUP_SMUGGLING_MASK);
	}
}

TEST("D4", "drop", NONE)
{
	u32 i;

	for (i = 0; i < sizeof(smuggled) / sizeof(*smuggled); i++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		f.policy.smuggling = SMTP_FIXUP_SMUGGLING_DROP;
		fix_body(&f);
		client_cut(&f, smuggled[i], -2);
		client_cut(&f, "QUIT\r\n", -1);
		assert_int_equal(COUNT(SMUGGLING_SEEN), 1);
		assert_int_equal(COUNT(CONNECTIONS_ENDED), 1);
		fix_end(&f);
	}
}

/* Among ASCII and not, at every place and with every alignment */
static const u8 fillers[] = { 0, 'a', '-', '/', 0x7f, 0x80, 0xae, 0xaf, 0xff };

/* The best kind of registers that the machine has; those before it, it has, too */
static enum smtp_vector vector_most(void)
{
	enum smtp_vector most = smtp_vector_begin();

	if (most)
		smtp_vector_end();
	return most;
}

static void finder_begin(struct smtp_finder *f, const u8 *p, u32 n, u8 c,
			 enum smtp_vector kind)
{
	smtp_finder_begin(f, p, n, c, false);
	f->vector = n < SMTP_VECTOR_BLOCK ? SMTP_VECTOR_NONE : kind;
}

TEST("D3 D4", "find", NONE)
{
	enum smtp_vector kind;
	u8 bytes[400];
	u32 i, n, at;

	for (kind = SMTP_VECTOR_NONE; kind <= vector_most(); kind++) {
		for (i = 0; i < sizeof(fillers); i++) {
			u8 filler = fillers[i];

			memset(bytes, filler, sizeof(bytes));
			for (n = 0; n < 300; n++) {
				u8 *p = bytes + n % 8;

				assert_int_equal(smtp_find(p, n, '.'), n);
				assert_int_equal(smtp_find_last(p, n, '.', kind), 0);
				for (at = 0; at < n; at++) {
					p[at] = '.';
					p[n] = '.';	/* behind them: not found */
					assert_int_equal(smtp_find(p, n, '.'), at);
					assert_int_equal(smtp_find_last(p, n, '.', kind),
							 at + 1);
					p[at] = filler;
					p[n] = filler;
				}
			}
		}
	}
}

/* All of them, however near to each other */
TEST("D3 D4", "find all", NONE)
{
	u8 bytes[SMTP_VECTOR_MIN + 4 * SMTP_VECTOR_BLOCK];
	enum smtp_vector kind;
	struct smtp_finder f;
	u32 every, n, from;

	for (kind = SMTP_VECTOR_NONE; kind <= vector_most(); kind++) {
		for (every = 1; every < 200; every++) {
			memset(bytes, fillers[every % sizeof(fillers)], sizeof(bytes));
			for (n = 0; n < sizeof(bytes); n += every)
				bytes[n] = '.';
			for (n = sizeof(bytes) - 1; n > 300; n -= 13) {
				for (from = 0; from < 3; from++) {
					u32 at = (every - from % every) % every;

					finder_begin(&f, bytes + from, n - from, '.', kind);
					for (; at < n - from; at += every)
						assert_int_equal(smtp_finder_next(&f), at);
					assert_int_equal(smtp_finder_next(&f), n - from);
					assert_int_equal(smtp_finder_next(&f), n - from);
				}
			}
		}
	}
}

/* Sanitizers do not see what the vector registers load: pages that nobody may read
 * lie before and behind the octets
 */
#define GUARDED	4096u

struct guarded {
	u8 *map;
	u32 page;
};

static struct guarded guarded_begin(void)
{
	struct guarded g = { .page = sysconf(_SC_PAGESIZE) };

	assert_true(g.page >= GUARDED);
	g.map = mmap(NULL, 3 * g.page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	mprotect(g.map, g.page, PROT_NONE);
	mprotect(g.map + 2 * g.page, g.page, PROT_NONE);
	return g;
}

/* @n octets right behind the first of these pages, or before the second: of every length
 * they are at every alignment
 */
static u8 *guarded_octets(const struct guarded *g, u32 n, bool first)
{
	return first ? g->map + g->page : g->map + 2 * g->page - n;
}

static void guarded_end(struct guarded *g)
{
	munmap(g->map, 3 * g->page);
}

TEST("D3 D4", "find reads no more than it was given", NONE)
{
	struct guarded g = guarded_begin();
	enum smtp_vector kind;
	struct smtp_finder f;
	u32 n, k, at, seen;

	srand(1);
	for (kind = SMTP_VECTOR_NONE; kind <= vector_most(); kind++) {
		for (n = 0; n <= 1500; n++) {
			for (k = 0; k < 2; k++) {
				u8 *p = guarded_octets(&g, n, k);

				memset(p, n % 3 ? 'a' : 0xae, n);
				for (at = 0; at < n; at += 1 + rand() % 150)
					p[at] = '.';
				finder_begin(&f, p, n, '.', kind);
				for (seen = 0; (at = smtp_finder_next(&f)) < n; seen = at + 1) {
					assert_int_equal(p[at], '.');
					assert_int_equal(smtp_find(p + seen, n - seen, '.'),
							 at - seen);
				}
				assert_null(memchr(p + seen, '.', n - seen));
				assert_int_equal(smtp_find_last(p, n, '.', kind), seen);
			}
		}
	}
	guarded_end(&g);
}

TEST("D3 D4", "find goes on from any place", NONE)
{
	struct guarded g = guarded_begin();
	enum smtp_vector kind;
	struct smtp_finder f;
	u32 n, round, at, to;

	srand(2);
	for (kind = SMTP_VECTOR_NONE; kind <= vector_most(); kind++) {
		for (round = 0; round < 4000; round++) {
			u32 every = 1 + rand() % 100;
			u8 *p;

			n = SMTP_VECTOR_BLOCK + rand() % 600;
			p = guarded_octets(&g, n, round % 2);
			for (at = 0; at < n; at++)
				p[at] = rand() % every ? 'a' : '.';
			finder_begin(&f, p, n, '.', kind);
			for (to = 0; to < n; to += 1 + rand() % 200) {
				const u8 *dot = memchr(p + to, '.', n - to);

				smtp_finder_skip(&f, to);
				at = smtp_finder_next(&f);
				assert_int_equal(at, dot ? dot - p : n);
				if (at > to)
					to = at;
			}
		}
	}
	guarded_end(&g);
}

TEST("D3 D4", "the bits of all blocks, and no more", NONE)
{
	struct guarded g = guarded_begin();
	enum smtp_vector kind;
	u64 bits[16];
	u32 n, round, at;

	srand(3);
	for (kind = SMTP_VECTOR_SSE2; kind <= vector_most(); kind++) {
		for (round = 0; round < 2000; round++) {
			u8 *p;

			n = 2 + rand() % 7 * 2;
			p = guarded_octets(&g, n * SMTP_VECTOR_BLOCK, round % 2);
			if (round % 4 > 1)	/* at any alignment */
				p += round % 2 ? rand() % 64 : -(rand() % 64);
			for (at = 0; at < n * SMTP_VECTOR_BLOCK; at++)
				p[at] = rand() % 4 ? rand() : '.';
			memset(bits, 0xa5, sizeof(bits));
			smtp_vector_bits(kind, p, bits, n, '.' * SMTP_ONES);
			for (at = 0; at < n * SMTP_VECTOR_BLOCK; at++)
				assert_int_equal(bits[at / SMTP_VECTOR_BLOCK] >>
						 at % SMTP_VECTOR_BLOCK & 1, p[at] == '.');
			for (at = n; at < 16; at++)
				assert_true(bits[at] == 0xa5a5a5a5a5a5a5a5);
		}
	}
	guarded_end(&g);
}

TEST("L", "a value near each of some places, and no further", NONE)
{
	struct guarded g = guarded_begin();
	enum smtp_vector kind;
	u32 round, at;

	srand(5);
	for (kind = SMTP_VECTOR_SSE2; kind <= vector_most(); kind++) {
		for (round = 0; round < 4000; round++) {
			u32 n = 2 * SMTP_VECTOR_BLOCK + rand() % (GUARDED - 2 * SMTP_VECTOR_BLOCK);
			u8 *p = guarded_octets(&g, n, round % 2);
			u32 last = n - 2 * SMTP_VECTOR_BLOCK, step = 1 + rand() % 300;
			u32 want = rand() % (last + 1), i;

			for (at = 0; at < n; at++)
				p[at] = rand() % 60 ? 'a' + rand() % 2 : '\n';
			at = smtp_vector_each(kind, p + want, p + last, step,
					      '\n' * SMTP_ONES) - p;
			for (; want <= last; want += step) {
				for (i = 0; i < 2 * SMTP_VECTOR_BLOCK; i++)
					if (p[want + i] == '\n')
						break;
				if (i == 2 * SMTP_VECTOR_BLOCK)
					break;
			}
			assert_int_equal(at, want);
		}
	}
	guarded_end(&g);
}

TEST("L", "neither dots nor dashes, as far as that is told", NONE)
{
	struct guarded g = guarded_begin();
	enum smtp_vector kind;
	u32 round, n, all = 0;

	srand(6);
	for (kind = SMTP_VECTOR_NONE; kind <= vector_most(); kind++) {
		for (round = 0; round < 8000; round++) {
			u32 first, told, at;
			u8 *p;

			n = 1 + rand() % GUARDED;
			p = guarded_octets(&g, n, round % 2);
			for (at = 0; at < n; at++)
				do
					p[at] = rand();
				while (p[at] == '.' || p[at] == '-');
			first = rand() % (2 * n);
			if (first < n)
				p[first] = ".-"[rand() % 2];
			else
				first = n;
			told = smtp_vector_plain(kind, p, p + n) - p;
			assert_true(told <= first);
			if (kind == SMTP_VECTOR_AVX2 && n >= 2 * SMTP_VECTOR_BLOCK) {
				if (first == n)
					assert_int_equal(told, n);
				else	/* it stands in the blocks that begin there */
					assert_true(told + 2 * SMTP_VECTOR_BLOCK > first ||
						    told + 2 * SMTP_VECTOR_BLOCK > n);
				all += told == n;
			} else {
				assert_int_equal(told, 0);
			}
		}
	}
	if (vector_most() == SMTP_VECTOR_AVX2)
		assert_true(all > 1000);
	guarded_end(&g);
}

/**
 * struct judged - what is known of a body after some octets of it
 * @done: how many were judged
 * @event: what the next one leads to
 * @state: enum smtp_body_state
 * @dash: may a dash be among them? If that was asked
 * @marks: for each octet what its mark says, of dots its first and last one
 */
struct judged {
	u32 done;
	u8 event;
	u8 state;
	bool dash;
	u8 marks[GUARDED];
};

enum { MARKED = 1, MARKED_EOL = 2, MARKED_END = 4, MARKED_WRONG = 8 };

/* Judges @n octets in order, @step at once: words do for few, vectors for many */
static void judge_octets(struct judged *j, const u8 *p, u32 n, u32 step, bool asks)
{
	struct smtp_body b = {};
	struct smtp_scan scan = { .b = &b, .policy = &f.policy, .host = HOST_OF(&f.flow) };
	struct smtp_mark_place at;
	bool more;

	memset(j, 0, sizeof(*j));
	smtp_body_begin(&b, CLIENT_ISN);
	b.acked = CLIENT_ISN;
	while (j->done < n && !j->event) {
		u32 part = n - j->done < step ? n - j->done : step;
		u32 done;

		scan.dash = !asks;
		done = smtp_body_run(&scan, &b.state, CLIENT_ISN + j->done,
				     p + j->done, part, &j->event);
		assert_true(done == part || j->event);
		if (!scan.dash)
			assert_null(memchr(p + j->done, '-', done));
		j->dash |= scan.dash;
		j->done += done;
	}
	j->state = b.state;
	for (more = smtp_mark_behind(&b, CLIENT_ISN, &at); more; more = smtp_mark_next(&at)) {
		u8 *marks = j->marks + (at.m.seq - CLIENT_ISN);

		assert_int_equal(at.m.kind, SMTP_MARK_DOTS);
		memset(marks, MARKED, at.m.len);
		marks[0] |= at.m.eol_before * MARKED_EOL + at.m.wrong * MARKED_WRONG;
		marks[at.m.len - 1] |= at.m.end_behind * MARKED_END;
	}
	smtp_marks_forget(&b, HOST_OF(&f.flow));
}

TEST("D3 D4 T2", "a body is marked by vectors as by words", FIXUP)
{
	static const char *const words[] = {
		".", "..", "...", "\r\n", ".\r\n", "\n", "\r", "\r\n..", "\n.x", "\r.x",
		". ", "a.b", "\r\n.-", "\r\n.x", "x\r\n", "-", "abcdefgh",
	};
	struct guarded g = guarded_begin();
	struct judged vectors, one_by_one;
	u32 round, plain = 0;

	srand(4);
	for (round = 0; round < 6000; round++) {
		u32 n = round % GUARDED + 1, every = 1 + rand() % 150, kinds, at = 0, i;
		u8 *p = guarded_octets(&g, n, rand() % 2);

		/* Mostly text: what is like an end of data ends the round */
		kinds = rand() % 4 ? 1 + rand() % 16 : 17;
		f.policy.smuggling = round % 2 ? SMTP_FIXUP_SMUGGLING_MASK :
						 SMTP_FIXUP_SMUGGLING_LOG;
		while (at < n) {
			const char *word = words[sizeof(words) / sizeof(*words) - 1 -
						 rand() % kinds];

			for (i = rand() % every; i && at < n; i--)
				p[at++] = rand() % 50 ? 'a' : "\0\x80\xae\xff"[rand() % 4];
			for (; *word && at < n; word++)
				p[at++] = *word;
		}
		judge_octets(&vectors, p, n, n, round % 3);
		judge_octets(&one_by_one, p, n,
			     1 + rand() % (rand() % 4 ? SMTP_VECTOR_MIN - 1 : 2), true);
		plain += !vectors.dash;
		assert_int_equal(vectors.done, one_by_one.done);
		assert_int_equal(vectors.event, one_by_one.event);
		assert_int_equal(vectors.state, one_by_one.state);
		assert_memory_equal(vectors.marks, one_by_one.marks, vectors.done);
		for (i = 0; i < vectors.done; i++)
			assert_int_equal(!!vectors.marks[i], p[i] == '.');
	}
	if (vector_most() == SMTP_VECTOR_AVX2)
		assert_true(plain > 20);
	guarded_end(&g);
}

/* A connection whose lines all ended in LF so far, in the body */
static void lf_body(u8 smuggling)
{
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	f.policy.smuggling = smuggling;
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "HELO a\n", "HELO a\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "DATA\n", "DATA\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	fix_ack(&f, SMTP_CLIENT, f.at[SMTP_CLIENT]);
}

/* V7: the mail of a client that ends all its lines in LF ends, too, and what is
 * behind it waits for the reply: not every server takes this for the end
 */
TEST("V7 D4", "mail of lines in LF", NONE)
{
	static const char *const mails[] = { "a\n..\nb\n.\n", ".\n", "\n.\n" };
	u32 i, step, n;
	u8 smuggling;

	for (smuggling = 0; smuggling < __SMTP_FIXUP_SMUGGLING_MAX; smuggling++) {
		for (i = 0; i < sizeof(mails) / sizeof(*mails); i++) {
			for (step = 1; step < 12; step++) {
				lf_body(smuggling);
				n = strlen(mails[i]);
				client_steps(&f, step, mails[i], mails[i]);
				assert_true(smtp_flow_waits(&f.flow));
				/* Its end leaves again as it was */
				assert_int_equal(fix_at(&f, SMTP_CLIENT,
							f.at[SMTP_CLIENT] - n,
							mails[i]), n);
				left(&f, mails[i]);
				client_cut(&f, "EXPN\n", -1);
				server(&f, "250 ok\r\n", "250 ok\r\n");
				assert_false(smtp_flow_waits(&f.flow));
				client(&f, "EXPN\n", "XXXX\n");
				assert_int_equal(COUNT(MESSAGES), 1);
				assert_int_equal(COUNT(SMUGGLING_DOTS), 0);
				assert_int_equal(COUNT(SMUGGLING_SEEN), 0);
				fix_end(&f);
			}
		}
	}
}

/* Nothing behind it in the same segment passes before the reply */
TEST("V7 D4", "LF.LF is a synchronisation point", NONE)
{
	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	client_cut(&f, "a\n.\nMAIL FROM:<spoof@example.org>\r\n", 4);
	left(&f, "a\n.\n");
	client_cut(&f, "MAIL FROM:<spoof@example.org>\r\n", -1);
	server(&f, "250 ok\r\n", "250 ok\r\n");
	client(&f, "EXPN x\r\n", "XXXX x\r\n");
}

/* The first CR, wherever it is, brings back D4 */
TEST("V7 D4", "a CR, and LF.LF is none", NONE)
{
	static const struct {
		const char *in, *out;
	} mails[] = {
		{ "a\r\n.\n.\n", "a\r\n \n \n" }, { "a\r\n.\n", "a\r\n \n" },
		{ "\ra\n.\n", "\ra\n \n" }, { "a\n.\r\n", "a\n \r\n" },
		{ "\r\n\n.\n", "\r\n\n \n" }, { "a\n.\r", "a\n \r" },
		{ "a\r.\n", "a\r \n" },
	};
	u32 i;

	for (i = 0; i < sizeof(mails) / sizeof(*mails); i++) {
		lf_body(SMTP_FIXUP_SMUGGLING_MASK);
		client(&f, mails[i].in, mails[i].out);
		assert_int_equal(f.flow.session.phase, SMTP_FIXUP_PHASE_BODY);
		client(&f, "x\n.\n", "x\n \n");
		client(&f, "\r\n.\r\nEXPN\r\n", "\r\n.\r\nXXXX\r\n");
		fix_end(&f);
	}
	/* ... also one in a command or in an earlier message */
	fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
	server(&f, "220 a\r\n", "220 *\r\n");
	client(&f, "HELO a\r\n", "HELO a\r\n");
	server(&f, "250 a\r\n", "250 a\r\n");
	client(&f, "DATA\n", "DATA\n");
	server(&f, "354 go\r\n", "354 go\r\n");
	client(&f, "a\n.\n", "a\n \n");
}

/* What is repeated can't undo the end */
TEST("V7 T2", "LF.LF rewritten", NONE)
{
	u32 at;

	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	at = f.at[SMTP_CLIENT];
	client(&f, "abc\n.\n", "abc\n.\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "abcxxx"), 6);
	left(&f, "abc\n.\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4, "\r\n"), 2);
	left(&f, ".\n");
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "\n.\nxxx"), -1);
}

/* Beyond a gap there is no CR that the gap is judged without */
TEST("V7 T2", "LF.LF and a gap", NONE)
{
	char line[] = "0123456789 is a line of some length, no command\n";
	char text[200];
	u32 at, n = strlen(line);

	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	f.no_acks = true;
	client(&f, line, line);
	at = f.at[SMTP_CLIENT];
	sprintf(text, "%s%s", line, line);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4, text), 2 * n);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4 + 2 * n, "\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4 + 2 * n, "b\r\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 4 + 2 * n, "\n.\n"), -1);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "abc\n"), 4);
	f.at[SMTP_CLIENT] = at + 4 + 2 * n;
	client(&f, ".\n", ".\n");
	assert_true(smtp_flow_waits(&f.flow));
	fix_end(&f);

	/* The end is in the gap: what has passed behind it was not of a body */
	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	f.no_acks = true;
	client(&f, line, line);
	at = f.at[SMTP_CLIENT];
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at + 3, text), 2 * n);
	assert_int_equal(fix_at(&f, SMTP_CLIENT, at, "\n.\n"), -2);
}

/* D10: refused before its end, which need not be answered then */
TEST("V7 D10", "LF.LF of a refused body", NONE)
{
	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	client(&f, "abc\n", "abc\n");
	server(&f, "552 too much\r\n", "552 too much\r\n");
	client(&f, "abc\n.\n", "XXX\n.\n");
	client(&f, "EXPN\n", "XXXX\n");
}

/* ... or at the same time */
TEST("V7 D10", "LF.LF crosses a refusal", NONE)
{
	u32 at;

	lf_body(SMTP_FIXUP_SMUGGLING_MASK);
	at = f.at[SMTP_CLIENT];
	client(&f, "abc\n.\n", "abc\n.\n");
	f.at[SMTP_CLIENT] = at;		/* it has got none of that */
	server(&f, "552 too much\r\n", "552 too much\r\n");
	f.at[SMTP_CLIENT] = at + 6;
	assert_false(smtp_flow_waits(&f.flow));
	client(&f, "EXPN\n", "XXXX\n");
}

/* D9: what is beyond a gap may be the next body's, and the end of this one be in the gap. A
 * client that does not wait for the 354 is not reset for that.
 */
TEST("T3 T4 D9", "nothing of a hasty client passes ahead of a gap", NONE)
{
	static const char eod[] = ".\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\n";
	char text[1449];
	u32 at, i, hasty;

	memset(text, 'a', sizeof(text));
	for (i = 70; i < 1448; i += 72)
		memcpy(text + i, "\r\n", 2);
	strcpy(text + 1446, "\r\n");
	for (hasty = 0; hasty < 2; hasty++) {
		fix_begin(&f, SMTP_FIXUP_MODE_FIXUP);
		fix_open(&f);
		client_cut(&f, hasty ? "DATA\r\na\r\n" : "DATA\r\n", 6);
		f.at[SMTP_CLIENT] += hasty ? 0 : 6;
		server(&f, "354 go\r\n", "354 go\r\n");
		client(&f, text, text);
		at = f.at[SMTP_CLIENT];
		assert_int_equal(fix_segment(&f, SMTP_CLIENT, at + sizeof(eod) - 1, text, 1448),
				 hasty ? -1 : 1448);
		if (hasty)
			client_cut(&f, eod, sizeof(eod) - 1);
		assert_int_equal(f.flow.session.ended, 0);
		fix_end(&f);
	}
}
