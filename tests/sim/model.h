/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The oracle: a plain, slow model of the filter, written from docs/rules.md and
 * not from the core. It keeps the whole byte stream of each direction as it
 * came (@in) and as it must leave (@out), and decides about each byte by
 * looking back at all of its line. Nothing is shared with the core, not even
 * the lists of words.
 *
 * Where the length changes (G7, V4, E4), @out is not what leaves: @flat is.
 *
 * A piece is what was judged at once: V6 and D4 depend on what was visible
 * together. The simulator says where the pieces lay and in which order the
 * pieces of the two directions came.
 */
#ifndef _TESTS_SIM_MODEL_H
#define _TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value.h"

#define MODEL_CAP	(768 * 1024)
#define MODEL_COMMANDS	65536
#define MODEL_CHUNKS	4096

#define MODEL_EDITS	4096

enum model_banner { MODEL_PIX, MODEL_STARS, MODEL_KEEP, MODEL_TEXT, MODEL_CMAP };
enum model_reject {
	MODEL_X, MODEL_LINE, MODEL_NOOP, MODEL_REJECT_DROP, MODEL_REJECT_RESET
};

enum model_ehlo { MODEL_MASK, MODEL_STRIP, MODEL_EHLO_KEEP };
enum model_special {
	MODEL_SPECIAL_OFF, MODEL_SPECIAL_LOG, MODEL_REPLACE, MODEL_SPECIAL_DROP
};

enum model_smuggling {
	MODEL_DEFUSE, MODEL_SMUGGLING_OFF, MODEL_SMUGGLING_LOG, MODEL_SMUGGLING_DROP
};

/* What is limited, and what happens beyond it: L, X1, X2. The model reads no file names
 * and no To fields.
 */
enum model_limited {
	MODEL_COMMAND_LINE, MODEL_RCPT, MODEL_SENDER, MODEL_HEADER_LINE,
	MODEL_BODY_LINE,
	MODEL_MESSAGE, MODEL_HEADER_LENGTH, MODEL_REFUSED_RCPTS, MODEL_REPLY_LINE,
	MODEL_CHUNK, MODEL_BLOCK_SIZE, MODEL_LIMITS
};

enum model_action { MODEL_OFF, MODEL_LOG, MODEL_BLOCK, MODEL_DROP, MODEL_RESET };

struct model_limit {
	uint32_t max;
	enum model_action action;
};

/* X3: what has @text in it */
struct model_match {
	enum model_what what;
	enum model_action action;
	const char *text;
};

struct model_policy {
	bool esmtp;
	bool tls;
	bool tls_required;
	enum model_banner banner;
	bool keep_esmtp;
	enum model_smuggling smuggling;
	bool strict_ends;	/* V7 */
	bool strict_replies;	/* D8 */
	enum model_reject reject;
	enum model_ehlo ehlo;
	enum model_special special;
	struct model_limit limits[MODEL_LIMITS];
	bool rcpt_over;		/* RCPT is blocked: L */
	bool no_bdat;		/* the server has not offered it: D6 */
	bool no_chunks;		/* or the server may send more replies than are counted: D10 */
	bool lost;		/* nor may what a reply decides about: D10 */
	uint32_t proxy;		/* octets of the PROXY header that comes first: V11 */
	const char *text;	/* of MODEL_TEXT: the whole line */
	bool refused_over;	/* it is blocked: X2 */
	struct model_match match;
	const char *allow[4];	/* verbs beside those of the mode, or NULL */
	const char *deny[4];	/* verbs of the mode that do not pass, or NULL */
	const char *ehlo_allow[4];	/* keywords beside those of the mode, or NULL: E3 */
	const char *ehlo_deny[4];
};

/* The rules that a run has applied */
enum model_rule {
	RULE_G1, RULE_G2, RULE_G3, RULE_G4, RULE_G5, RULE_G6, RULE_G7, RULE_G8,
	RULE_V1, RULE_V2, RULE_V3, RULE_V4, RULE_V5, RULE_V6, RULE_V7, RULE_V8, RULE_V9,
	RULE_V10, RULE_V11,
	RULE_A1, RULE_A2, RULE_E1, RULE_E2, RULE_E3, RULE_E4,
	RULE_D1, RULE_D2, RULE_D3, RULE_D4, RULE_D5, RULE_D6, RULE_D7, RULE_D8, RULE_D9,
	RULE_D10, RULE_D11,
	RULE_H1, RULE_H2, RULE_H3, RULE_H4, RULE_H5, RULE_H7,
	RULE_S1, RULE_S2, RULE_S3, RULE_L, RULE_M,
	RULE_X1, RULE_X2, RULE_X3, RULE_X4, RULE_X5, RULE_X6, RULE_X7, RULE_X8, RULE_X9, RULE_X10,
	RULE_T1, RULE_T2, RULE_T3, RULE_T4,
	RULE_MAILHOST, RULE_PIX_4_4, RULE_PIX_5_1, RULE_ASA,	/* presets */
	NR_RULES
};

#define RULE_BIT(rule)	((__uint128_t)1 << (rule))
#define RULE(m, id)	((m)->rules |= RULE_BIT(RULE_##id))

/* What the reply to a command is read for */
enum model_kind {
	K_OTHER,
	K_GREETING,
	K_EHLO,
	K_DATA,
	K_AUTH,
	K_STARTTLS,
	K_DATA_END,	/* LF.LF: V7 */
	K_XEXCH50,
	K_DOUBT,	/* no chunk to us, maybe one to the server */
};

enum model_state { M_COMMAND, M_AUTH, M_WAIT, M_BODY, M_TLS };

/* Octets [pos, pos + old) of @in leave as @len others */
struct model_edit {
	uint32_t pos, old, len;
	uint32_t bytes;		/* where in model_dir.pool */
};

struct model_dir {
	uint8_t *in;
	uint8_t *out;		/* octet for octet, but for the edits */
	uint32_t *piece;
	uint32_t len;
	uint32_t judged;	/* where the pieces that are known end */
	struct model_edit *edits;
	uint32_t nr_edits;
	uint8_t *pool;
	uint32_t pool_len;

	/* What leaves, up to @len */
	uint8_t *flat;
	uint32_t *from;		/* by place in @flat: place in @in, of an edit its pos */
	uint32_t *at;		/* by place in @in: place in @flat */
	uint32_t flat_len;
	uint32_t flat_in, flat_edits;	/* done so far */
};

/* The verb of a line, as far as the line was seen: where it starts and ends, or UINT32_MAX */
struct model_verb {
	uint32_t line;
	uint32_t seen;
	uint32_t start;
	uint32_t end;
};

struct model {
	struct model_policy policy;
	struct model_dir d[2];	/* 0: the client's bytes, 1: the server's */
	const char *error;	/* the filter let something pass too early */
	bool reset;		/* the rules ask for a reset */
	enum model_action ended;	/* by the policy: MODEL_DROP, MODEL_RESET */
	bool answers;		/* the client's bytes ended it: the server answers
				 * what precedes them */
	__uint128_t rules;	/* applied: a bit each */

	/* What the surroundings say of the piece being judged */
	bool elastic;		/* lengths may change */
	uint32_t room;		/* octets of one packet */
	uint32_t begin;		/* its first octet that leaves if its length changes */
	uint32_t acked[2];	/* the far end has everything before, as sent */
	uint32_t sight;		/* where in @in the packet ends */
	uint32_t body_sight;	/* where it ends for a body: the packet may be cut */
	bool sight_sure;	/* or the filter may have seen less */
	uint32_t not_whole;	/* result: a reply let through before it was
				 * whole, that is rewritten; or UINT32_MAX */

	/* The client's side */
	enum model_state state;
	uint32_t line;		/* where the line begins */
	struct model_verb verb;	/* of that line */
	bool filled;		/* the line has become NOOP: V4 */
	uint32_t body;		/* where the last body begins */
	bool header;		/* this line is of the body's header */
	uint32_t field;		/* where the field of that line begins: X3 */
	uint32_t header_len;	/* X1 */
	uint64_t message;	/* octets of this message so far: X1 */
	uint32_t bodies;	/* ended */
	uint32_t body_end[64];	/* after the end of data of each */
	uint32_t body_to;	/* that of the last one */
	uint32_t body_begin[64];
	bool body_bare[64];	/* ended in LF.LF: V7 */
	uint8_t kinds[MODEL_COMMANDS];
	uint32_t commands;	/* ended by the client; 0 is the greeting */
	uint32_t waiting;	/* the command waited for, in M_WAIT */
	bool waiting_lf;	/* the line of @waiting ended in LF alone */
	bool takes_lf;		/* the server has answered a line that ended in LF alone: V7 */
	bool has_cr;		/* the client has sent a CR */
	uint32_t recipients;	/* of this message */
	uint32_t blocked;
	uint32_t passed;
	uint32_t begun;		/* messages, by their verbs: X7 */
	uint32_t announced;	/* by XEXCH50 */
	uint32_t jump;		/* octets of a chunk that begins */
	uint32_t hole;		/* where the last chunk or body began */
	uint32_t chunk_begin[MODEL_CHUNKS], chunk_end[MODEL_CHUNKS];
	uint32_t chunks;
	bool chunk_crossed[MODEL_CHUNKS];	/* nobody takes it: H7 */
	bool bdats[MODEL_COMMANDS];
	uint32_t rcpts[MODEL_COMMANDS];	/* the transaction, and 1, of a RCPT */
	uint32_t transaction;
	bool cross;		/* the next chunk */
	bool asked;		/* the transaction has a RCPT */
	uint32_t asked_first, asked_last;	/* RCPTs that may not be answered: X2 */
	uint32_t refused_rcpts;	/* by 5yz: X2 */
	bool accepted;		/* the server has accepted one */

	/* D10 */
	bool refused;		/* the body that is under way was refused */
	bool body_refused[64];	/* these were, by number */
	uint32_t refused_piece;	/* pieces before this one are of the refused body or earlier */
	bool may_chunk;		/* an EHLO was sent before the verb began: H7 */
	uint32_t refusals;	/* of bodies under way */
	bool answered;		/* a reply was counted since the first of them */
	bool lost;		/* it is not known whether a DATA was answered */
	bool drifts;		/* there may be any number of replies too many */

	bool uncertain;		/* D11 */
	bool ehlo_sent;
	bool ehlo_line;		/* in the line that is being read */
	uint32_t ehlos;		/* not answered by a 250 for certain */

	/* The server's side */
	uint32_t reply_line;	/* where the line begins */
	uint32_t reply_from;	/* where the reply begins, if it answers nothing */
	uint32_t replies;	/* ended that answered a command */
	bool reply_begun;	/* a line of this reply has ended */
	bool reply_expected;
	bool reply_uncertain;	/* the count was uncertain when its line began: D11 */
	bool reply_in_body;	/* it begins while one is under way: D10 */
	bool reply_early;	/* ... or one's end has not been ACKed */
	uint32_t tail;	/* octets at the end of the last line that its answer does not need: D11 */
	bool early;	/* what the server says ACKs less than has left: D11 */
	bool reply_offers;	/* a keyword that passes */
	bool reply_masked;	/* as one to EHLO, if it is a 250: D11 */
	bool reply_matched;	/* this line of it is masked by a match: X6 */
	bool greeting_masked;
	uint32_t letters;	/* lines lettered in this reply */
	uint32_t hello;		/* the last HELO, EHLO or XCLIENT */
	bool chunk_blocked;	/* a chunk was crossed out because its BDAT did not pass */
	bool chunking;		/* the reply to @hello offered CHUNKING */
	uint32_t tls_at[2];	/* opaque from here on, or UINT32_MAX */
};

void model_init(struct model *m, const struct model_policy *policy);
void model_free(struct model *m);

/* May this verb reach a server? Any case; not NUL-terminated */
bool model_verb_allowed(const struct model_policy *p, const uint8_t *word,
			size_t n);

/* Judge bytes [m->d[dir].len, to) of @in, whose pieces are set */
void model_judge(struct model *m, int dir, uint32_t to);

/* Where the octet at @p of @in leaves; of what is replaced, but for its first
 * octet: after that
 */
uint32_t model_at(const struct model_dir *d, uint32_t p);

/* What an ACK of @q octets of @flat is to the sender */
uint32_t model_from(const struct model_dir *d, uint32_t q);

/* Is an edit of this direction not ACKed yet? */
bool model_in_flight(const struct model *m, int dir);

/* Must what follows model_dir.len wait for that? In sight to model.sight */
bool model_must_wait(struct model *m, int dir);

/* Does a reply begin at model_dir.len of the server, before model.sight, that is
 * rewritten as a whole? *@whole: all of it is there
 */
bool model_rewrites(const struct model *m, bool *whole);

/* H7: must a BDAT wait at m->d[0].len, where the packet ends at m->sight? */
bool model_chunk_waits(const struct model *m);

/* X7: is a message about to begin, at m->d[0].len, in sight to m->sight? */
bool model_begins(struct model *m);

/* D5: is the next octet @c, the last of the packet, held until the next one comes? */
bool model_response_waits(const struct model *m, uint8_t c);

/* H7: is the client's octet of a chunk that nobody takes? Then it leaves as *@c */
bool model_crossed(const struct model *m, uint32_t p, uint8_t *c);

/* D10: is the client's octet of a body that was refused before its end? */
bool model_refused(const struct model *m, uint32_t p);

/* Is the client's octet part of a chunk? */
bool model_unread(const struct model *m, uint32_t p);

/* May the filter judge any byte of this direction now? */
bool model_open(const struct model *m, int dir);

#endif /* _TESTS_SIM_MODEL_H */
