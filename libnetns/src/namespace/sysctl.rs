//! The sysctls of a network namespace: the files below /proc/sys/net.
//!
//! A thread sees the sysctls of its own namespace, whichever /proc is mounted (net_ctl_header_lookup() and
//! is_seen() in net/sysctl_net.c), and an open file continues to refer to the namespace in which it was
//! opened. The file is also read and written in that namespace, because until 2025 some sysctls of SCTP and
//! MPTCP used the namespace of the thread that reads or writes (Linux commit 15649fd5415e and related ones).
//!
//! System-wide sysctls are below /proc/sys/net as well. The initial namespace has all of them; in other
//! namespaces they are missing or cannot be written.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::uio::pread;
use nix::unistd::write;

use crate::error::{At, Failure, Result, Step};
use crate::namespace::identity::NamespaceFd;
use crate::namespace::visit::{self, Destination};
use crate::os::open::{LOOK, READ_UNTRUSTED, open};
use crate::os::procfs::{self, ProcPath};
use crate::os::retry::on_signal;
use crate::util::try_vec::zeros;

/// The initial buffer size. A longer sysctl, such as net.ipv4.ip_local_reserved_ports, may return its value
/// only to a single read.
const FIRST_SIZE: usize = 4096;
/// No sysctl is this long: that one has at most 400 KB.
const LAST_SIZE: usize = 1 << 20;

/// The kernel accepts one byte less than its smallest page in a write (proc_get_long() and others in
/// kernel/sysctl.c) and ignores the rest.
const MOST_WRITTEN: usize = 4095;

/// Room for the path of a name.
#[derive(Default)]
pub struct NameBuffer(ProcPath);

/// The path of a name below net that leads nowhere else. It is made before the thread switches: a system call that
/// reads bytes which have just been written one by one waits for them.
#[derive(Clone, Copy)]
pub struct SysctlName<'a>(&'a CStr);

/// No name is this long: that of an interface has at most 15 bytes.
const MOST_NAMED: usize = 255;

impl<'a> SysctlName<'a> {
    /// As sysctl(8) takes it: separated by dots or slashes, whichever comes first; the other one stands for a
    /// dot in a component. `buffer` is new.
    pub fn new(text: &CStr, buffer: &'a mut NameBuffer) -> Result<SysctlName<'a>> {
        let text = text.to_bytes();
        if text.len() > MOST_NAMED {
            return Err(Failure::new(Step::SysctlName, Errno::ENAMETOOLONG));
        }
        let dots_first = text.iter().find(|byte| matches!(byte, b'.' | b'/')) == Some(&b'.');
        let (separator, dot) = if dots_first { (b'.', b'/') } else { (b'/', b'.') };
        let path = &mut buffer.0;
        path.push(SYS);
        let mut is_valid = true;
        let (mut dots, mut others) = (0, 0);
        for byte in path.push(text) {
            if *byte == separator {
                *byte = b'/';
                is_valid &= is_a_name(dots, others);
                (dots, others) = (0, 0);
            } else if *byte == dot {
                *byte = b'.';
                dots += 1;
            } else {
                others += 1;
            }
        }
        if !is_valid || !is_a_name(dots, others) {
            return Err(Failure::invalid_at(
                Step::SysctlName,
                "expected a name such as net.ipv4.ip_forward or net/ipv4/ip_forward",
            ));
        }
        if !matches!(text.strip_prefix(b"net"), Some([] | [b'.' | b'/', ..])) {
            return Err(Failure::new(Step::SysctlName, Errno::ENOENT)
                .hint("only sysctls whose names begin with net belong to a network namespace"));
        }
        Ok(SysctlName(path.as_cstr()))
    }

    fn open(self, flags: OFlag) -> Result<OwnedFd> {
        let file = open(self.0, flags | OFlag::O_NOFOLLOW).map_err(|errno| match errno {
            Errno::ENOENT if open(c"/proc/sys/net", LOOK).is_err() => no_proc(),
            errno => Failure::new(Step::OpenSysctl, errno),
        })?;
        if !procfs::is_procfs(file.as_fd()).at(Step::OpenSysctl)? {
            return Err(no_proc());
        }
        Ok(file)
    }
}

const SYS: &[u8] = b"/proc/sys/";

/// Returns whether a component with so many dots and other bytes is neither empty, nor the directory itself, nor
/// its parent.
fn is_a_name(dots: u32, others: u32) -> bool {
    others > 0 || dots > 2
}

fn no_proc() -> Failure {
    Failure::new(Step::OpenSysctl, Errno::ENOENT)
        .hint("check that /proc is mounted and that nothing covers /proc/sys")
}

/// Runs `work` in `ns`, or in the thread's own namespace. `work` must not allocate: another thread may hold
/// the allocator's lock while it waits for this one to handle a signal.
fn within<T: Send>(ns: Option<NamespaceFd>, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    match ns {
        Some(ns) => visit::within(Destination::Existing(ns), work),
        None => work(),
    }
}

/// Returns the value, without the trailing newline.
pub fn get(ns: Option<NamespaceFd>, name: SysctlName) -> Result<Vec<u8>> {
    let mut size = FIRST_SIZE;
    loop {
        let mut value = zeros(size)?;
        let len = within(ns, || {
            let file = name.open(READ_UNTRUSTED)?;
            on_signal(|| pread(&file, &mut value, 0)).at(Step::ReadSysctl)
        })?;
        // The value may be longer.
        if len == size && size < LAST_SIZE {
            size *= 16;
            continue;
        }
        value.truncate(len);
        if value.last() == Some(&b'\n') {
            value.pop();
        }
        return Ok(value);
    }
}

/// Writes the value with a trailing newline, as sysctl(8) does: without it, an empty value would write
/// nothing.
pub fn set(ns: Option<NamespaceFd>, name: SysctlName, value: &[u8]) -> Result<()> {
    let (mut short, mut long) = ([0; SHORT_LINE], Vec::new());
    let line = ended(value, &mut short, &mut long)?;
    if line.len() > MOST_WRITTEN {
        return Err(Failure::new(Step::WriteSysctl, Errno::E2BIG));
    }
    let written = within(ns, || {
        let file = name.open(WRITE)?;
        on_signal(|| write(&file, line)).at(Step::WriteSysctl)
    })?;
    if written < line.len() {
        return Err(Failure::invalid_at(
            Step::WriteSysctl,
            "the kernel accepted only the beginning of the value",
        ));
    }
    Ok(())
}

/// Nearly every value is shorter, and needs no memory.
const SHORT_LINE: usize = 64;

/// The value with a newline at its end, in whichever of the two has room for it.
fn ended<'a>(
    value: &[u8],
    short: &'a mut [u8; SHORT_LINE],
    long: &'a mut Vec<u8>,
) -> Result<&'a [u8]> {
    let len = value.len() + usize::from(!value.ends_with(b"\n"));
    let line = if len <= SHORT_LINE {
        &mut short[..len]
    } else {
        *long = zeros(len)?;
        &mut long[..]
    };
    line[..value.len()].copy_from_slice(value);
    line[len - 1] = b'\n';
    Ok(line)
}

const WRITE: OFlag =
    OFlag::O_WRONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use std::ffi::CString;

    fn path(name: &str) -> std::result::Result<String, Errno> {
        let name = CString::new(name).unwrap();
        let mut buffer = NameBuffer::default();
        let name = SysctlName::new(&name, &mut buffer).map_err(|failure| failure.errno)?;
        let path = name.0.to_str().unwrap();
        Ok(path.strip_prefix("/proc/sys/").unwrap().to_string())
    }

    #[test]
    fn name_converts_dots_and_slashes_like_sysctl() {
        for (name, expected) in [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            ("net/ipv4/conf/eth0.10/forwarding", "net/ipv4/conf/eth0.10/forwarding"),
            ("net.ipv4.conf.eth0/10.forwarding", "net/ipv4/conf/eth0.10/forwarding"),
            ("net.ipv4.conf./x.forwarding", "net/ipv4/conf/.x/forwarding"),
            ("net.ipv4.conf.a///.forwarding", "net/ipv4/conf/a.../forwarding"),
            ("net", "net"),
        ] {
            assert_eq!(path(name), Ok(expected.to_string()));
        }
    }

    #[test]
    fn name_rejects_invalid_overlong_and_non_net_names() {
        for name in [
            "",
            ".",
            "/",
            "net.",
            "net/",
            ".net",
            "/net",
            "/proc/sys/net",
            "net..ipv4",
            "net//ipv4",
            "net/../kernel/hostname",
            "net/./ipv4",
            "net.//.kernel.hostname",
            "net.ipv4./",
            "..",
            "net/ipv4/..",
            "net./.ipv4",
        ] {
            assert_eq!(path(name), Err(Errno::EINVAL), "{name:?}");
        }
        for name in ["vm.swappiness", "kernel/hostname", "network.x", "ne", "Net.ipv4", "sys.net"] {
            assert_eq!(path(name), Err(Errno::ENOENT), "{name:?}");
        }
        let longest = format!("net.{}", "x".repeat(MOST_NAMED - 4));
        assert!(path(&longest).is_ok());
        assert_eq!(path(&(longest + "x")), Err(Errno::ENAMETOOLONG));
    }

    #[test]
    fn get_and_set_act_in_given_namespace() {
        if testing::world().is_none() {
            return;
        }
        let (a, b) = (testing::anonymous(), testing::anonymous());
        let mut buffer = NameBuffer::default();
        let name = SysctlName::new(c"net.ipv4.ip_forward", &mut buffer).unwrap();
        set(Some(a.proved()), name, b"1").unwrap();
        set(Some(b.proved()), name, b"0\n").unwrap();
        assert_eq!(get(Some(a.proved()), name), Ok(b"1".to_vec()));
        assert_eq!(get(Some(b.proved()), name), Ok(b"0".to_vec()));
    }
}
