/* SPDX-License-Identifier: GPL-2.0-only */
/* Turns: what a connection does when its turn comes. docs/rules.md X7. */
#ifndef _SMTP_TURN_H
#define _SMTP_TURN_H

#include "../netns/rate.h"

void smtp_turn_resume(struct smtp_rate_wait *turn);

#endif /* _SMTP_TURN_H */
