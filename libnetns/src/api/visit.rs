//! A stay of the calling thread in another network namespace.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

use crate::error::{Failure, Step};
use crate::explain::Object;
use crate::namespace::identity::NamespaceFd;
use crate::namespace::visit::{self, KeptHome};

use super::error::{About, Result};
use super::subject::about;

/// A stay of the calling thread in another network namespace, which [`Namespace::enter`] begins.
///
/// The thread goes back when this is dropped. Visits nest: one that ends takes those along that the
/// thread has begun after it, which do nothing when they are dropped. So the thread is where it was
/// before a visit when that visit has ended, in whatever order they end.
///
/// A drop cannot report that the thread could not go back, which happens if it has given up its
/// capabilities meanwhile; [`Visit::leave`] can. That includes the drop while a panic unwinds the stack:
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
/// It belongs to the thread that it took away:
///
/// ```compile_fail
/// fn is_send<T: Send>() {}
/// is_send::<libnetns::Visit>();
/// ```
#[must_use = "the thread leaves again when this is dropped"]
pub struct Visit {
    /// None: it has ended.
    visit: Option<visit::Visit>,
    place: Place,
    of_this_thread: PhantomData<*mut ()>,
}

thread_local! {
    /// The visits of this thread that have not ended, in the order in which they began.
    static ONGOING: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static LAST_ID: Cell<u64> = const { Cell::new(0) };
}

/// The place of a visit among those of its thread.
struct Place(u64);

impl Place {
    fn take() -> Place {
        let id = LAST_ID.get() + 1;
        LAST_ID.set(id);
        ONGOING.with_borrow_mut(|ongoing| ongoing.push(id));
        Place(id)
    }

    /// Takes along those that began after it. False: it has ended before, with an earlier one.
    fn leave(&self) -> bool {
        let ended = ONGOING.try_with(|ongoing| {
            let mut ongoing = ongoing.borrow_mut();
            let at = ongoing.iter().rposition(|id| *id == self.0)?;
            ongoing.truncate(at);
            Some(())
        });
        // Where the list is gone, the thread is ending.
        ended != Ok(None)
    }
}

/// A stay that goes back to a home which somebody keeps open.
pub(super) struct VisitFrom<'a> {
    /// None: it has ended.
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
        // The stack is unwinding; there is nobody to tell.
        let _ = self.end_once();
    }
}

impl Visit {
    pub(super) fn begin(ns: NamespaceFd) -> std::result::Result<Visit, Failure> {
        let visit = visit::Visit::begin(ns)?;
        Ok(Visit { visit: Some(visit), place: Place::take(), of_this_thread: PhantomData })
    }

    /// Takes the thread back to where it came from.
    ///
    /// # Errors
    ///
    /// `ENOTRECOVERABLE` if it could not go back: it is still in there, and has to end. `EINVAL` if the
    /// visit has ended already, with an earlier one.
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
            let hint = "this visit has ended already, with one that began before it";
            Failure::invalid_at(Step::EndVisit, hint)
        };
        let ended = self.end().and_then(|now| if now { Ok(()) } else { Err(has_ended_before()) });
        ended.about(&about("leave", Object::Nothing))
    }

    /// Whether it ends now. If not, it has ended before, with an earlier one.
    pub(super) fn end(mut self) -> std::result::Result<bool, Failure> {
        self.take_ongoing().map_or(Ok(false), |visit| visit.end().map(|()| true))
    }

    /// Ends it as far as this thread's list of visits goes. None: it has ended before.
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
