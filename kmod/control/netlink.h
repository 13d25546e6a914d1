/* SPDX-License-Identifier: GPL-2.0-only */
/* The generic netlink family "smtp_fixup". */
#ifndef _SMTP_NETLINK_H
#define _SMTP_NETLINK_H

int smtp_netlink_init(void);
void smtp_netlink_exit(void);

#endif /* _SMTP_NETLINK_H */
