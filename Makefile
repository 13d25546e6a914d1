# SPDX-License-Identifier: GPL-2.0-only
#
#   make               the module and the tool
#   make modules       nf_smtp_fixup.ko, for the running kernel; KDIR=... for another
#   make tool          userspace/smtpfixup
#   make install       both, where modprobe and the shell find them
#   make check, demo   scripts/check, scripts/demo
#   make clean

# The running kernel's headers, or, where it has none (a container, a virtual
# machine of another maker), those of the distribution's stock kernel.
RUNNING := $(shell uname -r)
ifneq ($(wildcard /lib/modules/$(RUNNING)/build),)
KVER    ?= $(RUNNING)
else
KVER    ?= $(shell scripts/stock-kernel)
endif
KDIR    ?= /lib/modules/$(KVER)/build

all: modules tool

modules: headers
	+$(MAKE) -C $(KDIR) M=$(CURDIR) modules

headers:
	@test -e "$(KDIR)/Makefile" || { \
		echo "no kernel headers in $(KDIR): apt-get install linux-headers-amd64, or KDIR=..." >&2; \
		exit 1; }
ifneq ($(KVER),$(RUNNING))
	@echo "no headers of the running kernel $(RUNNING): building for $(KVER)"
endif

tool:
	+$(MAKE) -C userspace

install: all
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	depmod -a $(KVER)
	$(MAKE) -C userspace install

clean:
	$(if $(wildcard $(KDIR)/Makefile),+$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	+$(MAKE) -C userspace clean

check demo:
	scripts/$@

.PHONY: all modules headers tool install clean check demo
