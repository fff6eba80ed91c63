// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a namespace, by netns-rs.

use netns_rs::NetNs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ns = NetNs::get("blue")?;
    let devices = ns.run(|_| std::fs::read_to_string("/proc/thread-self/net/dev"))??;
    println!("{}", devices.lines().count());
    Ok(())
}
