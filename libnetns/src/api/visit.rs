//! The guard of a thread's temporary switch to another network namespace.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use crate::error::{Failure, Step};
use crate::explain::Object;
use crate::namespace::identity::NamespaceFd;
use crate::namespace::visit::{self, KeptHome};

use super::error::{About, Result};
use super::subject::about;

/// A guard that is returned by [`Namespace::enter`] while the calling thread is in another network namespace.
///
/// The thread switches back when the guard is dropped. Visits nest: ending a visit also ends the visits that
/// the thread has begun after it, and dropping those has no further effect. When a visit has ended, the
/// thread is therefore where it was before that visit, in whatever order visits end.
///
/// Dropping the guard cannot report that the thread could not switch back, which happens if it has dropped
/// its capabilities meanwhile; [`Visit::leave`] can. This includes a drop while a panic unwinds the stack:
/// code that catches the panic then runs in the wrong namespace.
///
/// [`Namespace::enter`]: crate::Namespace::enter
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// let sandbox = libnetns::Namespace::anonymous()?;
/// {
///     let _visit = sandbox.enter()?;
///     assert!(sandbox.is_current()?);
/// }
/// assert!(!sandbox.is_current()?);
/// # Ok(()) }
/// ```
///
/// A visit cannot be sent to another thread:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<libnetns::Visit>();
/// ```
#[must_use = "the thread leaves again when this is dropped"]
pub struct Visit {
    /// `None` after it has ended.
    visit: Option<visit::Visit>,
    place: Place,
    of_this_thread: PhantomData<*mut ()>,
}

thread_local! {
    /// The ids of this thread's visits that have not ended, in the order in which they began.
    static ONGOING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static LAST_ID: Cell<u64> = const { Cell::new(0) };
}

/// The position of a visit among those of its thread.
struct Place(u64);

impl Place {
    fn take() -> Place {
        let id = LAST_ID.get() + 1;
        LAST_ID.set(id);
        ONGOING.with_borrow_mut(|ongoing| ongoing.push(id));
        Place(id)
    }

    /// Removes this visit and all later ones. Returns false if it had already ended, together with an earlier
    /// one.
    fn leave(&self) -> bool {
        let ended = ONGOING.try_with(|ongoing| {
            let mut ongoing = ongoing.borrow_mut();
            let at = ongoing.iter().rposition(|id| *id == self.0)?;
            ongoing.truncate(at);
            Some(())
        });
        // If the list no longer exists, the thread is ending.
        ended != Ok(None)
    }
}

/// A visit that switches back to a handle that the caller keeps.
pub(super) struct VisitFrom<'a> {
    /// `None` after it has ended.
    home: Option<KeptHome<'a>>,
    place: Place,
}

impl<'a> VisitFrom<'a> {
    pub fn begin(
        home: KeptHome<'a>,
        ns: NamespaceFd,
    ) -> std::result::Result<VisitFrom<'a>, Failure> {
        home.leave_for(ns)?;
        Ok(VisitFrom { home: Some(home), place: Place::take() })
    }

    pub fn end(mut self) -> std::result::Result<(), Failure> {
        self.end_once()
    }

    fn end_once(&mut self) -> std::result::Result<(), Failure> {
        let Some(home) = self.home.take() else { return Ok(()) };
        self.place.leave();
        home.go_back()
    }
}

impl Drop for VisitFrom<'_> {
    fn drop(&mut self) {
        // The stack is unwinding, so the error cannot be reported.
        let _ = self.end_once();
    }
}

impl Visit {
    pub(super) fn begin(ns: NamespaceFd) -> std::result::Result<Visit, Failure> {
        let visit = visit::Visit::begin(ns)?;
        Ok(Visit { visit: Some(visit), place: Place::take(), of_this_thread: PhantomData })
    }

    /// Switches the thread back to its original namespace.
    ///
    /// # Errors
    ///
    /// `ENOTRECOVERABLE` if the thread could not switch back: it is still in the other namespace and must
    /// end. `EINVAL` if the visit has already ended, together with an earlier one.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// libnetns::Namespace::anonymous()?.enter()?.leave()?;
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_leave")]
    pub fn leave(self) -> Result<()> {
        let has_ended_before = || {
            let hint = "already ended together with an enclosing visit";
            Failure::invalid_at(Step::EndVisit, hint)
        };
        let ended = self.end().and_then(|now| if now { Ok(()) } else { Err(has_ended_before()) });
        ended.about(&about("leave", Object::Nothing))
    }

    /// Returns whether the visit ended now. Otherwise it had already ended, together with an earlier one.
    pub(super) fn end(mut self) -> std::result::Result<bool, Failure> {
        self.take_ongoing().map_or(Ok(false), |visit| visit.end().map(|()| true))
    }

    /// Removes the visit from this thread's list. Returns `None` if it has already ended.
    fn take_ongoing(&mut self) -> Option<visit::Visit> {
        let visit = self.visit.take()?;
        if self.place.leave() {
            return Some(visit);
        }
        visit.stay();
        None
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        drop(self.take_ongoing());
    }
}

impl Debug for Visit {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.debug_struct("Visit").finish_non_exhaustive()
    }
}
