//! What was detected in a project folder looks like.

use whimbrel_app::{DETECTORS, Detection, Evidence, Standing};

use super::{WIDTH, counted, lines, table, wrapped};

/// Returns the one word first, then everything that was found with its evidence, and the next command last.
pub(crate) fn detection(detection: &Detection) -> String {
    let mut text = format!("Database type: {}\n", detection.database_type);
    let decided = match (detection.weight, detection.flavour) {
        (Some(weight), Some(flavour)) => format!("{} evidence; flavour {flavour}", weight.name()),
        (Some(weight), None) => format!("{} evidence", weight.name()),
        (None, _) => "nothing that decides was found".to_owned(),
    };
    for (name, value) in [
        ("folder", detection.path.clone()),
        ("decided by", decided),
        ("databases", standings(&detection.databases)),
        ("tools", standings(&detection.tools)),
    ] {
        text.push_str(&format!("{name:<11} {value}\n"));
    }
    if !detection.evidence.is_empty() {
        text.push_str(&format!("\n{}\n", evidence(&detection.evidence).trim_end()));
    }
    if detection.more_evidence > 0 {
        let more = counted(detection.more_evidence, "piece");
        text.push_str(&format!("and {more} more of the same kinds\n"));
    }
    if detection.is_unknown() {
        text.push_str("\nlooked for\n");
        for detector in DETECTORS {
            let line = format!("{}: {}", detector.doc, detector.looks_for);
            text.push_str(&wrapped("  - ", &line));
        }
    }
    for note in &detection.notes {
        text.push_str(&wrapped("note: ", note));
    }
    match &detection.next {
        Some(next) => text.push_str(&format!("\nnext: {next}\n")),
        None => text.push_str("\nnext: whimbrel inspect DATABASE, with the URL of one that it can read\n"),
    }
    text
}

fn standings(standings: &[Standing]) -> String {
    if standings.is_empty() {
        return "none".to_owned();
    }
    let each = |standing: &Standing| format!("{} ({})", standing.name, standing.weight.name());
    standings.iter().map(each).collect::<Vec<_>>().join(", ")
}

/// Returns a table, and where that is too wide, what stands there below the place.
fn evidence(evidence: &[Evidence]) -> String {
    let rows: Vec<[String; 4]> = evidence.iter().map(row).collect();
    let mut whole = table(&["weight", "for", "where", "what"], &[]);
    for row in &rows {
        whole.add_row(row);
    }
    let whole = lines(&whole);
    if whole.lines().all(|line| line.chars().count() <= WIDTH) {
        return whole;
    }
    let widest = rows
        .iter()
        .map(|[_, speaks_for, ..]| speaks_for.chars().count())
        .max();
    let width = widest.unwrap_or_default().max("for".len());
    let mut text = format!("weight  {:width$}  where, and what\n", "for");
    let indent = " ".repeat("weight  ".len() + width + "  ".len());
    for [weight, speaks_for, place, what] in &rows {
        text.push_str(&format!("{weight:6}  {speaks_for:width$}  {place}\n"));
        text.push_str(&wrapped(&indent, what));
    }
    text
}

fn row(each: &Evidence) -> [String; 4] {
    let database = each.database.map(whimbrel_app::Engine::name);
    let speaks_for: Vec<&str> = database.into_iter().chain(each.tool).collect();
    let place = match each.line {
        Some(line) => format!("{}:{line}", each.file),
        None => each.file.clone(),
    };
    [
        each.weight.name().to_owned(),
        speaks_for.join(", "),
        place,
        each.what.clone(),
    ]
}
