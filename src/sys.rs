//! The system calls that neither nix nor rustix has, each behind a safe function.

use std::ffi::{CStr, c_int, c_void};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// `NS_GET_NSTYPE` (Linux 4.11): which kind of namespace a descriptor refers to.
const NS_GET_NSTYPE: libc::Ioctl = 0xb703;
/// `NS_GET_ID` (Linux 6.18): the number that no other namespace ever has.
const NS_GET_ID: libc::Ioctl = 0x8008_b70d_u32 as libc::Ioctl;
/// `SIOCGSKNS` (Linux 4.10): a socket's network namespace.
const SIOCGSKNS: libc::Ioctl = 0x894c;
/// `SO_NETNS_COOKIE` (Linux 5.14).
const SO_NETNS_COOKIE: c_int = 71;

/// What name_to_handle_at(2) says of a file.
pub struct FileHandle {
    pub kind: c_int,
    len: usize,
    bytes: [u8; HANDLE_CAPACITY],
}

/// MAX_HANDLE_SZ: no file system gives a longer one.
const HANDLE_CAPACITY: usize = 128;

impl FileHandle {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(HANDLE_CAPACITY)]
    }
}

/// The handle of `name` in `dir` (of `dir` itself when `name` is empty), following no symlink.
pub fn name_to_handle(dir: BorrowedFd, name: &CStr) -> Result<FileHandle, Errno> {
    #[repr(C)]
    struct Raw {
        head: libc::file_handle,
        bytes: [u8; HANDLE_CAPACITY],
    }
    let mut raw = MaybeUninit::<Raw>::zeroed();
    let mut mount_id: c_int = 0;
    let flags = if name.is_empty() { libc::AT_EMPTY_PATH } else { 0 };
    // SAFETY: all of Raw is plain integers, for which zero bytes are a value; the kernel writes at
    // most handle_bytes bytes behind the head, and Raw has room for as many.
    let (status, raw) = unsafe {
        let handle = raw.as_mut_ptr().cast::<libc::file_handle>();
        (*handle).handle_bytes = HANDLE_CAPACITY as u32;
        let fd = dir.as_raw_fd();
        let status = libc::name_to_handle_at(fd, name.as_ptr(), handle, &mut mount_id, flags);
        (status, raw.assume_init())
    };
    Errno::result(status)?;
    Ok(FileHandle {
        kind: raw.head.handle_type,
        len: raw.head.handle_bytes as usize,
        bytes: raw.bytes,
    })
}

/// The CLONE_NEW* constant of the namespace that `fd` refers to. Only for descriptors of nsfs: what
/// another file system or a device makes of the number is its own affair.
pub fn namespace_type(fd: BorrowedFd) -> Result<c_int, Errno> {
    // SAFETY: this ioctl takes no argument.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_NSTYPE) })
}

/// The namespace's unique number.
pub fn namespace_id(fd: BorrowedFd) -> Result<u64, Errno> {
    let mut id: u64 = 0;
    // SAFETY: the kernel writes one u64.
    Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), NS_GET_ID, &mut id) })?;
    Ok(id)
}

/// The network namespace that a socket lives in.
pub fn namespace_of_socket(socket: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl takes no argument and returns a new descriptor, close-on-exec.
    owned(unsafe { libc::ioctl(socket.as_raw_fd(), SIOCGSKNS) })
}

/// The network namespace of the process that a pidfd refers to (Linux 6.11).
pub fn namespace_of_pidfd(pidfd: BorrowedFd) -> Result<OwnedFd, Errno> {
    // SAFETY: this ioctl's argument has to be 0; it returns a new descriptor, close-on-exec.
    owned(unsafe { libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_NET_NAMESPACE, 0) })
}

/// A pidfd for a process or, from Linux 6.9 on, a thread.
pub fn pidfd_open(pid: libc::pid_t) -> Result<OwnedFd, Errno> {
    // SAFETY: two integers go in, a new descriptor comes out, close-on-exec.
    let open = |flags: libc::c_uint| {
        owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) } as c_int)
    };
    match open(libc::PIDFD_THREAD) {
        Err(Errno::EINVAL) => open(0),
        result => result,
    }
}

/// Whether the process that a pidfd refers to is still there.
pub fn pidfd_is_alive(pidfd: BorrowedFd) -> bool {
    let nothing: *const c_void = std::ptr::null();
    // SAFETY: signal 0 is not sent; without siginfo nothing is read.
    let status =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), 0, nothing, 0) };
    // EPERM: it is there, and not ours to signal.
    status == 0 || Errno::last() == Errno::EPERM
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
            SO_NETNS_COOKIE,
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
pub fn set_propagation(fd: BorrowedFd, propagation: u64, recursive: c_int) -> Result<(), Errno> {
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

fn owned(fd: c_int) -> Result<OwnedFd, Errno> {
    let fd = Errno::result(fd)?;
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
