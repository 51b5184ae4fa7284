//! Words and contracts of Whimbrel: what a database is ([`Catalog`]), how values travel ([`Batch`], [`LogicalType`]),
//! what is to be done ([`Plan`], [`Step`], [`Chunk`]), what an engine must do ([`Connector`]) and how equality is proven
//! ([`Digest`], [`TableAggregate`]). No I/O, no runtime, no driver: everything else points down to this crate.

mod equality;
mod error;
mod name;
mod pattern;
mod url;

mod catalog;
mod families;
mod fingerprint;
mod handshake;
mod hex;
mod logical;
mod mapping;
mod profile;

mod batch;
mod calendar;
mod canonical;
mod chunk;
mod column_builder;
mod decimal;
mod digest;
mod interval;
mod packed;
pub mod rule;

mod aggregate;
mod dependency;
mod finding;
mod login;
mod place;
mod plan;
mod report;
mod secrecy;
mod settled;
mod shell;
mod step;

mod connector;
mod dialect;
mod ledger;
mod silence;
mod usage;
pub mod validation;
mod written;

mod clock;
mod event;
pub mod expression;
pub mod fault;

pub use self::url::{DatabaseUrl, Secret};
pub use aggregate::{ColumnAggregate, TEXT_HEAD_CHARS, TableAggregate, text_head};
pub use batch::{BATCH_BYTES, BATCH_ROWS, Batch, ReadLimits, Reject, arrow_schema, arrow_type, shorten};
pub use calendar::{
    Civil, DAY_MICROS, civil_from_days, days_from_civil, format_date, format_time, format_timestamp,
    parse_date, parse_time, parse_timestamp,
};
pub use canonical::{RowHash, RowHasher};
pub use catalog::{
    Catalog, Check, Column, Deferral, Exclusion, ForeignKey, Generated, Identity, Index, IndexPart, Key,
    Making, MakingStage, Namespace, OtherObject, PartCondition, PartFilter, PartValue, PartitionOf, SEVERAL,
    Sequence, SequencePosition, Table, TablePart, UserType, UserTypeKind, View, divides_rows, engine_told,
};
pub use chunk::{Chunk, KeyBound, KeyRange, KeyValue};
pub use clock::{Clock, SystemClock};
pub use column_builder::ColumnBuilder;
pub use connector::{
    Capabilities, Committed, ConnectOptions, Connector, NameLimit, ReadColumn, ReadRequest, Snapshot, Source,
    Survey, SurveyRequest, Surveyed, Target, WriteColumn, WriteRequest, Writer,
};
pub use decimal::{canonical_decimal, is_decimal};
pub use dependency::{cycles, sort_by_dependency};
pub use dialect::{
    Change, ColumnCheck, ColumnUse, Dialect, ExpressionContext, Feature, NativeColumn, Room, TargetCollation,
    Untranslated,
};
pub use digest::Digest;
pub use equality::{NameEquality, TextEquality};
pub use error::{Error, ErrorClass, Result};
pub use event::Event;
pub use families::Families;
pub use finding::{
    ACCEPT, CODES, Choice, Code, Decision, Finding, LEAVE_OUT, OWN_TEXT, OWN_VALUE, STOP, Severity,
    UNTRANSLATED,
};
pub use fingerprint::{Fingerprint, hash_of};
pub use handshake::Handshake;
pub use hex::{format_uuid, hex, parse_uuid, push_hex, unhex, uuid_of_digits};
pub use interval::{format_interval, parse_interval};
pub use ledger::{ChunkRecord, ChunkResult, Epoch, Ledger, RunKey, StepRecord};
pub use logical::{Alternative, Comparable, Fidelity, LogicalType, Mapped, signed_range};
pub use login::Login;
pub use mapping::{LookupRule, Lossy, Mapping, MaskRule, Renames, SourceRule, TableRule, WaveRule};
pub use name::{MigrationId, ObjectId, ObjectKind, TableId};
pub use packed::{PackedBuilder, packed_rows, packed_values};
pub use pattern::{is_pattern, matches_name};
pub use place::{Client, Place, Way};
pub use plan::{ColumnPlan, Endpoint, Estimate, OnReject, Plan, Policies, SequencePlan, TablePlan};
pub use profile::{
    ColumnProfile, Depth, ForeignKeyProfile, LATE_UUIDS, StorageClasses, TableProfile, UniqueProfile,
    is_late_uuid,
};
pub use report::{
    ColumnVerdict, DifferenceKind, ObjectVerdict, PhaseReport, Problem, RollbackReport, RowDifference,
    RuledColumn, RunReport, RunStatus, TableReport, TableVerdict, ValueDifference, Verdict, Verification,
    Witness,
};
pub use rule::{RuleValue, ValueRule};
pub use secrecy::{WITHHELD, any_secret, is_secret, is_token, named, told};
pub use settled::Settled;
pub use shell::shell_word;
pub use silence::{Doing, Silence};
pub use step::{Direction, Statement, Step, StepPhase};
pub use usage::{TableUsage, Usage};
pub use validation::{CheckResult, Moment, Recorded, RuleVerdict, TableCheck, Tolerance, ValidationRule};
pub use written::Written;

/// The opaque place in a source's change log or the identity of its snapshot, as the connector prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position(pub String);
