//! `scripts/launch`: what ranks are told, what is said of them, and that they end together.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The launcher with ranks that run a line of a shell.
fn launch(options: &[&str], n: usize, line: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/launch");
    let mut command = Command::new(script);
    command
        .args(options)
        .arg(n.to_string())
        .args(["sh", "-c", line])
        .env_remove("MASTER_ADDR")
        .env_remove("MASTER_PORT");
    command
}

fn lines(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::to_owned).collect()
}

fn status(output: &Output) -> i32 {
    let told = || String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.code().unwrap_or_else(|| panic!("{}", told()))
}

/// Whether a process is there; one that has ended and that nobody has asked for is not.
fn is_there(pid: &str) -> bool {
    let stat = std::fs::read_to_string(PathBuf::from("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn ranks_are_told_what_torchrun_tells() {
    let line = "echo $RANK $LOCAL_RANK $WORLD_SIZE $LOCAL_WORLD_SIZE $MASTER_ADDR $MASTER_PORT; \
                echo error >&2; printf 'no end'";
    let output = launch(&[], 3, line).output().unwrap();
    assert_eq!(status(&output), 0);
    let out = lines(&output.stdout);
    let first = out.iter().find(|line| line.starts_with("[0] 0")).unwrap();
    let port: u16 = first.rsplit(' ').next().unwrap().parse().unwrap();
    let expected = (0..3).flat_map(|k| {
        let told = format!("[{k}] {k} {k} 3 3 127.0.0.1 {port}");
        [told, format!("[{k}] no end")]
    });
    assert_eq!(out, expected.collect());
    let errors = (0..3).map(|k| format!("[{k}] error"));
    assert_eq!(lines(&output.stderr), errors.collect());

    let mut given = launch(&[], 1, "echo $MASTER_ADDR:$MASTER_PORT");
    given
        .env("MASTER_ADDR", "10.0.0.7")
        .env("MASTER_PORT", "29500");
    assert_eq!(given.output().unwrap().stdout, b"[0] 10.0.0.7:29500\n");
}

#[test]
fn one_that_fails_ends_the_others() {
    // rank 1 waits for those who would hear of it
    let line = "if [ $RANK = 1 ]; then while [ ! -e $READY/0 -o ! -e $READY/2 ]; do sleep 0.02; done; exit 7; fi; \
                trap 'echo asked; exit 9' TERM; sleep 600 & : > $READY/$RANK; wait";
    let folder = tempfile::tempdir().unwrap();
    let mut command = launch(&[], 3, line);
    let output = command.env("READY", folder.path()).output().unwrap();
    assert_eq!(status(&output), 7);
    let asked = ["[0] asked", "[2] asked"].map(str::to_owned);
    assert_eq!(lines(&output.stdout), asked.into());
    let told = lines(&output.stderr);
    let expected = "launch: rank 1 ended with status 7; the others are ended";
    assert!(told.contains(expected), "{told:?}");
}

#[test]
fn who_does_not_mind_is_killed_with_his_children() {
    // rank 1 waits until rank 0 has said that it will not mind
    let line = "if [ $RANK = 1 ]; then while [ ! -e $READY ]; do sleep 0.02; done; kill -9 $$; fi; \
                trap '' TERM; sleep 600 & echo $$ $!; : > $READY; while :; do sleep 0.1; done";
    let folder = tempfile::tempdir().unwrap();
    let mut command = launch(&["--grace", "0.3"], 2, line);
    let output = command
        .env("READY", folder.path().join("ready"))
        .output()
        .unwrap();
    assert_eq!(status(&output), 128 + 9);
    let out = String::from_utf8(output.stdout).unwrap();
    let pids = out.trim().strip_prefix("[0] ").unwrap().split(' ');
    assert_eq!(pids.clone().count(), 2);
    for pid in pids {
        assert!(!is_there(pid), "{out}");
    }
}

#[test]
fn what_ends_the_launcher_ends_all() {
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        let mut command = launch(&[], 2, "echo $$; sleep 600");
        let mut child: Child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let pids: Vec<String> = out
            .take(2)
            .map(|line| line.unwrap()[4..].to_owned())
            .collect();
        assert!(pids.iter().all(|pid| is_there(pid)));
        let launcher = child.id().to_string();
        let sent = Command::new("kill")
            .args(["-s", signal, &launcher])
            .status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(128 + number));
        assert!(!pids.iter().any(|pid| is_there(pid)), "{signal}");
    }
}

#[test]
fn what_cannot_be_started_is_said() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/launch");
    let cases: [(&[&str], i32, &str); 5] = [
        (&[], 2, "how many ranks"),
        (&["0", "true"], 2, "how many ranks"),
        (&["2"], 2, "no command"),
        (&["--grace", "x", "2", "true"], 2, "a number"),
        (
            &["2", "/no/such/program"],
            127,
            "/no/such/program: No such file",
        ),
    ];
    for (words, code, says) in cases {
        let output = Command::new(&script).args(words).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(status(&output), code, "{words:?}: {told}");
        assert!(told.contains(says), "{words:?}: {told}");
    }
}
