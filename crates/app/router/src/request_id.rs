//! Request ids: the client's when it fits, else a new one.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header field.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id of a client that is kept.
const LONGEST: usize = 128;

/// The id that a client gave, if it is fit to be written into logs: 1 to 128 letters, digits and `-._~+/=:@`.
pub(crate) fn of(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(&X_REQUEST_ID).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@".contains(byte);
    ((1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(fits)).then(|| value.clone())
}

/// A new id: 32 hexadecimal digits from the start's random bits, the thread and a number. No two are the same within a start,
/// and those of two starts differ unless their random bits are the same.
pub(crate) fn new(nonce: u64, thread: usize, number: u64) -> HeaderValue {
    let low = mixed(nonce ^ (thread as u64).rotate_right(8) ^ number);
    let mut text = [0; 32];
    for (place, byte) in nonce.to_be_bytes().into_iter().chain(low.to_be_bytes()).enumerate() {
        text[2 * place] = b"0123456789abcdef"[usize::from(byte >> 4)];
        text[2 * place + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// A permutation of 64 bits (the finalizer of `SplitMix64`): different numbers stay different.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn kept(values: &[&'static str]) -> Option<HeaderValue> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REQUEST_ID, HeaderValue::from_static(value));
        }
        of(&headers)
    }

    #[test]
    fn fitting_ids_are_kept() {
        assert_eq!(kept(&["a-1.B_~+/=:@"]).unwrap(), "a-1.B_~+/=:@");
        for values in [&[][..], &[""], &["a b"], &["a\"b"], &["a,b"], &["one", "two"]] {
            assert_eq!(kept(values), None, "{values:?}");
        }
        let mut headers = HeaderMap::new();
        for (length, fits) in [(128, true), (129, false)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(&"x".repeat(length)).unwrap());
            assert_eq!(of(&headers).is_some(), fits);
        }
    }

    #[test]
    fn new_ids_differ() {
        let mut seen = HashSet::new();
        for thread in 0..4 {
            for number in 0..10_000 {
                let id = new(7, thread, number);
                assert_eq!(id.len(), 32);
                assert!(seen.insert(id), "thread {thread}, number {number}");
            }
        }
    }
}
