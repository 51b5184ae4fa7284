//! One kind of objects as a query: what they are called, what they hang on, and the statements that make them, all as SQL expressions.

/// A kind of objects. Every text is an SQL expression over `from`, unless said otherwise.
pub(super) struct Family {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// Namespace and name of the table it hangs on.
    pub(super) table: Option<(String, String)>,
    pub(super) definition: String,
    /// The catalog table (a name) and the number in it.
    pub(super) object: (&'static str, String),
    /// The catalog table and the number of the object that it says something about, if that is one of its own.
    pub(super) about: (&'static str, String),
    pub(super) make: Option<Make>,
    /// What stands behind FROM, with the condition.
    pub(super) from: String,
}

/// How objects of a kind are made. A statement that is NULL is left out; without any the object can only be listed.
pub(super) struct Make {
    pub(super) statements: Vec<String>,
    pub(super) undo: Vec<String>,
    /// `first`, `before`, `views` or `last`, as they are.
    pub(super) stage: &'static str,
    pub(super) asks: String,
    /// An array of texts.
    pub(super) needs: String,
}

impl Make {
    /// Statements that need nothing and ask nobody.
    pub(super) fn plain(stage: &'static str, statements: Vec<String>, undo: Vec<String>) -> Self {
        Self {
            statements,
            undo,
            stage,
            asks: "NULL".to_owned(),
            needs: "NULL".to_owned(),
        }
    }
}

impl Family {
    /// An object that is only listed, without anything but a name.
    pub(super) fn listed(kind: &str, name: &str, definition: &str, from: impl Into<String>) -> Self {
        Self {
            kind: format!("'{kind}'"),
            namespace: "NULL".to_owned(),
            name: name.to_owned(),
            table: None,
            definition: definition.to_owned(),
            object: ("", "0".to_owned()),
            about: ("", "0".to_owned()),
            make: None,
            from: from.into(),
        }
    }

    /// The same with a kind that depends on the object.
    pub(super) fn kind(self, kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..self
        }
    }

    /// The same in a namespace.
    pub(super) fn within(self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..self
        }
    }

    /// The same on a table.
    pub(super) fn on(self, namespace: &str, table: &str) -> Self {
        Self {
            table: Some((namespace.to_owned(), table.to_owned())),
            ..self
        }
    }

    /// The same with its place in the server's catalog tables.
    pub(super) fn at(self, class: &'static str, number: &str) -> Self {
        Self {
            object: (class, number.to_owned()),
            ..self
        }
    }

    /// The same, saying something about another object.
    pub(super) fn about(self, class: &'static str, number: &str) -> Self {
        Self {
            about: (class, number.to_owned()),
            ..self
        }
    }

    /// The same, made by statements.
    pub(super) fn made(self, make: Make) -> Self {
        Self {
            make: Some(make),
            ..self
        }
    }

    /// The query.
    pub(super) fn sql(&self) -> String {
        let (table_namespace, table) = match &self.table {
            Some((namespace, name)) => (namespace.as_str(), name.as_str()),
            None => ("NULL", "NULL"),
        };
        let list = |texts: &[String]| format!("array_remove(ARRAY[{}]::text[], NULL)", texts.join(", "));
        let making = match &self.make {
            None => "NULL::text[], NULL::text[], NULL::text, NULL::text, NULL::text[]".to_owned(),
            Some(make) => format!(
                "{}, {}, '{}'::text, ({})::text, ({})::text[]",
                list(&make.statements),
                list(&make.undo),
                make.stage,
                make.asks,
                make.needs
            ),
        };
        format!(
            "SELECT ({})::text, ({})::text, ({})::text, ({table_namespace})::text, ({table})::text, ({})::text, '{}'::text,
                ({})::oid, {making}, '{}'::text, ({})::oid FROM {}",
            self.kind,
            self.namespace,
            self.name,
            self.definition,
            self.object.0,
            self.object.1,
            self.about.0,
            self.about.1,
            self.from
        )
    }
}

/// The qualified and quoted name of something in the namespace `n`.
pub(super) fn qualified(name: &str) -> String {
    format!("quote_ident(n.nspname) || '.' || quote_ident({name})")
}

/// The statement that gives the object its comment; NULL without one.
pub(super) fn comment(what: &str, name: &str, class: &str, number: &str) -> String {
    format!("'COMMENT ON {what} ' || {name} || ' IS ' || quote_literal(obj_description({number}, '{class}'))")
}
