//! One request, one answer.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use maud::PreEscaped;
use tokio::sync::mpsc;

use crate::site::Site;
use crate::{events, host_name, page};

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const ICON: &str = include_str!("page/icon.svg");

/// What every answer says about itself.
const HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The body of an answer.
pub(crate) enum Content {
    /// All of it.
    Whole(Bytes),
    /// What comes, until the sender is gone.
    Stream(mpsc::Receiver<Bytes>),
}

/// Answers a request that came to `own`, this end of its connection.
pub(crate) async fn answer<B>(site: &Arc<Site>, request: &Request<B>, own: IpAddr) -> Response<Content> {
    let Some(reached) = host_name::reached(request, own) else {
        let why = "This page answers to localhost and to the address it listens at, and to no other name in `Host`.\n";
        return whole(StatusCode::MISDIRECTED_REQUEST, TEXT, why);
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = whole(StatusCode::METHOD_NOT_ALLOWED, TEXT, "This page can only be read.\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    match request.uri().path() {
        "/" => whole(StatusCode::OK, HTML, page::index(&site.view(&reached))),
        "/status.json" => match serde_json::to_vec_pretty(&site.view(&reached)) {
            Ok(mut json) => {
                json.push(b'\n');
                whole(StatusCode::OK, "application/json", json)
            }
            Err(error) => whole(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n")),
        },
        "/events" => stream(site, request, reached),
        "/healthz" => whole(StatusCode::OK, TEXT, "ok\n"),
        "/icon.svg" => whole(StatusCode::OK, "image/svg+xml", ICON),
        path => match path.strip_prefix("/apps/") {
            Some(name) => app(site, name, &reached).await,
            None => missing(),
        },
    }
}

async fn app(site: &Site, encoded_name: &str, reached: &str) -> Response<Content> {
    let view = site.view(reached);
    let Some(app) = view.app(encoded_name) else { return missing() };
    let lines = site.newest_lines(&app.name).await;
    whole(StatusCode::OK, HTML, page::app(&view, app, PreEscaped(lines)))
}

/// Events of all apps, or of the one in `?app=`.
fn stream<B>(site: &Arc<Site>, request: &Request<B>, reached: String) -> Response<Content> {
    let subject = match request.uri().query().map(|query| query.strip_prefix("app=")) {
        None => events::Subject::All,
        Some(Some(name)) if site.view(&reached).app(name).is_some() => events::Subject::App(name.into()),
        Some(_) => return whole(StatusCode::NOT_FOUND, TEXT, "There is no such app.\n"),
    };
    let content = if request.method() == Method::HEAD {
        Content::Whole(Bytes::new())
    } else {
        let Some(place) = site.stream() else {
            let mut refusal =
                whole(StatusCode::SERVICE_UNAVAILABLE, TEXT, "Too many pages listen already; close some.\n");
            refusal.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
            return refusal;
        };
        Content::Stream(events::stream(Arc::clone(site), subject, reached, place))
    };
    with_headers(StatusCode::OK, "text/event-stream", content)
}

fn missing() -> Response<Content> {
    whole(StatusCode::NOT_FOUND, HTML, page::missing())
}

fn whole(status: StatusCode, content_type: &'static str, content: impl Into<Bytes>) -> Response<Content> {
    with_headers(status, content_type, Content::Whole(content.into()))
}

fn with_headers(status: StatusCode, content_type: &'static str, content: Content) -> Response<Content> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::content_security_policy()));
    headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(parts) => {
                parts.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
