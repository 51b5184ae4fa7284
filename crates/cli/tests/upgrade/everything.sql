-- What a PostgreSQL database can hold beside plain tables, as far as it moves to another server.
CREATE EXTENSION hstore; CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION btree_gist;
CREATE SCHEMA app; CREATE SCHEMA "Odd Schema"; COMMENT ON SCHEMA app IS 'the app''s own';
CREATE COLLATION app.german (provider = icu, locale = 'de-u-co-phonebk'); COMMENT ON COLLATION app.german IS 'phone book';
CREATE COLLATION app.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TYPE app.mood AS ENUM ('sad','ok','happy');
CREATE FUNCTION app.is_email(t text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT t ~ '^[^@]+@[^@]+$' $$;
COMMENT ON FUNCTION app.is_email(text) IS 'looks like one';
CREATE DOMAIN app.email AS text CHECK (app.is_email(VALUE));
CREATE FUNCTION app.mail_host(e app.email) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT split_part(e::text, '@', 2) $$;
CREATE TYPE app.pair AS (a integer, b app.email);
CREATE FUNCTION app.fdiff(a float8, b float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT a - b';
CREATE TYPE app.frange AS RANGE (subtype = float8, subtype_diff = app.fdiff);
CREATE SEQUENCE app.shared START 100;
CREATE FUNCTION public.slug(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN lower(clean(t)); END $$;
CREATE FUNCTION public.clean(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT regexp_replace(t, '[^a-zA-Z]+', '-', 'g') $$;
CREATE FUNCTION app.next_code() RETURNS text LANGUAGE sql AS $$ SELECT 'c' || nextval('app.shared') $$;
CREATE TABLE app.users (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL COLLATE app.german, mail app.email, m app.mood DEFAULT 'ok',
  code text DEFAULT app.next_code(), tags hstore, ci citext, slug text GENERATED ALWAYS AS (public.slug(name)) STORED,
  p app.pair, fr app.frange, mails app.email[], nick text COLLATE app.nocase,
  CONSTRAINT users_name_check CHECK (length(public.clean(name)) > 0));
CREATE INDEX users_slug ON app.users (public.slug(name)); COMMENT ON CONSTRAINT users_name_check ON app.users IS 'named';
INSERT INTO app.users (name, mail, tags, ci, p, fr, mails, nick) SELECT 'User ' || chr(65 + i % 26) || i, 'u' || i || '@x.org', hstore('k', i::text), 'Ci' || i, ('(' || i || ',a@b)')::app.pair, app.frange(i, i+1), ARRAY['q@q']::app.email[], 'n' || i FROM generate_series(1, 1000) i;
-- partitions
CREATE TABLE app.events (id bigint NOT NULL, at date NOT NULL, kind text NOT NULL DEFAULT 'x', user_id integer REFERENCES app.users, body text, PRIMARY KEY (id, at, kind), CHECK (id > 0)) PARTITION BY RANGE (at);
CREATE TABLE app.events_2023 PARTITION OF app.events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE app.events_2024 PARTITION OF app.events (kind DEFAULT 'y', CHECK (body <> 'never')) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
CREATE TABLE app.events_2024_a PARTITION OF app.events_2024 FOR VALUES IN ('a', 'b');
CREATE TABLE "Odd Schema"."events 2024 rest" PARTITION OF app.events_2024 DEFAULT PARTITION BY HASH (id);
CREATE TABLE app.h0 PARTITION OF "Odd Schema"."events 2024 rest" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.h1 PARTITION OF "Odd Schema"."events 2024 rest" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.events_default PARTITION OF app.events DEFAULT;
CREATE INDEX events_user ON app.events (user_id); CREATE INDEX only_2023 ON app.events_2023 (body);
CREATE UNIQUE INDEX events_u ON app.events (at, id, kind);
ALTER TABLE app.events ADD CONSTRAINT events_uu UNIQUE (id, at, user_id, kind);
INSERT INTO app.events SELECT i, '2022-06-01'::date + i % 1300, (ARRAY['a','b','c','d'])[1 + i % 4], 1 + i % 1000, repeat('z', i % 50) FROM generate_series(1, 20000) i;
CREATE TABLE app.refs (id integer PRIMARY KEY, eid bigint, eat date, ekind text, FOREIGN KEY (eid, eat, ekind) REFERENCES app.events);
INSERT INTO app.refs SELECT id, id, at, kind FROM app.events LIMIT 100;
-- inheritance
CREATE TABLE app.base (a integer NOT NULL, b text DEFAULT 'b', CONSTRAINT base_a CHECK (a < 1000000));
CREATE TABLE app.child (c text, PRIMARY KEY (a)) INHERITS (app.base); ALTER TABLE app.child ALTER b SET DEFAULT 'other';
CREATE TABLE app.grandchild (d integer) INHERITS (app.child);
INSERT INTO app.base SELECT i FROM generate_series(1, 10) i; INSERT INTO app.child SELECT i, 'x', 'c' FROM generate_series(100, 199) i; INSERT INTO app.grandchild VALUES (5000, 'x', 'y', 1);
-- exclude, unlogged
CREATE TABLE app.booking (room integer, during tstzrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO app.booking SELECT i, tstzrange('2024-01-01', '2024-01-02') FROM generate_series(1, 10) i;
CREATE UNLOGGED TABLE app.scratch (x integer); INSERT INTO app.scratch SELECT generate_series(1, 5);
-- views, matviews, functions on tables
CREATE VIEW app.v_users AS SELECT id, name, app.mail_host(mail) AS host FROM app.users; COMMENT ON COLUMN app.v_users.host IS 'host';
CREATE MATERIALIZED VIEW app.mv_hosts AS SELECT host, count(*) AS n FROM app.v_users GROUP BY host; CREATE UNIQUE INDEX mv_hosts_u ON app.mv_hosts (host);
CREATE MATERIALIZED VIEW app.a_mv2 AS SELECT * FROM app.mv_hosts WHERE n > 0; COMMENT ON MATERIALIZED VIEW app.a_mv2 IS 'second';
CREATE MATERIALIZED VIEW app.mv_empty AS SELECT 1 AS one WITH NO DATA;
CREATE VIEW app.v_mv AS SELECT * FROM app.a_mv2;
CREATE FUNCTION app.user_row(integer) RETURNS app.users LANGUAGE sql STABLE AS $$ SELECT * FROM app.users WHERE id = $1 $$;
CREATE VIEW app.v_fn AS SELECT (app.user_row(1)).name AS n;
CREATE FUNCTION app.full_name(u app.users) RETURNS text LANGUAGE sql STABLE AS $$ SELECT u.name || ' <' || u.mail || '>' $$;
CREATE PROCEDURE app.tidy(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.scratch; n := 1; END $$;
CREATE AGGREGATE app.sum2(integer) (SFUNC = int4_sum, STYPE = bigint, INITCOND = '0', PARALLEL = SAFE); COMMENT ON AGGREGATE app.sum2(integer) IS 'agg';
CREATE FUNCTION app.eq(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).a = ($2).a $$;
CREATE OPERATOR app.=== (FUNCTION = app.eq, LEFTARG = app.pair, RIGHTARG = app.pair, COMMUTATOR = OPERATOR(app.===), NEGATOR = OPERATOR(app.!==));
CREATE FUNCTION app.ne(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).a <> ($2).a $$;
CREATE OPERATOR app.!== (FUNCTION = app.ne, LEFTARG = app.pair, RIGHTARG = app.pair, COMMUTATOR = OPERATOR(app.!==), NEGATOR = OPERATOR(app.===));
CREATE FUNCTION app.to_pair(integer) RETURNS app.pair LANGUAGE sql IMMUTABLE AS $$ SELECT ('(' || $1 || ',a@b)')::app.pair $$;
CREATE CAST (integer AS app.pair) WITH FUNCTION app.to_pair(integer) AS ASSIGNMENT;
CREATE FUNCTION app.icmp(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 < $2 THEN 1 WHEN $1 > $2 THEN -1 ELSE 0 END $$;
CREATE OPERATOR CLASS app.backwards FOR TYPE integer USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 app.icmp(integer, integer);
CREATE INDEX scratch_back ON app.scratch (x app.backwards);
CREATE TEXT SEARCH DICTIONARY app.my_simple (TEMPLATE = pg_catalog.simple, STOPWORDS = 'english');
CREATE TEXT SEARCH CONFIGURATION app.my_conf (COPY = pg_catalog.english); ALTER TEXT SEARCH CONFIGURATION app.my_conf ALTER MAPPING FOR asciiword WITH app.my_simple;
-- triggers, rules, policies
CREATE TABLE app.audit (id serial PRIMARY KEY, what text);
CREATE FUNCTION app.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (what) VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN NULL; END $$;
CREATE TRIGGER users_note AFTER INSERT OR UPDATE OF name ON app.users FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION app.note(); COMMENT ON TRIGGER users_note ON app.users IS 'tells';
CREATE TRIGGER users_off AFTER DELETE ON app.users FOR EACH STATEMENT EXECUTE FUNCTION app.note(); ALTER TABLE app.users DISABLE TRIGGER users_off;
CREATE TRIGGER users_always AFTER TRUNCATE ON app.users EXECUTE FUNCTION app.note(); ALTER TABLE app.users ENABLE ALWAYS TRIGGER users_always;
CREATE TRIGGER events_note AFTER INSERT ON app.events FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE CONSTRAINT TRIGGER refs_c AFTER INSERT ON app.refs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.note();
CREATE FUNCTION app.v_ins() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER v_ins INSTEAD OF INSERT ON app.v_users FOR EACH ROW EXECUTE FUNCTION app.v_ins();
CREATE RULE scratch_rule AS ON DELETE TO app.scratch WHERE OLD.x > 100 DO INSTEAD NOTHING;
CREATE TABLE app.secret (id integer PRIMARY KEY, who text); INSERT INTO app.secret VALUES (1, 'a'), (2, 'b');
ALTER TABLE app.secret ENABLE ROW LEVEL SECURITY; ALTER TABLE app.secret FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app.secret FOR SELECT TO whimbrel_test_app USING (who = current_user); CREATE POLICY every ON app.secret AS RESTRICTIVE FOR ALL USING (id > 0) WITH CHECK (id > 1);
CREATE STATISTICS app.users_stat (ndistinct, dependencies) ON name, code FROM app.users; COMMENT ON STATISTICS app.users_stat IS 'st';
CREATE PUBLICATION pub_one FOR TABLE app.users, app.audit WITH (publish = 'insert, update');
CREATE PUBLICATION pub_all FOR ALL TABLES;
CREATE FUNCTION app.evt() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'ddl %', tg_tag; END $$;
CREATE EVENT TRIGGER evt ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION app.evt();
GRANT SELECT, INSERT ON app.users TO whimbrel_test_app; GRANT UPDATE (name) ON app.users TO whimbrel_test_app WITH GRANT OPTION; GRANT SELECT ON app.v_users TO PUBLIC; GRANT SELECT ON app.mv_hosts TO whimbrel_test_app;
GRANT USAGE ON SCHEMA app TO whimbrel_test_app; GRANT USAGE ON SEQUENCE app.shared TO whimbrel_test_app; REVOKE ALL ON FUNCTION app.note() FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.note() TO whimbrel_test_app; GRANT USAGE ON TYPE app.mood TO whimbrel_test_app;
ALTER DEFAULT PRIVILEGES FOR ROLE whimbrel_test_owner IN SCHEMA app GRANT SELECT ON TABLES TO whimbrel_test_app;
ALTER TABLE app.audit OWNER TO whimbrel_test_owner;
ALTER FUNCTION public.clean(text) OWNER TO whimbrel_test_owner; ALTER VIEW app.v_fn OWNER TO whimbrel_test_owner; ALTER MATERIALIZED VIEW app.mv_hosts OWNER TO whimbrel_test_owner; ALTER TYPE app.mood OWNER TO whimbrel_test_owner; ALTER SCHEMA "Odd Schema" OWNER TO whimbrel_test_owner; ALTER SEQUENCE app.shared OWNER TO whimbrel_test_owner;
ALTER TABLE app.users CLUSTER ON users_slug; ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_pkey;
CREATE TABLE app.typed OF app.pair; CREATE TABLE app.fill (a integer PRIMARY KEY WITH (fillfactor = 70));
CREATE INDEX part_deferred ON app.users (name) INCLUDE (mail) WHERE id > 10;
-- large objects: small, of several pages, without any
SELECT lo_from_bytea(4711, 'hello');
SELECT lo_from_bytea(4712, decode(repeat('00ff10', 5000), 'hex'));
SELECT lo_create(4713);
GRANT SELECT ON LARGE OBJECT 4711 TO whimbrel_test_app;
ALTER LARGE OBJECT 4712 OWNER TO whimbrel_test_owner;
CREATE TABLE app.documents (id integer PRIMARY KEY, content oid);
INSERT INTO app.documents VALUES (1, 4711), (2, 4712);
-- A value of four bytes beside a computed one that has no portable binary form.
create table public.classes (id int primary key, n int, r regclass generated always as ('pg_catalog.pg_class'::regclass) stored);
insert into public.classes (id, n) values (1, 1234), (2, -999);
