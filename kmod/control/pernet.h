/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces: set-up and teardown of what each has. */
#ifndef _SMTP_PERNET_H
#define _SMTP_PERNET_H

int smtp_netns_init(void);
void smtp_netns_exit(void);

#endif /* _SMTP_PERNET_H */
