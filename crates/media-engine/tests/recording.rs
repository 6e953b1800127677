//! Recordings: what is in them, when they end, and that they survive.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Engine, Phone, amplitude, loudest, sleep_ms, tone};
use media_proto::codec::Codec::{Pcma, Pcmu};
use media_proto::wav;
use serde_json::json;

fn read(path: &str) -> Vec<i16> {
    wav::parse(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn after_the_beep_the_leg_is_recorded_until_a_digit() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcma);
    control.connect_phone("a", &mut a);
    let path = engine.path("message.wav");
    control.ok(json!({
        "op": "record", "session": "a", "record": "r1", "path": path, "max_ms": 60_000, "silence_ms": 5_000,
        "stop_digits": "#", "beep_ms": 300,
    }));
    // What is said during the beep is not recorded.
    a.speak(&tone(2500.0, 200));
    sleep_ms(160);
    a.speak(&tone(700.0, 600));
    a.press('5');
    a.speak(&tone(900.0, 400));
    a.press('#');
    let done = control.event("record_done");
    assert_eq!(
        (&done["record"], &done["reason"], &done["digit"]),
        (&json!("r1"), &json!("digit"), &json!("#"))
    );
    assert_eq!(done["path"], json!(path));
    assert!(loudest(&a.sound(), 1000.0) > 6000.0, "the beep is heard");
    let beep_end = a.sound().iter().rposition(|&sample| sample.abs() > 500).unwrap();
    assert!(a.sound().len() > beep_end + 4000, "silence goes out while it records");
    a.assert_one_stream();
    let sound = read(&path);
    let ms = done["ms"].as_u64().unwrap();
    assert_eq!(sound.len() as u64, ms * 8);
    assert!((1000..1300).contains(&ms), "{ms}");
    let voiced = done["voiced_ms"].as_u64().unwrap();
    assert!((900..=1040).contains(&voiced), "{voiced}");
    assert!(loudest(&sound, 700.0) > 5500.0 && loudest(&sound, 900.0) > 5500.0);
    assert!(loudest(&sound, 2500.0) < 300.0 && loudest(&sound, 1000.0) < 300.0);
}

#[test]
fn silence_the_limit_and_a_command_end_a_recording() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let record = |name: &str, max_ms: u32| {
        json!({"op": "record", "session": "a", "record": name, "path": engine.path(name), "max_ms": max_ms,
               "silence_ms": 400})
    };
    control.ok(record("silence", 60_000));
    a.speak(&tone(700.0, 300));
    let done = control.event("record_done");
    assert_eq!(done["reason"], json!("silence"));
    let ms = done["ms"].as_u64().unwrap();
    assert!((700..820).contains(&ms), "{ms}");
    control.ok(record("limit", 200));
    let done = control.event("record_done");
    assert_eq!((&done["reason"], &done["ms"], &done["voiced_ms"]), (&json!("limit"), &json!(200), &json!(0)));
    control.ok(record("stopped", 60_000));
    control.ok(json!({"op": "stop_record", "session": "a", "record": "another"}));
    sleep_ms(60);
    assert!(control.heard("record_done").is_empty());
    control.ok(json!({"op": "stop_record", "session": "a", "record": "stopped"}));
    assert_eq!(control.event("record_done")["reason"], json!("stopped"));
    control.ok(record("closed", 60_000));
    control.ok(json!({"op": "close", "session": "a"}));
    assert_eq!(control.event("record_done")["reason"], json!("closed"));
}

#[test]
fn a_recording_cut_by_kill_plays_but_for_its_last_second_or_two() {
    let mut engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let path = engine.path("cut.wav");
    control.ok(json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000}));
    a.speak(&tone(700.0, 2500));
    engine.signal("-KILL");
    assert_eq!(engine.wait(), None);
    let file = std::fs::read(&path).unwrap();
    let announced = u32::from_le_bytes(file[40..44].try_into().unwrap());
    assert!(announced >= 16_000, "the header tells of {announced} bytes");
    let sound = read(&path);
    assert!(amplitude(&sound[800..8000], 700.0) > 5500.0);
}

#[test]
fn sigterm_completes_the_recording_tells_of_it_and_says_goodbye() {
    let mut engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let path = engine.path("ended.wav");
    control.ok(json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000}));
    a.speak(&tone(700.0, 700));
    engine.signal("-INT");
    sleep_ms(50);
    control.ok(json!({"op": "list"}));
    engine.signal("-TERM");
    assert_eq!(engine.wait(), Some(0));
    let done = control.event("record_done");
    assert_eq!(done["reason"], json!("closed"));
    assert_eq!(read(&path).len() as u64, done["ms"].as_u64().unwrap() * 8);
    assert!(!engine.socket.exists());
}

#[test]
fn a_path_that_cannot_be_written_is_refused() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let path = engine.path("no/such/folder.wav");
    let record = json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 1000});
    assert_eq!(control.refused(record), "bad_file");
    let record =
        json!({"op": "record", "session": "a", "record": "r", "path": engine.path("x.wav"), "max_ms": 0});
    assert_eq!(control.refused(record), "bad_value");
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    control.hear("a", json!({"kind": "echo"}));
    // Every write to this device fails with "no space left"; the header is the first.
    let record =
        json!({"op": "record", "session": "a", "record": "r", "path": "/dev/full", "max_ms": 60_000});
    assert_eq!(control.refused(record), "bad_file");
    a.talk(0x21, 10);
    sleep_ms(20);
    assert_eq!(a.heard().iter().filter(|heard| heard.payload[0] == 0x21).count(), 10);
}
