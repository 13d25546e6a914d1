// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module with a fault, for the test of what looks for such faults. Its init
 * fails on purpose: it never stays loaded.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *what = "";
module_param(what, charp, 0);

static DEFINE_MUTEX(splat_a);
static DEFINE_MUTEX(splat_b);
static DEFINE_SPINLOCK(splat_lock);
static char __rcu *splat_pointer;

static void splat_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[3], 1);
}

static void splat_lock_order(void)
{
	mutex_lock(&splat_a);
	mutex_lock(&splat_b);
	mutex_unlock(&splat_b);
	mutex_unlock(&splat_a);

	mutex_lock(&splat_b);
	mutex_lock(&splat_a);
	mutex_unlock(&splat_a);
	mutex_unlock(&splat_b);
}

static void splat_rcu(void)
{
	(void)rcu_dereference(splat_pointer);
}

static void splat_sleep(void)
{
	spin_lock(&splat_lock);
	might_sleep();
	spin_unlock(&splat_lock);
}

static void splat_refcount(void)
{
	refcount_t refs = REFCOUNT_INIT(1);

	refcount_dec(&refs);
}

static void splat_leak(void)
{
	int i;

	/* A stale pointer may hide one of them */
	for (i = 0; i < 16; i++)
		(void)kmalloc(64, GFP_KERNEL);
}

static const struct {
	const char *name;
	void (*fault)(void);
} splats[] = {
	{ "use-after-free", splat_use_after_free },
	{ "lock-order", splat_lock_order },
	{ "rcu", splat_rcu },
	{ "sleep", splat_sleep },
	{ "refcount", splat_refcount },
	{ "leak", splat_leak },
};

static int __init splat_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(splats); i++)
		if (!strcmp(what, splats[i].name))
			splats[i].fault();
	return -ECANCELED;
}
module_init(splat_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Faults for the self test of the instrumented kernel");
