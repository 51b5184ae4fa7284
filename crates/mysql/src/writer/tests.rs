//! Rows into real tables, by loads and by INSERTs, on both flavours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::types::{Float32Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use tokio::sync::Semaphore;
use whimbrel_core::{
    Batch, Chunk, ChunkResult, Column, Committed, ConnectOptions, DatabaseUrl, Deferral, Digest, ErrorClass,
    Key, KeyRange, Ledger as _, LogicalType, MigrationId, Position, Reject, Result, RunKey, Table, TableId,
    WriteColumn, WriteRequest, Writer as _, arrow_schema,
};
use whimbrel_testkit::mysql::{Flavour, TestDatabase};

use super::{MysqlWriter, Shared};
use crate::connect::Server;
use crate::ledger::MysqlLedger;
use crate::ledger::sessions::Sessions;

/// A database with an open ledger, and the way in which rows go.
struct Place {
    database: TestDatabase,
    shared: Arc<Shared>,
    run: RunKey,
}

/// One place for each flavour and way.
async fn places(name: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for flavour in Flavour::ALL {
        for no_load in [false, true] {
            let Some(database) = TestDatabase::create(flavour, name) else {
                continue;
            };
            let options = ConnectOptions {
                jobs: 2,
                memory_bytes: 64 << 20,
                environment: std::collections::BTreeMap::new(),
            };
            let url = DatabaseUrl::parse(database.url()).unwrap();
            let server = Server::open(&url, &options).await.unwrap();
            let sessions = Arc::new(Sessions::new(server));
            let ledger = MysqlLedger::new(Arc::clone(&sessions));
            let migration = MigrationId("mig_1".to_owned());
            let epoch = ledger.open(&migration, "hash").await.unwrap();
            places.push(Place {
                database,
                shared: Arc::new(Shared {
                    sessions,
                    no_load: AtomicBool::new(no_load),
                }),
                run: RunKey { migration, epoch },
            });
        }
    }
    places
}

type Form<'a> = (&'a str, LogicalType, ArrayRef);

fn wire(native: &str) -> LogicalType {
    LogicalType::Wire {
        native: native.to_owned(),
        printed: false,
    }
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn bytes(values: &[Option<&[u8]>]) -> ArrayRef {
    Arc::new(BinaryArray::from(values.to_vec()))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(PrimitiveArray::<Int64Type>::from(values.to_vec()))
}

impl Place {
    fn way(&self) -> String {
        let way = self.shared.no_load.load(Ordering::Relaxed);
        format!("{} {}", self.database.url(), if way { "insert" } else { "load" })
    }

    /// Writes the columns into the table `t`, whose key is the first of them, as its only chunk.
    async fn write(&self, forms: &[Form<'_>]) -> Result<Vec<Reject>> {
        self.database.execute("DELETE FROM _whimbrel_chunks");
        let id = TableId::bare("t");
        let chunk = Chunk {
            table: id.clone(),
            index: 0,
            range: KeyRange::All,
        };
        let ledger = MysqlLedger::new(Arc::clone(&self.shared.sessions));
        ledger
            .store_split(&self.run, &id, std::slice::from_ref(&chunk))
            .await?;
        let mut writer = self.writer(id, chunk, forms).await?;
        let fields = forms.iter().map(|(name, logical, _)| (*name, logical));
        let arrays = forms.iter().map(|(.., array)| Arc::clone(array)).collect();
        let records = RecordBatch::try_new(arrow_schema(fields), arrays).unwrap();
        let batch = Batch {
            records,
            rejects: Vec::new(),
            ruled: Vec::new(),
        };
        let rejects = writer.write(&batch).await?;
        let result = ChunkResult {
            rows: (batch.rows() - rejects.len()) as u64,
            bytes: 1,
            rejected: rejects.len() as u64,
            ruled: Vec::new(),
            digest: Digest::default(),
        };
        assert_eq!(Box::new(writer).commit(result).await?, Committed::Done);
        Ok(rejects)
    }

    async fn writer(&self, id: TableId, chunk: Chunk, forms: &[Form<'_>]) -> Result<MysqlWriter> {
        let mut table = Table::empty(id);
        table.columns = forms.iter().map(|(name, ..)| Column::new(*name, "")).collect();
        table.columns[0].nullable = false;
        table.primary_key = Some(Key {
            name: "PRIMARY".to_owned(),
            columns: vec![forms[0].0.to_owned()],
            deferral: Deferral::Never,
            nulls_equal: false,
            definition: None,
        });
        let columns = forms.iter().map(|(name, logical, _)| WriteColumn {
            name: (*name).to_owned(),
            native: String::new(),
            logical: logical.clone(),
        });
        let request = WriteRequest {
            run: self.run.clone(),
            columns: columns.collect(),
            table,
            chunk,
            replace: false,
            position: Position("here".to_owned()),
        };
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        let conn = self.shared.sessions.take().await?;
        Box::pin(MysqlWriter::begin(conn, Arc::clone(&self.shared), place, request)).await
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let rows = self.database.query_text(sql);
        let shown = |row: &Vec<Option<String>>| {
            let values: Vec<&str> = row
                .iter()
                .map(|value| value.as_deref().unwrap_or("NULL"))
                .collect();
            values.join("|")
        };
        rows.iter().map(shown).collect()
    }
}

/// What is awkward in text, bytes and labels.
fn awkward_texts() -> Vec<Form<'static>> {
    vec![
        ("id", LogicalType::Integer { bits: 32 }, numbers(&[1, 2, 3, 0])),
        (
            "words",
            LogicalType::text(),
            texts(&[Some("a\tb\\N\nc\r\0'\"\u{1f600}"), Some(""), Some("\\N"), None]),
        ),
        (
            "raw",
            LogicalType::Bytes,
            bytes(&[Some(b"\x00\xff\\x\t\n\r'\x1a"), Some(b""), Some(b"\\N"), None]),
        ),
        (
            "latin",
            LogicalType::text(),
            texts(&[Some("äé"), Some(""), Some("a  "), None]),
        ),
        (
            "pick",
            LogicalType::text(),
            texts(&[Some("1"), Some(""), Some("b"), None]),
        ),
        (
            "some",
            LogicalType::text(),
            texts(&[Some("x,y"), Some(""), Some("y"), None]),
        ),
        (
            "doc",
            LogicalType::Json,
            texts(&[
                Some("{\"ä\": [1, 2.50, \"\\n\\\\\\u0000\"]}"),
                Some("18446744073709551615"),
                Some("\"\""),
                None,
            ]),
        ),
    ]
}

/// What is awkward in numbers and bits.
fn awkward_numbers() -> Vec<Form<'static>> {
    vec![
        (
            "flags",
            LogicalType::Bits {
                length: Some(10),
                varying: false,
            },
            texts(&[Some("1000001010"), Some("0000000000"), Some("0000001001"), None]),
        ),
        (
            "real8",
            LogicalType::Float { bits: 64 },
            Arc::new(PrimitiveArray::<Float64Type>::from(vec![
                Some(-1e-308),
                Some(5e-324),
                Some(1.797_693_134_862_315_7e308),
                None,
            ])),
        ),
        (
            "real4",
            LogicalType::Float { bits: 32 },
            Arc::new(PrimitiveArray::<Float32Type>::from(vec![
                Some(0.1),
                Some(16_777_217.0),
                Some(1e-45),
                None,
            ])),
        ),
        (
            "truth",
            LogicalType::Boolean,
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None])),
        ),
        (
            "price",
            LogicalType::Decimal {
                precision: Some(9),
                scale: Some(3),
            },
            texts(&[Some("-999999.999"), Some("0.100"), Some("7"), None]),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awkward_values_arrive_as_they_are() {
    for place in places("awkward").await {
        place.database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, words longtext, raw longblob, latin varchar(9) CHARACTER SET latin1,
             flags bit(10), real8 double, real4 float, truth tinyint(1), pick enum('a','b','','1'), some set('x','y'),
             price decimal(9,3), doc json) CHARACTER SET utf8mb4",
        );
        let forms = [awkward_texts(), awkward_numbers()].concat();
        let rejects = place.write(&forms).await.unwrap();
        assert_eq!(rejects, [], "{}", place.way());
        let sql = "SELECT id, hex(words), hex(raw), hex(latin), hex(flags), real8, cast(real4 AS double), truth, pick + 0,
            some + 0, price, json_length(doc) FROM t ORDER BY id";
        let rows = place.rows(sql);
        assert_eq!(
            rows,
            [
                "0|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL",
                "1|6109625C4E0A630D002722F09F9880|00FF5C78090A0D271A|E4E9|20A|-1e-308|0.10000000149011612|1|4|3|-999999.999|1",
                "2|||||5e-324|16777216|0|3|0|0.100|1",
                "3|5C4E|5C4E|612020|9|1.7976931348623157e308|1.401298464324817e-45|NULL|2|2|7.000|1",
            ]
            .map(|row| row.replace("||||5e", "|||0|5e")),
            "{}",
            place.way()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sign_of_zero_is_kept_or_refused() {
    for place in places("zero").await {
        place
            .database
            .execute("CREATE TABLE t (id int PRIMARY KEY, real8 double)");
        let real: ArrayRef = Arc::new(PrimitiveArray::<Float64Type>::from(vec![-0.0, 0.0]));
        let forms: Vec<Form<'_>> = vec![
            ("id", LogicalType::Integer { bits: 32 }, numbers(&[1, 2])),
            ("real8", LogicalType::Float { bits: 64 }, real),
        ];
        let rejects = place.write(&forms).await.unwrap();
        let kept = place.rows("SELECT id, atan2(real8, -1) < 0 FROM t ORDER BY id");
        if place.database.url().starts_with("mariadb") {
            assert_eq!((rejects.len(), kept), (1, vec!["2|0".to_owned()]));
            assert!(rejects[0].rule.contains("-0"), "{rejects:?}");
        } else {
            assert_eq!(
                (rejects, kept),
                (vec![], vec!["1|1".to_owned(), "2|0".to_owned()])
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_rows_that_do_not_fit_are_rejected_and_named() {
    for place in places("rejects").await {
        place.database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, latin varchar(9) CHARACTER SET latin1, stamp timestamp NULL, doc json,
             small tinyint) CHARACTER SET utf8mb4",
        );
        let mut latin: Vec<Option<&str>> = vec![Some("fine"); 1000];
        let mut docs: Vec<Option<&str>> = vec![Some("{}"); 1000];
        let mut small = vec![1_i64; 1000];
        latin[413] = Some("\u{1f600}");
        docs[7] = Some("{broken");
        small[999] = 200;
        let forms: Vec<Form<'_>> = vec![
            (
                "id",
                LogicalType::Integer { bits: 32 },
                numbers(&(0..1000).collect::<Vec<i64>>()),
            ),
            ("latin", LogicalType::text(), texts(&latin)),
            ("doc", LogicalType::Json, texts(&docs)),
            ("small", LogicalType::Integer { bits: 16 }, numbers(&small)),
        ];
        let rejects = place.write(&forms).await.unwrap();
        let shown: Vec<(Option<usize>, &str, &str, &str)> = rejects
            .iter()
            .map(|reject| {
                (
                    reject.row,
                    reject.key.as_str(),
                    reject.column.as_str(),
                    reject.value.as_str(),
                )
            })
            .collect();
        let wanted = [
            (Some(7), "id=7", "doc", "{broken"),
            (Some(413), "id=413", "latin", "\u{1f600}"),
            (Some(999), "id=999", "small", "200"),
        ];
        assert_eq!(shown, wanted, "{}: {rejects:?}", place.way());
        assert_eq!(place.rows("SELECT count(*), sum(id) FROM t"), ["997|498081"]);

        // So many that the server does not keep a warning for each, each row with a fine one behind it.
        place.database.execute("DELETE FROM t");
        let latin: Vec<Option<&str>> = (0..6000)
            .map(|at| Some(if at % 2 == 0 { "\u{1f600}" } else { "fine" }))
            .collect();
        let forms: Vec<Form<'_>> = vec![
            (
                "id",
                LogicalType::Integer { bits: 32 },
                numbers(&(0..6000).collect::<Vec<i64>>()),
            ),
            ("latin", LogicalType::text(), texts(&latin)),
        ];
        let rejects = place.write(&forms).await.unwrap();
        assert_eq!(rejects.len(), 3000, "{}", place.way());
        assert_eq!(
            place.rows("SELECT count(*), sum(id % 2), max(latin) FROM t"),
            ["3000|3000|fine"]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_there_already_is_an_error_and_never_a_row_less() {
    for place in places("duplicate").await {
        place
            .database
            .execute("CREATE TABLE t (id int PRIMARY KEY, word varchar(9), UNIQUE (word))");
        let forms: Vec<Form<'_>> = vec![
            (
                "id",
                LogicalType::Integer { bits: 32 },
                numbers(&(0..50).collect::<Vec<i64>>()),
            ),
            ("word", LogicalType::text(), {
                let mut words: Vec<String> = (0..50).map(|at| format!("word {at}")).collect();
                words[40] = "WORD 7".to_owned();
                Arc::new(StringArray::from(words))
            }),
        ];
        let error = place.write(&forms).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Invalid, "{}", place.way());
        let said = error.chain();
        assert!(
            said.contains("id=40") && said.contains("Duplicate") && said.contains("1062"),
            "{}: {said}",
            place.way()
        );
        assert_eq!(place.rows("SELECT count(*) FROM t"), ["0"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_in_the_servers_own_form_arrive_byte_for_byte() {
    for place in places("wire").await {
        place.database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, d date, dt datetime(3), tm time(1), y year, pick enum('a','b'),
             latin varchar(9) CHARACTER SET latin1, wide varchar(9) CHARACTER SET utf16, flags bit(12), spot point, bin binary(4),
             pad char(5))",
        );
        let spot = b"\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40";
        let forms: Vec<Form<'_>> = vec![
            ("id", wire("int"), bytes(&[Some(b"1"), Some(b"2")])),
            (
                "d",
                wire("date"),
                bytes(&[Some(b"0000-00-00"), Some(b"2023-02-31")]),
            ),
            (
                "dt",
                wire("datetime(3)"),
                bytes(&[Some(b"2020-00-15 00:00:00.000"), Some(b"9999-12-31 23:59:59.999")]),
            ),
            (
                "tm",
                wire("time(1)"),
                bytes(&[Some(b"-838:59:59.0"), Some(b"00:00:00.5")]),
            ),
            ("y", wire("year"), bytes(&[Some(b"0000"), Some(b"2155")])),
            ("pick", wire("enum('a','b')"), bytes(&[Some(b""), Some(b"b")])),
            (
                "latin",
                wire("varchar(9)"),
                bytes(&[Some(b"\xe4\xff"), Some(b"a ")]),
            ),
            (
                "wide",
                wire("varchar(9)"),
                bytes(&[Some(b"\0a\0\t"), Some(b"\xd8\x3d\xde\0")]),
            ),
            (
                "flags",
                wire("bit(12)"),
                bytes(&[Some(b"\x0f\x5c"), Some(b"\0\0")]),
            ),
            ("spot", wire("point"), bytes(&[Some(spot), None])),
            (
                "bin",
                wire("binary(4)"),
                bytes(&[Some(b"\x5c\0\t\n"), Some(b"\0\0\0\0")]),
            ),
            ("pad", wire("char(5)"), bytes(&[Some(b"ab"), Some(b"")])),
        ];
        let rejects = place.write(&forms).await.unwrap();
        assert_eq!(rejects, [], "{}", place.way());
        let sql = "SELECT id, d, dt, tm, y, pick + 0, hex(latin), hex(wide), hex(flags), hex(spot), hex(bin), hex(pad)
            FROM t ORDER BY id";
        assert_eq!(
            place.rows(sql),
            [
                "1|0000-00-00|2020-00-15 00:00:00.000|-838:59:59.0|0000|0|E4FF|00610009|F5C|\
                 000000000101000000000000000000F03F0000000000000040|5C00090A|6162",
                "2|2023-02-31|9999-12-31 23:59:59.999|00:00:00.5|2155|2|6120|D83DDE00|0|NULL|00000000|",
            ],
            "{}",
            place.way()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_row_arrives_or_says_which_setting_forbids_it() {
    const BYTES: usize = 40 << 20;
    for place in places("large").await {
        place
            .database
            .execute("CREATE TABLE t (id int PRIMARY KEY, raw longblob)");
        let large = vec![b'\\'; BYTES];
        let forms: Vec<Form<'_>> = vec![
            ("id", LogicalType::Integer { bits: 32 }, numbers(&[17])),
            ("raw", LogicalType::Bytes, bytes(&[Some(&large)])),
        ];
        let written = place.write(&forms).await;
        if place.shared.no_load.load(Ordering::Relaxed) {
            let error = written.unwrap_err();
            let (said, hint) = (error.chain(), error.hint().unwrap_or_default());
            assert!(
                said.contains("id=17") && said.contains("`t`") && said.contains("max_allowed_packet"),
                "{said}"
            );
            assert!(hint.contains("local_infile"), "{hint}");
            assert_eq!(place.rows("SELECT count(*) FROM t"), ["0"]);
        } else {
            assert_eq!(written.unwrap(), [], "{}", place.way());
            // Another program's digest of the same bytes.
            let sql = "SELECT length(raw), sha2(raw, 256) FROM t";
            assert_eq!(
                place.rows(sql),
                ["41943040|fe5b9af909de12cafe0fc26439ab860806f2ca04485f5b6bf89c12148840c688"],
                "{}",
                place.way()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_single_empty_text_are_rows() {
    for place in places("single").await {
        place
            .database
            .execute("CREATE TABLE t (word varchar(9) NOT NULL)");
        let forms: Vec<Form<'_>> = vec![(
            "word",
            LogicalType::text(),
            texts(&[Some(""), Some(""), Some("x"), Some("")]),
        )];
        assert_eq!(place.write(&forms).await.unwrap(), [], "{}", place.way());
        assert_eq!(place.rows("SELECT count(*), max(word) FROM t"), ["4|x"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_transactions_is_refused() {
    for place in places("myisam").await {
        place
            .database
            .execute("CREATE TABLE t (id int PRIMARY KEY) ENGINE=MyISAM");
        let forms: Vec<Form<'_>> = vec![("id", LogicalType::Integer { bits: 32 }, numbers(&[1]))];
        let error = place.write(&forms).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unsupported);
        assert!(error.hint().unwrap().contains("ENGINE = InnoDB"));
    }
}
