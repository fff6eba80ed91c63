//! The functions that the targets of `fuzz/` call: they pass arbitrary bytes to code that handles external
//! data, and check what must always hold. Compiled only for fuzzing.

use std::ffi::{CStr, CString};
use std::fmt::Write;
use std::os::fd::AsFd;

use nix::errno::Errno;

use crate::error::{Failure, Result, Step};
use crate::explain::extended_ack::explained;
use crate::explain::{Object, Subject};
use crate::os::mountinfo::directly_below;
use crate::os::procfs::{ProcPath, number_after};
use crate::rtnl::address::list::Address;
use crate::rtnl::ip::{self, LinkAddress, Prefix};
use crate::rtnl::link::LinkName;
use crate::rtnl::link::list::Link;
use crate::rtnl::message::Message;
use crate::rtnl::nsid::NsidReply;
use crate::rtnl::protocol;
use crate::rtnl::route::list::{self, RouteListFlags};
use crate::rundir::name::{DEFAULT_RUN_DIR, Name, join};
use crate::rundir::watch::last_component;
use crate::util::text::Text;
use crate::util::try_vec::push;

/// The longest message: a verb, a few strings of at most 320 bytes, and the library's own text.
const LONGEST_MESSAGE: usize = 2048;

/// A string as C would pass it: up to the first NUL.
fn c_string(data: &[u8]) -> CString {
    let text = data.split(|&byte| byte == 0).next().unwrap_or_default();
    CString::new(text).unwrap()
}

fn assert_one_short_line(subject: &Subject, failure: Failure) {
    let mut line = String::new();
    write!(line, "{}", subject.explain(failure)).unwrap();
    assert!(!line.contains(char::is_control), "{line:?}");
    assert!(line.len() <= LONGEST_MESSAGE, "{line:?}");
}

/// Validates a name, and formats it in messages.
pub fn name(data: &[u8]) {
    let text = c_string(data);
    let bytes = text.to_bytes();
    let fits = !matches!(bytes, b"" | b"." | b"..") && !bytes.contains(&b'/') && bytes.len() < 256;
    let name = Name::new(&text);
    assert_eq!(name.is_ok(), fits);
    for (rundir, object) in [
        (DEFAULT_RUN_DIR, Object::Name(&text)),
        (&*text, Object::Name(&text)),
        (DEFAULT_RUN_DIR, Object::Path(&text)),
    ] {
        let subject = Subject { verb: "open", rundir, object };
        for step in [Step::Argument, Step::Bind, Step::OpenRunDir] {
            assert_one_short_line(&subject, explained(Failure::new(step, Errno::EINVAL), 1, data));
        }
    }
    if let Ok(name) = name {
        let directory = std::fs::File::open("/").unwrap();
        let path = ProcPath::below_fd(directory.as_fd(), name.as_cstr());
        assert!(path.as_cstr().to_bytes().ends_with(bytes));
    }
    if LinkName::new(&text).is_ok() {
        assert_eq!(Text::<16>::new(bytes).as_c_str(), &*text);
    }
}

/// Splits a path, and joins it with a name.
pub fn path(data: &[u8]) {
    let text = c_string(data);
    let path = text.to_bytes();
    let mut end = path.len();
    while let Some((start, after)) = last_component(&path[..end]) {
        assert!(start < after && after <= end);
        assert!(!path[start..after].contains(&b'/'));
        end = start;
    }
    assert!(path[..end].iter().all(|&byte| byte == b'/'));
    if !path.is_empty() {
        let joined = join(&text, Name::new(c"blue").unwrap()).unwrap();
        assert!(joined.to_bytes().starts_with(path) && joined.to_bytes().ends_with(b"/blue"));
    }
}

/// Parses a reply of the kernel. The first byte selects the request, and whether the rest is a whole datagram
/// or the payload of one well-formed message.
pub fn reply(data: &[u8]) {
    let Some((question, rest)) = data.split_first() else { return };
    let whole = if question & 0x80 != 0 { in_a_message(rest) } else { rest.to_vec() };
    let datagram = &*whole;
    let flags = RouteListFlags::from_bits_truncate((question >> 4 & 1).into());
    match question & 3 {
        0 => tried(protocol::dumped(datagram, |message, found| {
            Link::parse(message.payload).map_or(Ok(()), |link| push(found, show_link(&link)))
        })),
        1 => tried(protocol::dumped(datagram, |message, found| {
            let address = Address::parse(message.payload);
            address.map_or(Ok(()), |address| push(found, format!("{address:?}").len()))
        })),
        2 => {
            let routes = protocol::dumped(datagram, |message, found| {
                list::read(found, message.payload, flags)
            });
            tried(routes.map(|routes| routes.map(|routes| format!("{routes:?}"))));
        }
        _ => tried(protocol::dumped(datagram, |message: &Message, found| {
            NsidReply::read(message).and_then(|_| push(found, ()))
        })),
    }
}

fn in_a_message(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, payload) in [(libc::RTM_NEWLINK, payload), (libc::NLMSG_DONE as u16, &[0; 4])] {
        bytes.extend((16 + payload.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(0u16.to_ne_bytes());
        bytes.extend(1u32.to_ne_bytes());
        bytes.extend(0u32.to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// Its strings are terminated, and its address is valid.
fn show_link(link: &Link) -> usize {
    let address = link.address.as_c_str();
    assert!(link.address.is_empty() || LinkAddress::parse(address).is_ok());
    link.name.as_c_str().count_bytes() + link.kind.as_c_str().count_bytes()
}

/// A failure is reported in one line, which includes the kernel's message.
fn tried<T>(result: Result<T>) {
    if let Err(failure) = result {
        assert!(failure.errno as i32 > 0);
        assert_one_short_line(
            &Subject { verb: "list", rundir: DEFAULT_RUN_DIR, object: Object::Nothing },
            failure,
        );
    }
}

/// Addresses in text form: what is parsed and formatted is parsed as the same address.
pub fn address(data: &[u8]) {
    let text = c_string(data);
    if let Ok(prefix) = Prefix::parse(&text) {
        assert_eq!(Prefix::parse(Text::<50>::of(prefix).as_c_str()), Ok(prefix));
        let _ = prefix.is_network();
        assert_eq!(
            ip::from_octets(ip::Octets::of(prefix.address).as_bytes()),
            Some(prefix.address)
        );
    }
    if let Ok(address) = ip::parse(&text) {
        assert_eq!(Prefix::parse(&text), Ok(Prefix::host(address)));
        assert_eq!(ip::parse(Text::<46>::of(address).as_c_str()), Ok(address));
    }
    if let Ok(address) = LinkAddress::parse(&text) {
        assert_eq!(LinkAddress::parse(Text::<96>::of(address).as_c_str()), Ok(address));
    }
}

/// The contents of mountinfo and fdinfo files.
pub fn mounts(data: &[u8]) {
    let Some((parent, text)) = data.split_first() else { return };
    let found = directly_below(&mut text.to_vec(), (*parent).into(), b"/sys").unwrap();
    for point in found.iter().map(CStr::to_bytes) {
        assert!(point.starts_with(b"/sys/"), "{point:?}");
    }
    let _ = number_after::<u64>(text, "mnt_id:");
    let _ = number_after::<i32>(text, "Pid:");
}
