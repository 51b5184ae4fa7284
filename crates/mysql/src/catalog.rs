//! Describes the database: the queries of information_schema and what is made of their rows.
