-- Who shows a run in progress reads again only those files that were written since they looked last. Every write of
-- files of a run gives them the run's next revision; files from before this was counted have revision 1.

ALTER TABLE files ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
CREATE INDEX files_by_revision ON files (run_id, revision);
