//! What one worker has in hand: its lease, and the rest of the group it is working on.

use std::collections::VecDeque;

use crate::plan::Span;

/// The unfinished part of a group (or of a piece of one): first what is leased, then what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: u32,
    /// Everything before is leased, everything from here on is not.
    pub(crate) leased_end: u32,
    pub(crate) end: u32,
}

impl Piece {
    pub(crate) fn leased(self) -> Span {
        Span { start: self.start, end: self.leased_end }
    }

    pub(crate) fn all(self) -> Span {
        Span { start: self.start, end: self.end }
    }

    fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The pieces of one worker in the order in which it was given them. Only the last one has a part that is not leased.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    pieces: VecDeque<Piece>,
    leased: u32,
}

impl Holding {
    pub(crate) fn pieces(&self) -> &VecDeque<Piece> {
        &self.pieces
    }

    /// Number of items that are leased and not finished.
    pub(crate) fn leased(&self) -> u32 {
        self.leased
    }

    /// The leased positions, in order.
    pub(crate) fn leased_positions(&self) -> impl Iterator<Item = u32> + '_ {
        self.pieces.iter().flat_map(|piece| piece.leased().positions())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn has_unleased(&self) -> bool {
        self.pieces.back().is_some_and(|piece| piece.leased_end < piece.end)
    }

    /// Takes a span on, behind everything else; nothing of it is leased yet.
    pub(crate) fn take_on(&mut self, span: Span) {
        self.pieces.push_back(Piece { start: span.start, leased_end: span.start, end: span.end });
    }

    /// The next position becomes leased.
    pub(crate) fn lease_next(&mut self) -> Option<u32> {
        let piece = self.pieces.back_mut().filter(|piece| piece.leased_end < piece.end)?;
        let position = piece.leased_end;
        piece.leased_end += 1;
        self.leased += 1;
        Some(position)
    }

    /// Forgets a leased position; what is before and behind it stays.
    pub(crate) fn remove(&mut self, position: u32) {
        let holds = |piece: &Piece| piece.leased().positions().contains(&position);
        let Some(index) = self.pieces.iter().position(holds) else {
            return;
        };
        self.leased -= 1;
        let piece = &mut self.pieces[index];
        let before = Piece { start: piece.start, leased_end: position, end: position };
        piece.start = position + 1;
        if piece.is_empty() {
            self.pieces.remove(index);
        }
        if !before.is_empty() {
            self.pieces.insert(index, before);
        }
    }

    /// Gives up the end of a piece, from position `at` on.
    pub(crate) fn cut(&mut self, index: usize, at: u32) -> Span {
        self.unlease(index, at);
        let piece = &mut self.pieces[index];
        let cut = Span { start: at, end: piece.end };
        piece.end = at;
        if piece.is_empty() {
            self.pieces.remove(index);
        }
        cut
    }

    /// Positions of a piece from `at` on are not leased any more, and stay in hand.
    pub(crate) fn unlease(&mut self, index: usize, at: u32) {
        let piece = &mut self.pieces[index];
        self.leased -= piece.leased_end.saturating_sub(at);
        piece.leased_end = piece.leased_end.min(at);
    }

    /// Gives up everything.
    pub(crate) fn clear(&mut self) -> VecDeque<Piece> {
        self.leased = 0;
        std::mem::take(&mut self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leased(end: u32, count: u32) -> Holding {
        let mut holding = Holding::default();
        holding.take_on(Span { start: 0, end });
        for _ in 0..count {
            holding.lease_next();
        }
        holding
    }

    #[test]
    fn leases_follow_the_line() {
        let mut holding = leased(3, 2);
        assert!(holding.has_unleased());
        assert_eq!(holding.lease_next(), Some(2));
        assert_eq!(holding.lease_next(), None);
        assert_eq!(holding.leased(), 3);
    }

    #[test]
    fn an_item_may_be_finished_out_of_order() {
        let mut holding = leased(4, 3);
        holding.remove(1);
        assert_eq!(holding.leased_positions().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(holding.lease_next(), Some(3));
        for position in [0, 2, 3] {
            holding.remove(position);
        }
        assert!(holding.is_empty());
        assert_eq!(holding.leased(), 0);
    }

    #[test]
    fn a_cut_takes_leased_and_unleased_positions() {
        let mut holding = leased(5, 3);
        assert_eq!(holding.cut(0, 2), Span { start: 2, end: 5 });
        assert_eq!(holding.leased(), 2);
        assert!(!holding.has_unleased());
    }
}
