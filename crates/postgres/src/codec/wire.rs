//! The raw binary form between equal engines. Arrays and composites carry the numbers of their types, and the numbers of
//! user-defined types differ from server to server: on the way they are 0, and the writer puts in its own.

/// What the bytes of a value are made of, as far as type numbers are inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Bytes without any type number.
    Plain,
    /// An array of elements.
    Array(Box<Part>),
    /// A row of attributes.
    Composite(Vec<Part>),
    /// A range over a subtype.
    Range(Box<Self>),
    /// A list of ranges over a subtype.
    Multirange(Box<Self>),
}

/// A type inside another one: its number on this server, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) oid: u32,
    pub(crate) shape: Shape,
}

/// Which way type numbers are rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewrite {
    /// Numbers that only this server knows become 0.
    Portable,
    /// 0 becomes this server's number.
    Local,
}

/// Below this, numbers are assigned by hand and equal on every server.
const ASSIGNED_BY_SERVER: u32 = 10_000;

const RANGE_EMPTY: u8 = 0x01;
const RANGE_LOWER_INFINITE: u8 = 0x08;
const RANGE_UPPER_INFINITE: u8 = 0x10;

impl Shape {
    /// Tells whether values hold no type numbers at all.
    pub(crate) fn is_plain(&self) -> bool {
        match self {
            Self::Plain => true,
            Self::Array(_) | Self::Composite(_) => false,
            Self::Range(inner) | Self::Multirange(inner) => inner.is_plain(),
        }
    }

    /// Rewrites the type numbers in a value; false when the bytes are not of this shape.
    #[must_use]
    pub(crate) fn rewrite(&self, bytes: &mut [u8], way: Rewrite) -> bool {
        let mut cursor = Cursor { bytes, at: 0 };
        self.walk(&mut cursor, way).is_some() && cursor.at == cursor.bytes.len()
    }

    fn walk(&self, cursor: &mut Cursor<'_>, way: Rewrite) -> Option<()> {
        match self {
            Self::Plain => cursor.at = cursor.bytes.len(),
            Self::Array(part) => {
                let dimensions = cursor.number()?;
                cursor.number()?;
                cursor.type_number(part.oid, way)?;
                let mut elements = usize::from(dimensions > 0);
                for _ in 0..dimensions {
                    elements = elements.checked_mul(usize::try_from(cursor.number()?).ok()?)?;
                    cursor.number()?;
                }
                for _ in 0..elements {
                    cursor.field(&part.shape, way)?;
                }
            }
            Self::Composite(parts) => {
                if usize::try_from(cursor.number()?).ok()? != parts.len() {
                    return None;
                }
                for part in parts {
                    cursor.type_number(part.oid, way)?;
                    cursor.field(&part.shape, way)?;
                }
            }
            Self::Range(subtype) => cursor.range(subtype, way)?,
            Self::Multirange(subtype) => {
                for _ in 0..cursor.number()? {
                    let length = usize::try_from(cursor.number()?).ok()?;
                    let range = cursor.bytes.get_mut(cursor.at..cursor.at.checked_add(length)?)?;
                    let mut inner = Cursor { bytes: range, at: 0 };
                    inner.range(subtype, way)?;
                    cursor.at += length;
                }
            }
        }
        Some(())
    }
}

struct Cursor<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    fn number(&mut self) -> Option<i32> {
        let bytes = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        Some(i32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn type_number(&mut self, own: u32, way: Rewrite) -> Option<()> {
        let place = self.bytes.get_mut(self.at..self.at + 4)?;
        let found = u32::from_be_bytes((*place).try_into().ok()?);
        match way {
            Rewrite::Portable if found >= ASSIGNED_BY_SERVER => place.fill(0),
            Rewrite::Local if found == 0 => place.copy_from_slice(&own.to_be_bytes()),
            Rewrite::Portable | Rewrite::Local => {}
        }
        self.at += 4;
        Some(())
    }

    /// A value with its length in front, NULL as -1.
    fn field(&mut self, shape: &Shape, way: Rewrite) -> Option<()> {
        let length = self.number()?;
        if length == -1 {
            return Some(());
        }
        let length = usize::try_from(length).ok()?;
        let value = self.bytes.get_mut(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        shape.rewrite(value, way).then_some(())
    }

    fn range(&mut self, subtype: &Shape, way: Rewrite) -> Option<()> {
        let flags = *self.bytes.get(self.at)?;
        self.at += 1;
        if flags & RANGE_EMPTY == 0 {
            for infinite in [RANGE_LOWER_INFINITE, RANGE_UPPER_INFINITE] {
                if flags & infinite == 0 {
                    self.field(subtype, way)?;
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn array_of(oid: u32) -> Shape {
        Shape::Array(Box::new(Part {
            oid,
            shape: Shape::Plain,
        }))
    }

    #[test]
    fn numbers_of_user_types_leave_as_zero_and_arrive_as_the_targets() {
        // One dimension, no NULLs, element type, one element, lower bound 1, length 4, value.
        let sent = words(&[1, 0, 16_400, 1, 1, 4, 7]);
        let mut bytes = sent.clone();
        assert!(array_of(16_400).rewrite(&mut bytes, Rewrite::Portable));
        assert_eq!(bytes, words(&[1, 0, 0, 1, 1, 4, 7]));
        assert!(array_of(20_000).rewrite(&mut bytes, Rewrite::Local));
        assert_eq!(bytes, words(&[1, 0, 20_000, 1, 1, 4, 7]));
    }

    #[test]
    fn numbers_of_built_in_types_stay() {
        let mut bytes = words(&[1, 1, 23, 2, 1, -1, 4, 7]);
        let sent = bytes.clone();
        assert!(array_of(23).rewrite(&mut bytes, Rewrite::Portable));
        assert_eq!(bytes, sent);
    }

    #[test]
    fn nested_parts_are_reached() {
        let inner = words(&[0, 0, 16_400]);
        let mut bytes = words(&[2, 16_500, 12]);
        bytes.extend(&inner);
        bytes.extend(words(&[25, -1]));
        let shape = Shape::Composite(vec![
            Part {
                oid: 16_500,
                shape: array_of(16_400),
            },
            Part {
                oid: 25,
                shape: Shape::Plain,
            },
        ]);
        assert!(shape.rewrite(&mut bytes, Rewrite::Portable));
        assert_eq!(bytes, words(&[2, 0, 12, 0, 0, 0, 25, -1]));
    }

    proptest! {
        #[test]
        fn bytes_of_another_shape_never_panic(mut bytes: Vec<u8>) {
            let part = |shape| Box::new(Part { oid: 16_400, shape });
            let range = Shape::Range(Box::new(array_of(16_401)));
            let shapes = [
                Shape::Array(part(range.clone())),
                Shape::Composite(vec![*part(Shape::Plain)]),
                Shape::Multirange(Box::new(range)),
            ];
            for shape in shapes {
                let _ = shape.rewrite(&mut bytes, Rewrite::Portable);
            }
        }
    }
}
