//! The 24 tables of the data set: a shop with its people, its goods and what happened there. They have what real
//! databases have and nothing that an engine lacks; the types are spelled in `dialect.rs`.

use super::schema::Code::{Country, Currency, Warehouse};
use super::schema::Fill::{
    Address, Agent, Any, Between, Blob, Code, Day, DayRule, Email, Float, Hex, Huge, Id, Moment, Note,
    Numbered, OneOf, Payload, Percent, Person, Prose, Rule, Title, Units,
};
use super::schema::Kind::{
    BigInt, Bool, Bytes, Date, Decimal, Double, Identity, Int, Json, SmallInt, Text, Timestamp, TimestampTz,
    Uuid, Varchar,
};
use super::schema::Size::{Fixed, Growing};
use super::schema::{Fill, Name, Recipe, Row, Table, always, foreign, maybe, number};

/// Days since 1970: the ends of what the tables tell of.
const Y1940: i64 = -10_958;
const Y2008: i64 = 13_879;
const Y2015: i64 = 16_436;
const Y2026: i64 = 20_454;
const Y2036: i64 = 24_106;

/// All tables, in the order of [`Name`].
pub(super) const TABLES: [Table; 24] = [
    Table {
        name: "countries",
        size: Fixed(240),
        columns: &[
            always("code", Varchar(2), Code(Country, own)),
            always("name", Varchar(80), Title),
            maybe("population", BigInt, 10, Between(0, 2_000_000_000)),
            always("in_union", Bool, Percent(12)),
        ],
        key: &["code"],
        unique: &[],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "currencies",
        size: Fixed(150),
        columns: &[
            always("code", Varchar(3), Code(Currency, own)),
            always("name", Varchar(80), Title),
            always("minor_digits", SmallInt, Between(0, 4)),
        ],
        key: &["code"],
        unique: &[],
        indexes: &[],
        foreign: &[],
    },
    Table {
        name: "warehouses",
        size: Fixed(100),
        columns: &[
            always("code", Varchar(12), Code(Warehouse, own)),
            always("name", Varchar(80), Title),
            always("country_code", Varchar(2), Code(Country, any_country)),
            maybe("latitude", Double, 20, Float),
            maybe("longitude", Double, 20, Float),
            maybe("opened_on", Date, 15, Day(Y1940, Y2026)),
        ],
        key: &["code"],
        unique: &[],
        indexes: &[],
        foreign: &[foreign(&["country_code"], Name::Countries)],
    },
    Table {
        name: "departments",
        size: Fixed(200),
        columns: &[
            always("id", Identity, Id),
            always("name", Varchar(100), Numbered("Department ")),
            maybe("head_id", BigInt, 10, Any(Name::Employees)),
            always("budget", Decimal(14, 2), Units(0, 900_000_000_000)),
        ],
        key: &["id"],
        unique: &[&["name"]],
        indexes: &[&["head_id"]],
        foreign: &[foreign(&["head_id"], Name::Employees)],
    },
    Table {
        name: "employees",
        size: Growing(20),
        columns: &[
            always("id", Identity, Id),
            always("department_id", BigInt, Any(Name::Departments)),
            maybe("manager_id", BigInt, 1, Rule(manager)),
            maybe("mentor_id", BigInt, 50, Any(Name::Employees)),
            always("full_name", Varchar(120), Person),
            maybe("born_on", Date, 5, Day(Y1940, Y2008)),
            always("salary", Decimal(12, 2), Units(1_800_000, 40_000_000)),
            always("is_active", Bool, Percent(85)),
            maybe("remarks", Text, 40, Note),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["department_id"], &["manager_id"], &["mentor_id"]],
        foreign: &[
            foreign(&["department_id"], Name::Departments),
            foreign(&["manager_id"], Name::Employees),
            foreign(&["mentor_id"], Name::Employees),
        ],
    },
    Table {
        name: "categories",
        size: Growing(2),
        columns: &[
            always("id", Identity, Id),
            maybe("parent_id", BigInt, 2, Rule(manager)),
            always("slug", Varchar(60), Numbered("category-")),
            always("title", Varchar(100), Title),
            always("position", Int, Between(0, 1000)),
        ],
        key: &["id"],
        unique: &[&["slug"]],
        indexes: &[&["parent_id"]],
        foreign: &[foreign(&["parent_id"], Name::Categories)],
    },
    Table {
        name: "users",
        size: Growing(300),
        columns: &[
            always("id", Identity, Id),
            always("email", Varchar(120), Email),
            always("display_name", Varchar(100), Person),
            always("country_code", Varchar(2), Code(Country, any_country)),
            maybe("born_on", Date, 25, Day(Y1940, Y2008)),
            always("balance", Decimal(12, 2), Units(-500_000, 9_000_000_000)),
            always("is_active", Bool, Percent(92)),
            maybe("is_verified", Bool, 30, Percent(60)),
            maybe("rating", Double, 50, Float),
            maybe("about", Text, 55, Note),
            maybe("preferences", Json, 40, Payload),
            always("created_at", TimestampTz, Moment(Y2015, Y2026)),
            maybe("seen_at", TimestampTz, 20, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[&["email"]],
        indexes: &[&["country_code"], &["created_at"]],
        foreign: &[foreign(&["country_code"], Name::Countries)],
    },
    Table {
        name: "addresses",
        size: Growing(250),
        columns: &[
            always("id", Identity, Id),
            always("user_id", BigInt, Any(Name::Users)),
            maybe("label", Varchar(60), 30, Note),
            always("street", Varchar(160), Prose(10, 40)),
            always("city", Varchar(80), Title),
            maybe("postal_code", Varchar(12), 5, Hex(6)),
            always("country_code", Varchar(2), Code(Country, any_country)),
            maybe("latitude", Double, 40, Float),
            always("is_default", Bool, Percent(40)),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["user_id"], &["country_code", "postal_code"]],
        foreign: &[
            foreign(&["user_id"], Name::Users),
            foreign(&["country_code"], Name::Countries),
        ],
    },
    Table {
        name: "sessions",
        size: Growing(100),
        columns: &[
            always("id", Uuid, Fill::Uuid),
            always("user_id", BigInt, Any(Name::Users)),
            always("token", Varchar(64), Hex(64)),
            maybe("address", Varchar(45), 3, Address),
            maybe("agent", Varchar(200), 5, Agent),
            always("created_at", TimestampTz, Moment(Y2015, Y2026)),
            maybe("expires_at", TimestampTz, 30, Moment(Y2026, Y2036)),
        ],
        key: &["id"],
        unique: &[&["token"]],
        indexes: &[&["user_id"]],
        foreign: &[foreign(&["user_id"], Name::Users)],
    },
    Table {
        name: "products",
        size: Growing(100),
        columns: &[
            always("id", Identity, Id),
            always("sku", Varchar(40), Numbered("SKU-")),
            always("title", Varchar(120), Title),
            maybe("description", Text, 10, Prose(40, 600)),
            always("category_id", BigInt, Any(Name::Categories)),
            always("price", Decimal(12, 2), Units(1, 500_000)),
            maybe("weight_kg", Double, 20, Float),
            always("is_listed", Bool, Percent(90)),
            maybe("attributes", Json, 20, Payload),
            maybe("released_on", Date, 10, Day(Y2015, Y2036)),
            always("updated_at", Timestamp, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[&["sku"]],
        indexes: &[&["category_id", "price"], &["updated_at"]],
        foreign: &[foreign(&["category_id"], Name::Categories)],
    },
    Table {
        name: "product_categories",
        size: Growing(200),
        columns: &[
            always("product_id", BigInt, Rule(half)),
            always("category_id", BigInt, Rule(category_of_half)),
            always("position", Int, Between(0, 1000)),
        ],
        key: &["product_id", "category_id"],
        unique: &[],
        indexes: &[&["category_id"]],
        foreign: &[
            foreign(&["product_id"], Name::Products),
            foreign(&["category_id"], Name::Categories),
        ],
    },
    Table {
        name: "product_images",
        size: Growing(3),
        columns: &[
            always("id", Identity, Id),
            always("product_id", BigInt, Rule(pictured)),
            always("category_id", BigInt, Rule(category_of_pictured)),
            always(
                "media_type",
                Varchar(40),
                OneOf(&["image/jpeg", "image/png", "image/webp"]),
            ),
            always("content", Bytes, Blob(10_240, 204_800)),
            maybe("thumbnail", Bytes, 50, Blob(0, 900)),
            maybe("caption", Varchar(200), 30, Note),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["product_id", "category_id"]],
        foreign: &[foreign(&["product_id", "category_id"], Name::ProductCategories)],
    },
    Table {
        name: "product_reports",
        size: Growing(60),
        columns: &[
            always("id", Identity, Id),
            always("product_id", BigInt, Any(Name::Products)),
            always("year_start", Date, Day(Y2015, Y2026)),
            always(
                "region",
                Varchar(40),
                OneOf(&["north", "south", "east", "west", "Übersee", ""]),
            ),
            always("jan_units", Int, Between(0, 100_000)),
            always("jan_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("jan_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("jan_rating", Double, 10, Float),
            always("feb_units", Int, Between(0, 100_000)),
            always("feb_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("feb_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("feb_rating", Double, 10, Float),
            always("mar_units", Int, Between(0, 100_000)),
            always("mar_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("mar_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("mar_rating", Double, 10, Float),
            always("apr_units", Int, Between(0, 100_000)),
            always("apr_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("apr_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("apr_rating", Double, 10, Float),
            always("may_units", Int, Between(0, 100_000)),
            always("may_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("may_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("may_rating", Double, 10, Float),
            always("jun_units", Int, Between(0, 100_000)),
            always("jun_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("jun_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("jun_rating", Double, 10, Float),
            always("jul_units", Int, Between(0, 100_000)),
            always("jul_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("jul_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("jul_rating", Double, 10, Float),
            always("aug_units", Int, Between(0, 100_000)),
            always("aug_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("aug_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("aug_rating", Double, 10, Float),
            always("sep_units", Int, Between(0, 100_000)),
            always("sep_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("sep_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("sep_rating", Double, 10, Float),
            always("oct_units", Int, Between(0, 100_000)),
            always("oct_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("oct_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("oct_rating", Double, 10, Float),
            always("nov_units", Int, Between(0, 100_000)),
            always("nov_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("nov_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("nov_rating", Double, 10, Float),
            always("dec_units", Int, Between(0, 100_000)),
            always("dec_revenue", Decimal(12, 2), Units(-10_000_000, 900_000_000)),
            maybe("dec_returns", SmallInt, 30, Between(0, 32_767)),
            maybe("dec_rating", Double, 10, Float),
            maybe("margin", Decimal(30, 10), 10, Huge),
            always("is_final", Bool, Percent(70)),
            always("checksum", Uuid, Fill::Uuid),
            maybe("summary", Json, 50, Payload),
            maybe("remarks", Text, 50, Note),
            maybe("digest", Bytes, 20, Blob(32, 32)),
            always("prepared_at", TimestampTz, Moment(Y2015, Y2026)),
            maybe("approved_at", Timestamp, 30, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[&["checksum"]],
        indexes: &[&["product_id", "year_start"]],
        foreign: &[foreign(&["product_id"], Name::Products)],
    },
    Table {
        name: "stock",
        size: Growing(150),
        columns: &[
            always("warehouse_code", Varchar(12), Code(Warehouse, stock_warehouse)),
            always("product_id", BigInt, Rule(stock_product)),
            always("quantity", Int, Between(-50, 100_000)),
            maybe("shelf", Varchar(60), 20, Note),
            always("counted_at", Timestamp, Moment(Y2015, Y2026)),
        ],
        key: &["warehouse_code", "product_id"],
        unique: &[],
        indexes: &[&["product_id"]],
        foreign: &[
            foreign(&["warehouse_code"], Name::Warehouses),
            foreign(&["product_id"], Name::Products),
        ],
    },
    Table {
        name: "orders",
        size: Growing(500),
        columns: &[
            always("id", Identity, Id),
            always("user_id", BigInt, Any(Name::Users)),
            maybe("address_id", BigInt, 8, Any(Name::Addresses)),
            always(
                "status",
                Varchar(20),
                OneOf(&["new", "paid", "packed", "sent", "delivered", "cancelled"]),
            ),
            always("currency_code", Varchar(3), Code(Currency, any_currency)),
            always("total", Decimal(12, 2), Units(0, 99_999_999)),
            maybe("coupon", Varchar(20), 80, Hex(10)),
            always("is_gift", Bool, Percent(6)),
            maybe("remarks", Text, 75, Note),
            always("placed_at", TimestampTz, Moment(Y2015, Y2026)),
            maybe("closed_at", TimestampTz, 15, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["user_id", "placed_at"], &["status"], &["address_id"]],
        foreign: &[
            foreign(&["user_id"], Name::Users),
            foreign(&["address_id"], Name::Addresses),
            foreign(&["currency_code"], Name::Currencies),
        ],
    },
    Table {
        name: "order_items",
        size: Growing(2000),
        columns: &[
            always("id", Identity, Id),
            always("order_id", BigInt, Rule(item_order)),
            always("line_no", SmallInt, Rule(item_line)),
            always("product_id", BigInt, Any(Name::Products)),
            always("quantity", Int, Between(1, 12)),
            always("unit_price", Decimal(12, 2), Units(1, 500_000)),
            maybe("discount", Decimal(5, 4), 70, Units(0, 9_999)),
            maybe("remarks", Varchar(120), 85, Note),
        ],
        key: &["id"],
        unique: &[&["order_id", "line_no"]],
        indexes: &[&["product_id"]],
        foreign: &[
            foreign(&["order_id"], Name::Orders),
            foreign(&["product_id"], Name::Products),
        ],
    },
    Table {
        name: "payments",
        size: Growing(400),
        columns: &[
            always("id", Uuid, Fill::Uuid),
            always("order_id", BigInt, Rule(paid_order)),
            always("amount", Decimal(14, 4), Units(0, 9_999_999_999)),
            always(
                "provider",
                Varchar(30),
                OneOf(&["card", "paypal", "sepa", "invoice", "gift card"]),
            ),
            maybe("reference", Varchar(60), 20, Hex(24)),
            maybe("details", Json, 60, Payload),
            always("paid_at", TimestampTz, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[&["order_id"]],
        indexes: &[&["paid_at"]],
        foreign: &[foreign(&["order_id"], Name::Orders)],
    },
    Table {
        name: "shipments",
        size: Growing(250),
        columns: &[
            always("id", Identity, Id),
            always("order_id", BigInt, Any(Name::Orders)),
            always("warehouse_code", Varchar(12), Code(Warehouse, any_warehouse)),
            always("tracking_code", Varchar(40), Numbered("1Z")),
            maybe("shipped_on", Date, 10, Day(Y2015, Y2026)),
            maybe("weight_kg", Double, 15, Float),
            maybe("instructions", Text, 50, Prose(5, 120)),
        ],
        key: &["id"],
        unique: &[&["tracking_code"]],
        indexes: &[&["order_id"], &["warehouse_code"]],
        foreign: &[
            foreign(&["order_id"], Name::Orders),
            foreign(&["warehouse_code"], Name::Warehouses),
        ],
    },
    Table {
        name: "events",
        size: Growing(500),
        columns: &[
            always("id", Identity, Id),
            maybe("user_id", BigInt, 25, Any(Name::Users)),
            always("trace_id", Uuid, Fill::Uuid),
            always(
                "kind",
                Varchar(40),
                OneOf(&["page_view", "search", "add_to_cart", "checkout", "login", "error"]),
            ),
            always("payload", Json, Payload),
            maybe("message", Text, 30, Prose(10, 300)),
            always("occurred_at", TimestampTz, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["user_id"], &["kind", "occurred_at"]],
        foreign: &[foreign(&["user_id"], Name::Users)],
    },
    Table {
        name: "audit_log",
        size: Growing(120),
        columns: &[
            always("logged_at", Timestamp, Moment(Y2015, Y2026)),
            maybe("actor", Varchar(120), 10, Person),
            always(
                "action",
                Varchar(20),
                OneOf(&["insert", "update", "delete", "login"]),
            ),
            maybe("old_value", Text, 50, Note),
            maybe("new_value", Text, 30, Prose(0, 200)),
            maybe("row_version", BigInt, 10, Between(i64::MIN + 1, i64::MAX)),
        ],
        key: &[],
        unique: &[],
        indexes: &[&["logged_at"]],
        foreign: &[],
    },
    Table {
        name: "reviews",
        size: Growing(150),
        columns: &[
            always("id", Identity, Id),
            always("product_id", BigInt, Any(Name::Products)),
            always("user_id", BigInt, Any(Name::Users)),
            always("stars", SmallInt, Between(1, 5)),
            maybe("sentiment", Double, 20, Float),
            maybe("title", Varchar(120), 20, Note),
            always("body", Text, Prose(0, 900)),
            always("is_public", Bool, Percent(95)),
            always("written_at", Timestamp, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["product_id", "stars"], &["user_id"]],
        foreign: &[
            foreign(&["product_id"], Name::Products),
            foreign(&["user_id"], Name::Users),
        ],
    },
    Table {
        name: "messages",
        size: Growing(100),
        columns: &[
            always("id", Identity, Id),
            always("sender_id", BigInt, Any(Name::Users)),
            always("recipient_id", BigInt, Any(Name::Users)),
            maybe("reply_to_id", BigInt, 40, Rule(earlier)),
            maybe("subject", Varchar(160), 15, Prose(4, 60)),
            always("body", Text, Prose(20, 2_500)),
            always("is_read", Bool, Percent(80)),
            always("sent_at", TimestampTz, Moment(Y2015, Y2026)),
        ],
        key: &["id"],
        unique: &[],
        indexes: &[&["recipient_id", "sent_at"], &["sender_id"], &["reply_to_id"]],
        foreign: &[
            foreign(&["sender_id"], Name::Users),
            foreign(&["recipient_id"], Name::Users),
            foreign(&["reply_to_id"], Name::Messages),
        ],
    },
    Table {
        name: "documents",
        size: Growing(20),
        columns: &[
            always("path", Varchar(80), Numbered("archive/page-")),
            maybe("owner_id", BigInt, 10, Any(Name::Employees)),
            always("title", Varchar(160), Title),
            always("content", Text, Prose(1_000, 16_000)),
            always("digest", Bytes, Blob(32, 32)),
            maybe("published_at", Timestamp, 25, Moment(Y2015, Y2026)),
        ],
        key: &["path"],
        unique: &[],
        indexes: &[&["owner_id"]],
        foreign: &[foreign(&["owner_id"], Name::Employees)],
    },
    Table {
        name: "exchange_rates",
        size: Growing(20),
        columns: &[
            always("base_code", Varchar(3), Code(Currency, rate_base)),
            always("quote_code", Varchar(3), Code(Currency, rate_quote)),
            always("day", Date, DayRule(rate_day)),
            always("rate", Decimal(20, 10), Units(1, 900_000_000_000_000_000)),
        ],
        key: &["base_code", "quote_code", "day"],
        unique: &[],
        indexes: &[&["quote_code"], &["day"]],
        foreign: &[
            foreign(&["base_code"], Name::Currencies),
            foreign(&["quote_code"], Name::Currencies),
        ],
    },
];

/// Returns what decides the rows at a scale in thousandths.
pub(super) fn recipe(seed: u64, thousandths: u64) -> Recipe {
    Recipe {
        seed,
        counts: Name::ALL.map(|name| TABLES[name as usize].rows(thousandths)),
    }
}

fn own(row: &mut Row<'_>) -> u64 {
    row.index
}

fn any_country(row: &mut Row<'_>) -> u64 {
    row.random.below(row.recipe.count(Name::Countries))
}

fn any_currency(row: &mut Row<'_>) -> u64 {
    row.random.below(row.recipe.count(Name::Currencies))
}

fn any_warehouse(row: &mut Row<'_>) -> u64 {
    row.random.below(row.recipe.count(Name::Warehouses))
}

/// Everybody but the first has one of the earlier rows above; eight share one.
fn manager(row: &mut Row<'_>) -> i64 {
    number(row.index.div_ceil(8))
}

/// The first has no earlier one.
fn earlier(row: &mut Row<'_>) -> i64 {
    if row.index == 0 {
        return 0;
    }
    number(row.random.below(row.index) + 1)
}

fn half(row: &mut Row<'_>) -> i64 {
    number(row.index / 2 + 1)
}

/// Returns the first or the second category of a product: never the same one.
fn category(row: &Row<'_>, product: u64, which: u64) -> i64 {
    let count = row.recipe.count(Name::Categories);
    let mut shared = row.shared(Name::ProductCategories, product);
    let first = shared.below(count);
    let step = shared.below(count - 1) + 1;
    let other = (first + step) % count;
    // The lesser comes first, so that the rows come in the order of their key.
    number(
        1 + if which == 0 {
            first.min(other)
        } else {
            first.max(other)
        },
    )
}

fn category_of_half(row: &mut Row<'_>) -> i64 {
    category(row, row.index / 2, row.index % 2)
}

/// Returns the index of the product that a picture shows.
fn shown(row: &Row<'_>) -> u64 {
    row.shared(Name::ProductImages, row.index)
        .below(row.recipe.count(Name::Products))
}

fn pictured(row: &mut Row<'_>) -> i64 {
    number(shown(row) + 1)
}

fn category_of_pictured(row: &mut Row<'_>) -> i64 {
    category(row, shown(row), row.index % 2)
}

/// Returns how many products a warehouse has in stock.
fn stock_each(row: &Row<'_>) -> u64 {
    row.recipe
        .count(Name::Stock)
        .div_ceil(row.recipe.count(Name::Warehouses))
}

fn stock_warehouse(row: &mut Row<'_>) -> u64 {
    row.index / stock_each(row)
}

/// Spreads the products of a warehouse evenly, in the order of the key and none twice.
fn stock_product(row: &mut Row<'_>) -> i64 {
    let each = stock_each(row);
    let step = row.recipe.count(Name::Products) / each;
    let offset = row.shared(Name::Stock, row.index).below(step);
    number(row.index % each * step + offset + 1)
}

/// Returns the order and the line of an item. Eight items belong to two orders, one to seven to the first.
fn item(row: &Row<'_>) -> (u64, u64) {
    let (group, at) = (row.index / 8, row.index % 8);
    let split = row.shared(Name::OrderItems, group).below(7) + 1;
    if at < split {
        (group * 2, at)
    } else {
        (group * 2 + 1, at - split)
    }
}

fn item_order(row: &mut Row<'_>) -> i64 {
    number(item(row).0 + 1)
}

fn item_line(row: &mut Row<'_>) -> i64 {
    number(item(row).1 + 1)
}

/// Four of five orders are paid.
fn paid_order(row: &mut Row<'_>) -> i64 {
    number(row.index + row.index / 4 + 1)
}

/// There are forty pairs of currencies.
fn rate_base(row: &mut Row<'_>) -> u64 {
    row.index % 40 / 10
}

fn rate_quote(row: &mut Row<'_>) -> u64 {
    4 + row.index % 10
}

fn rate_day(row: &mut Row<'_>) -> i64 {
    Y2015 + number(row.index / 40)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{TABLES, recipe};
    use crate::dataset::rows::{Cell, Cells, Rows};
    use crate::dataset::schema::{Column, Kind, Name, Recipe, Table};

    /// The values of a row by column; none is NULL.
    #[derive(Default)]
    struct Values(BTreeMap<&'static str, Option<String>>);

    impl Cells for Values {
        fn cell(&mut self, column: &Column, cell: Cell<'_>) {
            let is_null = cell == Cell::Null;
            assert!(!is_null || column.null_percent > 0, "{} is NULL", column.name);
            check_limits(column, cell);
            self.0
                .insert(column.name, (!is_null).then(|| format!("{cell:?}")));
        }
    }

    fn check_limits(column: &Column, cell: Cell<'_>) {
        match (column.kind, cell) {
            (Kind::Varchar(limit), Cell::Text(text)) => {
                assert!(
                    text.chars().count() <= usize::from(limit),
                    "{}: {text:?}",
                    column.name
                );
            }
            (Kind::SmallInt, Cell::Integer(value)) => {
                assert!(i16::try_from(value).is_ok(), "{}", column.name);
            }
            (Kind::Int, Cell::Integer(value)) => {
                assert!(i32::try_from(value).is_ok(), "{}", column.name);
            }
            (Kind::Decimal(digits, _), Cell::Decimal(units, _)) => {
                let length = units.unsigned_abs().to_string().len();
                assert!(length <= usize::from(digits), "{}", column.name);
            }
            _ => {}
        }
    }

    /// Calls with the values of every row.
    fn rows(recipe: &Recipe, name: Name, mut call: impl FnMut(&Values)) {
        let mut rows = Rows::new(recipe, name);
        for index in 0..recipe.count(name) {
            let mut values = Values::default();
            rows.make(index, &mut values);
            call(&values);
        }
    }

    /// Returns the values of these columns, or none if one is NULL.
    fn key(values: &Values, columns: &[&str]) -> Option<Vec<String>> {
        columns.iter().map(|column| values.0[column].clone()).collect()
    }

    #[test]
    fn tables_stand_where_their_names_say() {
        for (name, table) in Name::ALL.into_iter().zip(&TABLES) {
            assert_eq!(format!("{name:?}").to_lowercase(), table.name.replace('_', ""));
        }
    }

    #[test]
    fn keys_are_unique_and_every_reference_is_found() {
        for thousandths in [1, 3] {
            let recipe = recipe(7, thousandths);
            let mut keys: Vec<BTreeSet<Vec<String>>> = Vec::new();
            for name in Name::ALL {
                let table: &Table = &TABLES[name as usize];
                let mut own = BTreeSet::new();
                let mut others = BTreeSet::new();
                rows(&recipe, name, |values| {
                    if !table.key.is_empty() {
                        let key = key(values, table.key).unwrap();
                        assert!(own.insert(key.clone()), "{} {key:?}", table.name);
                    }
                    for columns in table.unique {
                        let unique = key(values, columns).map(|key| (columns, key));
                        assert!(others.insert(unique.unwrap()), "{} {columns:?}", table.name);
                    }
                });
                keys.push(own);
            }
            for name in Name::ALL {
                rows(&recipe, name, |values| {
                    for foreign in TABLES[name as usize].foreign {
                        let Some(key) = key(values, foreign.columns) else {
                            continue;
                        };
                        assert!(keys[foreign.parent as usize].contains(&key), "{name:?} {key:?}");
                    }
                });
            }
        }
    }

    #[test]
    fn the_headline_set_has_its_size_and_shape() {
        let headline = recipe(1, 1000);
        let total: u64 = headline.counts.iter().sum();
        assert!((5_200_000..5_300_000).contains(&total), "{total}");
        assert_eq!(headline.count(Name::OrderItems), 2_000_000);
        let widest = TABLES.iter().map(|table| table.columns.len()).max();
        assert_eq!(widest, Some(60));
        assert_eq!(TABLES.iter().filter(|table| table.key.is_empty()).count(), 1);
    }

    #[test]
    fn the_scale_changes_how_many_rows_there_are_and_keeps_their_ratios() {
        for thousandths in [1, 7, 50, 2500] {
            let recipe = recipe(1, thousandths);
            assert_eq!(recipe.count(Name::OrderItems), 2000 * thousandths);
            assert_eq!(recipe.count(Name::OrderItems), 4 * recipe.count(Name::Orders));
            assert_eq!(recipe.count(Name::Countries), 240);
        }
    }
}
