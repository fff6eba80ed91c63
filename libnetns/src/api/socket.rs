//! Opening sockets in a namespace; the calling thread stays in its own.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::net::sockopt::{set_socket_reuseaddr, socket_error};
use rustix::net::{bind, connect, listen};

use crate::error::{At, Failure, Step};
use crate::namespace::visit;
use crate::os::retry::on_signal;

use super::error::{About, Result};
use super::namespace::Namespace;
use super::subject::about_handle;

/// The value that std's `TcpListener` uses.
const BACKLOG: i32 = 128;

type Internal<T> = std::result::Result<T, Failure>;

/// Sockets. The calling thread stays in its own namespace.
impl Namespace {
    /// Opens a socket in the namespace, as `socket(2)` does; it is close-on-exec.
    ///
    /// # Errors
    ///
    /// `EPERM` if the thread may not enter the namespace, and the errors of `socket(2)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use std::os::unix::net::UnixDatagram;
    ///
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let socket = UnixDatagram::from(sandbox.socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?);
    /// # drop(socket);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_socket")]
    pub fn socket(&self, domain: i32, r#type: i32, protocol: i32) -> Result<OwnedFd> {
        self.with_socket(|| visit::socket(self.handle.proved(), domain, r#type, protocol))
    }

    /// Does the same as [`Namespace::socket`], but switches back to `home`, a handle that the caller keeps.
    /// It switches namespaces twice with all signals blocked, and needs neither `/proc` nor another
    /// descriptor.
    ///
    /// `home` is the thread's namespace, opened with [`Namespace::current`]. The thread is in `home`
    /// afterwards. Whether it was in `home` before is not checked.
    ///
    /// The first call with a handle as `home` also verifies that a thread can switch to it. The result is
    /// cached for all threads of the process. A thread that has changed its user namespace since must open
    /// `home` again.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::socket`]; `EPERM` if the thread could not switch back.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// use libnetns::Namespace;
    ///
    /// let home = Namespace::current()?; // once
    /// let sandbox = Namespace::anonymous()?;
    /// let socket = sandbox.socket_from(&home, libc::AF_INET, libc::SOCK_STREAM, 0)?;
    /// assert_eq!(Namespace::of_fd(&socket)?, sandbox);
    /// assert!(home.is_current()?);
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_socket_from")]
    pub fn socket_from(
        &self,
        home: &Namespace,
        domain: i32,
        r#type: i32,
        protocol: i32,
    ) -> Result<OwnedFd> {
        let home = home.handle.as_home();
        self.with_socket(|| {
            visit::socket_from(home, self.handle.proved(), domain, r#type, protocol)
        })
    }

    /// Listens on a TCP address in the namespace, as [`TcpListener::bind`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::socket`]; `EADDRINUSE` and `EADDRNOTAVAIL`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = libnetns::CreateOptions::new().lo_up(true).anonymous()?;
    /// let listener = sandbox.tcp_listener(([127, 0, 0, 1], 80))?;
    /// let stream = sandbox.tcp_stream(([127, 0, 0, 1], 80))?;
    /// assert_eq!(listener.accept()?.1, stream.local_addr()?);
    /// # Ok(()) }
    /// ```
    pub fn tcp_listener(&self, address: impl Into<SocketAddr>) -> Result<TcpListener> {
        let address = address.into();
        self.with_socket(|| {
            let socket = self.ip_socket(&address, libc::SOCK_STREAM)?;
            set_socket_reuseaddr(&socket, true).at(Step::BindSocket)?;
            bind(&socket, &address).at(Step::BindSocket)?;
            listen(&socket, BACKLOG).at(Step::Listen)?;
            Ok(socket.into())
        })
    }

    /// Connects to a TCP address in the namespace and waits for the connection, as [`TcpStream::connect`]
    /// does.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::socket`] and of `connect(2)`: `ECONNREFUSED`, `ENETUNREACH`, `ETIMEDOUT` ...
    ///
    /// # Examples
    ///
    /// See [`Namespace::tcp_listener`].
    pub fn tcp_stream(&self, address: impl Into<SocketAddr>) -> Result<TcpStream> {
        let address = address.into();
        self.with_socket(|| {
            let socket = self.ip_socket(&address, libc::SOCK_STREAM)?;
            connect_and_wait(&socket, &address)?;
            Ok(socket.into())
        })
    }

    /// Opens a UDP socket with a local address in the namespace, as [`UdpSocket::bind`] does.
    ///
    /// # Errors
    ///
    /// Those of [`Namespace::tcp_listener`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::net::Ipv6Addr;
    ///
    /// let sandbox = libnetns::CreateOptions::new().lo_up(true).anonymous()?;
    /// let socket = sandbox.udp_socket((Ipv6Addr::LOCALHOST, 53))?;
    /// # assert_eq!(socket.local_addr()?.port(), 53);
    /// # Ok(()) }
    /// ```
    pub fn udp_socket(&self, address: impl Into<SocketAddr>) -> Result<UdpSocket> {
        let address = address.into();
        self.with_socket(|| {
            let socket = self.ip_socket(&address, libc::SOCK_DGRAM)?;
            bind(&socket, &address).at(Step::BindSocket)?;
            Ok(socket.into())
        })
    }

    fn with_socket<T>(&self, open: impl FnOnce() -> Internal<T>) -> Result<T> {
        open().about(&about_handle("open a socket in", &self.handle))
    }

    fn ip_socket(&self, address: &SocketAddr, r#type: i32) -> Internal<OwnedFd> {
        let domain = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        visit::socket(self.handle.proved(), domain, r#type, 0)
    }
}

/// connect(2) continues in the background if a signal interrupts it, so wait for the result.
fn connect_and_wait(socket: &OwnedFd, address: &SocketAddr) -> Internal<()> {
    match connect(socket, address) {
        Err(rustix::io::Errno::INTR) => {}
        result => return result.at(Step::Connect),
    }
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    on_signal(|| poll(&mut polled, PollTimeout::NONE)).at(Step::Connect)?;
    let result = socket_error(socket).at(Step::Connect)?;
    result.at(Step::Connect)
}
