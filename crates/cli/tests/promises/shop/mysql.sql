set sql_mode = 'STRICT_ALL_TABLES';
create table team (id bigint not null auto_increment primary key, name varchar(100) not null, lead_id bigint);
create table staff (id bigint not null auto_increment primary key, team_id bigint, boss_id bigint, name varchar(100) not null, photo blob,
  score double, constraint staff_team foreign key (team_id) references team (id), constraint staff_boss foreign key (boss_id) references staff (id));
create table visit (staff_id bigint not null, day bigint not null, note varchar(40) default 'it''s',
  seen timestamp(6) null default current_timestamp(6), primary key (staff_id, day), constraint day_positive check (day >= 0),
  constraint visit_staff foreign key (staff_id) references staff (id));
create table log (line text, level int);
create table vacant (id bigint primary key);
create index staff_name on staff (name);
create unique index visit_day on visit (day, staff_id);
create view crowd as select team_id, count(*) as people from staff group by team_id;
alter table team add constraint team_lead foreign key (lead_id) references staff (id);
create table series as select a.i + 200 * b.i + 1 as i from
  (with recursive n (i) as (select 0 union all select i + 1 from n where i < 199) select i from n) a,
  (with recursive n (i) as (select 0 union all select i + 1 from n where i < 199) select i from n) b
  where a.i + 200 * b.i + 1 <= {rows};
insert into team (name) values ('one'), ('zwei 😀'), ('');
insert into staff (id, team_id, boss_id, name, photo, score)
  select i, 1 + i % 3, case when i > 1 then 1 end, concat('näme ', i), case when i % 2 = 0 then x'00ff10' end, i / 7.0 from series order by i;
update team set lead_id = id;
insert into visit (staff_id, day, note) select i, i * 2, case when i % 3 = 0 then null else concat('x', i) end from series;
insert into log select 'same', 1 from series;
insert into log values (null, null), ('', 0);
drop table series;
