//! Owners, privileges and policies name roles: kept where the roles are, and left out by a choice that is said.

use crate::mover::Mover;

const SCHEMA: &str = "CREATE TABLE secret (id integer PRIMARY KEY, who text); INSERT INTO secret VALUES (1, 'a'), (2, 'b');
    ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON secret USING (who = current_user); CREATE POLICY app ON secret TO whimbrel_test_app USING (true);
    GRANT SELECT ON secret TO whimbrel_test_app; GRANT SELECT (id) ON secret TO PUBLIC;
    CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION f() FROM PUBLIC;
    ALTER TABLE secret OWNER TO whimbrel_test_owner";

#[test]
fn privileges_of_roles_that_are_there_are_kept() {
    let Some(mover) = Mover::plan(SCHEMA, "", &[]) else {
        return;
    };
    assert_eq!(mover.suggested("privileges", "role whimbrel_test_app"), "keep");
    assert_eq!(mover.suggested("privileges", "role whimbrel_test_owner"), "keep");
    mover.run();
    mover.compare_dumps();
}

#[test]
fn privileges_can_be_left_out_and_the_rest_stays() {
    let decisions = ["privileges:role whimbrel_test_app=leave_out"];
    let Some(mover) = Mover::plan(SCHEMA, "", &decisions) else {
        return;
    };
    mover.run();
    let dump = mover.target.dump();
    assert!(!dump.contains("whimbrel_test_app"), "{dump}");
    for kept in [
        "CREATE POLICY own",
        "ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT(id) ON TABLE public.secret TO PUBLIC",
        "REVOKE ALL ON FUNCTION public.f() FROM PUBLIC",
        "ALTER TABLE public.secret OWNER TO whimbrel_test_owner",
    ] {
        assert!(dump.contains(kept), "{kept}\n{dump}");
    }
}
