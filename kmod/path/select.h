/* SPDX-License-Identifier: GPL-2.0-only */
/* Selection: which connections are judged, and which are left alone. */
#ifndef _SMTP_SELECT_H
#define _SMTP_SELECT_H

#include "../netns/ports.h"

struct nf_conn;
struct nf_hook_state;

bool smtp_select_iif(const struct smtp_rule *rule,
		     const struct nf_hook_state *state);
bool smtp_select_new(const struct smtp_rule *rule,
		     const struct nf_hook_state *state);
bool smtp_select_missed(const struct nf_conn *ct,
			const struct smtp_rule *rule);
enum smtp_fixup_midstream smtp_select_midstream(const struct nf_conn *ct,
						const struct smtp_rule *rule,
						bool outside);

#endif /* _SMTP_SELECT_H */
