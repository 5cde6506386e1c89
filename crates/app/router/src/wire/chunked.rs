//! A body in chunks (RFC 9112, 7.1).

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Malformed;

/// The longest line with a size, its extensions included.
const LONGEST_LINE: usize = 4096;
/// The largest trailers, all together.
const LARGEST_TRAILERS: usize = 32 * 1024;
/// The most trailers.
const MOST_TRAILERS: usize = 64;

/// Reads a body in chunks from bytes that come in any pieces.
#[derive(Debug, Default)]
pub(crate) struct Chunks(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Size,
    Data(u64),
    /// The end of the line after a chunk's data.
    DataEnd,
    Trailers,
    End,
}

/// What was read next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More bytes have to come first.
    More,
}

impl Chunks {
    /// Takes the next piece off the front of the bytes.
    pub(crate) fn next(&mut self, bytes: &mut BytesMut) -> Result<Piece, Malformed> {
        loop {
            match self.0 {
                State::Size => match httparse::parse_chunk_size(bytes) {
                    Ok(httparse::Status::Complete((length, size))) => {
                        bytes.advance(length);
                        self.0 = if size == 0 { State::Trailers } else { State::Data(size) };
                    }
                    Ok(httparse::Status::Partial) if bytes.len() <= LONGEST_LINE => return Ok(Piece::More),
                    _ => return Err(Malformed),
                },
                State::Data(left) => {
                    if bytes.is_empty() {
                        return Ok(Piece::More);
                    }
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left - length as u64;
                    self.0 = if left == 0 { State::DataEnd } else { State::Data(left) };
                    return Ok(Piece::Data(bytes.split_to(length).freeze()));
                }
                State::DataEnd => {
                    if !b"\r\n".starts_with(&bytes[..bytes.len().min(2)]) {
                        return Err(Malformed);
                    }
                    if bytes.len() < 2 {
                        return Ok(Piece::More);
                    }
                    bytes.advance(2);
                    self.0 = State::Size;
                }
                State::Trailers => {
                    let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILERS];
                    let (length, trailers) = match httparse::parse_headers(bytes, &mut fields) {
                        Ok(httparse::Status::Complete((length, fields))) => (length, read_trailers(fields)?),
                        Ok(httparse::Status::Partial) if bytes.len() <= LARGEST_TRAILERS => {
                            return Ok(Piece::More);
                        }
                        _ => return Err(Malformed),
                    };
                    bytes.advance(length);
                    self.0 = State::End;
                    if !trailers.is_empty() {
                        return Ok(Piece::Trailers(trailers));
                    }
                }
                State::End => return Ok(Piece::End),
            }
        }
    }

    /// Whether all of it has been read.
    pub(crate) fn is_at_end(&self) -> bool {
        matches!(self.0, State::End)
    }
}

fn read_trailers(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, Malformed> {
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Malformed)?;
        trailers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Malformed)?);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body and its trailers, when the bytes come in pieces of these lengths.
    fn read(bytes: &[u8], mut cuts: Vec<usize>) -> Result<(Vec<u8>, HeaderMap, usize), Malformed> {
        let (mut chunks, mut buffer) = (Chunks::default(), BytesMut::new());
        let (mut body, mut trailers, mut rest) = (Vec::new(), HeaderMap::new(), bytes);
        loop {
            match chunks.next(&mut buffer)? {
                Piece::Data(data) => body.extend_from_slice(&data),
                Piece::Trailers(found) => trailers = found,
                Piece::End => return Ok((body, trailers, buffer.len() + rest.len())),
                Piece::More if rest.is_empty() => return Err(Malformed),
                Piece::More => {
                    let (now, later) = rest.split_at(cuts.pop().unwrap_or(usize::MAX).clamp(1, rest.len()));
                    buffer.extend_from_slice(now);
                    rest = later;
                }
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_read_and_what_follows_is_left() {
        let (body, trailers, rest) = read(b"2;a=b\r\nok\r\n0\r\nx-end: 1\r\n\r\nmore", Vec::new()).unwrap();
        assert_eq!(
            (body.as_slice(), &trailers["x-end"], rest),
            (&b"ok"[..], &HeaderValue::from_static("1"), 4)
        );
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for bytes in [
            "x\r\n",
            "2\r\nokXX",
            "2\r\nok\n0\r\n\r\n",
            "11111111111111111\r\n",
            "-1\r\n",
            "0\r\n bad\r\n\r\n",
            "\r\n",
        ] {
            assert_eq!(read(bytes.as_bytes(), Vec::new()), Err(Malformed), "{bytes:?}");
        }
        assert_eq!(read(format!("2;{}", "x".repeat(5000)).as_bytes(), Vec::new()), Err(Malformed));
        let trailers = format!("0\r\n{}", "x: y\r\n".repeat(10_000));
        assert_eq!(read(trailers.as_bytes(), Vec::new()), Err(Malformed));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..8),
            cuts in prop::collection::vec(1usize..20, 0..200),
        ) {
            let mut bytes = Vec::new();
            for part in &parts {
                super::super::write_chunk(&mut bytes, part.len());
                bytes.extend_from_slice(part);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\nrest");
            let (body, _, rest) = read(&bytes, cuts).unwrap();
            prop_assert_eq!((body, rest), (parts.concat(), 4));
        }

        #[test]
        fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, vec![3; 100]);
        }
    }
}
