//! Lists the interfaces of a network namespace by the crate rtnetlink, whose connections belong to the namespace
//! that their socket was opened in. No thread goes there.
//!
//! usage: links NAME

use std::env;
use std::error::Error;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};

use futures_util::TryStreamExt;
use libnetns::Namespace;
use rtnetlink::packet_route::link::LinkAttribute;
use rtnetlink::sys::TokioSocket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = env::args_os().nth(1).ok_or("usage: links NAME")?;
    let ns = Namespace::open(name)?;
    let socket = ns.socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    let (connection, handle, _) = rtnetlink::from_socket(for_tokio(socket));
    tokio::spawn(connection);
    let mut links = handle.link().get().execute();
    while let Some(link) = links.try_next().await? {
        for attribute in &link.attributes {
            if let LinkAttribute::IfName(name) = attribute {
                println!("{}: {name}", link.header.index);
            }
        }
    }
    Ok(())
}

fn for_tokio(socket: OwnedFd) -> TokioSocket {
    // SAFETY: the descriptor is a netlink socket, and nobody else's any more.
    unsafe { TokioSocket::from_raw_fd(socket.into_raw_fd()) }
}
