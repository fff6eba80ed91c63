//! The kernel's own text about a request that it refused: netlink's extended ack.

use std::cell::Cell;

use crate::error::Failure;
use crate::util::text::Text;

/// NETLINK_MAX_FMTMSG_LEN, the longest that the kernel formats, and a NUL.
const CAPACITY: usize = 80 + 1;

/// The text, and the number of the request that was refused.
#[derive(Clone, Copy)]
pub struct ExtendedAck {
    request: u32,
    text: Text<CAPACITY>,
}

thread_local! {
    /// The last one, a part of the thread's message that is known before the rest of it. In the
    /// failures themselves it would make every `Result` of the library a hundred bytes long, and the
    /// library 20 KB.
    static LAST: Cell<ExtendedAck> =
        const { Cell::new(ExtendedAck { request: 0, text: Text::EMPTY }) };
}

impl ExtendedAck {
    /// What goes with `failure`, as long as it is the thread's last one.
    pub fn of(failure: &Failure) -> Option<ExtendedAck> {
        Some(LAST.get())
            .filter(|ack| failure.request() == Some(ack.request) && !ack.text.is_empty())
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_c_str().to_bytes()
    }
}

/// The failure of the request with this number, and the kernel's text about it, which is shown if it is
/// still the thread's last one.
pub fn explained(failure: Failure, request: u32, text: &[u8]) -> Failure {
    LAST.set(ExtendedAck { request, text: Text::new(text) });
    failure.of_request(request)
}
