//! One request and its response, from the head of the one to the end of the other.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use http::header::HOST;
use http::{HeaderValue, Method, Request, StatusCode, Version};

use crate::AccessEvent;
use crate::body::Upload;
use crate::call::Call;
use crate::client::Client;
use crate::instance::InFlight;
use crate::request_id;
use crate::shared::CompiledRoute;

/// The longest path that an event tells.
const LONGEST_PATH: usize = 4096;

/// A request under way. When this is dropped it has ended: it is counted and told.
pub(crate) struct Exchange {
    pub(crate) client: Rc<Client>,
    pub(crate) request_id: HeaderValue,
    pub(crate) upload: Rc<Upload>,
    /// Whether the connection carries nothing else meanwhile (HTTP/1).
    alone: bool,
    /// Whether the request has a body.
    pub(crate) has_body: bool,
    in_flight: Option<InFlight>,
    status: Option<StatusCode>,
    complete: bool,
    sent: u64,
    told: Option<Box<Told>>,
}

/// What only the event needs.
struct Told {
    time: SystemTime,
    begun: Instant,
    waited: Duration,
    version: Version,
    method: Option<Method>,
    host: String,
    path: String,
    route: Option<Arc<str>>,
}

impl Exchange {
    /// A request whose head has been read.
    pub(crate) fn begin<B: hyper::body::Body>(client: &Rc<Client>, request: &Request<B>) -> Self {
        let worker = &client.worker;
        let begun = Instant::now();
        worker.set_now(begun);
        worker.counters.requests.add(1);
        let alone = request.version() < Version::HTTP_2;
        let has_body = !request.body().is_end_stream();
        if alone {
            client.begin_request(has_body);
        } else {
            client.begin_stream();
        }
        let told = worker.tells().then(|| {
            let path = request.uri().path_and_query().map_or("", |path| path.as_str());
            let path = path.get(..LONGEST_PATH).unwrap_or(path); // ASCII, so any cut is one
            let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
            Box::new(Told {
                time: SystemTime::now(),
                begun,
                waited: Duration::ZERO,
                version: request.version(),
                method: Some(request.method().clone()),
                host: request
                    .uri()
                    .authority()
                    .map(|host| host.as_str())
                    .or(host)
                    .unwrap_or_default()
                    .to_owned(),
                path: path.to_owned(),
                route: None,
            })
        });
        Self {
            client: Rc::clone(client),
            request_id: request_id::of(request.headers()).unwrap_or_else(|| worker.next_request_id()),
            upload: Rc::default(),
            alone,
            has_body,
            in_flight: None,
            status: None,
            complete: false,
            sent: 0,
            told,
        }
    }

    /// Bytes that were no request. Counted and told like one.
    pub(crate) fn unreadable(client: &Rc<Client>, status: StatusCode) -> Self {
        let worker = &client.worker;
        worker.set_now(Instant::now());
        let told = worker.tells().then(|| {
            Box::new(Told {
                time: SystemTime::now(),
                begun: Instant::now(),
                waited: Duration::ZERO,
                version: Version::HTTP_11,
                method: None,
                host: String::new(),
                path: String::new(),
                route: None,
            })
        });
        client.begin_stream();
        Self {
            client: Rc::clone(client),
            request_id: worker.next_request_id(),
            upload: Rc::default(),
            alone: false,
            has_body: false,
            in_flight: None,
            status: Some(status),
            complete: true,
            sent: 0,
            told,
        }
    }

    /// It has taken this route.
    pub(crate) fn route(&mut self, route: &CompiledRoute) {
        if let Some(told) = &mut self.told {
            told.route = Some(Arc::clone(&route.name));
        }
    }

    /// It has gone to an instance, or to another one.
    pub(crate) fn enter(&mut self, in_flight: InFlight) {
        self.in_flight = Some(in_flight);
    }

    /// It was not taken there.
    pub(crate) fn leave(&mut self) {
        self.in_flight = None;
    }

    /// The head of the response is there.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = Some(status);
        if self.alone {
            self.client.flushed.set(false);
        }
        if let Some(told) = &mut self.told {
            told.waited = told.begun.elapsed();
        }
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// The response has come whole.
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }

    /// The instance has answered whole: its connection may serve others.
    pub(crate) fn keep(&mut self, call: Call) {
        if let Some(in_flight) = &self.in_flight
            && !in_flight.instance.is_retired()
            && let Some(upstream) = call.into_kept()
        {
            self.client.worker.keep(&in_flight.instance, upstream);
        }
    }

    /// It has become an upgraded connection. The client's connection is no longer a request's.
    pub(crate) fn begin_tunnel(&mut self) {
        self.in_flight = self.in_flight.take().map(InFlight::into_tunnel);
        self.client.must_be_seen();
        self.client.worker.counters.tunnels.add(1);
    }

    /// The upgraded connection has ended.
    pub(crate) fn end_tunnel(&mut self, received: u64, sent: u64, complete: bool) {
        self.client.worker.counters.tunnels.subtract(1);
        self.upload.received.set(received);
        self.sent = sent;
        self.complete = complete;
    }

    fn event(&mut self, status: StatusCode) -> Option<AccessEvent> {
        let told = self.told.take()?;
        Some(AccessEvent {
            time: told.time,
            client: self.client.address.ip().to_canonical(),
            version: told.version,
            method: told.method,
            host: told.host,
            path: told.path,
            route: told.route,
            status,
            received: self.upload.received.get(),
            sent: self.sent,
            duration: told.begun.elapsed(),
            waited: told.waited,
            instance: self.in_flight.as_ref().map(|one| one.instance.id.clone()),
            request_id: self.request_id.to_str().unwrap_or_default().to_owned(),
            complete: self.complete,
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let gone = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        let status = self.status.unwrap_or(gone);
        if self.alone {
            if self.has_body && !self.upload.ended.get() {
                self.client.spoiled.set(true);
            }
            self.client.end_request();
        } else {
            self.client.end_stream();
        }
        let worker = Rc::clone(&self.client.worker);
        if let Some(counter) =
            worker.counters.responses.get(usize::from(status.as_u16() / 100).wrapping_sub(1))
        {
            counter.add(1);
        }
        if let Some(event) = self.event(status) {
            worker.tell(event);
        }
    }
}
