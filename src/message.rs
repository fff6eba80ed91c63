//! The calling thread's last failure in words, or what a program was started without. Fixed memory without a
//! destructor: writing it allocates nothing, and dlclose(3) leaves nothing behind.

use std::cell::RefCell;
use std::ffi::c_char;
use std::fmt::{self, Write};

use libnetns::error::Failure;
use libnetns::explain::Subject;

/// The longest names and paths are shortened so that the remedy at the end is never cut.
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
        // The last byte stays 0.
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
        // It takes any amount of text.
        let _ = write!(message, "{}", subject.explain(failure));
        let end = message.len;
        message.bytes[end] = 0;
    });
}

/// NUL-terminated, and at the same address as long as the thread lives.
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
    fn the_remedy_survives_the_longest_name() {
        let name = std::ffi::CString::new([1; 255]).unwrap();
        let dir = std::ffi::CString::new([2; 4095]).unwrap();
        let subject = Subject { verb: "create", rundir: &dir, object: Object::Name(&name) };
        store(&subject, Failure::new(Step::Bind, Errno::EPERM));
        let text = text();
        assert!(text.to_str().unwrap().ends_with("over the mount namespace)"), "{text:?}");
    }
}
