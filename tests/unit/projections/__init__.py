"""The read side without a database: folds, months, migrations, dead letters."""
