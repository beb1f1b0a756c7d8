-- Whether a user may have anything run is told to the log after it is kept here. `standing` rises by one whenever the
-- user is disabled or enabled; `standing_told` is the one that the log is known to have. Those who were disabled before
-- this are still to be told.
alter table users add column standing integer not null default 1;
alter table users add column standing_told integer not null default 1;

update users set standing = 2 where disabled;

create index users_untold on users (id) where standing <> standing_told;
