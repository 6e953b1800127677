//! The worker's world in virtual time, under orders that come in any order.

mod consent;
mod recording;

use super::line::Door;
use super::session::Session;
use super::world::World;
use crate::fault;
use crate::handshakes;
use crate::notes::{self, Note, NoteReceiver, Recorded};
use crate::orders::{Format, Order, Record, Remote, Slot, Sockets, Source, Subject};
use crate::playlist::Playlist;
use crate::sys::{Batch, Epoll};
use crate::wire::{Both, Direction, RecordEnd};
use crate::writer::{Job, Waiting, Writing};
use media_proto::codec::Codec;
use media_proto::dtls::Identity;
use media_proto::ice::Generation;
use media_proto::latch::Trust;
use media_proto::opus;
use media_proto::recording::Limits;
use media_proto::rtp::Header;
use media_proto::sound::Sound;
use media_proto::{MS, Micros, SECOND, dtmf};
use proptest::prelude::*;
use std::net::UdpSocket;
use std::sync::{Arc, mpsc};

struct Stage {
    world: World,
    notes: NoteReceiver,
    /// What is to be written of each recording.
    to_do: Vec<mpsc::Receiver<Job>>,
    waiting: Waiting,
    batch: Batch,
    phone: UdpSocket,
    /// Packets of RTP that came to the phone.
    heard: u64,
    sequence: u16,
    now: Micros,
}

fn local() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").unwrap()
}

impl Stage {
    fn new() -> Stage {
        let (sender, notes) = notes::queue().unwrap();
        let identity = Identity::new([7; 32], [7; 16], SECOND).unwrap();
        let (handshakes, _) = handshakes::start(identity, sender.clone()).unwrap();
        let world = World::new(Epoll::new(8).unwrap(), sender, handshakes, SECOND);
        let (phone, batch) = (local(), Batch::default());
        let (to_do, waiting) = (Vec::new(), Waiting::default());
        Stage { world, notes, to_do, waiting, batch, phone, heard: 0, sequence: 0, now: SECOND }
    }

    fn order(&mut self, order: Order) {
        self.world.carry_out(order, self.now);
    }

    fn open(&mut self, slot: Slot) {
        if self.world.session(slot).is_none() {
            self.order(Order::Open {
                slot,
                sockets: Sockets { rtp: local(), rtcp: local() },
                trust: Trust::Signalled,
            });
        }
    }

    fn remote(&mut self, slot: Slot, direction: Direction, dtmf: bool, codec: Codec) {
        self.remote_with(slot, direction, dtmf, codec, None);
    }

    fn remote_with(
        &mut self,
        slot: Slot,
        direction: Direction,
        dtmf: bool,
        codec: Codec,
        ice: Option<Generation>,
    ) {
        let address = self.phone.local_addr().unwrap();
        let payload_type = if codec == Codec::Pcmu { 0 } else { 8 };
        let remote = Remote {
            rtp: address,
            rtcp: address,
            codecs: vec![Format { pt: payload_type, rx_pt: payload_type, what: codec }],
            opus: opus::Settings::default(),
            foreign: Vec::new(),
            cn: None,
            srtp: None,
            dtls: None,
            ice,
            rtcp_mux: false,
            dtmf: Vec::from_iter(dtmf.then_some(Format { pt: 101, rx_pt: 101, what: 8000 })),
            direction,
            ptime_ms: 20,
        };
        self.order(Order::Remote { slot, remote });
    }

    /// The phone sends one packet to a session, which takes it.
    fn send(&mut self, slot: Slot, payload_type: u8) {
        self.send_unread(slot, payload_type, 0x21);
        self.look(slot);
    }

    /// The session looks what has come.
    fn look(&mut self, slot: Slot) {
        for door in [Door::Rtp, Door::Line] {
            self.world.receive(&mut self.batch, slot, door, self.now);
        }
    }

    /// The phone sends one packet to a session, a voice whose every byte is `voice`.
    fn send_unread(&mut self, slot: Slot, payload_type: u8, voice: u8) {
        let Some(session) = self.world.session(slot) else { return };
        let to = session.sockets.rtp.local_addr().unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        let (sequence, timestamp) = (self.sequence, u32::from(self.sequence) * 160);
        let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 7 };
        let mut packet = header.to_bytes().to_vec();
        match payload_type {
            101 => packet.extend([sequence as u8 % 20, 10, 0, 160]),
            _ => packet.extend([voice; 160]),
        }
        self.phone.send_to(&packet, to).unwrap();
    }

    /// All phones speak for so many packets.
    fn talk(&mut self, packets: usize) {
        for _ in 0..packets {
            (0..SESSIONS).for_each(|slot| self.send(slot, 0));
            self.pass(20 * MS);
        }
    }

    /// Packets sent to a session's phone.
    fn sent(&mut self, slot: Slot) -> u64 {
        self.world.session(slot).map_or(0, |session| session.tx.packets())
    }

    fn pass(&mut self, time: Micros) {
        self.now += time;
        self.world.tick(self.now);
        for job in self.to_do.iter().flat_map(mpsc::Receiver::try_iter) {
            if let Job::Write { mut samples, back } = job {
                samples.clear();
                back.send(samples).unwrap();
            }
        }
        let mut buffer = [0; 2048];
        self.phone.set_nonblocking(true).unwrap();
        while self.phone.recv(&mut buffer).is_ok() {
            self.heard += u64::from(buffer[0] >> 6 == 2);
        }
    }

    /// A recording, which nobody writes.
    fn record(&mut self, beep: bool) -> Record {
        let done = Recorded {
            session: String::new(),
            record: String::new(),
            path: String::new(),
            ms: 0,
            voiced_ms: 0,
            reason: RecordEnd::Closed,
            digit: None,
        };
        let (file, to_do) = Writing::new(&self.waiting);
        self.to_do.push(to_do);
        Record {
            rate: 8000,
            done,
            file,
            limits: Limits { max_ms: 700, silence_ms: Some(300) },
            stop_digits: "#5".into(),
            both: beep.then_some(Both::Stereo),
            beep: beep.then(|| sound(60)),
        }
    }

    /// The sessions and mixers that a fault ended.
    fn panicked(&self) -> Vec<Subject> {
        let panicked = |note| match note {
            Note::Closed { slot, panicked: true, .. } => Some(Subject::Session(slot)),
            Note::MixerFailed { mixer, .. } => Some(Subject::Mixer(mixer)),
            _ => None,
        };
        self.notes.notes.try_iter().filter_map(panicked).collect()
    }

    /// Everybody is in the books of exactly the one whom he hears.
    fn check(&mut self) {
        for slot in 0..SESSIONS {
            let source = self.world.session(slot).map(|session| session.source.clone());
            for other in 0..SESSIONS {
                let listed = self.world.session(other).map_or(0, |session: &mut Session| {
                    session.hearers.iter().filter(|hearer| **hearer == slot).count()
                });
                assert_eq!(listed, usize::from(matches!(source, Some(Source::Session(s)) if s == other)));
            }
            for mixer in 0..MIXERS {
                let members = self.world.mixers.get(mixer as usize).and_then(Option::as_ref);
                let listed =
                    members.map_or(0, |mixer| mixer.members().iter().filter(|m| **m == slot).count());
                assert_eq!(listed, usize::from(matches!(source, Some(Source::Mixer(m)) if m == mixer)));
            }
        }
    }
}

const SESSIONS: Slot = 4;
const MIXERS: Slot = 2;

fn sound(ms: usize) -> Arc<Sound> {
    Arc::new(Sound::new(vec![1000; ms * 8]))
}

#[test]
fn a_panic_ends_the_session_that_was_worked_for_and_no_other() {
    let mut stage = Stage::new();
    (0..3).for_each(|slot| stage.open(slot));
    stage.order(Order::Hear { slot: 2, source: Source::Session(1) });
    stage.world.guarded(Subject::Session(0), |_| {
        fault::work_for(Subject::Session(1));
        panic!("a fault that this test makes");
    });
    stage.pass(0);
    assert_eq!(stage.panicked(), [Subject::Session(1)]);
    assert!(stage.world.session(0).is_some() && stage.world.session(1).is_none());
    stage.check();
}

/// A room of three who speak, and a call beside it.
fn room(codec: Codec) -> Stage {
    let mut stage = Stage::new();
    stage.order(Order::MixerOpen { mixer: 1 });
    for slot in 0..4 {
        stage.open(slot);
        stage.remote(slot, Direction::Sendrecv, true, codec);
    }
    for slot in 0..3 {
        stage.order(Order::Hear { slot, source: Source::Mixer(1) });
    }
    stage.talk(3);
    stage
}

#[test]
fn a_panic_over_a_members_voice_ends_that_member_and_the_room_goes_on() {
    // As member 1: the first time for what he says, the second for its place in the mix, the third for what he is sent.
    for nth in 1..=3 {
        let mut stage = room(Codec::Pcmu);
        fault::provoked::in_work_for(Subject::Session(1), nth);
        stage.pass(20 * MS);
        assert_eq!(stage.panicked(), [Subject::Session(1)]);
        let sent = stage.sent(0);
        stage.talk(5);
        assert_eq!(stage.sent(0), sent + 5);
        assert_eq!(stage.world.mixers[1].as_ref().map(|mixer| mixer.members().len()), Some(2));
        assert!(stage.world.session(3).is_some() && stage.panicked().is_empty());
        stage.check();
    }
}

#[test]
fn a_panic_over_what_all_hear_ends_the_room_and_none_of_its_members() {
    // A room used to blame the member that it was at, or its first one, for whatever went wrong in it.
    for (codec, most) in [(Codec::Pcmu, 5), (Codec::G722, 6)] {
        for nth in 1..=most {
            let mut stage = room(codec);
            (0..60).for_each(|_| stage.pass(20 * MS)); // who is silent long enough gets what all get
            fault::provoked::in_work_for(Subject::Mixer(1), nth);
            stage.pass(20 * MS);
            assert_eq!(stage.panicked(), [Subject::Mixer(1)], "{codec:?}, {nth}");
            assert!((0..4).all(|slot| stage.world.session(slot).is_some()));
            let sent = stage.sent(0);
            stage.talk(5);
            assert!(stage.sent(0) >= sent + 5, "silence is sent in place of the room");
            stage.check();
        }
    }
}

#[test]
fn a_panic_over_the_voice_of_one_ends_him_and_not_who_hears_him() {
    let mut stage = Stage::new();
    (0..2).for_each(|slot| stage.open(slot));
    stage.remote(0, Direction::Sendrecv, true, Codec::Pcmu);
    stage.remote(1, Direction::Sendrecv, true, Codec::G722);
    stage.order(Order::Hear { slot: 1, source: Source::Session(0) });
    stage.talk(5);
    fault::provoked::in_work_for(Subject::Session(0), 2); // its own tick is the first
    stage.pass(20 * MS);
    assert_eq!(stage.panicked(), [Subject::Session(0)]);
    let sent = stage.sent(1);
    stage.pass(20 * MS);
    assert_eq!(stage.sent(1), sent + 1);
    stage.check();
}

#[test]
fn a_session_that_cannot_even_be_closed_is_gone_from_all_books() {
    let mut stage = room(Codec::Pcmu);
    stage.order(Order::Hear { slot: 3, source: Source::Session(1) });
    fault::provoked::in_work_for(Subject::Session(1), 1);
    fault::provoked::in_work_for(Subject::Session(1), 1); // while it is closed
    stage.pass(20 * MS);
    assert_eq!(stage.panicked(), [Subject::Session(1)]);
    assert!((0..4).map(|slot| stage.world.session(slot).is_some()).eq([true, false, true, true]));
    stage.check();
    stage.open(1);
    stage.check();
    stage.talk(2);
    assert!(stage.panicked().is_empty());
}

#[test]
fn a_panic_in_an_order_for_a_mixer_ends_the_mixer() {
    let mut stage = room(Codec::Pcmu);
    fault::provoked::in_work_for(Subject::Mixer(1), 1);
    stage.order(Order::MixerPlay { mixer: 1, list: Playlist::once(sound(20)) });
    stage.pass(0);
    assert_eq!(stage.panicked(), [Subject::Mixer(1)]);
    stage.check();
}

#[test]
fn what_goes_to_another_worker_goes_on_there_and_what_a_fault_ended_stays() {
    let (mut from, mut to) = (Stage::new(), Stage::new());
    from.order(Order::MixerOpen { mixer: 1 });
    (0..4).for_each(|slot| from.open(slot));
    from.remote(0, Direction::Sendrecv, true, Codec::Pcmu);
    from.order(Order::Hear { slot: 1, source: Source::Session(0) });
    from.order(Order::Hear { slot: 0, source: Source::Mixer(1) });
    from.world.guarded(Subject::Session(2), |_| panic!("a fault that this test makes"));
    let parcel = from.world.pack(&[0, 1, 2], &[1], from.now);
    assert_eq!(from.panicked(), [Subject::Session(2)]);
    assert!((0..3).all(|slot| from.world.session(slot).is_none()) && from.world.session(3).is_some());
    to.world.unpack(parcel);
    assert!(to.world.session(0).is_some() && to.world.session(1).is_some());
    to.check();
    from.check();
    to.send(0, 0);
    assert_eq!(to.world.session(0).map(|session| session.rx.packets()), Some(1));
    to.pass(20 * MS);
    assert!(to.panicked().is_empty());
}

#[test]
fn an_order_for_a_session_that_a_fault_ended_meanwhile_does_no_harm() {
    let mut stage = Stage::new();
    stage.order(Order::Close { slot: 9, token: None });
    stage.order(Order::Hear { slot: 0, source: Source::Session(3) });
    let record = stage.record(true);
    stage.order(Order::Record { slot: 1, record });
    stage.order(Order::MixerPlay { mixer: 5, list: Playlist::once(sound(20)) });
    stage.order(Order::MixerClose { mixer: 5 });
    stage.pass(20 * MS);
    assert!(stage.panicked().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn orders_and_packets_in_any_order_end_nothing_and_leave_no_loose_end(
        steps in prop::collection::vec((0u8..16, 0..SESSIONS, 0..SESSIONS, any::<bool>()), 1..150),
    ) {
        let mut stage = Stage::new();
        (0..MIXERS).for_each(|mixer| stage.order(Order::MixerOpen { mixer }));
        for (what, slot, other, flag) in steps {
            let mixer = other % MIXERS;
            match what {
                0 | 1 => stage.open(slot),
                2 => stage.remote(slot, Direction::Sendrecv, flag, Codec::Pcmu),
                3 => {
                    let directions = [Direction::Inactive, Direction::Sendonly, Direction::Recvonly, Direction::Sendrecv];
                    let codecs = [Codec::Pcma, Codec::G722, Codec::Opus, Codec::Pcma];
                    stage.remote(slot, directions[other as usize], flag, codecs[(slot + other) as usize % 4]);
                }
                4 => stage.order(Order::Close { slot, token: None }),
                5 if slot != other => stage.order(Order::Hear { slot, source: Source::Session(other) }),
                6 => stage.order(Order::Hear { slot, source: Source::Mixer(mixer) }),
                7 => {
                    let source = if flag { Source::Echo } else { Source::Loop(sound(30)) };
                    stage.order(Order::Hear { slot, source });
                }
                8 => {
                    let list = Playlist::new(vec![sound(50).into(), sound(0).into()], flag);
                    stage.order(Order::Play { slot, play: "p".into(), list });
                }
                9 => stage.order(Order::Stop { slot, play: None }),
                10 => {
                    let record = stage.record(flag);
                    stage.order(Order::Record { slot, record });
                }
                11 => {
                    let events = dtmf::Sender::new("1#", 60, 40).unwrap();
                    stage.order(Order::Digits { slot, events, sound: sound(120) });
                }
                12 if flag => {
                    stage.order(Order::MixerClose { mixer });
                    stage.order(Order::MixerOpen { mixer });
                }
                12 => {
                    let list = Playlist::once(sound(30));
                    stage.order(Order::MixerPlay { mixer, list });
                }
                13 => stage.send(slot, if flag { 101 } else { 0 }),
                14 => stage.send(slot, 8),
                _ => stage.pass(Micros::from(other) * 37 * MS + 20 * MS),
            }
            stage.check();
        }
        for _ in 0..100 {
            stage.pass(20 * MS);
        }
        prop_assert!(stage.panicked().is_empty());
    }
}
