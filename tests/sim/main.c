// SPDX-License-Identifier: GPL-2.0-only
/*
 * sim [--seed N] [--count N] [--seconds N] [--jobs N] [--trace] [--all-rules]
 *
 * Runs schedules from seed N on. A failure prints its seed, a schedule shrunk
 * as far as it still fails, and that schedule's packets. --all-rules: a rule
 * that no schedule has applied is a failure, too.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

static struct sim sim;
static struct diet diet;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static bool passes(u64 seed, bool trace)
{
	return sim_run(&sim, seed, &diet, trace) && sim_measure(&sim, seed, &diet, trace);
}

static bool fails_alike(u64 seed, const char *kind)
{
	return !passes(seed, false) && sim.kind == kind;
}

/* Does it still fail with this taken away? Then leave it away */
static bool attempt(u64 seed, const char *kind, bool *what)
{
	if (*what)
		return false;
	*what = true;
	if (fails_alike(seed, kind))
		return true;
	*what = false;
	return false;
}

/* An item goes with what depends on it: a DATA line with its body */
static bool attempt_item(u64 seed, const char *kind, u32 i)
{
	bool old[MAX_ITEMS];
	u32 k = i;

	if (diet.item_off[i] || (sim.plan.fair &&
				 sim.plan.items[i].kind != ITEM_LINE &&
				 sim.plan.items[i].kind != ITEM_RAW))
		return false;
	memcpy(old, diet.item_off, sizeof(old));
	do
		diet.item_off[k++] = true;
	while (sim.plan.fair && k < sim.plan.nr_items &&
	       sim.plan.items[k].kind != ITEM_LINE);
	if (fails_alike(seed, kind))
		return true;
	memcpy(diet.item_off, old, sizeof(old));
	return false;
}

static void shrink(u64 seed, const char *kind)
{
	bool *all[] = {
		&diet.no_fail, &diet.no_keepalive, &diet.no_window,
		&diet.no_loss, &diet.no_dup, &diet.no_reorder, &diet.no_cut,
		&diet.no_merge, &diet.no_rewrite, &diet.no_ttl, &diet.no_forge, &diet.no_frag,
		&diet.no_pull,
		&diet.plain_tcp[0], &diet.plain_tcp[1], &diet.isn_zero,
	};
	double end = now() + 20;
	bool again = true;
	u32 i, k, n, width;

	while (again && now() < end) {
		again = false;
		for (i = 0; i < sizeof(all) / sizeof(*all); i++)
			again |= attempt(seed, kind, all[i]);
		for (i = 0; i < sim.plan.nr_items; i++)
			again |= attempt_item(seed, kind, i);
		passes(seed, false);
		n = sim.decisions < MAX_DECISIONS ? sim.decisions : MAX_DECISIONS;
		for (width = n; width; width /= 2) {
			for (i = 0; i < n && now() < end; i += width) {
				u8 old[MAX_DECISIONS];
				bool any = false;

				memcpy(old, diet.decision_off, sizeof(old));
				for (k = i; k < i + width && k < n; k++) {
					any |= !diet.decision_off[k];
					diet.decision_off[k] = 1;
				}
				if (!any)
					continue;
				if (!fails_alike(seed, kind))
					memcpy(diet.decision_off, old, sizeof(old));
			}
		}
	}
}

static void failed(u64 seed, bool shrinks)
{
	char first[sizeof(sim.error)];

	memcpy(first, sim.error, sizeof(first));
	printf("FAILED seed %llu: %s\n", (unsigned long long)seed, first);
	if (shrinks) {
		shrink(seed, sim.kind);
		printf("shrunk; packets (offsets, not sequence numbers):\n");
		passes(seed, true);
		plan_print(&sim.plan, &diet);
		printf("=> %s\n", sim.error);
		printf("repeat with: sim --seed %llu --count 1\n",
		       (unsigned long long)seed);
	}
	memset(&diet, 0, sizeof(diet));
	fflush(stdout);
}

struct result {
	u64 passed, failed, resets, fair, over, events;
	__uint128_t rules;
	u64 causes[NR_CAUSES];
	u64 measured, with, without, late, latest, latest_seed;
};

/* T3, T4: how much longer it took than without the filter */
static void took(struct result *r, u64 seed)
{
	u64 late = sim.took.with - sim.took.without;

	if (!sim.took.done)
		return;
	r->measured++;
	r->with += sim.took.with;
	r->without += sim.took.without;
	if (sim.took.with <= sim.took.without + RTO / 2)
		return;
	r->late++;
	if (late > r->latest) {
		r->latest = late;
		r->latest_seed = seed;
	}
}

static void work(u64 seed, u64 step, u64 count, double until, bool shrinks,
		 u32 stop_after, struct result *r)
{
	u64 i;

	for (i = 0; i < count; i++, seed += step) {
		if (until && !(i & 15) && now() > until)
			break;
		bool ok = sim_run(&sim, seed, &diet, false);

		if (ok) {
			r->rules |= sim.model.rules;
			r->resets += sim.reset;
			r->causes[sim.cause]++;
			r->fair += sim.plan.fair;
			r->over += sim.over;
			r->events += sim.events;
			ok = sim_measure(&sim, seed, &diet, false);
			r->rules |= sim.model.rules;
			took(r, seed);
		}
		if (ok) {
			r->passed++;
			continue;
		}
		r->failed++;
		if (r->failed <= 3 || !shrinks)
			failed(seed, shrinks && r->failed == 1);
		if (r->failed >= stop_after)
			break;
	}
}

/* By enum model_rule */
static const char *const rules[NR_RULES] = {
	"G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8",
	"V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9",
	"V10", "V11",
	"A1", "A2", "E1", "E2", "E3", "E4",
	"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9",
	"D10", "D11",
	"H1", "H2", "H3", "H4", "H5", "H7",
	"S1", "S2", "S3", "L", "M",
	"X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "T1", "T2", "T3", "T4",
	"mailhost", "pix-4.4", "pix-5.1", "asa",
};

static int usage(void)
{
	fprintf(stderr,
		"usage: sim [--seed N] [--count N] [--seconds N] [--jobs N] [--stop-after N] [--no-shrink] [--trace] [--all-rules]\n");
	return 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "stop-after", required_argument, NULL, 'f' },
		{ "no-shrink", no_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 'v' },
		{ "all-rules", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 }
	};
	u64 seed = 1, count = 0;
	double seconds = 0, begin = now();
	u32 jobs = 1, i, k, stop_after = 1;
	bool shrinks = true, trace = false, all_rules = false;
	struct result sum = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			count = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = atof(optarg);
			break;
		case 'j':
			jobs = atoi(optarg);
			break;
		case 'f':
			stop_after = atoi(optarg);
			break;
		case 'n':
			shrinks = false;
			break;
		case 'v':
			trace = true;
			break;
		case 'r':
			all_rules = true;
			break;
		default:
			return usage();
		}
	}
	if (optind < argc || !jobs || jobs > 256)
		return usage();
	if (trace) {
		bool ok = passes(seed, true);

		plan_print(&sim.plan, &diet);
		printf("=> %s\n", ok ? "passed" : sim.error);
		sim_free(&sim);
		return !ok;
	}
	if (!count)
		count = seconds ? UINT64_MAX : 10000;
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	for (i = 0; i < jobs; i++) {
		int fd[2];
		pid_t pid;

		if (pipe(fd))
			return 1;
		fflush(stdout);
		pid = fork();
		if (pid < 0)
			return 1;
		if (!pid) {
			struct result r = { 0 };
			u64 mine = count == UINT64_MAX ? count :
				   count / jobs + (i < count % jobs);

			work(seed + i, jobs, mine, seconds ? begin + seconds : 0,
			     shrinks, stop_after, &r);
			sim_free(&sim);
			fflush(stdout);
			if (write(fd[1], &r, sizeof(r)) != sizeof(r))
				_exit(1);
			exit(0);
		}
		/* The children's ends are few and live as long as we do */
		close(fd[1]);
		dup2(fd[0], 100 + i);
		close(fd[0]);
	}
	for (i = 0; i < jobs; i++) {
		struct result r;

		if (read(100 + i, &r, sizeof(r)) != sizeof(r)) {
			printf("FAILED: job %u died\n", i);
			sum.failed++;
			continue;
		}
		sum.passed += r.passed;
		sum.failed += r.failed;
		sum.resets += r.resets;
		sum.fair += r.fair;
		sum.over += r.over;
		sum.events += r.events;
		sum.rules |= r.rules;
		for (k = 0; k < NR_CAUSES; k++)
			sum.causes[k] += r.causes[k];
		sum.measured += r.measured;
		sum.with += r.with;
		sum.without += r.without;
		sum.late += r.late;
		if (r.latest > sum.latest) {
			sum.latest = r.latest;
			sum.latest_seed = r.latest_seed;
		}
	}
	while (wait(&c) > 0)
		if (c) {
			printf("FAILED: a job ended with status %d\n", c);
			sum.failed++;
		}
	for (i = 0; all_rules && i < NR_RULES; i++)
		if (!(sum.rules & RULE_BIT(i))) {
			printf("FAILED: no schedule applied %s\n", rules[i]);
			sum.failed++;
		}
	printf("ended: %llu by policy, %llu too late to mask, %llu for octets ahead of an end of data, %llu for repetitions, %llu for memory; of clients that keep to the RFCs none but by policy\n",
	       (unsigned long long)sum.causes[ENDED_POLICY],
	       (unsigned long long)sum.causes[ENDED_TOO_LATE],
	       (unsigned long long)sum.causes[ENDED_AHEAD],
	       (unsigned long long)sum.causes[ENDED_REWRITTEN],
	       (unsigned long long)sum.causes[ENDED_RECLAIMED]);
	printf("%llu dialogues measured: %.1f s each, %.1f s without the filter; %llu took 0.1 s more, at most %.1f s (seed %llu)\n",
	       (unsigned long long)sum.measured,
	       1.0 * sum.with / SECOND / (sum.measured ?: 1),
	       1.0 * sum.without / SECOND / (sum.measured ?: 1),
	       (unsigned long long)sum.late, 1.0 * sum.latest / SECOND,
	       (unsigned long long)sum.latest_seed);
	printf("%llu schedules from seed %llu (%llu must arrive whole, %llu reset, %llu stopped), %.1f million events, %.0f a second\n",
	       (unsigned long long)(sum.passed + sum.failed),
	       (unsigned long long)seed, (unsigned long long)sum.fair,
	       (unsigned long long)sum.resets, (unsigned long long)sum.over,
	       sum.events / 1e6, (sum.passed + sum.failed) / (now() - begin));
	printf("%llu passed, %llu failed\n", (unsigned long long)sum.passed,
	       (unsigned long long)sum.failed);
	return sum.failed || !sum.passed;
}
