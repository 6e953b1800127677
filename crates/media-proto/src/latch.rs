//! Who a stream may be exchanged with: the signalled peer, or, once, the source that stands in for it behind a NAT.

use std::net::SocketAddr;

/// The peer of one stream.
#[derive(Clone, Debug, Default)]
pub struct Latch {
    signalled: Option<SocketAddr>,
    source: Option<SocketAddr>,
}

/// What a packet's source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer.
    Peer,
    /// The peer, by this packet: from now on only this source is.
    Latched,
    /// Somebody else: drop it.
    Stranger,
}

impl Latch {
    /// Sets the signalled address. When it changed, the next valid packet may latch again.
    pub fn signal(&mut self, address: SocketAddr) {
        if self.signalled != Some(address) {
            self.signalled = Some(address);
            self.source = None;
        }
    }

    /// Judges the source of a valid packet.
    ///
    /// The first source becomes the peer. The signalled address itself is believed at any time: a stranger that was quicker
    /// than the peer loses the stream to it, and nobody else can take it over.
    pub fn receive(&mut self, from: SocketAddr) -> Verdict {
        match (self.signalled, self.source) {
            (_, Some(source)) if source == from => Verdict::Peer,
            (None, _) => Verdict::Stranger,
            (Some(signalled), Some(_)) if from != signalled => Verdict::Stranger,
            _ => {
                self.source = Some(from);
                Verdict::Latched
            }
        }
    }

    /// Follows a peer that proved itself (its packet was made with the key that only it has); whether it has moved.
    pub fn follow(&mut self, from: SocketAddr) -> bool {
        self.source.replace(from) != Some(from)
    }

    /// Where to send: to the source once it is known, else to the signalled address (unless that is 0.0.0.0 or ::).
    pub fn target(&self) -> Option<SocketAddr> {
        self.source.or(self.signalled.filter(|address| !address.ip().is_unspecified()))
    }

    /// The source that was latched to.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 4000))
    }

    #[test]
    fn who_proved_himself_is_followed_wherever_he_goes() {
        let mut latch = Latch::default();
        latch.signal(address(1));
        assert!(latch.follow(address(1)));
        assert!(!latch.follow(address(1)));
        assert!(latch.follow(address(7)));
        assert_eq!(latch.target(), Some(address(7)));
    }

    #[test]
    fn the_first_source_is_the_peer_and_nobody_after_it() {
        let mut latch = Latch::default();
        assert_eq!(latch.receive(address(9)), Verdict::Stranger);
        latch.signal(address(1));
        assert_eq!(latch.target(), Some(address(1)));
        assert_eq!(latch.receive(address(2)), Verdict::Latched);
        assert_eq!(latch.target(), Some(address(2)));
        assert_eq!(latch.receive(address(2)), Verdict::Peer);
        assert_eq!(latch.receive(address(3)), Verdict::Stranger);
    }

    #[test]
    fn a_stranger_who_was_first_loses_the_stream_to_the_signalled_peer_for_good() {
        let mut latch = Latch::default();
        latch.signal(address(1));
        assert_eq!(latch.receive(address(6)), Verdict::Latched);
        assert_eq!(latch.receive(address(1)), Verdict::Latched);
        assert_eq!(latch.receive(address(6)), Verdict::Stranger);
        assert_eq!(latch.target(), Some(address(1)));
    }

    #[test]
    fn only_a_changed_address_opens_the_latch_again() {
        let mut latch = Latch::default();
        latch.signal(address(1));
        latch.receive(address(2));
        latch.signal(address(1));
        assert_eq!(latch.receive(address(3)), Verdict::Stranger);
        latch.signal(address(4));
        assert_eq!(latch.target(), Some(address(4)));
        assert_eq!(latch.receive(address(3)), Verdict::Latched);
    }

    #[test]
    fn nothing_is_sent_to_no_address() {
        let mut latch = Latch::default();
        latch.signal(SocketAddr::from(([0, 0, 0, 0], 4000)));
        assert_eq!(latch.target(), None);
    }
}
