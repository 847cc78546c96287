//! How ranks of several processes meet, and how that fails.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use warpsmith::Device;
use warpsmith::distributed::Communicator;

use crate::ranks::{devices, says};
use crate::runs::{free_behind_a_taken, free_port};

const SOON: Duration = Duration::from_secs(1);
/// Says to a process of a scenario that it is one of its cases.
pub const CASE: &str = "WARPSMITH_TEST_CASE";

/// This scenario once more in a process that has these variables, which answers what `from_env` says.
fn with(variables: &[(&str, &str)]) -> String {
    begin(variables)
        .wait_with_output()
        .map_or(String::new(), said)
}

fn said(output: std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn begin(variables: &[(&str, &str)]) -> std::process::Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .env(CASE, "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.envs(variables.iter().copied()).spawn().unwrap()
}

/// Whether this process is one of [`with`], which then says what came.
fn is_case() -> bool {
    if env::var_os(CASE).is_none() {
        return false;
    }
    devices();
    let patient = env::var(CASE).is_ok_and(|how| how == "patient");
    let limit = if patient { 20 * SOON } else { SOON };
    match Communicator::from_env_within(limit) {
        Ok(own) => println!("{own:?}"),
        Err(error) => println!("{error}"),
    }
    true
}

fn variables(port: &str) -> [(&str, &str); 5] {
    [
        ("RANK", "0"),
        ("WORLD_SIZE", "2"),
        ("LOCAL_RANK", "0"),
        ("MASTER_ADDR", "127.0.0.1"),
        ("MASTER_PORT", port),
    ]
}

fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{text:?} does not say {word:?}");
    }
}

/// Variables that are missing or make no sense.
pub fn variables_of(cases: &[(&str, &str, &[&str])]) {
    for (name, value, words) in cases {
        let mut all = variables("29500");
        let at = all.iter_mut().find(|(n, _)| n == name).unwrap();
        at.1 = value;
        assert_says(&with(&all), words);
    }
}

pub fn variables_wrong() {
    if is_case() {
        return;
    }
    let devices = format!("a device ordinal below {}", Device::cuda_count().unwrap());
    variables_of(&[
        ("RANK", "", &["RANK in the environment", "torchrun"]),
        ("RANK", "x", &["a number in RANK", "\"x\""]),
        ("RANK", "2", &["a RANK below WORLD_SIZE = 2", "got 2"]),
        ("WORLD_SIZE", "0", &["a WORLD_SIZE of at least 1"]),
        ("LOCAL_RANK", "999", &[&devices, "got 999"]),
        ("MASTER_ADDR", "", &["MASTER_ADDR in the environment"]),
        (
            "MASTER_ADDR",
            "no such host",
            &["no such host", "no address"],
        ),
        (
            "MASTER_PORT",
            "70000",
            &["MASTER_PORT in 1..65536", "70000"],
        ),
    ]);
    // one rank meets nobody
    let mut alone = variables("29500");
    alone[1].1 = "1";
    assert_says(&with(&alone), &["rank 0 of 1 on cuda:0"]);
}

pub fn port_in_use() {
    if is_case() {
        return;
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_says(
        &with(&variables(&port)),
        &["rank 0 of 2", &port, "in use", "MASTER_PORT"],
    );
}

/// Where torchrun's agent has a store at MASTER_PORT, ranks meet at the port behind it, or where they are told to.
pub fn agent_store() {
    if is_case() {
        return;
    }
    let (agent, next) = free_behind_a_taken();
    let port = agent.local_addr().unwrap().port().to_string();
    let both = |more: &[(&str, &str)]| {
        let of = |rank: usize| {
            let mut own = variables(&port);
            (own[0].1, own[2].1) = (["0", "1"][rank], ["0", "1"][rank]);
            begin(&[&own[..], more, &[(CASE, "patient")]].concat())
        };
        let children = [of(0), of(1)];
        children.map(|child| said(child.wait_with_output().unwrap()))
    };
    let agents = ("TORCHELASTIC_USE_AGENT_STORE", "True");
    let told = free_port().to_string();
    for more in [&[agents][..], &[agents, ("WARPSMITH_MASTER_PORT", &told)]] {
        let [first, second] = both(more);
        assert_says(&first, &["rank 0 of 2 on cuda:0"]);
        assert_says(&second, &["rank 1 of 2 on cuda:1"]);
    }
    // nobody of them has come to the agent, which would not understand
    agent.set_nonblocking(true).unwrap();
    assert!(agent.accept().is_err());
    let own = variables(&port);
    let no_agent = [&own[..], &[("TORCHELASTIC_USE_AGENT_STORE", "False")]];
    assert_says(
        &with(&no_agent.concat()),
        &[&port, "in use", "another MASTER_PORT"],
    );
    let _other = TcpListener::bind(("127.0.0.1", next)).unwrap();
    let taken = with(&[&own[..], &[agents]].concat());
    let next = next.to_string();
    assert_says(&taken, &[&next, "in use", "another WARPSMITH_MASTER_PORT"]);
    let wrong = with(&[&own[..], &[("WARPSMITH_MASTER_PORT", "0")]].concat());
    assert_says(&wrong, &["a WARPSMITH_MASTER_PORT in 1..65536"]);
    let last = with(&[&variables("65535")[..], &[agents]].concat());
    assert_says(&last, &["WARPSMITH_MASTER_PORT", "65535"]);
}

pub fn nobody_comes() {
    if is_case() {
        return;
    }
    let (port, since) = (free_port().to_string(), Instant::now());
    let mut three = variables(&port);
    three[1].1 = "3";
    let rank_0 = begin(&three);
    let mut stranger = TcpStream::connect(("127.0.0.1", port.parse().unwrap()));
    while stranger.is_err() && since.elapsed() < Duration::from_secs(8) {
        thread::sleep(Duration::from_millis(1));
        stranger = TcpStream::connect(("127.0.0.1", port.parse().unwrap()));
    }
    stranger.unwrap().write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let missing = ["rank 0 of 3", "rank 1, 2 did not come", &port, "within 1 s"];
    let text = said(rank_0.wait_with_output().unwrap());
    assert_says(&text, &missing);
    assert_says(&text, &["1 came who are no ranks", "GET / HTTP/1.1"]);
    assert!(since.elapsed() < Duration::from_secs(8));
}

/// Nobody at the address, or one who says nothing, something else, or nothing more.
pub fn no_rank_0() {
    if is_case() {
        return;
    }
    let port = free_port().to_string();
    let as_rank_1 = |port: &str| {
        let mut all = variables(port);
        all[0].1 = "1";
        with(&all)
    };
    assert_says(
        &as_rank_1(&port),
        &["rank 1 of 2", "no rank 0 was at", &port, "within 1 s"],
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answers: [(&'static [u8], &[&str]); 3] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            &["is no rank 0", "HTTP/1.1 400"],
        ),
        (b"id 00\n", &["is no rank 0", "id 00"]),
        (b"", &["ended before it gave the unique id"]),
    ];
    thread::scope(|scope| {
        for (answer, words) in answers {
            let listener = &listener;
            scope.spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                stream.write_all(answer).unwrap();
            });
            assert_says(&as_rank_1(&port), words);
        }
        // connected, and never a word
        let since = Instant::now();
        let late = ["the unique id did not come", "within 1 s"];
        assert_says(&as_rank_1(&port), &late);
        assert!(since.elapsed() < Duration::from_secs(8));
    });
    // nor a line that ends
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let since = Instant::now();
            while stream.write_all(b"i").is_ok() && since.elapsed() < Duration::from_secs(20) {
                thread::sleep(Duration::from_millis(50));
            }
        });
        let since = Instant::now();
        let late = ["the unique id did not come", "within 1 s"];
        assert_says(&as_rank_1(&port), &late);
        assert!(since.elapsed() < Duration::from_secs(8));
    });
}

/// Who comes to rank 0 and is no rank is left alone, also where he says nothing, as five do; the ranks meet all the same, and
/// sooner than one after the other may take to speak.
pub fn strangers() {
    if is_case() {
        return;
    }
    let port = free_port();
    let text = port.to_string();
    let mut first = variables(&text);
    let rank_0 = begin(&[&first[..], &[(CASE, "patient")]].concat());
    let mut kept = Vec::new();
    let since = Instant::now();
    while kept.len() < 6 && since.elapsed() < Duration::from_secs(10) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            if kept.is_empty() {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\n\r\n");
            }
            kept.push(stream);
        }
        thread::sleep(Duration::from_millis(5));
    }
    first[0].1 = "1";
    first[2].1 = "1";
    let rank_1 = with(&[&first[..], &[(CASE, "patient")]].concat());
    assert_says(&rank_1, &["rank 1 of 2 on cuda:1"]);
    assert_says(
        &said(rank_0.wait_with_output().unwrap()),
        &["rank 0 of 2 on cuda:0"],
    );
    drop(kept);
}

/// Two processes that were told one rank, all of which hear it.
pub fn twice() {
    if is_case() {
        return;
    }
    let port = free_port().to_string();
    let of = |rank: &'static str| {
        let mut own = variables(&port);
        (own[0].1, own[1].1) = (rank, "3");
        begin(&[&own[..], &[(CASE, "patient")]].concat())
    };
    for child in ["0", "1", "1"].map(of) {
        let text = said(child.wait_with_output().unwrap());
        assert_says(&text, &["two processes have RANK 1"]);
    }
}

/// What comes as a rank, and then says what no rank says, or nothing more and ends, or nothing more and stays.
pub fn no_rank() {
    if is_case() {
        return;
    }
    let cases: [(&str, &[u8], &[&str]); 3] = [
        (
            "patient",
            b"nonsense\n",
            &["what rank 1 says is no line", "nonsense"],
        ),
        ("patient", b"", &["rank 1 is gone"]),
        (
            "1",
            b"at 1 0 \n",
            &[
                "Communicator has not begun within 1 s",
                "rank 1 has not come to it",
            ],
        ),
    ];
    for (how, line, words) in cases {
        let port = free_port();
        let text = port.to_string();
        let rank_0 = begin(&[&variables(&text)[..], &[(CASE, how)]].concat());
        let since = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", port));
        while stream.is_err() && since.elapsed() < Duration::from_secs(15) {
            thread::sleep(Duration::from_millis(5));
            stream = TcpStream::connect(("127.0.0.1", port));
        }
        let mut stream = stream.unwrap();
        stream.write_all(b"warpsmith 1 1 2\n").unwrap();
        let mut answer = [0; 260];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer.starts_with(b"id "));
        stream.write_all(line).unwrap();
        // what stays open says nothing of an end
        let kept = (!line.is_empty()).then_some(stream);
        assert_says(&said(rank_0.wait_with_output().unwrap()), words);
        drop(kept);
    }
}

/// Two processes that were told different sizes, both of which hear it.
pub fn world_sizes() {
    devices();
    // the runner has said 2 to both
    let rank = env::var("RANK").unwrap();
    if rank == "1" && env::var_os(CASE).is_none() {
        assert_says(
            &with(&[("WORLD_SIZE", "3")]),
            &["rank 0 has WORLD_SIZE 2, rank 1 has 3"],
        );
        return;
    }
    if is_case() {
        return;
    }
    let limit = Duration::from_secs(20);
    says(
        Communicator::from_env_within(limit),
        &["rank 0 of 2", "rank 0 has WORLD_SIZE 2, rank 1 has 3"],
    );
}
