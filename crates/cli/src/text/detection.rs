//! What was detected in a project folder looks like.

use whimbrel_app::{DETECTORS, Detection, Evidence, Standing};

use super::{counted, lines, table};

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
        text.push_str(&format!("\n{}\n", evidence(&detection.evidence)));
    }
    if detection.more_evidence > 0 {
        let more = counted(detection.more_evidence, "piece");
        text.push_str(&format!("and {more} more of the same kinds\n"));
    }
    if detection.is_unknown() {
        text.push_str("\nlooked for\n");
        for detector in DETECTORS {
            text.push_str(&format!("  {}: {}\n", detector.doc, detector.looks_for));
        }
    }
    for note in &detection.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    match &detection.next {
        Some(next) => text.push_str(&format!("\nnext: {next}\n")),
        None => text.push_str(
            "\nnext: whimbrel inspect DATABASE, with the URL of a database that this program can read\n",
        ),
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

fn evidence(evidence: &[Evidence]) -> String {
    let mut rows = table(&["weight", "for", "where", "what"], &[]);
    for each in evidence {
        let database = each.database.map(whimbrel_app::Engine::name);
        let speaks_for: Vec<&str> = database.into_iter().chain(each.tool).collect();
        let place = match each.line {
            Some(line) => format!("{}:{line}", each.file),
            None => each.file.clone(),
        };
        rows.add_row([each.weight.name(), &speaks_for.join(", "), &place, &each.what]);
    }
    lines(&rows)
}
