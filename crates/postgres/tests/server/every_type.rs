//! A table with every kind of type the server has, user-defined ones included, and rows at the edges of each.

pub(crate) const TYPES: &str = r#"
CREATE SCHEMA "My Types";
CREATE TYPE public.mood AS ENUM ('sad', 'it''s ok', 'happy, very');
CREATE TYPE "My Types"."Pair" AS (a integer, "B b" public.mood, c public.mood[]);
CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN public.moods AS public.mood[];
CREATE DOMAIN public.padded AS character(5);
CREATE TYPE public.mood_range AS RANGE (subtype = public.mood, multirange_type_name = public.mood_ranges);
"#;

pub(crate) const TABLE: &str = r#"
CREATE TABLE public.every_type (
  id bigint PRIMARY KEY, b boolean, i2 smallint, i4 integer, i8 bigint, n numeric, n102 numeric(10,2), f4 real, f8 double precision,
  t text, v character varying(20), c character(5), ch "char", nm name, by bytea, bi bit(3), vb bit varying(8),
  d date, ti time, ti3 time(3), tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, j json, jb jsonb,
  mo money, ine inet, cid cidr, mac macaddr, mac8 macaddr8, x xml, tv tsvector, tq tsquery, pt point, li line, ls lseg,
  bo box, pa path, po polygon, ci circle, lsn pg_lsn, o oid, ixid xid8, snap pg_snapshot,
  ai integer[], at text[], ab bytea[], an numeric[], r4 int4range, rn numrange, rts tstzrange, mr int4multirange,
  e public.mood, ea public.mood[], p "My Types"."Pair", pa2 "My Types"."Pair"[], po2 public.positive, ms public.moods,
  pd public.padded, mra public.mood_range, mrs public.mood_ranges, mraa public.mood_range[], jp jsonpath,
  g bigint GENERATED ALWAYS AS (id * 2) STORED);
"#;

pub(crate) const ROWS: &str = r#"
INSERT INTO public.every_type VALUES (1);
INSERT INTO public.every_type VALUES (2, true, -32768, -2147483648, -9223372036854775808, 'NaN', 'NaN', 'NaN', 'NaN',
  '', '', '', '', '', '', B'000', B'', '-infinity', '00:00', '24:00', '23:59:59.999999+15:59:59', '-infinity', '-infinity',
  '-178000000 years', '00000000-0000-0000-0000-000000000000', 'null', 'null', '-92233720368547758.08', '0.0.0.0/0', '0.0.0.0/0',
  '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', '<a/>', '', '', '(0,0)', '{1,1,1}', '[(0,0),(1,1)]', '((0,0),(1,1))', '[(0,0)]',
  '((0,0))', '<(0,0),0>', '0/0', 0, '0', '10:20:10,14,15',
  '{}', '{}', '{}', '{}', 'empty', 'empty', 'empty', '{}', 'sad', '{}', ROW(NULL, NULL, NULL), '{}', 1, '{}', '', 'empty', '{}', '{}', '$');
INSERT INTO public.every_type VALUES (3, false, 32767, 2147483647, 9223372036854775807, 'Infinity', 99999999.99, '-Infinity', '-0',
  E'a\\b\tc\nd\re"''', 'äöü€𝄞', 'ab', 'x', 'a name', '\x00ff5c78', B'101', B'10101010', 'infinity', '24:00:00', '12:34:56.789',
  '00:00:00-15:59:59', 'infinity', 'infinity', '178000000 years 3 mons -5 days 1.000001 sec', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '{"b":  1, "a": [1.10, 1e400]}', '{"b":  1, "a": [1.10, 1e400]}', 92233720368547758.07, '::1/128', '2001:db8::/32',
  'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', '<?xml version="1.0"?><a>ü</a>', 'a:1A fat:2B,4C ''it s'':5', 'fat & (rat | !cat:AB)',
  '(1e300,-1e-300)', '{1,-1,0}', '[(1,2),(3,4)]', '((4,3),(2,1))', '((1,2),(3,4))', '((0,0),(1,1),(2,0))', '<(1,2),3>', 'FFFFFFFF/FFFFFFFF',
  4294967295, '18446744073709551615', '1:1:',
  '[2:3][-1:0]={{1,NULL},{3,4}}', ARRAY['a', NULL, '', 'NULL', '{"'], ARRAY['\x00'::bytea, NULL], ARRAY['NaN', 1.10, -0.00]::numeric[],
  '[1,10)', '(,1.10]', '["2024-01-01 00:00+00",)', '{[1,3),[5,9)}', 'happy, very', '[0:1]={"it''s ok",NULL}',
  ROW(1, 'sad', '{happy\, very}'), ARRAY[ROW(1, NULL, '{sad,NULL}')::"My Types"."Pair", NULL], 7, '{sad,"it''s ok"}', 'x',
  '[sad,"happy, very")', '{[sad,"it''s ok"]}', ARRAY['[sad,sad]'::public.mood_range, NULL], '$.a[*] ? (@ > 1)');
INSERT INTO public.every_type (id, n, d, ts, tstz, ti, f4, f8, t) VALUES
  (4, 1.10, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '4713-01-01 00:00:00+00 BC', '12:34:56.789012', 1.17549435e-38, 5e-324, repeat('x', 100000)),
  (5, 123456789012345678901234567890.000000000000000000000000000001, '5874897-12-31', '294246-12-31 23:59:59.999999',
   '294246-12-31 23:59:59.999999+00', '00:00:00.000001', 3.4028235e38, 1.7976931348623157e308, E'\x01\x7f\u00a0');
"#;
