//! The engine as a process: its command channel, its ports, its end.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Controller, Engine, Phone, eventually, sleep_ms};
use media_proto::codec::Codec::Pcmu;
use media_proto::rtcp::{self, Received, Report, Sent};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn streams_go_on_without_a_lost_packet_while_control_dies_and_comes_back() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    let sender = std::thread::spawn(move || {
        a.talk(0x21, 100);
        a.press('7');
        a.talk(0x21, 20);
        a
    });
    sleep_ms(300);
    drop(control);
    sleep_ms(800);
    let mut second = Controller::connect(&engine.socket);
    let hello = second.ok(json!({"op": "hello", "proto": 1}));
    assert_eq!(hello["sessions"], json!(2));
    let mut list = second.ok(json!({"op": "list"}))["sessions"].as_array().unwrap().clone();
    list.sort_by_key(|listed| listed["session"].to_string());
    assert_eq!(list[0]["source"], json!({"kind": "session", "session": "b"}));
    assert_eq!((&list[1]["port"], &list[1]["tag"]), (&json!(b.engine.port()), &json!("a tag")));
    // A third one takes over from the second, and asks again for what the first two may not have read.
    let mut third = Controller::connect(&engine.socket);
    third.ok(json!({"op": "hello", "proto": 1, "after": 0}));
    while second.read().is_some() {}
    assert_eq!(third.event("dtmf")["digit"], json!("7"));
    let kept = third.heard("latched");
    assert_eq!(numbers(&kept), [1]);
    sender.join().unwrap();
    b.wait_for_bytes(0x21, 120);
    b.assert_one_stream();
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["n"].as_u64().unwrap()).collect()
}

#[test]
fn ports_run_out_cleanly_drain_and_come_back() {
    let engine = Engine::start_with(&[], 2);
    let mut control = engine.controller();
    let first = control.ok(json!({"op": "open", "session": "a"}));
    assert_eq!(first["port"].as_u64().unwrap() % 2, 0);
    assert_eq!(first["rtcp_port"].as_u64().unwrap(), first["port"].as_u64().unwrap() + 1);
    assert_eq!(control.refused(json!({"op": "open", "session": "a"})), "exists");
    control.ok(json!({"op": "open", "session": "b"}));
    assert_eq!(control.refused(json!({"op": "open", "session": "c"})), "no_ports");
    control.ok(json!({"op": "close", "session": "a"}));
    assert_eq!(control.refused(json!({"op": "open", "session": "c"})), "no_ports", "it drains");
    sleep_ms(2050);
    assert_eq!(control.ok(json!({"op": "open", "session": "c"}))["port"], first["port"]);
    // One that another program holds is passed over.
    control.ok(json!({"op": "close", "session": "c"}));
    sleep_ms(2100);
    let _occupied = UdpSocket::bind(("127.0.0.1", first["rtcp_port"].as_u64().unwrap() as u16)).unwrap();
    assert_eq!(control.refused(json!({"op": "open", "session": "d"})), "no_ports");
    assert_eq!(control.refused(json!({"op": "open", "session": "d", "ip": "192.0.2.1"})), "bad_ip");
    assert_eq!(control.refused(json!({"op": "open", "session": "d", "ip": "here"})), "bad_ip");
    let stats = control.ok(json!({"op": "stats"}));
    assert_eq!((&stats["stats"]["sessions"], &stats["stats"]["ports_free"]), (&json!(1), &json!(1)));
}

#[test]
fn bad_commands_are_refused_with_a_reason_and_change_nothing() {
    let engine = Engine::start();
    let mut stranger = Controller::connect(&engine.socket);
    assert_eq!(stranger.refused(json!({"op": "list"})), "bad_command");
    assert_eq!(stranger.refused(json!({"op": "hello", "proto": 99})), "bad_value");
    let mut control = engine.controller();
    control.ok(json!({"op": "open", "session": "a"}));
    let remote = |change: Value| {
        let mut remote = json!({"op": "remote", "session": "a", "ip": "127.0.0.1", "port": 4000,
            "codecs": [{"name": "PCMU", "pt": 0}], "direction": "sendrecv"});
        remote.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        remote
    };
    for (command, code) in [
        (json!({"op": "frobnicate"}), "bad_command"),
        (json!({}), "bad_command"),
        (json!({"op": "open"}), "bad_value"),
        (json!({"op": "open", "session": 7}), "bad_value"),
        (remote(json!({"session": "b"})), "no_session"),
        (remote(json!({"ip": "example.org"})), "bad_ip"),
        (remote(json!({"ip": "::1"})), "bad_ip"),
        (remote(json!({"port": 0})), "bad_value"),
        (remote(json!({"port": 65_536})), "bad_value"),
        (remote(json!({"codecs": []})), "bad_value"),
        (remote(json!({"codecs": [{"name": "G729", "pt": 18}]})), "bad_value"),
        (remote(json!({"dtmf": [{"pt": 0}]})), "bad_value"),
        (remote(json!({"dtmf": [{"pt": 128}]})), "bad_value"),
        (remote(json!({"dtmf": [{"pt": 101, "rx_pt": 0}]})), "bad_value"),
        (remote(json!({"dtmf": [{"pt": 101, "clock": 90_000}]})), "bad_value"),
        (remote(json!({"direction": "sideways"})), "bad_value"),
        (json!({"op": "hear", "session": "a", "source": {"kind": "session", "session": "b"}}), "no_session"),
        (json!({"op": "hear", "session": "a", "source": {"kind": "session", "session": "a"}}), "bad_value"),
        (json!({"op": "hear", "session": "a", "source": {"kind": "mixer", "mixer": "m"}}), "no_mixer"),
        (json!({"op": "hear", "session": "a", "source": {"kind": "choir"}}), "bad_value"),
        (json!({"op": "hear", "session": "a", "source": {"kind": "music", "file": "/none.wav"}}), "bad_file"),
        (json!({"op": "play", "session": "a", "play": "p", "files": []}), "bad_value"),
        (json!({"op": "play", "session": "a", "play": "p", "files": ["/dev/zero"]}), "bad_file"),
        (json!({"op": "play", "session": "a", "play": "p", "files": ["/"]}), "bad_file"),
        (json!({"op": "mixer_play", "mixer": "m", "files": ["/none.wav"]}), "no_mixer"),
        (json!({"op": "stats", "session": "b"}), "no_session"),
    ] {
        assert_eq!(control.refused(command.clone()), code, "{command}");
    }
    control.send(&json!({"op": "close", "session": "b"}));
    let event = control.event("error");
    assert_eq!(
        (&event["op"], &event["error"], &event["session"]),
        (&json!("close"), &json!("no_session"), &json!("b"))
    );
    control.write(b"\0\0\0\x03abc");
    assert_eq!(control.event("error")["error"], json!("bad_command"));
    assert_eq!(control.ok(json!({"op": "list"}))["sessions"].as_array().unwrap().len(), 1);
    control.write(&[0xff; 8]);
    assert_eq!(control.read(), None, "a frame that is too long ends the connection");
    engine.controller();
}

#[test]
fn the_socket_is_private_a_stale_one_is_replaced_and_a_living_one_is_not() {
    let mut engine = Engine::start();
    let mode = std::fs::metadata(&engine.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = |engine: &Engine| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tongdai-media"));
        command.arg("--socket").arg(&engine.socket).args(["--ip", "127.0.0.1", "--ports", "9000-9009"]);
        command
    };
    let refused = second(&engine).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another engine listens on"));
    engine.signal("-KILL");
    engine.wait();
    assert!(engine.socket.exists());
    engine.child = second(&engine).spawn().unwrap();
    let mut tries = 0;
    while UnixStream::connect(&engine.socket).is_err() {
        tries += 1;
        assert!(tries < 500, "the second engine does not listen");
        sleep_ms(10);
    }
    engine.controller();
    drop(UnixListener::bind(engine.path("other.sock")));
}

#[test]
fn sessions_that_nobody_claims_are_ended_and_told_of() {
    let engine = Engine::start_with(&["--orphan-seconds", "1"], 20);
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    control.ok(json!({"op": "mixer_open", "mixer": "m"}));
    sleep_ms(1200);
    assert_eq!(control.ok(json!({"op": "list"}))["sessions"].as_array().unwrap().len(), 1);
    drop(control);
    sleep_ms(1300);
    a.forget();
    let mut control = engine.controller();
    let list = control.ok(json!({"op": "list"}));
    assert_eq!((&list["sessions"], &list["mixers"]), (&json!([]), &json!([])));
    assert_eq!(control.event("orphaned")["session"], json!("a"));
    assert_eq!(control.ok(json!({"op": "stats"}))["stats"]["orphaned"], json!(1));
    assert!(a.heard().is_empty());
}

#[test]
fn it_outlives_its_supervisor_until_another_comes_or_none_does() {
    let folder = std::env::temp_dir().join(format!("tongdai-lifeline-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("lifeline");
    let listener = UnixListener::bind(&path).unwrap();
    let first = UnixStream::connect(&path).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tongdai-media"))
        .arg("--socket")
        .arg(folder.join("s"))
        .args(["--ip", "127.0.0.1", "--ports", "9100-9109", "--lifeline-fd", "0", "--orphan-seconds", "2"])
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .spawn()
        .unwrap();
    assert_eq!(greeting(&first)["pid"], json!(child.id()));
    drop(first);
    let second = UnixStream::connect(&path).unwrap();
    assert_eq!(greeting(&second), json!({"pid": child.id(), "ready": true}));
    sleep_ms(3000);
    assert!(child.try_wait().unwrap().is_none(), "the second holds it");
    let begun = Instant::now();
    drop(second);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_millis(1900));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn it_ends_with_its_last_session_when_another_engine_has_taken_its_place() {
    let folder = std::env::temp_dir().join(format!("tongdai-retire-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (path, socket) = (folder.join("lifeline"), folder.join("s"));
    let listener = UnixListener::bind(&path).unwrap();
    let mut supervisor = UnixStream::connect(&path).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tongdai-media"))
        .arg("--socket")
        .arg(&socket)
        .args(["--ip", "127.0.0.1", "--ports", "9110-9119", "--lifeline-fd", "0"])
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .spawn()
        .unwrap();
    greeting(&supervisor);
    let mut control = Controller::connect(&socket);
    control.ok(json!({"op": "hello", "proto": 1}));
    control.ok(json!({"op": "open", "session": "a"}));
    supervisor.write_all(b"what?\n").unwrap();
    supervisor.write_all(b"retire\n").unwrap();
    sleep_ms(200);
    control.ok(json!({"op": "open", "session": "b"}));
    control.ok(json!({"op": "close", "session": "a"}));
    sleep_ms(200);
    assert!(child.try_wait().unwrap().is_none(), "it has another");
    let record = folder.join("r.wav");
    control.ok(json!({"op": "record", "session": "b", "record": "r", "path": record, "max_ms": 9000}));
    assert!(control.ok(json!({"op": "close", "session": "b"}))["stats"].is_object());
    assert_eq!(control.event("record_done")["record"], json!("r"), "nothing is cut off");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!socket.exists());
    std::fs::remove_dir_all(folder).unwrap();
}

/// What the engine says to a supervisor that connects.
fn greeting(mut stream: &UnixStream) -> Value {
    let mut bytes = [0; 256];
    let count = stream.read(&mut bytes).unwrap();
    serde_json::from_slice(&bytes[..count]).unwrap()
}

#[test]
fn a_peer_that_sends_nothing_or_only_silence_is_told_of_once_and_so_is_its_return() {
    let engine = Engine::start_with(&["--quiet-seconds", "1"], 20);
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.connect_phone("a", &mut a);
    control.connect_as("b", &mut b, "sendonly");
    a.talk(0x21, 10);
    sleep_ms(1300);
    a.talk(0x21, 2);
    a.talk(0xff, 60);
    a.talk(0x21, 2);
    control.has_heard("a", &a);
    let (quiet, heard) = (control.heard("quiet"), control.heard("heard"));
    assert_eq!((quiet.len(), heard.len()), (2, 2), "{quiet:?} {heard:?}");
    for ((quiet, heard), lack) in quiet.iter().zip(&heard).zip(["packets", "sound"]) {
        assert_eq!((&quiet["session"], &heard["session"]), (&json!("a"), &json!("a")));
        assert_eq!(quiet["lack"], json!(lack));
        // Nothing is told too early; how late, and how long a phone's pause was, depends on what else the machine has to do.
        let (quiet_ms, heard_ms) = (quiet["ms"].as_u64().unwrap(), heard["ms"].as_u64().unwrap());
        assert!((1000..3000).contains(&quiet_ms), "{quiet}");
        assert!((quiet_ms..4000).contains(&heard_ms), "{heard}");
    }
}

/// The next packet; a signal that comes meanwhile is no error.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> (usize, std::net::SocketAddr) {
    loop {
        match socket.recv_from(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            received => return received.unwrap(),
        }
    }
}

#[test]
fn reports_go_both_ways_and_tell_loss_and_round_trip() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    let rtcp_socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    rtcp_socket.set_read_timeout(Some(common::PATIENCE)).unwrap();
    let opened = control.ok(json!({"op": "open", "session": "a"}));
    a.engine = ([127, 0, 0, 1], opened["port"].as_u64().unwrap() as u16).into();
    control.ok(json!({
        "op": "remote", "session": "a", "ip": "127.0.0.1", "port": a.port(), "direction": "sendrecv",
        "rtcp_port": rtcp_socket.local_addr().unwrap().port(), "codecs": [{"name": "PCMU", "pt": 0}],
    }));
    a.talk(0x21, 10);
    a.sequence += 10;
    a.talk(0x21, 10);
    let heard = a.wait_for("silence", |_| true).packet;
    let (ours, highest_sequence) = (heard.ssrc, u32::from(heard.sequence));
    let asked = Instant::now();
    let mut buffer = [0; 500];
    let (length, from) = receive(&rtcp_socket, &mut buffer);
    assert_eq!(from.port(), a.engine.port() + 1);
    let report = rtcp::parse(&buffer[..length], a.ssrc).unwrap();
    let block = report.block.unwrap();
    assert_eq!((block.lost, block.fraction_lost), (10, 85));
    let sent_packets = u32::from_be_bytes(buffer[20..24].try_into().unwrap());
    assert!(sent_packets >= 20, "{sent_packets}");
    // The answer comes 50 ms later than it says.
    let measured =
        media_proto::rx::Measured { ssrc: ours, fraction_lost: 0, lost: 3, highest_sequence, jitter: 80 };
    let last_report = report.sender_report.unwrap();
    let answer = Report {
        ssrc: a.ssrc,
        cname: "phone",
        sent: Some(Sent { ntp: 0, timestamp: 0, packets: 0, octets: 0 }),
        received: Some(Received { measured, last_report, delay: 0 }),
        goodbye: false,
    };
    let mut packet = [0; rtcp::MAX_LEN];
    let length = answer.write(&mut packet);
    sleep_ms(50);
    rtcp_socket.send_to(&packet[..length], from).unwrap();
    let mut stats = Value::Null;
    eventually("the report is read", || {
        stats = control.ok(json!({"op": "stats", "session": "a"}))["stats"].clone();
        stats["rtt_ms"].is_number()
    });
    let round_trip = stats["rtt_ms"].as_f64().unwrap();
    let most = asked.elapsed().as_millis() as f64;
    assert!((50.0..=most).contains(&round_trip), "{stats}: of at most {most}");
    assert_eq!((&stats["tx_lost"], &stats["tx_jitter_ms"]), (&json!(3), &json!(10.0)));
    let (reported, sent) = (stats["tx_reported"].as_u64().unwrap(), stats["tx_packets"].as_u64().unwrap());
    assert!(1 <= reported && reported < sent, "{stats}");
    assert_eq!(stats["rx_lost"], json!(10));
    // A stranger who knows all of it, and says that everything is lost.
    let measured = media_proto::rx::Measured { lost: 999, ..measured };
    let lie =
        Report { received: Some(Received { measured, last_report, delay: 0 }), goodbye: true, ..answer };
    let length = lie.write(&mut packet);
    UdpSocket::bind("127.0.0.9:0").unwrap().send_to(&packet[..length], from).unwrap();
    let before = stats;
    let mut stats = Value::Null;
    eventually("the stranger is counted", || {
        stats = control.ok(json!({"op": "stats", "session": "a"}))["stats"].clone();
        stats["rx_strangers"] == json!(1)
    });
    assert_eq!((&stats["tx_lost"], &stats["rtt_ms"]), (&before["tx_lost"], &before["rtt_ms"]));
    control.ok(json!({"op": "close", "session": "a"}));
    let (length, _) = receive(&rtcp_socket, &mut buffer);
    assert!(rtcp::parse(&buffer[..length], a.ssrc).unwrap().goodbye);
}

#[test]
fn a_wrong_command_line_says_what_to_do() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tongdai-media")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run(&["--socket", "/tmp/x"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("--ports is missing") && text.contains("usage:"), "{text}");
    let (code, text) = run(&["--socket", "/no/such/folder/s", "--ip", "127.0.0.1", "--ports", "9000-9009"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("/no/such/folder/s"), "{text}");
}
