//! Programs: Command, Child and Stdio.

mod world;

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ChildStdout;
use std::thread;

use libnetns::{Command, ErrorKind, Namespace, RunDir, Stdio};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

fn namespace() -> Option<Namespace> {
    world::enter().then(|| RunDir::default().create("blue").unwrap())
}

/// Returns the program's standard output.
fn text(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn program_runs_in_namespace_with_its_own_sys() {
    let Some(blue) = namespace() else { return };
    let inode = format!("net:[{}]\n", blue.inode());
    assert_eq!(text(blue.command("readlink").arg("/proc/self/ns/net")), inode);
    assert_eq!(text(blue.command("ls").arg("/sys/class/net")), "lo\n");
    let keep =
        text(blue.command("readlink").arg("/proc/self/ns/mnt").keep_sys(true).keep_etc(true));
    let own = fs::read_link("/proc/thread-self/ns/mnt").unwrap();
    assert_eq!(Path::new(keep.trim_end()), own);
}

/// Mounts a private /etc, with a resolv.conf for blue.
fn etc_of_its_own() {
    let none = None::<&str>;
    nix::mount::mount(none, "/etc", Some("tmpfs"), nix::mount::MsFlags::empty(), none).unwrap();
    fs::create_dir_all("/etc/netns/blue").unwrap();
    fs::write("/etc/netns/blue/resolv.conf", "blue's").unwrap();
}

#[test]
fn missing_etc_file_is_skipped_and_reported() {
    let Some(blue) = namespace() else { return };
    etc_of_its_own();
    let mut command = blue.command("true");
    command.keep_sys(true);
    let mut child = command.spawn().unwrap();
    let left_out = child.left_out().unwrap();
    assert_eq!(left_out.errno(), libc::ENOENT);
    let text = "spawn \"true\" in \"blue\": skip the file for /etc/resolv.conf: No such file";
    assert!(left_out.to_string().starts_with(text), "{left_out}");
    assert!(child.wait().unwrap().success());
    command.strict_etc(true);
    for (error, verb) in [(command.spawn().unwrap_err(), "spawn"), (command.exec(), "exec")] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = format!("{verb} \"true\" in \"blue\": bind on /etc/resolv.conf: No such file");
        assert!(error.to_string().starts_with(&text), "{error}");
    }
    fs::write("/etc/resolv.conf", "").unwrap();
    let mut child = command.spawn().unwrap();
    assert!(child.left_out().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn pin_etc_keeps_file_after_target_is_removed() {
    let Some(blue) = namespace() else { return };
    etc_of_its_own();
    fs::write("/etc/resolv.conf", "host's").unwrap();
    let mut command = blue.command("sh");
    command.args(["-c", "read line; cat /etc/resolv.conf"]).keep_sys(true).pin_etc(true);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Err(error) if [libc::ENODEV, libc::EPERM].contains(&error.errno()) => {
            eprintln!("skipped: {error}");
            return;
        }
        child => child.unwrap(),
    };
    fs::remove_file("/etc/resolv.conf").unwrap();
    drop(child.stdin.take());
    assert_eq!(child.wait_with_output().unwrap().stdout, b"blue's");
}

#[test]
fn arguments_and_environment_reach_program() {
    let Some(blue) = namespace() else { return };
    assert_eq!(text(blue.command("echo").arg("a  b").args(["$HOME", "*"])), "a  b $HOME *\n");
    let shell = |script| {
        let mut command = blue.command("sh");
        command.args(["-c", script]);
        command
    };
    assert_eq!(text(shell("echo $0").arg("zero")), "zero\n");
    assert_eq!(
        text(
            blue.command("sh")
                .arg0("other")
                .args(["-c", "tr '\\0' '\\n' </proc/$$/cmdline | head -n 1"])
        ),
        "other\n"
    );
    assert_eq!(
        text(shell("echo $A-$B-$PATH").env_clear().envs([
            ("A", "1"),
            ("B", "2"),
            ("PATH", "/bin:/usr/bin")
        ])),
        "1-2-/bin:/usr/bin\n"
    );
    let home = std::env::var("PATH").unwrap();
    assert_eq!(text(&mut shell("echo $PATH")), format!("{home}\n"));
    assert_eq!(text(shell("echo ${A-none}").env("A", "1").env_remove("A")), "none\n");
    assert_eq!(text(blue.command("pwd").current_dir("/usr")), "/usr\n");
}

#[test]
fn standard_streams_are_redirected_and_captured() {
    let Some(blue) = namespace() else { return };
    let mut file = File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open("/run/file")
        .unwrap();
    let status = blue.command("echo").arg("x").stdout(file.try_clone().unwrap()).status().unwrap();
    assert!(status.success());
    file.rewind().unwrap();
    let mut written = String::new();
    file.read_to_string(&mut written).unwrap();
    assert_eq!(written, "x\n");

    let mut child = blue
        .command("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(b"through").unwrap();
    assert!(child.stderr.is_none());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout, output.stderr), (b"through".to_vec(), vec![]));

    // More than fits into a pipe, on both streams.
    let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3";
    let output = blue.command("sh").args(["-c", script]).output().unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    assert_eq!(output.status.code(), Some(3));
    // The standard input of output() is empty.
    assert_eq!(text(&mut blue.command("cat")), "");
}

#[test]
fn output_reads_both_streams_without_threads() {
    let Some(blue) = namespace() else { return };
    // The next child is the first process of another PID namespace; threads cannot be in another one.
    unshare(CloneFlags::CLONE_NEWPID).unwrap();
    assert!(thread::Builder::new().spawn(|| ()).is_err());
    let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; exit 3";
    let mut command = blue.command("sh");
    command.args(["-c", script]).keep_sys(true).keep_etc(true);
    let output = command.output().unwrap();
    assert_eq!((output.stdout.len(), output.stderr.len()), (300_000, 300_000));
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn wait_with_output_reaps_child_on_read_error() {
    let Some(blue) = namespace() else { return };
    let mut child = blue.command("true").spawn().unwrap();
    let pid = Pid::from_raw(child.id() as i32);
    child.stdout = Some(ChildStdout::from(OwnedFd::from(File::open("/").unwrap())));
    let error = child.wait_with_output().unwrap_err();
    assert_eq!(error.errno(), libc::EISDIR, "{error}");
    assert_eq!(waitpid(pid, Some(WaitPidFlag::WNOHANG)), Err(Errno::ECHILD));
}

#[test]
fn child_kill_and_wait_return_exit_status() {
    let Some(blue) = namespace() else { return };
    let mut child = blue.command("sleep").arg("600").spawn().unwrap();
    assert_eq!(blue.pids().unwrap(), [child.id()]);
    assert_eq!(Namespace::of_pid(child.id()).unwrap(), blue);
    if let Some(pidfd) = child.pidfd() {
        assert_eq!(Namespace::of_fd(pidfd).unwrap(), blue);
    }
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.code()), (Some(libc::SIGKILL), None));
    assert_eq!(child.wait().unwrap(), status);
    assert_eq!(child.try_wait().unwrap(), Some(status));
    child.kill().unwrap();

    let mut child = blue.command("true").spawn().unwrap();
    nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child.id() as i32), None).unwrap();
    assert_eq!(child.wait().unwrap_err().errno(), libc::ECHILD);
}

#[test]
fn kill_ignores_process_with_reused_pid() {
    let Some(blue) = namespace() else { return };
    let mut child = blue.command("true").spawn().unwrap();
    let pid = child.id() as i32;
    nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid), None).unwrap();
    // SAFETY: the struct consists of numbers.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.exit_signal = libc::SIGCHLD as u64;
    args.set_tid = &raw const pid as u64;
    args.set_tid_size = 1;
    // SAFETY: this is a fork, whose child only waits.
    let other = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of_val(&args)) };
    if other == 0 {
        loop {
            // SAFETY: this waits for a signal.
            unsafe { libc::pause() };
        }
    }
    if other < 0 || child.pidfd().is_none() {
        eprintln!("skipped: a process of a given number: {}", std::io::Error::last_os_error());
        return;
    }
    let killed = child.kill();
    let other = nix::unistd::Pid::from_raw(other as i32);
    nix::sys::signal::kill(other, nix::sys::signal::Signal::SIGTERM).unwrap();
    let end = nix::sys::wait::waitpid(other, None).unwrap();
    assert_eq!(killed.unwrap_err().errno(), libc::ESRCH);
    let sigterm = nix::sys::signal::Signal::SIGTERM;
    assert_eq!(end, nix::sys::wait::WaitStatus::Signaled(other, sigterm, false));
}

/// Returns whether the process ignores SIGPIPE, according to /proc/PID/status.
fn ignores_sigpipe(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << (libc::SIGPIPE - 1) != 0
}

#[test]
fn program_starts_with_default_sigpipe() {
    let Some(blue) = namespace() else { return };
    let own = || fs::read_to_string("/proc/self/status").unwrap();
    assert!(ignores_sigpipe(&own()));
    assert!(!ignores_sigpipe(&text(blue.command("cat").arg("/proc/self/status"))));
    let mut exec = blue.command("cat");
    exec.arg("/proc/self/status").stdin(Stdio::null());
    assert!(!ignores_sigpipe(&text_of_exec(&mut exec)));
    blue.command("/nowhere/program").exec();
    assert!(ignores_sigpipe(&own()));
}

#[test]
fn setsid_and_user_apply_to_program() {
    let Some(blue) = namespace() else { return };
    let mut child = blue.command("sleep").arg("600").setsid(true).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    assert_eq!(nix::unistd::getsid(Some(pid)).unwrap(), pid);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut id = blue.command("id");
    match id.user(1234, 1235, &[1236]).output() {
        Ok(output) => {
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.starts_with("uid=1234 gid=1235"), "{text}");
            assert!(text.trim_end().ends_with("1236"), "{text}");
        }
        Err(error) => {
            // In a user namespace that maps only one user.
            assert!([libc::EINVAL, libc::EPERM].contains(&error.errno()), "{error}");
            eprintln!("skipped: another user: {error}");
        }
    }
    let error = blue.command("id").user(u32::MAX, 0, &[]).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = blue.command("id").user(1, 1, &[1; 65537]).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn spawn_and_exec_report_cause_of_failure() {
    let Some(blue) = namespace() else { return };
    let error = blue.command("/nowhere/program").spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().starts_with("spawn \"/nowhere/program\" in \"blue\": exec: "),
        "{error}"
    );
    assert_eq!(blue.command("/").spawn().unwrap_err().errno(), libc::EACCES);
    let error = blue.command("true").current_dir("/nowhere").spawn().unwrap_err();
    assert!(error.to_string().contains("chdir to /nowhere: No such file"), "{error}");
    assert_eq!(error.errno(), libc::ENOENT);
    for error in [
        blue.command("tr\0ue").spawn().unwrap_err(),
        blue.command("true").arg("a\0b").spawn().unwrap_err(),
        blue.command("true").env("A", "a\0b").spawn().unwrap_err(),
        blue.command("true").current_dir("a\0b").spawn().unwrap_err(),
        blue.command("true\0").exec(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(blue.command("").spawn().unwrap_err().errno(), libc::ENOENT);
}

#[test]
fn exec_replaces_the_process_or_changes_nothing() {
    let Some(blue) = namespace() else { return };
    let before = fs::read_link("/proc/thread-self/ns/mnt").unwrap();
    let error = blue.command("/nowhere/program").exec();
    assert!(
        error.to_string().starts_with("exec \"/nowhere/program\" in \"blue\": exec: "),
        "{error}"
    );
    assert_eq!(fs::read_link("/proc/thread-self/ns/mnt").unwrap(), before);
    assert!(!blue.is_current().unwrap());
    let seen = text_of_exec(blue.command("readlink").arg("/proc/self/ns/net"));
    assert_eq!(seen, format!("net:[{}]\n", blue.inode()));
}

/// Returns the standard output of the program, which replaces a child.
fn text_of_exec(command: &mut Command) -> String {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).unwrap();
    // SAFETY: the child allocates, which glibc's fork permits, and ends or executes a program.
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            command.stdout(write).exec();
            std::process::abort();
        }
        nix::unistd::ForkResult::Parent { child } => {
            drop(write);
            let mut text = String::new();
            File::from(read).read_to_string(&mut text).unwrap();
            nix::sys::wait::waitpid(child, None).unwrap();
            text
        }
    }
}
