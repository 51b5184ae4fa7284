//! The demo's rows, table by table, and the dirt among them. Which tables there are stands in `schema.sql`.

use rusqlite::types::Value;
use rusqlite::{Params, Transaction, params_from_iter};
use whimbrel_core::format_date;

use super::random::Random;
use super::words;

/// The day with which the calendar begins: 2018-01-01, as days since 1970-01-01.
const CALENDAR_FROM: i32 = 17_532;
const ROWS_PER_TABLE_MIN: i64 = 20;
const ORPHAN_ID: i64 = 9_000_000;

/// Fills all tables with about `rows` rows; events take what the others leave.
pub(super) fn fill(tx: &Transaction<'_>, rows: i64) -> rusqlite::Result<()> {
    let mut shop = Shop {
        tx,
        random: Random::seeded(2009),
        rows,
        written: 0,
    };
    people(&mut shop)?;
    goods(&mut shop)?;
    sales(&mut shop)?;
    staff(&mut shop)?;
    opinions(&mut shop)?;
    leftovers(&mut shop)?;
    shop.events()
}

struct Shop<'a> {
    tx: &'a Transaction<'a>,
    random: Random,
    rows: i64,
    written: i64,
}

impl Shop<'_> {
    /// A table's share of all rows, in hundredths of a per cent.
    fn share(&self, of_ten_thousand: i64) -> i64 {
        (self.rows * of_ten_thousand / 10_000).max(ROWS_PER_TABLE_MIN)
    }

    /// Inserts a row for each number from 1 to `count`.
    fn insert<P: Params>(
        &mut self,
        sql: &str,
        count: i64,
        mut row: impl FnMut(&mut Random, i64) -> P,
    ) -> rusqlite::Result<()> {
        let mut statement = self.tx.prepare(sql)?;
        for number in 1..=count {
            statement.execute(row(&mut self.random, number))?;
        }
        self.written += count;
        Ok(())
    }

    fn events(&mut self) -> rusqlite::Result<()> {
        let count = (self.rows - self.written).max(ROWS_PER_TABLE_MIN);
        self.insert(
            r#"INSERT INTO events ("group", name, payload, happened_at) VALUES (?, ?, ?, ?)"#,
            count,
            |random, number| {
                let payload = format!(
                    r#"{{"seq": {number}, "user": {}, "ms": {}.5, "tags": ["a", "ü", null], "ok": {}}}"#,
                    random.below(5000),
                    random.below(900),
                    number % 3 == 0
                );
                (
                    random.pick(words::GROUPS),
                    random.pick(words::EVENTS),
                    (!random.chance(10)).then_some(payload),
                    random.moment(2018, 2024),
                )
            },
        )
    }
}

/// The id of the n-th customer: every eleventh number is missing, as after years of deleting.
fn customer_id(number: i64) -> i64 {
    number + number / 10
}

fn some<T>(random: &mut Random, percent: i64, value: T) -> Option<T> {
    random.chance(percent).then_some(value)
}

fn full_name(random: &mut Random) -> String {
    format!(
        "{} {}",
        random.pick(words::FIRST_NAMES),
        random.pick(words::LAST_NAMES)
    )
}

fn people(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let customers = shop.share(600);
    shop.insert(
        "INSERT INTO customers (id, name, email, phone, birthday, newsletter, credit, notes, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        customers,
        |random, number| {
            // Some people registered twice; nobody ever made the address unique.
            let mailbox = if number % 211 == 5 { number - 1 } else { number };
            let email = format!("Customer.{mailbox}@example.org");
            let phone = format!("+49 30 {:07}", random.below(9_999_999));
            (
                customer_id(number),
                full_name(random),
                some(random, 90, email),
                some(random, 60, phone),
                some(random, 50, random_day(number)),
                random.chance(40),
                some(
                    random,
                    70,
                    [0.0, 12.5, 20.0, 99.95][usize::from(number % 3 == 0) + 2 * usize::from(number % 7 == 0)],
                ),
                some(random, 10, "calls before noon; \"difficult\""),
                random.moment(2009, 2024),
            )
        },
    )?;
    // Two addresses for every fourth customer; only one of them is for billing.
    shop.insert(
        "INSERT INTO addresses (customer_id, kind, street, zip, city, country) VALUES (?, ?, ?, ?, ?, ?)",
        customers * 5 / 4,
        |random, number| {
            let (owner, kind) = if number <= customers {
                (number, "billing")
            } else {
                (number - customers, "shipping")
            };
            let street = format!("{} {}", random.pick(words::STREETS), random.between(1, 200));
            let zip = format!("{:05}", random.below(99_999));
            (
                customer_id(owner),
                kind,
                street,
                some(random, 95, zip),
                random.pick(words::CITIES),
                random.pick(words::COUNTRIES),
            )
        },
    )
}

fn random_day(number: i64) -> String {
    let days = i32::try_from(number * 37 % 21_000).unwrap_or_default();
    format_date(days - 9_000)
}

fn goods(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let (suppliers, categories, tags, warehouses) = (shop.share(10), 80, 60, 8);
    let products = shop.share(200);
    shop.insert(
        "INSERT INTO suppliers (name, contact, country, rating) VALUES (?, ?, ?, ?)",
        suppliers,
        |random, number| {
            let rating = random.fraction(500, 100.0);
            let country = random.pick(words::COUNTRIES);
            let contact = full_name(random);
            (
                format!("{} Ltd. {number}", random.pick(words::LAST_NAMES)),
                some(random, 70, contact),
                some(random, 80, country),
                some(random, 60, rating),
            )
        },
    )?;
    shop.insert(
        "INSERT INTO categories (parent_id, name, position) VALUES (?, ?, ?)",
        categories,
        |random, number| {
            let parent = (number > 8).then(|| random.between(1, number - 1));
            let name = format!(
                "{} {}s",
                random.pick(words::ADJECTIVES),
                random.pick(words::THINGS)
            );
            (parent, name, number % 10)
        },
    )?;
    shop.insert(
        "INSERT INTO products (sku, title, category_id, supplier_id, price, weight, active, description)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        products,
        |random, number| {
            let weight = random.fraction(90_000, 1000.0);
            let (category, supplier) = (random.between(1, categories), random.between(1, suppliers));
            let title = format!(
                "{} {}",
                random.pick(words::ADJECTIVES),
                random.pick(words::THINGS)
            );
            (
                format!("SKU-{number:06}"),
                title,
                some(random, 95, category),
                some(random, 85, supplier),
                random.price(90_000),
                some(random, 80, weight),
                random.chance(90),
                some(
                    random,
                    30,
                    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
                ),
            )
        },
    )?;
    goods_in_detail(shop, products, tags, warehouses)
}

fn goods_in_detail(shop: &mut Shop<'_>, products: i64, tags: i64, warehouses: i64) -> rusqlite::Result<()> {
    shop.insert("INSERT INTO tags (name) VALUES (?)", tags, |random, number| {
        [format!("{}-{number}", random.pick(words::ADJECTIVES))]
    })?;
    shop.insert(
        "INSERT INTO product_tags (product_id, tag_id) VALUES (?, ?)",
        products * 2,
        |_, number| {
            let (product, nth) = ((number + 1) / 2, number % 2);
            (product, (product * 13 + nth * 7) % tags + 1)
        },
    )?;
    shop.insert(
        "INSERT INTO price_history (product_id, changed_at, old_price, new_price, currency) VALUES (?, ?, ?, ?, ?)",
        products * 5 / 2,
        |random, number| {
            // The n-th change of a product lies in a year of its own, so that the key is unique.
            let (product, nth) = ((number - 1) % products + 1, (number - 1) / products);
            let old = (nth > 0).then(|| random.fraction(9_000_000, 10_000.0));
            let currency = if random.chance(95) { "EUR" } else { "CHF" };
            (
                product,
                random.moment(2015 + nth, 2015 + nth),
                old,
                random.fraction(9_000_000, 10_000.0),
                currency,
            )
        },
    )?;
    shop.insert(
        "INSERT INTO warehouses (name, city) VALUES (?, ?)",
        warehouses,
        |random, number| (format!("Hall {number}"), random.pick(words::CITIES)),
    )?;
    shop.insert(
        r#"INSERT INTO stock (warehouse_id, product_id, quantity, "order", counted_at) VALUES (?, ?, ?, ?, ?)"#,
        products * 2,
        |random, number| {
            let (product, nth) = ((number + 1) / 2, number % 2);
            let (ordered, counted) = (random.below(300), random.day(2020, 2024));
            (
                (product + nth * 3) % warehouses + 1,
                product,
                random.below(1000),
                some(random, 20, ordered),
                some(random, 50, counted),
            )
        },
    )
}

fn sales(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let (customers, products, orders) = (shop.share(600), shop.share(200), shop.share(1300));
    shop.insert(
        "INSERT INTO orders (customer_id, status, created_at, shipped_at, comment) VALUES (?, ?, ?, ?, ?)",
        orders,
        |random, number| {
            // The customer was deleted while foreign keys were off.
            let customer = match number % 997 {
                13 => ORPHAN_ID + number,
                _ => customer_id(random.between(1, customers)),
            };
            let shipped = random.moment(2018, 2024);
            (
                customer,
                random.pick(words::STATUSES),
                random.moment(2018, 2024),
                some(random, 70, shipped),
                some(random, 8, "please ring twice 🔔"),
            )
        },
    )?;
    // One, two or three lines an order, two on average.
    let lines: Vec<(i64, i64)> = (1..=orders)
        .flat_map(|order| (1..=1 + order * 7 % 3).map(move |line| (order, line)))
        .collect();
    let count = i64::try_from(lines.len()).unwrap_or_default();
    let mut lines = lines.into_iter();
    shop.insert(
        "INSERT INTO order_items (order_id, line, product_id, quantity, unit_cents) VALUES (?, ?, ?, ?, ?)",
        count,
        |random, _| {
            let (order, line) = lines.next().unwrap_or_default();
            let (product, cents) = (random.between(1, products), random.between(99, 90_000));
            (order, line, product, random.between(1, 9), cents)
        },
    )?;
    money(shop, orders)
}

fn money(shop: &mut Shop<'_>, orders: i64) -> rusqlite::Result<()> {
    shop.insert(
        "INSERT INTO payments (order_id, method, amount, settled, paid_at) VALUES (?, ?, ?, ?, ?)",
        orders * 12 / 13,
        |random, number| {
            let order = if number % 1499 == 17 {
                ORPHAN_ID + number
            } else {
                number
            };
            let (settled, paid_at) = (random.chance(95), random.between(1_514_764_800, 1_735_689_600));
            (
                order,
                random.pick(words::METHODS),
                random.price(300_000),
                some(random, 97, settled),
                some(random, 90, paid_at),
            )
        },
    )?;
    shop.insert(
        "INSERT INTO invoices (number, order_id, issued, due, printed_at) VALUES (?, ?, ?, ?, ?)",
        orders * 8 / 13,
        |random, number| {
            let (due, printed) = (random.day(2018, 2024), random.moment(2018, 2024));
            (
                format!("R{}/{number:06}", 2018 + number % 7),
                number,
                random.day(2018, 2024),
                some(random, 80, due),
                some(random, 60, printed),
            )
        },
    )
}

fn staff(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let departments = i64::try_from(words::DEPARTMENTS.len()).unwrap_or_default();
    let mut names = words::DEPARTMENTS.iter();
    shop.insert(
        "INSERT INTO departments (name, head_id) VALUES (?, ?)",
        departments,
        |_, number| (names.next(), (number != 9).then_some(number)),
    )?;
    shop.insert(
        "INSERT INTO employees (department_id, manager_id, name, email, salary, hired) VALUES (?, ?, ?, ?, ?, ?)",
        shop.share(15),
        |random, number| {
            let manager = (number > 1).then(|| random.between(1, number - 1));
            let (salary, hired) = (random.price(900_000), random.day(2009, 2024));
            (
                number % departments + 1,
                manager,
                full_name(random),
                some(random, 90, format!("staff{number}@shop.example")),
                some(random, 95, salary),
                some(random, 95, hired),
            )
        },
    )
}

fn opinions(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let (customers, products, reviews) = (shop.share(600), shop.share(200), shop.share(200));
    shop.insert(
        "INSERT INTO reviews (product_id, customer_id, rating, title, body, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        reviews,
        |random, number| {
            let product = match number % 499 {
                11 => ORPHAN_ID + number,
                _ => random.between(1, products),
            };
            let customer = customer_id(random.between(1, customers));
            let (rating, title) = (random.between(1, 5), random.pick(words::TITLES));
            let (body, created) = (random.pick(words::REVIEWS), random.moment(2018, 2024));
            (
                product,
                some(random, 80, customer),
                some(random, 95, rating),
                some(random, 75, title),
                some(random, 85, body),
                some(random, 95, created),
            )
        },
    )?;
    shop.insert(
        "INSERT INTO attachments (review_id, file_name, media_type, content) VALUES (?, ?, ?, ?)",
        shop.share(15),
        |random, number| {
            let length = match number {
                2 => 0,
                3 => 300_000,
                _ => random.between(200, 4_000),
            };
            let (review, content) = (random.between(1, reviews), random.bytes(length));
            (
                some(random, 90, review),
                format!("photo {number} (größe).jpg"),
                "image/jpeg",
                (number % 40 != 7).then_some(content),
            )
        },
    )
}

fn leftovers(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    settings(shop)?;
    coupons_and_sessions(shop)?;
    calendar(shop)?;
    audit_log(shop)?;
    legacy_import(shop)
}

fn settings(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    shop.insert(
        "INSERT INTO settings (key, value, changed_at) VALUES (?, ?, ?)",
        40,
        |random, number| {
            let value = match number % 5 {
                0 => Value::Integer(number * 1000),
                1 => Value::Text(format!("on since {number}")),
                2 => Value::Real(0.5),
                3 => Value::Null,
                _ => Value::Text(number.to_string()),
            };
            (format!("shop.option.{number}"), value, random.moment(2009, 2024))
        },
    )
}

fn coupons_and_sessions(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let customers = shop.share(600);
    shop.insert(
        r#"INSERT INTO "Coupon Codes" (code, percent, "valid for ""new"" customers", "until") VALUES (?, ?, ?, ?)"#,
        shop.share(10),
        |random, number| {
            let until = random.day(2020, 2026);
            (
                // A key of text may be NULL here, and once somebody saved an empty form.
                (number != 17).then(|| format!("SAVE-{number}")),
                random.between(1, 100),
                random.chance(30),
                some(random, 70, until),
            )
        },
    )?;
    shop.insert(
        "INSERT INTO sessions (id, customer_id, started_at, user_agent, data) VALUES (?, ?, ?, ?, ?)",
        shop.share(200),
        |random, _| {
            let customer = customer_id(random.between(1, customers));
            let (agent, data) = (random.pick(words::AGENTS), random.bytes(24));
            (
                random.uuid(),
                some(random, 60, customer),
                random.moment(2023, 2024),
                some(random, 95, agent),
                some(random, 30, data),
            )
        },
    )
}

fn calendar(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    shop.insert(
        r#"INSERT INTO calendar (day, printed, week, "open", holiday) VALUES (?, ?, ?, ?, ?)"#,
        shop.share(73),
        |random, number| {
            let day = format_date(CALENDAR_FROM + i32::try_from(number).unwrap_or_default());
            let printed = printed_day(&day, number);
            let holiday = (number % 91 == 1).then_some("public holiday");
            (
                day,
                some(random, 95, printed),
                number / 7 % 53 + 1,
                number % 7 != 0,
                holiday,
            )
        },
    )
}

/// The forms in which four generations of programs wrote a day.
fn printed_day(day: &str, number: i64) -> String {
    let mut parts = day.splitn(3, '-');
    let (year, month, date) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    match number % 4 {
        0 => format!("{date}.{month}.{year}"),
        1 => format!("{month}/{date}/{year}"),
        2 => format!("{year}-{month}-{date}"),
        _ => format!("{date}th of month {month}, {year}"),
    }
}

fn audit_log(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    let mut last: Option<[Value; 5]> = None;
    shop.insert(
        "INSERT INTO audit_log (at, who, action, object, object_id) VALUES (?, ?, ?, ?, ?)",
        shop.share(250),
        |random, number| {
            // A button that could be pressed twice wrote the same line twice.
            let repeated = last.clone().filter(|_| number % 20 == 8);
            let row = repeated.unwrap_or_else(|| {
                let who = random.pick(words::FIRST_NAMES).to_owned();
                let object_id = random.below(90_000);
                [
                    Value::Text(random.moment(2018, 2024)),
                    some(random, 85, who).into(),
                    Value::Text(random.pick(words::EVENTS).to_owned()),
                    Value::Text("order".to_owned()),
                    some(random, 90, object_id).into(),
                ]
            });
            last = Some(row.clone());
            params_from_iter(row)
        },
    )
}

fn legacy_import(shop: &mut Shop<'_>) -> rusqlite::Result<()> {
    shop.insert(
        r#"INSERT INTO legacy_import ("Customer No.", "select", amount, quantity, remark, memo, raw)
           VALUES (?, ?, ?, ?, CAST(? AS TEXT), ?, ?)"#,
        shop.share(100),
        |random, number| {
            let amount = match number % 12 {
                0 => Value::Text(format!("{},50", random.below(90))),
                1 => Value::Text("n/a".to_owned()),
                2 => Value::Null,
                3 => Value::Integer(12),
                _ => Value::Real(random.price(50_000)),
            };
            let quantity = match number % 50 {
                7 => Value::Text("a dozen".to_owned()),
                _ => Value::Integer(random.below(50)),
            };
            // Bytes of Latin-1 that an importer put into a text column as they were.
            let remark: &[u8] = match number % 250 {
                3 => b"Stra\xDFe, gr\xFC\xDFe",
                _ => "Straße, grüße".as_bytes(),
            };
            let memo = if number % 300 == 5 {
                "left\0right"
            } else {
                "left right"
            };
            let raw = match number % 4 {
                0 => Value::Integer(1),
                1 => Value::Text("one".to_owned()),
                2 => Value::Real(1.25),
                _ => Value::Null,
            };
            let nothing = random.chance(5);
            (
                format!("{number:06}"),
                some(random, 80, "x"),
                amount,
                quantity,
                (!nothing).then_some(remark),
                some(random, 90, memo),
                raw,
            )
        },
    )
}
