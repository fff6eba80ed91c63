//! Netlink's extended ack: the kernel's message about a request that it rejected.

use std::cell::Cell;

use crate::error::Failure;
use crate::util::text::Text;

/// NETLINK_MAX_FMTMSG_LEN, the kernel's limit for a formatted message, and a NUL.
const CAPACITY: usize = 80 + 1;

/// The message, and the number of the rejected request.
#[derive(Clone, Copy)]
pub struct ExtendedAck {
    request: u32,
    text: Text<CAPACITY>,
}

thread_local! {
    /// The thread's last extended ack, which is known before the rest of the thread's message. Storing it in
    /// every failure would make each `Result` of the library a hundred bytes larger, and the library 20 KB.
    static LAST: Cell<ExtendedAck> =
        const { Cell::new(ExtendedAck { request: 0, text: Text::EMPTY }) };
}

impl ExtendedAck {
    /// Returns the extended ack of `failure`, if it is still the thread's last one.
    pub fn of(failure: &Failure) -> Option<ExtendedAck> {
        Some(LAST.get())
            .filter(|ack| failure.request() == Some(ack.request) && !ack.text.is_empty())
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_c_str().to_bytes()
    }
}

/// Records the kernel's message about the request with this number. It is shown with the returned failure if
/// it is still the thread's last one.
pub fn explained(failure: Failure, request: u32, text: &[u8]) -> Failure {
    LAST.set(ExtendedAck { request, text: Text::new(text) });
    failure.of_request(request)
}
