// SPDX-License-Identifier: GPL-2.0
/* Shows its version below /sys/module/fleetprobe/parameters, and does nothing else. */
#include <linux/errno.h>
#include <linux/module.h>

static char *edition = "@VERSION@";
module_param(edition, charp, 0444);

static int __init fleetprobe_init(void)
{
	return @INIT@;
}

static void __exit fleetprobe_exit(void)
{
}

module_init(fleetprobe_init);
module_exit(fleetprobe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A module for tests of its delivery");
MODULE_VERSION("@VERSION@");
