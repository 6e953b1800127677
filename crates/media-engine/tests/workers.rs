//! Sessions of several workers meet.

#![allow(clippy::disallowed_methods, reason = "these tests run in real time, over real sockets")]

mod common;

use common::{Engine, Phone, loudest, sleep_ms, tone};
use media_proto::codec::Codec::Pcmu;
use serde_json::json;

/// More than a worker is given within a second.
const MANY: usize = 300;

#[test]
fn a_call_whose_legs_were_opened_apart_talks_and_moves_into_a_room_while_it_is_recorded() {
    // Others on the machine may have some of the ports.
    let engine = Engine::start_with(&["--workers", "2"], 2 * MANY as u16);
    let mut control = engine.controller();
    let [mut a, mut b, mut c] = [(); 3].map(|()| Phone::new(Pcmu));
    control.connect_phone("a", &mut a);
    control.ok(json!({"op": "mixer_open", "mixer": "m"}));
    for i in 0..MANY {
        control.ok(json!({"op": "open", "session": format!("idle {i}")}));
    }
    control.connect_phone("b", &mut b);
    control.connect_phone("c", &mut c);
    let path = engine.path("b.wav");
    control.ok(json!({"op": "record", "session": "b", "record": "r", "path": path, "max_ms": 60_000}));
    control.bridge("a", "b");
    for i in 0..25u8 {
        a.say(i + 1);
        b.say(i + 101);
        sleep_ms(20);
    }
    for (phone, first) in [(&a, 101u8), (&b, 1)] {
        phone.assert_one_stream();
        let said = first..first + 25;
        let heard: Vec<u8> =
            phone.heard().iter().map(|heard| heard.payload[0]).filter(|byte| said.contains(byte)).collect();
        assert_eq!(heard, said.collect::<Vec<_>>());
    }
    for session in ["c", "b", "a"] {
        control.hear(session, json!({"kind": "mixer", "mixer": "m"}));
    }
    std::thread::scope(|scope| {
        for (phone, frequency) in [(&mut a, 500.0), (&mut b, 800.0), (&mut c, 1300.0)] {
            phone.forget();
            scope.spawn(move || phone.speak(&tone(frequency, 800)));
        }
    });
    for (phone, others) in [(&a, [800.0, 1300.0]), (&b, [500.0, 1300.0]), (&c, [500.0, 800.0])] {
        phone.assert_one_stream();
        assert!(others.iter().all(|&frequency| loudest(&phone.sound(), frequency) > 5000.0));
    }
    let stats = control.ok(json!({"op": "stats"}))["stats"].clone();
    assert_eq!(stats["sessions"], json!(MANY + 3));
    assert_eq!(stats["rx_packets"], json!(2 * 25 + 3 * 40), "nothing is lost on the way");
    control.ok(json!({"op": "close", "session": "b"}));
    assert!(control.event("record_done")["ms"].as_u64().unwrap() >= 1300);
}
