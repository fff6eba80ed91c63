//! The system calls that neither nix nor rustix has, each behind a safe function.

use std::ffi::{CStr, c_int};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::MsFlags;
use nix::poll::PollTimeout;

use crate::os::retry::on_signal;

/// The length of the kernel's set of signals, with which the C library's begins.
pub const SIGNAL_SET_SIZE: usize =
    if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };

/// `NS_GET_ID` (Linux 6.18): the number that no other namespace ever has.
const NS_GET_ID: libc::Ioctl = libc::_IOR::<u64>(0xb7, 13);
/// `SIOCGSKNS` (Linux 4.10): a socket's network namespace.
const SIOCGSKNS: libc::Ioctl = 0x894c;

/// What name_to_handle_at(2) says of a file.
pub struct FileHandle {
    pub kind: c_int,
    /// As mountinfo has it.
    pub mount_id: c_int,
    len: usize,
    bytes: [u8; HANDLE_CAPACITY],
}

/// The type of the file handles that nsfs gives (FILEID_NSFS, Linux 6.18).
pub const NSFS_HANDLE: c_int = 0xf1;

/// MAX_HANDLE_SZ: no file system gives a longer one.
const HANDLE_CAPACITY: usize = 128;

impl FileHandle {
    /// One that nsfs takes for a namespace, made by hand (FILEID_NSFS, struct nsfs_file_handle): its id and,
    /// as Linux 6.18 wants them, its type and inode. From Linux 6.19 on both of these may be 0.
    pub fn of_namespace(id: u64, nstype: c_int, inode: u32) -> FileHandle {
        let mut bytes = [0; HANDLE_CAPACITY];
        bytes[..8].copy_from_slice(&id.to_ne_bytes());
        bytes[8..12].copy_from_slice(&nstype.to_ne_bytes());
        bytes[12..16].copy_from_slice(&inode.to_ne_bytes());
        FileHandle { kind: NSFS_HANDLE, mount_id: 0, len: 16, bytes }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(HANDLE_CAPACITY)]
    }
}

#[repr(C)]
struct RawHandle {
    head: libc::file_handle,
    bytes: [u8; HANDLE_CAPACITY],
}

/// The handle of `name` in `dir` (of `dir` itself when `name` is empty), following no symlink.
pub fn name_to_handle(dir: BorrowedFd, name: &CStr) -> Result<FileHandle, Errno> {
    let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { 0 };
    handle_of(dir, name, flags)
}

/// The handle of what `path` leads to from `dir`.
pub fn path_to_handle(dir: BorrowedFd, path: &CStr) -> Result<FileHandle, Errno> {
    handle_of(dir, path, libc::AT_SYMLINK_FOLLOW)
}

fn handle_of(dir: BorrowedFd, name: &CStr, flags: c_int) -> Result<FileHandle, Errno> {
    let mut raw = MaybeUninit::<RawHandle>::zeroed();
    let mut mount_id: c_int = 0;
    // SAFETY: all of it is plain integers, for which zero bytes are a value; the kernel writes at
    // most handle_bytes bytes behind the head, where there is room for as many.
    let raw = unsafe {
        let handle = raw.as_mut_ptr().cast::<libc::file_handle>();
        (*handle).handle_bytes = HANDLE_CAPACITY as u32;
        let fd = dir.as_raw_fd();
        on_signal(|| {
            let status = libc::name_to_handle_at(fd, name.as_ptr(), handle, &mut mount_id, flags);
            Errno::result(status)
        })?;
        raw.assume_init()
    };
    Ok(FileHandle {
        kind: raw.head.handle_type,
        mount_id,
        len: raw.head.handle_bytes as usize,
        bytes: raw.bytes,
    })
}

/// `FD_NSFS_ROOT` (Linux 6.18): stands for nsfs where a descriptor of the file system is asked for.
const FD_NSFS_ROOT: c_int = -10003;

/// Opens the namespace that a handle of nsfs is of, and no other (Linux 6.18).
pub fn open_namespace(handle: &FileHandle, flags: OFlag) -> Result<OwnedFd, Errno> {
    let len = handle.bytes().len() as libc::c_uint;
    let head = libc::file_handle { handle_bytes: len, handle_type: handle.kind, f_handle: [] };
    let mut raw = RawHandle { head, bytes: handle.bytes };
    // SAFETY: the kernel reads handle_bytes bytes behind the head, which are there; a new descriptor
    // comes out.
    owned(unsafe { libc::open_by_handle_at(FD_NSFS_ROOT, (&raw mut raw).cast(), flags.bits()) })
}

/// The CLONE_NEW* constant of the namespace that `fd` refers to.
///
/// # Safety
///
/// `fd` is a descriptor of nsfs: what another file system or a device makes of the number, and what
/// comes out of it, is its own affair.
pub unsafe fn namespace_type(fd: BorrowedFd) -> Result<c_int, Errno> {
    // SAFETY: this ioctl takes no argument.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::NS_GET_NSTYPE) })
}

/// The namespace's unique number.
///
/// # Safety
///
/// As for [`namespace_type`].
pub unsafe fn namespace_id(fd: BorrowedFd) -> Result<u64, Errno> {
    let mut id: u64 = 0;
    // SAFETY: the kernel writes one u64.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_ID, &mut id) })?;
    Ok(id)
}

/// The user namespace that owns a namespace; EPERM: it is neither the caller's own nor one below.
///
/// # Safety
///
/// As for [`namespace_type`].
pub unsafe fn namespace_owner(fd: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl takes no argument and returns a new descriptor, close-on-exec.
    owned(unsafe { libc::ioctl(fd.as_raw_fd(), libc::NS_GET_USERNS) })
}

/// The network namespace that a socket lives in.
///
/// # Safety
///
/// `socket` is one: a device may give any number for an answer, which is taken for a new descriptor.
pub unsafe fn namespace_of_socket(socket: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl takes no argument and returns a new descriptor, close-on-exec.
    owned(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS) })
}

/// How long poll(2) is to wait: a part of a millisecond is one.
pub fn poll_timeout(at_most: Duration) -> PollTimeout {
    PollTimeout::try_from(at_most + Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO)
}

/// The cookie of the namespace that a socket lives in.
pub fn socket_cookie(socket: BorrowedFd) -> Result<u64, Errno> {
    let mut cookie: u64 = 0;
    let mut len = mem::size_of::<u64>() as libc::socklen_t;
    let out: *mut u64 = &mut cookie;
    // SAFETY: the kernel writes at most len bytes, the size of what `out` points at.
    Errno::result(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            out.cast(),
            &mut len,
        )
    })?;
    Ok(cookie)
}

/// socket(2) as the caller of the C ABI spells it, with any numbers the kernel may know.
pub fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: three integers go in, a new descriptor comes out.
    owned(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// Turns an option of SOL_NETLINK on.
pub fn set_netlink_option(socket: BorrowedFd, option: c_int) -> Result<(), Errno> {
    let on: c_int = 1;
    let value: *const c_int = &on;
    let len = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the kernel reads one int, which is what `value` points at.
    Errno::result(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_NETLINK, option, value.cast(), len)
    })?;
    Ok(())
}

/// KCMP_FILES of kcmp(2)
const KCMP_FILES: c_int = 2;

/// Whether two threads have one descriptor table between them. No, where one of them is gone or the
/// kernel does not tell.
pub fn have_one_descriptor_table(a: libc::pid_t, b: libc::pid_t) -> bool {
    // SAFETY: integers go in and come out.
    unsafe { libc::syscall(libc::SYS_kcmp, a, b, KCMP_FILES, 0, 0) == 0 }
}

/// Sets IFF_UP on `lo` in the namespace of `socket`.
pub fn loopback_up(socket: BorrowedFd) -> Result<(), Errno> {
    // SAFETY: ifreq is plain integers and a union of such, for which zero bytes are a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    request.ifr_name[0] = b'l' as _;
    request.ifr_name[1] = b'o' as _;
    let fd = socket.as_raw_fd();
    // SAFETY: the kernel reads and writes one ifreq.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS as _, &mut request) })?;
    // SAFETY: the call above has written the flags, and every bit pattern is a short.
    unsafe { request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: the kernel reads one ifreq.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &request) })?;
    Ok(())
}

/// Sets the propagation (MS_PRIVATE, MS_SHARED ...) of the mount whose root `fd` refers to, which may
/// be attached nowhere yet (Linux 5.12). `recursive` is AT_RECURSIVE or 0.
pub fn set_propagation(
    fd: BorrowedFd,
    propagation: MsFlags,
    recursive: c_int,
) -> Result<(), Errno> {
    // MS_PRIVATE and its like are of the machine's word, and 64 bits wide here.
    let propagation = propagation.bits() as _;
    let attributes = libc::mount_attr { attr_set: 0, attr_clr: 0, propagation, userns_fd: 0 };
    let flags = (libc::AT_EMPTY_PATH | recursive) as libc::c_uint;
    // SAFETY: the kernel reads the empty path and one mount_attr of the size given.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &attributes as *const libc::mount_attr,
            mem::size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Every system call since Linux 5.1 has one number on all architectures, but for the beginning of the
/// ABI's numbers (include/uapi/asm-generic/unistd.h; arch/mips has 4000 and 5000, x32 a bit).
pub(super) const FIRST_CALL: libc::c_long = libc::SYS_clone3 - 435;
/// Linux 6.8.
const SYS_STATMOUNT: libc::c_long = FIRST_CALL + 457;
/// Linux 6.8.
const SYS_LISTMOUNT: libc::c_long = FIRST_CALL + 458;

/// struct mnt_id_req, as far as Linux 6.8 has it.
#[repr(C)]
struct MountRequest {
    size: u32,
    spare: u32,
    mount: u64,
    param: u64,
}

impl MountRequest {
    fn new(mount: u64, param: u64) -> MountRequest {
        MountRequest { size: mem::size_of::<MountRequest>() as u32, spare: 0, mount, param }
    }
}

/// The unique ids of mounts on `mount` or on those mounts again, ascending, from the one after `last`
/// on; gives how many have been written to `ids`.
pub fn list_mounts(mount: u64, last: u64, ids: &mut [u64]) -> Result<usize, Errno> {
    let request = MountRequest::new(mount, last);
    // SAFETY: the kernel reads the request, and writes as many ids as there is room for.
    let count = Errno::result(unsafe {
        libc::syscall(SYS_LISTMOUNT, &raw const request, ids.as_mut_ptr(), ids.len(), 0)
    })?;
    Ok(count as usize)
}

/// What statmount(2) tells of a mount.
pub struct MountStatus(Vec<u8>);

/// Members of struct statmount: mask, mnt_parent_id, mnt_point, and the strings behind all of them.
const MASK_OFFSET: usize = 8;
const PARENT_OFFSET: usize = 48;
const POINT_OFFSET: usize = 108;
const STRINGS_OFFSET: usize = 512;

const STATMOUNT_MNT_BASIC: u64 = 2;
const STATMOUNT_MNT_POINT: u64 = 0x10;

impl MountStatus {
    /// Has room for the longest path. None: no memory.
    pub fn new() -> Option<MountStatus> {
        const LEN: usize = STRINGS_OFFSET + libc::PATH_MAX as usize;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(LEN).ok()?;
        buffer.resize(LEN, 0);
        Some(MountStatus(buffer))
    }

    /// Asks about the mount with this unique id.
    pub fn read(&mut self, mount: u64) -> Result<(), Errno> {
        let request = MountRequest::new(mount, STATMOUNT_MNT_BASIC | STATMOUNT_MNT_POINT);
        // SAFETY: the kernel reads the request, and writes no more than there is room for.
        Errno::result(unsafe {
            let (buffer, len) = (self.0.as_mut_ptr(), self.0.len());
            libc::syscall(SYS_STATMOUNT, &raw const request, buffer, len, 0)
        })?;
        Ok(())
    }

    fn member<const LEN: usize>(&self, offset: usize) -> [u8; LEN] {
        let bytes = self.0.get(offset..offset + LEN);
        bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; LEN])
    }

    /// The unique id of what it is mounted on.
    pub fn parent(&self) -> u64 {
        u64::from_ne_bytes(self.member(PARENT_OFFSET))
    }

    /// Where it is mounted, as the caller sees it; None: nowhere in the caller's root.
    pub fn point(&self) -> Option<&CStr> {
        if u64::from_ne_bytes(self.member(MASK_OFFSET)) & STATMOUNT_MNT_POINT == 0 {
            return None;
        }
        let start = STRINGS_OFFSET + u32::from_ne_bytes(self.member(POINT_OFFSET)) as usize;
        CStr::from_bytes_until_nul(self.0.get(start..)?).ok()
    }
}

/// A string of execve(2)'s; NULL ends an array of them.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument(*const u8);

impl Argument {
    pub const NULL: Argument = Argument(std::ptr::null());

    pub fn new(text: &CStr) -> Argument {
        Argument(text.as_ptr().cast())
    }
}

/// An array of them with a NULL at its end, or NULL, which is an empty one.
#[derive(Clone, Copy)]
pub struct ArgumentArray(*const Argument);

impl ArgumentArray {
    /// # Safety
    ///
    /// The pointer is NULL or one to an array of strings with a NULL at the end, which are there and
    /// are not changed as long as this is used.
    pub unsafe fn new(array: *const Argument) -> ArgumentArray {
        ArgumentArray(array)
    }
}

// SAFETY: the strings are only read, by the kernel, and a thread may read what another one may.
unsafe impl Send for Argument {}
// SAFETY: the same.
unsafe impl Sync for Argument {}
// SAFETY: the same.
unsafe impl Send for ArgumentArray {}
// SAFETY: the same.
unsafe impl Sync for ArgumentArray {}

/// Becomes another program; returns only if that fails.
///
/// # Safety
///
/// `argv` ends with a NULL; what it has before, and all that `envp` has, are strings that are there.
pub unsafe fn execve(file: &CStr, argv: &[Argument], envp: ArgumentArray) -> Errno {
    let call = || {
        // SAFETY: the kernel reads the arrays and their strings, which the caller vouches for.
        Errno::result(unsafe { libc::execve(file.as_ptr(), argv.as_ptr().cast(), envp.0.cast()) })
    };
    on_signal(call).err().unwrap_or(Errno::UnknownErrno)
}

/// A stack for signal handlers.
pub struct SignalStack(libc::stack_t);

/// The calling thread's; None: it has none, or is on it.
pub fn signal_stack() -> Option<SignalStack> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: zero bytes are a value, and the kernel writes one.
    let stack = unsafe {
        libc::sigaltstack(std::ptr::null(), stack.as_mut_ptr());
        stack.assume_init()
    };
    let is_free =
        !stack.ss_sp.is_null() && stack.ss_flags & (libc::SS_DISABLE | libc::SS_ONSTACK) == 0;
    is_free.then_some(SignalStack(stack))
}

/// Makes it the calling thread's. That it cannot be is no loss: handlers use the thread's own stack.
///
/// # Safety
///
/// No other thread runs handlers on it, as long as this one does.
pub unsafe fn set_signal_stack(stack: &SignalStack) {
    // SAFETY: the kernel reads one stack_t.
    unsafe { libc::sigaltstack(&stack.0, std::ptr::null_mut()) };
}

/// Makes the kernel clear `word`, and wake who waits for that, when the calling thread ends; NULL: none.
///
/// # Safety
///
/// `word` is NULL or is there until then.
pub unsafe fn clear_at_thread_end(word: *mut AtomicU32) -> Result<(), Errno> {
    // SAFETY: the kernel keeps the pointer, which the caller vouches for.
    Errno::result(unsafe { libc::syscall(libc::SYS_set_tid_address, word) })?;
    Ok(())
}

/// struct sigaction as the kernel has it.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    #[cfg(any(target_arch = "mips", target_arch = "mips64"))]
    flags: libc::c_uint,
    handler: libc::sighandler_t,
    /// Flags, restorer and mask, in whichever order. In words: no padding stands in for any of them.
    rest: [usize; 8],
}

/// # Safety
///
/// `new` and `old` are NULL or there to be read and written.
unsafe fn kernel_action(
    signal: c_int,
    new: *const KernelAction,
    old: *mut KernelAction,
) -> Result<(), Errno> {
    const SIZE: usize = SIGNAL_SET_SIZE;
    // SAFETY: the kernel reads and writes one action each, which is no longer than ours. SPARC has a
    // restorer before the size, and Alpha behind it, which an action without a handler does not need.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, old, SIZE, SIZE) })?;
    Ok(())
}

/// Gives every signal that has a handler its default action; ignored ones stay ignored.
///
/// By the system call itself: musl's sigaction(3) takes a lock for SIGABRT, which in a child may be one
/// that another thread of its parent held, as fork(2) does.
pub fn reset_handlers() -> Result<(), Errno> {
    // Those between are the C library's own, and their handlers heed nothing but this process's threads.
    for signal in (1..32).chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
        let mut action = KernelAction::default();
        // SAFETY: there is room for one.
        unsafe { kernel_action(signal, std::ptr::null(), &mut action) }?;
        if ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.handler) {
            // SAFETY: zeros are SIG_DFL with no flag.
            unsafe { kernel_action(signal, &KernelAction::default(), std::ptr::null_mut()) }?;
        }
    }
    Ok(())
}

/// Does `work` with the signal's default action in place of being ignored. That is the whole process's, for
/// as short as the work takes. A handler is left as it is.
pub fn unignored<T>(signal: c_int, work: impl FnOnce() -> T) -> Result<T, Errno> {
    let mut before = KernelAction::default();
    // SAFETY: there is room for one.
    unsafe { kernel_action(signal, std::ptr::null(), &mut before) }?;
    if before.handler != libc::SIG_IGN {
        return Ok(work());
    }
    // SAFETY: zeros are SIG_DFL with no flag.
    unsafe { kernel_action(signal, &KernelAction::default(), std::ptr::null_mut()) }?;
    let result = work();
    // SAFETY: it is what the kernel has told.
    unsafe { kernel_action(signal, &before, std::ptr::null_mut()) }?;
    Ok(result)
}

/// The signal that the calling thread's process gets when its parent ends; 0: none. (nix knows no
/// real-time signals.)
pub fn parent_death_signal() -> Result<c_int, Errno> {
    let mut signal: c_int = 0;
    // SAFETY: the kernel writes one int.
    Errno::result(unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &mut signal) })?;
    Ok(signal)
}

pub fn set_parent_death_signal(signal: c_int) -> Result<(), Errno> {
    // SAFETY: a number goes in.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong) })?;
    Ok(())
}

/// strerror(3), without its shared buffer.
pub fn error_text(errno: Errno, buffer: &mut [u8; 128]) -> &[u8] {
    // SAFETY: at most the buffer's length is written, with a NUL at the end.
    let status =
        unsafe { libc::strerror_r(errno as c_int, buffer.as_mut_ptr().cast(), buffer.len()) };
    match CStr::from_bytes_until_nul(buffer) {
        Ok(text) if status == 0 => text.to_bytes(),
        _ => errno.desc().as_bytes(),
    }
}

/// What a system call has returned, as a descriptor that is to be closed.
pub(super) fn owned(fd: c_int) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(fd)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
