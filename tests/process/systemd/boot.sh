#!/bin/sh
# boot.sh FOLDER: turns into the systemd of a machine that begins as a copy of this one and leaves nothing behind.
#
# machine.py has made the namespaces (files, processes, network, names, groups of processes). Here the machine gets
# its files: what it reads comes from this machine's /, what it writes stays in memory. Nothing that the host runs
# is started in it.
set -eu
folder=$1
mount -t tmpfs -o mode=755,size=2g machine "$folder"
mkdir "$folder/written" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/written,workdir=$folder/work" machine "$folder/root"
cd "$folder/root"

# Of the host's own life: what it starts, or (in a container) forbids to start, what it mounts, who it is, its log.
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires etc/rc?.d usr/sbin/policy-rc.d var/log/journal
# The generators of units have nothing to find here, and take a second at every reload.
rm -rf usr/lib/systemd/system-generators lib/systemd/system-generators
# Nobody looks up a manual's page in an index here, which dpkg makes anew with each package.
rm -f var/lib/man-db/auto-update
# And what reaches for the host's kernel, or is of no use here.
for unit in modprobe@.service systemd-modules-load.service systemd-journald-audit.socket systemd-logind.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
: >etc/fstab
: >etc/machine-id
echo machine >etc/hostname

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 cgroup sys/fs/cgroup
mount -t cgroup2 cgroup sys/fs/cgroup
# The settings of the kernel are the host's: to be read only.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
if [ -e proc/sysrq-trigger ]; then mount --bind /dev/null proc/sysrq-trigger; fi
for place in run tmp var/tmp; do
    mount -t tmpfs tmpfs "$place"
done
chmod 1777 tmp var/tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx

# The new root takes the place of the old one, which is then let go.
pivot_root . .
umount -l .
# Credentials reach a service by a mount that has to spread.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=journal --show-status=0
