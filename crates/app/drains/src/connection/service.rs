//! An HTTP/1.1 service: one request at a time, kept alive between them.

use std::io::Write as _;
use std::pin::Pin;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::Failure;
use super::socket::{connect, within};
use crate::delivery::{Answer, Refusal};
use crate::target::Host;
use crate::{Http, Settings};

/// Bytes of an answer's body that are read; one that is longer ends the connection.
const LONGEST_ANSWER: usize = 64 << 10;

/// Characters of an answer's body that are quoted.
const LONGEST_QUOTE: usize = 200;

/// An open connection, and what all requests share.
pub(crate) struct Service {
    sender: SendRequest<Full<Bytes>>,
    /// Has to be polled for anything to happen; ready when the connection is over.
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    over: bool,
    uri: Uri,
    headers: HeaderMap,
    gzip: bool,
    answer_limit: Duration,
}

impl Service {
    pub(super) async fn open(target: &Http, settings: &Settings) -> Result<Self, Failure> {
        let socket = connect(&target.host, target.port, target.tls.as_ref(), settings).await?;
        let handshake = http1::handshake(TokioIo::new(socket)).await;
        let (sender, driver) = handshake.map_err(|error| Failure::Http(error.to_string()))?;
        Ok(Self {
            sender,
            driver: Box::pin(driver),
            over: false,
            uri: uri(target)?,
            headers: headers(target)?,
            gzip: target.gzip,
            answer_limit: settings.answer_limit,
        })
    }

    /// Posts it and waits for the answer.
    pub(super) async fn send(&mut self, bytes: Bytes) -> Result<Answer, Failure> {
        let body = if self.gzip { compressed(&bytes)? } else { bytes };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let Self { sender, driver, over, answer_limit, .. } = self;
        let exchange = async {
            let response = sender.send_request(request).await?;
            let (head, body) = response.into_parts();
            Ok::<_, hyper::Error>((head, Limited::new(body, LONGEST_ANSWER).collect().await))
        };
        let exchange = within(*answer_limit, || "no answer".into(), exchange);
        tokio::pin!(exchange);
        let (head, body) = loop {
            tokio::select! {
                biased;
                answer = &mut exchange => break answer?.map_err(|error| broke(&error))?,
                _ = &mut *driver, if !*over => *over = true,
            }
        };
        // Nobody waits for the rest of an endless or broken body.
        *over |= body.is_err();
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(answer(head.status, &head.headers, &body))
    }

    /// Whether the service closed the connection, as many do after an answer.
    pub(super) fn is_over(&self) -> bool {
        self.over || self.sender.is_closed()
    }

    /// Waits until the service closes the connection.
    pub(super) async fn broken(&mut self) -> Failure {
        if !self.over {
            // However it ended: nothing was under way.
            let _ = self.driver.as_mut().await;
            self.over = true;
        }
        Failure::Closed
    }
}

/// What a status means for what was sent.
fn answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    if status.is_success() {
        return Answer::Accepted;
    }
    let reason = reason(status, body);
    let refusal = match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            return Answer::Busy { reason, wait: retry_after(headers) };
        }
        _ if status.is_server_error() => return Answer::Busy { reason, wait: retry_after(headers) },
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::Size,
        // Filters in front of services answer 403 for the words in a line.
        StatusCode::BAD_REQUEST
        | StatusCode::FORBIDDEN
        | StatusCode::CONFLICT
        | StatusCode::UNPROCESSABLE_ENTITY => Refusal::Content,
        _ => Refusal::Everything,
    };
    Answer::Refused { refusal, reason }
}

/// `503 Service Unavailable: first line of the body`.
fn reason(status: StatusCode, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let line = body.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let quote: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_QUOTE).collect();
    let advice = match status {
        StatusCode::UNAUTHORIZED => "; check user and password in the drain's URL",
        StatusCode::NOT_FOUND => "; check the path in the drain's URL",
        _ if status.is_redirection() => "; redirections are not followed, name the final URL",
        _ => "",
    };
    let colon = if quote.is_empty() { "" } else { ": " };
    format!("the service answered {status}{colon}{quote}{advice}")
}

/// Seconds only; a date is as good as nothing asked.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn uri(target: &Http) -> Result<Uri, Failure> {
    let text = match &target.query {
        Some(query) => format!("{}?{}", target.path, query.reveal()),
        None => target.path.clone(),
    };
    text.parse().map_err(|_| Failure::Http("its path cannot be written in a request".into()))
}

fn headers(target: &Http) -> Result<HeaderMap, Failure> {
    let usual = if target.tls.is_some() { 443 } else { 80 };
    let host = if target.port == usual {
        Host(&target.host).to_string()
    } else {
        format!("{}:{}", Host(&target.host), target.port)
    };
    let unwritable = |_| Failure::Http("its host cannot be written in a request".into());
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::try_from(host).map_err(unwritable)?);
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("pinch/", env!("CARGO_PKG_VERSION"))));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    if target.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Some(credentials) = &target.credentials {
        let pair = format!("{}:{}", credentials.user.reveal(), credentials.password.reveal());
        let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
        let mut value = HeaderValue::try_from(value).map_err(unwritable)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

fn compressed(bytes: &[u8]) -> Result<Bytes, Failure> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map(Bytes::from).map_err(Failure::Broke)
}

fn broke(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        Failure::Broke(std::io::Error::other("it ended before an answer came"))
    } else if error.is_parse() {
        Failure::Http(error.to_string())
    } else {
        Failure::Broke(std::io::Error::other(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Duration, HeaderMap, Refusal, StatusCode, answer};

    /// Each status and what it means: `+` accepted, `~` busy, then refused for size, content, everything.
    #[test]
    fn what_each_status_means() {
        let cases = [
            ("200 201 202 204", '+'),
            ("408 425 429 500 502 503 504 507", '~'),
            ("413", 's'),
            ("400 403 409 422", 'c'),
            ("301 302 307 401 404 405 410 415", 'e'),
        ];
        for (statuses, expected) in cases {
            for status in statuses.split(' ') {
                let status = StatusCode::from_bytes(status.as_bytes()).unwrap();
                let found = match answer(status, &HeaderMap::new(), b"") {
                    Answer::Accepted | Answer::Written => '+',
                    Answer::Busy { .. } => '~',
                    Answer::Refused { refusal: Refusal::Size, .. } => 's',
                    Answer::Refused { refusal: Refusal::Content, .. } => 'c',
                    Answer::Refused { refusal: Refusal::Everything, .. } => 'e',
                };
                assert_eq!(found, expected, "{status}");
            }
        }
    }

    #[test]
    fn a_reason_is_one_short_line_with_advice() {
        let headers = HeaderMap::from_iter([(super::RETRY_AFTER, "7".parse().unwrap())]);
        let body = format!("\r\n  no\u{7} room {}\nsecond line", "x".repeat(300));
        let Answer::Busy { reason, wait } =
            answer(StatusCode::SERVICE_UNAVAILABLE, &headers, body.as_bytes())
        else {
            panic!("not busy");
        };
        assert_eq!(wait, Some(Duration::from_secs(7)));
        assert_eq!(
            reason,
            format!("the service answered 503 Service Unavailable: no room {}", "x".repeat(192))
        );
        let Answer::Refused { reason, .. } = answer(StatusCode::UNAUTHORIZED, &HeaderMap::new(), b"") else {
            panic!("not refused");
        };
        assert_eq!(
            reason,
            "the service answered 401 Unauthorized; check user and password in the drain's URL"
        );
    }
}
