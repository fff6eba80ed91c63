//! What the targets of `fuzz/` try: what comes from outside, as bytes, and what must hold whatever
//! they are. Compiled for them alone.

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

/// The longest message: a verb, a few texts of 320 bytes at most, and what the library says itself.
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

/// What is a name, and how it is shown.
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

/// A path taken apart, and put together with a name.
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

/// What the kernel answers; the first byte picks the question, and whether the rest is all of a
/// datagram or one well-formed message's payload.
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

/// Its texts have an end, and its address is one.
fn show_link(link: &Link) -> usize {
    let address = link.address.as_c_str();
    assert!(link.address.is_empty() || LinkAddress::parse(address).is_ok());
    link.name.as_c_str().count_bytes() + link.kind.as_c_str().count_bytes()
}

/// What failed says so in one line, the kernel's own words among it.
fn tried<T>(result: Result<T>) {
    if let Err(failure) = result {
        assert!(failure.errno as i32 > 0);
        assert_one_short_line(
            &Subject { verb: "list", rundir: DEFAULT_RUN_DIR, object: Object::Nothing },
            failure,
        );
    }
}

/// Addresses as people write them: what is read and shown is read as the same.
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

/// What /proc tells of mounts and of descriptors.
pub fn mounts(data: &[u8]) {
    let Some((parent, text)) = data.split_first() else { return };
    let found = directly_below(&mut text.to_vec(), (*parent).into(), b"/sys").unwrap();
    for point in found.iter().map(CStr::to_bytes) {
        assert!(point.starts_with(b"/sys/"), "{point:?}");
    }
    let _ = number_after::<u64>(text, "mnt_id:");
    let _ = number_after::<i32>(text, "Pid:");
}
