// SPDX-License-Identifier: GPL-2.0-only
/* The unit tests of the core; each is named after the rule that it holds. */
#include "tests.h"

int main(void)
{
	int failed = 0;

	failed += run_policy();
	failed += run_greeting();
	failed += run_verbs();
	failed += run_ehlo();
	failed += run_dialogue();
	failed += run_servers();
	failed += run_body();
	failed += run_chunk();
	failed += run_stream();
	failed += run_length();
	failed += run_limits();
	failed += run_observe();
	failed += run_events();
	return failed != 0;
}
