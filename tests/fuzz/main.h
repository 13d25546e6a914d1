/* SPDX-License-Identifier: GPL-2.0-only */
/* Without libFuzzer (-DFUZZ_MAIN): runs the files that are named, one by one. */
#ifndef _TESTS_FUZZ_MAIN_H
#define _TESTS_FUZZ_MAIN_H

#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifdef FUZZ_MAIN
int main(int argc, char **argv)
{
	static u8 buf[1 << 20];
	int i;

	for (i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n;

		if (!f) {
			perror(argv[i]);
			return 1;
		}
		n = fread(buf, 1, sizeof(buf), f);
		fclose(f);
		LLVMFuzzerTestOneInput(buf, n);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
#endif

#endif /* _TESTS_FUZZ_MAIN_H */
