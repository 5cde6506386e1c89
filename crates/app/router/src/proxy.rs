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

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request};
use hyper::body::Incoming;

use crate::RouteState;
use crate::answer::Refusal;
use crate::body::{RequestBody, ResponseBody};
use crate::client::Client;
use crate::exchange::Exchange;
use crate::forward::{self, Origin};
use crate::instance::choose;
use crate::matching::plain_host;
use crate::shared::{CompiledRoute, milliseconds};
use crate::tunnel::Tunnel;
use crate::upstream::Upstream;

/// How often the table is read for one request, when instances go away faster than it can reach them.
const MOST_ATTEMPTS: usize = 32;

/// Answers a request.
pub(crate) async fn answer(client: Rc<Client>, request: Request<Incoming>) -> Response<ResponseBody> {
    let mut exchange = Exchange::begin(&client, &request);
    let alone = request.version() < Version::HTTP_2;
    let mut response = match forward(&client, request, &mut exchange).await {
        Ok(answer) => respond(&client, answer, exchange),
        Err(refusal) => refusal.answer(exchange),
    };
    if alone && client.worker.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        client.expects_close.set(false);
    }
    response
}

/// An instance's answer.
struct Answer {
    response: Response<Incoming>,
    upstream: Box<Upstream>,
    upgrade: bool,
}

/// Gives the answer to the client.
fn respond(client: &Rc<Client>, answer: Answer, mut exchange: Exchange) -> Response<ResponseBody> {
    let (mut parts, body) = answer.response.into_parts();
    exchange.answered(parts.status);
    forward::prepare_response(&mut parts.headers, answer.upgrade);
    if answer.upgrade {
        exchange.begin_tunnel();
        client.tunnel.replace(Some(Tunnel { upstream: answer.upstream, exchange }));
        return Response::from_parts(parts, ResponseBody::nothing());
    }
    Response::from_parts(parts, ResponseBody::instance(body, answer.upstream, exchange))
}

async fn forward(
    client: &Rc<Client>,
    request: Request<Incoming>,
    exchange: &mut Exchange,
) -> Result<Answer, Refusal> {
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Refusal::MethodNotAllowed);
    }
    if forward::goes_in_circles(&parts.headers) {
        return Err(Refusal::Circle);
    }
    let alone = parts.version < Version::HTTP_2;
    if alone {
        client.expects_close.set(expects_close(&parts));
    }
    let host = host_field(&parts)?;
    let place = Place::of(host.as_ref(), parts.uri.path())?;
    let route = place.serving_route(client).await?;
    if is_longer(&parts, route.max_body) {
        return Err(Refusal::BodyTooLarge(route.max_body));
    }
    let upgrade = if alone { forward::wanted_upgrade(&parts.headers) } else { None };
    let upgrades = upgrade.is_some();
    let repeatable = !exchange.has_body && !upgrades && parts.method.is_idempotent();
    let place = place.owned();
    prepare(client, &route, &mut parts, host.as_ref(), exchange, upgrade);
    let body = if exchange.has_body {
        let upload = Rc::clone(&exchange.upload);
        RequestBody::streamed(body, route.max_body, upload, Rc::clone(&client.worker))
    } else {
        RequestBody::empty()
    };
    let attempts = Attempts { client, exchange, place: &place, repeatable };
    let (response, upstream) = attempts.run(route, Request::from_parts(parts, body)).await?;
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switches && !upgrades {
        return Err(Refusal::BadAnswer);
    }
    Ok(Answer { response, upstream, upgrade: switches })
}

/// The host that a request is for. HTTP/1.1 must have one (RFC 9112, 3.2); one in the request line counts more than the field.
fn host_field(parts: &request::Parts) -> Result<Option<HeaderValue>, Refusal> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(Refusal::BadRequest("it has more than one Host field"));
    }
    if field.is_none() && parts.version == Version::HTTP_11 {
        return Err(Refusal::BadRequest("it has no Host field"));
    }
    Ok(match parts.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => field.cloned(),
    })
}

fn expects_close(parts: &request::Parts) -> bool {
    match parts.version {
        Version::HTTP_11 => parts.headers.contains_key(CONNECTION) && forward::names(&parts.headers, "close"),
        _ => !forward::names(&parts.headers, "keep-alive"),
    }
}

fn is_longer(parts: &request::Parts, most: u64) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    length.is_some_and(|text| text.trim().parse().is_ok_and(|length: u64| length > most))
}

/// Where a request wants to go.
struct Place<'a> {
    host: std::borrow::Cow<'a, str>,
    path: std::borrow::Cow<'a, str>,
}

impl<'a> Place<'a> {
    fn of(host: Option<&'a HeaderValue>, path: &'a str) -> Result<Self, Refusal> {
        let text = host.map_or(Ok(""), HeaderValue::to_str).ok();
        let name = text.and_then(plain_host).ok_or(Refusal::BadRequest("its host is none"))?;
        let host = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            name.to_ascii_lowercase().into()
        } else {
            name.into()
        };
        Ok(Self { host, path: path.into() })
    }

    fn owned(&self) -> Place<'static> {
        Place { host: self.host.clone().into_owned().into(), path: self.path.clone().into_owned().into() }
    }

    fn route(&self, client: &Client) -> Option<Arc<CompiledRoute>> {
        client.worker.with_table(|table| table.find(&self.host, &self.path).map(Arc::clone))
    }

    /// The route, once it serves.
    async fn serving_route(&self, client: &Client) -> Result<Arc<CompiledRoute>, Refusal> {
        let route = self.route(client).ok_or(Refusal::NoRoute)?;
        match &route.state {
            RouteState::Serving => Ok(route),
            RouteState::Maintenance(text) => Err(Refusal::Maintenance(text.clone())),
            RouteState::Paused => Box::pin(self.after_pause(client, route.pause_timeout)).await,
        }
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

/// Makes the head the one that the instance sees.
fn prepare(
    client: &Client,
    route: &CompiledRoute,
    parts: &mut request::Parts,
    host: Option<&HeaderValue>,
    exchange: &Exchange,
    upgrade: Option<HeaderValue>,
) {
    let stripped = route.stripped.as_deref();
    if stripped.is_some() || parts.uri.authority().is_some() || parts.uri.scheme().is_some() {
        parts.uri = origin_form(&parts.uri, stripped.unwrap_or_default());
    }
    parts.version = Version::HTTP_11;
    parts.extensions = Extensions::new();
    let forwarded = forwarded(client, host);
    let origin = Origin {
        client: &client.forwarded_for,
        secure: client.secure,
        host,
        forwarded: &forwarded,
        trusted: client.worker.shared.trust_forwarded,
        prefix: stripped,
        request_id: &exchange.request_id,
        upgrade,
    };
    forward::prepare_request(&mut parts.headers, origin);
    if exchange.has_body && !parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// Path and query alone, without a prefix.
fn origin_form(uri: &Uri, prefix: &str) -> Uri {
    let whole = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = whole.strip_prefix(prefix).unwrap_or(whole);
    let text = if rest.starts_with('/') || rest == "*" { rest.to_owned() } else { format!("/{rest}") };
    PathAndQuery::try_from(text).map_or_else(|_| Uri::from_static("/"), Uri::from)
}

/// `Forwarded` of a request; most requests of a connection are for the same host.
fn forwarded(client: &Client, host: Option<&HeaderValue>) -> HeaderValue {
    let mut last = client.forwarded.borrow_mut();
    match &*last {
        Some((of, value)) if of.as_ref() == host => value.clone(),
        _ => {
            let address = client.forwarded_for.to_str().unwrap_or("unknown");
            let value = forward::forwarded(address, client.secure, host);
            // A copy: the field itself would keep all of the head in memory.
            let host = host.and_then(|host| HeaderValue::from_bytes(host.as_bytes()).ok());
            *last = Some((host, value.clone()));
            value
        }
    }
}

/// Sends a request until it has an answer or may be sent no more.
struct Attempts<'a> {
    client: &'a Rc<Client>,
    exchange: &'a mut Exchange,
    place: &'a Place<'static>,
    /// Whether it may be sent a second time, and so over a connection that was used before.
    repeatable: bool,
}

/// How sending went wrong.
enum Failure {
    /// The connection ended before a byte of an answer.
    Gone,
    Refused(Refusal),
}

impl Attempts<'_> {
    async fn run(
        mut self,
        mut route: Arc<CompiledRoute>,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Box<Upstream>), Refusal> {
        let worker = Rc::clone(&self.client.worker);
        let mut tried = Vec::new();
        let mut reuse = self.repeatable;
        for _ in 0..MOST_ATTEMPTS {
            let Some(entered) = choose(&route.instances, worker.turn(), &tried, worker.deadlines.now())
            else {
                match self.place.route(self.client) {
                    Some(newer) if !Arc::ptr_eq(&newer, &route) && newer.stripped == route.stripped => {
                        route = newer;
                        continue;
                    }
                    _ if tried.is_empty() => return Err(Refusal::NoInstance),
                    _ => return Err(Refusal::Unreachable),
                }
            };
            let instance = Arc::clone(&entered.instance);
            self.exchange.enter(entered);
            let kept = if reuse { worker.kept(instance.number) } else { None };
            let reused = kept.is_some();
            let connected = match kept {
                Some(upstream) => Ok(upstream),
                None => Upstream::connect(instance.address, worker.shared.timeouts.connect).await,
            };
            let Ok(mut upstream) = connected else {
                instance.failed(worker.shared.now());
                self.exchange.leave();
                tried.push(instance.number);
                worker.counters.retried.add(1);
                continue;
            };
            if !reused {
                worker.counters.connected.add(1);
            }
            let copy = reused.then(|| copy_of(&request));
            match (self.send(&mut upstream, &route, request).await, copy) {
                (Ok(response), _) => {
                    instance.worked();
                    return Ok((response, upstream));
                }
                (Err(Failure::Gone), Some(copy)) => {
                    request = copy;
                    reuse = false;
                    worker.counters.retried.add(1);
                }
                (Err(Failure::Gone), None) => return Err(Refusal::BadAnswer),
                (Err(Failure::Refused(refusal)), _) => return Err(refusal),
            }
        }
        Err(Refusal::Unreachable)
    }

    /// Sends it over one connection and waits for the head of the answer.
    async fn send(
        &mut self,
        upstream: &mut Upstream,
        route: &CompiledRoute,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, Failure> {
        let deadlines = &self.client.worker.deadlines;
        let deadline = deadlines.add();
        deadline.set(route.response_timeout);
        let start = deadlines.now();
        let mut answer = pin!(upstream.send(request));
        // Nobody else moves this connection: the answer can only come out of the line above.
        let mut silent = Context::from_waker(Waker::noop());
        poll_fn(|context| {
            let over = upstream.poll_drive(context).is_ready();
            match answer.as_mut().poll(&mut silent) {
                Poll::Ready(Ok(response)) => return Poll::Ready(Ok(response)),
                Poll::Pending if !over => {}
                _ => return Poll::Ready(Err(self.failure(upstream.has_answered(), route))),
            }
            if deadline.passed(context) {
                match self.overdue(start, route) {
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

    fn failure(&self, answered: bool, route: &CompiledRoute) -> Failure {
        let upload = &self.exchange.upload;
        match () {
            () if upload.too_large.get() => Failure::Refused(Refusal::BodyTooLarge(route.max_body)),
            () if upload.broken.get() => Failure::Refused(Refusal::BrokenBody),
            () if answered => Failure::Refused(Refusal::BadAnswer),
            () => Failure::Gone,
        }
    }

    /// Who is to blame when the answer takes long: the client, while its body is waited for, else the instance. `Ok`: nobody
    /// yet, and for how many milliseconds.
    fn overdue(&self, start: u64, route: &CompiledRoute) -> Result<u64, Refusal> {
        let worker = &self.client.worker;
        let upload = &self.exchange.upload;
        let since = worker.deadlines.now() - start.max(upload.last.get());
        let (most, refusal) = if upload.waiting.get() {
            (milliseconds(worker.shared.timeouts.stalled), Refusal::BodyTimeout)
        } else {
            (route.response_timeout, Refusal::ResponseTimeout)
        };
        if since >= most { Err(refusal) } else { Ok(most - since) }
    }
}

/// A request without body once more.
fn copy_of(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::empty());
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}
