//! The cause or remedy that a message appends to the failed step. It is written for operators; see `step`.

use nix::errno::Errno;

use super::step::Step;

impl Step {
    /// Returns the usual cause of `errno` at this step, or a remedy, if one is known.
    pub fn advice(self, errno: Errno) -> Option<&'static str> {
        self.advice_for_names(errno)
            .or_else(|| self.advice_for_threads(errno))
            .or_else(|| self.advice_for_links(errno))
            .or_else(|| self.advice_for_addresses(errno))
            .or_else(|| self.advice_for_programs(errno))
            .or_else(|| general_advice(errno))
    }

    fn advice_for_names(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (Step::Monitor, Errno::EMFILE) => {
                "the limit on open files, RLIMIT_NOFILE, or on inotify instances, \
                 /proc/sys/fs/inotify/max_user_instances, is reached"
            }
            (Step::Monitor, Errno::ENOSPC) => {
                "the limit on inotify watches, /proc/sys/fs/inotify/max_user_watches, is reached"
            }
            (Step::Bind | Step::Unmount | Step::MountRunDir, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN over the mount namespace"
            }
            (Step::Bind | Step::MountRunDir, Errno::ENOSPC) => {
                "the limit on mounts, /proc/sys/fs/mount-max, is reached"
            }
            (Step::Unmount, Errno::ENOSPC) => {
                "the limit on mount namespaces, /proc/sys/user/max_mnt_namespaces, or on mounts, \
                 /proc/sys/fs/mount-max, is reached"
            }
            (Step::Bind | Step::MountRunDir, Errno::ENOENT) => {
                "before Linux 5.12 this needs /proc to be mounted"
            }
            (Step::Placeholder | Step::MakeRunDir, Errno::ENOSPC) => {
                "the file system is full or has no free inode"
            }
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EROFS) => {
                "remount the file system read-write or use another run directory"
            }
            (Step::Unlink, Errno::EPERM) => {
                "the file or its directory is immutable, or the file belongs to another user and \
                 its directory is sticky"
            }
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EACCES | Errno::EPERM) => {
                "needs write permission in the directory; an unprivileged user can use a custom \
                 run directory"
            }
            (Step::Unlink, Errno::EBUSY) => {
                "a mount on it is hidden by another mount; unmount that one first"
            }
            (Step::Exists, Errno::EEXIST) => {
                "the name is in use; remove it first or choose another name"
            }
            (Step::BeingCreated, _) => {
                "another process is creating this name; try again, or remove the name if that \
                 process has ended"
            }
            (Step::MountedTwice, _) => "another process is setting up the run directory; try again",
            (Step::OpenRunDir | Step::ReadRunDir | Step::Monitor, Errno::EACCES) => {
                "needs permission to read the directory and to search the directories above it"
            }
            (Step::OpenRunDir, Errno::ENOENT) => {
                "the directory does not exist or is a dangling symbolic link"
            }
            (Step::MakeRunDir, Errno::ENOENT) => {
                "a dangling symbolic link, or a file system that does not allow new directories"
            }
            (Step::Look | Step::Open, Errno::ENOENT) => "no network namespace has this name",
            (Step::OpenPath, Errno::EACCES) => {
                "needs permission to read the file; below /proc, needs CAP_SYS_PTRACE over the \
                 process"
            }
            (Step::FollowLink, Errno::EACCES) => {
                "needs permission to search the directories that the link leads through; below \
                 /proc, needs CAP_SYS_PTRACE over the process"
            }
            (Step::Open | Step::Look, Errno::EACCES) => {
                "needs permission to read the file and to search the directories above it"
            }
            (Step::FindNamespace, Errno::EACCES | Errno::EPERM) => {
                "needs CAP_SYS_PTRACE over the process or, for a socket, CAP_NET_ADMIN over its \
                 namespace"
            }
            (Step::FindNamespace, Errno::ESRCH) => "the process does not exist or has ended",
            (Step::Duplicate | Step::Prove, Errno::EBADF) => "the descriptor is not open",
            (Step::FindNamespace, Errno::EBADF) => {
                "the descriptor is not open, or refers only to a path"
            }
            (Step::FindById, Errno::ENOENT) => {
                "no thread, descriptor or mount that the caller may inspect refers to this \
                 namespace"
            }
            (Step::FindById, Errno::ESTALE) => {
                "the namespace is gone, or the caller lacks CAP_SYS_ADMIN over it"
            }
            (Step::Cookie, Errno::EOPNOTSUPP) => "cookies need Linux 5.14 or later",
            (Step::SysctlName, Errno::ENAMETOOLONG) => "a sysctl name can have at most 255 bytes",
            (Step::OpenSysctl, Errno::ENOENT) => {
                "the namespace has no such sysctl: it may be system-wide, or need an interface \
                 that does not exist or a module that is not loaded; in a name with dots, write \
                 a dot in an interface's name as a slash"
            }
            (Step::OpenSysctl, Errno::EACCES) => {
                "the sysctl does not allow this access in this namespace, or allows it only to \
                 root or with CAP_NET_ADMIN over the namespace"
            }
            (Step::OpenSysctl, Errno::EROFS) => {
                "/proc/sys is mounted read-only, as is usual in containers"
            }
            (Step::OpenSysctl | Step::ReadSysctl, Errno::EISDIR) => {
                "the name is that of a directory of sysctls"
            }
            (Step::ReadSysctl, Errno::EIO) => "no value is set",
            (Step::WriteSysctl, Errno::E2BIG) => "a value can have at most 4094 bytes",
            (Step::WriteSysctl, Errno::EINVAL) => "the kernel rejected the value",
            (Step::WriteSysctl, Errno::EPERM) => "needs CAP_NET_ADMIN over the namespace",
            (Step::WriteSysctl, Errno::ENOENT) => {
                "the value names something that the kernel does not know and has no module for"
            }
            (
                Step::OpenHome
                | Step::Duplicate
                | Step::FindNamespace
                | Step::ReadProc
                | Step::Monitor,
                Errno::ENOENT,
            ) => "check that /proc is mounted",
            _ => return None,
        })
    }

    fn advice_for_threads(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (Step::Unshare, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN; without it, create a user namespace first"
            }
            (Step::Unshare, Errno::ENOSPC) => {
                "the limit on network namespaces, /proc/sys/user/max_net_namespaces, is reached"
            }
            (Step::Setns, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN in the caller's user namespace and in the one that owns the \
                 target"
            }
            (Step::Setns, Errno::EBADF) => {
                "the program has closed the descriptor of this namespace, or the thread has a \
                 descriptor table without it"
            }
            (Step::ProveWayBack, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN in the user namespace that owns the thread's current \
                 network namespace; a switch without return needs it only over the target"
            }
            (Step::GoBack, Errno::EPERM) => {
                "the thread is in the wrong namespace and must end; it may have lost CAP_SYS_ADMIN"
            }
            (Step::GoBack, _) => "the thread is in the wrong namespace and must end",
            (Step::Token, Errno::EBADF) => "the descriptor is not open",
            (Step::HelperThread, Errno::EINVAL) => {
                "a process that has unshared its PID namespace cannot start threads: fork first"
            }
            (Step::HelperThread, Errno::EAGAIN) => {
                "the limit on threads, RLIMIT_NPROC, a cgroup's pids.max or \
                 /proc/sys/kernel/threads-max, is reached"
            }
            (Step::Loopback, Errno::EPERM) => "needs CAP_NET_ADMIN over the namespace",
            (Step::Socket, Errno::EPERM | Errno::EACCES) => {
                "raw and packet sockets need CAP_NET_RAW over the namespace"
            }
            (Step::Socket, Errno::EAFNOSUPPORT) => {
                "the kernel lacks the address family or cannot load its module"
            }
            (Step::Socket, Errno::EPROTONOSUPPORT | Errno::ESOCKTNOSUPPORT | Errno::EINVAL) => {
                "the address family does not support this combination of type and protocol"
            }
            _ => return None,
        })
    }

    fn advice_for_links(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (
                Step::FindLink
                | Step::DeleteLink
                | Step::ChangeLink
                | Step::SetMtu
                | Step::SetLinkAddress
                | Step::SetMaster,
                Errno::ENODEV,
            ) => "the namespace has no interface with this name",
            (Step::MoveLink, Errno::EPERM) => "needs CAP_NET_ADMIN over both namespaces",
            (Step::MoveLink, Errno::EINVAL) => {
                "some interfaces, such as lo and bridges, cannot be moved"
            }
            (Step::MoveLink, Errno::EEXIST) => {
                "the target namespace already has an interface with this name; move it under a \
                 new name"
            }
            (Step::MoveLink, Errno::EBUSY) => "the interface is in use; bring it down first",
            (Step::MoveLink, Errno::EOPNOTSUPP) => {
                "the interface's driver does not support moving it"
            }
            (
                Step::MakeLink
                | Step::DeleteLink
                | Step::ChangeLink
                | Step::SetMtu
                | Step::SetLinkAddress
                | Step::SetMaster,
                Errno::EPERM,
            ) => "needs CAP_NET_ADMIN over the namespace",
            (Step::MakeVeth | Step::MakeMacvlan | Step::MakeVlan, Errno::EPERM) => {
                "needs CAP_NET_ADMIN over both namespaces"
            }
            (Step::MakeLink, Errno::EEXIST) => {
                "the namespace already has an interface with this name"
            }
            (Step::MakeLink, Errno::EOPNOTSUPP) => {
                "the kernel does not support this kind of interface, or its module is missing"
            }
            (Step::MakeLink, Errno::EINVAL) => {
                "this kind of interface may need parameters, such as a parent"
            }
            (Step::MakeVeth, Errno::EEXIST) => {
                "one of the two namespaces already has an interface with that name"
            }
            (Step::MakeVeth, Errno::EOPNOTSUPP) => "the kernel module veth may be missing",
            (Step::MakeMacvlan, Errno::EEXIST) => {
                "the namespace or, before Linux 6.15, the parent's namespace already has an \
                 interface with this name"
            }
            (Step::MakeMacvlan, Errno::EINVAL) => {
                "this kind of parent, such as lo, does not support macvlans, or the parent already \
                 has one in passthru mode"
            }
            (Step::MakeMacvlan, Errno::EBUSY) => {
                "the parent is already in use, for example as a bridge port"
            }
            (Step::MakeMacvlan, Errno::EOPNOTSUPP) => "the kernel module macvlan may be missing",
            (Step::MakeVlan, Errno::EEXIST) => {
                "the parent already has a VLAN with this ID, or the namespace or, before Linux \
                 6.15, the parent's namespace already has an interface with this name"
            }
            (Step::MakeVlan, Errno::EOPNOTSUPP) => {
                "the parent does not support VLANs, or the kernel module 8021q is missing"
            }
            (Step::DeleteLink, Errno::EOPNOTSUPP) => "lo and hardware interfaces cannot be deleted",
            (Step::ChangeLink, Errno::ENETDOWN) => "a VLAN can be up only while its parent is up",
            (Step::SetMtu, Errno::EINVAL) => {
                "the interface does not support this MTU; ip -d link shows minmtu and maxmtu"
            }
            (Step::SetMtu, Errno::ERANGE) => "the MTU of a VLAN cannot exceed that of its parent",
            (Step::SetLinkAddress, Errno::EADDRNOTAVAIL) => {
                "an interface cannot have a multicast or all-zero link-layer address"
            }
            (Step::SetLinkAddress, Errno::EADDRINUSE) => {
                "another macvlan on the same parent has this address"
            }
            (Step::SetLinkAddress, Errno::EBUSY) => "bring the interface down first",
            (Step::SetLinkAddress, Errno::EOPNOTSUPP) => {
                "the link-layer address of this kind of interface cannot be set"
            }
            (Step::SetMaster, Errno::EINVAL) => "some interfaces, such as lo, cannot be a port",
            (Step::SetMaster, Errno::ELOOP) => {
                "a bridge cannot be a port of another bridge, and no interface can be a port of \
                 itself"
            }
            (Step::SetMaster, Errno::EBUSY) => {
                "the interface is already in use, for example as the parent of a macvlan"
            }
            (Step::SetMaster, Errno::EOPNOTSUPP) => {
                "the master is not a bridge, bond or another kind that has ports"
            }
            _ => return None,
        })
    }

    fn advice_for_addresses(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (
                Step::AddAddress | Step::DeleteAddress | Step::AddRoute | Step::DeleteRoute,
                Errno::EPERM,
            ) => "needs CAP_NET_ADMIN over the namespace",
            (
                Step::AddAddress | Step::DeleteAddress | Step::AddRoute | Step::DeleteRoute,
                Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT,
            ) => "the kernel has no IPv6, or it was disabled at boot",
            (Step::AddAddress | Step::AddRoute, Errno::EACCES) => {
                "IPv6 is disabled; see /proc/sys/net/ipv6/conf/INTERFACE/disable_ipv6"
            }
            (Step::AddAddress, Errno::EEXIST) => "the interface already has this address",
            (Step::AddAddress, Errno::EADDRNOTAVAIL) => {
                "an interface cannot have an IPv6 multicast address, and only lo can have ::1"
            }
            // IPv4 also returns ENOBUFS if it is out of memory.
            (Step::AddAddress, Errno::EINVAL | Errno::ENOBUFS)
            | (Step::AddRoute, Errno::ENODEV) => {
                "the interface's MTU may be too small: IPv4 needs 68, IPv6 1280"
            }
            (Step::DeleteAddress, Errno::EADDRNOTAVAIL | Errno::ENODEV | Errno::ENXIO) => {
                "the interface does not have this address with this prefix length"
            }
            (Step::AddRoute, Errno::EEXIST) => "a route to this destination already exists",
            (Step::AddRoute, Errno::ENETUNREACH | Errno::EHOSTUNREACH) => {
                "the gateway must be on the network of an interface that is up"
            }
            (Step::AddRoute, Errno::ENETDOWN) => "bring the interface up first",
            (Step::AddRoute, Errno::EINVAL) => "the gateway cannot be used for this destination",
            (Step::DeleteRoute, Errno::ESRCH) => "the main table has no such route",
            (Step::GetId, Errno::ENODATA) => {
                "no nsid is assigned to it yet: assign one, or move an interface between the two \
                 namespaces"
            }
            (Step::SetId, Errno::EEXIST) => {
                "the namespace already has an nsid, or another namespace has this one; an nsid \
                 cannot be changed"
            }
            (Step::SetId, Errno::ENOSPC) => "no nsid is free",
            (Step::SetId, Errno::EPERM) => {
                "needs CAP_NET_ADMIN over the namespace in which the nsid is assigned"
            }
            (Step::ListIds, Errno::EINVAL) => "the target's nsid is not assigned in the namespace",
            (Step::ListIds, Errno::EACCES) => "needs CAP_NET_ADMIN over the target namespace",
            (Step::Netlink, Errno::ETIMEDOUT) => "the kernel did not reply in time",
            (Step::Netlink, Errno::EMSGSIZE) => "the reply is longer than announced",
            (Step::Socket | Step::Send | Step::Netlink, Errno::ENOBUFS) => {
                "out of memory for socket buffers"
            }
            _ => return None,
        })
    }

    fn advice_for_programs(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (Step::UnshareMounts, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN, unless the program keeps the caller's /sys and /etc"
            }
            (Step::UnshareMounts, Errno::ENOSPC) => {
                "the limit on mount namespaces, /proc/sys/user/max_mnt_namespaces, or on mounts, \
                 /proc/sys/fs/mount-max, is reached"
            }
            (
                Step::PickUp
                | Step::MountSys
                | Step::PutBack
                | Step::PickUpEtc
                | Step::PinEtc
                | Step::PutBackEtc
                | Step::OpenEtc
                | Step::BindEtc,
                Errno::ENOSPC,
            ) => "the limit on mounts, /proc/sys/fs/mount-max, is reached",
            (
                Step::MountSys | Step::PutBack | Step::PutBackEtc | Step::ReadEtcMounts,
                Errno::ENOENT,
            ) => "check that /proc is mounted",
            (Step::OpenEtc | Step::LeaveOut, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                "probably a dangling symbolic link; point it to a file or remove it"
            }
            (Step::BindEtc | Step::NothingToCover, Errno::ENOENT | Errno::ELOOP) => {
                "there is nothing to bind it on: create an empty file, or a directory if the one \
                 in /etc/netns is a directory"
            }
            (Step::BindEtc | Step::NothingToCover, Errno::ENOTDIR) => {
                "a file cannot be bound on a directory, nor a directory on a file"
            }
            (Step::PinEtc, Errno::ENODEV) => {
                "the kernel has no overlay file system, or the kernel module overlay is missing"
            }
            (Step::PinEtc, Errno::EPERM) => {
                "in a user namespace, mounting an overlay needs Linux 5.11 or later"
            }
            (Step::PinEtc, Errno::EINVAL) => {
                "an overlay cannot be mounted on this directory: it may be an overlay of \
                 overlays itself, or have mounts that a user namespace cannot unmount"
            }
            (Step::MakeSlave, Errno::EINVAL) => {
                "the root directory must be a mount point; after a chroot it may not be one"
            }
            (Step::MountSys, Errno::EPERM) => {
                "in a user namespace, mounting sysfs needs another sysfs that is fully visible; \
                 a program that keeps the caller's /sys does not need one"
            }
            (Step::ReadMounts, Errno::ENOENT) => {
                "check that /proc is mounted; a program that keeps the caller's /sys does not need it"
            }
            (Step::ReadEtc, Errno::EACCES) => {
                "needs permission to read the directory, unless the program keeps the caller's /etc"
            }
            (Step::OpenMounts, Errno::ENOENT) => "check that /proc is mounted",
            (Step::OpenDirectory | Step::SetDirectory, Errno::EACCES) => {
                "needs permission to search the working directory"
            }
            (Step::OpenRoot, Errno::EACCES) => "needs permission to search the root directory",
            (Step::JoinMounts | Step::SetRoot, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN and CAP_SYS_CHROOT"
            }
            (Step::Clone, Errno::EAGAIN) => {
                "the limit on processes, RLIMIT_NPROC or a cgroup's pids.max, is reached"
            }
            (Step::Clone, Errno::ENOMEM) => {
                "out of memory, or the init process of the PID namespace has ended"
            }
            (Step::SetGroups, Errno::EPERM) => {
                "needs CAP_SETGID, in a user namespace whose /proc/PID/setgroups is not set to deny"
            }
            (Step::SetGid, Errno::EPERM) => "needs CAP_SETGID",
            (Step::SetUid, Errno::EPERM) => "needs CAP_SETUID",
            (Step::SetGroups | Step::SetGid, Errno::EINVAL) => {
                "the user namespace does not map this group; see /proc/PID/gid_map"
            }
            (Step::SetUid, Errno::EINVAL) => {
                "the user namespace does not map this user; see /proc/PID/uid_map"
            }
            (Step::Chdir, Errno::ENOENT) => {
                "the directory does not exist below the program's root directory"
            }
            (Step::Chdir, Errno::EACCES) => "needs permission to search the directory",
            (Step::Stdio, Errno::EBADF) => "the descriptor is not open",
            (Step::Pidfd, Errno::ENOSYS) => "pidfds need Linux 5.2 or later",
            (Step::Killed, Errno::ECANCELED) => {
                "a signal killed the child process before the program started"
            }
            (Step::Exec, Errno::ENOENT) => {
                "the program, or the interpreter that it names, does not exist"
            }
            (Step::Exec, Errno::EACCES) => {
                "needs permission to execute the file; directories, and files on a file system \
                 mounted noexec, cannot be executed"
            }
            (Step::Exec, Errno::EPERM) => {
                "a set-user-ID program cannot be executed here, or a security module forbids it"
            }
            (Step::Exec, Errno::E2BIG) => {
                "arguments and environment are too long; shorten them or raise RLIMIT_STACK"
            }
            (Step::Exec, Errno::EAGAIN) => "the limit on processes, RLIMIT_NPROC, is reached",
            (Step::Exec, Errno::ENOEXEC) => "not an executable for this machine",
            (Step::Exec, Errno::ELIBBAD) => "its dynamic loader is not a valid executable",
            (Step::Exec, Errno::ETXTBSY) => "the file is open for writing",
            (Step::Exec, Errno::EISDIR) => "the interpreter that it names is a directory",
            _ => return None,
        })
    }
}

/// Advice for every step that has no more specific one.
fn general_advice(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EMFILE => {
            "the limit on open files, RLIMIT_NOFILE, is reached; close some or raise it"
        }
        Errno::ENFILE => "the limit on open files, /proc/sys/fs/file-max, is reached",
        Errno::ENOMEM => "the system or the memory cgroup is out of memory",
        Errno::ENOTDIR => "a component of the path is not a directory",
        Errno::ELOOP => "too many symbolic links, or a symbolic link that leads to itself",
        Errno::ENAMETOOLONG => "a path can have at most 4095 bytes, each component at most 255",
        _ => return None,
    })
}
