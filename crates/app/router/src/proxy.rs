//! The way of a request: route, instance, connection, response.
//!
//! When is a request sent a second time? An instance must not do twice what it was asked to do once, and a client must not be told
//! of a failure that is none. So:
//!
//! * A connection that cannot be made: another instance is tried, each at most once. Nothing had been sent.
//! * A request without body whose method may be repeated (GET, HEAD, OPTIONS, PUT, DELETE; RFC 9110, 9.2.2) may use a
//!   connection kept from an earlier request. The instance may close that at the same moment: then, if no byte of an answer has
//!   come, the request is sent once more, on a new connection.
//! * Every other request (POST, PATCH, anything with a body, upgrades) gets a new connection: on a kept one nobody could tell
//!   whether the instance had begun with it. On one machine a connection costs some ten microseconds.
//! * Everything else that goes wrong is told to the client.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version, request};
use hyper::body::Incoming;

use crate::RouteState;
use crate::answer::Refusal;
use crate::body::{RequestBody, ResponseBody};
use crate::call::{Call, CallError, Outgoing};
use crate::client::Client;
use crate::exchange::Exchange;
use crate::instance::choose;
use crate::matching::plain_host;
use crate::shared::{CompiledRoute, milliseconds};
use crate::tunnel::Tunnel;
use crate::upstream::Upstream;
use crate::wire::{self, Framing, Head, Origin};

/// How often the table is read for one request, when instances go away faster than it can reach them.
const MOST_ATTEMPTS: usize = 32;
/// How many bytes most heads of requests have.
const USUAL_HEAD: usize = 1024;

/// A request that has begun. Nothing in it is a view of the bytes that were read: hyper uses that buffer again.
pub(crate) struct Begun {
    client: Rc<Client>,
    exchange: Exchange,
    alone: bool,
    plan: Result<Plan, Refusal>,
}

/// What to send where.
struct Plan {
    route: Arc<CompiledRoute>,
    place: Place,
    outgoing: Outgoing,
    body: Option<RequestBody>,
    /// Whether the request asks for another protocol.
    upgrades: bool,
    /// Whether it may be sent a second time, and so over a connection that was used before.
    repeatable: bool,
    /// The request's map, empty, for the response's fields.
    fields: HeaderMap,
}

/// Takes a request in, all at once.
pub(crate) fn begin(client: Rc<Client>, request: Request<Incoming>) -> Begun {
    let mut exchange = Exchange::begin(&client, &request);
    let alone = request.version() < Version::HTTP_2;
    let plan = plan(&client, request, &mut exchange);
    Begun { client, exchange, alone, plan }
}

/// Answers it.
pub(crate) async fn answer(begun: Begun) -> Response<ResponseBody> {
    let Begun { client, mut exchange, alone, plan } = begun;
    let outcome = match plan {
        Ok(plan) => send(&client, &mut exchange, plan).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match outcome {
        Ok(answer) => respond(&client, answer, exchange),
        Err(refusal) => refusal.answer(exchange),
    };
    if alone && client.worker.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        client.expects_close.set(false);
    }
    response
}

/// Gives an instance's answer to the client.
fn respond(
    client: &Rc<Client>,
    (head, mut call): (Head, Box<Call>),
    mut exchange: Exchange,
) -> Response<ResponseBody> {
    exchange.answered(head.status);
    let switches = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let fields = std::mem::take(&mut call.fields);
    let body = if switches {
        exchange.begin_tunnel();
        client.tunnel.replace(Some(Tunnel { call, exchange }));
        ResponseBody::nothing()
    } else {
        ResponseBody::instance(call, exchange)
    };
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = fields;
    if switches {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    response
}

fn plan(client: &Rc<Client>, request: Request<Incoming>, exchange: &mut Exchange) -> Result<Plan, Refusal> {
    let (mut parts, incoming) = request.into_parts();
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Refusal::MethodNotAllowed);
    }
    if wire::goes_in_circles(&parts.headers) {
        return Err(Refusal::Circle);
    }
    let alone = parts.version < Version::HTTP_2;
    if alone {
        client.expects_close.set(expects_close(&parts));
    }
    let host = host_field(&parts)?;
    let place = Place::of(host.as_deref(), parts.uri.path())?;
    let route = place.route(client).ok_or(Refusal::NoRoute)?;
    exchange.route(&route);
    if let RouteState::Maintenance(text) = &route.state {
        return Err(Refusal::Maintenance(text.clone()));
    }
    if is_longer(&parts, route.max_body) {
        return Err(Refusal::BodyTooLarge(route.max_body));
    }
    let upgrade = if alone { wire::wanted_upgrade(&parts.headers) } else { None };
    let framing = if exchange.has_body && !parts.headers.contains_key(CONTENT_LENGTH) {
        Framing::Chunked
    } else {
        Framing::AsTold
    };
    let prefix = route.stripped.as_deref();
    let origin = Origin {
        client: &client.forwarded_for,
        secure: client.secure,
        host: host.as_deref(),
        trusted: client.worker.shared.trust_forwarded,
        prefix,
        request_id: &exchange.request_id,
        upgrade,
    };
    let path = origin_form(&parts, prefix.unwrap_or_default());
    let mut head = Vec::with_capacity(USUAL_HEAD);
    wire::write_head(&mut head, &parts.method, &path, &parts.headers, &origin, framing);
    let body = exchange.has_body.then(|| RequestBody {
        incoming,
        limit: route.max_body,
        upload: Rc::clone(&exchange.upload),
        worker: Rc::clone(&client.worker),
    });
    let upgrades = upgrade.is_some();
    let repeatable = body.is_none() && !upgrades && parts.method.is_idempotent();
    let outgoing = Outgoing { head: Bytes::from(head), framing, bodiless: parts.method == Method::HEAD };
    parts.headers.clear();
    Ok(Plan { route, place, outgoing, body, upgrades, repeatable, fields: parts.headers })
}

/// Sends it and waits for the head of the answer.
async fn send(
    client: &Rc<Client>,
    exchange: &mut Exchange,
    mut plan: Plan,
) -> Result<(Head, Box<Call>), Refusal> {
    if plan.route.state == RouteState::Paused {
        let next = Box::pin(plan.place.after_pause(client, plan.route.pause_timeout)).await?;
        if next.stripped != plan.route.stripped {
            return Err(Refusal::NoInstance);
        }
        plan.route = next;
    }
    let upgrades = plan.upgrades;
    let (head, call) = attempt(client, exchange, plan).await?;
    let switches = head.status == StatusCode::SWITCHING_PROTOCOLS;
    if switches && !(upgrades && call.fields.contains_key(UPGRADE)) {
        return Err(Refusal::BadAnswer);
    }
    Ok((head, call))
}

/// Path and query without a prefix, in pieces.
fn origin_form<'a>(parts: &'a request::Parts, prefix: &str) -> [&'a str; 2] {
    let whole = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = whole.strip_prefix(prefix).unwrap_or(whole);
    let slash = if rest.starts_with('/') || rest == "*" { "" } else { "/" };
    [slash, rest]
}

/// The host that a request is for. HTTP/1.1 must have one (RFC 9112, 3.2); one in the request line counts more than the field.
fn host_field(parts: &request::Parts) -> Result<Option<Cow<'_, HeaderValue>>, Refusal> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Refusal::BadRequest("it has more than one Host field"));
    }
    if field.is_none() && parts.version == Version::HTTP_11 {
        return Err(Refusal::BadRequest("it has no Host field"));
    }
    Ok(match parts.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok().map(Cow::Owned),
        None => field.map(Cow::Borrowed),
    })
}

fn expects_close(parts: &request::Parts) -> bool {
    match parts.version {
        Version::HTTP_11 => parts.headers.contains_key(CONNECTION) && wire::names(&parts.headers, "close"),
        _ => !wire::names(&parts.headers, "keep-alive"),
    }
}

fn is_longer(parts: &request::Parts, most: u64) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.is_some_and(|text| text.trim().parse().is_ok_and(|length: u64| length > most))
}

/// Where a request wants to go.
struct Place {
    /// The host in small letters, and the path.
    text: Box<str>,
    /// Where the path begins.
    path: usize,
}

impl Place {
    fn of(host: Option<&HeaderValue>, path: &str) -> Result<Self, Refusal> {
        let text = host.map_or(Ok(""), HeaderValue::to_str).ok();
        let name = text.and_then(plain_host).ok_or(Refusal::BadRequest("its host is none"))?;
        let mut text = String::with_capacity(name.len() + path.len());
        text.push_str(name);
        text.make_ascii_lowercase();
        text.push_str(path);
        Ok(Self { text: text.into(), path: name.len() })
    }

    fn route(&self, client: &Client) -> Option<Arc<CompiledRoute>> {
        let (host, path) = self.text.split_at(self.path);
        client.worker.with_table(|table| table.find(host, path).map(Arc::clone))
    }

    async fn after_pause(&self, client: &Client, timeout: u64) -> Result<Arc<CompiledRoute>, Refusal> {
        let deadline = client.worker.deadlines.add();
        deadline.set(timeout);
        let mut version = client.worker.shared.version.subscribe();
        loop {
            let route = self.route(client).ok_or(Refusal::NoRoute)?;
            match &route.state {
                RouteState::Serving => return Ok(route),
                RouteState::Maintenance(text) => return Err(Refusal::Maintenance(text.clone())),
                RouteState::Paused => {}
            }
            let mut changed = pin!(version.changed());
            poll_fn(|context| match changed.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(Ok(())),
                Poll::Pending if deadline.passed(context) => Poll::Ready(Err(Refusal::Paused)),
                Poll::Pending => Poll::Pending,
            })
            .await?;
        }
    }
}

/// Sends a request until it has an answer or may be sent no more.
async fn attempt(
    client: &Rc<Client>,
    exchange: &mut Exchange,
    plan: Plan,
) -> Result<(Head, Box<Call>), Refusal> {
    let Plan { mut route, place, outgoing, mut body, repeatable: mut reuse, mut fields, .. } = plan;
    let worker = &client.worker;
    let mut tried = Vec::new();
    for _ in 0..MOST_ATTEMPTS {
        let Some(entered) = choose(&route.instances, worker.turn(), &tried, worker.deadlines.now()) else {
            match place.route(client) {
                Some(newer) if !Arc::ptr_eq(&newer, &route) && newer.stripped == route.stripped => {
                    route = newer;
                    continue;
                }
                _ if tried.is_empty() => return Err(Refusal::NoInstance),
                _ => return Err(Refusal::Unreachable),
            }
        };
        let instance = Arc::clone(&entered.instance);
        exchange.enter(entered);
        let kept = if reuse { worker.kept(instance.number) } else { None };
        let reused = kept.is_some();
        let connected = match kept {
            Some(upstream) => Ok(upstream),
            None => Box::pin(Upstream::connect(instance.address, worker.shared.timeouts.connect)).await,
        };
        let Ok(upstream) = connected else {
            instance.failed(worker.shared.now());
            exchange.leave();
            tried.push(instance.number);
            worker.counters.retried.add(1);
            continue;
        };
        if !reused {
            worker.counters.connected.add(1);
        }
        let mut call = Box::new(Call::new(upstream, &outgoing, body.take(), std::mem::take(&mut fields)));
        match wait_for_head(&mut call, client, exchange, &route).await {
            Ok(head) => {
                instance.worked();
                return Ok((head, call));
            }
            Err(Failure::Gone) if reused => {
                reuse = false;
                worker.counters.retried.add(1);
            }
            Err(Failure::Gone) => return Err(Refusal::BadAnswer),
            Err(Failure::Refused(refusal)) => return Err(refusal),
        }
    }
    Err(Refusal::Unreachable)
}

/// How sending went wrong.
enum Failure {
    /// The connection ended before a byte of an answer.
    Gone,
    Refused(Refusal),
}

/// Moves a call until the head of the answer is there or takes too long.
async fn wait_for_head(
    call: &mut Call,
    client: &Client,
    exchange: &Exchange,
    route: &CompiledRoute,
) -> Result<Head, Failure> {
    let deadlines = &client.worker.deadlines;
    let start = deadlines.now();
    let mut deadline = None;
    poll_fn(|context| {
        if let Poll::Ready(outcome) = call.poll_head(context) {
            return Poll::Ready(outcome.map_err(|error| failure(&error, exchange, route)));
        }
        let deadline = deadline.get_or_insert_with(|| {
            let deadline = deadlines.add();
            deadline.set(route.response_timeout.min(milliseconds(client.worker.shared.timeouts.stalled)));
            deadline
        });
        if deadline.passed(context) {
            match overdue(start, client, exchange, route) {
                Ok(rest) => {
                    deadline.set(rest);
                    let _ = deadline.passed(context);
                }
                Err(refusal) => return Poll::Ready(Err(Failure::Refused(refusal))),
            }
        }
        Poll::Pending
    })
    .await
}

fn failure(error: &CallError, exchange: &Exchange, route: &CompiledRoute) -> Failure {
    match error {
        CallError::Gone => Failure::Gone,
        CallError::Broken => Failure::Refused(Refusal::BadAnswer),
        CallError::Body if exchange.upload.too_large.get() => {
            Failure::Refused(Refusal::BodyTooLarge(route.max_body))
        }
        CallError::Body => Failure::Refused(Refusal::BrokenBody),
    }
}

/// Who is to blame when the answer takes long: the client, while its body is waited for, else the instance. `Ok`: nobody
/// yet, and for how many milliseconds.
fn overdue(start: u64, client: &Client, exchange: &Exchange, route: &CompiledRoute) -> Result<u64, Refusal> {
    let worker = &client.worker;
    let upload = &exchange.upload;
    let since = worker.deadlines.now().saturating_sub(start.max(upload.last.get()));
    let (most, refusal) = if upload.waiting.get() {
        (milliseconds(worker.shared.timeouts.stalled), Refusal::BodyTimeout)
    } else {
        (route.response_timeout, Refusal::ResponseTimeout)
    };
    if since >= most { Err(refusal) } else { Ok(most - since) }
}
