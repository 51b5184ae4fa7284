//! The words for storage properties of columns among a table's options, such as `storage(a)=external`.

/// Splits such an option into its word, column and value; none for an option of the table itself.
pub(crate) fn split(option: &str) -> Option<(&str, &str, &str)> {
    let (word, rest) = option.split_once('(')?;
    let separator = if word == "attribute" { ")." } else { ")=" };
    let (column, value) = rest.rsplit_once(separator)?;
    Some((word, column, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_option_is_split_back() {
        assert_eq!(split("storage(a(b)=c)=main"), Some(("storage", "a(b)=c", "main")));
        assert_eq!(
            split("attribute(a).n_distinct=5"),
            Some(("attribute", "a", "n_distinct=5"))
        );
        assert_eq!(split("fillfactor=70"), None);
    }
}
