# Boots systemd over a copy of this machine's files that is thrown away afterwards, with nothing to start but its journal.
# It is process 1 of its own namespaces, and the group of processes it is in is all that it sees of them; the network is ours.
# usage: unshare --mount sh machine.sh boot DIRECTORY BOUND TARGET [BOUND TARGET ...]
set -e
step=$1 directory=$2
shift 2

boot() {
    groups=$directory/groups
    mkdir "$groups" "$directory/disk"
    mount -t cgroup2 cgroup2 "$groups"
    group=$groups/tongdai-$$
    mkdir "$group"
    (
        # a shell of its own, for what is in a group keeps it from being removed
        exec sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" \
            unshare --mount --pid --fork --kill-child --cgroup --uts --ipc sh "$0" enter "$directory" "$@"
    ) || true
    find "$group" -depth -type d -exec rmdir {} \;
}

enter() {
    mount -t tmpfs -o mode=755 disk "$directory/disk"
    cd "$directory/disk"
    mkdir upper work root
    mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work root root
    cd root
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 run run
    mount -t tmpfs tmp tmp
    mount -t tmpfs -o mode=755 dev dev
    for device in null zero full random urandom tty; do
        : >dev/$device
        mount --bind /dev/$device dev/$device
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
    mount -t tmpfs shm dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    while [ $# -gt 0 ]; do
        mkdir -p ".$2"
        mount --bind "$1" ".$2"
        shift 2
    done
    # what this machine starts is not started once more
    rm -rf etc/systemd/system usr/lib/systemd/system/*.wants usr/lib/systemd/system-generators etc/fstab etc/init.d
    mkdir -p etc/systemd/system/sysinit.target.wants
    ln -s /lib/systemd/system/systemd-journald.service etc/systemd/system/sysinit.target.wants/
    # the audit of the kernel is that of this machine
    ln -s /dev/null etc/systemd/system/systemd-journald-audit.socket
    mkdir -p etc/systemd/journald.conf.d
    printf '[Journal]\nAudit=\n' >etc/systemd/journald.conf.d/machine.conf
    tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
    mkdir old
    pivot_root . old
    umount -l old
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=multi-user.target \
        --log-target=journal --show-status=0
}

$step "$@"
