-- How far a move of a Base44 app's records has come: written with each page, so that it goes on where it stopped.
set local role freehold_platform;
create table base44.moving (
  entity text primary key,
  since text not null default '',
  cursor text not null default '',
  copied boolean not null default false
);
grant select, insert, update, delete on base44.moving to :"owner";
reset role;
