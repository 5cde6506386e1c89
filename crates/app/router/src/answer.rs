//! What the router says itself: a status, what happened and what may help, the request's id. Plain text, a few lines.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::request_id::X_REQUEST_ID;

/// Why a request is not answered by an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadRequest(&'static str),
    BrokenBody,
    NoRoute,
    MethodNotAllowed,
    HeadTimeout,
    BodyTimeout,
    BodyTooLarge(u64),
    /// What hyper found wrong with a head.
    Unreadable(StatusCode),
    Unreachable,
    BadAnswer,
    Maintenance(String),
    Paused,
    NoInstance,
    ResponseTimeout,
    Circle,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::HeadTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable(status) => *status,
            Self::Unreachable | Self::BadAnswer => StatusCode::BAD_GATEWAY,
            Self::Maintenance(_) | Self::Paused | Self::NoInstance => StatusCode::SERVICE_UNAVAILABLE,
            Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Circle => StatusCode::LOOP_DETECTED,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::BadRequest(what) => format!("The request cannot be understood: {what}."),
            Self::BrokenBody => "The request's body cannot be read to its end.".into(),
            Self::NoRoute => "No app is served at this host and path.".into(),
            Self::MethodNotAllowed => "CONNECT and TRACE are not served here.".into(),
            Self::HeadTimeout => "The request's head did not come in time.".into(),
            Self::BodyTimeout => "The rest of the request's body did not come in time.".into(),
            Self::BodyTooLarge(most) => {
                format!("The request's body is too large: this app takes {most} bytes at most.")
            }
            Self::Unreadable(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => {
                "The request's head is too large or has too many fields.".into()
            }
            Self::Unreadable(StatusCode::URI_TOO_LONG) => "The request's address is too long.".into(),
            Self::Unreadable(_) => "The request cannot be understood: its head is no HTTP.".into(),
            Self::Unreachable => "No instance of the app could be reached.".into(),
            Self::BadAnswer => "The app ended the connection or did not answer with HTTP.".into(),
            Self::Maintenance(text) if text.is_empty() => "The app is down for maintenance.".into(),
            Self::Maintenance(text) => text.clone(),
            Self::Paused => "The app is paused and did not go on in time.".into(),
            Self::NoInstance => "No instance of the app is ready. Try again in a moment.".into(),
            Self::ResponseTimeout => "The app did not answer in time.".into(),
            Self::Circle => "The request came by here too often: a route leads back to the router.".into(),
        }
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, mut exchange: Exchange) -> Response<ResponseBody> {
        let status = self.status();
        let text = self.body(exchange.request_id.to_str().unwrap_or_default());
        // What is left of a body is not read: the connection cannot carry another request.
        let close = exchange.has_body && !exchange.upload.ended.get();
        exchange.answered(status);
        let request_id = exchange.request_id.clone();
        let mut response = Response::new(ResponseBody::text(Bytes::from(text), exchange));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_REQUEST_ID, request_id);
        match status {
            StatusCode::SERVICE_UNAVAILABLE => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
            StatusCode::METHOD_NOT_ALLOWED => headers
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")),
            _ => None,
        };
        if close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The answer to bytes that are no request, as it goes over the wire.
    pub(crate) fn bare_answer(&self, request_id: &HeaderValue) -> Vec<u8> {
        let status = self.status();
        let request_id = request_id.to_str().unwrap_or_default();
        let body = self.body(request_id);
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\n\
             x-request-id: {request_id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            status.as_str(),
            status.canonical_reason().unwrap_or_default(),
            body.len(),
        )
        .into_bytes()
    }

    fn body(&self, request_id: &str) -> String {
        let status = self.status();
        let reason = status.canonical_reason().unwrap_or_default();
        format!("{} {reason}\n{}\nrequest id: {request_id}\n", status.as_str(), self.text())
    }
}
