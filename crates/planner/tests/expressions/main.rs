//! Expressions across engines: what one engine computes, every other engine computes alike from the translation, or the translation is
//! refused. Each row of a table says which targets must refuse; all others must agree on every edge value.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod defaults;
mod queries;

use bench::{Engine, Values};
use whimbrel_core::Untranslated;

/// An expression, and the targets that refuse it.
type Case = (&'static str, &'static [&'static str]);

const ALL: &[&str] = &[];
const NOT_SQLITE: &[&str] = &["sqlite"];
const KIN_ALONE: &[&str] = &["sqlite", "postgres"];

/// In the words of MySQL and MariaDB.
const MYSQL: &[Case] = &[
    ("i + j * 2", ALL),
    ("i div 2", ALL),
    ("i div j", ALL),
    ("i mod 3", ALL),
    ("i % j", ALL),
    ("mod(i, 3)", ALL),
    ("-i", ALL),
    ("i - -j", ALL),
    ("i / 2", KIN_ALONE),
    ("p / 3", KIN_ALONE),
    ("r / 2", ALL),
    ("r / j", ALL),
    ("p + 1", NOT_SQLITE),
    ("p * 2 > 3", NOT_SQLITE),
    ("i & 6", ALL),
    ("i | 8", KIN_ALONE),
    ("i << 2", KIN_ALONE),
    ("i ^ 3", KIN_ALONE),
    ("(i & 6) + 1", ALL),
    ("i > 0 and t <> ''", ALL),
    ("i > 0 or b", ALL),
    ("not i > 0", ALL),
    ("!b", ALL),
    ("i xor b", ALL),
    ("i and b", ALL),
    ("i <=> null", ALL),
    ("i <=> j", ALL),
    ("not (i <=> 7)", ALL),
    ("b = 1", ALL),
    ("b + 1", ALL),
    ("b in (0, 1)", ALL),
    ("b = i", ALL),
    ("(i > 0) + (j > 0)", ALL),
    ("(i > 1) = (j > 1)", ALL),
    ("i is null = b", ALL),
    ("i = '7'", ALL),
    ("p = 1.5", ALL),
    ("p > '1.49'", ALL),
    ("r > 1", ALL),
    ("i between 0 and 7", ALL),
    ("i not between 0 and 7", ALL),
    ("i in (1, 7, null)", ALL),
    ("t in ('Abc', '')", ALL),
    ("t not in ('Abc', '')", ALL),
    ("if(i > 1, 'y', 'n')", ALL),
    ("if(i, 1, 0)", ALL),
    ("if(b, i, j)", ALL),
    ("ifnull(i, -1)", ALL),
    ("isnull(i)", ALL),
    ("nullif(i, 7)", ALL),
    ("coalesce(null, i, 3)", ALL),
    ("case i when 7 then 'seven' when 0 then 'none' else t end", ALL),
    ("case when b then 1 when i > 1 then 2 end", ALL),
    ("greatest(i, j)", ALL),
    ("least(i, j, 3)", ALL),
    ("concat(t, '-', i)", ALL),
    ("concat('it''s \\\\ ', t)", ALL),
    ("concat(t, null)", ALL),
    ("concat_ws(',', t, 'x')", ALL),
    ("concat(t, b)", ALL),
    ("char_length(t)", ALL),
    ("length(t)", ALL),
    ("lower(t)", &["sqlite-value"]),
    ("left(t, 2)", ALL),
    ("right(t, 2)", ALL),
    ("left(t, 0)", ALL),
    ("right(t, 0)", ALL),
    ("substring(t, 2)", ALL),
    ("substring(t, 2, 3)", ALL),
    ("substr(t from 3 for 2)", ALL),
    ("substring(t, -2)", KIN_ALONE),
    ("replace(t, 'b', 'X')", ALL),
    ("trim(t)", ALL),
    ("ltrim(t)", ALL),
    ("rtrim(t)", ALL),
    ("trim(both 'x' from t)", ALL),
    ("trim(leading 'x' from t)", ALL),
    ("trim(both 'xx' from t)", KIN_ALONE),
    ("lpad(t, 5, '*')", NOT_SQLITE),
    ("rpad(t, 4, 'ab')", NOT_SQLITE),
    ("reverse(t)", NOT_SQLITE),
    ("locate('b', t)", ALL),
    ("locate('', t)", ALL),
    ("instr(t, 'B')", ALL),
    ("position('c' in t)", ALL),
    ("t like 'a%'", ALL),
    ("t like 'A_c'", ALL),
    ("t not like '%b%'", ALL),
    ("t like '%100\\\\%%'", ALL),
    ("t like '%|_%' escape '|'", ALL),
    ("t like '%\\\\\\\\%'", ALL),
    ("t like concat('%', 'b', '%')", NOT_SQLITE),
    ("t regexp '^a'", KIN_ALONE),
    ("t = 'abc'", ALL),
    ("t > 'B'", &["postgres-value"]),
    ("abs(i)", ALL),
    ("abs(p)", ALL),
    ("ceil(p)", NOT_SQLITE),
    ("floor(p)", NOT_SQLITE),
    ("floor(r)", NOT_SQLITE),
    ("round(p, 1)", NOT_SQLITE),
    ("round(p)", NOT_SQLITE),
    ("round(r)", KIN_ALONE),
    ("sign(i)", ALL),
    ("sqrt(abs(i))", KIN_ALONE),
    ("power(i, 2)", NOT_SQLITE),
    ("year(day)", ALL),
    ("month(at)", ALL),
    ("dayofmonth(day)", ALL),
    ("hour(at)", ALL),
    ("minute(ti)", ALL),
    ("extract(minute from at)", ALL),
    ("quarter(day)", NOT_SQLITE),
    ("second(at)", KIN_ALONE),
    ("date(at)", ALL),
    ("cast(at as date)", ALL),
    ("day >= '2000-01-01'", ALL),
    ("day = '2000-01-01 00:00:00'", ALL),
    ("at >= '2000-01-01'", ALL),
    ("at < '2020-01-01 10:00:00'", ALL),
    ("at > date'2020-01-01'", ALL),
    ("ti > '12:00:00'", ALL),
    ("day + interval 1 day", KIN_ALONE),
    ("date_format(at, '%Y')", KIN_ALONE),
    ("cast(i as char)", ALL),
    ("cast(i as char charset utf8mb4)", ALL),
    ("cast(i as signed)", ALL),
    ("cast(b as signed)", ALL),
    ("cast(i as decimal(20,0))", ALL),
    ("cast(p as signed)", KIN_ALONE),
    ("cast(t as signed)", KIN_ALONE),
    ("convert(t using utf8mb4)", ALL),
    ("t collate utf8mb4_bin = 'Abc'", ALL),
    ("_utf8mb4'ä'", ALL),
    ("exists(select 1 from edge e where e.i = edge.j)", ALL),
    ("(select count(*) from edge e where e.i > edge.i)", ALL),
    ("i in (select j from edge)", ALL),
    ("t + 1", KIN_ALONE),
    ("t = 0", KIN_ALONE),
];

/// In the words of PostgreSQL.
const POSTGRES: &[Case] = &[
    ("i / 2", ALL),
    ("i % 3", ALL),
    ("mod(i, 3)", ALL),
    ("-i + j * 2", ALL),
    ("r / 2", ALL),
    ("p / 3", &["sqlite", "mariadb", "mysql"]),
    ("i & 6", ALL),
    ("(i & 6) + 1", ALL),
    ("i | 8", ALL),
    ("b AND i > 0", ALL),
    ("b IS NOT TRUE", ALL),
    ("b IS FALSE", ALL),
    ("NOT b", ALL),
    ("i IS DISTINCT FROM 7", ALL),
    ("i IS NOT DISTINCT FROM j", ALL),
    ("(i IS NULL) = b", ALL),
    ("t || '-' || i", ALL),
    ("t || 'it''s \\ '''''", ALL),
    ("t || NULL", ALL),
    ("t LIKE 'a%'", ALL),
    ("t LIKE 'A_c'", ALL),
    ("t ILIKE 'ab%'", ALL),
    ("t NOT ILIKE '%B%'", ALL),
    ("t LIKE '%100\\%%'", ALL),
    ("t LIKE '%|_%' ESCAPE '|'", ALL),
    ("length(t)", ALL),
    ("octet_length(t)", ALL),
    ("upper(t)", &["sqlite-value"]),
    ("substr(t, 2, 3)", ALL),
    ("left(t, 2)", ALL),
    ("right(t, 2)", ALL),
    ("left(t, -1)", &["sqlite", "mariadb", "mysql"]),
    ("lpad(t, 5, '*')", NOT_SQLITE),
    ("rpad(t, 4, 'ab')", NOT_SQLITE),
    ("concat_ws(',', t, 'x')", ALL),
    ("concat(t, '-', i)", ALL),
    ("reverse(t)", NOT_SQLITE),
    ("btrim(t)", ALL),
    ("btrim(t, 'x')", ALL),
    ("btrim(t, 'xy')", &["mariadb", "mysql"]),
    ("TRIM(LEADING FROM t)", ALL),
    ("strpos(t, 'b')", ALL),
    ("POSITION('B' IN t)", ALL),
    ("replace(t, 'b', 'X')", ALL),
    ("greatest(i, j)", ALL),
    ("least(i, j)", ALL),
    ("coalesce(i, -1)", ALL),
    ("nullif(i, 7)", ALL),
    ("CASE WHEN b THEN 'y' ELSE t END", ALL),
    ("CASE i WHEN 7 THEN 1 ELSE j END", ALL),
    ("i = ANY (ARRAY[1, 7])", ALL),
    ("t <> ALL (ARRAY['Abc', ''])", ALL),
    ("i BETWEEN 0 AND 7", ALL),
    ("EXTRACT(year FROM day)", ALL),
    ("EXTRACT(quarter FROM at)", NOT_SQLITE),
    ("EXTRACT(hour FROM at)", ALL),
    ("at::date", ALL),
    ("i::text", ALL),
    ("b::int", ALL),
    ("at > '2000-01-01 00:00:00'::timestamp", ALL),
    ("day >= '2000-01-01'::date", ALL),
    ("ti > '12:00'::time", ALL),
    ("abs(i)", ALL),
    ("floor(r)", NOT_SQLITE),
    ("ceil(r)", NOT_SQLITE),
    ("sign(i)", ALL),
    ("round(p, 1)", NOT_SQLITE),
    ("round(p)", NOT_SQLITE),
    ("exists (SELECT 1 FROM edge e WHERE e.i = edge.j)", ALL),
    ("(SELECT string_agg(t, ',' ORDER BY e.id DESC) FROM edge e)", ALL),
    ("(SELECT count(*) FILTER (WHERE e.i > 1) FROM edge e)", ALL),
    (
        "(SELECT e.t FROM edge e ORDER BY e.i DESC, e.id LIMIT 1 OFFSET 1)",
        ALL,
    ),
    ("(SELECT max(q.j) FROM (SELECT j FROM edge WHERE b) AS q)", ALL),
    ("row_number() OVER (ORDER BY i DESC, id)", ALL),
    ("row_number() OVER (ORDER BY i, id)", ALL),
    ("lag(i) OVER (ORDER BY id)", ALL),
    ("sum(i) OVER (PARTITION BY b)", ALL),
    ("t ~ '^a'", &["sqlite", "mariadb", "mysql"]),
];

/// In the words of SQLite.
const SQLITE: &[Case] = &[
    ("i / 2", ALL),
    ("i % 3", ALL),
    ("i || t", ALL),
    ("ifnull(i, -1)", ALL),
    ("iif(i > 1, 'y', 'n')", ALL),
    ("i AND b", ALL),
    ("b = 1", ALL),
    ("i IS j", ALL),
    ("i IS NOT 7", ALL),
    ("t GLOB 'a*'", ALL),
    ("t LIKE 'AB%'", ALL),
    ("length(t)", ALL),
    ("instr(t, 'b')", ALL),
    ("substr(t, 2)", ALL),
    ("trim(t)", ALL),
    ("CAST(strftime('%Y', day) AS INTEGER)", ALL),
    ("day >= '2000-01-01'", ALL),
    ("CAST(i AS TEXT)", ALL),
    ("max(i, j)", ALL),
    ("min(i, 3)", ALL),
    ("row_number() OVER (ORDER BY i, id)", ALL),
];

/// What is wrong with a case, line by line.
fn failures(source: &Engine, targets: &[Engine], (expression, refusing): Case) -> Vec<String> {
    let want = source
        .values(expression)
        .unwrap_or_else(|why| panic!("{}: {expression}: {why}", source.name));
    let printed = source.is_mysql().then(|| source.printed(expression));
    let mut failures = Vec::new();
    for target in targets.iter().filter(|target| target.name != source.name) {
        let context = source.context(target);
        let must_refuse = refusing.contains(&target.name) && !context.kin;
        let may_differ = refusing
            .iter()
            .any(|name| name.strip_suffix("-value") == Some(target.name));
        let mut compare = |what: &str,
                           spelled: Result<String, Untranslated>,
                           found: &dyn Fn(&str) -> Result<Values, String>| {
            let wrong = match spelled {
                Ok(spelled) if must_refuse => format!("not refused: {spelled}"),
                Err(why) if !must_refuse => format!("refused: {why}"),
                Err(_) => return,
                Ok(_) if may_differ => return,
                Ok(spelled) => match found(&spelled) {
                    Ok(found) if found == want => return,
                    Ok(found) => format!("{spelled}\n    {want:?}\n    {found:?}"),
                    Err(why) => format!("{spelled}: {why}"),
                },
            };
            failures.push(format!("{} to {}: {what}: {wrong}", source.name, target.name));
        };
        let spelled = source
            .dialect
            .parse(expression, &context)
            .and_then(|neutral| target.dialect.render(&neutral, &context));
        compare(expression, spelled, &|spelled| target.values(spelled));
        if let Some(printed) = &printed {
            let spelled = source
                .dialect
                .parse_query(printed, &context)
                .and_then(|neutral| target.dialect.render_query(&neutral, &context));
            compare(printed, spelled, &|spelled| {
                target.column(&format!("{spelled} ORDER BY 1"))
            });
        }
    }
    failures
}

fn check(sources: &[&str], cases: &[Case]) {
    let engines = Engine::all();
    let mut failures_found = Vec::new();
    for source in engines.iter().filter(|engine| sources.contains(&engine.name)) {
        for case in cases {
            failures_found.extend(failures(source, &engines, *case));
        }
    }
    assert!(
        failures_found.is_empty(),
        "{} failures\n{}",
        failures_found.len(),
        failures_found.join("\n")
    );
}

#[test]
fn what_mysql_and_mariadb_compute_every_engine_computes_alike() {
    check(&["mysql", "mariadb"], MYSQL);
}

#[test]
fn what_postgres_computes_every_engine_computes_alike() {
    check(&["postgres"], POSTGRES);
}

#[test]
fn what_sqlite_computes_every_engine_computes_alike() {
    check(&["sqlite"], SQLITE);
}
