delete from rule_groups where rule_id = $1 and subject = $2
