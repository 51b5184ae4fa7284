//! The columns that a part gives: what its rules say of each, and how its values are made by that.

use std::collections::BTreeMap;

use whimbrel_core::{
    Catalog, Column, Error, LogicalType, MaskRule, ObjectKind, Result, Table, TableId, TableRule,
    UserTypeKind, matches_name,
};

use super::castable::word;
use super::compose::Tools;
use super::computed::{Computed, Masked};
use super::domains;
use super::exact::Exact;
use super::fill::Fill;
use super::kept::Kept;
use super::keys::Gone;
use super::part::{PartColumn, Value, quoted};
use super::retyped::{Retyped, keeps_values};
use super::sources::Described;
use super::words::{self, Word};
use crate::similar::nearest;
use crate::{Filter, InputColumn};

/// What `types` takes, where the target's dialect lists no names.
const ANY_TYPE: &str = "name a type of the target for truth values, numbers, text, dates, times, UUIDs, JSON, bytes, or one of the source's enums";

/// Makes the columns of one table.
pub(super) struct Builder<'a> {
    /// The table by its names among all databases.
    pub(super) table: &'a Table,
    /// The table as its database calls it.
    pub(super) own: &'a TableId,
    pub(super) inputs: &'a [InputColumn],
    pub(super) rules: &'a [&'a TableRule],
    pub(super) tools: &'a Tools<'a>,
    pub(super) described: &'a Described<'a>,
}

impl Builder<'_> {
    /// The conditions of all rules together.
    pub(super) fn filter_text(&self) -> String {
        let filters: Vec<&String> = self
            .rules
            .iter()
            .filter_map(|rule| rule.filter.as_ref())
            .collect();
        match filters.as_slice() {
            [one] => (*one).clone(),
            many => many
                .iter()
                .map(|filter| format!("({filter})"))
                .collect::<Vec<_>>()
                .join(" AND "),
        }
    }

    /// Which rows pass.
    ///
    /// # Errors
    /// As [`Filter::compile`]; where there are several conditions, of the one that is wrong.
    pub(super) fn filter(&self) -> Result<Option<Filter>> {
        let text = self.filter_text();
        if text.is_empty() {
            return Ok(None);
        }
        let compile = |text: &str| Filter::compile(text, self.inputs, self.tools.lookups);
        let own = |rule: &&TableRule| {
            let error = compile(rule.filter.as_ref()?).err()?;
            Some(error.at(rule.written.place(&["where"])))
        };
        compile(&text).map(Some).map_err(|error| {
            let error = self.rules.iter().find_map(own).unwrap_or(error);
            mapping_error(error, &self.own.to_string(), "where")
        })
    }

    pub(super) fn columns(&self, source: &str) -> Result<Vec<PartColumn>> {
        let mut columns = Vec::new();
        for (at, column) in self.table.columns.iter().enumerate() {
            if self.is_wanted(&column.name) {
                columns.push(self.own(at, column)?);
            }
        }
        let computed: BTreeMap<&String, &String> = self.rules.iter().flat_map(|rule| &rule.compute).collect();
        for (name, text) in computed {
            if self.table.column(name).is_none() {
                columns.push(self.new_column(name, text)?);
            }
        }
        let named = self
            .rules
            .iter()
            .rev()
            .find_map(|rule| rule.source_column.as_ref());
        if let Some(name) = named {
            let text = format!("'{}'", source.replace('\'', "''"));
            let mut column = self.new_column(name, &text)?;
            column.column.nullable = false;
            columns.push(column);
        }
        Ok(columns)
    }

    fn is_wanted(&self, name: &str) -> bool {
        !self.rules.iter().any(|rule| leaves_out(rule, name))
    }

    /// The last rule's word for a column, by pattern.
    fn word<'r, T>(
        &'r self,
        name: &str,
        of: impl Fn(&'r TableRule) -> &'r BTreeMap<String, T>,
    ) -> Option<&'r T> {
        words::last(self.rules, name, of)
    }

    /// A column of the source's.
    fn own(&self, at: usize, column: &Column) -> Result<PartColumn> {
        let name = &column.name;
        let computed = self.rules.iter().rev().find_map(|rule| rule.compute.get(name));
        let default = self.word(name, |rule| &rule.default).map(String::as_str);
        let mask = self.word(name, |rule| &rule.mask);
        let wanted = self.word(name, |rule| &rule.types);
        let renamed = self.rules.iter().rev().find_map(|rule| rule.rename.get(name));
        let mut part = PartColumn {
            name: name.clone(),
            renamed: renamed.cloned(),
            value: Value::Column { at, own_form: None },
            wanted: wanted.and_then(|wanted| self.native_name(wanted)),
            column: column.clone(),
            gone: Vec::new(),
        };
        if computed.is_none() && default.is_none() && mask.is_none() && wanted.is_none() {
            return Ok(part);
        }
        let mut text = computed.map_or_else(|| quoted(name), |text| format!("({text})"));
        if let Some(default) = default {
            text = format!("coalesce({text}, ({default}))");
        }
        let is_own = computed.is_none() && wanted.is_none();
        let mut made = self
            .compute_as(name, &text, wanted)
            .map_err(|error| self.culprit(name, (computed.map(String::as_str), default), error))?;
        if is_own {
            if let Some(default) = default {
                made.fill = self.fill(at, column, default)?;
                made.room = self.kept().room(column).filter(|_| made.fill.is_none());
            }
            part.gone = self.leave_conditions(&mut part.column);
        }
        if let Some(rule) = mask {
            self.hide(&mut made, &part.column, *rule, wanted.or(computed))?;
        }
        made.of = (computed.is_none() && default.is_none()).then_some(at);
        part.column.derivation = Some(said(&made));
        part.column.derived = Some(match is_own && default.is_none() {
            true => self.inputs[at].logical.clone(),
            false => made.form().clone(),
        });
        part.column.nullable = made.expression.nullable() && part.column.nullable
            || mask.is_none() && made.expression.nullable();
        if !is_own {
            self.settle(&mut part, &mut made, at, wanted.filter(|_| computed.is_none()));
        }
        part.value = Value::Computed(Box::new(made));
        Ok(part)
    }

    /// What the column keeps of its own in another type or with other values.
    fn settle(&self, part: &mut PartColumn, made: &mut Computed, at: usize, native: Option<&String>) {
        let to = native.and_then(|native| self.form_of(native));
        let to = to.unwrap_or_else(|| made.expression.logical().clone());
        let retyped = Retyped {
            described: self.described,
            table: self.own,
            target: self.tools.target,
            from: &self.inputs[at].logical,
            to: &to,
            native: native.map(String::as_str),
        };
        let (numbered, gone) = retyped.settle(&mut part.column);
        made.keeps_values =
            made.of.is_some() && made.mask.is_none() && keeps_values(&self.inputs[at].logical, &to);
        part.wanted = numbered.or(part.wanted.take());
        part.gone = gone;
    }

    /// What stands in the place of NULL in a column that keeps its form.
    fn fill(&self, at: usize, column: &Column, default: &str) -> Result<Option<Fill>> {
        let alike = |own: &Column| {
            let name = default.trim();
            let mut others = self
                .table
                .columns
                .iter()
                .filter(|other| other.native == own.native);
            others.any(|other| other.name == name || quoted(&other.name) == name)
        };
        let kept = self.kept();
        let mut fill = Fill::new((at, self.inputs), default, self.tools.lookups, kept.room(column));
        if let Ok(Some(fill)) = &mut fill
            && let Err(refused) = kept.ask(fill, column, alike)
        {
            return Err(self.wrong(refused, &column.name, Word::Default, default));
        }
        fill.map_err(|error| self.wrong(error, &column.name, Word::Default, default))
    }

    fn kept(&self) -> Kept<'_> {
        Kept::new(self.described, self.tools.target_engine)
    }

    /// Takes away the conditions of the column's domain, which new values may not meet.
    fn leave_conditions(&self, column: &mut Column) -> Vec<Gone> {
        let Some((without, domain)) = domains::without_conditions(self.described, column) else {
            return Vec::new();
        };
        *column = without;
        vec![Gone {
            kind: ObjectKind::Column,
            name: column.name.clone(),
            what: Some(format!("domain `{domain}`")),
            why: format!("the mapping changes `{}`", column.name),
        }]
    }

    /// Masks the values, which keep the column's own type unless another one is `wanted`, or they are computed.
    fn hide(
        &self,
        made: &mut Computed,
        column: &Column,
        rule: MaskRule,
        wanted: Option<&String>,
    ) -> Result<()> {
        let is_own = wanted.is_none();
        let kept = self.kept();
        let hidden = Masked {
            takes_null: !is_own || domains::takes_null(self.described, column),
            own_texts: (is_own && kept.has_own_texts(column)).then_some(column.native.as_str()),
            room: match is_own {
                true => kept.room(column),
                false => made.room,
            },
            ..Masked::plain(&column.name)
        };
        made.hide(&hidden, rule, self.tools.mask_key)
            .map_err(|error| self.wrong(error, &column.name, Word::Mask, "mask"))
    }

    fn new_column(&self, name: &str, text: &str) -> Result<PartColumn> {
        let mask = self.word(name, |rule| &rule.mask);
        let wanted = self.word(name, |rule| &rule.types);
        let default = self.word(name, |rule| &rule.default);
        let renamed = self.rules.iter().rev().find_map(|rule| rule.rename.get(name));
        let whole = match (wanted, default) {
            (_, Some(default)) => format!("coalesce(({text}), ({default}))"),
            (Some(_), None) => format!("({text})"),
            (None, None) => text.to_owned(),
        };
        let mut made = self
            .compute_as(name, &whole, wanted)
            .map_err(|error| self.culprit(name, (Some(text), default.map(String::as_str)), error))?;
        if let Some(rule) = mask {
            let hidden = Masked {
                room: made.room,
                ..Masked::plain(name)
            };
            made.hide(&hidden, *rule, self.tools.mask_key)
                .map_err(|error| self.wrong(error, name, Word::Mask, "mask"))?;
        }
        let mut column = Column::new(name, "");
        column.nullable = made.expression.nullable();
        column.derived = Some(made.expression.logical().clone());
        column.derivation = Some(said(&made));
        Ok(PartColumn {
            name: name.to_owned(),
            renamed: renamed.cloned(),
            wanted: wanted.and_then(|wanted| self.native_name(wanted)),
            value: Value::Computed(Box::new(made)),
            column,
            gone: Vec::new(),
        })
    }

    fn compute(&self, name: &str, text: &str) -> Result<Computed> {
        Computed::new(text.to_owned(), self.inputs, self.tools.lookups)
            .map_err(|error| mapping_error(error, &self.place(name), text))
    }

    /// As [`Builder::compute`], turned into the type that a person wants; what is not the same in it is refused.
    fn compute_as(&self, name: &str, text: &str, wanted: Option<&String>) -> Result<Computed> {
        let before = self.compute(name, text)?;
        let Some(native) = wanted else {
            return Ok(before);
        };
        let mut made = self.compute(name, &self.cast(text, name, native)?)?;
        let to = made.expression.logical().clone();
        made.exact = Exact::watch(before.expression, &to);
        let held = self.native_name(native).map(|native| Column::new("", native));
        made.room = held.and_then(|column| self.tools.target.room(&column));
        made.wanted = self.form_of(native).filter(|form| *form != to);
        made.refuse_unfit(native)
            .map_err(|error| mapping_error(error, &self.place(name), text))?;
        Ok(made)
    }

    /// Says which of the rules' words is the one that is wrong, where an expression that is made of them does not compile.
    fn culprit(&self, name: &str, (computed, default): (Option<&str>, Option<&str>), error: Error) -> Error {
        for (word, text) in [(Word::Compute, computed), (Word::Default, default)] {
            let Some(text) = text else { continue };
            let alone = Computed::new(text.to_owned(), self.inputs, self.tools.lookups);
            let Some(own) = alone.err() else { continue };
            let own = match word == Word::Default {
                true => unquoted(own, name, text),
                false => own,
            };
            return self.wrong(own, name, word, text);
        }
        let mut nearest = [Word::Types, Word::Default, Word::Compute].into_iter();
        error.at(nearest.find_map(|word| words::place(self.rules, name, word)))
    }

    fn wrong(&self, error: Error, name: &str, word: Word, text: &str) -> Error {
        mapping_error(error, &self.place(name), text).at(words::place(self.rules, name, word))
    }

    fn place(&self, name: &str) -> String {
        format!("{}.{name}", self.table.id)
    }

    /// The expression in the form that a type of the target's holds.
    fn cast(&self, text: &str, name: &str, wanted: &str) -> Result<String> {
        let logical = self.form_of(wanted);
        let word = logical.as_ref().and_then(word).ok_or_else(|| {
            Error::invalid(format!(
                "the mapping wants the type `{wanted}` for `{}.{name}`; it must be one that values can be turned into",
                self.table.id
            ))
            .with_code("mapping")
            .with_hint(self.types_hint(wanted))
            .at(words::place(self.rules, name, Word::Types))
        })?;
        Ok(format!("CAST({text} AS {word})"))
    }

    /// Says which type was probably meant, or which there are.
    fn types_hint(&self, wanted: &str) -> String {
        let known = self.tools.target.castable_types();
        let bare = |written: &'static str| written.split('(').next().unwrap_or(written);
        let name = wanted.split('(').next().unwrap_or_default().trim();
        match nearest(name, known.iter().copied().map(bare)) {
            Some(meant) if !meant.eq_ignore_ascii_case(name) => format!("did you mean `{meant}`?"),
            _ if known.is_empty() => ANY_TYPE.to_owned(),
            _ if self.has_enums() => {
                format!("name one of {}, or one of the source's enums", known.join(", "))
            }
            _ => format!("name one of {}", known.join(", ")),
        }
    }

    /// Tells whether the source's enums are types of the target's, too: where both are of one engine.
    fn has_enums(&self) -> bool {
        self.described.catalog.engine == self.tools.target_engine
    }

    /// The form of a type that a person wants.
    fn form_of(&self, wanted: &str) -> Option<LogicalType> {
        let native = self.native(wanted)?;
        let mapped = match native.user_type {
            Some(_) => self
                .described
                .dialect
                .logical(&native, self.described.catalog, None),
            None => self.tools.target.logical(&native, &Catalog::default(), None),
        };
        Some(mapped.to)
    }

    /// The type that a person wants, as the target's catalog prints it; none when values cannot be turned into it.
    fn native(&self, wanted: &str) -> Option<Column> {
        if let Some(native) = self.tools.target.castable(wanted) {
            return Some(Column::new("", native));
        }
        let types = self.has_enums().then_some(&self.described.catalog.types);
        let mut types = types.into_iter().flatten();
        let found = types.find(|own| own.id.to_string() == wanted || own.id.name == wanted)?;
        let is_enum = matches!(found.kind, UserTypeKind::Enum { .. });
        let mut column = Column::new("", self.tools.target.type_name(&found.id));
        column.user_type = Some(found.id.clone());
        is_enum.then_some(column)
    }

    fn native_name(&self, wanted: &str) -> Option<String> {
        self.native(wanted)
            .map(|column| self.tools.target.holding_type(&column.native))
    }
}

/// Tells whether the rule leaves a column of the source's out.
pub(crate) fn leaves_out(rule: &TableRule, name: &str) -> bool {
    let is_among = |patterns: &[String]| patterns.iter().any(|pattern| matches_name(pattern, name));
    !rule.columns.is_empty() && !is_among(&rule.columns) || is_among(&rule.exclude)
}

/// How values are made, for people.
fn said(computed: &Computed) -> String {
    match &computed.masked {
        Some(mask) => format!("{} of {}", String::from(*mask), computed.text),
        None => computed.text.clone(),
    }
}

/// Says how a text is written, where it stands as it is: a default is an expression, in which a word is a column.
fn unquoted(error: Error, name: &str, text: &str) -> Error {
    let is_word = text.starts_with(|first: char| !first.is_ascii_digit() && !"+-.".contains(first));
    if !is_word || text.contains(['\'', '"', '(', '\\', '\n']) {
        return error;
    }
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let key = match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => format!("'{name}'"),
    };
    let written = format!("a text stands in quotes of its own: default = {{ {key} = \"'{text}'\" }}");
    let hint = match error.hint().filter(|hint| hint.starts_with("did you mean")) {
        Some(meant) => format!("{meant} {written}"),
        None => written,
    };
    error.with_hint(hint)
}

fn mapping_error(error: Error, place: &str, text: &str) -> Error {
    error
        .with_code("mapping")
        .during(format_args!("mapping of `{place}`, `{text}`"))
}
