//! Runs `bindings/scenarios.txt`, which documents its own format; C, Python and Go run it as well.

mod world;

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{self, Command};
use std::{env, thread};

use libnetns::link::{Link, LinkAddress, MacvlanMode};
use libnetns::route::Route;
use libnetns::{
    CreateOptions, Error, EventKind, Holder, HolderKind, Monitor, Namespace, Prefix, RunDir,
    address, link, nsid, route,
};
use nix::errno::Errno;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../bindings/scenarios.txt");
const MAIN_TABLE: u32 = 254;

/// Set if the test runs again, for the scenario with this number.
const NUMBER: &str = "LIBNETNS_TEST_SCENARIO";

/// The result of a call, or the errno with which it fails.
type Given = Result<String, Failure>;

struct Failure {
    errno: i32,
    message: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { errno: error.errno(), message: error.to_string() }
    }
}

enum Kept {
    Namespace(Namespace),
    Monitor(Monitor),
}

/// A scenario's handles and monitors.
#[derive(Default)]
struct World {
    kept: HashMap<String, Kept>,
    message: String,
}

/// Converts an argument to the form that the calls take.
fn text(word: &str) -> String {
    match word.split_once('*') {
        Some((unit, times)) if unit.len() == 1 => unit.repeat(times.parse().unwrap()),
        _ => word.replace("''", ""),
    }
}

fn some(word: &str) -> Option<String> {
    (word != "-").then(|| text(word))
}

/// Returns whether the word is this flag, and fails if it is another one.
fn flag(word: &str, name: &str) -> bool {
    assert!(word == "-" || word == name, "no such flag: {word}");
    word == name
}

fn joined(items: impl IntoIterator<Item = impl Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "-".to_owned() } else { items.join(",") }
}

fn number(yes: bool) -> String {
    u32::from(yes).to_string()
}

fn ok() -> Given {
    Ok("ok".to_owned())
}

fn invalid(what: &str) -> Failure {
    Failure { errno: libc::EINVAL, message: format!("no such {what}") }
}

impl World {
    fn ns(&self, name: &str) -> Option<&Namespace> {
        match self.kept.get(name) {
            Some(Kept::Namespace(ns)) => Some(ns),
            _ => {
                assert_eq!(name, "-", "no such handle");
                None
            }
        }
    }

    fn one(&self, name: &str) -> &Namespace {
        self.ns(name).expect("a handle")
    }

    fn keep(&mut self, name: &str, ns: Namespace) -> Given {
        self.kept.insert(name.to_owned(), Kept::Namespace(ns));
        ok()
    }

    fn create(&mut self, a: &str, name: &str, flags: &str) -> Given {
        let mut options = CreateOptions::new();
        match flags {
            "-" => &mut options,
            "exist_ok" => options.exist_ok(true),
            "lo_up" => options.lo_up(true),
            "nowait" => options.nowait(true),
            _ => panic!("no such flag: {flags}"),
        };
        let ns = match some(name) {
            Some(name) => options.create(name)?,
            None => options.anonymous()?,
        };
        if a == "-" { ok() } else { self.keep(a, ns) }
    }

    fn open(&mut self, a: &str, name: &str) -> Given {
        let name = text(name);
        let ns =
            if name.contains('/') { Namespace::open_path(name)? } else { Namespace::open(name)? };
        self.keep(a, ns)
    }

    fn open_socket(&mut self, a: &str, b: &str) -> Given {
        let socket = self.one(b).socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
        self.keep(a, Namespace::of_fd(socket)?)
    }

    fn open_id(&mut self, a: &str, b: &str) -> Given {
        let ns = self.one(b);
        // Before Linux 5.14 it has no cookie.
        let opened = Namespace::open_id(ns.inode(), ns.cookie().ok())?;
        self.keep(a, opened)
    }

    fn socket(&self, a: &str, home: Option<&str>, domain: &str, kind: &str) -> Given {
        let domain = match domain {
            "inet" => libc::AF_INET,
            "inet6" => libc::AF_INET6,
            "unix" => libc::AF_UNIX,
            number => number.parse().unwrap(),
        };
        let kind = match kind {
            "stream" => libc::SOCK_STREAM,
            "dgram" => libc::SOCK_DGRAM,
            _ => panic!("no such type: {kind}"),
        };
        let socket = match home {
            Some(home) => self.one(a).socket_from(self.one(home), domain, kind, 0)?,
            None => self.one(a).socket(domain, kind, 0)?,
        };
        assert!(Namespace::of_fd(socket)? == *self.one(a), "the socket is elsewhere");
        ok()
    }

    fn list(&self, flags: &str) -> Given {
        let dir = RunDir::default();
        let found = if flag(flags, "stale") { dir.list_with_stale()? } else { dir.list()? };
        Ok(joined(found.iter().map(|entry| entry.name.to_string_lossy())))
    }

    fn found(&self, a: &str) -> Given {
        let all = RunDir::default().list_all()?;
        let found = all.iter().find(|entry| entry.inode == Some(self.one(a).inode()));
        Ok(match found {
            None => "missing".to_owned(),
            Some(entry) if entry.name.is_empty() => "-".to_owned(),
            Some(entry) => entry.name.to_string_lossy().into_owned(),
        })
    }

    fn nsid_set(&self, a: &str, b: &str, nsid: &str) -> Given {
        if nsid == "auto" {
            return Ok(nsid::assign(self.ns(a), self.one(b))?.to_string());
        }
        nsid::set(self.ns(a), self.one(b), nsid.parse().unwrap())?;
        Ok(nsid.to_owned())
    }

    fn monitor(&mut self, m: &str, flags: &str) -> Given {
        let dir = RunDir::default();
        let monitor =
            if flag(flags, "snapshot") { dir.monitor_with_snapshot()? } else { dir.monitor()? };
        self.kept.insert(m.to_owned(), Kept::Monitor(monitor));
        ok()
    }

    fn event(&self, m: &str) -> Given {
        let Some(Kept::Monitor(monitor)) = self.kept.get(m) else { panic!("no such monitor") };
        let Some(event) = monitor.try_next()? else { return Ok("none".to_owned()) };
        let kind = match event.kind {
            EventKind::Added => "add",
            EventKind::Removed => "remove",
            _ => panic!("an event of another kind"),
        };
        Ok(format!("{kind}:{}", event.name.to_string_lossy()))
    }

    fn macvlan_add(&self, a: &str, name: &str, b: &str, parent: &str, mode: &str) -> Given {
        let mode = match mode {
            "-" => None,
            "private" => Some(MacvlanMode::Private),
            "vepa" => Some(MacvlanMode::Vepa),
            "bridge" => Some(MacvlanMode::Bridge),
            "passthru" => Some(MacvlanMode::Passthru),
            // Rust uses types where the other languages use strings.
            _ => return Err(invalid("mode")),
        };
        link::add_macvlan(self.ns(a), text(name), self.ns(b), text(parent), mode)?;
        ok()
    }

    fn link_set_address(&self, a: &str, name: &str, lladdr: &str) -> Given {
        link::set_address(self.ns(a), text(name), text(lladdr).parse::<LinkAddress>()?)?;
        ok()
    }

    fn link_move(&self, a: &str, name: &str, b: &str, new: &str) -> Given {
        let own;
        let to = match self.ns(b) {
            Some(ns) => ns,
            None => {
                own = Namespace::current()?;
                &own
            }
        };
        link::move_to(self.ns(a), text(name), to, some(new))?;
        ok()
    }

    fn addr_add(&self, a: &str, name: &str, cidr: &str, flags: &str) -> Given {
        let nodad = flag(flags, "nodad");
        let prefix: Prefix = text(cidr).parse()?;
        address::AddOptions::new().nodad(nodad).add(self.ns(a), text(name), prefix)?;
        ok()
    }

    fn addr_del(&self, a: &str, name: &str, cidr: &str) -> Given {
        address::delete(self.ns(a), text(name), text(cidr).parse::<Prefix>()?)?;
        ok()
    }

    fn links(&self, a: &str) -> Result<Vec<Link>, Failure> {
        Ok(link::list(self.ns(a))?)
    }

    fn link(&self, a: &str, name: &str, field: &str) -> Given {
        let links = self.links(a)?;
        let found = links.iter().find(|link| link.name == name).expect("an interface");
        let none = || "-".to_owned();
        Ok(match field {
            "kind" => {
                found.kind.as_ref().map_or_else(none, |kind| kind.to_string_lossy().into_owned())
            }
            "mtu" => found.mtu.to_string(),
            "address" => found.address.as_ref().map_or_else(none, LinkAddress::to_string),
            "up" => number(found.is_up()),
            "master" => {
                let master = links.iter().find(|link| Some(link.index) == found.master);
                master.map_or_else(none, |master| master.name.to_string_lossy().into_owned())
            }
            _ => panic!("no such field: {field}"),
        })
    }

    fn addrs(&self, a: &str, name: &str) -> Given {
        let found = address::list(self.ns(a))?;
        let of_it = found.iter().filter(|found| found.interface.as_deref() == Some(name.as_ref()));
        Ok(joined(of_it.map(|found| Prefix::from((found.address, found.prefix_len)))))
    }

    fn routes(&self, a: &str, name: &str) -> Given {
        let found = route::list(self.ns(a))?;
        let of_it = found.iter().filter(|route| {
            route.table == MAIN_TABLE
                && route.destination.address.is_ipv4()
                && route.interface.as_deref() == Some(name.as_ref())
        });
        Ok(joined(of_it.map(|route| {
            let to = match route.destination.len {
                0 => "default".to_owned(),
                _ => route.destination.to_string(),
            };
            route.gateway.map_or(to.clone(), |gateway| format!("{to}@{gateway}"))
        })))
    }

    /// Executes one call: an operation of the file's table, and its arguments.
    fn call(&mut self, words: &[&str]) -> Given {
        match *words {
            ["create", a, name, flags] => self.create(a, name, flags),
            ["open", a, name] => self.open(a, name),
            ["open_pid", a, "self"] => self.keep(a, Namespace::of_pid(process::id())?),
            ["open_pid", a, pid] => self.keep(a, Namespace::of_pid(pid.parse().unwrap())?),
            ["open_fd", a, file] => self.keep(a, Namespace::of_fd(fs::File::open(file).unwrap())?),
            ["open_fd_of", a, b] => self.keep(a, Namespace::of_fd(self.one(b))?),
            ["open_id", a, b] => self.open_id(a, b),
            ["open_socket", a, b] => self.open_socket(a, b),
            ["current", a] => self.keep(a, Namespace::current()?),
            ["dup", a, b] => self.keep(a, self.one(b).try_clone()?),
            ["close", a] => {
                self.kept.remove(a).expect("a handle");
                ok()
            }
            ["attach", a, name] => {
                RunDir::default().attach(self.one(a), text(name))?;
                ok()
            }
            ["remove", name, flags] if flag(flags, "missing_ok") => {
                RunDir::default().remove_if_exists(text(name))?;
                ok()
            }
            ["remove", name, _] => {
                RunDir::default().remove(text(name))?;
                ok()
            }
            ["list", flags] => self.list(flags),
            ["names", a] => {
                let found = RunDir::default().names(self.one(a))?;
                Ok(joined(found.iter().map(|name| name.to_string_lossy())))
            }
            ["name", a] => Ok(self
                .one(a)
                .name()
                .map_or("-".into(), |name| name.to_string_lossy().into_owned())),
            ["path", a] => {
                Ok(self.one(a).path().map_or("-".into(), |path| path.display().to_string()))
            }
            ["equal", a, b] => Ok(number(self.one(a) == self.one(b))),
            ["here", a] => Ok(number(self.one(a).is_current()?)),
            ["run", a, b] => Ok(number(self.one(a).run(|| self.one(b).is_current())??)),
            ["run_value", a, value] => {
                let value: i32 = value.parse().unwrap();
                Ok(self.one(a).run(move || value)?.to_string())
            }
            ["socket", a, domain, kind] => self.socket(a, None, domain, kind),
            ["socket_from", a, home, domain, kind] => self.socket(a, Some(home), domain, kind),
            ["run_from", a, home, b] => {
                let home = self.one(home);
                Ok(number(self.one(a).run_from(home, || self.one(b).is_current())??))
            }
            ["sysctl", a, name] => Ok(self.one(a).sysctl(text(name))?.into_string().unwrap()),
            ["set_sysctl", a, name, value] => {
                self.one(a).set_sysctl(text(name), text(value))?;
                ok()
            }
            ["holders", a] => {
                // Another test that lists every namespace has each open for a moment.
                let passing = |it: &Holder| {
                    it.kind == HolderKind::Descriptor && it.pid != Some(process::id())
                };
                let holders = self.one(a).holders()?.found.into_iter().filter(|it| !passing(it));
                Ok(joined(holders.map(|holder| format!("{:?}", holder.kind).to_lowercase())))
            }
            ["found", a] => self.found(a),
            ["pids", a] => Ok(self.one(a).pids()?.len().to_string()),
            ["nsid_get", a, b] => match nsid::get(self.ns(a), self.one(b))? {
                Some(nsid) => Ok(nsid.to_string()),
                None => Ok("ENODATA".to_owned()),
            },
            ["nsid_set", a, b, nsid] => self.nsid_set(a, b, nsid),
            ["nsid_ensure", a, b] => Ok(nsid::ensure(self.ns(a), self.one(b))?.to_string()),
            ["monitor", m, flags] => self.monitor(m, flags),
            ["event", m] => self.event(m),
            _ => self.call_of_network(words),
        }
    }

    fn call_of_network(&mut self, words: &[&str]) -> Given {
        match *words {
            ["link_add", a, name, kind] => link::add(self.ns(a), text(name), text(kind))?,
            ["veth_add", a, name, b, peer] => {
                link::add_veth(self.ns(a), text(name), self.ns(b), text(peer))?;
            }
            ["macvlan_add", a, name, b, parent, mode] => {
                return self.macvlan_add(a, name, b, parent, mode);
            }
            ["vlan_add", a, name, b, parent, id] => {
                let id = id.parse().unwrap();
                link::add_vlan(self.ns(a), text(name), self.ns(b), text(parent), id)?;
            }
            ["link_del", a, name] => link::delete(self.ns(a), text(name))?,
            ["link_up", a, name] => link::set_up(self.ns(a), text(name))?,
            ["link_down", a, name] => link::set_down(self.ns(a), text(name))?,
            ["link_set_mtu", a, name, mtu] => {
                link::set_mtu(self.ns(a), text(name), mtu.parse().unwrap())?;
            }
            ["link_set_address", a, name, lladdr] => return self.link_set_address(a, name, lladdr),
            ["link_set_master", a, name, master] => {
                link::set_master(self.ns(a), text(name), some(master))?;
            }
            ["link_move", a, name, b, new] => return self.link_move(a, name, b, new),
            ["addr_add", a, name, cidr, flags] => return self.addr_add(a, name, cidr, flags),
            ["addr_del", a, name, cidr] => return self.addr_del(a, name, cidr),
            ["route_add", a, dst, via, name] => {
                route::add(self.ns(a), &the_route(dst, via, name)?)?
            }
            ["route_del", a, dst, via, name] => {
                route::delete(self.ns(a), &the_route(dst, via, name)?)?;
            }
            ["links", a] => {
                return Ok(joined(self.links(a)?.iter().map(|link| link.name.to_string_lossy())));
            }
            ["link", a, name, field] => return self.link(a, name, field),
            ["addrs", a, name] => return self.addrs(a, name),
            ["routes", a, name] => return self.routes(a, name),
            _ => return self.call_of_files(words),
        }
        ok()
    }

    /// Files, and parts of messages.
    fn call_of_files(&mut self, words: &[&str]) -> Given {
        match *words {
            ["file", path, word] => fs::write(path, some(word).unwrap_or_default()).unwrap(),
            ["stale", path] => {
                fs::write(path, "").unwrap();
                fs::set_permissions(path, Permissions::from_mode(0o1000)).unwrap();
            }
            ["symlink", path, target] => symlink(target, path).unwrap(),
            ["says", word] => return Ok(number(self.message.contains(word))),
            _ => panic!("no such operation: {words:?}"),
        }
        ok()
    }

    /// Formats the result of a call as in the file.
    fn result(&mut self, words: &[&str]) -> String {
        match self.call(words) {
            Ok(given) => given,
            Err(failure) => {
                self.message = failure.message;
                format!("{:?}", Errno::from_raw(failure.errno))
            }
        }
    }
}

fn the_route(dst: &str, via: &str, name: &str) -> Result<Route, Failure> {
    let dst = if dst == "default" { "0.0.0.0/0".to_owned() } else { text(dst) };
    let mut route = Route::to(dst.parse::<Prefix>()?);
    if let Some(via) = some(via) {
        route = route.via(via.parse::<std::net::IpAddr>().map_err(|_| invalid("address"))?);
    }
    Ok(match some(name) {
        Some(name) => route.dev(name),
        None => route,
    })
}

fn run(title: &str, lines: &[(usize, String)]) {
    let mut world = World::default();
    for (place, line) in lines {
        let (call, wanted) = line.split_once(" -> ").unwrap();
        let (call, may_differ) = match call.strip_prefix("? ") {
            Some(call) => (call, true),
            None => (call, false),
        };
        let words: Vec<&str> = call.split(' ').collect();
        let given = world.result(&words);
        if may_differ && given != wanted {
            eprintln!("skipped: the rest of \"{title}\": the kernel lacks something");
            return;
        }
        assert_eq!(given, wanted, "scenarios.txt:{place}: {line} ({})", world.message);
    }
}

/// Returns the scenarios with their titles and numbered lines.
fn scenarios() -> Vec<(String, Vec<(usize, String)>)> {
    let mut found: Vec<(String, Vec<(usize, String)>)> = Vec::new();
    for (place, line) in fs::read_to_string(FILE).unwrap().lines().enumerate() {
        if let Some(title) = line.strip_prefix("scenario ") {
            found.push((title.to_owned(), Vec::new()));
        } else if !line.is_empty() && !line.starts_with('#') {
            found.last_mut().unwrap().1.push((place + 1, line.to_owned()));
        }
    }
    found
}

/// Runs in a separate process with its own namespaces, because `/proc/self` is that of the process's first
/// thread.
fn run_alone(test: &str, number: usize) -> bool {
    let run = || {
        assert!(world::enter());
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", test, "--nocapture"]).env(NUMBER, number.to_string());
        let output = again.output().unwrap();
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    };
    thread::scope(|scope| {
        thread::Builder::new().name(test.to_owned()).spawn_scoped(scope, run).unwrap().join()
    })
    .unwrap()
}

#[test]
fn shared_scenarios_give_expected_results() {
    let found = scenarios();
    assert!(found.len() > 20, "{FILE} has few scenarios");
    if let Ok(number) = env::var(NUMBER) {
        let (title, lines) = &found[number.parse::<usize>().unwrap()];
        return run(title, lines);
    }
    if !world::enter() {
        return;
    }
    let test = thread::current().name().unwrap().to_owned();
    let failed: Vec<&str> = (0..found.len())
        .filter(|&number| !run_alone(&test, number))
        .map(|number| found[number].0.as_str())
        .collect();
    assert!(failed.is_empty(), "failed: {failed:?}");
}
