//! What is stored arrives, whatever the type: exact for an equal engine, by value for others, and what has no form is named.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, ArrayRef};
use whimbrel_core::{
    Batch, KeyRange, KeyValue, LogicalType, ReadColumn, Table, ValueRule, format_interval, parse_timestamp,
};
use whimbrel_testkit::mysql::TestDatabase;

use crate::harness::*;

async fn read_all(database: &TestDatabase, table: &Table, columns: &[ReadColumn]) -> Vec<Batch> {
    let source = source(database.url()).await;
    let snapshot = open(&*source, table, 1).await;
    read(&*snapshot, table, columns, KeyRange::All).await
}

/// The values of one column, all in one batch and none rejected.
async fn values(database: &TestDatabase, table: &Table, name: &str, logical: LogicalType) -> ArrayRef {
    let column = reading(table, name, logical);
    let batches = read_all(database, table, std::slice::from_ref(&column)).await;
    let [batch] = batches.as_slice() else {
        panic!("{} batches", batches.len())
    };
    assert_eq!(batch.rejects, [], "{name}");
    batch.records.column(0).clone()
}

fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    let values = array.as_string::<i32>().iter();
    values.map(|value| value.map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_has_its_wire_form() {
    const COLUMNS: &[(&str, &str, &[u8])] = &[
        ("tinyint", "-128", b"-128"),
        ("bigint unsigned", "18446744073709551615", b"18446744073709551615"),
        ("decimal(65,30)", "-1.5", b"-1.500000000000000000000000000000"),
        ("float", "0.1", b"0.1"),
        ("float", "3.4028235e38", b"3.4028235e38"),
        ("double", "0.1", b"0.1"),
        ("double", "5e-324", b"5e-324"),
        ("double", "1e22", b"1e22"),
        ("bit(9)", "b'100000001'", b"\x01\x01"),
        ("char(5) character set latin1", "'\u{e4}'", b"\xe4"),
        ("varchar(9)", "'  a\\0\u{1f600} '", "  a\0\u{1f600} ".as_bytes()),
        ("text character set utf16", "'a'", b"\0a"),
        ("binary(3)", "x'ff'", b"\xff\0\0"),
        ("varbinary(3)", "x'00ff'", b"\0\xff"),
        ("longblob", "''", b""),
        ("enum('b','a')", "'a'", b"a"),
        ("set('b','a')", "'a,b'", b"b,a"),
        ("date", "'0000-00-00'", b"0000-00-00"),
        (
            "datetime(3)",
            "'2023-02-31 01:02:03.4'",
            b"2023-02-31 01:02:03.400",
        ),
        (
            "timestamp(6) null",
            "'2038-01-19 03:14:07.999999'",
            b"2038-01-19 03:14:07.999999",
        ),
        ("time(1)", "'-838:59:58.5'", b"-838:59:58.5"),
        ("year", "1901", b"1901"),
        ("year", "0", b"0000"),
        (
            "point",
            "ST_GeomFromText('POINT(1 2)')",
            b"\0\0\0\0\x01\x01\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40",
        ),
    ];
    for database in databases("wire") {
        let natives: Vec<String> = COLUMNS
            .iter()
            .enumerate()
            .map(|(at, (native, ..))| format!("c{at} {native}"))
            .collect();
        let literals: Vec<&str> = COLUMNS.iter().map(|(_, literal, _)| *literal).collect();
        database.execute(&format!(
            "SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'; CREATE TABLE t ({}); INSERT INTO t VALUES ({})",
            natives.join(", "),
            literals.join(", ")
        ));
        database.execute("INSERT INTO t () VALUES ()");
        let table = table(&database, "t");
        let batches = read_all(&database, &table, &wire_columns(&table)).await;
        assert_eq!(batches[0].rows(), 2);
        for (at, (native, _, wanted)) in COLUMNS.iter().enumerate() {
            let found = batches[0].records.column(at).as_binary::<i32>();
            assert_eq!(found.value(0), *wanted, "{native} of {}", database.url());
            assert!(found.is_null(1), "{native}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_arrive_by_value() {
    for database in databases("numbers") {
        database.execute("CREATE TABLE t (flag tinyint(1), big bigint unsigned, filled decimal(8,2) zerofill, narrow float, wide double, bits bit(10), y year);
            INSERT INTO t VALUES (1, 18446744073709551615, 3.5, 0.1, -0e0, b'11', 2000)");
        let table = table(&database, "t");
        let of = |name, logical| values(&database, &table, name, logical);
        assert!(of("flag", LogicalType::Boolean).await.as_boolean().value(0));
        let decimal = LogicalType::Decimal {
            precision: Some(20),
            scale: Some(0),
        };
        assert_eq!(
            texts(&of("big", decimal.clone()).await),
            [Some("18446744073709551615".to_owned())]
        );
        assert_eq!(texts(&of("filled", decimal).await), [Some("3.50".to_owned())]);
        let narrow = of("narrow", LogicalType::Float { bits: 32 }).await;
        assert_eq!(
            narrow.as_primitive::<Float32Type>().value(0).to_bits(),
            0.1_f32.to_bits()
        );
        let wide = of("wide", LogicalType::Float { bits: 64 }).await;
        let wide = wide.as_primitive::<Float64Type>().value(0);
        // MariaDB itself forgets the sign of zero.
        let zero = if database.url().starts_with("mysql") {
            -0.0_f64
        } else {
            0.0
        };
        assert_eq!(wide.to_bits(), zero.to_bits());
        let bits = LogicalType::Bits {
            length: Some(10),
            varying: false,
        };
        assert_eq!(texts(&of("bits", bits).await), [Some("0000000011".to_owned())]);
        let long = LogicalType::Integer { bits: 64 };
        for (name, number) in [("bits", 3), ("y", 2000)] {
            let array = of(name, long.clone()).await;
            assert_eq!(array.as_primitive::<Int64Type>().value(0), number, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moments_arrive_in_utc_and_to_the_microsecond() {
    for database in databases("moments") {
        database.execute("SET time_zone = '+02:00'; CREATE TABLE t (d date, l datetime(6), z timestamp(6) NULL, c time(6), far time);
            INSERT INTO t VALUES ('9999-12-31', '1000-01-01 23:59:59.999999', '2020-01-01 02:00:00.000001', '23:59:59.000001', '-838:59:59')");
        let table = table(&database, "t");
        let of = |name, logical| values(&database, &table, name, logical);
        let day = of("d", LogicalType::Date).await;
        assert_eq!(day.as_primitive::<Date32Type>().value(0), 2_932_896);
        for (name, zoned, text) in [
            ("l", false, "1000-01-01 23:59:59.999999"),
            ("z", true, "2020-01-01 00:00:00.000001+00:00"),
        ] {
            let array = of(name, LogicalType::Timestamp { zoned }).await;
            let found = array.as_primitive::<TimestampMicrosecondType>().value(0);
            assert_eq!(Some(found), parse_timestamp(text, zoned), "{name}");
        }
        let clock = of("c", LogicalType::Time).await;
        assert_eq!(
            clock.as_primitive::<Time64MicrosecondType>().value(0),
            86_399_000_001
        );
        let far = of("far", LogicalType::Interval).await;
        let far: [u8; 16] = far.as_fixed_size_binary().value(0).try_into().unwrap();
        assert_eq!(format_interval(far), "PT-3020399S");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_any_character_set_arrives_as_what_it_says() {
    for database in databases("charsets") {
        let charsets = [
            ("utf8mb4", "\u{e4}?\u{1f600}"),
            ("utf8mb3", "\u{e4}\u{20ac}"),
            ("latin1", "\u{e4}?\u{20ac}"),
            ("latin2", "\u{142}"),
            ("cp1251", "\u{416}"),
            ("koi8r", "\u{416}?"),
            ("ucs2", "\u{416}"),
            ("utf16", "\u{1f600}"),
            ("utf16le", "\u{1f600}?"),
            ("utf32", "\u{1f600}"),
            ("gbk", "\u{4e2d}"),
            ("gb18030", "\u{1f600}"),
            ("big5", "\u{4e2d}?"),
            ("sjis", "\u{65e5}\\"),
            ("cp932", "\u{2252}\u{65e5}"),
            ("eucjpms", "\u{65e5}"),
            ("euckr", "\u{d55c}"),
            ("ascii", "a?"),
        ];
        let known = database.query_text("SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS");
        let known: Vec<&String> = known.iter().flatten().flatten().collect();
        for (charset, text) in charsets {
            if !known.iter().any(|known| *known == charset) {
                continue;
            }
            database.execute(&format!(
                "CREATE TABLE t (a varchar(20) CHARACTER SET {charset}, e enum('x','{text}') CHARACTER SET {charset}); INSERT INTO t VALUES ('{}', '{text}')",
                text.replace('\\', "\\\\")
            ).replace("'x','\u{65e5}\\'", "'x','\u{65e5}'").replace(", '\u{65e5}\\')", ", '\u{65e5}')"));
            let table = table(&database, "t");
            let found = values(&database, &table, "a", LogicalType::text()).await;
            assert_eq!(texts(&found), [Some(text.to_owned())], "{charset}");
            let labels = vec!["x".to_owned(), text.trim_end_matches('\\').to_owned()];
            let label = LogicalType::Enum {
                name: "e".to_owned(),
                labels,
            };
            let found = values(&database, &table, "e", label).await;
            assert_eq!(
                texts(&found),
                [Some(text.trim_end_matches('\\').to_owned())],
                "{charset}"
            );
            database.execute("DROP TABLE t");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_text_are_rejected_in_hex_and_never_replaced() {
    for database in databases("bad_text") {
        // No character has this code.
        database.execute(
            "CREATE TABLE t (id int PRIMARY KEY, a varchar(20) CHARACTER SET cp1251);
            INSERT INTO t VALUES (1, 'fine?'), (2, _cp1251 x'6198'), (3, NULL)",
        );
        let table = table(&database, "t");
        let columns = [reading(&table, "a", LogicalType::text())];
        let batches = read_all(&database, &table, &columns).await;
        assert_eq!(
            texts(batches[0].records.column(0)),
            [Some("fine?".to_owned()), None]
        );
        let [reject] = batches[0].rejects.as_slice() else {
            panic!("{:?}", batches[0].rejects)
        };
        assert_eq!((reject.key.as_str(), reject.column.as_str()), ("id=2", "a"));
        assert_eq!(reject.value, "6198");
        assert_eq!(reject.exact, [KeyValue::Integer(2)]);
        let stored = [reading(&table, "a", LogicalType::Bytes)];
        let batches = read_all(&database, &table, &stored).await;
        assert_eq!(batches[0].records.column(0).as_binary::<i32>().value(1), b"a\x98");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_that_do_not_exist_are_rejected_or_become_what_the_rule_says() {
    for database in databases("zero_dates") {
        database.execute("SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE t (id int PRIMARY KEY, d date, l datetime);
            INSERT INTO t VALUES (1, '0000-00-00', '2020-01-01'), (2, '2023-02-31', '2020-01-01'), (3, '2020-01-01', '2020-00-15 10:00:00'), (4, '2020-01-01', NULL)");
        let table = table(&database, "t");
        let stamp = LogicalType::Timestamp { zoned: false };
        let plain = [
            reading(&table, "d", LogicalType::Date),
            reading(&table, "l", stamp.clone()),
        ];
        let batches = read_all(&database, &table, &plain).await;
        let rejects: Vec<(&str, &str, &str)> = batches[0]
            .rejects
            .iter()
            .map(|reject| (reject.key.as_str(), reject.column.as_str(), reject.value.as_str()))
            .collect();
        assert_eq!(
            rejects,
            [
                ("id=1", "d", "0000-00-00"),
                ("id=2", "d", "2023-02-31"),
                ("id=3", "l", "2020-00-15 10:00:00")
            ]
        );
        assert_eq!((batches[0].rows(), batches[0].ruled.len()), (1, 0));
        let to = ValueRule::InvalidTo {
            value: "1970-01-02".to_owned(),
        };
        let rules = [
            ruled(&table, "d", LogicalType::Date, to),
            ruled(&table, "l", stamp, ValueRule::InvalidToNull),
        ];
        let batches = read_all(&database, &table, &rules).await;
        assert_eq!(batches[0].ruled, [2, 1]);
        let days = batches[0]
            .records
            .column(0)
            .as_primitive::<Date32Type>()
            .values()
            .to_vec();
        assert_eq!(days, [1, 1, 18_262, 18_262]);
        assert_eq!(batches[0].records.column(1).null_count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_rows_can_be_read_again_by_their_exact_keys() {
    for database in databases("exact_keys") {
        database.execute(
            "CREATE TABLE t (a varchar(9) CHARACTER SET latin1, b decimal(5,2), n int, PRIMARY KEY (a, b));
            INSERT INTO t VALUES ('\u{e4}', 1.50, 2), ('b''\\\\', 2, 1), ('c', 3, 7)",
        );
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let snapshot = open(&*source, &table, 1).await;
        let truth = [reading(&table, "n", LogicalType::Boolean)];
        let batches = read(&*snapshot, &table, &truth, KeyRange::All).await;
        let keys: Vec<Vec<KeyValue>> = batches[0]
            .rejects
            .iter()
            .map(|reject| reject.exact.clone())
            .collect();
        assert_eq!(keys.len(), 2, "{:?}", batches[0].rejects);
        let range = KeyRange::Exactly {
            columns: ["a", "b"].map(str::to_owned).to_vec(),
            keys,
        };
        let number = [reading(&table, "n", LogicalType::Integer { bits: 32 })];
        let again = read(&*snapshot, &table, &number, range).await;
        let mut found = again[0]
            .records
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .to_vec();
        found.sort_unstable();
        assert_eq!(found, [2, 7]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_other_engines_keep_in_text_and_bytes_is_read_back() {
    for database in databases("read_back") {
        database.execute("CREATE TABLE t (i varchar(99), z varchar(99), stamp varchar(99), u binary(16), v char(36), s varchar(99), j longtext, n longtext, bits longtext);
            INSERT INTO t VALUES ('P1M2DT-0.5S', '10:00:00+02', 'infinity', unhex('00112233445566778899aabbccddeeff'), '00112233-4455-6677-8899-aabbccddeeff', 'a,c', '{\"a\": 1.0}', '1.10', '0101')");
        let table = table(&database, "t");
        let of = |name, logical| values(&database, &table, name, logical);
        let interval = of("i", LogicalType::Interval).await;
        let interval: [u8; 16] = interval.as_fixed_size_binary().value(0).try_into().unwrap();
        assert_eq!(format_interval(interval), "P1M2DT-0.5S");
        let stamp = of("stamp", LogicalType::Timestamp { zoned: true }).await;
        assert_eq!(
            stamp.as_primitive::<TimestampMicrosecondType>().value(0),
            i64::MAX
        );
        for name in ["u", "v"] {
            let uuid = of(name, LogicalType::Uuid).await;
            assert_eq!(
                uuid.as_fixed_size_binary().value(0)[..3],
                [0, 0x11, 0x22],
                "{name}"
            );
        }
        let labels = ["a", "b", "c"].map(str::to_owned).to_vec();
        let free = LogicalType::Decimal {
            precision: None,
            scale: None,
        };
        let bits = LogicalType::Bits {
            length: None,
            varying: true,
        };
        for (name, logical, text) in [
            ("z", LogicalType::TimeZoned, "10:00:00+02"),
            ("s", LogicalType::Set { labels }, "a,c"),
            ("j", LogicalType::Json, "{\"a\": 1.0}"),
            ("n", free, "1.10"),
            ("bits", bits, "0101"),
        ] {
            assert_eq!(texts(&of(name, logical).await), [Some(text.to_owned())], "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_geometry_arrives_with_its_reference_system() {
    for database in databases("spatial") {
        database.execute("CREATE TABLE t (g geometry); INSERT INTO t VALUES (ST_GeomFromText('POINT(1 2)', 4326)), (ST_GeomFromText('LINESTRING(0 0, 1 1)', 0))");
        let table = table(&database, "t");
        let array = values(&database, &table, "g", LogicalType::Bytes).await;
        let bytes = array.as_binary::<i32>();
        assert_eq!(bytes.value(0)[..9], [1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0]);
        assert_eq!(bytes.value(1)[..5], [1, 2, 0, 0, 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_that_only_one_flavour_has_arrive() {
    for database in databases("own_types") {
        let columns: &[(&str, &str, &str, LogicalType)] = match database.url().starts_with("mariadb") {
            true => &[
                (
                    "uuid",
                    "'00112233-4455-6677-8899-aabbccddeeff'",
                    "00112233-4455-6677-8899-aabbccddeeff",
                    LogicalType::Uuid,
                ),
                ("inet6", "'::ffff:1.2.3.4'", "::ffff:1.2.3.4", LogicalType::Json),
                (
                    "json",
                    "'{\"b\": 1, \"a\": 2}'",
                    "{\"b\": 1, \"a\": 2}",
                    LogicalType::Json,
                ),
            ],
            false => &[
                (
                    "json",
                    "'{\"b\": 1.50, \"a\": 2}'",
                    "{\"a\": 2, \"b\": 1.5}",
                    LogicalType::Json,
                ),
                (
                    "vector(2)",
                    "string_to_vector('[1.5,-2]')",
                    "[1.5,-2]",
                    LogicalType::text(),
                ),
            ],
        };
        for (native, literal, text, logical) in columns {
            database.execute(&format!(
                "CREATE TABLE t (c {native}); INSERT INTO t VALUES ({literal})"
            ));
            let table = table(&database, "t");
            let plain = values(&database, &table, "c", LogicalType::text()).await;
            assert_eq!(texts(&plain), [Some((*text).to_owned())], "{native}");
            let wire = wire_columns(&table);
            let batches = read_all(&database, &table, &wire).await;
            let source = source(database.url()).await;
            let stored = batches[0].records.column(0).as_binary::<i32>().value(0).to_vec();
            assert_eq!(source.show(&wire[0], &stored).as_deref(), Some(*text), "{native}");
            if *native == "uuid" {
                let uuid = values(&database, &table, "c", logical.clone()).await;
                assert_eq!(uuid.as_fixed_size_binary().value(0)[..3], [0, 0x11, 0x22]);
            }
            database.execute("DROP TABLE t");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_larger_than_the_servers_packets_arrives() {
    const BYTES: usize = 30 << 20;
    for database in databases("large_row") {
        database.execute(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, a longblob, b longtext CHARACTER SET latin1);
            INSERT INTO t VALUES (1, repeat('x', {BYTES}), NULL), (2, 'small', 'small');
            UPDATE t SET b = repeat('\u{e4}', {BYTES}) WHERE id = 1"
        ));
        let table = table(&database, "t");
        let columns = [
            reading(&table, "a", LogicalType::Bytes),
            reading(&table, "b", LogicalType::text()),
        ];
        let batches = read_all(&database, &table, &columns).await;
        let rows: Vec<usize> = batches.iter().map(Batch::rows).collect();
        assert_eq!(rows, [1, 1]);
        let (a, b) = (batches[0].records.column(0), batches[0].records.column(1));
        assert_eq!(a.as_binary::<i32>().value_length(0), 30 << 20);
        assert_eq!(b.as_string::<i32>().value_length(0), 60 << 20);
    }
}
