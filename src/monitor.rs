//! Monitor: reporting names that are added and removed.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;

use libnetns::error::Result;
use libnetns::explain::{Object, Subject};
use libnetns::rundir::monitor::{Change, Event, Monitor, MonitorFlags};
use libnetns::util::try_vec;

use crate::boundary;
use crate::convert::{self, Growing, Output, Slot, has_no_tail_padding, text};
use crate::types::NetnsMonitor;

/// For netns_monitor_open(): report the names that exist first, as NETNS_EVENT_ADD.
pub const NETNS_MONITOR_SNAPSHOT: u32 = 1;

/// A name was added: it can be opened.
pub const NETNS_EVENT_ADD: u32 = 1;
/// A name that could be opened was removed, or now belongs to another network namespace; in that
/// case NETNS_EVENT_ADD follows.
pub const NETNS_EVENT_REMOVE: u32 = 2;

const _: () = assert!(NETNS_MONITOR_SNAPSHOT == MonitorFlags::SNAPSHOT.bits());

/// What netns_monitor_next() reports. Initialize it with NETNS_EVENT_INIT: size has to be
/// sizeof(struct netns_event) at each call. Later versions may add members at the end. A library
/// older than the header sets members that it does not know to zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NetnsEvent {
    /// The size of the structure that the caller was compiled with.
    pub size: u32,
    /// NETNS_EVENT_ADD or NETNS_EVENT_REMOVE. Later versions may add others; ignore unknown ones.
    pub r#type: u32,
    /// The name, NUL-terminated.
    pub name: [c_char; 256],
    /// The inode number of the network namespace that the name now belongs to, or belonged to until
    /// it was removed; see netns_inode().
    pub inode: u64,
    /// Its cookie, see netns_cookie(); 0 if it is not known, as before Linux 6.18.
    pub cookie: u64,
}

// SAFETY: it begins with its size and is made of integers.
unsafe impl Growing for NetnsEvent {
    const FIRST_SIZE: usize = 280;
    const WRONG_SIZE: &'static str =
        "the size of the event does not match any version of the library";
}

const _: () = assert!(has_no_tail_padding!(NetnsEvent, cookie: u64));

/// Watches a run directory for names that are added or removed, by any program.
///
/// rundir  the run directory; NULL means NETNS_RUN_DIR. It does not have to exist, and may be
///         deleted and created again. If it, or a directory above it, is a file, the monitor treats
///         it as not existing.
/// flags   0, or NETNS_MONITOR_SNAPSHOT: report the names that exist first. Without the flag, only
///         changes from now on are reported.
/// out     receives a monitor; release it with netns_monitor_close().
///
/// A monitor may be used from any thread. After fork(2), either the parent or the child may use it,
/// not both; and the child only if no other thread was in netns_monitor_next(). It sees the mounts
/// of the thread that calls netns_monitor_next().
///
/// The library verifies the monitor's descriptors before each use and before closing them. If the
/// program has closed one of them, or the calling thread has a descriptor table of its own without
/// them (see unshare(2)), calls fail with EBADF, and another file that has the same number is not
/// affected.
///
/// A change that does not create, delete or touch a file is reported only with the next change of
/// the same name: a name that is unmounted but not deleted, a network namespace mounted on top of
/// another one, a network namespace that another program binds on a file older than 10 seconds
/// (netns_create() and netns_attach() touch the file), a file system mounted over the run
/// directory, and the renaming of a directory above its parent. While a file that another program
/// created is younger than 10 seconds, each mount and unmount makes the monitor ready.
///
/// Capabilities: none.
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, rundir is empty, or out is NULL
///   -EACCES     the caller has no permission to read the run directory, or a directory above it
///   -ELOOP, -ENAMETOOLONG  rundir is not the path of a directory
///   -EAGAIN     other processes keep replacing the run directory
///   -ENOENT     /proc is not mounted, and another program is creating a name
///   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  out of file descriptors, memory or inotify watches
/// On failure *out is not changed.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_monitor_open(
    rundir: *const c_char,
    flags: u32,
    out: Option<&mut MaybeUninit<*mut NetnsMonitor>>,
) -> c_int {
    // SAFETY: the caller passes NULL or a string.
    let rundir = unsafe { text(rundir) };
    let subject = convert::about_in(rundir, "monitor", Object::RunDir);
    boundary::call(subject, || {
        let flags = convert::flags::<MonitorFlags>(flags)?;
        let out = convert::out(out)?;
        let slot = Slot::new()?;
        let rundir = try_vec::copy_c_str(convert::rundir(rundir)?)?;
        let monitor = Monitor::open(&rundir, flags)?;
        out.write(slot.give(NetnsMonitor { monitor, rundir }));
        Ok(())
    })
}

/// Returns the monitor's descriptor, for poll(2) with POLLIN or epoll(7) with EPOLLIN,
/// level-triggered. When it is ready, call netns_monitor_next() until it returns 0. It may be ready
/// without an event. The descriptor belongs to the monitor; do not close it.
///
/// Returns the descriptor, or
///   -EINVAL     m is NULL
///   -EBADF      the monitor's descriptors were closed, or the calling thread does not share them
///   -ENOMEM, -ENOSPC  another file is open under the number of one of them, and memory or the
///               limit on epoll watches does not suffice to find that out
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_monitor_fd(m: Option<&NetnsMonitor>) -> c_int {
    boundary::call(about_monitor(m), || monitor(m)?.monitor.fd())
}

/// Returns the next event without waiting for one. NETNS_EVENT_ADD is reported for a name only
/// while it is a live network namespace, and NETNS_EVENT_REMOVE only after NETNS_EVENT_ADD. A name
/// that was added and removed, or removed and added unchanged, before the monitor could look at it
/// is not reported.
///
/// m   the monitor.
/// ev  its size has to be set; receives the event.
///
/// Returns 1 if there was an event, 0 if there is none at the moment, or
///   -EINVAL     a pointer is NULL, or ev->size is too small
///   -E2BIG      ev->size is greater than 4096
///   -EBADF      the monitor's descriptors were closed, or the calling thread does not share them
///   -EACCES     the caller no longer has permission to read the run directory
///   -ELOOP, -ENAMETOOLONG  the run directory's path now contains dangling symbolic links
///   -EAGAIN     other processes keep replacing the run directory
///   -ENOENT     /proc is not mounted, and another program is creating a name
///   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  out of file descriptors, memory or inotify watches
/// A failure loses no event, but does not make the descriptor ready either: call again when its
/// cause is gone.
///
/// Since 1.0.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn netns_monitor_next(m: *mut NetnsMonitor, ev: *mut NetnsEvent) -> c_int {
    // SAFETY: the caller passes NULL or a monitor; a mutex in it keeps threads apart.
    let m = unsafe { m.as_ref() };
    boundary::call(about_monitor(m), || {
        let m = monitor(m)?;
        // SAFETY: the caller passes NULL or an event whose size is set.
        let room = unsafe { Output::new(ev, "no place for the event given") }?;
        let Some(event) = m.monitor.next()? else {
            return Ok(false);
        };
        room.write(for_c(event));
        Ok(true)
    })
}

fn for_c(event: Event) -> NetnsEvent {
    let mut name: [c_char; 256] = [0; 256];
    for (to, from) in name.iter_mut().zip(event.name.to_bytes().iter().take(255)) {
        *to = *from as c_char;
    }
    NetnsEvent {
        size: 0,
        r#type: match event.change {
            Change::Added => NETNS_EVENT_ADD,
            Change::Removed => NETNS_EVENT_REMOVE,
        },
        name,
        inode: event.identity.inode,
        cookie: event.identity.cookie.unwrap_or(0),
    }
}

fn about_monitor(m: Option<&NetnsMonitor>) -> Subject<'_> {
    convert::about_in(m.map(|m| &*m.rundir), "monitor", Object::RunDir)
}

fn monitor(m: Option<&NetnsMonitor>) -> Result<&NetnsMonitor> {
    convert::required(m, "no monitor given")
}

/// Releases a monitor and closes those of its descriptors that it can verify to be its own. The
/// epoll descriptor is what verifies the others: if the program has closed that one, the others
/// stay open. NULL is allowed. errno is not changed. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_monitor_close(m: *mut NetnsMonitor) {
    // SAFETY: m is NULL or a monitor that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(m) })
}
