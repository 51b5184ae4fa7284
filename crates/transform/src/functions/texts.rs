//! Functions of text.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a function names the kinds that it takes"
)]

use std::sync::Arc;

use arrow_array::Int64Array;
use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray as _;
use datafusion_expr::ScalarUDF;
use datafusion_functions::{regex, string, unicode};
use sha2::{Digest as _, Sha256};
use whimbrel_core::{push_hex, shorten, unhex};

use super::{Call, Function, integer, library, literal, own, text};
use crate::cast::as_text;
use crate::kernel::OnRefusal;
use crate::node::{Kind, Node, folded};
use crate::outcome::whole;

/// The longest text that padding makes.
const PADDED_MAX: i64 = 4096;

const fn of(
    name: &'static str,
    counts: (usize, usize),
    usage: &'static str,
    says: &'static str,
    bind: super::Bind,
) -> Function {
    Function {
        name,
        group: "Text",
        usage,
        says,
        counts,
        bind,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    of("lower", (1, 1), "lower(text)", "in small letters", |call| {
        all_text(string::lower(), call)
    }),
    of("upper", (1, 1), "upper(text)", "in capital letters", |call| {
        all_text(string::upper(), call)
    }),
    of(
        "initcap",
        (1, 1),
        "initcap(text)",
        "every word begins with a capital",
        |call| all_text(unicode::initcap(), call),
    ),
    of(
        "btrim",
        (1, 2),
        "trim(text[, characters])",
        "without spaces (or the characters) at both ends",
        |call| shorter(string::btrim(), call),
    ),
    of(
        "ltrim",
        (1, 2),
        "ltrim(text[, characters])",
        "without them at the beginning",
        |call| shorter(string::ltrim(), call),
    ),
    of(
        "rtrim",
        (1, 2),
        "rtrim(text[, characters])",
        "without them at the end",
        |call| shorter(string::rtrim(), call),
    ),
    of(
        "length",
        (1, 1),
        "length(text)",
        "number of characters; of bytes, their number",
        length,
    ),
    of(
        "octet_length",
        (1, 1),
        "octet_length(text)",
        "number of bytes in UTF-8",
        |call| counted(string::octet_length(), call),
    ),
    of(
        "substr",
        (2, 3),
        "substr(text, from[, count])",
        "characters from a place, the first being 1",
        |call| with_numbers(unicode::substr(), call),
    ),
    of(
        "left",
        (2, 2),
        "left(text, count)",
        "the first characters",
        |call| with_numbers(unicode::left(), call),
    ),
    of(
        "right",
        (2, 2),
        "right(text, count)",
        "the last characters",
        |call| with_numbers(unicode::right(), call),
    ),
    of(
        "lpad",
        (2, 3),
        "lpad(text, length[, fill])",
        "filled (or cut) to a length of at most 4096, at the beginning",
        |call| padded(unicode::lpad(), call),
    ),
    of(
        "rpad",
        (2, 3),
        "rpad(text, length[, fill])",
        "the same at the end",
        |call| padded(unicode::rpad(), call),
    ),
    of(
        "concat",
        (1, 64),
        "concat(value, …)",
        "values as text, joined; NULL counts as empty text",
        |call| joined(string::concat(), call),
    ),
    of(
        "concat_ws",
        (2, 64),
        "concat_ws(separator, value, …)",
        "values that are not NULL, joined by the separator",
        |call| joined(string::concat_ws(), call),
    ),
    of(
        "replace",
        (3, 3),
        "replace(text, part, other)",
        "with every occurrence of a part replaced; an empty part is before, between and behind all characters",
        |call| all_text(string::replace(), call),
    ),
    of(
        "translate",
        (3, 3),
        "translate(text, characters, others)",
        "with each of the characters replaced by the one at its place",
        |call| all_text(unicode::translate(), call),
    ),
    of(
        "split_part",
        (3, 3),
        "split_part(text, separator, number)",
        "one part, the first being 1; empty when there are fewer",
        |call| with_numbers(string::split_part(), call),
    ),
    of(
        "strpos",
        (2, 2),
        "strpos(text, part)",
        "place of the first occurrence, 0 when there is none",
        |call| counted(unicode::strpos(), call),
    ),
    of(
        "starts_with",
        (2, 2),
        "starts_with(text, part)",
        "true when it begins so",
        |call| tested(string::starts_with(), call),
    ),
    of(
        "ends_with",
        (2, 2),
        "ends_with(text, part)",
        "true when it ends so",
        |call| tested(string::ends_with(), call),
    ),
    of(
        "contains",
        (2, 2),
        "contains(text, part)",
        "true when the part occurs",
        |call| tested(string::contains(), call),
    ),
    of("reverse", (1, 1), "reverse(text)", "backwards", |call| {
        all_text(unicode::reverse(), call)
    }),
    of(
        "ascii",
        (1, 1),
        "ascii(text)",
        "number of the first character in Unicode",
        |call| counted(string::ascii(), call),
    ),
    of(
        "levenshtein",
        (2, 2),
        "levenshtein(text, other)",
        "number of characters to change to make one the other",
        |call| counted(string::levenshtein(), call),
    ),
    of(
        "regexp_like",
        (2, 3),
        "regexp_like(text, pattern[, flags])",
        "true when the pattern matches somewhere",
        |call| tested(regex::regexp_like(), call),
    ),
    of(
        "regexp_replace",
        (3, 4),
        "regexp_replace(text, pattern, other[, flags])",
        "with the first match replaced, or all with the flag `g`; `\\1` is the first group",
        |call| all_text(regex::regexp_replace(), call),
    ),
    of(
        "encode",
        (2, 2),
        "encode(bytes, 'hex')",
        "bytes (or the bytes of text) as hex",
        encode,
    ),
    of(
        "decode",
        (2, 2),
        "decode(text, 'hex')",
        "the bytes that the hex digits mean",
        decode,
    ),
    of(
        "sha256",
        (1, 1),
        "sha256(value)",
        "SHA-256 of the text's bytes in hex; not a mask, since anyone can compute it",
        sha256,
    ),
];

fn texts_of(call: Call<'_>) -> Result<Vec<Node>, String> {
    call.arguments.into_iter().map(text).collect()
}

/// Refuses constants that the library refuses, such as a pattern that is none.
fn tried(node: Node, function: Arc<ScalarUDF>, arguments: &[Node]) -> Result<Node, String> {
    let pattern = arguments.iter().skip(1).all(|argument| argument.constant);
    if arguments.len() > 1 && pattern {
        let mut sample = arguments.to_vec();
        sample[0] = Node::text("");
        let kind = node.kind.clone();
        let sample = folded(library(function, &sample, kind)?.fallible());
        if sample.scalar().is_none() && !arguments.iter().skip(1).any(|argument| argument.nullable) {
            let shown = arguments[1].literal.clone().unwrap_or_default();
            return Err(format!("`{shown}` cannot be used as a pattern"));
        }
    }
    Ok(node.fallible())
}

fn all_text(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let arguments = texts_of(call)?;
    let node = library(Arc::clone(&function), &arguments, Kind::TEXT)?;
    match function.name() == "regexp_replace" {
        true => tried(node, function, &arguments),
        false => Ok(node),
    }
}

/// The result has no more characters than the first argument.
fn shorter(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let kind = match call.arguments.first().map(|first| &first.kind) {
        Some(Kind::Text { chars_max }) => Kind::Text {
            chars_max: *chars_max,
        },
        _ => Kind::TEXT,
    };
    let node = library(function, &texts_of(call)?, Kind::TEXT)?;
    Ok(Node { kind, ..node })
}

fn counted(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    library(function, &texts_of(call)?, Kind::INTEGER)
}

fn tested(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let arguments = texts_of(call)?;
    let node = library(Arc::clone(&function), &arguments, Kind::Boolean)?;
    match function.name() == "regexp_like" {
        true => tried(node, function, &arguments),
        false => Ok(node),
    }
}

fn length(call: Call<'_>) -> Result<Node, String> {
    if let [bytes] = &call.arguments[..]
        && bytes.kind == Kind::Bytes
    {
        let work = |columns: &[arrow_array::ArrayRef]| {
            let bytes = columns[0].as_binary::<i32>();
            let lengths = bytes
                .iter()
                .map(|bytes| bytes.and_then(|bytes| i64::try_from(bytes.len()).ok()));
            Ok(Arc::new(lengths.collect::<Int64Array>()) as arrow_array::ArrayRef)
        };
        return Ok(own("byte_length", &[bytes], Kind::INTEGER, Arc::new(work)));
    }

    counted(unicode::character_length(), call)
}

/// Text and then numbers; texts stay where they stand.
fn with_numbers(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let name = function.name().to_owned();
    let arguments = call
        .arguments
        .into_iter()
        .enumerate()
        .map(|(at, node)| match (at, name.as_str()) {
            (0, _) | (1, "split_part") => text(node),
            _ => integer(node),
        });
    let arguments = arguments.collect::<Result<Vec<_>, String>>()?;
    let count = arguments.last().and_then(Node::scalar).and_then(whole);
    let limit = count.filter(|_| name != "split_part" && (name != "substr" || arguments.len() == 3));
    let chars_max = limit
        .and_then(|count| u32::try_from(count).ok())
        .filter(|count| *count > 0);
    let node = library(function, &arguments, Kind::TEXT)?;
    Ok(Node {
        kind: Kind::Text { chars_max },
        ..node.fallible()
    })
}

fn padded(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let arguments = call.arguments.into_iter().enumerate();
    let arguments = arguments.map(|(at, node)| if at == 1 { integer(node) } else { text(node) });
    let arguments = arguments.collect::<Result<Vec<_>, String>>()?;
    let length = arguments[1].scalar().and_then(whole);
    let Some(length) = length.filter(|length| (0..=PADDED_MAX).contains(length)) else {
        return Err(format!("takes a literal length of at most {PADDED_MAX}"));
    };
    let node = library(function, &arguments, Kind::TEXT)?;
    let chars_max = u32::try_from(length.max(1)).ok();
    Ok(Node {
        kind: Kind::Text { chars_max },
        ..node
    })
}

fn joined(function: Arc<ScalarUDF>, call: Call<'_>) -> Result<Node, String> {
    let texts = call.arguments.into_iter().map(|node| match node.kind {
        Kind::Bytes => Err("bytes are not text; write `encode(value, 'hex')`".to_owned()),
        _ => as_text(node),
    });
    let texts = texts.collect::<Result<Vec<_>, String>>()?;
    let total = function.name() == "concat";
    let node = library(function, &texts, Kind::TEXT)?;
    Ok(Node {
        nullable: node.nullable && !total,
        ..node
    })
}

fn is_hex(node: &Node) -> Result<(), String> {
    match literal(node)?.to_ascii_lowercase().as_str() {
        "hex" => Ok(()),
        other => Err(format!("form `{other}` is not known; use 'hex'")),
    }
}

fn bytes_of(node: Node) -> Result<Node, String> {
    match node.kind {
        Kind::Bytes => Ok(node),
        _ => crate::cast::cast(as_text(node)?, &Kind::Bytes, OnRefusal::Fail),
    }
}

fn encode(mut call: Call<'_>) -> Result<Node, String> {
    is_hex(&call.arguments[1])?;
    let bytes = bytes_of(call.arguments.swap_remove(0))?;
    let work = |columns: &[arrow_array::ArrayRef]| {
        let bytes = columns[0].as_binary::<i32>();
        let texts = crate::kernel::texts(bytes, OnRefusal::Fail, |row, out| {
            push_hex(bytes.value(row), out);
            Ok(())
        })?;
        Ok(Arc::new(texts) as arrow_array::ArrayRef)
    };
    Ok(own("encode_hex", &[&bytes], Kind::TEXT, Arc::new(work)))
}

fn decode(mut call: Call<'_>) -> Result<Node, String> {
    is_hex(&call.arguments[1])?;
    let digits = text(call.arguments.swap_remove(0))?;
    let work = |columns: &[arrow_array::ArrayRef]| {
        let mut bytes = BinaryBuilder::new();
        for digits in columns[0].as_string::<i32>() {
            match digits.map(|digits| unhex(digits).ok_or(digits)) {
                Some(Ok(decoded)) => bytes.append_value(decoded),
                Some(Err(digits)) => return Err(format!("`{}` is not hex", shorten(digits))),
                None => bytes.append_null(),
            }
        }
        Ok(Arc::new(bytes.finish()) as arrow_array::ArrayRef)
    };
    Ok(own("decode_hex", &[&digits], Kind::Bytes, Arc::new(work)).fallible())
}

fn sha256(mut call: Call<'_>) -> Result<Node, String> {
    let bytes = bytes_of(call.arguments.swap_remove(0))?;
    let work = |columns: &[arrow_array::ArrayRef]| {
        let bytes = columns[0].as_binary::<i32>();
        let texts = crate::kernel::texts(bytes, OnRefusal::Fail, |row, out| {
            push_hex(&Sha256::digest(bytes.value(row)), out);
            Ok(())
        })?;
        Ok(Arc::new(texts) as arrow_array::ArrayRef)
    };
    let kind = Kind::Text { chars_max: Some(64) };
    Ok(own("sha256", &[&bytes], kind, Arc::new(work)))
}
