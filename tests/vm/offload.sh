#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The checksum is right whatever the devices compute: a part of wire.py with
# each kind of offload off, with segments merged and not.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "$0")/lib.sh"

# offload WORDS...: the same settings on every device.
offload() {
	c ethtool -K veth-c "$@" >/dev/null
	r ethtool -K veth-rc "$@" >/dev/null
	r ethtool -K veth-rs "$@" >/dev/null
	s ethtool -K veth-s "$@" >/dev/null
}

settings=(
	"tx on rx on tso on gso on gro on"
	"tx on rx on tso off gso off gro off"
	"tx off rx on tso off gso on gro on"
	"tx off rx off tso off gso off gro off"
)

topology
load_module mode=off || exit
for setting in "${settings[@]}"; do
	# shellcheck disable=SC2086
	offload $setting
	count_suite "$setting" "$PYTHON" "$ROOT/tests/vm/wire.py" --quick --label " ($setting)"
done

# A checksum that the sender's device left open is not wrong on veth, where
# nobody looks; with all off, the receiver's kernel has checked every segment.
equal "T1 the server's kernel saw no bad checksum" \
	"$(s nstat -asz TcpInCsumErrors | awk '/Csum/ { print $2 }')" 0
equal "T1 the client's kernel saw no bad checksum" \
	"$(c nstat -asz TcpInCsumErrors | awk '/Csum/ { print $2 }')" 0
finish
