//! The name that was probably meant.

/// Returns the candidate nearest to the name: at most a third of its characters differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of characters to insert, drop, replace or swap with their neighbour.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    let mut last = None;
    for (number, letter) in one.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(number + 1);
        for (at, other) in two.iter().enumerate() {
            let replaced = row[at] + usize::from(letter != *other);
            let mut least = replaced.min(row[at + 1] + 1).min(next[at] + 1);
            let swapped = at > 0 && last == Some(*other) && two[at - 1] == letter;
            if let Some(swapped) = swapped.then(|| before[at - 1] + 1) {
                least = least.min(swapped);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(letter);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_understood() {
        assert_eq!(nearest("emial", ["id", "email", "name"]), Some("email"));
        assert_eq!(
            nearest("CUSTOMR_ID", ["customer_id", "order_id"]),
            Some("customer_id")
        );
        assert_eq!(nearest("zzz", ["customer_id", "order_id"]), None);
    }
}
