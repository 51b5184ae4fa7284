//! What masks promise.

use std::sync::Arc;

use arrow_array::types::Date32Type;
use arrow_array::{BooleanArray, Date32Array, FixedSizeBinaryArray, Int64Array, StringArray};
use proptest::prelude::*;

use super::*;

fn column(logical: LogicalType, nullable: bool) -> InputColumn {
    InputColumn {
        name: "c".to_owned(),
        logical,
        nullable,
    }
}

fn varchar(chars: u32, padded: bool) -> LogicalType {
    LogicalType::Text {
        chars_max: Some(chars),
        padded,
    }
}

fn mask_text(kind: MaskKind, logical: LogicalType, texts: &[Option<&str>]) -> Vec<Option<String>> {
    let mask = Mask::new(kind, &MaskKey::new("secret"), &column(logical, true)).unwrap();
    let array: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let masked = mask.apply(&array).unwrap();
    let masked = masked.as_string::<i32>().iter();
    masked.map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn a_text_has_one_hash_whatever_its_column() {
    let one = mask_text(
        MaskKind::Hash,
        varchar(16, false),
        &[Some("anna"), None, Some("")],
    );
    let two = mask_text(
        MaskKind::Hash,
        LogicalType::text(),
        &[Some("anna"), None, Some("")],
    );
    assert_eq!(one, two);
    assert_eq!(one[1], None);
    assert_eq!(one[0].as_ref().unwrap().len(), 16);
    assert_ne!(one[0], one[2]);
    let padded = mask_text(MaskKind::Hash, varchar(20, true), &[Some("anna                ")]);
    assert_eq!(padded[0].as_ref().unwrap().trim_end(), one[0].as_ref().unwrap());
    assert_eq!(padded[0].as_ref().unwrap().len(), 20);
}

#[test]
fn a_hash_depends_on_the_key() {
    let logical = LogicalType::text();
    let of = |secret: &str| {
        let mask = Mask::new(
            MaskKind::Hash,
            &MaskKey::new(secret),
            &column(logical.clone(), true),
        )
        .unwrap();
        let array: ArrayRef = Arc::new(StringArray::from(vec!["anna"]));
        mask.apply(&array).unwrap().as_string::<i32>().value(0).to_owned()
    };
    assert_ne!(of("one"), of("two"));
    assert_eq!(of("one"), of("one"));
}

#[test]
fn the_hash_is_the_standard_one() {
    // RFC 4868, AUTH256-1.
    let key = MaskKey([0x0b; 32]);
    let hash = key.hash(b"Hi ", b"There");
    let shown: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        shown,
        "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7"
    );
}

#[test]
fn a_column_too_short_for_a_hash_is_refused() {
    let short = column(varchar(15, false), true);
    let error = Mask::new(MaskKind::Hash, &MaskKey::new("k"), &short).unwrap_err();
    assert_eq!(error.class(), whimbrel_core::ErrorClass::Invalid);
    assert!(error.hint().is_some());
}

#[test]
fn the_last_characters_are_kept_and_short_texts_hidden_wholly() {
    let texts = [
        Some("4111111111111234"),
        Some("1234"),
        Some("grün"),
        Some(""),
        None,
    ];
    let masked = mask_text(MaskKind::KeepLast(4), LogicalType::text(), &texts);
    let wanted = [
        Some("************1234"),
        Some("****"),
        Some("****"),
        Some(""),
        None,
    ];
    assert_eq!(masked, wanted.map(|text| text.map(str::to_owned)));
    let padded = mask_text(MaskKind::KeepLast(2), varchar(6, true), &[Some("äbcd  ")]);
    assert_eq!(padded, [Some("**cd  ".to_owned())]);
}

#[test]
fn redacted_values_fit_their_types() {
    assert_eq!(
        mask_text(MaskKind::Redact, varchar(2, false), &[Some("ab"), None]),
        [Some("xx".to_owned()), None]
    );
    let key = MaskKey::new("k");
    let redact = |logical, array: ArrayRef| {
        let mask = Mask::new(MaskKind::Redact, &key, &column(logical, false)).unwrap();
        mask.apply(&array).unwrap()
    };
    let dates = redact(
        LogicalType::Date,
        Arc::new(Date32Array::from(vec![Some(12), None])),
    );
    assert_eq!(
        dates.as_primitive::<Date32Type>(),
        &Date32Array::from(vec![Some(10_957), None])
    );
    let truths = redact(LogicalType::Boolean, Arc::new(BooleanArray::from(vec![true])));
    assert!(!truths.as_boolean().value(0));
    let labels = LogicalType::Enum {
        name: "mood".to_owned(),
        labels: vec!["happy".to_owned()],
    };
    assert!(Mask::new(MaskKind::Redact, &key, &column(labels.clone(), false)).is_err());
    assert_eq!(mask_text(MaskKind::Redact, labels, &[Some("happy")]), [None]);
}

#[test]
fn uuids_become_uuids() {
    let mask = Mask::new(
        MaskKind::Hash,
        &MaskKey::new("k"),
        &column(LogicalType::Uuid, false),
    )
    .unwrap();
    let array: ArrayRef = Arc::new(FixedSizeBinaryArray::from(vec![&[9_u8; 16], &[8; 16]]));
    let masked = mask.apply(&array).unwrap();
    let masked = masked.as_fixed_size_binary();
    assert_eq!(masked.value(0)[6] >> 4, 4);
    assert_ne!(masked.value(0), masked.value(1));
}

#[test]
fn masks_have_names() {
    assert_eq!(MaskKind::parse("hash"), Some(MaskKind::Hash));
    assert_eq!(MaskKind::parse("keep_last(4)"), Some(MaskKind::KeepLast(4)));
    assert_eq!(MaskKind::parse("keep_last"), None);
    assert_eq!(MaskKind::parse("shuffle"), None);
}

proptest! {
    #[test]
    fn integers_of_any_width_stay_joined(values in proptest::collection::vec(any::<i16>(), 1..50)) {
        let key = MaskKey::new("k");
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(values.iter().map(|value| i64::from(*value))));
        let masked = [16, 32, 64].map(|bits| {
            let column = column(LogicalType::Integer { bits }, false);
            Mask::new(MaskKind::Hash, &key, &column).unwrap().apply(&array).unwrap()
        });
        prop_assert_eq!(&masked[0], &masked[1]);
        prop_assert_eq!(&masked[1], &masked[2]);
    }
}
