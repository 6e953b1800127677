//! A peer whose consent to be sent media ends (RFC 7675).

use super::Stage;
use crate::notes::{Happening, Note};
use crate::orders::{Order, Slot, Source};
use crate::wire::Direction;
use media_proto::codec::Codec;
use media_proto::ice::{Credentials, Generation};
use media_proto::stun::{self, Class, Writer};
use media_proto::{MS, SECOND};

const PWD: &str = "the0password0of0engine00";

/// The phone checks the path to a session with a password, and wishes to be sent media where it checks from.
fn check(stage: &mut Stage, slot: Slot, password: &str) {
    let mut out = [0; stun::MAX_LEN];
    let writer = Writer::new(&mut out, Class::Request, [5; 12]).username(b"lite:full").priority(1);
    let length = writer.controlling(42).use_candidate().sign(password.as_bytes()).finish();
    let Some(session) = stage.world.session(slot) else { return };
    let to = session.sockets.rtp.local_addr().unwrap();
    stage.phone.send_to(&out[..length], to).unwrap();
    stage.look(slot);
}

/// How often the end of its consent was told.
fn expired(stage: &Stage) -> usize {
    let notes = stage.notes.notes.try_iter();
    notes.filter(|note| matches!(note, Note::Session { what: Happening::Expired { .. }, .. })).count()
}

#[test]
fn a_peer_that_does_not_check_for_15_seconds_is_sent_nothing_until_it_does() {
    let mut stage = Stage::new();
    stage.open(0);
    let local = Credentials { ufrag: "lite".into(), pwd: PWD.into() };
    let ice = Generation { local, remote_ufrag: "full".into() };
    stage.remote_with(0, Direction::Sendrecv, true, Codec::Pcmu, Some(ice));
    stage.order(Order::Hear { slot: 0, source: Source::Silence });
    check(&mut stage, 0, PWD);
    let began = stage.now;
    let pass = |stage: &mut Stage, until| {
        while stage.now < began + until {
            // Neither its voice nor checks of somebody who does not know the password are consent.
            stage.send(0, 0);
            check(stage, 0, "a0password0of0somebody0");
            stage.pass(20 * MS);
        }
    };
    pass(&mut stage, 14_900 * MS);
    assert_eq!(expired(&stage), 0);
    assert!(stage.heard >= 14_000 / 20, "{}", stage.heard);
    pass(&mut stage, 15 * SECOND);
    let heard = stage.heard;
    pass(&mut stage, 25 * SECOND);
    assert_eq!(expired(&stage), 1, "it is told once");
    assert_eq!(stage.heard, heard, "something was sent without consent");
    check(&mut stage, 0, PWD);
    pass(&mut stage, 26 * SECOND);
    assert!(stage.heard > heard + 40, "it consents again");
    // A check every few seconds is enough.
    for until in [36, 46, 56] {
        check(&mut stage, 0, PWD);
        pass(&mut stage, until * SECOND);
    }
    assert_eq!(expired(&stage), 0);
}
