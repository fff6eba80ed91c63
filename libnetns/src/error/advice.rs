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
                "the limit on descriptors, RLIMIT_NOFILE, or on inotify instances, \
                 /proc/sys/fs/inotify/max_user_instances, is reached"
            }
            (Step::Monitor, Errno::ENOSPC) => {
                "the limit on watches, /proc/sys/fs/inotify/max_user_watches, is reached"
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
            (Step::Bind | Step::MountRunDir, Errno::ENOENT) => "before Linux 5.12 this needs /proc",
            (Step::Placeholder | Step::MakeRunDir, Errno::ENOSPC) => {
                "the file system is full, or has no free inode"
            }
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EROFS) => {
                "remount it read-write, or use another run directory"
            }
            (Step::Unlink, Errno::EPERM) => {
                "it or its directory is immutable, or it is another user's in a sticky directory"
            }
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EACCES | Errno::EPERM) => {
                "the run directory belongs to another user; use a custom one"
            }
            (Step::Unlink, Errno::EBUSY) => {
                "a mount on it is hidden by another mount, which has to be unmounted first"
            }
            (Step::Exists, Errno::EEXIST) => {
                "the name is in use; remove it first, or use another one"
            }
            (Step::BeingCreated, _) => {
                "another process is creating it; try again, or remove it if that process has ended"
            }
            (Step::MountedTwice, _) => {
                "another process mounts it on itself at this moment; try again"
            }
            (Step::OpenRunDir | Step::ReadRunDir | Step::Monitor, Errno::EACCES) => {
                "needs permission to read the directory and to search those above it"
            }
            (Step::OpenRunDir, Errno::ENOENT) => {
                "it does not exist, or is a symbolic link to nowhere"
            }
            (Step::MakeRunDir, Errno::ENOENT) => {
                "it is a symbolic link to nowhere, or in a file system without new directories"
            }
            (Step::Look | Step::Open, Errno::ENOENT) => "no network namespace has this name",
            (Step::OpenPath, Errno::EACCES) => {
                "needs permission to read the file; in /proc, CAP_SYS_PTRACE over the process"
            }
            (Step::FollowLink, Errno::EACCES) => {
                "needs permission to search the directories on its way; in /proc, CAP_SYS_PTRACE over the process"
            }
            (Step::Open | Step::Look, Errno::EACCES) => {
                "needs permission to read the file and to search the directories above it"
            }
            (Step::FindNamespace, Errno::EACCES | Errno::EPERM) => {
                "needs CAP_SYS_PTRACE over the process, CAP_NET_ADMIN over a socket's namespace"
            }
            (Step::FindNamespace, Errno::ESRCH) => "no such process, or it has ended",
            (Step::Duplicate | Step::Prove, Errno::EBADF) => "the descriptor is not open",
            (Step::FindNamespace, Errno::EBADF) => {
                "the descriptor is not open, or refers to a path only"
            }
            (Step::FindById, Errno::ENOENT) => {
                "no thread, descriptor or mount that the caller may look at has it"
            }
            (Step::FindById, Errno::ESTALE) => {
                "it is gone, or the caller needs CAP_SYS_ADMIN over it"
            }
            (Step::Cookie, Errno::EOPNOTSUPP) => "cookies came with Linux 5.14",
            (Step::SysctlName, Errno::ENAMETOOLONG) => "a name has 255 bytes at most",
            (Step::OpenSysctl, Errno::ENOENT) => {
                "the namespace has no such sysctl: it may be the whole system's, that of an interface \
                 which is not there, or of a module which is not loaded; a dot in an interface's name \
                 is written as a slash among dots"
            }
            (Step::OpenSysctl, Errno::EACCES) => {
                "it cannot be read or written so in this namespace, or only by root or with \
                 CAP_NET_ADMIN over the namespace"
            }
            (Step::OpenSysctl, Errno::EROFS) => "/proc/sys is mounted read-only, as in containers",
            (Step::OpenSysctl | Step::ReadSysctl, Errno::EISDIR) => "it is a directory of sysctls",
            (Step::ReadSysctl, Errno::EIO) => "it has no value",
            (Step::WriteSysctl, Errno::E2BIG) => "a value has 4094 bytes at most",
            (Step::WriteSysctl, Errno::EINVAL) => "the kernel does not accept this value",
            (Step::WriteSysctl, Errno::ENOENT) => {
                "the kernel does not know what the value names, and has no module for it"
            }
            (
                Step::OpenHome
                | Step::Duplicate
                | Step::FindNamespace
                | Step::ReadProc
                | Step::Monitor,
                Errno::ENOENT,
            ) => "is /proc mounted?",
            _ => return None,
        })
    }

    fn advice_for_threads(self, errno: Errno) -> Option<&'static str> {
        Some(match (self, errno) {
            (Step::Unshare, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN; an ordinary user creates a user namespace first"
            }
            (Step::Unshare, Errno::ENOSPC) => {
                "the limit on network namespaces, /proc/sys/user/max_net_namespaces, is reached"
            }
            (Step::Setns, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN in the caller's user namespace and in the one that owns the \
                 target"
            }
            (Step::ProveWayBack, Errno::EPERM) => {
                "needs CAP_SYS_ADMIN in the user namespace that owns the thread's own namespace; \
                 a thread that does not come back needs it over the target only"
            }
            (Step::GoBack, Errno::EPERM) => {
                "the thread is in the wrong namespace: end it; has it lost CAP_SYS_ADMIN?"
            }
            (Step::GoBack, _) => "the thread is in the wrong namespace: end it",
            (Step::Token, Errno::EBADF) => "the descriptor is not open",
            (Step::HelperThread, Errno::EINVAL) => {
                "a process that has unshared its pid namespace cannot start threads: fork first"
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
                "this kernel does not have the address family, or cannot load its module"
            }
            (Step::Socket, Errno::EPROTONOSUPPORT | Errno::ESOCKTNOSUPPORT | Errno::EINVAL) => {
                "the address family does not have this combination of type and protocol"
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
            ) => "the namespace has no interface of this name",
            (Step::MoveLink, Errno::EPERM) => "needs CAP_NET_ADMIN over both namespaces",
            (Step::MoveLink, Errno::EINVAL) => {
                "some interfaces cannot leave their namespace, such as lo or a bridge"
            }
            (Step::MoveLink, Errno::EEXIST) => {
                "the target namespace has an interface of this name: move it under a new name"
            }
            (Step::MoveLink, Errno::EBUSY) => "the interface is in use: bring it down first",
            (Step::MoveLink, Errno::EOPNOTSUPP) => "its driver does not let it move",
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
            (Step::MakeLink, Errno::EEXIST) => "the namespace has an interface of this name",
            (Step::MakeLink, Errno::EOPNOTSUPP) => {
                "this kernel has no such kind of interface; is its module missing?"
            }
            (Step::MakeLink, Errno::EINVAL) => "the kind may need parameters, such as a parent",
            (Step::MakeVeth, Errno::EEXIST) => {
                "one of the two namespaces has an interface of that name"
            }
            (Step::MakeVeth, Errno::EOPNOTSUPP) => "is the module veth missing?",
            (Step::MakeMacvlan, Errno::EEXIST) => {
                "the namespace, or before Linux 6.15 the parent's, has an interface of this name"
            }
            (Step::MakeMacvlan, Errno::EINVAL) => {
                "the parent cannot have a macvlan, such as lo, or has one in mode passthru"
            }
            (Step::MakeMacvlan, Errno::EBUSY) => {
                "the parent is in use otherwise, for example as a port of a bridge"
            }
            (Step::MakeMacvlan, Errno::EOPNOTSUPP) => "is the module macvlan missing?",
            (Step::MakeVlan, Errno::EEXIST) => {
                "the parent has a VLAN of this ID, or the namespace, or before Linux 6.15 the \
                 parent's, has an interface of this name"
            }
            (Step::MakeVlan, Errno::EOPNOTSUPP) => {
                "the parent cannot have VLANs, or the module 8021q is missing"
            }
            (Step::DeleteLink, Errno::EOPNOTSUPP) => {
                "lo and interfaces of hardware cannot be deleted"
            }
            (Step::ChangeLink, Errno::ENETDOWN) => "a VLAN comes up only while its parent is up",
            (Step::SetMtu, Errno::EINVAL) => {
                "the interface does not support this MTU; ip -d link shows minmtu and maxmtu"
            }
            (Step::SetMtu, Errno::ERANGE) => "the MTU of a VLAN cannot exceed that of its parent",
            (Step::SetLinkAddress, Errno::EADDRNOTAVAIL) => {
                "a multicast or all-zero address cannot be an interface's own"
            }
            (Step::SetLinkAddress, Errno::EADDRINUSE) => {
                "another macvlan on the same parent has this address"
            }
            (Step::SetLinkAddress, Errno::EBUSY) => "the interface has to be down",
            (Step::SetLinkAddress, Errno::EOPNOTSUPP) => {
                "this kind of interface has no link-layer address that can be set"
            }
            (Step::SetMaster, Errno::EINVAL) => "an interface such as lo cannot be a port",
            (Step::SetMaster, Errno::ELOOP) => {
                "a bridge cannot be a port of a bridge, nor anything a port of itself"
            }
            (Step::SetMaster, Errno::EBUSY) => {
                "the interface is in use otherwise, for example as the parent of a macvlan"
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
            ) => "this kernel has no IPv6, or it is disabled at boot",
            (Step::AddAddress | Step::AddRoute, Errno::EACCES) => {
                "IPv6 is off, see /proc/sys/net/ipv6/conf/INTERFACE/disable_ipv6"
            }
            (Step::AddAddress, Errno::EEXIST) => "the interface has this address already",
            (Step::AddAddress, Errno::EADDRNOTAVAIL) => {
                "an interface cannot have an IPv6 multicast address, and only lo can have ::1"
            }
            // IPv4 also returns ENOBUFS if it is out of memory.
            (Step::AddAddress, Errno::EINVAL | Errno::ENOBUFS)
            | (Step::AddRoute, Errno::ENODEV) => {
                "is the interface's MTU too small? IPv4 needs 68, IPv6 1280"
            }
            (Step::DeleteAddress, Errno::EADDRNOTAVAIL | Errno::ENODEV | Errno::ENXIO) => {
                "the interface has no such address with this prefix length"
            }
            (Step::AddRoute, Errno::EEXIST) => "there is a route to this destination already",
            (Step::AddRoute, Errno::ENETUNREACH | Errno::EHOSTUNREACH) => {
                "the gateway has to be in the network of an interface that is up"
            }
            (Step::AddRoute, Errno::ENETDOWN) => "the interface has to be up",
            (Step::AddRoute, Errno::EINVAL) => "the gateway does not suit this destination",
            (Step::DeleteRoute, Errno::ESRCH) => "the main table has no such route",
            (Step::GetId, Errno::ENODATA) => {
                "it has no nsid there yet: assign one, or move an interface between the two"
            }
            (Step::SetId, Errno::EEXIST) => {
                "an nsid can be neither changed nor given to a second namespace"
            }
            (Step::SetId, Errno::ENOSPC) => "no nsid is free",
            (Step::SetId, Errno::EPERM) => {
                "needs CAP_NET_ADMIN over the namespace that is to have the nsid"
            }
            (Step::ListIds, Errno::EINVAL) => "the namespace has no such nsid for a target",
            (Step::ListIds, Errno::EACCES) => "needs CAP_NET_ADMIN over the target",
            (Step::Netlink, Errno::ETIMEDOUT) => "the kernel has not replied",
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
            ) => "is /proc mounted?",
            (Step::OpenEtc | Step::LeaveOut, Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                "a symbolic link to nowhere? let it lead to a file, or remove it"
            }
            (Step::BindEtc | Step::NothingToCover, Errno::ENOENT | Errno::ELOOP) => {
                "there is nothing to cover: create it, as an empty file, or as a directory if that in \
                 /etc/netns is one"
            }
            (Step::BindEtc | Step::NothingToCover, Errno::ENOTDIR) => {
                "a file cannot cover a directory, nor a directory a file"
            }
            (Step::PinEtc, Errno::ENODEV) => {
                "this kernel has no overlay file system; is the module overlay missing?"
            }
            (Step::PinEtc, Errno::EPERM) => {
                "a user namespace can mount an overlay from Linux 5.11 on"
            }
            (Step::PinEtc, Errno::EINVAL) => {
                "an overlay cannot have this directory below it, such as one that is itself an overlay \
                 of overlays, or that has mounts which a user namespace cannot take off"
            }
            (Step::MakeSlave, Errno::EINVAL) => {
                "the root directory has to be a mount point, which after chroot it may not be"
            }
            (Step::MountSys, Errno::EPERM) => {
                "a user namespace can mount sysfs only where it sees all of another one; a program \
                 that keeps the caller's /sys needs none"
            }
            (Step::ReadMounts, Errno::ENOENT) => {
                "is /proc mounted? a program that keeps the caller's /sys does not need it"
            }
            (Step::ReadEtc, Errno::EACCES) => {
                "needs permission to read it, unless the program keeps the caller's /etc"
            }
            (Step::OpenMounts, Errno::ENOENT) => "is /proc mounted?",
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
                "out of memory, or the init process of the pid namespace has ended"
            }
            (Step::SetGroups, Errno::EPERM) => {
                "needs CAP_SETGID, in a user namespace whose /proc/PID/setgroups does not say deny"
            }
            (Step::SetGid, Errno::EPERM) => "needs CAP_SETGID",
            (Step::SetUid, Errno::EPERM) => "needs CAP_SETUID",
            (Step::SetGroups | Step::SetGid, Errno::EINVAL) => {
                "the user namespace maps no such group, see /proc/PID/gid_map"
            }
            (Step::SetUid, Errno::EINVAL) => {
                "the user namespace maps no such user, see /proc/PID/uid_map"
            }
            (Step::Chdir, Errno::ENOENT) => "the program's root has no such directory",
            (Step::Chdir, Errno::EACCES) => "needs permission to search the directory",
            (Step::Stdio, Errno::EBADF) => "the descriptor is not open",
            (Step::Pidfd, Errno::ENOSYS) => "pidfds came with Linux 5.2",
            (Step::Killed, Errno::ECANCELED) => "a signal has ended the child process first",
            (Step::Exec, Errno::ENOENT) => {
                "no such program, or the interpreter that it names is missing"
            }
            (Step::Exec, Errno::EACCES) => {
                "needs permission to execute it; a directory, or a file system mounted noexec, \
                 cannot be executed"
            }
            (Step::Exec, Errno::EPERM) => {
                "a set-user-ID program may not be executed here, or a security module forbids it"
            }
            (Step::Exec, Errno::E2BIG) => {
                "arguments and environment are too long: raise RLIMIT_STACK or shorten them"
            }
            (Step::Exec, Errno::EAGAIN) => "the limit on processes, RLIMIT_NPROC, is reached",
            (Step::Exec, Errno::ENOEXEC) => "not a program for this machine",
            (Step::Exec, Errno::ELIBBAD) => "its dynamic loader is not a valid one",
            (Step::Exec, Errno::ETXTBSY) => "the file is open for writing",
            (Step::Exec, Errno::EISDIR) => "the interpreter that it names is a directory",
            _ => return None,
        })
    }
}

/// Advice for every step that has no more specific one.
fn general_advice(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::EMFILE => "the process has RLIMIT_NOFILE descriptors open: close some, or raise it",
        Errno::ENFILE => "the limit on open files, /proc/sys/fs/file-max, is reached",
        Errno::ENOMEM => "the system or the memory cgroup is out of memory",
        Errno::ENOTDIR => "a component of the path is not a directory",
        Errno::ELOOP => "too many symbolic links, or one that leads to itself",
        Errno::ENAMETOOLONG => "a path has 4095 bytes at most, each component 255",
        _ => return None,
    })
}
