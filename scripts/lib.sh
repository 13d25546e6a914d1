# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-2.0-only
#
# Helpers of everything in scripts/. Source it; set -euo pipefail is yours.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/smtpfixup

# Colour only where a person looks.
if [[ -t 1 && ${TERM:-dumb} != dumb ]]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
	BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi
export BOLD DIM RED GREEN PLAIN

say() { printf '%s== %s%s\n' "$BOLD" "$*" "$PLAIN"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { warn "$*"; exit 1; }

have_package() {
	[[ $(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# need_packages PACKAGE...: install those that are missing, quietly, and start
# no daemon on this machine.
need_packages() {
	local package missing=() log guard=/usr/sbin/policy-rc.d guarded=0 rc=0
	local -x DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1

	for package; do
		have_package "$package" || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	((EUID == 0)) || die "run as root, or install first: ${missing[*]}"

	say "installing ${missing[*]}"
	if [[ ! -e $guard ]]; then
		printf '#!/bin/sh\nexit 101\n' >"$guard"
		chmod 755 "$guard"
		guarded=1
	fi
	if [[ " ${missing[*]} " == *" postfix "* ]]; then
		echo 'postfix postfix/main_mailer_type select No configuration' |
			debconf-set-selections
	fi
	mkdir -p "$CACHE"
	log=$CACHE/apt.log
	{
		apt-get -qq -o DPkg::Lock::Timeout=300 update &&
			apt-get -qq -y -o DPkg::Lock::Timeout=300 \
				-o Dpkg::Options::=--force-confold \
				--no-install-recommends install "${missing[@]}"
	} >"$log" 2>&1 </dev/null || rc=$?
	((guarded)) && rm -f "$guard"
	((rc == 0)) || { tail -n 20 "$log" >&2; die "apt-get failed (whole log: $log)"; }
}

# debian_site [-security]: where this machine's apt has Debian from.
debian_site() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
		sed -n "s|/*\$||; /debian${1-}\$/p" | head -n 1
}

# debian_tree DIR WHAT ARG...: make DIR by mmdebstrap with these arguments, once. WHAT it
# is, for messages.
debian_tree() {
	local dir=$1 what=$2
	shift 2
	mkdir -p "${dir%/*}"
	exec 7>"$dir.lock"
	flock 7
	if [[ ! -e $dir/.complete ]]; then
		say "making $what"
		rm -rf "$dir"
		mmdebstrap --quiet --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
			--aptopt='APT::Install-Recommends "false"' "$@" >"$dir.log" 2>&1 ||
			{ tail -n 20 "$dir.log" >&2; die "could not make $what"; }
		touch "$dir/.complete"
	fi
	exec 7>&-
}

# debian_chroot SUITE [clean]: a small Debian of that release, made once, in $CHROOT;
# to build in, or clean. Its apt is its own: nothing of this machine's is touched.
debian_chroot() {
	local suite=$1 site security lines=() packages=ca-certificates
	CHROOT=$CACHE/chroots/$suite${2:+-$2}
	[[ ${2-} ]] || packages+=,make,gcc,libc6-dev,kmod,perl,python3,xz-utils,zstd
	need_packages mmdebstrap
	[[ ! -e $CHROOT/.complete ]] || return 0
	site=$(debian_site)
	security=$(debian_site -security)
	[[ $site ]] || die "this machine's apt has no Debian archive"
	lines=("deb $site $suite main" "deb $site $suite-updates main"
		"deb ${security:-$site-security} $suite-security main")
	[[ $suite == bullseye ]] || lines+=("deb $site $suite-backports main")
	debian_tree "$CHROOT" "a chroot of $suite" --variant=minbase \
		--dpkgopt=force-unsafe-io "--include=$packages" "$suite" "$CHROOT" - \
		< <(printf '%s\n' "${lines[@]}")
}

# debian_sysroot SUITE ARCHITECTURE PACKAGE,...: the files of these packages, and of what
# they need, in $SYSROOT, made once; for a cross compiler, and qemu-user. None is set up.
debian_sysroot() {
	local suite=$1 arch=$2 packages=$3 site
	SYSROOT=$CACHE/chroots/$suite-$arch
	[[ ! -e $SYSROOT/.complete ]] || return 0
	site=$(debian_site)
	[[ $site ]] || die "this machine's apt has no Debian archive"
	debian_tree "$SYSROOT" "a tree of $packages for $arch" --variant=extract \
		"--architectures=$arch" "--include=$packages" "$suite" "$SYSROOT" \
		"deb $site $suite main"
}

# in_chroot DIR COMMAND...: as root of that tree, with its own mounts, in which no
# daemon starts.
in_chroot() {
	local dir=$1
	shift
	cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
	printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
	chmod 755 "$dir/usr/sbin/policy-rc.d"
	# shellcheck disable=SC2016
	unshare -m -p -f sh -c 'mount -t proc proc "$0/proc" &&
		mount --rbind /dev "$0/dev" && dir=$0 && exec chroot "$dir" /usr/bin/env -i \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"' "$dir" "$@" </dev/null
}

# kernel_image: the kernel to boot; any of the distribution's where it must be.
kernel_image() {
	local version
	version=$("$ROOT/scripts/stock-kernel" 2>/dev/null) || version=''
	if [[ -n $version && -e /boot/vmlinuz-$version ]]; then
		echo "/boot/vmlinuz-$version"
	else
		find /boot -maxdepth 1 -name 'vmlinuz-*-amd64' 2>/dev/null | sort -V | tail -n 1
	fi
}

# What building, booting and each kind of test needs.
PACKAGES_BUILD=(make gcc libc6-dev pkg-config libmnl-dev libjansson-dev libpcap-dev libaugeas-dev
	zlib1g-dev linux-headers-amd64)
PACKAGES_DEB=(debhelper dh-dkms dpkg-dev fakeroot)
PACKAGES_VM=(qemu-system-x86 linux-image-amd64 busybox-static cpio kmod xz-utils)
PACKAGES_PEERS=(postfix swaks libnet-ssleay-perl libio-socket-inet6-perl nftables conntrack ethtool iproute2 iputils-ping openssl
	python3 libcap2-bin util-linux procps linux-perf bpftrace tcpdump m4
	tshark ufw firewalld ipvsadm conntrackd keepalived haproxy)
PACKAGES_STATIC=(sparse shellcheck mandoc codespell perl git xz-utils linux-source-6.1
	python3)
PACKAGES_UML=(gcc make flex bison bc libelf-dev xz-utils kmod busybox-static iproute2
	python3)
PACKAGES_ARM64=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user mmdebstrap)
PACKAGES_BENCH=(haproxy libnetfilter-queue-dev nftables conntrack ethtool procps python3-matplotlib)
PACKAGES_DEBUG=(linux-source-6.12 flex bison bc libelf-dev xz-utils kmod)
PACKAGES_TESTS=(prometheus python3-scapy python3-yaml python3-pyroute2 libcmocka-dev clang libclang-rt-14-dev llvm valgrind)
