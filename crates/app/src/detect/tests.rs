//! Claims about passwords: whatever characters one has and wherever it stands, no part of it is told. And about the page of the
//! documentation: it names every detector and every key.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// Parts of passwords that occur nowhere else.
const MARKS: [&str; 4] = ["zqXk7", "Vw9Jp", "hYt4Rn", "8GdBx"];
/// What stands between the parts.
const BETWEEN: [&str; 40] = [
    "", ":", "/", "@", "#", "?", "&", ";", "=", "'", "\"", " ", "%40", "%2F", "\\", "\\\"", "$", "${", "{",
    "}", "<", ">", "(", ")", ",", "`", "|", "é", "\t", "\u{a0}", "%", "+", "!", "*", "[", "]", "^", "~",
    "@db/", "<%=",
];
/// Places of a password within a URL, where a part of it may look like another URL.
const IN_URLS: &[(&str, &str)] = &[
    (".env", "DATABASE_URL=postgres://ann:{}@db:5432/shop"),
    (".env.local", "export URL='mysql://ann:{}@db/shop?x=1'"),
    (".env", "URL=\"sqlite+pysqlcipher://:{}@/data/app.db?cipher=aes\""),
    (".env", "URL=mongodb+srv://ann:{}@c.d.net,e.f.net/shop?w=1"),
    ("compose.yaml", "      - DATABASE_URL=mariadb://ann:{}@db/shop"),
    (
        "compose.yaml",
        "    environment: { URL: \"postgres://ann:{}@db/shop\" }",
    ),
    (
        "config/database.yml",
        "  url: <%= ENV[\"URL\"] || \"mysql2://ann:{}@db/shop\" %>",
    ),
    ("knexfile.js", "  connection: 'postgres://ann:{}@db/shop',"),
    (
        "site/settings.py",
        "X = dj_database_url.config(default=\"postgres://ann:{}@db/shop\")",
    ),
    (
        "alembic.ini",
        "sqlalchemy.url = postgresql+psycopg2://ann:{}@db/shop",
    ),
    (
        "application.properties",
        "spring.datasource.url=jdbc:mysql://ann:{}@db/shop",
    ),
    (
        "prisma/schema.prisma",
        "datasource db {\n  provider = \"mysql\"\n  url = \"mysql://ann:{}@db/shop\"\n}",
    ),
    ("flyway.conf", "flyway.url=jdbc:postgresql://ann:{}@db/shop"),
    ("liquibase.properties", "url: jdbc:mariadb://ann:{}@db/shop"),
    (
        "k8s/app.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  DATABASE_URL: postgres://ann:{}@db/shop",
    ),
    (
        "k8s/deployment.yaml",
        "apiVersion: v1\nkind: Deployment\n  - name: DATABASE_URL\n    value: \"mysql://ann:{}@db/shop\"",
    ),
    (
        "k8s/secret.yaml",
        "apiVersion: v1\nkind: Secret\nstringData:\n  URL: mongodb://ann:{}@db/shop",
    ),
    ("Dockerfile", "ENV DATABASE_URL=postgres://ann:{}@db/shop"),
    (
        "db.container",
        "Environment=DATABASE_URL=postgres://ann:{}@db/shop",
    ),
    ("config/production.toml", "url = \"postgres://ann:{}@db/shop\""),
    (
        "META-INF/context.xml",
        "<Resource url=\"jdbc:mysql://ann:{}@db/shop\" driverClassName=\"com.mysql.cj.jdbc.Driver\"/>",
    ),
    (
        "config/database.php",
        "    'url' => env('DATABASE_URL', 'mysql://ann:{}@db/shop'),",
    ),
    (
        "config/packages/doctrine.yaml",
        "        url: 'postgresql://ann:{}@db/shop?serverVersion=16'",
    ),
    ("atlas.hcl", "  url = \"mysql://ann:{}@db/shop\""),
    (
        "app/main.py",
        "engine = create_engine('postgresql+psycopg2://ann:{}@db/shop')",
    ),
    ("src/app.ts", "mongoose.connect('mongodb://ann:{}@db/shop')"),
    ("Makefile", "\tmigrate -database mysql://ann:{}@db/shop up"),
    ("other.json", "{ \"url\": \"postgres://ann:{}@db/shop\" }"),
];
/// Places of a password that goes on in the next line, by its two parts.
const OVER_LINES: &[(&str, &str)] = &[
    (".env.a", "URL=\"postgres://ann:1/2{1}\n{2}@db/shop\""),
    (
        ".env.b",
        "URL='jdbc:mysql://db:12/shop?user=ann&password={1}\n{2}'\nA=1",
    ),
    (".env.c", "URL=mysql://ann:12/{1}\\\n{2}@db/shop"),
    (".env.d", "DB_PASSWORD=\"{1}\nA=mysql://{2}\n\nB=sqlite:{1}\""),
    (".env.e", "DB_PASSWORD={1}\\\nmysql://{2}"),
    ("a.js", "const url = 'postgres://ann:12/{1}' +\n  '{2}@db/shop';"),
    ("a.py", "url = (\"postgres://ann:12/{1}\"\n  \"{2}@db/shop\")"),
    (
        "compose.yaml",
        "    environment:\n      URL: \"postgres://ann:12/{1}\n        {2}@db/shop\"",
    ),
    ("config/a.yml", "url: \"postgres://ann:12/{1}\\\n  {2}@db/shop\""),
    (
        "k8s/a.yaml",
        "apiVersion: v1\nkind: Pod\n  - value: \"mysql://{1}\"\n    name: DB_PASSWORD\n  - value: mysql:{2}\n    name: TOKEN",
    ),
    (
        "task.json",
        "{ \"value\": \"sqlite:{1}\", \"name\": \"DATABASE_PASSWORD\" },\n{\n\"value\": \"sqlite:{2}\",\n\"name\": \"PASSWORD\"\n}",
    ),
];
/// Places where the whole value is a secret by its name, and may be anything.
const WHOLE: &[(&str, &str)] = &[
    (".env", "DB_PASSWORD={}"),
    ("compose.yaml", "      - DB_PASSWORD={}"),
    (
        "k8s/deployment.yaml",
        "apiVersion: v1\nkind: Deployment\n  - name: DB_PASSWORD\n    value: \"{}\"",
    ),
    (
        "k8s/secret.yaml",
        "apiVersion: v1\nkind: Secret\nstringData:\n  password: {}",
    ),
    ("config/production.toml", "password = \"{}\""),
    (
        "META-INF/context.xml",
        "<Resource type=\"javax.sql.DataSource\" password=\"{}\"/>",
    ),
    ("wp-config.php", "define( 'DB_PASSWORD', '{}' );"),
    (
        "config/database.php",
        "    'password' => env('DB_PASSWORD', '{}'),",
    ),
    (
        "config/config.json",
        "{ \"dialect\": \"mysql\", \"password\": \"{}\" }",
    ),
    ("application.yml", "    password: {}"),
    ("main.tf", "  password = \"{}\""),
    ("src/app.py", "connect(host='db', password='{}')"),
    ("site/settings.py", "    'PASSWORD': '{}',"),
    ("knexfile.js", "  connection: { password: '{}' },"),
    ("config/database.yml", "  password: {}"),
    ("flyway.toml", "password = \"{}\""),
    ("config/a.yml", "db:\n  password:\n    {}"),
    ("config/b.yml", "db:\n  password: |\n    {}\n    {}"),
    ("config/c.yml", "- name: DB_PASSWORD\n  value: >-\n    {}"),
    ("task.json", "\"name\": \"DB_PASSWORD\",\n\"value\": \"{}\""),
    (
        "vars.tf",
        "variable \"db_password\" {\n  type = string\n  default = \"{}\"\n}",
    ),
    (
        "web.xml",
        "<param-name>db.password</param-name>\n<param-value>{}</param-value>",
    ),
    ("config/d.json", "\"password\":\n\"{}\""),
];
/// Other places.
const ELSEWHERE: &[(&str, &str)] = &[
    (".env", "DB_PASSWORD={}"),
    (".env", "PGPASSWORD='{}'"),
    (".env", "DSN=\"host=db user=ann password='{}' dbname=shop\""),
    (
        ".env",
        "DSN=\"Driver={PostgreSQL Unicode};Server=db;Uid=ann;Pwd={{}};Database=shop\"",
    ),
    (".env", "MYSQL_DSN=ann:{}@tcp(db:3306)/shop"),
    (".env", "URL=jdbc:postgresql://db/shop?user=ann&password={}"),
    (".env", "URL=jdbc:mysql://db:3306;user=ann;password={}"),
    (".env", "URL=jdbc:sqlite:app.db;password={}"),
    (".env", "URL=mysql:host=db;dbname=shop;password={}"),
    ("compose.yaml", "      POSTGRES_PASSWORD: {}"),
    ("compose.yaml", "      - MYSQL_ROOT_PASSWORD={}"),
    ("compose.yaml", "    command: mysqld --password={} # image: mysql"),
    ("config/database.yml", "  password: <%= ENV['PW'] || '{}' %>"),
    ("config/database.yml", "  adapter: postgresql # {}"),
    (
        "knexfile.js",
        "  connection: { client: 'pg', user: 'ann', password: '{}' },",
    ),
    ("knexfile.ts", "  connection: { client: 'pg', password: `{}` },"),
    (
        "site/settings.py",
        "    'default': {'ENGINE': 'django.db.backends.mysql', 'PASSWORD': '{}'},",
    ),
    (
        "appsettings.json",
        "{\"ConnectionStrings\":{\"A\":\"Host=db;Database=shop;Username=ann;Password={}\"}}",
    ),
    (
        "appsettings.json",
        "{\"ConnectionStrings\":{\"A\":\"Server=db;Uid=ann;Pwd='{}'\"}}",
    ),
    ("application.yml", "    password: {}"),
    (
        "application.yml",
        "    url: jdbc:postgresql://db/shop?password={}&ssl=true",
    ),
    (
        "src/data-source.ts",
        "export const a = new DataSource({ type: 'mysql', password: '{}' })",
    ),
    (
        "config/config.json",
        "{ \"dialect\": \"mysql\", \"password\": \"{}\" }",
    ),
    ("flyway.toml", "password = \"{}\""),
    ("liquibase.properties", "password: {}"),
    (
        "wp-config.php",
        "define( 'DB_PASSWORD', '{}' ); define( 'DB_NAME', 'shop' );",
    ),
    ("web/settings.php", "  'driver' => 'mysql', 'password' => '{}',"),
    (
        "db.php",
        "$pdo = new PDO('mysql:host=localhost;dbname=shop', 'ann', '{}');",
    ),
    (
        "lib/connection.php",
        "mysqli_connect('localhost', 'ann', '{}', 'shop');",
    ),
    ("main.go", "sql.Open(\"mysql\", \"ann:{}@tcp(db:3306)/shop\")"),
    ("Makefile", "\tgoose mysql \"ann:{}@tcp(db:3306)/shop\" up"),
    (".pgpass", "localhost:5432:shop:ann:{}"),
    (".my.cnf", "[client]\npassword={}"),
    ("Dockerfile", "FROM postgres:16\nENV POSTGRES_PASSWORD={}"),
    (
        "k8s/db.yaml",
        "apiVersion: v1\nkind: Pod\n  - image: mysql:8 # {}\n  - name: MYSQL_ROOT_PASSWORD\n    value: {}",
    ),
    ("profiles.yml", "      type: postgres\n      password: {}"),
    ("main.tf", "  engine = \"postgres\"\n  password = \"{}\""),
    (
        "Web.config",
        "<add connectionString=\"server=db;user id=root;password={};database=shop\" providerName=\"MySql.Data.MySqlClient\"/>",
    ),
    (
        "config/dev.exs",
        "config :a, A.Repo, adapter: Ecto.Adapters.Postgres, password: \"{}\"",
    ),
];

/// A password: its marks, and with what between them.
fn passwords() -> impl Strategy<Value = String> {
    let part = (
        prop::sample::select(&MARKS[..]),
        prop::sample::select(&BETWEEN[..]),
    );
    (
        prop::sample::select(&BETWEEN[..]),
        prop::collection::vec(part, 1..5),
    )
        .prop_map(|(before, parts)| {
            let parts: String = parts
                .into_iter()
                .map(|(mark, after)| format!("{mark}{after}"))
                .collect();
            format!("{before}{parts}")
        })
}

/// A password without what would end it, or begin a line of its own.
fn plain_passwords() -> impl Strategy<Value = String> {
    let is_plain = |password: &String| {
        !password.contains(['"', '\'', '`', '\\', ' ', '\t', '\u{a0}', '<', '=', '#', '@', '-'])
    };
    passwords().prop_filter("it would end the value", is_plain)
}

/// Writes all places into one folder, a file with several of them line by line, and looks at every piece of evidence.
fn check(places: &[(&str, &str)], password: &str) {
    let folder = TempDir::new().unwrap();
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (file, text) in places {
        let text = text.replace("{}", password);
        let _infallible = writeln!(files.entry(file).or_default(), "{text}");
    }
    for (file, text) in files {
        let place = folder.path().join(file);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
    let project = Project::open(folder.path(), None).unwrap();
    let mut found = Found::default();
    for detector in DETECTORS {
        detector.look(&project, &mut found);
    }
    refuse(&format!("{:?}", found.evidence), password);
    let found = detect(folder.path(), &Environment::default()).unwrap();
    refuse(&serde_json::to_string(&found).unwrap(), password);
}

/// Refuses a text that holds a part of a password, as it is or with its letters written as numbers.
fn refuse(told: &str, password: &str) {
    let leaked = MARKS
        .iter()
        .find(|mark| told.contains(*mark) || told.contains(&percent_encoded(mark)));
    assert_eq!(leaked, None, "of `{password}` in {told}");
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Writes a place as the manifest of a secret, whose values are in another alphabet.
fn check_encoded_secret(value: &str) {
    let encoded = STANDARD.encode(value);
    let manifest =
        format!("apiVersion: v1\nkind: Secret\ndata:\n  DATABASE_URL: {encoded}\n  note: {encoded}\n");
    check(&[("k8s/secret.yaml", &manifest)], value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_part_of_a_password_is_told(password in passwords()) {
        check(IN_URLS, &password);
        check(ELSEWHERE, &password);
        check(WHOLE, &password);
        check(IN_URLS, &percent_encoded(&password));
        check_encoded_secret(&format!("postgres://ann:{password}@db/shop"));
        check_encoded_secret(&password);
    }

    #[test]
    fn no_part_of_a_password_over_two_lines_is_told(first in plain_passwords(), second in plain_passwords()) {
        for (file, text) in OVER_LINES {
            let text = text.replace("{1}", &first).replace("{2}", &second);
            check(&[(file, &text)], &format!("{first} {second}"));
        }
    }

    #[test]
    fn a_secret_may_itself_look_like_a_url(
        scheme in prop::sample::select(&["postgres://", "mysql://", "jdbc:mariadb://", "sqlite:", "mongodb://"][..]),
        password in passwords(),
    ) {
        check(WHOLE, &format!("{scheme}{password}"));
    }

    #[test]
    fn a_password_in_a_url_may_look_like_another_url(
        first in passwords(),
        scheme in prop::sample::select(&["postgres://", "mysql://x:", "sqlite:", "jdbc:sqlite:", "://"][..]),
        second in passwords(),
    ) {
        check(IN_URLS, &format!("{first}{scheme}{second}"));
    }
}

#[test]
fn of_files_full_of_urls_no_more_is_kept_than_can_be_shown() {
    let folder = TempDir::new().unwrap();
    let lines = |count: usize| "A=postgres://ann:x@db/shop\n".repeat(count);
    for at in 0..5 {
        std::fs::write(folder.path().join(format!("{at}.env")), lines(400)).unwrap();
    }
    let objects = "{\"url\": \"postgres://ann:x@db/shop\", \"type\": \"mysql\"},".repeat(4_000);
    std::fs::write(folder.path().join("config.json"), objects).unwrap();
    std::fs::write(folder.path().join("long.env"), lines(20_000)).unwrap();
    let project = Project::open(folder.path(), None).unwrap();
    let mut found = Found::default();
    for detector in DETECTORS {
        detector.look(&project, &mut found);
    }
    assert!(found.evidence.len() <= 500, "{}", found.evidence.len());
    assert!((1_500..3_000).contains(&found.more), "{}", found.more);
    let notes = project.notes().join("\n");
    for note in ["`0.env` says so much", "`long.env` is long"] {
        assert!(notes.contains(note), "{notes}");
    }
    let found = detect(folder.path(), &Environment::default()).unwrap();
    assert_eq!(found.database_type, "postgresql");
    assert!(found.more_evidence > 1_500);
}

/// The cells of the tables of the page, row by row, of those with two columns.
fn rows() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/commands.md");
    let page = std::fs::read_to_string(page).unwrap();
    let cells = |line: &str| {
        let (left, right) = line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | ")?;
        Some((left.to_owned(), right.to_owned()))
    };
    page.lines().filter_map(cells).collect()
}

#[test]
fn the_documentation_lists_every_detector() {
    let expected: Vec<_> = DETECTORS
        .iter()
        .map(|detector| (detector.looks_for.to_owned(), detector.doc.to_owned()))
        .collect();
    let rows = rows();
    let start = rows.iter().position(|(left, _)| left == "Looked for").unwrap() + 1;
    let listed: Vec<_> = rows[start..]
        .iter()
        .take_while(|(left, _)| left != "Key")
        .cloned()
        .collect();
    assert_eq!(listed, expected);
}

#[test]
fn the_documentation_lists_every_key_of_the_document() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("schema.mysql"), "").unwrap();
    let found = serde_json::to_value(detect(folder.path(), &Environment::default()).unwrap()).unwrap();
    let keys = |value: &serde_json::Value, before: &str| -> Vec<String> {
        let keys = value.as_object().unwrap().keys();
        keys.map(|key| format!("`{before}{key}`")).collect()
    };
    let mut expected = keys(&found, "");
    expected.extend(keys(&found["databases"][0], "databases[]."));
    expected.extend(keys(&found["evidence"][0], "evidence[]."));
    expected.sort();
    let rows = rows();
    let start = rows.iter().position(|(left, _)| left == "Key").unwrap() + 1;
    let mut listed: Vec<String> = rows[start..].iter().map(|(left, _)| left.clone()).collect();
    listed.sort();
    assert_eq!(listed, expected);
}
