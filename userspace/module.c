// SPDX-License-Identifier: GPL-2.0-only
/* The kernel module, as this machine has it. See module.h. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "module.h"

bool read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool some;

	if (!f)
		return false;
	some = fgets(buf, size, f);
	fclose(f);
	if (some)
		buf[strcspn(buf, "\n")] = '\0';
	return some;
}

/* Does the kernel refuse modules that no key known to it has signed? Secure Boot
 * switches lockdown on, Debian's kernels so.
 */
static bool signed_only(void)
{
	char line[128];

	if (read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line)) &&
	    *line == 'Y')
		return true;
	return read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
	       (strstr(line, "[integrity]") || strstr(line, "[confidentiality]"));
}

/* Does modprobe know of it? True where that can't be told. */
static bool installed(const char *release)
{
	char path[256], line[4096];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	f = fopen(path, "re");
	if (!f)
		return true;
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, "/nf_smtp_fixup.ko");
	fclose(f);
	return found;
}

static const char missing[] =
	"the kernel module nf_smtp_fixup is not loaded here; load it with 'modprobe nf_smtp_fixup'";

int module_missing(struct reason *why)
{
	struct utsname uts;

	uname(&uts);
	if (signed_only())
		return reason_local(why, "%s. This kernel refuses modules that it knows no signature of (Secure Boot): enrol the key of this one first, as SECURE BOOT in smtpfixup(8) says",
				    missing);
	if (!installed(uts.release))
		return reason_local(why,
				    "%s. It is not installed for the kernel %.64s: that takes the package smtpfixup-dkms and the kernel's headers, or 'make install'",
				    missing, uts.release);
	return reason_local(why, "%s", missing);
}
