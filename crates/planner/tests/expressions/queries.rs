//! Views across engines: the rows of a query, and of what its printed form becomes elsewhere.

use crate::bench::Engine;

/// A query, and the targets that refuse it.
type Case = (&'static str, &'static [&'static str]);

const ALL: &[&str] = &[];

/// In the words of every engine here.
const COMMON: &[Case] = &[
    (
        "SELECT b, count(*) AS n, sum(i) AS s FROM edge GROUP BY b HAVING count(*) > 1 ORDER BY n DESC, b",
        ALL,
    ),
    ("SELECT DISTINCT b FROM edge ORDER BY b", ALL),
    ("SELECT DISTINCT b FROM edge ORDER BY b DESC", ALL),
    (
        "SELECT id, i FROM edge WHERE i > 0 ORDER BY i DESC, id LIMIT 2 OFFSET 1",
        ALL,
    ),
    (
        "SELECT a.id, e.t FROM edge a JOIN edge e ON e.i = a.j ORDER BY a.id, e.id",
        ALL,
    ),
    (
        "SELECT a.id, e.id AS other FROM edge a LEFT JOIN edge e ON e.i = a.j AND e.b ORDER BY a.id, e.id",
        ALL,
    ),
    (
        "SELECT a.id, e.id AS other FROM edge a CROSS JOIN edge e WHERE a.id < e.id AND e.id < 4 ORDER BY a.id, e.id",
        ALL,
    ),
    (
        "SELECT id, i FROM edge WHERE i > 5 UNION SELECT id, i FROM edge WHERE b ORDER BY id",
        ALL,
    ),
    (
        "SELECT id FROM edge WHERE i > 5 UNION ALL SELECT id FROM edge WHERE b ORDER BY id",
        ALL,
    ),
    (
        "WITH q AS (SELECT id, i FROM edge WHERE b) SELECT q.id, q.i FROM q WHERE q.i IS NOT NULL ORDER BY q.id",
        ALL,
    ),
    (
        "SELECT q.id, q.n FROM (SELECT id, length(t) AS n FROM edge) q WHERE q.n > 3 ORDER BY q.id",
        ALL,
    ),
    (
        "SELECT id, CASE WHEN i > 1 THEN 'much' WHEN i IS NULL THEN 'none' ELSE 'little' END AS how FROM edge ORDER BY id",
        ALL,
    ),
    (
        "SELECT id FROM edge WHERE EXISTS (SELECT 1 FROM edge e WHERE e.j = edge.i) ORDER BY id",
        ALL,
    ),
    (
        "SELECT id FROM edge WHERE i IN (SELECT j FROM edge WHERE j IS NOT NULL) ORDER BY id",
        ALL,
    ),
    (
        "SELECT id, rank() OVER (PARTITION BY b ORDER BY i DESC) AS place FROM edge ORDER BY id",
        ALL,
    ),
    (
        "SELECT id, sum(j) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM edge ORDER BY id",
        ALL,
    ),
    (
        "SELECT max(p) AS p, min(day) AS d, max(at) AS a, count(DISTINCT b) AS n FROM edge",
        ALL,
    ),
];

const MYSQL: &[Case] = &[
    (
        "SELECT e.id, f.id AS other FROM edge e, edge f WHERE e.i = f.j ORDER BY e.id, f.id",
        ALL,
    ),
    (
        "SELECT id, if(b, 'y', 'n') AS yn FROM edge WHERE i ORDER BY i LIMIT 1, 3",
        ALL,
    ),
    (
        "SELECT b, group_concat(t ORDER BY id DESC SEPARATOR '; ') AS ts FROM edge GROUP BY b ORDER BY b",
        ALL,
    ),
    (
        "SELECT year(day) AS y, count(*) AS n FROM edge GROUP BY year(day) ORDER BY y",
        ALL,
    ),
];

const POSTGRES: &[Case] = &[
    ("SELECT id FROM edge ORDER BY i NULLS FIRST, id DESC", ALL),
    (
        "SELECT b, string_agg(t, '; ' ORDER BY id DESC) AS ts FROM edge GROUP BY b ORDER BY b",
        ALL,
    ),
    (
        "SELECT a.id, e.id AS other FROM edge a FULL JOIN edge e ON e.i = a.j ORDER BY a.id, e.id",
        &["mysql", "mariadb"],
    ),
    (
        "SELECT DISTINCT ON (b) b, id FROM edge ORDER BY b, id",
        &["mysql", "mariadb", "sqlite"],
    ),
    (
        "SELECT id FROM edge WHERE i > 1 EXCEPT SELECT id FROM edge WHERE b ORDER BY 1",
        ALL,
    ),
    ("SELECT id FROM edge ORDER BY id OFFSET 3", ALL),
    ("SELECT id FROM edge ORDER BY id FETCH FIRST 2 ROWS ONLY", ALL),
];

fn failures(source: &Engine, targets: &[Engine], (query, refusing): Case) -> Vec<String> {
    let want = source
        .rows(query)
        .unwrap_or_else(|why| panic!("{}: {query}: {why}", source.name));
    assert!(!want.is_empty(), "{query} finds nothing");
    let printed = source.printed_query(query);
    let mut failures = Vec::new();
    for target in targets.iter().filter(|target| target.name != source.name) {
        let context = source.context(target);
        let said = |what: String| format!("{} to {}: {printed}: {what}", source.name, target.name);
        let spelled = source
            .dialect
            .parse_query(&printed, &context)
            .and_then(|neutral| target.dialect.render_query(&neutral, &context));
        match (spelled, refusing.contains(&target.name)) {
            (Ok(spelled), true) => failures.push(said(format!("not refused: {spelled}"))),
            (Err(_), true) => {}
            (Err(why), false) => failures.push(said(format!("refused: {why}"))),
            (Ok(spelled), false) => {
                // A view is what it is to become, so it is asked as one.
                let made = target
                    .try_execute("DROP VIEW IF EXISTS moved")
                    .and_then(|()| target.try_execute(&format!("CREATE VIEW moved AS {spelled}")))
                    .and_then(|()| target.rows(&spelled));
                match made {
                    Ok(found) if found == want => {}
                    Ok(found) => failures.push(said(format!("{spelled}\n    {want:?}\n    {found:?}"))),
                    Err(why) => failures.push(said(format!("{spelled}: {why}"))),
                }
            }
        }
    }
    failures
}

#[test]
fn views_show_the_same_rows_on_every_engine() {
    let engines = Engine::all();
    let mut found = Vec::new();
    for source in &engines {
        let own = match source.name {
            "postgres" => POSTGRES,
            _ if source.is_mysql() => MYSQL,
            _ => &[],
        };
        for case in COMMON.iter().chain(own) {
            found.extend(failures(source, &engines, *case));
        }
    }
    assert!(found.is_empty(), "{} failures\n{}", found.len(), found.join("\n"));
}
