-- Users who were disabled, whose jobs do not run; and whether a tenant has settings of its own. One that nobody created
-- may be in the table for another reason: the settings that dispatchers were started with hold for it.
alter table tenants add column own_settings boolean not null default true;
alter table tenants add column disabled_owners jsonb not null default '[]';
