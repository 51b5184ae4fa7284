create table team (id integer primary key autoincrement, name text not null,
  lead_id bigint references staff deferrable initially deferred);
create table staff (id integer primary key autoincrement, team_id bigint references team deferrable initially deferred,
  boss_id bigint references staff deferrable initially deferred, name text not null, photo blob, score real);
create table visit (staff_id bigint not null references staff (id), day bigint not null, note text default 'it''s',
  seen text default current_timestamp, primary key (staff_id, day), check (day >= 0));
create table log (line text, level integer);
create table vacant (id bigint primary key);
create index staff_name on staff (name);
create unique index visit_day on visit (day) where day > 1000000;
create view crowd as select team_id, count(*) as people from staff group by team_id;
create temp table series as with recursive n(i) as (select 1 union all select i + 1 from n where i < {rows}) select i from n;
insert into team (name) values ('one'), ('zwei 😀'), ('');
insert into staff (team_id, boss_id, name, photo, score)
  select 1 + i % 3, case when i > 1 then 1 end, 'näme ' || i, case when i % 2 = 0 then x'00ff10' end, i / 7.0 from series;
update team set lead_id = id;
insert into visit (staff_id, day, note) select i, i * 2, case when i % 3 = 0 then null else 'x' || i end from series;
insert into log select 'same', 1 from series;
insert into log values (null, null), ('', 0);
