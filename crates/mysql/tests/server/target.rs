//! Steps where DDL commits by itself, sequences, emptying, and dropping what was moved aside.

use whimbrel_core::{
    Change, Direction, ErrorClass, ObjectId, ObjectKind, RunKey, SequencePosition, Statement, Step,
    StepPhase, Table, TableId, Target,
};
use whimbrel_testkit::mysql::TestDatabase;

use crate::harness::databases;
use crate::ledger::{open_run, target};

pub(crate) fn step(id: &str, name: &str, statements: &[&str], undo: &[&str]) -> Step {
    let sql = |list: &[&str]| {
        list.iter()
            .map(|text| Statement::Sql((*text).to_owned()))
            .collect()
    };
    Step {
        id: id.to_owned(),
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Table, TableId::bare(name)),
        title: format!("make {name}"),
        statements: sql(statements),
        undo: sql(undo),
        tables: vec![],
        destructive: false,
    }
}

fn make(name: &str) -> Step {
    step(
        "1",
        name,
        &[&format!("CREATE TABLE `{name}` (x int)")],
        &[&format!("DROP TABLE `{name}`")],
    )
}

/// Puts the ledger into the state of a crash behind the intent.
fn forget_that_it_is_done(database: &TestDatabase) {
    database.execute("UPDATE _whimbrel_steps SET state = 'intent', statements = 0");
}

fn tables(database: &TestDatabase) -> Vec<String> {
    let rows = database.query_text(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
         AND TABLE_NAME NOT LIKE '\\_whimbrel%' ORDER BY TABLE_NAME",
    );
    rows.into_iter().flatten().flatten().collect()
}

async fn done(target: &dyn Target, run: &RunKey) -> Vec<String> {
    let steps = target.ledger().steps(&run.migration).await.unwrap();
    steps.into_iter().map(|step| step.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_crashed_before_its_record_is_settled_by_what_is_there() {
    for database in databases("step crash") {
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let make = make("a");
        target.execute(&run, &make, Direction::Do).await.unwrap();
        target.execute(&run, &make, Direction::Do).await.unwrap();
        assert_eq!(done(&*target, &run).await, ["1"]);

        // Behind the statement: the table is ours and stays.
        database.execute("INSERT INTO a VALUES (17)");
        forget_that_it_is_done(&database);
        assert!(done(&*target, &run).await.is_empty());
        target.execute(&run, &make, Direction::Do).await.unwrap();
        assert_eq!(done(&*target, &run).await, ["1"]);
        assert_eq!(database.query_text("SELECT x FROM a"), [[Some("17".to_owned())]]);

        // Before the statement: it runs.
        forget_that_it_is_done(&database);
        database.execute("DROP TABLE a");
        target.execute(&run, &make, Direction::Do).await.unwrap();
        assert_eq!(tables(&database), ["a"]);

        // A rollback takes back what only the intent knows of, and what is half taken back.
        forget_that_it_is_done(&database);
        target.execute(&run, &make, Direction::Undo).await.unwrap();
        assert!(tables(&database).is_empty());
        target.execute(&run, &make, Direction::Do).await.unwrap();
        database.execute("UPDATE _whimbrel_steps SET state = 'undo'; DROP TABLE a");
        target.execute(&run, &make, Direction::Undo).await.unwrap();
        target.execute(&run, &make, Direction::Undo).await.unwrap();
        assert!(tables(&database).is_empty() && done(&*target, &run).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_without_an_intent_is_somebody_elses() {
    for database in databases("foreign") {
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        database.execute("CREATE TABLE a (mine int)");
        let make = make("a");
        for _ in 0..2 {
            let error = target.execute(&run, &make, Direction::Do).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Conflict, "{}", error.chain());
            assert!(error.hint().is_some());
        }
        target.execute(&run, &make, Direction::Undo).await.unwrap();
        assert_eq!(tables(&database), ["a"]);
        // Refused by the server itself: nothing is recorded, so that nothing of others is taken back.
        let broken = step("2", "b", &["CREATE TABLE b (x nonsense)"], &["DROP TABLE b"]);
        let error = target.execute(&run, &broken, Direction::Do).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Invalid, "{}", error.chain());
        database.execute("CREATE TABLE b (mine int)");
        target.execute(&run, &broken, Direction::Undo).await.unwrap();
        assert_eq!(tables(&database), ["a", "b"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_of_several_statements_goes_on_where_it_stopped() {
    for database in databases("several") {
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let broken = step(
            "1",
            "a",
            &["CREATE TABLE a (x int)", "CREATE TABLE b (x int)"],
            &["DROP TABLE b", "DROP TABLE a"],
        );
        database.execute("CREATE TABLE b (mine int)");
        let error = target.execute(&run, &broken, Direction::Do).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Invalid, "{}", error.chain());
        let again = target.execute(&run, &broken, Direction::Do).await;
        assert!(again.is_err(), "what the server refused is not taken for ours");
        database.execute("DROP TABLE b");
        target.execute(&run, &broken, Direction::Do).await.unwrap();
        assert_eq!(tables(&database), ["a", "b"]);
        // A crash behind the second statement, and one between those of the undo.
        database.execute("UPDATE _whimbrel_steps SET state = 'intent', statements = 1");
        target.execute(&run, &broken, Direction::Do).await.unwrap();
        database.execute("UPDATE _whimbrel_steps SET state = 'undo', statements = 0; DROP TABLE b");
        target.execute(&run, &broken, Direction::Undo).await.unwrap();
        assert!(tables(&database).is_empty());
    }
}

fn foreign_key(id: &str) -> Step {
    Step {
        subject: ObjectId {
            kind: ObjectKind::ForeignKey,
            owner: TableId::bare("c"),
            part: "c_p".to_owned(),
        },
        ..step(
            id,
            "c",
            &["ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (a, b) REFERENCES p (a, b)"],
            &["ALTER TABLE c DROP FOREIGN KEY c_p"],
        )
    }
}

fn foreign_keys(database: &TestDatabase) -> usize {
    let rows = database.query_text(
        "SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS
         WHERE CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_TYPE = 'FOREIGN KEY'",
    );
    rows.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_key_is_made_without_a_copy_and_not_over_orphans() {
    for database in databases("orphans") {
        database.execute(
            "CREATE TABLE p (a int, b int, PRIMARY KEY (a, b)); CREATE TABLE c (id int PRIMARY KEY, a int, b int);
             INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, 1, 1), (2, NULL, 7), (3, 1, 2)",
        );
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let make = foreign_key("1");
        let error = target.execute(&run, &make, Direction::Do).await.unwrap_err();
        assert_eq!(error.code(), "foreign_key_violation", "{}", error.chain());
        assert!(error.chain().contains("1 rows of `c`"), "{}", error.chain());
        assert_eq!(
            (foreign_keys(&database), done(&*target, &run).await.len()),
            (0, 0)
        );
        database.execute("DELETE FROM c WHERE id = 3");
        target.execute(&run, &make, Direction::Do).await.unwrap();
        assert_eq!(foreign_keys(&database), 1);
        // Whoever uses the session next is checked.
        let broken = step(
            "2",
            "x",
            &["INSERT INTO c VALUES (4, 5, 5)"],
            &["DELETE FROM c WHERE id = 4"],
        );
        let refused = target.execute(&run, &broken, Direction::Do).await.unwrap_err();
        assert_eq!(refused.code(), "foreign_key_violation", "{}", refused.chain());
        // A crash between the statement and the look at the rows.
        forget_that_it_is_done(&database);
        database.execute("SET foreign_key_checks = 0; INSERT INTO c VALUES (4, 5, 5)");
        let error = target.execute(&run, &make, Direction::Do).await.unwrap_err();
        assert_eq!(error.code(), "foreign_key_violation", "{}", error.chain());
        assert_eq!(
            (foreign_keys(&database), done(&*target, &run).await.len()),
            (0, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn steps_on_different_objects_run_side_by_side() {
    for database in databases("side by side") {
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let steps: Vec<Step> = (0..16)
            .map(|at| {
                let name = format!("t{at}");
                Step {
                    id: at.to_string(),
                    ..make(&name)
                }
            })
            .collect();
        for direction in [Direction::Do, Direction::Undo] {
            let all = steps.iter().map(|step| target.execute(&run, step, direction));
            futures::future::try_join_all(all).await.unwrap();
            let wanted = if direction == Direction::Do { 16 } else { 0 };
            assert_eq!(
                (tables(&database).len(), done(&*target, &run).await.len()),
                (wanted, wanted)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_moved_aside_comes_back_and_can_be_dropped_for_good() {
    for database in databases("aside") {
        database.execute(
            "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id));
             INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1)",
        );
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let before = database.dump();
        let dialect = crate::harness::connector(database.url()).dialect();
        let mut steps = Vec::new();
        for name in ["c", "p"] {
            let change = Change::MoveAside {
                table: Table::empty(TableId::bare(name)),
                migration: run.migration.0.clone(),
            };
            let mut made = dialect.steps(&change).unwrap();
            for (at, step) in made.iter_mut().enumerate() {
                step.id = format!("{name} {at}");
            }
            steps.extend(made);
        }
        for step in &steps {
            target.execute(&run, step, Direction::Do).await.unwrap();
        }
        assert!(tables(&database).is_empty());
        // The crash behind the statement, with a new table already in the old place.
        forget_that_it_is_done(&database);
        database.execute("CREATE TABLE p (new int)");
        for step in &steps {
            target.execute(&run, step, Direction::Do).await.unwrap();
        }
        assert_eq!(tables(&database), ["p"]);
        database.execute("DROP TABLE p");
        for step in steps.iter().rev() {
            target.execute(&run, step, Direction::Undo).await.unwrap();
        }
        let ledger = |dump: &str| dump.lines().filter(|line| !line.contains("_whimbrel")).count();
        assert_eq!(ledger(&database.dump()), ledger(&before));
        assert_eq!(tables(&database), ["c", "p"]);

        for step in &steps {
            target.execute(&run, step, Direction::Do).await.unwrap();
        }
        let dropped = target.discard(&run, &steps).await.unwrap();
        assert_eq!(dropped.len(), 2, "{dropped:?}");
        assert!(target.discard(&run, &steps).await.unwrap().is_empty());
        let left = database.query_text(
            "SELECT count(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()
             AND TABLE_NAME NOT IN ('_whimbrel_runs', '_whimbrel_steps', '_whimbrel_chunks')",
        );
        assert_eq!(left, [[Some("0".to_owned())]]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_go_on_where_they_stood() {
    for database in databases("numbers") {
        database.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int)");
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let next = || database.execute("INSERT INTO t (a) VALUES (1)");
        for (last_value, is_called, wanted) in [(100, true, 101), (500, false, 500), (500, false, 501)] {
            let position = SequencePosition {
                last_value,
                is_called,
            };
            target
                .set_sequences(&run, &[(TableId::bare("t_id_seq"), position)])
                .await
                .unwrap();
            next();
            let largest = database.query_text("SELECT max(id) FROM t");
            assert_eq!(largest, [[Some(wanted.to_string())]]);
        }
        let unknown = target
            .set_sequences(
                &run,
                &[(
                    TableId::bare("t_a_seq"),
                    SequencePosition {
                        last_value: 1,
                        is_called: true,
                    },
                )],
            )
            .await
            .unwrap_err();
        assert_eq!(unknown.class(), ErrorClass::Invalid);
        if database.url().starts_with("mariadb") {
            database.execute("CREATE SEQUENCE s INCREMENT BY 5; CREATE SEQUENCE t_id_seq START WITH 1");
            for (last_value, is_called, wanted) in [(100, true, 105), (7, false, 7), (7, true, 12)] {
                let position = SequencePosition {
                    last_value,
                    is_called,
                };
                for _ in 0..2 {
                    target
                        .set_sequences(&run, &[(TableId::bare("s"), position)])
                        .await
                        .unwrap();
                }
                let found = database.query_text("SELECT NEXTVAL(s)");
                assert_eq!(found, [[Some(wanted.to_string())]], "{position:?}");
            }
            // The counter's name is longer where a sequence has its name.
            let position = SequencePosition {
                last_value: 900,
                is_called: false,
            };
            target
                .set_sequences(&run, &[(TableId::bare("t_id_seq_"), position)])
                .await
                .unwrap();
            next();
            assert_eq!(
                database.query_text("SELECT max(id), NEXTVAL(t_id_seq) FROM t"),
                [[Some("900".to_owned()), Some("1".to_owned())]]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_refers_to_itself_can_be_emptied_and_a_referred_one_not() {
    for database in databases("empty") {
        database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES t (id));
             INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2); UPDATE t SET up = 3 WHERE id = 1;
             CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int, FOREIGN KEY (p) REFERENCES p (id));
             INSERT INTO p VALUES (1); INSERT INTO c VALUES (1)",
        );
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        target.empty(&run, &[TableId::bare("t")]).await.unwrap();
        assert_eq!(
            database.query_text("SELECT count(*) FROM t"),
            [[Some("0".to_owned())]]
        );
        let error = target.empty(&run, &[TableId::bare("p")]).await.unwrap_err();
        assert_eq!(error.code(), "foreign_key_violation", "{}", error.chain());
        target
            .settle(&[TableId::bare("t"), TableId::bare("p")])
            .await
            .unwrap();
        let missing = target.settle(&[TableId::bare("nothing")]).await.unwrap_err();
        assert!(missing.chain().contains("nothing"), "{}", missing.chain());
    }
}
