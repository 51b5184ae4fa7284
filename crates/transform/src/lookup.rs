//! Tables of values for `lookup`: read from CSV or from a table of a source, and held in memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::{Array as _, LargeStringArray};
use sha2::{Digest as _, Sha256};
use whimbrel_core::{Error, LookupRule, Result, hex, shorten};

use crate::node::{Kind, Node};
use crate::quotes::refuse_open_quotes;

/// The largest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Most columns that a key has.
const KEYS_MAX: usize = 32;

/// Tables of values by name.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    tables: BTreeMap<String, LookupTable>,
}

#[derive(Debug, Clone)]
struct LookupTable {
    /// The columns of values in their order, the first being the one that is meant when none is named.
    columns: Vec<(String, Arc<LookupColumn>)>,
    /// What tells these values from others.
    state: State,
}

/// What tells the values of a table from others.
#[derive(Debug, Clone)]
enum State {
    /// SHA-256 of the file's bytes.
    File(String),
    /// Of the rows of a table, in whatever order they came.
    Rows(String),
}

/// The keys of a table, and where the values of each stand; all columns of the table share them.
#[derive(Debug)]
pub(crate) struct Keys {
    names: Vec<String>,
    /// What the columns hold, where it is known: a file has nothing but text.
    kinds: Vec<Option<Kind>>,
    places: HashMap<Box<str>, usize>,
}

impl Keys {
    /// The number of columns.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Keys are compared as text, which values of other kinds never equal: `1.00` is not `1`.
    pub(crate) fn refuse_other_kind(&self, table: &str, at: usize, value: &Node) -> Result<(), String> {
        let Some(kind) = &self.kinds[at] else {
            return Ok(());
        };
        if value.literal.is_some() || value.kind == Kind::Null || are_spelled_alike(kind, &value.kind) {
            return Ok(());
        }
        Err(format!(
            "column `{}` of table `{table}` is {kind}, and the value is {}; write `CAST(… AS …)`",
            self.names[at], value.kind
        ))
    }
}

/// Tells whether equal values of both kinds have one text.
fn are_spelled_alike(one: &Kind, other: &Kind) -> bool {
    one == other
        || one.is_text() && other.is_text()
        || matches!((one, other), (Kind::Integer { .. }, Kind::Integer { .. }))
}

/// One text of all parts of a key; a single part is its own.
fn spell<'k>(mut parts: impl ExactSizeIterator<Item = &'k str>, spelled: &mut String) {
    spelled.clear();
    if parts.len() == 1 {
        spelled.push_str(parts.next().unwrap_or_default());
        return;
    }
    for part in parts {
        // With its length in front no part runs into the next one; writing to a text cannot fail.
        let _ = write!(spelled, "{}:", part.len());
        spelled.push_str(part);
    }
}

/// The values of one column by key.
#[derive(Debug)]
pub(crate) struct LookupColumn {
    keys: Arc<Keys>,
    values: LargeStringArray,
}

impl LookupColumn {
    /// Finds the value of a key; `spelled` is room for its text.
    pub(crate) fn get<'k>(
        &self,
        key: impl ExactSizeIterator<Item = &'k str>,
        spelled: &mut String,
    ) -> Option<&str> {
        spell(key, spelled);
        let at = *self.keys.places.get(spelled.as_str())?;
        self.values.is_valid(at).then(|| self.values.value(at))
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The greatest number of characters of a value.
    pub(crate) fn chars_max(&self) -> Option<u32> {
        let values = self.values.iter().flatten();
        let longest = values.map(|value| value.chars().count()).max();
        u32::try_from(longest.unwrap_or(0).max(1)).ok()
    }
}

/// A table in the making.
pub(crate) struct Filling {
    keys: Keys,
    names: Vec<String>,
    columns: Vec<LargeStringBuilder>,
    spelled: String,
    /// The sum of the rows' hashes, which no order changes.
    sum: u128,
}

impl Filling {
    /// Begins with the key's columns, their kinds where they are known, and the columns of values.
    pub(crate) fn new(keys: Vec<(String, Option<Kind>)>, values: Vec<String>) -> Self {
        let (names, kinds) = keys.into_iter().unzip();
        Self {
            keys: Keys {
                names,
                kinds,
                places: HashMap::new(),
            },
            columns: values.iter().map(|_| LargeStringBuilder::new()).collect(),
            names: values,
            spelled: String::new(),
            sum: 0,
        }
    }

    /// Adds a key and its values, none for NULL.
    ///
    /// # Errors
    /// `Invalid` when the key is there already.
    pub(crate) fn add(&mut self, name: &str, key: &[&str], values: &[Option<&str>]) -> Result<()> {
        spell(key.iter().copied(), &mut self.spelled);
        let at = self.keys.places.len();
        if self
            .keys
            .places
            .insert(self.spelled.as_str().into(), at)
            .is_some()
        {
            let shown: Vec<String> = key.iter().map(|part| format!("`{}`", shorten(part))).collect();
            return Err(Error::invalid(format!(
                "lookup `{name}` has the {} {} twice",
                self.keys.names.join(", "),
                shown.join(", ")
            ))
            .with_hint("keep one row per key"));
        }
        let mut row = Sha256::new();
        for part in key.iter().map(|part| Some(*part)).chain(values.iter().copied()) {
            row.update(part.map_or(-1, |part| part.len() as i128).to_le_bytes());
            row.update(part.unwrap_or_default());
        }
        let mut hash = [0; 16];
        hash.copy_from_slice(&row.finalize()[..16]);
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(hash));
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append_option(*value);
        }
        Ok(())
    }
}

impl Lookups {
    /// Adds a table from the rule's CSV file, as [`Self::add_csv`].
    ///
    /// # Errors
    /// `Invalid` when the file cannot be read, is larger than 64 MiB or not the one of the rule's digest, and as [`Self::add_csv`].
    pub fn add_file(&mut self, rule: &LookupRule, path: &Path) -> Result<()> {
        let text = read(&rule.name, path)?;
        let digest: String = hex(&Sha256::digest(&text));
        if rule.digest.as_ref().is_some_and(|planned| planned != &digest) {
            return Err(Error::invalid(format!(
                "the lookup file `{}` is not the one that the plan was approved for",
                path.display()
            ))
            .with_hint("put it back, or plan again: whimbrel plan SOURCE TARGET"));
        }
        let added = self.fill_from_csv(rule, &text, State::File(digest));
        added.map_err(|error| error.during(format!("file `{}`", path.display())))
    }

    /// Adds a table from CSV text: a header, the key in the rule's columns or else the first one, values in the others. `lookup('name', key)`
    /// takes the first column of values, `lookup('name.column', key)` the one of that name.
    ///
    /// # Errors
    /// `Invalid` when it is no CSV in UTF-8, has no two columns or not those of the rule, has quotes that do not enclose a value, or when a
    /// key occurs twice.
    pub fn add_csv(&mut self, rule: &LookupRule, text: &[u8]) -> Result<()> {
        self.fill_from_csv(rule, text, State::File(hex(&Sha256::digest(text))))
    }

    fn fill_from_csv(&mut self, rule: &LookupRule, text: &[u8], state: State) -> Result<()> {
        let name = &rule.name;
        refuse_open_quotes(name, text)?;
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let headers = reader.headers().map_err(|error| unreadable(name, error))?.clone();
        let headers: Vec<String> = headers
            .iter()
            .map(|header| header.trim_start_matches('\u{feff}').trim().to_owned())
            .collect();
        let (keys, values) = places(rule, &headers)?;
        let named =
            |places: &[usize]| -> Vec<String> { places.iter().map(|at| headers[*at].clone()).collect() };
        let untyped = named(&keys).into_iter().map(|key| (key, None)).collect();
        let mut filling = Filling::new(untyped, named(&values));
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| unreadable(name, error))?
        {
            let key: Vec<&str> = keys.iter().map(|at| &record[*at]).collect();
            let found: Vec<Option<&str>> = values.iter().map(|at| Some(&record[*at])).collect();
            filling.add(name, &key, &found).map_err(|error| {
                let line = record.position().map_or(0, csv::Position::line);
                error.during(format!("line {line}"))
            })?;
        }
        self.insert(rule, filling, state)
    }

    /// Adds a table that was filled from one of a source.
    ///
    /// # Errors
    /// `Invalid` when there is one of its name.
    pub(crate) fn add_rows(&mut self, rule: &LookupRule, filling: Filling) -> Result<()> {
        let state = State::Rows(format!("{:032x}", filling.sum));
        self.insert(rule, filling, state)
    }

    fn insert(&mut self, rule: &LookupRule, filling: Filling, state: State) -> Result<()> {
        let name = &rule.name;
        if self.tables.contains_key(name) {
            return Err(Error::invalid(format!("lookup `{name}` is declared twice")));
        }
        let keys = Arc::new(filling.keys);
        let column = |(name, mut values): (String, LargeStringBuilder)| {
            let column = LookupColumn {
                keys: Arc::clone(&keys),
                values: values.finish(),
            };
            (name, Arc::new(column))
        };
        let columns = filling.names.into_iter().zip(filling.columns).map(column);
        let table = LookupTable {
            columns: columns.collect(),
            state,
        };
        self.tables.insert(name.clone(), table);
        Ok(())
    }

    /// Returns the names of the tables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Returns the SHA-256 in hex of the file that a table was read from.
    pub fn file_digest(&self, name: &str) -> Option<&str> {
        match &self.tables.get(name)?.state {
            State::File(digest) => Some(digest),
            State::Rows(_) => None,
        }
    }

    /// Names the rows of the tables that were read from sources: other rows have another name.
    pub(crate) fn rows_state(&self) -> Option<String> {
        let mut all = Sha256::new();
        let mut is_any = false;
        for (name, table) in &self.tables {
            if let State::Rows(state) = &table.state {
                is_any = true;
                all.update(name.len().to_le_bytes());
                all.update(name);
                all.update(state);
            }
        }
        is_any.then(|| hex(&all.finalize()[..16]))
    }

    /// Returns the column that `name` or `name.column` means.
    pub(crate) fn find(&self, wanted: &str) -> Option<Arc<LookupColumn>> {
        if let Some(table) = self.tables.get(wanted) {
            return table.columns.first().map(|(_, column)| Arc::clone(column));
        }
        let (name, column) = wanted.rsplit_once('.')?;
        let table = self.tables.get(name)?;
        let found = table.columns.iter().find(|(name, _)| name == column);
        found.map(|(_, column)| Arc::clone(column))
    }
}

/// Where a file's keys and values stand, by the rule and its header.
fn places(rule: &LookupRule, headers: &[String]) -> Result<(Vec<usize>, Vec<usize>)> {
    let name = &rule.name;
    if headers.is_empty() {
        return Err(
            Error::invalid(format!("lookup `{name}` is empty; must begin with a header"))
                .with_hint("begin the file with a line of column names such as `code,name`"),
        );
    }
    for (at, column) in headers.iter().enumerate() {
        if headers[..at].contains(column) {
            return Err(
                Error::invalid(format!("lookup `{name}` has two columns `{}`", shorten(column)))
                    .with_hint("give each column of the header a name of its own"),
            );
        }
    }
    let place = |wanted: &String| {
        headers.iter().position(|header| header == wanted).ok_or_else(|| {
            Error::invalid(format!("lookup `{name}` has no column `{wanted}`"))
                .with_hint(format!("the header names {}", headers.join(", ")))
        })
    };
    let keys: Vec<usize> = match rule.key.is_empty() {
        true => vec![0],
        false => rule.key.iter().map(place).collect::<Result<_>>()?,
    };
    let values: Vec<usize> = match rule.value.is_empty() {
        true => (0..headers.len()).filter(|at| !keys.contains(at)).collect(),
        false => rule.value.iter().map(place).collect::<Result<_>>()?,
    };
    refuse_shape(rule, keys.len(), values.len())?;
    Ok((keys, values))
}

/// A lookup has keys and values, and no column twice among either.
pub(crate) fn refuse_shape(rule: &LookupRule, keys: usize, values: usize) -> Result<()> {
    let name = &rule.name;
    if values == 0 {
        return Err(Error::invalid(format!(
            "lookup `{name}` has keys only; must have keys and values"
        ))
        .with_hint("separate the columns by commas, with a header such as `code,name`"));
    }
    if keys > KEYS_MAX {
        return Err(Error::invalid(format!(
            "lookup `{name}` has a key of {keys} columns; at most {KEYS_MAX} are taken"
        )));
    }
    for named in [&rule.key, &rule.value] {
        for (at, column) in named.iter().enumerate() {
            if named[..at].contains(column) {
                return Err(Error::invalid(format!(
                    "lookup `{name}` names the column `{column}` twice"
                )));
            }
        }
    }
    Ok(())
}

fn read(name: &str, path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let unreadable = |error| {
        Error::invalid(format!("lookup `{name}`: file `{shown}` cannot be read"))
            .with_cause(error)
            .with_hint(format!("look for the file: ls -l '{shown}'"))
    };
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > BYTES_MAX {
        return Err(Error::invalid(format!(
            "lookup `{name}`: file `{shown}` has {length} bytes; at most {BYTES_MAX} are read"
        ))
        .with_hint("load it into a table of a source, and name that: table = \"TABLE\", key = \"COLUMN\", value = \"COLUMN\""));
    }
    let mut text = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn unreadable(name: &str, error: csv::Error) -> Error {
    Error::invalid(format!("lookup `{name}` cannot be read as CSV"))
        .with_cause(error)
        .with_hint("give every line as many values as the header, in UTF-8, and enclose those with commas in double quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, key: &[&str], value: &[&str]) -> LookupRule {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        LookupRule {
            name: name.to_owned(),
            key: owned(key),
            value: owned(value),
            ..LookupRule::default()
        }
    }

    fn get(lookups: &Lookups, table: &str, key: &[&str]) -> Option<String> {
        let column = lookups.find(table)?;
        let found = column.get(key.iter().copied(), &mut String::new());
        found.map(str::to_owned)
    }

    fn refused(key: &[&str], value: &[&str], text: &str) -> String {
        let mut lookups = Lookups::default();
        let error = lookups
            .add_csv(&rule("a", key, value), text.as_bytes())
            .unwrap_err();
        error.to_string()
    }

    #[test]
    fn the_second_column_is_meant_unless_one_is_named() {
        let mut lookups = Lookups::default();
        let text = "code,name,zone\nNO,\"Norway, Kingdom of\",1\nSE,Sweden,2\n";
        lookups
            .add_csv(&rule("countries", &[], &[]), text.as_bytes())
            .unwrap();
        let found = get(&lookups, "countries", &["NO"]);
        assert_eq!(found.as_deref(), Some("Norway, Kingdom of"));
        assert_eq!(get(&lookups, "countries.zone", &["SE"]).as_deref(), Some("2"));
        assert_eq!(get(&lookups, "countries", &["DK"]), None);
        assert!(lookups.find("countries.money").is_none());
        assert!(lookups.find("continents").is_none());
    }

    #[test]
    fn a_key_of_several_columns_is_found_by_all_of_them_and_none_runs_into_the_next() {
        let mut lookups = Lookups::default();
        let text = "title,land,code,zone\nOslo,NO,1,a\nBergen,N,O1,b\nBodø,\"1:N\",O,c\n";
        lookups
            .add_csv(&rule("places", &["land", "code"], &[]), text.as_bytes())
            .unwrap();
        for (key, title) in [
            (["NO", "1"], Some("Oslo")),
            (["N", "O1"], Some("Bergen")),
            (["1:N", "O"], Some("Bodø")),
            (["1", "NO"], None),
        ] {
            assert_eq!(get(&lookups, "places", &key).as_deref(), title, "{key:?}");
        }
        assert_eq!(get(&lookups, "places.zone", &["N", "O1"]).as_deref(), Some("b"));
        assert!(
            lookups.find("places.land").is_none(),
            "a part of the key is no value"
        );
        let mut lookups = Lookups::default();
        lookups
            .add_csv(&rule("p", &["code"], &["zone"]), text.as_bytes())
            .unwrap();
        assert_eq!(get(&lookups, "p", &["O"]).as_deref(), Some("c"));
        assert!(lookups.find("p.title").is_none());
    }

    #[test]
    fn a_file_without_a_header_or_with_two_columns_of_one_name_is_refused() {
        for (text, said) in [
            ("", "lookup `a` is empty; must begin with a header"),
            ("k,v,v\n1,x,y\n", "lookup `a` has two columns `v`"),
        ] {
            assert_eq!(refused(&[], &[], text), said);
        }
        let text = "k,v\n1,x\n";
        assert_eq!(refused(&["n"], &[], text), "lookup `a` has no column `n`");
        assert_eq!(refused(&[], &["n"], text), "lookup `a` has no column `n`");
        assert_eq!(
            refused(&["k", "k"], &[], text),
            "lookup `a` names the column `k` twice"
        );
        assert!(refused(&["k", "v"], &[], text).contains("keys only"));
        let mut lookups = Lookups::default();
        let text = "\u{feff}k,v\r\na,\"x, y\"\r\n";
        lookups.add_csv(&rule("a", &[], &[]), text.as_bytes()).unwrap();
        assert_eq!(get(&lookups, "a", &["a"]).as_deref(), Some("x, y"));
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        assert_eq!(
            refused(&[], &[], "k,v\n1,x\n1,y\n"),
            "line 3: lookup `a` has the k `1` twice"
        );
        assert_eq!(
            refused(&["k", "l"], &[], "k,l,v\n1,2,x\n1,3,x\n1,2,y\n"),
            "line 4: lookup `a` has the k, l `1`, `2` twice"
        );
        refused(&[], &[], "k\n1\n");
        refused(&[], &[], "k,v\n1,x,y\n");
    }

    #[test]
    fn other_rows_have_another_state_and_another_order_has_not() {
        let state = |rows: &[[&str; 2]]| {
            let mut filling = Filling::new(vec![("k".to_owned(), None)], vec!["v".to_owned()]);
            for [key, value] in rows {
                filling.add("a", &[*key], &[Some(*value)]).unwrap();
            }
            let mut lookups = Lookups::default();
            lookups.add_rows(&rule("a", &["k"], &["v"]), filling).unwrap();
            lookups.rows_state().unwrap()
        };
        let once = state(&[["1", "x"], ["2", "y"]]);
        assert_eq!(once, state(&[["2", "y"], ["1", "x"]]));
        for other in [[["1", "y"], ["2", "x"]], [["1", "x"], ["2", "z"]]] {
            assert_ne!(once, state(&other));
        }
        assert_eq!(Lookups::default().rows_state(), None);
    }
}
