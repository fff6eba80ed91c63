//! The steps that calls fail at: what the message calls each, and what it advises.

use nix::errno::Errno;

/// The step that a call failed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Argument,
    Memory,
    OpenRunDir,
    MakeRunDir,
    MountRunDir,
    ReadRunDir,
    Look,
    Placeholder,
    Bind,
    Unmount,
    Unlink,
    Exists,
    Open,
    OpenPath,
    Prove,
    Duplicate,
    OpenHome,
    ProveWayBack,
    Unshare,
    Setns,
    GoBack,
    Token,
    HelperThread,
    Loopback,
    Socket,
    Cookie,
    FindNamespace,
    ReadProc,
    Monitor,
    Send,
    Netlink,
    GetId,
    SetId,
    ListIds,
    FindLink,
    MoveLink,
    MakeLink,
    DeleteLink,
    ChangeLink,
    ListLinks,
    AddAddress,
    DeleteAddress,
    ListAddresses,
    AddRoute,
    DeleteRoute,
    ListRoutes,
    ReadMounts,
    ReadEtc,
    Clone,
    Handlers,
    UnshareMounts,
    MakeSlave,
    PickUp,
    MountSys,
    PutBack,
    BindEtc,
    Chdir,
    Stdio,
    Pidfd,
    Exec,
    Killed,
    DeathSignal,
    Mask,
    Panic,
}

/// What a step is done to, as far as the message shows it.
pub enum Place {
    Nothing,
    RunDir,
    Entry,
    /// What a program's call has got to.
    Detail,
}

impl Step {
    pub fn text(self) -> (&'static str, Place) {
        use Place::{Detail, Entry, Nothing, RunDir};
        match self {
            Step::Argument => ("argument", Nothing),
            Step::Memory => ("allocate", Nothing),
            Step::OpenRunDir => ("open ", RunDir),
            Step::MakeRunDir => ("make the directory ", RunDir),
            Step::MountRunDir => ("make a shared mount point of ", RunDir),
            Step::ReadRunDir => ("read ", RunDir),
            Step::Look => ("look at ", Entry),
            Step::Placeholder => ("make ", Entry),
            Step::Bind => ("bind on ", Entry),
            Step::Unmount => ("unmount ", Entry),
            Step::Unlink => ("unlink ", Entry),
            Step::Exists | Step::Prove => ("", Entry),
            Step::Open | Step::OpenPath => ("open ", Entry),
            Step::Duplicate => ("duplicate the descriptor", Nothing),
            Step::OpenHome => ("open the thread's own namespace", Nothing),
            Step::ProveWayBack => ("no way back: setns to the thread's own namespace", Nothing),
            Step::Unshare => ("unshare(CLONE_NEWNET)", Nothing),
            Step::Setns => ("setns", Nothing),
            Step::GoBack => ("setns back to where the thread came from", Nothing),
            Step::Token => ("token", Nothing),
            Step::HelperThread => ("start a helper thread", Nothing),
            Step::Loopback => ("bring lo up", Nothing),
            Step::Socket => ("socket", Nothing),
            Step::Cookie => ("read the cookie", Nothing),
            Step::FindNamespace => ("find its network namespace", Nothing),
            Step::ReadProc => ("read /proc", Nothing),
            Step::Monitor => ("watch ", RunDir),
            Step::Send => ("send to rtnetlink", Nothing),
            Step::Netlink => ("rtnetlink", Nothing),
            Step::GetId | Step::ListIds => ("RTM_GETNSID", Nothing),
            Step::SetId => ("RTM_NEWNSID", Nothing),
            Step::FindLink | Step::ListLinks => ("RTM_GETLINK", Nothing),
            Step::MoveLink | Step::ChangeLink => ("RTM_SETLINK", Nothing),
            Step::MakeLink => ("RTM_NEWLINK", Nothing),
            Step::DeleteLink => ("RTM_DELLINK", Nothing),
            Step::AddAddress => ("RTM_NEWADDR", Nothing),
            Step::DeleteAddress => ("RTM_DELADDR", Nothing),
            Step::ListAddresses => ("RTM_GETADDR", Nothing),
            Step::AddRoute => ("RTM_NEWROUTE", Nothing),
            Step::DeleteRoute => ("RTM_DELROUTE", Nothing),
            Step::ListRoutes => ("RTM_GETROUTE", Nothing),
            Step::ReadMounts => ("read the mounts below /sys", Nothing),
            Step::ReadEtc => ("read its directory in /etc/netns", Nothing),
            Step::Clone => ("make a child process", Nothing),
            Step::Handlers => ("reset a signal's handler", Nothing),
            Step::UnshareMounts => ("unshare(CLONE_NEWNS)", Nothing),
            Step::MakeSlave => ("make the mounts slaves", Nothing),
            Step::PickUp => ("copy the mount ", Detail),
            Step::MountSys => ("mount sysfs on /sys", Nothing),
            Step::PutBack => ("mount again ", Detail),
            Step::BindEtc => ("bind on ", Detail),
            Step::Chdir => ("change to the directory ", Detail),
            Step::Stdio => ("set up ", Detail),
            Step::Pidfd => ("open a pidfd", Nothing),
            Step::Exec => ("exec", Nothing),
            Step::Killed => ("killed before it was the program", Nothing),
            Step::DeathSignal => ("prctl(PR_SET_PDEATHSIG)", Nothing),
            Step::Mask => ("change the signal mask", Nothing),
            Step::Panic => ("internal error", Nothing),
        }
    }

    /// What to do about `errno` at this step, where that is known.
    pub fn advice(self, errno: Errno) -> Option<&'static str> {
        const NO_DESCRIPTOR: &str = "this process has RLIMIT_NOFILE descriptors open";
        match (self, errno) {
            (Step::Monitor, Errno::EMFILE) => Some(
                "RLIMIT_NOFILE, or the limit on monitors, /proc/sys/fs/inotify/max_user_instances",
            ),
            (Step::Monitor, Errno::ENOSPC) => {
                Some("the limit on watches, /proc/sys/fs/inotify/max_user_watches")
            }
            (_, Errno::EMFILE) => Some(NO_DESCRIPTOR),
            (_, Errno::ENFILE) => Some("the system's limit, /proc/sys/fs/file-max"),
            (Step::Bind | Step::Unmount | Step::MountRunDir, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN over the mount namespace")
            }
            (Step::Bind | Step::MountRunDir, Errno::ENOSPC) => {
                Some("the limit on mounts, /proc/sys/fs/mount-max")
            }
            (Step::Unshare, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN; a plain user makes a user namespace first")
            }
            (Step::Unshare, Errno::ENOSPC) => {
                Some("the limit on namespaces, /proc/sys/user/max_net_namespaces")
            }
            (Step::Setns, Errno::EPERM) => Some(
                "needs CAP_SYS_ADMIN in one's own user namespace and in the one that owns the target",
            ),
            (Step::ProveWayBack, Errno::EPERM) => Some(
                "going back needs CAP_SYS_ADMIN in the user namespace that owns it; \
                 use netns_setns in a thread of your own",
            ),
            (Step::GoBack, _) => Some("the thread is in the wrong namespace: end it"),
            (Step::Unlink, Errno::EPERM) => {
                Some("it or its directory is immutable, or it is another user's in a sticky one")
            }
            (Step::Placeholder | Step::Unlink | Step::MakeRunDir, Errno::EACCES | Errno::EPERM) => {
                Some("the run directory belongs to another user; name one of your own")
            }
            (Step::OpenPath, Errno::EACCES) => {
                Some("another user's process in /proc needs CAP_SYS_PTRACE")
            }
            (Step::FindNamespace, Errno::EACCES | Errno::EPERM) => Some(
                "needs CAP_SYS_PTRACE over the process, CAP_NET_ADMIN over a socket's namespace",
            ),
            (Step::FindNamespace, Errno::ESRCH) => Some("no such process, or it has ended"),
            (Step::UnshareMounts, Errno::EPERM) => {
                Some("needs CAP_SYS_ADMIN; NETNS_SPAWN_KEEP_SYS and _KEEP_ETC together do without")
            }
            (Step::UnshareMounts, Errno::ENOSPC) => {
                Some("the limit on namespaces, /proc/sys/user/max_mnt_namespaces, or on mounts")
            }
            (Step::MakeSlave, Errno::EINVAL) => {
                Some("the root directory has to be a mount point, which after chroot it may not be")
            }
            (Step::MountSys, Errno::EPERM) => Some(
                "a user namespace needs to see a whole sysfs to mount one; \
                 netns_spawn with NETNS_SPAWN_KEEP_SYS does without",
            ),
            (Step::ReadMounts, Errno::ENOENT) => {
                Some("is /proc mounted? netns_spawn with NETNS_SPAWN_KEEP_SYS does without")
            }
            (Step::ReadEtc, Errno::EACCES) => {
                Some("netns_spawn with NETNS_SPAWN_KEEP_ETC does without")
            }
            (Step::Clone, Errno::EAGAIN) => {
                Some("the limit on processes, RLIMIT_NPROC or a cgroup's")
            }
            (Step::Stdio, Errno::EBADF) => Some("it is not open"),
            (Step::Pidfd, Errno::ENOSYS) => Some("pidfds came with Linux 5.2"),
            (Step::Exec, Errno::ENOENT) => {
                Some("no such program, or the interpreter that it names is missing")
            }
            (Step::Exec, Errno::EACCES) => Some("no permission to execute it, or no regular file"),
            (Step::Loopback, Errno::EPERM) => Some("needs CAP_NET_ADMIN over the namespace"),
            (Step::Cookie, Errno::EOPNOTSUPP) => Some("cookies came with Linux 5.14"),
            (Step::GetId, Errno::ENODATA) => Some("it has none; netns_nsid_set gives it one"),
            (Step::SetId, Errno::EPERM) => {
                Some("needs CAP_NET_ADMIN over the namespace that is to have the id")
            }
            (Step::MoveLink, Errno::EPERM) => Some("needs CAP_NET_ADMIN over both namespaces"),
            (Step::FindLink | Step::DeleteLink | Step::ChangeLink, Errno::ENODEV) => {
                Some("the namespace has no interface of this name")
            }
            (Step::ListIds, Errno::EACCES) => Some("needs CAP_NET_ADMIN over the target"),
            (
                Step::MakeLink
                | Step::DeleteLink
                | Step::ChangeLink
                | Step::AddAddress
                | Step::DeleteAddress
                | Step::AddRoute
                | Step::DeleteRoute,
                Errno::EPERM,
            ) => Some("needs CAP_NET_ADMIN over the namespace"),
            (Step::MakeLink, Errno::EOPNOTSUPP) => {
                Some("this kernel has no such kind of interface, or cannot load its module")
            }
            (Step::AddAddress | Step::AddRoute, Errno::EACCES) => {
                Some("IPv6 is off, see /proc/sys/net/ipv6/conf/INTERFACE/disable_ipv6")
            }
            (Step::AddRoute, Errno::ENETUNREACH | Errno::EHOSTUNREACH) => {
                Some("the gateway has to be in the network of an interface that is up")
            }
            // IPv4 calls it ENOBUFS, which may be a want of memory, too.
            (Step::AddAddress, Errno::EINVAL | Errno::ENOBUFS)
            | (Step::AddRoute, Errno::ENODEV) => {
                Some("is the interface's MTU too small? IPv4 takes 68, IPv6 1280")
            }
            (Step::AddRoute, Errno::ENETDOWN) => Some("netns_link_up brings the interface up"),
            (Step::DeleteRoute, Errno::ESRCH) => {
                Some("netns_route_list shows the routes there are")
            }
            (Step::HelperThread, Errno::EINVAL) => {
                Some("after unshare(CLONE_NEWPID) the kernel starts none: fork first")
            }
            (
                Step::OpenHome
                | Step::Duplicate
                | Step::FindNamespace
                | Step::ReadProc
                | Step::Monitor,
                Errno::ENOENT,
            ) => Some("is /proc mounted?"),
            (Step::Bind | Step::MountRunDir, Errno::ENOENT) => {
                Some("before Linux 5.12 this needs /proc")
            }
            (Step::Look | Step::Open, Errno::ENOENT) => {
                Some("netns_list shows the names there are")
            }
            _ => None,
        }
    }
}
