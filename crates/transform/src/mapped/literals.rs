//! What the databases themselves make of texts that a mapping writes into columns whose types only a server knows. They are asked when the
//! mapping is worked out, before any row is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::{ErrorClass, Result};

use super::compose::Composed;
use super::fill::Question;
use super::part::Value;
use super::sources::Database;
use super::words::{self, Word};

/// The answers so far, by place of the database and query.
#[derive(Default)]
pub(crate) struct Answers(Mutex<BTreeMap<(usize, String), Option<String>>>);

impl Answers {
    /// Asks all that the mapping leaves open.
    ///
    /// # Errors
    /// `Invalid` with the code `mapping` for a text that is no value of its column's type, and the connector's.
    pub(crate) async fn read(&self, composed: &mut Composed, databases: &[Database]) -> Result<()> {
        for parts in composed.tables.values_mut() {
            for part in parts {
                let open = part.columns.iter().enumerate();
                let open: Vec<(usize, Question)> = open
                    .filter_map(|(at, column)| Some((at, column.value.question()?.clone())))
                    .collect();
                for (at, question) in open {
                    let asked = (part.database, question.query.as_str());
                    let answer = self.answer(asked, &databases[part.database]).await;
                    let part = Arc::make_mut(part);
                    let place = format!("{}.{}", part.called, part.columns[at].name);
                    let Value::Computed(computed) = &mut part.columns[at].value else {
                        continue;
                    };
                    let Some(fill) = &mut computed.fill else { continue };
                    fill.question = None;
                    let settled = match answer {
                        Ok(read) => fill.answer(&question, read),
                        Err(error) if error.class() == ErrorClass::Invalid => Err(fill.refused(error)),
                        Err(error) => return Err(error),
                    };
                    settled.map_err(|error| {
                        error
                            .with_code("mapping")
                            .during(format_args!("mapping of `{place}`, `default`"))
                            .at(words::place(&part.rules, &part.columns[at].name, Word::Default))
                    })?;
                }
            }
        }
        Ok(())
    }

    async fn answer(&self, (place, query): (usize, &str), database: &Database) -> Result<Option<String>> {
        let key = (place, query.to_owned());
        let known = self.known().get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let answer = database.source.scalar(query, None).await?;
        self.known().insert(key, answer.clone());
        Ok(answer)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<(usize, String), Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
