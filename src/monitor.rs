//! Monitor: names added and removed.

use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;

use libnetns::error::Result;
use libnetns::explain::{Object, Subject};
use libnetns::rundir::monitor::{Change, Event, Monitor, MonitorFlags};
use libnetns::util::try_vec;

use crate::boundary;
use crate::convert::{self, Growing, Output, Slot, has_no_tail_padding, text};
use crate::types::NetnsMonitor;

/// For netns_monitor_open(): the names that exist come first, as NETNS_EVENT_ADD.
pub const NETNS_MONITOR_SNAPSHOT: u32 = 1;

/// A name can be opened from now on.
pub const NETNS_EVENT_ADD: u32 = 1;
/// A name that could be opened is gone, or is another namespace's by now; then NETNS_EVENT_ADD
/// follows.
pub const NETNS_EVENT_REMOVE: u32 = 2;

const _: () = assert!(NETNS_MONITOR_SNAPSHOT == MonitorFlags::SNAPSHOT.bits());

/// What netns_monitor_next() tells. Initialise it with NETNS_EVENT_INIT: size must be
/// sizeof(struct netns_event) at each call. Later versions add members at the end. A library that is
/// older than the header writes zero to those that it does not know.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct NetnsEvent {
    /// The size of the structure that the caller was compiled with.
    pub size: u32,
    /// NETNS_EVENT_ADD or NETNS_EVENT_REMOVE. A later version may have others: ignore those.
    pub r#type: u32,
    /// The name, NUL-terminated.
    pub name: [c_char; 256],
    /// The inode of the namespace that the name has got, or had until it was removed; see
    /// netns_inode().
    pub inode: u64,
    /// Its cookie, see netns_cookie(); 0 if that is not known, as before Linux 6.18.
    pub cookie: u64,
}

// SAFETY: it begins with its size and is made of integers.
unsafe impl Growing for NetnsEvent {
    const FIRST_SIZE: usize = 280;
    const WRONG_SIZE: &'static str = "the size of the event is one that no version has";
}

const _: () = assert!(has_no_tail_padding!(NetnsEvent, cookie: u64));

/// Watches a run directory for names that come and go, whoever makes and removes them.
///
/// rundir  NULL is NETNS_RUN_DIR. It need not exist yet, and may be removed and made again. A file
///         in its place, or in that of a directory above it, counts as if there were nothing.
/// flags   NETNS_MONITOR_SNAPSHOT: tell the names that exist first. Without it, only what changes
///         from now on is told.
/// out     receives a monitor, which is yours to netns_monitor_close().
///
/// Needs no privilege. A monitor may be used from any thread; after a fork(2) by the parent or the
/// child, not by both, and by the child only if no other thread was in netns_monitor_next(). It sees
/// the mounts of the thread that calls netns_monitor_next().
///
/// Its descriptors are verified before each use and before they are closed: where the program has
/// closed one of them, or the calling thread has a descriptor table of its own without them (see
/// unshare(2)), calls fail with EBADF, and no other file that has the number by now is touched.
///
/// What happens without a file being made, removed or touched is seen with the next change of that
/// name only: a name that is unmounted and left, a namespace mounted on top of another one, a
/// namespace that another program binds on a file that is more than 10 seconds old (netns_create()
/// and netns_attach() touch the file), a file system mounted over the run directory, and a directory
/// further above than its parent that is renamed. Until a file that another program made is that old,
/// each mount and unmount makes the monitor ready.
///
/// Returns 0, or
///   -EINVAL     a flag is unknown, rundir is empty, or out is NULL
///   -EACCES     the run directory, or a directory above it, is not yours to read
///   -ELOOP, -ENAMETOOLONG  rundir is no directory's path
///   -EAGAIN     the run directory is replaced all the time
///   -ENOENT     /proc is not mounted, and a name is in the making
///   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  no descriptor, memory or inotify watch to be had
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

/// The monitor's descriptor, to poll(2) for POLLIN or to add to an epoll(7) with EPOLLIN,
/// level-triggered. When it is ready, call netns_monitor_next() until it returns 0. It may be ready
/// without an event. It stays the monitor's.
///
/// Returns the descriptor, or
///   -EINVAL     m is NULL
///   -EBADF      the monitor's descriptors have been closed, or the thread does not share them
///   -ENOMEM, -ENOSPC  another file is open under the number of one of them, and memory, or the limit on
///               epoll watches, does not suffice to tell
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_monitor_fd(m: Option<&NetnsMonitor>) -> c_int {
    boundary::call(about_monitor(m), || monitor(m)?.monitor.fd())
}

/// Takes the next event, without waiting for one. A name is told with NETNS_EVENT_ADD only when it
/// is a live namespace at that moment, and with NETNS_EVENT_REMOVE only after that. What came and
/// went, or went and came back as it was, before it could be looked at is not told.
///
/// ev  its size must be set; receives the rest.
///
/// Returns 1 if there was an event, 0 if there is none by now, or
///   -EINVAL     a pointer is NULL, or ev->size is too small
///   -E2BIG      ev->size is more than 4096
///   -EBADF      the monitor's descriptors have been closed, or the thread does not share them
///   -EACCES     the run directory is not yours to read any more
///   -ELOOP, -ENAMETOOLONG  its path leads through links that lead nowhere by now
///   -EAGAIN     the run directory is replaced all the time
///   -ENOENT     /proc is not mounted, and a name is in the making
///   -EMFILE, -ENFILE, -ENOMEM, -ENOSPC  no descriptor, memory or inotify watch to be had
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

/// Ends a monitor and closes those of its descriptors that prove to be its own still. The epoll is what
/// proves the others: where the program has closed that one alone, they stay open. NULL is allowed. errno
/// is left alone. Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_monitor_close(m: *mut NetnsMonitor) {
    // SAFETY: m is NULL or a monitor that this library gave and that the caller uses no more.
    boundary::plain((), || unsafe { convert::take_back(m) })
}
