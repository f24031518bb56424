# SPDX-License-Identifier: MIT
# Runs in the guest: lists the device model as /sys shows it, then takes a device away and back.
#	devices.sh [PCI-DEVICE]

for path in /sys/bus/*/devices/*; do
	[ -e "$path" ] || continue
	bus=${path#/sys/bus/}
	driver=-
	[ -L "$path/driver" ] && driver=$(basename "$(readlink "$path/driver")")
	echo "device ${bus%%/*} ${path##*/} $driver"
	[ "$(cd "$path" && pwd -P)" ] || echo "broken $path"
	cat "$path/uevent" > /dev/null || echo "broken $path/uevent"
done
for path in /sys/bus/pci/devices/*; do
	[ -e "$path/resource" ] && echo "windows ${path##*/} $(grep -cv '^0x0*  *0x0* ' "$path/resource")"
done
find /sys > /dev/null || echo "broken find"

[ "$1" ] || exit 0
rescan=$(ls -d /sys/devices/pci0000:00/rescan /sys/devices/platform/*/pci0000:00/rescan 2> /dev/null)
count=0
while [ $count -lt 10 ]; do
	virtio=$(basename "$(ls -d /sys/bus/pci/devices/$1/virtio*)")
	echo "$virtio" > /sys/bus/virtio/drivers/virtio_rng/unbind || exit 1
	[ -e "/sys/bus/virtio/devices/$virtio/driver" ] && exit 1
	echo "$virtio" > /sys/bus/virtio/drivers/virtio_rng/bind || exit 1
	exec 3< "/sys/bus/pci/devices/$1/vendor"
	echo 1 > "/sys/bus/pci/devices/$1/remove" || exit 1
	[ -e "/sys/bus/pci/devices/$1" ] && exit 1
	cat <&3 2> /dev/null && exit 1		# ENODEV
	exec 3<&-
	echo 1 > "$rescan" || exit 1
	[ -e "/sys/bus/pci/devices/$1/driver" ] || exit 1
	count=$((count + 1))
done
echo "removed and found again"
