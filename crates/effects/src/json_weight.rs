//! Estimates the memory that a JSON document needs: `{}` is two bytes long, and hundreds in memory.

/// The largest object that a step reads is about this large in memory.
const OBJECT: usize = 512;
/// A value of a list, and the inline part of a string.
const VALUE: usize = 32;

/// The objects and values of a JSON document, counted before it is parsed.
///
/// A server decides how many there are. Braces and commas within strings count as well, so the
/// estimate is never too low.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonWeight {
    objects: usize,
    values: usize,
}

impl JsonWeight {
    /// Returns the weight of a document.
    pub fn of(document: &[u8]) -> Self {
        let mut weight = Self::default();
        weight.add(document);
        weight
    }

    /// Adds a part of the document, which may begin and end anywhere.
    pub fn add(&mut self, part: &[u8]) {
        // Of so few words, the sums of both bytes of values fit into a byte.
        for block in part.chunks(127 * 8) {
            let (mut objects, mut values) = (0, 0);
            let (words, rest) = block.as_chunks();
            for word in words {
                let word = u64::from_ne_bytes(*word);
                objects += ones(word, b'{');
                values += ones(word, b',') + ones(word, b'[');
            }
            self.objects += sum(objects);
            self.values += sum(values);
            for byte in rest {
                self.objects += usize::from(*byte == b'{');
                self.values += usize::from(matches!(*byte, b',' | b'['));
            }
        }
    }

    /// Returns about how many bytes the document needs in memory.
    pub fn bytes(self) -> usize {
        let objects = self.objects.saturating_mul(OBJECT);
        objects.saturating_add(self.values.saturating_mul(VALUE))
    }
}

const LOW_BITS: u64 = u64::from_ne_bytes([0x7f; 8]);

/// Returns eight bytes that are 1 where the word has a byte, and otherwise 0. Most answers are
/// large, and the shipped binary is built for size: this way it looks at eight bytes at a time.
fn ones(word: u64, byte: u8) -> u64 {
    let difference = word ^ u64::from_ne_bytes([byte; 8]);
    // The highest bit of a byte becomes 1 if the byte differs; nothing is carried to the next one.
    let differs = ((difference & LOW_BITS) + LOW_BITS) | difference;
    (!differs & !LOW_BITS) >> 7
}

/// Adds the eight bytes of a word.
fn sum(word: u64) -> usize {
    word.to_ne_bytes().into_iter().map(usize::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_values_are_counted_wherever_the_parts_end() {
        let document = format!(r#"{{"items":[{}{{}}]}}"#, "{},".repeat(1000));
        let whole = JsonWeight::of(document.as_bytes());
        assert_eq!((whole.objects, whole.values), (1002, 1001));
        for size in [1, 7, 255, 256] {
            let mut parts = JsonWeight::default();
            for part in document.as_bytes().chunks(size) {
                parts.add(part);
            }
            assert_eq!(parts.bytes(), whole.bytes(), "{size}");
        }
        assert_eq!(JsonWeight::of(b"").bytes(), 0);
        let all: Vec<u8> = (0..=u8::MAX).flat_map(|byte| [byte; 2011]).collect();
        let weight = JsonWeight::of(&all);
        assert_eq!((weight.objects, weight.values), (2011, 4022));
    }
}
