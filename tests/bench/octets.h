/* SPDX-License-Identifier: GPL-2.0-only */
/* What the bodies of benchmarks are made of: the same octets every time. */
#ifndef _TESTS_BENCH_OCTETS_H
#define _TESTS_BENCH_OCTETS_H

#define OCTETS	1048576u

extern unsigned char octets[OCTETS];

/* Puts a text at octets[at], up to octets[end]; returns where it ends */
unsigned int octets_put(unsigned int at, unsigned int end, const char *text);

/* Each fills all of octets[] */
void octets_mime(void);
void octets_base64(void);
void octets_text(void);
void octets_dots(void);		/* nothing but dots */
void octets_stuffed(void);	/* lines of one dot, as they are sent: RFC 5321, 4.5.2 */

#endif /* _TESTS_BENCH_OCTETS_H */
