/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The addresses of the sandbox: a veth pair between target and sandbox, and an address behind it. */
#ifndef NETNS_BENCH_SANDBOX_H
#define NETNS_BENCH_SANDBOX_H

#define OUTSIDE "192.168.1.1"
#define INSIDE "192.168.1.2"
#define FAR "172.16.0.2"

#endif
