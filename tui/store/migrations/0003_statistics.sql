-- Where a period begins: from there on, runs are read in the order of their numbers.
CREATE INDEX runs_by_start ON runs (started);
