//! Tables of values for `lookup`: read from CSV or given as pairs, and held in memory.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow_array::LargeStringArray;
use arrow_array::builder::LargeStringBuilder;
use whimbrel_core::{Error, Result, shorten};

use crate::quotes::refuse_open_quotes;

/// The largest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Tables of values by name.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    tables: BTreeMap<String, LookupTable>,
}

#[derive(Debug, Clone)]
struct LookupTable {
    /// The columns of values in their order, the first being the one that is meant when none is named.
    columns: Vec<(String, Arc<LookupColumn>)>,
}

/// Where each key's values stand; all columns of a table share it.
type Places = HashMap<Box<str>, usize>;

/// The values of one column by key.
#[derive(Debug)]
pub(crate) struct LookupColumn {
    places: Arc<Places>,
    values: LargeStringArray,
}

impl LookupColumn {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.places.get(key).map(|at| self.values.value(*at))
    }

    /// The greatest number of characters of a value.
    pub(crate) fn chars_max(&self) -> Option<u32> {
        let values = self.values.iter().flatten();
        let longest = values.map(|value| value.chars().count()).max();
        u32::try_from(longest.unwrap_or(0).max(1)).ok()
    }
}

/// A table in the making.
struct Filling {
    places: Places,
    columns: Vec<LargeStringBuilder>,
}

impl Filling {
    fn new(columns: usize) -> Self {
        Self {
            places: Places::new(),
            columns: std::iter::repeat_with(LargeStringBuilder::new)
                .take(columns)
                .collect(),
        }
    }

    /// Adds a key and its values; false when the key is there already.
    fn add<'v>(&mut self, key: &str, values: impl IntoIterator<Item = &'v str>) -> bool {
        let at = self.places.len();
        let is_new = self.places.insert(key.into(), at).is_none();
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append_value(value);
        }
        is_new
    }

    fn finish(self, names: impl IntoIterator<Item = String>) -> Vec<(String, Arc<LookupColumn>)> {
        let places = Arc::new(self.places);
        let column = |mut values: LargeStringBuilder| {
            Arc::new(LookupColumn {
                places: Arc::clone(&places),
                values: values.finish(),
            })
        };
        names
            .into_iter()
            .zip(self.columns.into_iter().map(column))
            .collect()
    }
}

impl Lookups {
    /// Adds a table from a CSV file: a header, the keys in the first column, values in the others. `lookup('name', key)` takes
    /// the second column, `lookup('name.column', key)` the one of that name.
    ///
    /// # Errors
    /// `Invalid` when the file cannot be read, is larger than 64 MiB, is no CSV in UTF-8, has no two columns, has quotes that do not
    /// enclose a value, or when a key occurs twice.
    pub fn add_csv(&mut self, name: &str, path: &Path) -> Result<()> {
        let shown = path.display();
        let unreadable = |error| {
            Error::invalid(format!("lookup `{name}`: file `{shown}` cannot be read")).with_cause(error)
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
        self.add_csv_text(name, &text)
            .map_err(|error| error.during(format!("file `{shown}`")))
    }

    /// Adds a table from CSV text, as [`Self::add_csv`].
    ///
    /// # Errors
    /// As [`Self::add_csv`].
    pub fn add_csv_text(&mut self, name: &str, text: &[u8]) -> Result<()> {
        refuse_open_quotes(name, text)?;
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let headers = reader.headers().map_err(|error| unreadable(name, error))?.clone();
        if headers.is_empty() {
            return Err(
                Error::invalid(format!("lookup `{name}` is empty; must begin with a header"))
                    .with_hint("begin the file with a line of column names such as `code,name`"),
            );
        }
        let mut headers = headers
            .iter()
            .map(|header| header.trim_start_matches('\u{feff}').trim().to_owned());
        let key = headers.next().unwrap_or_default();
        let names: Vec<String> = headers.collect();
        if names.is_empty() {
            return Err(Error::invalid(format!(
                "lookup `{name}` has one column; must have keys and values"
            ))
            .with_hint("separate the columns by commas, with a header such as `code,name`"));
        }
        for (at, column) in names.iter().enumerate() {
            if names[..at].contains(column) {
                return Err(
                    Error::invalid(format!("lookup `{name}` has two columns `{}`", shorten(column)))
                        .with_hint("give each column of the header a name of its own"),
                );
            }
        }
        let mut filling = Filling::new(names.len());
        let mut record = csv::StringRecord::new();
        while reader
            .read_record(&mut record)
            .map_err(|error| unreadable(name, error))?
        {
            if !filling.add(&record[0], record.iter().skip(1)) {
                let line = record.position().map_or(0, csv::Position::line);
                return Err(twice(
                    name,
                    &key,
                    &record[0],
                    &format!(", the second time on line {line}"),
                ));
            }
        }
        self.insert(name, filling.finish(names))
    }

    /// Adds a table of keys and values.
    ///
    /// # Errors
    /// `Invalid` when a key occurs twice.
    pub fn add_pairs(&mut self, name: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Result<()> {
        let mut filling = Filling::new(1);
        for (key, value) in pairs {
            if !filling.add(&key, [value.as_str()]) {
                return Err(twice(name, "key", &key, ""));
            }
        }
        self.insert(name, filling.finish(["value".to_owned()]))
    }

    fn insert(&mut self, name: &str, columns: Vec<(String, Arc<LookupColumn>)>) -> Result<()> {
        if self.tables.contains_key(name) {
            return Err(Error::invalid(format!("lookup `{name}` is declared twice")));
        }
        self.tables.insert(name.to_owned(), LookupTable { columns });
        Ok(())
    }

    /// Returns the names of the tables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
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

fn twice(name: &str, key: &str, value: &str, place: &str) -> Error {
    Error::invalid(format!(
        "lookup `{name}` has the {key} `{}` twice{place}",
        shorten(value)
    ))
    .with_hint("keep one line per key")
}

fn unreadable(name: &str, error: csv::Error) -> Error {
    Error::invalid(format!("lookup `{name}` cannot be read as CSV"))
        .with_cause(error)
        .with_hint("give every line as many values as the header, in UTF-8, and enclose those with commas in double quotes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_column_is_meant_unless_one_is_named() {
        let mut lookups = Lookups::default();
        let text = "code,name,zone\nNO,\"Norway, Kingdom of\",1\nSE,Sweden,2\n";
        lookups.add_csv_text("countries", text.as_bytes()).unwrap();
        let get = |table: &str, key: &str| lookups.find(table)?.get(key).map(str::to_owned);
        assert_eq!(get("countries", "NO").as_deref(), Some("Norway, Kingdom of"));
        assert_eq!(get("countries.zone", "SE").as_deref(), Some("2"));
        assert_eq!(get("countries", "DK"), None);
        assert!(lookups.find("countries.money").is_none());
        assert!(lookups.find("continents").is_none());
    }

    #[test]
    fn a_file_without_a_header_or_with_two_columns_of_one_name_is_refused() {
        for (text, said) in [
            ("", "lookup `a` is empty; must begin with a header"),
            ("k,v,v\n1,x,y\n", "lookup `a` has two columns `v`"),
        ] {
            let error = Lookups::default().add_csv_text("a", text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), said);
        }
        let mut lookups = Lookups::default();
        let text = "\u{feff}k,v\r\na,\"x, y\"\r\n";
        lookups.add_csv_text("a", text.as_bytes()).unwrap();
        assert_eq!(lookups.find("a").unwrap().get("a"), Some("x, y"));
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        let mut lookups = Lookups::default();
        let error = lookups
            .add_csv_text("a", "k,v\n1,x\n1,y\n".as_bytes())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "lookup `a` has the k `1` twice, the second time on line 3"
        );
        let pairs = [("1", "x"), ("1", "x")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert!(lookups.add_pairs("b", pairs).is_err());
        assert!(lookups.add_csv_text("c", "k\n1\n".as_bytes()).is_err());
        assert!(lookups.add_csv_text("d", "k,v\n1,x,y\n".as_bytes()).is_err());
    }
}
