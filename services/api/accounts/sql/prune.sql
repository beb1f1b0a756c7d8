-- What is over since $1 (sessions; their tokens go with them) or $2 (attempts), at most $3 of each.
with sessions as (
    delete from accounts.sessions where id in (
        select id from accounts.sessions where idle_until < $1 limit $3
    ) returning 1
), attempts as (
    delete from accounts.attempts where (counted_by, subject) in (
        select counted_by, subject from accounts.attempts where last_at < $2 and blocked_until < $1 limit $3
    ) returning 1
)
select (select count(*) from sessions) + (select count(*) from attempts) as count
