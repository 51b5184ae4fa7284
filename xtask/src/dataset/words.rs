//! Text of all kinds: what people type, in many scripts, with the characters that break careless programs.
//! U+0000 is left out, since not every engine can hold it.

use super::random::Random;

const PLAIN: [&str; 96] = [
    "the", "of", "and", "to", "in", "is", "you", "that", "it", "was", "for", "on", "are", "as", "with",
    "his", "they", "at", "be", "this", "have", "from", "or", "one", "had", "by", "word", "but", "not",
    "what", "all", "were", "we", "when", "your", "can", "said", "there", "use", "an", "each", "which", "she",
    "do", "how", "their", "if", "will", "up", "other", "about", "out", "many", "then", "them", "these", "so",
    "some", "her", "would", "make", "like", "him", "into", "time", "has", "look", "two", "more", "write",
    "go", "see", "number", "no", "way", "could", "people", "my", "than", "first", "water", "been", "call",
    "who", "oil", "its", "now", "find", "long", "down", "day", "did", "get", "come", "made", "delivery",
];
const FOREIGN: [&str; 40] = [
    "Straße",
    "größer",
    "naïve",
    "façade",
    "señor",
    "Ærø",
    "Łódź",
    "çok",
    "İstanbul",
    "ﬁne",
    "Ωμέγα",
    "καλημέρα",
    "привет",
    "Київ",
    "日本語",
    "東京",
    "中文",
    "漢字",
    "한국어",
    "שלום",
    "مرحبا",
    "ไทย",
    "हिन्दी",
    "தமிழ்",
    "ქართული",
    "Việt",
    "e\u{301}cole",
    "o\u{308}l",
    "a\u{30a}r",
    "🙂",
    "👍🏽",
    "👩‍👩‍👧",
    "🇪🇺",
    "🚀",
    "𝕏",
    "𠜎",
    "½",
    "€",
    "™",
    "“quoted”",
];
/// What breaks programs that quote, split or trim carelessly.
const AWKWARD: [&str; 28] = [
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\\",
    "\\\\",
    "\\n",
    "\\N",
    "'",
    "''",
    "\"",
    "\"\"",
    "`",
    ";",
    "--",
    "/* */",
    "%s",
    "$1",
    "{}",
    "&amp;",
    "<b>",
    "NULL",
    "\u{1}",
    "\u{b}",
    "\u{1b}[0m",
    "\u{7f}",
    "\u{200b}",
    "\u{feff}",
];
const FIRST: [&str; 24] = [
    "Ada",
    "Grace",
    "Zoë",
    "José",
    "Müge",
    "Søren",
    "Анна",
    "Γιώργος",
    "明",
    "さくら",
    "지훈",
    "Fatima",
    "O'Neill",
    "Noa",
    "Chloé",
    "Björn",
    "Ivan",
    "Priya",
    "Thi",
    "Kwame",
    "Mary-Jane",
    "Jürgen",
    "Łukasz",
    "Renée",
];
const LAST: [&str; 20] = [
    "Lovelace",
    "Hopper",
    "García",
    "Müller",
    "O'Brien",
    "Иванова",
    "Παπαδόπουλος",
    "山田",
    "김",
    "van der Berg",
    "D'Arc",
    "Nguyễn",
    "Şahin",
    "Håkansson",
    "Smith",
    "Okafor",
    "Jensen",
    "Kowalska",
    "Dvořák",
    "Rossi",
];
const SHAPES: [&str; 20] = [
    "Compact",
    "Steel",
    "Cotton",
    "Wooden",
    "Classic",
    "Portable",
    "Électrique",
    "Großer",
    "Silent",
    "Heavy",
    "Outdoor",
    "Smart",
    "Vintage",
    "Mini",
    "Double",
    "Left-handed",
    "8\" Round",
    "Cordless",
    "Kids'",
    "Professional",
];
const THINGS: [&str; 20] = [
    "Kettle",
    "Chair",
    "Lamp",
    "Jacket",
    "Keyboard",
    "Bottle",
    "Café Table",
    "Schlüssel",
    "Drill",
    "Backpack",
    "Clock",
    "Notebook",
    "Headphones",
    "Mug",
    "Umbrella",
    "Bicycle",
    "Tent",
    "茶碗",
    "Ladder",
    "Fan",
];
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends words until there are as many bytes; one word in twelve is of another script, one in forty awkward.
pub(super) fn prose(random: &mut Random, bytes: u64, out: &mut String) {
    let end = out.len() + usize::try_from(bytes).unwrap_or(0);
    while out.len() < end {
        if !out.is_empty() {
            out.push(' ');
        }
        let draw = random.next();
        // One draw serves both choices: it has bits enough.
        let mut again = Random::of(draw, 0, 0);
        match draw % 120 {
            0..3 => out.push_str(again.pick(&AWKWARD)),
            3..13 => out.push_str(again.pick(&FOREIGN)),
            _ => out.push_str(again.pick(&PLAIN)),
        }
    }
}

/// Appends nothing, a few words, or something awkward.
pub(super) fn note(random: &mut Random, out: &mut String) {
    match random.below(10) {
        0 | 1 => {}
        2 => {
            out.push_str(random.pick(&AWKWARD));
            out.push_str(random.pick(&FOREIGN));
            out.push_str(random.pick(&AWKWARD));
        }
        _ => {
            let bytes = random.below(24);
            prose(random, bytes, out);
        }
    }
}

/// Appends the name of a person.
pub(super) fn person(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&FIRST));
    out.push(' ');
    out.push_str(random.pick(&LAST));
}

/// Appends the name of a thing.
pub(super) fn title(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&SHAPES));
    out.push(' ');
    out.push_str(random.pick(&THINGS));
}

/// Appends one plain word.
pub(super) fn word(random: &mut Random, out: &mut String) {
    out.push_str(random.pick(&PLAIN));
}

/// Appends hexadecimal digits.
pub(super) fn hex(random: &mut Random, digits: u64, out: &mut String) {
    let mut bits = 0;
    for at in 0..digits {
        if at % 16 == 0 {
            bits = random.next();
        }
        out.push(char::from(HEX[usize::from(bits.to_le_bytes()[0] & 15)]));
        bits >>= 4;
    }
}

/// Appends a random UUID of version 4.
pub(super) fn uuid(random: &mut Random, out: &mut String) {
    let bits = (u128::from(random.next()) << 64) | u128::from(random.next());
    let bits = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    for (at, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push(char::from(HEX[usize::from(byte >> 4)]));
        out.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Appends a JSON string of the text.
pub(super) fn quoted_json(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                out.push_str("\\u00");
                let code = usize::try_from(u32::from(control)).unwrap_or(0);
                out.push(char::from(HEX[code >> 4]));
                out.push(char::from(HEX[code & 15]));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
