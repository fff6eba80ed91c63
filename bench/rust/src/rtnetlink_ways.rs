// SPDX-License-Identifier: MIT OR Apache-2.0
//! rtnetlink, on tokio's single-threaded runtime; the connections are permanently open.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

use futures_util::TryStreamExt;
use netns_rs::NetNs;
use rtnetlink::packet_route::link::{InfoData, InfoVeth};
use rtnetlink::{
    Handle, LinkMessageBuilder, LinkUnspec, LinkVeth, NetworkNamespace, RouteMessageBuilder,
    new_connection,
};
use tokio::runtime::{Builder, Runtime};

use crate::{Outcome, SANDBOX, TARGET, Work, name_of, serve};

const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const INSIDE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
const FAR: Ipv4Addr = Ipv4Addr::new(172, 16, 0, 2);

pub struct Network {
    runtime: Runtime,
}

impl Network {
    pub fn new() -> Outcome<Self> {
        Ok(Self { runtime: Builder::new_current_thread().enable_all().build()? })
    }

    /// A connection in the thread's namespace.
    fn connect(&self) -> Outcome<Handle> {
        let _guard = self.runtime.enter();
        let (connection, handle, _) = new_connection()?;
        self.runtime.spawn(connection);
        Ok(handle)
    }

    /// In the thread's namespace; lo is always the first link.
    pub fn set_lo_up(&self) -> Outcome {
        let handle = self.connect()?;
        let up = LinkUnspec::new_with_index(1).up().build();
        Ok(self.runtime.block_on(handle.link().set(up).execute())?)
    }
}

pub fn serve_all() -> Outcome {
    let network = Network::new()?;
    let target = NetNs::get(TARGET)?;
    let sandbox = NetNs::get(SANDBOX)?;
    let here = network.connect()?;
    let outside = target.run(|_| network.connect())??;
    let inside = sandbox.run(|_| network.connect())??;
    let runtime = &network.runtime;
    let operations: Vec<Work> = vec![
        ("create", Box::new(|i| Ok(runtime.block_on(NetworkNamespace::add(name_of(i)))?))),
        ("remove", Box::new(|i| Ok(runtime.block_on(NetworkNamespace::del(name_of(i)))?))),
        ("nsid", Box::new(|_| runtime.block_on(expect_id(&here)))),
        ("nsid-elsewhere", Box::new(|_| runtime.block_on(expect_id(&outside)))),
        (
            "sandbox",
            Box::new(|_| runtime.block_on(set_up_sandbox(&outside, &inside, sandbox.file()))),
        ),
    ];
    serve("0.24", operations)
}

async fn expect_id(handle: &Handle) -> Outcome {
    match handle.link().get_netns_id(TARGET).execute().await? {
        Some(_) => Ok(()),
        None => Err("target has no id".into()),
    }
}

async fn set_up_sandbox(outside: &Handle, inside: &Handle, sandbox: &File) -> Outcome {
    let peer = LinkUnspec::new_with_name("v0p1").setns_by_fd(sandbox.as_raw_fd()).build();
    let pair = LinkMessageBuilder::<LinkVeth>::new("v0p0", "v0p1")
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .build();
    outside.link().add(pair).execute().await?;
    let near = index_of(outside, "v0p0").await?;
    let there = index_of(inside, "v0p1").await?;
    add_address(outside, near, OUTSIDE, 24).await?;
    add_address(inside, there, INSIDE, 24).await?;
    add_address(inside, there, FAR, 32).await?;
    set_up(outside, near).await?;
    set_up(inside, there).await?;
    add_route(outside, FAR, 32, INSIDE).await?;
    add_route(inside, Ipv4Addr::UNSPECIFIED, 0, OUTSIDE).await
}

async fn index_of(handle: &Handle, ifname: &str) -> Outcome<u32> {
    let mut links = handle.link().get().match_name(ifname.to_string()).execute();
    let link = links.try_next().await?.ok_or("no such link")?;
    Ok(link.header.index)
}

async fn add_address(handle: &Handle, link: u32, address: Ipv4Addr, prefix: u8) -> Outcome {
    Ok(handle.address().add(link, IpAddr::V4(address), prefix).execute().await?)
}

async fn set_up(handle: &Handle, link: u32) -> Outcome {
    Ok(handle.link().set(LinkUnspec::new_with_index(link).up().build()).execute().await?)
}

async fn add_route(handle: &Handle, to: Ipv4Addr, prefix: u8, via: Ipv4Addr) -> Outcome {
    let mut route = RouteMessageBuilder::<Ipv4Addr>::new().gateway(via);
    if prefix > 0 {
        route = route.destination_prefix(to, prefix);
    }
    Ok(handle.route().add(route.build()).execute().await?)
}
