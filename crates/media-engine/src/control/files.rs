//! Commands that wait for files: what is played and what is recorded.

use super::Control;
use super::commands::{Answer, Asked, Refusing, refuse};
use super::replies::Pending;
use crate::loader::Request;
use crate::notes::{Recorded, Refused};
use crate::orders::{Order, Record, Source};
use crate::playlist::{Piece, Playlist};
use crate::wire::{Body, Both, Command, ErrorCode, RecordCommand, RecordEnd};
use crate::writer::{self, Form, Writing};
use media_proto::recording::Limits;
use media_proto::{SAMPLE_RATE, tone};
use std::sync::Arc;

/// Longest beep.
const MAX_BEEP_MS: u32 = 5_000;

impl Control {
    /// Has files read for a command, which goes on in [`Control::loaded`].
    pub fn load(&mut self, files: Vec<String>, shared: bool, asked: Asked) -> Result<Answer, Refusing> {
        if files.is_empty() {
            return refuse(ErrorCode::BadValue, "`files` is empty");
        }
        let token = self.token();
        if self.loader.send(Request { token, files, shared }).is_err() {
            return refuse(ErrorCode::Internal, "the thread that loads files has ended");
        }
        Ok(Answer::Later { pending: Pending::Files(asked), token, holds: true })
    }

    /// Goes on with a command whose files are loaded.
    pub fn loaded(&mut self, asked: Command, pieces: Result<Vec<Piece>, Refused>) -> Result<Body, Refusing> {
        let pieces = pieces?;
        match asked {
            Command::Hear { session, source } => {
                let slot = self.slot_of(&session)?;
                match pieces.into_iter().next() {
                    Some(Piece::Sound(music)) if !music.is_empty() => {
                        self.set_source(slot, source, Source::Loop(music));
                    }
                    _ => return refuse(ErrorCode::BadFile, "the music holds no sound"),
                }
            }
            Command::Play { session, play, repeat, .. } => {
                let slot = self.slot_of(&session)?;
                if let Some(known) = self.sessions.get_mut(slot) {
                    known.play = Some(play.clone());
                }
                self.orders.send(Order::Play { slot, play, list: Playlist::new(pieces, repeat) });
            }
            Command::MixerPlay { mixer, .. } => {
                let mixer = self.mixer_of(&mixer)?;
                self.orders.send(Order::MixerPlay { mixer, list: Playlist::new(pieces, false) });
            }
            _ => return refuse(ErrorCode::Internal, "no files belong to this command"),
        }
        Ok(Body::Done {})
    }

    /// Has the file of a recording made; it goes on in [`Control::record_opened`].
    pub fn record(&mut self, asked: Asked) -> Result<Answer, Refusing> {
        let Command::Record(command) = asked.command else {
            return refuse(ErrorCode::Internal, "not a record command");
        };
        let slot = self.slot_of(&command.session)?;
        let is_wide = self.sessions.get(slot).is_some_and(|(_, known)| known.wide);
        let rate = command.rate.unwrap_or(if is_wide { 16_000 } else { SAMPLE_RATE });
        if ![SAMPLE_RATE, 16_000].contains(&rate) {
            return refuse(ErrorCode::BadValue, format!("`rate` is 8000 or 16000, not {rate}"));
        }
        if command.max_ms == 0 {
            return refuse(ErrorCode::BadValue, "`max_ms` is 0; nothing would be recorded");
        }
        if command.beep_ms.is_some_and(|ms| ms > MAX_BEEP_MS) {
            return refuse(ErrorCode::BadValue, format!("`beep_ms` is above {MAX_BEEP_MS}"));
        }
        let token = self.token();
        let form = Form {
            format: command.format,
            rate,
            channels: if command.both == Some(Both::Stereo) { 2 } else { 1 },
        };
        let (notes, waiting) = &self.writers;
        let file = writer::open(token, command.path.clone(), form, command.resume, waiting, notes.clone());
        let Ok(file) = file else {
            return refuse(ErrorCode::Internal, "there can be no more threads");
        };
        self.running += 1;
        let pending = Pending::Recording { waiter: asked.waiter, command, rate, file };
        Ok(Answer::Later { pending, token, holds: true })
    }

    /// Goes on with a recording whose file is open.
    pub fn record_opened(
        &mut self,
        command: RecordCommand,
        rate: u32,
        file: Writing,
        opened: Result<(), Refused>,
    ) -> Result<Body, Refusing> {
        opened?;
        let done = Recorded {
            session: command.session,
            record: command.record,
            path: command.path,
            ms: 0,
            voiced_ms: 0,
            reason: RecordEnd::Closed,
            digit: None,
        };
        let Some(slot) = self.sessions.find(&done.session) else {
            let detail = format!("session {} was closed", done.session);
            file.finish(done);
            return refuse(ErrorCode::NoSession, detail);
        };
        if let Some(known) = self.sessions.get_mut(slot) {
            known.record = Some(done.record.clone());
        }
        let record = Record {
            done,
            file,
            rate,
            limits: Limits { max_ms: command.max_ms, silence_ms: command.silence_ms },
            stop_digits: command.stop_digits.unwrap_or_default(),
            both: command.both,
            beep: command.beep_ms.filter(|ms| *ms > 0).map(|ms| Arc::new(tone::beep(ms))),
        };
        self.orders.send(Order::Record { slot, record });
        Ok(Body::Done {})
    }
}
