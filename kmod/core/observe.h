/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Observe: what enforcing would do is counted, and nothing done. What would
 * not have passed, for a gap before it or a reply that is awaited, does pass,
 * and nobody will repeat it: a copy of it is judged when its time has come.
 *
 * In each direction one run of octets is kept, %SMTP_REPLAY_MAX at most. Of a
 * connection for which that is not enough the rest is not judged; in a body,
 * the octets of the gap are not.
 */
#ifndef _SMTP_CORE_OBSERVE_H
#define _SMTP_CORE_OBSERVE_H

#include "stream.h"

/**
 * struct smtp_observed - what has passed and is not judged yet
 * @kept: by enum smtp_dir
 */
struct smtp_observed {
	struct smtp_replay kept[2];
};

/**
 * smtp_observe_segment() - smtp_flow_segment() where the policy says observe
 * @flow: the flow, locked
 * @dir: where it comes from
 * @seg: the segment; all of it passes, unchanged
 */
void smtp_observe_segment(struct smtp_flow *flow, enum smtp_dir dir,
			  struct smtp_segment *seg);

/**
 * smtp_observe_release() - give back what is kept
 * @flow: the flow
 */
void smtp_observe_release(struct smtp_flow *flow);

#endif /* _SMTP_CORE_OBSERVE_H */
