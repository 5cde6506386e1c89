//! The smallest router: `front LISTEN INSTANCE...`, each an address such as `127.0.0.1:8080`. Two threads, no events.

use std::io;
use std::net::{SocketAddr, TcpListener};

use router::{HostPattern, Instance, InstanceId, Options, Route, RouteSettings, RouteState, Router, Table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen: SocketAddr = arguments.next().ok_or("front LISTEN INSTANCE...")?.parse()?;
    let instances = arguments
        .enumerate()
        .map(|(number, address)| {
            Ok(Instance { id: InstanceId(format!("web.{number}")), address: address.parse()? })
        })
        .collect::<Result<Vec<_>, std::net::AddrParseError>>()?;
    let options = Options { threads: 2, ..Options::new(vec![TcpListener::bind(listen)?], 0) };
    let route = Route {
        name: String::new(),
        hosts: vec![HostPattern::Any],
        path: "/".into(),
        strip: false,
        instances,
        settings: RouteSettings::default(),
        state: RouteState::Serving,
    };
    let _router = Router::start(options, &Table { routes: vec![route] }, None)?;
    // Until whoever started it closes its standard input.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
