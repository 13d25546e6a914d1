// SPDX-License-Identifier: GPL-2.0-only
/* What the bodies of benchmarks are made of. See octets.h. */
#include <string.h>

#include "octets.h"

unsigned char octets[OCTETS];

static unsigned int octets_random(void)
{
	static unsigned long long state = 0x534d5450;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33;
}

unsigned int octets_put(unsigned int at, unsigned int end, const char *text)
{
	while (*text && at < end)
		octets[at++] = *text++;
	return at;
}

static unsigned int put_base64(unsigned int at, unsigned int end)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int i;

	while (at < end) {
		for (i = 0; i < 76 && at < end; i++)
			octets[at++] = alphabet[octets_random() % 64];
		at = octets_put(at, end, "\r\n");
	}
	return at;
}

/* Sentences of words, in lines of some 70 octets */
static unsigned int put_text(unsigned int at, unsigned int end)
{
	unsigned int line = at, words = 0;

	while (at < end) {
		unsigned int i, n = 1 + octets_random() % 9;

		for (i = 0; i < n && at < end; i++)
			octets[at++] = 'a' + octets_random() % 26;
		if (++words % 12 == 0)
			at = octets_put(at, end, ".");
		if (at - line > 66) {
			at = octets_put(at, end, "\r\n");
			line = at;
		} else {
			at = octets_put(at, end, " ");
		}
	}
	return at;
}

static unsigned int put_html(unsigned int at, unsigned int end)
{
	while (at < end) {
		at = octets_put(at, end, "<p style=3D\"margin:0.5em;line-height:1.4\">=\r\n");
		at = put_text(at, at + 200 < end ? at + 200 : end);
		at = octets_put(at, end, "<a href=3D\"https://www.example.com/\">example</a></p>\r\n");
	}
	return at;
}

/* Mails with a text, the same as HTML, and a file */
void octets_mime(void)
{
	unsigned int at = 0;

	while (at < OCTETS) {
		unsigned int i;

		for (i = 0; i < 4; i++)
			at = octets_put(at, OCTETS, "Received: from mail.example.org (mail.example.org [192.0.2.1])\r\n"
				 "\tby mx.example.com (Postfix) with ESMTPS id 4F1C2D3E5A\r\n"
				 "\tfor <user@example.com>; Sun, 22 Nov 2026 21:22:05 +0000 (UTC)\r\n");
		at = octets_put(at, OCTETS, "Subject: Figures\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: multipart/mixed; boundary=\"=_b1\"\r\n\r\n"
			 "--=_b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n");
		at = put_text(at, at + 2000 < OCTETS ? at + 2000 : OCTETS);
		at = octets_put(at, OCTETS, "\r\n--=_b1\r\nContent-Type: text/html; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		at = put_html(at, at + 8000 < OCTETS ? at + 8000 : OCTETS);
		at = octets_put(at, OCTETS, "\r\n--=_b1\r\nContent-Type: application/pdf\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n");
		at = put_base64(at, at + 50000 < OCTETS ? at + 50000 : OCTETS);
		at = octets_put(at, OCTETS, "--=_b1--\r\n");
	}
}

static const char header[] = "Subject: Figures\r\n\r\n";

void octets_base64(void)
{
	put_base64(octets_put(0, OCTETS, header), OCTETS);
}

void octets_text(void)
{
	put_text(octets_put(0, OCTETS, header), OCTETS);
}

void octets_dots(void)
{
	memset(octets, '.', OCTETS);
}

void octets_stuffed(void)
{
	unsigned int at = 0;

	while (at < OCTETS)
		at = octets_put(at, OCTETS, "..\r\n");
}

