// SPDX-License-Identifier: GPL-2.0-only
/* Opening: the handshake. See opening.h. */
#include "opening.h"

enum smtp_answer smtp_opening_answer(const struct smtp_opening *o, bool known,
				     u32 first, u32 ack, const s32 shift[2])
{
	if (known && ack == o->isn[SMTP_CLIENT] && first == o->isn[SMTP_SERVER])
		return SMTP_ANSWER_OWN;
	if (ack != o->syn && ack - shift[0] != o->syn && ack - shift[1] != o->syn)
		return SMTP_ANSWER_STRANGE;
	return known ? SMTP_ANSWER_ANEW : SMTP_ANSWER_OWN;
}
