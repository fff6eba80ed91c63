//! Serves echo over TCP in every network namespace that has a name, with one thread and tokio: takes up new
//! ones as the monitor reports them, and releases removed ones.
//!
//! usage: echod [PORT]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::ffi::OsString;

use libnetns::{Event, EventKind, Monitor, RunDir};
use tokio::io::unix::AsyncFd;
use tokio::io::{self, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = env::args().nth(1).map_or(Ok(7), |port| port.parse())?;
    let dir = RunDir::default();
    // It begins with the names that there are.
    let monitor = dir.monitor_with_snapshot()?;
    // SAFETY: a monitor has one descriptor, which it keeps open as long as it lives.
    let monitor = unsafe { AsyncFd::register_with_interest(monitor, Interest::READABLE) }?;
    let mut servers: HashMap<OsString, JoinHandle<()>> = HashMap::new();
    loop {
        let event = next_event(&monitor).await?;
        if event.kind == EventKind::Added {
            match listen(&dir, &event.name, port) {
                Ok(listener) => {
                    println!("serving {:?}", event.name);
                    servers.insert(event.name, tokio::spawn(serve(listener)));
                }
                Err(error) => eprintln!("{error}"),
            }
        } else if let Some(server) = servers.remove(&event.name) {
            // Listener and connections are dropped with it, so that nothing keeps the namespace.
            server.abort();
            println!("left {:?}", event.name);
        }
    }
}

/// A monitor never waits; its descriptor tells when there may be something.
async fn next_event(monitor: &AsyncFd<Monitor>) -> io::Result<Event> {
    loop {
        let mut ready = monitor.readable().await?;
        match ready.get_inner().try_next()? {
            Some(event) => return Ok(event),
            None => ready.clear_ready(),
        }
    }
}

/// A listener in the namespace of that name. The thread stays where it is, so that the tasks that it
/// runs next notice nothing.
fn listen(dir: &RunDir, name: &OsString, port: u16) -> io::Result<TcpListener> {
    let listener = dir.open(name)?.tcp_listener(([0, 0, 0, 0], port))?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

async fn serve(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(echo(stream))),
                Err(error) => eprintln!("accept: {error}"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn echo(mut stream: TcpStream) {
    let (mut from, mut to) = stream.split();
    // A peer that resets the connection is no affair of the others.
    let _ = io::copy(&mut from, &mut to).await;
}
