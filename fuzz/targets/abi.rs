//! Makes calls of the C ABI as determined by the input, in private namespaces: other users change the run
//! directory between any two calls, as determined by the input, and files outside it must not be touched.
#![no_main]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::panic;
use std::process::{abort, exit};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
// Links the library that is called here.
use netns as _;

type Handle = c_void;

#[repr(C)]
struct Event {
    size: u32,
    kind: u32,
    name: [c_char; 256],
    inode: u64,
    cookie: u64,
}

unsafe extern "C" {
    fn netns_errmsg() -> *const c_char;
    fn netns_create(name: *const c_char, flags: u32, out: *mut *mut Handle) -> c_int;
    fn netns_open(name: *const c_char, flags: u32, out: *mut *mut Handle) -> c_int;
    fn netns_attach(ns: *const Handle, name: *const c_char, flags: u32) -> c_int;
    fn netns_remove(name: *const c_char, flags: u32) -> c_int;
    fn netns_dup(ns: *const Handle, out: *mut *mut Handle) -> c_int;
    fn netns_close(ns: *mut Handle);
    fn netns_list_at(dir: *const c_char, flags: u32, out: *mut *mut c_void) -> c_int;
    fn netns_list_free(list: *mut c_void);
    fn netns_monitor_open(dir: *const c_char, flags: u32, out: *mut *mut c_void) -> c_int;
    fn netns_monitor_next(monitor: *mut c_void, event: *mut Event) -> c_int;
    fn netns_monitor_close(monitor: *mut c_void);
    fn netns_addr_add(ns: *const Handle, link: *const c_char, cidr: *const c_char) -> c_int;
    fn netns_addr_del(ns: *const Handle, link: *const c_char, cidr: *const c_char) -> c_int;
    fn netns_route_add(
        ns: *const Handle,
        dst: *const c_char,
        via: *const c_char,
        link: *const c_char,
    ) -> c_int;
    fn netns_link_set_address(ns: *const Handle, link: *const c_char, text: *const c_char)
    -> c_int;
    fn netns_link_add(ns: *const Handle, link: *const c_char, kind: *const c_char) -> c_int;
    fn netns_link_del(ns: *const Handle, link: *const c_char) -> c_int;
    fn netns_spawn(
        ns: *const Handle,
        options: *const c_void,
        file: *const c_char,
        argv: *const *mut c_char,
        envp: *const *mut c_char,
        pid: *mut libc::pid_t,
    ) -> c_int;
}

const RUN_DIR: &str = "/run/netns";
/// Files beside the run directory that must not change.
const OUTSIDE: &str = "/run/outside";
/// The names that calls and other users have in common.
const NAMES: [&CStr; 4] = [c"a", c"b", c"c", c"d"];

/// A namespace that no call creates again.
struct World(*mut Handle);
// SAFETY: a handle may be used from any thread.
unsafe impl Sync for World {}
// SAFETY: see above.
unsafe impl Send for World {}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        make_world().unwrap_or_else(|errno| {
            println!("no private world: {errno}");
            exit(77);
        })
    })
}

fn make_world() -> nix::Result<World> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("fuzz"), "/run", Some("tmpfs"), MsFlags::empty(), none)?;
    fs::create_dir_all(OUTSIDE).unwrap();
    fs::write(format!("{OUTSIDE}/file"), "").unwrap();
    fs::create_dir(format!("{OUTSIDE}/directory")).unwrap();
    bind("/proc/thread-self/ns/net", &format!("{OUTSIDE}/file"))?;
    let mut ns = null_mut();
    // SAFETY: the arguments are a name and space for a handle.
    let rc = unsafe { netns_create(null(), 0, &mut ns) };
    assert_eq!(rc, 0);
    // The library's first call has silenced panics, whose messages are needed here.
    panic::set_hook(Box::new(|panicked| {
        eprintln!("{panicked}");
        abort();
    }));
    Ok(World(ns))
}

fn bind(from: &str, to: &str) -> nix::Result<()> {
    mount(Some(from), to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
}

/// The rest of the input.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn name(&mut self) -> &'static CStr {
        NAMES[usize::from(self.byte()) % NAMES.len()]
    }

    /// Takes a name from the input, up to a NUL or 300 bytes.
    fn text(&mut self) -> CString {
        let len =
            self.0.iter().take(300).position(|&byte| byte == 0).unwrap_or(self.0.len().min(300));
        let (text, rest) = self.0.split_at(len);
        self.0 = rest.get(1..).unwrap_or_default();
        CString::new(text).unwrap()
    }
}

/// Checks that a failure returns an errno, sets errno, and has a one-line message.
fn check(rc: c_int) {
    if rc >= 0 {
        return;
    }
    assert_eq!(Errno::last_raw(), -rc);
    assert_ne!(rc, -libc::ENOTRECOVERABLE);
    // SAFETY: this is the library's own string, which is valid until the next failure.
    let line = unsafe { CStr::from_ptr(netns_errmsg()) }.to_str().unwrap();
    assert!(!line.is_empty() && !line.contains(char::is_control), "{line:?}");
}

/// An action of another user on a name.
fn stranger(input: &mut Input) {
    let path = format!("{RUN_DIR}/{}", input.name().to_str().unwrap());
    let other = format!("{RUN_DIR}/{}", input.name().to_str().unwrap());
    // Actions that fail are acceptable.
    let _ = match input.byte() % 9 {
        0 => symlink(format!("{OUTSIDE}/file"), path),
        1 => symlink(format!("{OUTSIDE}/directory"), path),
        2 => fs::create_dir(path),
        3 => mkfifo(path.as_str(), Mode::S_IRWXU).map_err(Into::into),
        4 => write(&path, b""),
        5 => write(&path, b"text"),
        6 => fs::rename(path, other),
        7 => fs::hard_link(path, other),
        // A mount follows links.
        _ if fs::read_link(&path).is_ok() => Ok(()),
        _ => bind("/proc/thread-self/ns/uts", &path).map_err(Into::into),
    };
}

/// Writes to the file itself: does not follow a link, and does not wait for a fifo.
fn write(path: &str, text: &[u8]) -> io::Result<()> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = File::options().write(true).create(true).custom_flags(flags).open(path)?;
    file.write_all(text)
}

fn act(ns: *mut Handle, input: &mut Input) {
    let mut handle = null_mut();
    let (kind, flags) = (input.byte(), u32::from(input.byte()));
    // SAFETY: the arguments are strings, handles and space for results, as the header requires.
    unsafe {
        match kind % 16 {
            0 => create(input.name(), flags & 7, &mut handle),
            1 => check(netns_attach(ns, input.name().as_ptr(), 0)),
            2 => check(netns_open(input.name().as_ptr(), 0, &mut handle)),
            3 => check(netns_remove(input.name().as_ptr(), flags & 1)),
            4 => check(netns_attach(ns, input.text().as_ptr(), flags >> 7)),
            5 => check(netns_open(input.text().as_ptr(), flags >> 7, &mut handle)),
            6 => check(netns_remove(input.text().as_ptr(), flags)),
            7 => list(flags),
            8 => monitor(flags),
            9 => check(netns_addr_add(ns, c"lo".as_ptr(), input.text().as_ptr())),
            10 => check(netns_addr_del(ns, c"lo".as_ptr(), input.text().as_ptr())),
            11 => {
                let (dst, via) = (input.text(), input.text());
                check(netns_route_add(ns, dst.as_ptr(), via.as_ptr(), c"lo".as_ptr()));
            }
            12 => check(netns_link_set_address(ns, c"lo".as_ptr(), input.text().as_ptr())),
            13 => link(ns, input),
            14 => spawn(ns, input),
            _ => stranger(input),
        }
        let mut copy = null_mut();
        if !handle.is_null() {
            check(netns_dup(handle, &mut copy));
        }
        netns_close(handle);
        netns_close(copy);
    }
}

/// The call would wait ten seconds for another program's placeholder, unless waiting is disabled.
unsafe fn create(name: &CStr, flags: u32, handle: &mut *mut Handle) {
    const EXIST_OK: u32 = 1;
    const NOWAIT: u32 = 4;
    let path = format!("{RUN_DIR}/{}", name.to_str().unwrap());
    let is_placeholder =
        fs::symlink_metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0);
    let is_waited_for = is_placeholder && flags & NOWAIT == 0;
    let flags = if is_waited_for { flags & !EXIST_OK } else { flags };
    // SAFETY: the arguments are a name and space for a handle.
    unsafe { check(netns_create(name.as_ptr(), flags, handle)) };
}

unsafe fn list(flags: u32) {
    let mut list = null_mut();
    // SAFETY: the arguments are a path and space for a list, which is freed.
    unsafe {
        check(netns_list_at(null(), flags & 3, &mut list));
        netns_list_free(list);
    }
}

unsafe fn monitor(flags: u32) {
    let mut monitor = null_mut();
    let size = size_of::<Event>() as u32;
    let mut event = Event { size, kind: 0, name: [0; 256], inode: 0, cookie: 0 };
    // SAFETY: the arguments are a path, and space for a monitor and for an event whose size is set.
    unsafe {
        let rc = netns_monitor_open(null(), flags & 3, &mut monitor);
        check(rc);
        if rc < 0 {
            return;
        }
        for _ in 0..64 {
            let rc = netns_monitor_next(monitor, &mut event);
            check(rc);
            // The struct is that of the header.
            assert_ne!(rc, -libc::EINVAL);
            if rc <= 0 {
                break;
            }
            assert_ne!(event.inode, 0);
        }
        netns_monitor_close(monitor);
    }
}

unsafe fn link(ns: *mut Handle, input: &mut Input) {
    let (name, kind) = (input.text(), input.text());
    // "lo" cannot be created, and everything created here is deleted again.
    // SAFETY: the arguments are a handle and strings.
    unsafe {
        let rc = netns_link_add(ns, name.as_ptr(), kind.as_ptr());
        check(rc);
        if rc == 0 {
            check(netns_link_del(ns, name.as_ptr()));
        }
    }
}

/// Options of any size with arbitrary contents except for pointers; the program does not exist. The pidfd,
/// the directory and the groups are at 6 to 9, 12 and 13.
unsafe fn spawn(ns: *mut Handle, input: &mut Input) {
    let mut options = [0u32; 2048];
    options[0] = u32::from(input.byte()) << 4 | u32::from(input.byte() & 15);
    for place in options[1..5].iter_mut() {
        *place = input.byte().into();
    }
    let at = 10 + usize::from(input.byte()) % 64;
    let is_pointer = at == 12 || at == 13;
    options[if is_pointer { 14 } else { at }] = input.byte().into();
    let mut argument = *b"none\0";
    let argv = [argument.as_mut_ptr().cast(), null_mut()];
    let mut pid = 0;
    // SAFETY: the options are larger than any size that is passed for them, and argv is NULL-terminated.
    unsafe {
        let file = c"/none".as_ptr();
        let rc = netns_spawn(ns, options.as_ptr().cast(), file, argv.as_ptr(), null(), &mut pid);
        assert!(rc < 0);
        check(rc);
    }
}

/// Everything outside is unchanged, and the run directory is empty again.
fn clean_up() {
    assert_eq!(fs::read_dir(OUTSIDE).unwrap().count(), 2);
    assert_eq!(fs::read_dir(format!("{OUTSIDE}/directory")).unwrap().count(), 0);
    let link = fs::read_link("/proc/thread-self/ns/net").unwrap();
    let here = link.to_str().unwrap().trim_matches(|c: char| !c.is_ascii_digit());
    let inode =
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(format!("{OUTSIDE}/file")).unwrap());
    assert_eq!(inode.to_string(), here);
    let Ok(entries) = fs::read_dir(RUN_DIR) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        while umount2(&path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW).is_ok() {}
        fs::remove_dir(&path).or_else(|_| fs::remove_file(&path)).unwrap();
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let ns = world().0;
    let mut input = Input(data);
    for _ in 0..12 {
        if input.0.is_empty() {
            break;
        }
        act(ns, &mut input);
    }
    clean_up();
});
