// SPDX-License-Identifier: GPL-2.0-only
/* save, restore, flush, the order of show, and what a mode means. */
#include <errno.h>
#include <glob.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"
#include "import.h"
#include "lines.h"
#include "words.h"

static char dir[] = "/tmp/smtpfixup-test-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/conf", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void write_path(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
}

static void assert_file(const char *want)
{
	char got[4096] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, want);
}

/* --- words of a line */

static const struct {
	const char *line;
	const char *words;	/* with | between */
} good_lines[] = {
	{ "", "" },
	{ "   \t ", "" },
	{ "# set 25 fixup", "" },
	{ "  # set", "" },
	{ "set 25 fixup", "set|25|fixup" },
	{ "\tset  25 \t fixup  ", "set|25|fixup" },
	{ "set 25 fixup # a comment", "set|25|fixup" },
	{ "set 25#26", "set|25#26" },
	{ "a 'b c' d", "a|b c|d" },
	{ "a 'b'\\''c' d", "a|b'c|d" },
	{ "a \"b c\" d", "a|b c|d" },
	{ "a \"b \\\" 'c\" d", "a|b \" 'c|d" },
	{ "a '# b' \\# d", "a|# b|#|d" },
	{ "a\\ b c", "a b|c" },
	{ "a '' b", "a||b" },
	{ "''", "" },
	{ "a '\\' b", "a|\\|b" },
};

static void lines_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_lines) / sizeof(*good_lines); i++) {
		char *words[LINE_WORDS_MAX], got[256] = "";
		char *line = strdup(good_lines[i].line);
		struct reason why;
		int n = line_split(line, words, &why);

		assert_true(n >= 0);
		for (int w = 0; w < n; w++) {
			strcat(got, w ? "|" : "");
			strcat(got, words[w]);
		}
		assert_string_equal(got, good_lines[i].words);
		free(line);
	}
}

static void lines_split_bad(void **state)
{
	static const char *const bad[] = {
		"a 'b", "a \"b", "a b\\", "'", "a \"b\\\"", "\"\\\"",
	};
	char *words[LINE_WORDS_MAX], many[4 * LINE_WORDS_MAX] = "";
	struct reason why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *line = strdup(bad[i]);

		assert_int_equal(line_split(line, words, &why), -1);
		free(line);
	}
	for (int i = 0; i < LINE_WORDS_MAX; i++)
		strcat(many, "x ");
	assert_int_equal(line_split(many, words, &why), LINE_WORDS_MAX);
	memset(many, 0, sizeof(many));
	for (int i = 0; i <= LINE_WORDS_MAX; i++)
		strcat(many, "x ");
	assert_int_equal(line_split(many, words, &why), -1);
	assert_says(why.text, "more than 512 words");
}

/* --- restore */

/* What the last request replaces the configuration by, as set lines */
static void assert_replaces(const char *want)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)fake.request;
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *inner;
	char got[4096] = "";
	FILE *f = fmemopen(got, sizeof(got), "w");

	assert_non_null(f);
	assert_int_equal(genl->cmd, SMTP_FIXUP_CMD_POLICY_REPLACE);
	mnl_attr_for_each(attr, nlh, sizeof(*genl)) {
		assert_int_equal(mnl_attr_get_type(attr), SMTP_FIXUP_A_POLICY);
		assert_true(attr->nla_type & NLA_F_NESTED);
		mnl_attr_for_each_nested(inner, attr) {
			const u16 *port = (const u16 *)((const u8 *)inner + 8);

			if (mnl_attr_get_type(inner) == SMTP_FIXUP_A_PORTS)
				fprintf(f, "%u%s ", *port,
					inner->nla_len > 12 ? "+" : "");
			else if (mnl_attr_get_type(inner) == SMTP_FIXUP_A_MODE)
				fprintf(f, "%s", WORD_TEXT(&mode_words, mnl_attr_get_u8(inner)));
			else if (mnl_attr_get_type(inner) == SMTP_FIXUP_A_BANNER_TEXT)
				fprintf(f, " '%s'", mnl_attr_get_str(inner));
			else
				fprintf(f, " %u", mnl_attr_get_type(inner));
		}
		fprintf(f, "\n");
	}
	fclose(f);
	assert_string_equal(got, want);
}

static void restore_text(const char *text)
{
	write_path(text, strlen(text));
	tool(&o, "restore", path, NULL);
	unlink(path);
}

static void restore_all_kinds_of_lines(void **state)
{
	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text("# a comment\n"
		     ": Saved by a PIX\r\n"
		     "!\n"
		     "\n"
		     "fixup protocol smtp 25\r\n"
		     "fixup protocol smtp 2525-2530\n"
		     "no fixup protocol smtp 2526\n"
		     "  inspect esmtp\n"
		     "no inspect esmtp\n"
		     "set 25,587 esmtp banner text 'it'\\''s # \"it\"' tls allow # so\n"
		     "set 26 off");
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "");
	assert_int_equal(fake.requests, 1);
	assert_replaces("25 fixup\n"
			"2525+ fixup\n"
			"2526 off\n"
			"25 esmtp\n"
			"25 off\n"
			"25 587 esmtp 4 5 'it's # \"it\"'\n"
			"26 off\n");
}

/* What set takes, a file may say: as many matches as a policy has */
static void restore_every_match(void **state)
{
	char *line = NULL;
	size_t len;
	FILE *f = open_memstream(&line, &len);

	(void)state;
	fputs("set 25 esmtp", f);
	for (int i = 0; i < SMTP_FIXUP_MATCHES_MAX; i++)
		fprintf(f, " match not sender a%d@example.org log", i);
	for (unsigned int i = 0; i < limit_words.count; i++)
		fprintf(f, " limit %s 1000 log", limit_words.names[i]);
	fclose(f);
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text(line);
	free(line);
	assert_int_equal(o.status, 0);
	assert_int_equal(fake.requests, 1);
}

/* --- import */

static void import_file(const char *text)
{
	write_path(text, strlen(text));
	tool(&o, "import", "--apply", path, NULL);
	unlink(path);
}

static void import_applies(void **state)
{
	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	import_file("PIX Version 6.3(5)\n"
		    "fixup protocol ftp 21\n"
		    "fixup protocol smtp 25\n"
		    "fixup protocol smtp 2025-2030\n"
		    ": end\n");
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "");
	assert_string_equal(o.err, "");
	assert_int_equal(fake.requests, 1);
	assert_replaces("25 fixup\n2025+ fixup\n");
}

/* What the operator has to look at is told, and where it stands */
static void import_applies_with_remarks(void **state)
{
	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	import_file("ASA Version 8.4(1)\n"
		    "policy-map P\n class inspection_default\n  inspect esmtp\n"
		    "service-policy P interface outside\n");
	assert_int_equal(o.status, 0);
	assert_says(o.err, ":5: 'outside' is the device's name");
	assert_int_equal(fake.requests, 1);
}

static void import_applies_nothing(void **state)
{
	static const char *const texts[] = {
		/* Something has no equivalent, is ambiguous, or there is nothing */
		"fixup protocol smtp 25\nfixup protocol smtp 0\n",
		"policy-map P\n class inspection_default\n  inspect esmtp\nservice-policy P global\n",
		"hostname fw\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		import_file(texts[i]);
		assert_int_equal(o.status, i < 2 ? 3 : 1);
		assert_says(o.err, "nothing was changed");
		assert_int_equal(fake.requests, 0);
		if (i + 1 < sizeof(texts) / sizeof(*texts))
			outcome_free(&o);
	}
}

/* Two of the configurations, with lines left out, said again and moved, and octets
 * changed: whatever comes of it can be restored, and is told in printable lines
 */
static char *import_mutated(const glob_t *files, unsigned int *seed, size_t *len)
{
	static const char octets[] = "\"'/\\$[](){}|*,-? \t\r\b\n0123456789axn\377";
	char *line[512], *text = NULL;
	size_t lines = 0;
	FILE *out;

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(files->gl_pathv[rand_r(seed) % files->gl_pathc], "r");
		char one[512];

		assert_non_null(f);
		while (lines < 512 && fgets(one, sizeof(one), f))
			line[lines++] = strdup(one);
		fclose(f);
	}
	out = open_memstream(&text, len);
	for (size_t i = 0; i < lines; i++) {
		const int what = rand_r(seed) % 20;

		if (what == 0)
			continue;
		if (what == 1)
			fputs(line[rand_r(seed) % lines], out);
		fputs(what == 2 ? line[rand_r(seed) % lines] : line[i], out);
	}
	fclose(out);
	for (int i = rand_r(seed) % 8; i && *len; i--)
		text[rand_r(seed) % *len] = octets[rand_r(seed) % (sizeof(octets) - 1)];
	while (lines)
		free(line[--lines]);
	return text;
}

static void import_random(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);
	glob_t files;

	(void)state;
	print_message("SEED=%u\n", seed);
	assert_int_equal(glob("import/*.conf", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 50);
	for (int round = 0; round < 300; round++) {
		struct import_result result;
		struct config config;
		bool missing = false;
		size_t len;
		char *text = import_mutated(&files, &seed, &len);

		config_read(&config, text, len);
		import_policies(&config, &result);
		for (size_t i = 0; i < result.count; i++) {
			const struct import_item *item = &result.item[i];
			struct line_list list;
			struct reason why;

			missing |= item->missing;
			for (const char *c = item->reason; c && *c; c++)
				assert_in_range(*c, ' ', '~');
			if (!item->set)
				continue;
			assert_int_equal(lines_parse(&list, "x", item->set,
						     strlen(item->set), &why), 0);
			lines_free(&list);
		}
		assert_int_equal(missing, result.missing);
		import_result_free(&result);
		config_free(&config);
		free(text);
	}
	globfree(&files);
}

static void import_refused(void **state)
{
	(void)state;
	put_ack(fake_answer(), -EPERM, NULL, -1);
	import_file("fixup protocol smtp 25\n");
	assert_int_equal(o.status, 2);
}

/* The mode may be younger than this line */
static void restore_mailhost(void **state)
{
	struct reason why;

	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text("mailhost\nno mailhost\n");
	if (word_find(&mode_words, "mailhost", &why) < 0) {
		assert_int_equal(o.status, 1);
		assert_says(o.err, ":1: unknown mode 'mailhost'");
		return;
	}
	assert_int_equal(o.status, 0);
	assert_replaces("25 mailhost\n25 off\n");
}

static void restore_nothing(void **state)
{
	(void)state;
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text("");
	assert_int_equal(o.status, 0);
	assert_int_equal(fake.requests, 1);
	assert_replaces("");
}

/* No file is standard input */
static void restore_from_stdin(void **state)
{
	const int kept = dup(STDIN_FILENO), none = open("/dev/null", O_RDONLY);

	(void)state;
	dup2(none, STDIN_FILENO);
	put_ack(fake_answer(), 0, NULL, -1);
	tool(&o, "restore", NULL);
	dup2(kept, STDIN_FILENO);
	close(kept);
	close(none);
	assert_int_equal(o.status, 0);
	assert_replaces("");
}

static void restore_says_which_line(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
		{ "set 25 bogus\n", ":1: unknown mode 'bogus'" },
		{ "set 25 fixup\n\n# x\nset 25 fixup banner\n", ":4: the option 'banner'" },
		{ "set 25 fixup\nset 0 fixup", ":2: '0' is no port" },
		{ "set 25 fixup banner text 'x\n", ":1: a ' has no partner" },
		{ "show\n", ":1: 'show' can't begin a line here; known are set" },
		{ "restore x\n", ":1: 'restore' can't begin" },
		{ "fixup protocol http 80\n", ":1: 'http' is not known here" },
		{ "\n\nno route\n", ":3: 'route'" },
		{ "set 25 fixup tls allow\n", ":1: 'tls allow' and 'tls require' need EHLO" },
		{ "set\n", ":1: set needs ports" },
		{ "\e[2J\n", ":1: '?[2J'" },
		{ "set 25 fixup\\\n", ":1: a backslash" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		restore_text(bad[i].text);
		assert_int_equal(o.status, 1);
		assert_says(o.err, bad[i].says);
		assert_says(o.err, path);
		assert_int_equal(fake.requests, 0);
		outcome_free(&o);
	}
	write_path("set 25 fixup\nset 26\0 off\n", 25);
	tool(&o, "restore", path, NULL);
	unlink(path);
	assert_int_equal(o.status, 1);
	assert_says(o.err, ":2: there is a NUL");
	assert_int_equal(fake.requests, 0);
}

static void restore_a_wide_line(void **state)
{
	size_t len = 0, alloc = 8 * (REPLACE_RANGES_MAX + 2);
	char *text = calloc(1, alloc);

	(void)state;
	for (int port = 1; port <= REPLACE_RANGES_MAX; port++)
		len += snprintf(text + len, alloc - len, "%s%d", port > 1 ? "," : "set ", port);
	len += snprintf(text + len, alloc - len, " off\n");
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text(text);
	assert_int_equal(o.status, 0);
	outcome_free(&o);

	len = 0;
	for (int port = 1; port <= REPLACE_RANGES_MAX + 1; port++)
		len += snprintf(text + len, alloc - len, "%s%d", port > 1 ? "," : "set ", port);
	len += snprintf(text + len, alloc - len, " off\n");
	restore_text(text);
	assert_int_equal(o.status, 1);
	assert_says(o.err, ":1: there are more than 2000 ranges");
	free(text);
}

/* More than the kernel takes is not even kept: a file of short lines cannot take
 * gigabytes
 */
static void restore_too_many_lines(void **state)
{
	static const char line[] = "set 1 fixup\n", comment[] = "# set 1 fixup\n";
	const size_t n = sizeof(line) - 1, m = sizeof(comment) - 1;
	char *text = malloc((LINES_MAX + 1) * (n + m) + 1);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < LINES_MAX; i++) {
		memcpy(text + len, line, n);
		memcpy(text + len + n, comment, m);
		len += n + m;
	}
	text[len] = '\0';
	put_ack(fake_answer(), 0, NULL, -1);
	restore_text(text);
	assert_int_equal(o.status, 0);
	outcome_free(&o);
	memcpy(text + len, line, n + 1);
	fake.requests = 0;
	restore_text(text);
	assert_int_equal(o.status, 1);
	assert_says(o.err, ":131073: there are more than 65536 lines that set a policy");
	assert_int_equal(fake.requests, 0);
	free(text);
}

static void restore_too_many_ranges(void **state)
{
	const size_t alloc = 40 * 8 * REPLACE_RANGES_MAX;
	char *text = malloc(alloc);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 33; i++) {
		for (int port = 1; port <= REPLACE_RANGES_MAX; port++)
			len += snprintf(text + len, alloc - len, "%s%d",
					port > 1 ? "," : "set ", port);
		len += snprintf(text + len, alloc - len, " fixup\n");
	}
	restore_text(text);
	assert_int_equal(o.status, 1);
	assert_says(o.err, ":33: there are more than 65536 ranges");
	assert_int_equal(fake.requests, 0);
	free(text);
}

/* The kernel's offset leads to the line, whatever lies there */
static void restore_refused(void **state)
{
	static const char text[] = "set 25 fixup\n\n# x\nset 26 esmtp tls allow\nset 27 off\n";
	/* header; first: nest 4, ports 12, mode 8; second: nest 4 */
	const int second = NLMSG_HDRLEN + GENL_HDRLEN + 24;

	(void)state;
	put_ack(fake_answer(), -EINVAL, "not like this", second);
	restore_text(text);
	assert_int_equal(o.status, 2);
	assert_says(o.err, ":4: the kernel refused it: not like this");
	outcome_free(&o);

	put_ack(fake_answer(), -EINVAL, "not like this", second + 4 + 12 + 8);
	restore_text(text);
	assert_int_equal(o.status, 2);
	assert_says(o.err, ":4: the kernel refused 'tls': not like this");
	outcome_free(&o);

	put_ack(fake_answer(), -EINVAL, "not like this", second - 24 + 4);
	restore_text(text);
	assert_says(o.err, ":1: the kernel refused 'ports 25': not like this");
	outcome_free(&o);

	put_ack(fake_answer(), -ENOMEM, NULL, -1);
	restore_text(text);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "smtpfixup: the kernel refused it: Cannot allocate memory");
	outcome_free(&o);

	put_ack(fake_answer(), -EINVAL, "what?", 1 << 30);
	restore_text(text);
	assert_says(o.err, "smtpfixup: the kernel refused it: what?");
}

static void restore_no_file(void **state)
{
	(void)state;
	tool(&o, "restore", path, NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "No such file");
	outcome_free(&o);
	tool(&o, "restore", dir, NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "could not be read");
	outcome_free(&o);
	tool(&o, "restore", "a", "b", NULL);
	assert_int_equal(o.status, 1);
	assert_int_equal(fake.requests, 0);
}

/* --- save */

#define HEADER "# The whole configuration of one network namespace, by smtpfixup save.\n" \
	       "# 'smtpfixup restore' puts it in force again.\n"

static void prepare_policies(void)
{
	struct answer *a = fake_answer();
	struct smtp_policy p;

	policy_init(&p, SMTP_FIXUP_MODE_ESMTP);
	smtp_policy_set_text(&p, "it's", 4);
	put_policy(a, 587, 0, &p, 0);
	policy_init(&p, SMTP_FIXUP_MODE_FIXUP);
	put_policy(a, 25, 30, &p, 0);
	put_done(a, 0, NULL);
}

#define LINES "set 25-30 fixup\nset 587 esmtp banner text 'it'\\''s'\n"

static void save_to_stdout(void **state)
{
	(void)state;
	prepare_policies();
	tool(&o, "save", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, HEADER LINES);
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "save", "-", NULL);
	assert_string_equal(o.out, HEADER LINES);
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "save", "-j", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "{\"ports\": \"25-30\", \"mode\": \"fixup\"");
	outcome_free(&o);
	tool(&o, "save", "-j", path, NULL);
	assert_int_equal(o.status, 1);
}

static void save_to_a_file(void **state)
{
	struct stat st;
	char link[80];

	(void)state;
	umask(027);
	prepare_policies();
	tool(&o, "save", path, NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "");
	assert_file(HEADER LINES);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	outcome_free(&o);

	/* Where a link leads to is replaced, the link stays */
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("conf", link), 0);
	write_path("old", 3);
	fake.given = 0;
	tool(&o, "save", link, NULL);
	assert_int_equal(o.status, 0);
	assert_file(HEADER LINES);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);
	umask(022);

	/* What was saved can be restored */
	outcome_free(&o);
	fake_reset();
	put_ack(fake_answer(), 0, NULL, -1);
	tool(&o, "restore", path, NULL);
	assert_int_equal(o.status, 0);
	assert_replaces("25+ fixup\n587 esmtp 4 'it's'\n");
	unlink(path);
}

/* Two names in one: what the other processes of the machine may do to it */
static void save_keeps_what_is_there(void **state)
{
	char link[80], target[80], name[512];
	struct stat st;

	(void)state;
	/* A link that leads nowhere stays, and what it leads to is made */
	prepare_policies();
	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(target, sizeof(target), "%s/conf", dir);
	assert_int_equal(symlink("conf", link), 0);
	tool(&o, "save", link, NULL);
	assert_int_equal(o.status, 0);
	assert_file(HEADER LINES);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	outcome_free(&o);

	/* A mode stays: nobody can read it who could not before */
	fake.given = 0;
	assert_int_equal(chmod(target, 0600), 0);
	tool(&o, "save", link, NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unlink(target);
	unlink(link);
	outcome_free(&o);

	/* A link to itself is no place */
	fake.given = 0;
	assert_int_equal(symlink("link", link), 0);
	tool(&o, "save", link, NULL);
	assert_int_equal(o.status, 1);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);
	outcome_free(&o);

	/* As long as a name can be */
	fake.given = 0;
	snprintf(name, sizeof(name), "%s/%0255d", dir, 0);
	tool(&o, "save", name, NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(stat(name, &st), 0);
	unlink(name);
	outcome_free(&o);

	/* Nothing is left beside it where it cannot be */
	fake.given = 0;
	snprintf(name, sizeof(name), "%s/%0256d", dir, 0);
	tool(&o, "save", name, NULL);
	assert_int_equal(o.status, 1);
	assert_int_equal(rmdir(dir), 0);	/* it is empty */
	assert_int_equal(mkdir(dir, 0700), 0);
}

/* A pipe is written to, but nobody waits for a reader that never comes */
static void save_to_a_pipe(void **state)
{
	char pipe[80], text[4096];
	ssize_t n;
	int fd;

	(void)state;
	prepare_policies();
	snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	alarm(30);
	tool(&o, "save", pipe, NULL);
	alarm(0);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "a pipe that nobody reads");
	outcome_free(&o);
	fake.given = 0;
	fd = open(pipe, O_RDONLY | O_NONBLOCK);
	assert_true(fd >= 0);
	tool(&o, "save", pipe, NULL);
	assert_int_equal(o.status, 0);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, HEADER LINES);
	close(fd);
	unlink(pipe);
}

static void save_to_a_device(void **state)
{
	struct stat st;

	(void)state;
	prepare_policies();
	tool(&o, "save", "/dev/null", NULL);
	assert_int_equal(o.status, 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "save", "/dev/full", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "No space left");
	outcome_free(&o);
	fake.given = 0;
	tool(&o, "save", "/nowhere/conf", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "/nowhere/conf could not be written");
	outcome_free(&o);
	/* Without the kernel's answer the old file stays, and nothing beside it */
	write_path("old", 3);
	fake.recv_errno = ENOBUFS;
	tool(&o, "save", path, NULL);
	assert_int_equal(o.status, 1);
	assert_file("old");
	unlink(path);
}

/* --- flush */

static void put_flushed(u32 flushed)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, 0);

	mnl_attr_put_u32(nlh, SMTP_FIXUP_A_FLUSHED, flushed);
	end_message(a, nlh);
	put_ack(fake_answer(), 0, NULL, -1);
}

static void flush_ports(void **state)
{
	const struct genlmsghdr *genl;

	(void)state;
	put_flushed(1);
	tool(&o, "flush", "25,587", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out, "1 connection ended\n");
	genl = (const void *)(fake.request + NLMSG_HDRLEN);
	assert_int_equal(genl->cmd, SMTP_FIXUP_CMD_FLUSH);
	assert_int_equal(fake.request_len, NLMSG_HDRLEN + GENL_HDRLEN + 2 * 12);
	outcome_free(&o);

	put_flushed(UINT32_MAX);
	tool(&o, "flush", NULL);
	assert_string_equal(o.out, "4294967295 connections ended\n");
	assert_int_equal(fake.request_len, NLMSG_HDRLEN + GENL_HDRLEN);
	outcome_free(&o);

	put_flushed(0);
	tool(&o, "flush", "-j", NULL);
	assert_string_equal(o.out, "[\n {\"connections_flushed\": 0}\n]\n");
}

static void flush_refused(void **state)
{
	struct answer *a = fake_answer();
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, 0);

	(void)state;
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_FLUSHED, 1);
	end_message(a, nlh);
	tool(&o, "flush", NULL);
	assert_int_equal(o.status, 1);
	assert_says(o.err, "makes no sense");
	outcome_free(&o);

	put_ack(fake_answer(), -EPERM, NULL, -1);
	tool(&o, "flush", NULL);
	assert_int_equal(o.status, 2);
	assert_says(o.err, "CAP_NET_ADMIN");
	outcome_free(&o);
	tool(&o, "flush", "0", NULL);
	assert_int_equal(o.status, 1);
}

/* --- show --preset */

/* The line that is printed means what the mode alone means */
static void presets_mean_what_they_say(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < mode_words.count; i++) {
		char *words[LINE_WORDS_MAX];
		struct set_request req;
		struct smtp_policy want;
		struct reason why;
		int n;

		tool(&o, "show", "--preset", mode_words.names[i], NULL);
		assert_int_equal(o.status, 0);
		assert_int_equal(fake.requests, 0);
		assert_ptr_equal(strchr(o.out, '\n') + 1, strchr(o.out, '\0'));
		*strchr(o.out, '\n') = '\0';
		if (i != SMTP_FIXUP_MODE_OFF) {
			for (unsigned int w = 0; w < set_options_count; w++) {
				if (set_options[w]->words)
					assert_says(o.out, set_options[w]->name);
			}
			assert_says(o.out, " allow HELO,");
		}
		n = line_split(o.out, words, &why);
		assert_true(n >= 3);
		if (set_parse(&req, n - 1, words + 1, &why))
			fail_msg("%s", why.text);
		policy_init(&want, i);
		assert_memory_equal(&req.policy, &want, sizeof(want));
		set_free(&req);
		outcome_free(&o);
	}
	tool(&o, "show", "--preset", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "set 25 off\nset 25 fixup banner pix ");
	outcome_free(&o);
	tool(&o, "show", "--preset", "esmtp", "-j", NULL);
	assert_int_equal(o.status, 0);
	assert_says(o.out, "\"mode\": \"esmtp\", \"banner\": \"pix\"");
	outcome_free(&o);
	tool(&o, "show", "--preset", "25", NULL);
	assert_int_equal(o.status, 1);
	outcome_free(&o);
	tool(&o, "show", "--preset", "esmtp", "fixup", NULL);
	assert_int_equal(o.status, 1);
}

/* --- the order of show */

struct rule {
	struct port_range range;
	u64 serial;
	u8 mode;
};

struct rules {
	struct rule rule[64];
	size_t count;
	u64 serial;
};

static bool precedes(const struct rule *a, const struct rule *b)
{
	int width = (a->range.last - a->range.first) - (b->range.last - b->range.first);

	return width ? width < 0 : a->serial > b->serial;
}

/* What the kernel does with a set line, the slow way */
static void rules_set(struct rules *rules, struct port_range range, u8 mode)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		if (range_compare(&rules->rule[i].range, &range))
			rules->rule[kept++] = rules->rule[i];
	}
	rules->rule[kept] = (struct rule){ range, ++rules->serial, mode };
	rules->count = kept + 1;
	kept = 0;
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule rule = rules->rule[i];
		bool keep = rule.mode != SMTP_FIXUP_MODE_OFF;

		/* Those behind are still in their places */
		for (size_t j = 0; j < rules->count && !keep; j++)
			keep = (j < kept || j > i) &&
			       rules->rule[j].mode != SMTP_FIXUP_MODE_OFF &&
			       range_overlap(rules->rule[j].range, rule.range) &&
			       precedes(&rule, &rules->rule[j]);
		if (keep)
			rules->rule[kept++] = rule;
	}
	rules->count = kept;
}

static void rules_list(const struct rules *rules, struct policy_list *list)
{
	list->item = calloc(rules->count + 1, sizeof(*list->item));
	list->count = rules->count;
	list->alloc = rules->count;
	for (size_t i = 0; i < rules->count; i++) {
		list->item[i].range = rules->rule[i].range;
		list->item[i].serial = rules->rule[i].serial;
		policy_init(&list->item[i].policy, rules->rule[i].mode);
	}
	policy_list_sort(list);
}

static void show_order_random(void **state)
{
	const char *given = getenv("SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned int)time(NULL);

	(void)state;
	print_message("SEED=%u\n", seed);
	for (int round = 0; round < 20000; round++) {
		struct rules rules = { 0 }, again = { 0 };
		struct policy_list list = { 0 }, list2 = { 0 };
		const int lines = rand_r(&seed) % 20, ports = 2 + rand_r(&seed) % 20;

		for (int i = 0; i < lines; i++) {
			const u16 first = 1 + rand_r(&seed) % ports;
			const u16 last = first + rand_r(&seed) % (ports + 1 - first);

			rules_set(&rules, (struct port_range){ first, last },
				  rand_r(&seed) % 3);
		}
		rules_list(&rules, &list);
		for (size_t i = 0; i < list.count; i++)
			rules_set(&again, list.item[i].range, list.item[i].policy.mode);
		rules_list(&again, &list2);
		assert_int_equal(list.count, list2.count);
		for (size_t i = 0; i < list.count; i++) {
			assert_int_equal(range_compare(&list.item[i].range, &list2.item[i].range), 0);
			assert_int_equal(list.item[i].policy.mode, list2.item[i].policy.mode);
		}
		policy_list_clear(&list);
		policy_list_clear(&list2);
	}
}

static void put_rule(struct answer *a, u16 first, u16 last, u8 mode, u64 serial)
{
	struct nlmsghdr *nlh = put_message(a, FAKE_FAMILY, NLM_F_MULTI);

	put_range(nlh, first, last);
	mnl_attr_put_u8(nlh, SMTP_FIXUP_A_MODE, mode);
	mnl_attr_put_u64(nlh, SMTP_FIXUP_A_SERIAL, serial);
	end_message(a, nlh);
}

static void show_order(void **state)
{
	struct answer *a = fake_answer();

	(void)state;
	put_rule(a, 20, 24, 0, 1);	/* an exception of what begins behind it */
	put_rule(a, 22, 40, 1, 2);
	put_rule(a, 587, 0, 1, 3);
	put_rule(a, 26, 28, 2, 9);
	put_rule(a, 27, 29, 1, 8);	/* as wide, set before */
	put_rule(a, 30, 0, 0, 4);
	put_rule(a, 25, 0, 2, 5);
	put_rule(a, 10, 0, 1, 10);
	put_done(a, 0, NULL);
	tool(&o, "show", NULL);
	assert_int_equal(o.status, 0);
	assert_string_equal(o.out,
			    "set 10 fixup\n"
			    "set 22-40 fixup\n"
			    "set 20-24 off\n"
			    "set 27-29 fixup\n"
			    "set 26-28 esmtp\n"
			    "set 25 esmtp\n"
			    "set 30 off\n"
			    "set 587 fixup\n");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(lines_split),
		test(lines_split_bad),
		test(restore_all_kinds_of_lines),
		test(restore_every_match),
		test(import_applies),
		test(import_applies_with_remarks),
		test(import_applies_nothing),
		test(import_random),
		test(import_refused),
		test(restore_mailhost),
		test(restore_nothing),
		test(restore_from_stdin),
		test(restore_says_which_line),
		test(restore_a_wide_line),
		test(restore_too_many_lines),
		test(restore_too_many_ranges),
		test(restore_refused),
		test(restore_no_file),
		test(save_to_stdout),
		test(save_to_a_file),
		test(save_keeps_what_is_there),
		test(save_to_a_pipe),
		test(save_to_a_device),
		test(flush_ports),
		test(flush_refused),
		test(presets_mean_what_they_say),
		test(show_order_random),
		test(show_order),
	};

	return cmocka_run_group_tests_name("restore", tests, make_dir, remove_dir);
}
