//! What could hinder reading or writing.

use whimbrel_core::{DatabaseUrl, Finding, Severity};
use whimbrel_testkit::mysql::{TestDatabase, try_query};

use crate::harness::{connector, databases, options, source};

/// A login of its own that is dropped with this value.
struct Login<'a> {
    database: &'a TestDatabase,
    name: String,
}

impl<'a> Login<'a> {
    /// Makes a login with these privileges on the database.
    fn create(database: &'a TestDatabase, privileges: &str) -> Self {
        let name = database.name().chars().rev().take(12).collect::<String>();
        database.execute(&format!(
            "CREATE USER '{name}'@'%' IDENTIFIED BY 'secret'; GRANT {privileges} TO '{name}'@'%'"
        ));
        Self { database, name }
    }

    fn url(&self) -> String {
        let (before, after) = self.database.url().rsplit_once('@').unwrap();
        let scheme = before.split_once("://").unwrap().0;
        format!("{scheme}://{}:secret@{after}", self.name)
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        let dropped = try_query(self.database.url(), &format!("DROP USER '{}'@'%'", self.name));
        assert!(dropped.is_ok() || std::thread::panicking(), "{dropped:?}");
    }
}

async fn source_check(url: &str) -> Vec<Finding> {
    source(url).await.check().await.unwrap()
}

async fn target_check(url: &str) -> Vec<Finding> {
    connector(url)
        .target(&DatabaseUrl::parse(url).unwrap(), &options())
        .await
        .unwrap()
        .check(1 << 40)
        .await
        .unwrap()
}

fn of<'a>(findings: &'a [Finding], code: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.code == code).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_database_has_nothing_that_hinders() {
    for database in databases("check_plain") {
        let findings = source_check(database.url()).await;
        assert!(
            findings.iter().all(|finding| finding.severity == Severity::Info),
            "{findings:?}"
        );
        let findings = target_check(database.url()).await;
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity < Severity::Decision),
            "{findings:?}"
        );
        assert!(of(&findings, "target_not_empty").is_empty());
        database.execute("CREATE TABLE mine (id INT); CREATE TABLE _whimbrel_steps (id INT)");
        let findings = target_check(database.url()).await;
        assert_eq!(of(&findings, "target_not_empty")[0].evidence, ["mine"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_outside_of_any_snapshot_are_named() {
    for database in databases("check_engines") {
        database.execute(
            "CREATE TABLE loose (id INT) ENGINE = MyISAM; CREATE TABLE held (id INT) ENGINE = InnoDB",
        );
        let findings = source_check(database.url()).await;
        let [finding] = of(&findings, "no_snapshot")[..] else {
            panic!("{findings:?}")
        };
        assert_eq!(finding.subject.owner.name, "loose");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_privileges_are_named_with_the_statement_that_grants_them() {
    for database in databases("check_grants") {
        let login = Login::create(
            &database,
            &format!("SELECT, INSERT ON `{}`.*", database.name().replace('_', "\\_")),
        );
        let findings = target_check(&login.url()).await;
        let blockers: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Blocker)
            .collect();
        assert_eq!(blockers.len(), 1, "{findings:?}");
        assert!(
            blockers[0]
                .message
                .contains("lacks UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES")
        );
        assert!(blockers[0].evidence[0].starts_with("`GRANT UPDATE, DELETE"));
        let findings = source_check(&login.url()).await;
        let messages: Vec<&str> = of(&findings, "privilege")
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        assert_eq!(messages.len(), 2, "{findings:?}");
        assert!(messages[0].contains("lacks SHOW VIEW, TRIGGER, EVENT"));
        assert!(messages[1].contains("lacks RELOAD and LOCK TABLES"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_sees_only_some_tables_is_told_so() {
    for database in databases("check_some") {
        database.execute("CREATE TABLE seen (id INT); CREATE TABLE unseen (id INT)");
        let login = Login::create(&database, &format!("SELECT ON `{}`.seen", database.name()));
        let findings = source_check(&login.url()).await;
        let message = &of(&findings, "privilege")[0].message;
        assert!(message.contains("may read some tables of"), "{findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_may_give_what_is_not_listed() {
    for database in databases("check_role") {
        let role = format!("r{}", database.name().chars().rev().take(12).collect::<String>());
        let login = Login::create(&database, &format!("SELECT ON `{}`.*", database.name()));
        database.execute(&format!(
            "CREATE ROLE `{role}`; GRANT ALL ON `{}`.* TO `{role}`; GRANT `{role}` TO '{}'@'%'",
            database.name(),
            login.name
        ));
        let findings = target_check(&login.url()).await;
        database.execute(&format!("DROP ROLE `{role}`"));
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity != Severity::Blocker),
            "{findings:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn privileges_on_the_database_are_listed() {
    for database in databases("check_listed") {
        database.execute("CREATE TABLE seen (id INT, secret INT)");
        let login = Login::create(&database, &format!("SELECT, INSERT ON `{}`.*", database.name()));
        database.execute(&format!(
            "GRANT UPDATE (secret), DELETE ON seen TO '{0}'@'%'; GRANT DROP ON `elsewhere_{0}`.* TO '{0}'@'%'",
            login.name
        ));
        let catalog = source(database.url()).await.catalog().await.unwrap();
        let definitions: Vec<&str> = catalog
            .others
            .iter()
            .filter(|other| other.kind == "grant" && other.id.name.contains(&login.name))
            .filter_map(|other| other.definition.as_deref())
            .collect();
        let who = format!("'{}'@'%'", login.name);
        assert_eq!(
            definitions,
            [
                format!("GRANT DELETE, UPDATE (`secret`) ON `seen` TO {who}"),
                format!("GRANT INSERT, SELECT ON `{}`.* TO {who}", database.name()),
            ]
        );
    }
}
