//! `data-migration.md`: the plan for the person who confirms it. Overview, inventory, mapping and sequence are here;
//! the other sections have files of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use whimbrel_core::{ColumnPlan, Fidelity, OnReject, PartValue, Plan, Step, StepPhase, TablePart, TablePlan};

use super::markdown::{code, codes, prose, table};
use super::partitions::Partitions;
use super::quantity::{count, counted, duration, size};
use super::{endpoint, origin, schedule, settled, statements, validation, way_back};

/// The parts of the document, in order. Each is made when it is written: all of a large plan's together are larger than the plan.
const SECTIONS: [fn(&Plan) -> String; 12] = [
    title,
    overview,
    inventory,
    data_mapping,
    validation::rules,
    sequence,
    way_back::rollback_plan,
    schedule::cutover,
    settled::findings,
    settled::decisions,
    schedule::checklists,
    statements::section,
];

/// Returns the plan as a document for people.
pub fn plan_markdown(plan: &Plan) -> String {
    plan_sections(plan).collect()
}

/// Returns the same document in pieces.
pub fn plan_sections(plan: &Plan) -> impl Iterator<Item = String> {
    let last = SECTIONS.len() - 1;
    SECTIONS.iter().enumerate().map(move |(at, section)| {
        let mut text = section(plan);
        if at < last {
            text.push('\n');
        }
        text
    })
}

fn title(plan: &Plan) -> String {
    format!(
        "# Data Migration Plan: {} to {}\n",
        prose(endpoint::name(&plan.source)),
        prose(endpoint::name(&plan.target)),
    )
}

fn overview(plan: &Plan) -> String {
    let made = if plan.created_at.is_empty() {
        "not recorded".to_owned()
    } else {
        prose(&plan.created_at)
    };
    let rows = [
        ("Migration", code(&plan.migration_id.to_string())),
        ("Plan hash", code(&plan.hash)),
        ("Made", made),
        ("Source", endpoint::line(&plan.source)),
        ("Target", endpoint::line(&plan.target)),
        ("Size", extent(plan)),
        ("Strategy", strategy(plan)),
        ("Rejected rows", on_reject(plan.policies.on_reject).to_owned()),
        ("What is replaced", replaced(plan)),
        ("Open", open(plan)),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(what, text)| vec![what.to_owned(), text])
        .collect();
    format!("## Migration Overview\n\n{}", table(&["What", "How"], &rows))
}

fn extent(plan: &Plan) -> String {
    let estimate = &plan.estimate;
    let seconds: f64 = estimate.seconds.to_string().parse().unwrap_or_default();
    format!(
        "{}, {}, {}, about {}",
        counted(estimate.tables, "table"),
        counted(estimate.rows, "row"),
        size(estimate.bytes),
        duration(seconds)
    )
}

fn strategy(plan: &Plan) -> String {
    let mapping = &plan.mapping;
    let verified = match (plan.policies.verify, mapping.changes_rows()) {
        (true, false) => "then every row and column of every table is compared with the source",
        (true, true) => {
            "then every row and column of every table is compared with the source's rows after the mapping"
        }
        (false, _) => {
            "the comparison with the source is switched off, so that the run cannot end as a success"
        }
    };
    let read = match mapping.sources.is_empty() {
        true => "the source is only read, in one consistent snapshot",
        false => "the sources are only read, each in one consistent snapshot",
    };
    format!(
        "Big bang: {read}. First the structure, then all rows in chunks of about {} \
         (each committed together with its record in the target), then what needs the rows; {verified}. \
         What the application writes to the source after the snapshot does not arrive.",
        size(plan.policies.chunk_bytes)
    )
}

fn on_reject(policy: OnReject) -> &'static str {
    match policy {
        OnReject::Stop => "the first row that cannot arrive exactly stops its table",
        OnReject::File => {
            "a row that cannot arrive exactly goes to `rejects/`, counted; the run then does not end as a success"
        }
    }
}

fn replaced(plan: &Plan) -> String {
    let moved: Vec<String> = plan
        .tables
        .iter()
        .filter(|table| table.replaces)
        .map(|table| table.target.id.to_string())
        .collect();
    if moved.is_empty() && !plan.is_destructive() {
        return "nothing of the target's".to_owned();
    }
    if moved.is_empty() {
        return "objects of the target's, marked below; they are moved aside and come back with a rollback"
            .to_owned();
    }
    format!(
        "{}: moved aside first, back with a rollback, destroyed only by `whimbrel cleanup`",
        codes(&moved)
    )
}

fn open(plan: &Plan) -> String {
    let (decisions, blockers) = (plan.open_decisions().len() as u64, plan.blockers().len() as u64);
    if decisions == 0 && blockers == 0 {
        return "nothing: the plan can be confirmed".to_owned();
    }
    format!(
        "{} and {}; nothing runs before they are settled",
        counted(decisions, "decision"),
        counted(blockers, "blocker")
    )
}

fn inventory(plan: &Plan) -> String {
    let partitions = Partitions::of(plan);
    let rows: Vec<Vec<String>> = plan
        .tables
        .iter()
        .map(|planned| {
            let (rows, bytes) = match partitions.all(planned) {
                Some(all) => (all.told(), all.bytes),
                None => (count(planned.rows), planned.bytes),
            };
            vec![
                origin::systems(plan, planned),
                origin::tables(planned),
                rows,
                size(bytes),
                (planned.level + 1).to_string(),
            ]
        })
        .collect();
    let mut text = "## Data Inventory\n\n".to_owned();
    if rows.is_empty() {
        text.push_str("The plan holds no table.\n");
    } else {
        let headings = [
            "Source System",
            "Tables/Objects",
            "Record Count",
            "Size",
            "Priority",
        ];
        text.push_str(&table(&headings, &rows));
        text.push_str("\nPriority 1 is copied first; a table comes after those it refers to. Tables that refer to each other share a priority.\n");
    }
    text.push_str("\nWhat the values are like, column by column: `data_quality.md` beside this file.\n");
    text.push_str(&objects(plan));
    text
}

/// The objects besides tables that the plan makes, by kind.
fn objects(plan: &Plan) -> String {
    let mut made: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for step in &plan.steps {
        let kind = step.subject.kind.as_str();
        if kind != "table" {
            made.entry(kind).or_default().push(step.subject.to_string());
        }
    }
    if made.is_empty() {
        return "\nNo step makes anything besides tables; keys and indexes may stand in the tables' own statements.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = made
        .into_iter()
        .map(|(kind, names)| vec![kind.to_owned(), count(names.len() as u64), codes(names)])
        .collect();
    format!(
        "\nBesides the tables:\n\n{}",
        table(&["Kind", "Count", "Objects"], &rows)
    )
}

fn data_mapping(plan: &Plan) -> String {
    let mut rows = Vec::new();
    for planned in &plan.tables {
        rows.extend(planned.columns.iter().flat_map(|column| mapped(planned, column)));
        let is_compared = |name: &str| planned.columns.iter().any(|column| column.target == name);
        let computed = planned.target.columns.iter().filter_map(|column| {
            if is_compared(&column.name) {
                return None;
            }
            let generated = column.generated.as_ref()?;
            Some(vec![
                origin::tables(planned),
                "computed, not copied".to_owned(),
                code(&planned.target.id.to_string()),
                code(&column.name),
                format!("the target computes {}", code(&generated.expression)),
            ])
        });
        rows.extend(computed);
    }
    let mut text = "## Data Mapping\n\n".to_owned();
    if rows.is_empty() {
        text.push_str("No column is copied: the plan holds no table with columns.\n");
        return text;
    }
    let headings = [
        "Source Table",
        "Source Field",
        "Target Table",
        "Target Field",
        "Transform",
    ];
    text.push_str(&table(&headings, &rows));
    text
}

/// The lines of a column: one, or one for each table that a mapping makes it of.
fn mapped(planned: &TablePlan, column: &ColumnPlan) -> Vec<Vec<String>> {
    let line = |table: String, field: String, transform: String| {
        vec![
            table,
            field,
            code(&planned.target.id.to_string()),
            code(&column.target),
            transform,
        ]
    };
    let source = planned.source.column(&column.source);
    let made = source.and_then(|source| source.derivation.as_deref());
    if planned.source.parts.is_empty() {
        let transform = transform(column, native(&column.source_native), made);
        return vec![line(
            code(&planned.source.id.to_string()),
            code(&column.source),
            transform,
        )];
    }
    let of_part = |part: &TablePart| {
        let (field, transform) = match part.columns.get(&column.source) {
            Some(PartValue::Column { name, native: own }) => {
                (code(name), transform(column, native(own), None))
            }
            Some(PartValue::Computed(made)) => {
                let transform = transform(column, "a computed value".to_owned(), Some(made));
                ("computed".to_owned(), transform)
            }
            None => ("none".to_owned(), "NULL in every row of this table".to_owned()),
        };
        line(code(&origin::name(part)), field, transform)
    };
    planned.source.parts.iter().map(of_part).collect()
}

fn transform(column: &ColumnPlan, from: String, made: Option<&str>) -> String {
    let types = format!(
        "{from} to {}, as {}",
        native(&column.target_native),
        prose(&column.logical.to_string())
    );
    let mut text = match &column.fidelity {
        Fidelity::Exact => format!("{types}: exact"),
        Fidelity::Widened(why) => format!("{types}: widened, {}", prose(why)),
        Fidelity::Lossy(why) => format!("{types}: **lossy**, {}", prose(why)),
        Fidelity::Unsupported(why) => format!("{types}: **unsupported**, {}", prose(why)),
    };
    if let Some(rule) = &column.rule {
        text.push_str(&format!("; **rule:** {}", prose(&rule.to_string())));
    }
    if let Some(made) = made {
        text.push_str(&format!("; **computed on the way:** {}", code(made)));
    }
    if column.computed {
        text.push_str("; computed by the target: compared, not copied");
    }
    text
}

fn native(declared: &str) -> String {
    match declared {
        "" => "no declared type".to_owned(),
        declared => code(declared),
    }
}

fn sequence(plan: &Plan) -> String {
    let of = |phase| plan.steps.iter().filter(move |step| step.phase == phase);
    let mut text = "## Migration Sequence\n\n### 1. Schema\n\n".to_owned();
    text.push_str(&steps(
        of(StepPhase::Schema),
        "No step: the target has its structure already.",
    ));
    text.push_str("\n### 2. Data\n\n");
    text.push_str(&data_order(plan));
    text.push_str("\n### 3. After the data\n\n");
    text.push_str(&steps(
        of(StepPhase::AfterData),
        "No step: everything stands in the tables' own statements.",
    ));
    text.push_str("\n### 4. Sequences\n\n");
    text.push_str(&sequences(plan));
    text.push_str("\n### 5. Verification\n\n");
    text.push_str(if plan.policies.verify {
        "Every row, column and object is compared; see Validation Rules.\n"
    } else {
        "Switched off by the plan. `whimbrel verify` does it at any later time.\n"
    });
    text
}

fn steps<'a>(steps: impl Iterator<Item = &'a Step>, none: &str) -> String {
    let mut text = String::new();
    for (at, step) in steps.enumerate() {
        let mark = if step.destructive {
            " (**moves or replaces what is there**)"
        } else {
            ""
        };
        let _infallible = writeln!(
            text,
            "{}. {} {}{mark}",
            at + 1,
            code(&step.id),
            prose(&step.title)
        );
    }
    if text.is_empty() {
        format!("{none}\n")
    } else {
        text
    }
}

fn data_order(plan: &Plan) -> String {
    let mut levels: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for planned in &plan.tables {
        levels
            .entry(planned.level)
            .or_default()
            .push(planned.target.id.to_string());
    }
    if levels.is_empty() {
        return "No table, no rows.\n".to_owned();
    }
    let mut text = String::new();
    for (at, wave) in plan.mapping.waves.iter().enumerate() {
        let of = plan
            .tables
            .iter()
            .filter(|table| plan.mapping.wave_of(&table.source.id, &table.target.id) == at);
        let names: Vec<String> = of.map(|table| table.target.id.to_string()).collect();
        let _infallible = writeln!(text, "* Wave {}, {}: {}", at + 1, prose(&wave.name), codes(names));
    }
    if !text.is_empty() {
        text.push_str("\nWaves come one after the other, other tables after them. By dependency:\n\n");
    }
    for (at, names) in levels.into_values().enumerate() {
        let _infallible = writeln!(text, "{}. {}", at + 1, codes(names));
    }
    text.push_str("\nTables of one line are copied side by side.\n");
    text
}

fn sequences(plan: &Plan) -> String {
    if plan.sequences.is_empty() {
        return "None: no sequence moves its position.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = plan
        .sequences
        .iter()
        .map(|sequence| {
            let fills = sequence.owned_by.as_ref().map_or_else(
                || "no single column".to_owned(),
                |(owner, column)| code(&format!("{owner}.{column}")),
            );
            vec![
                code(&sequence.source.to_string()),
                code(&sequence.target.to_string()),
                fills,
                sequence.increment.to_string(),
            ]
        })
        .collect();
    format!(
        "Each takes over its position after the data, and never stands behind it.\n\n{}",
        table(&["Source", "Target", "Fills", "Increment"], &rows)
    )
}
