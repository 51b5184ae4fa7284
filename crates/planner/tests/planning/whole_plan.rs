//! Whole plans as a person would read them.

use crate::setup::{Setup, check, foreign_key, identity, index, key, orphans, sequence, table, text, view};
use crate::toy::Toy;

#[test]
fn from_flat_to_spacious() {
    let mut users = table(
        "users",
        "id INTEGER pk not null, email TEXT not null, at DATETIME",
    );
    identity(&mut users, "id", Some("users_id_seq"));
    users.uniques.push(key("", &["email"]));
    users.checks.push(check("", "email <> ''"));
    let mut orders = table("orders", "id INTEGER pk not null, user INTEGER, paid TEXT");
    orders.foreign_keys.push(foreign_key("", "user", "users", "id"));
    orders.indexes.push(index("orders_by_user", "user"));
    orders.columns[2].default = Some("odd()".to_owned());
    let log = table("log", "line TEXT");
    let setup = Setup::new(Toy::Flat, Toy::Spacious, vec![users, orders, log])
        .source(|catalog| {
            catalog
                .views
                .push(view("buyers", "SELECT id FROM users", &["users"]));
        })
        .profile("orders", |p| p.foreign_keys.push(orphans("user", 2)));
    insta::assert_snapshot!(text(&setup.plan()), @r#"
    tables
      log -> public.log level 0 key ()
        line TEXT -> line text as text
      users -> public.users level 0 key (id)
        id INTEGER -> id bigint as integer(64)
        email TEXT -> email text as text
        at DATETIME -> at timestamp as timestamp
      orders -> public.orders level 1 key (id)
        id INTEGER -> id bigint as integer(64)
        user INTEGER -> user bigint as integer(64)
        paid TEXT -> paid text as text
    steps
      001_create_table_public_log: ([line] text)
      002_create_table_public_users: ([id] bigint not null identity; [email] text not null; [at] timestamp; primary key users_pkey (id); check users_check_1 (email <> '')) with sequence public.users_id_seq up to 9223372036854775807
      003_create_table_public_orders: ([id] bigint not null; [user] bigint; [paid] text; primary key orders_pkey (id))
      004_add_unique_users_email_key_to_public_users: email
      005_create_index_orders_by_user_on_public_orders: (user)
      006_add_foreign_key_orders_user_fkey_to_public_orders: user -> public.users not validated
      007_create_view_public_buyers: SELECT id FROM users
    sequences
      users_id_seq -> public.users_id_seq Some((TableId { namespace: Some("public"), name: "users" }, "id"))
    findings
      decision expression_untranslated: the default of `orders.paid` cannot be carried over: function `odd` is not known
      decision orphans: rows of `orders` whose row of `users` does not exist: 2
      info no_key: `log` has no key: it is copied as one chunk and compared as a multiset
      info type_widened: `users.at`: `DATETIME` becomes `timestamp`
    "#);
}

#[test]
fn from_spacious_to_flat() {
    let mut users = table("public.users", "id integer pk not null, email text not null");
    users.columns[0].default = Some("nextval('public.users_id_seq'::regclass)".to_owned());
    users.primary_key = Some(key("users_pkey", &["id"]));
    users.comment = Some("people".to_owned());
    let mut orders = table(
        "sales.orders",
        "id bigint pk not null, user integer not null, paid boolean",
    );
    orders
        .foreign_keys
        .push(foreign_key("orders_user", "user", "public.users", "id"));
    orders.indexes.push(index("orders_by_user", "user"));
    orders.indexes[0].method = "gin".to_owned();
    let setup = Setup::new(Toy::Spacious, Toy::Flat, vec![users, orders]).source(|catalog| {
        catalog
            .sequences
            .push(sequence("public.users_id_seq", Some(("public.users", "id"))));
    });
    insta::assert_snapshot!(text(&setup.plan()), @r#"
    tables
      public.users -> users level 0 key (id)
        id integer -> id INTEGER as integer(32)
        email text -> email TEXT as text
      sales.orders -> sales_orders level 1 key (id)
        id bigint -> id INTEGER as integer(64)
        user integer -> user INTEGER as integer(32)
        paid boolean -> paid INTEGER as boolean
    steps
      001_create_table_users: ([id] INTEGER not null identity; [email] TEXT not null; primary key users_pkey (id))
      002_create_table_sales_orders: ([id] INTEGER not null; [user] INTEGER not null; [paid] INTEGER; primary key (id); foreign key orders_user (user) -> users)
    sequences
      public.users_id_seq -> users_id_seq Some((TableId { namespace: None, name: "users" }, "id"))
    findings
      decision feature_left_out: the target has no index of method `gin` for `sales.orders.orders_by_user`
      warning feature_left_out: comments on `public.users` and its parts stay behind: the target has none
      warning name_changed: the target has no namespaces: `sales.orders` becomes `sales_orders`, and so does all in namespace `sales`
      warning type_widened: `sales.orders.paid`: `boolean` becomes `INTEGER`: 0 and 1
    "#);
}
