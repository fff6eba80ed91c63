//! A short string of fixed capacity that needs no allocation of its own, so that a list of items with names
//! is a single allocation.

use std::ffi::CStr;
use std::fmt::{self, Display, Write};

/// Up to `N` - 1 bytes, NUL-terminated for C. The default is the empty string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Text<N> {
        Text::EMPTY
    }
}

impl<const N: usize> Text<N> {
    pub const EMPTY: Text<N> = Text { bytes: [0; N] };

    /// Copies the bytes up to the first NUL, as far as they fit.
    pub fn new(text: &[u8]) -> Text<N> {
        let mut bytes = [0; N];
        for (to, from) in bytes[..N - 1].iter_mut().zip(text.iter().take_while(|&&byte| byte != 0))
        {
            *to = *from;
        }
        Text { bytes }
    }

    /// Formats `value`.
    pub fn of(value: impl Display) -> Text<N> {
        let mut text = Filling { text: Text::default(), len: 0 };
        // Everything formatted here is shorter than N; otherwise its beginning would be kept.
        let _ = write!(text, "{value}");
        text.text
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes[0] == 0
    }

    /// Returns `None` for the empty string.
    pub fn non_empty(&self) -> Option<&CStr> {
        if self.is_empty() { None } else { Some(self.as_c_str()) }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.as_c_str().fmt(f)
    }
}

struct Filling<const N: usize> {
    text: Text<N>,
    len: usize,
}

impl<const N: usize> Write for Filling<N> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = &mut self.text.bytes[self.len..N - 1];
        room.get_mut(..part.len()).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.len += part.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_truncates_text_to_capacity() {
        let text = |bytes: &[u8]| Text::<4>::new(bytes);
        assert_eq!(text(b"eth").as_c_str(), c"eth");
        assert_eq!(text(b"eth0").as_c_str(), c"eth");
        assert_eq!(text(b"a\0b").as_c_str(), c"a");
        assert!(text(b"").is_empty() && text(b"").non_empty().is_none());
    }

    #[test]
    fn of_returns_empty_text_if_value_is_too_long() {
        assert_eq!(Text::<8>::of(1234567).as_c_str(), c"1234567");
        assert_eq!(Text::<8>::of(12345678).as_c_str(), c"");
    }
}
