//! The implementation of the helpers in iproute2's lib/namespace.c. It behaves the same in everything that a
//! program can observe: what is opened, what is skipped, and what is printed to stderr. Nothing else in the
//! library prints.

use std::ffi::{CStr, CString};
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};

use libnetns::error::{At, Failure, Result, Step};
use libnetns::explain::extended_ack::ExtendedAck;
use libnetns::os::open::{READ, open};
use libnetns::os::procfs::{ProcPath, unless_released};
use libnetns::os::readdir::for_each_entry;
use libnetns::os::{mount, syscalls};
use libnetns::program::mount_namespace::{EtcFiles, MountNamespace};
use libnetns::rtnl::protocol::RtnlSocket;
use libnetns::rtnl::{connection, nsid};
use libnetns::rundir::dir::RunDir;
use libnetns::rundir::name::{DEFAULT_RUN_DIR, join_text};
use libnetns::util::try_vec;
use libnetns::util::try_vec::extend;

/// The path of the run directory in iproute2's messages.
const SPOKEN_RUN_DIR: &[u8] = b"/var/run/netns";

/// Moves the calling thread permanently into a namespace, with a matching /sys and /etc.
pub fn switch(name: &CStr) -> Result<()> {
    let quoted = name.to_bytes();
    let ns = open_below_run_dir(name).inspect_err(|failure| {
        complain([b"Cannot open network namespace \"", quoted, b"\""], failure.errno);
    })?;
    // Operations that may run out of memory come before those that cannot be undone.
    let files = match EtcFiles::of(Some(name)) {
        Err(Failure { step: Step::ReadEtc, .. }) => EtcFiles::default(),
        files => files?,
    };
    let mut mounts =
        MountNamespace::plan_sys(name).inspect_err(|failure| complain([NO_SYS], failure.errno))?;
    setns(&ns, CloneFlags::CLONE_NEWNET).at(Step::Setns).inspect_err(|failure| {
        let words: [&[u8]; 3] = [b"setting the network namespace \"", quoted, b"\" failed"];
        complain(words, failure.errno);
    })?;
    drop(ns);
    mounts.enter_without_etc().map_err(stuck)?;
    for (source, target) in files.pairs() {
        let (source_text, target_text) = (source.to_bytes(), target.to_bytes());
        if let Err((_, errno)) = mount::cover(source, target) {
            complain([b"Bind ", source_text, b" -> ", target_text, b" failed"], errno);
        }
    }
    Ok(())
}

const NO_SYS: &[u8] = b"mount of /sys failed";

/// Reports a failure after which the thread stays where it is now.
fn stuck(failure: Failure) -> Failure {
    let words: &[u8] = match failure.step {
        Step::UnshareMounts => b"unshare failed",
        Step::MakeSlave => b"\"mount --make-rslave /\" failed",
        _ => NO_SYS,
    };
    complain([words], failure.errno);
    Failure::new(failure.step, failure.errno)
}

/// Opens `text`: a path if it contains a '/', otherwise a name; and if that cannot be opened, the namespace
/// of the process with that id. The file may be of any kind. Symlinks are followed, because many names are
/// links to /proc/PID/ns/net.
pub fn get_fd(text: &CStr) -> Result<OwnedFd> {
    let named = if is_path(text) {
        open_followed(text).at(Step::OpenPath)
    } else {
        open_below_run_dir(text)
    };
    named.or_else(|failure| match path_of_process(text) {
        Some(path) => open_followed(path.as_cstr()).map_err(neither),
        None => Err(failure),
    })
}

/// Returns the failure for a number that is neither a name nor the id of a process.
fn neither(errno: Errno) -> Failure {
    let failure = Failure::new(Step::FindNamespace, errno);
    match errno {
        Errno::ENOENT => {
            failure.hint("no network namespace has this name, and /proc shows no such process")
        }
        _ => failure,
    }
}

pub fn is_path(text: &CStr) -> bool {
    text.to_bytes().contains(&b'/')
}

fn open_below_run_dir(text: &CStr) -> Result<OwnedFd> {
    open_followed(&join_text(DEFAULT_RUN_DIR, text)?).at(Step::Open)
}

fn open_followed(path: &CStr) -> nix::Result<OwnedFd> {
    unless_released(|| open(path, READ))
}

/// /proc contains process ids only in plain form: no sign, no blank, no leading 0.
fn path_of_process(text: &CStr) -> Option<ProcPath> {
    let text = text.to_str().ok()?;
    let pid: u32 = text.parse().ok()?;
    let path = ProcPath::format(format_args!("/proc/{pid}/ns/net"));
    (text.starts_with(|c: char| matches!(c, '1'..='9')) && pid <= i32::MAX as u32).then_some(path)
}

/// Returns all entries of the run directory, namespaces or not, NUL-terminated and in directory order. The
/// result is empty if the run directory does not exist; if it cannot be opened for another reason, this
/// prints a message.
pub fn entries() -> Result<Vec<u8>> {
    read_entries().inspect_err(|failure| {
        complain([b"Failed to open directory ", SPOKEN_RUN_DIR], failure.errno);
    })
}

fn read_entries() -> Result<Vec<u8>> {
    let mut names = Vec::new();
    let dir = match RunDir::open(DEFAULT_RUN_DIR) {
        Err(failure) if failure.errno == Errno::ENOENT => return Ok(names),
        dir => dir?,
    };
    let read = for_each_entry(dir.as_fd(), Step::ReadRunDir, |name, _| {
        let name = name.to_bytes_with_nul();
        if name != b".\0" && name != b"..\0" {
            extend(&mut names, name)?;
        }
        Ok(())
    });
    match read {
        // Returns the entries that were read, like a loop around readdir(3).
        Err(Failure { step: Step::ReadRunDir, .. }) => Ok(names),
        read => read.map(|()| names),
    }
}

/// Returns the nsid that the namespace of the caller's socket has assigned to `ns`, or `None`. A missing
/// socket is reported like one that is not open.
pub fn id_of(socket: Option<BorrowedFd>, ns: BorrowedFd) -> Result<Option<i32>> {
    talk(socket, |rtnl| nsid::ask(rtnl, ns))
}

/// Assigns an nsid to `ns` there; the kernel chooses it if `id` is negative.
pub fn set_id(socket: Option<BorrowedFd>, ns: BorrowedFd, id: i32) -> Result<()> {
    talk(socket, |rtnl| nsid::give(rtnl, ns, id))
}

fn talk<T>(
    socket: Option<BorrowedFd>,
    talk: impl FnOnce(&mut RtnlSocket) -> Result<T>,
) -> Result<T> {
    socket
        .ok_or(Failure::new(Step::Send, Errno::EBADF))
        .and_then(RtnlSocket::on)
        .and_then(|mut rtnl| talk(&mut rtnl))
        .inspect_err(complain_of_talk)
}

/// Returns the first name whose namespace has this nsid in the calling thread's namespace.
pub fn name_of(id: i32) -> Result<Option<CString>> {
    connection::with(None, |rtnl| find_name(rtnl, id)).inspect_err(|failure| {
        if failure.step == Step::Socket {
            complain([b"Cannot open netlink socket"], failure.errno);
        }
    })
}

fn find_name(rtnl: &mut RtnlSocket, id: i32) -> Result<Option<CString>> {
    let names = entries()?;
    let names = names.split_inclusive(|&byte| byte == 0);
    for name in names.filter_map(|name| CStr::from_bytes_with_nul(name).ok()) {
        let ns = match get_fd(name) {
            Err(failure) if failure.step == Step::Memory => return Err(failure),
            Err(_) => continue,
            Ok(ns) => ns,
        };
        match nsid::ask(rtnl, ns.as_fd()) {
            Ok(Some(found)) if found == id => return try_vec::copy_c_str(name).map(Some),
            Ok(_) => {}
            Err(failure) if failure.step == Step::Memory => return Err(failure),
            Err(failure) => complain_of_talk(&failure),
        }
    }
    Ok(None)
}

/// Prints the kernel's extended ack message, if any. The kernel sends one only if it was requested.
fn complain_of_talk(failure: &Failure) {
    match failure.step {
        Step::GetId | Step::SetId => match ExtendedAck::of(failure) {
            Some(ack) => {
                let text = ack.as_bytes();
                let end: &[u8] = if text.ends_with(b".") { b"\n" } else { b".\n" };
                say(&[b"Error: ", text, end]);
            }
            None => complain([b"RTNETLINK answers"], failure.errno),
        },
        Step::Send => complain([b"Cannot talk to rtnetlink"], failure.errno),
        _ => {
            let mut number = [0; 16];
            let mut rest = &mut number[..];
            // There is space for any number.
            let _ = write!(rest, " ({})", failure.errno as i32);
            let left = rest.len();
            let mut buffer = [0; 128];
            let reason = syscalls::error_text(failure.errno, &mut buffer);
            say(&[b"netlink receive error ", reason, &number[..number.len() - left], b"\n"]);
        }
    }
}

/// Prints `words: reason`.
fn complain<const N: usize>(words: [&[u8]; N], reason: Errno) {
    const { assert!(N + 3 <= LONGEST_LINE) };
    let mut buffer = [0; 128];
    let reason = syscalls::error_text(reason, &mut buffer);
    let mut line: [&[u8]; LONGEST_LINE] = [b""; LONGEST_LINE];
    for (place, word) in line.iter_mut().zip(words.into_iter().chain([b": ", reason, b"\n"])) {
        *place = word;
    }
    say(&line);
}

/// The maximum number of parts.
const LONGEST_LINE: usize = 8;

/// Prints a line to stderr with a single write, so that lines of other threads are not mixed into it.
fn say(line: &[&[u8]]) {
    let mut pieces = [IoSlice::new(b""); LONGEST_LINE];
    for (piece, word) in pieces.iter_mut().zip(line) {
        *piece = IoSlice::new(word);
    }
    while rustix::io::writev(io::stderr().as_fd(), &pieces) == Err(rustix::io::Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_of_process_accepts_only_canonical_pids() {
        let path = |text| path_of_process(text).map(|path| path.as_cstr().to_owned());
        assert_eq!(path(c"1"), Some(c"/proc/1/ns/net".to_owned()));
        assert_eq!(path(c"2147483647"), Some(c"/proc/2147483647/ns/net".to_owned()));
        for text in [c"", c"0", c"01", c"+1", c"-1", c" 1", c"1 ", c"0x1", c"1a", c"2147483648"] {
            assert_eq!(path(text), None, "{text:?}");
        }
    }

    #[test]
    fn get_fd_tries_pid_if_name_is_missing() {
        let missing = get_fd(c"no such name").unwrap_err();
        assert_eq!((missing.step, missing.errno), (Step::Open, Errno::ENOENT));
        let gone = get_fd(c"2147483647").unwrap_err();
        assert_eq!((gone.step, gone.errno), (Step::FindNamespace, Errno::ENOENT));
        assert!(get_fd(c"/proc/self/ns/net").is_ok());
    }
}
