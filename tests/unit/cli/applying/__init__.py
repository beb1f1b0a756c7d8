"""Jobs as files: what is read, what is planned, what is asked for, what is written."""
