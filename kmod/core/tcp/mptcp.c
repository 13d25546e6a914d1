// SPDX-License-Identifier: GPL-2.0-only
/* Options of a TCP header. See mptcp.h. */
#include "mptcp.h"

#define SMTP_OPTION_END		0
#define SMTP_OPTION_NOP		1
#define SMTP_OPTION_MPTCP	30	/* IANA, "TCP Option Kind Numbers" */

u32 smtp_options_blank_mptcp(u8 *options, u32 n)
{
	u32 found = 0, at = 0, len;

	while (at < n && options[at] != SMTP_OPTION_END) {
		if (options[at] == SMTP_OPTION_NOP) {
			at++;
			continue;
		}
		/* No receiver reads on after an invalid length */
		if (n - at < 2 || options[at + 1] < 2 || options[at + 1] > n - at)
			break;
		len = options[at + 1];
		if (options[at] == SMTP_OPTION_MPTCP) {
			memset(options + at, SMTP_OPTION_NOP, len);
			found++;
		}
		at += len;
	}
	return found;
}
