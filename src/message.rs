//! The calling thread's last message: a failure, or the file that a program was started without. It is kept in
//! fixed-size memory without a destructor, so storing it does not allocate, and dlclose(3) leaks nothing.

use std::cell::RefCell;
use std::ffi::c_char;
use std::fmt::{self, Write};

use libnetns::error::Failure;
use libnetns::explain::Subject;

/// Enough for every message: long names and paths are shortened, so the remedy at the end is never cut off.
const CAPACITY: usize = 2048;

struct Message {
    bytes: [u8; CAPACITY],
    len: usize,
}

thread_local! {
    static MESSAGE: RefCell<Message> =
        const { RefCell::new(Message { bytes: [0; CAPACITY], len: 0 }) };
}

impl Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The last byte remains 0.
        let room = text.len().min(CAPACITY - 1 - self.len);
        let take = (0..=room).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        self.bytes[self.len..self.len + take].copy_from_slice(&text.as_bytes()[..take]);
        self.len += take;
        Ok(())
    }
}

pub fn store(subject: &Subject, failure: Failure) {
    MESSAGE.with_borrow_mut(|message| {
        message.len = 0;
        // write_str() never fails: it truncates.
        let _ = write!(message, "{}", subject.explain(failure));
        let end = message.len;
        message.bytes[end] = 0;
    });
}

/// Returns the NUL-terminated message. Its address does not change while the thread lives.
pub fn pointer() -> *const c_char {
    MESSAGE.with_borrow(|message| message.bytes.as_ptr().cast())
}

#[cfg(test)]
pub fn text() -> std::ffi::CString {
    MESSAGE.with_borrow(|message| {
        std::ffi::CStr::from_bytes_until_nul(&message.bytes).unwrap().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use libnetns::error::Step;
    use libnetns::explain::Object;
    use nix::errno::Errno;

    #[test]
    fn message_keeps_remedy_for_longest_name() {
        let name = std::ffi::CString::new([1; 255]).unwrap();
        let dir = std::ffi::CString::new([2; 4095]).unwrap();
        let subject = Subject { verb: "create", rundir: &dir, object: Object::Name(&name) };
        store(&subject, Failure::new(Step::Bind, Errno::EPERM));
        let text = text();
        assert!(text.to_str().unwrap().ends_with("over the mount namespace)"), "{text:?}");
    }
}
