//! Recordings: what is in them, when they end, and that they survive.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Engine, Phone, eventually, loudest, ms_of, tone};
use media_proto::codec::Codec::{G722, Opus, Pcma, Pcmu};
use media_proto::{opus_file, wav};
use serde_json::json;
use std::time::Instant;

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
        "stop_digits": "#", "beep_ms": 2000,
    }));
    // What is said during the beep is not recorded.
    a.speak(&tone(2500.0, 200));
    eventually("the beep is over", || {
        let sound = a.sound();
        let beep = sound.iter().rposition(|&sample| sample.abs() > 500);
        beep.is_some_and(|beep| sound.len() > beep + 1600)
    });
    let began = Instant::now();
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
    let most = began.elapsed().as_millis() as u64 + 400;
    assert!((1000..=most).contains(&ms), "{ms} of at most {most}");
    // Where the machine holds something up the last sound goes on for a moment.
    let voiced = done["voiced_ms"].as_u64().unwrap();
    assert!((700..1500).contains(&voiced), "{voiced}");
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
               "silence_ms": 1500})
    };
    control.ok(record("silence", 60_000));
    let began = Instant::now();
    a.speak(&tone(700.0, 300));
    let done = control.event("record_done");
    assert_eq!(done["reason"], json!("silence"));
    let (ms, most) = (done["ms"].as_u64().unwrap(), began.elapsed().as_millis() as u64 + 100);
    assert!((1700..=most).contains(&ms), "{ms} of at most {most}");
    control.ok(record("limit", 200));
    let done = control.event("record_done");
    assert_eq!((&done["reason"], &done["ms"], &done["voiced_ms"]), (&json!("limit"), &json!(200), &json!(0)));
    control.ok(record("stopped", 60_000));
    control.ok(json!({"op": "stop_record", "session": "a", "record": "another"}));
    assert!(control.heard("record_done").is_empty());
    control.ok(json!({"op": "stop_record", "session": "a", "record": "stopped"}));
    assert_eq!(control.event("record_done")["reason"], json!("stopped"));
    control.ok(record("closed", 60_000));
    control.ok(json!({"op": "close", "session": "a"}));
    assert_eq!(control.event("record_done")["reason"], json!("closed"));
}

/// Lets them talk until a recording has so many ms that can be played, and tells how many those are. It has to come up to that while six
/// times as much is said.
fn talk_until(ms: usize, playable: impl Fn() -> usize, mut talk: impl FnMut()) -> usize {
    for _ in 0..6 {
        talk();
        if playable() >= ms {
            return playable();
        }
    }
    panic!("only {} of {ms} ms can be played", playable());
}

/// What the header of a WAV file of 8 kHz says of its length, in ms of that many channels.
fn announced(path: &str, channels: u32) -> usize {
    let file = std::fs::read(path).unwrap();
    (u32::from_le_bytes(file[40..44].try_into().unwrap()) / (16 * channels)) as usize
}

#[test]
fn a_recording_cut_by_kill_plays_but_for_its_last_second_or_two() {
    let mut engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let path = engine.path("cut.wav");
    control.ok(json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000}));
    talk_until(1000, || announced(&path, 1), || a.speak(&tone(700.0, 1000)));
    engine.signal("-KILL");
    assert_eq!(engine.wait(), None);
    let sound = read(&path);
    assert!(sound.len() >= 8000);
    assert!(ms_of(&sound, 700.0) >= 500, "{} of {} ms", ms_of(&sound, 700.0), sound.len() / 8);
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
    a.wait_for_bytes(0x21, 10);
}

/// The engine's thread that writes the only recording there is, held as a disk holds it that does not answer, until this is dropped. To be let go by the thread
/// that took it.
struct Held(libc::pid_t);

impl Held {
    fn writer_of(engine: &Engine) -> Held {
        let tasks = format!("/proc/{}/task", engine.child.id());
        let names = std::fs::read_dir(tasks).unwrap().map(|task| task.unwrap().path());
        let is_writer = |task: &std::path::PathBuf| {
            std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "writer")
        };
        let task = names.into_iter().find(is_writer).expect("a thread that writes");
        let task: libc::pid_t = task.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let null = std::ptr::null_mut::<libc::c_void>();
        let mut status = 0;
        // SAFETY: these requests read and write no memory of ours, and `status` outlives the call that fills it.
        unsafe {
            assert_eq!(libc::ptrace(libc::PTRACE_SEIZE, task, null, null), 0);
            assert_eq!(libc::ptrace(libc::PTRACE_INTERRUPT, task, null, null), 0);
            assert_eq!(libc::waitpid(task, &raw mut status, libc::__WALL), task);
        }
        Held(task)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let null = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: as above; a thread that is gone makes it an error.
        unsafe { libc::ptrace(libc::PTRACE_DETACH, self.0, null, null) };
    }
}

#[test]
fn while_the_disk_does_not_answer_the_call_goes_on_as_does_another_recording_and_then_it_is_whole() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcmu));
    control.call(&mut a, &mut b);
    let path = engine.path("slow.wav");
    control.ok(json!({"op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000}));
    a.speak(&tone(700.0, 300));
    let held = Held::writer_of(&engine);
    let before = std::fs::metadata(&path).unwrap().len();
    b.forget();
    a.talk(0x21, 100);
    b.wait_for_bytes(0x21, 100);
    a.speak(&tone(900.0, 1500));
    control.has_heard("a", &a);
    let other = engine.path("other.wav");
    control.ok(json!({"op": "record", "session": "b", "record": "other", "path": other, "max_ms": 60_000}));
    b.speak(&tone(500.0, 700));
    control.has_heard("b", &b);
    control.ok(json!({"op": "stop_record", "session": "b"}));
    let done = control.event("record_done");
    assert_eq!((&done["record"], &done["reason"]), (&json!("other"), &json!("stopped")));
    assert!(ms_of(&read(&other), 500.0) >= 500, "{done}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), before, "something was written");
    control.ok(json!({"op": "stop_record", "session": "a"}));
    assert!(control.heard("record_done").is_empty(), "it is told before it is written");
    drop(held);
    let done = control.event("record_done");
    assert_eq!(done["reason"], json!("stopped"));
    let sound = read(&path);
    assert_eq!(sound.len() as u64, done["ms"].as_u64().unwrap() * 8);
    assert!(ms_of(&sound, 700.0) >= 100 && ms_of(&sound, 900.0) >= 1000, "{done}");
}

/// The channels of a stereo file, whatever its header says of its length.
fn read_stereo(path: &str) -> (Vec<i16>, Vec<i16>) {
    let file = std::fs::read(path).unwrap();
    assert_eq!((&file[22..24], &file[28..34]), (&[2, 0][..], &[0, 0x7d, 0, 0, 4, 0][..]), "stereo of 8 kHz");
    let told = u32::from_le_bytes(file[40..44].try_into().unwrap()) as usize;
    assert!(
        told > 0 && told <= file.len() - wav::HEADER_LEN && told.is_multiple_of(4),
        "a player believes the header"
    );
    let sample = |frame: &[u8], at: usize| i16::from_le_bytes([frame[at], frame[at + 1]]);
    let frames = file[wav::HEADER_LEN..][..told].chunks_exact(4);
    frames.map(|frame| (sample(frame, 0), sample(frame, 2))).unzip()
}

fn talk(a: &mut Phone, b: &mut Phone, ms: usize) {
    std::thread::scope(|scope| {
        scope.spawn(|| a.speak(&tone(500.0, ms)));
        scope.spawn(|| b.speak(&tone(1300.0, ms)));
    });
}

#[test]
fn both_sides_of_a_call_are_recorded_in_stereo_or_mixed_and_a_pause_leaves_out_what_was_said() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Opus));
    control.call(&mut a, &mut b);
    let (stereo, mixed) = (engine.path("stereo.wav"), engine.path("mixed.wav"));
    for (session, path, both) in [("a", &stereo, "stereo"), ("b", &mixed, "mixed")] {
        control.ok(json!({
            "op": "record", "session": session, "record": session, "path": path, "max_ms": 60_000, "both": both,
            "rate": 8000,
        }));
    }
    let both_say = |a: &mut Phone, b: &mut Phone, frequency: f64, ms: usize| {
        std::thread::scope(|scope| {
            scope.spawn(|| a.speak(&tone(frequency, ms)));
            scope.spawn(|| b.speak(&tone(frequency, ms)));
        });
    };
    let began = Instant::now();
    talk(&mut a, &mut b, 1000);
    for session in ["a", "b"] {
        control.ok(json!({"op": "pause_record", "session": session, "paused": true}));
    }
    // What is said around the number may be on either side of the pause, and its end has been heard before that is over.
    both_say(&mut a, &mut b, 1700.0, 200);
    both_say(&mut a, &mut b, 2100.0, 600);
    both_say(&mut a, &mut b, 1700.0, 400);
    control.has_heard("a", &a);
    control.has_heard("b", &b);
    for session in ["a", "b"] {
        control.ok(json!({"op": "pause_record", "session": session, "record": session, "paused": false}));
    }
    talk(&mut a, &mut b, 600);
    for session in ["a", "b"] {
        control.ok(json!({"op": "stop_record", "session": session}));
        let ms = control.event("record_done")["ms"].as_u64().unwrap();
        // 1200 ms and more passed while it paused.
        let most = began.elapsed().as_millis() as u64 - 1200;
        assert!((1400..=most).contains(&ms), "{ms} of at most {most}");
    }
    let (left, right) = read_stereo(&stereo);
    assert!(loudest(&left, 500.0) > 5000.0 && loudest(&left, 1300.0) < 400.0);
    assert!(loudest(&right, 1300.0) > 4500.0 && loudest(&right, 500.0) < 400.0);
    let mixed = read(&mixed);
    assert!(loudest(&mixed, 500.0) > 4500.0 && loudest(&mixed, 1300.0) > 4500.0);
    for sound in [&left, &right, &mixed] {
        assert_eq!(ms_of(sound, 2100.0), 0, "of the card number");
    }
}

#[test]
fn a_recording_plays_when_the_engine_was_killed_in_the_middle_of_it() {
    let mut engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(Pcmu), Phone::new(Pcma));
    control.call(&mut a, &mut b);
    let path = engine.path("killed.wav");
    control.ok(json!({
        "op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000, "both": "stereo",
    }));
    talk_until(1000, || announced(&path, 2), || talk(&mut a, &mut b, 1000));
    engine.signal("-KILL");
    engine.wait();
    let (left, right) = read_stereo(&path);
    assert!(left.len() >= 8 * 1000);
    assert!(ms_of(&left, 500.0) >= 500 && ms_of(&right, 1300.0) >= 500);
}

/// An Opus file, decoded to 16 kHz mono; nothing while it has no page.
fn read_opus(path: &str) -> Vec<i16> {
    let file = std::io::Cursor::new(std::fs::read(path).unwrap());
    let Ok(mut reader) = opus_file::Reader::new(file) else { return Vec::new() };
    let mut sound = vec![0; reader.length() as usize];
    assert_eq!(reader.read(&mut sound), Ok(sound.len()));
    sound
}

#[test]
fn a_wide_leg_is_recorded_wide_and_both_sides_go_to_opus() {
    let engine = Engine::start();
    let mut control = engine.controller();
    let (mut a, mut b) = (Phone::new(G722), Phone::new(Opus));
    control.call(&mut a, &mut b);
    let (wav, opus) = (engine.path("wide.wav"), engine.path("both.opus"));
    control.ok(json!({"op": "record", "session": "a", "record": "1", "path": wav, "max_ms": 60_000}));
    control.ok(json!({
        "op": "record", "session": "b", "record": "2", "path": opus, "max_ms": 60_000, "both": "mixed",
        "format": "opus",
    }));
    std::thread::scope(|scope| {
        scope.spawn(|| a.speak_at(&tone(2500.0, 1600), 16_000)); // 5000 Hz for those who have 16 kHz
        scope.spawn(|| b.speak(&tone(700.0, 800)));
    });
    control.has_heard("a", &a);
    control.has_heard("b", &b);
    for session in ["a", "b"] {
        control.ok(json!({"op": "stop_record", "session": session}));
        assert_eq!(control.event("record_done")["reason"], json!("stopped"));
    }
    let file = std::fs::read(&wav).unwrap();
    assert_eq!(file[24..28], 16_000u32.to_le_bytes());
    assert!(loudest(&read(&wav), 2500.0) > 3500.0);
    let sound = read_opus(&opus);
    assert!(loudest(&sound, 2500.0) > 3000.0 && loudest(&sound, 350.0) > 4000.0);
    assert_eq!(
        control.refused(json!({
            "op": "record", "session": "a", "record": "3", "path": wav, "max_ms": 1, "rate": 44_100,
        })),
        "bad_value"
    );
}

#[test]
fn an_opus_recording_that_was_killed_plays_but_for_its_last_second() {
    let mut engine = Engine::start();
    let mut control = engine.controller();
    let mut a = Phone::new(Pcmu);
    control.connect_phone("a", &mut a);
    let path = engine.path("cut.opus");
    control.ok(json!({
        "op": "record", "session": "a", "record": "r", "path": path, "max_ms": 60_000, "format": "opus",
    }));
    talk_until(1000, || read_opus(&path).len() / 16, || a.speak(&tone(700.0, 1000)));
    engine.signal("-KILL");
    engine.wait();
    let sound = read_opus(&path);
    assert!(sound.len() >= 16 * 1000);
    assert!(ms_of(&sound, 350.0) >= 1000, "half of it at least; two ms of 16 kHz are one here");
}
