//! Building and starting a program in a network namespace.

mod child;
mod strings;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};

use nix::errno::Errno;
use rustix::thread::{Gid, Uid};

use crate::error::{self, Failure, Step};
use crate::explain::{Detail, Object, ProgramCall};
use crate::program::lookup::secure_path;
use crate::program::mount_namespace::Wishes;
use crate::program::plan::{Options, Plan, User};
use crate::program::{exec, spawn};

use super::error::{About, Error, Result};
use super::namespace::Namespace;
use super::stdio::{Direction, End, Ends, Stdio};
use super::subject::about;
use super::text::CText;

pub use child::Child;
use strings::Strings;

/// A builder for a program that runs in a network namespace, in the manner of [`std::process::Command`].
///
/// The program gets its own mount namespace, as with `ip netns exec`: `/sys` shows the interfaces of the
/// network namespace, and if the namespace has a name, the files of `/etc/netns/NAME` cover those in `/etc`.
/// If a file in `/etc` is a symbolic link, the link itself is covered, so the program sees the namespace's
/// file even if the host replaces the target of the link. [`Command::keep_sys`] and [`Command::keep_etc`]
/// disable this; [`Command::pin_etc`] keeps the files in place whatever the host replaces.
///
/// The program is looked up in the caller's `PATH` unless its name contains a `/`. No shell is involved. The
/// program inherits the calling thread's signal mask and the signals that the caller ignores, except for
/// `SIGPIPE`, which Rust programs ignore from the start.
///
/// # Examples
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
/// # fn main() { in_world(example) }
/// # fn example() -> libnetns::Result<()> {
/// use libnetns::Command;
///
/// let sandbox = libnetns::Namespace::anonymous()?;
/// let output = Command::new(&sandbox, "ls").arg("/sys/class/net").output()?;
/// assert_eq!(output.stdout, b"lo\n");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Command<'ns> {
    ns: &'ns Namespace,
    program: OsString,
    /// The first argument is the program's `argv[0]`.
    args: Vec<OsString>,
    env: Environment,
    current_dir: Option<PathBuf>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    user: Option<Credentials>,
    setsid: bool,
    mounts: Wishes,
}

/// The differences between the program's environment and the caller's.
#[derive(Debug, Default)]
struct Environment {
    is_cleared: bool,
    /// `None` removes the variable.
    changes: BTreeMap<OsString, Option<OsString>>,
}

#[derive(Debug)]
struct Credentials {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

impl Namespace {
    /// Returns a builder for a program that runs in this namespace: see [`Command::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// assert!(sandbox.command("true").status()?.success());
    /// # Ok(()) }
    /// ```
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command<'_> {
        Command::new(self, program)
    }
}

impl<'ns> Command<'ns> {
    /// Creates a builder for a program without arguments, with the caller's environment, working directory
    /// and standard streams.
    pub fn new(ns: &'ns Namespace, program: impl AsRef<OsStr>) -> Command<'ns> {
        let program = program.as_ref().to_owned();
        Command {
            ns,
            args: vec![program.clone()],
            program,
            env: Environment::default(),
            current_dir: None,
            stdin: None,
            stdout: None,
            stderr: None,
            user: None,
            setsid: false,
            mounts: Wishes::default(),
        }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let output = sandbox.command("echo").args(["a b", "*"]).output()?;
    /// assert_eq!(output.stdout, b"a b *\n");
    /// # Ok(()) }
    /// ```
    pub fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets the program's `argv[0]`, which is its path by default.
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.args[0] = name.as_ref().to_owned();
        self
    }

    /// Sets an environment variable of the program.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let output = sandbox.command("env").env_clear().env("LANG", "C").output()?;
    /// assert_eq!(output.stdout, b"LANG=C\n");
    /// # Ok(()) }
    /// ```
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        let value = Some(value.as_ref().to_owned());
        self.env.changes.insert(key.as_ref().to_owned(), value);
        self
    }

    /// Sets environment variables of the program.
    pub fn envs(
        &mut self,
        vars: impl IntoIterator<Item = (impl AsRef<OsStr>, impl AsRef<OsStr>)>,
    ) -> &mut Self {
        for (key, value) in vars {
            self.env(key, value);
        }
        self
    }

    /// Removes a variable from the program's environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.env.changes.insert(key.as_ref().to_owned(), None);
        self
    }

    /// Clears the program's environment. Variables that are set afterwards are kept.
    pub fn env_clear(&mut self) -> &mut Self {
        self.env = Environment { is_cleared: true, changes: BTreeMap::new() };
        self
    }

    /// Sets the program's working directory. The path is resolved as the program sees the file system, with
    /// the permissions of the program's user.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let output = sandbox.command("pwd").current_dir("/sys/class/net").output()?;
    /// assert_eq!(output.stdout, b"/sys/class/net\n");
    /// # Ok(()) }
    /// ```
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.current_dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Sets the program's standard input. The default is the caller's.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets the program's standard output. The default is the caller's, or a pipe for [`Command::output`].
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Sets the program's standard error. The default is the caller's, or a pipe for [`Command::output`].
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Sets the user, the group and all supplementary groups that the program runs as. They apply to entering
    /// the working directory and to finding and executing the program. Everything else is done before, with
    /// the caller's privileges.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let output = sandbox.command("id").arg("-u").user(65534, 65534, &[]).output();
    /// # let Ok(output) = output else { return Ok(()) }; // in a user namespace of one user
    /// assert_eq!(output.stdout, b"65534\n");
    /// # Ok(()) }
    /// ```
    pub fn user(&mut self, uid: u32, gid: u32, groups: &[u32]) -> &mut Self {
        self.user = Some(Credentials { uid, gid, groups: groups.to_owned() });
        self
    }

    /// Sets whether the program becomes the leader of a new session, without a controlling terminal.
    pub fn setsid(&mut self, setsid: bool) -> &mut Self {
        self.setsid = setsid;
        self
    }

    /// Sets whether the program keeps the caller's `/sys`, which does not show the namespace's interfaces.
    pub fn keep_sys(&mut self, keep: bool) -> &mut Self {
        self.mounts.keep_sys = keep;
        self
    }

    /// Sets whether the files of `/etc/netns/NAME` are ignored.
    pub fn keep_etc(&mut self, keep: bool) -> &mut Self {
        self.mounts.keep_etc = keep;
        self
    }

    /// Sets whether a file of `/etc/netns/NAME` that has no counterpart in `/etc` is an error, which names
    /// the file. By default the program starts without the file, and [`Child::left_out`] reports it.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// # std::fs::create_dir_all("/run/etc/netns/blue").unwrap();
    /// # std::fs::write("/run/etc/netns/blue/resolv.conf", "nameserver 192.0.2.53\n").unwrap();
    /// # let none = None::<&str>;
    /// # nix::mount::mount(Some("/run/etc"), "/etc", none, nix::mount::MsFlags::MS_BIND, none).unwrap();
    /// // There is a file /etc/netns/blue/resolv.conf, but no /etc/resolv.conf.
    /// let blue = libnetns::RunDir::default().create("blue")?;
    /// let error = blue.command("true").strict_etc(true).spawn().unwrap_err();
    /// assert_eq!(error.kind(), libnetns::ErrorKind::NotFound);
    /// assert!(error.to_string().contains("bind on /etc/resolv.conf"), "{error}");
    /// # Ok(()) }
    /// ```
    pub fn strict_etc(&mut self, strict: bool) -> &mut Self {
        self.mounts.strict_etc = strict;
        self
    }

    /// Sets whether the files of `/etc/netns/NAME` keep covering those in `/etc` even if the host replaces or
    /// removes the covered files. `/etc` is then a read-only overlay, and later mounts below `/etc` are not
    /// visible; if the host replaces a file that is not covered, the program may see the old file or the new
    /// one. If `/etc/netns/NAME` contains no files, `/etc` is left unchanged.
    ///
    /// This requires overlayfs in the kernel and, in a user namespace, Linux 5.11.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// # std::fs::create_dir_all("/run/etc/netns/blue").unwrap();
    /// # std::fs::write("/run/etc/netns/blue/resolv.conf", "nameserver 192.0.2.53\n").unwrap();
    /// # std::fs::write("/run/etc/resolv.conf", "nameserver 127.0.0.1\n").unwrap();
    /// # let none = None::<&str>;
    /// # nix::mount::mount(Some("/run/etc"), "/etc", none, nix::mount::MsFlags::MS_BIND, none).unwrap();
    /// let blue = libnetns::RunDir::default().create("blue")?;
    /// let output = blue.command("cat").arg("/etc/resolv.conf").pin_etc(true).output();
    /// # if output.as_ref().is_err_and(|e| e.to_string().contains("mount an overlay")) { return Ok(()) }
    /// assert_eq!(output?.stdout, b"nameserver 192.0.2.53\n");
    /// # Ok(()) }
    /// ```
    pub fn pin_etc(&mut self, pin: bool) -> &mut Self {
        self.mounts.pin_etc = pin;
        self
    }

    /// Starts the program, and returns once it runs.
    ///
    /// # Errors
    ///
    /// `ENOENT` if the program or the working directory does not exist or, with [`Command::strict_etc`], if a
    /// file has no counterpart in `/etc`; `EACCES` without permission to execute the program or enter the
    /// directory; `EPERM` without `CAP_SYS_ADMIN`; `EINVAL` for a NUL byte in an argument; `EAGAIN` at the
    /// limit on processes; and the errors of `execve(2)`.
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// let mut child = sandbox.command("sleep").arg("60").spawn()?;
    /// assert_eq!(sandbox.pids()?, [child.id()]);
    /// child.kill()?;
    /// assert!(!child.wait()?.success());
    /// # Ok(()) }
    /// ```
    #[doc(alias = "netns_spawn")]
    pub fn spawn(&mut self) -> Result<Child> {
        self.spawn_with([Stdio::inherit(), Stdio::inherit(), Stdio::inherit()])
    }

    /// Starts the program, waits until it ends, and returns its standard output and standard error. Its
    /// standard input is empty by default.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`] and [`Child::wait_with_output`].
    pub fn output(&mut self) -> Result<Output> {
        self.spawn_with([Stdio::null(), Stdio::piped(), Stdio::piped()])?.wait_with_output()
    }

    /// Starts the program and waits until it ends.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`] and [`Child::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/doctest.rs"));
    /// # fn main() { in_world(example) }
    /// # fn example() -> libnetns::Result<()> {
    /// let sandbox = libnetns::Namespace::anonymous()?;
    /// assert_eq!(sandbox.command("false").status()?.code(), Some(1));
    /// # Ok(()) }
    /// ```
    pub fn status(&mut self) -> Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Replaces the calling process with the program, as `execve(2)` does, and returns only if that fails. In
    /// that case the namespaces, mounts and root directory of every thread are unchanged. The standard
    /// streams, the session and, with [`Command::keep_sys`] and [`Command::keep_etc`], the working directory
    /// may already be those that were set.
    ///
    /// # Errors
    ///
    /// Those of [`Command::spawn`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let blue = libnetns::Namespace::open("blue")?;
    /// let error = blue.command("bash").exec();
    /// eprintln!("{error}");
    /// # Ok::<(), libnetns::Error>(())
    /// ```
    #[doc(alias = "netns_exec")]
    pub fn exec(&mut self) -> Error {
        let file = CText::new(&self.program);
        let call = self.call(&file);
        let result = self.streams([&Stdio::INHERIT; 3]).and_then(|ends| {
            self.with_plan(&file, &ends, |plan| exec::exec(plan, |_| {}, &call.detail))
        });
        let failure = match result {
            Err(failure) => failure,
            Ok(()) => Failure::new(Step::Exec, Errno::ENOTRECOVERABLE),
        };
        Error::new(&about("exec", Object::Program(&call)), failure)
    }

    fn spawn_with(&self, default: [Stdio; 3]) -> Result<Child> {
        let file = CText::new(&self.program);
        let call = self.call(&file);
        let start = || {
            let ends = self.streams(default.each_ref())?;
            let child = self.start(&file, &ends, &call.detail)?;
            let about = about("spawn", Object::Program(&call));
            let left_out = child.left_out.map(|left_out| Error::new(&about, left_out.first));
            Ok(Child::new(child, ends.map(|ends| ends.ours), left_out))
        };
        start().about(&about("spawn", Object::Program(&call)))
    }

    /// Starts the program with a pidfd, or without one if the kernel has no pidfds.
    fn start(
        &self,
        file: &CText,
        ends: &[Ends; 3],
        detail: &Detail,
    ) -> error::Result<spawn::Child> {
        let start =
            |with_pidfd| self.with_plan(file, ends, |plan| spawn::spawn(plan, with_pidfd, detail));
        match start(true) {
            Err(Failure { step: Step::Pidfd, errno: Errno::ENOSYS, .. }) => start(false),
            result => result,
        }
    }

    fn call<'a>(&'a self, file: &'a CText) -> ProgramCall<'a> {
        let ns: &dyn Display = &self.ns.handle;
        ProgramCall { file: Some(file.shown()), ns: Some(ns), detail: Detail::default() }
    }

    fn streams<'a>(&'a self, default: [&'a Stdio; 3]) -> error::Result<[Ends<'a>; 3]> {
        let [stdin, stdout, stderr] = default;
        Ok([
            self.stdin.as_ref().unwrap_or(stdin).ends(Direction::ToProgram)?,
            self.stdout.as_ref().unwrap_or(stdout).ends(Direction::FromProgram)?,
            self.stderr.as_ref().unwrap_or(stderr).ends(Direction::FromProgram)?,
        ])
    }

    /// Calls `work` with a plan, which borrows local values.
    fn with_plan<T>(
        &self,
        file: &CText,
        ends: &[Ends; 3],
        work: impl FnOnce(Plan) -> error::Result<T>,
    ) -> error::Result<T> {
        let file = file.whole(Step::Exec)?;
        let argv = Strings::new(self.args.iter().cloned())?;
        let envp = Strings::new(self.env.variables())?;
        let path = std::env::var_os("PATH").map(CText::new);
        let path = secure_path().or(path.as_ref().map(CText::shown));
        let cwd = self.current_dir.as_ref().map(CText::new);
        let groups = self.user.as_ref().map(Credentials::groups).transpose()?;
        let options = Options {
            mounts: self.mounts,
            stdio: ends.each_ref().map(|ends| {
                ends.theirs.as_ref().map(|end| match end {
                    End::Made(fd) => fd.as_fd(),
                    End::Given(fd) => fd.as_fd(),
                })
            }),
            cwd: cwd.as_ref().map(|cwd| cwd.whole(Step::Argument)).transpose()?,
            user: self.user.as_ref().zip(groups.as_deref()).map(|(user, groups)| User {
                uid: Uid::from_raw(user.uid),
                gid: Gid::from_raw(user.gid),
                groups,
            }),
            own_session: self.setsid,
            // Rust programs ignore SIGPIPE from the start, which few other programs expect.
            default_sigpipe: true,
        };
        let arguments = argv.arguments(&envp)?;
        work(Plan::new(&self.ns.handle, options, (file, path), arguments)?)
    }
}

impl Environment {
    /// `KEY=value`
    fn variables(&self) -> impl Iterator<Item = OsString> {
        let inherited = std::env::vars_os().filter(|_| !self.is_cleared);
        let mut all: BTreeMap<OsString, OsString> = inherited.collect();
        for (key, value) in &self.changes {
            match value {
                Some(value) => all.insert(key.clone(), value.clone()),
                None => all.remove(key),
            };
        }
        all.into_iter().map(|(mut variable, value)| {
            variable.push("=");
            variable.push(value);
            variable
        })
    }
}

/// setresuid(2) and similar calls take this value to mean "unchanged".
const NO_ID: u32 = u32::MAX;

/// NGROUPS_MAX, the kernel's limit.
const MOST_GROUPS: usize = 65536;

impl Credentials {
    /// Returns the supplementary groups if all ids are valid.
    fn groups(&self) -> error::Result<Vec<Gid>> {
        if self.uid == NO_ID || self.gid == NO_ID || self.groups.contains(&NO_ID) {
            return Err(Failure::invalid("-1 is not a valid user or group ID"));
        }
        if self.groups.len() > MOST_GROUPS {
            return Err(Failure::invalid("there can be at most 65536 supplementary groups"));
        }
        Ok(self.groups.iter().copied().map(Gid::from_raw).collect())
    }
}
