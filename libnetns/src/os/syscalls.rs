//! The system calls that neither nix nor rustix provides, each behind a safe function.

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

/// The size of the kernel's signal set, which is the beginning of the C library's.
pub const SIGNAL_SET_SIZE: usize =
    if cfg!(any(target_arch = "mips", target_arch = "mips64")) { 16 } else { 8 };

/// `NS_GET_ID` (Linux 6.18) returns the unique id of a namespace, which is never reused.
const NS_GET_ID: libc::Ioctl = libc::_IOR::<u64>(0xb7, 13);
/// `SIOCGSKNS` (Linux 4.10) returns the network namespace of a socket.
const SIOCGSKNS: libc::Ioctl = 0x894c;

/// The result of name_to_handle_at(2) for a file.
pub struct FileHandle {
    pub kind: c_int,
    /// The mount id that mountinfo shows.
    pub mount_id: c_int,
    len: usize,
    bytes: [u8; HANDLE_CAPACITY],
}

/// The type of nsfs file handles (FILEID_NSFS, Linux 6.18).
pub const NSFS_HANDLE: c_int = 0xf1;

/// MAX_HANDLE_SZ, the maximum for all file systems.
const HANDLE_CAPACITY: usize = 128;

impl FileHandle {
    /// Builds a handle that nsfs accepts for a namespace (FILEID_NSFS, struct nsfs_file_handle). It contains
    /// the namespace's id and, as required by Linux 6.18, its type and inode. From Linux 6.19 on the last two
    /// may be 0.
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

/// Returns the handle of `name` in `dir`, or of `dir` itself if `name` is empty; a symlink is not followed.
pub fn name_to_handle(dir: BorrowedFd, name: &CStr) -> Result<FileHandle, Errno> {
    let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { 0 };
    handle_of(dir, name, flags)
}

/// Returns the handle of the file that `path` leads to from `dir`.
pub fn path_to_handle(dir: BorrowedFd, path: &CStr) -> Result<FileHandle, Errno> {
    handle_of(dir, path, libc::AT_SYMLINK_FOLLOW)
}

fn handle_of(dir: BorrowedFd, name: &CStr, flags: c_int) -> Result<FileHandle, Errno> {
    let mut raw = MaybeUninit::<RawHandle>::zeroed();
    let mut mount_id: c_int = 0;
    // SAFETY: the struct contains only integers, for which zero bytes are valid. The kernel writes at most
    // handle_bytes bytes after the head, which is the size of that space.
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

/// `FD_NSFS_ROOT` (Linux 6.18) is accepted in place of a descriptor on nsfs.
const FD_NSFS_ROOT: c_int = -10003;

/// Opens the namespace that an nsfs handle refers to (Linux 6.18).
pub fn open_namespace(handle: &FileHandle, flags: OFlag) -> Result<OwnedFd, Errno> {
    let len = handle.bytes().len() as libc::c_uint;
    let head = libc::file_handle { handle_bytes: len, handle_type: handle.kind, f_handle: [] };
    let mut raw = RawHandle { head, bytes: handle.bytes };
    // SAFETY: the kernel reads handle_bytes bytes after the head, which exist, and returns a new descriptor.
    owned(unsafe { libc::open_by_handle_at(FD_NSFS_ROOT, (&raw mut raw).cast(), flags.bits()) })
}

/// Returns the type of the namespace that `fd` refers to, as a CLONE_NEW* constant.
///
/// # Safety
///
/// `fd` must be a descriptor on nsfs: other file systems and devices may interpret the ioctl number
/// differently and return anything.
pub unsafe fn namespace_type(fd: BorrowedFd) -> Result<c_int, Errno> {
    // SAFETY: this ioctl takes no argument.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::NS_GET_NSTYPE) })
}

/// Returns the unique id of a namespace.
///
/// # Safety
///
/// See [`namespace_type`].
pub unsafe fn namespace_id(fd: BorrowedFd) -> Result<u64, Errno> {
    let mut id: u64 = 0;
    // SAFETY: the kernel writes one u64.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_ID, &mut id) })?;
    Ok(id)
}

/// Opens the user namespace that owns a namespace. EPERM means that it is neither the caller's user namespace
/// nor a descendant of it.
///
/// # Safety
///
/// See [`namespace_type`].
pub unsafe fn namespace_owner(fd: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl takes no argument and returns a new close-on-exec descriptor.
    owned(unsafe { libc::ioctl(fd.as_raw_fd(), libc::NS_GET_USERNS) })
}

/// Opens the network namespace of a socket.
///
/// # Safety
///
/// `socket` must be a socket: a device may return any number, which would be taken for a new descriptor.
pub unsafe fn namespace_of_socket(socket: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl takes no argument and returns a new close-on-exec descriptor.
    owned(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS) })
}

/// Returns the timeout for poll(2), rounded up to the next millisecond.
pub fn poll_timeout(at_most: Duration) -> PollTimeout {
    PollTimeout::try_from(at_most + Duration::from_millis(1)).unwrap_or(PollTimeout::ZERO)
}

/// Returns the cookie of a socket's namespace.
pub fn socket_cookie(socket: BorrowedFd) -> Result<u64, Errno> {
    let mut cookie: u64 = 0;
    let mut len = mem::size_of::<u64>() as libc::socklen_t;
    let out: *mut u64 = &mut cookie;
    // SAFETY: the kernel writes at most len bytes, which is the size of the target of `out`.
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

/// socket(2) with the arguments of the C ABI, which may be any numbers that the kernel knows.
pub fn socket(domain: c_int, kind: c_int, protocol: c_int) -> Result<OwnedFd, Errno> {
    // SAFETY: the call takes three integers and returns a new descriptor.
    owned(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })
}

/// Enables a SOL_NETLINK option.
pub fn set_netlink_option(socket: BorrowedFd, option: c_int) -> Result<(), Errno> {
    let on: c_int = 1;
    let value: *const c_int = &on;
    let len = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the kernel reads one int, the target of `value`.
    Errno::result(unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_NETLINK, option, value.cast(), len)
    })?;
    Ok(())
}

/// KCMP_FILES of kcmp(2)
const KCMP_FILES: c_int = 2;

/// Returns whether two threads share a descriptor table, or false if one of them does not exist or the kernel
/// cannot tell.
pub fn have_one_descriptor_table(a: libc::pid_t, b: libc::pid_t) -> bool {
    // SAFETY: the call takes and returns integers.
    unsafe { libc::syscall(libc::SYS_kcmp, a, b, KCMP_FILES, 0, 0) == 0 }
}

/// Sets IFF_UP on `lo` in the namespace of `socket`.
pub fn loopback_up(socket: BorrowedFd) -> Result<(), Errno> {
    // SAFETY: ifreq contains integers and a union of integers, for which zero bytes are valid.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    request.ifr_name[0] = b'l' as _;
    request.ifr_name[1] = b'o' as _;
    let fd = socket.as_raw_fd();
    // SAFETY: the kernel reads and writes one ifreq.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS as _, &mut request) })?;
    // SAFETY: the call above has written the flags, and every bit pattern is a valid short.
    unsafe { request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: the kernel reads one ifreq.
    Errno::result(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &request) })?;
    Ok(())
}

/// Sets the propagation (MS_PRIVATE, MS_SHARED ...) of the mount whose root `fd` refers to; the mount may be
/// detached (Linux 5.12). `recursive` is AT_RECURSIVE or 0.
pub fn set_propagation(
    fd: BorrowedFd,
    propagation: MsFlags,
    recursive: c_int,
) -> Result<(), Errno> {
    // MS_PRIVATE and similar constants are a machine word, but 64 bits wide here.
    let propagation = propagation.bits() as _;
    let attributes = libc::mount_attr { attr_set: 0, attr_clr: 0, propagation, userns_fd: 0 };
    let flags = (libc::AT_EMPTY_PATH | recursive) as libc::c_uint;
    // SAFETY: the kernel reads the empty path and one mount_attr of the given size.
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

/// Since Linux 5.1 new system calls have the same number on all architectures, except for the offset of the
/// ABI's numbers (include/uapi/asm-generic/unistd.h; 4000 and 5000 in arch/mips, a bit for x32).
pub(super) const FIRST_CALL: libc::c_long = libc::SYS_clone3 - 435;
/// Linux 6.8.
const SYS_STATMOUNT: libc::c_long = FIRST_CALL + 457;
/// Linux 6.8.
const SYS_LISTMOUNT: libc::c_long = FIRST_CALL + 458;

/// struct mnt_id_req as of Linux 6.8.
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

/// Writes the unique ids of the mounts below `mount` to `ids`, in ascending order, starting after `last`, and
/// returns their number.
pub fn list_mounts(mount: u64, last: u64, ids: &mut [u64]) -> Result<usize, Errno> {
    let request = MountRequest::new(mount, last);
    // SAFETY: the kernel reads the request and writes at most as many ids as fit.
    let count = Errno::result(unsafe {
        libc::syscall(SYS_LISTMOUNT, &raw const request, ids.as_mut_ptr(), ids.len(), 0)
    })?;
    Ok(count as usize)
}

/// The result of statmount(2).
pub struct MountStatus(Vec<u8>);

/// Offsets of members of struct statmount: mask, mnt_parent_id, mnt_point, and the strings after the struct.
const MASK_OFFSET: usize = 8;
const PARENT_OFFSET: usize = 48;
const POINT_OFFSET: usize = 108;
const STRINGS_OFFSET: usize = 512;

const STATMOUNT_MNT_BASIC: u64 = 2;
const STATMOUNT_MNT_POINT: u64 = 0x10;

impl MountStatus {
    /// Allocates space for the longest path. Returns `None` if there is no memory.
    pub fn new() -> Option<MountStatus> {
        const LEN: usize = STRINGS_OFFSET + libc::PATH_MAX as usize;
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(LEN).ok()?;
        buffer.resize(LEN, 0);
        Some(MountStatus(buffer))
    }

    /// Reads the status of the mount with this unique id.
    pub fn read(&mut self, mount: u64) -> Result<(), Errno> {
        let request = MountRequest::new(mount, STATMOUNT_MNT_BASIC | STATMOUNT_MNT_POINT);
        // SAFETY: the kernel reads the request and writes at most as many bytes as fit.
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

    /// Returns the unique id of the parent mount.
    pub fn parent(&self) -> u64 {
        u64::from_ne_bytes(self.member(PARENT_OFFSET))
    }

    /// Returns the mount point as seen by the caller, or `None` if it is not below the caller's root.
    pub fn point(&self) -> Option<&CStr> {
        if u64::from_ne_bytes(self.member(MASK_OFFSET)) & STATMOUNT_MNT_POINT == 0 {
            return None;
        }
        let start = STRINGS_OFFSET + u32::from_ne_bytes(self.member(POINT_OFFSET)) as usize;
        CStr::from_bytes_until_nul(self.0.get(start..)?).ok()
    }
}

/// A string for execve(2); NULL terminates an array of strings.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argument(*const u8);

impl Argument {
    pub const NULL: Argument = Argument(std::ptr::null());

    pub fn new(text: &CStr) -> Argument {
        Argument(text.as_ptr().cast())
    }
}

/// A NULL-terminated array of strings, or NULL, which means an empty one.
#[derive(Clone, Copy)]
pub struct ArgumentArray(*const Argument);

impl ArgumentArray {
    /// # Safety
    ///
    /// The pointer must be NULL or point to a NULL-terminated array of strings that remain valid and
    /// unchanged while this value is used.
    pub unsafe fn new(array: *const Argument) -> ArgumentArray {
        ArgumentArray(array)
    }
}

// SAFETY: the kernel only reads the strings, and a string may be read by any thread.
unsafe impl Send for Argument {}
// SAFETY: see above.
unsafe impl Sync for Argument {}
// SAFETY: see above.
unsafe impl Send for ArgumentArray {}
// SAFETY: see above.
unsafe impl Sync for ArgumentArray {}

/// Replaces the process with another program; returns only if that fails.
///
/// # Safety
///
/// `argv` must end with a NULL; all other elements, and the elements of `envp`, must be valid strings.
pub unsafe fn execve(file: &CStr, argv: &[Argument], envp: ArgumentArray) -> Errno {
    let call = || {
        // SAFETY: the kernel reads the arrays and their strings, whose validity the caller guarantees.
        Errno::result(unsafe { libc::execve(file.as_ptr(), argv.as_ptr().cast(), envp.0.cast()) })
    };
    on_signal(call).err().unwrap_or(Errno::UnknownErrno)
}

/// A stack for signal handlers.
pub struct SignalStack(libc::stack_t);

/// Returns the calling thread's signal stack, or `None` if it has none or is running on it.
pub fn signal_stack() -> Option<SignalStack> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: zero bytes are a valid value, and the kernel writes one struct.
    let stack = unsafe {
        libc::sigaltstack(std::ptr::null(), stack.as_mut_ptr());
        stack.assume_init()
    };
    let is_free =
        !stack.ss_sp.is_null() && stack.ss_flags & (libc::SS_DISABLE | libc::SS_ONSTACK) == 0;
    is_free.then_some(SignalStack(stack))
}

/// Sets the calling thread's signal stack. A failure can be ignored: handlers then use the thread's own
/// stack.
///
/// # Safety
///
/// No other thread may run handlers on this stack while the calling thread does.
pub unsafe fn set_signal_stack(stack: &SignalStack) {
    // SAFETY: the kernel reads one stack_t.
    unsafe { libc::sigaltstack(&stack.0, std::ptr::null_mut()) };
}

/// Makes the kernel clear `word` and wake its waiters when the calling thread ends; NULL disables this.
///
/// # Safety
///
/// `word` must be NULL or remain valid until then.
pub unsafe fn clear_at_thread_end(word: *mut AtomicU32) -> Result<(), Errno> {
    // SAFETY: the kernel keeps the pointer, whose validity the caller guarantees.
    Errno::result(unsafe { libc::syscall(libc::SYS_set_tid_address, word) })?;
    Ok(())
}

/// The kernel's struct sigaction.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    #[cfg(any(target_arch = "mips", target_arch = "mips64"))]
    flags: libc::c_uint,
    handler: libc::sighandler_t,
    /// Flags, restorer and mask, whose order depends on the architecture. Stored as words, so that no padding
    /// takes the place of a field.
    rest: [usize; 8],
}

/// # Safety
///
/// `new` and `old` must be NULL or valid for reading and writing.
unsafe fn kernel_action(
    signal: c_int,
    new: *const KernelAction,
    old: *mut KernelAction,
) -> Result<(), Errno> {
    const SIZE: usize = SIGNAL_SET_SIZE;
    // SAFETY: the kernel reads and writes one struct each, which is not longer than this type. SPARC takes a
    // restorer before the size and Alpha after it, which an action without a handler does not need.
    Errno::result(unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, new, old, SIZE, SIZE) })?;
    Ok(())
}

/// Resets every signal that has a handler to its default action; ignored signals stay ignored.
///
/// This uses the system call directly: musl's sigaction(3) takes a lock for SIGABRT, which in a child of
/// fork(2) may be held by another thread of the parent.
pub fn reset_handlers() -> Result<(), Errno> {
    // The signals in between belong to the C library; their handlers only affect threads of this process.
    for signal in (1..32).chain(libc::SIGRTMIN()..=libc::SIGRTMAX()) {
        let mut action = KernelAction::default();
        // SAFETY: there is space for one struct.
        unsafe { kernel_action(signal, std::ptr::null(), &mut action) }?;
        if ![libc::SIG_DFL, libc::SIG_IGN].contains(&action.handler) {
            // SAFETY: zeros mean SIG_DFL without flags.
            unsafe { kernel_action(signal, &KernelAction::default(), std::ptr::null_mut()) }?;
        }
    }
    Ok(())
}

/// Runs `work` with the signal's default action if it is ignored. This affects the whole process while `work`
/// runs. An existing handler is not changed.
pub fn unignored<T>(signal: c_int, work: impl FnOnce() -> T) -> Result<T, Errno> {
    let mut before = KernelAction::default();
    // SAFETY: there is space for one struct.
    unsafe { kernel_action(signal, std::ptr::null(), &mut before) }?;
    if before.handler != libc::SIG_IGN {
        return Ok(work());
    }
    // SAFETY: zeros mean SIG_DFL without flags.
    unsafe { kernel_action(signal, &KernelAction::default(), std::ptr::null_mut()) }?;
    let result = work();
    // SAFETY: this is the value that the kernel returned.
    unsafe { kernel_action(signal, &before, std::ptr::null_mut()) }?;
    Ok(result)
}

/// Returns the signal that the calling thread's process receives when its parent ends, or 0. (nix does not
/// support real-time signals.)
pub fn parent_death_signal() -> Result<c_int, Errno> {
    let mut signal: c_int = 0;
    // SAFETY: the kernel writes one int.
    Errno::result(unsafe { libc::prctl(libc::PR_GET_PDEATHSIG, &mut signal) })?;
    Ok(signal)
}

pub fn set_parent_death_signal(signal: c_int) -> Result<(), Errno> {
    // SAFETY: the argument is a number.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal as libc::c_ulong) })?;
    Ok(())
}

/// Like strerror(3), without its shared buffer.
pub fn error_text(errno: Errno, buffer: &mut [u8; 128]) -> &[u8] {
    // SAFETY: at most the length of the buffer is written, NUL-terminated.
    let status =
        unsafe { libc::strerror_r(errno as c_int, buffer.as_mut_ptr().cast(), buffer.len()) };
    match CStr::from_bytes_until_nul(buffer) {
        Ok(text) if status == 0 => text.to_bytes(),
        _ => errno.desc().as_bytes(),
    }
}

/// Converts the result of a system call to an owned descriptor.
pub(super) fn owned(fd: c_int) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(fd)?;
    // SAFETY: the kernel has just created this descriptor, and nothing else uses it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
