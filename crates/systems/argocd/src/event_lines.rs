//! The lines of a stream that arrives in pieces.

/// The part of a stream that is not read yet.
#[derive(Debug, Default)]
pub(crate) struct EventLines {
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where there is no end of that line.
    searched: usize,
}

impl EventLines {
    /// Adds a piece, which may end anywhere.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// Returns the length of what is not taken.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Takes the next whole line, without its end. What is taken stays in the buffer until the next
    /// piece: a server may send thousands of short lines at once.
    pub(crate) fn take(&mut self) -> Option<&[u8]> {
        let rest = &self.buffer[self.searched..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let (start, end) = (self.start, self.searched + length);
        self.start = end + 1;
        self.searched = self.start;
        Some(&self.buffer[start..end])
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn lines_are_whole_wherever_the_pieces_end() {
        let text = b"one\n\ntwo\nthr";
        for size in 1..=text.len() {
            let mut lines = EventLines::default();
            let mut found: Vec<String> = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.take() {
                    found.push(String::from_utf8(line.to_vec()).unwrap());
                }
            }
            assert_eq!((found.join("|").as_str(), lines.len()), ("one||two", 3));
        }
    }

    #[test]
    fn many_short_lines_cost_no_more_than_one_long_one() {
        let mut lines = EventLines::default();
        lines.push(&vec![b'\n'; 1 << 20]);
        let started = Instant::now();
        let mut count = 0;
        while lines.take().is_some() {
            count += 1;
        }
        assert_eq!(count, 1 << 20);
        assert!(started.elapsed() < Duration::from_secs(3));
    }
}
