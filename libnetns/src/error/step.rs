//! The steps at which calls can fail, and the text that a message shows for each.
//!
//! Messages are written for operators and shown in every language: they may name files, limits, capabilities
//! and system calls, but no function, flag or constant of this library, and no kernel constant.

/// Declares the steps, each with its text and the part of the call's object that follows the text.
macro_rules! steps {
    ($($step:ident => $text:literal $place:ident,)*) => {
        /// The step at which a call failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Step {
            $($step,)*
        }

        impl Step {
            #[cfg(test)]
            pub const ALL: &[Step] = &[$(Step::$step,)*];

            pub fn text(self) -> (&'static str, Place) {
                match self {
                    $(Step::$step => ($text, Place::$place),)*
                }
            }
        }
    };
}

steps! {
    // The caller's arguments.
    Argument => "check the arguments" Nothing,
    Name => "invalid name" Nothing,
    RunDirPath => "invalid run directory" Nothing,
    ProcessId => "invalid process ID" Nothing,
    Nsid => "invalid nsid" Nothing,
    LinkName => "invalid interface name" Nothing,
    LinkKind => "invalid kind of interface" Nothing,
    MacvlanMode => "invalid macvlan mode" Nothing,
    VlanId => "invalid VLAN ID" Nothing,
    LinkAddress => "invalid link-layer address" Nothing,
    Address => "invalid address" Nothing,
    Destination => "invalid destination" Nothing,
    Gateway => "invalid gateway" Nothing,
    SysctlName => "invalid sysctl" Nothing,

    Memory => "allocate memory" Nothing,
    Panic => "internal error" Nothing,

    // The run directory, and the names in it.
    OpenRunDir => "open " RunDir,
    MakeRunDir => "mkdir " RunDir,
    LockRunDir => "lock " RunDir,
    MountRunDir => "make a shared mount point of " RunDir,
    MountedTwice => "make a shared mount point of " RunDir,
    ReadRunDir => "read " RunDir,
    Monitor => "watch " RunDir,
    Look => "stat " Entry,
    Placeholder => "create " Entry,
    Exists => "create " Entry,
    BeingCreated => "create " Entry,
    Bind => "bind on " Entry,
    Unmount => "unmount " Entry,
    Unlink => "unlink " Entry,
    Open => "open " Entry,
    OpenPath => "open " Entry,
    FollowLink => "follow the symbolic link " Entry,
    Prove => "identify " Entry,

    // Other ways to open a namespace, and its attributes.
    Duplicate => "duplicate the descriptor" Nothing,
    FindNamespace => "open its network namespace" Nothing,
    ReadProc => "read /proc" Nothing,
    ListSockets => "list the sockets" Nothing,
    ListNamespaces => "list the namespaces" Nothing,
    FindById => "find the namespace with this inode and cookie" Nothing,
    Cookie => "read the cookie" Nothing,
    OpenSysctl => "open the file below /proc/sys" Nothing,
    ReadSysctl => "read the value" Nothing,
    WriteSysctl => "write the value" Nothing,

    // The calling thread.
    OpenHome => "open the calling thread's network namespace" Nothing,
    ProveWayBack => "verify that the thread can switch back" Nothing,
    Unshare => "unshare the network namespace" Nothing,
    Setns => "setns" Nothing,
    GoBack => "setns back to the original network namespace" Nothing,
    Token => "check the token" Nothing,
    EndVisit => "end the visit" Nothing,
    HelperThread => "start a helper thread" Nothing,
    Mask => "set the signal mask" Nothing,
    Loopback => "bring lo up" Nothing,
    Socket => "socket" Nothing,
    BindSocket => "bind the socket" Nothing,
    Listen => "listen" Nothing,
    Connect => "connect" Nothing,

    // rtnetlink.
    Send => "send to rtnetlink" Nothing,
    Netlink => "receive from rtnetlink" Nothing,
    GetId => "look up the nsid" Nothing,
    SetId => "assign the nsid" Nothing,
    ListIds => "list the nsids" Nothing,
    FindLink => "look up the interface" Nothing,
    ListLinks => "list the interfaces" Nothing,
    MoveLink => "move the interface" Nothing,
    MakeLink => "create the interface" Nothing,
    MakeVeth => "create the veth pair" Nothing,
    MakeMacvlan => "create the macvlan" Nothing,
    MakeVlan => "create the VLAN" Nothing,
    DeleteLink => "delete the interface" Nothing,
    ChangeLink => "change the interface" Nothing,
    SetMtu => "set the MTU" Nothing,
    SetLinkAddress => "set the link-layer address" Nothing,
    SetMaster => "set the master" Nothing,
    AddAddress => "add the address" Nothing,
    DeleteAddress => "delete the address" Nothing,
    ListAddresses => "list the addresses" Nothing,
    AddRoute => "add the route" Nothing,
    DeleteRoute => "delete the route" Nothing,
    ListRoutes => "list the routes" Nothing,

    // Programs.
    ReadMounts => "read the mounts below /sys" Nothing,
    ReadEtc => "read the directory in /etc/netns" Nothing,
    Clone => "create a child process" Nothing,
    Handlers => "reset the signal handlers" Nothing,
    UnshareMounts => "unshare the mount namespace" Nothing,
    MakeSlave => "mount --make-rslave /" Nothing,
    PickUp => "copy the mount " Detail,
    MountSys => "mount sysfs on /sys" Nothing,
    PutBack => "restore the mount " Detail,
    ReadEtcMounts => "read the mounts below /etc" Nothing,
    PickUpEtc => "copy the mount " Detail,
    PinEtc => "mount an overlay on /etc" Nothing,
    PutBackEtc => "restore the mount " Detail,
    OpenEtc => "open " Detail,
    BindEtc => "bind on " Detail,
    // For files that the started program goes without.
    LeaveOut => "skip " Detail,
    NothingToCover => "skip the file for " Detail,
    // The mount namespace of a thread.
    OpenMounts => "open the mount namespace" Nothing,
    OpenRoot => "open the root directory" Nothing,
    OpenDirectory => "open the working directory" Nothing,
    UnshareFs => "unshare the root and working directory" Nothing,
    JoinMounts => "join the new mount namespace" Nothing,
    SetRoot => "set the root directory" Nothing,
    SetDirectory => "set the working directory" Nothing,
    Setsid => "setsid" Nothing,
    SetGroups => "set the supplementary groups" Nothing,
    SetGid => "set the group ID" Nothing,
    SetUid => "set the user ID" Nothing,
    Chdir => "chdir to " Detail,
    Stdio => "redirect " Detail,
    Pipe => "create a pipe" Nothing,
    OpenNull => "open /dev/null" Nothing,
    Pidfd => "open a pidfd" Nothing,
    Exec => "exec" Nothing,
    Killed => "wait for the program to start" Nothing,
    Wait => "wait" Nothing,
    Kill => "send a signal" Nothing,
    ReadOutput => "read the output" Nothing,
    DeathSignal => "set the parent-death signal" Nothing,
}

/// The object of a step, as shown in the message.
pub enum Place {
    Nothing,
    RunDir,
    Entry,
    /// The item that the call for a program has reached.
    Detail,
}
