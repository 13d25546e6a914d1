// SPDX-License-Identifier: GPL-2.0-only
/* Find. See find.h. */
#include "find.h"

struct smtp_found smtp_find_block(enum smtp_vector vector, const u8 *p, u64 at, u64 n,
				  u64 all)
{
	const u8 *block = p + at;
	u64 octets = smtp_vector_find(vector, &block, p + n, all);

	return (struct smtp_found) { .octets = octets, .at = block - p };
}
