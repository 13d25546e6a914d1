/* SPDX-License-Identifier: GPL-2.0-only */
/* Turns: a connection goes on when its turn has come. docs/rules.md X7. */
#ifndef _SMTP_TURN_H
#define _SMTP_TURN_H

#include "../netns/rate.h"

void smtp_turn_resume(struct smtp_rate_wait *turn);

#endif /* _SMTP_TURN_H */
