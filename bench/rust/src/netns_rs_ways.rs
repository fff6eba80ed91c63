// SPDX-License-Identifier: MIT OR Apache-2.0
//! netns-rs. It does not configure the network: rtnetlink brings lo up where needed.

use std::io;

use netns_rs::{NetNs, get_from_current_thread};

use crate::rtnetlink_ways::Network;
use crate::{Outcome, TARGET, Work, name_of, serve};

pub fn serve_all() -> Outcome {
    let target = NetNs::get(TARGET)?;
    let network = Network::new()?;
    let operations: Vec<Work> = vec![
        ("create", Box::new(create)),
        ("create-up", Box::new(|i| create_up(&network, i))),
        ("open", Box::new(open_and_close)),
        ("enter", Box::new(|_| enter_and_leave(&target))),
        ("run", Box::new(|_| Ok(target.run(|_| ())?))),
        ("run-path", Box::new(|_| Ok(NetNs::run_in(TARGET, |_| ())?))),
        ("socket", Box::new(|_| make_socket(&target))),
        ("remove", Box::new(|i| Ok(NetNs::get(name_of(i))?.remove()?))),
    ];
    serve("0.2.0", operations)
}

fn create(i: usize) -> Outcome {
    NetNs::new(name_of(i))?;
    Ok(())
}

fn open_and_close(_: usize) -> Outcome {
    NetNs::get(TARGET)?;
    Ok(())
}

fn create_up(network: &Network, i: usize) -> Outcome {
    let made = NetNs::new(name_of(i))?;
    made.run(|_| network.set_lo_up())?
}

fn enter_and_leave(target: &NetNs) -> Outcome {
    let home = get_from_current_thread()?;
    target.enter()?;
    Ok(home.enter()?)
}

fn make_socket(target: &NetNs) -> Outcome {
    target.run(|_| {
        // SAFETY: socket(2) takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: the descriptor belongs to this function alone.
        unsafe { libc::close(fd) };
        Ok(())
    })?
}
