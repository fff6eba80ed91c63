//! Links: interfaces, and the namespaces that they are in.

use std::ffi::{c_char, c_int};

use crate::link;

use super::boundary;
use super::convert::{self, text};
use super::types::Netns;

/// Moves an interface to another namespace, and gives it a new name there if asked.
///
/// from     the namespace that it is in; NULL is the calling thread's.
/// ifname   its name, or one of its alternative names.
/// to       the namespace that it is to be in; netns_open_current() gives the calling thread's.
///          If it is there already, it gets the new name.
/// newname  NULL: it keeps its name.
///
/// An interface that moves is down afterwards, has no addresses and no routes, and may have another
/// index. A physical one goes to the initial namespace when the one that it is in goes; a virtual
/// one goes with it.
///
/// The first call with a handle opens an rtnetlink socket in its namespace, in that of to only if
/// newname is not NULL. The handle keeps it until netns_close().
///
/// Returns 0, or
///   -EINVAL     ifname or to is NULL; a name is empty, "." or "..", or has a '/', ':', '%' or white
///               space; or the interface belongs to its namespace (lo, a bridge ...): netns_errmsg()
///               has the kernel's word for it
///   -ENAMETOOLONG  a name has more than 15 bytes
///   -ENODEV     from has no interface of this name
///   -EEXIST     to has another interface of the name that this one keeps or is to get
///   -EPERM      CAP_NET_ADMIN over both namespaces, or CAP_SYS_ADMIN to reach one that the calling
///               thread is not in, is missing
///   -EBUSY      the interface is in use, or is in to already and up (before Linux 6.2)
///   -EOPNOTSUPP the driver does not let it move
///   -EAGAIN     no helper thread could be started, where one is needed (see netns_create())
///   -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM  no descriptor or memory to be had
///   -EBADMSG, -EMSGSIZE, -ETIMEDOUT  the kernel gave no answer that makes sense
///   -ENOTRECOVERABLE  the thread could not go back: it is in one of the two
/// On failure the interface is where it was, under its old name. It is as it was, too, unless somebody
/// made another of the new name in to at that very moment: then it has been there and back.
///
/// Since 1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netns_link_move(
    from: Option<&Netns>,
    ifname: *const c_char,
    to: Option<&Netns>,
    newname: *const c_char,
) -> c_int {
    // SAFETY: the caller passes NULL or a string, twice.
    let (ifname, newname) = unsafe { (text(ifname), text(newname)) };
    boundary::call(convert::about_name("move", None, ifname), || {
        let name = convert::link_name(ifname)?;
        let to = convert::required(to, "the namespace to move to is NULL")?;
        let new_name = newname.map(|name| convert::link_name(Some(name))).transpose()?;
        link::move_to(convert::namespace(from), name, &to.0, new_name)
    })
}
