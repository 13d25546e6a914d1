# SPDX-License-Identifier: GPL-2.0-only
#
#   make               the module and the tool
#   make modules       nf_smtp_fixup.ko, for the running kernel; KDIR=... for another
#   make tool          userspace/smtpfixup
#   make install       both, where modprobe, systemd and the shell find them;
#                      DESTDIR=D: below D, and nothing outside of it
#   make install-modules, install-tool, install-dev    one part of that
#   make uninstall     remove what install put there, with the same variables
#   make deb           the Debian packages, in build/
#   make check, demo   scripts/check, scripts/demo
#   make clean

VERSION := $(shell cat VERSION)

# The running kernel's headers, or, where it has none (a container, a virtual
# machine of another maker), those of the distribution's stock kernel.
RUNNING := $(shell uname -r)
ifneq ($(wildcard /lib/modules/$(RUNNING)/build),)
KVER    ?= $(RUNNING)
else
KVER    ?= $(shell scripts/stock-kernel)
endif
KDIR    ?= /lib/modules/$(KVER)/build

PREFIX  ?= /usr/local
INCLUDEDIR ?= $(PREFIX)/include
SPECDIR ?= $(PREFIX)/share/smtpfixup
INSTALL ?= install
STRIP   ?= strip

# What uname -r says on that kernel: that is where modprobe looks. Debian's
# include/config/kernel.release has another number.
RELEASE = $(or $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null),$(KVER))
MODDIR  ?= /lib/modules/$(RELEASE)/updates
MODULE  := nf_smtp_fixup.ko

all: modules tool

# The same module, wherever it is built. Kbuild's own flags miss nf_smtp_fixup.mod.c
modules: headers
	+$(MAKE) -C $(KDIR) M=$(CURDIR) \
		KCFLAGS="-ffile-prefix-map=$(CURDIR)=. $(KCFLAGS)" modules

headers:
	@test -e "$(KDIR)/Makefile" || { \
		echo "no kernel headers in $(KDIR): apt-get install linux-headers-amd64, or KDIR=..." >&2; \
		exit 1; }
ifneq ($(KVER),$(RUNNING))
	@echo "no headers of the running kernel $(RUNNING): building for $(KVER)"
endif

tool:
	+$(MAKE) -C userspace

install: install-modules install-tool install-dev

# Not the kernel's modules_install: it asks for a key that no distribution gives
# away, and says so as if the module were broken. It is signed where the kernel
# was built here, and so has the key.
install-modules: modules
	$(INSTALL) -d $(DESTDIR)$(MODDIR)
	$(STRIP) --strip-debug -o $(DESTDIR)$(MODDIR)/$(MODULE) $(MODULE)
	@if test -e $(KDIR)/certs/signing_key.pem && test -x $(KDIR)/scripts/sign-file; then \
		$(KDIR)/scripts/sign-file sha256 $(KDIR)/certs/signing_key.pem \
			$(KDIR)/certs/signing_key.x509 $(DESTDIR)$(MODDIR)/$(MODULE); \
	else \
		echo "$(MODULE) is not signed. That matters only with Secure Boot: docs/install.md"; \
	fi
	$(if $(DESTDIR),,depmod -a $(RELEASE))

install-tool: tool
	+$(MAKE) -C userspace install

install-dev:
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR)/linux $(DESTDIR)$(SPECDIR)
	$(INSTALL) -m 0644 kmod/uapi/linux/smtp_fixup.h $(DESTDIR)$(INCLUDEDIR)/linux/smtp_fixup.h
	$(INSTALL) -m 0644 kmod/smtp_fixup.yaml $(DESTDIR)$(SPECDIR)/smtp_fixup.yaml

uninstall:
	rm -f $(DESTDIR)$(MODDIR)/$(MODULE)
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(MODDIR) 2>/dev/null
	$(if $(DESTDIR),,depmod -a $(RELEASE))
	+$(MAKE) -C userspace uninstall
	rm -f $(DESTDIR)$(INCLUDEDIR)/linux/smtp_fixup.h $(DESTDIR)$(SPECDIR)/smtp_fixup.yaml
	-rmdir --ignore-fail-on-non-empty $(DESTDIR)$(INCLUDEDIR)/linux $(DESTDIR)$(SPECDIR) 2>/dev/null

deb:
	scripts/deb

clean:
	$(if $(wildcard $(KDIR)/Makefile),+$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	+$(MAKE) -C userspace clean

check demo:
	scripts/$@

.PHONY: all modules headers tool install install-modules install-tool install-dev \
	uninstall deb clean check demo
