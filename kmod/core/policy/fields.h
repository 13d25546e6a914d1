/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fields: the one list of a policy's options. Everything that handles options
 * is derived from it: the module's netlink attributes, and the tool's command
 * line, help, completion, show, JSON and netlink messages.
 *
 * A new option that is a flag or one of a list of words is an attribute in
 * uapi/linux/smtp_fixup.h and smtp_fixup.yaml, a member of struct smtp_policy
 * and a line here.
 */
#ifndef _SMTP_CORE_FIELDS_H
#define _SMTP_CORE_FIELDS_H

#include "policy.h"

/*
 * In the order in which the tool prints them.
 * WORD(ATTRIBUTE, member, "name", "help"): one of smtp_<member>_names
 * TEXT(ATTRIBUTE, member, "name", "help"): the same; one of the words takes a text
 * FLAG(ATTRIBUTE, member, "name", "help"): given or not
 * OTHER(name): an option of another kind; module and tool each have code for it
 */
#define SMTP_POLICY_FIELDS(WORD, TEXT, FLAG, OTHER)			\
	TEXT(BANNER, banner, "banner",					\
	     "what to do with the server's greeting")			\
	FLAG(KEEP_ESMTP, keep_esmtp, "keep-esmtp",			\
	     "banner pix or stars keeps the word ESMTP, so that clients still say EHLO") \
	WORD(REJECT, reject, "reject",					\
	     "what to do with a blocked command")			\
	WORD(EHLO, ehlo, "ehlo",					\
	     "what to do with EHLO reply lines that are not allowed (default: mask)") \
	WORD(TLS, tls, "tls",						\
	     "what to do with STARTTLS, where EHLO passes")		\
	OTHER(allow)							\
	OTHER(deny)							\
	OTHER(ehlo_allow)						\
	OTHER(ehlo_deny)						\
	WORD(SPECIAL, special, "special",				\
	     "what to do with | ` NUL and stray < > in addresses")	\
	OTHER(limit)							\
	OTHER(match)							\
	OTHER(mail_relay)						\
	OTHER(auth_allow)						\
	WORD(SMUGGLING, smuggling, "smuggling",				\
	     "what to do with dots that only some servers take for the end of a message") \
	WORD(LINE_ENDING, line_ending, "line-ending",			\
	     "whether a bare CR or LF ends a command")			\
	WORD(MIDSTREAM, midstream, "midstream",				\
	     "what to do with connections whose beginning was not seen") \
	OTHER(iif)							\
	WORD(ASSIGN, assign, "assign",					\
	     "which connections to the ports are under the policy")	\
	FLAG(BY_MARK, by_mark, "by-mark",				\
	     "a connection's mark (ct mark) names the port whose policy applies, if there is one") \
	WORD(PROXY_PROTOCOL, proxy_protocol, "proxy-protocol",		\
	     "what to do with the PROXY header that a load balancer sends first") \
	FLAG(STRICT, strict, "strict",					\
	     "line-ending strict, the vendor's limits; a server out of turn ends the connection") \
	FLAG(OBSERVE, observe, "observe",				\
	     "judge, count and report everything, change nothing")

/**
 * struct smtp_field - an option that is one octet of the policy
 * @attr: enum smtp_fixup_attr
 * @offset: of the octet in struct smtp_policy
 * @flag: a flag; otherwise a number below @nr
 * @nr: how many words there are
 */
struct smtp_field {
	u8 attr;
	u8 offset;
	bool flag;
	u8 nr;
};

#define SMTP_FIELD_WORD(A, member, name, help)				\
	{ SMTP_FIXUP_A_##A, offsetof(struct smtp_policy, member), false,	\
	  __SMTP_FIXUP_##A##_MAX },
#define SMTP_FIELD_FLAG(A, member, name, help)				\
	{ SMTP_FIXUP_A_##A, offsetof(struct smtp_policy, member), true, 2 },
#define SMTP_FIELD_OTHER(name)

static const struct smtp_field smtp_fields[] = {
	SMTP_POLICY_FIELDS(SMTP_FIELD_WORD, SMTP_FIELD_WORD, SMTP_FIELD_FLAG,
			   SMTP_FIELD_OTHER)
};

/**
 * smtp_field() - an option's octet
 * @policy: the policy
 * @field: which option
 *
 * Return: a pointer to the octet.
 */
static inline u8 *smtp_field(struct smtp_policy *policy,
			     const struct smtp_field *field)
{
	return (u8 *)policy + field->offset;
}

#endif /* _SMTP_CORE_FIELDS_H */
