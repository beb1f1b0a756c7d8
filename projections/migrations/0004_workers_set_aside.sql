-- The workers that a dispatcher's partition hands nothing more, for they do not work: [{workerId, stall}].
alter table partition_owners add column set_aside jsonb not null default '[]';
