// SPDX-License-Identifier: GPL-2.0-only
/* The unit tests of the core, as they have registered themselves. */
#include <stdlib.h>

#include "unit.h"

static struct unit_test *first;
static struct unit_test **last = &first;
static size_t count;

void unit_register(struct unit_test *test)
{
	*last = test;
	last = &test->next;
	count++;
}

static int set_up(void **state)
{
	const struct unit_test *test = *state;

	host_reset();
	if (test->mode != SMTP_FIXUP_MODE_NONE)
		fix_begin(&f, test->mode);
	return 0;
}

static void run(void **state)
{
	const struct unit_test *test = *state;

	test->run();
	if (f.begun)
		fix_end(&f);
}

/* What a test that has failed leaves behind is no leak */
static int tear_down(void **state)
{
	(void)state;
	if (f.begun)
		smtp_flow_release(&f.flow, HOST_OF(&f.flow));
	f.begun = false;
	return 0;
}

int main(void)
{
	struct CMUnitTest *tests = calloc(count, sizeof(*tests));
	size_t n = 0;
	int failed;

	if (!tests)
		return 1;
	for (struct unit_test *test = first; test; test = test->next)
		tests[n++] = (struct CMUnitTest){
			test->name + !*test->rules, run, set_up, tear_down, test
		};
	failed = _cmocka_run_group_tests("core", tests, count, NULL, NULL);
	free(tests);
	return failed != 0;
}
