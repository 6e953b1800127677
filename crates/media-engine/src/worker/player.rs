//! What is played over the source of a session.

use super::world::World;
use crate::notes::Happening;
use crate::orders::Slot;
use crate::playlist::Playlist;
use crate::wire::PlayEnd;
use media_proto::Micros;

/// Sound that is played over the source.
pub struct Player {
    pub list: Playlist,
    pub role: Role,
}

pub enum Role {
    /// A `play` command, by its id.
    Play(String),
    /// The beep before the recording.
    Beep,
}

impl World {
    /// Plays something over the source, instead of what was played before.
    pub fn cover(&mut self, slot: Slot, player: Player, now: Micros) {
        self.uncover(slot, PlayEnd::Stopped, now);
        self.leave_shared_encoder(slot);
        if let Some(session) = self.session(slot) {
            session.player = Some(player);
            session.filling = true;
            session.next_packet = session.next_packet.max(now);
        }
    }

    /// What a `play` command plays to a session, if it is `play` or that is not given.
    pub fn playing(&mut self, slot: Slot, play: Option<&String>) -> Option<&mut Playlist> {
        match self.session(slot)?.player.as_mut()? {
            Player { role: Role::Play(id), list } if play.is_none_or(|play| *play == *id) => Some(list),
            _ => None,
        }
    }

    /// Ends what is played. The recording that waited for its beep begins.
    pub fn uncover(&mut self, slot: Slot, reason: PlayEnd, now: Micros) {
        let Some(session) = self.session(slot) else { return };
        match session.player.take() {
            Some(Player { role: Role::Play(play), mut list }) => {
                let (ms, detail) = (list.ms(), list.failure());
                self.tell(slot, Happening::PlayDone { play, reason, ms, detail });
            }
            Some(Player { role: Role::Beep, .. }) => {
                if let Some(recorder) = &mut session.recorder {
                    recorder.next.get_or_insert(now);
                }
            }
            None => {}
        }
    }
}
